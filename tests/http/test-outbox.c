/* The outbox worker over a real replica, a real audit log and a Slack-compatible server on a socket. */
#include "ct-test-work.h"
#include "ct-approval-context.h"
#include "ct-approval-seal.h"
#include "ct-log-sign.h"
#include "ct-outbox.h"
#include "ct-post-row.h"
#include "ct-wire.h"
#include "ct-workspace-delivery.h"
#include "slack-process.h"

typedef struct {
  Work w;
  SlackProcess *slack;
  CtStore *store;
  CtSecretStore *secrets;
  CtHttpClient *http;
  CtSigner *signer;
  CtOutboxOptions options;
  CtOutbox *outbox;
  char *device_key; /* 64 bytes */
  char *context;    /* of a draft that cites nothing of its own */
  CtId device, task;
  guint n_posts;
} Fixture;

static gint64
fixture_clock (gpointer data)
{
  return ((Fixture *) data)->w.now;
}

static void
sql (Fixture *f, const char *script)
{
  g_autoptr (GError) error = NULL;

  ct_db_exec (f->w.db, script, &error);
  g_assert_no_error (error);
}

static void
use_channel (Fixture *f, const char *url)
{
  g_autoptr (CtSecret) secret = ct_secret_new (url, SLACK_TOKEN, NULL);
  g_autoptr (GError) error = NULL;

  work_do (&f->w, "admin", "channel.add",
           "{\"name\":\"slack\",\"kind\":\"slack\",\"base_url\":\"%s\",\"destination\":\"#ops\"}", url);
  ct_secret_store_save (f->secrets, CT_SECRET_PLAIN_FILE, "slack", secret, NULL, &error);
  g_assert_no_error (error);
}

static void
load_keys (Fixture *f)
{
  g_autofree char *device = g_build_filename (f->w.folder, "keys/device.key", NULL);
  g_autofree char *log = g_build_filename (f->w.folder, "keys/log.key", NULL);
  g_autoptr (GError) error = NULL;

  g_file_get_contents (device, &f->device_key, NULL, &error);
  g_assert_no_error (error);
  f->signer = ct_signer_load (log, &error);
  g_assert_no_error (error);
  ct_db_read_id (f->w.db, &f->device, &error, "SELECT id FROM devices", "");
  g_assert_no_error (error);
}

static void
start_outbox (Fixture *f)
{
  g_clear_pointer (&f->outbox, ct_outbox_free);
  f->outbox = ct_outbox_new (&f->options);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *task = NULL;
  g_autofree char *path = NULL;

  work_set_up (&f->w, NULL);
  path = g_build_filename (f->w.folder, "replica.db", NULL);
  f->slack = slack_process_new (NULL);
  f->store = ct_store_open (path, CT_DB_READ_WRITE, &error);
  g_assert_no_error (error);
  f->secrets = ct_secret_store_new (f->w.folder, "test");
  f->http = ct_http_client_new (NULL, NULL);
  load_keys (f);
  use_channel (f, slack_process_url (f->slack));
  task = work_task (&f->w);
  g_assert_true (ct_id_parse (task, &f->task));
  f->context = ct_approval_context_build (f->w.db, &f->task, NULL, &error);
  g_assert_no_error (error);
  f->options = (CtOutboxOptions){ .store = f->store,
                                  .commander = f->w.commander,
                                  .secrets = f->secrets,
                                  .http = f->http,
                                  .log = ct_signer_verifier (f->signer),
                                  .signer = f->signer,
                                  .actor = "robot",
                                  .holder = "test",
                                  .loopback_only = TRUE,
                                  .timeout_ms = 3000,
                                  .clock = fixture_clock,
                                  .clock_data = f };
  start_outbox (f);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  ct_outbox_free (f->outbox);
  slack_process_free (f->slack);
  ct_store_close (f->store);
  g_object_unref (f->store);
  ct_secret_store_free (f->secrets);
  ct_http_client_unref (f->http);
  ct_signer_free (f->signer);
  g_free (f->device_key);
  g_free (f->context);
  work_tear_down (&f->w, NULL);
}

