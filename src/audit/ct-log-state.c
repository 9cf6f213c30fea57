#include "ct-log-state.h"

#include <string.h>

/* An event's salt, shared by its rows, or that of one of them. */
typedef struct {
  gint64 leaf;
  guint8 bytes[CT_ROW_SALT_SIZE];
} Salt;

typedef struct {
  CtId id;
  const char *table; /* (unowned): interned */
  guint salt;        /* index into salts */
  gboolean seen;
  CtHash hash;
} Row;

struct _CtLogState {
  GHashTable *rows;    /* (owned) (element-type Row) */
  GHashTable *tables;  /* (owned): names, each kept once */
  GArray *salts;       /* (owned) (element-type Salt) */
  GByteArray *image;   /* (owned): scratch */
  GHashTable *pending; /* (owned) (element-type CtId): rows that commands without an answer have changed */
  GStrv shared;        /* (owned) (nullable): of a server's log: the tables that it commits to */
  gint64 upto;         /* leaves from here on are of changes that the rows do not have yet */
  gboolean whole;      /* every row that the log commits to is one that we may see */
};

/* Random ids need no mixing; a UUIDv7's randomness is at its end. */
static guint
hash_row (gconstpointer data)
{
  const Row *row = data;
  guint value;

  memcpy (&value, row->id.bytes + CT_ID_SIZE - sizeof value, sizeof value);
  return value;
}

static gboolean
rows_equal (gconstpointer a, gconstpointer b)
{
  const Row *x = a, *y = b;

  return x->table == y->table && ct_id_equal (&x->id, &y->id);
}

static guint
hash_id (gconstpointer data)
{
  guint value;

  memcpy (&value, ((const CtId *) data)->bytes + CT_ID_SIZE - sizeof value, sizeof value);
  return value;
}

static gboolean
ids_equal (gconstpointer a, gconstpointer b)
{
  return ct_id_equal (a, b);
}

/* Rows that wait for the server's answer are neither its rows nor ours. */
static gboolean
load_pending (CtLogState *self, CtDb *db, GError **error)
{
  g_autoptr (CtStmt) stmt =
      ct_db_query (db, error, "SELECT DISTINCT id FROM sync_touches WHERE kind <> 'r'", "");
  CtId id;

  if (!stmt)
    return FALSE;
  while (ct_stmt_next (stmt))
    if (ct_stmt_id (stmt, 0, &id))
      g_hash_table_add (self->pending, g_memdup2 (&id, sizeof id));
  return ct_stmt_finish (stmt, error);
}

/* The copy of a server's log: which of it the rows here can be held against. */
static gboolean
load_shared (CtLogState *self, CtDb *db, GError **error)
{
  g_autoptr (CtStmt) stmt = ct_db_query (db, error,
                                         "SELECT l.upto, l.whole, l.tables, l.seen = s.number AND l.epoch = "
                                         "s.epoch FROM sync_log l, sync_state s",
                                         "");

  self->upto = G_MAXINT64;
  self->whole = TRUE;
  if (!stmt)
    return FALSE;
  if (!ct_stmt_next (stmt))
    return ct_stmt_finish (stmt, error);
  if (!ct_stmt_int (stmt, 3))
    return ct_fail (
        error, CT_ERROR_BUSY,
        _ ("The newest changes from the server stand in no checkpoint of its log yet: try again when it has "
           "been signed"));
  self->upto = ct_stmt_int (stmt, 0);
  self->whole = ct_stmt_int (stmt, 1) != 0;
  self->shared = g_strsplit (ct_stmt_text (stmt, 2), " ", -1);
  return ct_stmt_finish (stmt, error);
}

/* (transfer full): %NULL with %CT_ERROR_BUSY where the rows are ahead of the log */
CtLogState *
ct_log_state_new (CtDb *db, GError **error)
{
  g_autoptr (CtLogState) self = g_new0 (CtLogState, 1);

  self->rows = g_hash_table_new_full (hash_row, rows_equal, g_free, NULL);
  self->tables = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->salts = g_array_new (FALSE, FALSE, sizeof (Salt));
  self->image = g_byte_array_new ();
  self->pending = g_hash_table_new_full (hash_id, ids_equal, g_free, NULL);
  return load_pending (self, db, error) && load_shared (self, db, error) ? g_steal_pointer (&self) : NULL;
}

