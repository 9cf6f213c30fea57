/* What a command changed, as the server takes it: by table, UUID and column, old and new value. */
#include "ct-changes.h"
#include "ct-column-kind.h"

#include <string.h>

/* Local numbers are never pushed, revisions and stamps belong to the authority. */
static gboolean
is_pushed (const char *column)
{
  static const char *const own[] = { "id", "n", "rev", "created_at", "updated_at", NULL };

  return ct_text_index (own, column) < 0;
}

/**
 * ct_changes_foreach:
 * @seq: a command
 *
 * Calls @func for each recorded change of a command, part after part.
 */
gboolean
ct_changes_foreach (CtDb *db, gint64 seq, CtChangeFunc func, gpointer data, GError **error)
{
  g_autoptr (GPtrArray) parts = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  g_autoptr (CtStmt) stmt =
      ct_db_query (db, error, "SELECT changeset FROM changesets WHERE seq = ? ORDER BY part", "i", seq);

  if (!stmt)
    return FALSE;
  while (ct_stmt_next (stmt)) {
    gsize length;
    gconstpointer bytes = ct_stmt_blob (stmt, 0, &length);

    g_ptr_array_add (parts, g_bytes_new (bytes, length));
  }
  if (!ct_stmt_finish (stmt, error))
    return FALSE;
  for (guint i = 0; i < parts->len; i++)
    if (!ct_changeset_foreach (db, parts->pdata[i], func, data, error))
      return FALSE;
  return TRUE;
}

/* Blobs travel as hexadecimal digits; the column's type tells the other side that it is one. */
static void
append_value (GString *json, const CtValue *value)
{
  char digits[G_ASCII_DTOSTR_BUF_SIZE];

  switch (value->type) {
  case 'i':
    g_string_append_printf (json, "%" G_GINT64_FORMAT, value->integer);
    break;
  case 'd':
    g_string_append (json, g_ascii_formatd (digits, sizeof digits, "%.17g", value->real));
    break;
  case 't':
    ct_json_append_string (json, value->data, (gssize) value->length);
    break;
  case 'b':
    g_string_append_c (json, '"');
    for (gsize i = 0; i < value->length; i++)
      g_string_append_printf (json, "%02x", ((const guint8 *) value->data)[i]);
    g_string_append_c (json, '"');
    break;
  default:
    g_string_append (json, "null");
  }
}

/* NULL before and after, or not changed at all */
static gboolean
says_nothing (const CtChange *change, int column)
{
  const CtValue *before = &change->before[column], *after = &change->after[column];

  return (!before->type || before->type == 'n') && (!after->type || after->type == 'n');
}

static char *
change_text (const CtChange *change)
{
  GString *json = g_string_new (NULL);
  static const char *const operations[] = { ['i'] = "insert", ['u'] = "update", ['d'] = "delete" };
  g_autofree char *id = ct_id_to_string (&change->id);
  const char *comma = "";

  g_string_append_printf (json, "{\"table\":\"%s\",\"id\":\"%s\",\"op\":\"%s\",\"columns\":{", change->table,
                          id, operations[(guchar) change->operation]);
  for (int i = 0; i < change->n_columns; i++) {
    if (!is_pushed (change->columns[i]) || says_nothing (change, i))
      continue;
    /* in an update only the columns that changed have a new value */
    if (change->operation == 'u' && !change->after[i].type)
      continue;
    g_string_append_printf (json, "%s\"%s\":[", comma, change->columns[i]);
    append_value (json, &change->before[i]);
    g_string_append_c (json, ',');
    append_value (json, &change->after[i]);
    g_string_append_c (json, ']');
    comma = ",";
  }
  g_string_append (json, "}}");
  return g_string_free (json, FALSE);
}

typedef struct {
  char operation;
  GPtrArray *texts; /* (element-type utf8) */
} TextTask;

static gboolean
append_change_cb (const CtChange *change, gpointer data, GError **error)
{
  TextTask *task = data;

  if (change->operation == task->operation)
    g_ptr_array_add (task->texts, change_text (change));
  return TRUE;
}

