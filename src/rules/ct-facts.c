/* The facts rules may speak of, as data. A date of delivery is that of delivery or, where none is known, of shipping
 * (DOMAIN.md), in the workspace's zone. */
#include "ct-facts.h"

#include <string.h>

#define DISTRIBUTOR(column) "(SELECT d." column " FROM distributors d WHERE d.id = s.distributor_id)"
#define ORDER(column)       "(SELECT o." column " FROM orders o WHERE o.id = s.order_id)"
#define ORDER_DISTRIBUTOR(column)                                                                            \
  "(SELECT d." column " FROM orders o JOIN distributors d ON d.id = o.distributor_id WHERE o.id = "          \
  "s.order_id)"
#define DAYS_SINCE(date) "CAST(julianday('{today}') - julianday(" date ") AS INTEGER)"
#define DELIVERY_DATE                                                                                        \
  "(SELECT local_date(coalesce(max(h.delivered_at), max(h.shipped_at))) FROM shipments h WHERE h.order_id "  \
  "= "                                                                                                       \
  "s.id AND h.archived_at IS NULL)"

static const CtFact order_facts[] = {
  { "status", 't', CT_FACT_STORED, "s.status", N_ ("Status") },
  { "status_since", 'a', CT_FACT_STORED, "s.status_since_at", N_ ("In this status since") },
  { "status_days", 'i', CT_FACT_AGEING, "(({now} - s.status_since_at) / 86400000)",
    N_ ("Days in this status") },
  { "ordered_on", 'd', CT_FACT_STORED, "s.ordered_on", N_ ("Ordered") },
  { "required_on", 'd', CT_FACT_STORED, "s.required_on", N_ ("Required date") },
  { "total", 'm', CT_FACT_STORED, "s.total_minor", N_ ("Order total") },
  { "shipped", 'b', 0,
    "EXISTS (SELECT 1 FROM shipments h WHERE h.order_id = s.id AND h.shipped_at IS NOT NULL AND "
    "h.archived_at IS NULL)",
    N_ ("Shipped") },
  { "delivered", 'b', 0,
    "EXISTS (SELECT 1 FROM shipments h WHERE h.order_id = s.id AND h.delivered_at IS NOT NULL AND "
    "h.archived_at IS NULL)",
    N_ ("Delivered") },
  { "delivery_date", 'd', 0, DELIVERY_DATE, N_ ("Delivered or shipped on") },
  { "days_late", 'i', 0, "CAST(julianday(" DELIVERY_DATE ") - julianday(s.required_on) AS INTEGER)",
    N_ ("Days late") },
  { "days_overdue", 'i', CT_FACT_AGEING, DAYS_SINCE ("s.required_on"), N_ ("Days past the required date") },
  { "shipments", 'i', 0,
    "(SELECT count(*) FROM shipments h WHERE h.order_id = s.id AND h.state <> 'cancelled' AND h.archived_at "
    "IS NULL)",
    N_ ("Shipments") },
  { "booked_shipments", 'i', 0,
    "(SELECT count(*) FROM shipments h WHERE h.order_id = s.id AND h.state NOT IN ('planned', 'cancelled') "
    "AND h.archived_at IS NULL)",
    N_ ("Booked shipments") },
  { "short_lines", 'i', 0,
    "(SELECT count(*) FROM order_lines l JOIN products p ON p.id = l.product_id WHERE l.order_id = s.id AND "
    "p.stock_milli < l.quantity_milli)",
    N_ ("Lines short of stock") },
  { "mispriced_lines", 'i', 0,
    "(SELECT count(*) FROM order_lines l JOIN products p ON p.id = l.product_id AND p.currency = s.currency "
    "WHERE l.order_id = s.id AND "
    "l.unit_price_minor * 100 < p.list_price_minor * 80)",
    /* xgettext:no-c-format */
    N_ ("Lines priced under 80 % of the list") },
  { "duplicates", 'i', 0,
    "(SELECT count(*) FROM orders o WHERE o.distributor_id = s.distributor_id AND o.id <> s.id AND "
    "+o.ordered_on = s.ordered_on AND "
    "o.total_minor = s.total_minor AND o.status <> 'cancelled' AND o.archived_at IS NULL)",
    N_ ("Orders that look the same") },
  { "distributor", 't', 0, DISTRIBUTOR ("legal_name"), N_ ("Distributor") },
  { "value_band", 't', 0, DISTRIBUTOR ("value_band"), N_ ("Value band") },
  { "country", 't', 0, DISTRIBUTOR ("country"), N_ ("Country") },
  { "order_number", 't', CT_FACT_STORED, "s.number", N_ ("Order") },
  { NULL, 0, 0, NULL, NULL },
};

