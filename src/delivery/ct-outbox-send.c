/* One post from its lease to its end. */
#include "ct-outbox-private.h"
#include "ct-origin.h"

#include <string.h>

/* Where each step is told to others, and a proof is not there yet. */
#define PROOF_MS (15 * CT_MS_SECOND)

/* Where a channel cannot be used at the moment: no token, keyring locked. */
#define HOLD_MS CT_MS_MINUTE

/* A wait for the rate budget up to here is slept through; a longer one is left to the next round. */
#define PATIENCE_MS (2 * CT_MS_SECOND)

/* Bytes of a detail that the steps of a post take. */
#define MOST_DETAIL 2000

#define RETRY_FIRST_MS (30 * CT_MS_SECOND)
#define RETRY_MOST_MS  CT_MS_HOUR

gint64
ct_outbox_now (CtOutbox *self)
{
  return self->options.clock (self->options.clock_data);
}

/* Provider limits run by the machine's steady clock: a trial's clock stands still. */
static gint64
steady_now (void)
{
  return g_get_monotonic_time () / 1000;
}

typedef struct {
  CtOutbox *outbox;
  CtRequest request;
  CtOutcome *outcome;
} Execution;

static gboolean
execute_cb (CtDb *db, gpointer data, GError **error)
{
  Execution *execution = data;

  return ct_commander_execute (execution->outbox->options.commander, db, &execution->request,
                               execution->outcome, error);
}

/* A step, carried out and confirmed; takes @args. One that the authority could not confirm may count all the same. */
gboolean
ct_outbox_execute (CtOutbox *self, const char *name, JsonObject *args, CtOutcome *outcome, GError **error)
{
  g_auto (CtOutcome) own = { 0 };
  Execution execution = { self,
                          { .name = name, .args = args, .actor = self->actor, .now = ct_outbox_now (self) },
                          outcome ? outcome : &own };
  gboolean ok = ct_store_write (self->options.store, execute_cb, &execution, error);

  json_object_unref (args);
  if (!ok || !self->options.settle || execution.outcome->seq == 0)
    return ok;
  return self->options.settle (self->options.settle_data, execution.outcome->seq, error);
}

static gboolean
check_cb (CtDb *db, gpointer data, GError **error)
{
  Execution *execution = data;

  return ct_commander_check (execution->outbox->options.commander, db, &execution->request, error);
}

/* Whether this sender may run the command, asked before a provider is; takes @args. */
gboolean
ct_outbox_may (CtOutbox *self, const char *name, JsonObject *args, GError **error)
{
  Execution execution = { self,
                          { .name = name, .args = args, .actor = self->actor, .now = ct_outbox_now (self) },
                          NULL };
  gboolean ok = ct_store_read (self->options.store, check_cb, &execution, error);

  json_object_unref (args);
  return ok;
}

typedef struct {
  const CtId *id;
  CtPostRow *post;
} Load;

static gboolean
load_cb (CtDb *db, gpointer data, GError **error)
{
  Load *load = data;

  return ct_post_row_load (db, load->id, load->post, error);
}

gboolean
ct_outbox_load (CtOutbox *self, const CtId *id, CtPostRow *post, GError **error)
{
  Load load = { id, post };

  return ct_store_read (self->options.store, load_cb, &load, error);
}

void
ct_outbox_route_clear (CtOutboxRoute *self)
{
  g_free (self->name);
  g_free (self->base_url);
  g_free (self->origin);
  g_clear_pointer (&self->secret, ct_secret_unref);
  memset (self, 0, sizeof *self);
}

static gboolean
read_route_cb (CtDb *db, gpointer data, GError **error)
{
  CtOutboxRoute *route = data;
  g_autoptr (CtStmt) stmt =
      ct_db_query (db, error, "SELECT kind, base_url FROM channels WHERE name = ? AND archived_at IS NULL",
                   "s", route->name);

  if (!stmt)
    return FALSE;
  if (!ct_stmt_next (stmt))
    return ct_stmt_finish (stmt, error) &&
           ct_fail (error, CT_ERROR_NOT_FOUND, _ ("There is no channel “%s”"), route->name);
  route->klass = ct_channel_class (ct_stmt_text (stmt, 0));
  if (!route->klass)
    return ct_fail (error, CT_ERROR_INVALID, _ ("There is no channel of kind “%s”"), ct_stmt_text (stmt, 0));
  route->base_url = g_strdup (*ct_stmt_text (stmt, 1) ? ct_stmt_text (stmt, 1) : route->klass->base_url);
  return TRUE;
}

