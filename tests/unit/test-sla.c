#include "ct-base.h"
#include "ct-party.h"
#include "ct-sla.h"

#include <string.h>

static gint64
at (const char *text)
{
  gint64 ms = 0;

  g_assert_true (ct_time_parse (text, &ms));
  return ms;
}

static CtCalendar *
office (void)
{
  g_autoptr (JsonNode) node = ct_json_parse ("{\"name\": \"office\", \"zone\": \"Europe/Berlin\", \"week\": "
                                             "{\"mon\": [[\"09:00\", \"18:00\"]], \"tue\": "
                                             "[[\"09:00\", \"18:00\"]], \"wed\": [[\"09:00\", \"18:00\"]], "
                                             "\"thu\": [[\"09:00\", \"18:00\"]], \"fri\": "
                                             "[[\"09:00\", \"18:00\"]]}}",
                                             -1, 10000, NULL);

  return ct_calendar_parse (json_node_get_object (node), "office", NULL);
}

static const CtSlaGoal four_hours = {
  .warning = 3 * CT_MS_HOUR, .escalate = 5 * CT_MS_HOUR, .target = 4 * CT_MS_HOUR, .hard = 8 * CT_MS_HOUR
};

/* A ledger as a script: target letter (f, n, r), kind letter (a, p, r, f, b), hour of Monday 1 June 2026 in UTC;
 * Berlin opens at 07:00Z. */
static GArray *
play (const char *script)
{
  GArray *ledger = ct_sla_ledger_new ();
  g_auto (GStrv) words = g_strsplit (script, " ", -1);

  for (char **word = words; *word && **word; word++) {
    CtSlaTarget target = (CtSlaTarget) (strchr ("fnr", (*word)[0]) - "fnr");
    CtSlaEventKind kind = (CtSlaEventKind) (strchr ("aprfb", (*word)[1]) - "aprfb");
    g_autoptr (GError) error = NULL;

    ct_sla_append (ledger, kind, target,
                   at ("2026-06-01T00:00:00Z") + g_ascii_strtoll (*word + 2, NULL, 10) * CT_MS_HOUR, &error);
    g_assert_no_error (error);
  }
  return ledger;
}

static void
check_instant (gint64 ms, const char *expected)
{
  g_autofree char *text = ms == CT_SLA_NEVER ? g_strdup ("never") : ct_time_format (ms);

  g_assert_cmpstr (text, ==, expected);
}

