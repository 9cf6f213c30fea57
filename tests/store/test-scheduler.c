#include "ct-test-work.h"

#include "ct-scheduler.h"

#define TEXT "Invoice of Nordwind GmbH is ten days late. Who talks to them today?"

static JsonObject *
pass (Work *w)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_build_filename (w->folder, "replica.db", NULL);
  CtStore *store = ct_store_open (path, CT_DB_READ_WRITE, &error);
  CtAgent agent = { store, w->commander, "robot", NULL };
  g_auto (CtSchedulerReport) report = { 0 };

  g_assert_no_error (error);
  ct_scheduler_run (&agent, w->now, NULL, &report, &error);
  g_assert_no_error (error);
  ct_store_close (store);
  g_object_unref (store);
  return ct_scheduler_report_to_json (&report);
}

/* One pass does exactly what is named, "drafted 1", and a second one at the same moment does nothing. */
static void
expect_pass (Work *w, const char *did)
{
  g_auto (GStrv) expected = g_strsplit (did, ", ", -1);
  g_autoptr (JsonObject) first = pass (w), second = NULL;
  g_autoptr (GList) members = json_object_get_members (first);
  g_autoptr (GString) done = g_string_new (NULL);

  g_assert_cmpuint (json_array_get_length (ct_json_array (first, "problems")), ==, 0);
  for (GList *l = members; l; l = l->next)
    if (ct_json_int (first, l->data, 0) > 0)
      g_string_append_printf (done, "%s%s %" G_GINT64_FORMAT, done->len ? ", " : "", (char *) l->data,
                              ct_json_int (first, l->data, 0));
  g_assert_cmpstr (done->str, ==, did);
  second = pass (w);
  for (GList *l = members; l; l = l->next)
    g_assert_cmpint (ct_json_int (second, l->data, 0), ==, 0);
}

static void
test_due (Work *w, gconstpointer data)
{
  g_autofree char *task = work_task (w);

  expect_pass (w, "drafted 1");
  work_expect_status (w, task, "waiting_for_human_approval");
  /* the cadence of eight hours does not draft what waits for a person */
  w->now += 9 * CT_MS_HOUR;
  expect_pass (w, "");
}

static void
test_not_due (Work *w, gconstpointer data)
{
  g_autofree char *task = work_run (w, "anna", "task.create",
                                    "{\"exception\":\"%s\",\"next_check_at\":\"2026-06-03T12:00:00Z\","
                                    "\"channels\":[{\"channel\":\"slack\",\"destination\":\"#ops\"}]}",
                                    w->exception);
  gint64 at = 0;

  g_assert_true (ct_scheduler_next_at (w->db, &at, NULL));
  g_assert_cmpint (at, ==, work_time ("2026-06-03T12:00:00Z"));
  expect_pass (w, "");
  w->now = at;
  expect_pass (w, "drafted 1");
  work_expect_status (w, task, "waiting_for_human_approval");
}

/* Hundreds of overdue tasks with nothing left to record do not hide the one that comes after them. */
static void
test_many_overdue (Work *w, gconstpointer data)
{
  static const char *const copies[] = {
    "CREATE TEMP TABLE copies AS WITH RECURSIVE i(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM i WHERE x < "
    "600) "
    "SELECT t.* FROM follow_up_tasks t, i",
    "UPDATE copies SET id = randomblob(16), n = 1000000 + rowid, number = 'T' || rowid, exception_id = NULL, "
    "sla_due_at = sla_due_at - 1, next_check_at = NULL, escalate_at = NULL",
    "INSERT INTO follow_up_tasks SELECT * FROM copies",
  };
  g_autofree char *task = work_task (w);
  g_autoptr (JsonObject) report = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (copies); i++) {
    g_autoptr (GError) error = NULL;

    ct_db_run (w->db, &error, copies[i], "");
    g_assert_no_error (error);
  }
  w->now += 25 * CT_MS_HOUR;
  report = pass (w);
  g_assert_cmpint (ct_json_int (report, "breached", 0), ==, 1);
}

/* A worker wakes for a deadline, once, and at once for facts that changed under an approval. */
static void
test_next_at (Work *w, gconstpointer data)
{
  g_autofree char *task = work_task (w), *approval = NULL;
  gint64 due = work_count (w, "SELECT sla_due_at FROM follow_up_tasks"), at = 0;

  ct_db_run (w->db, NULL, "UPDATE follow_up_tasks SET escalate_at = NULL, next_check_at = NULL", "");
  g_assert_true (ct_scheduler_next_at (w->db, &at, NULL));
  g_assert_cmpint (at, ==, due + 1);
  w->now = at;
  expect_pass (w, "breached 1");
  g_assert_true (ct_scheduler_next_at (w->db, &at, NULL));
  g_assert_cmpint (at, ==, CT_NULL_INT);
  approval = work_draft (w, task, TEXT);
  ct_db_run (w->db, NULL, "UPDATE follow_up_tasks SET escalate_at = NULL", "");
  g_assert_true (ct_scheduler_next_at (w->db, &at, NULL));
  g_assert_cmpint (at, >, w->now);
  work_do (w, "anna", "invoice.edit", "{\"id\":\"%s\",\"paid_minor\":500}", w->invoice);
  g_assert_true (ct_scheduler_next_at (w->db, &at, NULL));
  g_assert_cmpint (at, <=, w->now);
}

