#include "ct-exception-state.h"

#include "ct-base.h"

#define TO(state) (1u << CT_EXCEPTION_##state)

/* A closed one may clear as well: only then can the same condition open the next episode by itself. */
static const struct {
  const char *name;
  const char *label;
  guint to;
} states[CT_N_EXCEPTION_STATES] = {
  [CT_EXCEPTION_OPEN] = { "open", N_ ("Open"), TO (CLEARED) | TO (CLOSED) },
  [CT_EXCEPTION_CLEARED] = { "cleared", N_ ("Cleared"), TO (OPEN) },
  [CT_EXCEPTION_CLOSED] = { "closed", N_ ("Closed"), TO (OPEN) | TO (CLEARED) },
};

const char *
ct_exception_state_name (CtExceptionState state)
{
  g_return_val_if_fail (state < CT_N_EXCEPTION_STATES, NULL);
  return states[state].name;
}

/* Translated. */
const char *
ct_exception_state_label (CtExceptionState state)
{
  g_return_val_if_fail (state < CT_N_EXCEPTION_STATES, NULL);
  return _ (states[state].label);
}

gboolean
ct_exception_state_parse (const char *name, CtExceptionState *state)
{
  for (guint i = 0; i < CT_N_EXCEPTION_STATES; i++)
    if (g_strcmp0 (states[i].name, name) == 0) {
      *state = (CtExceptionState) i;
      return TRUE;
    }
  return FALSE;
}

gboolean
ct_exception_state_is_open (CtExceptionState state)
{
  return state == CT_EXCEPTION_OPEN;
}

gboolean
ct_exception_state_allows (CtExceptionState from, CtExceptionState to)
{
  g_return_val_if_fail (from < CT_N_EXCEPTION_STATES && to < CT_N_EXCEPTION_STATES, FALSE);
  return (states[from].to & (1u << to)) != 0;
}

/* The same with a reason, %CT_ERROR_CONFLICT. */
gboolean
ct_exception_state_check (CtExceptionState from, CtExceptionState to, GError **error)
{
  if (ct_exception_state_allows (from, to))
    return TRUE;
  return ct_fail (error, CT_ERROR_CONFLICT, _ ("An exception in state “%s” cannot become “%s”"),
                  ct_exception_state_label (from), ct_exception_state_label (to));
}

gboolean
ct_exception_state_starts_episode (CtExceptionState from, CtExceptionState to)
{
  return from != CT_EXCEPTION_OPEN && to == CT_EXCEPTION_OPEN;
}