static void
test_state (void)
{
  static const struct {
    const char *script;
    CtSlaTarget target;
    const char *now;
    CtSlaPhase phase;
    guint instance;
    int elapsed, paused; /* hours */
    const char *warning, *due, *hard;
    gboolean breached, escalates;
  } cases[] = {
    { "", CT_SLA_RESOLUTION, "2026-06-01T08:00:00Z", CT_SLA_IDLE, 0, 0, 0, "never", "never", "never", FALSE,
      FALSE },
    { "ra7", CT_SLA_RESOLUTION, "2026-06-01T08:00:00Z", CT_SLA_RUNNING, 1, 1, 0, "2026-06-01T10:00:00Z",
      "2026-06-01T11:00:00Z", "2026-06-01T15:00:00Z", FALSE, FALSE },
    /* before it opens; over the night */
    { "ra2", CT_SLA_RESOLUTION, "2026-06-01T05:00:00Z", CT_SLA_RUNNING, 1, 0, 0, "2026-06-01T10:00:00Z",
      "2026-06-01T11:00:00Z", "2026-06-01T15:00:00Z", FALSE, FALSE },
    { "ra14", CT_SLA_RESOLUTION, "2026-06-01T15:00:00Z", CT_SLA_RUNNING, 1, 1, 0, "2026-06-02T08:00:00Z",
      "2026-06-02T09:00:00Z", "2026-06-02T13:00:00Z", FALSE, FALSE },
    /* exactly due is on time, a moment later is not */
    { "ra7", CT_SLA_RESOLUTION, "2026-06-01T11:00:00Z", CT_SLA_RUNNING, 1, 4, 0, "2026-06-01T10:00:00Z",
      "2026-06-01T11:00:00Z", "2026-06-01T15:00:00Z", FALSE, FALSE },
    { "ra7", CT_SLA_RESOLUTION, "2026-06-01T12:00:00Z", CT_SLA_RUNNING, 1, 5, 0, "2026-06-01T10:00:00Z",
      "2026-06-01T11:00:00Z", "2026-06-01T15:00:00Z", TRUE, TRUE },
    /* a pause stops the clock: nothing lies ahead until it runs again */
    { "ra7 rp8", CT_SLA_RESOLUTION, "2026-06-01T13:00:00Z", CT_SLA_PAUSED, 1, 1, 5, "never", "never", "never",
      FALSE, FALSE },
    { "ra7 rp8 rr10", CT_SLA_RESOLUTION, "2026-06-01T11:00:00Z", CT_SLA_RUNNING, 1, 2, 2,
      "2026-06-01T12:00:00Z", "2026-06-01T13:00:00Z", "2026-06-02T08:00:00Z", FALSE, FALSE },
    { "ra7 rp8 rr9 rp10 rr11", CT_SLA_RESOLUTION, "2026-06-01T11:00:00Z", CT_SLA_RUNNING, 1, 2, 2,
      "2026-06-01T12:00:00Z", "2026-06-01T13:00:00Z", "2026-06-02T08:00:00Z", FALSE, FALSE },
    /* paused after the target: the breach stays where it was */
    { "ra7 rp12", CT_SLA_RESOLUTION, "2026-06-01T13:00:00Z", CT_SLA_PAUSED, 1, 5, 1, "2026-06-01T10:00:00Z",
      "2026-06-01T11:00:00Z", "never", TRUE, FALSE },
    /* answered: no escalation, ever; late answers stay breached */
    { "fa7 ff9", CT_SLA_FIRST_RESPONSE, "2026-06-03T11:00:00Z", CT_SLA_FULFILLED, 1, 2, 0,
      "2026-06-01T10:00:00Z", "2026-06-01T11:00:00Z", "2026-06-01T15:00:00Z", FALSE, FALSE },
    { "fa7 ff14", CT_SLA_FIRST_RESPONSE, "2026-06-03T11:00:00Z", CT_SLA_FULFILLED, 1, 7, 0,
      "2026-06-01T10:00:00Z", "2026-06-01T11:00:00Z", "2026-06-01T15:00:00Z", TRUE, FALSE },
    /* answered while paused */
    { "fa7 fp8 ff14", CT_SLA_FIRST_RESPONSE, "2026-06-03T11:00:00Z", CT_SLA_FULFILLED, 1, 1, 6, "never",
      "never", "never", FALSE, FALSE },
    /* resolving stops the clock of the next response */
    { "ra7 na7 rf8", CT_SLA_NEXT_RESPONSE, "2026-06-03T11:00:00Z", CT_SLA_STOPPED, 1, 1, 0, "never", "never",
      "never", FALSE, FALSE },
    { "ra7 na7 rf8", CT_SLA_RESOLUTION, "2026-06-03T11:00:00Z", CT_SLA_FULFILLED, 1, 1, 0,
      "2026-06-01T10:00:00Z", "2026-06-01T11:00:00Z", "2026-06-01T15:00:00Z", FALSE, FALSE },
    /* instances start from nothing */
    { "na7 nf12 na13", CT_SLA_NEXT_RESPONSE, "2026-06-01T14:00:00Z", CT_SLA_RUNNING, 2, 1, 0,
      "2026-06-01T16:00:00Z", "2026-06-02T08:00:00Z", "2026-06-02T12:00:00Z", FALSE, FALSE },
    /* what lies after now has not happened */
    { "ra7 rf9", CT_SLA_RESOLUTION, "2026-06-01T08:00:00Z", CT_SLA_RUNNING, 1, 1, 0, "2026-06-01T10:00:00Z",
      "2026-06-01T11:00:00Z", "2026-06-01T15:00:00Z", FALSE, FALSE },
  };
  g_autoptr (CtCalendar) calendar = office ();

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GArray) ledger = play (cases[i].script);
    CtSlaState state;

    g_test_message ("case %u: %s", i, cases[i].script);
    ct_sla_state (ledger, cases[i].target, &four_hours, calendar, at (cases[i].now), &state);
    g_assert_cmpint (state.phase, ==, cases[i].phase);
    g_assert_cmpuint (state.instance, ==, cases[i].instance);
    g_assert_cmpint (state.elapsed, ==, cases[i].elapsed * CT_MS_HOUR);
    g_assert_cmpint (state.remaining, ==, (4 - cases[i].elapsed) * CT_MS_HOUR);
    g_assert_cmpint (state.paused, ==, cases[i].paused * CT_MS_HOUR);
    check_instant (state.warning_at, cases[i].warning);
    check_instant (state.due_at, cases[i].due);
    check_instant (state.hard_at, cases[i].hard);
    g_assert_cmpint (state.breached, ==, cases[i].breached);
    g_assert_cmpint (ct_sla_escalates (&state, at (cases[i].now)), ==, cases[i].escalates);
  }
}

