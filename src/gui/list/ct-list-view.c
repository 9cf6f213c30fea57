#include "ct-list-view.h"
#include "ct-filter-bar.h"
#include "ct-keyboard.h"
#include "ct-list-columns.h"
#include "ct-list-cursor.h"
#include "ct-own-time.h"
#include "ct-stack.h"

/* Times on the screen are at most this old. */
#define CLOCK_SECONDS 30

/* So many rows have widgets in a list of GTK 4.8: a row scrolled to from above comes to the bottom, with nearly all of
 * them before it, and the other way around. */
#define GTK_WIDGETS_OF_LIST 205
#define GTK_WIDGETS_BEYOND  4

struct _CtListView {
  GtkWidget parent_instance;
  GtkWidget *box;
  GtkSearchEntry *search;
  CtFilterBar *filters;
  GtkMenuButton *views_button;
  GtkMenuButton *columns_button;
  GtkBox *views_box;
  GtkBox *columns_box;
  GtkStack *stack;
  GtkScrolledWindow *scrolled;
  GtkColumnView *rows;
  AdwStatusPage *empty;
  AdwStatusPage *failed;
  GtkWidget *bulk;
  GtkLabel *bulk_label;
  GtkFlowBox *bulk_actions;
  GtkWidget *mark_all;

  CtPage *page; /* (unowned): holds this */
  const CtListDef *def;
  const CtPageAction *actions;
  CtListShown *shown;     /* (owned) */
  CtLazyList *list;       /* (owned) */
  CtListCursor *cursor;   /* (owned) */
  CtListColumns *columns; /* (owned) */
  CtListMarks *marks;     /* (owned) */
  guint clock_source;
  gboolean updating;
  gint64 jump_n; /* where the last jump goes */
  guint jump_position;
  guint jumps;       /* that wait for values */
  gboolean entering; /* the rows get the keyboard as soon as they are read */
};

enum { SIGNAL_CURRENT, SIGNAL_ACTIVATED, N_SIGNALS };
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (CtListView, ct_list_view, GTK_TYPE_WIDGET)

/* --- what is shown -------------------------------------------------------------------------------------------- */

static void
tick (CtListView *self)
{
  CtWorkspace *workspace = ct_page_get_workspace (self->page);

  ct_list_columns_set_clock (self->columns, ct_workspace_now (workspace), ct_workspace_get_zone (workspace));
}

static gboolean
tick_cb (gpointer data)
{
  CtListView *self = data;

  tick (self);
  ct_list_columns_update (self->columns);
  return G_SOURCE_CONTINUE;
}

/* Which of the states the stack shows, and what stands below the page's title. */
static void
update_state (CtListView *self)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->list));
  gboolean complete = ct_lazy_list_is_complete (self->list);
  const char *child = "rows";
  g_autofree char *count = NULL;

  switch (ct_lazy_list_get_state (self->list)) {
  case CT_LIST_FAILED:
    child = "failed";
    adw_status_page_set_description (self->failed, ct_lazy_list_get_problem (self->list));
    break;
  case CT_LIST_LOADING:
    child = n ? "rows" : "loading";
    break;
  default:
    if (n == 0)
      child = ct_list_shown_is_initial (self->shown) ? "empty" : "nothing";
  }
  gtk_stack_set_visible_child_name (self->stack, child);
  count = ct_format_count (n);
  if (complete)
    ct_page_set_subtitle (self->page, self->def->count ? self->def->count (n) : count);
}

static void
query (CtListView *self)
{
  g_autofree char *where = ct_list_shown_where (self->shown);
  g_autofree char *order = ct_list_shown_order (self->shown);
  g_autofree char *values =
      ct_list_shown_bound (self->shown, ct_workspace_now (ct_page_get_workspace (self->page)));

  ct_list_cursor_restart (self->cursor);
  {
    CT_FOREIGN_TIME;
    gtk_adjustment_set_value (gtk_scrolled_window_get_vadjustment (self->scrolled), 0);
  }
  ct_lazy_list_set_query (self->list, where, order, values);
  update_state (self);
}

