#include "pg-station.h"
#include "ct-config.h"

#include <string.h>

void
pg_station_free (PgStation *self)
{
  g_clear_pointer (&self->session, ct_session_close);
  sync_replica_free (self->replica);
  g_free (self);
}

/* A workspace that was just begun, enrolled and logged in. */
PgStation *
pg_station_new (PgServer *server, const char *database, const char *login)
{
  PgStation *self = g_new0 (PgStation, 1);
  g_autoptr (CtSession) ada = pg_server_login (server, database, "ada");
  g_autoptr (GError) error = NULL;
  gboolean known;
  CtHash first;

  self->replica = sync_replica_new ();
  self->session = pg_server_login (server, database, login);
  g_assert_true (ct_backlog_hash (self->replica->db, 1, &first, &known, NULL) && known);
  ct_push_enrol (ada, &self->replica->device, login, "a test's", NULL, 1, &first, NULL, NULL, &error);
  g_assert_no_error (error);
  return self;
}

/* What a file of seeds/ holds, or all files of a folder, as a JSON array. */
static char *
read_documents (const char *name)
{
  g_autofree char *path = g_build_filename (CT_SOURCE_ROOT, "seeds", name, NULL);
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  g_autoptr (GString) all = g_string_new ("[");
  char *text = NULL;
  const char *file;

  if (!folder) {
    g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
    return text;
  }
  while ((file = g_dir_read_name (folder))) {
    g_autofree char *one = g_build_filename (path, file, NULL), *content = NULL;

    g_assert_true (g_file_get_contents (one, &content, NULL, NULL));
    g_strstrip (content);
    if (content[0] == '[') { /* several in one file */
      content[0] = ' ';
      content[strlen (content) - 1] = ' ';
    }
    g_string_append_printf (all, "%s%s", all->len > 1 ? "," : "", content);
  }
  g_string_append_c (all, ']');
  return g_string_free (g_steal_pointer (&all), FALSE);
}

/* The shipped configuration, as an administrator puts it in, and a channel. */
void
pg_station_configure (PgStation *self)
{
  static const char *const seeds[][2] = {
    { "rules", "rules" },
    { "agents", "agent_profiles" },
    { "templates", "templates" },
    { "calendars.json", "calendars" },
    { "sla-policies.json", "sla_policies" },
    { "routes.json", "routes" },
    { "guardrails.json", "guardrails" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (seeds); i++) {
    g_autofree char *documents = read_documents (seeds[i][0]);

    sync_replica_run (self->replica, "config.put", "{\"table\":\"%s\",\"documents\":%s}", seeds[i][1],
                      documents);
  }
  sync_replica_run (self->replica, "channel.add",
                    "{\"name\":\"slack\",\"kind\":\"slack\",\"base_url\":\"http://127.0.0.1:9\","
                    "\"destination\":\"#ops\"}");
  sync_replica_run (self->replica, "setting.set", "{\"key\":\"time_zone\",\"value\":\"UTC\"}");
}

CtSyncReport
pg_station_sync (PgStation *self)
{
  g_autoptr (GError) error = NULL;
  CtSyncReport report;

  ct_sync_round (self->replica->db, self->replica->commander, self->session, self->replica->now, NULL,
                 &report, &error);
  g_assert_no_error (error);
  sync_replica_check (self->replica);
  return report;
}

CtSyncReport
pg_station_pull (PgStation *self)
{
  g_autoptr (GError) error = NULL;
  CtSyncReport report = { 0 };

  ct_sync_pull (self->replica->db, self->replica->commander, self->session, self->replica->now, NULL, &report,
                &error);
  g_assert_no_error (error);
  return report;
}

/* How many commands wait there for a decision. */
gint64
pg_station_tray (PgStation *self)
{
  return sync_replica_number (self->replica, "SELECT count(*) FROM attention WHERE settled_at IS NULL");
}

static gboolean
holds (const char *bytes, gsize length, const char *word)
{
  gsize size = strlen (word);

  for (gsize at = 0; at + size <= length; at++)
    if (g_ascii_strncasecmp (bytes + at, word, size) == 0)
      return TRUE;
  return FALSE;
}

/* Whether the word stands anywhere in the replica's files, as it was typed or as an index has it. */
gboolean
pg_station_in_files (PgStation *self, const char *word)
{
  static const char *const names[] = { "replica.db", "replica.db-wal", "replica.db-shm" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree char *path = g_build_filename (self->replica->folder, names[i], NULL), *bytes = NULL;
    gsize length = 0;

    if (g_file_get_contents (path, &bytes, &length, NULL) && holds (bytes, length, word)) {
      g_test_message ("%s stands in %s", word, names[i]);
      return TRUE;
    }
  }
  return FALSE;
}

void
pg_station_assert_same (PgStation *a, PgStation *b)
{
  g_autofree char *one = sync_replica_dump (a->replica), *other = sync_replica_dump (b->replica);

  g_assert_cmpstr (one, ==, other);
}

/* A distributor made here. Returns: (transfer full): its UUID */
char *
pg_station_add (PgStation *self, const char *name, const char *region)
{
  CtId id = sync_replica_run (self->replica, "distributor.create",
                              "{\"legal_name\":\"%s\",\"currency\":\"EUR\",\"region\":\"%s\"}", name, region);

  return ct_id_to_string (&id);
}

void
pg_station_edit (PgStation *self, const char *id, const char *column, const char *value)
{
  sync_replica_run (self->replica, "distributor.edit", "{\"id\":\"%s\",\"%s\":\"%s\"}", id, column, value);
}

/* (transfer full): what an expression over a distributor gives here */
char *
pg_station_value (PgStation *self, const char *id, const char *expression)
{
  g_autofree char *sql =
      g_strdup_printf ("SELECT %s FROM distributors WHERE id = uuid('%s')", expression, id);

  return ct_db_read_text (self->replica->db, NULL, sql, "");
}

void
pg_station_assert_value (PgStation *self, const char *id, const char *expression, const char *expected)
{
  g_autofree char *value = pg_station_value (self, id, expression);

  g_assert_cmpstr (value, ==, expected);
}
