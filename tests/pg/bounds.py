#!/usr/bin/python3
"""Whatever the server takes a replica takes: one row that it refuses, and it takes nothing any more, nor do all others. Both
schemas are held against each other, by what they say and by values at their ends, and real workspaces pull such values."""
import collections
import contextlib
import itertools
import json
import os
import re
import sqlite3
import uuid

from decisions import Decisions, applied, insert
from guarded import change
from libpq import Refused
from tower import Tower, run_tests

SERVER = Decisions('bounds')
ROOT = SERVER.root
TYPES = {'text': 'TEXT', 'date': 'TEXT', 'bigint': 'INTEGER', 'uuid': 'BLOB', 'bytea': 'BLOB'}


def nested(levels, opening='[', closing=']', inner=''):
    return opening * levels + inner + closing * levels


NESTED = [text for levels in (199, 200, 201, 999, 1000, 1001, 1999, 2000, 2001, 3000)
          for text in (nested(levels), nested(levels, inner='1'), nested(levels, '{"a":', '}', '1'), '{"a":[' + nested(levels) + ',1]}')]
VALUES = {
    'text': ['', ' ', 'a', 'ab', 'EUR', 'eur', 'ЕВР', '€€€', '😀😀😀', 'e\u0301u', 'a:b', ':', '\x01', '\x7f', '\ufeff[]', '\ufffe', '\U0010ffff',
             "'", '"', '\\', 'x' * 4000, 'null', 'true', '0', '-0', '1e400', '-1.5E+7', '"a"', '{}', '[]', '[1,]', '[01]', '[1.]', '[.5]', '[+1]',
             '[NaN]', '[Infinity]', '[1] [2]', "{'a':1}", '{"a":1,"a":2}', '{"":""}', '["\\u0000"]', '["\\ud800"]', '["\\ud83d\\ude00"]', '["\\x"]',
             '["\t"]', '["\x7f"]', ' \n\r\t[ ] ', '\u00a0[]', '[]\x0b', '/**/[]', '[1e999999]', '[' + '9' * 3000 + ']', *NESTED],
    'bigint': [0, 1, -1, 2, 3, 5, 6, 99, 100, 101, 9999, 10000, 10001, 2 ** 31, 2 ** 53 + 1, 253402300800000, 2 ** 63 - 1, -2 ** 63, 2 ** 63, '1.5', '1e3'],
    'date': ['2026-01-31', '2026-02-29', '2024-02-29', '0000-01-01', '0001-01-01', '9999-12-31', '10000-01-01', '0044-03-15 BC', 'infinity',
             '-infinity', 'today', '20260131', '2026-1-3', '31.01.2026', ''],
    'bytea': ['\\x' + '00' * length for length in (0, 1, 15, 16, 17, 31, 32, 33, 63, 64, 65)],
    'uuid': ['00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff'],
}


class Station(Tower):
    """The workspace of a login."""

    def __init__(self, login):
        super().__init__()
        path = os.path.join(self.folder, 'device.json')
        with open(path, 'w', encoding='utf-8') as file:
            json.dump(self.ok('device', 'show'), file)
        SERVER.server('enrol-device', login, path)
        self.url = f'postgresql://{login}@127.0.0.1:{SERVER.port}/{SERVER.database}'
        self.login = login

    def connect(self):
        return self.ok('connect', self.url, '--password-file', SERVER.secret(self.login), '--plain-password')

    def rows(self, sql):
        with contextlib.closing(sqlite3.connect(os.path.join(self.workspace, 'replica.db'))) as replica:
            return replica.execute(sql).fetchall()

    def pull(self, what):
        """Takes what there is, and has it then."""
        done = self.run('sync', '--once')
        status = self.ok('sync', 'status')
        assert done.returncode == 0 and status['state'] == 'in_sync', (what, done.stderr, status)


FRESH = Station('viewer')
Column = collections.namedtuple('Column', 'kind of type required default')


