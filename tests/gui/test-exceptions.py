"""The Exceptions page: what it shows, and everything a person does there by keyboard and pointer."""
import os
import re
import time

from driver import NOW, wait
from steps import choose

N = 120
OPEN = "SELECT count(*) FROM exceptions WHERE state = 'open'"


def rows(app):
    """The numbers of the rows that have a widget, from the top."""
    return wait('rows', lambda: [row.name for row in app.all('table row', re.compile('^EXC-'))])


def left(app, node):
    """Where an accessible begins in its window."""
    return node.queryComponent().getExtents(app.atspi.WINDOW_COORDS).x


def top(app, node):
    return node.queryComponent().getExtents(app.atspi.WINDOW_COORDS).y


def count(s, sql):
    return int(s.query(s.state['workspace'], sql)[0])


def test_opens_with_the_worst_on_top(s):
    s.state['workspace'] = s.workspace(N)
    app = s.state['app'] = s.start(s.state['workspace'], '--now', NOW)
    app.says('Overview')
    app.key('g', 'e')
    app.says(f"{count(s, OPEN)} exceptions")
    app.find('label', 'Demo')
    worst = s.query(s.state['workspace'],
                    "SELECT number FROM exceptions WHERE state = 'open' ORDER BY score DESC, n LIMIT 10")
    wait('the rows in order', lambda: rows(app)[:10] == worst)
    app.screenshot('exceptions-light')


def test_keys_move_and_mark(s):
    app = s.state['app']
    top = rows(app)[:3]
    app.key('j')
    app.says('Evidence')
    pane = app.find(None, 'CtDetail')
    app.find('label', top[0], pane)
    app.key('j')
    app.find('label', top[1], pane)
    app.key('x', 'j', 'x')
    app.says('2 marked')
    app.screenshot('exceptions-marked-light')
    app.key('Escape')
    app.gone('label', '2 marked')
    app.key('k')
    app.key('Escape')
    app.gone('label', 'Evidence')


def test_check_boxes_mark(s):
    app = s.state['app']
    first, _, third = app.all('check box', re.compile('^Mark EXC'), most=3)
    app.point(first)
    app.point(third)
    app.says('2 marked')
    app.press_button('Clear the marks')
    app.gone('label', '2 marked')


def test_header_sorts(s):
    app = s.state['app']
    largest = s.query(s.state['workspace'], "SELECT number FROM exceptions WHERE state = 'open' ORDER BY "
                                            "value_at_risk_minor DESC, n LIMIT 5")
    app.point(app.find('label', 'Value at risk'))
    wait('the largest value on top', lambda: rows(app)[:5] == largest)
    app.point(app.find('label', 'Value at risk'))
    smallest = s.query(s.state['workspace'], "SELECT number FROM exceptions WHERE state = 'open' ORDER BY "
                                             "value_at_risk_minor, n DESC LIMIT 5")
    wait('the smallest value on top', lambda: rows(app)[:5] == smallest)


def test_filters_narrow(s):
    app = s.state['app']
    app.press_button('Owner')
    box = app.find('check box', 'Legal')
    app.screenshot('exceptions-filter-light')
    app.press(box)
    app.key('Escape')
    legal = count(s, OPEN + " AND owner = 'legal'")
    app.says(f'{legal} exceptions')
    app.find('push button', 'Owner: Legal')
    app.press_button('Clear Owner')
    app.says(f'{count(s, OPEN)} exceptions')


def test_search_finds(s):
    app = s.state['app']
    app.key('ctrl+f')
    app.type('EXC-2026-0042')
    wait('one row', lambda: rows(app) == ['EXC-2026-0042'])
    app.key('ctrl+a', 'BackSpace')
    app.type('no such thing')
    app.says('Nothing matches')
    app.screenshot('exceptions-nothing-light')
    app.press_button('Clear search and filters')
    app.says(f'{count(s, OPEN)} exceptions')


def test_the_search_lets_go_of_the_keyboard(s):
    app = s.state['app']
    app.key('ctrl+f')
    app.type('EXC-2026-0042')
    app.says('1 exception')
    app.key('Escape')
    app.says(f'{count(s, OPEN)} exceptions')
    app.key('Escape', 'j', 'k')
    app.says('Evidence')
    app.key('Escape')
    app.gone('label', 'Evidence')
    app.key('ctrl+f', 'Down', 'j', 'k')
    app.says('Evidence')
    app.key('Escape')
    app.gone('label', 'Evidence')
    app.key('ctrl+f')
    app.type('EXC-2026-0042')
    app.key('Return')
    wait('one row', lambda: rows(app) == ['EXC-2026-0042'])
    app.key('j')
    app.says('Evidence')
    app.find('label', '1 exception')
    app.key('Escape', 'ctrl+f', 'Escape', 'Escape')
    app.says(f'{count(s, OPEN)} exceptions')


