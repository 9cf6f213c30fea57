#!/usr/bin/python3
"""What towerctl promises of every verb: exit codes, the shape of its JSON, several IDs, what it refuses."""
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from datetime import datetime, timedelta

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'e2e'))

from tower import BUILD, ROOT, TOWERCTL, Slack, Tower, run_tests  # pylint: disable=wrong-import-position

NOW = '2026-06-03T12:00:00Z'
TOWERD = os.path.join(BUILD, 'src', 'daemon', 'towerd')


def keys(value, *names):
    missing = [name for name in names if name not in value]
    assert not missing, f'{missing} missing in {value}'


def with_tower(*init):
    """Gives a test a workspace of its own."""
    def wrap(test):
        def run():
            tower = Tower(*init)
            try:
                test(tower)
            finally:
                tower.remove()
        run.__name__ = test.__name__
        return run
    return wrap


@with_tower()
def test_usage(tower):
    for line in ([], ['nonsense'], ['order'], ['order', 'show'], ['undo', 'a', 'b'], ['exceptions', 'list', '--nonsense'],
                 ['exceptions', 'list', '--state', 'nonsense'], ['config', 'set', 'time_zone', 'Nowhere/Town'],
                 ['distributor', 'create', '--name', 'X', '--currency', 'nonsense'], ['agent', 'run'],
                 ['posts', 'resolve', 'X', '--outcome', 'sent'], ['channel', 'add', 'pigeon', 'p', '--destination', 'roof'],
                 ['exceptions', 'list', '--severity', 'nope'], ['exceptions', 'list', '--rule', 'nosuch'],
                 ['exceptions', 'list', '--blocker', 'nope'], ['exceptions', 'list', '--owner', 'nobody'],
                 ['posts', 'list', '--state', 'nope'], ['approvals', 'list', '--state', 'nope'], ['task', 'list', '--status', 'nope'],
                 ['order', 'list', '--status', 'nope'], ['distributor', 'list', '--onboarding-state', 'nope'], ['task'],
                 ['exceptions'], ['order', 'create'], ['config', 'set', 'nope', '1'], ['audit', 'verify', '--key', 'bogus'],
                 ['order', 'list', '--limit', 'many'], ['task', 'create', '--agent', 'SalesOpsFollowUpAgent']):
        done = tower.fails(2, *line)
        assert done.json['error']['message'] and done.stderr.startswith('towerctl: '), line
    done = subprocess.run([TOWERCTL, '--help'], capture_output=True, text=True, check=True)
    for verb in ('init', 'import', 'detect', 'task create', 'approvals approve', 'posts resolve', 'audit verify', 'timeline'):
        assert verb in done.stdout, verb
    done = subprocess.run([TOWERCTL, 'frob', '--json'], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and '“frob”' in json.loads(done.stdout)['error']['message'], done
    done = subprocess.run([TOWERCTL, 'task', '--help'], capture_output=True, text=True, check=True)
    assert 'task create' in done.stdout and 'order create' not in done.stdout, done.stdout
    assert 'task create' in subprocess.run([TOWERCTL, 'task'], capture_output=True, text=True, check=False).stderr
    done = subprocess.run([TOWERCTL, 'task', 'create', '--help'], capture_output=True, text=True, check=True)
    assert '--exception' in done.stdout and '--json' in done.stdout
    done = subprocess.run([TOWERCTL, 'server', 'add-user', '--help'], capture_output=True, text=True, check=True)
    assert 'default: what it saw before' in ' '.join(done.stdout.split()), done.stdout
    done = subprocess.run([os.path.join(ROOT, 'dev'), '--help'], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and './dev run' in done.stdout and not done.stderr, done


@with_tower()
def test_not_found(tower):
    for line in (['order', 'show', 'ORD-1'], ['exceptions', 'show', 'EXC-1'], ['task', 'show', 'FOLLOW-1'],
                 ['approvals', 'show', 'A'], ['posts', 'show', 'P'], ['timeline', 'nothing'], ['config', 'get', 'nothing'],
                 ['import', 'northwind', '/nonexistent'], ['audit', 'verify', '/nonexistent'], ['channel', 'remove', 'nothing']):
        assert tower.fails(4, *line).json is not None, line
    done = subprocess.run([TOWERCTL, '-w', '/nonexistent', '--json', 'health'], capture_output=True, text=True, check=False)
    assert done.returncode == 4 and json.loads(done.stdout)['error']['code'] == 'not_found'


@with_tower()
def test_trial_only(tower):
    tower.fails(3, 'health', now=NOW)
    tower.fails(3, 'health', user='somebody')
    tower.fails(2, 'health', now='yesterday')
    tower.fails(5, 'init')


@with_tower()
def test_lost_replica(tower):
    kept = {}
    for name in ('keys/device.key', 'keys/log.key', 'last-checkpoint'):
        with open(os.path.join(tower.workspace, name), 'rb') as file:
            kept[name] = file.read()
    replica = os.path.join(tower.workspace, 'replica.db')
    os.rename(replica, replica + '.away')
    for suffix in ('-wal', '-shm'):
        if os.path.exists(replica + suffix):
            os.remove(replica + suffix)
    for extra in ([], ['--demo']):
        tower.fails(5, 'init', *extra)
    os.rename(replica + '.away', replica)
    for name, content in kept.items():
        with open(os.path.join(tower.workspace, name), 'rb') as file:
            assert file.read() == content, name
    tower.ok('audit', 'verify', '--state')


@with_tower('--trial')
def test_roles(tower):
    people = {person['login']: person['roles'] for person in tower.ok('person', 'list')}
    assert people['viewer'] == ['viewer'] and people['accounting'] == ['accounting'], people
    tower.fails(3, 'distributor', 'create', '--name', 'X', user='viewer')
    tower.fails(3, 'config', 'set', 'delivery.undo_window', '1s', user='sales')
    tower.fails(3, 'distributor', 'create', '--name', 'X', user='nobody at all')
    tower.ok('distributor', 'create', '--name', 'X', user='sales')


@with_tower('--trial')
def test_records(tower):
    made = tower.ok('distributor', 'create', '--name', 'Nordwind GmbH', '--country', 'DE', '--credit-limit', '1000.50',
                    '--external-ref', 'N1')
    keys(made, 'id', 'number', 'legalName', 'country', 'creditLimitMinor', 'currency')
    assert made['creditLimitMinor'] == 100050 and made['legalName'] == 'Nordwind GmbH', made
    for name in (made['number'], made['id'], 'N1'):
        assert tower.ok('distributor', 'show', name)['id'] == made['id']
    order = tower.ok('order', 'create', '--distributor', 'N1', '--required-on', '2026-06-30', '--line', 'SKU-1:2:9.50')
    assert order['totalMinor'] == 1900 and order['distributor'] == made['number'] and len(order['lines']) == 1, order
    tower.fails(2, 'distributor', 'edit', made['number'], '--credit-limit', '1,284')
    tower.fails(2, 'order', 'create', '--distributor', 'N1', '--line', 'SKU1:9000000000000:90000000000')
    for option, text in ('--total', '1.234'), ('--total', '0.004'), ('--line', 'SKU-1:2:800.505'), ('--total', '1.500'):
        done = tower.fails(2, 'order', 'create', '--distributor', 'N1', option, text)
        assert option in done.stderr and 'more digits after the decimal point than EUR has; write it as 1234.50' in done.stderr, done.stderr
    for line in 'SKU-1:1.2345:9', 'SKU-1:1:9:2.505':
        assert 'digits' in tower.fails(2, 'order', 'create', '--distributor', 'N1', '--line', line).stderr, line
    second = tower.ok('order', 'create', '--distributor', 'N1')
    edited = tower.ok('order', 'edit', order['number'], second['number'], '--status', 'confirmed')
    assert [row['status'] for row in edited] == ['confirmed', 'confirmed'], edited
    tower.fails(5, 'order', 'edit', order['number'], '--notes', 'late', '--rev', '1')
    tower.ok('order', 'archive', order['number'], second['number'])
    assert tower.ok('order', 'list') == [] and len(tower.ok('order', 'list', '--archived')) == 2
    done = tower.fails(5, 'order', 'archive', order['number'])
    assert done.json['error']['code'] == 'conflict', done.stdout
    done = tower.fails(4, 'order', 'restore', order['number'], 'ORD-none')
    assert len(done.json) == 2 and 'error' in done.json[1] and done.json[0]['archivedAt'] is None, done.stdout
    assert [row['number'] for row in tower.ok('distributor', 'list', '--search', 'nordw')] == [made['number']]
    tower.ok('undo')
    assert tower.ok('order', 'show', order['number'])['archivedAt'], 'undo takes the last command back'


@with_tower('--demo')
def test_notes(tower):
    """What people wrote is read where one looks: beside the record, and in its story."""
    exception = tower.ok('exceptions', 'list', '--limit', '1')[0]['number']
    task = tower.ok('task', 'create', '--exception', exception)['taskId']
    order, distributor = (tower.ok(kind, 'list', '--limit', '1')[0]['number'] for kind in ('order', 'distributor'))
    for verb, number in ('task', task), ('order', order), ('distributor', distributor):
        tower.fails(2, verb, 'note', number)
        texts = [f'Called {verb} twice, {"very " * 20}late', 'Second']
        for text in texts:
            tower.ok(verb, 'note', number, '--text', text)
        notes = tower.ok(verb, 'show', number)['peopleNotes']
        assert [note['text'] for note in notes] == texts and all(note['author'] and note['writtenAt'] for note in notes), notes
        shown = tower.run(verb, 'show', number, shown=True).stdout
        assert texts[0] in shown and 'Notes of people' in shown, shown
        told = [event['detail'] for event in tower.ok('timeline', number) if event['action'].endswith('note') or event['action'] == 'note.add']
        assert told[-2:] == texts, told
        assert texts[0] in tower.run('timeline', number, shown=True).stdout, 'what another program reads is whole'


@with_tower('--trial')
def test_absences(tower):
    """Who is away and who stands in: entered by days, listed, ended, undone; a limit is set and taken away."""
    made = tower.ok('absence', 'set', '--from', '2026-06-10', '--until', '2026-06-12', '--stand-in', 'sales', user='accounting', now=NOW)
    assert (made['person'], made['standIn'], made['startsAt'], made['endsAt']) == (
        'accounting', 'sales', '2026-06-10T00:00:00Z', '2026-06-13T00:00:00Z'), made
    assert tower.ok('absence', 'list', now=NOW) == [made]
    tower.fails(3, 'absence', 'end', made['id'], user='sales', now=NOW)
    tower.fails(3, 'absence', 'set', '--person', 'sales', '--until', '2026-06-12', user='accounting', now=NOW)
    assert tower.ok('absence', 'end', made['id'], now=NOW) == []
    tower.ok('undo', now=NOW)
    assert tower.ok('absence', 'list', now=NOW) == [made]
    done = tower.fails(4, 'absence', 'end', 'sales', now=NOW)
    assert 'UUID' not in done.stderr and 'absence list' in done.stderr, done.stderr
    done = tower.fails(2, 'absence', 'set', '--until', 'tomorrow', now=NOW)
    assert '2026-06-04,' in done.stderr and '2026-06-04T09:00:00Z' in done.stderr, 'a day will do: ' + done.stderr
    other = tower.ok('absence', 'set', '--from', '2026-07-10', '--until', '2026-07-12', user='accounting', now=NOW)
    tower.fails(2, 'absence', 'end', 'accounting', now=NOW)
    assert tower.ok('absence', 'end', other['id'], now=NOW) == [made]
    assert tower.ok('absence', 'end', 'accounting', now=NOW) == [], 'the only one of whom is named'
    tower.ok('undo', now=NOW)
    assert 'EUR' in tower.ok('person', 'limit', 'sales', '5000', 'EUR')['limit']
    limits = lambda: {p['login']: p['limit'] for p in tower.ok('person', 'list')}
    assert tower.ok('person', 'limit', 'sales')['limit'] == '5000.00 EUR' == limits()['sales'], 'who looks takes nothing away'
    assert '5000.00 EUR' in tower.run('person', 'list', shown=True).stdout
    tower.fails(2, 'person', 'limit', 'sales', '5000')
    done = tower.fails(2, 'person', 'limit', 'sales', '1.500', 'EUR')
    assert 'more digits after the decimal point than EUR has' in done.stderr, done.stderr
    assert limits()['sales'] == '5000.00 EUR', 'what may be 1500 is not 1.50'
    tower.fails(4, 'person', 'limit', 'stranger')
    taken = tower.ok('person', 'limit', 'sales', 'none')
    assert (taken['currency'], taken['limit'], limits()['sales']) == (None, 'no limit', 'no limit'), taken
    assert [p['roles'] for p in tower.ok('person', 'list') if p['login'] == 'sales'] == [['sales']], 'roles stay'
    tower.fails(3, 'person', 'limit', 'sales', '5000', 'EUR', user='sales')
    tower.fails(2, 'person', 'limit', 'sales', '5000', 'euros')
    tower.fails(2, 'absence', 'set', '--from', '2026-06-10')


@with_tower('--trial')
def test_settings(tower):
    assert any(row['key'] == 'delivery.undo_window' for row in tower.ok('config', 'get'))
    tower.ok('config', 'set', 'delivery.undo_window', '30s')
    assert tower.ok('config', 'get', 'delivery.undo_window')['value'] == '30s'


@with_tower('--demo')
def test_demo(tower):
    health = tower.ok('health')
    keys(health, 'ok', 'workspaceId', 'schemaVersion', 'counts', 'log', 'workers', 'channels', 'sync')
    assert health['mode'] == 'standalone' and health['sync'] == {
        'mode': 'standalone', 'state': 'saved_locally', 'lastSuccess': None, 'pending': 0, 'tray': 0, 'lastError': None,
        'nextRetry': None}, health['sync']
    assert health['environment'] == 'demo' and health['integrity'] == 'ok' and health['log']['unsigned'] == 0, health
    rows = tower.ok('exceptions', 'list')
    keys(rows[0], 'number', 'rule', 'blocker', 'subject', 'score', 'severity', 'owner', 'tags', 'nextAction', 'evidence', 'state')
    shipped = {name.removesuffix('.json') for name in os.listdir(os.path.join(os.environ['CT_SOURCE_ROOT'], 'seeds', 'rules'))}
    assert {row['rule'] for row in rows} == shipped, 'the demo set has every shipped rule fire somewhere'
    numbers = [row['number'] for row in rows[:3]]
    assert [row['number'] for row in tower.ok('exceptions', 'show', *numbers)] == numbers
    owner = rows[0]['owner']
    assert all(row['owner'] == owner for row in tower.ok('exceptions', 'list', '--owner', owner))
    assert tower.ok('order', 'show', 'ORD-2026-1047')['number'] == 'ORD-2026-1047'
    assert tower.ok('timeline', 'ORD-2026-1047')
    refused = tower.run('channel', 'add', 'slack', 'real', '--destination', '#ops')
    assert refused.returncode == 3, refused.stderr
    counts = tower.ok('detect', '--full')
    keys(counts, 'evaluated', 'opened', 'cleared', 'rules')
    assert counts['opened'] == 0, counts


@with_tower('--trial')
def test_work(tower):
    tower.ok('seed', '--orders', '300', now=NOW)
    tower.ok('detect', now=NOW)
    exception = [row for row in tower.ok('exceptions', 'list', '--state', 'open') if row['agent']][:2]
    slack = Slack(tower.folder)
    try:
        channel = tower.ok('channel', 'add', 'slack', 'slack', '--destination', '#ops', '--base-url', slack.url, '--token-file',
                           slack.token_file, now=NOW)
        assert channel['destinations'] == ['#ops'], channel
        tasks = tower.ok('task', 'create', '--exception', exception[0]['number'], '--exception', exception[1]['number'],
                         '--channel', 'slack:#ops', '--sla', '24h', now=NOW)
        names = [task['taskId'] for task in tasks]
        keys(tasks[0], 'taskId', 'orderId', 'assignedAgent', 'humanOwner', 'status', 'slaDueAt', 'nextCheckAt',
             'communicationChannels', 'channelPolicy', 'allowedActions', 'blockedActions', 'escalationRule',
             'lastChannelMessageId', 'auditRequired')
        assert tower.run('task', 'create', '--exception', exception[0]['number'], '--channel', 'slack:#other', now=NOW).returncode in (3, 4)
        tower.ok('task', 'snooze', *names, '--until', '2h', now=NOW)
        assert {task['status'] for task in tower.ok('task', 'list')} == {'snoozed'}
        tower.ok('task', 'wake', *names, now=NOW)
        runs = tower.ok('agent', 'run', *names, now=NOW)
        assert [run['taskId'] for run in runs] == names and all(run['approvals'] for run in runs), runs
        first, second = [run['approvals'][0] for run in runs]
        keys(first, 'id', 'task', 'channel', 'destination', 'text', 'payloadSha256', 'state', 'findings', 'wire')
        edited = tower.ok('approvals', 'edit', first['id'], '--text', first['text'] + ' Thank you.', now=NOW)[0]
        assert edited['payloadSha256'] != first['payloadSha256'] and edited['state'] == 'pending', edited
        tower.fails(5, 'approvals', 'approve', edited['id'], '--sha256', first['payloadSha256'], now=NOW)
        tower.fails(3, 'approvals', 'approve', edited['id'], now=NOW, user='viewer')
        tower.fails(2, 'approvals', 'reject', second['id'], now=NOW)
        assert tower.ok('approvals', 'reject', second['id'], '--comment', 'not now', now=NOW)[0]['state'] == 'rejected'
        assert tower.ok('approvals', 'approve', edited['id'], now=NOW)[0]['state'] == 'approved'
        tower.fails(5, 'approvals', 'approve', edited['id'], now=NOW)
        later = '2026-06-03T12:01:00Z'
        assert tower.ok('posts', 'list', now=later)[0]['waitsFor'] is None
        tower.ok('channel', 'stop-all', now=later)
        waits = tower.ok('posts', 'list', now=later)[0]
        assert (waits['state'], waits['waitsFor']) == ('ready', 'all sending is stopped'), waits
        again = tower.ok('approvals', 'unsend', edited['id'], now=NOW)[0]
        assert again['state'] == 'voided', again
        again = tower.ok('approvals', 'list', '--state', 'pending', now=NOW)[0]
        said = tower.run('approvals', 'approve', again['id'], now=NOW, shown=True)
        assert said.returncode == 0 and 'All sending is stopped' in said.stderr and 'channel resume' in said.stderr, said.stderr
        assert tower.ok('deliver', '--once', now=later)['stopped'] is True
        tower.ok('channel', 'resume', now=later)
        report = tower.ok('deliver', '--once', now=later)
        assert report['sent'] == 1, report
        post = tower.ok('posts', 'list', '--state', 'sent')[0]
        keys(post, 'number', 'task', 'channel', 'destination', 'state', 'externalMessageId', 'approver', 'payloadSha256')
        tower.fails(5, 'posts', 'resolve', post['number'], '--outcome', 'failed', '--comment', 'looked')
        asked = len(slack.requests())
        tower.fails(3, 'posts', 'retract', post['number'], '--comment', 'x', user='viewer')
        tower.fails(3, 'posts', 'resolve', post['number'], user='viewer')
        assert len(slack.requests()) == asked, 'who may not is refused before the provider hears of it'
        story = tower.ok('timeline', names[0])
        assert post['externalMessageId'] in [event['externalMessageId'] for event in story], story
        assert all(event['proven'] for event in story), 'each command line ends under a checkpoint'
        resolved = tower.ok('task', 'resolve', *names, '--resolution', 'paid', now=later)
        assert [task['status'] for task in resolved] == ['resolved', 'resolved'], resolved
        assert tower.ok('task', 'reopen', names[0], '--reason', 'not all of it', now=later)['status'] == 'reopened'
        tower.ok('task', 'escalate', names[0], '--reason', 'nobody answers', now=later)
        pending = tower.ok('agent', 'run', names[0], now=later)[0]['approvals'][0]['id']
        tower.ok('approvals', 'ask', pending, '--comment', 'shorter', now=later)
        # a message that waited is void with the task for good: that, and not somebody's change, is in an undo's way
        waiting = tower.ok('agent', 'run', names[0], now=later)[0]['approvals'][0]['number']
        tower.ok('task', 'resolve', names[0], '--resolution', 'too early', now=later)
        refused = tower.fails(5, 'undo', now=later)
        assert waiting in refused.stderr and 'not taken back' in refused.stderr, (waiting, refused.stderr)
        assert 'reopen the task' in refused.stderr, refused.stderr
        tower.ok('task', 'reopen', names[0], now=later)
        tower.ok('posts', 'retract', post['number'], '--comment', 'wrong price', now=later)
        tower.ok('exceptions', 'close', exception[0]['number'], '--reason', 'a mistake', now=later)
        said = {(event['action'], event.get('detail')) for name in names for event in tower.ok('timeline', name)}
        for event in (('approval.reject', 'not now'), ('task.resolve', 'paid'), ('task.reopen', 'not all of it'), ('approval.ask', 'shorter'),
                      ('task.escalate', 'nobody answers'), ('post.retracting', 'wrong price'), ('post.retract', 'wrong price')):
            assert event in said, (event, said)
        assert ('approval.approve', None) in said, said
        story = tower.ok('timeline', exception[0]['number'])
        assert ('exception.close', 'a mistake') in {(event['action'], event.get('detail')) for event in story}, story
        assert 'nobody answers' in tower.run('timeline', names[0], shown=True).stdout
        tower.ok('channel', 'add', 'slack', 'slack', '--destination', '#ops', '--base-url', 'http://127.0.0.1:9', now=later)
        tower.ok('channel', 'remove', 'slack', now=later)
        assert tower.ok('channel', 'list') == []
        with open(os.path.join(tower.workspace, 'keys', 'INSECURE-plain-text-tokens.tsv'), encoding='utf-8') as tokens:
            assert tokens.read() == '', 'the token of an address that the channel once had goes with it'
        again = tower.ok('channel', 'add', 'slack', 'slack', '--destination', '#new', '--base-url', slack.url, now=later)
        assert again['destinations'] == ['#new'], 'a channel added again posts where it is told now'
    finally:
        slack.stop()


@with_tower('--demo')
def test_quiet_period(tower):
    """Who wonders why an approved message does not go out is told what it waits for."""
    tower.ok('config', 'set', 'delivery.undo_window', '0s')
    exceptions = tower.ok('exceptions', 'list', '--state', 'open')
    party = next(row['distributorName'] for row in exceptions if sum(one['distributorName'] == row['distributorName'] for one in exceptions) > 1)
    slack = Slack(tower.folder)
    try:
        tower.ok('channel', 'add', 'slack', 'slack', '--destination', '#ops', '--base-url', slack.url, '--token-file',
                 slack.token_file)
        for number in [row['number'] for row in exceptions if row['distributorName'] == party][:2]:
            task = tower.ok('task', 'create', '--exception', number, '--channel', 'slack:#ops')['taskId']
            tower.ok('approvals', 'approve', tower.ok('agent', 'run', task)[0]['approvals'][0]['id'])
        assert [post['waitsUntil'] for post in tower.ok('posts', 'list')] == [None, None], 'nothing went to it before'
        done = tower.run('deliver', '--once')
        report = done.json
        assert report['sent'] == 1 and report['waiting'] == 1, report
        until = datetime.fromisoformat(next(p for p in report['posts'] if p['state'] == 'ready')['readyAt'].replace('Z', '+00:00'))
        assert 'a short while ago; it waits until' in done.stderr and until.strftime('%H:%M') in done.stderr, (done.stderr, until)
        sent, waits = (tower.ok('posts', 'list', '--state', state)[0] for state in ('sent', 'ready'))
        until = datetime.fromisoformat(sent['sentAt'].replace('Z', '+00:00')) + timedelta(minutes=15)
        assert datetime.fromisoformat(waits['waitsUntil'].replace('Z', '+00:00')) == until, (sent, waits)
        assert waits['waitsFor'] == f'quiet period after the last post to {party}' and sent['waitsFor'] is None, waits
        shown = tower.run('posts', 'show', waits['number'], shown=True).stdout
        assert until.strftime('%Y-%m-%d %H:%M') in shown and waits['waitsFor'] in shown, shown
        tower.ok('config', 'set', 'delivery.quiet_period', '0s')
        assert tower.ok('posts', 'show', waits['number'])[0]['waitsUntil'] is None, 'there is none any more'
    finally:
        slack.stop()


def ready_post(tower):
    """A demo's message, approved a moment ago."""
    exception = tower.ok('exceptions', 'list', '--rule', 'pickup-failed')[0]['number']
    task = tower.ok('task', 'create', '--exception', exception, '--channel', 'slack:#wholesale-exceptions')['taskId']
    return tower.ok('approvals', 'approve', tower.ok('agent', 'run', task)[0]['approvals'][0]['id'])[0]


@with_tower('--demo')
def test_post_that_cannot_go(tower):
    tower.ok('config', 'set', 'delivery.undo_window', '3s')
    ready_post(tower)
    waits = tower.ok('deliver', '--once')
    assert waits['waiting'] == 1 and 'undo window' in waits['posts'][0]['detail'], waits
    done = tower.fails(1, 'deliver', timeout=60)
    assert done.json['held'] == 1 and done.json['posts'][-1]['held'] and done.json['posts'][-1]['detail'] in done.stderr, done
    health = tower.ok('health', '--quick')['counts']
    assert health['heldPosts'] == 1 and health['needsAttention'] == 1, health
    listed = tower.run('posts', 'list', shown=True).stdout
    assert tower.ok('posts', 'list')[0]['problem'] in listed, listed


@with_tower('--demo')
def test_shown_to_people(tower):
    approval = ready_post(tower)
    shown = tower.run('approvals', 'show', approval['number'], shown=True).stdout
    for line in approval['text'].splitlines():
        assert ('  ' + line) in shown.splitlines(), (line, shown)
    assert '"requests"' not in shown and '3682.80 EUR' in shown and 'SHP-' in shown, shown
    for line in (['health', '--quick'], ['import', 'canonical', os.path.join(ROOT, 'seeds', 'demo')]):
        shown = tower.run(*line, shown=True).stdout
        assert not any(key in shown for key in ('needsAttention', 'baseUrl', 'dryRun', '{', 'chunks')), shown
    assert 'none' in tower.run('approvals', 'list', '--state', 'expired', shown=True).stderr
    done = tower.run('approvals', 'approve', approval['number'], shown=True)
    assert done.returncode == 5 and done.stderr.count(approval['number']) == 1 and 'none' not in done.stderr, done.stderr
    tower.fails(2, 'approvals', 'approve', approval['number'], '--sha256', approval['payloadSha256'][:12])


@with_tower('--demo')
def test_undo(tower):
    exception = tower.ok('exceptions', 'list', '--rule', 'pickup-failed')[0]['number']
    made = tower.run('task', 'create', '--exception', exception, '--agent', 'PartnerSuccessFollowUpAgent')
    task = made.json['taskId']
    tower.ok('task', 'note', task, '--text', 'called them')
    tower.ok('detect', '--full')
    tower.ok('audit', 'export', os.path.join(tower.folder, 'log'))
    tower.ok('export', os.path.join(tower.folder, 'records'))
    done = tower.run('undo', shown=True)
    assert done.returncode == 0 and done.stdout == 'Undone: Note added\n', done
    assert 'Step undone' in [event['summary'] for event in tower.ok('timeline', task)]
    assert 'Step undone' in [event['summary'] for event in tower.ok('timeline', exception)]
    refused = tower.fails(3, 'undo')
    assert '(Follow-up task created)' in refused.stderr, refused.stderr


@with_tower('--demo', '--trial')
def test_undo_in_the_way(tower):
    number = tower.ok('distributor', 'list')[0]['number']
    for user, city in (('admin', 'Tartu'), ('sales', 'Narva')):
        tower.ok('distributor', 'edit', number, '--city', city, user=user)
    refused = tower.fails(5, 'undo', user='admin')
    assert f'Cannot undo: {number} was changed again since' in refused.stderr, refused.stderr
    assert tower.ok('distributor', 'show', number)['city'] == 'Narva'


@with_tower()
def test_channels(tower):
    slack = Slack(tower.folder)
    try:
        add = ['channel', 'add', 'slack', 'slack', '--destination', '#ops', '--base-url', slack.url]
        first, second = tower.run(*add), tower.run(*add)
        assert 'no token' in first.stderr and 'there already' not in first.stderr, first.stderr
        assert 'there already' in second.stderr, second.stderr
        tower.fails(1, 'channel', 'test', 'slack')
        tower.fails(4, 'channel', 'test', 'nothing')
        done = tower.run(*add, '--token-file', slack.token_file, '--plain-token')
        assert done.returncode == 0 and 'no token' not in done.stderr, done.stderr
        tower.ok('channel', 'test', 'slack')
    finally:
        slack.stop()
    tower.ok('seed', '--orders', '300')
    tower.ok('channel', 'remove', 'slack')
    tower.ok('detect')
    exception = [row for row in tower.ok('exceptions', 'list', '--state', 'open') if row['agent']][0]['number']
    made = tower.run('task', 'create', '--exception', exception)
    assert made.returncode == 0 and 'has no channel' in made.stderr, made.stderr
    tower.fails(1, 'agent', 'run', made.json['taskId'])


@with_tower()
def test_interrupted(tower):
    with subprocess.Popen([TOWERCTL, '-w', tower.workspace, '--json', 'seed', '--orders', '2000000'], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as work:
        time.sleep(1)
        work.send_signal(signal.SIGINT)
        work.communicate(timeout=60)
    assert work.returncode == 1, work.returncode


@with_tower('--trial')
def test_audit(tower):
    tower.ok('distributor', 'create', '--name', 'A')
    seen = tower.ok('audit', 'verify', '--state')
    keys(seen, 'size', 'root', 'vkey')
    assert tower.ok('health', '--quick')['log']['root'] == seen['rootHex'], seen
    shown = tower.run('audit', 'verify', shown=True).stdout
    assert seen['root'] in shown and seen['rootHex'] in shown and 'rootHex' not in shown, shown
    folder = os.path.join(tower.folder, 'log')
    export = tower.ok('audit', 'export', folder)
    again = tower.ok('audit', 'verify', folder, '--key', seen['vkey'])
    assert tower.ok('audit', 'verify', folder, '--key', os.path.join(folder, 'log.vkey'))['root'] == again['root']
    tower.fails(2, 'audit', 'verify', folder, '--key', 'bogus')
    assert 'key' not in tower.fails(4, 'audit', 'verify', '/nonexistent').stderr
    assert again['root'] == export['root'] and again['size'] == export['size'] > seen['size'], (again, export)
    assert os.path.exists(os.path.join(folder, 'log.vkey')) and os.path.exists(os.path.join(folder, 'checkpoint'))
    assert tower.ok('audit', 'proof', '0')['proof']
    bare = os.path.join(tower.folder, 'bare')
    shutil.copytree(folder, bare)
    shutil.rmtree(os.path.join(bare, 'tile', 'entries'))
    tower.fails(1, 'audit', 'verify', bare)
    os.remove(os.path.join(bare, 'disclosures.jsonl'))
    done = tower.run('audit', 'verify', bare, '--key', seen['vkey'])
    assert done.returncode == 0 and done.json['entries'] is False and 'tile/entries' in done.stderr, (done.stdout, done.stderr)
    with open(os.path.join(folder, 'checkpoint'), 'r+b') as file:
        file.seek(-10, os.SEEK_END)
        byte = file.read(1)
        file.seek(-10, os.SEEK_END)
        file.write(b'B' if byte == b'A' else b'A')
    tower.fails(1, 'audit', 'verify', folder)


@with_tower('--trial')
def test_import_and_export(tower):
    tower.ok('seed', '--orders', '50', now=NOW)
    tower.ok('distributor', 'create', '--name', '=cmd()')
    for guard, name in ((), '=cmd()'), (('--guard-formulas',), '"\'=cmd()"'):
        records = os.path.join(tower.folder, 'records' + ''.join(guard))
        tower.ok('export', records, *guard)
        with open(os.path.join(records, 'distributors.csv'), encoding='utf-8') as file:
            assert ',%s,' % name in file.read(), guard
    folder = os.path.join(tower.folder, 'out')
    tower.ok('export', folder)
    dry = tower.ok('import', 'canonical', folder, '--dry-run')
    keys(dry, 'read', 'created', 'changed', 'unchanged', 'rejected')
    assert dry['created'] == dry['changed'] == dry['rejected'] == 0 and dry['unchanged'] == dry['read'], dry
    with open(os.path.join(folder, 'distributors.csv'), 'a', encoding='utf-8') as file:
        file.write('broken\n')
    errors = os.path.join(tower.folder, 'errors.csv')
    assert tower.ok('import', 'canonical', folder, '--errors', errors)['rejected'] == 1
    assert os.path.getsize(errors) > 0


@with_tower('--demo')
def test_towerd(tower):
    done = subprocess.run([TOWERD, '-w', tower.workspace, '--once'], capture_output=True, text=True, check=True)
    assert [json.loads(line) for line in done.stdout.splitlines()][-1]['workers']['program'] == 'towerd'
    with subprocess.Popen([TOWERD, '-w', tower.workspace], stdout=subprocess.PIPE, text=True) as host:
        json.loads(host.stdout.readline())
        for _ in range(200):
            if tower.ok('health', '--quick')['workers']:
                break
            time.sleep(0.05)
        assert tower.ok('health', '--quick')['workers']['pid'] == host.pid
        busy = subprocess.run([TOWERD, '-w', tower.workspace, '--once'], capture_output=True, text=True, check=False)
        assert busy.returncode == 1 and busy.stderr, busy
        host.send_signal(signal.SIGTERM)
        assert host.wait(30) == 0
    assert tower.ok('health', '--quick')['workers'] is None


def quiet_port():
    """A free port that the kernel gives to nobody who asks for any: the session's server takes it a moment later."""
    for port in random.sample(range(20000, 30000), 100):
        with socket.socket() as free:
            try:
                free.bind(('127.0.0.1', port))
            except OSError:
                continue
            return port
    raise AssertionError('a hundred ports are taken')


def test_readme():
    with open(os.path.join(ROOT, 'README.md'), encoding='utf-8') as file:
        session = next(block.split('```')[0] for block in file.read().split('```sh\n') if 'init --demo' in block)
    session = session.replace('8711', str(quiet_port()))
    session = session.replace('$PWD/_build', BUILD) + 'kill %1; rm -r "$(dirname "$CONTROL_TOWER_WORKSPACE")"\n'
    done = subprocess.run(['bash', '-eum', '-o', 'pipefail', '-c', session], cwd=ROOT, capture_output=True, text=True, timeout=120,
                          check=False)
    assert done.returncode == 0, (done.returncode, done.stderr, done.stdout)
    assert '1 sent, 0 failed' in done.stdout and 'Message posted' in done.stdout, done.stdout


run_tests([test_usage, test_not_found, test_trial_only, test_lost_replica, test_roles, test_records, test_notes, test_absences, test_settings, test_demo,
           test_work,
           test_quiet_period, test_post_that_cannot_go, test_shown_to_people, test_undo, test_undo_in_the_way,
           test_channels, test_interrupted, test_audit, test_import_and_export, test_towerd, test_readme])
