#include "pg-server.h"
#include "ct-push.h"
#include "ct-config.h"

#include <string.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <unistd.h>

struct _PgServer {
  GSubprocess *process;     /* (owned) */
  GDataInputStream *output; /* (owned): of the process */
  char *directory;          /* (owned): holds the socket */
  int port;
};

static int
free_port (void)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  socklen_t length = sizeof address;
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (bind (fd, (struct sockaddr *) &address, length), ==, 0);
  g_assert_cmpint (getsockname (fd, (struct sockaddr *) &address, &length), ==, 0);
  close (fd);
  return ntohs (address.sin_port);
}

/* (nullable) where somebody took the port meanwhile */
static PgServer *
try_start (void)
{
  g_autofree char *script = g_build_filename (CT_SOURCE_ROOT, "tests", "pg", "server.sh", NULL);
  g_autofree char *port = NULL, *line = NULL;
  g_autoptr (PgServer) self = g_new0 (PgServer, 1);
  g_autoptr (GError) error = NULL;

  self->port = free_port ();
  port = g_strdup_printf ("%d", self->port);
  self->process = g_subprocess_new (G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error,
                                    script, port, NULL);
  g_assert_no_error (error);
  self->output = g_data_input_stream_new (g_subprocess_get_stdout_pipe (self->process));
  line = g_data_input_stream_read_line (self->output, NULL, NULL, &error);
  g_assert_no_error (error);
  if (!line || !g_str_has_prefix (line, "ready "))
    return NULL;
  self->directory = g_strdup (line + strlen ("ready "));
  return g_steal_pointer (&self);
}

/* Never fails: a machine without PostgreSQL 15 fails the suite, as it should. */
PgServer *
pg_server_start (void)
{
  PgServer *self = NULL;

  for (int i = 0; i < 3 && !self; i++)
    self = try_start ();
  g_assert_nonnull (self);
  return self;
}

void
pg_server_stop (PgServer *self)
{
  if (self->process) {
    g_output_stream_close (g_subprocess_get_stdin_pipe (self->process), NULL, NULL);
    g_subprocess_wait (self->process, NULL, NULL);
    g_object_unref (self->process);
    g_object_unref (self->output);
  }
  g_free (self->directory);
  g_free (self);
}

/* As if its machine had failed: what was not committed is gone, all sessions with it. Returns when it answers again. */
void
pg_server_crash (PgServer *self)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *line = NULL;

  g_output_stream_write_all (g_subprocess_get_stdin_pipe (self->process), "crash\n", 6, NULL, NULL, &error);
  g_assert_no_error (error);
  line = g_data_input_stream_read_line (self->output, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (line && g_str_has_prefix (line, "ready "));
}

const char *
pg_server_socket (PgServer *self)
{
  return self->directory;
}

char *
pg_server_address (PgServer *self, const char *database, const char *login)
{
  return g_strdup_printf ("host=%s port=%d dbname=%s user=%s", self->directory, self->port, database, login);
}

char *
pg_server_tcp_address (PgServer *self, const char *database, const char *login)
{
  return g_strdup_printf ("host=127.0.0.1 port=%d dbname=%s user=%s password=secret-%s", self->port, database,
                          login, login);
}

CtSession *
pg_server_login (PgServer *self, const char *database, const char *login)
{
  g_autofree char *address = pg_server_address (self, database, login);
  g_autoptr (GError) error = NULL;
  CtSession *session = ct_session_open (address, NULL, &error);

  g_assert_no_error (error);
  return session;
}

