#pragma once

#include "ct-workspace-delivery.h"

G_BEGIN_DECLS

/* What a setup is made of, to say which part of it is wrong. */
typedef enum {
  CT_CHANNEL_PART_NONE,
  CT_CHANNEL_PART_KIND,
  CT_CHANNEL_PART_NAME,
  CT_CHANNEL_PART_DESTINATION,
  CT_CHANNEL_PART_BASE_URL,
  CT_CHANNEL_PART_TOKEN,
  CT_CHANNEL_PARTS,
} CtChannelPart;

/* A channel as a person sets it up. */
typedef struct {
  char *kind, *name, *base_url; /* (owned) */
  GPtrArray *destinations; /* (owned) (element-type utf8): those of a channel that is there are added to */
  CtSecret *secret;        /* (owned) (nullable): NULL leaves the stored token as it is */
  gboolean plain_token;    /* the person asked for the plain-text file, CT_SECRET_FILE */
} CtChannelSetup;

CtChannelSetup *ct_channel_setup_new (const char *kind, const char *name, const char *base_url);
void ct_channel_setup_free (CtChannelSetup *self);

/* What is left of a channel that was removed: enough to take that back, token included. */
typedef struct _CtRemovedChannel CtRemovedChannel;

void ct_removed_channel_free (CtRemovedChannel *self);
const char *ct_removed_channel_problem (const CtRemovedChannel *self);

JsonArray *ct_workspace_read_channels (CtDb *db, const char *name, GError **error);
gboolean ct_workspace_check_channel_part (CtWorkspace *self, const CtChannelSetup *setup, CtChannelPart part,
                                          GError **error);
gboolean ct_workspace_check_channel (CtWorkspace *self, const CtChannelSetup *setup, CtChannelPart *wrong,
                                     GError **error);

/* These block (disk, keyring): command lines and workers. */
JsonObject *ct_workspace_list_channels (CtWorkspace *self, GCancellable *cancellable, GError **error);
gboolean ct_workspace_add_channel (CtWorkspace *self, const CtChannelSetup *setup, gboolean *in_file,
                                   CtChannelPart *wrong, GCancellable *cancellable, GError **error);
CtRemovedChannel *ct_workspace_remove_channel (CtWorkspace *self, const char *name, GCancellable *cancellable,
                                               GError **error);
gboolean ct_workspace_restore_channel (CtWorkspace *self, const CtRemovedChannel *removed,
                                       GCancellable *cancellable, GError **error);

/* The same on a worker thread, for programs with a main loop. */
void ct_workspace_list_channels_async (CtWorkspace *self, GCancellable *cancellable,
                                       GAsyncReadyCallback callback, gpointer user_data);
JsonObject *ct_workspace_list_channels_finish (CtWorkspace *self, GAsyncResult *result, GError **error);
void ct_workspace_add_channel_async (CtWorkspace *self, CtChannelSetup *setup, GAsyncReadyCallback callback,
                                     gpointer user_data);
gboolean ct_workspace_add_channel_finish (CtWorkspace *self, GAsyncResult *result, gboolean *in_file,
                                          CtChannelPart *wrong, GError **error);
void ct_workspace_remove_channel_async (CtWorkspace *self, const char *name, GAsyncReadyCallback callback,
                                        gpointer user_data);
CtRemovedChannel *ct_workspace_remove_channel_finish (CtWorkspace *self, GAsyncResult *result,
                                                      GError **error);
void ct_workspace_restore_channel_async (CtWorkspace *self, CtRemovedChannel *removed,
                                         GAsyncReadyCallback callback, gpointer user_data);
gboolean ct_workspace_restore_channel_finish (CtWorkspace *self, GAsyncResult *result, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtChannelSetup, ct_channel_setup_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtRemovedChannel, ct_removed_channel_free)

G_END_DECLS
