#include "ct-attention-page.h"
#include "ct-attention-detail.h"
#include "ct-attention-list.h"
#include "list/ct-list-view.h"

struct _CtAttentionPage {
  CtPage parent_instance;
  AdwFlap *flap;
  CtListView *list;
  CtDetail *detail;
  GCancellable *reading; /* (owned): of the record in the pane */
  guint refill_source;
};

G_DEFINE_FINAL_TYPE (CtAttentionPage, ct_attention_page, CT_TYPE_PAGE)

/* Fills the pane with the current row, or puts it away. */
static void
fill (CtAttentionPage *self)
{
  gint64 n = ct_list_view_get_current (self->list);

  g_cancellable_cancel (self->reading);
  g_object_unref (self->reading);
  self->reading = g_cancellable_new ();
  adw_flap_set_reveal_flap (self->flap, n >= 0);
  if (n >= 0)
    ct_attention_detail_show (self->detail, ct_page_get_workspace (CT_PAGE (self)), n, self->reading);
}

static void
current_cb (CtListView *list, CtAttentionPage *self)
{
  fill (self);
}

static void
close_cb (CtDetail *detail, CtAttentionPage *self)
{
  ct_list_view_set_current (self->list, -1);
}

static gboolean
refill_cb (gpointer data)
{
  CtAttentionPage *self = data;

  self->refill_source = 0;
  if (ct_page_is_shown (CT_PAGE (self)))
    fill (self);
  return G_SOURCE_REMOVE;
}

/* The pane follows the data, a breath behind it. */
static void
changed_cb (CtStore *store, const char *const *tables, CtAttentionPage *self)
{
  if (!self->refill_source && ct_list_view_get_current (self->list) >= 0)
    self->refill_source = g_timeout_add (250, refill_cb, self);
}

static void
ct_attention_page_workspace_set (CtPage *page)
{
  CtAttentionPage *self = CT_ATTENTION_PAGE (page);
  CtStore *store = ct_workspace_get_store (ct_page_get_workspace (page));

  ct_list_view_bind (self->list, page, &ct_attention_list, ct_attention_page_actions);
  ct_detail_set_actions (self->detail, ct_list_view_make_actions (self->list));
  g_signal_connect_object (store, "changed", G_CALLBACK (changed_cb), self, 0);
}

static void
ct_attention_page_shown (CtPage *page, gboolean shown)
{
  CtAttentionPage *self = CT_ATTENTION_PAGE (page);

  ct_list_view_set_shown (self->list, shown);
  if (shown && ct_list_view_get_current (self->list) >= 0)
    fill (self);
}

static void
ct_attention_page_search (CtPage *page)
{
  ct_list_view_search (CT_ATTENTION_PAGE (page)->list);
}

static gboolean
ct_attention_page_key (CtPage *page, guint key, GdkModifierType state)
{
  return ct_list_view_key (CT_ATTENTION_PAGE (page)->list, key, state);
}

static void
ct_attention_page_show_view (CtPage *page, JsonObject *view)
{
  ct_list_view_set_view (CT_ATTENTION_PAGE (page)->list, view);
}

static void
ct_attention_page_dispose (GObject *object)
{
  CtAttentionPage *self = CT_ATTENTION_PAGE (object);

  g_cancellable_cancel (self->reading);
  g_clear_handle_id (&self->refill_source, g_source_remove);
  G_OBJECT_CLASS (ct_attention_page_parent_class)->dispose (object);
}

static void
ct_attention_page_finalize (GObject *object)
{
  g_clear_object (&CT_ATTENTION_PAGE (object)->reading);
  G_OBJECT_CLASS (ct_attention_page_parent_class)->finalize (object);
}

static void
ct_attention_page_class_init (CtAttentionPageClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  CtPageClass *page_class = CT_PAGE_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = ct_attention_page_dispose;
  G_OBJECT_CLASS (klass)->finalize = ct_attention_page_finalize;
  page_class->workspace_set = ct_attention_page_workspace_set;
  page_class->shown = ct_attention_page_shown;
  page_class->search = ct_attention_page_search;
  page_class->key = ct_attention_page_key;
  page_class->show_view = ct_attention_page_show_view;
  g_type_ensure (CT_TYPE_LIST_VIEW);
  g_type_ensure (CT_TYPE_DETAIL);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/controltower/ControlTower/ct-attention-page.ui");
  gtk_widget_class_bind_template_child (widget_class, CtAttentionPage, flap);
  gtk_widget_class_bind_template_child (widget_class, CtAttentionPage, list);
  gtk_widget_class_bind_template_child (widget_class, CtAttentionPage, detail);
  gtk_widget_class_bind_template_callback (widget_class, current_cb);
  gtk_widget_class_bind_template_callback (widget_class, close_cb);
}

static void
ct_attention_page_init (CtAttentionPage *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  self->reading = g_cancellable_new ();
}

/* An action on the marked rows is done. */
void
ct_attention_page_done (CtAttentionPage *self)
{
  ct_list_view_clear_marks (self->list);
}
