#pragma once

#include "ct-workspace-find.h"

G_BEGIN_DECLS

/* The story of one record, from the audit log. */
JsonArray *ct_timeline_read (CtDb *db, const CtFound *subject, GError **error);
const char *ct_timeline_sentence (const char *action);
const char *ct_timeline_comment (const char *action, JsonNode *changes);
char *ct_timeline_comment_of (const char *action, const char *changes);
char *ct_timeline_pending_comment (CtDb *db, const char *action, gint64 seq);
gboolean ct_timeline_tells (const char *column);
const char *ct_timeline_column_label (const char *column);

G_END_DECLS
