/* A connected workspace in a temporary folder, administered by "admin". */
#pragma once

#define CT_TEST_COMMANDS
#include "ct-test.h"
#include "ct-authority-central.h"
#include "ct-sync.h"
#include "ct-tray.h"

G_BEGIN_DECLS

typedef struct {
  char *folder;           /* (owned) */
  CtDb *db;               /* (owned) */
  CtCommander *commander; /* (unowned): with the central authority, shared by all */
  CtId device;
  const char *actor; /* (unowned): as whom commands are given */
  gint64 now;        /* moves on with every command */
} SyncReplica;

SyncReplica *sync_replica_new (void);
SyncReplica *sync_replica_new_at (int version);
void sync_replica_reopen (SyncReplica *self, int version);
SyncReplica *sync_replica_open (const char *file);
SyncReplica *sync_replica_copy (SyncReplica *self);
void sync_replica_free (SyncReplica *self);
void sync_replica_seed (guint32 seed);
CtId sync_replica_new_id (void);
gboolean sync_replica_try (SyncReplica *self, const char *command, const char *args, CtId *id,
                           GError **error);
CtId sync_replica_run (SyncReplica *self, const char *command, const char *format, ...) G_GNUC_PRINTF (3, 4);
gint64 sync_replica_number (SyncReplica *self, const char *sql);
char *sync_replica_text (SyncReplica *self, const char *sql);
char *sync_replica_dump (SyncReplica *self);
void sync_replica_check (SyncReplica *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyncReplica, sync_replica_free)

G_END_DECLS
