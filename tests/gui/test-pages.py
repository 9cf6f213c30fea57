"""Every page in light and dark, at its usual size and in the smallest window: screenshots to look at, and no complaint."""
import os
import re

from counterparts import towerctl
from steps import assign_agent, choose

PAGES = (('o', 'overview', 'SLA missed now'), ('e', 'exceptions', '85 exceptions'), ('a', 'approvals', '1 approval'),
         ('r', 'orders', '153 orders'), ('d', 'distributors', re.compile('^[0-9]+ distributors')), ('t', 'timeline', 'Verify Now'))


def visit(s, suffix):
    app = s.state['app']
    for key, name, words in PAGES:
        app.key('g', key)
        app.says(words)
        if name != 'overview':
            app.key('Escape', 'j')  # with the first row's pane
        app.screenshot(f'page-{name}-{suffix}')


def test_a_demo_with_a_draft(s):
    s.state['workspace'] = os.path.join(s.folder, 'demo')
    towerctl(s, 'init', '--demo')
    app = s.state['app'] = s.start(s.state['workspace'])
    app.says('SLA missed now')
    app.key('g', 'e')
    app.says('85 exceptions')
    assign_agent(s)


def test_light(s):
    choose(s, 'Light style')
    visit(s, 'light')


def test_dark(s):
    choose(s, 'Dark style')
    visit(s, 'dark')


def test_small_window(s):
    s.state['app'].resize(1024, 700)
    visit(s, '1024x700-dark')
    choose(s, 'Light style')
    visit(s, '1024x700-light')
