#include "ct-db-private.h"

#include <string.h>

/* Ends a run. One that writes is first run to its end: resetting it after a row of RETURNING would take back what it
 * wrote where triggers or foreign keys took part. */
static void
end_run (CtStmt *self)
{
  if (self->result == SQLITE_ROW && !sqlite3_stmt_readonly (self->handle))
    while (sqlite3_step (self->handle) == SQLITE_ROW)
      ;
  sqlite3_reset (self->handle);
}

/* Idle statements kept a connection. */
#define MOST_IDLE 400

static CtStmt *
stmt_prepare (CtDb *db, const char *sql, GError **error)
{
  CtStmt *self;
  sqlite3_stmt *handle = NULL;
  const char *tail = NULL;
  int result = sqlite3_prepare_v3 (db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &handle, &tail);

  if (result != SQLITE_OK) {
    g_autoptr (GError) cause = NULL;

    ct_db_fail (db, result, &cause);
    ct_fail (error, cause->code, "%s (in: %.200s)", cause->message, sql);
    return NULL;
  }
  self = g_new0 (CtStmt, 1);
  self->handle = handle;
  self->db = db;
  self->sql = g_strdup (sql);
  return self;
}

static int
bind_values (CtStmt *self, int first, const char *format, va_list args)
{
  sqlite3_stmt *handle = self->handle;
  int result = SQLITE_OK;

  for (int i = first; *format && result == SQLITE_OK; format++, i++) {
    gconstpointer data;
    gsize length;
    gint64 number;

    switch (*format) {
    case 's':
      result = sqlite3_bind_text (handle, i, va_arg (args, const char *), -1, SQLITE_STATIC);
      break;
    case 't':
      data = va_arg (args, const char *);
      length = va_arg (args, gsize);
      result = sqlite3_bind_text64 (handle, i, data, length, SQLITE_STATIC, SQLITE_UTF8);
      break;
    case 'i':
      result = sqlite3_bind_int64 (handle, i, va_arg (args, gint64));
      break;
    case 'z':
      number = va_arg (args, gint64);
      result = number == CT_NULL_INT ? sqlite3_bind_null (handle, i) : sqlite3_bind_int64 (handle, i, number);
      break;
    case 'k':
      result = sqlite3_bind_blob (handle, i, va_arg (args, const CtId *), CT_ID_SIZE,
                                  SQLITE_STATIC); /* NULL binds NULL */
      break;
    case 'h':
      result = sqlite3_bind_blob (handle, i, va_arg (args, const CtHash *), CT_HASH_SIZE, SQLITE_STATIC);
      break;
    case 'b':
      data = va_arg (args, gconstpointer);
      length = va_arg (args, gsize);
      result = sqlite3_bind_blob64 (handle, i, data ? data : "", length, SQLITE_STATIC);
      break;
    case 'd':
      result = sqlite3_bind_double (handle, i, va_arg (args, double));
      break;
    case 'n':
      result = sqlite3_bind_null (handle, i);
      break;
    default:
      g_assert_not_reached ();
    }
  }
  return result;
}

/**
 * ct_db_query_va:
 * @sql: one statement
 * @format: a letter for each value; see ct-db.h
 * @args: the values
 *
 * Returns: (transfer full): the statement, ready for ct_stmt_next(); %NULL on error
 */
CtStmt *
ct_db_query_va (CtDb *self, GError **error, const char *sql, const char *format, va_list args)
{
  CtStmt *stmt = NULL;
  gpointer key = NULL, cached = NULL;
  int result;

  if (g_hash_table_steal_extended (self->statements, sql, &key, &cached))
    stmt = cached;
  else
    stmt = stmt_prepare (self, sql, error);
  if (!stmt)
    return NULL;
  stmt->result = SQLITE_OK;
  result = bind_values (stmt, 1, format, args);
  if (result != SQLITE_OK) {
    ct_db_fail (self, result, error);
    ct_stmt_free (stmt);
    return NULL;
  }
  return stmt;
}

CtStmt *
ct_db_query (CtDb *self, GError **error, const char *sql, const char *format, ...)
{
  CtStmt *stmt;
  va_list args;

  va_start (args, format);
  stmt = ct_db_query_va (self, error, sql, format, args);
  va_end (args);
  return stmt;
}

/**
 * ct_stmt_rebind:
 *
 * Ends the statement's run and binds new values: the inner step of a bulk insert.
 */
gboolean
ct_stmt_rebind (CtStmt *self, GError **error, const char *format, ...)
{
  va_list args;
  int result;

  end_run (self);
  self->result = SQLITE_OK;
  va_start (args, format);
  result = bind_values (self, 1, format, args);
  va_end (args);
  return result == SQLITE_OK || ct_db_fail (self->db, result, error);
}

/* Binds further values, the first one to the parameter @first (from 1). */
gboolean
ct_stmt_bind_at (CtStmt *self, GError **error, int first, const char *format, ...)
{
  va_list args;
  int result;

  va_start (args, format);
  result = bind_values (self, first, format, args);
  va_end (args);
  return result == SQLITE_OK || ct_db_fail (self->db, result, error);
}

