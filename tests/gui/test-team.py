"""A team on the server of ./dev server: two desktop programs and one towerd. An approver goes offline, approves and edits;
another person edits the same order meanwhile; back online all of it settles, the conflict waits in the tray, the approved
post goes out once, and both prove the log."""
import json
import os
import re
import subprocess
import urllib.request

from counterparts import DESTINATION, Line, TOWERCTL, DevServer, start_slack
from driver import wait
from steps import approve, assign_agent, value

TOWERD = os.path.join(os.environ['CT_BUILD_ROOT'], 'src', 'daemon', 'towerd')
TOKEN = 'xoxb-team'
PEOPLE = ('admin', 'agent', 'logistics', 'sales')


def ask(s, login, *arguments):
    """towerctl in a person's workspace; its answer."""
    done = subprocess.run([TOWERCTL, '-w', s.state[login], '--json', *arguments], capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL)
    assert done.returncode == 0, f'{login}: {arguments}: {done.stderr}'
    return json.loads(done.stdout) if done.stdout.strip() else None


def switch_to(s, login):
    """The person whose window the next steps are about."""
    s.state['workspace'], s.state['app'] = s.state[login], s.state['window-' + login]
    s.state['app'].activate()
    return s.state['app']


def sent(s):
    if not os.path.exists(s.state['slack-log']):  # nothing was asked of it at all
        return []
    with open(s.state['slack-log'], encoding='utf-8') as file:
        return [request for request in map(json.loads, file) if 'chat.postMessage' in json.dumps(request)]


def test_a_server_with_people(s):
    """What an administrator does once: the people's devices are let in, the service knows whose word counts."""
    server = s.state['server'] = DevServer(s)
    for login in PEOPLE:
        s.state[login] = os.path.join(s.folder, login)
        subprocess.run([TOWERCTL, '-w', s.state[login], 'init'], check=True, stdout=subprocess.DEVNULL)
        with open(os.path.join(s.folder, login + '.json'), 'w', encoding='utf-8') as file:
            json.dump(ask(s, login, 'device', 'show'), file)
    ask(s, 'agent', 'device', 'trust', os.path.join(s.folder, 'admin.json'))
    for login in PEOPLE:
        ask(s, 'admin', 'server', 'enrol-device', server.owner, login, os.path.join(s.folder, login + '.json'))
    key = os.path.join(s.folder, 'log-key.json')
    with open(key, 'w', encoding='utf-8') as file:
        json.dump(ask(s, 'agent', 'audit', 'key'), file)
    ask(s, 'admin', 'server', 'set-log-key', server.owner, key)
    line = s.state['line'] = Line(server.port)
    for login in PEOPLE:
        port = line.port if login == 'logistics' else server.port
        ask(s, login, 'connect', f'postgresql://{login}@127.0.0.1:{port}/tower', '--password-file', server.password_file(login),
            '--plain-password', '--log-key', key)
    address = s.state['address'] = start_slack(s, TOKEN)
    token = os.path.join(s.folder, 'token')
    with open(os.open(token, os.O_WRONLY | os.O_CREAT, 0o600), 'w', encoding='utf-8') as file:
        file.write(TOKEN)
    ask(s, 'admin', 'channel', 'add', 'slack', 'slack', '--destination', DESTINATION, '--base-url', address, '--token-file', token,
        '--plain-token')
    credentials = s.state['credentials'] = os.path.join(s.folder, 'credentials')
    os.mkdir(credentials, 0o700)
    with open(os.open(os.path.join(credentials, 'slack'), os.O_WRONLY | os.O_CREAT, 0o600), 'w', encoding='utf-8') as file:
        file.write(f'{address} {TOKEN}')
    ask(s, 'admin', 'config', 'set', 'delivery.undo_window', '2s')
    ask(s, 'admin', 'sync', '--once')


def test_the_service_finds_a_late_order(s):
    made = ask(s, 'sales', 'distributor', 'create', '--legal-name', 'Nordwind', '--currency', 'EUR')
    ask(s, 'sales', 'order', 'create', '--distributor', made['number'], '--status', 'confirmed', '--ordered-on', '2026-01-02',
        '--required-on', '2026-02-03', '--total', '900.00')
    s.state['towerd'] = subprocess.Popen([TOWERD, '-w', s.state['agent']], stdout=subprocess.DEVNULL,
                                         env={**os.environ, 'CREDENTIALS_DIRECTORY': s.state['credentials']})
    s.at_end(s.state['towerd'].terminate)
    for login in 'logistics', 'sales':
        app = s.state['window-' + login] = s.start(s.state[login])
        app.says('In sync')
    switch_to(s, 'logistics')
    wait('the exception in the approver\'s replica', lambda: value(s, "SELECT count(*) FROM exceptions WHERE state = 'open'") == '1', 90)


def test_an_agent_drafts(s):
    app = switch_to(s, 'logistics')
    app.key('g', 'e')
    app.says(re.compile('^ORD-'), cells=True)
    assign_agent(s)


