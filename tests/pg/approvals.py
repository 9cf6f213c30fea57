#!/usr/bin/python3
"""Approvals over api.apply: what forged calls cannot do, each for the one rule that stands in the way, and that the right one
can."""
import hashlib
import json
import os
import subprocess
import uuid

from decisions import AGENT, CAREFUL, HOUR, Decisions, Made, applied, insert, refused
from guarded import change
from tower import run_tests

SERVER = Decisions('approvals')
ROOT = SERVER.root
JUDGE = 'app.judge_approval'


def test_approved():
    made = SERVER.draft()
    applied(made.answer)
    assert ROOT.value('SELECT owner FROM app.approvals WHERE id = $1', made.id) == 'accounting', 'the task says whose it is'
    refused(SERVER.approve(made, 'legal'), 'approval_is_my_teams')
    refused(SERVER.approve(made, decided_by='legal'), 'for themselves')
    refused(SERVER.approve(made, device_id=SERVER.device('legal').id), 'enrolled key')
    refused(SERVER.approve(made, nonce='00'), 'nonce of 16 bytes')
    applied(SERVER.approve(made))
    assert ROOT.value('SELECT count(*) FROM app.outbox WHERE approval_id = $1', made.id) == '1'


def test_forged():
    refused(SERVER.draft(wire='00').answer, 'hashes of its bytes')


def test_four_eyes():
    """Whoever wrote what goes out does not approve it, where the policy asks for another pair of eyes."""
    SERVER.rule_holds(lambda: SERVER.approve(SERVER.draft('accounting', CAREFUL)), 'made the last edit', JUDGE,
                      'four_eyes AND a.edited_by IN (person.login, session_user)')
    applied(SERVER.approve(SERVER.draft('accounting', CAREFUL), 'berta'))
    applied(SERVER.approve(SERVER.draft('accounting')))
    # who wrote it is what the server saw
    lied = SERVER.draft('accounting', CAREFUL, edited_by='berta')
    applied(SERVER.approve(lied, 'berta'))
    refused(SERVER.approve(SERVER.draft('accounting', CAREFUL, edited_by='berta')), 'made the last edit')


def test_threshold():
    """An amount asks for four eyes, and a larger one for a role."""
    SERVER.rule_holds(lambda: SERVER.approve(SERVER.draft('accounting', amount=2500000)), 'made the last edit', JUDGE,
                      "four_eyes := four_eyes OR t ->> 2 <> 'one_approver';", '')
    applied(SERVER.approve(SERVER.draft('accounting', amount=2499999)))
    applied(SERVER.approve(SERVER.draft('accounting', amount=0)))
    body = json.loads(ROOT.value('SELECT body FROM app.agent_profiles WHERE name = $1', AGENT))
    body['approval']['thresholds'] = [{'amountMinor': 100, 'currency': 'EUR', 'kind': 'one_approver', 'roles': ['legal', 'admin']}]
    ROOT.ask('UPDATE app.agent_profiles SET body = $2 WHERE name = $1', AGENT, json.dumps(body))
    SERVER.rule_holds(lambda: SERVER.approve(SERVER.draft(amount=100)), 'by another role', JUDGE,
                      'EXISTS (SELECT FROM jsonb_array_elements(demanded) x WHERE NOT x ? team)')
    applied(SERVER.approve(SERVER.draft(amount=99)))
    applied(SERVER.approve(SERVER.draft(amount=100), 'admin'))
    # the amount is what the server knows to be at risk
    refused(SERVER.approve(SERVER.draft(amount=100, amount_minor=1)), 'by another role')
    # nor is the policy the client's to choose
    refused(SERVER.approve(SERVER.draft(amount=100, policy='{"kind":"one_approver"}')), 'by another role')
    kept = json.loads(ROOT.value('SELECT policy FROM app.approvals ORDER BY created_at DESC LIMIT 1'))
    assert set(kept) == {'kind', 'expiry', 'thresholds'} and len(kept['thresholds']) == 1, kept


KEPT = 'WHERE t.approval_terms IS NOT NULL'
MEANT = '\n      OR p.name = (SELECT e.agent FROM app.exceptions e WHERE e.id = t.exception_id)'


