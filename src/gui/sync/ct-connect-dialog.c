#include "ct-connect-dialog.h"
#include "ct-device-group.h"
#include "ct-problem-row.h"
#include "ct-secret-store.h"
#include "ct-stack.h"
#include "ct-workspace-join.h"

#include <string.h>

#define PULSE_MS 120

#define CT_TYPE_CONNECT_DIALOG (ct_connect_dialog_get_type ())
G_DECLARE_FINAL_TYPE (CtConnectDialog, ct_connect_dialog, CT, CONNECT_DIALOG, AdwWindow)

struct _CtConnectDialog {
  AdwWindow parent_instance;
  GtkStack *stack;
  GtkWidget *address, *address_problem, *password, *password_problem, *plain_row, *plain;
  AdwPreferencesPage *device_page;
  AdwPreferencesGroup *place, *steps;
  AdwStatusPage *work, *records;
  char *asked; /* (owned) (nullable): what the page of the records says by itself */
  GtkProgressBar *progress;
  GtkButton *cancel, *next;

  CtWindow *window;          /* (owned) */
  GtkWindow *above;          /* (weak) (nullable): closed when all is done */
  GtkWidget *device;         /* (unowned) (nullable): on the device's page */
  CtJoin *join;              /* (owned) (nullable): under way */
  GCancellable *cancellable; /* (owned) (nullable): of it */
  guint pulse_source;
  gboolean again; /* connected already: only the password is new */
};

G_DEFINE_FINAL_TYPE (CtConnectDialog, ct_connect_dialog, ADW_TYPE_WINDOW)

/* --- form ----------------------------------------------------------------------------------------------------- */

static void
show_page (CtConnectDialog *self, const char *name)
{
  static const struct {
    const char *name, *next, *cancel;
  } pages[] = {
    { "form", N_ ("C_onnect"), N_ ("_Cancel") },
    { "device", N_ ("_Try Again"), N_ ("_Back") },
    { "records", N_ ("_Upload"), N_ ("_Back") },
    { "work", NULL, N_ ("_Cancel") },
  };
  guint i = 0;

  while (!g_str_equal (pages[i].name, name))
    i++;
  gtk_stack_set_visible_child_name (self->stack, name);
  gtk_widget_set_visible (GTK_WIDGET (self->next), pages[i].next != NULL);
  if (pages[i].next)
    gtk_button_set_label (self->next, _ (pages[i].next));
  gtk_button_set_label (self->cancel, _ (pages[i].cancel));
  gtk_widget_set_sensitive (GTK_WIDGET (self->cancel), TRUE);
}

static gboolean
is_at (CtConnectDialog *self, const char *name)
{
  return g_strcmp0 (gtk_stack_get_visible_child_name (self->stack), name) == 0;
}

static void
say (CtConnectDialog *self, const char *address, const char *password)
{
  ct_problem_row_say (self->address_problem, self->address, address);
  ct_problem_row_say (self->password_problem, self->password, password);
}

static void
changed_cb (GtkWidget *row, GParamSpec *pspec, CtConnectDialog *self)
{
  say (self, NULL, NULL);
}

static void
activated_cb (AdwEntryRow *row, CtConnectDialog *self)
{
  gtk_widget_activate_action (GTK_WIDGET (self), "form.connect", NULL);
}

/* Whether the address can be one; else the entry says why. */
static gboolean
check (CtConnectDialog *self, const char *address)
{
  g_autoptr (GError) problem = NULL;

  if (ct_text_is_blank (address))
    say (self, _ ("This is needed"), NULL);
  else if (!ct_workspace_check_server (address, &problem))
    say (self, problem->message, NULL);
  else
    return TRUE;
  gtk_widget_grab_focus (self->address);
  return FALSE;
}

/* --- the device ----------------------------------------------------------------------------------------------- */

static void
show_device (CtConnectDialog *self)
{
  g_autofree char *login = ct_join_login (self->join), *escaped = g_markup_escape_text (login, -1);
  g_autofree char *text = g_strdup_printf (
      _ ("The server does not know this device yet, or no longer takes it.\n\n"
         "1. Save what is below and give it to your administrator; nothing of it is secret.\n"
         "2. The administrator runs, signing in by an own address:\n"
         "    <tt>towerctl server enrol-device ADDRESS %s device.json</tt>\n"
         "3. Come back here and try again. Change nothing in this workspace until then."),
      escaped);

  adw_preferences_group_set_title (self->steps, _ ("An Administrator Has to Let This Device In"));
  adw_preferences_group_set_description (self->steps, text);
  if (self->device)
    adw_preferences_page_remove (self->device_page, ADW_PREFERENCES_GROUP (self->device));
  self->device = self->join->device ? ct_device_group_new (self->join->device) : NULL;
  if (self->device)
    adw_preferences_page_add (self->device_page, ADW_PREFERENCES_GROUP (self->device));
  show_page (self, "device");
  gtk_widget_grab_focus (GTK_WIDGET (self->next));
}

/* --- connecting ----------------------------------------------------------------------------------------------- */

