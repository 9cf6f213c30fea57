/* Scopes that come and go: a grant brings what is new, a revocation takes every trace. And what was long gone. */
#include "pg-station.h"
#include "ct-config.h"
#include "ct-tray.h"

#include <string.h>

static PgServer *server;
static char *policy; /* schema/policy.json */

static CtId
add (PgStation *self, const char *name, const char *region)
{
  return sync_replica_run (
      self->replica, "distributor.create",
      "{\"legal_name\":\"%s\",\"currency\":\"EUR\",\"region\":\"%s\",\"city\":\"City of %s\"}", name, region,
      name);
}

static void
edit (PgStation *self, const CtId *id, const char *column, const char *value)
{
  g_autofree char *text = ct_id_to_string (id);

  sync_replica_run (self->replica, "distributor.edit", "{\"id\":\"%s\",\"%s\":\"%s\"}", text, column, value);
}

static void
run_as_root (const char *database, const char *sql)
{
  g_autoptr (CtSession) root = pg_server_login (server, database, "postgres");
  g_autoptr (GError) error = NULL;

  ct_session_run (root, NULL, &error, sql, "");
  g_assert_no_error (error);
}

#define GRANT                                                                                                \
  "INSERT INTO sync.grants SELECT 'north', x FROM unnest(sync.scope_ids(ARRAY['region:west', "               \
  "'region:east'])) x"
#define REVOKE                                                                                               \
  "DELETE FROM sync.grants WHERE grantee = 'north' AND scope = (sync.scope_ids(ARRAY['region:west']))[1]"

/* How a scope goes: taken away, or its time is over, and then nobody does anything. Where time passes, the end comes nearer. */
static const struct {
  const char *path, *database, *grant, *end;
} ends[] = {
  { "/pg/scopes/revocation", "revoked", GRANT, REVOKE },
  { "/pg/scopes/grant-ends", "ended",
    "INSERT INTO sync.grants SELECT 'north', x, clock_timestamp() + interval '1 hour'"
    " FROM unnest(sync.scope_ids(ARRAY['region:west', 'region:east'])) x",
    "UPDATE sync.grants SET until = until - interval '1 hour' WHERE grantee = 'north' AND scope ="
    " (sync.scope_ids(ARRAY['region:west']))[1]" },
};

static void
assert_tray (PgStation *self, const char *expected)
{
  g_autofree char *codes =
      sync_replica_text (self->replica, "SELECT group_concat(json_extract(theirs, '$.code') || ' ' || "
                                        "json_array_length(theirs, '$.columns') || coalesce("
                                        "(SELECT args FROM intents i WHERE i.seq = a.seq), ''), ', ')"
                                        " FROM attention a");

  g_assert_cmpstr (codes, ==, expected);
}

