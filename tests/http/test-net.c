/* Requests over real sockets: what the fate of each failure is said to be, and where a token arrives. */
#include "ct-config.h"
#include "ct-net.h"
#include "loopback-server.h"

#include <string.h>

static CtHttpRequest *
post_to (const char *url, const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) body = g_bytes_new_static ("{\"text\":\"hello\"}", 16);
  CtHttpRequest *request = ct_http_request_new ("POST", url, path, &error);

  g_assert_no_error (error);
  ct_http_request_set_body (request, "application/json; charset=utf-8", body);
  return request;
}

static CtHttpResponse *
send (CtHttpRequest *request, GError **error)
{
  g_autoptr (CtHttpClient) client = ct_http_client_new (NULL, NULL);

  return ct_http_send (client, request, NULL, error);
}

/* What a server saw and what it answers. */
typedef struct {
  guint status;
  const char *name, *value; /* a header of the answer */
  gsize body_size;
  gint hits; /* (atomic) */
  char *authorization, *target, *body, *cookie, *content_type;
} Script;

static void
script_clear (Script *script)
{
  g_free (script->authorization);
  g_free (script->target);
  g_free (script->body);
  g_free (script->cookie);
  g_free (script->content_type);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Script, script_clear)

static void
replace (char **field, const char *value)
{
  g_free (*field);
  *field = g_strdup (value);
}

static void
scripted_cb (SoupServer *server, SoupServerMessage *message, const char *path, GHashTable *query,
             gpointer data)
{
  Script *script = data;
  SoupMessageHeaders *got = soup_server_message_get_request_headers (message);
  SoupMessageHeaders *headers = soup_server_message_get_response_headers (message);
  g_autofree char *target = g_uri_to_string (soup_server_message_get_uri (message));
  g_autoptr (GBytes) body = soup_message_body_flatten (soup_server_message_get_request_body (message));
  g_autofree char *fill = g_malloc (script->body_size + 1);

  g_atomic_int_inc (&script->hits);
  replace (&script->authorization, soup_message_headers_get_one (got, "Authorization"));
  replace (&script->cookie, soup_message_headers_get_one (got, "Cookie"));
  replace (&script->content_type, soup_message_headers_get_one (got, "Content-Type"));
  replace (&script->target, strchr (target + 8, '/'));
  g_free (script->body);
  script->body = g_strndup (g_bytes_get_data (body, NULL), g_bytes_get_size (body));
  soup_server_message_set_status (message, script->status, NULL);
  soup_message_headers_append (headers, "Set-Cookie", "session=1; Path=/");
  if (script->name)
    soup_message_headers_append (headers, script->name, script->value);
  memset (fill, 'x', script->body_size);
  soup_server_message_set_response (message, "text/plain", SOUP_MEMORY_COPY, fill, script->body_size);
}

static void
test_statuses (void)
{
  static const guint statuses[] = { 200, 204, 400, 401, 404, 429, 500, 503 };

  for (guint i = 0; i < G_N_ELEMENTS (statuses); i++) {
    g_auto (Script) script = { .status = statuses[i] };
    g_autoptr (SoupLoop) server = soup_loop_new (scripted_cb, &script, NULL);
    g_autoptr (CtHttpRequest) request = post_to (soup_loop_url (server), "/api/chat.postMessage");
    g_autoptr (GError) error = NULL;
    g_autoptr (CtHttpResponse) response = send (request, &error);

    g_assert_no_error (error);
    g_assert_cmpuint (ct_http_response_status (response), ==, statuses[i]);
    g_assert_cmpint (g_atomic_int_get (&script.hits), ==, 1);
    g_assert_cmpstr (script.body, ==, "{\"text\":\"hello\"}");
    g_assert_cmpstr (script.content_type, ==, "application/json; charset=utf-8");
    g_assert_null (script.authorization);
  }
}

static void
test_no_cookies (void)
{
  g_auto (Script) script = { .status = 200 };
  g_autoptr (SoupLoop) server = soup_loop_new (scripted_cb, &script, NULL);
  g_autoptr (CtHttpClient) client = ct_http_client_new (NULL, NULL);

  for (guint i = 0; i < 2; i++) {
    g_autoptr (CtHttpRequest) request = post_to (soup_loop_url (server), "/");
    g_autoptr (CtHttpResponse) response = ct_http_send (client, request, NULL, NULL);

    g_assert_nonnull (ct_http_response_header (response, "set-cookie"));
    g_assert_null (script.cookie);
  }
}

