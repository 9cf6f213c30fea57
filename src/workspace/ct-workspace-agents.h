#pragma once

#include "ct-scheduler.h"
#include "ct-workspace.h"

G_BEGIN_DECLS

/* Agents and approvals. The calls without _async block: for command lines and workers. */
JsonObject *ct_workspace_run_agent (CtWorkspace *self, const CtId *task, GCancellable *cancellable,
                                    GError **error);
gboolean ct_workspace_run_scheduler (CtWorkspace *self, GCancellable *cancellable, CtSchedulerReport *report,
                                     GError **error);
gboolean ct_workspace_approve (CtWorkspace *self, const CtId *approval, const CtHash *payload,
                               const char *comment, CtOutcome *outcome, GError **error);

/* The same on a worker thread, each with a signed checkpoint after it. */
void ct_workspace_run_agent_async (CtWorkspace *self, const CtId *task, GCancellable *cancellable,
                                   GAsyncReadyCallback callback, gpointer user_data);
JsonObject *ct_workspace_run_agent_finish (CtWorkspace *self, GAsyncResult *result, GError **error);
void ct_workspace_approve_async (CtWorkspace *self, const CtId *approval, const CtHash *payload,
                                 const char *comment, GAsyncReadyCallback callback, gpointer user_data);
JsonObject *ct_workspace_approve_finish (CtWorkspace *self, GAsyncResult *result, GError **error);

G_END_DECLS
