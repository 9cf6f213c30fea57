-- When a task falls due, as the program works it out (src/domain/ct-calendar.c, ct-sla.c, src/commands/ct-sla-book.c): from the
-- ledger of its clocks, whose times are this server's, and from policy and calendar as they read here and now.
SET LOCAL ROLE tower_owner;

-- Business hours: {weekday from Monday = 0, minute from, minute to} in order, holidays in days since 1970.
CREATE TYPE sync.calendar AS (always boolean, zone text, slots integer[], holidays bigint[]);

-- NULL: no time of a day such as 09:00, up to 24:00.
CREATE FUNCTION sync.minute_of(text) RETURNS integer LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN $1 ~ '^(([01]\d|2[0-3]):[0-5]\d|24:00)$' THEN split_part($1, ':', 1)::integer * 60 + split_part($1, ':', 2)::integer END;
$$;

-- A slot that ends before it begins runs over midnight; its second part belongs to the next day. NULL where the program would not
-- read it either: hours that are never open, overlap or are none.
CREATE FUNCTION sync.read_calendar(body jsonb) RETURNS sync.calendar LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  WITH given AS (
      SELECT array_position(ARRAY['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'], w.key) - 1 AS day,
             sync.minute_of(s ->> 0) AS "from", sync.minute_of(s ->> 1) AS "to"
        FROM jsonb_each(body -> 'week') w, jsonb_array_elements(w.value) s),
    parts AS (
      SELECT day, "from", CASE WHEN "to" < "from" THEN 1440 ELSE "to" END AS "to" FROM given
      UNION ALL SELECT (day + 1) % 7, 0, "to" FROM given WHERE "to" < "from" AND "to" > 0),
    sound AS (
      SELECT bool_and(coalesce(day >= 0 AND "from" < "to" AND "from" >= before, false)) AS slots
        FROM (SELECT *, lag("to", 1, 0) OVER (PARTITION BY day ORDER BY "from") AS before FROM parts) x)
  SELECT always, coalesce(body ->> 'zone', 'UTC'),
    (SELECT array_agg(ARRAY[day, "from", "to"] ORDER BY day, "from") FROM parts),
    (SELECT array_agg(h::date - date '1970-01-01') FROM jsonb_array_elements_text(body -> 'holidays') h)
    FROM sound, coalesce((body ->> 'always')::boolean, false) always
    WHERE CASE WHEN always THEN body -> 'week' IS NULL AND coalesce(body -> 'holidays', '[]') = '[]' ELSE sound.slots END;
$$;

-- Seconds by which the wall's clock is ahead of UTC then.
CREATE FUNCTION sync.offset_at(zone text, seconds bigint) RETURNS bigint LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT extract(epoch FROM to_timestamp(seconds) AT TIME ZONE zone)::bigint - seconds;
$$;

-- The instant of a time on the wall's clock, in seconds as if it were UTC: one that it shows twice is its first showing, one
-- that it skips is the moment of the change.
CREATE FUNCTION sync.from_local(zone text, local bigint) RETURNS bigint LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  before bigint := sync.offset_at(zone, local - 86400);
  after bigint := sync.offset_at(zone, local + 86400);
  low bigint := local - after;
  high bigint := local - before;
  reached bigint;
BEGIN
  IF before = after OR sync.offset_at(zone, high) = before THEN
    RETURN high;
  ELSIF sync.offset_at(zone, low) = after THEN
    RETURN low;
  END IF;
  reached := sync.offset_at(zone, high);
  WHILE high - low > 1 LOOP
    IF sync.offset_at(zone, low + (high - low) / 2) = reached THEN high := low + (high - low) / 2;
    ELSE low := low + (high - low) / 2; END IF;
  END LOOP;
  RETURN high;
END $$;

