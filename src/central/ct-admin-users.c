/* Logins and devices. A login is a database role of its own, member of the groups of its roles; PostgreSQL itself checks
 * who it is and what it may. */
#include "ct-admin.h"
#include "ct-admin-rules.h"
#include "ct-schema.h"

#include <string.h>

/* Nobody guesses a password of these. */
#define PASSWORD_LEAST 12

/* The groups that stand for roles. */
#define GROUPS                                                                                               \
  "(SELECT oid, rolname, substr(rolname, 7) AS role FROM pg_roles"                                           \
  " WHERE rolname LIKE 'tower\\_%' AND rolname <> 'tower_owner') g"

/**
 * ct_admin_make_password:
 *
 * Returns: (transfer full): 20 letters and digits that cannot be mistaken for each other: 100 bits
 */
char *
ct_admin_make_password (void)
{
  static const char alphabet[] = "abcdefghijkmnpqrstuvwxyz23456789";
  guint8 random[20];
  GString *password = g_string_new (NULL);

  ct_random_bytes (random, sizeof random);
  for (guint i = 0; i < sizeof random; i++)
    g_string_append_printf (password, "%s%c", i && i % 5 == 0 ? "-" : "", alphabet[random[i] % 32]);
  explicit_bzero (random, sizeof random);
  return g_string_free (password, FALSE);
}

static char *
text_array (const char *const *texts)
{
  JsonArray *array = json_array_new ();
  g_autoptr (JsonNode) node = ct_json_wrap_array (array);

  for (; texts && *texts; texts++)
    json_array_add_string_element (array, *texts);
  return ct_json_canonical (node, NULL);
}

static gboolean
check_roles (CtSession *session, const char *const *roles, GCancellable *cancellable, GError **error)
{
  g_autoptr (CtAnswer) known = ct_session_query (
      session, cancellable, error, "SELECT string_agg(g.role, ' ' ORDER BY g.role) FROM " GROUPS, "");
  g_auto (GStrv) names = NULL;

  if (!known)
    return FALSE;
  names = g_strsplit (ct_answer_text (known, 0, 0), " ", -1);
  for (; *roles; roles++)
    if (!g_strv_contains ((const char *const *) names, *roles))
      return ct_fail (error, CT_ERROR_INVALID, _ ("There is no role “%s”; there are: %s"), *roles,
                      ct_answer_text (known, 0, 0));
  return TRUE;
}

/* A scope that nothing is ever in shows nothing: better said than wondered at. */
static gboolean
check_grants (const CtAdminUser *user, GError **error)
{
  for (guint i = 0; i < user->n_grants; i++) {
    const char *scope = user->grants[i].scope;

    if (strcmp (scope, "all") != 0 && !g_regex_match_simple ("^(region|seller|team):.+$", scope, 0, 0))
      return ct_fail (error, CT_ERROR_INVALID,
                      _ ("“%s” is no scope; write it as all, region:north, seller:NAME or team:sales"),
                      scope);
  }
  return TRUE;
}

static gboolean
check_user (CtSession *session, const CtAdminUser *user, GCancellable *cancellable, GError **error)
{
  gsize length = strlen (user->login);

  /* PostgreSQL cuts longer names, and two people would become one */
  if (length == 0 || length > 63 || g_str_has_prefix (user->login, "tower_") ||
      g_str_has_prefix (user->login, "pg_"))
    return ct_fail (error, CT_ERROR_INVALID,
                    _ ("“%s” cannot be a login: it has 1 to 63 bytes and begins with neither tower_ nor pg_"),
                    user->login);
  if (user->password && g_utf8_strlen (user->password, -1) < PASSWORD_LEAST)
    return ct_fail (error, CT_ERROR_INVALID, _ ("A password has at least %d characters"), PASSWORD_LEAST);
  return ct_schema_check (session, cancellable, error) &&
         check_roles (session, user->roles, cancellable, error) && check_grants (user, error);
}

typedef struct {
  gboolean exists, is_ours, is_here; /* here: in this database, and not in another alone */
  char *elsewhere; /* (nullable): the other Control Tower databases of this PostgreSQL that let it in */
  char *roles;     /* (nullable): what it is there and here: roles belong to the whole PostgreSQL */
} Login;

static void
login_clear (Login *self)
{
  g_free (self->elsewhere);
  g_free (self->roles);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Login, login_clear)

