#pragma once

#include "ct-first-load.h"
#include "ct-open-upload.h"

G_BEGIN_DECLS

gboolean ct_upload_check (CtDb *db, CtSession *session, GCancellable *cancellable, GError **error);
gboolean ct_upload_ask (CtSession *session, const CtOpenUpload *open, gboolean *brought,
                        GCancellable *cancellable, GError **error);
gboolean ct_upload_is_there (CtDb *db, CtSession *session, gboolean *there, GCancellable *cancellable,
                             GError **error);
gboolean ct_upload_send (CtDb *db, CtSession *session, const char *server, CtFirstLoadFunc told,
                         gpointer data, GCancellable *cancellable, GError **error);
gboolean ct_upload_settle (CtDb *db, CtSession *session, GError **error);

G_END_DECLS
