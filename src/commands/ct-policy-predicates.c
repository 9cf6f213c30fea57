/* The row conditions that schema/policy.json may name. */
#include "ct-policy.h"

#include <string.h>

static gboolean
has_role (CtCommand *command, const char *role)
{
  for (guint i = 0; i < command->roles->len; i++)
    if (strcmp (command->roles->pdata[i], role) == 0)
      return TRUE;
  return FALSE;
}

/* Owner and assignee of the record in an argument; FALSE where there is none. */
static gboolean
is_mine (CtCommand *command, const char *argument, const char *sql, GError **error)
{
  g_autoptr (CtStmt) stmt = NULL;
  const char *assignee;
  CtId id;

  if (!ct_arg_id (command, argument, &id))
    return TRUE; /* the handler says what is missing */
  stmt = ct_db_query (command->db, error, sql, "k", &id);
  if (!stmt)
    return FALSE;
  if (!ct_stmt_next (stmt))
    return ct_stmt_finish (stmt, error) && ct_fail (error, CT_ERROR_NOT_FOUND, _ ("There is no such record"));
  assignee = ct_stmt_text (stmt, 1);
  if (has_role (command, "admin") || has_role (command, "agent") ||
      has_role (command, ct_stmt_text (stmt, 0)) || (assignee && strcmp (assignee, command->actor) == 0))
    return TRUE;
  return ct_fail (error, CT_ERROR_REFUSED,
                  _ ("This belongs to the team \"%s\"; ask them or an administrator"),
                  ct_stmt_text (stmt, 0));
}

static gboolean
task_is_mine_or_my_teams (CtCommand *command, GError **error)
{
  return is_mine (command, "task", "SELECT human_owner, assignee FROM follow_up_tasks WHERE id = ?", error);
}

static gboolean
exception_is_my_teams (CtCommand *command, GError **error)
{
  return is_mine (command, "exception", "SELECT owner, NULL FROM exceptions WHERE id = ?", error);
}

static gboolean
post_is_my_teams (CtCommand *command, GError **error)
{
  return is_mine (command, "post",
                  "SELECT t.human_owner, t.assignee FROM outbox o JOIN follow_up_tasks t ON t.id = o.task_id "
                  "WHERE o.id = ?",
                  error);
}

/* A delegate stands in for somebody of the owning team while the delegation lasts; one approval can be delegated by
 * itself. */
static gboolean
approval_is_my_teams (CtCommand *command, GError **error)
{
  g_autoptr (CtStmt) stmt = NULL;
  CtId id;

  if (!ct_arg_id (command, "approval", &id))
    return TRUE;
  stmt = ct_db_query (
      command->db, error,
      "SELECT 1 FROM approvals a JOIN delegations d ON d.starts_at <= ?2 AND d.ends_at > ?2 "
      "JOIN people p ON p.id = d.delegate_id AND p.login = ?3 "
      "JOIN person_roles r ON r.person_id = d.person_id AND r.role IN (a.owner, 'admin') WHERE a.id = ?1 "
      "UNION ALL SELECT 1 FROM approvals WHERE id = ?1 AND delegated_to = ?3",
      "kis", &id, command->now, command->actor);
  if (!stmt)
    return FALSE;
  if (ct_stmt_next (stmt))
    return TRUE;
  return is_mine (command, "approval", "SELECT owner, NULL FROM approvals WHERE id = ?", error);
}

/* Everybody says when they are away themselves; an administrator says it of anybody. */
static gboolean
absence_is_mine (CtCommand *command, GError **error)
{
  g_autofree char *login = NULL;
  CtId id;

  if (has_role (command, "admin"))
    return TRUE;
  if (ct_arg_id (command, "absence", &id)) {
    login = ct_db_read_text (
        command->db, error,
        "SELECT p.login FROM absences a JOIN people p ON p.id = a.person_id WHERE a.id = ?", "k", &id);
    if (!login)
      return FALSE;
  }
  if (!login && ct_arg_has (command, "person"))
    login = g_strdup (ct_arg_text (command, "person"));
  return !login || strcmp (login, command->actor) == 0 ||
         ct_fail (error, CT_ERROR_REFUSED, _ ("This is about somebody else; ask them or an administrator"));
}

/* The handler writes nothing but the switch; the server, which does not know the handler, asks what is written. */
static gboolean
stops_sending (CtCommand *command, GError **error)
{
  return TRUE;
}

/* A standalone workspace detects and sends by itself; on a server its agent service does, and nobody else. */
static gboolean
service_works (CtCommand *command, GError **error)
{
  return ct_authority_may_send (command->authority) || has_role (command, "agent") ||
         ct_fail (error, CT_ERROR_REFUSED, _ ("Only the team's service does this"));
}

/* (nullable) */
CtPredicate
ct_policy_predicate (const char *name)
{
  static const struct {
    const char *name;
    CtPredicate check;
  } predicates[] = {
    { "task_is_mine_or_my_teams", task_is_mine_or_my_teams },
    { "exception_is_my_teams", exception_is_my_teams },
    { "approval_is_my_teams", approval_is_my_teams },
    { "post_is_my_teams", post_is_my_teams },
    { "absence_is_mine", absence_is_mine },
    { "stops_sending", stops_sending },
    { "service_works", service_works },
  };

  for (guint i = 0; i < G_N_ELEMENTS (predicates); i++)
    if (strcmp (predicates[i].name, name) == 0)
      return predicates[i].check;
  return NULL;
}
