#pragma once

#include "ct-workspace.h"

#include <adwaita.h>

G_BEGIN_DECLS

/* How the workspace stands with its server, in the window's header; a click opens the details. Follows the data by
 * itself. */
#define CT_TYPE_SYNC_STATUS (ct_sync_status_get_type ())
G_DECLARE_FINAL_TYPE (CtSyncStatus, ct_sync_status, CT, SYNC_STATUS, GtkWidget)

void ct_sync_status_set_workspace (CtSyncStatus *self, CtWorkspace *workspace);

G_END_DECLS
