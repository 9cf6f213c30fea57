/* The server's schema as such: who may do what, whatever the program says. */
#include "pg-device.h"
#include "ct-config.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define DB "server"

static PgServer *server;

/* What the catalogue must not hold: each query counts offenders. */
static void
test_boundary (void)
{
  static const struct {
    const char *what, *offenders;
  } rules[] = {
    { "functions pin search_path with pg_temp last",
      "SELECT count(*) FROM pg_proc p JOIN pg_namespace s ON s.oid = p.pronamespace"
      " WHERE s.nspname IN ('app', 'sync', 'audit', 'api') AND NOT EXISTS (SELECT FROM unnest(p.proconfig) c"
      "   WHERE c LIKE 'search_path=%pg_temp')" },
    { "functions belong to the owner",
      "SELECT count(*) FROM pg_proc p JOIN pg_namespace s ON s.oid = p.pronamespace"
      " WHERE s.nspname IN ('app', 'sync', 'audit', 'api') AND p.proowner <> 'tower_owner'::regrole" },
    { "no function for everybody",
      "SELECT count(*) FROM pg_proc p JOIN pg_namespace s ON s.oid = p.pronamespace"
      " WHERE s.nspname IN ('app', 'sync', 'audit', 'api') AND has_function_privilege('mallory', p.oid, "
      "'EXECUTE')" },
    { "only functions of api for the groups",
      "SELECT count(*) FROM pg_proc p JOIN pg_namespace s ON s.oid = p.pronamespace"
      " WHERE s.nspname IN ('app', 'sync', 'audit') AND has_function_privilege('tower_admin', p.oid, "
      "'EXECUTE')" },
    { "no relation for everybody",
      "SELECT count(*) FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace"
      " WHERE s.nspname IN ('app', 'sync', 'audit', 'api') AND c.relkind IN ('r', 'v')"
      "   AND has_table_privilege('mallory', c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, "
      "TRIGGER')" },
    { "no group writes a table",
      "SELECT count(*) FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace"
      " CROSS JOIN pg_roles g WHERE s.nspname IN ('app', 'sync', 'audit', 'api') AND c.relkind IN ('r', 'v')"
      "   AND g.rolname LIKE 'tower\\_%' AND g.rolname <> 'tower_owner'"
      "   AND has_table_privilege(g.oid, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')" },
    { "groups read business tables and views alone",
      "SELECT count(*) FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace"
      " WHERE s.nspname IN ('sync', 'audit') AND c.relkind IN ('r', 'v')"
      "   AND has_table_privilege('tower_admin', c.oid, 'SELECT')" },
    { "row security on every business table",
      "SELECT count(*) FROM pg_class c WHERE c.relnamespace = 'app'::regnamespace AND c.relkind = 'r'"
      " AND NOT c.relrowsecurity" },
    { "views run with the reader's rights",
      "SELECT count(*) FROM pg_class c WHERE c.relnamespace = 'api'::regnamespace AND c.relkind = 'v'"
      " AND NOT coalesce('security_invoker=true' = ANY (c.reloptions), false)" },
    { "no group logs in, is superuser, or bypasses row security",
      "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'tower\\_%' AND (rolcanlogin OR rolsuper OR "
      "rolbypassrls"
      " OR rolcreaterole OR rolcreatedb)" },
    { "nobody makes temporary tables or schemas",
      "SELECT count(*) FROM pg_roles WHERE (rolname LIKE 'tower\\_%' OR rolname = 'mallory') AND"
      " has_database_privilege(oid, current_database(), 'TEMP, CREATE')" },
    { "nobody creates in public",
      "SELECT count(*) FROM pg_roles WHERE (rolname LIKE 'tower\\_%' OR rolname = 'mallory')"
      " AND has_schema_privilege(oid, 'public', 'CREATE')" },
  };
  g_autoptr (CtSession) root = pg_server_login (server, DB, "postgres");

  for (guint i = 0; i < G_N_ELEMENTS (rules); i++) {
    g_test_message ("%s", rules[i].what);
    g_assert_cmpint (pg_number (root, rules[i].offenders), ==, 0);
  }
}

