#!/usr/bin/python3
"""Every role × object × verb, tried for real: the list of objects is the server's own catalogue, so that whatever is added
fails here until it is as it should be. A login may read the business tables and the views over them, call the functions of
schema api that are granted to its role, and nothing else."""
import re
import time

from guarded import ROLES, SCHEMAS, Device, Guarded, change, granted_functions, make_distributor
from libpq import Refused, Session
from tower import run_tests

SERVER = Guarded('boundary')
GRANTED = granted_functions()
# A login that an administrator let into the database, and that has no role.
STRANGER = 'stranger'
DENIED = '42501'
# Answers that are a no as well: not that kind of object, a system catalogue, a read-only view of it.
NO_SUCH_VERB = {'42809', '55000', '0A000', '42P16'}
tried = {'allowed': 0, 'denied': 0}

# What is done to a relation; {0} is the relation, {1} one of its columns, {2} its kind.
RELATION_VERBS = {
    'select': 'SELECT * FROM {0} LIMIT 1',
    'column': 'SELECT {1} FROM {0} LIMIT 1',
    'copy-out': 'COPY {0} TO STDOUT',
    'copy-out-query': 'COPY (SELECT * FROM {0}) TO STDOUT',
    'lock-access-share': 'LOCK TABLE {0} IN ACCESS SHARE MODE',
    'insert': 'INSERT INTO {0} DEFAULT VALUES',
    'update': 'UPDATE {0} SET {1} = {1}',
    'delete': 'DELETE FROM {0}',
    'merge': 'MERGE INTO {0} USING (VALUES (1)) v ON false WHEN NOT MATCHED THEN INSERT DEFAULT VALUES',
    'truncate': 'TRUNCATE {0}',
    'for-update': 'SELECT * FROM {0} FOR UPDATE',
    'for-key-share': 'SELECT * FROM {0} FOR KEY SHARE',
    'copy-in': 'COPY {0} FROM STDIN',
    **{'lock-' + mode.lower().replace(' ', '-'): f'LOCK TABLE {{0}} IN {mode} MODE'
       for mode in ('ROW SHARE', 'ROW EXCLUSIVE', 'SHARE UPDATE EXCLUSIVE', 'SHARE', 'SHARE ROW EXCLUSIVE', 'EXCLUSIVE',
                    'ACCESS EXCLUSIVE')},
    'trigger': 'CREATE TRIGGER t BEFORE INSERT ON {0} EXECUTE FUNCTION suppress_redundant_updates_trigger()',
    'comment': "COMMENT ON {2} {0} IS 'x'",
    'rename': 'ALTER TABLE {0} RENAME TO renamed',
    'owner': 'ALTER {2} {0} OWNER TO CURRENT_USER',
    'schema': 'ALTER {2} {0} SET SCHEMA public',
    'drop': 'DROP {2} {0}',
    'index': 'CREATE INDEX ON {0} ({1})',
    'rule': 'CREATE RULE r AS ON INSERT TO {0} DO INSTEAD NOTHING',
    'row-security-off': 'ALTER TABLE {0} DISABLE ROW LEVEL SECURITY',
    'policy': 'CREATE POLICY p ON {0} USING (true)',
    'triggers-off': 'ALTER TABLE {0} DISABLE TRIGGER ALL',
    'drop-column': 'ALTER TABLE {0} DROP COLUMN {1}',
    'options': 'ALTER {2} {0} SET (security_barrier = false)',
    'statistics': 'CREATE STATISTICS app.s ON {1}, tableoid FROM {0}',
    'reindex': 'REINDEX TABLE {0}',
    'cluster': 'CLUSTER {0}',
}
READS = {'select', 'column', 'copy-out', 'copy-out-query', 'lock-access-share'}
# Of the catalogue nobody changes anything, and these nobody reads.
CATALOGUE_WRITES = ['insert', 'update', 'delete', 'truncate', 'lock-exclusive', 'trigger', 'drop']
CATALOGUE_SECRETS = {
    'pg_authid', 'pg_shadow', 'pg_largeobject', 'pg_statistic', 'pg_statistic_ext_data', 'pg_hba_file_rules',
    'pg_ident_file_mappings', 'pg_file_settings', 'pg_user_mapping', 'pg_config', 'pg_shmem_allocations',
    'pg_backend_memory_contexts', 'pg_replication_origin_status'}

