#pragma once

#include "ct-list-shown.h"
#include "ct-store.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* The filters of a list as chips: each opens its choices; a chip with a choice says it and can be emptied. */
#define CT_TYPE_FILTER_BAR (ct_filter_bar_get_type ())
G_DECLARE_FINAL_TYPE (CtFilterBar, ct_filter_bar, CT, FILTER_BAR, GtkWidget)

void ct_filter_bar_bind (CtFilterBar *self, CtListShown *shown, CtStore *store);
void ct_filter_bar_update (CtFilterBar *self);

G_END_DECLS
