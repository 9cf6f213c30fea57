#include "ct-record-picker.h"
#include "ct-format.h"

#include <string.h>

#define CT_TYPE_RECORD_PICKER (ct_record_picker_get_type ())
G_DECLARE_FINAL_TYPE (CtRecordPicker, ct_record_picker, CT, RECORD_PICKER, AdwActionRow)

struct _CtRecordPicker {
  AdwActionRow parent_instance;
  CtWorkspace *workspace; /* (owned) */
  const char *table;
  char *id; /* (owned): "" for none */
  GtkMenuButton *button;
  GtkSearchEntry *search;
  GtkListBox *found;
  GCancellable *searching; /* (owned) (nullable) */
};

G_DEFINE_FINAL_TYPE (CtRecordPicker, ct_record_picker, ADW_TYPE_ACTION_ROW)

/* How the records of a table are found: id, and what people read; ?1 is the text as a LIKE pattern. */
static const struct {
  const char *table, *sql;
} searches[] = {
  { "distributors",
    "SELECT uuid_text(id), number || ' · ' || legal_name FROM distributors WHERE archived_at IS "
    "NULL AND (number LIKE ?1 ESCAPE '\\' OR legal_name LIKE ?1 ESCAPE '\\') ORDER BY "
    "legal_name LIMIT 12" },
  { "orders", "SELECT uuid_text(id), number FROM orders WHERE archived_at IS NULL AND number LIKE ?1 ESCAPE "
              "'\\' ORDER BY n DESC LIMIT 12" },
};

typedef struct {
  CtRecordPicker *picker; /* (owned) */
  char *pattern;          /* (owned) */
  const char *sql;
  GPtrArray *found; /* (owned) (element-type utf8): id, label, id, label … */
} Job;

static void
job_free (gpointer data)
{
  Job *job = data;

  g_object_unref (job->picker);
  g_ptr_array_unref (job->found);
  g_free (job->pattern);
  g_free (job);
}

static gboolean
search_cb (CtDb *db, gpointer data, GError **error)
{
  Job *job = data;
  g_autoptr (CtStmt) stmt = ct_db_query (db, error, job->sql, "s", job->pattern);

  if (!stmt)
    return FALSE;
  while (ct_stmt_next (stmt)) {
    g_ptr_array_add (job->found, g_strdup (ct_stmt_text (stmt, 0)));
    g_ptr_array_add (job->found, g_strdup (ct_stmt_text (stmt, 1)));
  }
  return ct_stmt_finish (stmt, error);
}

static void
found_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GCancellable) cancellable = data;
  Job *job = ct_store_job_data (result);
  g_autoptr (GError) error = NULL;
  gboolean ok = ct_store_job_finish (CT_STORE (source), result, &error);
  GtkWidget *child;

  if (g_cancellable_is_cancelled (cancellable))
    return;
  while ((child = gtk_widget_get_first_child (GTK_WIDGET (job->picker->found))) &&
         GTK_IS_LIST_BOX_ROW (child))
    gtk_list_box_remove (job->picker->found, child);
  for (guint i = 0; ok && i < job->found->len; i += 2) {
    GtkWidget *label = gtk_label_new (job->found->pdata[i + 1]), *row = gtk_list_box_row_new ();

    gtk_label_set_xalign (GTK_LABEL (label), 0);
    gtk_label_set_ellipsize (GTK_LABEL (label), PANGO_ELLIPSIZE_END);
    gtk_widget_set_margin_top (label, 6);
    gtk_widget_set_margin_bottom (label, 6);
    gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (row), label);
    g_object_set_data_full (G_OBJECT (row), "id", g_strdup (job->found->pdata[i]), g_free);
    gtk_list_box_append (job->picker->found, row);
  }
}

static void
search (CtRecordPicker *self)
{
  Job *job = g_new0 (Job, 1);

  if (self->searching)
    g_cancellable_cancel (self->searching);
  g_clear_object (&self->searching);
  self->searching = g_cancellable_new ();
  job->picker = g_object_ref (self);
  job->found = g_ptr_array_new_with_free_func (g_free);
  job->pattern = ct_format_like (gtk_editable_get_text (GTK_EDITABLE (self->search)));
  for (guint i = 0; i < G_N_ELEMENTS (searches); i++)
    if (strcmp (searches[i].table, self->table) == 0)
      job->sql = searches[i].sql;
  ct_store_read_async (ct_workspace_get_store (self->workspace), search_cb, job, job_free, self->searching,
                       found_cb, g_object_ref (self->searching));
}

