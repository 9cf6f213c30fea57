#include "ct-workspace-agents.h"
#include "ct-approve.h"
#include "ct-workspace-audit.h"

#include <sodium.h>
#include <string.h>

static CtAgent
agent_of (CtWorkspace *self)
{
  CtAgent agent = { .store = ct_workspace_get_store (self),
                    .commander = ct_workspace_get_commander (self),
                    .actor = ct_workspace_get_actor (self) };

  agent.settle = ct_workspace_get_settle (self, &agent.settle_data);
  return agent;
}

/* Lets a task's agent write now: see ct_agent_run(). */
JsonObject *
ct_workspace_run_agent (CtWorkspace *self, const CtId *task, GCancellable *cancellable, GError **error)
{
  CtAgent agent = agent_of (self);

  if (!ct_workspace_check_works (self, error))
    return NULL;
  return ct_agent_run (&agent, task, ct_workspace_now (self), cancellable, error);
}

/* One pass over what is due: see ct_scheduler_run(). */
gboolean
ct_workspace_run_scheduler (CtWorkspace *self, GCancellable *cancellable, CtSchedulerReport *report,
                            GError **error)
{
  CtAgent agent = agent_of (self);

  memset (report, 0, sizeof *report);
  return ct_workspace_check_works (self, error) &&
         ct_scheduler_run (&agent, ct_workspace_now (self), cancellable, report, error);
}

typedef struct {
  CtWorkspace *workspace; /* (unowned) */
  CtId approval;
  CtHash payload;
  char *comment; /* (owned) (nullable) */
  CtApprove approve;
  CtOutcome outcome;
} Approval;

static void
approval_free (gpointer data)
{
  Approval *self = data;

  ct_outcome_clear (&self->outcome);
  g_free (self->comment);
  g_free (self);
}

static Approval *
approval_new (CtWorkspace *workspace, const CtId *approval, const CtHash *payload, const char *comment)
{
  Approval *self = g_new0 (Approval, 1);

  self->workspace = workspace;
  self->approval = *approval;
  self->payload = *payload;
  self->comment = g_strdup (comment);
  return self;
}

static gboolean
approve_cb (CtDb *db, gpointer data, GError **error)
{
  Approval *self = data;

  return ct_approve (db, &self->approve, &self->approval, &self->payload, &self->outcome, error);
}

static gboolean
approve (Approval *self, GError **error)
{
  guint8 secret[CT_DEVICE_SECRET_SIZE];
  gboolean ok;

  if (!ct_workspace_get_device (self->workspace, &self->approve.device, secret, error))
    return FALSE;
  self->approve.commander = ct_workspace_get_commander (self->workspace);
  self->approve.actor = ct_workspace_get_actor (self->workspace);
  self->approve.now = ct_workspace_now (self->workspace);
  self->approve.secret = secret;
  self->approve.comment = self->comment;
  ok = ct_store_write (ct_workspace_get_store (self->workspace), approve_cb, self, error);
  sodium_memzero (secret, sizeof secret);
  return ok;
}

/**
 * ct_workspace_approve:
 * @payload: SHA-256 of the wire bytes that the person has seen
 * @comment: (nullable)
 * @outcome: (out): set only on success
 *
 * Approves by the actor, signed with this device's key: see ct_approve().
 *
 * Returns: %FALSE with %CT_ERROR_CONFLICT where the bytes are other ones, or what they rely on has changed
 */
gboolean
ct_workspace_approve (CtWorkspace *self, const CtId *approval, const CtHash *payload, const char *comment,
                      CtOutcome *outcome, GError **error)
{
  Approval *act = approval_new (self, approval, payload, comment);
  gboolean ok = approve (act, error);

  if (ok) {
    *outcome = act->outcome;
    act->outcome.result = NULL;
  }
  approval_free (act);
  return ok;
}

/* Returns what was done as JSON, with a checkpoint over it. */
static void
return_result (GTask *task, JsonObject *result, GError *error)
{
  if (!result) {
    g_task_return_error (task, error);
    return;
  }
  if (!ct_workspace_sign (g_task_get_source_object (task), &error)) {
    g_warning ("%s", error->message); /* it is done all the same; the next checkpoint will cover it */
    g_clear_error (&error);
  }
  g_task_return_pointer (task, result, (GDestroyNotify) json_object_unref);
}

static void
approve_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Approval *self = data;
  GError *error = NULL;
  gboolean ok = approve (self, &error);

  return_result (task, ok ? g_steal_pointer (&self->outcome.result) : NULL, error);
}

void
ct_workspace_approve_async (CtWorkspace *self, const CtId *approval, const CtHash *payload,
                            const char *comment, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);

  g_task_set_task_data (task, approval_new (self, approval, payload, comment), approval_free);
  g_task_run_in_thread (task, approve_thread);
}

/* (transfer full): what the command reported */
JsonObject *
ct_workspace_approve_finish (CtWorkspace *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
agent_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  GError *error = NULL;
  JsonObject *result = ct_workspace_run_agent (source, data, cancellable, &error);

  return_result (task, result, error);
}

void
ct_workspace_run_agent_async (CtWorkspace *self, const CtId *task_id, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);

  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, g_memdup2 (task_id, sizeof *task_id), g_free);
  g_task_run_in_thread (task, agent_thread);
}

JsonObject *
ct_workspace_run_agent_finish (CtWorkspace *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
