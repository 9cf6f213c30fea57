/* The copy of somebody else's log, which is believed in nothing: each leaf is held against its hash, what stands beside it
 * against the leaf, and the hashes together against a checkpoint that the pinned key has signed. */
#include "ct-log-copy.h"
#include "ct-canonical.h"
#include "ct-log-continuation.h"

#include <string.h>

/* Leaves of bulk commands are found through their row entries. */
#define MOST_OBJECTS 64

static const char *const tables[] = { "audit_logs",    "audit_hidden",      "audit_withheld",
                                      "audit_objects", "audit_disclosures", "audit_rows",
                                      "audit_tiles",   "audit_checkpoints", NULL };

/**
 * ct_log_copy_begin:
 * @db: inside a transaction
 * @origin: of the log that is to be copied
 * @vkey: (nullable): of its key, where that is known already
 *
 * Empties the workspace of its former log, which must have been exported, and makes it one for the log @origin.
 */
gboolean
ct_log_copy_begin (CtDb *db, const char *origin, const char *vkey, GError **error)
{
  if (!ct_db_run (db, error, "DELETE FROM workspace WHERE key IN ('log_origin', 'log_former', 'log_vkey')",
                  ""))
    return FALSE;
  for (const char *const *table = tables; *table; table++) {
    g_autofree char *sql = g_strdup_printf ("DELETE FROM %s", *table);

    if (!ct_db_run (db, error, sql, ""))
      return FALSE;
  }
  return ct_db_run (db, error, "INSERT INTO workspace VALUES('log_origin', ?)", "s", origin) &&
         (!vkey || ct_db_run (db, error, "INSERT INTO workspace VALUES('log_vkey', ?)", "s", vkey));
}

static gboolean
check_texts (const CtShownLeaf *shown, const CtLeaf *leaf, GError **error)
{
  for (guint i = 0; i < shown->n_texts; i++) {
    const CtSaltedText *text = &shown->texts[i];
    const CtCommitment *commitment = ct_leaf_commitment (leaf, text->field);
    CtHash hash = ct_log_disclosure_hash (text->field, text->salt, text->salt_length, text->value);

    if (!commitment || !ct_hash_equal (&commitment->hash, &hash))
      return ct_fail (error, CT_ERROR_CORRUPT,
                      _ ("Leaf %d of the server's log does not commit to this “%s”: it was forged"),
                      (int) shown->n, text->field);
  }
  return TRUE;
}

static gboolean
check_rows (const CtShownLeaf *shown, const CtLeaf *leaf, GError **error)
{
  CtHash hash = ct_row_entries_hash (shown->entries, shown->entries_length);

  if (!(leaf->parts & CT_LEAF_ROWS))
    return shown->entries_length == 0 ||
           ct_fail (error, CT_ERROR_CORRUPT,
                    _ ("Leaf %d of the server's log has row commitments that it does not name"),
                    (int) shown->n);
  return (ct_row_entries_fit (shown->entries, shown->entries_length, shown->salt_length) &&
          ct_hash_equal (&leaf->row_commitment, &hash)) ||
         ct_fail (error, CT_ERROR_CORRUPT, _ ("Leaf %d of the server's log: its row commitments were edited"),
                  (int) shown->n);
}

static gboolean
check_shown (CtDb *db, const CtShownLeaf *shown, CtLeaf *leaf, GError **error)
{
  g_autofree char *origins = ct_log_origins (db, error);
  CtHash hash = ct_merkle_leaf (shown->leaf, strlen (shown->leaf));
  g_autoptr (GError) cause = NULL;

  if (!origins)
    return FALSE;
  if (!ct_hash_equal (&hash, &shown->hash))
    return ct_fail (error, CT_ERROR_CORRUPT,
                    _ ("Leaf %d of the server's log was edited: its text does not have its hash"),
                    (int) shown->n);
  if (!ct_leaf_scan (leaf, shown->leaf, strlen (shown->leaf), &cause))
    return ct_fail (error, CT_ERROR_CORRUPT, _ ("Leaf %d of the server's log: %s"), (int) shown->n,
                    cause->message);
  if (!ct_log_origins_have (origins, &leaf->log_origin))
    return ct_fail (error, CT_ERROR_CORRUPT, _ ("Leaf %d of the server's log belongs to another log"),
                    (int) shown->n);
  return check_texts (shown, leaf, error) && check_rows (shown, leaf, error);
}

/* A leaf that we have must still be the one it was. */
static gboolean
check_known (CtDb *db, const CtShownLeaf *shown, gboolean *known, gboolean *visible, GError **error)
{
  g_autoptr (CtStmt) stmt = ct_db_query (
      db, error, "SELECT leaf_sha256, leaf IS NOT NULL FROM audit_leaves WHERE n = ?", "i", shown->n);
  CtHash hash;

  if (!stmt)
    return FALSE;
  *known = ct_stmt_next (stmt);
  if (!*known)
    return ct_stmt_finish (stmt, error);
  *visible = ct_stmt_int (stmt, 1) != 0;
  return (ct_stmt_hash (stmt, 0, &hash) && ct_hash_equal (&hash, &shown->hash)) ||
         ct_fail (
             error, CT_ERROR_CORRUPT,
             _ ("Leaf %d of the server's log is not the one that stood in this place: the log was rewritten"),
             (int) shown->n);
}

