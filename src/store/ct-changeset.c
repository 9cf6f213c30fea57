/* SQLite sessions. The rules this file keeps were found by experiment: tables are attached by name, children first,
 * never all at once (full-text shadow tables would be recorded); a conflict always aborts. */
#include "ct-changeset.h"
#include "ct-db-private.h"

#include <string.h>

struct _CtRecorder {
  CtDb *db;
  sqlite3_session *session; /* (owned) (nullable) */
  GPtrArray *parts;         /* (owned) (element-type GBytes) */
};

static gboolean
start_session (CtRecorder *self, GError **error)
{
  const char *const *tables = ct_db_business_tables (self->db, error);
  int result;

  if (!tables)
    return FALSE;
  result = sqlite3session_create (self->db->handle, "main", &self->session);
  for (guint i = 0; result == SQLITE_OK && tables[i]; i++)
    result = sqlite3session_attach (self->session, tables[i]);
  return result == SQLITE_OK ||
         ct_fail (error, CT_ERROR_FAILED, "Cannot record changes: SQLite error %d", result);
}

/**
 * ct_recorder_start:
 * @db: in a transaction
 *
 * Returns: (transfer full): a recorder of all business tables
 */
CtRecorder *
ct_recorder_start (CtDb *db, GError **error)
{
  g_autoptr (CtRecorder) self = g_new0 (CtRecorder, 1);

  self->db = db;
  self->parts = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  return start_session (self, error) ? g_steal_pointer (&self) : NULL;
}

static gboolean
take_part (CtRecorder *self, GError **error)
{
  int length = 0;
  void *data = NULL;
  int result = sqlite3session_changeset (self->session, &length, &data);

  g_clear_pointer (&self->session, sqlite3session_delete);
  if (result != SQLITE_OK)
    return ct_fail (error, CT_ERROR_FAILED, "Cannot read the recorded changes: SQLite error %d", result);
  if (length > 0)
    g_ptr_array_add (self->parts, g_bytes_new_with_free_func (data, (gsize) length, sqlite3_free, data));
  else
    sqlite3_free (data);
  return TRUE;
}

/**
 * ct_recorder_cut:
 *
 * Ends one part and begins the next. A changeset holds net changes without their order, so one that swaps two UNIQUE
 * values cannot be undone; cut between the steps, each part can.
 */
gboolean
ct_recorder_cut (CtRecorder *self, GError **error)
{
  return take_part (self, error) && start_session (self, error);
}

/* While paused nothing is recorded: bulk inserts, which name their rows themselves. */
void
ct_recorder_pause (CtRecorder *self, gboolean pause)
{
  sqlite3session_enable (self->session, !pause);
}

/* (transfer container): the changesets in their order, as #GBytes; empty where nothing changed */
GPtrArray *
ct_recorder_finish (CtRecorder *self, GError **error)
{
  if (!take_part (self, error))
    return NULL;
  return g_ptr_array_ref (self->parts);
}

void
ct_recorder_free (CtRecorder *self)
{
  if (!self)
    return;
  g_clear_pointer (&self->session, sqlite3session_delete);
  g_ptr_array_unref (self->parts);
  g_free (self);
}

static void read_value (CtValue *value, sqlite3_value *from);

typedef struct {
  CtDb *db;
  CtSameFunc same; /* (nullable) */
  char *problem;   /* (owned) (nullable) */
} InvertTask;

/* Whether what stands in the way of one column is nothing that counts. */
static gboolean
is_same (InvertTask *task, sqlite3_changeset_iter *iter, const char *table, int column, const char *name)
{
  sqlite3_value *expected = NULL, *found = NULL;
  CtValue left, here;

  /* the changeset is inverted: what it left is the old value now */
  if (sqlite3changeset_old (iter, column, &expected) != SQLITE_OK || !expected ||
      sqlite3changeset_conflict (iter, column, &found) != SQLITE_OK)
    return TRUE;
  read_value (&left, expected);
  read_value (&here, found);
  return task->same (table, name, &left, &here);
}

