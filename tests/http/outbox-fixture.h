/* The outbox worker over a real replica, a real audit log and a Slack-compatible server on a socket. */
#pragma once

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

static gboolean
fixture_sign_cb (CtDb *db, gpointer data, GError **error)
{
  Fixture *f = data;
  g_autofree char *note = NULL;

  return ct_log_sign (db, f->signer, f->w.now, &note, error);
}

static gboolean
fixture_sign (gpointer data, GError **error)
{
  return ct_store_write (((Fixture *) data)->store, fixture_sign_cb, data, error);
}

static inline void
sql (Fixture *f, const char *script)
{
  g_autoptr (GError) error = NULL;

  ct_db_exec (f->w.db, script, &error);
  g_assert_no_error (error);
}

static inline void
add_channel (Fixture *f, const char *url)
{
  work_do (&f->w, "admin", "channel.add",
           "{\"name\":\"slack\",\"kind\":\"slack\",\"base_url\":\"%s\",\"destination\":\"#ops\"}", url);
}

/* As if the channel had led there all the time: adding it again would void what was approved. */
static inline void
use_channel (Fixture *f, const char *url)
{
  g_autoptr (CtSecret) secret = ct_secret_new (url, SLACK_TOKEN, NULL);
  g_autoptr (GError) error = NULL;

  ct_db_run (f->w.db, &error, "UPDATE channels SET base_url = ? WHERE name = 'slack'", "s", url);
  g_assert_no_error (error);
  ct_secret_store_save (f->secrets, CT_SECRET_PLAIN_FILE, "slack", secret, NULL, &error);
  g_assert_no_error (error);
}

static inline void
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

static inline void
start_outbox (Fixture *f)
{
  g_clear_pointer (&f->outbox, ct_outbox_free);
  f->outbox = ct_outbox_new (&f->options);
}

static inline void
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
                                  .sign = fixture_sign,
                                  .sign_data = f,
                                  .actor = "robot",
                                  .holder = "test",
                                  .loopback_only = TRUE,
                                  .timeout_ms = 3000,
                                  .clock = fixture_clock,
                                  .clock_data = f };
  start_outbox (f);
}

static inline void
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

static inline GBytes *
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

static inline void
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

static inline void
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

static inline void
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
static inline CtId
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

static inline CtId
make_ready (Fixture *f, const char *text, Flaw flaw)
{
  CtId post = make_post (f, text, flaw);

  f->w.now += CT_UNDO_WINDOW_MS;
  return post;
}

static inline void
run (Fixture *f, CtOutboxReport *report)
{
  g_autoptr (GError) error = NULL;

  ct_outbox_report_clear (report);
  ct_outbox_run (f->outbox, NULL, report, &error);
  g_assert_no_error (error);
}

static inline void
expect_state (Fixture *f, const CtId *post, const char *state)
{
  g_autofree char *found = ct_db_read_text (
      f->w.db, NULL, "SELECT state || coalesce(': ' || problem, '') FROM outbox WHERE id = ?", "k", post);

  if (!g_str_has_prefix (found, state))
    g_error ("expected %s, found %s", state, found);
}

static inline guint
sent_count (Fixture *f)
{
  return slack_process_count (f->slack, "\"bot_id\"");
}

static inline char *
args_of (const CtId *post, const char *more)
{
  g_autofree char *id = ct_id_to_string (post);

  return g_strdup_printf ("{\"post\":\"%s\"%s}", id, more);
}

static inline void
do_post (Fixture *f, const char *actor, const char *name, const CtId *post, const char *more)
{
  g_autofree char *args = args_of (post, more);

  work_do (&f->w, actor, name, "%s", args);
}

static inline void
post_fails (Fixture *f, const char *actor, CtErrorCode code, const char *name, const CtId *post,
            const char *more)
{
  g_autofree char *args = args_of (post, more);

  work_fails (&f->w, actor, code, name, "%s", args);
}

#define ADD(path, func) g_test_add (path, Fixture, NULL, set_up, func, tear_down)
