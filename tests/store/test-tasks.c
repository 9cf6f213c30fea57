#include "ct-test-work.h"

#include "ct-configuration.h"
#include "ct-domain.h"
#include "ct-sla-book.h"

static void
test_create (Work *w, gconstpointer data)
{
  g_autofree char *task = work_task (w);

  g_assert_cmpint (work_count (w, "SELECT count(*) FROM follow_up_tasks WHERE number = 'FOLLOW-2026-001' AND "
                                  "status = 'scheduled' AND human_owner = 'accounting' AND "
                                  "assigned_agent = 'AccountingFollowUpAgent'"),
                   ==, 1);
  g_assert_cmpint (work_count (w, "SELECT sla_due_at FROM follow_up_tasks"), ==, w->now + CT_MS_DAY);
  g_assert_cmpint (work_count (w, "SELECT next_check_at FROM follow_up_tasks"), ==, w->now);
  g_assert_cmpint (work_count (w, "SELECT count(*) FROM task_channels WHERE channel = 'slack' AND "
                                  "destination = '#ops'"),
                   ==, 1);
  g_assert_cmpint (work_count (w, "SELECT count(*) FROM sla_events WHERE event = 'activate'"), ==, 1);
  /* the order's story has it */
  g_assert_cmpint (
      work_count (w, "SELECT count(*) FROM audit_objects o JOIN audit_logs l ON l.n = o.n JOIN orders r "
                     "ON r.id = o.object_id WHERE l.action = 'task.create'"),
      ==, 1);
}

/* Without a duration the first policy that matches gives the dates, in business hours. */
static void
test_create_by_policy (Work *w, gconstpointer data)
{
  g_autofree char *task = work_run (w, "anna", "task.create", "{\"exception\":\"%s\"}", w->exception);
  g_autofree char *policy = work_text (w, "SELECT sla_policy FROM follow_up_tasks");
  g_autofree char *agent = work_text (w, "SELECT assigned_agent FROM follow_up_tasks");

  g_assert_cmpstr (agent, ==, "AccountingFollowUpAgent");
  g_assert_true (policy[0] && !g_str_has_prefix (policy, "own:"));
  g_assert_cmpint (work_count (w, "SELECT count(*) FROM sla_events WHERE event = 'activate'"), ==, 2);
  g_assert_cmpint (
      work_count (w, "SELECT sla_due_at > created_at AND sla_hard_at >= sla_due_at AND "
                     "sla_warning_at <= sla_due_at AND escalate_at > created_at FROM follow_up_tasks"),
      ==, 1);
  /* the profile's own channel is not registered here */
  g_assert_cmpint (work_count (w, "SELECT count(*) FROM task_channels"), ==, 0);
  work_do (w, "anna", "task.add_channel", "{\"task\":\"%s\",\"channel\":\"slack\",\"destination\":\"#ops\"}",
           task);
  work_fails (w, "anna", CT_ERROR_REFUSED, "task.add_channel",
              "{\"task\":\"%s\",\"channel\":\"slack\",\"destination\":\"#nowhere\"}", task);
  g_assert_cmpint (work_count (w, "SELECT count(*) FROM task_channels"), ==, 1);
}

