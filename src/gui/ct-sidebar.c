#include "ct-sidebar.h"
#include "ct-format.h"

/* Counts follow the data, but not every commit of an import. */
#define COUNT_PAUSE_MS 400

typedef struct {
  const CtPageDef *def;
  GtkListBoxRow *row; /* (unowned) */
  GtkLabel *count;    /* (unowned) */
  gint64 shown;       /* -1: not known */
} Entry;

struct _CtSidebar {
  GtkWidget parent_instance;
  GtkWidget *root;
  GtkListBox *list;
  GPtrArray *entries;     /* (owned) (element-type Entry) */
  CtWorkspace *workspace; /* (owned) (nullable) */
  GCancellable *cancellable;
  guint count_source;
  gboolean counting, again, showing;
};

enum { SIGNAL_GO, N_SIGNALS };
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (CtSidebar, ct_sidebar, GTK_TYPE_WIDGET)

static void schedule_count (CtSidebar *self);

typedef struct {
  CtSidebar *sidebar;        /* (owned) */
  GCancellable *cancellable; /* (owned): of the workspace it counts in */
  char *actor;               /* (owned) */
  GArray *counts;            /* (owned) (element-type gint64): in the order of the pages; -1 for none */
} CountJob;

static void
count_job_free (gpointer data)
{
  CountJob *job = data;

  g_object_unref (job->sidebar);
  g_object_unref (job->cancellable);
  g_free (job->actor);
  g_array_unref (job->counts);
  g_free (job);
}

static gboolean
count_job_run (CtDb *db, gpointer data, GError **error)
{
  CountJob *job = data;

  for (const CtPageDef *def = ct_pages; def->name; def++) {
    gint64 count = -1;

    if (def->count &&
        !ct_db_read_int (db, &count, error, def->count, strstr (def->count, "?1") ? "s" : "", job->actor))
      return FALSE;
    g_array_append_val (job->counts, count);
  }
  return TRUE;
}

static void
show_count (Entry *entry, gint64 count)
{
  g_autofree char *text = count > 0 ? ct_format_count (count) : g_strdup ("");

  if (entry->shown == count)
    return;
  entry->shown = count;
  gtk_label_set_text (entry->count, text);
  gtk_widget_set_visible (GTK_WIDGET (entry->count), count > 0);
}

static void
counted_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  CountJob *job = ct_store_job_data (result);
  CtSidebar *self = job->sidebar;
  g_autoptr (GError) error = NULL;

  if (g_cancellable_is_cancelled (job->cancellable))
    return;
  self->counting = FALSE;
  if (!ct_store_job_finish (CT_STORE (source), result, &error))
    g_warning ("counting for the sidebar: %s", error->message);
  else
    for (guint i = 0; i < self->entries->len; i++)
      show_count (self->entries->pdata[i], g_array_index (job->counts, gint64, i));
  if (self->again)
    schedule_count (self);
}

static gboolean
count_cb (gpointer data)
{
  CtSidebar *self = data;
  CountJob *job = g_new0 (CountJob, 1);

  self->count_source = 0;
  self->counting = TRUE;
  self->again = FALSE;
  job->sidebar = g_object_ref (self);
  job->cancellable = g_object_ref (self->cancellable);
  job->actor = g_strdup (ct_workspace_get_actor (self->workspace));
  job->counts = g_array_new (FALSE, FALSE, sizeof (gint64));
  ct_store_read_async (ct_workspace_get_store (self->workspace), count_job_run, job, count_job_free,
                       self->cancellable, counted_cb, NULL);
  return G_SOURCE_REMOVE;
}

static void
schedule_count (CtSidebar *self)
{
  self->again = TRUE;
  if (!self->counting && !self->count_source)
    self->count_source = g_timeout_add (COUNT_PAUSE_MS, count_cb, self);
}

static void
store_changed_cb (CtStore *store, const char *const *tables, CtSidebar *self)
{
  for (const CtPageDef *def = ct_pages; def->name; def++) {
    g_auto (GStrv) concerned = g_strsplit (def->tables ? def->tables : "", " ", -1);

    for (guint i = 0; def->count && concerned[i]; i++)
      if (!tables || g_strv_contains (tables, concerned[i])) {
        schedule_count (self);
        return;
      }
  }
}

static void
row_selected_cb (GtkListBox *list, GtkListBoxRow *row, CtSidebar *self)
{
  if (!row || self->showing)
    return;
  g_signal_emit (self, signals[SIGNAL_GO], 0,
                 ((Entry *) self->entries->pdata[gtk_list_box_row_get_index (row)])->def->name);
}

