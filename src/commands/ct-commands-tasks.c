/* Follow-up tasks: made from an exception, given to an agent and a team, set aside, taken up, closed. */
#include "ct-commands.h"
#include "ct-commander.h"
#include "ct-approvals.h"
#include "ct-configuration.h"
#include "ct-effect.h"
#include "ct-sla-book.h"

#include <string.h>

#define MOST_CHANNELS 20
/* How long a run has for its draft before another one may take the task up. */
#define DRAFT_MS (10 * CT_MS_MINUTE)

/* task.create */

/* The exception a task is made from. */
typedef struct {
  CtId id, order_id, distributor_id;
  gboolean has_order, has_distributor;
  char *number, *blocker, *subject, *owner, *agent;
  gint64 score;
} Source;

static void
source_clear (Source *self)
{
  g_free (self->number);
  g_free (self->blocker);
  g_free (self->subject);
  g_free (self->owner);
  g_free (self->agent);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Source, source_clear)

static gboolean
read_source (CtCommand *command, Source *self, GError **error)
{
  g_autoptr (CtStmt) stmt = NULL;

  ct_arg_id (command, "exception", &self->id);
  stmt = ct_db_query (command->db, error,
                      "SELECT number, blocker, subject, owner, agent, score, order_id, distributor_id, state "
                      "FROM exceptions WHERE id = ?",
                      "k", &self->id);
  if (!stmt)
    return FALSE;
  if (!ct_stmt_next (stmt))
    return ct_stmt_finish (stmt, error) &&
           ct_fail (error, CT_ERROR_NOT_FOUND, _ ("There is no such exception"));
  if (strcmp (ct_stmt_text (stmt, 8), "open") != 0)
    return ct_fail (error, CT_ERROR_CONFLICT, _ ("%s is no longer open: it is %s"), ct_stmt_text (stmt, 0),
                    ct_stmt_text (stmt, 8));
  self->number = g_strdup (ct_stmt_text (stmt, 0));
  self->blocker = g_strdup (ct_stmt_text (stmt, 1));
  self->subject = g_strdup (ct_stmt_text (stmt, 2));
  self->owner = g_strdup (ct_stmt_text (stmt, 3));
  self->agent = g_strdup (ct_stmt_text (stmt, 4));
  self->score = ct_stmt_int (stmt, 5);
  self->has_order = ct_stmt_id (stmt, 6, &self->order_id);
  self->has_distributor = ct_stmt_id (stmt, 7, &self->distributor_id);
  return TRUE;
}

/* The agent that was named, else the exception's, else the one that suits its class best. */
static CtAgentProfile *
choose_agent (CtCommand *command, const Source *source, GError **error)
{
  const char *name = ct_arg_has (command, "agent") ? ct_arg_text (command, "agent") : source->agent;
  g_autoptr (GPtrArray) agents = NULL;
  const CtAgentProfile *suited;

  if (!ct_text_is_blank (name))
    return ct_configuration_agent (command->db, name, error);
  agents = ct_configuration_agents (command->db, error);
  if (!agents)
    return NULL;
  suited = ct_agent_profile_for_blocker (agents, source->blocker);
  if (suited)
    return ct_configuration_agent (command->db, suited->name, error);
  ct_fail (error, CT_ERROR_NOT_FOUND, _ ("No agent is set up for “%s”; name one"), source->blocker);
  return NULL;
}

static gboolean
check_person (CtCommand *command, const char *login, GError **error)
{
  g_autoptr (GPtrArray) roles = NULL;

  if (!login)
    return TRUE;
  roles = ct_commander_roles (command->db, login, error);
  return roles != NULL;
}

static gboolean
check_team (const char *team, GError **error)
{
  return ct_role_is_team (team) ||
         ct_fail (error, CT_ERROR_INVALID, _ ("“%s” is no team that can own work"), team);
}

