#pragma once

#include "ct-db.h"

G_BEGIN_DECLS

gboolean ct_bulk_begin (CtDb *db, const char *table, GError **error);
gboolean ct_bulk_restore_next (CtDb *db, gboolean *more, GError **error);

G_END_DECLS
