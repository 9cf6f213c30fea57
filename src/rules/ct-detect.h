#pragma once

#include "ct-commander.h"

G_BEGIN_DECLS

/* What a detection did with one rule. */
typedef struct {
  char *rule;
  gint64 evaluated; /* subjects looked at */
  gint64 opened;    /* first episodes and re-openings */
  gint64 refreshed; /* still open, with other facts */
  gint64 cleared;
} CtDetectCount;

typedef void (*CtDetectProgress) (const char *rule, guint done, guint total, gpointer data);

void ct_detect_register (void);
GPtrArray *ct_detect (CtCommander *commander, CtDb *db, const char *actor, gint64 now, gboolean full,
                      CtDetectProgress progress, gpointer data, GError **error);
JsonObject *ct_detect_counts_to_json (GPtrArray *counts);

G_END_DECLS
