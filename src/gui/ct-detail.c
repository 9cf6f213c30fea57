#include "ct-detail.h"

struct _CtDetail {
  GtkWidget parent_instance;
  GtkLabel *number;
  GtkLabel *title;
  GtkBox *badges;
  AdwBin *actions;
  GtkBox *body;
  GtkScrolledWindow *scrolled;

  GtkListBox *facts; /* (unowned) (nullable): the list that takes further facts */
  char *shown;       /* (owned) (nullable): number of the record shown */
  double position;   /* to scroll back to when the same record is filled again */
};

enum { SIGNAL_CLOSE, N_SIGNALS };
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (CtDetail, ct_detail, GTK_TYPE_WIDGET)

static void
empty (GtkBox *box)
{
  GtkWidget *child;

  while ((child = gtk_widget_get_first_child (GTK_WIDGET (box))))
    gtk_box_remove (box, child);
}

/* What a person can do with the record, above its parts; stays when another record is shown. */
void
ct_detail_set_actions (CtDetail *self, GtkWidget *buttons)
{
  adw_bin_set_child (self->actions, buttons);
}

/* Begins to show a record: everything else is gone until its parts are added. */
void
ct_detail_begin (CtDetail *self, const char *number, const char *title)
{
  GtkAdjustment *adjustment = gtk_scrolled_window_get_vadjustment (self->scrolled);

  self->position = g_strcmp0 (self->shown, number) == 0 ? gtk_adjustment_get_value (adjustment) : 0;
  g_free (self->shown);
  self->shown = g_strdup (number);
  gtk_label_set_text (self->number, number);
  gtk_label_set_text (self->title, title);
  empty (self->badges);
  empty (self->body);
  self->facts = NULL;
}

/* All parts are there. */
void
ct_detail_end (CtDetail *self)
{
  gtk_widget_set_visible (GTK_WIDGET (self->badges),
                          gtk_widget_get_first_child (GTK_WIDGET (self->badges)) != NULL);
  gtk_adjustment_set_value (gtk_scrolled_window_get_vadjustment (self->scrolled), self->position);
}

static GtkWidget *
make_label (const char *text, const char *style)
{
  GtkWidget *label = gtk_label_new (text);

  gtk_label_set_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_wrap_mode (GTK_LABEL (label), PANGO_WRAP_WORD_CHAR);
  gtk_label_set_xalign (GTK_LABEL (label), 0);
  if (style)
    gtk_widget_add_css_class (label, style);
  return label;
}

void
ct_detail_add_badge (CtDetail *self, const char *text, const char *style)
{
  GtkWidget *label = gtk_label_new (text);

  gtk_widget_add_css_class (label, "ct-badge");
  if (style)
    gtk_widget_add_css_class (label, style);
  gtk_box_append (self->badges, label);
}

void
ct_detail_add_section (CtDetail *self, const char *title)
{
  GtkWidget *label = make_label (title, "heading");

  gtk_widget_set_margin_top (label, 12);
  gtk_box_append (self->body, label);
  self->facts = NULL;
}

/* The list of the section; facts that follow each other share one. */
static GtkListBox *
facts (CtDetail *self)
{
  if (!self->facts) {
    self->facts = GTK_LIST_BOX (gtk_list_box_new ());
    gtk_list_box_set_selection_mode (self->facts, GTK_SELECTION_NONE);
    gtk_widget_add_css_class (GTK_WIDGET (self->facts), "boxed-list");
    gtk_widget_add_css_class (GTK_WIDGET (self->facts), "ct-facts");
    gtk_box_append (self->body, GTK_WIDGET (self->facts));
  }
  return self->facts;
}

static GtkWidget *
make_fact (const char *label, GtkWidget *value, const char *more)
{
  GtkWidget *row = gtk_list_box_row_new ();
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 2);
  GtkWidget *line = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);
  GtkWidget *name = make_label (label, "ct-label");

  gtk_widget_set_hexpand (name, TRUE);
  gtk_widget_set_valign (name, GTK_ALIGN_START);
  gtk_box_append (GTK_BOX (line), name);
  gtk_box_append (GTK_BOX (line), value);
  gtk_box_append (GTK_BOX (box), line);
  if (more && *more) {
    GtkWidget *second = make_label (more, "caption");

    gtk_widget_add_css_class (second, "dim-label");
    gtk_box_append (GTK_BOX (box), second);
  }
  gtk_widget_add_css_class (box, "ct-fact");
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (row), box);
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), FALSE);
  return row;
}

/**
 * ct_detail_add_fact:
 * @more: (nullable): a second, smaller line
 * @style: (nullable): a CSS class for the value
 *
 * A label and its value; nothing where there is no value.
 */
