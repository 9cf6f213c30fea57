#pragma once

#include "ct-list-query.h"
#include "ct-row.h"
#include "ct-store.h"

G_BEGIN_DECLS

#define CT_TYPE_LAZY_LIST (ct_lazy_list_get_type ())
G_DECLARE_FINAL_TYPE (CtLazyList, ct_lazy_list, CT, LAZY_LIST, GObject)

typedef enum {
  CT_LIST_LOADING, /* the first rows of a new query are on their way; the rows of the last one still stand */
  CT_LIST_READY,
  CT_LIST_FAILED, /* ct_lazy_list_get_problem() says why */
} CtListState;

typedef void (*CtLazyListFunc) (CtLazyList *self, gpointer data);

CtLazyList *ct_lazy_list_new (CtStore *store, const CtListSource *source);
void ct_lazy_list_set_query (CtLazyList *self, const char *where, const char *order, const char *values);
void ct_lazy_list_set_paused (CtLazyList *self, gboolean paused);
void ct_lazy_list_refresh (CtLazyList *self);

void ct_lazy_list_prepare (CtLazyList *self, guint position, guint n_rows, CtLazyListFunc done,
                           gpointer data);

CtListState ct_lazy_list_get_state (CtLazyList *self);
const char *ct_lazy_list_get_problem (CtLazyList *self);
gboolean ct_lazy_list_is_complete (CtLazyList *self);
gboolean ct_lazy_list_is_settled (CtLazyList *self);
gint64 ct_lazy_list_get_n_at (CtLazyList *self, guint position);
gboolean ct_lazy_list_find (CtLazyList *self, gint64 n, guint *position);
CtIds *ct_lazy_list_dup_ids (CtLazyList *self);

G_END_DECLS
