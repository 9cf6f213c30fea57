/* The authority of a connected workspace is away as a rule: what it gives comes with a later pull. */
#include "ct-authority-central.h"
#include "ct-backlog.h"
#include "ct-first-load.h"

/* "DIST-~3": tells people that it is provisional, and no series of the server's looks like it. A rebase begins again
 * from 1, so that a record keeps its provisional number while nothing before it changes. */
static char *
central_number (CtAuthority *self, CtDb *db, const char *series, int digits, gint64 now, GError **error)
{
  gint64 number = 0;

  if (!ct_db_read_int (db, &number, error,
                       "INSERT INTO number_series VALUES(?, -1, 1) ON CONFLICT DO UPDATE SET last = last + 1 "
                       "RETURNING last",
                       "s", series))
    return NULL;
  return g_strdup_printf ("%s-~%d", series, (int) number);
}

static gboolean
central_acknowledge (CtAuthority *self, CtDb *db, const CtEffect *effect, gint64 *event, GError **error)
{
  gboolean loading = FALSE;

  if (!ct_first_load_is_under_way (db, &loading, error))
    return FALSE;
  if (loading)
    return ct_fail (error, CT_ERROR_BUSY,
                    _ ("The workspace is being loaded from the server; try again when that is done"));
  if (!ct_backlog_note_touches (db, effect->device_seq, error))
    return FALSE;
  *event = -1;
  return TRUE;
}

/* Only the service sends. */
static gboolean
central_may_send (CtAuthority *self)
{
  return FALSE;
}

static void
central_free (CtAuthority *self)
{
  g_free (self);
}

/* (transfer full): for ct_commander_new() */
CtAuthority *
ct_authority_central_new (void)
{
  static const CtAuthorityClass klass = { "central",        central_number, central_acknowledge,
                                          central_may_send, central_free,   FALSE };
  CtAuthority *self = g_new0 (CtAuthority, 1);

  self->klass = &klass;
  return self;
}
