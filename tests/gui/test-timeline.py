"""The Timeline's proof: what towerctl finds wrong, the window finds wrong."""
import os
import re
import shutil
import sqlite3
import subprocess
import time

TOWERCTL = os.path.join(os.environ['CT_BUILD_ROOT'], 'src', 'cli', 'towerctl')


def towerctl(s, *arguments):
    subprocess.run([TOWERCTL, '-w', s.state['workspace'], *arguments], check=True, stdout=subprocess.DEVNULL)


def verify(s):
    app = s.start(s.state['workspace'])
    app.says('SLA missed now')
    app.key('g', 't')
    app.says(re.compile(r'^\d+ events$'))
    app.press_button('Verify Now')
    return app


def test_a_whole_log_is_called_whole(s):
    s.state['workspace'] = os.path.join(s.folder, 'demo')
    towerctl(s, 'init', '--demo')
    app = verify(s)
    app.says('The log is whole')
    app.screenshot('timeline-verified-light')
    app.close()


def test_a_log_that_was_cut_off_is_not(s):
    replica = os.path.join(s.state['workspace'], 'replica.db')
    base = sqlite3.connect(replica)
    base.execute('PRAGMA wal_checkpoint(TRUNCATE)')
    base.close()
    shutil.copy(replica, replica + '.old')
    towerctl(s, 'distributor', 'create', '--name', 'Forgotten', '--currency', 'EUR')
    for suffix in ('-wal', '-shm'):
        if os.path.exists(replica + suffix):
            os.remove(replica + suffix)
    os.rename(replica + '.old', replica)
    app = s.state['app'] = verify(s)
    app.says('The log cannot be proven')
    app.screenshot('timeline-not-proven-light')


def test_what_the_workers_cannot_do_is_said_once(s):
    app = s.state['app']
    app.press_button('Close')
    towerctl(s, 'distributor', 'create', '--name', 'Another history', '--currency', 'EUR')
    refused = re.compile('The log does not continue the one remembered')
    app.says(refused)
    app.gone(name=refused)
    time.sleep(3)  # the workers try again every second
    assert not app.all(name=refused), 'said again'
