/* A line that can be cut at the worst moment: after the server has committed, before the client hears of it. */
#include "pg-server.h"

#include <gio/gunixsocketaddress.h>
#include <string.h>

struct _PgProxy {
  char *target;       /* (owned): the server's socket */
  GSocket *listener;  /* (owned) */
  GThread *thread;    /* (owned) */
  GCancellable *stop; /* (owned) */
  GMutex lock;
  char *trap; /* (owned) (nullable): under @lock */
};

static gboolean
holds (const char *bytes, gssize length, const char *text)
{
  return text && memmem (bytes, (gsize) length, text, strlen (text)) != NULL;
}

/* FALSE where the line is closed */
static gboolean
forward (GSocket *from, GSocket *to, const char *trap, gboolean *sprung)
{
  char buffer[65536];
  gssize length = g_socket_receive (from, buffer, sizeof buffer, NULL, NULL);
  gssize sent = 0;

  if (length <= 0)
    return FALSE;
  if (holds (buffer, length, trap))
    *sprung = TRUE;
  while (sent < length) {
    gssize now = g_socket_send (to, buffer + sent, (gsize) (length - sent), NULL, NULL);

    if (now <= 0)
      return FALSE;
    sent += now;
  }
  return TRUE;
}

/* Carries bytes both ways until one side closes; once the trap has sprung the server's next answer is dropped. */
static void
carry (PgProxy *self, GSocket *client, GSocket *server)
{
  GPollFD polled[3] = { { .fd = g_socket_get_fd (client), .events = G_IO_IN },
                        { .fd = g_socket_get_fd (server), .events = G_IO_IN } };
  gboolean sprung = FALSE;

  g_cancellable_make_pollfd (self->stop, &polled[2]);
  for (;;) {
    g_autofree char *trap = NULL;

    if (g_poll (polled, 3, -1) < 0 || polled[2].revents)
      break;
    g_mutex_lock (&self->lock);
    trap = g_strdup (self->trap);
    g_mutex_unlock (&self->lock);
    if (polled[0].revents && !forward (client, server, trap, &sprung))
      break;
    if (polled[1].revents && (sprung || !forward (server, client, NULL, &sprung)))
      break;
  }
  g_cancellable_release_fd (self->stop);
  if (sprung)
    pg_proxy_swallow_answers (self, NULL);
}

static gpointer
serve (gpointer data)
{
  PgProxy *self = data;
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (self->target);

  for (;;) {
    g_autoptr (GSocket) client = g_socket_accept (self->listener, self->stop, NULL);
    g_autoptr (GSocket) server = NULL;

    if (!client)
      return NULL;
    server = g_socket_new (G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, NULL);
    if (g_socket_connect (server, address, NULL, NULL))
      carry (self, client, server);
    g_socket_close (client, NULL);
    g_socket_close (server, NULL);
  }
}

/* Serves one connection at a time. */
PgProxy *
pg_proxy_start (PgServer *server)
{
  PgProxy *self = g_new0 (PgProxy, 1);
  g_autoptr (GError) error = NULL;
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new (loopback, 0);

  self->target = g_strdup_printf ("%s/.s.PGSQL.%d", pg_server_socket (server), pg_server_port (server));
  self->stop = g_cancellable_new ();
  g_mutex_init (&self->lock);
  self->listener = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, &error);
  g_assert_no_error (error);
  g_socket_bind (self->listener, address, TRUE, &error);
  g_assert_no_error (error);
  g_socket_listen (self->listener, &error);
  g_assert_no_error (error);
  self->thread = g_thread_new ("pg-proxy", serve, self);
  return self;
}

void
pg_proxy_stop (PgProxy *self)
{
  g_cancellable_cancel (self->stop);
  g_thread_join (self->thread);
  g_object_unref (self->listener);
  g_object_unref (self->stop);
  g_mutex_clear (&self->lock);
  g_free (self->target);
  g_free (self->trap);
  g_free (self);
}

/* (transfer full) */
char *
pg_proxy_address (PgProxy *self, const char *database, const char *login)
{
  g_autoptr (GSocketAddress) address = g_socket_get_local_address (self->listener, NULL);

  return g_strdup_printf ("host=127.0.0.1 port=%d dbname=%s user=%s sslmode=disable",
                          g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (address)), database, login);
}

/* The next request that holds @once_request_holds reaches the server; its answer does not come back. */
void
pg_proxy_swallow_answers (PgProxy *self, const char *once_request_holds)
{
  g_mutex_lock (&self->lock);
  g_free (self->trap);
  self->trap = g_strdup (once_request_holds);
  g_mutex_unlock (&self->lock);
}
