#pragma once

#include "ct-db.h"

G_BEGIN_DECLS

JsonObject *ct_measures_read (CtDb *db, gint64 from, gint64 to, GError **error);
JsonArray *ct_measures_alerts (CtDb *db, gint64 now, GError **error);

G_END_DECLS