def handed_on(agents, by='accounting', meant='', forgotten=False):
    """What that login writes on a task that it has handed from agent to agent; forgotten: of which nothing was kept at first."""
    task = SERVER.task(agents[0], meant=meant)
    if forgotten:
        ROOT.ask('SET session_replication_role = replica')
        ROOT.ask('UPDATE app.follow_up_tasks SET approval_terms = NULL WHERE id = $1', task)
        ROOT.ask('SET session_replication_role = origin')
    for old, new in zip(agents, agents[1:]):
        applied(SERVER.device(by).push('task.assign', change('follow_up_tasks', task, 'update', assigned_agent=[old, new])))
    return SERVER.draft(by, agents[-1], task_id=task)


def test_no_laxer_agent():
    """Who is held by four eyes does not choose an agent that asks for less: a task keeps the strictest terms it was under, and
    those of the agent that its exception was meant for."""
    SERVER.rule_holds(lambda: SERVER.approve(handed_on([CAREFUL, AGENT])), 'made the last edit', 'app.terms_of', KEPT, 'WHERE false')
    refused(SERVER.approve(handed_on([AGENT, CAREFUL, AGENT])), 'made the last edit')
    # one that came from elsewhere is under those of the agent that it came with
    SERVER.rule_holds(lambda: SERVER.approve(handed_on([CAREFUL, AGENT], forgotten=True)), 'made the last edit', 'app.keep_terms',
                      'app.terms_of(OLD), ', '')
    # nor are they the client's to choose
    task = SERVER.task(CAREFUL)
    applied(SERVER.device('accounting').push('task.assign', change('follow_up_tasks', task, 'update', assigned_agent=[CAREFUL, AGENT],
                                                                   approval_terms=[None, '{"kind":"one_approver"}'])))
    refused(SERVER.approve(SERVER.draft('accounting', AGENT, task_id=task)), 'made the last edit')
    SERVER.rule_holds(lambda: SERVER.approve(handed_on([AGENT], meant=CAREFUL)), 'made the last edit', 'app.terms_of', MEANT, '')
    applied(SERVER.approve(handed_on([CAREFUL, AGENT]), 'berta'))
    applied(SERVER.approve(handed_on([AGENT])))
    # an agent that is none asks for everything
    refused(SERVER.approve(SERVER.draft('accounting', AGENT, task_id=SERVER.task('nobody'))), 'made the last edit')


def test_no_older_policy():
    """What an agent asked for before it asked for more is no way around it, nor back to less."""
    def edited():
        set_kind('one_approver')
        made = SERVER.draft('accounting')
        set_kind('four_eyes')
        output, approval = str(uuid.uuid4()), str(uuid.uuid4())
        wire = b'{"text":"other","key":"' + approval.encode() + b'"}'
        values = {**made.values, 'output_id': output, 'wire': wire.hex(), 'payload_sha256': hashlib.sha256(wire).hexdigest()}
        applied(SERVER.device('accounting').push(
            'approval.edit', change('approvals', made.id, 'update', state=['pending', 'replaced']),
            insert('ai_outputs', output, task_id=values['task_id'], revision=2, kind='channel_post', channel='slack', destination='#ops',
                   text='other', provider='a', model='a', prompt_version='1', confidence=1, author='accounting'),
            insert('approvals', approval, **values)))
        set_kind('one_approver')
        return SERVER.approve(Made(approval, values, None))
    SERVER.rule_holds(edited, 'made the last edit', 'app.with_terms', 'app.terms_of(t)', 'a.policy::jsonb')


def set_kind(kind):
    ROOT.ask("UPDATE app.agent_profiles SET body = jsonb_set(body::jsonb, '{approval,kind}', to_jsonb($2::text)) WHERE name = $1", AGENT, kind)



