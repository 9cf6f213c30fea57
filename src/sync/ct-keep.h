#pragma once

#include "ct-db.h"

G_BEGIN_DECLS

gboolean ct_keep_tidy (CtDb *db, gint64 now, gboolean *more, GError **error);

G_END_DECLS
