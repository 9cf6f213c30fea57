/* The server's administration: schema, status. */
#include "ct-admin.h"
#include "ct-schema.h"

/* The schema belongs to tower_owner, for whom a superuser may act as it is. On a managed server the administrator only owns
 * the database and may create roles: such a login becomes a member. */
static gboolean
join_owner (CtSession *session, GCancellable *cancellable, GError **error)
{
  return ct_session_script (session,
                            "DO $$ BEGIN"
                            "  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tower_owner') THEN"
                            "    CREATE ROLE tower_owner NOLOGIN; END IF;"
                            "  IF NOT pg_has_role(current_user, 'tower_owner', 'MEMBER') THEN"
                            "    EXECUTE format('GRANT tower_owner TO %I', current_user); END IF;"
                            "END $$",
                            cancellable, error);
}

/**
 * ct_admin_init:
 * @directory: the numbered migrations
 * @policy: the text of schema/policy.json
 * @shipped: the configuration that comes with the program, for a server that has none yet
 *
 * Creates the schema or brings it up to date, and loads policy and configuration. Each step is a transaction of its own that is done
 * once: interrupted, it goes on where it stopped.
 *
 * Returns: (transfer full): from which version to which, or %NULL: %CT_ERROR_CONFLICT where the server is newer than this
 *   program
 */
JsonObject *
ct_admin_init (CtSession *session, const char *directory, const char *policy, const char *shipped,
               GCancellable *cancellable, GError **error)
{
  int before = ct_schema_version (session, cancellable, error);
  gint64 documents;
  int after;

  if (before < 0 || !join_owner (session, cancellable, error) ||
      !ct_schema_upgrade (session, directory, cancellable, error) ||
      !ct_schema_load_policy (session, policy, cancellable, error) ||
      !ct_session_run (session, cancellable, error,
                       "SELECT sync.prepare_database(), sync.readmit_people(), sync.note_people()", ""))
    return NULL;
  documents = ct_schema_ship (session, shipped, cancellable, error);
  after = documents < 0 ? -1 : ct_schema_version (session, cancellable, error);
  return after < 0 ? NULL
                   : ct_json_build ("iiib", "schema", (gint64) after, "schemaBefore", (gint64) before,
                                    "documents", documents, "changed", after != before);
}

#define UTC(time)  "to_char((" time ") AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"
#define UTC_MS(ms) UTC ("to_timestamp(" ms " / 1000.0)")

/* Logins with a role of ours that may come in, as they are: membership may come through a group of the administrator's own. */
static const char users[] =
    "SELECT coalesce(jsonb_agg(jsonb_build_object('login', u.rolname, 'roles', u.roles, 'scopes', u.scopes,"
    "   'sees', u.sees,"
    "   'superuser', u.rolsuper, 'sessions', (SELECT count(*) FROM pg_stat_activity a"
    "      WHERE a.usename = u.rolname AND a.datname = current_database())) ORDER BY u.rolname), '[]')"
    " FROM (SELECT r.rolname, r.rolsuper,"
    "   ARRAY(SELECT substr(g.rolname, 7) FROM pg_roles g WHERE g.rolname LIKE 'tower\\_%'"
    "     AND g.rolname <> 'tower_viewer' AND pg_has_role(r.oid, g.oid, 'MEMBER') ORDER BY 1) AS roles,"
    "   ARRAY(SELECT DISTINCT s.name FROM sync.grants x JOIN sync.scopes s ON s.id = x.scope"
    "     JOIN pg_roles g ON g.rolname = x.grantee WHERE pg_has_role(r.oid, g.oid, 'MEMBER')"
    "     AND x.until > clock_timestamp() ORDER BY 1) AS scopes,"
    "   ARRAY(SELECT DISTINCT sync.grant_text(x) ||"
    "       CASE WHEN x.until <= clock_timestamp() THEN ' (ended)' ELSE '' END FROM sync.grants x"
    "     JOIN pg_roles g ON g.rolname = x.grantee WHERE pg_has_role(r.oid, g.oid, 'MEMBER') ORDER BY 1) AS "
    "sees"
    "   FROM pg_roles r WHERE r.rolcanlogin AND EXISTS (SELECT FROM pg_auth_members m"
    "     WHERE m.member = r.oid) AND pg_has_role(r.oid, 'tower_viewer', 'MEMBER')"
    "     AND has_database_privilege(r.oid, current_database(), 'CONNECT')) u";

