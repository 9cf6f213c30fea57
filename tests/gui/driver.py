#!/usr/bin/python3
"""Drives the desktop program in a real window, as a person with a screen reader would.

driver.py TEST PROGRAM MAKE_WORKSPACE SCREENSHOTS

TEST is a Python file whose functions test_* run in the order of the file (or none, where its SKIP says why) and share
what they keep in `state`; each gets this module's `Session`. Every test has an X server with a window manager, a session
bus, an accessibility bus and a home of its own. Results go to stdout as TAP. A warning or critical of GTK or GLib on
stderr fails the run.
"""
import importlib.util
import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

# The time at which tests/gui/gui-workspace.h makes its rows meaningful.
NOW = '2026-06-01T09:00:00Z'
PATIENCE = 20
# Under ./dev sanitize everything may take longer.
SLOWER = int(os.environ.get('CT_TEST_SLOWER', '1'))
# What GTK says on machines without a compositor, a portal or a GPU is no fault of ours.
HARMLESS = re.compile(r'(Unable to acquire session bus|dbus-daemon\[|Vulkan|libEGL|MESA|failed to commit changes to dconf'
                      r'|Failed to (?:load|create) .*portal|AT-SPI: Could not obtain desktop path)')
# Two clicks in less are one double click.
DOUBLE_CLICK = 0.5
# What stands in the cells of a list.
IN_CELLS = ('label', 'check box', 'image')
FAULT = re.compile(r'(-WARNING|-CRITICAL|-ERROR|ERROR \*\*|runtime error:|AddressSanitizer|LeakSanitizer)')


class Failure(AssertionError):
    """What was expected did not happen."""


def wait(what, check, patience=PATIENCE):
    """The first true answer of check(), or a Failure that names what was waited for."""
    until = time.monotonic() + patience * SLOWER
    while True:
        try:
            answer = check()
        except Exception as error:  # an accessible that went away while it was looked at
            answer, last = None, error
        else:
            last = None
        if answer:
            return answer
        if time.monotonic() > until:
            raise Failure(f'waited {patience * SLOWER} s for {what}' + (f' ({last})' if last else ''))
        time.sleep(0.05)


