#pragma once

#include "ct-first-load.h"

G_BEGIN_DECLS

gboolean ct_upload_check (CtDb *db, CtSession *session, GCancellable *cancellable, GError **error);
gboolean ct_upload_send (CtDb *db, CtSession *session, CtFirstLoadFunc told, gpointer data,
                         GCancellable *cancellable, GError **error);
gboolean ct_upload_settle (CtDb *db, CtSession *session, GError **error);

G_END_DECLS
