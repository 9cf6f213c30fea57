"""Closing the window while the workers are busy: it goes at once, and the program stays responsive until they end."""
import os
import sqlite3
import subprocess
import time

from driver import wait

TOWERCTL = os.path.join(os.environ['CT_BUILD_ROOT'], 'src', 'cli', 'towerctl')
MARK = "INSERT OR IGNORE INTO dirty SELECT 'order', id FROM orders"


def test_it_does_not_wait_for_the_workers(s):
    workspace = os.path.join(s.folder, 'demo')
    subprocess.run([TOWERCTL, '-w', workspace, 'init', '--demo'], check=True, stdout=subprocess.DEVNULL)
    app = s.start(workspace)
    app.says('SLA missed now')
    other = sqlite3.connect(os.path.join(workspace, 'replica.db'), isolation_level=None)
    other.execute(MARK)
    other.execute('BEGIN IMMEDIATE')  # the rules, which look at what is marked, wait for this writer
    time.sleep(2.5)  # the workers look once a second
    app.key('ctrl+q')
    wait('the window to go', lambda: not app.windows(), 5)
    app.root.clearCache()
    assert app.root.getRoleName() == 'application' and app.root.childCount >= 0, 'the main thread answers'
    time.sleep(1)
    assert app.process.poll() is None, 'the workers were not busy: this test shows nothing'
    other.execute('ROLLBACK')
    other.close()
    wait('the end of the program', lambda: app.process.poll() is not None, 30)
