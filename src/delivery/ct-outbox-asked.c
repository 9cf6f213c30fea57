/* Around single posts that went out, or may have: looking for them at the provider and taking them back, at once or because
 * a person asked somewhere else. */
#include "ct-outbox-private.h"

#include <string.h>

/* What a person waits for is tried again so often, and given up after so long. */
#define RETRY_MS   CT_MS_MINUTE
#define TRY_FOR_MS (24 * CT_MS_HOUR)

typedef struct {
  const CtId *post;
  gint64 confirmed;
} ConfirmedTask;

/* @external_id: (out) (nullable): stays %NULL where the provider shows no message with this post's mark */
static gboolean
look_there (CtOutbox *self, const CtPostRow *post, const CtOutboxRoute *route, GCancellable *cancellable,
            char **external_id, GError **error)
{
  g_auto (CtWireMessage) message = { 0 };
  CtChannelLink link = ct_outbox_link (self, route, cancellable);

  if (!route->klass->read_back)
    return ct_fail (error, CT_ERROR_REFUSED, _ ("%s cannot be read back: a person must look"),
                    route->klass->kind);
  /* the providers' clocks may be behind ours */
  return ct_wire_parse (post->wire, NULL, &message, error) &&
         route->klass->read_back (&link, &message, post->ready_at - CT_MS_HOUR, external_id, error);
}

/**
 * ct_outbox_read_back:
 * @found: (out): whether the provider has the message; where it has not, a person decides
 *
 * Looks for a post of unknown fate at its provider, and settles it where it is found. What is not found is not sent
 * again by itself: it may still be on its way.
 */
gboolean
ct_outbox_read_back (CtOutbox *self, const CtId *id, GCancellable *cancellable, gboolean *found,
                     GError **error)
{
  g_auto (CtPostRow) post = { 0 };
  g_auto (CtOutboxRoute) route = { 0 };
  g_autofree char *external_id = NULL;
  g_autofree char *text = ct_id_to_string (id);

  *found = FALSE;
  if (!ct_outbox_load (self, id, &post, error) ||
      !ct_outbox_may (self, "post.sent", ct_json_build ("si", "post", text, "fence", post.fence), error) ||
      !ct_outbox_route (self, post.channel, cancellable, &route, error) ||
      !look_there (self, &post, &route, cancellable, &external_id, error))
    return FALSE;
  if (!external_id)
    return TRUE;
  *found = TRUE;
  return ct_outbox_execute (self, "post.sent",
                            ct_json_build ("sisss", "post", text, "fence", post.fence, "external_id",
                                           external_id, "thread", strrchr (external_id, ':') + 1, "detail",
                                           _ ("found by reading back")),
                            NULL, error);
}

static gboolean
read_confirmed_cb (CtDb *db, gpointer data, GError **error)
{
  ConfirmedTask *task = data;

  return ct_db_read_int (
      db, &task->confirmed, error,
      "SELECT EXISTS (SELECT 1 FROM delivery_attempts WHERE post_id = ? AND outcome = 'sent')", "k",
      task->post);
}

/* What the provider told us itself is this post's message; what a person named must bear its mark: another message of the same
 * app is nobody's to take back in its place. */
static gboolean
check_message (CtOutbox *self, const CtPostRow *post, const CtOutboxRoute *route, GCancellable *cancellable,
               GError **error)
{
  ConfirmedTask task = { &post->id, 0 };
  g_autofree char *found = NULL;

  if (!ct_store_read (self->options.store, read_confirmed_cb, &task, error))
    return FALSE;
  if (task.confirmed)
    return TRUE;
  return look_there (self, post, route, cancellable, &found, error) &&
         (g_strcmp0 (found, post->external_id) == 0 ||
          ct_fail (
              error, CT_ERROR_REFUSED,
              _ ("That %s is this post’s message is what a person said, and it does not bear the post’s "
                 "mark: it is gone already, or it is another message. Look there, and delete it by hand"),
              post->external_id));
}

/* @again: (out): whether it may succeed later: another of several services may have the channel's token */
static gboolean
retract_there (CtOutbox *self, const CtPostRow *post, GCancellable *cancellable, gboolean *again,
               GError **error)
{
  g_auto (CtOutboxRoute) route = { 0 };
  g_autoptr (GError) problem = NULL;
  CtChannelLink link;

  *again = self->options.settle != NULL;
  if (!ct_outbox_route (self, post->channel, cancellable, &route, error))
    return FALSE;
  *again = FALSE;
  if (!route.klass->retract || !post->external_id)
    return ct_fail (error, CT_ERROR_REFUSED, _ ("%s cannot take messages back"), route.klass->kind);
  link = ct_outbox_link (self, &route, cancellable);
  if (check_message (self, post, &route, cancellable, &problem) &&
      route.klass->retract (&link, post->external_id, &problem))
    return TRUE;
  *again = g_error_matches (problem, CT_ERROR, CT_ERROR_NETWORK) ||
           g_error_matches (problem, CT_ERROR, CT_ERROR_UNKNOWN_FATE);
  g_propagate_error (error, g_steal_pointer (&problem));
  return FALSE;
}

static gboolean
write_failure (CtOutbox *self, const CtPostRow *post, gint64 fence, gboolean again, const char *detail,
               GError **error)
{
  g_autofree char *id = ct_id_to_string (&post->id);
  JsonObject *args = ct_json_build ("sis", "post", id, "fence", fence, "detail", detail);
  gint64 now = ct_outbox_now (self);

  ct_outbox_bound_detail (args);
  if (again && now < post->retract_asked_at + TRY_FOR_MS)
    json_object_set_int_member (args, "retry_at", now + RETRY_MS);
  return ct_outbox_execute (self, "post.retract_failed", args, NULL, error);
}

