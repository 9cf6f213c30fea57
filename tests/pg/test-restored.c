/* A server that comes back from a backup: everybody notices, and its log goes on. */
#include "pg-log-client.h"
#include "ct-config.h"

static char *policy; /* schema/policy.json */

static void
reach (LogClient *self, const char *database, const char *login)
{
  g_clear_pointer (&self->station->session, ct_session_close);
  self->station->session = pg_server_login (log_server, database, login);
}

static gboolean
go_on_from (LogClient *self, const char *database, const char *login, const CtSigner *key, gint64 kept,
            GError **error)
{
  g_autoptr (CtSession) session = pg_server_login (log_server, database, login);
  g_auto (CtLogContinuation) made = { 0 };
  gboolean served = FALSE;
  gint64 lost = 0;

  if (!ct_log_sync_continue (self->station->replica->db, session, key, kept, &made, &lost, &served, NULL,
                             error))
    return FALSE;
  g_assert_cmpint (lost, >, 0);
  return TRUE;
}

static gboolean
go_on (LogClient *self, const char *database, const char *login, const CtSigner *key, GError **error)
{
  return go_on_from (self, database, login, key, -1, error);
}

/* What an administrator gives that has the look of the log's key, and is not signed by it. */
static void
propose_forged (const char *database, const char *login)
{
  g_autoptr (CtSession) session = pg_server_login (log_server, database, login);
  g_autoptr (CtSession) root = pg_server_login (log_server, database, "postgres");
  g_autofree char *former = pg_text (root, "SELECT name FROM audit.origin"), *note = NULL;
  CtId log = ct_id_new (ct_time_now ());
  g_autofree char *id = ct_id_to_string (&log), *origin = g_strconcat ("control-tower/", id, NULL);
  CtLogContinuation forged = { .start = { .origin = origin }, .former = former };
  g_autoptr (GError) error = NULL;
  char *last;

  forged.start.size = (guint64) pg_number (root, "SELECT coalesce(max(size), 0) FROM audit.checkpoints");
  note = ct_log_continuation_sign (&forged, log_signer, &error);
  g_assert_no_error (error);
  last = note + strlen (note) - 10; /* of the signature's BASE64 */
  *last = *last == 'A' ? 'B' : 'A';
  ct_session_run (session, NULL, &error, "SELECT api.continue_log($1)", "s", note);
  g_assert_no_error (error);
  /* not even who sequences puts into effect what nobody proposed */
  g_clear_pointer (&note, g_free);
  g_clear_pointer (&session, ct_session_close);
  note = ct_log_continuation_sign (&forged, log_signer, &error);
  session = pg_server_login (log_server, database, "robot");
  g_free (pg_text (session, "SELECT api.take_work('sequence', 'robot', 300)"));
  g_assert_false (ct_session_run (session, NULL, &error, "SELECT api.take_continuation($1)", "s", note));
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, "no administrator"));
}

/* Whoever owns the database says that the log goes on; the key under that is not the log's. */
static void
forge_continuation (const char *database)
{
  g_autoptr (CtSigner) stranger = ct_signer_generate ("control-tower/test", NULL);
  g_autoptr (CtSession) root = pg_server_login (log_server, database, "postgres");
  g_autofree char *origin = pg_text (root, "SELECT name FROM audit.origin"), *note = NULL;
  CtLogContinuation forged = { .start = { .origin = (char *) "control-tower/forged" }, .former = origin };
  g_autoptr (GError) error = NULL;

  note = ct_log_continuation_sign (&forged, stranger, &error);
  ct_session_run (root, NULL, &error, "INSERT INTO audit.continuations VALUES ($1, 0, $2, 0)", "ss", origin,
                  note);
  g_assert_no_error (error);
  ct_session_run (root, NULL, &error, "UPDATE audit.origin SET name = 'control-tower/forged'", "");
  g_assert_no_error (error);
}

/* The same backup is put back once more: its log has the origin from before the first time, and goes on from that. What was
 * signed then takes nobody back. */
static void
check_same_backup (LogClient *anna, LogClient *robot)
{
  g_autofree char *origins = NULL;
  g_auto (GStrv) names = NULL;
  CtLogContinuation old = { 0 };
  g_autoptr (GError) error = NULL;
  CtLogSyncReport report;

  reach (anna, "backup_again", "anna");
  reach (robot, "backup_again", "robot");
  g_assert_false (log_client_try_follow (anna, FALSE, &report, &error));
  log_assert_found (error, "is another one");
  g_clear_error (&error);
  propose_forged ("backup_again", "admin");
  go_on (robot, "backup_again", "postgres", log_signer, &error);
  g_assert_no_error (error);
  for (int round = 0; round < 3; round++) {
    log_client_sync (robot);
    log_client_sync (anna);
  }
  log_client_verify (anna, 0);
  log_client_verify (robot, 0);
  origins = ct_log_origins (anna->station->replica->db, &error);
  names = g_strsplit (origins, "\n", -1);
  g_assert_cmpuint (g_strv_length (names), ==, 3);
  old.start.origin = names[1];
  g_assert_false (ct_log_continuation_is_new (&old, origins));
  g_assert_false (ct_log_continuation_is_new (&old, names[0]));
  g_assert_true (ct_log_continuation_is_new (&old, names[2]));
}

