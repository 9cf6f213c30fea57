/* Hints from the server: something has changed, ask. Where a pool stands between, they may not come; nothing needs them. */
#include "ct-session-private.h"

/* Asks to be told; ct_session_hear() says what came. */
gboolean
ct_session_listen (CtSession *self, GCancellable *cancellable, GError **error)
{
  return ct_session_run (self, cancellable, error, "LISTEN tower", "");
}

/* For poll(): readable when ct_session_hear() has something to read; -1 where the line is closed. */
int
ct_session_socket (CtSession *self)
{
  return self->lost ? -1 : PQsocket (self->handle);
}

/**
 * ct_session_hear:
 * @number: (inout): raised to the greatest number of the feed that the server has told of; anybody with a login may have
 *   made it up
 *
 * Reads what has come without being asked for. Never waits.
 *
 * Returns: whether the line is still open
 */
gboolean
ct_session_hear (CtSession *self, gint64 *number)
{
  PGnotify *hint;

  if (self->lost || !PQconsumeInput (self->handle))
    return FALSE;
  while ((hint = PQnotifies (self->handle))) {
    *number = MAX (*number, g_ascii_strtoll (hint->extra, NULL, 10));
    PQfreemem (hint);
  }
  return PQstatus (self->handle) == CONNECTION_OK;
}
