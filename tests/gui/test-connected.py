"""A workspace in a team: joining the server, the state in the header, offline, what needs attention, leaving."""
import os

from counterparts import Central, TOWERCTL, towerctl
from driver import wait

PASSWORD = 'Passwort von anna'


def test_header(s):
    central = s.state['central'] = Central(s)
    central.add_user('anna', PASSWORD, 'admin')
    s.state['workspace'] = os.path.join(s.folder, 'workspace')
    towerctl(s, 'init')
    app = s.state['app'] = s.start(s.state['workspace'])
    app.says('Saved locally')
    app.screenshot('connected-local')
    app.key('ctrl+q')
    app.process.wait(30)
    central.enrol(s.state['workspace'], 'anna')
    towerctl(s, 'connect', central.address('anna'), '--password-file', central.secret(PASSWORD), '--plain-password')
    app = s.state['app'] = s.start(s.state['workspace'])
    app.says('In sync')
    app.press_button('In sync')
    app.says('Last in sync')
    app.screenshot('connected-popover')
    app.key('Escape')
    central.reachable(False)
    app.press_button('In sync')
    app.press_button('Sync Now')
    app.says('Offline, changes are kept')
    app.screenshot('connected-offline')
    app.key('Escape')
    app.resize(1024, 700)
    app.screenshot('connected-offline-1024')
    central.reachable(True)
    app.says('In sync')
