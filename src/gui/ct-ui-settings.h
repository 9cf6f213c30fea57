#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

GSettings *ct_ui_settings (void);
GSettings *ct_ui_settings_for_list (const char *name);

/* The size of the main window. */
void ct_ui_settings_restore (GtkWindow *window);
void ct_ui_settings_keep (GtkWindow *window);

G_END_DECLS
