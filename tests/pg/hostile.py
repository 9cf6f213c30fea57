#!/usr/bin/python3
"""What people with ill will send: text that would be more than text, in each argument, column and name; documents of every
wrong shape. The server answers each at once, stays up, and is afterwards what it was.

CT_FUZZ_CALLS: how many wrong documents (500 else); CT_FUZZ_SEED: which."""
import json
import os
import random
import re
import subprocess
import time
import uuid

from guarded import TOWERCTL, Device, Guarded, change, columns_of, fill, intent, make_distributor
from libpq import LOST, Refused
from tower import ROOT, run_tests

SERVER = Guarded('hostile')
CALLS, SEED = int(os.environ.get('CT_FUZZ_CALLS', '500')), int(os.environ.get('CT_FUZZ_SEED', '1'))
NASTY = [
    "'", "''", "\\'", "\\", '"', '""', "'; DROP TABLE app.distributors CASCADE; --", "\"; DROP TABLE app.distributors CASCADE; --",
    "' || (SELECT 1/0) || '", "x') RETURNING (SELECT 1/0) --", '$$', '$f$ $f$', '$1', '%', '%I', '%L', '%1$s%2$s', '%n', '{0}', '${x}',
    ';', '--', '/*', '*/', '\n', '\r\n', '\t', '\x01', '\x7f', '\u202e\u2066abc\u2069', '\u200b', '\ufeff', '\U0001f4a3', 'e\u0301' * 50,
    'NULL', 'null', 'DEFAULT', 'true', '-1', '1e400', '{}', '[]', '{1,2}', '{"a":1}', '(1,2)', '0x00', "E'\\x00'", 'x' * 4000,
    'x' * 4001, 'ж' * 2000, 'pg_sleep(100)', 'app.distributors', 'sync', 'tower_owner', ' ', '',
]
# No answer to whatever is sent: the server is broken, out of something, or built a statement from it.
NEVER = ('XX', '53', '58', '57', '42601', '42P01', '42703', '42883', '42704', '3F', '22012', LOST)
# What the server is: objects, their definitions, privileges, logins.
SHAPE = ("SELECT md5(string_agg(x, '' ORDER BY x)) FROM (SELECT concat(oid, relname, relacl, relkind, reloptions, relrowsecurity) x FROM"
         ' pg_class UNION ALL SELECT concat(oid, prosrc, proacl, proconfig, prosecdef) FROM pg_proc UNION ALL SELECT'
         ' concat(oid, rolname, rolsuper, rolconfig) FROM pg_roles UNION ALL SELECT concat(oid, polqual) FROM pg_policy UNION ALL'
         ' SELECT concat(roleid, member) FROM pg_auth_members UNION ALL SELECT row_to_json(p)::text FROM sync.policy p UNION ALL'
         ' SELECT row_to_json(c)::text FROM sync.columns c) y')


def bearable(what, refused):
    assert not refused.state.startswith(NEVER), f'{str(what)[:300]}: {refused}'


