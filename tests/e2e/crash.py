#!/usr/bin/python3
"""kill -9 at random moments in a loop of commands: no acknowledged one is lost, none is left half done; and tampering
of each kind is found."""
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import time

from tower import TOWERCTL, Tower, run_tests

LOOP = '''i=0; while :; do i=$((i + 1)); "$0" -w "$1" distributor create --name "Round $2 number $i" --currency EUR >/dev/null 2>&1 \\
&& echo "Round $2 number $i"; done'''


def test_kill_9():
    tower = Tower('--trial')
    pick = random.Random(9)
    acknowledged = []
    try:
        turn = 0
        while turn < 25 or (len(acknowledged) <= 20 and turn < 100):
            turn += 1
            loop = subprocess.Popen(['/bin/sh', '-c', LOOP, TOWERCTL, tower.workspace, str(turn)], stdout=subprocess.PIPE,
                                    text=True, start_new_session=True)
            time.sleep(pick.uniform(0.05, 0.5) * (1 + turn // 25))  # a slow build gets longer turns
            os.killpg(loop.pid, signal.SIGKILL)
            acknowledged += loop.communicate()[0].splitlines()
        names = {row['legalName'] if 'legalName' in row else row['name'] for row in tower.ok('distributor', 'list')}
        assert len(acknowledged) > 20, 'the loop got nowhere'
        assert not set(acknowledged) - names, sorted(set(acknowledged) - names)[:3]
        tower.ok('audit', 'verify', '--state')
    finally:
        tower.remove()


TAMPERING = {
    'edited row': "UPDATE distributors SET legal_name = 'Somebody else' WHERE n = (SELECT max(n) FROM distributors)",
    'deleted row': "DELETE FROM distributors WHERE n = (SELECT max(n) FROM distributors)",
    'added row': "INSERT INTO distributors SELECT randomblob(16), n + 100000, rev, created_at, updated_at, number || 'x', legal_name, country, "
                 "region, city, street, postal_code, value_band, onboarding_state, onboarding_since_at, credit_limit_minor, currency, "
                 "language, channel_preferences, source, external_ref, notes, archived_at FROM distributors LIMIT 1",
    'edited leaf': "UPDATE audit_logs SET leaf = CAST(replace(CAST(leaf AS TEXT), 'distributor.create', 'distributor.edited') AS BLOB) WHERE n = (SELECT max(n) FROM audit_logs)",
    'deleted leaf': "DELETE FROM audit_logs WHERE n = 3",
    'truncated log': "DELETE FROM audit_logs WHERE n = (SELECT max(n) FROM audit_logs)",
    'reordered leaves': "UPDATE audit_logs SET n = CASE n WHEN 3 THEN -4 ELSE -3 END WHERE n IN (3, 4); UPDATE audit_logs SET n = -n WHERE n < 0",
    'replaced checkpoint': "UPDATE audit_checkpoints SET root = zeroblob(32) WHERE size = (SELECT max(size) FROM audit_checkpoints)",
    'edited disclosure': "UPDATE audit_disclosures SET value = value || ' ' WHERE n = (SELECT max(n) FROM audit_disclosures)",
    'edited intent': "UPDATE intents SET actor = 'somebody' WHERE seq = (SELECT max(seq) FROM intents)",
}


def tamper(path, script):
    """As the owner of the file could: without our triggers and checks."""
    base = sqlite3.connect(path)
    base.executescript('PRAGMA foreign_keys=OFF; PRAGMA ignore_check_constraints=ON;')
    for (name,) in base.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
        base.execute(f'DROP TRIGGER "{name}"')
    before = base.total_changes
    base.executescript(script)
    assert base.total_changes > before, script
    base.commit()
    base.close()


def put_back(replica, copy):
    for suffix in ('-wal', '-shm'):
        if os.path.exists(replica + suffix):
            os.remove(replica + suffix)
    shutil.copy(copy, replica)


def test_tampering():
    tower = Tower('--trial')
    replica = os.path.join(tower.workspace, 'replica.db')
    try:
        for i in range(4):
            tower.ok('distributor', 'create', '--name', f'Distributor {i}', '--currency', 'EUR')
        tower.ok('audit', 'verify', '--state')
        base = sqlite3.connect(replica)
        base.execute('PRAGMA wal_checkpoint(TRUNCATE)')
        base.close()
        shutil.copy(replica, replica + '.good')
        for kind, script in TAMPERING.items():
            put_back(replica, replica + '.good')
            tamper(replica, script)
            done = tower.run('audit', 'verify', '--state')
            assert done.returncode == 1, f'{kind}: exit {done.returncode} {done.stdout} {done.stderr}'
            assert done.stderr.strip() or done.stdout.strip(), f'{kind}: says nothing'
    finally:
        tower.remove()


def checkpoint_of(tower):
    with open(os.path.join(tower.workspace, 'last-checkpoint'), encoding='utf-8') as file:
        return file.read()


def test_rollback():
    """A replica put back from an older copy: the log's key signs no second history, whatever is done on it."""
    tower = Tower('--trial')
    replica = os.path.join(tower.workspace, 'replica.db')
    folder = os.path.join(tower.folder, 'export')
    try:
        base = sqlite3.connect(replica)
        base.execute('PRAGMA wal_checkpoint(TRUNCATE)')
        base.close()
        shutil.copy(replica, replica + '.old')
        for i in range(3):
            tower.ok('distributor', 'create', '--name', f'Distributor {i}', '--currency', 'EUR')
        tower.ok('audit', 'export', folder)
        newest = checkpoint_of(tower)
        put_back(replica, replica + '.old')
        tower.fails(1, 'audit', 'verify')
        for i in range(6):  # behind what was signed, level with it, beyond it
            tower.ok('distributor', 'create', '--name', f'Other history {i}', '--currency', 'EUR')
            tower.fails(1, 'audit', 'verify')
            done = tower.fails(1, 'deliver', '--once')
            assert done.json['error']['code'] == 'corrupt', done.stdout
            assert checkpoint_of(tower) == newest, 'what was remembered is gone'
        tower.fails(1, 'audit', 'export', os.path.join(tower.folder, 'other'))
        # where nothing is remembered the export still knows what it held
        os.remove(os.path.join(tower.workspace, 'last-checkpoint'))
        assert tower.fails(5, 'audit', 'export', folder).json['error']['code'] == 'conflict'
        with open(os.path.join(folder, 'checkpoint'), encoding='utf-8') as file:
            assert file.read() == newest
    finally:
        tower.remove()


run_tests([test_kill_9, test_tampering, test_rollback])
