/* Slack. Sources: docs.slack.dev, methods chat.postMessage, chat.delete, chat.update, auth.test, conversations.history,
 * conversations.replies, conversations.list; apis/web-api/rate-limits. */
#include "ct-channel.h"

#include "ct-base.h"
#include "ct-channel-slack-errors.h"

#include <string.h>

#define JSON_TYPE   "application/json; charset=utf-8"
#define ANSWER_MOST (4 * 1024 * 1024)

/* Where 429 comes without a Retry-After. */
#define WAIT_MS (30 * CT_MS_SECOND)

/* Pages that are read while looking for one message or one channel. */
#define PAGES_MOST 20

/* An answer of the Web API: what it says of the request, and its JSON object. */
typedef struct {
  CtSendResult result;
  JsonNode *root;     /* (owned) (nullable) */
  JsonObject *object; /* (unowned) (nullable): of root */
} Answer;

static void
answer_clear (Answer *answer)
{
  ct_send_result_clear (&answer->result);
  g_clear_pointer (&answer->root, json_node_unref);
  answer->object = NULL;
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Answer, answer_clear)

static void
set_problem (CtSendResult *result, CtSendOutcome outcome, const char *format, ...)
{
  va_list args;
  g_autofree char *detail = NULL;

  va_start (args, format);
  detail = g_strdup_vprintf (format, args);
  va_end (args);
  ct_send_result_set (result, outcome, detail);
}

/* HTTP 200 with "ok": false is how Slack refuses. */
static void
judge_body (Answer *answer, GBytes *body)
{
  const char *text = g_bytes_get_data (body, NULL);
  const SlackError *known;
  g_autofree char *code = NULL;

  answer->root = ct_json_parse (text ? text : "", (gssize) g_bytes_get_size (body), ANSWER_MOST, NULL);
  answer->object =
      answer->root && JSON_NODE_HOLDS_OBJECT (answer->root) ? json_node_get_object (answer->root) : NULL;
  if (!answer->object || !json_object_has_member (answer->object, "ok")) {
    ct_send_result_set (
        &answer->result, CT_SEND_UNKNOWN,
        _ ("The answer is not one of Slack's: check the channel's address and any proxy before it"));
    return;
  }
  if (ct_json_bool (answer->object, "ok", FALSE)) {
    answer->result.outcome = CT_SEND_SENT;
    return;
  }
  code = ct_text_snippet (ct_json_string (answer->object, "error", "?"), 80);
  known = slack_error_find (code);
  if (known)
    set_problem (&answer->result, known->outcome, _ ("Slack: %s (%s)"), _ (known->advice), code);
  else
    set_problem (&answer->result, CT_SEND_FAILED, _ ("Slack refused the request: %s"), code);
}

static void
judge (Answer *answer, CtHttpResponse *response, gint64 now)
{
  guint status = ct_http_response_status (response);

  if (status == 429)
    set_problem (&answer->result, CT_SEND_RETRY, _ ("Slack asks to send less often"));
  else if (status >= 500)
    set_problem (&answer->result, CT_SEND_UNKNOWN, _ ("Slack has a problem of its own (HTTP %u)"), status);
  else if (status != 200)
    set_problem (&answer->result, CT_SEND_FAILED,
                 _ ("Slack refused the request (HTTP %u): check the channel's address"), status);
  else
    judge_body (answer, ct_http_response_body (response));
  if (answer->result.outcome == CT_SEND_RETRY) {
    gint64 at = ct_http_response_retry_at (response, now);

    answer->result.retry_at = at ? at : now + WAIT_MS;
  }
}

/* Sends @request; every failure is in the answer's result. */
static void
call (const CtChannelLink *link, CtHttpRequest *request, Answer *answer)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CtHttpResponse) response = NULL;

  answer->result.outcome = CT_SEND_FAILED;
  if (!link->secret) {
    ct_send_result_set (&answer->result, CT_SEND_FAILED,
                        _ ("The channel has no token: add it again with its token"));
    return;
  }
  ct_http_request_set_body_max (request, ANSWER_MOST);
  if (link->timeout_ms > 0)
    ct_http_request_set_timeout (request, link->timeout_ms);
  if (ct_http_request_set_secret (request, link->secret, CT_HTTP_BEARER, NULL, &error))
    response = ct_http_send (link->http, request, link->cancellable, &error);
  if (response)
    judge (answer, response, link->now);
  else
    ct_send_result_set_error (&answer->result, error);
}

/* People copy the address with or without the "/api" that every method's path begins with. */
static CtHttpRequest *
new_request (const CtChannelLink *link, const char *method, const char *path, GError **error)
{
  gsize length = strlen (link->base_url);
  g_autofree char *base = NULL;

  while (length > 0 && link->base_url[length - 1] == '/')
    length--;
  if (length > 4 && strncmp (link->base_url + length - 4, "/api", 4) == 0)
    length -= 4;
  base = g_strndup (link->base_url, length);
  return ct_http_request_new (method, base, path, error);
}

