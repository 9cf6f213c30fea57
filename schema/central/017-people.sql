-- People. PostgreSQL's groups say who may do what; these rows only tell replicas, so that buttons and the check there agree.
SET LOCAL ROLE tower_owner;

CREATE TABLE app.people (
  id uuid PRIMARY KEY, rev bigint NOT NULL, created_at bigint NOT NULL, updated_at bigint NOT NULL,
  login text NOT NULL UNIQUE CHECK (login <> ''), name text NOT NULL DEFAULT '', email text, language text,
  skills sync.json NOT NULL DEFAULT '[]',
  approval_limit_minor bigint CHECK (approval_limit_minor >= 0), approval_currency text CHECK (length(approval_currency) = 3),
  archived_at bigint,
  scopes integer[] NOT NULL
);
SELECT sync.add_common_scope('people');
SELECT sync.register(10::smallint, 'people', 'person', NULL, '{"archived_at": "stamp"}');

CREATE TABLE app.person_roles (
  id uuid PRIMARY KEY, rev bigint NOT NULL, created_at bigint NOT NULL, updated_at bigint NOT NULL,
  person_id uuid NOT NULL REFERENCES app.people DEFERRABLE INITIALLY DEFERRED,
  role text NOT NULL CHECK (role IN ('viewer', 'sales', 'accounting', 'logistics', 'legal', 'partner', 'admin', 'agent')),
  scopes integer[] NOT NULL,
  UNIQUE (person_id, role)
);
SELECT sync.add_common_scope('person_roles');
SELECT sync.register(11::smallint, 'person_roles', 'person_role', NULL, '{}');

CREATE TABLE app.absences (
  id uuid PRIMARY KEY, rev bigint NOT NULL, created_at bigint NOT NULL, updated_at bigint NOT NULL,
  person_id uuid NOT NULL REFERENCES app.people DEFERRABLE INITIALLY DEFERRED,
  starts_at bigint NOT NULL, ends_at bigint NOT NULL CHECK (ends_at > starts_at),
  scopes integer[] NOT NULL
);
CREATE INDEX absences_person ON app.absences (person_id);
SELECT sync.add_common_scope('absences');
SELECT sync.register(12::smallint, 'absences', 'absence', NULL, '{}');

CREATE TABLE app.delegations (
  id uuid PRIMARY KEY, rev bigint NOT NULL, created_at bigint NOT NULL, updated_at bigint NOT NULL,
  person_id uuid NOT NULL REFERENCES app.people DEFERRABLE INITIALLY DEFERRED,
  delegate_id uuid NOT NULL REFERENCES app.people DEFERRABLE INITIALLY DEFERRED,
  starts_at bigint NOT NULL, ends_at bigint NOT NULL, CHECK (ends_at > starts_at AND person_id <> delegate_id),
  scopes integer[] NOT NULL
);
CREATE INDEX delegations_person ON app.delegations (person_id);
CREATE INDEX delegations_delegate ON app.delegations (delegate_id);
SELECT sync.add_common_scope('delegations');
SELECT sync.register(13::smallint, 'delegations', 'delegation', NULL, '{}');

-- Whether a login may act in a role here: what it is in another database of this PostgreSQL says nothing.
CREATE FUNCTION app.has_role(of_login text, role_name text) RETURNS boolean LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT FROM pg_roles p JOIN pg_roles g ON g.rolname = 'tower_' || role_name
                 WHERE p.rolname = of_login AND p.rolcanlogin AND pg_has_role(p.oid, g.oid, 'MEMBER')
                   AND has_database_privilege(p.oid, current_database(), 'CONNECT'));
$$;

-- Everybody says when they are away themselves, and who stands in for them; an administrator says it of anybody.
CREATE FUNCTION app.where_absence_is_mine(table_name text, row_id uuid, columns jsonb) RETURNS boolean LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT app.has_role(session_user, 'admin') OR EXISTS (SELECT FROM app.people p WHERE p.login = session_user AND p.id = coalesce(
    (SELECT a.person_id FROM app.absences a WHERE a.id = row_id AND table_name = 'absences'),
    (SELECT d.person_id FROM app.delegations d WHERE d.id = row_id AND table_name = 'delegations'),
    (columns -> 'person_id' ->> 1)::uuid));
$$;

