/* The write path against the same rows, leaf included, by plain prepared INSERTs, one transaction each,
 * synchronous=FULL. */
#include "ct-bench.h"

#include <string.h>

#define COMMANDS 3000
#define ROUNDS   5

static double
by_commands (CtDb *db, CtCommander *commander)
{
  double start = bench_seconds ();

  for (int i = 0; i < COMMANDS; i++) {
    g_autofree char *name = g_strdup_printf ("Distributor %d", i);
    g_autoptr (JsonObject) args = ct_json_build ("sssss", "legal_name", name, "country", "DE", "city",
                                                 "Hamburg", "currency", "EUR", "notes", "Key account");
    CtRequest request = { "distributor.create", args, "admin", BENCH_NOW + i, 0, NULL };
    g_auto (CtOutcome) outcome = { 0 };
    GError *error = NULL;

    ct_commander_execute (commander, db, &request, &outcome, &error);
    bench_check (error);
  }
  return bench_seconds () - start;
}

/* What a command leaves in each table, copied into a workspace of its own by prepared statements. */
typedef struct {
  const char *table;
  const char *pick; /* SQL: the rows of command seq ?1 */
  GPtrArray *rows;  /* (element-type Row), by command */
} Copied;

typedef struct {
  int command;
  GPtrArray *values; /* (element-type GBytes) with the type in front */
} Row;

static Copied copied[] = {
  { "intents", "SELECT seq, * FROM intents", NULL },
  { "changesets", "SELECT seq, * FROM changesets", NULL },
  { "distributors",
    "SELECT (SELECT l.n FROM audit_logs l WHERE l.object_id = d.id) + 1, d.* FROM distributors d", NULL },
  { "audit_logs", "SELECT n + 1, * FROM audit_logs", NULL },
  { "audit_disclosures", "SELECT n + 1, * FROM audit_disclosures", NULL },
  { "audit_rows", "SELECT n + 1, * FROM audit_rows", NULL },
};

static void
read_rows (CtDb *db, Copied *table)
{
  GError *error = NULL;
  g_autofree char *sql = g_strdup_printf ("SELECT * FROM (%s) ORDER BY 1", table->pick);
  g_autoptr (CtStmt) stmt = ct_db_query (db, &error, sql, "");

  bench_check (error);
  table->rows = g_ptr_array_new ();
  while (ct_stmt_next (stmt)) {
    Row *row = g_new0 (Row, 1);

    row->command = (int) ct_stmt_int (stmt, 0);
    row->values = g_ptr_array_new ();
    for (int i = 1; i < ct_stmt_n_columns (stmt); i++) {
      char type = ct_stmt_type (stmt, i);
      GByteArray *value = g_byte_array_new ();
      gint64 integer = type == 'i' ? ct_stmt_int (stmt, i) : 0;
      gsize length = sizeof integer;
      gconstpointer data = type == 'i' ? &integer : type == 'n' ? "" : ct_stmt_blob (stmt, i, &length);

      if (type == 'n')
        length = 0;
      g_byte_array_append (value, (const guint8 *) &type, 1);
      g_byte_array_append (value, data, (guint) length);
      g_ptr_array_add (row->values, g_byte_array_free_to_bytes (value));
    }
    g_ptr_array_add (table->rows, row);
  }
}

static void
insert_row (CtStmt *stmt, const Row *row)
{
  GError *error = NULL;

  ct_stmt_rebind (stmt, &error, "");
  for (guint i = 0; i < row->values->len; i++) {
    gsize length;
    const char *value = g_bytes_get_data (row->values->pdata[i], &length);
    gint64 integer;

    switch (*value) {
    case 'i':
      memcpy (&integer, value + 1, sizeof integer);
      ct_stmt_bind_at (stmt, &error, (int) i + 1, "i", integer);
      break;
    case 't':
      ct_stmt_bind_at (stmt, &error, (int) i + 1, "t", value + 1, length - 1);
      break;
    case 'b':
      ct_stmt_bind_at (stmt, &error, (int) i + 1, "b", (gconstpointer) (value + 1), length - 1);
      break;
    default:
      ct_stmt_bind_at (stmt, &error, (int) i + 1, "n");
    }
  }
  ct_stmt_next (stmt);
  bench_check (error);
}

