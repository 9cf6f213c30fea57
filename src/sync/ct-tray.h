#pragma once

#include "ct-commander.h"

G_BEGIN_DECLS

gboolean ct_tray_put (CtDb *db, gint64 seq, const char *code, const char *reason, JsonArray *theirs,
                      gint64 now, GError **error);
gboolean ct_tray_take_out (CtDb *db, gint64 seq, gint64 now, GError **error);
JsonArray *ct_tray_list (CtDb *db, GError **error);
gboolean ct_tray_take_back (CtDb *db, gint64 seq, GError **error);
gboolean ct_tray_settle (CtDb *db, CtCommander *commander, gint64 seq, const char *choice, JsonObject *args,
                         const char *actor, gint64 now, GError **error);

G_END_DECLS
