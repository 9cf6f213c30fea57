/* Windows: of a scope a login sees what is of its last days alone. Rows leave by time, which nobody has to write down. */
#include "pg-station.h"
#include "ct-config.h"
#include "ct-self-check.h"
#include "ct-test-folder.h"
#include "ct-workers.h"
#include "pg-workspace.h"

#include <string.h>

static PgServer *server;
static char *policy; /* schema/policy.json */

static void
run (CtSession *session, const char *sql)
{
  g_autoptr (GError) error = NULL;

  ct_session_script (session, sql, NULL, &error);
  g_assert_no_error (error);
}

/* All that the service would do by now, @most rows at a time; in how many steps. */
static guint
retain (CtSession *root, int most)
{
  g_autofree char *sql = g_strdup_printf ("SELECT sync.retain(%d)", most);
  guint steps = 0;

  while (pg_number (root, sql) > 0)
    steps++;
  return steps;
}

/* Days pass: dates come to lie further back, and so do the days of scopes. Nobody writes a row for that. */
static void
pass_days (CtSession *root, int days)
{
  g_autofree char *sql = g_strdup_printf (
      "BEGIN; SET LOCAL session_replication_role = replica;"
      "UPDATE app.orders SET ordered_on = ordered_on - %1$d;"
      "UPDATE sync.scopes SET day = NULL, base = NULL, name = id || ' ' || (day - %1$d) || ' ' || base"
      "  WHERE day < 'infinity';"
      "UPDATE sync.scopes SET day = split_part(name, ' ', 2)::date, base = split_part(name, ' ', 3)::integer,"
      "  name = NULL WHERE name ~ '^\\d+ \\d+-\\d+-\\d+ \\d+$'; COMMIT",
      days);

  run (root, sql);
}

static char *
day (CtSession *root, int ago)
{
  g_autofree char *sql = g_strdup_printf ("SELECT sync.today() - %d", ago);

  return pg_text (root, sql);
}

static CtId
add_order (PgStation *self, CtSession *root, const char *distributor, const char *word, int ago)
{
  g_autofree char *on = day (root, ago);

  return sync_replica_run (
      self->replica, "order.create",
      "{\"distributor_id\":\"%s\",\"currency\":\"EUR\",\"notes\":\"%s\",\"ordered_on\":\"%s\","
      "\"lines\":[{\"sku\":\"%s\",\"quantity_milli\":1000,\"unit_price_minor\":5}]}",
      distributor, word, on, word);
}

/* Tells apart who sees what: the notes of the orders that a session, or a workstation, has. */
#define NOTES "SELECT coalesce(string_agg(notes, ' ' ORDER BY notes), '') FROM api.orders"

static void
assert_sees (PgStation *self, const char *expected)
{
  g_autofree char *there = pg_text (self->session, NOTES);
  g_autofree char *here = sync_replica_text (
      self->replica,
      "SELECT coalesce(group_concat(notes, ' '), '') FROM (SELECT notes FROM orders ORDER BY notes)");

  g_assert_cmpstr (there, ==, expected);
  g_assert_cmpstr (here, ==, expected);
  g_assert_cmpint (sync_replica_number (self->replica, "SELECT count(*) FROM order_lines"), ==,
                   pg_number (self->session, "SELECT count(*) FROM api.order_lines"));
  g_assert_cmpint (pg_number (self->session, "SELECT count(*) FROM api.orders"), ==,
                   pg_number (self->session, "SELECT count(*) FROM api.order_lines"));
}

/* Both sides amount to the same. */
static void
assert_equal (PgStation *self)
{
  g_autoptr (GError) error = NULL;
  CtSelfCheckReport report = { 0 };

  ct_self_check (self->replica->db, self->replica->commander, self->session, self->replica->now, NULL,
                 &report, &error);
  g_assert_no_error (error);
  g_assert_cmpint (report.rows, >, 0);
  g_assert_cmpint (report.different, ==, 0);
}

#define WINDOW                                                                                               \
  "DELETE FROM sync.grants WHERE grantee = 'north';"                                                         \
  "INSERT INTO sync.grants (grantee, scope, days) SELECT 'north', id, 30 FROM sync.scopes WHERE name = "     \
  "'region:north'"

typedef struct {
  CtSession *root;   /* (owned) */
  PgStation *a, *n;  /* (owned): all, and the last 30 days of the north */
  char *distributor; /* (owned) */
} World;

