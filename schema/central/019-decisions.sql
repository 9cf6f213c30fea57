-- No approval, no post: what holds for approvals and the outbox whoever writes them. The triggers run after stamp_row, for
-- triggers run in the order of their names; a row of which nothing but the scopes changes passes.
SET LOCAL ROLE tower_owner;

-- A duration as the program writes it ("1d12h", "90s"), in milliseconds (ct_duration_parse); NULL where it is none.
CREATE FUNCTION sync.duration_ms(value text) RETURNS bigint LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT sum(m[1]::bigint * CASE m[2] WHEN 'w' THEN 604800000 WHEN 'd' THEN 86400000 WHEN 'h' THEN 3600000 WHEN 'm' THEN 60000
                                      ELSE 1000 END)::bigint
    FROM regexp_matches(value, '([0-9]{1,6})([wdhms])', 'g') m WHERE value ~ '^([0-9]{1,6}[wdhms])+$';
$$;

-- The same of a setting, which may be a bare number of seconds.
CREATE FUNCTION app.duration_ms(value text, fallback bigint) RETURNS bigint LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(sync.duration_ms(value), CASE WHEN substring(value FROM '^\d{1,7}')::bigint < 31536000
                                                THEN substring(value FROM '^\d{1,7}')::bigint * 1000 END, fallback);
$$;

