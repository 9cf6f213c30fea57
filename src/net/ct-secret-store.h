#pragma once

#include "ct-secret.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/* The name says what it is to whoever finds it. */
#define CT_SECRET_FILE "keys/INSECURE-plain-text-tokens.tsv"

typedef enum {
  CT_SECRET_KEYRING,    /* the desktop's keyring, through libsecret */
  CT_SECRET_PLAIN_FILE, /* CT_SECRET_FILE of the workspace, only where the person asked for it */
  CT_SECRET_CREDENTIAL, /* the service manager's; read only */
} CtSecretPlace;

/* A workspace's secrets, by name and origin. Calls block (D-Bus, a disk): use it on a worker thread. */
typedef struct _CtSecretStore CtSecretStore;

CtSecretStore *ct_secret_store_new (const char *workspace_dir, const char *workspace_id);
void ct_secret_store_free (CtSecretStore *self);

gboolean ct_secret_store_keyring_is_open (GCancellable *cancellable, GError **error);
gboolean ct_secret_store_save (CtSecretStore *self, CtSecretPlace place, const char *name, CtSecret *secret,
                               GCancellable *cancellable, GError **error);
CtSecret *ct_secret_store_find (CtSecretStore *self, const char *name, const char *base_url,
                                GCancellable *cancellable, GError **error);
gboolean ct_secret_store_where (CtSecretStore *self, const char *name, const char *base_url,
                                CtSecretPlace *place, GCancellable *cancellable, GError **error);
gboolean ct_secret_store_clear (CtSecretStore *self, const char *name, const char *base_url,
                                GCancellable *cancellable, GError **error);

/* What the service manager handed to this process: systemd credentials. */
char *ct_secret_credential_read (const char *name);
void ct_secret_credential_free (char *text);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtSecretStore, ct_secret_store_free)

G_END_DECLS
