#pragma once

#include "ct-commander.h"
#include "ct-pull.h"
#include "ct-backlog.h"

G_BEGIN_DECLS

typedef enum {
  CT_REBASE_REBUILD =
      1 << 0, /* somebody wrote past the commands: take the server's rows whole, undo nothing */
} CtRebaseFlags;

/* What a pull did to the replica. */
typedef struct {
  guint rows;           /* written */
  guint gone;           /* deleted: no longer there, or no longer ours to see */
  guint settled;        /* own commands that the server has applied */
  guint rejected;       /* own commands that it has rejected */
  guint parked;         /* own commands that no longer hold, or depend on one that does not */
  gboolean rerun;       /* pending commands were undone and run again */
  gboolean offer_again; /* the server was restored and has lost commands: they are pending again */
} CtRebaseReport;

gboolean ct_rebase_apply (CtDb *db, CtCommander *commander, CtPulled *pulled, gint64 now, CtRebaseFlags flags,
                          CtRebaseReport *report, GError **error);

G_END_DECLS
