#include "ct-log-sign.h"
#include "ct-tile-stack.h"

#include <string.h>

/**
 * ct_log_size:
 * @n_leaves: (out): leaves written
 * @n_signed: (out): leaves that the newest checkpoint covers
 */
gboolean
ct_log_size (CtDb *db, guint64 *n_leaves, guint64 *n_signed, GError **error)
{
  g_autoptr (CtStmt) stmt =
      ct_db_query (db, error,
                   "SELECT 1 + max((SELECT coalesce(max(n), -1) FROM audit_logs), (SELECT "
                   "coalesce(max(n), -1) FROM audit_hidden)), (SELECT "
                   "coalesce(max(size), 0) FROM audit_checkpoints)",
                   "");

  if (!stmt || !ct_stmt_next (stmt))
    return stmt && ct_stmt_finish (stmt, error);
  *n_leaves = (guint64) MAX (ct_stmt_int (stmt, 0), 0);
  *n_signed = (guint64) MAX (ct_stmt_int (stmt, 1), 0);
  return TRUE;
}

/**
 * ct_log_checkpoint:
 *
 * Returns: (transfer full) (nullable): the newest signed checkpoint; %CT_ERROR_NOT_FOUND before the first
 */
char *
ct_log_checkpoint (CtDb *db, GError **error)
{
  return ct_db_read_text (db, error, "SELECT note FROM audit_checkpoints ORDER BY size DESC LIMIT 1", "");
}

/* A #CtTileReader of the replica's tiles. */
gboolean
ct_log_read_tile (guint level, guint64 index, guint width, CtHash *hashes, gpointer db, GError **error)
{
  g_autoptr (CtStmt) stmt =
      ct_db_query (db, error, "SELECT hashes FROM audit_tiles WHERE level = ? AND idx = ?", "ii",
                   (gint64) level, (gint64) index);
  gconstpointer data = NULL;
  gsize length = 0;

  if (!stmt)
    return FALSE;
  if (ct_stmt_next (stmt))
    data = ct_stmt_blob (stmt, 0, &length);
  else if (!ct_stmt_finish (stmt, error))
    return FALSE;
  if (length < width * CT_HASH_SIZE)
    return ct_fail (error, CT_ERROR_CORRUPT,
                    "The audit log's tile %u/%" G_GUINT64_FORMAT " has %zu bytes instead of at least %u",
                    level, index, length, width * CT_HASH_SIZE);
  memcpy (hashes, data, width * CT_HASH_SIZE);
  return TRUE;
}

/* The inclusion proof of leaf @index in the tree of @size leaves, which must be integrated. */
gboolean
ct_log_inclusion (CtDb *db, guint64 index, guint64 size, CtProof *proof, GError **error)
{
  return ct_merkle_inclusion (index, size, ct_log_read_tile, db, proof, error);
}

gboolean
ct_log_consistency (CtDb *db, guint64 old_size, guint64 size, CtProof *proof, GError **error)
{
  return ct_merkle_consistency (old_size, size, ct_log_read_tile, db, proof, error);
}

static gboolean
store_tile (guint level, guint64 index, guint width, const CtHash *hashes, gpointer db, GError **error)
{
  return ct_db_run (db, error,
                    "INSERT INTO audit_tiles(level, idx, hashes) VALUES(?, ?, ?) "
                    "ON CONFLICT(level, idx) DO UPDATE SET hashes = excluded.hashes",
                    "iib", (gint64) level, (gint64) index, hashes, (gsize) width * CT_HASH_SIZE);
}

