/* What stands beside one leaf in other tables, held against the leaf. */
#include "ct-intent.h"
#include "ct-log-verify-private.h"

#include <string.h>

gboolean
ct_log_cursor_next (CtLogCursor *self, GError **error)
{
  self->there = ct_stmt_next (self->stmt);
  self->key = self->there ? ct_stmt_int (self->stmt, 0) : G_MAXINT64;
  return self->there || ct_stmt_finish (self->stmt, error);
}

gboolean
ct_log_cursor_open (CtLogCursor *self, CtDb *db, const char *sql, GError **error)
{
  self->stmt = ct_db_query (db, error, sql, "");
  return self->stmt && ct_log_cursor_next (self, error);
}

GBytes *
ct_log_redaction_key (const CtId *ev_id, const char *field, gsize length)
{
  g_autoptr (GByteArray) key = g_byte_array_new ();

  g_byte_array_append (key, ev_id->bytes, sizeof ev_id->bytes);
  g_byte_array_append (key, (const guint8 *) field, (guint) length);
  return g_byte_array_free_to_bytes (g_steal_pointer (&key));
}

static gboolean
is_redacted (CtLogAudit *self, const CtId *ev_id, const char *field, gsize length)
{
  g_autoptr (GBytes) key = ct_log_redaction_key (ev_id, field, length);

  return g_hash_table_contains (self->redacted, key);
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

/* The columns beside the leaf repeat its fields, for queries: they must not say anything else. */
static gboolean
check_columns (CtLogAudit *self, CtStmt *stmt, gint64 n, const CtLeaf *leaf, GError **error)
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
  else if (!ct_log_origins_have (self->origins, &leaf->log_origin))
    return ct_fail (error, CT_ERROR_CORRUPT, "Leaf %" LEAF " belongs to another log", n);
  return !wrong ||
         ct_fail (error, CT_ERROR_CORRUPT,
                  "Leaf %" LEAF ": the column %s was edited, it is not what the leaf says", n, wrong);
}

static gboolean
check_disclosure (CtLogAudit *self, gint64 n, const CtLeaf *leaf, const CtCommitment *commitment,
                  GError **error)
{
  CtStmt *stmt = self->disclosures.stmt;
  gsize length;
  const char *value;
  gconstpointer salt;

  if (self->disclosures.key != n || !column_is (stmt, 1, &commitment->field)) {
    self->report.n_redacted++;
    return is_redacted (self, &leaf->ev_id, commitment->field.text, commitment->field.length) ||
           ct_fail (error, CT_ERROR_CORRUPT,
                    "Leaf %" LEAF ": the disclosure “%.*s” is missing, and no leaf says that it was redacted",
                    n, (int) commitment->field.length, commitment->field.text);
  }
  salt = ct_stmt_blob (stmt, 2, &length);
  value = plain_text (stmt, 3);
  if (!value)
    return ct_fail (error, CT_ERROR_CORRUPT, "Leaf %" LEAF ": the disclosure “%.*s” was edited", n,
                    (int) commitment->field.length, commitment->field.text);
  ct_log_disclosure_preimage (ct_hash_queue_begin (self->hashes), ct_stmt_text (stmt, 1), salt, length,
                              value);
  if (!ct_hash_queue_end (self->hashes, CT_LOG_HASH_DISCLOSURE, n, &commitment->hash))
    return FALSE;
  self->report.n_disclosures++;
  return ct_log_cursor_next (&self->disclosures, error);
}

/* Steps over the note that what leaf @n discloses is kept from us. */
static gboolean
take_withheld (CtLogAudit *self, gint64 n, gboolean *withheld, GError **error)
{
  *withheld = self->withheld.key == n;
  if (!*withheld)
    return TRUE;
  self->report.n_withheld++;
  return ct_log_cursor_next (&self->withheld, error);
}