def server_columns(table):
    return {row[0]: Column(row[1], row[2], row[3], row[4] == 't', row[5] == 't') for row in ROOT.ask(
        'SELECT c.name, c.kind, c.of, c.type, a.attnotnull, a.atthasdef FROM sync.columns c JOIN sync.tables t ON t.id = c.tbl'
        " JOIN pg_attribute a ON a.attrelid = format('app.%I', t.name)::regclass AND a.attname = c.name"
        " WHERE t.name = $1 AND c.kind <> 'scopes'", table)}


def bare(condition):
    """A condition as both may write it."""
    return None if condition is None else re.sub(r'[()"\s]|::text', '', condition).lower()


def server_keys(table):
    """What may be there once: [({column, …}, of which rows)]."""
    return [(set(json.loads(columns)), bare(of)) for columns, of in ROOT.ask(
        'SELECT to_json(ARRAY(SELECT a.attname FROM pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey))),'
        ' pg_get_expr(i.indpred, i.indrelid) FROM pg_index i WHERE i.indrelid = $1::text::regclass AND i.indisunique', f'app.{table}')]


def replica_keys(table):
    for name, in FRESH.rows(f"SELECT name FROM pragma_index_list('{table}') WHERE \"unique\""):
        columns = {row[0] for row in FRESH.rows(f"SELECT name FROM pragma_index_info('{name}')")}
        sql = FRESH.rows(f"SELECT sql FROM sqlite_master WHERE name = '{name}'")[0][0]
        if columns != {'n'}:
            yield columns, bare(sql.split('WHERE', 1)[1]) if sql and 'WHERE' in sql else None


def test_columns():
    """Each column of a replica's is filled by one of the server's of its type, and where it must not be empty nor is that one."""
    for table in SERVER.tables():
        theirs = server_columns(table)
        for name, kind, required, default in FRESH.rows(f"SELECT name, type, \"notnull\", dflt_value FROM pragma_table_info('{table}') WHERE name <> 'n'"):
            column = theirs.get(name)
            assert column or not required or default is not None, f'{table}.{name} is never filled'
            assert column is None or TYPES[column.type] == kind, f'{table}.{name}: {column.type} for {kind}'
            assert column is None or not required or column.required, f'{table}.{name} may be empty on the server'


def test_keys():
    """What may be once in a replica may be once on the server."""
    tried = 0
    assert ROOT.value("SELECT count(*) FROM sync.policy WHERE writes ? 'interactions'") == '0', 'an upload alone brings interactions'
    for table in SERVER.tables():
        for columns, of in replica_keys(table):
            if table == 'interactions' and columns & {'id', 'number', 'external_ref'}:
                continue                          # partitioned by seller; api.upload_end asks for it
            assert any(theirs <= columns and where in (None, of) for theirs, where in server_keys(table)), f'{table}: {columns} {of}'
            tried += 1
    assert tried > 60, tried


# Where a row follows another one, whose scopes it has, it is there with that one; so it is where everybody sees the other one,
# and where the server lets it name one of its own task alone (app.is_of_one_task, app.check_new_post).
OF_ITS_TASK = {('ai_outputs', 'based_on'), ('proposed_actions', 'output_id'), ('approvals', 'output_id'), ('outbox', 'approval_id'),
               ('outbox', 'distributor_id'), ('replies', 'post_id')}


