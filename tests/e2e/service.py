#!/usr/bin/python3
"""The team's service: towerd on a central server detects, drafts and sends; the desktops of people do not."""
import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import time
import urllib.request

from central import POSTGRES, TOWERD, Station, make_server, server
from tower import Slack, run_tests


class Service(Station):
    """A workspace connected as the service, and towerd on it."""

    def __init__(self, database, login='robo', role='agent'):
        super().__init__(database, login, role)
        self.process = None
        self.log = os.path.join(self.folder, 'towerd.log')
        self.environment = dict(os.environ)
        self.connect()

    def start(self, *args):
        with open(self.log, 'a', encoding='utf-8') as log:
            self.process = subprocess.Popen([TOWERD, '-w', self.workspace, *args], stdout=log, stderr=log, env=self.environment)
        return self

    def once(self):
        done = subprocess.run([TOWERD, '-w', self.workspace, '--once'], capture_output=True, text=True, check=False, timeout=120,
                              env=self.environment)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[0])

    def rounds(self):
        with open(self.log, encoding='utf-8') as log:
            return [json.loads(line) for line in log if line.startswith('{')]

    def asked(self, path):
        """What it answers on the port that it said last."""
        port = wait_for(lambda: [line['port'] for line in self.rounds() if 'port' in line])[-1]
        with urllib.request.urlopen(f'http://127.0.0.1:{port}{path}', timeout=30) as answer:
            return json.load(answer)

    def stop(self, how=signal.SIGTERM):
        if self.process:
            self.process.send_signal(how)
            self.process.wait()
            self.process = None


def wait_for(what, seconds=60):
    """Until what() is truthy: that; a test that waits in vain fails."""
    until = time.monotonic() + seconds
    while True:
        found = what()
        if found or time.monotonic() > until:
            assert found, f'in vain: {what}: {found}'
            return found
        time.sleep(0.2)


def sql(database, statement):
    return POSTGRES.psql(database, statement)


def late_order(station, name='Nordwind'):
    """An order that should have been shipped long ago; its exception is logistics'."""
    made = station.ok('distributor', 'create', '--legal-name', name, '--currency', 'EUR')
    station.ok('order', 'create', '--distributor', made['number'], '--status', 'confirmed', '--ordered-on', '2026-01-02',
               '--required-on', '2026-02-03', '--total', '900.00')
    after = station.sync()
    assert after['state'] == 'in_sync' and after['inTray'] == 0, after


def test_people_only_sync():
    """Where a person works nothing detects, drafts or sends, whoever asks; nor is there another time or another person."""
    database = make_server('people')
    anna = Station(database, 'anna', 'sales')
    anna.connect()
    late_order(anna)
    for verb in (['detect'], ['agent', 'run', '--due'], ['deliver', '--once']):
        done = anna.fails(3, *verb)
        assert "the team's service" in done.stderr, done.stderr
    done = subprocess.run([TOWERD, '-w', anna.workspace, '--once'], capture_output=True, text=True, check=False, timeout=120)
    report = json.loads(done.stdout.splitlines()[0])
    assert set(report) == {'problems', 'sync'} and report['problems'] == [], report
    assert sql(database, 'SELECT count(*) FROM app.exceptions') == '0'
    anna.fails(3, 'distributor', 'list', now='2026-01-01T00:00:00Z')
    anna.fails(3, 'distributor', 'list', user='ben')


