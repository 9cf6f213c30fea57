/* The life of posts: sent, held, retried, lost, found, taken back. */
#include "outbox-fixture.h"

static void
test_send (Fixture *f, gconstpointer data)
{
  g_auto (CtOutboxReport) report = { 0 };
  CtId post = make_post (f, "The invoice is overdue & open", FLAW_NONE);
  g_autofree char *task = ct_id_to_string (&f->task);
  const CtOutboxEntry *entry;

  run (f, &report);
  g_assert_cmpuint (report.n_waiting, ==, 1);
  entry = report.entries->pdata[0];
  g_assert_cmpint (entry->ready_at, ==, f->w.now + CT_UNDO_WINDOW_MS);
  g_assert_cmpint (ct_outbox_next (f->store, NULL), ==, f->w.now + CT_UNDO_WINDOW_MS);
  g_assert_cmpuint (sent_count (f), ==, 0);
  f->w.now += CT_UNDO_WINDOW_MS;
  run (f, &report);
  expect_state (f, &post, "sent");
  g_assert_cmpuint (report.n_sent, ==, 1);
  g_assert_cmpuint (report.entries->len, ==, 1);
  entry = report.entries->pdata[0];
  g_assert_true (g_str_has_prefix (entry->external_id, "C000000001:"));
  g_assert_cmpuint (sent_count (f), ==, 1);
  work_expect_status (&f->w, task, "posted");
  g_assert_cmpint (
      work_count (&f->w, "SELECT count(*) FROM follow_up_tasks t JOIN outbox o ON o.external_message_id = "
                         "t.last_channel_message_id JOIN task_channels c ON c.thread_id = o.thread_id"),
      ==, 1);
  g_assert_cmpint (
      work_count (&f->w, "SELECT count(*) FROM delivery_attempts WHERE outcome = 'sent' AND ended_at > 0"),
      ==, 1);
  run (f, &report);
  g_assert_cmpuint (report.entries->len, ==, 0);
  f->w.now += CT_MS_MINUTE;
  run (f, &report);
  work_expect_status (&f->w, task, "awaiting_reply");
  g_assert_cmpuint (sent_count (f), ==, 1);
  g_assert_cmpint (ct_outbox_next (f->store, NULL), ==, 0);
}

static void
test_stop (Fixture *f, gconstpointer data)
{
  g_auto (CtOutboxReport) report = { 0 };
  CtId post = make_ready (f, "hello", FLAW_NONE);

  work_do (&f->w, "anna", "delivery.stop", "{}");
  run (f, &report);
  g_assert_true (report.stopped);
  g_assert_cmpuint (report.n_waiting, ==, 1);
  expect_state (f, &post, "ready");
  post_fails (f, "robot", CT_ERROR_REFUSED, "post.lease", &post, ",\"holder\":\"x\"");
  work_fails (&f->w, "anna", CT_ERROR_REFUSED, "delivery.resume", "{}");
  work_do (&f->w, "admin", "delivery.resume", "{}");
  run (f, &report);
  expect_state (f, &post, "sent");
}

/* Stopped between the lease and the first byte. */
static void
test_stop_leased (Fixture *f, gconstpointer data)
{
  CtId post = make_ready (f, "hello", FLAW_NONE);

  do_post (f, "robot", "post.lease", &post, ",\"holder\":\"x\"");
  work_do (&f->w, "anna", "delivery.stop", "{}");
  post_fails (f, "robot", CT_ERROR_REFUSED, "post.sending", &post, ",\"fence\":1");
  expect_state (f, &post, "leased");
}

