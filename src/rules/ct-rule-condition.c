/* Conditions: {"all": […]}, {"any": […]}, {"not": …}, or a comparison {"fact": NAME, OPERATOR: VALUE}. */
#include "ct-rule.h"

#include <string.h>

#define MOST_DEPTH       8
#define MOST_COMPARISONS 40

typedef struct {
  const char *name;
  const char *sql;
  const char *types; /* of facts it may compare */
} Operator;

static const Operator operators[] = {
  { "is", "IS", "timdab" },    { "is_not", "IS NOT", "timdab" },
  { "in", "IN", "t" },         { "not_in", "NOT IN", "t" },
  { "before", "<", "da" },     { "on_or_before", "<=", "da" },
  { "after", ">", "da" },      { "on_or_after", ">=", "da" },
  { "less", "<", "im" },       { "at_most", "<=", "im" },
  { "more", ">", "im" },       { "at_least", ">=", "im" },
  { "known", NULL, "timdab" },
};

static const Operator *
find_operator (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (operators); i++)
    if (strcmp (operators[i].name, name) == 0)
      return &operators[i];
  return NULL;
}

static JsonArray *
group_of (JsonNode *when, gboolean *any)
{
  JsonObject *object = JSON_NODE_HOLDS_OBJECT (when) ? json_node_get_object (when) : NULL;
  JsonArray *all = ct_json_array (object, "all");

  *any = !all;
  return all ? all : ct_json_array (object, "any");
}

/* Whether a value is a threshold that moves with time, and by how much it is off. */
static gboolean
moving (JsonNode *value, gboolean *days, gint64 *offset)
{
  JsonObject *object = JSON_NODE_HOLDS_OBJECT (value) ? json_node_get_object (value) : NULL;

  if (object && json_object_has_member (object, "today")) {
    *days = TRUE;
    *offset = ct_json_int (object, "today", 0);
    return TRUE;
  }
  if (object && json_object_has_member (object, "hours_ago")) {
    *days = FALSE;
    *offset = -ct_json_int (object, "hours_ago", 0) * CT_MS_HOUR;
    return TRUE;
  }
  return FALSE;
}

static gboolean
check_value (CtRule *self, const CtFact *fact, const Operator *operator, JsonNode * value, GError **error)
{
  JsonObject *object = JSON_NODE_HOLDS_OBJECT (value) ? json_node_get_object (value) : NULL;
  const char *other = ct_json_string (object, "fact", NULL);
  gboolean days;
  gint64 offset;

  if (other && !ct_fact_find (self->subject, other))
    return ct_fail (error, CT_ERROR_INVALID, _ ("Rule %s: a %s has no fact \"%s\""), self->name,
                    self->subject->name, other);
  if (moving (value, &days, &offset)) {
    if (!(fact->flags & CT_FACT_STORED) || days != (fact->type == 'd') || (!days && fact->type != 'a'))
      return ct_fail (error, CT_ERROR_INVALID, _ ("Rule %s: \"%s\" cannot be compared with a moving time"),
                      self->name, fact->name);
    return TRUE;
  }
  if (JSON_NODE_HOLDS_ARRAY (value) !=
      (*operator->types == 't' && strstr (operator->name, "in") && operator->sql &&
                                                                   g_str_has_suffix (operator->sql, "IN")))
    return ct_fail (error, CT_ERROR_INVALID, _ ("Rule %s: \"%s\" %s takes another kind of value"), self->name,
                    fact->name, operator->name);
  if (object && !other)
    return ct_fail (
        error, CT_ERROR_INVALID,
        _ ("Rule %s: the value of \"%s\" is none of a literal, \"fact\", \"today\", \"hours_ago\""),
        self->name, fact->name);
  return TRUE;
}

