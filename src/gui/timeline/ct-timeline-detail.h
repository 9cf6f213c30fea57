#pragma once

#include "ct-detail.h"
#include "ct-workspace.h"

G_BEGIN_DECLS

/* One event of the audit log for the pane. */
void ct_timeline_detail_show (CtDetail *detail, CtWorkspace *workspace, gint64 n, GCancellable *cancellable);

G_END_DECLS