class App:
    """The running program."""

    def __init__(self, session, workspace, arguments=(), environment=None):
        import pyatspi
        self.atspi = pyatspi
        self.session = session
        self.forgiven = set()
        self.pointed = None
        self.log = open(os.path.join(session.folder, f'stderr-{len(session.apps)}'), 'w+', encoding='utf-8')
        command = [session.program, *(['-w', workspace] if workspace else []), *arguments]
        self.process = subprocess.Popen(command, stderr=self.log, env={**os.environ, **(environment or {})})
        session.apps.append(self)
        self.root = wait('the program on the accessibility bus', self._find_root)

    def _find_root(self):
        if self.process.poll() is not None:
            raise Failure(f'the program ended with status {self.process.returncode}')
        desktop = self.atspi.Registry.getDesktop(0)
        for index in range(desktop.childCount):
            child = desktop.getChildAtIndex(index)
            if child and child.get_process_id() == self.process.pid:
                return child
        return None

    # --- looking -------------------------------------------------------------------------------------------------

    @staticmethod
    def children(node):
        """GTK tells of those alone that are to be seen."""
        return [child for child in map(node.getChildAtIndex, range(node.childCount)) if child is not None]

    def walk(self, start=None, cells=True):
        """Every accessible below start with its name; the rows of a list last, they are many, and what is in their cells only
        where it is asked for."""
        stack, rows = [(start or self.root, True)], []
        while stack or rows:
            node, enter = stack.pop() if stack else rows.pop()
            try:
                name = node.name or ''
                yield node, name
                children = self.children(node) if enter else []
            except Exception:  # gone since
                continue
            if name == 'GtkColumnListView':
                rows.extend((child, cells) for child in reversed(children))
            else:
                stack.extend((child, True) for child in reversed(children))

    def matching(self, role=None, name=None, start=None, cells=None):
        """Accessibles of a role with a name; both may be a text or a compiled pattern. Each question is a call to the program, so
        that no more is asked than matters."""
        def agrees(wanted, text):
            return wanted is None or (wanted.search(text) if hasattr(wanted, 'search') else text == wanted)

        if cells is None:
            cells = any(agrees(role, one) for one in IN_CELLS)
        for node, its_name in self.walk(start, cells):
            try:
                if agrees(name, its_name) and (role is None or agrees(role, node.getRoleName())):
                    yield node
            except Exception:  # gone since
                continue

    def all(self, role=None, name=None, start=None, most=None):
        return list(itertools.islice(self.matching(role, name, start), most))

    def find(self, role=None, name=None, start=None, patience=PATIENCE):
        what = f'{getattr(role, "pattern", role) or "anything"} named {getattr(name, "pattern", name)!r}'
        return wait(what, lambda: next(self.matching(role, name, start), None), patience)

    def gone(self, role=None, name=None, start=None):
        """Waits until it is nowhere but in the cells of a list."""
        what = f'{role or "anything"} named {getattr(name, "pattern", name)!r} to be gone'
        wait(what, lambda: next(self.matching(role, name, start, cells=False), None) is None)

    def has(self, node, state):
        return node.getState().contains(getattr(self.atspi, 'STATE_' + state))

    def says(self, text, patience=PATIENCE, cells=False):
        """Waits until anything on the screen says the text; a cell of a list only where cells are asked for: they are many."""
        pattern = text if hasattr(text, 'search') else re.compile(re.escape(text))
        return wait(f'the words {pattern.pattern!r}', lambda: next(self.matching(None, pattern, cells=cells), None), patience)

    def tree(self, start=None, depth=0):
        """The tree as text, for a failure's message."""
        lines = []
        stack = [(start or self.root, 0)]
        while stack and len(lines) < 160:
            node, depth = stack.pop()
            try:
                lines.append('  ' * depth + f'{node.getRoleName()} {node.name!r}')
                children = self.children(node)
            except Exception:
                continue
            stack.extend((child, depth + 1) for child in reversed(children))
        return '\n'.join(lines)

    # --- acting --------------------------------------------------------------------------------------------------

    def windows(self):
        """The program's windows, the topmost last: (id, x, y, width, height)."""
        out = subprocess.run(['xdotool', 'search', '--onlyvisible', '--pid', str(self.process.pid)],
                             capture_output=True, text=True).stdout.split()
        found = []
        for window in out:
            shell = subprocess.run(['xdotool', 'getwindowgeometry', '--shell', window], capture_output=True,
                                   text=True).stdout
            values = dict(line.split('=') for line in shell.splitlines() if '=' in line)
            if values:
                found.append((int(window), *(int(values[key]) for key in ('X', 'Y', 'WIDTH', 'HEIGHT'))))
        return found

    def place(self, node):
        """Where the middle of an accessible is on the screen.

        GTK 4 gives places relative to the window, and for a popover those before it was moved to stay on the screen; the
        X window of a popover has just its size, that of a window has the shadow as well."""
        coordinates = self.atspi.WINDOW_COORDS
        box = node.queryComponent().getExtents(coordinates)
        middle = box.x + box.width // 2, box.y + box.height // 2
        while node.name != 'GtkPopover' and node.parent.getRoleName() != 'application':
            node = node.parent
        surface = node.queryComponent().getExtents(coordinates)
        # where one just closes xdotool finds none at all
        _, x, y, width, height = min(wait('a window of the program', self.windows), key=lambda w: abs(w[3] - surface.width))
        if node.name == 'GtkPopover':
            return x - surface.x + middle[0], y - surface.y + middle[1]
        left, above = max(width - surface.width, 0) // 2, max(height - surface.height, 0) // 2
        return x + left + middle[0], y + above + middle[1]

    def point(self, node):
        x, y = self.place(node)
        if self.pointed == (x, y):
            time.sleep(DOUBLE_CLICK)
        self.pointed = x, y
        # with --sync it would wait for the pointer to move, for seconds where it is there already
        self.input('mousemove', str(x), str(y), 'click', '1')

    def press(self, node):
        """Presses a button by its accessible action; by the pointer where it has none, as a check box."""
        try:
            action = node.queryAction()
            if action.nActions > 0 and action.doAction(0):
                self.settle()
                return
        except NotImplementedError:
            pass
        self.point(node)

    def press_button(self, name, start=None):
        """The innermost button of the name: a menu button is one inside another; a dialog's is named "_Close Close"."""
        name = re.compile(r'(^|\s)' + re.escape(name) + '$')
        # a dialog has its buttons twice, for a narrow and for a wide window; those not in use have no size
        self.press(wait(f'a button {name.pattern!r}', lambda: [
            button for button in self.all('push button', name, start)
            if button.queryComponent().getExtents(self.atspi.WINDOW_COORDS).width > 0])[-1])

    def activate(self):
        """Brings the program before the others."""
        self.input('windowactivate', str(max(self.windows(), key=lambda w: w[3] * w[4])[0]))
        wait('the keyboard in the program', self.is_active)

    def is_active(self):
        """Whether one of its windows has the keyboard: where a dialog is open it is the dialog."""
        active = subprocess.run(['xdotool', 'getactivewindow'], capture_output=True, text=True).stdout.strip()
        return active in [str(window[0]) for window in self.windows()]

    def resize(self, width, height):
        """The main window in another size."""
        window = max(self.windows(), key=lambda w: w[3] * w[4])[0]
        subprocess.run(['xdotool', 'windowsize', '--sync', str(window), str(width), str(height)], check=True)
        time.sleep(0.5)

    def settle(self):
        """Lets the program answer to what it was given: it comes to the bus only after its input, and to what that led to only
        in a later turn."""
        for _ in range(2):
            time.sleep(0.02)
            try:
                self.root.getRoleName()
            except Exception:  # it has ended
                return

    def input(self, *arguments):
        subprocess.run(['xdotool', *arguments], check=True)
        self.settle()

    def key(self, *keys):
        for one in keys:
            self.input('key', '--clearmodifiers', one)

    def type(self, text):
        self.input('type', '--delay', '8', text)

    def screenshot(self, name):
        """Everything on the screen into SCREENSHOTS/name.png."""
        self.settle()
        time.sleep(0.15)  # a frame or two
        path = os.path.join(self.session.screenshots, name + '.png')
        subprocess.run(['import', '-window', 'root', path], check=True)
        return path

    # --- end -----------------------------------------------------------------------------------------------------

    def faults(self):
        self.log.flush()
        self.log.seek(0)
        lines = [line.rstrip() for line in self.log if FAULT.search(line) and not HARMLESS.search(line)]
        return [line for line in lines if line not in self.forgiven]

    def forgive(self, pattern):
        """What the program complained of until now is known, where it agrees with the pattern."""
        self.forgiven.update(line for line in self.faults() if re.search(pattern, line))

    def close(self):
        """Quits as a person does, and says what the program complained of."""
        if self.process.poll() is None:
            self.activate()
            self.key('Escape', 'ctrl+q')  # out of a dialog first
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise Failure('Ctrl+Q did not end the program') from None
        if self.process.returncode != 0:
            self.log.seek(0)
            raise Failure(f'the program ended with status {self.process.returncode}:\n{self.log.read()[-3000:]}')
        faults = self.faults()
        if faults:
            raise Failure('on stderr:\n' + '\n'.join(faults[:20]))