static void
test_quiet (Fixture *f, gconstpointer data)
{
  g_auto (CtOutboxReport) report = { 0 };
  CtId first = make_post (f, "one", FLAW_NONE), second = make_ready (f, "two", FLAW_NONE);

  /* not even two senders at once */
  do_post (f, "robot", "post.lease", &first, ",\"holder\":\"x\"");
  post_fails (f, "robot", CT_ERROR_BUSY, "post.lease", &second, ",\"holder\":\"y\"");
  do_post (f, "robot", "post.release", &first, ",\"fence\":1,\"ready_at\":0,\"detail\":\"\"");
  run (f, &report);
  expect_state (f, &first, "sent");
  expect_state (f, &second, "ready");
  g_assert_cmpuint (report.n_sent, ==, 1);
  g_assert_cmpuint (report.n_waiting, ==, 1);
  g_assert_cmpint (((CtOutboxEntry *) report.entries->pdata[1])->ready_at, ==, f->w.now + CT_QUIET_PERIOD_MS);
  f->w.now += CT_QUIET_PERIOD_MS;
  run (f, &report);
  expect_state (f, &second, "sent");
  /* a workspace may do without */
  work_do (&f->w, "admin", "setting.set", "{\"key\":\"delivery.quiet_period\",\"value\":\"0\"}");
  first = make_post (f, "three", FLAW_NONE);
  second = make_ready (f, "four", FLAW_NONE);
  run (f, &report);
  expect_state (f, &first, "sent");
  expect_state (f, &second, "sent");
}

static void
test_retry (Fixture *f, gconstpointer data)
{
  g_auto (CtOutboxReport) report = { 0 };
  CtId post = make_ready (f, "hello", FLAW_NONE);

  slack_process_fail (f->slack, "429:1");
  run (f, &report);
  expect_state (f, &post, "ready: Slack asks");
  g_assert_cmpuint (report.n_waiting, ==, 1);
  g_assert_cmpint (work_count (&f->w, "SELECT ready_at FROM outbox"), ==, f->w.now + CT_MS_SECOND);
  run (f, &report);
  g_assert_cmpint (work_count (&f->w, "SELECT attempts FROM outbox"), ==, 1);
  f->w.now += CT_MS_SECOND;
  start_outbox (f);
  run (f, &report);
  expect_state (f, &post, "sent");
  g_assert_cmpint (
      work_count (&f->w, "SELECT count(*) FROM delivery_attempts WHERE outcome IN ('retry', 'sent')"), ==, 2);
  g_assert_cmpuint (sent_count (f), ==, 1);
}

/* Nobody listens: surely not sent, so it goes out by itself once somebody does. */
static void
test_unreachable (Fixture *f, gconstpointer data)
{
  g_auto (CtOutboxReport) report = { 0 };
  CtId post = make_ready (f, "hello", FLAW_NONE);

  use_channel (f, "http://127.0.0.1:9");
  run (f, &report);
  expect_state (f, &post, "ready: POST http://127.0.0.1:9/api/chat.postMessage did not go out");
  g_assert_cmpint (work_count (&f->w, "SELECT ready_at FROM outbox"), >, f->w.now);
  use_channel (f, slack_process_url (f->slack));
  f->w.now += CT_MS_MINUTE;
  run (f, &report);
  expect_state (f, &post, "sent");
}

/* What waits because another message to the same place did not go out waits as long as that one, and nothing is written down
 * again and again until then. */
static void
test_unreachable_for_several (Fixture *f, gconstpointer data)
{
  g_auto (CtOutboxReport) report = { 0 }, again = { 0 };

  work_do (&f->w, "admin", "setting.set", "{\"key\":\"delivery.quiet_period\",\"value\":\"0s\"}");
  for (guint i = 0; i < 2; i++)
    make_post (f, "hello", FLAW_NONE);
  f->w.now += CT_UNDO_WINDOW_MS;
  use_channel (f, "http://127.0.0.1:9");
  run (f, &report);
  g_assert_cmpint (work_count (&f->w, "SELECT min(ready_at) FROM outbox"), >, f->w.now + CT_MS_SECOND);
  g_assert_cmpint (ct_outbox_next (f->store, NULL), >, f->w.now + CT_MS_SECOND);
  g_assert_cmpint (work_count (&f->w, "SELECT count(*) FROM intents WHERE name = 'post.lease'"), ==, 2);
  run (f, &again);
  g_assert_cmpint (work_count (&f->w, "SELECT count(*) FROM intents WHERE name = 'post.lease'"), ==, 2);
}

