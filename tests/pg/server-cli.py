#!/usr/bin/python3
"""towerctl server on a real PostgreSQL: what an administrator does, and what it finds wrong."""
import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'e2e'))

from postgres import Postgres, free_port  # pylint: disable=wrong-import-position
from tower import ROOT, TOWERCTL, run_tests  # pylint: disable=wrong-import-position

MIGRATIONS = sorted(name for name in os.listdir(os.path.join(ROOT, 'schema', 'central')) if name.endswith('.sql'))
NEWEST = len(MIGRATIONS)


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
    assert first.pop('documents') > 0 and first == {'schema': NEWEST, 'schemaBefore': 0, 'changed': True}, first
    POSTGRES.psql(name, "DELETE FROM sync.policy WHERE command = 'distributor.edit'")
    # as after a restore into a new database: what it is granted is no part of a backup
    POSTGRES.psql('postgres', f'GRANT CONNECT ON DATABASE {name} TO PUBLIC; ALTER DATABASE {name} RESET ALL')
    again = ok('init', name)
    assert again == {'schema': NEWEST, 'schemaBefore': NEWEST, 'documents': 0, 'changed': False}, again
    assert POSTGRES.psql(name, "SELECT count(*) FROM sync.policy WHERE command = 'distributor.edit'") == '1'
    assert POSTGRES.psql(name, f"SELECT has_database_privilege('tower_viewer', '{name}', 'CONNECT'), current_setting('jit')") == 'f|off'
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
    done = ok('init', name)
    assert done['documents'] > 0 and (done['schemaBefore'], done['schema']) == (4, NEWEST), done


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
    ok('add-user', 'managed', 'managed_user', '--role', 'sales', user='manager')
    assert ok('check', 'managed', user='manager') == []
    ok('remove-user', 'managed', 'managed_user', user='manager')
    # roles belong to the whole PostgreSQL: to the other databases this one is a stranger
    POSTGRES.psql('postgres', 'DROP DATABASE managed')
    POSTGRES.psql('postgres', 'DROP ROLE manager')


def test_status():
    name = database('status')
    ok('init', name)
    POSTGRES.psql(name, f'CREATE ROLE stella LOGIN; GRANT tower_sales TO stella; GRANT CONNECT ON DATABASE {name} TO stella; INSERT INTO sync.grants '
                        "SELECT 'stella', (sync.scope_ids(ARRAY['region:north']))[1]")
    status = ok('status', name)
    assert (status['schema'], status['database'], status['head'], status['leaves']) == (NEWEST, name, 1, 1), status
    assert {'login': 'stella', 'roles': ['sales'], 'scopes': ['common', 'region:north', 'team:sales'], 'superuser': False,
            'sees': ['common', 'region:north', 'team:sales'], 'sessions': 0} in status['users'], status['users']
    assert status['devices'] == [] and status['checkpoint'] is None
    note = status['logOrigin'] + r'\n1\n' + 'A' * 43 + '='
    for size, root in (0, 'ff'), (1, '00'):
        POSTGRES.psql(name, f"INSERT INTO audit.checkpoints VALUES ({size}, decode(repeat('{root}', 32), 'hex'), E'{note}', 1000)")
    assert ok('status', name)['checkpoint'] == {'origin': status['logOrigin'], 'size': 1, 'root': 'A' * 43 + '=', 'rootHex': '00' * 32,
                                                'at': '1970-01-01T00:00:01.000Z'}, ok('status', name)['checkpoint']
    text = fails(0, 'status', name, shown=True).stdout
    assert 'stella' in text and 'region:north' in text and 'Last checkpoint' in text and 'A' * 43 in text, text
    POSTGRES.psql(name, 'DROP OWNED BY stella; DROP ROLE stella')


def secret(name, text, mode=0o600):
    path = os.path.join(FOLDER, name)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, mode), 'w', encoding='utf-8') as file:
        file.write(text + '\n')
    return path


