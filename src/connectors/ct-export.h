#pragma once

#include "ct-commander.h"
#include "ct-store.h"

G_BEGIN_DECLS

/**
 * CtExportOptions:
 * @store: whose rows are read, in one transaction
 * @commander: takes the export into the audit log
 * @actor: the login that exports
 * @now: the time of the export
 * @guard: put an apostrophe before what a spreadsheet would run; such files do not read back as they were
 *
 * Who takes the records out of the workspace, and when.
 */
typedef struct {
  CtStore *store;
  CtCommander *commander;
  const char *actor;
  gint64 now;
  gboolean guard;
} CtExportOptions;

void ct_export_register (void);
JsonObject *ct_export_run (const char *folder, const CtExportOptions *options, GError **error);

G_END_DECLS
