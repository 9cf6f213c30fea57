/* Undo what is pending, write what the server says, run again what is still pending: all in one transaction, so that
 * whatever happens the replica is in one state or the other. */
#include "ct-rebase.h"
#include "ct-changes.h"
#include "ct-purge.h"
#include "ct-rebase-rows.h"
#include "ct-tray.h"

typedef struct {
  CtDb *db;
  CtCommander *commander;
  CtPulled *pulled;
  gint64 now;
  CtRebaseFlags flags;
  CtBacklogState state;
  CtRebaseReport report;
} Rebase;

/* A pull brings states, not steps: one that began before another was written would turn rows back. */
static gboolean
check_base (Rebase *self, GError **error)
{
  const CtCursor *here = &self->state.cursor, *base = &self->pulled->base;

  if (!ct_backlog_read (self->db, &self->state, error))
    return FALSE;
  if (here->number != base->number || !ct_id_equal (&here->epoch, &base->epoch) ||
      !ct_id_equal (&here->nonce, &base->nonce))
    return ct_fail (error, CT_ERROR_BUSY, "another process of this workspace has pulled meanwhile");
  if ((self->flags & CT_REBASE_REBUILD) && !self->pulled->whole)
    return ct_fail (error, CT_ERROR_INVALID, "rebuilding takes a whole pull");
  return TRUE;
}

/* A server restored from a backup knows less of this device than it has told us: offer that again. */
static gboolean
notice_restored_server (Rebase *self, GError **error)
{
  gint64 standing = self->pulled->standing;

  if (standing < 0 || standing >= self->state.acknowledged)
    return TRUE;
  if (!self->pulled->whole)
    return ct_fail (error, CT_ERROR_CORRUPT,
                    "the server has forgotten commands of this device and does not say that it was restored; "
                    "its administrator must begin a new epoch");
  if (!ct_db_run (self->db, error, "DELETE FROM sync_outcomes WHERE seq > ?", "i", standing))
    return FALSE;
  self->state.acknowledged = standing;
  self->report.offer_again = TRUE;
  return TRUE;
}

static gboolean
touches_pending (Rebase *self, gboolean *touches, GError **error)
{
  for (guint i = 0; i < self->pulled->rows->len && !*touches; i++) {
    const CtPulledRow *row = self->pulled->rows->pdata[i];
    gint64 found = 0;

    if (!ct_db_read_int (self->db, &found, error, "SELECT EXISTS (SELECT 1 FROM sync_touches WHERE id = ?)",
                         "k", &row->id))
      return FALSE;
    *touches = found != 0;
  }
  return TRUE;
}

/* Where nothing pending is concerned the rows are just written. */
static gboolean
write_beside (Rebase *self, gboolean *done, GError **error)
{
  CtRebaseReport before = self->report;
  g_autoptr (GError) problem = NULL;
  gboolean touches = FALSE;

  if (self->pulled->whole || self->pulled->verdicts->len > 0)
    return TRUE;
  if (!touches_pending (self, &touches, error))
    return FALSE;
  if (touches)
    return TRUE;
  if (!ct_db_savepoint (self->db, error))
    return FALSE;
  if (ct_rebase_rows_write (self->db, self->pulled, NULL, &self->report, &problem) &&
      ct_purge_history (self->db, self->state.acknowledged, self->now, &self->report.parked, &problem)) {
    *done = TRUE;
    return ct_db_release (self->db, error);
  }
  /* a pending row may hold a value that is UNIQUE: then it must make way first */
  self->report = before;
  if (!ct_db_rollback_to (self->db, error) || !ct_db_defer_foreign_keys (self->db, FALSE, error))
    return FALSE;
  if (g_error_matches (problem, CT_ERROR, CT_ERROR_CONFLICT))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&problem));
  return FALSE;
}