/* The log goes on from what is left: nobody without the key can say so, everybody takes it from who has it, what the server
 * lost is offered again, and what comes then is proved as before. */
static void
check_continuing (LogClient *anna, LogClient *robot)
{
  g_autoptr (CtSession) postgres = pg_server_login (log_server, "postgres", "postgres");
  g_autoptr (LogClient) late = NULL;
  g_autoptr (GError) error = NULL;
  CtLogSyncReport report;

  g_clear_pointer (&anna->station->session, ct_session_close);
  g_clear_pointer (&robot->station->session, ct_session_close);
  ct_session_run (postgres, NULL, &error, "CREATE DATABASE forged_log TEMPLATE backup", "");
  g_assert_no_error (error);
  ct_session_run (postgres, NULL, &error, "CREATE DATABASE backup_again TEMPLATE backup", "");
  g_assert_no_error (error);
  forge_continuation ("forged_log");
  reach (anna, "forged_log", "anna");
  g_assert_false (log_client_try_follow (anna, FALSE, &report, &error));
  log_assert_found (error, "is not proved");
  g_clear_error (&error);

  reach (anna, "backup", "anna");
  reach (robot, "backup", "robot");
  {
    g_autoptr (CtSigner) other = ct_signer_generate ("control-tower/test", NULL);

    g_assert_false (go_on (robot, "backup", "postgres", other, &error));
    g_assert_error (error, CT_ERROR, CT_ERROR_REFUSED);
    g_clear_error (&error);
  }
  g_assert_false (
      go_on (robot, "backup", "robot", log_signer, &error)); /* the key alone is no administrator */
  g_assert_error (error, CT_ERROR, CT_ERROR_REFUSED);
  g_clear_error (&error);
  propose_forged ("backup", "admin");
  g_assert_false (log_client_try_follow (robot, FALSE, &report, &error));
  log_assert_found (error, "does not help");
  g_clear_error (&error);
  /* nobody who signs is at work now; what is proposed twice is one; what is not true stands in nobody's way */
  go_on (robot, "backup", "admin", log_signer, &error);
  g_assert_no_error (error);
  go_on (robot, "backup", "postgres", log_signer, &error);
  g_assert_no_error (error);
  propose_forged ("backup", "admin");
  g_assert_false (log_client_try_follow (anna, FALSE, &report, &error));
  log_assert_found (error, "was rolled back");
  g_clear_error (&error);
  log_client_follow (robot);
  g_assert_false (go_on (robot, "backup", "postgres", log_signer, &error)); /* nothing is lost now */
  g_assert_error (error, CT_ERROR, CT_ERROR_REFUSED);
  for (int round = 0; round < 2; round++) {
    log_client_sync (robot);
    log_client_sync (anna);
  }
  g_assert_true (log_client_sync (anna).covers_rows);
  late = log_client_new ("backup", "ben");
  log_client_sync (robot);
  log_client_sync (anna);
  log_client_sync (late);
  log_client_verify (anna, 0);
  log_client_verify (robot, 0);
  log_client_verify (late, 0);
  g_assert_cmpint (
      log_client_number (late, "SELECT count(*) FROM distributors WHERE legal_name IN ('Earlier', 'Later')"),
      ==, 2);
  g_assert_cmpint (log_client_number (anna, "SELECT count(*) FROM sync_outcomes WHERE place IS NULL"), ==, 0);
  g_assert_cmpint (log_client_number (anna, "SELECT count(*) FROM audit_logs WHERE action = 'log.continue'"),
                   ==, 1);
  g_assert_cmpint (log_client_number (robot, "SELECT count(*) FROM audit_logs WHERE action = 'log.continue'"),
                   ==, 1);
  check_same_backup (anna, robot);
}

