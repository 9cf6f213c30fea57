/* Reads the whole log once, in the order of its leaves; what belongs to a leaf in other tables runs along in cursors of
 * its own, so memory does not grow with the log. */
#include "ct-log-verify.h"
#include "ct-checkpoint.h"
#include "ct-intent.h"
#include "ct-log-sign.h"
#include "ct-log-state.h"
#include "ct-tile-stack.h"

#include <string.h>

#define LEAF G_GINT64_FORMAT

/* A table read in the order of its first column, beside the leaves. */
typedef struct {
  CtStmt *stmt; /* (owned) (nullable) */
  gboolean there;
  gint64 key; /* of the row it stands at, while there is one */
} Cursor;

typedef struct {
  CtDb *db;
  const CtLogVerifyOptions *options;
  CtVerifier *verifier;   /* (owned) */
  CtLogReport report;     /* (owned) */
  CtCheckpoint *recalled; /* (owned) (array): checkpoints kept outside */
  guint n_recalled;
  GHashTable *redacted;       /* (owned) (element-type GBytes): UUID of the event and name of the field */
  CtLogState *state;          /* (owned) (nullable) */
  CtId device;                /* whose intents are here */
  CtHash intent;              /* the hash of the intent last read */
  gint64 intent_seq;          /* its number */
  CtMerkleRange full;         /* of the leaves in full tiles */
  CtMerkleRange part;         /* of those in the unfinished tile */
  CtTileStack stack;          /* what the level 0 tiles demand of those above */
  CtHash tile[CT_TILE_WIDTH]; /* the level 0 tile as it is stored */
  Cursor checkpoints, disclosures, rows, intents;
} Audit;

void
ct_log_report_clear (CtLogReport *self)
{
  g_clear_pointer (&self->origin, g_free);
  g_clear_pointer (&self->vkey, g_free);
}

static void
audit_clear (Audit *self)
{
  g_clear_pointer (&self->verifier, ct_verifier_free);
  ct_log_report_clear (&self->report);
  for (guint i = 0; i < self->n_recalled; i++)
    ct_checkpoint_clear (&self->recalled[i]);
  g_free (self->recalled);
  g_clear_pointer (&self->redacted, g_hash_table_unref);
  g_clear_pointer (&self->state, ct_log_state_free);
  ct_tile_stack_clear (&self->stack);
  g_clear_pointer (&self->checkpoints.stmt, ct_stmt_free);
  g_clear_pointer (&self->disclosures.stmt, ct_stmt_free);
  g_clear_pointer (&self->rows.stmt, ct_stmt_free);
  g_clear_pointer (&self->intents.stmt, ct_stmt_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Audit, audit_clear)

static gboolean
cursor_next (Cursor *self, GError **error)
{
  self->there = ct_stmt_next (self->stmt);
  self->key = self->there ? ct_stmt_int (self->stmt, 0) : G_MAXINT64;
  return self->there || ct_stmt_finish (self->stmt, error);
}

static gboolean
cursor_open (Cursor *self, CtDb *db, const char *sql, GError **error)
{
  self->stmt = ct_db_query (db, error, sql, "");
  return self->stmt && cursor_next (self, error);
}

/* The root of all leaves read so far. */
static CtHash
current_root (const Audit *self)
{
  CtMerkleRange whole = self->full;

  memcpy (whole.peaks + whole.n_peaks, self->part.peaks, self->part.n_peaks * sizeof *whole.peaks);
  whole.n_peaks += self->part.n_peaks;
  return ct_merkle_range_root (&whole);
}

static GBytes *
redaction_key (const CtId *ev_id, const char *field, gsize length)
{
  g_autoptr (GByteArray) key = g_byte_array_new ();

  g_byte_array_append (key, ev_id->bytes, sizeof ev_id->bytes);
  g_byte_array_append (key, (const guint8 *) field, (guint) length);
  return g_byte_array_free_to_bytes (g_steal_pointer (&key));
}

static gboolean
is_redacted (Audit *self, const CtId *ev_id, const char *field, gsize length)
{
  g_autoptr (GBytes) key = redaction_key (ev_id, field, length);

  return g_hash_table_contains (self->redacted, key);
}

/* Redactions come after what they redact, so they are read first; their leaves are checked like all others. */
static gboolean
load_redactions (Audit *self, GError **error)
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
      g_hash_table_add (self->redacted, redaction_key (&leaf.parent_ev_id, field, field_length));
  }
  return ct_stmt_finish (stmt, error);
}

