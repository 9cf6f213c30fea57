#pragma once

#include "ct-admin.h"
#include "ct-cli.h"

G_BEGIN_DECLS

gboolean ct_cli_grants (CtCli *cli, GArray **grants, GError **error);

G_END_DECLS