-- No row says of anybody what PostgreSQL does not, nor is one taken away that it says.
CREATE FUNCTION app.person_roles_are_backed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  person text;
BEGIN
  IF TG_OP <> 'INSERT' THEN
    SELECT login INTO person FROM app.people WHERE id = OLD.person_id;
    IF TG_OP = 'DELETE' AND app.has_role(person, OLD.role) THEN
      RAISE EXCEPTION '% has the role % in PostgreSQL: take it away with towerctl server add-user', person, OLD.role;
    ELSIF TG_OP = 'DELETE' THEN
      RETURN OLD;
    ELSIF (NEW.person_id, NEW.role) IS DISTINCT FROM (OLD.person_id, OLD.role) THEN
      RAISE EXCEPTION 'a role is given or taken away, never changed';
    END IF;
    RETURN NEW;
  END IF;
  SELECT login INTO person FROM app.people WHERE id = NEW.person_id;
  IF NOT app.has_role(person, NEW.role) THEN
    RAISE EXCEPTION '% has not got the role % in PostgreSQL: give it with towerctl server add-user', person, NEW.role;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER backed BEFORE INSERT OR UPDATE OR DELETE ON app.person_roles
  FOR EACH ROW EXECUTE FUNCTION app.person_roles_are_backed();

-- An absence is as long as somebody may plan it, and ending it never makes it longer, nor what the stand-in may do meanwhile
-- (src/commands/ct-commands-people.c says the same). An undo of that does, up to what anybody may plan.
CREATE FUNCTION app.check_absence() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  undone boolean := current_setting('tower.command', true) = 'command.undo';
BEGIN
  IF (TG_OP = 'INSERT' OR undone) AND NEW.ends_at - NEW.starts_at > 400 * 86400000::bigint THEN
    RAISE EXCEPTION 'an absence is 400 days long at most';
  ELSIF TG_OP = 'UPDATE' AND NOT undone AND NEW.ends_at > OLD.ends_at THEN
    RAISE EXCEPTION 'an absence is ended, not made longer';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER then_check BEFORE INSERT OR UPDATE ON app.absences
  FOR EACH ROW WHEN (current_setting('tower.command', true) IN ('absence.set', 'absence.end', 'command.undo'))
  EXECUTE FUNCTION app.check_absence();
CREATE TRIGGER then_check BEFORE INSERT OR UPDATE ON app.delegations
  FOR EACH ROW WHEN (current_setting('tower.command', true) IN ('absence.set', 'absence.end', 'command.undo'))
  EXECUTE FUNCTION app.check_absence();

-- Nobody stands in for a person who is gone, nor they for anybody; what was handed to them or by them goes back to its team. It is
-- asked for while the person is archived: 019-decisions.sql lets nobody else take such a thing back.
CREATE FUNCTION sync.part_with(person uuid) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  gone text := (SELECT p.login FROM app.people p WHERE p.id = person);
  moment bigint := sync.now_ms();
BEGIN
  DELETE FROM app.delegations d WHERE person IN (d.person_id, d.delegate_id);
  DELETE FROM app.absences a WHERE a.person_id = person AND a.starts_at >= moment;
  UPDATE app.absences a SET ends_at = moment WHERE a.person_id = person AND a.ends_at > moment;
  UPDATE app.approvals a SET delegated_to = NULL, delegated_by = NULL
    WHERE a.state = 'pending' AND gone IN (a.delegated_to, a.delegated_by);
END $$;

-- Writes down what PostgreSQL says of a login, also that it says nothing any more. Who comes back may be another person: the
-- name alone gives them neither the acts nor the devices of the one before, nor what others entrusted to that one. Returns the
-- person, NULL where there is nobody and never was.
CREATE FUNCTION sync.note_person(of_login text) RETURNS uuid LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  person uuid;
  comes_back boolean;
  roles text[] := ARRAY(SELECT r FROM unnest(ARRAY['sales', 'accounting', 'logistics', 'legal', 'partner', 'admin', 'agent']) r
                        WHERE app.has_role(of_login, r));
