/* One round between replica and server. Network waits happen outside of transactions. */
#include "ct-sync.h"
#include "ct-first-load.h"
#include "ct-fork.h"
#include "ct-purge.h"

#include <string.h>

/* How often a command that met a deadlock is tried at once; what lasts longer waits for the next round. */
#define TRIES 3

typedef struct {
  CtDb *db;
  gint64 offered;  /* the last command that went out */
  gint64 answered; /* the last one whose outcome came */
  CtSyncReport *report;
} PushTask;

static gboolean
next_cb (CtPushOffer *offer, gpointer data, GError **error)
{
  PushTask *task = data;
  gboolean done;

  if (!ct_db_begin_read (task->db, error))
    return FALSE;
  done = ct_backlog_next (task->db, task->offered, offer, error);
  ct_db_rollback (task->db);
  if (offer->n)
    task->offered = offer->n;
  return done;
}

static void
told_cb (CtVerdict *verdict, gpointer data)
{
  PushTask *task = data;
  gboolean settled = verdict->kind != CT_PUSH_FORKED;

  ct_verdict_free (verdict);
  task->answered += settled;
  task->report->pushed += settled;
}

/* Serialisation failures and deadlocks: over as soon as the other transaction is. */
static gboolean
is_collision (CtSession *session)
{
  return g_str_has_prefix (ct_session_last_state (session), "40");
}

/**
 * ct_sync_push:
 * @again: (out): whether it stopped at a command that needs a pull first: then push again
 *
 * Offers what is pending, in its order, without waiting for each answer. A command that is rejected blocks none behind
 * it but those that build on it. What the server answers counts when a pull brings it together with its rows; an answer
 * that gets lost loses nothing.
 *
 * Returns: %FALSE where the server could not be asked: %CT_ERROR_BUSY, %CT_ERROR_NETWORK and %CT_ERROR_UNKNOWN_FATE ask
 *   for another try later
 */
gboolean
ct_sync_push (CtDb *db, CtSession *session, GCancellable *cancellable, CtSyncReport *report, gboolean *again,
              GError **error)
{
  g_auto (CtBacklogState) state = { 0 };
  PushTask task = { .db = db, .report = report };
  CtPushEnd end = CT_PUSH_END_DONE;
  CtId device;

  *again = FALSE;
  if (!ct_backlog_read (db, &state, error) || !ct_backlog_device (db, &device, error))
    return FALSE;
  task.answered = state.acknowledged;
  for (int tries = 0;; tries++) {
    g_autoptr (GError) problem = NULL;
    gint64 before = task.answered;

    task.offered = task.answered;
    if (ct_push_stream (session, &device, next_cb, told_cb, &task, &end, cancellable, &problem) ||
        end != CT_PUSH_END_DONE)
      break;
    if (task.answered > before)
      tries = 0;
    if (is_collision (session) && tries + 1 < TRIES)
      continue;
    g_propagate_error (error, g_steal_pointer (&problem));
    return FALSE;
  }
  *again = end != CT_PUSH_END_DONE;
  return TRUE;
}

/* (transfer full): what the server says; a zero cursor asks for all rows */
static CtPulled *
ask (CtDb *db, CtSession *session, gboolean whole, GCancellable *cancellable, GError **error)
{
  g_auto (CtBacklogState) state = { 0 };
  const char *const *tables = ct_db_business_tables (db, error);
  CtCursor nothing = { 0 };
  CtPulled *pulled;
  CtId device;

  if (!tables || !ct_backlog_read (db, &state, error) || !ct_backlog_device (db, &device, error))
    return NULL;
  pulled = ct_pull (session, tables, whole ? &nothing : &state.cursor, state.scopes, &device,
                    state.acknowledged, cancellable, error);
  if (pulled)
    pulled->base = state.cursor;
  return pulled;
}

static void
add_report (CtRebaseReport *sum, const CtRebaseReport *one)
{
  sum->rows += one->rows;
  sum->gone += one->gone;
  sum->settled += one->settled;
  sum->rejected += one->rejected;
  sum->parked += one->parked;
  sum->rerun |= one->rerun;
  sum->offer_again |= one->offer_again;
}

/* Whether a server that serves these versions of the replica's schema serves this one. */
gboolean
ct_sync_check_window (CtDb *db, int oldest, int newest, GError **error)
{
  gint64 version = 0;

  if (!ct_db_read_int (db, &version, error, "SELECT user_version FROM pragma_user_version", ""))
    return FALSE;
  if (version < oldest)
    return ct_fail (error, CT_ERROR_REFUSED,
                    _ ("The server no longer serves this version of the program; update it"));
  if (version > newest)
    return ct_fail (error, CT_ERROR_REFUSED, _ ("The server does not serve this version of the program yet"));
  return TRUE;
}

