-- Configuration as data, everybody's to read: documents that the domain layer parses, settings, channels.
SET LOCAL ROLE tower_owner;

CREATE FUNCTION sync.add_common_scope(table_name text) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format('CREATE FUNCTION app.%I(r app.%I) RETURNS text[] LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp'
                 ' AS $f$ SELECT ARRAY[''common''] $f$', table_name || '_scopes', table_name);
END $$;

DO $$
DECLARE
  d record;
BEGIN
  FOR d IN SELECT * FROM (VALUES
      (20, 'calendars', 'calendar', ''),
      (21, 'sla_policies', 'sla_policy', 'position bigint NOT NULL,'),
      (22, 'rules', 'rule', 'enabled bigint NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)), position bigint NOT NULL DEFAULT 0,'),
      (23, 'agent_profiles', 'agent_profile', ''),
      (24, 'routes', 'route', 'position bigint NOT NULL,'),
      (25, 'templates', 'template', 'kind text NOT NULL, blocker text, language text NOT NULL DEFAULT ''en'', seller_id uuid,'),
      (26, 'guardrails', 'guardrail', 'channel text NOT NULL DEFAULT ''*'', seller_id uuid,'
        'severity text NOT NULL CHECK (severity IN (''error'', ''warning'')),'),
      (27, 'experiments', 'experiment', 'starts_at bigint, ends_at bigint,')) AS x (id, name, object, more) LOOP
    EXECUTE format('CREATE TABLE app.%I (id uuid PRIMARY KEY, rev bigint NOT NULL, created_at bigint NOT NULL,'
                   ' updated_at bigint NOT NULL, name text NOT NULL UNIQUE,'
                   ' body sync.json NOT NULL, %s archived_at bigint,'
                   ' scopes integer[] NOT NULL)', d.name, d.more);
    PERFORM sync.add_common_scope(d.name);
    PERFORM sync.register(d.id::smallint, d.name, d.object, NULL, '{"archived_at": "stamp"}', '{"body": 1048576}');
  END LOOP;
END $$;

CREATE TABLE app.settings (
  id uuid PRIMARY KEY, rev bigint NOT NULL, created_at bigint NOT NULL, updated_at bigint NOT NULL,
  key text NOT NULL UNIQUE, value text NOT NULL,
  scopes integer[] NOT NULL
);
SELECT sync.add_common_scope('settings');
SELECT sync.register(28::smallint, 'settings', 'setting', NULL, '{}', '{"value": 100000}');

CREATE TABLE app.channels (
  id uuid PRIMARY KEY, rev bigint NOT NULL, created_at bigint NOT NULL, updated_at bigint NOT NULL,
  name text NOT NULL UNIQUE CHECK (name <> '' AND strpos(name, ':') = 0), kind text NOT NULL, base_url text NOT NULL,
  settings sync.json NOT NULL DEFAULT '{}', archived_at bigint,
  scopes integer[] NOT NULL
);
SELECT sync.add_common_scope('channels');
SELECT sync.register(29::smallint, 'channels', 'channel', NULL, '{"archived_at": "stamp"}');

CREATE TABLE app.channel_destinations (
  id uuid PRIMARY KEY, rev bigint NOT NULL, created_at bigint NOT NULL, updated_at bigint NOT NULL,
  channel_id uuid NOT NULL REFERENCES app.channels DEFERRABLE INITIALLY DEFERRED,
  destination text NOT NULL CHECK (destination <> ''), archived_at bigint,
  scopes integer[] NOT NULL,
  UNIQUE (channel_id, destination)
);
SELECT sync.add_common_scope('channel_destinations');
SELECT sync.register(30::smallint, 'channel_destinations', 'channel_destination', NULL, '{"archived_at": "stamp"}');

-- Anybody may stop all sending, and write nothing else by that.
CREATE FUNCTION app.where_stops_sending(table_name text, row_id uuid, columns jsonb) RETURNS boolean LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT table_name = 'settings' AND coalesce(s.key, columns -> 'key' ->> 1) = 'delivery.stopped'
    AND coalesce(columns -> 'value' ->> 1, s.value) = 'true'     -- also where it is so already
    FROM (VALUES (1)) one LEFT JOIN app.settings s ON s.id = row_id;
$$;

-- The configuration that is shipped, {"rules": [{"id", "name", "body", …}], …}, into tables that are still empty; once
-- something is there, it is the administrator's. Returns how many documents it put there.
CREATE FUNCTION sync.ship(shipped jsonb) RETURNS integer LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t record;
  names text;
  there boolean;
  written jsonb := '[]';
BEGIN
  FOR t IN SELECT x.name, s.value AS documents FROM jsonb_each(shipped) s JOIN sync.tables x ON x.name = s.key ORDER BY x.id LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM app.%I)', t.name) INTO there;
    CONTINUE WHEN there OR jsonb_array_length(t.documents) = 0;
    SELECT string_agg(quote_ident(k), ', ' ORDER BY k) INTO names FROM jsonb_object_keys(t.documents -> 0) k;
    EXECUTE format('INSERT INTO app.%1$I (%2$s) SELECT %2$s FROM jsonb_populate_recordset(NULL::app.%1$I, $1)', t.name, names)
      USING t.documents;
    written := written || (SELECT jsonb_agg(jsonb_build_array(t.name, d -> 'id', 'insert')) FROM jsonb_array_elements(t.documents) d);
  END LOOP;
  IF written <> '[]' THEN
    PERFORM audit.append(jsonb_build_object('action', 'server.configure', 'actor', session_user, 'actor_role', 'owner',
      'device_id', '00000000-0000-0000-0000-000000000000', 'device_seq', 0, 'intent_sha256', repeat('0', 64),
      'occurred_at', sync.now_ms(), 'object_type', 'configuration', 'object_id', (SELECT id FROM sync.epoch), 'object_rev', 0),
      written, '{}');
  END IF;
  RETURN jsonb_array_length(written);
END $$;