def test_a_card_opens_its_list(s):
    """The number of the card is that of the list, the filter is seen, the worst stand on top; so they do when cleared."""
    app = s.state['app']
    worst = s.query(s.state['workspace'],
                    "SELECT number FROM exceptions WHERE state = 'open' ORDER BY score DESC, n LIMIT 10")
    app.key('g', 'o')
    number = app.find('push button', re.compile('^New exceptions in 24 hours: ')).name.split(': ')[1]
    app.press(app.find('push button', re.compile('^New exceptions in 24 hours: ')))
    app.says(f'{number} exceptions')
    chip, other = app.find('push button', 'Work: New in 24 hours'), app.find('push button', 'Owner')
    wait('the filter before those not set', lambda: left(app, chip) < left(app, other))
    app.screenshot('exceptions-from-card-light')
    app.key('g', 'o')
    app.press(app.find('push button', 'SLA missed now: 0'))
    app.says('Nothing matches')
    app.press_button('Clear search and filters')
    app.says(f'{count(s, OPEN)} exceptions')
    wait('the worst on top', lambda: rows(app)[:10] == worst)


def choose_view(app, name):
    """From the menu, which takes a press only once it has opened, and another one only when it has closed."""
    last = 'Cleared and closed'     # whatever else there is, its button is in the menu alone
    app.press_button('Views')
    app.find('push button', last)
    time.sleep(0.3)
    app.press_button(name)
    app.gone('push button', last)


def test_built_in_view(s):
    app = s.state['app']
    choose_view(app, 'Critical')
    app.says(f"{count(s, OPEN + ' AND severity = ' + chr(39) + 'critical' + chr(39))} exceptions")
    choose_view(app, 'All open, worst first')
    app.says(f'{count(s, OPEN)} exceptions')


def test_columns_are_chosen(s):
    app = s.state['app']
    app.press_button('Columns')
    app.press(app.find('check box', 'Country'))
    app.key('Escape')
    app.gone('check box', 'Country')
    app.find('label', 'Country', start=app.find('tree table'))


def test_assign_an_owner_to_several(s):
    app = s.state['app']
    chosen = rows(app)[:3]
    for box in app.all('check box', re.compile('^Mark EXC'), most=3):
        app.point(box)
    app.says('3 marked')
    app.press_button('Owner…')
    choice = app.find(re.compile('radio button|check box'), 'Partner Success')
    app.screenshot('exceptions-assign-owner-light')
    app.press(choice)
    app.press_button('Assign')
    app.says('3 exceptions have a new owner')
    names = ', '.join(f"'{name}'" for name in chosen)
    assert count(s, f"SELECT count(*) FROM exceptions WHERE owner = 'partner' AND number IN ({names})") == 3
    app.gone('label', '3 marked')


def test_assign_an_agent_and_undo(s):
    app = s.state['app']
    app.key('j')
    app.says('Evidence')
    app.key('o')
    app.find(re.compile('radio button|check box'), 'Legal')
    app.press_button('Assign')
    before = count(s, 'SELECT count(*) FROM undone')
    app.press(app.find('push button', re.compile('Undo$')))  # at once: it does not stay
    wait('the undo', lambda: count(s, 'SELECT count(*) FROM undone') == before + 1)
    app.says('Undone: Exception given to another team')
    app.key('a')
    app.says('Assign an agent')
    app.screenshot('exceptions-assign-agent-light')
    app.press_button('Assign')
    wait('the task', lambda: count(s, 'SELECT count(*) FROM follow_up_tasks') == 1)  # its toast goes by itself
    app.says(re.compile('^FOLLOW-2026-'))
    app.screenshot('exceptions-task-light')


def test_enter_answers_with_the_choice_in_focus(s):
    app = s.state['app']
    app.key('j')
    owner = app.find('list item', re.compile('^Owner: ')).name[len('Owner: '):]
    app.key('o')
    row = app.find('list item', 'Legal')
    dialog = app.find('dialog')
    assert app.all('list item', start=dialog)[0].name == owner, 'the owner is chosen at first'
    for _ in range(20):
        if app.has(row, 'FOCUSED'):
            break
        app.key('Tab')
    else:
        raise AssertionError('the keyboard does not come to a row')
    before = count(s, "SELECT count(*) FROM exceptions WHERE owner = 'legal'")
    app.screenshot('exceptions-owner-focus-light')
    app.key('Return')
    wait('the new owner', lambda: count(s, "SELECT count(*) FROM exceptions WHERE owner = 'legal'") == before + 1)
    app.key('Escape')


