#pragma once

#include "ct-pages.h"

G_BEGIN_DECLS

/* The pages by name with their counts; emits ::go (s) where a person chooses one. */
#define CT_TYPE_SIDEBAR (ct_sidebar_get_type ())
G_DECLARE_FINAL_TYPE (CtSidebar, ct_sidebar, CT, SIDEBAR, GtkWidget)

void ct_sidebar_set_workspace (CtSidebar *self, CtWorkspace *workspace);
void ct_sidebar_show_page (CtSidebar *self, const char *name);

G_END_DECLS
