#include "ct-outbox-private.h"
#include "ct-open-upload.h"

#include <string.h>

/* Posts looked at in one round. */
#define ROUND_MOST 500

/* How long between two looks for a post of unknown fate, or two tries of what does not go. */
#define TRY_EVERY_MS CT_MS_MINUTE

/* How long a task stays "posted" before it is the counterparty's turn, in ms. */
#define AWAIT_AFTER "60000"

CtOutbox *
ct_outbox_new (const CtOutboxOptions *options)
{
  CtOutbox *self = g_new0 (CtOutbox, 1);

  self->options = *options;
  self->actor = g_strdup (options->actor);
  self->holder = g_strdup (options->holder);
  self->budget = ct_rate_budget_new ();
  self->tried = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return self;
}

void
ct_outbox_free (CtOutbox *self)
{
  if (!self)
    return;
  ct_rate_budget_free (self->budget);
  g_hash_table_unref (self->tried);
  g_free (self->actor);
  g_free (self->holder);
  g_free (self);
}

static void
entry_free (gpointer data)
{
  CtOutboxEntry *self = data;

  g_free (self->number);
  g_free (self->channel);
  g_free (self->destination);
  g_free (self->state);
  g_free (self->detail);
  g_free (self->external_id);
  g_free (self);
}

void
ct_outbox_report_clear (CtOutboxReport *self)
{
  g_clear_pointer (&self->entries, g_ptr_array_unref);
  memset (self, 0, sizeof *self);
}

/* Reading */

typedef struct {
  const char *sql;
  gint64 now;
  GArray *ids; /* (owned) (element-type CtId) */
} Ids;

static gboolean
read_ids_cb (CtDb *db, gpointer data, GError **error)
{
  Ids *ids = data;
  g_autoptr (CtStmt) stmt = ct_db_query (db, error, ids->sql, "ii", ids->now, (gint64) ROUND_MOST);

  while (stmt && ct_stmt_next (stmt)) {
    CtId id;

    if (ct_stmt_id (stmt, 0, &id))
      g_array_append_val (ids->ids, id);
  }
  return stmt && ct_stmt_finish (stmt, error);
}

/* (transfer full): @sql: "SELECT id …", with ?1 the time and ?2 how many at most */
GArray *
ct_outbox_read_ids (CtOutbox *self, const char *sql, GError **error)
{
  Ids ids = { sql, ct_outbox_now (self), g_array_new (FALSE, FALSE, sizeof (CtId)) };

  if (ct_store_read (self->options.store, read_ids_cb, &ids, error))
    return ids.ids;
  g_array_unref (ids.ids);
  return NULL;
}

static gboolean
read_stopped_cb (CtDb *db, gpointer data, GError **error)
{
  *(gboolean *) data = ct_post_row_is_stopped (db);
  return ct_open_upload_check (db, error);
}

typedef struct {
  const CtId *id;
  gint64 now, until;
} Quiet;

static gboolean
read_quiet_cb (CtDb *db, gpointer data, GError **error)
{
  Quiet *quiet = data;

  return ct_post_row_quiet_until (db, quiet->id, quiet->now, &quiet->until, error);
}

/* Report */

static gboolean
fill_entry_cb (CtDb *db, gpointer data, GError **error)
{
  CtOutboxEntry *entry = data;
  g_autoptr (CtStmt) stmt = ct_db_query (
      db, error,
      "SELECT number, channel, destination, state, problem, external_message_id, ready_at FROM outbox "
      "WHERE id = ?",
      "k", &entry->id);

  if (!stmt)
    return FALSE;
  if (!ct_stmt_next (stmt))
    return ct_stmt_finish (stmt, error) && ct_fail (error, CT_ERROR_NOT_FOUND, _ ("There is no such post"));
  entry->number = g_strdup (ct_stmt_text (stmt, 0));
  entry->channel = g_strdup (ct_stmt_text (stmt, 1));
  entry->destination = g_strdup (ct_stmt_text (stmt, 2));
  entry->state = g_strdup (ct_stmt_text (stmt, 3));
  if (!entry->detail)
    entry->detail = g_strdup (ct_stmt_text (stmt, 4));
  entry->external_id = g_strdup (ct_stmt_text (stmt, 5));
  entry->ready_at = MAX (entry->ready_at, ct_stmt_int (stmt, 6));
  return TRUE;
}