static gboolean
load_remembered (Audit *self, GError **error)
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
load_device (Audit *self, GError **error)
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
fail_truncated (Audit *self, guint64 size, const char *what, GError **error)
{
  return ct_fail (error, CT_ERROR_CORRUPT,
                  "The log was truncated: %s signs %" G_GUINT64_FORMAT
                  " leaves, there are %" G_GUINT64_FORMAT,
                  what, size, self->report.n_leaves);
}

static gboolean
load_head (Audit *self, GError **error)
{
  self->report.origin =
      ct_db_read_text (self->db, error, "SELECT value FROM workspace WHERE key = 'log_origin'", "");
  if (!self->report.origin) {
    g_prefix_error (error, "The workspace has no audit log: ");
    return FALSE;
  }
  if (self->options->vkey)
    self->report.vkey = g_strdup (self->options->vkey);
  else
    self->report.vkey =
        ct_db_read_text (self->db, error, "SELECT value FROM workspace WHERE key = 'log_vkey'", "");
  self->verifier = self->report.vkey ? ct_verifier_parse (self->report.vkey, error) : NULL;
  if (!self->verifier || !ct_log_size (self->db, &self->report.n_leaves, &self->report.n_signed, error))
    return FALSE;
  return self->report.n_signed <= self->report.n_leaves ||
         fail_truncated (self, self->report.n_signed, "a checkpoint", error);
}

static gboolean
open_cursors (Audit *self, GError **error)
{
  return cursor_open (&self->checkpoints, self->db,
                      "SELECT size, root, note FROM audit_checkpoints ORDER BY size", error) &&
         cursor_open (&self->disclosures, self->db,
                      "SELECT n, field, salt, value FROM audit_disclosures ORDER BY n, field", error) &&
         cursor_open (&self->rows, self->db, "SELECT n, salt, entries FROM audit_rows ORDER BY n", error) &&
         cursor_open (&self->intents, self->db,
                      "SELECT seq, command_id, name, args, args_sha256, actor, device_id, occurred_at, "
                      "previous_sha256, sha256 FROM intents ORDER BY seq",
                      error);
}

/* What was kept outside the replica must be a part of this log. */
static gboolean
check_remembered (Audit *self, guint64 size, const CtHash *root, GError **error)
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
check_checkpoint (Audit *self, guint64 size, const CtHash *root, GError **error)
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
  return cursor_next (&self->checkpoints, error);
}

/* Checkpoints that were made, here or outside, when the log had exactly the leaves read so far. */
static gboolean
check_heads (Audit *self, guint64 size, GError **error)
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
load_tile (Audit *self, guint64 n, GError **error)
{
  guint64 index = n / CT_TILE_WIDTH;
  guint width = ct_merkle_tile_width (self->report.n_signed, 0, index);

  return width == 0 || ct_log_read_tile (0, index, width, self->tile, self->db, error);
}

static gboolean
fail_place (Audit *self, guint64 n, const CtHash *hash, GError **error)
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
grow_tree (Audit *self, guint64 n, const CtHash *hash, GError **error)
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

/* A text column without the NUL behind which something could hide from C; else NULL. */
static const char *
plain_text (CtStmt *stmt, int column)
{
  gsize length;
  const char *text = ct_stmt_blob (stmt, column, &length);

  if (!text)
    return length == 0 && !ct_stmt_is_null (stmt, column) ? "" : NULL;
  return memchr (text, 0, length) ? NULL : ct_stmt_text (stmt, column);
}

static gboolean
column_is (CtStmt *stmt, int column, const CtLeafText *expected)
{
  gsize length;
  const char *text = ct_stmt_blob (stmt, column, &length);

  return ct_leaf_text_equal (expected, text ? text : "", length);
}

static gboolean
column_is_id (CtStmt *stmt, int column, const CtId *expected)
{
  CtId id;

  return ct_stmt_id (stmt, column, &id) && ct_id_equal (&id, expected);
}

enum { N, LEAF_BYTES, LEAF_HASH, EV_ID, ACTION, ACTOR, OBJECT_TYPE, OBJECT_ID, RECEIVED_AT };

