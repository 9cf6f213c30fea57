/* What is shipped in seeds/ is parsed by the parsers that read it at run time, and fits together. */
#include "ct-domain.h"

#include <string.h>

static JsonNode *
load (const char *name)
{
  g_autofree char *path = g_build_filename (g_getenv ("CT_SOURCE_ROOT"), "seeds", name, NULL);
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  JsonNode *node;
  gsize length;

  g_file_get_contents (path, &text, &length, &error);
  g_assert_no_error (error);
  node = ct_json_parse (text, (gssize) length, 1 << 20, &error);
  g_assert_no_error (error);
  return node;
}

/* Names of the files of a folder of seeds/, in order. */
static GPtrArray *
list_files (const char *folder)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *path = g_build_filename (g_getenv ("CT_SOURCE_ROOT"), "seeds", folder, NULL);
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  g_assert_nonnull (dir);
  while ((name = g_dir_read_name (dir)))
    if (g_str_has_suffix (name, ".json"))
      g_ptr_array_add (names, g_build_filename (folder, name, NULL));
  g_assert_cmpuint (names->len, >, 0);
  return names;
}

static GPtrArray *
load_profiles (void)
{
  GPtrArray *profiles = g_ptr_array_new_with_free_func ((GDestroyNotify) ct_agent_profile_free);
  g_autoptr (GPtrArray) files = list_files ("agents");

  for (guint i = 0; i < files->len; i++) {
    g_autoptr (JsonNode) node = load (files->pdata[i]);
    g_autoptr (GError) error = NULL;
    CtAgentProfile *profile = ct_agent_profile_parse (json_node_get_object (node), files->pdata[i], &error);

    g_assert_no_error (error);
    g_ptr_array_add (profiles, profile);
  }
  return profiles;
}

static GPtrArray *
load_templates (void)
{
  GPtrArray *templates = g_ptr_array_new_with_free_func ((GDestroyNotify) ct_template_free);
  g_autoptr (GPtrArray) files = list_files ("templates");

  for (guint i = 0; i < files->len; i++) {
    g_autoptr (JsonNode) node = load (files->pdata[i]);
    g_autoptr (GError) error = NULL;
    GPtrArray *some = ct_template_parse_all (node, files->pdata[i], &error);

    g_assert_no_error (error);
    g_ptr_array_extend_and_steal (templates, some);
  }
  return templates;
}

static CtGuardrails *
load_guardrails (void)
{
  g_autoptr (JsonNode) node = load ("guardrails.json");
  g_autoptr (GError) error = NULL;
  CtGuardrails *guardrails = ct_guardrails_parse_all (node, "guardrails.json", &error);

  g_assert_no_error (error);
  return guardrails;
}

static void
test_agents (void)
{
  static const char *const names[] = { "AccountingFollowUpAgent", "LogisticsFollowUpAgent",
                                       "LegalFollowUpAgent", "PartnerSuccessFollowUpAgent",
                                       "SalesOpsFollowUpAgent" };
  g_autoptr (GPtrArray) profiles = load_profiles ();

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    g_assert_nonnull (ct_agent_profile_find (profiles, names[i]));
  for (const char *const *blocker = ct_blocker_names (); *blocker; blocker++)
    g_assert_nonnull (ct_agent_profile_for_blocker (profiles, *blocker));
  g_assert_cmpstr (ct_agent_profile_find (profiles, "AccountingFollowUpAgent")->escalation_text, ==,
                   "Escalate to Sales Ops if invoice blocker remains unresolved after 24h.");
}

static void
test_calendars_and_policies (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) calendars_node = load ("calendars.json");
  g_autoptr (JsonNode) policies_node = load ("sla-policies.json");
  g_autoptr (GHashTable) calendars = ct_calendar_parse_all (calendars_node, "calendars.json", &error);
  g_autoptr (GPtrArray) policies = NULL;
  g_autoptr (JsonNode) nothing = ct_json_parse ("{}", -1, 10, NULL);

  g_assert_no_error (error);
  g_assert_nonnull (g_hash_table_lookup (calendars, "business-hours"));
  g_assert_true (ct_calendar_is_always (g_hash_table_lookup (calendars, "around-the-clock")));
  policies = ct_sla_policy_parse_all (policies_node, "sla-policies.json", &error);
  g_assert_no_error (error);
  for (guint i = 0; i < policies->len; i++) {
    const CtSlaPolicy *policy = policies->pdata[i];

    if (policy->calendar)
      g_assert_nonnull (g_hash_table_lookup (calendars, policy->calendar));
  }
  g_assert_cmpstr (ct_sla_policy_find (policies, json_node_get_object (nothing))->id, ==, "default");
}

