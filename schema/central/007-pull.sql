-- The way out: one statement, and so one moment, asks for the head, the lines since the cursor, the rows through the
-- views of schema api, and the outcomes of the device's own commands.
SET LOCAL ROLE tower_owner;

-- Seals what a login is told and brings back, with the number of the feed at which it was told: it can be neither made up nor
-- used by another login, nor for what came later.
CREATE TABLE sync.secret (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  key bytea NOT NULL DEFAULT uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
);
INSERT INTO sync.secret DEFAULT VALUES;

CREATE FUNCTION sync.seal(scopes integer[], number bigint) RETURNS text LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  k bytea;
  told text := scopes::text || ' ' || number;
BEGIN
  SELECT s.key INTO STRICT k FROM sync.secret s;
  RETURN told || ' ' || encode(sha256(k || sha256(k || convert_to(session_user || ' ' || told, 'UTF8'))), 'hex');
END $$;
CREATE FUNCTION sync.unseal(claim text, OUT scopes integer[], OUT number bigint) LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  words text[] := string_to_array(claim, ' ');
BEGIN
  IF octet_length(claim) <= 1000000 AND claim ~ '^{(\d{1,9}(,\d{1,9})*)?} \d{1,18} [0-9a-f]{64}$' THEN
    IF sync.seal(words[1]::integer[], words[2]::bigint) = claim THEN
      scopes := words[1]::integer[];
      number := words[2]::bigint;
    END IF;
  END IF;
END $$;

-- Up to which number lines of gone rows may be missing: a cursor before it has to compare keys.
CREATE TABLE sync.floor (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  number bigint NOT NULL DEFAULT 0, swept_at timestamptz
);
INSERT INTO sync.floor DEFAULT VALUES;

