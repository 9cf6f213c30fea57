#include "ct-agent-profile.h"

#include "ct-base.h"
#include "ct-fields.h"
#include "ct-vocabulary.h"

#include <string.h>

#define MOST_LISTED 50
#define LONGEST     (90 * CT_MS_DAY)

static const char *const channel_policies[] = { "human_approval_required", NULL };

static void
check_actions (const CtAgentProfile *self, CtFields *fields)
{
  for (char **action = self->allowed_actions; *action; action++) {
    if (!ct_action_is_known (*action))
      ct_fields_complain (fields, "allowedActions", "“%s” is no action", *action);
    if (g_strv_contains ((const char *const *) self->blocked_actions, *action))
      ct_fields_complain (fields, "allowedActions", "“%s” is blocked as well", *action);
  }
  for (char **action = self->blocked_actions; *action; action++)
    if (!ct_action_is_known (*action))
      ct_fields_complain (fields, "blockedActions", "“%s” is no action", *action);
  if (!self->allowed_actions[0])
    ct_fields_complain (fields, "allowedActions", "at least one action is required");
  /* agents assist, humans approve: no profile can say otherwise */
  if (!g_strv_contains ((const char *const *) self->blocked_actions, "send_without_approval"))
    ct_fields_complain (fields, "blockedActions", "must contain send_without_approval");
}

static void
check_lists (const CtAgentProfile *self, CtFields *fields)
{
  for (char **blocker = self->blockers; *blocker; blocker++)
    if (!ct_blocker_is_known (*blocker))
      ct_fields_complain (fields, "blockers", "“%s” is no blocker class", *blocker);
  for (char **channel = self->channels; *channel; channel++) {
    const char *colon = strchr (*channel, ':');

    if (!colon || colon == *channel || !colon[1])
      ct_fields_complain (fields, "channels", "“%s” must be NAME:DESTINATION, such as slack:#ops", *channel);
  }
  if (!ct_role_is_team (self->owner))
    ct_fields_complain (fields, "owner", "“%s” is no team", self->owner);
}

static void
read_escalation (CtAgentProfile *self, CtFields *profile, JsonObject *object)
{
  g_autofree char *where = g_strconcat (profile->where, ", “escalation”", NULL);
  CtFields fields;

  if (!object) {
    ct_fields_complain (profile, "escalation", "is required");
    return;
  }
  ct_fields_init (&fields, object, where);
  self->escalate_after = ct_fields_duration (&fields, "after", LONGEST, -1);
  self->escalate_to = g_strdup (ct_fields_text (&fields, "to", 64));
  self->escalation_text = g_strdup (ct_fields_text (&fields, "text", 500));
  if (!ct_role_is_team (self->escalate_to))
    ct_fields_complain (&fields, "to", "“%s” is no team", self->escalate_to);
  ct_fields_finish (&fields, profile->error ? NULL : &profile->error);
}

static void
read_members (CtAgentProfile *self, CtFields *fields)
{
  self->name = g_strdup (ct_fields_text (fields, "name", 64));
  self->title = g_strdup (ct_fields_text (fields, "title", 200));
  self->role = g_strdup (ct_fields_text (fields, "role", 8000));
  self->owner = g_strdup (ct_fields_text (fields, "owner", 64));
  self->blockers = ct_fields_strings (fields, "blockers", MOST_LISTED);
  self->allowed_actions = ct_fields_strings (fields, "allowedActions", MOST_LISTED);
  self->blocked_actions = ct_fields_strings (fields, "blockedActions", MOST_LISTED);
  self->channels = ct_fields_strings (fields, "channels", MOST_LISTED);
  self->channel_policy =
      g_strdup (channel_policies[ct_fields_choice (fields, "channelPolicy", channel_policies, 0)]);
  self->sla = ct_fields_duration (fields, "sla", LONGEST, -1);
  self->cadence = ct_fields_duration (fields, "cadence", LONGEST, -1);
  if (self->sla < CT_MS_MINUTE || self->cadence < CT_MS_MINUTE)
    ct_fields_complain (fields, "sla", "and “cadence” must be at least a minute");
}

/**
 * ct_agent_profile_parse:
 * @object: {"name", "title", "role", "owner", "blockers", "allowedActions", "blockedActions", "channels",
 *   "channelPolicy"?, "sla", "cadence", "escalation": {"after", "to", "text"}, "approval": a policy}
 * @where: names the object in messages
 *
 * Returns: (transfer full): the profile, or %NULL with %CT_ERROR_INVALID
 */
CtAgentProfile *
ct_agent_profile_parse (JsonObject *object, const char *where, GError **error)
{
  g_autoptr (CtAgentProfile) self = g_new0 (CtAgentProfile, 1);
  g_autofree char *place = g_strconcat (where, ", “approval”", NULL);
  JsonObject *approval;
  CtFields fields;

  ct_fields_init (&fields, object, where);
  read_members (self, &fields);
  check_actions (self, &fields);
  check_lists (self, &fields);
  read_escalation (self, &fields, ct_fields_object (&fields, "escalation"));
  approval = ct_fields_object (&fields, "approval");
  if (!approval)
    ct_fields_complain (&fields, "approval", "is required");
  if (!ct_fields_finish (&fields, error))
    return NULL;
  self->approval = ct_approval_policy_parse (approval, place, error);
  return self->approval ? g_steal_pointer (&self) : NULL;
}

void
ct_agent_profile_free (CtAgentProfile *self)
{
  g_free (self->name);
  g_free (self->title);
  g_free (self->role);
  g_free (self->owner);
  g_strfreev (self->blockers);
  g_strfreev (self->allowed_actions);
  g_strfreev (self->blocked_actions);
  g_strfreev (self->channels);
  g_free (self->channel_policy);
  g_free (self->escalate_to);
  g_free (self->escalation_text);
  g_clear_pointer (&self->approval, ct_approval_policy_free);
  g_free (self);
}

/* What is not allowed by name is not allowed; a block wins. */
gboolean
ct_agent_profile_allows (const CtAgentProfile *self, const char *action)
{
  return g_strv_contains ((const char *const *) self->allowed_actions, action) &&
         !g_strv_contains ((const char *const *) self->blocked_actions, action);
}

gboolean
ct_agent_profile_suits (const CtAgentProfile *self, const char *blocker)
{
  return g_strv_contains ((const char *const *) self->blockers, blocker);
}

/* (nullable) */
const CtAgentProfile *
ct_agent_profile_find (GPtrArray *profiles, const char *name)
{
  for (guint i = 0; i < profiles->len; i++) {
    const CtAgentProfile *profile = profiles->pdata[i];

    if (g_strcmp0 (profile->name, name) == 0)
      return profile;
  }
  return NULL;
}

/* (nullable): whose list names the class earliest */
const CtAgentProfile *
ct_agent_profile_for_blocker (GPtrArray *profiles, const char *blocker)
{
  const CtAgentProfile *best = NULL;
  int best_rank = G_MAXINT;

  for (guint i = 0; i < profiles->len; i++) {
    const CtAgentProfile *profile = profiles->pdata[i];
    int rank = ct_text_index ((const char *const *) profile->blockers, blocker);

    if (rank >= 0 && rank < best_rank) {
      best = profile;
      best_rank = rank;
    }
  }
  return best;
}
