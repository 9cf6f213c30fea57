#pragma once

#include "records/ct-records-page.h"

G_BEGIN_DECLS

/* Orders: found, made, changed, archived. */
#define CT_TYPE_ORDERS_PAGE (ct_orders_page_get_type ())
G_DECLARE_FINAL_TYPE (CtOrdersPage, ct_orders_page, CT, ORDERS_PAGE, CtRecordsPage)

extern const CtPageAction ct_orders_page_actions[];

G_END_DECLS
