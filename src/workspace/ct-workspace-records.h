#pragma once

#include "ct-db.h"

G_BEGIN_DECLS

/* Rows that a server brings by itself, so that a workspace's own make way for them. */
gboolean ct_workspace_is_shipped (const char *table);
char *ct_workspace_describe_records (CtDb *db, const char *const *tables, GError **error);
char *ct_workspace_describe_left_behind (CtDb *db, gint64 now, GError **error);

G_END_DECLS
