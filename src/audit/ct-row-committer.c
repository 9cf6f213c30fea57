/* Row commitments. An event's entries are packed as
 *   't', u8 length, name of a table: what follows is of that table
 *   'p', 16 bytes UUID, 32 bytes hash: the row is there
 *   'd', 16 bytes UUID: the row was deleted
 * and the leaf names SHA256("ct-rows-v1" 0 entries). A row's hash is SHA256("ct-row-v1" 0 salt table 0 id image); its
 * image lists the columns that are not NULL, without n, sorted by name: name 0 type(i, d, t, b) u32be length bytes;
 * integers as decimal text, reals as eight bytes. A column added later is NULL in old rows and changes no image.
 *
 * Of a server's event whose rows are not all seen by the same people each row has a salt of its own. Its entries are
 *   't', u8 length, name of a table
 *   'P', 16 bytes UUID, 32 bytes salt, 32 bytes hash; 'D', 16 bytes UUID, 32 bytes salt
 *   'h', 32 bytes: of a row that is hidden from the reader, the hash of its part
 * and the leaf names SHA256("ct-rows-v2" 0 hashes of all parts), each of them SHA256("ct-row-part-v1" 0 'P' or 'D' salt table 0
 * id, and the row's hash where there is one). */
#include "ct-row-committer.h"

#include <string.h>

struct _CtRowCommitter {
  guint8 salt[CT_ROW_SALT_SIZE];
  char table[64];      /* of the last entry */
  GByteArray *entries; /* (owned) */
  GByteArray *image;   /* (owned): scratch */
};

/* (transfer full): with a fresh random salt */
CtRowCommitter *
ct_row_committer_new (void)
{
  CtRowCommitter *self = g_new0 (CtRowCommitter, 1);

  ct_random_bytes (self->salt, CT_ROW_SALT_SIZE);
  self->entries = g_byte_array_new ();
  self->image = g_byte_array_new ();
  return self;
}

void
ct_row_committer_free (CtRowCommitter *self)
{
  if (!self)
    return;
  g_byte_array_unref (self->entries);
  g_byte_array_unref (self->image);
  g_free (self);
}

static void
append_value (GByteArray *image, const char *name, char type, gconstpointer data, gsize length)
{
  guint32 big_endian = GUINT32_TO_BE ((guint32) length);

  g_byte_array_append (image, (const guint8 *) name, (guint) strlen (name) + 1);
  g_byte_array_append (image, (const guint8 *) &type, 1);
  g_byte_array_append (image, (const guint8 *) &big_endian, sizeof big_endian);
  g_byte_array_append (image, data, (guint) length);
}

static void
append_column (GByteArray *image, CtStmt *row, int column, const char *name)
{
  char type = ct_stmt_type (row, column);
  char digits[24];
  double real;
  guint64 bits;
  gconstpointer data;
  gsize length;

  switch (type) {
  case 'i':
    append_value (image, name, type, digits,
                  (gsize) g_snprintf (digits, sizeof digits, "%" G_GINT64_FORMAT, ct_stmt_int (row, column)));
    break;
  case 'd':
    real = ct_stmt_double (row, column);
    memcpy (&bits, &real, sizeof bits);
    bits = GUINT64_TO_BE (bits);
    append_value (image, name, type, &bits, sizeof bits);
    break;
  case 't':
  case 'b':
    data = ct_stmt_blob (row, column, &length);
    append_value (image, name, type, data, length);
    break;
  default: /* NULL: as if there were no such column */
    break;
  }
}

/**
 * ct_row_image_append:
 * @image: emptied by the caller
 * @row: at a row of SELECT * of a business table
 *
 * Appends the row's canonical image.
 */
void
ct_row_image_append (GByteArray *image, CtStmt *row)
{
  int n;
  const int *order = ct_stmt_sorted_columns (row, &n);

  for (int i = 0; i < n; i++) {
    const char *name = ct_stmt_name (row, order[i]);

    if (strcmp (name, "n") != 0)
      append_column (image, row, order[i], name);
  }
}