/* Commands of the tests that go straight to the server; those of the program are in schema/policy.json. */
static const char own_policy[] =
    "{\"d.edit\": {\"roles\": [\"sales\", \"admin\"], \"writes\": {\"distributors\": {"
    "    \"insert\": true, \"update\": [\"legal_name\", \"city\", \"region\", \"notes\", "
    "\"credit_limit_minor\","
    "      \"onboarding_state\", \"archived_at\", \"value_band\", \"external_ref\", \"source\"],"
    "    \"onboarding_state\": [[\"prospect\", \"documents\"], [\"documents\", \"contract\"]]}}},"
    " \"d.delete\": {\"roles\": [\"sales\"], \"writes\": {\"distributors\": {\"delete\": true}}},"
    " \"d.look\": {\"roles\": [\"viewer\"], \"writes\": {}},"
    " \"d.mine\": {\"roles\": [\"sales\"], \"where\": \"nobody_knows\","
    "   \"writes\": {\"distributors\": {\"update\": [\"city\"]}}},"
    " \"m.edit\": {\"roles\": [\"sales\"], \"writes\": {\"memos\": {\"insert\": true, \"update\": "
    "[\"text\"], \"delete\": true},"
    "   \"distributors\": {\"insert\": true, \"delete\": true}}}}";

/* anna and ben sell everywhere, north sells in region north alone, ada administers, as does "admin", under whose name the
 * tests' replicas act, vera only looks, and mallory has a login and nothing else. */
static const char logins[] =
    "DO $$ DECLARE who text; BEGIN"
    "  FOREACH who IN ARRAY ARRAY['anna', 'ben', 'north', 'ada', 'admin', 'vera', 'mallory'] LOOP"
    "    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = who) THEN"
    "      EXECUTE 'CREATE ROLE ' || who || ' LOGIN PASSWORD ' || quote_literal('secret-' || who); END IF;"
    "  END LOOP;"
    "  EXECUTE 'GRANT CONNECT ON DATABASE ' || quote_ident(current_database())"
    "    || ' TO anna, ben, north, ada, admin, vera, mallory'; END $$;"
    "GRANT tower_sales TO anna, ben, north; GRANT tower_admin TO ada, admin; GRANT tower_viewer TO vera;"
    "INSERT INTO sync.grants SELECT who, (sync.scope_ids(ARRAY['all']))[1]"
    "  FROM unnest(ARRAY['anna', 'ben', 'ada', 'admin', 'vera']) who;"
    "INSERT INTO sync.grants SELECT 'north', (sync.scope_ids(ARRAY['region:north']))[1];"
    "SELECT sync.note_people();";

/* @policy: (nullable): the text of a policy file instead of the tests' own */
void
pg_server_create (PgServer *self, const char *database, const char *policy)
{
  g_autoptr (CtSession) root = pg_server_login (self, "postgres", "postgres");
  g_autofree char *create = g_strdup_printf ("CREATE DATABASE \"%s\"", database);
  g_autofree char *schema = g_build_filename (CT_SOURCE_ROOT, "schema", "central", NULL);
  g_autoptr (CtSession) session = NULL;
  g_autoptr (GError) error = NULL;

  ct_session_run (root, NULL, &error, create, "");
  g_assert_no_error (error);
  session = pg_server_login (self, database, "postgres");
  ct_schema_upgrade (session, schema, NULL, &error);
  g_assert_no_error (error);
  ct_schema_load_policy (session, policy ? policy : own_policy, NULL, &error);
  g_assert_no_error (error);
  ct_session_script (session, logins, NULL, &error);
  g_assert_no_error (error);
}

/* Makes a login with one role, where it is not there yet, and lets it into the root session's database. */
void
pg_server_let_in (CtSession *root, const char *login, const char *role)
{
  g_autofree char *sql = g_strdup_printf (
      "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '%1$s') THEN CREATE ROLE %1$s LOGIN; "
      "END IF;"
      " EXECUTE format('GRANT CONNECT ON DATABASE %%I TO %1$s', current_database()); END $$;"
      "GRANT tower_%2$s TO %1$s",
      login, role);
  g_autoptr (GError) error = NULL;

  ct_session_script (root, sql, NULL, &error);
  g_assert_no_error (error);
}

void
pg_server_enrol (PgServer *self, const char *database, const char *login, const CtId *device)
{
  g_autoptr (CtSession) ada = pg_server_login (self, database, "ada");
  g_autoptr (GError) error = NULL;
  CtHash none = { { 0 } };

  ct_push_enrol (ada, device, login, "a test's", NULL, 0, &none, NULL, NULL, &error);
  g_assert_no_error (error);
}

int
pg_server_port (PgServer *self)
{
  return self->port;
}