-- Walks the open hours from an instant on, in milliseconds, until another (the greatest: none) or until so many have passed:
-- how many passed until the one, or the first instant at which the others had; NULL where that is not within a century.
CREATE FUNCTION sync.walk(c sync.calendar, since bigint, until bigint, duration bigint, OUT passed bigint, OUT at bigint)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  today bigint;
  before bigint;
  after bigint;
  slot integer[];
  opens bigint;
  closes bigint;
BEGIN
  passed := 0;
  IF duration <= 0 THEN
    at := since;
    RETURN;
  ELSIF c.always THEN
    IF until = 9223372036854775807 THEN at := since + duration; ELSE passed := greatest(until - since, 0); END IF;
    RETURN;
  END IF;
  -- where the clock goes back over midnight, the day before is still open
  today := floor((floor(since / 1000.0) + sync.offset_at(c.zone, floor(since / 1000.0)::bigint)) / 86400.0) - 1;
  FOR day IN today .. today + 39999 LOOP
    CONTINUE WHEN day = ANY (c.holidays);
    before := NULL;
    FOREACH slot SLICE 1 IN ARRAY c.slots LOOP
      CONTINUE WHEN slot[1] <> ((day + 3) % 7 + 7) % 7;
      IF before IS NULL THEN
        before := sync.offset_at(c.zone, (day - 1) * 86400::bigint);
        after := sync.offset_at(c.zone, (day + 2) * 86400::bigint);
      END IF;
      IF before = after THEN
        opens := (day * 86400::bigint + slot[2] * 60 - before) * 1000;
        closes := (day * 86400::bigint + slot[3] * 60 - before) * 1000;
      ELSE
        opens := sync.from_local(c.zone, day * 86400::bigint + slot[2] * 60) * 1000;
        closes := sync.from_local(c.zone, day * 86400::bigint + slot[3] * 60) * 1000;
      END IF;
      IF opens >= until THEN RETURN; END IF;
      opens := greatest(opens, since);
      closes := least(closes, until);
      CONTINUE WHEN closes <= opens;
      IF closes - opens >= duration - passed THEN
        at := opens + duration - passed;
        RETURN;
      END IF;
      passed := passed + (closes - opens);
    END LOOP;
  END LOOP;
END $$;

-- "… after 24h." in words of a person gives 24 hours; NULL where no such duration is there.
CREATE FUNCTION sync.escalate_after(rule text) RETURNS bigint LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT nullif(m[1]::bigint * CASE WHEN m[2] ~ '^[mMм]' THEN 60000 WHEN m[2] ~ '^[dDд]' THEN 86400000 ELSE 3600000 END, 0)
    FROM regexp_match(rule, '(?:^|[^[:alnum:]_а-яёА-ЯЁ])(?:after|через|[Чч][Ее][Рр][Ее][Зз])\s+(\d{1,4})\s*'
      '(m|h|d|min\w*|hour\w*|day\w*|[чЧ][а-яёА-ЯЁ\w]*|[мМ][иИ][нН][а-яёА-ЯЁ\w]*|[дД][нН][а-яёА-ЯЁ\w]*)'
      '(?![[:alnum:]_а-яёА-ЯЁ])', 'i') m;
$$;

