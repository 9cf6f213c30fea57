-- The catalogue of business tables. Everything that treats a business table reads it, so that a further table is a
-- CREATE TABLE, a function that names its rows' scopes, and one call of sync.register.
SET LOCAL ROLE tower_owner;

CREATE TABLE sync.tables (
  id smallint PRIMARY KEY CHECK (id > 0),         -- stands in the feed: never changes
  name text NOT NULL UNIQUE,
  object_type text NOT NULL,                      -- what audit leaves call one of its rows
  series text, yearly boolean NOT NULL DEFAULT false, digits integer NOT NULL DEFAULT 4,  -- of its human numbers
  number text,                                    -- the column of that number
  checked text[] NOT NULL                         -- the columns that the end of a command asks about: those that name other rows
);
-- What a column is. data: a command gives it. parent: data as well, the key of a row of table "of" whose scopes the row's
-- follow. subject: the same, of a row of whatever object type column "of" names. derived: data that commands compute from
-- other columns, so that it is no reason for a conflict. stamp: a command sets or clears it, the value is the authority's
-- clock. since: the instant at which column "of" last changed. actor: who added the row. number: the authority's, or what a
-- file brought. The others are the authority's alone.
CREATE TABLE sync.columns (
  tbl smallint NOT NULL REFERENCES sync.tables,
  name text NOT NULL,
  type text NOT NULL CHECK (type IN ('text', 'bigint', 'uuid', 'bytea', 'double precision', 'date', 'integer[]')),
  kind text NOT NULL CHECK (kind IN ('key', 'data', 'parent', 'subject', 'derived', 'stamp', 'since', 'actor', 'number',
                                     'rev', 'created', 'updated', 'scopes')),
  of text,
  most integer NOT NULL DEFAULT 4000,             -- bytes of a value
  dates smallint,                                 -- the first such column that is set says of which day a row is
  PRIMARY KEY (tbl, name),
  CHECK ((kind IN ('since', 'parent', 'subject')) = (of IS NOT NULL))
);

CREATE TABLE sync.number_series (series text NOT NULL, year integer NOT NULL, last bigint NOT NULL,
  PRIMARY KEY (series, year));

-- The next human number of a table: DIST-0042, FOLLOW-2026-001. A rejected command gives its number back.
CREATE FUNCTION sync.next_number(table_id smallint) RETURNS text LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET TimeZone = 'UTC' AS $$
DECLARE
  t sync.tables;
  of_year integer;
  given bigint;
BEGIN
  SELECT * INTO STRICT t FROM sync.tables WHERE id = table_id;
  of_year := CASE WHEN t.yearly THEN extract(year FROM clock_timestamp())::integer ELSE 0 END;
  INSERT INTO sync.number_series AS s (series, year, last) VALUES (t.series, of_year, 1)
    ON CONFLICT (series, year) DO UPDATE SET last = s.last + 1 RETURNING last INTO given;
  RETURN t.series || '-' || CASE WHEN t.yearly THEN of_year || '-' ELSE '' END
    || lpad(given::text, greatest(t.digits, length(given::text)), '0');
END $$;

-- The scopes of a row: those that all rows have in common which it names, so that nobody sees it without them; else what
-- the table's own function says. A parent that is locked can't change its scopes unseen; one that is yet to come has none.
CREATE FUNCTION sync.scopes_of(table_id smallint, table_name text, image jsonb, anyelement) RETURNS integer[]
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  c sync.columns;
  parent text;
  theirs integer[];
  common integer[];
  names text[];
  windows boolean := EXISTS (SELECT FROM sync.windows);
BEGIN
  FOR c IN SELECT * FROM sync.columns x WHERE x.tbl = table_id AND x.kind IN ('parent', 'subject')
           AND image ->> x.name IS NOT NULL ORDER BY x.name LOOP
    parent := CASE c.kind WHEN 'parent' THEN c.of
                          ELSE (SELECT t.name FROM sync.tables t WHERE t.object_type = image ->> c.of) END;
    CONTINUE WHEN parent IS NULL;
    EXECUTE format('SELECT scopes FROM app.%I WHERE id = $1 FOR SHARE', parent) INTO theirs USING (image ->> c.name)::uuid;
    CONTINUE WHEN theirs IS NULL AND c.kind = 'subject';
    common := CASE WHEN common IS NULL THEN coalesce(theirs, '{}')
                   WHEN windows THEN sync.common_scopes(common, theirs)
                   ELSE ARRAY(SELECT s FROM unnest(common) s WHERE s = ANY (theirs)) END;
  END LOOP;
  IF common IS NULL THEN
    EXECUTE format('SELECT app.%I($1)', table_name || '_scopes') INTO names USING $4;
    common := sync.scope_ids(names);
  END IF;
  RETURN CASE WHEN windows THEN sync.dated_scopes(table_id, image, common, names IS NOT NULL) ELSE common END;
