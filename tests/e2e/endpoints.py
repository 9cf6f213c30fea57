#!/usr/bin/python3
"""What towerd tells machines that ask: over real sockets, and to a service manager."""
import contextlib
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

from tower import BUILD, Tower, run_tests

TOWERD = os.path.join(BUILD, 'src', 'daemon', 'towerd')
FOLDER = tempfile.mkdtemp(prefix='ct-endpoints-')
DAY = 86400000
# what libsoup 3.2 keeps of each connection is known by its frames alone: tests/leaks.txt
UNWIND = os.environ.get('ASAN_OPTIONS', '') + ':fast_unwind_on_malloc=0'


class Daemon:
    """towerd with its endpoints, until the block ends."""

    def __init__(self, workspace, *args, env=None):
        self.process = subprocess.Popen([TOWERD, '-w', workspace, '--listen', '0', *args], stdout=subprocess.PIPE, text=True,
                                        env={**os.environ, **(env or {}), 'ASAN_OPTIONS': UNWIND})
        for line in self.process.stdout:
            if 'port' in json.loads(line):
                self.port = json.loads(line)['port']
                break

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.stdout.read()
        assert self.process.wait(30) == 0

    def get(self, path, method='GET', **headers):
        request = urllib.request.Request(f'http://127.0.0.1:{self.port}{path}', method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read().decode(), answer.headers
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode(), refused.headers


def secret(text):
    path = os.path.join(FOLDER, 'token')
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 'w', encoding='utf-8') as file:
        file.write(text + '\n')
    return path


def test_health_and_metrics():
    tower = Tower('--demo')
    listed = tower.ok('exceptions', 'list', '--limit', '1000')
    with Daemon(tower.workspace) as daemon:
        for _ in range(300):
            status, text, _ = daemon.get('/health')
            if json.loads(text)['workers']:  # it takes their lock just after its port
                break
            time.sleep(0.1)
        assert status == 200 and json.loads(text)['ok'] is True and json.loads(text)['workers']['program'] == 'towerd', text
        status, text, headers = daemon.get('/metrics')
        assert status == 200 and headers['Content-Type'].startswith('text/plain; version=0.0.4'), headers
        for line in text.splitlines():
            assert re.fullmatch(r'# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{[a-z]+="[a-z_]+"\})? -?\d+', line), line
        values = [int(value) for value in re.findall(r'^control_tower_exceptions_open\{.*\} (\d+)$', text, re.M)]
        assert sum(values) == len(listed) > 50, (values, len(listed))
        assert re.search(r'^control_tower_rounds_total \d+$', text, re.M), text