SEQUENCE_VERBS = ["SELECT nextval('{0}')", "SELECT currval('{0}')", "SELECT setval('{0}', 1)", 'SELECT * FROM {0}',
                  'ALTER SEQUENCE {0} RESTART', 'DROP SEQUENCE {0}']
FUNCTION_VERBS = ['ALTER FUNCTION {0} SECURITY DEFINER', 'ALTER FUNCTION {0} RESET ALL', 'ALTER FUNCTION {0} OWNER TO CURRENT_USER',
                  'DROP FUNCTION {0}', "COMMENT ON FUNCTION {0} IS 'x'"]
SCHEMA_VERBS = ['CREATE TABLE {0}.t (x int)', 'CREATE VIEW {0}.v AS SELECT 1',
                "CREATE FUNCTION {0}.f() RETURNS int LANGUAGE sql AS 'SELECT 1'", 'CREATE TYPE {0}.t AS ENUM ()',
                'CREATE SEQUENCE {0}.s', 'CREATE DOMAIN {0}.d AS int', 'DROP SCHEMA {0}', 'ALTER SCHEMA {0} RENAME TO x',
                'ALTER SCHEMA {0} OWNER TO CURRENT_USER', "COMMENT ON SCHEMA {0} IS 'x'"]
ROLE_VERBS = ['SET SESSION AUTHORIZATION {0}', 'GRANT {0} TO CURRENT_USER', "ALTER ROLE {0} PASSWORD 'x'",
              'ALTER ROLE {0} SUPERUSER', 'ALTER ROLE {0} BYPASSRLS', 'ALTER ROLE {0} CONNECTION LIMIT -1',
              'ALTER ROLE {0} SET work_mem = 64', 'DROP ROLE {0}', 'REASSIGN OWNED BY {0} TO CURRENT_USER', 'DROP OWNED BY {0}',
              'ALTER DEFAULT PRIVILEGES FOR ROLE {0} GRANT ALL ON TABLES TO PUBLIC']
