#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

void ct_stack_hide_others (GtkStack *stack);

G_END_DECLS
