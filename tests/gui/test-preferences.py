"""Preferences: a Slack channel is set up without the command line, tested, removed and brought back."""
import os
import re
import subprocess
import sys

from counterparts import DESTINATION, on_bus, start_keyring, start_slack, towerctl
from driver import wait
from steps import choose

TOKEN = 'xoxb-typed-by-a-person'
PLAIN_FILE = os.path.join('keys', 'INSECURE-plain-text-tokens.tsv')
CHANNELS = ("SELECT c.name || ' ' || c.base_url || ' ' || group_concat(d.destination, ' ') FROM channels c JOIN channel_destinations d "
            'ON d.channel_id = c.id WHERE c.archived_at IS NULL GROUP BY c.name ORDER BY c.name')


# A session without a keyring: who has its name on the bus answers no call, and D-Bus starts no other one.
NO_KEYRING = ("from gi.repository import Gio, GLib; Gio.bus_own_name(Gio.BusType.SESSION, 'org.freedesktop.secrets', "
              'Gio.BusNameOwnerFlags.NONE, None, None, None); GLib.MainLoop().run()')


def channels(s):
    return s.query(s.state['workspace'], CHANNELS)


def files_with(s, text):
    """The files of the workspace that hold the text, by their paths below it."""
    found = []
    for folder, _, names in os.walk(s.state['workspace']):
        for name in names:
            path = os.path.join(folder, name)
            with open(path, 'rb') as file:
                if text.encode() in file.read():
                    found.append(os.path.relpath(path, s.state['workspace']))
    return found


def press_add(app):
    """Opens the form by its key."""
    app.find('frame', 'Preferences')
    app.key('ctrl+n')
    app.find('frame', 'Add a Slack Channel')


def test_a_keyring_and_a_server(s):
    """The real keyring on the session's bus, unlocked, and a server that knows one token."""
    start_keyring(s)
    s.state['url'] = start_slack(s, TOKEN)
    s.state['workspace'] = os.path.join(s.folder, 'workspace')
    towerctl(s, 'init')


def test_without_a_channel_the_page_says_what_to_do(s):
    app = s.state['app'] = s.start(s.state['workspace'])
    app.says('SLA missed now')
    app.key('ctrl+comma')
    app.says('There is no channel yet')
    app.screenshot('preferences-empty-light')


def test_the_form_says_what_is_wrong_and_keeps_what_was_typed(s):
    app = s.state['app']
    press_add(app)
    app.key('ctrl+s')
    app.says('This is needed')
    app.type('a:b')
    app.key('Tab')
    app.says('holds no colon')
    app.type('Wholesale')
    app.key('Tab')
    app.says('is no Slack destination')
    app.type('http://slack.example')
    app.key('Tab')
    app.says('must begin with https://')
    app.key('shift+Tab')
    app.type(s.state['url'])
    app.gone('label', re.compile('must begin with https://'))
    app.key('Tab')
    app.type('xoxb bad')
    app.key('ctrl+s')
    app.says('The token has a blank')
    app.screenshot('preferences-form-light')
    assert channels(s) == [], 'nothing is saved while anything is wrong'


def test_a_channel_is_added_by_typing(s):
    app = s.state['app']
    app.type('slack')  # the keyboard is in the first wrong entry, its text selected
    app.key('Tab')
    app.type(DESTINATION)
    app.key('Tab', 'Tab')  # the address stays as it was typed
    app.type(TOKEN)
    app.key('Return')
    wait('the channel in the replica', lambda: channels(s) == [f'slack {s.state["url"]} {DESTINATION}'])
    app.gone('frame', 'Add a Slack Channel')
    app.says('token in the keyring')
    assert files_with(s, TOKEN) == [], 'the token is in the keyring alone'
    with open(f'/proc/{app.process.pid}/cmdline', encoding='utf-8') as file:
        assert TOKEN not in file.read()


def test_the_test_signs_in(s):
    app = s.state['app']
    app.says('Not tested yet')
    app.press_button('Test')
    app.says('It works: signed in as')
    app.screenshot('preferences-channels-light')


def test_a_name_is_there_once(s):
    app = s.state['app']
    press_add(app)
    app.type('slack')
    app.key('Tab')
    app.says('There is a channel of this name')
    app.key('Escape')
    app.gone('frame', 'Add a Slack Channel')


