#pragma once

#include "ct-json.h"

G_BEGIN_DECLS

/* How a workspace stands with its server, in words; made of ct_workspace_sync_status(), without GTK, so that a table
 * tests it. */
typedef struct {
  const char *icon;  /* of the theme */
  const char *style; /* (nullable): a CSS class */
  char *label;       /* (owned): for the header: "Offline, 3 pending" */
  char *title;       /* (owned): "Offline, changes are kept" */
  char *text;        /* (owned): what it means, and what will happen */
} CtSyncWords;

void ct_sync_words (JsonObject *status, gint64 now, CtSyncWords *words);
void ct_sync_words_clear (CtSyncWords *self);
GStrv ct_sync_facts (JsonObject *status, gint64 now);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CtSyncWords, ct_sync_words_clear)

G_END_DECLS
