#include "ct-channels-page.h"
#include "ct-channel-form.h"
#include "ct-post-row.h"
#include "ct-sending.h"

#include <string.h>

#define CT_TYPE_CHANNELS_PAGE (ct_channels_page_get_type ())
G_DECLARE_FINAL_TYPE (CtChannelsPage, ct_channels_page, CT, CHANNELS_PAGE, AdwPreferencesPage)

struct _CtChannelsPage {
  AdwPreferencesPage parent_instance;
  CtWorkspace *workspace; /* (owned) */
  AdwPreferencesGroup *group;
  GtkWidget *add;
  GtkWidget *sending; /* the row of the switch */
  GtkSwitch *stop;
  GPtrArray *rows;           /* (owned) (element-type GtkWidget): of the channels, as shown */
  GHashTable *tests;         /* (owned) (element-type utf8 utf8): what the last test of a channel came to */
  JsonObject *shown;         /* (owned) (nullable): what the rows show */
  GCancellable *cancellable; /* (owned) */
  gboolean reading, again;
};

G_DEFINE_FINAL_TYPE (CtChannelsPage, ct_channels_page, ADW_TYPE_PREFERENCES_PAGE)

static void refresh (CtChannelsPage *self);

static gboolean
is_gone (CtChannelsPage *self)
{
  return g_cancellable_is_cancelled (self->cancellable);
}

/* --- a channel's row ------------------------------------------------------------------------------------------ */

static const char *
name_of (GtkWidget *row)
{
  return ct_json_string (g_object_get_data (G_OBJECT (row), "channel"), "name", "");
}

static void
append_destinations (GString *text, JsonObject *channel)
{
  JsonArray *destinations = ct_json_array (channel, "destinations");

  for (guint i = 0; destinations && i < json_array_get_length (destinations); i++)
    g_string_append_printf (text, "%s%s", i ? ", " : "", json_array_get_string_element (destinations, i));
}

/* Where its token lies, how it fares: on a workstation alone, which posts itself. */
static void
append_token (CtChannelsPage *self, GString *text, JsonObject *channel)
{
  static const struct {
    const char *place, *text;
  } tokens[] = {
    { "keyring", N_ ("token in the keyring") },
    { "file", N_ ("token in a plain-text file") },
    { "", N_ ("no token") },
  };
  const char *token = ct_json_string (channel, "token", ""),
             *test = g_hash_table_lookup (self->tests, ct_json_string (channel, "name", ""));

  for (guint i = 0; i < G_N_ELEMENTS (tokens); i++)
    if (strcmp (token, tokens[i].place) == 0)
      g_string_append_printf (text, ", %s", _ (tokens[i].text));
  g_string_append_c (text, '\n');
  if (!*token)
    g_string_append_printf (text, _ ("⚠ Nothing can be posted: %s"),
                            ct_json_string (channel, "tokenProblem", ""));
  else
    g_string_append (text, test ? test : _ ("Not tested yet"));
}

/* What it is, where its token lies, how it fares. */
static void
describe (CtChannelsPage *self, GtkWidget *row)
{
  JsonObject *channel = g_object_get_data (G_OBJECT (row), "channel");
  const CtChannelClass *klass = ct_channel_class (ct_json_string (channel, "kind", ""));
  const char *base_url = ct_json_string (channel, "baseUrl", "");
  g_autoptr (GString) text = g_string_new (NULL);

  append_destinations (text, channel);
  g_string_append_printf (text, "\n%s",
                          klass == &ct_channel_slack ? "Slack" : ct_json_string (channel, "kind", ""));
  if (*base_url && (!klass || strcmp (base_url, klass->base_url) != 0))
    g_string_append_printf (text, ", %s", base_url);
  if (!ct_workspace_is_connected (self->workspace))
    append_token (self, text, channel);
  adw_action_row_set_subtitle (ADW_ACTION_ROW (row), text->str);
}

static GtkWidget *
find_row (CtChannelsPage *self, const char *name)
{
  for (guint i = 0; i < self->rows->len; i++)
    if (strcmp (name_of (self->rows->pdata[i]), name) == 0)
      return self->rows->pdata[i];
  return NULL;
}

/* --- testing -------------------------------------------------------------------------------------------------- */

typedef struct {
  CtChannelsPage *page; /* (owned) */
  char *name;           /* (owned) */
} OfChannel;

