#pragma once

#include <glib.h>

G_BEGIN_DECLS

char *ct_cli_verifier_key (const char *given, GError **error);

G_END_DECLS
