#!/usr/bin/python3
"""What may travel to another machine, and what proves that it is the right one. 127.0.0.2 stands for that machine: the program
knows this one by the names localhost, 127.0.0.1 and ::1 alone."""
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'e2e'))

os.environ['CT_PG_LISTEN'] = '127.0.0.1,127.0.0.2'
from postgres import Postgres  # pylint: disable=wrong-import-position
from tower import TOWERCTL, run_tests  # pylint: disable=wrong-import-position

POSTGRES = Postgres()
FOLDER = tempfile.mkdtemp(prefix='ct-tls-')
DATA = os.path.join(POSTGRES.folder, 'data')
PASSWORD = 'ein langes Wort'


def path(name):
    return os.path.join(FOLDER, name)


def openssl(*args):
    subprocess.run(['openssl', *args], check=True, capture_output=True, cwd=FOLDER)


def make_authority(name):
    openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', f'{name}.key', '-out', f'{name}.pem', '-days', '30', '-subj',
            f'/CN={name}')


def make_certificate(name, authority, subject, alternative, days='30'):
    """name.pem and name.key, signed by an authority."""
    openssl('req', '-newkey', 'rsa:2048', '-nodes', '-keyout', f'{name}.key', '-out', f'{name}.csr', '-subj', f'/CN={subject}')
    with open(path(f'{name}.ext'), 'w', encoding='utf-8') as file:
        file.write(f'subjectAltName={alternative}\n')
    openssl('x509', '-req', '-in', f'{name}.csr', '-CA', f'{authority}.pem', '-CAkey', f'{authority}.key', '-CAcreateserial', '-out',
            f'{name}.pem', '-days', days, '-extfile', f'{name}.ext')
    os.chmod(path(f'{name}.key'), 0o600)


def give(name, target):
    """A file of the server's own."""
    shutil.copy(path(name), os.path.join(DATA, target))
    os.chmod(os.path.join(DATA, target), 0o600)
    owner = os.stat(DATA)
    os.chown(os.path.join(DATA, target), owner.st_uid, owner.st_gid)


def serve(certificate):
    """PostgreSQL shows this certificate from now on; None: no TLS at all."""
    if certificate:
        give(f'{certificate}.pem', 'server.pem')
        give(f'{certificate}.key', 'server.key')
    for setting in (f"ssl = {'on' if certificate else 'off'}", "ssl_cert_file = 'server.pem'", "ssl_key_file = 'server.key'",
                    "ssl_ca_file = 'ca.pem'"):
        POSTGRES.psql('postgres', f'ALTER SYSTEM SET {setting}')
    POSTGRES.psql('postgres', 'SELECT pg_reload_conf()')
    wanted = 'on' if certificate else 'off'
    for _ in range(100):
        if POSTGRES.psql('postgres', 'SHOW ssl') == wanted:
            return
        time.sleep(0.05)
    raise AssertionError('TLS is not ' + wanted)


def sign_in(host='127.0.0.2', port=None, user='tess', password=True, **options):
    """towerctl server status; options as libpq calls them."""
    address = ' '.join(f'{name}={value}' for name, value in {
        'host': host, 'port': port or POSTGRES.port, 'dbname': 'tls', 'user': user, 'sslrootcert': path('ca.pem'), **options}.items())
    env = {name: value for name, value in os.environ.items() if not name.startswith('PG')}
    secret = ['--password-file', path('password')] if password else []
    return subprocess.run([TOWERCTL, '--json', 'server', 'status', address, *secret], capture_output=True, text=True, check=False,
                          timeout=60, stdin=subprocess.DEVNULL, env={**env, 'HOME': FOLDER})


def fails(words, code=None, **options):
    done = sign_in(**options)
    assert done.returncode not in (0, None) and code in (None, done.returncode), f'{options}: {done.returncode} {done.stderr}'
    assert any(word in done.stderr for word in words), f'{options}: {done.stderr}'
    assert PASSWORD not in done.stderr, done.stderr


def works(**options):
    done = sign_in(**options)
    assert done.returncode == 0, f'{options}: {done.returncode} {done.stderr}'


def prepare():
    for authority in 'ca', 'other':
        make_authority(authority)
    make_certificate('good', 'ca', 'tower', 'IP:127.0.0.2,DNS:localhost,IP:127.0.0.1')
    make_certificate('elsewhere', 'ca', 'tower', 'DNS:elsewhere.example')
    make_certificate('stranger', 'other', 'tower', 'IP:127.0.0.2')
    make_certificate('expired', 'ca', 'tower', 'IP:127.0.0.2', '-1')
    make_certificate('carla', 'ca', 'carla', 'DNS:carla')
    make_certificate('mallory', 'other', 'carla', 'DNS:carla')
    give('ca.pem', 'ca.pem')
    with open(os.open(path('password'), os.O_WRONLY | os.O_CREAT, 0o600), 'w', encoding='utf-8') as file:
        file.write(PASSWORD + '\n')
    POSTGRES.psql('postgres', 'CREATE DATABASE tls')
    subprocess.run([TOWERCTL, 'server', 'init', POSTGRES.url('tls')], check=True, capture_output=True)
    POSTGRES.psql('tls', f"CREATE ROLE tess SUPERUSER LOGIN PASSWORD '{PASSWORD}'; CREATE ROLE clear SUPERUSER LOGIN PASSWORD"
                         f" '{PASSWORD}'; CREATE ROLE carla SUPERUSER LOGIN")
    # who speaks to 127.0.0.2 comes from 127.0.0.1
    with open(os.path.join(DATA, 'pg_hba.conf'), 'r+', encoding='utf-8') as file:
        before = file.read()
        file.seek(0)
        file.write('hostssl all clear 127.0.0.1/32 password\nhostssl all carla 127.0.0.1/32 cert\n' + before)
    serve('good')