def test_references():
    """Nobody gets a row whose reference leads to one that they do not get."""
    common = {row[0] for row in ROOT.ask("SELECT t.name FROM sync.tables t JOIN pg_proc p ON p.proname = t.name || '_scopes'"
                                         " WHERE p.prosrc ~ '^\\s*SELECT ARRAY\\[''common''\\];?\\s*$'")}
    assert {'products', 'people', 'channels'} < common, common
    tried = 0
    for table in SERVER.tables():
        theirs = server_columns(table)
        for name, parent in FRESH.rows(f"SELECT \"from\", \"table\" FROM pragma_foreign_key_list('{table}')"):
            follows = theirs[name].kind == 'parent' and theirs[name].of == parent
            assert follows or parent in common or (table, name) in OF_ITS_TASK or name == 'file_id' or (table, name) == (
                'interactions', 'customer_id'), f'{table}.{name} refers to {parent}'
            kept = ROOT.value("SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND conrelid = $1::text::regclass AND confrelid ="
                              " to_regclass($2) AND pg_get_constraintdef(oid) LIKE 'FOREIGN KEY (%' || $3 || ')%'", f'app.{table}', f'app.{parent}', name)
            assert kept != '0' or name == 'file_id', f'{table}.{name} may lead nowhere'
            tried += 1
    assert tried > 35, tried


class Scratch:
    """A table without keys and references, as the server and as a replica check its values."""

    def __init__(self, table):
        self.columns = server_columns(table)
        ROOT.ask(f'DROP TABLE IF EXISTS scratch; CREATE TEMP TABLE scratch (LIKE app.{table} INCLUDING CONSTRAINTS)')
        for name, in ROOT.ask("SELECT attname FROM pg_attribute WHERE attrelid = 'scratch'::regclass AND attnum > 0 AND attnotnull"):
            ROOT.ask(f'ALTER TABLE scratch ALTER "{name}" DROP NOT NULL')
        sql = FRESH.rows(f"SELECT sql FROM sqlite_master WHERE name = '{table}'")[0][0]
        self.replica = sqlite3.connect(':memory:', isolation_level=None)
        own = re.sub(r'NOT NULL(?= CHECK\(json_valid)', "DEFAULT '{}'", sql)
        self.replica.execute(re.sub(r',\s*UNIQUE\s*\([^)]*\)|(?<!IS )NOT NULL|PRIMARY KEY|\bUNIQUE\b|REFERENCES \w+\(\w+\)', '', own))
        self.checks = [found for found in re.findall(r'CHECK\(((?:[^()]|\((?:[^()]|\([^()]*\))*\))*)\)', sql)]

    def served(self, values):
        """As the server gives the row to who pulls, None where it does not take it."""
        try:
            names = ', '.join(f'"{name}"' for name in values)
            given = ', '.join(f'(${at}::text)::{self.columns[name].type}' for at, name in enumerate(values, 1))
            return json.loads(ROOT.value(f'WITH s AS (INSERT INTO scratch ({names}) VALUES ({given}) RETURNING {names}) SELECT row_to_json(s) FROM s',
                                         *values.values()))
        except Refused:
            return None

    def takes(self, row):
        """Why the replica does not, or None."""
        values = [bytes.fromhex(value.replace('\\x', '').replace('-', '')) if self.columns[name].type in ('bytea', 'uuid') and value is not None
                  else value for name, value in row.items()]
        try:
            self.replica.execute(f"INSERT INTO \"{self.table()}\"({', '.join(row)}) VALUES({', '.join('?' * len(row))})", values)
        except sqlite3.Error as problem:
            return str(problem)
        return None

    def ends(self, names, words):
        """For each column what to try; words: what the check names."""
        for column in (self.columns[name] for name in names):
            values = VALUES[column.type] if len(names) == 1 else VALUES[column.type][:3]   # of several it matters how they stand to each other
            yield ([] if column.required else [None]) + values + (words if column.type == 'text' else [])

    def table(self):
        return self.replica.execute('SELECT name FROM sqlite_master').fetchone()[0]


