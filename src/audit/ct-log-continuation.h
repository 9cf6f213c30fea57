#pragma once

#include "ct-checkpoint.h"
#include "ct-leaf.h"
#include "ct-log-sign.h"

G_BEGIN_DECLS

/* How a log goes on whose server was restored from a backup: the checkpoint with which it begins under its new origin, over the
 * leaves that are left, with a line that names the origin it had. */
typedef struct {
  CtCheckpoint start;
  char *former; /* (owned): the origin before */
} CtLogContinuation;

void ct_log_continuation_clear (CtLogContinuation *self);
char *ct_log_continuation_sign (const CtLogContinuation *self, const CtSigner *signer, GError **error);
gboolean ct_log_continuation_open (const char *note, const CtVerifier *verifier, CtLogContinuation *self,
                                   GError **error);
gboolean ct_log_continuation_is_new (const CtLogContinuation *self, const char *origins);
gboolean ct_log_continuation_note (CtDb *db, const char *former, GError **error);
gboolean ct_log_continuation_take (CtDb *db, const CtLogContinuation *self, GError **error);

char *ct_log_origins (CtDb *db, GError **error);
gboolean ct_log_origins_have (const char *origins, const CtLeafText *origin);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CtLogContinuation, ct_log_continuation_clear)

G_END_DECLS
