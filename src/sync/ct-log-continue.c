/* Has the server's log go on after a restore that lost leaves which were signed. */
#include "ct-log-sync.h"

#include <string.h>

/* What both have: our copy, and the log of the server as it is now. */
typedef struct {
  CtDb *db;
  CtSession *session;
  GCancellable *cancellable;
  CtLogHead head; /* (owned) */
  guint64 n_signed, common;
} Comparison;

static void
comparison_clear (Comparison *self)
{
  ct_log_head_clear (&self->head);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Comparison, comparison_clear)

/* The newest checkpoint that the server still has, where it is one of ours, saves comparing what it covers. */
static gboolean
skip_signed (Comparison *self, const CtVerifier *verifier, GError **error)
{
  g_auto (CtCheckpoint) checkpoint = { 0 };
  CtHash root;

  if (!self->head.note || !ct_checkpoint_open (self->head.note, -1, verifier, &checkpoint, NULL))
    return TRUE;
  if (checkpoint.size > self->n_signed)
    return ct_fail (error, CT_ERROR_CONFLICT,
                    _ ("The server has a checkpoint of %d leaves, here are only %d: read the log first, "
                       "towerctl sync --once"),
                    (int) checkpoint.size, (int) self->n_signed);
  if (!ct_log_root (self->db, checkpoint.size, &root, error))
    return FALSE;
  self->common = ct_hash_equal (&root, &checkpoint.root) ? checkpoint.size : 0;
  return TRUE;
}

static gboolean
is_ours (Comparison *self, const CtFedLeaf *fed, gboolean *same, GError **error)
{
  g_autoptr (CtStmt) stmt =
      ct_db_query (self->db, error, "SELECT leaf_sha256 FROM audit_leaves WHERE n = ?", "i", fed->place);
  CtHash hash;

  if (!stmt)
    return FALSE;
  *same = ct_stmt_next (stmt) && ct_stmt_hash (stmt, 0, &hash) && ct_hash_equal (&hash, &fed->sha256);
  return *same || ct_stmt_finish (stmt, error);
}

static gboolean
compare (Comparison *self, GError **error)
{
  guint64 upto = MIN (self->n_signed, (guint64) self->head.size);
  gboolean same = TRUE;

  while (same && self->common < upto) {
    g_autoptr (GPtrArray) leaves =
        ct_log_feed_leaves (self->session, (gint64) self->common, (gint64) upto, self->cancellable, error);

    if (!leaves)
      return FALSE;
    same = leaves->len > 0;
    for (guint i = 0; same && i < leaves->len; i++) {
      const CtFedLeaf *fed = leaves->pdata[i];

      if ((guint64) fed->place != self->common)
        return ct_fail (error, CT_ERROR_CORRUPT, _ ("Leaf %d of the server's log is missing: it was deleted"),
                        (int) self->common);
      if (!is_ours (self, fed, &same, error))
        return FALSE;
      self->common += same;
    }
  }
  return TRUE;
}

static gboolean
check_signer (Comparison *self, const CtSigner *signer, GError **error)
{
  g_autofree char *own = ct_verifier_to_string (ct_signer_verifier (signer));
  g_autofree char *origins = ct_log_origins (self->db, error);
  CtLeafText served = { self->head.origin, strlen (self->head.origin) };

  if (!origins)
    return FALSE;
  if (g_strcmp0 (own, self->head.vkey) != 0)
    return ct_fail (error, CT_ERROR_REFUSED,
                    _ ("This workspace does not have the key that signs the server's log: run this where the "
                       "service does that has it"));
  /* an older backup than at the last restore has an origin from before that */
  return ct_log_origins_have (origins, &served) ||
         ct_fail (error, CT_ERROR_CONFLICT, _ ("The server's log has gone on already, as “%s”"),
                  self->head.origin);
}

/**
 * ct_log_sync_continue:
 * @db: a connection of a connected workspace that followed the log and has its key, outside a transaction
 * @session: an administrator's
 * @made: (out): how the log goes on; clear it with ct_log_continuation_clear()
 * @lost: (out): how many signed leaves the server no longer has
 *
 * After a restore: finds the leaves that our copy and the server's log have in common, and signs that the log goes on from
 * there under a new origin. Everybody who follows it takes that from the server, and so do we, with the next
 * ct_log_sync(); what was lost stays in their exported copies of the former log.
 *
 * Returns: %FALSE with %CT_ERROR_REFUSED where nothing was lost, or the key is not here
 */
gboolean
ct_log_sync_continue (CtDb *db, CtSession *session, const CtSigner *signer, CtLogContinuation *made,
                      gint64 *lost, GCancellable *cancellable, GError **error)
{
  g_auto (Comparison) self = { .db = db, .session = session, .cancellable = cancellable };
  CtId log = ct_id_new (ct_time_now ());
  g_autofree char *id = ct_id_to_string (&log), *note = NULL;
  guint64 n_leaves;

  if (!ct_log_feed_head (session, 0, &self.head, cancellable, error) ||
      !check_signer (&self, signer, error) || !ct_log_size (db, &n_leaves, &self.n_signed, error) ||
      !skip_signed (&self, ct_signer_verifier (signer), error) || !compare (&self, error))
    return FALSE;
  if (self.common == self.n_signed)
    return ct_fail (
        error, CT_ERROR_REFUSED,
        _ ("The server has every leaf that was signed: nothing was lost, and its log goes on as it is"));
  made->start.origin = g_strconcat ("control-tower/", id, NULL);
  made->start.size = self.common;
  made->former = g_strdup (self.head.origin);
  *lost = (gint64) (self.n_signed - self.common);
  if (!ct_log_root (db, self.common, &made->start.root, error))
    return FALSE;
  note = ct_log_continuation_sign (made, signer, error);
  return note && ct_session_run (session, cancellable, error, "SELECT api.continue_log($1)", "s", note);
}