-- The terms of an approval policy, as far as they decide who may approve (src/domain/ct-approval-policy.c).
CREATE FUNCTION app.approval_terms(policy jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT jsonb_build_object('kind', policy -> 'kind', 'thresholds', coalesce(
    (SELECT jsonb_agg(jsonb_build_array(t -> 'amountMinor', t -> 'currency', coalesce(t ->> 'kind', 'four_eyes'),
                                        coalesce(t -> 'roles', '[]')) ORDER BY n)
       FROM jsonb_array_elements(policy -> 'thresholds') WITH ORDINALITY x (t, n)), '[]'));
$$;

-- The strictest of several policies: four eyes where one of them asks for it (or where there is none), and every threshold of
-- each. A threshold only ever adds to what is asked for.
CREATE FUNCTION app.strictest_policy(policies jsonb[]) RETURNS jsonb LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT jsonb_build_object(
    'kind', CASE WHEN (SELECT bool_and(p ->> 'kind' IS NOT DISTINCT FROM 'one_approver') FROM unnest(policies) p)
                 THEN 'one_approver' ELSE 'four_eyes' END,
    'thresholds', coalesce(
      (SELECT jsonb_agg(DISTINCT jsonb_build_object('amountMinor', t -> 0, 'currency', t -> 1, 'kind', t -> 2, 'roles', t -> 3))
         FROM unnest(policies) p, jsonb_array_elements(app.approval_terms(p) -> 'thresholds') t), '[]'));
$$;

-- What the approvals of a task are held to: the policy of its agent, that of the agent its exception was meant for, what it was
-- under with other agents, and what approvals of it were asked for under (ct_approvals_tighten does the same). Nobody chooses a
-- laxer one by handing the task on.
CREATE FUNCTION app.terms_of(t app.follow_up_tasks) RETURNS jsonb LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT app.strictest_policy(array_agg(x.policy)) FROM (
    SELECT t.approval_terms::jsonb AS policy WHERE t.approval_terms IS NOT NULL
    UNION ALL SELECT a.policy::jsonb FROM app.approvals a WHERE a.task_id = t.id
    UNION ALL SELECT p.body::jsonb -> 'approval' FROM app.agent_profiles p WHERE p.name = t.assigned_agent
      OR p.name = (SELECT e.agent FROM app.exceptions e WHERE e.id = t.exception_id)) x;
$$;

-- A task keeps them while it goes from agent to agent, whatever a client says of them.
CREATE FUNCTION app.keep_terms() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF sync.is_bringing() THEN RETURN NEW; END IF;
  IF TG_OP = 'INSERT' THEN
    NEW.approval_terms := NULL;
    NEW.approval_terms := app.terms_of(NEW)::text;
    RETURN NEW;
  END IF;
  NEW.approval_terms := OLD.approval_terms;
  IF (NEW.assigned_agent, NEW.exception_id) IS DISTINCT FROM (OLD.assigned_agent, OLD.exception_id) THEN
    NEW.approval_terms := app.strictest_policy(ARRAY[app.terms_of(OLD), app.terms_of(NEW)])::text;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER keep_terms BEFORE INSERT OR UPDATE ON app.follow_up_tasks FOR EACH ROW EXECUTE FUNCTION app.keep_terms();

-- Whether an amount is within what a person may approve: in their currency, or nothing.
CREATE FUNCTION app.is_within_limit(of_login text, a app.approvals) RETURNS boolean LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce((SELECT CASE WHEN p.approval_currency = a.currency THEN abs(a.amount_minor) <= p.approval_limit_minor
                               ELSE a.amount_minor = 0 END
                     FROM app.people p WHERE p.login = of_login AND p.approval_limit_minor IS NOT NULL), true);
$$;

-- In which role the login may approve, own roles first, then those of the people it stands in for; or why it may not.
CREATE FUNCTION app.judge_approval(a app.approvals, OUT role text, OUT why text) LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  moment bigint := sync.now_ms();
  four_eyes boolean := a.policy::jsonb ->> 'kind' IS DISTINCT FROM 'one_approver';
  demanded jsonb := '[]';                         -- arrays of roles, one of each of which it takes
  reasons text[] := ARRAY['only members of a team, or who stands in for one, can approve',
    'this is another team''s work; one of its members must approve it',
    'an amount of this size must be approved by another role',
    'you made the last edit; four eyes are needed, so another person must approve',
    'this is above what you may approve'];
  closest integer := 1;
  got integer;
  t jsonb;
  person record;
  team text;
BEGIN
  FOR t IN SELECT * FROM jsonb_array_elements(app.approval_terms(a.policy::jsonb) -> 'thresholds') LOOP
    CONTINUE WHEN NOT CASE WHEN t ->> 1 = a.currency THEN abs(a.amount_minor) >= (t ->> 0)::bigint ELSE a.amount_minor <> 0 END;
    four_eyes := four_eyes OR t ->> 2 <> 'one_approver';
    IF t -> 3 <> '[]' THEN demanded := demanded || jsonb_build_array(t -> 3); END IF;
  END LOOP;
  FOR person IN SELECT session_user::text AS login, 0 AS place
      UNION SELECT a.delegated_by, 1 WHERE a.delegated_to = session_user AND a.delegated_by IS NOT NULL
      UNION SELECT p.login, 2 FROM app.delegations d JOIN app.people p ON p.id = d.person_id
              JOIN app.people me ON me.id = d.delegate_id
              WHERE me.login = session_user AND moment >= d.starts_at AND moment < d.ends_at AND p.archived_at IS NULL
      ORDER BY place, login LOOP
    FOREACH team IN ARRAY ARRAY['sales', 'accounting', 'logistics', 'legal', 'partner', 'admin'] LOOP
      CONTINUE WHEN NOT app.has_role(person.login, team);
      got := CASE WHEN team <> 'admin' AND team <> a.owner THEN 2
                  WHEN EXISTS (SELECT FROM jsonb_array_elements(demanded) x WHERE NOT x ? team) THEN 3
                  WHEN four_eyes AND a.edited_by IN (person.login, session_user) THEN 4
                  WHEN NOT app.is_within_limit(session_user, a) OR NOT app.is_within_limit(person.login, a) THEN 5
                  ELSE 6 END;
      IF got = 6 THEN
        role := team;
        RETURN;
      END IF;
      closest := greatest(closest, got);
    END LOOP;
  END LOOP;
  why := reasons[closest];
END $$;

-- Approvals that came with an upload (021-upload.sql): history. Nothing is sent by them, and nobody's authorship is proved by
-- them.
CREATE TABLE sync.brought (approval uuid PRIMARY KEY);

CREATE FUNCTION app.is_brought(approval_id uuid) RETURNS boolean LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT FROM sync.brought b WHERE b.approval = approval_id);
$$;

-- Approvals

-- Who asks for it has written it, unless it was the service; what it is about is the task's, and so is what it is held to.
CREATE FUNCTION app.with_terms(a app.approvals) RETURNS app.approvals LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t app.follow_up_tasks;
BEGIN
  SELECT * INTO t FROM app.follow_up_tasks x WHERE x.id = a.task_id;
  a.owner := t.human_owner;
  SELECT coalesce(max(e.value_at_risk_minor), 0), coalesce(max(e.currency), 'EUR') INTO a.amount_minor, a.currency
    FROM app.exceptions e WHERE e.id = t.exception_id;
  a.policy := jsonb_strip_nulls(app.terms_of(t) || jsonb_build_object('expiry', (SELECT p.body::jsonb -> 'approval' -> 'expiry'
                                  FROM app.agent_profiles p WHERE p.name = t.assigned_agent)))::text;
  a.edited_by := CASE WHEN NOT app.has_role(session_user, 'agent') THEN session_user END;
  RETURN a;