static void
post (const CtChannelLink *link, const char *path, const char *body, Answer *answer)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = g_bytes_new (body, strlen (body));
  g_autoptr (CtHttpRequest) request = new_request (link, "POST", path, &error);

  if (!request) {
    ct_send_result_set_error (&answer->result, error);
    return;
  }
  ct_http_request_set_body (request, JSON_TYPE, bytes);
  call (link, request, answer);
}

/* As a #GError, for calls whose failure changes nothing. */
static gboolean
answer_check (const Answer *answer, GError **error)
{
  static const CtErrorCode codes[] = { [CT_SEND_RETRY] = CT_ERROR_NETWORK,
                                       [CT_SEND_FAILED] = CT_ERROR_REFUSED,
                                       [CT_SEND_UNKNOWN] = CT_ERROR_UNKNOWN_FATE };

  return answer->result.outcome == CT_SEND_SENT ||
         ct_fail (error, codes[answer->result.outcome], "%s", answer->result.detail);
}

static char *
slack_test (const CtChannelLink *link, GError **error)
{
  g_auto (Answer) answer = { 0 };
  const char *user, *team;

  post (link, "/api/auth.test", "{}", &answer);
  if (!answer_check (&answer, error))
    return NULL;
  user = ct_json_string (answer.object, "user", "?");
  team = ct_json_string (answer.object, "team", "?");
  return g_strdup_printf (_ ("%s in %s"), user, team);
}

/* An ID as it is stored and shown: of bounded length, without blanks, controls or the colon that joins two. */
static gboolean
is_channel (const char *text)
{
  gsize length = text ? strlen (text) : 0;

  for (gsize i = 0; i < length; i++)
    if (g_ascii_iscntrl (text[i]) || strchr (" :/<>&", text[i]))
      return FALSE;
  return length > 0 && length <= 100;
}

static gboolean
is_time_stamp (const char *text)
{
  gsize length = text ? strlen (text) : 0;

  return length > 0 && length <= 32 && strspn (text, "0123456789.") == length;
}

static void
slack_send (const CtChannelLink *link, const CtWire *wire, CtSendResult *result)
{
  const CtWireRequest *request = wire->requests->pdata[0];
  g_auto (Answer) answer = { 0 };
  const char *channel, *ts;

  post (link, request->path, request->body, &answer);
  channel = ct_json_string (answer.object, "channel", NULL);
  ts = ct_json_string (answer.object, "ts", NULL);
  if (answer.result.outcome == CT_SEND_SENT && is_channel (channel) && is_time_stamp (ts))
    answer.result.external_id = g_strdup_printf ("%s:%s", channel, ts);
  else if (answer.result.outcome == CT_SEND_SENT)
    ct_send_result_set (&answer.result, CT_SEND_UNCONFIRMED,
                        _ ("Slack took the message but named no ID for it"));
  *result = answer.result;
  answer.result = (CtSendResult){ 0 };
}

/* Sees each element of a page's list; TRUE ends the search. */
typedef gboolean (*Visit) (JsonObject *element, gpointer data);

static gboolean
visit_page (JsonObject *page, const char *member, Visit visit, gpointer data)
{
  JsonArray *list = ct_json_array (page, member);

  for (guint i = 0; list && i < json_array_get_length (list); i++) {
    JsonNode *node = json_array_get_element (list, i);

    if (JSON_NODE_HOLDS_OBJECT (node) && visit (json_node_get_object (node), data))
      return TRUE;
  }
  return FALSE;
}

/* Reads page after page of a list method until @visit has what it looks for. @query: name, value … NULL. */
static gboolean
search (const CtChannelLink *link, const char *path, const char *const *query, const char *member,
        Visit visit, gpointer data, GError **error)
{
  g_autofree char *cursor = NULL;

  for (guint page = 0; page < PAGES_MOST; page++) {
    g_autoptr (CtHttpRequest) request = new_request (link, "GET", path, error);
    g_auto (Answer) answer = { 0 };

    if (!request)
      return FALSE;
    for (guint i = 0; query[i]; i += 2)
      ct_http_request_add_query (request, query[i], query[i + 1]);
    if (cursor)
      ct_http_request_add_query (request, "cursor", cursor);
    call (link, request, &answer);
    if (!answer_check (&answer, error))
      return FALSE;
    if (visit_page (answer.object, member, visit, data))
      return TRUE;
    g_free (cursor);
    cursor =
        g_strdup (ct_json_string (ct_json_object (answer.object, "response_metadata"), "next_cursor", ""));
    if (!*cursor)
      return TRUE;
  }
  return ct_fail (error, CT_ERROR_FAILED,
                  _ ("Slack lists more than can be searched: use the channel's ID (C…)"));
}

