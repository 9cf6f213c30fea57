/* The server's log as its clients see it: what each may read of it, and that whoever owns the database cannot change it
 * unnoticed. */
#include "pg-station.h"
#include "ct-config.h"
#include "ct-log-sync.h"
#include "ct-log-verify.h"

#include <string.h>

static PgServer *server;
static char *policy; /* schema/policy.json */

/* A client with what it keeps outside of the replica. */
typedef struct {
  PgStation *station;     /* (owned) */
  const CtSigner *signer; /* (nullable) */
  char *last;             /* (owned) (nullable): checkpoint */
  char *proof;            /* (owned) (nullable) */
} Client;

static CtSigner *signer; /* of the server's log */

static void
client_free (Client *self)
{
  pg_station_free (self->station);
  g_free (self->last);
  g_free (self->proof);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Client, client_free)

static char *
recall_cb (gpointer data)
{
  return g_strdup (((Client *) data)->last);
}

static gboolean
remember_cb (const char *note, gpointer data, GError **error)
{
  Client *self = data;

  g_free (self->last);
  self->last = g_strdup (note);
  return TRUE;
}

static gboolean
keep_proof_cb (const char *note, gpointer data, GError **error)
{
  Client *self = data;

  g_free (self->proof);
  self->proof = g_strdup (note);
  return TRUE;
}

static gboolean
try_follow (Client *self, gboolean again, CtLogSyncReport *report, GError **error)
{
  CtLogSyncOptions options = { .signer = self->signer,
                               .recall = recall_cb,
                               .remember = remember_cb,
                               .keep_proof = keep_proof_cb,
                               .data = self,
                               .again = again };

  return ct_log_sync (self->station->replica->db, self->station->session, &options,
                      self->station->replica->now, NULL, report, error);
}

static CtLogSyncReport
follow (Client *self)
{
  g_autoptr (GError) error = NULL;
  CtLogSyncReport report;

  try_follow (self, FALSE, &report, &error);
  g_assert_no_error (error);
  return report;
}

static CtLogSyncReport
sync_up (Client *self)
{
  pg_station_sync (self->station);
  return follow (self);
}

static gboolean
try_verify (Client *self, gboolean state, CtLogReport *report, GError **error)
{
  g_autofree char *vkey = ct_verifier_to_string (ct_signer_verifier (signer));
  const char *remembered[] = { self->last, NULL };
  CtLogVerifyOptions options = { .vkey = vkey,
                                 .remembered = remembered,
                                 .flags = CT_LOG_VERIFY_ALL_INTENTS | (state ? CT_LOG_VERIFY_STATE : 0) };

  return ct_log_verify (self->station->replica->db, &options, report, error);
}

