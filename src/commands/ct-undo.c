/* command.undo: takes back an own command by its inverted changesets. It is a command itself, so that it is recorded,
 * audited, and can be undone in turn. */
#include "ct-undo.h"
#include "ct-changeset.h"

#include <string.h>

static gboolean
find_target (CtCommand *command, gint64 *seq, GError **error)
{
  g_autoptr (CtStmt) stmt = NULL;
  const CtCommandDef *def;
  CtId id;

  if (!ct_arg_id (command, "command", &id))
    return ct_fail (error, CT_ERROR_INVALID, _ ("command.undo: \"command\" must be a UUID"));
  stmt = ct_db_query (
      command->db, error,
      "SELECT seq, actor, name, EXISTS (SELECT 1 FROM undone u WHERE u.seq = i.seq) FROM intents i "
      "WHERE command_id = ?",
      "k", &id);
  if (!stmt)
    return FALSE;
  if (!ct_stmt_next (stmt))
    return ct_stmt_finish (stmt, error) &&
           ct_fail (error, CT_ERROR_NOT_FOUND, _ ("There is no such command here"));
  def = ct_command_find (ct_stmt_text (stmt, 2));
  if (strcmp (ct_stmt_text (stmt, 1), command->actor) != 0)
    return ct_fail (error, CT_ERROR_REFUSED, _ ("Only your own commands can be undone"));
  if (!def || !(def->flags & CT_COMMAND_UNDOABLE))
    return ct_fail (error, CT_ERROR_REFUSED, _ ("\"%s\" cannot be undone"), ct_stmt_text (stmt, 2));
  if (ct_stmt_int (stmt, 3))
    return ct_fail (error, CT_ERROR_CONFLICT, _ ("This is already undone"));
  *seq = ct_stmt_int (stmt, 0);
  return TRUE;
}

gboolean
ct_undo_run (CtCommand *command, GError **error)
{
  g_autoptr (GPtrArray) parts = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  g_autoptr (CtStmt) stmt = NULL;
  gint64 seq = 0;

  if (!find_target (command, &seq, error))
    return FALSE;
  stmt = ct_db_query (command->db, error, "SELECT changeset FROM changesets WHERE seq = ? ORDER BY part DESC",
                      "i", seq);
  if (!stmt)
    return FALSE;
  while (ct_stmt_next (stmt)) {
    gsize length;
    gconstpointer data = ct_stmt_blob (stmt, 0, &length);

    g_ptr_array_add (parts, g_bytes_new (data, length));
  }
  if (!ct_stmt_finish (stmt, error))
    return FALSE;
  if (parts->len == 0)
    return ct_fail (error, CT_ERROR_CONFLICT, _ ("This command changed nothing that could be undone"));
  for (guint i = 0; i < parts->len; i++) {
    if (i > 0 && !ct_recorder_cut (command->recorder, error))
      return FALSE;
    if (!ct_changeset_invert (command->db, parts->pdata[i], error))
      return FALSE;
  }
  json_object_set_int_member (command->result, "undone", seq);
  return TRUE;
}

/* After the intent has its number: which command was undone by which. */
gboolean
ct_undo_note (CtCommand *command, gint64 seq, GError **error)
{
  gint64 undone = ct_json_int (command->result, "undone", 0);

  return undone == 0 || ct_db_run (command->db, error, "INSERT INTO undone VALUES(?, ?)", "ii", undone, seq);
}

/**
 * ct_undo_last:
 *
 * Returns: (transfer full) (nullable): the UUID of @actor's last command that is not undone and may be;
 *   %CT_ERROR_NOT_FOUND where there is none
 */
char *
ct_undo_last (CtDb *db, const char *actor, GError **error)
{
  g_autoptr (CtStmt) stmt = ct_db_query (
      db, error,
      "SELECT uuid_text(command_id), name FROM intents i WHERE actor = ? AND name <> 'command.undo' "
      "AND NOT EXISTS (SELECT 1 FROM undone u WHERE u.seq = i.seq) ORDER BY seq DESC LIMIT 1",
      "s", actor);
  const CtCommandDef *def;

  if (!stmt)
    return NULL;
  if (!ct_stmt_next (stmt)) {
    if (ct_stmt_finish (stmt, error))
      ct_fail (error, CT_ERROR_NOT_FOUND, _ ("There is nothing to undo"));
    return NULL;
  }
  def = ct_command_find (ct_stmt_text (stmt, 1));
  if (!def || !(def->flags & CT_COMMAND_UNDOABLE)) {
    ct_fail (error, CT_ERROR_REFUSED, _ ("Your last step (%s) cannot be undone"), ct_stmt_text (stmt, 1));
    return NULL;
  }
  return g_strdup (ct_stmt_text (stmt, 0));
}

void
ct_undo_register (void)
{
  static const CtArg args[] = { { "command", 'k', 0 }, { NULL, 0, 0 } };
  static const CtCommandDef defs[] = { { "command.undo", "command", ct_undo_run, 0, args } };

  ct_command_register (defs, G_N_ELEMENTS (defs));
}