/* A destination must be registered: an unregistered one is refused. */
static gboolean
check_destination (CtCommand *command, const char *channel, const char *destination, gboolean *registered,
                   GError **error)
{
  gint64 value = 0;

  if (!ct_db_read_int (
          command->db, &value, error,
          "SELECT EXISTS (SELECT 1 FROM channels c JOIN channel_destinations d ON d.channel_id = c.id "
          "WHERE c.name = ? AND d.destination = ? AND c.archived_at IS NULL AND d.archived_at IS NULL)",
          "ss", channel, destination))
    return FALSE;
  *registered = value != 0;
  return TRUE;
}

static gboolean
add_channel (CtCommand *command, const CtId *task, guint position, const char *channel,
             const char *destination, GError **error)
{
  CtId id = ct_effect_new_id (command, "task_channels", position);
  gint64 known = 0;

  if (!ct_db_read_int (
          command->db, &known, error,
          "SELECT EXISTS (SELECT 1 FROM task_channels WHERE task_id = ? AND channel = ? AND destination = ?)",
          "kss", task, channel, destination))
    return FALSE;
  return known ||
         ct_effect_insert (command, error, "task_channels", &id, "task_id,position,channel,destination",
                           "kiss", task, (gint64) position, channel, destination);
}

static gboolean
add_named_channels (CtCommand *command, const CtId *task, JsonArray *channels, GError **error)
{
  if (json_array_get_length (channels) > MOST_CHANNELS)
    return ct_fail (error, CT_ERROR_INVALID, _ ("A task takes at most %d channels"), MOST_CHANNELS);
  for (guint i = 0; i < json_array_get_length (channels); i++) {
    JsonNode *node = json_array_get_element (channels, i);
    JsonObject *item = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
    const char *channel = ct_json_string (item, "channel", NULL);
    const char *destination = ct_json_string (item, "destination", NULL);
    gboolean registered;

    if (ct_text_is_blank (channel) || ct_text_is_blank (destination))
      return ct_fail (error, CT_ERROR_INVALID, _ ("Channel %u needs a channel and a destination"), i + 1);
    if (!check_destination (command, channel, destination, &registered, error))
      return FALSE;
    if (!registered)
      return ct_fail (
          error, CT_ERROR_REFUSED,
          _ ("“%s:%s” is no registered destination; an administrator can add it with “channel add”"), channel,
          destination);
    if (!add_channel (command, task, i, channel, destination, error))
      return FALSE;
  }
  return TRUE;
}

/* Of the profile's channels those that this workspace has. */
static gboolean
add_usual_channels (CtCommand *command, const CtId *task, char **channels, GError **error)
{
  for (guint i = 0; channels[i]; i++) {
    const char *colon = strchr (channels[i], ':');
    g_autofree char *channel = g_strndup (channels[i], (gsize) (colon - channels[i]));
    gboolean registered;

    if (!check_destination (command, channel, colon + 1, &registered, error) ||
        (registered && !add_channel (command, task, i, channel, colon + 1, error)))
      return FALSE;
  }
  return TRUE;
}

static char *
list_json (char **names)
{
  g_autoptr (JsonArray) array = json_array_new ();
  g_autoptr (JsonNode) node = NULL;

  for (; names && *names; names++)
    json_array_add_string_element (array, *names);
  node = ct_json_wrap_array (json_array_ref (array));
  return ct_json_canonical (node, NULL);
}

/* "invoice_overdue", "INV-2026-0311" give "Invoice overdue: INV-2026-0311". */
static char *
make_title (CtCommand *command, const Source *source)
{
  g_autofree char *blocker = g_strdelimit (g_strdup (source->blocker), "_", ' ');

  if (ct_arg_has (command, "title"))
    return g_strdup (ct_arg_text (command, "title"));
  blocker[0] = g_ascii_toupper (blocker[0]);
  return g_strdup_printf ("%s: %s", blocker, source->subject);
}

