/* 200,000 order rows through a profile, chunk by chunk, with keys, totals, leaves and row commitments, against plain
 * prepared INSERTs of the very rows that came of it, into the same tables with the same indexes and triggers. */
#define CT_TEST_COMMANDS
#include "ct-test.h"
#include "ct-changeset.h"
#include "ct-import.h"
#include "ct-import-chunk.h"
#include "ct-store.h"

#include <stdio.h>

#define ROWS         200000
#define DISTRIBUTORS 500
#define ROUNDS       3
#define BATCH        5000

static const char *const tables[] = { "orders", "shipments", NULL };

static char *
make_files (const char *folder)
{
  g_autoptr (GString) customers =
      g_string_new ("customer_id,company_name,contact_name,contact_title,address,city,region,"
                    "postal_code,country,phone,fax\n");
  g_autoptr (GString) orders = g_string_new (
      "order_id,customer_id,employee_id,order_date,required_date,shipped_date,ship_via,freight,ship_name,"
      "ship_address,ship_city,ship_region,ship_postal_code,ship_country\n");
  g_autofree char *customers_path = g_build_filename (folder, "customers.csv", NULL);
  char *orders_path = g_build_filename (folder, "orders.csv", NULL);

  for (int i = 0; i < DISTRIBUTORS; i++)
    g_string_append_printf (
        customers, "C%03d,Company %d,Person %d,Owner,%d Road,Berlin,,12209,Germany,030-%d,\n", i, i, i, i, i);
  for (int i = 0; i < ROWS; i++) {
    char ordered[CT_DATE_SIZE], required[CT_DATE_SIZE], shipped[CT_DATE_SIZE];

    ct_date_from_days (9000 + i % 3000, ordered);
    ct_date_from_days (9028 + i % 3000, required);
    ct_date_from_days (9010 + i % 3000, shipped);
    g_string_append_printf (
        orders,
        "%d,C%03d,%d,%s,%s,%s,%d,%d.%02d,\"Company %d, Ltd\",59 rue de l'Abbaye,München,,51100,"
        "France\n",
        100000 + i, i % DISTRIBUTORS, i % 9, ordered, required, i % 20 ? shipped : "", 1 + i % 3, i % 300,
        i % 100, i % DISTRIBUTORS);
  }
  g_file_set_contents (customers_path, customers->str, (gssize) customers->len, NULL);
  g_file_set_contents (orders_path, orders->str, (gssize) orders->len, NULL);
  return orders_path;
}

static gboolean
init_cb (CtDb *db, gpointer data, GError **error)
{
  *(CtCommander **) data = ct_test_commander (db);
  return TRUE;
}

static void
import_file (CtStore *store, CtCommander *commander, const char *path, gint64 rows)
{
  GError *error = NULL;
  g_autoptr (CtImport) import = ct_import_new ("northwind", path, NULL, &error);
  g_autoptr (GTimeZone) zone = g_time_zone_new_utc ();
  CtImportOptions options = {
    .store = store, .commander = commander, .actor = "admin", .now = 1, .zone = zone
  };
  g_autoptr (JsonObject) result = NULL;

  g_assert_no_error (error);
  result = ct_import_run (import, &options, &error);
  g_assert_no_error (error);
  g_assert_cmpint (ct_json_int (result, "created", 0), ==, rows);
}

/* Seconds that the import took; the replica stays in @folder. */
static double
measure_import (const char *folder, const char *orders)
{
  g_autofree char *path = g_build_filename (folder, "replica.db", NULL);
  g_autofree char *inputs = g_path_get_dirname (orders);
  g_autofree char *customers = g_build_filename (inputs, "customers.csv", NULL);
  g_autoptr (CtCommander) commander = NULL;
  g_autoptr (CtStore) store = NULL;
  GError *error = NULL;
  gint64 begin;
  double seconds;

  ct_db_close (ct_test_replica (folder));
  store = ct_store_open (path, CT_DB_READ_WRITE, &error);
  g_assert_no_error (error);
  ct_store_write (store, init_cb, &commander, &error);
  g_assert_no_error (error);
  ct_import_chunk_register ();
  import_file (store, commander, customers, DISTRIBUTORS);
  begin = g_get_monotonic_time ();
  import_file (store, commander, orders, ROWS);
  seconds = (double) (g_get_monotonic_time () - begin) / 1e6;
  ct_store_close (store);
  return seconds;
}

/* A batch of one table's rows in memory. */
typedef struct {
  GArray *values; /* (element-type CtValue) */
  GStringChunk *texts;
  int n_columns;
} Batch;