/* The leaf does not name the salt of its rows. */
static gboolean
check_salt (CtDb *db, const CtShownLeaf *shown, GError **error)
{
  gint64 same = 1;

  return (shown->salt_length == 0 ||
          ct_db_read_int (db, &same, error,
                          "SELECT NOT EXISTS (SELECT 1 FROM audit_rows WHERE n = ? AND salt <> ?)", "ib",
                          shown->n, shown->salt, shown->salt_length)) &&
         (same ||
          ct_fail (error, CT_ERROR_CORRUPT,
                   _ ("Leaf %d of the server's log: its row commitments were edited"), (int) shown->n));
}

/* Nothing that we may see is gone without a leaf that says so; what is kept from us now was once told. */
static gboolean
check_kept (CtDb *db, const CtShownLeaf *shown, GError **error)
{
  g_autoptr (CtStmt) stmt = ct_db_query (
      db, error, "SELECT field FROM audit_disclosures WHERE n = ? ORDER BY field", "i", shown->n);

  if (!stmt)
    return FALSE;
  while (shown->told && ct_stmt_next (stmt)) {
    gboolean there = FALSE;

    for (guint i = 0; i < shown->n_texts; i++)
      there |= g_str_equal (shown->texts[i].field, ct_stmt_text (stmt, 0));
    if (!there)
      return ct_fail (error, CT_ERROR_CORRUPT,
                      _ ("Leaf %d of the server's log: the disclosure “%s” was deleted"), (int) shown->n,
                      ct_stmt_text (stmt, 0));
  }
  return ct_stmt_finish (stmt, error);
}

/* What a leaf commits to beside its own object, so that its story is found from there as well. */
static gboolean
store_objects (CtDb *db, const CtShownLeaf *shown, const CtLeaf *leaf, GError **error)
{
  const guint8 *cursor = shown->entries, *end = cursor + shown->entries_length;
  CtRowEntry entry = { 0 };

  for (guint i = 0; cursor < end && i < MOST_OBJECTS && ct_row_entry_next (&cursor, end, &entry); i++)
    if (entry.operation != 'h' && !ct_id_equal (&entry.id, &leaf->object_id) &&
        !ct_db_run (db, error, "INSERT INTO audit_objects VALUES(?, ?) ON CONFLICT DO NOTHING", "ki",
                    &entry.id, shown->n))
      return FALSE;
  return TRUE;
}

static gboolean
store_rows (CtDb *db, const CtShownLeaf *shown, const CtLeaf *leaf, GError **error)
{
  return (shown->entries_length == 0 ||
          ct_db_run (db, error, "INSERT INTO audit_rows(n, salt, entries) VALUES(?, ?, ?)", "ibb", shown->n,
                     shown->salt_length ? shown->salt : "", shown->salt_length, shown->entries,
                     shown->entries_length)) &&
         store_objects (db, shown, leaf, error);
}

static char *
plain (const CtLeafText *text)
{
  return ct_canonical_unescape (text->text, text->length);
}

static gboolean
store_leaf (CtDb *db, const CtShownLeaf *shown, const CtLeaf *leaf, GError **error)
{
  g_autofree char *action = plain (&leaf->action), *actor = plain (&leaf->actor),
                  *type = plain (&leaf->object_type);

  return ct_db_run (
             db, error,
             "INSERT INTO audit_logs(n, ev_id, leaf, leaf_sha256, action, actor, object_type, object_id, "
             "received_at) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
             "ikbhssski", shown->n, &leaf->ev_id, shown->leaf, strlen (shown->leaf), &shown->hash, action,
             actor, type, &leaf->object_id, leaf->received_at) &&
         ct_db_run (db, error, "DELETE FROM audit_hidden WHERE n = ?", "i", shown->n) &&
         store_rows (db, shown, leaf, error);
}

/* Of a leaf whose rows are not all ours to see, others may be seen now. */
static gboolean
store_rows_again (CtDb *db, const CtShownLeaf *shown, const CtLeaf *leaf, GError **error)
{
  return !ct_row_entries_are_parted (shown->entries, shown->entries_length) ||
         (ct_db_run (db, error, "DELETE FROM audit_rows WHERE n = ?", "i", shown->n) &&
          ct_db_run (db, error, "DELETE FROM audit_objects WHERE n = ?", "i", shown->n) &&
          store_rows (db, shown, leaf, error));
}

