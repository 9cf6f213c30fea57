#pragma once

#include "ct-changeset.h"
#include "ct-command.h"

G_BEGIN_DECLS

/* schema/policy.json: which role may run which command, and what it may write. */
typedef struct _CtPolicy CtPolicy;

CtPolicy *ct_policy_load (const char *path, GError **error);
void ct_policy_free (CtPolicy *self);
gboolean ct_policy_knows (CtPolicy *self, const char *command);
const char *ct_policy_role_for (CtPolicy *self, const char *command, GPtrArray *roles);
gboolean ct_policy_check_where (CtPolicy *self, const char *name, CtCommand *command, GError **error);
gboolean ct_policy_may_write (CtPolicy *self, const char *command, const char *table, char operation,
                              GPtrArray *roles);
gboolean ct_policy_check_change (CtPolicy *self, const char *command, GPtrArray *roles,
                                 const CtChange *change, GError **error);
GStrv ct_policy_commands (CtPolicy *self);
const char *ct_policy_where (CtPolicy *self, const char *command);

/* The named row conditions, each with a twin in SQL. */
typedef gboolean (*CtPredicate) (CtCommand *command, GError **error);
CtPredicate ct_policy_predicate (const char *name);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtPolicy, ct_policy_free)

G_END_DECLS
