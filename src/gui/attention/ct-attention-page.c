#include "ct-attention-page.h"
#include "ct-attention-detail.h"
#include "ct-attention-list.h"

static const CtListPageDef def = {
  .list = &ct_attention_list,
  .actions = ct_attention_page_actions,
  .pane_actions = TRUE,
  .pane_width = 400,
};

struct _CtAttentionPage {
  CtListPage parent_instance;
};

G_DEFINE_FINAL_TYPE (CtAttentionPage, ct_attention_page, CT_TYPE_LIST_PAGE)

static void
show_row (CtListPage *page, CtDetail *detail, gint64 n, GCancellable *cancellable)
{
  ct_attention_detail_show (detail, ct_page_get_workspace (CT_PAGE (page)), n, cancellable);
}

static void
ct_attention_page_class_init (CtAttentionPageClass *klass)
{
  CT_LIST_PAGE_CLASS (klass)->def = &def;
  CT_LIST_PAGE_CLASS (klass)->show_row = show_row;
}

static void
ct_attention_page_init (CtAttentionPage *self)
{
}