/* What may be wrong with an approval. */
typedef enum {
  FLAW_NONE,
  FLAW_SIGNATURE,
  FLAW_KEY,
  FLAW_NO_LEAF,
  FLAW_LEAF_OF_OTHER_BYTES,
  FLAW_LEAF_OF_OTHER_PERSON,
} Flaw;

static GBytes *
wire_of (const CtId *approval, const char *text, Flaw flaw)
{
  CtId other = ct_id_new (1);
  g_autofree char *key = ct_id_to_string (flaw == FLAW_KEY ? &other : approval);
  CtWireMessage message = { .destination = (char *) "#ops", .text = (char *) text, .key = key };
  g_autoptr (GError) error = NULL;
  GBytes *wire = ct_wire_build ("slack", &message, &error);

  g_assert_no_error (error);
  return wire;
}

static void
append_leaf (Fixture *f, const CtId *approval, const CtHash *payload, Flaw flaw)
{
  CtHash other = ct_hash ("other", 5);
  g_autofree char *key = ct_hash_to_hex (flaw == FLAW_LEAF_OF_OTHER_BYTES ? &other : payload);
  CtEvent event = { .ev_id = ct_id_new (f->w.now),
                    .action = "approval.approve",
                    .actor = flaw == FLAW_LEAF_OF_OTHER_PERSON ? "boris" : "anna",
                    .actor_role = "accounting",
                    .object_type = "approval",
                    .object_id = *approval,
                    .occurred_at = f->w.now,
                    .received_at = f->w.now,
                    .device_id = f->device,
                    .outbox_key = key };
  g_autoptr (GError) error = NULL;
  gint64 index;

  if (flaw == FLAW_NO_LEAF)
    return;
  ct_log_append (f->w.db, &event, NULL, &index, &error);
  g_assert_no_error (error);
}

static void
insert_approval (Fixture *f, const CtId *id, GBytes *wire, const CtHash *payload)
{
  CtId output = ct_id_derive (id, "output", 0);
  CtHash context = ct_hash (f->context, strlen (f->context));
  g_autofree char *number = g_strdup_printf ("APPROVAL-2026-%04u", ++f->n_posts);
  g_autoptr (GError) error = NULL;
  gsize length;
  gconstpointer data = g_bytes_get_data (wire, &length);

  ct_db_run (
      f->w.db, &error,
      "INSERT INTO ai_outputs(id, n, created_at, updated_at, task_id, revision, kind, channel, destination, "
      "text, provider, model, prompt_version, confidence, author) VALUES(?, next_n(), ?, ?, ?, ?, "
      "'channel_post', "
      "'slack', '#ops', 'x', 'template', 'template', '1', 90, 'agent')",
      "kiiki", &output, f->w.now, f->w.now, &f->task, (gint64) f->n_posts);
  g_assert_no_error (error);
  ct_db_run (
      f->w.db, &error,
      "INSERT INTO approvals(id, n, created_at, updated_at, number, task_id, output_id, owner, channel, "
      "destination, wire, payload_sha256, context, context_sha256, expires_at) VALUES(?, next_n(), ?, ?, ?, "
      "?, ?, 'accounting', 'slack', '#ops', ?, ?, ?, ?, ?)",
      "kiiskkbhshi", id, f->w.now, f->w.now, number, &f->task, &output, data, length, payload, f->context,
      &context, f->w.now + CT_MS_DAY);
  g_assert_no_error (error);
}

