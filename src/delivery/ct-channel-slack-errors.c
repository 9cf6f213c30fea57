#include "ct-channel-slack-errors.h"

#include "ct-base.h"

#include <string.h>

#define TOKEN  N_ ("the token is not valid any more: add the channel again with a new one")
#define RIGHTS N_ ("the app lacks a right: add the scope chat:write and install the app again")
#define PLACE  N_ ("there is no such channel, or the app cannot see it: check the destination")
#define GUEST  N_ ("the app is not a member of the channel: invite it there")
#define BLOCK  N_ ("the workspace's administrators do not allow this post")
#define TEXT   N_ ("the text is not acceptable: shorten or correct it")
#define DOUBT  N_ ("something failed inside Slack; the post may or may not be there")
#define WAIT   N_ ("too many requests")

/* Only codes that say that nothing was done lead to another try; internal_error and fatal_error "may have succeeded in
 * part", as the documentation puts it. */
static const SlackError errors[] = {
  { "ratelimited", CT_SEND_RETRY, WAIT },
  { "rate_limited", CT_SEND_RETRY, WAIT },
  { "message_limit_exceeded", CT_SEND_RETRY, WAIT },
  { "team_added_to_org", CT_SEND_RETRY, N_ ("the workspace is being moved") },
  { "internal_error", CT_SEND_UNKNOWN, DOUBT },
  { "fatal_error", CT_SEND_UNKNOWN, DOUBT },
  { "request_timeout", CT_SEND_UNKNOWN, DOUBT },
  { "service_unavailable", CT_SEND_UNKNOWN, DOUBT },
  { "invalid_auth", CT_SEND_FAILED, TOKEN },
  { "not_authed", CT_SEND_FAILED, TOKEN },
  { "account_inactive", CT_SEND_FAILED, TOKEN },
  { "token_revoked", CT_SEND_FAILED, TOKEN },
  { "token_expired", CT_SEND_FAILED, TOKEN },
  { "org_login_required", CT_SEND_FAILED, TOKEN },
  { "two_factor_setup_required", CT_SEND_FAILED, TOKEN },
  { "missing_scope", CT_SEND_FAILED, RIGHTS },
  { "no_permission", CT_SEND_FAILED, RIGHTS },
  { "not_allowed_token_type", CT_SEND_FAILED, RIGHTS },
  { "accesslimited", CT_SEND_FAILED, RIGHTS },
  { "access_denied", CT_SEND_FAILED, RIGHTS },
  { "channel_not_found", CT_SEND_FAILED, PLACE },
  { "thread_not_found", CT_SEND_FAILED, N_ ("the message to answer is gone") },
  { "message_not_found", CT_SEND_FAILED, N_ ("the message is gone") },
  { "not_in_channel", CT_SEND_FAILED, GUEST },
  { "is_archived", CT_SEND_FAILED, N_ ("the channel is archived: choose another destination") },
  { "restricted_action", CT_SEND_FAILED, BLOCK },
  { "restricted_action_read_only_channel", CT_SEND_FAILED, BLOCK },
  { "restricted_action_thread_only_channel", CT_SEND_FAILED, BLOCK },
  { "restricted_action_non_threadable_channel", CT_SEND_FAILED, BLOCK },
  { "restricted_action_thread_locked", CT_SEND_FAILED, BLOCK },
  { "ekm_access_denied", CT_SEND_FAILED, BLOCK },
  { "team_access_not_granted", CT_SEND_FAILED, BLOCK },
  { "msg_too_long", CT_SEND_FAILED, TEXT },
  { "no_text", CT_SEND_FAILED, TEXT },
  { "invalid_arguments", CT_SEND_FAILED, TEXT },
  { "invalid_metadata_format", CT_SEND_FAILED, TEXT },
  { "metadata_too_large", CT_SEND_FAILED, TEXT },
};

/* (nullable): %NULL for a code that the documentation does not name */
const SlackError *
slack_error_find (const char *code)
{
  for (guint i = 0; i < G_N_ELEMENTS (errors); i++)
    if (strcmp (errors[i].code, code) == 0)
      return &errors[i];
  return NULL;
}
