-- Exceptions, follow-up tasks, drafts, approvals, posts.

CREATE TABLE exceptions(
  id BLOB NOT NULL PRIMARY KEY CHECK(length(id) = 16), n INTEGER NOT NULL UNIQUE, rev INTEGER NOT NULL DEFAULT 1,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  number TEXT NOT NULL UNIQUE,
  rule TEXT NOT NULL, blocker TEXT NOT NULL,
  subject_type TEXT NOT NULL CHECK(subject_type IN ('order', 'distributor', 'invoice', 'shipment', 'document', 'interaction', 'product')),
  subject_id BLOB NOT NULL, subject TEXT NOT NULL,
  order_id BLOB REFERENCES orders(id), distributor_id BLOB REFERENCES distributors(id),
  score INTEGER NOT NULL CHECK(score BETWEEN 0 AND 100),
  severity TEXT NOT NULL CHECK(severity IN ('low', 'medium', 'high', 'critical')),
  value_at_risk_minor INTEGER NOT NULL DEFAULT 0, currency TEXT NOT NULL DEFAULT 'EUR',
  country TEXT NOT NULL DEFAULT '', owner TEXT NOT NULL, agent TEXT NOT NULL DEFAULT '',
  tags TEXT NOT NULL DEFAULT '[]', next_action TEXT NOT NULL DEFAULT '',
  evidence TEXT NOT NULL DEFAULT '[]' CHECK(json_valid(evidence)),
  episode INTEGER NOT NULL DEFAULT 1,
  state TEXT NOT NULL DEFAULT 'open' CHECK(state IN ('open', 'cleared', 'closed')),
  opened_at INTEGER NOT NULL, cleared_at INTEGER, closed_reason TEXT,
  UNIQUE(rule, subject_id)) STRICT;
CREATE INDEX exceptions_state_score ON exceptions(state, score DESC, n);
CREATE INDEX exceptions_state_opened ON exceptions(state, opened_at DESC, n);
CREATE INDEX exceptions_state_value ON exceptions(state, value_at_risk_minor DESC, n);
CREATE INDEX exceptions_owner ON exceptions(owner, state, score DESC, n);
CREATE INDEX exceptions_subject ON exceptions(subject_id);
CREATE INDEX exceptions_order ON exceptions(order_id) WHERE order_id IS NOT NULL;
CREATE INDEX exceptions_distributor ON exceptions(distributor_id) WHERE distributor_id IS NOT NULL;

-- Earlier episodes of an exception: what was, when it began and ended.
CREATE TABLE exception_episodes(
  id BLOB NOT NULL PRIMARY KEY CHECK(length(id) = 16), n INTEGER NOT NULL UNIQUE, rev INTEGER NOT NULL DEFAULT 1,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  exception_id BLOB NOT NULL REFERENCES exceptions(id), episode INTEGER NOT NULL,
  opened_at INTEGER NOT NULL, ended_at INTEGER NOT NULL, ended_as TEXT NOT NULL CHECK(ended_as IN ('cleared', 'closed')),
  score INTEGER NOT NULL, evidence TEXT NOT NULL, UNIQUE(exception_id, episode)) STRICT;

CREATE TABLE follow_up_tasks(
  id BLOB NOT NULL PRIMARY KEY CHECK(length(id) = 16), n INTEGER NOT NULL UNIQUE, rev INTEGER NOT NULL DEFAULT 1,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  number TEXT NOT NULL UNIQUE,
  exception_id BLOB REFERENCES exceptions(id), order_id BLOB REFERENCES orders(id), distributor_id BLOB REFERENCES distributors(id),
  interaction_id BLOB,
  title TEXT NOT NULL DEFAULT '',
  assigned_agent TEXT NOT NULL, human_owner TEXT NOT NULL, assignee TEXT,
  status TEXT NOT NULL CHECK(status IN ('open', 'assigned', 'scheduled', 'drafting', 'waiting_for_human_approval', 'approved',
    'posted', 'awaiting_reply', 'resolved', 'snoozed', 'escalated', 'blocked', 'reopened')),
  status_since_at INTEGER NOT NULL, status_before TEXT,
  priority INTEGER NOT NULL DEFAULT 50,
  sla_policy TEXT NOT NULL DEFAULT '', sla_due_at INTEGER, sla_warning_at INTEGER, sla_hard_at INTEGER,
  next_check_at INTEGER, cadence_ms INTEGER NOT NULL DEFAULT 86400000, snoozed_until INTEGER,
  escalation_rule TEXT NOT NULL DEFAULT '', escalate_at INTEGER, escalate_to TEXT NOT NULL DEFAULT '',
  channel_policy TEXT NOT NULL DEFAULT 'human_approval_required',
  allowed_actions TEXT NOT NULL DEFAULT '[]', blocked_actions TEXT NOT NULL DEFAULT '[]',
  last_channel_message_id TEXT, audit_required INTEGER NOT NULL DEFAULT 1 CHECK(audit_required IN (0, 1)),
  resolved_at INTEGER, resolution TEXT) STRICT;
