#include "ct-own-time.h"

#define DEEPEST 64

typedef struct {
  const char *function;
  gboolean foreign;
  gint64 since;
  gint64 total;
} Frame;

gboolean ct_own_time_on = FALSE;
static Frame frames[DEEPEST];
static int depth = 0;
static gint64 longest = 0;
static const char *longest_function = NULL;

void
ct_own_time_enter (const char *function, gboolean foreign)
{
  gint64 now = g_get_monotonic_time ();

  g_assert (depth < DEEPEST);
  if (depth > 0)
    frames[depth - 1].total += now - frames[depth - 1].since;
  frames[depth++] = (Frame){ .function = function, .foreign = foreign, .since = now };
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
  if (!frame->foreign && frame->total > longest) {
    longest = frame->total;
    longest_function = frame->function;
  }
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
  longest_function = NULL;
}

/* Microseconds of the longest callback since ct_own_time_start(), and (nullable) the function it was. */
gint64
ct_own_time_longest (const char **function)
{
  if (function)
    *function = longest_function;
  return longest;
}
