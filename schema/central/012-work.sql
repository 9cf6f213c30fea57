-- Exceptions and follow-up tasks. They are seen where their order and distributor are; one that has neither belongs to the
-- team that owns it.
SET LOCAL ROLE tower_owner;

INSERT INTO sync.grants (grantee, scope)
  SELECT 'tower_' || team, (sync.scope_ids(ARRAY['team:' || team]))[1]
    FROM unnest(ARRAY['sales', 'accounting', 'logistics', 'legal', 'partner']) team;

CREATE TABLE app.exceptions (
  id uuid PRIMARY KEY, rev bigint NOT NULL, created_at bigint NOT NULL, updated_at bigint NOT NULL,
  number text NOT NULL UNIQUE,
  rule text NOT NULL, blocker text NOT NULL,
  subject_type text NOT NULL
    CHECK (subject_type IN ('order', 'distributor', 'invoice', 'shipment', 'document', 'interaction', 'product')),
  subject_id uuid NOT NULL, subject text NOT NULL,
  order_id uuid REFERENCES app.orders DEFERRABLE INITIALLY DEFERRED,
  distributor_id uuid REFERENCES app.distributors DEFERRABLE INITIALLY DEFERRED,
  score bigint NOT NULL CHECK (score BETWEEN 0 AND 100),
  severity text NOT NULL CHECK (severity IN ('low', 'medium', 'high', 'critical')),
  value_at_risk_minor bigint NOT NULL DEFAULT 0, currency text NOT NULL DEFAULT 'EUR',
  country text NOT NULL DEFAULT '', owner text NOT NULL, agent text NOT NULL DEFAULT '',
  tags text NOT NULL DEFAULT '[]', next_action text NOT NULL DEFAULT '',
  evidence sync.json NOT NULL DEFAULT '[]',
  episode bigint NOT NULL DEFAULT 1,
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'cleared', 'closed')),
  opened_at bigint NOT NULL, cleared_at bigint, closed_reason text,
  scopes integer[] NOT NULL,
  UNIQUE (rule, subject_id)
);
CREATE INDEX exceptions_order ON app.exceptions (order_id) WHERE order_id IS NOT NULL;
CREATE INDEX exceptions_distributor ON app.exceptions (distributor_id) WHERE distributor_id IS NOT NULL;

CREATE FUNCTION app.exceptions_scopes(e app.exceptions) RETURNS text[] LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT ARRAY['all', 'team:' || e.owner];
$$;
SELECT sync.register(40::smallint, 'exceptions', 'exception', 'EXC',
  '{"number": "number", "order_id": "parent orders", "distributor_id": "parent distributors",
    "score": "derived", "severity": "derived", "value_at_risk_minor": "derived", "next_action": "derived",
    "evidence": "derived", "opened_at": "since episode", "cleared_at": "stamp"}',
  '{"evidence": 262144, "tags": 20000}', true);

CREATE TABLE app.exception_episodes (
  id uuid PRIMARY KEY, rev bigint NOT NULL, created_at bigint NOT NULL, updated_at bigint NOT NULL,
  exception_id uuid NOT NULL REFERENCES app.exceptions DEFERRABLE INITIALLY DEFERRED, episode bigint NOT NULL,
  opened_at bigint NOT NULL, ended_at bigint NOT NULL, ended_as text NOT NULL CHECK (ended_as IN ('cleared', 'closed')),
  score bigint NOT NULL, evidence text NOT NULL,
  scopes integer[] NOT NULL,
  UNIQUE (exception_id, episode)
);
SELECT sync.register(41::smallint, 'exception_episodes', 'episode', NULL, '{"exception_id": "parent exceptions"}',
  '{"evidence": 262144}');

CREATE TABLE app.follow_up_tasks (
  id uuid PRIMARY KEY, rev bigint NOT NULL, created_at bigint NOT NULL, updated_at bigint NOT NULL,
  number text NOT NULL UNIQUE,
  exception_id uuid REFERENCES app.exceptions DEFERRABLE INITIALLY DEFERRED,
  order_id uuid REFERENCES app.orders DEFERRABLE INITIALLY DEFERRED,
  distributor_id uuid REFERENCES app.distributors DEFERRABLE INITIALLY DEFERRED,
  interaction_id uuid,
  title text NOT NULL DEFAULT '',
  assigned_agent text NOT NULL, human_owner text NOT NULL, assignee text,
  status text NOT NULL CHECK (status IN ('open', 'assigned', 'scheduled', 'drafting', 'waiting_for_human_approval', 'approved',
    'posted', 'awaiting_reply', 'resolved', 'snoozed', 'escalated', 'blocked', 'reopened')),
  status_since_at bigint NOT NULL, status_before text,
  priority bigint NOT NULL DEFAULT 50,
  sla_policy text NOT NULL DEFAULT '', sla_due_at bigint, sla_warning_at bigint, sla_hard_at bigint,
  next_check_at bigint, cadence_ms bigint NOT NULL DEFAULT 86400000, snoozed_until bigint,
  escalation_rule text NOT NULL DEFAULT '', escalate_at bigint, escalate_to text NOT NULL DEFAULT '',
  channel_policy text NOT NULL DEFAULT 'human_approval_required',
  allowed_actions text NOT NULL DEFAULT '[]', blocked_actions text NOT NULL DEFAULT '[]',
  last_channel_message_id text, audit_required bigint NOT NULL DEFAULT 1 CHECK (audit_required IN (0, 1)),
  resolved_at bigint, resolution text,
  approval_terms sync.json CHECK (jsonb_typeof(approval_terms::jsonb) = 'object'),   -- kept by 019-decisions.sql
  scopes integer[] NOT NULL
);
CREATE INDEX follow_up_tasks_exception ON app.follow_up_tasks (exception_id) WHERE exception_id IS NOT NULL;
CREATE INDEX follow_up_tasks_order ON app.follow_up_tasks (order_id) WHERE order_id IS NOT NULL;
CREATE INDEX follow_up_tasks_distributor ON app.follow_up_tasks (distributor_id) WHERE distributor_id IS NOT NULL;

