#pragma once

#include <gio/gio.h>

#include "ct-checkpoint.h"
#include "ct-merkle.h"

G_BEGIN_DECLS

/* In place of a level: the bundle with the entries themselves. */
#define CT_TILE_ENTRIES G_MAXUINT

#define CT_ENTRY_MOST G_MAXUINT16

/* @done of @total leaves are through; called every few thousand leaves, in the thread that works. */
typedef void (*CtAuditProgress) (guint64 done, guint64 total, gpointer data);

typedef struct {
  guint level; /* 0 to 63, or CT_TILE_ENTRIES */
  guint64 index;
  guint width; /* 1 to 256 */
} CtTileName;

char *ct_tile_path (guint level, guint64 index, guint width);
gboolean ct_tile_parse_path (const char *path, CtTileName *name, GError **error);

/* Entry bundles: uint16 big-endian length and bytes, again and again. */
void ct_bundle_append (GByteArray *bundle, gconstpointer entry, gsize length);
gboolean ct_bundle_next (const guint8 **cursor, const guint8 *end, const guint8 **entry, gsize *length,
                         GError **error);

typedef struct _CtTilesWriter CtTilesWriter;

CtTilesWriter *ct_tiles_writer_new (const char *directory, const char *origin, GError **error);
gboolean ct_tiles_writer_add (CtTilesWriter *self, gconstpointer entry, gsize length, GError **error);
gboolean ct_tiles_writer_add_hidden (CtTilesWriter *self, const CtHash *hash, GError **error);
CtHash ct_tiles_writer_head (CtTilesWriter *self, guint64 *size);
gboolean ct_tiles_writer_finish (CtTilesWriter *self, const char *note, GError **error);
void ct_tiles_writer_free (CtTilesWriter *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtTilesWriter, ct_tiles_writer_free)

G_END_DECLS
