/* Those who follow a server's log, and the service that signs it. */
#include "pg-log-client.h"

#include <string.h>

PgServer *log_server;
CtSigner *log_signer;

void
log_client_free (LogClient *self)
{
  pg_station_free (self->station);
  g_free (self->last);
  g_free (self->proof);
  g_free (self);
}

static GStrv
recall_cb (gpointer data)
{
  const char *notes[] = { ((LogClient *) data)->last, NULL };

  return g_strdupv ((char **) notes);
}

static gboolean
remember_cb (const char *note, gpointer data, GError **error)
{
  LogClient *self = data;

  g_free (self->last);
  self->last = g_strdup (note);
  return TRUE;
}

static gboolean
keep_proof_cb (const char *note, gpointer data, GError **error)
{
  LogClient *self = data;

  g_free (self->proof);
  self->proof = g_strdup (note);
  return TRUE;
}

static gboolean
keep_lost_cb (gpointer data, GError **error)
{
  LogClient *self = data;

  g_clear_pointer (&self->last, g_free); /* it goes with the copy of the log that was */
  return TRUE;
}

gboolean
log_client_try_follow (LogClient *self, gboolean again, CtLogSyncReport *report, GError **error)
{
  CtLogSyncOptions options = { .signer = self->signer,
                               .recall = recall_cb,
                               .remember = remember_cb,
                               .keep_proof = keep_proof_cb,
                               .keep_lost = keep_lost_cb,
                               .data = self,
                               .again = again };

  if (self->signer)
    g_free (pg_text (self->station->session, "SELECT api.take_work('sequence', 'robot', 300)"));
  return ct_log_sync (self->station->replica->db, self->station->session, &options,
                      self->station->replica->now, NULL, report, error);
}

CtLogSyncReport
log_client_follow (LogClient *self)
{
  g_autoptr (GError) error = NULL;
  CtLogSyncReport report;

  log_client_try_follow (self, FALSE, &report, &error);
  g_assert_no_error (error);
  return report;
}

CtLogSyncReport
log_client_sync (LogClient *self)
{
  pg_station_sync (self->station);
  return log_client_follow (self);
}

gboolean
log_client_try_verify (LogClient *self, gboolean state, CtLogReport *report, GError **error)
{
  g_autofree char *vkey = ct_verifier_to_string (ct_signer_verifier (log_signer));
  const char *remembered[] = { self->last, NULL };
  CtLogVerifyOptions options = { .vkey = vkey,
                                 .remembered = remembered,
                                 .flags = CT_LOG_VERIFY_ALL_INTENTS | (state ? CT_LOG_VERIFY_STATE : 0) };

  return ct_log_verify (self->station->replica->db, &options, report, error);
}

void
log_client_verify (LogClient *self, guint64 n_hidden)
{
  g_auto (CtLogReport) report = { 0 };
  g_autoptr (GError) error = NULL;

  log_client_try_verify (self, TRUE, &report, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (report.n_leaves, ==, report.n_signed);
  g_assert_cmpuint (report.n_hidden, ==, n_hidden);
}

LogClient *
log_client_new (const char *database, const char *login)
{
  LogClient *self = g_new0 (LogClient, 1);

  self->station = pg_station_new (log_server, database, login);
  return self;
}

/* The team's service, with the key. */
LogClient *
log_client_new_sequencer (const char *database)
{
  LogClient *self;
  g_autoptr (CtSession) root = pg_server_login (log_server, database, "postgres");
  g_autofree char *vkey = ct_verifier_to_string (ct_signer_verifier (log_signer));
  g_autoptr (GError) error = NULL;

  pg_server_let_in (root, "robot", "agent");
  ct_session_run (root, NULL, &error,
                  "INSERT INTO sync.grants SELECT 'robot', (sync.scope_ids(ARRAY['all']))[1]", "");
  g_assert_no_error (error);
  ct_session_run (root, NULL, &error, "UPDATE audit.origin SET vkey = $1", "s", vkey);
  g_assert_no_error (error);
  self = log_client_new (database, "robot");
  self->signer = log_signer;
  return self;
}

char *
log_client_add (LogClient *self, const char *name, const char *region)
{
  CtId id = sync_replica_run (self->station->replica, "distributor.create",
                              "{\"legal_name\":\"%s\",\"currency\":\"EUR\",\"region\":\"%s\"}", name, region);

  return ct_id_to_string (&id);
}

gint64
log_client_number (LogClient *self, const char *sql)
{
  return sync_replica_number (self->station->replica, sql);
}

void
log_assert_found (const GError *error, const char *says)
{
  g_assert_error (error, CT_ERROR, CT_ERROR_CORRUPT);
  g_test_message ("%s", error->message);
  if (!strstr (error->message, says))
    g_error ("“%s” does not say “%s”", error->message, says);
}