static gboolean
insert_task (CtCommand *command, const CtId *id, const Source *source, const CtAgentProfile *profile,
             const char *sla_policy, GError **error)
{
  g_autofree char *number =
      ct_authority_number (command->authority, command->db, "FOLLOW", 3, command->now, error);
  g_autofree char *title = make_title (command, source);
  g_autofree char *allowed = list_json (profile->allowed_actions);
  g_autofree char *blocked = list_json (profile->blocked_actions);
  const char *owner = ct_arg_has (command, "owner")     ? ct_arg_text (command, "owner")
                      : ct_role_is_team (source->owner) ? source->owner
                                                        : profile->owner;

  return number && check_team (owner, error) &&
         ct_effect_insert (
             command, error, "follow_up_tasks", id,
             "number,exception_id,order_id,distributor_id,title,assigned_agent,human_owner,assignee,status,"
             "status_since_at,priority,sla_policy,next_check_at,cadence_ms,escalation_rule,escalate_to,"
             "channel_policy,allowed_actions,blocked_actions",
             "skkkssss"
             "siisiisssss",
             number, &source->id, source->has_order ? &source->order_id : NULL,
             source->has_distributor ? &source->distributor_id : NULL, title, profile->name, owner,
             ct_arg_text (command, "assignee"), "scheduled", command->now, source->score, sla_policy,
             ct_arg_time (command, "next_check_at", command->now), profile->cadence,
             ct_arg_has (command, "escalation") ? ct_arg_text (command, "escalation")
                                                : profile->escalation_text,
             profile->escalate_to, profile->channel_policy, allowed, blocked);
}

static gboolean
start_clocks (CtCommand *command, const CtId *id, const CtSlaTerms *terms, GError **error)
{
  g_auto (CtTaskRow) row = { 0 };
  guint targets = 0;

  if (terms->goals[CT_SLA_FIRST_RESPONSE].target > 0)
    targets |= CT_SLA_BIT (FIRST_RESPONSE);
  if (terms->goals[CT_SLA_RESOLUTION].target > 0)
    targets |= CT_SLA_BIT (RESOLUTION);
  return ct_sla_book_write (command, id, CT_SLA_ACTIVATE, targets, CT_PARTY_AGENT, error) &&
         ct_task_row_load (command->db, id, &row, error) && ct_task_row_arm (command, &row, error) &&
         ct_task_row_finish (command, &row, error);
}

static gboolean
create_run (CtCommand *command, GError **error)
{
  g_auto (Source) source = { 0 };
  g_auto (CtSlaTerms) terms = { 0 };
  g_autoptr (CtAgentProfile) profile = NULL;
  CtId id = ct_effect_new_id (command, "follow_up_tasks", 0);
  g_autofree char *text = ct_id_to_string (&id);
  gint64 own = ct_arg_int (command, "sla", 0);

  if (ct_arg_has (command, "sla") && (own < CT_MS_MINUTE || own > 366 * CT_MS_DAY))
    return ct_fail (error, CT_ERROR_INVALID, _ ("The SLA must be between a minute and a year"));
  if (!read_source (command, &source, error) || !(profile = choose_agent (command, &source, error)) ||
      !check_person (command, ct_arg_text (command, "assignee"), error) ||
      !ct_sla_terms_find (command->db, &source.id, own, profile->sla, &terms, error) ||
      !insert_task (command, &id, &source, profile, terms.name, error) ||
      !ct_approvals_keep_terms (command, &id, profile->approval, error))
    return FALSE;
  json_object_set_string_member (command->result, "id", text);
  if (ct_arg_has (command, "channels")
          ? !add_named_channels (command, &id, ct_json_array (command->args, "channels"), error)
          : !add_usual_channels (command, &id, profile->channels, error))
    return FALSE;
  return start_clocks (command, &id, &terms, error);
}

/* task.assign, task.unassign */

