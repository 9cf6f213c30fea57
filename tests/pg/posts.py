#!/usr/bin/python3
"""Posts over api.apply: that nothing leaves without an approval of exactly these bytes, by one sender at a time, and never while
sending is stopped; each for the one rule that holds it."""
import contextlib
import hashlib
import uuid

from decisions import Decisions, applied, insert, refused
from guarded import change
from tower import run_tests

SERVER = Decisions('posts')
ROOT = SERVER.root
SERVER.server('add-user', 'robi', '--role', 'agent', '--scope', 'region:north', '--user-password-file', SERVER.secret('robi'))
NEW = 'app.check_new_post'
LEASE = 'app.check_lease'
SENDER = 'app.check_sender'


def post_of(made):
    return ROOT.value('SELECT id FROM app.outbox WHERE approval_id = $1', made.id)


def approved(**columns):
    made = SERVER.draft(**columns)
    applied(SERVER.approve(made))
    return post_of(made)


def row(post):
    names = ['state', 'fence', 'attempts', 'leased_until', 'lease_holder']
    return dict(zip(names, ROOT.ask(f"SELECT {', '.join(names)} FROM app.outbox WHERE id = $1", post)[0]))


def number(text):
    return None if text is None else int(text)


def lease(post, login='agent', seconds=60, fence=1):
    """A lease as the service takes it, for so many seconds by the server's clock."""
    was = row(post)
    states = {'state': [was['state'], 'leased']} if was['state'] != 'leased' else {}
    return SERVER.device(login).push('post.lease', change(
        'outbox', post, 'update', leased_until=[number(was['leased_until']), SERVER.now() + seconds * 1000],
        lease_holder=[was['lease_holder'], str(uuid.uuid4())], fence=[int(was['fence']), int(was['fence']) + fence], **states))


def sending(post, login='agent', attempts=1):
    was = row(post)
    return SERVER.device(login).push('post.sending', change(
        'outbox', post, 'update', state=[was['state'], 'sending'], attempts=[int(was['attempts']), int(was['attempts']) + attempts],
        leased_until=[number(was['leased_until']), SERVER.now() + 60000]))


def end(post, state, login='agent', before=None, **columns):
    command = {'ready': 'post.release', 'sent': 'post.sent', 'failed': 'post.failed', 'unknown': 'post.unknown'}[state]
    return SERVER.device(login).push(command, change('outbox', post, 'update', state=[before or row(post)['state'], state], **columns))


def leased(login='agent', **columns):
    post = approved(**columns)
    applied(lease(post, login))
    return post


def is_sending(login='agent'):
    post = leased(login)
    applied(sending(post, login))
    return post


def past(post, column='leased_until', table='outbox', trigger='then_send'):
    """As if that time had passed; past the rules, for nobody may say so."""
    ROOT.ask(f'ALTER TABLE app.{table} DISABLE TRIGGER {trigger}')
    ROOT.ask(f'UPDATE app.{table} SET {column} = 1 WHERE id = $1', post)
    ROOT.ask(f'ALTER TABLE app.{table} ENABLE TRIGGER {trigger}')


def approval_of(post):
    return ROOT.value('SELECT approval_id FROM app.outbox WHERE id = $1', post)


def test_no_approval_no_post():
    """A post comes with its approval or not at all, with the bytes, place and person that the approval names."""
    may = ROOT.ask("SELECT command FROM sync.policy WHERE writes -> 'outbox' ? 'insert'")
    assert may == [('approval.approve',)], may
    other = hashlib.sha256(b'other').hexdigest()
    for wrong, condition in (
            ({'wire': b'other'.hex()}, 'sha256(p.wire) = p.payload_sha256'),
            ({'wire': b'other'.hex(), 'payload_sha256': other}, 'p.payload_sha256 = a.payload_sha256'),
            ({'destination': '#all'}, 'a.destination = p.destination'),
            ({'channel': 'mail'}, 'a.channel = p.channel'),
            ({'approver': 'legal'}, 'a.decided_by = p.approver'),
            ({'state': 'ready', 'attempts': 1}, 'p.attempts = 0'),
            ({'fence': 1}, 'p.fence = 0'),
            ({'sent_at': 1}, 'num_nonnulls(p.leased_until, p.lease_holder, p.sent_at, p.external_message_id, p.delivery_status, p.thread_id) = 0')):
        SERVER.rule_holds(lambda wrong=wrong: SERVER.approve(SERVER.draft(), post=wrong), 'no approval, no post', NEW, condition, 'true')
    refused(SERVER.approve(SERVER.draft(), post={'state': 'sent'}), 'may not take outbox.state')

    refused(only_post(SERVER.draft()), 'no approval, no post')
    made = SERVER.draft()
    applied(SERVER.approve(made))
    again = {'approval_id': made.id, 'approver': 'accounting', 'ready_at': 1,
             **{k: made.values[k] for k in ('task_id', 'channel', 'destination', 'wire', 'payload_sha256')}}
    answer = SERVER.device('accounting').push('approval.approve', insert('outbox', uuid.uuid4(), **again))
    assert answer['outcome'] == 'rejected' and answer['code'] == 'conflict', answer


