#pragma once

#include "ct-detail.h"
#include "ct-workspace.h"

G_BEGIN_DECLS

/* Everything about one approval as a person must see it before saying yes. */
typedef struct {
  gint64 n;
  JsonObject *row;    /* (owned) (nullable): what the columns of the query are called */
  JsonArray *changes; /* (owned) (nullable): what has changed since it was asked for */
  char *message;      /* (owned) (nullable): markup of the text in the wire bytes */
  char *diff;         /* (owned) (nullable): markup, where a person edited the draft */
  char *problem;      /* (owned) (nullable): the wire bytes are not readable */
  guint n_hidden;
  gboolean mentions;
} CtApprovalView;

gboolean ct_approval_view_read (CtDb *db, gint64 n, CtApprovalView *self, GError **error);
void ct_approval_view_clear (CtApprovalView *self);
GtkWidget *ct_approval_view_make_message (const CtApprovalView *self);

void ct_approval_detail_show (CtDetail *detail, CtWorkspace *workspace, gint64 n, GCancellable *cancellable);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CtApprovalView, ct_approval_view_clear)

G_END_DECLS
