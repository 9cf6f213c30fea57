/* What a person asks of a post, and what whoever sends answers: that a sent message is taken back, that one of unknown fate
 * is looked for now. The asking is a command of its own, so that it can be given where nothing can be sent from. */
#include "ct-commands.h"
#include "ct-effect.h"
#include "ct-post-row.h"

#include <string.h>

static const char *const sent[] = { "sent", NULL };
static const char *const unknown[] = { "unknown", NULL };

/* Which message a post of unknown fate was a person may have said, and be wrong: nobody takes another one's back so. */
static gboolean
check_own_message (CtCommand *command, const CtPostRow *post, GError **error)
{
  gint64 others = 0;

  if (!post->external_id)
    return ct_fail (error, CT_ERROR_REFUSED, _ ("%s cannot be taken back: the provider named no ID for it"),
                    post->number);
  return ct_db_read_int (
             command->db, &others, error,
             "SELECT count(*) FROM outbox WHERE channel = ? AND external_message_id = ? AND id <> ?", "ssk",
             post->channel, post->external_id, &post->id) &&
         (others == 0 ||
          ct_fail (error, CT_ERROR_REFUSED,
                   _ ("%s cannot be taken back: its message is another post's as well"), post->number));
}

static gboolean
retracting_run (CtCommand *command, GError **error)
{
  const char *comment = ct_arg_text (command, "comment");
  g_auto (CtPostRow) post = { 0 };

  if (!ct_post_row_of (command, &post, error) || !ct_post_row_check_state (&post, sent, error))
    return FALSE;
  if (ct_text_is_blank (comment))
    return ct_fail (error, CT_ERROR_INVALID, _ ("Say in a comment why it is retracted"));
  if (!check_own_message (command, &post, error))
    return FALSE;
  if (post.retract_asked_at != CT_NULL_INT)
    return ct_fail (error, CT_ERROR_CONFLICT, _ ("It is already asked for that %s is taken back"),
                    post.number);
  return ct_effect_update (command, error, "outbox", &post.id, "retract_asked_at,retract_comment", "is",
                           command->now, comment) &&
         ct_post_row_finish (command, &post, error);
}

static gboolean
asked_back (CtCommand *command, CtPostRow *post, GError **error)
{
  return ct_post_row_of (command, post, error) && ct_post_row_check_state (post, sent, error) &&
         (post->retract_asked_at != CT_NULL_INT ||
          ct_fail (error, CT_ERROR_CONFLICT, _ ("Nobody asked for %s to be taken back"), post->number));
}

/* Before the provider is asked: one sender at a time, and written down. One that dies then is followed by the next, for a
 * message is taken back twice without harm. */
static gboolean
lease_run (CtCommand *command, GError **error)
{
  g_auto (CtPostRow) post = { 0 };
  gint64 fence;

  if (!asked_back (command, &post, error))
    return FALSE;
  if (post.leased_until != CT_NULL_INT && post.leased_until > command->now)
    return ct_fail (error, CT_ERROR_BUSY, _ ("%s is in the hands of another sender"), post.number);
  fence = post.fence + 1;
  json_object_set_int_member (command->result, "fence", fence);
  return ct_effect_update (command, error, "outbox", &post.id, "leased_until,lease_holder,fence", "isi",
                           command->now + CT_POST_LEASE_MS, ct_arg_text (command, "holder"), fence) &&
         ct_post_row_finish (command, &post, error);
}

/* After the provider has taken the message back. */
static gboolean
retract_run (CtCommand *command, GError **error)
{
  g_auto (CtPostRow) post = { 0 };

  return asked_back (command, &post, error) && ct_post_row_check_fence (command, &post, error) &&
         ct_effect_update (command, error, "outbox", &post.id,
                           "state,problem,leased_until,retract_asked_at,retract_comment", "ssnnn",
                           "retracted", post.retract_comment) &&
         ct_post_row_finish (command, &post, error);
}

/* It could not be taken back: for good, or until then. */
static gboolean
retract_failed_run (CtCommand *command, GError **error)
{
  const char *detail = ct_arg_text (command, "detail");
  g_auto (CtPostRow) post = { 0 };

  if (!asked_back (command, &post, error) || !ct_post_row_check_fence (command, &post, error))
    return FALSE;
  if (ct_arg_has (command, "retry_at"))
    return ct_effect_update (
               command, error, "outbox", &post.id, "problem,leased_until", "si", detail,
               CLAMP (ct_arg_int (command, "retry_at", 0), command->now, command->now + CT_POST_LEASE_MS)) &&
           ct_post_row_finish (command, &post, error);
  return ct_effect_update (command, error, "outbox", &post.id,
                           "problem,leased_until,retract_asked_at,retract_comment", "snnn", detail) &&
         ct_post_row_finish (command, &post, error);
}

static gboolean
look_run (CtCommand *command, GError **error)
{
  g_auto (CtPostRow) post = { 0 };

  if (!ct_post_row_of (command, &post, error) || !ct_post_row_check_state (&post, unknown, error))
    return FALSE;
  if (post.look_asked_at != CT_NULL_INT)
    return ct_fail (error, CT_ERROR_CONFLICT, _ ("It is already asked for that %s is looked for"),
                    post.number);
  return ct_effect_update (command, error, "outbox", &post.id, "look_asked_at", "i", command->now) &&
         ct_post_row_finish (command, &post, error);
}

/* It was not found, or could not be looked for; where it was found post.sent says so. */
static gboolean
looked_run (CtCommand *command, GError **error)
{
  g_auto (CtPostRow) post = { 0 };

  if (!ct_post_row_of (command, &post, error) || !ct_post_row_check_state (&post, unknown, error))
    return FALSE;
  if (post.look_asked_at == CT_NULL_INT)
    return ct_fail (error, CT_ERROR_CONFLICT, _ ("Nobody asked for %s to be looked for"), post.number);
  return ct_effect_update (command, error, "outbox", &post.id, "look_asked_at,problem", "ns",
                           ct_arg_text (command, "detail")) &&
         ct_post_row_finish (command, &post, error);
}

void
ct_commands_asked_register (void)
{
  static const CtArg comment_args[] = { { "post", 'k', 0 }, { "comment", 's', 2000 }, { NULL, 0, 0 } };
  static const CtArg lease_args[] = { { "post", 'k', 0 }, { "holder", 's', 200 }, { NULL, 0, 0 } };
  static const CtArg fence_args[] = { { "post", 'k', 0 }, { "fence", 'i', 0 }, { NULL, 0, 0 } };
  static const CtArg failed_args[] = {
    { "post", 'k', 0 }, { "fence", 'i', 0 }, { "detail", 's', 2000 }, { "retry_at", 'I', 0 }, { NULL, 0, 0 }
  };
  static const CtArg post_args[] = { { "post", 'k', 0 }, { NULL, 0, 0 } };
  static const CtArg detail_args[] = { { "post", 'k', 0 }, { "detail", 's', 2000 }, { NULL, 0, 0 } };
  static const CtCommandDef defs[] = {
    { "post.retracting", "post", retracting_run, 0, comment_args },
    { "post.retract_lease", "post", lease_run, 0, lease_args },
    { "post.retract", "post", retract_run, 0, fence_args },
    { "post.retract_failed", "post", retract_failed_run, 0, failed_args },
    { "post.look", "post", look_run, 0, post_args },
    { "post.looked", "post", looked_run, 0, detail_args },
  };

  ct_command_register (defs, G_N_ELEMENTS (defs));
}