class Session:
    """What a test file gets: folders, programs, and what the tests keep between them."""

    def __init__(self, name, program, make_workspace, screenshots, folder):
        self.program, self.make, self.screenshots, self.folder = program, make_workspace, screenshots, folder
        self.name = name
        self.apps = []
        self.state = {}
        self.last = []

    def at_end(self, function):
        """What is to be done when the tests are over, however they ended; the last first."""
        self.last.append(function)

    def workspace(self, exceptions):
        folder = os.path.join(self.folder, f'workspace-{exceptions}-{len(os.listdir(self.folder))}')
        subprocess.run([self.make, folder, str(exceptions)], check=True)
        return folder

    def start(self, workspace, *arguments, **environment):
        return App(self, workspace, arguments, environment)

    def query(self, workspace, sql):
        """Rows of a workspace's replica, read by the sqlite3 tool beside the program."""
        out = subprocess.run(['sqlite3', '-readonly', os.path.join(workspace, 'replica.db'), sql], check=True,
                             capture_output=True, text=True).stdout
        return out.splitlines()


def run(test, session):
    spec = importlib.util.spec_from_file_location('test', test)
    module = importlib.util.module_from_spec(spec)
    sys.modules['driver'] = sys.modules[__name__]
    spec.loader.exec_module(module)
    if getattr(module, 'SKIP', None):
        print(f'1..0 # SKIP {module.SKIP}', flush=True)
        return 0
    tests = [value for name, value in vars(module).items() if name.startswith('test_')]
    print(f'1..{len(tests) + 1}', flush=True)
    failed = False
    for number, function in enumerate(tests, 1):
        name = function.__name__[5:].replace('_', ' ')
        if failed:
            print(f'not ok {number} - {name}: not reached', flush=True)
            continue
        try:
            function(session)
            for app in session.apps:
                if app.faults():
                    raise Failure('on stderr:\n' + '\n'.join(app.faults()[:20]))
            print(f'ok {number} - {name}', flush=True)
        except Exception as error:
            failed = True
            print(f'not ok {number} - {name}', flush=True)
            report(session, error)
    problems = []
    for end in [*(app.close for app in session.apps), *reversed(session.last)]:
        try:
            end()
        except Exception as error:
            problems.append(str(error))
    print(f'{"not ok" if problems else "ok"} {len(tests) + 1} - ends without a complaint', flush=True)
    for problem in problems:
        print('\n'.join('# ' + line for line in problem.splitlines()), flush=True)
    return 1 if failed or problems else 0