static const char devices[] =
    "SELECT coalesce(jsonb_agg(jsonb_build_object('id', d.id, 'owner', d.owner, 'label', d.label,"
    "   'publicKey', encode(d.public_key, 'hex'), 'enrolledBy', d.enrolled_by,"
    "   'enrolledAt', " UTC_MS ("d.enrolled_at") ", 'revokedAt', " UTC_MS (
        "d.revoked_at") ","
                        "   'commands', d.last_n, 'forkedFrom', d.forked_from,"
                        "   'signed', d.signature IS NOT NULL, 'signer', d.signer,"
                        "   'vouchedBy', CASE WHEN d.signature IS NOT NULL THEN"
                        "     coalesce(api.voucher(d.signer), d.signer::text) END) ORDER BY d.owner, "
                        "d.enrolled_at, d.id), '[]')"
                        " FROM sync.devices d";

/* Scopes of which some see only the last days, and whether all their rows are sorted by them. */
static const char windows[] =
    "SELECT coalesce(jsonb_agg(jsonb_build_object('scope', s.name, 'days', w.days, 'ready', w.place IS NULL)"
    "   ORDER BY s.name), '[]') FROM sync.windows w JOIN sync.scopes s ON s.id = w.scope WHERE w.days > 0";

/* The newest signed head, NULL before the first; its root as audit verify prints it. */
static const char checkpoint[] =
    "(SELECT jsonb_build_object('origin', split_part(c.note, E'\\n', 1), 'size', c.size,"
    " 'root', encode(c.root, 'base64'), 'rootHex', encode(c.root, 'hex'), 'at', " UTC_MS (
        "c.at") ") FROM audit.checkpoints c ORDER BY c.size DESC, c.position DESC LIMIT 1)";

/**
 * ct_admin_status:
 *
 * Returns: (transfer full): schema, users, devices, feed and log at one moment, or %NULL: %CT_ERROR_NOT_FOUND where the
 *   database has no schema of ours
 */
JsonObject *
ct_admin_status (CtSession *session, GCancellable *cancellable, GError **error)
{
  g_autofree char *sql = g_strdup_printf (
      "SELECT jsonb_build_object('database', current_database(), 'postgresql', "
      "current_setting('server_version'),"
      " 'login', session_user, 'schema', (SELECT max(number) FROM public.tower_migrations),"
      " 'schemaAt', (SELECT " UTC (
          "max(at)") " FROM public.tower_migrations),"
                     " 'commands', (SELECT count(*) FROM sync.policy),"
                     " 'tables', (SELECT count(*) FROM sync.tables),"
                     " 'oldestClient', w.oldest, 'newestClient', w.newest, 'epoch', e.id, "
                     "'epochBegan', " UTC (
                         "e.began_at") ","
                                       " 'head', coalesce((SELECT max(number) FROM sync.txn), 0),"
                                       " 'headAt', (SELECT " UTC (
                                           "t.at") " FROM sync.txn t WHERE number IS NOT NULL ORDER BY "
                                                   "number DESC LIMIT 1),"
                                                   " 'logOrigin', (SELECT name FROM audit.origin), "
                                                   "'logKey', (SELECT vkey FROM audit.origin), 'leaves', "
                                                   "l.leaves, 'integrated', l.placed,"
                                                   " 'checkpoint', %s, 'users', (%s), 'devices', (%s), "
                                                   "'windows', (%s))"
                                                   " FROM sync.epoch e, sync.window w, (SELECT count(*) AS "
                                                   "leaves, (SELECT size FROM audit.head) AS placed "
                                                   "FROM audit.leaves) l",
      checkpoint, users, devices, windows);
  g_autoptr (CtAnswer) answer = NULL;
  g_autoptr (JsonNode) status = NULL;

  if (!ct_schema_check (session, cancellable, error) ||
      !(answer = ct_session_query (session, cancellable, error, sql, "")))
    return NULL;
  status = ct_json_parse (ct_answer_text (answer, 0, 0), -1, 64 * 1024 * 1024, error);
  return status ? json_object_ref (json_node_get_object (status)) : NULL;
}
