-- What was asked and what became of it, in the formats of the audit folder (ct-leaf.c, ct-row-committer.c, ct-log.c).
-- Leaves are ordered by the number of their transaction, and within one as they were appended; the sequencer gives each its
-- place in the log (014-log.sql).
SET LOCAL ROLE tower_owner;

CREATE TABLE audit.origin (
  one boolean PRIMARY KEY DEFAULT true CHECK (one), name text NOT NULL CHECK (name <> ''),
  first text NOT NULL,                            -- what it was called before it ever went on as another: names the server
  vkey text CHECK (octet_length(vkey) <= 1000)    -- of the key that signs: a note verifier key; NULL until somebody does
);
INSERT INTO audit.origin (name, first) SELECT 'control-tower/' || id, 'control-tower/' || id FROM sync.epoch;

CREATE TABLE audit.intents (
  device uuid NOT NULL, n bigint NOT NULL,
  command_id uuid NOT NULL,
  sha256 sync.bytes32 NOT NULL,
  intent text NOT NULL,                           -- the very bytes that were hashed
  received_at bigint NOT NULL,
  PRIMARY KEY (device, n)
);
-- What audit.append alone writes, a leaf with its rows and texts in one statement, checks no foreign keys among itself.
CREATE DOMAIN audit.leaf AS text CHECK (octet_length(VALUE) <= 65535);
CREATE TABLE audit.leaves (
  ev_id uuid PRIMARY KEY,
  tid bigint NOT NULL,                            -- of sync.txn
  leaf audit.leaf NOT NULL,
  leaf_sha256 bytea NOT NULL,                     -- RFC 6962: SHA-256 of a zero byte and the leaf
  position bigint GENERATED ALWAYS AS IDENTITY,   -- orders the leaves of one transaction
  owner text NOT NULL,                            -- the login whose act it is: sees the leaf in any case
  scopes integer[] NOT NULL,                      -- who holds one of them sees leaf and row entries
  told integer[] NOT NULL                         -- who holds one of them sees what is disclosed: those of every row
);
CREATE INDEX leaves_tid ON audit.leaves (tid);
-- readers: the scopes whose holders may see the row; NULL where the leaf's are those of each of its rows.
CREATE TYPE audit.row_key AS (tbl smallint, pk uuid, readers integer[]);
-- A row of a leaf whose rows are not all seen by the same people. hash: of the row, with the salt; NULL where it was deleted.
CREATE TYPE audit.part AS (name text, pk uuid, readers integer[], salt bytea, hash bytea);
-- What the row commitment of a leaf commits to; the salt keeps a published leaf from telling guessable rows. Where not everybody
-- who sees the leaf sees each of its rows, each has a salt of its own, made of the leaf's, which nobody sees then.
CREATE TABLE audit.rows (
  ev_id uuid PRIMARY KEY,
  salt sync.bytes32 NOT NULL, entries bytea,
  parts audit.part[], CHECK ((entries IS NULL) <> (parts IS NULL))
);
-- Redactable texts beside a leaf, which holds their salted hashes.
CREATE TABLE audit.disclosures (
  ev_id uuid NOT NULL, field text NOT NULL,
  salt sync.bytes16 NOT NULL, value text NOT NULL,
  PRIMARY KEY (ev_id, field)
);

CREATE FUNCTION audit.immutable() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION 'audit.% is only ever added to', TG_TABLE_NAME;
END $$;
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE ON audit.intents FOR EACH ROW EXECUTE FUNCTION audit.immutable();
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE ON audit.leaves FOR EACH ROW EXECUTE FUNCTION audit.immutable();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON audit.intents EXECUTE FUNCTION audit.immutable();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON audit.leaves EXECUTE FUNCTION audit.immutable();

-- RFC 9562 version 7: the time, and of a random one the rest but its version.
CREATE FUNCTION audit.uuid7(ms bigint) RETURNS uuid LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  id bytea := uuid_send(gen_random_uuid());
BEGIN
  RETURN encode(substr(int8send(ms), 3) || set_byte(substr(id, 7), 0, get_byte(id, 6) & 15 | 112), 'hex')::uuid;
