/* Filling tables with many rows: what costs time with each row is done once at the end. Indexes and triggers are kept as
 * text from the moment at which they go, in the same transaction, so that whoever opens the replica next can put them
 * back. */
#include "ct-bulk.h"

/* (transfer full): names and kinds by turns */
static GPtrArray *
list_objects (CtDb *db, const char *table, GError **error)
{
  g_autoptr (GPtrArray) objects = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (CtStmt) stmt = ct_db_query (db, error,
                                         "SELECT type, name FROM sqlite_schema WHERE tbl_name = ? AND sql IS "
                                         "NOT NULL AND type IN ('index', 'trigger')",
                                         "s", table);

  if (!stmt)
    return NULL;
  while (ct_stmt_next (stmt)) {
    g_ptr_array_add (objects, g_strdup (ct_stmt_text (stmt, 0)));
    g_ptr_array_add (objects, g_strdup (ct_stmt_text (stmt, 1)));
  }
  return ct_stmt_finish (stmt, error) ? g_steal_pointer (&objects) : NULL;
}

/**
 * ct_bulk_begin:
 * @db: in a transaction
 * @table: a business table
 *
 * Takes the table's indexes and triggers away, but those that keep ids and other constraints of the table itself.
 */
gboolean
ct_bulk_begin (CtDb *db, const char *table, GError **error)
{
  g_autoptr (GPtrArray) objects = NULL;

  if (!ct_db_run (db, error,
                  "INSERT INTO bulk_schema SELECT name, tbl_name, sql FROM sqlite_schema WHERE tbl_name = ? "
                  "AND sql IS NOT NULL AND type IN ('index', 'trigger')",
                  "s", table))
    return FALSE;
  objects = list_objects (db, table, error);
  for (guint i = 0; objects && i < objects->len; i += 2) {
    g_autofree char *sql =
        g_strdup_printf ("DROP %s \"%s\"", (char *) objects->pdata[i], (char *) objects->pdata[i + 1]);

    if (!ct_db_exec (db, sql, error))
      return FALSE;
  }
  return objects != NULL;
}

/* A full-text index has no row of those that came while its triggers were away. */
static gboolean
rebuild_search (CtDb *db, const char *table, GError **error)
{
  g_autofree char *name = g_strconcat (table, "_fts", NULL);
  g_autofree char *sql = g_strdup_printf ("INSERT INTO \"%s\"(\"%s\") VALUES('rebuild')", name, name);
  gint64 has = 0;

  return ct_db_read_int (db, &has, error, "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = ?)", "s",
                         name) &&
         (!has || ct_db_exec (db, sql, error));
}

/**
 * ct_bulk_restore_next:
 * @db: in a transaction
 * @more: (out): whether there was one
 *
 * Puts back one index or trigger, with a table's last trigger also what its full-text index missed.
 *
 * Returns: %FALSE with %CT_ERROR_CONFLICT where two rows have what only one may have
 */
gboolean
ct_bulk_restore_next (CtDb *db, gboolean *more, GError **error)
{
  g_autofree char *name = NULL, *table = NULL, *sql = NULL;
  gint64 triggers = 0;

  {
    /* indexes first */
    g_autoptr (CtStmt) stmt =
        ct_db_query (db, error,
                     "SELECT name, tbl, sql FROM bulk_schema ORDER BY sql LIKE 'CREATE TRIGGER%', tbl, name "
                     "LIMIT 1",
                     "");

    if (!stmt)
      return FALSE;
    *more = ct_stmt_next (stmt);
    if (!*more)
      return ct_stmt_finish (stmt, error);
    name = g_strdup (ct_stmt_text (stmt, 0));
    table = g_strdup (ct_stmt_text (stmt, 1));
    sql = g_strdup (ct_stmt_text (stmt, 2));
  }
  if (!ct_db_exec (db, sql, error) ||
      !ct_db_run (db, error, "DELETE FROM bulk_schema WHERE name = ?", "s", name))
    return FALSE;
  return !g_str_has_prefix (sql, "CREATE TRIGGER") ||
         (ct_db_read_int (db, &triggers, error, "SELECT count(*) FROM bulk_schema WHERE tbl = ?", "s",
                          table) &&
          (triggers > 0 || rebuild_search (db, table, error)));
}
