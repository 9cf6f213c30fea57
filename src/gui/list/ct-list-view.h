#pragma once

#include "ct-lazy-list.h"
#include "ct-list-def.h"
#include "ct-page.h"

G_BEGIN_DECLS

/* A list of any length as a page shows it: search, filter chips, views, columns, marks with their actions, states.
 *
 *   ct_list_view_bind (view, page, &def, actions)   once, when the page has its workspace
 *   CtListView::current   the current row changed; ::activated  Enter or a double click */
#define CT_TYPE_LIST_VIEW (ct_list_view_get_type ())
G_DECLARE_FINAL_TYPE (CtListView, ct_list_view, CT, LIST_VIEW, GtkWidget)

void ct_list_view_bind (CtListView *self, CtPage *page, const CtListDef *def, const CtPageAction *actions);
GtkWidget *ct_list_view_make_actions (CtListView *self);
void ct_list_view_set_shown (CtListView *self, gboolean shown);
void ct_list_view_search (CtListView *self);
gboolean ct_list_view_key (CtListView *self, guint key, GdkModifierType state);

void ct_list_view_set_view (CtListView *self, JsonObject *view);
JsonObject *ct_list_view_get_view (CtListView *self);
CtLazyList *ct_list_view_get_list (CtListView *self);
gint64 ct_list_view_get_current (CtListView *self);
void ct_list_view_set_current (CtListView *self, gint64 n);
CtRow *ct_list_view_dup_current_row (CtListView *self);
GArray *ct_list_view_dup_chosen (CtListView *self);
void ct_list_view_clear_marks (CtListView *self);
void ct_list_view_jump (CtListView *self, guint position);

G_END_DECLS