/* People read at their desks why a post of the team's service waits, and it has its secrets elsewhere than they. */
static gboolean
fail_secret (CtOutbox *self, const CtOutboxRoute *route, const GError *problem, GError **error)
{
  g_autofree char *credential = g_strdelimit (g_strdup (route->name), " ", '-');

  if (!self->options.settle || !g_error_matches (problem, CT_ERROR, CT_ERROR_NOT_FOUND)) {
    g_propagate_error (error, g_error_copy (problem));
    return FALSE;
  }
  return ct_fail (
      error, CT_ERROR_NOT_FOUND,
      _ ("The team's service has no token for channel “%s” at %s: on its machine, give towerd the "
         "credential “%s” that holds this address, a blank and the token (LoadCredential= in its "
         "unit), and start it again"),
      route->name, route->origin, credential);
}

/**
 * ct_outbox_route:
 * @channel: its name
 * @route: (out): clear with ct_outbox_route_clear()
 *
 * Errors: %CT_ERROR_NOT_FOUND where there is no such channel or no token, %CT_ERROR_REFUSED where a demo workspace would
 * reach outside
 */
gboolean
ct_outbox_route (CtOutbox *self, const char *channel, GCancellable *cancellable, CtOutboxRoute *route,
                 GError **error)
{
  g_auto (CtOutboxRoute) read = { .name = g_strdup (channel) };
  g_autoptr (GError) problem = NULL;

  if (!ct_store_read (self->options.store, read_route_cb, &read, error) ||
      !ct_origin_parse (read.base_url, &read.origin, NULL, error))
    return FALSE;
  if (self->options.loopback_only && !ct_origin_is_loopback (read.origin))
    return ct_fail (error, CT_ERROR_REFUSED,
                    _ ("This is a demo workspace: it sends to this machine alone, not to %s"), read.origin);
  read.secret = ct_secret_store_find (self->options.secrets, channel, read.base_url, cancellable, &problem);
  if (!read.secret)
    return fail_secret (self, &read, problem, error);
  *route = read;
  memset (&read, 0, sizeof read);
  return TRUE;
}

CtChannelLink
ct_outbox_link (CtOutbox *self, const CtOutboxRoute *route, GCancellable *cancellable)
{
  return (CtChannelLink){ .http = self->options.http,
                          .base_url = route->base_url,
                          .secret = route->secret,
                          .timeout_ms = self->options.timeout_ms,
                          .now = ct_outbox_now (self),
                          .cancellable = cancellable };
}

/* Whether a send may be now, by the provider's limits and after one that did not go out; short waits are waited for.
 * @wait: (out): where not, for how many milliseconds */
static gboolean
take_budget (CtOutbox *self, const CtOutboxRoute *route, const char *destination, GCancellable *cancellable,
             gint64 *wait)
{
  g_autofree char *key = g_strdup_printf ("%s:%s", route->name, destination);
  gint64 start = steady_now (), next = 0;

  ct_rate_budget_limit (self->budget, route->origin, key, route->klass->burst, route->klass->interval_ms);
  while (!ct_rate_budget_take (self->budget, route->origin, key, steady_now (), &next)) {
    if (next - start > PATIENCE_MS || g_cancellable_is_cancelled (cancellable)) {
      *wait = MAX (next - steady_now (), 0);
      return FALSE;
    }
    g_usleep (20000);
  }
  return TRUE;
}

/* What a provider or a long list of changed facts says is cut to what a command takes. */
void
ct_outbox_bound_detail (JsonObject *args)
{
  const char *detail = ct_json_string (args, "detail", "");
  g_autofree char *valid = g_utf8_make_valid (detail, -1);
  g_autofree char *head = NULL;

  if (strlen (detail) <= MOST_DETAIL && strcmp (valid, detail) == 0)
    return;
  head = ct_text_snippet (valid, MOST_DETAIL / 4); /* a character has at most four bytes */
  json_object_set_string_member (args, "detail", head);
}

static gboolean
step (CtOutbox *self, const char *name, const CtPostRow *post, gint64 fence, JsonObject *args, GError **error)
{
  g_autofree char *id = ct_id_to_string (&post->id);

  ct_outbox_bound_detail (args);
  json_object_set_string_member (args, "post", id);
  json_object_set_int_member (args, "fence", fence);
  return ct_outbox_execute (self, name, args, NULL, error);
}

