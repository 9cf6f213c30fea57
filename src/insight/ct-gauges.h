#pragma once

#include "ct-db.h"

G_BEGIN_DECLS

gboolean ct_gauges_append (CtDb *db, GString *text, GError **error);

G_END_DECLS
