/* Wire bytes: a stored format, and the one thing an approver's signature stands for. */
#include "ct-base.h"
#include "ct-wire.h"

#include <string.h>

static CtWireMessage
message_of (const char *destination, const char *text)
{
  return (CtWireMessage){ .destination = (char *) destination, .text = (char *) text, .key = (char *) "k-1" };
}

static GBytes *
bytes_of (const char *text)
{
  return g_bytes_new (text, strlen (text));
}

static char *
text_of (GBytes *bytes)
{
  return g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
}

/* To the byte: a change here would void every approval that waits in a workspace. */
static void
test_format (void)
{
  CtWireMessage message = message_of ("#ops", "A & B\n<1>");
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autofree char *text = NULL;

  message.thread = (char *) "1700000000.000100";
  bytes = ct_wire_build ("slack", &message, &error);
  g_assert_no_error (error);
  text = text_of (bytes);
  g_assert_cmpstr (text, ==,
                   "{\"channel\":\"slack\",\"requests\":[{\"body\":\"{\\\"channel\\\":\\\"#ops\\\",\\\"link_"
                   "names\\\":false,"
                   "\\\"metadata\\\":{\\\"event_payload\\\":{\\\"key\\\":\\\"k-1\\\"},"
                   "\\\"event_type\\\":\\\"control_tower_post\\\"},\\\"mrkdwn\\\":false,"
                   "\\\"text\\\":\\\"A &amp; B\\\\n&lt;1&gt;\\\",\\\"thread_ts\\\":\\\"1700000000.000100\\\","
                   "\\\"unfurl_links\\\":false,\\\"unfurl_media\\\":false}\","
                   "\"content_type\":\"application/json; "
                   "charset=utf-8\",\"method\":\"POST\",\"path\":\"/api/chat.postMessage\"}],"
                   "\"v\":1}");
}

static void
test_round_trip (void)
{
  static const struct {
    const char *destination, *text, *thread;
    gboolean mentions;
  } cases[] = {
    { "#ops", "plain", NULL, FALSE },
    { "#склад-1", "Заказ ORD-2026-1047 — просрочен", NULL, FALSE },
    { "C0123ABCD", "&amp; stays &amp;, &lt; too, &&lt;", "1.2", FALSE },
    { "D0123ABCD", "a <b> \"c\" \\ \t 'd' {e}", NULL, FALSE },
    { "#ops", "<!channel> the <gate> is closed, <@U123>", NULL, TRUE },
    { "#ops", "<@u123> <!chan> <! channel> <@>", NULL, FALSE },
    { "#ops", "🚚\u200b\u202e", NULL, FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    CtWireMessage message = message_of (cases[i].destination, cases[i].text);
    g_auto (CtWireMessage) back = { 0 };
    g_autoptr (GError) error = NULL;
    g_autoptr (GBytes) bytes = NULL;
    g_autofree char *kind = NULL;

    message.thread = (char *) cases[i].thread;
    message.mentions = cases[i].mentions;
    bytes = ct_wire_build ("slack", &message, &error);
    g_assert_no_error (error);
    ct_wire_parse (bytes, &kind, &back, &error);
    g_assert_no_error (error);
    g_assert_cmpstr (kind, ==, "slack");
    g_assert_cmpstr (back.destination, ==, cases[i].destination);
    g_assert_cmpstr (back.text, ==, cases[i].text);
    g_assert_cmpstr (back.thread, ==, cases[i].thread);
    g_assert_cmpstr (back.key, ==, "k-1");
    g_assert_cmpint (back.mentions, ==, cases[i].mentions);
  }
}

static void
test_refused (void)
{
  g_autofree char *longest = g_strnfill (40000, 'x');
  g_autofree char *too_long = g_strnfill (40001, 'x');
  g_autofree char *too_long_escaped = g_strnfill (10001, '&');
  const struct {
    const char *kind, *destination, *text, *thread;
  } cases[] = {
    { "pigeon", "#ops", "x", NULL },
    { "slack", "ops", "x", NULL },
    { "slack", "#", "x", NULL },
    { "slack", "#Ops", "x", NULL },
    { "slack", "#a b", "x", NULL },
    { "slack", "#a\nb", "x", NULL },
    { "slack", "C12", "x", NULL },
    { "slack", "c0123abcd", "x", NULL },
    { "slack", "@someone", "x", NULL },
    { "slack", "", "x", NULL },
    { "slack", "#ops", "", NULL },
    { "slack", "#ops", " \n\u00a0", NULL },
    { "slack", "#ops", "a\rb", NULL },
    { "slack", "#ops", "a\x1b[1m", NULL },
    { "slack", "#ops", "a\xff", NULL },
    { "slack", "#ops", "<!channel>", NULL },
    { "slack", "#ops", "<!here>", NULL },
    { "slack", "#ops", "x <!subteam^S12> y", NULL },
    { "slack", "#ops", "<@U12>", NULL },
    { "slack", "#ops", "x", "yesterday" },
    { "slack", "#ops", "x", "1.2.3" },
    { "slack", "#ops", too_long, NULL },
    { "slack", "#ops", too_long_escaped, NULL },
  };
  CtWireMessage fits = message_of ("#ops", longest);
  g_autoptr (GBytes) bytes = ct_wire_build ("slack", &fits, NULL);

  g_assert_nonnull (bytes);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    CtWireMessage message = message_of (cases[i].destination, cases[i].text);
    g_autoptr (GError) error = NULL;

    message.thread = (char *) cases[i].thread;
    g_test_message ("case %u", i);
    g_assert_null (ct_wire_build (cases[i].kind, &message, &error));
    g_assert_error (error, CT_ERROR, CT_ERROR_INVALID);
  }
}

