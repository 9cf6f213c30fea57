/* The first load of a million rows against psql's COPY piped into the sqlite3 shell's .import and the same indexes; then
 * what a poll costs in which nothing has happened, and what the main thread has of a pull. */
#include "ct-bench.h"
#include "ct-config.h"
#include "ct-first-load.h"
#include "ct-lazy-list.h"
#include "ct-own-time.h"
#include "ct-workers.h"
#include "pg-station.h"
#include "pg-workspace.h"

#include <glib/gstdio.h>

#define ROUNDS 3
#define ORDERS 200000 /* 1,000,000 rows: see pg-fill.c */
#define POLLS  400

static PgServer *server;

static PgStation *
new_station (const char *database)
{
  PgStation *self = pg_station_new (server, database, "anna");
  GError *error = NULL;

  ct_db_exec (self->replica->db, "PRAGMA synchronous = FULL", &error); /* as the program has it */
  bench_check (error);
  return self;
}

static double
load (PgStation *station)
{
  double since = bench_seconds ();
  GError *error = NULL;
  gint64 rows;

  ct_first_load (station->replica->db, station->session, NULL, NULL, &rows, NULL, &error);
  bench_check (error);
  g_assert_cmpint (rows, >=, 1000000);
  g_assert_cmpuint (pg_station_pull (station).pulled.rows, ==, 0);
  return bench_seconds () - since;
}

static const char *const tables[] = { "distributors", "orders", "order_lines", "invoices", NULL };

/* Its columns and what must be unique, without types that a shell's text does not fit. */
static void
add_table (GString *script, CtDb *db, const char *table)
{
  GError *error = NULL;
  g_autofree char *sql = ct_db_read_text (
      db, &error,
      "SELECT printf('CREATE TABLE %s(%s%s);', ?1, (SELECT group_concat(name || ' ' || iif(type = 'BLOB', "
      "'', type), "
      "',') FROM pragma_table_info(?1)), (SELECT group_concat(printf(',UNIQUE(%s)', (SELECT "
      "group_concat(name) FROM "
      "pragma_index_info(l.name))), '') FROM pragma_index_list(?1) l WHERE l.origin <> 'c'))",
      "s", table);

  bench_check (error);
  g_string_append (script, sql);
}

/* (transfer full): the statements that make the same indexes, full text too */
static char *
index_script (CtDb *db)
{
  g_autoptr (GString) names = g_string_new (NULL);
  g_autofree char *sql = NULL;
  GError *error = NULL;
  char *script;

  for (guint i = 0; tables[i]; i++)
    g_string_append_printf (names, "%s'%s'", i ? "," : "", tables[i]);
  sql = g_strdup_printf ("SELECT group_concat(sql, ';') || ';INSERT INTO distributors_fts(distributors_fts) "
                         "VALUES(''rebuild'');' FROM (SELECT sql FROM sqlite_schema WHERE type = 'index' AND "
                         "sql IS NOT NULL AND tbl_name IN (%s) UNION ALL SELECT sql FROM sqlite_schema WHERE "
                         "name = 'distributors_fts')",
                         names->str);
  script = ct_db_read_text (db, &error, sql, "");
  bench_check (error);
  return script;
}

/* (transfer full): COPY of a table in the order of the replica's columns; n is counted */
static char *
copy_command (CtDb *db, const char *table)
{
  GError *error = NULL;
  char *sql = ct_db_read_text (
      db, &error,
      "SELECT printf('COPY (SELECT %s FROM api.%s) TO STDOUT (FORMAT csv)', group_concat(iif(name = 'n', "
      "'row_number() OVER () AS n', name)), ?1) FROM pragma_table_info(?1)",
      "s", table);

  bench_check (error);
  return sql;
}

static void
shell (const char *script)
{
  const char *argv[] = { "sh", "-ec", script, NULL };
  GError *error = NULL;
  int status = 0;

  g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, &status, &error);
  bench_check (error);
  g_spawn_check_wait_status (status, &error);
  bench_check (error);
}

static double
by_tools (CtDb *like)
{
  g_autofree char *folder = ct_test_folder (), *address = pg_server_address (server, "million", "anna");
  g_autofree char *indexes = index_script (like), *file = g_build_filename (folder, "script.sql", NULL);
  g_autofree char *base = g_build_filename (folder, "plain.db", NULL);
  g_autoptr (GString) made = g_string_new (NULL), script = g_string_new (NULL);
  double since;

  for (guint i = 0; tables[i]; i++) {
    g_autofree char *copy = copy_command (like, tables[i]);

    add_table (made, like, tables[i]);
    g_string_append_printf (script,
                            "psql -X -q -d '%s' -c '%s' | sqlite3 '%s' '.import --csv /dev/stdin %s'\n",
                            address, copy, base, tables[i]);
  }
  g_string_append_printf (script, "sqlite3 '%s' <'%s'\n", base, file);
  g_file_set_contents (file, indexes, -1, NULL);
  g_string_prepend (made, "' \"");
  g_string_prepend (made, base);
  g_string_prepend (made, "sqlite3 '");
  g_string_append (made, "\"");
  shell (made->str);
  since = bench_seconds ();
  shell (script->str);
  since = bench_seconds () - since;
  g_string_printf (script,
                   "test $(sqlite3 '%s' 'SELECT (SELECT count(*) FROM orders) + (SELECT count(*) FROM "
                   "order_lines) + (SELECT count(*) FROM invoices) + (SELECT count(*) FROM "
                   "distributors)') = 1000000",
                   base);
  shell (script->str);
  ct_test_remove (folder);
  return since;
}

