#pragma once

#include "ct-log-export.h"
#include "ct-log-verify.h"
#include "ct-workspace.h"

G_BEGIN_DECLS

gboolean ct_workspace_verify (CtWorkspace *self, const char *vkey, gboolean state, CtAuditProgress progress,
                              gpointer data, GCancellable *cancellable, CtLogReport *report, GError **error);
gboolean ct_workspace_sign (CtWorkspace *self, GError **error);
gboolean ct_workspace_export_log (CtWorkspace *self, const char *directory, CtAuditProgress progress,
                                  gpointer data, GCancellable *cancellable, CtLogExport *export,
                                  GError **error);

G_END_DECLS
