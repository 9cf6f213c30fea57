#pragma once

#include "ct-hash.h"
#include "ct-id.h"

G_BEGIN_DECLS

/* Integers that RFC 8785 keeps exact. */
#define CT_CANONICAL_MOST_INT G_GINT64_CONSTANT (9007199254740991)

/* Writing and reading pieces of canonical JSON (RFC 8785) in place, without a document tree: leaves are built within
 * every command and scanned by the million. */
void ct_canonical_append_text (GString *json, const char *text, gsize length);
void ct_canonical_append_int (GString *json, gint64 value);
void ct_canonical_append_hex (GString *json, const guint8 *bytes, gsize length);
void ct_canonical_append_id (GString *json, const CtId *id);

/* A reader's place; every take moves it, and fails where the bytes are not in canonical form. */
typedef struct {
  const char *at;
  const char *end;
} CtCanonical;

gboolean ct_canonical_take (CtCanonical *self, const char *literal, gsize length);
gboolean ct_canonical_take_text (CtCanonical *self, const char **text, gsize *length);
char *ct_canonical_unescape (const char *text, gsize length);
gboolean ct_canonical_take_int (CtCanonical *self, gint64 *value);
gboolean ct_canonical_take_hex (CtCanonical *self, guint8 *bytes, gsize length);
gboolean ct_canonical_take_id (CtCanonical *self, CtId *id);

#define ct_canonical_take_literal(self, literal) ct_canonical_take (self, "" literal, sizeof literal - 1)

G_END_DECLS
