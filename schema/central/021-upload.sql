-- A workspace that has worked alone moves here: all its rows, under the keys, numbers, revisions and times that they have, in
-- one transaction, so that nobody ever sees half of it and what breaks off leaves nothing. Only an administrator may, and only
-- while nobody has worked here, nor begins to until it is done (sync.arrival); the same workspace may once more, in place of
-- what it brought.
--
-- What comes is history. It may claim of the past whatever it likes, and the log says who brought it. It makes nothing go out:
-- no post comes that could still be sent, and what was approved elsewhere lets none out here (019-decisions.sql). People are
-- PostgreSQL's to name: theirs stay.
SET LOCAL ROLE tower_owner;

-- The tables that an upload fills, parents first, and last those with whatever kind of parent.
CREATE FUNCTION sync.brought_tables() RETURNS TABLE (id smallint, name text, place bigint) LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT t.id, t.name, row_number() OVER (ORDER BY EXISTS (SELECT FROM sync.columns c WHERE c.tbl = t.id AND c.kind = 'subject'), t.id)
    FROM sync.tables t WHERE t.name NOT IN ('people', 'person_roles', 'absences', 'delegations');
$$;

-- Why nothing can be uploaded with this device, or NULL. scope: the login does not see every record, and would lose some; used:
-- somebody has worked here; done: this is what it has brought.
CREATE FUNCTION sync.why_no_upload(device uuid, upto_n bigint, upto_sha256 bytea) RETURNS text LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  u sync.upload;
  t record;
  found_some boolean;
BEGIN
  IF NOT api.my_scopes() @> sync.scope_ids(ARRAY['all', 'common']) THEN
    RETURN 'scope';
  END IF;
  SELECT * INTO u FROM sync.upload;
  IF (u.device, u.upto_n, u.upto_sha256) = (why_no_upload.device, why_no_upload.upto_n, why_no_upload.upto_sha256) THEN
    RETURN 'done';
  ELSIF u.device <> why_no_upload.device OR EXISTS (SELECT FROM sync.outcomes o WHERE o.answer ->> 'outcome' = 'applied') THEN
    RETURN 'used';
  END IF;
  FOR t IN SELECT b.name FROM sync.brought_tables() b WHERE u.device IS NULL AND b.name NOT IN
      ('calendars', 'sla_policies', 'rules', 'agent_profiles', 'routes', 'templates', 'guardrails') LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM app.%I)', t.name) INTO found_some;
    IF found_some THEN RETURN 'used'; END IF;
  END LOOP;
  RETURN NULL;
END $$;

-- All or nothing: rows without their end do not stay.
CREATE FUNCTION sync.check_upload_ends() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM sync.upload u WHERE NOT u.finished) THEN
    RAISE EXCEPTION 'the upload was not brought to its end' USING ERRCODE = 'CT004';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER ends AFTER INSERT OR UPDATE ON sync.upload DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION sync.check_upload_ends();

-- The leaf that says who brought or took away these rows, and tells each reader of those they may see. A leaf for each part: one
-- of a million rows is too large to prove by.
CREATE FUNCTION sync.note_upload(rows audit.row_key[]) RETURNS void LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
  WITH s AS (SELECT ARRAY(SELECT DISTINCT x FROM unnest(rows) r, unnest(r.readers) x ORDER BY x) AS seen,
                    (SELECT count(DISTINCT r.readers) < 2 FROM unnest(rows) r) AS same)
  SELECT audit.note('workspace.upload', 'device', u.device, '[]', '{}',
      (ARRAY(SELECT (r.tbl, r.pk, CASE WHEN NOT s.same THEN r.readers END)::audit.row_key FROM unnest(rows) r), s.seen, s.seen,
       NULL)::audit.extent) FROM sync.upload u, s;
$$;

-- Takes away what is in a table: what the server was made with, or an earlier upload brought.
CREATE FUNCTION sync.take_away(table_id smallint, table_name text) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  gone audit.row_key[];
BEGIN
  LOOP
    EXECUTE format('WITH gone AS (DELETE FROM app.%1$I WHERE id IN (SELECT id FROM app.%1$I LIMIT 1000) RETURNING id, scopes)'
                   ' SELECT array_agg(($1, id, scopes)::audit.row_key) FROM gone', table_name) INTO gone USING table_id;
    EXIT WHEN gone IS NULL;
    PERFORM sync.note_upload(gone);
  END LOOP;
