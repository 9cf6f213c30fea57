#pragma once

#include "ct-page.h"

G_BEGIN_DECLS

/* The line below an entry of a form that says what is wrong with it. */
#define CT_TYPE_PROBLEM_ROW (ct_problem_row_get_type ())
G_DECLARE_FINAL_TYPE (CtProblemRow, ct_problem_row, CT, PROBLEM_ROW, AdwPreferencesRow)

GtkWidget *ct_problem_row_new (void);
void ct_problem_row_say (GtkWidget *self, GtkWidget *entry, const char *problem);

G_END_DECLS
