#pragma once

#include "ct-pages.h"
#include "ct-reopen.h"

G_BEGIN_DECLS

#define CT_TYPE_WINDOW (ct_window_get_type ())
G_DECLARE_FINAL_TYPE (CtWindow, ct_window, CT, WINDOW, AdwApplicationWindow)

CtWindow *ct_window_new (GtkApplication *application);
void ct_window_open_folder (CtWindow *self, const char *folder, gint64 now);
CtWorkspace *ct_window_get_workspace (CtWindow *self);
CtPage *ct_window_go (CtWindow *self, const char *name);
CtPage *ct_window_get_page (CtWindow *self);

/* A change of what the workspace is: see ct-reopen.h. Afterwards the window shows it as it then is. */
void ct_window_change_async (CtWindow *self, CtReopenFunc func, gpointer data, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer user_data);
gboolean ct_window_change_finish (CtWindow *self, GAsyncResult *result, GError **error);

G_END_DECLS
