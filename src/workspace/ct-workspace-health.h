#pragma once

#include "ct-workspace.h"

G_BEGIN_DECLS

JsonObject *ct_workspace_health (CtWorkspace *self, gboolean integrity, GCancellable *cancellable,
                                 GError **error);

G_END_DECLS
