#pragma once

#include "ct-ids.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/* A GtkColumnView binds about 205 rows at its first show: four pages of 64 come with their values at once. A change of
 * more rows than this at both ends is told as a removal and an insertion: GTK looks at each added row to find the removed
 * ones again. */
#define CT_LIST_FIRST 256

/* Which row stands where, and how GTK is told of another order: in steps that keep its widgets, never as one exchange of
 * everything, which costs GTK 4.8 100,000 calls of get_item.
 *
 * position < split: in fresh; else in ids, at position - split + split_old. Outside of a change split is 0. */
typedef struct {
  GListModel *model; /* (unowned) */
  CtIds *ids;        /* (owned) */
  guint ids_end;
  CtIds *fresh; /* (owned) (nullable) */
  guint split, split_old;
} CtListOrder;

void ct_list_order_init (CtListOrder *self, GListModel *model);
void ct_list_order_clear (CtListOrder *self);

guint ct_list_order_count (CtListOrder *self);
gint64 ct_list_order_at (CtListOrder *self, guint position);

void ct_list_order_apply_splices (CtListOrder *self, CtIds *ids, GArray *splices);
void ct_list_order_replace_all (CtListOrder *self, CtIds *ids);
void ct_list_order_extend (CtListOrder *self, CtIds *ids);

G_END_DECLS
