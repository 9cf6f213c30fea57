#pragma once

#include "ct-db.h"

G_BEGIN_DECLS

/* Records what is written to the business tables between its start and its end. */
typedef struct _CtRecorder CtRecorder;

/* A value in a change: type i integer, d real, t text, b blob, n NULL, or 0 where the column did not change. */
typedef struct {
  char type;
  gint64 integer;
  double real;
  const void *data; /* (unowned) text or blob */
  gsize length;
} CtValue;

/* One changed row; valid only inside the callback. Values stand in the order of @columns. */
typedef struct {
  const char *table;
  char operation; /* i insert, u update, d delete */
  CtId id;
  int n_columns;
  const char *const *columns;
  const CtValue *before; /* all 0 for an insert */
  const CtValue *after;  /* all 0 for a delete */
} CtChange;

typedef gboolean (*CtSameFunc) (const char *table, const char *column, const CtValue *left,
                                const CtValue *here);
typedef gboolean (*CtChangeFunc) (const CtChange *change, gpointer data, GError **error);

CtRecorder *ct_recorder_start (CtDb *db, GError **error);
gboolean ct_recorder_cut (CtRecorder *self, GError **error);
void ct_recorder_pause (CtRecorder *self, gboolean pause);
GPtrArray *ct_recorder_finish (CtRecorder *self, GError **error);
void ct_recorder_free (CtRecorder *self);

gboolean ct_changeset_invert (CtDb *db, GBytes *changeset, GError **error);
gboolean ct_changeset_take_back (CtDb *db, GBytes *changeset, CtSameFunc same, GError **error);
gboolean ct_changeset_foreach (CtDb *db, GBytes *changeset, CtChangeFunc func, gpointer data, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtRecorder, ct_recorder_free)

G_END_DECLS