def test_limit():
    """Nobody approves above their own limit; in another currency nothing."""
    for currency, limit, amount in ('EUR', 500, 501), ('USD', 500, 1):
        ROOT.ask("UPDATE app.people SET approval_limit_minor = $1, approval_currency = $2 WHERE login = 'berta'", limit, currency)
        SERVER.rule_holds(lambda amount=amount: SERVER.approve(SERVER.draft(agent=CAREFUL, amount=amount), 'berta'), 'above what you may',
                          JUDGE, 'NOT app.is_within_limit(session_user, a) OR NOT app.is_within_limit(person.login, a)')
    ROOT.ask("UPDATE app.people SET approval_currency = 'EUR' WHERE login = 'berta'")
    applied(SERVER.approve(SERVER.draft(agent=CAREFUL, amount=500), 'berta'))
    ROOT.ask("UPDATE app.people SET approval_limit_minor = NULL, approval_currency = NULL WHERE login = 'berta'")
    applied(SERVER.approve(SERVER.draft(agent=CAREFUL, amount=501), 'berta'))


def stand_in(of, by, starts_at, ends_at):
    ROOT.ask('DELETE FROM app.delegations')
    ROOT.ask('INSERT INTO app.delegations (id, person_id, delegate_id, starts_at, ends_at) SELECT gen_random_uuid(), p.id, d.id, $3, $4'
             ' FROM app.people p, app.people d WHERE p.login = $1 AND d.login = $2', of, by, starts_at, ends_at)


def test_stand_in():
    """Who stands in for somebody decides as they would, for as long as they do, and never past the other rules."""
    now = SERVER.now()
    for starts_at, ends_at in (now - HOUR, now - 1), (now + HOUR, now + 2 * HOUR):
        stand_in('accounting', 'legal', starts_at, ends_at)
        refused(SERVER.approve(SERVER.draft(), 'legal'), 'approval_is_my_teams')
        with SERVER.without('app.may_decide', 'app.is_of_team(a.owner)', 'true'):
            SERVER.rule_holds(lambda: SERVER.approve(SERVER.draft(), 'legal'), "another team's work", JUDGE,
                              'moment >= d.starts_at AND moment < d.ends_at', 'true')
    stand_in('accounting', 'legal', now - HOUR, now + HOUR)
    made = SERVER.draft()
    applied(SERVER.approve(made, 'legal'))
    assert ROOT.ask('SELECT decided_by, decided_role FROM app.approvals WHERE id = $1', made.id) == [('legal', 'accounting')]
    # neither for what oneself wrote nor for what the one stood in for did
    refused(SERVER.approve(SERVER.draft('accounting', CAREFUL), 'legal'), 'made the last edit')
    ROOT.ask("UPDATE app.people SET approval_limit_minor = 5, approval_currency = 'EUR' WHERE login = 'accounting'")
    refused(SERVER.approve(SERVER.draft(agent=CAREFUL, amount=6), 'legal'), 'above what you may')
    ROOT.ask("UPDATE app.people SET approval_limit_minor = NULL, approval_currency = NULL WHERE login = 'accounting'")
    ROOT.ask('DELETE FROM app.delegations')


def person(login):
    return ROOT.value('SELECT id FROM app.people WHERE login = $1', login)


def away(of, by, starts_at, ends_at, who=None):
    """What of (or who, in their place) enters: an absence, and that somebody stands in."""
    return SERVER.device(who or of).push(
        'absence.set', insert('absences', uuid.uuid4(), person_id=person(of), starts_at=starts_at, ends_at=ends_at),
        insert('delegations', uuid.uuid4(), person_id=person(of), delegate_id=person(by), starts_at=starts_at, ends_at=ends_at))


