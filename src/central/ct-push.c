#include "ct-push.h"

#include <string.h>

#define ANSWER_MOST (64 * 1024 * 1024)

void
ct_verdict_free (CtVerdict *self)
{
  g_free (self->code);
  g_free (self->reason);
  g_clear_pointer (&self->theirs, json_array_unref);
  g_free (self);
}

/* (transfer full) (nullable): the outcome that an answer of api.apply tells; @object: (nullable) */
CtVerdict *
ct_verdict_read (JsonObject *object, GError **error)
{
  const char *outcome = ct_json_string (object, "outcome", "");
  JsonArray *theirs = ct_json_array (object, "theirs");
  CtVerdict *self;
  CtId leaf;

  if ((!g_str_equal (outcome, "applied") && !g_str_equal (outcome, "rejected")) ||
      !ct_id_parse (ct_json_string (object, "leaf", NULL), &leaf)) {
    ct_fail (error, CT_ERROR_INVALID, "the server's answer to a command is neither applied nor rejected");
    return NULL;
  }
  self = g_new0 (CtVerdict, 1);
  self->kind = *outcome == 'a' ? CT_PUSH_APPLIED : CT_PUSH_REJECTED;
  self->code = g_strdup (ct_json_string (object, "code", NULL));
  self->reason = g_strdup (ct_json_string (object, "reason", NULL));
  self->theirs = theirs ? json_array_ref (theirs) : NULL;
  self->leaf = leaf;
  return self;
}

/**
 * ct_verdict_parse:
 * @answer: what api.apply returned, or api.outcomes repeats
 *
 * Returns: (transfer full): the outcome, or %NULL with %CT_ERROR_INVALID
 */
CtVerdict *
ct_verdict_parse (const char *answer, GError **error)
{
  g_autoptr (JsonNode) node = ct_json_parse (answer ? answer : "", -1, ANSWER_MOST, error);

  return node ? ct_verdict_read (JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL, error)
              : NULL;
}

static CtVerdict *
forked (GError *problem)
{
  CtVerdict *self = g_new0 (CtVerdict, 1);

  self->kind = CT_PUSH_FORKED;
  self->reason = g_strdup (problem->message);
  return self;
}

/* Commands under way at once, and bytes: enough to keep a server busy over a long line, and no more than that. */
#define UNDER_WAY      256
#define UNDER_WAY_SIZE (4 * 1024 * 1024)

static const char apply[] = "SELECT api.apply($1::text::uuid, $2::text::bigint, $3::text, $4::text::jsonb,"
                            " $5::text::bigint[])";

/* What the server answered to one command: an outcome, or a reason to stop that is none of the command's fault. */
static CtVerdict *
read_answer (CtSession *session, CtAnswer *answer, GError *problem, GError **error)
{
  if (answer)
    return ct_verdict_parse (ct_answer_text (answer, 0, 0), error);
  if (g_str_equal (ct_session_last_state (session), "CT001"))
    return forked (problem);
  if (g_str_equal (ct_session_last_state (session), "CT006")) {
    ct_fail (error, CT_ERROR_BUSY,
             _ ("A workspace is just being uploaded to the server, which takes nothing else until that is "
                "done. What you do is kept and sent then"));
    return NULL;
  }
  g_propagate_error (error, g_error_copy (problem));
  return NULL;
}

typedef struct {
  CtSession *session;
  const CtId *device;
  CtPushNext next;
  CtPushTold told;
  gpointer data;
  GQueue sizes;     /* (element-type gsize): of the commands under way, oldest first */
  gsize size;       /* of all of them */
  gboolean offered; /* anything */
  gboolean dry;     /* nothing more to offer */
} Stream;

/* Behind the last command, without waiting for it: others hear of them as soon as they are there. */
static gboolean
announce (Stream *self, GError **error)
{
  return !self->offered || ct_session_pipeline_send (self->session, error, "SELECT api.announce()", "");
}

