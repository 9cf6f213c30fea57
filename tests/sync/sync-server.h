/* The server's rows without the server: enough of it for thousands of pulls a minute. */
#pragma once

#include "sync-replica.h"

G_BEGIN_DECLS

typedef struct {
  GHashTable *rows;    /* (owned) (element-type utf8 JsonObject): "table id" */
  GHashTable *changed; /* (owned) (element-type utf8): keys that changed since the last pull */
  GPtrArray *verdicts; /* (owned): for the next pull */
  gint64 number;
  gint64 names; /* how many human numbers were given */
  CtId epoch;
} SyncServer;

SyncServer *sync_server_new (void);
void sync_server_free (SyncServer *self);
void sync_server_put (SyncServer *self, const char *table, const CtId *id, JsonObject *values);
void sync_server_delete (SyncServer *self, const char *key);
void sync_server_take (SyncServer *self, SyncReplica *from, gint64 seq);
CtPulled *sync_server_pull (SyncServer *self, SyncReplica *to, gboolean whole);
JsonObject *sync_server_any (SyncServer *self, const char *table, GRand *rand, const char **key);
JsonObject *sync_server_edit (SyncServer *self, const char *key);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SyncServer, sync_server_free)

G_END_DECLS
