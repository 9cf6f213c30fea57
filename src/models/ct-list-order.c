#include "ct-list-order.h"
#include "ct-list-diff.h"
#include "ct-own-time.h"

/* How many rows stand now, also in the middle of a change. */
guint
ct_list_order_count (CtListOrder *self)
{
  return self->split + self->ids_end - self->split_old;
}

/* The number of the row at a position below the count. */
gint64
ct_list_order_at (CtListOrder *self, guint position)
{
  if (position < self->split)
    return ct_ids_get (self->fresh, position);
  return ct_ids_get (self->ids, position - self->split + self->split_old);
}

static void
tell (CtListOrder *self, guint position, guint removed, guint added)
{
  CT_FOREIGN_TIME;

  if (removed || added)
    g_list_model_items_changed (self->model, position, removed, added);
}

static void
begin_change (CtListOrder *self, CtIds *fresh)
{
  g_assert (!self->fresh);
  self->fresh = ct_ids_ref (fresh);
}

static void
end_change (CtListOrder *self)
{
  ct_ids_unref (self->ids);
  self->ids = g_steal_pointer (&self->fresh);
  self->ids_end = self->ids->length;
  self->split = self->split_old = 0;
}

/* From the old order's @removed rows at @old to the new order's @added rows at @new. */
static void
exchange (CtListOrder *self, guint old, guint removed, guint new, guint added)
{
  self->split = new;
  self->split_old = old + removed;
  if (removed > CT_LIST_FIRST && added > CT_LIST_FIRST) {
    tell (self, new, removed, 0);
    removed = 0;
  }
  self->split = new + added;
  tell (self, new, removed, added);
}

/* Another order that differs by @splices (element-type CtSplice), as ct_list_diff() gives them. */
void
ct_list_order_apply_splices (CtListOrder *self, CtIds *ids, GArray *splices)
{
  guint old = 0, new = 0;

  begin_change (self, ids);
  for (guint i = 0; i < splices->len; i++) {
    const CtSplice *splice = &g_array_index (splices, CtSplice, i);

    old += splice->position - new;
    exchange (self, old, splice->removed, splice->position, splice->added);
    old += splice->removed;
    new = splice->position + splice->added;
  }
  end_change (self);
}

/* Another order: the window's worth of rows is exchanged, so that GTK uses its widgets again; the rest goes and comes. */
void
ct_list_order_replace_all (CtListOrder *self, CtIds *ids)
{
  guint old = MIN (self->ids_end, CT_LIST_FIRST), new = MIN (ids->length, CT_LIST_FIRST),
        gone = self->ids_end - old;

  self->ids_end = old;
  tell (self, old, gone, 0);
  begin_change (self, ids);
  exchange (self, 0, old, 0, new);
  end_change (self);
  self->ids_end = new;
  if (ids->length > new) {
    self->ids_end = ids->length;
    tell (self, new, 0, ids->length - new);
  }
}

/* The first rows stand; the others follow. */
void
ct_list_order_extend (CtListOrder *self, CtIds *ids)
{
  guint standing = self->ids_end;

  ct_ids_unref (self->ids);
  self->ids = ct_ids_ref (ids);
  self->ids_end = ids->length;
  tell (self, standing, 0, ids->length - standing);
}

/* @model: (unowned): who tells of changes, and holds this */
void
ct_list_order_init (CtListOrder *self, GListModel *model)
{
  *self = (CtListOrder){ .model = model, .ids = ct_ids_new () };
}

void
ct_list_order_clear (CtListOrder *self)
{
  g_clear_pointer (&self->ids, ct_ids_unref);
  g_clear_pointer (&self->fresh, ct_ids_unref);
}