def test_absence():
    """Everybody enters their own absence, an administrator anybody's; who stands in approves while it lasts."""
    now = SERVER.now()
    applied(away('accounting', 'legal', now + HOUR, now + 2 * HOUR))
    refused(SERVER.approve(SERVER.draft(), 'legal'), 'approval_is_my_teams')
    applied(away('accounting', 'legal', now - HOUR, now + HOUR))
    applied(SERVER.approve(SERVER.draft(), 'legal'))
    delegation = ROOT.value('SELECT id FROM app.delegations WHERE starts_at < $1', now)
    ending = change('delegations', delegation, 'update', ends_at=[now + HOUR, now - 1])
    SERVER.rule_holds(lambda: SERVER.device('berta').push('absence.end', ending), 'absence_is_mine', 'app.where_absence_is_mine',
                      'p.login = session_user', 'true')
    refused(SERVER.approve(SERVER.draft(), 'legal'), 'approval_is_my_teams')
    # nor does anybody make themselves the one who stands in
    SERVER.rule_holds(lambda: away('accounting', 'legal', now - HOUR, now + HOUR, 'legal'), 'absence_is_mine', 'app.where_absence_is_mine',
                      'p.login = session_user', 'true')
    applied(away('accounting', 'legal', now - HOUR, now + HOUR, 'admin'))
    applied(SERVER.approve(SERVER.draft(), 'legal'))
    # for whom one stands in is not changed
    mine = ROOT.value('SELECT id FROM app.delegations WHERE ends_at > $1 LIMIT 1', now)
    refused(SERVER.device('accounting').push('absence.end', change('delegations', mine, 'update', delegate_id=[person('legal'), person('sales')])),
            'may not write delegations.delegate_id')
    ROOT.ask('DELETE FROM app.delegations')


def test_absence_that_never_was():
    """Nobody comes to stand in for another by taking back that they ended it: an undo gives back what was there."""
    now = SERVER.now()
    legal, sales = SERVER.device('legal'), person('sales')

    def forge(new_values):
        """Ends a delegation of one's own, which is said to have been accounting's to oneself, and takes that back."""
        row = str(uuid.uuid4())
        mine = {'person_id': person('legal'), 'delegate_id': sales, 'starts_at': now + HOUR, 'ends_at': now + 2 * HOUR}
        other = {'person_id': person('accounting'), 'delegate_id': person('legal'), 'starts_at': 1, 'ends_at': 253370764800000}
        applied(legal.push('absence.set', insert('delegations', row, **mine)))
        answer = legal.push('absence.end', change('delegations', row, 'delete', **{
            k: [other[k], mine[k] if new_values else None] for k in mine}))
        legal.push('command.undo', change('delegations', row, 'insert', **{k: [mine[k] if new_values else None, other[k]] for k in mine}),
                   undoes=legal.command)
        return answer
    for new_values, words in (True, 'none after it is deleted'), (False, 'somebody changed the same'):
        answer = forge(new_values)
        refused(SERVER.approve(SERVER.draft(), 'legal'), 'approval_is_my_teams')
        refused(answer, words)
    # what is not said of it is put back as well, and what is said in its place is not
    row = str(uuid.uuid4())
    applied(legal.push('absence.set', insert('delegations', row, person_id=person('legal'), delegate_id=sales, starts_at=now + 1, ends_at=now + HOUR)))
    applied(legal.push('absence.end', change('delegations', row, 'delete')))
    applied(legal.push('command.undo', change('delegations', row, 'insert', person_id=[None, person('accounting')],
                                              delegate_id=[None, person('legal')], starts_at=[None, 1], ends_at=[None, now + HOUR]),
                       undoes=legal.command))
    assert ROOT.ask('SELECT person_id, delegate_id, starts_at, ends_at FROM app.delegations WHERE id = $1', row) \
        == [(person('legal'), sales, str(now + 1), str(now + HOUR))]
    refused(SERVER.approve(SERVER.draft(), 'legal'), 'approval_is_my_teams')
    # it is ended no later than it was
    applied(legal.push('absence.end', change('delegations', row, 'update', ends_at=[253370764800000, now + HOUR])))
    refused(legal.push('command.undo', change('delegations', row, 'update', ends_at=[now + HOUR, 253370764800000]), undoes=legal.command), 'was so already')
    assert ROOT.value('SELECT ends_at FROM app.delegations WHERE id = $1', row) == str(now + HOUR)
    ROOT.ask('DELETE FROM app.delegations')


