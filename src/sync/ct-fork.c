/* A workspace that was copied, or restored from a backup, speaks as a device whose later commands it does not know. It
 * goes on as a device of its own, from the last command that it shares with the server, and offers its queue again. The
 * intents stay as they are: their chain simply has two continuations, and the server knows both. */
#include "ct-fork.h"

/**
 * ct_fork_notice:
 * @forked: (out): whether the server knows commands of this device that this workspace does not
 */
gboolean
ct_fork_notice (CtDb *db, CtPulled *pulled, gboolean *forked, GError **error)
{
  CtHash own;
  gboolean known = FALSE;

  *forked = FALSE;
  if (pulled->standing < 0)
    return TRUE;
  if (!ct_backlog_hash (db, pulled->standing, &own, &known, error))
    return FALSE;
  *forked = !known || !ct_hash_equal (&own, &pulled->standing_sha256);
  return TRUE;
}

/* The last command that both know: going back through the server's list, the first whose hash is ours. */
static gboolean
find_shared (CtDb *db, GPtrArray *verdicts, gint64 *n, CtHash *sha256, GError **error)
{
  const CtPulledVerdict *first = verdicts->len ? verdicts->pdata[0] : NULL;
  gboolean known = FALSE;

  for (guint i = verdicts->len; i > 0; i--) {
    const CtPulledVerdict *verdict = verdicts->pdata[i - 1];
    CtHash own;

    if (!ct_backlog_hash (db, verdict->n, &own, &known, error))
      return FALSE;
    if (known && ct_hash_equal (&own, &verdict->sha256)) {
      *n = verdict->n;
      *sha256 = own;
      return TRUE;
    }
  }
  if (!first)
    return ct_fail (error, CT_ERROR_CORRUPT, "this device is enrolled with another history; enrol it anew");
  *n = first->n - 1;
  return ct_backlog_hash (db, *n, sha256, &known, error) &&
         (known || ct_fail (error, CT_ERROR_CORRUPT,
                            "this workspace has nothing in common with the device it says to be"));
}

static gboolean
become (CtDb *db, const CtId *device, gint64 shared, GError **error)
{
  g_autofree char *text = ct_id_to_string (device);

  if (!ct_db_begin (db, error))
    return FALSE;
  if (ct_db_run (db, error, "UPDATE workspace SET value = ? WHERE key = 'device_id'", "s", text) &&
      ct_db_run (db, error, "UPDATE sync_state SET acknowledged = min(acknowledged, ?) WHERE one = 1", "i",
                 shared))
    return ct_db_commit (db, error);
  ct_db_rollback (db);
  return FALSE;
}

/**
 * ct_fork_go_on:
 *
 * Gives this workspace a device of its own. The server is told first: where the answer is lost, the next try makes
 * another device, and the first stays unused.
 */
gboolean
ct_fork_go_on (CtDb *db, CtSession *session, gint64 now, GCancellable *cancellable, GError **error)
{
  g_autoptr (GPtrArray) verdicts = NULL;
  CtId device, own = ct_id_new (now);
  CtHash sha256;
  gint64 shared = 0;

  if (!ct_backlog_device (db, &device, error))
    return FALSE;
  verdicts = ct_pull_verdicts (session, &device, 0, cancellable, error);
  return verdicts && find_shared (db, verdicts, &shared, &sha256, error) &&
         ct_push_fork (session, &device, shared, &sha256, &own, cancellable, error) &&
         become (db, &own, shared, error);
}
