#pragma once

#include "ct-db.h"

G_BEGIN_DECLS

JsonObject *ct_workspace_describe_device (CtDb *db, GError **error);

G_END_DECLS
