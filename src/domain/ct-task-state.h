#pragma once

#include "ct-party.h"

G_BEGIN_DECLS

/* The names are a contract: "open", …, "waiting_for_human_approval", …; see ct_task_state_name(). */
typedef enum {
  CT_TASK_OPEN,
  CT_TASK_ASSIGNED,
  CT_TASK_SCHEDULED,
  CT_TASK_DRAFTING,
  CT_TASK_WAITING_FOR_HUMAN_APPROVAL,
  CT_TASK_APPROVED,
  CT_TASK_POSTED,
  CT_TASK_AWAITING_REPLY,
  CT_TASK_RESOLVED,
  CT_TASK_SNOOZED,
  CT_TASK_ESCALATED,
  CT_TASK_BLOCKED,
  CT_TASK_REOPENED,
} CtTaskState;

#define CT_N_TASK_STATES 13

const char *ct_task_state_name (CtTaskState state);
const char *ct_task_state_label (CtTaskState state);
gboolean ct_task_state_parse (const char *name, CtTaskState *state);
gboolean ct_task_state_is_open (CtTaskState state);
gboolean ct_task_state_stops_clock (CtTaskState state);
gboolean ct_task_state_is_drafted (CtTaskState state);
gboolean ct_task_state_may_send (CtTaskState state);
CtParty ct_task_state_party (CtTaskState state);
gboolean ct_task_state_allows (CtTaskState from, CtTaskState to);
gboolean ct_task_state_check (CtTaskState from, CtTaskState to, GError **error);

G_END_DECLS
