/* One pass over what time has brought. Each step asks which records it concerns and gives each its command; a record
 * that somebody else was quicker with is left alone, so that a second pass at the same moment finds nothing. */
#include "ct-scheduler.h"
#include "ct-approve.h"
#include "ct-sla-book.h"

#include <string.h>

/* So many records are read at once; and a step that has done as much leaves the rest to the next pass. */
#define MOST_A_STEP 500

typedef struct {
  const CtAgent *agent;
  gint64 now;
  GCancellable *cancellable;
  CtSchedulerReport *report;
} Pass;

typedef struct {
  CtId id;
  char *number;
  char *text;
  gint64 at;
} Due;

/* A step: which records, as id, number, text and what orders them, "at"; and what to do with each. ?1 is now. */
typedef struct {
  const char *sql;
  gboolean (*run) (Pass *pass, const Due *due, gboolean *done, GError **error);
  gsize counter; /* offset of the report's count */
} Step;

void
ct_scheduler_report_clear (CtSchedulerReport *self)
{
  g_clear_pointer (&self->problems, g_ptr_array_unref);
}

/* (transfer full) */
JsonObject *
ct_scheduler_report_to_json (const CtSchedulerReport *self)
{
  JsonArray *problems = json_array_new ();

  for (guint i = 0; self->problems && i < self->problems->len; i++)
    json_array_add_string_element (problems, self->problems->pdata[i]);
  return ct_json_build ("iiiiiiia", "expired", (gint64) self->expired, "voided", (gint64) self->voided,
                        "resolved", (gint64) self->resolved, "breached", (gint64) self->breached, "woken",
                        (gint64) self->woken, "escalated", (gint64) self->escalated, "drafted",
                        (gint64) self->drafted, "problems", problems);
}

/* Finding */

typedef struct {
  const char *sql;
  gint64 now;
  gint64 at; /* of the last one seen, as id */
  CtId id;
  GPtrArray *found; /* (unowned) (element-type Due) */
} Search;

static void
due_free (gpointer data)
{
  Due *self = data;

  g_free (self->number);
  g_free (self->text);
  g_free (self);
}

static gboolean
search_cb (CtDb *db, gpointer data, GError **error)
{
  Search *self = data;
  g_autofree char *sql = g_strdup_printf (
      "SELECT id, number, text, at FROM (%s) WHERE (at, id) > (?2, ?3) ORDER BY at, id LIMIT ?4", self->sql);
  g_autoptr (CtStmt) stmt =
      ct_db_query (db, error, sql, "iiki", self->now, self->at, &self->id, (gint64) MOST_A_STEP);

  while (stmt && ct_stmt_next (stmt)) {
    Due *due = g_new0 (Due, 1);

    ct_stmt_id (stmt, 0, &due->id);
    due->number = g_strdup (ct_stmt_text (stmt, 1));
    due->text = g_strdup (ct_stmt_text (stmt, 2));
    due->at = ct_stmt_int (stmt, 3);
    g_ptr_array_add (self->found, due);
  }
  return stmt && ct_stmt_finish (stmt, error);
}

/* Doing */

static gboolean
execute (Pass *pass, const char *name, const char *argument, const Due *due, const char *reason_name,
         const char *reason, GError **error)
{
  g_autofree char *id = ct_id_to_string (&due->id);
  g_autoptr (JsonObject) args = ct_json_build ("s", argument, id);
  g_auto (CtOutcome) outcome = { 0 };

  if (reason_name)
    json_object_set_string_member (args, reason_name, reason);
  return ct_agent_execute (pass->agent, name, args, pass->now, &outcome, error);
}

static gboolean
expire (Pass *pass, const Due *due, gboolean *done, GError **error)
{
  *done = TRUE;
  return execute (pass, "approval.expire", "approval", due, NULL, NULL, error);
}

typedef struct {
  Pass *pass;
  const CtId *approval;
  gboolean *voided;
} Voiding;

static gboolean
void_cb (CtDb *db, gpointer data, GError **error)
{
  Voiding *self = data;
  const CtAgent *agent = self->pass->agent;

  return ct_approve_void_if_changed (db, agent->commander, agent->actor, self->pass->now, self->approval,
                                     self->voided, error);
}

static gboolean
void_changed (Pass *pass, const Due *due, gboolean *done, GError **error)
{
  Voiding voiding = { pass, &due->id, done };

  return ct_store_write (pass->agent->store, void_cb, &voiding, error);
}