END $$;

CREATE FUNCTION audit.random(length integer) RETURNS bytea LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN substr(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), 1, length);
END $$;

-- RFC 8785 for objects of strings, integers and such objects: names in the order of their bytes, JSON's short escapes.
CREATE FUNCTION audit.canonical(object jsonb) RETURNS text LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN '{' || coalesce((SELECT string_agg(to_json(key)::text || ':' ||
    CASE jsonb_typeof(value) WHEN 'object' THEN audit.canonical(value) ELSE value::text END, ',' ORDER BY key COLLATE "C")
    FROM jsonb_each(object)), '') || '}';
END $$;

-- A leaf as RFC 8785 writes it, its members in the order of their bytes, see ct-leaf.c; "commit" is written already. NULL where
-- one is missing that every leaf has.
CREATE FUNCTION audit.leaf_text(m jsonb, commit text) RETURNS text LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN '{"action":' || (m -> 'action')::text || ',"actor":' || (m -> 'actor')::text || ',"actor_role":' || (m -> 'actor_role')::text
    || ',"commit":' || commit || ',"device_id":' || (m -> 'device_id')::text || ',"device_seq":' || (m -> 'device_seq')::text
    || ',"ev_id":' || (m -> 'ev_id')::text || ',"intent_sha256":' || (m -> 'intent_sha256')::text
    || ',"log_origin":' || (m -> 'log_origin')::text || ',"object_id":' || (m -> 'object_id')::text
    || ',"object_rev":' || (m -> 'object_rev')::text || ',"object_type":' || (m -> 'object_type')::text
    || ',"occurred_at":' || (m -> 'occurred_at')::text || coalesce(',"outbox_key":' || (m -> 'outbox_key')::text, '')
    || ',"received_at":' || (m -> 'received_at')::text || coalesce(',"row_commitment":' || (m -> 'row_commitment')::text, '')
    || ',"v":' || (m -> 'v')::text || '}';
END $$;

-- A row as its hash takes it: columns that are not NULL, sorted by name: name 0 type length value.
CREATE FUNCTION audit.row_image(table_id smallint, image jsonb) RETURNS bytea LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  -- OFFSET 0: each value is looked up and converted once
  RETURN (SELECT string_agg(convert_to(v.name, 'UTF8') || '\x00'::bytea || v.letter || int4send(octet_length(v.bytes)) || v.bytes,
                            ''::bytea ORDER BY v.name COLLATE "C")
    FROM (SELECT x.name,
                 CASE x.type WHEN 'text' THEN 't'::bytea WHEN 'date' THEN 't' WHEN 'bigint' THEN 'i' WHEN 'double precision' THEN 'd' ELSE 'b' END AS letter,
                 CASE x.type WHEN 'uuid' THEN uuid_send(x.value::uuid) WHEN 'bytea' THEN x.value::bytea
                             WHEN 'double precision' THEN float8send(x.value::float8) ELSE convert_to(x.value, 'UTF8') END AS bytes
          FROM (SELECT c.name, c.type, image ->> c.name AS value FROM sync.columns c
                  WHERE c.tbl = table_id AND c.kind <> 'scopes' OFFSET 0) x WHERE x.value IS NOT NULL OFFSET 0) v);
END $$;

-- The entries of a leaf's row commitment: each row counts once, as it stands now. known: the row, where it is one and at hand.
CREATE FUNCTION audit.row_entries(rows audit.row_key[], salt bytea, known jsonb) RETURNS bytea LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  r record;
  image jsonb := known;
  entries bytea := '';
  last_table text := '';
