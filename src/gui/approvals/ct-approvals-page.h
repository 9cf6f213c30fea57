#pragma once

#include "list/ct-list-page.h"

G_BEGIN_DECLS

/* What agents drafted and people decide: nothing goes out without a yes from here. */
#define CT_TYPE_APPROVALS_PAGE (ct_approvals_page_get_type ())
G_DECLARE_FINAL_TYPE (CtApprovalsPage, ct_approvals_page, CT, APPROVALS_PAGE, CtListPage)

extern const CtPageAction ct_approvals_page_actions[];

void ct_approvals_posts_retract (CtPage *page, GArray *numbers);
void ct_approvals_posts_look (CtPage *page, GArray *numbers);
GtkWidget *ct_approvals_posts_make_button (CtWorkspace *workspace, gint64 n, const char *post_state);

G_END_DECLS