-- Where the feed stands, and whether a cursor still belongs to it: a history restored from a backup gives other nonces.
CREATE FUNCTION api.head(cursor_epoch uuid, cursor_number bigint, cursor_nonce uuid, had text DEFAULT NULL)
RETURNS TABLE (epoch uuid, number bigint, nonce uuid, whole boolean, scopes text, tables text[],
               oldest integer, newest integer, aged boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN QUERY SELECT e.id, coalesce(h.number, 0), coalesce(h.nonce, e.id), NOT c.ours OR c.old OR c.had IS NULL,
         sync.seal(api.my_scopes(), coalesce(h.number, 0)), ARRAY(SELECT t.name FROM sync.tables t ORDER BY t.id), w.oldest, w.newest,
         c.ours AND (c.old OR c.had IS NULL)
    FROM (SELECT x.id FROM sync.epoch x LIMIT 1) e
    CROSS JOIN (SELECT x.oldest, x.newest FROM sync.window x LIMIT 1) w
    LEFT JOIN (SELECT t.number, t.nonce FROM sync.txn t WHERE t.number IS NOT NULL ORDER BY t.number DESC LIMIT 1) h ON true
    CROSS JOIN LATERAL (SELECT (sync.unseal(head.had)).scopes AS had, coalesce(cursor_number < f.number AND cursor_number > 0, false) AS old,
      coalesce(cursor_epoch = e.id AND cursor_number <= coalesce(h.number, 0)
        AND CASE WHEN cursor_number = 0 THEN cursor_nonce = e.id
                 ELSE EXISTS (SELECT FROM sync.txn t WHERE t.number = cursor_number AND t.nonce = cursor_nonce) END,
        false) AS ours FROM sync.floor f) c;
END $$;

-- Rows that changed, came or went for the caller in transactions (after, upto]. had: the scopes that the caller had at its
-- last pull, sealed; of a scope that came everything is named, of one that went everything that had been in it until then,
-- whatever became of it. hidden: of these
-- the rows that are gone for the caller alone, or may be: all that is known of them must go with them.
CREATE FUNCTION api.changed(after bigint, upto bigint, had text, names text[])
RETURNS TABLE (name text, ids uuid[], hidden uuid[])
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  mine integer[] := api.my_scopes();
  claim record := sync.unseal(had);
  came integer[] := ARRAY(SELECT unnest(mine) EXCEPT SELECT unnest(claim.scopes));
  went integer[] := ARRAY(SELECT unnest(claim.scopes) EXCEPT SELECT unnest(mine));
  left_us uuid[];
  lost uuid[];
BEGIN
  IF after >= upto AND came = '{}' AND went = '{}' THEN
    RETURN;                                       -- as a rule, nothing has happened
  END IF;
  FOR name, ids, left_us, lost IN
      SELECT x.name, array_agg(DISTINCT k.pk), array_agg(DISTINCT k.pk) FILTER (WHERE k.gone OR k.scope = ANY (went)),
             array_agg(DISTINCT k.pk) FILTER (WHERE k.scope = ANY (went))
        FROM sync.tables x JOIN (
          SELECT e.tbl, e.pk, e.scope, e.gone FROM sync.txn t JOIN sync.entry e USING (tid)
            WHERE t.number > after AND t.number <= upto AND e.scope = ANY (mine)
          UNION ALL SELECT e.tbl, e.pk, e.scope, e.gone FROM sync.entry e WHERE came <> '{}' AND e.scope = ANY (came) AND NOT e.gone
          UNION ALL SELECT e.tbl, e.pk, e.scope, e.gone FROM sync.entry e
            WHERE went <> '{}' AND e.scope = ANY (went)
              AND NOT EXISTS (SELECT FROM sync.txn t WHERE t.tid = e.since AND t.number > claim.number)) k
          ON k.tbl = x.id
        WHERE x.name = ANY (names) GROUP BY x.name LOOP
    hidden := '{}';
    IF left_us IS NOT NULL THEN
      EXECUTE format('SELECT coalesce(array_agg(g.id), ''{}'') FROM unnest($1) g (id) LEFT JOIN app.%I r ON r.id = g.id'
                     ' WHERE NOT r.scopes && $2 OR r.id IS NULL AND g.id = ANY ($3)', name) INTO hidden USING left_us, mine, lost;
    END IF;
    RETURN NEXT;
  END LOOP;
END $$;

-- What became of a device's commands after one of them, those before it forked included.
CREATE FUNCTION api.outcomes(device uuid, after bigint) RETURNS TABLE (n bigint, sha256 text, answer jsonb)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN QUERY SELECT o.n, encode(o.sha256, 'hex'), o.answer FROM sync.devices d, sync.line(d.id) l
    JOIN sync.outcomes o ON o.device = l.id AND o.n <= l.upto
    WHERE d.id = outcomes.device AND d.owner = session_user AND NOT d.former AND o.n > after ORDER BY o.n;
END $$;

-- The last command of a device, as the server knows it: a restored server knows less than it once said.
CREATE FUNCTION api.standing(device uuid) RETURNS TABLE (last_n bigint, last_sha256 text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN QUERY SELECT d.last_n, encode(d.last_sha256, 'hex') FROM sync.devices d
    WHERE d.id = standing.device AND d.owner = session_user AND d.revoked_at IS NULL
      AND (d.forked_from IS NULL OR NOT sync.is_revoked(d.id));
END $$;

-- Everything since a cursor, of one moment: being STABLE it reads in the snapshot of the statement that calls it. names:
-- the tables that the caller has; had: what its last pull said of its scopes. Rows of kind
--   head: {"epoch", "number", "nonce", "whole", "scopes", "oldest", "newest", "tables", "aged"}; whole: all rows that the
--     login sees come, for the cursor is not of this history; or it is, and aged: too old, or the claim not ours
--   row: one of a table, without a body where it is gone; hidden: one that is gone for this login; outcome: of a command of the device after after_n, of all where whole: a restored
--     server may have settled otherwise what it had told before; standing: of the device
CREATE FUNCTION api.pull(cursor_epoch uuid, cursor_number bigint, cursor_nonce uuid, names text[], had text, device uuid,
                         after_n bigint) RETURNS TABLE (kind text, name text, id uuid, body json)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  h record;
  t record;
BEGIN
  SELECT * INTO STRICT h FROM api.head(cursor_epoch, cursor_number, cursor_nonce, had);
  RETURN QUERY SELECT 'head', NULL, NULL::uuid, row_to_json(h);
  IF h.whole THEN
    FOR t IN SELECT x.name FROM unnest(h.tables) x (name) WHERE x.name = ANY (names) LOOP
      RETURN QUERY EXECUTE format('SELECT ''row'', %L, v.id, row_to_json(v) FROM api.%I v', t.name, t.name);
    END LOOP;
  ELSE
    FOR t IN SELECT * FROM api.changed(cursor_number, h.number, had, names) LOOP
      RETURN QUERY EXECUTE format('SELECT CASE WHEN k.id = ANY ($2) THEN ''hidden'' ELSE ''row'' END, %L, k.id,'
                                  ' CASE WHEN v.id IS NOT NULL THEN row_to_json(v) END'
                                  ' FROM unnest($1) k (id) LEFT JOIN api.%I v ON v.id = k.id', t.name, t.name)
        USING t.ids, t.hidden;
    END LOOP;
  END IF;
  RETURN QUERY SELECT 'outcome', NULL, NULL::uuid, row_to_json(o)
    FROM api.outcomes(device, CASE WHEN h.whole THEN 0 ELSE after_n END) o;
  RETURN QUERY SELECT 'standing', NULL, NULL::uuid, row_to_json(s) FROM api.standing(device) s;
END $$;
GRANT EXECUTE ON FUNCTION api.head(uuid, bigint, uuid, text), api.changed(bigint, bigint, text, text[]), api.outcomes(uuid, bigint), api.standing(uuid),
  api.pull(uuid, bigint, uuid, text[], text, uuid, bigint) TO tower_viewer;

-- Hints: who has committed something tells those who listen, after the commit and in a transaction of its own: NOTIFY
-- takes a lock that all sessions share until its transaction ends, and no business commit shall wait for that. One row
-- says how far has been told, so that a thousand commands of many clients are a few hints, fifty a second at most: what
-- comes too early is left unsaid, and who pushed says it once more when the burst may be over. Whoever finds at a pull that
-- nobody has told calls this as well. A hint is never needed: clients poll, too.
CREATE TABLE sync.announced (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  number bigint NOT NULL DEFAULT 0, at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO sync.announced DEFAULT VALUES;

CREATE FUNCTION api.announce() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET lock_timeout = '1s' AS $$
DECLARE
  told bigint;
BEGIN
  IF NOT EXISTS (SELECT FROM sync.announced a WHERE a.number < (SELECT max(t.number) FROM sync.txn t)
                 AND a.at < clock_timestamp() - interval '20 milliseconds') THEN
    RETURN;
  END IF;
  BEGIN
    PERFORM FROM sync.announced FOR UPDATE;       -- who is before us may tell of an older transaction
  EXCEPTION WHEN lock_not_available THEN
    RETURN;                                       -- somebody stays there on purpose: it is only a hint
  END;
  SET LOCAL synchronous_commit = off;             -- there is nothing to lose
  UPDATE sync.announced a SET number = h.number, at = clock_timestamp() FROM (SELECT max(t.number) AS number FROM sync.txn t) h
    WHERE a.number < h.number AND a.at < clock_timestamp() - interval '20 milliseconds' RETURNING h.number INTO told;
  IF FOUND THEN
    PERFORM pg_notify('tower', told::text);
  END IF;
END $$;
GRANT EXECUTE ON FUNCTION api.announce() TO tower_viewer;

-- The lines of gone rows are kept for so many days (setting sync.tombstone_days, 30 where there is none); a workstation that
-- was away for longer compares keys. Whoever connects sees to it, once an hour at most, some lines at a time.
CREATE FUNCTION api.sweep() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  days integer;
  swept bigint;
  upto bigint;
BEGIN
  PERFORM FROM sync.floor FOR UPDATE SKIP LOCKED;
  IF NOT FOUND THEN RETURN 0; END IF;
  UPDATE sync.floor SET swept_at = clock_timestamp() WHERE swept_at IS NULL OR swept_at < clock_timestamp() - interval '1 hour';
  IF NOT FOUND THEN RETURN 0; END IF;
  SELECT CASE WHEN s.value ~ '^[1-9]\d{0,3}$' THEN s.value::integer END INTO days FROM app.settings s
    WHERE s.key = 'sync.tombstone_days';
  WITH old AS (
      SELECT e.scope, e.tbl, e.pk, t.number FROM sync.entry e JOIN sync.txn t USING (tid)
        WHERE e.gone AND t.at < clock_timestamp() - make_interval(days => coalesce(days, 30)) ORDER BY e.tid LIMIT 20000),
    swept_lines AS (
      DELETE FROM sync.entry e USING old WHERE e.scope = old.scope AND e.tbl = old.tbl AND e.pk = old.pk AND e.gone
        RETURNING old.number)
    SELECT count(*), max(number) INTO swept, upto FROM swept_lines;
  UPDATE sync.floor SET number = greatest(number, upto);
  RETURN swept;
END $$;
GRANT EXECUTE ON FUNCTION api.sweep() TO tower_viewer;
