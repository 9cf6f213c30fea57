#include "ct-agent-profile.h"
#include "ct-base.h"

#include <string.h>

static const char good[] =
    "{'name': 'A', 'title': 'T', 'role': 'R', 'owner': 'accounting', 'blockers': ['payment_short', "
    "'invoice_overdue'], "
    "'allowedActions': ['draft_email', 'recommend_escalation'], 'blockedActions': ['send_without_approval', "
    "'release_shipment'], 'channels': ['slack:#ops'], 'sla': '24h', 'cadence': '8h', 'escalation': {'after': "
    "'1d', 'to': "
    "'sales', 'text': 'Escalate.'}, 'approval': {'kind': 'four_eyes', 'expiry': '12h'}}";

/* @find is replaced once by @with; single quotes stand for double ones. */
static CtAgentProfile *
parse (const char *find, const char *with, GError **error)
{
  const char *at = strstr (good, find);
  g_autofree char *text = NULL;
  g_autoptr (JsonNode) node = NULL;

  g_assert_nonnull (at);
  text = g_strdup_printf ("%.*s%s%s", (int) (at - good), good, with, at + strlen (find));
  g_strdelimit (text, "'", '"');
  node = ct_json_parse (text, -1, 10000, NULL);
  g_assert_nonnull (node);
  return ct_agent_profile_parse (json_node_get_object (node), "A.json", error);
}

static void
test_parse (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CtAgentProfile) profile = parse ("", "", &error);

  g_assert_no_error (error);
  g_assert_cmpstr (profile->name, ==, "A");
  g_assert_cmpstr (profile->channel_policy, ==, "human_approval_required");
  g_assert_cmpint (profile->sla, ==, 24 * CT_MS_HOUR);
  g_assert_cmpint (profile->cadence, ==, 8 * CT_MS_HOUR);
  g_assert_cmpint (profile->escalate_after, ==, 24 * CT_MS_HOUR);
  g_assert_cmpstr (profile->escalate_to, ==, "sales");
  g_assert_cmpint (profile->approval->kind, ==, CT_APPROVAL_FOUR_EYES);
  g_assert_true (ct_agent_profile_allows (profile, "draft_email"));
  g_assert_false (ct_agent_profile_allows (profile, "release_shipment"));
  g_assert_false (ct_agent_profile_allows (profile, "modify_invoice"));
  g_assert_true (ct_agent_profile_suits (profile, "payment_short"));
  g_assert_false (ct_agent_profile_suits (profile, "stock_short"));
}

static void
test_refused (void)
{
  static const struct {
    const char *find, *with;
  } cases[] = {
    { "'send_without_approval', ", "" },
    { "'release_shipment'", "'draft_email'" },
    { "'release_shipment'", "'fly'" },
    { "'draft_email', ", "'fly', " },
    { "'draft_email', 'recommend_escalation'", "" },
    { "'accounting'", "'viewer'" },
    { "'sales'", "'agent'" },
    { "'payment_short'", "'payment-short'" },
    { "slack:#ops", "slack" },
    { "slack:#ops", ":#ops" },
    { "'24h'", "'0h'" },
    { "'8h'", "8" },
    { "'after': '1d', ", "" },
    { "'escalation'", "'escalations'" },
    { "'approval'", "'approvals'" },
    { "four_eyes", "none" },
    { "'name': 'A', ", "" },
    { "'title'", "'channelPolicy': 'send_at_once', 'title'" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;

    g_test_message ("%s → %s", cases[i].find, cases[i].with);
    g_assert_null (parse (cases[i].find, cases[i].with, &error));
    g_assert_error (error, CT_ERROR, CT_ERROR_INVALID);
    g_assert_true (g_str_has_prefix (error->message, "A.json"));
  }
}

static void
test_find (void)
{
  g_autoptr (GPtrArray) list = g_ptr_array_new_with_free_func ((GDestroyNotify) ct_agent_profile_free);

  g_ptr_array_add (list, parse ("", "", NULL));
  g_ptr_array_add (list, parse ("'name': 'A', 'title': 'T', 'role': 'R', 'owner': 'accounting', 'blockers': "
                                "['payment_short', 'invoice_overdue']",
                                "'name': 'B', 'title': 'T', 'role': 'R', 'owner': 'sales', 'blockers': "
                                "['invoice_overdue', 'payment_short']",
                                NULL));
  g_assert_cmpstr (ct_agent_profile_find (list, "B")->owner, ==, "sales");
  g_assert_null (ct_agent_profile_find (list, "C"));
  g_assert_cmpstr (ct_agent_profile_for_blocker (list, "payment_short")->name, ==, "A");
  g_assert_cmpstr (ct_agent_profile_for_blocker (list, "invoice_overdue")->name, ==, "B");
  g_assert_null (ct_agent_profile_for_blocker (list, "stock_short"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/agent-profile/parse", test_parse);
  g_test_add_func ("/agent-profile/refused", test_refused);
  g_test_add_func ("/agent-profile/find", test_find);
  return g_test_run ();
}