static gboolean
pulse_cb (gpointer data)
{
  static const char *const titles[] = {
    [CT_JOIN_CONNECTING] = N_ ("Connecting…"),
    [CT_JOIN_UPLOADING] = N_ ("Uploading what you have…"),
    [CT_JOIN_LOADING] = N_ ("Loading what you may see…"),
    [CT_JOIN_LEAVING] = N_ ("Leaving the server again…"),
  };
  CtConnectDialog *self = data;
  int permille = g_atomic_int_get (&self->join->permille);

  adw_status_page_set_title (self->work, _ (titles[g_atomic_int_get (&self->join->stage)]));
  if (permille < 0)
    gtk_progress_bar_pulse (self->progress);
  else
    gtk_progress_bar_set_fraction (self->progress, permille / 1000.0);
  return G_SOURCE_CONTINUE;
}

/* Whoever takes the records along knows what has to be entered again, without scrolling. */
static void
show_left_behind (CtConnectDialog *self)
{
  g_autofree char *left = g_markup_escape_text (self->join->left_behind, -1), *text = NULL, *said = NULL;

  if (!self->asked)
    self->asked = g_strdup (adw_status_page_get_description (self->records));
  if (*left)
    said = g_strdup_printf (_ ("Limits and absences stay behind: %s. Without a limit a person approves any "
                               "amount: enter them again afterwards, in Preferences, People."),
                            left);
  text = said ? g_strdup_printf ("%s\n\n%s", said, self->asked) : g_strdup (self->asked);
  adw_status_page_set_description (self->records, text);
}

static void
show_failure (CtConnectDialog *self, const GError *error)
{
  g_autofree char *text = NULL;

  if (self->join->wrong == CT_CONNECT_DEVICE && self->join->device) {
    show_device (self);
    return;
  }
  if (self->join->wrong == CT_CONNECT_RECORDS) {
    show_left_behind (self);
    show_page (self, "records");
    gtk_widget_grab_focus (GTK_WIDGET (self->cancel));
    return;
  }
  show_page (self, "form");
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  switch (self->join->wrong) {
  case CT_CONNECT_PASSWORD:
    say (self, NULL, error->message);
    gtk_widget_grab_focus (self->password);
    break;
  case CT_CONNECT_KEYRING:
    say (self, NULL, _ ("There is no keyring on this computer that could keep the password."));
    gtk_widget_set_visible (self->plain_row, TRUE);
    gtk_widget_grab_focus (self->plain);
    break;
  default:
    say (self, error->message, NULL);
    gtk_widget_grab_focus (self->address);
  }
}

/* What was opened above the window belongs to the workspace as it was. */
static void
finish (CtConnectDialog *self)
{
  if (self->join->unloaded)
    ct_page_toast (self->window, FALSE,
                   _ ("Connected. Loading goes on as soon as the server can be reached"));
  else if (self->again)
    ct_page_toast (self->window, FALSE, _ ("The new password is kept"));
  else if (self->join->brought)
    ct_page_toast (self->window, FALSE, _ ("Connected. On the server now: %s"), self->join->brought);
  else
    ct_page_toast (self->window, FALSE, _ ("Connected: you see what the team sees"));
  if (self->above)
    gtk_window_destroy (self->above);
  gtk_window_destroy (GTK_WINDOW (self));
}

static gboolean
join_cb (CtWorkspace *workspace, gpointer data, GCancellable *cancellable, GError **error)
{
  return ct_workspace_join (workspace, data, cancellable, error);
}

static void
joined_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (CtConnectDialog) self = data;
  g_autoptr (GError) error = NULL;
  gboolean ok = ct_window_change_finish (CT_WINDOW (source), result, &error);

  g_clear_handle_id (&self->pulse_source, g_source_remove);
  if (!gtk_widget_get_mapped (GTK_WIDGET (self)))
    ; /* the window goes */
  else if (ok)
    finish (self);
  else
    show_failure (self, error);
  g_clear_pointer (&self->join, ct_join_free);
  g_clear_object (&self->cancellable);
}

static void
connect_action (GtkWidget *widget, const char *name, GVariant *value)
{
  CtConnectDialog *self = CT_CONNECT_DIALOG (widget);
  g_autofree char *address = g_strstrip (g_strdup (gtk_editable_get_text (GTK_EDITABLE (self->address))));

  if (self->join || !check (self, address))
    return;
  say (self, NULL, NULL);
  self->join = ct_join_new (address, gtk_editable_get_text (GTK_EDITABLE (self->password)),
                            gtk_check_button_get_active (GTK_CHECK_BUTTON (self->plain)));
  self->join->upload = is_at (self, "records");
  self->cancellable = g_cancellable_new ();
  show_page (self, "work");
  pulse_cb (self);
  self->pulse_source = g_timeout_add (PULSE_MS, pulse_cb, self);
  ct_window_change_async (self->window, join_cb, self->join, self->cancellable, joined_cb,
                          g_object_ref (self));
}