static void
test_refused (Fixture *f, gconstpointer data)
{
  g_auto (CtOutboxReport) report = { 0 };
  CtId post = make_ready (f, "hello", FLAW_NONE);

  slack_process_fail (f->slack, "not_in_channel:1");
  run (f, &report);
  expect_state (f, &post, "failed: Slack: the app is not a member");
  g_assert_cmpuint (report.n_failed, ==, 1);
  f->w.now += CT_MS_HOUR;
  run (f, &report);
  expect_state (f, &post, "failed");
  post_fails (f, "sam", CT_ERROR_REFUSED, "post.resolve", &post,
              ",\"outcome\":\"retry\",\"comment\":\"invited\"");
  post_fails (f, "anna", CT_ERROR_CONFLICT, "post.resolve", &post,
              ",\"outcome\":\"sent\",\"comment\":\"saw it\"");
  do_post (f, "anna", "post.resolve", &post, ",\"outcome\":\"retry\",\"comment\":\"invited\"");
  run (f, &report);
  expect_state (f, &post, "sent");
}

static void
test_unknown_found (Fixture *f, gconstpointer data)
{
  g_auto (CtOutboxReport) report = { 0 };
  CtId post = make_ready (f, "hello", FLAW_NONE);

  slack_process_fail (f->slack, "drop-after:1");
  run (f, &report);
  expect_state (f, &post, "unknown");
  g_assert_cmpuint (report.n_unknown, ==, 1);
  run (f, &report);
  expect_state (f, &post, "sent");
  g_assert_cmpuint (report.n_sent, ==, 1);
  g_assert_cmpuint (sent_count (f), ==, 1);
  g_assert_cmpint (
      work_count (&f->w, "SELECT count(*) FROM outbox WHERE external_message_id LIKE 'C000000001:%'"), ==, 1);
}

/* What is not found is a person's decision, and never sent again by itself. */
static void
test_unknown_lost (Fixture *f, gconstpointer data)
{
  static const char *const outcomes[] = { "failed", "sent", "retry" };

  work_do (&f->w, "admin", "setting.set", "{\"key\":\"delivery.quiet_period\",\"value\":\"0s\"}");
  for (guint i = 0; i < G_N_ELEMENTS (outcomes); i++) {
    g_auto (CtOutboxReport) report = { 0 };
    g_autofree char *more = g_strdup_printf (",\"outcome\":\"%s\",\"comment\":\"looked\"", outcomes[i]);
    CtId post = make_ready (f, "hello", FLAW_NONE);

    slack_process_fail (f->slack, "drop:1");
    run (f, &report);
    expect_state (f, &post, "unknown");
    for (guint n = 0; n < 3; n++) {
      f->w.now += CT_MS_HOUR;
      run (f, &report);
      expect_state (f, &post, "unknown");
    }
    post_fails (f, "anna", CT_ERROR_INVALID, "post.resolve", &post,
                ",\"outcome\":\"sent\",\"comment\":\" \"");
    post_fails (f, "anna", CT_ERROR_INVALID, "post.resolve", &post,
                ",\"outcome\":\"maybe\",\"comment\":\"x\"");
    do_post (f, "anna", "post.resolve", &post, more);
    run (f, &report);
    expect_state (f, &post, i == 2 ? "sent" : outcomes[i]);
  }
  g_assert_cmpuint (sent_count (f), ==, 1);
  g_assert_cmpint (
      work_count (&f->w, "SELECT count(*) FROM task_notes WHERE text = 'looked' AND author = 'anna'"), ==, 1);
}