# What touches the server as a whole, its files, its other sessions, or fills its disk.
SERVER_VERBS = [
    'CREATE SCHEMA own', 'CREATE TEMP TABLE t (x int)', 'CREATE TEMP VIEW v AS SELECT 1', 'CREATE TABLE pg_temp.t (x int)',
    "CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'", 'CREATE DATABASE own', 'CREATE EXTENSION dblink',
    'CREATE EXTENSION postgres_fdw', 'CREATE FOREIGN DATA WRAPPER w', 'CREATE ROLE own', 'CREATE PUBLICATION p FOR ALL TABLES',
    "CREATE SUBSCRIPTION s CONNECTION 'host=127.0.0.1' PUBLICATION p WITH (connect = false)", 'CREATE TABLESPACE t LOCATION \'/tmp\'',
    'CREATE EVENT TRIGGER e ON ddl_command_start EXECUTE FUNCTION suppress_redundant_updates_trigger()',
    'CREATE LANGUAGE plperl', 'CREATE OPERATOR CLASS app.x FOR TYPE int USING btree AS STORAGE int', 'CHECKPOINT', "LOAD 'x'",
    "ALTER SYSTEM SET work_mem = '64kB'", "ALTER DATABASE boundary SET work_mem = '64kB'", "COMMENT ON DATABASE boundary IS 'x'",
    'DROP DATABASE boundary', 'ALTER ROLE ALL SET work_mem = 64',
    "COPY (SELECT 1) TO PROGRAM 'true'", "COPY (SELECT 1) TO '/tmp/x'", "COPY app.distributors FROM PROGRAM 'true'",
    "COPY app.distributors FROM '/etc/passwd'", "SELECT pg_read_file('PG_VERSION')", "SELECT pg_read_binary_file('PG_VERSION')",
    "SELECT pg_ls_dir('.')", 'SELECT pg_ls_logdir()', 'SELECT pg_ls_waldir()', "SELECT pg_stat_file('PG_VERSION')",
    'SELECT pg_reload_conf()', 'SELECT pg_rotate_logfile()', 'SELECT pg_switch_wal()', "SELECT pg_create_restore_point('x')",
    'SELECT pg_stat_reset()', 'SELECT pg_promote()', "SELECT pg_backup_start('x')", 'SELECT pg_current_logfile()',
    "SELECT pg_create_physical_replication_slot('x')", "SELECT pg_create_logical_replication_slot('x', 'test_decoding')",
    "SELECT pg_replication_origin_create('x')", "SELECT pg_logical_emit_message(false, 'x', 'x')", "SELECT lo_import('/etc/passwd')",
    "SELECT lo_export(1, '/tmp/x')", 'SELECT lo_create(0)', 'SELECT lo_creat(-1)', "SELECT lo_from_bytea(0, 'x')",
    "SELECT lo_put(1, 0, 'x')", 'SELECT pg_terminate_backend({pid})', 'SELECT pg_cancel_backend({pid})',
    'SELECT pg_log_backend_memory_contexts({pid})', 'SET session_replication_role = replica', "SET log_statement = 'none'",
    'SET temp_file_limit = -1', 'SET log_min_messages = panic', "SET session_preload_libraries = 'x'", 'SET lc_messages = C',
    'SET deadlock_timeout = 1000000', 'SET allow_system_table_mods = on', 'SET ignore_system_indexes = on',
    "SELECT set_config('session_replication_role', 'replica', false)", 'DO LANGUAGE plpython3u $$ $$',
    "PREPARE TRANSACTION 'x'"]
# Giving what one does not have is no error in PostgreSQL: nothing is given.
GRANTS = {
    "SELECT format('%s.%I', relnamespace::regnamespace, relname) FROM pg_class WHERE relkind IN ('r', 'p', 'v')": 'GRANT ALL ON TABLE {0} TO CURRENT_USER',
    "SELECT oid::regclass FROM pg_class WHERE relkind = 'S'": 'GRANT ALL ON SEQUENCE {0} TO CURRENT_USER',
    "SELECT oid::regprocedure FROM pg_proc WHERE prokind = 'f' AND pronamespace = ANY ('{api,app,audit,sync}'::regnamespace[])":
        'GRANT ALL ON FUNCTION {0} TO CURRENT_USER',
    'SELECT quote_ident(nspname) FROM pg_namespace': 'GRANT ALL ON SCHEMA {0} TO CURRENT_USER',
    "SELECT 'boundary'": 'GRANT ALL ON DATABASE boundary TO CURRENT_USER',
    'SELECT quote_ident(lanname) FROM pg_language WHERE lanpltrusted': 'GRANT ALL ON LANGUAGE {0} TO CURRENT_USER',
    'SELECT quote_ident(spcname) FROM pg_tablespace': 'GRANT ALL ON TABLESPACE {0} TO CURRENT_USER',
}
PRIVILEGES = "SELECT md5(string_agg(x, '')) FROM (" + ' UNION ALL '.join(
    f"SELECT concat(oid, coalesce({kind}acl, acldefault({letter}, {kind}owner))) x FROM {catalogue}" for kind, letter, catalogue in (
        ('rel', """CASE relkind WHEN 'S' THEN 's'::"char" ELSE 'r' END""", 'pg_class'), ('pro', "'f'", 'pg_proc'),
        ('nsp', "'n'", 'pg_namespace'), ('lan', "'l'", 'pg_language'), ('spc', "'t'", 'pg_tablespace'))) + (
    " UNION ALL SELECT concat(oid, coalesce(datacl, acldefault('d', datdba))) FROM pg_database"
    ' UNION ALL SELECT concat(attrelid, attname, attacl) FROM pg_attribute WHERE attacl IS NOT NULL ORDER BY 1) y')
