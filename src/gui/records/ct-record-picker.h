#pragma once

#include "ct-workspace.h"

#include <adwaita.h>

G_BEGIN_DECLS

/* A row of a form that names another record, found by its number or name. */
GtkWidget *ct_record_picker_new (CtWorkspace *workspace, const char *table);
void ct_record_picker_set (GtkWidget *row, const char *id, const char *label);
const char *ct_record_picker_get_id (GtkWidget *row);

G_END_DECLS