def test_add_user():
    """Signs in by SCRAM, has the rights of its roles and no others, and no password reaches a log."""
    name = database('people')
    ok('init', name)
    POSTGRES.psql(name, f"ALTER DATABASE {name} SET log_statement = 'all'")
    made = ok('add-user', name, 'Max "x"', '--role', 'sales')
    password = made.pop('password')
    assert made == {'login': 'Max "x"', 'roles': ['sales'], 'scopes': ['all'], 'sees': ['all'], 'created': True,
                    'passwordSet': True, 'withoutRecords': []}, made
    assert len(password) >= 20
    given = 'geheim genug für alle'
    ok('add-user', name, 'lea', '--role', 'legal', '--role', 'accounting', '--scope', 'region:north', '--user-password-file',
       secret('lea', given))
    assert POSTGRES.psql('postgres', "SELECT bool_and(rolpassword LIKE 'SCRAM-SHA-256$%') FROM pg_authid "
                                     "WHERE rolname IN ('lea', 'Max \"x\"')") == 't'
    ask = 'SELECT session_user, api.my_scopes() IS NOT NULL, pg_has_role(session_user, $$tower_%s$$, $$MEMBER$$)'
    sign_in = {'user': "'Max \"x\"'", 'password': password}
    assert POSTGRES.psql(name, ask % 'sales', **sign_in) == 'Max "x"|t|t'
    assert POSTGRES.psql(name, ask % 'admin', **sign_in).endswith('|f')
    assert POSTGRES.psql(name, ask % 'legal', user='lea', password=given) == 'lea|t|t'
    assert POSTGRES.psql(name, ask % 'legal', user='lea', password='geheim', check=False).returncode != 0
    for sql in ('SELECT * FROM sync.devices', 'DELETE FROM app.distributors', 'CREATE TEMP TABLE t (x int)',
                'SET ROLE tower_owner', "SELECT api.enrol(gen_random_uuid(), 'lea', '', NULL)"):
        assert 'denied' in POSTGRES.psql(name, sql, user='lea', password=given, check=False).stderr or 'enrol' in sql, sql
    with open(os.path.join(POSTGRES.folder, 'log'), encoding='utf-8') as file:
        log = file.read()
    assert 'CREATE ROLE lea' in log and given not in log and password not in log
    assert 'SCRAM-SHA-256$' in log, 'the statements are in this log'
    # again: other roles in place of those, password and scopes as they were
    again = ok('add-user', name, 'lea', '--role', 'viewer')
    assert again == {'login': 'lea', 'roles': ['viewer'], 'scopes': ['region:north'], 'sees': ['region:north'],
                     'created': False, 'passwordSet': False, 'withoutRecords': ['region:north']}, again
    assert POSTGRES.psql(name, ask % 'legal', user='lea', password=given) == 'lea|t|f'
    for code, args in ((2, ['max', '--role', 'owner']), (2, ['max', '--role', 'nonsense']), (2, ['max']),
                       (2, ['tower_max', '--role', 'sales']), (2, ['x' * 64, '--role', 'sales']),
                       (3, ['postgres', '--role', 'sales']), (2, ['max', '--role', 'sales', '--scope', 'regionnorth']),
                       (2, ['max', '--role', 'sales', '--scope', 'regin:north']),
                       (2, ['max', '--role', 'sales', '--user-password-file', secret('short', 'short')]),
                       (3, ['max', '--role', 'sales', '--user-password-file', secret('open', given, 0o644)]),
                       (4, ['max', '--role', 'sales', '--user-password-file', '/nonexistent'])):
        fails(code, 'add-user', name, *args)
    assert POSTGRES.psql(name, "SELECT count(*) FROM pg_roles WHERE rolname = 'max'") == '0'
    made = ok('add-user', name, 'kerberos', '--role', 'agent', '--no-password')
    assert 'password' not in made and made['passwordSet'] is False, made


def test_grants_end():
    """A scope with an end is seen until then; what is no time, over already or of no scope is said."""
    name = database('ends')
    ok('init', name)
    line = ['add-user', name, 'vera', '--role', 'sales', '--no-password', '--scope', 'region:north', '--scope', 'seller:A=B']
    made = ok(*line, '--until', 'region:north=2126-11-21T18:00:00Z')
    assert made['scopes'] == ['region:north', 'seller:A=B'], made
    assert made['sees'] == ['region:north until 2126-11-21T18:00:00Z', 'seller:A=B'], made
    [vera] = [user for user in ok('status', name)['users'] if user['login'] == 'vera']
    assert vera['sees'] == ['common', *made['sees'], 'team:sales'], vera
    assert 'common, region:north until 2126-11-21T18:00:00Z, seller:A=B, team:sales' in fails(0, 'status', name, shown=True).stdout
    assert 'region:north until 2126-11-21T18:00:00Z' in POSTGRES.psql(name, "SELECT value FROM audit.disclosures WHERE value LIKE '%vera%'")
    POSTGRES.psql(name, "UPDATE sync.grants SET until = clock_timestamp() WHERE until < 'infinity'")
    [vera] = [user for user in ok('status', name)['users'] if user['login'] == 'vera']
    assert vera['scopes'] == ['common', 'seller:A=B', 'team:sales'], vera
    assert [seen.split(' until ')[0] for seen in vera['sees']] == ['common', 'region:north', 'seller:A=B', 'team:sales'], vera
    assert [seen.endswith(' (ended)') for seen in vera['sees']] == [False, True, False, False], vera
    assert ok(*line, '--until', 'region:north=2126-11-21')['sees'][0] == 'region:north until 2126-11-22T00:00:00Z', 'the day is over then'
    made = ok(*line, '--until', 'seller:A=B=30d')
    assert made['sees'][0] == 'region:north' and made['sees'][1].startswith('seller:A=B until 20'), made
    assert all(' until 2' in seen for seen in ok(*line, '--until', '30d')['sees'])
    for until in 'tomorrow', 'region:north=', 'region:south=30d', '2026-06-04T09:00:00Z', '2026-06-04':
        fails(2, *line, '--until', until)
    fails(2, 'add-user', name, 'vera', '--role', 'sales', '--until', '30d')
    assert all(' until 2' in seen for seen in ok('add-user', name, 'vera', '--role', 'sales')['sees']), 'what failed changed nothing'


