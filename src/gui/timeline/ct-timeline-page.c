#include "ct-timeline-page.h"
#include "ct-timeline-detail.h"
#include "ct-timeline-list.h"
#include "list/ct-list-view.h"

struct _CtTimelinePage {
  CtPage parent_instance;
  AdwFlap *flap;
  CtListView *list;
  CtDetail *detail;
  GCancellable *reading; /* (owned): of the record in the pane */
  guint refill_source;
};

G_DEFINE_FINAL_TYPE (CtTimelinePage, ct_timeline_page, CT_TYPE_PAGE)

/* Fills the pane with the current row, or puts it away. */
static void
fill (CtTimelinePage *self)
{
  gint64 n = ct_list_view_get_current (self->list);

  g_cancellable_cancel (self->reading);
  g_object_unref (self->reading);
  self->reading = g_cancellable_new ();
  adw_flap_set_reveal_flap (self->flap, n >= 0);
  if (n >= 0)
    ct_timeline_detail_show (self->detail, ct_page_get_workspace (CT_PAGE (self)), n, self->reading);
}

static void
current_cb (CtListView *list, CtTimelinePage *self)
{
  fill (self);
}

static void
close_cb (CtDetail *detail, CtTimelinePage *self)
{
  ct_list_view_set_current (self->list, -1);
}

static void
verify_cb (GtkButton *button, CtTimelinePage *self)
{
  ct_timeline_page_actions[0].run (CT_PAGE (self), NULL);
}

static void
export_cb (GtkButton *button, CtTimelinePage *self)
{
  ct_timeline_page_actions[1].run (CT_PAGE (self), NULL);
}

static gboolean
refill_cb (gpointer data)
{
  CtTimelinePage *self = data;

  self->refill_source = 0;
  if (ct_page_is_shown (CT_PAGE (self)))
    fill (self);
  return G_SOURCE_REMOVE;
}

/* The pane follows the data, a breath behind it. */
static void
changed_cb (CtStore *store, const char *const *tables, CtTimelinePage *self)
{
  if (!self->refill_source && ct_list_view_get_current (self->list) >= 0)
    self->refill_source = g_timeout_add (250, refill_cb, self);
}

static void
ct_timeline_page_workspace_set (CtPage *page)
{
  CtTimelinePage *self = CT_TIMELINE_PAGE (page);
  CtStore *store = ct_workspace_get_store (ct_page_get_workspace (page));

  ct_list_view_bind (self->list, page, &ct_timeline_list, ct_timeline_page_actions);
  g_signal_connect_object (store, "changed", G_CALLBACK (changed_cb), self, 0);
}

static void
ct_timeline_page_shown (CtPage *page, gboolean shown)
{
  CtTimelinePage *self = CT_TIMELINE_PAGE (page);

  ct_list_view_set_shown (self->list, shown);
  if (shown && ct_list_view_get_current (self->list) >= 0)
    fill (self);
}

static void
ct_timeline_page_search (CtPage *page)
{
  ct_list_view_search (CT_TIMELINE_PAGE (page)->list);
}

static gboolean
ct_timeline_page_key (CtPage *page, guint key, GdkModifierType state)
{
  return ct_list_view_key (CT_TIMELINE_PAGE (page)->list, key, state);
}

static void
ct_timeline_page_show_view (CtPage *page, JsonObject *view)
{
  ct_list_view_set_view (CT_TIMELINE_PAGE (page)->list, view);
}

typedef struct {
  CtTimelinePage *page; /* (owned) */
  CtId id;
  gint64 n;
} FindJob;

static void
find_job_free (gpointer data)
{
  FindJob *job = data;

  g_object_unref (job->page);
  g_free (job);
}

/* The last event of a record, or the event itself. */
static gboolean
find_cb (CtDb *db, gpointer data, GError **error)
{
  FindJob *job = data;

  return ct_db_read_int (
      db, &job->n, error,
      "SELECT coalesce((SELECT n FROM audit_logs WHERE ev_id = ?1), (SELECT max(n) FROM audit_logs "
      "WHERE object_id = ?1))",
      "k", &job->id);
}

static void
found_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  FindJob *job = ct_store_job_data (result);
  g_autoptr (GError) error = NULL;

  if (ct_store_job_finish (CT_STORE (source), result, &error))
    ct_list_view_set_current (job->page->list, job->n);
  else
    ct_page_problem (job->page, _ ("The event cannot be shown"), error);
}

static void
ct_timeline_page_show_record (CtPage *page, const CtId *id)
{
  FindJob *job = g_new0 (FindJob, 1);

  job->page = g_object_ref (CT_TIMELINE_PAGE (page));
  job->id = *id;
  ct_store_read_async (ct_workspace_get_store (ct_page_get_workspace (page)), find_cb, job, find_job_free,
                       NULL, found_cb, NULL);
}

static void
ct_timeline_page_dispose (GObject *object)
{
  CtTimelinePage *self = CT_TIMELINE_PAGE (object);

  g_cancellable_cancel (self->reading);
  g_clear_handle_id (&self->refill_source, g_source_remove);
  G_OBJECT_CLASS (ct_timeline_page_parent_class)->dispose (object);
}

static void
ct_timeline_page_finalize (GObject *object)
{
  g_clear_object (&CT_TIMELINE_PAGE (object)->reading);
  G_OBJECT_CLASS (ct_timeline_page_parent_class)->finalize (object);
}

static void
ct_timeline_page_class_init (CtTimelinePageClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  CtPageClass *page_class = CT_PAGE_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = ct_timeline_page_dispose;
  G_OBJECT_CLASS (klass)->finalize = ct_timeline_page_finalize;
  page_class->workspace_set = ct_timeline_page_workspace_set;
  page_class->shown = ct_timeline_page_shown;
  page_class->search = ct_timeline_page_search;
  page_class->key = ct_timeline_page_key;
  page_class->show_view = ct_timeline_page_show_view;
  page_class->show_record = ct_timeline_page_show_record;
  g_type_ensure (CT_TYPE_LIST_VIEW);
  g_type_ensure (CT_TYPE_DETAIL);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/controltower/ControlTower/ct-timeline-page.ui");
  gtk_widget_class_bind_template_child (widget_class, CtTimelinePage, flap);
  gtk_widget_class_bind_template_child (widget_class, CtTimelinePage, list);
  gtk_widget_class_bind_template_child (widget_class, CtTimelinePage, detail);
  gtk_widget_class_bind_template_callback (widget_class, current_cb);
  gtk_widget_class_bind_template_callback (widget_class, close_cb);
  gtk_widget_class_bind_template_callback (widget_class, verify_cb);
  gtk_widget_class_bind_template_callback (widget_class, export_cb);
}

static void
ct_timeline_page_init (CtTimelinePage *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  self->reading = g_cancellable_new ();
}
