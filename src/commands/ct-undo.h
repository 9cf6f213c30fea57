#pragma once

#include "ct-command.h"

G_BEGIN_DECLS

void ct_undo_register (void);
gboolean ct_undo_run (CtCommand *command, GError **error);
gboolean ct_undo_note (CtCommand *command, gint64 seq, GError **error);
char *ct_undo_last (CtDb *db, const char *actor, const char *(*label) (const char *command), GError **error);

G_END_DECLS