/* Another policy, another calendar: the ledger's pauses hold. */
static void
test_policy_change (void)
{
  static const CtSlaGoal two_hours = { .target = 2 * CT_MS_HOUR, .hard = 3 * CT_MS_HOUR };
  g_autoptr (CtCalendar) calendar = office ();
  g_autoptr (CtCalendar) around = ct_calendar_new_always ();
  g_autoptr (GArray) ledger = play ("ra7 rp8 rr14");
  CtSlaState state;

  ct_sla_state (ledger, CT_SLA_RESOLUTION, &two_hours, calendar, at ("2026-06-01T14:30:00Z"), &state);
  g_assert_cmpint (state.paused, ==, 6 * CT_MS_HOUR);
  check_instant (state.due_at, "2026-06-01T15:00:00Z");
  check_instant (state.hard_at, "2026-06-01T16:00:00Z");
  check_instant (state.warning_at, "never");
  ct_sla_state (ledger, CT_SLA_RESOLUTION, &four_hours, around, at ("2026-06-01T23:00:00Z"), &state);
  g_assert_cmpint (state.paused, ==, 6 * CT_MS_HOUR);
  g_assert_cmpint (state.elapsed, ==, 10 * CT_MS_HOUR);
  check_instant (state.due_at, "2026-06-01T17:00:00Z");
  g_assert_true (state.breached && state.overrun && state.warned);
}

static void
test_ledger (void)
{
  static const struct {
    const char *script;
    CtSlaEventKind kind;
    int hour;
    gboolean ok;
    guint instance;
  } cases[] = {
    { "", CT_SLA_ACTIVATE, 7, TRUE, 1 },         { "", CT_SLA_PAUSE, 7, FALSE, 0 },
    { "", CT_SLA_RESUME, 7, FALSE, 0 },          { "", CT_SLA_FULFIL, 7, FALSE, 0 },
    { "", CT_SLA_BREACH, 7, FALSE, 0 },          { "ra7", CT_SLA_ACTIVATE, 8, FALSE, 0 },
    { "ra7", CT_SLA_PAUSE, 8, TRUE, 1 },         { "ra7", CT_SLA_RESUME, 8, FALSE, 0 },
    { "ra7", CT_SLA_FULFIL, 8, TRUE, 1 },        { "ra7", CT_SLA_BREACH, 12, TRUE, 1 },
    { "ra7 rb12", CT_SLA_BREACH, 13, FALSE, 0 }, { "ra7 rp8", CT_SLA_PAUSE, 9, FALSE, 0 },
    { "ra7 rp8", CT_SLA_FULFIL, 9, TRUE, 1 },    { "ra7 rp8", CT_SLA_RESUME, 9, TRUE, 1 },
    { "ra7 rf8", CT_SLA_ACTIVATE, 9, TRUE, 2 },  { "ra7 rf8", CT_SLA_PAUSE, 9, FALSE, 0 },
    { "ra7", CT_SLA_PAUSE, 6, FALSE, 0 },        { "ra7 rb8 rf9 ra10", CT_SLA_BREACH, 15, TRUE, 2 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GArray) ledger = play (cases[i].script);
    g_autoptr (GError) error = NULL;
    guint length = ledger->len;
    gboolean ok = ct_sla_append (ledger, cases[i].kind, CT_SLA_RESOLUTION,
                                 at ("2026-06-01T00:00:00Z") + cases[i].hour * CT_MS_HOUR, &error);

    g_test_message ("case %u", i);
    g_assert_cmpint (ok, ==, cases[i].ok);
    g_assert_cmpuint (ledger->len, ==, length + ok);
    if (ok)
      g_assert_cmpuint (g_array_index (ledger, CtSlaEvent, length).instance, ==, cases[i].instance);
    else
      g_assert_error (error, CT_ERROR, CT_ERROR_CONFLICT);
  }
}

