#pragma once

#include "ct-list-diff.h"
#include "ct-list-query.h"

G_BEGIN_DECLS

/* One visit of a list to the replica: it reads an order, rows, or both in one view of the data. */
typedef struct {
  CtListQuery *query; /* (owned) */
  guint generation;   /* of the list when it asked */
  gboolean order;     /* read the order: */
  guint most;         /*   only its first rows, with their values; 0: all of it */
  CtIds *before;      /* (owned) (nullable): the order to compare with */
  GArray *wanted;     /* (owned) (element-type gint64): rows to read */
  /* the answer */
  CtIds *ids;          /* (owned) (nullable) */
  GArray *splices;     /* (owned) (nullable): NULL where too much differs */
  GArray *numbers;     /* (owned) (element-type gint64): rows found, */
  GPtrArray *records;  /* (owned) (element-type CtRecord): and what they hold */
  gint64 microseconds; /* that the visit took */
} CtListJob;

CtListJob *ct_list_job_new (CtListQuery *query, guint generation);
void ct_list_job_free (gpointer data);
gboolean ct_list_job_run (CtDb *db, gpointer data, GError **error);

G_END_DECLS
