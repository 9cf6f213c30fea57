#include "ct-base.h"
#include "ct-template.h"

#include <string.h>

static const char *
lookup_cb (const char *name, gpointer data)
{
  return strcmp (name, "distributor") == 0 ? "{amount} GmbH" : strcmp (name, "owner") == 0 ? " " : NULL;
}

static void
test_expand (void)
{
  static const struct {
    const char *text, *expanded;
  } cases[] = {
    { "Hello {distributor}", "Hello {amount} GmbH" },
    { "Hello {orderNumber}", "Hello {orderNumber}" },
    { "a\n? b {orderNumber}\nc", "a\nc" },
    { "a\n? b {distributor}\nc", "a\nb {amount} GmbH\nc" },
    { "a\n? b {distributor} {owner}\nc", "a\nc" },
    { "a\n\n? b {owner}\n\nc\n\n\n? d {owner}\n", "a\n\nc" },
    { "? x {owner}\n\na", "a" },
    { "What? yes", "What? yes" },
    { "", "" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *expanded = ct_template_expand (cases[i].text, lookup_cb, NULL);

    g_assert_cmpstr (expanded, ==, cases[i].expanded);
  }
}

static GPtrArray *
parse (const char *text, GError **error)
{
  g_autoptr (JsonNode) root = ct_json_parse (text, -1, 10000, NULL);

  g_assert_nonnull (root);
  return ct_template_parse_all (root, "t.json", error);
}

static void
test_find (void)
{
  static const struct {
    const char *kind, *blocker, *language, *name;
  } cases[] = {
    { "email", "payment_short", "en", "short-en" }, { "email", "payment_short", "ru-RU", "rest-ru" },
    { "email", "stock_short", "en_GB", "rest-en" }, { "email", "payment_short", "de", "short-en" },
    { "email", "stock_short", "de", "rest-en" },    { "reply", "stock_short", "en", NULL },
  };
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) list = parse (
      "[{\"name\": \"rest-en\", \"kind\": \"email\", \"language\": \"en\", \"subject\": \"S\", \"text\": "
      "\"T\"},"
      "{\"name\": \"rest-ru\", \"kind\": \"email\", \"language\": \"ru\", \"text\": \"{owner}\"},"
      "{\"name\": \"short-en\", \"kind\": \"email\", \"blocker\": \"payment_short\", \"language\": \"en\", "
      "\"text\": \"T\"}]",
      &error);

  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    const CtTemplate *found = ct_template_find (list, cases[i].kind, cases[i].blocker, cases[i].language);

    g_assert_cmpstr (found ? found->name : NULL, ==, cases[i].name);
  }
}

static void
test_refused (void)
{
  static const char *const bad[] = {
    "[{\"name\": \"a\", \"kind\": \"letter\", \"language\": \"en\", \"text\": \"T\"}]",
    "[{\"name\": \"a\", \"kind\": \"email\", \"language\": \"en\"}]",
    "[{\"name\": \"a\", \"kind\": \"email\", \"text\": \"T\"}]",
    "[{\"name\": \"a\", \"kind\": \"email\", \"language\": \"en\", \"text\": \"{ownr}\"}]",
    "[{\"name\": \"a\", \"kind\": \"email\", \"language\": \"en\", \"text\": \"{owner\"}]",
    "[{\"name\": \"a\", \"kind\": \"email\", \"language\": \"en\", \"text\": \"T\", \"subject\": \"{}\"}]",
    "[{\"name\": \"a\", \"kind\": \"email\", \"language\": \"en\", \"text\": \"T\", \"blocker\": \"x\"}]",
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
  g_test_add_func ("/template/expand", test_expand);
  g_test_add_func ("/template/find", test_find);
  g_test_add_func ("/template/refused", test_refused);
  return g_test_run ();
}
