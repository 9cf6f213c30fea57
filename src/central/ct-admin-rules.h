#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What a login starts with, as rows of SQL. A person can change the first ones for a session of their own: they guard against
 * a session forgotten somewhere, those who mean ill meet sync.end_stallers(). */
#define CT_ADMIN_LIMITS                                                                                      \
  "('idle_in_transaction_session_timeout', '60s'), ('statement_timeout', '10min'), ('lock_timeout', '10s')," \
  " ('temp_file_limit', '2GB')"
/* Which of them the login at hand may set. */
#define CT_ADMIN_MAY_LIMIT                                                                                   \
  "(SELECT s.context = 'user' OR (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)"               \
  " FROM pg_settings s WHERE s.name = l.name)"
/* What a person's programs need, and not enough to lock others out of the server. */
#define CT_ADMIN_CONNECTIONS "16"

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
