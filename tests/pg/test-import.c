/* Files that are imported into a connected workspace: every row is pushed, under the number that the file gives. */
#include "pg-station.h"
#include "ct-config.h"
#include "ct-import-chunk.h"
#include "ct-import.h"

static PgServer *server;
static char *policy; /* schema/policy.json */

/* (transfer full): what the import of the demo's files says */
static JsonObject *
import_demo (PgStation *self)
{
  g_autofree char *path = g_build_filename (CT_SOURCE_ROOT, "seeds", "demo", NULL);
  g_autoptr (GTimeZone) zone = g_time_zone_new_utc ();
  g_autoptr (GError) error = NULL;
  g_autoptr (CtStore) store = ct_store_open (ct_db_get_path (self->replica->db), CT_DB_READ_WRITE, &error);
  g_autoptr (CtImport) import = NULL;
  CtImportOptions options = {
    .commander = self->replica->commander, .actor = "admin", .now = self->replica->now += 1000, .zone = zone
  };
  JsonObject *result;

  g_assert_no_error (error);
  options.store = store;
  import = ct_import_new ("canonical", path, NULL, &error);
  g_assert_no_error (error);
  result = ct_import_run (import, &options, &error);
  g_assert_no_error (error);
  ct_store_close (store);
  return result;
}

static void
test_travels (void)
{
  static const char numbers[] =
      "SELECT count(*) FROM orders o JOIN distributors d ON d.id = o.distributor_id WHERE"
      " o.number = 'ORD-2026-1000' AND d.number = 'DIST-0025'";
  g_autoptr (PgStation) a = NULL, b = NULL;
  g_autoptr (JsonObject) first = NULL, again = NULL;
  gint64 rows;

  pg_server_create (server, "import", policy);
  a = pg_station_new (server, "import", "ada");
  b = pg_station_new (server, "import", "ada");
  first = import_demo (a);
  g_assert_cmpint (ct_json_int (first, "rejected", -1), ==, 0);
  rows = sync_replica_number (a->replica, "SELECT count(*) FROM order_lines");
  g_assert_cmpint (rows, >, 50);
  pg_station_sync (a);
  g_assert_cmpint (pg_station_tray (a), ==, 0);
  pg_station_sync (b);
  pg_station_assert_same (a, b);
  g_assert_cmpint (sync_replica_number (b->replica, "SELECT count(*) FROM order_lines"), ==, rows);
  g_assert_cmpint (sync_replica_number (b->replica, numbers), ==, 1);
  /* by whomever it is repeated: nothing comes twice */
  again = import_demo (b);
  g_assert_cmpint (ct_json_int (again, "created", -1), ==, 0);
  pg_station_sync (b);
  pg_station_sync (a);
  g_assert_cmpint (sync_replica_number (a->replica, "SELECT count(*) FROM order_lines"), ==, rows);
  pg_station_assert_same (a, b);
}

/* An import that is pending when others' rows come is taken back and run again like any other command. */
static void
test_rebased (void)
{
  g_autoptr (PgStation) a = NULL, b = NULL;
  g_autoptr (JsonObject) first = NULL;

  pg_server_create (server, "rebased", policy);
  a = pg_station_new (server, "rebased", "ada");
  b = pg_station_new (server, "rebased", "ada");
  pg_station_sync (a);
  first = import_demo (a);
  sync_replica_run (b->replica, "product.create", "{\"sku\":\"OTHER-1\",\"name\":\"Other\"}");
  pg_station_sync (b);
  pg_station_pull (a);
  pg_station_sync (a);
  g_assert_cmpint (pg_station_tray (a), ==, 0);
  pg_station_sync (b);
  pg_station_assert_same (a, b);
  g_assert_cmpint (sync_replica_number (b->replica, "SELECT count(*) FROM orders"), >, 20);
}

int
main (int argc, char **argv)
{
  g_autofree char *path = g_build_filename (CT_SOURCE_ROOT, "schema", "policy.json", NULL);
  int result;

  g_test_init (&argc, &argv, NULL);
  g_assert_true (g_file_get_contents (path, &policy, NULL, NULL));
  ct_import_chunk_register ();
  server = pg_server_start ();
  g_test_add_func ("/pg/import/travels", test_travels);
  g_test_add_func ("/pg/import/rebased", test_rebased);
  result = g_test_run ();
  pg_server_stop (server);
  g_free (policy);
  return result;
}
