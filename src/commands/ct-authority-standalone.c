/* The authority of a workspace without a server: the replica itself. Numbers, leaves and effects are written in the
 * command's own transaction. */
#include "ct-authority.h"
#include "ct-log.h"

static char *
standalone_number (CtAuthority *self, CtDb *db, const char *series, int digits, gint64 now, GError **error)
{
  char date[CT_DATE_SIZE];
  gint64 number = 0;
  gint64 year;

  ct_time_to_date (now, ct_db_get_zone (db), date);
  year = g_ascii_strtoll (date, NULL, 10);
  if (!ct_db_read_int (db, &number, error,
                       "INSERT INTO number_series VALUES(?, ?, 1) ON CONFLICT DO UPDATE SET last = last + 1 "
                       "RETURNING last",
                       "si", series, year))
    return NULL;
  return g_strdup_printf ("%s-%d-%0*d", series, (int) year, digits, (int) number);
}

static gboolean
standalone_acknowledge (CtAuthority *self, CtDb *db, const CtEffect *effect, gint64 *event, GError **error)
{
  CtDisclosure disclosures[CT_LOG_MOST_DISCLOSURES];
  CtEvent leaf = {
    .ev_id = ct_id_derive (&effect->command_id, "event", 0),
    .action = effect->name,
    .actor = effect->actor,
    .actor_role = effect->actor_role,
    .object_type = effect->object_type,
    .object_id = effect->object_id,
    .object_rev = effect->object_rev,
    .occurred_at = effect->occurred_at,
    .received_at = effect->received_at,
    .intent_sha256 = effect->intent_sha256,
    .device_id = effect->device_id,
    .device_seq = effect->device_seq,
    .parent_ev_id = effect->parent_ev_id,
    .outbox_key = effect->outbox_key,
    .disclosures = disclosures,
  };

  for (guint i = 0; i < G_N_ELEMENTS (disclosures) && effect->fields[i]; i++) {
    disclosures[i].field = effect->fields[i];
    disclosures[i].value = effect->values[i];
    leaf.n_disclosures++;
  }
  if (!ct_log_append (db, &leaf, effect->rows, event, error))
    return FALSE;
  for (guint i = 0; i < effect->objects->len; i++)
    if (!ct_db_run (db, error, "INSERT INTO audit_objects VALUES(?, ?) ON CONFLICT DO NOTHING", "ki",
                    effect->objects->pdata[i], *event))
      return FALSE;
  return TRUE;
}

static gboolean
standalone_may_send (CtAuthority *self)
{
  return TRUE;
}

static void
standalone_free (CtAuthority *self)
{
  g_free (self);
}

/* (transfer full) */
CtAuthority *
ct_authority_standalone_new (void)
{
  static const CtAuthorityClass klass = { "standalone",        standalone_number, standalone_acknowledge,
                                          standalone_may_send, standalone_free,   TRUE };
  CtAuthority *self = g_new0 (CtAuthority, 1);

  self->klass = &klass;
  return self;
}
