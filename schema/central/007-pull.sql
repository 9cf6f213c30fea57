-- The way out: one REPEATABLE READ READ ONLY transaction asks for the head, the lines since the cursor, the rows
-- through the views of schema api, and the outcomes of the device's own commands.
SET LOCAL ROLE tower_owner;

-- Where the feed stands, and whether a cursor still belongs to it: a history restored from a backup gives other nonces.
CREATE FUNCTION api.head(cursor_epoch uuid, cursor_number bigint, cursor_nonce uuid)
RETURNS TABLE (epoch uuid, number bigint, nonce uuid, valid boolean, scopes integer[], tables text[],
               oldest integer, newest integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT e.id, coalesce(h.number, 0), coalesce(h.nonce, e.id),
         coalesce(cursor_epoch = e.id AND cursor_number <= coalesce(h.number, 0)
           AND CASE WHEN cursor_number = 0 THEN cursor_nonce = e.id
                    ELSE EXISTS (SELECT FROM sync.txn t WHERE t.number = cursor_number AND t.nonce = cursor_nonce) END,
           false),
         api.my_scopes(), ARRAY(SELECT t.name FROM sync.tables t ORDER BY t.id), w.oldest, w.newest
    FROM (SELECT x.id FROM sync.epoch x LIMIT 1) e
    CROSS JOIN (SELECT x.oldest, x.newest FROM sync.window x LIMIT 1) w
    LEFT JOIN (SELECT t.number, t.nonce FROM sync.txn t WHERE t.number IS NOT NULL ORDER BY t.number DESC LIMIT 1) h ON true;
$$;

-- Rows that changed, came or went for the caller in transactions (after, upto].
CREATE FUNCTION api.feed(table_name text, after bigint, upto bigint) RETURNS TABLE (id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT DISTINCT e.pk FROM sync.txn t JOIN sync.entry e USING (tid)
    WHERE t.number > after AND t.number <= upto AND e.scope = ANY ((SELECT api.my_scopes())::integer[])
      AND e.tbl = (SELECT x.id FROM sync.tables x WHERE x.name = table_name);
$$;

-- What became of a device's commands after one of them, those before it forked included.
CREATE FUNCTION api.outcomes(device uuid, after bigint) RETURNS TABLE (n bigint, sha256 text, answer jsonb)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT o.n, encode(o.sha256, 'hex'), o.answer FROM sync.devices d, sync.line(d.id) l
    JOIN sync.outcomes o ON o.device = l.id AND o.n <= l.upto
    WHERE d.id = outcomes.device AND d.owner = session_user AND o.n > after ORDER BY o.n;
$$;

-- The last command of a device, as the server knows it: a restored server knows less than it once said.
CREATE FUNCTION api.standing(device uuid) RETURNS TABLE (last_n bigint, last_sha256 text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT d.last_n, encode(d.last_sha256, 'hex') FROM sync.devices d
    WHERE d.id = standing.device AND d.owner = session_user AND d.revoked_at IS NULL;
$$;
GRANT EXECUTE ON FUNCTION api.head(uuid, bigint, uuid), api.feed(text, bigint, bigint), api.outcomes(uuid, bigint),
  api.standing(uuid) TO tower_viewer;
