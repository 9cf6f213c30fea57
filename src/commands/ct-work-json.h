#pragma once

#include "ct-db.h"

G_BEGIN_DECLS

/* Tasks and approvals as JSON, for the command line and for other programs; the names of members are a contract. */
JsonObject *ct_task_json (CtDb *db, const char *number_or_id, GError **error);
JsonArray *ct_tasks_json (CtDb *db, const char *status, const char *owner, const char *agent, GError **error);
JsonObject *ct_approval_json (CtDb *db, const char *number_or_id, GError **error);
JsonArray *ct_approvals_json (CtDb *db, const char *state, const char *task, GError **error);

G_END_DECLS
