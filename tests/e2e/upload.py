#!/usr/bin/python3
"""A workspace that has worked alone moves to an empty server with all it has, by the real programs on a real PostgreSQL."""
import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time

from central import POSTGRES, Service, make_server, server
from central import Station as Desk
from lastword import LastWord
from tower import ROOT, TOWERCTL, Slack, run_tests

# Kinds of records that no command of a standalone workspace makes yet, as rows of the replica.
BY_HAND = """
INSERT INTO sellers(id, n, created_at, updated_at, name, marketplace) VALUES(x'01900000000070008000000000000001', 900001, 1, 2, 'Laden', 'ozon');
INSERT INTO customers(id, n, rev, created_at, updated_at, seller_id, external_ref, name, sentiment_trend)
  VALUES(x'01900000000070008000000000000002', 900002, 3, 1, 2, x'01900000000070008000000000000001', 'c-1', 'Käufer „A“', -4);
INSERT INTO interactions(id, n, created_at, updated_at, number, seller_id, marketplace, kind, external_ref, customer_id, text,
    rating, received_at)
  VALUES(x'01900000000070008000000000000004', 900003, 1, 2, 'INT-2024-0007', x'01900000000070008000000000000001', 'ozon', 'review', 'r-1',
    x'01900000000070008000000000000002', 'line' || char(10) || '"two" \\ ' || char(128512), 2, 5);
INSERT INTO interactions(id, n, created_at, updated_at, number, seller_id, marketplace, kind, external_ref, text, received_at, parent_id)
  VALUES(x'01900000000070008000000000000003', 900004, 1, 2, 'INT-2024-0008', x'01900000000070008000000000000001', 'ozon', 'review', 'r-2',
    'answer', 6, x'01900000000070008000000000000004');
INSERT INTO articles(id, n, created_at, updated_at, title, body) VALUES(x'01900000000070008000000000000005', 900005, 1, 2, 'T', 'B');
INSERT INTO exchange_rates(id, n, created_at, updated_at, base, quote, rate_millionths, dated_on)
  VALUES(x'01900000000070008000000000000006', 900006, 1, 2, 'EUR', 'USD', 1084200, '2024-02-29');
INSERT INTO experiments(id, n, created_at, updated_at, name, body) VALUES(x'01900000000070008000000000000007', 900007, 1, 2, 'E', '{}');
INSERT INTO task_notes(id, n, created_at, updated_at, subject_type, subject_id, author, text) VALUES(x'01900000000070008000000000000008',
  900008, 1, 2, 'interaction', x'01900000000070008000000000000004', 'ada', 'on a conversation');
INSERT INTO replies(id, n, created_at, updated_at, task_id, channel, external_message_id, text, received_at)
  SELECT x'01900000000070008000000000000009', 900009, 1, 2, id, 'slack', 'm-1', 'danke', 7 FROM follow_up_tasks LIMIT 1;
"""
# Whose rows the server names itself.
SERVERS_OWN = ('people', 'person_roles', 'absences', 'delegations')
# What stays with the workspace.
LOCAL = ('saved_views', 'files')