static OfChannel *
of_channel_new (CtChannelsPage *page, const char *name)
{
  OfChannel *self = g_new0 (OfChannel, 1);

  self->page = g_object_ref (page);
  self->name = g_strdup (name);
  return self;
}

static void
of_channel_free (OfChannel *self)
{
  g_object_unref (self->page);
  g_free (self->name);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (OfChannel, of_channel_free)

/* @result: (transfer full) */
static void
say_test (CtChannelsPage *self, const char *name, char *result, gboolean running)
{
  GtkWidget *row = find_row (self, name);

  g_hash_table_insert (self->tests, g_strdup (name), result);
  if (!row)
    return;
  describe (self, row);
  gtk_widget_set_sensitive (g_object_get_data (G_OBJECT (row), "test"), !running);
}

static void
tested_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (OfChannel) of = data;
  g_autoptr (GError) error = NULL;
  g_autofree char *account = ct_workspace_test_channel_finish (CT_WORKSPACE (source), result, &error);

  if (!is_gone (of->page))
    say_test (of->page, of->name,
              account ? g_strdup_printf (_ ("✔ It works: signed in as %s"), account)
                      : g_strdup_printf (_ ("✘ It does not work: %s"), error->message),
              FALSE);
}

static void
test_cb (GtkButton *button, GtkWidget *row)
{
  CtChannelsPage *self = g_object_get_data (G_OBJECT (row), "page");

  say_test (self, name_of (row), g_strdup (_ ("Testing…")), TRUE);
  ct_workspace_test_channel_async (self->workspace, name_of (row), self->cancellable, tested_cb,
                                   of_channel_new (self, name_of (row)));
}

/* --- removing ------------------------------------------------------------------------------------------------- */

static void
restored_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (CtChannelsPage) self = data;
  g_autoptr (GError) error = NULL;
  gboolean ok = ct_workspace_restore_channel_finish (CT_WORKSPACE (source), result, &error);

  if (is_gone (self))
    return;
  if (!ok)
    ct_page_problem (self, _ ("This cannot be undone"), error);
  refresh (self);
}

static void
undo_cb (AdwToast *toast, CtChannelsPage *self)
{
  CtRemovedChannel *removed = g_object_steal_data (G_OBJECT (toast), "removed");

  if (removed)
    ct_workspace_restore_channel_async (self->workspace, removed, restored_cb, g_object_ref (self));
}

/* @removed: (transfer full): lives as long as it can be taken back */
static void
offer_undo (CtChannelsPage *self, const char *name, CtRemovedChannel *removed)
{
  g_autofree char *text = g_strdup_printf (_ ("%s is removed, with its token"), name);
  AdwToast *toast = adw_toast_new (text);

  adw_toast_set_button_label (toast, _ ("_Undo"));
  adw_toast_set_timeout (toast, 8);
  g_object_set_data_full (G_OBJECT (toast), "removed", removed, (GDestroyNotify) ct_removed_channel_free);
  g_signal_connect_object (toast, "button-clicked", G_CALLBACK (undo_cb), self, 0);
  adw_preferences_window_add_toast (ADW_PREFERENCES_WINDOW (gtk_widget_get_root (GTK_WIDGET (self))), toast);
}

static void
removed_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (OfChannel) of = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (CtRemovedChannel) removed =
      ct_workspace_remove_channel_finish (CT_WORKSPACE (source), result, &error);
  GtkWidget *row;

  if (is_gone (of->page))
    return;
  row = find_row (of->page, of->name);
  if (!removed && row)
    gtk_widget_set_sensitive (row, TRUE);
  if (!removed)
    ct_page_problem (of->page, _ ("The channel cannot be removed"), error);
  else if (ct_removed_channel_problem (removed))
    ct_page_toast (of->page, FALSE, _ ("%s is removed, its token is still stored: %s"), of->name,
                   ct_removed_channel_problem (removed));
  else
    offer_undo (of->page, of->name, g_steal_pointer (&removed));
  g_hash_table_remove (of->page->tests, of->name);
  refresh (of->page);
}

static void
remove_cb (GtkButton *button, GtkWidget *row)
{
  CtChannelsPage *self = g_object_get_data (G_OBJECT (row), "page");

  gtk_widget_set_sensitive (row, FALSE);
  ct_workspace_remove_channel_async (self->workspace, name_of (row), removed_cb,
                                     of_channel_new (self, name_of (row)));
}

/* --- adding and changing -------------------------------------------------------------------------------------- */

