#include "ct-device-group.h"
#include "ct-page.h"

#define CT_TYPE_DEVICE_GROUP (ct_device_group_get_type ())
G_DECLARE_FINAL_TYPE (CtDeviceGroup, ct_device_group, CT, DEVICE_GROUP, AdwPreferencesGroup)

struct _CtDeviceGroup {
  AdwPreferencesGroup parent_instance;
  char *text;                    /* (owned): what towerctl device show --json prints */
  GtkFileChooserNative *chooser; /* (owned) (nullable) */
};

G_DEFINE_FINAL_TYPE (CtDeviceGroup, ct_device_group, ADW_TYPE_PREFERENCES_GROUP)

static void
copy_cb (GtkButton *button, CtDeviceGroup *self)
{
  gdk_clipboard_set_text (gtk_widget_get_clipboard (GTK_WIDGET (self)), self->text);
  gtk_button_set_label (button, _ ("Copied"));
}

static void
saved_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (CtDeviceGroup) self = data;
  g_autoptr (GError) error = NULL;

  if (!g_file_replace_contents_finish (G_FILE (source), result, NULL, &error) &&
      gtk_widget_get_root (GTK_WIDGET (self)))
    ct_page_problem (self, _ ("The file cannot be saved"), error);
}

static void
chosen_cb (GtkNativeDialog *dialog, int response, CtDeviceGroup *self)
{
  g_autoptr (GFile) file = gtk_file_chooser_get_file (GTK_FILE_CHOOSER (dialog));
  g_autoptr (GBytes) bytes = g_bytes_new (self->text, strlen (self->text));

  if (response == GTK_RESPONSE_ACCEPT && file)
    g_file_replace_contents_bytes_async (file, bytes, NULL, FALSE, G_FILE_CREATE_NONE, NULL, saved_cb,
                                         g_object_ref (self));
}

static void
save_cb (GtkButton *button, CtDeviceGroup *self)
{
  g_clear_object (&self->chooser);
  self->chooser = gtk_file_chooser_native_new (_ ("Save for the Administrator"),
                                               GTK_WINDOW (gtk_widget_get_root (GTK_WIDGET (self))),
                                               GTK_FILE_CHOOSER_ACTION_SAVE, _ ("_Save"), _ ("_Cancel"));
  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (self->chooser), TRUE);
  gtk_file_chooser_set_current_name (GTK_FILE_CHOOSER (self->chooser), "device.json");
  g_signal_connect (self->chooser, "response", G_CALLBACK (chosen_cb), self);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (self->chooser));
}

static void
add_row (CtDeviceGroup *self, const char *title, const char *value)
{
  GtkWidget *row = adw_action_row_new ();

  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (row), FALSE);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), title);
  adw_action_row_set_subtitle (ADW_ACTION_ROW (row), value);
  adw_action_row_set_subtitle_lines (ADW_ACTION_ROW (row), 2);
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (self), row);
}

static void
add_buttons (CtDeviceGroup *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  GtkWidget *copy = gtk_button_new_with_label (_ ("Copy"));
  GtkWidget *save = gtk_button_new_with_label (_ ("Save for the Administrator…"));

  g_signal_connect (copy, "clicked", G_CALLBACK (copy_cb), self);
  g_signal_connect (save, "clicked", G_CALLBACK (save_cb), self);
  gtk_widget_set_halign (box, GTK_ALIGN_END);
  gtk_widget_set_margin_top (box, 12);
  gtk_box_append (GTK_BOX (box), copy);
  gtk_box_append (GTK_BOX (box), save);
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (self), box);
}

static void
ct_device_group_dispose (GObject *object)
{
  g_clear_object (&CT_DEVICE_GROUP (object)->chooser);
  G_OBJECT_CLASS (ct_device_group_parent_class)->dispose (object);
}

static void
ct_device_group_finalize (GObject *object)
{
  g_free (CT_DEVICE_GROUP (object)->text);
  G_OBJECT_CLASS (ct_device_group_parent_class)->finalize (object);
}

static void
ct_device_group_class_init (CtDeviceGroupClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = ct_device_group_dispose;
  G_OBJECT_CLASS (klass)->finalize = ct_device_group_finalize;
}

static void
ct_device_group_init (CtDeviceGroup *self)
{
}

/**
 * ct_device_group_new:
 * @device: as ct_workspace_describe_device() gives it
 *
 * Returns: (transfer floating): an #AdwPreferencesGroup
 */
GtkWidget *
ct_device_group_new (JsonObject *device)
{
  CtDeviceGroup *self = g_object_new (CT_TYPE_DEVICE_GROUP, "title", _ ("This Device"), NULL);
  g_autoptr (JsonNode) node = ct_json_wrap_object (json_object_ref (device));

  self->text = ct_json_pretty (node);
  add_row (self, _ ("Device"), ct_json_string (device, "id", ""));
  add_row (self, _ ("Public key"), ct_json_string (device, "publicKey", ""));
  add_buttons (self);
  return GTK_WIDGET (self);
}