static gboolean
resolve (Pass *pass, const Due *due, gboolean *done, GError **error)
{
  *done = TRUE;
  return execute (pass, "task.resolve", "task", due, "resolution", due->text, error);
}

typedef struct {
  const CtId *task;
  gint64 now;
  guint targets;
} Breaches;

static gboolean
breaches_cb (CtDb *db, gpointer data, GError **error)
{
  Breaches *self = data;

  return ct_sla_book_unrecorded (db, self->task, self->now, &self->targets, error);
}

static gboolean
breach (Pass *pass, const Due *due, gboolean *done, GError **error)
{
  Breaches breaches = { &due->id, pass->now, 0 };

  if (!ct_store_read (pass->agent->store, breaches_cb, &breaches, error))
    return FALSE;
  *done = breaches.targets != 0;
  return breaches.targets == 0 || execute (pass, "task.breach", "task", due, NULL, NULL, error);
}

static gboolean
wake (Pass *pass, const Due *due, gboolean *done, GError **error)
{
  *done = TRUE;
  return execute (pass, "task.wake", "task", due, NULL, NULL, error);
}

static gboolean
escalate (Pass *pass, const Due *due, gboolean *done, GError **error)
{
  const char *reason = ct_text_is_blank (due->text) ? _ ("The time set for this has passed") : due->text;

  *done = TRUE;
  return execute (pass, "task.escalate", "task", due, "reason", reason, error);
}

static gboolean
run_agent (Pass *pass, const Due *due, gboolean *done, GError **error)
{
  g_autoptr (JsonObject) result = ct_agent_run (pass->agent, &due->id, pass->now, pass->cancellable, error);

  *done = result != NULL;
  return *done;
}

/* In this order: what is over falls away before anything new is begun. */
static const Step steps[] = {
  { "SELECT id, number, '' AS text, expires_at AS at FROM approvals WHERE state = 'pending' AND expires_at "
    "<= "
    "?1",
    expire, G_STRUCT_OFFSET (CtSchedulerReport, expired) },
  { "SELECT id, number, '' AS text, coalesce(deadline_at, expires_at) AS at FROM approvals WHERE state = "
    "'pending' AND ?1 > 0",
    void_changed, G_STRUCT_OFFSET (CtSchedulerReport, voided) },
  { "SELECT t.id, t.number, e.number || ' is ' || e.state AS text, 0 AS at FROM follow_up_tasks t JOIN "
    "exceptions e ON e.id = t.exception_id WHERE e.state <> 'open' AND t.status <> 'resolved' AND "
    "e.cleared_at <= ?1 AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.task_id = t.id AND o.state IN "
    "('leased', 'sending', 'unknown'))",
    resolve, G_STRUCT_OFFSET (CtSchedulerReport, resolved) },
  { "SELECT id, number, '' AS text, sla_due_at AS at FROM follow_up_tasks WHERE status <> 'resolved' AND "
    "sla_due_at < ?1",
    breach, G_STRUCT_OFFSET (CtSchedulerReport, breached) },
  { "SELECT id, number, '' AS text, snoozed_until AS at FROM follow_up_tasks WHERE status = 'snoozed' AND "
    "snoozed_until <= ?1",
    wake, G_STRUCT_OFFSET (CtSchedulerReport, woken) },
  /* never once it is answered for now: the clock stands while the other side must speak */
  { "SELECT id, number, escalation_rule AS text, escalate_at AS at FROM follow_up_tasks WHERE escalate_at <= "
    "?1 AND status NOT IN ('resolved', 'escalated', 'blocked', 'snoozed', 'awaiting_reply')",
    escalate, G_STRUCT_OFFSET (CtSchedulerReport, escalated) },
  { "SELECT id, number, '' AS text, coalesce(sla_due_at, 9223372036854775807) AS at FROM follow_up_tasks "
    "WHERE next_check_at <= ?1 AND status IN ('assigned', 'scheduled', 'drafting', 'awaiting_reply', "
    "'reopened', 'escalated')",
    run_agent, G_STRUCT_OFFSET (CtSchedulerReport, drafted) },
};

/* Somebody else was quicker, or it is another team's: neither is a problem. */
static gboolean
is_harmless (const GError *error)
{
  return g_error_matches (error, CT_ERROR, CT_ERROR_CONFLICT) ||
         g_error_matches (error, CT_ERROR, CT_ERROR_REFUSED);
}