END $$;

-- Holds the channel that something is to go out by: until this is settled nobody leads it to another address, and who does so
-- then sees this.
CREATE FUNCTION app.hold_channel(channel_name text) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM FROM app.channels c WHERE c.name = channel_name FOR SHARE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'there is no channel %', channel_name;
  END IF;
END $$;

CREATE FUNCTION app.check_new_approval(a app.approvals) RETURNS app.approvals LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  same app.approvals;
BEGIN
  IF a.state <> 'pending' OR num_nonnulls(a.decided_by, a.decided_role, a.decided_at, a.void_reason, a.nonce, a.device_id,
                                          a.signature, a.delegated_to, a.delegated_by) > 0 OR a.comment <> '' THEN
    RAISE EXCEPTION 'an approval begins pending';
  ELSIF sha256(a.wire) <> a.payload_sha256 OR sha256(convert_to(a.context, 'UTF8')) <> a.context_sha256 THEN
    RAISE EXCEPTION 'an approval names the hashes of its bytes';
  ELSIF NOT EXISTS (SELECT FROM app.ai_outputs o WHERE o.id = a.output_id AND o.task_id = a.task_id
                    AND o.channel = a.channel AND o.destination = a.destination) THEN
    RAISE EXCEPTION 'an approval is for a draft of its task, channel and destination';
  ELSIF a.expires_at > sync.now_ms() + 104 * 86400000::bigint THEN
    RAISE EXCEPTION 'an approval waits for 104 days at most';
  END IF;
  PERFORM app.hold_channel(a.channel);
  a := app.with_terms(a);
  -- the same message once more, under the key of the new approval, is what it was
  SELECT * INTO same FROM app.approvals x WHERE x.output_id = a.output_id AND x.id <> a.id
    AND replace(convert_from(x.wire, 'UTF8'), x.id::text, a.id::text) = convert_from(a.wire, 'UTF8')
    AND NOT app.is_brought(x.id) LIMIT 1;
  IF FOUND THEN
    a.owner := same.owner; a.amount_minor := same.amount_minor; a.currency := same.currency;
    a.edited_by := same.edited_by; a.expires_at := same.expires_at;
  END IF;
  RETURN a;
END $$;

-- The device whose call this is.
CREATE FUNCTION app.this_device() RETURNS uuid LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT nullif(current_setting('tower.device', true), '')::uuid;
$$;

-- Yes: by somebody who may, in time, signed once with the key of the device that says so, for a task that is still on.
CREATE FUNCTION app.check_approved(a app.approvals) RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  verdict record;
  t app.follow_up_tasks;
BEGIN
  SELECT * INTO t FROM app.follow_up_tasks WHERE id = a.task_id;
  SELECT * INTO verdict FROM app.judge_approval(a);
  IF a.expires_at <= sync.now_ms() THEN
    RAISE EXCEPTION '%: the time for this approval is over; it counts as rejected', a.number;
  ELSIF verdict.role IS NULL THEN
    RAISE EXCEPTION '%: %', a.number, verdict.why;
  ELSIF t.status NOT IN ('waiting_for_human_approval', 'drafting', 'approved', 'posted', 'awaiting_reply') THEN
    RAISE EXCEPTION '% is %; take it up again first', t.number, t.status;
  ELSIF a.signature IS NULL OR octet_length(a.nonce) IS DISTINCT FROM 16 THEN
    RAISE EXCEPTION '%: an approval is signed, over a nonce of 16 bytes', a.number;
  ELSIF EXISTS (SELECT FROM app.approvals x WHERE x.nonce = a.nonce AND x.id <> a.id) THEN
    RAISE EXCEPTION '%: its nonce was used before', a.number;
  ELSIF a.device_id IS DISTINCT FROM app.this_device()
     OR NOT EXISTS (SELECT FROM sync.devices d WHERE d.id = a.device_id AND d.owner = session_user
                    AND d.public_key IS NOT NULL AND d.revoked_at IS NULL) THEN
    RAISE EXCEPTION '%: it is not signed with the enrolled key of this device', a.number;
  END IF;
  RETURN verdict.role;
END $$;

