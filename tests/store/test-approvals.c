#include "ct-test-work.h"

#include "ct-approval-context.h"
#include "ct-wire.h"
#include "ct-work-json.h"

#define TEXT "Invoice of Nordwind GmbH is ten days late. Who talks to them today?"

/* A scheduled task becomes an approved post. */
static void
test_whole_life (Work *w, gconstpointer data)
{
  g_autofree char *task = work_task (w);
  g_autofree char *approval = work_draft (w, task, TEXT);

  work_expect_status (w, task, "waiting_for_human_approval");
  work_approves (w, "anna", approval);
  work_expect_status (w, task, "approved");
  work_expect_approval (w, approval, "approved");
  g_assert_cmpint (work_count (w,
                               "SELECT count(*) FROM outbox o JOIN approvals a ON a.id = o.approval_id WHERE "
                               "o.state = 'ready' AND o.wire = a.wire AND o.approver = 'anna' AND "
                               "o.number = 'POST-2026-0001'"),
                   ==, 1);
  g_assert_cmpint (work_count (w, "SELECT ready_at FROM outbox"), ==, w->now + 15 * CT_MS_SECOND);
  /* the leaf names the bytes */
  g_assert_cmpint (
      work_count (w, "SELECT instr(CAST(l.leaf AS TEXT), lower(hex(o.payload_sha256))) > 0 FROM audit_logs "
                     "l, outbox o WHERE l.action = 'approval.approve'"),
      ==, 1);
  work_approval_fails (w, "anna", approval, CT_ERROR_CONFLICT, "no longer pending");
}

static void
test_wire_is_the_text (Work *w, gconstpointer data)
{
  g_autofree char *task = work_task (w);
  g_autofree char *approval = work_draft (w, task, TEXT);
  g_auto (CtApprovalRow) row = { 0 };
  g_auto (CtWireMessage) message = { 0 };
  g_autofree char *kind = NULL;
  CtId id;

  g_assert_true (ct_id_parse (approval, &id) && ct_approval_row_load (w->db, &id, &row, NULL));
  g_assert_true (ct_wire_parse (row.wire, &kind, &message, NULL));
  g_assert_cmpstr (message.text, ==, TEXT);
  g_assert_cmpstr (message.destination, ==, "#ops");
  g_assert_cmpstr (message.key, ==, approval);
}

static void
test_who_may (Work *w, gconstpointer data)
{
  g_autofree char *task = work_task (w);
  g_autofree char *approval = work_draft (w, task, TEXT);

  work_approval_fails (w, "sam", approval, CT_ERROR_REFUSED, NULL);
  work_approval_fails (w, "robot", approval, CT_ERROR_REFUSED, NULL);
  work_approval_fails (w, "view", approval, CT_ERROR_REFUSED, NULL);
  work_expect_approval (w, approval, "pending");
  /* above an own limit */
  ct_db_run (w->db, NULL,
             "UPDATE people SET approval_limit_minor = 100, approval_currency = 'EUR' WHERE login = 'anna'",
             "");
  work_approval_fails (w, "anna", approval, CT_ERROR_REFUSED, "your limit is 1.00 EUR");
  work_approves (w, "boris", approval);
}

static void
test_delegation (Work *w, gconstpointer data)
{
  g_autofree char *task = work_task (w);
  g_autofree char *approval = work_draft (w, task, TEXT);

  work_fails (w, "anna", CT_ERROR_REFUSED, "approval.delegate", "{\"approval\":\"%s\",\"to\":\"view\"}",
              approval);
  work_fails (w, "anna", CT_ERROR_REFUSED, "approval.delegate", "{\"approval\":\"%s\",\"to\":\"anna\"}",
              approval);
  work_fails (w, "anna", CT_ERROR_REFUSED, "approval.delegate", "{\"approval\":\"%s\",\"to\":\"stranger\"}",
              approval);
  work_do (w, "anna", "approval.delegate", "{\"approval\":\"%s\",\"to\":\"sam\"}", approval);
  work_approves (w, "sam", approval);
  g_assert_cmpint (
      work_count (w,
                  "SELECT count(*) FROM approvals WHERE decided_by = 'sam' AND decided_role = 'accounting'"),
      ==, 1);
}

/* A stand-in may approve no more than whom they stand in for. */
static void
test_delegated_limit (Work *w, gconstpointer data)
{
  g_autofree char *task = work_task (w);
  g_autofree char *approval = work_draft (w, task, TEXT);

  ct_db_run (w->db, NULL,
             "UPDATE people SET approval_limit_minor = 100, approval_currency = 'EUR' WHERE login = 'anna'",
             "");
  work_do (w, "anna", "approval.delegate", "{\"approval\":\"%s\",\"to\":\"sam\"}", approval);
  work_approval_fails (w, "sam", approval, CT_ERROR_REFUSED, "above what you may approve");
  ct_db_run (w->db, NULL, "UPDATE people SET approval_limit_minor = 9000000 WHERE login = 'anna'", "");
  work_approves (w, "sam", approval);
}

/* {starts_at, ends_at} from now on, for absence.set */
static char *
period (Work *w, gint64 from, gint64 until)
{
  g_autofree char *starts = ct_time_format (w->now + from), *ends = ct_time_format (w->now + until);

  return g_strdup_printf ("\"starts_at\":\"%s\",\"ends_at\":\"%s\"", starts, ends);
}

