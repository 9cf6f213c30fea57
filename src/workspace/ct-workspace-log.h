#pragma once

#include "ct-kept-checkpoint.h"
#include "ct-log-sync.h"
#include "ct-workspace.h"

G_BEGIN_DECLS

gboolean ct_workspace_follow_log (CtWorkspace *self, CtDb *db, CtSession *session, CtKeptCheckpoint *kept,
                                  gboolean sequences, gboolean again, GCancellable *cancellable,
                                  CtLogSyncReport *report, GError **error);
gboolean ct_workspace_signs_log (CtWorkspace *self);
gboolean ct_workspace_own_log (CtWorkspace *self, CtDb *db, GError **error);
gboolean ct_workspace_expect_log_key (CtWorkspace *self, const char *vkey, GError **error);
gboolean ct_workspace_continue_log (CtWorkspace *self, CtSession *session, gint64 kept,
                                    CtLogContinuation *made, gint64 *lost, gboolean *served,
                                    GCancellable *cancellable, GError **error);
JsonObject *ct_workspace_describe_log (CtDb *db, GError **error);

G_END_DECLS