-- One that an upload brings. What was decided is history; what waits is asked for anew, by who brings it, on the terms that
-- its task has here.
CREATE FUNCTION app.check_brought_approval(a app.approvals) RETURNS app.approvals LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF sha256(a.wire) <> a.payload_sha256 OR sha256(convert_to(a.context, 'UTF8')) <> a.context_sha256
     OR NOT EXISTS (SELECT FROM app.ai_outputs o WHERE o.id = a.output_id AND o.task_id = a.task_id) THEN
    RAISE EXCEPTION '%: an approval is for the bytes of a draft of its task', a.number;
  ELSIF EXISTS (SELECT FROM sync.devices d WHERE d.id = a.device_id AND d.owner <> session_user) THEN
    RAISE EXCEPTION '%: it names the device of somebody here who has signed nothing', a.number;
  ELSIF a.state <> 'pending' THEN
    INSERT INTO sync.brought VALUES (a.id) ON CONFLICT DO NOTHING;
    RETURN a;
  ELSIF num_nonnulls(a.decided_by, a.decided_role, a.decided_at, a.void_reason, a.nonce, a.device_id, a.signature) > 0 THEN
    RAISE EXCEPTION '%: a pending approval is not decided', a.number;
  END IF;
  a := app.with_terms(a);
  a.expires_at := least(a.expires_at, sync.now_ms() + 104 * 86400000::bigint);
  a.delegated_to := NULL; a.delegated_by := NULL;
  a.rev := a.rev + 1; a.updated_at := sync.now_ms();
  RETURN a;
END $$;

-- Whether all that a change takes back is what was handed to somebody who is gone, or by them (sync.part_with).
CREATE FUNCTION app.takes_from_the_gone(before app.approvals, after app.approvals) RETURNS boolean LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT num_nonnulls(after.delegated_to, after.delegated_by) = 0 AND after.state = before.state AND EXISTS (
    SELECT FROM app.people p WHERE p.login IN (before.delegated_to, before.delegated_by) AND p.archived_at IS NOT NULL);
$$;

CREATE FUNCTION app.decide_approval() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  decides boolean := NEW.state IN ('approved', 'rejected', 'changes_requested', 'expired');
BEGIN
  IF sync.is_bringing() THEN
    RETURN app.check_brought_approval(NEW);
  ELSIF TG_OP = 'INSERT' THEN
    RETURN app.check_new_approval(NEW);
  ELSIF NEW.rev = OLD.rev THEN
    RETURN NEW;
  ELSIF (NEW.wire, NEW.payload_sha256, NEW.context, NEW.context_sha256, NEW.channel, NEW.destination, NEW.task_id, NEW.output_id,
         NEW.expires_at, NEW.amount_minor, NEW.currency, NEW.policy, NEW.edited_by, NEW.number) IS DISTINCT FROM
        (OLD.wire, OLD.payload_sha256, OLD.context, OLD.context_sha256, OLD.channel, OLD.destination, OLD.task_id, OLD.output_id,
         OLD.expires_at, OLD.amount_minor, OLD.currency, OLD.policy, OLD.edited_by, OLD.number) THEN
    RAISE EXCEPTION 'the bytes of an approval are fixed; a change asks for a new approval';
  ELSIF OLD.state <> 'pending' AND NOT (OLD.state = 'approved' AND NEW.state = 'voided') THEN
    RAISE EXCEPTION '% is already decided: it is %', OLD.number, OLD.state;
  ELSIF (NEW.delegated_to, NEW.delegated_by) IS DISTINCT FROM (OLD.delegated_to, OLD.delegated_by)
     AND (NEW.delegated_by, NEW.state) IS DISTINCT FROM (session_user::text, 'pending') AND NOT app.takes_from_the_gone(OLD, NEW)
     OR NEW.delegated_to = session_user AND NEW.delegated_by = session_user
     OR NEW.owner NOT IN ('sales', 'accounting', 'logistics', 'legal', 'partner', 'admin') THEN
    RAISE EXCEPTION '% is handed to a team, or by yourself to another person', OLD.number;
  ELSIF decides AND NEW.decided_by IS DISTINCT FROM session_user::text
     OR NOT decides AND (NEW.decided_by, NEW.decided_role) IS DISTINCT FROM (OLD.decided_by, OLD.decided_role) THEN
    RAISE EXCEPTION '%: everybody decides for themselves', OLD.number;
  ELSIF NEW.state <> 'approved' AND (NEW.nonce, NEW.device_id, NEW.signature) IS DISTINCT FROM
                                    (OLD.nonce, OLD.device_id, OLD.signature) THEN
    RAISE EXCEPTION '%: only an approval is signed', OLD.number;
  ELSIF NEW.state = 'expired' AND OLD.expires_at > sync.now_ms() THEN
    RAISE EXCEPTION '% has not expired yet', OLD.number;
  ELSIF NEW.state IN ('rejected', 'changes_requested') AND btrim(NEW.comment) = '' THEN
    RAISE EXCEPTION '%: a comment says why', OLD.number;
  ELSIF decides AND NEW.state <> 'approved' AND NOT app.has_role(session_user, coalesce(NEW.decided_role, '')) THEN
    RAISE EXCEPTION '%: you have not got the role %', OLD.number, NEW.decided_role;
  END IF;
  NEW.decided_at := CASE WHEN NEW.state = 'pending' THEN NULL WHEN NEW.state = OLD.state THEN OLD.decided_at
                         ELSE sync.now_ms() END;
  IF NEW.state = 'approved' THEN
    NEW.decided_role := app.check_approved(NEW);
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER then_decide BEFORE INSERT OR UPDATE ON app.approvals FOR EACH ROW EXECUTE FUNCTION app.decide_approval();