BEGIN
  FOR r IN SELECT t.id AS tbl, t.name, k.pk FROM unnest(rows) k JOIN sync.tables t ON t.id = k.tbl ORDER BY t.id, k.pk LOOP
    IF r.name <> last_table THEN
      entries := entries || 't' || set_byte('\x00', 0, octet_length(r.name)) || convert_to(r.name, 'UTF8');
      last_table := r.name;
    END IF;
    IF known IS NULL THEN
      EXECUTE format('SELECT to_jsonb(x) FROM app.%I x WHERE x.id = $1', r.name) INTO image USING r.pk;
    END IF;
    entries := entries || CASE WHEN image IS NULL THEN 'd'::bytea || uuid_send(r.pk)
      ELSE 'p'::bytea || uuid_send(r.pk) || sha256('ct-row-v1'::bytea || '\x00' || salt || convert_to(r.name, 'UTF8') || '\x00'
                                                   || uuid_send(r.pk) || audit.row_image(r.tbl, image)) END;
  END LOOP;
  RETURN entries;
END $$;

-- The same of a leaf whose rows are not all seen by the same people. What is named though nothing of it was written has the
-- readers that it has now.
CREATE FUNCTION audit.row_parts(rows audit.row_key[], salt bytea) RETURNS audit.part[] LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  r record;
  image jsonb;
  own bytea;
  parts audit.part[] := '{}';
BEGIN
  FOR r IN SELECT t.id AS tbl, t.name, k.pk, k.readers FROM unnest(rows) k JOIN sync.tables t ON t.id = k.tbl ORDER BY t.id, k.pk LOOP
    EXECUTE format('SELECT to_jsonb(x) FROM app.%I x WHERE x.id = $1', r.name) INTO image USING r.pk;
    own := sha256('ct-row-salt-v1'::bytea || '\x00' || salt || convert_to(r.name, 'UTF8') || '\x00' || uuid_send(r.pk));
    parts := parts || (r.name, r.pk, coalesce(r.readers, ARRAY(SELECT jsonb_array_elements_text(image -> 'scopes')::integer)), own,
      sha256('ct-row-v1'::bytea || '\x00' || own || convert_to(r.name, 'UTF8') || '\x00' || uuid_send(r.pk)
             || audit.row_image(r.tbl, image)))::audit.part;
  END LOOP;
  RETURN parts;
END $$;

-- What a leaf commits to of one such row, which tells nothing of it.
CREATE FUNCTION audit.part_hash(p audit.part) RETURNS bytea LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT sha256('ct-row-part-v1'::bytea || '\x00' || CASE WHEN p.hash IS NULL THEN 'D'::bytea ELSE 'P' END || p.salt
                || convert_to(p.name, 'UTF8') || '\x00' || uuid_send(p.pk) || coalesce(p.hash, ''));
$$;

-- Such rows as who holds these scopes is told of them: of those that they may not see nothing but what the leaf commits to.
CREATE FUNCTION audit.shown(parts audit.part[], mine integer[]) RETURNS bytea LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT string_agg(CASE WHEN NOT p.readers && mine
      THEN 'h'::bytea || audit.part_hash((p.name, p.pk, p.readers, p.salt, p.hash)::audit.part)
      ELSE 't'::bytea || set_byte('\x00', 0, octet_length(p.name)) || convert_to(p.name, 'UTF8')
           || CASE WHEN p.hash IS NULL THEN 'D'::bytea ELSE 'P' END || uuid_send(p.pk) || p.salt || coalesce(p.hash, '') END, ''::bytea
    ORDER BY p.place) FROM unnest(parts) WITH ORDINALITY p (name, pk, readers, salt, hash, place);
$$;

-- What the transaction has written so far, for a leaf that commits to it: what the command names, what triggers wrote by it,
-- and rows that changed their scopes because a parent did. seen: all scopes that any of the rows has or has left. told: those
-- that every one of them has, where everybody's rows aside, so that nobody reads of a row that is not theirs. known: the
-- row, where it is the only one and still what the command says of it.
CREATE FUNCTION audit.touched(transaction bigint, written jsonb, OUT rows audit.row_key[], OUT seen integer[], OUT told integer[],
                              OUT known jsonb)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  common integer;