def test_detects():
    """What a person writes becomes an exception by the service, once, though two instances run; the next takes over."""
    database = make_server('detects')
    anna = Station(database, 'anna', 'sales')
    anna.connect()
    services = [Service(database, name).start() for name in ('robo', 'robi')]
    try:
        late_order(anna)
        wait_for(lambda: sql(database, "SELECT count(*) FROM app.exceptions WHERE rule = 'required-date-passed'") == '1')
        wait_for(lambda: len(anna.sync() and anna.ok('exceptions', 'list', '--rule', 'required-date-passed')) == 1)
        holder = sql(database, "SELECT login FROM sync.work WHERE kind = 'detect' AND until > now()")
        first, second = sorted(services, key=lambda service: service.login != holder)
        detections = [sum('detection' in line for line in service.rounds()) for service in (first, second)]
        assert detections[0] > 0 and detections[1] == 0, detections
        first.stop()
        late_order(anna, 'Südwind')
        wait_for(lambda: sql(database, "SELECT count(*) FROM app.exceptions WHERE rule = 'required-date-passed'") == '2')
        assert sql(database, "SELECT count(DISTINCT subject_id) FROM app.exceptions WHERE rule = 'required-date-passed'") == '2'
        second.stop(signal.SIGKILL)
        sql(database, "UPDATE sync.work SET until = now()")   # as its time were over
        first.start()
        late_order(anna, 'Ostwind')
        wait_for(lambda: sql(database, "SELECT count(*) FROM app.exceptions WHERE rule = 'required-date-passed'") == '3')
        for service in (first, second):
            assert service.status()['inTray'] == 0, service.status()
    finally:
        for service in services:
            service.stop()


class Team:
    """An administrator who vouches for everybody's device, a salesperson, a logistician, the service, and a channel."""

    def __init__(self, database):
        self.database = make_server(database)
        self.ada = Station(self.database, 'ada', 'admin', enrolled=False)
        self.device = os.path.join(self.ada.folder, 'ada.json')
        with open(self.device, 'w', encoding='utf-8') as file:
            json.dump(self.ada.ok('device', 'show'), file)
        self.people = [self.ada, Station(self.database, 'anna', 'sales', enrolled=False),
                       Station(self.database, 'lena', 'logistics', enrolled=False)]
        self.anna, self.lena = self.people[1:]
        for person in self.people:
            assert self.vouch(person)['signed']
            person.connect()
        self.slack = Slack(self.ada.folder)
        self.services = []
        self.serve('robo')
        server('set-log-key', POSTGRES.url(self.database), self.services[0].ok('audit', 'key')['vkey'])
        self.ada.sync()
        added = self.ada.run('channel', 'add', 'slack', 'slack', '--destination', '#ops', '--base-url', self.slack.url)
        assert 'systemd credential' in added.stderr and '--token-file' not in added.stderr, 'no token for this machine: ' + added.stderr
        self.ada.ok('config', 'set', 'delivery.undo_window', '1s')
        after = self.ada.sync()
        assert after['inTray'] == 0, (after, self.ada.ok('attention', 'list'))

    def vouch(self, person):
        """Enrols a person's device, signed with the key of the administrator's workspace."""
        path = os.path.join(person.folder, 'device.json')
        with open(path, 'w', encoding='utf-8') as file:
            json.dump(person.ok('device', 'show'), file)
        return self.ada.ok('server', 'enrol-device', POSTGRES.url(self.database), person.login, path)

    def serve(self, login):
        """A further instance, on a machine of its own; the first one signs the log."""
        service = Service(self.database, login)
        service.ok('device', 'trust', self.device)
        folder = os.path.join(service.folder, 'credentials')
        os.mkdir(folder)
        with open(os.path.join(folder, 'slack'), 'w', encoding='utf-8') as file:
            file.write(f'{self.slack.url} xoxb-test\n')
        service.environment['CREDENTIALS_DIRECTORY'] = folder
        self.services.append(service)
        return service

    def draft(self, name='Nordwind'):
        """From a person's record by the service's exception to a draft that waits for approval: that."""
        late_order(self.anna, name)
        exception = wait_for(lambda: self.lena.sync() and [e for e in self.lena.ok('exceptions', 'list') if
                                                           e['rule'] == 'required-date-passed' and e['agent'] and
                                                           not any(t.get('exception') == e['number'] for t in self.tasks())])[0]
        self.lena.ok('task', 'create', '--exception', exception['number'], '--channel', 'slack:#ops', '--next-check', '0s')
        after = self.lena.sync()
        assert after['inTray'] == 0, self.lena.ok('attention', 'list')
        return wait_for(lambda: self.lena.sync() and self.lena.ok('approvals', 'list', '--state', 'pending'))[0]

    def tasks(self):
        return self.lena.ok('task', 'list')

    def approve(self, approval):
        self.lena.ok('approvals', 'approve', approval['id'], '--sha256', approval['payloadSha256'])
        after = self.lena.sync()
        assert after['inTray'] == 0, self.lena.ok('attention', 'list')

    def posted(self):
        return [r for r in self.slack.requests() if r['path'] == '/api/chat.postMessage'] if os.path.exists(self.slack.log) else []

    def states(self):
        return sql(self.database, "SELECT string_agg(state || coalesce(': ' || problem, ''), ' ' ORDER BY number) FROM app.outbox")

    def lease_is_over(self):
        """As if the time of a lease had passed; by statements, for nobody else may say so."""
        sql(self.database, 'ALTER TABLE app.outbox DISABLE TRIGGER then_send; UPDATE app.outbox SET leased_until = 1 WHERE '
            "state IN ('leased', 'sending') OR retract_asked_at IS NOT NULL; ALTER TABLE app.outbox ENABLE TRIGGER then_send; UPDATE sync.work SET until = now()")

    def is_due(self):
        """As if the time for which a post is held had passed, and a round were due."""
        sql(self.database, 'ALTER TABLE app.outbox DISABLE TRIGGER then_send; UPDATE app.outbox SET ready_at = 1;'
            ' ALTER TABLE app.outbox ENABLE TRIGGER then_send')
        sql(self.database, 'SELECT api.announce()')

    def slack_fails(self, mode):
        urllib.request.urlopen(urllib.request.Request(self.slack.url + '/_fail', data=mode.encode()), timeout=10).read()

    def stop(self):
        for service in self.services:
            service.stop(signal.SIGKILL)
        self.slack.stop()


