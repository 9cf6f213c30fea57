#pragma once

#include "ct-command.h"
#include "ct-domain.h"

G_BEGIN_DECLS

/* A task while a handler works on it. */
typedef struct {
  CtId id;
  char *number;
  char *title;
  CtTaskState status, status_before;
  CtId exception_id, order_id, distributor_id; /* nil where there is none */
  char *agent, *owner;
  char *assignee; /* (nullable) */
  char *sla_policy;
  gint64 sla_due_at; /* %CT_NULL_INT where there is none, as below */
  gint64 next_check_at, snoozed_until, escalate_at;
  gint64 cadence;
  char *escalation_rule, *escalate_to;
  char **allowed_actions, **blocked_actions;
} CtTaskRow;

gboolean ct_task_row_load (CtDb *db, const CtId *id, CtTaskRow *self, GError **error);
gboolean ct_task_row_of (CtCommand *command, CtTaskRow *self, GError **error);
void ct_task_row_clear (CtTaskRow *self);
gboolean ct_task_row_find (CtDb *db, const char *number_or_id, CtId *id, GError **error);
gboolean ct_task_row_allows_action (const CtTaskRow *self, const char *action);

/* Steps that handlers share; each keeps the SLA ledger and the task's dates in step with the status. */
gboolean ct_task_row_move (CtCommand *command, CtTaskRow *self, CtTaskState to, GError **error);
gboolean ct_task_row_arm (CtCommand *command, CtTaskRow *self, GError **error);
gboolean ct_task_row_refresh (CtCommand *command, CtTaskRow *self, GError **error);
gboolean ct_task_row_check_next (CtCommand *command, CtTaskRow *self, gint64 at, GError **error);
gboolean ct_task_row_answered (CtCommand *command, CtTaskRow *self, GError **error);
gboolean ct_task_row_asked (CtCommand *command, CtTaskRow *self, GError **error);
gboolean ct_task_row_note (CtCommand *command, const CtTaskRow *self, const char *text, GError **error);
gboolean ct_task_row_finish (CtCommand *command, const CtTaskRow *self, GError **error);

gint64 ct_task_row_escalate_after (const char *rule);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CtTaskRow, ct_task_row_clear)

G_END_DECLS
