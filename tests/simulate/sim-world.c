#include "sim-world.h"
#include "ct-config.h"
#include "sim-client.h"
#include "sim-service.h"
#include "ct-test-folder.h"

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

/* What the service finds at once: invoices that nobody paid, one of them above what one person approves alone. */
static void
add_troubles (PgStation *station)
{
  static const struct {
    const char *region;
    int amount;
  } troubles[] = { { "north", 1284000 }, { "south", 90000 }, { "north", 3000000 } };

  for (guint i = 0; i < G_N_ELEMENTS (troubles); i++) {
    g_autofree char *distributor = pg_station_add (station, "Nordwind", troubles[i].region), *text = NULL;
    CtId order = sync_replica_run (station->replica, "order.create",
                                   "{\"distributor_id\":\"%s\",\"currency\":\"EUR\",\"total_minor\":%d}",
                                   distributor, troubles[i].amount);

    text = ct_id_to_string (&order);
    sync_replica_run (station->replica, "invoice.create",
                      "{\"order_id\":\"%s\",\"state\":\"issued\",\"amount_minor\":%d,\"currency\":"
                      "\"EUR\",\"issued_on\":\"2025-01-02\",\"due_on\":\"2025-02-02\"}",
                      text, troubles[i].amount);
  }
}

/* What the service found becomes tasks, which it drafts for as soon as it works. */
static void
add_tasks (PgStation *station)
{
  g_autofree char *exceptions = NULL;
  g_auto (GStrv) each = NULL;

  pg_station_sync (station);
  exceptions =
      sync_replica_text (station->replica, "SELECT group_concat(uuid_text(id), ' ') FROM exceptions");
  each = g_strsplit (exceptions, " ", -1);
  for (guint i = 0; each[i]; i++)
    sync_replica_run (
        station->replica, "task.create",
        "{\"exception\":\"%s\",\"channels\":[{\"channel\":\"slack\",\"destination\":\"#ops\"}]}", each[i]);
  pg_station_sync (station);
  g_assert_cmpint (pg_station_tray (station), ==, 0);
}

/* The channel leads to our provider, and nobody waits for the end of an undo window. */
static void
configure (PgStation *station, SlackProcess *provider)
{
  pg_station_configure (station);
  sync_replica_run (station->replica, "channel.add",
                    "{\"name\":\"slack\",\"kind\":\"slack\",\"base_url\":\"%s\",\"destination\":\"#ops\"}",
                    slack_process_url (provider));
  sync_replica_run (station->replica, "setting.set", "{\"key\":\"delivery.undo_window\",\"value\":\"0s\"}");
  sync_replica_run (station->replica, "setting.set", "{\"key\":\"delivery.quiet_period\",\"value\":\"0s\"}");
}

/* Makes the database that every seed begins with: schema, policy, logins and the shipped configuration. */
static void
prepare_database (SimStage *self)
{
  PgServer *server = self->server;
  g_autofree char *path = g_build_filename (CT_SOURCE_ROOT, "schema", "policy.json", NULL), *policy = NULL;
  g_autoptr (PgStation) station = NULL;

  g_assert_true (g_file_get_contents (path, &policy, NULL, NULL));
  pg_server_create (server, SIM_TEMPLATE, policy);
  station = pg_station_new (server, SIM_TEMPLATE, "ada");
  configure (station, self->provider);
  add_troubles (station);
  pg_station_sync (station);
  g_assert_cmpint (pg_station_tray (station), ==, 0);
  self->service = sim_service_prepare (server, self->provider);
  add_tasks (station);
}

void
sim_stage_prepare (SimStage *self)
{
  self->server = pg_server_start ();
  self->line = sim_line_start (self->server);
  self->provider = slack_process_new (NULL);
  prepare_database (self);
}

void
sim_stage_clear (SimStage *self)
{
  ct_test_remove (self->service);
  g_free (self->service);
  slack_process_free (self->provider);
  sim_line_stop (self->line);
  pg_server_stop (self->server);
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
  run (session, "ALTER DATABASE \"%s\" SET jit = off", to);
}

