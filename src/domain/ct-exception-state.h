#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* An exception is open, was cleared because its condition no longer holds, or was closed by a person with a
 * reason. Opening again is the next episode. */
typedef enum {
  CT_EXCEPTION_OPEN,
  CT_EXCEPTION_CLEARED,
  CT_EXCEPTION_CLOSED,
} CtExceptionState;

#define CT_N_EXCEPTION_STATES 3

const char *ct_exception_state_name (CtExceptionState state);
const char *ct_exception_state_label (CtExceptionState state);
gboolean ct_exception_state_parse (const char *name, CtExceptionState *state);
gboolean ct_exception_state_is_open (CtExceptionState state);
gboolean ct_exception_state_allows (CtExceptionState from, CtExceptionState to);
gboolean ct_exception_state_check (CtExceptionState from, CtExceptionState to, GError **error);
gboolean ct_exception_state_starts_episode (CtExceptionState from, CtExceptionState to);

G_END_DECLS