static void
verify (Client *self, guint64 n_hidden)
{
  g_auto (CtLogReport) report = { 0 };
  g_autoptr (GError) error = NULL;

  try_verify (self, TRUE, &report, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (report.n_leaves, ==, report.n_signed);
  g_assert_cmpuint (report.n_hidden, ==, n_hidden);
}

static Client *
client_new (const char *database, const char *login)
{
  Client *self = g_new0 (Client, 1);

  self->station = pg_station_new (server, database, login);
  return self;
}

/* The team's service, with the key. */
static Client *
sequencer_new (const char *database)
{
  Client *self;
  g_autoptr (CtSession) root = pg_server_login (server, database, "postgres");
  g_autofree char *vkey = ct_verifier_to_string (ct_signer_verifier (signer));
  g_autoptr (GError) error = NULL;

  ct_session_script (root,
                     "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'robot') THEN"
                     " CREATE ROLE robot LOGIN; GRANT tower_agent TO robot; END IF; END $$;"
                     "INSERT INTO sync.grants SELECT 'robot', (sync.scope_ids(ARRAY['all']))[1]",
                     NULL, &error);
  g_assert_no_error (error);
  ct_session_run (root, NULL, &error, "SELECT api.set_log_key($1)", "s", vkey);
  g_assert_no_error (error);
  self = client_new (database, "robot");
  self->signer = signer;
  return self;
}

static char *
add (Client *self, const char *name, const char *region)
{
  CtId id = sync_replica_run (self->station->replica, "distributor.create",
                              "{\"legal_name\":\"%s\",\"currency\":\"EUR\",\"region\":\"%s\"}", name, region);

  return ct_id_to_string (&id);
}

static gint64
number (Client *self, const char *sql)
{
  return sync_replica_number (self->station->replica, sql);
}

/* The hashes of all leaves are everybody's, and what they say for those alone who see the rows. */
static void
test_scopes (void)
{
  g_autoptr (Client) robot = NULL, anna = NULL, north = NULL;
  g_autofree char *here = NULL, *there = NULL, *one = NULL, *other = NULL;
  g_autoptr (CtSession) root = NULL;

  pg_server_create (server, "scopes", policy);
  root = pg_server_login (server, "scopes", "postgres");
  robot = sequencer_new ("scopes");
  anna = client_new ("scopes", "anna");
  north = client_new ("scopes", "north");
  here = add (anna, "Nordwind", "north");
  there = add (anna, "Geheimer Suedhandel", "south");
  sync_up (anna);
  g_assert_cmpint (number (anna, "SELECT count(*) FROM sync_outcomes WHERE place IS NULL"), ==, 2);
  g_assert_true (sync_up (robot).signed_here);
  g_assert_false (sync_up (robot).signed_here);
  g_assert_true (sync_up (anna).covers_rows);
  g_assert_cmpint (number (anna, "SELECT count(*) FROM sync_outcomes WHERE place IS NULL"), ==, 0);
  sync_up (north);
  verify (robot, 0);
  verify (anna, 0);
  verify (north, 1);
  g_assert_cmpint (number (north, "SELECT count(*) FROM audit_disclosures WHERE value LIKE '%Nordwind%'"), ==,
                   1);
  g_assert_cmpint (number (north, "SELECT count(*) FROM audit_disclosures WHERE value LIKE '%Geheim%'"), ==,
                   0);
  one = sync_replica_text (anna->station->replica,
                           "SELECT hex(root) FROM audit_checkpoints ORDER BY size DESC");
  other = sync_replica_text (north->station->replica,
                             "SELECT hex(root) FROM audit_checkpoints ORDER BY size DESC");
  g_assert_cmpstr (one, ==, other);

  /* a row that comes to a region comes with its story from there on, and with its commitment */
  sync_replica_run (anna->station->replica, "distributor.edit", "{\"id\":\"%s\",\"region\":\"north\"}",
                    there);
  sync_up (anna);
  sync_up (robot);
  sync_up (north);
  verify (north, 1);
  sync_replica_run (anna->station->replica, "distributor.edit", "{\"id\":\"%s\",\"region\":\"south\"}",
                    there);
  sync_up (anna);
  sync_up (robot);
  sync_up (north);
  verify (north, 1);

  /* what is granted later is filled in, what is revoked is gone from the file */
  pg_number (
      root,
      "WITH g AS (INSERT INTO sync.grants SELECT 'north', id FROM sync.scopes WHERE name = 'region:south'"
      " RETURNING 1) SELECT count(*) FROM g");
  sync_up (north);
  verify (north, 0);
  g_assert_cmpint (number (north, "SELECT count(*) FROM audit_disclosures WHERE value LIKE '%Geheim%'"), ==,
                   1);
  pg_number (root,
             "WITH g AS (DELETE FROM sync.grants g USING sync.scopes s WHERE s.id = g.scope AND s.name ="
             " 'region:south' AND g.grantee = 'north' RETURNING 1) SELECT count(*) FROM g");
  sync_up (north);
  verify (north, 1);
  g_assert_cmpint (number (north, "SELECT count(*) FROM audit_disclosures WHERE value LIKE '%Geheim%'"), ==,
                   0);
}

int
main (int argc, char **argv)
{
  g_autofree char *path = g_build_filename (CT_SOURCE_ROOT, "schema", "policy.json", NULL);
  int status;

  g_test_init (&argc, &argv, NULL);
  g_assert_true (g_file_get_contents (path, &policy, NULL, NULL));
  signer = ct_signer_generate ("control-tower/test", NULL);
  server = pg_server_start ();
  g_test_add_func ("/log/scopes", test_scopes);
  status = g_test_run ();
  pg_server_stop (server);
  ct_signer_free (signer);
  g_free (policy);
  return status;
}
