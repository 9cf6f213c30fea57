#include "ct-attention-form.h"
#include "ct-problem-row.h"
#include "ct-workspace-attention.h"
#include "records/ct-record-labels.h"

#define CT_TYPE_ATTENTION_FORM (ct_attention_form_get_type ())
G_DECLARE_FINAL_TYPE (CtAttentionForm, ct_attention_form, CT, ATTENTION_FORM, AdwWindow)

typedef struct {
  const char *name; /* (unowned): in the item */
  GtkWidget *row, *problem;
} Entry;

struct _CtAttentionForm {
  AdwWindow parent_instance;
  CtListPage *page; /* (owned) */
  gint64 seq;
  JsonObject *item; /* (owned) */
  GArray *entries;  /* (owned) (element-type Entry) */
  GtkWidget *save;
  AdwPreferencesPage *fields;
  gboolean saving;
};

G_DEFINE_FINAL_TYPE (CtAttentionForm, ct_attention_form, ADW_TYPE_WINDOW)

/* --- saving --------------------------------------------------------------------------------------------------- */

/* Takes all over; the first wrong one gets the keyboard. */
static gboolean
collect (CtAttentionForm *self)
{
  GtkWidget *first = NULL;

  for (guint i = 0; i < self->entries->len; i++) {
    Entry *entry = &g_array_index (self->entries, Entry, i);
    g_autoptr (GError) problem = NULL;

    ct_attention_edit (self->item, entry->name, gtk_editable_get_text (GTK_EDITABLE (entry->row)), &problem);
    ct_problem_row_say (entry->problem, entry->row, problem ? problem->message : NULL);
    if (problem && !first)
      first = entry->row;
  }
  if (first)
    gtk_widget_grab_focus (first);
  return !first;
}

static void
saved_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (CtAttentionForm) self = data;
  g_autoptr (GError) error = NULL;

  self->saving = FALSE;
  ct_workspace_settle_finish (CT_WORKSPACE (source), result, &error);
  if (error) {
    gtk_widget_set_sensitive (self->save, TRUE);
    ct_page_problem (gtk_widget_get_mapped (GTK_WIDGET (self)) ? (gpointer) self : (gpointer) self->page,
                     _ ("This cannot be saved"), error);
    return;
  }
  ct_page_toast (self->page, TRUE, _ ("It counts as you edited it"));
  ct_list_page_done (self->page);
  gtk_window_close (GTK_WINDOW (self));
}

static void
save_action (GtkWidget *widget, const char *name, GVariant *value)
{
  CtAttentionForm *self = CT_ATTENTION_FORM (widget);
  g_autoptr (GArray) seqs = g_array_new (FALSE, FALSE, sizeof (gint64));

  if (self->saving || !collect (self))
    return;
  self->saving = TRUE;
  gtk_widget_set_sensitive (self->save, FALSE);
  g_array_append_val (seqs, self->seq);
  ct_workspace_settle_async (ct_page_get_workspace (CT_PAGE (self->page)), seqs, "edit",
                             ct_json_object (self->item, "args"), saved_cb, g_object_ref (self));
}

static void
activated_cb (AdwEntryRow *row, CtAttentionForm *self)
{
  gtk_widget_activate_action (GTK_WIDGET (self), "form.save", NULL);
}

/* --- entries -------------------------------------------------------------------------------------------------- */

/* (nullable): what the server has where the command gave this value */
static const char *
theirs_of (CtAttentionForm *self, const char *name)
{
  JsonArray *columns = ct_json_array (self->item, "columns");

  for (guint i = 0; i < json_array_get_length (columns); i++) {
    JsonObject *column = json_array_get_object_element (columns, i);

    if (g_strcmp0 (ct_json_string (column, "column", NULL), name) == 0)
      return ct_json_string (column, "theirsText", NULL);
  }
  return NULL;
}

static void
add_entry (CtAttentionForm *self, GtkWidget *group, JsonObject *field)
{
  Entry entry = { ct_json_string (field, "name", ""), adw_entry_row_new (), ct_problem_row_new () };
  const char *label = ct_record_label (ct_json_string (field, "label", "")),
             *theirs = theirs_of (self, entry.name);
  g_autofree char *title = theirs ? g_strdup_printf (_ ("%s; theirs: %s"), label, theirs) : g_strdup (label);

  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (entry.row), FALSE);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (entry.row), title);
  gtk_editable_set_text (GTK_EDITABLE (entry.row), ct_json_string (field, "value", ""));
  g_signal_connect (entry.row, "entry-activated", G_CALLBACK (activated_cb), self);
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (group), entry.row);
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (group), entry.problem);
  g_array_append_val (self->entries, entry);
}

