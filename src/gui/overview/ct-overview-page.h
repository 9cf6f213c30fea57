#pragma once

#include "ct-page.h"

G_BEGIN_DECLS

/* What burns, in five seconds; each number opens its list. */
#define CT_TYPE_OVERVIEW_PAGE (ct_overview_page_get_type ())
G_DECLARE_FINAL_TYPE (CtOverviewPage, ct_overview_page, CT, OVERVIEW_PAGE, CtPage)

G_END_DECLS
