#pragma once

#include "ct-draft-context.h"

G_BEGIN_DECLS

/* A half of ct-draft-context only: puts what the records say into @self->facts and @self->blocker. */
gboolean ct_draft_facts_read (CtDb *db, gint64 now, CtDraftContext *self, GError **error);

G_END_DECLS
