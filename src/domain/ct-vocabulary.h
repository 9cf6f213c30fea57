#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Severity of an exception; the thresholds are those of ct_severity_of_score(). */
typedef enum {
  CT_SEVERITY_LOW,
  CT_SEVERITY_MEDIUM,
  CT_SEVERITY_HIGH,
  CT_SEVERITY_CRITICAL,
} CtSeverity;

const char *const *ct_severity_names (void);
CtSeverity ct_severity_of_score (int score);
const char *ct_severity_name (CtSeverity severity);
const char *ct_severity_label (CtSeverity severity);
gboolean ct_severity_parse (const char *name, CtSeverity *severity);

const char *const *ct_blocker_names (void);
gboolean ct_blocker_is_known (const char *blocker);
const char *ct_blocker_label (const char *blocker);
char *ct_blocker_of_rule (const char *rule);

const char *const *ct_role_names (void);
const char *ct_role_label (const char *role);
gboolean ct_role_is_known (const char *role);
gboolean ct_role_is_team (const char *role);

const char *const *ct_action_names (void);
const char *ct_action_label (const char *action);
gboolean ct_action_is_known (const char *action);

const char *ct_state_label (const char *state);

G_END_DECLS