/* The replica contradicts its own commands: keep a copy of the file, take the server's rows, run the commands on them. */
static gboolean
rebuild (CtDb *db, CtCommander *commander, CtSession *session, gint64 now, GCancellable *cancellable,
         CtRebaseReport *one, GError **error)
{
  g_autofree char *copy = ct_purge_copy_name (db, now);
  g_autoptr (CtPulled) pulled = NULL;

  if (!g_file_test (copy, G_FILE_TEST_EXISTS) && !ct_db_run (db, error, "VACUUM INTO ?", "s", copy))
    return FALSE;
  pulled = ask (db, session, TRUE, cancellable, error);
  return pulled && ct_rebase_apply (db, commander, pulled, now, CT_REBASE_REBUILD, one, error);
}

/* Sees to it that the server and this workspace mean the same device. @anew: the pull is to be asked for again. */
static gboolean
settle_device (CtDb *db, CtSession *session, CtPulled *pulled, gint64 now, gboolean *forked, gboolean *anew,
               GCancellable *cancellable, GError **error)
{
  gboolean differs = FALSE;

  if (pulled->standing < 0) {
    if (!ct_fork_reclaim (db, session, anew, cancellable, error))
      return FALSE;
    *forked |= *anew;
    return TRUE;
  }
  if (!ct_fork_notice (db, pulled, &differs, error))
    return FALSE;
  if (!differs)
    return TRUE;
  *forked = *anew = TRUE;
  return ct_fork_go_on (db, session, now, cancellable, error);
}

/**
 * ct_sync_pull:
 *
 * Brings the replica to the server's present state, with what is pending on top. Never waits for the queue.
 */
gboolean
ct_sync_pull (CtDb *db, CtCommander *commander, CtSession *session, gint64 now, GCancellable *cancellable,
              CtSyncReport *report, GError **error)
{
  g_autoptr (CtPulled) pulled = NULL;
  g_autoptr (GError) problem = NULL;
  CtRebaseReport one = { 0 };
  gboolean anew = FALSE;
  gint64 loaded = 0;

  if (!ct_first_load (db, session, NULL, NULL, &loaded, cancellable, error))
    return FALSE;
  report->pulled.rows += (guint) loaded;
  pulled = ask (db, session, FALSE, cancellable, error);
  if (!pulled || !ct_sync_check_window (db, pulled->oldest, pulled->newest, error) ||
      !settle_device (db, session, pulled, now, &report->forked, &anew, cancellable, error))
    return FALSE;
  if (anew) {
    g_clear_pointer (&pulled, ct_pulled_free);
    pulled = ask (db, session, FALSE, cancellable, error);
    if (!pulled)
      return FALSE;
  }
  if (!ct_rebase_apply (db, commander, pulled, now, 0, &one, &problem)) {
    if (!g_error_matches (problem, CT_ERROR, CT_ERROR_CORRUPT)) {
      g_propagate_error (error, g_steal_pointer (&problem));
      return FALSE;
    }
    if (!rebuild (db, commander, session, now, cancellable, &one, error))
      return FALSE;
    report->rebuilt = TRUE;
  }
  add_report (&report->pulled, &one);
  return ct_purge_finish (db, &report->copies_removed, error);
}

/**
 * ct_sync_round:
 * @db: a writable connection outside a transaction, on a thread that may wait
 * @commander: with the central authority
 * @now: for the tray and for names
 * @report: (out): set in any case: what was done before an error counts
 *
 * Pushes what is pending and pulls, until nothing is left to offer. Where pushing fails it pulls all the same, and then
 * returns the failure.
 */
gboolean
ct_sync_round (CtDb *db, CtCommander *commander, CtSession *session, gint64 now, GCancellable *cancellable,
               CtSyncReport *report, GError **error)
{
  gboolean again = TRUE;

  memset (report, 0, sizeof *report);
  while (again) {
    g_autoptr (GError) problem = NULL;
    CtSyncReport before = *report;
    gboolean pulled;

    if (!ct_sync_push (db, session, cancellable, report, &again, &problem))
      again = FALSE;
    pulled = ct_sync_pull (db, commander, session, now, cancellable, report, problem ? NULL : error);
    if (!pulled && !problem)
      return FALSE;
    /* a fork and a restored server put commands back into the queue; a round that moves nothing is the last */
    again = (pulled &&
             (report->forked != before.forked || report->pulled.offer_again != before.pulled.offer_again)) ||
            (again && report->pushed > before.pushed);
    if (problem && !again) {
      g_propagate_error (error, g_steal_pointer (&problem));
      return FALSE;
    }
  }
  return TRUE;
}
