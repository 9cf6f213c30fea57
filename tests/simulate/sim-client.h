#pragma once

#include "sim-world.h"

G_BEGIN_DECLS

/* A value that a person gave a column: it must stand there while the command is pending. */
typedef struct {
  gint64 seq;
  CtId id;
  const char *table, *column; /* (unowned) */
  char *value;                /* (owned) (nullable): not known what it is now */
} SimWrite;

/* A command that was accepted on a client: nothing of it may ever vanish. */
typedef struct {
  CtId command, made; /* @made: the record that it made, or nil */
  const char *table;  /* (unowned) (nullable): of @made */
} SimAccepted;

/* One workspace of a person. */
typedef struct {
  SimWorld *world; /* (unowned) */
  char *name;      /* (owned) */
  const char *login;
  SyncReplica *replica; /* (owned) */
  int version;          /* of the schema, while an earlier program runs here; 0: this one does */
  guint8 secret[64];    /* of its device */
  CtSession *session;   /* (owned) (nullable): as long as nothing disturbs it */
  gboolean away;        /* from the network */
  GArray *accepted;     /* (owned) (element-type SimAccepted): all its commands in their order */
  GPtrArray *writes;    /* (owned) (element-type SimWrite) */
  GHashTable *seen; /* (owned) (element-type utf8 utf8): the rows as they last stood with nothing pending */
  CtCursor cursor;  /* as it last was */
  gint64 acknowledged;
  char *backup;          /* (owned) (nullable): a file */
  guint backup_accepted; /* how many commands are in it */
} SimClient;

/* What a client does with the server. */
typedef enum {
  SIM_SYNC_ROUND,
  SIM_SYNC_PULL,
  SIM_SYNC_PUSH,
} SimSync;

SimClient *sim_client_new (SimWorld *world, const char *login, int version);
SimClient *sim_client_copy (SimClient *self);
void sim_client_free (SimClient *self);
gboolean sim_client_is_away (SimClient *self);
void sim_client_reopen (SimClient *self);
gboolean sim_client_upgrade (SimClient *self);
CtSession *sim_client_session (SimClient *self, GError **error);
void sim_client_hang_up (SimClient *self);
void sim_client_back_up (SimClient *self);
void sim_client_restore (SimClient *self);
void sim_client_forget_seen (SimClient *self);
gboolean sim_client_sync (SimClient *self, SimSync how, gboolean through_line, CtSyncReport *report,
                          GError **error);
gboolean sim_client_offer_again (SimClient *self);
void sim_client_note_accepted (SimClient *self);
gboolean sim_client_do (SimClient *self, const char *command, const char *args, CtId *made, GError **error);
void sim_client_expect (SimClient *self, const char *table, const CtId *id, const char *column,
                        const char *value);
gint64 sim_client_number (SimClient *self, const char *sql);
gint64 sim_client_pending (SimClient *self);

G_END_DECLS
