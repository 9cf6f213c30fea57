#include "ct-work-lease.h"

#include <unistd.h>

struct _CtWorkLease {
  char *kind;         /* (owned) */
  char *holder;       /* (owned) */
  gint64 seconds;     /* for how long it is taken; renewed, or asked for again, after a third of that */
  gint64 fence;       /* 0: not held */
  gint64 until, next; /* by the steady clock, milliseconds: held until, and not asked for before */
};

static gint64
steady_now (void)
{
  return g_get_monotonic_time () / 1000;
}

/**
 * ct_work_lease_new:
 * @kind: as the server knows it: "detect", "schedule", "sequence"
 * @seconds: after which another instance may have it where this one dies, 1 to 300
 *
 * Returns: (transfer full): a lease that is not held yet, under a name that no other process or lease has
 */
CtWorkLease *
ct_work_lease_new (const char *kind, int seconds)
{
  CtWorkLease *self = g_new0 (CtWorkLease, 1);
  g_autofree char *unique = g_uuid_string_random ();

  self->kind = g_strdup (kind);
  self->seconds = seconds;
  self->holder = g_strdup_printf ("%.64s/%d/%s", g_get_host_name (), (int) getpid (), unique);
  return self;
}

void
ct_work_lease_free (CtWorkLease *self)
{
  if (!self)
    return;
  g_free (self->kind);
  g_free (self->holder);
  g_free (self);
}

static gboolean
take (CtWorkLease *self, CtSession *session, GCancellable *cancellable, GError **error)
{
  g_autoptr (CtAnswer) answer =
      ct_session_query (session, cancellable, error, "SELECT api.take_work($1, $2, $3::text::integer)", "ssi",
                        self->kind, self->holder, self->seconds);

  if (answer)
    self->fence = ct_answer_text (answer, 0, 0) ? ct_answer_int (answer, 0, 0) : 0;
  return answer != NULL;
}

static gboolean
renew (CtWorkLease *self, CtSession *session, GCancellable *cancellable, GError **error)
{
  g_autoptr (CtAnswer) answer = ct_session_query (
      session, cancellable, error, "SELECT api.renew_work($1, $2::text::bigint, $3::text::integer)::integer",
      "sii", self->kind, self->fence, self->seconds);

  if (answer && ct_answer_int (answer, 0, 0) == 0)
    self->fence = 0;
  return answer != NULL;
}

/**
 * ct_work_lease_hold:
 * @held: (out): whether this one is to do the work now
 *
 * Takes the work where it is free, keeps it where it is ours; most calls ask nobody. It counts as ours no longer than
 * the server says, since our clock began before the server was asked.
 *
 * Returns: %FALSE where the server could not be asked; a lease that is held stays so until its time is over
 */
gboolean
ct_work_lease_hold (CtWorkLease *self, CtSession *session, gboolean *held, GCancellable *cancellable,
                    GError **error)
{
  gint64 now = steady_now ();
  gboolean ok = TRUE;

  if (now >= self->next) {
    ok = self->fence ? renew (self, session, cancellable, error) : take (self, session, cancellable, error);
    if (ok && self->fence)
      self->until = now + self->seconds * CT_MS_SECOND;
    if (ok)
      self->next = now + self->seconds * CT_MS_SECOND / 3;
  }
  *held = ok && ct_work_lease_is_held (self);
  return ok;
}

/* Whether it is still ours, without asking: for between two steps of a long work. */
gboolean
ct_work_lease_is_held (CtWorkLease *self)
{
  return self->fence != 0 && steady_now () < self->until;
}

/* Greater with each holder; 0 where it is not held. */
gint64
ct_work_lease_fence (CtWorkLease *self)
{
  return self->fence;
}

/* Lets the next one have it at once; where the server cannot be told it ends by its clock. @session: (nullable) */
void
ct_work_lease_release (CtWorkLease *self, CtSession *session)
{
  if (self->fence && session)
    ct_session_run (session, NULL, NULL, "SELECT api.release_work($1, $2::text::bigint)", "si", self->kind,
                    self->fence);
  self->fence = 0;
  self->next = 0;
}