def test_checks():
    """What the server's checks let through the replica's do, of all values at whose ends somebody could try."""
    taken, checked = 0, 0
    for table in SERVER.tables():
        scratch = Scratch(table)
        for check in scratch.checks:
            names = [name for name in scratch.columns if re.search(rf'\b{name}\b', check)]
            assert names, (table, check)
            words = re.findall("'([^']*)'", check)
            for values in itertools.product(*scratch.ends(names, words)):
                row = scratch.served(dict(zip(names, values)))
                if row is not None:
                    why = scratch.takes(row)
                    assert why is None, f'{table}: {check}: {str(row)[:200]}: {why}'
                    taken += 1
            checked += 1
    assert checked > 80 and taken > 500, (checked, taken)


def parent(table):
    """A row of that table."""
    return made(table, **MADE[table]())


def made(table, **columns):
    """Such a row, past commands."""
    row = str(uuid.uuid4())
    names = ', '.join(columns)
    ROOT.ask(f"INSERT INTO app.{table} (id, {names}) VALUES ($1, {', '.join(f'${at}' for at in range(2, len(columns) + 2))})", row, *columns.values())
    return row


def text():
    return str(uuid.uuid4())


# What a row of each table is made with, where a command may change one.
MADE = {
    'distributors': lambda: {'legal_name': 'A', 'currency': 'EUR', 'region': 'north'},
    'contacts': lambda: {'distributor_id': parent('distributors'), 'name': 'A'},
    'products': lambda: {'sku': text(), 'name': 'A'},
    'orders': lambda: {'distributor_id': parent('distributors'), 'currency': 'EUR'},
    'order_lines': lambda: {'order_id': parent('orders'), 'position': 1, 'sku': 'A', 'quantity_milli': 1, 'unit_price_minor': 0, 'total_minor': 0},
    'invoices': lambda: {'order_id': (order := parent('orders')), 'amount_minor': 1, 'currency': 'EUR',
                         'distributor_id': ROOT.value('SELECT distributor_id FROM app.orders WHERE id = $1', order)},
    'shipments': lambda: {'order_id': parent('orders')},
    'shipment_events': lambda: {'shipment_id': parent('shipments'), 'kind': 'A', 'happened_at': 1},
    'documents': lambda: {'distributor_id': parent('distributors'), 'kind': 'A'},
    'people': lambda: {'login': text()},
    'absences': lambda: {'person_id': parent('people'), 'starts_at': 1, 'ends_at': 2},
    'delegations': lambda: {'person_id': parent('people'), 'delegate_id': parent('people'), 'starts_at': 1, 'ends_at': 2},
    **{table: lambda: {'name': text(), 'body': '{}'} for table in ('calendars', 'rules', 'agent_profiles', 'experiments')},
    **{table: lambda: {'name': text(), 'body': '{}', 'position': 1} for table in ('sla_policies', 'routes')},
    'templates': lambda: {'name': text(), 'body': '{}', 'kind': 'a'},
    'guardrails': lambda: {'name': text(), 'body': '{}', 'severity': 'error'},
    'settings': lambda: {'key': text(), 'value': 'a'},
    'channels': lambda: {'name': text(), 'kind': 'slack', 'base_url': 'https://a.example'},
    'channel_destinations': lambda: {'channel_id': parent('channels'), 'destination': '#a'},
    'articles': lambda: {'title': 'A', 'body': 'a'},
    'exchange_rates': lambda: {'base': 'EUR', 'quote': 'USD', 'rate_millionths': 1, 'dated_on': a_day()},
    'exceptions': lambda: {'rule': text(), 'blocker': 'b', 'subject_type': 'distributor', 'subject_id': text(), 'subject': 'A', 'score': 1,
                           'distributor_id': parent('distributors'), 'severity': 'low', 'owner': 'accounting', 'opened_at': 1},
    'exception_episodes': lambda: {'exception_id': parent('exceptions'), 'episode': 1, 'opened_at': 1, 'ended_at': 2, 'ended_as': 'cleared',
                                   'score': 1, 'evidence': '[]'},
    'task_channels': lambda: {'task_id': SERVER.task(), 'position': 1, 'channel': 'slack', 'destination': '#ops'},
    'ai_outputs': lambda: {'task_id': SERVER.task(), 'revision': 1, 'kind': 'channel_post', 'text': 'a', 'provider': 'a', 'model': 'a',
                           'prompt_version': '1', 'confidence': 1, 'author': 'a'},
    'proposed_actions': lambda: {'task_id': SERVER.task(), 'action': 'a'},
    'replies': lambda: {'task_id': SERVER.task(), 'channel': 'slack', 'external_message_id': text(), 'text': 'a', 'received_at': 1},
    'task_notes': lambda: {'subject_type': 'distributor', 'subject_id': parent('distributors'), 'author': 'a', 'text': 'a'},
    'follow_up_tasks': lambda: {'distributor_id': parent('distributors'), 'assigned_agent': 'a', 'human_owner': 'accounting', 'status': 'drafting'},
}
days = itertools.count(1)


