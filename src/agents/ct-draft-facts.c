/* Facts for a draft: values from the records of the task's exception, each with the fields it can be held to. */
#include "ct-draft-facts.h"
#include "ct-approval-context.h"
#include "ct-rows.h"

#include <string.h>

#define MOST_VALUE    300
#define MOST_EVIDENCE 8

/* Which fields of its subject a rule's fact is made of. */
static const struct {
  const char *type, *fact;
  const char *fields[2];
} sources[] = {
  { "invoice", "invoice_number", { "number" } },
  { "invoice", "state", { "state" } },
  { "invoice", "due_on", { "due_on" } },
  { "invoice", "days_overdue", { "due_on", "state" } },
  { "invoice", "paid_on", { "paid_on" } },
  { "invoice", "amount", { "amount_minor" } },
  { "invoice", "paid", { "paid_minor" } },
  { "invoice", "open_amount", { "amount_minor", "paid_minor" } },
  { "order", "status", { "status" } },
  { "order", "status_since", { "status" } },
  { "order", "status_days", { "status" } },
  { "order", "ordered_on", { "ordered_on" } },
  { "order", "required_on", { "required_on" } },
  { "order", "days_overdue", { "required_on", "status" } },
  { "order", "days_late", { "required_on", "status" } },
  { "order", "delivered", { "status" } },
  { "order", "shipped", { "status" } },
  { "order", "total", { "total_minor" } },
  { "order", "order_number", { "number" } },
  { "distributor", "onboarding_state", { "onboarding_state" } },
  { "distributor", "onboarding_since", { "onboarding_state" } },
  { "distributor", "onboarding_days", { "onboarding_state" } },
  { "distributor", "credit_limit", { "credit_limit_minor" } },
  { "distributor", "exposure", { "credit_limit_minor" } },
  { "shipment", "shipment_number", { "number" } },
  { "shipment", "state", { "state" } },
  { "shipment", "carrier", { "carrier" } },
  { "shipment", "promised", { "promised_at" } },
  { "shipment", "eta", { "eta_at" } },
  { "shipment", "eta_drift_hours", { "eta_at", "promised_at" } },
  { "shipment", "shipped_at", { "shipped_at" } },
  { "shipment", "delivered_at", { "delivered_at" } },
  { "shipment", "pickup_attempts", { "pickup_attempts", "state" } },
  { "shipment", "proof_of_delivery", { "proof_of_delivery" } },
  { "document", "kind", { "kind" } },
  { "document", "state", { "state" } },
  { "document", "reason", { "reason" } },
  { "document", "expires_on", { "expires_on" } },
  { "document", "days_to_expiry", { "expires_on", "state" } },
};

/* Values that stand in a record as they are: placeholder, kind of record, field. */
static const struct {
  const char *key, *type, *field;
} plain[] = {
  { "orderNumber", "order", "number" },
  { "requiredOn", "order", "required_on" },
  { "distributor", "distributor", "legal_name" },
  { "invoiceNumber", "invoice", "number" },
  { "dueOn", "invoice", "due_on" },
  { "carrier", "shipment", "carrier" },
  { "trackingNumber", "shipment", "tracking_number" },
  { "documentKind", "document", "kind" },
  { "exceptionNumber", "exception", "number" },
};

/* The records around one exception, by kind. */
typedef struct {
  CtDb *db;
  CtDraftContext *context;
  JsonObject *exception; /* (owned) */
  JsonArray *evidence;   /* (unowned) */
  gint64 now;
} Reader;

/* Adding */

/* With the value as it is read now, so that a change while the draft is written is seen when it is stored. */
static void
add_ref (Reader *self, JsonArray *refs, const char *type, const char *id, const char *field)
{
  JsonNode *value;
  CtId parsed;

  if (!id || !ct_id_parse (id, &parsed) || !ct_approval_context_knows (type, field))
    return;
  value = ct_approval_context_read (self->db, type, &parsed, field, NULL);
  if (value)
    json_array_add_object_element (
        refs, ct_json_build ("sssn", "type", type, "id", id, "field", field, "value", value));
}