/* What keeps a post in line that has a problem already; time alone mends none of it. */
static void
look_at_channel (CtOutbox *self, CtOutboxEntry *entry)
{
  g_auto (CtOutboxRoute) route = { 0 };
  g_autoptr (GError) problem = NULL;

  if (ct_outbox_route (self, entry->channel, NULL, &route, &problem))
    return;
  entry->held = TRUE;
  g_free (entry->detail);
  entry->detail = g_strdup (problem->message);
}

/* A post without a problem waits for its undo window to end. */
static void
explain_wait (CtOutbox *self, const CtOutboxReport *report, CtOutboxEntry *entry)
{
  gint64 wait = entry->ready_at - ct_outbox_now (self);

  if (strcmp (entry->state, "ready") != 0 || report->stopped)
    return;
  if (entry->detail)
    look_at_channel (self, entry);
  else if (wait > 0)
    entry->detail =
        g_strdup_printf (_ ("waits %d s (undo window)"), (int) ((wait + CT_MS_SECOND - 1) / CT_MS_SECOND));
}

/* Takes @detail. */
static gboolean
add_entry (CtOutbox *self, CtOutboxReport *report, const CtId *id, char *detail, gint64 ready_at,
           GError **error)
{
  CtOutboxEntry *entry = g_new0 (CtOutboxEntry, 1);

  entry->id = *id;
  entry->detail = detail;
  entry->ready_at = ready_at;
  if (!ct_store_read (self->options.store, fill_entry_cb, entry, error)) {
    entry_free (entry);
    return FALSE;
  }
  explain_wait (self, report, entry);
  report->n_held += entry->held;
  report->n_sent += g_str_has_prefix (entry->state, "sent");
  report->n_failed += strcmp (entry->state, "failed") == 0;
  report->n_unknown += strcmp (entry->state, "unknown") == 0;
  report->n_waiting += strcmp (entry->state, "ready") == 0 || strcmp (entry->state, "leased") == 0;
  g_ptr_array_add (report->entries, entry);
  return TRUE;
}

static gboolean
is_reported (const CtOutboxReport *report, const CtId *id)
{
  for (guint i = 0; i < report->entries->len; i++)
    if (ct_id_equal (&((const CtOutboxEntry *) report->entries->pdata[i])->id, id))
      return TRUE;
  return FALSE;
}

/* What is not settled and was not touched. */
static gboolean
report_waiting (CtOutbox *self, CtOutboxReport *report, GError **error)
{
  g_autoptr (GArray) ids =
      ct_outbox_read_ids (self,
                          "SELECT id FROM outbox WHERE ?1 IS NOT NULL AND state IN ('ready', "
                          "'leased', 'sending', 'unknown') ORDER BY ready_at, n LIMIT ?2",
                          error);

  for (guint i = 0; ids && i < ids->len; i++) {
    const CtId *id = &g_array_index (ids, CtId, i);

    if (!is_reported (report, id) &&
        !add_entry (self, report, id, report->stopped ? g_strdup (_ ("All sending is stopped")) : NULL, 0,
                    error))
      return FALSE;
  }
  return ids != NULL;
}

/* Recovery */

/* A sender died between "sending" and the end: nobody knows. */
static gboolean
recover (CtOutbox *self, GError **error)
{
  g_autoptr (GArray) ids = ct_outbox_read_ids (
      self, "SELECT id FROM outbox WHERE state = 'sending' AND leased_until <= ?1 ORDER BY n LIMIT ?2",
      error);

  for (guint i = 0; ids && i < ids->len; i++) {
    g_auto (CtPostRow) post = { 0 };
    g_autofree char *id = ct_id_to_string (&g_array_index (ids, CtId, i));
    g_autoptr (GError) problem = NULL;

    if (!ct_outbox_load (self, &g_array_index (ids, CtId, i), &post, error))
      return FALSE;
    /* another sender, or its own that lives after all, may have been quicker */
    if (!ct_outbox_execute (self, "post.unknown",
                            ct_json_build ("sis", "post", id, "fence", post.fence, "detail",
                                           _ ("The sender stopped while it was sending")),
                            NULL, &problem) &&
        !g_error_matches (problem, CT_ERROR, CT_ERROR_CONFLICT)) {
      g_propagate_error (error, g_steal_pointer (&problem));
      return FALSE;
    }
  }
  return ids != NULL;
}