def test_service_alone():
    """Only the service leases and sends, whatever the policy's condition says."""
    refused(lease(approved(), 'accounting'), 'service_works')
    with SERVER.without('app.where_service_works', "app.has_role(session_user, 'agent')", 'true'):
        SERVER.rule_holds(lambda: lease(approved(), 'accounting'), 'only the service', 'app.send_post',
                          "NOT app.has_role(session_user, 'agent')")


def leased_twice():
    """Two instances at the same millisecond, as each saw the post before; the second one had it last time as well."""
    post = leased('robi')
    applied(end(post, 'ready', 'robi', leased_until=[number(row(post)['leased_until']), None]))
    was = row(post)
    both = {'state': ['ready', 'leased'], 'leased_until': [None, SERVER.now() + 60000],
            'fence': [int(was['fence']), int(was['fence']) + 1]}
    applied(SERVER.device('agent').push('post.lease', change(
        'outbox', post, 'update', lease_holder=[was['lease_holder'], str(uuid.uuid4())], **both)))
    return SERVER.device('robi').push('post.lease', change('outbox', post, 'update', **both))


def test_lease_at_the_same_moment():
    SERVER.rule_holds(leased_twice, 'changed the same', 'sync.differences', "e.key = 'fence' OR", 'false OR')


def test_lease():
    """One sender at a time, for five minutes at most, when the time has come, counted."""
    SERVER.rule_holds(lambda: lease(approved(), seconds=301), 'five minutes', LEASE, 'p.leased_until > moment + 300000')
    SERVER.rule_holds(lambda: lease(approved(), seconds=-1), 'five minutes', LEASE, 'p.leased_until <= moment')
    for step in 0, 2:
        SERVER.rule_holds(lambda step=step: lease(approved(), fence=step), 'another sender', LEASE,
                          'p.fence <> before.fence + 1')
    SERVER.rule_holds(lambda: lease(leased(), 'robi'), 'another sender', LEASE, "before.state <> 'leased' OR before.leased_until > moment")
    post = leased()
    past(post)
    applied(lease(post, 'robi'))
    assert row(post)['fence'] == '2'

    def undone():
        ROOT.ask("UPDATE app.settings SET value = '1h' WHERE key = 'delivery.undo_window'")
        post = approved()
        ROOT.ask("UPDATE app.settings SET value = '0s' WHERE key = 'delivery.undo_window'")
        return lease(post)
    SERVER.rule_holds(undone, 'not to be sent yet', LEASE, 'before.ready_at > moment')


def late_start():
    post = leased()
    past(post)
    return sending(post)


def test_sending():
    """Sending begins within the lease, by who has it, and counts."""
    SERVER.rule_holds(late_start, 'the lease is over', LEASE, 'before.leased_until <= moment OR p.fence <> before.fence',
                      'p.fence <> before.fence')
    SERVER.rule_holds(lambda: sending(leased(), attempts=2), 'the lease is over', LEASE, 'p.attempts <> before.attempts + 1')
    SERVER.rule_holds(lambda: sending(leased(), 'robi'), 'another sender', SENDER, 's.device = app.this_device()', 'true')
    refused(sending(approved()), 'may not take')


def overtaken():
    """A sender that slept through its lease while another one took over and sends."""
    post = leased('agent')
    past(post)
    applied(lease(post, 'robi'))
    applied(sending(post, 'robi'))
    return post


