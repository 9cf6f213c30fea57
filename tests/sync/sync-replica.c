#include "sync-replica.h"

#include <string.h>

static CtCommander *commander; /* immutable, so that one serves all; lives as long as the test */

/* A workspace that was just begun, a device of its own, whose first command it keeps to itself. */
static void
begin (CtDb *db)
{
  CtId device = ct_id_new (ct_time_now ());
  g_autoptr (CtCommander) standalone = ct_test_commander_on (db, &device);
  g_autoptr (GError) error = NULL;

  ct_backlog_begin (db, "a test's", 1, &error);
  g_assert_no_error (error);
}

static void
open_database (SyncReplica *self, int version)
{
  g_autoptr (GError) error = NULL;

  self->db = ct_test_replica_at (self->folder, version);
  /* the durability of commands is proved elsewhere; here hundreds of files come and go */
  ct_db_exec (self->db, "PRAGMA synchronous = OFF", &error);
  g_assert_no_error (error);
}

static SyncReplica *
open_folder (char *folder, int version, gboolean fresh)
{
  SyncReplica *self = g_new0 (SyncReplica, 1);
  g_autoptr (GError) error = NULL;

  self->folder = folder;
  self->actor = "admin";
  self->now = 1700000000000;
  open_database (self, version);
  if (fresh)
    begin (self->db);
  if (!commander) {
    ct_commands_register ();
    commander = ct_commander_new (ct_authority_central_new (), &error);
    g_assert_no_error (error);
  }
  self->commander = commander;
  ct_backlog_device (self->db, &self->device, &error);
  g_assert_no_error (error);
  return self;
}

/* @version: of the replica's schema, as an earlier program would have made it; 0: this program's */
SyncReplica *
sync_replica_new_at (int version)
{
  return open_folder (ct_test_folder (), version, TRUE);
}

SyncReplica *
sync_replica_new (void)
{
  return sync_replica_new_at (0);
}

/* The program ends, with all that was not committed, and another one starts, of that version. */
void
sync_replica_reopen (SyncReplica *self, int version)
{
  ct_db_close (self->db);
  open_database (self, version);
}

/* A replica of its own that begins as a copy of a database file. */
SyncReplica *
sync_replica_open (const char *file)
{
  char *folder = ct_test_folder ();
  g_autofree char *path = g_build_filename (folder, "replica.db", NULL);
  g_autofree char *bytes = NULL;
  gsize length;

  g_assert_true (g_file_get_contents (file, &bytes, &length, NULL));
  g_assert_true (g_file_set_contents (path, bytes, (gssize) length, NULL));
  return open_folder (folder, 0, FALSE);
}

/* As if somebody had copied the workspace. */
SyncReplica *
sync_replica_copy (SyncReplica *self)
{
  g_autofree char *path = g_build_filename (self->folder, "copy.db", NULL);
  SyncReplica *copy;

  g_assert_true (ct_db_run (self->db, NULL, "VACUUM INTO ?", "s", path));
  copy = sync_replica_open (path);
  copy->now = self->now;
  g_remove (path);
  return copy;
}

void
sync_replica_free (SyncReplica *self)
{
  ct_db_close (self->db);
  ct_test_remove (self->folder);
  g_free (self->folder);
  g_free (self);
}

static CtId seed_id;
static guint64 ids_given;

/* From here on all keys follow from @seed: a scenario that failed fails again. */
void
sync_replica_seed (guint32 seed)
{
  CtId base = { { 1, 0x8b, 0xcf, 0xe5, 0x68, 0 } };

  seed_id = ct_id_derive (&base, "seed", seed);
  ids_given = 0;
}

CtId
sync_replica_new_id (void)
{
  return ct_id_derive (&seed_id, "test", ids_given++);
}

/* @id: (out): of the record that was made, or nil */
gboolean
sync_replica_try (SyncReplica *self, const char *command, const char *args, CtId *id, GError **error)
{
  g_auto (CtOutcome) outcome = { 0 };
  g_autoptr (JsonNode) node = ct_json_parse (args, -1, 1 << 20, error);
  CtId own = ct_id_is_nil (&seed_id) ? ct_id_new (self->now) : sync_replica_new_id ();
  CtRequest request = { command, node ? json_node_get_object (node) : NULL, self->actor, self->now += 1000, 0,
                        &own };

  if (!node || !ct_commander_execute (self->commander, self->db, &request, &outcome, error))
    return FALSE;
  memset (id, 0, sizeof *id);
  ct_id_parse (ct_json_string (outcome.result, "id", NULL), id);
  return TRUE;
}

