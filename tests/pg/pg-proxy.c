/* A line that can be as long as one likes, and be cut at the worst moment: after the server has committed, before the
 * client hears of it. */
#include "pg-relay.h"

#include <string.h>

struct _PgProxy {
  PgRelay *relay; /* (owned) */
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
    gsize length;
    gconstpointer bytes = g_bytes_get_data (chunk->bytes, &length);
    gboolean sent = pg_relay_send (to, bytes, length);

    chunk_free (chunk);
    if (!sent)
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
carry (GSocket *client, GSocket *server, GCancellable *stop, gpointer data)
{
  PgProxy *self = data;
  GPollFD polled[3] = { { .fd = g_socket_get_fd (client), .events = G_IO_IN },
                        { .fd = g_socket_get_fd (server), .events = G_IO_IN } };
  GQueue there = G_QUEUE_INIT, back = G_QUEUE_INIT;
  gboolean sprung = FALSE;

  g_cancellable_make_pollfd (stop, &polled[2]);
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
  g_cancellable_release_fd (stop);
  if (sprung)
    pg_proxy_swallow_answers (self, NULL);
}

/* Serves one connection at a time. */
PgProxy *
pg_proxy_start (PgServer *server)
{
  PgProxy *self = g_new0 (PgProxy, 1);

  g_mutex_init (&self->lock);
  self->relay = pg_relay_start (server, carry, self);
  return self;
}

void
pg_proxy_stop (PgProxy *self)
{
  pg_relay_stop (self->relay);
  g_mutex_clear (&self->lock);
  g_free (self->trap);
  g_free (self);
}

/* (transfer full) */
char *
pg_proxy_address (PgProxy *self, const char *database, const char *login)
{
  return pg_relay_address (self->relay, database, login);
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
