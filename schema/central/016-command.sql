-- Commands of programs that have no replica: an ERP, a script. They name a record by its key or its number and give values
-- by column; from there on the command goes the way of all others, with the same policy, intent, leaf and outcome.
SET LOCAL ROLE tower_owner;

CREATE INDEX intents_command ON audit.intents (command_id);

-- The row that a program means by {"id": …} or {"number": …}, as the login sees it. CT103 where there is none.
CREATE FUNCTION sync.named_row(t sync.tables, args jsonb) RETURNS jsonb LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  column_name text := CASE WHEN args ? 'id' THEN 'id' ELSE (SELECT c.name FROM sync.columns c WHERE c.tbl = t.id AND c.kind = 'number') END;
  row_now jsonb;
BEGIN
  IF args ->> column_name IS NOT NULL THEN
    EXECUTE format('SELECT to_jsonb(r) FROM app.%I r WHERE r.%I = $1::%s AND r.scopes && $2', t.name, column_name,
                   CASE column_name WHEN 'id' THEN 'uuid' ELSE 'text' END) INTO row_now USING args ->> column_name, api.my_scopes();
  END IF;
  IF row_now IS NULL THEN
    RAISE EXCEPTION 'there is no % %', t.object_type, coalesce(args ->> column_name, 'without an id or a number') USING ERRCODE = 'CT103';
  END IF;
  RETURN row_now;
END $$;

-- The columns that a program gave, {"name": [old, new]}: every member of args but those that name the record. A row that
-- another one refers to may be given by its number under the reference's name without "_id": {"distributor": "DIST-2026-0001"}.
CREATE FUNCTION sync.given_columns(t sync.tables, row_now jsonb, args jsonb) RETURNS jsonb LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  given record;
  c sync.columns;
  parent sync.tables;
  columns jsonb := '{}';
  value jsonb;
BEGIN
  FOR given IN SELECT key, a.value FROM jsonb_each(args) a WHERE key NOT IN ('id', 'number', 'rev') LOOP
    value := given.value;
    SELECT * INTO c FROM sync.columns x WHERE x.tbl = t.id AND x.name = given.key;
    IF NOT FOUND THEN
      SELECT * INTO c FROM sync.columns x WHERE x.tbl = t.id AND x.kind = 'parent' AND x.name = given.key || '_id';
      SELECT * INTO parent FROM sync.tables x WHERE x.name = c.of;
      IF FOUND THEN
        value := sync.named_row(parent, jsonb_build_object('number', given.value)) -> 'id';
      END IF;
    END IF;
    IF c.name IS NULL OR c.kind NOT IN ('data', 'parent', 'subject') THEN
      RAISE EXCEPTION 'a % has no "%" to be given', t.object_type, given.key USING ERRCODE = 'CT103';
    END IF;
    columns := columns || jsonb_build_object(c.name, jsonb_build_array(row_now -> c.name, value));
  END LOOP;
  RETURN columns;
END $$;

-- What a program's command changes: one row. new_id: the key of a row that it adds.
CREATE FUNCTION sync.command_change(command_name text, args jsonb, new_id uuid) RETURNS jsonb LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  verb text := split_part(command_name, '.', 2);
  t sync.tables;
  row_now jsonb := '{}';
  columns jsonb;
BEGIN
  SELECT * INTO t FROM sync.tables WHERE object_type = split_part(command_name, '.', 1);
  IF NOT FOUND OR verb NOT IN ('create', 'edit', 'archive', 'restore', 'add') OR (verb = 'add') <> (t.object_type = 'note') THEN
    RAISE EXCEPTION '% is not a command for programs without a replica: create, edit, archive or restore a record, or note.add',
      command_name USING ERRCODE = 'CT103';
  ELSIF verb NOT IN ('create', 'add') THEN
    row_now := sync.named_row(t, args);
    IF args ? 'rev' AND args -> 'rev' <> row_now -> 'rev' THEN
      RAISE EXCEPTION '% % was changed since: it has revision %', t.object_type, coalesce(row_now ->> 'number', row_now ->> 'id'),
        row_now ->> 'rev' USING ERRCODE = 'CT101';
    END IF;
  END IF;
  IF verb IN ('archive', 'restore') THEN
    IF (verb = 'archive') <> (row_now ->> 'archived_at' IS NULL) THEN
      RAISE EXCEPTION 'that is so already' USING ERRCODE = 'CT103';
    END IF;
    columns := jsonb_build_object('archived_at', jsonb_build_array(row_now -> 'archived_at',
      CASE verb WHEN 'archive' THEN to_jsonb(sync.now_ms()) ELSE 'null' END));
  ELSE
    columns := sync.given_columns(t, row_now, args);
  END IF;
  RETURN jsonb_build_object('table', t.name, 'id', coalesce(row_now -> 'id', to_jsonb(new_id)), 'columns', columns,
                            'op', CASE WHEN verb IN ('create', 'add') THEN 'insert' ELSE 'update' END);
