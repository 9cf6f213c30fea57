#pragma once

#include "ct-base.h"

G_BEGIN_DECLS

char ct_column_kind (const char *table, const char *column);

G_END_DECLS
