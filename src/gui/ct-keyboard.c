#include "ct-keyboard.h"

/**
 * ct_keyboard_leave:
 * @widget: about to go
 *
 * Takes the keyboard away from what is in a widget. Else GTK hands it to any entry, where keys become text, or to any
 * button: Enter would press Undo.
 */
void
ct_keyboard_leave (GtkWidget *widget)
{
  GtkRoot *root = gtk_widget_get_root (widget);
  GtkWidget *focus = root ? gtk_root_get_focus (root) : NULL;

  if (focus && gtk_widget_is_ancestor (focus, widget))
    gtk_root_set_focus (root, NULL);
}

/**
 * ct_keyboard_was_lost:
 * @widget: on the screen
 *
 * Takes the keyboard back from a widget that is gone. GTK 4.8 goes on giving keys to it, so that none is heard any more,
 * or hands them to the first entry later; it forgets that for a widget on the screen alone.
 *
 * Returns: whether it was so; then no widget has the keyboard
 */
gboolean
ct_keyboard_was_lost (GtkWidget *widget)
{
  GtkRoot *root = gtk_widget_get_root (widget);
  GtkWidget *focus = root ? gtk_root_get_focus (root) : NULL;

  if (!focus || gtk_widget_get_root (focus) == root)
    return FALSE;
  gtk_root_set_focus (root, widget);
  gtk_root_set_focus (root, NULL);
  return TRUE;
}
