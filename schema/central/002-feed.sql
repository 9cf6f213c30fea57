-- The feed: each transaction that changed a business row gets the next number at its commit, under a lock that is
-- released after the commit is visible, so that numbers appear in order and a reader misses nothing.
SET LOCAL ROLE tower_owner;

-- What a command writes on its way has domains and no CHECK: PostgreSQL reads each CHECK of a table anew for each statement
-- that writes it, and those of columns that the statement leaves alone as well.
CREATE DOMAIN sync.bytes16 AS bytea CHECK (octet_length(VALUE) = 16);
CREATE DOMAIN sync.bytes32 AS bytea CHECK (octet_length(VALUE) = 32);
CREATE DOMAIN sync.bytes64 AS bytea CHECK (octet_length(VALUE) = 64);
CREATE DOMAIN sync.label AS text CHECK (octet_length(VALUE) <= 200);
-- What stands in a row every replica has to take, or it takes nothing any more: no JSON deeper than the programs read it
-- (src/base/ct-json.c), for SQLite has an end as well, and no day that SQLite does not know. pg/bounds holds both schemas
-- against each other.
CREATE DOMAIN sync.json AS text
  CHECK (NOT jsonb_path_exists(VALUE::jsonb, 'strict $.**{200} ? (@.type() == "array" || @.type() == "object")'));
CREATE DOMAIN sync.day AS date CHECK (VALUE BETWEEN '0001-01-01' AND '9999-12-31');

