/* What makes the server the boundary that it is, as questions to its catalogue: each finds where it is not so. */
#include "ct-admin-rules.h"
#include "ct-i18n.h"

#define OURS      "('app', 'sync', 'audit', 'api')"
#define IS_OURS   "n.nspname IN " OURS
#define OWNER     "'tower_owner'::regrole"
#define DATABASE  "pg_database d WHERE d.datname = current_database()"
#define RELATIONS "pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
#define FUNCTIONS "pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
#define FUNCTION  "p.oid::regprocedure"
#define RELATION  "format('%I.%I', n.nspname, c.relname)"
#define KIND      "CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END"
/* Logins with a role of ours, superusers aside: those have every role. */
#define USERS                                                                                                \
  "(SELECT r.* FROM pg_roles r WHERE r.rolcanlogin AND EXISTS (SELECT FROM pg_auth_members m WHERE "         \
  "m.member = r.oid)"                                                                                        \
  " AND pg_has_role(r.oid, 'tower_viewer', 'MEMBER')) u"
#define IS_PERSON "NOT u.rolsuper AND u.rolname NOT LIKE 'tower\\_%'"
#define GROUP_MEMBERS                                                                                        \
  "pg_auth_members a JOIN pg_roles g ON g.oid = a.roleid JOIN pg_roles m ON m.oid = a.member"
#define GRANTED_TO "CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE x.grantee::regrole::text END"
#define TO_PUBLIC  "x.grantee = 0"
#define TO_OTHERS  "x.grantee NOT IN (0, " OWNER ")"
#define IS_GROUP   "x.grantee::regrole::text LIKE 'tower\\_%'"

/* Privileges of a kind that somebody has: what, how a statement names it, the lists, and which of them offend. */
#define ON_RELATIONS(offends)                                                                                \
  "SELECT format('%s: %s: %s', " GRANTED_TO ", x.privilege_type, " RELATION "),"                             \
  " format('REVOKE %s ON %s %s FROM %s', x.privilege_type, " KIND ", " RELATION ", " GRANTED_TO ")"          \
  " FROM " RELATIONS ", aclexplode(c.relacl) x WHERE x.grantee <> c.relowner AND " IS_OURS " AND " offends
#define ON_COLUMNS(offends)                                                                                  \
  "SELECT format('%s: %s: %s.%I', " GRANTED_TO ", x.privilege_type, " RELATION ", t.attname),"               \
  " format('REVOKE %s (%I) ON %s FROM %s', x.privilege_type, t.attname, " RELATION ", " GRANTED_TO ")"       \
  " FROM " RELATIONS " JOIN pg_attribute t ON t.attrelid = c.oid, aclexplode(t.attacl) x WHERE " IS_OURS     \
  " AND " offends
#define ON_FUNCTIONS(offends)                                                                                \
  "SELECT format('%s: %s: %s', " GRANTED_TO ", x.privilege_type, " FUNCTION "),"                             \
  " format('REVOKE ALL ON FUNCTION %s FROM %s', " FUNCTION ", " GRANTED_TO ")"                               \
  " FROM " FUNCTIONS ", aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) x"                       \
  " WHERE x.grantee <> p.proowner AND " IS_OURS " AND " offends
#define ON_SCHEMAS(offends)                                                                                  \
  "SELECT format('%s: %s: %s', " GRANTED_TO ", x.privilege_type, n.nspname),"                                \
  " format('REVOKE %s ON SCHEMA %I FROM %s', x.privilege_type, n.nspname, " GRANTED_TO ")"                   \
  " FROM pg_namespace n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) x WHERE x.grantee <> "  \
  "n.nspowner AND (" offends ")"
#define ON_DATABASE(offends)                                                                                 \
  "SELECT format('%s: %s: %s', " GRANTED_TO ", x.privilege_type, d.datname),"                                \
  " format('REVOKE %s ON DATABASE %I FROM %s', x.privilege_type, d.datname, " GRANTED_TO ")"                 \
  " FROM (SELECT * FROM " DATABASE ") d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) x"        \
  " WHERE " offends

