/* The administrator's way into a central server: no workspace stands behind it. */
#include "ct-cli-server.h"
#include "ct-address.h"
#include "ct-cli-password.h"
#include "ct-server-password.h"

#include <unistd.h>

/* (transfer full) (nullable): what libpq connects with */
static char *
read_address (CtCli *cli, const char *password, GError **error)
{
  g_autoptr (GError) problem = NULL;
  char *address = ct_address_complete (cli->args[0], password, &problem);

  if (!address)
    ct_cli_usage (error, "%s", problem->message);
  else if (!ct_address_check (address, error))
    g_clear_pointer (&address, ct_cli_password_free);
  return address;
}

static CtSession *
open_with (CtCli *cli, const char *password, GError **error)
{
  char *address = read_address (cli, password, error);
  CtSession *session = address ? ct_session_open (address, cli->cancellable, error) : NULL;

  ct_cli_password_free (address);
  return session;
}

/* The passwords of this person's logins at servers, each with its login's name; these words are a stored format. */
static CtSecretStore *
open_secrets (CtCli *cli, char **name)
{
  g_autofree char *folder = g_build_filename (g_get_user_data_dir (), "control-tower", NULL);
  g_autofree char *login = ct_address_user (cli->args[0]);

  *name = g_strconcat ("server login ", login ? login : "", NULL);
  return ct_secret_store_new (folder, "administration");
}

/* What was kept before; %NULL with the @problem that there was where that does not help. */
static CtSession *
open_kept (CtCli *cli, GError **problem)
{
  g_autofree char *name = NULL;
  g_autoptr (CtSecretStore) secrets = open_secrets (cli, &name);
  char *password = ct_server_password_find (secrets, name, cli->args[0], cli->cancellable);
  CtSession *session = NULL;

  if (password) {
    g_clear_error (problem);
    session = open_with (cli, password, problem);
  }
  ct_cli_password_free (password);
  return session;
}

static gboolean
keep (CtCli *cli, const char *password, GError **error)
{
  g_autofree char *name = NULL;
  g_autoptr (CtSecretStore) secrets = open_secrets (cli, &name);

  return ct_server_password_save (secrets, CT_SECRET_KEYRING, name, cli->args[0], password, cli->cancellable,
                                  error);
}

/* With a password that is given, and kept where that is wanted and it is the right one. */
static CtSession *
open_given (CtCli *cli, GError **error)
{
  const char *path = ct_cli_option (cli, "password-file");
  char *password = path ? ct_cli_password_from_file (path, error)
                        : ct_cli_password_ask (_ ("Password of the URL's login:"), error);
  CtSession *session = password ? open_with (cli, password, error) : NULL;

  if (session && ct_cli_has (cli, "keep-password") && !keep (cli, password, error))
    g_clear_pointer (&session, ct_session_close);
  ct_cli_password_free (password);
  return session;
}

/**
 * ct_cli_open_server:
 *
 * Signs in with the password that is given, or else with libpq's own means, with what the keyring has for this login, or with
 * what a person types.
 *
 * Returns: (transfer full) (nullable): a session with the server that the first argument names
 */
CtSession *
ct_cli_open_server (CtCli *cli, GError **error)
{
  g_autoptr (GError) problem = NULL;
  CtSession *session;

  if (ct_cli_option (cli, "password-file") || ct_cli_has (cli, "keep-password"))
    return open_given (cli, error);
  session = open_with (cli, NULL, &problem);
  if (!session && g_error_matches (problem, CT_ERROR, CT_ERROR_REFUSED))
    session = open_kept (cli, &problem);
  if (!session && g_error_matches (problem, CT_ERROR, CT_ERROR_REFUSED) && isatty (STDIN_FILENO))
    return open_given (cli, error);
  if (!session)
    g_propagate_error (error, g_steal_pointer (&problem));
  return session;
}
