#pragma once

#include "records/ct-records-page.h"

G_BEGIN_DECLS

/* Distributors: found, made, changed, archived. */
#define CT_TYPE_DISTRIBUTORS_PAGE (ct_distributors_page_get_type ())
G_DECLARE_FINAL_TYPE (CtDistributorsPage, ct_distributors_page, CT, DISTRIBUTORS_PAGE, CtRecordsPage)

extern const CtPageAction ct_distributors_page_actions[];

G_END_DECLS