def test_arguments():
    """Each text of each function that a login may call, as bytes that are no text as well."""
    functions = SERVER.root.ask(
        "SELECT p.proname, array_to_string(ARRAY(SELECT format_type(t, NULL) FROM unnest(p.proargtypes) t), ',') FROM pg_proc p"
        " WHERE p.pronamespace = 'api'::regnamespace ORDER BY 1")
    usual = {'uuid': str(uuid.uuid4()), 'bigint': '1', 'integer': '1', 'text': 'x', 'bytea': '\\x00', 'jsonb': '[]', 'boolean': 't',
             'text[]': '{distributors}', 'bigint[]': '{}', 'uuid[]': '{}'}
    calls = 0
    for login in 'admin', 'agent':
        session = SERVER.login(login)
        session.ask("SET statement_timeout = '10s'")
        for name, arguments in functions:
            kinds = arguments.split(',') if arguments else []
            call = f'SELECT * FROM api.{name}(' + ', '.join(f'${i}::{kind}' for i, kind in enumerate(kinds, 1)) + ')'
            for at, kind in enumerate(kinds):
                texts = [*(NASTY if login == 'admin' else NASTY[::4]), 'x' * 1048576, b'\xff\xfe', b'\xc0\x80', b'\xed\xa0\x80']
                if kind == 'text[]':
                    texts = [json.dumps([text]).replace('[', '{', 1)[:-1] + '}' for text in NASTY] + ['{{a},{b}}', '{NULL}', '{}']
                elif kind == 'jsonb':
                    texts = [json.dumps(text) for text in NASTY] + ['"\\u0000"', '"\\ud800"', '[null]', '[[]]', '[1]', '{}', 'null']
                for text in texts:
                    values = [usual[other] for other in kinds]
                    values[at] = text
                    try:
                        session.ask('BEGIN')
                        session.ask(call, *values)
                    except Refused as refused:
                        bearable((call, text), refused)
                    session.ask('ROLLBACK')
                    calls += 1
        session.close()
    print('# arguments:', calls)


# Columns in which the server writes the login, whatever is sent.
SIGNED = {('proposed_actions', 'decided_by')}


def test_columns():
    """Each column of text, by a command that may write it: what is stored is what was sent, letter by letter, or it is refused."""
    with open(f'{ROOT}/schema/policy.json', encoding='utf-8') as file:
        policy = json.load(file)
    SERVER.root.ask("INSERT INTO sync.grants SELECT 'admin', unnest(array_agg(id) || sync.scope_ids(ARRAY['all', 'common'])) FROM"
                    ' sync.scopes ON CONFLICT DO NOTHING')
    # which is asked at each change of a line, whatever the change is
    SERVER.root.ask('SET session_replication_role = replica; UPDATE app.order_lines SET discount_bp = 0, total_minor ='
                    ' sync.line_total(quantity_milli, unit_price_minor, 0); SET session_replication_role = origin')
    device, stored, refused, done = Device(SERVER, 'admin'), 0, 0, set()
    for command, rule in policy.items():
        for table, writes in rule.get('writes', {}).items():
            if 'admin' not in rule['roles'] or table not in SERVER.tables():
                continue
            kinds = dict(columns_of(SERVER, table))
            for column in writes.get('update', []):
                if kinds.get(column) != 'text' or column in writes or (table, column) in done:
                    continue
                done.add((table, column))
                rows = SERVER.root.ask(f'SELECT id FROM app.{table} LIMIT 1')
                row = rows[0][0] if rows else None
                # each column an eighth of them, each of them in an eighth of the columns
                for text in NASTY[len(done) % 8::8]:
                    if not row:
                        break
                    before = SERVER.root.value(f'SELECT "{column}" FROM app.{table} WHERE id = $1', row)
                    if before is None:
                        break
                    said = device.push(command, change(table, row, 'update', **{column: [before, text]}))
                    after = SERVER.root.value(f'SELECT "{column}" FROM app.{table} WHERE id = $1', row)
                    kind = SERVER.root.value('SELECT c.kind FROM sync.columns c JOIN sync.tables t ON t.id = c.tbl WHERE t.name = $1'
                                             ' AND c.name = $2', table, column)
                    if (table, column) in SIGNED:
                        assert after in (before, None), 'the server writes who it was'
                    elif kind in ('data', 'derived') and said['outcome'] == 'applied':
                        assert after == text, f'{table}.{column}: {text[:80]!r} became {after[:80]!r}'
                        stored += 1
                    elif kind in ('data', 'derived'):
                        assert after == before and 'syntax error' not in said['reason'], f'{table}.{column}: {said}'
                        refused += 1
    assert stored > 250, (stored, refused)
    print(f'# columns: {len(done)}, stored {stored}, refused {refused}')
    device.session.close()


