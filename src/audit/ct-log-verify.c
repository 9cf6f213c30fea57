/* Reads the whole log once, in the order of its leaves; what belongs to a leaf in other tables runs along in cursors of
 * its own, so memory does not grow with the log. */
#include "ct-log-sign.h"
#include "ct-log-verify-private.h"

#include <string.h>

void
ct_log_report_clear (CtLogReport *self)
{
  g_clear_pointer (&self->origin, g_free);
  g_clear_pointer (&self->vkey, g_free);
}

static void
audit_clear (CtLogAudit *self)
{
  g_clear_pointer (&self->verifier, ct_verifier_free);
  ct_log_report_clear (&self->report);
  g_clear_pointer (&self->origins, g_free);
  for (guint i = 0; i < self->n_recalled; i++)
    ct_checkpoint_clear (&self->recalled[i]);
  g_free (self->recalled);
  g_clear_pointer (&self->redacted, g_hash_table_unref);
  g_clear_pointer (&self->state, ct_log_state_free);
  g_clear_pointer (&self->hashes, ct_hash_queue_free);
  ct_tile_stack_clear (&self->stack);
  g_clear_pointer (&self->checkpoints.stmt, ct_stmt_free);
  g_clear_pointer (&self->disclosures.stmt, ct_stmt_free);
  g_clear_pointer (&self->withheld.stmt, ct_stmt_free);
  g_clear_pointer (&self->rows.stmt, ct_stmt_free);
  g_clear_pointer (&self->intents.stmt, ct_stmt_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CtLogAudit, audit_clear)

/* The root of all leaves read so far. */
static CtHash
current_root (const CtLogAudit *self)
{
  CtMerkleRange whole = self->full;

  memcpy (whole.peaks + whole.n_peaks, self->part.peaks, self->part.n_peaks * sizeof *whole.peaks);
  whole.n_peaks += self->part.n_peaks;
  return ct_merkle_range_root (&whole);
}

/* Redactions come after what they redact, so they are read first; their leaves are checked like all others. */
static gboolean
load_redactions (CtLogAudit *self, GError **error)
{
  g_autoptr (CtStmt) stmt =
      ct_db_query (self->db, error,
                   "SELECT l.leaf, d.value FROM audit_logs l JOIN audit_disclosures d ON d.n = l.n "
                   "WHERE l.action = '" CT_LOG_REDACT "' AND d.field = '" CT_LOG_REDACTED "'",
                   "");

  self->redacted = g_hash_table_new_full (g_bytes_hash, g_bytes_equal, (GDestroyNotify) g_bytes_unref, NULL);
  if (!stmt)
    return FALSE;
  while (ct_stmt_next (stmt)) {
    gsize length, field_length;
    const char *json = ct_stmt_blob (stmt, 0, &length);
    const char *field = ct_stmt_blob (stmt, 1, &field_length);
    CtLeaf leaf;

    if (ct_leaf_scan (&leaf, json, length, NULL) && (leaf.parts & CT_LEAF_PARENT))
      g_hash_table_add (self->redacted, ct_log_redaction_key (&leaf.parent_ev_id, field, field_length));
  }
  return ct_stmt_finish (stmt, error);
}

static gboolean
load_remembered (CtLogAudit *self, GError **error)
{
  const char *const *notes = self->options->remembered;
  guint n = notes ? g_strv_length ((GStrv) notes) : 0;

  self->recalled = g_new0 (CtCheckpoint, MAX (n, 1));
  for (guint i = 0; i < n; i++) {
    if (!ct_checkpoint_open (notes[i], -1, self->verifier, &self->recalled[i], error)) {
      g_prefix_error (error, "The remembered checkpoint: ");
      return FALSE;
    }
    self->n_recalled++;
    if (!g_str_equal (self->recalled[i].origin, self->report.origin))
      return ct_fail (error, CT_ERROR_CORRUPT, "The remembered checkpoint is of another log, “%s”",
                      self->recalled[i].origin);
  }
  return TRUE;
}

static gboolean
load_device (CtLogAudit *self, GError **error)
{
  g_autoptr (CtStmt) stmt =
      ct_db_query (self->db, error, "SELECT value FROM workspace WHERE key = 'device_id'", "");

  if (!stmt)
    return FALSE;
  if (ct_stmt_next (stmt))
    ct_id_parse (ct_stmt_text (stmt, 0), &self->device);
  return ct_stmt_finish (stmt, error);
}

static gboolean
fail_truncated (CtLogAudit *self, guint64 size, const char *what, GError **error)
{
  return ct_fail (error, CT_ERROR_CORRUPT,
                  "The log was truncated: %s signs %" G_GUINT64_FORMAT
                  " leaves, there are %" G_GUINT64_FORMAT,
                  what, size, self->report.n_leaves);
}

/* A server's log before its first checkpoint. */
static gboolean
fail_unsigned (GError **error)
{
  g_clear_error (error);
  return ct_fail (error, CT_ERROR_NOT_FOUND, _ ("Nobody signs the log of this workspace yet"));
}

static gboolean
load_head (CtLogAudit *self, GError **error)
{
  self->report.origin =
      ct_db_read_text (self->db, error, "SELECT value FROM workspace WHERE key = 'log_origin'", "");
  self->origins = self->report.origin ? ct_log_origins (self->db, error) : NULL;
  if (!self->origins) {
    g_prefix_error (error, "The workspace has no audit log: ");
    return FALSE;
  }
  if (self->options->vkey)
    self->report.vkey = g_strdup (self->options->vkey);
  else
    self->report.vkey =
        ct_db_read_text (self->db, error, "SELECT value FROM workspace WHERE key = 'log_vkey'", "");
  if (!self->report.vkey)
    return fail_unsigned (error);
  self->verifier = ct_verifier_parse (self->report.vkey, error);
  if (!self->verifier || !ct_log_size (self->db, &self->report.n_leaves, &self->report.n_signed, error))
    return FALSE;
  return self->report.n_signed <= self->report.n_leaves ||
         fail_truncated (self, self->report.n_signed, "a checkpoint", error);
}

static gboolean
open_cursors (CtLogAudit *self, GError **error)
{
  return ct_log_cursor_open (&self->checkpoints, self->db,
                             "SELECT size, root, note FROM audit_checkpoints ORDER BY size", error) &&
         ct_log_cursor_open (&self->disclosures, self->db,
                             "SELECT n, field, salt, value FROM audit_disclosures ORDER BY n, field",
                             error) &&
         ct_log_cursor_open (&self->withheld, self->db, "SELECT n FROM audit_withheld ORDER BY n", error) &&
         ct_log_cursor_open (&self->rows, self->db, "SELECT n, salt, entries FROM audit_rows ORDER BY n",
                             error) &&
         ct_log_cursor_open (
             &self->intents, self->db,
             "SELECT seq, command_id, name, args, args_sha256, actor, device_id, occurred_at, "
             "previous_sha256, sha256 FROM intents ORDER BY seq",
             error);
}

/* What was kept outside the replica must be a part of this log. */
static gboolean
check_remembered (CtLogAudit *self, guint64 size, const CtHash *root, GError **error)
{
  for (guint i = 0; i < self->n_recalled; i++)
    if (self->recalled[i].size == size && !ct_hash_equal (&self->recalled[i].root, root))
      return ct_fail (error, CT_ERROR_CORRUPT,
                      "The first %" G_GUINT64_FORMAT
                      " leaves are not those that the remembered checkpoint signs: the log was rewritten",
                      size);
  return TRUE;
}

static gboolean
check_checkpoint (CtLogAudit *self, guint64 size, const CtHash *root, GError **error)
{
  CtStmt *stmt = self->checkpoints.stmt;
  g_auto (CtCheckpoint) checkpoint = { 0 };
  g_autoptr (GError) cause = NULL;
  gsize length;
  const char *note = ct_stmt_blob (stmt, 2, &length);
  CtHash stored;

  if (!ct_checkpoint_open (note ? note : "", (gssize) length, self->verifier, &checkpoint, &cause))
    return ct_fail (error, CT_ERROR_CORRUPT, "The checkpoint of %" G_GUINT64_FORMAT " leaves: %s", size,
                    cause->message);
  if (checkpoint.size != size || !g_str_equal (checkpoint.origin, self->report.origin) ||
      !ct_stmt_hash (stmt, 1, &stored) || !ct_hash_equal (&stored, &checkpoint.root))
    return ct_fail (error, CT_ERROR_CORRUPT,
                    "The checkpoint of %" G_GUINT64_FORMAT
                    " leaves was replaced: what it signs is another size, root or log",
                    size);
  if (!ct_hash_equal (&checkpoint.root, root))
    return ct_fail (error, CT_ERROR_CORRUPT,
                    "The first %" G_GUINT64_FORMAT " leaves are not those that their checkpoint signs: the "
                    "log was rewritten, or the checkpoint replaced",
                    size);
  self->report.root = *root;
  self->report.n_checkpoints++;
  return ct_log_cursor_next (&self->checkpoints, error);
}

/* Checkpoints that were made, here or outside, when the log had exactly the leaves read so far. */
static gboolean
check_heads (CtLogAudit *self, guint64 size, GError **error)
{
  gboolean recalled = FALSE;
  CtHash root;

  for (guint i = 0; i < self->n_recalled; i++)
    recalled |= self->recalled[i].size == size;
  if (!recalled && self->checkpoints.key != (gint64) size)
    return TRUE;
  root = current_root (self);
  return check_remembered (self, size, &root, error) &&
         (self->checkpoints.key != (gint64) size || check_checkpoint (self, size, &root, error));
}

/* Reads the stored tile that leaf @n begins; it must be as wide as the signed tree wants, no more, no less. */
static gboolean
load_tile (CtLogAudit *self, guint64 n, GError **error)
{
  guint64 index = n / CT_TILE_WIDTH;
  guint width = ct_merkle_tile_width (self->report.n_signed, 0, index);

  return width == 0 || ct_log_read_tile (0, index, width, self->tile, self->db, error);
}

static gboolean
fail_place (CtLogAudit *self, guint64 n, const CtHash *hash, GError **error)
{
  guint width = ct_merkle_tile_width (self->report.n_signed, 0, n / CT_TILE_WIDTH);

  for (guint i = 0; i < width; i++)
    if (ct_hash_equal (&self->tile[i], hash))
      return ct_fail (error, CT_ERROR_CORRUPT,
                      "Leaf %" G_GUINT64_FORMAT
                      " stands in another's place: it was signed as leaf %" G_GUINT64_FORMAT
                      ", the log was reordered",
                      n, n / CT_TILE_WIDTH * CT_TILE_WIDTH + i);
  return ct_fail (error, CT_ERROR_CORRUPT,
                  "Leaf %" G_GUINT64_FORMAT " is not the one that was signed in this place: it was replaced",
                  n);
}

/* Puts the leaf's hash into the tree that is rebuilt, and holds the stored tiles against it. */
static gboolean
grow_tree (CtLogAudit *self, guint64 n, const CtHash *hash, GError **error)
{
  CtHash root;

  if (n % CT_TILE_WIDTH == 0 && !load_tile (self, n, error))
    return FALSE;
  if (n < self->report.n_signed && !ct_hash_equal (hash, &self->tile[n % CT_TILE_WIDTH]))
    return fail_place (self, n, hash, error);
  ct_merkle_range_add (&self->part, hash);
  if (self->part.size < CT_TILE_WIDTH)
    return TRUE;
  root = self->part.peaks[0];
  ct_merkle_range_init (&self->part);
  ct_merkle_range_add_subtree (&self->full, &root, CT_TILE_HEIGHT);
  return n >= self->report.n_signed || ct_tile_stack_push (&self->stack, 1, &root, error);
}

static gboolean
compare_upper (guint level, guint64 index, guint width, const CtHash *hashes, gpointer db, GError **error)
{
  return ct_tile_compare (level, index, width, hashes, ct_log_read_tile, db, error);
}

static gboolean
queue_leaf (CtLogAudit *self, gint64 n, const char *json, gsize length, const CtHash *hash)
{
  static const guint8 prefix = 0x00; /* RFC 6962: of a leaf */
  GByteArray *bytes = ct_hash_queue_begin (self->hashes);

  g_byte_array_append (bytes, &prefix, 1);
  g_byte_array_append (bytes, (const guint8 *) json, (guint) length);
  return ct_hash_queue_end (self->hashes, CT_LOG_HASH_LEAF, n, hash);
}

static gboolean
check_leaf (CtLogAudit *self, CtStmt *stmt, gint64 n, GError **error)
{
  g_autoptr (GError) cause = NULL;
  gsize length;
  const char *json = ct_stmt_blob (stmt, LEAF_BYTES, &length);
  CtHash hash;
  CtLeaf leaf;

  if (ct_stmt_int (stmt, N) != n)
    return ct_fail (error, CT_ERROR_CORRUPT, "Leaf %" LEAF " is missing: it was deleted", n);
  if (!ct_stmt_hash (stmt, LEAF_HASH, &hash))
    return ct_fail (error, CT_ERROR_CORRUPT, "Leaf %" LEAF " has no hash", n);
  if (ct_stmt_is_null (stmt, LEAF_BYTES))
    return grow_tree (self, (guint64) n, &hash, error) && ct_log_audit_hidden (self, n, error) &&
           check_heads (self, (guint64) n + 1, error);
  if (!queue_leaf (self, n, json, length, &hash) || !grow_tree (self, (guint64) n, &hash, error))
    return FALSE;
  if (!ct_leaf_scan (&leaf, json, length, &cause))
    return ct_fail (error, CT_ERROR_CORRUPT, "Leaf %" LEAF ": %s", n, cause->message);
  return ct_log_audit_leaf (self, stmt, n, &leaf, error) && check_heads (self, (guint64) n + 1, error);
}

static gboolean
check_leaves (CtLogAudit *self, GError **error)
{
  g_autoptr (CtStmt) stmt =
      ct_db_query (self->db, error,
                   "SELECT n, leaf, leaf_sha256, ev_id, action, actor, object_type, object_id, "
                   "received_at FROM audit_leaves ORDER BY n",
                   "");
  const CtLogVerifyOptions *options = self->options;
  gint64 n = 0;

  if (!stmt || !check_heads (self, 0, error))
    return FALSE;
  for (; ct_stmt_next (stmt); n++) {
    if (n % 4096 == 0 && g_cancellable_set_error_if_cancelled (options->cancellable, error))
      return FALSE;
    if (n % 4096 == 0 && options->progress)
      options->progress ((guint64) n, self->report.n_leaves, options->progress_data);
    if (!check_leaf (self, stmt, n, error))
      return FALSE;
  }
  if (options->progress)
    options->progress ((guint64) n, (guint64) n, options->progress_data);
  return ct_stmt_finish (stmt, error);
}

/* No head may reach beyond the leaves there are. */
static gboolean
check_length (CtLogAudit *self, GError **error)
{
  for (guint i = 0; i < self->n_recalled; i++)
    if (self->recalled[i].size > self->report.n_leaves)
      return fail_truncated (self, self->recalled[i].size, "the remembered checkpoint", error);
  if (self->checkpoints.there)
    return ct_fail (error, CT_ERROR_CORRUPT,
                    "There is a checkpoint of %" LEAF " leaves, which no log can have",
                    self->checkpoints.key);
  return TRUE;
}

/* The stored tiles must be those of the signed tree and no wider: else a checkpoint was taken away. */
static gboolean
check_tiles (CtLogAudit *self, GError **error)
{
  g_autoptr (CtStmt) stmt = NULL;

  if (!ct_tile_stack_finish (&self->stack, error))
    return FALSE;
  stmt = ct_db_query (self->db, error,
                      "SELECT level, idx, length(hashes) FROM audit_tiles ORDER BY level, idx", "");
  if (!stmt)
    return FALSE;
  while (ct_stmt_next (stmt)) {
    guint level = (guint) CLAMP (ct_stmt_int (stmt, 0), 0, G_MAXINT);
    guint64 index = (guint64) MAX (ct_stmt_int (stmt, 1), 0);

    if (ct_stmt_int (stmt, 2) !=
        (gint64) ct_merkle_tile_width (self->report.n_signed, level, index) * CT_HASH_SIZE)
      return ct_fail (error, CT_ERROR_CORRUPT,
                      "Tile %u/%" G_GUINT64_FORMAT " is not one of a log of %" G_GUINT64_FORMAT
                      " leaves: a checkpoint was removed, or the tile replaced",
                      level, index, self->report.n_signed);
  }
  return ct_stmt_finish (stmt, error);
}

/* Where a server's answer was found in its log it must stand. */
static gboolean
check_proved (CtLogAudit *self, GError **error)
{
  gint64 seq = 0;

  if (!ct_db_read_int (
          self->db, &seq, error,
          "SELECT coalesce(min(o.seq), 0) FROM sync_outcomes o, workspace w WHERE w.key = 'log_began_after'"
          " AND o.seq > CAST(w.value AS INTEGER) AND o.place IS NOT NULL AND NOT EXISTS"
          " (SELECT 1 FROM audit_logs l WHERE l.n = o.place AND l.ev_id = o.leaf) AND NOT EXISTS"
          " (SELECT 1 FROM audit_hidden h WHERE h.n = o.place)",
          ""))
    return FALSE;
  return seq == 0 ||
         ct_fail (error, CT_ERROR_CORRUPT, "The log does not have the leaf that settled command %" LEAF, seq);
}

static gboolean
compare_state (CtLogAudit *self, GError **error)
{
  CtLogStateCount count;

  if (!ct_log_state_compare (self->state, self->db, self->options->cancellable, &count, error))
    return FALSE;
  self->report.n_rows = count.compared;
  self->report.n_gone = count.gone;
  self->report.n_pending = count.pending;
  return TRUE;
}

static gboolean
run (CtLogAudit *self, GError **error)
{
  if (self->options->flags & CT_LOG_VERIFY_STATE) {
    self->state = ct_log_state_new (self->db, error);
    if (!self->state)
      return FALSE;
  }
  if (!load_head (self, error) || !load_remembered (self, error) || !load_device (self, error) ||
      !load_redactions (self, error) || !open_cursors (self, error))
    return FALSE;
  if (!check_leaves (self, error) || !check_length (self, error) || !check_tiles (self, error) ||
      !ct_log_audit_rest (self, error))
    return FALSE;
  return check_proved (self, error) && (!self->state || compare_state (self, error));
}

/**
 * ct_log_verify:
 * @db: a connection; a read transaction is opened where there is none
 * @options: what to trust and how much to look at
 * @report: (out): set only on success; clear it with ct_log_report_clear()
 *
 * Verifies the whole log of a replica: that no leaf was edited, deleted, added, moved or cut off, that every checkpoint
 * is signed and holds, that columns, disclosures, intents and row commitments say what their leaves say; with
 * %CT_LOG_VERIFY_STATE also that no business row was touched behind the program's back. The tail that no checkpoint
 * covers yet is held against itself alone.
 *
 * Returns: %FALSE with %CT_ERROR_CORRUPT and what is wrong with which leaf, row, intent or checkpoint
 */
gboolean
ct_log_verify (CtDb *db, const CtLogVerifyOptions *options, CtLogReport *report, GError **error)
{
  g_auto (CtLogAudit) audit = { .db = db, .options = options };
  gboolean own = !ct_db_in_transaction (db), good;
  g_autoptr (GError) problem = NULL, wrong_hash = NULL;

  if (own && !ct_db_begin_read (db, error))
    return FALSE;
  audit.stack = (CtTileStack){ .sink = compare_upper, .data = db };
  audit.hashes = ct_hash_queue_new (ct_log_audit_explain);
  good = run (&audit, &problem);
  /* a hash that is wrong was given to the queue before whatever ended the run */
  if (!ct_hash_queue_finish (audit.hashes, &wrong_hash)) {
    g_clear_error (&problem);
    problem = g_steal_pointer (&wrong_hash);
    good = FALSE;
  }
  if (good) {
    *report = audit.report;
    audit.report = (CtLogReport){ 0 };
  }
  audit_clear (&audit);
  audit = (CtLogAudit){ 0 };
  if (own)
    ct_db_rollback (db);
  if (!good)
    g_propagate_error (error, g_steal_pointer (&problem));
  return good;
}