static gboolean
undo_one (CtDb *db, gint64 seq, GError **error)
{
  g_autoptr (GPtrArray) parts = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);

  {
    g_autoptr (CtStmt) stmt = ct_db_query (
        db, error, "SELECT changeset FROM changesets WHERE seq = ? ORDER BY part DESC", "i", seq);

    if (!stmt)
      return FALSE;
    while (ct_stmt_next (stmt)) {
      gsize length;
      gconstpointer bytes = ct_stmt_blob (stmt, 0, &length);

      g_ptr_array_add (parts, g_bytes_new (bytes, length));
    }
    if (!ct_stmt_finish (stmt, error))
      return FALSE;
  }
  for (guint i = 0; i < parts->len; i++)
    if (!ct_changeset_invert (db, parts->pdata[i], error))
      return FALSE;
  return TRUE;
}

/* Newest first. A conflict here means that somebody wrote past the commands. */
static gboolean
undo_pending (Rebase *self, gint64 after, GError **error)
{
  g_autoptr (GArray) pending = NULL;

  if (self->flags & CT_REBASE_REBUILD)
    return TRUE;
  pending = ct_backlog_numbers (
      self->db,
      "SELECT seq FROM intents WHERE seq > ? AND seq NOT IN (SELECT seq FROM attention) ORDER BY seq DESC",
      after, error);
  for (guint i = 0; pending && i < pending->len; i++) {
    g_autoptr (GError) problem = NULL;
    gboolean undone;

    /* what a command decided is open again */
    ct_db_set_replicating (self->db, TRUE);
    undone = undo_one (self->db, g_array_index (pending, gint64, i), &problem);
    ct_db_set_replicating (self->db, FALSE);
    if (undone)
      continue;
    if (g_error_matches (problem, CT_ERROR, CT_ERROR_CONFLICT))
      return ct_fail (error, CT_ERROR_CORRUPT, "the replica was changed behind the program's back: %s",
                      problem->message);
    g_propagate_error (error, g_steal_pointer (&problem));
    return FALSE;
  }
  return pending != NULL;
}

/* A restored server may have settled otherwise what it had told us before: so all its answers come with a whole pull. */
static gboolean
is_known (Rebase *self, const CtPulledVerdict *verdict, gboolean *known, GError **error)
{
  gint64 found = 0;

  if (!ct_db_read_int (self->db, &found, error,
                       "SELECT EXISTS (SELECT 1 FROM sync_outcomes WHERE seq = ? AND leaf = ?)", "ik",
                       verdict->n, &verdict->verdict->leaf))
    return FALSE;
  *known = found != 0;
  return TRUE;
}

static gboolean
settle_one (Rebase *self, const CtPulledVerdict *verdict, GError **error)
{
  const CtVerdict *v = verdict->verdict;
  gboolean applied = v->kind == CT_PUSH_APPLIED, known = FALSE;
  gint64 parked = 0;

  self->state.acknowledged = MAX (self->state.acknowledged, verdict->n);
  if (!is_known (self, verdict, &known, error))
    return FALSE;
  if (known)
    return TRUE;
  if (!ct_db_run (self->db, error,
                  "INSERT INTO sync_outcomes(seq, outcome, code, reason, leaf, settled_at)"
                  " VALUES(?, ?, ?, ?, ?, ?) ON CONFLICT(seq) DO UPDATE SET outcome "
                  "= excluded.outcome,"
                  " code = excluded.code, reason = excluded.reason, leaf = excluded.leaf",
                  "isssbi", verdict->n, applied ? "applied" : "rejected", v->code, v->reason, v->leaf.bytes,
                  (gsize) CT_ID_SIZE, self->now) ||
      !ct_db_read_int (self->db, &parked, error, "SELECT EXISTS (SELECT 1 FROM attention WHERE seq = ?)", "i",
                       verdict->n))
    return FALSE;
  if (applied) {
    self->report.settled++;
    return !parked || ct_tray_take_out (self->db, verdict->n, self->now, error);
  }
  if (parked)
    return TRUE; /* what the server rejected is only that it was withdrawn */
  self->report.rejected++;
  return ct_db_run (self->db, error, "DELETE FROM undone WHERE by_seq = ?", "i", verdict->n) &&
         ct_tray_put (self->db, verdict->n, v->code, v->reason, v->theirs, self->now, error);
}

