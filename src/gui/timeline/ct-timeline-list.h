#pragma once

#include "list/ct-list-def.h"

G_BEGIN_DECLS

extern const CtListDef ct_timeline_list;

gboolean ct_timeline_is_agents (const char *action, const char *role);

G_END_DECLS