/* Another agent means other actions, another pace, another way to escalate; what the last one drafted is void. */
static gboolean
change_agent (CtCommand *command, CtTaskRow *task, GError **error)
{
  g_autoptr (CtAgentProfile) profile =
      ct_configuration_agent (command->db, ct_arg_text (command, "agent"), error);
  g_autofree char *allowed = profile ? list_json (profile->allowed_actions) : NULL;
  g_autofree char *blocked = profile ? list_json (profile->blocked_actions) : NULL;
  guint n_voided = 0;

  if (!profile)
    return FALSE;
  if (task->status == CT_TASK_APPROVED)
    return ct_fail (error, CT_ERROR_CONFLICT, _ ("%s: a post is on its way; assign another agent afterwards"),
                    task->number);
  if (!ct_approvals_void_all (command, &task->id, "another agent was assigned", &n_voided, error) ||
      !ct_approvals_keep_terms (command, &task->id, profile->approval, error) ||
      !ct_effect_update (
          command, error, "follow_up_tasks", &task->id,
          "assigned_agent,allowed_actions,blocked_actions,cadence_ms,escalation_rule,escalate_to,"
          "next_check_at",
          "sssissi", profile->name, allowed, blocked, profile->cadence, profile->escalation_text,
          profile->escalate_to, command->now))
    return FALSE;
  g_free (task->escalation_rule);
  task->escalation_rule = g_strdup (profile->escalation_text);
  if (task->status == CT_TASK_ASSIGNED || task->status == CT_TASK_POSTED)
    return ct_task_row_refresh (command, task, error);
  return ct_task_row_move (command, task, CT_TASK_ASSIGNED, error);
}

static gboolean
assign_run (CtCommand *command, GError **error)
{
  g_auto (CtTaskRow) task = { 0 };
  const char *owner, *assignee;

  if (!ct_task_row_of (command, &task, error))
    return FALSE;
  if (!ct_task_state_is_open (task.status))
    return ct_fail (error, CT_ERROR_CONFLICT, _ ("%s is resolved; reopen it first"), task.number);
  owner = ct_arg_has (command, "owner") ? ct_arg_text (command, "owner") : task.owner;
  assignee = ct_arg_has (command, "assignee") ? ct_arg_text (command, "assignee") : task.assignee;
  if (!ct_arg_has (command, "owner") && !ct_arg_has (command, "assignee") && !ct_arg_has (command, "agent"))
    return ct_fail (error, CT_ERROR_INVALID, _ ("Name an agent, a team or a person to assign to"));
  if (!check_team (owner, error) || !check_person (command, assignee, error) ||
      !ct_effect_update (command, error, "follow_up_tasks", &task.id, "human_owner,assignee", "ss", owner,
                         assignee) ||
      (ct_arg_has (command, "agent") && !change_agent (command, &task, error)))
    return FALSE;
  if ((task.status == CT_TASK_OPEN || task.status == CT_TASK_REOPENED) &&
      !ct_task_row_move (command, &task, CT_TASK_ASSIGNED, error))
    return FALSE;
  return ct_task_row_finish (command, &task, error);
}

static gboolean
unassign_run (CtCommand *command, GError **error)
{
  g_auto (CtTaskRow) task = { 0 };

  return ct_task_row_of (command, &task, error) &&
         ct_effect_update (command, error, "follow_up_tasks", &task.id, "assignee", "n") &&
         (task.status != CT_TASK_ASSIGNED || ct_task_row_move (command, &task, CT_TASK_OPEN, error)) &&
         ct_task_row_finish (command, &task, error);
}

/* task.schedule, task.snooze, task.wake */

/* Also what becomes of a draft that could not be written: the agent tries again later. */
static gboolean
schedule_run (CtCommand *command, GError **error)
{
  g_auto (CtTaskRow) task = { 0 };

  if (!ct_task_row_of (command, &task, error))
    return FALSE;
  if (!ct_task_state_is_open (task.status))
    return ct_fail (error, CT_ERROR_CONFLICT, _ ("%s is resolved; reopen it first"), task.number);
  /* what waits for a person, or is on its way, is only looked at again */
  if (task.status != CT_TASK_WAITING_FOR_HUMAN_APPROVAL && task.status != CT_TASK_APPROVED &&
      task.status != CT_TASK_SCHEDULED && task.status != CT_TASK_SNOOZED &&
      !ct_task_row_move (command, &task, CT_TASK_SCHEDULED, error))
    return FALSE;
  return ct_task_row_check_next (command, &task, ct_arg_time (command, "next_check_at", command->now),
                                 error) &&
         ct_task_row_note (command, &task, ct_arg_text (command, "reason"), error) &&
         ct_task_row_finish (command, &task, error);
}

