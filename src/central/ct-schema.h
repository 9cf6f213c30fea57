#pragma once

#include "ct-session.h"

G_BEGIN_DECLS

int ct_schema_newest (const char *directory, GError **error);
char *ct_schema_text (const char *directory, GError **error);
int ct_schema_version (CtSession *session, GCancellable *cancellable, GError **error);
gboolean ct_schema_check (CtSession *session, GCancellable *cancellable, GError **error);
gboolean ct_schema_upgrade (CtSession *session, const char *directory, GCancellable *cancellable,
                            GError **error);
gboolean ct_schema_load_policy (CtSession *session, const char *policy, GCancellable *cancellable,
                                GError **error);
gint64 ct_schema_ship (CtSession *session, const char *shipped, GCancellable *cancellable, GError **error);

G_END_DECLS