/* A server that came back from an older backup is found out by everybody who saw more, and by its own service. */
static void
test_restored (void)
{
  g_autoptr (LogClient) robot = NULL, anna = NULL;
  g_autoptr (CtSession) postgres = pg_server_login (log_server, "postgres", "postgres");
  LogClient *clients[2];

  pg_server_create (log_server, "restored", policy);
  robot = log_client_new_sequencer ("restored");
  anna = log_client_new ("restored", "anna");
  for (guint i = 0; i < 2; i++) {
    g_autofree char *id = log_client_add (anna, i ? "Later" : "Earlier", "south");
    g_autoptr (GError) error = NULL;

    if (i == 0) /* where nothing is wrong with the log it changes nothing */
      propose_forged ("restored", "admin");
    log_client_sync (anna);
    log_client_sync (robot);
    log_client_sync (anna);
    g_clear_pointer (&anna->station->session, ct_session_close);
    g_clear_pointer (&robot->station->session, ct_session_close);
    if (i == 0)
      ct_session_run (postgres, NULL, &error, "CREATE DATABASE backup TEMPLATE restored", "");
    g_assert_no_error (error);
    anna->station->session = pg_server_login (log_server, i ? "backup" : "restored", "anna");
    robot->station->session = pg_server_login (log_server, i ? "backup" : "restored", "robot");
  }
  clients[0] = anna;
  clients[1] = robot;
  for (guint i = 0; i < G_N_ELEMENTS (clients); i++) {
    g_autoptr (GError) error = NULL;
    CtLogSyncReport report;

    g_assert_false (log_client_try_follow (clients[i], FALSE, &report, &error));
    log_assert_found (error, "was rolled back");
    log_client_verify (clients[i], 0);
  }
  check_continuing (anna, robot);
}

static void
leave (LogClient *self)
{
  g_clear_pointer (&self->station->session, ct_session_close);
}

/* Who signs the log came back from a backup together with the server, misses nothing, and signs on: everybody else finds that
 * it is another history. From what a person says they all have in common the log goes on, at last from nothing. */
static void
test_both_restored (void)
{
  g_autoptr (LogClient) robot = NULL, anna = NULL, again = NULL;
  g_autoptr (CtSession) postgres = pg_server_login (log_server, "postgres", "postgres");
  g_autoptr (GError) error = NULL;
  CtLogSyncReport report;
  gint64 kept;

  pg_server_create (log_server, "twice", policy);
  robot = log_client_new_sequencer ("twice");
  anna = log_client_new ("twice", "anna");
  g_free (log_client_add (anna, "Earlier", "south"));
  log_client_sync (anna);
  log_client_sync (robot);
  kept = log_client_sync (anna).size;
  leave (anna);
  leave (robot);
  ct_session_run (postgres, NULL, &error, "CREATE DATABASE twice_backup TEMPLATE twice", "");
  g_assert_no_error (error);
  reach (anna, "twice", "anna");
  reach (robot, "twice", "robot");
  g_free (log_client_add (anna, "Later", "south"));
  log_client_sync (anna);
  log_client_sync (robot);
  log_client_sync (anna);

  reach (anna, "twice_backup", "anna");
  again = log_client_new ("twice_backup", "robot");
  again->signer = log_signer;
  g_assert_true (log_client_sync (again).signed_here);
  g_assert_false (log_client_try_follow (anna, FALSE, &report, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_CORRUPT);
  g_clear_error (&error);
  g_assert_false (go_on (again, "twice_backup", "postgres", log_signer, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_REFUSED);
  g_clear_error (&error);
  for (int round = 0; round < 2; round++) {
    propose_forged ("twice_backup", "admin");
    log_client_sync (again); /* nothing is wrong for it, and nothing wrong takes effect */
    go_on_from (again, "twice_backup", "postgres", log_signer, round ? 0 : kept, &error);
    g_assert_no_error (error);
    log_client_sync (again);
    log_client_sync (anna);
    log_client_sync (again);
    log_client_sync (anna);
    log_client_verify (anna, 0);
    log_client_verify (again, 0);
  }
  g_assert_cmpint (log_client_number (again, "SELECT count(*) FROM distributors"), ==, 2);
  g_assert_cmpint (log_client_number (anna, "SELECT count(*) FROM audit_logs WHERE action = 'log.continue'"),
                   ==, 2);
}

int
main (int argc, char **argv)
{
  g_autofree char *path = g_build_filename (CT_SOURCE_ROOT, "schema", "policy.json", NULL);
  int status;

  g_test_init (&argc, &argv, NULL);
  g_assert_true (g_file_get_contents (path, &policy, NULL, NULL));
  log_signer = ct_signer_generate ("control-tower/test", NULL);
  log_server = pg_server_start ();
  g_test_add_func ("/log/restored", test_restored);
  g_test_add_func ("/log/restored/both", test_both_restored);
  status = g_test_run ();
  pg_server_stop (log_server);
  ct_signer_free (log_signer);
  g_free (policy);
  return status;
}