static gboolean
is_same_row (InvertTask *task, sqlite3_changeset_iter *iter, const char *table, int columns)
{
  const char *const *names = ct_db_column_names (task->db, table, NULL);

  for (int i = 0; names && names[i] && i < columns; i++)
    if (!is_same (task, iter, table, i, names[i]))
      return FALSE;
  return names != NULL;
}

/* What a person calls the record in the way: its human number, where it has one. A foreign key names no row. */
static char *
describe_conflict (InvertTask *task, int kind, sqlite3_changeset_iter *iter, const char *table, int columns)
{
  const char *const *names =
      kind == SQLITE_CHANGESET_DATA ? ct_db_column_names (task->db, table, NULL) : NULL;
  sqlite3_value *number = NULL;

  for (int i = 0; names && names[i] && i < columns; i++)
    if (strcmp (names[i], "number") == 0 && sqlite3changeset_conflict (iter, i, &number) == SQLITE_OK &&
        sqlite3_value_type (number) == SQLITE_TEXT)
      return g_strdup_printf (_ ("%s was changed again since"), (const char *) sqlite3_value_text (number));
  return g_strdup (kind == SQLITE_CHANGESET_NOTFOUND      ? _ ("the record is not there any more")
                   : kind == SQLITE_CHANGESET_FOREIGN_KEY ? _ ("other records refer to what it added")
                                                          : _ ("what it changed was changed again since"));
}

/* What a trigger keeps from going back, such as an approval that was voided or a post that was cancelled; or another record has
 * taken the place meanwhile. */
static char *
describe_constraint (InvertTask *task, sqlite3_changeset_iter *iter, const char *table, int operation)
{
  gboolean stays = sqlite3_extended_errcode (task->db->handle) == SQLITE_CONSTRAINT_TRIGGER;
  g_autofree char *sql = g_strdup_printf ("SELECT number FROM \"%s\" WHERE id = ?", table);
  g_autofree char *number = NULL;
  sqlite3_value *id = NULL;
  CtValue key;

  if (operation != SQLITE_INSERT && sqlite3changeset_old (iter, 0, &id) == SQLITE_OK) {
    read_value (&key, id);
    if (key.type == 'b' && key.length == CT_ID_SIZE)
      number = ct_db_read_text (task->db, NULL, sql, "k", key.data);
  }
  return !stays   ? g_strdup (_ ("another record has its place now"))
         : number ? g_strdup_printf (_ ("%s has taken a step that is not taken back"), number)
                  : g_strdup (_ ("it was a step that is not taken back"));
}

static int
conflict_cb (void *data, int kind, sqlite3_changeset_iter *iter)
{
  InvertTask *task = data;
  const char *table = NULL;
  int columns = 0, operation, indirect;

  if (kind != SQLITE_CHANGESET_FOREIGN_KEY)
    sqlite3changeset_op (iter, &table, &columns, &operation, &indirect);
  if (kind == SQLITE_CHANGESET_DATA && task->same && is_same_row (task, iter, table, columns))
    return SQLITE_CHANGESET_REPLACE;
  g_free (task->problem);
  task->problem = kind == SQLITE_CHANGESET_CONSTRAINT ? describe_constraint (task, iter, table, operation)
                                                      : describe_conflict (task, kind, iter, table, columns);
  return SQLITE_CHANGESET_ABORT;
}

/**
 * ct_changeset_take_back:
 * @changeset: one part
 * @same: (nullable): whether a value that is another one now counts as the one that was left
 *
 * Undoes one changeset on the state that it left, or on one that differs from it by nothing that counts. Deferred foreign
 * keys are switched off when it returns.
 *
 * Returns: %FALSE with %CT_ERROR_CONFLICT where the rows have changed since; nothing is undone then
 */
