#include "loopback-server.h"

#include <string.h>
#include <sys/socket.h>

/* libsoup 3.2's server forgets addresses and the sockets of clients that hang up; that is none of this suite's business. The
 * leak sanitizer is there only in ./dev sanitize. */
void __lsan_disable (void) __attribute__ ((weak));
void __lsan_enable (void) __attribute__ ((weak));

static void
watch_leaks (gboolean watch)
{
  void (*set) (void) = watch ? __lsan_enable : __lsan_disable;

  if (set)
    set ();
}

struct _SoupLoop {
  GMainContext *context;
  GMainLoop *loop;
  SoupServer *server;
  GThread *thread;
  char *url;
};

static gpointer
soup_loop_run (gpointer data)
{
  SoupLoop *self = data;

  watch_leaks (FALSE);
  g_main_context_push_thread_default (self->context);
  g_main_loop_run (self->loop);
  soup_server_disconnect (self->server);
  while (g_main_context_iteration (self->context, FALSE))
    ;
  g_main_context_pop_thread_default (self->context);
  watch_leaks (TRUE);
  return NULL;
}

SoupLoop *
soup_loop_new (SoupServerCallback handler, gpointer data, GTlsCertificate *certificate)
{
  SoupLoop *self = g_new0 (SoupLoop, 1);
  g_autoptr (GError) error = NULL;
  GSList *uris;

  watch_leaks (FALSE);
  self->context = g_main_context_new ();
  self->loop = g_main_loop_new (self->context, FALSE);
  g_main_context_push_thread_default (self->context);
  self->server = soup_server_new ("tls-certificate", certificate, NULL);
  soup_server_add_handler (self->server, NULL, handler, data, NULL);
  soup_server_listen_local (
      self->server, 0, SOUP_SERVER_LISTEN_IPV4_ONLY | (certificate ? SOUP_SERVER_LISTEN_HTTPS : 0), &error);
  g_assert_no_error (error);
  uris = soup_server_get_uris (self->server);
  self->url =
      g_strdup_printf ("%s://127.0.0.1:%d", certificate ? "https" : "http", g_uri_get_port (uris->data));
  g_slist_free_full (uris, (GDestroyNotify) g_uri_unref);
  g_main_context_pop_thread_default (self->context);
  watch_leaks (TRUE);
  self->thread = g_thread_new ("soup", soup_loop_run, self);
  return self;
}

const char *
soup_loop_url (SoupLoop *self)
{
  return self->url;
}

void
soup_loop_free (SoupLoop *self)
{
  if (!self)
    return;
  /* quits before or after the loop began */
  while (!g_main_loop_is_running (self->loop))
    g_thread_yield ();
  g_main_loop_quit (self->loop);
  g_thread_join (self->thread);
  g_object_unref (self->server);
  g_main_loop_unref (self->loop);
  g_main_context_unref (self->context);
  g_free (self->url);
  g_free (self);
}

struct _RawServer {
  RawMode mode;
  GSocket *listener;
  GCancellable *stop;
  GThread *thread;
  gint connections; /* (atomic) */
  char *url;
};

/* Until the request's last byte, which the client's Content-Length tells. */
static void
read_request (GSocket *socket)
{
  g_autoptr (GString) text = g_string_new (NULL);
  char buffer[4096];

  for (;;) {
    const char *end = strstr (text->str, "\r\n\r\n");
    const char *length = strstr (text->str, "Content-Length: ");
    gssize n;

    if (end && text->len >= (gsize) (end - text->str) + 4 + (length ? strtoul (length + 16, NULL, 10) : 0))
      return;
    n = g_socket_receive (socket, buffer, sizeof buffer, NULL, NULL);
    if (n <= 0)
      return;
    g_string_append_len (text, buffer, n);
  }
}

/* Waits for the client to go or the test to end. */
static void
hold (RawServer *self, GSocket *socket)
{
  g_socket_condition_wait (socket, G_IO_IN | G_IO_HUP, self->stop, NULL);
}

static void
trickle (RawServer *self, GSocket *socket)
{
  static const char start[] = "HTTP/1.1 200 OK\r\nX-Slow: ";

  for (gsize i = 0; !g_cancellable_is_cancelled (self->stop); i++) {
    const char *byte = i < sizeof start - 1 ? start + i : "x";

    if (g_socket_send (socket, byte, 1, NULL, NULL) < 0)
      return;
    g_usleep (20000);
  }
}

static void
serve (RawServer *self, GSocket *socket)
{
  static const char half[] = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789";
  static const char noise[] = "SSH-2.0-OpenSSH_9.2\r\n\r\n";
  struct linger reset = { .l_onoff = 1 };

  if (self->mode == RAW_CLOSE_AT_ONCE)
    return;
  read_request (socket);
  switch (self->mode) {
  case RAW_RESET_AFTER_READ:
    setsockopt (g_socket_get_fd (socket), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    break;
  case RAW_NEVER_ANSWER:
    hold (self, socket);
    break;
  case RAW_TRICKLE:
    trickle (self, socket);
    break;
  case RAW_HALF_BODY:
    g_socket_send (socket, half, sizeof half - 1, NULL, NULL);
    break;
  case RAW_NOT_HTTP:
    g_socket_send (socket, noise, sizeof noise - 1, NULL, NULL);
    break;
  case RAW_CLOSE_AT_ONCE:
  case RAW_CLOSE_AFTER_READ:
  default:
    break;
  }
}

static gpointer
raw_server_run (gpointer data)
{
  RawServer *self = data;
  GSocket *socket;

  while ((socket = g_socket_accept (self->listener, self->stop, NULL))) {
    g_atomic_int_inc (&self->connections);
    serve (self, socket);
    g_socket_close (socket, NULL);
    g_object_unref (socket);
  }
  return NULL;
}

RawServer *
raw_server_new (RawMode mode)
{
  RawServer *self = g_new0 (RawServer, 1);
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) any = g_inet_socket_address_new (loopback, 0);
  g_autoptr (GSocketAddress) bound = NULL;
  g_autoptr (GError) error = NULL;

  self->mode = mode;
  self->stop = g_cancellable_new ();
  self->listener = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, &error);
  g_assert_no_error (error);
  g_assert_true (g_socket_bind (self->listener, any, TRUE, NULL) && g_socket_listen (self->listener, NULL));
  bound = g_socket_get_local_address (self->listener, NULL);
  self->url =
      g_strdup_printf ("http://127.0.0.1:%u", g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound)));
  self->thread = g_thread_new ("raw", raw_server_run, self);
  return self;
}

const char *
raw_server_url (RawServer *self)
{
  return self->url;
}

guint
raw_server_connections (RawServer *self)
{
  return (guint) g_atomic_int_get (&self->connections);
}

void
raw_server_free (RawServer *self)
{
  if (!self)
    return;
  g_cancellable_cancel (self->stop);
  g_thread_join (self->thread);
  g_object_unref (self->listener);
  g_object_unref (self->stop);
  g_free (self->url);
  g_free (self);
}