static void
world_clear (World *self)
{
  ct_session_close (self->root);
  pg_station_free (self->a);
  pg_station_free (self->n);
  g_free (self->distributor);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (World, world_clear)

/* An order of today, one of 25 days ago and one of 30, which is over; with @before the window comes after them. */
static void
set_up (World *self, const char *database, gboolean before)
{
  pg_server_create (server, database, policy);
  self->root = pg_server_login (server, database, "postgres");
  self->a = pg_station_new (server, database, "anna");
  self->n = pg_station_new (server, database, "north");
  if (!before) {
    run (self->root, WINDOW);
    retain (self->root, 500);
  }
  self->distributor = pg_station_add (self->a, "Nordwind", "north");
  add_order (self->a, self->root, self->distributor, "Abendrot", 0);
  add_order (self->a, self->root, self->distributor, "Birkenhain", 25);
  add_order (self->a, self->root, self->distributor, "Chrysolith", 30);
  pg_station_sync (self->a);
  if (before)
    run (self->root, WINDOW);
}

/* What a window holds, in a first load as well; and what has no date. */
static void
test_window (void)
{
  g_auto (World) w = { 0 };
  guint steps;

  set_up (&w, "window", TRUE);
  pg_station_sync (w.n);
  assert_sees (w.n, ""); /* nothing that is not yet sorted */
  g_assert_cmpint (pg_number (w.root, "SELECT count(*) FROM sync.windows WHERE place IS NULL"), ==, 0);
  steps = retain (w.root, 1);
  g_assert_cmpuint (steps, >=, 7); /* a distributor, its orders and lines, each by itself */
  g_assert_cmpint (pg_number (w.root, "SELECT count(*) FROM sync.windows WHERE place IS NULL"), ==, 1);
  g_assert_cmpuint (pg_station_sync (w.a).pulled.rows, ==, 0); /* it concerns nobody else */
  pg_station_sync (w.n);
  assert_sees (w.n, "Abendrot Birkenhain");
  g_assert_false (pg_station_in_files (w.n, "Chrysolith"));
  g_assert_cmpint (sync_replica_number (w.n->replica, "SELECT count(*) FROM distributors"), ==, 1);
  assert_equal (w.n);
  assert_equal (w.a);
  g_assert_cmpint (pg_number (w.a->session, "SELECT count(*) FROM api.orders"), ==, 3);
}

/* Rows leave by time, children with them, whether or not anybody has written that down; the feed's lines come later. */
static void
test_leaves_by_time (void)
{
  g_auto (World) w = { 0 };
  g_autoptr (GError) error = NULL;
  CtSelfCheckReport check = { 0 };
  CtSyncReport report;

  set_up (&w, "leaves", FALSE);
  pg_station_sync (w.n);
  assert_sees (w.n, "Abendrot Birkenhain");
  sync_replica_run (w.n->replica, "distributor.edit", "{\"id\":\"%s\",\"notes\":\"stays\"}", w.distributor);
  pass_days (w.root, 4);
  g_assert_cmpuint (pg_station_sync (w.n).pulled.gone, ==, 0);
  assert_sees (w.n, "Abendrot Birkenhain"); /* its last day */
  pass_days (w.root, 1);
  g_assert_cmpint (pg_number (w.n->session, "SELECT count(*) FROM app.orders"), ==, 1);
  g_assert_cmpint (pg_number (w.n->session, "SELECT count(*) FROM app.order_lines"), ==, 1);
  /* what has left and still lies here is compared after the pull that takes it away */
  g_assert_false (ct_self_check (w.n->replica->db, w.n->replica->commander, w.n->session, w.n->replica->now,
                                 NULL, &check, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_BUSY);
  report = pg_station_sync (w.n);
  g_assert_cmpuint (report.pulled.gone, ==, 2);
  assert_sees (w.n, "Abendrot");
  g_assert_false (pg_station_in_files (w.n, "Birkenhain"));
  assert_equal (w.n); /* nobody has written a line */
  g_assert_cmpint (pg_number (w.root, "SELECT count(*) FROM sync.entry WHERE gone"), ==, 0);
  g_assert_cmpuint (retain (w.root, 1), ==, 2);
  g_assert_cmpint (pg_number (w.root, "SELECT count(*) FROM sync.entry WHERE gone"), ==, 2);
  assert_equal (w.n);
  report = pg_station_sync (w.n);
  g_assert_cmpuint (report.pulled.rows + report.pulled.gone, ==, 0);
  g_assert_cmpuint (pg_station_sync (w.a).pulled.gone, ==, 0);
  assert_equal (w.a);
}

/* A row moves by its date: out of the window, which who has the window may not do, and into it. */
static void
test_date_moves (void)
{
  g_auto (World) w = { 0 };
  g_autofree char *old = NULL, *today = NULL, *text = NULL;
  CtId id;

  set_up (&w, "moves", FALSE);
  id = add_order (w.a, w.root, w.distributor, "Dattelpalme", 1);
  text = ct_id_to_string (&id);
  old = day (w.root, 90);
  today = day (w.root, 0);
  pg_station_sync (w.a);
  pg_station_sync (w.n);
  assert_sees (w.n, "Abendrot Birkenhain Dattelpalme");
  add_order (w.n, w.root, w.distributor, "Espenlaub", -400); /* no day has a scope before it has a row */
  pg_station_sync (w.n);
  g_assert_cmpint (pg_station_tray (w.n), ==, 0);
  assert_sees (w.n, "Abendrot Birkenhain Dattelpalme Espenlaub");
  run (w.root, "DELETE FROM app.order_lines WHERE sku = 'Espenlaub'; DELETE FROM app.orders WHERE notes = "
               "'Espenlaub'");
  pg_station_sync (w.n);
  sync_replica_run (w.n->replica, "order.edit", "{\"id\":\"%s\",\"ordered_on\":\"%s\"}", text, old);
  pg_station_sync (w.n);
  g_assert_cmpint (pg_station_tray (w.n), ==, 1);
  assert_sees (w.n, "Abendrot Birkenhain Dattelpalme");
  sync_replica_run (w.a->replica, "order.edit", "{\"id\":\"%s\",\"ordered_on\":\"%s\"}", text, old);
  pg_station_sync (w.a);
  g_assert_cmpuint (pg_station_sync (w.n).pulled.gone, ==, 2);
  assert_sees (w.n, "Abendrot Birkenhain");
  g_assert_false (pg_station_in_files (w.n, "Dattelpalme"));
  sync_replica_run (w.a->replica, "order.edit", "{\"id\":\"%s\",\"ordered_on\":\"%s\"}", text, today);
  pg_station_sync (w.a);
  pg_station_sync (w.n);
  assert_sees (w.n, "Abendrot Birkenhain Dattelpalme");
  assert_equal (w.n);
}

/* Windows grow, shrink and go. */
static void
test_window_changes (void)
{
  g_auto (World) w = { 0 };

  set_up (&w, "changes", FALSE);
  pg_station_sync (w.n);
  run (w.root, "UPDATE sync.grants SET days = 31 WHERE grantee = 'north'");
  retain (w.root, 500);
  pg_station_sync (w.n);
  assert_sees (w.n, "Abendrot Birkenhain Chrysolith");
  run (w.root, "UPDATE sync.grants SET days = 10 WHERE grantee = 'north'");
  pg_station_sync (w.n);
  assert_sees (w.n, "Abendrot");
  g_assert_false (pg_station_in_files (w.n, "Birkenhain"));
  retain (w.root, 500);
  g_assert_cmpint (pg_number (w.root, "SELECT days FROM sync.windows"), ==, 10);
  assert_equal (w.n);
  /* an end as well: nothing is left of it */
  run (w.root, "UPDATE sync.grants SET until = clock_timestamp() WHERE grantee = 'north'");
  g_assert_cmpint (pg_number (w.n->session, "SELECT count(*) FROM api.distributors"), ==, 0);
  pg_station_sync (w.n);
  assert_sees (w.n, "");
  g_assert_false (pg_station_in_files (w.n, "Nordwind"));
  retain (w.root, 500);
  g_assert_cmpint (pg_number (w.root, "SELECT count(*) FROM sync.windows"), ==, 0);
  g_assert_cmpint (pg_number (w.root, "SELECT count(*) FROM sync.entry e JOIN sync.scopes s ON s.id = e.scope"
                                      " WHERE s.base IS NOT NULL AND NOT e.gone"),
                   ==, 0);
  g_assert_cmpint (pg_number (w.root,
                              "SELECT count(*) FROM app.orders, unnest(scopes) s JOIN sync.scopes x ON"
                              " x.id = s WHERE x.base IS NOT NULL"),
                   ==, 0);
  run (w.root, "UPDATE sync.grants SET until = 'infinity', days = NULL WHERE grantee = 'north'");
  pg_station_sync (w.n);
  assert_sees (w.n, "Abendrot Birkenhain Chrysolith");
  assert_equal (w.n);
}

/* What hangs on a row that is not yet sorted is not seen before that one is. */
static void
test_not_yet_sorted (void)
{
  g_auto (World) w = { 0 };
  g_autofree char *text = NULL;
  CtId id;

  set_up (&w, "sorted", TRUE);
  id = add_order (w.a, w.root, w.distributor, "Eisvogel", 3);
  text = ct_id_to_string (&id);
  sync_replica_run (w.a->replica, "note.add",
                    "{\"subject_type\":\"order\",\"subject\":\"%s\",\"text\":\"Eisvogel\"}", text);
  pg_station_sync (w.a);
  pg_station_sync (w.n);
  assert_sees (w.n, "");
  g_assert_cmpint (pg_number (w.n->session, "SELECT count(*) FROM api.task_notes"), ==, 0);
  retain (w.root, 2);
  pg_station_sync (w.n);
  assert_sees (w.n, "Abendrot Birkenhain Eisvogel");
  g_assert_cmpint (sync_replica_number (w.n->replica, "SELECT count(*) FROM task_notes"), ==, 1);
  assert_equal (w.n);
}

/* Messages of a seller are of the day on which they came. */
static void
test_interactions (void)
{
  static const char fill[] =
      "INSERT INTO app.sellers (id, name, marketplace) VALUES ('00000000-0000-4000-8000-000000000001', "
      "'A=B', 'm');"
      "INSERT INTO app.interactions (id, number, seller_id, marketplace, kind, external_ref, text, "
      "received_at)"
      " SELECT gen_random_uuid(), 'INT-' || d, '00000000-0000-4000-8000-000000000001', 'm', 'chat', d, "
      "'text',"
      "  (extract(epoch FROM (sync.today() - d)::timestamp AT TIME ZONE 'UTC') * 1000)::bigint"
      " FROM unnest(ARRAY[0, 6, 7, 800]) d";
  g_autoptr (CtSession) root = NULL, vera = NULL;

  pg_server_create (server, "messages", policy);
  root = pg_server_login (server, "messages", "postgres");
  vera = pg_server_login (server, "messages", "vera");
  run (root, "DELETE FROM sync.grants WHERE grantee = 'vera';"
             "INSERT INTO sync.grants (grantee, scope, days) VALUES ('vera', "
             "(sync.scope_ids(ARRAY['seller:A=B']))[1], 7)");
  run (root, fill);
  g_assert_cmpint (pg_number (vera, "SELECT count(*) FROM api.interactions"), ==, 2);
  g_assert_cmpint (pg_number (vera, "SELECT count(*) FROM api.sellers"), ==, 1);
  run (root, "UPDATE app.interactions SET received_at = received_at - 86400000 WHERE number = 'INT-6'");
  g_assert_cmpint (pg_number (vera, "SELECT count(*) FROM api.interactions"), ==, 1);
  /* no day is too far */
  run (root, "UPDATE app.interactions SET received_at = 9223372036854775807 WHERE number = 'INT-6'");
  run (root, "UPDATE app.interactions SET received_at = -9223372036854775808 WHERE number = 'INT-0'");
  g_assert_cmpint (pg_number (vera, "SELECT count(*) FROM api.interactions"), ==, 1);
  /* where nobody has a window nothing is in more scopes than before */
  g_assert_cmpint (pg_number (root, "SELECT count(*) FROM sync.entry e JOIN sync.scopes s ON s.id = e.scope"
                                    " WHERE s.base <> (sync.scope_ids(ARRAY['seller:A=B']))[1]"),
                   ==, 0);
}

/* A message that comes while its reader follows may answer one that has left, and concern an order of another scope. */
static void
test_links_leave (void)
{
  g_auto (World) w = { 0 };
  PgStation *vera;

  set_up (&w, "links", FALSE);
  run (w.root, "DELETE FROM sync.grants WHERE grantee = 'vera';"
               "INSERT INTO sync.grants (grantee, scope, days) VALUES ('vera', "
               "(sync.scope_ids(ARRAY['seller:A=B']))[1], 7)");
  vera = pg_station_new (server, "links", "vera");
  pg_station_sync (vera);
  run (w.root,
       "INSERT INTO app.sellers (id, name, marketplace) VALUES ('00000000-0000-4000-8000-000000000001', "
       "'A=B', 'm');"
       "INSERT INTO app.interactions (id, number, seller_id, marketplace, kind, external_ref, text, "
       "received_at)"
       " SELECT gen_random_uuid(), 'INT-' || d, '00000000-0000-4000-8000-000000000001', 'm', 'chat', d, "
       "'text',"
       "  (extract(epoch FROM (sync.today() - d)::timestamp AT TIME ZONE 'UTC') * 1000)::bigint"
       " FROM unnest(ARRAY[0, 9]) d;"
       "UPDATE app.interactions i SET parent_id = o.id, order_id = (SELECT id FROM app.orders LIMIT 1)"
       " FROM app.interactions o WHERE i.number = 'INT-0' AND o.number = 'INT-9'");
  pg_station_sync (vera);
  g_assert_cmpint (
      sync_replica_number (
          vera->replica,
          "SELECT count(*) FROM interactions WHERE parent_id IS NOT NULL AND order_id IS NOT NULL"),
      ==, 1);
  g_assert_cmpint (
      sync_replica_number (vera->replica,
                           "SELECT (SELECT count(*) FROM interactions) + (SELECT count(*) FROM orders)"),
      ==, 1);
  assert_equal (vera);
  pg_station_free (vera);
}

/* One instance of the service, and what its round did with windows. */
static gint64
serve (const char *database)
{
  g_autofree char *folder = ct_test_folder ();
  g_autoptr (GError) error = NULL;
  CtWorkspace *workspace = pg_workspace_join (server, database, "robo", folder);
  CtWorkers *workers = ct_workers_new (workspace, "test");
  gint64 rows = 0;

  for (int round = 0; round < 3; round++) { /* the first one loads */
    g_autoptr (JsonObject) report = ct_workers_round (workers, TRUE, NULL, &error);

    g_assert_no_error (error);
    rows += ct_json_int (report, "retained", 0);
  }
  ct_workers_free (workers);
  ct_workspace_close (workspace);
  g_object_unref (workspace);
  ct_test_remove (folder);
  return rows;
}

/* The service does it by itself: the rows of a new window, and those that have left. */
static void
test_service (void)
{
  g_auto (World) w = { 0 };

  set_up (&w, "service", TRUE);
  pg_server_let_in (w.root, "robo", "agent");
  run (w.root,
       "INSERT INTO sync.grants SELECT 'robo', (sync.scope_ids(ARRAY['all']))[1]; SELECT sync.note_people()");
  g_assert_cmpint (serve ("service"), ==, 7);
  pg_station_sync (w.n);
  assert_sees (w.n, "Abendrot Birkenhain");
  g_assert_cmpint (serve ("service"), ==, 0); /* another one finds nothing left */
  pass_days (w.root, 5);
  g_assert_cmpint (serve ("service"), ==, 2);
  g_assert_cmpint (pg_number (w.root, "SELECT count(*) FROM sync.entry WHERE gone"), ==, 2);
}

/* Only the instance that has this work now does it. */
static void
test_lease (void)
{
  g_autoptr (CtSession) root = NULL, one = NULL, two = NULL;
  g_autoptr (GError) error = NULL;

  pg_server_create (server, "lease", policy);
  root = pg_server_login (server, "lease", "postgres");
  pg_server_let_in (root, "robo", "agent");
  pg_server_let_in (root, "bot", "agent");
  one = pg_server_login (server, "lease", "robo");
  two = pg_server_login (server, "lease", "bot");
  run (root, "INSERT INTO sync.grants (grantee, scope, days) VALUES ('vera', "
             "(sync.scope_ids(ARRAY['region:x']))[1], 7);"
             "INSERT INTO app.distributors (id, legal_name, currency, region) VALUES (gen_random_uuid(), "
             "'X', 'EUR', 'x');"
             "UPDATE sync.windows SET place = 1, pk = '00000000-0000-0000-0000-000000000000'");
  g_assert_cmpint (pg_number (one, "SELECT api.take_work('retain', 'one', 60)"), ==, 1);
  g_assert_false (ct_session_run (two, NULL, &error, "SELECT api.retain()", ""));
  g_assert_error (error, CT_ERROR, CT_ERROR_CONFLICT);
  g_assert_cmpint (pg_number (one, "SELECT api.retain()"), ==, 1);
  g_assert_cmpint (pg_number (one, "SELECT api.retain()"), ==, 0);
}

int
main (int argc, char **argv)
{
  g_autofree char *path = g_build_filename (CT_SOURCE_ROOT, "schema", "policy.json", NULL);
  int result;

  g_test_init (&argc, &argv, NULL);
  g_assert_true (g_file_get_contents (path, &policy, NULL, NULL));
  server = pg_server_start ();
  g_test_add_func ("/pg/retention/window", test_window);
  g_test_add_func ("/pg/retention/leaves-by-time", test_leaves_by_time);
  g_test_add_func ("/pg/retention/date-moves", test_date_moves);
  g_test_add_func ("/pg/retention/window-changes", test_window_changes);
  g_test_add_func ("/pg/retention/not-yet-sorted", test_not_yet_sorted);
  g_test_add_func ("/pg/retention/interactions", test_interactions);
  g_test_add_func ("/pg/retention/links-leave", test_links_leave);
  g_test_add_func ("/pg/retention/service", test_service);
  g_test_add_func ("/pg/retention/lease", test_lease);
  result = g_test_run ();
  pg_server_stop (server);
  g_free (policy);
  return result;
}