static void
saved_cb (GtkWidget *form, const char *name, gboolean in_file, CtChannelsPage *self)
{
  GtkWidget *row = find_row (self, name);

  if (is_gone (self))
    return;
  g_hash_table_remove (self->tests, name);
  if (row)
    describe (self, row);
  if (in_file)
    ct_page_toast (self, FALSE, _ ("%s is saved. There is no keyring: its token is in a file"), name);
  else
    ct_page_toast (self, FALSE, _ ("%s is saved"), name);
  refresh (self);
}

static void
open_form (CtChannelsPage *self, JsonObject *channel)
{
  GtkWidget *form;

  if (!self->shown)
    return;
  form = ct_channel_form_open (GTK_WINDOW (gtk_widget_get_root (GTK_WIDGET (self))), self->workspace,
                               ct_json_array (self->shown, "channels"), channel);
  g_signal_connect_object (form, "saved", G_CALLBACK (saved_cb), self, 0);
}

static void
add_cb (GtkButton *button, CtChannelsPage *self)
{
  open_form (self, NULL);
}

static void
change_cb (GtkButton *button, GtkWidget *row)
{
  open_form (g_object_get_data (G_OBJECT (row), "page"), g_object_get_data (G_OBJECT (row), "channel"));
}

/* --- the list ------------------------------------------------------------------------------------------------- */

/* @label: (transfer full): "Test ops", for screen readers; @command: (nullable): whose right it needs */
static GtkWidget *
add_button (CtChannelsPage *self, GtkWidget *row, GtkWidget *button, char *label, const char *command,
            void (*clicked) (GtkButton *, GtkWidget *))
{
  g_autofree char *name = label;
  gboolean may = !command || ct_workspace_may (self->workspace, command);

  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  gtk_widget_set_sensitive (button, may);
  gtk_widget_set_tooltip_text (button, may ? name : _ ("Only an administrator may do this"));
  /* a label of its own would be read twice */
  if (gtk_button_get_icon_name (GTK_BUTTON (button)))
    gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
  g_signal_connect (button, "clicked", G_CALLBACK (clicked), row);
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), button);
  return button;
}

static GtkWidget *
make_icon_button (const char *icon)
{
  GtkWidget *button = gtk_button_new_from_icon_name (icon);

  gtk_widget_add_css_class (button, "flat");
  return button;
}

static GtkWidget *
make_row (CtChannelsPage *self, JsonObject *channel)
{
  GtkWidget *row = adw_action_row_new (), *test;

  g_object_set_data (G_OBJECT (row), "page", self);
  g_object_set_data_full (G_OBJECT (row), "channel", json_object_ref (channel),
                          (GDestroyNotify) json_object_unref);
  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (row), FALSE);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), name_of (row));
  describe (self, row);
  test = add_button (self, row, gtk_button_new_with_label (_ ("Test")),
                     g_strdup_printf (_ ("Test %s"), name_of (row)), NULL, test_cb);
  g_object_set_data (G_OBJECT (row), "test", test);
  gtk_widget_set_visible (test, !ct_workspace_is_connected (self->workspace));
  add_button (self, row, make_icon_button ("document-edit-symbolic"),
              g_strdup_printf (_ ("Change %s"), name_of (row)), "channel.add", change_cb);
  add_button (self, row, make_icon_button ("user-trash-symbolic"),
              g_strdup_printf (_ ("Remove %s"), name_of (row)), "channel.remove", remove_cb);
  return row;
}

static GtkWidget *
make_empty_row (void)
{
  GtkWidget *row = adw_action_row_new ();

  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), _ ("There is no channel yet"));
  adw_action_row_set_subtitle (
      ADW_ACTION_ROW (row), _ ("Without one, approved messages have nowhere to go. Add a Slack channel; you "
                               "need the bot token of a Slack app that may post there."));
  g_object_set_data_full (G_OBJECT (row), "channel", json_object_new (), (GDestroyNotify) json_object_unref);
  return row;
}

static void
show_channels (CtChannelsPage *self, JsonArray *channels)
{
  guint n = json_array_get_length (channels);

  for (guint i = 0; i < self->rows->len; i++)
    adw_preferences_group_remove (self->group, self->rows->pdata[i]);
  g_ptr_array_set_size (self->rows, 0);
  for (guint i = 0; i < n; i++)
    g_ptr_array_add (self->rows, make_row (self, json_array_get_object_element (channels, i)));
  if (n == 0)
    g_ptr_array_add (self->rows, make_empty_row ());
  for (guint i = 0; i < self->rows->len; i++)
    adw_preferences_group_add (self->group, self->rows->pdata[i]);
  if (n == 0)
    gtk_widget_add_css_class (self->add, "suggested-action");
  else
    gtk_widget_remove_css_class (self->add, "suggested-action");
}