static gboolean
snooze_run (CtCommand *command, GError **error)
{
  g_auto (CtTaskRow) task = { 0 };
  gint64 until = ct_arg_time (command, "until", 0);

  if (!ct_task_row_of (command, &task, error))
    return FALSE;
  if (until <= command->now)
    return ct_fail (error, CT_ERROR_INVALID, _ ("%s can only be snoozed until a time to come"), task.number);
  return ct_approvals_void_given (command, &task.id, "the task was snoozed", error) &&
         (task.status == CT_TASK_SNOOZED || ct_task_row_move (command, &task, CT_TASK_SNOOZED, error)) &&
         ct_effect_update (command, error, "follow_up_tasks", &task.id, "snoozed_until", "i", until) &&
         ct_task_row_note (command, &task, ct_arg_text (command, "comment"), error) &&
         ct_task_row_finish (command, &task, error);
}

/* Where a task that was set aside goes on: where it was, or with the agent where that moment is over. */
static gboolean
resume_state (CtCommand *command, const CtTaskRow *task, CtTaskState *to, GError **error)
{
  gboolean pending;

  if (!ct_approvals_are_pending (command->db, &task->id, &pending, error))
    return FALSE;
  if (pending)
    *to = CT_TASK_WAITING_FOR_HUMAN_APPROVAL;
  else if (task->status_before == CT_TASK_OPEN || task->status_before == CT_TASK_ASSIGNED ||
           task->status_before == CT_TASK_AWAITING_REPLY)
    *to = task->status_before;
  else
    *to = CT_TASK_SCHEDULED;
  return TRUE;
}

static gboolean
wake_run (CtCommand *command, GError **error)
{
  g_auto (CtTaskRow) task = { 0 };
  CtTaskState to = CT_TASK_SCHEDULED;

  if (!ct_task_row_of (command, &task, error))
    return FALSE;
  if (task.status != CT_TASK_SNOOZED && task.status != CT_TASK_ESCALATED && task.status != CT_TASK_BLOCKED)
    return ct_fail (error, CT_ERROR_CONFLICT, _ ("%s is not set aside: it is %s"), task.number,
                    ct_task_state_name (task.status));
  return resume_state (command, &task, &to, error) && ct_task_row_move (command, &task, to, error) &&
         ct_effect_update (command, error, "follow_up_tasks", &task.id, "snoozed_until", "n") &&
         (to == CT_TASK_AWAITING_REPLY || ct_task_row_check_next (command, &task, command->now, error)) &&
         ct_task_row_finish (command, &task, error);
}

/* task.escalate, task.block, task.resolve, task.reopen, task.note */

/* Escalated once, it does not escalate again by itself; the team that it goes to owns it from now on. */
static gboolean
escalate_run (CtCommand *command, GError **error)
{
  g_auto (CtTaskRow) task = { 0 };
  const char *reason = ct_arg_text (command, "reason");

  if (ct_text_is_blank (reason))
    return ct_fail (error, CT_ERROR_INVALID, _ ("An escalation needs a reason"));
  if (!ct_task_row_of (command, &task, error) ||
      !ct_approvals_void_given (command, &task.id, "the task was escalated", error) ||
      !ct_task_row_move (command, &task, CT_TASK_ESCALATED, error))
    return FALSE;
  return ct_effect_update (command, error, "follow_up_tasks", &task.id,
                           "escalate_at,snoozed_until,human_owner,next_check_at", "nnsi",
                           ct_role_is_team (task.escalate_to) ? task.escalate_to : task.owner,
                           command->now) &&
         ct_task_row_note (command, &task, reason, error) && ct_task_row_finish (command, &task, error);
}

static gboolean
block_run (CtCommand *command, GError **error)
{
  g_auto (CtTaskRow) task = { 0 };
  const char *reason = ct_arg_text (command, "reason");

  if (ct_text_is_blank (reason))
    return ct_fail (error, CT_ERROR_INVALID, _ ("Say what the task is blocked by"));
  return ct_task_row_of (command, &task, error) &&
         ct_approvals_void_given (command, &task.id, "the task was blocked", error) &&
         ct_task_row_move (command, &task, CT_TASK_BLOCKED, error) &&
         ct_effect_update (command, error, "follow_up_tasks", &task.id, "snoozed_until,next_check_at",
                           "nn") &&
         ct_task_row_note (command, &task, reason, error) && ct_task_row_finish (command, &task, error);
}

