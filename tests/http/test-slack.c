/* The Slack channel against a strict Slack-compatible server over a real socket. */
#include "ct-channel.h"
#include "slack-process.h"

#include <string.h>

typedef struct {
  SlackProcess *slack;
  CtHttpClient *http;
  CtSecret *secret;
  char *base_url;
  CtChannelLink link;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->slack = slack_process_new (NULL);
  f->http = ct_http_client_new (NULL, NULL);
  f->base_url = g_strconcat (slack_process_url (f->slack), "/api/", NULL);
  f->secret = ct_secret_new (f->base_url, SLACK_TOKEN, NULL);
  f->link = (CtChannelLink){
    .http = f->http, .base_url = f->base_url, .secret = f->secret, .timeout_ms = 5000, .now = 1000000
  };
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  slack_process_free (f->slack);
  ct_http_client_unref (f->http);
  ct_secret_unref (f->secret);
  g_free (f->base_url);
}

static CtWire *
wire_of (const char *destination, const char *thread, const char *text, const char *key)
{
  CtWireMessage message = {
    .destination = (char *) destination, .thread = (char *) thread, .text = (char *) text, .key = (char *) key
  };
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = ct_wire_build ("slack", &message, &error);
  CtWire *wire;

  g_assert_no_error (error);
  wire = ct_wire_decode (bytes, &error);
  g_assert_no_error (error);
  return wire;
}

static void
send_to (Fixture *f, const char *destination, const char *thread, const char *key, CtSendResult *result)
{
  g_autoptr (CtWire) wire = wire_of (destination, thread, "Order ORD-2026-1047 & <co>", key);

  ct_channel_slack.send (&f->link, wire, result);
}

static char *
read_back (Fixture *f, const char *destination, const char *thread, const char *key)
{
  CtWireMessage message = { .destination = (char *) destination,
                            .thread = (char *) thread,
                            .key = (char *) key };
  g_autoptr (GError) error = NULL;
  char *id = NULL;

  ct_channel_slack.read_back (&f->link, &message, 0, &id, &error);
  g_assert_no_error (error);
  return id;
}