def test_windows():
    """A window is part of what is given; what no record fits is said, and given all the same."""
    name = database('windows')
    ok('init', name)
    POSTGRES.psql(name, 'INSERT INTO app.distributors (id, legal_name, currency, region) '
                        "VALUES (gen_random_uuid(), 'Nord', 'EUR', 'north')")
    line = ['add-user', name, 'vera', '--role', 'sales', '--no-password', '--scope', 'region:north', '--scope', 'region:nroth',
            '--scope', 'team:legal', '--scope', 'team:leagl']
    made = ok(*line, '--days', 'region:north=90')
    assert made['sees'] == ['region:north last 90 days', 'region:nroth', 'team:leagl', 'team:legal'], made
    assert made['withoutRecords'] == ['region:nroth', 'team:leagl'], made
    told = fails(0, *line, shown=True)
    assert 'region:nroth' in told.stderr and 'team:legal' not in told.stderr and 'region:north' not in told.stderr, told.stderr
    made = ok(*line, '--days', '7', '--days', 'region:north=90', '--until', 'region:north=2126-11-21T18:00:00Z')
    assert made['sees'][0] == 'region:north last 90 days until 2126-11-21T18:00:00Z' and made['sees'][1] == 'region:nroth last 7 days', made
    windows = ok('status', name)['windows']
    assert {'scope': 'region:north', 'days': 90, 'ready': False} in windows and len(windows) == 4, windows
    while POSTGRES.psql(name, 'SELECT sync.retain(500)') != '0':
        pass
    assert all(window['ready'] for window in ok('status', name)['windows'])
    text = fails(0, 'status', name, shown=True).stdout
    assert 'Retention windows' in text and 'region:north last 90 days until' in text, text
    assert ok('check', name) == []
    for days in '0', '3661', 'many', 'region:north=', 'region:south=7':
        fails(2, *line, '--days', days)


