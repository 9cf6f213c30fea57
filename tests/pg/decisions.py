"""What the tests of approvals and of posts share: drafts, decisions and deliveries as a client that forges its calls makes
them, and a server without one of its rules."""
import contextlib
import hashlib
import json
import os
import sys
import threading
import time
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'e2e'))

from guarded import Device, Guarded, change  # pylint: disable=wrong-import-position

AGENT = 'AccountingFollowUpAgent'                 # one approver; four eyes from 25,000 EUR
CAREFUL = 'LegalFollowUpAgent'                    # four eyes
HOUR = 3600000


def insert(table, row, **columns):
    return change(table, row, 'insert', **{name: [None, value] for name, value in columns.items()})


def refused(answer, words):
    assert answer['outcome'] == 'rejected' and words in answer['reason'], (words, answer)


def applied(answer):
    assert answer['outcome'] == 'applied', answer


class Made:
    """An approval with the values that it was asked for with."""

    def __init__(self, row, values, answer):
        self.id, self.values, self.answer = row, values, answer


class Decisions(Guarded):
    """Guarded, with two accountants, the service, and keys for their devices. Posts are due at once."""

    def __init__(self, database):
        super().__init__(database)
        self.server('add-user', 'berta', '--role', 'accounting', '--scope', 'region:north', '--user-password-file', self.secret('berta'))
        self.devices = {}
        self.root.ask("INSERT INTO app.settings (id, key, value) VALUES (gen_random_uuid(), 'delivery.undo_window', '0s')")
        for name in 'slack', 'mail':
            self.root.ask("INSERT INTO app.channels (id, name, kind, base_url) VALUES (gen_random_uuid(), $1, 'slack', 'https://a.example')", name)

    def device(self, login):
        if login not in self.devices:
            self.devices[login] = Device(self, login)
            self.root.ask("UPDATE sync.devices SET public_key = sha256('key') WHERE id = $1", self.devices[login].id)
        return self.devices[login]

    def now(self):
        return int(self.root.value('SELECT sync.now_ms()'))

    def terms(self, agent):
        return json.loads(self.root.value('SELECT body FROM app.agent_profiles WHERE name = $1', agent))['approval']

    def task(self, agent=AGENT, amount=0, meant=''):
        """One of accounting's, of an exception of that value in EUR; meant: the agent that its rule names."""
        distributor, exception, task = (str(uuid.uuid4()) for _ in range(3))
        self.root.ask("INSERT INTO app.distributors (id, legal_name, currency, region) VALUES ($1, 'A', 'EUR', 'north')", distributor)
        self.root.ask('INSERT INTO app.exceptions (id, rule, blocker, subject_type, subject_id, subject, distributor_id, score, severity,'
                      " value_at_risk_minor, owner, agent, opened_at) VALUES ($1, 'r', 'b', 'distributor', $2, 'A', $2, 1, 'low', $3,"
                      " 'accounting', $4, 1)", exception, distributor, amount, meant)
        self.root.ask('INSERT INTO app.follow_up_tasks (id, exception_id, distributor_id, assigned_agent, human_owner, status)'
                      " VALUES ($1, $2, $3, $4, 'accounting', 'drafting')", task, exception, distributor, agent)
        return task

    def draft(self, by='agent', agent=AGENT, amount=0, channel='slack', **columns):
        """What is asked for by draft.store."""
        output, approval = str(uuid.uuid4()), str(uuid.uuid4())
        wire = b'{"text":"hello","key":"' + approval.encode() + b'"}'
        values = {'task_id': columns.get('task_id') or self.task(agent, amount), 'output_id': output, 'owner': 'legal', 'channel': channel, 'destination': '#ops',
                  'wire': wire.hex(), 'payload_sha256': hashlib.sha256(wire).hexdigest(), 'context': '{}',
                  'context_sha256': hashlib.sha256(b'{}').hexdigest(), 'policy': json.dumps(self.terms(agent)), 'state': 'pending',
                  'expires_at': self.now() + HOUR, **columns}
        answer = self.device(by).push(
            'draft.store', insert('ai_outputs', output, task_id=values['task_id'], revision=1, kind='channel_post', channel=channel,
                                  destination='#ops', text='hello', provider='a', model='a', prompt_version='1', confidence=1, author=agent),
            insert('approvals', approval, **values))
        return Made(approval, values, answer)

    def approve(self, made, login='accounting', post=None, **columns):
        """As that login; post: what the post says otherwise than the approval, False for none."""
        said = {'decided_by': login, 'decided_role': login, 'nonce': os.urandom(16).hex(), 'device_id': self.device(login).id,
                'signature': '00' * 64, 'decided_at': 1, **columns}
        changes = [change('approvals', made.id, 'update', state=['pending', 'approved'], **{k: [None, v] for k, v in said.items()})]
        if post is not False:
            values = {'approval_id': made.id, 'approver': login, 'ready_at': 1,
                      **{k: made.values[k] for k in ('task_id', 'channel', 'destination', 'wire', 'payload_sha256')}, **(post or {})}
            changes.append(insert('outbox', uuid.uuid4(), **values))
        return self.device(login).push('approval.approve', *changes)

    def meanwhile(self, device, first, then):
        """What becomes of the second while the first one's transaction is open: its answer, once either it has settled by itself
        or waits and the first is committed."""
        device.session.ask('BEGIN')
        applied(first())
        answers = []
        other = threading.Thread(target=lambda: answers.append(then()))
        other.start()
        while other.is_alive() and self.root.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") == '0':
            time.sleep(0.01)
        device.session.ask('COMMIT')
        other.join()
        return answers[0]

    @contextlib.contextmanager
    def without(self, function, condition, instead='false'):
        """The server as it would be if a function of it did not ask one of its questions."""
        there = self.root.value('SELECT pg_get_functiondef($1::regproc)', function)
        assert there.count(condition) == 1, f'{function}: {condition}'
        self.root.ask(there.replace(condition, instead))
        try:
            yield
        finally:
            self.root.ask(there)

    def rule_holds(self, attempt, words, function, condition, instead='false'):
        """An attempt is refused with these words by that question, and by nothing else."""
        refused(attempt(), words)
        with self.without(function, condition, instead):
            applied(attempt())
