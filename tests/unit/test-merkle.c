/* The Merkle tree: the vectors of the certificate-transparency project, and every proof of small trees against a
 * literal reading of RFC 6962. */
#include "ct-error.h"
#include "ct-merkle.h"

#include <string.h>

static const char *const leaves_hex[] = {
  "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
};

static const char *const roots[] = {
  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
  "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
  "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
};

#define A "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
#define B "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
#define C "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
#define D "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
#define E "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
#define F "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"
#define G "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
#define H "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
#define I "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"

typedef struct {
  gboolean consistency;
  guint64 first, size;
  const char *hashes[4];
} Vector;

static const Vector vectors[] = {
  { FALSE, 0, 1, { NULL } },   { FALSE, 0, 8, { A, B, C } }, { FALSE, 5, 8, { D, E, F } },
  { FALSE, 2, 3, { G } },      { FALSE, 1, 5, { H, B, D } }, { TRUE, 1, 1, { NULL } },
  { TRUE, 1, 8, { A, B, C } }, { TRUE, 6, 8, { I, E, F } },  { TRUE, 2, 5, { B, D } },
};

/* Leaf hashes in memory, read as tiles. */
typedef struct {
  CtHash *leaves; /* (owned) */
  guint64 size;
} Log;

static void
log_clear (Log *self)
{
  g_free (self->leaves);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Log, log_clear)

/* MTH of RFC 6962, word for word. */
static CtHash
reference_root (const CtHash *leaves, guint64 size)
{
  guint64 k = 1;
  CtHash left, right;

  if (size == 0)
    return ct_hash ("", 0);
  if (size == 1)
    return leaves[0];
  while (k * 2 < size)
    k *= 2;
  left = reference_root (leaves, k);
  right = reference_root (leaves + k, size - k);
  return ct_merkle_node (&left, &right);
}

static gboolean
read_tile (guint level, guint64 index, guint width, CtHash *hashes, gpointer data, GError **error)
{
  const Log *log = data;
  guint64 span = G_GUINT64_CONSTANT (1) << (8 * level);

  g_assert_cmpuint (width, ==, ct_merkle_tile_width (log->size, level, index));
  for (guint i = 0; i < width; i++) {
    guint64 start = (index * CT_TILE_WIDTH + i) * span;

    g_assert_cmpuint (start + span, <=, log->size);
    hashes[i] = reference_root (log->leaves + start, span);
  }
  return TRUE;
}

static gboolean
read_nothing (guint level, guint64 index, guint width, CtHash *hashes, gpointer data, GError **error)
{
  return ct_fail (error, CT_ERROR_FAILED, "no tile %u/%" G_GUINT64_FORMAT, level, index);
}

static Log
make_log (guint64 size)
{
  Log log = { g_new (CtHash, MAX (size, 1)), size };

  for (guint64 i = 0; i < size; i++) {
    guint64 bytes = GUINT64_TO_BE (i);

    log.leaves[i] = ct_merkle_leaf (&bytes, sizeof bytes);
  }
  return log;
}

static Log
vector_log (guint64 size)
{
  Log log = { g_new0 (CtHash, G_N_ELEMENTS (leaves_hex)), size };

  for (guint i = 0; i < G_N_ELEMENTS (leaves_hex); i++) {
    guint8 bytes[32];
    gsize length = strlen (leaves_hex[i]) / 2;

    for (gsize j = 0; j < length; j++)
      bytes[j] = (guint8) (g_ascii_xdigit_value (leaves_hex[i][2 * j]) << 4 |
                           g_ascii_xdigit_value (leaves_hex[i][2 * j + 1]));
    log.leaves[i] = ct_merkle_leaf (bytes, length);
  }
  return log;
}

static void
assert_hex (const CtHash *hash, const char *expected)
{
  g_autofree char *hex = ct_hash_to_hex (hash);

  g_assert_cmpstr (hex, ==, expected);
}

static void
test_roots (void)
{
  g_auto (Log) log = vector_log (8);
  CtMerkleRange range;

  ct_merkle_range_init (&range);
  for (guint i = 0; i <= 8; i++) {
    CtHash root = ct_merkle_range_root (&range);

    g_assert_cmpuint (range.size, ==, i);
    assert_hex (&root, roots[i]);
    if (i < 8)
      ct_merkle_range_add (&range, &log.leaves[i]);
  }
}

