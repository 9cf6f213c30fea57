#include "ct-sla-policy.h"

#include "ct-base.h"
#include "ct-fields.h"

#define MOST_POLICIES 500
#define LONGEST       (366 * CT_MS_DAY)

static const struct {
  const char *name;   /* in the ledger and the database */
  const char *member; /* in a policy's JSON */
  const char *label;
} targets[CT_N_SLA_TARGETS] = {
  [CT_SLA_FIRST_RESPONSE] = { "first_response", "firstResponse", N_ ("First response") },
  [CT_SLA_NEXT_RESPONSE] = { "next_response", "nextResponse", N_ ("Next response") },
  [CT_SLA_RESOLUTION] = { "resolution", "resolution", N_ ("Resolution") },
};

const char *
ct_sla_target_name (CtSlaTarget target)
{
  g_return_val_if_fail (target < CT_N_SLA_TARGETS, NULL);
  return targets[target].name;
}

/* Translated. */
const char *
ct_sla_target_label (CtSlaTarget target)
{
  g_return_val_if_fail (target < CT_N_SLA_TARGETS, NULL);
  return _ (targets[target].label);
}

gboolean
ct_sla_target_parse (const char *name, CtSlaTarget *target)
{
  for (guint i = 0; i < CT_N_SLA_TARGETS; i++)
    if (g_strcmp0 (targets[i].name, name) == 0) {
      *target = (CtSlaTarget) i;
      return TRUE;
    }
  return FALSE;
}

/* Left out: warning at three quarters of the target, hard deadline at the target, escalation at the hard one. */
static void
read_goal (CtSlaGoal *goal, CtFields *policy, const char *name)
{
  JsonObject *object = ct_fields_object (policy, name);
  g_autofree char *where = g_strdup_printf ("%s, “%s”", policy->where, name);
  CtFields fields;

  if (!object)
    return;
  ct_fields_init (&fields, object, where);
  goal->target = ct_fields_duration (&fields, "target", LONGEST, -1);
  goal->warning = ct_fields_duration (&fields, "warning", LONGEST, goal->target - goal->target / 4);
  goal->hard = ct_fields_duration (&fields, "hard", LONGEST, goal->target);
  goal->escalate = ct_fields_duration (&fields, "escalate", LONGEST, goal->hard);
  if (goal->target < CT_MS_SECOND)
    ct_fields_complain (&fields, "target", "must be at least a second");
  if (goal->warning > goal->target)
    ct_fields_complain (&fields, "warning", "must not be after the target");
  if (goal->hard < goal->target)
    ct_fields_complain (&fields, "hard", "must not be before the target");
  ct_fields_finish (&fields, policy->error ? NULL : &policy->error);
}

/**
 * ct_sla_policy_parse:
 * @object: {"id", "name", "match"?: facts, "calendar"?: name, "firstResponse"?, "nextResponse"?, "resolution"?},
 *   each goal {"target", "warning"?, "hard"?, "escalate"?} as durations; at least one goal
 * @where: names the object in messages
 *
 * Returns: (transfer full): the policy, or %NULL with %CT_ERROR_INVALID
 */
CtSlaPolicy *
ct_sla_policy_parse (JsonObject *object, const char *where, GError **error)
{
  g_autoptr (CtSlaPolicy) self = g_new0 (CtSlaPolicy, 1);
  JsonObject *match;
  CtFields fields;
  gint64 longest = 0;

  ct_fields_init (&fields, object, where);
  self->id = g_strdup (ct_fields_text (&fields, "id", 64));
  self->name = g_strdup (ct_fields_text (&fields, "name", 200));
  self->calendar = g_strdup (ct_fields_text_or (&fields, "calendar", 64, NULL));
  match = ct_fields_object (&fields, "match");
  for (guint i = 0; i < CT_N_SLA_TARGETS; i++) {
    read_goal (&self->goals[i], &fields, targets[i].member);
    longest = MAX (longest, self->goals[i].target);
  }
  if (longest == 0)
    ct_fields_complain (&fields, "resolution", "a policy needs at least one goal");
  if (!ct_fields_finish (&fields, error))
    return NULL;
  self->match = ct_match_parse (match, where, error);
  return self->match ? g_steal_pointer (&self) : NULL;
}

void
ct_sla_policy_free (CtSlaPolicy *self)
{
  g_free (self->id);
  g_free (self->name);
  g_free (self->calendar);
  g_clear_pointer (&self->match, ct_match_free);
  g_free (self);
}

static gpointer
parse_cb (JsonObject *object, const char *where, GError **error)
{
  return ct_sla_policy_parse (object, where, error);
}

/* (transfer full) (element-type CtSlaPolicy): in the list's order; %NULL with %CT_ERROR_INVALID */
GPtrArray *
ct_sla_policy_parse_all (JsonNode *root, const char *where, GError **error)
{
  return ct_fields_parse_list (root, where, MOST_POLICIES, parse_cb, (GDestroyNotify) ct_sla_policy_free,
                               error);
}

/* (nullable): the first policy that applies to the facts */
const CtSlaPolicy *
ct_sla_policy_find (GPtrArray *policies, JsonObject *facts)
{
  for (guint i = 0; i < policies->len; i++) {
    const CtSlaPolicy *policy = policies->pdata[i];

    if (ct_match_test (policy->match, facts))
      return policy;
  }
  return NULL;
}