END $$;

-- Begins to bring the records of the workspace that is this device of the login's, which keeps its commands up to this one to
-- itself. why: as above, then nothing is begun. tables: in which order they are to come. history: as api.uploaded() has it.
CREATE FUNCTION api.upload_begin(device uuid, upto_n bigint, upto_sha256 bytea, OUT why text, OUT tables text, OUT history uuid)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET TimeZone = 'UTC' SET DateStyle = 'ISO, YMD'
SET bytea_output = 'hex' SET lock_timeout = '5s' AS $$
BEGIN
  PERFORM sync.demand_admin();
  IF current_setting('transaction_isolation') <> 'read committed' OR upto_n < 0 OR octet_length(upto_sha256) <> 32 THEN
    RAISE EXCEPTION 'an upload names a command and its hash, in a transaction that is read committed' USING ERRCODE = 'CT004';
  END IF;
  LOCK TABLE sync.upload IN EXCLUSIVE MODE;       -- one at a time: what the one before has brought is seen here
  PERFORM FROM sync.devices d WHERE d.id = upload_begin.device AND d.owner = session_user AND d.revoked_at IS NULL FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'this device is not enrolled for %', session_user USING ERRCODE = 'CT002';
  END IF;
  SELECT e.id INTO history FROM sync.epoch e;
  why := sync.why_no_upload(device, upto_n, upto_sha256);
  IF why IS NOT NULL THEN RETURN; END IF;
  LOCK TABLE sync.arrival IN EXCLUSIVE MODE;
  why := sync.why_no_upload(device, upto_n, upto_sha256);   -- whoever was at work just now has done it
  IF why IS NOT NULL THEN RETURN; END IF;
  INSERT INTO sync.upload AS u (device, upto_n, upto_sha256, xid) VALUES (device, upto_n, upto_sha256, pg_current_xact_id())
    ON CONFLICT (one) DO UPDATE SET device = excluded.device, upto_n = excluded.upto_n, upto_sha256 = excluded.upto_sha256,
      xid = excluded.xid, finished = false;
  PERFORM set_config('tower.bringing', 'on', true);
  PERFORM sync.take_away(b.id, b.name) FROM (SELECT * FROM sync.brought_tables() x ORDER BY x.place DESC) b;
  SELECT string_agg(b.name, ' ' ORDER BY b.place) INTO tables FROM sync.brought_tables() b;
END $$;

-- The columns that rows of a table give: all of them the same, none unknown, none too long.
CREATE FUNCTION sync.brought_columns(t sync.tables, rows jsonb) RETURNS text[] LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  names text[] := ARRAY(SELECT c.name FROM sync.columns c WHERE c.tbl = t.id AND c.kind <> 'scopes' AND rows -> 0 ? c.name ORDER BY 1);
  wrong text;
BEGIN
  SELECT CASE WHEN jsonb_typeof(r) <> 'object' OR NOT r ?& names OR r - names <> '{}' THEN 'has other columns than the server'
              WHEN coalesce((r ->> 'rev')::bigint, 0) < 1 OR r ->> 'id' IS NULL THEN 'has no key or no revision'
              ELSE (SELECT format('%s: its %s is longer than %s bytes', r ->> 'id', c.name, c.most) FROM sync.columns c
                      WHERE c.tbl = t.id AND octet_length(r ->> c.name) > c.most LIMIT 1) END INTO wrong
    FROM jsonb_array_elements(rows) r ORDER BY 1 NULLS LAST LIMIT 1;
  IF wrong IS NOT NULL THEN
    RAISE EXCEPTION 'a row of % %', t.name, wrong USING ERRCODE = 'CT103';
  END IF;
  RETURN names;
END $$;

-- Rows of a table, [{"id", "rev", …}], in the order in which they are to lie; UUIDs and bytes as hexadecimal digits.
CREATE FUNCTION api.upload_rows(table_name text, rows jsonb) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET TimeZone = 'UTC' SET DateStyle = 'ISO, YMD' SET bytea_output = 'hex' SET lock_timeout = '5s'
AS $$
DECLARE
  t sync.tables;
  given text[];
  names text;
  read text;
  brought audit.row_key[];
