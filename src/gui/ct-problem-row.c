#include "ct-problem-row.h"

struct _CtProblemRow {
  AdwPreferencesRow parent_instance;
};

G_DEFINE_FINAL_TYPE (CtProblemRow, ct_problem_row, ADW_TYPE_PREFERENCES_ROW)

/* A list box gives up at a row that takes no keyboard: Tab would leave the form's list instead of reaching the entry
 * on the other side of this. */
static gboolean
ct_problem_row_focus (GtkWidget *widget, GtkDirectionType direction)
{
  gboolean back = direction == GTK_DIR_UP || direction == GTK_DIR_TAB_BACKWARD;
  GtkWidget *next = widget;

  while ((next = back ? gtk_widget_get_prev_sibling (next) : gtk_widget_get_next_sibling (next)))
    if (gtk_widget_child_focus (next, direction))
      return TRUE;
  return FALSE;
}

static void
ct_problem_row_class_init (CtProblemRowClass *klass)
{
  GTK_WIDGET_CLASS (klass)->focus = ct_problem_row_focus;
}

static void
ct_problem_row_init (CtProblemRow *self)
{
  GtkWidget *row = GTK_WIDGET (self), *label = gtk_label_new (NULL);

  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_wrap (GTK_LABEL (label), TRUE);
  gtk_widget_add_css_class (label, "error");
  gtk_widget_add_css_class (label, "caption");
  gtk_widget_set_margin_start (label, 12);
  gtk_widget_set_margin_end (label, 12);
  gtk_widget_set_margin_top (label, 4);
  gtk_widget_set_margin_bottom (label, 6);
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (row), label);
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), FALSE);
  gtk_widget_set_focusable (row, FALSE);
  gtk_widget_set_visible (row, FALSE);
}

GtkWidget *
ct_problem_row_new (void)
{
  return g_object_new (CT_TYPE_PROBLEM_ROW, NULL);
}

/**
 * ct_problem_row_say:
 * @entry: the row above
 * @problem: (nullable): what is wrong with it; %NULL: nothing
 */
void
ct_problem_row_say (GtkWidget *self, GtkWidget *entry, const char *problem)
{
  GtkWidget *label = gtk_list_box_row_get_child (GTK_LIST_BOX_ROW (self));

  gtk_label_set_text (GTK_LABEL (label), problem ? problem : "");
  gtk_widget_set_visible (self, problem != NULL);
  gtk_accessible_update_state (GTK_ACCESSIBLE (entry), GTK_ACCESSIBLE_STATE_INVALID,
                               problem ? GTK_ACCESSIBLE_INVALID_TRUE : GTK_ACCESSIBLE_INVALID_FALSE, -1);
  gtk_accessible_update_property (GTK_ACCESSIBLE (entry), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION,
                                  problem ? problem : "", -1);
  if (problem)
    gtk_widget_add_css_class (entry, "error");
  else
    gtk_widget_remove_css_class (entry, "error");
}
