#pragma once

#include "ct-link.h"

G_BEGIN_DECLS

/* What of an attempt to join was wrong, for who shows it beside what was typed. */
typedef enum {
  CT_CONNECT_NOTHING,
  CT_CONNECT_ADDRESS,
  CT_CONNECT_PASSWORD,
  CT_CONNECT_DEVICE,  /* an administrator has to enrol it */
  CT_CONNECT_KEYRING, /* there is none that could keep the password */
  CT_CONNECT_RECORDS, /* the workspace has some of its own; they may go along */
} CtConnectPart;

/* That the workspace's own records go along, and who wants to know how far they are. */
typedef struct {
  CtFirstLoadFunc told; /* (nullable): called on another thread than the caller's */
  gpointer data;
  gboolean invented;  /* also where they are those of the demo */
  gboolean limitless; /* also where limits and absences stay behind */
  char **brought;     /* (out) (optional) (transfer full): what went along, in words */
} CtConnectUpload;

/* Joining and leaving a server; these block (network, disk, keyring). */
gboolean ct_workspace_connect (CtWorkspace *self, const char *address, const char *password,
                               gboolean plain_file, const CtConnectUpload *upload, CtConnectPart *wrong,
                               GCancellable *cancellable, GError **error);
char *ct_workspace_left_behind (CtWorkspace *self, GError **error);
gboolean ct_workspace_disconnect (CtWorkspace *self, gboolean with_pending, JsonObject **left,
                                  GCancellable *cancellable, GError **error);
JsonObject *ct_workspace_sync_status (CtDb *db, GError **error);

G_END_DECLS
