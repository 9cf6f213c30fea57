/* What a connected workspace takes back, and what a device calls so. */
#include "pg-device.h"
#include "pg-station.h"
#include "ct-config.h"

#include <string.h>

static PgServer *server;
static char *policy; /* schema/policy.json */

#define station_new(database, login) pg_station_new (server, database, login)
#define sync_up                      pg_station_sync
#define in_tray                      pg_station_tray
#define assert_same                  pg_station_assert_same

static void
assert_value (PgStation *self, const char *id, const char *expression, const char *expected)
{
  g_autofree char *value = pg_station_value (self, id, expression);

  g_assert_cmpstr (value, ==, expected);
}

static gboolean
undo_last (PgStation *self)
{
  g_autofree char *command = sync_replica_text (
      self->replica,
      "SELECT uuid_text(command_id) FROM intents i WHERE NOT EXISTS (SELECT 1 FROM undone u WHERE u.seq ="
      " i.seq) AND name <> 'command.undo' ORDER BY seq DESC LIMIT 1");
  g_autofree char *args = g_strdup_printf ("{\"command\":\"%s\"}", command);
  CtId made;

  return sync_replica_try (self->replica, "command.undo", args, &made, NULL);
}

/* What is settled can be taken back, for the server's own stamps are nobody's later change. */
static void
test_undo (void)
{
  g_autoptr (PgStation) a = NULL, b = NULL;
  g_autofree char *id = NULL;

  pg_server_create (server, "undo", policy);
  a = station_new ("undo", "anna");
  b = station_new ("undo", "ben");
  id = pg_station_add (a, "Nordwind", "south");
  sync_up (a);
  sync_up (b);
  /* an edit, while somebody changes another column; an archive; what was added */
  pg_station_edit (a, id, "city", "Riga");
  sync_up (a);
  sync_up (b);
  pg_station_edit (b, id, "notes", "stays");
  sync_up (b);
  sync_up (a);
  g_assert_true (undo_last (a));
  sync_up (a);
  assert_value (a, id, "city || notes || rev", "stays4");
  sync_replica_run (a->replica, "distributor.archive", "{\"id\":\"%s\"}", id);
  sync_up (a);
  g_assert_true (undo_last (a));
  g_free (pg_station_add (a, "Added in error", "south"));
  sync_up (a);
  g_assert_true (undo_last (a));
  sync_up (a);
  g_assert_cmpint (in_tray (a), ==, 0);
  g_assert_cmpint (sync_replica_number (a->replica, "SELECT count(*) FROM distributors"), ==, 1);
  assert_value (a, id, "archived_at IS NULL", "1");
  g_assert_cmpint (sync_replica_number (a->replica, "SELECT count(*) FROM undone"), ==, 3);
  /* somebody was faster */
  pg_station_edit (a, id, "city", "Riga");
  sync_up (a);
  sync_up (b);
  pg_station_edit (b, id, "city", "Tartu");
  g_assert_true (undo_last (a));
  sync_up (b);
  sync_up (a);
  g_assert_cmpint (in_tray (a), ==, 1);
  assert_value (a, id, "city", "Tartu");
  sync_up (b);
  assert_same (a, b);
}

/* What a file stated of an order, a total that its lines do not come to, comes back after an edit by hand. */
static void
test_stated_total (void)
{
  static const char here_sql[] =
      "SELECT total_minor || ' ' || (SELECT sum(total_minor) FROM order_lines) FROM orders";
  static const char there_sql[] =
      "SELECT total_minor || ' ' || (SELECT sum(total_minor) FROM app.order_lines) FROM app.orders";
  static const struct {
    const char *change, *edited;
  } cases[] = { { "\"lines\":[{\"sku\":\"A\",\"quantity_milli\":2400,\"unit_price_minor\":50}]", "120 120" },
                { "\"lines\":[{\"sku\":\"A\",\"quantity_milli\":2000,\"unit_price_minor\":50},"
                  "{\"sku\":\"B\",\"quantity_milli\":1000,\"unit_price_minor\":7}]",
                  "107 107" },
                { "\"lines\":[{\"sku\":\"C\",\"quantity_milli\":1000,\"unit_price_minor\":7}]", "7 7" } };
  g_autoptr (PgStation) a = NULL;
  g_autofree char *distributor = NULL, *id = NULL;
  CtSession *root;
  CtId order;

  pg_server_create (server, "stated", policy);
  root = pg_server_login (server, "stated", "postgres");
  a = station_new ("stated", "anna");
  distributor = pg_station_add (a, "Nordwind", "south");
  order = sync_replica_run (
      a->replica, "order.create",
      "{\"distributor_id\":\"%s\",\"currency\":\"EUR\",\"lines\":[{\"sku\":\"A\",\"quantity_milli\":2000,"
      "\"unit_price_minor\":50}]}",
      distributor);
  id = ct_id_to_string (&order);
  sync_up (a);
  g_free (pg_text (root, "UPDATE app.orders SET total_minor = 119 RETURNING 1"));
  sync_up (a);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *edited = NULL, *here = NULL, *there = NULL;

    sync_replica_run (a->replica, "order.edit", "{\"id\":\"%s\",%s}", id, cases[i].change);
    sync_up (a);
    edited = pg_text (root, there_sql);
    g_assert_cmpstr (edited, ==, cases[i].edited);
    g_assert_true (undo_last (a));
    sync_up (a);
    g_assert_cmpint (in_tray (a), ==, 0);
    here = sync_replica_text (a->replica, here_sql);
    there = pg_text (root, there_sql);
    g_assert_cmpstr (here, ==, "119 100");
    g_assert_cmpstr (there, ==, "119 100");
  }
  ct_session_close (root);
}

