#include "ct-own-time.h"

#define DEEPEST 64

typedef struct {
  gboolean foreign;
  gint64 since;
  gint64 total;
} Frame;

gboolean ct_own_time_on = FALSE;
static Frame frames[DEEPEST];
static int depth = 0;
static gint64 longest = 0;

void
ct_own_time_enter (gboolean foreign)
{
  gint64 now = g_get_monotonic_time ();

  g_assert (depth < DEEPEST);
  if (depth > 0)
    frames[depth - 1].total += now - frames[depth - 1].since;
  frames[depth++] = (Frame){ .foreign = foreign, .since = now };
}

void
ct_own_time_leave (gboolean *guard)
{
  gint64 now;
  Frame *frame;

  if (!*guard || depth == 0)
    return;
  now = g_get_monotonic_time ();
  frame = &frames[--depth];
  frame->total += now - frame->since;
  if (!frame->foreign)
    longest = MAX (longest, frame->total);
  if (depth > 0)
    frames[depth - 1].since = now;
}

/* Begins to measure; what was measured before is forgotten. */
void
ct_own_time_start (void)
{
  ct_own_time_on = TRUE;
  depth = 0;
  longest = 0;
}

/* Microseconds of the longest callback since ct_own_time_start(). */
gint64
ct_own_time_longest (void)
{
  return longest;
}
