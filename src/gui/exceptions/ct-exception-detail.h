#pragma once

#include "ct-detail.h"
#include "ct-workspace.h"

G_BEGIN_DECLS

/* Everything about one exception for the pane: read off the main thread, then shown. */
void ct_exception_detail_show (CtDetail *detail, CtWorkspace *workspace, gint64 n, GCancellable *cancellable);

G_END_DECLS
