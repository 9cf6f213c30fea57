#define CT_TEST_COMMANDS
#include "ct-test.h"
#include "ct-detect.h"
#include "ct-rows.h"
#include "ct-rule.h"
#include "ct-workspace.h"

#include <string.h>

typedef struct {
  char *folder;
  CtDb *db;
  CtCommander *commander;
  gint64 now;
} Fixture;

static gint64
at (const char *time)
{
  gint64 ms = 0;

  g_assert_true (ct_time_parse (time, &ms));
  return ms;
}

/* A workspace with the shipped rules; its database is used directly. */
static void
set_up (Fixture *f, gconstpointer data)
{
  CtWorkspaceOptions options = { .trial = TRUE, .environment = "demo", .login = "admin" };
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;

  f->folder = ct_test_folder ();
  ct_workspace_create (f->folder, &options, &error);
  g_assert_no_error (error);
  path = g_build_filename (f->folder, "replica.db", NULL);
  f->db = ct_db_open (path, CT_DB_READ_WRITE, &error);
  f->commander = ct_commander_new (ct_authority_standalone_new (), &error);
  f->now = at ("2026-06-10T12:00:00Z");
  g_assert_no_error (error);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  ct_commander_free (f->commander);
  ct_db_close (f->db);
  ct_test_remove (f->folder);
  g_free (f->folder);
}

static char *
run (Fixture *f, const char *name, const char *format, ...)
{
  g_autoptr (GError) error = NULL;
  g_auto (CtOutcome) outcome = { 0 };
  g_autofree char *json = NULL;
  JsonObject *result;
  va_list args;

  va_start (args, format);
  json = g_strdup_vprintf (format, args);
  va_end (args);
  result = ct_test_execute (f->commander, f->db, "admin", f->now, name, json, &outcome, &error);
  g_assert_no_error (error);
  return g_strdup (ct_json_string (result, "id", ""));
}

/* Runs detection; what it did with one rule as "opened/refreshed/cleared". */
static char *
detect (Fixture *f, const char *rule, gboolean full)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) counts = ct_detect (f->commander, f->db, "admin", f->now, full, NULL, NULL, &error);

  g_assert_no_error (error);
  for (guint i = 0; i < counts->len; i++) {
    CtDetectCount *count = counts->pdata[i];

    if (strcmp (count->rule, rule) == 0)
      return g_strdup_printf ("%d/%d/%d", (int) count->opened, (int) count->refreshed, (int) count->cleared);
  }
  g_assert_not_reached ();
}

#define assert_detects(f, rule, full, expected)                                                              \
  G_STMT_START                                                                                               \
  {                                                                                                          \
    g_autofree char *got_ = detect ((f), (rule), (full));                                                    \
    g_assert_cmpstr (got_, ==, (expected));                                                                  \
  }                                                                                                          \
  G_STMT_END

static gint64
count (Fixture *f, const char *sql)
{
  g_autoptr (GError) error = NULL;
  gint64 value = -1;

  ct_db_read_int (f->db, &value, &error, sql, "");
  g_assert_no_error (error);
  return value;
}

static char *
add_order (Fixture *f, const char *required)
{
  g_autofree char *distributor =
      run (f, "distributor.create",
           "{\"legal_name\":\"Nordwind\",\"currency\":\"EUR\",\"onboarding_state\":\"active\"}");

  return run (f, "order.create",
              "{\"distributor_id\":\"%s\",\"currency\":\"EUR\",\"total_minor\":500000,\"status\":"
              "\"confirmed\",\"required_on\":\"%s\"}",
              distributor, required);
}

static void
test_shipped_rules_parse (Fixture *f, gconstpointer data)
{
  g_autoptr (CtStmt) stmt = ct_db_query (f->db, NULL, "SELECT name, body FROM rules", "");
  int rules = 0;

  while (ct_stmt_next (stmt)) {
    g_autoptr (GError) error = NULL;
    g_autoptr (CtRule) rule = ct_rule_parse (ct_stmt_text (stmt, 1), &error);

    g_assert_no_error (error);
    g_assert_cmpstr (rule->name, ==, ct_stmt_text (stmt, 0));
    rules++;
  }
  g_assert_cmpint (rules, >=, 20);
}

