#include "ct-match.h"

#include "ct-base.h"
#include "ct-fields.h"

#define MOST_CONDITIONS 20
#define MOST_VALUES     100

typedef struct {
  char *fact;
  GPtrArray *values; /* (owned) (nullable): JsonNode; any of them; NULL: a range */
  gint64 least, most;
} Condition;

struct _CtMatch {
  GPtrArray *conditions; /* (owned): Condition */
};

static void
condition_free (gpointer data)
{
  Condition *self = data;

  g_free (self->fact);
  g_clear_pointer (&self->values, g_ptr_array_unref);
  g_free (self);
}

static gboolean
is_scalar (JsonNode *node)
{
  GType type = JSON_NODE_HOLDS_VALUE (node) ? json_node_get_value_type (node) : G_TYPE_INVALID;

  return type == G_TYPE_STRING || type == G_TYPE_INT64 || type == G_TYPE_BOOLEAN;
}

static gboolean
read_range (Condition *self, JsonObject *range, const char *where, GError **error)
{
  CtFields fields;

  ct_fields_init (&fields, range, where);
  self->least = ct_fields_int (&fields, "min", G_MININT64, G_MAXINT64, G_MININT64);
  self->most = ct_fields_int (&fields, "max", G_MININT64, G_MAXINT64, G_MAXINT64);
  if (self->least > self->most)
    ct_fields_complain (&fields, "min", "must not be above “max”");
  return ct_fields_finish (&fields, error);
}

static gboolean
read_values (Condition *self, JsonNode *node, const char *where, GError **error)
{
  JsonArray *list = JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
  guint length = list ? json_array_get_length (list) : 1;

  self->values = g_ptr_array_new_with_free_func ((GDestroyNotify) json_node_unref);
  if (length == 0 || length > MOST_VALUES)
    return ct_fail (error, CT_ERROR_INVALID, "%s: must list 1 to %d values", where, MOST_VALUES);
  for (guint i = 0; i < length; i++) {
    JsonNode *value = list ? json_array_get_element (list, i) : node;

    if (!is_scalar (value))
      return ct_fail (error, CT_ERROR_INVALID, "%s: must be a value, a list of values, or {\"min\", \"max\"}",
                      where);
    g_ptr_array_add (self->values, json_node_copy (value));
  }
  return TRUE;
}

/**
 * ct_match_parse:
 * @object: (nullable): fact → value, list of values, or {"min"?, "max"?} for integers; %NULL and {} always hold
 * @where: names the object in messages
 *
 * Returns: (transfer full): the condition, or %NULL with %CT_ERROR_INVALID
 */
CtMatch *
ct_match_parse (JsonObject *object, const char *where, GError **error)
{
  g_autoptr (CtMatch) self = g_new0 (CtMatch, 1);
  JsonObjectIter iter;
  const char *fact;
  JsonNode *node;

  self->conditions = g_ptr_array_new_with_free_func (condition_free);
  if (!object)
    return g_steal_pointer (&self);
  if (json_object_get_size (object) > MOST_CONDITIONS) {
    ct_fail (error, CT_ERROR_INVALID, "%s: more than the %d conditions allowed", where, MOST_CONDITIONS);
    return NULL;
  }
  json_object_iter_init_ordered (&iter, object);
  while (json_object_iter_next_ordered (&iter, &fact, &node)) {
    g_autofree char *place = g_strdup_printf ("%s, “%s”", where, fact);
    Condition *condition = g_new0 (Condition, 1);

    condition->fact = g_strdup (fact);
    g_ptr_array_add (self->conditions, condition);
    if (!(JSON_NODE_HOLDS_OBJECT (node) ? read_range (condition, json_node_get_object (node), place, error)
                                        : read_values (condition, node, place, error)))
      return NULL;
  }
  return g_steal_pointer (&self);
}

void
ct_match_free (CtMatch *self)
{
  g_ptr_array_unref (self->conditions);
  g_free (self);
}

static gboolean
condition_holds (const Condition *self, JsonNode *fact)
{
  if (!fact || !is_scalar (fact))
    return FALSE;
  if (!self->values)
    return json_node_get_value_type (fact) == G_TYPE_INT64 && json_node_get_int (fact) >= self->least &&
           json_node_get_int (fact) <= self->most;
  for (guint i = 0; i < self->values->len; i++)
    if (json_node_equal (self->values->pdata[i], fact))
      return TRUE;
  return FALSE;
}

/* Whether every condition holds; a fact that is missing or null meets none. */
gboolean
ct_match_test (const CtMatch *self, JsonObject *facts)
{
  for (guint i = 0; i < self->conditions->len; i++) {
    const Condition *condition = self->conditions->pdata[i];

    if (!condition_holds (condition, json_object_get_member (facts, condition->fact)))
      return FALSE;
  }
  return TRUE;
}

static void
describe_values (const Condition *self, GString *out)
{
  for (guint i = 0; i < self->values->len; i++) {
    JsonNode *value = self->values->pdata[i];
    g_autofree char *text = json_node_get_value_type (value) == G_TYPE_STRING
                                ? g_strdup (json_node_get_string (value))
                                : json_to_string (value, FALSE);

    g_string_append_printf (out, "%s%s", i ? ", " : "", text);
  }
}

/* For lists of policies and routes: "blocker: invoice_overdue, payment_short; valueMinor ≥ 100000"; (transfer full). */
char *
ct_match_describe (const CtMatch *self)
{
  GString *out = g_string_new (NULL);

  for (guint i = 0; i < self->conditions->len; i++) {
    const Condition *condition = self->conditions->pdata[i];

    g_string_append_printf (out, "%s%s", i ? "; " : "", condition->fact);
    if (condition->values) {
      g_string_append (out, ": ");
      describe_values (condition, out);
      continue;
    }
    if (condition->least != G_MININT64)
      g_string_append_printf (out, " ≥ %" G_GINT64_FORMAT, condition->least);
    if (condition->most != G_MAXINT64)
      g_string_append_printf (out, " ≤ %" G_GINT64_FORMAT, condition->most);
  }
  if (self->conditions->len == 0)
    g_string_append (out, _ ("always"));
  return g_string_free (out, FALSE);
}
