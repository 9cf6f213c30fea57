/* Writing the server's rows into the replica, whatever they hold: only columns that the replica has, with the types
 * that it has. */
#include "ct-rebase-rows.h"
#include "ct-purge.h"

/* The columns of one table, as pulled rows are written to it. */
typedef struct {
  const char *table;
  GPtrArray *names;   /* (owned) (element-type utf8): without id and n */
  GByteArray *blobs;  /* (owned): 1 where the column holds blobs */
  GHashTable *local;  /* (owned) (element-type CtId gint64): n of the rows that were there */
  GHashTable *before; /* (unowned) (nullable): as ct_rebase_rows_numbers() says */
} Target;

static void
target_clear (Target *self)
{
  g_clear_pointer (&self->names, g_ptr_array_unref);
  g_clear_pointer (&self->blobs, g_byte_array_unref);
  g_clear_pointer (&self->local, g_hash_table_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Target, target_clear)

static gboolean
read_target (CtDb *db, const char *table, Target *target, GError **error)
{
  g_autoptr (CtStmt) stmt = ct_db_query (
      db, error, "SELECT name, type FROM pragma_table_info(?) WHERE name NOT IN ('id', 'n')", "s", table);

  target->table = table;
  target->names = g_ptr_array_new_with_free_func (g_free);
  target->blobs = g_byte_array_new ();
  target->local = g_hash_table_new_full (ct_id_hash, (GEqualFunc) ct_id_equal, g_free, g_free);
  if (!stmt)
    return FALSE;
  while (ct_stmt_next (stmt)) {
    guint8 blob = g_str_equal (ct_stmt_text (stmt, 1), "BLOB");

    g_ptr_array_add (target->names, g_strdup (ct_stmt_text (stmt, 0)));
    g_byte_array_append (target->blobs, &blob, 1);
  }
  return ct_stmt_finish (stmt, error);
}

/* Hexadecimal digits, as "\x…" or as a UUID; NULL where it is neither. */
static GBytes *
read_blob (const char *text)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();

  if (g_str_has_prefix (text, "\\x"))
    text += 2;
  while (*text) {
    int high, low;
    guint8 byte;

    if (*text == '-') {
      text++;
      continue;
    }
    high = g_ascii_xdigit_value (text[0]);
    low = high < 0 ? -1 : g_ascii_xdigit_value (text[1]);
    if (low < 0)
      return NULL;
    byte = (guint8) (high << 4 | low);
    g_byte_array_append (bytes, &byte, 1);
    text += 2;
  }
  return g_byte_array_free_to_bytes (g_steal_pointer (&bytes));
}

static gboolean
bind_value (CtStmt *stmt, int at, JsonNode *node, gboolean blob, GPtrArray *keep, GError **error)
{
  GType type = JSON_NODE_HOLDS_VALUE (node) ? json_node_get_value_type (node) : G_TYPE_INVALID;

  if (JSON_NODE_HOLDS_NULL (node))
    return ct_stmt_bind_at (stmt, error, at, "n");
  if (type == G_TYPE_STRING && blob) {
    GBytes *bytes = read_blob (json_node_get_string (node));
    gsize length;
    gconstpointer data;

    if (!bytes)
      return ct_fail (error, CT_ERROR_INVALID, "the server sent a blob that is not hexadecimal");
    g_ptr_array_add (keep, bytes);
    data = g_bytes_get_data (bytes, &length);
    return ct_stmt_bind_at (stmt, error, at, "b", data, length);
  }
  if (type == G_TYPE_STRING)
    return ct_stmt_bind_at (stmt, error, at, "s", json_node_get_string (node));
  if (type == G_TYPE_INT64)
    return ct_stmt_bind_at (stmt, error, at, "i", json_node_get_int (node));
  if (type == G_TYPE_BOOLEAN)
    return ct_stmt_bind_at (stmt, error, at, "i", (gint64) json_node_get_boolean (node));
  return ct_fail (error, CT_ERROR_INVALID, "the server sent a value of a type that no column has");
}

/* (nullable): the local number that a row has, or had before what is pending was undone */
static gint64 *
number_of (Target *target, const CtId *id)
{
  gint64 *n = g_hash_table_lookup (target->local, id);

  return n || !target->before ? n : g_hash_table_lookup (target->before, id);
}

/* Inserts one row under its old local number, or a new one. A column that the server does not send gets its default. */
static gboolean
insert_row (CtDb *db, Target *target, const CtPulledRow *row, GError **error)
{
  g_autoptr (GString) sql = g_string_new (NULL);
  g_autoptr (GPtrArray) keep = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  g_autoptr (CtStmt) stmt = NULL;
  gint64 *n = number_of (target, &row->id);
  int parameters = 2;

  g_string_append_printf (sql, "INSERT INTO %s(id,n", target->table);
  for (guint i = 0; i < target->names->len; i++)
    if (json_object_has_member (row->values, target->names->pdata[i])) {
      g_string_append_printf (sql, ",%s", (char *) target->names->pdata[i]);
      parameters++;
    }
  g_string_append (sql, n ? ") VALUES(?1,?2" : ") VALUES(?1,coalesce(?2,next_n())");
  for (int i = 3; i <= parameters; i++)
    g_string_append_printf (sql, ",?%d", i);
  g_string_append_c (sql, ')');
  stmt = ct_db_query (db, error, sql->str, "kz", &row->id, n ? *n : CT_NULL_INT);
  if (!stmt)
    return FALSE;
  parameters = 3;
  for (guint i = 0; i < target->names->len; i++) {
    JsonNode *node = json_object_get_member (row->values, target->names->pdata[i]);

    if (node && !bind_value (stmt, parameters++, node, target->blobs->data[i], keep, error)) {
      g_prefix_error (error, "%s.%s: ", target->table, (char *) target->names->pdata[i]);
      return FALSE;
    }
  }
  return ct_stmt_finish (stmt, error);
}

