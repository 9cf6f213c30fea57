#include "ct-upsert.h"
#include "ct-row-committer.h"

static void
undo_free (gpointer data)
{
  CtUpsertUndo *self = data;

  g_free (self->sql);
  g_array_unref (self->values);
  g_ptr_array_unref (self->texts);
  g_free (self);
}

CtUpsertLog *
ct_upsert_log_new (const CtId *command)
{
  CtUpsertLog *self = g_new0 (CtUpsertLog, 1);

  self->series = ct_id_derive (command, "import", 0);
  self->rows = g_array_new (FALSE, FALSE, sizeof (CtWrittenRow));
  self->images = g_byte_array_new ();
  self->undo = g_ptr_array_new_with_free_func (undo_free);
  self->numbers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return self;
}

void
ct_upsert_log_free (CtUpsertLog *self)
{
  g_array_unref (self->rows);
  g_byte_array_unref (self->images);
  g_ptr_array_unref (self->undo);
  g_hash_table_unref (self->numbers);
  g_free (self);
}

/* @guarded: the row has several records, so that one that is refused takes back the others. */
void
ct_upsert_log_begin_row (CtUpsertLog *self, gboolean guarded)
{
  self->guarded = guarded;
  self->row_begins = self->rows->len;
  if (self->undo->len > 0)
    g_ptr_array_set_size (self->undo, 0);
}

/* Takes @undo, which stands for the next row to be logged as updated. */
void
ct_upsert_log_take_undo (CtUpsertLog *self, CtUpsertUndo *undo)
{
  g_ptr_array_add (self->undo, undo);
}

/* The update that the last undo stands for did not come about. */
void
ct_upsert_log_drop_undo (CtUpsertLog *self)
{
  g_ptr_array_set_size (self->undo, (int) self->undo->len - 1);
}

static gboolean
undo_update (CtUpsertLog *self, CtCommand *command, GError **error)
{
  CtUpsertUndo *undo = self->undo->pdata[self->undo->len - 1];
  g_autoptr (CtStmt) stmt = ct_db_query (command->db, error, undo->sql, "k", &undo->id);

  for (guint i = 0; stmt && i < undo->values->len; i++)
    if (!ct_upsert_bind (stmt, (int) i + 2, &g_array_index (undo->values, CtValue, i), error))
      return FALSE;
  if (!stmt || !ct_stmt_finish (stmt, error))
    return FALSE;
  ct_upsert_log_drop_undo (self);
  return TRUE;
}

/**
 * ct_upsert_log_undo_row:
 *
 * Takes back what the row at hand has written, last first: inserted rows go, updated ones hold what they held. A savepoint
 * would do it too, at the price of every row that is fine.
 */
gboolean
ct_upsert_log_undo_row (CtUpsertLog *self, CtCommand *command, GError **error)
{
  while (self->rows->len > self->row_begins) {
    const CtWrittenRow *row = &g_array_index (self->rows, CtWrittenRow, self->rows->len - 1);
    g_autofree char *sql = g_strdup_printf ("DELETE FROM %s WHERE id = ?", row->table);

    if (row->length > 0 ? !ct_db_run (command->db, error, sql, "k", &row->id)
                        : !undo_update (self, command, error))
      return FALSE;
    g_array_set_size (self->rows, self->rows->len - 1);
  }
  return TRUE;
}

void
ct_upsert_log_updated (CtUpsertLog *self, const char *table, const CtId *id)
{
  CtWrittenRow row = { .table = table, .id = *id };

  g_array_append_val (self->rows, row);
}

static guint
hash_id (gconstpointer id)
{
  guint32 value;

  memcpy (&value, (const guint8 *) id + 8, sizeof value);
  return value;
}

static gboolean
equal_ids (gconstpointer a, gconstpointer b)
{
  return ct_id_equal (a, b);
}

static gboolean
commit_to_stored (CtCommand *command, const CtWrittenRow *row, GError **error)
{
  g_autofree char *sql = g_strdup_printf ("SELECT * FROM %s WHERE id = ?", row->table);
  g_autoptr (CtStmt) stmt = ct_db_query (command->db, error, sql, "k", &row->id);

  if (!stmt)
    return FALSE;
  if (!ct_stmt_next (stmt))
    return ct_stmt_finish (stmt, error) &&
           ct_fail (error, CT_ERROR_CORRUPT, "A row written in %s is not there", row->table);
  return ct_row_committer_add (command->rows, row->table, &row->id, stmt, error);
}

/* Raises the series of human numbers above those that files brought. */
static gboolean
raise_numbers (CtUpsertLog *self, CtCommand *command, GError **error)
{
  GHashTableIter iter;
  gpointer key, value;

  g_hash_table_iter_init (&iter, self->numbers);
  while (g_hash_table_iter_next (&iter, &key, &value)) {
    const char *dash = strrchr (key, '-');

    if (!ct_db_run (command->db, error,
                    "INSERT INTO number_series VALUES(?, ?, ?) ON CONFLICT DO UPDATE SET last = max(last, "
                    "excluded.last)",
                    "tii", (const char *) key, (gsize) (dash - (const char *) key),
                    g_ascii_strtoll (dash + 1, NULL, 10), *(gint64 *) value))
      return FALSE;
  }
  return TRUE;
}

/**
 * ct_upsert_log_commit:
 *
 * Has the command's leaf commit to every row written, as it stands now: once each, however often it was written.
 */
gboolean
ct_upsert_log_commit (CtUpsertLog *self, CtCommand *command, GError **error)
{
  g_autoptr (GHashTable) updated = g_hash_table_new (hash_id, equal_ids);
  const CtWrittenRow *rows = (const CtWrittenRow *) (gpointer) self->rows->data;

  for (guint i = 0; i < self->rows->len; i++)
    if (rows[i].length == 0)
      g_hash_table_add (updated, (gpointer) &rows[i].id);
  for (guint i = 0; i < self->rows->len; i++) {
    const CtWrittenRow *row = &rows[i];

    if (row->length > 0) {
      if (!g_hash_table_contains (updated, &row->id))
        ct_row_committer_add_image (command->rows, row->table, &row->id, self->images->data + row->offset,
                                    row->length);
    } else if (g_hash_table_remove (updated, &row->id)) {
      /* the first time it is met; the set no longer has it, but an insert of it stands before it */
      if (!commit_to_stored (command, row, error))
        return FALSE;
    }
  }
  return raise_numbers (self, command, error);
}