static void
sorted_cb (CtListColumns *columns, CtListView *self)
{
  const CtListColumn *column;
  gboolean descending;
  CT_OWN_TIME;

  if (!ct_list_columns_get_sort (columns, &column, &descending))
    return;
  if (column == self->shown->sort && descending == self->shown->descending)
    return;
  /* the first click on another header begins with what people look for there */
  if (column != self->shown->sort && column->flags & CT_COLUMN_DESCENDING && !descending) {
    descending = TRUE;
    ct_list_columns_show_sort (columns, column, TRUE);
  }
  self->shown->sort = column;
  self->shown->descending = descending;
  query (self);
}

static void
filters_changed_cb (CtFilterBar *bar, CtListView *self)
{
  CT_OWN_TIME;

  query (self);
}

static void
search_changed_cb (GtkSearchEntry *entry, CtListView *self)
{
  CT_OWN_TIME;

  if (self->updating || g_strcmp0 (self->shown->search, gtk_editable_get_text (GTK_EDITABLE (entry))) == 0)
    return;
  g_free (self->shown->search);
  self->shown->search = g_strdup (gtk_editable_get_text (GTK_EDITABLE (entry)));
  query (self);
}

/* Gives the keyboard to the current row, or else the first, as soon as the rows are there. Meanwhile no widget has it,
 * and the keys of the list hold already. */
static void
enter_rows (CtListView *self)
{
  guint position = ct_list_cursor_get_position (self->cursor);
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->list));

  self->entering = ct_lazy_list_get_state (self->list) == CT_LIST_LOADING;
  if (!self->entering && n)
    ct_list_view_jump (self, position == GTK_INVALID_LIST_POSITION ? 0 : MIN (position, n - 1));
}

/* Enter in the search goes to the rows it found, also to those it is about to find. */
static void
search_activated_cb (GtkSearchEntry *entry, CtListView *self)
{
  search_changed_cb (entry, self);
  gtk_root_set_focus (gtk_widget_get_root (GTK_WIDGET (self)), NULL);
  enter_rows (self);
}

/* Escape empties the search, and leaves it where it is empty. */
static void
search_stopped_cb (GtkSearchEntry *entry, CtListView *self)
{
  if (*gtk_editable_get_text (GTK_EDITABLE (entry)))
    gtk_editable_set_text (GTK_EDITABLE (entry), "");
  else
    search_activated_cb (entry, self);
}

static gboolean
search_key_cb (GtkEventControllerKey *controller, guint key, guint code, GdkModifierType state,
               CtListView *self)
{
  if (key != GDK_KEY_Down)
    return FALSE;
  search_activated_cb (self->search, self);
  return TRUE;
}

/* Puts what is shown into all the places that say it. */
static void
show_shown (CtListView *self)
{
  self->updating = TRUE;
  gtk_editable_set_text (GTK_EDITABLE (self->search), self->shown->search);
  self->updating = FALSE;
  ct_filter_bar_update (self->filters);
  ct_list_columns_show_sort (self->columns, self->shown->sort, self->shown->descending);
  query (self);
}

/* The list as at first, its order too: the one of a view may sort all other rows alike. */
static void
clear_filters_cb (GtkButton *button, CtListView *self)
{
  g_autoptr (JsonObject) initial = json_object_new ();

  ct_list_shown_apply (self->shown, initial);
  show_shown (self);
}

static void
try_again_cb (GtkButton *button, CtListView *self)
{
  query (self);
}

/* --- views and columns ---------------------------------------------------------------------------------------- */

static void
empty_box (GtkBox *box)
{
  GtkWidget *child;

  while ((child = gtk_widget_get_first_child (GTK_WIDGET (box))))
    gtk_box_remove (box, child);
}

