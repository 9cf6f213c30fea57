#include "ct-exceptions-page.h"
#include "ct-exception-detail.h"
#include "ct-exceptions-list.h"

static const CtListPageDef def = {
  .list = &ct_exceptions_list,
  .actions = ct_exceptions_page_actions,
  .pane_actions = TRUE,
  .pane_width = 360,
  .find = "SELECT n FROM exceptions WHERE id = ?1 OR id = (SELECT exception_id FROM follow_up_tasks WHERE id "
          "= ?1)",
  .not_found = N_ ("The exception cannot be shown"),
};

struct _CtExceptionsPage {
  CtListPage parent_instance;
};

G_DEFINE_FINAL_TYPE (CtExceptionsPage, ct_exceptions_page, CT_TYPE_LIST_PAGE)

static void
show_row (CtListPage *page, CtDetail *detail, gint64 n, GCancellable *cancellable)
{
  ct_exception_detail_show (detail, ct_page_get_workspace (CT_PAGE (page)), n, cancellable);
}

static void
ct_exceptions_page_class_init (CtExceptionsPageClass *klass)
{
  CT_LIST_PAGE_CLASS (klass)->def = &def;
  CT_LIST_PAGE_CLASS (klass)->show_row = show_row;
}

static void
ct_exceptions_page_init (CtExceptionsPage *self)
{
}