static gboolean
check_disclosures (CtLogAudit *self, gint64 n, const CtLeaf *leaf, GError **error)
{
  gboolean withheld;

  if (!take_withheld (self, n, &withheld, error))
    return FALSE;
  if (withheld && self->disclosures.key > n)
    return TRUE;
  for (guint i = 0; i < leaf->n_commitments; i++)
    if (!check_disclosure (self, n, leaf, &leaf->commitments[i], error))
      return FALSE;
  return self->disclosures.key > n ||
         ct_fail (error, CT_ERROR_CORRUPT,
                  "Leaf %" LEAF " does not commit to its disclosure “%s”: it was added later", n,
                  ct_stmt_text (self->disclosures.stmt, 1));
}

static gboolean
check_rows (CtLogAudit *self, gint64 n, const CtLeaf *leaf, GError **error)
{
  CtStmt *stmt = self->rows.stmt;
  const guint8 *salt, *entries;
  gsize length, salt_length;

  if (!(leaf->parts & CT_LEAF_ROWS))
    return self->rows.key > n ||
           ct_fail (error, CT_ERROR_CORRUPT, "Leaf %" LEAF " has row commitments that it does not name", n);
  if (self->rows.key != n)
    return ct_fail (error, CT_ERROR_CORRUPT, "Leaf %" LEAF ": its row commitments are missing", n);
  salt = ct_stmt_blob (stmt, 1, &salt_length);
  entries = ct_stmt_blob (stmt, 2, &length);
  ct_row_entries_preimage (ct_hash_queue_begin (self->hashes), entries, length);
  if (!ct_hash_queue_end (self->hashes, CT_LOG_HASH_ROWS, n, &leaf->row_commitment))
    return FALSE;
  if (!ct_row_entries_fit (entries, length, salt_length))
    return ct_fail (error, CT_ERROR_CORRUPT, "Leaf %" LEAF ": its row commitments were edited", n);
  if (self->state && !ct_log_state_add (self->state, n, salt_length ? salt : NULL, entries, length, error))
    return FALSE;
  return ct_log_cursor_next (&self->rows, error);
}

static gboolean
queue_intent (CtLogAudit *self, const CtIntent *intent)
{
  g_autofree char *text = ct_intent_text (intent);

  g_byte_array_append (ct_hash_queue_begin (self->hashes), (const guint8 *) text, (guint) strlen (text));
  if (!ct_hash_queue_end (self->hashes, CT_LOG_HASH_INTENT, intent->seq, &intent->sha256))
    return FALSE;
  if (!intent->args)
    return TRUE;
  ct_intent_args_preimage (ct_hash_queue_begin (self->hashes), &intent->command_id, intent->args);
  return ct_hash_queue_end (self->hashes, CT_LOG_HASH_ARGS, intent->seq, &intent->args_sha256);
}

/* The intent at the cursor must continue the chain and be what its hash says; moves the cursor. */
static gboolean
take_intent (CtLogAudit *self, gboolean *has_args, GError **error)
{
  CtStmt *stmt = self->intents.stmt;
  CtIntent intent = { .seq = self->intents.key,
                      .name = plain_text (stmt, 2),
                      .args = plain_text (stmt, 3),
                      .actor = plain_text (stmt, 5),
                      .occurred_at = ct_stmt_int (stmt, 7) };

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
  if (!queue_intent (self, &intent))
    return FALSE;
  *has_args = intent.args != NULL;
  self->intent = intent.sha256;
  self->intent_seq = intent.seq;
  self->report.n_intents++;
  return ct_log_cursor_next (&self->intents, error);
}

/* What a server settled, waits for it or for a person has its leaf there, or none yet, and what came before this log
 * in another; the rest must have one here. */
static gboolean
check_answered (CtLogAudit *self, GError **error)
{
  gint64 elsewhere = 0;

  if (!ct_db_read_int (
          self->db, &elsewhere, error,
          "SELECT EXISTS (SELECT 1 FROM sync_outcomes WHERE seq = ?1)"
          " OR EXISTS (SELECT 1 FROM attention WHERE seq = ?1)"
          " OR EXISTS (SELECT 1 FROM workspace WHERE key = 'log_began_after' AND ?1 <= CAST(value AS "
          "INTEGER))"
          " OR (EXISTS (SELECT 1 FROM workspace WHERE key = 'server')"
          " AND ?1 > (SELECT acknowledged FROM sync_state))",
          "i", self->intent_seq))
    return FALSE;
  return elsewhere ||
         ct_fail (error, CT_ERROR_CORRUPT,
                  "Intent %" LEAF " has no leaf: what it did was taken out of the log", self->intent_seq);
}

