#pragma once

#include "ct-kind.h"
#include "ct-policy.h"

G_BEGIN_DECLS

/* The most rows one import.chunk command takes. */
#define CT_IMPORT_CHUNK_ROWS 10000

void ct_import_chunk_register (void);
gboolean ct_import_chunk_may (CtPolicy *policy, const CtKind *kind, gboolean once, GPtrArray *roles);

G_END_DECLS
