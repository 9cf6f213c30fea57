#include "ct-timeline-page.h"
#include "ct-timeline-detail.h"
#include "ct-timeline-list.h"

static const CtListPageDef def = {
  .list = &ct_timeline_list,
  .actions = ct_timeline_page_actions,
  .pane_width = 360,
  .find = "SELECT coalesce((SELECT n FROM audit_logs WHERE ev_id = ?1), (SELECT max(n) FROM audit_logs WHERE "
          "object_id = ?1))",
  .not_found = N_ ("The event cannot be shown"),
};

struct _CtTimelinePage {
  CtListPage parent_instance;
};

G_DEFINE_FINAL_TYPE (CtTimelinePage, ct_timeline_page, CT_TYPE_LIST_PAGE)

static void
show_row (CtListPage *page, CtDetail *detail, gint64 n, GCancellable *cancellable)
{
  ct_timeline_detail_show (detail, ct_page_get_workspace (CT_PAGE (page)), n, cancellable);
}

static void
verify_cb (GtkButton *button, CtPage *page)
{
  ct_timeline_page_actions[0].run (page, NULL);
}

static void
export_cb (GtkButton *button, CtPage *page)
{
  ct_timeline_page_actions[1].run (page, NULL);
}

static void
ct_timeline_page_class_init (CtTimelinePageClass *klass)
{
  CT_LIST_PAGE_CLASS (klass)->def = &def;
  CT_LIST_PAGE_CLASS (klass)->show_row = show_row;
}

static void
ct_timeline_page_init (CtTimelinePage *self)
{
  CtListPage *page = CT_LIST_PAGE (self);

  ct_list_page_add_tool (page, _ ("_Verify Now"),
                         _ ("Proves that nothing in the log was changed, removed or reordered"),
                         G_CALLBACK (verify_cb));
  ct_list_page_add_tool (page, _ ("_Export Dossier…"),
                         _ ("Saves the log with its proofs to a folder that anybody can verify"),
                         G_CALLBACK (export_cb));
}
