#include "ct-kind.h"

#include <string.h>

static const char *const value_bands[] = { "A", "B", "C", NULL };
static const char *const onboarding_states[] = { "prospect", "documents", "contract",
                                                 "active",   "suspended", NULL };
static const char *const order_states[] = { "draft",     "confirmed", "allocated", "invoiced", "shipped",
                                            "delivered", "closed",    "cancelled", NULL };
static const char *const invoice_states[] = {
  "draft", "issued", "part_paid", "paid", "disputed", "void", NULL
};
static const char *const shipment_states[] = { "planned",    "booked",    "pickup_failed",
                                               "in_transit", "delivered", "cancelled",
                                               NULL };
static const char *const document_states[] = {
  "missing", "submitted", "verified", "rejected", "expired", NULL
};

#define TEXT(name)                                                                                           \
  {                                                                                                          \
    name, name, CT_FIELD_TEXT, CT_FIELD_DEFAULTED, ""                                                        \
  }
#define REQUIRED_TEXT(name)                                                                                  \
  {                                                                                                          \
    name, name, CT_FIELD_TEXT, CT_FIELD_REQUIRED                                                             \
  }
#define NULLABLE_TEXT(name)                                                                                  \
  {                                                                                                          \
    name, name, CT_FIELD_TEXT, CT_FIELD_NULLABLE                                                             \
  }
#define CHOICE(name, first, list)                                                                            \
  {                                                                                                          \
    name, name, CT_FIELD_CHOICE, CT_FIELD_DEFAULTED, first, .choices = list                                  \
  }
#define DATE(name)                                                                                           \
  {                                                                                                          \
    name, name, CT_FIELD_DATE, CT_FIELD_NULLABLE                                                             \
  }
#define TIME(name, absence)                                                                                  \
  {                                                                                                          \
    name, name "_at", CT_FIELD_TIME, absence                                                                 \
  }
#define MONEY(name, absence)                                                                                 \
  {                                                                                                          \
    name, name "_minor", CT_FIELD_MONEY, absence, "0", .least = -CT_AMOUNT_MOST, .most = CT_AMOUNT_MOST      \
  }
#define LINK(name, absence)                                                                                  \
  {                                                                                                          \
    name, name "_id", CT_FIELD_LINK, absence, .link = name                                                   \
  }
#define CURRENCY(absence)                                                                                    \
  {                                                                                                          \
    "currency", "currency", CT_FIELD_CURRENCY, absence                                                       \
  }
/* Where the record came from; profiles set it as a whole, our own files carry it. */
#define ORIGIN   TEXT ("source"), NULLABLE_TEXT ("external_ref")
#define ARCHIVED TIME ("archived", CT_FIELD_NULLABLE)

