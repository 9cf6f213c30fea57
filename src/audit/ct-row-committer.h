#pragma once

#include "ct-db.h"

G_BEGIN_DECLS

#define CT_ROW_SALT_SIZE 32

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
gboolean ct_row_committer_store (CtRowCommitter *self, CtDb *db, gint64 index, GError **error);

void ct_row_image_append (GByteArray *image, CtStmt *row);
CtHash ct_row_hash (gconstpointer salt, gsize salt_length, const char *table, const CtId *id,
                    gconstpointer image, gsize length);

/* One of the packed entries of an event. */
typedef struct {
  char table[64];
  char
      operation; /* p: the row is there with this hash; d: it was deleted; h: it is hidden, only its part's hash is told */
  gboolean parted; /* it has a salt of its own */
  CtId id;
  guint8 salt[CT_ROW_SALT_SIZE];
  CtHash hash;
} CtRowEntry;

/* Reading packed entries: @table stays as long as entries of the same table follow, so keep @entry between calls. */
gboolean ct_row_entry_next (const guint8 **cursor, const guint8 *end, CtRowEntry *entry);
void ct_row_entries_preimage (GByteArray *bytes, gconstpointer entries, gsize length);
CtHash ct_row_entries_hash (gconstpointer entries, gsize length);
gboolean ct_row_entries_are_parted (gconstpointer entries, gsize length);
gboolean ct_row_entries_hide (gconstpointer entries, gsize length);
gboolean ct_row_entries_fit (gconstpointer entries, gsize length, gsize salt_length);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtRowCommitter, ct_row_committer_free)

G_END_DECLS
