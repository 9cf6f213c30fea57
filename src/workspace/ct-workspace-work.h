#pragma once

#include "ct-detect.h"
#include "ct-import.h"
#include "ct-workspace.h"

G_BEGIN_DECLS

/* The long acts that programs share. Those that return a value block: for command lines and worker threads. */
GPtrArray *ct_workspace_detect (CtWorkspace *self, gboolean full, CtDetectProgress progress, gpointer data,
                                GCancellable *cancellable, GError **error);
JsonObject *ct_workspace_import (CtWorkspace *self, CtImport *import, gboolean dry_run,
                                 const char *errors_path, CtImportProgress progress, gpointer data,
                                 GCancellable *cancellable, GError **error);
gboolean ct_workspace_create_demo (const char *folder, const CtWorkspaceOptions *options, GError **error);

/* The same off the main thread, for the desktop program. */
void ct_workspace_detect_async (CtWorkspace *self, gboolean full, GCancellable *cancellable,
                                GAsyncReadyCallback callback, gpointer user_data);
JsonObject *ct_workspace_detect_finish (CtWorkspace *self, GAsyncResult *result, GError **error);
void ct_workspace_create_async (const char *folder, gboolean demo, GCancellable *cancellable,
                                GAsyncReadyCallback callback, gpointer user_data);
gboolean ct_workspace_create_finish (GAsyncResult *result, GError **error);

G_END_DECLS
