#pragma once

#include "ct-page.h"

G_BEGIN_DECLS

/* What agents drafted and people decide: nothing goes out without a yes from here. */
#define CT_TYPE_APPROVALS_PAGE (ct_approvals_page_get_type ())
G_DECLARE_FINAL_TYPE (CtApprovalsPage, ct_approvals_page, CT, APPROVALS_PAGE, CtPage)

extern const CtPageAction ct_approvals_page_actions[];

void ct_approvals_page_done (CtApprovalsPage *self);

G_END_DECLS
