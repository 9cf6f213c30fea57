#include "ct-list-columns.h"
#include "ct-own-time.h"
#include "ct-ui-settings.h"

#include <string.h>

typedef struct {
  CtListColumns *owner;      /* (unowned) */
  const CtListColumn *def;   /* NULL: the column of marks */
  GtkColumnViewColumn *view; /* (unowned): of the GtkColumnView */
} Column;

/* A cell and the row it shows. */
typedef struct {
  Column *column;
  GtkListItem *item; /* (unowned) */
  GtkWidget *cell;   /* (unowned) */
  CtRow *row;        /* (unowned) (nullable): the item's while bound */
  const char *style;
} Binding;

struct _CtListColumns {
  GObject parent_instance;
  GtkColumnView *view; /* (unowned) */
  const CtListDef *def;
  CtListMarks *marks;   /* (unowned): the page's */
  GPtrArray *columns;   /* (owned) (element-type Column) */
  GHashTable *timed;    /* (owned) (element-type Binding): bound cells that tell the time */
  GHashTable *checks;   /* (owned) (element-type gint64 Binding): bound check buttons by row */
  GSettings *settings;  /* (owned) (nullable) */
  GObject *probes[2];   /* (owned): to ask the view's sorter what it sorts by */
  const Column *probed; /* the column whose sorter was asked last */
  gint64 now;
  GTimeZone *zone; /* (owned) (nullable) */
  gboolean arranging;
};

enum { SIGNAL_MARKED, SIGNAL_SORTED, N_SIGNALS };
static guint signals[N_SIGNALS];
static GQuark binding_quark;

G_DEFINE_FINAL_TYPE (CtListColumns, ct_list_columns, G_TYPE_OBJECT)

/* --- cells ---------------------------------------------------------------------------------------------------- */

static void
set_style (Binding *binding, const char *style)
{
  if (style == binding->style)
    return;
  if (binding->style)
    gtk_widget_remove_css_class (binding->cell, binding->style);
  if (style)
    gtk_widget_add_css_class (binding->cell, style);
  binding->style = style;
}

static void
show_text (CtRow *row, gpointer data)
{
  Binding *binding = data;
  CtListColumns *self = binding->column->owner;
  CtCell cell = { .now = self->now, .zone = self->zone };
  CT_OWN_TIME;

  if (ct_row_is_loaded (row))
    binding->column->def->show (row, binding->column->def->column, &cell);
  gtk_inscription_set_text (GTK_INSCRIPTION (binding->cell), cell.text);
  set_style (binding, cell.style);
  g_free (cell.owned);
}

/* The widget of the whole row; (nullable). */
static GtkWidget *
row_of (Binding *binding)
{
  GtkWidget *cell = gtk_widget_get_parent (binding->cell);

  return cell ? gtk_widget_get_parent (cell) : NULL;
}

static void
show_mark (CtRow *row, gpointer data)
{
  Binding *binding = data;
  CtListColumns *self = binding->column->owner;
  g_autofree char *label = NULL;
  CT_OWN_TIME;

  if (!ct_row_is_loaded (row))
    return;
  label = g_strdup_printf (_ ("Mark %s"), ct_row_text (row, self->def->title_column));
  gtk_accessible_update_property (GTK_ACCESSIBLE (binding->cell), GTK_ACCESSIBLE_PROPERTY_LABEL, label, -1);
  if (row_of (binding))
    gtk_accessible_update_property (GTK_ACCESSIBLE (row_of (binding)), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                    ct_row_text (row, self->def->title_column), -1);
}

static void
set_check (Binding *binding)
{
  gboolean marked = ct_list_marks_has (binding->column->owner->marks, ct_row_get_n (binding->row));

  if (gtk_check_button_get_active (GTK_CHECK_BUTTON (binding->cell)) != marked)
    gtk_check_button_set_active (GTK_CHECK_BUTTON (binding->cell), marked);
}

static void
toggled_cb (GtkCheckButton *button, Binding *binding)
{
  CtListColumns *self = binding->column->owner;
  gboolean marked = gtk_check_button_get_active (button);
  gint64 n;

  if (!binding->row)
    return;
  n = ct_row_get_n (binding->row);
  if (ct_list_marks_has (self->marks, n) == marked)
    return;
  ct_list_marks_set (self->marks, n, marked);
  g_signal_emit (self, signals[SIGNAL_MARKED], 0);
}

