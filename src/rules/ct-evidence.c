/* Evidence and scores as people read them. */
#include "ct-evidence.h"
#include "ct-format.h"
#include "ct-rows.h"
#include "ct-rule.h"

#include <string.h>

/* How values of one subject are written. */
typedef struct {
  const CtSubject *subject; /* (nullable) */
  const char *currency;
  GTimeZone *zone;
} Words;

static char *value_words (const Words *self, char type, JsonNode *node);

static char *
list_words (const Words *self, char type, JsonArray *list)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < json_array_get_length (list); i++) {
    g_autofree char *one = value_words (self, type, json_array_get_element (list, i));

    g_string_append_printf (text, "%s%s", i ? ", " : "", one);
  }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static char *
string_words (const Words *self, const char *text)
{
  gint64 at;

  if (ct_date_valid (text))
    return ct_format_date (text);
  if (ct_time_parse (text, &at))
    return ct_format_full_time (at, self->zone);
  return g_strdup (ct_state_label (text));
}

/* @type: of the fact; 0 where it is not known */
static char *
value_words (const Words *self, char type, JsonNode *node)
{
  if (!node || JSON_NODE_HOLDS_NULL (node))
    return g_strdup ("—");
  if (JSON_NODE_HOLDS_ARRAY (node))
    return list_words (self, type, json_node_get_array (node));
  if (!JSON_NODE_HOLDS_VALUE (node))
    return ct_json_canonical (node, NULL);
  switch (json_node_get_value_type (node)) {
  case G_TYPE_INT64:
    return type == 'm' ? ct_format_money (json_node_get_int (node), self->currency)
                       : ct_format_count (json_node_get_int (node));
  case G_TYPE_BOOLEAN:
    return g_strdup (json_node_get_boolean (node) ? _ ("yes") : _ ("no"));
  case G_TYPE_STRING:
    return string_words (self, json_node_get_string (node));
  default:
    return ct_json_canonical (node, NULL);
  }
}

static char
type_of (const Words *self, const char *fact)
{
  const CtFact *found = self->subject ? ct_fact_find (self->subject, fact) : NULL;

  return found ? found->type : 0;
}

/* (transfer full) (nullable): "more than 30" */
static char *
threshold_words (const Words *self, char type, JsonObject *entry)
{
  static const struct {
    const char *operator, * words;
  } conditions[] = {
    { "is", "%s" },
    { "is_not", N_ ("not %s") },
    { "in", N_ ("one of %s") },
    { "not_in", N_ ("none of %s") },
    { "before", N_ ("before %s") },
    { "on_or_before", N_ ("%s or earlier") },
    { "after", N_ ("after %s") },
    { "on_or_after", N_ ("%s or later") },
    { "less", N_ ("less than %s") },
    { "at_most", N_ ("at most %s") },
    { "more", N_ ("more than %s") },
    { "at_least", N_ ("at least %s") },
  };
  const char *operator= ct_json_string (entry, "operator", NULL);
  g_autofree char *threshold = NULL;

  if (!operator)
    return NULL;
  if (strcmp (operator, "known") == 0)
    return g_strdup (ct_json_bool (entry, "threshold", TRUE) ? _ ("known") : _ ("not known"));
  threshold = value_words (self, type, json_object_get_member (entry, "threshold"));
  for (guint i = 0; i < G_N_ELEMENTS (conditions); i++)
    if (strcmp (conditions[i].operator, operator) == 0) {
      g_auto (GStrv) parts = g_strsplit (_ (conditions[i].words), "%s", 2);

      return g_strconcat (parts[0], threshold, parts[1], NULL);
    }
  return g_strdup_printf ("%s %s", operator, threshold);
}

/**
 * ct_evidence_put_words:
 * @evidence: as an exception holds it
 * @subject_type: what the exception is about, "order"
 * @currency: of its amounts
 *
 * Adds to each entry what people read: "text", its value, and "because", the condition that it met.
 */
void
ct_evidence_put_words (JsonArray *evidence, const char *subject_type, const char *currency, GTimeZone *zone)
{
  Words words = { ct_subject_find (subject_type), currency, zone };

  for (guint i = 0; i < json_array_get_length (evidence); i++) {
    JsonNode *node = json_array_get_element (evidence, i);
    JsonObject *entry = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
    char type = entry ? type_of (&words, ct_json_string (entry, "fact", "")) : 0;
    g_autofree char *text = NULL, *because = NULL;

    if (!entry)
      continue;
    json_object_set_string_member (entry, "label", _ (ct_json_string (entry, "label", "")));
    /* an amount under another name than a fact's keeps the text it came with */
    if (type || !json_object_has_member (entry, "text")) {
      text = value_words (&words, type, json_object_get_member (entry, "value"));
      json_object_set_string_member (entry, "text", text);
    }
    because = threshold_words (&words, type, entry);
    if (because)
      json_object_set_string_member (entry, "because", because);
  }
}

