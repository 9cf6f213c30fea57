#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
  CT_RULE_OF_POLICY = 1 << 0,     /* $1 is the text of schema/policy.json */
  CT_RULE_OF_MIGRATIONS = 1 << 1, /* $1 is the text of all migrations */
  CT_RULE_OF_PASSWORDS = 1 << 2,  /* asked only where the login may read them */
} CtAdminRuleFlags;

/* One thing that must not be so. */
typedef struct {
  const char *check;   /* "row-security" */
  const char *problem; /* translatable: what is wrong */
  const char *advice;  /* translatable: what to do */
  const char *sql;     /* finds offenders: where, and the statement that mends it or NULL */
  CtAdminRuleFlags flags;
} CtAdminRule;

extern const CtAdminRule ct_admin_rules[]; /* ended by a NULL check */

G_END_DECLS