static GtkWidget *
make_cell (Column *column, Binding *binding)
{
  GtkWidget *cell;

  if (column->def) {
    cell = gtk_inscription_new (NULL);
    gtk_inscription_set_text_overflow (GTK_INSCRIPTION (cell), GTK_INSCRIPTION_OVERFLOW_ELLIPSIZE_END);
    gtk_inscription_set_xalign (GTK_INSCRIPTION (cell), column->def->flags & CT_COLUMN_RIGHT ? 1 : 0);
    gtk_widget_set_valign (cell, GTK_ALIGN_CENTER);
    if (column->def->flags & CT_COLUMN_RIGHT)
      gtk_widget_add_css_class (cell, "numeric");
    return cell;
  }
  cell = gtk_check_button_new ();
  gtk_widget_set_focusable (cell, FALSE); /* the row takes the keys: x marks */
  gtk_widget_set_halign (cell, GTK_ALIGN_CENTER);
  g_signal_connect (cell, "toggled", G_CALLBACK (toggled_cb), binding);
  return cell;
}

static void
setup_cb (GtkSignalListItemFactory *factory, GtkListItem *item, Column *column)
{
  Binding *binding = g_new0 (Binding, 1);
  CT_OWN_TIME;

  binding->column = column;
  binding->item = item;
  binding->cell = make_cell (column, binding);
  g_object_set_qdata_full (G_OBJECT (item), binding_quark, binding, g_free);
  gtk_list_item_set_child (item, binding->cell);
}

static void
bind_cb (GtkSignalListItemFactory *factory, GtkListItem *item, Column *column)
{
  Binding *binding = g_object_get_qdata (G_OBJECT (item), binding_quark);
  CtListColumns *self = column->owner;
  gint64 n;
  CT_OWN_TIME;

  binding->row = gtk_list_item_get_item (item);
  if (column->def) {
    if (column->def->flags & CT_COLUMN_TIMED)
      g_hash_table_add (self->timed, binding);
    ct_row_watch (binding->row, show_text, binding);
    show_text (binding->row, binding);
    return;
  }
  n = ct_row_get_n (binding->row);
  g_hash_table_insert (self->checks, g_memdup2 (&n, sizeof n), binding);
  ct_row_watch (binding->row, show_mark, binding);
  set_check (binding);
  show_mark (binding->row, binding);
}

static void
unbind_cb (GtkSignalListItemFactory *factory, GtkListItem *item, Column *column)
{
  Binding *binding = g_object_get_qdata (G_OBJECT (item), binding_quark);
  CtListColumns *self = column->owner;
  CT_OWN_TIME;

  if (!binding || !binding->row)
    return;
  ct_row_unwatch (binding->row, column->def ? show_text : show_mark, binding);
  if (column->def) {
    if (column->def->flags & CT_COLUMN_TIMED)
      g_hash_table_remove (self->timed, binding);
  } else {
    gint64 n = ct_row_get_n (binding->row);

    if (g_hash_table_lookup (self->checks, &n) == binding)
      g_hash_table_remove (self->checks, &n);
  }
  binding->row = NULL;
}

/* --- order ---------------------------------------------------------------------------------------------------- */

/* GTK 4.8 does not tell what a column view sorts by. Its sorter asks the first column's sorter first and turns the
 * answer around for a descending order: so each column's sorter says who was asked. */
static int
probe_cb (gconstpointer a, gconstpointer b, gpointer data)
{
  Column *column = data;

  if (!column->owner->probed)
    column->owner->probed = column;
  return -1;
}

/* FALSE where the view is not sorted by a column. */
gboolean
ct_list_columns_get_sort (CtListColumns *self, const CtListColumn **column, gboolean *descending)
{
  GtkSorter *sorter = gtk_column_view_get_sorter (self->view);
  GtkOrdering answer;

  self->probed = NULL;
  answer = gtk_sorter_compare (sorter, self->probes[0], self->probes[1]);
  if (!self->probed || !self->probed->def)
    return FALSE;
  *column = self->probed->def;
  *descending = answer == GTK_ORDERING_LARGER;
  return TRUE;
}

static void
sorter_changed_cb (GtkSorter *sorter, GtkSorterChange change, CtListColumns *self)
{
  if (!self->arranging)
    g_signal_emit (self, signals[SIGNAL_SORTED], 0);
}