/* --- score ---------------------------------------------------------------------------------------------------- */

/* The facts of the subject as they are now, by the statement that detection reads them with; none where it is gone. */
static JsonObject *
read_now (CtDb *db, CtRule *rule, const CtId *subject, gint64 now, GError **error)
{
  g_autofree char *columns = NULL, *sql = NULL;
  g_autoptr (CtStmt) stmt = NULL;
  g_autoptr (JsonObject) facts = NULL;
  CtRuleTime time;

  ct_rule_time_init (&time, now, ct_db_get_zone (db));
  columns = ct_rule_read_columns (rule, &time);
  sql = g_strdup_printf ("SELECT %s FROM %s s WHERE s.id = ?", columns, rule->subject->table);
  stmt = ct_db_query (db, error, sql, "k", subject);
  if (!stmt)
    return NULL;
  facts = ct_stmt_next (stmt) ? ct_rule_read_facts (rule, stmt) : json_object_new ();
  return ct_stmt_finish (stmt, error) ? g_steal_pointer (&facts) : NULL;
}

/* What the exception was raised with stands before what has changed since. */
static void
put_evidence (JsonObject *facts, JsonArray *evidence)
{
  for (guint i = 0; evidence && i < json_array_get_length (evidence); i++) {
    JsonNode *node = json_array_get_element (evidence, i);
    JsonObject *entry = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;

    if (entry && json_object_has_member (entry, "value"))
      json_object_set_member (facts, ct_json_string (entry, "fact", ""),
                              json_node_copy (json_object_get_member (entry, "value")));
  }
}

static void
add_part (JsonArray *parts, const char *fact, const char *label, const char *text, gint64 points)
{
  json_array_add_object_element (
      parts, ct_json_build ("sssi", "fact", fact, "label", label, "text", text, "points", points));
}

/* Names for the parts, and what else the score of the exception came from. */
static void
put_parts_in_words (JsonArray *parts, CtRule *rule, JsonObject *exception)
{
  Words words = { rule->subject, ct_json_string (exception, "currency", "EUR"), NULL };
  gint64 score = ct_json_int (exception, "score", 0), total = 0;

  for (guint i = 0; i < json_array_get_length (parts); i++) {
    JsonObject *part = json_array_get_object_element (parts, i);
    const CtFact *fact = ct_fact_find (rule->subject, ct_json_string (part, "fact", NULL));
    g_autofree char *text =
        fact ? value_words (&words, fact->type, json_object_get_member (part, "value")) : NULL;

    total += ct_json_int (part, "points", 0);
    json_object_set_string_member (part, "label", fact ? _ (fact->label) : _ ("The rule by itself"));
    json_object_set_string_member (part, "text", fact ? text : rule->title);
  }
  if (total < 0 || total > 100) {
    add_part (parts, "limit", _ ("Held between 0 and 100"), "", CLAMP (total, 0, 100) - total);
    total = CLAMP (total, 0, 100);
  }
  if (total != score)
    add_part (parts, "since", _ ("Facts or rule changed since"), "", score - total);
}

/**
 * ct_evidence_score:
 *
 * Returns: (transfer full): what the score of an exception is made of: [{"fact", "label", "text", "points"}, …]; the
 *   points add up to the score. Empty where its rule is gone.
 */
JsonArray *
ct_evidence_score (CtDb *db, const CtId *exception, gint64 now, GError **error)
{
  g_autoptr (JsonObject) row = ct_rows_one (
      db, error,
      "SELECT e.score, e.currency, uuid_text(e.subject_id) subject, e.evidence evidenceJson, r.body rule "
      "FROM exceptions e LEFT JOIN rules r ON r.name = e.rule WHERE e.id = ?",
      "k", exception);
  const char *body = row ? ct_json_string (row, "rule", NULL) : NULL;
  g_autoptr (CtRule) rule = NULL;
  g_autoptr (JsonObject) facts = NULL;
  JsonArray *parts;
  CtId subject;

  if (!row)
    return NULL;
  if (!body || !ct_id_parse (ct_json_string (row, "subject", ""), &subject))
    return json_array_new ();
  rule = ct_rule_parse (body, error);
  facts = rule ? read_now (db, rule, &subject, now, error) : NULL;
  if (!facts)
    return NULL;
  put_evidence (facts, ct_json_array (row, "evidence"));
  parts = ct_scoring_explain (rule->scoring, facts);
  put_parts_in_words (parts, rule, row);
  return parts;
}
