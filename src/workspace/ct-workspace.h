#pragma once

#include "ct-commander.h"
#include "ct-note.h"
#include "ct-store.h"

G_BEGIN_DECLS

#define CT_TYPE_WORKSPACE (ct_workspace_get_type ())
G_DECLARE_FINAL_TYPE (CtWorkspace, ct_workspace, CT, WORKSPACE, GObject)

typedef struct {
  gboolean trial;          /* --now and --as are allowed */
  const char *environment; /* "demo", "staging", "production" */
  const char *time_zone;   /* (nullable): the machine's */
  const char *login;       /* (nullable): the user's */
  gint64 now;              /* 0: the clock */
} CtWorkspaceOptions;

/* Making and opening; both block and belong to command lines or worker threads. */
gboolean ct_workspace_create (const char *folder, const CtWorkspaceOptions *options, GError **error);
gboolean ct_workspace_exists (const char *folder);
char *ct_workspace_default_folder (void);
char *ct_workspace_shipped (GError **error);
CtWorkspace *ct_workspace_open (const char *folder, GError **error);
void ct_workspace_close (CtWorkspace *self);

const char *ct_workspace_get_folder (CtWorkspace *self);
CtStore *ct_workspace_get_store (CtWorkspace *self);
CtCommander *ct_workspace_get_commander (CtWorkspace *self);
const char *ct_workspace_get_actor (CtWorkspace *self);
const char *ct_workspace_get_environment (CtWorkspace *self);
gboolean ct_workspace_is_trial (CtWorkspace *self);
gboolean ct_workspace_is_connected (CtWorkspace *self);
GTimeZone *ct_workspace_get_zone (CtWorkspace *self);
CtSigner *ct_workspace_get_log_signer (CtWorkspace *self, GError **error);
gint64 ct_workspace_now (CtWorkspace *self);

/* In a connected workspace the team's service detects, schedules, drafts and sends, on one thread: see ct-service.c */
void ct_workspace_set_service (CtWorkspace *self, CtSettleFunc settle, gpointer data);
CtSettleFunc ct_workspace_get_settle (CtWorkspace *self, gpointer *data);
gboolean ct_workspace_check_works (CtWorkspace *self, GError **error);
void ct_workspace_set_ahead (CtWorkspace *self, gint64 ahead);

/* Only in a workspace made for trials. */
gboolean ct_workspace_set_actor (CtWorkspace *self, const char *login, GError **error);
gboolean ct_workspace_set_now (CtWorkspace *self, gint64 now, GError **error);

/* Commands by the workspace's actor at its time. */
gboolean ct_workspace_execute (CtWorkspace *self, const char *name, JsonObject *args, CtOutcome *outcome,
                               GError **error);
void ct_workspace_execute_async (CtWorkspace *self, const char *name, JsonObject *args,
                                 GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
gboolean ct_workspace_execute_finish (CtWorkspace *self, GAsyncResult *result, CtOutcome *outcome,
                                      GError **error);
gboolean ct_workspace_may (CtWorkspace *self, const char *command);
gboolean ct_workspace_is_stale (CtWorkspace *self, CtDb *db, gboolean *stale, GError **error);
gboolean ct_workspace_undo (CtWorkspace *self, CtOutcome *outcome, GError **error);
void ct_workspace_undo_async (CtWorkspace *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                              gpointer user_data);

/* The device's Ed25519 key: 32 bytes public, 64 bytes secret. */
#define CT_DEVICE_PUBLIC_SIZE 32
#define CT_DEVICE_SECRET_SIZE 64
gboolean ct_workspace_get_device (CtWorkspace *self, CtId *device, guint8 secret[CT_DEVICE_SECRET_SIZE],
                                  GError **error);

G_END_DECLS