def report(session, error):
    """Why it failed, what was on the screen, as TAP comments."""
    lines = traceback.format_exc().splitlines() if not isinstance(error, Failure) else [str(error)]
    lines += [f'{frame.filename}:{frame.lineno} {frame.line}' for frame in traceback.extract_tb(error.__traceback__)]
    for app in session.apps:
        if app.process.poll() is None:
            lines += app.tree().splitlines()
            lines.append('screenshot: ' + app.screenshot('failure-' + session.name))
        lines += app.faults()
    print('\n'.join('# ' + line for line in lines), flush=True)


def inside(arguments):
    test, program, make_workspace, screenshots, folder = arguments
    os.dup2(int(os.environ['CT_TAP']), 1)
    return run(test, Session(os.path.basename(test)[5:-3], program, make_workspace, screenshots, folder))


def start_display():
    """An X server on a free display: (process, display)."""
    read, write = os.pipe()
    server = subprocess.Popen(['Xvfb', '-displayfd', str(write), '-screen', '0', '1280x800x24', '-nolisten', 'tcp', '-noreset'],
                              pass_fds=[write], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(write)
    with os.fdopen(read) as pipe:
        return server, ':' + pipe.readline().strip()


def start_manager(env):
    """Who gives the keyboard to windows as they come and go, on a person's screen too; ends with the display."""
    def is_there():
        return 'window id' in subprocess.run(['xprop', '-root', '_NET_SUPPORTING_WM_CHECK'], env=env, capture_output=True,
                                             text=True).stdout

    manager = subprocess.Popen(['openbox', '--sm-disable'], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait('the window manager', is_there)
    return manager


def main():
    if sys.argv[1] == '--inside':
        return inside(sys.argv[2:])
    test, program, make_workspace, screenshots = (os.path.abspath(path) for path in sys.argv[1:5])
    for tool in ('Xvfb', 'openbox', 'xprop', 'dbus-run-session', 'xdotool', 'import', 'sqlite3'):
        if not shutil.which(tool):
            print(f'1..0 # SKIP {tool} is missing; ./dev test installs it')
            return 0
    os.makedirs(screenshots, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix='ct-gui-', ignore_cleanup_errors=True) as folder:
        home = os.path.join(folder, 'home')
        os.makedirs(os.path.join(home, 'gtk-4.0'))
        os.makedirs(os.path.join(home, 'runtime'), mode=0o700)
        with open(os.path.join(home, 'gtk-4.0', 'settings.ini'), 'w', encoding='utf-8') as settings:
            settings.write('[Settings]\ngtk-font-name=Cantarell 11\ngtk-enable-animations=0\n')
        server, display = start_display()
        started = [server]
        env = {key: value for key, value in os.environ.items() if key != 'DBUS_SESSION_BUS_ADDRESS'}
        env.update(DISPLAY=display, HOME=home, XDG_CONFIG_HOME=home, XDG_DATA_HOME=home, XDG_CACHE_HOME=home,
                   XDG_RUNTIME_DIR=os.path.join(home, 'runtime'), GDK_BACKEND='x11', GSK_RENDERER='cairo',
                   GTK_A11Y='atspi', NO_AT_BRIDGE='0', GIO_USE_VFS='local')
        try:
            started.append(start_manager(env))
            # what the session's own services say on stdout is no TAP: only the tests get ours
            tap = os.dup(1)
            os.set_inheritable(tap, True)
            env['CT_TAP'] = str(tap)
            return subprocess.run(['dbus-run-session', '--', '/usr/bin/python3', os.path.abspath(__file__), '--inside',
                                   test, program, make_workspace, screenshots, folder], env=env, stdout=2,
                                  pass_fds=[tap]).returncode
        finally:
            server.send_signal(signal.SIGTERM)
            for process in started:
                process.wait()


if __name__ == '__main__':
    sys.exit(main())