def start(station, *args):
    return subprocess.Popen([TOWERCTL, '-w', station.workspace, '--json', *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            stdin=subprocess.DEVNULL, text=True)


def write(station, script):
    """Past the commands; the functions that the replica's triggers ask are the program's, so they step aside."""
    with contextlib.closing(sqlite3.connect(os.path.join(station.workspace, 'replica.db'))) as replica:
        triggers = replica.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            replica.execute(f'DROP TRIGGER "{name}"')
        replica.executescript(script)
        for _, sql in triggers:
            replica.execute(sql)
        replica.commit()


def records(station):
    """All rows of the business tables, column by column, without the local number."""
    with contextlib.closing(sqlite3.connect(os.path.join(station.workspace, 'replica.db'))) as replica:
        replica.row_factory = sqlite3.Row
        tables = [name for name, in replica.execute(
            "SELECT m.name FROM sqlite_schema m WHERE m.type = 'table' AND 2 = (SELECT count(*) FROM pragma_table_info(m.name) c"
            " WHERE c.name IN ('id', 'n'))") if name not in LOCAL]
        return {table: {row['id']: {name: row[name] for name in row.keys() if name != 'n'}
                        for row in replica.execute(f'SELECT * FROM {table}')} for table in tables}


def numbers(station, table):
    return dict(station.rows(f'SELECT id, n FROM {table}'))


class Station(Desk):
    """One that can take its records along."""

    def upload(self):
        return self.connect('--upload')


class Shop(Station):
    """A workspace that has worked alone: records of every kind, a post that went out, a draft that waits for approval."""

    def __init__(self, database, login='ada', role='admin'):
        super().__init__(database, login, role, enrolled=False)
        self.slack = Slack(self.folder)
        self.ok('import', 'canonical', os.path.join(ROOT, 'seeds', 'demo'))
        self.ok('distributor', 'create', '--legal-name', 'Nordwind "Süd" \\ Ltd', '--currency', 'EUR')
        self.ok('config', 'set', 'delivery.undo_window', '1s')
        self.ok('channel', 'add', 'slack', 'slack', '--destination', '#ops', '--base-url', self.slack.url, '--token-file',
                self.slack.token_file, '--plain-token')
        self.ok('detect')
        found = [e['number'] for e in self.ok('exceptions', 'list') if e['agent']][:2]
        self.tasks = [self.ok('task', 'create', '--exception', number, '--channel', 'slack:#ops')['taskId'] for number in found]
        self.ok('task', 'note', self.tasks[0], '--text', 'called them')
        self.sent, self.waiting = [self.ok('agent', 'run', task)[0]['approvals'][0] for task in self.tasks]

    def send(self):
        self.ok('approvals', 'approve', self.sent['id'], '--sha256', self.sent['payloadSha256'])
        time.sleep(1.2)
        self.ok('deliver', '--once')
        assert len(self.posted()) == 1
        return self

    def posted(self):
        return [r for r in self.slack.requests() if r['path'] == '/api/chat.postMessage'] if os.path.exists(self.slack.log) else []

    def stop(self):
        self.slack.stop()
        self.remove()


def the_same(before, after, waiting=()):
    """Rows before and after an upload: all of them but those of people, who are the server's to name, and what waited."""
    assert set(before) == set(after)
    for table in set(before) - set(SERVERS_OWN):
        assert set(before[table]) == set(after[table]), table
        for key, row in before[table].items():
            now = after[table][key]
            if key in waiting:
                now = {**now, **{c: row[c] for c in ('rev', 'updated_at', 'edited_by', 'policy')}}
            assert now == row, (table, {c: (row[c], now[c]) for c in row if row[c] != now[c]})


def test_uploaded():
    """Everything is there under the numbers and stamps that it had, here, on the server and at a second station; what was sent
    is history, what waited is asked for anew, and nothing can go out."""
    database = make_server('uploaded')
    shop = Shop(database).send()
    try:
        write(shop, BY_HAND)
        shop.enrol()
        shop.ok('task', 'note', shop.tasks[1], '--text', 'after the device was enrolled')
        refused = shop.fails(3, 'connect', shop.url, '--password-file', shop.secret(), '--plain-password')
        assert '--upload' in refused.stderr and ' orders, ' in refused.stderr and 'rows' not in refused.stderr, refused.stderr
        before, local, own = records(shop), numbers(shop, 'orders'), shop.ok('audit', 'verify')
        empty = [table for table, rows in before.items() if not rows and table not in SERVERS_OWN]
        assert set(empty) <= {'exception_episodes', 'proposed_actions', 'sla_events'}, empty
        joined = shop.upload()
        assert (joined['mode'], joined['state'], joined['pending'], joined['inTray'], joined['user']) == (
            'connected', 'in_sync', 0, 0, 'ada'), joined
        assert joined['lastCheck']['different'] == 0 and joined['lastError'] is None, joined
        waiting = {bytes.fromhex(shop.waiting['id'].replace('-', ''))}
        after = records(shop)
        the_same(before, after, waiting)
        assert numbers(shop, 'orders') == local, 'open lists know them by these'
        asked = [row for row in after['approvals'].values() if row['state'] == 'pending']
        assert [(row['edited_by'], row['decided_by']) for row in asked] == [('ada', None)], asked
        assert [row['login'] for row in after['people'].values()] == ['ada'], after['people']

        assert POSTGRES.psql(database, "SELECT scopes = (SELECT scopes FROM app.interactions LIMIT 1) FROM app.task_notes WHERE"
                                       " subject_type = 'interaction'") == 't', 'a note is seen where its subject is'

        ben = Station(database, 'ben')
        ben.connect()
        shop.sync()
        after = records(shop)
        assert records(ben) == after and len(after['people']) == 2
        nora = Station(database, 'nora')
        server('add-user', POSTGRES.url(database), 'nora', '--role', 'sales', '--scope', 'region:North')
        nora.connect()
        service = Service(database)
        service.work()
        only_theirs(database, nora)
        for station in (shop, ben):
            station.sync()
            proved = station.ok('audit', 'verify', '--state')
            assert proved['rows'] == sum(map(len, records(station).values())) > 1000 and proved['hidden'] == proved['gone'] == 0, proved
        kept = shop.ok('audit', 'verify', os.path.join(shop.workspace, 'logs', own['origin'].replace('/', '-')))
        assert kept['size'] == own['size'] > 10, (own, kept)
        nothing_goes_out(database, shop, service)
        made = shop.ok('distributor', 'create', '--legal-name', 'Nach dem Umzug', '--currency', 'EUR')
        assert '~' in made['number'], made
        assert shop.sync()['inTray'] == 0
        taken = [row['number'] for row in before['distributors'].values()]
        name = [row['number'] for row in records(shop)['distributors'].values() if row['legal_name'] == 'Nach dem Umzug'][0]
        assert name not in taken and name > max(taken), (name, max(taken))
        ben.sync()
        assert records(ben)['distributors'] == records(shop)['distributors']
        shop.ok('task', 'note', shop.tasks[0], '--text', 'goes on')
        assert shop.sync()['inTray'] == 0, shop.ok('attention', 'list')
    finally:
        shop.stop()


def only_theirs(database, nora):
    """Who sees one region proves its records, and is told of no other's."""
    nora.sync()
    proved = nora.ok('audit', 'verify', '--state')
    assert proved['rows'] == sum(map(len, records(nora).values())) > 100, proved
    told = POSTGRES.psql(database, "SELECT string_agg(entries, '') FROM api.log(0, 100000)", user='nora', password=nora.password)
    for region, seen in ('= ', True), ('<> ', False):
        keys = POSTGRES.psql(database, f"SELECT encode(uuid_send(id), 'hex') FROM app.distributors WHERE region {region} 'North'").split()
        assert keys and all((key in told) is seen for key in keys), (region, len(keys))


def nothing_goes_out(database, shop, service):
    """An approval that was given before there was a server lets nothing out; one that is given there does."""
    service.work()
    assert len(shop.posted()) == 1
    states = POSTGRES.psql(database, "SELECT string_agg(DISTINCT state, ' ') FROM app.outbox")
    assert states == 'sent', states
    for statement in ("UPDATE app.outbox SET state = 'ready' WHERE state = 'sent'",
                      "UPDATE app.outbox SET state = 'leased', fence = fence + 1"):
        refused = POSTGRES.psql(database, statement, check=False)
        assert refused.returncode != 0 and 'cannot go from' in refused.stderr, refused.stderr
    # as if its fate were not known: what the program would do to send it again
    POSTGRES.psql(database, "ALTER TABLE app.outbox DISABLE TRIGGER then_send; UPDATE app.outbox SET state = 'unknown';"
                            ' ALTER TABLE app.outbox ENABLE TRIGGER then_send')
    refused = POSTGRES.psql(database, "UPDATE app.outbox SET state = 'ready'", check=False)
    assert 'before there was this server' in refused.stderr, refused.stderr
    refused = POSTGRES.psql(database, 'INSERT INTO app.outbox (id, approval_id, task_id, channel, destination, wire, payload_sha256,'
                            " approver, ready_at) SELECT gen_random_uuid(), id, task_id, channel, destination, wire, payload_sha256,"
                            " decided_by, 1 FROM app.approvals WHERE state = 'approved'", check=False)
    assert 'no approval, no post' in refused.stderr, refused.stderr
    POSTGRES.psql(database, "ALTER TABLE app.outbox DISABLE TRIGGER then_send; UPDATE app.outbox SET state = 'sent';"
                            ' ALTER TABLE app.outbox ENABLE TRIGGER then_send')
    # what waited may be approved, at the server and by who may there
    assert POSTGRES.psql(database, "SELECT count(*) FROM app.outbox WHERE state <> 'sent'") == '0'
    shop.sync()
    shop.ok('approvals', 'approve', shop.waiting['id'], '--sha256', shop.waiting['payloadSha256'])
    assert shop.sync()['inTray'] == 0, shop.ok('attention', 'list')
    assert POSTGRES.psql(database, "SELECT approver || ' ' || state FROM app.outbox WHERE state <> 'sent'") == 'ada ready'


def test_posts_that_wait():
    """What is approved and has not gone out could go out twice: first it goes, or is taken back."""
    database = make_server('waiting')
    shop = Shop(database)
    try:
        shop.enrol()
        shop.ok('config', 'set', 'delivery.undo_window', '1h')
        shop.ok('approvals', 'approve', shop.sent['id'], '--sha256', shop.sent['payloadSha256'])
        before = records(shop)
        refused = shop.fails(3, 'connect', shop.url, '--upload', '--password-file', shop.secret(), '--plain-password')
        assert '1 approved post ' in refused.stderr and 'towerctl deliver' in refused.stderr, refused.stderr
        assert shop.status()['mode'] == 'standalone' and records(shop) == before
        shop.ok('approvals', 'unsend', shop.sent['id'])
        assert shop.upload()['state'] == 'in_sync'
        assert POSTGRES.psql(database, "SELECT string_agg(state, ' ') FROM app.outbox") == 'cancelled'
        assert shop.posted() == []
    finally:
        shop.stop()


def refused(station, code, *words):
    """Nothing was uploaded, and the workspace is what it was; who asks for no upload is told as well why there could be none."""
    before = records(station)
    for asked in ['--upload'], []:
        done = station.fails(code, 'connect', station.url, *asked, '--password-file', station.secret(), '--plain-password')
        for word in words:
            assert word in done.stderr, (word, done.stderr)
        assert '--upload' not in done.stderr, done.stderr
    assert station.status() == {'mode': 'standalone', 'state': 'saved_locally'} and records(station) == before
    station.ok('distributor', 'create', '--legal-name', 'Weiter', '--currency', 'EUR')


def own_records(station):
    station.enrol()
    station.ok('distributor', 'create', '--legal-name', 'Nordwind', '--currency', 'EUR')
    return station


def test_refused():
    """By whom, and into what, is nothing uploaded; nor does anybody get around that by the server's functions."""
    database = make_server('refused')
    sales = own_records(Station(database, 'sales', enrolled=False))
    refused(sales, 3, 'Only an administrator')
    ada = own_records(Station(database, 'ada', 'admin', enrolled=False))
    POSTGRES.psql(database, "DELETE FROM sync.grants WHERE grantee = 'ada'")
    refused(ada, 3, 'sees every record')
    server('add-user', POSTGRES.url(database), 'ada', '--role', 'admin', '--scope', 'all')
    rules = POSTGRES.psql(database, 'SELECT count(*) FROM app.rules')
    forged(database, sales, ada)
    assert POSTGRES.psql(database, 'SELECT count(*) FROM app.rules') == rules != '0'

    ben = Station(database, 'ben')
    ben.connect()
    ben.ok('distributor', 'create', '--legal-name', 'Schon hier', '--currency', 'EUR')
    ben.sync()
    refused(ada, 3, 'not empty', 'towerctl import', 'towerctl server init')
    assert POSTGRES.psql(database, 'SELECT string_agg(legal_name, $$ $$) FROM app.distributors') == 'Schon hier'
    # what is not the program's work counts as well
    database = make_server('filled')
    POSTGRES.psql(database, "INSERT INTO app.settings (id, key, value) VALUES (gen_random_uuid(), 'x', 'y')")
    eve = own_records(Station(database, 'eve', 'admin', enrolled=False))
    refused(eve, 3, 'not empty')
    POSTGRES.psql(database, 'DELETE FROM app.settings')
    assert eve.upload()['state'] == 'in_sync'
    refused(own_records(Station(database, 'ann', 'admin', enrolled=False)), 3, 'not empty')


def forged(database, sales, ada):
    """What a login may say to the server past the program; each transaction ends with nothing done."""
    device = {station: station.ok('device', 'show')['id'] for station in (sales, ada)}
    begin = f"SELECT api.upload_begin('{device[ada]}', 1, sha256('x'));"
    row = """SELECT api.upload_rows('products', '[{"id": "01900000-0000-7000-8000-000000000001", "rev": 1, "created_at": 1,
        "updated_at": 1, "sku": "S", "name": "N"%s}]');"""
    key = '01900000-0000-7000-8000-00000000000'
    post = f'''SELECT api.upload_rows('outbox', '[{{"id": "{key}1", "rev": 1, "created_at": 1, "updated_at": 1, "number": "POST-2026-0001",
        "approval_id": "{key}2", "task_id": "{key}3", "channel": "c", "destination": "d", "wire": "78", "approver": "ada", "ready_at": 1,
        "payload_sha256": "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881", "state": "%s"}}]')'''
    rate = f"""SELECT api.upload_rows('exchange_rates', '[{{"id": "{key}1", "rev": 1, "created_at": 1, "updated_at": 1, "base": "EUR",
        "quote": "USD", "rate_millionths": 1, "dated_on": "%s"}}]')"""
    script = 'BEGIN;' + begin + '%s;COMMIT'

    def ends_with(**second):
        """Interactions of two sellers, of which the other one is like the first but for this."""
        usual = {'rev': 1, 'created_at': 1, 'updated_at': 1}
        first = {**usual, 'id': key + '3', 'number': 'INT-2026-0001', 'seller_id': key + '1', 'marketplace': 'm', 'kind': 'chat',
                 'external_ref': 'a', 'text': 't', 'received_at': 1}
        sellers = [{**usual, 'id': key + name, 'name': name, 'marketplace': 'm'} for name in '12']
        brought = [('sellers', sellers), ('interactions', [first]), ('interactions', [{**first, 'seller_id': key + '2', **second}])]
        return script % ';'.join([*(f"SELECT api.upload_rows('{table}', '{json.dumps(rows)}')" for table, rows in brought), 'SELECT api.upload_end()'])

    for station, statements, word in (
            (sales, begin, 'permission denied'), (sales, row % '', 'permission denied'),
            (sales, 'SELECT api.upload_end()', 'permission denied'),
            (ada, f"SELECT api.upload_begin('{device[sales]}', 1, sha256('x'))", 'not enrolled for ada'),
            (ada, row % '', 'no upload under way'), (ada, "SET tower.bringing = 'on';" + row % '', 'no upload under way'),
            (ada, 'SELECT api.upload_end()', 'no upload under way'),
            (ada, 'BEGIN ISOLATION LEVEL REPEATABLE READ;' + begin, 'read committed'),
            (ada, begin, 'not brought to its end'), (ada, script % '', 'not brought to its end'),
            (ada, script % (row % ''), 'not brought to its end'),
            (ada, script % ('SELECT api.upload_end();' + row % ''), 'no upload under way'),
            (ada, script % (row % ', "scopes": "{1}"'), 'other columns'), (ada, script % (row % ', "nothing": 1'), 'other columns'),
            (ada, script % (row % f', "unit": "{"x" * 4001}"'), 'longer than 4000'),
            (ada, script % "SELECT api.upload_rows('people', '[]')", 'no upload under way'),
            (ada, script % rate % 'infinity', 'violates check'), (ada, script % rate % '10000-01-01', 'violates check'),
            (ada, ends_with(number='INT-2026-0002', external_ref='b'), 'the same key'), (ada, ends_with(id=key + '4', external_ref='b'), 'the same key'),
            (ada, ends_with(id=key + '4', number='INT-2026-0002'), 'the same key'),
            (ada, script % (post % 'ready'), 'has not gone out yet'), (ada, script % (post % 'sending'), 'has not gone out yet'),
            (ada, script % (post % 'sent'), 'not what its approval says'),
            (ada, script % (row.replace('products', 'order_lines') % ''), 'other columns')):
        done = POSTGRES.psql(database, statements, user=station.login, password=station.password, check=False)
        assert done.returncode != 0 and word in done.stderr, (statements, done.stderr)
    assert POSTGRES.psql(database, 'SELECT count(*) FROM sync.upload') == '0'


def test_demo():
    """What is invented goes along only where it is named."""
    database = make_server('demo')
    ada = Station(database, 'ada', 'admin', enrolled=False)
    ada.workspace = os.path.join(ada.folder, 'demo')
    ada.ok('init', '--demo')
    ada.enrol()
    before = records(ada)
    done = ada.fails(3, 'connect', ada.url, '--upload', '--password-file', ada.secret(), '--plain-password')
    assert 'invented' in done.stderr and '--demo-records' in done.stderr, done.stderr
    assert ada.status()['mode'] == 'standalone' and records(ada) == before and counts(database, 'orders') == [0]
    assert ada.connect('--upload', '--demo-records')['state'] == 'in_sync'
    assert counts(database, 'orders') == [len(before['orders'])] != [0]


def test_limits_stay_behind():
    """What somebody may approve and who is away is not lost without a word."""
    database = make_server('limits')
    shop = Shop(database)
    try:
        shop.enrol()
        me = shop.rows('SELECT login FROM people')[0][0]
        shop.ok('person', 'limit', me, '500', 'EUR')
        shop.ok('absence', 'set', '--until', '2099-01-01', '--from', '2098-12-01')
        done = shop.fails(3, 'connect', shop.url, '--upload', '--password-file', shop.secret(), '--plain-password')
        assert f'{me} approves up to' in done.stderr and f'{me} is away' in done.stderr and '--without-limits' in done.stderr, done.stderr
        assert shop.status()['mode'] == 'standalone' and counts(database, 'orders') == [0]
        assert shop.connect('--upload', '--without-limits')['state'] == 'in_sync'
        assert counts(database, 'orders') != [0]
    finally:
        shop.stop()


def wait_for(what):
    until = time.monotonic() + 60
    while not what():
        assert time.monotonic() < until, 'in vain'
        time.sleep(0.01)


def counts(database, *tables):
    return [int(POSTGRES.psql(database, f'SELECT count(*) FROM app.{table}')) for table in tables]


def at_work(database, words):
    return POSTGRES.psql('postgres', f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}' AND query LIKE '{words}'"
                                     ' AND pid <> pg_backend_pid()') != '0'


