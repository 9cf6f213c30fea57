#include "ct-sla.h"

#include "ct-base.h"

#include <string.h>

/* The ledger holds instants, never durations: what they amount to is worked out under the policy and calendar of
 * the day, so that a change of either forgets neither time spent nor time paused. */

static const char *const kind_names[] = { "activate", "pause", "resume", "fulfil", "breach", NULL };
static const char *const phase_names[] = { "idle", "running", "paused", "fulfilled", "stopped" };

/* The clock ran from @from to @to; @before is what had elapsed until then. */
typedef struct {
  gint64 from, to;
  gint64 before;
} Run;

/* A ledger folded up for one target. */
typedef struct {
  CtSlaPhase phase;
  guint instance;
  gint64 started_at, ended_at, since;
  gint64 paused;
  gboolean breach_recorded;
  GArray *runs; /* (owned): Run, @before not yet known; the open one ends at now */
} Fold;

static void
fold_clear (Fold *fold)
{
  g_clear_pointer (&fold->runs, g_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Fold, fold_clear)

const char *
ct_sla_event_kind_name (CtSlaEventKind kind)
{
  g_return_val_if_fail (kind <= CT_SLA_BREACH, NULL);
  return kind_names[kind];
}

gboolean
ct_sla_event_kind_parse (const char *name, CtSlaEventKind *kind)
{
  int index = ct_text_index (kind_names, name);

  if (index >= 0)
    *kind = (CtSlaEventKind) index;
  return index >= 0;
}

const char *
ct_sla_phase_name (CtSlaPhase phase)
{
  g_return_val_if_fail (phase <= CT_SLA_STOPPED, NULL);
  return phase_names[phase];
}

/* (transfer full) (element-type CtSlaEvent) */
GArray *
ct_sla_ledger_new (void)
{
  return g_array_new (FALSE, TRUE, sizeof (CtSlaEvent));
}

/* Folding */

static void
close_span (Fold *fold, gint64 at)
{
  if (fold->phase == CT_SLA_RUNNING) {
    Run run = { fold->since, MAX (at, fold->since), 0 };

    g_array_append_val (fold->runs, run);
  } else if (fold->phase == CT_SLA_PAUSED) {
    fold->paused += MAX (at - fold->since, 0);
  }
  fold->since = at;
}

static void
fold_start (Fold *fold, const CtSlaEvent *event)
{
  g_array_set_size (fold->runs, 0);
  fold->phase = CT_SLA_RUNNING;
  fold->instance = event->instance;
  fold->started_at = fold->since = event->at;
  fold->ended_at = CT_SLA_NEVER;
  fold->paused = 0;
  fold->breach_recorded = FALSE;
}

static void
fold_move (Fold *fold, CtSlaPhase phase, gint64 at)
{
  close_span (fold, at);
  fold->phase = phase;
  if (phase == CT_SLA_FULFILLED || phase == CT_SLA_STOPPED)
    fold->ended_at = at;
}

static gboolean
fold_is_active (const Fold *fold)
{
  return fold->phase == CT_SLA_RUNNING || fold->phase == CT_SLA_PAUSED;
}

static void
fold_event (Fold *fold, const CtSlaEvent *event)
{
  switch (event->kind) {
  case CT_SLA_ACTIVATE:
    if (!fold_is_active (fold)) /* who starts a clock that runs does not set it back */
      fold_start (fold, event);
    break;
  case CT_SLA_PAUSE:
    if (fold->phase == CT_SLA_RUNNING)
      fold_move (fold, CT_SLA_PAUSED, event->at);
    break;
  case CT_SLA_RESUME:
    if (fold->phase == CT_SLA_PAUSED)
      fold_move (fold, CT_SLA_RUNNING, event->at);
    break;
  case CT_SLA_FULFIL:
    if (fold_is_active (fold))
      fold_move (fold, CT_SLA_FULFILLED, event->at);
    break;
  case CT_SLA_BREACH:
    fold->breach_recorded = TRUE;
    break;
  default:
    break;
  }
}

/* Events after @now have not happened yet. A resolution stops every other clock. */
static void
fold_ledger (Fold *fold, const GArray *ledger, CtSlaTarget target, gint64 now)
{
  memset (fold, 0, sizeof *fold);
  fold->ended_at = CT_SLA_NEVER;
  fold->runs = g_array_new (FALSE, TRUE, sizeof (Run));
  for (guint i = 0; i < ledger->len; i++) {
    const CtSlaEvent *event = &g_array_index (ledger, CtSlaEvent, i);

    if (event->at > now)
      break;
    if (event->target == target)
      fold_event (fold, event);
    else if (event->target == CT_SLA_RESOLUTION && event->kind == CT_SLA_FULFIL && fold_is_active (fold))
      fold_move (fold, CT_SLA_STOPPED, event->at);
  }
  if (fold_is_active (fold))
    close_span (fold, now);
}

/* Returns what elapsed in all. */
static gint64
measure_runs (Fold *fold, const CtCalendar *calendar)
{
  gint64 elapsed = 0;

  for (guint i = 0; i < fold->runs->len; i++) {
    Run *run = &g_array_index (fold->runs, Run, i);

    run->before = elapsed;
    elapsed += ct_calendar_between (calendar, run->from, run->to);
  }
  return elapsed;
}

/* Whether the last run goes on, or went on until the answer: only then has it a due date ahead of its end. */
static gboolean
fold_extends (const Fold *fold)
{
  return fold->phase == CT_SLA_RUNNING ||
         (fold->phase == CT_SLA_FULFILLED &&
          g_array_index (fold->runs, Run, fold->runs->len - 1).to == fold->ended_at);
}

/* When @duration had elapsed, or will have (would have) if the clock runs on. */
static gint64
find_crossing (const Fold *fold, gint64 elapsed, gint64 duration, const CtCalendar *calendar)
{
  guint last = fold->runs->len;

  if (duration <= 0 || last == 0)
    return CT_SLA_NEVER;
  for (guint i = 0; i < last; i++) {
    const Run *run = &g_array_index (fold->runs, Run, i);
    gint64 end = i + 1 < last ? run[1].before : elapsed;

    if (end >= duration || (i + 1 == last && fold_extends (fold)))
      return ct_calendar_add (calendar, run->from, duration - run->before);
  }
  return CT_SLA_NEVER;
}

/* The ledger */

static const char *
refusal (const Fold *fold, CtSlaEventKind kind)
{
  switch (kind) {
  case CT_SLA_ACTIVATE:
    return fold_is_active (fold) ? "it is active already" : NULL;
  case CT_SLA_PAUSE:
    return fold->phase == CT_SLA_RUNNING ? NULL : "it does not run";
  case CT_SLA_RESUME:
    return fold->phase == CT_SLA_PAUSED ? NULL : "it is not paused";
  case CT_SLA_FULFIL:
    return fold_is_active (fold) ? NULL : "it is not active";
  case CT_SLA_BREACH:
  default:
    return fold->instance == 0     ? "it was never active"
           : fold->breach_recorded ? "its breach is recorded"
                                   : NULL;
  }
}

/**
 * ct_sla_append:
 * @ledger: (element-type CtSlaEvent): in order of time
 * @at: not before the ledger's last line
 *
 * Appends the event with its instance number if it makes sense there.
 *
 * Returns: %FALSE with %CT_ERROR_CONFLICT where it does not
 */
gboolean
ct_sla_append (GArray *ledger, CtSlaEventKind kind, CtSlaTarget target, gint64 at, GError **error)
{
  CtSlaEvent event = { kind, target, 0, at };
  g_auto (Fold) fold;
  const char *reason;

  fold_ledger (&fold, ledger, target, G_MAXINT64);
  reason = refusal (&fold, kind);
  if (!reason && ledger->len && g_array_index (ledger, CtSlaEvent, ledger->len - 1).at > at)
    reason = "the ledger has later lines";
  if (reason)
    return ct_fail (error, CT_ERROR_CONFLICT, "The clock for %s cannot take “%s”: %s",
                    ct_sla_target_name (target), kind_names[kind], reason);
  event.instance = fold.instance + (kind == CT_SLA_ACTIVATE);
  g_array_append_val (ledger, event);
  return TRUE;
}

/* Appends @kind for each target that can take it (all clocks pause while the counterparty must answer). Returns
 * how many could. */
guint
ct_sla_append_all (GArray *ledger, CtSlaEventKind kind, gint64 at)
{
  guint count = 0;

  for (guint i = 0; i < CT_N_SLA_TARGETS; i++)
    count += ct_sla_append (ledger, kind, (CtSlaTarget) i, at, NULL);
  return count;
}

/**
 * ct_sla_state:
 * @ledger: (element-type CtSlaEvent): in order of time
 * @goal: the durations of the policy that applies now
 * @calendar: the policy's, or one around the clock
 * @state: (out)
 *
 * What the ledger means at @now. On time is what ended no later than @due_at.
 */
void
ct_sla_state (const GArray *ledger, CtSlaTarget target, const CtSlaGoal *goal, const CtCalendar *calendar,
              gint64 now, CtSlaState *state)
{
  g_auto (Fold) fold;
  gint64 end;

  fold_ledger (&fold, ledger, target, now);
  memset (state, 0, sizeof *state);
  state->phase = fold.phase;
  state->instance = fold.instance;
  state->started_at = fold.started_at;
  state->ended_at = fold.ended_at;
  state->paused = fold.paused;
  state->breach_recorded = fold.breach_recorded;
  state->elapsed = measure_runs (&fold, calendar);
  state->remaining = goal->target - state->elapsed;
  state->warning_at = find_crossing (&fold, state->elapsed, goal->warning, calendar);
  state->escalate_at = find_crossing (&fold, state->elapsed, goal->escalate, calendar);
  state->due_at = find_crossing (&fold, state->elapsed, goal->target, calendar);
  state->hard_at = find_crossing (&fold, state->elapsed, goal->hard, calendar);
  end = MIN (fold.ended_at, now);
  state->warned = end >= state->warning_at;
  state->breached = end > state->due_at;
  state->overrun = end > state->hard_at;
}

/* Whether escalation is due: never once answered, resolved or while the counterparty must answer. */
gboolean
ct_sla_escalates (const CtSlaState *state, gint64 now)
{
  return state->phase == CT_SLA_RUNNING && now >= state->escalate_at;
}

/**
 * ct_sla_crossing:
 * @duration: ms, such as an agent profile's "escalate after"
 *
 * Returns: when the running clock will have measured @duration (or did); %CT_SLA_NEVER where it has ended or stands
 *   still before that
 */
gint64
ct_sla_crossing (const GArray *ledger, CtSlaTarget target, gint64 duration, const CtCalendar *calendar,
                 gint64 now)
{
  g_auto (Fold) fold;
  gint64 elapsed;

  fold_ledger (&fold, ledger, target, now);
  if (!fold_is_active (&fold))
    return CT_SLA_NEVER;
  elapsed = measure_runs (&fold, calendar);
  return find_crossing (&fold, elapsed, duration, calendar);
}

/* The earlier of the SLA and the channel's own window; each may be %CT_SLA_NEVER. */
gint64
ct_sla_effective_deadline (gint64 due_at, gint64 channel_window_ends_at)
{
  return MIN (due_at, channel_window_ends_at);
}
