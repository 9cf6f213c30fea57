#!/usr/bin/python3
"""Two people, each with a workspace, and one central server: the real programs on a real PostgreSQL."""
import contextlib
import json
import os
import sqlite3
import subprocess
import tempfile
import time

from postgres import Postgres
from tower import BUILD, ROOT, TOWERCTL, Tower, run_tests

TOWERD = os.path.join(BUILD, 'src', 'daemon', 'towerd')
POSTGRES = Postgres()
FOLDER = tempfile.mkdtemp(prefix='ct-central-')


def server(*args):
    """towerctl server as the administrator."""
    done = subprocess.run([TOWERCTL, '--json', 'server', *args], capture_output=True, text=True, check=False, timeout=120,
                          stdin=subprocess.DEVNULL)
    assert done.returncode == 0, f'{args}: {done.stderr}'
    return json.loads(done.stdout)


def make_server(name):
    POSTGRES.psql('postgres', f'CREATE DATABASE {name}')
    server('init', POSTGRES.url(name))
    return name


class Station(Tower):
    """A person's workspace, not yet connected."""

    def __init__(self, database, login, role='sales', enrolled=True):
        super().__init__()
        self.database, self.login = database, login
        self.password = f'Passwort von {login} in {database}'
        server('add-user', POSTGRES.url(database), login, '--role', role, '--scope', 'all', '--user-password-file',
               self.secret())
        self.url = f'postgresql://{login}@127.0.0.1:{POSTGRES.port}/{database}'
        if enrolled:
            self.enrol()

    def enrol(self):
        path = os.path.join(self.folder, 'device.json')
        with open(path, 'w', encoding='utf-8') as file:
            json.dump(self.ok('device', 'show'), file)
        return server('enrol-device', POSTGRES.url(self.database), self.login, path)['id']

    def secret(self, password=None):
        path = os.path.join(self.folder, 'password')
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 'w', encoding='utf-8') as file:
            file.write((password or self.password) + '\n')
        return path

    def connect(self, *args):
        return self.ok('connect', self.url, '--password-file', self.secret(), '--plain-password', *args)

    def rows(self, sql):
        """What the replica itself holds."""
        with contextlib.closing(sqlite3.connect(os.path.join(self.workspace, 'replica.db'))) as replica:
            return replica.execute(sql).fetchall()

    def sync(self):
        return self.ok('sync', '--once')

    def status(self):
        return self.ok('sync', 'status')


