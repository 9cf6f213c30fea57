#include "ct-config.h"

#include <locale.h>

#include "ct-i18n.h"

/**
 * ct_i18n_init:
 *
 * Takes the user's locale and binds the program's translations: those below CT_LOCALEDIR of the environment
 * (an uninstalled build), else the installed ones. Called once, first thing in main ().
 */
void
ct_i18n_init (void)
{
  const char *directory = g_getenv ("CT_LOCALEDIR");

  setlocale (LC_ALL, "");
  bindtextdomain (GETTEXT_PACKAGE, directory != NULL ? directory : CT_LOCALEDIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);
}
