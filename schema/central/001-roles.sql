-- Who there is. Nobody may log in as any of these: each person has a login of their own that is a member of the groups
-- of their roles. tower_owner owns every object; the functions of schema api run with its rights and nothing else does.
DO $$
DECLARE
  group_name text;
BEGIN
  FOREACH group_name IN ARRAY ARRAY['tower_owner', 'tower_viewer', 'tower_sales', 'tower_accounting', 'tower_logistics',
                                    'tower_legal', 'tower_partner', 'tower_admin', 'tower_agent'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = group_name) THEN
      EXECUTE format('CREATE ROLE %I NOLOGIN', group_name);
    END IF;
    IF group_name NOT IN ('tower_owner', 'tower_viewer') THEN
      EXECUTE format('GRANT tower_viewer TO %I', group_name);
    END IF;
  END LOOP;
END $$;

-- Whoever waits in vain for somebody who holds everybody up ends that session (002-feed).
DO $$
BEGIN
  GRANT pg_signal_backend, pg_read_all_stats TO tower_owner;
EXCEPTION WHEN insufficient_privilege THEN        -- server check says so
END $$;

-- What PostgreSQL lets every login do to fill the disk. Only a superuser can take it from them; a managed server has limits
-- of its own.
DO $$
DECLARE
  f regprocedure;
BEGIN
  FOR f IN SELECT oid FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND proname IN ('lo_creat', 'lo_create',
      'lo_from_bytea', 'lo_open', 'lo_put', 'lowrite', 'lo_truncate', 'lo_truncate64', 'pg_logical_emit_message') LOOP
    EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
  END LOOP;
EXCEPTION WHEN insufficient_privilege THEN
END $$;

REVOKE ALL ON SCHEMA public FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE tower_owner REVOKE ALL ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE tower_owner REVOKE ALL ON TYPES FROM PUBLIC;

CREATE SCHEMA app AUTHORIZATION tower_owner;     -- business tables, one for each of the replica's
CREATE SCHEMA sync AUTHORIZATION tower_owner;    -- feed, scopes, devices, outcomes, policy
CREATE SCHEMA audit AUTHORIZATION tower_owner;   -- intents and leaves
CREATE SCHEMA api AUTHORIZATION tower_owner;     -- all that a login may call or read
GRANT USAGE ON SCHEMA app, api TO tower_viewer;

-- What a backup of the schemas does not bring along: server init does it each time. Nobody is let in by a group: roles belong to
-- all databases of this PostgreSQL, and who is let into which is said of each login (server add-user, sync.readmit_people).
CREATE FUNCTION sync.prepare_database() RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC, tower_viewer', current_database());
  -- short statements: compiling one takes a hundred times as long as running it
  EXECUTE format('ALTER DATABASE %I SET jit = off', current_database());
  -- the disks are no longer those for which 4 was right: with it a list's first rows are found by sorting all of them
  EXECUTE format('ALTER DATABASE %I SET random_page_cost = 1.1', current_database());
END $$;
REVOKE ALL ON FUNCTION sync.prepare_database() FROM PUBLIC;
ALTER FUNCTION sync.prepare_database() OWNER TO tower_owner;
SELECT sync.prepare_database();
