"""What a person may not do is closed and says why: each page, each act, held against schema/policy.json."""
import getpass
import json
import os
import re
import time

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
        app.says(re.compile(rf'^\d+ {page[:-1]}s?$'))     # under the title: this page, and its list has come
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


def files(s, name, **texts):
    """A folder with CSV files of our own form."""
    folder = os.path.join(s.folder, name)
    os.mkdir(folder)
    for table, text in texts.items():
        with open(os.path.join(folder, f'{table}.csv'), 'w', encoding='utf-8') as file:
            file.write(text)
    return folder


def check(app, folder):
    """What the import dialog has to say of a folder before anything is written."""
    app.point(app.find('label', 'Choose a Folder…'))
    app.find(None, 'Folder with CSV Files')
    app.key('slash')
    app.type(folder[1:])
    app.key('Return')
    app.says('What would be read')
    app.press_button('Check')


def test_an_import_is_refused_by_role(s):
    app = s.state['app']
    app.key('g', 'r')
    app.find('push button', 'Columns')
    app.press_button('Import CSV…')
    app.find('frame', 'Import CSV Files')
    check(app, files(s, 'bills', invoices='number,order,distributor,currency,amount\nINV-1,ORD-2026-1000,DIST-0001,EUR,1\n'))
    app.says(f'"{getpass.getuser()}" may not import invoices (invoices.csv); leave this out, or ask an administrator for the role')
    app.screenshot('import-refused-by-role')


def test_an_import_moves_no_shipment(s):
    app = s.state['app']
    number, home, other = s.query(s.state['workspace'], "SELECT s.number || ' ' || o.number || ' ' || (SELECT max(number) FROM orders WHERE id <> o.id)"
                                  ' FROM shipments s JOIN orders o ON o.id = s.order_id LIMIT 1')[0].split()
    carriers = 'SELECT carrier FROM shipments WHERE number = ' + repr(number)
    app.press_button('Close')
    check(app, files(s, 'trucks', shipments=f'number,order,carrier\n{number},{other},Ungefähr\n'))
    app.says('shipments.csv, line 2, order')
    app.says(f'This shipment belongs to the order "{home}", and no import moves it to another')
    app.screenshot('import-moves-nothing')
    app.press_button('Import')
    app.says(re.compile('^Imported'))
    app.says('shipments.csv, line 2, order')
    assert s.query(s.state['workspace'], carriers) != ['Ungefähr']


def test_who_is_away_says_so(s):
    """Preferences, People: an absence with who stands in is entered, shown and ended; limits are an administrator's."""
    app = s.state['app']
    ours = "FROM delegations d JOIN people p ON p.id = d.person_id JOIN people o ON o.id = d.delegate_id WHERE p.login = '" + getpass.getuser() + "'"
    name = s.query(s.state['workspace'], "SELECT iif(name = '', login, name) FROM people WHERE login = 'accounting'")[0]
    app.press_button('Close')
    app.gone('frame', 'Import CSV Files')
    app.key('ctrl+comma')
    app.find('frame', 'Preferences')
    app.point(app.find('label', 'People'))
    app.says('Everybody is here, and nobody has plans.')
    app.point(app.find('label', 'Last day, such as 2026-06-18'))
    app.type('2099-06-18')
    app.press_button('Enter')
    app.says('This cannot be saved')  # longer than anybody plans
    app.press_button('Close')
    app.point(app.find('label', 'Last day, such as 2026-06-18'))
    app.key('ctrl+a')
    app.type(time.strftime('%Y-%m-%d', time.gmtime(time.time() + 5 * 86400)))
    app.point(app.find('combo box', 'Who stands in'))
    app.point(app.find('label', name, app.find(None, 'GtkPopover')))
    # who is chosen stays so while people change, and when something cannot be saved
    towerctl(s, '--as', 'admin', 'person', 'add', 'berta', '--role', 'sales')
    app.says('berta')
    app.point(app.find('label', 'Last day, such as 2026-06-18'))
    app.key('ctrl+a')
    app.type('2099-06-18')
    app.press_button('Enter')
    app.says('This cannot be saved')
    app.press_button('Close')
    app.point(app.find('label', 'Last day, such as 2026-06-18'))
    app.key('ctrl+a')
    app.type(time.strftime('%Y-%m-%d', time.gmtime(time.time() + 5 * 86400)))
    app.press_button('Enter')
    app.says(f'; {name} approves meanwhile')
    app.screenshot('preferences-people-light')
    assert s.query(s.state['workspace'], f"SELECT o.login || ' ' || (d.ends_at > d.starts_at + 4 * 86400000) {ours}") == ['accounting 1']
    assert not any(app.has(button, 'SENSITIVE') for button in app.all('push button', re.compile('^Limit of')))
    app.press_button('End the absence of ' + s.query(s.state['workspace'], "SELECT iif(name = '', login, name) FROM people WHERE login = '"
                                                     + getpass.getuser() + "'")[0])
    app.says('Everybody is here, and nobody has plans.')
    assert s.query(s.state['workspace'], f"SELECT count(*) {ours} AND d.ends_at > strftime('%s', 'now') * 1000 + 1000") == ['0']
    app.key('ctrl+w')
    app.gone('frame', 'Preferences')