void
ct_log_state_free (CtLogState *self)
{
  if (!self)
    return;
  g_hash_table_unref (self->rows);
  g_hash_table_unref (self->tables);
  g_array_unref (self->salts);
  g_byte_array_unref (self->image);
  g_hash_table_unref (self->pending);
  g_strfreev (self->shared);
  g_free (self);
}

static const char *
intern (CtLogState *self, const char *table)
{
  const char *name = g_hash_table_lookup (self->tables, table);
  char *copy;

  if (name)
    return name;
  copy = g_strdup (table);
  g_hash_table_insert (self->tables, copy, copy);
  return copy;
}

static void
add_salt (CtLogState *self, gint64 leaf, const guint8 *bytes)
{
  Salt salt = { .leaf = leaf };

  memcpy (salt.bytes, bytes, sizeof salt.bytes);
  g_array_append_val (self->salts, salt);
}

static void
take_entry (CtLogState *self, gint64 leaf, const CtRowEntry *entry)
{
  Row row;

  if (entry->operation == 'h')
    return;
  if (entry->parted)
    add_salt (self, leaf, entry->salt);
  row = (Row){
    .id = entry->id, .table = intern (self, entry->table), .salt = self->salts->len - 1, .hash = entry->hash
  };

  if (entry->operation == 'd')
    g_hash_table_remove (self->rows, &row);
  else
    g_hash_table_add (self->rows, g_memdup2 (&row, sizeof row));
}

/**
 * ct_log_state_add:
 * @leaf: index of the event
 * @salt: (nullable): that of its rows, where they share one
 * @entries: (array length=length): its packed rows, whose hash the leaf names
 *
 * Leaves must come in their order: a later commitment to a row replaces the former.
 */
gboolean
ct_log_state_add (CtLogState *self, gint64 leaf, const guint8 salt[CT_ROW_SALT_SIZE], const guint8 *entries,
                  gsize length, GError **error)
{
  const guint8 *end = entries + length;
  CtRowEntry entry = { 0 };

  if (leaf >= self->upto)
    return TRUE;
  if (salt)
    add_salt (self, leaf, salt);
  while (entries < end) {
    if (!ct_row_entry_next (&entries, end, &entry) || entry.parted == (salt != NULL))
      return ct_fail (error, CT_ERROR_CORRUPT, "Leaf %" G_GINT64_FORMAT ": its row commitments are malformed",
                      leaf);
    take_entry (self, leaf, &entry);
  }
  return TRUE;
}

/* "orders ORD-2026-1047 (0190…)" */
static char *
describe_row (const char *table, const CtId *id, CtStmt *stmt)
{
  g_autofree char *text = ct_id_to_string (id);

  for (int i = 0; stmt && i < ct_stmt_n_columns (stmt); i++)
    if (strcmp (ct_stmt_name (stmt, i), "number") == 0 && ct_stmt_type (stmt, i) == 't')
      return g_strdup_printf ("%s %s (%s)", table, ct_stmt_text (stmt, i), text);
  return g_strdup_printf ("%s %s", table, text);
}

static int
find_column (CtStmt *stmt, const char *name)
{
  for (int i = 0; i < ct_stmt_n_columns (stmt); i++)
    if (strcmp (ct_stmt_name (stmt, i), name) == 0)
      return i;
  return -1;
}

