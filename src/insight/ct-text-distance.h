#pragma once

#include <glib.h>

G_BEGIN_DECLS

double ct_text_distance (const char *a, const char *b);

G_END_DECLS