# Refused for another reason than a privilege: nothing of that name is installed, or it is switched off.
OTHERWISE = {'42704', '58P01', '0A000', '42P17', '55000', '55P02', '3F000'}


def verdict(session, who, what, statement, allowed, also=()):
    state, message = session.attempt(statement)
    denied = state == DENIED or state in also
    tried['allowed' if allowed else 'denied'] += 1
    # a function of ours that says no itself was called
    if allowed and denied and not message.startswith('permission denied'):
        denied = False
    assert denied is not allowed, f'{who}: {what}: {statement}: {state} {message}, expected to be {"let" if allowed else "denied"}'
    assert allowed or state is not None, f'{who}: {statement}'


def everybody():
    """(login, role) and its session."""
    for role in [*ROLES, None]:
        session = SERVER.login(role or STRANGER)
        yield role or STRANGER, role, session
        session.close()


def relations(where):
    return SERVER.root.ask(
        "SELECT n.nspname, c.relname, format('%I.%I', n.nspname, c.relname), (SELECT quote_ident(attname) FROM pg_attribute a WHERE a.attrelid = c.oid"
        " AND a.attnum > 0 AND NOT attisdropped ORDER BY attnum LIMIT 1),"
        " CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END"
        f" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND {where}"
        ' ORDER BY 1, 2')


def test_stranger_outside():
    """A login without a role does not come in at all."""
    SERVER.psql('postgres', f"CREATE ROLE {STRANGER} LOGIN PASSWORD '{SERVER.password(STRANGER)}'")
    try:
        SERVER.login(STRANGER)
    except Refused as refused:
        assert 'permission denied for database' in refused.message, refused
    else:
        raise AssertionError('a login without a role came in')
    SERVER.root.ask(f'GRANT CONNECT ON DATABASE boundary TO {STRANGER}')


def test_stranger_of_another_database():
    """Who administers another database of the same PostgreSQL is nobody here, and cannot get in."""
    SERVER.psql('postgres', 'CREATE DATABASE neighbour')
    for verb in ['init'], ['add-user', 'neighbour', '--role', 'admin', '--user-password-file', SERVER.secret('neighbour')]:
        SERVER.server(verb[0], *verb[1:], database='neighbour')
    other = Session(f"host=127.0.0.1 port={SERVER.port} dbname=neighbour user=neighbour password='{SERVER.password('neighbour')}'")
    for statement in ('GRANT CONNECT ON DATABASE boundary TO neighbour', 'GRANT CONNECT ON DATABASE boundary TO PUBLIC',
                      'ALTER DATABASE boundary OWNER TO neighbour', 'GRANT tower_owner TO neighbour', 'GRANT sales TO neighbour'):
        other.attempt(statement)
    other.close()
    assert SERVER.root.value("SELECT has_database_privilege('neighbour', 'boundary', 'CONNECT')") == 'f'
    try:
        SERVER.login('neighbour')
    except Refused as refused:
        assert 'permission denied for database' in refused.message, refused
    else:
        raise AssertionError('the administrator of another database came in')
    assert SERVER.root.value("SELECT count(*) FROM app.people WHERE login = 'neighbour'") == '0'


def test_relations():
    listed = relations("n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'")
    tables = set(SERVER.tables())
    assert len(listed) > 50 and {row[0] for row in listed} == {*SCHEMAS, 'public'}, listed
    for who, role, session in everybody():
        for schema, name, relation, column, kind in listed:
            readable = role is not None and (schema == 'api' or schema == 'app' and name in tables)
            for verb, statement in RELATION_VERBS.items():
                if column is None and '{1}' in statement:
                    continue
                # a view can be read into a file by a query alone
                allowed = readable and verb in READS and not (verb == 'copy-out' and kind == 'VIEW')
                verdict(session, who, f'{verb} {relation}', statement.format(relation, column, kind), allowed,
                        () if verb in READS and verb != 'copy-out' else NO_SUCH_VERB)


