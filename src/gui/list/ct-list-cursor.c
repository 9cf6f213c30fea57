#include "ct-list-cursor.h"
#include "ct-own-time.h"

struct _CtListCursor {
  GObject parent_instance;
  CtLazyList *list; /* (owned) */
  gint64 n;         /* -1: none */
  guint position;   /* where it was last seen */
  gboolean restart; /* another query: a current row that it does not have is given up */
  guint settle_source;
};

enum { SIGNAL_MOVED, N_SIGNALS };
static guint signals[N_SIGNALS];

static void list_model_init (GListModelInterface *iface);
static void selection_model_init (GtkSelectionModelInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (CtListCursor, ct_list_cursor, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, list_model_init)
                                   G_IMPLEMENT_INTERFACE (GTK_TYPE_SELECTION_MODEL, selection_model_init))

static void
move_to (CtListCursor *self, gint64 n, guint position)
{
  guint count = g_list_model_get_n_items (G_LIST_MODEL (self->list)), old = self->position;

  self->position = position;
  if (self->n == n)
    return;
  self->n = n;
  if (old < count)
    gtk_selection_model_selection_changed (GTK_SELECTION_MODEL (self), old, 1);
  if (n >= 0 && position < count)
    gtk_selection_model_selection_changed (GTK_SELECTION_MODEL (self), position, 1);
  g_signal_emit (self, signals[SIGNAL_MOVED], 0);
}

/* After the rows have moved: where a row went, its neighbour takes over, so that triage goes on. */
static gboolean
settle_cb (gpointer data)
{
  CtListCursor *self = data;
  guint count = g_list_model_get_n_items (G_LIST_MODEL (self->list)), position;
  gboolean restart = self->restart;
  CT_OWN_TIME;

  if (!ct_lazy_list_is_complete (self->list) && ct_lazy_list_get_state (self->list) != CT_LIST_FAILED)
    return G_SOURCE_CONTINUE;
  self->settle_source = 0;
  self->restart = FALSE;
  if (self->n < 0 || ct_lazy_list_get_n_at (self->list, self->position) == self->n)
    return G_SOURCE_REMOVE;
  if (ct_lazy_list_find (self->list, self->n, &position))
    self->position = position;
  else if (restart || count == 0)
    move_to (self, -1, 0);
  else
    move_to (self, ct_lazy_list_get_n_at (self->list, MIN (self->position, count - 1)),
             MIN (self->position, count - 1));
  return G_SOURCE_REMOVE;
}

static void
settle (CtListCursor *self)
{
  if (!self->settle_source)
    self->settle_source = g_timeout_add (20, settle_cb, self);
}

static void
items_changed_cb (GListModel *list, guint position, guint removed, guint added, CtListCursor *self)
{
  CT_OWN_TIME;

  if (self->position >= position + removed)
    self->position = self->position - removed + added;
  else if (self->position > position)
    self->position = position;
  if (self->n >= 0)
    settle (self);
  {
    CT_FOREIGN_TIME;
    g_list_model_items_changed (G_LIST_MODEL (self), position, removed, added);
  }
}

static GType
get_item_type (GListModel *model)
{
  return CT_TYPE_ROW;
}

static guint
get_n_items (GListModel *model)
{
  return g_list_model_get_n_items (G_LIST_MODEL (CT_LIST_CURSOR (model)->list));
}

static gpointer
get_item (GListModel *model, guint position)
{
  return g_list_model_get_item (G_LIST_MODEL (CT_LIST_CURSOR (model)->list), position);
}

static void
list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = get_item_type;
  iface->get_n_items = get_n_items;
  iface->get_item = get_item;
}

static gboolean
is_selected (GtkSelectionModel *model, guint position)
{
  CtListCursor *self = CT_LIST_CURSOR (model);

  return self->n >= 0 && ct_lazy_list_get_n_at (self->list, position) == self->n;
}

static GtkBitset *
get_selection_in_range (GtkSelectionModel *model, guint position, guint count)
{
  CtListCursor *self = CT_LIST_CURSOR (model);
  GtkBitset *set = gtk_bitset_new_empty ();

  if (self->position >= position && self->position - position < count && is_selected (model, self->position))
    gtk_bitset_add (set, self->position);
  return set;
}

static gboolean
select_item (GtkSelectionModel *model, guint position, gboolean unselect_rest)
{
  CtListCursor *self = CT_LIST_CURSOR (model);
  gint64 n = ct_lazy_list_get_n_at (self->list, position);

  if (n < 0)
    return FALSE;
  move_to (self, n, position);
  return TRUE;
}

static gboolean
set_selection (GtkSelectionModel *model, GtkBitset *selected, GtkBitset *mask)
{
  return !gtk_bitset_is_empty (selected) && select_item (model, gtk_bitset_get_minimum (selected), TRUE);
}

static void
selection_model_init (GtkSelectionModelInterface *iface)
{
  iface->is_selected = is_selected;
  iface->get_selection_in_range = get_selection_in_range;
  iface->select_item = select_item;
  iface->set_selection = set_selection;
}

static void
ct_list_cursor_finalize (GObject *object)
{
  CtListCursor *self = CT_LIST_CURSOR (object);

  g_clear_handle_id (&self->settle_source, g_source_remove);
  g_signal_handlers_disconnect_by_data (self->list, self);
  g_clear_object (&self->list);
  G_OBJECT_CLASS (ct_list_cursor_parent_class)->finalize (object);
}

static void
ct_list_cursor_class_init (CtListCursorClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ct_list_cursor_finalize;
  /* Another row is current. */
  signals[SIGNAL_MOVED] =
      g_signal_new ("moved", CT_TYPE_LIST_CURSOR, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
ct_list_cursor_init (CtListCursor *self)
{
  self->n = -1;
}

CtListCursor *
ct_list_cursor_new (CtLazyList *list)
{
  CtListCursor *self = g_object_new (CT_TYPE_LIST_CURSOR, NULL);

  self->list = g_object_ref (list);
  g_signal_connect (list, "items-changed", G_CALLBACK (items_changed_cb), self);
  return self;
}

/* The current row's number; -1 for none. */
gint64
ct_list_cursor_get_n (CtListCursor *self)
{
  return self->n;
}

/* Where the current row stands; %GTK_INVALID_LIST_POSITION for none. */
guint
ct_list_cursor_get_position (CtListCursor *self)
{
  return self->n >= 0 ? self->position : GTK_INVALID_LIST_POSITION;
}

/* Makes a row current, whether or not the list has it yet; -1 for none. */
void
ct_list_cursor_set_n (CtListCursor *self, gint64 n)
{
  guint position = 0;

  if (n >= 0)
    ct_lazy_list_find (self->list, n, &position);
  move_to (self, n, position);
}

/* The list gets another query: a current row that is not in it is given up instead of its neighbour taking over. */
void
ct_list_cursor_restart (CtListCursor *self)
{
  self->restart = TRUE;
  settle (self);
}
