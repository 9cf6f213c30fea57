#pragma once

#include "ct-db.h"

G_BEGIN_DECLS

/* Collects the salted hashes of the rows that one event wrote. */
typedef struct _CtRowCommitter CtRowCommitter;

CtRowCommitter *ct_row_committer_new (void);
void ct_row_committer_free (CtRowCommitter *self);
gboolean ct_row_committer_add (CtRowCommitter *self, const char *table, const CtId *id, CtStmt *row,
                               GError **error);
void ct_row_committer_add_image (CtRowCommitter *self, const char *table, const CtId *id, gconstpointer image,
                                 gsize length);
void ct_row_committer_add_deleted (CtRowCommitter *self, const char *table, const CtId *id);
gboolean ct_row_committer_is_empty (CtRowCommitter *self);
CtHash ct_row_committer_finish (CtRowCommitter *self);
GBytes *ct_row_committer_get_salt (CtRowCommitter *self);
GBytes *ct_row_committer_get_entries (CtRowCommitter *self);

void ct_row_image_append (GByteArray *image, CtStmt *row);
CtHash ct_row_hash (gconstpointer salt, gsize salt_length, const char *table, const CtId *id,
                    gconstpointer image, gsize length);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtRowCommitter, ct_row_committer_free)

G_END_DECLS