def test_verified():
    """Without a word about it, TLS is verified in full."""
    works()
    works(sslmode='verify-full')
    works(channel_binding='require')
    # the connection of the same address with libpq's own default, and no authority that it knows
    fails(['certificate verify failed', 'root certificate file'], sslrootcert='/nonexistent')


def test_wrong_server():
    for certificate, words in (('elsewhere', ['does not match host name']), ('stranger', ['certificate verify failed']),
                               ('expired', ['certificate verify failed', 'expired']), (None, ['does not support SSL'])):
        serve(certificate)
        fails(words, sslmode='verify-full')
        fails(words)
    serve('good')
    works()


def test_weaker_is_refused():
    for mode in 'disable', 'allow', 'prefer', 'require', 'verify-ca':
        fails(['verify-full'], code=3, sslmode=mode)
    # this machine needs none; several hosts are as far as the farthest
    works(host='127.0.0.1', sslmode='require')
    works(host='127.0.0.1', sslmode='disable')
    fails(['verify-full'], code=3, host='127.0.0.1,127.0.0.2', sslmode='require')
    fails(['verify-full'], code=3, host='127.0.0.1', hostaddr='127.0.0.2', sslmode='require')


def test_client_certificate():
    works(user='carla', password=False, sslcert=path('carla.pem'), sslkey=path('carla.key'))
    fails(['certificate'], user='carla', password=False)
    fails(['ca', 'certificate', 'closed'], user='carla', password=False, sslcert=path('mallory.pem'), sslkey=path('mallory.key'))
    fails(['certificate authentication failed'], user='carla', password=False, sslcert=path('good.pem'), sslkey=path('good.key'))


class Impostor:
    """Speaks PostgreSQL as far as the question for the password, in clear or hashed as of old; keeps what it is told."""

    def __init__(self, question):
        self.socket = socket.create_server(('127.0.0.1', 0))
        self.port, self.question, self.heard = self.socket.getsockname()[1], question, b''
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while True:
            try:
                line = self.socket.accept()[0]
            except OSError:
                return
            line.settimeout(2)
            try:
                first = line.recv(1024)
                if first[4:8] in (b'\x04\xd2\x16\x2f', b'\x04\xd2\x16\x30'):
                    line.sendall(b'N')
                    first = line.recv(1024)
                line.sendall(self.question)
                while chunk := line.recv(1024):
                    self.heard += chunk
                    line.sendall(b'E\0\0\0\x15SFATAL\0C28P01\0Mno\0\0')
                    break
            except OSError:
                pass
            line.close()


def test_password_in_clear():
    """Who demands channel binding never tells the password, neither to a server that asks for it in clear over TLS nor to one on
    this machine that is not ours."""
    works(user='clear')
    fails(['channel binding'], user='clear', channel_binding='require')
    for question in b'R\0\0\0\x08\0\0\0\x03', b'R\0\0\0\x0c\0\0\0\x05abcd':
        impostor = Impostor(question)
        fails(['channel binding'], host='127.0.0.1', port=impostor.port, sslmode='prefer', channel_binding='require')
        assert PASSWORD.encode() not in impostor.heard, impostor.heard
        # without it, libpq tells whoever asks on this machine: the trap works
        if question[8] == 3:
            sign_in(host='127.0.0.1', port=impostor.port)
            assert PASSWORD.encode() in impostor.heard, impostor.heard
        impostor.socket.close()


def test_check_sees_it():
    """A line of pg_hba.conf that asks for passwords in clear, or lets another machine come without TLS, is found."""
    with open(os.path.join(DATA, 'pg_hba.conf'), 'a', encoding='utf-8') as file:
        file.write('host all all 192.0.2.0/24 scram-sha-256\nhostssl all all 192.0.2.0/24 scram-sha-256\nhost all all 198.51.100.1/32 reject\n')
    done = subprocess.run([TOWERCTL, '--json', 'server', 'check', POSTGRES.url('tls')], capture_output=True, text=True, check=False)
    found = [row['where'].split(': ', 1)[1] for row in json.loads(done.stdout) if row['check'] == 'sign-in']
    assert sorted(found) == ['host 192.0.2.0 scram-sha-256', 'hostssl 127.0.0.1 password'], found


def main():
    try:
        prepare()
        run_tests([test_verified, test_wrong_server, test_weaker_is_refused, test_client_certificate, test_password_in_clear,
                   test_check_sees_it])
    finally:
        POSTGRES.stop()
        shutil.rmtree(FOLDER)


if __name__ == '__main__':
    main()
