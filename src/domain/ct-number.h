#pragma once

#include "ct-id.h"

G_BEGIN_DECLS

char *ct_number_format (const char *prefix, int year, gint64 value);
char *ct_number_format_provisional (const char *prefix, const CtId *id);
gboolean ct_number_is_provisional (const char *number);
const char *ct_number_find_provisional (const char *text, gsize *length);

G_END_DECLS