static void
test_test (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *who = ct_channel_slack.test (&f->link, &error);
  g_autoptr (CtSecret) wrong = ct_secret_new (f->base_url, "xoxb-wrong", NULL);

  g_assert_no_error (error);
  g_assert_cmpstr (who, ==, "control-tower in Test");
  f->link.secret = wrong;
  g_assert_null (ct_channel_slack.test (&f->link, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_REFUSED);
  g_assert_nonnull (strstr (error->message, "invalid_auth"));
  g_clear_error (&error);
  f->link.secret = NULL;
  g_assert_null (ct_channel_slack.test (&f->link, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_REFUSED);
  g_assert_cmpuint (slack_process_count (f->slack, "\"ts\""), ==, 0);
}

static void
test_send (Fixture *f, gconstpointer data)
{
  g_auto (CtSendResult) result = { 0 };
  g_auto (CtSendResult) reply = { 0 };
  g_autofree char *log = NULL;
  g_autofree char *back = NULL;
  g_autofree char *back_reply = NULL;

  send_to (f, "#ops", NULL, "k-1", &result);
  g_assert_cmpint (result.outcome, ==, CT_SEND_SENT);
  g_assert_true (g_str_has_prefix (result.external_id, "C000000001:"));
  send_to (f, "C000000001", result.external_id + strlen ("C000000001:"), "k-2", &reply);
  g_assert_cmpint (reply.outcome, ==, CT_SEND_SENT);
  g_assert_cmpuint (slack_process_count (f->slack, "ORD-2026-1047 &amp; &lt;co&gt;"), ==, 2);
  back = read_back (f, "#ops", NULL, "k-1");
  g_assert_cmpstr (back, ==, result.external_id);
  back_reply = read_back (f, "#ops", result.external_id + strlen ("C000000001:"), "k-2");
  g_assert_cmpstr (back_reply, ==, reply.external_id);
  g_assert_null (read_back (f, "#ops", NULL, "k-3"));
  log = slack_process_log (f->slack);
  g_assert_null (strstr (log, SLACK_TOKEN));
}

/* An error code whose 80th byte is the middle of a character. */
#define TEN        "éééééééééé"
#define MANY_BYTES "x" TEN TEN TEN TEN TEN TEN TEN TEN TEN

static void
test_refused (Fixture *f, gconstpointer data)
{
  static const struct {
    const char *destination, *fail, *says;
    CtSendOutcome outcome;
  } cases[] = {
    { "#nowhere", "", "channel_not_found", CT_SEND_FAILED },
    { "#far", "", "not_in_channel", CT_SEND_FAILED },
    { "#old", "", "is_archived", CT_SEND_FAILED },
    { "#ops", "token_revoked", "token_revoked", CT_SEND_FAILED },
    { "#ops", "never_heard_of", "never_heard_of", CT_SEND_FAILED },
    { "#ops", MANY_BYTES, "xéé", CT_SEND_FAILED },
    { "#ops", "redirect", "redirect", CT_SEND_FAILED },
    { "#ops", "ratelimited", "too many", CT_SEND_RETRY },
    { "#ops", "429", "less often", CT_SEND_RETRY },
    { "#ops", "internal_error", "internal_error", CT_SEND_UNKNOWN },
    { "#ops", "500", "500", CT_SEND_UNKNOWN },
    { "#ops", "html", "not one of Slack", CT_SEND_UNKNOWN },
    { "#ops", "drop", "may or may not", CT_SEND_UNKNOWN },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_auto (CtSendResult) result = { 0 };

    slack_process_fail (f->slack, cases[i].fail);
    send_to (f, cases[i].destination, NULL, "k-1", &result);
    g_test_message ("%s %s: %s", cases[i].destination, cases[i].fail, result.detail);
    g_assert_cmpint (result.outcome, ==, cases[i].outcome);
    g_assert_nonnull (strstr (result.detail, cases[i].says));
    g_assert_true (g_utf8_validate (result.detail, -1, NULL));
    g_assert_null (result.external_id);
    if (cases[i].outcome == CT_SEND_RETRY)
      g_assert_cmpint (result.retry_at, ==,
                       f->link.now + (strcmp (cases[i].fail, "429") == 0 ? 1000 : 30000));
  }
  g_assert_cmpuint (slack_process_count (f->slack, "ORD-2026-1047"), ==, 0);
}

/* The connection is lost after the server has kept the message: unknown, and found again by its key. */
static void
test_unknown_found (Fixture *f, gconstpointer data)
{
  static const char *const modes[] = { "drop-after", "hang" };

  f->link.timeout_ms = 400;
  for (guint i = 0; i < G_N_ELEMENTS (modes); i++) {
    g_auto (CtSendResult) result = { 0 };
    g_autofree char *key = g_strdup_printf ("k-%u", i);
    g_autofree char *back = NULL;

    slack_process_fail (f->slack, modes[i]);
    send_to (f, "#ops", NULL, key, &result);
    g_assert_cmpint (result.outcome, ==, CT_SEND_UNKNOWN);
    back = read_back (f, "#ops", NULL, key);
    g_assert_nonnull (back);
  }
  g_assert_cmpuint (slack_process_count (f->slack, "ORD-2026-1047"), ==, G_N_ELEMENTS (modes));
}

static void
test_unreachable (Fixture *f, gconstpointer data)
{
  g_auto (CtSendResult) result = { 0 };
  CtWireMessage message = { .destination = (char *) "#ops", .key = (char *) "k-1" };
  g_autoptr (GError) error = NULL;
  char *id = NULL;

  g_clear_pointer (&f->slack, slack_process_free);
  send_to (f, "#ops", NULL, "k-1", &result);
  g_assert_cmpint (result.outcome, ==, CT_SEND_RETRY);
  g_assert_false (ct_channel_slack.read_back (&f->link, &message, 0, &id, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_NETWORK);
  g_assert_null (id);
}

static void
test_read_back_many (Fixture *f, gconstpointer data)
{
  g_autofree char *back = NULL;
  g_autoptr (GError) error = NULL;
  CtWireMessage far = { .destination = (char *) "#nowhere", .key = (char *) "k" };
  char *id = NULL;

  for (guint i = 0; i < 250; i++) {
    g_auto (CtSendResult) result = { 0 };
    g_autofree char *key = g_strdup_printf ("k-%u", i);

    send_to (f, "#ops", NULL, key, &result);
    g_assert_cmpint (result.outcome, ==, CT_SEND_SENT);
  }
  back = read_back (f, "#ops", NULL, "k-0");
  g_assert_nonnull (back);
  g_assert_false (ct_channel_slack.read_back (&f->link, &far, 0, &id, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_NOT_FOUND);
}

static void
test_retract (Fixture *f, gconstpointer data)
{
  static const char *const bad[] = { "", "C1", "C1:", ":1.2", "C1:../x", "C 1:1.2" };
  g_auto (CtSendResult) result = { 0 };
  g_autoptr (GError) error = NULL;

  send_to (f, "#ops", NULL, "k-1", &result);
  g_assert_true (ct_channel_slack.retract (&f->link, result.external_id, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (slack_process_count (f->slack, "ORD-2026-1047"), ==, 0);
  /* what is gone already is retracted */
  g_assert_true (ct_channel_slack.retract (&f->link, result.external_id, &error));
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_clear_error (&error);
    g_assert_false (ct_channel_slack.retract (&f->link, bad[i], &error));
    g_assert_error (error, CT_ERROR, CT_ERROR_INVALID);
  }
}

#define ADD(path, func) g_test_add (path, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/slack/test", test_test);
  ADD ("/slack/send", test_send);
  ADD ("/slack/refused", test_refused);
  ADD ("/slack/unknown-found", test_unknown_found);
  ADD ("/slack/unreachable", test_unreachable);
  ADD ("/slack/read-back-many", test_read_back_many);
  ADD ("/slack/retract", test_retract);
  return g_test_run ();
}