def test_stale_fence():
    """Who lost a lease writes down nothing of the post any more: neither that it went out nor that it did not."""
    for state, columns in ('sent', {'external_message_id': [None, 'C:1']}), ('failed', {'problem': [None, 'x']}), \
            ('ready', {'problem': [None, 'x']}), ('unknown', {}):
        SERVER.rule_holds(lambda state=state, columns=columns: end(overtaken(), state, 'agent', **columns), 'another sender', SENDER,
                          's.device = app.this_device()', 'true')
    post = overtaken()
    applied(end(post, 'sent', 'robi', external_message_id=[None, 'C:1']))
    # the service is the sender, not the person, and not another workstation of the same login
    ROOT.ask("UPDATE sync.devices SET public_key = NULL WHERE id = $1", SERVER.devices.pop('agent').id)
    refused(end(is_sending('robi'), 'sent', 'agent'), 'another sender')


def test_unknown():
    """Nobody gives up what another one sends before its time is over; then anybody may, and what went out all the same is told."""
    post = is_sending()
    SERVER.rule_holds(lambda: end(is_sending(), 'unknown', 'robi'), 'another sender', SENDER,
                      'AND before.leased_until <= sync.now_ms()', '')
    past(post)
    refused(end(post, 'sent', 'robi'), 'another sender')
    applied(end(post, 'unknown', 'robi', leased_until=[1, None]))
    applied(end(post, 'sent', 'agent', external_message_id=[None, 'C:1']))
    applied(end(is_sending(), 'unknown'))


@contextlib.contextmanager
def undoable(command):
    """The server with a policy that lets a command be taken back."""
    ROOT.ask('UPDATE sync.policy SET undo = true WHERE command = $1', command)
    yield
    ROOT.ask('UPDATE sync.policy SET undo = false WHERE command = $1', command)


def test_stopped():
    """While all sending is stopped nothing is leased, and what is leased does not begin."""
    post, begun = leased(), is_sending()
    ROOT.ask("INSERT INTO app.settings (id, key, value) VALUES (gen_random_uuid(), 'delivery.stopped', 'true')")
    question = "EXISTS (SELECT FROM app.settings WHERE key = 'delivery.stopped' AND value = 'true')"
    SERVER.rule_holds(lambda: lease(approved()), 'stopped', LEASE, question)
    refused(sending(post), 'stopped')
    applied(end(begun, 'sent', external_message_id=[None, 'C:1']))
    with SERVER.without(LEASE, question):
        applied(sending(post))
    # whoever may stop all sending may not resume it
    setting = ROOT.value("SELECT id FROM app.settings WHERE key = 'delivery.stopped'")
    refused(SERVER.device('legal').push('delivery.stop', change('settings', setting, 'update', value=['true', 'false'])), 'stops_sending')
    refused(SERVER.device('legal').push('delivery.resume', change('settings', setting, 'update', value=['true', 'false'])), 'none of your roles')

    def resume():
        """By taking back that one has stopped it, which it was already."""
        legal = SERVER.device('legal')
        applied(legal.push('delivery.stop', change('settings', setting, 'update', value=['false', 'true'])))
        return legal.push('command.undo', change('settings', setting, 'update', value=['true', 'false']), undoes=legal.command)
    refused(resume(), 'delivery.stop cannot be undone')
    with undoable('delivery.stop'):
        refused(resume(), 'was so already')
    assert ROOT.value("SELECT value FROM app.settings WHERE key = 'delivery.stopped'") == 'true'
    applied(SERVER.device('admin').push('delivery.resume', change('settings', setting, 'update', value=['true', 'false'])))


def test_expired():
    """An approval that has expired, or was taken back, sends nothing: not at the lease, not at the send, not once more."""
    question = 'NOT EXISTS (SELECT FROM app.approvals a WHERE a.id = p.approval_id AND a.state = \'approved\'\n' \
               '                    AND a.expires_at > sync.now_ms())'

    def late(post):
        past(approval_of(post), 'expires_at', 'approvals', 'then_decide')
        return post
    SERVER.rule_holds(lambda: lease(late(approved())), 'expired or was taken back', 'app.check_approval_stands', question)
    SERVER.rule_holds(lambda: sending(late(leased())), 'expired or was taken back', 'app.check_approval_stands', question)

    def once_more():
        post = is_sending()
        applied(end(post, 'failed', problem=[None, 'x']))
        late(post)
        return SERVER.device('accounting').push('post.resolve', change('outbox', post, 'update', state=['failed', 'ready']))
    SERVER.rule_holds(once_more, 'expired or was taken back', 'app.check_approval_stands', question)
    post = approved()
    ROOT.ask("UPDATE app.approvals SET state = 'voided' WHERE id = $1", approval_of(post))
    refused(lease(post), 'expired or was taken back')


