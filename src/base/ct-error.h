#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define CT_ERROR (ct_error_quark ())

/**
 * CtErrorCode:
 * @CT_ERROR_FAILED: anything without a code of its own
 * @CT_ERROR_INVALID: the arguments or the bytes are malformed; a caller can correct them
 * @CT_ERROR_REFUSED: the policy does not allow it for this actor or in this state
 * @CT_ERROR_NOT_FOUND: what was named does not exist
 * @CT_ERROR_CONFLICT: the state is no longer what the caller believed
 * @CT_ERROR_CORRUPT: stored bytes contradict each other
 * @CT_ERROR_BUSY: another process holds what is needed; trying again may succeed
 * @CT_ERROR_NETWORK: the other side surely did not receive the request
 * @CT_ERROR_UNKNOWN_FATE: the other side may or may not have carried the request out
 *
 * The codes callers branch on. A message says what was wrong, where, and what to do.
 */
typedef enum {
  CT_ERROR_FAILED = 1,
  CT_ERROR_INVALID,
  CT_ERROR_REFUSED,
  CT_ERROR_NOT_FOUND,
  CT_ERROR_CONFLICT,
  CT_ERROR_CORRUPT,
  CT_ERROR_BUSY,
  CT_ERROR_NETWORK,
  CT_ERROR_UNKNOWN_FATE,
} CtErrorCode;

GQuark ct_error_quark (void);

/* Sets @error and returns FALSE, so that a check is one statement. */
gboolean ct_fail (GError **error, CtErrorCode code, const char *format, ...) G_GNUC_PRINTF (3, 4);

G_END_DECLS
