#pragma once

#include "ct-backlog.h"

G_BEGIN_DECLS

gboolean ct_fork_notice (CtDb *db, CtPulled *pulled, gboolean *forked, GError **error);
gboolean ct_fork_go_on (CtDb *db, CtSession *session, gint64 now, GCancellable *cancellable, GError **error);
gboolean ct_fork_reclaim (CtDb *db, CtSession *session, gboolean *reclaimed, GCancellable *cancellable,
                          GError **error);

G_END_DECLS
