#define G_LOG_DOMAIN "ct-net"

#include "ct-http-private.h"

#include "ct-base.h"
#include "ct-config.h"
#include "ct-origin.h"
#include "ct-redact.h"

#define CHUNK 16384

struct _CtHttpClient {
  gatomicrefcount refs;
  GTlsDatabase *trust; /* (owned) (nullable): the system's authorities where NULL */
};

/* One request on its way, in a main context of its own. */
typedef struct {
  const CtHttpRequest *request;
  SoupMessage *message;
  GCancellable *cancellable; /* cancelled by the caller's and by the deadline */
  GInputStream *stream;      /* (owned) (nullable) */
  GByteArray *body;
  GError *error;    /* (owned) (nullable): the library's */
  gboolean started; /* from here on bytes may have gone out */
  gboolean late;
  gboolean oversize;
  gboolean done;
} Exchange;

/**
 * ct_http_client_new:
 * @ca_file: (nullable): a PEM file of the authorities to trust instead of the system's
 *
 * Returns: (transfer full): a client that any number of threads may share, or %NULL with %CT_ERROR_INVALID
 */
CtHttpClient *
ct_http_client_new (const char *ca_file, GError **error)
{
  g_autoptr (GTlsDatabase) trust = NULL;
  g_autoptr (GError) problem = NULL;
  CtHttpClient *self;

  if (ca_file && !(trust = g_tls_file_database_new (ca_file, &problem))) {
    ct_fail (error, CT_ERROR_INVALID, _ ("The certificates of “%s” cannot be used: %s"), ca_file,
             problem->message);
    return NULL;
  }
  self = g_new0 (CtHttpClient, 1);
  g_atomic_ref_count_init (&self->refs);
  self->trust = g_steal_pointer (&trust);
  return self;
}

CtHttpClient *
ct_http_client_ref (CtHttpClient *self)
{
  g_atomic_ref_count_inc (&self->refs);
  return self;
}

void
ct_http_client_unref (CtHttpClient *self)
{
  if (!self || !g_atomic_ref_count_dec (&self->refs))
    return;
  g_clear_object (&self->trust);
  g_free (self);
}

/* A session each request: a connection that was used before may be closed by the other side while the request is
 * written, and libsoup would then send it again by itself. No cookies, no cache, no answer to a 401. */
static SoupSession *
new_session (CtHttpClient *client, const CtHttpRequest *request)
{
  SoupSession *session = soup_session_new ();

  soup_session_remove_feature_by_type (session, SOUP_TYPE_AUTH_MANAGER);
  soup_session_set_user_agent (session, "ControlTower/" CT_VERSION);
  soup_session_set_timeout (session, 0);
  if (client->trust)
    soup_session_set_tls_database (session, client->trust);
  if (ct_origin_is_loopback (request->origin))
    soup_session_set_proxy_resolver (session, NULL);
  return session;
}

static void
on_starting_cb (SoupMessage *message, gpointer data)
{
  Exchange *exchange = data;

  exchange->started = TRUE;
}

static gboolean
on_deadline_cb (gpointer data)
{
  Exchange *exchange = data;

  exchange->late = TRUE;
  g_cancellable_cancel (exchange->cancellable);
  return G_SOURCE_REMOVE;
}

static void
on_cancelled_cb (GCancellable *cancellable, gpointer own)
{
  g_cancellable_cancel (own);
}

static void read_next (Exchange *exchange);

static void
on_read_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Exchange *exchange = data;
  g_autoptr (GBytes) bytes =
      g_input_stream_read_bytes_finish (G_INPUT_STREAM (source), result, &exchange->error);
  gsize size = bytes ? g_bytes_get_size (bytes) : 0;

  exchange->oversize = size > exchange->request->body_max - exchange->body->len;
  exchange->done = size == 0 || exchange->oversize;
  if (exchange->done)
    return;
  g_byte_array_append (exchange->body, g_bytes_get_data (bytes, NULL), (guint) size);
  read_next (exchange);
}

static void
read_next (Exchange *exchange)
{
  g_input_stream_read_bytes_async (exchange->stream, CHUNK, G_PRIORITY_DEFAULT, exchange->cancellable,
                                   on_read_cb, exchange);
}

static void
on_sent_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Exchange *exchange = data;

  exchange->stream = soup_session_send_finish (SOUP_SESSION (source), result, &exchange->error);
  if (exchange->stream)
    read_next (exchange);
  else
    exchange->done = TRUE;
}

static void
run_exchange (Exchange *exchange, SoupSession *session, GMainContext *context)
{
  g_autoptr (GSource) deadline = g_timeout_source_new ((guint) MIN (exchange->request->timeout_ms, G_MAXINT));

  g_source_set_callback (deadline, on_deadline_cb, exchange, NULL);
  g_source_attach (deadline, context);
  soup_session_send_async (session, exchange->message, G_PRIORITY_DEFAULT, exchange->cancellable, on_sent_cb,
                           exchange);
  while (!exchange->done)
    g_main_context_iteration (context, TRUE);
  g_source_destroy (deadline);
  soup_session_abort (session);
}

/* A 303 after anything but a GET may mean that it was carried out (RFC 9110, 15.4.4); the other redirects say that it
 * was not carried out there. */
static gboolean
fail_redirect (const CtHttpRequest *request, guint status, GError **error)
{
  g_autofree char *what = ct_http_request_describe (request);
  gboolean unsure = status == 303 && g_strcmp0 (request->method, "GET") != 0;

  return ct_fail (error, unsure ? CT_ERROR_UNKNOWN_FATE : CT_ERROR_REFUSED,
                  _ ("%s was answered with a redirect (%u), which is never followed: correct the address"),
                  what, status);
}