/* Takes back what somebody asked for. That it begins is written down before the provider is asked; whoever stops in between is
 * followed by another try when the lease is over, which does no harm. */
static gboolean
retract_one (CtOutbox *self, const CtId *id, GCancellable *cancellable, GError **error)
{
  g_auto (CtPostRow) post = { 0 };
  g_auto (CtOutcome) outcome = { 0 };
  g_autofree char *text = ct_id_to_string (id);
  g_autoptr (GError) problem = NULL;
  gboolean again = FALSE;
  gint64 fence;

  if (!ct_outbox_execute (self, "post.retract_lease",
                          ct_json_build ("ss", "post", text, "holder", self->holder), &outcome, error) ||
      !ct_outbox_load (self, id, &post, error))
    return FALSE;
  fence = ct_json_int (outcome.result, "fence", -1);
  if (retract_there (self, &post, cancellable, &again, &problem))
    return ct_outbox_execute (self, "post.retract", ct_json_build ("si", "post", text, "fence", fence), NULL,
                              error);
  if (g_cancellable_is_cancelled (cancellable) ||
      write_failure (self, &post, fence, again, problem->message, error))
    g_propagate_error (error, g_steal_pointer (&problem));
  return FALSE;
}

/**
 * ct_outbox_retract:
 * @comment: why
 *
 * Writes down who wants a sent post back, takes it back at its provider, then writes that down; repeating it does no harm.
 * Where the provider cannot be reached it is tried again in later rounds.
 */
gboolean
ct_outbox_retract (CtOutbox *self, const CtId *id, const char *comment, GCancellable *cancellable,
                   GError **error)
{
  g_auto (CtPostRow) post = { 0 };
  g_autofree char *text = ct_id_to_string (id);

  return ct_outbox_load (self, id, &post, error) &&
         (post.retract_asked_at != CT_NULL_INT ||
          ct_outbox_execute (self, "post.retracting", ct_json_build ("ss", "post", text, "comment", comment),
                             NULL, error)) &&
         retract_one (self, id, cancellable, error);
}

/* Whoever asked hears of it also where it is not there. */
static gboolean
look_for_one (CtOutbox *self, const CtId *id, GCancellable *cancellable, GError **error)
{
  g_autofree char *text = ct_id_to_string (id);
  g_autoptr (GError) problem = NULL;
  gboolean found = FALSE;
  JsonObject *args;

  if (ct_outbox_read_back (self, id, cancellable, &found, &problem) && found)
    return TRUE;
  if (problem && g_cancellable_is_cancelled (cancellable)) {
    g_propagate_error (error, g_steal_pointer (&problem));
    return FALSE;
  }
  args = ct_json_build ("ss", "post", text, "detail", problem ? problem->message : ct_outbox_not_found ());
  ct_outbox_bound_detail (args);
  return ct_outbox_execute (self, "post.looked", args, NULL, error);
}

typedef gboolean (*DoOne) (CtOutbox *self, const CtId *id, GCancellable *cancellable, GError **error);

/* What one of them runs into is not the end of the round, and it is not tried again at once. */
static gboolean
do_each (CtOutbox *self, const char *sql, DoOne one, GCancellable *cancellable, guint *n_done, GError **error)
{
  g_autoptr (GArray) ids = ct_outbox_read_ids (self, sql, error);

  for (guint i = 0; ids && i < ids->len && !g_cancellable_is_cancelled (cancellable); i++) {
    const CtId *id = &g_array_index (ids, CtId, i);
    g_auto (CtPostRow) post = { 0 };
    g_autofree char *text = ct_id_to_string (id), *key = NULL;
    g_autoptr (GError) problem = NULL;

    if (!ct_outbox_load (self, id, &post, error))
      return FALSE;
    key = g_strdup_printf ("%s %" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %" G_GINT64_FORMAT, text, post.fence,
                           post.retract_asked_at, post.look_asked_at);
    if (!ct_outbox_is_time (self, key))
      continue;
    if (one (self, id, cancellable, &problem)) {
      (*n_done)++;
    } else if (problem->domain != CT_ERROR || problem->code == CT_ERROR_FAILED) {
      g_propagate_error (error, g_steal_pointer (&problem));
      return FALSE;
    } else {
      g_debug ("%s: %s", post.number, problem->message);
    }
  }
  return ids != NULL;
}

/**
 * ct_outbox_do_asked:
 * @n_retracted: (out): messages that were taken back
 *
 * Takes back the messages, and looks for those of unknown fate, for which a person asked.
 *
 * Returns: %FALSE only where the workspace itself cannot be used
 */
gboolean
ct_outbox_do_asked (CtOutbox *self, GCancellable *cancellable, guint *n_retracted, GError **error)
{
  guint n_looked = 0;

  return do_each (self,
                  "SELECT id FROM outbox WHERE state = 'sent' AND retract_asked_at IS NOT NULL AND "
                  "(leased_until IS NULL OR leased_until <= ?1) ORDER BY retract_asked_at, n LIMIT ?2",
                  retract_one, cancellable, n_retracted, error) &&
         do_each (self,
                  "SELECT id FROM outbox WHERE state = 'unknown' AND look_asked_at IS NOT NULL AND ?1 IS NOT "
                  "NULL ORDER BY look_asked_at, n LIMIT ?2",
                  look_for_one, cancellable, &n_looked, error);
}
