#pragma once

#include "ct-rebase.h"

G_BEGIN_DECLS

GHashTable *ct_rebase_rows_numbers (CtDb *db, CtPulled *pulled, GError **error);
gboolean ct_rebase_rows_write (CtDb *db, CtPulled *pulled, GHashTable *numbers, CtRebaseReport *report,
                               GError **error);

G_END_DECLS
