#include "ct-cli-key.h"
#include "ct-cli.h"
#include "ct-note.h"

#include <string.h>

/**
 * ct_cli_verifier_key:
 * @given: a note verifier key, or a file that holds one: as it is, like log.vkey, or as audit key --json prints it
 *
 * Returns: (transfer full): the key, or %NULL with a usage error
 */
char *
ct_cli_verifier_key (const char *given, GError **error)
{
  g_autofree char *text = NULL;
  g_autoptr (CtVerifier) verifier = NULL;
  g_autoptr (JsonNode) node = NULL;

  if (!g_file_test (given, G_FILE_TEST_IS_REGULAR) || !g_file_get_contents (given, &text, NULL, NULL))
    text = g_strdup (given);
  g_strstrip (text);
  node = text[0] == '{' ? ct_json_parse (text, -1, 65536, NULL) : NULL;
  if (node && JSON_NODE_HOLDS_OBJECT (node)) {
    char *vkey = g_strdup (ct_json_string (json_node_get_object (node), "vkey", ""));

    g_free (text);
    text = vkey;
  }
  verifier = ct_verifier_parse (text, NULL);
  if (verifier)
    return g_steal_pointer (&text);
  ct_cli_usage (error, _ ("“%s” is neither a verifier key nor a file that holds one"), given);
  return NULL;
}
