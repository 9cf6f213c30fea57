#!/usr/bin/python3
"""What breaks: backends, servers, the pooler between, a server that says nothing, the disk. With the real programs; afterwards
each command has happened exactly once, and the workspaces are alike.

CT_ROBUST_KILLS: how many times a server is killed in the middle (3 else)."""
import os
import random
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from central import FOLDER, POSTGRES, make_server
from central import Station as Desk
from postgres import free_port
from tower import TOWERCTL, Skip, run_tests

KILLS = int(os.environ.get('CT_ROBUST_KILLS', '3'))
DICE = random.Random(20261121)


class Station(Desk):
    """One that is removed at the end."""

    def __init__(self, *args):
        super().__init__(*args)
        STATIONS.append(self)


STATIONS = []


def start(station, *args, **options):
    return subprocess.Popen([TOWERCTL, '-w', station.workspace, '--json', *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            stdin=subprocess.DEVNULL, text=True, **options)


def make(station, names):
    for name in names:
        station.ok('distributor', 'create', '--legal-name', name, '--currency', 'EUR')


def drain(station):
    """Syncs until it is done; how often it had to try."""
    for tries in range(1, 40):
        if station.run('sync', '--once').returncode == 0 and station.status()['pending'] == 0:
            return tries
        time.sleep(0.2)
    raise AssertionError(station.status())


def once_each(database, names):
    """What the server has: each name once, an outcome and a leaf for each command, and no more."""
    there = POSTGRES.psql(database, 'SELECT legal_name FROM app.distributors ORDER BY 1').split('\n')
    assert there == sorted(names), (len(there), len(names), set(names) ^ set(there))
    settled = POSTGRES.psql(database, "SELECT (SELECT count(*) FROM sync.outcomes), (SELECT count(*) FROM audit.intents), (SELECT"
                                      " count(*) FROM audit.leaves WHERE leaf LIKE '%distributor.create%'), (SELECT count(*) FROM"
                                      " sync.outcomes WHERE answer ->> 'outcome' = 'rejected'), (SELECT count(*) FROM sync.txn WHERE"
                                      ' number IS NULL)')
    assert settled == f'{len(names)}|{len(names)}|{len(names)}|0|0', settled


def kill_backend(database):
    """kill -9 of one of the people's backends: PostgreSQL ends all others and recovers. False where there is none."""
    done = POSTGRES.psql(database, "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND usename IN ('anna', 'ben')",
                         check=False)
    pids = done.stdout.split()
    if not pids:
        return False
    try:
        os.kill(int(DICE.choice(pids)), signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def crash_server(_database):
    """kill -9 of the whole server, which then starts again."""
    POSTGRES.process.stdin.write('crash\n')
    POSTGRES.process.stdin.flush()
    assert POSTGRES.process.stdout.readline().startswith('ready ')
    return True


def await_server():
    for _ in range(200):
        if POSTGRES.psql('postgres', 'SELECT 1', check=False).returncode == 0:
            return
        time.sleep(0.05)
    raise AssertionError('PostgreSQL is not back')


def test_killed():
    """The server dies at any moment of a push or a pull."""
    database = make_server('killed')
    anna, ben = Station(database, 'anna'), Station(database, 'ben')
    anna.connect()
    ben.connect()
    names, hit = [], 0
    for turn in range(KILLS):
        new = [f'{turn}-{i}' for i in range(8)]
        make(anna, new)
        names += new
        running = [start(anna, 'sync', '--once'), start(ben, 'sync', '--once')]
        end = time.monotonic() + 2
        if turn % 3 == 2:
            time.sleep(DICE.uniform(0.05, 0.4))
            hit += crash_server(database)
        else:
            time.sleep(DICE.uniform(0, 0.1))
            while time.monotonic() < end and any(one.poll() is None for one in running):
                if kill_backend(database):
                    hit += 1
                    break
        for one in running:
            one.communicate()
        await_server()
        drain(anna)
    drain(ben)
    once_each(database, names)
    assert anna.ok('distributor', 'list') == ben.ok('distributor', 'list')
    assert hit, 'nothing was hit'
    print(f'# killed {hit} times of {KILLS}')


class Bouncer:
    """PgBouncer in transaction mode before the server."""

    def __init__(self, database, users):
        program = shutil.which('pgbouncer') or '/usr/sbin/pgbouncer'
        if not os.path.exists(program):
            raise Skip('pgbouncer is not installed')
        self.folder, self.port, self.database = tempfile.mkdtemp(prefix='ct-bouncer-'), free_port(), database
        with open(f'{self.folder}/users', 'w', encoding='utf-8') as file:
            file.writelines(f'"{user}" ""\n' for user in [*users, 'keeper'])
        with open(f'{self.folder}/ini', 'w', encoding='utf-8') as file:
            file.write(f'[databases]\n{database} = host={POSTGRES.folder} port={POSTGRES.port} dbname={database}\n[pgbouncer]\n'
                       f'listen_addr = 127.0.0.1\nlisten_port = {self.port}\nunix_socket_dir =\nauth_type = trust\n'
                       f'auth_file = {self.folder}/users\nadmin_users = keeper\npool_mode = transaction\nlogfile = {self.folder}/log\n'
                       'default_pool_size = 2\n')
        os.chmod(self.folder, 0o777)
        owner = os.stat(POSTGRES.folder)           # whose socket it is
        lower = ['setpriv', f'--reuid={owner.st_uid}', f'--regid={owner.st_gid}', '--clear-groups'] if os.getuid() == 0 else []
        self.process = subprocess.Popen([*lower, program, '-q', f'{self.folder}/ini'], stderr=subprocess.DEVNULL)
        for _ in range(100):
            if self.tell('SHOW VERSION', check=False) == 0:
                return
            time.sleep(0.05)
        raise AssertionError('pgbouncer does not start')

    def tell(self, command, check=True):
        done = subprocess.run(['psql', '-X', '-q', '-A', '-t', f'host=127.0.0.1 port={self.port} dbname=pgbouncer user=keeper', '-c',
                               command], capture_output=True, text=True, check=False)
        assert not check or done.returncode == 0, f'{command}: {done.stderr}'
        return done.returncode

    def stop(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder)


def test_bouncer():
    """Through PgBouncer, that pauses, and that cuts the lines to the server while something is on its way."""
    database = make_server('bounced')
    anna, ben = Station(database, 'anna'), Station(database, 'ben')
    bouncer = Bouncer(database, ['anna', 'ben'])
    try:
        for station in anna, ben:
            station.url = f'postgresql://{station.login}@127.0.0.1:{bouncer.port}/{database}'
            station.connect()
        names = [f'first-{i}' for i in range(5)]
        make(anna, names)
        anna.sync()
        # it waits while there is a pause, and then goes on
        more = [f'paused-{i}' for i in range(5)]
        make(anna, more)
        bouncer.tell(f'PAUSE {database}')
        running = start(anna, 'sync', '--once')
        time.sleep(0.5)
        assert running.poll() is None, running.communicate()
        bouncer.tell(f'RESUME {database}')
        said = running.communicate()
        assert running.returncode == 0, said
        names += more
        for turn in range(3):
            more = [f'cut-{turn}-{i}' for i in range(8)]
            make(anna, more)
            names += more
            running = start(anna, 'sync', '--once')
            time.sleep(DICE.uniform(0.02, 0.3))
            bouncer.tell(f'KILL {database}')
            running.communicate()
            bouncer.tell(f'RESUME {database}')
            drain(anna)
        drain(ben)
        once_each(database, names)
        assert anna.ok('distributor', 'list') == ben.ok('distributor', 'list')
    finally:
        bouncer.stop()


def test_silent():
    """A server that accepts and never answers is given up in time, and says so; the workspace works on meanwhile."""
    done = SILENT[1].communicate()
    assert SILENT[1].returncode == 1 and 'said nothing for 20 seconds' in done[1], (SILENT[1].returncode, done)
    make(SILENT[2], ['Meanwhile'])
    SILENT[0].close()


def no_space(station, limit, *args):
    """Runs a verb whose files may not grow beyond a limit."""
    def bound():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    running = start(station, *args, preexec_fn=bound)
    said = running.communicate()
    return running.returncode, said[1]


def fill_server(database):
    anna = Station(database, 'anna')
    anna.connect()
    make(anna, ['One'])
    anna.sync()
    POSTGRES.psql(database, "INSERT INTO app.distributors (id, legal_name, currency, notes) SELECT gen_random_uuid(), 'D' || i, 'EUR',"
                            " repeat(md5(i::text), 100) FROM generate_series(1, 1500) i")
    return anna


def check_full(station, database, before, attempt, make_room):
    """A pull and a command that find the disk full fail with words, lose nothing, and are done when there is room again."""
    code, said = attempt('sync', '--once')
    assert code != 0 and any(word in said for word in ('full', 'disk', 'space', 'large')), (code, said)
    code, said = attempt('distributor', 'create', '--legal-name', 'Too much', '--currency', 'EUR', '--notes', 'x' * 90000)
    assert code != 0 and any(word in said for word in ('full', 'disk', 'space', 'large')), (code, said)
    make_room()
    assert station.ok('distributor', 'list') == before, 'half of it was written'
    make(station, ['After'])
    drain(station)
    assert len(station.ok('distributor', 'list', '--limit', '5000')) == int(
        POSTGRES.psql(database, 'SELECT count(*) FROM app.distributors'))
    assert station.rows('PRAGMA integrity_check') == [('ok',)]


def test_disk_limit():
    database = make_server('limited')
    fill_server(database)
    ben = Station(database, 'ben')
    POSTGRES.psql(database, "UPDATE sync.grants SET scope = (sync.scope_ids(ARRAY['region:none']))[1] WHERE grantee = 'ben'")
    ben.connect()
    POSTGRES.psql(database, "UPDATE sync.grants SET scope = (sync.scope_ids(ARRAY['all']))[1] WHERE grantee = 'ben'")
    size = max(os.stat(os.path.join(ben.workspace, name)).st_size for name in os.listdir(ben.workspace)
               if name.startswith('replica.db'))
    check_full(ben, database, ben.ok('distributor', 'list'),
               lambda *args: no_space(ben, size + 65536 if args[0] == 'sync' else 16384, *args), lambda: None)


def test_disk_full():
    folder = tempfile.mkdtemp(prefix='ct-full-')
    if subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=20m', 'tmpfs', folder], capture_output=True, check=False).returncode != 0:
        os.rmdir(folder)
        raise Skip('a small disk can be mounted by root alone')
    try:
        database = make_server('fullness')
        fill_server(database)
        ben = Station(database, 'ben')
        POSTGRES.psql(database, "UPDATE sync.grants SET scope = (sync.scope_ids(ARRAY['region:none']))[1] WHERE grantee = 'ben'")
        ben.connect()
        POSTGRES.psql(database, "UPDATE sync.grants SET scope = (sync.scope_ids(ARRAY['all']))[1] WHERE grantee = 'ben'")
        shutil.move(ben.workspace, os.path.join(folder, 'w'))
        ben.workspace = os.path.join(folder, 'w')
        before, ballast = ben.ok('distributor', 'list'), os.path.join(folder, 'ballast')
        with open(ballast, 'wb', buffering=0) as file:
            try:
                while True:
                    file.write(b'x' * 4096)
            except OSError:
                pass

        def attempt(*args):
            done = ben.run(*args)
            return done.returncode, done.stderr
        check_full(ben, database, before, attempt, lambda: os.remove(ballast))
    finally:
        subprocess.run(['umount', '-l', folder], check=False)
        os.rmdir(folder)


SILENT = []


def main():
    try:
        database = make_server('silent')
        line = socket.create_server(('127.0.0.1', 0))
        station = Station(database, 'anna')
        SILENT.extend([line, start(station, 'connect', f'postgresql://anna@127.0.0.1:{line.getsockname()[1]}/x', '--password-file',
                                   station.secret(), '--plain-password'), station])
        run_tests([test_killed, test_bouncer, test_disk_limit, test_disk_full, test_silent])
    finally:
        POSTGRES.stop()
        for station in STATIONS:
            station.remove()
        shutil.rmtree(FOLDER)


if __name__ == '__main__':
    main()
