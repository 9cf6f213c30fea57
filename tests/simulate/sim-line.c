/* Carries PostgreSQL's protocol message by message, and cuts the line at the request that was chosen: so the same fault
 * happens at the same place in every run. A request is what the server answers with ReadyForQuery: a Sync or a Query.
 * Serves one connection at a time, on a thread of its own. */
#include "sim-line.h"

#include <gio/gio.h>
#include <gio/gunixsocketaddress.h>
#include <string.h>

struct _SimLine {
  char *target;       /* (owned): the server's socket */
  GSocket *listener;  /* (owned) */
  GThread *thread;    /* (owned) */
  GCancellable *stop; /* (owned) */
  GMutex lock;        /* for what follows */
  guint request;
  SimCut cut;
  gboolean was_cut;
};

/* One connection: what has come and is not complete. */
typedef struct {
  SimLine *line;
  GSocket *client, *server;    /* (unowned) */
  GByteArray *asked, *answers; /* (owned) */
  gboolean started;            /* the start-up message has no type */
  guint requests, ready;
  guint at; /* where to cut */
  SimCut cut;
} Carrier;

static gboolean
send_all (GSocket *socket, const guint8 *bytes, gsize length)
{
  while (length > 0) {
    gssize sent = g_socket_send (socket, (const char *) bytes, length, NULL, NULL);

    if (sent <= 0)
      return FALSE;
    bytes += sent;
    length -= (gsize) sent;
  }
  return TRUE;
}

static gboolean
receive (GSocket *socket, GByteArray *into)
{
  guint8 buffer[65536];
  gssize length = g_socket_receive (socket, (char *) buffer, sizeof buffer, NULL, NULL);

  if (length <= 0)
    return FALSE;
  g_byte_array_append (into, buffer, (guint) length);
  return TRUE;
}

/* The length of the first message, 0 where it is not there yet. */
static gsize
first_message (const GByteArray *bytes, gboolean typed)
{
  gsize head = typed ? 5 : 4;
  guint32 length;

  if (bytes->len < head)
    return 0;
  memcpy (&length, bytes->data + head - 4, sizeof length);
  length = GUINT32_FROM_BE (length) + (typed ? 1 : 0);
  return bytes->len >= length ? length : 0;
}

static gboolean
cut (Carrier *self)
{
  g_mutex_lock (&self->line->lock);
  self->line->was_cut = TRUE;
  g_mutex_unlock (&self->line->lock);
  return FALSE;
}

/* Whether the request at which to cut has gone by: nothing behind it is for the server. */
static gboolean
is_past (const Carrier *self)
{
  return self->at && self->requests >= self->at;
}

/* A request that is not to arrive lacks its end. Requests before it are answered first. */
static gboolean
forward_requests (Carrier *self)
{
  gsize length;

  while ((length = first_message (self->asked, self->started))) {
    guint8 type = self->started ? self->asked->data[0] : 0;
    gboolean drop = is_past (self);

    if (!drop && (type == 'S' || type == 'Q'))
      drop = ++self->requests == self->at && self->cut == SIM_CUT_BEFORE;
    if (!drop && !send_all (self->server, self->asked->data, length))
      return FALSE;
    self->started = TRUE;
    g_byte_array_remove_range (self->asked, 0, (guint) length);
  }
  return !is_past (self) || self->cut == SIM_CUT_AFTER || self->ready < self->at || cut (self);
}

/* What answers the request at which to cut is dropped, and its end ends the line. The greeting answers no request. */
static gboolean
forward_answers (Carrier *self)
{
  gsize length;

  while ((length = first_message (self->answers, TRUE))) {
    gboolean lost = self->at && self->ready == self->at;
    gboolean last = self->answers->data[0] == 'Z';

    if (lost && last)
      return cut (self);
    if (!lost && !send_all (self->client, self->answers->data, length))
      return FALSE;
    self->ready += last;
    g_byte_array_remove_range (self->answers, 0, (guint) length);
  }
  return !is_past (self) || self->cut == SIM_CUT_AFTER || self->ready < self->at || cut (self);
}

static void
carry (Carrier *self)
{
  GPollFD polled[3] = { { .fd = g_socket_get_fd (self->client), .events = G_IO_IN },
                        { .fd = g_socket_get_fd (self->server), .events = G_IO_IN } };

  g_cancellable_make_pollfd (self->line->stop, &polled[2]);
  while (g_poll (polled, 3, -1) > 0 && !polled[2].revents) {
    if (polled[0].revents && (!receive (self->client, self->asked) || !forward_requests (self)))
      break;
    if (polled[1].revents && (!receive (self->server, self->answers) || !forward_answers (self)))
      break;
  }
  g_cancellable_release_fd (self->line->stop);
}

static gpointer
serve (gpointer data)
{
  SimLine *self = data;
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (self->target);

  for (;;) {
    g_autoptr (GSocket) client = g_socket_accept (self->listener, self->stop, NULL);
    g_autoptr (GSocket) server = NULL;
    g_autoptr (GByteArray) asked = g_byte_array_new (), answers = g_byte_array_new ();
    Carrier carrier = { .line = self, .client = client, .asked = asked, .answers = answers };

    if (!client)
      return NULL;
    server = g_socket_new (G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, NULL);
    carrier.server = server;
    g_mutex_lock (&self->lock);
    carrier.at = self->request;
    carrier.cut = self->cut;
    g_mutex_unlock (&self->lock);
    if (g_socket_connect (server, address, NULL, NULL))
      carry (&carrier);
    g_socket_close (server, NULL);
    g_socket_close (client, NULL);
  }
}

SimLine *
sim_line_start (PgServer *server)
{
  SimLine *self = g_new0 (SimLine, 1);
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
  self->thread = g_thread_new ("sim-line", serve, self);
  return self;
}

void
sim_line_stop (SimLine *self)
{
  g_cancellable_cancel (self->stop);
  g_thread_join (self->thread);
  g_object_unref (self->listener);
  g_object_unref (self->stop);
  g_mutex_clear (&self->lock);
  g_free (self->target);
  g_free (self);
}

/* (transfer full) */
char *
sim_line_address (SimLine *self, const char *database, const char *login)
{
  g_autoptr (GSocketAddress) address = g_socket_get_local_address (self->listener, NULL);

  return g_strdup_printf ("host=127.0.0.1 port=%d dbname=%s user=%s sslmode=disable gssencmode=disable",
                          g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (address)), database, login);
}

/* The next connection is cut at its @request-th request, counted from 1. */
void
sim_line_plan (SimLine *self, guint request, SimCut cut)
{
  g_mutex_lock (&self->lock);
  self->request = request;
  self->cut = cut;
  self->was_cut = FALSE;
  g_mutex_unlock (&self->lock);
}

gboolean
sim_line_was_cut (SimLine *self)
{
  gboolean was_cut;

  g_mutex_lock (&self->lock);
  was_cut = self->was_cut;
  g_mutex_unlock (&self->lock);
  return was_cut;
}