def at_terminal(typed, *command):
    """Runs a program that has a terminal, and types into it whenever it asks; its exit code and what was seen."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(command[0], command)
    seen, lines = '', list(typed)
    while True:
        try:
            seen += os.read(terminal, 1024).decode()
        except OSError:
            break
        if lines and seen.endswith(': '):
            os.write(terminal, lines.pop(0).encode())
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), seen


def comes_in(name, login):
    """False where the database does not let the login in; else whether it administers there."""
    done = POSTGRES.psql(name, "SELECT pg_has_role('tower_admin', 'MEMBER')", user=login, check=False)
    if done.returncode == 0:
        return done.stdout.strip()
    assert 'permission denied for database' in done.stderr, done.stderr
    return False


def people(name):
    return POSTGRES.psql(name, 'SELECT p.login, r.role FROM app.people p LEFT JOIN app.person_roles r ON r.person_id = p.id'
                               ' WHERE p.archived_at IS NULL ORDER BY 1, 2').splitlines()


def test_two_databases():
    """Roles belong to the whole PostgreSQL, people to one database: nobody is anything in one for what they are in another."""
    first, second = database('first'), database('second')
    ok('init', first)
    ok('add-user', first, 'alma', '--role', 'admin', '--no-password')
    ok('add-user', first, 'sven', '--role', 'sales', '--no-password')
    ok('init', second)
    assert people(first) == ['alma|admin', 'sven|sales'] and people(second) == [], people(second)
    assert comes_in(first, 'alma') == 't' and comes_in(second, 'alma') is False
    assert [user['login'] for user in ok('status', second)['users'] if user['login'] in ('alma', 'sven')] == []
    # who is somebody there is not made another by what is said here, in either direction
    for login, role in ('alma', 'viewer'), ('alma', 'sales'), ('sven', 'admin'), ('sven', 'viewer'):
        said = fails(5, 'add-user', second, login, '--role', role).stderr
        assert 'first' in said and 'same roles' in said, said
    assert people(first) == ['alma|admin', 'sven|sales'] and people(second) == [] and comes_in(second, 'alma') is False
    ok('add-user', second, 'sven', '--role', 'sales', '--scope', 'region:north')
    assert people(second) == ['sven|sales'] and comes_in(second, 'sven') == 'f'
    assert 'second' in fails(5, 'add-user', first, 'sven', '--role', 'legal').stderr
    assert ok('check', second) == [] == ok('check', first)
    # a group of the administrator's own makes nobody more than was said
    POSTGRES.psql('postgres', 'CREATE ROLE directory; GRANT tower_admin TO directory; CREATE ROLE tom LOGIN; GRANT directory TO tom')
    assert 'group' in fails(5, 'add-user', second, 'tom', '--role', 'sales').stderr and people(second) == ['sven|sales']
    POSTGRES.psql('postgres', 'DROP ROLE tom; DROP OWNED BY directory; DROP ROLE directory')
    # removed here, they stay who they are there
    fails(4, 'remove-user', second, 'alma')
    gone = ok('remove-user', second, 'sven')
    assert gone == {'login': 'sven', 'dropped': False, 'elsewhere': 'first'}, gone
    assert comes_in(second, 'sven') is False and comes_in(first, 'sven') == 'f' and people(second) == []
    assert people(first) == ['alma|admin', 'sven|sales'] and ok('check', first) == [] == ok('check', second)
    assert ok('remove-user', first, 'sven') == {'login': 'sven', 'dropped': True}
    ok('remove-user', first, 'alma')


def test_restored():
    """A backup brings no grants on the database: server init lets those in again who are in no other role than they were there."""
    name, other = database('lost'), database('kept')
    for which in name, other:
        ok('init', which)
    for login, role in ('rosa', 'sales'), ('vito', 'viewer'), ('risen', 'viewer'):
        ok('add-user', name, login, '--role', role, '--no-password')
    saved = subprocess.run(['pg_dump', POSTGRES.url(name)], check=True, capture_output=True).stdout
    POSTGRES.psql('postgres', f'DROP DATABASE {name}')
    ok('add-user', other, 'risen', '--role', 'admin', '--no-password')      # another one meanwhile, of the same name
    subprocess.run(['psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', POSTGRES.url(database(name))], input=saved, check=True, stdout=subprocess.DEVNULL)
    ok('init', name)
    assert comes_in(name, 'rosa') == 'f' and comes_in(name, 'vito') == 'f' and comes_in(name, 'risen') is False
    found = fails(1, 'check', name).json
    assert [(row['check'], row['where'], row['statement']) for row in found] == [('kept-out', 'risen', None)], found
    assert 'kept' in fails(5, 'add-user', name, 'risen', '--role', 'viewer').stderr
    ok('remove-user', name, 'risen')
    assert people(name) == ['rosa|sales', 'vito|viewer'] and ok('check', name) == [] and comes_in(other, 'risen') == 't'


def test_ask_password():
    name = database('typed')
    ok('init', name)
    line = [TOWERCTL, 'server', 'add-user', POSTGRES.url(name), 'tina', '--role', 'sales', '--ask-password']
    code, seen = at_terminal(['ein langes Wort\n', 'ein langes Wort!\n'], *line)
    assert code == 2 and 'differ' in seen and 'langes' not in seen, seen
    code, seen = at_terminal(['ein langes\x03'], *line)
    assert code == 1 and 'langes' not in seen, seen
    assert POSTGRES.psql(name, "SELECT count(*) FROM pg_roles WHERE rolname = 'tina'") == '0'
    code, seen = at_terminal(['ein langes Wort\n', 'ein langes Wort\n'], *line)
    assert code == 0 and 'langes' not in seen, seen
    assert POSTGRES.psql(name, 'SELECT session_user', user='tina', password='ein langes Wort') == 'tina'
    done = subprocess.run(['setsid', '--wait', *line], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 2 and 'terminal' in done.stderr, done.stderr


def test_sign_in():
    """Where the server asks for a password: a file of one's own, or the terminal."""
    name = database('asked')
    ok('init', name)
    POSTGRES.psql(name, "CREATE ROLE boss SUPERUSER LOGIN PASSWORD 'ein langes Wort'")
    line = [TOWERCTL, 'server', 'status', f'host=127.0.0.1 port={POSTGRES.port} dbname={name} user=boss']
    code, seen = at_terminal(['ein langes Wort\n'], *line)
    assert code == 0 and 'langes' not in seen and str(NEWEST) in seen, seen
    code, seen = at_terminal(['falsch\n'], *line)
    assert code == 3 and 'authentication failed' in seen, seen
    for code, path in ((0, secret('boss', 'ein langes Wort')), (3, secret('wrong', 'falsch')),
                       (3, secret('seen', 'ein langes Wort', 0o644))):
        done = subprocess.run([*line, '--password-file', path], capture_output=True, text=True, check=False)
        assert done.returncode == code and 'langes' not in done.stderr, done.stderr
    done = subprocess.run(line, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 3 and 'password' in done.stderr, done.stderr
    POSTGRES.psql(name, 'DROP ROLE boss')


def test_remove_user():
    name = database('leaving')
    ok('init', name)
    password = ok('add-user', name, 'otto', '--role', 'sales')['password']
    device = describe_device()
    ok('enrol-device', name, 'otto', device['file'])
    staying = subprocess.Popen(['psql', '-X', f'host=127.0.0.1 port={POSTGRES.port} dbname={name} user=otto'],
                               stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True,
                               env={**os.environ, 'PGPASSWORD': password})
    while POSTGRES.psql(name, "SELECT count(*) FROM pg_stat_activity WHERE usename = 'otto'") != '1':
        time.sleep(0.05)
    assert ok('remove-user', name, 'otto') == {'login': 'otto', 'dropped': True}
    assert POSTGRES.psql(name, "SELECT count(*) FROM pg_stat_activity WHERE usename = 'otto'") == '0'
    staying.communicate()
    assert POSTGRES.psql(name, 'SELECT 1', user='otto', password=password, check=False).returncode != 0
    assert ok('status', name)['devices'][0]['revokedAt']
    fails(4, 'remove-user', name, 'otto')
    fails(3, 'remove-user', name, 'postgres')
    POSTGRES.psql('postgres', 'CREATE ROLE stranger LOGIN')
    fails(4, 'remove-user', name, 'stranger')
    # what else hangs on a role is not ours to drop
    ok('add-user', name, 'owner_of_things', '--role', 'sales')
    POSTGRES.psql('postgres', 'CREATE TABLE things (x int); ALTER TABLE things OWNER TO owner_of_things')
    assert ok('remove-user', name, 'owner_of_things') == {'login': 'owner_of_things', 'dropped': False}
    assert POSTGRES.psql(name, "SELECT rolcanlogin, pg_has_role(oid, 'tower_viewer', 'MEMBER') FROM pg_roles "
                               "WHERE rolname = 'owner_of_things'") == 'f|f'


def describe_device():
    """A new workspace, and what it says of its device."""
    workspace = tempfile.mkdtemp(dir=FOLDER)
    subprocess.run([TOWERCTL, '-w', workspace + '/w', 'init'], check=True, capture_output=True)
    done = subprocess.run([TOWERCTL, '-w', workspace + '/w', '--json', 'device', 'show'], check=True, capture_output=True,
                          text=True)
    with open(workspace + '/device.json', 'w', encoding='utf-8') as file:
        file.write(done.stdout)
    return {**json.loads(done.stdout), 'file': workspace + '/device.json', 'workspace': workspace + '/w'}


def test_devices():
    name = database('devices')
    ok('init', name)
    ok('add-user', name, 'dora', '--role', 'sales', '--user-password-file', secret('dora', 'ein langes Wort'))
    device = describe_device()
    # logins belong to all databases of a PostgreSQL: who is let into another one is as unknown here as nobody
    elsewhere = database('devices_elsewhere')
    ok('init', elsewhere)
    ok('add-user', elsewhere, 'away', '--role', 'sales', '--no-password')
    for login in 'nobody', 'away':
        refused = fails(4, 'enrol-device', name, login, device['file'])
        assert f'no user “{login}” here; server add-user adds it' in refused.stderr, refused.stderr
    refused = fails(3, 'status', name, user='away')
    assert 'does not let “away” in' in refused.stderr and 'add-user' in refused.stderr, refused.stderr
    ok('remove-user', elsewhere, 'away')
    done = ok('enrol-device', name, 'dora', device['file'])
    assert (done['id'], done['owner'], done['publicKey']) == (device['id'], 'dora', device['publicKey']), done
    fails(5, 'enrol-device', name, 'dora', device['file'])
    fails(1, 'enrol-device', name, 'dora', secret('no-device', '{"id": "x"}'))
    fails(4, 'enrol-device', name, 'dora', '/nonexistent')
    # the workspace at hand, without a file
    other = describe_device()
    ok('enrol-device', name, 'dora', '-w', other['workspace'])
    status = ok('status', name)
    assert {(row['id'], row['signed'], row['signer']) for row in status['devices']} == {
        (device['id'], False, None), (other['id'], True, other['id'])}, status['devices']
    shown = fails(0, 'status', name, shown=True).stdout
    assert 'Vouched for by' in shown, shown
    standing = "SELECT last_n, last_sha256 FROM api.standing('%s')"
    as_dora = {'user': 'dora', 'password': 'ein langes Wort'}
    assert POSTGRES.psql(name, standing % device['id'], **as_dora) == f"{device['commands']}|{device['lastSha256']}"
    done = ok('revoke-device', name, device['id'])
    assert done['owner'] == 'dora' and done['revokedAt'], done
    assert ok('revoke-device', name, device['id'])['revokedAt'] == done['revokedAt']
    assert POSTGRES.psql(name, standing % device['id'], **as_dora) == ''
    assert 'not enrolled' in POSTGRES.psql(name, f"SELECT api.apply('{device['id']}', 1, '{{}}', '[]')", check=False,
                                           **as_dora).stderr
    fails(2, 'revoke-device', name, 'nonsense')
    fails(4, 'revoke-device', name, '00000000-0000-7000-8000-000000000000')
    # a copied workspace went on as a device without a key; an administrator gives it its own
    POSTGRES.psql(name, f"UPDATE sync.devices SET public_key = NULL WHERE id = '{other['id']}'")
    ok('enrol-device', name, 'dora', other['file'])
    assert POSTGRES.psql(name, f"SELECT encode(public_key, 'hex') FROM sync.devices WHERE id = '{other['id']}'") == other['publicKey']


def test_voucher():
    """Who vouches for a device is named. A workspace that the server does not know as an administrator's may begin, as the first
    administrator's own does, but not take the place of one that it does know."""
    name = database('vouched')
    ok('init', name)
    for login, role in ('chef', 'admin'), ('boss', 'admin'), ('boris', 'sales'):
        ok('add-user', name, login, '--role', role, '--no-password')
    chef, boss, boris, demo = (describe_device() for _ in range(4))

    def enrol(login, device, by, **how):
        return ok('enrol-device', name, login, device['file'], '-w', by['workspace'], **how)

    def vouchers():
        return {row['id']: row['vouchedBy'] for row in ok('status', name)['devices']}

    # nobody is known yet: each says who signed, whom the server does not know
    said = fails(0, 'enrol-device', name, 'boris', boris['file'], '-w', demo['workspace'], shown=True)
    assert demo['id'] in said.stderr and demo['id'] in said.stdout and 'does not know' in said.stderr, (said.stdout, said.stderr)
    assert vouchers() == {boris['id']: demo['id']}, vouchers()
    assert enrol('chef', chef, chef)['vouchedBy'] == 'chef'
    # an administrator's device takes the place of an unknown one, and of another administrator's, but no unknown one theirs
    done = enrol('boris', boris, chef, user='chef')
    assert (done['signed'], done['signer'], done['vouchedBy']) == (True, chef['id'], 'chef'), done
    for who in {}, {'user': 'chef'}:
        refused = fails(3, 'enrol-device', name, 'boris', boris['file'], '-w', demo['workspace'], **who)
        assert demo['id'] in refused.stderr and 'chef' in refused.stderr and '-w' in refused.stderr, refused.stderr
    enrol('boris', demo, chef)      # known, but no administrator's
    fails(3, 'enrol-device', name, 'boris', boris['file'], '-w', demo['workspace'])
    assert vouchers() == {boris['id']: 'chef', chef['id']: 'chef', demo['id']: 'chef'}, vouchers()
    assert 'chef' in fails(0, 'status', name, shown=True).stdout
    enrol('boss', boss, chef)
    assert enrol('boris', boris, boss)['vouchedBy'] == 'boss'
    # a device that was revoked vouches for nobody any more, and keeps nobody's place
    ok('revoke-device', name, boss['id'])
    assert vouchers()[boris['id']] == boss['id'], vouchers()
    enrol('boris', boris, chef)
    fails(3, 'enrol-device', name, 'boris', boris['file'], '-w', boss['workspace'])
    ok('revoke-device', name, chef['id'])
    assert enrol('boris', boris, demo)['vouchedBy'] == demo['id']
    for login in 'chef', 'boss', 'boris':
        ok('remove-user', name, login)


def leaves(name):
    """What the log says of administrators' acts: action, role, object, and which texts stand beside the leaf."""
    rows = POSTGRES.psql(name, "SELECT l.leaf::jsonb ->> 'action', l.leaf::jsonb ->> 'actor_role', l.leaf::jsonb ->> 'object_id', "
                               "(SELECT string_agg(d.value, ' ') FROM audit.disclosures d WHERE d.ev_id = l.ev_id), l.leaf "
                               "FROM audit.leaves l WHERE l.leaf::jsonb ->> 'action' ~ '^(user|device)' ORDER BY position")
    return [row.split('|', 4) for row in rows.splitlines()]


def test_administrator():
    """Who has the role admin enrols and revokes devices with a login of their own; others do not. The log says who did what, by
    identifiers: names stand beside it, where they can be redacted."""
    name = database('administered')
    ok('init', name)
    device, other = describe_device(), describe_device()
    for login, role in ('adam', 'admin'), ('dorothea', 'sales'):
        ok('add-user', name, login, '--role', role, '--no-password')
    assert ok('enrol-device', name, 'dorothea', device['file'], user='adam')['id'] == device['id']
    ok('enrol-device', name, 'dorothea', other['file'], user='adam')
    for verb, *args in ('status',), ('check',), ('add-user', 'emil', '--role', 'sales', '--no-password'):
        refused = fails(3, verb, name, *args, user='dorothea')
        assert 'owner of the database' in refused.stderr, (verb, refused.stderr)
    for verb, *args in ('enrol-device', 'dorothea', device['file']), ('revoke-device', device['id']):
        fails(3, verb, name, *args, user='dorothea')
    standing = f"SELECT count(*) FROM api.standing('{device['id']}')"
    assert POSTGRES.psql(name, standing, user='dorothea') == '1'
    done = ok('revoke-device', name, device['id'], user='adam')
    assert done['owner'] == 'dorothea' and done['revokedAt'], done
    assert POSTGRES.psql(name, standing, user='dorothea') == '0'
    assert ok('revoke-device', name, device['id'], user='adam') == done, 'once is enough'
    fails(4, 'revoke-device', name, '00000000-0000-7000-8000-000000000000', user='adam')
    fails(5, 'enrol-device', name, 'dorothea', device['file'], user='adam')
    ok('remove-user', name, 'dorothea')
    said = leaves(name)
    assert [row[0] for row in said] == ['user.add', 'user.add', 'device.enrol', 'device.enrol', 'device.revoke', 'user.remove',
                                        'device.revoke'], said
    assert [row[1] for row in said] == ['owner', 'owner', 'admin', 'admin', 'admin', 'owner', 'owner'], said
    assert [row[2] for row in said if row[0].startswith('device')] == [device['id'], other['id'], device['id'], other['id']], said
    assert all('dorothea' not in row[4] for row in said) and 'dorothea' in said[2][3] and device['publicKey'] in said[2][3], said
    ok('remove-user', name, 'adam')


# What an owner or superuser may break: the check that finds it, the statements that break it, and those that mend it where
# the check has none itself.
DEFECTS = [
    ('public-privileges', 'GRANT SELECT ON api.distributors TO PUBLIC', None),
    ('public-privileges', 'GRANT SELECT (legal_name) ON app.distributors TO PUBLIC', None),
    ('public-privileges', 'GRANT EXECUTE ON FUNCTION sync.load_policy(jsonb) TO PUBLIC', None),
    ('public-privileges', 'GRANT USAGE ON SCHEMA audit TO PUBLIC', None),
    ('public-privileges', 'GRANT CREATE ON SCHEMA public TO PUBLIC', None),
    ('public-privileges', 'GRANT CONNECT ON DATABASE checked TO PUBLIC', None),
    ('temp', 'GRANT TEMPORARY ON DATABASE checked TO PUBLIC', None),
    ('temp', 'GRANT TEMPORARY ON DATABASE checked TO tower_sales', None),
    ('temp', 'GRANT CREATE ON DATABASE checked TO tower_viewer', None),
    ('wrong-grants', 'GRANT INSERT ON app.distributors TO tower_sales', None),
    ('wrong-grants', 'GRANT SELECT ON sync.devices TO tower_admin', None),
    ('wrong-grants', 'GRANT SELECT ON app.distributors TO "Carl C"', None),
    ('wrong-grants', 'GRANT UPDATE (legal_name) ON app.distributors TO tower_sales', None),
    ('wrong-grants', 'GRANT EXECUTE ON FUNCTION sync.load_policy(jsonb) TO tower_admin', None),
    ('wrong-grants', 'GRANT USAGE ON SEQUENCE sync.commit_number TO tower_viewer', None),
    ('wrong-grants', 'GRANT USAGE ON SCHEMA sync TO tower_viewer', None),
    ('wrong-grants', 'GRANT CREATE ON SCHEMA app TO tower_admin', None),
    ('missing-grants', 'REVOKE SELECT ON api.distributors FROM tower_viewer', None),
    ('missing-grants', 'REVOKE EXECUTE ON FUNCTION api.my_scopes() FROM tower_viewer',
     'GRANT EXECUTE ON FUNCTION api.my_scopes() TO tower_viewer'),
    ('default-privileges', 'ALTER DEFAULT PRIVILEGES FOR ROLE tower_owner GRANT INSERT ON TABLES TO tower_sales',
     'ALTER DEFAULT PRIVILEGES FOR ROLE tower_owner REVOKE INSERT ON TABLES FROM tower_sales'),
    ('owners', 'ALTER TABLE app.distributors OWNER TO "Carl C"', None),
    ('owners', 'ALTER FUNCTION api.my_scopes() OWNER TO postgres', None),
    ('row-security', 'ALTER TABLE app.distributors DISABLE ROW LEVEL SECURITY', None),
    ('row-policies', 'CREATE POLICY everything ON app.distributors FOR SELECT USING (true)', None),
    ('row-policies', 'ALTER POLICY seen ON app.distributors USING (true OR scopes && (SELECT api.my_scopes()))',
     'ALTER POLICY seen ON app.distributors USING (scopes && (SELECT api.my_scopes()))'),
    ('row-policies', 'DROP POLICY seen ON app.distributors',
     'CREATE POLICY seen ON app.distributors FOR SELECT USING (scopes && (SELECT api.my_scopes()))'),
    ('views', 'ALTER VIEW api.distributors SET (security_invoker = false)', None),
    ('search-path', 'ALTER FUNCTION api.my_scopes() RESET search_path', None),
    ('search-path', 'ALTER FUNCTION api.my_scopes() SET search_path = pg_temp, pg_catalog', None),
    ('triggers-off', 'ALTER TABLE app.distributors DISABLE TRIGGER capture_update', None),
    ('triggers-off', 'ALTER TABLE audit.leaves DISABLE TRIGGER immutable', None),
    ('triggers-missing', 'DROP TRIGGER stamp_row ON app.distributors',
     'CREATE TRIGGER stamp_row BEFORE INSERT OR UPDATE ON app.distributors FOR EACH ROW EXECUTE FUNCTION sync.stamp_row(1)'),
    ('triggers-missing', 'DROP TRIGGER never_emptied ON audit.leaves',
     'CREATE TRIGGER never_emptied BEFORE TRUNCATE ON audit.leaves EXECUTE FUNCTION audit.immutable()'),
    ('unknown-tables', 'SET ROLE tower_owner; CREATE TABLE app.notebook (x int); ALTER TABLE app.notebook ENABLE ROW LEVEL SECURITY; '
     'CREATE POLICY seen ON app.notebook FOR SELECT USING (false)', 'DROP TABLE app.notebook'),
    ('rewrite-rules', 'CREATE RULE quietly AS ON DELETE TO app.distributors DO INSTEAD NOTHING', None),
    ('connect', 'GRANT CONNECT ON DATABASE checked TO tower_viewer', None),
    ('connect', 'GRANT CONNECT ON DATABASE checked TO elsewhere', None),
    ('kept-out', 'REVOKE CONNECT ON DATABASE checked FROM "Carl C"', None),
    ('kept-out', 'REVOKE CONNECT ON DATABASE checked FROM "Carl C"', 'init'),
    ('groups', 'ALTER ROLE tower_sales LOGIN', None),
    ('groups', 'ALTER ROLE tower_admin BYPASSRLS', None),
    ('memberships', 'GRANT tower_owner TO "Carl C"', None),
    ('memberships', 'GRANT tower_admin TO tower_sales', None),
    ('memberships', 'GRANT tower_sales TO "Carl C" WITH ADMIN OPTION', 'REVOKE ADMIN OPTION FOR tower_sales FROM "Carl C"'),
    ('memberships', 'GRANT pg_read_all_data TO "Carl C"', None),
    ('privileged-users', 'ALTER ROLE "Carl C" BYPASSRLS', None),
    ('privileged-users', 'ALTER ROLE "Carl C" SUPERUSER', None),
    ('functions', "SET ROLE tower_owner; CREATE FUNCTION api.back_door() RETURNS void LANGUAGE sql SECURITY DEFINER "
     "SET search_path = pg_catalog, pg_temp AS 'DELETE FROM audit.origin'; GRANT EXECUTE ON FUNCTION api.back_door() TO tower_sales",
     'DROP FUNCTION api.back_door()'),
    ('functions', 'CREATE OR REPLACE FUNCTION sync.now_ms() RETURNS bigint LANGUAGE sql STABLE '
     "SET search_path = pg_catalog, pg_temp AS 'SELECT 0::bigint'", 'now_ms'),
    ('statistics', 'ALTER TABLE app.orders ALTER COLUMN total_minor SET STATISTICS -1', None),
    ('limits', 'ALTER ROLE "Carl C" CONNECTION LIMIT -1', None),
    ('limits', 'ALTER ROLE "Carl C" RESET ALL', None),
    ('stallers', 'REVOKE pg_signal_backend FROM tower_owner', None),
    ('disk', 'GRANT EXECUTE ON FUNCTION pg_catalog.lo_create(oid) TO PUBLIC', None),
    ('passwords', "SET password_encryption = 'md5'; ALTER ROLE \"Carl C\" PASSWORD 'geheim'", 'ALTER ROLE "Carl C" PASSWORD NULL'),
    ('password-encryption', "ALTER DATABASE checked SET password_encryption = 'md5'", 'ALTER DATABASE checked RESET password_encryption'),
    ('policy-missing', "DELETE FROM sync.policy WHERE command = 'distributor.edit'", 'init'),
    ('policy-extra', "INSERT INTO sync.policy VALUES ('anything.goes', '{viewer}', NULL, '{}')", 'init'),
    ('policy-differs', "UPDATE sync.policy SET roles = roles || '{viewer}' WHERE command = 'distributor.edit'", 'init'),
    ('policy-differs', "UPDATE sync.policy SET predicate = NULL WHERE predicate IS NOT NULL", 'init'),
]


def test_check():
    """Each planted defect is found under its own name; what the finding says mends it: the next is found alone."""
    name = database('checked')
    ok('init', name)
    ok('add-user', name, 'Carl C', '--role', 'sales')
    ok('init', database('unchecked'))
    ok('add-user', 'unchecked', 'elsewhere', '--role', 'sales')
    assert ok('check', name) == []
    assert 'Nothing is wrong' in fails(0, 'check', name, shown=True).stderr
    problems = []
    now_ms = POSTGRES.psql(name, "SELECT pg_get_functiondef('sync.now_ms'::regproc)")
    for check, plant, mend in DEFECTS:
        POSTGRES.psql(name, plant)
        done = tower('check', name)
        found = {row['check'] for row in done.json} if isinstance(done.json, list) else done.stderr
        if done.returncode != 1 or found != {check}:
            problems.append(f'{plant}: exit {done.returncode}, {found}')
        elif not all(row['where'] and row['problem'] and row['advice'] for row in done.json):
            problems.append(f'{plant}: {done.json}')
        if mend == 'init':
            ok('init', name)
        elif mend:
            POSTGRES.psql(name, now_ms if mend == 'now_ms' else mend)
        else:
            for row in done.json if isinstance(done.json, list) else []:
                POSTGRES.psql(name, row['statement'])
    assert not problems, '\n'.join(problems)
    assert ok('check', name) == []


def test_check_sessions():
    name = database('watched')
    ok('init', name)
    root = subprocess.Popen(['psql', '-X', POSTGRES.url(name) + ' application_name=sneaky'], stdin=subprocess.PIPE,
                            stdout=subprocess.DEVNULL, text=True)
    while POSTGRES.psql(name, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'sneaky'") != '1':
        time.sleep(0.05)
    done = fails(1, 'check', name)
    assert [row['check'] for row in done.json] == ['superuser-sessions'] and 'sneaky' in done.json[0]['where'], done.json
    text = fails(1, 'check', name, shown=True).stdout
    assert 'sneaky' in text and 'pg_terminate_backend' in text, text
    root.communicate()
    assert ok('check', name) == []


def test_check_version():
    name = database('versions')
    fails(4, 'check', name)
    ok('init', name)
    POSTGRES.psql(name, f"INSERT INTO tower_migrations (number, name) VALUES ({NEWEST + 1}, 'of tomorrow')")
    assert [row['check'] for row in fails(1, 'check', name).json] == ['schema']
    POSTGRES.psql(name, f'DELETE FROM tower_migrations WHERE number >= {NEWEST}')
    assert 'init' in fails(1, 'check', name).json[0]['advice']


def demo_server(folder):
    """./dev server without the building: its process and the address it prints."""
    process = subprocess.Popen([os.path.join(ROOT, 'tests', 'pg', 'demo-server.sh'), TOWERCTL, folder], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, env={**os.environ, 'CT_SERVER_PORT': str(free_port())})
    url = process.stdout.readline().strip()
    assert url, process.stderr.read()
    return process, url


def test_demo_server():
    """Starts, lets each role in with the password of its file, stops with Ctrl+C, and has its data the next time."""
    os.chmod(FOLDER, 0o711)
    folder = os.path.join(FOLDER, 'demo')
    for _ in range(2):
        process, url = demo_server(folder)
        passwords = os.path.join(folder, 'passwords')
        assert os.stat(passwords).st_mode & 0o777 == 0o600
        for role in ('viewer', 'sales', 'accounting', 'logistics', 'legal', 'partner', 'admin', 'agent'):
            done = subprocess.run(['psql', '-X', '-A', '-t', url.replace('sales@', role + '@'), '-c',
                                   f"SELECT session_user, pg_has_role(session_user, 'tower_{role}', 'MEMBER')"],
                                  env={**os.environ, 'PGPASSFILE': passwords}, capture_output=True, text=True, check=False)
            assert done.stdout.strip() == f'{role}|t', done.stderr
        port = url.rsplit(':', 1)[1].split('/')[0]
        done = subprocess.run([TOWERCTL, '--json', 'server', 'check', f'host={folder} port={port} dbname=tower user=postgres'],
                              capture_output=True, text=True, check=False)
        assert json.loads(done.stdout) == [], done.stdout
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        assert not os.path.exists(os.path.join(folder, 'data', 'postmaster.pid')), 'it stopped in good order'
    stranger = os.path.join(FOLDER, 'stranger')
    os.mkdir(stranger)
    secret('stranger/file', 'mine')
    done = subprocess.run([os.path.join(ROOT, 'tests', 'pg', 'demo-server.sh'), TOWERCTL, stranger], capture_output=True, text=True,
                          check=False, timeout=60)
    assert done.returncode == 1 and 'not a folder' in done.stderr and os.listdir(stranger) == ['file'], done.stderr


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
    nobody = fails(4, 'status', 'no_such_database')
    assert 'no_such_database' in nobody.stderr, nobody.stderr


def main():
    tests = [value for name, value in globals().items() if name.startswith('test_')]
    try:
        run_tests(tests)
    finally:
        POSTGRES.stop()
        shutil.rmtree(FOLDER, ignore_errors=True)


main()
