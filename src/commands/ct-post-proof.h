#pragma once

#include "ct-post-row.h"

G_BEGIN_DECLS

gboolean ct_post_proof_check_task (CtDb *db, const CtPostRow *post, GError **error);
gboolean ct_post_proof_check (CtDb *db, const CtPostRow *post, gint64 now, GError **error);

G_END_DECLS
