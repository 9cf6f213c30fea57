#include "ct-commands.h"

/* Makes the commands of this folder known; calling it again does no harm. */
void
ct_commands_register (void)
{
  ct_commands_records_register ();
  ct_commands_config_register ();
  ct_commands_exceptions_register ();
  ct_commands_approvals_register ();
  ct_commands_drafts_register ();
  ct_commands_tasks_register ();
  ct_commands_replies_register ();
  ct_commands_people_register ();
  ct_commands_posts_register ();
  ct_commands_asked_register ();
}