BEGIN
  known := written -> 0 -> 3;
  IF known IS NOT NULL THEN                       -- the rule: a command changes one row
    SELECT ARRAY[(t.id, known ->> 'id', NULL)::audit.row_key], array_agg(e.scope ORDER BY e.scope),
           CASE WHEN bool_and(e.tbl = t.id AND e.pk = (known ->> 'id')::uuid AND e.rev = (known ->> 'rev')::bigint AND NOT e.gone)
                THEN known END,
           (SELECT id FROM sync.scopes WHERE name = 'common')
      INTO rows, seen, known, common
      FROM sync.tables t LEFT JOIN sync.entry e ON e.tid = transaction WHERE t.name = written -> 0 ->> 0 GROUP BY t.id;
    IF known IS NOT NULL THEN
      told := CASE WHEN common = ANY (seen) THEN ARRAY[common] ELSE seen END;
      RETURN;
    END IF;
  END IF;
  WITH line AS MATERIALIZED (SELECT e.tbl, e.pk, e.scope, e.gone FROM sync.entry e WHERE e.tid = transaction),
    common AS (SELECT id FROM sync.scopes WHERE name = 'common'),
    held AS (SELECT tbl, pk, array_agg(scope) FILTER (WHERE NOT gone) AS now, array_agg(scope ORDER BY scope) AS ever FROM line GROUP BY tbl, pk),
    own AS (SELECT tbl, pk, coalesce(now, ever) AS scopes FROM held),
    narrow AS (SELECT * FROM own WHERE NOT EXISTS (SELECT FROM common WHERE id = ANY (scopes))),
    named AS (SELECT tbl, pk FROM held UNION SELECT t.id, (w ->> 1)::uuid FROM jsonb_array_elements(written) w
                JOIN sync.tables t ON t.name = w ->> 0),
    same AS (SELECT (SELECT count(DISTINCT ever) FROM held) < 2 AND NOT EXISTS (SELECT tbl, pk FROM named EXCEPT SELECT tbl, pk FROM held) AS are)
  SELECT ARRAY(SELECT (n.tbl, n.pk, CASE WHEN NOT same.are THEN h.ever END)::audit.row_key
                 FROM same, named n LEFT JOIN held h USING (tbl, pk)),
         ARRAY(SELECT DISTINCT scope FROM line ORDER BY 1),
         CASE WHEN EXISTS (SELECT FROM narrow)
              THEN ARRAY(SELECT s FROM narrow, unnest(scopes) s GROUP BY s HAVING count(*) = (SELECT count(*) FROM narrow) ORDER BY 1)
              ELSE ARRAY(SELECT id FROM common WHERE EXISTS (SELECT FROM own)) END
    INTO rows, seen, told;
END $$;

-- What a leaf is about, as audit.touched() says it.
CREATE TYPE audit.extent AS (rows audit.row_key[], seen integer[], told integer[], known jsonb);

-- Appends a leaf. written: [[table, id, operation], ...], what it commits to besides all that the transaction wrote, unless
-- "about" says what it is about; disclosed: {"field": "text"}, kept beside it. What touches no row only its login sees, and who
-- sees all.
CREATE FUNCTION audit.append(body jsonb, written jsonb, disclosed jsonb, about audit.extent DEFAULT NULL) RETURNS uuid LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  now_ms bigint := sync.now_ms();
  ev uuid := audit.uuid7(now_ms);
  transaction bigint := sync.current_tid();
  rows_salt bytea := audit.random(32);
  of_rows audit.extent := about;
  entries bytea;
  parts audit.part[];
  committed bytea;                                -- what the row commitment is the hash of
  salts jsonb;
  commit text;
  origin text;
  leaf text;
  differ boolean := false;                        -- whether not everybody who sees the leaf sees each of its rows
