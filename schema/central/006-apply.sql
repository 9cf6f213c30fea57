-- The one way in: a command with what it changed, applied or rejected, and the answer kept.
--
-- SQLSTATEs of its own. CT0xx end the call, nothing is stored: 001 the workspace forked (copied or restored), 002 not
-- the caller's device, 003 an earlier command is missing, 004 malformed call, 005 it builds on a command that was
-- rejected. CT1xx reject the command, and that is stored: 101 conflict, 102 refused by the policy, 103 invalid.
SET LOCAL ROLE tower_owner;

CREATE TABLE sync.devices (
  id uuid PRIMARY KEY,
  owner text NOT NULL,                            -- the login it belongs to
  label sync.label NOT NULL DEFAULT '',
  public_key sync.bytes32,
  signature sync.bytes64, signer uuid,  -- of an administrator's device, over id, owner, key
  enrolled_by text NOT NULL, enrolled_at bigint NOT NULL, revoked_at bigint,
  former boolean NOT NULL DEFAULT false,          -- of whoever had the login before it was removed and added again
  forked_from uuid REFERENCES sync.devices,       -- which device it was, up to command forked_after
  forked_after bigint CHECK ((forked_from IS NULL) = (forked_after IS NULL)),
  last_n bigint NOT NULL DEFAULT 0,               -- its last command here, and that intent's hash
  last_sha256 sync.bytes32 NOT NULL
);
CREATE INDEX devices_owner ON sync.devices (owner);
-- Logins that were removed and added again, with the transaction of that: what there is from before it is another's, whose name
-- this person has.
CREATE TABLE sync.returned (login text PRIMARY KEY, tid bigint NOT NULL REFERENCES sync.txn);
CREATE TABLE sync.outcomes (
  device uuid NOT NULL, n bigint NOT NULL,
  sha256 bytea NOT NULL,
  answer jsonb NOT NULL,
  PRIMARY KEY (device, n)
);