-- Posts

-- Only with an approval, for the same bytes, once; not before the approver could still have called it back.
CREATE FUNCTION app.check_new_post(p app.outbox) RETURNS app.outbox LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  a app.approvals;
  approved_at bigint := nullif(current_setting('tower.occurred_at', true), '')::bigint;
  made_at bigint;
BEGIN
  PERFORM app.hold_channel(p.channel);
  SELECT * INTO a FROM app.approvals x WHERE x.id = p.approval_id;
  IF (a.state = 'approved' AND sha256(p.wire) = p.payload_sha256 AND p.payload_sha256 = a.payload_sha256
      AND a.destination = p.destination AND a.channel = p.channel AND a.task_id = p.task_id AND a.decided_by = p.approver
      AND a.expires_at > a.decided_at AND p.state = 'ready' AND p.fence = 0 AND p.attempts = 0
      AND num_nonnulls(p.leased_until, p.lease_holder, p.sent_at, p.external_message_id, p.delivery_status, p.thread_id) = 0
      AND NOT app.is_brought(a.id))
     IS NOT TRUE THEN
    RAISE EXCEPTION 'no approval, no post';
  END IF;
  p.distributor_id := (SELECT t.distributor_id FROM app.follow_up_tasks t WHERE t.id = p.task_id);
  p.ready_at := a.decided_at + app.duration_ms((SELECT value FROM app.settings WHERE key = 'delivery.undo_window'), 15000);
  -- An approval given before a restore let the message out, or somebody else's did, of which nothing is known here: about a task
  -- that was there before, nothing goes out until it has been looked for.
  made_at := least(approved_at, (SELECT least(t.created_at, sync.made_at(t.id)) FROM app.follow_up_tasks t WHERE t.id = p.task_id));
  IF sync.may_be_lost(made_at) THEN
    p.state := 'unknown';
    p.problem := 'the server was restored from a backup: it may have been sent';
    p.ready_at := made_at;
  END IF;
  RETURN p;
END $$;

-- One that an upload brings: it is over, whichever way, and it is what was approved.
CREATE FUNCTION app.check_brought_post(p app.outbox) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF p.state IN ('ready', 'leased', 'sending') OR p.retract_asked_at IS NOT NULL THEN
    RAISE EXCEPTION '% has not gone out yet, or is to be taken back: what waits for that is not uploaded', p.number;
  ELSIF sha256(p.wire) <> p.payload_sha256
     OR NOT EXISTS (SELECT FROM app.approvals a WHERE a.id = p.approval_id AND a.decided_by = p.approver AND app.is_brought(a.id)
          AND (a.payload_sha256, a.destination, a.channel, a.task_id) = (p.payload_sha256, p.destination, p.channel, p.task_id)) THEN
    RAISE EXCEPTION '% is not what its approval says', p.number;
  END IF;
END $$;

CREATE FUNCTION app.check_approval_stands(p app.outbox) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM app.approvals a WHERE a.id = p.approval_id AND a.state = 'approved'
                    AND a.expires_at > sync.now_ms()) THEN
    RAISE EXCEPTION '%: its approval has expired or was taken back', p.number;
  ELSIF app.is_brought(p.approval_id) THEN
    RAISE EXCEPTION '%: its approval was given before there was this server; a new draft asks for a new one', p.number;
  END IF;
