/* A port of its own in front of the server's socket, on a thread of its own. What goes over it is for its user to carry, to
 * delay or to cut. Serves one connection at a time. */
#include "pg-relay.h"

#include <gio/gunixsocketaddress.h>

struct _PgRelay {
  char *target;       /* (owned): the server's socket */
  GSocket *listener;  /* (owned) */
  GThread *thread;    /* (owned) */
  GCancellable *stop; /* (owned) */
  PgRelayFunc carry;
  gpointer data; /* (unowned) */
};

static gpointer
serve (gpointer data)
{
  PgRelay *self = data;
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (self->target);

  for (;;) {
    g_autoptr (GSocket) client = g_socket_accept (self->listener, self->stop, NULL);
    g_autoptr (GSocket) server = NULL;

    if (!client)
      return NULL;
    server = g_socket_new (G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, NULL);
    if (g_socket_connect (server, address, NULL, NULL))
      self->carry (client, server, self->stop, self->data);
    g_socket_close (server, NULL);
    g_socket_close (client, NULL);
  }
}

PgRelay *
pg_relay_start (PgServer *server, PgRelayFunc carry, gpointer data)
{
  PgRelay *self = g_new0 (PgRelay, 1);
  g_autoptr (GError) error = NULL;
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new (loopback, 0);

  self->target = g_strdup_printf ("%s/.s.PGSQL.%d", pg_server_socket (server), pg_server_port (server));
  self->stop = g_cancellable_new ();
  self->carry = carry;
  self->data = data;
  self->listener = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, &error);
  g_assert_no_error (error);
  g_socket_bind (self->listener, address, TRUE, &error);
  g_assert_no_error (error);
  g_socket_listen (self->listener, &error);
  g_assert_no_error (error);
  self->thread = g_thread_new ("pg-relay", serve, self);
  return self;
}

void
pg_relay_stop (PgRelay *self)
{
  g_cancellable_cancel (self->stop);
  g_thread_join (self->thread);
  g_object_unref (self->listener);
  g_object_unref (self->stop);
  g_free (self->target);
  g_free (self);
}

/* (transfer full) */
char *
pg_relay_address (PgRelay *self, const char *database, const char *login)
{
  g_autoptr (GSocketAddress) address = g_socket_get_local_address (self->listener, NULL);

  return g_strdup_printf ("host=127.0.0.1 port=%d dbname=%s user=%s sslmode=disable gssencmode=disable",
                          g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (address)), database, login);
}

gboolean
pg_relay_send (GSocket *socket, gconstpointer bytes, gsize length)
{
  const char *at = bytes;

  while (length > 0) {
    gssize sent = g_socket_send (socket, at, length, NULL, NULL);

    if (sent <= 0)
      return FALSE;
    at += sent;
    length -= (gsize) sent;
  }
  return TRUE;
}
