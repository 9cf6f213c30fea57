-- Who may run which command and what it may touch: schema/policy.json as it stands, one row a command.
SET LOCAL ROLE tower_owner;

CREATE TABLE sync.policy (
  command text PRIMARY KEY,
  roles text[] NOT NULL,
  predicate text,                                 -- a named row condition: function app.where_NAME(text, uuid, jsonb)
  writes jsonb NOT NULL,
  undo boolean NOT NULL DEFAULT false             -- whether who gave it may take it back
);

-- Loads the file's text, all of it: what it no longer names is no longer allowed.
CREATE FUNCTION sync.load_policy(document jsonb) RETURNS integer LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  loaded integer;
BEGIN
  DELETE FROM sync.policy;
  INSERT INTO sync.policy (command, roles, predicate, undo, writes)
    SELECT key, ARRAY(SELECT jsonb_array_elements_text(value -> 'roles')), value ->> 'where',
           coalesce(value -> 'undo' = 'true', false), coalesce(value -> 'writes', '{}')
    FROM jsonb_each(document) WHERE jsonb_typeof(value -> 'roles') = 'array';
  GET DIAGNOSTICS loaded = ROW_COUNT;
  RETURN loaded;
END $$;

-- In which of its roles the login runs a command: the policy's first that it has; NULL where it has none.
CREATE FUNCTION sync.role_for(command_name text) RETURNS text LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  allowed text[];
  role text;
BEGIN
  SELECT p.roles INTO allowed FROM sync.policy p WHERE p.command = command_name;
  FOREACH role IN ARRAY coalesce(allowed, '{}') LOOP
    IF to_regrole('tower_' || role) IS NOT NULL AND pg_has_role(session_user, to_regrole('tower_' || role), 'MEMBER') THEN
      RETURN role;
    END IF;
  END LOOP;
  RETURN NULL;
END $$;

-- Why the login may not write a table by a command that writes many rows, as an import does, or NULL: "as" names the command
-- that writes one such row, which one of its roles must be allowed to run.
CREATE FUNCTION sync.refusal_as(command_name text, table_name text, operation text) RETURNS text LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  one text := (SELECT p.writes -> table_name -> 'as' ->> operation FROM sync.policy p WHERE p.command = command_name);
BEGIN
  IF one IS NOT NULL AND sync.role_for(one) IS NULL THEN
    RETURN format('%s may not %s rows of %s: none of your roles may run %s', command_name, operation, table_name, one);
  END IF;
  RETURN NULL;
END $$;

-- Why a command's row condition does not let it touch a row, or NULL.
CREATE FUNCTION sync.unmet_condition(command_name text, table_name text, row_id uuid, columns jsonb) RETURNS text LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  condition text := (SELECT p.predicate FROM sync.policy p WHERE p.command = command_name);
  holds boolean;
BEGIN
  IF condition IS NULL THEN
    RETURN NULL;
  ELSIF to_regprocedure(format('app.%I(text, uuid, jsonb)', 'where_' || condition)) IS NULL THEN
    RETURN format('this server does not know the condition %s of %s', condition, command_name);
  END IF;
  EXECUTE format('SELECT app.%I($1, $2, $3)', 'where_' || condition) INTO holds USING table_name, row_id, columns;
  RETURN CASE WHEN holds IS NOT TRUE THEN format('%s is not for this row: %s does not hold', command_name, condition) END;
END $$;

-- Why the policy does not allow a change, or NULL. columns: {"name": [old, new]}; what is added comes from null, where the
-- steps of a column are listed.
CREATE FUNCTION sync.refusal(command_name text, table_name text, row_id uuid, operation text, columns jsonb) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  p sync.policy;
  allowed jsonb;
  one jsonb;                                      -- what the command that it acts as writes of the table
  steps jsonb;
  why text;
  c record;
BEGIN
  SELECT * INTO STRICT p FROM sync.policy WHERE command = command_name;
  allowed := p.writes -> table_name -> operation;
  IF (CASE operation WHEN 'update' THEN jsonb_typeof(allowed) = 'array' ELSE allowed = 'true' END) IS NOT TRUE THEN
    RETURN format('%s may not %s rows of %s', command_name, operation, table_name);
  END IF;
  IF p.writes -> table_name ? 'as' THEN
    why := sync.refusal_as(command_name, table_name, operation);
    IF why IS NOT NULL THEN RETURN why; END IF;
    SELECT x.writes -> table_name INTO one FROM sync.policy x
      WHERE x.command = p.writes -> table_name -> 'as' ->> operation;
  END IF;
  FOR c IN SELECT key, value FROM jsonb_each(columns) WHERE operation <> 'delete' LOOP
    IF operation = 'update' AND NOT allowed ? c.key THEN
      RETURN format('%s may not write %s.%s', command_name, table_name, c.key);
    END IF;
    steps := coalesce(p.writes -> table_name -> c.key, one -> c.key);
    IF jsonb_typeof(steps) = 'array' THEN
      -- compared one by one: containment of arrays would let each step be taken backwards as well
      PERFORM FROM jsonb_array_elements(steps) step WHERE step = c.value;
      IF NOT FOUND THEN
        RETURN format('%s may not take %s.%s from %s to %s', command_name, table_name, c.key, c.value -> 0, c.value -> 1);
      END IF;
    END IF;
  END LOOP;
  RETURN CASE WHEN p.predicate IS NOT NULL THEN sync.unmet_condition(command_name, table_name, row_id, columns) END;
END $$;
