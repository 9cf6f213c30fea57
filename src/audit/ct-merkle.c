#include "ct-merkle.h"
#include "ct-error.h"

#include <string.h>

/**
 * ct_merkle_leaf:
 * @data: (array length=length): the leaf's bytes
 *
 * Returns: SHA256(0x00 ‖ @data), RFC 6962 section 2.1
 */
CtHash
ct_merkle_leaf (gconstpointer data, gsize length)
{
  static const guint8 prefix = 0x00;
  CtHasher hasher;

  ct_hasher_init (&hasher);
  ct_hasher_update (&hasher, &prefix, 1);
  ct_hasher_update (&hasher, data, length);
  return ct_hasher_finish (&hasher);
}

/**
 * ct_merkle_node:
 *
 * Returns: SHA256(0x01 ‖ @left ‖ @right), RFC 6962 section 2.1
 */
CtHash
ct_merkle_node (const CtHash *left, const CtHash *right)
{
  guint8 bytes[1 + 2 * CT_HASH_SIZE];

  bytes[0] = 0x01;
  memcpy (bytes + 1, left, CT_HASH_SIZE);
  memcpy (bytes + 1 + CT_HASH_SIZE, right, CT_HASH_SIZE);
  return ct_hash (bytes, sizeof bytes);
}

/**
 * ct_merkle_fold:
 * @hashes: the row of a perfect subtree
 * @n_hashes: a power of two, at most %CT_TILE_WIDTH
 *
 * Returns: the subtree's root
 */
CtHash
ct_merkle_fold (const CtHash *hashes, guint n_hashes)
{
  CtHash row[CT_TILE_WIDTH];

  g_assert (n_hashes > 0 && n_hashes <= CT_TILE_WIDTH && (n_hashes & (n_hashes - 1)) == 0);
  memcpy (row, hashes, n_hashes * sizeof *row);
  for (; n_hashes > 1; n_hashes /= 2)
    for (guint i = 0; i < n_hashes / 2; i++)
      row[i] = ct_merkle_node (&row[2 * i], &row[2 * i + 1]);
  return row[0];
}

void
ct_merkle_range_init (CtMerkleRange *self)
{
  self->size = 0;
  self->n_peaks = 0;
}

void
ct_merkle_range_add (CtMerkleRange *self, const CtHash *leaf_hash)
{
  ct_merkle_range_add_subtree (self, leaf_hash, 0);
}

/**
 * ct_merkle_range_add_subtree:
 * @root: of the perfect subtree with the next 2^@height leaves
 *
 * The range's size must be a multiple of 2^@height.
 */
void
ct_merkle_range_add_subtree (CtMerkleRange *self, const CtHash *root, guint height)
{
  CtHash hash = *root;

  g_assert (height < 63 && (self->size & ((G_GUINT64_CONSTANT (1) << height) - 1)) == 0);
  for (guint64 rest = self->size >> height; rest & 1; rest >>= 1)
    hash = ct_merkle_node (&self->peaks[--self->n_peaks], &hash);
  self->peaks[self->n_peaks++] = hash;
  self->size += G_GUINT64_CONSTANT (1) << height;
}

/**
 * ct_merkle_range_root:
 *
 * Returns: the root of the tree over all leaves of the range; SHA256 of nothing for none
 */
CtHash
ct_merkle_range_root (const CtMerkleRange *self)
{
  CtHash hash;

  if (self->n_peaks == 0)
    return ct_hash ("", 0);
  hash = self->peaks[self->n_peaks - 1];
  for (guint i = self->n_peaks - 1; i > 0; i--)
    hash = ct_merkle_node (&self->peaks[i - 1], &hash);
  return hash;
}

/**
 * ct_merkle_tile_width:
 * @size: leaves of the tree
 *
 * Returns: how many hashes the tile holds in a tree of that size, 0 where there is no such tile
 */
guint
ct_merkle_tile_width (guint64 size, guint level, guint64 index)
{
  guint64 complete = level < CT_TILE_LEVELS ? size >> (level * CT_TILE_HEIGHT) : 0;

  if (index >= complete / CT_TILE_WIDTH + 1)
    return 0;
  return (guint) MIN (complete - index * CT_TILE_WIDTH, CT_TILE_WIDTH);
}

/* The tile last read of each level: neighbours in a proof share them. */
typedef struct {
  CtTileReader reader;
  gpointer data;
  guint64 size;
  struct {
    guint64 index;
    CtHash *hashes; /* (owned) (nullable) */
  } tiles[CT_TILE_LEVELS];
} Source;