static void
test_revocation (gconstpointer data)
{
  guint how = GPOINTER_TO_UINT (data);
  const char *database = ends[how].database;
  /* typed by others, by the person before, in vain, and while offline; the last is a child's */
  static const char *const secrets[] = { "Xylofon", "Quarzuhr", "Widerruf", "Jockeymuetze", "Vorratsware" };
  g_autoptr (PgStation) a = NULL, n = NULL;
  CtId west, north;
  g_autofree char *text = NULL;
  CtSyncReport report;

  pg_server_create (server, database, policy);
  a = pg_station_new (server, database, "anna");
  n = pg_station_new (server, database, "north");
  north = add (a, "Nordwind", "north");
  add (a, "Orient", "east");
  west = add (a, "Xylofon", "west");
  text = ct_id_to_string (&west);
  sync_replica_run (
      a->replica, "order.create",
      "{\"distributor_id\":\"%s\",\"currency\":\"EUR\",\"notes\":\"Vorratsware\",\"lines\":[{\"sku\":"
      "\"Vorratsware\",\"quantity_milli\":1000,\"unit_price_minor\":5}]}",
      text);
  pg_station_sync (a);
  pg_station_sync (n);
  g_assert_cmpint (sync_replica_number (n->replica, "SELECT count(*) FROM distributors"), ==, 1);
  /* a grant brings what is new and nothing else */
  run_as_root (database, ends[how].grant);
  report = pg_station_sync (n);
  g_assert_cmpuint (report.pulled.rows, ==, 4);
  g_assert_cmpuint (report.pulled.gone, ==, 0);
  edit (n, &west, "street", "Quarzuhr");
  edit (n, &north, "street", "Weststrasse");
  edit (a, &west, "city", "Widerruf");
  pg_station_sync (a);
  edit (n, &west, "city", "Widerruf by me"); /* a conflict: it lies in the tray with both values */
  pg_station_sync (n);
  g_assert_cmpint (pg_station_tray (n), ==, 1);
  edit (n, &west, "notes", "Jockeymuetze");
  edit (n, &north, "notes", "stays");
  for (guint i = 0; i < G_N_ELEMENTS (secrets); i++)
    g_assert_true (pg_station_in_files (n, secrets[i]));
  run_as_root (database, ends[how].end);
  g_assert_cmpint (pg_number (n->session, "SELECT count(*) FROM api.distributors"), ==, 2);
  g_assert_cmpint (pg_number (n->session, "SELECT count(*) FROM app.orders"), ==, 0);
  report = pg_station_sync (n);
  g_assert_cmpuint (report.pulled.gone, ==, 3);
  g_assert_cmpint (sync_replica_number (n->replica, "SELECT count(*) FROM orders"), ==, 0);
  g_assert_cmpint (sync_replica_number (n->replica, "SELECT count(*) FROM order_lines"), ==, 0);
  g_assert_cmpint (sync_replica_number (n->replica, "SELECT count(*) FROM distributors"), ==, 2);
  assert_tray (n, "hidden 0, hidden 0");
  for (guint i = 0; i < G_N_ELEMENTS (secrets); i++)
    g_assert_false (pg_station_in_files (n, secrets[i]));
  /* and of the rest nothing is lost */
  g_assert_true (pg_station_in_files (n, "Weststrasse"));
  g_assert_cmpint (
      sync_replica_number (n->replica, "SELECT count(*) FROM distributors WHERE notes = 'stays'"), ==, 1);
  g_assert_cmpuint (pg_station_sync (n).pushed, ==, 0);
  /* granted again: it comes back, without what was in vain */
  run_as_root (database, GRANT " ON CONFLICT (grantee, scope) DO UPDATE SET until = 'infinity'");
  g_assert_cmpuint (pg_station_sync (n).pulled.rows, ==, 3);
  g_assert_cmpint (
      sync_replica_number (n->replica,
                           "SELECT count(*) FROM distributors WHERE street = 'Quarzuhr' AND notes = ''"),
      ==, 1);
}

/* A row that moves out of all of a login's scopes goes as thoroughly, and an ordinary deletion keeps the history. */
static void
test_row_moves (void)
{
  g_autoptr (PgStation) a = NULL, n = NULL;
  CtId moves, stays;

  pg_server_create (server, "moves", policy);
  a = pg_station_new (server, "moves", "anna");
  n = pg_station_new (server, "moves", "north");
  moves = add (a, "Zugvogel", "north");
  stays = add (a, "Nordwind", "north");
  pg_station_sync (a);
  pg_station_sync (n);
  edit (n, &moves, "notes", "Abflug");
  edit (n, &stays, "notes", "kept");
  pg_station_sync (n);
  edit (a, &moves, "region", "south");
  pg_station_sync (a);
  pg_station_sync (n);
  g_assert_false (pg_station_in_files (n, "Zugvogel"));
  g_assert_false (pg_station_in_files (n, "Abflug"));
  g_assert_cmpint (sync_replica_number (n->replica, "SELECT count(*) FROM changesets WHERE seq > 1"), ==, 1);
  /* and where the server was restored, which then tells of no row that is gone */
  edit (a, &moves, "region", "north");
  pg_station_sync (a);
  pg_station_sync (n);
  g_assert_true (pg_station_in_files (n, "Zugvogel"));
  edit (a, &moves, "region", "south");
  pg_station_sync (a);
  run_as_root ("moves", "UPDATE sync.epoch SET id = gen_random_uuid()");
  g_assert_cmpuint (pg_station_sync (n).pulled.gone, ==, 1);
  g_assert_false (pg_station_in_files (n, "Zugvogel"));
  run_as_root ("moves", "DELETE FROM app.distributors");
  g_assert_cmpuint (pg_station_sync (n).pulled.gone, ==, 1);
  g_assert_cmpint (sync_replica_number (n->replica, "SELECT count(*) FROM changesets WHERE seq > 1"), ==, 1);
}

/* Made here, applied there, and out of sight before the first pull, which does not say what it leaves out: what would undo it goes.
 * What was taken back here keeps its history. */