def connecting(station):
    return start(station, 'connect', station.url, '--upload', '--password-file', station.secret(), '--plain-password')


def test_broken_off():
    """kill -9 and Ctrl+C in the middle leave an empty server and the workspace as it was; then it goes on as if nothing were."""
    database = make_server('broken')
    ada = own_records(Station(database, 'ada', 'admin', enrolled=False))
    ada.ok('seed', '--orders', '1500')
    before, shipped = records(ada), counts(database, 'rules', 'templates')
    for how in (signal.SIGKILL, signal.SIGINT):
        client = connecting(ada)
        wait_for(lambda: at_work(database, '%upload_rows%') or client.poll() is not None)
        client.send_signal(how)
        _, said = client.communicate(timeout=60)
        assert client.returncode not in (0, None), said
        wait_for(lambda: not at_work(database, '%upload%'))
        assert counts(database, 'rules', 'templates', 'orders') == [*shipped, 0]
        assert ada.status()['mode'] == 'standalone' and records(ada) == before
        ada.ok('audit', 'verify', '--state')
    ada.ok('distributor', 'create', '--legal-name', 'Dazwischen', '--currency', 'EUR')
    before = records(ada)
    assert ada.upload()['state'] == 'in_sync'
    the_same(before, records(ada))
    ben = Station(database, 'ben')
    ben.connect()
    ada.sync()
    assert records(ben) == records(ada)