/* The unfinished tiles of a tree of @size leaves. */
static gboolean
load_stack (CtDb *db, guint64 size, CtTileStack *stack, GError **error)
{
  for (guint level = 0; level < CT_TILE_LEVELS; level++) {
    guint64 complete = size >> (level * CT_TILE_HEIGHT);
    guint width = (guint) (complete % CT_TILE_WIDTH);

    stack->levels[level].index = complete / CT_TILE_WIDTH;
    stack->levels[level].width = width;
    if (width == 0)
      continue;
    stack->levels[level].hashes = g_new (CtHash, CT_TILE_WIDTH);
    if (!ct_log_read_tile (level, stack->levels[level].index, width, stack->levels[level].hashes, db, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
take_leaf (CtStmt *stmt, guint64 n, CtHash *hash, GError **error)
{
  CtHash stored;
  gsize length;
  gconstpointer leaf = ct_stmt_blob (stmt, 1, &length);

  if ((guint64) ct_stmt_int (stmt, 0) != n)
    return ct_fail (error, CT_ERROR_CORRUPT, "Leaf %" G_GUINT64_FORMAT " is missing: nothing is signed", n);
  if (ct_stmt_is_null (stmt, 1)) /* hidden from us: in the copy of a server's log */
    return ct_stmt_hash (stmt, 2, hash);
  *hash = ct_merkle_leaf (leaf, length);
  return (ct_stmt_hash (stmt, 2, &stored) && ct_hash_equal (&stored, hash)) ||
         ct_fail (error, CT_ERROR_CORRUPT,
                  "Leaf %" G_GUINT64_FORMAT " does not have the hash it was written with: nothing is signed",
                  n);
}

/* Takes the leaves in [@size, @upto), all of which must be there, into the tree of the first @size. */
gboolean
ct_log_integrate (CtDb *db, guint64 size, guint64 upto, GError **error)
{
  g_auto (CtTileStack) stack = { .sink = store_tile, .data = db };
  g_autoptr (CtStmt) stmt = ct_db_query (
      db, error, "SELECT n, leaf, leaf_sha256 FROM audit_leaves WHERE n >= ? AND n < ? ORDER BY n", "ii",
      (gint64) size, (gint64) upto);

  if (!stmt || !load_stack (db, size, &stack, error))
    return FALSE;
  for (; ct_stmt_next (stmt); size++) {
    CtHash hash;

    if (!take_leaf (stmt, size, &hash, error) || !ct_tile_stack_push (&stack, 0, &hash, error))
      return FALSE;
  }
  if (!ct_stmt_finish (stmt, error))
    return FALSE;
  return size == upto ? ct_tile_stack_finish (&stack, error)
                      : ct_fail (error, CT_ERROR_CORRUPT,
                                 "Leaf %" G_GUINT64_FORMAT " is missing: nothing is signed", size);
}

/* The root of the first @size leaves, which must be integrated. */
gboolean
ct_log_root (CtDb *db, guint64 size, CtHash *root, GError **error)
{
  CtMerkleRange range;

  if (!ct_merkle_range_load (&range, size, ct_log_read_tile, db, error))
    return FALSE;
  *root = ct_merkle_range_root (&range);
  return TRUE;
}

/* The newest checkpoint as it is stored: whatever is wrong with it, the replica is corrupt. */
static gboolean
open_newest (const char *note, const CtVerifier *verifier, CtCheckpoint *checkpoint, GError **error)
{
  g_autoptr (GError) cause = NULL;

  return ct_checkpoint_open (note, -1, verifier, checkpoint, &cause) ||
         ct_fail (error, CT_ERROR_CORRUPT, "The newest checkpoint: %s", cause->message);
}

/* A log signs nothing that contradicts what it signed before: the newest checkpoint must be ours and still hold. */
static gboolean
check_newest (CtDb *db, const CtVerifier *verifier, const char *note, guint64 size, GError **error)
{
  g_auto (CtCheckpoint) checkpoint = { 0 };
  CtHash root;

  if (!open_newest (note, verifier, &checkpoint, error))
    return FALSE;
  if (checkpoint.size != size)
    return ct_fail (error, CT_ERROR_CORRUPT, "The newest checkpoint is stored under another size");
  if (!ct_log_root (db, size, &root, error))
    return FALSE;
  return ct_hash_equal (&root, &checkpoint.root) ||
         ct_fail (error, CT_ERROR_CORRUPT,
                  "The tree no longer has the root that its checkpoint of %" G_GUINT64_FORMAT
                  " leaves signs: nothing is signed until “audit verify” has found out why",
                  size);
}

static gboolean
sign_head (CtDb *db, const CtSigner *signer, guint64 size, gint64 now_ms, char **note, GError **error)
{
  g_autofree char *origin =
      ct_db_read_text (db, error, "SELECT value FROM workspace WHERE key = 'log_origin'", "");
  g_autofree char *signed_note = NULL;
  CtHash root;

  if (!origin || !ct_log_root (db, size, &root, error))
    return FALSE;
  signed_note = ct_checkpoint_sign (origin, size, &root, signer, error);
  if (!signed_note ||
      !ct_db_run (db, error, "INSERT INTO audit_checkpoints(size, root, note, signed_at) VALUES(?, ?, ?, ?)",
                  "ihsi", (gint64) size, &root, signed_note, now_ms))
    return FALSE;
  *note = g_steal_pointer (&signed_note);
  return TRUE;
}

static gboolean
extend (CtDb *db, const CtSigner *signer, gint64 now_ms, char **note, GError **error)
{
  g_autofree char *newest = NULL;
  guint64 n_leaves, n_signed;

  if (!ct_log_size (db, &n_leaves, &n_signed, error))
    return FALSE;
  if (n_signed > n_leaves)
    return ct_fail (error, CT_ERROR_CORRUPT,
                    "The log has %" G_GUINT64_FORMAT " leaves, but %" G_GUINT64_FORMAT
                    " were signed: it was truncated",
                    n_leaves, n_signed);
  if (n_signed > 0) {
    newest = ct_log_checkpoint (db, error);
    if (!newest || !check_newest (db, ct_signer_verifier (signer), newest, n_signed, error))
      return FALSE;
  }
  if (n_signed == n_leaves && newest) {
    *note = g_steal_pointer (&newest);
    return TRUE;
  }
  return ct_log_integrate (db, n_signed, n_leaves, error) &&
         sign_head (db, signer, n_leaves, now_ms, note, error);
}

/**
 * ct_log_sign:
 * @db: a writer; inside the caller's transaction if there is one, else in one of its own
 * @signer: the log's key
 * @now_ms: for the record; no part of what is signed
 * @note: (out) (transfer full): the newest checkpoint, also where nothing was new; keep it outside the replica
 *
 * Takes new leaves into the tree and signs its head: one checkpoint for a (size, root), which the table holds unique by
 * size. An empty log is signed as well.
 *
 * Returns: %FALSE with %CT_ERROR_CORRUPT where the log contradicts what it signed before; it signs nothing then
 */
gboolean
ct_log_sign (CtDb *db, const CtSigner *signer, gint64 now_ms, char **note, GError **error)
{
  g_autofree char *newest = NULL;

  if (ct_db_in_transaction (db))
    return extend (db, signer, now_ms, note, error);
  if (!ct_db_begin (db, error))
    return FALSE;
  if (!extend (db, signer, now_ms, &newest, error)) {
    ct_db_rollback (db);
    return FALSE;
  }
  if (!ct_db_commit (db, error))
    return FALSE;
  *note = g_steal_pointer (&newest);
  return TRUE;
}

static gboolean
read_newest (CtDb *db, const CtVerifier *verifier, CtCheckpoint *checkpoint, GError **error)
{
  g_autofree char *note = ct_log_checkpoint (db, error);

  return note && open_newest (note, verifier, checkpoint, error);
}

static gboolean
read_leaf_hash (CtDb *db, gint64 index, CtHash *hash, GError **error)
{
  g_autoptr (CtStmt) stmt = ct_db_query (db, error, "SELECT leaf FROM audit_logs WHERE n = ?", "i", index);
  gconstpointer leaf;
  gsize length;

  if (!stmt)
    return FALSE;
  if (!ct_stmt_next (stmt))
    return ct_stmt_finish (stmt, error) &&
           ct_fail (error, CT_ERROR_NOT_FOUND, "The audit log has no leaf %" G_GINT64_FORMAT, index);
  leaf = ct_stmt_blob (stmt, 0, &length);
  *hash = ct_merkle_leaf (leaf, length);
  return TRUE;
}

/**
 * ct_log_check_included:
 * @verifier: the log's key
 * @ev_id: an event
 *
 * No proof, no post: whether the newest checkpoint, signed by @verifier, includes the event's leaf as it stands.
 *
 * Returns: %FALSE with %CT_ERROR_BUSY where the leaf waits to be signed, %CT_ERROR_CORRUPT where the proof fails
 */
gboolean
ct_log_check_included (CtDb *db, const CtVerifier *verifier, const CtId *ev_id, GError **error)
{
  g_auto (CtCheckpoint) checkpoint = { 0 };
  CtProof proof;
  CtHash hash;
  guint64 n_leaves, n_signed;
  gint64 index;

  if (!ct_log_find (db, ev_id, &index, error) || !ct_log_size (db, &n_leaves, &n_signed, error))
    return FALSE;
  if ((guint64) index >= n_signed)
    return ct_fail (error, CT_ERROR_BUSY, "Leaf %" G_GINT64_FORMAT " is not signed yet", index);
  return read_leaf_hash (db, index, &hash, error) && read_newest (db, verifier, &checkpoint, error) &&
         ct_log_inclusion (db, (guint64) index, checkpoint.size, &proof, error) &&
         ct_merkle_verify_inclusion (&hash, (guint64) index, checkpoint.size, &proof, &checkpoint.root,
                                     error);
}

/**
 * ct_log_check_remembered:
 * @verifier: the log's key
 * @remembered: the last checkpoint seen, kept outside the replica
 *
 * Whether the log continues what was seen before: a quick look at the start of a program, while ct_log_verify() reads
 * the whole log.
 *
 * Returns: %FALSE with %CT_ERROR_CORRUPT where the replica was rolled back, or its log rewritten
 */
gboolean
ct_log_check_remembered (CtDb *db, const CtVerifier *verifier, const char *remembered, GError **error)
{
  g_auto (CtCheckpoint) old = { 0 }, newest = { 0 };
  CtProof proof = { 0 };

  if (!ct_checkpoint_open (remembered, -1, verifier, &old, error)) {
    g_prefix_error (error, "The remembered checkpoint: ");
    return FALSE;
  }
  if (!read_newest (db, verifier, &newest, error))
    return FALSE;
  if (!g_str_equal (old.origin, newest.origin))
    return ct_fail (error, CT_ERROR_CORRUPT, "The remembered checkpoint is of another log, “%s”", old.origin);
  if (old.size > newest.size)
    return ct_fail (error, CT_ERROR_CORRUPT,
                    "The log was rolled back: %" G_GUINT64_FORMAT
                    " leaves were signed, now there are %" G_GUINT64_FORMAT,
                    old.size, newest.size);
  if (old.size > 0 && old.size < newest.size &&
      !ct_log_consistency (db, old.size, newest.size, &proof, error))
    return FALSE;
  if (ct_merkle_verify_consistency (old.size, &old.root, newest.size, &newest.root, &proof, error))
    return TRUE;
  g_prefix_error (error, "The log does not continue the one remembered: ");
  return FALSE;
}