def test_offline_the_approver_approves_and_edits(s):
    app = switch_to(s, 'logistics')
    s.state['line'].cut()
    app.says(re.compile('Offline'), 90)
    approve(s, 'team-offline-approval')
    edit_notes(s, 'approved while on the train')
    app.screenshot('team-offline-pending')
    assert value(s, 'SELECT notes FROM orders') == 'approved while on the train'
    assert not sent(s), 'nothing is sent while the approval is not on the server'


def test_meanwhile_another_edits_the_same_order(s):
    switch_to(s, 'sales')
    edit_notes(s, 'the customer called')
    wait('it on the server', lambda: s.state['server'].sql('SELECT notes FROM app.orders') == 'the customer called')


def edit_notes(s, text):
    app = s.state['app']
    app.key('g', 'r')
    app.says(re.compile('^ORD-'), cells=True)
    app.key('j')
    app.says('Add a Note')
    app.key('e')
    app.point(app.find('label', 'Notes'))
    app.key('ctrl+a')
    app.type(text)
    app.key('ctrl+s')
    wait('the notes in the replica', lambda: value(s, f"SELECT count(*) FROM orders WHERE notes = '{text}'") == '1')


def test_back_online_all_of_it_settles(s):
    app = switch_to(s, 'logistics')
    s.state['line'].mend()
    wait('the approval on the server', lambda: s.state['server'].sql("SELECT state FROM app.approvals") == 'approved', 60)
    wait('one command in the tray', lambda: value(s, 'SELECT count(*) FROM attention WHERE settled_at IS NULL') == '1', 60)
    assert value(s, 'SELECT notes FROM orders') == 'the customer called', 'what is settled shows'
    app.says('1 needs attention')
    app.key('g', 'n')
    app.key('j')
    app.says('approved while on the train')
    app.says('the customer called')
    app.screenshot('team-conflict')
    wait('the post', lambda: len(sent(s)) == 1, 90)
    wait('the post in both replicas', lambda: all(s.query(s.state[login], "SELECT state FROM outbox") == ['sent']
                                                  for login in ('logistics', 'sales')), 60)


def test_mine_after_all(s):
    app = switch_to(s, 'logistics')
    app.key('m')
    wait('mine on the server', lambda: s.state['server'].sql('SELECT notes FROM app.orders') == 'approved while on the train', 60)
    app.says('In sync')
    switch_to(s, 'sales')
    wait('mine with the other', lambda: value(s, 'SELECT notes FROM orders') == 'approved while on the train', 60)


def take_back(s, why):
    app = s.state['app']
    app.key('t')
    app.says('Take the message back')
    app.type(why)
    app.key('Return')
    app.gone('label', 'Take the message back')
    app.says('Retraction asked, the service carries it out')


def slack_fails(s, mode):
    urllib.request.urlopen(urllib.request.Request(s.state['address'] + '/_fail', data=mode.encode()), timeout=10).read()


def test_asked_offline_the_service_takes_it_back(s):
    """The provider says no at first, and the person who asked reads why; then it is gone."""
    app = switch_to(s, 'logistics')
    slack_fails(s, 'not_in_channel@chat.delete:1')
    app.key('g', 'a')
    app.press_button('Clear State')
    app.says(re.compile('^APPROVAL-'), cells=True)
    app.key('j')
    app.says('Exactly this goes out')
    s.state['line'].cut()
    app.says(re.compile('Offline'), 90)
    take_back(s, 'the price is wrong')
    app.screenshot('team-retraction-asked')
    s.state['line'].mend()
    wait('why it was refused', lambda: 'not a member' in (value(s, 'SELECT problem FROM outbox') or ''), 90)
    app.find('label', 'Could not be taken back', app.find(None, 'CtDetail'))
    app.screenshot('team-retraction-refused')
    s.state['line'].cut()
    app.says(re.compile('Offline'), 90)
    take_back(s, 'the price is still wrong')
    s.state['line'].mend()
    wait('it to be taken back for both', lambda: all(s.query(s.state[login], 'SELECT state, problem FROM outbox') ==
                                                     ['retracted|the price is still wrong'] for login in ('logistics', 'sales')), 90)
    app.find('label', 'Taken back because', app.find(None, 'CtDetail'))
    app.screenshot('team-retracted')


def test_both_prove_the_log(s):
    """Each with a workspace of its own holds the same signed head, and every row against it."""
    heads = []
    for login in 'logistics', 'sales':
        ask(s, login, 'sync', '--once')
        report = ask(s, login, 'audit', 'verify', '--state')
        assert report['ok'] is True and report['size'] > 20, report
        heads.append((report['origin'], report['vkey']))
    assert heads[0] == heads[1], heads
    s.state['towerd'].terminate()
    assert s.state['towerd'].wait(30) == 0
    assert len(sent(s)) == 1, 'it went out once'
