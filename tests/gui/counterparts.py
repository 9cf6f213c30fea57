"""What a person's session has beside the program: a keyring, and a Slack-compatible server on loopback."""
import os
import subprocess
import sys

from driver import wait

ROOT = os.environ['CT_SOURCE_ROOT']
TOWERCTL = os.path.join(os.environ['CT_BUILD_ROOT'], 'src', 'cli', 'towerctl')
DESTINATION = '#wholesale-exceptions'


def towerctl(s, *arguments):
    subprocess.run([TOWERCTL, '-w', s.state['workspace'], *arguments], check=True, stdout=subprocess.DEVNULL)


def on_bus(name):
    return 'true' in subprocess.run(['gdbus', 'call', '--session', '--dest', 'org.freedesktop.DBus', '--object-path',
                                     '/org/freedesktop/DBus', '--method', 'org.freedesktop.DBus.NameHasOwner', name], check=True,
                                    capture_output=True, text=True).stdout


def start_keyring(s):
    """The real keyring on the session's bus, unlocked; state['keyring'] is its process."""
    keyring = s.state['keyring'] = subprocess.Popen(['gnome-keyring-daemon', '--unlock', '--components=secrets', '--foreground'],
                                                    stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    keyring.stdin.write(b'test')
    keyring.stdin.close()
    wait('the keyring on the bus', lambda: on_bus('org.freedesktop.secrets'))


def start_slack(s, token):
    """A server that knows one token and one channel; returns its address, state['slack'] is its process."""
    port_file = os.path.join(s.folder, 'port')
    s.state['slack'] = subprocess.Popen([sys.executable, os.path.join(ROOT, 'tests', 'http', 'slack-server.py'), '--port-file', port_file,
                                         '--token', token, '--channel', DESTINATION])
    wait('the port of the server', lambda: os.path.exists(port_file) and open(port_file, encoding='utf-8').read().strip())
    with open(port_file, encoding='utf-8') as file:
        return 'http://127.0.0.1:' + file.read().strip()
