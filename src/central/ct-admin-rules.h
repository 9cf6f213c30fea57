#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* One thing that must not be so. */
typedef struct {
  const char *check;   /* "row-security" */
  const char *problem; /* translatable: what is wrong */
  const char *advice;  /* translatable: what to do */
  const char *sql;     /* finds offenders: where, and the statement that mends it or NULL */
  gboolean of_policy;  /* its $1 is the text of schema/policy.json */
} CtAdminRule;

extern const CtAdminRule ct_admin_rules[]; /* ended by a NULL check */

G_END_DECLS
