#pragma once

#include "ct-command.h"

G_BEGIN_DECLS

/* The most rows one import.chunk command takes. */
#define CT_IMPORT_CHUNK_ROWS 10000

void ct_import_chunk_register (void);

G_END_DECLS
