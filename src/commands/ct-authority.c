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

/* Another process may have connected the workspace, or disconnected it, since this program opened it. */
static gboolean
check_in_charge (CtAuthority *self, CtDb *db, GError **error)
{
  gint64 connected = 0;

  if (!ct_db_read_int (db, &connected, error, "SELECT EXISTS (SELECT 1 FROM workspace WHERE key = 'server')",
                       ""))
    return FALSE;
  return (connected == 0) == self->klass->settles ||
         ct_fail (error, CT_ERROR_BUSY,
                  self->klass->settles
                      ? _ ("This workspace was connected to a server meanwhile: open it again")
                      : _ ("This workspace has left its server meanwhile: open it again"));
}

/* Takes an effect into the authority's log; @event is the leaf's index, or -1 while it waits to be pushed. */
gboolean
ct_authority_acknowledge (CtAuthority *self, CtDb *db, const CtEffect *effect, gint64 *event, GError **error)
{
  return check_in_charge (self, db, error) && self->klass->acknowledge (self, db, effect, event, error);
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
