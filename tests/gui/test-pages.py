"""Every page in light and dark, at its usual size and in the smallest window, those of a team in Russian as well:
screenshots to look at, and no complaint."""
import gettext
import os
import re

from counterparts import Central, start_keyring, towerctl
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


# What the pages of a team are looked at in: how the pictures are called, the language, the environment.
LOOKS = (('dark', 'en', {'ADW_DEBUG_COLOR_SCHEME': 'prefer-dark'}), ('ru-light', 'ru', {'LANGUAGE': 'ru'}),
         ('ru-dark', 'ru', {'LANGUAGE': 'ru', 'ADW_DEBUG_COLOR_SCHEME': 'prefer-dark'}))


def words(language):
    """The program's words in a language, by those in the source."""
    return gettext.translation('control-tower', os.environ['CT_LOCALEDIR'], [language], fallback=language == 'en').gettext


def test_a_team_with_a_conflict(s):
    s.state['app'].close()
    start_keyring(s)
    central = s.state['central'] = Central(s)
    anna, ben = (central.join(login, role) for login, role in (('anna', 'admin'), ('ben', 'sales')))
    s.state['workspace'] = os.path.join(s.folder, 'anna')
    anna('distributor', 'create', '--legal-name', 'Nordwind', '--currency', 'EUR', '--city', 'Riga')
    anna('sync', '--once')
    ben('sync', '--once')
    number = s.query(s.state['workspace'], 'SELECT number FROM distributors')[0]
    anna('distributor', 'edit', number, '--city', 'Tartu')
    ben('distributor', 'edit', number, '--city', 'Narva')
    ben('sync', '--once')
    anna('sync', '--once')
    assert s.query(s.state['workspace'], 'SELECT count(*) FROM attention WHERE settled_at IS NULL') == ['1']


def test_needs_attention_and_the_server(s):
    for look, language, environment in LOOKS:
        _ = words(language)
        app = s.start(s.state['workspace'], **environment)
        app.says(_('Needs attention'))
        app.key('g', 'n', 'j')
        app.says(_('Both values'))
        app.says('Tartu')
        app.screenshot(f'page-attention-{look}')
        app.resize(1024, 700)
        app.screenshot(f'page-attention-1024x700-{look}')
        app.key('ctrl+comma')
        app.point(app.find('label', _('Server'), app.find('frame', _('Preferences'))))
        app.says(_('This Device'))
        app.screenshot(f'page-server-{look}')
        app.close()


def test_joining_a_server(s):
    """The form, what it says is wrong, and the device that is not let in yet."""
    central = s.state['central']
    central.add_user('carla', 'Passwort von carla', 'sales')
    for look, language, environment in LOOKS:
        _ = words(language)
        app = s.start(os.path.join(s.folder, 'new-' + look), **environment)
        row = app.find('list item', re.compile(re.escape(_("Join your team's server"))))
        app.screenshot(f'page-welcome-{look}')
        app.press(row)
        app.find('frame', _('Join a Server'))
        app.key('Return')
        app.says(_('This is needed'))
        app.screenshot(f'page-connect-wrong-{look}')
        app.type(central.address('carla'))
        app.key('Tab')
        app.type('Passwort von carla')
        app.key('Return')
        app.says(_('An Administrator Has to Let This Device In'))
        app.screenshot(f'page-connect-device-{look}')
        app.key('Escape', 'Escape')  # to the form, and out of it
        app.gone('frame', _('Join a Server'))
        app.close()