static const CtFact distributor_facts[] = {
  { "onboarding_state", 't', CT_FACT_STORED, "s.onboarding_state", N_ ("Onboarding") },
  { "onboarding_since", 'a', CT_FACT_STORED, "s.onboarding_since_at", N_ ("In this stage since") },
  { "onboarding_days", 'i', CT_FACT_AGEING, "(({now} - s.onboarding_since_at) / 86400000)",
    N_ ("Days in this stage") },
  { "credit_limit", 'm', CT_FACT_STORED, "s.credit_limit_minor", N_ ("Credit limit") },
  { "exposure", 'm', 0,
    "(SELECT coalesce(sum(i.amount_minor - i.paid_minor), 0) FROM invoices i WHERE i.distributor_id = s.id "
    "AND i.state IN ('issued', "
    "'part_paid', 'disputed') AND i.currency = s.currency AND i.archived_at IS NULL)",
    N_ ("Open invoices") },
  { "unsigned_contracts", 'i', 0,
    "(SELECT count(*) FROM documents k WHERE k.distributor_id = s.id AND k.kind = 'contract' AND k.state <> "
    "'verified' AND k.archived_at IS "
    "NULL)",
    N_ ("Contracts not verified") },
  { "distributor", 't', CT_FACT_STORED, "s.legal_name", N_ ("Distributor") },
  { "value_band", 't', CT_FACT_STORED, "s.value_band", N_ ("Value band") },
  { "country", 't', CT_FACT_STORED, "s.country", N_ ("Country") },
  { NULL, 0, 0, NULL, NULL },
};

static const CtFact invoice_facts[] = {
  { "invoice_number", 't', CT_FACT_STORED, "s.number", N_ ("Invoice") },
  { "state", 't', CT_FACT_STORED, "s.state", N_ ("State") },
  { "due_on", 'd', CT_FACT_STORED, "s.due_on", N_ ("Due date") },
  { "paid_on", 'd', CT_FACT_STORED, "s.paid_on", N_ ("Paid") },
  { "amount", 'm', CT_FACT_STORED, "s.amount_minor", N_ ("Amount") },
  { "paid", 'm', CT_FACT_STORED, "s.paid_minor", N_ ("Paid so far") },
  { "open_amount", 'm', 0, "(s.amount_minor - s.paid_minor)", N_ ("Open amount") },
  { "days_overdue", 'i', CT_FACT_AGEING, DAYS_SINCE ("s.due_on"), N_ ("Days overdue") },
  { "order_number", 't', 0, ORDER ("number"), N_ ("Order") },
  { "distributor", 't', 0, DISTRIBUTOR ("legal_name"), N_ ("Distributor") },
  { "value_band", 't', 0, DISTRIBUTOR ("value_band"), N_ ("Value band") },
  { "country", 't', 0, DISTRIBUTOR ("country"), N_ ("Country") },
  { NULL, 0, 0, NULL, NULL },
};

