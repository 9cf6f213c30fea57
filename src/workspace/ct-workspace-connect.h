#pragma once

#include "ct-link.h"

G_BEGIN_DECLS

/* Joining and leaving a server; these block (network, disk, keyring). */
gboolean ct_workspace_connect (CtWorkspace *self, const char *address, const char *password,
                               gboolean plain_file, GCancellable *cancellable, GError **error);
gboolean ct_workspace_disconnect (CtWorkspace *self, gboolean with_pending, JsonObject **left,
                                  GCancellable *cancellable, GError **error);
JsonObject *ct_workspace_sync_status (CtDb *db, GError **error);

G_END_DECLS
