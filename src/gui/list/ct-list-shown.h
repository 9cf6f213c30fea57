#pragma once

#include "ct-list-def.h"

G_BEGIN_DECLS

/* What a list shows: filters, search text, order. Its JSON form is what a saved view holds and win.show takes:
 * {"filters": {"owner": ["accounting"]}, "search": "nordwind", "sort": "score", "descending": true} */
typedef struct {
  const CtListDef *def;
  JsonObject *filters; /* (owned): arrays of texts by the filter's key, none of them empty */
  char *search;        /* (owned): "" for none */
  const CtListColumn *sort;
  gboolean descending;
} CtListShown;

CtListShown *ct_list_shown_new (const CtListDef *def);
void ct_list_shown_free (CtListShown *self);
void ct_list_shown_apply (CtListShown *self, JsonObject *view);
JsonObject *ct_list_shown_view (const CtListShown *self);
gboolean ct_list_shown_is_initial (const CtListShown *self);

JsonArray *ct_list_shown_values (const CtListShown *self, const char *filter);
gboolean ct_list_shown_has (const CtListShown *self, const char *filter, const char *value);
void ct_list_shown_toggle (CtListShown *self, const char *filter, const char *value, gboolean chosen);
void ct_list_shown_clear (CtListShown *self, const char *filter);

char *ct_list_shown_where (const CtListShown *self);
char *ct_list_shown_order (const CtListShown *self);
char *ct_list_shown_bound (const CtListShown *self, gint64 now);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtListShown, ct_list_shown_free)

G_END_DECLS
