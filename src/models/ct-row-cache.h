#pragma once

#include "ct-record.h"

G_BEGIN_DECLS

/* The values of the rows read last, by number, as many as fit; main thread only. */
typedef struct _CtRowCache CtRowCache;

CtRowCache *ct_row_cache_new (guint most);
void ct_row_cache_free (CtRowCache *self);
void ct_row_cache_clear (CtRowCache *self);
CtRecord *ct_row_cache_get (CtRowCache *self, gint64 n);
void ct_row_cache_put (CtRowCache *self, gint64 n, CtRecord *record);

G_END_DECLS
