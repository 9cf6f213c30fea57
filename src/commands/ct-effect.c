#include "ct-effect.h"

#include <string.h>

/**
 * ct_effect_new_id:
 * @index: tells several new rows of one table apart
 *
 * Returns: the id of a row this command makes; the same whenever it runs
 */
CtId
ct_effect_new_id (CtCommand *command, const char *table, guint64 index)
{
  return ct_id_derive (&command->id, table, index);
}

/* Binds the caller's values, then the id and the time as the last two parameters, and runs. */
static gboolean
run (CtCommand *command, GError **error, const char *sql, const CtId *id, const char *format, va_list args)
{
  g_autoptr (CtStmt) stmt = ct_db_query_va (command->db, error, sql, format, args);

  return stmt && ct_stmt_bind_at (stmt, error, (int) strlen (format) + 1, "ki", id, command->now) &&
         ct_stmt_finish (stmt, error);
}

gboolean
ct_effect_insert (CtCommand *command, GError **error, const char *table, const CtId *id, const char *columns,
                  const char *format, ...)
{
  g_autoptr (GString) sql = g_string_sized_new (256);
  guint n = (guint) strlen (format);
  va_list args;
  gboolean ok;

  g_string_append_printf (sql, "INSERT INTO %s(id,n,created_at,updated_at,%s) VALUES(?%u,next_n(),?%u,?%u",
                          table, columns, n + 1, n + 2, n + 2);
  for (guint i = 1; i <= n; i++)
    g_string_append_printf (sql, ",?%u", i);
  g_string_append_c (sql, ')');
  va_start (args, format);
  ok = run (command, error, sql->str, id, format, args);
  va_end (args);
  return ok;
}

/* %FALSE with %CT_ERROR_NOT_FOUND where the row is gone. */
gboolean
ct_effect_update (CtCommand *command, GError **error, const char *table, const CtId *id, const char *columns,
                  const char *format, ...)
{
  g_autoptr (GString) sql = g_string_sized_new (256);
  g_auto (GStrv) names = g_strsplit (columns, ",", -1);
  guint n = (guint) strlen (format);
  va_list args;
  gboolean ok;

  g_string_append_printf (sql, "UPDATE %s SET rev=rev+1,updated_at=?%u", table, n + 2);
  for (guint i = 0; names[i]; i++)
    g_string_append_printf (sql, ",%s=?%u", names[i], i + 1);
  g_string_append_printf (sql, " WHERE id=?%u", n + 1);
  va_start (args, format);
  ok = run (command, error, sql->str, id, format, args);
  va_end (args);
  if (ok && ct_db_changes (command->db) == 0)
    return ct_fail (error, CT_ERROR_NOT_FOUND, _ ("The record to change in %s is gone"), table);
  return ok;
}

/**
 * ct_effect_object:
 *
 * Says which record the command is about; its revision enters the audit leaf.
 */
gboolean
ct_effect_object (CtCommand *command, const char *table, const CtId *id, GError **error)
{
  g_autofree char *sql = g_strdup_printf ("SELECT rev FROM %s WHERE id = ?", table);

  command->object_id = *id;
  return ct_db_read_int (command->db, &command->object_rev, error, sql, "k", id);
}