static gboolean
run_found (Pass *pass, const Step *step, GPtrArray *found, guint *count, GError **error)
{
  for (guint i = 0; i < found->len; i++) {
    const Due *due = found->pdata[i];
    g_autoptr (GError) problem = NULL;
    gboolean done = FALSE;

    if (g_cancellable_set_error_if_cancelled (pass->cancellable, error))
      return FALSE;
    if (step->run (pass, due, &done, &problem))
      *count += done;
    else if (g_error_matches (problem, G_IO_ERROR, G_IO_ERROR_CANCELLED))
      return g_propagate_error (error, g_steal_pointer (&problem)), FALSE;
    else if (!is_harmless (problem))
      g_ptr_array_add (pass->report->problems, g_strdup_printf ("%s: %s", due->number, problem->message));
  }
  return TRUE;
}

/* Goes on behind the last record seen: many that stay as they are, recorded breaches or another team's tasks, must not
 * hide the later ones for ever. */
static gboolean
run_step (Pass *pass, const Step *step, GError **error)
{
  Search search = { .sql = step->sql, .now = pass->now, .at = G_MININT64 };
  guint *count = G_STRUCT_MEMBER_P (pass->report, step->counter);
  guint n;

  do {
    g_autoptr (GPtrArray) found = g_ptr_array_new_with_free_func (due_free);

    search.found = found;
    if (!ct_store_read (pass->agent->store, search_cb, &search, error) ||
        !run_found (pass, step, found, count, error))
      return FALSE;
    n = found->len;
    if (n > 0) {
      const Due *last = found->pdata[n - 1];

      search.at = last->at;
      search.id = last->id;
    }
  } while (n == MOST_A_STEP && *count < MOST_A_STEP);
  return TRUE;
}

/**
 * ct_scheduler_run:
 * @now: the present; nothing here asks a clock
 * @cancellable: (nullable): between two records nothing is half done
 * @report: (out): clear with ct_scheduler_report_clear(); set in any case
 *
 * One pass: approvals expire or fall with their facts, tasks of exceptions that are gone are resolved, breaches are
 * written into the ledger, snoozes end, escalations happen, and the agents of due tasks draft.
 *
 * Returns: %FALSE where the pass could not be made at all, or was cancelled; problems of single records are in @report
 */
gboolean
ct_scheduler_run (const CtAgent *agent, gint64 now, GCancellable *cancellable, CtSchedulerReport *report,
                  GError **error)
{
  Pass pass = { agent, now, cancellable, report };

  memset (report, 0, sizeof *report);
  report->problems = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < G_N_ELEMENTS (steps); i++)
    if (!run_step (&pass, &steps[i], error))
      return FALSE;
  return TRUE;
}

/**
 * ct_scheduler_next_at:
 * @at: (out): %CT_NULL_INT where nothing is waiting for its time
 *
 * When a worker should make its next pass at the latest: at once where records changed, since approvals may stand on
 * them. A deadline counts until the ledger has a breach after it.
 */
gboolean
ct_scheduler_next_at (CtDb *db, gint64 *at, GError **error)
{
  return ct_db_read_int (
      db, at, error,
      "SELECT min(at) FROM (SELECT min(expires_at) AS at FROM approvals WHERE state = 'pending' "
      "UNION ALL SELECT 1 WHERE EXISTS (SELECT 1 FROM dirty) AND EXISTS (SELECT 1 FROM approvals WHERE "
      "state = 'pending') "
      "UNION ALL SELECT min(sla_due_at) + 1 FROM follow_up_tasks t WHERE status <> 'resolved' AND NOT EXISTS "
      "(SELECT 1 FROM sla_events s WHERE s.subject_id = t.id AND s.event = 'breach' AND s.at > t.sla_due_at) "
      "UNION ALL SELECT min(next_check_at) FROM follow_up_tasks WHERE status IN ('assigned', "
      "'scheduled', 'drafting', 'awaiting_reply', 'reopened', 'escalated') "
      "UNION ALL SELECT min(snoozed_until) FROM follow_up_tasks WHERE status = 'snoozed' "
      "UNION ALL SELECT min(escalate_at) FROM follow_up_tasks WHERE status NOT IN ('resolved', "
      "'escalated', 'blocked', 'snoozed', 'awaiting_reply'))",
      "");
}
