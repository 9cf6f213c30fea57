#include "ct-server-page.h"
#include "ct-sync-words.h"
#include "ct-workspace-device.h"
#include "ct-workspace-join.h"
#include "ct-ask.h"
#include "sync/ct-connect-dialog.h"
#include "sync/ct-device-group.h"

#define CT_TYPE_SERVER_PAGE (ct_server_page_get_type ())
G_DECLARE_FINAL_TYPE (CtServerPage, ct_server_page, CT, SERVER_PAGE, AdwPreferencesPage)

struct _CtServerPage {
  AdwPreferencesPage parent_instance;
  CtWindow *window;           /* (owned) */
  CtWorkspace *workspace;     /* (owned) */
  AdwPreferencesGroup *group; /* (unowned) (nullable) */
  GtkWidget *device;          /* (unowned) (nullable) */
  JsonObject *status;         /* (owned) (nullable) */
  GCancellable *cancellable;  /* (owned) */
};

G_DEFINE_FINAL_TYPE (CtServerPage, ct_server_page, ADW_TYPE_PREFERENCES_PAGE)

static GtkWindow *
dialog_of (CtServerPage *self)
{
  return GTK_WINDOW (gtk_widget_get_root (GTK_WIDGET (self)));
}

/* --- joining -------------------------------------------------------------------------------------------------- */

/* To the server that it is connected to, or that an upload went to whose fate is open, else to whichever the person names. */
static void
connect_cb (GtkButton *button, CtServerPage *self)
{
  JsonObject *upload = ct_json_object (self->status, "upload");

  ct_connect_dialog_open (self->window, dialog_of (self),
                          ct_json_string (upload ? upload : self->status, "server", NULL));
}

static void
given_up_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (CtServerPage) self = data;
  g_autoptr (GError) error = NULL;

  if (ct_workspace_execute_finish (CT_WORKSPACE (source), result, NULL, &error))
    ct_page_toast (self->window, FALSE, _ ("The upload is given up: you approve and send here again"));
  else if (gtk_widget_get_root (GTK_WIDGET (self)))
    ct_page_problem (self, _ ("The upload was not given up"), error);
}

static void
reason_cb (const char *reason, gpointer data)
{
  g_autoptr (JsonObject) args = ct_json_build ("s", "reason", reason);

  ct_workspace_execute_async (CT_SERVER_PAGE (data)->workspace, "upload.give_up", args, NULL, given_up_cb,
                              g_object_ref (data));
}

static void
give_up_cb (GtkButton *button, CtServerPage *self)
{
  CtAsk ask = {
    _ ("Is the Server Gone for Good?"),
    _ ("Then you can approve and send here again. If it is there after all and took the upload, what waits "
       "here waits there as well, and whoever approves it there sends it a second time. Your answer and "
       "its reason are kept in the log."),
    _ ("_Give the Upload Up"),
    reason_cb,
    g_object_ref (self),
    g_object_unref
  };

  ct_ask_text (self, &ask, _ ("How you know"), TRUE);
}

/* --- leaving -------------------------------------------------------------------------------------------------- */

static gboolean
leave_cb (CtWorkspace *workspace, gpointer data, GCancellable *cancellable, GError **error)
{
  JsonObject *left = NULL;

  if (!ct_workspace_disconnect (workspace, TRUE, &left, cancellable, error))
    return FALSE;
  json_object_unref (left);
  return TRUE;
}

static void
left_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (CtServerPage) self = data;
  g_autoptr (GError) error = NULL;
  gboolean ok = ct_window_change_finish (CT_WINDOW (source), result, &error);

  if (!ok)
    ct_page_problem (gtk_widget_get_root (GTK_WIDGET (self)) ? (gpointer) self : source,
                     _ ("The server cannot be left"), error);
  if (!ok)
    return;
  ct_page_toast (source, FALSE, _ ("Disconnected: everything you could see is kept here"));
  if (gtk_widget_get_root (GTK_WIDGET (self)))
    gtk_window_destroy (dialog_of (self));
}

static void
sure_cb (AdwMessageDialog *dialog, const char *response, CtServerPage *self)
{
  if (g_strcmp0 (response, "leave") == 0)
    ct_window_change_async (self->window, leave_cb, NULL, NULL, left_cb, g_object_ref (self));
}