static const CtFact shipment_facts[] = {
  { "shipment_number", 't', CT_FACT_STORED, "s.number", N_ ("Shipment") },
  { "state", 't', CT_FACT_STORED, "s.state", N_ ("State") },
  { "carrier", 't', CT_FACT_STORED, "s.carrier", N_ ("Carrier") },
  { "promised", 'a', CT_FACT_STORED, "s.promised_at", N_ ("Promised") },
  { "eta", 'a', CT_FACT_STORED, "s.eta_at", N_ ("Expected arrival") },
  { "eta_drift_hours", 'i', 0, "((s.eta_at - s.promised_at) / 3600000)", N_ ("Hours behind the promise") },
  { "shipped_at", 'a', CT_FACT_STORED, "s.shipped_at", N_ ("Shipped") },
  { "delivered_at", 'a', CT_FACT_STORED, "s.delivered_at", N_ ("Delivered") },
  { "pickup_attempts", 'i', CT_FACT_STORED, "s.pickup_attempts", N_ ("Pickup attempts") },
  { "proof_of_delivery", 'b', CT_FACT_STORED, "s.proof_of_delivery", N_ ("Proof of delivery") },
  { "order_number", 't', 0, ORDER ("number"), N_ ("Order") },
  { "order_status", 't', 0, ORDER ("status"), N_ ("Order status") },
  { "required_on", 'd', 0, ORDER ("required_on"), N_ ("Required date") },
  { "distributor", 't', 0, ORDER_DISTRIBUTOR ("legal_name"), N_ ("Distributor") },
  { "value_band", 't', 0, ORDER_DISTRIBUTOR ("value_band"), N_ ("Value band") },
  { "country", 't', 0, ORDER_DISTRIBUTOR ("country"), N_ ("Country") },
  { NULL, 0, 0, NULL, NULL },
};

static const CtFact document_facts[] = {
  { "kind", 't', CT_FACT_STORED, "s.kind", N_ ("Document") },
  { "state", 't', CT_FACT_STORED, "s.state", N_ ("State") },
  { "reason", 't', CT_FACT_STORED, "s.reason", N_ ("Reason") },
  { "expires_on", 'd', CT_FACT_STORED, "s.expires_on", N_ ("Expires") },
  { "days_to_expiry", 'i', CT_FACT_AGEING, "(-" DAYS_SINCE ("s.expires_on") ")",
    N_ ("Days until it expires") },
  { "order_number", 't', 0, ORDER ("number"), N_ ("Order") },
  { "distributor", 't', 0, DISTRIBUTOR ("legal_name"), N_ ("Distributor") },
  { "value_band", 't', 0, DISTRIBUTOR ("value_band"), N_ ("Value band") },
  { "country", 't', 0, DISTRIBUTOR ("country"), N_ ("Country") },
  { NULL, 0, 0, NULL, NULL },
};

static const CtSubject subjects[] = {
  { "order", "orders", "s.archived_at IS NULL", "s.number", "s.id", "s.distributor_id", "s.total_minor",
    "s.currency", order_facts },
  { "distributor", "distributors", "s.archived_at IS NULL", "s.number", "NULL", "s.id",
    "(SELECT coalesce(sum(i.amount_minor - i.paid_minor), 0) FROM invoices i WHERE i.distributor_id = s.id "
    "AND i.state IN ('issued', "
    "'part_paid', 'disputed') AND i.currency = s.currency AND i.archived_at IS NULL)",
    "s.currency", distributor_facts },
  { "invoice", "invoices", "s.archived_at IS NULL", ORDER ("number"), "s.order_id", "s.distributor_id",
    "(s.amount_minor - s.paid_minor)", "s.currency", invoice_facts },
  { "shipment", "shipments", "s.archived_at IS NULL", ORDER ("number"), "s.order_id",
    ORDER ("distributor_id"), ORDER ("total_minor"), ORDER ("currency"), shipment_facts },
  { "document", "documents", "s.archived_at IS NULL",
    "coalesce(" ORDER ("number") ", " DISTRIBUTOR ("number") ")", "s.order_id", "s.distributor_id",
    "coalesce(" ORDER ("total_minor") ", 0)",
    "coalesce(" ORDER ("currency") ", " DISTRIBUTOR ("currency") ")", document_facts },
};

/* (nullable) */
const CtSubject *
ct_subject_find (const char *name)
{
  for (guint i = 0; name && i < G_N_ELEMENTS (subjects); i++)
    if (strcmp (subjects[i].name, name) == 0)
      return &subjects[i];
  return NULL;
}

/* (nullable) */
const CtFact *
ct_fact_find (const CtSubject *subject, const char *name)
{
  for (const CtFact *fact = subject->facts; name && fact->name; fact++)
    if (strcmp (fact->name, name) == 0)
      return fact;
  return NULL;
}