/* What tells a database of ours from outside it: tower_owner has something there. */
#define ELSEWHERE                                                                                            \
  "(SELECT string_agg(d.datname, ', ' ORDER BY d.datname) FROM pg_database d"                                \
  "  WHERE d.datname <> current_database() AND has_database_privilege(r.oid, d.oid, 'CONNECT')"              \
  "    AND EXISTS (SELECT FROM pg_shdepend s WHERE s.dbid = d.oid"                                           \
  "      AND s.refclassid = 'pg_authid'::regclass AND s.refobjid = 'tower_owner'::regrole))"
/* A viewer is everybody. */
#define ROLES_OF(login)                                                                                      \
  "(SELECT coalesce(string_agg(g.role, ', ' ORDER BY g.role), 'viewer') FROM " GROUPS                        \
  " WHERE g.role <> 'viewer' AND pg_has_role(" login ", g.oid, 'MEMBER'))"

/* Logins that administer the server itself are none of ours to change. */
static gboolean
find_login (CtSession *session, const char *name, Login *login, GCancellable *cancellable, GError **error)
{
  g_autoptr (CtAnswer) row = ct_session_query (
      session, cancellable, error,
      "SELECT r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls"
      "    OR r.rolname = current_user,"
      "  EXISTS (SELECT FROM pg_auth_members m JOIN " GROUPS " ON g.oid = m.roleid WHERE m.member = r.oid),"
      "  " ELSEWHERE ", " ROLES_OF ("r.oid") ","
                                             "  has_database_privilege(r.oid, current_database(), 'CONNECT')"
                                             "    OR EXISTS (SELECT FROM app.people p WHERE p.login = "
                                             "r.rolname AND p.archived_at IS NULL)"
                                             " FROM pg_roles r WHERE r.rolname = $1",
      "s", name);

  if (!row)
    return FALSE;
  login->exists = ct_answer_rows (row) > 0;
  login->is_ours = login->exists && ct_answer_int (row, 0, 1);
  if (login->is_ours) {
    login->elsewhere = g_strdup (ct_answer_text (row, 0, 2));
    login->roles = g_strdup (ct_answer_text (row, 0, 3));
    login->is_here = ct_answer_int (row, 0, 4);
  }
  return !login->exists || !ct_answer_int (row, 0, 0) ||
         ct_fail (error, CT_ERROR_REFUSED,
                  _ ("%s administers PostgreSQL itself; people and programs get logins of their own"), name);
}

/* Whoever is let in elsewhere keeps the roles of there: giving others here would change who they are there. */
static gboolean
check_elsewhere (CtSession *session, const CtAdminUser *user, const Login *login, GCancellable *cancellable,
                 GError **error)
{
  g_autofree char *roles = text_array (user->roles);
  g_autoptr (CtAnswer) asked = NULL;

  if (!login->elsewhere)
    return TRUE;
  asked = ct_session_query (session, cancellable, error,
                            "SELECT coalesce(string_agg(g.role, ', ' ORDER BY g.role), 'viewer') FROM " GROUPS
                            " WHERE g.role <> 'viewer' AND $1::text::jsonb ? g.role",
                            "s", roles);
  return asked &&
         (g_str_equal (ct_answer_text (asked, 0, 0), login->roles) ||
          ct_fail (error, CT_ERROR_CONFLICT,
                   _ ("“%s” is let into other databases of this PostgreSQL as well (%s), and a login has "
                      "the same roles in all of them: %s. Give it those here too, remove it there "
                      "first, or add another login for this database"),
                   user->login, login->elsewhere, login->roles));
}

/* Nobody becomes more here than was said, by a group of the administrator's own. */
static gboolean
check_given (CtSession *session, const CtAdminUser *user, GCancellable *cancellable, GError **error)
{
  g_autofree char *roles = text_array (user->roles);
  g_autoptr (CtAnswer) more = ct_session_query (session, cancellable, error,
                                                "SELECT string_agg(g.role, ', ' ORDER BY g.role) FROM " GROUPS
                                                " WHERE g.role <> 'viewer' AND NOT $2::text::jsonb ? g.role"
                                                " AND pg_has_role($1::text, g.oid, 'MEMBER')",
                                                "ss", user->login, roles);

  return more &&
         (!ct_answer_text (more, 0, 0) ||
          ct_fail (error, CT_ERROR_CONFLICT,
                   _ ("“%s” has other roles by a group of PostgreSQL that is not Control Tower's: %s. "
                      "Name them too, or take the login out of that group"),
                   user->login, ct_answer_text (more, 0, 0)));
}