/* The command that @seq builds on and that has just moved to the tray, or 0. */
static gboolean
find_lost_base (Rebase *self, gint64 seq, gint64 *base, GError **error)
{
  *base = 0;
  return ct_db_read_int (self->db, base, error,
                         "SELECT coalesce(min(p.seq), 0) FROM sync_touches b JOIN sync_touches p ON p.id = "
                         "b.id AND p.seq < b.seq"
                         " JOIN attention a ON a.seq = p.seq"
                         " WHERE b.seq = ? AND p.kind <> 'r' AND (b.kind <> 'r' OR p.kind = 'i')",
                         "i", seq);
}

/* Trouble of the machine, not of the command: never a reason to park it. */
static gboolean
is_fatal (const GError *problem)
{
  return !(g_error_matches (problem, CT_ERROR, CT_ERROR_INVALID) ||
           g_error_matches (problem, CT_ERROR, CT_ERROR_REFUSED) ||
           g_error_matches (problem, CT_ERROR, CT_ERROR_NOT_FOUND) ||
           g_error_matches (problem, CT_ERROR, CT_ERROR_CONFLICT));
}

static gboolean
park (Rebase *self, gint64 seq, const char *code, const char *reason, GError **error)
{
  g_autoptr (JsonArray) theirs = ct_changes_compare (self->db, seq, error);

  self->report.parked++;
  return theirs && ct_tray_put (self->db, seq, code, reason, theirs, self->now, error);
}

/* Runs the handler on the state as it now is; a value that it would overwrite unseen is a conflict. */
static gboolean
run_again (Rebase *self, gint64 seq, GError **error)
{
  g_autoptr (GHashTable) bases = ct_changes_bases (self->db, seq, error);
  gboolean conflict = FALSE;

  if (!bases || !ct_db_savepoint (self->db, error))
    return FALSE;
  if (ct_commander_rerun_within (self->commander, self->db, seq, error) &&
      ct_changes_conflict (self->db, seq, bases, &conflict, error)) {
    if (!conflict)
      return ct_db_release (self->db, error);
    ct_fail (error, CT_ERROR_CONFLICT, _ ("somebody changed the same meanwhile"));
  }
  ct_db_rollback_to (self->db, NULL);
  return FALSE;
}

static gboolean
rerun_one (Rebase *self, gint64 seq, GError **error)
{
  g_autoptr (GError) problem = NULL;
  gint64 base;

  if (!find_lost_base (self, seq, &base, error))
    return FALSE;
  if (base) {
    g_autofree char *reason =
        g_strdup_printf (_ ("it builds on command %d, which needs attention"), (int) base);

    return park (self, seq, "depends", reason, error);
  }
  if (run_again (self, seq, &problem))
    return ct_backlog_note_touches (self->db, seq, error);
  if (!is_fatal (problem))
    return park (self, seq, g_error_matches (problem, CT_ERROR, CT_ERROR_CONFLICT) ? "conflict" : "stale",
                 problem->message, error);
  g_propagate_error (error, g_steal_pointer (&problem));
  return FALSE;
}

static gboolean
rerun_pending (Rebase *self, GError **error)
{
  g_autoptr (GArray) pending = NULL;

  /* what a pending command takes back it notes again; what a settled one took back stays so */
  if (!ct_db_run (self->db, error, "DELETE FROM number_series WHERE year = -1", "") ||
      !ct_db_run (self->db, error, "DELETE FROM undone WHERE by_seq > ?", "i", self->state.acknowledged))
    return FALSE;
  pending = ct_backlog_numbers (
      self->db,
      "SELECT seq FROM intents WHERE seq > ? AND args IS NOT NULL AND seq NOT IN (SELECT seq FROM attention)"
      " ORDER BY seq",
      self->state.acknowledged, error);
  for (guint i = 0; pending && i < pending->len; i++)
    if (!rerun_one (self, g_array_index (pending, gint64, i), error))
      return FALSE;
  return pending != NULL;
}

