#pragma once

#include <json-glib/json-glib.h>

#include "ct-vocabulary.h"

G_BEGIN_DECLS

/* How a rule scores: a base and the weights of facts, each with a cap. Integers only, so that SQL and C agree. */
typedef struct _CtScoring CtScoring;

typedef struct {
  int score; /* 0 to 100 */
  CtSeverity severity;
} CtScore;

/* The SQL expression that holds a fact; NULL refuses it. */
typedef const char *(*CtScoringColumn) (const char *fact, gpointer data);

CtScoring *ct_scoring_parse (JsonObject *object, const char *where, GError **error);
void ct_scoring_free (CtScoring *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtScoring, ct_scoring_free)

CtScore ct_scoring_score (const CtScoring *self, JsonObject *facts);
JsonArray *ct_scoring_explain (const CtScoring *self, JsonObject *facts);
char *ct_scoring_to_sql (const CtScoring *self, CtScoringColumn column, gpointer data, GError **error);

G_END_DECLS