static void
drop_database (PgServer *server, const char *name)
{
  g_autoptr (CtSession) session = cluster (server);

  run (session, "DROP DATABASE IF EXISTS \"%s\" WITH (FORCE)", name);
}

SimWorld *
sim_world_new (const SimStage *stage, guint64 seed, gboolean verbose)
{
  SimWorld *self = g_new0 (SimWorld, 1);

  self->stage = stage;
  self->begins = ct_time_now ();
  self->seed = seed;
  self->random.state = seed * 2654435761u + 1;
  self->verbose = verbose;
  self->oldest = SIM_OLDEST_SPEAKING;
  self->database = g_strdup ("simulated");
  self->clients = g_ptr_array_new_with_free_func ((GDestroyNotify) sim_client_free);
  self->script = g_string_new (NULL);
  self->counts = g_hash_table_new (g_str_hash, g_str_equal);
  reset_roles (stage->server);
  drop_database (stage->server, self->database);
  copy_database (stage->server, SIM_TEMPLATE, self->database);
  self->root = pg_server_login (stage->server, self->database, "postgres");
  self->service = sim_service_new (self);
  return self;
}

void
sim_world_free (SimWorld *self)
{
  g_clear_pointer (&self->root, ct_session_close);
  g_ptr_array_unref (self->clients);
  sim_service_free (self->service);
  drop_database (self->stage->server, self->database);
  drop_database (self->stage->server, "simulated_backup");
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
  pg_server_crash (self->stage->server);
  self->root = pg_server_login (self->stage->server, self->database, "postgres");
}

void
sim_world_back_up_server (SimWorld *self)
{
  sim_world_say (self, "server: a backup is made");
  hang_up (self);
  drop_database (self->stage->server, "simulated_backup");
  copy_database (self->stage->server, self->database, "simulated_backup");
  self->root = pg_server_login (self->stage->server, self->database, "postgres");
  self->has_backup = TRUE;
}

/* The backup takes the place of what was there. */
void
sim_world_restore_server (SimWorld *self)
{
  sim_world_say (self, "server: is lost and restored from the backup");
  hang_up (self);
  drop_database (self->stage->server, self->database);
  copy_database (self->stage->server, "simulated_backup", self->database);
  self->root = pg_server_login (self->stage->server, self->database, "postgres");
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
  run (self->root, "SELECT sync.note_people()");
}

/* The service goes through some of the rows that come to windows or leave them. */
void
sim_world_retain (SimWorld *self, guint rows)
{
  g_autofree char *sql = g_strdup_printf ("SELECT sync.retain(%u)", rows);

  sim_world_say (self, "server: %d rows of windows are gone through", (int) pg_number (self->root, sql));
}

/* In the order of SimScopeChange; the login and the scope stand in them. */
static const struct {
  const char *says, *sql;
} scope_changes[] = {
  { "gives",
    "INSERT INTO sync.grants SELECT '%s', (sync.scope_ids(ARRAY['%s']))[1] ON CONFLICT (grantee, scope)"
    " DO UPDATE SET until = 'infinity', days = NULL" },
  { "gives the last month of",
    "INSERT INTO sync.grants (grantee, scope, days) SELECT '%s', (sync.scope_ids(ARRAY['%s']))[1], 30"
    " ON CONFLICT (grantee, scope) DO UPDATE SET until = 'infinity', days = 30" },
  { "takes", "DELETE FROM sync.grants WHERE grantee = '%s' AND scope = (SELECT id FROM sync.scopes WHERE "
             "name = '%s')" },
  { "comes to the end of", "UPDATE sync.grants SET until = clock_timestamp() WHERE grantee = '%s' AND scope ="
                           " (SELECT id FROM sync.scopes WHERE name = '%s')" },
};

void
sim_world_change_scope (SimWorld *self, const char *login, const char *scope, SimScopeChange change)
{
  sim_world_say (self, "server: %s scope %s of %s", scope_changes[change].says, scope, login);
  run (self->root, scope_changes[change].sql, login, scope);
}