def test_others_meanwhile():
    """While an upload is under way, however long, nobody else can begin one, and whoever works with the server is told so and
    keeps what they do; then it goes on."""
    database = make_server('meanwhile')
    ada = own_records(Station(database, 'ada', 'admin', enrolled=False))
    ada.ok('seed', '--orders', '1500')
    eve = own_records(Station(database, 'eve', 'admin', enrolled=False))
    ben = Station(database, 'bea', 'admin')
    ben.connect()
    before = records(ada)
    client = connecting(ada)
    wait_for(lambda: at_work(database, '%upload_rows%') or client.poll() is not None)
    client.send_signal(signal.SIGSTOP)
    try:
        refused(eve, 1, 'another workspace')
        ben.ok('config', 'set', 'delivery.undo_window', '7s')
        for _ in range(3):
            assert 'just being uploaded' in ben.fails(1, 'sync', '--once').stderr
        status = ben.status()
        assert (status['state'], status['pending'], status['inTray']) == ('busy', 1, 0), status
        assert 'just being uploaded' in status['lastError'], status
        program = POSTGRES.psql(database, "SELECT api.command('distributor.create', '{\"legal_name\": \"X\", \"currency\": \"EUR\"}')",
                                user='bea', password=ben.password, check=False)
        assert program.returncode != 0 and 'is being uploaded' in program.stderr, program.stderr
        assert at_work(database, '%upload_rows%'), 'who waits for an upload ends it'
    finally:
        client.send_signal(signal.SIGCONT)
    _, said = client.communicate(timeout=120)
    assert client.returncode == 0, said
    the_same(before, records(ada))
    assert ben.sync()['state'] == 'in_sync' and ada.sync()['inTray'] == 0
    assert counts(database, 'orders', 'settings') == [1500, 1]
    assert records(ben) == records(ada)


