-- What agents write, what people decide on it, and what goes out. All of it is seen where its task is.
SET LOCAL ROLE tower_owner;

CREATE TABLE app.articles (
  id uuid PRIMARY KEY, rev bigint NOT NULL, created_at bigint NOT NULL, updated_at bigint NOT NULL,
  title text NOT NULL, body text NOT NULL, tags text NOT NULL DEFAULT '[]', language text NOT NULL DEFAULT 'en',
  archived_at bigint,
  scopes integer[] NOT NULL
);
SELECT sync.add_common_scope('articles');
SELECT sync.register(31::smallint, 'articles', 'article', NULL, '{"archived_at": "stamp"}', '{"body": 1048576}');

CREATE TABLE app.exchange_rates (
  id uuid PRIMARY KEY, rev bigint NOT NULL, created_at bigint NOT NULL, updated_at bigint NOT NULL,
  base text NOT NULL CHECK (length(base) = 3), quote text NOT NULL CHECK (length(quote) = 3),
  rate_millionths bigint NOT NULL CHECK (rate_millionths > 0), dated_on sync.day NOT NULL,
  scopes integer[] NOT NULL,
  UNIQUE (base, quote, dated_on)
);
SELECT sync.add_common_scope('exchange_rates');
SELECT sync.register(32::smallint, 'exchange_rates', 'exchange_rate', NULL, '{}');

CREATE TABLE app.ai_outputs (
  id uuid PRIMARY KEY, rev bigint NOT NULL, created_at bigint NOT NULL, updated_at bigint NOT NULL,
  task_id uuid NOT NULL REFERENCES app.follow_up_tasks DEFERRABLE INITIALLY DEFERRED, revision bigint NOT NULL,
  kind text NOT NULL CHECK (kind IN ('email', 'internal_update', 'channel_post', 'reply', 'digest', 'escalation_summary')),
  channel text NOT NULL DEFAULT '', destination text NOT NULL DEFAULT '', language text NOT NULL DEFAULT 'en',
  subject text NOT NULL DEFAULT '', text text NOT NULL,
  provider text NOT NULL, model text NOT NULL, prompt_version text NOT NULL,
  confidence bigint NOT NULL CHECK (confidence BETWEEN 0 AND 100), rationale text NOT NULL DEFAULT '',
  facts sync.json NOT NULL DEFAULT '[]',
  findings sync.json NOT NULL DEFAULT '[]',
  author text NOT NULL, based_on uuid REFERENCES app.ai_outputs DEFERRABLE INITIALLY DEFERRED,
  scopes integer[] NOT NULL,
  UNIQUE (task_id, channel, destination, revision)
);
SELECT sync.register(44::smallint, 'ai_outputs', 'output', NULL, '{"task_id": "parent follow_up_tasks"}',
  '{"text": 262144, "rationale": 65536, "facts": 262144, "findings": 262144}');

CREATE TABLE app.proposed_actions (
  id uuid PRIMARY KEY, rev bigint NOT NULL, created_at bigint NOT NULL, updated_at bigint NOT NULL,
  task_id uuid NOT NULL REFERENCES app.follow_up_tasks DEFERRABLE INITIALLY DEFERRED,
  output_id uuid REFERENCES app.ai_outputs DEFERRABLE INITIALLY DEFERRED, action text NOT NULL,
  body text NOT NULL DEFAULT '{}',
  state text NOT NULL DEFAULT 'proposed' CHECK (state IN ('proposed', 'accepted', 'declined', 'dropped')),
  decided_by text, decided_at bigint,
  scopes integer[] NOT NULL
);
CREATE INDEX proposed_actions_task ON app.proposed_actions (task_id);
SELECT sync.register(45::smallint, 'proposed_actions', 'action', NULL,
  '{"task_id": "parent follow_up_tasks", "decided_at": "stamp"}', '{"body": 262144}');