CtId
sync_replica_run (SyncReplica *self, const char *command, const char *format, ...)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *args = NULL;
  va_list list;
  CtId id;

  va_start (list, format);
  args = g_strdup_vprintf (format, list);
  va_end (list);
  sync_replica_try (self, command, args, &id, &error);
  g_assert_no_error (error);
  return id;
}

gint64
sync_replica_number (SyncReplica *self, const char *sql)
{
  g_autoptr (GError) error = NULL;
  gint64 number = 0;

  ct_db_read_int (self->db, &number, &error, sql, "");
  g_assert_no_error (error);
  return number;
}

char *
sync_replica_text (SyncReplica *self, const char *sql)
{
  g_autoptr (GError) error = NULL;
  char *text = ct_db_read_text (self->db, &error, sql, "");

  g_assert_no_error (error);
  return text;
}

/* (transfer full): all that its user sees of what the server has as well, without local numbers */
char *
sync_replica_dump (SyncReplica *self)
{
  static const char *const tables[] = { "distributors",
                                        "contacts",
                                        "products",
                                        "orders",
                                        "order_lines",
                                        "invoices",
                                        "shipments",
                                        "shipment_events",
                                        "documents",
                                        "task_notes",
                                        "calendars",
                                        "sla_policies",
                                        "rules",
                                        "agent_profiles",
                                        "routes",
                                        "templates",
                                        "guardrails",
                                        "experiments",
                                        "settings",
                                        "channels",
                                        "channel_destinations",
                                        "exceptions",
                                        "exception_episodes",
                                        "follow_up_tasks",
                                        "task_channels",
                                        "sla_events",
                                        "people",
                                        "person_roles",
                                        "absences",
                                        "delegations",
                                        "articles",
                                        "exchange_rates",
                                        "ai_outputs",
                                        "proposed_actions",
                                        "approvals",
                                        "outbox",
                                        "delivery_attempts",
                                        "replies" };
  GString *dump = g_string_new (NULL);

  for (guint t = 0; t < G_N_ELEMENTS (tables); t++) {
    g_autofree char *sql = g_strdup_printf ("SELECT * FROM %s ORDER BY id", tables[t]);
    g_autoptr (CtStmt) stmt = ct_db_query (self->db, NULL, sql, "");

    while (ct_stmt_next (stmt)) {
      for (int i = 0; i < ct_stmt_n_columns (stmt); i++) {
        CtId id;

        if (g_str_equal (ct_stmt_name (stmt, i), "n") || ct_stmt_is_null (stmt, i))
          continue;
        if (ct_stmt_type (stmt, i) == 'b' && ct_stmt_id (stmt, i, &id)) {
          g_autofree char *text = ct_id_to_string (&id);

          g_string_append_printf (dump, " %s=%s", ct_stmt_name (stmt, i), text);
        } else {
          g_string_append_printf (dump, " %s=%s", ct_stmt_name (stmt, i), ct_stmt_text (stmt, i));
        }
      }
      g_string_append_c (dump, '\n');
    }
    g_assert_true (ct_stmt_finish (stmt, NULL));
  }
  return g_string_free (dump, FALSE);
}

/* The file is sound, search finds what is there, and every command is pending, settled, or in the tray. */
void
sync_replica_check (SyncReplica *self)
{
  g_autofree char *integrity = sync_replica_text (self, "PRAGMA integrity_check");

  g_assert_cmpstr (integrity, ==, "ok");
  g_assert_cmpint (sync_replica_number (self, "SELECT count(*) FROM pragma_foreign_key_check"), ==, 0);
  g_assert_true (ct_db_exec (
      self->db, "INSERT INTO distributors_fts(distributors_fts) VALUES('integrity-check')", NULL));
  g_assert_cmpint (sync_replica_number (
                       self,
                       "SELECT count(*) FROM intents i JOIN sync_state s WHERE i.seq <= s.acknowledged"
                       " AND i.seq > 1 AND NOT EXISTS (SELECT 1 FROM sync_outcomes o WHERE o.seq = i.seq)"),
                   ==, 0);
  g_assert_cmpint (sync_replica_number (self,
                                        "SELECT count(*) FROM sync_outcomes o WHERE o.outcome = 'rejected'"
                                        " AND NOT EXISTS (SELECT 1 FROM attention a WHERE a.seq = o.seq)"),
                   ==, 0);
}
