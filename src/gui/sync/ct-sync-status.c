#include "ct-sync-status.h"
#include "ct-connect-dialog.h"
#include "ct-sync-words.h"
#include "ct-time.h"
#include "ct-workspace-connect.h"

/* Ages are told anew while the details are open, and now and then in the header. */
#define TELL_MS      1000
#define TELL_REST_MS 15000

struct _CtSyncStatus {
  GtkWidget parent_instance;
  GtkMenuButton *button;
  AdwButtonContent *content;
  GtkPopover *popover;
  GtkLabel *title, *text, *place;
  GtkListBox *facts;
  GtkWidget *now, *attention, *settle, *acts;

  CtWorkspace *workspace; /* (owned) (nullable) */
  JsonObject *status;     /* (owned) (nullable): as last read */
  GCancellable *cancellable;
  GStrv shown; /* (owned) (nullable): the facts in the list */
  guint tell_source, fit_source;
  gboolean reading, again;
};

G_DEFINE_FINAL_TYPE (CtSyncStatus, ct_sync_status, GTK_TYPE_WIDGET)

static void refresh (CtSyncStatus *self);

/* --- showing -------------------------------------------------------------------------------------------------- */

static void
set_style (CtSyncStatus *self, const char *style)
{
  static const char *const styles[] = { "ct-high", "ct-critical" };

  for (guint i = 0; i < G_N_ELEMENTS (styles); i++)
    if (g_strcmp0 (style, styles[i]) == 0)
      gtk_widget_add_css_class (GTK_WIDGET (self->button), styles[i]);
    else
      gtk_widget_remove_css_class (GTK_WIDGET (self->button), styles[i]);
}

static GtkWidget *
make_fact (const char *label, const char *value)
{
  GtkWidget *row = gtk_list_box_row_new (), *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 2);
  GtkWidget *name = gtk_label_new (label), *text = gtk_label_new (value);
  g_autofree char *said = g_strdup_printf ("%s: %s", label, value);

  gtk_label_set_xalign (GTK_LABEL (name), 0);
  gtk_widget_add_css_class (name, "caption");
  gtk_widget_add_css_class (name, "dim-label");
  gtk_label_set_xalign (GTK_LABEL (text), 0);
  gtk_label_set_wrap (GTK_LABEL (text), TRUE);
  gtk_label_set_wrap_mode (GTK_LABEL (text), PANGO_WRAP_WORD_CHAR);
  gtk_label_set_max_width_chars (GTK_LABEL (text), 30); /* so that the popover's width does not hang on it */
  gtk_label_set_ellipsize (GTK_LABEL (text), PANGO_ELLIPSIZE_END);
  gtk_label_set_lines (GTK_LABEL (text), 6);
  gtk_widget_add_css_class (box, "ct-fact");
  gtk_box_append (GTK_BOX (box), name);
  gtk_box_append (GTK_BOX (box), text);
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (row), box);
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), FALSE);
  gtk_widget_set_focusable (row, FALSE);
  gtk_accessible_update_property (GTK_ACCESSIBLE (row), GTK_ACCESSIBLE_PROPERTY_LABEL, said, -1);
  return row;
}

/* Once the new rows have their style: until then they measure less. */
static gboolean
fit_cb (gpointer data)
{
  CtSyncStatus *self = data;

  self->fit_source = 0;
  if (gtk_widget_get_mapped (GTK_WIDGET (self->popover)))
    gtk_popover_present (self->popover);
  return G_SOURCE_REMOVE;
}

static void
show_facts (CtSyncStatus *self, gint64 now)
{
  GStrv facts = ct_sync_facts (self->status, now);
  GtkWidget *row;

  if (self->shown && g_strv_equal ((const char *const *) facts, (const char *const *) self->shown)) {
    g_strfreev (facts);
    return;
  }
  g_strfreev (self->shown);
  self->shown = facts;
  while ((row = GTK_WIDGET (gtk_list_box_get_row_at_index (self->facts, 0))))
    gtk_list_box_remove (self->facts, row);
  for (guint i = 0; facts[i]; i += 2)
    gtk_list_box_append (self->facts, make_fact (facts[i], facts[i + 1]));
  gtk_widget_set_visible (GTK_WIDGET (self->facts), facts[0] != NULL);
  if (!self->fit_source)
    self->fit_source = g_idle_add (fit_cb, self);
}

