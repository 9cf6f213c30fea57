#include "ct-task-state.h"

#include "ct-base.h"

#define TO(state) (1u << CT_TASK_##state)

/* What a person may do to any task that is not closed: set it aside, or close it. */
#define ASIDE (TO (SNOOZED) | TO (ESCALATED) | TO (BLOCKED) | TO (RESOLVED))

/* Where a task that was set aside goes on. An approval that had been given is never taken up again: it is
 * bound to its moment, so the task waits for a new one. */
#define GO_ON                                                                                                \
  (TO (OPEN) | TO (ASSIGNED) | TO (SCHEDULED) | TO (DRAFTING) | TO (WAITING_FOR_HUMAN_APPROVAL) |            \
   TO (AWAITING_REPLY))

static const struct {
  const char *name;
  const char *label;
  guint to;
  gboolean open;
  CtParty party;
} states[CT_N_TASK_STATES] = {
  [CT_TASK_OPEN] = { "open", N_ ("Open"), TO (ASSIGNED) | ASIDE, TRUE, CT_PARTY_AGENT },
  [CT_TASK_ASSIGNED] = { "assigned", N_ ("Assigned"), TO (OPEN) | TO (SCHEDULED) | TO (DRAFTING) | ASIDE,
                         TRUE, CT_PARTY_AGENT },
  [CT_TASK_SCHEDULED] = { "scheduled", N_ ("Scheduled"), TO (ASSIGNED) | TO (DRAFTING) | ASIDE, TRUE,
                          CT_PARTY_AGENT },
  [CT_TASK_DRAFTING] = { "drafting", N_ ("Drafting"),
                         TO (ASSIGNED) | TO (SCHEDULED) | TO (WAITING_FOR_HUMAN_APPROVAL) | ASIDE, TRUE,
                         CT_PARTY_AGENT },
  /* asked for changes: drafting; rejected, or voided by new facts: scheduled */
  [CT_TASK_WAITING_FOR_HUMAN_APPROVAL] = { "waiting_for_human_approval", N_ ("Waiting for approval"),
                                           TO (APPROVED) | TO (DRAFTING) | TO (SCHEDULED) | TO (ASSIGNED) |
                                               ASIDE,
                                           TRUE, CT_PARTY_APPROVER },
  /* voided before it went out: back to the approver or the agent */
  [CT_TASK_APPROVED] = { "approved", N_ ("Approved"),
                         TO (POSTED) | TO (WAITING_FOR_HUMAN_APPROVAL) | TO (DRAFTING) | TO (SCHEDULED) |
                             TO (ESCALATED) | TO (BLOCKED) | TO (RESOLVED),
                         TRUE, CT_PARTY_CHANNEL },
  [CT_TASK_POSTED] = { "posted", N_ ("Posted"), TO (AWAITING_REPLY) | TO (SCHEDULED) | ASIDE, TRUE,
                       CT_PARTY_CHANNEL },
  [CT_TASK_AWAITING_REPLY] = { "awaiting_reply", N_ ("Awaiting reply"),
                               TO (ASSIGNED) | TO (SCHEDULED) | TO (DRAFTING) | ASIDE, TRUE,
                               CT_PARTY_COUNTERPARTY },
  [CT_TASK_RESOLVED] = { "resolved", N_ ("Resolved"), TO (REOPENED), FALSE, CT_PARTY_NONE },
  [CT_TASK_SNOOZED] = { "snoozed", N_ ("Snoozed"), GO_ON | TO (ESCALATED) | TO (BLOCKED) | TO (RESOLVED),
                        TRUE, CT_PARTY_APPROVER },
  [CT_TASK_ESCALATED] = { "escalated", N_ ("Escalated"), GO_ON | TO (SNOOZED) | TO (BLOCKED) | TO (RESOLVED),
                          TRUE, CT_PARTY_APPROVER },
  [CT_TASK_BLOCKED] = { "blocked", N_ ("Blocked"), GO_ON | TO (SNOOZED) | TO (ESCALATED) | TO (RESOLVED),
                        TRUE, CT_PARTY_APPROVER },
  [CT_TASK_REOPENED] = { "reopened", N_ ("Reopened"), TO (ASSIGNED) | TO (SCHEDULED) | TO (DRAFTING) | ASIDE,
                         TRUE, CT_PARTY_AGENT },
};

/* The name in the database, in JSON and in the policy. */
const char *
ct_task_state_name (CtTaskState state)
{
  g_return_val_if_fail (state < CT_N_TASK_STATES, NULL);
  return states[state].name;
}

/* Translated. */
const char *
ct_task_state_label (CtTaskState state)
{
  g_return_val_if_fail (state < CT_N_TASK_STATES, NULL);
  return _ (states[state].label);
}

/**
 * ct_task_state_parse:
 * @name: (nullable): as ct_task_state_name() gives it
 * @state: (out): set only on success
 */
gboolean
ct_task_state_parse (const char *name, CtTaskState *state)
{
  for (guint i = 0; i < CT_N_TASK_STATES; i++)
    if (g_strcmp0 (states[i].name, name) == 0) {
      *state = (CtTaskState) i;
      return TRUE;
    }
  return FALSE;
}

/* All but resolved. */
gboolean
ct_task_state_is_open (CtTaskState state)
{
  g_return_val_if_fail (state < CT_N_TASK_STATES, FALSE);
  return states[state].open;
}

/* Whether the SLA clock stands still: while the counterparty must answer (DOMAIN: SLA). */
gboolean
ct_task_state_stops_clock (CtTaskState state)
{
  return ct_task_state_party (state) == CT_PARTY_COUNTERPARTY;
}

/* Whether a draft of this task waits, so that a change of its facts must void it. */
gboolean
ct_task_state_is_drafted (CtTaskState state)
{
  return state == CT_TASK_DRAFTING || state == CT_TASK_WAITING_FOR_HUMAN_APPROVAL ||
         state == CT_TASK_APPROVED;
}

/* Whether what was approved for a task may go out: not once it is set aside or closed. */
gboolean
ct_task_state_may_send (CtTaskState state)
{
  g_return_val_if_fail (state < CT_N_TASK_STATES, FALSE);
  return !((1u << state) & ASIDE);
}

/* Whose time passes while a task is in @state. */
CtParty
ct_task_state_party (CtTaskState state)
{
  g_return_val_if_fail (state < CT_N_TASK_STATES, CT_PARTY_NONE);
  return states[state].party;
}

/* Staying in a state is no transition. */
gboolean
ct_task_state_allows (CtTaskState from, CtTaskState to)
{
  g_return_val_if_fail (from < CT_N_TASK_STATES && to < CT_N_TASK_STATES, FALSE);
  return (states[from].to & (1u << to)) != 0;
}

/* The same with a reason: %CT_ERROR_CONFLICT, as the task is no longer where the caller believed it. */
gboolean
ct_task_state_check (CtTaskState from, CtTaskState to, GError **error)
{
  if (ct_task_state_allows (from, to))
    return TRUE;
  return ct_fail (error, CT_ERROR_CONFLICT, _ ("A task in state “%s” cannot become “%s”"),
                  ct_task_state_label (from), ct_task_state_label (to));
}