static void
show_sending (CtChannelsPage *self, gboolean stopped, const char *state)
{
  gboolean may = ct_workspace_may (self->workspace, stopped ? "delivery.resume" : "delivery.stop");

  gtk_switch_set_state (self->stop, stopped);
  gtk_switch_set_active (self->stop, stopped);
  gtk_widget_set_sensitive (GTK_WIDGET (self->stop), may);
  adw_action_row_set_subtitle (ADW_ACTION_ROW (self->sending),
                               may || !g_str_equal (state, "stopped")
                                   ? ct_sending_words (state)
                                   : _ ("⛔ All sending is stopped; only an administrator may resume it"));
}

static gboolean
is_shown (CtChannelsPage *self, JsonObject *list)
{
  g_autofree char *now = ct_json_canonical_object (list, NULL);
  g_autofree char *before = self->shown ? ct_json_canonical_object (self->shown, NULL) : NULL;

  return g_strcmp0 (now, before) == 0;
}

static void
read_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (CtChannelsPage) self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) list = ct_workspace_list_channels_finish (CT_WORKSPACE (source), result, &error);

  self->reading = FALSE;
  if (is_gone (self))
    return;
  if (!list) {
    ct_page_problem (self, _ ("The channels cannot be read"), error);
    return;
  }
  show_sending (self, ct_json_bool (list, "stopped", FALSE), ct_json_string (list, "sending", "on"));
  /* rows made again lose the keyboard: only for a reason */
  if (!is_shown (self, list)) {
    g_clear_pointer (&self->shown, json_object_unref);
    self->shown = g_steal_pointer (&list);
    show_channels (self, ct_json_array (self->shown, "channels"));
  }
  if (self->again)
    refresh (self);
}

static void
refresh (CtChannelsPage *self)
{
  self->again = self->reading;
  if (self->reading)
    return;
  self->reading = TRUE;
  ct_workspace_list_channels_async (self->workspace, self->cancellable, read_cb, g_object_ref (self));
}

static void
changed_cb (CtStore *store, const char *const *tables, CtChannelsPage *self)
{
  static const char *const followed[] = { "channels", "channel_destinations", "settings" };

  for (guint i = 0; i < G_N_ELEMENTS (followed); i++)
    if (!tables || g_strv_contains (tables, followed[i])) {
      refresh (self);
      return;
    }
}

/* --- the switch ----------------------------------------------------------------------------------------------- */

static void
not_switched (GtkWidget *widget)
{
  refresh (CT_CHANNELS_PAGE (widget));
}

/* The switch moves at once; its state follows when it is so. */
static gboolean
stop_cb (GtkSwitch *widget, gboolean stop, CtChannelsPage *self)
{
  if (stop != gtk_switch_get_state (widget))
    ct_sending_switch (GTK_WIDGET (self), self->workspace, stop, not_switched);
  return TRUE;
}

static GtkWidget *
make_sending (CtChannelsPage *self)
{
  GtkWidget *group = adw_preferences_group_new ();

  self->sending = adw_action_row_new ();
  self->stop = GTK_SWITCH (gtk_switch_new ());
  gtk_widget_set_valign (GTK_WIDGET (self->stop), GTK_ALIGN_CENTER);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (self->sending), _ ("Stop all sending"));
  adw_action_row_add_suffix (ADW_ACTION_ROW (self->sending), GTK_WIDGET (self->stop));
  adw_action_row_set_activatable_widget (ADW_ACTION_ROW (self->sending), GTK_WIDGET (self->stop));
  g_signal_connect (self->stop, "state-set", G_CALLBACK (stop_cb), self);
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (group), self->sending);
  return group;
}

/* --- page ----------------------------------------------------------------------------------------------------- */