/* Whether something is not tried too often: not more than once a minute by the same @key. */
gboolean
ct_outbox_is_time (CtOutbox *self, const char *key)
{
  gint64 now = g_get_monotonic_time () / 1000;
  gint64 *next = g_hash_table_lookup (self->tried, key);

  if (next && *next > now)
    return FALSE;
  next = g_new (gint64, 1);
  *next = now + TRY_EVERY_MS;
  g_hash_table_replace (self->tried, g_strdup (key), next);
  return TRUE;
}

const char *
ct_outbox_not_found (void)
{
  return _ ("It may or may not have been sent; it was not found there: look, then resolve it");
}

static gboolean
read_back_all (CtOutbox *self, GCancellable *cancellable, CtOutboxReport *report, GError **error)
{
  g_autoptr (GArray) ids = ct_outbox_read_ids (
      self, "SELECT id FROM outbox WHERE state = 'unknown' AND ?1 IS NOT NULL ORDER BY n LIMIT ?2", error);

  for (guint i = 0; ids && i < ids->len; i++) {
    const CtId *id = &g_array_index (ids, CtId, i);
    g_autofree char *text = ct_id_to_string (id);
    g_autoptr (GError) problem = NULL;
    gboolean found = FALSE;
    char *detail = NULL;

    if (!ct_outbox_is_time (self, text))
      continue;
    if (!ct_outbox_read_back (self, id, cancellable, &found, &problem))
      detail = g_strdup (problem->message);
    else if (!found)
      detail = g_strdup (ct_outbox_not_found ());
    if (!add_entry (self, report, id, detail, 0, error))
      return FALSE;
  }
  return ids != NULL;
}

/* A task whose posts went out a moment ago waits for an answer from now on. */
static gboolean
await_replies (CtOutbox *self, GError **error)
{
  g_autoptr (GArray) ids = ct_outbox_read_ids (
      self,
      "SELECT id FROM follow_up_tasks t WHERE status = 'posted' AND status_since_at <= ?1 - " AWAIT_AFTER
      " AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.task_id = t.id AND o.state IN ('ready', 'leased', "
      "'sending', "
      "'unknown')) ORDER BY n LIMIT ?2",
      error);

  for (guint i = 0; ids && i < ids->len; i++) {
    g_autofree char *id = ct_id_to_string (&g_array_index (ids, CtId, i));
    g_autoptr (GError) problem = NULL;

    /* a task that somebody moved meanwhile, or that this actor may not touch, is left to them */
    if (!ct_outbox_execute (self, "task.await_reply", ct_json_build ("s", "task", id), NULL, &problem) &&
        !g_error_matches (problem, CT_ERROR, CT_ERROR_CONFLICT) &&
        !g_error_matches (problem, CT_ERROR, CT_ERROR_REFUSED)) {
      g_propagate_error (error, g_steal_pointer (&problem));
      return FALSE;
    }
  }
  return ids != NULL;
}

/* Rounds */

/* What one post runs into is not the end of the round: the others have their turn, and the report says what it was. */
static gboolean
send_next (CtOutbox *self, const CtId *id, GCancellable *cancellable, char **waits_for, gint64 *ready_at,
           GError **error)
{
  g_autoptr (GError) problem = NULL;

  if (ct_outbox_send_one (self, id, cancellable, waits_for, ready_at, &problem))
    return TRUE;
  if (problem->domain != CT_ERROR || problem->code == CT_ERROR_FAILED) {
    g_propagate_error (error, g_steal_pointer (&problem));
    return FALSE;
  }
  g_free (*waits_for);
  *waits_for = g_strdup (problem->message);
  return TRUE;
}