static void
test_out_of_sight (void)
{
  g_autoptr (PgStation) n = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *made = NULL;
  CtSyncReport report;
  gboolean again;

  pg_server_create (server, "sight", policy);
  run_as_root ("sight", "INSERT INTO sync.grants SELECT 'north', (sync.scope_ids(ARRAY['region:west']))[1]");
  n = pg_station_new (server, "sight", "north");
  add (n, "Zaunkoenig", "west");
  add (n, "Nordwind", "north");
  add (n, "Kuckuck", "north");
  made =
      sync_replica_text (n->replica, "SELECT uuid_text(command_id) FROM intents ORDER BY seq DESC LIMIT 1");
  sync_replica_run (n->replica, "command.undo", "{\"command\":\"%s\"}", made);
  ct_sync_push (n->replica->db, n->session, NULL, &report, &again, &error);
  g_assert_no_error (error);
  run_as_root ("sight", REVOKE);
  pg_station_sync (n);
  g_assert_false (pg_station_in_files (n, "Zaunkoenig"));
  g_assert_true (pg_station_in_files (n, "Kuckuck"));
  g_assert_cmpint (sync_replica_number (n->replica, "SELECT count(*) FROM distributors"), ==, 1);
}

/* What could not be applied and was given again, twice, says the same as what then was: it goes with it. */
static void
test_given_again (void)
{
  g_autoptr (PgStation) n = NULL;

  pg_server_create (server, "again", policy);
  run_as_root ("again", "INSERT INTO sync.grants SELECT 'north', (sync.scope_ids(ARRAY['region:west']))[1]");
  n = pg_station_new (server, "again", "north");
  add (n, "Kuckuck", "north");
  run_as_root ("again", "ALTER TABLE app.distributors ADD CONSTRAINT not_now CHECK (region <> 'west')");
  add (n, "Zaunkoenig", "west");
  for (int times = 0; times < 2; times++) {
    g_autoptr (GError) error = NULL;

    pg_station_sync (n);
    g_assert_cmpint (pg_station_tray (n), ==, 1);
    if (times == 1)
      run_as_root ("again", "ALTER TABLE app.distributors DROP CONSTRAINT not_now");
    ct_tray_settle (n->replica->db, n->replica->commander,
                    sync_replica_number (n->replica, "SELECT max(seq) FROM attention"), "mine", NULL, "north",
                    n->replica->now, &error);
    g_assert_no_error (error);
  }
  pg_station_sync (n);
  g_assert_cmpint (sync_replica_number (n->replica, "SELECT count(*) FROM distributors"), ==, 2);
  run_as_root ("again", REVOKE);
  pg_station_sync (n);
  g_assert_false (pg_station_in_files (n, "Zaunkoenig"));
  g_assert_true (pg_station_in_files (n, "Kuckuck"));
}

/* What would have hung on a record that is hidden now, and what would have hung on that: it waits, was refused, was dropped. */
static const struct {
  const char *path, *database, *choice;
  gboolean refused;
} children[] = {
  { "/pg/scopes/child-waits", "waits", NULL, FALSE },
  { "/pg/scopes/child-refused", "refused", NULL, TRUE },
  { "/pg/scopes/child-dropped", "dropped", "discard", TRUE },
};

static void
test_children (gconstpointer data)
{
  guint how = GPOINTER_TO_UINT (data);
  const char *database = children[how].database;
  g_autoptr (PgStation) a = NULL, n = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL, *order_text = NULL;
  CtId west, north, order;

  pg_server_create (server, database, policy);
  a = pg_station_new (server, database, "anna");
  n = pg_station_new (server, database, "north");
  west = add (a, "Orkus", "west");
  north = add (a, "Nordwind", "north");
  text = ct_id_to_string (&west);
  pg_station_sync (a);
  run_as_root (database, GRANT);
  pg_station_sync (n);
  if (children[how].refused)
    run_as_root (database,
                 "UPDATE sync.policy SET roles = '{}' WHERE command IN ('order.create', 'note.add')");
  order = sync_replica_run (n->replica, "order.create",
                            "{\"distributor_id\":\"%s\",\"currency\":\"EUR\",\"notes\":\"Zwielicht\"}", text);
  order_text = ct_id_to_string (&order);
  sync_replica_run (n->replica, "note.add",
                    "{\"subject_type\":\"order\",\"subject\":\"%s\",\"text\":\"Daemmerung\"}", order_text);
  if (children[how].refused)
    pg_station_sync (n);
  if (children[how].choice)
    ct_tray_settle (n->replica->db, n->replica->commander,
                    sync_replica_number (n->replica, "SELECT min(seq) FROM attention"), children[how].choice,
                    NULL, "north", n->replica->now, &error);
  g_assert_no_error (error);
  edit (n, &north, "notes", "stays");
  g_assert_true (pg_station_in_files (n, "Zwielicht"));
  run_as_root (database, REVOKE);
  pg_station_sync (n);
  g_assert_cmpint (sync_replica_number (n->replica, "SELECT count(*) FROM distributors"), ==, 1);
  assert_tray (n, "hidden 0, hidden 0");
  g_assert_false (pg_station_in_files (n, "Zwielicht"));
  g_assert_false (pg_station_in_files (n, "Daemmerung"));
  g_assert_cmpint (
      sync_replica_number (n->replica, "SELECT count(*) FROM distributors WHERE notes = 'stays'"), ==, 1);
}

