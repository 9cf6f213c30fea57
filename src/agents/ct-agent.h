#pragma once

#include "ct-commander.h"
#include "ct-draft-provider.h"
#include "ct-store.h"

G_BEGIN_DECLS

/* Runs agents on a workspace, on the caller's thread: commands and questions go to the store's threads, and a provider
 * that takes its time blocks neither. */
typedef struct {
  CtStore *store;
  CtCommander *commander;
  const char *actor;         /* login under which the agents' commands run */
  CtDraftProvider *provider; /* (nullable): the template drafter */
  CtSettleFunc settle; /* (nullable): before a provider is asked, where another authority confirms that */
  gpointer settle_data;
} CtAgent;

JsonObject *ct_agent_run (const CtAgent *self, const CtId *task, gint64 now, GCancellable *cancellable,
                          GError **error);
gboolean ct_agent_execute (const CtAgent *self, const char *name, JsonObject *args, gint64 now,
                           CtOutcome *outcome, GError **error);

G_END_DECLS
