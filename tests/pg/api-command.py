#!/usr/bin/python3
"""api.command as an ERP or a script calls it: psql with a person's own login, nothing else."""
import json
import os
import subprocess
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'e2e'))
from postgres import Postgres  # noqa: E402  pylint: disable=wrong-import-position
from tower import TOWERCTL, run_tests  # noqa: E402  pylint: disable=wrong-import-position

POSTGRES = Postgres()


def server(*args):
    done = subprocess.run([TOWERCTL, '--json', 'server', *args], capture_output=True, text=True, check=False, timeout=120,
                          stdin=subprocess.DEVNULL)
    assert done.returncode == 0, f'{args}: {done.stderr}'
    return json.loads(done.stdout)


def call(login, name, args, key=None):
    """(answer, '') or (None, the error's first line)."""
    done = subprocess.run(['psql', '-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-v', 'VERBOSITY=verbose', '-v', f'name={name}',
                           '-v', f'args={json.dumps(args)}', '-v', f'key={key or ""}', POSTGRES.url('erp')], text=True,
                          capture_output=True, check=False, timeout=60,
                          input=f"SET SESSION AUTHORIZATION {login}; SELECT api.command(:'name', :'args', nullif(:'key', ''));")
    return (json.loads(done.stdout), '') if done.returncode == 0 else (None, done.stderr.splitlines()[0])


def sql(statement):
    return POSTGRES.psql('erp', statement)


def test_setup():
    POSTGRES.psql('postgres', 'CREATE DATABASE erp')
    server('init', POSTGRES.url('erp'))
    for login, role, scope in ('erp', 'sales', 'all'), ('north', 'sales', 'region:north'), ('looks', 'viewer', 'all'):
        server('add-user', POSTGRES.url('erp'), login, '--role', role, '--scope', scope, '--no-password')


def test_records():
    """Made, edited, archived, by number; each with an intent, a leaf and an outcome of its own."""
    made, why = call('erp', 'distributor.create', {'legal_name': "O'Brien \\ \"Söhne\" €", 'currency': 'EUR'})
    assert made and made['outcome'] == 'applied' and made['number'].startswith('DIST-'), why
    order, why = call('erp', 'order.create', {'distributor': made['number'], 'currency': 'EUR', 'total_minor': 12345})
    assert order and order['number'].startswith('ORD-'), why
    edited, why = call('erp', 'order.edit', {'number': order['number'], 'notes': 'from the ERP', 'rev': 1})
    assert edited and edited['id'] == order['id'], why
    assert sql('SELECT notes, rev, total_minor FROM app.orders') == 'from the ERP|2|12345'
    assert call('erp', 'order.edit', {'number': order['number'], 'notes': 'x', 'rev': 1})[1].count('CT101')
    assert call('erp', 'order.archive', {'number': order['number']})[0]['outcome'] == 'applied'
    assert call('erp', 'order.archive', {'number': order['number']})[1].count('so already')
    assert call('erp', 'note.add', {'subject_type': 'order', 'subject_id': order['id'], 'text': 'called'})[0]['outcome'] == 'applied'
    assert sql('SELECT author FROM app.task_notes') == 'erp'
    assert sql("SELECT count(*), count(DISTINCT n), max(n) FROM audit.intents") == '5|5|5'
    assert sql("SELECT count(*) FROM audit.leaves WHERE leaf LIKE '%\"actor\":\"erp\"%'") == '5'
    assert sql("SELECT bool_and(sha256(convert_to(intent, 'UTF8')) = sha256) FROM audit.intents") == 't'


def test_once():
    """The same key does it once; another command under it is refused."""
    one, why = call('erp', 'distributor.create', {'legal_name': 'Once', 'currency': 'EUR'}, 'request 7')
    again, _ = call('erp', 'distributor.create', {'legal_name': 'Once', 'currency': 'EUR'}, 'request 7')
    assert one and one == again, why
    assert sql("SELECT count(*) FROM app.distributors WHERE legal_name = 'Once'") == '1'
    assert 'another command' in call('erp', 'distributor.create', {'legal_name': 'Two', 'currency': 'EUR'}, 'request 7')[1]
    made, why = call('north', 'distributor.create', {'legal_name': 'Once', 'currency': 'EUR', 'region': 'north'}, 'request 7')
    assert made, 'keys of two logins have nothing to do with each other: ' + why