static void
add_entry (CtSidebar *self, const CtPageDef *def)
{
  Entry *entry = g_new0 (Entry, 1);
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);
  GtkWidget *title = gtk_label_new (_ (def->title));

  entry->def = def;
  entry->shown = -1;
  entry->count = GTK_LABEL (gtk_label_new (NULL));
  entry->row = GTK_LIST_BOX_ROW (gtk_list_box_row_new ());
  gtk_label_set_xalign (GTK_LABEL (title), 0);
  gtk_widget_set_hexpand (title, TRUE);
  gtk_widget_set_valign (GTK_WIDGET (entry->count), GTK_ALIGN_CENTER);
  gtk_widget_add_css_class (GTK_WIDGET (entry->count), "numeric");
  gtk_widget_add_css_class (GTK_WIDGET (entry->count), def->connected ? "ct-badge" : "dim-label");
  gtk_widget_set_visible (GTK_WIDGET (entry->count), FALSE);
  gtk_box_append (GTK_BOX (box), gtk_image_new_from_icon_name (def->icon));
  gtk_box_append (GTK_BOX (box), title);
  gtk_box_append (GTK_BOX (box), GTK_WIDGET (entry->count));
  gtk_list_box_row_set_child (entry->row, box);
  gtk_accessible_update_property (GTK_ACCESSIBLE (entry->row), GTK_ACCESSIBLE_PROPERTY_LABEL, _ (def->title),
                                  -1);
  gtk_list_box_append (self->list, GTK_WIDGET (entry->row));
  g_ptr_array_add (self->entries, entry);
}

static void
leave_workspace (CtSidebar *self)
{
  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_handle_id (&self->count_source, g_source_remove);
  if (self->workspace)
    g_signal_handlers_disconnect_by_data (ct_workspace_get_store (self->workspace), self);
  g_clear_object (&self->workspace);
  self->counting = FALSE;
}

static void
ct_sidebar_dispose (GObject *object)
{
  CtSidebar *self = CT_SIDEBAR (object);

  leave_workspace (self);
  gtk_widget_dispose_template (GTK_WIDGET (self), CT_TYPE_SIDEBAR);
  G_OBJECT_CLASS (ct_sidebar_parent_class)->dispose (object);
}

static void
ct_sidebar_finalize (GObject *object)
{
  CtSidebar *self = CT_SIDEBAR (object);

  g_clear_pointer (&self->entries, g_ptr_array_unref);
  G_OBJECT_CLASS (ct_sidebar_parent_class)->finalize (object);
}

static void
ct_sidebar_class_init (CtSidebarClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = ct_sidebar_dispose;
  G_OBJECT_CLASS (klass)->finalize = ct_sidebar_finalize;
  signals[SIGNAL_GO] = g_signal_new ("go", CT_TYPE_SIDEBAR, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                     G_TYPE_NONE, 1, G_TYPE_STRING);
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
  gtk_widget_class_set_template_from_resource (widget_class, "/org/controltower/ControlTower/ct-sidebar.ui");
  gtk_widget_class_bind_template_child (widget_class, CtSidebar, root);
  gtk_widget_class_bind_template_child (widget_class, CtSidebar, list);
  gtk_widget_class_bind_template_callback (widget_class, row_selected_cb);
}

static void
ct_sidebar_init (CtSidebar *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  self->entries = g_ptr_array_new_with_free_func (g_free);
  for (const CtPageDef *def = ct_pages; def->name; def++)
    add_entry (self, def);
}

/* Begins to count, in this workspace from now on. */
void
ct_sidebar_set_workspace (CtSidebar *self, CtWorkspace *workspace)
{
  leave_workspace (self);
  self->cancellable = g_cancellable_new ();
  self->workspace = g_object_ref (workspace);
  g_signal_connect (ct_workspace_get_store (workspace), "changed", G_CALLBACK (store_changed_cb), self);
  for (guint i = 0; i < self->entries->len; i++) {
    Entry *entry = self->entries->pdata[i];

    gtk_widget_set_visible (GTK_WIDGET (entry->row), ct_page_is_there (entry->def, workspace));
  }
  count_cb (self);
}

/* Says which page is in front. */
void
ct_sidebar_show_page (CtSidebar *self, const char *name)
{
  self->showing = TRUE;
  for (guint i = 0; i < self->entries->len; i++) {
    Entry *entry = self->entries->pdata[i];

    if (g_strcmp0 (entry->def->name, name) == 0)
      gtk_list_box_select_row (self->list, entry->row);
  }
  self->showing = FALSE;
}
