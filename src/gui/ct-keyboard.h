#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

void ct_keyboard_leave (GtkWidget *widget);
gboolean ct_keyboard_was_lost (GtkWidget *widget);

G_END_DECLS