def test_privileges_say_the_same():
    """Where trying takes a privilege of its own (REFERENCES), and columns one by one, the catalogue is asked."""
    wrong = SERVER.root.ask(
        "SELECT r.rolname, c.oid::regclass, p FROM pg_roles r, pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,"
        " unnest(ARRAY['INSERT', 'UPDATE', 'REFERENCES']) p"
        f" WHERE r.rolname = ANY ('{{{','.join([*ROLES, STRANGER])}}}') AND n.nspname IN ('app', 'api', 'sync', 'audit', 'public')"
        " AND c.relkind IN ('r', 'p', 'v', 'm') AND (has_any_column_privilege(r.oid, c.oid, p) OR has_table_privilege(r.oid, c.oid, p))")
    assert wrong == [], wrong
    for role in [*ROLES, STRANGER]:
        listed = SERVER.root.ask(
            "SELECT c.oid::regclass, a.attname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " JOIN pg_attribute a ON a.attrelid = c.oid WHERE n.nspname IN ('sync', 'audit', 'public') AND c.relkind IN ('r', 'p', 'v')"
            " AND has_column_privilege($1, c.oid, a.attnum, 'SELECT')", role)
        assert listed == [], f'{role}: {listed}'


def test_catalogue():
    listed = relations("n.nspname IN ('pg_catalog', 'information_schema')")
    for who, _role, session in everybody():
        for _schema, name, relation, column, kind in listed:
            for verb in CATALOGUE_WRITES:
                if name == 'pg_settings' and verb == 'lock-exclusive':
                    continue                      # everybody's to update: that is SET
                verdict(session, who, f'{verb} {relation}', RELATION_VERBS[verb].format(relation, column, kind), False,
                        NO_SUCH_VERB | {'42846'})
            if name in CATALOGUE_SECRETS:
                verdict(session, who, name, f'SELECT * FROM {relation}', False)


def test_sequences():
    listed = SERVER.root.ask("SELECT oid::regclass FROM pg_class WHERE relkind = 'S'")
    assert listed
    for who, _role, session in everybody():
        for (sequence,) in listed:
            for statement in SEQUENCE_VERBS:
                verdict(session, who, sequence, statement.format(sequence), False)


def test_functions():
    listed = SERVER.root.ask(
        "SELECT n.nspname, p.proname, p.oid::regprocedure, concat(n.nspname, '.', quote_ident(p.proname), '(', (SELECT"
        " string_agg('NULL::' || format_type(t, NULL), ', ' ORDER BY o) FROM unnest(p.proargtypes) WITH ORDINALITY x (t, o)), ')')"
        " FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')"
        ' ORDER BY 1, 2')
    # one of anyelement has no call of NULLs
    listed = [(*row[:3], row[3].replace('NULL::anyelement', '1')) for row in listed]
    assert len(listed) > 50 and {row[0] for row in listed} == set(SCHEMAS), listed
    unknown = {row[1] for row in listed if row[0] == 'api'} ^ set(GRANTED)
    assert not unknown, f'functions of schema api that the migrations grant to nobody, or the other way round: {unknown}'
    for who, role, session in everybody():
        for schema, name, function, call in listed:
            verdict(session, who, function, f'SELECT {call}', schema == 'api' and role in GRANTED[name])
            for statement in FUNCTION_VERBS:
                verdict(session, who, function, statement.format(function), False)


def test_schemas():
    listed = SERVER.root.ask("SELECT quote_ident(nspname) FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_toast%'")
    for who, _role, session in everybody():
        for (schema,) in listed:
            for statement in SCHEMA_VERBS:
                verdict(session, who, schema, statement.format(schema), False, {'42939', '2BP01'})


