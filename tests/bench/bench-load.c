/* The first load of a million rows against psql's COPY piped into the sqlite3 shell's .import and the same indexes; then
 * what a poll costs in which nothing has happened. */
#include "ct-bench.h"
#include "ct-first-load.h"
#include "pg-station.h"

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

int
main (int argc, char **argv)
{
  double loads[ROUNDS], tools[ROUNDS];
  g_autoptr (PgStation) large = NULL, small = NULL;
  g_autofree char *detail = NULL;

  server = pg_server_start ();
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