/* DOMAIN.md's table of targets for conversations, in minutes. */
static void
test_interaction_targets (void)
{
  static const struct {
    const char *facts;
    int target, hard, escalate;
  } cases[] = {
    { "{\"kind\": \"review\", \"rating\": 5, \"intent\": \"lawsuit\"}", 15, 30, 5 },
    { "{\"kind\": \"review\", \"rating\": 2}", 30, 60, 15 },
    { "{\"kind\": \"review\", \"rating\": 3}", 60, 240, 30 },
    { "{\"kind\": \"review\", \"rating\": 4}", 1440, 2880, 720 },
    { "{\"kind\": \"chat\", \"phase\": \"pre_purchase\"}", 2, 10, 5 },
    { "{\"kind\": \"question\", \"phase\": \"pre_purchase\"}", 5, 30, 15 },
    { "{\"kind\": \"chat\", \"phase\": \"post_purchase\", \"intent\": \"return\"}", 60, 120, 30 },
    { "{\"kind\": \"chat\", \"phase\": \"post_purchase\"}", 240, 1440, 120 },
  };
  g_autoptr (JsonNode) node = load ("sla-policies.json");
  g_autoptr (GPtrArray) policies = ct_sla_policy_parse_all (node, "sla-policies.json", NULL);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (JsonNode) facts = ct_json_parse (cases[i].facts, -1, 1000, NULL);
    const CtSlaGoal *goal;

    json_object_set_string_member (json_node_get_object (facts), "subjectType", "interaction");
    goal = &ct_sla_policy_find (policies, json_node_get_object (facts))->goals[CT_SLA_FIRST_RESPONSE];
    g_test_message ("%s", cases[i].facts);
    g_assert_cmpint (goal->target, ==, cases[i].target * CT_MS_MINUTE);
    g_assert_cmpint (goal->hard, ==, cases[i].hard * CT_MS_MINUTE);
    g_assert_cmpint (goal->escalate, ==, cases[i].escalate * CT_MS_MINUTE);
  }
}

static void
test_routes (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) node = load ("routes.json");
  g_autoptr (GPtrArray) routes = ct_route_parse_all (node, "routes.json", &error);
  g_autoptr (GPtrArray) profiles = load_profiles ();

  g_assert_no_error (error);
  for (guint i = 0; i < routes->len; i++) {
    const CtRoute *route = routes->pdata[i];

    g_assert_nonnull (ct_agent_profile_find (profiles, route->agent));
  }
  for (const char *const *blocker = ct_blocker_names (); *blocker; blocker++) {
    g_autoptr (JsonNode) facts = ct_json_wrap_object (ct_json_build ("s", "blocker", *blocker));
    const CtRoute *route = ct_route_find (routes, json_node_get_object (facts));

    g_assert_true (ct_agent_profile_suits (ct_agent_profile_find (profiles, route->agent), *blocker));
  }
}

