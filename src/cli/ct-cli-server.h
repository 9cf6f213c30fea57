#pragma once

#include "ct-cli.h"
#include "ct-session.h"

G_BEGIN_DECLS

/* How "towerctl server" signs in. */
#define CT_CLI_SERVER_OPTIONS                                                                                \
  { "password-file", "FILE",                                                                                 \
    N_ ("A file with the password of the URL's login; else ~/.pgpass, PGPASSFILE or the keyring") },         \
  {                                                                                                          \
    "keep-password", NULL,                                                                                   \
        N_ ("Keep the password of the URL's login in the keyring; without a file it is asked for")           \
  }

CtSession *ct_cli_open_server (CtCli *cli, GError **error);

G_END_DECLS