/* Who is let into the database by name. */
#define DATABASE_GRANTS                                                                                      \
  "(SELECT * FROM " DATABASE ") d, aclexplode(d.datacl) x"                                                   \
  " WHERE x.privilege_type = 'CONNECT' AND x.grantee NOT IN (0, d.datdba)"

/* What the migrations say of each function: the last CREATE FUNCTION counts. */
#define DECLARED_FUNCTIONS                                                                                   \
  "(SELECT DISTINCT ON (y.name) * FROM (SELECT substring(x.piece FROM '^[a-z_0-9]+\\.[a-z_0-9]+') AS name,"  \
  " split_part(regexp_replace(x.piece, '\\s+', ' ', 'g'), ' AS $', 1) AS header, x.at"                       \
  " FROM regexp_split_to_table($1::text, 'CREATE FUNCTION ') WITH ORDINALITY x (piece, at)) y"               \
  " WHERE y.name IS NOT NULL ORDER BY y.name, y.at DESC) d"
/* And of who may call those of schema api: name, role. */
#define DECLARED_GRANTS                                                                                      \
  "(SELECT DISTINCT f[1] AS name, trim(r) AS role"                                                           \
  " FROM regexp_matches($1::text, 'GRANT EXECUTE ON FUNCTION ([^;]*) TO ([a-z_, ]+);', 'g') s,"              \
  " regexp_matches(s[1], 'api\\.(\\w+)\\s*\\(', 'g') f, regexp_split_to_table(s[2], ',') r) e"

#define TAKE_AWAY N_ ("Take the privilege away")

