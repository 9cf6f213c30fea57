#pragma once

#include "ct-pull.h"

G_BEGIN_DECLS

/* What the rows of a range of ids amount to: see schema/central/020-digest.sql */
typedef struct {
  gint64 rows;
  guint64 hash;
} CtDigest;

void ct_digest_add (CtDigest *self, const CtId *id, gint64 rev, int times);
GHashTable *ct_digest_revs_new (void);

gboolean ct_digest_ask (CtSession *session, const char *table, GArray *bounds, GArray *digests,
                        GCancellable *cancellable, GError **error);
gboolean ct_digest_ask_changed (CtSession *session, const CtPulled *head, gint64 after, const char *scopes,
                                GHashTable *changed, GCancellable *cancellable, GError **error);
GHashTable *ct_digest_ask_revs (CtSession *session, const char *table, GHashTable *of,
                                GCancellable *cancellable, GError **error);
GHashTable *ct_digest_ask_range (CtSession *session, const char *table, const CtId *from, const CtId *until,
                                 int most, GCancellable *cancellable, GError **error);

G_END_DECLS
