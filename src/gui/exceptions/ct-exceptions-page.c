#include "ct-exceptions-page.h"
#include "ct-exception-detail.h"
#include "ct-exceptions-list.h"
#include "list/ct-list-view.h"

struct _CtExceptionsPage {
  CtPage parent_instance;
  AdwFlap *flap;
  CtListView *list;
  CtDetail *detail;
  GCancellable *reading; /* (owned): of the record in the pane */
  guint refill_source;
};

G_DEFINE_FINAL_TYPE (CtExceptionsPage, ct_exceptions_page, CT_TYPE_PAGE)

/* Fills the pane with the current row, or puts it away. */
static void
fill (CtExceptionsPage *self)
{
  gint64 n = ct_list_view_get_current (self->list);

  g_cancellable_cancel (self->reading);
  g_object_unref (self->reading);
  self->reading = g_cancellable_new ();
  adw_flap_set_reveal_flap (self->flap, n >= 0);
  gtk_widget_set_visible (GTK_WIDGET (self->detail), n >= 0);
  if (n >= 0)
    ct_exception_detail_show (self->detail, ct_page_get_workspace (CT_PAGE (self)), n, self->reading);
}

static void
current_cb (CtListView *list, CtExceptionsPage *self)
{
  fill (self);
}

static void
close_cb (CtDetail *detail, CtExceptionsPage *self)
{
  ct_list_view_set_current (self->list, -1);
}

static gboolean
refill_cb (gpointer data)
{
  CtExceptionsPage *self = data;

  self->refill_source = 0;
  if (ct_page_is_shown (CT_PAGE (self)))
    fill (self);
  return G_SOURCE_REMOVE;
}

/* The pane follows the data, a breath behind it. */
static void
changed_cb (CtStore *store, const char *const *tables, CtExceptionsPage *self)
{
  if (!self->refill_source && ct_list_view_get_current (self->list) >= 0)
    self->refill_source = g_timeout_add (250, refill_cb, self);
}

static void
ct_exceptions_page_workspace_set (CtPage *page)
{
  CtExceptionsPage *self = CT_EXCEPTIONS_PAGE (page);
  CtStore *store = ct_workspace_get_store (ct_page_get_workspace (page));

  ct_list_view_bind (self->list, page, &ct_exceptions_list, ct_exceptions_page_actions);
  ct_detail_set_actions (self->detail, ct_list_view_make_actions (self->list));
  g_signal_connect_object (store, "changed", G_CALLBACK (changed_cb), self, 0);
}

static void
ct_exceptions_page_shown (CtPage *page, gboolean shown)
{
  CtExceptionsPage *self = CT_EXCEPTIONS_PAGE (page);

  ct_list_view_set_shown (self->list, shown);
  if (shown && ct_list_view_get_current (self->list) >= 0)
    fill (self);
}

static void
ct_exceptions_page_search (CtPage *page)
{
  ct_list_view_search (CT_EXCEPTIONS_PAGE (page)->list);
}

static gboolean
ct_exceptions_page_key (CtPage *page, guint key, GdkModifierType state)
{
  return ct_list_view_key (CT_EXCEPTIONS_PAGE (page)->list, key, state);
}

static void
ct_exceptions_page_show_view (CtPage *page, JsonObject *view)
{
  ct_list_view_set_view (CT_EXCEPTIONS_PAGE (page)->list, view);
}

typedef struct {
  CtExceptionsPage *page; /* (owned) */
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

/* The exception itself, or the one of a task. */
static gboolean
find_cb (CtDb *db, gpointer data, GError **error)
{
  FindJob *job = data;

  return ct_db_read_int (
      db, &job->n, error,
      "SELECT n FROM exceptions WHERE id = ?1 OR id = (SELECT exception_id FROM follow_up_tasks "
      "WHERE id = ?1)",
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
    ct_page_problem (job->page, _ ("The exception cannot be shown"), error);
}

static void
ct_exceptions_page_show_record (CtPage *page, const CtId *id)
{
  FindJob *job = g_new0 (FindJob, 1);

  job->page = g_object_ref (CT_EXCEPTIONS_PAGE (page));
  job->id = *id;
  ct_store_read_async (ct_workspace_get_store (ct_page_get_workspace (page)), find_cb, job, find_job_free,
                       NULL, found_cb, NULL);
}

static void
ct_exceptions_page_dispose (GObject *object)
{
  CtExceptionsPage *self = CT_EXCEPTIONS_PAGE (object);

  g_cancellable_cancel (self->reading);
  g_clear_handle_id (&self->refill_source, g_source_remove);
  G_OBJECT_CLASS (ct_exceptions_page_parent_class)->dispose (object);
}

static void
ct_exceptions_page_finalize (GObject *object)
{
  g_clear_object (&CT_EXCEPTIONS_PAGE (object)->reading);
  G_OBJECT_CLASS (ct_exceptions_page_parent_class)->finalize (object);
}

static void
ct_exceptions_page_class_init (CtExceptionsPageClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  CtPageClass *page_class = CT_PAGE_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = ct_exceptions_page_dispose;
  G_OBJECT_CLASS (klass)->finalize = ct_exceptions_page_finalize;
  page_class->workspace_set = ct_exceptions_page_workspace_set;
  page_class->shown = ct_exceptions_page_shown;
  page_class->search = ct_exceptions_page_search;
  page_class->key = ct_exceptions_page_key;
  page_class->show_view = ct_exceptions_page_show_view;
  page_class->show_record = ct_exceptions_page_show_record;
  g_type_ensure (CT_TYPE_LIST_VIEW);
  g_type_ensure (CT_TYPE_DETAIL);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/controltower/ControlTower/ct-exceptions-page.ui");
  gtk_widget_class_bind_template_child (widget_class, CtExceptionsPage, flap);
  gtk_widget_class_bind_template_child (widget_class, CtExceptionsPage, list);
  gtk_widget_class_bind_template_child (widget_class, CtExceptionsPage, detail);
  gtk_widget_class_bind_template_callback (widget_class, current_cb);
  gtk_widget_class_bind_template_callback (widget_class, close_cb);
}

static void
ct_exceptions_page_init (CtExceptionsPage *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  self->reading = g_cancellable_new ();
}

/* An action on the marked rows is done. */
void
ct_exceptions_page_done (CtExceptionsPage *self)
{
  ct_list_view_clear_marks (self->list);
}
