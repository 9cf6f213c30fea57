"""The Timeline's proof: what towerctl finds wrong, the window finds wrong."""
import os
import re
import shutil
import sqlite3
import subprocess

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
    app = verify(s)
    app.says('The log cannot be proven')
    app.screenshot('timeline-not-proven-light')
