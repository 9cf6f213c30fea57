#pragma once

#include "ct-approval-seal.h"
#include "ct-commander.h"

G_BEGIN_DECLS

/* Who approves, on which device. */
typedef struct {
  CtCommander *commander;
  const char *actor;
  gint64 now;
  CtId device;
  const guint8 *secret; /* (array fixed-size=64): the device's key; it never enters the database */
  const char *comment;  /* (nullable) */
} CtApprove;

gboolean ct_approve (CtDb *db, const CtApprove *self, const CtId *approval, const CtHash *payload,
                     CtOutcome *outcome, GError **error);
gboolean ct_approve_void_if_changed (CtDb *db, CtCommander *commander, const char *actor, gint64 now,
                                     const CtId *approval, gboolean *voided, GError **error);

G_END_DECLS
