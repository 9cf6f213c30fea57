#include "ct-channel.h"

#include "ct-base.h"

static const CtChannelClass *const classes[] = { &ct_channel_slack };

/* (nullable): %NULL where no channel of this kind can be sent to */
const CtChannelClass *
ct_channel_class (const char *kind)
{
  for (guint i = 0; i < G_N_ELEMENTS (classes); i++)
    if (g_strcmp0 (classes[i]->kind, kind) == 0)
      return classes[i];
  return NULL;
}

const char *
ct_send_outcome_name (CtSendOutcome outcome)
{
  static const char *const names[] = { "sent", "sent_unconfirmed", "retry", "failed", "unknown" };

  g_return_val_if_fail (outcome < G_N_ELEMENTS (names), NULL);

  return names[outcome];
}

void
ct_send_result_clear (CtSendResult *self)
{
  g_free (self->external_id);
  g_free (self->detail);
  *self = (CtSendResult){ 0 };
}

void
ct_send_result_set (CtSendResult *self, CtSendOutcome outcome, const char *detail)
{
  self->outcome = outcome;
  g_free (self->detail);
  self->detail = g_strdup (detail);
}

/* What net/ says of a request's fate, as an outcome: only what surely did not go out may be sent again. */
void
ct_send_result_set_error (CtSendResult *self, const GError *error)
{
  CtSendOutcome outcome = g_error_matches (error, CT_ERROR, CT_ERROR_NETWORK)        ? CT_SEND_RETRY
                          : g_error_matches (error, CT_ERROR, CT_ERROR_UNKNOWN_FATE) ? CT_SEND_UNKNOWN
                                                                                     : CT_SEND_FAILED;

  ct_send_result_set (self, outcome, error->message);
}
