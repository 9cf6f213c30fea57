#pragma once

#include "ct-merkle.h"

G_BEGIN_DECLS

/* Gets each tile once it is full, and the partial ones at the end. */
typedef gboolean (*CtTileSink) (guint level, guint64 index, guint width, const CtHash *hashes, gpointer data,
                                GError **error);

/* Collects the hashes of a growing tree into tiles: a full tile goes to the sink and its root one level up. */
typedef struct {
  CtTileSink sink;
  gpointer data;
  struct {
    guint64 index; /* of the unfinished tile */
    guint width;
    CtHash *hashes; /* (owned) (nullable) */
  } levels[CT_TILE_LEVELS];
} CtTileStack;

void ct_tile_stack_clear (CtTileStack *self);
gboolean ct_tile_stack_push (CtTileStack *self, guint level, const CtHash *hash, GError **error);
gboolean ct_tile_stack_finish (CtTileStack *self, GError **error);

gboolean ct_tile_compare (guint level, guint64 index, guint width, const CtHash *hashes, CtTileReader reader,
                          gpointer data, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CtTileStack, ct_tile_stack_clear)

G_END_DECLS
