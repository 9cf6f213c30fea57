#!/usr/bin/python3
"""What a login may not see it cannot infer either: not by predicates that leak, by EXPLAIN, by errors, by the answers to its
commands, or by the feed. What remains is said in schema/central/README.md, and asked here as well. Rows are made for every
business table that the server has, one that region north sees among many that it does not."""
import json
import re
import sys
import uuid

from guarded import ROLES, VALUES, Device, Guarded, change, columns_of, fill, unique_columns
from libpq import Refused
from tower import ROOT, run_tests

SERVER = Guarded('hidden')
SECRET = 'GEHEIM'
# A value of the kind that nobody has.
OTHERS = {'text': "'NIEMAND'", 'bigint': '8888888', 'date': "'2032-08-08'::date", 'bytea': "convert_to('NIEMAND', 'UTF8')",
          'double precision': '0.8888'}


def everybody():
    for role in ROLES:
        session = SERVER.login(role)
        yield role, session
        session.close()


def assert_silent(who, what, rows):
    text = json.dumps(rows)
    assert SECRET not in text and '7777777' not in text and '2031-07-07' not in text, f'{who}: {what}: {text[:500]}'
    shown = set(re.findall(r'[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}', text))
    assert not shown & HIDDEN_IDS, f'{who}: {what}: {text[:500]}'


def test_rows():
    """Each role sees the one row of its region, of each table, by the table, its view and the feed."""
    tables = SERVER.tables()
    assert len(tables) > 20
    for who, session in everybody():
        for table in tables:
            for schema in 'app', 'api':
                rows = session.ask(f'SELECT * FROM {schema}.{table}')
                assert len(rows) == 1, f'{who}: {schema}.{table}: {len(rows)} rows'
                assert_silent(who, table, rows)
        names = '{' + ','.join(tables) + '}'
        for statement in ('SELECT * FROM api.pull(gen_random_uuid(), 0, gen_random_uuid(), $1, NULL, gen_random_uuid(), 0)',
                          'SELECT p.* FROM api.head(NULL, 0, NULL, NULL) h, api.pull(h.epoch, 0, h.epoch, $1, h.scopes, NULL, 0) p',
                          "SELECT * FROM api.changed(0, 1000000, '{}', $1)",
                          'SELECT c.* FROM api.head(NULL, 0, NULL, NULL) h, api.changed(0, 1000000, h.scopes, $1) c'):
            rows = session.ask(statement, names)
            assert_silent(who, statement, rows)
            assert 'pull' not in statement or len(rows) > 20, f'{who}: {statement}: {rows}'
        assert_silent(who, 'log', session.ask('SELECT * FROM api.log(0, 1000000)'))


# Each would fail, or say something, if it met a row with the secret before the row's scopes are asked.
LEAKS = [
    'SELECT count(*) FROM {0} WHERE 1 / (CASE WHEN {1}::text LIKE {2} THEN 0 ELSE 1 END) = 1',
    "SELECT count(*) FROM {0} WHERE {1}::text::inet = '::1' AND {1}::text LIKE {2}",
    'SELECT count(*) FROM {0} x JOIN {0} y ON 1 / (CASE WHEN y.{1}::text LIKE {2} THEN 0 ELSE 1 END) = 1',
    'SELECT (SELECT 1 / (CASE WHEN x.{1}::text LIKE {2} THEN 0 ELSE 1 END)) FROM {0} x',
    'SELECT count(*) FROM {0} GROUP BY {1} HAVING bool_or({1}::text LIKE {2})',
    'SELECT row_number() OVER (ORDER BY 1 / (CASE WHEN {1}::text LIKE {2} THEN 0 ELSE 1 END)) FROM {0}',
    'SELECT count(*) FROM {0} TABLESAMPLE BERNOULLI (100) WHERE 1 / (CASE WHEN {1}::text LIKE {2} THEN 0 ELSE 1 END) = 1',
]


def secret_pattern(kind):
    return {'text': "'GEHEIM%'", 'bigint': "'7777%'", 'date': "'2031-07-07'", 'bytea': "convert_to('GEHEIM', 'UTF8')::text",
            'double precision': "'0.7777'"}[kind]