static void
view_chosen_cb (GtkButton *button, CtListView *self)
{
  const CtListBuiltInView *view = g_object_get_data (G_OBJECT (button), "view");
  g_autoptr (JsonNode) node = ct_json_parse (view->view, -1, 1 << 16, NULL);

  gtk_menu_button_popdown (self->views_button);
  if (node && JSON_NODE_HOLDS_OBJECT (node))
    ct_list_view_set_view (self, json_node_get_object (node));
}

static void
fill_views_cb (GtkWidget *popover, CtListView *self)
{
  empty_box (self->views_box);
  for (const CtListBuiltInView *view = self->def->views; view && view->name; view++) {
    GtkWidget *button = gtk_button_new_with_label (_ (view->name));

    gtk_widget_add_css_class (button, "flat");
    gtk_label_set_xalign (GTK_LABEL (gtk_button_get_child (GTK_BUTTON (button))), 0);
    g_object_set_data (G_OBJECT (button), "view", (gpointer) view);
    g_signal_connect (button, "clicked", G_CALLBACK (view_chosen_cb), self);
    gtk_box_append (self->views_box, button);
  }
}

static void
column_toggled_cb (GtkCheckButton *button, CtListView *self)
{
  ct_list_columns_set_visible (self->columns, g_object_get_data (G_OBJECT (button), "key"),
                               gtk_check_button_get_active (button));
}

static void
fill_columns_cb (GtkWidget *popover, CtListView *self)
{
  empty_box (self->columns_box);
  for (const CtListColumn *column = self->def->columns; column->key; column++) {
    GtkWidget *button = gtk_check_button_new_with_label (_ (column->title));

    gtk_check_button_set_active (GTK_CHECK_BUTTON (button),
                                 ct_list_columns_is_visible (self->columns, column->key));
    g_object_set_data (G_OBJECT (button), "key", (gpointer) column->key);
    g_signal_connect (button, "toggled", G_CALLBACK (column_toggled_cb), self);
    gtk_box_append (self->columns_box, button);
  }
}

/* --- marks and actions ---------------------------------------------------------------------------------------- */

static void
update_bulk (CtListView *self)
{
  guint n = ct_list_marks_count (self->marks);
  g_autofree char *count = ct_format_count (n);
  g_autofree char *text = g_strdup_printf (g_dngettext (GETTEXT_PACKAGE, "%s marked", "%s marked", n), count);

  gtk_label_set_text (self->bulk_label, text);
  gtk_widget_set_visible (self->bulk, n > 0);
  gtk_widget_set_visible (self->mark_all, n < g_list_model_get_n_items (G_LIST_MODEL (self->list)));
}

static void
marks_changed (CtListView *self)
{
  ct_list_columns_update (self->columns);
  update_bulk (self);
}

static void
marked_cb (CtListColumns *columns, CtListView *self)
{
  update_bulk (self);
}

static void
mark_all_cb (GtkButton *button, CtListView *self)
{
  g_autoptr (CtIds) ids = ct_lazy_list_dup_ids (self->list);

  ct_list_marks_all (self->marks, ids);
  marks_changed (self);
}

static void
unmark_cb (GtkButton *button, CtListView *self)
{
  ct_list_view_clear_marks (self);
}

static void
run_action (CtListView *self, const CtPageAction *action, GArray *numbers)
{
  if (action->command && !ct_workspace_may (ct_page_get_workspace (self->page), action->command)) {
    ct_page_toast (self, FALSE, _ ("Your roles do not allow this: %s"), _ (action->title));
    return;
  }
  if (numbers->len)
    action->run (self->page, numbers);
}

static void
run_for_chosen (CtListView *self, const CtPageAction *action)
{
  g_autoptr (GArray) numbers = ct_list_view_dup_chosen (self);

  run_action (self, action, numbers);
}

static void
chosen_clicked_cb (GtkButton *button, CtListView *self)
{
  run_for_chosen (self, g_object_get_data (G_OBJECT (button), "action"));
}

static void
current_clicked_cb (GtkButton *button, CtListView *self)
{
  g_autoptr (GArray) numbers = g_array_new (FALSE, FALSE, sizeof (gint64));
  gint64 n = ct_list_cursor_get_n (self->cursor);

  if (n >= 0)
    g_array_append_val (numbers, n);
  run_action (self, g_object_get_data (G_OBJECT (button), "action"), numbers);
}

