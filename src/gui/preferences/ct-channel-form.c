#include "ct-channel-form.h"
#include "ct-problem-row.h"

#include <string.h>

#define CT_TYPE_CHANNEL_FORM (ct_channel_form_get_type ())
G_DECLARE_FINAL_TYPE (CtChannelForm, ct_channel_form, CT, CHANNEL_FORM, AdwWindow)

/* Where they lie in the form, each with the line below it that says what is wrong. */
static const CtChannelPart parts[] = { CT_CHANNEL_PART_NAME, CT_CHANNEL_PART_DESTINATION,
                                       CT_CHANNEL_PART_BASE_URL, CT_CHANNEL_PART_TOKEN };

struct _CtChannelForm {
  AdwWindow parent_instance;
  CtWorkspace *workspace; /* (owned) */
  JsonArray *channels;    /* (owned): those that are there */
  JsonObject *channel;    /* (owned) (nullable): the one to change; NULL: a new one */
  GtkWidget *rows[CT_CHANNEL_PARTS], *problems[CT_CHANNEL_PARTS];
  GtkWidget *plain_row, *plain;
  GtkWidget *failure, *save;
  GtkSpinner *spinner;
  gboolean saving;
};

enum { SIGNAL_SAVED, N_SIGNALS };
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (CtChannelForm, ct_channel_form, ADW_TYPE_WINDOW)

/* --- what was typed ------------------------------------------------------------------------------------------- */

static char *
text_of (CtChannelForm *self, CtChannelPart part)
{
  return g_strstrip (g_strdup (gtk_editable_get_text (GTK_EDITABLE (self->rows[part]))));
}

static void
add_destinations (CtChannelForm *self, GPtrArray *destinations)
{
  JsonArray *before = self->channel ? ct_json_array (self->channel, "destinations") : NULL;
  g_autofree char *text = text_of (self, CT_CHANNEL_PART_DESTINATION);
  g_auto (GStrv) words = g_strsplit_set (text, " ,;\t", -1);

  for (guint i = 0; before && i < json_array_get_length (before); i++)
    g_ptr_array_add (destinations, g_strdup (json_array_get_string_element (before, i)));
  for (char **word = words; *word; word++)
    if (**word)
      g_ptr_array_add (destinations, g_strdup (*word));
}

/* Without the token, which is read once, when it is to be stored. */
static CtChannelSetup *
read_setup (CtChannelForm *self)
{
  g_autofree char *name = text_of (self, CT_CHANNEL_PART_NAME);
  g_autofree char *base_url = text_of (self, CT_CHANNEL_PART_BASE_URL);
  CtChannelSetup *setup = ct_channel_setup_new (ct_channel_slack.kind, name, base_url);

  setup->plain_token = gtk_check_button_get_active (GTK_CHECK_BUTTON (self->plain));
  add_destinations (self, setup->destinations);
  return setup;
}

/* (transfer full) (nullable) */
static CtSecret *
read_token (CtChannelForm *self, const CtChannelSetup *setup, GError **error)
{
  GtkEditable *row = GTK_EDITABLE (self->rows[CT_CHANNEL_PART_TOKEN]);

  return ct_secret_new (setup->base_url, gtk_editable_get_text (row), error);
}

static gboolean
is_taken (CtChannelForm *self, const char *name)
{
  for (guint i = 0; !self->channel && i < json_array_get_length (self->channels); i++)
    if (strcmp (ct_json_string (json_array_get_object_element (self->channels, i), "name", ""), name) == 0)
      return TRUE;
  return FALSE;
}

static gboolean
is_blank (CtChannelForm *self, CtChannelPart part)
{
  return ct_text_is_blank (gtk_editable_get_text (GTK_EDITABLE (self->rows[part])));
}

/* --- what is wrong with it ------------------------------------------------------------------------------------ */

static gboolean
is_needed (CtChannelForm *self, CtChannelPart part)
{
  if (part == CT_CHANNEL_PART_TOKEN && ct_workspace_is_connected (self->workspace))
    return FALSE;
  return !self->channel || (part != CT_CHANNEL_PART_DESTINATION && part != CT_CHANNEL_PART_TOKEN);
}

/* (transfer full) (nullable) */
static char *
problem_of (CtChannelForm *self, const CtChannelSetup *setup, CtChannelPart part)
{
  g_autoptr (CtSecret) secret = NULL;
  g_autoptr (GError) error = NULL;

  if (is_blank (self, part))
    return is_needed (self, part) ? g_strdup (_ ("This is needed")) : NULL;
  if (part == CT_CHANNEL_PART_NAME && is_taken (self, setup->name))
    return g_strdup (_ ("There is a channel of this name: choose another one, or change that channel"));
  if (!ct_workspace_check_channel_part (self->workspace, setup, part, &error))
    return g_strdup (error->message);
  if (part == CT_CHANNEL_PART_TOKEN &&
      ct_workspace_check_channel_part (self->workspace, setup, CT_CHANNEL_PART_BASE_URL, NULL)) {
    secret = read_token (self, setup, &error);
    return secret ? NULL : g_strdup (error->message);
  }
  return NULL;
}

