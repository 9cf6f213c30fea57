#include "list/ct-list-page.h"
#include "ct-keyboard.h"

typedef struct {
  AdwFlap *flap;
  GtkWidget *tools;
  CtListView *list;
  CtDetail *detail;
  GCancellable *reading; /* (owned): of the record in the pane */
  guint refill_source;
} CtListPagePrivate;

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (CtListPage, ct_list_page, CT_TYPE_PAGE)

/* The width at which list and pane stand beside each other: what the smallest window leaves for them. */
enum { BOTH_WIDTH = 780 };

static CtListPagePrivate *
private_of (gpointer self)
{
  return ct_list_page_get_instance_private (CT_LIST_PAGE (self));
}

static const CtListPageDef *
def_of (gpointer self)
{
  return CT_LIST_PAGE_GET_CLASS (self)->def;
}

/* --- the pane ------------------------------------------------------------------------------------------------- */

/* Fills the pane with the current row, or puts it away. */
static void
fill (CtListPage *self)
{
  CtListPagePrivate *priv = private_of (self);
  gint64 n = ct_list_view_get_current (priv->list);

  if (n < 0)
    ct_keyboard_leave (GTK_WIDGET (priv->detail));
  g_cancellable_cancel (priv->reading);
  g_object_unref (priv->reading);
  priv->reading = g_cancellable_new ();
  adw_flap_set_reveal_flap (priv->flap, n >= 0);
  gtk_widget_set_visible (GTK_WIDGET (priv->detail), n >= 0);
  if (n >= 0)
    CT_LIST_PAGE_GET_CLASS (self)->show_row (self, priv->detail, n, priv->reading);
}

static void
current_cb (CtListView *list, CtListPage *self)
{
  fill (self);
}

static void
close_cb (CtDetail *detail, CtListPage *self)
{
  ct_list_view_set_current (private_of (self)->list, -1);
}

static void
activated_cb (CtListView *list, CtListPage *self)
{
  if (CT_LIST_PAGE_GET_CLASS (self)->activated)
    CT_LIST_PAGE_GET_CLASS (self)->activated (self);
}

static gboolean
refill_cb (gpointer data)
{
  private_of (data)->refill_source = 0;
  if (ct_page_is_shown (CT_PAGE (data)))
    fill (data);
  return G_SOURCE_REMOVE;
}

/* The pane follows the data, a breath behind it. */
static void
changed_cb (CtStore *store, const char *const *tables, CtListPage *self)
{
  CtListPagePrivate *priv = private_of (self);

  if (!priv->refill_source && ct_list_view_get_current (priv->list) >= 0)
    priv->refill_source = g_timeout_add (250, refill_cb, self);
}

/* --- a record brought up -------------------------------------------------------------------------------------- */

typedef struct {
  CtListPage *page; /* (owned) */
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

static gboolean
find_cb (CtDb *db, gpointer data, GError **error)
{
  FindJob *job = data;

  return ct_db_read_int (db, &job->n, error, def_of (job->page)->find, "k", &job->id);
}

static void
found_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  FindJob *job = ct_store_job_data (result);
  g_autoptr (GError) error = NULL;

  if (ct_store_job_finish (CT_STORE (source), result, &error))
    ct_list_view_set_current (private_of (job->page)->list, job->n);
  else
    ct_page_problem (job->page, _ (def_of (job->page)->not_found), error);
}

static void
ct_list_page_show_record (CtPage *page, const CtId *id)
{
  FindJob *job;

  if (!def_of (page)->find)
    return;
  job = g_new0 (FindJob, 1);
  job->page = g_object_ref (CT_LIST_PAGE (page));
  job->id = *id;
  ct_store_read_async (ct_workspace_get_store (ct_page_get_workspace (page)), find_cb, job, find_job_free,
                       NULL, found_cb, NULL);
}

/* --- the page ------------------------------------------------------------------------------------------------- */

