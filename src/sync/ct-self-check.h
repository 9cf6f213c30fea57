#pragma once

#include "ct-sync.h"

G_BEGIN_DECLS

/* What a self-check found. */
typedef struct {
  gint64 rows;     /* of the replica, compared */
  guint tables;    /* of which */
  guint different; /* rows that were not what the server has */
  guint mended;    /* of those */
} CtSelfCheckReport;

gboolean ct_self_check (CtDb *db, CtCommander *commander, CtSession *session, gint64 now,
                        GCancellable *cancellable, CtSelfCheckReport *report, GError **error);
gboolean ct_self_check_is_due (CtDb *db, gint64 now, gboolean *due, GError **error);

G_END_DECLS
