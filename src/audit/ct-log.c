/* The log inside the replica: a leaf is one event as canonical JSON (RFC 8785), written in the transaction of its
 * effect. */
#include "ct-log.h"
#include "ct-merkle.h"

#include <string.h>

/* RFC 6962, section 2.1: the hash of a leaf. */
CtHash
ct_log_leaf_hash (gconstpointer leaf, gsize length)
{
  return ct_merkle_leaf (leaf, length);
}

/* "ct-disclosure-v1" 0 field 0 salt value */
void
ct_log_disclosure_preimage (GByteArray *bytes, const char *field, gconstpointer salt, gsize salt_length,
                            const char *value)
{
  static const char domain[] = "ct-disclosure-v1";

  g_byte_array_append (bytes, (const guint8 *) domain, sizeof domain);
  g_byte_array_append (bytes, (const guint8 *) field, (guint) strlen (field) + 1);
  g_byte_array_append (bytes, salt, (guint) salt_length);
  g_byte_array_append (bytes, (const guint8 *) value, (guint) strlen (value));
}

/* What a leaf commits to: the SHA-256 of the disclosure's preimage. */
CtHash
ct_log_disclosure_hash (const char *field, gconstpointer salt, gsize salt_length, const char *value)
{
  g_autoptr (GByteArray) bytes = g_byte_array_sized_new (256);

  ct_log_disclosure_preimage (bytes, field, salt, salt_length, value);
  return ct_hash (bytes->data, bytes->len);
}

/**
 * ct_log_create:
 * @db: inside a transaction, the workspace being new
 * @verifier: the key that will sign the log; its name is the log's origin
 *
 * Returns: %FALSE with %CT_ERROR_CONFLICT where the workspace has a log
 */
gboolean
ct_log_create (CtDb *db, const CtVerifier *verifier, GError **error)
{
  g_autofree char *vkey = ct_verifier_to_string (verifier);

  return ct_db_run (db, error, "INSERT INTO workspace(key, value) VALUES('log_origin', ?), ('log_vkey', ?)",
                    "ss", ct_verifier_name (verifier), vkey);
}

/* The log's name and its next leaf's index. */
static gboolean
read_head (CtDb *db, CtStmt **head, CtLeaf *leaf, gint64 *index, GError **error)
{
  *head = ct_db_query (
      db, error, "SELECT value, (SELECT max(n) FROM audit_logs) FROM workspace WHERE key = 'log_origin'", "");
  if (!*head)
    return FALSE;
  if (!ct_stmt_next (*head))
    return ct_stmt_finish (*head, error) &&
           ct_fail (error, CT_ERROR_NOT_FOUND,
                    "The workspace has no audit log: it was not set up completely");
  *index = ct_stmt_int_or (*head, 1, -1) + 1;
  leaf->log_origin.text = ct_stmt_text (*head, 0);
  leaf->log_origin.length = strlen (leaf->log_origin.text);
  return TRUE;
}

static int
compare_disclosures (gconstpointer a, gconstpointer b)
{
  return strcmp (((const CtDisclosure *) a)->field, ((const CtDisclosure *) b)->field);
}

/* A disclosure on its way into the table. */
typedef struct {
  CtDisclosure text;
  guint8 salt[CT_LOG_SALT_SIZE];
} Salted;

static gboolean
commit_disclosures (CtLeaf *leaf, const CtEvent *event, Salted salted[CT_LOG_MOST_DISCLOSURES],
                    GError **error)
{
  CtDisclosure sorted[CT_LOG_MOST_DISCLOSURES];

  if (event->n_disclosures > CT_LOG_MOST_DISCLOSURES)
    return ct_fail (error, CT_ERROR_INVALID, "An audit leaf takes at most %d disclosures",
                    CT_LOG_MOST_DISCLOSURES);
  leaf->n_commitments = event->n_disclosures;
  for (guint i = 0; i < event->n_disclosures; i++)
    sorted[i] = event->disclosures[i];
  if (event->n_disclosures > 1)
    qsort (sorted, event->n_disclosures, sizeof *sorted, compare_disclosures);
  for (guint i = 0; i < event->n_disclosures; i++) {
    salted[i].text = sorted[i];
    ct_random_bytes (salted[i].salt, CT_LOG_SALT_SIZE);
    leaf->commitments[i].field = (CtLeafText){ sorted[i].field, strlen (sorted[i].field) };
    leaf->commitments[i].hash =
        ct_log_disclosure_hash (sorted[i].field, salted[i].salt, CT_LOG_SALT_SIZE, sorted[i].value);
  }
  return TRUE;
}