/* A sender that died with a lease did nothing; one that died while sending may have done it. */
static void
test_crash (Fixture *f, gconstpointer data)
{
  g_auto (CtOutboxReport) report = { 0 };
  CtId leased = make_post (f, "one", FLAW_NONE), sending = make_ready (f, "two", FLAW_NONE);

  work_do (&f->w, "admin", "setting.set", "{\"key\":\"delivery.quiet_period\",\"value\":\"0s\"}");
  do_post (f, "robot", "post.lease", &leased, ",\"holder\":\"dead\"");
  do_post (f, "robot", "post.lease", &sending, ",\"holder\":\"dead\"");
  do_post (f, "robot", "post.sending", &sending, ",\"fence\":1");
  run (f, &report);
  expect_state (f, &leased, "leased");
  expect_state (f, &sending, "sending");
  g_assert_cmpuint (report.entries->len, ==, 2);
  f->w.now += CT_POST_LEASE_MS;
  run (f, &report);
  expect_state (f, &leased, "sent");
  expect_state (f, &sending, "unknown: The sender stopped");
  g_assert_cmpuint (sent_count (f), ==, 1);
  /* the dead sender comes back: its fence is old */
  post_fails (f, "robot", CT_ERROR_CONFLICT, "post.sending", &leased, ",\"fence\":1");
  post_fails (f, "robot", CT_ERROR_CONFLICT, "post.failed", &leased, ",\"fence\":1,\"detail\":\"x\"");
}

static void
test_fence (Fixture *f, gconstpointer data)
{
  CtId post = make_ready (f, "hello", FLAW_NONE);

  post_fails (f, "view", CT_ERROR_REFUSED, "post.lease", &post, ",\"holder\":\"x\"");
  do_post (f, "robot", "post.lease", &post, ",\"holder\":\"a\"");
  post_fails (f, "robot", CT_ERROR_BUSY, "post.lease", &post, ",\"holder\":\"b\"");
  f->w.now += CT_POST_LEASE_MS;
  post_fails (f, "robot", CT_ERROR_CONFLICT, "post.sending", &post, ",\"fence\":1");
  do_post (f, "robot", "post.lease", &post, ",\"holder\":\"b\"");
  post_fails (f, "robot", CT_ERROR_CONFLICT, "post.sending", &post, ",\"fence\":1");
  do_post (f, "robot", "post.sending", &post, ",\"fence\":2");
  post_fails (f, "robot", CT_ERROR_CONFLICT, "post.sending", &post, ",\"fence\":2");
  post_fails (f, "robot", CT_ERROR_CONFLICT, "post.sent", &post, ",\"fence\":1,\"external_id\":\"C1:1.1\"");
  do_post (f, "robot", "post.sent", &post, ",\"fence\":2");
  expect_state (f, &post, "sent_unconfirmed");
  post_fails (f, "robot", CT_ERROR_CONFLICT, "post.lease", &post, ",\"holder\":\"c\"");
  post_fails (f, "anna", CT_ERROR_CONFLICT, "post.retracting", &post, ",\"comment\":\"x\"");
}

/* The channel leads to another account: nothing that was approved for the first one goes there, now or later. */
static void
test_another_account (Fixture *f, gconstpointer data)
{
  static const char *const states[] = { "ready", "failed", "unknown" };

  for (guint i = 0; i < G_N_ELEMENTS (states); i++) {
    g_auto (CtOutboxReport) report = { 0 };
    g_autofree char *script = g_strdup_printf ("UPDATE outbox SET state = 'leased' WHERE state = 'ready';"
                                               "UPDATE outbox SET state = 'sending' WHERE state = 'leased';"
                                               "UPDATE outbox SET state = '%s' WHERE state = 'sending'",
                                               states[i]);
    Fixture own = { 0 };
    CtId post;

    set_up (&own, NULL);
    use_channel (&own, "http://127.0.0.1:9");
    post = make_ready (&own, "hello", FLAW_NONE);
    sql (&own, script);
    add_channel (&own, "http://127.0.0.1:9"); /* the same again changes nothing */
    expect_state (&own, &post, states[i]);
    g_assert_cmpint (work_count (&own.w, "SELECT count(*) FROM approvals WHERE state = 'approved'"), ==, 1);
    add_channel (&own, slack_process_url (own.slack));
    g_assert_cmpint (work_count (&own.w, "SELECT count(*) FROM approvals WHERE state = 'voided'"), ==, 1);
    if (i > 0)
      post_fails (&own, "anna", CT_ERROR_REFUSED, "post.resolve", &post,
                  ",\"outcome\":\"retry\",\"comment\":\"again\"");
    run (&own, &report);
    expect_state (&own, &post, i > 0 ? states[i] : "cancelled: the channel leads to another address");
    g_assert_cmpuint (sent_count (&own), ==, 0);
    tear_down (&own, NULL);
  }
}

