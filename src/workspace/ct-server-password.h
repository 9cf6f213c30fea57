#pragma once

#include "ct-secret-store.h"

G_BEGIN_DECLS

/* Passwords for a central server among the secrets, bound to its host and port. Calls block. */
gboolean ct_server_password_save (CtSecretStore *secrets, CtSecretPlace place, const char *name,
                                  const char *address, const char *password, GCancellable *cancellable,
                                  GError **error);
char *ct_server_password_find (CtSecretStore *secrets, const char *name, const char *address,
                               GCancellable *cancellable);
void ct_server_password_free (char *password);

G_END_DECLS
