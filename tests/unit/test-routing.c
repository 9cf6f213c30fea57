#include "ct-base.h"
#include "ct-routing.h"

static const char routes_text[] =
    "[{\"id\": \"ru\", \"name\": \"Russian invoices\", \"match\": {\"blocker\": [\"invoice_overdue\", "
    "\"payment_short\"], \"region\": \"ru\"}, \"owner\": \"accounting\", \"agent\": \"A\", \"skills\": "
    "[\"russian\"], "
    "\"perHour\": 2},"
    "{\"id\": \"invoices\", \"name\": \"Invoices\", \"match\": {\"blocker\": \"invoice_overdue\"}, "
    "\"owner\": "
    "\"accounting\", \"agent\": \"A\", \"perHour\": 3},"
    "{\"id\": \"rest\", \"name\": \"The rest\", \"owner\": \"sales\", \"agent\": \"S\"}]";

static GPtrArray *
parse (const char *text, GError **error)
{
  g_autoptr (JsonNode) root = ct_json_parse (text, -1, 10000, NULL);

  g_assert_nonnull (root);
  return ct_route_parse_all (root, "routes.json", error);
}

static const char *const accounting[] = { "accounting", NULL };
static const char *const both[] = { "sales", "accounting", NULL };
static const char *const russian[] = { "russian", "typing", NULL };
static const char *const eu[] = { "eu", NULL };

static const CtRoutingPerson people[] = {
  { "ann", accounting, russian, NULL, 5, 10, 0, FALSE }, { "bea", accounting, NULL, eu, 1, 10, 0, FALSE },
  { "cid", accounting, russian, NULL, 0, 10, 2, FALSE }, { "dan", both, NULL, NULL, 2, 10, 1, FALSE },
  { "eve", accounting, russian, NULL, 0, 99, 0, TRUE },  { "fay", accounting, NULL, NULL, 10, 10, 0, FALSE },
  { "gus", both, NULL, NULL, 2, 10, 0, FALSE },
};

static void
test_decide (void)
{
  static const struct {
    const char *facts, *route, *owner, *person;
  } cases[] = {
    /* cid has reached the cap of 2, eve is absent: ann is the only Russian speaker left */
    { "{\"blocker\": \"payment_short\", \"region\": \"ru\"}", "ru", "accounting", "ann" },
    /* under a cap of 3 cid has most to spare; elsewhere than in her region bea is left out */
    { "{\"blocker\": \"invoice_overdue\", \"region\": \"us\"}", "invoices", "accounting", "cid" },
    { "{\"blocker\": \"stock_short\", \"region\": \"us\"}", "rest", "sales", "gus" },
    { "{}", "rest", "sales", "gus" },
  };
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) routes = parse (routes_text, &error);

  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (JsonNode) facts = ct_json_parse (cases[i].facts, -1, 1000, NULL);
    CtRouting routing;

    g_assert_true (ct_routing_decide (routes, json_node_get_object (facts), people, G_N_ELEMENTS (people),
                                      &routing, &error));
    g_assert_cmpstr (routing.route->id, ==, cases[i].route);
    g_assert_cmpstr (routing.route->owner, ==, cases[i].owner);
    g_assert_cmpstr (routing.person->person, ==, cases[i].person);
  }
}

static void
test_nobody (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) routes = parse (routes_text, NULL);
  g_autoptr (GPtrArray) none = parse ("[]", NULL);
  g_autoptr (JsonNode) facts = ct_json_parse ("{\"blocker\": \"invoice_overdue\"}", -1, 1000, NULL);
  CtRouting routing = { NULL, people };

  g_assert_false (ct_routing_decide (none, json_node_get_object (facts), people, 1, &routing, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_NOT_FOUND);
  g_assert_true (routing.person == people);
  g_assert_true (ct_routing_decide (routes, json_node_get_object (facts), people + 4, 2, &routing, NULL));
  g_assert_null (routing.person);
}