-- The goals of a policy: {"resolution": [warning, target, hard, escalate], …} in milliseconds.
CREATE FUNCTION sync.goals_of(policy jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT jsonb_object_agg(name, jsonb_build_array(coalesce(sync.duration_ms(g ->> 'warning'), target - target / 4), target, hard,
                                                  coalesce(sync.duration_ms(g ->> 'escalate'), hard)))
    FROM (VALUES ('first_response', policy -> 'firstResponse'), ('next_response', policy -> 'nextResponse'),
                 ('resolution', policy -> 'resolution')) x (name, g),
      LATERAL (SELECT sync.duration_ms(g ->> 'target') AS target) t,
      LATERAL (SELECT coalesce(sync.duration_ms(g ->> 'hard'), target) AS hard) h WHERE target IS NOT NULL;
$$;

-- Whether facts meet a policy's conditions: {"fact": value, list of values, or {"min", "max"}}; a fact that is null meets none.
CREATE FUNCTION sync.matches(conditions jsonb, facts jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(bool_and(coalesce(CASE jsonb_typeof(c.value)
      WHEN 'object' THEN jsonb_typeof(f) = 'number' AND f::text::numeric BETWEEN coalesce((c.value ->> 'min')::numeric, '-Infinity')
                                                              AND coalesce((c.value ->> 'max')::numeric, 'Infinity')
      WHEN 'array' THEN f <> 'null' AND EXISTS (SELECT FROM jsonb_array_elements(c.value) v WHERE v = f)
      ELSE f <> 'null' AND f = c.value END, false)), true)
    FROM jsonb_each(conditions) c, LATERAL (SELECT facts -> c.key AS f) x;
$$;

-- The policy of a task as it reads today; where it is gone, the first that matches the facts of its exception.
CREATE FUNCTION sync.policy_of(named text, exception uuid) RETURNS jsonb LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
  WITH p AS MATERIALIZED (SELECT x.body::jsonb AS body, x.position, x.name FROM app.sla_policies x WHERE x.archived_at IS NULL),
    facts AS (SELECT jsonb_build_object('rule', e.rule, 'blocker', e.blocker, 'severity', e.severity, 'score', e.score,
                'subjectType', e.subject_type, 'valueMinor', e.value_at_risk_minor, 'currency', e.currency, 'country', e.country,
                'owner', e.owner, 'valueBand', d.value_band, 'region', lower(d.region)) AS f
              FROM app.exceptions e LEFT JOIN app.distributors d ON d.id = e.distributor_id WHERE e.id = exception)
  SELECT coalesce((SELECT body FROM p WHERE body ->> 'id' = named ORDER BY position, name LIMIT 1),
                  (SELECT body FROM p WHERE sync.matches(body -> 'match', coalesce((SELECT f FROM facts), '{}'))
                     ORDER BY position, name LIMIT 1));
$$;

-- The goals and the calendar that a task is measured by: a duration of its own, its policy, or a day. No calendar where the
-- policy's is not there, or not to be read.
CREATE FUNCTION sync.sla_terms(named text, exception uuid, OUT goals jsonb, OUT calendar sync.calendar) LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  policy jsonb;
  own bigint := substring(named FROM '^own:(\d{1,15})$');
BEGIN
  calendar := (true, 'UTC', NULL, NULL);
  IF own IS NULL THEN
    policy := sync.policy_of(named, exception);
    IF policy IS NOT NULL THEN
      goals := sync.goals_of(policy);
      IF coalesce(policy ->> 'calendar', '') <> '' THEN
        calendar := (SELECT sync.read_calendar(c.body::jsonb) FROM app.calendars c
                       WHERE c.name = policy ->> 'calendar' AND c.archived_at IS NULL);
        PERFORM now() AT TIME ZONE calendar.zone;
      END IF;
      RETURN;
    END IF;
    own := 86400000;
  END IF;
  own := greatest(own, 1);
  goals := jsonb_build_object('resolution', jsonb_build_array(own - own / 4, own, own, own));
EXCEPTION WHEN data_exception THEN                -- nobody can read them
  calendar := NULL;
END $$;

-- One clock of a ledger, [[event, target, at], …] in order: whether it runs, and when it ran, [[from, to], …]. A resolution
-- stops every other clock.
CREATE FUNCTION sync.fold(ledger jsonb, wanted text, now bigint, OUT phase text, OUT runs bigint[]) LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  event text;
  target text;
  at bigint;
  since bigint;
  next text;
BEGIN
  phase := 'idle';
  runs := '{}';
  FOR event, target, at IN SELECT e ->> 0, e ->> 1, (e ->> 2)::bigint FROM jsonb_array_elements(ledger) WITH ORDINALITY x (e, o) ORDER BY o LOOP
    EXIT WHEN at > now;
    next := CASE WHEN target = wanted AND event = 'activate' AND phase NOT IN ('running', 'paused') THEN 'running'
                 WHEN target = wanted AND event = 'pause' AND phase = 'running' THEN 'paused'
                 WHEN target = wanted AND event = 'resume' AND phase = 'paused' THEN 'running'
                 WHEN event = 'fulfil' AND target IN (wanted, 'resolution') AND phase IN ('running', 'paused') THEN 'over' END;
    CONTINUE WHEN next IS NULL;
    IF event = 'activate' THEN
      runs := '{}';                               -- the next instance
    ELSIF phase = 'running' THEN
      runs := runs || ARRAY[ARRAY[since, greatest(at, since)]];
    END IF;
    phase := next;
    since := at;
  END LOOP;
  IF phase = 'running' THEN
    runs := runs || ARRAY[ARRAY[since, greatest(now, since)]];
  END IF;
END $$;

-- When a clock will have measured a duration, or did; NULL where it stands still before that.
CREATE FUNCTION sync.crossing(phase text, runs bigint[], duration bigint, c sync.calendar) RETURNS bigint LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  before bigint := 0;
  passed bigint;
  last integer := coalesce(array_length(runs, 1), 0);
BEGIN
  FOR i IN 1 .. last LOOP
    EXIT WHEN duration <= 0;
    IF i = last AND phase = 'running' THEN
      RETURN (SELECT w.at FROM sync.walk(c, runs[i][1], 9223372036854775807, duration - before) w);
    END IF;
    passed := (SELECT w.passed FROM sync.walk(c, runs[i][1], runs[i][2], 9223372036854775807) w);
    IF before + passed >= duration THEN
      RETURN (SELECT w.at FROM sync.walk(c, runs[i][1], 9223372036854775807, duration - before) w);
    END IF;
    before := before + passed;
  END LOOP;
  RETURN NULL;
END $$;

-- The earliest of all clocks that run: that is what burns. A paused clock has nothing ahead of it, but may have to be escalated.
CREATE FUNCTION sync.sla_dates(ledger jsonb, goals jsonb, c sync.calendar, escalate_after bigint, now bigint,
                               OUT due bigint, OUT warning bigint, OUT hard bigint, OUT escalate bigint) LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  goal record;
  f record;
BEGIN
  FOR goal IN SELECT key, (value ->> 0)::bigint AS warning, (value ->> 1)::bigint AS target, (value ->> 2)::bigint AS hard,
                     (value ->> 3)::bigint AS escalate FROM jsonb_each(goals) LOOP
    f := sync.fold(ledger, goal.key, now);
    CONTINUE WHEN f.phase <> 'running';
    warning := least(warning, sync.crossing(f.phase, f.runs, goal.warning, c));
    due := least(due, sync.crossing(f.phase, f.runs, goal.target, c));
    hard := least(hard, sync.crossing(f.phase, f.runs, goal.hard, c));
    escalate := least(escalate, sync.crossing(f.phase, f.runs, goal.escalate, c));
  END LOOP;
  IF escalate_after > 0 THEN
    f := sync.fold(ledger, 'resolution', now);
    IF f.phase IN ('running', 'paused') THEN
      escalate := least(escalate, sync.crossing(f.phase, f.runs, escalate_after, c));
    END IF;
  END IF;
END $$;

-- Whether a task's clocks stand: while the counterparty must answer, and while it is snoozed where the workspace says so.
CREATE FUNCTION sync.stands_still(status text) RETURNS boolean LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT status = 'awaiting_reply' OR status = 'snoozed'
    AND coalesce((SELECT s.value IN ('true', '1') FROM app.settings s WHERE s.key = 'sla.snooze_pauses'), false);
$$;

CREATE FUNCTION sync.ledger_of(task uuid) RETURNS jsonb LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(jsonb_agg(jsonb_build_array(e.event, e.target, e.at)
                            ORDER BY e.at, e.instance, array_position(ARRAY['activate', 'resume', 'pause'], e.event), e.id), '[]')
    FROM app.sla_events e WHERE e.subject_id = task;
$$;

-- What a command says of a task's dates is not taken: they stay as they are until its end, where sync.set_dates works them out.
-- Whether a task is still to be escalated is kept from move to move; -1: an undo brings that back.
CREATE FUNCTION sync.keep_dates() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  own numeric := substring(NEW.sla_policy FROM '^own:(.*)$');
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF own NOT BETWEEN 60000 AND 31622400000 THEN
      RAISE EXCEPTION 'the SLA must be between a minute and a year' USING ERRCODE = 'CT103';
    END IF;
    NEW.sla_due_at := NULL;
    NEW.sla_warning_at := NULL;
    NEW.sla_hard_at := NULL;
    NEW.escalate_at := NULL;
    RETURN NEW;
  ELSIF current_setting('tower.command', true) = 'command.undo' THEN
    NEW.escalate_at := CASE WHEN NEW.escalate_at IS NULL THEN NULL ELSE coalesce(OLD.escalate_at, -1) END;
  ELSE
    NEW.escalate_at := CASE WHEN NEW.status IN ('escalated', 'resolved') AND NEW.status <> OLD.status THEN NULL ELSE OLD.escalate_at END;
  END IF;
  NEW.sla_due_at := OLD.sla_due_at;
  NEW.sla_warning_at := OLD.sla_warning_at;
  NEW.sla_hard_at := OLD.sla_hard_at;
  RETURN NEW;
END $$;

-- Clocks that stand where their task does not go on: a workstation that was offline goes by the setting that it knew, and a
-- snooze that stood there need not here.
CREATE FUNCTION sync.resume(t app.follow_up_tasks) RETURNS void LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO app.sla_events (id, subject_type, subject_id, target, instance, event, party)
    SELECT gen_random_uuid(), 'task', t.id, g, (SELECT max(e.instance) FROM app.sla_events e WHERE e.subject_id = t.id AND e.target = g),
           'resume', CASE WHEN t.status IN ('waiting_for_human_approval', 'snoozed', 'escalated', 'blocked') THEN 'approver'
                          WHEN t.status IN ('approved', 'posted') THEN 'channel' ELSE 'agent' END
      FROM unnest(ARRAY['first_response', 'next_response', 'resolution']) g,
        sync.fold(sync.ledger_of(t.id), g, 9223372036854775807) f
      WHERE f.phase = 'paused' AND t.status <> 'resolved' AND NOT sync.stands_still(t.status);
$$;

-- At the end of a command the dates of a task that moved, or whose clocks did, from the time at which this server got it.
CREATE FUNCTION sync.set_dates() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  image jsonb := CASE TG_OP WHEN 'DELETE' THEN to_jsonb(OLD) ELSE to_jsonb(NEW) END;
  arming boolean := TG_OP = 'INSERT' AND image ->> 'event' = 'activate';
  t app.follow_up_tasks;
  ledger jsonb;
  moment bigint;
  terms record;
  dates record;
BEGIN
  SELECT * INTO t FROM app.follow_up_tasks x WHERE x.id = (image ->> CASE TG_TABLE_NAME WHEN 'sla_events' THEN 'subject_id' ELSE 'id' END)::uuid;
  PERFORM sync.resume(t);
  terms := sync.sla_terms(t.sla_policy, t.exception_id);
  IF t.id IS NULL OR terms.calendar IS NULL THEN   -- what can't be worked out stays
    UPDATE app.follow_up_tasks x SET escalate_at = NULL WHERE x.id = t.id AND x.escalate_at = -1;
    RETURN NULL;
  END IF;
  ledger := sync.ledger_of(t.id);
  moment := greatest(sync.now_ms(), (ledger -> -1 ->> 2)::bigint);
  dates := sync.sla_dates(ledger, terms.goals, terms.calendar, coalesce(sync.escalate_after(t.escalation_rule),
    (SELECT sync.duration_ms(p.body::jsonb -> 'escalation' ->> 'after') FROM app.agent_profiles p
       WHERE p.name = t.assigned_agent AND p.archived_at IS NULL), 0), moment);
  IF NOT arming AND t.escalate_at IS NULL THEN
    dates.escalate := NULL;                       -- it was, or it is over
  ELSIF NOT arming AND t.escalate_at <> -1 THEN
    dates.escalate := coalesce(dates.escalate, t.escalate_at);
  END IF;
  UPDATE app.follow_up_tasks x
    SET sla_due_at = dates.due, sla_warning_at = dates.warning, sla_hard_at = dates.hard, escalate_at = dates.escalate
    WHERE x.id = t.id AND (x.sla_due_at, x.sla_warning_at, x.sla_hard_at, x.escalate_at)
                          IS DISTINCT FROM (dates.due, dates.warning, dates.hard, dates.escalate);
  RETURN NULL;
END $$;

-- A line of the ledger says what is so: clocks are answered where something was sent, and end where the task does.
CREATE FUNCTION sync.check_clock() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t app.follow_up_tasks;
BEGIN
  SELECT * INTO t FROM app.follow_up_tasks x WHERE x.id = NEW.subject_id;
  IF t.id IS NOT NULL AND NOT (CASE WHEN NEW.target = 'resolution' THEN t.status = 'resolved'
                                    ELSE EXISTS (SELECT FROM app.outbox p WHERE p.task_id = t.id
                                                 AND p.state IN ('sent', 'sent_unconfirmed')) END) THEN
    RAISE EXCEPTION 'the clock of % for % does not take "%": it is %', t.number, NEW.target, NEW.event, t.status USING ERRCODE = 'CT103';
  END IF;
  RETURN NULL;
END $$;

-- A clock of this machine that was set back, or an upload from one that was ahead, does not make a ledger run backwards, nor go on
-- in the same moment in which it stood still: by order of time that reads the other way round. What is brought was when it was.
CREATE FUNCTION sync.keep_order() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT sync.is_bringing() THEN
    NEW.at := greatest(NEW.at, (SELECT max(e.at + (e.event = 'pause' AND NEW.event = 'resume')::integer)
                                  FROM app.sla_events e WHERE e.subject_id = NEW.subject_id));
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER stay_in_order BEFORE INSERT ON app.sla_events   -- by its name after the stamps, which give the time
  FOR EACH ROW EXECUTE FUNCTION sync.keep_order();
CREATE TRIGGER keep_dates BEFORE INSERT OR UPDATE OF status, sla_due_at, sla_warning_at, sla_hard_at, escalate_at ON app.follow_up_tasks
  FOR EACH ROW WHEN (coalesce(current_setting('tower.command', true), '') <> '' AND pg_trigger_depth() = 0)
  EXECUTE FUNCTION sync.keep_dates();
CREATE CONSTRAINT TRIGGER follow_up_tasks_dates AFTER UPDATE OF status, assigned_agent, escalation_rule, escalate_at
  ON app.follow_up_tasks DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (coalesce(current_setting('tower.command', true), '') <> '' AND pg_trigger_depth() = 0)
  EXECUTE FUNCTION sync.set_dates();
CREATE CONSTRAINT TRIGGER sla_events_check AFTER INSERT ON app.sla_events DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (coalesce(current_setting('tower.command', true), '') <> '' AND NEW.event = 'fulfil')
  EXECUTE FUNCTION sync.check_clock();
CREATE CONSTRAINT TRIGGER sla_events_dates AFTER INSERT ON app.sla_events DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (coalesce(current_setting('tower.command', true), '') <> '' AND NEW.event IN ('activate', 'pause'))
  EXECUTE FUNCTION sync.set_dates();
CREATE CONSTRAINT TRIGGER sla_events_undo AFTER DELETE ON app.sla_events DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (coalesce(current_setting('tower.command', true), '') <> '')
  EXECUTE FUNCTION sync.set_dates();
UPDATE sync.tables SET checked = checked || ARRAY['status', 'assigned_agent', 'escalation_rule', 'escalate_at'] WHERE name = 'follow_up_tasks';