static double
poll_once (PgStation *station)
{
  double since = bench_seconds ();

  g_assert_cmpuint (pg_station_pull (station).pulled.rows, ==, 0);
  return bench_seconds () - since;
}

static void
polls (PgStation *large, PgStation *small)
{
  double many[POLLS], few[POLLS];
  g_autofree char *detail = NULL;

  for (int i = -20; i < POLLS; i++) { /* the first ones warm up */
    many[MAX (i, 0)] = poll_once (large);
    few[MAX (i, 0)] = poll_once (small);
  }
  detail = g_strdup_printf ("%.2f ms ÷ %.2f ms, median of %d", bench_median (many, POLLS) * 1e3,
                            bench_median (few, POLLS) * 1e3, POLLS);
  bench_print ("empty poll with 1,000,000 feed entries ÷ with 1,000", 1.2,
               "<=", bench_median (many, POLLS) / bench_median (few, POLLS), "ratio", detail);
}

/* ---- the main thread while a pull runs ---- */

#define CHANGED 10000
#define PENDING 100

static void
told_cb (JsonObject *report, gpointer data)
{
  JsonObject *sync = ct_json_object (report, "sync");

  if (sync && ct_json_int (sync, "rows", 0) >= CHANGED)
    g_atomic_int_set ((gint *) data, TRUE);
}

static gboolean
read_ids_cb (CtDb *db, gpointer data, GError **error)
{
  g_autoptr (CtStmt) stmt = ct_db_query (
      db, error, "SELECT uuid_text(id) FROM distributors WHERE number LIKE 'DIST-2020-%' LIMIT ?", "i",
      (gint64) PENDING);

  while (stmt && ct_stmt_next (stmt))
    g_ptr_array_add (data, g_strdup (ct_stmt_text (stmt, 0)));
  return stmt && ct_stmt_finish (stmt, error);
}

static void
give_commands (CtWorkspace *workspace)
{
  g_autoptr (GPtrArray) ids = g_ptr_array_new_with_free_func (g_free);
  GError *error = NULL;

  ct_store_read (ct_workspace_get_store (workspace), read_ids_cb, ids, &error);
  bench_check (error);
  g_assert_cmpuint (ids->len, ==, PENDING);
  for (guint i = 0; i < ids->len; i++) {
    g_autoptr (JsonObject) args = ct_json_build ("ss", "id", ids->pdata[i], "notes", "Call again");
    g_auto (CtOutcome) outcome = { 0 };

    ct_workspace_execute (workspace, "distributor.edit", args, &outcome, &error);
    bench_check (error);
  }
}

/* Somebody changes thousands of orders, and what every pending command is about; both lists are in another order then. */
static void
change_at_server (void)
{
  g_autoptr (CtSession) session = pg_server_login (server, "pull", "postgres");
  GError *error = NULL;

  ct_session_script (
      session,
      "UPDATE app.orders SET total_minor = total_minor * 7919 % 1000003 WHERE id IN"
      " (SELECT id FROM app.orders LIMIT 10000); UPDATE app.distributors SET city = md5(city);",
      NULL, &error);
  bench_check (error);
}

static guint shown; /* how often a list told its window of the pull */

static void
show_cb (CtLazyList *list, guint position, guint removed, guint added, gpointer data)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (list));

  shown++;
  /* as a window does with the rows in sight */
  for (guint i = 0; i < MIN (n, 60); i++)
    g_object_unref (g_list_model_get_item (G_LIST_MODEL (list), i));
}

