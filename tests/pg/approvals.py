#!/usr/bin/python3
"""Approvals and posts over api.apply: what forged calls cannot do, and that the right one can."""
import hashlib
import json
import os
import sys
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'e2e'))

from guarded import Device, Guarded, change  # pylint: disable=wrong-import-position
from tower import run_tests  # pylint: disable=wrong-import-position

SERVER = Guarded('approvals')
ROOT = SERVER.root
AGENT, LEGAL, ACCOUNTING = (Device(SERVER, name) for name in ('agent', 'legal', 'accounting'))
ROOT.ask("UPDATE sync.devices SET public_key = sha256('key')")
NAME, BODY = ROOT.ask('SELECT name, body FROM app.agent_profiles ORDER BY name LIMIT 1')[0]
TERMS = json.loads(BODY)['approval']


def draft(**columns):
    """A pending approval of a task of accounting's, drafted by the service."""
    region = str(uuid.uuid4())
    ROOT.ask("INSERT INTO app.distributors (id, legal_name, currency, region) VALUES ($1, 'A', 'EUR', 'north')", region)
    task, output, approval = (str(uuid.uuid4()) for _ in range(3))
    ROOT.ask("INSERT INTO app.follow_up_tasks (id, distributor_id, assigned_agent, human_owner, status)"
             " VALUES ($1, $2, $3, 'accounting', 'drafting')", task, region, NAME)
    wire = b'{"text":"hello","key":"' + approval.encode() + b'"}'
    values = {'task_id': task, 'output_id': output, 'owner': 'legal', 'channel': 'slack', 'destination': '#ops', 'wire': wire.hex(),
              'payload_sha256': hashlib.sha256(wire).hexdigest(), 'context': '{}', 'context_sha256': hashlib.sha256(b'{}').hexdigest(),
              'policy': json.dumps(TERMS), 'state': 'pending', 'expires_at': 1 + int(ROOT.value('SELECT sync.now_ms()')) + 3600000,
              **columns}
    answer = AGENT.push('draft.store', change('ai_outputs', output, 'insert', **{k: [None, v] for k, v in {
        'task_id': task, 'revision': 1, 'kind': 'channel_post', 'channel': 'slack', 'destination': '#ops', 'text': 'hello',
        'provider': 'a', 'model': 'a', 'prompt_version': '1', 'confidence': 1, 'author': NAME}.items()}),
                        change('approvals', approval, 'insert', **{k: [None, v] for k, v in values.items()}))
    return approval, values, answer


def approve(device, login, made, post=True, **columns):
    approval, values, _ = made
    said = {'decided_by': login, 'decided_role': login, 'nonce': os.urandom(16).hex(), 'device_id': device.id,
            'signature': '00' * 64, 'decided_at': 1, **columns}
    changes = [change('approvals', approval, 'update', state=['pending', 'approved'], **{k: [None, v] for k, v in said.items()})]
    if post:
        changes.append(change('outbox', str(uuid.uuid4()), 'insert', approval_id=[None, approval], approver=[None, login],
                              ready_at=[None, 1], **{k: [None, values[k]] for k in (
                                  'task_id', 'channel', 'destination', 'wire', 'payload_sha256')}))
    return device.push('approval.approve', *changes)


def refused(answer, words):
    assert answer['outcome'] == 'rejected' and words in answer['reason'], (words, answer)


def test_approved():
    made = draft()
    assert made[2]['outcome'] == 'applied', made[2]
    assert ROOT.value('SELECT owner FROM app.approvals WHERE id = $1', made[0]) == 'accounting', 'the task says whose it is'
    refused(approve(LEGAL, 'legal', made), 'approval_is_my_teams')
    refused(approve(ACCOUNTING, 'legal', made), 'for themselves')
    refused(approve(ACCOUNTING, 'accounting', made, device_id=LEGAL.id), 'enrolled key')
    refused(approve(ACCOUNTING, 'accounting', made, nonce='00'), 'nonce of 16 bytes')
    done = approve(ACCOUNTING, 'accounting', made, nonce='ab' * 16)
    assert done['outcome'] == 'applied', done
    assert ROOT.value('SELECT count(*) FROM app.outbox WHERE approval_id = $1', made[0]) == '1'
    refused(approve(ACCOUNTING, 'accounting', draft(), nonce='ab' * 16), 'used before')


def test_forged():
    refused(draft(wire='00')[2], 'hashes of its bytes')
    refused(draft(policy='{"kind":"four_eyes","thresholds":[{"amountMinor":1,"currency":"CHF"}]}')[2], 'policy')
    late = draft(expires_at=1000)
    refused(approve(ACCOUNTING, 'accounting', late), 'is over')
    made = draft()
    made[1]['destination'] = '#all'
    refused(approve(ACCOUNTING, 'accounting', made), 'no approval, no post')


def main():
    try:
        run_tests([value for name, value in globals().items() if name.startswith('test_')])
    finally:
        SERVER.stop()


main()