/* (transfer full): what the server will never learn of */
static char *
describe_loss (CtServerPage *self)
{
  int pending = (int) ct_json_int (self->status, "pending", 0),
      tray = (int) ct_json_int (self->status, "inTray", 0);

  if (!pending && !tray)
    return g_strdup (_ ("The server has everything you did."));
  return g_strdup_printf (
      _ ("Changes of yours that have not reached the server: %d; that wait for a decision: %d. They stay "
         "as they are here, and the server never learns of them."),
      pending, tray);
}

static void
disconnect_cb (GtkButton *button, CtServerPage *self)
{
  g_autofree char *loss = describe_loss (self);
  g_autofree char *body =
      g_strdup_printf (_ ("%s\n\nThis workspace keeps a full copy of what you can see now and goes on by "
                          "itself. The copy is not brought up to date any more."),
                       loss);
  GtkWidget *dialog = adw_message_dialog_new (dialog_of (self), _ ("Leave the Server?"), body);

  adw_message_dialog_add_responses (ADW_MESSAGE_DIALOG (dialog), "stay", _ ("_Cancel"), "leave",
                                    _ ("_Disconnect"), NULL);
  adw_message_dialog_set_response_appearance (ADW_MESSAGE_DIALOG (dialog), "leave", ADW_RESPONSE_DESTRUCTIVE);
  adw_message_dialog_set_close_response (ADW_MESSAGE_DIALOG (dialog), "stay");
  g_signal_connect_object (dialog, "response", G_CALLBACK (sure_cb), self, 0);
  gtk_window_present (GTK_WINDOW (dialog));
}

/* --- showing -------------------------------------------------------------------------------------------------- */

static void
add_fact (CtServerPage *self, const char *title, const char *value)
{
  GtkWidget *row = adw_action_row_new ();

  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (row), FALSE);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), title);
  adw_action_row_set_subtitle (ADW_ACTION_ROW (row), value);
  adw_preferences_group_add (self->group, row);
}

static GtkWidget *
make_button (CtServerPage *self, const char *label, const char *style, GCallback clicked)
{
  GtkWidget *button = gtk_button_new_with_mnemonic (label);

  if (style)
    gtk_widget_add_css_class (button, style);
  g_signal_connect (button, "clicked", clicked, self);
  return button;
}

static void
show_connected (CtServerPage *self)
{
  g_auto (GStrv) facts = ct_sync_facts (self->status, ct_time_now ());
  g_auto (CtSyncWords) words = { 0 };
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);

  ct_sync_words (self->status, ct_time_now (), &words);
  adw_preferences_group_set_title (self->group, words.title);
  adw_preferences_group_set_description (self->group, words.text);
  for (guint i = 0; facts[i]; i += 2)
    add_fact (self, facts[i], facts[i + 1]);
  gtk_widget_set_halign (box, GTK_ALIGN_END);
  gtk_widget_set_margin_top (box, 12);
  gtk_box_append (GTK_BOX (box),
                  make_button (self, _ ("Change the _Password…"), NULL, G_CALLBACK (connect_cb)));
  gtk_box_append (GTK_BOX (box),
                  make_button (self, _ ("_Disconnect…"), "destructive-action", G_CALLBACK (disconnect_cb)));
  adw_preferences_group_add (self->group, box);
}

/* What waits here may be approved there as well: first it is found out. */
static void
show_upload (CtServerPage *self)
{
  g_auto (CtSyncWords) words = { 0 };
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);

  ct_sync_words (self->status, ct_time_now (), &words);
  adw_preferences_group_set_title (self->group, words.title);
  adw_preferences_group_set_description (self->group, words.text);
  gtk_box_append (GTK_BOX (box),
                  make_button (self, _ ("_Find Out…"), "suggested-action", G_CALLBACK (connect_cb)));
  gtk_box_append (GTK_BOX (box),
                  make_button (self, _ ("_Give Up…"), "destructive-action", G_CALLBACK (give_up_cb)));
  adw_preferences_group_add (self->group, box);
}

static void
show_local (CtServerPage *self)
{
  GtkWidget *button = make_button (self, _ ("_Connect…"), "suggested-action", G_CALLBACK (connect_cb));

  adw_preferences_group_set_title (self->group, _ ("Work with a Team"));
  adw_preferences_group_set_description (
      self->group, _ ("Everything is kept on this computer alone. On your team's server all see the same "
                      "orders, and roles and approvals of several people hold."));
  gtk_widget_set_halign (button, GTK_ALIGN_START);
  adw_preferences_group_add (self->group, button);
}