static gboolean
offer_more (Stream *self, GError **error)
{
  while (!self->dry &&
         (self->sizes.length == 0 || (self->sizes.length < UNDER_WAY && self->size < UNDER_WAY_SIZE))) {
    g_auto (CtPushOffer) offer = { 0 };
    gsize size;

    if (!self->next (&offer, self->data, error))
      return FALSE;
    self->dry = !offer.intent;
    if (self->dry)
      return announce (self, error);
    if (!ct_session_pipeline_send (self->session, error, apply, "kisss", self->device, offer.n, offer.intent,
                                   offer.changes, offer.builds_on ? offer.builds_on : "{}"))
      return FALSE;
    self->offered = TRUE;
    size = strlen (offer.intent) + (offer.changes ? strlen (offer.changes) : 0);
    g_queue_push_tail (&self->sizes, GSIZE_TO_POINTER (size));
    self->size += size;
  }
  return TRUE;
}

/* What stops the stream without being a failure. */
static CtPushEnd
end_of (CtSession *session, const CtVerdict *verdict)
{
  const char *state = ct_session_last_state (session);

  if (verdict)
    return verdict->kind == CT_PUSH_FORKED ? CT_PUSH_END_FORKED : CT_PUSH_END_DONE;
  return g_str_equal (state, "CT003")   ? CT_PUSH_END_GAP
         : g_str_equal (state, "CT005") ? CT_PUSH_END_LOST_BASE
                                        : CT_PUSH_END_DONE;
}

static gboolean
run_stream (Stream *self, CtPushEnd *end, GCancellable *cancellable, GError **error)
{
  while (offer_more (self, error) && self->sizes.length > 0) {
    g_autoptr (GError) problem = NULL;
    g_autoptr (CtAnswer) answer = ct_session_pipeline_next (self->session, cancellable, &problem);
    g_autoptr (CtVerdict) verdict = read_answer (self->session, answer, problem, error);

    self->size -= GPOINTER_TO_SIZE (g_queue_pop_head (&self->sizes));
    *end = end_of (self->session, verdict);
    if (!verdict)
      return FALSE;
    self->told (g_steal_pointer (&verdict), self->data);
    if (*end != CT_PUSH_END_DONE)
      return TRUE;
  }
  return !*error;
}

/**
 * ct_push_stream:
 * @next: gives the commands of @device in their order, one a call, while earlier ones are under way
 * @told: takes the outcomes, in the same order; that the workspace forked as well
 * @end: (out): why it ended
 *
 * Pushes many commands without waiting for each answer. The server counts a device's commands without a gap: where one
 * fails for a reason of the machine those behind it do nothing, and the next stream begins with it.
 *
 * Returns: %FALSE where a command was not settled: see ct_push(), and @end; what @told heard before counts
 */
gboolean
ct_push_stream (CtSession *session, const CtId *device, CtPushNext next, CtPushTold told, gpointer data,
                CtPushEnd *end, GCancellable *cancellable, GError **error)
{
  Stream self = { session, device, next, told, data, G_QUEUE_INIT, 0, FALSE, FALSE };
  g_autoptr (GError) problem = NULL;
  g_autoptr (GError) closing = NULL;
  gboolean done;

  *end = CT_PUSH_END_DONE;
  if (!ct_session_pipeline_begin (session, error))
    return FALSE;
  done = run_stream (&self, end, cancellable, &problem);
  g_queue_clear (&self.sizes);
  if (!ct_session_pipeline_end (session, cancellable, &closing) && done) {
    g_propagate_error (error, g_steal_pointer (&closing));
    return FALSE;
  }
  if (!done)
    g_propagate_error (error, g_steal_pointer (&problem));
  return done;
}

typedef struct {
  CtPushOffer offer;  /* (unowned texts) */
  CtVerdict *verdict; /* (owned) (nullable) */
} Single;

