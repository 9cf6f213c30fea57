#include "ct-stack.h"

static void
update_cb (GtkStack *stack)
{
  GtkWidget *visible = gtk_stack_get_visible_child (stack);

  for (GtkWidget *child = gtk_widget_get_first_child (GTK_WIDGET (stack)); child;
       child = gtk_widget_get_next_sibling (child))
    gtk_accessible_update_state (GTK_ACCESSIBLE (child), GTK_ACCESSIBLE_STATE_HIDDEN, child != visible, -1);
}

/**
 * ct_stack_hide_others:
 *
 * Keeps the children that are not in front from screen readers: GTK 4.8 tells them of all.
 */
void
ct_stack_hide_others (GtkStack *stack)
{
  g_signal_connect (stack, "notify::visible-child", G_CALLBACK (update_cb), NULL);
  update_cb (stack);
}