static GtkWidget *
make_button (CtListView *self, const CtPageAction *action, GCallback clicked_cb)
{
  GtkWidget *button = gtk_button_new_with_label (_ (action->title));
  g_autofree char *tip = action->key ? g_strdup_printf (_ ("Key: %c"), (int) action->key) : NULL;

  ct_page_gate (button, ct_page_get_workspace (self->page), action->command, tip);
  g_object_set_data (G_OBJECT (button), "action", (gpointer) action);
  g_signal_connect (button, "clicked", clicked_cb, self);
  return button;
}

/* The page's actions into a box that wraps. */
static void
add_actions (CtListView *self, GtkFlowBox *box, gboolean apart, GCallback clicked_cb)
{
  for (const CtPageAction *action = self->actions; action && action->name; action++) {
    GtkWidget *button;

    if (action->apart && !apart)
      continue;
    button = make_button (self, action, clicked_cb);
    gtk_flow_box_append (box, button);
    gtk_widget_set_focusable (gtk_widget_get_parent (button),
                              FALSE); /* the button takes the keyboard, not its place */
  }
}

/**
 * ct_list_view_make_actions:
 *
 * The page's actions as buttons for the pane beside the list: what they do, they do to the current row, whatever is
 * marked. The view must outlive them.
 *
 * Returns: (transfer floating): the buttons
 */
GtkWidget *
ct_list_view_make_actions (CtListView *self)
{
  GtkWidget *buttons = gtk_flow_box_new ();

  gtk_flow_box_set_selection_mode (GTK_FLOW_BOX (buttons), GTK_SELECTION_NONE);
  gtk_flow_box_set_max_children_per_line (GTK_FLOW_BOX (buttons), 8);
  gtk_flow_box_set_column_spacing (GTK_FLOW_BOX (buttons), 6);
  gtk_flow_box_set_row_spacing (GTK_FLOW_BOX (buttons), 6);
  add_actions (self, GTK_FLOW_BOX (buttons), FALSE, G_CALLBACK (current_clicked_cb));
  return buttons;
}

/* --- rows ----------------------------------------------------------------------------------------------------- */

static void
moved_cb (CtListCursor *cursor, CtListView *self)
{
  g_signal_emit (self, signals[SIGNAL_CURRENT], 0);
}

static void
activated_cb (GtkColumnView *rows, guint position, CtListView *self)
{
  gtk_selection_model_select_item (GTK_SELECTION_MODEL (self->cursor), position, TRUE);
  g_signal_emit (self, signals[SIGNAL_ACTIVATED], 0);
}

static void
list_state_cb (CtListView *self)
{
  CT_OWN_TIME;

  update_state (self);
  update_bulk (self);
  if (self->entering && !gtk_root_get_focus (gtk_widget_get_root (GTK_WIDGET (self))))
    enter_rows (self);
}

/* A list that shows its top shows what is new there; GTK would hold on to the row that was the first. */
static void
rows_changed_cb (GListModel *list, guint position, guint removed, guint added, CtListView *self)
{
  GtkAdjustment *adjustment = gtk_scrolled_window_get_vadjustment (self->scrolled);

  if (position == 0 && added && self->rows && gtk_adjustment_get_value (adjustment) <= 0) {
    CT_FOREIGN_TIME;
    gtk_widget_activate_action (gtk_widget_get_last_child (GTK_WIDGET (self->rows)), "list.scroll-to-item",
                                "u", 0);
  }
  if (ct_keyboard_was_lost (
          GTK_WIDGET (self))) /* the row that takes the place of the one that had it gets it */
    self->entering = ct_list_cursor_get_n (self->cursor) >= 0;
  list_state_cb (self);
}

