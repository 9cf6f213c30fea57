#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* How much may be sent where: a token bucket for each (origin, key). Safe to share between threads. */
typedef struct _CtRateBudget CtRateBudget;

CtRateBudget *ct_rate_budget_new (void);
void ct_rate_budget_free (CtRateBudget *self);

void ct_rate_budget_limit (CtRateBudget *self, const char *origin, const char *key, guint burst,
                           gint64 interval_ms);
gint64 ct_rate_budget_next (CtRateBudget *self, const char *origin, const char *key, gint64 now_ms);
gboolean ct_rate_budget_take (CtRateBudget *self, const char *origin, const char *key, gint64 now_ms,
                              gint64 *next_ms);
void ct_rate_budget_park (CtRateBudget *self, const char *origin, const char *key, gint64 now_ms,
                          gint64 until_ms);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtRateBudget, ct_rate_budget_free)

G_END_DECLS
