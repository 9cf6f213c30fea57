#pragma once

#include "ct-tiles.h"

G_BEGIN_DECLS

/* What a directory was found to hold. */
typedef struct {
  CtCheckpoint checkpoint;
  char *vkey;               /* (owned): the key that signed it */
  gboolean key_is_from_log; /* no key was given: log.vkey of the directory itself was believed */
  gboolean has_entries;     /* the entries were there and match their hashes */
  gboolean has_disclosures; /* disclosures.jsonl was there and matches the entries */
  guint64 n_disclosures;
  guint64 n_hidden; /* entries that are not shown: their hashes stand in the tree */
} CtTilesReport;

/* Sees each entry after its hash has been found to be the tile's. */
typedef gboolean (*CtEntryVisitor) (guint64 index, const guint8 *entry, gsize length, gpointer data,
                                    GError **error);

void ct_tiles_report_clear (CtTilesReport *self);

gboolean ct_tiles_verify (const char *directory, const char *vkey, CtEntryVisitor visitor,
                          gpointer visitor_data, CtAuditProgress progress, gpointer progress_data,
                          GCancellable *cancellable, CtTilesReport *report, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CtTilesReport, ct_tiles_report_clear)

G_END_DECLS
