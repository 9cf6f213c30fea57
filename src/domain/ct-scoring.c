#include "ct-scoring.h"

#include "ct-base.h"
#include "ct-fields.h"

#define MOST_PARTS  20
#define MOST_VALUES 50
/* Facts beyond this are taken as this: with weights up to 1000 a product fits in 64 bits. */
#define LARGEST_FACT G_GINT64_CONSTANT (1000000000000000)

/* points = clamp (fact × weight ÷ per, −cap, cap), rounded toward zero, or what @values has for a text. */
typedef struct {
  char *fact;
  gint64 weight, per, cap;
  GPtrArray *values; /* (owned) (nullable): Value */
} Part;

typedef struct {
  char *text;
  gint64 points;
} Value;

struct _CtScoring {
  gint64 base;
  GPtrArray *parts; /* (owned): Part */
};

static void
value_free (gpointer data)
{
  Value *self = data;

  g_free (self->text);
  g_free (self);
}

static void
part_free (gpointer data)
{
  Part *self = data;

  g_free (self->fact);
  g_clear_pointer (&self->values, g_ptr_array_unref);
  g_free (self);
}

static void
read_values (Part *part, CtFields *fields, JsonObject *values)
{
  JsonObjectIter iter;
  const char *text;
  JsonNode *node;

  if (json_object_get_size (values) > MOST_VALUES)
    ct_fields_complain (fields, "values", "more than the %d values allowed", MOST_VALUES);
  part->values = g_ptr_array_new_with_free_func (value_free);
  json_object_iter_init_ordered (&iter, values);
  while (json_object_iter_next_ordered (&iter, &text, &node)) {
    gint64 points = ct_json_int (values, text, G_MAXINT64);
    Value *value = g_new0 (Value, 1);

    value->text = g_strdup (text);
    value->points = points;
    g_ptr_array_add (part->values, value);
    if (points < -100 || points > 100)
      ct_fields_complain (fields, "values", "“%s” must be an integer from -100 to 100", text);
  }
}

static gpointer
part_parse (JsonObject *object, const char *where, GError **error)
{
  Part *self = g_new0 (Part, 1);
  JsonObject *values;
  CtFields fields;

  ct_fields_init (&fields, object, where);
  self->fact = g_strdup (ct_fields_text (&fields, "fact", 64));
  self->weight = ct_fields_int (&fields, "weight", -1000, 1000, 0);
  self->per = ct_fields_int (&fields, "per", 1, LARGEST_FACT, 1);
  self->cap = ct_fields_int (&fields, "cap", 1, 100, 100);
  values = ct_fields_object (&fields, "values");
  if (values)
    read_values (self, &fields, values);
  if ((self->weight != 0) == (values != NULL))
    ct_fields_complain (&fields, "weight", "either a weight that is not 0 or “values” is required");
  if (ct_fields_finish (&fields, error))
    return self;
  part_free (self);
  return NULL;
}

/**
 * ct_scoring_parse:
 * @object: {"base": 0 to 100, "weights"?: [{"fact", "weight", "per"?, "cap"?} or {"fact", "values": {text: points}}]};
 *   a true fact counts 1
 * @where: names the object in messages
 *
 * Returns: (transfer full): the scoring, or %NULL with %CT_ERROR_INVALID
 */
CtScoring *
ct_scoring_parse (JsonObject *object, const char *where, GError **error)
{
  g_autoptr (CtScoring) self = g_new0 (CtScoring, 1);
  g_autofree char *place = g_strconcat (where, ", “weights”", NULL);
  g_autoptr (JsonNode) list = NULL;
  JsonArray *weights;
  CtFields fields;

  ct_fields_init (&fields, object, where);
  self->base = ct_fields_int (&fields, "base", 0, 100, 0);
  weights = ct_fields_array (&fields, "weights", MOST_PARTS);
  if (!ct_fields_finish (&fields, error))
    return NULL;
  list = ct_json_wrap_array (weights ? json_array_ref (weights) : json_array_new ());
  self->parts = ct_fields_parse_list (list, place, MOST_PARTS, part_parse, part_free, error);
  return self->parts ? g_steal_pointer (&self) : NULL;
}

void
ct_scoring_free (CtScoring *self)
{
  g_clear_pointer (&self->parts, g_ptr_array_unref);
  g_free (self);
}

