#!/usr/bin/python3
"""The whole loop on the command line, on a real order book: import, detect, task, draft, approve, post, prove."""
import csv
import os

from tower import SHARED, Skip, Slack, Tower, run_tests

NOW = '1998-06-01T00:00:00Z'
NORTHWIND = os.path.join(SHARED, 'data', 'northwind')


def orders():
    if not os.path.isdir(NORTHWIND):
        raise Skip('no shared data here')
    with open(os.path.join(NORTHWIND, 'orders.csv'), encoding='utf-8', newline='') as file:
        return list(csv.DictReader(file))


def late():
    """DOMAIN.md: shipped (no delivery is known here) after the required date."""
    return {row['order_id'] for row in orders() if row['shipped_date'] and row['shipped_date'] > row['required_date']}


def passed():
    """Nothing shipped, and required before the first of June 1998."""
    return {row['order_id'] for row in orders() if not row['shipped_date'] and row['required_date'] < '1998-06-01'}


def subjects(tower, rule):
    return {row['subject'] for row in tower.ok('exceptions', 'list', '--rule', rule, now=NOW)}


def test_whole_loop():
    expected_late, expected_passed = late(), passed()
    tower = Tower('--trial')
    slack = Slack(tower.folder)
    try:
        counts = tower.ok('import', 'northwind', NORTHWIND, now=NOW)
        assert counts['rejected'] == 0 and counts['created'] == counts['read'], counts
        again = tower.ok('import', 'northwind', NORTHWIND, now=NOW)
        assert again['created'] == again['changed'] == 0 and again['unchanged'] == again['read'], again

        tower.ok('detect', now=NOW)
        assert subjects(tower, 'delivered-late') == expected_late
        assert subjects(tower, 'required-date-passed') == expected_passed
        assert len(expected_late) == 37

        tower.ok('channel', 'add', 'slack', 'slack', '--destination', '#ops', '--base-url', slack.url, '--token-file',
                 slack.token_file, '--plain-token', now=NOW)
        tower.ok('channel', 'test', 'slack', now=NOW)
        assert [r['path'] for r in slack.requests()] == ['/api/auth.test'], 'a test never posts'

        exception = tower.ok('exceptions', 'list', '--rule', 'delivered-late', now=NOW)[0]
        for key in ('number', 'rule', 'blocker', 'subject', 'score', 'severity', 'owner', 'tags', 'nextAction', 'evidence', 'state'):
            assert key in exception, key
        tower.fails(4, 'task', 'create', '--exception', 'EXC-1998-9999', '--agent', 'SalesOpsFollowUpAgent', now=NOW)
        refused = tower.run('task', 'create', '--exception', exception['number'], '--agent', 'SalesOpsFollowUpAgent', '--channel',
                            'slack:#elsewhere', now=NOW)
        assert refused.returncode != 0, 'an unregistered destination is refused'
        created = tower.ok('task', 'create', '--exception', exception['number'], '--agent', 'SalesOpsFollowUpAgent', '--channel',
                           'slack:#ops', '--sla', '24h', now=NOW)
        task = created['taskId']
        assert created['assignedAgent'] == 'SalesOpsFollowUpAgent' and created['communicationChannels'] == ['slack:#ops'], created

        tower.ok('agent', 'run', task, now=NOW)
        approvals = tower.ok('approvals', 'list', now=NOW)
        assert len(approvals) == 1, approvals
        approval = approvals[0]
        for key in ('id', 'task', 'channel', 'destination', 'text', 'payloadSha256', 'state', 'findings'):
            assert key in approval, key
        assert tower.ok('task', 'show', task, now=NOW)['status'] == 'waiting_for_human_approval'
        tower.ok('deliver', '--once', now=NOW)
        assert all(r['path'] == '/api/auth.test' for r in slack.requests()), 'no approval, no post'

        tower.fails(5, 'approvals', 'approve', approval['id'], '--sha256', '0' * 64, now=NOW)
        tower.ok('approvals', 'approve', approval['id'], '--sha256', approval['payloadSha256'], now=NOW)
        tower.ok('deliver', '--once', now='1998-06-01T00:00:05Z')
        assert not tower_sent(slack), 'the undo window comes first'
        tower.ok('deliver', '--once', now='1998-06-01T00:01:00Z')
        sent = tower_sent(slack)
        assert len(sent) == 1, sent

        post = tower.ok('posts', 'list', now='1998-06-01T00:01:00Z')[0]
        for key in ('number', 'task', 'channel', 'destination', 'state', 'externalMessageId', 'approver', 'payloadSha256'):
            assert key in post, key
        assert post['state'] == 'sent' and post['payloadSha256'] == approval['payloadSha256'], post
        assert tower.ok('task', 'show', task)['lastChannelMessageId'] == post['externalMessageId']
        story = tower.run('timeline', exception['subject']).stdout
        assert post['externalMessageId'] in story, 'the message ID shows in the timeline'
        tower.ok('audit', 'verify', '--state')
        export = os.path.join(tower.folder, 'export')
        tower.ok('audit', 'export', export)
        tower.ok('audit', 'verify', export)
    finally:
        slack.stop()
        tower.remove()


def tower_sent(slack):
    return [r for r in slack.requests() if r['path'] == '/api/chat.postMessage']


run_tests([test_whole_loop])