static gboolean
send_all (CtOutbox *self, GCancellable *cancellable, CtOutboxReport *report, GError **error)
{
  g_autoptr (GArray) ids = ct_outbox_read_ids (
      self,
      "SELECT id FROM outbox WHERE ready_at <= ?1 AND (state = 'ready' OR (state = 'leased' AND "
      "leased_until <= ?1)) ORDER BY ready_at, n LIMIT ?2",
      error);

  for (guint i = 0; ids && i < ids->len && !g_cancellable_is_cancelled (cancellable); i++) {
    const CtId *id = &g_array_index (ids, CtId, i);
    Quiet quiet = { id, ct_outbox_now (self), 0 };
    g_autofree char *waits_for = NULL;
    gint64 ready_at = 0;

    if (!ct_store_read (self->options.store, read_quiet_cb, &quiet, error))
      return FALSE;
    if (quiet.until > quiet.now) {
      waits_for = g_strdup (_ ("This counterparty was written to a short while ago"));
      ready_at = quiet.until;
    } else if (!send_next (self, id, cancellable, &waits_for, &ready_at, error)) {
      return FALSE;
    }
    if (!add_entry (self, report, id, g_steal_pointer (&waits_for), ready_at, error))
      return FALSE;
  }
  return ids != NULL;
}

/**
 * ct_outbox_run:
 * @report: (out): clear with ct_outbox_report_clear(); what happened up to a failure is in the workspace all the same
 *
 * One round: settles what a sender left behind, takes back and looks for what people asked for, looks for posts of unknown
 * fate, sends what is ready now. Where all sending is stopped nothing is sent.
 *
 * Returns: %FALSE only where the workspace itself cannot be used, %CT_ERROR_REFUSED while the fate of an upload of it is open; a
 *   post that fails is in the report
 */
gboolean
ct_outbox_run (CtOutbox *self, GCancellable *cancellable, CtOutboxReport *report, GError **error)
{
  g_auto (CtOutboxReport) round = { .entries = g_ptr_array_new_with_free_func (entry_free) };

  if (!ct_store_read (self->options.store, read_stopped_cb, &round.stopped, error) ||
      !recover (self, error) || !await_replies (self, error))
    return FALSE;
  if (self->options.settle || ct_authority_may_send (ct_commander_get_authority (self->options.commander))) {
    /* what went out by mistake is taken back also while all sending is stopped */
    if (!ct_outbox_do_asked (self, cancellable, &round.n_retracted, error))
      return FALSE;
    if (!round.stopped &&
        ((self->options.sign && !self->options.sign (self->options.sign_data, error)) ||
         !read_back_all (self, cancellable, &round, error) || !send_all (self, cancellable, &round, error)))
      return FALSE;
  }
  if (!report_waiting (self, &round, error))
    return FALSE;
  *report = round;
  round = (CtOutboxReport){ 0 };
  return TRUE;
}

static gboolean
read_next_cb (CtDb *db, gpointer data, GError **error)
{
  return ct_db_read_int (
      db, data, error,
      "SELECT min(at) FROM (SELECT CASE state WHEN 'ready' THEN ready_at ELSE leased_until END AS at FROM "
      "outbox WHERE state IN ('ready', 'leased', 'sending') UNION ALL SELECT coalesce(leased_until, "
      "retract_asked_at) FROM outbox WHERE retract_asked_at IS NOT NULL AND state = 'sent' UNION ALL "
      "SELECT look_asked_at FROM outbox WHERE look_asked_at IS NOT NULL AND state = 'unknown')",
      "");
}

/* When the next round has something to do by the clock: 0 for nothing, -1 with @error. */
gint64
ct_outbox_next (CtStore *store, GError **error)
{
  gint64 next = CT_NULL_INT;

  if (!ct_store_read (store, read_next_cb, &next, error))
    return -1;
  return next == CT_NULL_INT ? 0 : next;
}

/**
 * ct_outbox_test:
 * @channel: its name
 *
 * Authenticates at the provider; never posts.
 *
 * Returns: (transfer full): as whom, or %NULL
 */
char *
ct_outbox_test (CtOutbox *self, const char *channel, GCancellable *cancellable, GError **error)
{
  g_auto (CtOutboxRoute) route = { 0 };
  CtChannelLink link;

  if (!ct_outbox_route (self, channel, cancellable, &route, error))
    return NULL;
  link = ct_outbox_link (self, &route, cancellable);
  return route.klass->test (&link, error);
}
