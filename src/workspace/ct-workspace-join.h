#pragma once

#include "ct-workspace-connect.h"

G_BEGIN_DECLS

/* Joining a server from a program that people watch: what it is at, what of their answers was wrong. */
typedef enum { CT_JOIN_CONNECTING, CT_JOIN_UPLOADING, CT_JOIN_LOADING, CT_JOIN_LEAVING } CtJoinStage;

typedef struct {
  char *address;       /* (owned) */
  char *password;      /* (owned) (nullable): wiped when freed */
  gboolean plain_file; /* keep it in the workspace's plain-text file */
  gboolean upload;     /* take the workspace's own records along */
  char *brought;       /* (out) (owned) (nullable): what went along, in words */
  char *
      left_behind; /* (out) (owned) (nullable): where @wrong is the records: what does not go along with them */
  CtConnectPart wrong; /* (out): what the error is about */
  JsonObject *device; /* (out) (owned) (nullable): where @wrong is the device: what the administrator needs */
  char *unloaded; /* (out) (owned) (nullable): joined, but why the load has not ended; it goes on by itself */
  gint stage;     /* atomic: #CtJoinStage */
  gint permille;  /* atomic: of the load; -1: not known */
} CtJoin;

CtJoin *ct_join_new (const char *address, const char *password, gboolean plain_file);
void ct_join_free (CtJoin *self);
gboolean ct_workspace_join (CtWorkspace *workspace, CtJoin *self, GCancellable *cancellable, GError **error);
char *ct_join_login (CtJoin *self);
gboolean ct_workspace_check_server (const char *address, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtJoin, ct_join_free)

G_END_DECLS
