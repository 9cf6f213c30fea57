#pragma once

#include "ct-pages.h"

G_BEGIN_DECLS

#define CT_TYPE_WINDOW (ct_window_get_type ())
G_DECLARE_FINAL_TYPE (CtWindow, ct_window, CT, WINDOW, AdwApplicationWindow)

CtWindow *ct_window_new (GtkApplication *application);
void ct_window_open_folder (CtWindow *self, const char *folder, gint64 now);
CtWorkspace *ct_window_get_workspace (CtWindow *self);
CtPage *ct_window_go (CtWindow *self, const char *name);
CtPage *ct_window_get_page (CtWindow *self);

G_END_DECLS