static gboolean
compare_row (CtLogState *self, const char *table, int id_column, CtStmt *stmt, GError **error)
{
  Row key = { .table = table };
  g_autofree char *name = NULL;
  const Salt *salt;
  CtHash hash;
  Row *row;

  if (id_column < 0 || !ct_stmt_id (stmt, id_column, &key.id))
    return ct_fail (error, CT_ERROR_CORRUPT, "A row of %s has no UUID", table);
  row = g_hash_table_lookup (self->rows, &key);
  if (!row) {
    name = describe_row (table, &key.id, stmt);
    return ct_fail (error, CT_ERROR_CORRUPT, "Row %s is in no leaf: it was added behind the program's back",
                    name);
  }
  row->seen = TRUE;
  salt = &g_array_index (self->salts, Salt, row->salt);
  g_byte_array_set_size (self->image, 0);
  ct_row_image_append (self->image, stmt);
  hash = ct_row_hash (salt->bytes, sizeof salt->bytes, table, &key.id, self->image->data, self->image->len);
  if (ct_hash_equal (&hash, &row->hash))
    return TRUE;
  name = describe_row (table, &key.id, stmt);
  return ct_fail (error, CT_ERROR_CORRUPT,
                  "Row %s is not what leaf %" G_GINT64_FORMAT
                  " committed to: it was edited behind the program's back",
                  name, salt->leaf);
}

/* Whether the row at @stmt waits for the server. */
static gboolean
is_pending (CtLogState *self, CtStmt *stmt, int id_column)
{
  CtId id;

  return g_hash_table_size (self->pending) > 0 && id_column >= 0 && ct_stmt_id (stmt, id_column, &id) &&
         g_hash_table_contains (self->pending, &id);
}

static gboolean
compare_table (CtLogState *self, CtDb *db, const char *table, GCancellable *cancellable,
               CtLogStateCount *count, GError **error)
{
  g_autofree char *sql = g_strdup_printf ("SELECT * FROM \"%s\"", table);
  g_autoptr (CtStmt) stmt = ct_db_query (db, error, sql, "");
  const char *interned = intern (self, table);
  int id_column;

  if (!stmt)
    return FALSE;
  id_column = find_column (stmt, "id");
  while (ct_stmt_next (stmt)) {
    if (is_pending (self, stmt, id_column)) {
      count->pending++;
      continue;
    }
    if (!compare_row (self, interned, id_column, stmt, error))
      return FALSE;
    if (++count->compared % 4096 == 0 && g_cancellable_set_error_if_cancelled (cancellable, error))
      return FALSE;
  }
  return ct_stmt_finish (stmt, error);
}

/* A table that is not here as well has nothing to be compared. */
static gboolean
is_compared (CtLogState *self, const char *const *tables, const char *table)
{
  return !self->shared ||
         (g_strv_contains ((const char *const *) self->shared, table) && g_strv_contains (tables, table));
}

static gboolean
find_missing (CtLogState *self, const char *const *tables, CtLogStateCount *count, GError **error)
{
  GHashTableIter iter;
  Row *row;

  g_hash_table_iter_init (&iter, self->rows);
  while (g_hash_table_iter_next (&iter, (gpointer *) &row, NULL)) {
    g_autofree char *name = NULL;

    if (row->seen || g_hash_table_contains (self->pending, &row->id) ||
        !is_compared (self, tables, row->table))
      continue;
    if (!self->whole) { /* deleted, or moved to where we do not see it: its leaf may be one of those hidden */
      count->gone++;
      continue;
    }
    name = describe_row (row->table, &row->id, NULL);
    return ct_fail (error, CT_ERROR_CORRUPT,
                    "Row %s, which leaf %" G_GINT64_FORMAT
                    " committed to, is gone: it was deleted behind the program's back",
                    name, g_array_index (self->salts, Salt, row->salt).leaf);
  }
  return TRUE;
}

/**
 * ct_log_state_compare:
 * @count: (out): of rows
 *
 * Holds every business row against its last commitment; of a connected workspace those that are its server's.
 *
 * Returns: %FALSE with %CT_ERROR_CORRUPT that names a row which was added, edited or deleted behind the program's back
 */
gboolean
ct_log_state_compare (CtLogState *self, CtDb *db, GCancellable *cancellable, CtLogStateCount *count,
                      GError **error)
{
  const char *const *tables = ct_db_business_tables (db, error);

  memset (count, 0, sizeof *count);
  if (!tables)
    return FALSE;
  for (guint i = 0; tables[i]; i++)
    if (is_compared (self, tables, tables[i]) &&
        !compare_table (self, db, tables[i], cancellable, count, error))
      return FALSE;
  return find_missing (self, tables, count, error);
}
