-- Retention windows: a grant may be of the last days of a scope alone. Each row of a scope of which there is such a grant is
-- also in a scope of its day, so that nothing has to be written when its time is over: the day is then none of the login's
-- (api.my_scopes), and row security, commands, the feed and the log hide what is in no other scope of theirs as after a
-- revocation. What has no date, nor follows what has one, is in the scope of no day, which all windows hold. Here is how rows
-- get and lose the scopes of their days. Where there is no such grant nothing of this happens.
SET LOCAL ROLE tower_owner;

-- The scopes of the last days of these scopes, those to come, and that of no day, made before they are needed: what a login
-- holds changes at midnight and not with the first row of each day.
CREATE FUNCTION sync.make_days(scope integer, days integer) RETURNS void LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO sync.scopes (base, day) SELECT scope, sync.today() + d FROM generate_series(1 - days, 31) d UNION ALL SELECT scope, 'infinity'
    ON CONFLICT (base, day) DO NOTHING;
$$;

CREATE FUNCTION sync.day_scope(scope integer, of_day date) RETURNS integer LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  one integer;
BEGIN
  SELECT s.id INTO one FROM sync.scopes s WHERE s.base = scope AND s.day = of_day;
  IF NOT FOUND THEN
    INSERT INTO sync.scopes (base, day) VALUES (scope, of_day) ON CONFLICT (base, day) DO UPDATE SET day = excluded.day RETURNING id INTO one;
  END IF;
  RETURN one;
END $$;

-- Of which day a row is: infinity where it has no date of its own. None is further ahead than ten years, so that nobody makes
-- scopes without end.
CREATE FUNCTION sync.day_of(table_id smallint, image jsonb) RETURNS date LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  own date;
BEGIN
  SELECT CASE c.type WHEN 'date' THEN (image ->> c.name)::date
              ELSE (to_timestamp(least(greatest((image ->> c.name)::bigint, 0), 253402300799000) / 1000.0) AT TIME ZONE 'UTC')::date END
    INTO own FROM sync.columns c WHERE c.tbl = table_id AND c.dates IS NOT NULL AND image ->> c.name IS NOT NULL ORDER BY c.dates LIMIT 1;
  RETURN CASE WHEN own IS NULL THEN 'infinity' ELSE least(own, sync.today() + 3660) END;
END $$;

-- What two rows have in common that a third one names: of a scope's days the earlier one, for who sees that sees the later one.
CREATE FUNCTION sync.common_scopes(one integer[], other integer[]) RETURNS integer[] LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT ARRAY(SELECT s.id FROM unnest(one) WITH ORDINALITY x (id, place) JOIN sync.scopes s USING (id)
                 WHERE s.base IS NULL AND s.id = ANY (other) ORDER BY x.place)
      || ARRAY(SELECT CASE WHEN x.day <= y.day THEN x.id ELSE y.id END FROM sync.scopes x JOIN sync.scopes y ON y.base = x.base
                 WHERE x.id = ANY (one) AND y.id = ANY (other) ORDER BY x.base);
$$;

-- The scopes of a row with those of its day, where some window still reaches that. alone: it follows no other row, else held
-- has what it follows in common: whom that is kept from does not see this.
CREATE FUNCTION sync.dated_scopes(table_id smallint, image jsonb, held integer[], alone boolean) RETURNS integer[] LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  own date := sync.day_of(table_id, image);
  kept integer[] := ARRAY(SELECT s.id FROM unnest(held) WITH ORDINALITY x (id, place) JOIN sync.scopes s USING (id)
                            WHERE s.base IS NULL ORDER BY x.place);
  w record;
BEGIN
  FOR w IN SELECT v.scope, v.days, CASE WHEN alone THEN own ELSE least(own, s.day) END AS day
             FROM sync.windows v LEFT JOIN sync.scopes s ON NOT alone AND s.base = v.scope AND s.id = ANY (held)
             WHERE v.scope = ANY (kept) AND (alone OR s.id IS NOT NULL) ORDER BY v.scope LOOP
    IF w.days > 0 AND w.day > sync.today() - w.days THEN
      kept := kept || sync.day_scope(w.scope, w.day);
    END IF;
  END LOOP;
  RETURN kept;
END $$;

-- A window is the first of its scope, or longer than those before: the rows have to be gone through.
CREATE FUNCTION sync.open_window() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO sync.windows AS w (scope, days) VALUES (NEW.scope, NEW.days)
    ON CONFLICT (scope) DO UPDATE SET days = excluded.days, place = excluded.place, pk = excluded.pk, made = excluded.made
      WHERE w.days < excluded.days;
  PERFORM sync.make_days(NEW.scope, NEW.days);
  RETURN NULL;
END $$;
CREATE TRIGGER open_window AFTER INSERT OR UPDATE ON sync.grants FOR EACH ROW WHEN (NEW.days IS NOT NULL)
  EXECUTE FUNCTION sync.open_window();

-- All business tables, after those whose rows theirs follow.
CREATE FUNCTION sync.tables_in_order() RETURNS smallint[] LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  WITH RECURSIVE below (id, name, depth) AS (
      SELECT t.id, t.name, CASE WHEN EXISTS (SELECT FROM sync.columns c WHERE c.tbl = t.id AND c.kind = 'subject') THEN 50 ELSE 0 END
        FROM sync.tables t
      UNION SELECT t.id, t.name, b.depth + 1 FROM below b JOIN sync.columns c ON c.kind = 'parent' AND c.of = b.name
        JOIN sync.tables t ON t.id = c.tbl WHERE b.depth < 100)
    SELECT array_agg(o.id ORDER BY o.depth, o.id) FROM (SELECT id, max(depth) AS depth FROM below GROUP BY id) o;
