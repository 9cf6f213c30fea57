#pragma once

#include "ct-agent.h"

G_BEGIN_DECLS

/* What one pass did. */
typedef struct {
  guint expired;       /* approvals whose time was over */
  guint voided;        /* approvals whose facts have changed */
  guint resolved;      /* tasks whose exception is gone */
  guint breached;      /* tasks with a target newly missed */
  guint woken;         /* tasks whose snooze is over */
  guint escalated;     /* tasks that nobody resolved in time */
  guint drafted;       /* tasks whose agent wrote */
  GPtrArray *problems; /* (owned) (element-type utf8): "FOLLOW-2026-001: …" */
} CtSchedulerReport;

gboolean ct_scheduler_run (const CtAgent *agent, gint64 now, GCancellable *cancellable,
                           CtSchedulerReport *report, GError **error);
gboolean ct_scheduler_next_at (CtDb *db, gint64 *at, GError **error);
JsonObject *ct_scheduler_report_to_json (const CtSchedulerReport *self);
void ct_scheduler_report_clear (CtSchedulerReport *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CtSchedulerReport, ct_scheduler_report_clear)

G_END_DECLS
