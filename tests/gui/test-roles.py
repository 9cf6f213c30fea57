"""What a person may not do is closed and says why: each page, each act, held against schema/policy.json."""
import getpass
import json
import os
import re

from counterparts import ROOT, towerctl
from driver import wait
from steps import assign_agent

PAGES = {
    'e': ('exceptions', {'Assign agent…': 'task.create', 'Owner…': 'exception.assign', 'Snooze…': 'task.snooze',
                         'Escalate…': 'task.escalate', 'Resolve…': 'task.resolve', 'Close…': 'exception.close'}),
    'a': ('approvals', {'Approve…': 'approval.approve', 'Edit and approve…': 'approval.edit', 'Ask for changes…': 'approval.ask',
                        'Reject…': 'approval.reject', 'Delegate…': 'approval.delegate'}),
    'r': ('orders', {'New Order…': 'order.create', 'Import CSV…': 'import.chunk', 'Edit': 'order.edit', 'Add a Note': 'note.add',
                     'Archive': 'order.archive'}),
    'd': ('distributors', {'New Distributor…': 'distributor.create', 'Import CSV…': 'import.chunk', 'Edit': 'distributor.edit',
                           'Add a Note': 'note.add', 'Archive': 'distributor.archive'}),
}


def may(role, command):
    with open(os.path.join(ROOT, 'schema', 'policy.json'), encoding='utf-8') as file:
        return role in json.load(file)[command]['roles']


def opened(app, names):
    """Which of the buttons take presses; a closed one says why to a screen reader."""
    answer = {}
    pattern = re.compile('(?:^| )(' + '|'.join(map(re.escape, names)) + ')$')
    for button in app.all('push button', pattern):
        name = pattern.search(button.name).group(1)  # a filter before them may have the name as well
        answer[name] = app.has(button, 'SENSITIVE')
        assert answer[name] or button.description == 'Your roles do not allow this', f'{name} says {button.description!r}'
    return answer


def visit(s, role):
    """The window as a person of the role has it."""
    app = s.state['app']
    for key, (page, acts) in PAGES.items():
        app.key('g', key)
        app.find('push button', 'Columns')
        app.key('Escape', 'j')
        wanted = {name: may(role, command) for name, command in acts.items()}
        wait(f'{page} to be as {role} may: {wanted}', lambda: opened(app, wanted) == wanted)
        app.screenshot(f'roles-{role}-{page}')


def test_an_administrator(s):
    s.state['workspace'] = os.path.join(s.folder, 'demo')
    towerctl(s, 'init', '--demo', '--trial')
    app = s.state['app'] = s.start(s.state['workspace'])
    app.says('SLA missed now')
    app.key('g', 'e')
    app.says('85 exceptions')
    assign_agent(s)
    visit(s, 'admin')


def become(s, role):
    """The window follows by itself when its person gets other roles."""
    s.state['app'].gone(None, 'What you may do here has changed')  # as said before
    towerctl(s, '--as', 'admin', 'person', 'add', getpass.getuser(), '--role', role)
    s.state['app'].says('What you may do here has changed')


def test_a_viewer_reads(s):
    become(s, 'viewer')
    visit(s, 'viewer')


def test_a_key_that_is_not_allowed_says_so(s):
    app = s.state['app']
    app.key('g', 'e')
    app.find('push button', 'Columns')
    app.key('j', 'o')
    app.says('Your roles do not allow this: Owner…')
    assert not app.all('frame', 'Owner')


def test_logistics(s):
    become(s, 'logistics')
    visit(s, 'logistics')