typedef struct {
  CtServerPage *page; /* (owned) */
  JsonObject *status; /* (owned) (nullable) */
  JsonObject *device; /* (owned) (nullable) */
} ReadJob;

static void
read_job_free (gpointer data)
{
  ReadJob *job = data;

  g_object_unref (job->page);
  g_clear_pointer (&job->status, json_object_unref);
  g_clear_pointer (&job->device, json_object_unref);
  g_free (job);
}

static gboolean
read_cb (CtDb *db, gpointer data, GError **error)
{
  ReadJob *job = data;

  job->status = ct_workspace_sync_status (db, error);
  if (!job->status)
    return FALSE;
  job->device = ct_workspace_describe_device (db, error);
  return job->device != NULL;
}

static void
show (CtServerPage *self, JsonObject *device)
{
  AdwPreferencesPage *page = ADW_PREFERENCES_PAGE (self);

  if (self->group)
    adw_preferences_page_remove (page, self->group);
  self->group = ADW_PREFERENCES_GROUP (adw_preferences_group_new ());
  if (self->device)
    adw_preferences_page_remove (page, ADW_PREFERENCES_GROUP (self->device));
  if (ct_json_string (self->status, "server", NULL))
    show_connected (self);
  else if (ct_json_object (self->status, "upload"))
    show_upload (self);
  else
    show_local (self);
  self->device = ct_device_group_new (device);
  adw_preferences_page_add (page, self->group);
  adw_preferences_page_add (page, ADW_PREFERENCES_GROUP (self->device));
}

static void
read_done_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  ReadJob *job = ct_store_job_data (result);
  CtServerPage *self = job->page;
  g_autoptr (GError) error = NULL;
  gboolean ok = ct_store_job_finish (CT_STORE (source), result, &error), news;

  if (g_cancellable_is_cancelled (self->cancellable))
    return;
  if (!ok) {
    ct_page_problem (self, _ ("The state of the connection cannot be read"), error);
    return;
  }
  news = !self->status || g_strcmp0 (ct_json_string (self->status, "state", NULL),
                                     ct_json_string (job->status, "state", NULL)) != 0;
  g_clear_pointer (&self->status, json_object_unref);
  self->status = g_steal_pointer (&job->status);
  if (news) /* ages alone do not take the button from under the pointer */
    show (self, job->device);
}

static void
refresh (CtServerPage *self)
{
  ReadJob *job = g_new0 (ReadJob, 1);

  job->page = g_object_ref (self);
  ct_store_read_async (ct_workspace_get_store (self->workspace), read_cb, job, read_job_free,
                       self->cancellable, read_done_cb, NULL);
}

static void
changed_cb (CtStore *store, const char *const *tables, CtServerPage *self)
{
  refresh (self);
}

/* --- object --------------------------------------------------------------------------------------------------- */

static void
ct_server_page_dispose (GObject *object)
{
  CtServerPage *self = CT_SERVER_PAGE (object);

  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->window);
  G_OBJECT_CLASS (ct_server_page_parent_class)->dispose (object);
}

static void
ct_server_page_finalize (GObject *object)
{
  CtServerPage *self = CT_SERVER_PAGE (object);

  g_clear_object (&self->workspace);
  g_clear_object (&self->cancellable);
  g_clear_pointer (&self->status, json_object_unref);
  G_OBJECT_CLASS (ct_server_page_parent_class)->finalize (object);
}

static void
ct_server_page_class_init (CtServerPageClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = ct_server_page_dispose;
  G_OBJECT_CLASS (klass)->finalize = ct_server_page_finalize;
}

static void
ct_server_page_init (CtServerPage *self)
{
  self->cancellable = g_cancellable_new ();
  adw_preferences_page_set_title (ADW_PREFERENCES_PAGE (self), _ ("Server"));
  adw_preferences_page_set_icon_name (ADW_PREFERENCES_PAGE (self), "network-server-symbolic");
  adw_preferences_page_set_name (ADW_PREFERENCES_PAGE (self), "server");
}

AdwPreferencesPage *
ct_server_page_new (CtWindow *window)
{
  CtServerPage *self = g_object_new (CT_TYPE_SERVER_PAGE, NULL);

  self->window = g_object_ref (window);
  self->workspace = g_object_ref (ct_window_get_workspace (window));
  g_signal_connect_object (ct_workspace_get_store (self->workspace), "changed", G_CALLBACK (changed_cb), self,
                           0);
  refresh (self);
  return ADW_PREFERENCES_PAGE (self);
}
