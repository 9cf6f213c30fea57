#pragma once

#include "ct-calendar.h"
#include "ct-sla-policy.h"

G_BEGIN_DECLS

/* An instant that never comes: a clock that stands still, a goal that does not exist. */
#define CT_SLA_NEVER G_MAXINT64

typedef enum {
  CT_SLA_ACTIVATE,
  CT_SLA_PAUSE,
  CT_SLA_RESUME,
  CT_SLA_FULFIL,
  CT_SLA_BREACH,
} CtSlaEventKind;

/* One line of the ledger. @instance counts the activations of a target, from 1. */
typedef struct {
  CtSlaEventKind kind;
  CtSlaTarget target;
  guint instance;
  gint64 at;
} CtSlaEvent;

typedef enum {
  CT_SLA_IDLE, /* never activated */
  CT_SLA_RUNNING,
  CT_SLA_PAUSED,
  CT_SLA_FULFILLED,
  CT_SLA_STOPPED, /* the subject was resolved before an answer was due to be given */
} CtSlaPhase;

/* What a ledger means at a moment, for the last instance of one target. Instants are those of crossing: a paused
 * clock has none ahead of it, %CT_SLA_NEVER. */
typedef struct {
  CtSlaPhase phase;
  guint instance;
  gint64 started_at;
  gint64 ended_at;  /* fulfilled or stopped, else %CT_SLA_NEVER */
  gint64 elapsed;   /* ms of business time while it ran */
  gint64 paused;    /* ms of wall-clock time while it stood still */
  gint64 remaining; /* ms of business time to the target; negative after it */
  gint64 warning_at, escalate_at, due_at, hard_at;
  gboolean warned;
  gboolean breached; /* ran past the target */
  gboolean overrun;  /* ran past the hard deadline */
  gboolean breach_recorded;
} CtSlaState;

const char *ct_sla_event_kind_name (CtSlaEventKind kind);
gboolean ct_sla_event_kind_parse (const char *name, CtSlaEventKind *kind);
const char *ct_sla_phase_name (CtSlaPhase phase);

GArray *ct_sla_ledger_new (void);
gboolean ct_sla_append (GArray *ledger, CtSlaEventKind kind, CtSlaTarget target, gint64 at, GError **error);
guint ct_sla_append_all (GArray *ledger, CtSlaEventKind kind, gint64 at);

void ct_sla_state (const GArray *ledger, CtSlaTarget target, const CtSlaGoal *goal,
                   const CtCalendar *calendar, gint64 now, CtSlaState *state);
gboolean ct_sla_escalates (const CtSlaState *state, gint64 now);
gint64 ct_sla_crossing (const GArray *ledger, CtSlaTarget target, gint64 duration, const CtCalendar *calendar,
                        gint64 now);
gint64 ct_sla_effective_deadline (gint64 due_at, gint64 channel_window_ends_at);

G_END_DECLS
