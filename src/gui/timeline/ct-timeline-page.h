#pragma once

#include "list/ct-list-page.h"

G_BEGIN_DECLS

/* Who did what, when, and whether it is proven. */
#define CT_TYPE_TIMELINE_PAGE (ct_timeline_page_get_type ())
G_DECLARE_FINAL_TYPE (CtTimelinePage, ct_timeline_page, CT, TIMELINE_PAGE, CtListPage)

extern const CtPageAction ct_timeline_page_actions[];

G_END_DECLS