static void
test_bad_rules (Fixture *f, gconstpointer data)
{
  static const char *const bodies[] = {
    "[]",
    "{\"name\":\"a\",\"subject\":\"moon\",\"owner\":\"sales\",\"score\":{\"base\":1},\"when\":{\"fact\":"
    "\"status\",\"is\":\"x\"}}",
    "{\"name\":\"a\",\"subject\":\"order\",\"owner\":\"sales\",\"score\":{\"base\":1},\"when\":{\"fact\":"
    "\"moon\",\"is\":\"x\"}}",
    "{\"name\":\"a\",\"subject\":\"order\",\"owner\":\"sales\",\"score\":{\"base\":1},\"when\":{\"fact\":"
    "\"status\",\"before\":\"x\"}}",
    "{\"name\":\"a\",\"subject\":\"order\",\"owner\":\"sales\",\"score\":{\"base\":1},\"when\":{\"fact\":"
    "\"days_overdue\",\"more\":3}}",
    "{\"name\":\"a\",\"subject\":\"order\",\"owner\":\"sales\",\"score\":{\"base\":1},\"when\":{\"fact\":"
    "\"delivery_date\",\"before\":{\"today\":1}}}",
    "{\"name\":\"a\",\"subject\":\"order\",\"owner\":\"sales\",\"score\":{\"base\":1},\"when\":{\"all\":[]}}",
    "{\"name\":\"a\",\"subject\":\"order\",\"owner\":\"sales\",\"score\":{\"base\":1},\"when\":{\"fact\":"
    "\"status\",\"is\":\"a\",\"in\":[\"b\"]}}",
    "{\"name\":\"a\",\"subject\":\"order\",\"owner\":\"nobody\",\"score\":{\"base\":1},\"when\":{\"fact\":"
    "\"status\",\"is\":\"a\"}}",
    "{\"name\":\"a\",\"subject\":\"order\",\"owner\":\"sales\",\"when\":{\"fact\":\"status\",\"is\":\"a\"}}",
    "{\"name\":\"a\",\"subject\":\"order\",\"owner\":\"sales\",\"score\":{\"base\":1},\"when\":{\"fact\":"
    "\"status\",\"in\":\"a\"}}",
  };

  for (guint i = 0; i < G_N_ELEMENTS (bodies); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (CtRule) rule = ct_rule_parse (bodies[i], &error);

    g_assert_null (rule);
    g_assert_error (error, CT_ERROR, CT_ERROR_INVALID);
  }
}

/* A text from a rule cannot leave its quotation marks. */
static void
test_quotes (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CtRule) rule = ct_rule_parse (
      "{\"name\":\"a\",\"subject\":\"order\",\"owner\":\"sales\",\"score\":{\"base\":1},\"when\":"
      "{\"fact\":\"status\",\"is\":\"x' OR 1=1 --\"}}",
      &error);
  CtRuleTime time;
  g_autofree char *sql = NULL;

  g_assert_no_error (error);
  ct_rule_time_init (&time, f->now, ct_db_get_zone (f->db));
  sql = ct_rule_condition_sql (rule, &time, &error);
  g_assert_nonnull (strstr (sql, "s.status IS 'x'' OR 1=1 --'"));
}

