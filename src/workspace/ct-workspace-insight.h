#pragma once

#include "ct-workspace.h"

G_BEGIN_DECLS

JsonObject *ct_workspace_measures (CtWorkspace *self, gint64 days, GError **error);
JsonObject *ct_workspace_alerts (CtWorkspace *self, GError **error);
char *ct_workspace_gauges (CtWorkspace *self, GError **error);

G_END_DECLS
