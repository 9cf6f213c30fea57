#include "ct-ask.h"

typedef struct {
  CtAskFunc func;
  gpointer data;
  GDestroyNotify destroy;
  char *answer;        /* (owned) (nullable) */
  GtkEditable *editor; /* (unowned) (nullable) */
  gboolean required;
} Question;

static void
question_free (gpointer data, GClosure *closure)
{
  Question *question = data;

  if (question->destroy)
    question->destroy (question->data);
  g_free (question->answer);
  g_free (question);
}

static void
response_cb (AdwMessageDialog *dialog, const char *response, gpointer data)
{
  Question *question = data;

  if (g_strcmp0 (response, "yes") != 0)
    return;
  if (question->editor) {
    g_free (question->answer);
    question->answer = g_strdup (gtk_editable_get_text (question->editor));
  }
  question->func (question->answer, question->data);
}

static AdwMessageDialog *
make_dialog (gpointer widget, const CtAsk *ask, Question **question)
{
  AdwMessageDialog *dialog = ADW_MESSAGE_DIALOG (
      adw_message_dialog_new (GTK_WINDOW (gtk_widget_get_root (widget)), ask->heading, ask->body));

  *question = g_new0 (Question, 1);
  (*question)->func = ask->func;
  (*question)->data = ask->data;
  (*question)->destroy = ask->destroy;
  adw_message_dialog_add_responses (dialog, "no", _ ("_Cancel"), "yes", ask->button, NULL);
  adw_message_dialog_set_response_appearance (dialog, "yes", ADW_RESPONSE_SUGGESTED);
  adw_message_dialog_set_default_response (dialog, "yes");
  adw_message_dialog_set_close_response (dialog, "no");
  g_signal_connect_data (dialog, "response", G_CALLBACK (response_cb), *question, question_free, 0);
  return dialog;
}

/* Enter answers; a response by hand leaves the dialog open. */
static void
answer (AdwMessageDialog *dialog)
{
  if (!adw_message_dialog_get_response_enabled (dialog, "yes"))
    return;
  g_object_ref (dialog);
  adw_message_dialog_response (dialog, "yes");
  gtk_window_destroy (GTK_WINDOW (dialog));
  g_object_unref (dialog);
}

static void
chosen_cb (GtkCheckButton *button, Question *question)
{
  if (!gtk_check_button_get_active (button))
    return;
  g_free (question->answer);
  question->answer = g_strdup (g_object_get_data (G_OBJECT (button), "value"));
}

/* The mark goes where the keyboard goes, so that Enter takes what has the focus ring. */
static void
focused_cb (GtkEventControllerFocus *controller, GtkCheckButton *check)
{
  gtk_check_button_set_active (check, TRUE);
}

/* Else the row or the button in focus would take it. */
static gboolean
choice_key_cb (GtkEventControllerKey *controller, guint key, guint code, GdkModifierType state,
               AdwMessageDialog *dialog)
{
  if (key != GDK_KEY_Return && key != GDK_KEY_KP_Enter && key != GDK_KEY_ISO_Enter)
    return FALSE;
  answer (dialog);
  return TRUE;
}

static void
follow_keyboard (GtkWidget *list, AdwMessageDialog *dialog)
{
  GtkEventController *keys = gtk_event_controller_key_new ();

  gtk_event_controller_set_propagation_phase (keys, GTK_PHASE_CAPTURE);
  g_signal_connect (keys, "key-pressed", G_CALLBACK (choice_key_cb), dialog);
  gtk_widget_add_controller (list, keys);
}

