#pragma once

#include "ct-approval-policy.h"

G_BEGIN_DECLS

/* An AI follow-up agent, as data. */
typedef struct {
  char *name;      /* "AccountingFollowUpAgent" */
  char *title;     /* for people */
  char *role;      /* what it is told it is */
  char *owner;     /* the team it works for */
  char **blockers; /* classes it suits, the best first */
  char **allowed_actions;
  char **blocked_actions;
  char **channels;       /* "slack:#wholesale-exceptions" */
  char *channel_policy;  /* "human_approval_required" */
  gint64 sla;            /* ms */
  gint64 cadence;        /* ms between checks */
  gint64 escalate_after; /* ms */
  char *escalate_to;     /* team */
  char *escalation_text;
  CtApprovalPolicy *approval;
} CtAgentProfile;

CtAgentProfile *ct_agent_profile_parse (JsonObject *object, const char *where, GError **error);
void ct_agent_profile_free (CtAgentProfile *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtAgentProfile, ct_agent_profile_free)

gboolean ct_agent_profile_allows (const CtAgentProfile *self, const char *action);
gboolean ct_agent_profile_suits (const CtAgentProfile *self, const char *blocker);
const CtAgentProfile *ct_agent_profile_find (GPtrArray *profiles, const char *name);
const CtAgentProfile *ct_agent_profile_for_blocker (GPtrArray *profiles, const char *blocker);

G_END_DECLS