static gboolean
release (CtOutbox *self, const CtPostRow *post, gint64 fence, gint64 ready_at, const char *why,
         GError **error)
{
  return step (self, "post.release", post, fence, ct_json_build ("is", "ready_at", ready_at, "detail", why),
               error);
}

/* Nothing went out, and whether the authority knows that something was about to nobody can say: this follows it there. */
static void
hand_back (CtOutbox *self, const CtPostRow *post, gint64 fence, const GError *problem)
{
  if (g_error_matches (problem, CT_ERROR, CT_ERROR_NETWORK))
    release (self, post, fence, ct_outbox_now (self), problem->message, NULL);
}

static gboolean
lease (CtOutbox *self, const CtPostRow *post, gint64 *fence, GError **error)
{
  g_autofree char *id = ct_id_to_string (&post->id);
  g_autoptr (GError) problem = NULL;
  g_auto (CtOutcome) outcome = { 0 };
  gboolean leased = ct_outbox_execute (
      self, "post.lease", ct_json_build ("ss", "post", id, "holder", self->holder), &outcome, &problem);

  *fence = ct_json_int (outcome.result, "fence", -1);
  if (leased)
    return TRUE;
  hand_back (self, post, *fence, problem);
  g_propagate_error (error, g_steal_pointer (&problem));
  return FALSE;
}

static gint64
retry_at (CtOutbox *self, const CtPostRow *post, const CtSendResult *result)
{
  gint64 now = ct_outbox_now (self), wait = RETRY_FIRST_MS;

  for (gint64 i = 0; i < post->attempts && wait < RETRY_MOST_MS; i++)
    wait *= 2;
  return result->retry_at ? result->retry_at : now + MIN (wait, RETRY_MOST_MS);
}

/* Slack's ID is "channel:ts"; what answers a message names its ts. */
static const char *
thread_of (const char *external_id)
{
  const char *colon = external_id ? strrchr (external_id, ':') : NULL;

  return colon ? colon + 1 : NULL;
}

/* It is sent, whatever others made of it meanwhile: where they gave it up as unknown, that is told once more. */
static gboolean
settle_sent (CtOutbox *self, const CtPostRow *post, gint64 fence, const CtSendResult *result, GError **error)
{
  g_autoptr (GError) problem = NULL;

  for (int tries = 2; tries > 0; tries--) {
    g_clear_error (&problem);
    if (step (self, "post.sent", post, fence,
              ct_json_build ("sss", "external_id", result->external_id, "thread",
                             thread_of (result->external_id), "detail", result->detail),
              &problem))
      return TRUE;
    if (!g_error_matches (problem, CT_ERROR, CT_ERROR_CONFLICT))
      break;
  }
  g_propagate_error (error, g_steal_pointer (&problem));
  return FALSE;
}

/* Writes down what became of the attempt. */
static gboolean
settle (CtOutbox *self, const CtPostRow *post, gint64 fence, const CtOutboxRoute *route,
        const CtSendResult *result, GError **error)
{
  const char *detail = result->detail ? result->detail : "";

  switch (result->outcome) {
  case CT_SEND_SENT:
  case CT_SEND_UNCONFIRMED:
    return settle_sent (self, post, fence, result, error);
  case CT_SEND_RETRY: {
    g_autofree char *key = g_strdup_printf ("%s:%s", post->channel, post->destination);
    gint64 at = retry_at (self, post, result);

    ct_rate_budget_park (self->budget, route->origin, key, steady_now (),
                         steady_now () + at - ct_outbox_now (self));
    return release (self, post, fence, at, detail, error);
  }
  case CT_SEND_FAILED:
    return step (self, "post.failed", post, fence, ct_json_build ("s", "detail", detail), error);
  case CT_SEND_UNKNOWN:
  default:
    return step (self, "post.unknown", post, fence, ct_json_build ("s", "detail", detail), error);
  }
}

/* Whether a step was refused because of what somebody else did meanwhile. */
static gboolean
is_overtaken (const GError *problem)
{
  return g_error_matches (problem, CT_ERROR, CT_ERROR_CONFLICT) ||
         g_error_matches (problem, CT_ERROR, CT_ERROR_BUSY) ||
         g_error_matches (problem, CT_ERROR, CT_ERROR_REFUSED);
}

