#pragma once

#include "list/ct-list-page.h"

G_BEGIN_DECLS

/* What blocks orders, and who chases it. */
#define CT_TYPE_EXCEPTIONS_PAGE (ct_exceptions_page_get_type ())
G_DECLARE_FINAL_TYPE (CtExceptionsPage, ct_exceptions_page, CT, EXCEPTIONS_PAGE, CtListPage)

extern const CtPageAction ct_exceptions_page_actions[];

G_END_DECLS