/* The jump that was asked for last, once its rows have their values. */
static void
prepared_cb (CtLazyList *list, gpointer data)
{
  g_autoptr (CtListView) self = data;
  guint position = self->jump_position;
  CT_OWN_TIME;

  if (--self->jumps > 0 || !self->rows)
    return;
  if (ct_lazy_list_get_n_at (list, position) != self->jump_n &&
      !ct_lazy_list_find (list, self->jump_n, &position))
    return;
  {
    CT_FOREIGN_TIME;
    gtk_widget_activate_action (gtk_widget_get_last_child (GTK_WIDGET (self->rows)), "list.scroll-to-item",
                                "u", position);
  }
}

/* Whether a row that is out of sight is further down. */
static gboolean
is_below (CtListView *self, guint position)
{
  GtkAdjustment *adjustment = gtk_scrolled_window_get_vadjustment (self->scrolled);
  double n = g_list_model_get_n_items (G_LIST_MODEL (self->list));

  return position > gtk_adjustment_get_value (adjustment) / gtk_adjustment_get_upper (adjustment) * n;
}

/**
 * ct_list_view_jump:
 *
 * Brings the row at a position into sight and gives it the keyboard.
 */
void
ct_list_view_jump (CtListView *self, guint position)
{
  gint64 n = ct_lazy_list_get_n_at (self->list, position);
  guint before;
  CT_OWN_TIME;

  if (n < 0 || ct_list_columns_grab_row (self->columns, n))
    return;
  self->jump_position = position;
  self->jump_n = n;
  self->jumps++;
  before = MIN (position, is_below (self, position) ? GTK_WIDGETS_OF_LIST : GTK_WIDGETS_BEYOND);
  ct_lazy_list_prepare (self->list, position - before, GTK_WIDGETS_OF_LIST + GTK_WIDGETS_BEYOND, prepared_cb,
                        g_object_ref (self));
}

static gboolean
move (CtListView *self, int step)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->list));
  guint position = ct_list_cursor_get_position (self->cursor);

  if (n == 0)
    return TRUE;
  if (position == GTK_INVALID_LIST_POSITION)
    position = 0;
  else if (step < 0)
    position -= position > 0;
  else
    position = MIN (position + 1, n - 1);
  gtk_selection_model_select_item (GTK_SELECTION_MODEL (self->cursor), position, TRUE);
  ct_list_view_jump (self, position);
  return TRUE;
}

static gboolean
toggle_mark (CtListView *self)
{
  gint64 n = ct_list_cursor_get_n (self->cursor);

  if (n < 0)
    return FALSE;
  ct_list_marks_set (self->marks, n, !ct_list_marks_has (self->marks, n));
  marks_changed (self);
  return TRUE;
}

static gboolean
escape (CtListView *self)
{
  if (ct_list_marks_count (self->marks))
    ct_list_view_clear_marks (self);
  else if (ct_list_cursor_get_n (self->cursor) >= 0)
    ct_list_cursor_set_n (self->cursor, -1);
  else
    return FALSE;
  return TRUE;
}

/* The keys of every list, then those of the page's actions. */
gboolean
ct_list_view_key (CtListView *self, guint key, GdkModifierType state)
{
  if (state & GDK_CONTROL_MASK) {
    if (key != GDK_KEY_a)
      return FALSE;
    mark_all_cb (NULL, self);
    return TRUE;
  }
  switch (key) {
  case GDK_KEY_j:
    return move (self, 1);
  case GDK_KEY_k:
    return move (self, -1);
  case GDK_KEY_x:
    return toggle_mark (self);
  case GDK_KEY_Escape:
    return escape (self);
  default:
    break;
  }
  for (const CtPageAction *action = self->actions; action && action->name; action++)
    if (action->key && action->key == key) {
      run_for_chosen (self, action);
      return TRUE;
    }
  return FALSE;
}

/* A row with the keyboard would take Ctrl+A for GTK's own selection. */
static gboolean
rows_key_cb (GtkEventControllerKey *controller, guint key, guint code, GdkModifierType state,
             CtListView *self)
{
  return state & GDK_CONTROL_MASK && ct_list_view_key (self, key, state);
}