/* What nobody approved counts as rejected; the agent tries again. */
static void
test_expiry (Work *w, gconstpointer data)
{
  g_autofree char *task = work_task (w);
  g_autofree char *approval = work_draft (w, task, TEXT);

  ct_db_run (w->db, NULL, "UPDATE follow_up_tasks SET escalate_at = NULL, sla_policy = 'own:9000000000'", "");
  w->now = work_count (w, "SELECT expires_at FROM approvals");
  ct_db_run (w->db, NULL, "UPDATE follow_up_tasks SET sla_due_at = NULL", "");
  expect_pass (w, "expired 1, drafted 1");
  work_expect_approval (w, approval, "expired");
  work_expect_status (w, task, "waiting_for_human_approval");
}

static void
test_changed_facts (Work *w, gconstpointer data)
{
  g_autofree char *task = work_task (w);
  g_autofree char *approval = work_draft (w, task, TEXT);

  expect_pass (w, "");
  work_do (w, "anna", "invoice.edit", "{\"id\":\"%s\",\"paid_minor\":500}", w->invoice);
  expect_pass (w, "voided 1, drafted 1");
  work_expect_approval (w, approval, "voided");
}

/* Paid meanwhile: detection voids the draft in its own command, the next pass closes the task. */
static void
test_exception_clears (Work *w, gconstpointer data)
{
  g_autofree char *task = work_task (w);
  g_autofree char *approval = work_draft (w, task, TEXT);

  work_approves (w, "anna", approval);
  work_do (w, "anna", "invoice.edit", "{\"id\":\"%s\",\"state\":\"paid\",\"paid_minor\":1284000}",
           w->invoice);
  work_detect (w);
  work_expect_approval (w, approval, "voided");
  work_expect_status (w, task, "scheduled");
  g_assert_cmpint (work_count (w, "SELECT count(*) FROM outbox WHERE state = 'cancelled'"), ==, 1);
  expect_pass (w, "resolved 1");
  work_expect_status (w, task, "resolved");
  g_assert_cmpint (
      work_count (w, "SELECT count(*) FROM follow_up_tasks WHERE resolution LIKE 'EXC-2026-% is cleared'"),
      ==, 1);
}

static void
test_snooze (Work *w, gconstpointer data)
{
  g_autofree char *task = work_task (w);

  work_do (w, "anna", "task.snooze", "{\"task\":\"%s\",\"until\":\"2026-06-03T11:00:00Z\"}", task);
  expect_pass (w, "");
  w->now = work_time ("2026-06-03T11:00:00Z");
  expect_pass (w, "woken 1, drafted 1");
}

/* After a day: the breach is in the ledger, the task is escalated, and a summary waits for Sales Ops. */
static void
test_escalation (Work *w, gconstpointer data)
{
  g_autofree char *task = work_task (w);
  g_autofree char *kind = NULL;

  expect_pass (w, "drafted 1");
  w->now += CT_MS_DAY + CT_MS_MINUTE;
  expect_pass (w, "expired 1, breached 1, escalated 1, drafted 1");
  work_expect_status (w, task, "waiting_for_human_approval");
  kind = work_text (w, "SELECT kind FROM ai_outputs ORDER BY revision DESC LIMIT 1");
  g_assert_cmpstr (kind, ==, "escalation_summary");
  g_assert_cmpint (
      work_count (w, "SELECT count(*) FROM approvals WHERE state = 'pending' AND owner = 'sales'"), ==, 1);
  g_assert_cmpint (work_count (w, "SELECT count(*) FROM sla_events WHERE event = 'breach'"), ==, 1);
  /* once is enough */
  w->now += CT_MS_HOUR;
  expect_pass (w, "");
}

/* Nobody answered within the cadence: the agent reminds, and the clock goes on. */
static void
test_no_answer (Work *w, gconstpointer data)
{
  g_autofree char *task = work_task (w);

  ct_db_run (w->db, NULL, "UPDATE follow_up_tasks SET status = 'posted'", "");
  work_do (w, "robot", "task.await_reply", "{\"task\":\"%s\"}", task);
  work_expect_status (w, task, "awaiting_reply");
  ct_db_run (w->db, NULL, "UPDATE follow_up_tasks SET next_check_at = ?", "i", w->now + 8 * CT_MS_HOUR);
  expect_pass (w, "");
  w->now += 8 * CT_MS_HOUR;
  expect_pass (w, "drafted 1");
  g_assert_cmpint (work_count (w, "SELECT sla_due_at - created_at FROM follow_up_tasks"), ==,
                   CT_MS_DAY + 8 * CT_MS_HOUR);
}

