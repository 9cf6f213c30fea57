#pragma once

#include "ct-workspace.h"
#include "pg-device.h"

G_BEGIN_DECLS

CtWorkspace *pg_workspace_join (PgServer *server, const char *database, const char *login,
                                const char *folder);

G_END_DECLS
