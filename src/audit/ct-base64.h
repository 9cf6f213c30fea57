#pragma once

#include <glib.h>

G_BEGIN_DECLS

gboolean ct_base64_decode (const char *text, gsize length, guint8 *bytes, gsize most, gsize *n_bytes);
char *ct_base64_encode (gconstpointer bytes, gsize n_bytes);

G_END_DECLS