/* Neither a whole pull nor one that comes with a lost scope says of every row that it is hidden: the latter tells of those that
 * were there at the last pull, not of what was written since. */
static gboolean
may_hide_unsaid (Rebase *self)
{
  return self->pulled->whole || !ct_pull_same_scopes (self->state.scopes, self->pulled->scopes);
}

static gboolean
write_through (Rebase *self, GError **error)
{
  gint64 undo_after = self->state.acknowledged;
  g_autoptr (GHashTable) numbers = ct_rebase_rows_numbers (self->db, self->pulled, error);

  self->report.rerun = TRUE;
  if (!numbers || !undo_pending (self, undo_after, error) || !notice_restored_server (self, error) ||
      !ct_rebase_rows_write (self->db, self->pulled, numbers, &self->report, error))
    return FALSE;
  for (guint i = 0; i < self->pulled->verdicts->len; i++)
    if (!settle_one (self, self->pulled->verdicts->pdata[i], error))
      return FALSE;
  return (!may_hide_unsaid (self) || ct_purge_note_missing (self->db, self->state.acknowledged, error)) &&
         ct_purge_history (self->db, self->state.acknowledged, self->now, &self->report.parked, error) &&
         rerun_pending (self, error);
}

/* Touches matter while a command is pending: what is settled or in the tray no longer stands in anybody's way. */
static gboolean
store_state (Rebase *self, GError **error)
{
  const CtCursor *cursor = &self->pulled->cursor;

  return ct_db_run (self->db, error,
                    "DELETE FROM sync_touches WHERE seq <= ? OR seq IN (SELECT seq FROM attention)", "i",
                    self->state.acknowledged) &&
         ct_db_run (self->db, error,
                    "UPDATE sync_state SET epoch = ?, number = ?, nonce = ?, scopes = ?, acknowledged = ?, "
                    "pulled_at = ?"
                    " WHERE one = 1",
                    "kiksii", &cursor->epoch, cursor->number, &cursor->nonce, self->pulled->scopes,
                    self->state.acknowledged, self->now);
}

static gboolean
apply (Rebase *self, GError **error)
{
  gboolean beside = FALSE;

  return check_base (self, error) && ct_purge_begin (self->db, self->pulled, error) &&
         write_beside (self, &beside, error) && (beside || write_through (self, error)) &&
         store_state (self, error);
}

/**
 * ct_rebase_apply:
 * @db: a writable connection outside a transaction
 * @pulled: what the server said
 * @now: when, for the tray
 * @report: (out): what it did; set only on success
 *
 * Brings the replica to the state the server was in when it was asked, with what is still pending on top. A pending
 * command that no longer holds moves to the tray; nothing that was accepted here vanishes.
 *
 * Returns: %FALSE, with the replica as it was: %CT_ERROR_CORRUPT where somebody wrote past the commands (pull whole and
 *   apply with %CT_REBASE_REBUILD), %CT_ERROR_BUSY where another process was faster (pull again)
 */
gboolean
ct_rebase_apply (CtDb *db, CtCommander *commander, CtPulled *pulled, gint64 now, CtRebaseFlags flags,
                 CtRebaseReport *report, GError **error)
{
  Rebase self = { .db = db, .commander = commander, .pulled = pulled, .now = now, .flags = flags };
  gboolean done;

  if (!ct_db_begin (db, error))
    return FALSE;
  done = apply (&self, error);
  ct_backlog_state_clear (&self.state);
  if (!done) {
    ct_db_rollback (db);
    return FALSE;
  }
  if (!ct_db_commit (db, error))
    return FALSE;
  *report = self.report;
  return TRUE;
}
