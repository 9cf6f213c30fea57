/* One connection, driven without blocking so that every wait ends when the caller's cancellable fires. */
#include "ct-session-private.h"
#include "ct-address.h"

#include <string.h>

/* How long a server may say nothing while it is asked something; dialling is quicker or hopeless; and how long it may
 * take to stop when it is told to. */
#define SILENCE_MS (300 * 1000)
#define DIAL_MS    (20 * 1000)
#define STOP_MS    (2 * 1000)

/* SQLSTATEs by their beginning, first match: PostgreSQL's appendix A, and our own of schema/central. */
static const struct {
  const char *state;
  CtErrorCode code;
} classes[] = {
  { "40", CT_ERROR_BUSY },          /* serialization failure, deadlock */
  { "55P03", CT_ERROR_BUSY },       /* lock not available */
  { "53", CT_ERROR_BUSY },          /* out of connections, disk, memory */
  { "57014", CT_ERROR_BUSY },       /* query cancelled, statement timeout */
  { "57P", CT_ERROR_UNKNOWN_FATE }, /* shut down under the statement */
  { "08", CT_ERROR_UNKNOWN_FATE },  /* connection lost */
  { "28", CT_ERROR_REFUSED },       /* may not log in */
  { "3D000", CT_ERROR_NOT_FOUND },  /* no such database */
  { "42501", CT_ERROR_REFUSED },    /* insufficient privilege */
  { "CT006", CT_ERROR_BUSY },       /* a workspace is being uploaded */
  { "CT002", CT_ERROR_REFUSED },    { "CT101", CT_ERROR_CONFLICT }, { "CT102", CT_ERROR_REFUSED },
  { "CT0", CT_ERROR_INVALID },      { "CT1", CT_ERROR_INVALID },    { "23", CT_ERROR_CONFLICT },
  { "22", CT_ERROR_INVALID },
};

static CtErrorCode
code_of_state (CtSession *self)
{
  for (guint i = 0; i < G_N_ELEMENTS (classes); i++)
    if (g_str_has_prefix (self->state, classes[i].state))
      return classes[i].code == CT_ERROR_UNKNOWN_FATE && self->reading ? CT_ERROR_NETWORK : classes[i].code;
  return CT_ERROR_FAILED;
}

/* The connection broke while a statement was on its way. */
gboolean
ct_session_fail_lost (CtSession *self, GError **error)
{
  g_autofree char *text = g_strchomp (g_strdup (PQerrorMessage (self->handle)));

  return ct_fail (error, self->reading ? CT_ERROR_NETWORK : CT_ERROR_UNKNOWN_FATE,
                  "the connection to the server was lost: %s", *text ? text : "no reason given");
}

/* Asks the server to stop what it does. On a thread of its own: a server that says nothing would hold us up here too. */
static gpointer
ask_to_stop (gpointer data)
{
  PGcancel *cancel = data;
  char text[256];

  PQcancel (cancel, text, sizeof text);
  PQfreeCancel (cancel);
  return NULL;
}

/* Waits until the socket is ready; says nothing of why it is not, but for cancellation. */
static int
poll_socket (CtSession *self, GIOCondition condition, gint64 patience, GCancellable *cancellable)
{
  GPollFD polled[2] = { { .fd = PQsocket (self->handle), .events = (gushort) condition } };
  guint n = 1;
  int ready;

  if (cancellable && g_cancellable_make_pollfd (cancellable, &polled[1]))
    n = 2;
  while ((ready = g_poll (polled, n, (int) CLAMP (patience, 0, G_MAXINT))) < 0 && errno == EINTR)
    ;
  if (n == 2)
    g_cancellable_release_fd (cancellable);
  return ready;
}

/* Waits until the socket is ready. On cancellation asks the server to stop, and fails. */
gboolean
ct_session_wait (CtSession *self, GIOCondition condition, GCancellable *cancellable, GError **error)
{
  int ready;

  if (PQsocket (self->handle) < 0)
    return ct_session_fail_lost (self, error);
  ready =
      poll_socket (self, condition,
                   self->deadline ? self->deadline - g_get_monotonic_time () / 1000 : (gint64) self->patience,
                   cancellable);
  if (g_cancellable_set_error_if_cancelled (cancellable, error)) {
    PGcancel *cancel = PQgetCancel (self->handle);

    if (cancel)
      g_thread_unref (g_thread_new ("ct-cancel", ask_to_stop, cancel));
    return FALSE;
  }
  if (ready != 0)
    return TRUE;
  self->lost = TRUE;
  return ct_fail (error, self->reading ? CT_ERROR_NETWORK : CT_ERROR_UNKNOWN_FATE,
                  _ ("The server has said nothing for %d seconds"), self->patience / 1000);
}

