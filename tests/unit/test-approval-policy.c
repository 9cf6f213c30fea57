#include "ct-approval-policy.h"
#include "ct-base.h"

#include <string.h>

static CtApprovalPolicy *
parse (const char *text, GError **error)
{
  g_autoptr (JsonNode) node = ct_json_parse (text, -1, 10000, NULL);

  g_assert_nonnull (node);
  return ct_approval_policy_parse (json_node_get_object (node), "policy", error);
}

static const char one[] = "{\"kind\": \"one_approver\", \"expiry\": \"24h\"}";
static const char four[] = "{\"kind\": \"four_eyes\", \"expiry\": \"24h\"}";
static const char tiered[] =
    "{\"kind\": \"one_approver\", \"expiry\": \"24h\", \"thresholds\": [{\"amountMinor\": 1000000, "
    "\"currency\": "
    "\"EUR\"}, {\"amountMinor\": 5000000, \"currency\": \"EUR\", \"roles\": [\"admin\", \"legal\"]}]}";

#define NONE      G_MININT64
#define REQUESTED (1000 * CT_MS_HOUR)

/* @stand_in: "person:role" whose delegation runs in the hours 5 to 10 after the request */
static void
test_judge (void)
{
  static const struct {
    const char *policy, *owner, *editor;
    gint64 amount;
    const char *currency, *person, *roles, *stand_in;
    int hours;
    CtApprovalReason reason;
    CtApprovalKind kind;
    const char *role, *on_behalf;
  } cases[] = {
    /* owner scope */
    { one, "accounting", NULL, NONE, NULL, "ann", "accounting", NULL, 1, CT_APPROVAL_ALLOWED,
      CT_APPROVAL_ONE_APPROVER, "accounting", NULL },
    { one, "accounting", NULL, NONE, NULL, "bob", "sales", NULL, 1, CT_APPROVAL_REFUSED_OWNER,
      CT_APPROVAL_ONE_APPROVER, NULL, NULL },
    { one, "accounting", NULL, NONE, NULL, "bob", "sales accounting", NULL, 1, CT_APPROVAL_ALLOWED,
      CT_APPROVAL_ONE_APPROVER, "accounting", NULL },
    { one, "accounting", NULL, NONE, NULL, "root", "admin", NULL, 1, CT_APPROVAL_ALLOWED,
      CT_APPROVAL_ONE_APPROVER, "admin", NULL },
    { one, "accounting", NULL, NONE, NULL, "eve", "viewer", NULL, 1, CT_APPROVAL_REFUSED_NO_TEAM,
      CT_APPROVAL_ONE_APPROVER, NULL, NULL },
    { one, "agent", NULL, NONE, NULL, "bot", "agent", NULL, 1, CT_APPROVAL_REFUSED_NO_TEAM,
      CT_APPROVAL_ONE_APPROVER, NULL, NULL },
    { one, "accounting", NULL, NONE, NULL, "eve", "", NULL, 1, CT_APPROVAL_REFUSED_NO_TEAM,
      CT_APPROVAL_ONE_APPROVER, NULL, NULL },
    /* own edits: harmless with one approver, refused with four eyes, whoever they are */
    { one, "accounting", "ann", NONE, NULL, "ann", "accounting", NULL, 1, CT_APPROVAL_ALLOWED,
      CT_APPROVAL_ONE_APPROVER, "accounting", NULL },
    { four, "accounting", "ann", NONE, NULL, "ann", "accounting", NULL, 1, CT_APPROVAL_REFUSED_OWN_EDIT,
      CT_APPROVAL_FOUR_EYES, NULL, NULL },
    { four, "accounting", "ann", NONE, NULL, "ann", "accounting admin", NULL, 1, CT_APPROVAL_REFUSED_OWN_EDIT,
      CT_APPROVAL_FOUR_EYES, NULL, NULL },
    { four, "accounting", "ann", NONE, NULL, "bob", "accounting", NULL, 1, CT_APPROVAL_ALLOWED,
      CT_APPROVAL_FOUR_EYES, "accounting", NULL },
    { four, "accounting", NULL, NONE, NULL, "ann", "accounting", NULL, 1, CT_APPROVAL_ALLOWED,
      CT_APPROVAL_FOUR_EYES, "accounting", NULL },
    /* amounts */
    { tiered, "sales", "ann", 999999, "EUR", "ann", "sales", NULL, 1, CT_APPROVAL_ALLOWED,
      CT_APPROVAL_ONE_APPROVER, "sales", NULL },
    { tiered, "sales", "ann", 1000000, "EUR", "ann", "sales", NULL, 1, CT_APPROVAL_REFUSED_OWN_EDIT,
      CT_APPROVAL_FOUR_EYES, NULL, NULL },
    { tiered, "sales", "ann", -1000000, "EUR", "ann", "sales", NULL, 1, CT_APPROVAL_REFUSED_OWN_EDIT,
      CT_APPROVAL_FOUR_EYES, NULL, NULL },
    { tiered, "sales", NULL, 5000000, "EUR", "bob", "sales", NULL, 1, CT_APPROVAL_REFUSED_AMOUNT,
      CT_APPROVAL_FOUR_EYES, NULL, NULL },
    { tiered, "sales", NULL, 5000000, "EUR", "root", "admin", NULL, 1, CT_APPROVAL_ALLOWED,
      CT_APPROVAL_FOUR_EYES, "admin", NULL },
    { tiered, "sales", NULL, 5000000, "EUR", "lex", "legal", NULL, 1, CT_APPROVAL_REFUSED_OWNER,
      CT_APPROVAL_FOUR_EYES, NULL, NULL },
    { tiered, "sales", NULL, 5, "USD", "bob", "sales", NULL, 1, CT_APPROVAL_REFUSED_AMOUNT,
      CT_APPROVAL_FOUR_EYES, NULL, NULL },
    { tiered, "sales", NULL, 0, NULL, "bob", "sales", NULL, 1, CT_APPROVAL_ALLOWED, CT_APPROVAL_ONE_APPROVER,
      "sales", NULL },
    /* absence cover, within its time only, and never around four eyes */
    { one, "legal", NULL, NONE, NULL, "bob", "sales", "lex:legal", 5, CT_APPROVAL_ALLOWED,
      CT_APPROVAL_ONE_APPROVER, "legal", "lex" },
    { one, "legal", NULL, NONE, NULL, "bob", "sales", "lex:legal", 4, CT_APPROVAL_REFUSED_OWNER,
      CT_APPROVAL_ONE_APPROVER, NULL, NULL },
    { one, "legal", NULL, NONE, NULL, "bob", "sales", "lex:legal", 10, CT_APPROVAL_REFUSED_OWNER,
      CT_APPROVAL_ONE_APPROVER, NULL, NULL },
    { one, "legal", NULL, NONE, NULL, "bob", "legal", "lex:legal", 6, CT_APPROVAL_ALLOWED,
      CT_APPROVAL_ONE_APPROVER, "legal", NULL },
    { four, "legal", "lex", NONE, NULL, "bob", "sales", "lex:legal", 6, CT_APPROVAL_REFUSED_OWN_EDIT,
      CT_APPROVAL_FOUR_EYES, NULL, NULL },
    { four, "legal", "bob", NONE, NULL, "bob", "legal", "lex:legal", 6, CT_APPROVAL_REFUSED_OWN_EDIT,
      CT_APPROVAL_FOUR_EYES, NULL, NULL },
    /* expiry: rejection is the default */
    { one, "legal", NULL, NONE, NULL, "lex", "legal", NULL, 23, CT_APPROVAL_ALLOWED, CT_APPROVAL_ONE_APPROVER,
      "legal", NULL },
    { one, "legal", NULL, NONE, NULL, "lex", "legal", NULL, 24, CT_APPROVAL_REFUSED_EXPIRED,
      CT_APPROVAL_ONE_APPROVER, NULL, NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (CtApprovalPolicy) policy = parse (cases[i].policy, &error);
    g_auto (GStrv) roles = g_strsplit (cases[i].roles, " ", -1);
    g_auto (GStrv) stand_in = g_strsplit (cases[i].stand_in ? cases[i].stand_in : "", ":", -1);
    CtDelegation delegation = { stand_in[0], (const char *const *) stand_in + (stand_in[0] != NULL),
                                REQUESTED + 5 * CT_MS_HOUR, REQUESTED + 10 * CT_MS_HOUR };
    CtApprover approver = { cases[i].person, (const char *const *) roles, &delegation, stand_in[0] != NULL };
    CtApprovalRequest request = { .owner = cases[i].owner,
                                  .last_editor = cases[i].editor,
                                  .has_amount = cases[i].amount != NONE,
                                  .amount_minor = cases[i].amount,
                                  .currency = cases[i].currency,
                                  .requested_at = REQUESTED };
    CtApprovalVerdict verdict;
    gboolean ok;

    g_test_message ("case %u", i);
    g_assert_no_error (error);
    ok = ct_approval_policy_check (policy, &request, &approver, REQUESTED + cases[i].hours * CT_MS_HOUR,
                                   &verdict, &error);
    g_assert_cmpint (verdict.reason, ==, cases[i].reason);
    g_assert_cmpint (verdict.kind, ==, cases[i].kind);
    g_assert_cmpstr (verdict.role, ==, cases[i].role);
    g_assert_cmpstr (verdict.on_behalf, ==, cases[i].on_behalf);
    g_assert_cmpint (ok, ==, cases[i].reason == CT_APPROVAL_ALLOWED);
    if (!ok) {
      g_assert_error (error, CT_ERROR, CT_ERROR_REFUSED);
      g_assert_cmpstr (error->message, ==, ct_approval_reason_text (cases[i].reason));
    }
  }
}

static void
test_expiry (void)
{
  g_autoptr (CtApprovalPolicy) policy = parse (one, NULL);
  CtApprovalRequest request = { .owner = "legal", .requested_at = 0, .expires_at = 100 };

  g_assert_cmpint (ct_approval_policy_expires_at (policy, 0, G_MAXINT64), ==, CT_MS_DAY);
  g_assert_cmpint (ct_approval_policy_expires_at (policy, 0, CT_MS_HOUR), ==, CT_MS_HOUR);
  g_assert_cmpint (ct_approval_policy_expires_at (policy, CT_MS_HOUR, 5), ==, CT_MS_HOUR + CT_MS_DAY);
  g_assert_false (ct_approval_policy_is_expired (policy, &request, 99));
  g_assert_true (ct_approval_policy_is_expired (policy, &request, 100));
}

static void
test_parse (void)
{
  static const char *const bad[] = {
    "{}",
    "{\"kind\": \"two\"}",
    "{\"kind\": \"four_eyes\", \"expiry\": \"0m\"}",
    "{\"kind\": \"four_eyes\", \"expiry\": \"1000d\"}",
    "{\"kind\": \"four_eyes\", \"thresholds\": [{\"amountMinor\": 5}]}",
    "{\"kind\": \"four_eyes\", \"thresholds\": [{\"amountMinor\": -5, \"currency\": \"EUR\"}]}",
    "{\"kind\": \"four_eyes\", \"thresholds\": [{\"amountMinor\": 5, \"currency\": \"eur\"}]}",
    "{\"kind\": \"four_eyes\", \"thresholds\": [{\"amountMinor\": 5, \"currency\": \"EUR\", \"roles\": "
    "[\"viewer\"]}]}",
    "{\"kind\": \"four_eyes\", \"surprise\": 1}",
  };
  g_autoptr (CtApprovalPolicy) policy = parse (tiered, NULL);
  g_autoptr (JsonNode) node = ct_json_wrap_object (ct_approval_policy_to_json (policy));
  g_autoptr (GError) error = NULL;
  g_autofree char *text = ct_json_canonical (node, &error);
  g_autoptr (CtApprovalPolicy) again = parse (text, &error);

  g_assert_no_error (error);
  g_assert_cmpint (again->expiry, ==, CT_MS_DAY);
  g_assert_cmpuint (again->thresholds->len, ==, 2);
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) problem = NULL;

    g_assert_null (parse (bad[i], &problem));
    g_assert_error (problem, CT_ERROR, CT_ERROR_INVALID);
  }
}