/* A leaf of this device names an intent that is not the next in line: an earlier one again, or one beyond a gap. */
static gboolean
check_former_intent (CtLogAudit *self, gint64 n, const CtLeaf *leaf, GError **error)
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
check_intent (CtLogAudit *self, gint64 n, const CtLeaf *leaf, GError **error)
{
  static const CtHash none;
  gboolean all = self->options->flags & CT_LOG_VERIFY_ALL_INTENTS, has_args = TRUE;

  if (!ct_id_equal (&leaf->device_id, &self->device) || ct_hash_equal (&leaf->intent_sha256, &none))
    return TRUE;
  while (self->intents.key < leaf->device_seq) {
    if (!take_intent (self, &has_args, error))
      return FALSE;
    if (all && !check_answered (self, error))
      return FALSE;
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

/* Holds columns, disclosures, row commitments and intent of leaf @n against what it says. */
gboolean
ct_log_audit_leaf (CtLogAudit *self, CtStmt *stmt, gint64 n, const CtLeaf *leaf, GError **error)
{
  return check_columns (self, stmt, n, leaf, error) && check_disclosures (self, n, leaf, error) &&
         check_rows (self, n, leaf, error) && check_intent (self, n, leaf, error);
}

/* Of a leaf that is hidden from us there is nothing but its hash. */
gboolean
ct_log_audit_hidden (CtLogAudit *self, gint64 n, GError **error)
{
  self->report.n_hidden++;
  return (self->disclosures.key > n && self->rows.key > n && self->withheld.key > n) ||
         ct_fail (error, CT_ERROR_CORRUPT, "Leaf %" LEAF " is hidden, but something stands beside it", n);
}

/* A #CtHashExplain. */
char *
ct_log_audit_explain (guint kind, gint64 number, const guint8 *bytes, gsize length)
{
  switch ((CtLogHashKind) kind) {
  case CT_LOG_HASH_LEAF:
    return g_strdup_printf ("Leaf %" LEAF " was edited: it does not have the hash it was written with",
                            number);
  case CT_LOG_HASH_DISCLOSURE: /* the name of the field stands behind the domain */
    return g_strdup_printf ("Leaf %" LEAF ": the disclosure “%s” was edited", number,
                            (const char *) bytes + strlen ((const char *) bytes) + 1);
  case CT_LOG_HASH_ROWS:
    return g_strdup_printf ("Leaf %" LEAF ": its row commitments were edited", number);
  case CT_LOG_HASH_INTENT:
    return g_strdup_printf ("Intent %" LEAF " was edited", number);
  case CT_LOG_HASH_ARGS:
  default:
    return g_strdup_printf ("Intent %" LEAF ": its arguments were edited", number);
  }
}

/* Nothing may be left over beside the leaves. */
gboolean
ct_log_audit_rest (CtLogAudit *self, GError **error)
{
  gboolean has_args;

  if (self->withheld.there)
    return ct_fail (error, CT_ERROR_CORRUPT, "There is a note on leaf %" LEAF ", which does not exist",
                    self->withheld.key);
  if (self->disclosures.there || self->rows.there)
    return ct_fail (error, CT_ERROR_CORRUPT, "There are %s of leaf %" LEAF ", which does not exist",
                    self->disclosures.there ? "disclosures" : "row commitments",
                    self->disclosures.there ? self->disclosures.key : self->rows.key);
  while (self->intents.there) {
    if (!take_intent (self, &has_args, error))
      return FALSE;
    if ((self->options->flags & CT_LOG_VERIFY_ALL_INTENTS) && !check_answered (self, error))
      return FALSE;
  }
  return TRUE;
}