const CtAdminRule ct_admin_rules[] = {
  { "public-privileges", N_ ("Everybody has a privilege"), TAKE_AWAY,
    ON_RELATIONS (TO_PUBLIC) " UNION ALL " ON_COLUMNS (TO_PUBLIC) " UNION ALL " ON_FUNCTIONS (
        TO_PUBLIC) " UNION ALL " ON_SCHEMAS (TO_PUBLIC
                                             " AND (" IS_OURS
                                             " OR n.nspname = 'public')") " UNION ALL " ON_DATABASE (TO_PUBLIC
                                                                                                     " AND "
                                                                                                     "x."
                                                                                                     "privile"
                                                                                                     "ge_"
                                                                                                     "type "
                                                                                                     "<> "
                                                                                                     "'TEMPOR"
                                                                                                     "ARY'"),
    0 },
  { "temp",
    N_ ("Who may make temporary tables or schemas can fill the disk and put their own functions in "
        "the way"),
    TAKE_AWAY,
    ON_DATABASE ("x.privilege_type IN ('TEMPORARY', 'CREATE') AND x.grantee <> d.datdba"
                 " AND (x.grantee <> 0 OR x.privilege_type = 'TEMPORARY')"),
    0 },
  { "wrong-grants", N_ ("Somebody has a privilege beyond those of the roles"), TAKE_AWAY,
    ON_RELATIONS (
        TO_OTHERS
        " AND NOT (x.privilege_type = 'SELECT' AND " IS_GROUP " AND n.nspname IN "
        "('app', 'api'))") " UNION ALL " ON_COLUMNS (TO_OTHERS) " UNION ALL " ON_FUNCTIONS (TO_OTHERS
                                                                                            " AND NOT "
                                                                                            "(n.nspname = "
                                                                                            "'api' "
                                                                                            "AND " IS_GROUP
                                                                                            ")") " UNION "
                                                                                                 "ALL"
                                                                                                 " " ON_SCHEMAS (
                                                                                                     TO_OTHERS
                                                                                                     " AND "
                                                                                                     "(" IS_OURS
                                                                                                     " AND "
                                                                                                     "NOT "
                                                                                                     "(x."
                                                                                                     "privile"
                                                                                                     "ge_"
                                                                                                     "type = "
                                                                                                     "'USAGE'"
                                                                                                     " AND"
                                                                                                     " " IS_GROUP
                                                                                                     " AND "
                                                                                                     "n."
                                                                                                     "nspname"
                                                                                                     " IN "
                                                                                                     "('app',"
                                                                                                     " 'api')"
                                                                                                     ") OR "
                                                                                                     "n."
                                                                                                     "nspname"
                                                                                                     " = "
                                                                                                     "'public"
                                                                                                     "'"
                                                                                                     " AND "
                                                                                                     "x."
                                                                                                     "privile"
                                                                                                     "ge_"
                                                                                                     "type "
                                                                                                     "= "
                                                                                                     "'CREATE"
                                                                                                     "' AND "
                                                                                                     "x."
                                                                                                     "grantee"
                                                                                                     " <> "
                                                                                                     "n."
                                                                                                     "nspowne"
                                                                                                     "r)"),
    0 },
  { "missing-grants", N_ ("The roles cannot use what is there for them"), N_ ("Give the privilege back"),
    "SELECT " RELATION ", format('GRANT SELECT ON %s TO tower_viewer', " RELATION ") FROM " RELATIONS
    " WHERE (n.nspname = 'app' AND c.relname IN (SELECT name FROM sync.tables) OR n.nspname = 'api')"
    " AND c.relkind IN ('r', 'p', 'v') AND NOT has_table_privilege('tower_viewer', c.oid, 'SELECT')"
    " UNION ALL SELECT format('%s: %s', e.role, " FUNCTION
    "), format('GRANT EXECUTE ON FUNCTION %s TO %I', " FUNCTION ", e.role) FROM " FUNCTIONS
    " JOIN " DECLARED_GRANTS " ON e.name = p.proname"
    "  WHERE n.nspname = 'api' AND NOT has_function_privilege(e.role, p.oid, 'EXECUTE')"
    " UNION ALL SELECT n.nspname, format('GRANT USAGE ON SCHEMA %I TO tower_viewer', n.nspname) FROM "
    "pg_namespace n"
    "  WHERE n.nspname IN ('app', 'api') AND NOT has_schema_privilege('tower_viewer', n.oid, "
    "'USAGE')",
    CT_RULE_OF_MIGRATIONS },
  { "function-grants", N_ ("A role may call a function that is not for it"), TAKE_AWAY,
    "SELECT format('%s: %s', x.grantee::regrole, " FUNCTION "),"
    " format('REVOKE EXECUTE ON FUNCTION %s FROM %s', " FUNCTION ", x.grantee::regrole)"
    " FROM " FUNCTIONS ", aclexplode(p.proacl) x WHERE n.nspname = 'api' AND x.grantee <> p.proowner"
    " AND x.grantee <> 0 AND " IS_GROUP " AND p.proname IN (SELECT e.name FROM " DECLARED_GRANTS ")"
    " AND (p.proname, x.grantee::regrole::text) NOT IN (SELECT e.name, e.role FROM " DECLARED_GRANTS ")",
    CT_RULE_OF_MIGRATIONS },
  { "default-privileges", N_ ("New objects will belong to more people than they should"),
    N_ ("Take the default privilege away (ALTER DEFAULT PRIVILEGES)"),
    "SELECT format('%s: %s: %s', a.defaclrole::regrole, " GRANTED_TO ", x.privilege_type), NULL"
    " FROM pg_default_acl a, aclexplode(a.defaclacl) x WHERE a.defaclrole = " OWNER
    " AND x.grantee <> a.defaclrole",
    0 },
  { "owners", N_ ("An object belongs to somebody else than tower_owner"), N_ ("Give it back"),
    "SELECT " RELATION ", format('ALTER TABLE %s OWNER TO tower_owner', " RELATION ") FROM " RELATIONS
    " WHERE " IS_OURS " AND c.relkind IN ('r', 'p', 'v', 'S') AND c.relowner <> " OWNER
    " UNION ALL SELECT " FUNCTION "::text, format('ALTER FUNCTION %s OWNER TO tower_owner', " FUNCTION ")"
    " FROM " FUNCTIONS " WHERE " IS_OURS " AND p.proowner <> " OWNER
    " UNION ALL SELECT n.nspname, format('ALTER SCHEMA %I OWNER TO tower_owner', n.nspname) FROM "
    "pg_namespace n"
    " WHERE " IS_OURS " AND n.nspowner <> " OWNER,
    0 },
  { "row-security", N_ ("Everybody sees every row of a table"), N_ ("Switch row security on"),
    "SELECT " RELATION ", format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', " RELATION ") FROM " RELATIONS
    " WHERE n.nspname = 'app' AND c.relkind IN ('r', 'p') AND NOT c.relrowsecurity",
    0 },
  { "row-policies", N_ ("A table shows other rows than those of the reader's scopes"),
    N_ ("It has one policy, as sync.register() makes it: drop the others, make this one again"),
    "SELECT format('%s: %s', " RELATION ", coalesce(o.polname, 'seen'))"
    ", CASE WHEN o.polname <> 'seen' THEN format('DROP POLICY %I ON %s', o.polname, " RELATION ") END"
    " FROM " RELATIONS " LEFT JOIN pg_policy o ON o.polrelid = c.oid"
    " WHERE n.nspname = 'app' AND c.relname IN (SELECT name FROM sync.tables) AND (o.polname = 'seen' AND "
    "o.polcmd = "
    "'r'"
    "  AND o.polpermissive AND o.polroles = '{0}' AND o.polwithcheck IS NULL"
    "  AND pg_get_expr(o.polqual, o.polrelid) ~ '^\\(scopes && \\( ?SELECT api\\.my_scopes\\(\\) AS "
    "my_scopes\\)\\)$')"
    " IS NOT TRUE",
    0 },
  { "statistics", N_ ("EXPLAIN tells of values in rows that the reader may not see"),
    N_ ("Keep no statistics of it"),
    "SELECT format('%s.%I', " RELATION
    ", t.attname), format('ALTER TABLE %s ALTER COLUMN %I SET STATISTICS 0', " RELATION ", t.attname)"
    " FROM " RELATIONS " JOIN pg_attribute t ON t.attrelid = c.oid"
    " WHERE n.nspname = 'app' AND c.relkind IN ('r', 'p') AND t.attnum > 0 AND NOT t.attisdropped"
    " AND t.attstattarget <> 0 AND (c.relispartition OR c.relname IN (SELECT name FROM sync.tables)) AND "
    "t.atttypid <> ALL ('{uuid,integer[]}'::regtype[])"
    " UNION ALL SELECT s.stxname::text, format('DROP STATISTICS %I.%I', n.nspname, s.stxname) FROM "
    "pg_statistic_ext s"
    " JOIN pg_class c ON c.oid = s.stxrelid JOIN pg_namespace n ON n.oid = s.stxnamespace WHERE " IS_OURS,
    0 },
  { "views", N_ ("A view shows rows with its owner's rights"), N_ ("Make it run with the reader's"),
    "SELECT " RELATION ", format('ALTER VIEW %s SET (security_invoker = true)', " RELATION ") FROM " RELATIONS
    " WHERE " IS_OURS
    " AND c.relkind = 'v' AND NOT coalesce('security_invoker=true' = ANY (c.reloptions), false)"
    " UNION ALL SELECT " RELATION ", format('DROP MATERIALIZED VIEW %s', " RELATION ") FROM " RELATIONS
    " WHERE " IS_OURS " AND c.relkind = 'm'",
    0 },
  { "search-path", N_ ("A function does not pin its search path: a caller can make it run something else"),
    N_ ("Pin it, with pg_temp last"),
    "SELECT " FUNCTION "::text, format('ALTER FUNCTION %s SET search_path = pg_catalog, pg_temp', " FUNCTION
    ")"
    " FROM " FUNCTIONS " WHERE " IS_OURS
    " AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (p.proconfig), false)",
    0 },
  { "triggers-off", N_ ("A trigger is switched off"), N_ ("Switch it on"),
    "SELECT format('%s: %s', " RELATION ", t.tgname), format('ALTER TABLE %s ENABLE TRIGGER %I', " RELATION
    ", t.tgname)"
    " FROM " RELATIONS " JOIN pg_trigger t ON t.tgrelid = c.oid"
    " WHERE " IS_OURS " AND NOT t.tgisinternal AND t.tgenabled NOT IN ('O', 'A')",
    0 },
  { "triggers-missing", N_ ("A trigger is missing: changes escape the feed, the stamps or the log"),
    N_ ("Make it again as the migrations of schema/central do (sync.register, 002-feed, 005-audit)"),
    "SELECT format('%s: %s', w.relation, w.name), NULL FROM ("
    "  SELECT format('app.%I', s.name) AS relation, v.name, 'sync.' || v.name AS function"
    "   FROM sync.tables s, (VALUES ('stamp_row'), ('capture_insert'), ('capture_update'), "
    "('capture_delete')) v (name)"
    "  UNION ALL VALUES ('sync.txn', 'stamp', 'sync.stamp')"
    "  UNION ALL SELECT 'audit.' || v.name, x.name, 'audit.immutable' FROM (VALUES ('intents'), ('leaves'), "
    "('log'), ('checkpoints')) v (name), (VALUES ('immutable'), ('never_emptied')) x (name)) w (relation, "
    "name, function)"
    " WHERE NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = to_regclass(w.relation) AND "
    "t.tgname = w.name"
    "  AND t.tgqual IS NULL AND t.tgfoid = to_regproc(w.function))",
    0 },
  { "unknown-tables", N_ ("A table is not one of the program's: no stamps, no feed, no scopes"),
    N_ ("Move it to a schema of its own, or register it (sync.register)"),
    "SELECT " RELATION ", format('ALTER TABLE %s SET SCHEMA ...', " RELATION ") FROM " RELATIONS
    " WHERE n.nspname = 'app' AND c.relkind IN ('r', 'p', 'f', 'm') AND NOT c.relispartition"
    " AND c.relname NOT IN (SELECT name FROM sync.tables)",
    0 },
  { "rewrite-rules", N_ ("A rule rewrites what is written to a table"), N_ ("Drop the rule"),
    "SELECT format('%s.%s: %s', r.schemaname, r.tablename, r.rulename),"
    " format('DROP RULE %I ON %I.%I', r.rulename, r.schemaname, r.tablename)"
    " FROM pg_rules r WHERE r.schemaname IN " OURS,
    0 },
  { "connect", N_ ("Whoever has a role in another database of this PostgreSQL has it here as well"),
    N_ ("Take the privilege away; server add-user lets single people in"),
    "SELECT x.grantee::regrole::text, format('REVOKE CONNECT ON DATABASE %I FROM %s', d.datname, "
    "x.grantee::regrole)"
    " FROM " DATABASE_GRANTS " AND " IS_GROUP
    " UNION ALL SELECT format('%s: %s', u.rolname, x.grantee::regrole),"
    "  format('REVOKE CONNECT ON DATABASE %I FROM %s', d.datname, x.grantee::regrole)"
    " FROM " USERS ", " DATABASE_GRANTS " AND NOT " IS_GROUP " AND NOT u.rolsuper AND u.oid <> d.datdba"
    "  AND pg_has_role(u.oid, x.grantee, 'MEMBER')"
    "  AND NOT EXISTS (SELECT FROM app.people p WHERE p.login = u.rolname AND p.archived_at IS NULL)",
    0 },
  { "kept-out", N_ ("A person of this database cannot connect to it"),
    N_ ("Run towerctl server init, or say with server add-user in which roles they come back"),
    "SELECT k.login, CASE WHEN k.fits THEN format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), "
    "k.login) END"
    " FROM sync.kept_out() k",
    0 },
  { "groups", N_ ("A group of roles may sign in or administer PostgreSQL"), N_ ("Take that from it"),
    "SELECT g.rolname, format('ALTER ROLE %I NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB "
    "NOREPLICATION',"
    " g.rolname) FROM pg_roles g WHERE g.rolname LIKE 'tower\\_%' AND (g.rolcanlogin OR g.rolsuper "
    "OR g.rolbypassrls"
    " OR g.rolcreaterole OR g.rolcreatedb OR g.rolreplication)",
    0 },
  { "memberships", N_ ("A membership gives more than its role should"), N_ ("Take the membership away"),
    "SELECT format('%s: %s', m.rolname, g.rolname), format('REVOKE %I FROM %I', g.rolname, m.rolname)"
    " FROM " GROUP_MEMBERS " WHERE g.rolname LIKE 'tower\\_%' AND NOT m.rolsuper AND ("
    "  (m.rolname LIKE 'tower\\_%' AND (g.rolname <> 'tower_viewer' OR m.oid = " OWNER "))"
    "  OR (g.oid = " OWNER " AND m.oid <> (SELECT d.datdba FROM " DATABASE "))"
    "  OR (a.admin_option AND NOT m.rolcreaterole))"
    " UNION ALL SELECT format('%s: %s', u.rolname, g.rolname), format('REVOKE %I FROM %I', "
    "g.rolname, u.rolname)"
    " FROM " USERS " JOIN pg_roles g ON g.rolname LIKE 'pg\\_%' AND g.rolname <> 'pg_database_owner'"
    " WHERE NOT u.rolsuper AND pg_has_role(u.oid, g.oid, 'MEMBER')",
    0 },
  { "privileged-users", N_ ("A user administers PostgreSQL itself: no rule of the server holds for them"),
    N_ ("Give the person a login of their own for that"),
    "SELECT u.rolname, format('ALTER ROLE %I NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB "
    "NOREPLICATION', u.rolname)"
    " FROM " USERS
    " WHERE u.rolsuper OR u.rolbypassrls OR u.rolcreaterole OR u.rolcreatedb OR u.rolreplication",
    0 },
  { "superuser-sessions", N_ ("Somebody works on this database as superuser"),
    N_ ("Find out who it is; programs and people use logins made by server add-user"),
    "SELECT format('%s: %s %s', a.usename, a.application_name, coalesce(a.client_addr::text, '')),"
    " format('SELECT pg_terminate_backend(%s)', a.pid) FROM pg_stat_activity a JOIN pg_roles r ON "
    "r.oid = a.usesysid"
    " WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND a.backend_type = "
    "'client backend'"
    " AND r.rolsuper",
    0 },
  { "functions", N_ ("A function is not the program's, or was changed"),
    N_ ("Find out who made it; drop it, or make it again as the migrations of schema/central do"),
    /* as it stands in a migration, or in a statement there, where quotes are doubled */
    "SELECT " FUNCTION "::text, NULL FROM " FUNCTIONS " WHERE " IS_OURS
    " AND strpos($1::text, '$' || p.prosrc || '$') = 0"
    " AND strpos(replace($1::text, '''''', ''''), '$' || p.prosrc || '$') = 0",
    CT_RULE_OF_MIGRATIONS },
  { "function-attributes", N_ ("A function runs otherwise than it was made to"),
    N_ ("Make it again as the migrations of schema/central do"),
    "SELECT " FUNCTION "::text, NULL FROM " FUNCTIONS " LEFT JOIN " DECLARED_FUNCTIONS
    " ON d.name = n.nspname || '.' || p.proname WHERE " IS_OURS
    /* who made another function is a question of its own; those of app that have no text are made by a loop */
    " AND (d.name IS NOT NULL OR n.nspname = 'app')"
    " AND ((p.prosecdef, p.proleakproof, p.proisstrict, p.provolatile::text) IS DISTINCT FROM"
    "  (coalesce(d.header LIKE '% SECURITY DEFINER%', false), false, coalesce(d.header LIKE '% STRICT%', "
    "false),"
    "   CASE WHEN d.name IS NULL OR d.header LIKE '% IMMUTABLE%' THEN 'i' WHEN d.header LIKE '% STABLE%' "
    "THEN 's' ELSE 'v' END)"
    /* its search path has a rule of its own */
    "  OR ARRAY(SELECT lower(c) FROM unnest(p.proconfig) c WHERE c NOT LIKE 'search\\_path=%' ORDER BY 1) <>"
    "   ARRAY(SELECT lower(m[1] || '=' || replace(m[2], '''', '')) FROM"
    "    regexp_matches(d.header, ' SET (\\w+) = (''[^'']*''|\\w+)', 'g') m WHERE m[1] <> 'search_path' "
    "ORDER BY 1))",
    CT_RULE_OF_MIGRATIONS },
  { "columns",
    N_ ("A column is not what the program takes it for: commands could write what is the server's alone"),
    N_ ("Set it back as the migrations of schema/central register it (sync.register)"),
    "SELECT format('%s.%s: %s', t.name, c.name, c.kind), NULL FROM sync.columns c JOIN sync.tables t ON t.id "
    "= c.tbl"
    " LEFT JOIN LATERAL (SELECT format_type(coalesce(nullif(d.typbasetype, 0), d.oid), NULL) AS type"
    "  FROM pg_attribute a JOIN pg_type d ON d.oid = a.atttypid WHERE a.attrelid = "
    "to_regclass(format('app.%I', t.name)) AND a.attname = c.name AND NOT "
    "a.attisdropped) a ON true"
    " LEFT JOIN (SELECT m[1] AS name, m[2]::jsonb AS special FROM regexp_matches(regexp_replace($1::text, "
    "'\\s+', ' ', 'g'),"
    "  'sync\\.register\\([0-9]+::smallint, ''(\\w+)'', ''\\w+'', (?:NULL|''\\w+''), ''(\\{[^'']*\\})''', "
    "'g') m) s"
    "  ON s.name = t.name"
    " WHERE a.type IS DISTINCT FROM c.type OR concat_ws(' ', c.kind, c.of) <> coalesce(("
    "  '{\"id\": \"key\", \"rev\": \"rev\", \"created_at\": \"created\", \"updated_at\": \"updated\","
    "    \"scopes\": \"scopes\"}'::jsonb || coalesce(s.special, '{\"archived_at\": \"stamp\"}')) ->> c.name, "
    "'data')",
    CT_RULE_OF_MIGRATIONS },
  { "view-columns", N_ ("A view does not show its table's rows as they are"),
    N_ ("Make it again as sync.register() does"),
    "SELECT format('api.%I', t.name), NULL FROM sync.tables t WHERE"
    " ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = to_regclass(format('api.%I', "
    "t.name))"
    "  AND a.attnum > 0 ORDER BY 1) <>"
    " ARRAY(SELECT c.name FROM sync.columns c WHERE c.tbl = t.id AND c.kind <> 'scopes' ORDER BY 1)"
    " OR pg_get_viewdef(to_regclass(format('api.%I', t.name))) !~"
    "  format('^ SELECT [a-z_0-9.,\\s\"]+ FROM app\\.%s;$', t.name)",
    0 },
  { "limits", N_ ("A login may take more of the server than a person's programs need"), N_ ("Set the limit"),
    "SELECT format('%s: %s', u.rolname, l.name), format('ALTER ROLE %I SET %I = %L', u.rolname, l.name, "
    "l.value)"
    " FROM " USERS ", (VALUES " CT_ADMIN_LIMITS ") l (name, value) WHERE " IS_PERSON
    " AND " CT_ADMIN_MAY_LIMIT
    " AND NOT EXISTS (SELECT FROM pg_db_role_setting x, unnest(x.setconfig) c WHERE x.setrole = u.oid"
    "  AND split_part(c, '=', 1) = l.name)"
    " UNION ALL SELECT format('%s: connections', u.rolname),"
    "  format('ALTER ROLE %I CONNECTION LIMIT " CT_ADMIN_CONNECTIONS "', u.rolname) FROM " USERS
    " WHERE " IS_PERSON " AND u.rolconnlimit = -1 AND NOT pg_has_role(u.oid, 'tower_agent', 'MEMBER')",
    0 },
  { "stallers", N_ ("The server cannot end a session that holds all others up"),
    N_ ("Let tower_owner see and end sessions"),
    "SELECT g.rolname, format('GRANT %I TO tower_owner', g.rolname) FROM pg_roles g"
    " WHERE g.rolname IN ('pg_signal_backend', 'pg_read_all_stats') AND NOT pg_has_role(" OWNER
    ", g.oid, 'MEMBER')",
    0 },
  { "prepared-transactions",
    N_ ("A login can leave a transaction open that survives its session, and hold all others up"),
    N_ ("Set it to 0 and start PostgreSQL anew"),
    "SELECT 'max_prepared_transactions = ' || current_setting('max_prepared_transactions'),"
    " 'ALTER SYSTEM SET max_prepared_transactions = 0' WHERE current_setting('max_prepared_transactions') <> "
    "'0'",
    0 },
  { "disk", N_ ("Every login can fill the disk by a function of PostgreSQL"), TAKE_AWAY,
    "SELECT p.oid::regprocedure::text, format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', "
    "p.oid::regprocedure)"
    " FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) x"
    " WHERE p.pronamespace = 'pg_catalog'::regnamespace AND x.grantee = 0"
    /* a managed server has limits of its own, and nobody there may do it */
    " AND (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)"
    " AND p.proname IN ('lo_creat', 'lo_create', 'lo_from_bytea', 'lo_open', 'lo_put', 'lowrite', "
    "'lo_truncate',"
    "  'lo_truncate64', 'pg_logical_emit_message')",
    0 },
  { "sign-in", N_ ("Passwords or rows may travel in clear, or whoever comes is believed"),
    N_ ("Let pg_hba.conf say hostssl and scram-sha-256, cert, gss or ldap, or take the line away"),
    "SELECT format('pg_hba.conf:%s: %s %s %s', h.line_number, h.type, coalesce(h.address, ''), "
    "h.auth_method), NULL"
    " FROM pg_hba_file_rules h WHERE h.error IS NULL AND h.type <> 'local' AND h.auth_method <> 'reject'"
    /* this machine is named by an address of its own and a whole mask */
    " AND (h.auth_method IN ('trust', 'password', 'md5') AND h.type LIKE 'host%' OR h.type IN ('host', "
    "'hostnossl')"
    "  AND h.address NOT IN ('127.0.0.1', '::1', 'localhost', 'samehost'))",
    CT_RULE_OF_PASSWORDS },
  { "passwords", N_ ("A password is kept in a form that is easily guessed"),
    N_ ("Set a new one: server add-user with --user-password-file or --ask-password"),
    "SELECT u.rolname, NULL FROM " USERS " JOIN pg_authid a ON a.oid = u.oid"
    " WHERE a.rolpassword NOT LIKE 'SCRAM-SHA-256$%'",
    CT_RULE_OF_PASSWORDS },
  { "password-encryption", N_ ("New passwords are kept in a form that is easily guessed"),
    N_ ("Set it to SCRAM"),
    "SELECT 'password_encryption = ' || current_setting('password_encryption'),"
    " 'ALTER SYSTEM SET password_encryption = ''scram-sha-256'''"
    " WHERE current_setting('password_encryption') <> 'scram-sha-256'",
    0 },
  { "policy-missing", N_ ("A command of the policy is not allowed here"), N_ ("Run towerctl server init"),
    "SELECT f.key, NULL FROM jsonb_each($1::text::jsonb) f WHERE jsonb_typeof(f.value -> 'roles') = "
    "'array'"
    " AND f.key NOT IN (SELECT command FROM sync.policy)",
    CT_RULE_OF_POLICY },
  { "policy-extra", N_ ("A command is allowed here that is not in the policy"),
    N_ ("Run towerctl server init"),
    "SELECT p.command, NULL FROM sync.policy p WHERE NOT $1::text::jsonb ? p.command", CT_RULE_OF_POLICY },
  { "policy-differs", N_ ("A command is allowed otherwise than the policy says"),
    N_ ("Run towerctl server init"),
    "SELECT p.command, NULL FROM sync.policy p JOIN jsonb_each($1::text::jsonb) f ON f.key = "
    "p.command"
    " WHERE (p.roles, p.predicate, p.undo, p.writes) IS DISTINCT FROM (ARRAY(SELECT "
    "jsonb_array_elements_text(f.value -> 'roles')),"
    "  f.value ->> 'where', coalesce(f.value -> 'undo' = 'true', false), coalesce(f.value -> 'writes', "
    "'{}'))",
    CT_RULE_OF_POLICY },
  { NULL, NULL, NULL, NULL, 0 },
};
