#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define CT_HASH_SIZE 32

/* A SHA-256 value. */
typedef struct {
  guint8 bytes[CT_HASH_SIZE];
} CtHash;

/* A SHA-256 computation in progress; on the stack, needs no freeing. */
typedef struct {
  guint64 opaque[16];
} CtHasher;

void ct_hasher_init (CtHasher *self);
void ct_hasher_update (CtHasher *self, gconstpointer data, gsize length);
CtHash ct_hasher_finish (CtHasher *self);

CtHash ct_hash (gconstpointer data, gsize length);
gboolean ct_hash_equal (const CtHash *a, const CtHash *b);
char *ct_hash_to_hex (const CtHash *self);
gboolean ct_hash_from_hex (const char *hex, CtHash *hash);

void ct_random_bytes (gpointer buffer, gsize length);

G_END_DECLS