static void
test_all_targets (void)
{
  g_autoptr (GArray) ledger = play ("fa7 ra7 ff8");

  g_assert_cmpuint (ct_sla_append_all (ledger, CT_SLA_PAUSE, at ("2026-06-01T09:00:00Z")), ==, 1);
  g_assert_cmpuint (ct_sla_append_all (ledger, CT_SLA_RESUME, at ("2026-06-01T10:00:00Z")), ==, 1);
  g_assert_cmpuint (ledger->len, ==, 5);
}

static void
test_crossing (void)
{
  g_autoptr (CtCalendar) calendar = office ();
  g_autoptr (GArray) running = play ("ra7 rp8 rr10");
  g_autoptr (GArray) paused = play ("ra7 rp8");
  g_autoptr (GArray) ended = play ("ra7 rf8");
  gint64 now = at ("2026-06-01T12:00:00Z");

  check_instant (ct_sla_crossing (running, CT_SLA_RESOLUTION, 24 * CT_MS_HOUR, calendar, now),
                 "2026-06-03T15:00:00Z");
  check_instant (ct_sla_crossing (paused, CT_SLA_RESOLUTION, 24 * CT_MS_HOUR, calendar, now), "never");
  check_instant (ct_sla_crossing (paused, CT_SLA_RESOLUTION, 30 * CT_MS_MINUTE, calendar, now),
                 "2026-06-01T07:30:00Z");
  check_instant (ct_sla_crossing (ended, CT_SLA_RESOLUTION, 30 * CT_MS_MINUTE, calendar, now), "never");
  g_assert_cmpint (ct_sla_effective_deadline (5, CT_SLA_NEVER), ==, 5);
  g_assert_cmpint (ct_sla_effective_deadline (CT_SLA_NEVER, 4), ==, 4);
  g_assert_cmpint (ct_sla_effective_deadline (3, 4), ==, 3);
}

static const char policies[] =
    "[{\"id\": \"critical\", \"name\": \"Critical\", \"match\": {\"severity\": [\"critical\", \"high\"], "
    "\"valueMinor\": {\"min\": 100000}}, \"resolution\": {\"target\": \"4h\"}},"
    "{\"id\": \"eu\", \"name\": \"Europe\", \"match\": {\"region\": \"eu\"}, \"calendar\": \"office\", "
    "\"resolution\": "
    "{\"target\": \"1d\", \"hard\": \"2d\", \"warning\": \"20h\", \"escalate\": \"2h\"}},"
    "{\"id\": \"rest\", \"name\": \"Rest\", \"firstResponse\": {\"target\": \"1h\"}}]";

/* Two devices may both have started a clock: it counts from the first start. */
static void
test_started_twice (void)
{
  g_autoptr (CtCalendar) calendar = ct_calendar_new_always ();
  g_autoptr (GArray) ledger = play ("ra7");
  CtSlaEvent again = g_array_index (ledger, CtSlaEvent, 0);
  CtSlaState state;

  again.at += CT_MS_HOUR;
  g_array_append_val (ledger, again);
  ct_sla_state (ledger, CT_SLA_RESOLUTION, &four_hours, calendar, at ("2026-06-01T09:00:00Z"), &state);
  check_instant (state.due_at, "2026-06-01T11:00:00Z");
}

static void
test_policies (void)
{
  static const struct {
    const char *facts, *policy;
  } cases[] = {
    { "{\"severity\": \"critical\", \"valueMinor\": 100000, \"region\": \"eu\"}", "critical" },
    { "{\"severity\": \"critical\", \"valueMinor\": 99999, \"region\": \"eu\"}", "eu" },
    { "{\"severity\": \"low\", \"region\": \"us\"}", "rest" },
    { "{}", "rest" },
  };
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) root = ct_json_parse (policies, -1, 10000, &error);
  g_autoptr (GPtrArray) list = ct_sla_policy_parse_all (root, "sla-policies.json", &error);
  const CtSlaPolicy *first;

  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (JsonNode) facts = ct_json_parse (cases[i].facts, -1, 1000, NULL);

    g_assert_cmpstr (ct_sla_policy_find (list, json_node_get_object (facts))->id, ==, cases[i].policy);
  }
  first = list->pdata[0];
  g_assert_null (first->calendar);
  g_assert_cmpint (first->goals[CT_SLA_RESOLUTION].warning, ==, 3 * CT_MS_HOUR);
  g_assert_cmpint (first->goals[CT_SLA_RESOLUTION].hard, ==, 4 * CT_MS_HOUR);
  g_assert_cmpint (first->goals[CT_SLA_FIRST_RESPONSE].target, ==, 0);
}