def test_predicates():
    """As one role for all: the same policy holds for every one of them, as test-boundary and server check see to."""
    session, leaks = SERVER.login('sales'), 0
    for table in SERVER.tables():
        for name, kind in columns_of(SERVER, table):
            if kind == 'uuid':
                continue
            for relation in f'app.{table}', f'api.{table}':
                for leak in LEAKS if relation.startswith('app') else LEAKS[:2]:
                    statement = leak.format(relation, f'"{name}"', secret_pattern(kind))
                    try:
                        rows = session.ask(statement)
                    except Refused as refused:
                        assert refused.state == '22P02' and SECRET not in refused.message and '7777777' not in refused.message, (
                            f'{statement}: {refused}')
                    else:
                        assert 'HAVING' not in statement or rows == [], f'{statement}: {rows}'
                    leaks += 1
    session.close()
    # the trap springs for who may see the rows
    state, _message = SERVER.root.attempt(LEAKS[0].format('app.distributors', 'city', secret_pattern('text')))
    assert state == '22012', state
    print('# predicates:', leaks)


def plan(session, statement):
    """What EXPLAIN says, without what was asked."""
    text = '\n'.join(row[0] for row in session.ask(statement))
    for _kind, value in [*VALUES.items(), *OTHERS.items()]:
        text = text.replace(value, 'X')
    text = re.sub(r"GEHEIM|NIEMAND|[78]{7}|203[12]-0[78]-0[78]|0\.[78]{4}|\\x[0-9a-f]+|'X'::\w+", 'X', text)
    return re.sub(r'Memory: \d+kB|cost=\S+ ', '', text)


def test_explain():
    """Neither what the planner expects nor what EXPLAIN ANALYZE counts differs between a value that many hidden rows have and
    one that none has: there are no statistics of data. Statistics themselves nobody reads."""
    session, asked = SERVER.login('sales'), 0
    for table in SERVER.tables():
        for name, kind in columns_of(SERVER, table):
            if kind == 'uuid' or name in unique_columns(SERVER, table):
                continue
            secret, other = VALUES[kind], OTHERS[kind]
            for operator in '=', '<', '>':
                for explain in 'EXPLAIN', 'EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF)':
                    both = [plan(session, f'{explain} SELECT * FROM app.{table} WHERE "{name}" {operator} {value}')
                            for value in (secret, other)]
                    assert both[0] == both[1], f'{table}.{name}: {operator}:\n{both[0]}\n{both[1]}'
                    asked += 1
    for statement in ("SELECT count(*) FROM pg_stats WHERE schemaname IN ('app', 'sync', 'audit')",
                      "SELECT count(*) FROM pg_stats_ext WHERE schemaname IN ('app', 'sync', 'audit')"):
        assert session.value(statement) == '0', statement
    session.close()
    # the rows would be noticed if the planner knew them
    SERVER.root.ask('ALTER TABLE app.distributors ALTER city SET STATISTICS 100; ANALYZE app.distributors')
    session = SERVER.login('sales')
    both = [plan(session, f"EXPLAIN SELECT * FROM app.distributors WHERE city = '{value}'") for value in (SECRET, 'NIEMAND')]
    assert both[0] != both[1], both[0]
    session.close()
    SERVER.root.ask('ALTER TABLE app.distributors ALTER city SET STATISTICS 0; ANALYZE app.distributors')
    print('# plans:', asked)


def answer(device, command, *changes):
    """What the server says, without the keys that were asked for and the leaf's."""
    said = device.push(command, *changes)
    del said['leaf']
    text = json.dumps(said, sort_keys=True)
    for one in changes:
        text = text.replace(one['id'], 'ID')
        for column in one['columns'].values():
            for value in column:
                text = text.replace(json.dumps(value), 'VALUE').replace(str(value), 'VALUE') if value else text
    return text


def a_row(table, secret):
    return SERVER.root.value(f'SELECT id FROM app.{table} WHERE (scopes = (SELECT array_agg(id) FROM sync.scopes WHERE name = $1))'
                             ' ORDER BY id LIMIT 1', 'region:south' if secret else 'region:north')


