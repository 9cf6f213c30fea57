#pragma once

#include "ct-hash.h"

G_BEGIN_DECLS

/* Checks many hashes beside the thread that reads: "these bytes have that hash". Failures are told in the order in which
 * the checks were given, so the outcome is that of one thread. Memory is bounded by a few batches. */
typedef struct _CtHashQueue CtHashQueue;

/* What to say where the hash of @bytes is not @number's; (transfer full). Called in any thread. */
typedef char *(*CtHashExplain) (guint kind, gint64 number, const guint8 *bytes, gsize length);

CtHashQueue *ct_hash_queue_new (CtHashExplain explain);
void ct_hash_queue_free (CtHashQueue *self);
GByteArray *ct_hash_queue_begin (CtHashQueue *self);
gboolean ct_hash_queue_end (CtHashQueue *self, guint kind, gint64 number, const CtHash *expected);
gboolean ct_hash_queue_finish (CtHashQueue *self, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtHashQueue, ct_hash_queue_free)

G_END_DECLS