BEGIN
  SELECT x.* INTO t FROM sync.tables x JOIN sync.brought_tables() b ON b.id = x.id WHERE x.name = table_name AND sync.is_bringing();
  IF NOT FOUND OR jsonb_typeof(rows) <> 'array' THEN
    RAISE EXCEPTION 'there is no upload under way to which rows of % belong', table_name USING ERRCODE = 'CT004';
  END IF;
  given := sync.brought_columns(t, rows);
  SELECT string_agg(quote_ident(x.name), ', '), string_agg(format(
      CASE x.type WHEN 'text' THEN 'r ->> %1$L' WHEN 'bytea' THEN 'decode(r ->> %1$L, ''hex'')' ELSE '(r ->> %1$L)::%2$s' END,
      x.name, x.type), ', ') INTO names, read
    FROM sync.columns x WHERE x.tbl = t.id AND x.name = ANY (given);
  EXECUTE format('INSERT INTO app.%I (%s) SELECT %s FROM jsonb_array_elements($1) WITH ORDINALITY v (r, place) ORDER BY place',
                 t.name, names, read) USING rows;
  EXECUTE format('SELECT array_agg(($1, x.id, x.scopes)::audit.row_key) FROM app.%I x WHERE x.id = ANY ($2)', t.name)
    INTO brought USING t.id, ARRAY(SELECT (r ->> 'id')::uuid FROM jsonb_array_elements(rows) r);
  PERFORM sync.note_upload(brought);
END $$;

-- What comes after the numbers that were brought is greater.
CREATE FUNCTION sync.continue_series() RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t sync.tables;
BEGIN
  FOR t IN SELECT x.* FROM sync.tables x WHERE x.yearly ORDER BY x.id LOOP
    EXECUTE format('INSERT INTO sync.number_series AS s (series, year, last)'
                   ' SELECT $1, m[1]::integer, max(m[2]::bigint) FROM app.%I x, regexp_match(x.number, $2) m WHERE m IS NOT NULL GROUP BY 1, 2'
                   ' ON CONFLICT (series, year) DO UPDATE SET last = greatest(s.last, excluded.last)', t.name)
      USING t.series, '^' || t.series || '-(\d{4})-(\d{1,9})$';
  END LOOP;
END $$;

-- All of it has come: commit at once.
CREATE FUNCTION api.upload_end() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET TimeZone = 'UTC' SET lock_timeout = '5s' AS $$
BEGIN
  IF NOT sync.is_bringing() THEN
    RAISE EXCEPTION 'there is no upload under way' USING ERRCODE = 'CT004';
  END IF;
  -- before the commit, which closes the gate
  PERFORM sync.check_references((SELECT jsonb_agg(jsonb_build_array(b.name, NULL, 'insert')) FROM sync.brought_tables() b));
  -- in a workspace these are once, whoever's they are; a key of a partitioned table is once in each seller's part
  IF EXISTS (SELECT FROM app.interactions GROUP BY id HAVING count(*) > 1) OR EXISTS (SELECT FROM app.interactions GROUP BY number HAVING count(*) > 1)
     OR EXISTS (SELECT FROM app.interactions GROUP BY marketplace, kind, external_ref HAVING count(*) > 1) THEN
    RAISE EXCEPTION 'two interactions have the same key, number or reference' USING ERRCODE = 'CT103';
  END IF;
  PERFORM sync.continue_series();
  UPDATE sync.devices d SET last_n = u.upto_n, last_sha256 = u.upto_sha256 FROM sync.upload u WHERE d.id = u.device;
  UPDATE sync.upload SET finished = true;
END $$;

-- What became of an upload of this device of the login's, the answer to which got lost: brought, whether the server has what any
-- upload of it brought, and in which history, since a server that was restored knows only what was before. One that is still
-- under way is waited for, and who asks holds the next one up: nobody may who could not upload.
CREATE FUNCTION api.uploaded(device uuid, OUT history uuid, OUT brought boolean) LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
BEGIN
  LOCK TABLE sync.upload IN ROW SHARE MODE;
  PERFORM FROM sync.devices d WHERE d.id = uploaded.device AND d.owner = session_user AND d.revoked_at IS NULL;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'this device is not enrolled for %', session_user USING ERRCODE = 'CT002';
  END IF;
  SELECT e.id, EXISTS (SELECT FROM sync.upload u WHERE u.device = uploaded.device) INTO history, brought FROM sync.epoch e;
END $$;
GRANT EXECUTE ON FUNCTION api.upload_begin(uuid, bigint, bytea), api.upload_rows(text, jsonb), api.upload_end(), api.uploaded(uuid)
  TO tower_admin;
