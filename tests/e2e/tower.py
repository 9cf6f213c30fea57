"""What the end-to-end tests share: running towerctl, a Slack-compatible server, TAP."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import traceback

ROOT = os.environ.get('CT_SOURCE_ROOT', os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
BUILD = os.environ.get('CT_BUILD_ROOT', os.path.join(ROOT, '_build'))
TOWERCTL = os.path.join(BUILD, 'src', 'cli', 'towerctl')
SHARED = os.path.join(os.path.dirname(ROOT), 'shared')


class Skip(Exception):
    """The test needs something that is not here."""


class Tower:
    """A workspace in a temporary folder and the command line on it."""

    def __init__(self, *init):
        self.folder = tempfile.mkdtemp(prefix='ct-e2e-')
        self.workspace = os.path.join(self.folder, 'workspace')
        self.ok('init', *init)

    def run(self, *args, now=None, user=None, timeout=300, shown=False):
        """Runs a verb with --json (@shown: as people see it); the finished process, its answer parsed as .json."""
        command = [TOWERCTL, '-w', self.workspace] + ([] if shown else ['--json'])
        if now:
            command += ['--now', now]
        if user:
            command += ['--as', user]
        done = subprocess.run([*command, *args], capture_output=True, text=True, timeout=timeout, check=False,
                              stdin=subprocess.DEVNULL)
        try:
            done.json = json.loads(done.stdout)
        except ValueError:
            done.json = None
        return done

    def ok(self, *args, **options):
        done = self.run(*args, **options)
        if done.returncode != 0:
            raise AssertionError(f'{args}: exit {done.returncode}: {done.stderr.strip()} {done.stdout.strip()[:300]}')
        return done.json

    def fails(self, code, *args, **options):
        done = self.run(*args, **options)
        assert done.returncode == code, f'{args}: exit {done.returncode}, not {code}: {done.stderr} {done.stdout[:300]}'
        return done

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)


class Slack:
    """tests/http/slack-server.py on a free loopback port."""

    def __init__(self, folder, token='xoxb-test', channel='#ops'):
        port_file = os.path.join(folder, 'slack-port')
        self.log = os.path.join(folder, 'slack-log')
        self.process = subprocess.Popen([sys.executable, os.path.join(ROOT, 'tests', 'http', 'slack-server.py'), '--port-file',
                                         port_file, '--log', self.log, '--token', token, '--channel', channel])
        for _ in range(200):
            if os.path.exists(port_file) and open(port_file, encoding='utf-8').read().strip():
                break
            time.sleep(0.05)
        self.url = 'http://127.0.0.1:' + open(port_file, encoding='utf-8').read().strip()
        self.token_file = os.path.join(folder, 'slack-token')
        with open(os.open(self.token_file, os.O_WRONLY | os.O_CREAT, 0o600), 'w', encoding='utf-8') as file:
            file.write(token + '\n')

    def requests(self):
        with open(self.log, encoding='utf-8') as file:
            return [json.loads(line) for line in file]

    def stop(self):
        self.process.terminate()
        self.process.wait()


def run_tests(tests):
    """Prints TAP for functions named in order; each gets nothing and raises to fail."""
    print(f'1..{len(tests)}')
    for number, test in enumerate(tests, 1):
        name = test.__name__.removeprefix('test_').replace('_', '-')
        try:
            test()
            print(f'ok {number} {name}', flush=True)
        except Skip as reason:
            print(f'ok {number} {name} # SKIP {reason}', flush=True)
        except Exception:  # pylint: disable=broad-except
            for line in traceback.format_exc().splitlines():
                print('#', line)
            print(f'not ok {number} {name}', flush=True)