static gboolean
collect_comparison (CtRule *self, JsonObject *object, GError **error)
{
  const char *name = ct_json_string (object, "fact", NULL);
  const CtFact *fact = ct_fact_find (self->subject, name);
  CtComparison *comparison;
  const Operator *operator= NULL;
  JsonObjectIter iter;
  const char *member;
  JsonNode *node, *value = NULL;

  if (!fact)
    return ct_fail (error, CT_ERROR_INVALID, _ ("Rule %s: a %s has no fact \"%s\""), self->name,
                    self->subject->name, name ? name : "");
  if (fact->flags & CT_FACT_AGEING)
    return ct_fail (error, CT_ERROR_INVALID,
                    _ ("Rule %s: \"%s\" grows by itself; compare the date behind it"), self->name, name);
  json_object_iter_init (&iter, object);
  while (json_object_iter_next (&iter, &member, &node))
    if (strcmp (member, "fact") != 0) {
      operator= find_operator (member);
      value = node;
    }
  if (json_object_get_size (object) != 2 || !operator|| !strchr (operator->types, fact->type))
    return ct_fail (error, CT_ERROR_INVALID, _ ("Rule %s: \"%s\" needs exactly one operator that suits it"),
                    self->name, name);
  if (!check_value (self, fact, operator, value, error))
    return FALSE;
  comparison = g_new0 (CtComparison, 1);
  comparison->fact = fact;
  comparison->operator= operator->name;
  comparison->value = json_node_copy (value);
  g_ptr_array_add (self->comparisons, comparison);
  return self->comparisons->len <= MOST_COMPARISONS ||
         ct_fail (error, CT_ERROR_INVALID, _ ("Rule %s has more than %d comparisons"), self->name,
                  MOST_COMPARISONS);
}

/* Checks a condition and lists its comparisons, in the order in which the compiler meets them. */
gboolean
ct_rule_collect_comparisons (CtRule *self, JsonNode *when, guint depth, GError **error)
{
  gboolean any;
  JsonArray *group = group_of (when, &any);

  if (depth > MOST_DEPTH || !JSON_NODE_HOLDS_OBJECT (when))
    return ct_fail (error, CT_ERROR_INVALID,
                    _ ("Rule %s: the condition is nested too deeply or is no object"), self->name);
  if (json_object_has_member (json_node_get_object (when), "not"))
    return ct_rule_collect_comparisons (self, json_object_get_member (json_node_get_object (when), "not"),
                                        depth + 1, error);
  if (!group)
    return collect_comparison (self, json_node_get_object (when), error);
  if (json_array_get_length (group) == 0)
    return ct_fail (error, CT_ERROR_INVALID, _ ("Rule %s: an empty group says nothing"), self->name);
  for (guint i = 0; i < json_array_get_length (group); i++)
    if (!ct_rule_collect_comparisons (self, json_array_get_element (group, i), depth + 1, error))
      return FALSE;
  return TRUE;
}

static void
append_quoted (GString *sql, const char *text)
{
  g_string_append_c (sql, '\'');
  for (; *text; text++) {
    if (*text == '\'')
      g_string_append_c (sql, '\'');
    g_string_append_c (sql, *text);
  }
  g_string_append_c (sql, '\'');
}

static void
append_moved (GString *sql, gboolean days, gint64 offset, const CtRuleTime *time)
{
  char date[CT_DATE_SIZE];

  if (!days) {
    g_string_append_printf (sql, "%" G_GINT64_FORMAT, time->now + offset);
    return;
  }
  ct_date_from_days (ct_date_to_days (time->today) + offset, date);
  append_quoted (sql, date);
}

static void
append_literal (GString *sql, JsonNode *value)
{
  if (JSON_NODE_HOLDS_NULL (value))
    g_string_append (sql, "NULL");
  else if (json_node_get_value_type (value) == G_TYPE_STRING)
    append_quoted (sql, json_node_get_string (value));
  else if (json_node_get_value_type (value) == G_TYPE_BOOLEAN)
    g_string_append_c (sql, json_node_get_boolean (value) ? '1' : '0');
  else
    g_string_append_printf (sql, "%" G_GINT64_FORMAT, json_node_get_int (value));
}

static void
append_value (GString *sql, CtRule *self, JsonNode *value, const CtRuleTime *time)
{
  gboolean days;
  gint64 offset;

  if (moving (value, &days, &offset)) {
    append_moved (sql, days, offset, time);
  } else if (JSON_NODE_HOLDS_OBJECT (value)) {
    JsonObject *object = json_node_get_object (value);
    const CtFact *other = ct_fact_find (self->subject, ct_json_string (object, "fact", NULL));
    g_autofree char *text = ct_rule_fact_sql (other, time);
    gint64 plus = ct_json_int (object, "plus_days", 0);

    if (plus && other->type == 'd')
      g_string_append_printf (sql, "date(%s, '%+" G_GINT64_FORMAT " days')", text, plus);
    else
      g_string_append (sql, text);
  } else if (JSON_NODE_HOLDS_ARRAY (value)) {
    JsonArray *list = json_node_get_array (value);

    g_string_append_c (sql, '(');
    for (guint i = 0; i < json_array_get_length (list); i++) {
      if (i)
        g_string_append_c (sql, ',');
      append_literal (sql, json_array_get_element (list, i));
    }
    g_string_append_c (sql, ')');
  } else {
    append_literal (sql, value);
  }
}