/* Runs the statements that a query writes: the server itself quotes names and values. */
static gboolean
run_written (CtSession *session, GCancellable *cancellable, GError **error, CtAnswer *written)
{
  g_autoptr (CtAnswer) answer = written;

  return answer && (ct_answer_rows (answer) == 0 || !ct_answer_text (answer, 0, 0) ||
                    ct_session_script (session, ct_answer_text (answer, 0, 0), cancellable, error));
}

static gboolean
sets_password (const CtAdminUser *user, gboolean exists)
{
  return user->password && !(exists && user->if_new);
}

static gboolean
write_login (CtSession *session, const CtAdminUser *user, gboolean exists, GCancellable *cancellable,
             GError **error)
{
  g_autofree char *roles = text_array (user->roles);
  g_autofree char *verifier = NULL;

  /* what travels and what the server's log may hold is the verifier, not the password */
  if (sets_password (user, exists) &&
      !(verifier = ct_session_password_verifier (session, user->login, user->password, error)))
    return FALSE;
  return run_written (
      session, cancellable, error,
      ct_session_query (
          session, cancellable, error,
          "SELECT concat_ws('; ',"
          "  format(CASE WHEN w.new THEN 'CREATE' ELSE 'ALTER' END || ' ROLE %I LOGIN', w.login)"
          "    || ' CONNECTION LIMIT ' || CASE WHEN w.roles ? 'agent' THEN '-1' ELSE '" CT_ADMIN_CONNECTIONS
          "' END,"
          "  CASE WHEN w.verifier <> '' THEN format('ALTER ROLE %I PASSWORD %L', w.login, w.verifier) END,"
          "  (SELECT string_agg(format('ALTER ROLE %I SET %I = %L', w.login, l.name, l.value), '; ')"
          "     FROM (VALUES " CT_ADMIN_LIMITS ") l (name, value) WHERE " CT_ADMIN_MAY_LIMIT "),"
          "  (SELECT string_agg(format('REVOKE %I FROM %I', g.rolname, r.rolname), '; ')"
          "     FROM pg_auth_members m JOIN " GROUPS
          " ON g.oid = m.roleid JOIN pg_roles r ON r.oid = m.member"
          "     WHERE r.rolname = w.login AND NOT w.roles ? g.role),"
          "  (SELECT string_agg(format('GRANT %I TO %I', g.rolname, w.login), '; ') FROM " GROUPS
          "     WHERE w.roles ? g.role),"
          "  format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), w.login))"
          " FROM (SELECT $1::text AS login, $2::text::jsonb AS roles, $3::text AS verifier, $4::text = 'new' "
          "AS new) w",
          "ssss", user->login, roles, verifier, exists ? "" : "new"));
}

/* (transfer full): the grants as the server reads them */
static char *
grants_json (const CtAdminGrant *grants, guint n)
{
  JsonArray *array = json_array_new ();
  g_autoptr (JsonNode) node = ct_json_wrap_array (array);

  for (guint i = 0; i < n; i++)
    json_array_add_object_element (array, ct_json_build ("sii", "scope", grants[i].scope, "until",
                                                         grants[i].until, "days", grants[i].days));
  return ct_json_canonical (node, NULL);
}

/* By the server's clock, which is the one that counts. */
static gboolean
check_ends (CtSession *session, const CtAdminUser *user, GCancellable *cancellable, GError **error)
{
  g_autoptr (CtAnswer) ended =
      ct_session_query (session, cancellable, error,
                        "SELECT sync.grant_text(g) FROM sync.grants g WHERE grantee = $1"
                        " AND until <= clock_timestamp() ORDER BY 1 LIMIT 1",
                        "s", user->login);

  return ended && (ct_answer_rows (ended) == 0 ||
                   ct_fail (error, CT_ERROR_INVALID, _ ("%s: by the server's clock that is over already"),
                            ct_answer_text (ended, 0, 0)));
}

