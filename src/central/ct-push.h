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

/* A command as it is pushed. */
typedef struct {
  gint64 n;      /* which of the device's */
  char *intent;  /* (owned) (nullable): NULL: there is none */
  char *changes; /* (owned) (nullable): NULL where it lies in the tray and is withdrawn */
  char *
      builds_on; /* (owned) (nullable): "{7,9}": it must not be tried where the server has rejected one of these */
} CtPushOffer;

/* Why a stream of commands ended. */
typedef enum {
  CT_PUSH_END_DONE = 0,  /* nothing is left to offer */
  CT_PUSH_END_FORKED,    /* this workspace was copied or restored */
  CT_PUSH_END_GAP,       /* the server misses commands before this one: it was restored */
  CT_PUSH_END_LOST_BASE, /* a command builds on one that was rejected: pull first */
} CtPushEnd;

typedef gboolean (*CtPushNext) (CtPushOffer *offer, gpointer data, GError **error);
/* Takes over @verdict. */
typedef void (*CtPushTold) (CtVerdict *verdict, gpointer data);

CtVerdict *ct_verdict_read (JsonObject *object, GError **error);
CtVerdict *ct_verdict_parse (const char *answer, GError **error);
void ct_verdict_free (CtVerdict *self);

CtVerdict *ct_push (CtSession *session, const CtId *device, gint64 n, const char *intent, const char *changes,
                    GCancellable *cancellable, GError **error);
gboolean ct_push_stream (CtSession *session, const CtId *device, CtPushNext next, CtPushTold told,
                         gpointer data, CtPushEnd *end, GCancellable *cancellable, GError **error);
void ct_push_offer_clear (CtPushOffer *self);
gboolean ct_push_fork (CtSession *session, const CtId *device, gint64 shared_n, const CtHash *shared_sha256,
                       const CtId *new_device, GCancellable *cancellable, GError **error);
/* Who vouches that a device is its login's; in hexadecimal digits. */
typedef struct {
  const char *signature;
  CtId signer; /* an administrator's device */
} CtPushVoucher;

gboolean ct_push_enrol (CtSession *session, const CtId *device, const char *owner, const char *label,
                        const guint8 *public_key, gint64 last_n, const CtHash *last_sha256,
                        const CtPushVoucher *voucher, GCancellable *cancellable, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtVerdict, ct_verdict_free)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CtPushOffer, ct_push_offer_clear)

G_END_DECLS