def test_refused():
    """Policy, scopes and shapes: nothing is written, nothing of a hidden row is told."""
    before = sql('SELECT count(*), max(rev) FROM app.distributors')
    hidden = sql("SELECT number FROM app.distributors WHERE region = '' LIMIT 1")
    for login, name, args, state in (
            ('looks', 'distributor.create', {'legal_name': 'A', 'currency': 'EUR'}, '42501'),
            ('erp', 'approval.approve', {'id': 'x'}, 'CT103'), ('erp', 'no.such', {}, '42501'),
            ('north', 'distributor.edit', {'number': hidden, 'city': 'X'}, 'CT103'),
            ('north', 'distributor.edit', {'number': 'DIST-2000-9999', 'city': 'X'}, 'CT103'),
            ('erp', 'distributor.edit', {'city': 'X'}, 'CT103'), ('erp', 'distributor.edit', [], 'CT004'),
            ('erp', 'distributor.edit', {'number': hidden, 'created_at': 5}, 'CT103'),
            ('erp', 'distributor.edit', {'number': hidden, 'scopes': '{1}'}, 'CT103'),
            ('erp', 'distributor.edit', {'number': hidden, "city\" = 'x'; --": 'X'}, 'CT103'),
            ('erp', 'order.create', {'distributor': 'DIST-2000-9999', 'currency': 'EUR'}, 'CT103')):
        answer, why = call(login, name, args)
        assert answer is None and state in why, (login, name, args, answer, why)
    rejected, why = call('erp', 'distributor.edit', {'number': hidden, 'value_band': 'Z'})
    assert rejected and (rejected['outcome'], rejected['code']) == ('rejected', 'invalid'), why
    rejected, why = call('north', 'distributor.create', {'legal_name': 'A', 'currency': 'EUR', 'region': 'south'})
    assert rejected and (rejected['outcome'], rejected['code']) == ('rejected', 'refused'), why
    assert sql('SELECT count(*), max(rev) FROM app.distributors') == before
    assert sql("SELECT count(*) FROM sync.devices WHERE public_key IS NOT NULL") == '0'


def programs(login):
    return sql(f"SELECT id FROM sync.devices WHERE owner = '{login}' ORDER BY enrolled_at DESC, revoked_at NULLS FIRST LIMIT 1")


def test_revoked():
    """An administrator takes the programs of a login away, and they stay away."""
    assert call('north', 'distributor.create', {'legal_name': 'Before', 'currency': 'EUR', 'region': 'north'})[0]
    server('revoke-device', POSTGRES.url('erp'), programs('north'))
    answer, why = call('north', 'distributor.create', {'legal_name': 'After', 'currency': 'EUR', 'region': 'north'})
    assert answer is None and 'not enrolled' in why, (answer, why)


def test_successor():
    """A login that was removed and added again works at once, and sees nothing of what was done under its name before."""
    sees = ("SET SESSION AUTHORIZATION erp; SELECT (SELECT count(*) FROM api.log(0, 1000) WHERE leaf LIKE '%\"actor\":\"erp\"%'),"
            f" (SELECT count(*) FROM api.outcomes('{programs('erp')}', 0))")
    sql('SELECT api.integrate()')
    before = sql("SELECT count(*) FROM audit.leaves WHERE leaf LIKE '%\"actor\":\"erp\"%'")
    assert sql(sees) == f'{before}|{before}' and int(before) > 5, (sql(sees), before)
    server('remove-user', POSTGRES.url('erp'), 'erp')
    server('add-user', POSTGRES.url('erp'), 'erp', '--role', 'sales', '--scope', 'region:north', '--no-password')
    assert sql(sees) == '0|0', sql(sees)
    made, why = call('erp', 'distributor.create', {'legal_name': 'Anew', 'currency': 'EUR', 'region': 'north'}, 'request 7')
    assert made and made['outcome'] == 'applied', why
    assert call('erp', 'distributor.edit', {'number': made['number'], 'value_band': 'Z'})[0]['outcome'] == 'rejected'
    sql('SELECT api.integrate()')
    assert sql(sees) == '2|0', sql(sees)


def main():
    try:
        run_tests([test_setup, test_records, test_once, test_refused, test_revoked, test_successor])
    finally:
        POSTGRES.stop()


if __name__ == '__main__':
    main()
