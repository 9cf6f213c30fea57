#include "ct-approvals-page.h"
#include "ct-approval-detail.h"
#include "ct-approvals-list.h"

static const CtListPageDef def = {
  .list = &ct_approvals_list,
  .actions = ct_approvals_page_actions,
  .pane_actions = TRUE,
  .pane_width = 400,
  .find = "SELECT max(n) FROM approvals WHERE id = ?1 OR task_id = ?1",
  .not_found = N_ ("The approval cannot be shown"),
};

struct _CtApprovalsPage {
  CtListPage parent_instance;
};

G_DEFINE_FINAL_TYPE (CtApprovalsPage, ct_approvals_page, CT_TYPE_LIST_PAGE)

static void
show_row (CtListPage *page, CtDetail *detail, gint64 n, GCancellable *cancellable)
{
  ct_approval_detail_show (detail, ct_page_get_workspace (CT_PAGE (page)), n, cancellable);
}

static gboolean
key (CtPage *page, guint key, GdkModifierType state)
{
  if ((key == GDK_KEY_Return || key == GDK_KEY_KP_Enter) && state & GDK_CONTROL_MASK) {
    g_autoptr (GArray) chosen = ct_list_view_dup_chosen (ct_list_page_get_list (CT_LIST_PAGE (page)));

    if (chosen->len)
      ct_approvals_page_actions[0].run (page, chosen);
    return TRUE;
  }
  return CT_PAGE_CLASS (ct_approvals_page_parent_class)->key (page, key, state);
}

static void
ct_approvals_page_class_init (CtApprovalsPageClass *klass)
{
  CT_LIST_PAGE_CLASS (klass)->def = &def;
  CT_LIST_PAGE_CLASS (klass)->show_row = show_row;
  CT_PAGE_CLASS (klass)->key = key;
}

static void
ct_approvals_page_init (CtApprovalsPage *self)
{
}