-- Who took up what was proposed, or did not, is who says so.
CREATE FUNCTION app.sign_action() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF sync.is_bringing() THEN RETURN NEW; END IF;
  NEW.decided_by := CASE WHEN NEW.state NOT IN ('accepted', 'declined') THEN NULL
                         WHEN TG_OP = 'UPDATE' AND NEW.state = OLD.state THEN OLD.decided_by
                         ELSE session_user END;
  RETURN NEW;
END $$;
CREATE TRIGGER then_sign BEFORE INSERT OR UPDATE ON app.proposed_actions FOR EACH ROW EXECUTE FUNCTION app.sign_action();

CREATE TABLE app.approvals (
  id uuid PRIMARY KEY, rev bigint NOT NULL, created_at bigint NOT NULL, updated_at bigint NOT NULL,
  number text NOT NULL UNIQUE,
  task_id uuid NOT NULL REFERENCES app.follow_up_tasks DEFERRABLE INITIALLY DEFERRED,
  output_id uuid NOT NULL REFERENCES app.ai_outputs DEFERRABLE INITIALLY DEFERRED,
  owner text NOT NULL, channel text NOT NULL, destination text NOT NULL,
  wire bytea NOT NULL, payload_sha256 bytea NOT NULL CHECK (octet_length(payload_sha256) = 32),
  context sync.json NOT NULL,
  context_sha256 bytea NOT NULL CHECK (octet_length(context_sha256) = 32),
  amount_minor bigint NOT NULL DEFAULT 0, currency text NOT NULL DEFAULT 'EUR',
  policy sync.json NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(policy::jsonb) = 'object'),
  state text NOT NULL DEFAULT 'pending'
    CHECK (state IN ('pending', 'approved', 'rejected', 'changes_requested', 'voided', 'expired', 'replaced')),
  expires_at bigint NOT NULL, deadline_at bigint,
  edited_by text, decided_by text, decided_role text, decided_at bigint, comment text NOT NULL DEFAULT '', void_reason text,
  nonce bytea UNIQUE, device_id uuid, signature bytea CHECK (octet_length(signature) = 64),
  delegated_to text, delegated_by text,
  scopes integer[] NOT NULL,
  CHECK (state <> 'approved' OR (signature IS NOT NULL AND nonce IS NOT NULL AND decided_by IS NOT NULL))
);
CREATE INDEX approvals_task ON app.approvals (task_id);
CREATE INDEX approvals_output ON app.approvals (output_id);
SELECT sync.register(46::smallint, 'approvals', 'approval', 'APPROVAL',
  '{"number": "number", "task_id": "parent follow_up_tasks", "decided_at": "stamp"}',
  '{"wire": 1048576, "context": 262144, "policy": 65536, "comment": 20000, "void_reason": 20000}', true);

CREATE TABLE app.outbox (
  id uuid PRIMARY KEY, rev bigint NOT NULL, created_at bigint NOT NULL, updated_at bigint NOT NULL,
  number text NOT NULL UNIQUE,
  approval_id uuid NOT NULL UNIQUE REFERENCES app.approvals DEFERRABLE INITIALLY DEFERRED,
  task_id uuid NOT NULL REFERENCES app.follow_up_tasks DEFERRABLE INITIALLY DEFERRED,
  distributor_id uuid REFERENCES app.distributors DEFERRABLE INITIALLY DEFERRED,
  channel text NOT NULL, destination text NOT NULL,
  wire bytea NOT NULL, payload_sha256 bytea NOT NULL CHECK (octet_length(payload_sha256) = 32),
  approver text NOT NULL,
  state text NOT NULL DEFAULT 'ready' CHECK (state IN ('ready', 'leased', 'sending', 'sent', 'sent_unconfirmed', 'failed',
    'unknown', 'cancelled', 'retracted')),
  delivery_status text CHECK (delivery_status IN ('delivered', 'read', 'failed')),
  ready_at bigint NOT NULL, leased_until bigint, lease_holder text, fence bigint NOT NULL DEFAULT 0,
  attempts bigint NOT NULL DEFAULT 0, sent_at bigint, external_message_id text, thread_id text, problem text,
  retract_asked_at bigint, retract_comment text,  -- a person wants it taken back, and why; until the service has done it or says why not
  look_asked_at bigint,                           -- a person wants to know now whether it is there
  scopes integer[] NOT NULL
);
CREATE INDEX outbox_task ON app.outbox (task_id);
CREATE INDEX outbox_distributor ON app.outbox (distributor_id) WHERE distributor_id IS NOT NULL;
SELECT sync.register(47::smallint, 'outbox', 'post', 'POST',
  '{"number": "number", "task_id": "parent follow_up_tasks", "sent_at": "stamp", "problem": "derived", "retract_asked_at": "stamp",
    "look_asked_at": "stamp"}',
  '{"wire": 1048576, "problem": 20000, "retract_comment": 20000}', true);