static void
describe (CtLeaf *leaf, const CtEvent *event, CtRowCommitter *rows)
{
  leaf->action = (CtLeafText){ event->action, strlen (event->action) };
  leaf->actor = (CtLeafText){ event->actor, strlen (event->actor) };
  leaf->actor_role = (CtLeafText){ event->actor_role, strlen (event->actor_role) };
  leaf->object_type = (CtLeafText){ event->object_type, strlen (event->object_type) };
  leaf->object_id = event->object_id;
  leaf->object_rev = event->object_rev;
  leaf->ev_id = event->ev_id;
  leaf->occurred_at = event->occurred_at;
  leaf->received_at = event->received_at;
  leaf->intent_sha256 = event->intent_sha256;
  leaf->device_id = event->device_id;
  leaf->device_seq = event->device_seq;
  leaf->v = 1;
  leaf->parts = 0;
  if (event->parent_ev_id) {
    leaf->parts |= CT_LEAF_PARENT;
    leaf->parent_ev_id = *event->parent_ev_id;
  }
  if (event->outbox_key) {
    leaf->parts |= CT_LEAF_OUTBOX_KEY;
    leaf->outbox_key = (CtLeafText){ event->outbox_key, strlen (event->outbox_key) };
  }
  if (rows && !ct_row_committer_is_empty (rows)) {
    leaf->parts |= CT_LEAF_ROWS;
    leaf->row_commitment = ct_row_committer_finish (rows);
  }
}

static gboolean
store_leaf (CtDb *db, gint64 index, const CtEvent *event, const GString *json, GError **error)
{
  CtHash hash = ct_merkle_leaf (json->str, json->len);

  return ct_db_run (
      db, error,
      "INSERT INTO audit_logs(n, ev_id, leaf, leaf_sha256, action, actor, object_type, object_id, "
      "received_at) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
      "ikbhssski", index, &event->ev_id, json->str, json->len, &hash, event->action, event->actor,
      event->object_type, &event->object_id, event->received_at);
}

static gboolean
store_disclosures (CtDb *db, gint64 index, const Salted *salted, guint n, GError **error)
{
  for (guint i = 0; i < n; i++)
    if (!ct_db_run (db, error, "INSERT INTO audit_disclosures(n, field, salt, value) VALUES(?, ?, ?, ?)",
                    "isbs", index, salted[i].text.field, salted[i].salt, (gsize) CT_LOG_SALT_SIZE,
                    salted[i].text.value))
      return FALSE;
  return TRUE;
}

/**
 * ct_log_append:
 * @db: inside the transaction of the effect
 * @event: what happened
 * @rows: (nullable): the rows it wrote
 * @index: (out): the leaf's index, from 0
 *
 * Writes the leaf, its disclosures and its row commitments. No leaf, no commit: a caller that cannot append rolls back.
 */
gboolean
ct_log_append (CtDb *db, const CtEvent *event, CtRowCommitter *rows, gint64 *index, GError **error)
{
  g_autoptr (GString) json = g_string_sized_new (1024);
  g_autoptr (CtStmt) head = NULL;
  Salted salted[CT_LOG_MOST_DISCLOSURES];
  CtLeaf leaf;
  gint64 n = 0;

  if (!read_head (db, &head, &leaf, &n, error) || !commit_disclosures (&leaf, event, salted, error))
    return FALSE;
  describe (&leaf, event, rows);
  if (!ct_leaf_build (&leaf, json, error) || !ct_stmt_finish (head, error) ||
      !store_leaf (db, n, event, json, error) ||
      !store_disclosures (db, n, salted, event->n_disclosures, error) ||
      (leaf.parts & CT_LEAF_ROWS && !ct_row_committer_store (rows, db, n, error)))
    return FALSE;
  *index = n;
  return TRUE;
}