/**
 * ct_stmt_next:
 *
 * Returns: %TRUE with a row to read; %FALSE at the end or on an error, which ct_stmt_finish() tells
 */
gboolean
ct_stmt_next (CtStmt *self)
{
  if (self->result != SQLITE_OK && self->result != SQLITE_ROW)
    return FALSE;
  self->result = sqlite3_step (self->handle);
  return self->result == SQLITE_ROW;
}

/**
 * ct_stmt_finish:
 *
 * Runs a statement that was never stepped, ends it, and leaves it to be freed.
 *
 * Returns: %FALSE with @error set where a step failed
 */
gboolean
ct_stmt_finish (CtStmt *self, GError **error)
{
  if (self->result == SQLITE_OK)
    ct_stmt_next (self);
  if (self->result != SQLITE_ROW && self->result != SQLITE_DONE && self->result != SQLITE_OK) {
    ct_db_fail (self->db, self->result, error);
    end_run (self);
    return FALSE;
  }
  end_run (self);
  return TRUE;
}

void
ct_stmt_dispose (CtStmt *self)
{
  sqlite3_finalize (self->handle);
  g_free (self->sorted);
  g_free (self->sql);
  g_free (self);
}

/* Gives the statement back to its connection. */
void
ct_stmt_free (CtStmt *self)
{
  if (!self)
    return;
  end_run (self);
  sqlite3_clear_bindings (self->handle);
  if (g_hash_table_size (self->db->statements) < MOST_IDLE &&
      !g_hash_table_contains (self->db->statements, self->sql)) {
    g_hash_table_insert (self->db->statements, self->sql, self);
    return;
  }
  ct_stmt_dispose (self);
}

int
ct_stmt_n_columns (CtStmt *self)
{
  return sqlite3_column_count (self->handle);
}

const char *
ct_stmt_name (CtStmt *self, int column)
{
  return sqlite3_column_name (self->handle, column);
}

static int
compare_names (gconstpointer a, gconstpointer b, gpointer stmt)
{
  return strcmp (ct_stmt_name (stmt, *(const int *) a), ct_stmt_name (stmt, *(const int *) b));
}

/**
 * ct_stmt_sorted_columns:
 * @n_columns: (out): how many
 *
 * Returns: (transfer none): the columns in the order of their names; worked out once for a cached statement
 */
const int *
ct_stmt_sorted_columns (CtStmt *self, int *n_columns)
{
  int n = ct_stmt_n_columns (self);

  if (!self->sorted || self->n_sorted != n) {
    g_free (self->sorted);
    self->sorted = g_new (int, MAX (n, 1));
    self->n_sorted = n;
    for (int i = 0; i < n; i++)
      self->sorted[i] = i;
    g_qsort_with_data (self->sorted, n, sizeof *self->sorted, compare_names, self);
  }
  *n_columns = n;
  return self->sorted;
}

char
ct_stmt_type (CtStmt *self, int column)
{
  static const char letters[] = { 'n', 'i', 'd', 't', 'b', 'n' };

  return letters[sqlite3_column_type (self->handle, column)];
}

gboolean
ct_stmt_is_null (CtStmt *self, int column)
{
  return sqlite3_column_type (self->handle, column) == SQLITE_NULL;
}

/* Integer of a column; %CT_NULL_INT where it is NULL. */
gint64
ct_stmt_int (CtStmt *self, int column)
{
  return ct_stmt_is_null (self, column) ? CT_NULL_INT : sqlite3_column_int64 (self->handle, column);
}

gint64
ct_stmt_int_or (CtStmt *self, int column, gint64 fallback)
{
  return ct_stmt_is_null (self, column) ? fallback : sqlite3_column_int64 (self->handle, column);
}

double
ct_stmt_double (CtStmt *self, int column)
{
  return sqlite3_column_double (self->handle, column);
}

/* (transfer none) (nullable): valid until the next step */
const char *
ct_stmt_text (CtStmt *self, int column)
{
  return (const char *) sqlite3_column_text (self->handle, column);
}

/* (transfer none) (nullable): valid until the next step */
gconstpointer
ct_stmt_blob (CtStmt *self, int column, gsize *length)
{
  gconstpointer data = sqlite3_column_blob (self->handle, column);

  *length = (gsize) sqlite3_column_bytes (self->handle, column);
  return data;
}

static gboolean
read_blob (CtStmt *self, int column, gpointer into, gsize size)
{
  gsize length;
  gconstpointer data = ct_stmt_blob (self, column, &length);

  if (!data || length != size)
    return FALSE;
  memcpy (into, data, size);
  return TRUE;
}

/* Whether the column holds a UUID; @id is set only then. */
gboolean
ct_stmt_id (CtStmt *self, int column, CtId *id)
{
  return read_blob (self, column, id, sizeof *id);
}

gboolean
ct_stmt_hash (CtStmt *self, int column, CtHash *hash)
{
  return read_blob (self, column, hash, sizeof *hash);
}