END $$;

-- The upload of a workspace that has worked alone (021-upload.sql): whose, up to which of its commands, and by which
-- transaction. Nobody but the owner's functions can say so.
CREATE TABLE sync.upload (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  device uuid NOT NULL, upto_n bigint NOT NULL, upto_sha256 bytea NOT NULL,
  xid xid8 NOT NULL, finished boolean NOT NULL DEFAULT false
);

-- Locked by an upload that has begun, and in a mode that lets others do so by whoever runs a command: an upload goes only where
-- nobody has worked, and nobody begins to while it is under way. Who comes meanwhile does not wait, but is told, and comes again;
-- one that says nothing for a minute is ended, so that it cannot go on for ever.
CREATE TABLE sync.arrival ();

CREATE FUNCTION sync.demand_no_arrival() RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  LOCK TABLE sync.arrival IN ROW SHARE MODE NOWAIT;
EXCEPTION WHEN lock_not_available THEN
  PERFORM sync.end_session(l.pid) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE l.relation = 'sync.arrival'::regclass AND l.granted AND l.mode = 'ExclusiveLock'
      AND a.state LIKE 'idle in transaction%' AND a.state_change < clock_timestamp() - interval '1 minute';
  RAISE EXCEPTION 'a workspace is being uploaded to this server; until that is done nobody can write here, try again then'
    USING ERRCODE = 'CT006';
END $$;

-- Whether this transaction brings rows with the numbers, revisions and times that they have. The setting saves everybody else
-- the look into the table; on its own it gives nothing.
CREATE FUNCTION sync.is_bringing() RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN coalesce(current_setting('tower.bringing', true), '') <> ''
    AND EXISTS (SELECT FROM sync.upload u WHERE u.xid = pg_current_xact_id_if_assigned() AND NOT u.finished);
END $$;

-- What the authority writes on every row, whoever changes it and whatever they say; the argument is the table's number.
-- A row of which nothing but the scopes changes, because a parent's did, is not edited: revision and time stay.
CREATE FUNCTION sync.stamp_row() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  moment bigint := sync.now_ms();
  adding boolean := TG_OP = 'INSERT';
  before jsonb := CASE WHEN TG_OP = 'INSERT' THEN '{}' ELSE to_jsonb(OLD) - 'scopes' END;
  after jsonb := to_jsonb(NEW) - 'scopes';
  patch jsonb := '{}';
  value jsonb;
  c sync.columns;
BEGIN
  IF sync.is_bringing() THEN
    NEW.scopes := sync.scopes_of(TG_ARGV[0]::smallint, TG_TABLE_NAME, to_jsonb(NEW), NEW);
    RETURN NEW;
  END IF;
  FOR c IN SELECT * FROM sync.columns WHERE tbl = TG_ARGV[0]::smallint AND after <> before
           AND kind IN ('key', 'rev', 'created', 'updated', 'stamp', 'since', 'number', 'actor') LOOP
    value := CASE c.kind
      WHEN 'key' THEN CASE WHEN adding THEN after -> c.name ELSE before -> c.name END
      WHEN 'rev' THEN CASE WHEN adding THEN to_jsonb(1) ELSE to_jsonb((before ->> c.name)::bigint + 1) END
      WHEN 'created' THEN CASE WHEN adding THEN to_jsonb(moment) ELSE before -> c.name END
      WHEN 'updated' THEN to_jsonb(moment)
      WHEN 'stamp' THEN CASE WHEN after ->> c.name IS NULL THEN 'null'
                             WHEN before ->> c.name IS NOT NULL THEN before -> c.name ELSE to_jsonb(moment) END
      WHEN 'since' THEN CASE WHEN adding OR after -> c.of IS DISTINCT FROM before -> c.of THEN to_jsonb(moment)
                             ELSE before -> c.name END
      WHEN 'actor' THEN CASE WHEN adding THEN to_jsonb(session_user::text) ELSE before -> c.name END
      WHEN 'number' THEN after -> c.name
    END;
    IF c.kind = 'number' AND adding AND after ->> c.name IS NULL THEN
      value := to_jsonb(sync.next_number(c.tbl));
    END IF;
    patch := patch || jsonb_build_object(c.name, value);
  END LOOP;
  NEW := jsonb_populate_record(NEW, patch);
  IF after = before OR NOT EXISTS (SELECT FROM sync.columns x WHERE x.tbl = TG_ARGV[0]::smallint AND x.kind = 'parent'
       AND after ->> x.name IS NOT NULL) OR EXISTS (SELECT FROM sync.columns x WHERE x.tbl = TG_ARGV[0]::smallint
       AND (x.kind = 'parent' OR x.dates IS NOT NULL) AND after -> x.name IS DISTINCT FROM before -> x.name) THEN
    NEW.scopes := sync.scopes_of(TG_ARGV[0]::smallint, TG_TABLE_NAME, to_jsonb(NEW), NEW);
  END IF;
  RETURN NEW;
