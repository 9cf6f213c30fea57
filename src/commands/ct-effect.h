#pragma once

#include "ct-command.h"

G_BEGIN_DECLS

/* How handlers write: the columns are a static list "number,status", the values follow by letter as in ct-db.h.
 * id, n, rev and the stamps are added here. */
gboolean ct_effect_insert (CtCommand *command, GError **error, const char *table, const CtId *id,
                           const char *columns, const char *format, ...);
gboolean ct_effect_update (CtCommand *command, GError **error, const char *table, const CtId *id,
                           const char *columns, const char *format, ...);
CtId ct_effect_new_id (CtCommand *command, const char *table, guint64 index);
gboolean ct_effect_object (CtCommand *command, const char *table, const CtId *id, GError **error);

G_END_DECLS