static void
say (CtChannelForm *self, CtChannelPart part, const char *problem)
{
  ct_problem_row_say (self->problems[part], self->rows[part], problem);
}

/* Whether all is right; the first wrong entry gets the keyboard. */
static gboolean
check (CtChannelForm *self, const CtChannelSetup *setup)
{
  GtkWidget *first = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (parts); i++) {
    g_autofree char *problem = problem_of (self, setup, parts[i]);

    say (self, parts[i], problem);
    if (problem && !first)
      first = self->rows[parts[i]];
  }
  if (first)
    gtk_widget_grab_focus (first);
  return !first;
}

static CtChannelPart
part_of (CtChannelForm *self, GtkWidget *row)
{
  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    if (self->rows[parts[i]] == row)
      return parts[i];
  return CT_CHANNEL_PART_NONE;
}

/* What was found wrong is looked at again with each letter, until it is right. */
static void
changed_cb (GtkWidget *row, GParamSpec *pspec, CtChannelForm *self)
{
  CtChannelPart part = part_of (self, row);
  g_autoptr (CtChannelSetup) setup = NULL;
  g_autofree char *problem = NULL;

  gtk_widget_set_visible (self->failure, FALSE);
  if (!gtk_widget_get_visible (self->problems[part]))
    return;
  setup = read_setup (self);
  problem = problem_of (self, setup, part);
  say (self, part, problem);
}

/* An entry just left is told at once, one that is still empty only when all is to be saved. */
static void
left_cb (GtkEventControllerFocus *controller, CtChannelForm *self)
{
  GtkWidget *row = gtk_event_controller_get_widget (GTK_EVENT_CONTROLLER (controller));
  CtChannelPart part = part_of (self, row);
  g_autoptr (CtChannelSetup) setup = NULL;
  g_autofree char *problem = NULL;

  if (is_blank (self, part) || gtk_widget_get_visible (self->problems[part]))
    return;
  setup = read_setup (self);
  problem = problem_of (self, setup, part);
  say (self, part, problem);
}

/* --- saving --------------------------------------------------------------------------------------------------- */

static void
set_saving (CtChannelForm *self, gboolean saving)
{
  self->saving = saving;
  gtk_spinner_set_spinning (self->spinner, saving);
  gtk_widget_set_sensitive (self->save, !saving);
}

/* Where there is no keyring the person is asked whether a file will do. */
static void
show_failure (CtChannelForm *self, CtChannelPart wrong, const GError *error)
{
  gboolean no_keyring =
      wrong == CT_CHANNEL_PART_TOKEN && g_error_matches (error, CT_ERROR, CT_ERROR_NOT_FOUND);

  if (wrong != CT_CHANNEL_PART_NONE && self->rows[wrong]) {
    say (self, wrong, error->message);
    gtk_widget_grab_focus (self->rows[wrong]);
  } else {
    gtk_label_set_text (GTK_LABEL (self->failure), error->message);
    gtk_widget_set_visible (self->failure, TRUE);
  }
  if (no_keyring) {
    gtk_widget_set_visible (self->plain_row, TRUE);
    gtk_widget_grab_focus (self->plain);
  }
}

static void
added_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (CtChannelForm) self = data;
  g_autoptr (GError) error = NULL;
  CtChannelPart wrong = CT_CHANNEL_PART_NONE;
  gboolean in_file = FALSE;
  g_autofree char *name = NULL;

  if (!ct_workspace_add_channel_finish (CT_WORKSPACE (source), result, &in_file, &wrong, &error)) {
    set_saving (self, FALSE);
    show_failure (self, wrong, error);
    return;
  }
  name = text_of (self, CT_CHANNEL_PART_NAME);
  g_signal_emit (self, signals[SIGNAL_SAVED], 0, name,
                 in_file && !gtk_check_button_get_active (GTK_CHECK_BUTTON (self->plain)));
  gtk_window_close (GTK_WINDOW (self));
}

