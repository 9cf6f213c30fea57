/* Reading a hit with its facts, and saying why it is one. */
#include "ct-rule.h"

#include <string.h>

/* Columns of a hit before its facts. */
#define FIRST_FACT 7

/**
 * ct_rule_read_columns:
 *
 * Returns: (transfer full): what an exception needs of its subject's row s, followed by the rule's facts, as the columns
 *   of a SELECT
 */
char *
ct_rule_read_columns (CtRule *self, const CtRuleTime *time)
{
  const CtSubject *subject = self->subject;
  g_autoptr (GString) sql = g_string_new (NULL);

  g_string_append_printf (
      sql, "s.id, %s, %s, %s, (SELECT c.country FROM distributors c WHERE c.id = (%s)), %s, %s",
      subject->label, subject->order_id, subject->distributor_id, subject->distributor_id, subject->value,
      subject->currency);
  for (guint i = 0; i < self->facts->len; i++) {
    g_autofree char *fact = ct_rule_fact_sql (self->facts->pdata[i], time);

    g_string_append_printf (sql, ", %s", fact);
  }
  return g_string_free (g_steal_pointer (&sql), FALSE);
}

static JsonNode *
fact_node (const CtFact *fact, CtStmt *row, int column)
{
  if (ct_stmt_is_null (row, column))
    return json_node_init_null (json_node_alloc ());
  if (fact->type == 'b')
    return json_node_init_boolean (json_node_alloc (), ct_stmt_int (row, column) != 0);
  if (fact->type == 'a') {
    g_autofree char *text = ct_time_format (ct_stmt_int (row, column));

    return json_node_init_string (json_node_alloc (), text);
  }
  if (fact->type == 'i' || fact->type == 'm')
    return json_node_init_int (json_node_alloc (), ct_stmt_int (row, column));
  return json_node_init_string (json_node_alloc (), ct_stmt_text (row, column));
}

/* (transfer full): the facts of a row read with ct_rule_read_columns(), by name */
JsonObject *
ct_rule_read_facts (CtRule *self, CtStmt *row)
{
  JsonObject *facts = json_object_new ();

  for (guint i = 0; i < self->facts->len; i++) {
    const CtFact *fact = self->facts->pdata[i];

    json_object_set_member (facts, fact->name, fact_node (fact, row, FIRST_FACT + (int) i));
  }
  return facts;
}

/* A threshold as a person reads it: a moving one is resolved. */
static JsonNode *
threshold_node (JsonNode *value, JsonObject *facts, const CtRuleTime *time)
{
  JsonObject *object = JSON_NODE_HOLDS_OBJECT (value) ? json_node_get_object (value) : NULL;
  const char *other = ct_json_string (object, "fact", NULL);

  if (other && json_object_has_member (facts, other))
    return json_node_copy (json_object_get_member (facts, other));
  if (object && json_object_has_member (object, "today")) {
    char date[CT_DATE_SIZE];

    ct_date_from_days (ct_date_to_days (time->today) + ct_json_int (object, "today", 0), date);
    return json_node_init_string (json_node_alloc (), date);
  }
  if (object && json_object_has_member (object, "hours_ago")) {
    g_autofree char *text = ct_time_format (time->now - ct_json_int (object, "hours_ago", 0) * CT_MS_HOUR);

    return json_node_init_string (json_node_alloc (), text);
  }
  return json_node_copy (value);
}

static JsonObject *
evidence_of (const CtFact *fact, JsonObject *facts, const char *currency)
{
  JsonObject *entry = json_object_new ();

  json_object_set_string_member (entry, "fact", fact->name);
  json_object_set_string_member (entry, "label", fact->label);
  json_object_set_member (entry, "value", json_node_copy (json_object_get_member (facts, fact->name)));
  if (fact->type == 'm') {
    g_autofree char *money = ct_money_format (ct_json_int (facts, fact->name, 0), currency);

    json_object_set_string_member (entry, "text", money);
  }
  return entry;
}

/**
 * ct_rule_evidence:
 *
 * Returns: (transfer full): a canonical JSON array: each comparison's fact, value, operator and threshold, then the
 *   further facts that the rule shows
 */
char *
ct_rule_evidence (CtRule *self, JsonObject *facts, const CtRuleTime *time, const char *currency)
{
  g_autoptr (JsonArray) list = json_array_new ();
  g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);
  g_autoptr (JsonNode) node = NULL;

  for (guint i = 0; i < self->comparisons->len; i++) {
    const CtComparison *comparison = self->comparisons->pdata[i];
    JsonObject *entry = evidence_of (comparison->fact, facts, currency);

    json_object_set_string_member (entry, "operator", comparison->operator);
    json_object_set_member (entry, "threshold", threshold_node (comparison->value, facts, time));
    json_array_add_object_element (list, entry);
    g_hash_table_add (seen, (gpointer) comparison->fact);
  }
  for (guint i = 0; i < self->shown->len; i++)
    if (g_hash_table_add (seen, self->shown->pdata[i]))
      json_array_add_object_element (list, evidence_of (self->shown->pdata[i], facts, currency));
  node = ct_json_wrap_array (json_array_ref (list));
  return ct_json_canonical (node, NULL);
}

typedef struct {
  CtRule *rule;
  JsonObject *facts;
  const char *currency;
  char *last; /* (owned) */
} Placeholders;

static const char *
placeholder_cb (const char *name, gpointer data)
{
  Placeholders *self = data;
  const CtFact *fact = ct_fact_find (self->rule->subject, name);
  JsonNode *node = json_object_get_member (self->facts, name);

  g_clear_pointer (&self->last, g_free);
  if (!fact || !node || JSON_NODE_HOLDS_NULL (node))
    self->last = g_strdup ("—");
  else if (fact->type == 'm')
    self->last = ct_money_format (json_node_get_int (node), self->currency);
  else if (fact->type == 'i')
    self->last = g_strdup_printf ("%" G_GINT64_FORMAT, json_node_get_int (node));
  else if (fact->type == 'b')
    self->last = g_strdup (json_node_get_boolean (node) ? _ ("yes") : _ ("no"));
  else
    self->last = g_strdup (json_node_get_string (node));
  return self->last;
}

/* (transfer full): the recommended action with its facts */
char *
ct_rule_action (CtRule *self, JsonObject *facts, const char *currency)
{
  Placeholders data = { self, facts, currency, NULL };
  char *text = ct_text_expand (self->next_action, placeholder_cb, &data);

  g_free (data.last);
  return text;
}