def test_names():
    """Names of tables, columns, operations, commands and keys that are none."""
    device = Device(SERVER, 'admin')
    for text in [*NASTY, 'x' * 1048576]:
        row = make_distributor()
        for wrong in ({**row, 'table': text}, {**row, 'op': text}, {**row, 'id': text}, {**row, 'columns': {text: [None, 'x']}},
                      {**row, 'columns': {**row['columns'], 'scopes': [None, text], 'rev': [None, text], 'id': [None, text]}},
                      {**row, 'columns': {**row['columns'], 'channel_preferences': [None, text]}},
                      {**row, 'columns': {**row['columns'], 'number': [None, text]}}):
            said = device.push('distributor.create', wrong)
            assert said['outcome'] in ('applied', 'rejected') and 'syntax error' not in said.get('reason', ''), (wrong, said)
        if re.fullmatch('[a-z][a-z0-9_.-]{0,99}', text):
            assert device.push(text, row)['code'] == 'refused', text
            continue
        try:
            device.session.ask('SELECT api.apply($1, $2, $3, $4)', device.id, device.number + 1,
                               intent(device.id, device.number + 1, text, device.last), '[]')
            raise AssertionError(f'a command is called {text}')
        except Refused as refused:
            assert refused.state in ('CT004', '22P05'), refused
    device.session.close()


def test_too_long_for_an_index():
    """What cannot be stored for good is rejected, and does not hold up what comes after it."""
    device = Device(SERVER, 'admin')
    dice = random.Random(1)                       # PostgreSQL compresses what it can
    long = ''.join(chr(dice.randrange(0x100, 0x7ff)) for _ in range(2000))
    said = device.push('distributor.create', make_distributor(source=[None, 'x'], external_ref=[None, long]))
    assert said['outcome'] == 'rejected' and 'index' in said['reason'], said
    assert device.push('distributor.create', make_distributor())['outcome'] == 'applied'
    device.session.close()


def test_admin_verbs():
    """Names of logins and scopes, and what a device says of itself."""
    def run(verb, *args):
        return subprocess.run([TOWERCTL, '--json', 'server', verb, SERVER.url(SERVER.database), *args], capture_output=True, text=True,
                              check=False, timeout=60, stdin=subprocess.DEVNULL)
    for text in ("'; DROP ROLE viewer; --", '"; DROP ROLE viewer; --', "x\\'y", '%I%L', '$$', 'ж' * 31, '\u202ebidi'):
        done = run('add-user', text, '--role', 'sales', '--scope', f'region:{text}', '--no-password')
        assert done.returncode == 0, f'{text}: {done.stderr}'
        assert json.loads(done.stdout)['login'] == text
        assert SERVER.root.ask('SELECT s.name FROM pg_roles r JOIN sync.grants g ON g.grantee = r.rolname JOIN sync.scopes s'
                               ' ON s.id = g.scope WHERE r.rolname = $1', text) == [(f'region:{text}',)], text
        device = {'id': str(uuid.uuid4()), 'label': text, 'publicKey': '11' * 32, 'commands': 0, 'lastSha256': '00' * 32}
        path = os.path.join(SERVER.folder_of_secrets, 'device.json')
        with open(path, 'w', encoding='utf-8') as file:
            json.dump(device, file)
        done = run('enrol-device', text, path)
        assert done.returncode == 0 and json.loads(done.stdout)['owner'] == text, f'{text}: {done.stderr}'
        done = run('remove-user', text)
        assert done.returncode == 0 and json.loads(done.stdout)['dropped'], f'{text}: {done.stderr}'
    for text in ('', 'x' * 64, 'ж' * 32):
        assert run('add-user', text, '--role', 'sales', '--no-password').returncode == 2, text
    assert run('add-user', 'max', '--role', "sales'; DROP ROLE viewer; --", '--no-password').returncode == 2


def deep(depth, inner):
    return '[' * depth + inner + ']' * depth