static double
longest_callback (CtWorkspace *workspace)
{
  static const char *const order_columns[] = { "o.number", "o.total_minor", "d.legal_name", NULL };
  static const char *const order_tables[] = { "orders", "distributors", NULL };
  static const CtListSource orders = { "orders o JOIN distributors d ON d.id = o.distributor_id", "o.n",
                                       order_columns, order_tables };
  static const char *const columns[] = { "d.number", "d.legal_name", "d.city", NULL };
  static const char *const tables_of[] = { "distributors", NULL };
  static const CtListSource distributors = { "distributors d", "d.n", columns, tables_of };
  CtStore *store = ct_workspace_get_store (workspace);
  CtLazyList *lists[] = { ct_lazy_list_new (store, &orders), ct_lazy_list_new (store, &distributors) };
  CtWorkers *workers = ct_workers_new (workspace, "bench");
  gint pulled = FALSE;
  const char *function;
  double longest, until = G_MAXDOUBLE;

  ct_store_watch (store);
  for (guint i = 0; i < G_N_ELEMENTS (lists); i++)
    g_signal_connect (lists[i], "items-changed", G_CALLBACK (show_cb), NULL);
  ct_lazy_list_set_query (lists[0], NULL, "o.total_minor DESC, o.n", "[]");
  ct_lazy_list_set_query (lists[1], NULL, "d.city, d.n", "[]");
  while (!ct_lazy_list_is_settled (lists[0]) || !ct_lazy_list_is_settled (lists[1]))
    g_main_context_iteration (NULL, TRUE);
  shown = 0;
  ct_own_time_start ();
  ct_workers_start (workers, told_cb, &pulled);
  while (bench_seconds () < until) {
    /* what the lists still have to do when it is over */
    if (!g_atomic_int_get (&pulled) || !ct_lazy_list_is_settled (lists[0]) ||
        !ct_lazy_list_is_settled (lists[1]))
      until = bench_seconds () + 1;
    if (!g_main_context_iteration (NULL, FALSE))
      g_usleep (500);
  }
  longest = (double) ct_own_time_longest (&function) / 1e3;
  g_assert_cmpuint (shown, >, 0);
  g_printerr ("longest of our own: %.2f ms in %s ()\n", longest, function ? function : "none");
  ct_workers_free (workers);
  g_object_unref (lists[0]);
  g_object_unref (lists[1]);
  return longest;
}

static void
callbacks (void)
{
  double longest[ROUNDS] = { 0 };
  g_autofree char *detail = NULL;

  for (int round = 0; round < ROUNDS; round++) {
    g_autofree char *folder = ct_test_folder ();
    CtWorkspace *workspace = pg_workspace_join (server, "pull", "anna", folder);
    CtWorkers *workers = ct_workers_new (workspace, "bench");
    GError *error = NULL;

    json_object_unref (ct_workers_round (workers, TRUE, NULL, &error));
    bench_check (error);
    ct_workers_free (workers);
    give_commands (workspace);
    change_at_server ();
    longest[round] = longest_callback (workspace);
    ct_workspace_close (workspace);
    while (g_main_context_iteration (NULL, FALSE))
      ;
    g_object_unref (workspace);
    ct_test_remove (folder);
  }
  detail = g_strdup_printf ("median of %d pulls, lists of orders and distributors listening", ROUNDS);
  bench_print (
      "pull of 10,000 changes with 100 pending commands: longest of our own callbacks on the main thread", 4,
      "<=", bench_median (longest, ROUNDS), "ms", detail);
}

int
main (int argc, char **argv)
{
  double loads[ROUNDS], tools[ROUNDS];
  g_autoptr (PgStation) large = NULL, small = NULL;
  g_autofree char *path = g_build_filename (CT_SOURCE_ROOT, "schema", "policy.json", NULL);
  g_autofree char *detail = NULL, *policy = NULL;

  g_file_get_contents (path, &policy, NULL, NULL);
  server = pg_server_start ();
  pg_server_create (server, "pull", policy);
  pg_server_fill (server, "pull", 20000, 20);
  callbacks ();
  pg_server_create (server, "million", NULL);
  pg_server_create (server, "thousand", NULL);
  pg_server_fill (server, "million", ORDERS, 20);
  pg_server_fill (server, "thousand", 200, 20);
  for (int round = 0; round < ROUNDS; round++) {
    g_clear_pointer (&large, pg_station_free);
    large = new_station ("million");
    loads[round] = load (large);
    tools[round] = by_tools (large->replica->db);
    g_printerr ("round %d: load %.2f s, tools %.2f s\n", round + 1, loads[round], tools[round]);
  }
  detail = g_strdup_printf ("%.2f s ÷ %.2f s, median of %d", bench_median (loads, ROUNDS),
                            bench_median (tools, ROUNDS), ROUNDS);
  bench_print (
      "first load of 1,000,000 rows into an indexed replica ÷ psql COPY into sqlite3 .import and the same "
      "indexes",
      1.5, "<=", bench_median (loads, ROUNDS) / bench_median (tools, ROUNDS), "ratio", detail);
  small = new_station ("thousand");
  pg_station_sync (small);
  polls (large, small);
  g_clear_pointer (&large, pg_station_free);
  g_clear_pointer (&small, pg_station_free);
  pg_server_stop (server);
  return 0;
}