def test_commands():
    """A row that is hidden answers as one that is not there, to every command that may change or remove rows of its table."""
    with open(f'{ROOT}/schema/policy.json', encoding='utf-8') as file:
        policy = json.load(file)
    devices, asked = {role: Device(SERVER, role) for role in ROLES}, 0
    for command, rule in policy.items():
        for table, writes in rule.get('writes', {}).items():
            if table not in SERVER.tables():
                continue
            kinds = dict(columns_of(SERVER, table))
            for role in rule['roles']:
                hidden, nobody = a_row(table, True), str(uuid.uuid4())
                for column in writes.get('update', []):
                    if column not in kinds or column in writes:
                        continue
                    value = [None, 5 if kinds[column] in ('bigint', 'double precision') else '2031-07-07']
                    if kinds[column] in ('uuid', 'bytea'):
                        value = [None, None]
                    both = [answer(devices[role], command, change(table, row, 'update', **{column: value})) for row in (hidden, nobody)]
                    assert both[0] == both[1], f'{role} {command} {table}.{column}:\n{both[0]}\n{both[1]}'
                    asked += 1
                    break
                if writes.get('delete'):
                    both = [answer(devices[role], command, change(table, row, 'delete')) for row in (hidden, nobody)]
                    assert both[0] == both[1], f'{role} {command} {table}:\n{both[0]}\n{both[1]}'
                    asked += 1
    assert asked > 100, asked
    for device in devices.values():
        device.session.close()
    print('# commands:', asked)


def test_parents():
    """What would hang on a hidden row is refused as what would hang on none; which of the two it is, nobody learns."""
    device = Device(SERVER, 'admin')
    for command, table, column, parent, more in (
            ('order.create', 'orders', 'distributor_id', 'distributors', {'currency': 'EUR'}),
            ('contact.create', 'contacts', 'distributor_id', 'distributors', {'name': 'A'}),
            ('invoice.create', 'invoices', 'order_id', 'orders', {'amount_minor': 1, 'currency': 'EUR',
                                                                  'distributor_id': a_row('distributors', False)}),
            ('shipment.create', 'shipments', 'order_id', 'orders', {}),
            ('document.create', 'documents', 'distributor_id', 'distributors', {'kind': 'A'}),
            ('note.add', 'task_notes', 'subject_id', 'distributors', {'subject_type': 'distributor', 'text': 'A'}),
            ('note.add', 'task_notes', 'subject_id', 'follow_up_tasks', {'subject_type': 'task', 'text': 'A'})):
        both = [answer(device, command, change(table, uuid.uuid4(), 'insert', **{column: [None, row]},
                                               **{name: [None, value] for name, value in more.items()}))
                for row in (a_row(parent, True), str(uuid.uuid4()))]
        assert both[0] == both[1] and 'rejected' in both[0], f'{command} {parent}:\n{both[0]}\n{both[1]}'
    device.session.close()


def test_taken():
    """That a key is taken shows, for no two rows may have it; by whom does not, nor anything of the other row."""
    device = Device(SERVER, 'admin')
    for command, table, column in (('product.create', 'products', 'sku'), ('distributor.create', 'distributors', 'external_ref')):
        said = []
        for secret in True, False:
            taken = SERVER.root.value(f'SELECT {column} FROM app.{table} WHERE id = $1', a_row(table, secret))
            source = SERVER.root.value(f'SELECT source FROM app.{table} WHERE id = $1', a_row(table, secret))
            columns = {'legal_name': [None, 'A'], 'name': [None, 'A'], 'sku': [None, 'A'], 'currency': [None, 'EUR'],
                       'region': [None, 'north'], 'source': [None, source], column: [None, taken]}
            known = dict(columns_of(SERVER, table))
            row = change(table, uuid.uuid4(), 'insert', **{name: value for name, value in columns.items() if name in known})
            said.append(answer(device, command, row))
            assert_silent('admin', command, said[-1])
        assert said[0] == said[1] and 'duplicate key' in said[0], f'{said[0]}\n{said[1]}'
    said = [answer(device, 'distributor.create', change('distributors', a_row('distributors', secret), 'insert',
                                                        legal_name=[None, 'A'], currency=[None, 'EUR'], region=[None, 'north']))
            for secret in (True, False)]
    assert said[0] == said[1] and 'conflict' in said[0], said
    device.session.close()


def test_devices():
    """Another's device is as none."""
    theirs, mine = Device(SERVER, 'sales'), Device(SERVER, 'legal')
    theirs.push('distributor.create', change('distributors', uuid.uuid4(), 'insert', legal_name=[None, 'A'], currency=[None, 'EUR'],
                                             region=[None, 'north']))
    for statement in ('SELECT * FROM api.standing($1)', 'SELECT * FROM api.outcomes($1, 0)', "SELECT api.apply($1, 1, '{}', '[]')",
                      "SELECT api.fork($1, 0, decode(repeat('00', 32), 'hex'), gen_random_uuid())"):
        said = []
        for device in theirs.id, str(uuid.uuid4()):
            try:
                said.append(mine.session.ask(statement, device))
            except Refused as refused:
                said.append(str(refused))
        assert said[0] == said[1], f'{statement}: {said}'
    theirs.session.close()
    mine.session.close()