static void
test_time_alone_raises (Fixture *f, gconstpointer data)
{
  g_autofree char *order = add_order (f, "2026-06-12");

  assert_detects (f, "required-date-passed", FALSE, "0/0/0");
  assert_detects (f, "required-date-at-risk", FALSE, "0/0/0"); /* opened by the run before */
  g_assert_cmpint (
      count (f, "SELECT count(*) FROM exceptions WHERE rule = 'required-date-at-risk' AND state = 'open'"),
      ==, 1);
  f->now = at ("2026-06-13T00:00:01Z");
  assert_detects (f, "required-date-passed", FALSE, "1/0/0");
  g_assert_cmpint (
      count (f, "SELECT count(*) FROM exceptions WHERE rule = 'required-date-at-risk' AND state = 'cleared'"),
      ==, 1);
  f->now = at ("2026-06-14T00:00:01Z"); /* a day older: the evidence says so */
  assert_detects (f, "required-date-passed", FALSE, "0/1/0");
  assert_detects (f, "required-date-passed", FALSE, "0/0/0");
}

static void
test_change_clears_and_reopens (Fixture *f, gconstpointer data)
{
  g_autofree char *order = add_order (f, "2026-06-01");

  assert_detects (f, "required-date-passed", FALSE, "1/0/0");
  g_free (run (f, "order.edit", "{\"id\":\"%s\",\"required_on\":\"2026-07-01\"}", order));
  assert_detects (f, "required-date-passed", FALSE, "0/0/1");
  g_free (run (f, "order.edit", "{\"id\":\"%s\",\"required_on\":\"2026-06-02\"}", order));
  assert_detects (f, "required-date-passed", FALSE, "1/0/0");
  g_assert_cmpint (count (f, "SELECT episode FROM exceptions WHERE rule = 'required-date-passed'"), ==, 2);
  g_assert_cmpint (
      count (f, "SELECT count(*) FROM exception_episodes WHERE episode = 1 AND ended_as = 'cleared'"), ==, 1);
  g_assert_cmpint (count (f, "SELECT count(*) FROM exceptions WHERE number LIKE 'EXC-2026-%'"), >=, 1);
}

static void
test_nothing_new_writes_nothing (Fixture *f, gconstpointer data)
{
  g_autofree char *order = add_order (f, "2026-06-01");
  gint64 leaves;

  assert_detects (f, "required-date-passed", FALSE, "1/0/0");
  leaves = count (f, "SELECT count(*) FROM audit_logs");
  assert_detects (f, "required-date-passed", FALSE, "0/0/0");
  assert_detects (f, "required-date-passed", TRUE, "0/0/0");
  g_assert_cmpint (count (f, "SELECT count(*) FROM audit_logs"), ==, leaves);
}

/* delivered-late stays until a person closes it, and re-opens only if the facts change. */
static void
test_delivered_late (Fixture *f, gconstpointer data)
{
  g_autofree char *order = add_order (f, "2026-06-05");
  g_autofree char *shipment =
      run (f, "shipment.create",
           "{\"order_id\":\"%s\",\"state\":\"in_transit\",\"shipped_at\":\"2026-06-05T23:59:00Z\"}", order);

  assert_detects (f, "delivered-late", FALSE, "0/0/0");
  g_free (run (f, "shipment.edit", "{\"id\":\"%s\",\"shipped_at\":\"2026-06-06T00:00:00Z\"}", shipment));
  assert_detects (f, "delivered-late", FALSE, "1/0/0");
  g_free (run (f, "order.edit", "{\"id\":\"%s\",\"required_on\":\"2026-06-20\"}", order));
  assert_detects (f, "delivered-late", FALSE, "0/0/0");
  g_assert_cmpint (
      count (f, "SELECT count(*) FROM exceptions WHERE rule = 'delivered-late' AND state = 'open'"), ==, 1);
}

