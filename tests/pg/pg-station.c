#include "pg-station.h"

void
pg_station_free (PgStation *self)
{
  g_clear_pointer (&self->session, ct_session_close);
  sync_replica_free (self->replica);
  g_free (self);
}

/* A workspace that was just begun, enrolled and logged in. */
PgStation *
pg_station_new (PgServer *server, const char *database, const char *login)
{
  PgStation *self = g_new0 (PgStation, 1);
  g_autoptr (CtSession) ada = pg_server_login (server, database, "ada");
  g_autoptr (GError) error = NULL;
  gboolean known;
  CtHash first;

  self->replica = sync_replica_new ();
  self->session = pg_server_login (server, database, login);
  g_assert_true (ct_backlog_hash (self->replica->db, 1, &first, &known, NULL) && known);
  ct_push_enrol (ada, &self->replica->device, login, "a test's", NULL, 1, &first, NULL, &error);
  g_assert_no_error (error);
  return self;
}

CtSyncReport
pg_station_sync (PgStation *self)
{
  g_autoptr (GError) error = NULL;
  CtSyncReport report;

  ct_sync_round (self->replica->db, self->replica->commander, self->session, self->replica->now, NULL,
                 &report, &error);
  g_assert_no_error (error);
  sync_replica_check (self->replica);
  return report;
}

CtSyncReport
pg_station_pull (PgStation *self)
{
  g_autoptr (GError) error = NULL;
  CtSyncReport report = { 0 };

  ct_sync_pull (self->replica->db, self->replica->commander, self->session, self->replica->now, NULL, &report,
                &error);
  g_assert_no_error (error);
  return report;
}

/* How many commands wait there for a decision. */
gint64
pg_station_tray (PgStation *self)
{
  return sync_replica_number (self->replica, "SELECT count(*) FROM attention WHERE settled_at IS NULL");
}

void
pg_station_assert_same (PgStation *a, PgStation *b)
{
  g_autofree char *one = sync_replica_dump (a->replica), *other = sync_replica_dump (b->replica);

  g_assert_cmpstr (one, ==, other);
}
