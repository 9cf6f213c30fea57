#include "ct-record-labels.h"

#include <string.h>

typedef struct {
  const char *name, *label;
} Name;

static const Name columns[] = {
  { "legal_name", N_ ("Legal name") },
  { "country", N_ ("Country") },
  { "region", N_ ("Region") },
  { "city", N_ ("City") },
  { "street", N_ ("Street") },
  { "postal_code", N_ ("Postal code") },
  { "value_band", N_ ("Value band") },
  { "onboarding_state", N_ ("Onboarding") },
  { "credit_limit_minor", N_ ("Credit limit") },
  { "currency", N_ ("Currency") },
  { "language", N_ ("Language") },
  { "external_ref", N_ ("Reference in the source") },
  { "notes", N_ ("Notes") },
  { "distributor_id", N_ ("Distributor") },
  { "order_id", N_ ("Order") },
  { "status", N_ ("Status") },
  { "state", N_ ("State") },
  { "ordered_on", N_ ("Ordered on") },
  { "required_on", N_ ("Required on") },
  { "total_minor", N_ ("Total") },
  { "lane_origin", N_ ("From") },
  { "lane_destination", N_ ("To") },
  { "name", N_ ("Name") },
  { "email", N_ ("Email") },
  { "phone", N_ ("Phone") },
  { "role", N_ ("Role") },
  { "sku", N_ ("SKU") },
  { "unit", N_ ("Unit") },
  { "list_price_minor", N_ ("List price") },
  { "stock_milli", N_ ("Stock") },
  { "amount_minor", N_ ("Amount") },
  { "paid_minor", N_ ("Paid") },
  { "issued_on", N_ ("Issued on") },
  { "due_on", N_ ("Due on") },
  { "paid_on", N_ ("Paid on") },
  { "carrier", N_ ("Carrier") },
  { "tracking_number", N_ ("Tracking number") },
  { "promised_at", N_ ("Promised at") },
  { "eta_at", N_ ("Expected at") },
  { "shipped_at", N_ ("Shipped at") },
  { "delivered_at", N_ ("Delivered at") },
  { "pickup_attempts", N_ ("Pickup attempts") },
  { "proof_of_delivery", N_ ("Proof of delivery") },
  { "destination", N_ ("Destination") },
  { "kind", N_ ("Kind") },
  { "expires_on", N_ ("Expires on") },
  { "reason", N_ ("Reason") },
};

static const char *
find (const Name *names, guint n_names, const char *name)
{
  for (guint i = 0; i < n_names; i++)
    if (g_strcmp0 (names[i].name, name) == 0)
      return _ (names[i].label);
  return name;
}

const char *
ct_record_label (const char *column)
{
  return find (columns, G_N_ELEMENTS (columns), column);
}

/* (nullable): what imports know of the field: its choices, whether it may be NULL */
const CtKindField *
ct_record_kind_field (const char *kind, const char *column)
{
  const CtKind *found = ct_kind_find (kind);

  for (guint i = 0; found && i < ct_kind_n_fields (found); i++)
    if (strcmp (found->fields[i].column, column) == 0)
      return &found->fields[i];
  return NULL;
}

gboolean
ct_record_is_money (const CtField *field)
{
  return field->type == 'i' && g_str_has_suffix (field->column, "_minor");
}
