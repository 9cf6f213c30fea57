#pragma once

#include "pg-device.h"
#include "sync-replica.h"

G_BEGIN_DECLS

/* One person's workstation: a replica and a line to the server. */
typedef struct {
  SyncReplica *replica; /* (owned) */
  CtSession *session;   /* (owned) (nullable) */
} PgStation;

PgStation *pg_station_new (PgServer *server, const char *database, const char *login);
void pg_station_configure (PgStation *self);
void pg_station_free (PgStation *self);
CtSyncReport pg_station_sync (PgStation *self);
CtSyncReport pg_station_pull (PgStation *self);
gint64 pg_station_tray (PgStation *self);
gboolean pg_station_in_files (PgStation *self, const char *word);
char *pg_station_add (PgStation *self, const char *name, const char *region);
void pg_station_edit (PgStation *self, const char *id, const char *column, const char *value);
char *pg_station_value (PgStation *self, const char *id, const char *expression);
void pg_station_assert_value (PgStation *self, const char *id, const char *expression, const char *expected);
void pg_station_assert_same (PgStation *a, PgStation *b);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PgStation, pg_station_free)

G_END_DECLS