static void
read_batch (CtDb *from, const char *table, gint64 after, Batch *batch)
{
  g_autofree char *sql = g_strdup_printf ("SELECT * FROM %s WHERE n > ? ORDER BY n LIMIT %d", table, BATCH);
  GError *error = NULL;
  g_autoptr (CtStmt) stmt = ct_db_query (from, &error, sql, "i", after);

  g_assert_no_error (error);
  g_array_set_size (batch->values, 0);
  g_string_chunk_clear (batch->texts);
  batch->n_columns = ct_stmt_n_columns (stmt);
  while (ct_stmt_next (stmt))
    for (int i = 0; i < batch->n_columns; i++) {
      CtValue value = { .type = ct_stmt_type (stmt, i) };

      if (value.type == 'i')
        value.integer = ct_stmt_int (stmt, i);
      else if (value.type != 'n') {
        gconstpointer data = ct_stmt_blob (stmt, i, &value.length);

        value.data = g_string_chunk_insert_len (batch->texts, data ? data : "", (gssize) value.length);
      }
      g_array_append_val (batch->values, value);
    }
}

static void
bind (CtStmt *stmt, int at, const CtValue *value)
{
  if (value->type == 'i')
    ct_stmt_bind_at (stmt, NULL, at, "i", value->integer);
  else if (value->type == 'n')
    ct_stmt_bind_at (stmt, NULL, at, "n");
  else
    ct_stmt_bind_at (stmt, NULL, at, value->type == 't' ? "t" : "b", value->data, value->length);
}

static void
insert_batch (CtDb *to, const char *table, const Batch *batch)
{
  g_autoptr (GString) sql = g_string_new (NULL);
  g_autoptr (CtStmt) stmt = NULL;
  GError *error = NULL;

  g_string_append_printf (sql, "INSERT INTO %s VALUES(?", table);
  for (int i = 1; i < batch->n_columns; i++)
    g_string_append (sql, ",?");
  g_string_append_c (sql, ')');
  stmt = ct_db_query (to, &error, sql->str, "");
  for (guint at = 0; at < batch->values->len; at += (guint) batch->n_columns) {
    ct_stmt_rebind (stmt, &error, "");
    for (int i = 0; i < batch->n_columns; i++)
      bind (stmt, i + 1, &g_array_index (batch->values, CtValue, at + (guint) i));
    ct_stmt_finish (stmt, &error);
    g_assert_no_error (error);
  }
}

static void
copy_table (CtDb *from, CtDb *to, const char *table, gint64 *n, Batch *batch, double *seconds)
{
  gint64 begin;

  read_batch (from, table, *n, batch);
  if (batch->values->len == 0)
    return;
  begin = g_get_monotonic_time ();
  insert_batch (to, table, batch);
  *seconds += (double) (g_get_monotonic_time () - begin) / 1e6;
  *n = g_array_index (batch->values, CtValue, batch->values->len - (guint) batch->n_columns + 1).integer;
}

/* Seconds that plain INSERTs of the rows in @folder take, in one transaction. */
static double
measure_plain (const char *folder, const char *plain_folder)
{
  g_autofree char *path = g_build_filename (folder, "replica.db", NULL);
  GError *error = NULL;
  g_autoptr (CtDb) from = ct_db_open (path, CT_DB_READ_ONLY, &error);
  g_autoptr (CtDb) to = ct_test_replica (plain_folder);
  Batch batch = { g_array_new (FALSE, FALSE, sizeof (CtValue)), g_string_chunk_new (1 << 20), 0 };
  gint64 n[G_N_ELEMENTS (tables)] = { 0 }, distributors = 0, begin;
  double seconds = 0, ignored = 0;

  g_assert_no_error (error);
  copy_table (from, to, "distributors", &distributors, &batch, &ignored);
  g_assert_true (ct_db_begin (to, &error));
  for (int i = 0; i * BATCH < ROWS; i++)
    for (guint t = 0; tables[t]; t++)
      copy_table (from, to, tables[t], &n[t], &batch, &seconds);
  begin = g_get_monotonic_time ();
  g_assert_true (ct_db_commit (to, &error));
  seconds += (double) (g_get_monotonic_time () - begin) / 1e6;
  g_array_unref (batch.values);
  g_string_chunk_free (batch.texts);
  return seconds;
}

int
main (void)
{
  g_autofree char *inputs = ct_test_folder ();
  g_autofree char *orders = make_files (inputs);
  double import = G_MAXDOUBLE, plain = G_MAXDOUBLE;

  for (int round = 0; round < ROUNDS; round++) {
    g_autofree char *folder = ct_test_folder (), *plain_folder = ct_test_folder ();
    double imported = measure_import (folder, orders), inserted = measure_plain (folder, plain_folder);

    fprintf (stderr, "round %d: import %.2f s, plain INSERTs %.2f s\n", round + 1, imported, inserted);
    import = MIN (import, imported);
    plain = MIN (plain, inserted);
    ct_test_remove (folder);
    ct_test_remove (plain_folder);
  }
  printf ("{\"figure\": \"import of 200,000 order rows ÷ plain prepared INSERTs of the same rows\", "
          "\"target\": 1.5, "
          "\"relation\": \"<=\", \"result\": %.3f, \"unit\": \"ratio\", \"detail\": \"%.2f s ÷ %.2f s\"}\n",
          import / plain, import, plain);
  ct_test_remove (inputs);
  return 0;
}
