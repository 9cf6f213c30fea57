#pragma once

#include "ct-rebase.h"

G_BEGIN_DECLS

/* What a round between replica and server did. */
typedef struct {
  guint pushed;          /* commands offered */
  CtRebaseReport pulled; /* sums over its pulls */
  gboolean
      forked; /* this workspace was a copy: it goes on as a device of its own, or again as the one it was */
  gboolean rebuilt; /* somebody wrote past the commands: the replica was taken anew; a copy lies beside it */
  guint copies_removed; /* such copies that went because they may hold rows that may no longer be seen */
} CtSyncReport;

gboolean ct_sync_check_window (CtDb *db, int oldest, int newest, GError **error);
gboolean ct_sync_push (CtDb *db, CtSession *session, GCancellable *cancellable, CtSyncReport *report,
                       gboolean *again, GError **error);
gboolean ct_sync_pull (CtDb *db, CtCommander *commander, CtSession *session, gint64 now,
                       GCancellable *cancellable, CtSyncReport *report, GError **error);
gboolean ct_sync_round (CtDb *db, CtCommander *commander, CtSession *session, gint64 now,
                        GCancellable *cancellable, CtSyncReport *report, GError **error);

G_END_DECLS
