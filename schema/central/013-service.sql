-- The team's service, towerd: what only one of several instances does at a time. Posts have leases of their own; here are
-- the kinds of work that concern all records at once.
SET LOCAL ROLE tower_owner;

CREATE TABLE sync.work (
  kind text PRIMARY KEY,
  fence bigint NOT NULL DEFAULT 0,                -- greater with each holder
  holder text NOT NULL DEFAULT '', login text NOT NULL DEFAULT '',
  until timestamptz NOT NULL DEFAULT '-infinity'  -- by this server's clock
);
INSERT INTO sync.work (kind) VALUES ('detect'), ('schedule'), ('sequence'), ('retain');

-- Takes a kind of work for so many seconds: its fence, or NULL while somebody else has it. Never waits for who asks the same.
CREATE FUNCTION api.take_work(kind text, holder text, seconds integer) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  w sync.work;
BEGIN
  IF (octet_length(holder) BETWEEN 1 AND 200 AND seconds BETWEEN 1 AND 300
      AND EXISTS (SELECT FROM sync.work x WHERE x.kind = take_work.kind)) IS NOT TRUE THEN
    RAISE EXCEPTION 'there is no such work, or not for so long' USING ERRCODE = 'CT004';
  END IF;
  SELECT * INTO w FROM sync.work x WHERE x.kind = take_work.kind FOR UPDATE SKIP LOCKED;
  IF NOT FOUND OR w.until > clock_timestamp() AND (w.holder, w.login) <> (take_work.holder, session_user::text) THEN
    RETURN NULL;
  END IF;
  UPDATE sync.work x SET fence = w.fence + 1, holder = take_work.holder, login = session_user,
    until = clock_timestamp() + make_interval(secs => seconds) WHERE x.kind = w.kind;
  RETURN w.fence + 1;
END $$;

-- Whether the holder of this fence has it for so many seconds more: only where nobody took it meanwhile.
CREATE FUNCTION api.renew_work(kind text, fence bigint, seconds integer) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
BEGIN
  UPDATE sync.work x SET until = clock_timestamp() + make_interval(secs => least(greatest(seconds, 1), 300))
    WHERE x.kind = renew_work.kind AND x.fence = renew_work.fence AND x.login = session_user;
  RETURN FOUND;
END $$;

-- Lets the next one have it at once.
CREATE FUNCTION api.release_work(kind text, fence bigint) RETURNS void LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
  UPDATE sync.work x SET until = '-infinity'
    WHERE x.kind = release_work.kind AND x.fence = release_work.fence AND x.login = session_user;
$$;
GRANT EXECUTE ON FUNCTION api.take_work(text, text, integer), api.renew_work(text, bigint, integer),
  api.release_work(text, bigint) TO tower_agent;

-- All devices with a key, for whoever holds signatures against them: what is claimed here is believed by nobody who has not
-- verified the enrolment's signature.
CREATE FUNCTION api.devices() RETURNS TABLE (id uuid, owner text, label text, public_key text, signature text, signer uuid,
                                             revoked_at bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT d.id, d.owner, d.label, encode(d.public_key, 'hex'), encode(d.signature, 'hex'), d.signer, d.revoked_at
    FROM sync.devices d WHERE d.public_key IS NOT NULL ORDER BY d.id;
$$;
GRANT EXECUTE ON FUNCTION api.devices() TO tower_viewer;
