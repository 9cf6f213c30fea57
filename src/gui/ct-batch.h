#pragma once

#include "ct-page.h"

G_BEGIN_DECLS

/* One command for each of several rows, with progress, a way to stop, and a report per item. */
typedef struct {
  const char *command; /* "exception.assign" */
  const char
      *ids_sql; /* SELECT n, the id for the command or NULL, its number FROM … WHERE n IN (SELECT value FROM
                           json_each(?1)) */
  const char *id_arg;   /* the argument that takes the id: "exception" */
  const char *no_id;    /* N_ (): why a row has no id for the command */
  const char *one_done; /* N_ ("%s is assigned") */
  const char *all_done; /* N_ ("%s exceptions are assigned"): its number is a text */
  gboolean undoable;
} CtBatchKind;

void ct_batch_run (CtPage *page, const CtBatchKind *kind, GArray *numbers, JsonObject *args, GSourceFunc done,
                   gpointer data);

G_END_DECLS