def test_undone_by_whom_it_concerns():
    """Who is an administrator no more does not bring back what another person's stand-in was."""
    SERVER.server('add-user', 'olga', '--role', 'sales', '--role', 'admin', '--scope', 'region:north', '--user-password-file', SERVER.secret('olga'))
    olga, now = SERVER.device('olga'), SERVER.now()

    def bring_back(admin=False):
        ROOT.ask('DELETE FROM app.delegations; GRANT tower_admin TO olga')
        applied(away('accounting', 'legal', now - HOUR, now + HOUR))
        row = ROOT.value('SELECT id FROM app.delegations')
        applied(olga.push('absence.end', change('delegations', row, 'delete')))
        if not admin:
            ROOT.ask('REVOKE tower_admin FROM olga')
        return olga.push('command.undo', change('delegations', row, 'insert'), undoes=olga.command)
    SERVER.rule_holds(bring_back, 'absence_is_mine', 'sync.check_undone', 'why IS NOT NULL')
    applied(bring_back(True))
    ROOT.ask('DELETE FROM app.delegations; DELETE FROM app.absences')


def test_absence_is_as_said():
    """Nobody plans for longer than 400 days, and ending an absence makes neither it nor what the stand-in may do longer."""
    now = SERVER.now()
    SERVER.rule_holds(lambda: away('accounting', 'legal', now, now + 400 * 24 * HOUR + 1), '400 days', 'app.check_absence',
                      'NEW.ends_at - NEW.starts_at > 400 * 86400000::bigint')
    ROOT.ask('DELETE FROM app.delegations; DELETE FROM app.absences')
    applied(away('accounting', 'legal', now, now + 400 * 24 * HOUR))
    for table in 'absences', 'delegations':
        row, ends_at = ROOT.ask(f'SELECT id, ends_at FROM app.{table}')[0]
        SERVER.rule_holds(lambda t=table, r=row, e=int(ends_at): SERVER.device('accounting').push(
            'absence.end', change(t, r, 'update', ends_at=[e, 253370764800000])), 'not made longer', 'app.check_absence', 'NEW.ends_at > OLD.ends_at')
        accounting = SERVER.device('accounting')

        def put_back(until, t=table, r=row):
            """What an undo puts back was there before."""
            ROOT.ask(f'UPDATE app.{t} SET ends_at = $2 WHERE id = $1', r, until)
            applied(accounting.push('absence.end', change(t, r, 'update', ends_at=[until, now + 1])))
            return accounting.push('command.undo', change(t, r, 'update', ends_at=[now + 1, until]), undoes=accounting.command)
        applied(put_back(int(ends_at)))
        SERVER.rule_holds(lambda: put_back(253370764800000), '400 days', 'app.check_absence', 'NEW.ends_at - NEW.starts_at > 400 * 86400000::bigint')
    ROOT.ask('DELETE FROM app.delegations; DELETE FROM app.absences')


def add_carla():
    SERVER.devices.pop('carla', None)
    SERVER.server('add-user', 'carla', '--role', 'legal', '--scope', 'region:north', '--user-password-file', SERVER.secret('carla'))


def test_who_comes_after():
    """Who gets the login of somebody who is gone stands in for nobody, and has nothing that was handed to that one."""
    def stands_in(by='accounting'):
        add_carla()
        now = SERVER.now()
        applied(away('carla', 'berta', now - HOUR, now + HOUR))
        applied(away('carla', 'berta', now + HOUR, now + 2 * HOUR))
        applied(away(by, 'carla', now - HOUR, now + HOUR))
        return SERVER.draft()

    def handed():
        add_carla()
        made = SERVER.draft()
        applied(delegate(made, 'accounting', 'carla'))
        return made

    def another(made):
        since = ROOT.value('SELECT sync.current_tid()')
        SERVER.server('remove-user', 'carla')
        feed.append(ROOT.ask('SELECT DISTINCT t.name FROM sync.entry e JOIN sync.tables t ON t.id = e.tbl WHERE e.tid > $1 ORDER BY 1', since))
        add_carla()
        answer = SERVER.approve(made, 'carla')
        SERVER.server('remove-user', 'carla')
        return answer

    feed = []
    SERVER.rule_holds(lambda: another(stands_in()), 'approval_is_my_teams', 'sync.part_with', 'person IN (d.person_id, d.delegate_id)')
    # those who follow hear of it
    assert {('absences',), ('delegations',), ('people',)} <= set(feed[0]), feed
    assert ROOT.value('SELECT count(*) FROM app.absences WHERE person_id = $1 AND ends_at > sync.now_ms()', person('carla')) == '0'
    ROOT.ask('DELETE FROM app.delegations; DELETE FROM app.absences; UPDATE app.people SET archived_at = archived_at')
    made = handed()
    refused(another(made), 'approval_is_my_teams')
    assert ('approvals',) in feed[-1], feed
    applied(SERVER.approve(made))
    made = handed()
    with SERVER.without('sync.part_with', 'gone IN (a.delegated_to, a.delegated_by)'):
        applied(another(made))
    # what comes while nobody has the login was meant for the one before
    add_carla()
    SERVER.server('remove-user', 'carla')
    made, now = SERVER.draft(), SERVER.now()
    applied(delegate(made, 'accounting', 'carla'))
    applied(away('accounting', 'carla', now - HOUR, now + HOUR))
    add_carla()
    refused(SERVER.approve(made, 'carla'), 'approval_is_my_teams')