/* Columns as schema/replica has them. Every record also has id, n, rev, created_at and updated_at. */
static const CtKind kinds[] = {
  { "distributor",
    "distributors",
    "distributors.csv",
    { "number" },
    "DIST",
    4,
    TRUE,
    { REQUIRED_TEXT ("number"),
      REQUIRED_TEXT ("legal_name"),
      TEXT ("country"),
      TEXT ("region"),
      TEXT ("city"),
      TEXT ("street"),
      TEXT ("postal_code"),
      CHOICE ("value_band", "C", value_bands),
      CHOICE ("onboarding_state", "prospect", onboarding_states),
      TIME ("onboarding_since", CT_FIELD_NOW),
      CURRENCY (CT_FIELD_REQUIRED),
      MONEY ("credit_limit", CT_FIELD_NULLABLE),
      { "language", "language", CT_FIELD_TEXT, CT_FIELD_DEFAULTED, "en" },
      { "channel_preferences", "channel_preferences", CT_FIELD_JSON, CT_FIELD_DEFAULTED, "[]" },
      TEXT ("notes"),
      ORIGIN,
      ARCHIVED } },
  { "contact",
    "contacts",
    "contacts.csv",
    { "distributor", "name", "email" },
    NULL,
    0,
    TRUE,
    { LINK ("distributor", CT_FIELD_REQUIRED), REQUIRED_TEXT ("name"), NULLABLE_TEXT ("email"),
      NULLABLE_TEXT ("phone"), TEXT ("role"), ORIGIN, ARCHIVED } },
  { "product",
    "products",
    "products.csv",
    { "sku" },
    NULL,
    0,
    TRUE,
    { REQUIRED_TEXT ("sku"),
      REQUIRED_TEXT ("name"),
      TEXT ("unit"),
      CURRENCY (CT_FIELD_NULLABLE),
      MONEY ("list_price", CT_FIELD_NULLABLE),
      { "stock", "stock_milli", CT_FIELD_DECIMAL, CT_FIELD_NULLABLE, .digits = 3 },
      ORIGIN,
      ARCHIVED } },
  { "order",
    "orders",
    "orders.csv",
    { "number" },
    "ORD",
    4,
    TRUE,
    { REQUIRED_TEXT ("number"), LINK ("distributor", CT_FIELD_REQUIRED),
      CHOICE ("status", "draft", order_states), TIME ("status_since", CT_FIELD_NOW), DATE ("ordered_on"),
      DATE ("required_on"), CURRENCY (CT_FIELD_REQUIRED), MONEY ("total", CT_FIELD_DEFAULTED),
      TEXT ("lane_origin"), TEXT ("lane_destination"), TEXT ("notes"), ORIGIN, ARCHIVED } },
  { "order_line",
    "order_lines",
    "order_lines.csv",
    { "order", "position" },
    NULL,
    0,
    FALSE,
    { LINK ("order", CT_FIELD_REQUIRED),
      { "position", "position", CT_FIELD_INTEGER, CT_FIELD_REQUIRED, .least = 1, .most = 1000000 },
      LINK ("product", CT_FIELD_NULLABLE),
      REQUIRED_TEXT ("sku"),
      { "quantity", "quantity_milli", CT_FIELD_DECIMAL, CT_FIELD_REQUIRED, .digits = 3, .least = 1,
        .most = CT_QUANTITY_MOST },
      MONEY ("unit_price", CT_FIELD_REQUIRED),
      { "discount", "discount_bp", CT_FIELD_DECIMAL, CT_FIELD_DEFAULTED, "0", .digits = 4, .least = 0,
        .most = 10000 },
      MONEY ("total", CT_FIELD_REQUIRED),
      ORIGIN } },
  { "invoice",
    "invoices",
    "invoices.csv",
    { "number" },
    "INV",
    4,
    TRUE,
    { REQUIRED_TEXT ("number"), LINK ("order", CT_FIELD_REQUIRED), LINK ("distributor", CT_FIELD_REQUIRED),
      CHOICE ("state", "draft", invoice_states), CURRENCY (CT_FIELD_REQUIRED),
      MONEY ("amount", CT_FIELD_REQUIRED), MONEY ("paid", CT_FIELD_DEFAULTED), DATE ("issued_on"),
      DATE ("due_on"), DATE ("paid_on"), ORIGIN, ARCHIVED } },
  { "shipment",
    "shipments",
    "shipments.csv",
    { "number" },
    "SHP",
    4,
    TRUE,
    { REQUIRED_TEXT ("number"),
      LINK ("order", CT_FIELD_REQUIRED),
      TEXT ("carrier"),
      TEXT ("tracking_number"),
      CHOICE ("state", "planned", shipment_states),
      TIME ("promised", CT_FIELD_NULLABLE),
      TIME ("eta", CT_FIELD_NULLABLE),
      TIME ("shipped", CT_FIELD_NULLABLE),
      TIME ("delivered", CT_FIELD_NULLABLE),
      { "pickup_attempts", "pickup_attempts", CT_FIELD_INTEGER, CT_FIELD_DEFAULTED, "0", .least = 0,
        .most = 1000000 },
      { "proof_of_delivery", "proof_of_delivery", CT_FIELD_BOOLEAN, CT_FIELD_DEFAULTED, "0" },
      CURRENCY (CT_FIELD_NULLABLE),
      MONEY ("freight", CT_FIELD_NULLABLE),
      TEXT ("destination"),
      ORIGIN,
      ARCHIVED } },
  { "shipment_event",
    "shipment_events",
    "shipment_events.csv",
    { "shipment", "kind", "happened" },
    NULL,
    0,
    TRUE,
    { LINK ("shipment", CT_FIELD_REQUIRED), REQUIRED_TEXT ("kind"), TIME ("happened", CT_FIELD_REQUIRED),
      TIME ("eta", CT_FIELD_NULLABLE), TEXT ("place"), TEXT ("note"), ORIGIN } },
  { "document",
    "documents",
    "documents.csv",
    { "distributor", "order", "kind" },
    NULL,
    0,
    TRUE,
    { LINK ("distributor", CT_FIELD_REQUIRED), LINK ("order", CT_FIELD_NULLABLE), REQUIRED_TEXT ("kind"),
      CHOICE ("state", "missing", document_states), DATE ("expires_on"), TEXT ("reason"), ORIGIN,
      ARCHIVED } },
};

/* (nullable) */
const CtKind *
ct_kind_find (const char *name)
{
  for (guint i = 0; name && i < G_N_ELEMENTS (kinds); i++)
    if (strcmp (kinds[i].name, name) == 0)
      return &kinds[i];
  return NULL;
}

/* The kinds in an order in which parents come first; (nullable) after the last one. */
const CtKind *
ct_kind_nth (guint i)
{
  return i < G_N_ELEMENTS (kinds) ? &kinds[i] : NULL;
}

guint
ct_kind_n_fields (const CtKind *self)
{
  guint n = 0;

  while (n < CT_KIND_MAX_FIELDS && self->fields[n].name)
    n++;
  return n;
}

/* -1 where the kind has no such field. */
int
ct_kind_field_index (const CtKind *self, const char *name)
{
  for (guint i = 0; name && i < CT_KIND_MAX_FIELDS && self->fields[i].name; i++)
    if (strcmp (self->fields[i].name, name) == 0)
      return (int) i;
  return -1;
}
