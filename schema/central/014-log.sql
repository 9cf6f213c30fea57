-- The log: places for the leaves, and the signed heads of the tree over them. The sequencer is a towerd, which alone has the
-- key; what it signed before it keeps itself, so that nobody who owns this database can make it sign another history.
SET LOCAL ROLE tower_owner;

-- How far it has come: leaves in the log, and the last transaction whose leaves are all in it.
CREATE TABLE audit.head (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  size bigint NOT NULL, number bigint NOT NULL
);
INSERT INTO audit.head (size, number) VALUES (0, 0);

CREATE TABLE audit.log (
  place bigint PRIMARY KEY CHECK (place >= 0),
  ev_id uuid NOT NULL,
  leaf_sha256 bytea NOT NULL,
  number bigint NOT NULL                          -- of the transaction
) PARTITION BY RANGE (place);
CREATE INDEX log_number ON audit.log (number);
CREATE INDEX log_ev_id ON audit.log (ev_id);

CREATE TABLE audit.checkpoints (
  size bigint NOT NULL CHECK (size >= 0),
  root bytea NOT NULL CHECK (octet_length(root) = 32),
  note text NOT NULL CHECK (octet_length(note) <= 4000),
  at bigint NOT NULL,
  position bigint GENERATED ALWAYS AS IDENTITY,
  PRIMARY KEY (size, position)
);
-- Where the log went on after this database had been restored from a backup: signed heads of the leaves that were left, under
-- the origin that the log has since then.
CREATE TABLE audit.continuations (
  former text PRIMARY KEY,                        -- the origin before
  size bigint NOT NULL CHECK (size >= 0),
  note text NOT NULL CHECK (octet_length(note) <= 4000),
  at bigint NOT NULL,                             -- not before anything that is here
  xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  position bigint GENERATED ALWAYS AS IDENTITY
);
CREATE FUNCTION sync.is_continuing() RETURNS boolean LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN EXISTS (SELECT FROM audit.continuations k WHERE k.xid = pg_current_xact_id_if_assigned());
END $$;
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE ON audit.continuations FOR EACH ROW EXECUTE FUNCTION audit.immutable();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON audit.continuations EXECUTE FUNCTION audit.immutable();
-- How administrators would have it go on, one each: whether the log's key signed that PostgreSQL cannot say, but who has the
-- key can, and puts it into effect.
CREATE TABLE audit.proposals (
  login text PRIMARY KEY,
  former text NOT NULL,
  note text NOT NULL CHECK (octet_length(note) <= 4000),
  at bigint NOT NULL
);
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE ON audit.log FOR EACH ROW EXECUTE FUNCTION audit.immutable();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON audit.log EXECUTE FUNCTION audit.immutable();
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE ON audit.checkpoints FOR EACH ROW EXECUTE FUNCTION audit.immutable();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON audit.checkpoints EXECUTE FUNCTION audit.immutable();

-- A partition holds 2^20 places.
CREATE FUNCTION audit.make_room(upto bigint) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  part bigint := upto >> 20;
BEGIN
  WHILE part >= 0 AND to_regclass(format('audit.%I', 'log_' || part)) IS NULL LOOP
    EXECUTE format('CREATE TABLE audit.%1$I PARTITION OF audit.log FOR VALUES FROM (%2$s) TO (%3$s)',
                   'log_' || part, part << 20, (part + 1) << 20);
    EXECUTE format('CREATE TRIGGER never_emptied BEFORE TRUNCATE ON audit.%I EXECUTE FUNCTION audit.immutable()', 'log_' || part);
    part := part - 1;
  END LOOP;
END $$;
SELECT audit.make_room(0);

CREATE FUNCTION audit.demand_agent() RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT pg_has_role(session_user, 'tower_agent', 'MEMBER') THEN
    RAISE EXCEPTION 'only the agent service sequences the log' USING ERRCODE = '42501';
  END IF;
END $$;

-- Gives the leaves of the next transactions their places, and returns how many the log then has. A transaction that is seen
-- here was stamped after all before it had become visible, so that none is passed over. Two that do this at once wait for each
-- other; the places themselves are unique.
CREATE FUNCTION api.integrate(transactions integer DEFAULT 10000) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
  h audit.head;
  last bigint;
  added bigint;