/* The leaf of an event; %CT_ERROR_NOT_FOUND where there is none. */
gboolean
ct_log_find (CtDb *db, const CtId *ev_id, gint64 *index, GError **error)
{
  g_autoptr (CtStmt) stmt = ct_db_query (db, error, "SELECT n FROM audit_logs WHERE ev_id = ?", "k", ev_id);
  g_autofree char *text = NULL;

  if (!stmt)
    return FALSE;
  if (ct_stmt_next (stmt)) {
    *index = ct_stmt_int (stmt, 0);
    return TRUE;
  }
  if (!ct_stmt_finish (stmt, error))
    return FALSE;
  text = ct_id_to_string (ev_id);
  return ct_fail (error, CT_ERROR_NOT_FOUND, "The audit log has no event %s", text);
}

static gboolean
delete_args (CtDb *db, gint64 index, GError **error)
{
  g_autoptr (CtStmt) stmt = ct_db_query (db, error, "SELECT leaf FROM audit_logs WHERE n = ?", "i", index);
  const char *json;
  gsize length;
  CtLeaf leaf;

  if (!stmt || !ct_stmt_next (stmt))
    return stmt && ct_stmt_finish (stmt, error);
  json = ct_stmt_blob (stmt, 0, &length);
  return ct_leaf_scan (&leaf, json, length, error) &&
         ct_db_run (db, error,
                    "DELETE FROM changesets WHERE seq = (SELECT seq FROM intents WHERE sha256 = ? AND args "
                    "IS NOT NULL)",
                    "h", &leaf.intent_sha256) &&
         ct_db_run (db, error, "UPDATE intents SET args = NULL WHERE sha256 = ? AND args IS NOT NULL", "h",
                    &leaf.intent_sha256);
}

/**
 * ct_log_redact:
 * @db: inside a transaction, in which the caller appends the %CT_LOG_REDACT leaf; without it a verification finds that
 *   something is missing
 * @field: the disclosure to delete, or %CT_LOG_INTENT_ARGS: the command's arguments, and the changesets that undo it
 *
 * Deletes a redactable text and overwrites its bytes in the file. The leaf stays, so every proof still verifies.
 * ct_log_purge() must follow the commit.
 *
 * Returns: %FALSE with %CT_ERROR_NOT_FOUND where there is nothing (left) to redact
 */
gboolean
ct_log_redact (CtDb *db, const CtId *ev_id, const char *field, GError **error)
{
  gint64 index;
  gboolean done;

  if (!ct_log_find (db, ev_id, &index, error) || !ct_db_exec (db, "PRAGMA secure_delete = ON", error))
    return FALSE;
  if (g_str_equal (field, CT_LOG_INTENT_ARGS))
    done = delete_args (db, index, error);
  else
    done =
        ct_db_run (db, error, "DELETE FROM audit_disclosures WHERE n = ? AND field = ?", "is", index, field);
  if (done && ct_db_changes (db) == 0)
    return ct_fail (error, CT_ERROR_NOT_FOUND, "The event has no “%s” to redact", field);
  return done;
}

/**
 * ct_log_purge:
 * @db: outside a transaction
 *
 * Empties the write-ahead log, which still holds what ct_log_redact() deleted. %CT_ERROR_BUSY while another reader
 * keeps it: trying again later is enough.
 */
gboolean
ct_log_purge (CtDb *db, GError **error)
{
  gint64 busy = 1;

  return ct_db_read_int (db, &busy, error, "PRAGMA wal_checkpoint(TRUNCATE)", "") &&
         (busy == 0 ||
          ct_fail (error, CT_ERROR_BUSY,
                   "Another program reads the workspace: redacted text remains in its log file"));
}