static gboolean
store_texts (CtDb *db, const CtShownLeaf *shown, GError **error)
{
  for (guint i = 0; i < shown->n_texts; i++)
    if (!ct_db_run (db, error, "INSERT INTO audit_disclosures(n, field, salt, value) VALUES(?, ?, ?, ?)",
                    "isbs", shown->n, shown->texts[i].field, shown->texts[i].salt,
                    shown->texts[i].salt_length, shown->texts[i].value))
      return FALSE;
  return shown->told || ct_db_run (db, error, "INSERT INTO audit_withheld VALUES(?)", "i", shown->n);
}

static gboolean
hide_leaf (CtDb *db, const CtShownLeaf *shown, GError **error)
{
  return ct_db_run (db, error, "INSERT INTO audit_hidden VALUES(?, ?) ON CONFLICT DO NOTHING", "ih", shown->n,
                    &shown->hash) &&
         ct_db_run (db, error, "DELETE FROM audit_logs WHERE n = ?", "i", shown->n) &&
         ct_db_run (db, error, "DELETE FROM audit_rows WHERE n = ?", "i", shown->n) &&
         ct_db_run (db, error, "DELETE FROM audit_objects WHERE n = ?", "i", shown->n);
}

/**
 * ct_log_copy_take:
 * @db: inside a transaction
 * @shown: a leaf, the next one or one that is known: it may be hidden now, or no longer
 *
 * Returns: %FALSE with %CT_ERROR_CORRUPT where the leaf is not what it must be
 */
gboolean
ct_log_copy_take (CtDb *db, const CtShownLeaf *shown, GError **error)
{
  gboolean known = FALSE, visible = FALSE;
  CtLeaf leaf;

  if (!check_known (db, shown, &known, &visible, error) ||
      (shown->leaf && !check_shown (db, shown, &leaf, error)) ||
      (known && shown->leaf && !(check_kept (db, shown, error) && check_salt (db, shown, error))))
    return FALSE;
  if (known && (!ct_db_run (db, error, "DELETE FROM audit_disclosures WHERE n = ?", "i", shown->n) ||
                !ct_db_run (db, error, "DELETE FROM audit_withheld WHERE n = ?", "i", shown->n)))
    return FALSE;
  if (!shown->leaf)
    return hide_leaf (db, shown, error);
  return (visible ? store_rows_again (db, shown, &leaf, error) : store_leaf (db, shown, &leaf, error)) &&
         store_texts (db, shown, error);
}

/**
 * ct_log_copy_extend:
 * @db: inside a transaction
 * @verifier: the pinned key
 * @note: the newest checkpoint that we were shown, whose leaves are here
 * @now: for the record
 *
 * Takes the leaves into the tree and demands that its root is the one that @note signs: since the tree continues what
 * was signed before, that is the proof of consistency.
 *
 * Returns: %FALSE with %CT_ERROR_CORRUPT where it is not
 */
gboolean
ct_log_copy_extend (CtDb *db, const CtVerifier *verifier, const char *note, gint64 now, GError **error)
{
  g_auto (CtCheckpoint) checkpoint = { 0 };
  guint64 n_leaves, n_signed;
  CtHash root;

  if (!ct_checkpoint_open (note, -1, verifier, &checkpoint, error) ||
      !ct_log_size (db, &n_leaves, &n_signed, error) ||
      (checkpoint.size > n_signed && !ct_log_integrate (db, n_signed, checkpoint.size, error)) ||
      !ct_log_root (db, checkpoint.size, &root, error))
    return FALSE;
  if (!ct_hash_equal (&root, &checkpoint.root))
    return ct_fail (
        error, CT_ERROR_CORRUPT,
        checkpoint.size > n_signed
            ? _ ("The leaves of the server's log are not those that its checkpoint of size %d signs: they "
                 "were edited, added or reordered, or the log was forked")
            : _ ("The server's log was forked: its checkpoint of size %d signs another history"),
        (int) checkpoint.size);
  return ct_db_run (
      db, error,
      "INSERT INTO audit_checkpoints(size, root, note, signed_at) VALUES(?, ?, ?, ?) ON CONFLICT DO "
      "NOTHING",
      "ihsi", (gint64) checkpoint.size, &root, note, now);
}

/* Forgets all leaves but the first @kept. Inside a transaction. */
gboolean
ct_log_copy_cut (CtDb *db, guint64 kept, GError **error)
{
  for (const char *const *table = tables; !g_str_equal (*table, "audit_tiles"); table++) {
    g_autofree char *sql = g_strdup_printf ("DELETE FROM %s WHERE n >= ?", *table);

    if (!ct_db_run (db, error, sql, "i", (gint64) kept))
      return FALSE;
  }
  return TRUE;
}

/* Forgets leaves that no checkpoint covers: they proved to be none of the log. Inside a transaction. */
gboolean
ct_log_copy_drop_unsigned (CtDb *db, GError **error)
{
  guint64 n_leaves, n_signed;

  return ct_log_size (db, &n_leaves, &n_signed, error) && ct_log_copy_cut (db, n_signed, error);
}