def test_whole_way():
    """A record, its exception, a task, a draft, an approval, and exactly one post, by two instances; the log proves it."""
    team = Team('whole')
    try:
        team.services[0].start()
        team.serve('robi').start()
        approval = team.draft()
        assert not team.posted()
        team.approve(approval)
        wait_for(lambda: team.states() == 'sent')
        time.sleep(2)     # the other sender would have had its turn
        assert len(team.posted()) == 1 and sql(team.database, 'SELECT count(*) FROM app.delivery_attempts') == '1'
        post = wait_for(lambda: team.lena.sync() and [p for p in team.lena.ok('posts', 'list') if p['state'] == 'sent'])[0]
        assert post['externalMessageId'] and post['approver'] == 'lena', post
        assert all(service.status()['inTray'] == 0 for service in team.services)
        team.lena.ok('audit', 'verify')
    finally:
        team.stop()


def test_approval_that_comes_second():
    """Who approves what another has decided meanwhile is shown what they decided on, and no signature to edit."""
    team = Team('second')
    try:
        team.services[0].start()
        approval = team.draft()
        team.ada.sync()
        team.ada.ok('approvals', 'approve', approval['id'], '--sha256', approval['payloadSha256'])
        team.approve(approval)
        assert team.ada.sync()['inTray'] == 1
        seq = str(team.ada.ok('attention', 'list')[0]['seq'])
        shown = team.ada.ok('attention', 'show', seq)
        assert (shown['name'], shown['signed'], shown['fields']) == ('approval.approve', True, []), shown
        assert shown['objectType'] == 'approval' and shown['object'] == approval['number'], shown
        told = [column['column'] for column in shown['columns']]
        assert not {'nonce', 'signature', 'wire', 'context', 'device_id', 'payload_sha256', 'context_sha256'} & set(told), told
        for name in 'signature', 'nonce', 'payload_sha256', 'comment':
            refused = team.ada.fails(3, 'attention', 'resolve', seq, 'edit', '--set', f'{name}=00')
            assert f'approvals show {approval["number"]}' in refused.stderr, refused.stderr
        assert team.ada.status()['inTray'] == 1
        assert team.ada.ok('attention', 'resolve', seq, 'discard')['inTray'] == 0
    finally:
        team.stop()


