#pragma once

#include "ct-approval-policy.h"
#include "ct-task-row.h"

G_BEGIN_DECLS

/* An approval while a handler works on it. */
typedef struct {
  CtId id, task_id, output_id;
  char *number;
  char *owner, *channel, *destination;
  GBytes *wire;
  CtHash payload_sha256;
  char *context;
  CtHash context_sha256;
  gint64 amount_minor;
  char *currency;
  char *policy;
  char *state;
  gint64 created_at, expires_at, deadline_at;
  char *edited_by;                   /* (nullable) */
  char *delegated_to, *delegated_by; /* (nullable) */
} CtApprovalRow;

gboolean ct_approval_row_load (CtDb *db, const CtId *id, CtApprovalRow *self, GError **error);
gboolean ct_approval_row_of (CtCommand *command, CtApprovalRow *self, GError **error);
void ct_approval_row_clear (CtApprovalRow *self);
gboolean ct_approval_row_find (CtDb *db, const char *number_or_id, CtId *id, GError **error);
gboolean ct_approval_row_check_pending (const CtApprovalRow *self, GError **error);

/* The id that the @index-th approval of a command will have; the wire bytes carry it as their key. */
CtId ct_approvals_id (const CtId *command_id, guint index);

/* What approvals of a task are held to, whichever agent has it now. */
gboolean ct_approvals_tighten (CtDb *db, const CtId *task, CtApprovalPolicy *policy, GError **error);
gboolean ct_approvals_keep_terms (CtCommand *command, const CtId *task, CtApprovalPolicy *policy,
                                  GError **error);

/* What handlers of any folder may do inside their own command. schema/policy.json must then let the command write:
 *   "approvals": {"update": ["state", "void_reason", "decided_at"], "state": [["pending", "voided"], ["approved", "voided"]]},
 *   "outbox": {"update": ["state", "problem"], "state": [["ready", "cancelled"], ["leased", "cancelled"]]},
 *   "sla_events": {"insert": true},
 *   "follow_up_tasks": {"update": ["status", "status_since_at", "status_before", "next_check_at", "sla_due_at",
 *     "sla_warning_at", "sla_hard_at", "escalate_at"], "status": [["waiting_for_human_approval", "scheduled"],
 *     ["approved", "scheduled"]]} */
gboolean ct_approvals_void_for_exception (CtCommand *command, const CtId *exception, const char *reason,
                                          GError **error);
gboolean ct_approvals_void_for_task (CtCommand *command, const CtId *task, const char *reason,
                                     GError **error);
gboolean ct_approvals_void_for_channel (CtCommand *command, const char *channel, const char *reason,
                                        GError **error);

/* The same without a step of the task: for handlers that move it themselves. */
gboolean ct_approvals_void_all (CtCommand *command, const CtId *task, const char *reason, guint *n_voided,
                                GError **error);
gboolean ct_approvals_void_given (CtCommand *command, const CtId *task, const char *reason, GError **error);
gboolean ct_approvals_void_one (CtCommand *command, const CtId *approval, const char *reason, GError **error);
gboolean ct_approvals_are_pending (CtDb *db, const CtId *task, gboolean *pending, GError **error);
gboolean ct_approvals_settle_task (CtCommand *command, const CtId *task, gint64 next_check_at,
                                   GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CtApprovalRow, ct_approval_row_clear)

G_END_DECLS