/* And what a login tries all the same. */
static void
test_refused (void)
{
  static const char *const tries[][2] = {
    { "anna",
      "INSERT INTO app.distributors (id, legal_name, currency) VALUES (gen_random_uuid(), 'x', 'EUR')" },
    { "anna", "UPDATE app.distributors SET legal_name = 'x'" },
    { "anna", "UPDATE api.distributors SET legal_name = 'x'" },
    { "anna", "DELETE FROM app.distributors" },
    { "anna", "TRUNCATE app.distributors" },
    { "anna", "DO $$ BEGIN LOCK TABLE sync.gate IN EXCLUSIVE MODE; END $$" },
    { "anna", "SELECT * FROM audit.leaves" },
    { "anna", "SELECT * FROM audit.log" },
    { "anna", "SELECT api.integrate()" },
    { "ada", "SELECT api.checkpoint(0, '', '')" },
    { "anna", "SELECT api.set_log_key('x')" },
    { "mallory", "SELECT * FROM api.log(0, 9)" },
    { "anna", "SELECT * FROM sync.entry" },
    { "anna", "SELECT sync.load_policy('{}')" },
    { "anna", "SELECT audit.append('{}', '[]')" },
    { "anna", "SELECT api.enrol(gen_random_uuid(), 'anna', '', NULL)" },
    { "anna", "SELECT api.revoke(gen_random_uuid())" },
    { "anna", "INSERT INTO sync.grants VALUES ('anna', 1)" },
    { "anna", "CREATE TEMP TABLE t (x int)" },
    { "anna", "SET ROLE tower_admin" },
    { "anna", "SET ROLE tower_owner" },
    { "ada", "UPDATE app.distributors SET legal_name = 'x'" },
    { "ada", "SELECT * FROM sync.devices" },
    { "vera", "SELECT api.enrol(gen_random_uuid(), 'vera', '', NULL)" },
    { "mallory", "SELECT * FROM api.distributors" },
    { "mallory", "SELECT * FROM api.head(NULL, 0, NULL)" },
    { "mallory", "SELECT api.apply(gen_random_uuid(), 1, '{}', '[]')" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (tries); i++) {
    g_autoptr (CtSession) session = pg_server_login (server, DB, tries[i][0]);
    g_autoptr (GError) error = NULL;

    g_test_message ("%s: %s", tries[i][0], tries[i][1]);
    g_assert_false (ct_session_run (session, NULL, &error, tries[i][1], ""));
    g_assert_cmpstr (ct_session_last_state (session), ==, "42501");
    g_assert_error (error, CT_ERROR, CT_ERROR_REFUSED);
  }
}

/* Not even the owner changes what was logged. */
static void
test_immutable (void)
{
  static const char *const tries[] = { "UPDATE audit.leaves SET leaf = '{}'",
                                       "DELETE FROM audit.leaves",
                                       "TRUNCATE audit.leaves CASCADE",
                                       "UPDATE audit.intents SET intent = '{}'",
                                       "UPDATE audit.log SET place = 9",
                                       "DELETE FROM audit.log",
                                       "TRUNCATE audit.log",
                                       "TRUNCATE audit.log_0",
                                       "DELETE FROM audit.intents" };
  g_autoptr (CtSession) root = pg_server_login (server, DB, "postgres");
  g_autoptr (PgDevice) device = pg_device_new (server, DB, "anna");

  pg_device_add (device, "Immutable", "south");
  g_assert_cmpint (pg_number (root, "SELECT api.integrate()"), >, 0);
  for (guint i = 0; i < G_N_ELEMENTS (tries); i++)
    g_assert_false (ct_session_run (root, NULL, NULL, tries[i], ""));
}

static void
test_upgrade_again (void)
{
  g_autoptr (CtSession) root = pg_server_login (server, DB, "postgres");
  g_autofree char *schema = g_build_filename (CT_SOURCE_ROOT, "schema", "central", NULL);
  g_autoptr (GError) error = NULL;
  gint64 before = pg_number (root, "SELECT count(*) FROM tower_migrations");

  g_assert_cmpint (before, >, 0);
  g_assert_true (ct_schema_upgrade (root, schema, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpint (pg_number (root, "SELECT count(*) FROM tower_migrations"), ==, before);
}

static void
test_addresses (void)
{
  static const struct {
    const char *address;
    int code;
  } cases[] = {
    { "host=db.example.com dbname=x", CT_ERROR_REFUSED },
    { "host=db.example.com dbname=x sslmode=require", CT_ERROR_REFUSED },
    { "postgresql://db.example.com/x?sslmode=verify-ca", CT_ERROR_REFUSED },
    { "hostaddr=192.0.2.1 host=localhost dbname=x", CT_ERROR_REFUSED },
    { "not an address", CT_ERROR_INVALID },
    { "host=/nonexistent dbname=x", CT_ERROR_NETWORK },
  };
  g_autofree char *tcp = pg_server_tcp_address (server, DB, "anna");
  g_autofree char *wrong = g_strdup_printf ("%s-not", tcp);
  g_autoptr (GError) error = NULL;
  g_autoptr (CtSession) session = ct_session_open (tcp, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpint (pg_number (session, "SELECT (session_user = 'anna')::int"), ==, 1);
  g_assert_null (ct_session_open (wrong, NULL, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_REFUSED);
  g_assert_nonnull (strstr (error->message, "anna"));
  g_assert_null (strstr (error->message, "28P01"));
  g_assert_null (strstr (error->message, ".c:"));
  g_assert_null (strstr (error->message, "secret"));
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_clear_error (&error);
    g_assert_null (ct_session_open (cases[i].address, NULL, &error));
    g_assert_error (error, CT_ERROR, cases[i].code);
  }
}

static gpointer
cancel_when_asleep (gpointer data)
{
  g_autoptr (CtSession) root = pg_server_login (server, DB, "postgres");

  while (!pg_number (root, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%'"
                           " AND pid <> pg_backend_pid() AND wait_event = 'PgSleep'"))
    g_usleep (10000);
  g_cancellable_cancel (data);
  return NULL;
}

/* A cancelled call returns at once, and its session goes on. */
static void
test_cancel (void)
{
  g_autoptr (CtSession) session = pg_server_login (server, DB, "anna");
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  GThread *thread = g_thread_new ("cancel", cancel_when_asleep, cancellable);

  g_assert_false (ct_session_run (session, cancellable, &error, "SELECT pg_sleep(600)", ""));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_thread_join (thread);
  g_assert_cmpint (pg_number (session, "SELECT 7"), ==, 7);
}

/* Runs in a process of its own, which is killed. */
static void
test_dies_subprocess (void)
{
  PgServer *own = pg_server_start ();

  g_printerr ("socket:%s\n", pg_server_socket (own));
  kill (getpid (), SIGKILL);
}

static void
test_dies (void)
{
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) child = g_subprocess_new (
      G_SUBPROCESS_FLAGS_STDERR_PIPE | G_SUBPROCESS_FLAGS_STDOUT_SILENCE, &error, program, "--die", NULL);
  g_autofree char *text = NULL;
  const char *at;

  g_assert_no_error (error);
  g_subprocess_communicate_utf8 (child, NULL, NULL, NULL, &text, &error);
  g_assert_no_error (error);
  g_assert_true (g_subprocess_get_if_signaled (child));
  at = strstr (text, "socket:");
  g_assert_nonnull (at);
  at = g_strchomp ((char *) at + strlen ("socket:"));
  /* communicate() ended only when the last holder of the pipe did: the directory goes last */
  for (int i = 0; i < 300 && g_file_test (at, G_FILE_TEST_EXISTS); i++)
    g_usleep (100000);
  g_assert_false (g_file_test (at, G_FILE_TEST_EXISTS));
}

int
main (int argc, char **argv)
{
  int result;

  if (argc == 2 && g_str_equal (argv[1], "--die")) {
    test_dies_subprocess ();
    return 1;
  }
  g_test_init (&argc, &argv, NULL);
  server = pg_server_start ();
  pg_server_create (server, DB, NULL);
  g_test_add_func ("/pg/server/boundary", test_boundary);
  g_test_add_func ("/pg/server/refused", test_refused);
  g_test_add_func ("/pg/server/immutable", test_immutable);
  g_test_add_func ("/pg/server/upgrade-again", test_upgrade_again);
  g_test_add_func ("/pg/server/addresses", test_addresses);
  g_test_add_func ("/pg/server/cancel", test_cancel);
  g_test_add_func ("/pg/server/dies-with-its-test", test_dies);
  result = g_test_run ();
  pg_server_stop (server);
  return result;
}
