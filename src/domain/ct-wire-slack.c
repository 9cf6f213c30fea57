/* Slack's chat.postMessage. Sources: docs.slack.dev, methods/chat.postMessage, messaging/formatting-message-text,
 * messaging/message-metadata. */
#include "ct-wire.h"

#include "ct-base.h"

#include <string.h>

#define PATH         "/api/chat.postMessage"
#define CONTENT_TYPE "application/json; charset=utf-8"

/* Longer texts are cut by Slack; the count is of what is sent, after escaping. */
#define TEXT_MOST 40000

/* What notifies many people at once: "<!channel>", "<!here>", "<!everyone>", "<!subteam^S123>", "<@U123>". */
static gsize
mention_length (const char *text)
{
  static const char *const all[] = { "<!channel>", "<!here>", "<!everyone>" };
  gsize start;

  for (guint i = 0; i < G_N_ELEMENTS (all); i++)
    if (g_str_has_prefix (text, all[i]))
      return strlen (all[i]);
  start = g_str_has_prefix (text, "<!subteam^") ? 10 : g_str_has_prefix (text, "<@") ? 2 : 0;
  if (start) {
    gsize n = strspn (text + start, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");

    if (n > 0 && text[start + n] == '>')
      return start + n + 1;
  }
  return 0;
}

static gboolean
check_destination (const char *destination, GError **error)
{
  gsize length = strlen (destination);
  gboolean good = length >= 2 && g_utf8_validate (destination, -1, NULL);

  if (good && *destination == '#') {
    for (const char *p = destination + 1; *p; p = g_utf8_next_char (p)) {
      gunichar c = g_utf8_get_char (p);

      good &=
          (g_unichar_isalnum (c) && !g_unichar_isupper (c)) || c == '-' || c == '_' || g_unichar_ismark (c);
    }
    good &= g_utf8_strlen (destination, -1) <= 81;
  } else {
    good = good && strchr ("CGD", *destination) && length >= 9 && length <= 32 &&
           strspn (destination, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == length;
  }
  return good || ct_fail (error, CT_ERROR_INVALID,
                          _ ("“%s” is no Slack destination: write #name as Slack shows it, or the channel's "
                             "ID (C…, G…, D…)"),
                          destination);
}

static gboolean
escape (const CtWireMessage *message, GString *out, GError **error)
{
  for (const char *p = message->text; *p; p++) {
    gsize mention = mention_length (p);

    if (mention && !message->mentions)
      return ct_fail (error, CT_ERROR_INVALID,
                      _ ("The message calls people with “%.*s”, which this post may not do: take it out"),
                      (int) MIN (mention, 40), p);
    if (mention) {
      g_string_append_len (out, p, (gssize) mention);
      p += mention - 1;
      continue;
    }
    switch (*p) {
    case '&':
      g_string_append (out, "&amp;");
      break;
    case '<':
      g_string_append (out, "&lt;");
      break;
    case '>':
      g_string_append (out, "&gt;");
      break;
    default:
      g_string_append_c (out, *p);
    }
  }
  return TRUE;
}

static gboolean
check_thread (const char *thread, GError **error)
{
  const char *dot = thread ? strchr (thread, '.') : NULL;

  if (!thread || (dot && dot > thread && strlen (thread) < 32 &&
                  strspn (thread, "0123456789") == (gsize) (dot - thread) && dot[1] &&
                  strspn (dot + 1, "0123456789") == strlen (dot + 1)))
    return TRUE;
  return ct_fail (error, CT_ERROR_INVALID, _ ("“%s” is no Slack message time stamp"), thread);
}

static gboolean
build (const CtWireMessage *message, CtWire *wire, GError **error)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (JsonObject) object = NULL;
  g_autofree char *body = NULL;

  if (!check_thread (message->thread, error) || !escape (message, text, error))
    return FALSE;
  if (g_utf8_strlen (text->str, -1) > TEXT_MOST)
    return ct_fail (error, CT_ERROR_INVALID,
                    _ ("The message has more than %d characters as Slack counts them: shorten it"),
                    TEXT_MOST);
  /* plain text: what the approver read is what Slack shows, with no markup read into it and no page fetched */
  object = ct_json_build ("sssbbbbo", "channel", message->destination, "text", text->str, "thread_ts",
                          message->thread, "mrkdwn", FALSE, "link_names", FALSE, "unfurl_links", FALSE,
                          "unfurl_media", FALSE, "metadata",
                          ct_json_build ("so", "event_type", CT_WIRE_SLACK_EVENT, "event_payload",
                                         ct_json_build ("s", "key", message->key)));
  body = ct_json_canonical_object (object, error);
  if (!body)
    return FALSE;
  ct_wire_add (wire, "POST", PATH, CONTENT_TYPE, body);
  return TRUE;
}

static char *
unescape (const char *text, gboolean *mentions)
{
  static const struct {
    const char *escaped;
    char plain;
  } entities[] = { { "&amp;", '&' }, { "&lt;", '<' }, { "&gt;", '>' } };
  GString *out = g_string_new (NULL);

  while (*text) {
    guint i = 0;

    *mentions |= *text == '<';
    while (i < G_N_ELEMENTS (entities) && !g_str_has_prefix (text, entities[i].escaped))
      i++;
    g_string_append_c (out, i < G_N_ELEMENTS (entities) ? entities[i].plain : *text);
    text += i < G_N_ELEMENTS (entities) ? strlen (entities[i].escaped) : 1;
  }
  return g_string_free (out, FALSE);
}

static gboolean
parse (const CtWire *wire, CtWireMessage *message, GError **error)
{
  const CtWireRequest *request = wire->requests->pdata[0];
  g_autoptr (JsonNode) root = ct_json_parse (request->body, -1, CT_WIRE_MAX, error);
  JsonObject *object = root && JSON_NODE_HOLDS_OBJECT (root) ? json_node_get_object (root) : NULL;
  JsonObject *payload = ct_json_object (ct_json_object (object, "metadata"), "event_payload");
  const char *channel = ct_json_string (object, "channel", NULL);
  const char *text = ct_json_string (object, "text", NULL);
  const char *key = ct_json_string (payload, "key", NULL);

  if (!root)
    return FALSE;
  if (wire->requests->len != 1 || !channel || !text || !key)
    return ct_fail (error, CT_ERROR_CORRUPT, _ ("The wire bytes are no Slack message"));
  message->destination = g_strdup (channel);
  message->thread = g_strdup (ct_json_string (object, "thread_ts", NULL));
  message->text = unescape (text, &message->mentions);
  message->key = g_strdup (key);
  return TRUE;
}

const CtWireClass ct_wire_slack = {
  .kind = "slack",
  .text_most = TEXT_MOST,
  .check_destination = check_destination,
  .build = build,
  .parse = parse,
};
