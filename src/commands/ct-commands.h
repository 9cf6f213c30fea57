#pragma once

#include "ct-command.h"

G_BEGIN_DECLS

/* Each family registers its commands; ct_commands_register() registers all of this folder. */
void ct_commands_register (void);
void ct_commands_records_register (void);
void ct_commands_config_register (void);
void ct_commands_exceptions_register (void);
void ct_commands_approvals_register (void);
void ct_commands_drafts_register (void);
void ct_commands_tasks_register (void);
void ct_commands_replies_register (void);
void ct_commands_people_register (void);
void ct_commands_posts_register (void);
void ct_commands_asked_register (void);

G_END_DECLS