static void
test_retry_after (void)
{
  /* now is 2026-06-04T09:00:00Z */
  static const struct {
    const char *value;
    gint64 wait_ms; /* -1: none */
  } cases[] = {
    { "30", 30 * CT_MS_SECOND },
    { "0", 0 },
    { "1.5", 2 * CT_MS_SECOND },
    { "Thu, 04 Jun 2026 09:02:00 GMT", 2 * CT_MS_MINUTE },
    { "Thu, 04 Jun 2020 09:02:00 GMT", 0 },
    { "Thu, 04 Jun 2099 09:02:00 GMT", CT_MS_DAY },
    { "99999999999999999999", CT_MS_DAY },
    { "-5", -1 },
    { "soon", -1 },
    { "5 minutes", -1 },
  };
  gint64 now = 0;

  g_assert_true (ct_time_parse ("2026-06-04T09:00:00Z", &now));
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_auto (Script) script = { .status = 429, .name = "Retry-After", .value = cases[i].value };
    g_autoptr (SoupLoop) server = soup_loop_new (scripted_cb, &script, NULL);
    g_autoptr (CtHttpRequest) request = post_to (soup_loop_url (server), "/");
    g_autoptr (CtHttpResponse) response = send (request, NULL);

    g_test_message ("Retry-After: %s", cases[i].value);
    g_assert_cmpuint (ct_http_response_status (response), ==, 429);
    g_assert_cmpint (ct_http_response_retry_at (response, now), ==,
                     cases[i].wait_ms < 0 ? 0 : now + cases[i].wait_ms);
  }
}

static void
test_size (void)
{
  static const struct {
    gsize body, most;
    gboolean fits;
  } cases[] = { { 1000, 1000, TRUE }, { 1001, 1000, FALSE }, { 100000, 50000, FALSE }, { 0, 0, TRUE } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_auto (Script) script = { .status = 200, .body_size = cases[i].body };
    g_autoptr (SoupLoop) server = soup_loop_new (scripted_cb, &script, NULL);
    g_autoptr (CtHttpRequest) request = post_to (soup_loop_url (server), "/");
    g_autoptr (GError) error = NULL;
    g_autoptr (CtHttpResponse) response = NULL;

    ct_http_request_set_body_max (request, cases[i].most);
    response = send (request, &error);
    if (cases[i].fits)
      g_assert_cmpuint (g_bytes_get_size (ct_http_response_body (response)), ==, cases[i].body);
    else
      g_assert_error (error, CT_ERROR, CT_ERROR_UNKNOWN_FATE);
  }
}

/* What happened after the first byte may have gone out is never said to be surely unsent, and is never tried twice. */
static void
test_unknown_fate (void)
{
  static const RawMode modes[] = { RAW_CLOSE_AT_ONCE, RAW_CLOSE_AFTER_READ, RAW_RESET_AFTER_READ,
                                   RAW_NEVER_ANSWER,  RAW_TRICKLE,          RAW_HALF_BODY,
                                   RAW_NOT_HTTP };

  for (guint i = 0; i < G_N_ELEMENTS (modes); i++) {
    g_autoptr (RawServer) server = raw_server_new (modes[i]);
    g_autoptr (CtHttpRequest) request = post_to (raw_server_url (server), "/api/chat.postMessage");
    g_autoptr (GError) error = NULL;

    g_test_message ("mode %u", i);
    if (modes[i] == RAW_NEVER_ANSWER || modes[i] == RAW_TRICKLE)
      ct_http_request_set_timeout (request, 150);
    g_assert_null (send (request, &error));
    g_assert_error (error, CT_ERROR, CT_ERROR_UNKNOWN_FATE);
    g_assert_nonnull (strstr (error->message, "/api/chat.postMessage"));
    g_assert_cmpuint (raw_server_connections (server), ==, 1);
  }
}