static const char select_leaves[] = "SELECT n, leaf, leaf_sha256, ev_id, action, actor, object_type, "
                                    "object_id, received_at FROM audit_logs ORDER BY n";

/* The columns beside the leaf repeat its fields, for queries: they must not say anything else. */
static gboolean
check_columns (Audit *self, CtStmt *stmt, gint64 n, const CtLeaf *leaf, GError **error)
{
  const char *wrong = NULL;

  if (!column_is_id (stmt, EV_ID, &leaf->ev_id))
    wrong = "ev_id";
  else if (!column_is (stmt, ACTION, &leaf->action))
    wrong = "action";
  else if (!column_is (stmt, ACTOR, &leaf->actor))
    wrong = "actor";
  else if (!column_is (stmt, OBJECT_TYPE, &leaf->object_type))
    wrong = "object_type";
  else if (!column_is_id (stmt, OBJECT_ID, &leaf->object_id))
    wrong = "object_id";
  else if (ct_stmt_int (stmt, RECEIVED_AT) != leaf->received_at)
    wrong = "received_at";
  else if (!ct_leaf_text_equal (&leaf->log_origin, self->report.origin, strlen (self->report.origin)))
    return ct_fail (error, CT_ERROR_CORRUPT, "Leaf %" LEAF " belongs to another log", n);
  return !wrong ||
         ct_fail (error, CT_ERROR_CORRUPT,
                  "Leaf %" LEAF ": the column %s was edited, it is not what the leaf says", n, wrong);
}

static gboolean
check_disclosure (Audit *self, gint64 n, const CtLeaf *leaf, const CtCommitment *commitment, GError **error)
{
  CtStmt *stmt = self->disclosures.stmt;
  gsize length;
  const char *value;
  gconstpointer salt;
  CtHash hash;

  if (self->disclosures.key != n || !column_is (stmt, 1, &commitment->field)) {
    self->report.n_redacted++;
    return is_redacted (self, &leaf->ev_id, commitment->field.text, commitment->field.length) ||
           ct_fail (error, CT_ERROR_CORRUPT,
                    "Leaf %" LEAF ": the disclosure “%.*s” is missing, and no leaf says that it was redacted",
                    n, (int) commitment->field.length, commitment->field.text);
  }
  salt = ct_stmt_blob (stmt, 2, &length);
  value = plain_text (stmt, 3);
  if (value)
    hash = ct_log_disclosure_hash (ct_stmt_text (stmt, 1), salt, length, value);
  if (!value || !ct_hash_equal (&hash, &commitment->hash))
    return ct_fail (error, CT_ERROR_CORRUPT, "Leaf %" LEAF ": the disclosure “%.*s” was edited", n,
                    (int) commitment->field.length, commitment->field.text);
  self->report.n_disclosures++;
  return cursor_next (&self->disclosures, error);
}

static gboolean
check_disclosures (Audit *self, gint64 n, const CtLeaf *leaf, GError **error)
{
  for (guint i = 0; i < leaf->n_commitments; i++)
    if (!check_disclosure (self, n, leaf, &leaf->commitments[i], error))
      return FALSE;
  return self->disclosures.key > n ||
         ct_fail (error, CT_ERROR_CORRUPT,
                  "Leaf %" LEAF " does not commit to its disclosure “%s”: it was added later", n,
                  ct_stmt_text (self->disclosures.stmt, 1));
}

static gboolean
check_rows (Audit *self, gint64 n, const CtLeaf *leaf, GError **error)
{
  CtStmt *stmt = self->rows.stmt;
  const guint8 *salt, *entries;
  gsize length, salt_length;
  CtHash hash;

  if (!(leaf->parts & CT_LEAF_ROWS))
    return self->rows.key > n ||
           ct_fail (error, CT_ERROR_CORRUPT, "Leaf %" LEAF " has row commitments that it does not name", n);
  if (self->rows.key != n)
    return ct_fail (error, CT_ERROR_CORRUPT, "Leaf %" LEAF ": its row commitments are missing", n);
  salt = ct_stmt_blob (stmt, 1, &salt_length);
  entries = ct_stmt_blob (stmt, 2, &length);
  hash = ct_row_entries_hash (entries, length);
  if (!ct_hash_equal (&hash, &leaf->row_commitment) || salt_length != CT_ROW_SALT_SIZE)
    return ct_fail (error, CT_ERROR_CORRUPT, "Leaf %" LEAF ": its row commitments were edited", n);
  if (self->state && !ct_log_state_add (self->state, n, salt, entries, length, error))
    return FALSE;
  return cursor_next (&self->rows, error);
}

