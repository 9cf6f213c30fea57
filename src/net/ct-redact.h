#pragma once

#include <glib.h>

G_BEGIN_DECLS

char *ct_redact (const char *text);

G_END_DECLS
