#pragma once

#include "ct-workspace-find.h"

G_BEGIN_DECLS

/* The story of one record, from the audit log. */
JsonArray *ct_timeline_read (CtDb *db, const CtFound *subject, GError **error);
const char *ct_timeline_sentence (const char *action);
gboolean ct_timeline_tells (const char *column);
const char *ct_timeline_column_label (const char *column);

G_END_DECLS