static CtStmt *
prepare_insert (CtDb *db, Copied *table)
{
  const Row *first = table->rows->pdata[0];
  g_autoptr (GString) sql = g_string_new (NULL);
  GError *error = NULL;
  CtStmt *stmt;

  g_string_printf (sql, "INSERT INTO %s VALUES(?", table->table);
  for (guint i = 1; i < first->values->len; i++)
    g_string_append (sql, ",?");
  g_string_append_c (sql, ')');
  stmt = ct_db_query (db, &error, sql->str, "");
  bench_check (error);
  return stmt;
}

/* One transaction for each command's rows. */
static double
by_inserts (CtDb *db, int first, int last)
{
  CtStmt *statements[G_N_ELEMENTS (copied)];
  guint next[G_N_ELEMENTS (copied)] = { 0 };
  GError *error = NULL;
  double start, took;

  for (guint t = 0; t < G_N_ELEMENTS (copied); t++) {
    statements[t] = prepare_insert (db, &copied[t]);
    while (next[t] < copied[t].rows->len && ((Row *) copied[t].rows->pdata[next[t]])->command < first)
      next[t]++;
  }
  start = bench_seconds ();
  for (int command = first; command < last; command++) {
    ct_db_run (db, &error, "BEGIN IMMEDIATE", "");
    for (guint t = 0; t < G_N_ELEMENTS (copied); t++)
      for (; next[t] < copied[t].rows->len && ((Row *) copied[t].rows->pdata[next[t]])->command == command;
           next[t]++)
        insert_row (statements[t], copied[t].rows->pdata[next[t]]);
    for (guint t = 0; t < G_N_ELEMENTS (copied); t++)
      ct_stmt_rebind (statements[t], NULL, "");
    ct_db_run (db, &error, "COMMIT", "");
    bench_check (error);
  }
  took = bench_seconds () - start;
  for (guint t = 0; t < G_N_ELEMENTS (copied); t++)
    ct_stmt_free (statements[t]);
  return took;
}

int
main (void)
{
  g_autofree char *folder = NULL, *other = NULL, *detail = NULL;
  CtDb *db = bench_workspace (&folder), *plain = bench_workspace (&other);
  double commands[ROUNDS], inserts[ROUNDS];
  GError *error = NULL;
  CtCommander *commander = ct_commander_new (ct_authority_standalone_new (), &error);
  gint64 first = 0;

  bench_check (error);
  ct_db_exec (plain,
              "DROP TRIGGER audit_logs_no_delete; DELETE FROM audit_logs; DELETE FROM audit_disclosures; "
              "DELETE FROM audit_rows; "
              "DELETE FROM changesets; DELETE FROM intents;",
              &error);
  bench_check (error);
  for (int round = 0; round < ROUNDS; round++) {
    ct_db_read_int (db, &first, &error, "SELECT max(seq) + 1 FROM intents", "");
    commands[round] = by_commands (db, commander);
    for (guint t = 0; t < G_N_ELEMENTS (copied); t++)
      read_rows (db, &copied[t]);
    inserts[round] = by_inserts (plain, (int) first, (int) first + COMMANDS);
  }
  detail =
      g_strdup_printf ("%.0f commands a second against %.0f transactions of the same rows",
                       COMMANDS / bench_median (commands, ROUNDS), COMMANDS / bench_median (inserts, ROUNDS));
  bench_print ("commands per second / the same rows by plain prepared INSERTs", 0.5,
               ">=", bench_median (inserts, ROUNDS) / bench_median (commands, ROUNDS), "ratio", detail);
  ct_commander_free (commander);
  ct_db_close (db);
  ct_db_close (plain);
  ct_test_remove (folder);
  ct_test_remove (other);
  return 0;
}