static void
approve (Fixture *f, const CtId *id, const CtHash *payload, Flaw flaw)
{
  CtApprovalSeal seal = { .approval = *id,
                          .payload = *payload,
                          .context = ct_hash (f->context, strlen (f->context)),
                          .channel = "slack",
                          .destination = "#ops",
                          .approver = "anna",
                          .expires_at = f->w.now + CT_MS_DAY,
                          .nonce = { 1 } };
  guint8 signature[CT_SEAL_SIGNATURE_SIZE];
  g_autoptr (GError) error = NULL;

  ct_approval_seal_sign (&seal, (const guint8 *) f->device_key, signature, &error);
  g_assert_no_error (error);
  signature[0] ^= flaw == FLAW_SIGNATURE;
  ct_db_run (f->w.db, &error,
             "UPDATE approvals SET state = 'approved', decided_by = 'anna', decided_role = 'accounting', "
             "decided_at = ?, nonce = ?, device_id = ?, signature = ? WHERE id = ?",
             "ibkbk", f->w.now, seal.nonce, sizeof seal.nonce, &f->device, signature, sizeof signature, id);
  g_assert_no_error (error);
}

/* Leaves behind what a person's approval leaves behind: the signed row, the leaf, the post. */
static CtId
make_post (Fixture *f, const char *text, Flaw flaw)
{
  CtId id = ct_id_new (f->w.now), post = ct_id_derive (&id, "outbox", 0);
  g_autoptr (GBytes) wire = wire_of (&id, text, flaw);
  gsize length;
  gconstpointer data = g_bytes_get_data (wire, &length);
  CtHash payload = ct_hash (data, length);
  g_autofree char *number = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (ct_db_begin (f->w.db, NULL));
  insert_approval (f, &id, wire, &payload);
  approve (f, &id, &payload, flaw);
  append_leaf (f, &id, &payload, flaw);
  number = g_strdup_printf ("POST-2026-%04u", f->n_posts);
  ct_db_run (f->w.db, &error,
             "INSERT INTO outbox(id, n, created_at, updated_at, number, approval_id, task_id, "
             "distributor_id, channel, "
             "destination, wire, payload_sha256, approver, ready_at) SELECT ?, next_n(), ?, ?, ?, ?, t.id, "
             "t.distributor_id, 'slack', '#ops', ?, ?, 'anna', ? FROM follow_up_tasks t WHERE t.id = ?",
             "kiiskbhik", &post, f->w.now, f->w.now, number, &id, data, length, &payload,
             f->w.now + ct_post_row_undo_window (f->w.db), &f->task);
  g_assert_no_error (error);
  sql (f, "UPDATE follow_up_tasks SET status = 'approved'");
  g_assert_true (ct_db_commit (f->w.db, NULL));
  return post;
}

static CtId
make_ready (Fixture *f, const char *text, Flaw flaw)
{
  CtId post = make_post (f, text, flaw);

  f->w.now += CT_UNDO_WINDOW_MS;
  return post;
}

static void
run (Fixture *f, CtOutboxReport *report)
{
  g_autoptr (GError) error = NULL;

  ct_outbox_report_clear (report);
  ct_outbox_run (f->outbox, NULL, report, &error);
  g_assert_no_error (error);
}

static void
expect_state (Fixture *f, const CtId *post, const char *state)
{
  g_autofree char *found = ct_db_read_text (
      f->w.db, NULL, "SELECT state || coalesce(': ' || problem, '') FROM outbox WHERE id = ?", "k", post);

  if (!g_str_has_prefix (found, state))
    g_error ("expected %s, found %s", state, found);
}

static guint
sent_count (Fixture *f)
{
  return slack_process_count (f->slack, "\"bot_id\"");
}

static char *
args_of (const CtId *post, const char *more)
{
  g_autofree char *id = ct_id_to_string (post);

  return g_strdup_printf ("{\"post\":\"%s\"%s}", id, more);
}

static void
do_post (Fixture *f, const char *actor, const char *name, const CtId *post, const char *more)
{
  g_autofree char *args = args_of (post, more);

  work_do (&f->w, actor, name, "%s", args);
}

static void
post_fails (Fixture *f, const char *actor, CtErrorCode code, const char *name, const CtId *post,
            const char *more)
{
  g_autofree char *args = args_of (post, more);

  work_fails (&f->w, actor, code, name, "%s", args);
}

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
  g_assert_cmpint (ct_outbox_next (f->outbox, NULL), ==, f->w.now + CT_UNDO_WINDOW_MS);
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
  g_assert_cmpint (ct_outbox_next (f->outbox, NULL), ==, 0);
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
  post_fails (f, "anna", CT_ERROR_CONFLICT, "post.retract", &post, ",\"comment\":\"x\"");
}

