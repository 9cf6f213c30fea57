/* Has the server's log go on after a restore that lost leaves which were signed: an administrator proposes it where the key is,
 * and who signs the log puts it into effect. */
#include "ct-log-sync.h"

#include <string.h>

/* What both have: our copy, and the log of the server as it is now. */
typedef struct {
  CtDb *db;
  CtSession *session;
  GCancellable *cancellable;
  CtLogHead head; /* (owned) */
  guint64 n_signed, common;
  gboolean done;
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
                    _ ("The server has a checkpoint of size %d, here are leaves: %d. Read the log first, "
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

/* What both have in common, where this is who signs the log. */
static gboolean
look (Comparison *self, const CtSigner *signer, GError **error)
{
  guint64 n_leaves;

  ct_log_head_clear (&self->head);
  self->done = ct_log_feed_head (self->session, 0, &self->head, self->cancellable, error) &&
               check_signer (self, signer, error) &&
               ct_log_size (self->db, &n_leaves, &self->n_signed, error) &&
               skip_signed (self, ct_signer_verifier (signer), error) && compare (self, error);
  return self->done;
}

/* From where the log goes on. Who signs it may have come back from a backup together with the server, and then misses nothing:
 * how much everybody has in common a person says. */
static gboolean
choose (Comparison *self, gint64 kept, guint64 *size, GError **error)
{
  *size = kept < 0 ? self->common : (guint64) kept;
  if (*size > self->common)
    return ct_fail (error, CT_ERROR_REFUSED,
                    _ ("The server's log and the copy here have no more than %d leaves in common"),
                    (int) self->common);
  return kept >= 0 || self->common < self->n_signed ||
         ct_fail (
             error, CT_ERROR_REFUSED,
             _ ("The server has every leaf that was signed here: nothing was lost, and its log goes on as "
                "it is. Where this workspace came back from a backup as well, --kept says how many leaves "
                "everybody has in common"));
}

/**
 * ct_log_sync_continue:
 * @db: a connection of a connected workspace that followed the log and has its key, outside a transaction
 * @session: an administrator's
 * @kept: how many leaves everybody has in common, where @db was put back as well; -1: what it has in common with the server
 * @made: (out): how the log would go on; clear it with ct_log_continuation_clear()
 * @lost: (out): how many signed leaves the server no longer has
 * @served: (out): whether a service is at work that signs the log; else it takes effect when one is
 *
 * After a restore: finds the leaves that our copy and the server's log have in common, and proposes, signed, that the log goes
 * on from there under a new origin. Who signs the log puts it into effect with the next ct_log_sync(); everybody who follows
 * it takes it from there, and what was lost stays in their exported copies of the former log.
 *
 * Returns: %FALSE with %CT_ERROR_REFUSED where nothing was lost, or the key is not here
 */
gboolean
ct_log_sync_continue (CtDb *db, CtSession *session, const CtSigner *signer, gint64 kept,
                      CtLogContinuation *made, gint64 *lost, gboolean *served, GCancellable *cancellable,
                      GError **error)
{
  g_auto (Comparison) self = { .db = db, .session = session, .cancellable = cancellable };
  CtId log = ct_id_new (ct_time_now ());
  g_autofree char *id = ct_id_to_string (&log), *note = NULL;
  g_autoptr (CtAnswer) answer = NULL;
  guint64 size;

  if (!look (&self, signer, error) || !choose (&self, kept, &size, error))
    return FALSE;
  made->start.origin = g_strconcat ("control-tower/", id, NULL);
  made->start.size = size;
  made->former = g_strdup (self.head.origin);
  *lost = (gint64) (self.n_signed - size);
  if (!ct_log_root (db, size, &made->start.root, error) ||
      !(note = ct_log_continuation_sign (made, signer, error)))
    return FALSE;
  answer = ct_session_query (session, cancellable, error, "SELECT api.continue_log($1)::int", "s", note);
  *served = answer && ct_answer_int (answer, 0, 0) != 0;
  return answer != NULL;
}

/* Who may write proposals may write anything: what counts is that we signed it, for the log as it is and for what is left. */
static gboolean
check_proposal (Comparison *self, const CtSigner *signer, const char *note, const char *origins,
                GError **error)
{
  g_auto (CtLogContinuation) proposed = { 0 };
  CtHash root;

  if (!ct_log_continuation_open (note, ct_signer_verifier (signer), &proposed, error) ||
      (!self->done && !look (self, signer, error)))
    return FALSE;
  if (!g_str_equal (proposed.former, self->head.origin) || !ct_log_continuation_is_new (&proposed, origins) ||
      proposed.start.size > self->common)
    return ct_fail (error, CT_ERROR_CONFLICT, _ ("it was made for the log as it was at another time"));
  return ct_log_root (self->db, proposed.start.size, &root, error) &&
         (ct_hash_equal (&root, &proposed.start.root) ||
          ct_fail (error, CT_ERROR_CORRUPT, _ ("it has another root than the %d leaves that are left"),
                   (int) proposed.start.size));
}

/**
 * ct_log_sync_take_continuation:
 * @db: a connection of the workspace that has the log's key and the lease "sequence", outside a transaction
 * @taken: (out): whether the server's log goes on under another origin now
 *
 * Puts into effect what an administrator proposed with ct_log_sync_continue(), where the log's key signed it and it fits what
 * the server has: whatever else is proposed stands in nobody's way.
 *
 * Returns: %FALSE where nothing of what is proposed is such, with what was wrong with the last of it
 */
gboolean
ct_log_sync_take_continuation (CtDb *db, CtSession *session, const CtSigner *signer, gboolean *taken,
                               GCancellable *cancellable, GError **error)
{
  g_auto (Comparison) self = { .db = db, .session = session, .cancellable = cancellable };
  g_autofree char *origins = ct_log_origins (db, error);
  g_auto (GStrv) notes = origins ? ct_log_feed_proposals (session, cancellable, error) : NULL;
  g_autoptr (GError) problem = NULL;

  *taken = FALSE;
  for (char **note = notes; note && *note && !*taken; note++) {
    g_clear_error (&problem);
    *taken = check_proposal (&self, signer, *note, origins, &problem) &&
             ct_session_run (session, cancellable, &problem, "SELECT api.take_continuation($1)", "s", *note);
  }
  if (!problem)
    return notes != NULL;
  g_propagate_error (error, g_steal_pointer (&problem));
  return FALSE;
}
