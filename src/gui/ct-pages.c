#include "ct-pages.h"
#include "approvals/ct-approvals-page.h"
#include "attention/ct-attention-page.h"
#include "distributors/ct-distributors-page.h"
#include "exceptions/ct-exceptions-page.h"
#include "orders/ct-orders-page.h"
#include "overview/ct-overview-page.h"
#include "timeline/ct-timeline-page.h"

#include <string.h>

const CtPageDef ct_pages[] = {
  { "overview", N_ ("Overview"), "go-home-symbolic", 'o', ct_overview_page_get_type, NULL, NULL, NULL, NULL,
    FALSE },
  { "exceptions", N_ ("Exceptions"), "dialog-warning-symbolic", 'e', ct_exceptions_page_get_type,
    "SELECT count(*) FROM exceptions WHERE state = 'open'", "exceptions", "exception task",
    ct_exceptions_page_actions, FALSE },
  { "approvals", N_ ("Approvals"), "emblem-ok-symbolic", 'a', ct_approvals_page_get_type,
    "SELECT count(*) FROM approvals WHERE state = 'pending'", "approvals", "approval",
    ct_approvals_page_actions, FALSE },
  { "orders", N_ ("Orders"), "package-x-generic-symbolic", 'r', ct_orders_page_get_type, NULL, NULL,
    "order invoice shipment", ct_orders_page_actions, FALSE },
  { "distributors", N_ ("Distributors"), "system-users-symbolic", 'd', ct_distributors_page_get_type, NULL,
    NULL, "distributor document", ct_distributors_page_actions, FALSE },
  { "timeline", N_ ("Timeline"), "document-open-recent-symbolic", 't', ct_timeline_page_get_type, NULL, NULL,
    "event", ct_timeline_page_actions, FALSE },
  { "attention", N_ ("Needs attention"), "emblem-important-symbolic", 'n', ct_attention_page_get_type,
    "SELECT count(*) FROM attention WHERE settled_at IS NULL", "attention", NULL, ct_attention_page_actions,
    TRUE },
  { NULL, NULL, NULL, 0, NULL, NULL, NULL, NULL, NULL, FALSE },
};

const CtRecordSearch ct_record_searches[] = {
  { "exception", "dialog-warning-symbolic",
    "SELECT id, number, subject FROM exceptions WHERE number LIKE ?1 ESCAPE '\\' OR subject LIKE ?1 ESCAPE "
    "'\\' "
    "ORDER BY state <> 'open', score DESC LIMIT 8" },
  { "order", "package-x-generic-symbolic",
    "SELECT o.id, o.number, d.legal_name FROM orders o JOIN distributors d ON d.id = o.distributor_id "
    "WHERE o.number LIKE ?1 ESCAPE '\\' ORDER BY o.n DESC LIMIT 8" },
  { "distributor", "system-users-symbolic",
    "SELECT id, number, legal_name FROM distributors WHERE number LIKE ?1 ESCAPE '\\' OR legal_name LIKE ?1 "
    "ESCAPE '\\' ORDER BY legal_name LIMIT 8" },
  { NULL, NULL, NULL },
};

/* Whether this workspace has the page at all. */
gboolean
ct_page_is_there (const CtPageDef *def, CtWorkspace *workspace)
{
  return !def->connected || ct_workspace_is_connected (workspace);
}

/* (nullable) */
const CtPageDef *
ct_page_find (const char *name)
{
  for (const CtPageDef *def = ct_pages; def->name; def++)
    if (g_strcmp0 (def->name, name) == 0)
      return def;
  return NULL;
}

/* The page on which records of a kind are at home; (nullable). */
const CtPageDef *
ct_page_of_record (const char *kind)
{
  for (const CtPageDef *def = ct_pages; def->name; def++) {
    g_auto (GStrv) kinds = g_strsplit (def->records ? def->records : "", " ", -1);

    if (g_strv_contains ((const char *const *) kinds, kind))
      return def;
  }
  return NULL;
}
