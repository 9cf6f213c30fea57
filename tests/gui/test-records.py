"""Orders and Distributors: the form refuses, saves, what it saved is in the replica; the keyboard stays with the list."""
import re

from driver import NOW, wait


def test_a_distributor_is_made_by_keyboard(s):
    workspace = s.state['workspace'] = s.workspace(20)
    app = s.state['app'] = s.start(workspace, '--now', NOW)
    app.says('Exceptions')
    app.key('g', 'd')
    app.says('24 distributors')
    app.key('ctrl+n')
    app.says('New Distributor')
    app.key('ctrl+s')
    app.says('This is needed')
    app.type('Zephyr Trading')
    app.key(*['Tab'] * 8)
    app.type('1.500')
    app.key('ctrl+s')
    app.says('The currency has fewer digits after the decimal point')
    app.screenshot('distributor-limit-light')
    app.key('ctrl+a')
    app.type('1500')
    app.key('ctrl+s')
    wait('the distributor in the replica', lambda: s.query(
        workspace, "SELECT credit_limit_minor FROM distributors WHERE legal_name = 'Zephyr Trading'") == ['150000'])
    app.says('25 distributors')
    app.screenshot('distributors-light')


def test_archiving_takes_it_out_of_the_list(s):
    app = s.state['app']
    app.says('Add a Note')
    app.press_button('Archive')
    wait('the archived row', lambda: s.query(
        s.state['workspace'], "SELECT count(*) FROM distributors WHERE archived_at IS NOT NULL") == ['1'])
    app.says('24 distributors')


def archived(s):
    return int(s.query(s.state['workspace'], 'SELECT count(*) FROM distributors WHERE archived_at IS NOT NULL')[0])


def archive_current(s):
    before = archived(s)
    s.state['app'].press_button('Archive')
    wait('one more archived row', lambda: archived(s) == before + 1)


def focused(app, role):
    """What has the keyboard, where it is of the role."""
    return [node.name for node in app.all(role) if app.has(node, 'FOCUSED')]


def test_the_keyboard_goes_to_the_row_that_takes_over(s):
    app = s.state['app']
    app.key('Escape', 'j', 'j')
    row = wait('a row with the keyboard', lambda: focused(app, 'table row'))
    archive_current(s)
    app.says('23 distributors')
    other = wait('another row with the keyboard', lambda: focused(app, 'table row'))
    assert other != row
    app.find('label', other[0], app.find(None, 'CtDetail'))
    app.key('x')
    app.says('1 marked')
    app.key('Escape')


def test_a_row_that_a_search_left_in_its_place_has_a_neighbour(s):
    app = s.state['app']
    app.key('Escape', 'ctrl+f')
    app.type('Nordwind')
    app.key('Return', 'j')
    app.says('3 distributors')
    pane = app.find(None, 'CtDetail')
    first = app.find('label', re.compile('^Nordwind'), pane).name
    app.key('ctrl+f', 'End')
    app.type(' Handels')
    app.says('3 distributors')
    archive_current(s)
    app.says('2 distributors')
    app.gone('label', first)
    app.find('label', re.compile('^Nordwind'), app.find(None, 'CtDetail'))


def test_a_pane_that_is_closed_gives_the_keyboard_to_no_button(s):
    app = s.state['app']
    app.point(app.find('push button', 'Close the details', app.find(None, 'CtDetail')))
    app.gone(None, 'CtDetail')
    assert not focused(app, 'push button') and not focused(app, 'list item')
    app.key('j')
    app.find(None, 'CtDetail')