/* One part at a time, deletions first and insertions last, so that a value that is UNIQUE is free when it is taken. A
 * changeset has children before their parents; what is inserted goes the other way round, for it is seen where its
 * parent is. */
static gboolean
append_part (CtDb *db, GBytes *part, GString *json, GError **error)
{
  for (const char *operation = "dui"; *operation; operation++) {
    g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);
    TextTask task = { *operation, texts };

    if (!ct_changeset_foreach (db, part, append_change_cb, &task, error))
      return FALSE;
    for (guint i = 0; i < texts->len; i++)
      g_string_append_printf (json, "%s%s", json->len > 1 ? "," : "",
                              (char *) texts->pdata[*operation == 'i' ? texts->len - 1 - i : i]);
  }
  return TRUE;
}

/**
 * ct_changes_text:
 * @seq: a command
 *
 * Returns: (transfer full): the JSON array that api.apply takes: [{"table", "id", "op", "columns": {name: [old, new]}}]
 */
char *
ct_changes_text (CtDb *db, gint64 seq, GError **error)
{
  g_autoptr (GString) json = g_string_new ("[");
  g_autoptr (CtStmt) stmt =
      ct_db_query (db, error, "SELECT changeset FROM changesets WHERE seq = ? ORDER BY part", "i", seq);

  if (!stmt)
    return NULL;
  while (ct_stmt_next (stmt)) {
    gsize length;
    gconstpointer bytes = ct_stmt_blob (stmt, 0, &length);
    g_autoptr (GBytes) part = g_bytes_new (bytes, length);

    if (!append_part (db, part, json, error))
      return NULL;
  }
  if (!ct_stmt_finish (stmt, error))
    return NULL;
  g_string_append_c (json, ']');
  return g_string_free (g_steal_pointer (&json), FALSE);
}

static void
set_value (JsonObject *object, const char *name, const CtValue *value)
{
  g_autoptr (GString) json = g_string_new (NULL);
  g_autoptr (JsonNode) node = NULL;

  append_value (json, value);
  node = ct_json_parse (json->str, (gssize) json->len, G_MAXSIZE, NULL);
  json_object_set_member (object, name, node ? g_steal_pointer (&node) : json_node_new (JSON_NODE_NULL));
}

static void
read_current (CtStmt *row, int column, CtValue *value)
{
  memset (value, 0, sizeof *value);
  value->type = ct_stmt_type (row, column);
  if (value->type == 'i')
    value->integer = ct_stmt_int (row, column);
  else if (value->type == 'd')
    value->real = ct_stmt_double (row, column);
  else if (value->type != 'n')
    value->data = ct_stmt_blob (row, column, &value->length);
}

typedef struct {
  CtDb *db;
  JsonArray *found;
} CompareTask;

static gboolean
compare_cb (const CtChange *change, gpointer data, GError **error)
{
  CompareTask *task = data;
  g_autofree char *sql = g_strdup_printf ("SELECT * FROM %s WHERE id = ?", change->table);
  g_autofree char *id = ct_id_to_string (&change->id);
  g_autoptr (CtStmt) row = ct_db_query (task->db, error, sql, "k", &change->id);

  if (!row)
    return FALSE;
  if (!ct_stmt_next (row)) {
    if (change->operation != 'i')
      json_array_add_object_element (task->found,
                                     ct_json_build ("ssb", "table", change->table, "id", id, "gone", TRUE));
    return ct_stmt_finish (row, error);
  }
  for (int i = 0; i < change->n_columns; i++) {
    JsonObject *one;
    CtValue theirs;

    if (!is_pushed (change->columns[i]) || says_nothing (change, i))
      continue;
    one = ct_json_build ("sss", "table", change->table, "id", id, "column", change->columns[i]);
    read_current (row, i, &theirs);
    set_value (one, "base", &change->before[i]);
    set_value (one, "mine", &change->after[i]);
    set_value (one, "theirs", &theirs);
    json_array_add_object_element (task->found, one);
  }
  return TRUE;
}

