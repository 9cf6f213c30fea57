"""Orders and Distributors: the form refuses, saves, and what it saved is in the replica."""
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
    app.key('ctrl+s')
    wait('the distributor in the replica', lambda: s.query(
        workspace, "SELECT legal_name FROM distributors WHERE legal_name = 'Zephyr Trading'") == ['Zephyr Trading'])
    app.says('25 distributors')
    app.screenshot('distributors-light')


def test_archiving_takes_it_out_of_the_list(s):
    app = s.state['app']
    app.says('Add a Note')
    app.press_button('Archive')
    wait('the archived row', lambda: s.query(
        s.state['workspace'], "SELECT count(*) FROM distributors WHERE archived_at IS NOT NULL") == ['1'])
    app.says('24 distributors')