/* Why there is no connection: the lines that libpq gives for each address, without what only its verbose form has. */
static gboolean
fail_connect (CtSession *self, GError **error)
{
  g_autoptr (GRegex) state = g_regex_new (": +([0-9][0-9A-Z]{4}): +", 0, 0, NULL);
  g_autoptr (GRegex) place = g_regex_new ("^[^\n]*, [a-z_]+\\.c:[0-9]+$", G_REGEX_MULTILINE, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;
  const char *raw = PQerrorMessage (self->handle);
  g_autofree char *without = g_regex_replace_literal (place, raw, -1, 0, "", 0, NULL);
  g_autofree char *text = g_regex_replace_literal (state, without ? without : raw, -1, 0, ": ", 0, NULL);

  if (g_regex_match (state, raw, 0, &match)) {
    g_autofree char *found = g_match_info_fetch (match, 1);

    g_strlcpy (self->state, found, sizeof self->state);
  } else if (PQconnectionNeedsPassword (self->handle)) {
    return ct_fail (error, CT_ERROR_REFUSED, _ ("The server asks for a password, and none is known here"));
  }
  if (strcmp (self->state, "42501") == 0) /* no CONNECT; what PostgreSQL says of it names no way out */
    return ct_fail (error, CT_ERROR_REFUSED,
                    _ ("This database does not let “%s” in; an administrator lets it in with towerctl server "
                       "add-user"),
                    PQuser (self->handle));
  /* 55000: a database that takes no connections for now is as good as one that cannot be reached */
  return ct_fail (
      error, *self->state && strcmp (self->state, "55000") != 0 ? code_of_state (self) : CT_ERROR_NETWORK,
      _ ("Cannot connect to the server: %s"), g_strchomp (text ? text : without));
}

static gboolean
connect_handle (CtSession *self, GCancellable *cancellable, GError **error)
{
  PostgresPollingStatusType status = PGRES_POLLING_WRITING;

  /* the only way to learn the SQLSTATE of a login that is refused */
  PQsetErrorVerbosity (self->handle, PQERRORS_VERBOSE);

  while (status != PGRES_POLLING_OK && status != PGRES_POLLING_FAILED &&
         PQstatus (self->handle) != CONNECTION_BAD) {
    if (!ct_session_wait (self, status == PGRES_POLLING_READING ? G_IO_IN : G_IO_OUT, cancellable, error))
      return FALSE;
    status = PQconnectPoll (self->handle);
  }
  if (PQstatus (self->handle) != CONNECTION_OK)
    return fail_connect (self, error);
  PQsetErrorVerbosity (self->handle, PQERRORS_DEFAULT);
  return (PQsetClientEncoding (self->handle, "UTF8") == 0 && PQsetnonblocking (self->handle, 1) == 0) ||
         ct_session_fail_lost (self, error);
}

static void
ignore_notice_cb (void *data, const PGresult *result)
{
}

/* libpq heeds connect_timeout only where it may block. */
static int
dial_patience (const char *conninfo)
{
  PQconninfoOption *options = PQconninfoParse (conninfo, NULL);
  gint64 seconds = 0;

  for (PQconninfoOption *option = options; option && option->keyword; option++)
    if (option->val && g_str_equal (option->keyword, "connect_timeout"))
      g_ascii_string_to_signed (option->val, 10, 1, 3600, &seconds, NULL);
  PQconninfoFree (options);
  return seconds > 0 ? (int) seconds * 1000 : DIAL_MS;
}

/**
 * ct_session_open:
 * @conninfo: a libpq connection string or URI
 *
 * Anything but this machine must be named with sslmode=verify-full.
 *
 * Returns: (transfer full): a session, or %NULL: %CT_ERROR_INVALID for a malformed address, %CT_ERROR_REFUSED for an
 *   insecure one or a login that the server refuses or lets in only with a password, %CT_ERROR_NETWORK where nobody answers
 */
CtSession *
ct_session_open (const char *conninfo, GCancellable *cancellable, GError **error)
{
  g_autoptr (CtSession) self = g_new0 (CtSession, 1);

  if (!ct_address_check (conninfo, error))
    return NULL;
  self->reading = TRUE;
  self->patience = dial_patience (conninfo);
  self->deadline = g_get_monotonic_time () / 1000 + self->patience;
  self->handle = PQconnectStart (conninfo);
  if (!self->handle)
    g_error ("out of memory");
  PQsetNoticeReceiver (self->handle, ignore_notice_cb, NULL);
  if (!connect_handle (self, cancellable, error))
    return NULL;
  self->reading = FALSE;
  self->patience = SILENCE_MS;
  self->deadline = 0;
  return g_steal_pointer (&self);
}

/* How long the server may say nothing while it is asked something, in milliseconds. */
void
ct_session_set_patience (CtSession *self, int patience)
{
  self->patience = patience;
}

void
ct_session_close (CtSession *self)
{
  PQfinish (self->handle);
  g_free (self);
}

/* SQLSTATE of the last statement that failed, five characters; "" where it succeeded or never got an answer. */
const char *
ct_session_last_state (CtSession *self)
{
  return self->state;
}

gboolean
ct_session_fail_result (CtSession *self, const PGresult *result, GError **error)
{
  const char *state = PQresultErrorField (result, PG_DIAG_SQLSTATE);
  const char *message = PQresultErrorField (result, PG_DIAG_MESSAGE_PRIMARY);

  if (!state)
    return ct_session_fail_lost (self, error);
  g_strlcpy (self->state, state, sizeof self->state);
  return ct_fail (error, code_of_state (self), "the server: %s (%s)", message ? message : "no message",
                  state);
}

/* Reads all results of what was sent; returns the last that counts, or the first failure. */
static CtAnswer *
collect (CtSession *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (CtAnswer) answer = NULL;
  int flushed;

  while ((flushed = PQflush (self->handle)) == 1) {
    if (!ct_session_wait (self, G_IO_IN | G_IO_OUT, cancellable, error) || !PQconsumeInput (self->handle))
      return error && *error ? NULL : (ct_session_fail_lost (self, error), NULL);
  }
  if (flushed < 0)
    return ct_session_fail_lost (self, error), NULL;
  for (;;) {
    PGresult *result;

    while (PQisBusy (self->handle)) {
      if (!ct_session_wait (self, G_IO_IN, cancellable, error))
        return NULL;
      if (!PQconsumeInput (self->handle))
        return ct_session_fail_lost (self, error), NULL;
    }
    result = PQgetResult (self->handle);
    if (!result)
      break;
    if (answer && PQresultStatus (answer->handle) != PGRES_TUPLES_OK &&
        PQresultStatus (answer->handle) != PGRES_COMMAND_OK) {
      PQclear (result);
      continue;
    }
    g_clear_pointer (&answer, ct_answer_free);
    answer = g_new0 (CtAnswer, 1);
    answer->handle = result;
  }
  if (!answer)
    return ct_session_fail_lost (self, error), NULL;
  if (PQresultStatus (answer->handle) != PGRES_TUPLES_OK &&
      PQresultStatus (answer->handle) != PGRES_COMMAND_OK)
    return ct_session_fail_result (self, answer->handle, error), NULL;
  return g_steal_pointer (&answer);
}

/* What a cancelled statement left on the wire must not be taken for the next one's answer. A server that does not come to
 * an end soon is given up. */
static void
drain (CtSession *self)
{
  gint64 until = g_get_monotonic_time () / 1000 + STOP_MS;

  for (;;) {
    PGresult *result;

    while (PQisBusy (self->handle)) {
      gint64 left = until - g_get_monotonic_time () / 1000;

      if (left <= 0 || poll_socket (self, G_IO_IN, left, NULL) <= 0 || !PQconsumeInput (self->handle)) {
        self->lost = TRUE;
        return;
      }
    }
    result = PQgetResult (self->handle);
    if (!result)
      return;
    PQclear (result);
  }
}

static CtAnswer *
execute (CtSession *self, GCancellable *cancellable, GError **error, const char *sql,
         const char *const *values, int n_values, gboolean script)
{
  g_autoptr (GError) problem = NULL;
  CtAnswer *answer;

  self->state[0] = 0;
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  if (self->lost ||
      !(script ? PQsendQuery (self->handle, sql)
               : PQsendQueryParams (self->handle, sql, n_values, NULL, values, NULL, NULL, 0))) {
    ct_fail (error, CT_ERROR_NETWORK, "the connection to the server is closed");
    return NULL;
  }
  answer = collect (self, cancellable, &problem);
  if (!answer) {
    if (g_error_matches (problem, G_IO_ERROR, G_IO_ERROR_CANCELLED))
      drain (self);
    g_propagate_error (error, g_steal_pointer (&problem));
  }
  return answer;
}

/* (transfer full): the values of a call's parameters, as text */
GPtrArray *
ct_session_read_parameters (const char *format, va_list args)
{
  GPtrArray *values = g_ptr_array_new_with_free_func (g_free);

  for (; *format; format++) {
    const CtId *id;

    switch (*format) {
    case 's':
      g_ptr_array_add (values, g_strdup (va_arg (args, const char *)));
      break;
    case 'i':
      g_ptr_array_add (values, g_strdup_printf ("%" G_GINT64_FORMAT, va_arg (args, gint64)));
      break;
    case 'k':
      id = va_arg (args, const CtId *);
      g_ptr_array_add (values, id ? ct_id_to_string (id) : NULL);
      break;
    case 'n':
      g_ptr_array_add (values, NULL);
      break;
    default:
      g_assert_not_reached ();
    }
  }
  return values;
}

static CtAnswer *
query_va (CtSession *self, GCancellable *cancellable, GError **error, const char *sql, const char *format,
          va_list args)
{
  g_autoptr (GPtrArray) values = ct_session_read_parameters (format, args);

  return execute (self, cancellable, error, sql, (const char *const *) values->pdata, (int) values->len,
                  FALSE);
}

/**
 * ct_session_query:
 * @sql: one statement with $1, $2, ...; cast them where the type is not plain ("$1::text::uuid")
 * @format: see ct-session.h
 *
 * Returns: (transfer full): the answer, or %NULL: %CT_ERROR_BUSY may be repeated as it is, %CT_ERROR_NETWORK never
 *   had an effect, %CT_ERROR_UNKNOWN_FATE may have had one; the rest is the server's no
 */
CtAnswer *
ct_session_query (CtSession *self, GCancellable *cancellable, GError **error, const char *sql,
                  const char *format, ...)
{
  CtAnswer *answer;
  va_list args;

  va_start (args, format);
  answer = query_va (self, cancellable, error, sql, format, args);
  va_end (args);
  return answer;
}

/* As ct_session_query(), for a statement that only reads: to lose its answer loses nothing. */
CtAnswer *
ct_session_read (CtSession *self, GCancellable *cancellable, GError **error, const char *sql,
                 const char *format, ...)
{
  gboolean reading = self->reading;
  CtAnswer *answer;
  va_list args;

  self->reading = TRUE;
  va_start (args, format);
  answer = query_va (self, cancellable, error, sql, format, args);
  va_end (args);
  self->reading = reading;
  return answer;
}

/* As ct_session_query(), for statements whose rows nobody wants. */
gboolean
ct_session_run (CtSession *self, GCancellable *cancellable, GError **error, const char *sql,
                const char *format, ...)
{
  g_autoptr (CtAnswer) answer = NULL;
  va_list args;

  va_start (args, format);
  answer = query_va (self, cancellable, error, sql, format, args);
  va_end (args);
  return answer != NULL;
}

/* Several statements at once, without parameters, in one transaction unless they say otherwise. */
gboolean
ct_session_script (CtSession *self, const char *script, GCancellable *cancellable, GError **error)
{
  g_autoptr (CtAnswer) answer = execute (self, cancellable, error, script, NULL, 0, TRUE);

  return answer != NULL;
}

/* Begins a transaction that sees one state of the database and can change nothing. */
gboolean
ct_session_begin_read (CtSession *self, GCancellable *cancellable, GError **error)
{
  self->reading = TRUE;
  if (ct_session_run (self, cancellable, error, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", ""))
    return TRUE;
  self->reading = FALSE;
  return FALSE;
}

gboolean
ct_session_end (CtSession *self, gboolean commit, GCancellable *cancellable, GError **error)
{
  gboolean done = ct_session_run (self, cancellable, error, commit ? "COMMIT" : "ROLLBACK", "");

  self->reading = FALSE;
  return done;
}

/**
 * ct_session_password_verifier:
 *
 * Returns: (transfer full): what the server keeps of a password, by SCRAM-SHA-256; the password itself is not sent
 */
char *
ct_session_password_verifier (CtSession *self, const char *login, const char *password, GError **error)
{
  char *verifier = PQencryptPasswordConn (self->handle, password, login, "scram-sha-256");
  char *copy = g_strdup (verifier);

  PQfreemem (verifier);
  if (!copy)
    ct_fail (error, CT_ERROR_FAILED, _ ("The password cannot be prepared: %s"),
             PQerrorMessage (self->handle));
  return copy;
}

int
ct_answer_rows (CtAnswer *self)
{
  return PQntuples (self->handle);
}

/* (transfer none) (nullable): NULL for SQL NULL */
const char *
ct_answer_text (CtAnswer *self, int row, int column)
{
  return PQgetisnull (self->handle, row, column) ? NULL : PQgetvalue (self->handle, row, column);
}

/* 0 for SQL NULL; a boolean is 1 or 0 */
gint64
ct_answer_int (CtAnswer *self, int row, int column)
{
  const char *text = ct_answer_text (self, row, column);

  return !text ? 0 : *text == 't' ? 1 : g_ascii_strtoll (text, NULL, 10);
}

gboolean
ct_answer_id (CtAnswer *self, int row, int column, CtId *id)
{
  return ct_id_parse (ct_answer_text (self, row, column), id);
}

void
ct_answer_free (CtAnswer *self)
{
  PQclear (self->handle);
  g_free (self);
}
