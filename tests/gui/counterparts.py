"""What a person's session has beside the program: a keyring, and a Slack-compatible server on loopback."""
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading

from driver import wait

ROOT = os.environ['CT_SOURCE_ROOT']
TOWERCTL = os.path.join(os.environ['CT_BUILD_ROOT'], 'src', 'cli', 'towerctl')
DESTINATION = '#wholesale-exceptions'


def towerctl(s, *arguments):
    subprocess.run([TOWERCTL, '-w', s.state['workspace'], *arguments], check=True, stdout=subprocess.DEVNULL)


def on_bus(name):
    return 'true' in subprocess.run(['gdbus', 'call', '--session', '--dest', 'org.freedesktop.DBus', '--object-path',
                                     '/org/freedesktop/DBus', '--method', 'org.freedesktop.DBus.NameHasOwner', name], check=True,
                                    capture_output=True, text=True).stdout


def start_keyring(s):
    """The real keyring on the session's bus, unlocked; state['keyring'] is its process."""
    keyring = s.state['keyring'] = subprocess.Popen(['gnome-keyring-daemon', '--unlock', '--components=secrets', '--foreground'],
                                                    stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    keyring.stdin.write(b'test')
    keyring.stdin.close()
    wait('the keyring on the bus', lambda: on_bus('org.freedesktop.secrets'))


def start_slack(s, token):
    """A server that knows one token and one channel; returns its address, state['slack'] is its process, state['slack-log'] what
    it was asked."""
    port_file, log = os.path.join(s.folder, 'port'), os.path.join(s.folder, 'slack-log')
    s.state['slack-log'] = log
    s.state['slack'] = subprocess.Popen([sys.executable, os.path.join(ROOT, 'tests', 'http', 'slack-server.py'), '--port-file', port_file,
                                         '--log', log, '--token', token, '--channel', DESTINATION])
    wait('the port of the server', lambda: os.path.exists(port_file) and open(port_file, encoding='utf-8').read().strip())
    with open(port_file, encoding='utf-8') as file:
        return 'http://127.0.0.1:' + file.read().strip()


class Central:
    """A central server of the session's own, with people who have workspaces."""

    def __init__(self, s, name='tower'):
        sys.path.append(os.path.join(ROOT, 'tests', 'e2e'))
        from postgres import Postgres
        self.postgres, self.folder, self.name = Postgres(), s.folder, name
        self.postgres.psql('postgres', f'CREATE DATABASE {name}')
        self.administer('init')

    def administer(self, verb, *arguments):
        """towerctl server as the administrator."""
        subprocess.run([TOWERCTL, 'server', verb, self.postgres.url(self.name), *arguments], check=True, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL)

    def secret(self, password):
        path = os.path.join(self.folder, 'password')
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 'w', encoding='utf-8') as file:
            file.write(password + '\n')
        return path

    def add_user(self, login, password, role):
        self.administer('add-user', login, '--role', role, '--scope', 'all', '--user-password-file', self.secret(password))

    def address(self, login):
        return f'postgresql://{login}@127.0.0.1:{self.postgres.port}/{self.name}'

    def enrol(self, workspace, login):
        """Takes the workspace's device in, as an administrator does with what the person hands over."""
        path = os.path.join(self.folder, f'device-{login}.json')
        with open(path, 'w', encoding='utf-8') as file:
            subprocess.run([TOWERCTL, '-w', workspace, '--json', 'device', 'show'], check=True, stdout=file)
        self.administer('enrol-device', login, path)

    def join(self, login, role):
        """Somebody else's workspace, connected; a function that runs towerctl on it."""
        workspace, password = os.path.join(self.folder, login), f'Passwort von {login}'
        run = [TOWERCTL, '-w', workspace]
        self.add_user(login, password, role)
        subprocess.run([*run, 'init'], check=True, stdout=subprocess.DEVNULL)
        self.enrol(workspace, login)
        subprocess.run([*run, 'connect', self.address(login), '--password-file', self.secret(password), '--plain-password'],
                       check=True, stdout=subprocess.DEVNULL)
        return lambda *arguments: subprocess.run([*run, *arguments], check=True, stdout=subprocess.DEVNULL)

    def reachable(self, yes, login=None):
        """Whether people get in, or one of them: offline as they see it, with the server still there for the test."""
        if login:
            self.postgres.psql('postgres', f'ALTER ROLE {login} CONNECTION LIMIT {-1 if yes else 0}')
        else:
            self.postgres.psql('postgres', f'ALTER DATABASE {self.name} ALLOW_CONNECTIONS {str(yes).lower()}')
        if not yes:
            self.postgres.psql('postgres', f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{self.name}'"
                               + (f" AND usename = '{login}'" if login else ''))

    def sql(self, statement):
        return self.postgres.psql(self.name, statement)


class DevServer:
    """The server that ./dev server starts, with its login for each role."""

    def __init__(self, s):
        # PostgreSQL runs as somebody else, who may not enter the session's folder
        self.folder = tempfile.mkdtemp(prefix='ct-dev-server-', dir='/var/tmp')
        self.session = s
        port = socket.create_server(('127.0.0.1', 0))
        environment = {**os.environ, 'CT_SERVER_PORT': str(port.getsockname()[1])}
        port.close()
        self.process = subprocess.Popen([os.path.join(ROOT, 'tests', 'pg', 'demo-server.sh'), TOWERCTL, self.folder], text=True,
                                        stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, env=environment)
        s.at_end(self.stop)
        self.port = int(self.process.stdout.readline().rsplit(':', 1)[1].split('/')[0])
        self.owner = f'host={self.folder} port={self.port} dbname=tower user=postgres'

    def stop(self):
        self.process.terminate()
        self.process.wait(60)
        shutil.rmtree(self.folder)

    def password_file(self, login):
        with open(os.path.join(self.folder, 'passwords'), encoding='utf-8') as file:
            password = next(line.strip().split(':', 4)[4] for line in file if line.split(':')[3] == login)
        path = os.path.join(self.session.folder, 'password-' + login)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), 'w', encoding='utf-8') as file:
            file.write(password + '\n')
        return path

    def sql(self, statement):
        return subprocess.run(['psql', '-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', self.owner, '-c', statement], check=True,
                              capture_output=True, text=True).stdout.strip()


class Line:
    """One person's network on the way to a port of this machine: it can be cut, and mended."""

    def __init__(self, port):
        self.to, self.whole, self.open = port, True, []
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            near, _ = self.listener.accept()
            if not self.whole:
                near.close()
                continue
            far = socket.create_connection(('127.0.0.1', self.to))
            self.open += [near, far]
            for one, other in (near, far), (far, near):
                threading.Thread(target=self.carry, args=(one, other), daemon=True).start()

    @staticmethod
    def carry(one, other):
        try:
            while data := one.recv(65536):
                other.sendall(data)
        except OSError:
            pass
        for end in one, other:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self):
        self.whole = False
        for end in self.open:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.open.clear()

    def mend(self):
        self.whole = True