END $$;

-- A lease lasts five minutes at most by the server's clock, and only the service holds one.
CREATE FUNCTION app.check_lease(before app.outbox, p app.outbox) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  moment bigint := sync.now_ms();
BEGIN
  PERFORM app.check_approval_stands(p);
  IF EXISTS (SELECT FROM app.settings WHERE key = 'delivery.stopped' AND value = 'true') THEN
    RAISE EXCEPTION 'all sending is stopped: resume it first';
  ELSIF p.leased_until IS NULL OR p.leased_until <= moment OR p.leased_until > moment + 300000 THEN
    RAISE EXCEPTION '%: a lease ends within five minutes by the server''s clock', p.number;
  ELSIF p.state = 'leased' AND (p.fence <> before.fence + 1 OR coalesce(p.lease_holder, '') = '' OR before.ready_at > moment
        OR before.state <> 'ready' AND (before.state <> 'leased' OR before.leased_until > moment)) THEN
    RAISE EXCEPTION '% is not to be sent yet, or in the hands of another sender', p.number;
  ELSIF p.state = 'sending' AND (before.state <> 'leased' OR before.leased_until <= moment OR p.fence <> before.fence
        OR p.attempts <> before.attempts + 1) THEN
    RAISE EXCEPTION '%: the lease is over', p.number;
  END IF;
END $$;

-- Which instance of the service has a post in its hands: a fence that others read is no proof of being its holder.
CREATE TABLE sync.senders (
  post uuid PRIMARY KEY,
  device uuid NOT NULL
);

-- What becomes of a post is told by who leased it, lest one that slept through its lease speaks for the next. That nobody
-- knows, anybody may say once the lease is over.
CREATE FUNCTION app.check_sender(before app.outbox, p app.outbox) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM sync.senders s WHERE s.post = p.id AND s.device = app.this_device())
     AND NOT (before.state = 'sending' AND p.state = 'unknown' AND before.leased_until <= sync.now_ms()) THEN
    RAISE EXCEPTION '% is in the hands of another sender', p.number;
  END IF;
END $$;

-- What people ask of a post: that it is taken back once it went out, or looked for while nobody knows. Whoever has leased a
-- retraction, and nobody else, says what became of it; an answer to the other one is the service's as well.
CREATE FUNCTION app.check_asked(before app.outbox, p app.outbox) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF before.look_asked_at IS NULL AND p.look_asked_at IS NOT NULL AND before.state <> 'unknown' THEN
    RAISE EXCEPTION '%: only a post that may have been sent is looked for', p.number;
  ELSIF p.look_asked_at IS NULL AND before.look_asked_at IS NOT NULL AND NOT app.has_role(session_user, 'agent') THEN
    RAISE EXCEPTION 'only the service answers what it was asked for';
  END IF;
  IF before.retract_asked_at IS NULL AND p.retract_asked_at IS NOT NULL THEN
    IF before.state <> 'sent' OR p.external_message_id IS NULL OR btrim(coalesce(p.retract_comment, '')) = '' THEN
      RAISE EXCEPTION '%: only a message that was sent is taken back, for a reason that is said', p.number;
    ELSIF EXISTS (SELECT FROM app.outbox o WHERE o.id <> p.id AND o.channel = p.channel
                    AND o.external_message_id = p.external_message_id) THEN   -- a person may have said so of it
      RAISE EXCEPTION '%: its message is another post''s as well', p.number;
    END IF;
  ELSIF p.retract_asked_at IS NULL AND p.retract_comment IS NOT NULL THEN
    RAISE EXCEPTION '%: nobody asked for it back', p.number;
  ELSIF before.state = 'sent' AND p.fence = before.fence AND (p.state, p.retract_asked_at, p.retract_comment, p.leased_until)
        IS DISTINCT FROM (before.state, before.retract_asked_at, before.retract_comment, before.leased_until) THEN
    IF before.retract_asked_at IS NULL OR before.leased_until IS NULL
       OR NOT EXISTS (SELECT FROM sync.senders s WHERE s.post = p.id AND s.device = app.this_device()) THEN
      RAISE EXCEPTION '%: only who has it in hand says what became of taking it back', p.number;
    ELSIF p.retract_asked_at IS NOT NULL AND (p.state <> 'sent' OR p.retract_comment IS DISTINCT FROM before.retract_comment
          OR p.leased_until IS NULL OR p.leased_until > sync.now_ms() + 300000) THEN
      RAISE EXCEPTION '%: it is tried again within five minutes by the server''s clock, as it was asked for', p.number;
    END IF;
  END IF;