END $$;

-- Makes a table of schema app a business table: catalogue, stamps, feed, row security, its view in schema api.
-- special: for each column that is not plain data its kind, {"archived_at": "stamp", "status_since_at": "since status",
-- "order_id": "parent orders"}; a table whose rows may be without a parent has a function app.NAME_scopes(row);
-- bounds: for columns that may hold more or less than 4,000 bytes, how many; dated: the columns of which the first that is set
-- says of which day a row is.
CREATE FUNCTION sync.register(table_id smallint, table_name text, object_name text, number_series text, special jsonb,
                              bounds jsonb DEFAULT '{}', by_year boolean DEFAULT false, number_digits integer DEFAULT 4,
                              dated text[] DEFAULT '{}')
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  usual jsonb := '{"id": "key", "rev": "rev", "created_at": "created", "updated_at": "updated", "scopes": "scopes"}';
  shown text;
BEGIN
  INSERT INTO sync.tables VALUES (table_id, table_name, object_name, number_series, by_year, number_digits,
    (SELECT key FROM jsonb_each_text(special) WHERE value = 'number'),
    ARRAY(SELECT a.attname FROM pg_attribute a WHERE a.attrelid = format('app.%I', table_name)::regclass AND a.attnum > 0
          AND a.atttypid = 'uuid'::regtype AND a.attname <> 'id' ORDER BY a.attnum));
  INSERT INTO sync.columns (tbl, name, type, kind, of, most, dates)
    SELECT table_id, a.attname, format_type(coalesce(nullif(d.typbasetype, 0), d.oid), NULL), split_part(k.kind, ' ', 1),
           nullif(split_part(k.kind, ' ', 2), ''), coalesce((bounds ->> a.attname::text)::integer, 4000),
           array_position(dated, a.attname::text)
    FROM pg_attribute a JOIN pg_type d ON d.oid = a.atttypid, LATERAL (SELECT coalesce((usual || special) ->> a.attname::text, 'data') AS kind) k
    WHERE a.attrelid = format('app.%I', table_name)::regclass AND a.attnum > 0 AND NOT a.attisdropped;
  SELECT string_agg(format('%I', c.name), ', ') INTO shown FROM sync.columns c WHERE c.tbl = table_id AND c.kind <> 'scopes';

  -- What the planner knows of values it tells everybody who asks EXPLAIN, also of rows that they may not see. Keys are enough
  -- to plan by: nobody guesses one.
  EXECUTE (SELECT format('ALTER TABLE app.%I ', table_name) || string_agg(format('ALTER COLUMN %I SET STATISTICS 0', c.name), ', ')
             FROM sync.columns c WHERE c.tbl = table_id AND c.type NOT IN ('uuid', 'integer[]'));
  EXECUTE format('ALTER TABLE app.%I ENABLE ROW LEVEL SECURITY', table_name);
  EXECUTE format('CREATE POLICY seen ON app.%I FOR SELECT USING (scopes && (SELECT api.my_scopes()))', table_name);
  EXECUTE format('GRANT SELECT ON app.%I TO tower_viewer', table_name);
  EXECUTE format('CREATE VIEW api.%1$I WITH (security_invoker = true) AS SELECT %2$s FROM app.%1$I', table_name, shown);
  EXECUTE format('GRANT SELECT ON api.%I TO tower_viewer', table_name);
  EXECUTE format('CREATE TRIGGER stamp_row BEFORE INSERT OR UPDATE ON app.%I FOR EACH ROW '
                 'EXECUTE FUNCTION sync.stamp_row(%s)', table_name, table_id);
  EXECUTE format('CREATE TRIGGER capture_insert AFTER INSERT ON app.%I REFERENCING NEW TABLE AS newt '
                 'FOR EACH STATEMENT EXECUTE FUNCTION sync.capture_insert(%s)', table_name, table_id);
  EXECUTE format('CREATE TRIGGER capture_delete AFTER DELETE ON app.%I REFERENCING OLD TABLE AS oldt '
                 'FOR EACH STATEMENT EXECUTE FUNCTION sync.capture_delete(%s)', table_name, table_id);
  EXECUTE format('CREATE TRIGGER capture_update AFTER UPDATE ON app.%I REFERENCING OLD TABLE AS oldt NEW TABLE AS newt '
                 'FOR EACH STATEMENT EXECUTE FUNCTION sync.capture_update(%s)', table_name, table_id);
END $$;
