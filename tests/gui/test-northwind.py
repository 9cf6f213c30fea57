"""Real orders in the desktop program alone: import, exceptions, an agent's draft, an approval, the post, the proof."""
import os
import re

from counterparts import DESTINATION, ROOT, start_keyring, start_slack, towerctl
from driver import wait
from steps import approve, assign_agent, posted, value

FILES = os.path.realpath(os.path.join(ROOT, '..', 'shared', 'data', 'northwind'))
SKIP = None if os.path.isdir(FILES) else 'the Northwind files are not on this machine'


def test_files_are_imported(s):
    s.state['workspace'] = os.path.join(s.folder, 'northwind')
    app = s.state['app'] = s.start(s.state['workspace'])
    app.point(app.find('label', 'Import my CSV files'))
    app.find(None, 'Folder with CSV Files')
    app.key('slash')
    app.type(FILES[1:])
    app.key('Return')
    app.says('Which columns mean what')
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
    app.gone('frame', 'Import CSV Files')


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
    app.key('ctrl+w')
    app.gone('frame', 'Preferences')


def test_an_agent_drafts(s):
    app = s.state['app']
    app.key('g', 'e')
    app.says(re.compile('^[0-9]+ exceptions'))
    app.screenshot('northwind-exceptions')
    assign_agent(s)


def test_a_person_approves(s):
    approve(s, 'northwind-approval', pointer=True)


def test_the_message_id_shows_in_the_timeline(s):
    app = s.state['app']
    message = posted(s)
    app.key('g', 't')
    app.says('Message posted', cells=True)
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