static void
fill (CtAttentionForm *self)
{
  JsonArray *fields = ct_json_array (self->item, "fields");
  GtkWidget *group = adw_preferences_group_new ();
  g_autofree char *title = g_strdup_printf ("%s: %s", ct_json_string (self->item, "object", ""),
                                            ct_json_string (self->item, "summary", ""));

  gtk_window_set_title (GTK_WINDOW (self), title);
  adw_preferences_group_set_description (ADW_PREFERENCES_GROUP (group),
                                         _ ("What you save here is given anew, on the state as it now is."));
  for (guint i = 0; i < json_array_get_length (fields); i++)
    add_entry (self, group, json_array_get_object_element (fields, i));
  adw_preferences_page_add (self->fields, ADW_PREFERENCES_GROUP (group));
}

/* --- window --------------------------------------------------------------------------------------------------- */

static void
ct_attention_form_finalize (GObject *object)
{
  CtAttentionForm *self = CT_ATTENTION_FORM (object);

  g_clear_object (&self->page);
  g_clear_pointer (&self->item, json_object_unref);
  g_array_unref (self->entries);
  G_OBJECT_CLASS (ct_attention_form_parent_class)->finalize (object);
}

static void
ct_attention_form_class_init (CtAttentionFormClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = ct_attention_form_finalize;
  gtk_widget_class_install_action (widget_class, "form.save", NULL, save_action);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_s, GDK_CONTROL_MASK, "form.save", NULL);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Escape, 0, "window.close", NULL);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/controltower/ControlTower/ct-attention-form.ui");
  gtk_widget_class_bind_template_child (widget_class, CtAttentionForm, save);
  gtk_widget_class_bind_template_child (widget_class, CtAttentionForm, fields);
}

static void
ct_attention_form_init (CtAttentionForm *self)
{
  self->entries = g_array_new (FALSE, FALSE, sizeof (Entry));
  gtk_widget_init_template (GTK_WIDGET (self));
}

typedef struct {
  CtListPage *page; /* (owned) */
  gint64 seq;
  JsonObject *item; /* (owned) (nullable) */
} ReadJob;

static void
read_job_free (gpointer data)
{
  ReadJob *job = data;

  g_object_unref (job->page);
  g_clear_pointer (&job->item, json_object_unref);
  g_free (job);
}

static gboolean
read_cb (CtDb *db, gpointer data, GError **error)
{
  ReadJob *job = data;

  job->item = ct_attention_describe (
      db, job->seq, ct_workspace_get_zone (ct_page_get_workspace (CT_PAGE (job->page))), error);
  return job->item != NULL;
}

/* What was signed is not edited: its person looks at it as it is now and decides. */
static void
decide_anew (ReadJob *job)
{
  const char *id = ct_json_string (job->item, "objectId", NULL);

  if (id)
    gtk_widget_activate_action (GTK_WIDGET (job->page), "win.record", "(ss)",
                                ct_json_string (job->item, "objectType", ""), id);
  ct_page_toast (job->page, FALSE,
                 _ ("An approval is signed for the message as you saw it: decide on it anew"));
}

static void
read_done_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  ReadJob *job = ct_store_job_data (result);
  g_autoptr (GError) error = NULL;
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (job->page));
  CtAttentionForm *self;

  if (!ct_store_job_finish (CT_STORE (source), result, &error)) {
    ct_page_problem (job->page, _ ("This change cannot be shown"), error);
    return;
  }
  if (!root)
    return;
  if (ct_json_bool (job->item, "signed", FALSE)) {
    decide_anew (job);
    return;
  }
  if (json_array_get_length (ct_json_array (job->item, "fields")) == 0) {
    ct_page_toast (job->page, FALSE, _ ("There is no value in it to edit: use yours, or keep theirs"));
    return;
  }
  self = g_object_new (CT_TYPE_ATTENTION_FORM, "transient-for", root, NULL);
  self->page = g_object_ref (job->page);
  self->seq = job->seq;
  self->item = g_steal_pointer (&job->item);
  fill (self);
  gtk_window_present (GTK_WINDOW (self));
  gtk_widget_grab_focus (g_array_index (self->entries, Entry, 0).row);
}

void
ct_attention_form_open (CtListPage *page, gint64 seq)
{
  ReadJob *job = g_new0 (ReadJob, 1);

  job->page = g_object_ref (page);
  job->seq = seq;
  ct_store_read_async (ct_workspace_get_store (ct_page_get_workspace (CT_PAGE (page))), read_cb, job,
                       read_job_free, NULL, read_done_cb, NULL);
}