BEGIN
  IF of_rows IS NULL THEN
    of_rows := audit.touched(transaction, written);
  END IF;
  IF of_rows.known IS NULL THEN                   -- else it is one row
    differ := EXISTS (SELECT FROM unnest(of_rows.rows) r WHERE r.readers IS NOT NULL);
  END IF;
  IF differ THEN
    parts := audit.row_parts(of_rows.rows, rows_salt);
    committed := 'ct-rows-v2'::bytea || '\x00' || (SELECT string_agg(audit.part_hash((p.name, p.pk, p.readers, p.salt, p.hash)::audit.part), ''::bytea ORDER BY p.place)
      FROM unnest(parts) WITH ORDINALITY p (name, pk, readers, salt, hash, place));
  ELSE
    entries := audit.row_entries(of_rows.rows, rows_salt, of_rows.known);
    IF entries <> '' THEN committed := 'ct-rows-v1'::bytea || '\x00' || entries; END IF;
  END IF;
  IF of_rows.seen = '{}' THEN
    of_rows.seen := sync.scope_ids(ARRAY['all']);
    of_rows.told := of_rows.seen;
  END IF;
  SELECT coalesce(jsonb_object_agg(d.key, encode(d.salt, 'hex')), '{}'),
         '{' || coalesce(string_agg(to_json(d.key)::text || ':"' || encode(sha256('ct-disclosure-v1'::bytea || '\x00' || convert_to(d.key, 'UTF8')
           || '\x00' || d.salt || convert_to(d.value, 'UTF8')), 'hex') || '"', ',' ORDER BY d.key COLLATE "C"), '') || '}',
         (SELECT o.name FROM audit.origin o)
    INTO salts, commit, origin FROM (SELECT key, value, audit.random(16) AS salt FROM jsonb_each_text(disclosed) OFFSET 0) d;
  leaf := audit.leaf_text(jsonb_strip_nulls(body || jsonb_build_object('v', 1, 'ev_id', ev, 'log_origin', origin,
    'received_at', now_ms, 'row_commitment', encode(sha256(committed), 'hex'))), commit);
  WITH l AS (INSERT INTO audit.leaves (ev_id, tid, leaf, leaf_sha256, owner, scopes, told)
               VALUES (ev, transaction, leaf, sha256('\x00'::bytea || convert_to(leaf, 'UTF8')), session_user, of_rows.seen, of_rows.told)),
    r AS (INSERT INTO audit.rows SELECT ev, rows_salt, entries, parts WHERE entries IS DISTINCT FROM '')
    INSERT INTO audit.disclosures SELECT ev, key, decode(salts ->> key, 'hex'), value FROM jsonb_each_text(disclosed);
  RETURN ev;
END $$;

-- Who owns the database may do what administrators may.
CREATE FUNCTION sync.demand_admin() RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT (pg_has_role(session_user, 'tower_admin', 'MEMBER') OR pg_has_role(session_user, 'tower_owner', 'MEMBER')) THEN
    RAISE EXCEPTION 'only an administrator may do this' USING ERRCODE = '42501';
  END IF;
END $$;

-- A leaf for what an administrator, or the service, did past the commands: without intent and device.
CREATE FUNCTION audit.note(action text, object_type text, object_id uuid, written jsonb, disclosed jsonb,
                           about audit.extent DEFAULT NULL) RETURNS uuid LANGUAGE sql
SET search_path = pg_catalog, pg_temp AS $$
  SELECT audit.append(jsonb_build_object(
      'intent_sha256', repeat('0', 64), 'device_id', '00000000-0000-0000-0000-000000000000', 'device_seq', 0,
      'occurred_at', sync.now_ms(), 'actor', session_user, 'actor_role',
      CASE WHEN pg_has_role(session_user, 'tower_owner', 'MEMBER') THEN 'owner'
           WHEN pg_has_role(session_user, 'tower_admin', 'MEMBER') THEN 'admin' ELSE 'agent' END, 'action', action,
      'object_type', object_type, 'object_id', object_id, 'object_rev', 0), written, disclosed, about);
$$;
