#!/usr/bin/python3
"""People whom a directory knows and PostgreSQL has no password of: LDAP (a real slapd) and GSSAPI (a real Kerberos KDC)."""
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

FOLDER = tempfile.mkdtemp(prefix='ct-directory-')
os.chmod(FOLDER, 0o755)  # the server's user reads krb5.conf there; what is secret is not readable by itself
REALM = 'TOWER.TEST'
os.environ['KRB5_CONFIG'] = os.path.join(FOLDER, 'krb5.conf')  # the server that the tests start reads it as well

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'e2e'))
from postgres import Postgres, free_port  # pylint: disable=wrong-import-position
from tower import Skip, TOWERCTL, Tower, run_tests  # pylint: disable=wrong-import-position

PASSWORD = 'ein langes Wort im Verzeichnis'
DATABASE = 'directory'
PROGRAMS = {name: shutil.which(name, path=os.environ['PATH'] + ':/usr/sbin:/sbin')
            for name in ('slapd', 'slapadd', 'slappasswd', 'krb5kdc', 'kdb5_util', 'kadmin.local', 'kinit')}


def path(*names):
    return os.path.join(FOLDER, *names)


def write(name, text, mode=0o644):
    with open(os.open(path(name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), 'w', encoding='utf-8') as file:
        file.write(text)
    return path(name)


def run(program, *args, **options):
    return subprocess.run([PROGRAMS.get(program, program), *args], check=True, capture_output=True, text=True, timeout=60, **options)


def wait_for(port, process, what):
    """Until somebody listens there."""
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(('127.0.0.1', port)) == 0:
                return process
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise AssertionError(f'{what} does not start')


def start_ldap(port):
    """A directory with one person, lena."""
    os.makedirs(path('ldap'))
    config = write('slapd.conf', f'''include /etc/ldap/schema/core.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {path('slapd.pid')}
database mdb
suffix "dc=tower,dc=test"
directory {path('ldap')}
maxsize 16777216
''')
    secret = run('slappasswd', '-s', PASSWORD).stdout.strip()
    entries = write('entries.ldif', f'''dn: dc=tower,dc=test
objectClass: dcObject
objectClass: organization
o: tower
dc: tower

dn: cn=lena,dc=tower,dc=test
objectClass: person
cn: lena
sn: lena
userPassword: {secret}
''')
    run('slapadd', '-f', config, '-l', entries)
    process = subprocess.Popen([PROGRAMS['slapd'], '-f', config, '-h', f'ldap://127.0.0.1:{port}', '-d', '0'],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return wait_for(port, process, 'slapd')


def start_kerberos(port):
    """A realm with one person, gina, and the key of this machine's PostgreSQL."""
    write('krb5.conf', f'''[libdefaults]
 default_realm = {REALM}
 dns_lookup_realm = false
 dns_lookup_kdc = false
 dns_canonicalize_hostname = false
 rdns = false
[realms]
 {REALM} = {{
  kdc = 127.0.0.1:{port}
 }}
[domain_realm]
 localhost = {REALM}
''')
    write('kdc.conf', f'''[kdcdefaults]
 kdc_listen = 127.0.0.1:{port}
 kdc_tcp_listen = 127.0.0.1:{port}
[realms]
 {REALM} = {{
  database_name = {path('principal')}
  key_stash_file = {path('stash')}
  acl_file = {path('kadm5.acl')}
 }}
[logging]
 kdc = FILE:{path('kdc.log')}
''')
    os.environ['KRB5_KDC_PROFILE'] = path('kdc.conf')
    run('kdb5_util', 'create', '-s', '-r', REALM, '-P', 'a master key')
    for query in (f'addprinc -pw "{PASSWORD}" gina', 'addprinc -randkey postgres/localhost',
                  f'ktadd -k {path("keytab")} postgres/localhost'):
        run('kadmin.local', '-r', REALM, '-q', query)
    process = subprocess.Popen([PROGRAMS['krb5kdc'], '-n', '-r', REALM], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return wait_for(port, process, 'krb5kdc')


class Directory:
    """Both, a PostgreSQL that believes them, and a database with lena and gina in it."""

    def __init__(self):
        self.postgres, self.processes = None, []
        missing = [name for name, program in PROGRAMS.items() if not program]
        self.missing = f"{', '.join(missing)} not installed (Debian: slapd krb5-kdc krb5-admin-server krb5-user)" if missing else None
        if missing:
            return
        ldap, kerberos = free_port(), free_port()
        self.processes = [start_ldap(ldap), start_kerberos(kerberos)]
        self.postgres = Postgres()
        self.believe(ldap)
        self.psql = self.postgres.psql
        self.psql('postgres', f'CREATE DATABASE {DATABASE}')
        self.server('init', self.postgres.url(DATABASE))
        for login in 'lena', 'gina', 'gustav':
            self.server('add-user', self.postgres.url(DATABASE), login, '--role', 'sales', '--no-password')

    def believe(self, ldap):
        """PostgreSQL's own files: who is asked about whom."""
        data = os.path.join(self.postgres.folder, 'data')
        owner = os.stat(data)
        keytab = os.path.join(data, 'keytab')
        shutil.copy(path('keytab'), keytab)
        os.chown(keytab, owner.st_uid, owner.st_gid)
        os.chmod(keytab, 0o600)
        with open(os.path.join(data, 'pg_hba.conf'), 'r+', encoding='utf-8') as file:
            before = file.read()
            file.seek(0)
            file.write(f'host all lena 127.0.0.1/32 ldap ldapserver=127.0.0.1 ldapport={ldap} ldapprefix="cn="'
                       ' ldapsuffix=",dc=tower,dc=test"\n'
                       f'host all gina,gustav 127.0.0.1/32 gss include_realm=0 krb_realm={REALM}\n' + before)
        self.postgres.psql('postgres', f"ALTER SYSTEM SET krb_server_keyfile = '{keytab}'")
        self.postgres.psql('postgres', 'SELECT pg_reload_conf()')

    @staticmethod
    def server(*args):
        done = subprocess.run([TOWERCTL, '--json', 'server', *args], capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, f'{args}: {done.stderr}'

    def stop(self):
        for process in self.processes:
            process.terminate()
            process.wait()
        if self.postgres:
            self.postgres.stop()
        shutil.rmtree(FOLDER, ignore_errors=True)


DIRECTORY = Directory()


def station(login):
    """A workspace of somebody whom the directory vouches for, with what connects it; without more, nobody comes in."""
    if DIRECTORY.missing:
        raise Skip(DIRECTORY.missing)
    tower = Tower()
    device = write(f'{login}.json', tower.run('device', 'show').stdout)
    DIRECTORY.server('enrol-device', DIRECTORY.postgres.url(DATABASE), login, device)
    return tower, f'postgresql://{login}@localhost:{DIRECTORY.postgres.port}/{DATABASE}'


def refuses(words, tower, *args):
    done = tower.fails(3, *args)
    assert words in done.stderr and PASSWORD not in done.stderr + done.stdout, done.stderr


def works(tower, login, name):
    """A command of theirs is theirs on the server."""
    tower.ok('distributor', 'create', '--legal-name', name, '--currency', 'EUR')
    tower.ok('sync', '--once')
    told = DIRECTORY.psql(DATABASE, "SELECT l.owner FROM app.distributors d JOIN audit.leaves l"
                                    f" ON l.leaf::jsonb ->> 'object_id' = d.id::text WHERE d.legal_name = '{name}'")
    assert told == login, told
    tower.remove()


def test_ldap():
    tower, url = station('lena')
    refuses('asks for a password', tower, 'connect', url)
    wrong = write('wrong', 'nicht das\n', 0o600)
    refuses('authentication failed', tower, 'connect', url, '--password-file', wrong, '--plain-password')
    tower.ok('connect', url, '--password-file', write('right', PASSWORD + '\n', 0o600), '--plain-password')
    works(tower, 'lena', 'Of the directory')


def test_gssapi():
    """A ticket is all it takes, in clear and where libpq encrypts by Kerberos; without one there is no way in."""
    tower, url = station('gina')
    os.environ['KRB5CCNAME'] = path('tickets')
    tower.fails(1, 'connect', url)
    run('kinit', 'gina', input=PASSWORD + '\n')
    tower.ok('connect', f'{url}?gssencmode=require')
    works(tower, 'gina', 'Of the realm')
    # her ticket opens no other login of the realm
    refuses('authentication failed', Tower(), 'connect', url.replace('gina@', 'gustav@'))


def main():
    try:
        run_tests([test_ldap, test_gssapi])
    finally:
        DIRECTORY.stop()


if __name__ == '__main__':
    main()
