#include "ct-tile-stack.h"
#include "ct-error.h"
#include "ct-tiles.h"

void
ct_tile_stack_clear (CtTileStack *self)
{
  for (guint i = 0; i < CT_TILE_LEVELS; i++)
    g_clear_pointer (&self->levels[i].hashes, g_free);
}

static gboolean
give (CtTileStack *self, guint level, GError **error)
{
  return self->sink (level, self->levels[level].index, self->levels[level].width, self->levels[level].hashes,
                     self->data, error);
}

/**
 * ct_tile_stack_push:
 * @level: 0 for a leaf's hash, else @hash is the root of a full tile of the level below
 */
gboolean
ct_tile_stack_push (CtTileStack *self, guint level, const CtHash *hash, GError **error)
{
  CtHash root;

  g_assert (level < CT_TILE_LEVELS);
  if (!self->levels[level].hashes)
    self->levels[level].hashes = g_new (CtHash, CT_TILE_WIDTH);
  self->levels[level].hashes[self->levels[level].width++] = *hash;
  if (self->levels[level].width < CT_TILE_WIDTH)
    return TRUE;
  if (!give (self, level, error))
    return FALSE;
  root = ct_merkle_fold (self->levels[level].hashes, CT_TILE_WIDTH);
  self->levels[level].width = 0;
  self->levels[level].index++;
  return ct_tile_stack_push (self, level + 1, &root, error);
}

/* Gives the tiles that are not full to the sink. */
gboolean
ct_tile_stack_finish (CtTileStack *self, GError **error)
{
  for (guint i = 0; i < CT_TILE_LEVELS; i++)
    if (self->levels[i].width > 0 && !give (self, i, error))
      return FALSE;
  return TRUE;
}

/**
 * ct_tile_compare:
 * @level: above 0
 * @hashes: what the tiles below demand
 * @reader: reads what is stored
 *
 * Returns: %FALSE with %CT_ERROR_CORRUPT that names the two tiles which contradict each other
 */
gboolean
ct_tile_compare (guint level, guint64 index, guint width, const CtHash *hashes, CtTileReader reader,
                 gpointer data, GError **error)
{
  CtHash stored[CT_TILE_WIDTH];

  if (!reader (level, index, width, stored, data, error))
    return FALSE;
  for (guint i = 0; i < width; i++)
    if (!ct_hash_equal (&stored[i], &hashes[i])) {
      guint64 child = index * CT_TILE_WIDTH + i;
      g_autofree char *above = ct_tile_path (level, index, width);
      g_autofree char *below = ct_tile_path (level - 1, child, CT_TILE_WIDTH);
      guint span = level * CT_TILE_HEIGHT;

      return ct_fail (error, CT_ERROR_CORRUPT,
                      "%s and %s contradict each other (leaves %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT
                      ")",
                      above, below, child << span, ((child + 1) << span) - 1);
    }
  return TRUE;
}
