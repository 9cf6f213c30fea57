#pragma once

#include "ct-list-def.h"
#include "ct-list-marks.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* The columns of one GtkColumnView from a definition: cells, header clicks, choice and order of columns with their
 * memory. Lives as long as the view it was made for. */
#define CT_TYPE_LIST_COLUMNS (ct_list_columns_get_type ())
G_DECLARE_FINAL_TYPE (CtListColumns, ct_list_columns, CT, LIST_COLUMNS, GObject)

CtListColumns *ct_list_columns_new (GtkColumnView *view, const CtListDef *def, CtListMarks *marks);
void ct_list_columns_set_clock (CtListColumns *self, gint64 now, GTimeZone *zone);
void ct_list_columns_update (CtListColumns *self);
void ct_list_columns_show_sort (CtListColumns *self, const CtListColumn *column, gboolean descending);
gboolean ct_list_columns_get_sort (CtListColumns *self, const CtListColumn **column, gboolean *descending);
gboolean ct_list_columns_grab_row (CtListColumns *self, gint64 n);
gboolean ct_list_columns_is_visible (CtListColumns *self, const char *key);
void ct_list_columns_set_visible (CtListColumns *self, const char *key, gboolean visible);

G_END_DECLS