def test_killed_before_the_send():
    """Killed between lease and send: the next instance sends it, once."""
    team = Team('before')
    robo = team.services[0].start()
    try:
        approval = team.draft()
        locker = subprocess.Popen(['psql', '-X', '-q', POSTGRES.url(team.database)], stdin=subprocess.PIPE, text=True)
        locker.stdin.write('BEGIN; LOCK TABLE app.delivery_attempts IN SHARE ROW EXCLUSIVE MODE;\n')
        locker.stdin.flush()
        team.approve(approval)
        wait_for(lambda: team.states() == 'leased')
        robo.stop(signal.SIGKILL)
        sql(team.database, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'robo'")
        locker.stdin.close()
        locker.wait()
        assert team.states() == 'leased' and not team.posted()
        team.lease_is_over()
        team.serve('robi').start()
        wait_for(lambda: team.states() == 'sent')
        robo.start()
        wait_for(lambda: robo.status()['pending'] == 0 and robo.status()['inTray'] == 0)
        assert team.states() == 'sent' and len(team.posted()) == 1, (team.states(), team.posted())
    finally:
        team.stop()


def test_killed_after_the_send():
    """Killed while the provider has the message and has not answered: it is read back, never sent again."""
    team = Team('after')
    robo = team.services[0].start()
    try:
        approval = team.draft()
        team.slack_fails('hang')
        team.approve(approval)
        wait_for(team.posted)
        assert team.states() == 'sending', 'committed at the server before the first byte'
        robo.stop(signal.SIGKILL)
        team.slack_fails('')
        team.lease_is_over()
        team.serve('robi').start()
        wait_for(lambda: team.states() == 'sent')
        robo.start()
        wait_for(lambda: robo.status()['pending'] == 0 and robo.status()['inTray'] == 0)
        assert team.states() == 'sent' and len(team.posted()) == 1, (team.states(), team.posted())
    finally:
        team.stop()


def test_forged():
    """Whoever writes the database's tables cannot have the service send: nobody whom it trusts vouches for the device."""
    team = Team('forged')
    robo = team.services[0].start()
    try:
        approval = team.draft()
        sql(team.database, "UPDATE sync.devices SET signature = NULL, signer = NULL WHERE owner = 'lena'")
        team.approve(approval)
        held = wait_for(lambda: sql(team.database, "SELECT problem FROM app.outbox WHERE state = 'ready'"))
        assert 'vouches' in held and 'enrol-device' in held, held
        sql(team.database, "UPDATE sync.devices SET signature = (SELECT signature FROM sync.devices WHERE owner = 'anna'),"
            " signer = (SELECT signer FROM sync.devices WHERE owner = 'anna') WHERE owner = 'lena'")
        team.is_due()
        held = wait_for(lambda: sql(team.database, "SELECT problem FROM app.outbox WHERE state = 'ready' AND problem LIKE '%not signed%'"))
        assert not team.posted() and 'trust the device' in held, held
        # an administrator vouches for it: that is what was missing
        team.vouch(team.lena)
        team.is_due()
        wait_for(lambda: team.states() == 'sent')
        assert len(team.posted()) == 1
    finally:
        team.stop()


def test_held():
    """A post that waits for what only the service's machine can get says so, to whoever asks the service as well."""
    team = Team('held')
    robo = team.services[0]
    secret = os.path.join(robo.environment['CREDENTIALS_DIRECTORY'], 'slack')
    os.rename(secret, secret + '-later')
    robo.start('--listen', '0')
    try:
        team.approve(team.draft())
        held = wait_for(lambda: sql(team.database, "SELECT problem FROM app.outbox WHERE state = 'ready'"))
        assert 'credential “slack”' in held and 'keyring' not in held, held
        alert = wait_for(lambda: [a for a in robo.asked('/health')['alerts'] if a['alert'] == 'posts-held'])[0]
        assert alert['count'] == 1 and 'credential “slack”' in alert['detail'] and alert['advice'], alert
        assert alert in robo.asked('/v1/interactions/ops-alerts')['alerts']
        # what nobody signs shows
        robo.stop()
        with contextlib.closing(sqlite3.connect(os.path.join(robo.workspace, 'replica.db'))) as replica:
            replica.execute('UPDATE sync_outcomes SET place = NULL, settled_at = 0 WHERE seq = (SELECT max(seq) FROM sync_outcomes)')
            replica.commit()
        alert = next(a for a in robo.ok('health', '--quick')['alerts'] if a['alert'] == 'log-unsigned')
        assert alert['count'] == 1 and 'towerd' in alert['advice'], alert
        shown = robo.run('health', '--quick', shown=True).stdout
        assert 'log-unsigned' in shown and alert['advice'] in shown, shown
        os.rename(secret + '-later', secret)
        robo.start()
        team.is_due()
        wait_for(lambda: team.states() == 'sent')
        wait_for(lambda: not {'posts-held', 'log-unsigned'} & {a['alert'] for a in robo.ok('health', '--quick')['alerts']})
    finally:
        team.stop()


def test_older_than_the_device():
    """The server comes back from a backup from before somebody, and the service, were enrolled: they learn what happened; once they
    are enrolled again the server gets what it lost, and the service goes on by itself."""
    database = make_server('older')
    ben = Station(database, 'ben')
    ben.connect()
    sql('postgres', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'older'")
    sql('postgres', 'CREATE DATABASE older_backup TEMPLATE older')
    robo, anna = Service(database), Station(database, 'anna')
    try:
        anna.connect()
        for name in 'Nordwind', 'Südwind':
            anna.ok('distributor', 'create', '--legal-name', name, '--currency', 'EUR')
            anna.sync()
        anna.ok('distributor', 'create', '--legal-name', 'Westwind', '--currency', 'EUR')
        robo.start()
        wait_for(lambda: robo.status()['state'] == 'in_sync')
        sql('postgres', 'ALTER DATABASE older WITH ALLOW_CONNECTIONS false')
        sql('postgres', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 'older%'")
        sql('postgres', 'ALTER DATABASE older RENAME TO older_before')
        # it goes on trying; at once where it is started anew
        wait_for(lambda: robo.status()['state'] == 'offline' and 'It was there before' in robo.status()['lastError'])
        robo.stop()
        sql('postgres', 'ALTER DATABASE older_backup RENAME TO older')
        robo.start()
        found = anna.run('sync', '--once')
        assert found.returncode == 3 and 'backup' in found.stderr and 'revoked' not in found.stderr, (found.returncode, found.stderr)
        wait_for(lambda: robo.status()['state'] == 'stuck' and 'backup' in robo.status()['lastError'])
        for station, role in (anna, 'sales'), (robo, 'agent'):
            server('add-user', POSTGRES.url(database), station.login, '--role', role, '--scope', 'all')
            station.enrol()
        wait_for(lambda: robo.status()['state'] == 'in_sync')
        assert anna.sync()['pending'] == 0
        assert sql(database, "SELECT string_agg(legal_name, ' ' ORDER BY legal_name) FROM app.distributors") == 'Nordwind Südwind Westwind'
        assert anna.status()['inTray'] == 0
        server('revoke-device', POSTGRES.url(database), anna.ok('device', 'show')['id'])
        found = anna.run('sync', '--once')
        assert found.returncode == 3 and 'revoked' in found.stderr and 'backup' not in found.stderr, (found.returncode, found.stderr)
        server('init', POSTGRES.url(database))     # as after every restore: who may connect is no part of a backup
        server('remove-user', POSTGRES.url(database), ben.login)
        found = ben.run('sync', '--once')
        assert found.returncode == 3 and 'It worked before' in found.stderr and 'has removed you' in found.stderr, (found.returncode, found.stderr)
    finally:
        robo.stop(signal.SIGKILL)


def test_restored_server():
    """The server comes back from a backup that is older than a post: what was lost is offered again, nothing goes out twice,
    the log goes on where its key says so, and from then on posts are proved and sent as before."""
    team = Team('lost')
    robo = team.services[0].start()
    end_sessions = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 'lost%'"
    try:
        team.ada.ok('config', 'set', 'delivery.quiet_period', '0s')
        team.ada.sync()
        first = team.draft()
        robo.stop()
        sql('postgres', end_sessions)
        sql('postgres', 'CREATE DATABASE lost_backup TEMPLATE lost')
        robo.start()
        team.approve(first)
        wait_for(lambda: team.states() == 'sent')
        wait_for(lambda: robo.status()['pending'] == 0)
        team.ada.sync()
        team.ada.ok('audit', 'verify')
        robo.stop()
        sql('postgres', end_sessions)
        sql('postgres', 'ALTER DATABASE lost RENAME TO lost_before')
        sql('postgres', 'ALTER DATABASE lost_backup RENAME TO lost')

        robo.start()
        for person in (team.ada, team.anna):     # who approved comes later, with what the server lost
            found = person.run('sync', '--once')     # who had not read the leaves that are lost finds nothing wrong
            assert person != team.ada or found.returncode == 1 and 'rolled back' in found.stderr and 'server continue-log' in found.stderr, (
                found.returncode, found.stderr)
            assert person.status()['inTray'] == 0, person.ok('attention', 'list')
        wait_for(lambda: robo.rounds() and any('rolled back' in str(r.get('problems')) for r in robo.rounds()))
        alert = next(a for a in robo.ok('health', '--quick')['alerts'] if a['alert'] == 'log-trouble')
        assert 'rolled back' in alert['detail'] and 'continue-log' in alert['advice'], alert
        found = team.ada.run('audit', 'verify')
        assert found.returncode != 0 and 'rolled back' in found.stderr and 'server continue-log' in found.stderr, (found.returncode, found.stderr)
        found = team.ada.run('server', 'continue-log', POSTGRES.url('lost'))
        assert found.returncode != 0 and 'does not have the key' in found.stderr, (found.returncode, found.stderr)
        robo.stop()     # it takes effect when the service that has the key is there
        gone_on = robo.ok('server', 'continue-log', POSTGRES.url('lost'))
        assert gone_on['lost'] > 0 and gone_on['kept'] > 0 and gone_on['origin'] != gone_on['former'] and not gone_on['served'], gone_on
        assert sql('lost', 'SELECT name FROM audit.origin') == gone_on['former']
        robo.start()
        wait_for(lambda: sql('lost', 'SELECT name FROM audit.origin') == gone_on['origin'])
        # until it signed something under the new name people find nothing that is signed
        wait_for(lambda: team.lena.run('sync', '--once').returncode == 0)
        wait_for(lambda: team.lena.sync() and robo.status()['pending'] == 0 and team.states() == 'sent')

        second = team.draft('Südwind')
        team.approve(second)
        wait_for(lambda: team.states() == 'sent sent')
        assert len(team.posted()) == 2, team.posted()
        for person in team.people:
            wait_for(lambda p=person: p.sync() and p.run('audit', 'verify', '--state').returncode == 0)
            assert any(name.startswith('control-tower-') for name in os.listdir(os.path.join(person.workspace, 'logs'))), person.login
        robo.stop()
    finally:
        team.stop()


def main():
    try:
        run_tests([test_people_only_sync, test_detects, test_whole_way, test_approval_that_comes_second, test_killed_before_the_send, test_killed_after_the_send,
                   test_forged, test_held, test_older_than_the_device, test_restored_server])
    finally:
        POSTGRES.stop()


if __name__ == '__main__':
    main()