def test_refused():
    """Neither another name's page, nor another method, nor a question without the token gets anything."""
    tower = Tower()
    with Daemon(tower.workspace) as daemon:
        assert daemon.get('/health', Host='evil.example')[0] == 403
        assert daemon.get('/health', Host=f'localhost:{daemon.port}')[0] == 200
        assert daemon.get('/health', method='POST')[0] == 405
        assert daemon.get('/nothing')[0] == 404
        assert daemon.get('/v1/interactions/quality-metrics?days=x')[0] == 400
        with socket.create_connection(('127.0.0.1', daemon.port)) as plain:
            plain.sendall(b'\x16\x03\x01 not HTTP\r\n\r\n')
            plain.settimeout(30)
            plain.recv(1000)
        assert daemon.get('/health')[0] == 200
    token = 'a token that is long enough'
    with Daemon(tower.workspace, '--token-file', secret(token)) as daemon:
        assert daemon.get('/metrics')[0] == 401
        assert daemon.get('/metrics', Authorization='Bearer ' + token[:-1])[0] == 401
        assert daemon.get('/metrics', Authorization='Bearer ' + token)[0] == 200
        with open(f'/proc/{daemon.process.pid}/cmdline', encoding='utf-8') as file:
            assert token not in file.read()
    for args, word in (['--listen', '0.0.0.0:0'], '--token-file'), (['--listen', 'somewhere'], 'address'), \
            (['--listen', '0', '--token-file', secret('short')], 'characters'):
        done = subprocess.run([TOWERD, '-w', tower.workspace, *args], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 1 and word in done.stderr, done.stderr


def test_measures():
    """Each measure is what the rows add up to; a period without any has no value."""
    tower = Tower()
    with Daemon(tower.workspace) as daemon:
        empty = json.loads(daemon.get('/v1/interactions/quality-metrics')[1])
        assert empty['slaCompliance'] == {'count': 0, 'of': 0, 'value': None, 'before': None, 'target': 0.85}, empty
        assert json.loads(daemon.get('/v1/interactions/ops-alerts')[1]) == {'alerts': []}
        with contextlib.closing(sqlite3.connect(os.path.join(tower.workspace, 'replica.db'))) as replica:
            now = replica.execute("SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)").fetchone()[0]
            # of this period three clocks, one missed; of the one before it one, in time
            ledger = [(1, 'fulfil', 1), (2, 'breach', 2), (2, 'fulfil', 1), (3, 'fulfil', 3), (4, 'fulfil', 40)]
            for number, (subject, event, days) in enumerate(ledger):
                replica.execute('INSERT INTO sla_events(id, n, created_at, updated_at, subject_type, subject_id, target, instance,'
                                " event, at) VALUES(randomblob(16), ?, 0, 0, 'task', ?, 'resolution', 1, ?, ?)",
                                (1000 + number, bytes([subject]) * 16, event, now - days * DAY))
            hours = (1, 2, 3, 4, 100)
            for number, took in enumerate(hours):
                replica.execute('INSERT INTO exceptions(id, n, created_at, updated_at, number, rule, blocker, subject_type, subject_id,'
                                ' subject, score, severity, owner, state, opened_at, cleared_at, value_at_risk_minor) VALUES'
                                "(randomblob(16), ?1, 0, 0, 'X' || ?1, 'r', 'invoice_overdue', 'order', randomblob(16), 's', 50, 'low',"
                                " 'sales', 'cleared', ?2, ?3, 7)", (2000 + number, now - DAY - took * 3600000, now - DAY))
            replica.execute("UPDATE exceptions SET state = 'open', cleared_at = NULL WHERE number = 'X2004'")
            replica.commit()
        measures = json.loads(daemon.get('/v1/interactions/quality-metrics?days=30')[1])
        sla = measures['slaCompliance']
        assert (sla['count'], sla['of'], sla['before']) == (2, 3, 1) and abs(sla['value'] - 2 / 3) < 1e-9, sla
        assert measures['slaBreaches'] == {'value': 1, 'before': 0}, measures
        assert measures['cycleTime'] == [{'blocker': 'invoice_overdue', 'count': 4, 'medianMs': 2 * 3600000,
                                          'p90Ms': 4 * 3600000}], measures['cycleTime']
        assert measures['valueAtRisk'] == [{'currency': 'EUR', 'amountMinor': 7, 'exceptions': 1}], measures['valueAtRisk']
        tower.ok('channel', 'stop-all')
        alerts = json.loads(daemon.get('/v1/interactions/ops-alerts')[1])['alerts']
        assert [alert['alert'] for alert in alerts] == ['sending-stopped'] and alerts[0]['since'], alerts


def test_service_manager():
    """systemd learns when it is ready, that it lives, and that it stops."""
    tower = Tower()
    path = os.path.join(FOLDER, 'notify')
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as manager:
        manager.bind(path)
        manager.settimeout(30)
        with Daemon(tower.workspace, env={'NOTIFY_SOCKET': path, 'WATCHDOG_USEC': '300000'}):
            told = [manager.recv(1000) for _ in range(3)]
            assert told == [b'READY=1', b'WATCHDOG=1', b'WATCHDOG=1'], told
        rest = [manager.recv(1000)]
        while rest[-1] == b'WATCHDOG=1':
            rest.append(manager.recv(1000))
        assert rest[-1] == b'STOPPING=1', rest


if __name__ == '__main__':
    run_tests([test_health_and_metrics, test_refused, test_measures, test_service_manager])