static void
test_refused (void)
{
  static const char *const bad[] = {
    "[{\"id\": \"a\", \"name\": \"A\", \"owner\": \"viewer\", \"agent\": \"A\"}]",
    "[{\"id\": \"a\", \"name\": \"A\", \"owner\": \"sales\"}]",
    "[{\"id\": \"a\", \"name\": \"A\", \"owner\": \"sales\", \"agent\": \"A\", \"perHour\": 0}]",
    "[{\"id\": \"a\", \"name\": \"A\", \"owner\": \"sales\", \"agent\": \"A\", \"match\": {\"x\": {\"from\": "
    "1}}}]",
    "[{\"id\": \"a\", \"name\": \"A\", \"owner\": \"sales\", \"agent\": \"A\", \"match\": {\"x\": 1.5}}]",
  };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_null (parse (bad[i], &error));
    g_assert_error (error, CT_ERROR, CT_ERROR_INVALID);
  }
}

static void
test_match (void)
{
  static const struct {
    const char *match, *facts;
    gboolean holds;
  } cases[] = {
    { "{}", "{}", TRUE },
    { "{\"a\": \"x\"}", "{\"a\": \"x\"}", TRUE },
    { "{\"a\": \"x\"}", "{\"a\": \"X\"}", FALSE },
    { "{\"a\": [\"x\", \"y\"]}", "{\"a\": \"y\"}", TRUE },
    { "{\"a\": 5}", "{\"a\": 5}", TRUE },
    { "{\"a\": 5}", "{\"a\": \"5\"}", FALSE },
    { "{\"a\": true}", "{\"a\": true}", TRUE },
    { "{\"a\": true}", "{\"a\": false}", FALSE },
    { "{\"a\": {\"min\": 3}}", "{\"a\": 3}", TRUE },
    { "{\"a\": {\"min\": 3}}", "{\"a\": 2}", FALSE },
    { "{\"a\": {\"max\": 3}}", "{\"a\": 4}", FALSE },
    { "{\"a\": {\"min\": 3}}", "{\"a\": \"9\"}", FALSE },
    { "{\"a\": {\"min\": 3}}", "{}", FALSE },
    { "{\"a\": \"x\"}", "{\"a\": null}", FALSE },
    { "{\"a\": \"x\", \"b\": \"y\"}", "{\"a\": \"x\"}", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (JsonNode) object = ct_json_parse (cases[i].match, -1, 1000, NULL);
    g_autoptr (JsonNode) facts = ct_json_parse (cases[i].facts, -1, 1000, NULL);
    g_autoptr (CtMatch) match = ct_match_parse (json_node_get_object (object), "match", NULL);

    g_test_message ("case %u", i);
    g_assert_cmpint (ct_match_test (match, json_node_get_object (facts)), ==, cases[i].holds);
  }
}

static void
test_describe (void)
{
  g_autoptr (JsonNode) object = ct_json_parse (
      "{\"blocker\": [\"a\", \"b\"], \"value\": {\"min\": 5, \"max\": 9}, \"vip\": true}", -1, 1000, NULL);
  g_autoptr (CtMatch) match = ct_match_parse (json_node_get_object (object), "match", NULL);
  g_autoptr (CtMatch) none = ct_match_parse (NULL, "match", NULL);
  g_autofree char *text = ct_match_describe (match);
  g_autofree char *empty = ct_match_describe (none);

  g_assert_cmpstr (text, ==, "blocker: a, b; value ≥ 5 ≤ 9; vip: true");
  g_assert_cmpstr (empty, ==, "always");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/routing/decide", test_decide);
  g_test_add_func ("/routing/nobody", test_nobody);
  g_test_add_func ("/routing/refused", test_refused);
  g_test_add_func ("/routing/match", test_match);
  g_test_add_func ("/routing/describe", test_describe);
  return g_test_run ();
}
