/* No proof, no post: each thing that may be wrong with an approval keeps its post in. */
#include "outbox-fixture.h"

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
  f->options.sign = NULL;
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

static void
forbid_foxes (Fixture *f)
{
  work_do (
      &f->w, "admin", "config.put",
      "{\"table\":\"guardrails\",\"documents\":[{\"id\":\"fox\",\"kind\":\"phrase\",\"text\":\"brown fox\","
      "\"channel\":\"slack\",\"severity\":\"error\",\"category\":\"promise\",\"message\":\"no foxes\"}]}");
}

/* A phrase that was forbidden after the approval. */
static void
test_guardrail (Fixture *f, gconstpointer data)
{
  g_auto (CtOutboxReport) report = { 0 };
  CtId post = make_ready (f, "The quick brown fox", FLAW_NONE);

  forbid_foxes (f);
  run (f, &report);
  expect_state (f, &post, "failed: A guardrail (fox)");
  g_assert_cmpuint (sent_count (f), ==, 0);
}

/* What changes between the proof and the first byte keeps the post in all the same. */
static void
test_changed_after_proof (Fixture *f, gconstpointer data)
{
  static const struct {
    const char *script;
    CtErrorCode code;
  } cases[] = {
    { "UPDATE exceptions SET episode = episode + 1", CT_ERROR_CONFLICT },
    { "UPDATE devices SET revoked_at = 1", CT_ERROR_REFUSED },
    { "UPDATE channel_destinations SET archived_at = 1", CT_ERROR_REFUSED },
    { "UPDATE approvals SET state = 'voided'", CT_ERROR_REFUSED },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    Fixture own = { 0 };
    CtId post;

    set_up (&own, NULL);
    post = make_ready (&own, "hello", FLAW_NONE);
    do_post (&own, "robot", "post.lease", &post, ",\"holder\":\"x\"");
    sql (&own, cases[i].script);
    post_fails (&own, "robot", cases[i].code, "post.sending", &post, ",\"fence\":1");
    expect_state (&own, &post, "leased");
    tear_down (&own, NULL);
  }
}

/* A phrase that is forbidden after the lease. */
static void
test_guardrail_after_proof (Fixture *f, gconstpointer data)
{
  CtId post = make_ready (f, "The quick brown fox", FLAW_NONE);

  do_post (f, "robot", "post.lease", &post, ",\"holder\":\"x\"");
  forbid_foxes (f);
  post_fails (f, "robot", CT_ERROR_REFUSED, "post.sending", &post, ",\"fence\":1");
}

/* The sender asks for the time before each of its steps: at the @at-th question after the lease the invoice is paid. */
typedef struct {
  Fixture *f;
  guint asked, at;
} Payer;

static gint64
paying_clock (gpointer data)
{
  Payer *payer = data;
  Fixture *f = payer->f;

  if (work_count (&f->w, "SELECT count(*) FROM outbox WHERE state = 'leased'") == 1 &&
      ++payer->asked == payer->at)
    work_do (&f->w, "admin", "invoice.edit", "{\"id\":\"%s\",\"state\":\"paid\",\"paid_on\":\"2026-06-03\"}",
             f->w.invoice);
  return f->w.now;
}

/* Paid at any moment between the lease and the first byte: nothing goes out, and the agent looks again. */
static void
test_paid_while_leased (Fixture *f, gconstpointer data)
{
  Payer payer = { .at = 1 };

  for (;; payer.at++) {
    g_auto (CtOutboxReport) report = { 0 };
    Fixture own = { 0 };
    g_autofree char *task = NULL, *approval = NULL;
    guint n_sent;

    set_up (&own, NULL);
    task = ct_id_to_string (&own.task);
    approval = work_draft (&own.w, task, "The invoice is ten days late");
    work_approves (&own.w, "anna", approval);
    own.w.now += CT_UNDO_WINDOW_MS;
    payer.f = &own;
    payer.asked = 0;
    own.options.clock = paying_clock;
    own.options.clock_data = &payer;
    start_outbox (&own);
    run (&own, &report);
    n_sent = sent_count (&own);
    if (payer.asked >= payer.at) {
      g_assert_cmpuint (n_sent, ==, 0);
      work_expect_approval (&own.w, approval, "voided");
      work_expect_status (&own.w, task, "scheduled");
    }
    tear_down (&own, NULL);
    if (payer.asked < payer.at) {
      g_assert_cmpuint (n_sent, ==, 1); /* never paid: the control case */
      break;
    }
  }
  g_assert_cmpuint (payer.at, >, 2);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/outbox/proof", test_proof);
  ADD ("/outbox/proof-of-log", test_proof_of_log);
  ADD ("/outbox/guardrail", test_guardrail);
  ADD ("/outbox/changed-after-proof", test_changed_after_proof);
  ADD ("/outbox/guardrail-after-proof", test_guardrail_after_proof);
  ADD ("/outbox/paid-while-leased", test_paid_while_leased);
  return g_test_run ();
}
