#pragma once

#include "ct-detail.h"
#include "ct-workspace.h"

G_BEGIN_DECLS

/* The pane beside the list: what was done, why it waits, both values side by side. */
void ct_attention_detail_show (CtDetail *detail, CtWorkspace *workspace, gint64 seq,
                               GCancellable *cancellable);

G_END_DECLS
