#!/usr/bin/python3
"""The team's service: towerd on a central server detects, drafts and sends; the desktops of people do not."""
import json
import os
import signal
import subprocess
import time

from central import POSTGRES, TOWERD, Station, make_server, server
from tower import run_tests


class Service(Station):
    """A workspace connected as the service, and towerd on it."""

    def __init__(self, database, login='robo', role='agent'):
        super().__init__(database, login, role)
        self.process = None
        self.log = os.path.join(self.folder, 'towerd.log')
        self.environment = dict(os.environ)
        self.connect()

    def start(self):
        with open(self.log, 'a', encoding='utf-8') as log:
            self.process = subprocess.Popen([TOWERD, '-w', self.workspace], stdout=log, stderr=log, env=self.environment)
        return self

    def once(self):
        done = subprocess.run([TOWERD, '-w', self.workspace, '--once'], capture_output=True, text=True, check=False, timeout=120,
                              env=self.environment)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[0])

    def rounds(self):
        with open(self.log, encoding='utf-8') as log:
            return [json.loads(line) for line in log if line.startswith('{')]

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
            assert found, f'in vain: {what}'
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


def main():
    try:
        run_tests([test_people_only_sync, test_detects])
    finally:
        POSTGRES.stop()


if __name__ == '__main__':
    main()
