#pragma once

#include "ct-detail.h"
#include "list/ct-list-view.h"

G_BEGIN_DECLS

/* A page that is a list with a pane for the current row: what the pages of exceptions, approvals, orders and all the
 * others share. A class says what its list is; the page itself binds it, keeps the pane up to date, answers keys and
 * brings records up. */
typedef struct {
  const CtListDef *list;
  const CtPageAction *actions;
  gboolean pane_actions; /* whether the pane has the list's actions as buttons */
  int pane_width;        /* in pixels, at least; the list gets what is left */
  const char
      *find; /* (nullable): SELECT n FROM … WHERE id of the record, or of one that belongs to it, is ?1 */
  const char *not_found; /* N_ (): what to say where find finds none */
} CtListPageDef;

#define CT_TYPE_LIST_PAGE (ct_list_page_get_type ())
G_DECLARE_DERIVABLE_TYPE (CtListPage, ct_list_page, CT, LIST_PAGE, CtPage)

struct _CtListPageClass {
  CtPageClass parent_class;

  const CtListPageDef *def;
  /* fills the pane with a row; work still under way for another one is cancelled */
  void (*show_row) (CtListPage *self, CtDetail *detail, gint64 n, GCancellable *cancellable);
  void (*activated) (CtListPage *self); /* (nullable): Enter or a double click */
};

CtListView *ct_list_page_get_list (CtListPage *self);
GtkWidget *ct_list_page_add_tool (CtListPage *self, const char *label, const char *tooltip,
                                  GCallback clicked);
void ct_list_page_done (CtListPage *self);

G_END_DECLS
