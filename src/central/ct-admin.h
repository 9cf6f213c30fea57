#pragma once

#include "ct-session.h"

G_BEGIN_DECLS

/* What an administrator does to the server, over the session of a login that owns the database or is superuser. Each
 * returns what a person is told of it. */
JsonObject *ct_admin_init (CtSession *session, const char *directory, const char *policy,
                           GCancellable *cancellable, GError **error);
JsonObject *ct_admin_status (CtSession *session, GCancellable *cancellable, GError **error);

G_END_DECLS
