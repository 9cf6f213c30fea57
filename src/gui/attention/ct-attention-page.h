#pragma once

#include "list/ct-list-page.h"

G_BEGIN_DECLS

/* What the server could not apply: both values side by side, until a person decides. */
#define CT_TYPE_ATTENTION_PAGE (ct_attention_page_get_type ())
G_DECLARE_FINAL_TYPE (CtAttentionPage, ct_attention_page, CT, ATTENTION_PAGE, CtListPage)

extern const CtPageAction ct_attention_page_actions[];

void ct_attention_put_back (GtkWidget *window, CtWorkspace *workspace, GVariant *seqs);
G_END_DECLS