static void
ct_list_page_workspace_set (CtPage *page)
{
  CtListPagePrivate *priv = private_of (page);
  const CtListPageDef *def = def_of (page);

  gtk_widget_set_size_request (GTK_WIDGET (priv->list), BOTH_WIDTH - def->pane_width, -1);
  gtk_widget_set_size_request (GTK_WIDGET (priv->detail), def->pane_width, -1);
  ct_list_view_bind (priv->list, page, def->list, def->actions);
  if (def->pane_actions)
    ct_detail_set_actions (priv->detail, ct_list_view_make_actions (priv->list));
  g_signal_connect_object (ct_workspace_get_store (ct_page_get_workspace (page)), "changed",
                           G_CALLBACK (changed_cb), page, 0);
}

static void
ct_list_page_shown (CtPage *page, gboolean shown)
{
  CtListPagePrivate *priv = private_of (page);

  ct_list_view_set_shown (priv->list, shown);
  if (shown && ct_list_view_get_current (priv->list) >= 0)
    fill (CT_LIST_PAGE (page));
}

static void
ct_list_page_search (CtPage *page)
{
  ct_list_view_search (private_of (page)->list);
}

static gboolean
ct_list_page_key (CtPage *page, guint key, GdkModifierType state)
{
  return ct_list_view_key (private_of (page)->list, key, state);
}

static void
ct_list_page_show_view (CtPage *page, JsonObject *view)
{
  ct_list_view_set_view (private_of (page)->list, view);
}

static void
ct_list_page_dispose (GObject *object)
{
  CtListPagePrivate *priv = private_of (object);

  g_cancellable_cancel (priv->reading);
  g_clear_handle_id (&priv->refill_source, g_source_remove);
  G_OBJECT_CLASS (ct_list_page_parent_class)->dispose (object);
}

static void
ct_list_page_finalize (GObject *object)
{
  g_clear_object (&private_of (object)->reading);
  G_OBJECT_CLASS (ct_list_page_parent_class)->finalize (object);
}

static void
ct_list_page_class_init (CtListPageClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  CtPageClass *page_class = CT_PAGE_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = ct_list_page_dispose;
  G_OBJECT_CLASS (klass)->finalize = ct_list_page_finalize;
  page_class->workspace_set = ct_list_page_workspace_set;
  page_class->shown = ct_list_page_shown;
  page_class->search = ct_list_page_search;
  page_class->key = ct_list_page_key;
  page_class->show_view = ct_list_page_show_view;
  page_class->show_record = ct_list_page_show_record;
  g_type_ensure (CT_TYPE_LIST_VIEW);
  g_type_ensure (CT_TYPE_DETAIL);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/controltower/ControlTower/ct-list-page.ui");
  gtk_widget_class_bind_template_child_private (widget_class, CtListPage, flap);
  gtk_widget_class_bind_template_child_private (widget_class, CtListPage, tools);
  gtk_widget_class_bind_template_child_private (widget_class, CtListPage, list);
  gtk_widget_class_bind_template_child_private (widget_class, CtListPage, detail);
  gtk_widget_class_bind_template_callback (widget_class, current_cb);
  gtk_widget_class_bind_template_callback (widget_class, activated_cb);
  gtk_widget_class_bind_template_callback (widget_class, close_cb);
}

static void
ct_list_page_init (CtListPage *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  private_of (self)->reading = g_cancellable_new ();
}

/* (transfer none) */
CtListView *
ct_list_page_get_list (CtListPage *self)
{
  return private_of (self)->list;
}

/**
 * ct_list_page_add_tool:
 * @label: translated, with a mnemonic
 * @tooltip: translated
 * @clicked: (type): void (*) (GtkButton *button, CtListPage *self)
 *
 * Puts a button above the list.
 *
 * Returns: (transfer none): the button
 */
GtkWidget *
ct_list_page_add_tool (CtListPage *self, const char *label, const char *tooltip, GCallback clicked)
{
  GtkWidget *button = gtk_button_new_with_mnemonic (label);

  gtk_widget_set_tooltip_text (button, tooltip);
  g_signal_connect (button, "clicked", clicked, self);
  gtk_box_append (GTK_BOX (private_of (self)->tools), button);
  gtk_widget_set_visible (private_of (self)->tools, TRUE);
  return button;
}

/* An action on the marked rows is done. */
void
ct_list_page_done (CtListPage *self)
{
  ct_list_view_clear_marks (private_of (self)->list);
}
