/* The places of ct-secret-store.c. */
#pragma once

#include "ct-secret-store.h"

G_BEGIN_DECLS

gboolean ct_secret_file_save (const char *dir, const char *name, CtSecret *secret, GError **error);
CtSecret *ct_secret_file_find (const char *dir, const char *name, const char *origin, GError **error);
gboolean ct_secret_file_clear (const char *dir, const char *name, const char *origin, gboolean *cleared,
                               GError **error);

CtSecret *ct_secret_credential_find (const char *name, const char *origin, GError **error);

gboolean ct_secret_keyring_is_open (GCancellable *cancellable, GError **error);
gboolean ct_secret_keyring_save (const char *workspace_id, const char *name, CtSecret *secret,
                                 GCancellable *cancellable, GError **error);
CtSecret *ct_secret_keyring_find (const char *workspace_id, const char *name, const char *origin,
                                  GCancellable *cancellable, GError **error);
gboolean ct_secret_keyring_has (const char *workspace_id, const char *name, const char *origin,
                                GCancellable *cancellable, GError **error);
gboolean ct_secret_keyring_clear (const char *workspace_id, const char *name, const char *origin,
                                  gboolean *cleared, GCancellable *cancellable, GError **error);

G_END_DECLS