/* While anna is away sam stands in for her; not a moment longer. */
static void
test_absence_cover (Work *w, gconstpointer data)
{
  g_autofree char *task = work_task (w);
  g_autofree char *approval = work_draft (w, task, TEXT);
  g_autofree char *hour = period (w, CT_MS_MINUTE, CT_MS_HOUR);

  work_do (w, "anna", "absence.set", "{%s,\"stand_in\":\"sam\"}", hour);
  work_approval_fails (w, "sam", approval, CT_ERROR_REFUSED, NULL); /* not begun */
  w->now += CT_MS_HOUR;
  work_approval_fails (w, "sam", approval, CT_ERROR_REFUSED, NULL); /* over */
  w->now -= CT_MS_MINUTE;
  work_approves (w, "sam", approval);
}

/* Everybody enters their own absence, an administrator anybody's; one that is ended covers nothing any more. */
static void
test_absence_is_own (Work *w, gconstpointer data)
{
  g_autofree char *task = work_task (w);
  g_autofree char *approval = work_draft (w, task, TEXT);
  g_autofree char *hour = period (w, 0, CT_MS_HOUR), *later = period (w, CT_MS_HOUR, 2 * CT_MS_HOUR),
                  *past = period (w, -CT_MS_HOUR, 0), *absence = NULL, *other = NULL;

  work_fails (w, "boris", CT_ERROR_REFUSED, "absence.set", "{%s,\"person\":\"anna\",\"stand_in\":\"sam\"}",
              hour);
  work_fails (w, "anna", CT_ERROR_REFUSED, "absence.set", "{%s,\"stand_in\":\"view\"}", hour);
  work_fails (w, "anna", CT_ERROR_REFUSED, "absence.set", "{%s,\"stand_in\":\"anna\"}", hour);
  work_fails (w, "anna", CT_ERROR_NOT_FOUND, "absence.set", "{%s,\"stand_in\":\"nobody\"}", hour);
  work_fails (w, "anna", CT_ERROR_INVALID, "absence.set", "{%s}", past);
  absence = work_run (w, "admin", "absence.set", "{%s,\"person\":\"anna\",\"stand_in\":\"sam\"}", hour);
  w->now += CT_MS_MINUTE;
  work_fails (w, "boris", CT_ERROR_REFUSED, "absence.end", "{\"absence\":\"%s\"}", absence);
  work_do (w, "anna", "absence.end", "{\"absence\":\"%s\"}", absence);
  work_approval_fails (w, "sam", approval, CT_ERROR_REFUSED, NULL);
  work_fails (w, "anna", CT_ERROR_CONFLICT, "absence.end", "{\"absence\":\"%s\"}", absence);
  /* one that has not begun is not there any more */
  other = work_run (w, "anna", "absence.set", "{%s,\"stand_in\":\"sam\"}", later);
  work_do (w, "anna", "absence.end", "{\"absence\":\"%s\"}", other);
  g_assert_cmpint (
      work_count (w, "SELECT (SELECT count(*) FROM absences) || (SELECT count(*) FROM delegations)"), ==, 11);
}

/* Who stands in for two people approves within the limit of either; their own limit holds for both. */
static void
test_stand_in_limits (Work *w, gconstpointer data)
{
  g_autofree char *task = work_task (w);
  g_autofree char *approval = work_draft (w, task, TEXT);
  g_autofree char *hour = period (w, 0, CT_MS_HOUR);
  static const char limit[] = "{\"login\":\"%s\",\"approval_limit_minor\":%d,\"approval_currency\":\"EUR\"}";

  work_do (w, "anna", "absence.set", "{%s,\"stand_in\":\"sam\"}", hour);
  work_do (w, "admin", "person.put", limit, "anna", 100);
  work_approval_fails (w, "sam", approval, CT_ERROR_REFUSED, "above what you may approve");
  work_do (w, "boris", "absence.set", "{%s,\"stand_in\":\"sam\"}", hour);
  work_do (w, "admin", "person.put", limit, "sam", 100);
  work_approval_fails (w, "sam", approval, CT_ERROR_REFUSED, "above what you may approve");
  work_do (w, "admin", "person.put", "{\"login\":\"sam\",\"no_limit\":true}");
  g_assert_cmpint (
      work_count (w, "SELECT count(*) FROM person_roles r JOIN people p ON p.id = r.person_id WHERE "
                     "p.login = 'sam' AND approval_limit_minor IS NULL"),
      ==, 1);
  work_fails (w, "anna", CT_ERROR_REFUSED, "person.put", limit, "anna", 900);
  work_approves (w, "sam", approval);
}

