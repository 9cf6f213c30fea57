#pragma once

#include "ct-attention-page.h"

G_BEGIN_DECLS

/* The values of a command that waits, to be corrected and given anew. */
void ct_attention_form_open (CtListPage *page, gint64 seq);

G_END_DECLS
