/* control-tower: the desktop program. */
#include "ct-application.h"
#include "ct-base.h"
#include "ct-config.h"

#include <locale.h>

int
main (int argc, char **argv)
{
  g_autoptr (CtApplication) application = NULL;
  const char *locales = g_getenv ("CT_LOCALEDIR");

  setlocale (LC_ALL, "");
  bindtextdomain (GETTEXT_PACKAGE, locales ? locales : CT_LOCALEDIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);
  application = ct_application_new ();
  return g_application_run (G_APPLICATION (application), argc, argv);
}
