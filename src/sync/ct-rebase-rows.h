#pragma once

#include "ct-rebase.h"

G_BEGIN_DECLS

gboolean ct_rebase_rows_write (CtDb *db, CtPulled *pulled, CtRebaseReport *report, GError **error);

G_END_DECLS