/* Each of what is known of a person stays until it is said anew. */
static void
test_person_keeps_what_is_not_said (Work *w, gconstpointer data)
{
  static const char *const said[] = {
    "{\"login\":\"sam\",\"no_limit\":false}",
    "{\"login\":\"sam\",\"roles\":[\"sales\"]}",
    "{\"login\":\"sam\",\"roles\":[\"sales\"],\"name\":null,\"email\":null}",
  };
  static const char kept[] = "SELECT count(*) FROM people WHERE login = 'sam' AND name = '%s' AND email = "
                             "'sam@a.example' AND approval_limit_minor = 100 AND approval_currency = 'EUR'";
  g_autofree char *first = g_strdup_printf (kept, "Sam"), *renamed = g_strdup_printf (kept, "Samuel");

  work_do (w, "admin", "person.put",
           "{\"login\":\"sam\",\"name\":\"Sam\",\"email\":\"sam@a.example\","
           "\"approval_limit_minor\":100,\"approval_currency\":\"EUR\"}");
  for (guint i = 0; i < G_N_ELEMENTS (said); i++) {
    work_do (w, "admin", "person.put", "%s", said[i]);
    g_assert_cmpint (work_count (w, first), ==, 1);
  }
  work_do (w, "admin", "person.put", "{\"login\":\"sam\",\"name\":\"Samuel\"}");
  g_assert_cmpint (work_count (w, renamed), ==, 1);
}

/* Over 25,000 EUR the agent's policy asks for four eyes: who wrote the last revision does not approve it. */
static void
test_four_eyes (Work *w, gconstpointer data)
{
  g_autofree char *task = work_task (w);
  g_autofree char *approval = work_draft (w, task, TEXT);
  g_autofree char *edited =
      work_run (w, "anna", "approval.edit", "{\"approval\":\"%s\",\"text\":\"Short and clear.\"}", approval);

  work_expect_approval (w, approval, "replaced");
  work_approval_fails (w, "anna", approval, CT_ERROR_CONFLICT, NULL);
  work_approval_fails (w, "anna", edited, CT_ERROR_REFUSED, "four eyes");
  work_approves (w, "boris", edited);
}

/* A task keeps the strictest terms that it was under, whether the agent drafted or only had it, and those of the agent that its
 * exception was meant for. */
static void
test_no_laxer_agent (Work *w, gconstpointer data)
{
  enum { DRAFTED, ONLY_HAD, MEANT, N_WAYS };

  for (int way = DRAFTED; way < N_WAYS; way++) {
    g_autofree char *task = NULL, *approval = NULL, *edited = NULL;

    if (way == MEANT)
      g_assert_true (ct_db_run (w->db, NULL, "UPDATE exceptions SET agent = 'LegalFollowUpAgent'", ""));
    task = work_task (w);
    if (way != MEANT) {
      work_do (w, "anna", "task.assign", "{\"task\":\"%s\",\"agent\":\"LegalFollowUpAgent\"}", task);
      if (way == DRAFTED)
        g_free (work_draft (w, task, TEXT));
      work_do (w, "anna", "task.assign", "{\"task\":\"%s\",\"agent\":\"AccountingFollowUpAgent\"}", task);
    }
    approval = work_draft (w, task, TEXT);
    edited = work_run (w, "anna", "approval.edit", "{\"approval\":\"%s\",\"text\":\"Short and clear.\"}",
                       approval);
    work_approval_fails (w, "anna", edited, CT_ERROR_REFUSED, "four eyes");
    work_approves (w, "boris", edited);
    work_do (w, "anna", "task.resolve", "{\"task\":\"%s\",\"resolution\":\"done\"}", task);
  }
}

static void
test_edit (Work *w, gconstpointer data)
{
  g_autofree char *task = work_task (w);
  g_autofree char *approval = work_draft (w, task, TEXT);
  g_autofree char *edited =
      work_run (w, "anna", "approval.edit", "{\"approval\":\"%s\",\"text\":\"Short and clear.\"}", approval);
  g_autoptr (JsonObject) json = ct_approval_json (w->db, edited, NULL);

  g_assert_cmpint (work_count (w, "SELECT count(DISTINCT payload_sha256) FROM approvals"), ==, 2);
  g_assert_cmpstr (ct_json_string (json, "text", NULL), ==, "Short and clear.");
  g_assert_cmpstr (ct_json_string (json, "draft", NULL), ==, TEXT);
  g_assert_cmpstr (ct_json_string (json, "editedBy", NULL), ==, "anna");
  work_fails (w, "anna", CT_ERROR_INVALID, "approval.edit",
              "{\"approval\":\"%s\",\"text\":\"Look <!channel>\"}", edited);
  /* below the threshold one's own edit is one's own to approve, but with the new bytes alone */
  work_approval_fails (w, "anna", approval, CT_ERROR_CONFLICT, NULL);
  work_approves (w, "anna", edited);
  g_assert_cmpint (work_count (w, "SELECT instr(CAST(wire AS TEXT), 'Short and clear.') > 0 FROM outbox"), ==,
                   1);
}