static gint64
points_of_text (const Part *part, const char *text)
{
  for (guint i = 0; text && i < part->values->len; i++) {
    const Value *value = part->values->pdata[i];

    if (g_str_equal (value->text, text))
      return value->points;
  }
  return 0;
}

/* A fact that is missing, null or of another kind gives nothing. */
static gint64
points_of (const Part *part, JsonObject *facts)
{
  gint64 amount;

  if (part->values)
    return points_of_text (part, ct_json_string (facts, part->fact, NULL));
  amount = ct_json_int (facts, part->fact, ct_json_bool (facts, part->fact, FALSE));
  amount = CLAMP (amount, -LARGEST_FACT, LARGEST_FACT);
  return CLAMP (amount * part->weight / part->per, -part->cap, part->cap);
}

CtScore
ct_scoring_score (const CtScoring *self, JsonObject *facts)
{
  gint64 total = self->base;
  CtScore score;

  for (guint i = 0; i < self->parts->len; i++)
    total += points_of (self->parts->pdata[i], facts);
  score.score = (int) CLAMP (total, 0, 100);
  score.severity = ct_severity_of_score (score.score);
  return score;
}

/**
 * ct_scoring_explain:
 *
 * Returns: (transfer full): the parts that counted, [{"fact": "base", "points"}, {"fact", "value", "points",
 *   "capped"}, …]; their sum, held between 0 and 100, is the score
 */
JsonArray *
ct_scoring_explain (const CtScoring *self, JsonObject *facts)
{
  JsonArray *list = json_array_new ();

  json_array_add_object_element (list, ct_json_build ("si", "fact", "base", "points", self->base));
  for (guint i = 0; i < self->parts->len; i++) {
    const Part *part = self->parts->pdata[i];
    gint64 points = points_of (part, facts);

    if (points != 0)
      json_array_add_object_element (
          list, ct_json_build ("snib", "fact", part->fact, "value",
                               json_node_copy (json_object_get_member (facts, part->fact)), "points", points,
                               "capped", !part->values && ABS (points) == part->cap));
  }
  return list;
}

/* SQL */

static void
append_quoted (GString *out, const char *text)
{
  g_string_append_c (out, '\'');
  for (; *text; text++) {
    if (*text == '\'')
      g_string_append_c (out, '\'');
    g_string_append_c (out, *text);
  }
  g_string_append_c (out, '\'');
}

static void
append_part (GString *out, const Part *part, const char *column)
{
  if (part->values) {
    g_string_append_printf (out, " + CASE %s", column);
    for (guint i = 0; i < part->values->len; i++) {
      const Value *value = part->values->pdata[i];

      g_string_append (out, " WHEN ");
      append_quoted (out, value->text);
      g_string_append_printf (out, " THEN %" G_GINT64_FORMAT, value->points);
    }
    g_string_append (out, " ELSE 0 END");
    return;
  }
  g_string_append_printf (out,
                          " + min(max(min(max(coalesce(%s, 0), -%" G_GINT64_FORMAT "), %" G_GINT64_FORMAT
                          ") * %" G_GINT64_FORMAT " / %" G_GINT64_FORMAT ", -%" G_GINT64_FORMAT
                          "), %" G_GINT64_FORMAT ")",
                          column, LARGEST_FACT, LARGEST_FACT, part->weight, part->per, part->cap, part->cap);
}

/**
 * ct_scoring_to_sql:
 * @column: gives the SQL expression of a fact (integers, booleans as 0 and 1, text)
 * @data: for @column
 *
 * Returns: (transfer full): an SQLite expression with the same value as ct_scoring_score()'s, or %NULL with
 *   %CT_ERROR_INVALID where a fact is not known
 */
char *
ct_scoring_to_sql (const CtScoring *self, CtScoringColumn column, gpointer data, GError **error)
{
  g_autoptr (GString) out = g_string_new (NULL);

  g_string_append_printf (out, "min(max(%" G_GINT64_FORMAT, self->base);
  for (guint i = 0; i < self->parts->len; i++) {
    const Part *part = self->parts->pdata[i];
    const char *expression = column (part->fact, data);

    if (!expression) {
      ct_fail (error, CT_ERROR_INVALID, "The score uses a fact that this subject does not have: %s",
               part->fact);
      return NULL;
    }
    append_part (out, part, expression);
  }
  g_string_append (out, ", 0), 100)");
  return g_string_free (g_steal_pointer (&out), FALSE);
}
