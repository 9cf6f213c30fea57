#pragma once

#include "ct-workspace.h"

G_BEGIN_DECLS

/* Commands that could not be applied, for programs that show them and settle them. */
JsonObject *ct_attention_describe (CtDb *db, gint64 seq, GTimeZone *zone, GError **error);
const char *ct_attention_reason (const char *code);
gboolean ct_attention_edit (JsonObject *item, const char *name, const char *text, GError **error);

/* Blocks: for command lines and worker threads. */
gboolean ct_workspace_settle (CtWorkspace *self, gint64 seq, const char *choice, JsonObject *args,
                              GError **error);

/* The same off the main thread, for several; and back into the tray what was dropped. */
void ct_workspace_settle_async (CtWorkspace *self, GArray *seqs, const char *choice, JsonObject *args,
                                GAsyncReadyCallback callback, gpointer user_data);
guint ct_workspace_settle_finish (CtWorkspace *self, GAsyncResult *result, GError **error);

#define CT_ATTENTION_BACK "back"

G_END_DECLS
