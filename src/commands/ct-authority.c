#include "ct-authority.h"

/**
 * ct_authority_number:
 * @series: "FOLLOW", "ORD", …
 * @digits: at least so many, filled with zeroes
 * @now: decides the year
 *
 * Returns: (transfer full): "FOLLOW-2026-001"; a provisional one where the authority is away
 */
char *
ct_authority_number (CtAuthority *self, CtDb *db, const char *series, int digits, gint64 now, GError **error)
{
  return self->klass->number (self, db, series, digits, now, error);
}

/* Takes an effect into the authority's log; @event is the leaf's index, or -1 while it waits to be pushed. */
gboolean
ct_authority_acknowledge (CtAuthority *self, CtDb *db, const CtEffect *effect, gint64 *event, GError **error)
{
  return self->klass->acknowledge (self, db, effect, event, error);
}

/* Whether this program may send what was approved. */
gboolean
ct_authority_may_send (CtAuthority *self)
{
  return self->klass->may_send (self);
}

/* Whether a command is settled when it is acknowledged. Otherwise its changes are kept, to be offered and, while they are
 * pending, to be undone. */
gboolean
ct_authority_settles (CtAuthority *self)
{
  return self->klass->settles;
}

void
ct_authority_free (CtAuthority *self)
{
  if (self)
    self->klass->free (self);
}
