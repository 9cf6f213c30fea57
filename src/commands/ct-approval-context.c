#include "ct-approval-context.h"

#include <string.h>

#define MOST_FACTS   200
#define MOST_CONTEXT (1 << 20)

/* What a draft may cite: a record of a kind by its id, and one of its columns. */
static const struct {
  const char *type;
  const char *table;
  const char *label; /* column that people know the record by */
  const char *fields[16];
} records[] = {
  { "exception",
    "exceptions",
    "number",
    { "state", "episode", "severity", "value_at_risk_minor", "currency", "subject", "next_action", NULL } },
  { "order",
    "orders",
    "number",
    { "number", "status", "ordered_on", "required_on", "total_minor", "currency", "lane_origin",
      "lane_destination", NULL } },
  { "distributor",
    "distributors",
    "number",
    { "legal_name", "country", "region", "onboarding_state", "credit_limit_minor", "currency", "language",
      "value_band", NULL } },
  { "contact", "contacts", "name", { "name", "email", "role", NULL } },
  { "invoice",
    "invoices",
    "number",
    { "number", "state", "amount_minor", "paid_minor", "currency", "issued_on", "due_on", "paid_on", NULL } },
  { "shipment",
    "shipments",
    "number",
    { "number", "state", "carrier", "tracking_number", "promised_at", "eta_at", "shipped_at", "delivered_at",
      "pickup_attempts", "proof_of_delivery", "destination", NULL } },
  { "document", "documents", "kind", { "kind", "state", "expires_on", "reason", NULL } },
  { "product", "products", "sku", { "sku", "name", "stock_milli", NULL } },
  { "article", "articles", "title", { "title", "rev", NULL } },
  { "interaction", "interactions", "number", { "kind", "rating", "text", "state", NULL } },
};

static int
find_record (const char *type)
{
  for (guint i = 0; type && i < G_N_ELEMENTS (records); i++)
    if (strcmp (records[i].type, type) == 0)
      return (int) i;
  return -1;
}

/* Whether a draft may cite this field of this kind of record. */
gboolean
ct_approval_context_knows (const char *type, const char *field)
{
  int record = find_record (type);

  return record >= 0 && ct_text_index (records[record].fields, field) >= 0;
}

static JsonNode *
value_node (CtStmt *stmt)
{
  JsonNode *node = json_node_alloc ();

  switch (ct_stmt_type (stmt, 0)) {
  case 'i':
    return json_node_init_int (node, ct_stmt_int (stmt, 0));
  case 't':
    return json_node_init_string (node, ct_stmt_text (stmt, 0));
  default:
    return json_node_init_null (node);
  }
}

/**
 * ct_approval_context_read:
 *
 * Returns: (transfer full): the field as it is now; JSON null where it has no value or the record is gone;
 *   %CT_ERROR_INVALID where it cannot be cited
 */
JsonNode *
ct_approval_context_read (CtDb *db, const char *type, const CtId *id, const char *field, GError **error)
{
  g_autofree char *sql = NULL;
  g_autoptr (CtStmt) stmt = NULL;
  g_autoptr (JsonNode) node = NULL;

  if (!ct_approval_context_knows (type, field)) {
    ct_fail (error, CT_ERROR_INVALID, _ ("A draft cannot cite “%s” of “%s”"), field ? field : "",
             type ? type : "");
    return NULL;
  }
  sql = g_strdup_printf ("SELECT %s FROM %s WHERE id = ?", field, records[find_record (type)].table);
  stmt = ct_db_query (db, error, sql, "k", id);
  if (!stmt)
    return NULL;
  node = ct_stmt_next (stmt) ? value_node (stmt) : json_node_init_null (json_node_alloc ());
  return ct_stmt_finish (stmt, error) ? g_steal_pointer (&node) : NULL;
}

/* (transfer full): what people call a record: "INV-2026-0311" */
char *
ct_approval_context_label (CtDb *db, const char *type, const CtId *id)
{
  int record = find_record (type);
  g_autofree char *sql = record < 0 ? NULL
                                    : g_strdup_printf ("SELECT %s FROM %s WHERE id = ?",
                                                       records[record].label, records[record].table);
  char *label = sql ? ct_db_read_text (db, NULL, sql, "k", id) : NULL;

  return label ? label : g_strdup (type);
}

/* Building */

