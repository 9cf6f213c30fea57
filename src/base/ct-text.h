#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Static tables of names end with NULL; the index of @name, or -1. */
int ct_text_index (const char *const *names, const char *name);
gboolean ct_text_is_blank (const char *text);
char *ct_text_snippet (const char *text, gsize characters);
char *ct_text_expand (const char *pattern, const char *(*lookup) (const char *name, gpointer data),
                      gpointer data);

G_END_DECLS