static void
search_changed_cb (GtkSearchEntry *entry, CtRecordPicker *self)
{
  search (self);
}

static void
popover_shown_cb (GtkPopover *popover, CtRecordPicker *self)
{
  search (self);
  gtk_widget_grab_focus (GTK_WIDGET (self->search));
}

static void
chosen_cb (GtkListBox *box, GtkListBoxRow *row, CtRecordPicker *self)
{
  ct_record_picker_set (GTK_WIDGET (self), g_object_get_data (G_OBJECT (row), "id"),
                        gtk_label_get_text (GTK_LABEL (gtk_list_box_row_get_child (row))));
  gtk_menu_button_popdown (self->button);
}

/* Enter takes the first that is found. */
static void
search_activated_cb (GtkSearchEntry *entry, CtRecordPicker *self)
{
  GtkListBoxRow *row = gtk_list_box_get_row_at_index (self->found, 0);

  if (row)
    chosen_cb (self->found, row, self);
}

static void
ct_record_picker_dispose (GObject *object)
{
  CtRecordPicker *self = CT_RECORD_PICKER (object);

  if (self->searching)
    g_cancellable_cancel (self->searching);
  g_clear_object (&self->searching);
  g_clear_object (&self->workspace);
  G_OBJECT_CLASS (ct_record_picker_parent_class)->dispose (object);
}

static void
ct_record_picker_finalize (GObject *object)
{
  g_free (CT_RECORD_PICKER (object)->id);
  G_OBJECT_CLASS (ct_record_picker_parent_class)->finalize (object);
}

static void
ct_record_picker_class_init (CtRecordPickerClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = ct_record_picker_dispose;
  G_OBJECT_CLASS (klass)->finalize = ct_record_picker_finalize;
}

static void
ct_record_picker_init (CtRecordPicker *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6), *popover = gtk_popover_new ();

  self->id = g_strdup ("");
  self->search = GTK_SEARCH_ENTRY (gtk_search_entry_new ());
  self->found = GTK_LIST_BOX (gtk_list_box_new ());
  self->button = GTK_MENU_BUTTON (gtk_menu_button_new ());
  gtk_widget_set_size_request (box, 320, -1);
  gtk_box_append (GTK_BOX (box), GTK_WIDGET (self->search));
  gtk_box_append (GTK_BOX (box), GTK_WIDGET (self->found));
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->search), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Number or name"), -1);
  gtk_popover_set_child (GTK_POPOVER (popover), box);
  gtk_menu_button_set_label (self->button, _ ("Choose…"));
  gtk_menu_button_set_popover (self->button, popover);
  gtk_widget_set_valign (GTK_WIDGET (self->button), GTK_ALIGN_CENTER);
  adw_action_row_add_suffix (ADW_ACTION_ROW (self), GTK_WIDGET (self->button));
  adw_action_row_set_activatable_widget (ADW_ACTION_ROW (self), GTK_WIDGET (self->button));
  adw_action_row_set_subtitle (ADW_ACTION_ROW (self), _ ("None chosen"));
  g_signal_connect (self->search, "search-changed", G_CALLBACK (search_changed_cb), self);
  g_signal_connect (self->search, "activate", G_CALLBACK (search_activated_cb), self);
  g_signal_connect (self->found, "row-activated", G_CALLBACK (chosen_cb), self);
  g_signal_connect (popover, "show", G_CALLBACK (popover_shown_cb), self);
}

/* @table lives as long as the program. */
GtkWidget *
ct_record_picker_new (CtWorkspace *workspace, const char *table)
{
  CtRecordPicker *self = g_object_new (CT_TYPE_RECORD_PICKER, NULL);

  self->workspace = g_object_ref (workspace);
  self->table = table;
  return GTK_WIDGET (self);
}

void
ct_record_picker_set (GtkWidget *row, const char *id, const char *label)
{
  CtRecordPicker *self = CT_RECORD_PICKER (row);
  g_autofree char *escaped = g_markup_escape_text (label, -1);

  g_free (self->id);
  self->id = g_strdup (id);
  adw_action_row_set_subtitle (ADW_ACTION_ROW (self), *id ? escaped : _ ("None chosen"));
}

/* The UUID chosen, or "". */
const char *
ct_record_picker_get_id (GtkWidget *row)
{
  return CT_RECORD_PICKER (row)->id;
}