def test_a_removed_channel_comes_back_with_its_token(s):
    app = s.state['app']
    app.press_button('Remove slack')
    wait('the channel to be gone', lambda: channels(s) == [])
    app.says('There is no channel yet')
    app.press_button('Undo')
    wait('the channel to be back', lambda: channels(s) == [f'slack {s.state["url"]} {DESTINATION}'])
    app.says('token in the keyring')
    app.press_button('Test')
    app.says('It works: signed in as')


def test_all_sending_stops_and_resumes(s):
    app = s.state['app']
    stopped = "SELECT value FROM settings WHERE key = 'delivery.stopped'"
    for value, words in (('true', '⛔ All sending is stopped'), ('false', '✔ Sending is on')):
        app.press(app.find('check box', 'Stop all sending'))
        wait(f'delivery.stopped = {value}', lambda value=value: s.query(s.state['workspace'], stopped) == [value])
        app.says(words)


def test_what_another_program_does_shows(s):
    for verb, words in (('stop-all', '⛔ All sending is stopped'), ('resume', '✔ Sending is on')):
        towerctl(s, 'channel', verb)
        s.state['app'].says(words)


def test_the_palette_opens_it_in_the_dark(s):
    app = s.state['app']
    app.key('ctrl+w')
    app.gone('frame', 'Preferences')
    for action in ('Dark style', 'Preferences and channels'):
        choose(s, action)
    app.says('token in the keyring')
    app.press_button('Test')
    app.says('It works: signed in as')
    app.screenshot('preferences-channels-dark')
    app.key('Escape')
    app.close()


def test_without_a_keyring_a_file_is_a_choice(s):
    s.state['keyring'].terminate()
    s.state['keyring'].wait()
    s.state['nobody'] = subprocess.Popen([sys.executable, '-c', NO_KEYRING])
    wait('the name of the keyring to be taken', lambda: on_bus('org.freedesktop.secrets'))
    app = s.start(s.state['workspace'])
    app.says('SLA missed now')
    app.key('ctrl+comma')
    app.says('no token')
    press_add(app)
    app.type('far')
    app.key('Tab')
    app.type('#far')
    app.key('Tab', 'Tab')
    app.type(TOKEN)
    app.key('Return')
    app.says('The keyring cannot be used')
    app.says(re.compile('INSECURE.*mode 0600'))
    app.screenshot('preferences-no-keyring-light')
    assert files_with(s, TOKEN) == [], 'not without being asked for'
    app.key('space', 'ctrl+s')  # the choice has the keyboard
    app.says('token in a plain-text file')
    assert files_with(s, TOKEN) == [PLAIN_FILE]
    assert os.stat(os.path.join(s.state['workspace'], PLAIN_FILE)).st_mode & 0o777 == 0o600
    assert 'far https://slack.com #far' in channels(s)


def test_a_channel_gets_another_token_and_destination(s):
    app = s.state['app'] = s.apps[-1]
    for token, words in (('xoxb-another-one', '✘ It does not work'), (TOKEN, '✔ It works: signed in as')):
        app.press_button('Change slack')
        app.find('frame', 'Change the Channel')
        app.type(token)
        app.key('shift+Tab')
        app.type('#more')
        app.key('ctrl+s')
        app.gone('frame', 'Change the Channel')
        app.says('There is no keyring: its token is in a file')  # it opens this machine only
        app.find('push button', 'Test')
        app.press(app.all('push button', 'Test')[-1])
        app.says(words)
    assert sorted(channels(s)[-1].split()[2:]) == ['#more', DESTINATION]
    app.screenshot('preferences-changed-light')


def test_who_may_not_sees_why(s):
    s.state['app'].key('ctrl+w')
    s.state['app'].close()
    login = s.query(s.state['workspace'], 'SELECT login FROM people')[0]
    towerctl(s, 'person', 'add', login, '--role', 'sales')
    app = s.start(s.state['workspace'])
    app.says('SLA missed now')
    app.key('ctrl+comma')
    app.says(f'Only an administrator adds, changes and removes channels; you work as {login}')
    app.says('far')
    app.screenshot('preferences-viewer-light')
    app.key('ctrl+n')
    assert not app.all('frame', 'Add a Slack Channel')
    app.key('Escape')
