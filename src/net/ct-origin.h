#pragma once

#include <glib.h>

G_BEGIN_DECLS

gboolean ct_origin_parse (const char *base_url, char **origin, char **prefix, GError **error);
gboolean ct_origin_is_loopback (const char *origin);

G_END_DECLS