def delegate(made, by, to, said=None):
    return SERVER.device(by).push('approval.delegate', change('approvals', made.id, 'update', delegated_to=[None, to],
                                                              delegated_by=[None, said or by]))


def test_delegated():
    """One approval is handed on by who may decide it, in their own name."""
    made = SERVER.draft()
    refused(delegate(made, 'legal', 'legal', 'accounting'), 'approval_is_my_teams')
    refused(delegate(made, 'accounting', 'accounting'), 'handed to a team')
    SERVER.rule_holds(lambda: delegate(SERVER.draft(), 'berta', 'legal', 'accounting'), 'handed to a team', 'app.decide_approval',
                      "(NEW.delegated_by, NEW.state) IS DISTINCT FROM (session_user::text, 'pending')")
    applied(delegate(made, 'accounting', 'legal'))
    applied(SERVER.approve(made, 'legal'))
    # a viewer is nobody's stand-in
    made = SERVER.draft()
    applied(delegate(made, 'accounting', 'viewer'))
    refused(SERVER.approve(made, 'viewer'), 'none of your roles')


def decide(login, made, command, state, role=None, before='pending', **columns):
    return SERVER.device(login).push(command, change('approvals', made.id, 'update', state=[before, state], decided_by=[None, login],
                                                     decided_role=[None, role or login], decided_at=[None, 1], **columns))


def test_expired():
    """What nobody decides in time is rejected: by the server's clock, not before, and for good."""
    SERVER.rule_holds(lambda: SERVER.approve(SERVER.draft(expires_at=SERVER.now() - 1), post=False), 'is over', 'app.check_approved',
                      'a.expires_at <= sync.now_ms()')
    SERVER.rule_holds(lambda: decide('agent', SERVER.draft(), 'approval.expire', 'expired'), 'not expired yet', 'app.decide_approval',
                      "NEW.state = 'expired' AND OLD.expires_at > sync.now_ms()")
    made = SERVER.draft(expires_at=SERVER.now() - 1)
    applied(decide('agent', made, 'approval.expire', 'expired'))
    refused(SERVER.approve(made, post=False), 'meanwhile')
    with SERVER.without('sync.differences', "WHEN c.kind = 'derived' THEN false", 'WHEN true THEN false'):
        refused(SERVER.approve(made), 'already decided')
    SERVER.rule_holds(lambda: SERVER.draft(expires_at=SERVER.now() + 105 * 24 * HOUR).answer, '104 days', 'app.check_new_approval',
                      'a.expires_at > sync.now_ms() + 104 * 86400000::bigint')