/* Takes @refs. A number that has not been given yet is nothing a draft may quote. */
static void
add_fact (Reader *self, const char *key, const char *value, JsonArray *refs)
{
  CtDraftFact *fact;
  gboolean cleaned = FALSE;
  g_autofree char *clean = value ? ct_draft_context_clean (value, MOST_VALUE, &cleaned) : NULL;
  gsize length;

  if (ct_text_is_blank (clean) || ct_number_find_provisional (clean, &length)) {
    json_array_unref (refs);
    return;
  }
  fact = g_new0 (CtDraftFact, 1);
  fact->key = g_strdup (key);
  fact->value = g_steal_pointer (&clean);
  fact->refs = refs;
  self->context->n_cleaned += cleaned;
  g_ptr_array_add (self->context->facts, fact);
}

/* The id of the exception's record of a kind, as text; NULL where there is none. */
static char *
record_id (Reader *self, const char *type)
{
  const char *subject_type = ct_json_string (self->exception, "subjectType", "");

  if (strcmp (type, "exception") == 0)
    return g_strdup (ct_json_string (self->exception, "id", NULL));
  if (strcmp (type, subject_type) == 0)
    return g_strdup (ct_json_string (self->exception, "subjectId", NULL));
  if (strcmp (type, "order") == 0)
    return g_strdup (ct_json_string (self->exception, "orderId", NULL));
  if (strcmp (type, "distributor") == 0)
    return g_strdup (ct_json_string (self->exception, "distributorId", NULL));
  return NULL;
}

static char *
node_text (JsonNode *node)
{
  if (!node || JSON_NODE_HOLDS_NULL (node))
    return NULL;
  if (json_node_get_value_type (node) == G_TYPE_STRING)
    return g_strdup (json_node_get_string (node));
  return json_to_string (node, FALSE);
}

static gboolean
add_plain (Reader *self, const char *key, const char *type, const char *field, GError **error)
{
  g_autofree char *text = record_id (self, type);
  g_autoptr (JsonNode) node = NULL;
  g_autofree char *value = NULL;
  JsonArray *refs;
  CtId id;

  if (!ct_id_parse (text, &id))
    return TRUE;
  if (strcmp (type, "exception") == 0) {
    add_fact (self, key, ct_json_string (self->exception, field, NULL), json_array_new ());
    return TRUE;
  }
  node = ct_approval_context_read (self->db, type, &id, field, error);
  if (!node)
    return FALSE;
  value = node_text (node);
  refs = json_array_new ();
  add_ref (self, refs, type, text, field);
  add_fact (self, key, value, refs);
  return TRUE;
}

/* What the exception found */

static void
add_sources (Reader *self, const char *fact, JsonArray *refs)
{
  const char *type = ct_json_string (self->exception, "subjectType", "");
  const char *id = ct_json_string (self->exception, "subjectId", NULL);

  for (guint i = 0; i < G_N_ELEMENTS (sources); i++)
    if (strcmp (sources[i].type, type) == 0 && strcmp (sources[i].fact, fact) == 0)
      for (guint f = 0; f < 2 && sources[i].fields[f]; f++)
        add_ref (self, refs, type, id, sources[i].fields[f]);
}

static char *
evidence_value (JsonObject *entry)
{
  JsonNode *value = json_object_get_member (entry, "value");
  const char *text = ct_json_string (entry, "text", NULL);

  if (text)
    return g_strdup (text);
  if (value && JSON_NODE_HOLDS_VALUE (value) && json_node_get_value_type (value) == G_TYPE_BOOLEAN)
    return g_strdup (json_node_get_boolean (value) ? _ ("yes") : _ ("no"));
  if (value && JSON_NODE_HOLDS_VALUE (value) && json_node_get_value_type (value) == G_TYPE_STRING)
    return g_strdup (ct_state_label (json_node_get_string (value)));
  return value && JSON_NODE_HOLDS_VALUE (value) ? node_text (value) : NULL;
}

/* What the text names by itself, says already, or says by not saying it. */
static gboolean
is_redundant (JsonObject *entry, const char *value, GHashTable *said)
{
  const char *fact = ct_json_string (entry, "fact", "");

  return strcmp (fact, "distributor") == 0 || strcmp (fact, "order_number") == 0 ||
         (ct_json_string (entry, "text", NULL) && ct_json_int (entry, "value", 1) == 0) ||
         !g_hash_table_add (said, g_strdup (value));
}

