#pragma once

#include "ct-match.h"

G_BEGIN_DECLS

typedef enum {
  CT_SLA_FIRST_RESPONSE,
  CT_SLA_NEXT_RESPONSE,
  CT_SLA_RESOLUTION,
} CtSlaTarget;

#define CT_N_SLA_TARGETS 3

/* Durations in ms of the policy's business time, from the activation on; 0: there is none. */
typedef struct {
  gint64 warning;
  gint64 escalate;
  gint64 target;
  gint64 hard;
} CtSlaGoal;

typedef struct {
  char *id;
  char *name;
  CtMatch *match; /* (owned) */
  char *calendar; /* (owned) (nullable): NULL: around the clock */
  CtSlaGoal goals[CT_N_SLA_TARGETS];
} CtSlaPolicy;

const char *ct_sla_target_name (CtSlaTarget target);
const char *ct_sla_target_label (CtSlaTarget target);
gboolean ct_sla_target_parse (const char *name, CtSlaTarget *target);

CtSlaPolicy *ct_sla_policy_parse (JsonObject *object, const char *where, GError **error);
GPtrArray *ct_sla_policy_parse_all (JsonNode *root, const char *where, GError **error);
void ct_sla_policy_free (CtSlaPolicy *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtSlaPolicy, ct_sla_policy_free)

const CtSlaPolicy *ct_sla_policy_find (GPtrArray *policies, JsonObject *facts);

G_END_DECLS