def test_roles():
    before = SERVER.root.value(PRIVILEGES)
    listed = [row[0] for row in SERVER.root.ask('SELECT quote_ident(rolname) FROM pg_roles')]
    for who, role, session in everybody():
        for other in listed:
            allowed = other == who or role is not None and other in ('tower_viewer', 'tower_' + role)
            verdict(session, who, other, f'SET ROLE {other}', allowed)
            for statement in ROLE_VERBS:
                # of a group's own things, which are none, its members may dispose
                owns = other == who or allowed and statement.startswith(('REASSIGN', 'DROP OWNED', 'ALTER DEFAULT'))
                if not owns or re.search('SUPERUSER|BYPASSRLS|CONNECTION|^DROP ROLE', statement):
                    verdict(session, who, other, statement.format(other), False, {'55006', '0LP01', '42939'})
        for statement in 'DROP OWNED BY tower_viewer', 'DROP OWNED BY CURRENT_USER', 'REASSIGN OWNED BY tower_viewer TO CURRENT_USER':
            try:
                session.ask(statement)
            except Refused as refused:
                assert role is None and refused.state == DENIED, refused
    assert SERVER.root.value(PRIVILEGES) == before, 'a login took a privilege away'
    # a group is no more than the login: who it is, is asked of the session
    session = SERVER.login('sales')
    session.ask('SET ROLE tower_viewer')
    assert session.value('SELECT api.my_scopes() = (SELECT array_agg(s ORDER BY s) FROM unnest(api.my_scopes()) s)') == 't'
    session.close()


def test_server():
    other = SERVER.login('viewer')
    for who, _role, session in everybody():
        for statement in SERVER_VERBS:
            if who != 'viewer' or '{pid}' not in statement:
                verdict(session, who, 'server', statement.replace('{pid}', str(other.pid())), False, OTHERWISE)
    other.close()
    print('# tried:', tried)


def test_grants():
    before = SERVER.root.value(PRIVILEGES)
    for who, _role, session in everybody():
        for listing, statement in GRANTS.items():
            for (name,) in SERVER.root.ask(listing):
                state, message = session.attempt(statement.format(name))
                assert state in (None, DENIED), f'{who}: {statement.format(name)}: {state} {message}'
                if state is None:
                    session.ask(statement.format(name))
                    tried['denied'] += 1
    assert SERVER.root.value(PRIVILEGES) == before, 'a login gave itself a privilege'


