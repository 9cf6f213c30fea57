#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

void ct_shortcuts_open (GtkWindow *window);

G_END_DECLS
