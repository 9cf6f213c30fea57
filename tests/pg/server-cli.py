#!/usr/bin/python3
"""towerctl server on a real PostgreSQL: what an administrator does, and what it finds wrong."""
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'e2e'))

from tower import ROOT, TOWERCTL, run_tests  # pylint: disable=wrong-import-position

MIGRATIONS = sorted(os.listdir(os.path.join(ROOT, 'schema', 'central')))
NEWEST = len(MIGRATIONS)


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


class Postgres:
    """tests/pg/server.sh, for as long as the tests run."""

    def __init__(self):
        for _ in range(3):
            self.port = free_port()
            self.process = subprocess.Popen([os.path.join(ROOT, 'tests', 'pg', 'server.sh'), str(self.port)],
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            line = self.process.stdout.readline()
            if line.startswith('ready '):
                self.folder = line.removeprefix('ready ').strip()
                return
        raise RuntimeError('PostgreSQL does not start')

    def stop(self):
        self.process.stdin.close()
        self.process.wait()

    def url(self, database, user='postgres'):
        return f'host={self.folder} port={self.port} dbname={database} user={user}'

    def psql(self, database, sql, user='postgres', password=None, check=True):
        """Runs statements; with a password over TCP, as a person at another machine would. What they print."""
        host = '127.0.0.1' if password else self.folder
        done = subprocess.run(['psql', '-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1',
                               f'host={host} port={self.port} dbname={database} user={user}', '-c', sql],
                              env={**os.environ, 'PGPASSWORD': password or ''}, capture_output=True, text=True, check=False)
        if check and done.returncode != 0:
            raise AssertionError(f'{sql}: {done.stderr}')
        return done.stdout.strip() if check else done


POSTGRES = Postgres()
FOLDER = tempfile.mkdtemp(prefix='ct-server-cli-')


def tower(verb, database, *args, user='postgres', schema=None, shown=False):
    """towerctl server VERB; with the data of another folder where a test needs a schema of its own."""
    env = {**os.environ, **({'CT_DATADIR': schema} if schema else {})}
    done = subprocess.run([TOWERCTL, *([] if shown else ['--json']), 'server', verb, POSTGRES.url(database, user), *args],
                          env=env, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=120)
    try:
        done.json = json.loads(done.stdout)
    except ValueError:
        done.json = None
    return done


def ok(verb, database, *args, **options):
    done = tower(verb, database, *args, **options)
    assert done.returncode == 0, f'{verb} {args}: exit {done.returncode}: {done.stderr} {done.stdout[:500]}'
    return done.json


def fails(code, verb, database, *args, **options):
    done = tower(verb, database, *args, **options)
    assert done.returncode == code, f'{verb} {args}: exit {done.returncode}, not {code}: {done.stderr} {done.stdout[:500]}'
    return done


def database(name):
    POSTGRES.psql('postgres', f'CREATE DATABASE {name}')
    return name


def own_schema(name):
    """A copy of the program's data, to be changed."""
    folder = os.path.join(FOLDER, name)
    shutil.copytree(os.path.join(ROOT, 'schema'), os.path.join(folder, 'schema'))
    return folder


def test_init_twice():
    name = database('twice')
    fails(4, 'status', name)
    first = ok('init', name)
    assert first == {'schema': NEWEST, 'schemaBefore': 0, 'changed': True}, first
    POSTGRES.psql(name, "DELETE FROM sync.policy WHERE command = 'distributor.edit'")
    again = ok('init', name)
    assert again == {'schema': NEWEST, 'schemaBefore': NEWEST, 'changed': False}, again
    assert POSTGRES.psql(name, "SELECT count(*) FROM sync.policy WHERE command = 'distributor.edit'") == '1'
    assert 'already' in fails(0, 'init', name, shown=True).stderr


def test_init_resumed():
    """A migration that fails leaves nothing behind, and the next run goes on from there."""
    name, data = database('broken'), own_schema('broken')
    path = os.path.join(data, 'schema', 'central', MIGRATIONS[4])
    with open(path, encoding='utf-8') as file:
        whole = file.read()
    with open(path, 'w', encoding='utf-8') as file:
        file.write(whole + '\nSELECT 1/0;\n')
    done = fails(1, 'init', name, schema=data)
    assert MIGRATIONS[4] in done.stderr and 'division by zero' in done.stderr, done.stderr
    assert POSTGRES.psql(name, 'SELECT max(number) FROM tower_migrations') == '4'
    assert POSTGRES.psql(name, "SELECT to_regclass('audit.leaves') IS NULL") == 't'
    assert ok('init', name) == {'schema': NEWEST, 'schemaBefore': 4, 'changed': True}


def test_init_killed():
    """kill -9 in the middle of a migration leaves the server as it was before it."""
    name = database('killed')
    ok('init', name)
    data = own_schema('killed')
    with open(os.path.join(data, 'schema', 'central', f'{NEWEST + 1:03}-slow.sql'), 'w', encoding='utf-8') as file:
        file.write('SET LOCAL ROLE tower_owner; CREATE TABLE app.half (x int); SELECT pg_sleep(600);')
    env = {**os.environ, 'CT_DATADIR': data}
    init = subprocess.Popen([TOWERCTL, 'server', 'init', POSTGRES.url(name)], env=env)
    sleeping = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'killed' AND wait_event = 'PgSleep'"
    while POSTGRES.psql('postgres', sleeping) != '1':
        assert init.poll() is None
        time.sleep(0.05)
    init.kill()
    init.wait()
    POSTGRES.psql('postgres', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'killed'")
    assert POSTGRES.psql(name, "SELECT to_regclass('app.half') IS NULL") == 't'
    assert ok('init', name)['changed'] is False


def test_init_newer():
    name = database('newer')
    ok('init', name)
    POSTGRES.psql(name, f"INSERT INTO tower_migrations (number, name) VALUES ({NEWEST + 1}, 'of tomorrow')")
    done = fails(5, 'init', name)
    assert str(NEWEST + 1) in done.stderr and 'newer program' in done.stderr, done.stderr


def test_managed():
    """Where nobody is superuser: a login that owns its database and may create roles."""
    POSTGRES.psql('postgres', 'CREATE ROLE manager LOGIN CREATEROLE')
    POSTGRES.psql('postgres', 'CREATE DATABASE managed OWNER manager')
    ok('init', 'managed', user='manager')
    ok('init', 'managed', user='manager')
    assert ok('status', 'managed', user='manager')['schema'] == NEWEST


def test_status():
    name = database('status')
    ok('init', name)
    POSTGRES.psql(name, 'CREATE ROLE stella LOGIN; GRANT tower_sales TO stella; INSERT INTO sync.grants '
                        "SELECT 'stella', (sync.scope_ids(ARRAY['region:north']))[1]")
    status = ok('status', name)
    assert (status['schema'], status['database'], status['head'], status['leaves']) == (NEWEST, name, 0, 0), status
    assert {'login': 'stella', 'roles': ['sales'], 'scopes': ['common', 'region:north'], 'superuser': False,
            'sessions': 0} in status['users'], status['users']
    assert status['devices'] == []
    text = fails(0, 'status', name, shown=True).stdout
    assert 'stella' in text and 'region:north' in text, text


def test_addresses():
    """No password on a command line, no unverified connection to another machine."""
    def run(address):
        return subprocess.run([TOWERCTL, '--json', 'server', 'status', address], capture_output=True, text=True,
                              check=False, timeout=60)
    for address in ('postgresql://u:geheim@127.0.0.1/x', 'host=127.0.0.1 password=geheim', 'nonsense = = '):
        done = run(address)
        assert done.returncode == 2 and 'geheim' not in done.stderr + done.stdout, (address, done.stderr)
    for address in ('postgresql://db.example.com/x?sslmode=require', 'host=/tmp,192.0.2.1 sslmode=prefer', 'service=x'):
        done = run(address)
        assert done.returncode == 3, (address, done.stderr)
    # verified where nothing is said: the server of the tests speaks no TLS, and is taken for another machine
    done = run(f'host=127.0.0.2 port={POSTGRES.port} dbname=postgres user=postgres connect_timeout=5')
    assert done.returncode == 1 and 'verif' not in done.stdout, done.stderr
    nobody = fails(1, 'status', 'no_such_database')
    assert 'no_such_database' in nobody.stderr, nobody.stderr


def main():
    tests = [value for name, value in globals().items() if name.startswith('test_')]
    try:
        run_tests(tests)
    finally:
        POSTGRES.stop()
        shutil.rmtree(FOLDER, ignore_errors=True)


main()
