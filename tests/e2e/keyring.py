#!/usr/bin/python3
"""What the programs keep in the keyring, with the real one on a bus of its own, and what is so where there is none."""
import contextlib
import os
import shutil
import subprocess
import tempfile
import time

from central import POSTGRES, Service, Station, make_server
from tower import Skip, run_tests

# What libsecret still has of its connection to the keyring when a program ends is not looked for here; all else is.
os.environ['ASAN_OPTIONS'] = os.environ.get('ASAN_OPTIONS', '') + ':detect_leaks=0'

NOWHERE = 'unix:path=/nonexistent/bus'
HOME = tempfile.mkdtemp(prefix='ct-keyring-')
KEYRING = os.path.join(HOME, 'keyrings', 'login.keyring')


@contextlib.contextmanager
def keyring():
    """A session that has a keyring, unlocked; outside of it there is none."""
    if not shutil.which('gnome-keyring-daemon') or not shutil.which('dbus-daemon'):
        raise Skip('gnome-keyring-daemon or dbus-daemon is not installed')
    home = {'HOME': HOME, 'XDG_DATA_HOME': HOME, 'XDG_RUNTIME_DIR': HOME}
    before = {name: os.environ.get(name) for name in [*home, 'DBUS_SESSION_BUS_ADDRESS']}
    bus = subprocess.Popen(['dbus-daemon', '--session', '--nofork', '--print-address=1'], stdout=subprocess.PIPE, text=True,
                           env={**os.environ, **home})
    os.environ.update(home, DBUS_SESSION_BUS_ADDRESS=bus.stdout.readline().strip())
    daemon = subprocess.Popen(['gnome-keyring-daemon', '--unlock', '--components=secrets', '--foreground'], stdin=subprocess.PIPE,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        daemon.stdin.write(b'test')
        daemon.stdin.close()
        for _ in range(300):
            if 'true' in bus_call('org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus.NameHasOwner',
                                  'org.freedesktop.secrets'):
                break
            time.sleep(0.1)
        yield
    finally:
        for process in (daemon, bus):
            process.terminate()
            process.wait()
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def bus_call(destination, path, method, *args):
    return subprocess.run(['gdbus', 'call', '--session', '--dest', destination, '--object-path', path, '--method', method, *args],
                          check=True, capture_output=True, text=True).stdout


def lock():
    bus_call('org.freedesktop.secrets', '/org/freedesktop/secrets', 'org.freedesktop.Secret.Service.Lock',
             "[objectpath '/org/freedesktop/secrets/collection/login']")


def set_back(database, backup):
    POSTGRES.psql('postgres', f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN ('{database}', '{backup}')")
    POSTGRES.psql('postgres', f'ALTER DATABASE {database} RENAME TO {database}_before_{backup}')
    POSTGRES.psql('postgres', f'CREATE DATABASE {database} TEMPLATE {backup}')


class Team:
    """A person with a keyring, one without, and the service, without."""

    def __init__(self, database):
        self.database = make_server(database)
        self.robot = Service(self.database)
        self.anna, self.ben = Station(self.database, 'anna'), Station(self.database, 'ben')
        for person in (self.anna, self.ben):
            person.connect()

    def work(self, name):
        """Something that is done, signed, and seen by both."""
        self.ben.ok('distributor', 'create', '--legal-name', name, '--currency', 'EUR')
        self.ben.sync()
        self.robot.work()
        self.ben.sync()
        with keyring():
            self.anna.sync()

    def back_up(self, name):
        POSTGRES.psql('postgres', f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{self.database}'")
        POSTGRES.psql('postgres', f'CREATE DATABASE {name} TEMPLATE {self.database}')
        for station in (self.robot, self.anna, self.ben):
            shutil.copytree(station.workspace, station.workspace + name)

    def restore(self, name, *stations):
        set_back(self.database, name)
        for station in stations:
            shutil.rmtree(station.workspace)
            shutil.copytree(station.workspace + name, station.workspace)


def test_last_checkpoint():
    """An old copy of a workspace together with one of the server is found by the checkpoint in the keyring, by that alone; what
    the log's key took back is not held against the server."""
    team = Team('kept')
    anna, ben = team.anna, team.ben
    team.work('Nordwind')
    with keyring():
        assert anna.ok('health', '--quick')['log']['keyring'] is None
        verified = anna.run('audit', 'verify')
        assert verified.returncode == 0 and 'keyring' not in verified.stderr, verified.stderr
        written = os.stat(KEYRING).st_mtime_ns
        anna.sync()
        anna.sync()
        assert os.stat(KEYRING).st_mtime_ns == written    # nothing was new
    assert 'keyring' in ben.ok('health', '--quick')['log']['keyring']
    verified = ben.run('audit', 'verify')
    assert verified.returncode == 0 and 'not in the keyring' in verified.stderr, verified.stderr

    team.back_up('kept_early')
    team.work('Südwind')
    # the server alone: the log goes on as its key says, also for who has a checkpoint of what was lost in the keyring
    team.restore('kept_early')
    assert team.robot.ok('server', 'continue-log', POSTGRES.url('kept'))['lost'] > 0
    team.robot.work()
    team.work('Westwind')
    team.work('Ostwind')
    with keyring():
        assert anna.status()['log']['trouble'] is None
        assert anna.run('audit', 'verify', '--state').returncode == 0

    team.back_up('kept_late')
    team.work('Nordost')
    team.restore('kept_late', team.robot, anna, ben)
    team.robot.work()
    ben.sync()    # who has no keyring finds nothing
    with keyring():
        found = anna.run('sync', '--once')
        assert found.returncode == 1 and 'rolled back' in found.stderr, (found.returncode, found.stderr)
        found = anna.run('audit', 'verify')
        assert found.returncode == 1 and 'rolled back' in found.stderr, (found.returncode, found.stderr)
        assert 'rolled back' in anna.ok('health', '--quick')['log']['trouble']


def test_locked():
    """A keyring that somebody has to unlock first is no reason to wait for that person, or to fail."""
    team = Team('locked')
    team.work('Nordwind')
    team.ben.ok('distributor', 'create', '--legal-name', 'Südwind', '--currency', 'EUR')
    team.ben.sync()
    team.robot.work()
    with keyring():
        lock()
        team.anna.sync()
        assert team.anna.ok('health', '--quick')['log']['keyring'] == 'the keyring is locked'


def test_administrator():
    """The administrator's password, once kept, is found where libpq knows none, for this login alone and while there is a keyring."""
    database = make_server('admin')
    ada, anna = Station(database, 'ada', 'admin'), Station(database, 'anna')
    device = anna.ok('device', 'show')['id']

    def revoke(station, *args):
        done = anna.run('server', 'revoke-device', station.url, device, *args)
        return done.returncode, done.stderr

    with keyring():
        assert 'asks for a password' in revoke(ada)[1], revoke(ada)
        status, said = revoke(ada, '--password-file', ada.secret('wrong'), '--keep-password')
        assert status == 3 and 'authentication failed' in said, (status, said)
        assert 'asks for a password' in revoke(ada)[1], revoke(ada)     # what is wrong is not kept
        assert revoke(ada, '--password-file', ada.secret(), '--keep-password')[0] == 0
        assert revoke(ada)[0] == 0
        assert 'asks for a password' in revoke(anna)[1], revoke(anna)
        POSTGRES.psql(database, "ALTER ROLE ada PASSWORD 'another one'")
        status, said = revoke(ada)
        assert status == 3 and 'authentication failed' in said, (status, said)
        assert revoke(ada, '--password-file', ada.secret('another one'), '--keep-password')[0] == 0
        assert revoke(ada)[0] == 0
    assert 'asks for a password' in revoke(ada)[1], revoke(ada)
    status, said = revoke(ada, '--password-file', ada.secret('another one'), '--keep-password')
    assert status != 0 and 'keyring' in said, (status, said)


def main():
    os.environ['DBUS_SESSION_BUS_ADDRESS'] = NOWHERE
    try:
        run_tests([test_last_checkpoint, test_locked, test_administrator])
    finally:
        POSTGRES.stop()
        shutil.rmtree(HOME)


if __name__ == '__main__':
    main()
