#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A password never stands on a command line, where everybody on the machine can read it. */
char *ct_cli_password_from_file (const char *path, GError **error);
char *ct_cli_password_ask (const char *question, GError **error);
void ct_cli_password_free (char *password);

G_END_DECLS
