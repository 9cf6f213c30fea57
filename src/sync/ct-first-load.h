#pragma once

#include "ct-db.h"
#include "ct-session.h"

G_BEGIN_DECLS

/* How far a load is; called after each piece, on the thread that loads. */
typedef void (*CtFirstLoadFunc) (const char *table, gint64 done, gint64 expected, gpointer data);

gboolean ct_first_load (CtDb *db, CtSession *session, CtFirstLoadFunc told, gpointer data, gint64 *rows,
                        GCancellable *cancellable, GError **error);
gboolean ct_first_load_is_under_way (CtDb *db, gboolean *under_way, GError **error);
gboolean ct_first_load_progress (CtDb *db, gint64 *done, gint64 *expected, GError **error);
gboolean ct_first_load_abandon (CtDb *db, GError **error);

G_END_DECLS