def test_hijack():
    """Somebody who may create things all the same can't make the server's functions, views or policies run them."""
    SERVER.root.ask('CREATE SCHEMA evil; GRANT ALL ON SCHEMA evil TO sales; GRANT TEMP ON DATABASE boundary TO sales')
    session = SERVER.login('sales')
    shadowed = SERVER.root.ask(
        "SELECT DISTINCT p.proname, pg_get_function_identity_arguments(p.oid), pg_get_function_result(p.oid) FROM pg_proc p"
        " WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.proname IN ('jsonb_each', 'jsonb_each_text', 'sha256',"
        " 'octet_length', 'jsonb_typeof', 'jsonb_array_length', 'jsonb_array_elements', 'convert_to', 'format', 'now',"
        " 'pg_has_role', 'statement_timestamp', 'gen_random_uuid', 'unnest', 'quote_ident', 'pg_current_xact_id')"
        " AND p.prokind = 'f' AND p.provariadic = 0")
    operators = SERVER.root.ask("SELECT oprname, oprleft::regtype, oprright::regtype FROM pg_operator WHERE oprkind = 'b' AND"
                                " oprresult = 'bool'::regtype AND oprname IN ('=', '<>', '<', '&&', '?', '~') AND"
                                " oprleft IN ('text'::regtype, 'uuid'::regtype, 'bigint'::regtype, 'name'::regtype,"
                                " 'jsonb'::regtype, 'anyarray'::regtype, 'integer'::regtype) AND oprright = oprleft")
    for schema in ('evil', 'pg_temp'):
        for name, arguments, result in shadowed:
            session.ask(f'CREATE FUNCTION {schema}."{name}"({arguments}) RETURNS {result} LANGUAGE plpgsql AS '
                        "$$ BEGIN RAISE EXCEPTION 'hijacked' USING ERRCODE = 'XX999'; END $$")
        for name, left, right in operators:
            function = f'{schema}.o{abs(hash((name, left)))}'
            session.ask(f'CREATE FUNCTION {function}({left}, {right}) RETURNS boolean LANGUAGE plpgsql AS '
                        "$$ BEGIN RAISE EXCEPTION 'hijacked' USING ERRCODE = 'XX999'; END $$;"
                        f'CREATE OPERATOR {schema}.{name} (FUNCTION = {function}, LEFTARG = {left}, RIGHTARG = {right})')
    session.ask('SET search_path = evil, pg_temp, pg_catalog')
    state, message = session.attempt("SELECT 'a'::text = 'a'::text")
    assert state == 'XX999', f'the trap does not spring: {state} {message}'
    calls = SERVER.root.ask(
        "SELECT concat('SELECT * FROM api.', quote_ident(p.proname), '(', (SELECT string_agg(CASE t WHEN 'uuid'::regtype THEN"
        " quote_literal(gen_random_uuid()) WHEN 'text'::regtype THEN quote_literal('{}') WHEN 'jsonb'::regtype THEN '''[]''' ELSE"
        " 'NULL' END || '::pg_catalog.' || pg_catalog.quote_ident(y.typname), ', ' ORDER BY o)"
        ' FROM unnest(p.proargtypes) WITH ORDINALITY x (t, o)'
        " JOIN pg_type y ON y.oid = t), ')') FROM pg_proc p WHERE p.pronamespace = 'api'::regnamespace")
    for (statement,) in [*calls, *((f'SELECT * FROM api.{table}',) for table in SERVER.tables())]:
        state, message = session.attempt(statement)
        assert state != 'XX999', f'{statement}: {message}'
    session.close()
    SERVER.root.ask('DROP SCHEMA evil CASCADE; REVOKE TEMP ON DATABASE boundary FROM sales')


def hold_up(device, early):
    """A login leaves a transaction open that has written; early: at the gate, where each commit passes."""
    device.session.ask('SET idle_in_transaction_session_timeout = 0; BEGIN')
    answer = device.push('distributor.create', make_distributor())
    assert answer['outcome'] == 'applied', answer
    if early:
        device.session.ask('SET CONSTRAINTS ALL IMMEDIATE')


def is_gone(session):
    """Whether it ends: what it held is free a moment before it is no longer listed."""
    until = time.monotonic() + 30
    while SERVER.root.value('SELECT count(*) FROM pg_stat_activity WHERE pid = $1', session) != '0':
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def test_stallers():
    """Nobody brings the service to a halt by a transaction left open, at the gate of commits or on a row that others need:
    who waits in vain ends it, and goes on."""
    for early, busy in (True, False), (True, True), (False, False):
        staller, worker, made = Device(SERVER, 'sales'), Device(SERVER, 'admin'), make_distributor()
        worker.push('distributor.create', made)
        hold_up(staller, early)
        if busy:
            staller.session.send('SELECT pg_sleep(600)')
        for tries in range(3):
            try:
                answer = (worker.push('distributor.edit', change('distributors', made['id'], 'update', city=['', 'Riga']))
                          if early else worker.push('distributor.create', make_distributor()))
                break
            except Refused as refused:
                assert refused.state == '55P03' and tries < 2, refused
        assert answer['outcome'] == 'applied' and (not early or tries == 0), (answer, tries)
        assert is_gone(staller.session.pid())
        for device in staller, worker:
            device.session.close()


def main():
    try:
        run_tests([test_stranger_outside, test_stranger_of_another_database, test_relations, test_privileges_say_the_same, test_catalogue, test_sequences,
                   test_functions, test_schemas, test_roles, test_server, test_grants, test_hijack, test_stallers])
    finally:
        SERVER.stop()


if __name__ == '__main__':
    main()
