#pragma once

#include "ct-db.h"

G_BEGIN_DECLS

char *ct_data_path (const char *relative);
gboolean ct_migrate (CtDb *db, int up_to, GError **error);
int ct_migrate_newest (GError **error);

G_END_DECLS