def test_moved():
    """A row that leaves the region is gone there, once, and says nothing of what becomes of it."""
    device, session = Device(SERVER, 'admin'), SERVER.login('sales')
    row = change('distributors', uuid.uuid4(), 'insert', legal_name=[None, 'A'], currency=[None, 'EUR'], region=[None, 'north'])
    device.push('distributor.create', row)
    before = session.ask('SELECT number FROM api.head(NULL, 0, NULL, NULL)')[0][0]
    SERVER.root.ask("UPDATE app.distributors SET region = 'south', notes = 'GEHEIM' WHERE id = $1", row['id'])
    pull = ("SELECT p.id, p.body FROM api.head(NULL, 0, NULL, NULL) h, sync_txn t, api.pull(h.epoch, $1, t.nonce, '{distributors}',"
            " h.scopes, NULL, 0) p WHERE p.kind IN ('row', 'hidden')")
    nonce = SERVER.root.value('SELECT nonce FROM sync.txn WHERE number = $1', before)
    assert session.ask(pull.replace('sync_txn t', f"(SELECT '{nonce}'::uuid AS nonce) t"), before) == [(row['id'], None)]
    after = session.ask('SELECT number FROM api.head(NULL, 0, NULL, NULL)')[0][0]
    SERVER.root.ask("UPDATE app.distributors SET notes = 'GEHEIMER' WHERE id = $1", row['id'])
    nonce = SERVER.root.value('SELECT nonce FROM sync.txn WHERE number = $1', after)
    assert session.ask(pull.replace('sync_txn t', f"(SELECT '{nonce}'::uuid AS nonce) t"), after) == []
    device.session.close()
    session.close()


def test_claim():
    """Who lost a scope and keeps the seal that says they had it is told what they had, and nothing of what came to be since."""
    session = SERVER.login('partner')
    grant = ("INSERT INTO sync.grants SELECT 'partner', id FROM sync.scopes WHERE name = 'region:south'",
             "DELETE FROM sync.grants g USING sync.scopes s WHERE s.id = g.scope AND g.grantee = 'partner' AND s.name = 'region:south'")
    add = "INSERT INTO app.distributors (id, legal_name, currency, region) VALUES (gen_random_uuid(), 'A', 'EUR', 'south') RETURNING id"
    head = 'SELECT number, scopes FROM api.head(NULL, 0, NULL, NULL)'

    def told(after, claim):
        return {row[0] for row in session.ask("SELECT unnest(ids) FROM api.changed($1, 1000000, $2, '{distributors}')", after, claim)}

    SERVER.root.ask(grant[0])
    had, changed = SERVER.root.value(add), SERVER.root.value(add)
    number, claim = session.ask(head)[0]
    SERVER.root.ask(grant[1])
    later = SERVER.root.value(add)
    SERVER.root.ask("UPDATE app.distributors SET notes = 'GEHEIM' WHERE id = $1", changed)
    listed = told(number, claim)
    assert {had, changed} <= listed and later not in listed, (had, changed, later, len(listed))
    # nor which of them changed, whatever cursor is given with it
    for after in number, 0, session.ask(head)[0][0]:
        assert told(after, claim) - told(after, session.ask(head)[0][1]) == listed - told(after, session.ask(head)[0][1])
    for forged in claim.replace(f' {number} ', f' {int(number) + 5} '), claim.replace('{', '{1,'), claim + '0', 'x', '':
        assert later not in told(number, forged) and had not in told(number, forged), forged
    session.close()


def main():
    global HIDDEN_IDS  # pylint: disable=global-statement
    try:
        fill(SERVER)
        HIDDEN_IDS = {row[0] for table in SERVER.tables() for row in SERVER.root.ask(
            f"SELECT id FROM app.{table} WHERE scopes <> (SELECT array_agg(id) FROM sync.scopes WHERE name = 'region:north')")}
        run_tests([test_rows, test_predicates, test_explain, test_commands, test_parents, test_taken, test_devices, test_moved, test_claim])
    finally:
        SERVER.stop()


HIDDEN_IDS = set()
if __name__ == '__main__':
    sys.exit(main())