void
ct_detail_add_fact (CtDetail *self, const char *label, const char *value, const char *more, const char *style)
{
  GtkWidget *text, *row;
  g_autofree char *name = NULL;

  if (!value || !*value)
    return;
  text = make_label (value, style);
  gtk_label_set_xalign (GTK_LABEL (text), 1);
  gtk_label_set_justify (GTK_LABEL (text), GTK_JUSTIFY_RIGHT);
  gtk_label_set_selectable (GTK_LABEL (text), TRUE);
  gtk_widget_set_can_focus (text, FALSE); /* else each fact is a stop for the keyboard */
  gtk_widget_set_halign (text, GTK_ALIGN_END);
  row = make_fact (label, text, more);
  name = g_strdup_printf ("%s: %s", label, value);
  gtk_accessible_update_property (GTK_ACCESSIBLE (row), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
  gtk_list_box_append (facts (self), row);
}

/* A fact that is a record of its own and opens there. */
void
ct_detail_add_link (CtDetail *self, const char *label, const char *value, const char *kind, const CtId *id)
{
  g_autofree char *text = ct_id_to_string (id);
  GtkWidget *button;

  if (!value || !*value)
    return;
  button = gtk_button_new_with_label (value);
  gtk_widget_add_css_class (button, "flat");
  gtk_widget_add_css_class (button, "ct-link");
  gtk_label_set_ellipsize (GTK_LABEL (gtk_button_get_child (GTK_BUTTON (button))), PANGO_ELLIPSIZE_END);
  gtk_widget_set_halign (button, GTK_ALIGN_END);
  gtk_actionable_set_action_name (GTK_ACTIONABLE (button), "win.record");
  gtk_actionable_set_action_target (GTK_ACTIONABLE (button), "(ss)", kind, text);
  gtk_list_box_append (facts (self), make_fact (label, button, NULL));
}

void
ct_detail_add_text (CtDetail *self, const char *text, const char *style)
{
  GtkWidget *label;

  if (!text || !*text)
    return;
  label = make_label (text, style);
  gtk_label_set_selectable (GTK_LABEL (label), TRUE);
  gtk_widget_set_can_focus (label, FALSE);
  gtk_box_append (self->body, label);
  self->facts = NULL;
}

void
ct_detail_add_event (CtDetail *self, const char *what, const char *who, const char *when)
{
  GtkWidget *time = make_label (when, "dim-label");

  gtk_label_set_xalign (GTK_LABEL (time), 1);
  gtk_label_set_wrap (GTK_LABEL (time), FALSE);
  gtk_widget_add_css_class (time, "caption");
  gtk_widget_add_css_class (time, "numeric");
  gtk_list_box_append (facts (self), make_fact (what, time, who));
}

/* (transfer floating) */
void
ct_detail_add_widget (CtDetail *self, GtkWidget *widget)
{
  gtk_box_append (self->body, widget);
  self->facts = NULL;
}

static void
close_cb (GtkButton *button, CtDetail *self)
{
  g_signal_emit (self, signals[SIGNAL_CLOSE], 0);
}

static void
ct_detail_dispose (GObject *object)
{
  gtk_widget_dispose_template (GTK_WIDGET (object), CT_TYPE_DETAIL);
  G_OBJECT_CLASS (ct_detail_parent_class)->dispose (object);
}

static void
ct_detail_finalize (GObject *object)
{
  g_free (CT_DETAIL (object)->shown);
  G_OBJECT_CLASS (ct_detail_parent_class)->finalize (object);
}

static void
ct_detail_class_init (CtDetailClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = ct_detail_dispose;
  G_OBJECT_CLASS (klass)->finalize = ct_detail_finalize;
  /* The person wants the pane away. */
  signals[SIGNAL_CLOSE] =
      g_signal_new ("close", CT_TYPE_DETAIL, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
  gtk_widget_class_set_template_from_resource (widget_class, "/org/controltower/ControlTower/ct-detail.ui");
  gtk_widget_class_bind_template_child (widget_class, CtDetail, number);
  gtk_widget_class_bind_template_child (widget_class, CtDetail, title);
  gtk_widget_class_bind_template_child (widget_class, CtDetail, badges);
  gtk_widget_class_bind_template_child (widget_class, CtDetail, actions);
  gtk_widget_class_bind_template_child (widget_class, CtDetail, body);
  gtk_widget_class_bind_template_child (widget_class, CtDetail, scrolled);
  gtk_widget_class_bind_template_callback (widget_class, close_cb);
}

static void
ct_detail_init (CtDetail *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}