CREATE INDEX follow_up_tasks_status ON follow_up_tasks(status, sla_due_at);
CREATE INDEX follow_up_tasks_next_check ON follow_up_tasks(next_check_at) WHERE next_check_at IS NOT NULL;
CREATE INDEX follow_up_tasks_exception ON follow_up_tasks(exception_id);
CREATE INDEX follow_up_tasks_order ON follow_up_tasks(order_id);
CREATE INDEX follow_up_tasks_distributor ON follow_up_tasks(distributor_id);
CREATE TABLE task_channels(
  id BLOB NOT NULL PRIMARY KEY CHECK(length(id) = 16), n INTEGER NOT NULL UNIQUE, rev INTEGER NOT NULL DEFAULT 1,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  task_id BLOB NOT NULL REFERENCES follow_up_tasks(id), position INTEGER NOT NULL, channel TEXT NOT NULL, destination TEXT NOT NULL,
  thread_id TEXT, UNIQUE(task_id, channel, destination)) STRICT;
CREATE TABLE task_notes(
  id BLOB NOT NULL PRIMARY KEY CHECK(length(id) = 16), n INTEGER NOT NULL UNIQUE, rev INTEGER NOT NULL DEFAULT 1,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  subject_type TEXT NOT NULL, subject_id BLOB NOT NULL, author TEXT NOT NULL, text TEXT NOT NULL) STRICT;
CREATE INDEX task_notes_subject ON task_notes(subject_id, created_at);
CREATE TABLE sla_events(
  id BLOB NOT NULL PRIMARY KEY CHECK(length(id) = 16), n INTEGER NOT NULL UNIQUE, rev INTEGER NOT NULL DEFAULT 1,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  subject_type TEXT NOT NULL, subject_id BLOB NOT NULL,
  target TEXT NOT NULL CHECK(target IN ('first_response', 'next_response', 'resolution')), instance INTEGER NOT NULL,
  event TEXT NOT NULL CHECK(event IN ('activate', 'pause', 'resume', 'fulfil', 'breach')),
  at INTEGER NOT NULL, party TEXT NOT NULL DEFAULT '', body TEXT NOT NULL DEFAULT '{}') STRICT;
CREATE INDEX sla_events_subject ON sla_events(subject_id, at, n);

CREATE TABLE ai_outputs(
  id BLOB NOT NULL PRIMARY KEY CHECK(length(id) = 16), n INTEGER NOT NULL UNIQUE, rev INTEGER NOT NULL DEFAULT 1,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  task_id BLOB NOT NULL REFERENCES follow_up_tasks(id), revision INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK(kind IN ('email', 'internal_update', 'channel_post', 'reply', 'digest', 'escalation_summary')),
  channel TEXT NOT NULL DEFAULT '', destination TEXT NOT NULL DEFAULT '', language TEXT NOT NULL DEFAULT 'en',
  subject TEXT NOT NULL DEFAULT '', text TEXT NOT NULL,
  provider TEXT NOT NULL, model TEXT NOT NULL, prompt_version TEXT NOT NULL,
  confidence INTEGER NOT NULL CHECK(confidence BETWEEN 0 AND 100), rationale TEXT NOT NULL DEFAULT '',
  facts TEXT NOT NULL DEFAULT '[]' CHECK(json_valid(facts)), findings TEXT NOT NULL DEFAULT '[]' CHECK(json_valid(findings)),
  author TEXT NOT NULL, based_on BLOB REFERENCES ai_outputs(id),
  UNIQUE(task_id, channel, destination, revision)) STRICT;