/* What a login had of scopes cannot be made up: the keys of another region do not come for the asking. */
static void
test_made_up (void)
{
  static const char *const tables[] = { "distributors", NULL };
  g_autoptr (PgStation) a = NULL;
  g_autoptr (CtSession) north = NULL;
  g_autoptr (CtPulled) mine = NULL;
  g_autofree char *everything = NULL;
  CtId nobody = { { 0 } };
  CtCursor nothing = { 0 };

  pg_server_create (server, "made", policy);
  a = pg_station_new (server, "made", "anna");
  add (a, "Secret", "south");
  pg_station_sync (a);
  north = pg_server_login (server, "made", "north");
  mine = ct_pull (north, tables, &nothing, NULL, &nobody, 0, NULL, NULL);
  g_assert_cmpuint (mine->rows->len, ==, 0);
  everything = g_strdup_printf ("{1,2,3,4,5,6,7,8,9} %s", strchr (mine->scopes, ' ') + 1);
  for (int stolen = 0; stolen < 2; stolen++) {
    g_autofree char *theirs = sync_replica_text (a->replica, "SELECT scopes FROM sync_state");
    g_autoptr (CtPulled) pulled =
        ct_pull (north, tables, &mine->cursor, stolen ? theirs : everything, &nobody, 0, NULL, NULL);

    g_assert_true (pulled->whole);
    g_assert_cmpuint (pulled->rows->len, ==, 0);
  }
}

/* Lines of gone rows are not kept for ever: who comes back later compares keys, with the queue as it is. */
static void
test_floor (void)
{
  g_autoptr (PgStation) a = NULL, b = NULL;
  g_autoptr (CtSession) root = NULL;
  CtId gone, kept;
  CtSyncReport report;

  pg_server_create (server, "floor", policy);
  root = pg_server_login (server, "floor", "postgres");
  a = pg_station_new (server, "floor", "anna");
  b = pg_station_new (server, "floor", "ben");
  gone = add (a, "Gone", "north");
  kept = add (a, "Kept", "north");
  pg_station_sync (a);
  pg_station_sync (b);
  run_as_root ("floor", "DELETE FROM app.distributors WHERE legal_name = 'Gone'");
  g_assert_cmpint (pg_number (root, "SELECT api.sweep()"), ==, 0);
  /* forty days pass */
  run_as_root ("floor", "UPDATE sync.txn SET at = at - interval '40 days'");
  g_assert_cmpint (pg_number (root, "SELECT api.sweep()"), ==, 0); /* not twice within an hour */
  run_as_root ("floor", "UPDATE sync.floor SET swept_at = NULL");
  g_assert_cmpint (pg_number (a->session, "SELECT api.sweep()"), >, 0);
  g_assert_cmpint (pg_number (root, "SELECT count(*) FROM sync.entry WHERE gone"), ==, 0);
  edit (b, &kept, "city", "Riga");
  edit (b, &gone, "city", "Tartu");
  report = pg_station_sync (b);
  g_assert_false (report.pulled.offer_again);
  g_assert_cmpint (sync_replica_number (b->replica, "SELECT count(*) FROM distributors"), ==, 1);
  g_assert_cmpint (pg_station_tray (b), ==, 1);
  g_assert_cmpint (pg_number (root, "SELECT count(*) FROM app.distributors WHERE city = 'Riga'"), ==, 1);
  /* from here on lines are enough again */
  pg_station_sync (a);
  edit (b, &kept, "city", "Narva");
  pg_station_sync (b);
  g_assert_cmpuint (pg_station_sync (a).pulled.rows, ==, 1);
  g_assert_cmpuint (pg_station_sync (a).pulled.rows, ==, 0);
}