static void
show_place (CtSyncStatus *self)
{
  g_autofree char *text =
      g_strdup_printf (_ ("You work as %s. The workspace is in %s."),
                       ct_workspace_get_actor (self->workspace), ct_workspace_get_folder (self->workspace));

  gtk_label_set_text (self->place, text);
}

static void
show (CtSyncStatus *self)
{
  g_auto (CtSyncWords) words = { 0 };
  gint64 now = ct_time_now ();
  JsonObject *upload;
  gboolean connected;

  if (!self->status)
    return;
  upload = ct_json_object (self->status, "upload");
  ct_sync_words (self->status, now, &words);
  connected = ct_json_string (self->status, "server", NULL) != NULL;
  adw_button_content_set_icon_name (self->content, words.icon);
  adw_button_content_set_label (self->content, words.label);
  set_style (self, words.style);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->button), GTK_ACCESSIBLE_PROPERTY_LABEL, words.label,
                                  GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, words.title, -1);
  gtk_label_set_text (self->title, words.title);
  gtk_label_set_text (self->text, words.text);
  gtk_widget_set_visible (self->acts, connected || upload);
  gtk_widget_set_visible (self->now, connected);
  gtk_widget_set_visible (self->settle, upload != NULL);
  gtk_widget_set_visible (self->attention, ct_json_int (self->status, "inTray", 0) > 0);
  if (gtk_widget_get_mapped (GTK_WIDGET (self->popover)))
    show_facts (self, now);
}

static gboolean
tell_cb (gpointer data)
{
  show (data);
  return G_SOURCE_CONTINUE;
}

static void
tell_every (CtSyncStatus *self, guint milliseconds)
{
  g_clear_handle_id (&self->tell_source, g_source_remove);
  self->tell_source = g_timeout_add (milliseconds, tell_cb, self);
}

static void
popover_shown_cb (GtkPopover *popover, CtSyncStatus *self)
{
  if (self->workspace)
    show_place (self);
  if (self->status)
    show_facts (self, ct_time_now ());
  tell_every (self, TELL_MS);
}

static void
popover_closed_cb (GtkPopover *popover, CtSyncStatus *self)
{
  tell_every (self, TELL_REST_MS);
}

static void
chosen_cb (GtkButton *button, CtSyncStatus *self)
{
  gtk_popover_popdown (self->popover);
}

/* At the server that the upload went to, or wherever it is now. */
static void
settle_cb (GtkButton *button, CtSyncStatus *self)
{
  JsonObject *upload = ct_json_object (self->status, "upload");

  gtk_popover_popdown (self->popover);
  if (upload)
    ct_connect_dialog_open (CT_WINDOW (gtk_widget_get_root (GTK_WIDGET (self))), NULL,
                            ct_json_string (upload, "server", NULL));
}

/* --- reading -------------------------------------------------------------------------------------------------- */

typedef struct {
  CtSyncStatus *widget; /* (owned) */
  CtWorkspace *of;      /* (owned) */
  JsonObject *status;   /* (owned) (nullable) */
} ReadJob;

static void
read_job_free (gpointer data)
{
  ReadJob *job = data;

  g_object_unref (job->widget);
  g_object_unref (job->of);
  g_clear_pointer (&job->status, json_object_unref);
  g_free (job);
}

static gboolean
read_cb (CtDb *db, gpointer data, GError **error)
{
  ReadJob *job = data;

  job->status = ct_workspace_sync_status (db, error);
  return job->status != NULL;
}