static GtkWidget *
make_choice (const char *value, const char *label, const char *detail, GtkCheckButton **group,
             Question *question)
{
  GtkWidget *row = adw_action_row_new ();
  GtkWidget *check = gtk_check_button_new ();
  GtkEventController *focus = gtk_event_controller_focus_new ();

  g_signal_connect (focus, "enter", G_CALLBACK (focused_cb), check);
  gtk_widget_add_controller (row, focus);
  g_object_set_data_full (G_OBJECT (check), "value", g_strdup (value), g_free);
  gtk_check_button_set_group (GTK_CHECK_BUTTON (check), *group);
  g_signal_connect (check, "toggled", G_CALLBACK (chosen_cb), question);
  gtk_widget_set_valign (check, GTK_ALIGN_CENTER);
  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (row), FALSE);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), label);
  if (detail)
    adw_action_row_set_subtitle (ADW_ACTION_ROW (row), detail);
  adw_action_row_add_prefix (ADW_ACTION_ROW (row), check);
  adw_action_row_set_activatable_widget (ADW_ACTION_ROW (row), check);
  if (!*group) {
    *group = GTK_CHECK_BUTTON (check);
    gtk_check_button_set_active (*group, TRUE);
  }
  return row;
}

/**
 * ct_ask_choice:
 * @values: what the answer may be, ended by %NULL; copied
 * @labels: what people read for each
 * @details: (nullable): a second line for each
 *
 * Asks for one of several; the first is chosen at first.
 */
void
ct_ask_choice (gpointer widget, const CtAsk *ask, const char *const *values, const char *const *labels,
               const char *const *details)
{
  Question *question;
  AdwMessageDialog *dialog = make_dialog (widget, ask, &question);
  GtkWidget *list = gtk_list_box_new ();
  GtkWidget *scrolled = gtk_scrolled_window_new ();
  GtkCheckButton *group = NULL;

  follow_keyboard (list, dialog);
  gtk_list_box_set_selection_mode (GTK_LIST_BOX (list), GTK_SELECTION_NONE);
  gtk_widget_add_css_class (list, "boxed-list");
  gtk_widget_set_margin_start (list, 2);
  gtk_widget_set_margin_end (list, 2);
  gtk_widget_set_margin_top (list, 2);
  gtk_widget_set_margin_bottom (list, 2);
  for (guint i = 0; values[i]; i++)
    gtk_list_box_append (GTK_LIST_BOX (list),
                         make_choice (values[i], labels[i], details ? details[i] : NULL, &group, question));
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (scrolled), GTK_POLICY_NEVER, GTK_POLICY_AUTOMATIC);
  gtk_scrolled_window_set_propagate_natural_height (GTK_SCROLLED_WINDOW (scrolled), TRUE);
  gtk_scrolled_window_set_max_content_height (GTK_SCROLLED_WINDOW (scrolled), 380);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scrolled), list);
  adw_message_dialog_set_extra_child (dialog, scrolled);
  adw_message_dialog_set_response_enabled (dialog, "yes", values[0] != NULL);
  gtk_window_present (GTK_WINDOW (dialog));
  if (group)
    gtk_widget_grab_focus (GTK_WIDGET (group));
}

static void
text_changed_cb (GtkEditable *editor, AdwMessageDialog *dialog)
{
  adw_message_dialog_set_response_enabled (dialog, "yes", !ct_text_is_blank (gtk_editable_get_text (editor)));
}

static void
text_activated_cb (GtkEditable *editor, AdwMessageDialog *dialog)
{
  answer (dialog);
}

/* Asks for a line of text; where it is @required an empty one is no answer. */
void
ct_ask_text (gpointer widget, const CtAsk *ask, const char *label, gboolean required)
{
  Question *question;
  AdwMessageDialog *dialog = make_dialog (widget, ask, &question);
  GtkWidget *list = gtk_list_box_new ();
  GtkWidget *row = adw_entry_row_new ();

  gtk_list_box_set_selection_mode (GTK_LIST_BOX (list), GTK_SELECTION_NONE);
  gtk_widget_add_css_class (list, "boxed-list");
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), label);
  gtk_list_box_append (GTK_LIST_BOX (list), row);
  question->editor = GTK_EDITABLE (row);
  if (required) {
    g_signal_connect (row, "changed", G_CALLBACK (text_changed_cb), dialog);
    adw_message_dialog_set_response_enabled (dialog, "yes", FALSE);
  }
  g_signal_connect (row, "entry-activated", G_CALLBACK (text_activated_cb), dialog);
  adw_message_dialog_set_extra_child (dialog, list);
  gtk_window_present (GTK_WINDOW (dialog));
  gtk_widget_grab_focus (row);
}
