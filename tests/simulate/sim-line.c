/* Carries PostgreSQL's protocol message by message, and cuts the line at the request that was chosen: so the same fault
 * happens at the same place in every run. A request is what the server answers with ReadyForQuery: a Sync or a Query. */
#include "sim-line.h"
#include "pg-relay.h"

#include <string.h>

struct _SimLine {
  PgRelay *relay; /* (owned) */
  GMutex lock;    /* for what follows */
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
    if (!drop && !pg_relay_send (self->server, self->asked->data, length))
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
    if (!lost && !pg_relay_send (self->client, self->answers->data, length))
      return FALSE;
    self->ready += last;
    g_byte_array_remove_range (self->answers, 0, (guint) length);
  }
  return !is_past (self) || self->cut == SIM_CUT_AFTER || self->ready < self->at || cut (self);
}

static void
carry_on (Carrier *self, GCancellable *stop)
{
  GPollFD polled[3] = { { .fd = g_socket_get_fd (self->client), .events = G_IO_IN },
                        { .fd = g_socket_get_fd (self->server), .events = G_IO_IN } };

  g_cancellable_make_pollfd (stop, &polled[2]);
  while (g_poll (polled, 3, -1) > 0 && !polled[2].revents) {
    if (polled[0].revents && (!receive (self->client, self->asked) || !forward_requests (self)))
      break;
    if (polled[1].revents && (!receive (self->server, self->answers) || !forward_answers (self)))
      break;
  }
  g_cancellable_release_fd (stop);
}

static void
carry (GSocket *client, GSocket *server, GCancellable *stop, gpointer data)
{
  SimLine *self = data;
  g_autoptr (GByteArray) asked = g_byte_array_new (), answers = g_byte_array_new ();
  Carrier carrier = { .line = self, .client = client, .server = server, .asked = asked, .answers = answers };

  g_mutex_lock (&self->lock);
  carrier.at = self->request;
  carrier.cut = self->cut;
  g_mutex_unlock (&self->lock);
  carry_on (&carrier, stop);
}

SimLine *
sim_line_start (PgServer *server)
{
  SimLine *self = g_new0 (SimLine, 1);

  g_mutex_init (&self->lock);
  self->relay = pg_relay_start (server, carry, self);
  return self;
}

void
sim_line_stop (SimLine *self)
{
  pg_relay_stop (self->relay);
  g_mutex_clear (&self->lock);
  g_free (self);
}

/* (transfer full) */
char *
sim_line_address (SimLine *self, const char *database, const char *login)
{
  return pg_relay_address (self->relay, database, login);
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
