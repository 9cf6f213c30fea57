#!/usr/bin/python3
"""Posts over api.apply: that nothing leaves without an approval of exactly these bytes, by one sender at a time, and never while
sending is stopped; each for the one rule that holds it."""
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


def main():
    try:
        run_tests([value for name, value in globals().items() if name.startswith('test_')])
    finally:
        SERVER.stop()


main()
