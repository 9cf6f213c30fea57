/* A line that can be as long as one likes, and be cut at the worst moment: after the server has committed, before the
 * client hears of it. */
#include "pg-server.h"

#include <gio/gunixsocketaddress.h>
#include <string.h>

struct _PgProxy {
  char *target;       /* (owned): the server's socket */
  GSocket *listener;  /* (owned) */
  GThread *thread;    /* (owned) */
  GCancellable *stop; /* (owned) */
  GMutex lock;
  char *trap;   /* (owned) (nullable): under @lock */
  gint64 delay; /* microseconds that a byte takes, either way; under @lock */
};

/* What one side has said and the other has not heard yet. */
typedef struct {
  gint64 due;
  GBytes *bytes; /* (owned) */
} Chunk;

static void
chunk_free (gpointer data)
{
  Chunk *chunk = data;

  g_bytes_unref (chunk->bytes);
  g_free (chunk);
}

static gboolean
holds (const char *bytes, gssize length, const char *text)
{
  return text && memmem (bytes, (gsize) length, text, strlen (text)) != NULL;
}

/* FALSE where the line is closed */
static gboolean
hear (GSocket *from, GQueue *queue, gint64 delay, const char *trap, gboolean *sprung)
{
  char buffer[65536];
  gssize length = g_socket_receive (from, buffer, sizeof buffer, NULL, NULL);
  Chunk *chunk;

  if (length <= 0)
    return FALSE;
  if (holds (buffer, length, trap))
    *sprung = TRUE;
  chunk = g_new0 (Chunk, 1);
  chunk->due = g_get_monotonic_time () + delay;
  chunk->bytes = g_bytes_new (buffer, (gsize) length);
  g_queue_push_tail (queue, chunk);
  return TRUE;
}

/* Hands on what has been under way for long enough. */
static gboolean
hand_on (GQueue *queue, GSocket *to)
{
  while (queue->length > 0 && ((Chunk *) queue->head->data)->due <= g_get_monotonic_time ()) {
    Chunk *chunk = g_queue_pop_head (queue);
    gsize length, sent = 0;
    const char *bytes = g_bytes_get_data (chunk->bytes, &length);
    gssize now = 1;

    for (; sent < length && now > 0; sent += now > 0 ? (gsize) now : 0)
      now = g_socket_send (to, bytes + sent, length - sent, NULL, NULL);
    chunk_free (chunk);
    if (now <= 0)
      return FALSE;
  }
  return TRUE;
}

/* Milliseconds until something is to be handed on; -1: nothing is under way */
static int
wait_of (GQueue *queue)
{
  gint64 left = queue->length > 0 ? ((Chunk *) queue->head->data)->due - g_get_monotonic_time () : -1;

  return queue->length == 0 ? -1 : (int) (MAX (left, 0) + 999) / 1000;
}

/* Carries bytes both ways until one side closes; once the trap has sprung the server's next answer is dropped. */
static void
carry (PgProxy *self, GSocket *client, GSocket *server)
{
  GPollFD polled[3] = { { .fd = g_socket_get_fd (client), .events = G_IO_IN },
                        { .fd = g_socket_get_fd (server), .events = G_IO_IN } };
  GQueue there = G_QUEUE_INIT, back = G_QUEUE_INIT;
  gboolean sprung = FALSE;

  g_cancellable_make_pollfd (self->stop, &polled[2]);
  while (hand_on (&there, server) && (sprung || hand_on (&back, client))) {
    g_autofree char *trap = NULL;
    int a = wait_of (&there), b = wait_of (&back);
    gint64 delay;

    if (g_poll (polled, 3, a < 0 || b < 0 ? MAX (a, b) : MIN (a, b)) < 0 || polled[2].revents)
      break;
    g_mutex_lock (&self->lock);
    trap = g_strdup (self->trap);
    delay = self->delay;
    g_mutex_unlock (&self->lock);
    if (polled[0].revents && !hear (client, &there, delay, trap, &sprung))
      break;
    if (polled[1].revents && (sprung || !hear (server, &back, delay, NULL, &sprung)))
      break;
  }
  g_queue_clear_full (&there, chunk_free);
  g_queue_clear_full (&back, chunk_free);
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

/* Every byte takes that long from now on, to the server and back again. */
void
pg_proxy_set_delay (PgProxy *self, int milliseconds)
{
  g_mutex_lock (&self->lock);
  self->delay = milliseconds * G_GINT64_CONSTANT (1000);
  g_mutex_unlock (&self->lock);
}
