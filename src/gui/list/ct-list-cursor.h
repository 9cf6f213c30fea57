#pragma once

#include "ct-lazy-list.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* The one current row of a list, known by its number: it stays current wherever sorting, filtering and other people's
 * changes put it, without a search through the model. */
#define CT_TYPE_LIST_CURSOR (ct_list_cursor_get_type ())
G_DECLARE_FINAL_TYPE (CtListCursor, ct_list_cursor, CT, LIST_CURSOR, GObject)

CtListCursor *ct_list_cursor_new (CtLazyList *list);
gint64 ct_list_cursor_get_n (CtListCursor *self);
guint ct_list_cursor_get_position (CtListCursor *self);
void ct_list_cursor_set_n (CtListCursor *self, gint64 n);
void ct_list_cursor_restart (CtListCursor *self);

G_END_DECLS
