/* A workspace with any number of exceptions for the desktop program's tests and measurements. The rows are written
 * straight into the replica: it is their number that matters, not how they came to be. */
#pragma once

#include "ct-workspace.h"

/* 1 June 2026, 09:00 UTC: the time at which the rows make sense. */
#define GUI_NOW G_GINT64_CONSTANT (1780304400000)

static const char gui_distributors[] =
    "WITH RECURSIVE i(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM i WHERE i < ?1), "
    "names(k, name, country, city, currency) AS (VALUES (0, 'Nordwind Handels GmbH', 'DE', 'Hamburg', "
    "'EUR'), "
    "(1, 'Atlas Trading Ltd', 'GB', 'Leeds', 'GBP'), (2, 'Société Lumière', 'FR', 'Lyon', 'EUR'), "
    "(3, 'Fjord Import AS', 'NO', 'Bergen', 'NOK'), (4, 'Vostok Trade', 'KZ', 'Almaty', 'EUR'), "
    "(5, 'Casa Verde SA', 'ES', 'Valencia', 'EUR'), (6, 'Blue Harbor Inc.', 'US', 'Portland', 'USD'), "
    "(7, 'Pannonia Kft.', 'HU', 'Győr', 'EUR')) "
    "INSERT INTO distributors(id, n, created_at, updated_at, number, legal_name, country, city, value_band, "
    "onboarding_state, onboarding_since_at, credit_limit_minor, currency) "
    "SELECT uuid(printf('00000000-0000-7000-8000-%012x', i)), next_n(), ?2, ?2, printf('DIST-%04d', i), "
    "name || iif(i > 8, ' ' || i, ''), country, city, substr('ABC', i % 3 + 1, 1), 'active', ?2, 5000000, "
    "currency "
    "FROM i JOIN names ON k = (i - 1) % 8";

static const char gui_orders[] =
    "WITH RECURSIVE i(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM i WHERE i < ?1) "
    "INSERT INTO orders(id, n, created_at, updated_at, number, distributor_id, status, status_since_at, "
    "ordered_on, "
    "required_on, total_minor, currency) "
    "SELECT uuid(printf('00000000-0000-7001-8000-%012x', i)), next_n(), ?2, ?2, printf('ORD-2026-%04d', 1000 "
    "+ i), d.id, "
    "'confirmed', ?2, '2026-05-01', '2026-06-10', 100000 + i * 37 % 900000, d.currency "
    "FROM i JOIN distributors d ON d.number = printf('DIST-%04d', i % 24 + 1)";

/* Scores, owners, blockers and amounts are spread by multiplication, so that no two columns sort alike. */
static const char gui_exceptions[] =
    "WITH RECURSIVE i(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM i WHERE i < ?1), "
    "kinds(k, rule, blocker, owner, agent, action) AS (VALUES "
    "(0, 'invoice-overdue', 'invoice_overdue', 'accounting', 'AccountingFollowUpAgent', 'Ask the distributor "
    "when the invoice will be paid and offer a payment plan.'), "
    "(1, 'pickup-failed', 'pickup_failed', 'logistics', 'LogisticsFollowUpAgent', 'Book another pickup with "
    "the carrier.'), "
    "(2, 'document-missing', 'document_missing', 'legal', 'LegalFollowUpAgent', 'Ask for the import "
    "licence.'), "
    "(3, 'onboarding-stalled', 'onboarding_stalled', 'partner', 'PartnerSuccessFollowUpAgent', 'Call the "
    "contact and settle the next step.'), "
    "(4, 'credit-limit-exceeded', 'credit_limit_exceeded', 'accounting', 'AccountingFollowUpAgent', 'Ask for "
    "a part payment before the next order.'), "
    "(5, 'order-stuck', 'order_stuck', 'sales', 'SalesOpsFollowUpAgent', 'Find out who holds the order.'), "
    "(6, 'eta-drift', 'eta_drift', 'logistics', 'LogisticsFollowUpAgent', 'Propose a new delivery date.')), "
    "rows AS (SELECT i, i * 7919 % 100 AS score, i * 104729 % 7 AS k, i * 15485863 % 24 AS d FROM i) "
    "INSERT INTO exceptions(id, n, created_at, updated_at, number, rule, blocker, subject_type, subject_id, "
    "subject, "
    "order_id, distributor_id, score, severity, value_at_risk_minor, currency, country, owner, agent, "
    "next_action, "
    "evidence, state, opened_at) "
    "SELECT uuid(printf('00000000-0000-7002-8000-%012x', i)), next_n(), ?2, ?2, printf('EXC-2026-%04d', i), "
    "rule, blocker, "
    "'order', uuid(printf('00000000-0000-7003-8000-%012x', i)), printf('ORD-2026-%04d', 1000 + i), "
    "(SELECT o.id FROM orders o WHERE o.number = printf('ORD-2026-%04d', 1000 + i)), "
    "uuid(printf('00000000-0000-7000-8000-%012x', d + 1)), score, "
    "CASE WHEN score >= 85 THEN 'critical' WHEN score >= 65 THEN 'high' WHEN score >= 40 THEN 'medium' ELSE "
    "'low' END, "
    "i * 7907 % 9000000, 'EUR', substr('DEGBFRNOKZESUSHU', d % 8 * 2 + 1, 2), owner, agent, action, "
    "json_array(json_object('fact', 'days_overdue', 'label', 'Days overdue', 'value', score, 'operator', "
    "'more', 'threshold', "
    "14), json_object('fact', 'open_minor', 'label', 'Open amount', 'value', 1850000, 'text', '18500.00 "
    "EUR')), "
    "iif(i % 50 = 49, 'cleared', 'open'), ?2 - i * 2654435 % 40 * 7200000 - i % 3600000 FROM rows JOIN kinds "
    "USING (k)";

static inline gboolean
gui_workspace_fill (CtDb *db, gpointer data, GError **error)
{
  gint64 n = *(gint64 *) data;

  return ct_db_begin (db, error) &&
         ct_db_run (db, error, gui_distributors, "ii", (gint64) 24, GUI_NOW - 400 * CT_MS_DAY) &&
         ct_db_run (db, error, gui_orders, "ii", MIN (n, 500), GUI_NOW - 30 * CT_MS_DAY) &&
         ct_db_run (db, error, gui_exceptions, "ii", n, GUI_NOW) && ct_db_commit (db, error);
}

/* Makes a workspace for trials in @folder, with @n exceptions. */
static inline gboolean
gui_workspace_make (const char *folder, gint64 n, GError **error)
{
  CtWorkspaceOptions options = { TRUE, "demo", "UTC", NULL, GUI_NOW };
  g_autoptr (CtWorkspace) workspace = NULL;

  if (!ct_workspace_create (folder, &options, error) || !(workspace = ct_workspace_open (folder, error)))
    return FALSE;
  return n == 0 || ct_store_write (ct_workspace_get_store (workspace), gui_workspace_fill, &n, error);
}
