#!/usr/bin/python3
"""Prints what one `meson test` run came to, as its last line: 'N passed, N failed[, N skipped]'.

summary.py BUILD: reads BUILD/meson-logs/testlog.json. A program that speaks TAP counts its cases, any other one
counts as one case. A program that crashed, timed out or stopped before its plan was fulfilled counts one failure
more where none of its cases says so. Exits 1 if anything failed or nothing passed.
"""
import json
import re
import sys

CASE = re.compile(r'^(not )?ok\b(?:\s+\d+)?\s*(?:-\s*)?([^#\n]*)(?:#\s*(\w+))?', re.I)


def cases_of(stdout):
    """(name, 'passed' | 'failed' | 'skipped') for every top-level TAP line."""
    for line in stdout.splitlines():
        case = CASE.match(line)
        if not case:
            continue
        directive = (case.group(3) or '').lower()
        if directive.startswith('skip'):
            yield case.group(2).strip(), 'skipped'
        elif case.group(1) and not directive.startswith('todo'):
            yield case.group(2).strip(), 'failed'
        else:
            yield case.group(2).strip(), 'passed'


def main():
    count = {'passed': 0, 'failed': 0, 'skipped': 0}
    try:
        log = open(sys.argv[1] + '/meson-logs/testlog.json', encoding='utf-8', errors='replace').read().splitlines()
    except FileNotFoundError:
        log = []
    for program in map(json.loads, log):
        result = program['result']
        good = result in ('OK', 'EXPECTEDFAIL', 'SKIP')
        cases = list(cases_of(program.get('stdout') or ''))
        if not cases:
            cases = [(result, 'skipped' if result == 'SKIP' else 'passed' if good else 'failed')]
        elif not good and all(state != 'failed' for _, state in cases):
            cases.append((f'ended with {result}', 'failed'))
        for name, state in cases:
            count[state] += 1
            if state == 'failed':
                print('FAILED', program['name'], name)
    line = f'{count["passed"]} passed, {count["failed"]} failed'
    print(line + (f', {count["skipped"]} skipped' if count['skipped'] else ''))
    sys.exit(1 if count['failed'] or not count['passed'] else 0)


main()