static void
test_credit_limit (Fixture *f, gconstpointer data)
{
  g_autofree char *distributor = run (f, "distributor.create",
                                      "{\"legal_name\":\"A\",\"currency\":\"EUR\",\"onboarding_state\":"
                                      "\"active\",\"credit_limit_minor\":100000}");
  g_autofree char *order =
      run (f, "order.create", "{\"distributor_id\":\"%s\",\"currency\":\"EUR\"}", distributor);
  g_autofree char *first =
      run (f, "invoice.create",
           "{\"order_id\":\"%s\",\"state\":\"issued\",\"amount_minor\":100000,\"currency\":\"EUR\"}", order);
  g_autofree char *second = NULL;

  assert_detects (f, "credit-limit-exceeded", FALSE, "0/0/0");
  second = run (f, "invoice.create",
                "{\"order_id\":\"%s\",\"state\":\"issued\",\"amount_minor\":1,\"currency\":\"EUR\"}", order);
  assert_detects (f, "credit-limit-exceeded", FALSE, "1/0/0");
  g_free (run (f, "invoice.edit", "{\"id\":\"%s\",\"state\":\"paid\",\"paid_minor\":100000}", first));
  assert_detects (f, "credit-limit-exceeded", FALSE, "0/0/1");
}

static void
test_evidence (Fixture *f, gconstpointer data)
{
  g_autofree char *order = add_order (f, "2026-06-01");
  g_autofree char *evidence = NULL, *action = NULL;

  assert_detects (f, "required-date-passed", FALSE, "1/0/0");
  evidence = ct_db_read_text (f->db, NULL,
                              "SELECT evidence FROM exceptions WHERE rule = 'required-date-passed'", "");
  action = ct_db_read_text (f->db, NULL,
                            "SELECT next_action FROM exceptions WHERE rule = 'required-date-passed'", "");
  g_assert_nonnull (strstr (evidence, "{\"fact\":\"required_on\",\"label\":\"Required "
                                      "date\",\"operator\":\"before\",\"threshold\":\"2026-06-10\","
                                      "\"value\":\"2026-06-01\"}"));
  g_assert_nonnull (strstr (evidence, "\"text\":\"5000.00 EUR\""));
  g_assert_nonnull (strstr (action, "agree a new date with Nordwind"));
}

/* Incremental runs end where a full run over the same state would. */
static void
test_incremental_equals_full (Fixture *f, gconstpointer data)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (7);
  g_autoptr (GPtrArray) orders = g_ptr_array_new_with_free_func (g_free);

  for (int i = 0; i < 20; i++)
    g_ptr_array_add (orders, add_order (f, "2026-06-15"));
  for (int step = 0; step < 40; step++) {
    const char *order = orders->pdata[g_rand_int_range (rand, 0, 20)];

    f->now += g_rand_int_range (rand, 0, 40) * CT_MS_HOUR;
    g_free (run (f, "order.edit", "{\"id\":\"%s\",\"required_on\":\"2026-06-%02d\"}", order,
                 g_rand_int_range (rand, 5, 30)));
    g_free (detect (f, "order-stuck", FALSE));
    /* a full run finds nothing the incremental one has missed */
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GPtrArray) counts =
          ct_detect (f->commander, f->db, "admin", f->now, TRUE, NULL, NULL, &error);
      g_autoptr (JsonObject) json = NULL;

      g_assert_no_error (error);
      json = ct_detect_counts_to_json (counts);
      g_assert_cmpint (ct_json_int (json, "opened", -1), ==, 0);
      g_assert_cmpint (ct_json_int (json, "cleared", -1), ==, 0);
    }
  }
  g_assert_cmpint (count (f, "SELECT count(*) FROM exceptions"), >, 10);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, func) g_test_add (path, Fixture, NULL, set_up, func, tear_down)
  ADD ("/detect/shipped-rules", test_shipped_rules_parse);
  ADD ("/detect/bad-rules", test_bad_rules);
  ADD ("/detect/quotes", test_quotes);
  ADD ("/detect/time-alone", test_time_alone_raises);
  ADD ("/detect/clear-and-reopen", test_change_clears_and_reopens);
  ADD ("/detect/nothing-new", test_nothing_new_writes_nothing);
  ADD ("/detect/delivered-late", test_delivered_late);
  ADD ("/detect/credit-limit", test_credit_limit);
  ADD ("/detect/evidence", test_evidence);
  ADD ("/detect/incremental-equals-full", test_incremental_equals_full);
  return g_test_run ();
}
