#pragma once

#include "ct-profile.h"

G_BEGIN_DECLS

/*
 * The rows of one import command as bytes: typed values, no names. A chunk is what the command's arguments commit to
 * by its SHA-256; the arguments' "records" say what stands in it.
 *
 *   chunk   = record*
 *   record  = u8 layout · u32 row · value for each field of the layout
 *   value   = 'n' | 'i' s64 | 't' u32 length, bytes, NUL          (little endian)
 */

/* A value of a record: type n nothing, i integer, t text (ended by a NUL). */
typedef struct {
  char type;
  guint32 length;
  gint64 integer;
  const char *text; /* (unowned) */
} CtChunkValue;

/* One record as it stands in a chunk. */
typedef struct {
  guint layout;
  guint32 row;
  guint n_values;
  CtChunkValue values[CT_KIND_MAX_FIELDS + 2];
} CtChunkRecord;

/* A chunk being read; the number of values a record has depends on its layout. */
typedef struct {
  const guint8 *at, *end;
  const guint *n_values;
  guint n_layouts;
} CtChunkReader;

void ct_chunk_append_record (GByteArray *chunk, guint layout, guint32 row);
void ct_chunk_append_nothing (GByteArray *chunk);
void ct_chunk_append_integer (GByteArray *chunk, gint64 value);
void ct_chunk_append_text (GByteArray *chunk, const char *text, gsize length);

void ct_chunk_reader_init (CtChunkReader *self, gconstpointer data, gsize length, const guint *n_values,
                           guint n_layouts);
gboolean ct_chunk_reader_next (CtChunkReader *self, CtChunkRecord *record, GError **error);

G_END_DECLS
