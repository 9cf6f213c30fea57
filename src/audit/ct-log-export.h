#pragma once

#include "ct-db.h"
#include "ct-tiles-verify.h"

G_BEGIN_DECLS

typedef struct {
  CtCheckpoint checkpoint;
  char *vkey; /* (owned) */
  guint64 n_disclosures;
  guint64
      n_hidden; /* leaves of a server's log of which the workspace has the hash alone: so has the export */
} CtLogExport;

void ct_log_export_clear (CtLogExport *self);

gboolean ct_log_export (CtDb *db, const char *directory, const CtVerifier *verifier, CtAuditProgress progress,
                        gpointer progress_data, GCancellable *cancellable, CtLogExport *export,
                        GError **error);
gboolean ct_log_export_verify (const char *directory, const char *vkey, CtAuditProgress progress,
                               gpointer progress_data, GCancellable *cancellable, CtTilesReport *report,
                               GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CtLogExport, ct_log_export_clear)

G_END_DECLS