def test_bytes_stay():
    """What was approved is what is sent, and it stays."""
    post = approved()
    for column in 'wire', 'destination', 'approver':
        refused(SERVER.device('agent').push('post.lease', change('outbox', post, 'update', **{column: [None, '00']})), 'may not write')
        try:
            ROOT.ask(f"UPDATE app.outbox SET {column} = 'x' WHERE id = $1", post)
        except Exception as problem:  # pylint: disable=broad-except
            assert 'bytes of a post are fixed' in str(problem), problem
        else:
            raise AssertionError(f'{column} of a post was changed')
    for table in 'outbox', 'approvals':
        try:
            ROOT.ask(f'DELETE FROM app.{table}')
        except Exception as problem:  # pylint: disable=broad-except
            assert 'are kept' in str(problem), problem
        else:
            raise AssertionError(f'rows of {table} were deleted')


def states(made):
    return ROOT.ask('SELECT a.state, p.state, t.status FROM app.approvals a LEFT JOIN app.outbox p ON p.approval_id = a.id'
                    ' JOIN app.follow_up_tasks t ON t.id = a.task_id WHERE a.id = $1', made.id)[0]


def new_channel(name):
    row = str(uuid.uuid4())
    ROOT.ask("INSERT INTO app.channels (id, name, kind, base_url) VALUES ($1, $2, 'slack', 'https://a.example')", row, name)
    return row


def lead(channel, old, new):
    return SERVER.device('admin').push('channel.add', change('channels', channel, 'update', base_url=[old, new]))


def test_another_address():
    """A channel that leads to another address voids what waits to go out by it, whether or not the client that leads it there
    knows of it or says so."""
    channel = new_channel('mine')
    pending, ready, sent, failed, bare = (SERVER.draft(channel='mine') for _ in range(5))
    elsewhere = SERVER.draft()
    applied(SERVER.approve(bare, post=False))
    for made in ready, sent, failed, elsewhere:
        applied(SERVER.approve(made))
    for made, state in (sent, 'sent'), (failed, 'failed'):
        applied(lease(post_of(made)))
        applied(sending(post_of(made)))
        applied(end(post_of(made), state))
    ROOT.ask("UPDATE app.follow_up_tasks SET status = 'approved' WHERE id = $1", ready.values['task_id'])
    applied(SERVER.device('admin').push('channel.add', change('channels', channel, 'update', kind=['slack', 'slack'])))
    assert states(ready) == ('approved', 'ready', 'approved'), 'the address is the same'
    applied(lead(channel, 'https://a.example', 'https://b.example'))
    assert states(bare)[:2] == ('voided', None), 'its post could come later'
    assert states(pending)[:2] == ('voided', None), states(pending)
    assert states(ready) == ('voided', 'cancelled', 'scheduled'), states(ready)
    assert states(sent)[:2] == ('approved', 'sent'), states(sent)
    assert states(failed)[:2] == ('voided', 'failed'), 'it cannot be sent once more'
    assert states(elsewhere)[:2] == ('approved', 'ready'), states(elsewhere)
    refused(SERVER.approve(pending, post=False), 'meanwhile')


def test_channel_stays():
    """A channel is not taken back and made anew with another address, under approvals that were given for the first; nothing is
    asked for by one that is not there."""
    admin = SERVER.device('admin')

    def anew():
        channel, name = str(uuid.uuid4()), str(uuid.uuid4())
        applied(admin.push('channel.add', insert('channels', channel, name=name, kind='slack', base_url='https://a.example')))
        made = SERVER.draft(channel=name)
        applied(SERVER.approve(made))
        answer = admin.push('command.undo', change('channels', channel, 'delete', name=[name, None], kind=['slack', None],
                                                   base_url=['https://a.example', None]), undoes=admin.command)
        assert states(made)[:2] == ('approved', 'ready')
        return answer
    refused(anew(), 'channel.add cannot be undone')
    with undoable('channel.add'):
        refused(anew(), 'rows of app.channels are kept')
        ROOT.ask('ALTER TABLE app.channels DISABLE TRIGGER kept')
        applied(anew())
        ROOT.ask('ALTER TABLE app.channels ENABLE TRIGGER kept')
    SERVER.rule_holds(lambda: SERVER.draft(channel='none').answer, 'there is no channel', 'app.hold_channel', 'NOT FOUND')