/* No proof, no post. */
static void
test_proof (Fixture *f, gconstpointer data)
{
  static const struct {
    Flaw flaw;
    const char *script; /* what somebody did to the database behind the program's back, or in time */
    const char *says;
  } cases[] = {
    { FLAW_SIGNATURE, "", "failed: The approval's signature" },
    { FLAW_KEY, "", "failed: The bytes of" },
    { FLAW_NO_LEAF, "", "failed: The audit log knows no" },
    { FLAW_LEAF_OF_OTHER_BYTES, "", "failed: The audit log's approval" },
    { FLAW_LEAF_OF_OTHER_PERSON, "", "failed: The audit log's approval" },
    { FLAW_NONE, "UPDATE devices SET revoked_at = 1",
      "failed: The approval of POST-2026-0001 is signed by a device that was" },
    { FLAW_NONE, "PRAGMA foreign_keys = 0; UPDATE devices SET id = x'00000000000000000000000000000001'",
      "failed: The approval of POST-2026-0001 is signed by a device that is not" },
    { FLAW_NONE, "UPDATE devices SET public_key = zeroblob(32)", "failed: The approval's signature" },
    { FLAW_NONE, "UPDATE approvals SET state = 'voided'",
      "failed: The approval of POST-2026-0001 does not stand" },
    { FLAW_NONE, "DROP TRIGGER approvals_bytes_stay; UPDATE approvals SET expires_at = 5",
      "failed: The approval of POST-2026-0001 has expired" },
    { FLAW_NONE, "DROP TRIGGER approvals_bytes_stay; UPDATE approvals SET expires_at = expires_at + 1",
      "failed: The approval's signature" },
    { FLAW_NONE,
      "DROP TRIGGER outbox_bytes_stay; UPDATE outbox SET wire = CAST(replace(wire, 'hello', 'howdy') AS "
      "BLOB)",
      "failed: The bytes of" },
    { FLAW_NONE,
      "DROP TRIGGER outbox_bytes_stay; UPDATE outbox SET wire = CAST(replace(wire, 'hello', 'howdy') AS "
      "BLOB); UPDATE "
      "outbox SET payload_sha256 = sha256(wire)",
      "failed: The bytes of" },
    { FLAW_NONE, "DROP TRIGGER outbox_bytes_stay; UPDATE outbox SET destination = '#all'",
      "failed: Channel, destination or approver" },
    { FLAW_NONE, "DROP TRIGGER approvals_bytes_stay; UPDATE approvals SET context = '{}'",
      "failed: The facts of" },
    { FLAW_NONE, "UPDATE outbox SET approver = 'boris'", "failed: Channel, destination or approver" },
    { FLAW_NONE, "UPDATE channel_destinations SET archived_at = 1",
      "failed: slack:#ops is not a registered" },
    { FLAW_NONE, "UPDATE channels SET archived_at = 1", "failed: slack:#ops is not a registered" },
    { FLAW_NONE,
      "DROP TRIGGER audit_logs_no_update; UPDATE audit_logs SET leaf = CAST(replace(leaf, 'boris', 'anna') "
      "AS BLOB) WHERE "
      "action = 'approval.approve'",
      "sent" }, /* changes nothing: the control case */
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_auto (CtOutboxReport) report = { 0 };
    Fixture own = { 0 };
    CtId post;

    set_up (&own, NULL);
    post = make_ready (&own, "hello", cases[i].flaw);
    sql (&own, cases[i].script);
    g_test_message ("case %u: %s", i, cases[i].says);
    run (&own, &report);
    expect_state (&own, &post, cases[i].says);
    g_assert_cmpuint (sent_count (&own), ==, strcmp (cases[i].says, "sent") == 0);
    tear_down (&own, NULL);
  }
}