/* A channel that cannot be used holds the post; nothing is lost. */
static void
test_held (Fixture *f, gconstpointer data)
{
  g_auto (CtOutboxReport) report = { 0 };
  CtId post = make_ready (f, "hello", FLAW_NONE);

  g_assert_true (ct_secret_store_clear (f->secrets, "slack", slack_process_url (f->slack), NULL, NULL));
  run (f, &report);
  expect_state (f, &post, "ready");
  g_assert_cmpuint (report.n_waiting, ==, 1);
  g_assert_cmpint (work_count (&f->w, "SELECT attempts FROM outbox"), ==, 0);
  use_channel (f, "https://slack.com");
  f->w.now += CT_MS_MINUTE;
  run (f, &report);
  expect_state (f, &post, "ready: This is a demo workspace");
  use_channel (f, slack_process_url (f->slack));
  f->w.now += CT_MS_MINUTE;
  run (f, &report);
  expect_state (f, &post, "sent");
}

/* More posts than the provider's burst: the round waits the second out. */
static void
test_burst (Fixture *f, gconstpointer data)
{
  g_auto (CtOutboxReport) report = { 0 };

  work_do (&f->w, "admin", "setting.set", "{\"key\":\"delivery.quiet_period\",\"value\":\"0s\"}");
  for (guint i = 0; i < 4; i++)
    make_post (f, "hello", FLAW_NONE);
  f->w.now += CT_UNDO_WINDOW_MS;
  run (f, &report);
  g_assert_cmpuint (report.n_sent, ==, 4);
}

