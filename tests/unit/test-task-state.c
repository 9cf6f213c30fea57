#include "ct-base.h"
#include "ct-exception-state.h"
#include "ct-number.h"
#include "ct-task-state.h"
#include "ct-vocabulary.h"

#include <string.h>

/* DOMAIN.md's names, in the order of the enum. */
static const char *const names[] = {
  "open",      "assigned", "scheduled",      "drafting", "waiting_for_human_approval",
  "approved",  "posted",   "awaiting_reply", "resolved", "snoozed",
  "escalated", "blocked",  "reopened"
};

/* Every cell: a row for each state from which, a column for each state to which, in the same order. */
static const char *const matrix[] = {
  /*             oasdwAparseBR: open assigned scheduled drafting Waiting approved posted awaiting resolved … */
  /* open      */ ".x......xxxx.",
  /* assigned  */ "x.xx....xxxx.",
  /* scheduled */ ".x.x....xxxx.",
  /* drafting  */ ".xx.x...xxxx.",
  /* waiting   */ ".xxx.x..xxxx.",
  /* approved  */ "..xxx.x.x.xx.",
  /* posted    */ "..x....xxxxx.",
  /* awaiting  */ ".xxx....xxxx.",
  /* resolved  */ "............x",
  /* snoozed   */ "xxxxx..xx.xx.",
  /* escalated */ "xxxxx..xxx.x.",
  /* blocked   */ "xxxxx..xxxx..",
  /* reopened  */ ".xxx....xxxx.",
};

static void
test_names (void)
{
  g_assert_cmpuint (G_N_ELEMENTS (names), ==, CT_N_TASK_STATES);
  for (guint i = 0; i < CT_N_TASK_STATES; i++) {
    CtTaskState state = CT_TASK_OPEN;

    g_assert_cmpstr (ct_task_state_name ((CtTaskState) i), ==, names[i]);
    g_assert_true (ct_task_state_parse (names[i], &state));
    g_assert_cmpuint (state, ==, i);
    g_assert_cmpint (strlen (ct_task_state_label (state)), >, 0);
    g_assert_cmpint (ct_task_state_is_open (state), ==, state != CT_TASK_RESOLVED);
    g_assert_cmpint (ct_task_state_stops_clock (state), ==, state == CT_TASK_AWAITING_REPLY);
    g_assert_cmpint (ct_task_state_may_send (state), !=,
                     state == CT_TASK_RESOLVED || state == CT_TASK_SNOOZED || state == CT_TASK_ESCALATED ||
                         state == CT_TASK_BLOCKED);
    g_assert_cmpint (ct_task_state_party (state) == CT_PARTY_NONE, ==, state == CT_TASK_RESOLVED);
  }
  {
    CtTaskState state = CT_TASK_POSTED;

    g_assert_false (ct_task_state_parse ("Open", &state));
    g_assert_false (ct_task_state_parse (NULL, &state));
    g_assert_cmpuint (state, ==, CT_TASK_POSTED);
  }
}

static void
test_matrix (void)
{
  for (guint from = 0; from < CT_N_TASK_STATES; from++) {
    g_assert_cmpuint (strlen (matrix[from]), ==, CT_N_TASK_STATES);
    for (guint to = 0; to < CT_N_TASK_STATES; to++) {
      g_autoptr (GError) error = NULL;
      gboolean allowed = matrix[from][to] == 'x';

      g_test_message ("%s → %s", names[from], names[to]);
      g_assert_cmpint (ct_task_state_allows ((CtTaskState) from, (CtTaskState) to), ==, allowed);
      g_assert_cmpint (ct_task_state_check ((CtTaskState) from, (CtTaskState) to, &error), ==, allowed);
      if (!allowed)
        g_assert_error (error, CT_ERROR, CT_ERROR_CONFLICT);
    }
  }
}

/* The main road of DOMAIN.md is open from end to end, and nothing is posted that was not approved. */
static void
test_road (void)
{
  for (guint i = CT_TASK_OPEN; i < CT_TASK_RESOLVED; i++)
    g_assert_true (ct_task_state_allows ((CtTaskState) i, (CtTaskState) (i + 1)));
  g_assert_true (ct_task_state_allows (CT_TASK_RESOLVED, CT_TASK_REOPENED));
  for (guint i = 0; i < CT_N_TASK_STATES; i++) {
    g_assert_cmpint (ct_task_state_allows ((CtTaskState) i, CT_TASK_POSTED), ==, i == CT_TASK_APPROVED);
    g_assert_cmpint (ct_task_state_allows ((CtTaskState) i, CT_TASK_APPROVED), ==,
                     i == CT_TASK_WAITING_FOR_HUMAN_APPROVAL);
  }
}

