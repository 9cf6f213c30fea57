/* Who is away, from when to when, and who decides in their place meanwhile. */
#include "ct-commands.h"
#include "ct-commander.h"
#include "ct-effect.h"
#include "ct-vocabulary.h"

#include <string.h>

/* An absence is as long as somebody may plan it. */
#define LONGEST_ABSENCE (400 * CT_MS_DAY)

static gboolean
find_person (CtCommand *command, const char *login, CtId *id, GError **error)
{
  g_autoptr (GError) problem = NULL;

  if (ct_db_read_id (command->db, id, &problem,
                     "SELECT id FROM people WHERE login = ? AND archived_at IS NULL", "s", login))
    return TRUE;
  if (g_error_matches (problem, CT_ERROR, CT_ERROR_NOT_FOUND))
    return ct_fail (error, CT_ERROR_NOT_FOUND, _ ("Nobody here is called “%s”"), login);
  g_propagate_error (error, g_steal_pointer (&problem));
  return FALSE;
}

/* Whoever decides in somebody's place is another person, and of a team: others may run no approval. */
static gboolean
find_stand_in (CtCommand *command, const char *login, const CtId *person, CtId *id, GError **error)
{
  g_autoptr (GPtrArray) roles = NULL;
  gboolean can = FALSE;

  if (!find_person (command, login, id, error))
    return FALSE;
  roles = ct_commander_roles (command->db, login, error);
  if (!roles)
    return FALSE;
  for (guint i = 0; i < roles->len; i++)
    can |= ct_role_is_team (roles->pdata[i]);
  return (can && !ct_id_equal (person, id)) ||
         ct_fail (error, CT_ERROR_REFUSED, _ ("“%s” cannot stand in: name another member of a team"), login);
}

/* absence.set: {starts_at, ends_at, person?: a login, oneself where not said, stand_in?: a login} */
static gboolean
set_run (CtCommand *command, GError **error)
{
  const char *login = ct_arg_has (command, "person") ? ct_arg_text (command, "person") : command->actor;
  gint64 starts_at = ct_arg_time (command, "starts_at", 0), ends_at = ct_arg_time (command, "ends_at", 0);
  CtId person, stand_in, id = ct_effect_new_id (command, "absences", 0),
                         delegation = ct_effect_new_id (command, "delegations", 0);
  g_autofree char *text = ct_id_to_string (&id);

  if (ends_at <= starts_at || ends_at <= command->now || ends_at - starts_at > LONGEST_ABSENCE)
    return ct_fail (error, CT_ERROR_INVALID,
                    _ ("An absence ends after it begins, not in the past, and within %d days"),
                    (int) (LONGEST_ABSENCE / CT_MS_DAY));
  if (!find_person (command, login, &person, error) ||
      !ct_effect_insert (command, error, "absences", &id, "person_id,starts_at,ends_at", "kii", &person,
                         starts_at, ends_at))
    return FALSE;
  if (ct_arg_has (command, "stand_in") &&
      (!find_stand_in (command, ct_arg_text (command, "stand_in"), &person, &stand_in, error) ||
       !ct_effect_insert (command, error, "delegations", &delegation,
                          "person_id,delegate_id,starts_at,ends_at", "kkii", &person, &stand_in, starts_at,
                          ends_at)))
    return FALSE;
  json_object_set_string_member (command->result, "id", text);
  return ct_effect_object (command, "absences", &id, error);
}

/* The ids of who stands in for just this absence; (transfer full) (element-type CtId). */
static GArray *
stand_ins_of (CtCommand *command, const CtId *absence, GError **error)
{
  g_autoptr (GArray) ids = g_array_new (FALSE, FALSE, sizeof (CtId));
  g_autoptr (CtStmt) stmt =
      ct_db_query (command->db, error,
                   "SELECT d.id FROM absences a JOIN delegations d ON d.person_id = a.person_id AND "
                   "d.starts_at = a.starts_at AND d.ends_at = a.ends_at WHERE a.id = ? ORDER BY d.id",
                   "k", absence);
  CtId id;

  while (stmt && ct_stmt_next (stmt))
    if (ct_stmt_id (stmt, 0, &id))
      g_array_append_val (ids, id);
  return stmt && ct_stmt_finish (stmt, error) ? g_steal_pointer (&ids) : NULL;
}

/* What has begun ends now; what has not is as if it had not been said. */
static gboolean
end_row (CtCommand *command, const char *table, const CtId *id, gboolean begun, GError **error)
{
  g_autofree char *sql = g_strdup_printf ("DELETE FROM %s WHERE id = ?", table);

  return begun ? ct_effect_update (command, error, table, id, "ends_at", "i", command->now)
               : ct_db_run (command->db, error, sql, "k", id);
}

/* absence.end: {absence} */
static gboolean
end_run (CtCommand *command, GError **error)
{
  g_autoptr (GArray) stand_ins = NULL;
  gint64 starts_at = 0, ends_at = 0;
  CtId id;

  if (!ct_arg_id (command, "absence", &id) ||
      !ct_db_read_int (command->db, &starts_at, error, "SELECT starts_at FROM absences WHERE id = ?", "k",
                       &id) ||
      !ct_db_read_int (command->db, &ends_at, error, "SELECT ends_at FROM absences WHERE id = ?", "k", &id) ||
      !(stand_ins = stand_ins_of (command, &id, error)))
    return FALSE;
  if (ends_at <= command->now)
    return ct_fail (error, CT_ERROR_CONFLICT, _ ("This absence is over already"));
  if (!ct_effect_object (command, "absences", &id, error) ||
      !end_row (command, "absences", &id, starts_at < command->now, error))
    return FALSE;
  for (guint i = 0; i < stand_ins->len; i++)
    if (!end_row (command, "delegations", &g_array_index (stand_ins, CtId, i), starts_at < command->now,
                  error))
      return FALSE;
  return TRUE;
}

void
ct_commands_people_register (void)
{
  static const CtArg set_args[] = { { "starts_at", 't', 0 },
                                    { "ends_at", 't', 0 },
                                    { "person", 'S', 100 },
                                    { "stand_in", 'S', 100 },
                                    { NULL, 0, 0 } };
  static const CtArg end_args[] = { { "absence", 'k', 0 }, { NULL, 0, 0 } };
  static const CtCommandDef defs[] = {
    { "absence.set", "absence", set_run, CT_COMMAND_UNDOABLE, set_args },
    { "absence.end", "absence", end_run, CT_COMMAND_UNDOABLE, end_args },
  };

  ct_command_register (defs, G_N_ELEMENTS (defs));
}
