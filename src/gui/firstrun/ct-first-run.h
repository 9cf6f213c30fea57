#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

/* What stands in the window where the folder holds no workspace: demo data, or files of one's own. Makes the workspace
 * off the main thread; ::ready (whether to import next) when it can be opened. */
#define CT_TYPE_FIRST_RUN (ct_first_run_get_type ())
G_DECLARE_FINAL_TYPE (CtFirstRun, ct_first_run, CT, FIRST_RUN, AdwBin)

GtkWidget *ct_first_run_new (const char *folder);
const char *ct_first_run_get_folder (CtFirstRun *self);

G_END_DECLS
