#include "ct-filter-bar.h"

/* A chip does not grow beyond this; the choices tell the rest. */
#define MOST_LETTERS 30
/* More choices than this are not offered; the search finds the rest. */
#define MOST_CHOICES 200

typedef struct {
  CtFilterBar *owner; /* (unowned) */
  const CtListFilter *filter;
  GtkMenuButton *button; /* (unowned) */
  GtkLabel *label;       /* (unowned) */
  GtkWidget *clear;      /* (unowned) */
  GtkBox *choices;       /* (unowned): in the popover */
} Chip;

struct _CtFilterBar {
  GtkWidget parent_instance;
  GtkWidget *root;
  GtkBox *box;
  CtListShown *shown; /* (unowned): the list's */
  CtStore *store;     /* (owned) (nullable) */
  GCancellable *cancellable;
  GPtrArray *chips; /* (owned) (element-type Chip) */
  gboolean filling;
};

enum { SIGNAL_CHANGED, N_SIGNALS };
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (CtFilterBar, ct_filter_bar, GTK_TYPE_WIDGET)

/* A value as people read it. */
static const char *
label_of (const CtListFilter *filter, const char *value)
{
  for (const CtFilterChoice *choice = filter->choices; choice && choice->value; choice++)
    if (g_strcmp0 (choice->value, value) == 0)
      return _ (choice->label);
  if (*value == '\0')
    return _ ("None");
  return filter->label ? filter->label (value) : value;
}

static void
update_chip (Chip *chip)
{
  JsonArray *values = ct_list_shown_values (chip->owner->shown, chip->filter->key);
  g_autoptr (GString) text = g_string_new (_ (chip->filter->title));
  g_autofree char *short_text = NULL;
  guint n = values ? json_array_get_length (values) : 0;

  if (n > 2)
    g_string_append_printf (text, ": %s +%u",
                            label_of (chip->filter, json_array_get_string_element (values, 0)), n - 1);
  for (guint i = 0; n <= 2 && i < n; i++)
    g_string_append_printf (text, "%s%s", i ? ", " : ": ",
                            label_of (chip->filter, json_array_get_string_element (values, i)));
  short_text = ct_text_snippet (text->str, MOST_LETTERS);
  gtk_label_set_text (chip->label, short_text);
  gtk_accessible_update_property (GTK_ACCESSIBLE (chip->button), GTK_ACCESSIBLE_PROPERTY_LABEL, text->str,
                                  -1);
  gtk_widget_set_visible (chip->clear, n > 0);
  if (n > 0)
    gtk_widget_add_css_class (gtk_widget_get_parent (GTK_WIDGET (chip->button)), "chosen");
  else
    gtk_widget_remove_css_class (gtk_widget_get_parent (GTK_WIDGET (chip->button)), "chosen");
}

/* Chips with a choice stand first, where they are seen in a narrow window as well; none moves away under the pointer
 * while its choices are open. */
static void
arrange (CtFilterBar *self)
{
  GtkWidget *last = NULL;

  for (guint i = 0; i < self->chips->len; i++) {
    Chip *chip = self->chips->pdata[i];

    if (gtk_widget_get_visible (GTK_WIDGET (gtk_menu_button_get_popover (chip->button))))
      return;
  }
  for (gboolean chosen = TRUE; chosen >= FALSE; chosen--)
    for (guint i = 0; i < self->chips->len; i++) {
      Chip *chip = self->chips->pdata[i];
      GtkWidget *widget = gtk_widget_get_parent (GTK_WIDGET (chip->button));

      if (gtk_widget_get_visible (chip->clear) != chosen)
        continue;
      gtk_box_reorder_child_after (self->box, widget, last);
      last = widget;
    }
  gtk_adjustment_set_value (gtk_scrolled_window_get_hadjustment (GTK_SCROLLED_WINDOW (self->root)), 0);
}

/* Shows the choices made, wherever they were made. */
void
ct_filter_bar_update (CtFilterBar *self)
{
  for (guint i = 0; i < self->chips->len; i++)
    update_chip (self->chips->pdata[i]);
  arrange (self);
}

static void
changed (CtFilterBar *self)
{
  ct_filter_bar_update (self);
  g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
}

