#pragma once

#include "ct-db.h"

G_BEGIN_DECLS

/* An upload of this workspace of which it is not known whether the server took it: from just before its last word until the
 * server has said so. Meanwhile the server's copy of what waits here may be approved and sent there. */
typedef struct {
  char *server; /* (owned) (nullable): its address; %NULL: there is no such upload */
  CtId history; /* the server's: another one, or one that was restored, has another */
  CtId device;  /* which brought it */
  gint64 last;  /* the last command that it brought the effects of */
  gint64 began_at;
} CtOpenUpload;

gboolean ct_open_upload_read (CtDb *db, CtOpenUpload *upload, GError **error);
gboolean ct_open_upload_write (CtDb *db, const CtOpenUpload *upload, GError **error);
gboolean ct_open_upload_forget (CtDb *db, GError **error);
gboolean ct_open_upload_check (CtDb *db, GError **error);
void ct_open_upload_clear (CtOpenUpload *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CtOpenUpload, ct_open_upload_clear)

G_END_DECLS
