/* make-workspace DIR N: a workspace with N exceptions for the tests that drive the desktop program. */
#include "gui-workspace.h"

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;

  if (argc != 3) {
    g_printerr ("make-workspace DIR N\n");
    return 2;
  }
  if (gui_workspace_make (argv[1], g_ascii_strtoll (argv[2], NULL, 10), &error))
    return 0;
  g_printerr ("make-workspace: %s\n", error->message);
  return 1;
}