BEGIN
  IF roles = '{}' AND app.has_role(of_login, 'viewer') THEN
    roles := ARRAY['viewer'];
  END IF;
  SELECT id INTO person FROM app.people WHERE login = of_login;
  IF person IS NULL AND roles <> '{}' THEN
    person := audit.uuid7(sync.now_ms());
    INSERT INTO app.people (id, login) VALUES (person, of_login);
  END IF;
  comes_back := roles <> '{}' AND EXISTS (SELECT FROM app.people WHERE id = person AND archived_at IS NOT NULL);
  IF comes_back THEN
    PERFORM sync.part_with(person);               -- what came meanwhile was meant for the one before
  END IF;
  UPDATE app.people SET archived_at = CASE WHEN roles = '{}' THEN 1 END
    WHERE id = person AND (archived_at IS NULL) <> (roles <> '{}');
  IF FOUND AND NOT comes_back THEN
    PERFORM sync.part_with(person);
  ELSIF comes_back THEN
    INSERT INTO sync.returned VALUES (of_login, sync.current_tid()) ON CONFLICT (login) DO UPDATE SET tid = excluded.tid;
    UPDATE sync.devices SET former = true WHERE owner = of_login AND revoked_at IS NOT NULL;
  END IF;
  DELETE FROM app.person_roles WHERE person_id = person AND role <> ALL (roles) AND NOT app.has_role(of_login, role);
  INSERT INTO app.person_roles (id, person_id, role) SELECT audit.uuid7(sync.now_ms()), person, r FROM unnest(roles) r
    WHERE NOT EXISTS (SELECT FROM app.person_roles p WHERE p.person_id = person AND p.role = r);
  RETURN person;
END $$;

-- People of this database with a role in PostgreSQL who cannot connect, as after a restore into a new one; fits: no role of theirs
-- is more than they had here, where another database may have given it to them or to somebody else of that name.
CREATE FUNCTION sync.kept_out() RETURNS TABLE (login text, fits boolean) LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT p.login, NOT EXISTS (SELECT FROM pg_roles g WHERE g.rolname LIKE 'tower\_%' AND g.rolname <> 'tower_viewer'
                                AND pg_has_role(r.oid, g.oid, 'MEMBER')
                                AND substr(g.rolname, 7) NOT IN (SELECT x.role FROM app.person_roles x WHERE x.person_id = p.id))
  FROM app.people p JOIN pg_roles r ON r.rolname = p.login
  WHERE p.archived_at IS NULL AND r.rolcanlogin AND pg_has_role(r.oid, 'tower_viewer', 'MEMBER')
    AND NOT has_database_privilege(r.oid, current_database(), 'CONNECT');
$$;

-- Lets those in again whom this database knows in no lesser role.
CREATE FUNCTION sync.readmit_people() RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  known text;
BEGIN
  FOR known IN SELECT k.login FROM sync.kept_out() k WHERE k.fits LOOP
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), known);
  END LOOP;
END $$;

-- Everybody who may sign in here with a role, superusers aside: those have every role. Where that is news a leaf says so. Of those
-- who were kept out server check speaks: they stay whom this database knows.
CREATE FUNCTION sync.note_people() RETURNS integer LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  noted integer;
BEGIN
  SELECT count(sync.note_person(u.login)) INTO noted FROM (
    SELECT rolname::text AS login FROM pg_roles WHERE NOT rolsuper AND rolcanlogin AND pg_has_role(oid, 'tower_viewer', 'MEMBER')
        AND has_database_privilege(oid, current_database(), 'CONNECT')
    UNION SELECT login FROM app.people WHERE archived_at IS NULL AND login NOT IN (SELECT k.login FROM sync.kept_out() k)) u;
  IF EXISTS (SELECT FROM sync.txn t JOIN sync.entry e USING (tid) JOIN sync.tables x ON x.id = e.tbl
             WHERE t.xid = pg_current_xact_id() AND t.number IS NULL AND x.name IN ('people', 'person_roles')) THEN
    PERFORM audit.note('server.people', 'configuration', (SELECT id FROM sync.epoch), '[]', '{}');
  END IF;
  RETURN noted;
END $$;

-- Who somebody is from now on, and the leaf that says so.
CREATE FUNCTION sync.note_user(action text, of_login text) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  person uuid := sync.note_person(of_login);
BEGIN
  IF person IS NULL THEN RETURN; END IF;
  PERFORM audit.note(action, 'person', person,
    (SELECT jsonb_agg(jsonb_build_array(w.tbl, w.id, 'update')) FROM (
       SELECT 'people' AS tbl, person AS id UNION ALL SELECT 'person_roles', r.id FROM app.person_roles r WHERE r.person_id = person) w),
    jsonb_build_object('user', jsonb_build_object('login', of_login,
      'roles', ARRAY(SELECT r.role FROM app.person_roles r WHERE r.person_id = person ORDER BY 1),
      'scopes', ARRAY(SELECT sync.grant_text(g) FROM sync.grants g WHERE g.grantee = of_login ORDER BY 1))::text));
END $$;