static void
choice_toggled_cb (GtkCheckButton *button, Chip *chip)
{
  if (chip->owner->filling)
    return;
  ct_list_shown_toggle (chip->owner->shown, chip->filter->key, g_object_get_data (G_OBJECT (button), "value"),
                        gtk_check_button_get_active (button));
  changed (chip->owner);
}

static void
clear_cb (GtkButton *button, Chip *chip)
{
  ct_list_shown_clear (chip->owner->shown, chip->filter->key);
  changed (chip->owner);
}

static void
add_choice (Chip *chip, const char *value, const char *label)
{
  GtkWidget *button = gtk_check_button_new_with_label (label);

  g_object_set_data_full (G_OBJECT (button), "value", g_strdup (value), g_free);
  gtk_check_button_set_active (GTK_CHECK_BUTTON (button),
                               ct_list_shown_has (chip->owner->shown, chip->filter->key, value));
  g_signal_connect (button, "toggled", G_CALLBACK (choice_toggled_cb), chip);
  gtk_box_append (chip->choices, button);
}

static void
empty_choices (Chip *chip)
{
  GtkWidget *child;

  while ((child = gtk_widget_get_first_child (GTK_WIDGET (chip->choices))))
    gtk_box_remove (chip->choices, child);
}

typedef struct {
  CtFilterBar *owner; /* (owned): keeps the chip alive */
  Chip *chip;
  const CtListFilter *filter;
  GPtrArray *values, *labels; /* (owned) (element-type utf8) */
} ChoicesJob;

static void
choices_job_free (gpointer data)
{
  ChoicesJob *job = data;

  g_object_unref (job->owner);
  g_ptr_array_unref (job->values);
  g_ptr_array_unref (job->labels);
  g_free (job);
}

static gboolean
read_choices_cb (CtDb *db, gpointer data, GError **error)
{
  ChoicesJob *job = data;
  g_autoptr (CtStmt) stmt = ct_db_query (db, error, job->filter->choices_sql, "");

  if (!stmt)
    return FALSE;
  while (job->values->len < MOST_CHOICES && ct_stmt_next (stmt)) {
    const char *value = ct_stmt_text (stmt, 0);

    if (!value)
      continue;
    g_ptr_array_add (job->values, g_strdup (value));
    g_ptr_array_add (job->labels, g_strdup (ct_stmt_n_columns (stmt) > 1 ? ct_stmt_text (stmt, 1) : NULL));
  }
  return ct_stmt_finish (stmt, error);
}

static void
choices_read_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  ChoicesJob *job = ct_store_job_data (result);
  Chip *chip = job->chip;

  if (!ct_store_job_finish (CT_STORE (source), result, NULL) ||
      g_cancellable_is_cancelled (job->owner->cancellable))
    return;
  empty_choices (chip);
  chip->owner->filling = TRUE;
  for (guint i = 0; i < job->values->len; i++) {
    const char *label = job->labels->pdata[i];

    add_choice (chip, job->values->pdata[i], label ? label : label_of (chip->filter, job->values->pdata[i]));
  }
  chip->owner->filling = FALSE;
}

/* Each time a popover opens, its choices are those of now. */
static void
popover_shown_cb (GtkWidget *popover, Chip *chip)
{
  CtFilterBar *self = chip->owner;
  ChoicesJob *job;

  if (chip->filter->choices) {
    empty_choices (chip);
    self->filling = TRUE;
    for (const CtFilterChoice *choice = chip->filter->choices; choice->value; choice++)
      add_choice (chip, choice->value, _ (choice->label));
    self->filling = FALSE;
    return;
  }
  job = g_new0 (ChoicesJob, 1);
  job->owner = g_object_ref (self);
  job->chip = chip;
  job->filter = chip->filter;
  job->values = g_ptr_array_new_with_free_func (g_free);
  job->labels = g_ptr_array_new_with_free_func (g_free);
  ct_store_read_async (self->store, read_choices_cb, job, choices_job_free, self->cancellable,
                       choices_read_cb, NULL);
}

