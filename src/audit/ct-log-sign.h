#pragma once

#include "ct-checkpoint.h"
#include "ct-log.h"
#include "ct-merkle.h"

G_BEGIN_DECLS

/* The sequencer: leaves become part of the tree, and the tree's head is signed. */
gboolean ct_log_sign (CtDb *db, const CtSigner *signer, gint64 now_ms, char **note, GError **error);
gboolean ct_log_size (CtDb *db, guint64 *n_leaves, guint64 *n_signed, GError **error);
char *ct_log_checkpoint (CtDb *db, GError **error);
gboolean ct_log_integrate (CtDb *db, guint64 size, guint64 upto, GError **error);
gboolean ct_log_root (CtDb *db, guint64 size, CtHash *root, GError **error);

gboolean ct_log_read_tile (guint level, guint64 index, guint width, CtHash *hashes, gpointer db,
                           GError **error);
gboolean ct_log_inclusion (CtDb *db, guint64 index, guint64 size, CtProof *proof, GError **error);
gboolean ct_log_consistency (CtDb *db, guint64 old_size, guint64 size, CtProof *proof, GError **error);

/* What a client demands before it believes the log. */
gboolean ct_log_check_included (CtDb *db, const CtVerifier *verifier, const CtId *ev_id, GError **error);
gboolean ct_log_check_remembered (CtDb *db, const CtVerifier *verifier, const char *remembered,
                                  GError **error);

G_END_DECLS
