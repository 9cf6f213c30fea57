#include "ct-error.h"

G_DEFINE_QUARK (ct - error - quark, ct_error)

/**
 * ct_fail:
 * @error: (out) (optional): where the error goes
 * @code: what kind of failure
 * @format: what was wrong, where, and what to do
 *
 * Returns: %FALSE, always
 */
gboolean
ct_fail (GError **error, CtErrorCode code, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  if (error)
    *error = g_error_new_valist (CT_ERROR, code, format, args);
  va_end (args);
  return FALSE;
}
