#!/usr/bin/python3
"""Runs the measurements and prints a table of figure, target, result, verdict.

run.py BUILD [--only NAME]... [--scale] [--json FILE] [--list]

A measurement is a program of the `benches` table in tests/meson.build. For each figure it prints one line of JSON on
stdout, everything else it says goes to stderr:

  {"figure": "import of 200,000 rows ÷ plain INSERTs", "target": 1.5, "relation": "<=", "result": 1.21,
   "unit": "ratio", "detail": "4.81 s ÷ 3.97 s"}

`relation` is "<=" or ">="; the verdict is computed here. A program that fails, or prints no figure, is a missed
target. Exits 1 if any target was missed.
"""
import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PROGRAM_SECONDS = 3600


def benches_of(build):
    """What the build says about its benchmarks: name, command, environment, what it needs."""
    with open(os.path.join(build, 'meson-info', 'intro-benchmarks.json'), encoding='utf-8') as file:
        listed = json.load(file)
    return [{'name': bench['name'], 'command': bench['cmd'], 'env': bench['env'],
             **{need: any(suite.endswith(need) for suite in bench['suite']) for need in ('display', 'scale')}} for bench in listed]


def command_of(bench):
    """The measurement's command; one that shows windows gets a session bus and an X server of its own."""
    if not bench['display']:
        return bench['command']
    for tool in ('dbus-run-session', 'xvfb-run'):
        if not shutil.which(tool):
            raise SystemExit(f'bench: {tool} is missing; ./dev bench installs it')
    return ['dbus-run-session', '--', 'xvfb-run', '-a', '-s', '-screen 0 1600x1000x24', *bench['command']]


def figures_in(output, name):
    for line in output.splitlines():
        if not line.startswith('{'):
            continue
        figure = json.loads(line)
        target, result = float(figure['target']), float(figure['result'])
        relation = figure.get('relation', '<=')
        if relation not in ('<=', '>='):
            raise ValueError(f'{name}: relation {relation!r} is neither <= nor >=')
        met = result <= target if relation == '<=' else result >= target
        yield {'bench': name, 'figure': figure['figure'], 'relation': relation, 'target': target, 'result': result,
               'unit': figure.get('unit', 'ratio'), 'detail': figure.get('detail', ''),
               'verdict': 'met' if met else 'MISSED'}


def failure(name, what):
    return {'bench': name, 'figure': name, 'relation': '', 'target': None, 'result': None, 'unit': '', 'detail': what,
            'verdict': 'FAILED'}


def environment_of(bench, scratch):
    """The caller's environment with a home of its own, so that nothing of a person is read or changed."""
    homes = ('HOME', 'TMPDIR', 'XDG_RUNTIME_DIR', 'XDG_DATA_HOME', 'XDG_CONFIG_HOME', 'XDG_CACHE_HOME')
    env = {**os.environ, **bench['env'], **dict.fromkeys(homes, scratch)}
    if bench['display']:
        env.pop('DBUS_SESSION_BUS_ADDRESS', None)
    return env


def run(bench):
    """Every figure of one measurement, or the one line that says why there is none."""
    name = bench['name']
    with tempfile.TemporaryDirectory(prefix='ct-bench-', ignore_cleanup_errors=True) as scratch:
        process = subprocess.Popen(command_of(bench), env=environment_of(bench, scratch), stdout=subprocess.PIPE,
                                   text=True, start_new_session=True)
        try:
            output, _ = process.communicate(timeout=PROGRAM_SECONDS)
        except (subprocess.TimeoutExpired, KeyboardInterrupt) as stop:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if isinstance(stop, KeyboardInterrupt):
                raise
            return [failure(name, f'still running after {PROGRAM_SECONDS} s')]
    try:
        figures = list(figures_in(output, name))
    except (ValueError, KeyError, TypeError) as error:
        return [failure(name, f'a figure is malformed: {error}')]
    if process.returncode != 0:
        figures.append(failure(name, f'ended with status {process.returncode}'))
    return figures or [failure(name, 'printed no figure')]


def number(value, unit):
    if value is None:
        return '–'
    text = f'{value:.0f}' if abs(value) >= 100 else f'{value:.1f}' if abs(value) >= 10 else f'{value:.2f}'
    return text if unit in ('', 'ratio') else f'{text} {unit}'


def print_table(figures):
    rows = [('figure', 'target', 'result', 'verdict', 'measured')]
    for one in figures:
        sign = {'<=': '≤ ', '>=': '≥ '}.get(one['relation'], '')
        rows.append((one['figure'], sign + number(one['target'], one['unit']), number(one['result'], one['unit']),
                     one['verdict'], one['detail']))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for index, row in enumerate(rows):
        print('  '.join(cell.ljust(width) for cell, width in zip(row, widths)) + '  ' + row[4])
        if index == 0:
            print('  '.join('─' * width for width in widths))


def main():
    parser = argparse.ArgumentParser(description='Measure Control Tower.')
    parser.add_argument('build')
    parser.add_argument('--only', action='append', metavar='NAME', help='only this measurement; may be repeated')
    parser.add_argument('--scale', action='store_true', help='only those that fill gigabytes and take minutes')
    parser.add_argument('--json', metavar='FILE', help='write the figures there as well')
    parser.add_argument('--list', action='store_true', help='list the measurements')
    options = parser.parse_args()
    benches = benches_of(options.build)
    if options.only:
        unknown = set(options.only) - {bench['name'] for bench in benches}
        if unknown:
            parser.error('no such measurement: ' + ', '.join(sorted(unknown)))
        benches = [bench for bench in benches if bench['name'] in options.only]
    else:
        benches = [bench for bench in benches if bench['scale'] == options.scale]
    if options.list:
        print('\n'.join(bench['name'] for bench in benches))
        return 0
    figures = []
    for bench in benches:
        print(f'measuring {bench["name"]} …', file=sys.stderr, flush=True)
        started = time.monotonic()
        figures += run(bench)
        print(f'  {time.monotonic() - started:.0f} s', file=sys.stderr, flush=True)
    print_table(figures)
    missed = [one for one in figures if one['verdict'] != 'met']
    print(f'\n{len(figures) - len(missed)} of {len(figures)} targets met')
    if options.json:
        with open(options.json, 'w', encoding='utf-8') as file:
            json.dump({'measured_at': time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime()), 'figures': figures}, file,
                      indent=2, ensure_ascii=False)
            file.write('\n')
    return 1 if missed or not figures else 0


if __name__ == '__main__':
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
