#pragma once

#include "ct-log-sync.h"
#include "ct-log-verify.h"
#include "pg-station.h"

G_BEGIN_DECLS

extern PgServer *log_server;
extern CtSigner *log_signer; /* of the server's log */

/* A client with what it keeps outside of the replica. */
typedef struct {
  PgStation *station;     /* (owned) */
  const CtSigner *signer; /* (nullable) */
  char *last;             /* (owned) (nullable): checkpoint */
  char *proof;            /* (owned) (nullable) */
} LogClient;

void log_client_free (LogClient *self);
gboolean log_client_try_follow (LogClient *self, gboolean again, CtLogSyncReport *report, GError **error);
CtLogSyncReport log_client_follow (LogClient *self);
CtLogSyncReport log_client_sync (LogClient *self);
gboolean log_client_try_verify (LogClient *self, gboolean state, CtLogReport *report, GError **error);
void log_client_verify (LogClient *self, guint64 n_hidden);
LogClient *log_client_new (const char *database, const char *login);
LogClient *log_client_new_sequencer (const char *database);
char *log_client_add (LogClient *self, const char *name, const char *region);
gint64 log_client_number (LogClient *self, const char *sql);
void log_assert_found (const GError *error, const char *says);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (LogClient, log_client_free)

G_END_DECLS
