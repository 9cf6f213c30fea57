/* The SLA ledger of a task as rows of sla_events, and the policy that gives it meaning. */
#include "ct-sla-book.h"
#include "ct-configuration.h"
#include "ct-effect.h"
#include "ct-rows.h"

#include <string.h>

#define OWN "own:"

void
ct_sla_terms_clear (CtSlaTerms *self)
{
  g_clear_pointer (&self->name, g_free);
  g_clear_pointer (&self->calendar, ct_calendar_unref);
}

/* The facts that policies and routes match an exception by; (transfer full). */
JsonObject *
ct_sla_facts (CtDb *db, const CtId *exception, GError **error)
{
  return ct_rows_one (db, error,
                      "SELECT e.rule, e.blocker, e.severity, e.score, e.subject_type AS subjectType, "
                      "e.value_at_risk_minor AS valueMinor, e.currency, e.country, e.owner, "
                      "d.value_band AS valueBand, lower(d.region) AS region "
                      "FROM exceptions e LEFT JOIN distributors d ON d.id = e.distributor_id WHERE e.id = ?",
                      "k", exception);
}

/* One goal, around the clock: what a person or an agent's profile asks for by a duration alone. */
static void
take_duration (CtSlaTerms *terms, gint64 duration)
{
  CtSlaGoal goal = { duration - duration / 4, duration, duration, duration };

  memset (terms, 0, sizeof *terms);
  terms->name = g_strdup_printf (OWN "%" G_GINT64_FORMAT, duration);
  terms->goals[CT_SLA_RESOLUTION] = goal;
  terms->calendar = ct_calendar_new_always ();
}

static gboolean
take_policy (CtDb *db, const CtSlaPolicy *policy, CtSlaTerms *terms, GError **error)
{
  CtCalendar *calendar = ct_configuration_calendar (db, policy->calendar, error);

  if (!calendar) {
    g_prefix_error (error, _ ("SLA policy “%s”: "), policy->name);
    return FALSE;
  }
  terms->name = g_strdup (policy->id);
  terms->calendar = calendar;
  memcpy (terms->goals, policy->goals, sizeof terms->goals);
  return TRUE;
}

/**
 * ct_sla_terms_find:
 * @exception: (nullable): what the task is about
 * @own: ms that the task was given, 0: none
 * @fallback: ms that apply where no policy does
 * @terms: (out): clear with ct_sla_terms_clear(); set only on success
 *
 * The task's own duration comes first, then the first policy that matches, then @fallback.
 */
gboolean
ct_sla_terms_find (CtDb *db, const CtId *exception, gint64 own, gint64 fallback, CtSlaTerms *terms,
                   GError **error)
{
  g_autoptr (JsonObject) facts = NULL;
  g_autoptr (GPtrArray) policies = NULL;
  const CtSlaPolicy *policy;

  if (own > 0) {
    take_duration (terms, own);
    return TRUE;
  }
  facts = exception ? ct_sla_facts (db, exception, error) : json_object_new ();
  policies = facts ? ct_configuration_sla_policies (db, error) : NULL;
  if (!policies)
    return FALSE;
  policy = ct_sla_policy_find (policies, facts);
  if (policy)
    return take_policy (db, policy, terms, error);
  take_duration (terms, fallback > 0 ? fallback : CT_MS_DAY);
  return TRUE;
}

/* The terms that a task was made under, as they read today; those of its facts where that policy is gone. */
gboolean
ct_sla_terms_load (CtDb *db, const char *name, const CtId *exception, CtSlaTerms *terms, GError **error)
{
  g_autoptr (GPtrArray) policies = NULL;

  if (g_str_has_prefix (name, OWN)) {
    take_duration (terms, MAX (1, g_ascii_strtoll (name + strlen (OWN), NULL, 10)));
    return TRUE;
  }
  policies = ct_configuration_sla_policies (db, error);
  for (guint i = 0; policies && i < policies->len; i++) {
    const CtSlaPolicy *policy = policies->pdata[i];

    if (strcmp (policy->id, name) == 0)
      return take_policy (db, policy, terms, error);
  }
  return policies && ct_sla_terms_find (db, exception, 0, 0, terms, error);
}

/* (transfer full) (element-type CtSlaEvent). What one command wrote has one time, and comes from a server in any order. */
GArray *
ct_sla_book_read (CtDb *db, const CtId *task, GError **error)
{
  g_autoptr (GArray) ledger = ct_sla_ledger_new ();
  g_autoptr (CtStmt) stmt = ct_db_query (
      db, error,
      "SELECT event, target, instance, at FROM sla_events WHERE subject_id = ? ORDER BY at, instance, "
      "CASE event WHEN 'activate' THEN 1 WHEN 'resume' THEN 2 WHEN 'pause' THEN 3 ELSE 4 END, n",
      "k", task);

  while (stmt && ct_stmt_next (stmt)) {
    CtSlaEvent event = { .instance = (guint) ct_stmt_int (stmt, 2), .at = ct_stmt_int (stmt, 3) };

    if (ct_sla_event_kind_parse (ct_stmt_text (stmt, 0), &event.kind) &&
        ct_sla_target_parse (ct_stmt_text (stmt, 1), &event.target))
      g_array_append_val (ledger, event);
  }
  return stmt && ct_stmt_finish (stmt, error) ? g_steal_pointer (&ledger) : NULL;
}

