#pragma once

#include "ct-hash.h"
#include "ct-note.h"

G_BEGIN_DECLS

/* The head of a log (C2SP tlog-checkpoint): its name, how many leaves it has, their root. */
typedef struct {
  char *origin; /* (owned) */
  guint64 size;
  CtHash root;
} CtCheckpoint;

void ct_checkpoint_clear (CtCheckpoint *self);
char *ct_checkpoint_format (const CtCheckpoint *self);
gboolean ct_checkpoint_parse (const char *text, CtCheckpoint *checkpoint, GError **error);
char *ct_checkpoint_sign (const char *origin, guint64 size, const CtHash *root, const CtSigner *signer,
                          GError **error);
gboolean ct_checkpoint_open (const char *note, gssize length, const CtVerifier *verifier,
                             CtCheckpoint *checkpoint, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CtCheckpoint, ct_checkpoint_clear)

G_END_DECLS
