/* What people do to an exception; opening and clearing is the rules' work. */
#include "ct-commands.h"
#include "ct-approvals.h"
#include "ct-effect.h"

#include <string.h>

/* The exception that the argument names, which must be open. */
static gboolean
find_open (CtCommand *command, CtId *id, char **number, GError **error)
{
  g_autoptr (CtStmt) stmt = NULL;
  CtExceptionState state;
  CtId order, distributor;

  ct_arg_id (command, "exception", id);
  stmt = ct_db_query (command->db, error,
                      "SELECT state, number, order_id, distributor_id FROM exceptions WHERE id = ?", "k", id);
  if (!stmt)
    return FALSE;
  if (!ct_stmt_next (stmt))
    return ct_stmt_finish (stmt, error) &&
           ct_fail (error, CT_ERROR_NOT_FOUND, _ ("There is no such exception"));
  if (!ct_exception_state_parse (ct_stmt_text (stmt, 0), &state) || !ct_exception_state_is_open (state))
    return ct_fail (error, CT_ERROR_CONFLICT, _ ("%s is no longer open: it is %s"), ct_stmt_text (stmt, 1),
                    ct_stmt_text (stmt, 0));
  if (ct_stmt_id (stmt, 2, &order))
    ct_command_touches (command, &order);
  if (ct_stmt_id (stmt, 3, &distributor))
    ct_command_touches (command, &distributor);
  *number = g_strdup (ct_stmt_text (stmt, 1));
  json_object_set_string_member (command->result, "number", *number);
  return TRUE;
}

static gboolean
assign_run (CtCommand *command, GError **error)
{
  const char *owner = ct_arg_text (command, "owner");
  g_autofree char *number = NULL;
  CtId id;

  if (!ct_role_is_team (owner))
    return ct_fail (error, CT_ERROR_INVALID, _ ("“%s” is no team that can own work"), owner);
  return find_open (command, &id, &number, error) &&
         ct_effect_update (command, error, "exceptions", &id, "owner", "s", owner) &&
         ct_effect_object (command, "exceptions", &id, error);
}

/* A closed exception stays closed until its facts change (DOMAIN: exceptions). */
static gboolean
close_run (CtCommand *command, GError **error)
{
  const char *reason = ct_arg_text (command, "reason");
  g_autofree char *number = NULL, *because = NULL;
  CtId id;

  if (ct_text_is_blank (reason))
    return ct_fail (error, CT_ERROR_INVALID, _ ("Closing an exception needs a reason"));
  if (!find_open (command, &id, &number, error))
    return FALSE;
  because = g_strdup_printf ("%s was closed: %s", number, reason);
  return ct_effect_update (command, error, "exceptions", &id, "state,cleared_at,closed_reason", "sis",
                           "closed", command->now, reason) &&
         ct_approvals_void_for_exception (command, &id, because, error) &&
         ct_effect_object (command, "exceptions", &id, error);
}

void
ct_commands_exceptions_register (void)
{
  static const CtArg assign_args[] = { { "exception", 'k', 0 }, { "owner", 's', 64 }, { NULL, 0, 0 } };
  static const CtArg close_args[] = { { "exception", 'k', 0 }, { "reason", 's', 2000 }, { NULL, 0, 0 } };
  static const CtCommandDef defs[] = {
    { "exception.assign", "exception", assign_run, CT_COMMAND_UNDOABLE, assign_args },
    { "exception.close", "exception", close_run, CT_COMMAND_UNDOABLE, close_args },
  };

  ct_command_register (defs, G_N_ELEMENTS (defs));
}
