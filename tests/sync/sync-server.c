#include "sync-server.h"
#include "ct-changes.h"

#include <string.h>

SyncServer *
sync_server_new (void)
{
  SyncServer *self = g_new0 (SyncServer, 1);

  self->rows = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) json_object_unref);
  self->changed = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->verdicts = g_ptr_array_new ();
  self->epoch = ct_id_new (1);
  return self;
}

void
sync_server_free (SyncServer *self)
{
  g_hash_table_unref (self->rows);
  g_hash_table_unref (self->changed);
  g_ptr_array_unref (self->verdicts);
  g_free (self);
}

static void
note (SyncServer *self, const char *key)
{
  g_hash_table_add (self->changed, g_strdup (key));
}

/* Takes @values. */
void
sync_server_put (SyncServer *self, const char *table, const CtId *id, JsonObject *values)
{
  g_autofree char *text = ct_id_to_string (id);
  g_autofree char *key = g_strdup_printf ("%s %s", table, text);

  json_object_set_string_member (values, "id", text);
  json_object_set_int_member (values, "rev", 1);
  json_object_set_int_member (values, "created_at", 1600000000000 + self->number);
  json_object_set_int_member (values, "updated_at", 1600000000000 + self->number);
  if (g_str_equal (table, "distributors")) {
    g_autofree char *number = g_strdup_printf ("DIST-2023-%04d", (int) ++self->names);

    json_object_set_string_member (values, "number", number);
    json_object_set_int_member (values, "onboarding_since_at", 1600000000000 + self->number);
  }
  note (self, key);
  g_hash_table_replace (self->rows, g_steal_pointer (&key), values);
}

void
sync_server_delete (SyncServer *self, const char *key)
{
  note (self, key);
  g_hash_table_remove (self->rows, key);
}

static JsonObject *
copy (JsonObject *object)
{
  g_autoptr (JsonNode) node = ct_json_wrap_object (json_object_ref (object));
  g_autofree char *text = json_to_string (node, FALSE);
  g_autoptr (JsonNode) again = ct_json_parse (text, -1, G_MAXSIZE, NULL);

  return json_node_dup_object (again);
}

/* The row to be changed: a new state of it, which pulls that were made before do not see. */
JsonObject *
sync_server_edit (SyncServer *self, const char *key)
{
  JsonObject *values = copy (g_hash_table_lookup (self->rows, key));

  json_object_set_int_member (values, "rev", ct_json_int (values, "rev", 0) + 1);
  json_object_set_int_member (values, "updated_at", 1600000000000 + self->number);
  note (self, key);
  /* keeps the key that is there: @key may be it */
  g_hash_table_insert (self->rows, g_strdup (key), values);
  return values;
}

