#pragma once

#include "ct-session.h"
#include "ct-hash.h"

G_BEGIN_DECLS

/* Where the server's log stands. */
typedef struct {
  char *origin;      /* (owned) */
  char *first;       /* (owned): what it was called at first: names the server */
  char *vkey;        /* (owned) (nullable): of the key that signs it; none yet */
  char *note;        /* (owned) (nullable): its newest checkpoint */
  char *tables;      /* (owned): the business tables whose rows it commits to, with spaces between */
  gint64 size;       /* leaves that have a place */
  gint64 number;     /* the last transaction whose leaves are all among them */
  gint64 upto;       /* leaves of transactions up to the one asked about */
  gboolean proposed; /* an administrator would have it go on under another origin */
  gboolean whole;    /* whether the reader sees every row there is */
} CtLogHead;

/* A redactable text beside a leaf. */
typedef struct {
  char *field;  /* (owned) */
  char *value;  /* (owned) */
  GBytes *salt; /* (owned) */
} CtFedText;

/* A leaf as far as the login may see it. */
typedef struct {
  gint64 place;
  CtHash sha256;
  char *leaf; /* (owned) (nullable): hidden */
  GBytes *
      salt; /* (owned) (nullable): of the row entries, empty where each has its own; the leaf commits to no rows */
  GBytes *entries;  /* (owned) (nullable) */
  GPtrArray *texts; /* (owned) (nullable) (element-type CtFedText): what it discloses is kept from us */
} CtFedLeaf;

gboolean ct_log_feed_head (CtSession *session, gint64 seen, CtLogHead *head, GCancellable *cancellable,
                           GError **error);
void ct_log_head_clear (CtLogHead *self);
GPtrArray *ct_log_feed_leaves (CtSession *session, gint64 first, gint64 upto, GCancellable *cancellable,
                               GError **error);
gboolean ct_log_feed_integrate (CtSession *session, gint64 *size, GCancellable *cancellable, GError **error);
GStrv ct_log_feed_continuations (CtSession *session, GCancellable *cancellable, GError **error);
GStrv ct_log_feed_proposals (CtSession *session, GCancellable *cancellable, GError **error);
gboolean ct_log_feed_publish (CtSession *session, gint64 size, const CtHash *root, const char *note,
                              GCancellable *cancellable, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CtLogHead, ct_log_head_clear)

G_END_DECLS
