#include "sim-world.h"
#include "ct-config.h"
#include "sim-client.h"

#include <string.h>

/* (transfer full): a session of the cluster's, beside the databases */
static CtSession *
cluster (PgServer *server)
{
  return pg_server_login (server, "postgres", "postgres");
}

static void
run (CtSession *session, const char *format, ...)
{
  g_autofree char *sql = NULL;
  g_autoptr (GError) error = NULL;
  va_list list;

  va_start (list, format);
  sql = g_strdup_vprintf (format, list);
  va_end (list);
  ct_session_script (session, sql, NULL, &error);
  g_assert_no_error (error);
}

/* Makes the database that every seed begins with: schema, policy, logins and the shipped configuration. */
void
sim_world_prepare (PgServer *server)
{
  g_autofree char *path = g_build_filename (CT_SOURCE_ROOT, "schema", "policy.json", NULL), *policy = NULL;
  g_autoptr (PgStation) station = NULL;

  g_assert_true (g_file_get_contents (path, &policy, NULL, NULL));
  pg_server_create (server, SIM_TEMPLATE, policy);
  station = pg_station_new (server, SIM_TEMPLATE, "ada");
  pg_station_configure (station);
  pg_station_sync (station);
  g_assert_cmpint (pg_station_tray (station), ==, 0);
}

/* Logins belong to the cluster, databases come and go: each seed begins with the same roles. */
static void
reset_roles (PgServer *server)
{
  g_autoptr (CtSession) session = cluster (server);

  run (session, "REVOKE tower_accounting, tower_logistics, tower_legal, tower_partner, tower_admin FROM "
                "anna, ben, north;"
                "GRANT tower_sales TO anna, ben, north; GRANT tower_admin TO ada");
}

/* A template must have no sessions. Copied as files: in one that goes through the log, a crash turns the sequences back. */
static void
copy_database (PgServer *server, const char *from, const char *to)
{
  g_autoptr (CtSession) session = cluster (server);
  g_autofree char *waiting =
      g_strdup_printf ("SELECT count(*) FROM pg_stat_activity WHERE datname = '%s'", from);

  while (pg_number (session, waiting) > 0)
    g_usleep (500);
  run (session, "CREATE DATABASE \"%s\" TEMPLATE \"%s\" STRATEGY file_copy", to, from);
  run (session, "GRANT CONNECT ON DATABASE \"%s\" TO tower_viewer", to);
  run (session, "ALTER DATABASE \"%s\" SET jit = off", to);
}

static void
drop_database (PgServer *server, const char *name)
{
  g_autoptr (CtSession) session = cluster (server);

  run (session, "DROP DATABASE IF EXISTS \"%s\" WITH (FORCE)", name);
}

SimWorld *
sim_world_new (PgServer *server, SimLine *line, guint64 seed, gboolean verbose)
{
  SimWorld *self = g_new0 (SimWorld, 1);

  self->server = server;
  self->line = line;
  self->seed = seed;
  self->random.state = seed * 2654435761u + 1;
  self->verbose = verbose;
  self->oldest = SIM_OLDEST_SPEAKING;
  self->database = g_strdup ("simulated");
  self->clients = g_ptr_array_new_with_free_func ((GDestroyNotify) sim_client_free);
  self->script = g_string_new (NULL);
  self->counts = g_hash_table_new (g_str_hash, g_str_equal);
  reset_roles (server);
  drop_database (server, self->database);
  copy_database (server, SIM_TEMPLATE, self->database);
  self->root = pg_server_login (server, self->database, "postgres");
  return self;
}

void
sim_world_free (SimWorld *self)
{
  g_clear_pointer (&self->root, ct_session_close);
  g_ptr_array_unref (self->clients);
  drop_database (self->server, self->database);
  drop_database (self->server, "simulated_backup");
  g_string_free (self->script, TRUE);
  g_hash_table_unref (self->counts);
  g_free (self->database);
  g_free (self->failure);
  g_free (self);
}

