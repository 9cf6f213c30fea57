"""A server with a login for each role, and rows that they may see beside rows that they may not."""
import glob
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'e2e'))

from libpq import Session  # pylint: disable=wrong-import-position
from postgres import Postgres  # pylint: disable=wrong-import-position
from tower import ROOT, TOWERCTL  # pylint: disable=wrong-import-position

ROLES = ['viewer', 'sales', 'accounting', 'logistics', 'legal', 'partner', 'admin', 'agent']
SCHEMAS = ['api', 'app', 'audit', 'sync']


class Guarded(Postgres):
    """One database, made by towerctl server init; the login of each role sees region north alone."""

    def __init__(self, database):
        super().__init__()
        self.database = database
        self.folder_of_secrets = tempfile.mkdtemp(prefix='ct-guarded-')
        self.psql('postgres', f'CREATE DATABASE {database}')
        self.server('init')
        for role in ROLES:
            self.server('add-user', role, '--role', role, '--scope', 'region:north', '--user-password-file', self.secret(role))
        self.root = self.login('postgres')

    def password(self, login):
        return f'Passwort von {login}'

    def secret(self, login):
        path = os.path.join(self.folder_of_secrets, login)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), 'w', encoding='utf-8') as file:
            file.write(self.password(login) + '\n')
        return path

    def server(self, verb, *args, code=0):
        done = subprocess.run([TOWERCTL, '--json', 'server', verb, self.url(self.database), *args], capture_output=True,
                              text=True, check=False, timeout=300, stdin=subprocess.DEVNULL)
        assert done.returncode == code, f'{verb} {args}: exit {done.returncode}: {done.stderr} {done.stdout[:2000]}'
        return json.loads(done.stdout) if done.stdout.strip() else None

    def login(self, name):
        """Over TCP with their password, as people come; the superuser by the socket."""
        if name == 'postgres':
            return Session(self.url(self.database))
        return Session(f"host=127.0.0.1 port={self.port} dbname={self.database} user={name} "
                       f"password='{self.password(name)}'")

    def tables(self):
        return [row[0] for row in self.root.ask('SELECT name FROM sync.tables ORDER BY id')]


def migrations():
    """The text of all of them, without comments."""
    texts = []
    for path in sorted(glob.glob(os.path.join(ROOT, 'schema', 'central', '*.sql'))):
        with open(path, encoding='utf-8') as file:
            texts.append(re.sub(r'--[^\n]*', '', file.read()))
    return '\n'.join(texts)


def granted_functions():
    """What the migrations say of who may call which function of schema api: {name: {role, …}}; members of a group have what
    the group has, and every role is a viewer."""
    granted = {}
    for functions, roles in re.findall(r'GRANT EXECUTE ON FUNCTION (.*?) TO ([\w, ]+);', migrations(), re.S):
        for name in re.findall(r'api\.(\w+)\s*\(', functions):
            for role in re.split(r'\s*,\s*', roles.strip()):
                granted.setdefault(name, set()).add(role.removeprefix('tower_'))
    return {name: set(ROLES) if 'viewer' in roles else roles for name, roles in granted.items()}


def intent(device, number, command, previous=b'\0' * 32):
    """The bytes of a device's command, as the server wants them."""
    return json.dumps({'actor': 'somebody', 'args_sha256': hashlib.sha256(b'').hexdigest(), 'command_id': str(uuid.uuid4()),
                       'device_id': str(device), 'device_seq': number, 'name': command, 'occurred_at': 1700000000000,
                       'previous_sha256': previous.hex(), 'v': 1}, sort_keys=True, separators=(',', ':'))


def change(table, row, operation, **columns):
    """One change of a command: columns are [old, new]."""
    return {'table': table, 'id': str(row), 'op': operation, 'columns': columns}


def make_distributor(region='north', **columns):
    return change('distributors', uuid.uuid4(), 'insert', legal_name=[None, 'Nordwind'], currency=[None, 'EUR'],
                  region=[None, region], **columns)


class Device:
    """A workspace of a login, without a replica: numbers and chains what it pushes."""

    def __init__(self, server, login):
        self.session, self.id, self.number, self.last = server.login(login), str(uuid.uuid4()), 0, b'\0' * 32
        server.root.ask("INSERT INTO sync.devices (id, owner, enrolled_by, enrolled_at, last_sha256)"
                        " VALUES ($1, $2, 'postgres', 0, $3::text::bytea)", self.id, login, '\\x' + '00' * 32)

    def push(self, command, *changes, text=None):
        """The answer of the server, as it is; raises Refused where nothing was stored."""
        made = intent(self.id, self.number + 1, command, self.last)
        answer = json.loads(self.session.value('SELECT api.apply($1, $2, $3, $4)', self.id, self.number + 1, made,
                                               json.dumps(changes) if text is None else text))
        self.number, self.last = self.number + 1, hashlib.sha256(made.encode()).digest()
        return answer