/* "Due date: 2026-05-24, Open amount: 12840.00 EUR"; the approval stands on all of it, also on what is not repeated. */
static void
add_evidence (Reader *self)
{
  g_autoptr (GString) out = g_string_new (NULL);
  g_autoptr (GHashTable) said = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  JsonArray *refs = json_array_new ();
  guint n = self->evidence ? json_array_get_length (self->evidence) : 0, shown = 0;

  for (guint i = 0; i < n && shown < MOST_EVIDENCE; i++) {
    JsonNode *node = json_array_get_element (self->evidence, i);
    JsonObject *entry = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
    const char *label = ct_json_string (entry, "label", NULL);
    g_autofree char *value = entry ? evidence_value (entry) : NULL;

    if (!label || !value)
      continue;
    add_sources (self, ct_json_string (entry, "fact", ""), refs);
    if (is_redundant (entry, value, said))
      continue;
    g_string_append_printf (out, "%s%s: %s", shown++ ? ", " : "",
                            strcmp (self->context->language, "en") == 0 ? label : _ (label), value);
  }
  add_fact (self, "evidence", out->str, refs);
}

/* (nullable): the entry of a fact among the evidence */
static JsonObject *
find_evidence (Reader *self, const char *fact)
{
  for (guint i = 0; self->evidence && i < json_array_get_length (self->evidence); i++) {
    JsonNode *node = json_array_get_element (self->evidence, i);
    JsonObject *entry = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;

    if (g_strcmp0 (ct_json_string (entry, "fact", NULL), fact) == 0)
      return entry;
  }
  return NULL;
}

/* Days between a date and today, where it is over. */
static char *
days_since (Reader *self, const char *date)
{
  gint64 days;

  if (!date || !ct_date_valid (date))
    return NULL;
  days = ct_time_to_days (self->now, ct_db_get_zone (self->db)) - ct_date_to_days (date);
  return days > 0 ? g_strdup_printf ("%" G_GINT64_FORMAT, days) : NULL;
}

/* Late as the rule counted it where it is over (delivered late), else counted to today. */
static void
add_days_late (Reader *self)
{
  JsonObject *late = find_evidence (self, "days_late");
  const CtDraftFact *due = ct_draft_context_fact (self->context, "dueOn");
  const CtDraftFact *required = ct_draft_context_fact (self->context, "requiredOn");
  const CtDraftFact *from = due ? due : find_evidence (self, "days_overdue") ? required : NULL;
  g_autofree char *value = late ? evidence_value (late) : from ? days_since (self, from->value) : NULL;
  JsonArray *refs = from ? json_array_ref (from->refs) : json_array_new ();

  if (late)
    add_sources (self, "days_late", refs);
  add_fact (self, "daysLate", value, refs);
}

/* Amounts, names, instants */

static void
add_amount (Reader *self)
{
  gint64 amount = ct_json_int (self->exception, "valueMinor", 0);
  g_autofree char *text =
      amount > 0 ? ct_money_format (amount, ct_json_string (self->exception, "currency", "EUR")) : NULL;
  JsonArray *refs = json_array_new ();

  add_ref (self, refs, "exception", ct_json_string (self->exception, "id", NULL), "value_at_risk_minor");
  add_fact (self, "amount", text, refs);
}

static char *
local_time (Reader *self, gint64 at)
{
  g_autoptr (GDateTime) utc = at == CT_NULL_INT ? NULL : g_date_time_new_from_unix_utc (at / 1000);
  g_autoptr (GDateTime) local = utc ? g_date_time_to_timezone (utc, ct_db_get_zone (self->db)) : NULL;

  return local ? g_date_time_format (local, "%Y-%m-%d %H:%M %Z") : NULL;
}

