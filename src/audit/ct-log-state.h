#pragma once

#include "ct-row-committer.h"

G_BEGIN_DECLS

/* What the log last committed to, row by row; about 150 bytes of memory for each row there is. */
typedef struct _CtLogState CtLogState;

typedef struct {
  guint64 compared;
  guint64 gone;    /* committed to, and not to be seen here any more */
  guint64 pending; /* left out: what our own commands did is not the server's yet */
} CtLogStateCount;

CtLogState *ct_log_state_new (CtDb *db, GError **error);
void ct_log_state_free (CtLogState *self);
gboolean ct_log_state_add (CtLogState *self, gint64 leaf, const guint8 salt[CT_ROW_SALT_SIZE],
                           const guint8 *entries, gsize length, GError **error);
gboolean ct_log_state_compare (CtLogState *self, CtDb *db, GCancellable *cancellable, CtLogStateCount *count,
                               GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtLogState, ct_log_state_free)

G_END_DECLS