static gboolean
resolve_run (CtCommand *command, GError **error)
{
  g_auto (CtTaskRow) task = { 0 };
  const char *resolution = ct_arg_has (command, "resolution") ? ct_arg_text (command, "resolution") : "";
  guint n_voided = 0;

  return ct_task_row_of (command, &task, error) &&
         ct_approvals_void_all (command, &task.id, "the task was resolved", &n_voided, error) &&
         ct_task_row_move (command, &task, CT_TASK_RESOLVED, error) &&
         ct_effect_update (command, error, "follow_up_tasks", &task.id,
                           "resolved_at,resolution,next_check_at,snoozed_until,escalate_at", "isnnn",
                           command->now, resolution) &&
         ct_task_row_finish (command, &task, error);
}

static gboolean
reopen_run (CtCommand *command, GError **error)
{
  g_auto (CtTaskRow) task = { 0 };

  return ct_task_row_of (command, &task, error) &&
         ct_task_row_move (command, &task, CT_TASK_REOPENED, error) &&
         ct_effect_update (command, error, "follow_up_tasks", &task.id,
                           "resolved_at,resolution,next_check_at", "nni", command->now) &&
         ct_task_row_note (command, &task, ct_arg_text (command, "reason"), error) &&
         ct_task_row_finish (command, &task, error);
}

static gboolean
note_run (CtCommand *command, GError **error)
{
  g_auto (CtTaskRow) task = { 0 };

  if (ct_text_is_blank (ct_arg_text (command, "text")))
    return ct_fail (error, CT_ERROR_INVALID, _ ("A note needs a text"));
  return ct_task_row_of (command, &task, error) &&
         ct_task_row_note (command, &task, ct_arg_text (command, "text"), error) &&
         ct_task_row_finish (command, &task, error);
}

static gboolean
channel_run (CtCommand *command, GError **error)
{
  g_auto (CtTaskRow) task = { 0 };
  const char *channel = ct_arg_text (command, "channel"), *destination = ct_arg_text (command, "destination");
  gint64 position = 0;
  gboolean registered;

  if (!ct_task_row_of (command, &task, error) ||
      !check_destination (command, channel, destination, &registered, error) ||
      !ct_db_read_int (command->db, &position, error,
                       "SELECT coalesce(max(position) + 1, 0) FROM task_channels WHERE task_id = ?", "k",
                       &task.id))
    return FALSE;
  if (!registered)
    return ct_fail (
        error, CT_ERROR_REFUSED,
        _ ("“%s:%s” is no registered destination; an administrator can add it with “channel add”"), channel,
        destination);
  if (position >= MOST_CHANNELS)
    return ct_fail (error, CT_ERROR_REFUSED, _ ("A task takes at most %d channels"), MOST_CHANNELS);
  return add_channel (command, &task.id, (guint) position, channel, destination, error) &&
         ct_task_row_finish (command, &task, error);
}

/* What time does to a task */

static gboolean
begin_draft_run (CtCommand *command, GError **error)
{
  g_auto (CtTaskRow) task = { 0 };
  gint64 going = 0;

  if (!ct_task_row_of (command, &task, error) ||
      !ct_db_read_int (command->db, &going, error,
                       "SELECT EXISTS (SELECT 1 FROM outbox WHERE task_id = ? AND state IN "
                       "('ready', 'leased', 'sending', 'unknown'))",
                       "k", &task.id))
    return FALSE;
  if (task.status == CT_TASK_APPROVED && going)
    return ct_fail (error, CT_ERROR_CONFLICT, _ ("%s: a post is on its way; wait for it"), task.number);
  return ct_task_row_move (command, &task, CT_TASK_DRAFTING, error) &&
         ct_effect_update (command, error, "follow_up_tasks", &task.id, "snoozed_until,next_check_at", "ni",
                           command->now + DRAFT_MS) &&
         ct_task_row_finish (command, &task, error);
}

