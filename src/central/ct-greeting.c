/* Whether a database is a server of ours, and whether it takes anything from this device. */
#include "ct-greeting.h"

#include <string.h>

static const char question[] =
    "SELECT session_user, h.oldest, h.newest, array_to_string(h.tables, ' '), coalesce(s.last_n, -1), "
    "s.last_sha256, pg_has_role(session_user, 'tower_agent', 'MEMBER')::integer FROM api.head(NULL, 0, NULL) "
    "h LEFT JOIN api.standing($1::text::uuid) s ON true";

/* No schema, function or relation of that name: some other database. */
static gboolean
is_missing (const char *state)
{
  static const char *const states[] = { "3F000", "42883", "42P01", NULL };

  return g_strv_contains (states, state);
}

static gboolean
explain (CtSession *session, GError *problem, GError **error)
{
  const char *state = ct_session_last_state (session);
  g_autoptr (GError) known = problem;

  if (is_missing (state))
    return ct_fail (error, CT_ERROR_NOT_FOUND,
                    _ ("This database is not a Control Tower server; an administrator makes it one with "
                       "towerctl server init"));
  if (g_str_equal (state, "42501"))
    return ct_fail (error, CT_ERROR_REFUSED,
                    _ ("This login has no role at the server; an administrator gives it one with towerctl "
                       "server add-user"));
  g_propagate_error (error, g_steal_pointer (&known));
  return FALSE;
}

/**
 * ct_greeting_ask:
 * @device: whose standing is wanted
 * @greeting: (out): free with ct_greeting_clear()
 *
 * Returns: %FALSE with %CT_ERROR_NOT_FOUND where the database is no server of ours, %CT_ERROR_REFUSED where the login
 *   has no role there
 */
gboolean
ct_greeting_ask (CtSession *session, const CtId *device, CtGreeting *greeting, GCancellable *cancellable,
                 GError **error)
{
  GError *problem = NULL;
  g_autoptr (CtAnswer) answer = ct_session_query (session, cancellable, &problem, question, "k", device);

  if (!answer)
    return explain (session, problem, error);
  if (ct_answer_rows (answer) != 1)
    return ct_fail (error, CT_ERROR_INVALID, "the server does not say what it serves");
  greeting->login = g_strdup (ct_answer_text (answer, 0, 0));
  greeting->oldest = (int) ct_answer_int (answer, 0, 1);
  greeting->newest = (int) ct_answer_int (answer, 0, 2);
  greeting->tables = g_strsplit (ct_answer_text (answer, 0, 3), " ", -1);
  greeting->standing = ct_answer_int (answer, 0, 4);
  greeting->service = ct_answer_int (answer, 0, 6) != 0;
  return greeting->standing < 0 ||
         ct_hash_from_hex (ct_answer_text (answer, 0, 5), &greeting->standing_sha256) ||
         ct_fail (error, CT_ERROR_INVALID, "the server does not say where this device stands");
}

void
ct_greeting_clear (CtGreeting *self)
{
  g_clear_pointer (&self->login, g_free);
  g_clear_pointer (&self->tables, g_strfreev);
}