/**
 * ct_changes_compare:
 * @seq: a command whose effect is undone
 *
 * Returns: (transfer full): both values side by side, in the form of the server's conflicts: objects with table, id,
 *   column, base, mine, theirs, or with gone where the row is no more
 */
JsonArray *
ct_changes_compare (CtDb *db, gint64 seq, GError **error)
{
  g_autoptr (JsonArray) found = json_array_new ();
  CompareTask task = { db, found };

  return ct_changes_foreach (db, seq, compare_cb, &task, error) ? g_steal_pointer (&found) : NULL;
}

static char *
base_text (const CtChange *change, int column)
{
  const CtValue *before = &change->before[column];
  GString *text = g_string_new (NULL);

  if (ct_column_kind (change->table, change->columns[column]) == 's')
    g_string_append (text, before->type == 'n' ? "null" : "set");
  else
    append_value (text, before);
  return g_string_free (text, FALSE);
}

static char *
base_key (const CtChange *change, int column)
{
  g_autofree char *id = ct_id_to_string (&change->id);

  return g_strdup_printf ("%s %s %s", change->table, id, change->columns[column]);
}

typedef gboolean (*BaseFunc) (GHashTable *bases, char *key, char *text);

/* Calls @func, which takes key and text, for each column whose former value a change relied on. */
static gboolean
foreach_base (const CtChange *change, GHashTable *bases, BaseFunc func)
{
  for (int i = 0; i < change->n_columns; i++)
    if (change->before[i].type && is_pushed (change->columns[i]) &&
        ct_column_kind (change->table, change->columns[i]) != 'd' &&
        !func (bases, base_key (change, i), base_text (change, i)))
      return FALSE;
  return TRUE;
}

/* The first part that touches a column tells what the command found there. */
static gboolean
add_base (GHashTable *bases, char *key, char *text)
{
  if (g_hash_table_contains (bases, key)) {
    g_free (key);
    g_free (text);
  } else {
    g_hash_table_insert (bases, key, text);
  }
  return TRUE;
}

static gboolean
add_base_cb (const CtChange *change, gpointer data, GError **error)
{
  return change->operation == 'i' || foreach_base (change, data, add_base);
}

/**
 * ct_changes_bases:
 * @seq: a command
 *
 * Returns: (transfer full) (element-type utf8 utf8): what the command found in the columns that it changed
 */
GHashTable *
ct_changes_bases (CtDb *db, gint64 seq, GError **error)
{
  g_autoptr (GHashTable) bases = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);

  return ct_changes_foreach (db, seq, add_base_cb, bases, error) ? g_steal_pointer (&bases) : NULL;
}

/* FALSE where the value is another one; what agrees is taken out, for later parts find what earlier ones left. */
static gboolean
base_agrees (GHashTable *bases, char *key, char *text)
{
  const char *before = g_hash_table_lookup (bases, key);
  gboolean agrees = !before || g_str_equal (before, text);

  if (agrees)
    g_hash_table_remove (bases, key);
  g_free (key);
  g_free (text);
  return agrees;
}

typedef struct {
  GHashTable *bases;
  gboolean conflict;
} ConflictTask;

static gboolean
conflict_cb (const CtChange *change, gpointer data, GError **error)
{
  ConflictTask *task = data;

  if (change->operation != 'i' && !foreach_base (change, task->bases, base_agrees))
    task->conflict = TRUE;
  return TRUE;
}

/**
 * ct_changes_conflict:
 * @seq: a command that has been run again
 * @bases: from ct_changes_bases(), before that; spent afterwards
 * @conflict: (out): whether it overwrites a value that it had not seen
 *
 * The same check that the server makes when it compares and sets: without it, running a handler again on pulled rows
 * would make the later edit win in silence.
 */
gboolean
ct_changes_conflict (CtDb *db, gint64 seq, GHashTable *bases, gboolean *conflict, GError **error)
{
  ConflictTask task = { bases, FALSE };

  if (!ct_changes_foreach (db, seq, conflict_cb, &task, error))
    return FALSE;
  *conflict = task.conflict;
  return TRUE;
}
