#pragma once

#include "ct-push.h"

G_BEGIN_DECLS

/* Where a replica stands in the feed. All zero: it has nothing yet. */
typedef struct {
  CtId epoch;    /* which history */
  gint64 number; /* of the last transaction it has */
  CtId nonce;    /* of that transaction: another one means a restored server */
} CtCursor;

/* The state of one row; a row that was deleted or that the login may no longer see has no values. */
typedef struct {
  const char *table; /* (unowned): interned */
  CtId id;
  JsonObject *values; /* (owned) (nullable): by column; blobs as hexadecimal text */
  gboolean hidden;    /* without values: gone for this login, and with all that is known of it */
} CtPulledRow;

/* What the server made of one of the device's own commands. */
typedef struct {
  gint64 n;
  CtHash sha256;      /* of the intent */
  CtVerdict *verdict; /* (owned) */
} CtPulledVerdict;

/* Everything that one pull saw, of one moment of the server. */
typedef struct {
  CtCursor base;      /* where the replica stood when it asked */
  CtCursor cursor;    /* where it stands afterwards: store it even where nothing came */
  gboolean whole;     /* all rows that the login sees came: others that the replica has are gone */
  gboolean aged;      /* whole only because the replica was away for too long: what is gone is hidden */
  char *scopes;       /* (owned): which scopes the login had, sealed: to be given to the next pull */
  int oldest, newest; /* versions of the replica's schema that the server serves */
  GStrv tables;       /* (owned): those that @rows is about */
  gint64 standing; /* the device's last command that the server knows; -1 where it does not know the device */
  CtHash standing_sha256; /* and that command's hash */
  GPtrArray *rows;        /* (owned) (element-type CtPulledRow) */
  GPtrArray *verdicts;    /* (owned) (element-type CtPulledVerdict): ascending n */
} CtPulled;

gboolean ct_pull_same_scopes (const char *one, const char *other);
CtPulled *ct_pull (CtSession *session, const char *const *tables, const CtCursor *cursor, const char *scopes,
                   const CtId *device, gint64 after_n, GCancellable *cancellable, GError **error);
CtPulled *ct_pull_head (CtSession *session, const char *const *tables, const CtCursor *cursor,
                        const char *scopes, GCancellable *cancellable, GError **error);
gboolean ct_pull_rows (CtSession *session, CtPulled *self, const char *table, GPtrArray *ids,
                       GCancellable *cancellable, GError **error);
GPtrArray *ct_pull_verdicts (CtSession *session, const CtId *device, gint64 after_n,
                             GCancellable *cancellable, GError **error);
void ct_pulled_free (CtPulled *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtPulled, ct_pulled_free)

G_END_DECLS
