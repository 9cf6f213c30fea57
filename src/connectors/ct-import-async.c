#include "ct-import.h"

/* An import on a thread of its own: what it works with, and who is told. */
typedef struct {
  CtImport *import; /* (unowned) */
  CtImportOptions options;
  char *actor;           /* (owned) */
  char *errors_path;     /* (owned) (nullable) */
  GMainContext *context; /* (owned): in which progress is told */
  CtImportProgress progress;
  gpointer progress_data;
} Job;

typedef struct {
  CtImportProgress progress;
  gpointer data;
  guint64 done, total;
  gint64 rows;
} Progress;

static void
job_free (gpointer data)
{
  Job *self = data;

  g_clear_object (&self->options.store);
  g_clear_object (&self->options.cancellable);
  g_time_zone_unref (self->options.zone);
  g_main_context_unref (self->context);
  g_free (self->actor);
  g_free (self->errors_path);
  g_free (self);
}

static gboolean
tell_cb (gpointer data)
{
  Progress *self = data;

  self->progress (self->done, self->total, self->rows, self->data);
  return G_SOURCE_REMOVE;
}

static void
progress_cb (guint64 done, guint64 total, gint64 rows, gpointer data)
{
  Job *job = data;
  Progress progress = { job->progress, job->progress_data, done, total, rows };

  g_main_context_invoke_full (job->context, G_PRIORITY_DEFAULT, tell_cb,
                              g_memdup2 (&progress, sizeof progress), g_free);
}

static void
run_cb (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Job *job = data;
  GError *error = NULL;
  JsonObject *result = ct_import_run (job->import, &job->options, &error);

  if (result)
    g_task_return_pointer (task, result, (GDestroyNotify) json_object_unref);
  else
    g_task_return_error (task, error);
}

/**
 * ct_import_run_async:
 * @self: must live until @callback
 * @options: copied; its commander must live until @callback
 *
 * ct_import_run() on a thread of its own. Progress is told in the caller's main context, before @callback.
 */
void
ct_import_run_async (CtImport *self, const CtImportOptions *options, GAsyncReadyCallback callback,
                     gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);
  Job *job = g_new0 (Job, 1);

  g_task_set_source_tag (task, ct_import_run_async);
  job->import = self;
  job->options = *options;
  job->actor = g_strdup (options->actor);
  job->errors_path = g_strdup (options->errors_path);
  job->options.actor = job->actor;
  job->options.errors_path = job->errors_path;
  job->options.store = g_object_ref (options->store);
  job->options.zone = g_time_zone_ref (options->zone);
  if (options->cancellable)
    g_object_ref (options->cancellable);
  job->context = g_main_context_ref_thread_default ();
  if (options->progress) {
    job->progress = options->progress;
    job->progress_data = options->progress_data;
    job->options.progress = progress_cb;
    job->options.progress_data = job;
  }
  g_task_set_task_data (task, job, job_free);
  g_task_run_in_thread (task, run_cb);
}

/* (transfer full): as ct_import_run() */
JsonObject *
ct_import_run_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