/* Of two policies the strictest of each: what either asks for. */
static void
test_tighten (void)
{
  g_autoptr (CtApprovalPolicy) policy = parse (one, NULL), eyes = parse (four, NULL),
                               tiers = parse (tiered, NULL);

  eyes->expiry = CT_MS_HOUR;
  ct_approval_policy_tighten (eyes, policy);
  g_assert_cmpint (eyes->kind, ==, CT_APPROVAL_FOUR_EYES);
  ct_approval_policy_tighten (policy, tiers);
  g_assert_cmpint (policy->kind, ==, CT_APPROVAL_ONE_APPROVER);
  g_assert_cmpuint (policy->thresholds->len, ==, 2);
  ct_approval_policy_tighten (policy, tiers);
  g_assert_cmpuint (policy->thresholds->len, ==, 2);
  ct_approval_policy_tighten (policy, eyes);
  g_assert_cmpint (policy->kind, ==, CT_APPROVAL_FOUR_EYES);
  g_assert_cmpint (policy->expiry, ==, CT_MS_DAY);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/approval-policy/judge", test_judge);
  g_test_add_func ("/approval-policy/expiry", test_expiry);
  g_test_add_func ("/approval-policy/tighten", test_tighten);
  g_test_add_func ("/approval-policy/parse", test_parse);
  return g_test_run ();
}
