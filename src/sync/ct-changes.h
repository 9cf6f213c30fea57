#pragma once

#include "ct-changeset.h"

G_BEGIN_DECLS

char *ct_changes_text (CtDb *db, gint64 seq, GError **error);
JsonArray *ct_changes_compare (CtDb *db, gint64 seq, GError **error);
GHashTable *ct_changes_bases (CtDb *db, gint64 seq, GError **error);
gboolean ct_changes_conflict (CtDb *db, gint64 seq, GHashTable *bases, gboolean *conflict, GError **error);
gboolean ct_changes_foreach (CtDb *db, gint64 seq, CtChangeFunc func, gpointer data, GError **error);

G_END_DECLS