/* Remembers the local number of a row and deletes it. All rows go before the first one comes: two of them may have
 * swapped a value that is UNIQUE. Foreign keys wait for the end. */
static gboolean
take_out (CtDb *db, Target *target, const CtId *id, gboolean *was_there, GError **error)
{
  g_autofree char *sql = g_strdup_printf ("DELETE FROM %s WHERE id = ? RETURNING n", target->table);
  g_autoptr (CtStmt) stmt = ct_db_query (db, error, sql, "k", id);

  if (!stmt)
    return FALSE;
  /* to its end: a statement that is reset after its first row takes the deletion back */
  while (ct_stmt_next (stmt)) {
    gint64 n = ct_stmt_int (stmt, 0);

    *was_there = TRUE;
    g_hash_table_insert (target->local, g_memdup2 (id, sizeof *id), g_memdup2 (&n, sizeof n));
  }
  return ct_stmt_finish (stmt, error);
}

/* After a whole pull what is still in the table is not on the server, or not ours to see: it leaves the files as well. */
static gboolean
take_out_rest (CtDb *db, Target *target, CtRebaseReport *report, GError **error)
{
  g_autofree char *sql = g_strdup_printf ("DELETE FROM %s WHERE true", target->table);

  if (!ct_db_run (db, error, sql, ""))
    return FALSE;
  if (ct_db_changes (db) == 0)
    return TRUE;
  report->gone += (guint) ct_db_changes (db);
  return ct_purge_order (db, error);
}

static gboolean
concerns (CtPulled *pulled, const char *interned)
{
  gboolean found = pulled->whole || pulled->aged;

  for (guint i = 0; i < pulled->rows->len && !found; i++)
    found = ((const CtPulledRow *) pulled->rows->pdata[i])->table == interned;
  return found;
}

static gboolean
write_table (CtDb *db, const char *table, CtPulled *pulled, GHashTable *numbers, CtRebaseReport *report,
             GError **error)
{
  g_auto (Target) target = { .before = numbers };
  const char *interned = g_intern_string (table);

  if (!concerns (pulled, interned))
    return TRUE;
  if (!read_target (db, table, &target, error))
    return FALSE;
  for (guint i = 0; i < pulled->rows->len; i++) {
    const CtPulledRow *row = pulled->rows->pdata[i];
    gboolean was_there = FALSE;

    if (row->table != interned)
      continue;
    if (!take_out (db, &target, &row->id, &was_there, error))
      return FALSE;
    if (!row->values && was_there)
      report->gone++;
  }
  if (pulled->aged && !ct_purge_note_rest (db, table, error))
    return FALSE;
  if (pulled->whole && !take_out_rest (db, &target, report, error))
    return FALSE;
  for (guint i = 0; i < pulled->rows->len; i++) {
    const CtPulledRow *row = pulled->rows->pdata[i];

    if (row->table != interned || !row->values)
      continue;
    if (!insert_row (db, &target, row, error))
      return FALSE;
    report->rows++;
  }
  return TRUE;
}

/**
 * ct_rebase_rows_numbers:
 *
 * A record that was made here is undone and comes back as the server has it: it keeps its local number, by which lists and
 * open panes know it.
 *
 * Returns: (transfer full) (element-type CtId gint64): of the rows that come, those that are there
 */
GHashTable *
ct_rebase_rows_numbers (CtDb *db, CtPulled *pulled, GError **error)
{
  g_autoptr (GHashTable) numbers =
      g_hash_table_new_full (ct_id_hash, (GEqualFunc) ct_id_equal, g_free, g_free);

  for (guint i = 0; i < pulled->rows->len; i++) {
    const CtPulledRow *row = pulled->rows->pdata[i];
    g_autofree char *sql = g_strdup_printf ("SELECT coalesce(max(n), 0) FROM %s WHERE id = ?", row->table);
    gint64 n = 0;

    if (!ct_db_read_int (db, &n, error, sql, "k", &row->id))
      return NULL;
    if (n)
      g_hash_table_insert (numbers, g_memdup2 (&row->id, sizeof row->id), g_memdup2 (&n, sizeof n));
  }
  return g_steal_pointer (&numbers);
}

/**
 * ct_rebase_rows_write:
 * @db: in a transaction, with nothing pending in the rows concerned
 * @numbers: (nullable): local numbers of rows that are no longer there
 *
 * Makes the rows what the server says they are.
 *
 * Returns: %FALSE with %CT_ERROR_CONFLICT where a row that is not the server's stands in the way, %CT_ERROR_INVALID
 *   where the server's rows do not fit the schema
 */
gboolean
ct_rebase_rows_write (CtDb *db, CtPulled *pulled, GHashTable *numbers, CtRebaseReport *report, GError **error)
{
  gboolean written = TRUE;

  /* after an undo, not before: applying a changeset switches it off at its end */
  if (!ct_db_defer_foreign_keys (db, TRUE, error))
    return FALSE;
  ct_db_set_replicating (db, TRUE);
  for (guint i = 0; written && pulled->tables[i]; i++)
    written = write_table (db, pulled->tables[i], pulled, numbers, report, error);
  ct_db_set_replicating (db, FALSE);
  if (!written || !ct_purge_rows (db, pulled, error))
    return FALSE;
  if (!ct_db_foreign_keys_hold (db))
    return ct_fail (error, CT_ERROR_INVALID, "the server's rows refer to rows that it did not send");
  return ct_db_defer_foreign_keys (db, FALSE, error);
}
