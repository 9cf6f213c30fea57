/* A small HTTP server for machines that ask: GET only, nothing but headers is read. */
#include "ct-http-listener.h"
#include "ct-origin.h"

#include <libsoup/soup.h>
#include <string.h>

struct _CtHttpListener {
  SoupServer *server; /* (owned) */
  char *token;        /* (owned) (nullable) */
  CtHttpAnswerFunc func;
  gpointer data;
};

static void
answer (SoupServerMessage *message, guint status, const char *type, const char *text)
{
  soup_server_message_set_response (message, type, SOUP_MEMORY_COPY, text, strlen (text));
  soup_message_headers_append (soup_server_message_get_response_headers (message), "Cache-Control",
                               "no-store");
  soup_server_message_set_status (message, status, NULL);
}

static void
refuse (SoupServerMessage *message, guint status, const char *why)
{
  g_autoptr (JsonObject) object = ct_json_build ("s", "error", why);
  g_autofree char *text = ct_json_canonical_object (object, NULL);

  answer (message, status, "application/json", text);
}

/* Compared by their hashes: how long that takes tells nothing of how much was right. */
static gboolean
has_token (CtHttpListener *self, SoupMessageHeaders *headers)
{
  const char *given = soup_message_headers_get_one (headers, "Authorization");
  CtHash wanted = ct_hash (self->token, strlen (self->token)), got;

  if (!given || g_ascii_strncasecmp (given, "Bearer ", 7) != 0)
    return FALSE;
  got = ct_hash (given + 7, strlen (given + 7));
  return ct_hash_equal (&got, &wanted);
}

/* A web page in somebody's browser may lead a name of its own to this machine; it cannot make the browser say ours. */
static gboolean
names_this_machine (SoupMessageHeaders *headers)
{
  const char *host = soup_message_headers_get_one (headers, "Host");
  g_autofree char *origin = host ? g_strconcat ("http://", host, NULL) : NULL;

  return origin && ct_origin_is_loopback (origin);
}

/* Before a body is read. */
static void
early_cb (SoupServer *server, SoupServerMessage *message, const char *path, GHashTable *query, gpointer data)
{
  CtHttpListener *self = data;
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (message);

  if (self->token ? !has_token (self, headers) : !names_this_machine (headers))
    refuse (message, self->token ? SOUP_STATUS_UNAUTHORIZED : SOUP_STATUS_FORBIDDEN,
            self->token ? "a token is needed: Authorization: Bearer …"
                        : "not asked for by this machine's name");
  else if (soup_server_message_get_method (message) != SOUP_METHOD_GET)
    refuse (message, SOUP_STATUS_METHOD_NOT_ALLOWED, "only GET is answered");
}

static void
question_cb (SoupServer *server, SoupServerMessage *message, const char *path, GHashTable *query,
             gpointer data)
{
  CtHttpListener *self = data;
  CtHttpAnswer given = { SOUP_STATUS_OK, "application/json", NULL };
  g_autoptr (GError) error = NULL;

  if (!self->func (path, query, &given, self->data, &error)) {
    g_warning ("%s: %s", path, error->message);
    refuse (message, SOUP_STATUS_INTERNAL_SERVER_ERROR, "it could not be read; the log says why");
  } else if (!given.text) {
    refuse (message, SOUP_STATUS_NOT_FOUND, "there is nothing here");
  } else {
    answer (message, given.status, given.type, given.text);
  }
  g_free (given.text);
}

/* "9187", "127.0.0.1:9187", "[::1]:9187" */
static GSocketAddress *
parse_address (const char *text, GError **error)
{
  g_autofree char *whole = strchr (text, ':') ? g_strdup (text) : g_strconcat ("127.0.0.1:", text, NULL);
  char *colon = strrchr (whole, ':');
  guint64 port;
  GSocketAddress *address = NULL;
  gsize length;

  *colon = 0;
  length = strlen (whole);
  if (length > 1 && *whole == '[' && whole[length - 1] == ']') {
    whole[length - 1] = 0;
    memmove (whole, whole + 1, length - 1);
  }
  if (g_ascii_string_to_unsigned (colon + 1, 10, 0, 65535, &port, NULL))
    address = g_inet_socket_address_new_from_string (whole, (guint) port);
  if (!address)
    ct_fail (error, CT_ERROR_INVALID, _ ("“%s” is not an address to listen on: write it as 127.0.0.1:9187"),
             text);
  return address;
}

static gboolean
is_loopback (GSocketAddress *address)
{
  return g_inet_address_get_is_loopback (g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (address)));
}

/**
 * ct_http_listener_new:
 * @address: an IP address and port, or a port of the loopback address; port 0 takes a free one
 * @token: (nullable): what every question must carry; without it only this machine is answered
 * @func: what is there
 *
 * Returns: (transfer full): answers from now on, or %NULL: %CT_ERROR_REFUSED where another machine could ask without a token
 */
CtHttpListener *
ct_http_listener_new (const char *address, const char *token, CtHttpAnswerFunc func, gpointer data,
                      GError **error)
{
  g_autoptr (GSocketAddress) parsed = parse_address (address, error);
  g_autoptr (CtHttpListener) self = NULL;

  if (!parsed)
    return NULL;
  if (!token && !is_loopback (parsed)) {
    ct_fail (error, CT_ERROR_REFUSED,
             _ ("%s is open to other machines: a token is needed, which --token-file names"), address);
    return NULL;
  }
  self = g_new0 (CtHttpListener, 1);
  self->token = g_strdup (token);
  self->func = func;
  self->data = data;
  self->server = soup_server_new ("server-header", "control-tower", NULL);
  soup_server_add_early_handler (self->server, NULL, early_cb, self, NULL);
  soup_server_add_handler (self->server, NULL, question_cb, self, NULL);
  return soup_server_listen (self->server, parsed, 0, error) ? g_steal_pointer (&self) : NULL;
}

void
ct_http_listener_free (CtHttpListener *self)
{
  if (!self)
    return;
  soup_server_disconnect (self->server);
  g_object_unref (self->server);
  if (self->token)
    explicit_bzero (self->token, strlen (self->token));
  g_free (self->token);
  g_free (self);
}

/* The port that it has, where 0 was asked for. */
guint
ct_http_listener_port (CtHttpListener *self)
{
  GSList *uris = soup_server_get_uris (self->server);
  guint port = uris ? (guint) g_uri_get_port (uris->data) : 0;

  g_slist_free_full (uris, (GDestroyNotify) g_uri_unref);
  return port;
}