END $$;

-- A retraction is begun by one instance at a time, where a person asked for it. All sending may be stopped: what went out by
-- mistake is taken back then as well.
CREATE FUNCTION app.check_retracting(before app.outbox, p app.outbox) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  moment bigint := sync.now_ms();
BEGIN
  IF before.retract_asked_at IS NULL OR p.retract_asked_at IS NULL THEN
    RAISE EXCEPTION '%: nobody asked for it back', p.number;
  ELSIF p.fence <> before.fence + 1 OR coalesce(p.lease_holder, '') = '' OR before.leased_until > moment THEN
    RAISE EXCEPTION '% is in the hands of another sender', p.number;
  ELSIF p.leased_until IS NULL OR p.leased_until <= moment OR p.leased_until > moment + 300000 THEN
    RAISE EXCEPTION '%: a lease ends within five minutes by the server''s clock', p.number;
  END IF;
END $$;

CREATE FUNCTION app.send_post() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF sync.is_bringing() THEN
    PERFORM app.check_brought_post(NEW);
    RETURN NEW;
  ELSIF TG_OP = 'INSERT' THEN
    RETURN app.check_new_post(NEW);
  ELSIF NEW.rev = OLD.rev THEN
    RETURN NEW;
  ELSIF (NEW.wire, NEW.payload_sha256, NEW.channel, NEW.destination, NEW.approval_id, NEW.task_id, NEW.distributor_id,
         NEW.approver, NEW.number) IS DISTINCT FROM
        (OLD.wire, OLD.payload_sha256, OLD.channel, OLD.destination, OLD.approval_id, OLD.task_id, OLD.distributor_id,
         OLD.approver, OLD.number) THEN
    RAISE EXCEPTION 'the bytes of a post are fixed';
  ELSIF NEW.external_message_id IS DISTINCT FROM OLD.external_message_id AND OLD.state NOT IN ('sending', 'unknown') THEN
    RAISE EXCEPTION '%: which message it is does not change', OLD.number;   -- it is the one that would be taken back
  ELSIF NEW.state = 'unknown' AND OLD.state IN ('ready', 'leased', 'sending') AND sync.is_continuing() THEN
    RETURN NEW;
  ELSIF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (
      ('ready', 'leased'), ('ready', 'cancelled'), ('ready', 'failed'),
      ('leased', 'ready'), ('leased', 'sending'), ('leased', 'failed'), ('leased', 'cancelled'),
      ('sending', 'ready'), ('sending', 'sent'), ('sending', 'sent_unconfirmed'), ('sending', 'failed'), ('sending', 'unknown'),
      ('unknown', 'sent'), ('unknown', 'failed'), ('unknown', 'ready'), ('failed', 'ready'),
      ('sent', 'retracted')) THEN
    RAISE EXCEPTION '% cannot go from % to %', OLD.number, OLD.state, NEW.state;
  END IF;
  IF NEW.state <> 'cancelled' AND (OLD.state IN ('ready', 'leased', 'sending') OR NEW.fence <> OLD.fence
     OR NEW.lease_holder IS DISTINCT FROM OLD.lease_holder) AND NOT app.has_role(session_user, 'agent') THEN
    RAISE EXCEPTION 'only the service sends';
  ELSIF OLD.state IN ('leased', 'sending') AND NEW.state NOT IN ('leased', 'cancelled') THEN
    PERFORM app.check_sender(OLD, NEW);
  END IF;
  PERFORM app.check_asked(OLD, NEW);
  IF NEW.state IN ('leased', 'sending') OR NEW.state = 'sent' AND OLD.state = 'sent' AND NEW.fence <> OLD.fence THEN
    IF NEW.state = 'sent' THEN
      PERFORM app.check_retracting(OLD, NEW);
    ELSE
      PERFORM app.check_lease(OLD, NEW);
    END IF;
    INSERT INTO sync.senders AS s (post, device) VALUES (NEW.id, app.this_device())
      ON CONFLICT (post) DO UPDATE SET device = excluded.device;
  ELSIF NEW.fence <> OLD.fence OR NEW.attempts <> OLD.attempts THEN
    RAISE EXCEPTION '%: leases and attempts are counted when they begin', OLD.number;
  ELSIF NEW.state = 'ready' AND OLD.state IN ('unknown', 'failed') THEN
    PERFORM app.check_approval_stands(NEW);
    IF sync.may_be_lost(nullif(current_setting('tower.occurred_at', true), '')::bigint) THEN   -- then it was sent after that
      NEW.state := 'unknown';
      NEW.problem := 'the server was restored from a backup: it may have been sent';
    END IF;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER then_send BEFORE INSERT OR UPDATE ON app.outbox FOR EACH ROW EXECUTE FUNCTION app.send_post();