CREATE TABLE proposed_actions(
  id BLOB NOT NULL PRIMARY KEY CHECK(length(id) = 16), n INTEGER NOT NULL UNIQUE, rev INTEGER NOT NULL DEFAULT 1,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  task_id BLOB NOT NULL REFERENCES follow_up_tasks(id), output_id BLOB REFERENCES ai_outputs(id), action TEXT NOT NULL,
  body TEXT NOT NULL DEFAULT '{}', state TEXT NOT NULL DEFAULT 'proposed' CHECK(state IN ('proposed', 'accepted', 'declined', 'dropped')),
  decided_by TEXT, decided_at INTEGER) STRICT;
CREATE INDEX proposed_actions_task ON proposed_actions(task_id);

CREATE TABLE approvals(
  id BLOB NOT NULL PRIMARY KEY CHECK(length(id) = 16), n INTEGER NOT NULL UNIQUE, rev INTEGER NOT NULL DEFAULT 1,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  number TEXT NOT NULL UNIQUE,
  task_id BLOB NOT NULL REFERENCES follow_up_tasks(id), output_id BLOB NOT NULL REFERENCES ai_outputs(id),
  owner TEXT NOT NULL, channel TEXT NOT NULL, destination TEXT NOT NULL,
  wire BLOB NOT NULL, payload_sha256 BLOB NOT NULL CHECK(length(payload_sha256) = 32),
  context TEXT NOT NULL CHECK(json_valid(context)), context_sha256 BLOB NOT NULL CHECK(length(context_sha256) = 32),
  amount_minor INTEGER NOT NULL DEFAULT 0, currency TEXT NOT NULL DEFAULT 'EUR',
  policy TEXT NOT NULL DEFAULT '{}' CHECK(json_valid(policy)),
  state TEXT NOT NULL DEFAULT 'pending'
    CHECK(state IN ('pending', 'approved', 'rejected', 'changes_requested', 'voided', 'expired', 'replaced')),
  expires_at INTEGER NOT NULL, deadline_at INTEGER,
  edited_by TEXT, decided_by TEXT, decided_role TEXT, decided_at INTEGER, comment TEXT NOT NULL DEFAULT '', void_reason TEXT,
  nonce BLOB, device_id BLOB, signature BLOB CHECK(length(signature) = 64),
  CHECK(state <> 'approved' OR (signature IS NOT NULL AND nonce IS NOT NULL AND decided_by IS NOT NULL))) STRICT;
CREATE INDEX approvals_state ON approvals(state, deadline_at, n);
CREATE INDEX approvals_task ON approvals(task_id);
CREATE TRIGGER approvals_bytes_are_hashed BEFORE INSERT ON approvals
  WHEN sha256(new.wire) IS NOT new.payload_sha256 OR sha256(new.context) IS NOT new.context_sha256 OR new.state <> 'pending'
  BEGIN SELECT RAISE(ABORT, 'an approval begins pending and names the hash of its bytes'); END;
CREATE TRIGGER approvals_bytes_stay BEFORE UPDATE ON approvals
  WHEN new.wire IS NOT old.wire OR new.payload_sha256 IS NOT old.payload_sha256 OR new.destination IS NOT old.destination
    OR new.channel IS NOT old.channel OR new.context_sha256 IS NOT old.context_sha256 OR new.context IS NOT old.context
    OR new.task_id IS NOT old.task_id OR new.expires_at IS NOT old.expires_at
  BEGIN SELECT RAISE(ABORT, 'the bytes of an approval are fixed; a change asks for a new approval'); END;
CREATE TRIGGER approvals_only_pending_is_decided BEFORE UPDATE OF state ON approvals
  WHEN old.state <> 'pending' AND new.state <> old.state AND NOT (old.state = 'approved' AND new.state = 'voided')
  BEGIN SELECT RAISE(ABORT, 'this approval is already decided'); END;