/* Records every target that a task has run past, once. */
static gboolean
breach_run (CtCommand *command, GError **error)
{
  g_auto (CtTaskRow) task = { 0 };
  guint targets = 0;

  if (!ct_task_row_of (command, &task, error) ||
      !ct_sla_book_unrecorded (command->db, &task.id, command->now, &targets, error))
    return FALSE;
  if (targets == 0)
    return ct_fail (error, CT_ERROR_CONFLICT, _ ("%s has no breach that is not recorded"), task.number);
  return ct_sla_book_write (command, &task.id, CT_SLA_BREACH, targets, ct_task_state_party (task.status),
                            error) &&
         ct_task_row_finish (command, &task, error);
}

void
ct_commands_tasks_register (void)
{
  static const CtArg create_args[] = {
    { "exception", 'k', 0 }, { "agent", 'S', 64 },        { "channels", 'A', 0 },
    { "sla", 'I', 0 },       { "next_check_at", 'T', 0 }, { "escalation", 'S', 500 },
    { "title", 'S', 300 },   { "owner", 'S', 64 },        { "assignee", 'S', 100 },
    { NULL, 0, 0 },
  };
  static const CtArg assign_args[] = {
    { "task", 'k', 0 }, { "agent", 'S', 64 }, { "owner", 'S', 64 }, { "assignee", 'S', 100 }, { NULL, 0, 0 }
  };
  static const CtArg task_args[] = { { "task", 'k', 0 }, { NULL, 0, 0 } };
  static const CtArg schedule_args[] = {
    { "task", 'k', 0 }, { "next_check_at", 'T', 0 }, { "reason", 'S', 2000 }, { NULL, 0, 0 }
  };
  static const CtArg snooze_args[] = {
    { "task", 'k', 0 }, { "until", 't', 0 }, { "comment", 'S', 2000 }, { NULL, 0, 0 }
  };
  static const CtArg reason_args[] = { { "task", 'k', 0 }, { "reason", 's', 2000 }, { NULL, 0, 0 } };
  static const CtArg reopen_args[] = { { "task", 'k', 0 }, { "reason", 'S', 2000 }, { NULL, 0, 0 } };
  static const CtArg resolve_args[] = { { "task", 'k', 0 }, { "resolution", 'S', 2000 }, { NULL, 0, 0 } };
  static const CtArg note_args[] = { { "task", 'k', 0 }, { "text", 's', 20000 }, { NULL, 0, 0 } };
  static const CtArg channel_args[] = {
    { "task", 'k', 0 }, { "channel", 's', 60 }, { "destination", 's', 200 }, { NULL, 0, 0 }
  };
  static const CtCommandDef defs[] = {
    { "task.create", "task", create_run, 0, create_args },
    { "task.assign", "task", assign_run, CT_COMMAND_UNDOABLE, assign_args },
    { "task.unassign", "task", unassign_run, CT_COMMAND_UNDOABLE, task_args },
    { "task.schedule", "task", schedule_run, CT_COMMAND_UNDOABLE, schedule_args },
    { "task.snooze", "task", snooze_run, CT_COMMAND_UNDOABLE, snooze_args },
    { "task.wake", "task", wake_run, CT_COMMAND_UNDOABLE, task_args },
    { "task.escalate", "task", escalate_run, CT_COMMAND_UNDOABLE, reason_args },
    { "task.block", "task", block_run, CT_COMMAND_UNDOABLE, reason_args },
    { "task.resolve", "task", resolve_run, CT_COMMAND_UNDOABLE, resolve_args },
    { "task.reopen", "task", reopen_run, CT_COMMAND_UNDOABLE, reopen_args },
    { "task.note", "task", note_run, CT_COMMAND_UNDOABLE, note_args },
    { "task.add_channel", "task", channel_run, CT_COMMAND_UNDOABLE, channel_args },
    { "task.begin_draft", "task", begin_draft_run, 0, task_args },
    { "task.breach", "task", breach_run, 0, task_args },
  };

  ct_command_register (defs, G_N_ELEMENTS (defs));
}
