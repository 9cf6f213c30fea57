/* command.undo: takes back an own command by its inverted changesets. It is a command itself, so that it is recorded,
 * audited, and can be undone in turn. */
#include "ct-undo.h"
#include "ct-column-kind.h"
#include "ct-policy.h"

#include <string.h>

/* The command that is to be undone. */
typedef struct {
  gint64 seq;
  CtId id;
  const CtCommandDef *def;
  JsonNode *args; /* (owned) */
} Target;

static void
target_clear (Target *self)
{
  g_clear_pointer (&self->args, json_node_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Target, target_clear)

static gboolean
find_target (CtCommand *command, Target *target, GError **error)
{
  g_autoptr (CtStmt) stmt = NULL;

  if (!ct_arg_id (command, "command", &target->id))
    return ct_fail (error, CT_ERROR_INVALID, _ ("command.undo: \"command\" must be a UUID"));
  stmt = ct_db_query (
      command->db, error,
      "SELECT seq, actor, name, EXISTS (SELECT 1 FROM undone u WHERE u.seq = i.seq), args FROM intents i "
      "WHERE command_id = ?",
      "k", &target->id);
  if (!stmt)
    return FALSE;
  if (!ct_stmt_next (stmt))
    return ct_stmt_finish (stmt, error) &&
           ct_fail (error, CT_ERROR_NOT_FOUND, _ ("There is no such command here"));
  target->def = ct_command_find (ct_stmt_text (stmt, 2));
  if (strcmp (ct_stmt_text (stmt, 1), command->actor) != 0)
    return ct_fail (error, CT_ERROR_REFUSED, _ ("Only your own commands can be undone"));
  if (!target->def || !(target->def->flags & CT_COMMAND_UNDOABLE))
    return ct_fail (error, CT_ERROR_REFUSED, _ ("\"%s\" cannot be undone"), ct_stmt_text (stmt, 2));
  if (ct_stmt_int (stmt, 3))
    return ct_fail (error, CT_ERROR_CONFLICT, _ ("This is already undone"));
  if (ct_stmt_is_null (stmt, 4))
    return ct_fail (error, CT_ERROR_INVALID, _ ("What the command asked for has been redacted"));
  target->seq = ct_stmt_int (stmt, 0);
  target->args = ct_json_parse (ct_stmt_text (stmt, 4), -1, 64 << 20, error);
  return target->args != NULL;
}

/* Who lost the role for a command, or the record to another team, may no longer take it back either. */
static gboolean
check_role (CtCommand *command, const Target *target, GError **error)
{
  return ct_policy_role_for (command->policy, target->def->name, command->roles) ||
         ct_fail (error, CT_ERROR_REFUSED,
                  _ ("\"%s\" may not do this (%s); ask an administrator for the role"), command->actor,
                  target->def->name);
}

/* Asked of the state that is given back: who handed a record to another team may take just that back. */
static gboolean
check_where (CtCommand *command, const Target *target, GError **error)
{
  CtCommand undone = *command;

  undone.def = target->def;
  undone.id = target->id;
  undone.args = json_node_get_object (target->args);
  return ct_policy_check_where (command->policy, target->def->name, &undone, error);
}

/* What the server has written over when it settled the command is nobody's later change. */
static gboolean
is_same (const char *table, const char *column, const CtValue *left, const CtValue *here)
{
  static const char *const given[] = { "n", "rev", "created_at", "updated_at", "number", NULL };
  char kind = ct_text_index (given, column) >= 0 ? 'd' : ct_column_kind (table, column);

  if (kind == 'd')
    return TRUE;
  if (left->type != here->type)
    return FALSE;
  if (kind == 's' || left->type == 'n')
    return TRUE;
  return left->type == 'i' ? left->integer == here->integer
         : left->type == 'd'
             ? left->real == here->real
             : left->length == here->length && memcmp (left->data, here->data, here->length) == 0;
}

static gboolean
invert (CtCommand *command, gint64 seq, GError **error)
{
  CtSameFunc same = ct_authority_settles (command->authority) ? NULL : is_same;
  g_autoptr (GPtrArray) parts = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  g_autoptr (CtStmt) stmt = ct_db_query (
      command->db, error, "SELECT changeset FROM changesets WHERE seq = ? ORDER BY part DESC", "i", seq);

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
    if (!ct_changeset_take_back (command->db, parts->pdata[i], same, error))
      return FALSE;
  }
  return TRUE;
}

/* What stands in the way of an undo, and for a command that has a counterpart what to do instead. */
static gboolean
fail_invert (const Target *target, const GError *problem, GError **error)
{
  if (g_error_matches (problem, CT_ERROR, CT_ERROR_CONFLICT) &&
      strcmp (target->def->name, "task.resolve") == 0)
    return ct_fail (error, CT_ERROR_CONFLICT, _ ("%s; reopen the task instead"), problem->message);
  g_propagate_error (error, g_error_copy (problem));
  return FALSE;
}

gboolean
ct_undo_run (CtCommand *command, GError **error)
{
  g_auto (Target) target = { 0 };
  g_autoptr (GError) problem = NULL;

  if (!find_target (command, &target, error) || !check_role (command, &target, error))
    return FALSE;
  if (!invert (command, target.seq, &problem))
    return fail_invert (&target, problem, error);
  if (!check_where (command, &target, error))
    return FALSE;
  json_object_set_int_member (command->result, "undone", target.seq);
  json_object_set_string_member (command->result, "name", target.def->name);
  return TRUE;
}

/* After the intent has its number: which command was undone by which. */
gboolean
ct_undo_note (CtCommand *command, gint64 seq, GError **error)
{
  gint64 undone = ct_json_int (command->result, "undone", 0);

  return undone == 0 || ct_db_run (command->db, error, "INSERT INTO undone VALUES(?, ?)", "ii", undone, seq);
}

/* What nobody means by their last step: exports, and what workers do under the name of whoever runs them. */
#define PASSED_OVER                                                                                          \
  "'command.undo', 'audit.export', 'data.export', 'exceptions.detect', 'task.begin_draft', 'draft.store', "  \
  "'task.wake', 'task.breach', 'task.await_reply', 'approval.expire', 'post.lease', 'post.sending', "        \
  "'post.sent', 'post.release', 'post.failed', 'post.unknown', 'post.void'"

/**
 * ct_undo_last:
 * @label: (nullable) (scope call): what a command does, in words
 *
 * Returns: (transfer full) (nullable): the UUID of @actor's last step, other than exports and what workers do, that is
 *   not undone and may be; %CT_ERROR_NOT_FOUND where there is none, %CT_ERROR_REFUSED where it cannot be undone
 */
char *
ct_undo_last (CtDb *db, const char *actor, const char *(*label) (const char *command), GError **error)
{
  g_autoptr (CtStmt) stmt = ct_db_query (
      db, error,
      "SELECT uuid_text(command_id), name FROM intents i WHERE actor = ? AND name NOT IN (" PASSED_OVER ") "
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
    ct_fail (error, CT_ERROR_REFUSED, _ ("Your last step (%s) cannot be undone"),
             label ? label (ct_stmt_text (stmt, 1)) : ct_stmt_text (stmt, 1));
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
