#include "ct-base.h"
#include "ct-guardrail.h"

#include <string.h>

static const char rows[] = "[{\"id\": \"promise\", \"kind\": \"phrase\", \"text\": \"we guarantee\", "
                           "\"severity\": \"error\", \"category\": "
                           "\"promise\", \"message\": \"no promises\"},"
                           "{\"id\": \"cafe\", \"kind\": \"phrase\", \"text\": \"café’s fault\", "
                           "\"severity\": \"warning\", \"category\": "
                           "\"blame\", \"message\": \"no blame\"},"
                           "{\"id\": \"garantie\", \"kind\": \"phrase\", \"text\": \"ваша ошибка\", "
                           "\"severity\": \"error\", \"category\": "
                           "\"blame\", \"message\": \"no blame\"},"
                           "{\"id\": \"iban\", \"kind\": \"pattern\", \"text\": \"\\\\b[A-Z]{2}\\\\d{2}(?: "
                           "?[A-Z0-9]{4}){3,7}\\\\b\", "
                           "\"channel\": \"slack\", \"severity\": \"error\", \"category\": \"personal\", "
                           "\"message\": \"an account\"}]";

static CtGuardrails *
load (const char *text, GError **error)
{
  g_autoptr (JsonNode) root = ct_json_parse (text, -1, 100000, error);

  g_assert_nonnull (root);
  return ct_guardrails_parse_all (root, "guardrails.json", error);
}

/* Findings as "rule@offset+length", spaces between. */
static char *
check (const CtGuardrails *guardrails, const char *channel, const char *text)
{
  g_autoptr (GPtrArray) findings = ct_guardrails_check (guardrails, channel, text, NULL);
  GString *out = g_string_new (NULL);

  for (guint i = 0; i < findings->len; i++) {
    const CtFinding *finding = findings->pdata[i];

    g_assert_cmpuint (finding->offset + finding->length, <=, strlen (text));
    g_string_append_printf (out, "%s%s@%zu+%zu", i ? " " : "", finding->rule, finding->offset,
                            finding->length);
  }
  return g_string_free (out, FALSE);
}

static void
test_check (void)
{
  static const struct {
    const char *channel, *text, *findings;
  } cases[] = {
    { "slack", "Order ORD-2026-1047 waits for the invoice.", "" },
    { "slack", "We guarantee delivery", "promise@0+12" },
    { "email", "and WE\n  Guarantee, yes: we guarantee", "promise@4+14 promise@25+12" },
    { "slack", "we guaranteed", "" },
    { "slack", "owe guarantee", "" },
    { "slack", "x-we guarantee-x", "promise@2+12" },
    { "slack", "We guaran\u200btee", "promise@0+15 invisible-character@9+3" },
    { "slack", "ｗｅ ｇｕａｒａｎｔｅｅ", "promise@0+34" },
    { "slack", "The cafe\u0301's fault", "cafe@4+14" },
    { "slack", "The Café's FAULT", "cafe@4+13" },
    { "slack", "Это ВАША  Ошибка!", "garantie@7+22" },
    { "slack", "Это ваша ошибкаё", "" },
    { "slack", "pay to DE89 3704 0044 0532 0130 00 now", "iban@7+24" },
    { "email", "pay to DE89 3704 0044 0532 0130 00 now", "" },
    { "slack", "Dear {contactName}, {amount} {}", "unresolved-placeholder@5+13 unresolved-placeholder@20+8" },
    { "slack", "{{amount}} { a\nb }", "unresolved-placeholder@1+8" },
    { "slack", "see ORD-~3F9A2C soon", "provisional-number@4+11" },
    { "slack", "a\u202eb\u2066", "bidirectional-character@1+3 bidirectional-character@5+3" },
    { "slack", "a\ab\u00adc\u2800",
      "invisible-character@1+1 invisible-character@3+2 invisible-character@6+3" },
    { "slack", "👨‍👩‍👧 ❤️ 1️⃣ fine\tand\nwell", "" },
    { "slack", "no\ufe0f", "invisible-character@2+3" },
    { "slack", "", "too-short@0+0" },
    { "slack", " \n", "too-short@0+2" },
    { "review", "Too short", "too-short@0+9" },
    { "slack", "\xff\xfe", "unreadable@0+2" },
  };
  g_autoptr (GError) error = NULL;
  g_autoptr (CtGuardrails) guardrails = load (rows, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (ct_guardrails_size (guardrails), ==, 4);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *found = check (guardrails, cases[i].channel, cases[i].text);

    g_test_message ("case %u", i);
    g_assert_cmpstr (found, ==, cases[i].findings);
  }
}