def only_post(made):
    """The post of an approval that was given before."""
    return SERVER.device('accounting').push('approval.approve', insert('outbox', uuid.uuid4(), approval_id=made.id, approver='accounting', ready_at=1, **{
        k: made.values[k] for k in ('task_id', 'channel', 'destination', 'wire', 'payload_sha256')}))


def test_channel_is_held():
    """What is asked for or posted while somebody leads the channel elsewhere is either seen by that, or comes after it."""
    def left(table, first):
        """How many approvals or posts are left that would go to an address that nobody saw."""
        name = str(uuid.uuid4())
        channel, made = new_channel(name), SERVER.draft(channel=name)
        applied(SERVER.approve(made, post=False))
        applied(SERVER.meanwhile(SERVER.device('accounting'), lambda: first(made, name), lambda: lead(channel, 'https://a.example', 'https://b.example')))
        return int(ROOT.value(f"SELECT count(*) FROM app.{table} WHERE channel = $1 AND state IN ('pending', 'approved', 'ready')", name))
    for table, first, function in (
            ('approvals', lambda made, name: SERVER.draft('accounting', channel=name).answer, 'app.check_new_approval'),
            ('outbox', lambda made, name: only_post(made), 'app.check_new_post')):
        assert left(table, first) == 0
        with SERVER.without(function, 'PERFORM app.hold_channel', '--'):
            assert left(table, first) == 1, f'{function} takes the lock'


MESSAGE = iter(range(1000))


def values(post):
    names = ['state', 'leased_until', 'lease_holder', 'fence', 'problem', 'external_message_id', 'retract_asked_at', 'retract_comment', 'look_asked_at']
    return dict(zip(names, ROOT.ask(f"SELECT {', '.join(names)} FROM app.outbox WHERE id = $1", post)[0]))


def is_sent(message=''):
    """A post that went out; message: its ID at the provider, one of its own where nothing is said."""
    post = is_sending()
    applied(end(post, 'sent', leased_until=[number(row(post)['leased_until']), None],
                external_message_id=[None, f'D:{next(MESSAGE)}' if message == '' else message]))
    return post


def ask_back(post, login='accounting', comment='wrong price'):
    return SERVER.device(login).push('post.retracting', change('outbox', post, 'update', retract_asked_at=[None, 1], retract_comment=[None, comment]))


def begin(post, login='agent', seconds=60, fence=1):
    was = values(post)
    return SERVER.device(login).push('post.retract_lease', change(
        'outbox', post, 'update', leased_until=[number(was['leased_until']), SERVER.now() + seconds * 1000],
        lease_holder=[was['lease_holder'], str(uuid.uuid4())], fence=[int(was['fence']), int(was['fence']) + fence]))


def begun_twice():
    """Two instances at the same millisecond, as each saw the post before; the second one had it last time as well."""
    post = asked_back()
    was = values(post)
    both = {'leased_until': [number(was['leased_until']), SERVER.now() + 60000], 'fence': [int(was['fence']), int(was['fence']) + 1]}
    applied(SERVER.device('agent').push('post.retract_lease', change(
        'outbox', post, 'update', lease_holder=[was['lease_holder'], str(uuid.uuid4())], **both)))
    return SERVER.device('robi').push('post.retract_lease', change('outbox', post, 'update', **both))


def settled(post, login='agent', command='post.retract', **columns):
    """What became of taking it back: columns that are said otherwise than as it succeeds."""
    was = values(post)
    said = {'leased_until': None, 'retract_asked_at': None, 'retract_comment': None, **columns}
    if command == 'post.retract':
        said['state'] = 'retracted'
    return SERVER.device(login).push(command, change('outbox', post, 'update', problem=[was['problem'], 'wrong price'], **{
        name: [number(was[name]) if name.endswith(('_at', '_until')) else was[name], value] for name, value in said.items()}))


def asked_back():
    post = is_sent()
    applied(ask_back(post))
    return post


def begun(login='agent'):
    post = asked_back()
    applied(begin(post, login))
    return post


ASKED = 'app.check_asked'
RETRACTING = 'app.check_retracting'


