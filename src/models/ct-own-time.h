#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* How long the program's own callbacks hold the main thread, without what GTK does inside them. Off, and then free,
 * until a measurement switches it on. Main thread only. */

extern gboolean ct_own_time_on;

void ct_own_time_enter (const char *function, gboolean foreign);
void ct_own_time_leave (gboolean *guard);
void ct_own_time_start (void);
gint64 ct_own_time_longest (const char **function);

static inline gboolean
ct_own_time_guard (const char *function, gboolean foreign)
{
  if (G_LIKELY (!ct_own_time_on))
    return FALSE;
  ct_own_time_enter (function, foreign);
  return TRUE;
}

/* As a declaration: the scope from here on is a callback of ours, or a call into code that is not ours. */
#define CT_OWN_TIME                                                                                          \
  __attribute__ ((cleanup (ct_own_time_leave), unused)) gboolean own_time_ =                                 \
      ct_own_time_guard (G_STRFUNC, FALSE)
#define CT_FOREIGN_TIME                                                                                      \
  __attribute__ ((cleanup (ct_own_time_leave), unused)) gboolean foreign_time_ =                             \
      ct_own_time_guard (G_STRFUNC, TRUE)

G_END_DECLS
