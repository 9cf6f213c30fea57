#include "ct-chunk.h"

#include <string.h>

void
ct_chunk_append_record (GByteArray *chunk, guint layout, guint32 row)
{
  guint8 head[5] = { (guint8) layout };

  row = GUINT32_TO_LE (row);
  memcpy (head + 1, &row, sizeof row);
  g_byte_array_append (chunk, head, sizeof head);
}

void
ct_chunk_append_nothing (GByteArray *chunk)
{
  g_byte_array_append (chunk, (const guint8 *) "n", 1);
}

void
ct_chunk_append_integer (GByteArray *chunk, gint64 value)
{
  guint8 bytes[9] = { 'i' };

  value = GINT64_TO_LE (value);
  memcpy (bytes + 1, &value, sizeof value);
  g_byte_array_append (chunk, bytes, sizeof bytes);
}

/* @length bytes of UTF-8 without a NUL. */
void
ct_chunk_append_text (GByteArray *chunk, const char *text, gsize length)
{
  guint8 head[5] = { 't' };
  guint32 size = GUINT32_TO_LE ((guint32) length);
  guint at = chunk->len;

  memcpy (head + 1, &size, sizeof size);
  g_byte_array_set_size (chunk, at + (guint) sizeof head + (guint) length + 1);
  memcpy (chunk->data + at, head, sizeof head);
  memcpy (chunk->data + at + sizeof head, text, length);
  chunk->data[chunk->len - 1] = 0;
}

void
ct_chunk_reader_init (CtChunkReader *self, gconstpointer data, gsize length, const guint *n_values,
                      guint n_layouts)
{
  self->at = data;
  self->end = self->at + length;
  self->n_values = n_values;
  self->n_layouts = n_layouts;
}

static gboolean
read_bytes (CtChunkReader *self, gpointer into, gsize length)
{
  if ((gsize) (self->end - self->at) < length)
    return FALSE;
  memcpy (into, self->at, length);
  self->at += length;
  return TRUE;
}

static gboolean
read_value (CtChunkReader *self, CtChunkValue *value)
{
  guint32 length;

  if (!read_bytes (self, &value->type, 1))
    return FALSE;
  switch (value->type) {
  case 'n':
    return TRUE;
  case 'i':
    if (!read_bytes (self, &value->integer, sizeof value->integer))
      return FALSE;
    value->integer = GINT64_FROM_LE (value->integer);
    return TRUE;
  case 't':
    if (!read_bytes (self, &length, sizeof length))
      return FALSE;
    length = GUINT32_FROM_LE (length);
    if ((gsize) (self->end - self->at) <= length || memchr (self->at, 0, length) || self->at[length] != 0)
      return FALSE;
    value->text = (const char *) self->at;
    value->length = length;
    self->at += length + 1;
    return TRUE;
  default:
    return FALSE;
  }
}

/**
 * ct_chunk_reader_next:
 * @record: (out caller-allocates): its texts point into the chunk
 *
 * Returns: %FALSE at the end, and with %CT_ERROR_INVALID where the bytes are no chunk
 */
gboolean
ct_chunk_reader_next (CtChunkReader *self, CtChunkRecord *record, GError **error)
{
  guint8 layout;
  gboolean ok;

  if (self->at == self->end)
    return FALSE;
  ok = read_bytes (self, &layout, 1) && layout < self->n_layouts &&
       read_bytes (self, &record->row, sizeof record->row);
  record->row = GUINT32_FROM_LE (record->row);
  record->layout = ok ? layout : 0;
  record->n_values = ok ? self->n_values[layout] : 0;
  for (guint i = 0; ok && i < record->n_values; i++)
    ok = read_value (self, &record->values[i]);
  return ok || ct_fail (error, CT_ERROR_INVALID, "The bytes of the import are not a chunk");
}
