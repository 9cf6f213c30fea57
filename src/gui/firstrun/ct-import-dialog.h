#pragma once

#include "ct-workspace.h"

#include <adwaita.h>

G_BEGIN_DECLS

/* CSV files into the workspace: profile and folder, a preview, a rehearsal, the import, the rows it refused. */
void ct_import_dialog_open (gpointer widget, CtWorkspace *workspace, const char *folder);
GtkFileChooserNative *ct_import_folder_chooser (gpointer widget);

G_END_DECLS