static const char *
full_cb (const char *name, gpointer data)
{
  static const char *const values[][2] = {
    { "orderNumber", "ORD-2026-1047" },
    { "distributor", "Nordwind GmbH" },
    { "daysLate", "12" },
    { "amount", "48250.00 EUR" },
    { "slaDue", "2026-06-04 11:00" },
    { "invoiceNumber", "INV-2026-0311" },
    { "exceptionNumber", "EXC-2026-0007" },
    { "taskNumber", "FOLLOW-2026-001" },
    { "dueOn", "2026-05-20" },
    { "trackingNumber", "00340434161094042557" },
    { "evidence", "invoice INV-2026-0311 due 2026-05-20, unpaid 48250.00 EUR; 12 days late" },
    { "nextAction", "Ask Nordwind GmbH for a payment date" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    if (strcmp (values[i][0], name) == 0)
      return values[i][1];
  return "Accounting";
}

/* Only what every exception has. */
static const char *
scarce_cb (const char *name, gpointer data)
{
  return strcmp (name, "orderNumber") == 0 || strcmp (name, "distributor") == 0 || strcmp (name, "owner") == 0
             ? full_cb (name, data)
             : NULL;
}

static void
check_clean (const CtGuardrails *guardrails, const CtTemplate *template, const char *text,
             CtTemplateLookup lookup)
{
  g_autofree char *draft = ct_template_expand (text, lookup, NULL);
  const char *channel = strcmp (template->kind, "email") == 0 ? "email" : "slack";
  g_autoptr (GPtrArray) findings = ct_guardrails_check (guardrails, channel, draft, NULL);

  for (guint i = 0; i < findings->len; i++)
    g_test_message ("%s: %s: %s", template->name, ((CtFinding *) findings->pdata[i])->rule, draft);
  g_assert_cmpuint (findings->len, ==, 0);
  g_assert_null (strstr (draft, "\n? "));
}

/* Whatever facts there are, a template gives a draft that the guardrails let through without a word. */
static void
test_templates (void)
{
  g_autoptr (CtGuardrails) guardrails = load_guardrails ();
  g_autoptr (GPtrArray) templates = load_templates ();
  g_autoptr (GHashTable) names = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < templates->len; i++) {
    const CtTemplate *template = templates->pdata[i];

    g_assert_true (g_hash_table_add (names, template->name));
    g_assert_cmpint (strcmp (template->kind, "email") == 0, ==, template->subject != NULL);
    check_clean (guardrails, template, template->text, full_cb);
    check_clean (guardrails, template, template->text, scarce_cb);
    if (template->subject)
      check_clean (guardrails, template, template->subject, scarce_cb);
  }
}

static void
test_template_coverage (void)
{
  static const char *const languages[] = { "en", "ru" };
  g_autoptr (GPtrArray) templates = load_templates ();

  for (guint i = 0; i < G_N_ELEMENTS (languages); i++) {
    for (const char *const *blocker = ct_blocker_names (); *blocker; blocker++) {
      const CtTemplate *post = ct_template_find (templates, "channel_post", *blocker, languages[i]);
      const CtTemplate *mail = ct_template_find (templates, "email", *blocker, languages[i]);
      const CtTemplate *summary = ct_template_find (templates, "escalation_summary", *blocker, languages[i]);

      g_assert_cmpstr (post->blocker, ==, *blocker);
      g_assert_cmpstr (mail->blocker, ==, *blocker);
      g_assert_cmpstr (summary->language, ==, languages[i]);
    }
    g_assert_cmpstr (ct_template_find (templates, "email", "own_class", languages[i])->blocker, ==, "*");
  }
}

static void
test_guardrails (void)
{
  static const struct {
    const char *channel, *text;
    const char *category; /* NULL: nothing may be found */
  } cases[] = {
    { "email", "We guarantee that this will not happen again.", "promise" },
    { "email", "I promise to call.", "promise" },
    { "email", "The goods will arrive by Friday.", "promise" },
    { "email", "We'll refund the freight.", "promise" },
    { "slack", "We have released the shipment.", "promise" },
    { "email", "Мы гарантируем поставку в срок.", "promise" },
    { "email", "Мы вернём вам деньги.", "promise" },
    { "email", "This is YOUR\u00a0fault.", "blame" },
    { "email", "Это произошло по вашей вине.", "blame" },
    { "email", "That is not our problem.", "dismissal" },
    { "email", "Разбирайтесь сами", "dismissal" },
    { "email", "We admit that the goods were faulty.", "legal" },
    { "email", "Мы нарушили договор.", "legal" },
    { "email", "Otherwise we will take legal action.", "threat" },
    { "email", "Мы подадим в суд!", "threat" },
    { "email", "Customs will clear it on Monday.", "false_authority" },
    { "slack", "IBAN: DE89 3704 0044 0532 0130 00.", "personal_data" },
    { "slack", "GB33BUKB20201555555555", "personal_data" },
    { "slack", "card 4111 1111 1111 1111", "personal_data" },
    { "slack", "card 378282246310005", "personal_data" },
    { "slack", "счёт 40702810900000001234", "personal_data" },
    { "slack", "write to anna.petrova@example.com", "personal_data" },
    { "slack", "call +49 30 1234567", "personal_data" },
    { "slack", "call +7 (495) 123-45-67", "personal_data" },
    { "slack", "her date of birth", "personal_data" },
    { "slack", "password: hunter2", "secret" },
    { "slack", "xoxb-123456789012-abcdef", "secret" },
    { "slack", "<!channel> please look", "reach" },
    { "slack", "PLEASE ANSWER THIS TODAY", "tone" },
    { "slack", "see http://example.com/x", "link" },
    { "email", "This is internal only.", "confidential" },
    { "slack", "ORD-2026-1047 waits: INV-2026-0311 over 48250.00 EUR was due 2026-05-20, 12 days ago.",
      NULL },
    { "slack", "Tracking 00340434161094042557, EAN 4006381333931, from 2026-05-01 to 2026-05-20.", NULL },
    { "email", "Could you tell us when the payment will be made? The carrier estimates 4 June.", NULL },
    { "email", "Пожалуйста, сообщите дату оплаты. Перевозчик ожидает прибытие 4 июня.", NULL },
    { "slack", "EUR 1.250.000,00 at 10:30, 2026-06-04 2026-06-11, DIST-0042", NULL },
  };
  g_autoptr (CtGuardrails) guardrails = load_guardrails ();

  g_assert_cmpuint (ct_guardrails_size (guardrails), >=, 25);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GPtrArray) findings = ct_guardrails_check (guardrails, cases[i].channel, cases[i].text, NULL);
    gboolean found = FALSE;

    for (guint k = 0; k < findings->len; k++) {
      const CtFinding *finding = findings->pdata[k];

      g_test_message ("case %u: %s at %zu", i, finding->rule, finding->offset);
      found |= g_strcmp0 (finding->category, cases[i].category) == 0;
    }
    g_test_message ("case %u: %s", i, cases[i].text);
    if (cases[i].category)
      g_assert_true (found);
    else
      g_assert_cmpuint (findings->len, ==, 0);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/seeds/agents", test_agents);
  g_test_add_func ("/seeds/calendars-and-policies", test_calendars_and_policies);
  g_test_add_func ("/seeds/interaction-targets", test_interaction_targets);
  g_test_add_func ("/seeds/routes", test_routes);
  g_test_add_func ("/seeds/templates", test_templates);
  g_test_add_func ("/seeds/template-coverage", test_template_coverage);
  g_test_add_func ("/seeds/guardrails", test_guardrails);
  return g_test_run ();
}