END $$;

-- The device under which a login's programs act; it has no key, so it can sign nothing.
CREATE FUNCTION sync.device_of_programs() RETURNS sync.devices LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  d sync.devices;
BEGIN
  SELECT * INTO d FROM sync.devices x WHERE x.owner = session_user AND x.label = 'programs' AND x.public_key IS NULL
    AND x.enrolled_by = 'api.command' AND NOT x.former FOR UPDATE;
  IF NOT FOUND THEN
    INSERT INTO sync.devices (id, owner, label, enrolled_by, enrolled_at, last_sha256)
      VALUES (gen_random_uuid(), session_user, 'programs', 'api.command', sync.now_ms(), decode(repeat('00', 32), 'hex'))
      RETURNING * INTO d;
  END IF;
  RETURN d;
END $$;

-- name: "order.edit"; args: {"number": "ORD-2026-0001", "notes": "…"}, with "rev" only where the row still has that
-- revision; key: whatever tells one request from the next, at most 200 bytes: a repeat with the same key is done once and
-- gets the first answer. Returns what api.apply returns, with the record's "id" and "number".
CREATE FUNCTION api.command(name text, args jsonb, key text DEFAULT NULL) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET bytea_output = 'hex' SET extra_float_digits = 1 SET lock_timeout = '5s' AS $$
DECLARE
  d sync.devices;
  request uuid;
  known record;
  args_hash bytea;
  change jsonb;
  given jsonb;
  t sync.tables;
BEGIN
  IF args IS NULL OR jsonb_typeof(args) <> 'object' OR octet_length(args::text) > 262144 OR octet_length(key) > 200 THEN
    RAISE EXCEPTION 'args is an object of at most 256 KiB, key at most 200 bytes' USING ERRCODE = 'CT004';
  ELSIF sync.role_for(name) IS NULL THEN
    RAISE EXCEPTION 'none of your roles may run %', coalesce(name, 'a command without a name') USING ERRCODE = '42501';
  END IF;
  d := sync.device_of_programs();
  request := CASE WHEN key IS NULL THEN audit.uuid7(sync.now_ms())
                     ELSE substr(encode(sha256(uuid_send(d.id) || convert_to(key, 'UTF8')), 'hex'), 1, 32)::uuid END;
  args_hash := sha256('ct-intent-args-v1'::bytea || '\x00' || uuid_send(request) || convert_to(audit.canonical(args), 'UTF8'));
  SELECT o.answer, i.intent::jsonb ->> 'args_sha256' AS hash, i.intent::jsonb ->> 'name' AS name INTO known FROM audit.intents i
    JOIN sync.outcomes o USING (device, n) WHERE i.device = d.id AND i.command_id = request;
  IF FOUND THEN
    IF known.hash <> encode(args_hash, 'hex') OR known.name <> command.name THEN
      RAISE EXCEPTION 'this key was used for another command' USING ERRCODE = 'CT004';
    END IF;
    RETURN known.answer;
  END IF;
  change := sync.command_change(name, args, request);
  given := api.apply(d.id, d.last_n + 1, audit.canonical(jsonb_build_object(
      'actor', session_user, 'args_sha256', encode(args_hash, 'hex'), 'command_id', request, 'device_id', d.id,
      'device_seq', d.last_n + 1, 'name', name, 'occurred_at', sync.now_ms(), 'previous_sha256', encode(d.last_sha256, 'hex'),
      'v', 1)), jsonb_build_array(change));
  SELECT * INTO STRICT t FROM sync.tables x WHERE x.name = change ->> 'table';
  IF given ->> 'outcome' = 'applied' THEN
    given := given || jsonb_build_object('id', change -> 'id', 'number', sync.named_row(t, change) -> 'number');
    UPDATE sync.outcomes o SET answer = given WHERE o.device = d.id AND o.n = d.last_n + 1;
  END IF;
  RETURN given;
END $$;
GRANT EXECUTE ON FUNCTION api.command(text, jsonb, text) TO tower_viewer;
