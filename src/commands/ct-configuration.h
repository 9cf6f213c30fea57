#pragma once

#include "ct-db.h"
#include "ct-domain.h"

G_BEGIN_DECLS

/* Configuration rows as the domain layer reads them. A row that does not parse fails the whole reading: a guardrail
 * or a policy that is silently left out would be worse than a message. */

GPtrArray *ct_configuration_agents (CtDb *db, GError **error);
CtAgentProfile *ct_configuration_agent (CtDb *db, const char *name, GError **error);
GPtrArray *ct_configuration_sla_policies (CtDb *db, GError **error);
CtCalendar *ct_configuration_calendar (CtDb *db, const char *name, GError **error);
CtGuardrails *ct_configuration_guardrails (CtDb *db, GError **error);
GPtrArray *ct_configuration_templates (CtDb *db, GError **error);
gboolean ct_configuration_check (const char *table, JsonObject *body, GError **error);

char *ct_configuration_setting (CtDb *db, const char *key, const char *fallback);
gint64 ct_configuration_setting_int (CtDb *db, const char *key, gint64 fallback);
gboolean ct_configuration_setting_bool (CtDb *db, const char *key, gboolean fallback);

G_END_DECLS