class Service(Station):
    """The workspace of the team's service, whose key signs the server's log."""

    def __init__(self, database, login='robot'):
        super().__init__(database, login, 'agent')
        self.vkey = self.ok('audit', 'key')['vkey']
        self.connect()
        server('set-log-key', POSTGRES.url(database), self.vkey)

    def work(self):
        """A round of towerd's."""
        done = subprocess.run([TOWERD, '-w', self.workspace, '--once'], capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stderr
        report = json.loads(done.stdout.splitlines()[0])
        assert report['problems'] == [], report
        return report


def test_sending_stops():
    """Whoever stops all sending is told when that is in force; a second stop is no fault, and a resume goes through after it."""
    database = make_server('stops')
    ada, ben = Station(database, 'ada', 'admin'), Station(database, 'bea', 'logistics')
    for person in (ada, ben):
        person.connect()
    POSTGRES.psql('postgres', f'ALTER DATABASE {database} WITH ALLOW_CONNECTIONS false')
    POSTGRES.psql('postgres', f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'")
    asked = ben.fails(1, 'channel', 'stop-all')
    assert asked.json == {'stopped': False, 'sending': 'stopping'} and 'as soon as the server' in asked.stderr, (asked.json, asked.stderr)
    health = ben.run('health', '--quick').json
    assert (health['sendingStopped'], health['sending']) == (False, 'stopping'), health
    POSTGRES.psql('postgres', f'ALTER DATABASE {database} WITH ALLOW_CONNECTIONS true')
    assert ben.sync()['state'] == 'in_sync' and ben.ok('health', '--quick')['sending'] == 'stopped'
    for person in (ben, ada, ada):
        assert person.ok('channel', 'stop-all') == {'stopped': True, 'sending': 'stopped'}
        assert person.status()['inTray'] == 0, person.ok('attention', 'list')
    assert ada.ok('channel', 'resume') == {'stopped': False, 'sending': 'on'}
    assert ben.sync()['inTray'] == 0 and ben.ok('health', '--quick')['sending'] == 'on'
    ben.ok('channel', 'stop-all')     # which she has not heard of
    assert ada.ok('channel', 'resume') == {'stopped': False, 'sending': 'on'}


def test_connect_and_share():
    """What one makes the other has, under the number that the server gave; connecting twice changes nothing."""
    database = make_server('share')
    anna, ben = Station(database, 'anna'), Station(database, 'ben')
    assert anna.status() == {'mode': 'standalone', 'state': 'saved_locally'}
    joined = anna.connect()
    assert (joined['mode'], joined['state'], joined['user'], joined['server']) == ('connected', 'in_sync', 'anna', anna.url), joined
    ben.connect()
    made = anna.ok('distributor', 'create', '--legal-name', 'Nordwind', '--currency', 'EUR')
    assert '~' in made['number'], made
    local = anna.rows('SELECT n FROM distributors')
    waiting = anna.status()
    assert (waiting['state'], waiting['pending']) == ('pending', 1) and waiting['oldestPending'], waiting
    health = anna.ok('health')
    assert health['integrity'] == 'ok', 'with a change that waits'
    assert health['mode'] == 'connected' and (health['sync']['state'], health['sync']['pending'], health['sync']['tray']) == (
        'pending', 1, 0) and health['sync']['lastSuccess'] == joined['lastSuccess'], health
    after = anna.sync()
    assert (after['state'], after['pending'], after['oldestPending'], after['round']['settled']) == ('in_sync', 0, None, 1), after
    assert anna.rows('SELECT n FROM distributors') == local, 'lists and open panes know it by this number'
    again = anna.connect()
    assert again['round']['rows'] == 0 and again['state'] == 'in_sync', again
    assert ben.sync()['round']['rows'] == 1
    rows = ben.ok('distributor', 'list')
    assert len(rows) == 1 and rows[0]['legalName'] == 'Nordwind' and '~' not in rows[0]['number'], rows
    assert anna.ok('distributor', 'list') == rows
    for station in (anna, ben):
        done = station.fails(4, 'audit', 'verify')
        assert 'Nobody signs' in done.stderr, done.stderr
    service = Service(database)
    service.work()
    for station in (anna, ben):
        station.sync()
        proved = station.ok('audit', 'verify', '--state')
        assert proved['rows'] >= 1 and proved['hidden'] == proved['gone'] == 0 and proved['leaves'] == proved['size'], proved
        assert station.status()['log']['unproved'] == 0, station.status()
        with open(os.path.join(station.workspace, 'replica.db'), 'rb') as file:
            assert station.password.encode() not in file.read(), 'the password is kept apart'


def test_waits_for_the_server():
    """Whoever gives a command in a team is told that it waits for the server, how many do, and what sends them."""
    database = make_server('waits')
    anna = Station(database, 'wanda')
    alone = anna.run('distributor', 'create', '--legal-name', 'Alone', shown=True)
    assert alone.returncode == 0 and not alone.stderr, alone.stderr
    anna = Station(database, 'willa')
    anna.connect()
    one = anna.run('distributor', 'create', '--legal-name', 'Nordwind', '--currency', 'EUR', shown=True)
    assert one.returncode == 0 and '1 change waits for the server' in one.stderr and 'towerctl sync' in one.stderr, one.stderr
    assert 'waits for' not in one.stdout, one.stdout
    silent = anna.run('distributor', 'create', '--legal-name', 'Ostwind', '--currency', 'EUR')
    assert silent.returncode == 0 and not silent.stderr, silent.stderr
    three = anna.run('distributor', 'create', '--legal-name', 'Westwind', '--currency', 'EUR', shown=True)
    assert '3 changes wait for the server' in three.stderr, three.stderr
    for reads in (['distributor', 'list'], ['sync', 'status'], ['sync', '--once']):
        done = anna.run(*reads, shown=True)
        assert done.returncode == 0 and 'for the server' not in done.stderr, done.stderr


def test_configured():
    """A new server has the shipped rules, agents and templates; who joins has them; what an administrator made of them stays."""
    database = make_server('configured')
    anna = Station(database, 'aida', role='admin')
    tables = ('rules', 'agent_profiles', 'templates', 'guardrails', 'calendars', 'sla_policies', 'routes')
    own = {table: anna.rows(f'SELECT name, body FROM {table} ORDER BY name') for table in tables}
    anna.connect()
    for table, documents in own.items():
        assert documents and anna.rows(f'SELECT name, body FROM {table} ORDER BY name') == documents, table
    POSTGRES.psql(database, "UPDATE app.rules SET archived_at = 1 WHERE name = 'stock-short'")
    again = server('init', POSTGRES.url(database))
    assert again['documents'] == 0 and not again['changed'], again
    assert POSTGRES.psql(database, 'SELECT count(archived_at) FROM app.rules') == '1'
    assert POSTGRES.psql(database, "SELECT count(*) FROM audit.leaves WHERE leaf LIKE '%server.configure%'") == '1'


def test_first_load():
    """A workspace that comes later has all of it at once."""
    database = make_server('later')
    anna = Station(database, 'anna')
    anna.connect()
    for number in range(20):
        anna.ok('distributor', 'create', '--legal-name', f'Distributor {number}', '--currency', 'EUR')
    sent = anna.sync()
    assert sent['round']['settled'] == 20, sent
    ben = Station(database, 'ben')
    loaded = ben.connect()
    assert loaded['round']['rows'] >= 20, loaded
    assert ben.ok('distributor', 'list') == anna.ok('distributor', 'list')
    assert ben.status()['lastCheck']['different'] == 0, ben.status()
    with sqlite3.connect(os.path.join(ben.workspace, 'replica.db')) as replica:
        replica.execute('DELETE FROM products')
        replica.execute('UPDATE distributors SET rev = rev + 1 WHERE rowid IN (SELECT rowid FROM distributors LIMIT 3)')
    found = ben.ok('sync', 'check')
    assert (found['different'], found['mended']) == (3, 3), found
    assert ben.ok('sync', 'check')['different'] == 0
    assert ben.status()['lastCheck']['different'] == 0
    assert ben.ok('distributor', 'list') == anna.ok('distributor', 'list')


def test_refused():
    """Who may not come in learns why, and their workspace stays as it was."""
    database = make_server('refused')
    anna = Station(database, 'anna', enrolled=False)
    done = anna.fails(3, 'connect', anna.url, '--password-file', anna.secret(), '--plain-password')
    device = anna.ok('device', 'show')
    for word in ('not enrolled for anna', device['publicKey'], device['id'], 'server enrol-device'):
        assert word in done.stderr, done.stderr
    anna.enrol()
    done = anna.fails(3, 'connect', anna.url, '--password-file', anna.secret('something else'), '--plain-password')
    assert 'password authentication failed' in done.stderr and 'something else' not in done.stderr, done.stderr
    done = anna.fails(3, 'connect', anna.url)
    assert 'asks for a password' in done.stderr, done.stderr
    done = anna.fails(1, 'connect', f'postgresql://anna@127.0.0.1:1/{database}')
    assert 'Cannot connect' in done.stderr, done.stderr
    POSTGRES.psql('postgres', 'CREATE DATABASE plain')
    done = anna.fails(4, 'connect', f'host={POSTGRES.folder} port={POSTGRES.port} dbname=plain user=postgres')
    assert 'not a Control Tower server' in done.stderr, done.stderr
    done = anna.fails(3, 'connect', 'postgresql://anna@192.0.2.1/x?sslmode=require')
    assert 'verify-full' in done.stderr, done.stderr
    anna.fails(2, 'connect', f'postgresql://anna:{anna.password}@127.0.0.1:{POSTGRES.port}/{database}')
    done = anna.fails(1, 'connect', anna.url, '--password-file', anna.secret())
    assert '--plain-password' in done.stderr, 'there is no keyring here'
    POSTGRES.psql(database, 'UPDATE sync."window" SET newest = 1')
    done = anna.fails(3, 'connect', anna.url, '--password-file', anna.secret(), '--plain-password')
    assert 'version of the program' in done.stderr, done.stderr
    POSTGRES.psql(database, 'UPDATE sync."window" SET newest = 999999')
    assert anna.status()['mode'] == 'standalone'
    anna.ok('distributor', 'create', '--legal-name', 'Own', '--currency', 'EUR')
    done = anna.fails(3, 'connect', anna.url, '--password-file', anna.secret(), '--plain-password')
    assert 'data of its own' in done.stderr, done.stderr
    assert anna.status()['mode'] == 'standalone' and anna.ok('distributor', 'list')[0]['legalName'] == 'Own'
    anna.fails(4, 'sync', '--once')
    anna.fails(4, 'disconnect')


def test_import_by_role():
    """Who may not make a record does not import it either: which table of which file is said before anything is queued."""
    database = make_server('files')
    anna = Station(database, 'anna')
    anna.connect()
    folder = os.path.join(ROOT, 'seeds', 'demo')
    for more in ([], ['--dry-run']):
        done = anna.fails(3, 'import', 'canonical', folder, *more)
        for words in 'invoices (invoices.csv)', 'shipments (shipments.csv)', 'shipment_events (shipment_events.csv)', 'administrator':
            assert words in done.stderr, done.stderr
        assert 'orders' not in done.stderr, done.stderr
        assert anna.status()['pending'] == 0 and anna.rows('SELECT count(*) FROM distributors') == [(0,)]
    for name in 'distributors.csv', 'products.csv', 'orders.csv':
        assert anna.ok('import', 'canonical', os.path.join(folder, name))['rejected'] == 0
    anna.sync()
    state = anna.ok('health', '--quick')['sync']
    assert (state['state'], state['pending'], state['tray']) == ('in_sync', 0, 0), state
    # a step that an edit does not take is refused for its row, and stops nothing
    path = os.path.join(anna.folder, 'orders.csv')
    with open(path, 'w', encoding='utf-8') as file:
        file.write('number,distributor,currency,status\nORD-2026-1000,DIST-0025,EUR,draft\nORD-2026-1001,DIST-0018,EUR,invoiced\n')
    again = anna.ok('import', 'canonical', path)
    assert (again['changed'], again['rejected']) == (1, 1), again
    assert (again['errors'][0]['line'], again['errors'][0]['reason']) == (2, 'It cannot go from "delivered" to "draft" this way'), again
    anna.sync()
    assert anna.ok('health', '--quick')['sync']['tray'] == 0
    assert anna.rows("SELECT status FROM orders WHERE number LIKE 'ORD-2026-100_' ORDER BY number LIMIT 2") == [('delivered',), ('invoiced',)]


def test_sums_of_files():
    """An order whose lines do not add up, as its file has it, stops nobody: it is moved and dated, its distributor changes, and what
    follows is sent."""
    database = make_server('sums')
    server('add-user', POSTGRES.url(database), 'wim', '--role', 'sales', '--scope', 'all', '--days', '30', '--no-password')
    anna = Station(database, 'anna')
    anna.connect()
    numbers = {}
    for name in 'Nordwind', 'Suedwind':
        anna.ok('distributor', 'create', '--legal-name', name, '--currency', 'EUR', '--region', 'north')
        anna.sync()
        numbers[name] = next(row['number'] for row in anna.ok('distributor', 'list') if row['legalName'] == name)
    folder, today = os.path.join(anna.folder, 'files'), time.strftime('%Y-%m-%d', time.gmtime())
    os.mkdir(folder)
    with open(os.path.join(folder, 'orders.csv'), 'w', encoding='utf-8') as file:
        file.write(f'number,distributor,status,ordered_on,currency,total\nORD-2026-7000,{numbers["Nordwind"]},confirmed,{today},EUR,112.00\n')
    with open(os.path.join(folder, 'order_lines.csv'), 'w', encoding='utf-8') as file:
        file.write('order,position,sku,quantity,currency,unit_price,total\nORD-2026-7000,1,A,1,EUR,100.00,100.00\n'
                   'ORD-2026-7000,2,B,3,EUR,0.33,1.00\n')
    assert anna.ok('import', 'canonical', folder)['rejected'] == 0
    anna.sync()
    scopes = "SELECT string_agg(DISTINCT scopes::text, ' ') FROM app.order_lines"
    before = POSTGRES.psql(database, scopes)
    anna.ok('order', 'edit', 'ORD-2026-7000', '--ordered-on', '2026-01-02')
    after = anna.sync()
    assert (after['state'], after['pending'], after['inTray']) == ('in_sync', 0, 0), after
    assert POSTGRES.psql(database, scopes) not in ('', before), 'its lines leave the window with it'
    anna.ok('distributor', 'edit', numbers['Nordwind'], '--region', 'south')
    anna.ok('order', 'edit', 'ORD-2026-7000', '--distributor', numbers['Suedwind'])
    anna.ok('order', 'edit', 'ORD-2026-7000', '--notes', 'Moved')
    anna.ok('distributor', 'create', '--legal-name', 'Later', '--currency', 'EUR')
    after = anna.sync()
    assert (after['state'], after['pending'], after['inTray'], after['round']['settled']) == ('in_sync', 0, 0, 4), after
    assert POSTGRES.psql(database, "SELECT string_agg(region, ' ' ORDER BY legal_name) FROM app.distributors") == 'south north'
    assert POSTGRES.psql(database, "SELECT concat_ws(' ', d.legal_name, o.ordered_on, o.notes, o.total_minor, sum(l.total_minor)) FROM app.orders o"
                         ' JOIN app.distributors d ON d.id = o.distributor_id JOIN app.order_lines l ON l.order_id = o.id'
                         ' GROUP BY o.id, d.id') == 'Suedwind 2026-01-02 Moved 11200 10100'


def test_changed_since_enrolled():
    database = make_server('changed')
    anna = Station(database, 'anna')
    made = anna.ok('distributor', 'create', '--legal-name', 'Own', '--currency', 'EUR')
    anna.ok('undo')
    assert anna.ok('distributor', 'list') == [], made
    done = anna.fails(5, 'connect', anna.url, '--password-file', anna.secret(), '--plain-password')
    assert 'after its device was enrolled' in done.stderr, done.stderr
    assert anna.status()['mode'] == 'standalone'


def test_two_edits():
    """Of different columns both count; of the same one the later waits for a decision and nothing is lost."""
    database = make_server('edits')
    anna, ben = Station(database, 'anna'), Station(database, 'ben')
    anna.connect()
    ben.connect()
    anna.ok('distributor', 'create', '--legal-name', 'Nordwind', '--currency', 'EUR')
    anna.sync()
    ben.sync()
    number = anna.ok('distributor', 'list')[0]['number']
    anna.ok('distributor', 'edit', number, '--city', 'Tartu')
    ben.ok('distributor', 'edit', number, '--legal-name', 'Nordwind AG')
    anna.sync()
    ben.sync()
    anna.sync()
    for station in (anna, ben):
        row = station.ok('distributor', 'show', number)
        assert (row['legalName'], row['city']) == ('Nordwind AG', 'Tartu'), row
    anna.ok('distributor', 'edit', number, '--city', 'Narva')
    ben.ok('distributor', 'edit', number, '--city', 'Riga')
    anna.sync()
    after = ben.sync()
    assert (after['inTray'], after['pending']) == (1, 0), after
    assert ben.ok('distributor', 'show', number)['city'] == 'Narva' and anna.status()['inTray'] == 0
    ben.fails(5, 'disconnect')
    command = ben.ok('attention', 'list')[0]
    assert '"mine":"Riga"' in command['theirs'] and '"theirs":"Narva"' in command['theirs'], command
    shown = ben.ok('attention', 'show', str(command['seq']))
    assert shown['object'] == number and shown['code'] == 'conflict' and [field['name'] for field in shown['fields']] == ['city'], shown
    assert [(c['column'], c['baseText'], c['mineText'], c['theirsText']) for c in shown['columns']] == [('city', 'Tartu', 'Riga', 'Narva')], shown
    seq = str(command['seq'])
    ben.fails(2, 'attention', 'resolve', seq, 'edit')
    ben.fails(2, 'attention', 'resolve', seq, 'edit', '--set', 'nonsense=1')
    ben.fails(2, 'attention', 'resolve', seq, 'edit', '--set', 'nonsense')
    ben.fails(4, 'attention', 'show', '999')
    ben.fails(2, 'attention', 'resolve', str(command['seq']), 'nonsense')
    assert ben.ok('attention', 'resolve', str(command['seq']), 'mine')['inTray'] == 0
    ben.fails(4, 'attention', 'resolve', str(command['seq']), 'mine')
    ben.sync()
    anna.sync()
    assert anna.ok('distributor', 'show', number)['city'] == 'Riga'
    ben.ok('distributor', 'edit', number, '--city', 'Pärnu')
    anna.ok('distributor', 'edit', number, '--city', 'Tallinn')
    ben.sync()
    assert anna.sync()['inTray'] == 1
    seq = str(anna.ok('attention', 'list')[0]['seq'])
    assert anna.ok('attention', 'resolve', seq, 'edit', '--set', 'city=Viljandi')['inTray'] == 0
    anna.sync()
    ben.sync()
    assert ben.ok('distributor', 'show', number)['city'] == 'Viljandi'


def test_revoked():
    """A device that is revoked learns so, keeps what it has and what it did, and sends nothing."""
    database = make_server('revoked')
    anna = Station(database, 'anna', enrolled=False)
    device = anna.enrol()
    anna.connect()
    anna.ok('distributor', 'create', '--legal-name', 'Before', '--currency', 'EUR')
    anna.sync()
    server('revoke-device', POSTGRES.url(database), device)
    anna.ok('distributor', 'create', '--legal-name', 'After', '--currency', 'EUR')
    done = anna.fails(3, 'sync', '--once')
    assert 'was revoked' in done.stderr, done.stderr
    status = anna.status()
    assert (status['state'], status['pending']) == ('stuck', 1) and 'revoked' in status['lastError'], status
    assert len(anna.ok('distributor', 'list')) == 2
    assert POSTGRES.psql(database, 'SELECT count(*) FROM app.distributors') == '1'


def test_leave():
    """Standalone again, with all it had; its numbers go on after the server's."""
    database = make_server('leave')
    anna = Station(database, 'anna')
    anna.connect()
    anna.ok('distributor', 'create', '--legal-name', 'One', '--currency', 'EUR')
    anna.fails(5, 'disconnect')
    anna.sync()
    anna.ok('disconnect')
    assert anna.status() == {'mode': 'standalone', 'state': 'saved_locally'}
    anna.ok('distributor', 'create', '--legal-name', 'Two', '--currency', 'EUR')
    rows = anna.ok('distributor', 'list')
    assert len({row['number'] for row in rows}) == 2 and all('~' not in row['number'] for row in rows), rows
    anna.ok('audit', 'verify')
    assert not os.path.exists(os.path.join(anna.workspace, 'keys', 'INSECURE-plain-text-tokens.tsv')) or \
        'central' not in open(os.path.join(anna.workspace, 'keys', 'INSECURE-plain-text-tokens.tsv'), encoding='utf-8').read()


def tlog(directory):
    """An exported log, checked by ourselves and by the independent verifier."""
    checked = subprocess.run(['/usr/bin/python3', os.path.join(ROOT, 'src', 'audit', 'verify-log.py'), directory],
                             capture_output=True, text=True, check=False, timeout=120)
    assert checked.returncode == 0, checked.stderr
    return checked.stdout


def test_log():
    """The server's log takes the place of the own one, which is kept, and another follows it; everybody can prove all of them."""
    database = make_server('log')
    anna = Station(database, 'anna')
    own = anna.ok('audit', 'key')
    north = Station(database, 'north')
    POSTGRES.psql(database, "INSERT INTO sync.scopes (name) VALUES ('region:north');"
                  "UPDATE sync.grants SET scope = (SELECT id FROM sync.scopes WHERE name = 'region:north') WHERE grantee = 'north'")
    service = Service(database)
    service.work()
    other = north.ok('audit', 'key')['vkey']
    anna.ok('audit', 'verify', '--state')
    shown = anna.run('connect', anna.url, '--password-file', anna.secret(), '--plain-password', shown=True)
    assert service.vkey in shown.stderr and '--log-key' in shown.stderr, shown.stderr
    kept = os.path.join(anna.workspace, 'logs', own['origin'].replace('/', '-'))
    assert anna.ok('audit', 'verify', kept, '--key', own['vkey'])['origin'] == own['origin'] in tlog(kept)
    log = anna.ok('audit', 'key')
    assert log['server'] and log['origin'] != own['origin'] and log['vkey'] == service.vkey, log

    # who was told another key believes nothing
    done = north.run('connect', north.url, '--password-file', north.secret(), '--plain-password', '--log-key', other)
    assert done.returncode == 1 and 'another key' in done.stderr, done.stderr
    assert north.status()['state'] == 'stuck', north.status()
    north.ok('disconnect')
    north.connect('--log-key', service.vkey)

    for region in ('north', 'south'):
        anna.ok('distributor', 'create', '--legal-name', f'Handel {region}', '--region', region, '--currency', 'EUR')
    anna.sync()
    assert anna.status()['log']['unproved'] == 2, anna.status()
    done = anna.fails(1, 'audit', 'verify', '--state')
    assert 'try again' in done.stderr, done.stderr
    number = anna.ok('distributor', 'list', '--search', 'south')[0]['number']
    story = anna.ok('timeline', number)
    assert [(event['pending'], event['proven'], event['index']) for event in story] == [(True, False, None)], story
    assert story[0]['summary'].startswith('Record created (') and story[0]['changes'], story
    assert service.work()['signed'] is True
    for station in (anna, north):
        station.sync()
        assert station.ok('audit', 'verify', '--state', '--server')['rows'] > 0
    hidden = POSTGRES.psql(database, "SELECT count(*) FROM audit.log g JOIN audit.leaves l USING (ev_id) WHERE l.owner IS DISTINCT FROM"
                           " 'north' AND NOT l.scopes && (SELECT array_agg(x.scope) FROM sync.grants x JOIN pg_roles r ON"
                           " r.rolname = x.grantee WHERE pg_has_role('north', r.oid, 'MEMBER'))")
    assert north.ok('audit', 'verify')['hidden'] == int(hidden) > 1, 'the other region and what administrators did'
    story = anna.ok('timeline', number)
    assert len(story) == 1 and story[0]['proven'] and story[0]['actor'] == 'anna', story
    assert any(change['after'] == 'Handel south' for change in story[0]['changes']), story
    exported = os.path.join(north.folder, 'export')
    assert 'hash' in north.run('audit', 'export', exported, shown=True).stderr
    assert north.ok('audit', 'verify', exported, '--key', service.vkey)['hidden'] == int(hidden)
    assert f'{hidden} leaves by their hash alone' in tlog(exported)

    # what the database's owner does
    POSTGRES.psql(database, "UPDATE app.distributors SET credit_limit_minor = 1 WHERE legal_name = 'Handel south'")
    service.work()
    anna.sync()
    done = anna.fails(1, 'audit', 'verify', '--state')
    assert number in done.stderr and 'edited behind' in done.stderr, done.stderr
    north.sync()
    service.work()
    north.ok('audit', 'verify', '--state')  # it is not their record
    POSTGRES.psql(database, "ALTER TABLE audit.disclosures DISABLE TRIGGER ALL; DELETE FROM audit.disclosures")
    done = anna.fails(1, 'audit', 'verify', '--server')
    assert 'was deleted' in done.stderr, done.stderr
    status = anna.status()
    assert status['state'] == 'stuck' and 'was deleted' in status['lastError'], status
    anna.fails(1, 'audit', 'verify')

    # a log of its own again
    anna.ok('disconnect', '--with-pending')
    again = anna.ok('audit', 'key')
    assert not again['server'] and again['origin'] not in (own['origin'], log['origin']) and again['vkey'] == own['vkey'], again
    assert anna.ok('audit', 'verify', '--state')['rows'] > 0
    kept = os.path.join(anna.workspace, 'logs', log['origin'].replace('/', '-'))
    assert anna.ok('audit', 'verify', kept, '--key', service.vkey)['size'] > 0


def test_offline():
    """With the server gone people work on; towerd catches up by itself when it is back."""
    database = make_server('offline')
    anna = Station(database, 'anna')
    anna.connect()
    POSTGRES.psql('postgres', f'ALTER DATABASE {database} ALLOW_CONNECTIONS false')
    anna.ok('distributor', 'create', '--legal-name', 'Offline', '--currency', 'EUR')
    done = anna.run('sync', '--once')
    assert done.returncode != 0, done.stdout
    status = anna.status()
    assert status['pending'] == 1 and status['lastError'] and status['lastSuccess'], status
    assert anna.ok('health', '--quick')['sync']['lastError'] == status['lastError']
    POSTGRES.psql('postgres', f'ALTER DATABASE {database} ALLOW_CONNECTIONS true')
    daemon = subprocess.Popen([TOWERD, '-w', anna.workspace], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            if anna.status()['pending'] == 0:
                break
            time.sleep(0.1)
        status = anna.status()
        assert (status['state'], status['pending'], status['lastError']) == ('in_sync', 0, None), status
    finally:
        daemon.terminate()
        daemon.wait()
    assert POSTGRES.psql(database, 'SELECT legal_name FROM app.distributors') == 'Offline'


def main():
    try:
        run_tests([test_connect_and_share, test_waits_for_the_server, test_sending_stops, test_configured, test_first_load,
                   test_refused, test_import_by_role, test_sums_of_files, test_changed_since_enrolled, test_two_edits, test_revoked,
                   test_leave, test_log, test_offline])
    finally:
        POSTGRES.stop()


if __name__ == '__main__':
    main()