-- One row a post. It can only be made from an approved approval, with the same bytes, once.
CREATE TABLE outbox(
  id BLOB NOT NULL PRIMARY KEY CHECK(length(id) = 16), n INTEGER NOT NULL UNIQUE, rev INTEGER NOT NULL DEFAULT 1,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  number TEXT NOT NULL UNIQUE,
  approval_id BLOB NOT NULL UNIQUE REFERENCES approvals(id), task_id BLOB NOT NULL REFERENCES follow_up_tasks(id),
  distributor_id BLOB REFERENCES distributors(id),
  channel TEXT NOT NULL, destination TEXT NOT NULL, wire BLOB NOT NULL, payload_sha256 BLOB NOT NULL CHECK(length(payload_sha256) = 32),
  approver TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'ready'
    CHECK(state IN ('ready', 'leased', 'sending', 'sent', 'sent_unconfirmed', 'failed', 'unknown', 'cancelled', 'retracted')),
  delivery_status TEXT CHECK(delivery_status IN ('delivered', 'read', 'failed')),
  ready_at INTEGER NOT NULL, leased_until INTEGER, lease_holder TEXT, fence INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0, sent_at INTEGER, external_message_id TEXT, thread_id TEXT, problem TEXT) STRICT;
CREATE INDEX outbox_state ON outbox(state, ready_at);
CREATE INDEX outbox_task ON outbox(task_id);
CREATE INDEX outbox_quiet ON outbox(distributor_id, sent_at);
CREATE TRIGGER outbox_needs_an_approval BEFORE INSERT ON outbox
  WHEN sha256(new.wire) IS NOT new.payload_sha256 OR new.state <> 'ready'
    OR NOT EXISTS (SELECT 1 FROM approvals a WHERE a.id = new.approval_id AND a.state = 'approved'
      AND a.payload_sha256 = new.payload_sha256 AND a.destination = new.destination AND a.channel = new.channel
      AND a.task_id = new.task_id AND a.decided_by = new.approver AND a.expires_at > a.decided_at)
  BEGIN SELECT RAISE(ABORT, 'no approval, no post'); END;
CREATE TRIGGER outbox_bytes_stay BEFORE UPDATE ON outbox
  WHEN new.wire IS NOT old.wire OR new.payload_sha256 IS NOT old.payload_sha256 OR new.destination IS NOT old.destination
    OR new.channel IS NOT old.channel OR new.approval_id IS NOT old.approval_id OR new.fence < old.fence
  BEGIN SELECT RAISE(ABORT, 'the bytes of a post are fixed'); END;
CREATE TRIGGER outbox_steps BEFORE UPDATE OF state ON outbox
  WHEN new.state <> old.state AND NOT (
       (old.state = 'ready' AND new.state IN ('leased', 'cancelled', 'failed'))
    OR (old.state = 'leased' AND new.state IN ('ready', 'sending', 'failed', 'cancelled'))
    OR (old.state = 'sending' AND new.state IN ('ready', 'sent', 'sent_unconfirmed', 'failed', 'unknown'))
    OR (old.state = 'unknown' AND new.state IN ('sent', 'failed', 'ready'))
    OR (old.state = 'failed' AND new.state = 'ready')
    OR (old.state IN ('sent', 'sent_unconfirmed') AND new.state = 'retracted'))
  BEGIN SELECT RAISE(ABORT, 'a post cannot take this step'); END;

-- Each try to send, for the timeline and for support.
CREATE TABLE delivery_attempts(
  id BLOB NOT NULL PRIMARY KEY CHECK(length(id) = 16), n INTEGER NOT NULL UNIQUE, rev INTEGER NOT NULL DEFAULT 1,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  post_id BLOB NOT NULL REFERENCES outbox(id), attempt INTEGER NOT NULL, began_at INTEGER NOT NULL, ended_at INTEGER,
  outcome TEXT NOT NULL, detail TEXT NOT NULL DEFAULT '', UNIQUE(post_id, attempt)) STRICT;
-- Replies seen in a post's thread.
CREATE TABLE replies(
  id BLOB NOT NULL PRIMARY KEY CHECK(length(id) = 16), n INTEGER NOT NULL UNIQUE, rev INTEGER NOT NULL DEFAULT 1,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  task_id BLOB NOT NULL REFERENCES follow_up_tasks(id), post_id BLOB REFERENCES outbox(id), channel TEXT NOT NULL,
  external_message_id TEXT NOT NULL, author TEXT NOT NULL DEFAULT '', text TEXT NOT NULL, received_at INTEGER NOT NULL,
  UNIQUE(channel, external_message_id)) STRICT;
CREATE INDEX replies_task ON replies(task_id);