static void
test_vectors (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (vectors); i++) {
    const Vector *v = &vectors[i];
    g_auto (Log) log = vector_log (v->size);
    g_autoptr (GError) error = NULL;
    CtProof proof;

    if (v->consistency)
      ct_merkle_consistency (v->first, v->size, read_tile, &log, &proof, &error);
    else
      ct_merkle_inclusion (v->first, v->size, read_tile, &log, &proof, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (proof.n_hashes, ==, g_strv_length ((char **) v->hashes));
    for (guint j = 0; j < proof.n_hashes; j++)
      assert_hex (&proof.hashes[j], v->hashes[j]);
  }
}

/* A proof must fail once any part of what it shows is changed. */
static void
assert_inclusion_exact (const Log *log, guint64 index, const CtProof *proof, const CtHash *root)
{
  CtProof other = *proof;

  g_assert_true (ct_merkle_verify_inclusion (&log->leaves[index], index, log->size, proof, root, NULL));
  g_assert_false (ct_merkle_verify_inclusion (&log->leaves[index], index + 1, log->size, proof, root, NULL));
  g_assert_false (ct_merkle_verify_inclusion (root, index, log->size, proof, &log->leaves[index], NULL) &&
                  log->size > 1);
  other.hashes[other.n_hashes++] = *root;
  g_assert_false (ct_merkle_verify_inclusion (&log->leaves[index], index, log->size, &other, root, NULL));
  if (proof->n_hashes == 0)
    return;
  other.n_hashes = proof->n_hashes - 1;
  g_assert_false (ct_merkle_verify_inclusion (&log->leaves[index], index, log->size, &other, root, NULL));
  other = *proof;
  other.hashes[index % proof->n_hashes].bytes[index % CT_HASH_SIZE] ^= 0x20;
  g_assert_false (ct_merkle_verify_inclusion (&log->leaves[index], index, log->size, &other, root, NULL));
}

static void
test_inclusion (void)
{
  static const guint64 sizes[] = { 1, 2, 3, 4, 5, 7, 8, 9, 31, 33, 100, 255, 256, 257, 513, 700 };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    g_auto (Log) log = make_log (sizes[i]);
    CtHash root = reference_root (log.leaves, log.size);

    for (guint64 index = 0; index < log.size; index++) {
      g_autoptr (GError) error = NULL;
      CtProof proof;

      ct_merkle_inclusion (index, log.size, read_tile, &log, &proof, &error);
      g_assert_no_error (error);
      assert_inclusion_exact (&log, index, &proof, &root);
    }
  }
}

static void
assert_consistency_exact (guint64 old_size, const CtHash *old_root, guint64 size, const CtHash *root,
                          const CtProof *proof)
{
  CtProof other = *proof;

  g_assert_true (ct_merkle_verify_consistency (old_size, old_root, size, root, proof, NULL));
  if (old_size == size) {
    g_assert_cmpuint (proof->n_hashes, ==, 0);
    return;
  }
  g_assert_false (ct_merkle_verify_consistency (old_size, root, size, root, proof, NULL));
  g_assert_false (ct_merkle_verify_consistency (old_size, old_root, size, old_root, proof, NULL));
  g_assert_false (ct_merkle_verify_consistency (size, root, old_size, old_root, proof, NULL));
  other.n_hashes--;
  g_assert_false (ct_merkle_verify_consistency (old_size, old_root, size, root, &other, NULL));
  other = *proof;
  other.hashes[old_size % proof->n_hashes].bytes[size % CT_HASH_SIZE] ^= 1;
  g_assert_false (ct_merkle_verify_consistency (old_size, old_root, size, root, &other, NULL));
}

