/* What only one service does at a time: one holder, one fence each, and the next one when its time is over. */
#include "pg-device.h"
#include "ct-work-lease.h"

#define DB "work-lease"

static PgServer *server;
static CtSession *root;

static CtSession *
login (const char *who)
{
  return pg_server_login (server, DB, who);
}

static gboolean
hold (CtWorkLease *lease, CtSession *session)
{
  g_autoptr (GError) error = NULL;
  gboolean held = FALSE, ok = ct_work_lease_hold (lease, session, &held, NULL, &error);

  g_assert_no_error (error);
  g_assert_true (ok);
  return held;
}

/* Of two the first has it, keeps it, and gives it to the other. */
static void
test_one_holder (void)
{
  g_autoptr (CtSession) one = login ("robo"), two = login ("robo");
  g_autoptr (CtWorkLease) mine = ct_work_lease_new ("detect", 60);
  g_autoptr (CtWorkLease) theirs = ct_work_lease_new ("detect", 60);
  g_autoptr (CtWorkLease) other = ct_work_lease_new ("schedule", 60);
  g_autoptr (CtWorkLease) late = ct_work_lease_new ("detect", 60);

  g_assert_true (hold (mine, one) && hold (mine, one));
  g_assert_false (hold (theirs, two));
  g_assert_true (hold (other, two)); /* another kind */
  g_assert_cmpint (ct_work_lease_fence (mine), ==, 1);
  ct_work_lease_release (mine, one);
  g_assert_false (ct_work_lease_is_held (mine));
  g_assert_true (hold (late, two));
  g_assert_cmpint (ct_work_lease_fence (late), ==, 2);
  g_assert_false (hold (mine, one));
  ct_work_lease_release (late, two);
  ct_work_lease_release (other, two);
}

/* One that dies keeps nobody waiting for longer than its lease, and one that lives keeps it beyond that. */
static void
test_takes_over (void)
{
  g_autoptr (CtSession) one = login ("robo"), two = login ("bot");
  g_autoptr (CtWorkLease) alive = ct_work_lease_new ("schedule", 1);
  g_autoptr (CtWorkLease) dead = ct_work_lease_new ("detect", 1);
  g_autoptr (CtWorkLease) next = ct_work_lease_new ("detect", 1);

  g_assert_true (hold (alive, one) && hold (dead, one));
  for (int i = 0; i < 1000 && !hold (next, two); i++) {
    g_usleep (20000);
    hold (alive, one);
  }
  g_assert_true (ct_work_lease_is_held (next));
  g_assert_cmpint (ct_work_lease_fence (next), >, ct_work_lease_fence (dead));
  g_assert_cmpint (ct_work_lease_fence (alive), ==,
                   pg_number (root, "SELECT fence FROM sync.work WHERE kind = 'schedule'"));
  for (int i = 0; i < 1000 && ct_work_lease_fence (dead); i++) {
    g_assert_false (hold (dead, one)); /* it learns so when it asks */
    g_usleep (20000);
  }
  g_assert_cmpint (ct_work_lease_fence (dead), ==, 0);
}

/* A renewal with an old fence, or by another login, changes nothing. */
static void
test_fences (void)
{
  g_autoptr (CtSession) one = login ("robo"), two = login ("bot");

  ct_session_run (root, NULL, NULL, "UPDATE sync.work SET until = '-infinity'", "");
  ct_session_run (one, NULL, NULL, "SELECT api.take_work('sequence', 'a', 60)", "");
  g_assert_cmpint (pg_number (one, "SELECT api.renew_work('sequence', 0, 60)::integer"), ==, 0);
  g_assert_cmpint (pg_number (two, "SELECT api.renew_work('sequence', 1, 60)::integer"), ==, 0);
  g_assert_cmpint (pg_number (one, "SELECT api.renew_work('sequence', 1, 60)::integer"), ==, 1);
  ct_session_run (two, NULL, NULL, "SELECT api.release_work('sequence', 1)", "");
  g_assert_cmpint (pg_number (two, "SELECT coalesce(api.take_work('sequence', 'a', 60), 0)"), ==, 0);
  g_assert_cmpint (pg_number (one, "SELECT coalesce(api.take_work('sequence', 'a', 60), 0)"), ==, 2);
}

/* Who is not the service takes nothing, and nobody takes anything for ever, or waits for who holds the row. */
static void
test_refused (void)
{
  static const char *const tries[][2] = {
    { "anna", "SELECT api.take_work('detect', 'anna', 60)" },
    { "ada", "SELECT api.take_work('detect', 'ada', 60)" },
    { "vera", "SELECT api.renew_work('detect', 1, 60)" },
    { "mallory", "SELECT api.release_work('detect', 1)" },
    { "robo", "SELECT api.take_work('detect', 'robo', 301)" },
    { "robo", "SELECT api.take_work('detect', 'robo', NULL)" },
    { "robo", "SELECT api.take_work('detect', '', 60)" },
    { "robo", "SELECT api.take_work('everything', 'robo', 60)" },
    { "robo", "UPDATE sync.work SET fence = 0" },
    { "robo", "SELECT * FROM sync.work" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (tries); i++) {
    g_autoptr (CtSession) session = login (tries[i][0]);
    g_autoptr (GError) error = NULL;

    g_test_message ("%s: %s", tries[i][0], tries[i][1]);
    g_assert_false (ct_session_run (session, NULL, &error, tries[i][1], ""));
    g_assert_nonnull (error);
  }
  {
    g_autoptr (CtSession) one = login ("robo"), two = login ("bot");

    ct_session_run (root, NULL, NULL, "UPDATE sync.work SET until = '-infinity'", "");
    ct_session_run (one, NULL, NULL, "BEGIN", "");
    ct_session_run (one, NULL, NULL, "SELECT api.take_work('detect', 'a', 60)", "");
    g_assert_cmpint (pg_number (two, "SELECT coalesce(api.take_work('detect', 'b', 60), 0)"), ==, 0);
    ct_session_run (one, NULL, NULL, "ROLLBACK", "");
    g_assert_cmpint (pg_number (two, "SELECT coalesce(api.take_work('detect', 'b', 60), 0)"), >, 0);
  }
}

int
main (int argc, char **argv)
{
  int result;

  g_test_init (&argc, &argv, NULL);
  server = pg_server_start ();
  pg_server_create (server, DB, NULL);
  root = login ("postgres");
  pg_server_let_in (root, "robo", "agent");
  pg_server_let_in (root, "bot", "agent");
  g_test_add_func ("/pg/work-lease/one-holder", test_one_holder);
  g_test_add_func ("/pg/work-lease/takes-over", test_takes_over);
  g_test_add_func ("/pg/work-lease/fences", test_fences);
  g_test_add_func ("/pg/work-lease/refused", test_refused);
  result = g_test_run ();
  ct_session_close (root);
  pg_server_stop (server);
  return result;
}