-- A value of a change as the type of its column wants it. UUIDs and bytes travel as hexadecimal digits.
CREATE FUNCTION sync.value_for(c sync.columns, value jsonb) RETURNS jsonb LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  wanted text := CASE WHEN c.type IN ('bigint', 'double precision') THEN 'number' ELSE 'string' END;
BEGIN
  IF value IS NULL OR value = 'null' THEN
    RETURN 'null';
  ELSIF jsonb_typeof(value) <> wanted THEN
    RAISE EXCEPTION 'column %: a % is no %', c.name, jsonb_typeof(value), c.type USING ERRCODE = 'CT103';
  ELSIF octet_length(value #>> '{}') > c.most THEN
    RAISE EXCEPTION 'column %: longer than % bytes', c.name, c.most USING ERRCODE = 'CT103';
  ELSIF c.type = 'date' AND value #>> '{}' !~ '^\d{4}-\d\d-\d\d$' THEN
    RAISE EXCEPTION 'column %: a date is YYYY-MM-DD', c.name USING ERRCODE = 'CT103';
  ELSIF c.type = 'bytea' THEN
    RETURN to_jsonb('\x' || (value #>> '{}'));
  ELSIF c.type = 'uuid' THEN
    RETURN to_jsonb((value #>> '{}')::uuid);
  END IF;
  RETURN value;
END $$;

-- The columns of one change, checked against the catalogue: {"name": [old, new]} with values of the right type. What is
-- the authority's alone is left out, whatever the client says of it.
CREATE FUNCTION sync.change_columns(table_id smallint, columns jsonb, operation text DEFAULT 'update') RETURNS jsonb LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  given record;
  checked jsonb := '{}';
BEGIN
  -- OFFSET 0: a look at the catalogue for each column is cheaper than all of it for a few
  FOR given IN SELECT e.key, e.value, x.c FROM jsonb_each(columns) e
      LEFT JOIN LATERAL (SELECT c FROM sync.columns c WHERE c.tbl = table_id AND c.name = e.key OFFSET 0) x ON true LOOP
    IF given.c IS NULL THEN
      RAISE EXCEPTION 'there is no column %', given.key USING ERRCODE = 'CT103';
    ELSIF (given.c).kind NOT IN ('data', 'parent', 'subject', 'derived', 'stamp') THEN
      CONTINUE;
    ELSIF jsonb_typeof(given.value) <> 'array' OR jsonb_array_length(given.value) <> 2 THEN
      RAISE EXCEPTION 'column %: old and new value expected', given.key USING ERRCODE = 'CT103';
    ELSIF (given.value ->> CASE operation WHEN 'insert' THEN 0 WHEN 'delete' THEN 1 END) IS NOT NULL THEN
      RAISE EXCEPTION 'column %: a row has no values before it is added, and none after it is deleted', given.key USING ERRCODE = 'CT103';
    END IF;
    checked := checked || jsonb_build_object(given.key, jsonb_build_array(
      sync.value_for(given.c, given.value -> 0), sync.value_for(given.c, given.value -> 1)));
  END LOOP;
  RETURN checked;
END $$;

-- Where a row is no longer what the command saw, nor already what it wants: [{"column", "base", "mine", "theirs"}]. Of a
-- stamp only whether it is set counts: its value is the authority's clock here and the client's there. A fence that another one
-- has counted up to the same number is no less another's.
CREATE FUNCTION sync.differences(table_id smallint, row_now jsonb, columns jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (SELECT coalesce(jsonb_agg(jsonb_build_object('column', e.key, 'base', e.value -> 0, 'mine', e.value -> 1,
                                                       'theirs', row_now -> e.key) ORDER BY e.key), '[]')
    FROM jsonb_each(columns) e JOIN sync.columns c ON c.tbl = table_id AND c.name = e.key
    WHERE CASE WHEN c.kind = 'derived' THEN false
               WHEN c.kind = 'stamp' THEN (row_now ->> e.key IS NULL) <> (e.value ->> 0 IS NULL)
               WHEN c.type = 'double precision' THEN (row_now ->> e.key)::float8 IS DISTINCT FROM (e.value ->> 0)::float8
               ELSE row_now -> e.key IS DISTINCT FROM e.value -> 0
                 AND (e.key = 'fence' OR row_now -> e.key IS DISTINCT FROM e.value -> 1) END);
END $$;

-- Where the old values that a change claims are not those that the row had, {"name": [old, new]} as they were: of what is derived,
-- of a stamp, of what somebody had already made so, and of what a deletion does not name. NULL: nowhere. An undo goes by them.
CREATE FUNCTION sync.true_columns(table_id smallint, row_now jsonb, columns jsonb, deleted boolean) RETURNS jsonb LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT jsonb_object_agg(c.name, CASE c.type      -- bytes travel as hexadecimal digits
      WHEN 'bytea' THEN jsonb_build_array(substr(row_now ->> c.name, 3), substr(columns -> c.name ->> 1, 3))
      ELSE jsonb_build_array(row_now -> c.name, columns -> c.name -> 1) END)
    FROM sync.columns c
    WHERE c.tbl = table_id AND (columns ? c.name OR deleted AND c.kind IN ('data', 'parent', 'subject', 'derived', 'stamp'))
      AND CASE WHEN c.type = 'double precision' THEN (row_now ->> c.name)::float8 IS DISTINCT FROM (columns -> c.name ->> 0)::float8
               ELSE row_now -> c.name IS DISTINCT FROM coalesce(columns -> c.name -> 0, 'null') END;
$$;

-- Carries one change out. image: the row as it stands then, or, an array, its conflicts; truth: see sync.true_columns.
CREATE FUNCTION sync.carry_out(t sync.tables, row_id uuid, operation text, columns jsonb, mine integer[] DEFAULT api.my_scopes(),
                               OUT image jsonb, OUT truth jsonb) LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  conflicts jsonb;
  names text;
  patch jsonb;
  before jsonb;
  statement text;
  held text;
  blind boolean;                                  -- what the row had is not told by what it must have had
BEGIN
  IF operation = 'insert' THEN
    SELECT string_agg(', ' || quote_ident(key), '' ORDER BY key), jsonb_object_agg(key, value -> 1) INTO names, patch
      FROM jsonb_each(columns);
    EXECUTE format('INSERT INTO app.%1$I AS r (id%2$s) SELECT id%2$s FROM jsonb_populate_record(NULL::app.%1$I, $1)'
                   ' RETURNING to_jsonb(r)', t.name, names)
      INTO image USING coalesce(patch, '{}') || jsonb_build_object('id', row_id);
    RETURN;
  ELSIF operation = 'update' AND columns <> '{}' THEN
    -- $1 what it shall be, $2 what it was, $3 its key, $4 the caller's scopes; held: only while it is what the command saw, where
    -- of a stamp only counts whether it is set, see sync.differences
    SELECT format('UPDATE app.%I r SET %s WHERE r.id = $3 AND r.scopes && $4', t.name,
                  string_agg(format('%1$I = ($1 ->> %1$L)::%2$s', c.name, c.type), ', ')),
           string_agg(format(CASE c.kind WHEN 'stamp' THEN ' AND (r.%1$I IS NULL) = ($2 ->> %1$L IS NULL)'
                                         ELSE ' AND r.%1$I IS NOT DISTINCT FROM ($2 ->> %1$L)::%2$s' END, c.name, c.type), '')
             FILTER (WHERE c.kind <> 'derived'),
           jsonb_object_agg(e.key, e.value -> 1), jsonb_object_agg(e.key, e.value -> 0),
           bool_or(c.kind = 'derived' OR c.kind = 'stamp' AND e.value ->> 0 IS NOT NULL)
      INTO statement, held, patch, before, blind FROM jsonb_each(columns) e,
        LATERAL (SELECT * FROM sync.columns x WHERE x.tbl = t.id AND x.name = e.key OFFSET 0) c;
    IF NOT blind THEN
      EXECUTE concat(statement, held, ' RETURNING to_jsonb(r)') INTO image USING patch, before, row_id, mine;
      IF image IS NOT NULL THEN RETURN; END IF;   -- as a rule nobody was there meanwhile
    END IF;
  END IF;
  EXECUTE format('SELECT to_jsonb(r) FROM app.%I r WHERE r.id = $1 AND r.scopes && $2 FOR UPDATE', t.name)
    INTO image USING row_id, mine;
  IF image IS NULL THEN
    image := jsonb_build_array(jsonb_build_object('table', t.name, 'id', row_id, 'gone', true));
    RETURN;
  END IF;
  SELECT jsonb_agg(d || jsonb_build_object('table', t.name, 'id', row_id)) INTO conflicts
    FROM jsonb_array_elements(sync.differences(t.id, image, columns)) d;
  IF conflicts IS NOT NULL THEN
    image := conflicts;
    RETURN;
  END IF;
  truth := sync.true_columns(t.id, image, columns, operation = 'delete');
  IF operation = 'delete' THEN
    EXECUTE format('DELETE FROM app.%I WHERE id = $1', t.name) USING row_id;
  ELSIF statement IS NOT NULL THEN                -- somebody did the same
    EXECUTE statement || ' RETURNING to_jsonb(r)' INTO image USING patch, before, row_id, mine;
  END IF;
END $$;

-- Checks what is left to the end of a command, now and not at commit: by the foreign keys of business tables what the rows
-- point at that came or changed, and what points at those that went, whether the command names them or a trigger wrote them;
-- by their constraint triggers what else the rows must be.
CREATE FUNCTION sync.check_references(written jsonb) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  transaction bigint := sync.current_tid();       -- a volatile call in the query would keep it from the index
  here oid[];
  gone oid[];
  names text;
BEGIN
  SELECT array_agg(to_regclass(format('app.%I', x.name))) FILTER (WHERE NOT x.gone),
         array_agg(to_regclass(format('app.%I', x.name))) FILTER (WHERE x.gone) INTO here, gone
    FROM (SELECT w ->> 0 AS name, w ->> 2 = 'delete' AS gone FROM jsonb_array_elements(written) w
          UNION SELECT t.name, e.gone FROM sync.entry e JOIN sync.tables t ON t.id = e.tbl WHERE e.tid = transaction) x;
  SELECT string_agg(DISTINCT format('app.%I', c.conname), ', ') INTO names FROM pg_constraint c
    WHERE c.contype IN ('f', 't') AND c.condeferrable AND c.connamespace = 'app'::regnamespace
      AND (c.conrelid = ANY (here) OR CASE c.contype WHEN 'f' THEN c.confrelid ELSE c.conrelid END = ANY (gone));
  IF names IS NOT NULL THEN
    EXECUTE 'SET CONSTRAINTS ' || names || ' IMMEDIATE';
    SET CONSTRAINTS ALL DEFERRED;                 -- for the next command
  END IF;
END $$;

-- A human number that a file brought, where the policy lets the command write it, as {"number": [old, new]}; {} else. A
-- provisional one is nobody's. What comes after it in its series is greater.
CREATE FUNCTION sync.brought_number(command_name text, t sync.tables, change jsonb) RETURNS jsonb LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  c sync.columns;
  pair jsonb;
  parts text[];
BEGIN
  SELECT * INTO c FROM sync.columns x WHERE x.tbl = t.id AND x.name = t.number;
  pair := change -> 'columns' -> c.name;
  IF jsonb_typeof(pair) IS DISTINCT FROM 'array' OR pair ->> 1 IS NULL OR strpos(pair ->> 1, '~') > 0 OR change ->> 'op' = 'delete'
     OR NOT EXISTS (SELECT FROM sync.policy p WHERE p.command = command_name AND p.writes -> t.name -> 'update' ? c.name) THEN
    RETURN '{}';
  END IF;
  parts := regexp_match(pair ->> 1, '^' || t.series || '-(\d{4})-(\d{1,9})$');
  IF t.yearly AND parts IS NOT NULL THEN
    INSERT INTO sync.number_series AS s (series, year, last) VALUES (t.series, parts[1]::integer, parts[2]::bigint)
      ON CONFLICT (series, year) DO UPDATE SET last = greatest(s.last, excluded.last);
  END IF;
  RETURN jsonb_build_object(c.name, jsonb_build_array(sync.value_for(c, pair -> 0), sync.value_for(c, pair -> 1)));
END $$;

-- One change of a command as it was sent, checked: {"table", "id", "op", "columns"}. t: the table it names.
CREATE FUNCTION sync.read_change(command_name text, t sync.tables, change jsonb) RETURNS jsonb LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  columns jsonb := coalesce(change -> 'columns', '{}');
  why text;
BEGIN
  IF t.id IS NULL THEN
    RAISE EXCEPTION 'there is no table %', change ->> 'table' USING ERRCODE = 'CT103';
  ELSIF change ->> 'op' IS NULL OR change ->> 'op' NOT IN ('insert', 'update', 'delete') THEN
    RAISE EXCEPTION 'there is no operation %', change ->> 'op' USING ERRCODE = 'CT103';
  ELSIF change ->> 'id' IS NULL OR jsonb_typeof(columns) <> 'object' THEN
    RAISE EXCEPTION 'a change names its row and an object of columns' USING ERRCODE = 'CT103';
  END IF;
  columns := sync.change_columns(t.id, columns, change ->> 'op');
  IF change -> 'columns' ? t.number THEN
    columns := columns || sync.brought_number(command_name, t, change);
  END IF;
  -- what may be undone is what was done: sync.read_undo
  IF command_name <> 'command.undo' THEN
    why := sync.refusal(command_name, t.name, (change ->> 'id')::uuid, change ->> 'op', columns);
    IF why IS NOT NULL THEN RAISE EXCEPTION '%', why USING ERRCODE = 'CT102'; END IF;
  END IF;
  RETURN jsonb_build_object('table', t.name, 'id', (change ->> 'id')::uuid, 'op', change ->> 'op', 'columns', columns);
END $$;

-- Rows that came before those they follow find their scopes now; nobody writes what they may not see.
CREATE FUNCTION sync.check_scopes(written jsonb, mine integer[], moving boolean) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  r record;
  hidden boolean;
BEGIN
  FOR r IN SELECT t.name, array_agg(DISTINCT (e ->> 1)::uuid) AS ids FROM jsonb_array_elements(written) e
             JOIN sync.tables t ON t.name = e ->> 0 WHERE e ->> 2 <> 'delete' GROUP BY t.id, t.name ORDER BY t.id LOOP
    IF moving THEN
      EXECUTE format('UPDATE app.%I SET scopes = scopes WHERE id = ANY ($1) AND scopes = ''{}''', r.name) USING r.ids;
    END IF;
    EXECUTE format('SELECT EXISTS (SELECT FROM app.%I WHERE id = ANY ($1) AND NOT scopes && $2)', r.name)
      INTO hidden USING r.ids, mine;
    IF hidden THEN
      RAISE EXCEPTION 'the row would be one that you may not see' USING ERRCODE = 'CT102';
    END IF;
  END LOOP;
END $$;

-- All changes of a command in their order, each held against the policy before the first one is made. changes: then with the old
-- values that there were; written: [[table, id, operation], ...], and where it is one row, that row.
CREATE FUNCTION sync.carry_out_all(command_name text, INOUT changes jsonb, OUT written jsonb) LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  checked jsonb[] := '{}';
  done record;
  truths jsonb[] := '{}';
  claimed boolean := false;                       -- what was not so
  change jsonb;
  t sync.tables;
  image jsonb;
  conflicts jsonb := '[]';
  mine integer[] := api.my_scopes();
  moving boolean := false;                        -- whether rows come, go, or change in what is checked at the end
BEGIN
  FOR change IN SELECT value FROM jsonb_array_elements(changes) WITH ORDINALITY ORDER BY ordinality LOOP
    IF t.name IS DISTINCT FROM change ->> 'table' THEN
      SELECT * INTO t FROM sync.tables WHERE name = change ->> 'table';
    END IF;
    checked := checked || sync.read_change(command_name, t, change);
  END LOOP;
  FOREACH change IN ARRAY checked LOOP
    IF t.name <> change ->> 'table' THEN
      SELECT * INTO STRICT t FROM sync.tables WHERE name = change ->> 'table';
    END IF;
    done := sync.carry_out(t, (change ->> 'id')::uuid, change ->> 'op', change -> 'columns', mine);
    image := done.image;
    truths := truths || done.truth;
    claimed := claimed OR done.truth IS NOT NULL;
    IF jsonb_typeof(image) = 'array' THEN conflicts := conflicts || image; END IF;
    moving := moving OR change ->> 'op' <> 'update' OR change -> 'columns' ?| t.checked;
  END LOOP;
  IF conflicts <> '[]' THEN
    RAISE EXCEPTION 'somebody changed the same meanwhile' USING ERRCODE = 'CT101', DETAIL = conflicts::text;
  END IF;
  IF claimed THEN
    SELECT jsonb_agg(CASE WHEN truths[o] IS NULL THEN c
                          ELSE c || jsonb_build_object('columns', coalesce(c -> 'columns', '{}') || truths[o]) END ORDER BY o) INTO changes
      FROM jsonb_array_elements(changes) WITH ORDINALITY AS x (c, o);
  END IF;
  IF NOT moving AND array_length(checked, 1) = 1 AND translate(image ->> 'scopes', '[] ', '{}')::integer[] && mine THEN
    written := jsonb_build_array(jsonb_build_array(change -> 'table', change -> 'id', change -> 'op', image));
    RETURN;
  END IF;
  SELECT coalesce(jsonb_agg(jsonb_build_array(c -> 'table', c -> 'id', c -> 'op') ORDER BY o), '[]') INTO written
    FROM unnest(checked) WITH ORDINALITY AS x (c, o);
  mine := api.my_scopes();                        -- with the scopes of days that the rows were the first of
  -- in this order: what hangs on a row that is hidden and on one that is not there is refused in the same words
  PERFORM sync.check_scopes(written, mine, moving);
  IF moving THEN
    PERFORM sync.check_references(written);
  END IF;
END $$;

-- A device and those it went on from, each with the last command that counts as its own.
CREATE FUNCTION sync.line(device uuid) RETURNS TABLE (id uuid, upto bigint) LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN QUERY WITH RECURSIVE x (own, most) AS (
      SELECT device, 9223372036854775807
      UNION ALL SELECT d.forked_from, least(x.most, d.forked_after)
        FROM x JOIN sync.devices d ON d.id = x.own WHERE d.forked_from IS NOT NULL)
    SELECT x.own, x.most FROM x;
END $$;

-- Whether a device is revoked, itself or because it went on from one that is. Whom an administrator gave a key of their own
-- stands for themselves.
CREATE FUNCTION sync.is_revoked(device uuid) RETURNS boolean LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  WITH RECURSIVE line (forked_from, public_key, revoked_at) AS (
    SELECT d.forked_from, d.public_key, d.revoked_at FROM sync.devices d WHERE d.id = device
    UNION ALL SELECT d.forked_from, d.public_key, d.revoked_at FROM line JOIN sync.devices d ON d.id = line.forked_from
      WHERE line.public_key IS NULL)
  SELECT EXISTS (SELECT FROM line WHERE line.revoked_at IS NOT NULL);
$$;

-- The command that an undo takes back: its only argument, which the intent has the hash of. One of the device's own that was
-- applied.
CREATE FUNCTION sync.undo_target(device uuid, undo jsonb, OUT name text, OUT leaf uuid) LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT i.intent::jsonb ->> 'name', (o.answer ->> 'leaf')::uuid
    FROM sync.line(device) l JOIN audit.intents i ON i.device = l.id AND i.n <= l.upto JOIN sync.outcomes o USING (device, n)
    WHERE o.answer ->> 'outcome' = 'applied'
      AND sha256('ct-intent-args-v1'::bytea || '\x00' || uuid_send((undo ->> 'command_id')::uuid)
                 || convert_to('{"command":"' || i.command_id || '"}', 'UTF8')) = decode(undo ->> 'args_sha256', 'hex')
    ORDER BY i.n DESC LIMIT 1;
$$;

-- What an undo does: the inverse of all that its command wrote here, last first, whatever the device says of it. What was so
-- already when the command came is not the command's to take back. Refused unless the policy lets the command be undone, and by
-- who may no longer give it.
CREATE FUNCTION sync.read_undo(device uuid, undo jsonb, OUT name text, OUT done jsonb, OUT changes jsonb) LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  leaf uuid;
  why text;
BEGIN
  SELECT * INTO name, leaf FROM sync.undo_target(device, undo);
  SELECT value::jsonb INTO done FROM audit.disclosures WHERE ev_id = leaf AND field = 'changes';
  why := CASE WHEN leaf IS NULL THEN 'there is no such command of this device that was applied'
              WHEN NOT (SELECT p.undo FROM sync.policy p WHERE p.command = name) THEN format('%s cannot be undone', name)
              WHEN done IS NULL THEN 'what the command changed is no longer known'
              WHEN sync.role_for(name) IS NULL THEN format('none of your roles may run %s', name) END;
  IF why IS NULL THEN
    SELECT jsonb_agg(jsonb_build_object('table', d -> 'table', 'id', d -> 'id', 'columns', c.back, 'op',
                       CASE d ->> 'op' WHEN 'insert' THEN 'delete' WHEN 'delete' THEN 'insert' ELSE 'update' END) ORDER BY o DESC) INTO changes
      FROM jsonb_array_elements(done) WITH ORDINALITY AS x (d, o),
        LATERAL (SELECT coalesce(jsonb_object_agg(e.key, jsonb_build_array(e.value -> 1, e.value -> 0)), '{}') AS back
                   FROM jsonb_each(coalesce(d -> 'columns', '{}')) e WHERE d ->> 'op' <> 'update' OR e.value -> 0 <> e.value -> 1) c
      WHERE d ->> 'op' <> 'update' OR c.back <> '{}';
    why := CASE WHEN changes IS NULL THEN 'all that the command says was so already: it has nothing to take back' END;
  END IF;
  IF why IS NOT NULL THEN RAISE EXCEPTION '%', why USING ERRCODE = 'CT102'; END IF;
END $$;

-- Asked of the state that an undo gives back (ct-undo.c does the same): who handed a record to another team may take just that
-- back, who lost it to another one may not.
CREATE FUNCTION sync.check_undone(command_name text, done jsonb) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  change jsonb;
  why text;
BEGIN
  FOR change IN SELECT value FROM jsonb_array_elements(done) LOOP
    why := sync.unmet_condition(command_name, change ->> 'table', (change ->> 'id')::uuid, change -> 'columns');
    IF why IS NOT NULL THEN RAISE EXCEPTION '%', why USING ERRCODE = 'CT102'; END IF;
  END LOOP;
END $$;

-- Applies a command or says why not; the caller stores either. Trouble of the machine, which passes, goes through as it is;
-- whatever else goes wrong would go wrong again, and must not hold up what comes after it.
CREATE FUNCTION sync.try(device uuid, body jsonb, role_name text, INOUT changes jsonb, OUT answer jsonb, OUT written jsonb)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  done record;
  undone record;
  command_name text := body ->> 'name';
  state text;
  why text;
  about text;
BEGIN
  written := '[]';
  IF changes IS NULL THEN
    answer := jsonb_build_object('outcome', 'rejected', 'code', 'withdrawn',
                                 'reason', 'the device withdrew it before it was offered', 'theirs', '[]'::jsonb);
    RETURN;
  END IF;
  BEGIN
    IF role_name IS NULL THEN
      RAISE EXCEPTION 'none of your roles may run %', coalesce(command_name, 'a command without a name')
        USING ERRCODE = 'CT102';
    ELSIF command_name = 'command.undo' THEN
      undone := sync.read_undo(device, body);
      changes := undone.changes;
    END IF;
    done := sync.carry_out_all(command_name, changes);
    IF command_name = 'command.undo' THEN
      PERFORM sync.check_undone(undone.name, undone.done);
    END IF;
    changes := done.changes;
    written := done.written;
    answer := jsonb_build_object('outcome', 'applied');
  EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, why = MESSAGE_TEXT, about = PG_EXCEPTION_DETAIL;
    IF state = '55P03' THEN PERFORM sync.end_stallers(); END IF;
    IF state ~ '^(08|40|42|53|55|57|58|F0|XX)' THEN RAISE; END IF;
    written := '[]';
    answer := jsonb_build_object('outcome', 'rejected', 'reason', why,
      'code', CASE WHEN state IN ('CT101', '23505') THEN 'conflict' WHEN state IN ('CT102', 'P0001') THEN 'refused'
                   ELSE 'invalid' END,
      'theirs', CASE WHEN state = 'CT101' THEN about::jsonb ELSE '[]' END);
  END;
END $$;

-- What the leaf says of a command's object: the approval where it lets a post out, with the hash of the approved bytes, so
-- that the sender finds it; else the first row it wrote, or the command itself.
CREATE FUNCTION sync.object_of(written jsonb, command_id uuid) RETURNS jsonb LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t sync.tables;
  rev bigint;
  post uuid;
BEGIN
  IF jsonb_array_length(written) > 1 THEN        -- a post comes with its approval
    SELECT w ->> 1 INTO post FROM jsonb_array_elements(written) w WHERE w ->> 0 = 'outbox' AND w ->> 2 = 'insert' LIMIT 1;
  END IF;
  IF post IS NOT NULL THEN
    RETURN (SELECT jsonb_build_object('object_type', 'approval', 'object_id', a.id, 'object_rev', a.rev,
                                      'outbox_key', encode(p.payload_sha256, 'hex'))
              FROM app.outbox p JOIN app.approvals a ON a.id = p.approval_id WHERE p.id = post);
  END IF;
  SELECT * INTO t FROM sync.tables WHERE name = written -> 0 ->> 0;
  IF NOT FOUND THEN
    RETURN jsonb_build_object('object_type', 'command', 'object_id', command_id, 'object_rev', 0);
  END IF;
  rev := written -> 0 -> 3 -> 'rev';
  IF rev IS NULL THEN
    EXECUTE format('SELECT rev FROM app.%I WHERE id = $1', t.name) INTO rev USING (written -> 0 ->> 1)::uuid;
  END IF;
  RETURN jsonb_build_object('object_type', t.object_type, 'object_id', written -> 0 ->> 1, 'object_rev', coalesce(rev, 0));
END $$;

-- Stores intent and outcome of the device's next command and moves its counter.
CREATE FUNCTION sync.store_outcome(d sync.devices, intent text, hash bytea, body jsonb, answer jsonb) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  WITH i AS (INSERT INTO audit.intents VALUES (d.id, d.last_n + 1, (body ->> 'command_id')::uuid, hash, intent, sync.now_ms())),
    o AS (INSERT INTO sync.outcomes VALUES (d.id, d.last_n + 1, hash, answer))
    UPDATE sync.devices SET last_n = d.last_n + 1, last_sha256 = hash WHERE id = d.id;
  RETURN answer;
END $$;

-- The same with the leaf that says what became of it.
CREATE FUNCTION sync.settle(d sync.devices, intent text, hash bytea, body jsonb, role_name text, changes jsonb,
                            answer jsonb, written jsonb)
RETURNS jsonb LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  applied boolean := answer ->> 'outcome' = 'applied';
  ev uuid;
BEGIN
  ev := audit.append(jsonb_build_object(
      'intent_sha256', encode(hash, 'hex'), 'device_id', d.id, 'device_seq', d.last_n + 1,
      'occurred_at', (body ->> 'occurred_at')::bigint, 'actor', session_user, 'actor_role', coalesce(role_name, ''),
      'action', (body ->> 'name') || CASE WHEN applied THEN '' ELSE ':rejected' END)
      || sync.object_of(written, (body ->> 'command_id')::uuid),
    written,
    CASE WHEN NOT applied THEN jsonb_build_object('reason', (answer ->> 'code') || ': ' || (answer ->> 'reason'))
         WHEN octet_length(changes::text) BETWEEN 3 AND 262144 THEN jsonb_build_object('changes', changes::text) ELSE '{}' END);
  RETURN sync.store_outcome(d, intent, hash, body, answer || jsonb_build_object('leaf', ev));
END $$;

-- What became of the very same intent under another device of the login's: of two copies of a workspace each offers what
-- was pending when they were made, and it happens once. The device that the intent names is locked, so that they take turns.
CREATE FUNCTION sync.settled_elsewhere(device uuid, intent_device uuid, intent_n bigint, hash bytea) RETURNS jsonb LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  answer jsonb;
BEGIN
  IF intent_device <> device THEN                 -- the caller's own is locked
    PERFORM FROM sync.devices d WHERE d.id = intent_device FOR UPDATE;
  END IF;
  SELECT o.answer INTO answer FROM sync.devices d JOIN sync.outcomes o ON o.device = d.id AND o.n = intent_n AND o.sha256 = hash
    WHERE d.owner = session_user AND NOT d.former LIMIT 1;
  RETURN answer;
END $$;

-- The object that an intent is, or CT004; its bytes are those that src/commands/ct-intent.c hashes.
CREATE FUNCTION sync.read_intent(intent text, device uuid, n bigint) RETURNS jsonb LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  body jsonb;
BEGIN
  body := intent::jsonb;
  IF (body ->> 'v')::integer = 1 AND body ->> 'name' ~ '^[a-z][a-z0-9_.-]{0,99}$' AND (body ->> 'device_seq')::bigint = n
     AND (body ->> 'command_id')::uuid IS NOT NULL AND (body ->> 'occurred_at')::bigint IS NOT NULL
     AND octet_length(decode(body ->> 'previous_sha256', 'hex')) = 32
     AND octet_length(decode(body ->> 'args_sha256', 'hex')) = 32 THEN
    IF (body ->> 'device_id')::uuid = device THEN
      RETURN body;
    ELSIF EXISTS (SELECT FROM sync.line(device) l WHERE l.id = (body ->> 'device_id')::uuid) THEN
      RETURN body;
    END IF;
  END IF;
  RAISE EXCEPTION 'malformed' USING ERRCODE = 'CT004';
EXCEPTION WHEN data_exception OR SQLSTATE 'CT004' THEN
  RAISE EXCEPTION 'the intent of command % is malformed or another device''s', n USING ERRCODE = 'CT004';
END $$;

-- device, n: whose command and which of its commands, counted without a gap. intent: the canonical bytes whose SHA-256
-- chains them. changes: [{"table", "id", "op", "columns": {"name": [old, new]}}], or NULL for a command that the device
-- withdrew; of an undo they are worked out here. builds_on: commands before it that must not have been rejected: a device pushes many without waiting for the
-- answers, and what a person did on top of something must not happen without it. Returns {"outcome": "applied" | "rejected", "leaf", and where rejected "code", "reason", "theirs"}; the same
-- for a repeat.
CREATE FUNCTION api.apply(device uuid, n bigint, intent text, changes jsonb, builds_on bigint[] DEFAULT '{}') RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET bytea_output = 'hex' SET extra_float_digits = 1 SET lock_timeout = '5s' SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  d sync.devices;
  o sync.outcomes;
  hash bytea := sha256(convert_to(intent, 'UTF8'));
  body jsonb;
  role_name text;
  answer jsonb;
  tried record;
BEGIN
  -- what is checked and then done is one moment, and no caller holds its time back
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'a command runs in a transaction that is read committed' USING ERRCODE = 'CT004';
  ELSIF clock_timestamp() > statement_timestamp() + interval '5 seconds' THEN
    RAISE EXCEPTION 'the command came too late in its statement; give it again' USING ERRCODE = '40001';
  END IF;
  PERFORM sync.demand_no_arrival();
  IF octet_length(intent) > 262144 OR octet_length(changes::text) > 16777216
     OR jsonb_typeof(coalesce(changes, '[]')) <> 'array' OR jsonb_array_length(coalesce(changes, '[]')) > 20000 THEN
    RAISE EXCEPTION 'a command is at most 256 KiB, its changes 16 MiB and 20,000 in an array' USING ERRCODE = 'CT004';
  END IF;
  SELECT * INTO d FROM sync.devices x WHERE x.id = device AND x.owner = session_user AND x.revoked_at IS NULL FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'this device is not enrolled for %', session_user USING ERRCODE = 'CT002';
  ELSIF d.forked_from IS NOT NULL AND sync.is_revoked(d.id) THEN
    RAISE EXCEPTION 'the device that this one is a copy of was revoked; an administrator enrols this one with a key of its own'
      USING ERRCODE = 'CT002';
  END IF;
  body := sync.read_intent(intent, device, n);
  IF n <= d.last_n THEN
    SELECT x.* INTO o FROM sync.line(d.id) l JOIN sync.outcomes x ON x.device = l.id AND x.n <= l.upto
      WHERE x.n = apply.n AND x.sha256 = hash;
    IF FOUND THEN RETURN o.answer; END IF;
    RAISE EXCEPTION 'command % of this device is known with another hash', n USING ERRCODE = 'CT001';
  ELSIF n > d.last_n + 1 THEN
    RAISE EXCEPTION 'commands % to % of this device are missing', d.last_n + 1, n - 1
      USING ERRCODE = 'CT003', DETAIL = d.last_n;
  ELSIF decode(body ->> 'previous_sha256', 'hex') <> d.last_sha256 THEN
    RAISE EXCEPTION 'command % does not follow the last one of this device', n USING ERRCODE = 'CT001';
  ELSIF builds_on <> '{}' THEN
    PERFORM FROM sync.outcomes x WHERE x.device = d.id AND x.n = ANY (builds_on) AND x.answer ->> 'outcome' = 'rejected';
    IF FOUND THEN RAISE EXCEPTION 'command % builds on one that was rejected', n USING ERRCODE = 'CT005'; END IF;
  END IF;
  answer := sync.settled_elsewhere(device, (body ->> 'device_id')::uuid, n, hash);
  IF answer IS NOT NULL THEN
    PERFORM sync.current_tid();                   -- a restored server must be found to lack this as well
    RETURN sync.store_outcome(d, intent, hash, body, answer);
  END IF;
  role_name := sync.role_for(body ->> 'name');
  PERFORM set_config('tower.device', device::text, true),   -- whose key an approval must be signed with
    set_config('tower.occurred_at', body ->> 'occurred_at', true), set_config('tower.command', body ->> 'name', true),
    set_config('tower.undone', '', true);         -- 009-orders.sql
  tried := sync.try(d.id, body, role_name, changes);
  RETURN sync.settle(d, intent, hash, body, role_name, tried.changes, tried.answer, tried.written);
END $$;
GRANT EXECUTE ON FUNCTION api.apply(uuid, bigint, text, jsonb, bigint[]) TO tower_viewer;

-- Which administrator a device is of that vouches for others: one that is enrolled here with a key and not revoked. NULL: it may
-- be an administrator's all the same, but nothing here says so.
CREATE FUNCTION api.voucher(device uuid) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT d.owner FROM sync.devices d JOIN pg_roles r ON r.rolname = d.owner
    WHERE d.id = device AND d.public_key IS NOT NULL AND NOT d.former AND NOT sync.is_revoked(d.id)
      AND pg_has_role(r.oid, 'tower_admin', 'MEMBER') AND has_database_privilege(r.oid, current_database(), 'CONNECT');
$$;
GRANT EXECUTE ON FUNCTION api.voucher(uuid) TO tower_admin;

-- An administrator lets a login use a device; a workspace that was standalone names the last command it keeps to itself. Again:
-- a copied workspace, which went on as a device without a key, gets one, and who vouches for a device is said later. Who is not
-- known as an administrator's device does not take the place of one that is.
CREATE FUNCTION api.enrol(device uuid, owner text, label text, public_key bytea, last_n bigint DEFAULT 0,
                          last_sha256 bytea DEFAULT decode(repeat('00', 32), 'hex'), signature bytea DEFAULT NULL,
                          signer uuid DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM sync.demand_admin();
  INSERT INTO sync.devices AS d (id, owner, label, public_key, signature, signer, enrolled_by, enrolled_at, last_n, last_sha256)
    VALUES (device, owner, label, public_key, signature, signer, session_user, sync.now_ms(), last_n, last_sha256)
    ON CONFLICT (id) DO UPDATE SET public_key = excluded.public_key, signature = excluded.signature, signer = excluded.signer,
      enrolled_by = session_user
      WHERE d.owner = excluded.owner AND d.revoked_at IS NULL AND excluded.public_key IS NOT NULL
        AND (d.public_key IS NULL OR d.public_key = excluded.public_key AND excluded.signature IS NOT NULL
             AND (api.voucher(d.signer) IS NULL OR api.voucher(excluded.signer) IS NOT NULL));
  IF NOT FOUND AND EXISTS (SELECT FROM sync.devices d WHERE d.id = enrol.device AND d.owner = enrol.owner AND d.revoked_at IS NULL
                           AND d.public_key = enrol.public_key AND enrol.signature IS NOT NULL) THEN
    RAISE EXCEPTION 'device % vouches for device %, and device % is not known here as an administrator''s',
      (SELECT d.signer FROM sync.devices d WHERE d.id = enrol.device), device, signer USING ERRCODE = 'CT102';
  ELSIF NOT FOUND THEN
    RAISE EXCEPTION 'device % is enrolled already', device USING ERRCODE = '23505';
  END IF;
  PERFORM audit.note('device.enrol', 'device', device, '[]', jsonb_build_object('device', jsonb_strip_nulls(jsonb_build_object(
    'owner', owner, 'label', label, 'publicKey', encode(public_key, 'hex'), 'signer', signer))::text));
END $$;
GRANT EXECUTE ON FUNCTION api.enrol(uuid, text, text, bytea, bigint, bytea, bytea, uuid) TO tower_admin;

-- From now on nothing comes from a device, and its signatures no longer count for what has not been sent. It stays so.
CREATE FUNCTION sync.revoke(device uuid) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE sync.devices SET revoked_at = sync.now_ms() WHERE id = device AND revoked_at IS NULL;
  IF FOUND THEN
    PERFORM audit.note('device.revoke', 'device', device, '[]', '{}');
  END IF;
END $$;

CREATE FUNCTION api.revoke(device uuid) RETURNS TABLE (owner text, revoked_at bigint) LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
BEGIN
  PERFORM sync.demand_admin();
  PERFORM sync.revoke(device);
  RETURN QUERY SELECT d.owner, d.revoked_at FROM sync.devices d WHERE d.id = device;
END $$;
GRANT EXECUTE ON FUNCTION api.revoke(uuid) TO tower_admin;

-- A workspace that finds itself forked goes on as a device of its own, from the last command that both share. It can
-- push at once; its signature key has to be enrolled anew by an administrator. A login has 50 such devices at most: somebody
-- has to know of more, and what nobody counts nobody revokes.
CREATE FUNCTION api.fork(device uuid, shared_n bigint, shared_sha256 bytea, new_device uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  d sync.devices;
BEGIN
  SELECT * INTO d FROM sync.devices x WHERE x.id = device AND x.owner = session_user AND NOT sync.is_revoked(x.id) FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'this device is not enrolled for %', session_user USING ERRCODE = 'CT002';
  ELSIF (SELECT count(*) FROM sync.devices x WHERE x.owner = session_user AND x.forked_from IS NOT NULL
           AND x.public_key IS NULL AND x.revoked_at IS NULL) >= 50 THEN
    RAISE EXCEPTION '% has 50 copied workspaces already; an administrator revokes those that nobody uses (server status, '
      'server revoke-device), or enrols them', session_user USING ERRCODE = 'CT002';
  ELSIF EXISTS (SELECT FROM sync.devices x WHERE x.id = new_device) THEN
    RAISE EXCEPTION 'device % is revoked or another login''s', new_device USING ERRCODE = 'CT002';
  ELSIF NOT EXISTS (SELECT FROM sync.line(d.id) l JOIN sync.outcomes o ON o.device = l.id AND o.n <= l.upto
                    WHERE o.n = shared_n AND o.sha256 = shared_sha256)
        AND NOT (shared_sha256 = d.last_sha256 AND shared_n = d.last_n)
        AND NOT EXISTS (SELECT FROM audit.intents i WHERE i.device = d.id AND i.n = shared_n + 1
                        AND decode(i.intent::jsonb ->> 'previous_sha256', 'hex') = shared_sha256) THEN
    RAISE EXCEPTION 'command % of this device is not known with this hash', shared_n USING ERRCODE = 'CT001';
  END IF;
  INSERT INTO sync.devices (id, owner, label, enrolled_by, enrolled_at, forked_from, forked_after,
                            last_n, last_sha256)
    VALUES (new_device, session_user, d.label, session_user, sync.now_ms(), d.id, shared_n, shared_n, shared_sha256);
END $$;
GRANT EXECUTE ON FUNCTION api.fork(uuid, bigint, bytea, uuid) TO tower_viewer;