/* Bytes that say more than a person saw, or the same in another way. */
static void
test_tampered (void)
{
  static const struct {
    const char *find, *replace;
  } cases[] = {
    { "\"v\":1", "\"v\":2" },
    { "\"v\":1", "\"v\": 1" },
    { "\"v\":1", "\"v\":1,\"x\":1" },
    { "\"channel\":\"slack\"", "\"channel\":\"pigeon\"" },
    { "\"method\":\"POST\"", "\"method\":\"GET\"" },
    { "/api/chat.postMessage", "/api/chat.delete" },
    { "\"path\"", "\"extra\":\"1\",\"path\"" },
    { "unfurl_links\\\":false", "unfurl_links\\\":true" },
    { "\\\"text\\\"", "\\\"attachments\\\":[],\\\"text\\\"" },
    { "charset=utf-8", "charset=utf-7" },
    { "\\\"text\\\":\\\"hello", "\\\"text\\\":\\\"<https://evil.example|hello>" },
    { "#ops", "@boss" },
    { "}]", "},{}]" },
  };
  CtWireMessage message = message_of ("#ops", "hello");
  g_autoptr (GBytes) good = ct_wire_build ("slack", &message, NULL);
  g_autofree char *text = text_of (good);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GString) changed = g_string_new (text);
    g_autoptr (GBytes) bytes = NULL;
    g_auto (CtWireMessage) back = { 0 };
    g_autoptr (GError) error = NULL;

    g_assert_cmpuint (g_string_replace (changed, cases[i].find, cases[i].replace, 1), ==, 1);
    g_test_message ("%s", changed->str);
    bytes = bytes_of (changed->str);
    g_assert_false (ct_wire_parse (bytes, NULL, &back, &error));
    g_assert_nonnull (error);
    g_assert_null (back.text);
  }
}

static void
test_hostile (void)
{
  static const char *const cases[] = { "",
                                       "{}",
                                       "[]",
                                       "null",
                                       "{\"v\":1}",
                                       "\xff\xfe",
                                       "{\"v\":1,\"channel\":\"slack\",\"requests\":[]}",
                                       "{\"v\":1,\"channel\":\"slack\",\"requests\":[1]}",
                                       "{\"v\":1,\"channel\":7,\"requests\":[{}]}" };
  g_autofree char *deep = g_strnfill (CT_WIRE_MAX + 1, '[');

  for (guint i = 0; i <= G_N_ELEMENTS (cases); i++) {
    g_autoptr (GBytes) bytes = bytes_of (i < G_N_ELEMENTS (cases) ? cases[i] : deep);
    g_autoptr (GError) error = NULL;

    g_assert_null (ct_wire_decode (bytes, &error));
    g_assert_error (error, CT_ERROR, CT_ERROR_CORRUPT);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wire/format", test_format);
  g_test_add_func ("/wire/round-trip", test_round_trip);
  g_test_add_func ("/wire/refused", test_refused);
  g_test_add_func ("/wire/tampered", test_tampered);
  g_test_add_func ("/wire/hostile", test_hostile);
  return g_test_run ();
}
