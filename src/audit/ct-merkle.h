#pragma once

#include "ct-hash.h"

G_BEGIN_DECLS

/* C2SP tlog-tiles: a tile holds up to 256 hashes, eight levels of the tree. */
#define CT_TILE_WIDTH  256
#define CT_TILE_HEIGHT 8
/* 256^8 leaves are more than a gint64 counts. */
#define CT_TILE_LEVELS 8

/* A proof for less than 2^63 leaves has at most one hash a level and one more. */
#define CT_PROOF_MOST 65

/* The roots of the perfect subtrees that cover the leaves [0, size), largest first: all that is needed to append. */
typedef struct {
  guint64 size;
  guint n_peaks;
  CtHash peaks[64];
} CtMerkleRange;

/* Hashes of an inclusion or consistency proof, in the order of RFC 6962. */
typedef struct {
  guint n_hashes;
  CtHash hashes[CT_PROOF_MOST];
} CtProof;

/**
 * CtTileReader:
 * @level: of the tile, 0 holds leaf hashes
 * @index: of the tile within its level
 * @width: how many hashes are wanted, 1 to 256; a stored tile may be wider
 * @hashes: (out): room for @width hashes
 *
 * Where proofs get their tiles from: a table, a directory, memory.
 */
typedef gboolean (*CtTileReader) (guint level, guint64 index, guint width, CtHash *hashes, gpointer data,
                                  GError **error);

CtHash ct_merkle_leaf (gconstpointer data, gsize length);
CtHash ct_merkle_node (const CtHash *left, const CtHash *right);
CtHash ct_merkle_fold (const CtHash *hashes, guint n_hashes);

void ct_merkle_range_init (CtMerkleRange *self);
void ct_merkle_range_add (CtMerkleRange *self, const CtHash *leaf_hash);
void ct_merkle_range_add_subtree (CtMerkleRange *self, const CtHash *root, guint height);
CtHash ct_merkle_range_root (const CtMerkleRange *self);
gboolean ct_merkle_range_load (CtMerkleRange *self, guint64 size, CtTileReader reader, gpointer data,
                               GError **error);

guint ct_merkle_tile_width (guint64 size, guint level, guint64 index);
gboolean ct_merkle_inclusion (guint64 index, guint64 size, CtTileReader reader, gpointer data, CtProof *proof,
                              GError **error);
gboolean ct_merkle_consistency (guint64 old_size, guint64 size, CtTileReader reader, gpointer data,
                                CtProof *proof, GError **error);

gboolean ct_merkle_verify_inclusion (const CtHash *leaf_hash, guint64 index, guint64 size,
                                     const CtProof *proof, const CtHash *root, GError **error);
gboolean ct_merkle_verify_consistency (guint64 old_size, const CtHash *old_root, guint64 size,
                                       const CtHash *root, const CtProof *proof, GError **error);

G_END_DECLS