static void
make_channels (CtChannelsPage *self)
{
  gboolean may = ct_workspace_may (self->workspace, "channel.add");
  g_autofree char *why =
      g_strdup_printf (_ ("Only an administrator adds, changes and removes channels; you work as %s."),
                       ct_workspace_get_actor (self->workspace));
  GtkWidget *content = adw_button_content_new ();

  self->group = ADW_PREFERENCES_GROUP (adw_preferences_group_new ());
  adw_preferences_group_set_title (self->group, _ ("Channels"));
  adw_preferences_group_set_description (self->group,
                                         !may ? why
                                         : ct_workspace_is_connected (self->workspace)
                                             ? _ ("Where your team's service posts what is approved. "
                                                  "This workstation posts nothing itself.")
                                             : _ ("Where approved messages are posted. A test signs "
                                                  "in and posts nothing."));
  adw_button_content_set_icon_name (ADW_BUTTON_CONTENT (content), "list-add-symbolic");
  adw_button_content_set_label (ADW_BUTTON_CONTENT (content), _ ("_Add a Slack Channel…"));
  adw_button_content_set_use_underline (ADW_BUTTON_CONTENT (content), TRUE);
  self->add = gtk_button_new ();
  gtk_button_set_child (GTK_BUTTON (self->add), content);
  gtk_widget_set_valign (self->add, GTK_ALIGN_CENTER);
  gtk_widget_set_margin_start (self->add, 12);
  gtk_widget_set_sensitive (self->add, may);
  gtk_widget_set_tooltip_text (self->add, may ? _ ("Key: Ctrl+N") : _ ("Only an administrator may do this"));
  g_signal_connect (self->add, "clicked", G_CALLBACK (add_cb), self);
  adw_preferences_group_set_header_suffix (self->group, self->add);
}

/* Ctrl+N adds wherever the keyboard is, as on the pages of records. */
static gboolean
add_key_cb (GtkWidget *widget, GVariant *args, gpointer data)
{
  return gtk_widget_activate (CT_CHANNELS_PAGE (widget)->add);
}

static void
add_keys (CtChannelsPage *self)
{
  GtkEventController *keys = gtk_shortcut_controller_new ();

  gtk_shortcut_controller_set_scope (GTK_SHORTCUT_CONTROLLER (keys), GTK_SHORTCUT_SCOPE_GLOBAL);
  gtk_shortcut_controller_add_shortcut (
      GTK_SHORTCUT_CONTROLLER (keys), gtk_shortcut_new (gtk_keyval_trigger_new (GDK_KEY_n, GDK_CONTROL_MASK),
                                                        gtk_callback_action_new (add_key_cb, NULL, NULL)));
  gtk_widget_add_controller (GTK_WIDGET (self), keys);
}

static void
ct_channels_page_dispose (GObject *object)
{
  g_cancellable_cancel (CT_CHANNELS_PAGE (object)->cancellable);
  G_OBJECT_CLASS (ct_channels_page_parent_class)->dispose (object);
}

static void
ct_channels_page_finalize (GObject *object)
{
  CtChannelsPage *self = CT_CHANNELS_PAGE (object);

  g_clear_object (&self->workspace);
  g_clear_object (&self->cancellable);
  g_clear_pointer (&self->shown, json_object_unref);
  g_ptr_array_unref (self->rows);
  g_hash_table_unref (self->tests);
  G_OBJECT_CLASS (ct_channels_page_parent_class)->finalize (object);
}

static void
ct_channels_page_class_init (CtChannelsPageClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = ct_channels_page_dispose;
  G_OBJECT_CLASS (klass)->finalize = ct_channels_page_finalize;
}

static void
ct_channels_page_init (CtChannelsPage *self)
{
  self->cancellable = g_cancellable_new ();
  self->rows = g_ptr_array_new ();
  self->tests = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  add_keys (self);
  adw_preferences_page_set_title (ADW_PREFERENCES_PAGE (self), _ ("Channels"));
  adw_preferences_page_set_icon_name (ADW_PREFERENCES_PAGE (self), "mail-send-symbolic");
}

AdwPreferencesPage *
ct_channels_page_new (CtWorkspace *workspace)
{
  CtChannelsPage *self = g_object_new (CT_TYPE_CHANNELS_PAGE, NULL);

  self->workspace = g_object_ref (workspace);
  make_channels (self);
  adw_preferences_page_add (ADW_PREFERENCES_PAGE (self), self->group);
  adw_preferences_page_add (ADW_PREFERENCES_PAGE (self), ADW_PREFERENCES_GROUP (make_sending (self)));
  g_signal_connect_object (ct_workspace_get_store (workspace), "changed", G_CALLBACK (changed_cb), self, 0);
  refresh (self);
  return ADW_PREFERENCES_PAGE (self);
}
