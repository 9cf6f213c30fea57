-- Self-check: what the caller's copy of a table must amount to, without its rows. bounds: ids that ascend; a line for each
-- range from one of them to the next that holds rows, the last one reaching to the end. Keys and versions alone enter the
-- hash, as in src/sync/ct-self-check.c. With the caller's rights: it tells nothing that reading the view would not.
SET LOCAL ROLE tower_owner;

CREATE FUNCTION api.digest(table_name text, bounds uuid[]) RETURNS TABLE (part integer, "rows" bigint, hash bigint)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF to_regclass(format('api.%I', table_name)) IS NULL THEN
    RAISE EXCEPTION 'there is no such table' USING ERRCODE = 'CT004';
  END IF;
  RETURN QUERY EXECUTE format(
    'SELECT width_bucket(v.id, $1), count(*),'
    ' bit_xor((''x'' || left(encode(sha256(uuid_send(v.id) || int8send(v.rev)), ''hex''), 16))::bit(64)::bigint)'
    ' FROM api.%I v WHERE v.id >= $1[1] GROUP BY 1', table_name) USING bounds;
END $$;
GRANT EXECUTE ON FUNCTION api.digest(text, uuid[]) TO tower_viewer;
