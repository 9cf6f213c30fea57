#pragma once

#include "ct-ids.h"
#include "ct-db.h"

G_BEGIN_DECLS

/* Where a list's rows come from; static tables of the page, never of a user. All texts are SQL. */
typedef struct {
  const char *from; /* "exceptions e LEFT JOIN distributors d ON d.id = e.distributor_id": one row a record */
  const char *key;  /* the record's n: "e.n" */
  const char *const *columns; /* what a CtRow holds, in this order; ends with NULL */
  const char *const *tables;  /* whose changes concern the list; ends with NULL */
} CtListSource;

/* A source with a condition and an order; immutable, shared between threads. */
typedef struct _CtListQuery CtListQuery;

CtListQuery *ct_list_query_new (const CtListSource *source, const char *where, const char *order,
                                const char *values);
CtListQuery *ct_list_query_ref (CtListQuery *self);
void ct_list_query_unref (CtListQuery *self);
gboolean ct_list_query_equal (const CtListQuery *a, const CtListQuery *b);

CtIds *ct_list_query_ids (CtListQuery *self, CtDb *db, guint most, GError **error);
gboolean ct_list_query_load (CtListQuery *self, CtDb *db, const gint64 *numbers, guint n_numbers,
                             GArray *found, GPtrArray *records, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtListQuery, ct_list_query_unref)

G_END_DECLS