/* --- object --------------------------------------------------------------------------------------------------- */

static void
ct_list_view_dispose (GObject *object)
{
  CtListView *self = CT_LIST_VIEW (object);

  g_clear_handle_id (&self->clock_source, g_source_remove);
  if (self->list)
    g_signal_handlers_disconnect_by_data (self->list, self);
  if (self->rows)
    gtk_column_view_set_model (self->rows, NULL);
  gtk_widget_dispose_template (GTK_WIDGET (self), CT_TYPE_LIST_VIEW);
  G_OBJECT_CLASS (ct_list_view_parent_class)->dispose (object);
}

static void
ct_list_view_finalize (GObject *object)
{
  CtListView *self = CT_LIST_VIEW (object);

  g_clear_object (&self->columns);
  g_clear_object (&self->cursor);
  g_clear_object (&self->list);
  g_clear_pointer (&self->shown, ct_list_shown_free);
  g_clear_pointer (&self->marks, ct_list_marks_free);
  G_OBJECT_CLASS (ct_list_view_parent_class)->finalize (object);
}

static void
ct_list_view_class_init (CtListViewClass *klass)
{
  static const struct {
    const char *name;
    gssize offset;
  } children[] = {
#define CHILD(name) { #name, G_STRUCT_OFFSET (CtListView, name) }
    CHILD (box),       CHILD (search),      CHILD (filters), CHILD (views_button), CHILD (columns_button),
    CHILD (views_box), CHILD (columns_box), CHILD (stack),   CHILD (scrolled),     CHILD (rows),
    CHILD (empty),     CHILD (failed),      CHILD (bulk),    CHILD (bulk_label),   CHILD (bulk_actions),
    CHILD (mark_all),
#undef CHILD
  };
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = ct_list_view_dispose;
  G_OBJECT_CLASS (klass)->finalize = ct_list_view_finalize;
  signals[SIGNAL_CURRENT] =
      g_signal_new ("current", CT_TYPE_LIST_VIEW, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[SIGNAL_ACTIVATED] =
      g_signal_new ("activated", CT_TYPE_LIST_VIEW, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  g_type_ensure (CT_TYPE_FILTER_BAR);
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/controltower/ControlTower/ct-list-view.ui");
  for (guint i = 0; i < G_N_ELEMENTS (children); i++)
    gtk_widget_class_bind_template_child_full (widget_class, children[i].name, FALSE, children[i].offset);
  gtk_widget_class_bind_template_callback (widget_class, filters_changed_cb);
  gtk_widget_class_bind_template_callback (widget_class, search_changed_cb);
  gtk_widget_class_bind_template_callback (widget_class, search_activated_cb);
  gtk_widget_class_bind_template_callback (widget_class, search_stopped_cb);
  gtk_widget_class_bind_template_callback (widget_class, search_key_cb);
  gtk_widget_class_bind_template_callback (widget_class, rows_key_cb);
  gtk_widget_class_bind_template_callback (widget_class, fill_views_cb);
  gtk_widget_class_bind_template_callback (widget_class, fill_columns_cb);
  gtk_widget_class_bind_template_callback (widget_class, activated_cb);
  gtk_widget_class_bind_template_callback (widget_class, clear_filters_cb);
  gtk_widget_class_bind_template_callback (widget_class, try_again_cb);
  gtk_widget_class_bind_template_callback (widget_class, mark_all_cb);
  gtk_widget_class_bind_template_callback (widget_class, unmark_cb);
}

static void
ct_list_view_init (CtListView *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  self->marks = ct_list_marks_new ();
  ct_stack_hide_others (self->stack);
}

/**
 * ct_list_view_bind:
 * @page: (transfer none): whose workspace is read, whose subtitle counts the rows
 * @def: lives as long as the view
 * @actions: (nullable): what to do with marked rows, ended by a NULL name
 *
 * Makes the list and reads its first rows.
 */
void
ct_list_view_bind (CtListView *self, CtPage *page, const CtListDef *def, const CtPageAction *actions)
{
  CtStore *store = ct_workspace_get_store (ct_page_get_workspace (page));

  g_return_if_fail (!self->def);
  self->page = page;
  self->def = def;
  self->actions = actions;
  self->shown = ct_list_shown_new (def);
  self->list = ct_lazy_list_new (store, def->source);
  self->cursor = ct_list_cursor_new (self->list);
  self->columns = ct_list_columns_new (self->rows, def, self->marks);
  tick (self);
  ct_filter_bar_bind (self->filters, self->shown, store);
  adw_status_page_set_icon_name (self->empty, def->empty_icon);
  adw_status_page_set_title (self->empty, _ (def->empty_title));
  adw_status_page_set_description (self->empty, _ (def->empty_text));
  gtk_widget_set_visible (GTK_WIDGET (self->views_button), def->views != NULL);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->rows), GTK_ACCESSIBLE_PROPERTY_LABEL, def->name, -1);
  add_actions (self, self->bulk_actions, TRUE, G_CALLBACK (chosen_clicked_cb));
  g_signal_connect (self->cursor, "moved", G_CALLBACK (moved_cb), self);
  g_signal_connect (self->columns, "marked", G_CALLBACK (marked_cb), self);
  g_signal_connect (self->columns, "sorted", G_CALLBACK (sorted_cb), self);
  g_signal_connect_swapped (self->list, "notify", G_CALLBACK (list_state_cb), self);
  gtk_column_view_set_model (self->rows, GTK_SELECTION_MODEL (self->cursor));
  g_signal_connect (self->list, "items-changed", G_CALLBACK (rows_changed_cb), self); /* after the view */
  show_shown (self);
  self->clock_source = g_timeout_add_seconds (CLOCK_SECONDS, tick_cb, self);
}

