#include "ct-base.h"
#include "ct-scoring.h"

#include <sqlite3.h>

static CtScoring *
parse (const char *text, GError **error)
{
  g_autoptr (JsonNode) node = ct_json_parse (text, -1, 10000, NULL);

  g_assert_nonnull (node);
  return ct_scoring_parse (json_node_get_object (node), "score", error);
}

static const char scoring_text[] = "{\"base\": 40, \"weights\": [{\"fact\": \"daysLate\", \"weight\": 2, "
                                   "\"cap\": 30}, {\"fact\": \"valueMinor\", "
                                   "\"weight\": 1, \"per\": 100000, \"cap\": 20}, {\"fact\": \"band\", "
                                   "\"values\": {\"A\": 10, \"it's\": -7}}, "
                                   "{\"fact\": \"prepaid\", \"weight\": -15, \"cap\": 15}]}";

static const struct {
  const char *facts;
  int score;
  CtSeverity severity;
} cases[] = {
  { "{}", 40, CT_SEVERITY_MEDIUM },
  { "{\"daysLate\": 3}", 46, CT_SEVERITY_MEDIUM },
  { "{\"daysLate\": 30}", 70, CT_SEVERITY_HIGH },
  { "{\"daysLate\": 9223372036854775807}", 70, CT_SEVERITY_HIGH },
  { "{\"daysLate\": -9223372036854775807}", 10, CT_SEVERITY_LOW },
  { "{\"daysLate\": 30, \"valueMinor\": 1599999, \"band\": \"A\"}", 95, CT_SEVERITY_CRITICAL },
  { "{\"daysLate\": 30, \"valueMinor\": 99999999, \"band\": \"A\"}", 100, CT_SEVERITY_CRITICAL },
  { "{\"valueMinor\": -199999}", 39, CT_SEVERITY_LOW },
  { "{\"band\": \"it's\"}", 33, CT_SEVERITY_LOW },
  { "{\"band\": \"B\", \"prepaid\": true}", 25, CT_SEVERITY_LOW },
  { "{\"band\": null, \"prepaid\": false}", 40, CT_SEVERITY_MEDIUM },
};

static void
test_score (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CtScoring) scoring = parse (scoring_text, &error);

  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (JsonNode) facts = ct_json_parse (cases[i].facts, -1, 1000, NULL);
    CtScore score = ct_scoring_score (scoring, json_node_get_object (facts));

    g_test_message ("%s", cases[i].facts);
    g_assert_cmpint (score.score, ==, cases[i].score);
    g_assert_cmpint (score.severity, ==, cases[i].severity);
  }
}

static const char *
column_cb (const char *fact, gpointer data)
{
  static char expression[128];

  g_snprintf (expression, sizeof expression, "json_extract (?1, '$.%s')", fact);
  return expression;
}

static const char *
no_column_cb (const char *fact, gpointer data)
{
  return NULL;
}

/* The database comes to the same numbers. */
static void
test_sql (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CtScoring) scoring = parse (scoring_text, NULL);
  g_autofree char *expression = ct_scoring_to_sql (scoring, column_cb, NULL, &error);
  g_autofree char *sql = g_strconcat ("SELECT ", expression, NULL);
  sqlite3_stmt *statement = NULL;
  sqlite3 *db = NULL;

  g_assert_no_error (error);
  g_assert_cmpint (sqlite3_open (":memory:", &db), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_prepare_v2 (db, sql, -1, &statement, NULL), ==, SQLITE_OK);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_test_message ("%s", cases[i].facts);
    sqlite3_bind_text (statement, 1, cases[i].facts, -1, SQLITE_STATIC);
    g_assert_cmpint (sqlite3_step (statement), ==, SQLITE_ROW);
    g_assert_cmpint (sqlite3_column_type (statement, 0), ==, SQLITE_INTEGER);
    g_assert_cmpint (sqlite3_column_int (statement, 0), ==, cases[i].score);
    sqlite3_reset (statement);
  }
  sqlite3_finalize (statement);
  sqlite3_close (db);
  g_assert_null (ct_scoring_to_sql (scoring, no_column_cb, NULL, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_INVALID);
}

static void
test_explain (void)
{
  g_autoptr (CtScoring) scoring = parse (scoring_text, NULL);
  g_autoptr (JsonNode) facts =
      ct_json_parse ("{\"daysLate\": 30, \"valueMinor\": 250000, \"band\": \"A\"}", -1, 1000, NULL);
  g_autoptr (JsonNode) list = ct_json_wrap_array (ct_scoring_explain (scoring, json_node_get_object (facts)));
  g_autofree char *text = ct_json_canonical (list, NULL);

  g_assert_cmpstr (
      text, ==,
      "[{\"fact\":\"base\",\"points\":40},{\"capped\":true,\"fact\":\"daysLate\",\"points\":30,\"value\":"
      "30},{\"capped\":false,\"fact\":\"valueMinor\",\"points\":2,\"value\":250000},{\"capped\":false,"
      "\"fact\":\"band\",\"points\":10,\"value\":\"A\"}]");
}

static void
test_refused (void)
{
  static const char *const bad[] = {
    "{\"base\": 101}",
    "{\"base\": 1.5}",
    "{\"weights\": [{\"fact\": \"a\"}]}",
    "{\"weights\": [{\"fact\": \"a\", \"weight\": 0}]}",
    "{\"weights\": [{\"fact\": \"a\", \"weight\": 2, \"values\": {}}]}",
    "{\"weights\": [{\"fact\": \"a\", \"weight\": 2000}]}",
    "{\"weights\": [{\"fact\": \"a\", \"weight\": 1, \"per\": 0}]}",
    "{\"weights\": [{\"fact\": \"a\", \"weight\": 1, \"cap\": 0}]}",
    "{\"weights\": [{\"fact\": \"a\", \"values\": {\"x\": 1000}}]}",
    "{\"weights\": [{\"weight\": 1}]}",
    "{\"weight\": []}",
  };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_null (parse (bad[i], &error));
    g_assert_error (error, CT_ERROR, CT_ERROR_INVALID);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/scoring/score", test_score);
  g_test_add_func ("/scoring/sql", test_sql);
  g_test_add_func ("/scoring/explain", test_explain);
  g_test_add_func ("/scoring/refused", test_refused);
  return g_test_run ();
}
