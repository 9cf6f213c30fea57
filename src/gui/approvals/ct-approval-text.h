#pragma once

#include "ct-base.h"

G_BEGIN_DECLS

/* How a message is shown to whoever approves it; without GTK, so that tables test it. */
char *ct_approval_text_markup (const char *text, JsonArray *findings, guint *n_hidden);
char *ct_approval_text_diff (const char *before, const char *after);

G_END_DECLS