static gboolean
next_single (CtPushOffer *offer, gpointer data, GError **error)
{
  Single *single = data;

  offer->n = single->offer.n;
  offer->intent = g_strdup (single->offer.intent);
  offer->changes = g_strdup (single->offer.changes);
  single->offer.intent = NULL;
  return TRUE;
}

static void
told_single (CtVerdict *verdict, gpointer data)
{
  ((Single *) data)->verdict = g_steal_pointer (&verdict);
}

/**
 * ct_push:
 * @n: which command of @device; counted without a gap
 * @intent: its canonical bytes, whose SHA-256 the server keeps
 * @changes: (nullable): JSON array of what it changed; %NULL tells the server that the device withdrew it
 *
 * Offering the same command again is harmless: the server returns what it answered the first time.
 *
 * Returns: (transfer full): the outcome, or %NULL where nothing is known of it: %CT_ERROR_BUSY, %CT_ERROR_NETWORK and
 *   %CT_ERROR_UNKNOWN_FATE ask for another try, %CT_ERROR_REFUSED means the device is not enrolled for this login
 */
CtVerdict *
ct_push (CtSession *session, const CtId *device, gint64 n, const char *intent, const char *changes,
         GCancellable *cancellable, GError **error)
{
  Single single = { { n, (char *) intent, (char *) changes, NULL }, NULL };
  CtPushEnd end;

  if (ct_push_stream (session, device, next_single, told_single, &single, &end, cancellable, error))
    return single.verdict;
  g_clear_pointer (&single.verdict, ct_verdict_free);
  return NULL;
}

void
ct_push_offer_clear (CtPushOffer *self)
{
  g_clear_pointer (&self->intent, g_free);
  g_clear_pointer (&self->changes, g_free);
  g_clear_pointer (&self->builds_on, g_free);
}

/**
 * ct_push_fork:
 * @shared_n: the last command that this workspace and the server have in common, 0 where there is none
 * @shared_sha256: its intent's hash
 * @new_device: how this workspace calls itself from now on
 *
 * Lets a copied or restored workspace offer the commands after @shared_n under a device of its own.
 */
gboolean
ct_push_fork (CtSession *session, const CtId *device, gint64 shared_n, const CtHash *shared_sha256,
              const CtId *new_device, GCancellable *cancellable, GError **error)
{
  g_autofree char *hash = ct_hash_to_hex (shared_sha256);

  return ct_session_run (
      session, cancellable, error,
      "SELECT api.fork($1::text::uuid, $2::text::bigint, decode($3, 'hex'), $4::text::uuid)", "kisk", device,
      shared_n, hash, new_device);
}

/**
 * ct_push_enrol:
 * @owner: the login that may push as this device
 * @public_key: (nullable): 32 bytes of Ed25519, for approvals
 * @last_n: the last command that the workspace keeps to itself, 0 as a rule
 * @last_sha256: that intent's hash; zeros for 0
 * @voucher: (nullable): without one no service counts the device's signatures
 *
 * For administrators.
 */
gboolean
ct_push_enrol (CtSession *session, const CtId *device, const char *owner, const char *label,
               const guint8 *public_key, gint64 last_n, const CtHash *last_sha256,
               const CtPushVoucher *voucher, GCancellable *cancellable, GError **error)
{
  g_autofree char *hash = ct_hash_to_hex (last_sha256);
  g_autofree char *key = NULL;

  if (public_key) {
    CtHash as_hash;

    memcpy (as_hash.bytes, public_key, sizeof as_hash.bytes);
    key = ct_hash_to_hex (&as_hash);
  }
  return ct_session_run (
      session, cancellable, error,
      "SELECT api.enrol($1::text::uuid, $2, $3, decode($4, 'hex'), $5::text::bigint, decode($6, 'hex'),"
      " decode($7, 'hex'), $8::text::uuid)",
      "ksssissk", device, owner, label, key, last_n, hash, voucher ? voucher->signature : NULL,
      voucher ? &voucher->signer : NULL);
}