static void
test_surely_unsent (void)
{
  g_autoptr (RawServer) gone = raw_server_new (RAW_CLOSE_AT_ONCE);
  g_autofree char *refused = g_strdup (raw_server_url (gone));
  const char *urls[] = { refused, "https://name.invalid" };

  g_clear_pointer (&gone, raw_server_free);
  for (guint i = 0; i < G_N_ELEMENTS (urls); i++) {
    g_autoptr (CtHttpRequest) request = post_to (urls[i], "/");
    g_autoptr (GError) error = NULL;

    g_assert_null (send (request, &error));
    g_assert_error (error, CT_ERROR, CT_ERROR_NETWORK);
  }
}

/* A loopback port whose queue is full lets no connection through: the deadline strikes before anything was sent. */
static void
test_connect_timeout (void)
{
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) any = g_inet_socket_address_new (loopback, 0);
  g_autoptr (GSocket) listener = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, 0, NULL);
  g_autoptr (GSocketAddress) bound = NULL;
  g_autoptr (GPtrArray) fillers = g_ptr_array_new_with_free_func (g_object_unref);
  g_autofree char *url = NULL;
  g_autoptr (CtHttpRequest) request = NULL;
  g_autoptr (GError) error = NULL;

  g_socket_set_listen_backlog (listener, 0);
  g_assert_true (g_socket_bind (listener, any, TRUE, NULL) && g_socket_listen (listener, NULL));
  bound = g_socket_get_local_address (listener, NULL);
  for (guint i = 0; i < 4; i++) {
    GSocket *filler = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, 0, NULL);

    g_socket_set_blocking (filler, FALSE);
    g_socket_connect (filler, bound, NULL, NULL);
    g_ptr_array_add (fillers, filler);
  }
  url =
      g_strdup_printf ("http://127.0.0.1:%u", g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound)));
  request = post_to (url, "/");
  ct_http_request_set_timeout (request, 150);
  g_assert_null (send (request, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_NETWORK);
}

static gpointer
cancel_soon (gpointer cancellable)
{
  g_usleep (100000);
  g_cancellable_cancel (cancellable);
  return NULL;
}