CREATE TABLE app.delivery_attempts (
  id uuid PRIMARY KEY, rev bigint NOT NULL, created_at bigint NOT NULL, updated_at bigint NOT NULL,
  post_id uuid NOT NULL REFERENCES app.outbox DEFERRABLE INITIALLY DEFERRED, attempt bigint NOT NULL,
  began_at bigint NOT NULL, ended_at bigint, outcome text NOT NULL, detail text NOT NULL DEFAULT '',
  scopes integer[] NOT NULL,
  UNIQUE (post_id, attempt)
);
SELECT sync.register(48::smallint, 'delivery_attempts', 'delivery_attempt', NULL,
  '{"post_id": "parent outbox", "began_at": "created", "ended_at": "stamp"}', '{"detail": 20000}');

CREATE TABLE app.replies (
  id uuid PRIMARY KEY, rev bigint NOT NULL, created_at bigint NOT NULL, updated_at bigint NOT NULL,
  task_id uuid NOT NULL REFERENCES app.follow_up_tasks DEFERRABLE INITIALLY DEFERRED,
  post_id uuid REFERENCES app.outbox DEFERRABLE INITIALLY DEFERRED, channel text NOT NULL,
  external_message_id text NOT NULL, author text NOT NULL DEFAULT '', text text NOT NULL, received_at bigint NOT NULL,
  scopes integer[] NOT NULL,
  UNIQUE (channel, external_message_id)
);
CREATE INDEX replies_task ON app.replies (task_id);
SELECT sync.register(49::smallint, 'replies', 'reply', NULL, '{"task_id": "parent follow_up_tasks"}', '{"text": 262144}');

-- Whether the login works for whoever is to decide: as a member of the team, as the one it was handed to, or in the place of
-- somebody of the team who is away.
CREATE FUNCTION app.may_decide(a app.approvals) RETURNS boolean LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT app.is_of_team(a.owner) OR coalesce(a.delegated_to = session_user, false)
    OR EXISTS (SELECT FROM app.delegations d JOIN app.people me ON me.id = d.delegate_id JOIN app.people p ON p.id = d.person_id
               WHERE me.login = session_user AND sync.now_ms() >= d.starts_at AND sync.now_ms() < d.ends_at
                 AND (app.has_role(p.login, a.owner) OR app.has_role(p.login, 'admin')));
$$;

-- An approval, or what a decision on one of a task's approvals brings along.
CREATE FUNCTION app.where_approval_is_my_teams(table_name text, row_id uuid, columns jsonb) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  a app.approvals;
  task uuid;
BEGIN
  IF table_name = 'approvals' THEN
    SELECT * INTO a FROM app.approvals x WHERE x.id = row_id AND x.scopes && api.my_scopes();
    IF FOUND THEN RETURN app.may_decide(a); END IF;
  END IF;
  task := app.task_of(table_name, row_id, columns);
  RETURN EXISTS (SELECT FROM app.approvals x WHERE x.task_id = task AND x.scopes && api.my_scopes() AND app.may_decide(x));
END $$;

CREATE FUNCTION app.where_post_is_my_teams(table_name text, row_id uuid, columns jsonb) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT app.where_task_is_mine_or_my_teams(table_name, row_id, columns);
$$;

-- What goes by itself (detecting, sending): on a server that is the agent service's.
CREATE FUNCTION app.where_service_works(table_name text, row_id uuid, columns jsonb) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT app.has_role(session_user, 'agent');
$$;