CREATE FUNCTION app.follow_up_tasks_scopes(t app.follow_up_tasks) RETURNS text[] LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT ARRAY['all', 'team:' || t.human_owner];
$$;
SELECT sync.register(42::smallint, 'follow_up_tasks', 'task', 'FOLLOW',
  '{"number": "number", "exception_id": "parent exceptions", "order_id": "parent orders",
    "distributor_id": "parent distributors", "status_since_at": "since status", "status_before": "derived",
    "sla_due_at": "derived", "sla_warning_at": "derived", "sla_hard_at": "derived", "escalate_at": "derived",
    "approval_terms": "derived", "resolved_at": "stamp"}', '{"resolution": 20000, "approval_terms": 65536}', true, 3);

CREATE TABLE app.task_channels (
  id uuid PRIMARY KEY, rev bigint NOT NULL, created_at bigint NOT NULL, updated_at bigint NOT NULL,
  task_id uuid NOT NULL REFERENCES app.follow_up_tasks DEFERRABLE INITIALLY DEFERRED,
  position bigint NOT NULL, channel text NOT NULL, destination text NOT NULL, thread_id text,
  scopes integer[] NOT NULL,
  UNIQUE (task_id, channel, destination)
);
SELECT sync.register(43::smallint, 'task_channels', 'task_channel', NULL, '{"task_id": "parent follow_up_tasks"}');

-- The ledger of clocks. When something happened is the authority's to say.
CREATE TABLE app.sla_events (
  id uuid PRIMARY KEY, rev bigint NOT NULL, created_at bigint NOT NULL, updated_at bigint NOT NULL,
  subject_type text NOT NULL, subject_id uuid NOT NULL,
  target text NOT NULL CHECK (target IN ('first_response', 'next_response', 'resolution')), instance bigint NOT NULL,
  event text NOT NULL CHECK (event IN ('activate', 'pause', 'resume', 'fulfil', 'breach')),
  at bigint NOT NULL, party text NOT NULL DEFAULT '', body text NOT NULL DEFAULT '{}',
  scopes integer[] NOT NULL
);
CREATE INDEX sla_events_subject ON app.sla_events (subject_id);

CREATE FUNCTION app.sla_events_scopes(e app.sla_events) RETURNS text[] LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT ARRAY['all'];
$$;
SELECT sync.register(61::smallint, 'sla_events', 'sla_event', NULL,
  '{"subject_id": "subject subject_type", "at": "created"}');

-- The task that a row is, or belongs to. A row that the login may not see is asked about as one that is not there.
CREATE FUNCTION app.task_of(table_name text, row_id uuid, columns jsonb) RETURNS uuid LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  image jsonb;
BEGIN
  IF table_name = 'follow_up_tasks' THEN
    RETURN row_id;
  END IF;
  EXECUTE format('SELECT to_jsonb(r) FROM app.%I r WHERE r.id = $1 AND r.scopes && $2', table_name)
    INTO image USING row_id, api.my_scopes();
  IF image IS NULL THEN
    SELECT jsonb_object_agg(key, value -> 1) INTO image FROM jsonb_each(columns);
  END IF;
  RETURN CASE WHEN image ->> 'subject_type' = 'task' THEN (image ->> 'subject_id')::uuid ELSE (image ->> 'task_id')::uuid END;
END $$;

-- Whether the login works for a team: by its role, or because administrators and the service do for all.
CREATE FUNCTION app.is_of_team(team text) RETURNS boolean LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT FROM pg_roles r WHERE r.rolname IN ('tower_' || team, 'tower_admin', 'tower_agent')
                 AND pg_has_role(session_user, r.oid, 'MEMBER'));
$$;

-- The row conditions of the policy, twins of those in src/commands/ct-policy-predicates.c. They are asked of the state
-- before the command: what it adds itself, or nobody may see, is no row that they could speak of.
CREATE FUNCTION app.where_task_is_mine_or_my_teams(table_name text, row_id uuid, columns jsonb) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  task uuid := app.task_of(table_name, row_id, columns);
  t app.follow_up_tasks;
BEGIN
  SELECT * INTO t FROM app.follow_up_tasks x WHERE x.id = task AND x.scopes && api.my_scopes();
  RETURN task IS NOT NULL AND (t.id IS NULL OR app.is_of_team(t.human_owner) OR coalesce(t.assignee = session_user, false));
END $$;

CREATE FUNCTION app.where_exception_is_my_teams(table_name text, row_id uuid, columns jsonb) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  task uuid;
  exception uuid;
  team text;
BEGIN
  IF table_name = 'exceptions' THEN
    exception := row_id;
  ELSE
    task := app.task_of(table_name, row_id, columns);
    SELECT x.exception_id INTO exception FROM app.follow_up_tasks x WHERE x.id = task AND x.scopes && api.my_scopes();
    IF NOT FOUND AND table_name = 'follow_up_tasks' THEN
      exception := columns -> 'exception_id' ->> 1;
    ELSIF NOT FOUND THEN
      RETURN task IS NOT NULL;
    END IF;
  END IF;
  SELECT e.owner INTO team FROM app.exceptions e WHERE e.id = exception AND e.scopes && api.my_scopes();
  RETURN exception IS NOT NULL AND (team IS NULL OR app.is_of_team(team));
END $$;