static Column *
find (CtListColumns *self, const char *key)
{
  for (guint i = 0; i < self->columns->len; i++) {
    Column *column = self->columns->pdata[i];

    if (column->def && strcmp (column->def->key, key) == 0)
      return column;
  }
  return NULL;
}

/* Shows an order in the headers that was chosen elsewhere. */
void
ct_list_columns_show_sort (CtListColumns *self, const CtListColumn *column, gboolean descending)
{
  Column *found = find (self, column->key);
  CT_FOREIGN_TIME;

  self->arranging = TRUE;
  gtk_column_view_sort_by_column (self->view, NULL, GTK_SORT_ASCENDING);
  if (found)
    gtk_column_view_sort_by_column (self->view, found->view,
                                    descending ? GTK_SORT_DESCENDING : GTK_SORT_ASCENDING);
  self->arranging = FALSE;
}

/* --- choice, order and widths of columns ---------------------------------------------------------------------- */

static void
remember (CtListColumns *self)
{
  GListModel *model = gtk_column_view_get_columns (self->view);
  GVariantBuilder shown, widths;

  if (!self->settings || self->arranging)
    return;
  g_variant_builder_init (&shown, G_VARIANT_TYPE ("as"));
  g_variant_builder_init (&widths, G_VARIANT_TYPE ("a{si}"));
  for (guint i = 0; i < g_list_model_get_n_items (model); i++) {
    g_autoptr (GtkColumnViewColumn) view = g_list_model_get_item (model, i);
    Column *column = g_object_get_qdata (G_OBJECT (view), binding_quark);

    if (!column->def)
      continue;
    if (gtk_column_view_column_get_visible (view))
      g_variant_builder_add (&shown, "s", column->def->key);
    if (gtk_column_view_column_get_fixed_width (view) != column->def->width)
      g_variant_builder_add (&widths, "{si}", column->def->key,
                             gtk_column_view_column_get_fixed_width (view));
  }
  g_settings_set_value (self->settings, "columns", g_variant_builder_end (&shown));
  g_settings_set_value (self->settings, "widths", g_variant_builder_end (&widths));
}

static void
arrangement_changed_cb (CtListColumns *self)
{
  remember (self);
}

gboolean
ct_list_columns_is_visible (CtListColumns *self, const char *key)
{
  Column *column = find (self, key);

  return column && gtk_column_view_column_get_visible (column->view);
}

void
ct_list_columns_set_visible (CtListColumns *self, const char *key, gboolean visible)
{
  Column *column = find (self, key);

  if (!column)
    return;
  gtk_column_view_column_set_visible (column->view, visible);
  remember (self);
}

/* As the person left it; columns that are new since then stay as they ship. */
static void
arrange (CtListColumns *self)
{
  g_auto (GStrv) shown = self->settings ? g_settings_get_strv (self->settings, "columns") : NULL;
  g_autoptr (GVariant) widths = self->settings ? g_settings_get_value (self->settings, "widths") : NULL;
  guint position = 1;

  for (guint i = 1; i < self->columns->len; i++) {
    Column *column = self->columns->pdata[i];
    int width;

    if (shown && shown[0])
      gtk_column_view_column_set_visible (column->view,
                                          g_strv_contains ((const char *const *) shown, column->def->key));
    if (widths && g_variant_lookup (widths, column->def->key, "i", &width))
      gtk_column_view_column_set_fixed_width (column->view, CLAMP (width, 24, 2000));
  }
  for (guint i = 0; shown && shown[i]; i++) {
    Column *column = find (self, shown[i]);

    if (column)
      gtk_column_view_insert_column (self->view, position++, column->view);
  }
}

static void
add_column (CtListColumns *self, const CtListColumn *def)
{
  Column *column = g_new0 (Column, 1);
  GtkListItemFactory *factory = gtk_signal_list_item_factory_new ();

  column->owner = self;
  column->def = def;
  g_signal_connect (factory, "setup", G_CALLBACK (setup_cb), column);
  g_signal_connect (factory, "bind", G_CALLBACK (bind_cb), column);
  g_signal_connect (factory, "unbind", G_CALLBACK (unbind_cb), column);
  column->view = gtk_column_view_column_new (def ? _ (def->title) : NULL, factory);
  g_object_set_qdata (G_OBJECT (column->view), binding_quark, column);
  gtk_column_view_column_set_fixed_width (column->view, def ? def->width : 40);
  gtk_column_view_column_set_resizable (column->view, def != NULL);
  gtk_column_view_column_set_expand (column->view, def && def->flags & CT_COLUMN_EXPAND);
  gtk_column_view_column_set_visible (column->view, !def || !(def->flags & CT_COLUMN_HIDDEN));
  if (def && def->order) {
    g_autoptr (GtkSorter) sorter = GTK_SORTER (gtk_custom_sorter_new (probe_cb, column, NULL));

    gtk_column_view_column_set_sorter (column->view, sorter);
  }
  g_signal_connect_swapped (column->view, "notify::fixed-width", G_CALLBACK (arrangement_changed_cb), self);
  gtk_column_view_append_column (self->view, column->view);
  g_object_unref (column->view); /* the view holds it */
  g_ptr_array_add (self->columns, column);
}