/* What the login sees; everything where nothing is said of one that sees nothing yet in this database. */
static gboolean
write_grants (CtSession *session, const CtAdminUser *user, GCancellable *cancellable, GError **error)
{
  static const CtAdminGrant everything = { .scope = "all" };
  g_autofree char *grants =
      user->grants ? grants_json (user->grants, user->n_grants) : grants_json (&everything, 1);
  g_autoptr (CtAnswer) has = ct_session_query (
      session, cancellable, error, "SELECT FROM sync.grants WHERE grantee = $1", "s", user->login);

  if (!has)
    return FALSE;
  return (ct_answer_rows (has) > 0 && !user->grants) ||
         (ct_session_run (session, cancellable, error, "DELETE FROM sync.grants WHERE grantee = $1", "s",
                          user->login) &&
          ct_session_run (session, cancellable, error,
                          "INSERT INTO sync.grants (grantee, scope, until, days)"
                          " SELECT $1::text, (sync.scope_ids(ARRAY[g ->> 'scope']))[1],"
                          "  coalesce(to_timestamp(nullif((g ->> 'until')::bigint, 0) / 1000.0), 'infinity'),"
                          "  nullif((g ->> 'days')::integer, 0)"
                          " FROM jsonb_array_elements($2::text::jsonb) g",
                          "ss", user->login, grants) &&
          check_ends (session, user, cancellable, error));
}

/* Replicas learn who there is and in which roles, and the log who said so. */
static gboolean
note (CtSession *session, const char *action, const char *login, GCancellable *cancellable, GError **error)
{
  return ct_session_run (session, cancellable, error, "SELECT sync.note_user($1, $2)", "ss", action, login);
}

static JsonObject *
describe_user (CtSession *session, const char *login, gboolean created, gboolean password_set,
               GCancellable *cancellable, GError **error)
{
  g_autoptr (CtAnswer) answer = ct_session_query (
      session, cancellable, error,
      "SELECT jsonb_build_object('login', r.rolname,"
      "  'roles', ARRAY(SELECT g.role FROM pg_auth_members m JOIN " GROUPS
      " ON g.oid = m.roleid WHERE m.member = r.oid ORDER BY 1),"
      "  'scopes', ARRAY(SELECT s.name FROM sync.grants x JOIN sync.scopes s ON s.id = x.scope"
      "    WHERE x.grantee = r.rolname ORDER BY 1),"
      "  'sees', ARRAY(SELECT sync.grant_text(x) FROM sync.grants x WHERE x.grantee = r.rolname ORDER BY 1),"
      /* of teams, which may have no record of their own, those that are there */
      "  'withoutRecords', ARRAY(SELECT s.name FROM sync.grants x JOIN sync.scopes s ON s.id = x.scope"
      "    WHERE x.grantee = r.rolname AND s.name <> 'all'"
      "      AND to_regrole(quote_ident('tower_' || substring(s.name FROM '^team:(.*)'))) IS NULL"
      "      AND NOT EXISTS (SELECT FROM sync.entry e WHERE e.scope = s.id AND NOT e.gone) ORDER BY 1))"
      " FROM pg_roles r WHERE r.rolname = $1",
      "s", login);
  g_autoptr (JsonNode) node =
      answer ? ct_json_parse (ct_answer_text (answer, 0, 0), -1, G_MAXINT32, error) : NULL;
  JsonObject *object;

  if (!node)
    return NULL;
  object = json_object_ref (json_node_get_object (node));
  json_object_set_boolean_member (object, "created", created);
  json_object_set_boolean_member (object, "passwordSet", password_set);
  return object;
}

/* Ends the transaction as it went; @done is what it made. */
static JsonObject *
end (CtSession *session, JsonObject *done, GCancellable *cancellable, GError **error)
{
  if (!done) {
    ct_session_end (session, FALSE, NULL, NULL);
    return NULL;
  }
  if (ct_session_end (session, TRUE, cancellable, error))
    return done;
  json_object_unref (done);
  return NULL;
}

/**
 * ct_admin_add_user:
 *
 * Makes a login with just these roles and lets it into this database; one that is there already gets them in place of what
 * it had, and keeps what is not said of its scopes and its password.
 *
 * Returns: (transfer full): the user, or %NULL: %CT_ERROR_REFUSED where the login administers PostgreSQL itself,
 *   %CT_ERROR_CONFLICT where it has other roles in another database
 */
JsonObject *
ct_admin_add_user (CtSession *session, const CtAdminUser *user, GCancellable *cancellable, GError **error)
{
  JsonObject *done = NULL;
  g_auto (Login) login = { 0 };

  if (!check_user (session, user, cancellable, error) ||
      !ct_session_run (session, cancellable, error, "BEGIN", ""))
    return NULL;
  if (find_login (session, user->login, &login, cancellable, error) &&
      check_elsewhere (session, user, &login, cancellable, error) &&
      write_login (session, user, login.exists, cancellable, error) &&
      check_given (session, user, cancellable, error) && write_grants (session, user, cancellable, error) &&
      note (session, "user.add", user->login, cancellable, error))
    done = describe_user (session, user->login, !login.exists, sets_password (user, login.exists),
                          cancellable, error);
  return end (session, done, cancellable, error);
}

