#include "ct-ui-settings.h"

#define SCHEMA "org.controltower.ControlTower"

static GSettings *
open_schema (const char *id, const char *path)
{
  GSettingsSchemaSource *source = g_settings_schema_source_get_default ();
  g_autoptr (GSettingsSchema) schema = source ? g_settings_schema_source_lookup (source, id, TRUE) : NULL;

  return schema ? g_settings_new_full (schema, NULL, path) : NULL;
}

/* The window's settings; (transfer none) (nullable): NULL where the schema is not installed, and nothing is kept. */
GSettings *
ct_ui_settings (void)
{
  static GSettings *settings = NULL;

  if (!settings)
    settings = open_schema (SCHEMA, NULL);
  return settings;
}

/* How a person arranged the columns of one list; (transfer full) (nullable). */
GSettings *
ct_ui_settings_for_list (const char *name)
{
  g_autofree char *path = g_strdup_printf ("/org/controltower/ControlTower/lists/%s/", name);

  return open_schema (SCHEMA ".List", path);
}

void
ct_ui_settings_restore (GtkWindow *window)
{
  GSettings *settings = ct_ui_settings ();

  if (!settings)
    return;
  gtk_window_set_default_size (window, g_settings_get_int (settings, "window-width"),
                               g_settings_get_int (settings, "window-height"));
  if (g_settings_get_boolean (settings, "window-maximized"))
    gtk_window_maximize (window);
}

void
ct_ui_settings_keep (GtkWindow *window)
{
  GSettings *settings = ct_ui_settings ();
  int width, height;

  if (!settings)
    return;
  gtk_window_get_default_size (window, &width, &height);
  g_settings_set_int (settings, "window-width", width);
  g_settings_set_int (settings, "window-height", height);
  g_settings_set_boolean (settings, "window-maximized", gtk_window_is_maximized (window));
}
