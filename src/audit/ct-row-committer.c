/* Row commitments. An event's entries are packed as
 *   u8 length of the table's name, the name, 16 bytes UUID, 'p' (present) or 'd' (deleted), 32 bytes hash (zeroes for 'd')
 * and the leaf names SHA256("ct-rows-v1" 0 entries). A row's hash is SHA256("ct-row-v1" 0 salt table 0 id image); its
 * image lists the columns that are not NULL, without n, sorted by name: name 0 type(i,d,t,b) u32be length bytes, integers
 * as decimal text. A column added later is NULL in old rows and changes no image. */
#include "ct-row-committer.h"

#include <string.h>

#define SALT_SIZE 32

struct _CtRowCommitter {
  guint8 salt[SALT_SIZE];
  GByteArray *entries; /* (owned) */
  GByteArray *image;   /* (owned): scratch */
};

/* (transfer full): with a fresh random salt */
CtRowCommitter *
ct_row_committer_new (void)
{
  CtRowCommitter *self = g_new0 (CtRowCommitter, 1);

  ct_random_bytes (self->salt, SALT_SIZE);
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
append_column (GByteArray *image, CtStmt *row, int column)
{
  const char *name = ct_stmt_name (row, column);
  char type = ct_stmt_type (row, column);
  gconstpointer data;
  gsize length;
  guint32 big_endian;

  g_byte_array_append (image, (const guint8 *) name, (guint) strlen (name) + 1);
  g_byte_array_append (image, (const guint8 *) &type, 1);
  if (type == 'b') {
    data = ct_stmt_blob (row, column, &length);
  } else {
    data = ct_stmt_text (row, column);
    length = strlen (data);
  }
  big_endian = GUINT32_TO_BE ((guint32) length);
  g_byte_array_append (image, (const guint8 *) &big_endian, sizeof big_endian);
  g_byte_array_append (image, data, (guint) length);
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
  int n = MIN (ct_stmt_n_columns (row), 64);
  int order[64];

  /* insertion sort: the columns are few */
  for (int i = 0; i < n; i++) {
    int at = i;

    while (at > 0 && strcmp (ct_stmt_name (row, order[at - 1]), ct_stmt_name (row, i)) > 0) {
      order[at] = order[at - 1];
      at--;
    }
    order[at] = i;
  }
  for (int i = 0; i < n; i++)
    if (!ct_stmt_is_null (row, order[i]) && strcmp (ct_stmt_name (row, order[i]), "n") != 0)
      append_column (image, row, order[i]);
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
append_entry (CtRowCommitter *self, const char *table, const CtId *id, char kind, const CtHash *hash)
{
  guint8 length = (guint8) strlen (table);

  g_byte_array_append (self->entries, &length, 1);
  g_byte_array_append (self->entries, (const guint8 *) table, length);
  g_byte_array_append (self->entries, id->bytes, sizeof id->bytes);
  g_byte_array_append (self->entries, (const guint8 *) &kind, 1);
  g_byte_array_append (self->entries, hash->bytes, sizeof hash->bytes);
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
  CtHash hash = ct_row_hash (self->salt, SALT_SIZE, table, id, image, length);

  append_entry (self, table, id, 'p', &hash);
}

void
ct_row_committer_add_deleted (CtRowCommitter *self, const char *table, const CtId *id)
{
  CtHash none = { { 0 } };

  append_entry (self, table, id, 'd', &none);
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
  static const char domain[] = "ct-rows-v1";
  CtHasher hasher;

  ct_hasher_init (&hasher);
  ct_hasher_update (&hasher, domain, sizeof domain);
  ct_hasher_update (&hasher, self->entries->data, self->entries->len);
  return ct_hasher_finish (&hasher);
}

/* (transfer full) */
GBytes *
ct_row_committer_get_salt (CtRowCommitter *self)
{
  return g_bytes_new (self->salt, SALT_SIZE);
}

/* (transfer full) */
GBytes *
ct_row_committer_get_entries (CtRowCommitter *self)
{
  return g_bytes_new (self->entries->data, self->entries->len);
}
