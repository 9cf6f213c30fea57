#pragma once

#include "ct-checkpoint.h"
#include "ct-db.h"
#include "ct-merkle.h"

G_BEGIN_DECLS

#define CT_LOG_PROOF_MOST_BYTES (512 * 1024)

/* What a proof shows: this leaf stands at this index of the log with this head. */
typedef struct {
  guint64 index;
  CtCheckpoint checkpoint;
  char *leaf; /* (owned): its bytes, ended by a NUL */
  gsize leaf_length;
} CtLogProof;

char *ct_log_proof (CtDb *db, gint64 index, GError **error);
gboolean ct_log_proof_open (const char *text, gssize length, const CtVerifier *verifier, CtLogProof *proof,
                            GError **error);
void ct_log_proof_clear (CtLogProof *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CtLogProof, ct_log_proof_clear)

G_END_DECLS