static gboolean
add_promise (Reader *self, GError **error)
{
  g_autofree char *text = record_id (self, "shipment");
  g_autoptr (JsonNode) node = NULL;
  char date[CT_DATE_SIZE];
  JsonArray *refs;
  CtId id;

  if (!ct_id_parse (text, &id))
    return TRUE;
  node = ct_approval_context_read (self->db, "shipment", &id, "promised_at", error);
  if (!node)
    return FALSE;
  if (JSON_NODE_HOLDS_NULL (node))
    return TRUE;
  ct_time_to_date (json_node_get_int (node), ct_db_get_zone (self->db), date);
  refs = json_array_new ();
  add_ref (self, refs, "shipment", text, "promised_at");
  add_fact (self, "promisedOn", date, refs);
  return TRUE;
}

static gboolean
add_contact (Reader *self, GError **error)
{
  g_autoptr (CtStmt) stmt = NULL;
  JsonArray *refs;
  CtId id;

  if (ct_id_is_nil (&self->context->task.distributor_id))
    return TRUE;
  stmt = ct_db_query (
      self->db, error,
      "SELECT uuid_text(id), name FROM contacts WHERE distributor_id = ? AND archived_at IS NULL "
      "ORDER BY created_at, id LIMIT 1",
      "k", &self->context->task.distributor_id);
  if (!stmt)
    return FALSE;
  if (!ct_stmt_next (stmt) || !ct_id_parse (ct_stmt_text (stmt, 0), &id))
    return ct_stmt_finish (stmt, error);
  refs = json_array_new ();
  add_ref (self, refs, "contact", ct_stmt_text (stmt, 0), "name");
  add_fact (self, "contactName", ct_stmt_text (stmt, 1), refs);
  return TRUE;
}

static void
add_words (Reader *self)
{
  const CtTaskRow *task = &self->context->task;
  g_autofree char *score = g_strdup_printf ("%" G_GINT64_FORMAT, ct_json_int (self->exception, "score", 0));
  g_autofree char *due = local_time (self, task->sla_due_at);
  CtSeverity severity;

  add_fact (self, "nextAction", ct_json_string (self->exception, "nextAction", NULL), json_array_new ());
  add_fact (self, "subject", ct_json_string (self->exception, "subject", NULL), json_array_new ());
  add_fact (self, "blocker", self->context->blocker ? ct_blocker_label (self->context->blocker) : NULL,
            json_array_new ());
  if (ct_severity_parse (ct_json_string (self->exception, "severity", ""), &severity))
    add_fact (self, "severity", ct_severity_label (severity), json_array_new ());
  add_fact (self, "score", score, json_array_new ());
  add_fact (self, "owner", ct_role_label (task->owner), json_array_new ());
  add_fact (self, "agent", self->context->profile->title, json_array_new ());
  add_fact (self, "taskNumber", task->number, json_array_new ());
  add_fact (self, "escalation", task->escalation_rule, json_array_new ());
  add_fact (self, "slaDue", due, json_array_new ());
}

gboolean
ct_draft_facts_read (CtDb *db, gint64 now, CtDraftContext *self, GError **error)
{
  Reader reader = { .db = db, .context = self, .now = now };
  g_autoptr (JsonObject) exception = NULL;

  exception =
      ct_id_is_nil (&self->task.exception_id)
          ? json_object_new ()
          : ct_rows_one (db, error,
                         "SELECT id, number, blocker, severity, score, subject, subject_type AS subjectType, "
                         "subject_id AS subjectId, order_id AS orderId, distributor_id AS distributorId, "
                         "value_at_risk_minor AS valueMinor, currency, next_action AS nextAction, "
                         "evidence AS evidenceJson FROM exceptions WHERE id = ?",
                         "k", &self->task.exception_id);
  if (!exception)
    return FALSE;
  reader.exception = exception;
  reader.evidence = ct_json_array (exception, "evidence");
  self->blocker = g_strdup (ct_json_string (exception, "blocker", NULL));
  for (guint i = 0; i < G_N_ELEMENTS (plain); i++)
    if (!add_plain (&reader, plain[i].key, plain[i].type, plain[i].field, error))
      return FALSE;
  if (!add_promise (&reader, error) || !add_contact (&reader, error))
    return FALSE;
  add_evidence (&reader);
  add_days_late (&reader);
  add_amount (&reader);
  add_words (&reader);
  return TRUE;
}