/* Out of this database; where it is in no other, it is nobody's login any more. */
static gboolean
shut_out (CtSession *session, const char *name, gboolean elsewhere, GCancellable *cancellable, GError **error)
{
  g_autoptr (CtAnswer) left = NULL;

  if (!run_written (
          session, cancellable, error,
          ct_session_query (
              session, cancellable, error,
              "SELECT concat_ws('; ', format('REVOKE CONNECT ON DATABASE %I FROM %I', current_database(), "
              "$1::text),"
              "  CASE WHEN $2::int = 0 THEN concat_ws('; ', format('ALTER ROLE %I NOLOGIN', $1::text),"
              "    (SELECT string_agg(format('REVOKE %I FROM %I', g.rolname, r.rolname), '; ')"
              "       FROM pg_auth_members m JOIN " GROUPS " ON g.oid = m.roleid"
              "       JOIN pg_roles r ON r.oid = m.member WHERE r.rolname = $1)) END)",
              "si", name, (gint64) elsewhere)))
    return FALSE;
  left =
      ct_session_query (session, cancellable, error,
                        "SELECT has_database_privilege($1::text, current_database(), 'CONNECT')", "s", name);
  return left && (!elsewhere || !ct_answer_int (left, 0, 0) ||
                  ct_fail (error, CT_ERROR_CONFLICT,
                           _ ("“%s” is let into this database by a group of PostgreSQL that is not Control "
                              "Tower's: take the login out of that group first"),
                           name));
}

/* From now on the login may do nothing here; what it did stays in the log under its name. */
static JsonObject *
disable (CtSession *session, const char *name, gboolean elsewhere, GCancellable *cancellable, GError **error)
{
  JsonObject *done;

  if (!shut_out (session, name, elsewhere, cancellable, error) ||
      !ct_session_run (session, cancellable, error, "DELETE FROM sync.grants WHERE grantee = $1", "s",
                       name) ||
      !note (session, "user.remove", name, cancellable, error))
    return NULL;
  done = ct_session_run (session, cancellable, error,
                         "SELECT sync.revoke(id) FROM sync.devices"
                         " WHERE owner = $1 AND revoked_at IS NULL ORDER BY id",
                         "s", name)
             ? ct_json_build ("s", "login", name)
             : NULL;
  return done;
}

/* Ends its sessions and drops the role. Where other things of the server hang on it, it stays without a login; where another
 * database lets it in, it stays as it is there. */
static gboolean
drop (CtSession *session, const char *name, gboolean elsewhere, GCancellable *cancellable)
{
  ct_session_run (session, cancellable, NULL,
                  "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1"
                  " AND (datname = current_database() OR $2::int = 0)",
                  "si", name, (gint64) elsewhere);
  return !elsewhere && run_written (session, cancellable, NULL,
                                    ct_session_query (session, cancellable, NULL,
                                                      "SELECT format('DROP ROLE %I', $1::text)", "s", name));
}

/**
 * ct_admin_remove_user:
 *
 * Takes scopes and devices from a login, ends its sessions and lets it in no more; where no other database of this PostgreSQL
 * lets it in, takes its roles and drops it.
 *
 * Returns: (transfer full): "dropped" is false where the role had to stay, without a login or, "elsewhere" names the
 *   databases, with that
 */
JsonObject *
ct_admin_remove_user (CtSession *session, const char *name, GCancellable *cancellable, GError **error)
{
  JsonObject *done = NULL;
  g_auto (Login) login = { 0 };

  if (!ct_schema_check (session, cancellable, error) ||
      !ct_session_run (session, cancellable, error, "BEGIN", ""))
    return NULL;
  if (find_login (session, name, &login, cancellable, error)) {
    if (login.is_ours && (login.is_here || !login.elsewhere))
      done = disable (session, name, login.elsewhere != NULL, cancellable, error);
    else
      ct_fail (error, CT_ERROR_NOT_FOUND, _ ("There is no user “%s”"), name);
  }
  done = end (session, done, cancellable, error);
  if (done)
    json_object_set_boolean_member (done, "dropped",
                                    drop (session, name, login.elsewhere != NULL, cancellable));
  if (done && login.elsewhere)
    json_object_set_string_member (done, "elsewhere", login.elsewhere);
  return done;
}
