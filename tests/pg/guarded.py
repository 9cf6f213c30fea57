"""A server with a login for each role, and rows that they may see beside rows that they may not."""
import glob
import hashlib
import json
import os
import re
import shutil
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

    def stop(self):
        super().stop()
        shutil.rmtree(self.folder_of_secrets)

    def password(self, login):
        return f'Passwort von {login}'

    def secret(self, login):
        path = os.path.join(self.folder_of_secrets, login)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), 'w', encoding='utf-8') as file:
            file.write(self.password(login) + '\n')
        return path

    def server(self, verb, *args, code=0, database=None):
        done = subprocess.run([TOWERCTL, '--json', 'server', verb, self.url(database or self.database), *args], capture_output=True,
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


# As many rows hold the secret as make it one of the most common values of its column.
HIDDEN = 300
VALUES = {'text': "'GEHEIM'", 'bigint': '7777777', 'date': "'2031-07-07'::date", 'bytea': "convert_to('GEHEIM', 'UTF8')",
          'double precision': '0.7777', 'uuid': 'gen_random_uuid()'}
SEEN = {'text': "'SICHTBAR'", 'bigint': '1111111', 'date': "'2021-01-01'::date", 'bytea': "convert_to('SICHTBAR', 'UTF8')",
        'double precision': '0.1111', 'uuid': 'gen_random_uuid()'}


def columns_of(server, table):
    return server.root.ask('SELECT c.name, c.type FROM sync.columns c JOIN sync.tables t ON t.id = c.tbl WHERE t.name = $1'
                           " AND c.name NOT IN ('scopes', 'id') ORDER BY 1", table)


def unique_columns(server, table):
    """What is in a unique index: that such a value is taken cannot be hidden."""
    return {row[0] for row in server.root.ask(
        'SELECT DISTINCT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)'
        ' WHERE i.indrelid = $1::text::regclass AND i.indisunique', f'app.{table}')}


def fill(server):
    """One row of region north in each business table among many of region south; as they come, past all checks: what they mean
    does not count."""
    server.root.ask(
        'DO $$ DECLARE c record; BEGIN FOR c IN SELECT conrelid::regclass AS t, conname FROM pg_constraint'
        " WHERE contype = 'c' AND connamespace = 'app'::regnamespace AND conparentid = 0 AND coninhcount = 0"
        " LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', c.t, c.conname); END LOOP;"
        " FOR c IN SELECT contypid::regtype AS t, conname FROM pg_constraint WHERE contypid <> 0 AND connamespace = 'sync'::regnamespace"
        " LOOP EXECUTE format('ALTER DOMAIN %s DROP CONSTRAINT %I', c.t, c.conname); END LOOP; END $$;"
        'SET session_replication_role = replica')
    north, south = (server.root.value('SELECT (sync.scope_ids(ARRAY[$1]))[1]', scope) for scope in ('region:north', 'region:south'))
    for table in server.tables():
        columns, unique = columns_of(server, table), unique_columns(server, table)
        names = ', '.join(f'"{name}"' for name, _type in columns)
        server.root.ask(f'DELETE FROM app.{table}')
        for scope, rows, kinds in (south, HIDDEN, VALUES), (north, 1, SEEN):
            # where no two rows may have the same, each has its own
            values = ', '.join(kinds[kind] + {'text': ' || i', 'bigint': ' + i', 'bytea': " || convert_to(i::text, 'UTF8')"}.get(kind if name in unique else '', '')
                               for name, kind in columns)
            server.root.ask(f'INSERT INTO app.{table} (id, scopes, {names}) SELECT gen_random_uuid(), ARRAY[{scope}], {values}'
                            f' FROM generate_series(1, {rows}) i')
    server.root.ask('SET session_replication_role = origin; DELETE FROM sync.entry')
    tid = server.root.value('SELECT sync.current_tid()')
    for table in server.tables():
        server.root.ask(f'INSERT INTO sync.entry SELECT x.scopes[1], t.id, x.id, x.rev, false, {tid}'
                        f" FROM app.{table} x, sync.tables t WHERE t.name = '{table}'")
    server.root.ask('ANALYZE')


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


def intent(device, number, command, previous=b'\0' * 32, undoes=None):
    """The bytes of a device's command, as the server wants them; undoes: the command that it takes back."""
    made = str(uuid.uuid4())
    args = b'' if undoes is None else (b'ct-intent-args-v1\0' + uuid.UUID(made).bytes + b'{"command":"%s"}' % undoes.encode())
    return json.dumps({'actor': 'somebody', 'args_sha256': hashlib.sha256(args).hexdigest(), 'command_id': made,
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
        self.command = None                       # the ID of the last one that was pushed
        server.root.ask("INSERT INTO sync.devices (id, owner, enrolled_by, enrolled_at, last_sha256)"
                        " VALUES ($1, $2, 'postgres', 0, $3::text::bytea)", self.id, login, '\\x' + '00' * 32)

    def push(self, command, *changes, text=None, undoes=None, after=None):
        """The answer of the server, as it is; raises Refused where nothing was stored. after: what the statement calls first."""
        made = intent(self.id, self.number + 1, command, self.last, undoes)
        call = 'SELECT api.apply($1, $2, $3, $4)' + (f' FROM {after}' if after else '')
        answer = json.loads(self.session.value(call, self.id, self.number + 1, made,
                                               json.dumps(changes) if text is None else text))
        self.number, self.last = self.number + 1, hashlib.sha256(made.encode()).digest()
        self.command = json.loads(made)['command_id']
        return answer
