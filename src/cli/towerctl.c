/* towerctl: everything that Control Tower does, on the command line. */
#include "ct-cli.h"

int
main (int argc, char **argv)
{
  return ct_cli_main (argc, argv);
}
