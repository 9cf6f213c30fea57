/* What the other side answered: whoever receives it (a channel, a webhook, a person who was called) records it here. */
#include "ct-commands.h"
#include "ct-effect.h"
#include "ct-task-row.h"

#include <string.h>

/* Channels deliver some messages twice; the second time nothing happens. */
static gboolean
is_known (CtCommand *command, gboolean *known, GError **error)
{
  gint64 value = 0;

  if (!ct_db_read_int (command->db, &value, error,
                       "SELECT EXISTS (SELECT 1 FROM replies WHERE channel = ? AND external_message_id = ?)",
                       "ss", ct_arg_text (command, "channel"), ct_arg_text (command, "external_message_id")))
    return FALSE;
  *known = value != 0;
  return TRUE;
}

static gboolean
insert_reply (CtCommand *command, const CtTaskRow *task, GError **error)
{
  CtId id = ct_effect_new_id (command, "replies", 0), post;
  gboolean has_post = ct_arg_id (command, "post", &post);
  g_autofree char *text = ct_id_to_string (&id);

  json_object_set_string_member (command->result, "id", text);
  return ct_effect_insert (command, error, "replies", &id,
                           "task_id,post_id,channel,external_message_id,author,text,received_at", "kkssssi",
                           &task->id, has_post ? &post : NULL, ct_arg_text (command, "channel"),
                           ct_arg_text (command, "external_message_id"),
                           ct_arg_has (command, "author") ? ct_arg_text (command, "author") : "",
                           ct_arg_text (command, "text"), ct_arg_time (command, "received_at", command->now));
}

/* reply.record: {task, channel, external_message_id, text, author?, received_at?, post?}. The clock goes on, the next
 * response falls due, and the agent looks at the task at once. */
static gboolean
record_run (CtCommand *command, GError **error)
{
  g_auto (CtTaskRow) task = { 0 };
  gboolean known = FALSE;

  if (ct_text_is_blank (ct_arg_text (command, "text")) ||
      ct_text_is_blank (ct_arg_text (command, "external_message_id")))
    return ct_fail (error, CT_ERROR_INVALID, _ ("A reply needs a text and its message's ID"));
  if (!ct_task_row_of (command, &task, error) || !is_known (command, &known, error))
    return FALSE;
  if (known) {
    command->idle = TRUE;
    return TRUE;
  }
  if (!insert_reply (command, &task, error))
    return FALSE;
  if (task.status == CT_TASK_AWAITING_REPLY && !ct_task_row_move (command, &task, CT_TASK_SCHEDULED, error))
    return FALSE;
  return (!ct_task_state_is_open (task.status) ||
          (ct_task_row_asked (command, &task, error) &&
           ct_task_row_check_next (command, &task, command->now, error))) &&
         ct_task_row_finish (command, &task, error);
}

void
ct_commands_replies_register (void)
{
  static const CtArg record_args[] = {
    { "task", 'k', 0 },     { "channel", 's', 60 }, { "external_message_id", 's', 300 },
    { "text", 's', 40000 }, { "author", 'S', 200 }, { "received_at", 'T', 0 },
    { "post", 'K', 0 },     { NULL, 0, 0 },
  };
  static const CtCommandDef defs[] = { { "reply.record", "task", record_run, 0, record_args } };

  ct_command_register (defs, G_N_ELEMENTS (defs));
}