/* One step back: out of the work, out of the page that asks for something else, out of the dialog. */
static void
back_action (GtkWidget *widget, const char *name, GVariant *value)
{
  CtConnectDialog *self = CT_CONNECT_DIALOG (widget);

  if (self->join) {
    g_cancellable_cancel (self->cancellable);
    gtk_widget_set_sensitive (GTK_WIDGET (self->cancel), FALSE);
  } else if (is_at (self, "form")) {
    gtk_window_destroy (GTK_WINDOW (self));
  } else {
    show_page (self, "form");
  }
}

static void
cancel_cb (GtkButton *button, CtConnectDialog *self)
{
  back_action (GTK_WIDGET (self), NULL, NULL);
}

/* --- object --------------------------------------------------------------------------------------------------- */

static gboolean
ct_connect_dialog_close_request (GtkWindow *window)
{
  back_action (GTK_WIDGET (window), NULL, NULL);
  return TRUE;
}

static void
ct_connect_dialog_dispose (GObject *object)
{
  CtConnectDialog *self = CT_CONNECT_DIALOG (object);

  g_clear_handle_id (&self->pulse_source, g_source_remove);
  g_clear_weak_pointer (&self->above);
  g_clear_pointer (&self->asked, g_free);
  g_clear_object (&self->window);
  G_OBJECT_CLASS (ct_connect_dialog_parent_class)->dispose (object);
}

static void
ct_connect_dialog_class_init (CtConnectDialogClass *klass)
{
  static const struct {
    const char *name;
    gssize offset;
  } children[] = {
#define CHILD(name) { #name, G_STRUCT_OFFSET (CtConnectDialog, name) }
    CHILD (stack),
    CHILD (address),
    CHILD (address_problem),
    CHILD (password),
    CHILD (password_problem),
    CHILD (place),
    CHILD (plain),
    CHILD (plain_row),
    CHILD (steps),
    CHILD (device_page),
    CHILD (work),
    CHILD (records),
    CHILD (next),
    CHILD (progress),
    CHILD (cancel),
#undef CHILD
  };
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = ct_connect_dialog_dispose;
  GTK_WINDOW_CLASS (klass)->close_request = ct_connect_dialog_close_request;
  g_type_ensure (CT_TYPE_PROBLEM_ROW);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/controltower/ControlTower/ct-connect-dialog.ui");
  for (guint i = 0; i < G_N_ELEMENTS (children); i++)
    gtk_widget_class_bind_template_child_full (widget_class, children[i].name, FALSE, children[i].offset);
  gtk_widget_class_bind_template_callback (widget_class, changed_cb);
  gtk_widget_class_bind_template_callback (widget_class, activated_cb);
  gtk_widget_class_bind_template_callback (widget_class, cancel_cb);
  gtk_widget_class_install_action (widget_class, "form.connect", NULL, connect_action);
  gtk_widget_class_install_action (widget_class, "form.back", NULL, back_action);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Escape, 0, "form.back", NULL);
}

static void
ct_connect_dialog_init (CtConnectDialog *self)
{
  g_autofree char *detail = g_strdup_printf (_ ("In %s of the workspace, readable by you alone (mode 0600), "
                                                "not encrypted: whoever gets hold of that "
                                                "file can sign in as you"),
                                             CT_SECRET_FILE);

  gtk_widget_init_template (GTK_WIDGET (self));
  ct_stack_hide_others (self->stack);
  adw_action_row_set_subtitle (ADW_ACTION_ROW (self->plain_row), detail);
}

/* What is invented is not taken along without being named. */
static void
show_demo (CtConnectDialog *self)
{
  adw_status_page_set_icon_name (self->records, "dialog-warning-symbolic");
  adw_status_page_set_title (self->records, _ ("Upload the Invented Records of the Demo?"));
  adw_status_page_set_description (
      self->records,
      _ ("This is a demo workspace: its distributors, orders, exceptions and messages are made up. Uploaded, "
         "they are on the server for the whole team, among what everybody does from then on, and cannot be "
         "taken away again; later nobody can upload another workspace there.\n\n"
         "Go back to change nothing. To work with real records, use a new workspace."));
}

void
ct_connect_dialog_open (CtWindow *window, GtkWindow *above, const char *address)
{
  CtConnectDialog *self =
      g_object_new (CT_TYPE_CONNECT_DIALOG, "transient-for", above ? above : GTK_WINDOW (window), NULL);

  self->window = g_object_ref (window);
  if (strcmp (ct_workspace_get_environment (ct_window_get_workspace (window)), "demo") == 0)
    show_demo (self);
  g_set_weak_pointer (&self->above, above);
  self->again = ct_workspace_is_connected (ct_window_get_workspace (window));
  if (address)
    gtk_editable_set_text (GTK_EDITABLE (self->address), address);
  if (self->again) {
    gtk_window_set_title (GTK_WINDOW (self), _ ("Change the Password"));
    gtk_editable_set_editable (GTK_EDITABLE (self->address), FALSE);
  }
  gtk_window_present (GTK_WINDOW (self));
  gtk_widget_grab_focus (address ? self->password : self->address);
}
