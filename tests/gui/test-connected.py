"""A workspace in a team: joining the server, the state in the header, offline, what needs attention, leaving."""
import json
import os
import re

from counterparts import Central, start_keyring
from driver import wait

PASSWORD = 'Passwort von anna'
PLAIN_FILE = os.path.join('keys', 'INSECURE-plain-text-tokens.tsv')


def mode(s):
    return s.query(s.state['workspace'], "SELECT count(*) FROM workspace WHERE key = 'server'") == ['1']


def server_page(app):
    app.point(app.find('label', 'Control Tower'))  # a closed dialog leaves the keyboard nowhere without a window manager
    app.key('ctrl+comma')
    app.point(app.find('label', 'Server', app.find('frame', 'Preferences')))
    app.says('This Device')


def test_a_first_run_begins_with_the_server(s):
    start_keyring(s)
    central = s.state['central'] = Central(s)
    central.add_user('anna', PASSWORD, 'admin')
    s.state['workspace'] = os.path.join(s.folder, 'workspace')
    app = s.state['app'] = s.start(s.state['workspace'])
    app.says("Join your team's server")
    app.screenshot('connected-welcome')
    app.press(app.find('list item', re.compile("Join your team's server")))
    app.find('frame', 'Join a Server')
    app.key('Return')
    app.says('This is needed')
    app.type('postgresql://anna:secret@127.0.0.1/tower')
    app.key('Return')
    app.says('A password in the server')
    app.screenshot('connected-form-wrong')
    app.key('ctrl+a')
    app.type(central.address('anna'))
    app.key('Tab')
    app.type('wrong')
    app.key('Return')
    app.says('password authentication failed')
    app.screenshot('connected-form')


def test_the_administrator_lets_the_device_in(s):
    app, central = s.state['app'], s.state['central']
    app.key('ctrl+a')
    app.type(PASSWORD)
    app.key('Return')
    app.says('An Administrator Has to Let This Device In')
    device = s.query(s.state['workspace'], "SELECT value FROM workspace WHERE key = 'device_id'")[0]
    app.says(device)
    app.screenshot('connected-device')
    app.press_button('Save for the Administrator…')
    app.find('label', 'Name:')
    path = os.path.join(s.folder, 'for-the-administrator.json')
    app.key('ctrl+a')
    app.type(path)
    app.key('Return')
    wait('the file for the administrator', lambda: os.path.exists(path) and os.path.getsize(path) > 0)
    with open(path, encoding='utf-8') as file:
        assert json.load(file)['id'] == device
    assert not mode(s)
    central.administer('enrol-device', 'anna', path)
    app.press_button('Try Again')
    wait('the workspace to be connected', lambda: mode(s))
    app.says('In sync')
    app.gone('frame', 'Join a Server')
    assert not os.path.exists(os.path.join(s.state['workspace'], PLAIN_FILE)), 'the password is in the keyring'
    app.screenshot('connected-overview')
    app.press_button('In sync')
    app.says('Last in sync')
    app.screenshot('connected-popover')
    app.key('Escape')


def test_offline_and_back(s):
    app, central = s.state['app'], s.state['central']
    central.reachable(False)
    app.press_button('In sync')
    app.press_button('Sync Now')
    app.says('Offline, changes are kept')
    app.screenshot('connected-offline')
    app.key('Escape')
    app.key('g', 'd')
    app.key('ctrl+n')
    app.find('frame', 'New Distributor')
    app.type('Nordwind')
    app.key('ctrl+s')
    app.says('Offline, 1 pending')
    app.screenshot('connected-pending')
    central.reachable(True)
    app.says('In sync')
    assert central.sql('SELECT legal_name FROM app.distributors') == 'Nordwind'
    wait('the number that the server gave', lambda: '~' not in s.query(s.state['workspace'], 'SELECT number FROM distributors')[0])
    app.screenshot('connected-synced')


def test_leaving_keeps_a_copy(s):
    app = s.state['app']
    server_page(app)
    app.says('Change the Password…')
    app.screenshot('connected-server-page')
    app.press_button('Disconnect…')
    app.says('Leave the Server?')
    app.screenshot('connected-leave')
    app.press_button('Disconnect')
    wait('the workspace to be one of its own', lambda: not mode(s))
    app.gone('frame', 'Preferences')
    app.says('Saved locally')
    assert s.query(s.state['workspace'], 'SELECT legal_name FROM distributors') == ['Nordwind']
    server_page(app)
    app.says('Work with a Team')
    app.screenshot('connected-server-page-local')
    app.key('Escape')