CtHash
ct_row_hash (gconstpointer salt, gsize salt_length, const char *table, const CtId *id, gconstpointer image,
             gsize length)
{
  static const char domain[] = "ct-row-v1";
  CtHasher hasher;

  ct_hasher_init (&hasher);
  ct_hasher_update (&hasher, domain, sizeof domain);
  ct_hasher_update (&hasher, salt, salt_length);
  ct_hasher_update (&hasher, table, strlen (table) + 1);
  ct_hasher_update (&hasher, id, sizeof *id);
  ct_hasher_update (&hasher, image, length);
  return ct_hasher_finish (&hasher);
}

static void
append_table (CtRowCommitter *self, const char *table)
{
  guint8 head[2] = { 't', (guint8) strlen (table) };

  g_assert (strlen (table) < sizeof self->table);
  if (strcmp (self->table, table) == 0)
    return;
  g_strlcpy (self->table, table, sizeof self->table);
  g_byte_array_append (self->entries, head, sizeof head);
  g_byte_array_append (self->entries, (const guint8 *) table, head[1]);
}

static void
append_entry (CtRowCommitter *self, const char *table, const CtId *id, char operation)
{
  append_table (self, table);
  g_byte_array_append (self->entries, (const guint8 *) &operation, 1);
  g_byte_array_append (self->entries, id->bytes, sizeof id->bytes);
}

/* Commits to a row as it stands: @row is at SELECT * of it. */
gboolean
ct_row_committer_add (CtRowCommitter *self, const char *table, const CtId *id, CtStmt *row, GError **error)
{
  g_byte_array_set_size (self->image, 0);
  ct_row_image_append (self->image, row);
  ct_row_committer_add_image (self, table, id, self->image->data, self->image->len);
  return TRUE;
}

void
ct_row_committer_add_image (CtRowCommitter *self, const char *table, const CtId *id, gconstpointer image,
                            gsize length)
{
  CtHash hash = ct_row_hash (self->salt, CT_ROW_SALT_SIZE, table, id, image, length);

  append_entry (self, table, id, 'p');
  g_byte_array_append (self->entries, hash.bytes, sizeof hash.bytes);
}

void
ct_row_committer_add_deleted (CtRowCommitter *self, const char *table, const CtId *id)
{
  append_entry (self, table, id, 'd');
}

gboolean
ct_row_committer_is_empty (CtRowCommitter *self)
{
  return self->entries->len == 0;
}

/* The value that the leaf names. */
CtHash
ct_row_committer_finish (CtRowCommitter *self)
{
  return ct_row_entries_hash (self->entries->data, self->entries->len);
}

/* Keeps the entries beside leaf @index, which names their hash. */
gboolean
ct_row_committer_store (CtRowCommitter *self, CtDb *db, gint64 index, GError **error)
{
  return ct_db_run (db, error, "INSERT INTO audit_rows(n, salt, entries) VALUES(?, ?, ?)", "ibb", index,
                    self->salt, (gsize) CT_ROW_SALT_SIZE, self->entries->data, (gsize) self->entries->len);
}

static gboolean
take (const guint8 **cursor, const guint8 *end, gpointer into, gsize length)
{
  if ((gsize) (end - *cursor) < length)
    return FALSE;
  memcpy (into, *cursor, length);
  *cursor += length;
  return TRUE;
}

static gboolean
take_table (const guint8 **cursor, const guint8 *end, CtRowEntry *entry)
{
  guint8 length;

  if (!take (cursor, end, &length, 1) || length == 0 || length >= sizeof entry->table ||
      !take (cursor, end, entry->table, length))
    return FALSE;
  entry->table[length] = '\0';
  return strlen (entry->table) == length;
}

/**
 * ct_row_entry_next:
 * @cursor: (inout): before @end; moved behind the entry
 * @entry: (inout): zeroed before the first call
 *
 * Returns: %FALSE where the bytes are no entry
 */
gboolean
ct_row_entry_next (const guint8 **cursor, const guint8 *end, CtRowEntry *entry)
{
  if (!take (cursor, end, &entry->operation, 1))
    return FALSE;
  if (entry->operation == 't' &&
      (!take_table (cursor, end, entry) || !take (cursor, end, &entry->operation, 1)))
    return FALSE;
  entry->parted = memchr ("PDh", entry->operation, 3) != NULL;
  entry->operation = g_ascii_tolower (entry->operation);
  if (entry->operation == 'h')
    return take (cursor, end, entry->hash.bytes, sizeof entry->hash.bytes);
  if (!entry->table[0] || (entry->operation != 'p' && entry->operation != 'd') ||
      !take (cursor, end, entry->id.bytes, sizeof entry->id.bytes) ||
      (entry->parted && !take (cursor, end, entry->salt, sizeof entry->salt)))
    return FALSE;
  return entry->operation == 'd' || take (cursor, end, entry->hash.bytes, sizeof entry->hash.bytes);
}