static void
test_expected_bytes (Work *w, gconstpointer data)
{
  g_autofree char *task = work_task (w);
  g_autofree char *approval = work_draft (w, task, TEXT);
  g_autoptr (GError) error = NULL;
  g_auto (CtOutcome) outcome = { 0 };
  guint8 secret[CT_DEVICE_SECRET_SIZE] = { 0 };
  CtApprove approve = { w->commander, "anna", w->now, { { 0 } }, secret, NULL };
  CtHash other = ct_hash ("another text", 12);
  CtId id;

  g_assert_true (ct_id_parse (approval, &id));
  g_assert_false (ct_approve (w->db, &approve, &id, &other, &outcome, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_CONFLICT);
  work_expect_approval (w, approval, "pending");
}

static void
test_expiry (Work *w, gconstpointer data)
{
  g_autofree char *task = work_task (w);
  g_autofree char *approval = work_draft (w, task, TEXT);

  work_fails (w, "robot", CT_ERROR_CONFLICT, "approval.expire", "{\"approval\":\"%s\"}", approval);
  w->now = work_count (w, "SELECT expires_at FROM approvals");
  work_approval_fails (w, "anna", approval, CT_ERROR_REFUSED, "time for this approval is over");
  work_fails (w, "anna", CT_ERROR_REFUSED, "approval.edit", "{\"approval\":\"%s\",\"text\":\"Later\"}",
              approval);
  work_do (w, "robot", "approval.expire", "{\"approval\":\"%s\"}", approval);
  work_expect_approval (w, approval, "expired");
  work_expect_status (w, task, "scheduled");
}

/* Paid meanwhile: nobody can approve, and it says what changed. */
static void
test_changed_facts (Work *w, gconstpointer data)
{
  g_autofree char *task = work_task (w);
  g_autofree char *approval = work_draft (w, task, TEXT);

  work_do (w, "anna", "invoice.edit", "{\"id\":\"%s\",\"state\":\"part_paid\",\"paid_minor\":500}",
           w->invoice);
  {
    g_autoptr (JsonObject) json = ct_approval_json (w->db, approval, NULL);

    g_assert_cmpuint (json_array_get_length (ct_json_array (json, "changes")), ==, 2);
  }
  work_approval_fails (w, "anna", approval, CT_ERROR_CONFLICT, "paid_minor: 0 → 500");
  work_expect_approval (w, approval, "voided");
  work_expect_status (w, task, "scheduled");
  g_assert_cmpint (work_count (w, "SELECT instr(void_reason, 'part_paid') > 0 FROM approvals"), ==, 1);
  g_assert_cmpint (work_count (w, "SELECT count(*) FROM outbox"), ==, 0);
}

/* The handler itself refuses too, whoever calls it. */
static void
test_changed_facts_in_the_handler (Work *w, gconstpointer data)
{
  g_autofree char *task = work_task (w);
  g_autofree char *approval = work_draft (w, task, TEXT);
  g_autofree char *payload = work_text (w, "SELECT lower(hex(payload_sha256)) FROM approvals");
  g_autofree char *context = work_text (w, "SELECT lower(hex(context_sha256)) FROM approvals");
  g_autofree char *device = work_text (w, "SELECT value FROM workspace WHERE key = 'device_id'");
  const char *form =
      "{\"approval\":\"%s\",\"payload_sha256\":\"%s\",\"context_sha256\":\"%s\",\"device_id\":\"%s\","
      "\"nonce\":\"AAAAAAAAAAAAAAAAAAAAAA==\",\"signature\":\"%s\"}";
  g_autofree guint8 *zeroes = g_malloc0 (64);
  g_autofree char *signature = g_base64_encode (zeroes, 64);

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  work_fails (w, "anna", CT_ERROR_REFUSED, "approval.approve", form, approval, payload, context, device,
              signature);
  work_fails (w, "anna", CT_ERROR_INVALID, "approval.approve", form, approval, payload, context, device,
              "AAAA");
  work_fails (w, "anna", CT_ERROR_INVALID, "approval.approve", form, approval, "zz", context, device,
              signature);
  work_fails (w, "anna", CT_ERROR_CONFLICT, "approval.approve", form, approval, context, context, device,
              signature);
  work_fails (w, "anna", CT_ERROR_CONFLICT, "approval.approve", form, approval, payload, payload, device,
              signature);
  work_fails (w, "anna", CT_ERROR_REFUSED, "approval.approve", form, approval, payload, context, w->order,
              signature);
  work_do (w, "anna", "invoice.edit", "{\"id\":\"%s\",\"state\":\"part_paid\",\"paid_minor\":500}",
           w->invoice);
  work_fails (w, "anna", CT_ERROR_CONFLICT, "approval.approve", form, approval, payload, context, device,
              signature);
#pragma GCC diagnostic pop
  g_assert_cmpint (work_count (w, "SELECT count(*) FROM outbox"), ==, 0);
}

/* A signature for one person, destination or text serves for no other. */
static void
test_forged_signature (Work *w, gconstpointer data)
{
  g_autofree char *task = work_task (w);
  g_autofree char *approval = work_draft (w, task, TEXT);
  g_autofree char *device = work_text (w, "SELECT value FROM workspace WHERE key = 'device_id'");
  g_autoptr (GError) error = NULL;
  g_auto (CtOutcome) outcome = { 0 };
  guint8 secret[CT_DEVICE_SECRET_SIZE];
  CtApprove approve = { w->commander, "anna", w->now, { { 0 } }, secret, NULL };
  CtId id;

  g_assert_true (ct_id_parse (approval, &id) && ct_id_parse (device, &approve.device));
  ct_random_bytes (secret, sizeof secret);
  g_assert_false (ct_approve (w->db, &approve, &id, NULL, &outcome, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_REFUSED);
  g_clear_error (&error);
  g_assert_true (ct_db_run (w->db, NULL, "UPDATE devices SET revoked_at = 1", ""));
  g_assert_true (ct_keys_load_device (w->folder, secret, NULL));
  g_assert_false (ct_approve (w->db, &approve, &id, NULL, &outcome, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_REFUSED);
  work_expect_approval (w, approval, "pending");
}

/* Behind the program's back: no outbox row without an approval, no other bytes, no second decision. */
static void
test_raw_sql (Work *w, gconstpointer data)
{
  static const char *const forgeries[] = {
    "INSERT INTO outbox(id, n, created_at, updated_at, number, approval_id, task_id, channel, destination, "
    "wire, "
    "payload_sha256, approver, ready_at) SELECT randomblob(16), 900001, 0, 0, 'POST-1', id, task_id, "
    "channel, "
    "destination, wire, payload_sha256, 'anna', 0 FROM approvals",
    "INSERT INTO outbox(id, n, created_at, updated_at, number, approval_id, task_id, channel, destination, "
    "wire, "
    "payload_sha256, approver, ready_at) SELECT randomblob(16), 900001, 0, 0, 'POST-1', randomblob(16), "
    "task_id, channel, "
    "destination, wire, payload_sha256, 'anna', 0 FROM approvals",
    "UPDATE approvals SET state = 'approved'",
    "UPDATE approvals SET wire = x'00', payload_sha256 = sha256(x'00')",
    "UPDATE approvals SET destination = '#all'",
    "UPDATE approvals SET context = '{}', context_sha256 = sha256('{}')",
    "UPDATE approvals SET expires_at = expires_at + 1",
  };
  g_autofree char *task = work_task (w);
  g_autofree char *approval = work_draft (w, task, TEXT);

  for (guint i = 0; i < G_N_ELEMENTS (forgeries); i++)
    if (ct_db_exec (w->db, forgeries[i], NULL))
      g_error ("this went through: %s", forgeries[i]);
  work_do (w, "anna", "approval.reject", "{\"approval\":\"%s\",\"comment\":\"no\"}", approval);
  g_assert_false (ct_db_exec (w->db, "UPDATE approvals SET state = 'pending'", NULL));
  g_assert_cmpint (work_count (w, "SELECT count(*) FROM outbox"), ==, 0);
}

static void
test_reject (Work *w, gconstpointer data)
{
  g_autofree char *task = work_task (w);
  g_autofree char *approval = work_draft (w, task, TEXT);

  work_fails (w, "anna", CT_ERROR_INVALID, "approval.reject", "{\"approval\":\"%s\",\"comment\":\" \"}",
              approval);
  work_fails (w, "sam", CT_ERROR_REFUSED, "approval.reject", "{\"approval\":\"%s\",\"comment\":\"no\"}",
              approval);
  work_do (w, "anna", "approval.reject", "{\"approval\":\"%s\",\"comment\":\"we called them\"}", approval);
  work_expect_approval (w, approval, "rejected");
  work_expect_status (w, task, "scheduled");
  g_assert_cmpint (work_count (w, "SELECT next_check_at > updated_at FROM follow_up_tasks"), ==, 1);
  work_fails (w, "anna", CT_ERROR_CONFLICT, "approval.reject", "{\"approval\":\"%s\",\"comment\":\"again\"}",
              approval);
}

static void
test_ask (Work *w, gconstpointer data)
{
  g_autofree char *task = work_task (w);
  g_autofree char *approval = work_draft (w, task, TEXT);
  g_autofree char *second = NULL;

  work_do (w, "anna", "approval.ask", "{\"approval\":\"%s\",\"comment\":\"name the amount\"}", approval);
  work_expect_approval (w, approval, "changes_requested");
  work_expect_status (w, task, "drafting");
  second = work_draft (w, task, "12,840.00 EUR of Nordwind GmbH are ten days late.");
  work_expect_status (w, task, "waiting_for_human_approval");
  g_assert_cmpint (work_count (w, "SELECT max(revision) FROM ai_outputs"), ==, 2);
  work_approves (w, "anna", second);
}

/* What cannot be called back says how it stands. */
static void
expect_not_called_back (Work *w, const char *approval, const char *why)
{
  g_autofree char *json = g_strdup_printf ("{\"approval\":\"%s\"}", approval);
  g_auto (CtOutcome) outcome = { 0 };
  g_autoptr (GError) error = NULL;

  g_assert_null (
      ct_test_execute (w->commander, w->db, "anna", w->now, "approval.unsend", json, &outcome, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_CONFLICT);
  g_assert_nonnull (strstr (error->message, why));
}

static void
test_unsend (Work *w, gconstpointer data)
{
  g_autofree char *task = work_task (w);
  g_autofree char *approval = work_draft (w, task, TEXT);
  g_autofree char *again = NULL;

  expect_not_called_back (w, approval, "is not approved");
  work_approves (w, "anna", approval);
  again = work_run (w, "anna", "approval.unsend", "{\"approval\":\"%s\"}", approval);
  work_expect_approval (w, approval, "voided");
  expect_not_called_back (w, approval, "it is voided");
  work_expect_approval (w, again, "pending");
  work_expect_status (w, task, "waiting_for_human_approval");
  g_assert_cmpint (work_count (w, "SELECT count(*) FROM outbox WHERE state = 'cancelled'"), ==, 1);
  work_approves (w, "boris", again);
  g_assert_cmpint (work_count (w, "SELECT count(*) FROM outbox WHERE state = 'ready'"), ==, 1);
  /* once it is being sent nobody can call it back */
  g_assert_true (ct_db_exec (w->db,
                             "UPDATE outbox SET state = 'leased' WHERE state = 'ready';"
                             "UPDATE outbox SET state = 'sending' WHERE state = 'leased'",
                             NULL));
  expect_not_called_back (w, again, "its message is sending");
}

/* A guardrail that an administrator adds stops what was drafted before it. */
static void
test_guardrails (Work *w, gconstpointer data)
{
  g_autofree char *task = work_task (w);
  g_autofree char *approval = work_draft (w, task, "We guarantee that it ships.");
  g_autofree char *second = NULL;
  g_autoptr (JsonObject) json = ct_approval_json (w->db, approval, NULL);

  g_assert_cmpuint (json_array_get_length (ct_json_array (json, "findings")), >, 0);
  work_approval_fails (w, "anna", approval, CT_ERROR_REFUSED, "cannot be approved as it is");
  second = work_run (w, "anna", "approval.edit", "{\"approval\":\"%s\",\"text\":\"The heron is late.\"}",
                     approval);
  work_do (
      w, "admin", "config.put",
      "{\"table\":\"guardrails\",\"documents\":[{\"id\":\"heron\",\"kind\":\"phrase\",\"text\":\"heron\","
      "\"channel\":\"*\",\"severity\":\"error\",\"category\":\"own\",\"message\":\"No birds\"}]}");
  work_approval_fails (w, "anna", second, CT_ERROR_REFUSED, "No birds");
  work_expect_approval (w, second, "pending");
}

/* What the channel cannot carry, or must not be read, asks for no approval. */
static void
test_what_cannot_be_sent (Work *w, gconstpointer data)
{
  static const struct {
    const char *text;
    gboolean asks;
  } cases[] = {
    { "Look, <!channel>", FALSE },
    { "A bell: \a", FALSE },
    { " \n", FALSE },
    { "See EXC-~3F9A2C1D", TRUE },
    { "\xe2\x80\xae"
      "txet",
      TRUE },
    { "Hello {amount}", TRUE },
  };
  g_autofree char *task = work_task (w);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *approval = work_draft (w, task, cases[i].text);

    g_assert_cmpint (approval != NULL, ==, cases[i].asks);
    work_expect_status (w, task, cases[i].asks ? "waiting_for_human_approval" : "scheduled");
    if (approval)
      work_approval_fails (w, "anna", approval, CT_ERROR_REFUSED, "cannot be approved");
  }
}

/* An exception that clears voids what waits on it, and what has not begun to go out. */
static void
test_exception_clears (Work *w, gconstpointer data)
{
  g_autofree char *task = work_task (w);
  g_autofree char *approval = work_draft (w, task, TEXT);
  g_autofree char *second = NULL;

  work_approves (w, "anna", approval);
  work_do (w, "anna", "exception.close", "{\"exception\":\"%s\",\"reason\":\"paid by bank transfer\"}",
           w->exception);
  work_expect_approval (w, approval, "voided");
  work_expect_status (w, task, "scheduled");
  g_assert_cmpint (work_count (w, "SELECT count(*) FROM outbox WHERE state = 'cancelled' AND "
                                  "problem LIKE '%%paid by bank transfer'"),
                   ==, 1);
  second = work_draft (w, task, TEXT);
  work_do (w, "anna", "task.resolve", "{\"task\":\"%s\"}", task);
  work_expect_approval (w, second, "voided");
}

/* A task that was set aside sends nothing until it is taken up again. */
static void
test_task_aside (Work *w, gconstpointer data)
{
  g_autofree char *task = work_task (w);
  g_autofree char *approval = work_draft (w, task, TEXT);

  work_do (w, "anna", "task.snooze", "{\"task\":\"%s\",\"until\":\"2026-06-03T12:00:00Z\"}", task);
  work_approval_fails (w, "anna", approval, CT_ERROR_CONFLICT, "take it up again");
  work_do (w, "anna", "task.wake", "{\"task\":\"%s\"}", task);
  work_expect_status (w, task, "waiting_for_human_approval");
  work_approves (w, "anna", approval);
}

/* Set aside within the undo window, what was approved stays in; what waits for a person waits on. */
static void
test_task_aside_after_approval (Work *w, gconstpointer data)
{
  static const char *const verbs[] = { "task.block", "task.escalate" };
  g_autofree char *task = work_task (w);

  for (guint i = 0; i < G_N_ELEMENTS (verbs); i++) {
    g_autofree char *approval = work_draft (w, task, TEXT);

    work_approves (w, "anna", approval);
    work_do (w, "anna", verbs[i], "{\"task\":\"%s\",\"reason\":\"they sue us\"}", task);
    work_expect_approval (w, approval, "voided");
    g_assert_cmpint (work_count (w, "SELECT count(*) FROM outbox WHERE state = 'cancelled'"), ==, i + 1);
    work_do (w, "admin", "task.wake", "{\"task\":\"%s\"}", task);
    work_expect_status (w, task, "scheduled");
  }
}

static void
test_task_aside_before_approval (Work *w, gconstpointer data)
{
  static const char *const verbs[] = { "task.block", "task.escalate" };
  g_autofree char *task = work_task (w);
  g_autofree char *approval = work_draft (w, task, TEXT);

  for (guint i = 0; i < G_N_ELEMENTS (verbs); i++) {
    work_do (w, "anna", verbs[i], "{\"task\":\"%s\",\"reason\":\"they sue us\"}", task);
    work_expect_approval (w, approval, "pending");
    work_do (w, "admin", "task.wake", "{\"task\":\"%s\"}", task);
    work_expect_status (w, task, "waiting_for_human_approval");
  }
}

/* A post of one channel that waits beside what was posted to another. */
static void
test_snoozed_beside_post (Work *w, gconstpointer data)
{
  g_autofree char *task = work_task (w);
  g_autofree char *approval = work_draft (w, task, TEXT);

  work_approves (w, "anna", approval);
  g_assert_true (ct_db_exec (w->db, "UPDATE follow_up_tasks SET status = 'posted'", NULL));
  work_do (w, "anna", "task.snooze", "{\"task\":\"%s\",\"until\":\"2026-06-03T12:00:00Z\"}", task);
  work_expect_approval (w, approval, "voided");
}

/* What failed, or may have failed, is not sent once more for a task that is closed. */
static void
test_resolved_after_failure (Work *w, gconstpointer data)
{
  static const char *const states[] = { "failed", "unknown" };
  g_autofree char *task = work_task (w);

  for (guint i = 0; i < G_N_ELEMENTS (states); i++) {
    g_autofree char *approval = work_draft (w, task, TEXT);
    g_autofree char *script = g_strdup_printf ("UPDATE outbox SET state = 'leased' WHERE state = 'ready';"
                                               "UPDATE outbox SET state = 'sending' WHERE state = 'leased';"
                                               "UPDATE outbox SET state = '%s' WHERE state = 'sending'",
                                               states[i]);
    g_autofree char *post = NULL;

    work_approves (w, "anna", approval);
    g_assert_true (ct_db_exec (w->db, script, NULL));
    work_do (w, "anna", "task.resolve", "{\"task\":\"%s\"}", task);
    work_expect_approval (w, approval, i == 0 ? "voided" : "approved");
    post = work_text (w, "SELECT uuid_text(id) FROM outbox ORDER BY n DESC LIMIT 1");
    work_fails (w, "anna", i == 0 ? CT_ERROR_REFUSED : CT_ERROR_CONFLICT, "post.resolve",
                "{\"post\":\"%s\",\"outcome\":\"retry\",\"comment\":\"again\"}", post);
    work_do (w, "anna", "task.reopen", "{\"task\":\"%s\"}", task);
  }
}

/* What waits for a decision was drafted for the account that the channel led to. */
static void
test_another_account (Work *w, gconstpointer data)
{
  g_autofree char *task = work_task (w);
  g_autofree char *approval = work_draft (w, task, TEXT);

  work_do (
      w, "admin", "channel.add",
      "{\"name\":\"slack\",\"kind\":\"slack\",\"base_url\":\"http://127.0.0.1:7\",\"destination\":\"#ops\"}");
  work_expect_approval (w, approval, "voided");
  work_expect_status (w, task, "scheduled");
}

static void
test_context (Work *w, gconstpointer data)
{
  g_autofree char *task = work_task (w);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) cited = NULL;
  g_autofree char *json =
      g_strdup_printf ("[{\"type\":\"invoice\",\"id\":\"%s\",\"field\":\"state\",\"value\":\"paid\"},"
                       "{\"type\":\"invoice\",\"id\":\"%s\",\"field\":\"state\"}]",
                       w->invoice, w->invoice);
  g_autofree char *context = NULL, *again = NULL;
  CtId id;

  g_assert_true (ct_id_parse (task, &id));
  cited = ct_json_parse (json, -1, 10000, &error);
  context = ct_approval_context_build (w->db, &id, json_node_get_array (cited), &error);
  g_assert_no_error (error);
  /* the value is read, not believed; twice is once; the exception is always there */
  g_assert_nonnull (strstr (context, "\"value\":\"issued\""));
  g_assert_null (strstr (context, "paid"));
  g_assert_nonnull (strstr (context, "\"field\":\"episode\""));
  again = ct_approval_context_renew (w->db, &id, context, &error);
  g_assert_cmpstr (context, ==, again);
  g_assert_true (
      ct_db_run (w->db, &error,
                 "INSERT INTO replies(id, n, created_at, updated_at, task_id, channel, external_message_id, "
                 "text, received_at) VALUES(randomblob(16), 900002, 0, 0, ?, 'slack', '1', 'we paid', 5)",
                 "k", &id));
  g_free (again);
  again = ct_approval_context_renew (w->db, &id, context, &error);
  g_assert_cmpstr (context, !=, again);
  g_assert_false (ct_approval_context_knows ("people", "login"));
  g_assert_false (ct_approval_context_knows ("invoice", "source"));
}

static void
test_task_json (Work *w, gconstpointer data)
{
  static const char *const members[] = {
    "taskId",         "orderId",        "assignedAgent",         "humanOwner",    "status",
    "slaDueAt",       "nextCheckAt",    "communicationChannels", "channelPolicy", "allowedActions",
    "blockedActions", "escalationRule", "lastChannelMessageId",  "auditRequired",
  };
  g_autofree char *task = work_task (w);
  g_autoptr (JsonObject) json = ct_task_json (w->db, "FOLLOW-2026-001", NULL);
  g_autoptr (JsonObject) by_id = ct_task_json (w->db, task, NULL);
  g_autoptr (GList) names = json_object_get_members (json);
  guint i = 0;

  for (GList *l = names; l; l = l->next, i++)
    g_assert_cmpstr (l->data, ==, members[i]);
  g_assert_cmpuint (i, ==, G_N_ELEMENTS (members));
  g_assert_cmpstr (ct_json_string (json, "slaDueAt", NULL), ==, "2026-06-04T09:00:00Z");
  g_assert_cmpstr (ct_json_string (json, "orderId", NULL), ==, "ORD-2026-0001");
  g_assert_cmpstr (json_array_get_string_element (ct_json_array (json, "communicationChannels"), 0), ==,
                   "slack:#ops");
  g_assert_true (JSON_NODE_HOLDS_NULL (json_object_get_member (json, "lastChannelMessageId")));
  g_assert_true (ct_json_bool (json, "auditRequired", FALSE));
  g_assert_cmpstr (ct_json_string (by_id, "taskId", NULL), ==, "FOLLOW-2026-001");
  g_assert_null (ct_task_json (w->db, "FOLLOW-2026-002", NULL));
}

static void
test_approvals_json (Work *w, gconstpointer data)
{
  static const char *const members[] = { "id",   "task",          "channel", "destination",
                                         "text", "payloadSha256", "state",   "findings" };
  g_autofree char *task = work_task (w);
  g_autofree char *approval = work_draft (w, task, TEXT);
  g_autoptr (JsonArray) list = ct_approvals_json (w->db, "pending", "FOLLOW-2026-001", NULL);
  g_autoptr (JsonObject) one = ct_approval_json (w->db, "APPROVAL-2026-0001", NULL);

  g_assert_cmpuint (json_array_get_length (list), ==, 1);
  for (guint i = 0; i < G_N_ELEMENTS (members); i++)
    g_assert_true (json_object_has_member (json_array_get_object_element (list, 0), members[i]));
  g_assert_cmpstr (ct_json_string (one, "id", NULL), ==, approval);
  g_assert_cmpstr (ct_json_string (one, "task", NULL), ==, "FOLLOW-2026-001");
  g_assert_nonnull (strstr (ct_json_string (one, "wire", ""), "ten days late"));
  {
    const char *wire = ct_json_string (one, "wire", "");
    CtHash hash = ct_hash (wire, strlen (wire));
    g_autofree char *hex = ct_hash_to_hex (&hash);

    g_assert_cmpstr (hex, ==, ct_json_string (one, "payloadSha256", NULL));
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, func) g_test_add (path, Work, NULL, work_set_up, func, work_tear_down)
  ADD ("/approvals/whole-life", test_whole_life);
  ADD ("/approvals/wire-is-the-text", test_wire_is_the_text);
  ADD ("/approvals/who-may", test_who_may);
  ADD ("/approvals/delegation", test_delegation);
  ADD ("/approvals/delegated-limit", test_delegated_limit);
  ADD ("/approvals/absence-cover", test_absence_cover);
  g_test_add ("/approvals/four-eyes", Work, GINT_TO_POINTER (3000000), work_set_up, test_four_eyes,
              work_tear_down);
  ADD ("/approvals/no-laxer-agent", test_no_laxer_agent);
  ADD ("/approvals/absence-is-own", test_absence_is_own);
  ADD ("/approvals/stand-in-limits", test_stand_in_limits);
  ADD ("/approvals/person-keeps-what-is-not-said", test_person_keeps_what_is_not_said);
  ADD ("/approvals/edit", test_edit);
  ADD ("/approvals/expected-bytes", test_expected_bytes);
  ADD ("/approvals/expiry", test_expiry);
  ADD ("/approvals/changed-facts", test_changed_facts);
  ADD ("/approvals/changed-facts-in-the-handler", test_changed_facts_in_the_handler);
  ADD ("/approvals/forged-signature", test_forged_signature);
  ADD ("/approvals/raw-sql", test_raw_sql);
  ADD ("/approvals/reject", test_reject);
  ADD ("/approvals/ask", test_ask);
  ADD ("/approvals/unsend", test_unsend);
  ADD ("/approvals/guardrails", test_guardrails);
  ADD ("/approvals/what-cannot-be-sent", test_what_cannot_be_sent);
  ADD ("/approvals/exception-clears", test_exception_clears);
  ADD ("/approvals/task-aside", test_task_aside);
  ADD ("/approvals/task-aside-after-approval", test_task_aside_after_approval);
  ADD ("/approvals/task-aside-before-approval", test_task_aside_before_approval);
  ADD ("/approvals/snoozed-beside-post", test_snoozed_beside_post);
  ADD ("/approvals/resolved-after-failure", test_resolved_after_failure);
  ADD ("/approvals/another-account", test_another_account);
  ADD ("/approvals/context", test_context);
  ADD ("/approvals/task-json", test_task_json);
  ADD ("/approvals/approvals-json", test_approvals_json);
  return g_test_run ();
}
