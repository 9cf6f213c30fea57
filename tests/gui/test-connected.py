"""A workspace in a team: joining the server, the state in the header, offline, what needs attention, leaving."""
import json
import os
import re

from counterparts import Central, start_keyring, towerctl
from driver import wait

PASSWORD = 'Passwort von anna'
PLAIN_FILE = os.path.join('keys', 'INSECURE-plain-text-tokens.tsv')


def mode(s):
    return s.query(s.state['workspace'], "SELECT count(*) FROM workspace WHERE key = 'server'") == ['1']


def reopen(s):
    """The window anew, as on the next day."""
    s.state['app'].press_button('Close')
    s.state['app'].process.wait(30)
    app = s.state['app'] = s.start(s.state['workspace'])
    app.says('Server')
    return app


def server_page(app):
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
    app.says(', not confirmed by the server yet')  # in the record's story
    app.screenshot('connected-pending')
    central.reachable(True)
    app.says('In sync')
    app.gone(None, re.compile('not confirmed by the server yet'))
    assert central.sql('SELECT legal_name FROM app.distributors') == 'Nordwind'
    wait('the number that the server gave', lambda: '~' not in s.query(s.state['workspace'], 'SELECT number FROM distributors')[0])
    app.screenshot('connected-synced')


def city(s):
    return s.query(s.state['workspace'], 'SELECT city FROM distributors')[0]


def test_two_edits_wait_for_a_decision(s):
    """Ben changes on another workstation what Anna changes here while she is offline."""
    app, central = reopen(s), s.state['central']
    ben = s.state['ben'] = central.join('ben', 'sales')
    number = s.query(s.state['workspace'], 'SELECT number FROM distributors')[0]
    central.reachable(False, 'anna')
    towerctl(s, 'distributor', 'edit', number, '--city', 'Tartu')
    assert city(s) == 'Tartu'
    app.says(re.compile('Offline, 1 pending'))
    ben('distributor', 'edit', number, '--city', 'Narva')
    ben('sync', '--once')
    central.reachable(True, 'anna')
    app.says('1 needs attention')
    assert city(s) == 'Narva'
    app.key('g', 'n')
    app.says('Record edited', cells=True)
    app.key('j')
    app.says('Theirs, on the server')
    app.says('Tartu')
    app.says('Narva')
    app.screenshot('connected-tray')


def test_what_is_dropped_comes_back(s):
    app = s.state['app']
    app.key('t')
    wait('the decision', lambda: s.query(s.state['workspace'], 'SELECT choice FROM attention') == ['theirs'])
    app.says('1 change is dropped')
    app.press_button('Undo')
    wait('no decision', lambda: s.query(s.state['workspace'], 'SELECT count(choice) FROM attention') == ['0'])
    app.says(re.compile('^1 change$'))
    app.key('j')
    app.says('Both values')


def test_mine_counts_on_the_server(s):
    app, central = s.state['app'], s.state['central']
    # what came back by Undo is read again, and may take the pane with it: then it is opened once more
    wait('the button', lambda: app.all('push button', 'Use mine') or app.key('j'))
    app.press_button('Use mine')
    wait('the value on the server', lambda: central.sql('SELECT city FROM app.distributors') == 'Tartu')
    app.says('Nothing needs a decision')
    app.says('In sync')
    app.screenshot('connected-tray-empty')


def test_leaving_keeps_a_copy(s):
    app = reopen(s)
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


def fill_in(s, address):
    """Preferences, Server, and the form for an address and a password."""
    app = s.state['app']
    server_page(app)
    app.press_button('Connect…')
    app.find('frame', 'Join a Server')
    app.type(address)
    app.key('Tab')
    app.type(PASSWORD)
    app.key('Return')


def test_records_do_not_go_to_a_server_with_others(s):
    app = s.state['app']
    fill_in(s, s.state['central'].address('anna'))
    app.says(re.compile('data of its own.*The server is not empty', re.S))
    assert not mode(s)
    app.screenshot('connected-not-empty')
    app.key('Escape')
    app.key('Escape')


def test_records_go_along(s):
    app = s.state['app']
    app.gone('frame', 'Preferences')
    central = s.state['second'] = Central(s, 'second')
    central.add_user('anna', PASSWORD, 'admin')
    login = s.query(s.state['workspace'], 'SELECT login FROM people')[0]
    towerctl(s, 'person', 'limit', login, '500', 'EUR')
    central.enrol(s.state['workspace'], 'anna')
    fill_in(s, central.address('anna'))
    app.says('Take Your Records Along?')
    app.says(re.compile(f'Limits and absences stay behind: {login} approves up to'))
    app.screenshot('connected-records')
    app.press_button('Back')
    app.gone('push button', 'Upload')
    assert not mode(s) and central.sql('SELECT count(*) FROM app.distributors') == '0'
    app.press_button('Connect')
    app.says('Take Your Records Along?')
    app.press_button('Upload')
    wait('the workspace to be connected', lambda: mode(s))
    app.says('In sync')
    app.gone('frame', 'Join a Server')
    number = s.query(s.state['workspace'], 'SELECT number FROM distributors')[0]
    assert central.sql('SELECT legal_name, number FROM app.distributors') == f'Nordwind|{number}'
    app.screenshot('connected-uploaded')


def test_an_upload_without_an_answer(s):
    """The line ends after the server has taken all and before it is heard: it is seen, and found out."""
    app = s.state['app']
    server_page(app)
    app.press_button('Disconnect…')
    app.press_button('Disconnect')
    wait('the workspace to be one of its own', lambda: not mode(s))
    app.gone('frame', 'Preferences')
    central = Central(s, 'third')
    from lastword import LastWord
    central.add_user('anna', PASSWORD, 'admin')
    central.enrol(s.state['workspace'], 'anna')
    line = LastWord(central.postgres.port, heard=True)
    fill_in(s, central.address('anna').replace(f':{central.postgres.port}/', f':{line.port}/'))
    app.says('Take Your Records Along?')
    app.press_button('Upload')
    assert line.said.wait(60)
    line.cut()
    app.says(re.compile('Whether all was uploaded is not known'))
    app.screenshot('connected-upload-no-answer')
    app.key('Escape')
    app.gone('frame', 'Join a Server')
    app.says('Did the server take the upload?')  # in Preferences
    app.screenshot('connected-upload-open-preferences')
    app.press_button('Give Up…')
    app.says('Is the Server Gone for Good?')
    app.screenshot('connected-upload-give-up')
    app.press_button('Cancel')
    app.gone(None, 'Is the Server Gone for Good?')
    app.key('Escape')
    app.gone('frame', 'Preferences')
    app.press_button('Upload not settled')
    app.says('Did the server take the upload?')
    app.screenshot('connected-upload-open')
    app.press_button('Find Out…')
    app.find('frame', 'Join a Server')
    app.key('shift+Tab', 'ctrl+a')  # the server has another name now
    app.type(central.address('anna'))
    app.key('Tab')
    app.type(PASSWORD)
    app.key('Return')
    wait('the workspace to be connected', lambda: mode(s))
    app.says('In sync')
    assert central.sql('SELECT count(*) FROM app.distributors') == '1'