/* The intent at the cursor must continue the chain and be what its hash says; moves the cursor. */
static gboolean
take_intent (Audit *self, gboolean *has_args, GError **error)
{
  CtStmt *stmt = self->intents.stmt;
  CtIntent intent = { .seq = self->intents.key,
                      .name = plain_text (stmt, 2),
                      .args = plain_text (stmt, 3),
                      .actor = plain_text (stmt, 5),
                      .occurred_at = ct_stmt_int (stmt, 7) };
  CtHash hash;

  if (intent.seq != self->intent_seq + 1)
    return ct_fail (error, CT_ERROR_CORRUPT, "Intent %" LEAF " is missing: it was deleted",
                    self->intent_seq + 1);
  if (!intent.name || !intent.actor || (!intent.args && !ct_stmt_is_null (stmt, 3)) ||
      !ct_stmt_id (stmt, 1, &intent.command_id) || !ct_stmt_hash (stmt, 4, &intent.args_sha256) ||
      !ct_stmt_id (stmt, 6, &intent.device_id) || !ct_stmt_hash (stmt, 8, &intent.previous) ||
      !ct_stmt_hash (stmt, 9, &intent.sha256))
    return ct_fail (error, CT_ERROR_CORRUPT, "Intent %" LEAF " is malformed", intent.seq);
  if (!ct_hash_equal (&intent.previous, &self->intent))
    return ct_fail (error, CT_ERROR_CORRUPT, "Intent %" LEAF " does not continue the one before it",
                    intent.seq);
  hash = ct_intent_hash (&intent);
  if (!ct_hash_equal (&hash, &intent.sha256))
    return ct_fail (error, CT_ERROR_CORRUPT, "Intent %" LEAF " (%s) was edited", intent.seq, intent.name);
  if (intent.args) {
    hash = ct_intent_args_hash (&intent.command_id, intent.args);
    if (!ct_hash_equal (&hash, &intent.args_sha256))
      return ct_fail (error, CT_ERROR_CORRUPT, "Intent %" LEAF " (%s): its arguments were edited", intent.seq,
                      intent.name);
  }
  *has_args = intent.args != NULL;
  self->intent = intent.sha256;
  self->intent_seq = intent.seq;
  self->report.n_intents++;
  return cursor_next (&self->intents, error);
}

static gboolean
fail_unanswered (Audit *self, GError **error)
{
  return ct_fail (error, CT_ERROR_CORRUPT,
                  "Intent %" LEAF " has no leaf: what it did was taken out of the log", self->intent_seq);
}

/* A leaf of this device names an intent that is not the next in line: an earlier one again, or one beyond a gap. */
static gboolean
check_former_intent (Audit *self, gint64 n, const CtLeaf *leaf, GError **error)
{
  g_autoptr (CtStmt) stmt =
      ct_db_query (self->db, error, "SELECT sha256 FROM intents WHERE seq = ?", "i", leaf->device_seq);
  CtHash hash;

  if (!stmt)
    return FALSE;
  if (ct_stmt_next (stmt) && ct_stmt_hash (stmt, 0, &hash) && ct_hash_equal (&hash, &leaf->intent_sha256))
    return TRUE;
  return ct_stmt_finish (stmt, error) &&
         ct_fail (error, CT_ERROR_CORRUPT,
                  "Leaf %" LEAF ": intent %" LEAF ", which it names, is missing or another", n,
                  leaf->device_seq);
}