/* Whether each row has a salt of its own. */
gboolean
ct_row_entries_are_parted (gconstpointer entries, gsize length)
{
  const guint8 *cursor = entries;
  CtRowEntry first = { 0 };

  return length > 0 && ct_row_entry_next (&cursor, cursor + length, &first) && first.parted;
}

/* Whether of one of the rows only the hash is there. */
gboolean
ct_row_entries_hide (gconstpointer entries, gsize length)
{
  const guint8 *cursor = entries, *end = cursor + length;
  CtRowEntry entry = { 0 };

  while (cursor < end && ct_row_entry_next (&cursor, end, &entry))
    if (entry.operation == 'h')
      return TRUE;
  return FALSE;
}

/* Whether there is a common salt where it belongs to the entries, and only there. */
gboolean
ct_row_entries_fit (gconstpointer entries, gsize length, gsize salt_length)
{
  return salt_length == (ct_row_entries_are_parted (entries, length) ? 0 : CT_ROW_SALT_SIZE);
}

static CtHash
part_hash (const CtRowEntry *entry)
{
  static const char domain[] = "ct-row-part-v1";
  char operation = g_ascii_toupper (entry->operation);
  CtHasher hasher;

  if (entry->operation == 'h')
    return entry->hash;
  ct_hasher_init (&hasher);
  ct_hasher_update (&hasher, domain, sizeof domain);
  ct_hasher_update (&hasher, &operation, 1);
  ct_hasher_update (&hasher, entry->salt, sizeof entry->salt);
  ct_hasher_update (&hasher, entry->table, strlen (entry->table) + 1);
  ct_hasher_update (&hasher, &entry->id, sizeof entry->id);
  if (operation == 'P')
    ct_hasher_update (&hasher, &entry->hash, sizeof entry->hash);
  return ct_hasher_finish (&hasher);
}

static const char rows_domain[] = "ct-rows-v1", parts_domain[] = "ct-rows-v2";

/* What is no entry stays as it is, and so makes another hash. */
static void
append_parts (GByteArray *bytes, const guint8 *entries, gsize length)
{
  const guint8 *end = entries + length, *before = entries;
  CtRowEntry entry = { 0 };

  g_byte_array_append (bytes, (const guint8 *) parts_domain, sizeof parts_domain);
  for (; entries < end && ct_row_entry_next (&entries, end, &entry) && entry.parted; before = entries) {
    CtHash hash = part_hash (&entry);

    g_byte_array_append (bytes, hash.bytes, sizeof hash.bytes);
  }
  g_byte_array_append (bytes, before, (guint) (end - before));
}

/* "ct-rows-v1" 0 entries, or "ct-rows-v2" 0 hashes of parts */
void
ct_row_entries_preimage (GByteArray *bytes, gconstpointer entries, gsize length)
{
  if (ct_row_entries_are_parted (entries, length)) {
    append_parts (bytes, entries, length);
    return;
  }
  g_byte_array_append (bytes, (const guint8 *) rows_domain, sizeof rows_domain);
  g_byte_array_append (bytes, entries, (guint) length);
}

/* Its SHA-256; the entries of a bulk command are not copied for it. */
CtHash
ct_row_entries_hash (gconstpointer entries, gsize length)
{
  CtHasher hasher;

  if (ct_row_entries_are_parted (entries, length)) {
    g_autoptr (GByteArray) bytes = g_byte_array_new ();

    append_parts (bytes, entries, length);
    return ct_hash (bytes->data, bytes->len);
  }
  ct_hasher_init (&hasher);
  ct_hasher_update (&hasher, rows_domain, sizeof rows_domain);
  ct_hasher_update (&hasher, entries, length);
  return ct_hasher_finish (&hasher);
}