-- Which history this is; an administrator starts a new one after a restore that lost commits.
CREATE TABLE sync.epoch (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  began_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO sync.epoch DEFAULT VALUES;

-- Client versions (numbers of the replica's schema) that this server serves.
CREATE TABLE sync.window (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  oldest integer NOT NULL, newest integer NOT NULL CHECK (newest >= oldest)
);
INSERT INTO sync.window (oldest, newest) VALUES (1, 999999);

CREATE TABLE sync.gate ();                        -- locked at commit only; nobody but the owner may touch it
CREATE SEQUENCE sync.commit_number CACHE 1;
CREATE TABLE sync.txn (
  tid bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  xid xid8 NOT NULL,
  number bigint UNIQUE,                           -- NULL until the transaction commits
  nonce uuid,                                     -- random: tells a restored server that gives a number again
  at timestamptz
);
CREATE UNIQUE INDEX txn_open ON sync.txn (xid) WHERE number IS NULL;  -- survives xids that repeat after a restore

-- What a login may see: a scope is a named set of rows, a grant gives it to a login or to a group, for good or until a time
-- by this server's clock, all of it or of its dated rows those of the last days (023-retention.sql).
CREATE TABLE sync.scopes (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text UNIQUE CHECK (name <> '' AND octet_length(name) <= 200),
  base integer REFERENCES sync.scopes, day date,  -- of the rows of a named scope those of one day; infinity: without a date
  UNIQUE (base, day), CHECK ((name IS NULL) = (base IS NOT NULL) AND (base IS NULL) = (day IS NULL))
);
CREATE TABLE sync.grants (
  grantee text NOT NULL CHECK (grantee <> ''),
  scope integer NOT NULL REFERENCES sync.scopes,
  until timestamptz NOT NULL DEFAULT 'infinity',
  days integer CHECK (days BETWEEN 1 AND 3660),   -- NULL: all
  PRIMARY KEY (grantee, scope)
);
-- As administrators and the log read it.
CREATE FUNCTION sync.grant_text(g sync.grants) RETURNS text LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT concat_ws(' ', s.name, 'last ' || g.days || ' days', CASE WHEN g.until < 'infinity'
                                     THEN to_char(g.until AT TIME ZONE 'UTC', '"until" YYYY-MM-DD"T"HH24:MI:SS"Z"') END)
    FROM sync.scopes s WHERE s.id = g.scope;
$$;

-- Scopes of which somebody sees the last days only. days: of the longest such grant; 0: of none any more. place, pk: how far
-- their rows have been gone through since it is as long as that, NULL: all. xid: of who goes through them at this moment.
CREATE TABLE sync.windows (
  scope integer PRIMARY KEY REFERENCES sync.scopes,
  days integer NOT NULL,
  place integer DEFAULT 1, pk uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
  made xid8 NOT NULL DEFAULT pg_current_xact_id(), xid xid8
);

-- Whether this transaction does nothing but that. The setting saves everybody else the look into the table.
CREATE FUNCTION sync.is_retaining() RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN coalesce(current_setting('tower.retaining', true), '') <> ''
    AND EXISTS (SELECT FROM sync.windows w WHERE w.xid = pg_current_xact_id_if_assigned());
END $$;

-- One line a (scope, table, row), however often the row changes: keys, never images.
CREATE TABLE sync.entry (
  scope integer NOT NULL, tbl smallint NOT NULL, pk uuid NOT NULL,
  rev bigint NOT NULL,
  gone boolean NOT NULL DEFAULT false,            -- deleted, or left this scope
  tid bigint NOT NULL,
  since bigint NOT NULL DEFAULT 0,                -- the transaction in which the row first came to this scope
  PRIMARY KEY (scope, tbl, pk)
);
CREATE INDEX entry_tid ON sync.entry (tid, scope);
CREATE INDEX entry_gone ON sync.entry (tid) WHERE gone;

-- The day that it is here. Rows are a day's by UTC.
CREATE FUNCTION sync.today() RETURNS date LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT (clock_timestamp() AT TIME ZONE 'UTC')::date;
$$;

-- One moment for all that a command writes.
CREATE FUNCTION sync.now_ms() RETURNS bigint LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (extract(epoch FROM statement_timestamp()) * 1000)::bigint;
END $$;

-- Who wrote, and neither commits nor works on, holds up everybody who wants the same row. Our programs never do: a command
-- is one statement. It is called by who has waited in vain; where the owner may not see or end sessions, nothing happens.
CREATE FUNCTION sync.end_session(session integer) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM pg_terminate_backend(session);
EXCEPTION WHEN insufficient_privilege THEN        -- a superuser's
END $$;

CREATE FUNCTION sync.end_stallers() RETURNS void LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
  SELECT sync.end_session(a.pid) FROM pg_stat_activity a
    WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND a.backend_xid IS NOT NULL
      AND (a.state LIKE 'idle in transaction%' AND a.state_change < clock_timestamp() - interval '4 seconds'
           OR a.xact_start < clock_timestamp() - interval '2 minutes');
$$;

-- Runs at commit. An advisory lock would do as well but could be held by any login; this table can't. Somebody can still
-- have the trigger fire early (SET CONSTRAINTS) and stay: one and the same transaction that is found at the gate twice
-- within two seconds is ended.
CREATE FUNCTION sync.stamp() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
  holder record;
  before text;
BEGIN
  SET LOCAL synchronous_commit = on;              -- else a crash could hand out a number that a reader has seen
  FOR turn IN 1 .. 4 LOOP
    BEGIN
      LOCK TABLE sync.gate IN EXCLUSIVE MODE;
      EXIT;
    EXCEPTION WHEN lock_not_available THEN
      IF turn = 4 THEN RAISE; END IF;
      SELECT l.pid, l.virtualtransaction AS at INTO holder FROM pg_locks l
        WHERE l.relation = 'sync.gate'::regclass AND l.granted AND l.mode = 'ExclusiveLock';
      IF holder.at = before THEN PERFORM sync.end_session(holder.pid); END IF;
      before := holder.at;
    END;
  END LOOP;
  UPDATE sync.txn SET number = nextval('sync.commit_number'), nonce = gen_random_uuid(), at = clock_timestamp()
    WHERE tid = NEW.tid;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER stamp AFTER INSERT ON sync.txn
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION sync.stamp();

-- The line of this transaction, made on first need.
CREATE FUNCTION sync.current_tid() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  found_tid bigint;
BEGIN
  SELECT tid INTO found_tid FROM sync.txn WHERE xid = pg_current_xact_id() AND number IS NULL;
  IF NOT FOUND THEN
    SET CONSTRAINTS sync.stamp DEFERRED;          -- whoever had it made immediate would part the leaf from its rows
    INSERT INTO sync.txn (xid) VALUES (pg_current_xact_id()) RETURNING tid INTO found_tid;
  END IF;
  RETURN found_tid;
END $$;

-- The three triggers of every business table; the argument is the table's number.
CREATE FUNCTION sync.capture_insert() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t bigint;
BEGIN
  IF NOT EXISTS (SELECT FROM newt) THEN RETURN NULL; END IF;
  t := sync.current_tid();
  INSERT INTO sync.entry AS e (scope, tbl, pk, rev, gone, tid, since)
    SELECT s, TG_ARGV[0]::smallint, r.id, r.rev, false, t, t FROM newt r, unnest(r.scopes) s ORDER BY r.id, s
    ON CONFLICT (scope, tbl, pk) DO UPDATE SET rev = excluded.rev, gone = false, tid = excluded.tid;
  RETURN NULL;
END $$;

CREATE FUNCTION sync.capture_delete() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t bigint;
BEGIN
  IF NOT EXISTS (SELECT FROM oldt) THEN RETURN NULL; END IF;
  t := sync.current_tid();
  UPDATE sync.entry e SET gone = true, rev = r.rev + 1, tid = t FROM oldt r
    WHERE e.tbl = TG_ARGV[0]::smallint AND e.pk = r.id AND e.scope = ANY (r.scopes);
  RETURN NULL;
END $$;

CREATE FUNCTION sync.capture_update() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t bigint;
  moved uuid[];
BEGIN
  IF NOT EXISTS (SELECT FROM newt) THEN RETURN NULL; END IF;
  t := sync.current_tid();
  UPDATE sync.entry e SET gone = true, rev = n.rev, tid = t FROM oldt o JOIN newt n ON n.id = o.id
    WHERE e.tbl = TG_ARGV[0]::smallint AND e.pk = o.id AND e.scope = ANY (o.scopes) AND e.scope <> ALL (n.scopes);
  IF sync.is_retaining() THEN                     -- nothing that anybody else sees of these rows has changed
    INSERT INTO sync.entry AS e (scope, tbl, pk, rev, gone, tid, since)
      SELECT s, TG_ARGV[0]::smallint, n.id, n.rev, false, t, t FROM oldt o JOIN newt n ON n.id = o.id, unnest(n.scopes) s
        WHERE s <> ALL (o.scopes) ORDER BY n.id, s
      ON CONFLICT (scope, tbl, pk) DO UPDATE SET rev = excluded.rev, gone = false, tid = excluded.tid;
    RETURN NULL;
  END IF;
  INSERT INTO sync.entry AS e (scope, tbl, pk, rev, gone, tid, since)
    SELECT s, TG_ARGV[0]::smallint, r.id, r.rev, false, t, t FROM newt r, unnest(r.scopes) s ORDER BY r.id, s
    ON CONFLICT (scope, tbl, pk) DO UPDATE SET rev = excluded.rev, gone = false, tid = excluded.tid;
  SELECT array_agg(n.id) INTO moved FROM oldt o JOIN newt n ON n.id = o.id WHERE o.scopes <> n.scopes;
  IF moved IS NOT NULL THEN
    PERFORM sync.lead_children(TG_ARGV[0]::smallint, moved);
  END IF;
  RETURN NULL;
END $$;

-- Rows have changed their scopes: those that follow them find theirs anew.
CREATE FUNCTION sync.lead_children(table_id smallint, ids uuid[]) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  parent record;
  child record;
BEGIN
  SELECT name, object_type INTO STRICT parent FROM sync.tables WHERE id = table_id;
  FOR child IN SELECT t.name AS tbl, c.name AS link, CASE c.kind WHEN 'subject' THEN c.of END AS type_column
                 FROM sync.columns c JOIN sync.tables t ON t.id = c.tbl
                 WHERE c.kind = 'parent' AND c.of = parent.name OR c.kind = 'subject' ORDER BY t.id LOOP
    EXECUTE format('UPDATE app.%I SET scopes = scopes WHERE %I = ANY ($1) AND %s = $2', child.tbl, child.link,
                   coalesce(quote_ident(child.type_column), '$2')) USING ids, parent.object_type;
  END LOOP;
END $$;

-- Scopes by name, made where they are new.
CREATE FUNCTION sync.scope_ids(names text[]) RETURNS integer[] LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  wanted text;
  one integer;
  ids integer[] := '{}';
BEGIN
  FOREACH wanted IN ARRAY names LOOP
    SELECT id INTO one FROM sync.scopes WHERE name = wanted;
    IF NOT FOUND THEN
      INSERT INTO sync.scopes (name) VALUES (wanted) ON CONFLICT (name) DO UPDATE SET name = excluded.name
        RETURNING id INTO one;
    END IF;
    ids := ids || one;
  END LOOP;
  RETURN ids;
END $$;

-- The scopes of the login. session_user, not current_user: inside the owner's functions the latter is the owner. The clock and
-- not the statement's time: nobody keeps what has ended by never coming to the end of a statement. Within one of ours scopes so
-- only ever go, and api.pull seals them before it reads: what went meanwhile the next pull purges.
CREATE FUNCTION api.my_scopes() RETURNS integer[] LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  moment timestamptz := clock_timestamp();
  mine integer[];
  windows sync.grants[];
BEGIN
  SELECT coalesce(array_agg(DISTINCT g.scope ORDER BY g.scope) FILTER (WHERE g.days IS NULL), '{}'),
         array_agg(g) FILTER (WHERE g.days IS NOT NULL) INTO mine, windows FROM sync.grants g
    WHERE g.until > moment AND
      (g.grantee = session_user OR CASE WHEN to_regrole(quote_ident(g.grantee)) IS NOT NULL
                                        THEN pg_has_role(session_user, g.grantee, 'MEMBER') END);
  IF windows IS NOT NULL THEN
    mine := ARRAY(SELECT unnest(mine) UNION SELECT s.id FROM unnest(windows) g JOIN sync.scopes s ON s.base = g.scope
                    WHERE s.day > sync.today() - g.days ORDER BY 1);
  END IF;
  RETURN mine;
END $$;
GRANT EXECUTE ON FUNCTION api.my_scopes() TO tower_viewer;
