/* Ctrl+,: what is set up once. A page each for what there is to set up. */
#include "ct-preferences.h"
#include "ct-channels-page.h"
#include "ct-people-page.h"
#include "ct-server-page.h"

#define CT_TYPE_PREFERENCES (ct_preferences_get_type ())
G_DECLARE_FINAL_TYPE (CtPreferences, ct_preferences, CT, PREFERENCES, AdwPreferencesWindow)

struct _CtPreferences {
  AdwPreferencesWindow parent_instance;
};

G_DEFINE_FINAL_TYPE (CtPreferences, ct_preferences, ADW_TYPE_PREFERENCES_WINDOW)

/* So that ct_page_toast() works here as in the main window. */
static void
toast_action (GtkWidget *widget, const char *name, GVariant *value)
{
  adw_preferences_window_add_toast (ADW_PREFERENCES_WINDOW (widget),
                                    adw_toast_new (g_variant_get_string (value, NULL)));
}

static void
ct_preferences_class_init (CtPreferencesClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  gtk_widget_class_install_action (widget_class, "win.toast", "s", toast_action);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Escape, 0, "window.close", NULL);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_w, GDK_CONTROL_MASK, "window.close", NULL);
}

static void
ct_preferences_init (CtPreferences *self)
{
  adw_preferences_window_set_search_enabled (ADW_PREFERENCES_WINDOW (self), FALSE);
  gtk_window_set_title (GTK_WINDOW (self), _ ("Preferences"));
  gtk_window_set_modal (GTK_WINDOW (self), TRUE);
  gtk_window_set_default_size (GTK_WINDOW (self), 680, 600);
}

void
ct_preferences_open (CtWindow *window)
{
  CtPreferences *self = g_object_new (CT_TYPE_PREFERENCES, "transient-for", window, NULL);

  adw_preferences_window_add (ADW_PREFERENCES_WINDOW (self),
                              ct_channels_page_new (ct_window_get_workspace (window)));
  adw_preferences_window_add (ADW_PREFERENCES_WINDOW (self),
                              ct_people_page_new (ct_window_get_workspace (window)));
  adw_preferences_window_add (ADW_PREFERENCES_WINDOW (self), ct_server_page_new (window));
  gtk_window_present (GTK_WINDOW (self));
}