BEGIN
  PERFORM audit.demand_agent();
  SELECT * INTO STRICT h FROM audit.head FOR UPDATE;
  SELECT max(t.number) INTO last
    FROM (SELECT x.number FROM sync.txn x WHERE x.number > h.number ORDER BY x.number LIMIT transactions) t;
  IF last IS NULL THEN RETURN h.size; END IF;
  SELECT count(*) INTO added FROM sync.txn t JOIN audit.leaves l USING (tid) WHERE t.number > h.number AND t.number <= last;
  PERFORM audit.make_room(h.size + added);
  INSERT INTO audit.log (place, ev_id, leaf_sha256, number)
    SELECT h.size + row_number() OVER (ORDER BY t.number, l.position) - 1, l.ev_id, l.leaf_sha256, t.number
      FROM sync.txn t JOIN audit.leaves l USING (tid) WHERE t.number > h.number AND t.number <= last;
  UPDATE audit.head SET size = h.size + added, number = last;
  RETURN h.size + added;
END $$;

-- Whether one of the lines is a signature of the log's key, "— NAME BASE64" of key id and 64 bytes. Whether it is a good one
-- PostgreSQL cannot say, and readers do not ask it.
CREATE FUNCTION audit.is_signed(lines text[]) RETURNS boolean LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT FROM audit.origin o, unnest(lines) l
    WHERE starts_with(l, '— ' || split_part(o.vkey, '+', 1) || ' ') AND split_part(l, ' ', 3) ~ '^[A-Za-z0-9+/]{91}=$'
      AND encode(substr(decode(split_part(l, ' ', 3), 'base64'), 1, 4), 'hex') = split_part(o.vkey, '+', 2));
$$;

-- Who has the sequence has the log's key, and looked at what it signed.
CREATE FUNCTION audit.demand_sequence() RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM audit.demand_agent();
  PERFORM FROM sync.work w WHERE w.kind = 'sequence' AND w.login = session_user AND w.until > clock_timestamp() FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'another instance sequences the log now' USING ERRCODE = 'CT101';
  END IF;
END $$;