-- A channel that leads to another address: nobody approved anything for that one. What is being sent, or may have been, stays
-- as it is and is not sent once more.
CREATE FUNCTION app.void_for_another_address() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  why text := 'the channel leads to another address now';
  tasks uuid[];
BEGIN
  WITH voided AS (UPDATE app.approvals a SET state = 'voided', void_reason = why
      WHERE a.channel = NEW.name AND (a.state = 'pending' OR a.state = 'approved' AND NOT app.is_brought(a.id) AND NOT EXISTS
        (SELECT FROM app.outbox p WHERE p.approval_id = a.id AND p.state IN ('sent', 'sent_unconfirmed', 'retracted', 'cancelled')))
      RETURNING a.task_id)
    SELECT array_agg(task_id) INTO tasks FROM voided;
  UPDATE app.outbox p SET state = 'cancelled', problem = why FROM app.approvals a
    WHERE a.id = p.approval_id AND a.state = 'voided' AND p.channel = NEW.name AND p.state IN ('ready', 'leased');
  UPDATE app.follow_up_tasks t SET status = 'scheduled', next_check_at = sync.now_ms()
    WHERE t.id = ANY (tasks) AND t.status IN ('waiting_for_human_approval', 'approved')
      AND NOT EXISTS (SELECT FROM app.approvals a WHERE a.task_id = t.id AND a.state = 'pending')
      AND NOT EXISTS (SELECT FROM app.outbox p WHERE p.task_id = t.id AND p.state IN ('ready', 'leased', 'sending', 'unknown'));
  RETURN NULL;
END $$;
CREATE TRIGGER then_void AFTER UPDATE ON app.channels FOR EACH ROW
  WHEN ((NEW.kind, NEW.base_url) IS DISTINCT FROM (OLD.kind, OLD.base_url)) EXECUTE FUNCTION app.void_for_another_address();

-- None is ever taken away: a post that is gone could be made, and sent, once more, and a channel that is gone made anew with
-- another address, for which nobody approved anything; it is archived. But what an upload brought gives way to
-- the same workspace's next one, while nobody has worked here.
CREATE FUNCTION app.is_kept() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF sync.is_bringing() THEN
    RETURN OLD;
  END IF;
  RAISE EXCEPTION 'rows of app.% are kept', TG_TABLE_NAME;
END $$;
CREATE TRIGGER kept BEFORE DELETE ON app.approvals FOR EACH ROW EXECUTE FUNCTION app.is_kept();
CREATE TRIGGER kept BEFORE DELETE ON app.outbox FOR EACH ROW EXECUTE FUNCTION app.is_kept();
CREATE TRIGGER kept BEFORE DELETE ON app.channels FOR EACH ROW EXECUTE FUNCTION app.is_kept();

-- What hangs on a draft or a post is of the same task, so that whoever sees the one sees the other.
CREATE FUNCTION app.is_of_one_task() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  row_now jsonb := to_jsonb(NEW);
BEGIN
  IF EXISTS (SELECT FROM app.ai_outputs o WHERE o.id IN ((row_now ->> 'output_id')::uuid, (row_now ->> 'based_on')::uuid)
             AND o.task_id <> NEW.task_id)
     OR EXISTS (SELECT FROM app.outbox p WHERE p.id = (row_now ->> 'post_id')::uuid AND p.task_id <> NEW.task_id) THEN
    RAISE EXCEPTION 'a row of % refers to another task''s', TG_TABLE_NAME;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER then_of_one_task BEFORE INSERT OR UPDATE ON app.ai_outputs FOR EACH ROW EXECUTE FUNCTION app.is_of_one_task();
CREATE TRIGGER then_of_one_task BEFORE INSERT OR UPDATE ON app.proposed_actions
  FOR EACH ROW EXECUTE FUNCTION app.is_of_one_task();
CREATE TRIGGER then_of_one_task BEFORE INSERT OR UPDATE ON app.replies FOR EACH ROW EXECUTE FUNCTION app.is_of_one_task();
