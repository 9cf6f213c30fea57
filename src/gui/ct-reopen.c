/* A change of what a workspace is (whose it is, what its person may do): its workers end, the change is made, and it is
 * opened anew beside the one in use. */
#include "ct-reopen.h"

typedef struct {
  CtWorkers *workers; /* (owned) (nullable) */
  CtReopenFunc func;  /* (nullable) */
  gpointer data;      /* (unowned) */
} Reopening;

static void
reopening_free (gpointer data)
{
  Reopening *self = data;

  g_clear_pointer (&self->workers, ct_workers_free);
  g_free (self);
}

static gboolean
nothing_cb (CtDb *db, gpointer data, GError **error)
{
  return TRUE;
}

/* What was asked of the old one is answered before its pages go. */
static void
drain (CtWorkspace *workspace)
{
  CtStore *store = ct_workspace_get_store (workspace);

  ct_store_write (store, nothing_cb, NULL, NULL);
  ct_store_read (store, nothing_cb, NULL, NULL);
}

static void
reopen_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Reopening *self = data;
  CtWorkspace *workspace = source, *opened;
  GError *error = NULL;

  g_clear_pointer (&self->workers, ct_workers_free);
  if (self->func && !self->func (workspace, self->data, cancellable, &error)) {
    g_task_return_error (task, error);
    return;
  }
  opened = ct_workspace_open (ct_workspace_get_folder (workspace), &error);
  if (!opened) {
    g_task_return_error (task, error);
    return;
  }
  drain (workspace);
  g_task_return_pointer (task, opened, g_object_unref);
}

/**
 * ct_reopen_async:
 * @workers: (transfer full) (nullable): of @workspace
 * @func: (nullable): the change; it must live until the callback, as must @data
 * @cancellable: (nullable): for @func alone
 */
void
ct_reopen_async (CtWorkspace *workspace, CtWorkers *workers, CtReopenFunc func, gpointer data,
                 GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (workspace, cancellable, callback, user_data);
  Reopening *self = g_new0 (Reopening, 1);

  self->workers = workers;
  self->func = func;
  self->data = data;
  g_task_set_check_cancellable (task, FALSE); /* what was done is done */
  g_task_set_task_data (task, self, reopening_free);
  g_task_run_in_thread (task, reopen_thread);
}

/* (transfer full): the workspace as it is now; %NULL where the change failed and the old one goes on */
CtWorkspace *
ct_reopen_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

typedef struct {
  CtWorkspace *workspace; /* (owned) */
  gboolean stale;
} Question;

static void
question_free (gpointer data)
{
  Question *question = data;

  g_object_unref (question->workspace);
  g_free (question);
}

static gboolean
is_stale_cb (CtDb *db, gpointer data, GError **error)
{
  Question *question = data;

  return ct_workspace_is_stale (question->workspace, db, &question->stale, error);
}

/* Whether others have changed what it is: a pull that brought other roles, a command line that left the server. */
void
ct_reopen_needed_async (CtWorkspace *workspace, GCancellable *cancellable, GAsyncReadyCallback callback,
                        gpointer user_data)
{
  Question *question = g_new0 (Question, 1);

  question->workspace = g_object_ref (workspace);
  ct_store_read_async (ct_workspace_get_store (workspace), is_stale_cb, question, question_free, cancellable,
                       callback, user_data);
}

gboolean
ct_reopen_needed_finish (GAsyncResult *result)
{
  Question *question = ct_store_job_data (result);

  return ct_store_job_finish (ct_workspace_get_store (question->workspace), result, NULL) && question->stale;
}

/* What others have changed, in words. @before: whether the workspace was connected */
const char *
ct_reopen_reason (CtWorkspace *workspace, gboolean before)
{
  gboolean now = ct_workspace_is_connected (workspace);

  return now == before ? _ ("What you may do here has changed")
         : now         ? _ ("This workspace works with a server now")
                       : _ ("This workspace works on its own now");
}

/* Nothing is taken from under a dialog. */
gboolean
ct_reopen_has_dialog (GtkWindow *window)
{
  g_autoptr (GList) windows = gtk_window_list_toplevels ();

  for (GList *at = windows; at; at = at->next)
    if (at->data != window && gtk_widget_get_mapped (at->data) && gtk_window_get_transient_for (at->data))
      return TRUE;
  return FALSE;
}