typedef struct {
  const char *wanted;
  char *found; /* (owned) (nullable) */
} Lookup;

static gboolean
match_channel (JsonObject *channel, gpointer data)
{
  Lookup *lookup = data;
  const char *id = ct_json_string (channel, "id", NULL);

  if (g_strcmp0 (ct_json_string (channel, "name", NULL), lookup->wanted) != 0 || !is_channel (id))
    return FALSE;
  lookup->found = g_strdup (id);
  return TRUE;
}

static gboolean
match_message (JsonObject *message, gpointer data)
{
  Lookup *lookup = data;
  JsonObject *metadata = ct_json_object (message, "metadata");
  const char *key = ct_json_string (ct_json_object (metadata, "event_payload"), "key", NULL);
  const char *ts = ct_json_string (message, "ts", NULL);

  if (g_strcmp0 (ct_json_string (metadata, "event_type", NULL), CT_WIRE_SLACK_EVENT) != 0 ||
      g_strcmp0 (key, lookup->wanted) != 0 || !is_time_stamp (ts))
    return FALSE;
  lookup->found = g_strdup (ts);
  return TRUE;
}

/* The ID of "#name": history is read by ID alone. */
static char *
resolve_channel (const CtChannelLink *link, const char *destination, GError **error)
{
  static const char *const query[] = { "limit", "1000",  "exclude_archived",
                                       "true",  "types", "public_channel,private_channel",
                                       NULL };
  Lookup lookup = { .wanted = destination + 1 };

  if (*destination != '#')
    return g_strdup (destination);
  if (!search (link, "/api/conversations.list", query, "channels", match_channel, &lookup, error))
    return NULL;
  if (!lookup.found)
    ct_fail (error, CT_ERROR_NOT_FOUND, _ ("Slack shows no channel %s to this token"), destination);
  return lookup.found;
}

static gboolean
slack_read_back (const CtChannelLink *link, const CtWireMessage *message, gint64 since_ms, char **external_id,
                 GError **error)
{
  g_autofree char *channel = resolve_channel (link, message->destination, error);
  g_autofree char *oldest = g_strdup_printf ("%" G_GINT64_FORMAT ".000000", since_ms / CT_MS_SECOND);
  const char *query[] = { "channel", channel, "oldest", oldest, "include_all_metadata",
                          "true",    "limit", "200",    "ts",   message->thread,
                          NULL };
  const char *path = message->thread ? "/api/conversations.replies" : "/api/conversations.history";
  Lookup lookup = { .wanted = message->key };

  if (!channel)
    return FALSE;
  if (!message->thread)
    query[8] = NULL;
  if (!search (link, path, query, "messages", match_message, &lookup, error))
    return FALSE;
  if (lookup.found)
    *external_id = g_strdup_printf ("%s:%s", channel, lookup.found);
  g_free (lookup.found);
  return TRUE;
}

/* Where a workspace's rules forbid deletion the text is replaced. */
static gboolean
blank (const CtChannelLink *link, const char *channel, const char *ts, GError **error)
{
  g_autoptr (JsonObject) object =
      ct_json_build ("sss", "channel", channel, "ts", ts, "text", _ ("This message was retracted."));
  g_autofree char *body = ct_json_canonical_object (object, error);
  g_auto (Answer) answer = { 0 };

  if (!body)
    return FALSE;
  post (link, "/api/chat.update", body, &answer);
  return answer_check (&answer, error);
}

static gboolean
slack_retract (const CtChannelLink *link, const char *external_id, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (external_id, ":", 2);
  g_autoptr (JsonObject) object = NULL;
  g_autofree char *body = NULL;
  g_auto (Answer) answer = { 0 };
  const char *code;

  if (!is_channel (parts[0]) || !is_time_stamp (parts[1]))
    return ct_fail (error, CT_ERROR_INVALID, _ ("“%s” is no Slack message ID"), external_id);
  object = ct_json_build ("ss", "channel", parts[0], "ts", parts[1]);
  body = ct_json_canonical_object (object, error);
  if (!body)
    return FALSE;
  post (link, "/api/chat.delete", body, &answer);
  code = ct_json_string (answer.object, "error", "");
  if (strcmp (code, "message_not_found") == 0)
    return TRUE;
  if (strcmp (code, "cant_delete_message") == 0 || strcmp (code, "compliance_exports_prevent_deletion") == 0)
    return blank (link, parts[0], parts[1], error);
  return answer_check (&answer, error);
}

/* About one message a second and channel, short bursts allowed. */
const CtChannelClass ct_channel_slack = {
  .kind = "slack",
  .base_url = "https://slack.com",
  .burst = 3,
  .interval_ms = CT_MS_SECOND,
  .test = slack_test,
  .send = slack_send,
  .read_back = slack_read_back,
  .retract = slack_retract,
};