gboolean
ct_changeset_take_back (CtDb *db, GBytes *changeset, CtSameFunc same, GError **error)
{
  InvertTask task = { db, same, NULL };
  g_autofree char *problem = NULL;
  gsize length;
  gconstpointer data = g_bytes_get_data (changeset, &length);
  int result = sqlite3changeset_apply_v2 (db->handle, (int) length, (void *) data, NULL, conflict_cb, &task,
                                          NULL, NULL, SQLITE_CHANGESETAPPLY_INVERT);

  problem = task.problem;
  if (result == SQLITE_OK)
    return TRUE;
  if (problem)
    return ct_fail (error, CT_ERROR_CONFLICT, _ ("Cannot undo: %s"), problem);
  return ct_db_fail (db, result, error);
}

/* ct_changeset_take_back() on the very state that the changeset left. */
gboolean
ct_changeset_invert (CtDb *db, GBytes *changeset, GError **error)
{
  return ct_changeset_take_back (db, changeset, NULL, error);
}

static void
read_value (CtValue *value, sqlite3_value *from)
{
  static const char letters[] = { 'n', 'i', 'd', 't', 'b', 'n' };

  memset (value, 0, sizeof *value);
  if (!from)
    return;
  value->type = letters[sqlite3_value_type (from)];
  if (value->type == 'i')
    value->integer = sqlite3_value_int64 (from);
  else if (value->type == 'd')
    value->real = sqlite3_value_double (from);
  else if (value->type == 't')
    value->data = sqlite3_value_text (from);
  else if (value->type == 'b')
    value->data = sqlite3_value_blob (from);
  value->length = (gsize) sqlite3_value_bytes (from);
}

static gboolean
read_change (CtDb *db, sqlite3_changeset_iter *iter, CtChange *change, CtValue *before, CtValue *after,
             GError **error)
{
  int operation, indirect;
  const CtValue *key;

  sqlite3changeset_op (iter, &change->table, &change->n_columns, &operation, &indirect);
  change->columns = ct_db_column_names (db, change->table, error);
  if (!change->columns)
    return FALSE;
  if (change->n_columns > 64 || (guint) change->n_columns > g_strv_length ((GStrv) change->columns))
    return ct_fail (error, CT_ERROR_CORRUPT, "A recorded change does not fit the table %s", change->table);
  change->operation = operation == SQLITE_INSERT ? 'i' : operation == SQLITE_DELETE ? 'd' : 'u';
  for (int i = 0; i < change->n_columns; i++) {
    sqlite3_value *old = NULL, *new = NULL;

    if (operation != SQLITE_INSERT)
      sqlite3changeset_old (iter, i, &old);
    if (operation != SQLITE_DELETE)
      sqlite3changeset_new (iter, i, &new);
    read_value (&before[i], old);
    read_value (&after[i], new);
  }
  key = operation == SQLITE_INSERT ? &after[0] : &before[0];
  if (key->type != 'b' || key->length != CT_ID_SIZE)
    return ct_fail (error, CT_ERROR_CORRUPT, "A recorded change of %s names no UUID", change->table);
  memcpy (change->id.bytes, key->data, CT_ID_SIZE);
  change->before = before;
  change->after = after;
  return TRUE;
}

/**
 * ct_changeset_foreach:
 * @func: called for each changed row; %FALSE ends with its error
 */
gboolean
ct_changeset_foreach (CtDb *db, GBytes *changeset, CtChangeFunc func, gpointer data, GError **error)
{
  gsize length;
  gconstpointer bytes = g_bytes_get_data (changeset, &length);
  sqlite3_changeset_iter *iter = NULL;
  CtValue before[64], after[64];
  gboolean ok = TRUE;
  int result = sqlite3changeset_start (&iter, (int) length, (void *) bytes);

  if (result != SQLITE_OK)
    return ct_fail (error, CT_ERROR_CORRUPT, "A recorded changeset cannot be read");
  while (ok && sqlite3changeset_next (iter) == SQLITE_ROW) {
    CtChange change = { 0 };

    ok = read_change (db, iter, &change, before, after, error) && func (&change, data, error);
  }
  result = sqlite3changeset_finalize (iter);
  if (ok && result != SQLITE_OK)
    return ct_fail (error, CT_ERROR_CORRUPT, "A recorded changeset cannot be read");
  return ok;
}
