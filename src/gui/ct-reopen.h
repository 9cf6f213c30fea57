#pragma once

#include "ct-workers.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* On a worker thread, while nobody hosts the workspace's workers. */
typedef gboolean (*CtReopenFunc) (CtWorkspace *workspace, gpointer data, GCancellable *cancellable,
                                  GError **error);

void ct_reopen_async (CtWorkspace *workspace, CtWorkers *workers, CtReopenFunc func, gpointer data,
                      GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
CtWorkspace *ct_reopen_finish (GAsyncResult *result, GError **error);

void ct_reopen_needed_async (CtWorkspace *workspace, GCancellable *cancellable, GAsyncReadyCallback callback,
                             gpointer user_data);
gboolean ct_reopen_needed_finish (GAsyncResult *result);
const char *ct_reopen_reason (CtWorkspace *workspace, gboolean before);
gboolean ct_reopen_has_dialog (GtkWindow *window);

G_END_DECLS