def test_who_asks_for_it_back():
    """Whose work it is asks for a message to be taken back; the service does it, it does not ask."""
    SERVER.rule_holds(lambda: ask_back(is_sent(), 'legal'), 'post_is_my_teams', 'app.where_post_is_my_teams',
                      'app.where_task_is_mine_or_my_teams(table_name, row_id, columns)', 'true')
    for login in 'viewer', 'agent':
        refused(ask_back(is_sent(), login), 'none of your roles')
    for attempt in (lambda: begin(asked_back(), 'accounting'), lambda: settled(begun(), 'accounting'),
                    lambda: settled(begun(), 'accounting', 'post.retract_failed')):
        refused(attempt(), 'service_works')
    with SERVER.without('app.where_service_works', "app.has_role(session_user, 'agent')", 'true'):
        SERVER.rule_holds(lambda: begin(asked_back(), 'accounting'), 'only the service', 'app.send_post',
                          "NOT app.has_role(session_user, 'agent')")


def test_asked_back():
    """Only a message that went out, that is this post's alone, and for a reason; once."""
    words = 'only a message that was sent'
    with SERVER.without(ASKED, 'p.external_message_id IS NULL'):
        SERVER.rule_holds(lambda: ask_back(is_unknown()), words, ASKED, "before.state <> 'sent' OR", 'false OR')
    SERVER.rule_holds(lambda: ask_back(is_sent(None)), words, ASKED, 'p.external_message_id IS NULL')
    SERVER.rule_holds(lambda: ask_back(is_sent(), comment=' '), words, ASKED, "btrim(coalesce(p.retract_comment, '')) = ''")
    post = asked_back()
    assert ask_back(post)['outcome'] == 'rejected'

    def of_another():
        """A person says of a post whose fate nobody knows that it is the message of another one."""
        theirs = values(is_sent())['external_message_id']
        mine = is_sending()
        applied(end(mine, 'unknown', leased_until=[number(row(mine)['leased_until']), None]))
        applied(SERVER.device('accounting').push('post.resolve', change('outbox', mine, 'update', state=['unknown', 'sent'],
                                                                        external_message_id=[None, theirs])))
        return ask_back(mine)
    SERVER.rule_holds(of_another, "another post's", ASKED, 'AND o.external_message_id = p.external_message_id', 'AND false')

    def renamed():
        post = is_sent()
        return SERVER.device('accounting').push('post.resolve', change(
            'outbox', post, 'update', external_message_id=[values(post)['external_message_id'], 'C:other']))
    SERVER.rule_holds(renamed, 'does not change', 'app.send_post', "OLD.state NOT IN ('sending', 'unknown')")


def test_taking_back_begins():
    """By one instance at a time, where a person asked for it, for five minutes at most; also while all sending is stopped."""
    SERVER.rule_holds(lambda: begin(is_sent()), 'nobody asked', RETRACTING, 'before.retract_asked_at IS NULL OR p.retract_asked_at IS NULL')
    SERVER.rule_holds(lambda: begin(asked_back(), seconds=301), 'five minutes', RETRACTING, 'p.leased_until > moment + 300000')
    SERVER.rule_holds(lambda: begin(asked_back(), seconds=-1), 'five minutes', RETRACTING, 'p.leased_until <= moment')
    SERVER.rule_holds(lambda: begin(asked_back(), fence=2), 'another sender', RETRACTING, 'p.fence <> before.fence + 1')
    SERVER.rule_holds(lambda: begin(begun(), 'robi'), 'another sender', RETRACTING, 'before.leased_until > moment')
    SERVER.rule_holds(begun_twice, 'changed the same', 'sync.differences', "e.key = 'fence' OR", 'false OR')
    refused(begin(asked_back(), fence=0), 'in hand')
    post = begun()
    past(post)
    applied(begin(post, 'robi'))
    post = asked_back()
    ROOT.ask("INSERT INTO app.settings (id, key, value) VALUES (gen_random_uuid(), 'delivery.stopped', 'true')"
             " ON CONFLICT (key) DO UPDATE SET value = 'true'")
    applied(begin(post))
    ROOT.ask("UPDATE app.settings SET value = 'false' WHERE key = 'delivery.stopped'")