static void
append_comparison (GString *sql, CtRule *self, const CtComparison *comparison, const CtRuleTime *time)
{
  g_autofree char *fact = ct_rule_fact_sql (comparison->fact, time);

  if (strcmp (comparison->operator, "known") == 0) {
    g_string_append_printf (sql, "%s IS %sNULL", fact,
                            json_node_get_boolean (comparison->value) ? "NOT " : "");
    return;
  }
  g_string_append_printf (sql, "%s %s ", fact, find_operator (comparison->operator)->sql);
  append_value (sql, self, comparison->value, time);
}

static void append_condition (GString *sql, CtRule *self, JsonNode *when, guint *next,
                              const CtRuleTime *time);

/* What a plain column decides comes before what needs a look into other tables. */
static void
append_group (GString *sql, CtRule *self, JsonArray *group, const char *joint, guint *next,
              const CtRuleTime *time)
{
  g_autoptr (GString) costly = g_string_new (NULL);
  gsize start = sql->len + 1;

  g_string_append_c (sql, '(');
  for (guint i = 0; i < json_array_get_length (group); i++) {
    JsonObject *object = json_array_get_object_element (group, i);
    const CtFact *fact = ct_fact_find (self->subject, ct_json_string (object, "fact", NULL));
    GString *into = fact && (fact->flags & CT_FACT_STORED) ? sql : costly;

    if (into->len > (into == sql ? start : 0))
      g_string_append (into, joint);
    append_condition (into, self, json_array_get_element (group, i), next, time);
  }
  if (costly->len && sql->len > start)
    g_string_append (sql, joint);
  g_string_append_len (sql, costly->str, (gssize) costly->len);
  g_string_append_c (sql, ')');
}

static void
append_condition (GString *sql, CtRule *self, JsonNode *when, guint *next, const CtRuleTime *time)
{
  gboolean any;
  JsonArray *group = group_of (when, &any);

  if (json_object_has_member (json_node_get_object (when), "not")) {
    g_string_append (sql, "NOT (");
    append_condition (sql, self, json_object_get_member (json_node_get_object (when), "not"), next, time);
    g_string_append_c (sql, ')');
    return;
  }
  if (!group) {
    append_comparison (sql, self, self->comparisons->pdata[(*next)++], time);
    return;
  }
  append_group (sql, self, group, any ? " OR " : " AND ", next, time);
}

/**
 * ct_rule_condition_sql:
 *
 * Returns: (transfer full): the condition as SQL over the subject's row s, with the thresholds of @time as literals
 */
char *
ct_rule_condition_sql (CtRule *self, const CtRuleTime *time, GError **error)
{
  g_autoptr (GString) sql = g_string_new (self->subject->active);
  guint next = 0;

  g_string_append (sql, " AND ");
  append_condition (sql, self, self->when, &next, time);
  return g_string_free (g_steal_pointer (&sql), FALSE);
}

/**
 * ct_rule_flip_sql:
 *
 * The subjects whose answer may change only because time went from @before to @now: those between the old and the new
 * place of each moving threshold.
 *
 * Returns: (transfer full) (element-type utf8): conditions over the subject's row s, one a moving threshold
 */
GPtrArray *
ct_rule_flip_sql (CtRule *self, const CtRuleTime *before, const CtRuleTime *now)
{
  GPtrArray *conditions = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < self->comparisons->len; i++) {
    const CtComparison *comparison = self->comparisons->pdata[i];
    const CtRuleTime *low = before->now <= now->now ? before : now;
    const CtRuleTime *high = low == before ? now : before;
    g_autoptr (GString) sql = NULL;
    gboolean days;
    gint64 offset;

    if (!moving (comparison->value, &days, &offset))
      continue;
    if (days && strcmp (before->today, now->today) == 0)
      continue;
    sql = g_string_new (NULL);
    g_string_append_printf (sql, "%s >= ", comparison->fact->sql);
    append_moved (sql, days, offset, low);
    g_string_append_printf (sql, " AND %s <= ", comparison->fact->sql);
    append_moved (sql, days, offset, high);
    g_ptr_array_add (conditions, g_string_free (g_steal_pointer (&sql), FALSE));
  }
  return conditions;
}