static void
test_policies_refused (void)
{
  static const char *const cases[] = {
    "[{\"id\": \"a\", \"name\": \"A\"}]",
    "[{\"id\": \"a\", \"name\": \"A\", \"resolution\": {\"target\": \"0s\"}}]",
    "[{\"id\": \"a\", \"name\": \"A\", \"resolution\": {\"target\": 5}}]",
    "[{\"id\": \"a\", \"name\": \"A\", \"resolution\": {\"target\": \"2h\", \"warning\": \"3h\"}}]",
    "[{\"id\": \"a\", \"name\": \"A\", \"resolution\": {\"target\": \"2h\", \"hard\": \"1h\"}}]",
    "[{\"id\": \"a\", \"name\": \"A\", \"resolution\": {\"target\": \"2h\", \"late\": \"1h\"}}]",
    "[{\"id\": \"a\", \"name\": \"A\", \"resolution\": {\"target\": \"999d\"}}]",
    "[{\"id\": \"a\", \"name\": \"A\", \"match\": {\"x\": []}, \"resolution\": {\"target\": \"2h\"}}]",
    "[{\"id\": \"a\", \"name\": \"A\", \"match\": {\"x\": null}, \"resolution\": {\"target\": \"2h\"}}]",
    "[{\"id\": \"a\", \"name\": \"A\", \"match\": {\"x\": {\"min\": 2, \"max\": 1}}, \"resolution\": "
    "{\"target\": "
    "\"2h\"}}]",
    "{}",
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (JsonNode) root = ct_json_parse (cases[i], -1, 10000, NULL);

    g_assert_null (ct_sla_policy_parse_all (root, "sla-policies.json", &error));
    g_assert_error (error, CT_ERROR, CT_ERROR_INVALID);
    g_assert_true (g_str_has_prefix (error->message, "sla-policies.json"));
  }
}

static void
test_attribution (void)
{
  g_autoptr (CtCalendar) calendar = office ();
  CtPartySpan spans[] = {
    { CT_PARTY_AGENT, at ("2026-06-01T05:00:00Z"), at ("2026-06-01T08:00:00Z") },
    { CT_PARTY_APPROVER, at ("2026-06-01T08:00:00Z"), at ("2026-06-01T10:00:00Z") },
    { CT_PARTY_CHANNEL, at ("2026-06-01T10:00:00Z"), at ("2026-06-01T10:30:00Z") },
    { CT_PARTY_COUNTERPARTY, at ("2026-06-01T10:30:00Z"), G_MAXINT64 },
    { CT_PARTY_NONE, at ("2026-05-01T10:30:00Z"), at ("2026-06-01T05:00:00Z") },
  };
  gint64 totals[CT_N_PARTIES];

  ct_party_attribute (spans, G_N_ELEMENTS (spans), calendar, at ("2026-06-01T18:00:00Z"), totals);
  g_assert_cmpint (totals[CT_PARTY_AGENT], ==, CT_MS_HOUR);
  g_assert_cmpint (totals[CT_PARTY_APPROVER], ==, 2 * CT_MS_HOUR);
  g_assert_cmpint (totals[CT_PARTY_CHANNEL], ==, 30 * CT_MS_MINUTE);
  g_assert_cmpint (totals[CT_PARTY_COUNTERPARTY], ==, 5 * CT_MS_HOUR + 30 * CT_MS_MINUTE);
  g_assert_cmpint (totals[CT_PARTY_CALENDAR], ==, 4 * CT_MS_HOUR);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sla/state", test_state);
  g_test_add_func ("/sla/policy-change", test_policy_change);
  g_test_add_func ("/sla/ledger", test_ledger);
  g_test_add_func ("/sla/all-targets", test_all_targets);
  g_test_add_func ("/sla/crossing", test_crossing);
  g_test_add_func ("/sla/started-twice", test_started_twice);
  g_test_add_func ("/sla/policies", test_policies);
  g_test_add_func ("/sla/policies-refused", test_policies_refused);
  g_test_add_func ("/sla/attribution", test_attribution);
  return g_test_run ();
}