def test_taken_back():
    """What became of it says who has it in hand: it is gone, it cannot be, or it is tried again soon."""
    begun_by_nobody = 'before.retract_asked_at IS NULL OR before.leased_until IS NULL\n       OR'
    SERVER.rule_holds(lambda: settled(is_sent()), 'in hand', ASKED, begun_by_nobody, '')
    SERVER.rule_holds(lambda: settled(asked_back()), 'in hand', ASKED, begun_by_nobody, '')
    for command in 'post.retract', 'post.retract_failed':
        SERVER.rule_holds(lambda command=command: settled(begun(), 'robi', command), 'in hand', ASKED, 's.device = app.this_device()', 'true')

    def overtaken_one():
        post = begun()
        past(post)
        applied(begin(post, 'robi'))
        return settled(post)
    SERVER.rule_holds(overtaken_one, 'in hand', ASKED, 's.device = app.this_device()', 'true')
    for kept, condition in (({'command': 'post.retract', 'retract_asked_at': 1, 'retract_comment': 'wrong price'}, "p.state <> 'sent'"),
                            ({'retract_asked_at': 1, 'retract_comment': 'other', 'leased_until': 1}, 'p.retract_comment IS DISTINCT FROM before.retract_comment'),
                            ({'retract_asked_at': 1, 'retract_comment': 'wrong price'}, 'p.leased_until IS NULL OR'),
                            ({'retract_asked_at': 1, 'retract_comment': 'wrong price', 'leased_until': SERVER.now() + 3600000},
                             'p.leased_until > sync.now_ms() + 300000')):
        said = {'command': 'post.retract_failed', 'leased_until': 1, **kept} if 'leased_until' in kept or 'command' in kept \
            else {'command': 'post.retract_failed', **kept}
        SERVER.rule_holds(lambda said=said: settled(begun(), **said), 'tried again', ASKED, condition, '' if condition.endswith('OR') else 'false')
    SERVER.rule_holds(lambda: settled(begun(), command='post.retract_failed', retract_comment='wrong price'), 'nobody asked', ASKED,
                      'p.retract_asked_at IS NULL AND p.retract_comment IS NOT NULL')
    post = begun()
    applied(settled(post, command='post.retract_failed', retract_asked_at=1, retract_comment='wrong price', leased_until=SERVER.now() + 1000))
    past(post)
    applied(begin(post, 'robi'))
    applied(settled(post, 'robi', 'post.retract_failed'))
    assert values(post)['state'] == 'sent' and values(post)['retract_asked_at'] is None, values(post)
    applied(ask_back(post))
    applied(begin(post))
    applied(settled(post))
    assert values(post)['state'] == 'retracted', values(post)
    refused(ask_back(post), words='only a message that was sent')
    # who asked does not take it away from who has it in hand
    post = is_sent()
    applied(ask_back(post))
    asker = SERVER.device('accounting')
    asked = asker.command

    def not_so():
        return asker.push('command.undo', change('outbox', post, 'update', retract_asked_at=[1, None], retract_comment=['wrong price', None]), undoes=asked)
    refused(not_so(), 'post.retracting cannot be undone')
    with undoable('post.retracting'):
        refused(not_so(), 'in hand')


def is_unknown():
    post = is_sending()
    applied(end(post, 'unknown', leased_until=[number(row(post)['leased_until']), None]))
    return post


def look(post, login='accounting'):
    return SERVER.device(login).push('post.look', change('outbox', post, 'update', look_asked_at=[None, 1]))


def test_looked_for():
    """Whose work it is asks for a post of unknown fate to be looked for; the service answers."""
    SERVER.rule_holds(lambda: look(is_unknown(), 'legal'), 'post_is_my_teams', 'app.where_post_is_my_teams',
                      'app.where_task_is_mine_or_my_teams(table_name, row_id, columns)', 'true')
    refused(look(is_unknown(), 'agent'), 'none of your roles')
    SERVER.rule_holds(lambda: look(is_sent()), 'may have been sent', ASKED, "before.state <> 'unknown'")
    post = is_unknown()
    applied(look(post))
    answer = change('outbox', post, 'update', look_asked_at=[1, None], problem=[None, 'not there'])
    refused(SERVER.device('accounting').push('post.looked', answer), 'service_works')
    applied(SERVER.device('robi').push('post.looked', answer))

    def taken_back():
        post, asker = is_unknown(), SERVER.device('accounting')
        applied(look(post))
        return asker.push('command.undo', change('outbox', post, 'update', look_asked_at=[1, None]), undoes=asker.command)
    refused(taken_back(), 'post.look cannot be undone')
    with undoable('post.look'):
        SERVER.rule_holds(taken_back, 'only the service answers', ASKED, "NOT app.has_role(session_user, 'agent')")


def main():
    try:
        run_tests([value for name, value in globals().items() if name.startswith('test_')])
    finally:
        SERVER.stop()


main()