/* One line of the script. */
void
sim_world_say (SimWorld *self, const char *format, ...)
{
  g_autofree char *line = NULL;
  va_list list;

  va_start (list, format);
  line = g_strdup_vprintf (format, list);
  va_end (list);
  g_string_append_printf (self->script, "  %s\n", line);
  if (self->verbose)
    g_print ("  %s\n", line);
}

void
sim_world_add (SimWorld *self, const char *what, guint n)
{
  guint before = GPOINTER_TO_UINT (g_hash_table_lookup (self->counts, what));

  if (n)
    g_hash_table_insert (self->counts, (gpointer) what, GUINT_TO_POINTER (before + n));
}

void
sim_world_count (SimWorld *self, const char *fault)
{
  sim_world_add (self, fault, 1);
}

/* Returns %FALSE; the first failure counts. */
gboolean
sim_world_fail (SimWorld *self, const char *format, ...)
{
  va_list list;

  if (self->failure)
    return FALSE;
  va_start (list, format);
  self->failure = g_strdup_vprintf (format, list);
  va_end (list);
  return FALSE;
}

gint64
sim_world_number (SimWorld *self, const char *sql)
{
  return pg_number (self->root, sql);
}

/* All sessions end: the server is not there, or is another one. */
static void
hang_up (SimWorld *self)
{
  g_clear_pointer (&self->root, ct_session_close);
  for (guint i = 0; i < self->clients->len; i++)
    sim_client_hang_up (self->clients->pdata[i]);
}

void
sim_world_crash_server (SimWorld *self)
{
  sim_world_say (self, "server: crashes and starts again");
  hang_up (self);
  pg_server_crash (self->server);
  self->root = pg_server_login (self->server, self->database, "postgres");
}

void
sim_world_back_up_server (SimWorld *self)
{
  sim_world_say (self, "server: a backup is made");
  hang_up (self);
  drop_database (self->server, "simulated_backup");
  copy_database (self->server, self->database, "simulated_backup");
  self->root = pg_server_login (self->server, self->database, "postgres");
  self->has_backup = TRUE;
}

/* The backup takes the place of what was there. */
void
sim_world_restore_server (SimWorld *self)
{
  sim_world_say (self, "server: is lost and restored from the backup");
  hang_up (self);
  drop_database (self->server, self->database);
  copy_database (self->server, "simulated_backup", self->database);
  self->root = pg_server_login (self->server, self->database, "postgres");
  self->restored = TRUE;
}

/* The server is upgraded: earlier programs than this one are no longer served. */
void
sim_world_end_old_programs (SimWorld *self)
{
  self->oldest = ct_migrate_newest (NULL);
  sim_world_say (self, "server: serves schema %d and later", self->oldest);
  run (self->root, "UPDATE sync.window SET oldest = %d", self->oldest);
}

void
sim_world_change_role (SimWorld *self, const char *login, const char *role, gboolean grant)
{
  sim_world_say (self, "server: %s role %s %s %s", grant ? "gives" : "takes", role, grant ? "to" : "from",
                 login);
  run (self->root, "%s tower_%s %s \"%s\"", grant ? "GRANT" : "REVOKE", role, grant ? "TO" : "FROM", login);
}

void
sim_world_change_scope (SimWorld *self, const char *login, const char *scope, gboolean grant)
{
  sim_world_say (self, "server: %s scope %s %s %s", grant ? "gives" : "takes", scope, grant ? "to" : "from",
                 login);
  if (grant)
    run (self->root,
         "INSERT INTO sync.grants SELECT '%s', (sync.scope_ids(ARRAY['%s']))[1] ON CONFLICT DO NOTHING",
         login, scope);
  else
    run (self->root,
         "DELETE FROM sync.grants WHERE grantee = '%s' AND scope = (SELECT id FROM sync.scopes WHERE name = "
         "'%s')",
         login, scope);
}