static void
source_clear (Source *self)
{
  for (guint i = 0; i < CT_TILE_LEVELS; i++)
    g_clear_pointer (&self->tiles[i].hashes, g_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Source, source_clear)

static const CtHash *
source_tile (Source *self, guint level, guint64 index, GError **error)
{
  g_autofree CtHash *hashes = NULL;
  guint width = ct_merkle_tile_width (self->size, level, index);

  if (self->tiles[level].hashes && self->tiles[level].index == index)
    return self->tiles[level].hashes;
  hashes = g_new (CtHash, CT_TILE_WIDTH);
  if (!self->reader (level, index, width, hashes, self->data, error))
    return NULL;
  g_free (self->tiles[level].hashes);
  self->tiles[level].hashes = g_steal_pointer (&hashes);
  self->tiles[level].index = index;
  return self->tiles[level].hashes;
}

/* The root of the perfect subtree number @index of 2^@height leaves. */
static gboolean
source_node (Source *self, guint height, guint64 index, CtHash *hash, GError **error)
{
  guint level = height / CT_TILE_HEIGHT, within = height % CT_TILE_HEIGHT;
  guint64 tile = index >> (CT_TILE_HEIGHT - within);
  guint offset = (guint) ((index << within) % CT_TILE_WIDTH);
  const CtHash *hashes = source_tile (self, level, tile, error);

  if (!hashes)
    return FALSE;
  *hash = ct_merkle_fold (hashes + offset, 1u << within);
  return TRUE;
}

/* Appends the perfect subtrees of the leaves [low, high), where low is a multiple of the largest of them. */
static gboolean
source_cover (Source *self, guint64 low, guint64 high, CtMerkleRange *range, GError **error)
{
  range->n_peaks = 0;
  range->size = high - low;
  for (guint64 at = low; at < high;) {
    guint height = 63 - (guint) __builtin_clzll (high - at);

    if (!source_node (self, height, at >> height, &range->peaks[range->n_peaks], error))
      return FALSE;
    range->n_peaks++;
    at += G_GUINT64_CONSTANT (1) << height;
  }
  return TRUE;
}

/**
 * ct_merkle_range_load:
 *
 * Reads the range of a tree of @size leaves from its tiles.
 */
gboolean
ct_merkle_range_load (CtMerkleRange *self, guint64 size, CtTileReader reader, gpointer data, GError **error)
{
  g_auto (Source) source = { .reader = reader, .data = data, .size = size };
  CtMerkleRange range;

  if (!source_cover (&source, 0, size, &range, error))
    return FALSE;
  *self = range;
  return TRUE;
}

static gboolean
push_range (Source *source, guint64 low, guint64 high, CtProof *proof, GError **error)
{
  CtMerkleRange range;

  if (!source_cover (source, low, high, &range, error))
    return FALSE;
  proof->hashes[proof->n_hashes++] = ct_merkle_range_root (&range);
  return TRUE;
}

static void
reverse (CtProof *proof)
{
  for (guint i = 0; i < proof->n_hashes / 2; i++) {
    CtHash hash = proof->hashes[i];

    proof->hashes[i] = proof->hashes[proof->n_hashes - 1 - i];
    proof->hashes[proof->n_hashes - 1 - i] = hash;
  }
}

/* Where RFC 6962 splits a tree of @size leaves: the largest power of two smaller than @size. */
static guint64
split_of (guint64 size)
{
  return G_GUINT64_CONSTANT (1) << (63 - __builtin_clzll (size - 1));
}

/**
 * ct_merkle_inclusion:
 * @index: of the leaf
 * @size: of the tree
 * @proof: (out): PATH(@index, D[@size]) of RFC 6962 section 2.1.1
 *
 * Returns: %FALSE with %CT_ERROR_INVALID where @index is not in the tree, or the reader's error
 */
gboolean
ct_merkle_inclusion (guint64 index, guint64 size, CtTileReader reader, gpointer data, CtProof *proof,
                     GError **error)
{
  g_auto (Source) source = { .reader = reader, .data = data, .size = size };
  CtProof path = { 0 };

  if (index >= size)
    return ct_fail (error, CT_ERROR_INVALID,
                    "Leaf %" G_GUINT64_FORMAT " is not in a log of %" G_GUINT64_FORMAT " leaves", index,
                    size);
  for (guint64 low = 0, high = size; high - low > 1;) {
    guint64 middle = low + split_of (high - low);
    gboolean left = index < middle;

    if (!push_range (&source, left ? middle : low, left ? high : middle, &path, error))
      return FALSE;
    *(left ? &high : &low) = middle;
  }
  reverse (&path);
  *proof = path;
  return TRUE;
}

/**
 * ct_merkle_consistency:
 * @old_size: of the older tree, at least 1
 * @size: of the newer tree
 * @proof: (out): PROOF(@old_size, D[@size]) of RFC 6962 section 2.1.2
 */
gboolean
ct_merkle_consistency (guint64 old_size, guint64 size, CtTileReader reader, gpointer data, CtProof *proof,
                       GError **error)
{
  g_auto (Source) source = { .reader = reader, .data = data, .size = size };
  CtProof path = { 0 };
  guint64 low = 0, high = size;

  if (old_size == 0 || old_size > size)
    return ct_fail (error, CT_ERROR_INVALID,
                    "No consistency proof leads from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT " leaves",
                    old_size, size);
  while (high != old_size) {
    guint64 middle = low + split_of (high - low);
    gboolean left = old_size <= middle;

    if (!push_range (&source, left ? middle : low, left ? high : middle, &path, error))
      return FALSE;
    *(left ? &high : &low) = middle;
  }
  if (low > 0 && !push_range (&source, low, high, &path, error))
    return FALSE;
  reverse (&path);
  *proof = path;
  return TRUE;
}

static gboolean
fail_proof (GError **error, const char *kind, const char *reason)
{
  return ct_fail (error, CT_ERROR_CORRUPT, "The %s proof does not hold: %s", kind, reason);
}

/**
 * ct_merkle_verify_inclusion:
 *
 * RFC 9162 section 2.1.3.2.
 *
 * Returns: whether @proof shows that the leaf stands at @index of the tree with @root
 */
gboolean
ct_merkle_verify_inclusion (const CtHash *leaf_hash, guint64 index, guint64 size, const CtProof *proof,
                            const CtHash *root, GError **error)
{
  guint64 fn = index, sn = size - 1;
  CtHash hash = *leaf_hash;

  if (index >= size)
    return fail_proof (error, "inclusion", "the leaf's index is not below the size");
  for (guint i = 0; i < proof->n_hashes; i++) {
    if (sn == 0)
      return fail_proof (error, "inclusion", "too many hashes");
    if ((fn & 1) || fn == sn) {
      hash = ct_merkle_node (&proof->hashes[i], &hash);
      for (; !(fn & 1) && fn != 0; fn >>= 1)
        sn >>= 1;
    } else {
      hash = ct_merkle_node (&hash, &proof->hashes[i]);
    }
    fn >>= 1;
    sn >>= 1;
  }
  if (sn != 0)
    return fail_proof (error, "inclusion", "too few hashes");
  return ct_hash_equal (&hash, root) || fail_proof (error, "inclusion", "it leads to another root");
}

/* The walk of RFC 9162 section 2.1.4.2 where both trees have leaves and the sizes differ. */
static gboolean
walk_consistency (guint64 old_size, const CtHash *old_root, guint64 size, const CtHash *root,
                  const CtProof *proof, GError **error)
{
  guint64 fn = old_size - 1, sn = size - 1;
  gboolean perfect = (old_size & (old_size - 1)) == 0;
  CtHash fr, sr;

  if (proof->n_hashes == 0)
    return fail_proof (error, "consistency", "too few hashes");
  for (; fn & 1; fn >>= 1)
    sn >>= 1;
  fr = sr = perfect ? *old_root : proof->hashes[0];
  for (guint i = perfect ? 0 : 1; i < proof->n_hashes; i++) {
    const CtHash *hash = &proof->hashes[i];

    if (sn == 0)
      return fail_proof (error, "consistency", "too many hashes");
    if ((fn & 1) || fn == sn) {
      fr = ct_merkle_node (hash, &fr);
      sr = ct_merkle_node (hash, &sr);
      for (; !(fn & 1) && fn != 0; fn >>= 1)
        sn >>= 1;
    } else {
      sr = ct_merkle_node (&sr, hash);
    }
    fn >>= 1;
    sn >>= 1;
  }
  if (sn != 0)
    return fail_proof (error, "consistency", "too few hashes");
  if (!ct_hash_equal (&fr, old_root))
    return fail_proof (error, "consistency", "it does not lead to the older root");
  return ct_hash_equal (&sr, root) || fail_proof (error, "consistency", "it does not lead to the newer root");
}

/**
 * ct_merkle_verify_consistency:
 *
 * RFC 9162 section 2.1.4.2. An empty tree is consistent with every tree, by an empty proof.
 *
 * Returns: whether @proof shows that the tree with @root begins with all leaves of the tree with @old_root
 */
gboolean
ct_merkle_verify_consistency (guint64 old_size, const CtHash *old_root, guint64 size, const CtHash *root,
                              const CtProof *proof, GError **error)
{
  CtHash nothing = ct_hash ("", 0);

  if (old_size > size)
    return fail_proof (error, "consistency", "the log has become shorter");
  if ((old_size == 0 && !ct_hash_equal (old_root, &nothing)) ||
      (size == 0 && !ct_hash_equal (root, &nothing)))
    return fail_proof (error, "consistency", "an empty log has another root");
  if (old_size > 0 && old_size < size)
    return walk_consistency (old_size, old_root, size, root, proof, error);
  if (proof->n_hashes > 0)
    return fail_proof (error, "consistency", "too many hashes");
  return old_size == 0 || ct_hash_equal (old_root, root) ||
         fail_proof (error, "consistency", "the same size has two roots");
}
