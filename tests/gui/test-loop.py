"""The whole loop in the desktop program: an exception, an agent, its draft, an approval, the post, the proof."""
import json
import os
import re
import subprocess

from counterparts import DESTINATION, TOWERCTL, start_slack, towerctl
from driver import wait
from steps import approve, assign_agent, posted, value


def test_a_demo_with_a_channel(s):
    s.state['workspace'] = os.path.join(s.folder, 'demo')
    towerctl(s, 'init', '--demo')
    address = start_slack(s, 'xoxb-test')
    token_file = os.path.join(s.folder, 'token')
    with open(os.open(token_file, os.O_WRONLY | os.O_CREAT, 0o600), 'w', encoding='utf-8') as file:
        file.write('xoxb-test')
    towerctl(s, 'channel', 'add', 'slack', 'slack', '--destination', DESTINATION, '--base-url', address, '--token-file', token_file,
             '--plain-token')
    towerctl(s, 'config', 'set', 'delivery.undo_window', '2s')


def test_an_agent_drafts(s):
    app = s.state['app'] = s.start(s.state['workspace'])
    app.says('SLA missed now')
    app.screenshot('overview-light')
    app.key('g', 'e')
    app.says('ORD-2026-1047', cells=True)
    assign_agent(s)


def test_evidence_is_in_words(s):
    """The amount and its threshold as money, and what the score is made of, in the window as on the command line."""
    app = s.state['app']
    number = value(s, "SELECT number FROM exceptions WHERE rule = 'credit-limit-exceeded' AND state = 'open'")
    limit = 'raised because it is more than 15\u202f000.00 EUR'
    app.key('ctrl+f')
    app.type(number)
    app.says('1 exception')
    app.key('Return', 'j')
    app.says(limit)
    app.says('Open invoices: +5')
    app.screenshot('exceptions-reasons-light')
    shown = subprocess.run([TOWERCTL, '-w', s.state['workspace'], 'exceptions', 'show', number], check=True,
                           capture_output=True, text=True).stdout
    assert limit.split(' is ')[1] in shown and 'The rule by itself' in shown, shown
    app.key('Escape', 'ctrl+f', 'Escape', 'Escape')


def test_a_person_approves(s):
    approve(s, 'approvals-light')


def test_it_is_posted_and_the_timeline_shows_it(s):
    app = s.state['app']
    message = posted(s)
    app.key('g', 'a')
    app.screenshot('approvals-sent-light')
    app.key('g', 't')
    app.screenshot('timeline-light')
    story = subprocess.run([TOWERCTL, '-w', s.state['workspace'], '--json', 'timeline', 'ORD-2026-1047'], check=True,
                           capture_output=True, text=True).stdout
    assert message in story, 'the message ID shows in the timeline'
    app.key('g', 'r')
    app.says('153 orders')
    app.screenshot('orders-light')


def test_the_next_message_to_the_same_counterparty_waits(s):
    """It is approved in another program, and the window says why it does not go out."""
    def ask(*arguments):
        return json.loads(subprocess.run([TOWERCTL, '-w', s.state['workspace'], '--json', *arguments], check=True, capture_output=True,
                                         text=True).stdout)

    app = s.state['app']
    party = value(s, 'SELECT d.legal_name FROM outbox p JOIN distributors d ON d.id = p.distributor_id')
    other = next(row['number'] for row in ask('exceptions', 'list', '--state', 'open')
                 if row['distributorName'] == party and row['rule'] == 'document-missing')
    towerctl(s, 'channel', 'stop-all')
    task = ask('task', 'create', '--exception', other, '--channel', 'slack:' + DESTINATION)['taskId']
    approval = ask('approvals', 'approve', ask('agent', 'run', task)[0]['approvals'][0]['id'])[0]['number']
    app.key('g', 'a')
    app.press_button('Clear State')
    app.key('ctrl+f')
    app.type(approval)
    app.says('1 approval')
    app.key('Return', 'j')
    pane = app.find(None, 'CtDetail')
    app.find('label', re.compile('^waits until [0-9]+:[0-9]+$'), pane)
    app.find('label', 'Waits until', pane)
    app.find('label', 'quiet period after the last post to ' + party, pane)
    app.find('label', 'all sending is stopped', pane)
    app.screenshot('approvals-waits-light')
    towerctl(s, 'channel', 'resume')


def test_what_waits_is_stopped(s):
    """Without a question, for it can be approved again."""
    app = s.state['app']
    number = value(s, "SELECT a.number FROM approvals a JOIN outbox p ON p.approval_id = a.id WHERE p.state = 'ready'")
    app.key('t')
    app.says(f'The message of {number} is called back')
    assert value(s, "SELECT p.state FROM outbox p JOIN approvals a ON a.id = p.approval_id WHERE a.number = '%s'" % number) == 'cancelled'
    assert value(s, "SELECT count(*) FROM approvals WHERE state = 'pending'") == '1', 'it can be approved again'


def test_a_sent_message_is_taken_back(s):
    """For a reason that is said; the pane says what became of it."""
    app = s.state['app']
    number = value(s, "SELECT a.number FROM approvals a JOIN outbox p ON p.approval_id = a.id WHERE p.state = 'sent'")
    app.key('Escape', 'ctrl+f', 'ctrl+a')
    app.type(number)
    app.says('1 approval')
    app.key('Return', 'j')
    pane = app.find(None, 'CtDetail')
    app.find('label', number, pane)
    app.screenshot('approvals-take-back-light')
    app.press_button('Take back…', pane)
    app.says('Take the message back')
    app.key('Return')
    app.says('Take the message back')
    app.type('the price is wrong')
    app.key('Return')
    app.gone('label', 'Take the message back')
    wait('the message to be gone', lambda: value(s, "SELECT problem FROM outbox WHERE state = 'retracted'") == 'the price is wrong', 60)
    app.find('label', 'Taken back because', pane)
    app.find('label', re.compile('^.+: the price is wrong$'), pane)
    app.gone('push button', 'Take back…', pane)
    app.screenshot('approvals-taken-back-light')
    app.key('g', 't')
    app.says(re.compile('^[0-9]+ events$'))
    app.key('j')
    app.find('label', 'the price is wrong', app.find(None, 'CtDetail'))


def test_the_log_proves_it(s):
    s.state['slack'].terminate()
    wait('a checkpoint over the post', lambda: value(s, 'SELECT (SELECT max(size) FROM audit_checkpoints) >= (SELECT min(n) + 1 FROM '
                                                        "audit_logs WHERE action = 'post.sent')") == '1', 60)
    towerctl(s, 'audit', 'verify', '--state')