/* A leaf that was edited after it was signed, and a log that somebody else signs. */
static void
test_proof_of_log (Fixture *f, gconstpointer data)
{
  g_auto (CtOutboxReport) report = { 0 };
  g_autoptr (CtSigner) other = ct_signer_generate ("somebody-else", NULL);
  g_autofree char *note = NULL;
  CtId post = make_ready (f, "hello", FLAW_NONE);

  /* nobody has signed yet: it waits */
  f->options.signer = NULL;
  start_outbox (f);
  run (f, &report);
  expect_state (f, &post, "ready");
  g_assert_cmpuint (report.n_waiting, ==, 1);
  g_assert_true (ct_log_sign (f->w.db, f->signer, f->w.now, &note, NULL));
  f->options.log = ct_signer_verifier (other);
  start_outbox (f);
  run (f, &report);
  expect_state (f, &post, "failed");
  g_assert_cmpuint (sent_count (f), ==, 0);
}

/* A phrase that was forbidden after the approval. */
static void
test_guardrail (Fixture *f, gconstpointer data)
{
  g_auto (CtOutboxReport) report = { 0 };
  CtId post = make_ready (f, "The quick brown fox", FLAW_NONE);

  work_do (
      &f->w, "admin", "config.put",
      "{\"table\":\"guardrails\",\"documents\":[{\"id\":\"fox\",\"kind\":\"phrase\",\"text\":\"brown fox\","
      "\"channel\":\"slack\",\"severity\":\"error\",\"category\":\"promise\",\"message\":\"no foxes\"}]}");
  run (f, &report);
  expect_state (f, &post, "failed: A guardrail (fox)");
  g_assert_cmpuint (sent_count (f), ==, 0);
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

static void
test_retract (Fixture *f, gconstpointer data)
{
  g_auto (CtOutboxReport) report = { 0 };
  g_autoptr (GError) error = NULL;
  CtId post = make_ready (f, "hello", FLAW_NONE);

  g_assert_false (ct_outbox_retract (f->outbox, &post, "wrong price", NULL, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_CONFLICT);
  g_clear_error (&error);
  run (f, &report);
  f->options.actor = "anna";
  start_outbox (f);
  g_assert_true (ct_outbox_retract (f->outbox, &post, "wrong price", NULL, &error));
  expect_state (f, &post, "retracted: wrong price");
  g_assert_cmpuint (sent_count (f), ==, 0);
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

/* As the programs use it. */
static void
test_workspace (Fixture *f, gconstpointer data)
{
  g_auto (CtOutboxReport) report = { 0 };
  g_autoptr (GError) error = NULL;
  g_autofree char *who = NULL;
  CtId post = make_ready (f, "hello", FLAW_NONE);
  CtWorkspace *workspace = ct_workspace_open (f->w.folder, &error);

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
  g_assert_true (ct_workspace_retract (workspace, &post, "sent too early", NULL, &error));
  g_assert_cmpuint (sent_count (f), ==, 0);
  ct_workspace_close (workspace);
  g_assert_finalize_object (workspace);
}

#define ADD(path, func) g_test_add (path, Fixture, NULL, set_up, func, tear_down)

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
  ADD ("/outbox/refused", test_refused);
  ADD ("/outbox/unknown-found", test_unknown_found);
  ADD ("/outbox/unknown-lost", test_unknown_lost);
  ADD ("/outbox/crash", test_crash);
  ADD ("/outbox/fence", test_fence);
  ADD ("/outbox/proof", test_proof);
  ADD ("/outbox/proof-of-log", test_proof_of_log);
  ADD ("/outbox/guardrail", test_guardrail);
  ADD ("/outbox/held", test_held);
  ADD ("/outbox/burst", test_burst);
  ADD ("/outbox/race", test_race);
  ADD ("/outbox/retract", test_retract);
  ADD ("/outbox/channel", test_channel);
  ADD ("/outbox/whole-life", test_whole_life);
  ADD ("/outbox/paid-meanwhile", test_paid_meanwhile);
  ADD ("/outbox/workspace", test_workspace);
  return g_test_run ();
}