static void
test_create_refused (Work *w, gconstpointer data)
{
  static const struct {
    const char *actor;
    CtErrorCode code;
    const char *rest;
  } cases[] = {
    { "anna", CT_ERROR_REFUSED, "\"channels\":[{\"channel\":\"slack\",\"destination\":\"#nowhere\"}]" },
    { "anna", CT_ERROR_REFUSED, "\"channels\":[{\"channel\":\"teams\",\"destination\":\"#ops\"}]" },
    { "anna", CT_ERROR_INVALID, "\"channels\":[{\"channel\":\"slack\"}]" },
    { "anna", CT_ERROR_INVALID, "\"channels\":[7]" },
    { "anna", CT_ERROR_NOT_FOUND, "\"agent\":\"NobodyAgent\"" },
    { "anna", CT_ERROR_INVALID, "\"sla\":0" },
    { "anna", CT_ERROR_INVALID, "\"sla\":\"24h\"" },
    { "anna", CT_ERROR_INVALID, "\"owner\":\"viewer\"" },
    { "anna", CT_ERROR_REFUSED, "\"assignee\":\"stranger\"" },
    { "anna", CT_ERROR_INVALID, "\"number\":\"FOLLOW-2026-999\"" },
    { "sam", CT_ERROR_REFUSED, "\"title\":\"another team's\"" },
    { "view", CT_ERROR_REFUSED, "\"title\":\"a viewer's\"" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    work_fails (w, cases[i].actor, cases[i].code, "task.create", "{\"exception\":\"%s\",%s}", w->exception,
                cases[i].rest);
  work_fails (w, "anna", CT_ERROR_NOT_FOUND, "task.create",
              "{\"exception\":\"00000000-0000-7000-8000-000000000000\"}");
  g_assert_cmpint (work_count (w, "SELECT count(*) FROM follow_up_tasks"), ==, 0);
  work_do (w, "anna", "exception.close", "{\"exception\":\"%s\",\"reason\":\"agreed by phone\"}",
           w->exception);
  work_fails (w, "anna", CT_ERROR_CONFLICT, "task.create", "{\"exception\":\"%s\"}", w->exception);
}

/* Policy and domain name the same transitions, those of posts included. */
static void
test_transitions_equal (void)
{
  g_autofree char *path = ct_data_path ("schema/policy.json");
  g_autofree char *text = NULL;
  g_autoptr (JsonNode) root = NULL;
  gboolean seen[CT_N_TASK_STATES][CT_N_TASK_STATES] = { { FALSE } };
  JsonObjectIter iter;
  const char *name;
  JsonNode *node;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  root = ct_json_parse (text, -1, 4 << 20, NULL);
  json_object_iter_init (&iter, json_node_get_object (root));
  while (json_object_iter_next (&iter, &name, &node)) {
    JsonObject *table =
        ct_json_object (ct_json_object (json_node_get_object (node), "writes"), "follow_up_tasks");
    JsonArray *steps = ct_json_array (table, "status");

    for (guint i = 0; steps && i < json_array_get_length (steps); i++) {
      JsonArray *step = json_array_get_array_element (steps, i);
      CtTaskState from, to;

      g_assert_true (ct_task_state_parse (json_array_get_string_element (step, 1), &to));
      if (json_array_get_null_element (step, 0)) /* how it begins */
        continue;
      g_assert_true (ct_task_state_parse (json_array_get_string_element (step, 0), &from));
      if (!ct_task_state_allows (from, to))
        g_error ("%s: the domain does not know %s to %s", name, ct_task_state_name (from),
                 ct_task_state_name (to));
      seen[from][to] = TRUE;
    }
  }
  for (guint from = 0; from < CT_N_TASK_STATES; from++)
    for (guint to = 0; to < CT_N_TASK_STATES; to++)
      if (ct_task_state_allows (from, to) && !seen[from][to])
        g_error ("no command takes a task from %s to %s", ct_task_state_name (from), ct_task_state_name (to));
}

/* Every verb in every state: it moves the task where this table says, or is refused and nothing changes. */
static void
test_verbs_by_state (Work *w, gconstpointer data)
{
  enum {
    OPEN,
    ASSIGNED,
    SCHEDULED,
    DRAFTING,
    WAITING,
    APPROVED,
    POSTED,
    AWAITING,
    RESOLVED,
    SNOOZED,
    ESCALATED,
    BLOCKED,
    REOPENED,
    N
  };
  static const char *const states[N] = {
    "open",      "assigned", "scheduled",      "drafting", "waiting_for_human_approval",
    "approved",  "posted",   "awaiting_reply", "resolved", "snoozed",
    "escalated", "blocked",  "reopened"
  };
  static const struct {
    const char *verb, *rest;
    const char *to[N]; /* NULL: refused; "=": stays */
  } verbs[] = {
    { "task.snooze",
      ",\"until\":\"2026-06-05T09:00:00Z\"",
      { "snoozed", "snoozed", "snoozed", "snoozed", "snoozed", NULL, "snoozed", "snoozed", NULL, "=",
        "snoozed", "snoozed", "snoozed" } },
    { "task.escalate",
      ",\"reason\":\"no answer\"",
      { "escalated", "escalated", "escalated", "escalated", "escalated", "escalated", "escalated",
        "escalated", NULL, "escalated", NULL, "escalated", "escalated" } },
    { "task.block",
      ",\"reason\":\"legal hold\"",
      { "blocked", "blocked", "blocked", "blocked", "blocked", "blocked", "blocked", "blocked", NULL,
        "blocked", "blocked", NULL, "blocked" } },
    { "task.resolve",
      ",\"resolution\":\"paid\"",
      { "resolved", "resolved", "resolved", "resolved", "resolved", "resolved", "resolved", "resolved", NULL,
        "resolved", "resolved", "resolved", "resolved" } },
    { "task.reopen",
      "",
      { NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, "reopened", NULL, NULL, NULL, NULL } },
    { "task.wake",
      "",
      { NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, "scheduled", "scheduled", "scheduled", NULL } },
    { "task.begin_draft",
      "",
      { NULL, "drafting", "drafting", NULL, "drafting", "drafting", NULL, "drafting", NULL, "drafting",
        "drafting", "drafting", "drafting" } },
    { "task.schedule",
      ",\"next_check_at\":\"2026-06-04T09:00:00Z\"",
      { NULL, "scheduled", "=", "scheduled", "=", "=", "scheduled", "scheduled", NULL, "=", "scheduled",
        "scheduled", "scheduled" } },
    { "task.assign",
      ",\"assignee\":\"boris\"",
      { "assigned", "=", "=", "=", "=", "=", "=", "=", NULL, "=", "=", "=", "assigned" } },
    { "task.assign",
      ",\"agent\":\"SalesOpsFollowUpAgent\"",
      { "assigned", "=", "assigned", "assigned", "assigned", NULL, "=", "assigned", NULL, "assigned",
        "assigned", "assigned", "assigned" } },
    { "task.unassign", "", { "=", "open", "=", "=", "=", "=", "=", "=", "=", "=", "=", "=", "=" } },
  };
  g_autofree char *task = work_task (w);

  for (guint v = 0; v < G_N_ELEMENTS (verbs); v++)
    for (guint s = 0; s < N; s++) {
      const char *to = verbs[v].to[s];

      /* the state is set behind the program's back: what is tested is the step out of it */
      g_assert_true (ct_db_run (w->db, NULL,
                                "UPDATE follow_up_tasks SET status = ?, status_before = NULL, "
                                "status_before = CASE WHEN ?1 IN ('snoozed', 'escalated', 'blocked') THEN "
                                "'scheduled' END, human_owner = 'accounting'",
                                "s", states[s]));
      if (to) {
        g_autoptr (GError) error = NULL;
        g_auto (CtOutcome) outcome = { 0 };
        g_autofree char *json = g_strdup_printf ("{\"task\":\"%s\"%s}", task, verbs[v].rest);

        ct_test_execute (w->commander, w->db, "admin", w->now, verbs[v].verb, json, &outcome, &error);
        if (error)
          g_error ("%s from %s: %s", verbs[v].verb, states[s], error->message);
      } else {
        work_fails (w, "admin", CT_ERROR_CONFLICT, verbs[v].verb, "{\"task\":\"%s\"%s}", task, verbs[v].rest);
      }
      work_expect_status (w, task, to && strcmp (to, "=") != 0 ? to : states[s]);
    }
}

static void
test_aside_and_back (Work *w, gconstpointer data)
{
  g_autofree char *task = work_task (w);

  work_fails (w, "anna", CT_ERROR_INVALID, "task.snooze",
              "{\"task\":\"%s\",\"until\":\"2026-06-03T08:00:00Z\"}", task);
  work_do (w, "anna", "task.snooze", "{\"task\":\"%s\",\"until\":\"2026-06-04T08:00:00Z\"}", task);
  work_do (w, "anna", "task.block", "{\"task\":\"%s\",\"reason\":\"waits for the bank\"}", task);
  g_assert_cmpint (
      work_count (w, "SELECT count(*) FROM task_notes WHERE author = 'anna' AND subject_type = 'task'"), ==,
      1);
  /* it remembers where it came from, through both */
  work_do (w, "anna", "task.wake", "{\"task\":\"%s\"}", task);
  work_expect_status (w, task, "scheduled");
  work_do (w, "anna", "task.escalate", "{\"task\":\"%s\",\"reason\":\"third reminder\"}", task);
  g_assert_cmpint (work_count (w, "SELECT count(*) FROM follow_up_tasks WHERE human_owner = 'sales' AND "
                                  "escalate_at IS NULL"),
                   ==, 1);
  /* another team's now */
  work_fails (w, "anna", CT_ERROR_REFUSED, "task.wake", "{\"task\":\"%s\"}", task);
  work_do (w, "sam", "task.wake", "{\"task\":\"%s\"}", task);
  g_assert_cmpint (work_count (w, "SELECT escalate_at IS NULL FROM follow_up_tasks"), ==, 1);
  /* undo gives the status back */
  work_do (w, "sam", "task.resolve", "{\"task\":\"%s\",\"resolution\":\"paid\"}", task);
  work_expect_status (w, task, "resolved");
  {
    g_autofree char *command =
        work_text (w, "SELECT uuid_text(command_id) FROM intents ORDER BY seq DESC LIMIT 1");

    work_do (w, "sam", "command.undo", "{\"command\":\"%s\"}", command);
  }
  work_expect_status (w, task, "scheduled");
}

static char *
last_command (Work *w)
{
  return work_text (w, "SELECT uuid_text(command_id) FROM intents ORDER BY seq DESC LIMIT 1");
}

/* Undo asks of the task what the undone command did: a step on another team's task cannot be taken back, the handing
 * over itself can. */
static void
test_undo_of_another_teams (Work *w, gconstpointer data)
{
  g_autofree char *task = work_task (w);
  g_autofree char *note = NULL, *mine = NULL, *other = NULL;

  work_do (w, "anna", "task.note", "{\"task\":\"%s\",\"text\":\"They will call\"}", task);
  note = last_command (w);
  work_do (w, "anna", "task.escalate", "{\"task\":\"%s\",\"reason\":\"third reminder\"}", task);
  mine = last_command (w);
  work_fails (w, "anna", CT_ERROR_REFUSED, "command.undo", "{\"command\":\"%s\"}", note);
  work_do (w, "anna", "command.undo", "{\"command\":\"%s\"}", mine);
  work_do (w, "admin", "task.escalate", "{\"task\":\"%s\",\"reason\":\"third reminder\"}", task);
  work_fails (w, "anna", CT_ERROR_REFUSED, "command.undo", "{\"command\":\"%s\"}", note);
  other = last_command (w);
  work_do (w, "admin", "command.undo", "{\"command\":\"%s\"}", other);
  work_do (w, "anna", "command.undo", "{\"command\":\"%s\"}", note);
}

/* Resolving stops the clock; reopening starts another; what was recorded stays. */
static void
test_ledger (Work *w, gconstpointer data)
{
  g_autofree char *task = work_task (w);

  work_fails (w, "robot", CT_ERROR_CONFLICT, "task.breach", "{\"task\":\"%s\"}", task);
  w->now += 25 * CT_MS_HOUR;
  work_do (w, "robot", "task.breach", "{\"task\":\"%s\"}", task);
  work_fails (w, "robot", CT_ERROR_CONFLICT, "task.breach", "{\"task\":\"%s\"}", task);
  work_do (w, "anna", "task.resolve", "{\"task\":\"%s\"}", task);
  w->now += CT_MS_HOUR;
  work_do (w, "anna", "task.reopen", "{\"task\":\"%s\"}", task);
  g_assert_cmpint (work_count (w, "SELECT sla_due_at FROM follow_up_tasks"), ==, w->now + CT_MS_DAY);
  {
    g_autofree char *ledger = work_text (
        w, "SELECT group_concat(event || instance, ' ') FROM (SELECT * FROM sla_events ORDER BY n)");

    g_assert_cmpstr (ledger, ==, "activate1 breach1 fulfil1 activate2");
  }
}

/* While the counterparty must answer the clock stands; a snooze stops it only where the workspace says so. */
static void
test_pause (Work *w, gconstpointer data)
{
  g_autofree char *task = work_task (w);

  work_do (w, "anna", "task.snooze", "{\"task\":\"%s\",\"until\":\"2026-06-03T12:00:00Z\"}", task);
  w->now += 2 * CT_MS_HOUR;
  work_do (w, "anna", "task.wake", "{\"task\":\"%s\"}", task);
  g_assert_cmpint (work_count (w, "SELECT sla_due_at - created_at FROM follow_up_tasks"), ==, CT_MS_DAY);
  work_do (w, "admin", "setting.set", "{\"key\":\"sla.snooze_pauses\",\"value\":\"true\"}");
  work_do (w, "anna", "task.snooze", "{\"task\":\"%s\",\"until\":\"2026-06-03T20:00:00Z\"}", task);
  g_assert_cmpint (work_count (w, "SELECT sla_due_at IS NULL FROM follow_up_tasks"), ==, 1);
  w->now += 3 * CT_MS_HOUR;
  work_do (w, "anna", "task.wake", "{\"task\":\"%s\"}", task);
  g_assert_cmpint (work_count (w, "SELECT sla_due_at - created_at FROM follow_up_tasks"), ==,
                   CT_MS_DAY + 3 * CT_MS_HOUR);
  g_assert_cmpint (work_count (w, "SELECT escalate_at IS NOT NULL FROM follow_up_tasks"), ==, 1);
  /* what stands because the workspace said so goes on also where it no longer does */
  work_do (w, "anna", "task.snooze", "{\"task\":\"%s\",\"until\":\"2026-06-03T22:00:00Z\"}", task);
  work_do (w, "admin", "setting.set", "{\"key\":\"sla.snooze_pauses\",\"value\":\"false\"}");
  w->now += CT_MS_HOUR;
  work_do (w, "anna", "task.wake", "{\"task\":\"%s\"}", task);
  g_assert_cmpint (work_count (w, "SELECT sla_due_at - created_at FROM follow_up_tasks"), ==,
                   CT_MS_DAY + 4 * CT_MS_HOUR);
}

static void
test_escalation_words (void)
{
  static const struct {
    const char *rule;
    gint64 after;
  } cases[] = {
    { "Escalate to Sales Ops if invoice blocker remains unresolved after 24h.", 24 * CT_MS_HOUR },
    { "Escalate after 30 minutes", 30 * CT_MS_MINUTE },
    { "Escalate after 2 days to Legal", 2 * CT_MS_DAY },
    { "Передать через 8 ч", 8 * CT_MS_HOUR },
    { "Escalate when it burns", 0 },
    { "after 12 lunches", 0 },
    { "\xff after 24h", 0 },
    { NULL, 0 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_cmpint (ct_task_row_escalate_after (cases[i].rule), ==, cases[i].after);
}

static void
test_exceptions (Work *w, gconstpointer data)
{
  work_fails (w, "sam", CT_ERROR_REFUSED, "exception.assign", "{\"exception\":\"%s\",\"owner\":\"sales\"}",
              w->exception);
  work_fails (w, "anna", CT_ERROR_INVALID, "exception.assign", "{\"exception\":\"%s\",\"owner\":\"agent\"}",
              w->exception);
  work_do (w, "anna", "exception.assign", "{\"exception\":\"%s\",\"owner\":\"sales\"}", w->exception);
  work_fails (w, "sam", CT_ERROR_INVALID, "exception.close", "{\"exception\":\"%s\",\"reason\":\" \"}",
              w->exception);
  work_do (w, "sam", "exception.close", "{\"exception\":\"%s\",\"reason\":\"settled\"}", w->exception);
  work_fails (w, "sam", CT_ERROR_CONFLICT, "exception.close", "{\"exception\":\"%s\",\"reason\":\"again\"}",
              w->exception);
  work_detect (w);
  g_assert_cmpint (
      work_count (w, "SELECT count(*) FROM exceptions WHERE state = 'closed' AND closed_reason = 'settled'"),
      ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, func) g_test_add (path, Work, NULL, work_set_up, func, work_tear_down)
  ADD ("/tasks/create", test_create);
  ADD ("/tasks/create-by-policy", test_create_by_policy);
  ADD ("/tasks/create-refused", test_create_refused);
  g_test_add_func ("/tasks/transitions-equal", test_transitions_equal);
  ADD ("/tasks/verbs-by-state", test_verbs_by_state);
  ADD ("/tasks/aside-and-back", test_aside_and_back);
  ADD ("/tasks/undo-of-another-teams", test_undo_of_another_teams);
  ADD ("/tasks/ledger", test_ledger);
  ADD ("/tasks/pause", test_pause);
  g_test_add_func ("/tasks/escalation-words", test_escalation_words);
  ADD ("/tasks/exceptions", test_exceptions);
  return g_test_run ();
}