def test_forgotten():
    """An upload whose client says nothing any more holds nobody up for longer than a minute, whatever it has set."""
    database = make_server('forgotten')
    ada, ben = own_records(Station(database, 'ada', 'admin', enrolled=False)), Station(database, 'bea', 'admin')
    ben.connect()
    client = subprocess.Popen(['psql', '-X', '-q', '-A', '-t', POSTGRES.url(database, 'ada')], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    client.stdin.write('SET idle_in_transaction_session_timeout = 0; BEGIN;'
                       f" SELECT 'why=' || coalesce(why, 'none') FROM api.upload_begin('{ada.ok('device', 'show')['id']}', 1, sha256('x'));\n")
    client.stdin.flush()
    assert client.stdout.readline() == 'why=none\n'
    ben.ok('config', 'set', 'delivery.undo_window', '7s')
    still = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'ada' AND state = 'idle in transaction'"
    for _ in range(2):
        ben.fails(1, 'sync', '--once')
        assert POSTGRES.psql(database, still) == '1', 'a pause is no end'
    # as if that minute were over
    function = POSTGRES.psql(database, "SELECT pg_get_functiondef('sync.demand_no_arrival'::regproc)")
    assert function.count("interval '1 minute'") == 1, function
    POSTGRES.psql(database, function.replace("interval '1 minute'", "interval '1 microsecond'"))
    ben.fails(1, 'sync', '--once')
    wait_for(lambda: POSTGRES.psql(database, still) == '0')
    client.communicate()
    assert ben.sync()['state'] == 'in_sync' and counts(database, 'settings') == [1]


def test_two_at_once():
    """Who has waited for another's upload to end finds that the server is no longer empty."""
    database = make_server('twice')
    ada, eve = (own_records(Station(database, login, 'admin', enrolled=False)) for login in ('ada', 'eve'))
    begin = {station: f"SELECT 'why=' || coalesce(why, 'none') FROM api.upload_begin('{station.ok('device', 'show')['id']}', 1, sha256('x'));"
             for station in (ada, eve)}
    first, second = (subprocess.Popen(['psql', '-X', '-q', '-A', '-t', POSTGRES.url(database, station.login)], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, text=True) for station in (ada, eve))
    first.stdin.write(f'BEGIN; {begin[ada]}\n')
    first.stdin.flush()
    assert first.stdout.readline() == 'why=none\n'
    second.stdin.write(f'BEGIN; {begin[eve]}\n')
    second.stdin.flush()
    wait_for(lambda: POSTGRES.psql(database, "SELECT count(*) FROM pg_stat_activity WHERE usename = 'eve' AND wait_event_type = 'Lock'") == '1')
    first.communicate('SELECT api.upload_end(); COMMIT;\n')
    assert 'why=used\n' in second.communicate('COMMIT;\n')[0]
    assert POSTGRES.psql(database, 'SELECT device FROM sync.upload') == ada.ok('device', 'show')['id']


def no_answer(station, heard, cut=False):
    """An upload that never hears the answer to its last word: killed while it waits, or @cut off; @heard: the server heard it."""
    line = LastWord(POSTGRES.port, heard)
    address = f'postgresql://{station.login}@127.0.0.1:{line.port}/{station.database}'
    client = start(station, 'connect', address, '--upload', '--password-file', station.secret(), '--plain-password')
    assert line.said.wait(60), client.communicate()
    assert client.poll() is None, client.communicate()
    if not cut:
        client.kill()
    line.cut()
    _, said = client.communicate(timeout=60)
    if cut:
        assert client.returncode == 1 and 'nothing is approved or sent here' in said, (client.returncode, said)
    status = station.status()
    assert (status['mode'], status['state'], status['upload']['server']) == ('standalone', 'upload_open', address), status
    wait_for(lambda: not at_work(station.database, '%upload%'))
    assert POSTGRES.psql(station.database, 'SELECT count(*) FROM sync.upload WHERE finished') == ('1' if heard else '0')
    return address


def nothing_leaves(shop, address):
    """While the fate of the upload is open, nobody approves or sends here in any way."""
    for attempt in (['approvals', 'approve', shop.waiting['id'], '--sha256', shop.waiting['payloadSha256']],
                    ['approvals', 'approve', shop.waiting['id']], ['deliver', '--once'], ['deliver']):
        done = shop.fails(3, *attempt)
        assert address in done.stderr and 'sent twice' in done.stderr and 'towerctl upload give-up' in done.stderr, done.stderr


def test_answer_lost():
    """Killed between the server's commit and its answer: what waits is approved at the server or here, never at both."""
    for cut in (False, True):
        database = make_server('lost_cut' if cut else 'lost')
        shop = Shop(database).send()
        try:
            shop.enrol()
            address = no_answer(shop, heard=True, cut=cut)
            nothing_leaves(shop, address)
            # there it is approved
            ben = Station(database, 'bea', 'admin')
            ben.connect()
            ben.ok('approvals', 'approve', shop.waiting['id'], '--sha256', shop.waiting['payloadSha256'])
            assert ben.sync()['inTray'] == 0, ben.ok('attention', 'list')
            assert POSTGRES.psql(database, "SELECT approver FROM app.outbox WHERE state = 'ready'") == 'bea'
            nothing_leaves(shop, address)
            # by another name of the same server, and without being asked for an upload again
            joined = shop.connect()
            assert (joined['mode'], joined['state'], joined['inTray']) == ('connected', 'in_sync', 0) and 'upload' not in joined, joined
            again = shop.run('approvals', 'approve', shop.waiting['id'], '--sha256', shop.waiting['payloadSha256'])
            assert again.returncode == 5, again.stderr
            assert [row['state'] for row in records(shop)['outbox'].values() if row['approver'] == 'bea'] == ['ready']
            assert POSTGRES.psql(database, "SELECT count(*) FROM app.outbox WHERE state <> 'sent'") == '1' == str(len(shop.posted()))
            assert records(shop) == records(ben)
        finally:
            shop.stop()


def test_last_word_lost():
    """Killed when the server had not heard that it is complete: then connecting finds that nothing is there, and all goes on."""
    database = make_server('unheard')
    shop = Shop(database)
    try:
        shop.enrol()
        before = records(shop)
        address = no_answer(shop, heard=False)
        nothing_leaves(shop, address)
        assert records(shop)['approvals'] == before['approvals']
        # another server knows nothing of it
        other = make_server('elsewhere')
        server('add-user', POSTGRES.url(other), 'ada', '--role', 'admin', '--scope', 'all')
        shop.database = other
        shop.enrol()
        done = shop.fails(3, 'connect', shop.url.replace('unheard', 'elsewhere'), '--password-file', shop.secret(), '--plain-password')
        assert address in done.stderr and 'another server' in done.stderr, done.stderr
        nothing_leaves(shop, address)
        shop.database = database
        refusal = shop.fails(3, 'connect', shop.url, '--password-file', shop.secret(), '--plain-password')
        assert '--upload' in refusal.stderr and 'still empty' in refusal.stderr, refusal.stderr
        assert shop.status() == {'mode': 'standalone', 'state': 'saved_locally'}
        shop.send()
        assert shop.upload()['state'] == 'in_sync'
        assert POSTGRES.psql(database, "SELECT string_agg(state, ' ') FROM app.outbox") == 'sent' and len(shop.posted()) == 1
    finally:
        shop.stop()


def test_given_up():
    """Where the server is gone for good a person says so, with a reason that stands in the log, and goes on alone."""
    database = make_server('gone')
    shop = Shop(database)
    try:
        shop.enrol()
        assert 'no upload' in shop.fails(4, 'upload', 'give-up', '--reason', 'nothing there').stderr
        address = no_answer(shop, heard=True)
        assert '--reason' in shop.fails(2, 'upload', 'give-up').stderr
        assert 'reason' in shop.fails(2, 'upload', 'give-up', '--reason', ' ').stderr
        nothing_leaves(shop, address)
        POSTGRES.psql('postgres', f'DROP DATABASE {database} WITH (FORCE)')
        shop.fails(4, 'connect', shop.url, '--password-file', shop.secret(), '--plain-password')
        nothing_leaves(shop, address)
        assert shop.ok('upload', 'give-up', '--reason', 'burnt with its backups') == {'mode': 'standalone', 'state': 'saved_locally'}
        told = shop.rows("SELECT d.field, d.value FROM audit_logs e JOIN audit_disclosures d USING (n) WHERE e.action = 'upload.give_up'")
        assert dict(told) == {'server': address, 'reason': 'burnt with its backups'}, told
        shop.send()
        shop.ok('audit', 'verify', '--state')
    finally:
        shop.stop()


def killed_at_the_end(database, ada):
    """The server has all of it, the workspace does not know: it is held where it asks who works there, and killed."""
    holder = subprocess.Popen(['psql', '-X', '-q', POSTGRES.url(database)], stdin=subprocess.PIPE, text=True)
    holder.stdin.write('BEGIN; LOCK TABLE app.people IN ACCESS EXCLUSIVE MODE;\n')
    holder.stdin.flush()
    wait_for(lambda: at_work(database, '%LOCK TABLE app.people%'))
    client = connecting(ada)
    wait_for(lambda: POSTGRES.psql(database, 'SELECT count(*) FROM sync.upload WHERE finished') == '1' or client.poll() is not None)
    assert client.poll() is None, client.communicate()
    client.kill()
    client.wait()
    holder.communicate('ROLLBACK;\n')
    assert ada.status()['state'] == 'upload_open'


def test_end_unknown():
    """Killed when the server had just taken all: nothing comes twice; what was done since comes in place of what was brought."""
    database = make_server('unknown')
    ada = own_records(Station(database, 'ada', 'admin', enrolled=False))
    killed_at_the_end(database, ada)
    leaves = "SELECT count(*) FROM audit.leaves WHERE leaf LIKE '%workspace.upload%'"
    told = POSTGRES.psql(database, leaves)
    assert ada.upload()['state'] == 'in_sync' and POSTGRES.psql(database, leaves) == told
    assert counts(database, 'distributors') == [1]

    database = make_server('changed')
    eve = Shop(database, 'eve').send()
    try:
        eve.enrol()
        killed_at_the_end(database, eve)
        eve.ok('distributor', 'create', '--legal-name', 'Danach', '--currency', 'EUR')
        ben = Station(database, 'ben')
        ben.connect()
        before, had = records(eve), len(records(ben)['distributors'])
        assert eve.upload()['state'] == 'in_sync'
        the_same(before, records(eve), {bytes.fromhex(eve.waiting['id'].replace('-', ''))})
        assert ben.sync()['inTray'] == 0 and len(records(ben)['distributors']) == had + 1
        eve.sync()
        assert records(ben) == records(eve)
        service = Service(database)
        service.work()
        for station in (eve, ben):
            station.sync()
            station.ok('audit', 'verify', '--state')
            assert station.ok('sync', 'check')['different'] == 0
    finally:
        eve.stop()

    database = make_server('worked')
    ann = own_records(Station(database, 'ann', 'admin', enrolled=False))
    killed_at_the_end(database, ann)
    cem = Station(database, 'cem')
    cem.connect()
    cem.ok('distributor', 'create', '--legal-name', 'Von Cem', '--currency', 'EUR')
    cem.sync()
    # nothing was done here since: what others did there comes
    assert ann.upload()['state'] == 'in_sync' and len(records(ann)['distributors']) == 2
    cem.sync()
    assert records(ann)['distributors'] == records(cem)['distributors']


if __name__ == '__main__':
    chosen = [globals()['test_' + name] for name in sys.argv[1:]]
    try:
        run_tests(chosen or [test_uploaded, test_posts_that_wait, test_refused, test_demo, test_limits_stay_behind, test_broken_off, test_others_meanwhile, test_forgotten, test_two_at_once,
                   test_answer_lost, test_last_word_lost, test_given_up, test_end_unknown])
    finally:
        POSTGRES.stop()
