"""Real orders in the desktop program alone: import, exceptions, an agent's draft, an approval, the post, the proof."""
import os
import re

from counterparts import DESTINATION, ROOT, start_keyring, start_slack, towerctl
from driver import wait

FILES = os.path.realpath(os.path.join(ROOT, '..', 'shared', 'data', 'northwind'))
SKIP = None if os.path.isdir(FILES) else 'the Northwind files are not on this machine'


def value(s, sql):
    rows = s.query(s.state['workspace'], sql)
    return rows[0] if rows else None


def test_files_are_imported(s):
    s.state['workspace'] = os.path.join(s.folder, 'northwind')
    app = s.state['app'] = s.start(s.state['workspace'])
    app.point(app.find('label', 'Import my CSV files'))
    app.says('Which columns mean what')
    app.press(app.find('push button', re.compile('Choose a _Folder')))
    app.find(None, 'Folder with CSV Files')
    app.key('slash')
    app.type(FILES[1:])
    app.key('Return')
    app.says(re.compile('currency'))  # the profile that was chosen at first does not fit, and says why
    app.point(app.find('combo box', 'Profile'))
    app.point(app.find('label', re.compile('^Northwind')))
    app.press_button('Preview')
    app.says('order_details.csv')
    app.screenshot('import-preview-light')
    app.press_button('Check')
    app.says('What an import would do')
    assert value(s, 'SELECT count(*) FROM orders') == '0'
    app.press_button('Import')
    app.says(re.compile('^Imported'), 60)
    app.screenshot('import-done-light')
    assert value(s, 'SELECT count(*) FROM orders') == '830'
    wait('the exceptions', lambda: int(value(s, "SELECT count(*) FROM exceptions WHERE rule = 'delivered-late'")) == 37)
    app.press_button('Close')


def test_a_channel_is_set_up(s):
    app = s.state['app']
    start_keyring(s)
    address = start_slack(s, 'xoxb-test')
    app.key('ctrl+comma')
    app.find('frame', 'Preferences')
    app.key('ctrl+n')
    app.find('frame', 'Add a Slack Channel')
    app.type('slack')
    app.key('Tab')
    app.type(DESTINATION)
    app.key('Tab', 'ctrl+a')
    app.type(address)
    app.key('Tab')
    app.type('xoxb-test')
    app.key('Return')
    app.says('token in the keyring')
    app.press_button('Test')
    app.says('It works: signed in as')
    app.key('Escape')
    app.gone('frame', 'Preferences')


def test_an_agent_drafts(s):
    app = s.state['app']
    app.key('g', 'e')
    app.says(re.compile('^[0-9]+ exceptions'))
    app.screenshot('northwind-exceptions')
    app.key('j')
    app.says('Evidence')
    app.key('a')
    app.says('Assign an agent')
    app.press_button('Assign')
    wait('a draft that waits for approval', lambda: value(s, "SELECT count(*) FROM approvals WHERE state = 'pending'") == '1', 60)


def test_a_person_approves(s):
    app = s.state['app']
    app.key('g', 'a')
    app.says(re.compile('^APPROVAL-'))
    app.key('j')
    app.says('Exactly this goes out')
    app.screenshot('northwind-approval')
    app.key('a')
    app.says('Approve 1 message?')
    app.key('ctrl+Return')
    wait('the approval', lambda: value(s, 'SELECT state FROM approvals') == 'approved')


def test_the_message_id_shows_in_the_timeline(s):
    app = s.state['app']
    wait('the post', lambda: value(s, "SELECT count(*) FROM outbox WHERE state = 'sent'") == '1', 90)
    message = value(s, 'SELECT external_message_id FROM outbox')
    assert message, 'the post has an ID of the provider'
    app.key('g', 't')
    app.says('Message posted')
    app.screenshot('northwind-timeline')
    app.key('j')
    app.says('Before → after')
    app.screenshot('northwind-timeline-detail')
    app.says(message)


def test_the_log_is_whole(s):
    app = s.state['app']
    app.key('v')
    app.says('The log is whole', 60)
    app.screenshot('northwind-verified')
    app.press_button('Close')
    s.state['slack'].terminate()
    towerctl(s, 'audit', 'verify', '--state')
