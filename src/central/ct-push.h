#pragma once

#include "ct-session.h"

G_BEGIN_DECLS

typedef enum {
  CT_PUSH_APPLIED = 1,
  CT_PUSH_REJECTED, /* stored as such: offering it again changes nothing */
  CT_PUSH_FORKED,   /* this workspace was copied or restored: see ct_push_fork() */
} CtPushKind;

/* What became of a command. */
typedef struct {
  CtPushKind kind;
  char *code;        /* (owned) (nullable): of a rejection: conflict, refused, invalid, withdrawn */
  char *reason;      /* (owned) (nullable): of a rejection or a fork, for people */
  JsonArray *theirs; /* (owned) (nullable): of a conflict: objects table, id, column, base, mine, theirs */
  CtId leaf;         /* of the effect or the rejection; nil where the workspace forked */
} CtVerdict;

CtVerdict *ct_verdict_parse (const char *answer, GError **error);
void ct_verdict_free (CtVerdict *self);

CtVerdict *ct_push (CtSession *session, const CtId *device, gint64 n, const char *intent, const char *changes,
                    GCancellable *cancellable, GError **error);
gboolean ct_push_fork (CtSession *session, const CtId *device, gint64 shared_n, const CtHash *shared_sha256,
                       const CtId *new_device, GCancellable *cancellable, GError **error);
gboolean ct_push_enrol (CtSession *session, const CtId *device, const char *owner, const char *label,
                        const guint8 *public_key, gint64 last_n, const CtHash *last_sha256,
                        GCancellable *cancellable, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtVerdict, ct_verdict_free)

G_END_DECLS