def a_day():
    return f'{1900 + next(days)}-01-01'


@contextlib.contextmanager
def whatever_the_policy_says():
    """What the policy lets nobody write is no less a value: the schema alone stands in its way."""
    there = ROOT.value("SELECT pg_get_functiondef('sync.refusal'::regproc)")
    ROOT.ask('CREATE OR REPLACE FUNCTION sync.refusal(command_name text, table_name text, row_id uuid, operation text, columns jsonb)'
             " RETURNS text LANGUAGE sql AS 'SELECT NULL::text'")
    try:
        yield
    finally:
        ROOT.ask(there)


def test_pulled():
    """A login gives each column of each table such values; who has all rows, and who gets them anew, takes what was taken of it."""
    FRESH.connect()
    taken = collections.Counter()
    admin = SERVER.device('admin')
    with whatever_the_policy_says():
        for table, columns in MADE.items():
            theirs = {name: column for name, column in server_columns(table).items()
                      if column.kind in ('data', 'derived', 'stamp', 'number') and column.type != 'uuid'}
            for at in range(max(map(len, VALUES.values()))):
                row, given = None, columns()
                for name, column in theirs.items():
                    if at >= len(VALUES[column.type]):
                        continue
                    row = row or made(table, **given)
                    is_now = json.loads(ROOT.value(f'SELECT to_json({name}) FROM app.{table} WHERE id = $1', row) or 'null')
                    value = VALUES[column.type][at]
                    if column.type == 'bigint' and isinstance(value, str):
                        value = float(value)
                    answer = admin.push('import.chunk', change(table, row, 'update', **{name: [is_now, value]}))
                    taken[(table, name)] += answer['outcome'] == 'applied'
            FRESH.pull(table)
    assert len(taken) > 200 and sum(taken.values()) > 3000, (len(taken), sum(taken.values()))
    again = Station('sales')
    again.connect()
    again.pull('all of it at once')


def test_drafts():
    """So it is with what is approved."""
    made_of = [{'wire': '', 'payload_sha256': 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'},
               {'expires_at': -2 ** 63}, {'deadline_at': 2 ** 63 - 1}, {'amount_minor': -2 ** 63}, {'currency': ''}, {'policy': nested(3000)}]
    outcomes = [SERVER.draft(by='accounting', **columns).answer['outcome'] for columns in made_of]
    assert 'applied' in outcomes, outcomes
    FRESH.pull('drafts')
    # one person's draft
    for levels, outcome in (200, 'applied'), (201, 'rejected'), (3000, 'rejected'):
        task = SERVER.task()
        answer = SERVER.device('accounting').push('draft.store', insert(
            'ai_outputs', uuid.uuid4(), task_id=task, revision=1, kind='channel_post', text='a', provider='a', model='a', prompt_version='1',
            confidence=1, author='a', facts=nested(levels)))
        assert answer['outcome'] == outcome, answer
        FRESH.pull(f'facts of {levels} levels')


def main():
    try:
        run_tests([value for name, value in globals().items() if name.startswith('test_')])
    finally:
        SERVER.stop()


main()