static void
test_length (void)
{
  g_autoptr (CtGuardrails) guardrails = ct_guardrails_new ();
  g_autofree char *many = g_strnfill (301, 'a');
  g_autofree char *huge = g_strnfill (70000, 'a');
  g_autofree char *found = check (guardrails, "review", many);
  g_autofree char *refused = check (guardrails, "email", huge);
  CtTextLimits none = { 0, 0 };
  g_autoptr (GPtrArray) free_of_limits = ct_guardrails_check (guardrails, "review", many, &none);

  g_assert_cmpstr (found, ==, "too-long@300+1");
  g_assert_cmpstr (refused, ==, "unreadable@0+70000");
  g_assert_cmpuint (free_of_limits->len, ==, 0);
}

/* A pattern that would backtrack for years gives up, and the text is not let through. */
static void
test_catastrophic (void)
{
  static const char *const patterns[] = { "(a+)+$", "(a|aa)+$", "(.*)*x", "(?:a?){30}a{30}b", "((a*)*)*b" };
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < 5000; i++)
    g_string_append (text, "aaaaaaa");
  g_string_append (text, "!");
  for (guint i = 0; i < G_N_ELEMENTS (patterns); i++) {
    g_autoptr (GError) error = NULL;
    g_autofree char *row =
        g_strdup_printf ("[{\"id\": \"p\", \"kind\": \"pattern\", \"text\": \"%s\", \"severity\": "
                         "\"warning\", \"category\": \"c\", \"message\": \"m\"}]",
                         patterns[i]);
    g_autoptr (CtGuardrails) guardrails = load (row, &error);
    CtTextLimits none = { 0, 0 };
    g_autoptr (GPtrArray) findings = NULL;

    g_assert_no_error (error);
    findings = ct_guardrails_check (guardrails, "slack", text->str, &none);
    g_test_message ("%s: %u", patterns[i], findings->len);
    for (guint k = 0; k < findings->len; k++)
      if (strcmp (((CtFinding *) findings->pdata[k])->category, "unchecked") == 0)
        g_assert_true (ct_findings_block (findings));
    if (i < 2)
      g_assert_true (ct_findings_block (findings));
  }
}

static void
test_json (void)
{
  g_autoptr (CtGuardrails) guardrails = load (rows, NULL);
  g_autoptr (GPtrArray) findings =
      ct_guardrails_check (guardrails, "slack", "The cafe's fault; café’s fault", NULL);
  g_autoptr (GPtrArray) errors = ct_guardrails_check (guardrails, "slack", "we guarantee", NULL);
  JsonArray *array = ct_findings_to_json (errors);
  g_autoptr (JsonNode) node = ct_json_wrap_array (array);
  g_autofree char *text = ct_json_canonical (node, NULL);

  g_assert_cmpuint (findings->len, ==, 1);
  g_assert_false (ct_findings_block (findings));
  g_assert_true (ct_findings_block (errors));
  g_assert_cmpstr (
      text, ==,
      "[{\"category\":\"promise\",\"length\":12,\"message\":\"no promises\",\"offset\":0,\"rule\":"
      "\"promise\",\"severity\":\"error\"}]");
}

static void
test_refused (void)
{
  static const struct {
    const char *kind, *text;
  } cases[] = {
    { "pattern", "(" },
    { "pattern", "a\\\\Cb" },
    { "pattern", "(*LIMIT_MATCH=9999999)a" },
    { "pattern", "(?C1)a" },
    { "phrase", "\u200b" },
    { "phrase", " " },
    { "regex", "a" },
    { "pattern", "((((a{500}){500}){500}){500})" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    g_autofree char *row =
        g_strdup_printf ("[{\"id\": \"p\", \"kind\": \"%s\", \"text\": \"%s\", \"severity\": "
                         "\"warning\", \"category\": \"c\", \"message\": \"m\"}]",
                         cases[i].kind, cases[i].text);

    g_assert_null (load (row, &error));
    g_assert_error (error, CT_ERROR, CT_ERROR_INVALID);
    g_assert_true (g_str_has_prefix (error->message, "guardrails.json[0]"));
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/guardrail/check", test_check);
  g_test_add_func ("/guardrail/length", test_length);
  g_test_add_func ("/guardrail/catastrophic", test_catastrophic);
  g_test_add_func ("/guardrail/json", test_json);
  g_test_add_func ("/guardrail/refused", test_refused);
  return g_test_run ();
}
