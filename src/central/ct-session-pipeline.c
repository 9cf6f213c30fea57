/* Many statements under way at once. Each is followed by a sync point, so that each is a transaction of its own: what
 * fails takes nothing along that comes behind it. Nothing here belongs to the session on the server's side, so that it
 * works through a pool in transaction mode. */
#include "ct-session-private.h"

#include <string.h>

/**
 * ct_session_pipeline_begin:
 *
 * Until ct_session_pipeline_end() only the pipeline's calls may be used.
 */
gboolean
ct_session_pipeline_begin (CtSession *self, GError **error)
{
  self->under_way = 0;
  if (!self->lost && PQenterPipelineMode (self->handle))
    return TRUE;
  return ct_fail (error, CT_ERROR_NETWORK, "the connection to the server is closed");
}

/* Sends one statement; see ct_session_query() for its parameters. Never waits: what does not fit on the wire goes when
 * ct_session_pipeline_next() waits. */
gboolean
ct_session_pipeline_send (CtSession *self, GError **error, const char *sql, const char *format, ...)
{
  g_autoptr (GPtrArray) values = NULL;
  va_list args;

  va_start (args, format);
  values = ct_session_read_parameters (format, args);
  va_end (args);
  if (self->lost ||
      !PQsendQueryParams (self->handle, sql, (int) values->len, NULL, (const char *const *) values->pdata,
                          NULL, NULL, 0) ||
      !PQpipelineSync (self->handle))
    return ct_session_fail_lost (self, error);
  self->under_way++;
  return TRUE;
}

/* How many statements wait for their answer to be read. */
guint
ct_session_pipeline_waiting (CtSession *self)
{
  return self->under_way;
}

static gboolean
wait_for_result (CtSession *self, GCancellable *cancellable, GError **error)
{
  while (PQisBusy (self->handle)) {
    int flushed = PQflush (self->handle);

    if (flushed < 0)
      return ct_session_fail_lost (self, error);
    if (!ct_session_wait (self, flushed ? G_IO_IN | G_IO_OUT : G_IO_IN, cancellable, error))
      return FALSE;
    if (!PQconsumeInput (self->handle))
      return ct_session_fail_lost (self, error);
  }
  return TRUE;
}

/* The result of one statement, with its sync point read as well; NULL where the line broke. */
static PGresult *
next_result (CtSession *self, GCancellable *cancellable, GError **error)
{
  PGresult *kept = NULL;
  int silence = 0;

  /* a statement's result, the NULL that ends it, the sync point */
  while (silence < 3 && wait_for_result (self, cancellable, error)) {
    PGresult *result = PQgetResult (self->handle);

    if (!result) {
      silence++;
      continue;
    }
    if (PQresultStatus (result) == PGRES_PIPELINE_SYNC) {
      PQclear (result);
      return kept;
    }
    PQclear (kept);
    kept = result;
  }
  self->lost = TRUE;
  if (silence >= 3)
    ct_session_fail_lost (self, error);
  PQclear (kept);
  return NULL;
}

/**
 * ct_session_pipeline_next:
 *
 * Waits for the oldest statement under way. A statement that failed leaves those behind it as they are.
 *
 * Returns: (transfer full): its answer, or %NULL as ct_session_query()
 */
CtAnswer *
ct_session_pipeline_next (CtSession *self, GCancellable *cancellable, GError **error)
{
  PGresult *result;
  CtAnswer *answer;

  g_return_val_if_fail (self->under_way > 0, NULL);
  self->state[0] = 0;
  self->under_way--;
  result = next_result (self, cancellable, error);
  if (!result) {
    if (error && !*error)
      ct_session_fail_lost (self, error);
    return NULL;
  }
  if (PQresultStatus (result) != PGRES_TUPLES_OK && PQresultStatus (result) != PGRES_COMMAND_OK) {
    ct_session_fail_result (self, result, error);
    PQclear (result);
    return NULL;
  }
  answer = g_new0 (CtAnswer, 1);
  answer->handle = result;
  return answer;
}

/* Reads what is still under way, whatever it says, and lets the session be asked again. */
gboolean
ct_session_pipeline_end (CtSession *self, GCancellable *cancellable, GError **error)
{
  char state[sizeof self->state];

  memcpy (state, self->state, sizeof state);
  while (self->under_way > 0 && !self->lost) {
    g_autoptr (CtAnswer) answer = ct_session_pipeline_next (self, cancellable, NULL);
  }
  memcpy (self->state, state, sizeof state);
  if (!self->lost && PQexitPipelineMode (self->handle))
    return TRUE;
  self->lost = TRUE;
  return ct_session_fail_lost (self, error);
}
