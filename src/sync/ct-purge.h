#pragma once

#include "ct-pull.h"
#include "ct-db.h"

G_BEGIN_DECLS

gboolean ct_purge_begin (CtDb *db, CtPulled *pulled, GError **error);
gboolean ct_purge_note_rest (CtDb *db, const char *table, GError **error);
gboolean ct_purge_rows (CtDb *db, CtPulled *pulled, GError **error);
gboolean ct_purge_note_missing (CtDb *db, gint64 acknowledged, GError **error);
gboolean ct_purge_history (CtDb *db, gint64 acknowledged, gint64 now, guint *parked, GError **error);
gboolean ct_purge_order (CtDb *db, GError **error);

/* Copies that ct_purge_copy_name() names: of a replica that somebody wrote into past the commands. */
char *ct_purge_copy_name (CtDb *db, gint64 now);
gboolean ct_purge_finish (CtDb *db, guint *copies, GError **error);

G_END_DECLS