static gboolean
check_intent (Audit *self, gint64 n, const CtLeaf *leaf, GError **error)
{
  static const CtHash none;
  gboolean all = self->options->flags & CT_LOG_VERIFY_ALL_INTENTS, has_args = TRUE;

  if (!ct_id_equal (&leaf->device_id, &self->device) || ct_hash_equal (&leaf->intent_sha256, &none))
    return TRUE;
  while (self->intents.key < leaf->device_seq) {
    if (!take_intent (self, &has_args, error))
      return FALSE;
    if (all)
      return fail_unanswered (self, error);
  }
  if (self->intents.key != leaf->device_seq)
    return check_former_intent (self, n, leaf, error);
  if (!take_intent (self, &has_args, error))
    return FALSE;
  if (!ct_hash_equal (&self->intent, &leaf->intent_sha256))
    return ct_fail (error, CT_ERROR_CORRUPT, "Leaf %" LEAF " names another intent than number %" LEAF, n,
                    leaf->device_seq);
  if (has_args)
    return TRUE;
  self->report.n_redacted++;
  return is_redacted (self, &leaf->ev_id, CT_LOG_INTENT_ARGS, strlen (CT_LOG_INTENT_ARGS)) ||
         ct_fail (error, CT_ERROR_CORRUPT,
                  "Intent %" LEAF ": its arguments are missing, and no leaf says that they were redacted",
                  leaf->device_seq);
}

static gboolean
check_leaf (Audit *self, CtStmt *stmt, gint64 n, GError **error)
{
  gsize length;
  const char *json = ct_stmt_blob (stmt, LEAF_BYTES, &length);
  CtHash hash = ct_merkle_leaf (json, length), stored;
  g_autoptr (GError) cause = NULL;
  CtLeaf leaf;

  if (ct_stmt_int (stmt, N) != n)
    return ct_fail (error, CT_ERROR_CORRUPT, "Leaf %" LEAF " is missing: it was deleted", n);
  if (!ct_stmt_hash (stmt, LEAF_HASH, &stored) || !ct_hash_equal (&stored, &hash))
    return ct_fail (error, CT_ERROR_CORRUPT,
                    "Leaf %" LEAF " was edited: it does not have the hash it was written with", n);
  if (!grow_tree (self, (guint64) n, &hash, error))
    return FALSE;
  if (!ct_leaf_scan (&leaf, json, length, &cause))
    return ct_fail (error, CT_ERROR_CORRUPT, "Leaf %" LEAF ": %s", n, cause->message);
  return check_columns (self, stmt, n, &leaf, error) && check_disclosures (self, n, &leaf, error) &&
         check_rows (self, n, &leaf, error) && check_intent (self, n, &leaf, error) &&
         check_heads (self, (guint64) n + 1, error);
}

static gboolean
check_leaves (Audit *self, GError **error)
{
  g_autoptr (CtStmt) stmt = ct_db_query (self->db, error, select_leaves, "");
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
check_length (Audit *self, GError **error)
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
check_tiles (Audit *self, GError **error)
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

/* Nothing may be left over beside the leaves. */
static gboolean
check_rest (Audit *self, GError **error)
{
  gboolean has_args;

  if (self->disclosures.there || self->rows.there)
    return ct_fail (error, CT_ERROR_CORRUPT, "There are %s of leaf %" LEAF ", which does not exist",
                    self->disclosures.there ? "disclosures" : "row commitments",
                    self->disclosures.there ? self->disclosures.key : self->rows.key);
  while (self->intents.there) {
    if (!take_intent (self, &has_args, error))
      return FALSE;
    if (self->options->flags & CT_LOG_VERIFY_ALL_INTENTS)
      return fail_unanswered (self, error);
  }
  return TRUE;
}

static gboolean
run (Audit *self, GError **error)
{
  if (!load_head (self, error) || !load_remembered (self, error) || !load_device (self, error) ||
      !load_redactions (self, error) || !open_cursors (self, error))
    return FALSE;
  if (!check_leaves (self, error) || !check_length (self, error) || !check_tiles (self, error) ||
      !check_rest (self, error))
    return FALSE;
  return !self->state || ct_log_state_compare (self->state, self->db, self->options->cancellable,
                                               &self->report.n_rows, error);
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
  g_auto (Audit) audit = { .db = db, .options = options };
  gboolean own = !ct_db_in_transaction (db), good;
  g_autoptr (GError) problem = NULL;

  if (own && !ct_db_begin_read (db, error))
    return FALSE;
  audit.stack = (CtTileStack){ .sink = compare_upper, .data = db };
  if (options->flags & CT_LOG_VERIFY_STATE)
    audit.state = ct_log_state_new ();
  good = run (&audit, &problem);
  if (good) {
    *report = audit.report;
    audit.report = (CtLogReport){ 0 };
  }
  audit_clear (&audit);
  audit = (Audit){ 0 };
  if (own)
    ct_db_rollback (db);
  if (!good)
    g_propagate_error (error, g_steal_pointer (&problem));
  return good;
}
