/* No proof, no post: a post goes out only where a signed approval of exactly these bytes stands in the signed log. */
#include "ct-outbox-private.h"
#include "ct-leaf.h"
#include "ct-log-sign.h"
#include "ct-post-proof.h"

#include <string.h>

typedef struct {
  CtOutbox *outbox;
  const CtPostRow *post;
  gint64 now;
} Proof;

/* A server's log comes here when it is signed; its own knows every approval at once. */
static gboolean
fail_unknown (CtDb *db, const CtPostRow *post, GError **error)
{
  gint64 connected = 0;

  if (!ct_db_read_int (db, &connected, error, "SELECT EXISTS (SELECT 1 FROM workspace WHERE key = 'server')",
                       ""))
    return FALSE;
  return connected
             ? ct_fail (error, CT_ERROR_BUSY, _ ("The approval of %s waits for the log's next checkpoint"),
                        post->number)
             : ct_fail (error, CT_ERROR_REFUSED, _ ("The audit log knows no approval of %s"), post->number);
}

/* Nothing goes out while the server's log is not what it was. */
static gboolean
check_trouble (CtDb *db, GError **error)
{
  g_autoptr (CtStmt) stmt =
      ct_db_query (db, error, "SELECT trouble FROM sync_log WHERE trouble IS NOT NULL", "");

  if (!stmt)
    return FALSE;
  if (ct_stmt_next (stmt))
    return ct_fail (error, CT_ERROR_BUSY, "%s", ct_stmt_text (stmt, 0));
  return ct_stmt_finish (stmt, error);
}

/* @trusted: (nullable): else the key that is pinned for the log, once somebody signs it */
static gboolean
check_included (CtDb *db, const CtVerifier *trusted, const CtId *event, GError **error)
{
  g_autofree char *vkey = NULL;
  g_autoptr (CtVerifier) pinned = NULL;

  if (trusted)
    return ct_log_check_included (db, trusted, event, error);
  vkey = ct_db_read_text (db, error, "SELECT value FROM workspace WHERE key = 'log_vkey'", "");
  pinned = vkey ? ct_verifier_parse (vkey, error) : NULL;
  return pinned && ct_log_check_included (db, pinned, event, error);
}

/* The leaf says: this person approved these bytes; and a signed checkpoint includes it. */
static gboolean
check_log (CtDb *db, const Proof *proof, GError **error)
{
  const CtPostRow *post = proof->post;
  g_autofree char *key = ct_hash_to_hex (&post->payload_sha256);
  g_autoptr (CtStmt) stmt =
      ct_db_query (db, error,
                   "SELECT ev_id, leaf FROM audit_logs WHERE object_id = ? AND action = "
                   "'approval.approve' ORDER BY n DESC LIMIT 1",
                   "k", &post->approval_id);
  const char *json;
  guint64 n_leaves, n_signed;
  gint64 index;
  CtLeaf leaf;
  CtId event;
  gsize length;

  if (!stmt)
    return FALSE;
  if (!ct_stmt_next (stmt) || !ct_stmt_id (stmt, 0, &event))
    return ct_stmt_finish (stmt, error) && fail_unknown (db, post, error);
  json = ct_stmt_blob (stmt, 1, &length);
  if (!json || !ct_leaf_scan (&leaf, json, length, error))
    return FALSE;
  if (!(leaf.parts & CT_LEAF_OUTBOX_KEY) || !ct_leaf_text_equal (&leaf.outbox_key, key, strlen (key)) ||
      !ct_leaf_text_equal (&leaf.actor, post->approver, strlen (post->approver)) ||
      !ct_id_equal (&leaf.object_id, &post->approval_id) || !ct_id_equal (&leaf.ev_id, &event))
    return ct_fail (error, CT_ERROR_REFUSED, _ ("The audit log's approval is not the one of %s"),
                    post->number);
  if (!ct_log_find (db, &event, &index, error) || !ct_log_size (db, &n_leaves, &n_signed, error))
    return FALSE;
  if ((guint64) index >= n_signed)
    return ct_fail (error, CT_ERROR_BUSY, _ ("The approval of %s waits for the log's next checkpoint"),
                    post->number);
  return check_included (db, proof->outbox->options.log, &event, error);
}

static gboolean
prove_cb (CtDb *db, gpointer data, GError **error)
{
  const Proof *proof = data;
  gboolean ok;

  if (!ct_db_begin_read (db, error))
    return FALSE;
  ok = check_trouble (db, error) && ct_post_proof_check (db, proof->post, proof->now, error) &&
       check_log (db, proof, error);
  ct_db_rollback (db);
  return ok;
}

/**
 * ct_outbox_prove:
 *
 * Errors: %CT_ERROR_BUSY where the approval's leaf waits to be signed, %CT_ERROR_CONFLICT where the facts have changed,
 * so that the approval is void; anything else means that the post must not go out
 */
gboolean
ct_outbox_prove (CtOutbox *self, const CtPostRow *post, GError **error)
{
  Proof proof = { self, post, ct_outbox_now (self) };

  return ct_store_read (self->options.store, prove_cb, &proof, error);
}
