#include "ct-application.h"
#include "ct-base.h"
#include "ct-config.h"
#include "ct-gui-resources.h"
#include "ct-ui-settings.h"
#include "ct-window.h"
#include "ct-workspace.h"

struct _CtApplication {
  AdwApplication parent_instance;
  char *folder; /* (owned) (nullable): given by -w */
  gint64 now;   /* given by --now; 0: the clock */
};

G_DEFINE_FINAL_TYPE (CtApplication, ct_application, ADW_TYPE_APPLICATION)

static const struct {
  const char *name; /* as the setting and the menu say it */
  AdwColorScheme scheme;
} styles[] = {
  { "system", ADW_COLOR_SCHEME_DEFAULT },
  { "light", ADW_COLOR_SCHEME_FORCE_LIGHT },
  { "dark", ADW_COLOR_SCHEME_FORCE_DARK },
};

static void
apply_style (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (styles); i++)
    if (g_strcmp0 (styles[i].name, name) == 0)
      adw_style_manager_set_color_scheme (adw_style_manager_get_default (), styles[i].scheme);
}

static void
style_changed_cb (GSimpleAction *action, GVariant *value, gpointer data)
{
  const char *name = g_variant_get_string (value, NULL);

  g_simple_action_set_state (action, value);
  apply_style (name);
  if (ct_ui_settings ())
    g_settings_set_string (ct_ui_settings (), "style", name);
}

/* Closing lets each window keep its size; with the last one the program ends. */
static void
quit_cb (GSimpleAction *action, GVariant *value, gpointer data)
{
  g_autoptr (GList) windows = g_list_copy (gtk_application_get_windows (data));

  for (GList *link = windows; link; link = link->next)
    gtk_window_close (link->data);
}

static void
about_cb (GSimpleAction *action, GVariant *value, gpointer data)
{
  adw_show_about_window (gtk_application_get_active_window (data), "application-name", "Control Tower",
                         "application-icon", CT_APPLICATION_ID, "version", CT_VERSION, "license-type",
                         GTK_LICENSE_GPL_3_0, "comments",
                         _ ("Finds blocked orders, follows up on them and proves what happened"), NULL);
}

static void
add_actions (CtApplication *self)
{
  static const GActionEntry entries[] = {
    { "quit", quit_cb, NULL, NULL, NULL, { 0 } },
    { "about", about_cb, NULL, NULL, NULL, { 0 } },
    { "style", NULL, "s", "'system'", style_changed_cb, { 0 } },
  };
  static const struct {
    const char *action;
    const char *keys[3];
  } keys[] = {
    { "app.quit", { "<Control>q" } },
    { "win.search", { "<Control>f" } },
    { "win.palette", { "<Control>k" } },
    { "win.shortcuts", { "<Control>question" } },
    { "win.undo", { "<Control>z" } },
    { "win.close", { "<Control>w" } },
    { "win.preferences", { "<Control>comma" } },
  };
  g_autofree char *style = ct_ui_settings () ? g_settings_get_string (ct_ui_settings (), "style") : NULL;

  g_action_map_add_action_entries (G_ACTION_MAP (self), entries, G_N_ELEMENTS (entries), self);
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    gtk_application_set_accels_for_action (GTK_APPLICATION (self), keys[i].action,
                                           (const char **) keys[i].keys);
  if (style) {
    apply_style (style);
    g_action_group_change_action_state (G_ACTION_GROUP (self), "style", g_variant_new_string (style));
  }
}

static void
ct_application_startup (GApplication *app)
{
  G_APPLICATION_CLASS (ct_application_parent_class)->startup (app);
  gtk_window_set_default_icon_name (CT_APPLICATION_ID);
  add_actions (CT_APPLICATION (app));
}

static void
ct_application_activate (GApplication *app)
{
  CtApplication *self = CT_APPLICATION (app);
  GtkWindow *window = gtk_application_get_active_window (GTK_APPLICATION (app));

  if (!window) {
    g_autofree char *folder = self->folder ? g_strdup (self->folder) : ct_workspace_default_folder ();

    window = GTK_WINDOW (ct_window_new (GTK_APPLICATION (app)));
    ct_window_open_folder (CT_WINDOW (window), folder, self->now);
  }
  gtk_window_present (window);
}

static int
ct_application_handle_local_options (GApplication *app, GVariantDict *options)
{
  CtApplication *self = CT_APPLICATION (app);
  const char *now;

  if (g_variant_dict_lookup (options, "now", "&s", &now) && !ct_time_parse (now, &self->now)) {
    g_printerr (_ ("--now %s is not a time such as 2026-06-03T17:00:00Z\n"), now);
    return 2;
  }
  g_variant_dict_lookup (options, "workspace", "^ay", &self->folder);
  if (self->folder) {
    g_autofree char *given = g_steal_pointer (&self->folder);

    self->folder = g_canonicalize_filename (given, NULL);
  }
  return -1;
}

static void
ct_application_finalize (GObject *object)
{
  CtApplication *self = CT_APPLICATION (object);

  g_free (self->folder);
  G_OBJECT_CLASS (ct_application_parent_class)->finalize (object);
}

static void
ct_application_class_init (CtApplicationClass *klass)
{
  GApplicationClass *app_class = G_APPLICATION_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = ct_application_finalize;
  app_class->startup = ct_application_startup;
  app_class->activate = ct_application_activate;
  app_class->handle_local_options = ct_application_handle_local_options;
}

static void
ct_application_init (CtApplication *self)
{
  static const GOptionEntry options[] = {
    { "workspace", 'w', 0, G_OPTION_ARG_FILENAME, NULL, N_ ("The workspace to open"), N_ ("DIR") },
    { "now", 0, 0, G_OPTION_ARG_STRING, NULL, N_ ("The time to work at, in a workspace made for trials"),
      N_ ("TIME") },
    { NULL },
  };

  g_application_add_main_option_entries (G_APPLICATION (self), options);
}

/* One process a workspace, so no uniqueness among processes: two workspaces may be open side by side. */
CtApplication *
ct_application_new (void)
{
  g_resources_register (ct_gui_get_resource ());
  return g_object_new (CT_TYPE_APPLICATION, "application-id", CT_APPLICATION_ID, "flags",
                       G_APPLICATION_NON_UNIQUE, NULL);
}
