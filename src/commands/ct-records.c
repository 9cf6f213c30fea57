/* The kinds of records as data: what the create and edit commands accept, what forms and imports offer. */
#include "ct-records.h"

#include <string.h>

static const CtField distributor_fields[] = {
  { "legal_name", 's', TRUE, NULL },
  { "country", 's', FALSE, NULL },
  { "region", 's', FALSE, NULL },
  { "city", 's', FALSE, NULL },
  { "street", 's', FALSE, NULL },
  { "postal_code", 's', FALSE, NULL },
  { "value_band", 's', FALSE, NULL },
  { "onboarding_state", 's', FALSE, NULL },
  { "credit_limit_minor", 'i', FALSE, NULL },
  { "currency", 'm', TRUE, NULL },
  { "language", 's', FALSE, NULL },
  { "channel_preferences", 'j', FALSE, NULL },
  { "external_ref", 's', FALSE, NULL },
  { "notes", 's', FALSE, NULL },
  { NULL, 0, FALSE, NULL },
};

static const CtField contact_fields[] = {
  { "distributor_id", 'k', TRUE, "distributors" },
  { "name", 's', TRUE, NULL },
  { "email", 's', FALSE, NULL },
  { "phone", 's', FALSE, NULL },
  { "role", 's', FALSE, NULL },
  { NULL, 0, FALSE, NULL },
};

static const CtField product_fields[] = {
  { "sku", 's', TRUE, NULL },       { "name", 's', TRUE, NULL },
  { "unit", 's', FALSE, NULL },     { "list_price_minor", 'i', FALSE, NULL },
  { "currency", 'm', FALSE, NULL }, { "stock_milli", 'i', FALSE, NULL },
  { NULL, 0, FALSE, NULL },
};

static const CtField order_fields[] = {
  { "distributor_id", 'k', TRUE, "distributors" },
  { "status", 's', FALSE, NULL },
  { "ordered_on", 'd', FALSE, NULL },
  { "required_on", 'd', FALSE, NULL },
  { "total_minor", 'i', FALSE, NULL },
  { "currency", 'm', TRUE, NULL },
  { "lane_origin", 's', FALSE, NULL },
  { "lane_destination", 's', FALSE, NULL },
  { "external_ref", 's', FALSE, NULL },
  { "notes", 's', FALSE, NULL },
  { NULL, 0, FALSE, NULL },
};

static const CtField invoice_fields[] = {
  { "order_id", 'k', TRUE, "orders" }, { "state", 's', FALSE, NULL },   { "amount_minor", 'i', TRUE, NULL },
  { "paid_minor", 'i', FALSE, NULL },  { "currency", 'm', TRUE, NULL }, { "issued_on", 'd', FALSE, NULL },
  { "due_on", 'd', FALSE, NULL },      { "paid_on", 'd', FALSE, NULL }, { NULL, 0, FALSE, NULL },
};

static const CtField shipment_fields[] = {
  { "order_id", 'k', TRUE, "orders" },     { "carrier", 's', FALSE, NULL },
  { "tracking_number", 's', FALSE, NULL }, { "state", 's', FALSE, NULL },
  { "promised_at", 't', FALSE, NULL },     { "eta_at", 't', FALSE, NULL },
  { "shipped_at", 't', FALSE, NULL },      { "delivered_at", 't', FALSE, NULL },
  { "pickup_attempts", 'i', FALSE, NULL }, { "proof_of_delivery", 'b', FALSE, NULL },
  { "destination", 's', FALSE, NULL },     { NULL, 0, FALSE, NULL },
};

static const CtField document_fields[] = {
  { "distributor_id", 'k', TRUE, "distributors" },
  { "order_id", 'k', FALSE, "orders" },
  { "kind", 's', TRUE, NULL },
  { "state", 's', FALSE, NULL },
  { "expires_on", 'd', FALSE, NULL },
  { "reason", 's', FALSE, NULL },
  { NULL, 0, FALSE, NULL },
};

const CtRecordKind ct_record_kinds[] = {
  { "distributor", "distributors", "DIST", 4, "onboarding_state", "onboarding_since_at", NULL,
    distributor_fields },
  { "contact", "contacts", NULL, 0, NULL, NULL, "distributor_id", contact_fields },
  { "product", "products", NULL, 0, NULL, NULL, NULL, product_fields },
  { "order", "orders", "ORD", 4, "status", "status_since_at", "distributor_id", order_fields },
  { "invoice", "invoices", "INV", 4, NULL, NULL, "order_id", invoice_fields },
  { "shipment", "shipments", "SHP", 4, NULL, NULL, "order_id", shipment_fields },
  { "document", "documents", NULL, 0, NULL, NULL, "distributor_id", document_fields },
  { NULL, NULL, NULL, 0, NULL, NULL, NULL, NULL },
};

/* (nullable) */
const CtRecordKind *
ct_record_kind (const char *name)
{
  for (const CtRecordKind *kind = ct_record_kinds; kind->name; kind++)
    if (strcmp (kind->name, name) == 0)
      return kind;
  return NULL;
}

/* (nullable) */
const CtField *
ct_record_field (const CtRecordKind *kind, const char *column)
{
  for (const CtField *field = kind->fields; field->column; field++)
    if (strcmp (field->column, column) == 0)
      return field;
  return NULL;
}