$$;

-- Gives rows of one table the scopes that they have by now. Nobody's parent is asked to lead them: they are gone through in
-- their order.
CREATE FUNCTION sync.sort_rows(table_id smallint, ids uuid[]) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  table_name text;
BEGIN
  SELECT name INTO STRICT table_name FROM sync.tables WHERE id = table_id;
  EXECUTE format('UPDATE app.%1$I r SET scopes = r.scopes WHERE r.id = ANY ($1) AND r.scopes <> sync.scopes_of($2, %1$L, to_jsonb(r), r)',
                 table_name) USING ids, table_id;
END $$;

-- Rows whose day no window reaches any more leave its scope, and the feed gets the line that says so.
CREATE FUNCTION sync.retain_leaving(most integer) RETURNS bigint LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  lines jsonb;
  t record;
BEGIN
  SELECT jsonb_agg(to_jsonb(e)) INTO lines FROM (
    SELECT e.scope, e.tbl, e.pk FROM sync.windows w
      JOIN sync.scopes s ON s.base = w.scope AND (w.days = 0 OR s.day <= sync.today() - w.days)
      JOIN sync.entry e ON e.scope = s.id AND NOT e.gone LIMIT most) e;
  IF lines IS NULL THEN RETURN 0; END IF;
  FOR t IN SELECT l.tbl, array_agg(l.pk ORDER BY l.pk) AS ids FROM jsonb_to_recordset(lines) l (tbl smallint, pk uuid) GROUP BY 1 ORDER BY 1 LOOP
    PERFORM sync.sort_rows(t.tbl, t.ids);
  END LOOP;
  UPDATE sync.entry e SET gone = true, tid = sync.current_tid() FROM jsonb_to_recordset(lines) l (scope integer, tbl smallint, pk uuid)
    WHERE e.scope = l.scope AND e.tbl = l.tbl AND e.pk = l.pk AND NOT e.gone;  -- of what is there no more
  RETURN jsonb_array_length(lines);
END $$;

-- Rows of a scope that has got a window, or a longer one, get the scopes of their days. Not before all is done that began when
-- nobody knew of it (what is from before a restore is long done).
CREATE FUNCTION sync.retain_coming(w sync.windows, most integer) RETURNS bigint LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  tables smallint[] := sync.tables_in_order();
  ids uuid[];
BEGIN
  IF w.made >= pg_snapshot_xmin(pg_current_snapshot()) AND w.made <= pg_current_xact_id() THEN RETURN 0; END IF;
  WHILE ids IS NULL AND w.place <= array_length(tables, 1) LOOP
    SELECT array_agg(e.pk ORDER BY e.pk) INTO ids FROM (
      SELECT x.pk FROM sync.entry x WHERE x.scope = w.scope AND x.tbl = tables[w.place] AND NOT x.gone AND x.pk > w.pk
        ORDER BY x.pk LIMIT most) e;
    IF ids IS NULL THEN
      w.place := w.place + 1;
      w.pk := '00000000-0000-0000-0000-000000000000';
    END IF;
  END LOOP;
  IF ids IS NULL THEN
    UPDATE sync.windows SET place = NULL WHERE scope = w.scope;
    RETURN 0;
  END IF;
  PERFORM sync.sort_rows(tables[w.place], ids);
  UPDATE sync.windows SET place = w.place, pk = ids[array_length(ids, 1)] WHERE scope = w.scope;
  RETURN array_length(ids, 1);
END $$;

-- Some of what there is to do, in this transaction: how many rows were looked at, 0 where nothing is left to do now.
CREATE FUNCTION sync.retain(most integer) RETURNS bigint LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  w sync.windows;
  done bigint;
BEGIN
  IF NOT EXISTS (SELECT FROM sync.windows) THEN RETURN 0; END IF;
  PERFORM FROM sync.windows ORDER BY scope FOR UPDATE;   -- a grant that comes now waits, and two take turns
  UPDATE sync.windows x SET days = g.days
    FROM (SELECT v.scope, coalesce(max(g.days) FILTER (WHERE g.until > clock_timestamp()), 0) AS days
            FROM sync.windows v LEFT JOIN sync.grants g USING (scope) GROUP BY 1) g
    WHERE g.scope = x.scope AND g.days < x.days;
  PERFORM sync.make_days(x.scope, x.days) FROM sync.windows x
    WHERE x.days > 0 AND NOT EXISTS (SELECT FROM sync.scopes s WHERE s.base = x.scope AND s.day = sync.today() + 7);
  UPDATE sync.windows SET xid = pg_current_xact_id();
  PERFORM set_config('tower.retaining', 'yes', true);
  done := sync.retain_leaving(most);
  IF done = 0 THEN
    DELETE FROM sync.windows WHERE days = 0;
    FOR w IN SELECT * FROM sync.windows WHERE place IS NOT NULL ORDER BY scope LOOP
      done := sync.retain_coming(w, most);
      EXIT WHEN done > 0;
    END LOOP;
  END IF;
  PERFORM set_config('tower.retaining', '', true);
  UPDATE sync.windows SET xid = NULL WHERE xid IS NOT NULL;
  RETURN done;
END $$;

-- The same for the service that has this kind of work now.
CREATE FUNCTION api.retain(most integer DEFAULT 500) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
BEGIN
  PERFORM FROM sync.work w WHERE w.kind = 'retain' AND w.login = session_user AND w.until > clock_timestamp() FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'another instance does this work now' USING ERRCODE = 'CT101';
  END IF;
  RETURN sync.retain(least(greatest(most, 1), 5000));
END $$;
GRANT EXECUTE ON FUNCTION api.retain(integer) TO tower_agent;
