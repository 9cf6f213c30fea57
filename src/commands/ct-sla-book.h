#pragma once

#include "ct-command.h"
#include "ct-domain.h"

G_BEGIN_DECLS

/* Under which goals and hours a task runs. */
typedef struct {
  char *name; /* the policy's id; "own:MS" where the task was given a duration of its own */
  CtSlaGoal goals[CT_N_SLA_TARGETS];
  CtCalendar *calendar;
} CtSlaTerms;

/* When the clocks of a task reach what; %CT_NULL_INT where none will. */
typedef struct {
  gint64 due_at, warning_at, hard_at, escalate_at;
} CtSlaDates;

void ct_sla_terms_clear (CtSlaTerms *self);
gboolean ct_sla_terms_find (CtDb *db, const CtId *exception, gint64 own, gint64 fallback, CtSlaTerms *terms,
                            GError **error);
gboolean ct_sla_terms_load (CtDb *db, const char *name, const CtId *exception, CtSlaTerms *terms,
                            GError **error);
JsonObject *ct_sla_facts (CtDb *db, const CtId *exception, GError **error);

GArray *ct_sla_book_read (CtDb *db, const CtId *task, GError **error);
void ct_sla_book_dates (const GArray *ledger, const CtSlaTerms *terms, gint64 escalate_after, gint64 now,
                        CtSlaDates *dates);
gboolean ct_sla_book_write (CtCommand *command, const CtId *task, CtSlaEventKind kind, guint targets,
                            CtParty party, GError **error);

gboolean ct_sla_book_unrecorded (CtDb *db, const CtId *task, gint64 now, guint *targets, GError **error);

/* Sets of targets for ct_sla_book_write(). */
#define CT_SLA_BIT(target) (1u << CT_SLA_##target)
#define CT_SLA_ALL         ((1u << CT_N_SLA_TARGETS) - 1)

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CtSlaTerms, ct_sla_terms_clear)

G_END_DECLS
