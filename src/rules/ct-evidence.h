#pragma once

#include "ct-db.h"

G_BEGIN_DECLS

/* What an exception shows of its reasons, in words: one source for the desktop program and the command line. */
void ct_evidence_put_words (JsonArray *evidence, const char *subject_type, const char *currency,
                            GTimeZone *zone);
JsonArray *ct_evidence_score (CtDb *db, const CtId *exception, gint64 now, GError **error);

G_END_DECLS
