#pragma once

#include "ct-outbox.h"
#include "ct-workspace.h"

G_BEGIN_DECLS

/* Channels and sending. The calls without _async block (network, disk, keyring): command lines and workers. */
CtSecretStore *ct_workspace_secrets_new (CtWorkspace *self, GError **error);
gboolean ct_workspace_store_token (CtWorkspace *self, const char *channel, CtSecret *secret,
                                   gboolean plain_file, GCancellable *cancellable, GError **error);

gboolean ct_workspace_deliver (CtWorkspace *self, GCancellable *cancellable, CtOutboxReport *report,
                               GError **error);
gint64 ct_workspace_next_delivery (CtWorkspace *self, GError **error);
char *ct_workspace_test_channel (CtWorkspace *self, const char *channel, GCancellable *cancellable,
                                 GError **error);

/* What became of asking for a post. */
typedef enum {
  CT_POST_STOPPED,   /* it had not gone out, and does not */
  CT_POST_ASKED,     /* the team's service does it */
  CT_POST_RETRACTED, /* the provider took it back */
  CT_POST_FOUND,     /* the provider has it: it is sent */
  CT_POST_NOT_FOUND, /* a person decides */
} CtPostDone;

gboolean ct_workspace_read_back (CtWorkspace *self, const CtId *post, GCancellable *cancellable,
                                 CtPostDone *done, GError **error);
gboolean ct_workspace_retract (CtWorkspace *self, const CtId *post, const char *comment,
                               GCancellable *cancellable, CtPostDone *done, GError **error);

/* The same on a worker thread, for programs with a main loop. */
void ct_workspace_deliver_async (CtWorkspace *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                                 gpointer user_data);
gboolean ct_workspace_deliver_finish (CtWorkspace *self, GAsyncResult *result, CtOutboxReport *report,
                                      GError **error);
void ct_workspace_test_channel_async (CtWorkspace *self, const char *channel, GCancellable *cancellable,
                                      GAsyncReadyCallback callback, gpointer user_data);
char *ct_workspace_test_channel_finish (CtWorkspace *self, GAsyncResult *result, GError **error);

G_END_DECLS