/* --- object --------------------------------------------------------------------------------------------------- */

static void
ct_list_columns_finalize (GObject *object)
{
  CtListColumns *self = CT_LIST_COLUMNS (object);

  g_clear_pointer (&self->columns, g_ptr_array_unref);
  g_clear_pointer (&self->timed, g_hash_table_unref);
  g_clear_pointer (&self->checks, g_hash_table_unref);
  g_clear_object (&self->settings);
  g_clear_object (&self->probes[0]);
  g_clear_object (&self->probes[1]);
  g_clear_pointer (&self->zone, g_time_zone_unref);
  G_OBJECT_CLASS (ct_list_columns_parent_class)->finalize (object);
}

static void
ct_list_columns_class_init (CtListColumnsClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ct_list_columns_finalize;
  binding_quark = g_quark_from_static_string ("ct-list-binding");
  signals[SIGNAL_MARKED] =
      g_signal_new ("marked", CT_TYPE_LIST_COLUMNS, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[SIGNAL_SORTED] =
      g_signal_new ("sorted", CT_TYPE_LIST_COLUMNS, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
ct_list_columns_init (CtListColumns *self)
{
  self->columns = g_ptr_array_new_with_free_func (g_free);
  self->timed = g_hash_table_new (NULL, NULL);
  self->checks = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  self->probes[0] = g_object_new (G_TYPE_OBJECT, NULL);
  self->probes[1] = g_object_new (G_TYPE_OBJECT, NULL);
  self->zone = g_time_zone_new_utc ();
}

CtListColumns *
ct_list_columns_new (GtkColumnView *view, const CtListDef *def, CtListMarks *marks)
{
  CtListColumns *self = g_object_new (CT_TYPE_LIST_COLUMNS, NULL);

  self->view = view;
  self->def = def;
  self->marks = marks;
  self->settings = ct_ui_settings_for_list (def->name);
  self->arranging = TRUE;
  add_column (self, NULL);
  for (const CtListColumn *column = def->columns; column->key; column++)
    add_column (self, column);
  arrange (self);
  self->arranging = FALSE;
  g_signal_connect_object (gtk_column_view_get_sorter (view), "changed", G_CALLBACK (sorter_changed_cb), self,
                           0);
  g_signal_connect_object (gtk_column_view_get_columns (view), "items-changed",
                           G_CALLBACK (arrangement_changed_cb), self, G_CONNECT_SWAPPED);
  return self;
}

/* What cells that tell the time take as now; ct_list_columns_update() shows it. */
void
ct_list_columns_set_clock (CtListColumns *self, gint64 now, GTimeZone *zone)
{
  self->now = now;
  g_time_zone_ref (zone);
  g_time_zone_unref (self->zone);
  self->zone = zone;
}

/* Shows marks and times as they are now. */
void
ct_list_columns_update (CtListColumns *self)
{
  GHashTableIter iter;
  gpointer binding;
  CT_OWN_TIME;

  g_hash_table_iter_init (&iter, self->timed);
  while (g_hash_table_iter_next (&iter, &binding, NULL))
    show_text (((Binding *) binding)->row, binding);
  g_hash_table_iter_init (&iter, self->checks);
  while (g_hash_table_iter_next (&iter, NULL, &binding))
    set_check (binding);
}

/* Gives the keyboard to the widget of a row; FALSE where it is too far away to have one. */
gboolean
ct_list_columns_grab_row (CtListColumns *self, gint64 n)
{
  Binding *binding = g_hash_table_lookup (self->checks, &n);
  GtkWidget *row = binding ? row_of (binding) : NULL;

  return row && gtk_widget_grab_focus (row);
}
