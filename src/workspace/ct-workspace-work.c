#include "ct-workspace-work.h"
#include "ct-workspace-audit.h"

typedef struct {
  CtWorkspace *workspace; /* (unowned) */
  gboolean full;
  CtDetectProgress progress;
  gpointer data;
  GCancellable *cancellable; /* (unowned) (nullable) */
  GPtrArray *counts;         /* (owned) (nullable) */
} Detection;

static gboolean
detect_cb (CtDb *db, gpointer data, GError **error)
{
  Detection *self = data;

  ct_db_set_cancellable (db, self->cancellable); /* until the end of this job */
  self->counts =
      ct_detect (ct_workspace_get_commander (self->workspace), db, ct_workspace_get_actor (self->workspace),
                 ct_workspace_now (self->workspace), self->full, self->progress, self->data, error);
  return self->counts != NULL;
}

/**
 * ct_workspace_detect:
 * @full: looks at everything, not only at what changed
 * @cancellable: (nullable): ends it with nothing changed
 *
 * Returns: (transfer full) (element-type CtDetectCount): what each rule did
 */
GPtrArray *
ct_workspace_detect (CtWorkspace *self, gboolean full, CtDetectProgress progress, gpointer data,
                     GCancellable *cancellable, GError **error)
{
  Detection detection = { self, full, progress, data, cancellable, NULL };

  if (!ct_workspace_check_works (self, error))
    return NULL;
  return ct_store_write (ct_workspace_get_store (self), detect_cb, &detection, error) ? detection.counts
                                                                                      : NULL;
}

/**
 * ct_workspace_import:
 * @import: what to read
 * @errors_path: (nullable): where refused rows go
 *
 * Returns: (transfer full): the counts, as ct_import_run() gives them
 */
JsonObject *
ct_workspace_import (CtWorkspace *self, CtImport *import, gboolean dry_run, const char *errors_path,
                     CtImportProgress progress, gpointer data, GCancellable *cancellable, GError **error)
{
  CtImportOptions options = {
    .store = ct_workspace_get_store (self),
    .commander = ct_workspace_get_commander (self),
    .actor = ct_workspace_get_actor (self),
    .now = ct_workspace_now (self),
    .zone = ct_workspace_get_zone (self),
    .dry_run = dry_run,
    .errors_path = errors_path,
    .progress = progress,
    .progress_data = data,
    .cancellable = cancellable,
  };

  return ct_import_run (import, &options, error);
}

static void
detect_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  GError *error = NULL;
  g_autoptr (GPtrArray) counts =
      ct_workspace_detect (source, GPOINTER_TO_INT (data), NULL, NULL, cancellable, &error);

  if (counts && ct_workspace_sign (source, &error))
    g_task_return_pointer (task, ct_detect_counts_to_json (counts), (GDestroyNotify) json_object_unref);
  else
    g_task_return_error (task, error);
}

void
ct_workspace_detect_async (CtWorkspace *self, gboolean full, GCancellable *cancellable,
                           GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);

  g_task_set_task_data (task, GINT_TO_POINTER (full), NULL);
  g_task_run_in_thread (task, detect_thread);
}

/* (transfer full): the counts as ct_detect_counts_to_json() gives them */
JsonObject *
ct_workspace_detect_finish (CtWorkspace *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

typedef struct {
  char *folder;
  gboolean demo;
} Creation;

static void
creation_free (gpointer data)
{
  Creation *self = data;

  g_free (self->folder);
  g_free (self);
}

static void
create_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Creation *self = data;
  CtWorkspaceOptions options = { .environment = self->demo ? "demo" : "production" };
  GError *error = NULL;

  if (self->demo ? ct_workspace_create_demo (self->folder, &options, &error)
                 : ct_workspace_create (self->folder, &options, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

/* Makes a workspace, with demo data or empty, off the main thread. */
void
ct_workspace_create_async (const char *folder, gboolean demo, GCancellable *cancellable,
                           GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  Creation *creation = g_new0 (Creation, 1);

  creation->folder = g_strdup (folder);
  creation->demo = demo;
  g_task_set_task_data (task, creation, creation_free);
  g_task_run_in_thread (task, create_thread);
}

gboolean
ct_workspace_create_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