static void
test_cancel (void)
{
  g_autoptr (RawServer) server = raw_server_new (RAW_NEVER_ANSWER);
  g_autoptr (CtHttpClient) client = ct_http_client_new (NULL, NULL);
  g_autoptr (CtHttpRequest) request = post_to (raw_server_url (server), "/");
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  GThread *thread = g_thread_new ("cancel", cancel_soon, cancellable);

  g_assert_null (ct_http_send (client, request, cancellable, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_UNKNOWN_FATE);
  g_thread_join (thread);
  g_clear_error (&error);
  g_assert_null (ct_http_send (client, request, cancellable, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_NETWORK);
}

static void
test_redirect (void)
{
  static const struct {
    guint status;
    CtErrorCode code;
  } cases[] = {
    { 301, CT_ERROR_REFUSED }, { 302, CT_ERROR_REFUSED },      { 307, CT_ERROR_REFUSED },
    { 308, CT_ERROR_REFUSED }, { 303, CT_ERROR_UNKNOWN_FATE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_auto (Script) thief = { .status = 200 };
    g_autoptr (SoupLoop) elsewhere = soup_loop_new (scripted_cb, &thief, NULL);
    g_auto (Script)
        script = { .status = cases[i].status, .name = "Location", .value = soup_loop_url (elsewhere) };
    g_autoptr (SoupLoop) server = soup_loop_new (scripted_cb, &script, NULL);
    g_autoptr (CtSecret) secret = ct_secret_new (soup_loop_url (server), "xoxb-1-secret", NULL);
    g_autoptr (CtHttpRequest) request = post_to (soup_loop_url (server), "/");
    g_autoptr (GError) error = NULL;

    g_assert_true (ct_http_request_set_secret (request, secret, CT_HTTP_BEARER, NULL, NULL));
    g_assert_null (send (request, &error));
    g_assert_error (error, CT_ERROR, (int) cases[i].code);
    g_assert_nonnull (strstr (error->message, "redirect"));
    g_assert_cmpstr (script.authorization, ==, "Bearer xoxb-1-secret");
    g_assert_cmpint (g_atomic_int_get (&thief.hits), ==, 0);
  }
}

static void
test_placement (void)
{
  static const struct {
    CtHttpPlacement placement;
    const char *name, *path, *target, *authorization;
  } cases[] = {
    { CT_HTTP_BEARER, NULL, "/x", "/base/x?a=1%262", "Bearer 7:AB-c_d" },
    { CT_HTTP_HEADER, "Authorization", "/x", "/base/x?a=1%262", "7:AB-c_d" },
    { CT_HTTP_PATH, NULL, "/bot{secret}/sendMessage", "/base/bot7:AB-c_d/sendMessage?a=1%262", NULL },
    { CT_HTTP_QUERY, "sig", "/x", "/base/x?a=1%262&sig=7%3AAB-c_d", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_auto (Script) script = { .status = 200 };
    g_autoptr (SoupLoop) server = soup_loop_new (scripted_cb, &script, NULL);
    g_autofree char *base = g_strconcat (soup_loop_url (server), "/base/", NULL);
    g_autoptr (CtSecret) secret = ct_secret_new (base, "7:AB-c_d", NULL);
    g_autoptr (CtHttpRequest) request = post_to (base, cases[i].path);
    g_autofree char *what = NULL;
    g_autoptr (CtHttpResponse) response = NULL;

    ct_http_request_add_query (request, "a", "1&2");
    g_assert_true (ct_http_request_set_secret (request, secret, cases[i].placement, cases[i].name, NULL));
    response = send (request, NULL);
    g_assert_cmpuint (ct_http_response_status (response), ==, 200);
    g_assert_cmpstr (script.target, ==, cases[i].target);
    g_assert_cmpstr (script.authorization, ==, cases[i].authorization);
    what = ct_http_request_describe (request);
    g_assert_null (strstr (what, "AB-c_d"));
  }
}

static void
test_secret_of_another_origin (void)
{
  g_autoptr (CtSecret) secret = ct_secret_new ("https://slack.com", "xoxb-1", NULL);
  g_autoptr (CtHttpRequest) request = post_to ("https://slack.com.evil.example", "/");
  g_autoptr (GError) error = NULL;

  g_assert_false (ct_http_request_set_secret (request, secret, CT_HTTP_BEARER, NULL, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_REFUSED);
}

static void
test_bad_requests (void)
{
  static const struct {
    const char *method, *url, *path;
  } cases[] = {
    { "TRACE", "https://a.example", "/" },        { "GET", "https://a.example", "x" },
    { "GET", "https://a.example", "/a b" },       { "GET", "https://a.example", "/a?b" },
    { "GET", "https://a.example", "/a\r\nX: y" }, { "GET", "http://a.example", "/" },
  };
  g_autoptr (CtHttpRequest) request = post_to ("https://a.example", "/");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_null (ct_http_request_new (cases[i].method, cases[i].url, cases[i].path, &error));
    g_assert_error (error, CT_ERROR, CT_ERROR_INVALID);
  }
  g_assert_false (ct_http_request_set_header (request, "X", "a\r\nEvil: b", NULL));
  g_assert_false (ct_http_request_set_header (request, "X:", "a", NULL));
}

static void
test_tls (void)
{
  g_autofree char *pem = g_build_filename (CT_SOURCE_ROOT, "tests", "http", "loopback.pem", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GTlsCertificate) certificate = g_tls_certificate_new_from_file (pem, &error);
  g_auto (Script) script = { .status = 200 };
  g_autoptr (SoupLoop) server = NULL;
  g_autoptr (CtHttpClient) client = NULL;
  g_autoptr (CtHttpRequest) request = NULL;
  g_autoptr (CtHttpResponse) response = NULL;

  g_assert_no_error (error);
  server = soup_loop_new (scripted_cb, &script, certificate);
  request = post_to (soup_loop_url (server), "/");
  g_assert_null (send (request, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_NETWORK);
  g_assert_cmpint (g_atomic_int_get (&script.hits), ==, 0);
  client = ct_http_client_new (pem, NULL);
  response = ct_http_send (client, request, NULL, NULL);
  g_assert_cmpuint (ct_http_response_status (response), ==, 200);
  g_assert_null (ct_http_client_new ("/nonexistent.pem", NULL));
}

static void
on_sent_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  *(CtHttpResponse **) data = ct_http_send_finish (result, NULL);
}

static void
test_async (void)
{
  g_auto (Script) script = { .status = 201 };
  g_autoptr (SoupLoop) server = soup_loop_new (scripted_cb, &script, NULL);
  g_autoptr (CtHttpClient) client = ct_http_client_new (NULL, NULL);
  g_autoptr (CtHttpRequest) request = post_to (soup_loop_url (server), "/");
  g_autoptr (CtHttpResponse) response = NULL;

  ct_http_send_async (client, request, NULL, on_sent_cb, &response);
  while (!response)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (ct_http_response_status (response), ==, 201);
}

static GString *logged;
static GMutex logged_mutex;

static GLogWriterOutput
keep_log (GLogLevelFlags level, const GLogField *fields, gsize n, gpointer data)
{
  g_mutex_lock (&logged_mutex);
  for (gsize i = 0; i < n; i++)
    if (strcmp (fields[i].key, "MESSAGE") == 0)
      g_string_append_printf (logged, "%s\n", (const char *) fields[i].value);
  g_mutex_unlock (&logged_mutex);
  return G_LOG_WRITER_HANDLED;
}

/* In a process of its own: GLib takes one log writer for ever. Everything the libraries log is caught as well. */
static void
test_log_subprocess (void)
{
  g_auto (Script) script = { .status = 200 };
  g_autoptr (SoupLoop) server = soup_loop_new (scripted_cb, &script, NULL);
  g_autoptr (RawServer) raw = raw_server_new (RAW_CLOSE_AFTER_READ);
  const char *urls[] = { soup_loop_url (server), raw_server_url (raw) };

  logged = g_string_new (NULL);
  g_setenv ("G_MESSAGES_DEBUG", "all", TRUE);
  g_log_set_writer_func (keep_log, NULL, NULL);
  for (guint i = 0; i < 2 * CT_HTTP_QUERY + 2; i++) {
    const char *url = urls[i % 2];
    g_autoptr (CtSecret) secret = ct_secret_new (url, "123:UNSPEAKABLE", NULL);
    g_autoptr (CtHttpRequest) request = post_to (url, "/bot{secret}/send");
    g_autoptr (GError) error = NULL;
    g_autoptr (CtHttpResponse) response = NULL;

    g_assert_true (ct_http_request_set_secret (request, secret, (CtHttpPlacement) (i / 2), "sig", NULL));
    response = send (request, &error);
    g_assert_true (response != NULL || strstr (error->message, "UNSPEAKABLE") == NULL);
  }
  g_mutex_lock (&logged_mutex);
  g_assert_nonnull (strstr (logged->str, "/bot{secret}/send: 200"));
  g_assert_nonnull (strstr (logged->str, "fate unknown"));
  g_assert_null (strstr (logged->str, "UNSPEAKABLE"));
  g_mutex_unlock (&logged_mutex);
}

static void
test_log (void)
{
  if (g_test_subprocess ()) {
    test_log_subprocess ();
    return;
  }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/net/http/statuses", test_statuses);
  g_test_add_func ("/net/http/no-cookies", test_no_cookies);
  g_test_add_func ("/net/http/retry-after", test_retry_after);
  g_test_add_func ("/net/http/size", test_size);
  g_test_add_func ("/net/http/unknown-fate", test_unknown_fate);
  g_test_add_func ("/net/http/surely-unsent", test_surely_unsent);
  g_test_add_func ("/net/http/connect-timeout", test_connect_timeout);
  g_test_add_func ("/net/http/cancel", test_cancel);
  g_test_add_func ("/net/http/redirect", test_redirect);
  g_test_add_func ("/net/http/placement", test_placement);
  g_test_add_func ("/net/http/secret-of-another-origin", test_secret_of_another_origin);
  g_test_add_func ("/net/http/bad-requests", test_bad_requests);
  g_test_add_func ("/net/http/tls", test_tls);
  g_test_add_func ("/net/http/async", test_async);
  g_test_add_func ("/net/http/log", test_log);
  return g_test_run ();
}