static gint64
or_null (gint64 at)
{
  return at == CT_SLA_NEVER ? CT_NULL_INT : at;
}

/* The earliest of all clocks that run: that is what burns. A paused clock has nothing ahead of it. */
void
ct_sla_book_dates (const GArray *ledger, const CtSlaTerms *terms, gint64 escalate_after, gint64 now,
                   CtSlaDates *dates)
{
  gint64 due = CT_SLA_NEVER, warning = CT_SLA_NEVER, hard = CT_SLA_NEVER, escalate = CT_SLA_NEVER;

  for (guint i = 0; i < CT_N_SLA_TARGETS; i++) {
    CtSlaState state;

    ct_sla_state (ledger, (CtSlaTarget) i, &terms->goals[i], terms->calendar, now, &state);
    if (state.phase != CT_SLA_RUNNING)
      continue;
    warning = MIN (warning, state.warning_at);
    hard = MIN (hard, state.hard_at);
    due = MIN (due, state.due_at);
    escalate = MIN (escalate, state.escalate_at);
  }
  if (escalate_after > 0)
    escalate =
        MIN (escalate, ct_sla_crossing (ledger, CT_SLA_RESOLUTION, escalate_after, terms->calendar, now));
  dates->due_at = or_null (due);
  dates->warning_at = or_null (warning);
  dates->hard_at = or_null (hard);
  dates->escalate_at = or_null (escalate);
}

static gboolean
insert_event (CtCommand *command, const CtId *task, const CtSlaEvent *event, guint index, CtParty party,
              GError **error)
{
  g_autofree char *text = ct_id_to_string (task);
  g_autofree char *label =
      g_strconcat ("sla_events/", text, NULL); /* one command may concern several tasks */
  CtId id = ct_effect_new_id (command, label, index);

  return ct_effect_insert (command, error, "sla_events", &id,
                           "subject_type,subject_id,target,instance,event,at,party", "sksisis", "task", task,
                           ct_sla_target_name (event->target), (gint64) event->instance,
                           ct_sla_event_kind_name (event->kind), event->at, ct_party_name (party));
}

/**
 * ct_sla_book_write:
 * @targets: CT_SLA_BIT()s; those that cannot take @kind now are left alone
 * @party: who has the ball from now on
 *
 * Writes lines into the ledger. A clock that was set back does not make it run backwards.
 */
gboolean
ct_sla_book_write (CtCommand *command, const CtId *task, CtSlaEventKind kind, guint targets, CtParty party,
                   GError **error)
{
  g_autoptr (GArray) ledger = ct_sla_book_read (command->db, task, error);
  gint64 at = command->now;

  if (!ledger)
    return FALSE;
  if (ledger->len > 0)
    at = MAX (at, g_array_index (ledger, CtSlaEvent, ledger->len - 1).at);
  for (guint i = 0; i < CT_N_SLA_TARGETS; i++) {
    if (!(targets & (1u << i)) || !ct_sla_append (ledger, kind, (CtSlaTarget) i, at, NULL))
      continue;
    if (!insert_event (command, task, &g_array_index (ledger, CtSlaEvent, ledger->len - 1), ledger->len,
                       party, error))
      return FALSE;
  }
  return TRUE;
}

/**
 * ct_sla_book_unrecorded:
 * @targets: (out): CT_SLA_BIT()s of what the task has run past and the ledger does not say yet
 */
gboolean
ct_sla_book_unrecorded (CtDb *db, const CtId *task, gint64 now, guint *targets, GError **error)
{
  g_auto (CtSlaTerms) terms = { 0 };
  g_autoptr (GArray) ledger = ct_sla_book_read (db, task, error);
  g_autofree char *policy =
      ledger ? ct_db_read_text (db, error, "SELECT sla_policy FROM follow_up_tasks WHERE id = ?", "k", task)
             : NULL;
  CtId exception;
  gboolean has_exception;

  if (!policy)
    return FALSE;
  has_exception = ct_db_read_id (db, &exception, NULL,
                                 "SELECT exception_id FROM follow_up_tasks WHERE id = ?", "k", task);
  if (!ct_sla_terms_load (db, policy, has_exception ? &exception : NULL, &terms, error))
    return FALSE;
  *targets = 0;
  for (guint i = 0; i < CT_N_SLA_TARGETS; i++) {
    CtSlaState state;

    ct_sla_state (ledger, (CtSlaTarget) i, &terms.goals[i], terms.calendar, now, &state);
    if (state.breached && !state.breach_recorded)
      *targets |= 1u << i;
  }
  return TRUE;
}