static void
read_done_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  ReadJob *job = ct_store_job_data (result);
  CtSyncStatus *self = job->widget;
  g_autoptr (GError) error = NULL;
  gboolean ok = ct_store_job_finish (CT_STORE (source), result, &error);

  if (self->workspace != job->of)
    return;
  self->reading = FALSE;
  if (ok) {
    g_clear_pointer (&self->status, json_object_unref);
    self->status = g_steal_pointer (&job->status);
    show (self);
  } else if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
    g_warning ("reading the state of the connection: %s", error->message);
  }
  if (self->again)
    refresh (self);
}

static void
refresh (CtSyncStatus *self)
{
  ReadJob *job;

  self->again = self->reading;
  if (self->reading)
    return;
  self->reading = TRUE;
  job = g_new0 (ReadJob, 1);
  job->widget = g_object_ref (self);
  job->of = g_object_ref (self->workspace);
  ct_store_read_async (ct_workspace_get_store (self->workspace), read_cb, job, read_job_free,
                       self->cancellable, read_done_cb, NULL);
}

/* Every command is a change; what other connections write comes without names of tables. */
static void
store_changed_cb (CtStore *store, const char *const *tables, CtSyncStatus *self)
{
  static const char *const concerned[] = { "intents", "attention", "workspace", "sync_state" };

  for (guint i = 0; i < G_N_ELEMENTS (concerned); i++)
    if (!tables || g_strv_contains (tables, concerned[i])) {
      refresh (self);
      return;
    }
}

/* --- object --------------------------------------------------------------------------------------------------- */

static void
leave_workspace (CtSyncStatus *self)
{
  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  if (self->workspace)
    g_signal_handlers_disconnect_by_data (ct_workspace_get_store (self->workspace), self);
  g_clear_object (&self->workspace);
  g_clear_pointer (&self->status, json_object_unref);
  self->reading = FALSE;
}

static void
ct_sync_status_dispose (GObject *object)
{
  CtSyncStatus *self = CT_SYNC_STATUS (object);

  g_clear_handle_id (&self->tell_source, g_source_remove);
  g_clear_handle_id (&self->fit_source, g_source_remove);
  g_clear_pointer (&self->shown, g_strfreev);
  leave_workspace (self);
  gtk_widget_dispose_template (GTK_WIDGET (self), CT_TYPE_SYNC_STATUS);
  G_OBJECT_CLASS (ct_sync_status_parent_class)->dispose (object);
}

static void
ct_sync_status_class_init (CtSyncStatusClass *klass)
{
  static const struct {
    const char *name;
    gssize offset;
  } children[] = {
#define CHILD(name) { #name, G_STRUCT_OFFSET (CtSyncStatus, name) }
    CHILD (button), CHILD (content), CHILD (popover),   CHILD (title), CHILD (text),   CHILD (place),
    CHILD (facts),  CHILD (now),     CHILD (attention), CHILD (acts),  CHILD (settle),
#undef CHILD
  };
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = ct_sync_status_dispose;
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/controltower/ControlTower/ct-sync-status.ui");
  for (guint i = 0; i < G_N_ELEMENTS (children); i++)
    gtk_widget_class_bind_template_child_full (widget_class, children[i].name, FALSE, children[i].offset);
  gtk_widget_class_bind_template_callback (widget_class, popover_shown_cb);
  gtk_widget_class_bind_template_callback (widget_class, popover_closed_cb);
  gtk_widget_class_bind_template_callback (widget_class, chosen_cb);
  gtk_widget_class_bind_template_callback (widget_class, settle_cb);
}

static void
ct_sync_status_init (CtSyncStatus *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  tell_every (self, TELL_REST_MS);
}

/* Shows this workspace from now on. */
void
ct_sync_status_set_workspace (CtSyncStatus *self, CtWorkspace *workspace)
{
  leave_workspace (self);
  self->workspace = g_object_ref (workspace);
  self->cancellable = g_cancellable_new ();
  g_signal_connect (ct_workspace_get_store (workspace), "changed", G_CALLBACK (store_changed_cb), self);
  refresh (self);
}
