/* A workspace that was copied, or restored from a backup, speaks as a device whose later commands it does not know. It
 * goes on as a device of its own, from the last command that it shares with the server, and offers its queue again. The
 * intents stay as they are: their chain simply has two continuations, and the server knows both. */
#include "ct-fork.h"
#include "ct-greeting.h"

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
become (CtDb *db, const CtId *device, GError **error)
{
  g_autofree char *text = ct_id_to_string (device);

  if (!ct_db_begin (db, error))
    return FALSE;
  /* what counts as settled is left to the pull: only with the rows of a restored server can it be undone */
  if (ct_db_run (db, error, "UPDATE workspace SET value = ? WHERE key = 'device_id'", "s", text))
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
         become (db, &own, error);
}

/* (transfer full) (element-type CtId): the devices that this workspace has been, oldest first */
static GArray *
read_devices (CtDb *db, GError **error)
{
  g_autoptr (GArray) devices = g_array_new (FALSE, FALSE, sizeof (CtId));
  g_autoptr (CtStmt) stmt =
      ct_db_query (db, error, "SELECT device_id FROM intents GROUP BY device_id ORDER BY min(seq)", "");
  CtId device;

  if (!stmt)
    return NULL;
  while (ct_stmt_next (stmt))
    if (ct_stmt_id (stmt, 0, &device))
      g_array_append_val (devices, device);
  if (!ct_stmt_finish (stmt, error) || !ct_backlog_device (db, &device, error))
    return NULL;
  if (devices->len == 0 || !ct_id_equal (&device, &g_array_index (devices, CtId, devices->len - 1)))
    g_array_append_val (devices, device);
  return g_steal_pointer (&devices);
}

/* The last command that this workspace shares with @device, which the server knows to stand as @greeting says. */
static gboolean
shared_with (CtDb *db, CtSession *session, const CtId *device, const CtGreeting *greeting, gint64 *n,
             CtHash *sha256, GCancellable *cancellable, GError **error)
{
  g_autoptr (GPtrArray) verdicts = NULL;
  gboolean known = FALSE;

  *n = greeting->standing;
  if (!ct_backlog_hash (db, *n, sha256, &known, error))
    return FALSE;
  if (known && ct_hash_equal (sha256, &greeting->standing_sha256))
    return TRUE;
  verdicts = ct_pull_verdicts (session, device, 0, cancellable, error);
  return verdicts && find_shared (db, verdicts, n, sha256, error);
}

/**
 * ct_fork_reclaim:
 * @reclaimed: (out): whether the server knows this workspace's device again
 *
 * For a device that the server does not know. Where the workspace came to it by a fork, and the server was restored from
 * a backup that is older than the fork but knows a device that the workspace was before, the fork is told again. A device
 * that was enrolled by an administrator, or revoked, stays with the administrator.
 */
gboolean
ct_fork_reclaim (CtDb *db, CtSession *session, gboolean *reclaimed, GCancellable *cancellable, GError **error)
{
  g_autoptr (GArray) devices = read_devices (db, error);
  const CtId *known = NULL;
  gint64 shared = 0;
  CtHash sha256;

  *reclaimed = FALSE;
  for (guint i = 0; devices && i < devices->len; i++) {
    const CtId *device = &g_array_index (devices, CtId, i);
    g_auto (CtGreeting) greeting = { 0 };
    g_autoptr (GError) problem = NULL;

    if (!ct_greeting_ask (session, device, &greeting, cancellable, error))
      return FALSE;
    *reclaimed = greeting.standing >= 0;
    if (*reclaimed) {
      known = device;
      if (!shared_with (db, session, device, &greeting, &shared, &sha256, cancellable, error))
        return FALSE;
    } else if (known && ct_push_fork (session, known, shared, &sha256, device, cancellable, &problem)) {
      known = device;
      *reclaimed = TRUE;
    } else if (problem && !g_error_matches (problem, CT_ERROR, CT_ERROR_REFUSED)) {
      g_propagate_error (error, g_steal_pointer (&problem));
      return FALSE;
    } else if (problem) {
      return TRUE;
    }
  }
  return devices != NULL;
}