static GtkWidget *
make_popover (Chip *chip)
{
  GtkWidget *popover = gtk_popover_new ();
  GtkWidget *scrolled = gtk_scrolled_window_new ();

  chip->choices = GTK_BOX (gtk_box_new (GTK_ORIENTATION_VERTICAL, 2));
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (scrolled), GTK_POLICY_NEVER, GTK_POLICY_AUTOMATIC);
  gtk_scrolled_window_set_propagate_natural_height (GTK_SCROLLED_WINDOW (scrolled), TRUE);
  gtk_scrolled_window_set_max_content_height (GTK_SCROLLED_WINDOW (scrolled), 360);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scrolled), GTK_WIDGET (chip->choices));
  gtk_popover_set_child (GTK_POPOVER (popover), scrolled);
  g_signal_connect (popover, "map", G_CALLBACK (popover_shown_cb), chip);
  g_signal_connect_swapped (popover, "closed", G_CALLBACK (arrange), chip->owner);
  return popover;
}

static void
add_chip (CtFilterBar *self, const CtListFilter *filter)
{
  Chip *chip = g_new0 (Chip, 1);
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 0);
  GtkWidget *content = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  g_autofree char *clear = g_strdup_printf (_ ("Clear %s"), _ (filter->title));

  chip->owner = self;
  chip->filter = filter;
  chip->button = GTK_MENU_BUTTON (gtk_menu_button_new ());
  chip->label = GTK_LABEL (gtk_label_new (NULL));
  gtk_box_append (GTK_BOX (content), GTK_WIDGET (chip->label));
  gtk_box_append (GTK_BOX (content), gtk_image_new_from_icon_name ("pan-down-symbolic"));
  gtk_menu_button_set_child (chip->button, content);
  gtk_menu_button_set_popover (chip->button, make_popover (chip));
  chip->clear = gtk_button_new_from_icon_name ("window-close-symbolic");
  gtk_widget_set_tooltip_text (chip->clear, clear);
  gtk_accessible_update_property (GTK_ACCESSIBLE (chip->clear), GTK_ACCESSIBLE_PROPERTY_LABEL, clear, -1);
  g_signal_connect (chip->clear, "clicked", G_CALLBACK (clear_cb), chip);
  gtk_widget_add_css_class (box, "ct-chip");
  gtk_widget_add_css_class (box, "linked");
  gtk_box_append (GTK_BOX (box), GTK_WIDGET (chip->button));
  gtk_box_append (GTK_BOX (box), chip->clear);
  gtk_box_append (self->box, box);
  g_ptr_array_add (self->chips, chip);
}

/* @shown: what the chips change; emits CtFilterBar::changed when they did. */
void
ct_filter_bar_bind (CtFilterBar *self, CtListShown *shown, CtStore *store)
{
  g_return_if_fail (!self->shown);
  self->shown = shown;
  self->store = g_object_ref (store);
  for (const CtListFilter *filter = shown->def->filters; filter->key; filter++)
    add_chip (self, filter);
  ct_filter_bar_update (self);
}

static void
ct_filter_bar_dispose (GObject *object)
{
  CtFilterBar *self = CT_FILTER_BAR (object);

  g_cancellable_cancel (self->cancellable);
  gtk_widget_dispose_template (GTK_WIDGET (self), CT_TYPE_FILTER_BAR);
  g_clear_object (&self->store);
  G_OBJECT_CLASS (ct_filter_bar_parent_class)->dispose (object);
}

static void
ct_filter_bar_finalize (GObject *object)
{
  CtFilterBar *self = CT_FILTER_BAR (object);

  g_clear_object (&self->cancellable);
  g_clear_pointer (&self->chips, g_ptr_array_unref);
  G_OBJECT_CLASS (ct_filter_bar_parent_class)->finalize (object);
}

static void
ct_filter_bar_class_init (CtFilterBarClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = ct_filter_bar_dispose;
  G_OBJECT_CLASS (klass)->finalize = ct_filter_bar_finalize;
  signals[SIGNAL_CHANGED] =
      g_signal_new ("changed", CT_TYPE_FILTER_BAR, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/controltower/ControlTower/ct-filter-bar.ui");
  gtk_widget_class_bind_template_child (widget_class, CtFilterBar, root);
  gtk_widget_class_bind_template_child (widget_class, CtFilterBar, box);
}

static void
ct_filter_bar_init (CtFilterBar *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  self->cancellable = g_cancellable_new ();
  self->chips = g_ptr_array_new_with_free_func (g_free);
}