/* A list that is not on the screen does not follow the data. */
void
ct_list_view_set_shown (CtListView *self, gboolean shown)
{
  if (shown)
    tick_cb (self);
  ct_lazy_list_set_paused (self->list, !shown);
}

void
ct_list_view_search (CtListView *self)
{
  gtk_widget_grab_focus (GTK_WIDGET (self->search));
}

void
ct_list_view_set_view (CtListView *self, JsonObject *view)
{
  CT_OWN_TIME;

  ct_list_shown_apply (self->shown, view);
  show_shown (self);
}

/* (transfer full) */
JsonObject *
ct_list_view_get_view (CtListView *self)
{
  return ct_list_shown_view (self->shown);
}

/* (transfer none) */
CtLazyList *
ct_list_view_get_list (CtListView *self)
{
  return self->list;
}

/* The current row's number, or -1. */
gint64
ct_list_view_get_current (CtListView *self)
{
  return ct_list_cursor_get_n (self->cursor);
}

void
ct_list_view_set_current (CtListView *self, gint64 n)
{
  guint position;

  ct_list_cursor_set_n (self->cursor, n);
  if (n >= 0 && ct_lazy_list_find (self->list, n, &position))
    ct_list_view_jump (self, position);
}

/* (transfer full) (nullable): the current row where the list holds it */
CtRow *
ct_list_view_dup_current_row (CtListView *self)
{
  guint position = ct_list_cursor_get_position (self->cursor);

  if (position == GTK_INVALID_LIST_POSITION ||
      ct_lazy_list_get_n_at (self->list, position) != ct_list_cursor_get_n (self->cursor))
    return NULL;
  return g_list_model_get_item (G_LIST_MODEL (self->list), position);
}

/* (transfer full) (element-type gint64): the rows marked, or else the current one */
GArray *
ct_list_view_dup_chosen (CtListView *self)
{
  GArray *numbers = ct_list_marks_numbers (self->marks);
  gint64 n = ct_list_cursor_get_n (self->cursor);

  if (numbers->len == 0 && n >= 0)
    g_array_append_val (numbers, n);
  return numbers;
}

void
ct_list_view_clear_marks (CtListView *self)
{
  ct_list_marks_clear (self->marks);
  marks_changed (self);
}