def test_once():
    """A nonce is used once, and a decision is for good; a no says why."""
    nonce = os.urandom(16).hex()
    applied(SERVER.approve(SERVER.draft(), nonce=nonce))
    refused(SERVER.approve(SERVER.draft(), nonce=nonce), 'used before')
    ROOT.ask('ALTER TABLE app.approvals DROP CONSTRAINT approvals_nonce_key')
    SERVER.rule_holds(lambda: SERVER.approve(SERVER.draft(), nonce=nonce), 'used before', 'app.check_approved',
                      'EXISTS (SELECT FROM app.approvals x WHERE x.nonce = a.nonce AND x.id <> a.id)')
    SERVER.rule_holds(lambda: decide('accounting', SERVER.draft(), 'approval.reject', 'rejected'), 'says why', 'app.decide_approval',
                      "NEW.state IN ('rejected', 'changes_requested') AND btrim(NEW.comment) = ''")
    SERVER.rule_holds(lambda: decide('accounting', SERVER.draft(), 'approval.reject', 'rejected', 'legal', comment=['', 'no']),
                      'not got the role', 'app.decide_approval', 'NOT app.has_role(session_user, coalesce(NEW.decided_role, \'\'))')
    made = SERVER.draft()
    applied(decide('accounting', made, 'approval.reject', 'rejected', comment=['', 'no']))
    with SERVER.without('sync.differences', "WHEN c.kind = 'derived' THEN false", 'WHEN true THEN false'):
        refused(SERVER.approve(made), 'already decided')


def psql(login, statement):
    """As somebody at a terminal, with their own password."""
    done = subprocess.run(['psql', '-X', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-h', '127.0.0.1', '-p', str(SERVER.port), '-U', login,
                           '-d', SERVER.database, '-c', statement], capture_output=True, text=True, check=False, timeout=60,
                          stdin=subprocess.DEVNULL, env={**os.environ, 'PGPASSWORD': SERVER.password(login)})
    return done.returncode, done.stdout.strip(), done.stderr


def test_at_a_terminal():
    """A person with psql and their own password sends nothing without an approval, approves nothing that they may not, touches
    no leaf of the log, and reads what their role reads."""
    made = SERVER.draft()
    ROOT.ask("INSERT INTO app.distributors (id, legal_name, currency, region) VALUES (gen_random_uuid(), 'Geheim', 'EUR', 'south')")
    leaf = ROOT.value('SELECT ev_id FROM audit.leaves LIMIT 1')
    for login in 'accounting', 'admin', 'agent', 'viewer':
        for statement in (
                f"INSERT INTO app.outbox SELECT * FROM app.outbox WHERE approval_id = '{made.id}'",
                "UPDATE app.outbox SET state = 'sending'", "UPDATE api.outbox SET state = 'sending'",
                f"UPDATE app.approvals SET state = 'approved' WHERE id = '{made.id}'", 'DELETE FROM app.approvals',
                f"UPDATE audit.leaves SET leaf = '' WHERE ev_id = '{leaf}'", f"DELETE FROM audit.leaves WHERE ev_id = '{leaf}'",
                'TRUNCATE audit.leaves', 'DELETE FROM audit.disclosures', 'SELECT * FROM audit.leaves', 'SELECT * FROM sync.devices',
                "SELECT app.send_post()", "ALTER TABLE app.outbox DISABLE TRIGGER ALL", 'SET session_replication_role = replica'):
            code, _out, problem = psql(login, statement)
            assert code != 0 and ('permission denied' in problem or 'must be owner' in problem), (login, statement, problem)
        code, out, problem = psql(login, "SELECT count(*) FROM app.distributors WHERE legal_name = 'Geheim'")
        assert (code, out) == (0, '0'), (login, problem)
        assert psql(login, 'SELECT count(*) > 0 FROM app.distributors')[:2] == (0, 't'), login
        # the one function that writes: the decision is another team's, or takes a device of their own
        code, out, problem = psql(login, 'SELECT api.command(\'approval.approve\', \'{"id": "%s"}\')' % made.id)
        assert code != 0 and ('not a command for programs' in problem or 'none of your roles' in problem), (login, problem)
        code, out, problem = psql(login, f"SELECT api.apply('{SERVER.device('berta').id}', 1, '{{}}', '[]')")
        assert code != 0 and 'not enrolled' in problem, (login, problem)
    assert ROOT.value('SELECT state FROM app.approvals WHERE id = $1', made.id) == 'pending'


def main():
    try:
        run_tests([value for name, value in globals().items() if name.startswith('test_')])
    finally:
        SERVER.stop()


main()