static int
compare_keys (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* (nullable): one of a table's rows */
JsonObject *
sync_server_any (SyncServer *self, const char *table, GRand *rand, const char **key)
{
  g_autoptr (GPtrArray) keys = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer each;

  g_hash_table_iter_init (&iter, self->rows);
  while (g_hash_table_iter_next (&iter, &each, NULL))
    if (g_str_has_prefix (each, table))
      g_ptr_array_add (keys, each);
  if (keys->len == 0)
    return NULL;
  /* a hash table's order is not the same in two runs */
  g_ptr_array_sort (keys, compare_keys);
  *key = keys->pdata[g_rand_int_range (rand, 0, (gint32) keys->len)];
  return g_hash_table_lookup (self->rows, *key);
}

static gboolean
is_null (JsonNode *node)
{
  return !node || JSON_NODE_HOLDS_NULL (node);
}

static gboolean
agrees (const char *column, JsonNode *row, JsonNode *base)
{
  if (is_null (row) || is_null (base) || g_str_has_suffix (column, "_at"))
    return is_null (row) == is_null (base);
  return json_node_equal (row, base);
}

/* A contact needs its distributor. Blobs stand as hexadecimal digits, keys as UUIDs. */
static gboolean
refers_to_row (SyncServer *self, JsonObject *columns)
{
  JsonArray *pair = ct_json_array (columns, "distributor_id");
  const char *hex = pair ? json_array_get_string_element (pair, 1) : NULL;
  g_autofree char *key = NULL;

  if (!hex)
    return TRUE;
  key = g_strdup_printf ("distributors %.8s-%.4s-%.4s-%.4s-%s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
  return g_hash_table_contains (self->rows, key);
}

/* Compare, then set, column by column; FALSE where the row is another one than the command saw. */
static gboolean
apply_change (SyncServer *self, JsonObject *change)
{
  g_autofree char *key =
      g_strdup_printf ("%s %s", ct_json_string (change, "table", ""), ct_json_string (change, "id", ""));
  const char *operation = ct_json_string (change, "op", "");
  JsonObject *row = g_hash_table_lookup (self->rows, key);
  JsonObject *columns = ct_json_object (change, "columns");
  g_autoptr (GList) names = json_object_get_members (columns);
  CtId id;

  if ((row == NULL) != g_str_equal (operation, "insert") || !refers_to_row (self, columns))
    return FALSE;
  for (GList *l = names; l && row; l = l->next)
    if (!agrees (l->data, json_object_get_member (row, l->data),
                 json_array_get_element (ct_json_array (columns, l->data), 0)))
      return FALSE;
  if (g_str_equal (operation, "delete")) {
    sync_server_delete (self, key);
    return TRUE;
  }
  if (row) {
    row = sync_server_edit (self, key);
  } else {
    row = json_object_new ();
    g_assert_true (ct_id_parse (ct_json_string (change, "id", NULL), &id));
    sync_server_put (self, ct_json_string (change, "table", ""), &id, row);
  }
  for (GList *l = names; l; l = l->next)
    if (!g_str_equal (l->data, "number") && !g_str_equal (l->data, "onboarding_since_at"))
      json_object_set_member (row, l->data, json_array_dup_element (ct_json_array (columns, l->data), 1));
  return TRUE;
}

/* As api.apply: all of a command, or nothing and a rejection. */
void
sync_server_take (SyncServer *self, SyncReplica *from, gint64 seq)
{
  g_autofree char *text = ct_changes_text (from->db, seq, NULL);
  g_autoptr (JsonNode) node = ct_json_parse (text, -1, G_MAXSIZE, NULL);
  g_autoptr (GHashTable) before =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) json_object_unref);
  JsonArray *changes = json_node_get_array (node);
  CtPulledVerdict *verdict = g_new0 (CtPulledVerdict, 1);
  gboolean applied = TRUE, known, parked;
  GHashTableIter iter;
  gpointer key, row;

  g_hash_table_iter_init (&iter, self->rows);
  while (g_hash_table_iter_next (&iter, &key, &row))
    g_hash_table_insert (before, g_strdup (key), json_object_ref (row));
  parked =
      sync_replica_number (from, "SELECT count(*) FROM attention") &&
      ct_db_read_int (from->db, &(gint64){ 0 }, NULL, "SELECT seq FROM attention WHERE seq = ?", "i", seq);
  for (guint i = 0; applied && !parked && i < json_array_get_length (changes); i++)
    applied = apply_change (self, json_array_get_object_element (changes, i));
  if (!applied || parked) {
    g_hash_table_unref (self->rows);
    self->rows = g_steal_pointer (&before);
  }
  verdict->n = seq;
  g_assert_true (ct_backlog_hash (from->db, seq, &verdict->sha256, &known, NULL) && known);
  verdict->verdict = g_new0 (CtVerdict, 1);
  verdict->verdict->kind = applied && !parked ? CT_PUSH_APPLIED : CT_PUSH_REJECTED;
  verdict->verdict->code = g_strdup (applied ? parked ? "withdrawn" : NULL : "conflict");
  verdict->verdict->leaf = ct_id_new (seq);
  g_ptr_array_add (self->verdicts, verdict);
}

static void
free_row (gpointer data)
{
  CtPulledRow *row = data;

  g_clear_pointer (&row->values, json_object_unref);
  g_free (row);
}

static void
free_verdict (gpointer data)
{
  CtPulledVerdict *verdict = data;

  ct_verdict_free (verdict->verdict);
  g_free (verdict);
}

static void
add_row (SyncServer *self, CtPulled *pulled, const char *key)
{
  CtPulledRow *row = g_new0 (CtPulledRow, 1);
  g_auto (GStrv) parts = g_strsplit (key, " ", 2);
  JsonObject *values = g_hash_table_lookup (self->rows, key);

  row->table = g_intern_string (parts[0]);
  g_assert_true (ct_id_parse (parts[1], &row->id));
  row->values = values ? json_object_ref (values) : NULL;
  g_ptr_array_add (pulled->rows, row);
}

/* What a pull by @to would bring now. */
CtPulled *
sync_server_pull (SyncServer *self, SyncReplica *to, gboolean whole)
{
  static const char *const tables[] = { "contacts", "distributors", NULL };
  CtPulled *pulled = g_new0 (CtPulled, 1);
  g_auto (CtBacklogState) state = { 0 };
  GHashTableIter iter;
  gpointer key;

  g_assert_true (ct_backlog_read (to->db, &state, NULL));
  pulled->base = state.cursor;
  pulled->cursor.epoch = pulled->cursor.nonce = self->epoch;
  pulled->cursor.number = ++self->number;
  pulled->whole = whole;
  pulled->scopes = g_strdup ("{1}");
  pulled->tables = g_strdupv ((GStrv) tables);
  pulled->standing = -1;
  pulled->rows = g_ptr_array_new_with_free_func (free_row);
  pulled->verdicts = g_ptr_array_new_with_free_func (free_verdict);
  for (guint i = 0; i < self->verdicts->len; i++)
    g_ptr_array_add (pulled->verdicts, self->verdicts->pdata[i]);
  g_ptr_array_set_size (self->verdicts, 0);
  g_hash_table_iter_init (&iter, whole ? self->rows : self->changed);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    add_row (self, pulled, key);
  g_hash_table_remove_all (self->changed);
  return pulled;
}