static void
save_action (GtkWidget *widget, const char *name, GVariant *value)
{
  CtChannelForm *self = CT_CHANNEL_FORM (widget);
  g_autoptr (CtChannelSetup) setup = read_setup (self);

  if (self->saving || !check (self, setup))
    return;
  if (!is_blank (self, CT_CHANNEL_PART_TOKEN))
    setup->secret = read_token (self, setup, NULL);
  gtk_widget_set_visible (self->failure, FALSE);
  set_saving (self, TRUE);
  ct_workspace_add_channel_async (self->workspace, g_steal_pointer (&setup), added_cb, g_object_ref (self));
}

static void
activated_cb (AdwEntryRow *row, CtChannelForm *self)
{
  gtk_widget_activate_action (GTK_WIDGET (self), "form.save", NULL);
}

/* --- window --------------------------------------------------------------------------------------------------- */

static void
add_entry (CtChannelForm *self, GtkWidget *group, CtChannelPart part, GtkWidget *row, const char *title)
{
  GtkEventController *focus = gtk_event_controller_focus_new ();

  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), title);
  self->rows[part] = row;
  self->problems[part] = ct_problem_row_new ();
  g_signal_connect (row, "notify::text", G_CALLBACK (changed_cb), self);
  g_signal_connect (row, "entry-activated", G_CALLBACK (activated_cb), self);
  g_signal_connect (focus, "leave", G_CALLBACK (left_cb), self);
  gtk_widget_add_controller (row, focus);
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (group), row);
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (group), self->problems[part]);
}

static GtkWidget *
make_place (CtChannelForm *self)
{
  GtkWidget *group = adw_preferences_group_new ();

  if (!self->channel)
    adw_preferences_group_set_description (
        ADW_PREFERENCES_GROUP (group),
        _ ("Posts go out under an app of your Slack workspace: create one at api.slack.com/apps, give it the "
           "scope chat:write, install it, invite it to the channels below and copy its bot token."));
  add_entry (self, group, CT_CHANNEL_PART_NAME, adw_entry_row_new (), _ ("Name, such as slack"));
  add_entry (self, group, CT_CHANNEL_PART_DESTINATION, adw_entry_row_new (),
             self->channel ? _ ("More destinations, such as #wholesale-exceptions")
                           : _ ("Destinations, such as #wholesale-exceptions"));
  add_entry (self, group, CT_CHANNEL_PART_BASE_URL, adw_entry_row_new (), _ ("Address"));
  return group;
}

static void
make_plain_row (CtChannelForm *self)
{
  g_autofree char *detail =
      g_strdup_printf (_ ("In %s of the workspace, readable by you alone (mode 0600), not encrypted: "
                          "whoever gets hold of that file can post in the app's name"),
                       CT_SECRET_FILE);

  self->plain_row = adw_action_row_new ();
  self->plain = gtk_check_button_new ();
  gtk_widget_set_valign (self->plain, GTK_ALIGN_CENTER);
  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (self->plain_row), FALSE);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (self->plain_row),
                                 _ ("Keep the token in a plain-text file"));
  adw_action_row_set_subtitle (ADW_ACTION_ROW (self->plain_row), detail);
  adw_action_row_add_prefix (ADW_ACTION_ROW (self->plain_row), self->plain);
  adw_action_row_set_activatable_widget (ADW_ACTION_ROW (self->plain_row), self->plain);
  gtk_widget_set_visible (self->plain_row, FALSE);
}

static GtkWidget *
make_token (CtChannelForm *self)
{
  GtkWidget *group = adw_preferences_group_new ();
  gboolean here = !ct_workspace_is_connected (self->workspace);

  adw_preferences_group_set_description (
      ADW_PREFERENCES_GROUP (group),
      here
          ? _ ("The token is kept in the keyring, bound to the address above, and sent nowhere else.")
          : _ ("Your team's service posts, with a token that its administrator keeps on its machine; none is "
               "kept here."));
  add_entry (self, group, CT_CHANNEL_PART_TOKEN, adw_password_entry_row_new (),
             self->channel ? _ ("New token (empty: the stored one stays)") : _ ("Bot token (xoxb-…)"));
  gtk_widget_set_visible (self->rows[CT_CHANNEL_PART_TOKEN], here);
  make_plain_row (self);
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (group), self->plain_row);
  self->failure = gtk_label_new (NULL);
  gtk_label_set_wrap (GTK_LABEL (self->failure), TRUE);
  gtk_label_set_xalign (GTK_LABEL (self->failure), 0);
  gtk_widget_add_css_class (self->failure, "error");
  gtk_widget_set_margin_top (self->failure, 12);
  gtk_widget_set_visible (self->failure, FALSE);
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (group), self->failure);
  return group;
}