ODD = ['null', 'true', '0', '-1', '1e131071', '1e-131071', '9223372036854775808', '1.5', '""', '"\\u0000"', '"\\ud800"', '[]', '{}', '[[]]',
       '[null, null]', '[1, 2, 3]', '{"a": {"b": []}}', deep(500, '1'), deep(20000, '1'), '{"a":' * 3000 + '1' + '}' * 3000,
       '"' + 'x' * 70000 + '"', '[' + ','.join(['[null, 1]'] * 500) + ']', '{' + ','.join(f'"k{i}": [null, 1]' for i in range(500)) + '}',
       '"2026-02-30"', '"00000000-0000-0000-0000-000000000000"', '"\\\\x41"', 'NaN', '[1,', '{"table": "distributors", "table": "orders"}']


def wrong_document(dice):
    """A valid list of changes with some of its parts replaced, doubled or left out."""
    rows = [make_distributor(dice.choice(['north', 'south'])) for _ in range(dice.randrange(1, 4))]
    marks = {}

    def spoil(node, chance):
        if dice.random() < chance:
            mark = f'@{len(marks)}@'
            marks[f'"{mark}"'] = dice.choice(ODD)
            return mark
        if isinstance(node, dict):
            spoiled = {(dice.choice(['table', 'id', 'op', 'columns', 'rev', 'scopes', 'x', 'legal_name', 'number']) if dice.random() < chance
                        else key): spoil(value, chance) for key, value in node.items()}
            return spoiled
        if isinstance(node, list):
            return [spoil(value, chance) for value in node for _ in range(2 if dice.random() < chance / 4 else 1)]
        return node

    text = json.dumps(spoil(rows, dice.choice([0.02, 0.1, 0.3])))
    for mark, odd in marks.items():
        text = text.replace(mark, odd)
    if dice.random() < 0.05:
        text = text[:dice.randrange(len(text))]
    return text


def test_fuzz():
    dice, device, outcomes, longest = random.Random(SEED), Device(SERVER, 'sales'), {}, 0
    device.session.ask("SET statement_timeout = '30s'")
    leaves = int(SERVER.root.value('SELECT count(*) FROM audit.leaves'))
    stored = 0
    for call in range(CALLS):
        document, began = wrong_document(dice), time.monotonic()
        try:
            if dice.random() < 0.15:
                made = wrong_document(dice) if dice.random() < 0.5 else intent(device.id, device.number + 1, 'd', device.last).replace(
                    dice.choice(['"', ':', '0', 'v', '1']), dice.choice(ODD[:16]))
                answer = {'outcome': device.session.value('SELECT api.apply($1, $2, $3, $4)', device.id, device.number + 1, made, document)}
                raise AssertionError(f'call {call} of seed {SEED}: an intent like that is stored: {made[:200]} {answer}')
            answer = device.push('distributor.create', text=document)
            state, stored = answer.get('code', 'applied'), stored + 1
        except Refused as refused:
            bearable(f'call {call} of seed {SEED}: {document[:300]}', refused)
            state = refused.state
        longest = max(longest, time.monotonic() - began)
        outcomes[state] = outcomes.get(state, 0) + 1
    assert int(SERVER.root.value('SELECT count(*) FROM audit.leaves')) - leaves == stored
    assert device.push('distributor.create', make_distributor())['outcome'] == 'applied'
    device.session.close()
    print(f'# fuzz: {CALLS} calls, seed {SEED}: {outcomes}, longest {longest:.2f} s')


def test_unchanged():
    """After all of it the server is what it was, and no backend died of it."""
    assert SERVER.root.value(SHAPE) == BEFORE
    with open(os.path.join(SERVER.folder, 'log'), encoding='utf-8', errors='replace') as file:
        log = file.read()
    for word in 'PANIC', 'terminated by signal', 'TRAP', 'could not determine':
        assert word not in log, log[-2000:]


BEFORE = ''


def main():
    global BEFORE  # pylint: disable=global-statement
    try:
        fill(SERVER)
        BEFORE = SERVER.root.value(SHAPE)
        run_tests([test_arguments, test_columns, test_names, test_too_long_for_an_index, test_admin_verbs, test_fuzz, test_unchanged])
    finally:
        SERVER.stop()


if __name__ == '__main__':
    main()