static void
test_consistency (void)
{
  for (guint64 size = 1; size <= 600; size = size < 66 ? size + 1 : size + 89) {
    g_auto (Log) log = make_log (size);
    CtHash root = reference_root (log.leaves, size);

    for (guint64 old_size = 1; old_size <= size; old_size++) {
      CtHash old_root = reference_root (log.leaves, old_size);
      g_autoptr (GError) error = NULL;
      CtProof proof;

      ct_merkle_consistency (old_size, size, read_tile, &log, &proof, &error);
      g_assert_no_error (error);
      assert_consistency_exact (old_size, &old_root, size, &root, &proof);
    }
  }
}

static void
test_empty (void)
{
  CtHash nothing = ct_hash ("", 0), other = ct_hash ("x", 1);
  CtProof proof = { 0 }, long_proof = { .n_hashes = 1 };

  g_assert_true (ct_merkle_verify_consistency (0, &nothing, 0, &nothing, &proof, NULL));
  g_assert_true (ct_merkle_verify_consistency (0, &nothing, 5, &other, &proof, NULL));
  g_assert_false (ct_merkle_verify_consistency (0, &other, 5, &other, &proof, NULL));
  g_assert_false (ct_merkle_verify_consistency (0, &nothing, 5, &other, &long_proof, NULL));
  g_assert_false (ct_merkle_verify_consistency (0, &nothing, 0, &other, &proof, NULL));
  g_assert_false (ct_merkle_verify_inclusion (&other, 0, 0, &proof, &nothing, NULL));
}

static void
test_range_load (void)
{
  for (guint64 size = 0; size <= 70000; size = size < 600 ? size + 1 : size * 5 + 7) {
    g_auto (Log) log = make_log (size);
    g_autoptr (GError) error = NULL;
    CtHash expected = reference_root (log.leaves, size), root;
    CtMerkleRange range;

    ct_merkle_range_load (&range, size, read_tile, &log, &error);
    g_assert_no_error (error);
    root = ct_merkle_range_root (&range);
    g_assert_true (ct_hash_equal (&root, &expected));
    g_assert_cmpuint (range.size, ==, size);
  }
}

/* The example of C2SP tlog-tiles: 70,000 leaves. */
static void
test_tile_widths (void)
{
  g_assert_cmpuint (ct_merkle_tile_width (70000, 0, 272), ==, 256);
  g_assert_cmpuint (ct_merkle_tile_width (70000, 0, 273), ==, 112);
  g_assert_cmpuint (ct_merkle_tile_width (70000, 0, 274), ==, 0);
  g_assert_cmpuint (ct_merkle_tile_width (70000, 1, 0), ==, 256);
  g_assert_cmpuint (ct_merkle_tile_width (70000, 1, 1), ==, 17);
  g_assert_cmpuint (ct_merkle_tile_width (70000, 2, 0), ==, 1);
  g_assert_cmpuint (ct_merkle_tile_width (70000, 3, 0), ==, 0);
  g_assert_cmpuint (ct_merkle_tile_width (256, 1, 0), ==, 1);
  g_assert_cmpuint (ct_merkle_tile_width (256, 0, 1), ==, 0);
}

static void
test_errors (void)
{
  g_autoptr (GError) error = NULL;
  CtProof proof = { .n_hashes = 7 };

  g_assert_false (ct_merkle_inclusion (5, 5, read_nothing, NULL, &proof, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_INVALID);
  g_clear_error (&error);
  g_assert_false (ct_merkle_consistency (0, 5, read_nothing, NULL, &proof, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_INVALID);
  g_clear_error (&error);
  g_assert_false (ct_merkle_consistency (6, 5, read_nothing, NULL, &proof, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_INVALID);
  g_clear_error (&error);
  g_assert_false (ct_merkle_inclusion (0, 5, read_nothing, NULL, &proof, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_FAILED);
  g_assert_cmpuint (proof.n_hashes, ==, 7);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/merkle/roots", test_roots);
  g_test_add_func ("/merkle/vectors", test_vectors);
  g_test_add_func ("/merkle/inclusion", test_inclusion);
  g_test_add_func ("/merkle/consistency", test_consistency);
  g_test_add_func ("/merkle/empty", test_empty);
  g_test_add_func ("/merkle/range-load", test_range_load);
  g_test_add_func ("/merkle/tile-widths", test_tile_widths);
  g_test_add_func ("/merkle/errors", test_errors);
  return g_test_run ();
}