-- Keeps a signed head, of whoever holds the sequence now, and none that comes before another. Of two of the same size the later
-- one counts: who has the key takes the place of a head that only looks signed.
CREATE FUNCTION api.checkpoint(size bigint, root text, note text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
  lines text[] := string_to_array(note, E'\n');
  newest audit.checkpoints;
BEGIN
  PERFORM audit.demand_sequence();
  IF lines[1] IS DISTINCT FROM (SELECT o.name FROM audit.origin o) OR lines[2] IS DISTINCT FROM size::text
     OR lines[3] IS DISTINCT FROM encode(decode(root, 'hex'), 'base64') OR size > (SELECT h.size FROM audit.head h)
     OR NOT audit.is_signed(lines) THEN
    RAISE EXCEPTION 'the checkpoint of % leaves is not one of this log, signed with its key', size USING ERRCODE = 'CT004';
  END IF;
  SELECT * INTO newest FROM audit.checkpoints c ORDER BY c.size DESC, c.position DESC LIMIT 1;
  IF newest.size > size THEN
    RAISE EXCEPTION 'there is another checkpoint of more than % leaves', size USING ERRCODE = 'CT101';
  ELSIF newest.note IS DISTINCT FROM note THEN
    INSERT INTO audit.checkpoints VALUES (size, decode(root, 'hex'), note, sync.now_ms());
  END IF;
END $$;
GRANT EXECUTE ON FUNCTION api.integrate(integer), api.checkpoint(bigint, text, text) TO tower_agent;

-- How many leaves the log has in common with what was signed, where the note says how it goes on.
CREATE FUNCTION audit.left_over(note text, o audit.origin) RETURNS bigint LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  lines text[] := string_to_array(note, E'\n');
BEGIN
  IF (lines[1] ~ '^control-tower/[0-9a-f-]{36}$' AND lines[1] <> o.name AND lines[2] ~ '^\d{1,18}$'
      AND lines[4] = 'continues ' || o.name) IS NOT TRUE OR EXISTS (SELECT FROM audit.continuations k WHERE k.former = lines[1])
     OR NOT audit.is_signed(lines) THEN
    RAISE EXCEPTION 'this does not continue the log %', o.name USING ERRCODE = 'CT004';
  ELSIF lines[2]::bigint > (SELECT h.size FROM audit.head h) THEN
    RAISE EXCEPTION 'the log does not have % leaves', lines[2] USING ERRCODE = 'CT101';
  END IF;
  RETURN lines[2]::bigint;
END $$;

-- An administrator would have the log go on under another origin, after a restore that lost leaves which were signed: note is
-- what ct_log_continuation_sign() makes. Returns whether a service is there that may put it into effect.
CREATE FUNCTION api.continue_log(note text) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
  o audit.origin;
BEGIN
  PERFORM sync.demand_admin();
  SELECT * INTO STRICT o FROM audit.origin FOR UPDATE;
  PERFORM audit.left_over(note, o);
  INSERT INTO audit.proposals VALUES (session_user, o.name, note, sync.now_ms())
    ON CONFLICT (login) DO UPDATE SET former = excluded.former, note = excluded.note, at = excluded.at;
  PERFORM audit.note('log.propose', 'log', (SELECT id FROM sync.epoch), '[]', jsonb_build_object('start', note));
  RETURN EXISTS (SELECT FROM sync.work w WHERE w.kind = 'sequence' AND w.until > clock_timestamp());
END $$;
GRANT EXECUTE ON FUNCTION api.continue_log(text) TO tower_admin;

-- What is proposed for the log as it is called now, the latest first.
CREATE FUNCTION api.log_proposals() RETURNS TABLE (note text) LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM audit.demand_agent();
  RETURN QUERY SELECT p.note FROM audit.proposals p JOIN audit.origin o ON o.name = p.former ORDER BY p.at DESC, p.login LIMIT 100;
END $$;

-- Who has the log's key found it under what an administrator proposed: so it goes on from now on. What waits to be sent may
-- have been sent by what was lost: the service looks for it, and a person decides what it does not find.
CREATE FUNCTION api.take_continuation(note text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
  o audit.origin;
BEGIN
  PERFORM audit.demand_sequence();
  SELECT * INTO STRICT o FROM audit.origin FOR UPDATE;
  IF NOT EXISTS (SELECT FROM audit.proposals p WHERE p.note = take_continuation.note AND p.former = o.name) THEN
    RAISE EXCEPTION 'no administrator proposed that the log goes on so' USING ERRCODE = 'CT004';
  END IF;
  INSERT INTO audit.continuations (former, size, note, at)
    SELECT o.name, audit.left_over(take_continuation.note, o), take_continuation.note,
           greatest(sync.now_ms(), (extract(epoch FROM max(t.at)) * 1000)::bigint) FROM sync.txn t;
  DELETE FROM audit.proposals;
  UPDATE audit.origin SET name = split_part(note, E'\n', 1);
  UPDATE app.outbox SET state = 'unknown', leased_until = NULL, problem = 'the server was restored from a backup: it may have been sent'
    WHERE state IN ('ready', 'leased', 'sending');
  PERFORM audit.note('log.continue', 'log', (SELECT id FROM sync.epoch), '[]', jsonb_build_object('start', note));
END $$;
GRANT EXECUTE ON FUNCTION api.log_proposals(), api.take_continuation(text) TO tower_agent;

-- Whether what was done at that time may have been done on this server before a restore took it back.
CREATE FUNCTION sync.may_be_lost(occurred_at bigint) RETURNS boolean LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN coalesce(occurred_at < (SELECT max(k.at) FROM audit.continuations k), false);
END $$;

-- When a record was made whose row may have come anew since then: the time in its key (RFC 9562 version 7), ms.
CREATE FUNCTION sync.made_at(id uuid) RETURNS bigint LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN ('x' || substr(encode(uuid_send(id), 'hex'), 1, 12))::bit(48)::bigint;
END $$;

-- How the log came to its present origin, the first step first.
CREATE FUNCTION api.log_continuations() RETURNS TABLE (note text) LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN QUERY SELECT k.note FROM audit.continuations k ORDER BY k.position LIMIT 1000;
END $$;
GRANT EXECUTE ON FUNCTION api.log_continuations() TO tower_viewer;

-- Where the log stands. number: the last transaction whose leaves are in it. upto: how many leaves are of transactions up to
-- "seen", where the reader's rows stand. note: the newest checkpoint under the present name. whole: whether the reader sees
-- every row there is. proposed: whether an administrator would have it go on under another name.
CREATE FUNCTION api.log_head(seen bigint) RETURNS TABLE (origin text, vkey text, size bigint, number bigint, upto bigint,
                                                         note text, whole boolean, tables text, first text, proposed boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN QUERY SELECT o.name, o.vkey, h.size, h.number,
         coalesce((SELECT max(g.place) + 1 FROM audit.log g WHERE g.number =
                   (SELECT max(x.number) FROM audit.log x WHERE x.number <= seen)), 0),
         (SELECT c.note FROM audit.checkpoints c WHERE split_part(c.note, E'\n', 1) = o.name
            ORDER BY c.size DESC, c.position DESC LIMIT 1),
         EXISTS (SELECT FROM sync.scopes s WHERE s.name = 'all' AND s.id = ANY (api.my_scopes())),
         (SELECT string_agg(t.name, ' ' ORDER BY t.id) FROM sync.tables t), o.first,
         EXISTS (SELECT FROM audit.proposals p WHERE p.former = o.name)
    FROM audit.head h, audit.origin o;
END $$;

-- Leaves in places [first, upto): of each the hash, and what the reader may see. leaf: its text. salt, entries: what its row
-- commitment commits to. disclosed: [{"field", "salt", "value"}], NULL where that is kept from the reader.
CREATE FUNCTION api.log(first bigint, upto bigint) RETURNS TABLE (place bigint, leaf_sha256 text, leaf text, salt text,
                                                                  entries text, disclosed jsonb)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT g.place, encode(g.leaf_sha256, 'hex'), l.leaf, CASE WHEN r.parts IS NULL THEN encode(r.salt, 'hex') ELSE '' END,
         encode(CASE WHEN r.parts IS NULL THEN r.entries ELSE audit.shown(r.parts, m.scopes) END, 'hex'),
         CASE WHEN l.told && m.scopes OR l.owner = session_user AND l.tid > m.since AND r.ev_id IS NULL THEN
           (SELECT coalesce(jsonb_agg(jsonb_build_object('field', d.field, 'salt', encode(d.salt, 'hex'), 'value', d.value)
                                      ORDER BY d.field COLLATE "C"), '[]') FROM audit.disclosures d WHERE d.ev_id = l.ev_id) END
    FROM audit.log g
    CROSS JOIN (SELECT api.my_scopes() AS scopes,
                       coalesce((SELECT x.tid FROM sync.returned x WHERE x.login = session_user), 0) AS since OFFSET 0) m
    LEFT JOIN audit.leaves l ON l.ev_id = g.ev_id AND (l.scopes && m.scopes OR l.owner = session_user AND l.tid > m.since)
    LEFT JOIN audit.rows r ON r.ev_id = l.ev_id
    WHERE g.place >= first AND g.place < upto ORDER BY g.place;
$$;
GRANT EXECUTE ON FUNCTION api.log_head(bigint), api.log(bigint, bigint) TO tower_viewer;

-- The key that signs the log, as clients pin it. An administrator states it once: another key is another log.
CREATE FUNCTION api.set_log_key(key text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM sync.demand_admin();
  IF EXISTS (SELECT FROM audit.origin o WHERE o.vkey IS DISTINCT FROM key) AND EXISTS (SELECT FROM audit.checkpoints) THEN
    RAISE EXCEPTION 'the log is signed with another key' USING ERRCODE = 'CT101';
  END IF;
  UPDATE audit.origin SET vkey = key;
  PERFORM audit.note('log.key', 'log', (SELECT id FROM sync.epoch), '[]', jsonb_build_object('key', key));
END $$;
GRANT EXECUTE ON FUNCTION api.set_log_key(text) TO tower_admin;
