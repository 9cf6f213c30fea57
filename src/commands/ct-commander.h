#pragma once

#include "ct-command.h"
#include "ct-policy.h"

G_BEGIN_DECLS

/* Executes commands against a replica. Immutable after its making, so that one serves all threads. */
typedef struct _CtCommander CtCommander;

typedef struct {
  const char *name;
  JsonObject *args;   /* (unowned) (nullable) */
  const char *actor;  /* login */
  gint64 now;         /* the authority's receive time */
  gint64 occurred_at; /* what the client claims; 0: now */
  const CtId *id;     /* (nullable): a new one */
  GBytes *attachment; /* (unowned) (nullable): bulk data, which the arguments name by its SHA-256 */
} CtRequest;

typedef struct {
  CtId command_id;
  gint64 seq;         /* this device's counter */
  gint64 event;       /* the audit leaf's index; -1 while it waits to be pushed */
  JsonObject *result; /* (owned): what the handler reported */
} CtOutcome;

/* Waits until the authority has answered a command of this device, for what must not go on without: FALSE with
 * CT_ERROR_CONFLICT where it was rejected and is undone here, CT_ERROR_NETWORK where it cannot be asked now. */
typedef gboolean (*CtSettleFunc) (gpointer data, gint64 seq, GError **error);

CtCommander *ct_commander_new (CtAuthority *authority, GError **error);
void ct_commander_free (CtCommander *self);
CtPolicy *ct_commander_get_policy (CtCommander *self);
CtAuthority *ct_commander_get_authority (CtCommander *self);
gboolean ct_commander_check (CtCommander *self, CtDb *db, const CtRequest *request, GError **error);
gboolean ct_commander_execute (CtCommander *self, CtDb *db, const CtRequest *request, CtOutcome *outcome,
                               GError **error);
gboolean ct_commander_execute_bare (CtCommander *self, CtDb *db, const CtRequest *request, CtOutcome *outcome,
                                    GError **error);
gboolean ct_commander_execute_within (CtCommander *self, CtDb *db, const CtRequest *request,
                                      CtOutcome *outcome, GError **error);
gboolean ct_commander_rerun_within (CtCommander *self, CtDb *db, gint64 seq, GError **error);
gboolean ct_commander_allows (CtCommander *self, const char *command, GPtrArray *roles);
GPtrArray *ct_commander_roles (CtDb *db, const char *actor, GError **error);
void ct_outcome_clear (CtOutcome *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtCommander, ct_commander_free)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CtOutcome, ct_outcome_clear)

G_END_DECLS