/* Who may not is refused before the provider hears of it. */
static void
test_who_may_ask_the_provider (Fixture *f, gconstpointer data)
{
  static const char *const strangers[] = { "view", "sam", "robot" };
  g_auto (CtOutboxReport) report = { 0 };
  CtId post = make_ready (f, "hello", FLAW_NONE);
  g_autofree char *before = NULL, *after = NULL;
  g_autoptr (GError) error = NULL;
  gboolean found;

  run (f, &report);
  expect_state (f, &post, "sent");
  before = slack_process_log (f->slack);
  for (guint i = 0; i < G_N_ELEMENTS (strangers); i++) {
    f->options.actor = strangers[i];
    start_outbox (f);
    g_assert_false (ct_outbox_retract (f->outbox, &post, "for fun", NULL, &error));
    g_assert_error (error, CT_ERROR, CT_ERROR_REFUSED);
    g_clear_error (&error);
  }
  f->options.actor = "view";
  start_outbox (f);
  g_assert_false (ct_outbox_read_back (f->outbox, &post, NULL, &found, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_REFUSED);
  after = slack_process_log (f->slack);
  g_assert_cmpstr (after, ==, before);
}

static void
test_channel (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *who = ct_outbox_test (f->outbox, "slack", NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (who, ==, "control-tower in Test");
  g_assert_null (ct_outbox_test (f->outbox, "pigeon", NULL, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_NOT_FOUND);
  g_assert_cmpuint (sent_count (f), ==, 0);
}

/* Two senders at once: each post goes out once. */
static gpointer
race_thread (gpointer data)
{
  CtOutbox *outbox = data;

  for (guint i = 0; i < 3; i++) {
    g_auto (CtOutboxReport) report = { 0 };
    g_autoptr (GError) error = NULL;

    ct_outbox_run (outbox, NULL, &report, &error);
    g_assert_no_error (error);
  }
  return NULL;
}

static void
test_race (Fixture *f, gconstpointer data)
{
  g_autoptr (CtOutbox) other = NULL;
  GThread *thread;

  work_do (&f->w, "admin", "setting.set", "{\"key\":\"delivery.quiet_period\",\"value\":\"0s\"}");
  for (guint i = 0; i < 6; i++)
    make_post (f, "hello", FLAW_NONE);
  f->w.now += CT_UNDO_WINDOW_MS;
  f->options.holder = "other";
  other = ct_outbox_new (&f->options);
  thread = g_thread_new ("race", race_thread, other);
  race_thread (f->outbox);
  g_thread_join (thread);
  g_assert_cmpint (work_count (&f->w, "SELECT count(*) FROM outbox WHERE state = 'sent'"), ==, 6);
  g_assert_cmpuint (sent_count (f), ==, 6);
}

static void
on_tested_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  *(char **) data = ct_workspace_test_channel_finish (CT_WORKSPACE (source), result, NULL);
}

/* From a draft to the message, through the commands that people and agents run. */
static void
test_whole_life (Fixture *f, gconstpointer data)
{
  g_auto (CtOutboxReport) report = { 0 };
  g_autofree char *task = ct_id_to_string (&f->task);
  g_autofree char *approval = work_draft (&f->w, task, "The invoice is ten days late");
  g_autofree char *again = NULL;

  work_approves (&f->w, "anna", approval);
  /* called back within the undo window, approved again */
  again = work_run (&f->w, "anna", "approval.unsend", "{\"approval\":\"%s\"}", approval);
  f->w.now += CT_UNDO_WINDOW_MS;
  run (f, &report);
  g_assert_cmpuint (sent_count (f), ==, 0);
  work_approves (&f->w, "anna", again);
  f->w.now += CT_UNDO_WINDOW_MS;
  run (f, &report);
  g_assert_cmpuint (report.n_sent, ==, 1);
  g_assert_cmpuint (sent_count (f), ==, 1);
  work_expect_status (&f->w, task, "posted");
}

/* Blocked while the request is on its way: the provider's limit gives the post back, and it stays in. */
static void
test_blocked_while_sending (Fixture *f, gconstpointer data)
{
  g_auto (CtOutboxReport) report = { 0 };
  g_autofree char *task = ct_id_to_string (&f->task);
  CtId post = make_ready (f, "hello", FLAW_NONE);

  do_post (f, "robot", "post.lease", &post, ",\"holder\":\"x\"");
  do_post (f, "robot", "post.sending", &post, ",\"fence\":1");
  work_do (&f->w, "anna", "task.block", "{\"task\":\"%s\",\"reason\":\"they sue us\"}", task);
  do_post (f, "robot", "post.release", &post, ",\"fence\":1,\"ready_at\":0,\"detail\":\"429\"");
  run (f, &report);
  expect_state (f, &post, "cancelled: ");
  g_assert_cmpuint (sent_count (f), ==, 0);
}

/* Paid within the undo window: what was approved does not go out, and the agent looks again. */
static void
test_paid_meanwhile (Fixture *f, gconstpointer data)
{
  g_auto (CtOutboxReport) report = { 0 };
  g_autofree char *task = ct_id_to_string (&f->task);
  g_autofree char *approval = work_draft (&f->w, task, "The invoice is ten days late");

  work_approves (&f->w, "anna", approval);
  work_do (&f->w, "admin", "invoice.edit", "{\"id\":\"%s\",\"state\":\"paid\",\"paid_on\":\"2026-06-03\"}",
           f->w.invoice);
  f->w.now += CT_UNDO_WINDOW_MS;
  run (f, &report);
  g_assert_cmpuint (sent_count (f), ==, 0);
  work_expect_approval (&f->w, approval, "voided");
  work_expect_status (&f->w, task, "scheduled");
  g_assert_cmpint (work_count (&f->w, "SELECT count(*) FROM outbox WHERE state = 'cancelled'"), ==, 1);
}

/* What has changed is longer than a command takes: the post is void all the same, and the next one has its turn. */
static void
test_long_change (Fixture *f, gconstpointer data)
{
  g_auto (CtOutboxReport) report = { 0 };
  g_autofree char *cited = g_strdup_printf (
      "[{\"type\":\"distributor\",\"id\":\"%s\",\"field\":\"legal_name\"}]", f->w.distributor);
  g_autoptr (JsonNode) facts = ct_json_parse (cited, -1, 10000, NULL);
  g_autofree char *plain = f->context, *why = NULL;
  CtId changed, next;

  work_do (&f->w, "admin", "setting.set", "{\"key\":\"delivery.quiet_period\",\"value\":\"0s\"}");
  f->context = ct_approval_context_build (f->w.db, &f->task, json_node_get_array (facts), NULL);
  changed = make_post (f, "one", FLAW_NONE);
  g_free (f->context);
  f->context = g_steal_pointer (&plain);
  next = make_ready (f, "two", FLAW_NONE);
  sql (f, "UPDATE distributors SET legal_name = replace(hex(zeroblob(1500)), '00', 'ä')");
  run (f, &report);
  expect_state (f, &changed, "cancelled: what it relied on has changed");
  expect_state (f, &next, "sent");
  why = work_text (&f->w, "SELECT problem FROM outbox WHERE state = 'cancelled'");
  g_assert_true (g_utf8_validate (why, -1, NULL));
  g_assert_cmpuint (strlen (why), <=, 2000);
}

/* As the programs use it. */
static void
test_workspace (Fixture *f, gconstpointer data)
{
  g_auto (CtOutboxReport) report = { 0 };
  g_autoptr (GError) error = NULL;
  g_autofree char *who = NULL;
  CtId post = make_ready (f, "hello", FLAW_NONE);
  CtWorkspace *workspace = ct_workspace_open (f->w.folder, &error);
  CtPostDone done;

  g_assert_no_error (error);
  g_assert_true (ct_workspace_set_now (workspace, f->w.now, NULL));
  g_assert_true (ct_workspace_set_actor (workspace, "view", NULL));
  g_assert_true (ct_workspace_deliver (workspace, NULL, &report, &error));
  expect_state (f, &post, "ready");
  g_assert_cmpuint (report.n_waiting, ==, 1);
  ct_outbox_report_clear (&report);
  g_assert_true (ct_workspace_set_actor (workspace, "anna", NULL));
  g_assert_true (ct_workspace_deliver (workspace, NULL, &report, &error));
  expect_state (f, &post, "sent");
  g_assert_cmpint (ct_workspace_next_delivery (workspace, NULL), ==, 0);
  ct_workspace_test_channel_async (workspace, "slack", NULL, on_tested_cb, &who);
  while (!who)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpstr (who, ==, "control-tower in Test");
  g_assert_true (ct_workspace_retract (workspace, &post, "sent too early", NULL, &done, &error));
  g_assert_cmpint (done, ==, CT_POST_RETRACTED);
  g_assert_cmpuint (sent_count (f), ==, 0);
  g_assert_true (ct_workspace_read_back (workspace, &post, NULL, &done, NULL));
  g_assert_cmpint (done, ==, CT_POST_NOT_FOUND);
  ct_workspace_close (workspace);
  g_assert_finalize_object (workspace);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/outbox/send", test_send);
  ADD ("/outbox/stop", test_stop);
  ADD ("/outbox/stop-leased", test_stop_leased);
  ADD ("/outbox/quiet", test_quiet);
  ADD ("/outbox/retry", test_retry);
  ADD ("/outbox/unreachable", test_unreachable);
  ADD ("/outbox/unreachable-for-several", test_unreachable_for_several);
  ADD ("/outbox/refused", test_refused);
  ADD ("/outbox/unknown-found", test_unknown_found);
  ADD ("/outbox/unknown-lost", test_unknown_lost);
  ADD ("/outbox/crash", test_crash);
  ADD ("/outbox/fence", test_fence);
  ADD ("/outbox/held", test_held);
  ADD ("/outbox/another-account", test_another_account);
  ADD ("/outbox/burst", test_burst);
  ADD ("/outbox/race", test_race);
  ADD ("/outbox/who-may-ask-the-provider", test_who_may_ask_the_provider);
  ADD ("/outbox/channel", test_channel);
  ADD ("/outbox/whole-life", test_whole_life);
  ADD ("/outbox/blocked-while-sending", test_blocked_while_sending);
  ADD ("/outbox/paid-meanwhile", test_paid_meanwhile);
  ADD ("/outbox/long-change", test_long_change);
  ADD ("/outbox/workspace", test_workspace);
  return g_test_run ();
}
