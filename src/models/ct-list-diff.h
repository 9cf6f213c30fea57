#pragma once

#include "ct-ids.h"

G_BEGIN_DECLS

/* One step from an old order of rows to a new one; @position counts in the new order. */
typedef struct {
  guint position;
  guint removed;
  guint added;
} CtSplice;

GArray *ct_list_diff (const CtIds *before, const CtIds *after, guint most);

G_END_DECLS
