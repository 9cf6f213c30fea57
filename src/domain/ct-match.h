#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* A condition over named facts, as policies and routes have it: {"blocker": ["invoice_overdue", "payment_short"],
 * "severity": "critical", "valueMinor": {"min": 100000}}. Every member must hold. */
typedef struct _CtMatch CtMatch;

CtMatch *ct_match_parse (JsonObject *object, const char *where, GError **error);
void ct_match_free (CtMatch *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtMatch, ct_match_free)

gboolean ct_match_test (const CtMatch *self, JsonObject *facts);
char *ct_match_describe (const CtMatch *self);

G_END_DECLS