/* A post that may not go out: changed facts void its approval, a missing proof ends it, a log that is not signed yet holds
 * it. */
static gboolean
keep_in (CtOutbox *self, const CtPostRow *post, gint64 fence, const GError *problem, char **waits_for,
         GError **error)
{
  if (g_error_matches (problem, CT_ERROR, CT_ERROR_CONFLICT))
    return step (self, "post.void", post, fence, ct_json_build ("s", "detail", problem->message), error);
  if (!g_error_matches (problem, CT_ERROR, CT_ERROR_BUSY))
    return step (self, "post.failed", post, fence, ct_json_build ("s", "detail", problem->message), error);
  *waits_for = g_strdup (problem->message);
  return release (self, post, fence, ct_outbox_now (self) + (self->options.settle ? PROOF_MS : 0),
                  problem->message, error);
}

/* From here on the post's fate is the sender's: "sending" is committed before the first byte. */
static gboolean
send (CtOutbox *self, const CtPostRow *post, gint64 fence, const CtOutboxRoute *route,
      GCancellable *cancellable, char **waits_for, GError **error)
{
  g_autoptr (CtWire) wire = ct_wire_decode (post->wire, error);
  g_autoptr (GError) problem = NULL;
  g_autoptr (GError) change = NULL;
  CtChannelLink link;
  g_auto (CtSendResult) result = { 0 };

  if (!wire)
    return FALSE;
  if (!step (self, "post.sending", post, fence, json_object_new (), &problem)) {
    if (!is_overtaken (problem)) {
      hand_back (self, post, fence, problem);
      g_propagate_error (error, g_steal_pointer (&problem));
      return FALSE;
    }
    if (!ct_outbox_prove (self, post, &change))
      return keep_in (self, post, fence, change, waits_for, error);
    /* called back, or all sending was stopped: what is still ours goes back in line */
    release (self, post, fence, ct_outbox_now (self), problem->message, NULL);
    *waits_for = g_strdup (problem->message);
    return TRUE;
  }
  link = ct_outbox_link (self, route, cancellable);
  route->klass->send (&link, wire, &result);
  return settle (self, post, fence, route, &result, error);
}

/* What stands between a lease and the send. A channel that cannot be used now holds the post. */
static gboolean
send_leased (CtOutbox *self, const CtPostRow *post, gint64 fence, GCancellable *cancellable, char **waits_for,
             gint64 *ready_at, GError **error)
{
  g_auto (CtOutboxRoute) route = { 0 };
  g_autoptr (GError) problem = NULL;
  gint64 wait = 0;

  *ready_at = ct_outbox_now (self);
  if (!ct_outbox_prove (self, post, &problem))
    return keep_in (self, post, fence, problem, waits_for, error);
  if (!ct_outbox_route (self, post->channel, cancellable, &route, &problem))
    *ready_at += HOLD_MS;
  else if (!take_budget (self, &route, post->destination, cancellable, &wait))
    problem =
        g_error_new_literal (CT_ERROR, CT_ERROR_BUSY,
                             _ ("the channel takes nothing now: its limit is reached, or it did not take "
                                "another message"));
  else
    return send (self, post, fence, &route, cancellable, waits_for, error);
  *ready_at += wait;
  *waits_for = g_strdup (problem->message);
  return release (self, post, fence, *ready_at, problem->message, error);
}

/**
 * ct_outbox_send_one:
 * @waits_for: (out): set where the post was left in line: why
 * @ready_at: (out): set with it: not before
 *
 * Returns: %FALSE where nothing could be written down; a post that another sender took is no failure
 */
gboolean
ct_outbox_send_one (CtOutbox *self, const CtId *id, GCancellable *cancellable, char **waits_for,
                    gint64 *ready_at, GError **error)
{
  g_auto (CtPostRow) post = { 0 };
  g_autoptr (GError) problem = NULL;
  gint64 fence = 0;

  if (!ct_outbox_load (self, id, &post, error))
    return FALSE;
  if (lease (self, &post, &fence, &problem) &&
      send_leased (self, &post, fence, cancellable, waits_for, ready_at, &problem))
    return TRUE;
  if (!is_overtaken (problem)) {
    g_propagate_error (error, g_steal_pointer (&problem));
    return FALSE;
  }
  g_free (*waits_for);
  *waits_for = g_strdup (problem->message);
  *ready_at = post.ready_at;
  return TRUE;
}