/* A device that calls something else an undo: what its command wrote is given back, and nothing else. */
static void
test_forged_undo (void)
{
  static const char *const cases[] = {
    "[{\"table\":\"distributors\",\"id\":\"%s\",\"op\":\"update\",\"columns\":{\"city\":[\"Riga\",\"Tartu\"]}"
    "}]",
    "[{\"table\":\"distributors\",\"id\":\"%s\",\"op\":\"delete\",\"columns\":{}}]",
    "[{\"table\":\"distributors\",\"id\":\"%s\",\"op\":\"update\",\"columns\":{\"city\":[\"Riga\",\"\"],"
    "\"notes\":[\"\",\"x\"]}}]",
    "[{\"table\":\"distributors\",\"id\":\"%s\",\"op\":\"update\",\"columns\":{\"city\":[\"Riga\",\"\"]}}]",
    "[]",
  };

  pg_server_create (server, "forged", policy);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (PgStation) a = station_new ("forged", "anna");
    g_autofree char *id = pg_station_add (a, "Nordwind", "south"), *changes = NULL;
    g_auto (GStrv) parts = NULL;
    g_auto (CtPushOffer) offer = { 0 };
    g_autoptr (CtVerdict) verdict = NULL;
    g_autoptr (GError) error = NULL;

    pg_station_edit (a, id, "city", "Riga");
    sync_up (a);
    g_assert_true (undo_last (a));
    g_assert_true (ct_backlog_next (a->replica->db, 3, &offer, NULL));
    parts = g_strsplit (cases[i], "%s", 2);
    changes = g_strjoinv (id, parts);
    verdict = ct_push (a->session, &a->replica->device, offer.n, offer.intent, changes, NULL, &error);
    g_assert_no_error (error);
    g_assert_cmpint (verdict->kind, ==, CT_PUSH_APPLIED);
    sync_up (a);
    assert_value (a, id, "'<' || city || notes || '>'", "<>");
    g_assert_cmpint (in_tray (a), ==, 0);
  }
}

/* Two people make the same edit, the second one before they hear of it, and take it back: it is the first one's and stays.
 * What the second one did beside it goes, and what they do afterwards is not held up. */
static void
test_same_edit (void)
{
  g_autoptr (PgStation) a = NULL, b = NULL;
  g_autofree char *id = NULL, *other = NULL;

  pg_server_create (server, "same", policy);
  a = station_new ("same", "anna");
  b = station_new ("same", "ben");
  id = pg_station_add (a, "Nordwind", "south");
  sync_up (a);
  sync_up (b);
  pg_station_edit (a, id, "city", "Riga");
  sync_up (a);
  sync_replica_run (b->replica, "distributor.edit", "{\"id\":\"%s\",\"city\":\"Riga\",\"notes\":\"mine\"}",
                    id);
  g_assert_true (undo_last (b));
  sync_up (b);
  g_assert_cmpint (in_tray (b), ==, 0);
  assert_value (b, id, "city || notes", "Riga");
  /* nothing of it is theirs: the undo needs attention, and says why; the rest goes on */
  pg_station_edit (a, id, "city", "Tartu");
  sync_up (a);
  pg_station_edit (b, id, "city", "Tartu");
  g_assert_true (undo_last (b));
  other = pg_station_add (b, "Ostwind", "south");
  sync_up (b);
  sync_up (a);
  g_assert_cmpint (in_tray (b), ==, 1);
  assert_value (a, id, "city || notes", "Tartu");
  assert_value (a, other, "legal_name", "Ostwind");
  assert_same (a, b);
}

int
main (int argc, char **argv)
{
  g_autofree char *path = g_build_filename (CT_SOURCE_ROOT, "schema", "policy.json", NULL);
  int result;

  g_test_init (&argc, &argv, NULL);
  g_assert_true (g_file_get_contents (path, &policy, NULL, NULL));
  server = pg_server_start ();
  g_test_add_func ("/pg/undo/settled", test_undo);
  g_test_add_func ("/pg/undo/stated-total", test_stated_total);
  g_test_add_func ("/pg/undo/forged", test_forged_undo);
  g_test_add_func ("/pg/undo/same-edit", test_same_edit);
  result = g_test_run ();
  pg_server_stop (server);
  g_free (policy);
  return result;
}