static GtkWidget *
make_bar (CtChannelForm *self)
{
  GtkWidget *bar = adw_header_bar_new (), *cancel = gtk_button_new_with_mnemonic (_ ("_Cancel"));

  self->save = gtk_button_new_with_mnemonic (self->channel ? _ ("_Save") : _ ("_Add"));
  self->spinner = GTK_SPINNER (gtk_spinner_new ());
  gtk_widget_add_css_class (self->save, "suggested-action");
  gtk_actionable_set_action_name (GTK_ACTIONABLE (self->save), "form.save");
  gtk_actionable_set_action_name (GTK_ACTIONABLE (cancel), "window.close");
  adw_header_bar_set_show_end_title_buttons (ADW_HEADER_BAR (bar), FALSE);
  adw_header_bar_set_show_start_title_buttons (ADW_HEADER_BAR (bar), FALSE);
  adw_header_bar_pack_start (ADW_HEADER_BAR (bar), cancel);
  adw_header_bar_pack_end (ADW_HEADER_BAR (bar), self->save);
  adw_header_bar_pack_end (ADW_HEADER_BAR (bar), GTK_WIDGET (self->spinner));
  return bar;
}

/* What identifies a channel stays; another address needs another token, so it is another channel. */
static void
fill (CtChannelForm *self)
{
  GtkWidget *name = self->rows[CT_CHANNEL_PART_NAME], *base_url = self->rows[CT_CHANNEL_PART_BASE_URL];

  gtk_editable_set_text (GTK_EDITABLE (base_url), self->channel
                                                      ? ct_json_string (self->channel, "baseUrl", "")
                                                      : ct_channel_slack.base_url);
  if (!self->channel)
    return;
  gtk_editable_set_text (GTK_EDITABLE (name), ct_json_string (self->channel, "name", ""));
  gtk_widget_set_sensitive (name, FALSE);
  gtk_widget_set_sensitive (base_url, FALSE);
}

static void
build (CtChannelForm *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0), *page = adw_preferences_page_new ();

  adw_preferences_page_add (ADW_PREFERENCES_PAGE (page), ADW_PREFERENCES_GROUP (make_place (self)));
  adw_preferences_page_add (ADW_PREFERENCES_PAGE (page), ADW_PREFERENCES_GROUP (make_token (self)));
  gtk_widget_set_vexpand (page, TRUE);
  gtk_box_append (GTK_BOX (box), make_bar (self));
  gtk_box_append (GTK_BOX (box), page);
  adw_window_set_content (ADW_WINDOW (self), box);
  fill (self);
}

static void
ct_channel_form_finalize (GObject *object)
{
  CtChannelForm *self = CT_CHANNEL_FORM (object);

  g_clear_object (&self->workspace);
  g_clear_pointer (&self->channels, json_array_unref);
  g_clear_pointer (&self->channel, json_object_unref);
  G_OBJECT_CLASS (ct_channel_form_parent_class)->finalize (object);
}

static void
ct_channel_form_class_init (CtChannelFormClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = ct_channel_form_finalize;
  signals[SIGNAL_SAVED] = g_signal_new ("saved", CT_TYPE_CHANNEL_FORM, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                        G_TYPE_NONE, 2, G_TYPE_STRING, G_TYPE_BOOLEAN);
  gtk_widget_class_install_action (widget_class, "form.save", NULL, save_action);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_s, GDK_CONTROL_MASK, "form.save", NULL);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Escape, 0, "window.close", NULL);
}

static void
ct_channel_form_init (CtChannelForm *self)
{
  gtk_window_set_default_size (GTK_WINDOW (self), 560, 600);
  gtk_window_set_modal (GTK_WINDOW (self), TRUE);
}

/**
 * ct_channel_form_open:
 * @channels: those that are there, as ct_workspace_list_channels() has them
 * @channel: (nullable): the one to change; %NULL: a new one
 *
 * Returns: (transfer none): the window
 */
GtkWidget *
ct_channel_form_open (GtkWindow *parent, CtWorkspace *workspace, JsonArray *channels, JsonObject *channel)
{
  CtChannelForm *self = g_object_new (CT_TYPE_CHANNEL_FORM, "transient-for", parent, "title",
                                      channel ? _ ("Change the Channel") : _ ("Add a Slack Channel"), NULL);

  self->workspace = g_object_ref (workspace);
  self->channels = json_array_ref (channels);
  self->channel = channel ? json_object_ref (channel) : NULL;
  build (self);
  gtk_window_present (GTK_WINDOW (self));
  gtk_widget_grab_focus (self->rows[!channel                                ? CT_CHANNEL_PART_NAME
                                    : ct_workspace_is_connected (workspace) ? CT_CHANNEL_PART_DESTINATION
                                                                            : CT_CHANNEL_PART_TOKEN]);
  return GTK_WIDGET (self);
}
