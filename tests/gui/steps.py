"""Steps of the loop that more than one suite takes: what a person does and what the replica says then."""
import re

from driver import wait


def value(s, sql):
    """The first row that a query on the workspace's replica gives, or None."""
    rows = s.query(s.state['workspace'], sql)
    return rows[0] if rows else None


def choose(s, action):
    """Finds an action in the palette, and runs it."""
    app = s.state['app']
    app.key('ctrl+k')
    app.find('list item', 'Go to Exceptions')
    app.type(action)
    app.find('list item', action)
    app.gone('list item', 'Go to Exceptions')  # the palette has followed what was typed
    app.key('Return')


def assign_agent(s):
    """On the Exceptions page: the next row gets its agent, whose draft then waits for approval."""
    app = s.state['app']
    app.key('j')
    app.says('Evidence')
    app.key('a')
    app.says('Assign an agent')
    app.press_button('Assign')
    wait('a draft that waits for approval', lambda: value(s, "SELECT count(*) FROM approvals WHERE state = 'pending'") == '1', 60)


def approve(s, screenshot, pointer=False):
    """Looks at the message that waits, and approves it by keyboard or by the pane's button."""
    app = s.state['app']
    app.key('g', 'a')
    app.says(re.compile('^APPROVAL-'), cells=True)
    app.key('j')
    app.says('Exactly this goes out')
    app.screenshot(screenshot)
    if pointer:
        app.point(app.find('push button', 'Approve…'))
    else:
        app.key('a')
    app.says('Approve 1 message?')
    app.key('ctrl+Return')
    wait('the approval', lambda: value(s, 'SELECT state FROM approvals') == 'approved')


def posted(s):
    """Waits until the message is out; its ID at the provider."""
    wait('the post', lambda: value(s, "SELECT count(*) FROM outbox WHERE state = 'sent'") == '1', 90)
    message = value(s, 'SELECT external_message_id FROM outbox')
    assert message, 'the post has an ID of the provider'
    return message