static void
test_exceptions (void)
{
  static const char *const state_names[] = { "open", "cleared", "closed" };
  static const char *const cells[] = { ".xx", "x..", "xx." };

  for (guint from = 0; from < CT_N_EXCEPTION_STATES; from++) {
    CtExceptionState state = CT_EXCEPTION_OPEN;

    g_assert_true (ct_exception_state_parse (state_names[from], &state));
    g_assert_cmpuint (state, ==, from);
    g_assert_cmpstr (ct_exception_state_name (state), ==, state_names[from]);
    g_assert_cmpint (ct_exception_state_is_open (state), ==, from == 0);
    g_assert_nonnull (ct_exception_state_label (state));
    for (guint to = 0; to < CT_N_EXCEPTION_STATES; to++) {
      g_autoptr (GError) error = NULL;

      g_assert_cmpint (ct_exception_state_check (state, (CtExceptionState) to, &error), ==,
                       cells[from][to] == 'x');
      g_assert_cmpint (ct_exception_state_starts_episode (state, (CtExceptionState) to), ==,
                       from != 0 && to == 0);
    }
  }
  {
    CtExceptionState state = CT_EXCEPTION_OPEN;

    g_assert_false (ct_exception_state_parse ("shut", &state));
  }
}

static void
test_numbers (void)
{
  CtId id = { { 0 } };
  g_autofree char *follow = ct_number_format ("FOLLOW", 2026, 1);
  g_autofree char *exception = ct_number_format ("EXC", 2026, 7);
  g_autofree char *distributor = ct_number_format ("DIST", 0, 42);
  g_autofree char *big = ct_number_format ("ORD", 2026, 1234567);
  g_autofree char *offline = NULL;
  gsize length = 0;

  id.bytes[15] = 0xab;
  offline = ct_number_format_provisional ("ORD", &id);
  g_assert_cmpstr (follow, ==, "FOLLOW-2026-001");
  g_assert_cmpstr (exception, ==, "EXC-2026-0007");
  g_assert_cmpstr (distributor, ==, "DIST-0042");
  g_assert_cmpstr (big, ==, "ORD-2026-1234567");
  g_assert_cmpstr (offline, ==, "ORD-~000000AB");
  g_assert_true (ct_number_is_provisional (offline));
  g_assert_false (ct_number_is_provisional (follow));
  g_assert_cmpstr (ct_number_find_provisional ("see -~ and ORD-~00AB, please", &length), ==,
                   "ORD-~00AB, please");
  g_assert_cmpuint (length, ==, 9);
  g_assert_null (ct_number_find_provisional ("about-~5 or x-~ab", &length));
}

static void
test_vocabulary (void)
{
  static const struct {
    int score;
    CtSeverity severity;
  } scores[] = { { 0, CT_SEVERITY_LOW },       { 39, CT_SEVERITY_LOW },      { 40, CT_SEVERITY_MEDIUM },
                 { 64, CT_SEVERITY_MEDIUM },   { 65, CT_SEVERITY_HIGH },     { 84, CT_SEVERITY_HIGH },
                 { 85, CT_SEVERITY_CRITICAL }, { 100, CT_SEVERITY_CRITICAL } };
  g_autofree char *blocker = ct_blocker_of_rule ("proof-of-delivery-missing");

  for (guint i = 0; i < G_N_ELEMENTS (scores); i++) {
    CtSeverity parsed = CT_SEVERITY_LOW;

    g_assert_cmpint (ct_severity_of_score (scores[i].score), ==, scores[i].severity);
    g_assert_true (ct_severity_parse (ct_severity_name (scores[i].severity), &parsed));
    g_assert_cmpint (parsed, ==, scores[i].severity);
  }
  g_assert_true (ct_blocker_is_known (blocker));
  g_assert_cmpstr (ct_blocker_label (blocker), ==, "Proof of delivery missing");
  g_assert_cmpstr (ct_blocker_label ("own_class"), ==, "own_class");
  g_assert_true (ct_role_is_team ("partner") && ct_role_is_team ("admin"));
  g_assert_false (ct_role_is_team ("viewer") || ct_role_is_team ("agent") || ct_role_is_team ("nobody"));
  g_assert_true (ct_role_is_known ("agent"));
  g_assert_true (ct_action_is_known ("send_without_approval"));
  g_assert_false (ct_action_is_known ("send"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/task-state/names", test_names);
  g_test_add_func ("/task-state/matrix", test_matrix);
  g_test_add_func ("/task-state/road", test_road);
  g_test_add_func ("/task-state/exceptions", test_exceptions);
  g_test_add_func ("/task-state/numbers", test_numbers);
  g_test_add_func ("/task-state/vocabulary", test_vocabulary);
  return g_test_run ();
}