static gboolean
fail_exchange (const Exchange *exchange, GError **error)
{
  const CtHttpRequest *request = exchange->request;
  g_autofree char *what = ct_http_request_describe (request);
  g_autofree char *detail = NULL;

  if (exchange->oversize)
    detail = g_strdup_printf (_ ("the answer is larger than %zu bytes"), request->body_max);
  else if (exchange->late)
    detail =
        g_strdup_printf (_ ("no complete answer within %.1f s"), (double) request->timeout_ms / CT_MS_SECOND);
  else if (g_cancellable_is_cancelled (exchange->cancellable))
    detail = g_strdup (_ ("it was cancelled"));
  else
    detail = ct_redact (exchange->error->message);
  g_debug ("%s: %s (%s)", what, detail, exchange->started ? "fate unknown" : "did not go out");
  return exchange->started ? ct_fail (error, CT_ERROR_UNKNOWN_FATE,
                                      _ ("%s may or may not have been carried out: %s"), what, detail)
                           : ct_fail (error, CT_ERROR_NETWORK, _ ("%s did not go out: %s"), what, detail);
}

static CtHttpResponse *
conclude (Exchange *exchange, GError **error)
{
  guint status = soup_message_get_status (exchange->message);
  g_autofree char *what = NULL;
  g_autoptr (GBytes) body = NULL;

  if (exchange->stream && status >= 300 && status < 400 && status != 304) {
    fail_redirect (exchange->request, status, error);
    return NULL;
  }
  if (exchange->error || exchange->oversize) {
    fail_exchange (exchange, error);
    return NULL;
  }
  what = ct_http_request_describe (exchange->request);
  g_debug ("%s: %u, %u bytes", what, status, exchange->body->len);
  body = g_bytes_new (exchange->body->data, exchange->body->len);
  return ct_http_response_new (status, soup_message_get_response_headers (exchange->message), body);
}

static CtHttpResponse *
send_in_context (CtHttpClient *client, CtHttpRequest *request, SoupMessage *message, GMainContext *context,
                 GCancellable *cancellable, GError **error)
{
  g_autoptr (SoupSession) session = new_session (client, request);
  g_autoptr (GCancellable) own = g_cancellable_new ();
  g_autoptr (GByteArray) body = g_byte_array_new ();
  Exchange exchange = { .request = request, .message = message, .cancellable = own, .body = body };
  gulong follow =
      cancellable ? g_cancellable_connect (cancellable, G_CALLBACK (on_cancelled_cb), own, NULL) : 0;
  gulong starting = g_signal_connect (message, "starting", G_CALLBACK (on_starting_cb), &exchange);
  CtHttpResponse *response;

  run_exchange (&exchange, session, context);
  g_cancellable_disconnect (cancellable, follow);
  g_signal_handler_disconnect (message, starting);
  response = conclude (&exchange, error);
  g_clear_object (&exchange.stream);
  g_clear_error (&exchange.error);
  return response;
}

/**
 * ct_http_send:
 * @cancellable: (nullable)
 *
 * Sends one request once and reads the answer; blocks, so a program with a main loop calls it on a worker thread.
 * Any status but a redirect is an answer: its meaning is the caller's.
 *
 * Returns: (transfer full): the answer, or %NULL: %CT_ERROR_NETWORK where surely nothing of the request went out,
 * %CT_ERROR_UNKNOWN_FATE where it may have, %CT_ERROR_REFUSED for a redirect or a secret of another origin
 */
CtHttpResponse *
ct_http_send (CtHttpClient *client, CtHttpRequest *request, GCancellable *cancellable, GError **error)
{
  g_autoptr (GMainContext) context = NULL;
  g_autoptr (SoupMessage) message = NULL;
  CtHttpResponse *response;

  g_return_val_if_fail (client && request, NULL);

  message = ct_http_request_to_message (request, error);
  if (!message)
    return NULL;
  context = g_main_context_new ();
  g_main_context_push_thread_default (context);
  response = send_in_context (client, request, message, context, cancellable, error);
  /* what libsoup closes behind itself */
  while (g_main_context_iteration (context, FALSE))
    ;
  g_main_context_pop_thread_default (context);
  return response;
}

typedef struct {
  CtHttpClient *client;
  CtHttpRequest *request;
} Send;

static void
send_free (Send *self)
{
  ct_http_client_unref (self->client);
  ct_http_request_unref (self->request);
  g_free (self);
}

static void
send_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Send *self = data;
  GError *error = NULL;
  CtHttpResponse *response = ct_http_send (self->client, self->request, cancellable, &error);

  if (response)
    g_task_return_pointer (task, response, (GDestroyNotify) ct_http_response_free);
  else
    g_task_return_error (task, error);
}

/**
 * ct_http_send_async:
 *
 * ct_http_send() on a worker thread; @callback runs in the caller's main context.
 */
void
ct_http_send_async (CtHttpClient *client, CtHttpRequest *request, GCancellable *cancellable,
                    GAsyncReadyCallback callback, gpointer data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, data);
  Send *self = g_new0 (Send, 1);

  self->client = ct_http_client_ref (client);
  self->request = ct_http_request_ref (request);
  g_task_set_source_tag (task, ct_http_send_async);
  /* the answer's own error says the fate, which a bare “cancelled” would hide */
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, self, (GDestroyNotify) send_free);
  g_task_run_in_thread (task, send_thread);
}

/* (transfer full) (nullable): as ct_http_send() */
CtHttpResponse *
ct_http_send_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