static int
compare_keys (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* "type\037id\037field", sorted and without repeats; every task's exception is cited by itself. */
static GPtrArray *
collect_keys (CtDb *db, const CtId *task, JsonArray *cited, GError **error)
{
  g_autoptr (GPtrArray) keys = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *exception = ct_db_read_text (
      db, error, "SELECT coalesce(uuid_text(exception_id), '') FROM follow_up_tasks WHERE id = ?", "k", task);
  guint n = cited ? json_array_get_length (cited) : 0;

  if (!exception)
    return NULL;
  if (n > MOST_FACTS) {
    ct_fail (error, CT_ERROR_INVALID, _ ("A draft can cite at most %d facts"), MOST_FACTS);
    return NULL;
  }
  for (guint i = 0; i < n; i++) {
    JsonNode *node = json_array_get_element (cited, i);
    JsonObject *fact = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
    const char *type = ct_json_string (fact, "type", NULL), *field = ct_json_string (fact, "field", NULL);
    const char *id = ct_json_string (fact, "id", NULL);
    CtId parsed;

    if (!ct_approval_context_knows (type, field) || !ct_id_parse (id, &parsed)) {
      ct_fail (error, CT_ERROR_INVALID, _ ("Fact %u is nothing that a draft can cite"), i + 1);
      return NULL;
    }
    g_ptr_array_add (keys, g_strdup_printf ("%s\037%s\037%s", type, id, field));
  }
  if (*exception) {
    g_ptr_array_add (keys, g_strdup_printf ("exception\037%s\037state", exception));
    g_ptr_array_add (keys, g_strdup_printf ("exception\037%s\037episode", exception));
  }
  g_ptr_array_sort (keys, compare_keys);
  for (guint i = keys->len; i > 1; i--)
    if (strcmp (keys->pdata[i - 1], keys->pdata[i - 2]) == 0)
      g_ptr_array_remove_index (keys, i - 1);
  return g_steal_pointer (&keys);
}

/* The newest message from the other side; local row numbers have no say, they differ between replicas. */
static gboolean
read_last_inbound (CtDb *db, const CtId *task, JsonNode **inbound, GError **error)
{
  g_autoptr (CtStmt) stmt = ct_db_query (db, error,
                                         "SELECT id, sha256(text), count(*) OVER () FROM replies WHERE "
                                         "task_id = ? ORDER BY received_at DESC, id DESC LIMIT 1",
                                         "k", task);
  CtHash hash;
  CtId id;

  if (!stmt)
    return FALSE;
  if (ct_stmt_next (stmt) && ct_stmt_id (stmt, 0, &id) && ct_stmt_hash (stmt, 1, &hash)) {
    g_autofree char *id_text = ct_id_to_string (&id);
    g_autofree char *hex = ct_hash_to_hex (&hash);

    *inbound = ct_json_wrap_object (
        ct_json_build ("ssi", "id", id_text, "sha256", hex, "count", ct_stmt_int (stmt, 2)));
    return TRUE;
  }
  if (!ct_stmt_finish (stmt, error))
    return FALSE;
  *inbound = json_node_init_null (json_node_alloc ());
  return TRUE;
}

static JsonArray *
read_facts (CtDb *db, GPtrArray *keys, GError **error)
{
  g_autoptr (JsonArray) facts = json_array_new ();

  for (guint i = 0; i < keys->len; i++) {
    g_auto (GStrv) parts = g_strsplit (keys->pdata[i], "\037", 3);
    JsonNode *value;
    CtId id;

    ct_id_parse (parts[1], &id);
    value = ct_approval_context_read (db, parts[0], &id, parts[2], error);
    if (!value)
      return NULL;
    json_array_add_object_element (
        facts, ct_json_build ("sssn", "type", parts[0], "id", parts[1], "field", parts[2], "value", value));
  }
  return g_steal_pointer (&facts);
}

/**
 * ct_approval_context_build:
 * @cited: (nullable): [{"type", "id", "field"}…]; other members are ignored: the values are read here
 *
 * Returns: (transfer full): the context as it is now, canonical JSON; %CT_ERROR_INVALID where something cannot be
 *   cited
 */
char *
ct_approval_context_build (CtDb *db, const CtId *task, JsonArray *cited, GError **error)
{
  g_autoptr (GPtrArray) keys = collect_keys (db, task, cited, error);
  g_autoptr (JsonArray) facts = keys ? read_facts (db, keys, error) : NULL;
  g_autoptr (JsonObject) context = NULL;
  JsonNode *inbound = NULL;

  if (!facts || !read_last_inbound (db, task, &inbound, error))
    return NULL;
  context = ct_json_build ("ani", "facts", json_array_ref (facts), "last_inbound", inbound, "v", (gint64) 1);
  return ct_json_canonical_object (context, error);
}

static JsonObject *
parse_context (const char *context, GError **error)
{
  g_autoptr (JsonNode) node = ct_json_parse (context, -1, MOST_CONTEXT, error);

  if (!node)
    return NULL;
  if (JSON_NODE_HOLDS_OBJECT (node) && ct_json_array (json_node_get_object (node), "facts"))
    return json_object_ref (json_node_get_object (node));
  ct_fail (error, CT_ERROR_CORRUPT, "The context of an approval is not of its form");
  return NULL;
}

/* (transfer full): the same facts as they are now */
char *
ct_approval_context_renew (CtDb *db, const CtId *task, const char *context, GError **error)
{
  g_autoptr (JsonObject) object = parse_context (context, error);

  return object ? ct_approval_context_build (db, task, ct_json_array (object, "facts"), error) : NULL;
}

/* Showing */

/* (transfer full): the facts of a context with the "label" of their records, for people */
JsonArray *
ct_approval_context_facts (CtDb *db, const char *context, GError **error)
{
  g_autoptr (JsonObject) object = parse_context (context, error);
  JsonArray *facts = ct_json_array (object, "facts");

  for (guint i = 0; facts && i < json_array_get_length (facts); i++) {
    JsonObject *fact = json_array_get_object_element (facts, i);
    g_autofree char *label = NULL;
    CtId id;

    if (!ct_id_parse (ct_json_string (fact, "id", NULL), &id))
      continue;
    label = ct_approval_context_label (db, ct_json_string (fact, "type", ""), &id);
    json_object_set_string_member (fact, "label", label);
  }
  return facts ? json_array_ref (facts) : NULL;
}

static JsonNode *
find_value (JsonArray *facts, JsonObject *fact)
{
  static const char *const members[] = { "type", "id", "field", NULL };

  for (guint i = 0; i < json_array_get_length (facts); i++) {
    JsonObject *other = json_array_get_object_element (facts, i);
    gboolean same = TRUE;

    for (guint m = 0; members[m]; m++)
      same &=
          g_strcmp0 (ct_json_string (other, members[m], NULL), ct_json_string (fact, members[m], NULL)) == 0;
    if (same)
      return json_object_get_member (other, "value");
  }
  return NULL;
}

static JsonNode *
copy_or_null (JsonNode *node)
{
  return node ? json_node_copy (node) : json_node_init_null (json_node_alloc ());
}

/**
 * ct_approval_context_changes:
 *
 * Returns: (transfer full): [{"label", "field", "before", "after"}…]: what differs; a new message that came in has
 *   the field "last_inbound"
 */
JsonArray *
ct_approval_context_changes (CtDb *db, const char *before, const char *after, GError **error)
{
  g_autoptr (JsonObject) old = parse_context (before, error);
  g_autoptr (JsonObject) new = old ? parse_context (after, error) : NULL;
  g_autoptr (JsonArray) changes = json_array_new ();
  g_autoptr (JsonArray) facts = new ? ct_approval_context_facts (db, before, error) : NULL;

  if (!facts)
    return NULL;
  for (guint i = 0; i < json_array_get_length (facts); i++) {
    JsonObject *fact = json_array_get_object_element (facts, i);
    JsonNode *was = json_object_get_member (fact, "value"),
             *is = find_value (ct_json_array (new, "facts"), fact);

    if (was && is && json_node_equal (was, is))
      continue;
    json_array_add_object_element (changes,
                                   ct_json_build ("ssnn", "label", ct_json_string (fact, "label", ""),
                                                  "field", ct_json_string (fact, "field", ""), "before",
                                                  copy_or_null (was), "after", copy_or_null (is)));
  }
  if (!json_node_equal (json_object_get_member (old, "last_inbound"),
                        json_object_get_member (new, "last_inbound")))
    json_array_add_object_element (
        changes, ct_json_build ("ss", "label", _ ("a new message"), "field", "last_inbound"));
  return g_steal_pointer (&changes);
}

static char *
value_text (JsonNode *node)
{
  if (!node || JSON_NODE_HOLDS_NULL (node))
    return g_strdup ("—");
  if (json_node_get_value_type (node) == G_TYPE_STRING)
    return g_strdup (json_node_get_string (node));
  return json_to_string (node, FALSE);
}

/* (transfer full): "INV-2026-0311 paid_minor: 0 → 1284000; a new message" */
char *
ct_approval_context_describe (JsonArray *changes)
{
  GString *out = g_string_new (NULL);

  for (guint i = 0; i < json_array_get_length (changes); i++) {
    JsonObject *change = json_array_get_object_element (changes, i);

    g_string_append_printf (out, "%s%s", i ? "; " : "", ct_json_string (change, "label", ""));
    if (json_object_has_member (change, "before")) {
      g_autofree char *before = value_text (json_object_get_member (change, "before"));
      g_autofree char *after = value_text (json_object_get_member (change, "after"));

      g_string_append_printf (out, " %s: %s → %s", ct_json_string (change, "field", ""), before, after);
    }
  }
  return g_string_free (out, FALSE);
}
