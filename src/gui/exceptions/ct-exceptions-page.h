#pragma once

#include "ct-page.h"

G_BEGIN_DECLS

/* What blocks orders, and who chases it. */
#define CT_TYPE_EXCEPTIONS_PAGE (ct_exceptions_page_get_type ())
G_DECLARE_FINAL_TYPE (CtExceptionsPage, ct_exceptions_page, CT, EXCEPTIONS_PAGE, CtPage)

extern const CtPageAction ct_exceptions_page_actions[];

void ct_exceptions_page_done (CtExceptionsPage *self);

G_END_DECLS