/* The copies of a damaged replica that lie beside it. */
static guint
count_copies (PgStation *station)
{
  g_autofree char *folder = g_path_get_dirname (ct_db_get_path (station->replica->db));
  g_autoptr (GDir) directory = g_dir_open (folder, 0, NULL);
  const char *entry;
  guint found = 0;

  while ((entry = g_dir_read_name (directory)))
    found += strstr (entry, ".damaged-") != NULL;
  return found;
}

/* Somebody writes into the replica past the commands while there is work pending. */
static void
tamper (PgStation *self, const CtId *id, const char *city)
{
  edit (self, id, "city", city);
  g_assert_true (ct_db_exec (self->replica->db, "UPDATE distributors SET city = 'tampered'", NULL));
}

/* The copy of a damaged replica is a file with rows like any other: what is lost from sight later leaves it as well, and no copy
 * is kept of a replica that had what may no longer be seen. */
static void
test_damaged_copies (void)
{
  g_autoptr (PgStation) a = NULL, n = NULL;
  g_autofree char *kept = NULL;
  CtId leaves, stays, later;
  CtSyncReport report;

  pg_server_create (server, "copied", policy);
  a = pg_station_new (server, "copied", "anna");
  n = pg_station_new (server, "copied", "north");
  leaves = add (a, "Leaves", "north");
  stays = add (a, "Stays", "north");
  later = add (a, "Leaves later", "north");
  pg_station_sync (a);
  pg_station_sync (n);
  tamper (n, &stays, "Riga");
  edit (a, &stays, "street", "Main Street");
  pg_station_sync (a);
  report = pg_station_sync (n);
  g_assert_true (report.rebuilt);
  g_assert_cmpuint (report.copies_removed, ==, 0);
  g_assert_cmpuint (count_copies (n), ==, 1);
  edit (a, &leaves, "region", "south");
  pg_station_sync (a);
  report = pg_station_sync (n);
  g_assert_cmpuint (report.pulled.gone, ==, 1);
  g_assert_cmpuint (report.copies_removed, ==, 1);
  g_assert_cmpuint (count_copies (n), ==, 0);
  /* both at once */
  tamper (n, &stays, "Tartu");
  edit (a, &later, "region", "south");
  edit (a, &stays, "street", "Side Street");
  pg_station_sync (a);
  report = pg_station_sync (n);
  g_assert_true (report.rebuilt);
  g_assert_cmpuint (count_copies (n), ==, 0);
  g_assert_cmpint (
      sync_replica_number (n->replica,
                           "SELECT count(*) FROM distributors WHERE city = 'Tartu' AND street = 'Side "
                           "Street'"),
      ==, 1);
  /* what cannot be removed is named and holds nothing up */
  kept = g_strconcat (ct_db_get_path (n->replica->db), ".damaged-kept", NULL);
  g_assert_cmpint (g_mkdir (kept, 0700), ==, 0);
  edit (a, &stays, "region", "south");
  pg_station_sync (a);
  g_test_expect_message (NULL, G_LOG_LEVEL_WARNING, "*damaged-kept has records * cannot be removed*");
  report = pg_station_sync (n);
  g_test_assert_expected_messages ();
  g_assert_cmpuint (report.pulled.gone, ==, 1);
  g_assert_cmpint (sync_replica_number (n->replica, "SELECT count(*) FROM workspace WHERE key = 'purge'"), ==,
                   0);
}

int
main (int argc, char **argv)
{
  g_autofree char *path = g_build_filename (CT_SOURCE_ROOT, "schema", "policy.json", NULL);
  int result;

  g_test_init (&argc, &argv, NULL);
  g_assert_true (g_file_get_contents (path, &policy, NULL, NULL));
  server = pg_server_start ();
  g_test_add_func ("/pg/scopes/out-of-sight", test_out_of_sight);
  for (guint i = 0; i < G_N_ELEMENTS (ends); i++)
    g_test_add_data_func (ends[i].path, GUINT_TO_POINTER (i), test_revocation);
  g_test_add_func ("/pg/scopes/row-moves", test_row_moves);
  g_test_add_func ("/pg/scopes/given-again", test_given_again);
  for (guint i = 0; i < G_N_ELEMENTS (children); i++)
    g_test_add_data_func (children[i].path, GUINT_TO_POINTER (i), test_children);
  g_test_add_func ("/pg/scopes/made-up", test_made_up);
  g_test_add_func ("/pg/scopes/damaged-copies", test_damaged_copies);
  g_test_add_func ("/pg/scopes/floor", test_floor);
  result = g_test_run ();
  pg_server_stop (server);
  g_free (policy);
  return result;
}
