#pragma once

#include "ct-workspace.h"

G_BEGIN_DECLS

#define CT_KEY_DEVICE "keys/device.key"
#define CT_KEY_LOG    "keys/log.key"

/* Outside the replica, so that a replica that was rolled back is found out. */
#define CT_LAST_CHECKPOINT "last-checkpoint"
char *ct_workspace_recall_checkpoint (CtWorkspace *self);
gboolean ct_workspace_remember_checkpoint (CtWorkspace *self, const char *note, GError **error);

/* A 0600 file that holds a secret key; refuses one that others may read. */
gboolean ct_keys_make (const char *folder, const char *log_name, guint8 device_public[CT_DEVICE_PUBLIC_SIZE],
                       CtSigner **signer, GError **error);
int ct_keys_open (const char *path, GError **error);
gboolean ct_keys_load_device (const char *folder, guint8 secret[CT_DEVICE_SECRET_SIZE], GError **error);

void ct_workspace_remove_half (const char *folder);

/* Makes all layers' commands known. */
void ct_workspace_register_commands (void);

G_END_DECLS