static void
test_reply (Work *w, gconstpointer data)
{
  const char *form = "{\"task\":\"%s\",\"channel\":\"slack\",\"external_message_id\":\"%s\",\"text\":\"%s\"}";
  g_autofree char *task = work_task (w);
  g_autofree char *approval = NULL;
  gint64 leaves;

  ct_db_run (w->db, NULL, "UPDATE follow_up_tasks SET status = 'posted'", "");
  work_do (w, "robot", "task.await_reply", "{\"task\":\"%s\"}", task);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  work_do (w, "robot", "reply.record", form, task, "C1:1.1", "We pay on Friday");
  work_expect_status (w, task, "scheduled");
  g_assert_cmpint (
      work_count (w, "SELECT count(*) FROM sla_events WHERE target = 'next_response' AND event = 'activate'"),
      ==, 1);
  leaves = work_count (w, "SELECT count(*) FROM audit_logs");
  work_do (w, "robot", "reply.record", form, task, "C1:1.1", "We pay on Friday");
  g_assert_cmpint (work_count (w, "SELECT count(*) FROM audit_logs"), ==, leaves);
  work_fails (w, "robot", CT_ERROR_INVALID, "reply.record", form, task, "C1:1.2", " ");
  /* another answer while a draft waits: what was drafted did not know it */
  approval = work_draft (w, task, TEXT);
  work_do (w, "robot", "reply.record", form, task, "C1:1.3", "Sorry, on Monday");
#pragma GCC diagnostic pop
  work_approval_fails (w, "anna", approval, CT_ERROR_CONFLICT, "new message");
  work_expect_approval (w, approval, "voided");
}

static void
test_cancelled (Work *w, gconstpointer data)
{
  g_autofree char *task = work_task (w);
  g_autofree char *path = g_build_filename (w->folder, "replica.db", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  CtStore *store = ct_store_open (path, CT_DB_READ_WRITE, NULL);
  CtAgent agent = { store, w->commander, "robot", NULL };
  g_auto (CtSchedulerReport) report = { 0 };

  g_cancellable_cancel (cancellable);
  g_assert_false (ct_scheduler_run (&agent, w->now, cancellable, &report, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  ct_store_close (store);
  g_object_unref (store);
  work_expect_status (w, task, "scheduled");
  expect_pass (w, "drafted 1");
}

/* A run that was cut off between its beginning and its draft is taken up again, once its time is over. */
static void
test_cut_off (Work *w, gconstpointer data)
{
  g_autofree char *task = work_task (w);

  work_do (w, "robot", "task.begin_draft", "{\"task\":\"%s\"}", task);
  expect_pass (w, "");
  w->now += 11 * CT_MS_MINUTE;
  expect_pass (w, "drafted 1");
}

/* A person may run the agents of their own team; what is another team's stays as it is. */
static void
test_of_another_team (Work *w, gconstpointer data)
{
  g_autofree char *task = work_task (w);
  g_autofree char *path = g_build_filename (w->folder, "replica.db", NULL);
  g_autoptr (GError) error = NULL;
  CtStore *store = ct_store_open (path, CT_DB_READ_WRITE, NULL);
  CtAgent agent = { store, w->commander, "sam", NULL };
  g_auto (CtSchedulerReport) report = { 0 };

  g_assert_true (ct_scheduler_run (&agent, w->now, NULL, &report, &error));
  g_assert_cmpuint (report.drafted, ==, 0);
  g_assert_cmpuint (report.problems->len, ==, 0);
  ct_store_close (store);
  g_object_unref (store);
  work_expect_status (w, task, "scheduled");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, func) g_test_add (path, Work, NULL, work_set_up, func, work_tear_down)
  ADD ("/scheduler/due", test_due);
  ADD ("/scheduler/not-due", test_not_due);
  ADD ("/scheduler/many-overdue", test_many_overdue);
  ADD ("/scheduler/next-at", test_next_at);
  ADD ("/scheduler/expiry", test_expiry);
  ADD ("/scheduler/changed-facts", test_changed_facts);
  ADD ("/scheduler/exception-clears", test_exception_clears);
  ADD ("/scheduler/snooze", test_snooze);
  ADD ("/scheduler/escalation", test_escalation);
  ADD ("/scheduler/no-answer", test_no_answer);
  ADD ("/scheduler/reply", test_reply);
  ADD ("/scheduler/cancelled", test_cancelled);
  ADD ("/scheduler/cut-off", test_cut_off);
  ADD ("/scheduler/of-another-team", test_of_another_team);
  return g_test_run ();
}