def test_the_timeline_shows_what_is_new_on_top(s):
    app = s.state['app']
    app.gone('dialog')
    app.key('ctrl+a')
    app.says(f'{count(s, OPEN)} marked')
    app.key('o')
    app.find('list item', 'Legal')
    wait('the keyboard in the dialog', lambda: any(app.has(node, 'FOCUSED') for node in app.all(start=app.find('dialog'))))
    app.key('Return')
    wait('all of one owner', lambda: len(s.query(s.state['workspace'], "SELECT DISTINCT owner FROM exceptions "
                                                 "WHERE state = 'open'")) == 1, 60)
    app.key('Escape', 'g', 't')
    events = count(s, 'SELECT count(*) FROM audit_logs')
    app.says(f'{events} events')
    wait('rows', lambda: app.all('table row'))
    place = top(app, app.find('label', 'Role'))
    app.key('ctrl+z')
    app.says(f'{events + 1} events')
    wait('the new row below the headers', lambda: 0 < top(app, app.find('table row', re.compile('undo'))) - place < 40)
    app.screenshot('timeline-new-light')
    app.key('g', 'e')


def test_report_names_what_could_not_be_done(s):
    app = s.state['app']
    with_task = s.query(s.state['workspace'], "SELECT e.number FROM exceptions e JOIN follow_up_tasks t ON "
                                              't.exception_id = e.id')[0]
    without = next(name for name in rows(app) if name != with_task)
    app.point(app.find('check box', f'Mark {with_task}'))
    app.point(app.find('check box', f'Mark {without}'))
    app.key('s')
    app.says('Snooze the follow-up')
    app.press_button('Snooze')
    app.says('1 of 2 could not be done')
    app.says(f'{without}: it has no follow-up task yet')
    app.screenshot('exceptions-report-light')
    app.press_button('Close', app.find('dialog'))
    app.gone('label', '1 of 2 could not be done')
    assert count(s, "SELECT count(*) FROM follow_up_tasks WHERE status = 'snoozed'") == 1


def test_palette_finds_a_record(s):
    app = s.state['app']
    app.key('ctrl+k')
    app.find('list item', 'Go to Exceptions')
    app.screenshot('palette-light')
    app.type('0077')
    app.find('list item', re.compile('EXC-2026-0077'))
    app.key('Return')
    app.says(re.compile('^EXC-2026-0077$'))


def test_palette_stops_sending_or_says_that_it_found_nothing(s):
    app = s.state['app']
    app.key('ctrl+k')
    app.type('stop')
    app.find('list item', 'Stop all sending')
    app.type('ped clock')
    app.says('Nothing found')
    app.screenshot('palette-nothing-light')
    app.key('Escape')


def test_escape_closes_the_import(s):
    app = s.state['app']
    app.key('g', 'r')
    app.press(app.find('push button', re.compile('Import CSV…')))
    app.find(None, 'Import CSV Files')
    app.screenshot('import-light')
    app.key('Escape')
    app.gone(None, 'Import CSV Files')
    app.key('g', 'e')


def test_shortcuts(s):
    app = s.state['app']
    assert not app.faults()
    app.key('question')
    app.says('Mark the row')
    app.screenshot('shortcuts-light')
    app.key('Escape')
    app.gone('label', 'Mark the row')
    # GTK 4.8 measures the labels of its own shortcuts window so; nothing of ours is in it but words
    app.forgive(r'GtkLabel .* reported min width -\d+, but sizes must be >= 0')


def test_small_window(s):
    app = s.state['app']
    app.resize(1024, 700)
    app.screenshot('exceptions-1024x700-light')
    app.key('Escape')
    app.screenshot('exceptions-1024x700-list-light')
    app.resize(1180, 760)


def test_dark(s):
    app = s.state['app']
    choose(s, 'Dark style')
    app.key('j')
    app.says('Evidence')
    app.screenshot('exceptions-dark')


def test_folder_without_a_workspace(s):
    s.state['app'].close()
    empty = os.path.join(s.folder, 'no-workspace')
    os.mkdir(empty)
    app = s.start(empty)
    app.says(re.compile('demo', re.I))
    app.screenshot('first-run-light')
    app.point(app.find('label', 'Import my CSV files'))
    app.find(None, 'Folder with CSV Files')
    app.key('Escape')
    app.gone(None, 'Folder with CSV Files')
    app.find('label', 'Try with demo data')
    assert not os.listdir(empty), 'who cancels has no workspace'

