#pragma once

#include "ct-db.h"

G_BEGIN_DECLS

/* The ground an approval stands on: the facts that a draft cites, as they are in the records, and the last message
 * that came in. Canonical JSON:
 *   {"facts":[{"field","id","type","value"}…],"last_inbound":{"count","id","sha256"} or null,"v":1}
 * with facts in order of type, id and field. The hash of it is signed; a change of any of it voids the approval. */

gboolean ct_approval_context_knows (const char *type, const char *field);
JsonNode *ct_approval_context_read (CtDb *db, const char *type, const CtId *id, const char *field,
                                    GError **error);
char *ct_approval_context_label (CtDb *db, const char *type, const CtId *id);

char *ct_approval_context_build (CtDb *db, const CtId *task, JsonArray *cited, GError **error);
char *ct_approval_context_renew (CtDb *db, const CtId *task, const char *context, GError **error);
JsonArray *ct_approval_context_facts (CtDb *db, const char *context, GError **error);
JsonArray *ct_approval_context_changes (CtDb *db, const char *before, const char *after, GError **error);
char *ct_approval_context_describe (JsonArray *changes);

G_END_DECLS
