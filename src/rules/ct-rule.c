#include "ct-rule.h"
#include "ct-vocabulary.h"

#include <string.h>

static void
comparison_free (gpointer data)
{
  CtComparison *self = data;

  json_node_unref (self->value);
  g_free (self);
}

void
ct_rule_free (CtRule *self)
{
  if (!self)
    return;
  g_free (self->name);
  g_free (self->title);
  g_free (self->blocker);
  g_free (self->owner);
  g_free (self->agent);
  g_free (self->next_action);
  g_free (self->tags);
  g_free (self->fingerprint);
  g_clear_pointer (&self->when, json_node_unref);
  g_ptr_array_unref (self->comparisons);
  g_ptr_array_unref (self->facts);
  g_ptr_array_unref (self->shown);
  g_clear_pointer (&self->scoring, ct_scoring_free);
  g_free (self);
}

void
ct_rule_time_init (CtRuleTime *self, gint64 now, GTimeZone *zone)
{
  self->now = now;
  ct_time_to_date (now, zone, self->today);
}

static void
need_fact (CtRule *self, const CtFact *fact)
{
  if (fact && !g_ptr_array_find (self->facts, fact, NULL))
    g_ptr_array_add (self->facts, (gpointer) fact);
}

static gboolean
need_named (CtRule *self, const char *name, const char *where, GError **error)
{
  const CtFact *fact = ct_fact_find (self->subject, name);

  if (!fact)
    return ct_fail (error, CT_ERROR_INVALID, _ ("Rule %s, %s: a %s has no fact \"%s\""), self->name, where,
                    self->subject->name, name ? name : "");
  need_fact (self, fact);
  return TRUE;
}

static gboolean
take_texts (CtRule *self, JsonObject *object, GError **error)
{
  JsonArray *tags = ct_json_array (object, "tags");
  g_autoptr (JsonNode) node = ct_json_wrap_array (tags ? json_array_ref (tags) : json_array_new ());

  self->title = g_strdup (ct_json_string (object, "title", self->name));
  self->owner = g_strdup (ct_json_string (object, "owner", ""));
  self->agent = g_strdup (ct_json_string (object, "agent", ""));
  self->next_action = g_strdup (ct_json_string (object, "next_action", ""));
  self->blocker = g_strdup (ct_json_string (object, "blocker", ""));
  self->manual = strcmp (ct_json_string (object, "clears", "by_itself"), "by_person") == 0;
  self->tags = ct_json_canonical (node, error);
  if (!self->tags)
    return FALSE;
  if (!ct_role_is_team (self->owner))
    return ct_fail (error, CT_ERROR_INVALID, _ ("Rule %s: the owner \"%s\" is no team"), self->name,
                    self->owner);
  if (!*self->blocker)
    self->blocker = (g_free (self->blocker), ct_blocker_of_rule (self->name));
  return TRUE;
}

static gboolean
take_shown (CtRule *self, JsonObject *object, GError **error)
{
  JsonArray *shown = ct_json_array (object, "evidence");

  for (guint i = 0; shown && i < json_array_get_length (shown); i++) {
    const char *name = json_array_get_string_element (shown, i);

    if (!need_named (self, name, "evidence", error))
      return FALSE;
    g_ptr_array_add (self->shown, (gpointer) ct_fact_find (self->subject, name));
  }
  return TRUE;
}

static gboolean
take_scoring (CtRule *self, JsonObject *object, GError **error)
{
  JsonObject *score = ct_json_object (object, "score");
  JsonArray *weights = ct_json_array (score, "weights");
  g_autofree char *where = g_strdup_printf ("rule %s, score", self->name);

  if (!score)
    return ct_fail (error, CT_ERROR_INVALID, _ ("Rule %s has no \"score\""), self->name);
  self->scoring = ct_scoring_parse (score, where, error);
  for (guint i = 0; self->scoring && weights && i < json_array_get_length (weights); i++)
    if (!need_named (self, ct_json_string (json_array_get_object_element (weights, i), "fact", NULL), "score",
                     error))
      return FALSE;
  return self->scoring != NULL;
}

/* Placeholders of the recommended action are facts too. */
static gboolean
take_placeholders (CtRule *self, GError **error)
{
  for (const char *at = self->next_action; (at = strchr (at, '{')); at++) {
    const char *end = strchr (at, '}');
    g_autofree char *name = end ? g_strndup (at + 1, (gsize) (end - at - 1)) : NULL;

    if (!name || !need_named (self, name, "next_action", error))
      return FALSE;
  }
  return TRUE;
}

/**
 * ct_rule_parse:
 * @json: the rule's document; seeds/rules has examples
 *
 * Returns: (transfer full): the rule; %NULL with %CT_ERROR_INVALID that names the member at fault
 */
CtRule *
ct_rule_parse (const char *json, GError **error)
{
  g_autoptr (CtRule) self = g_new0 (CtRule, 1);
  g_autoptr (JsonNode) root = ct_json_parse (json, -1, 64 * 1024, error);
  JsonObject *object = root && JSON_NODE_HOLDS_OBJECT (root) ? json_node_get_object (root) : NULL;
  CtHash hash = ct_hash (json, strlen (json));

  self->comparisons = g_ptr_array_new_with_free_func (comparison_free);
  self->facts = g_ptr_array_new ();
  self->shown = g_ptr_array_new ();
  if (!root)
    return NULL;
  self->name = g_strdup (ct_json_string (object, "name", ""));
  self->subject = ct_subject_find (ct_json_string (object, "subject", NULL));
  self->fingerprint = ct_hash_to_hex (&hash);
  if (!*self->name || !self->subject) {
    ct_fail (error, CT_ERROR_INVALID, _ ("A rule needs a \"name\" and a known \"subject\""));
    return NULL;
  }
  if (!json_object_has_member (object, "when")) {
    ct_fail (error, CT_ERROR_INVALID, _ ("Rule %s has no condition (\"when\")"), self->name);
    return NULL;
  }
  self->when = json_node_copy (json_object_get_member (object, "when"));
  if (!take_texts (self, object, error) || !ct_rule_collect_comparisons (self, self->when, 0, error))
    return NULL;
  for (guint i = 0; i < self->comparisons->len; i++)
    need_fact (self, ((CtComparison *) self->comparisons->pdata[i])->fact);
  if (!take_shown (self, object, error) || !take_scoring (self, object, error) ||
      !take_placeholders (self, error))
    return NULL;
  return g_steal_pointer (&self);
}

/* (transfer full): a fact's SQL at a time */
char *
ct_rule_fact_sql (const CtFact *fact, const CtRuleTime *time)
{
  g_autofree char *now = g_strdup_printf ("%" G_GINT64_FORMAT, time->now);
  g_autoptr (GString) sql = g_string_new (fact->sql);

  g_string_replace (sql, "{today}", time->today, 0);
  g_string_replace (sql, "{now}", now, 0);
  return g_string_free (g_steal_pointer (&sql), FALSE);
}
