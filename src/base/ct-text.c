#include "ct-text.h"

#include <string.h>

int
ct_text_index (const char *const *names, const char *name)
{
  for (int i = 0; name && names[i]; i++)
    if (strcmp (names[i], name) == 0)
      return i;
  return -1;
}

/* Whether @text is %NULL or holds nothing but white space. */
gboolean
ct_text_is_blank (const char *text)
{
  for (; text && *text; text = g_utf8_next_char (text))
    if (!g_unichar_isspace (g_utf8_get_char (text)))
      return FALSE;
  return TRUE;
}

/* The first @characters of valid UTF-8, with an ellipsis where something was left out; (transfer full). */
char *
ct_text_snippet (const char *text, gsize characters)
{
  if ((gsize) g_utf8_strlen (text, -1) <= characters)
    return g_strdup (text);
  {
    g_autofree char *head = g_utf8_substring (text, 0, (glong) characters - 1);

    return g_strconcat (head, "…", NULL);
  }
}

/**
 * ct_text_expand:
 * @pattern: text with placeholders: "Order {number} of {distributor}"
 * @lookup: gives a placeholder's value, or %NULL to leave it as it stands
 * @data: for @lookup
 *
 * Values are inserted as they are and never expanded again.
 *
 * Returns: (transfer full): the text
 */
char *
ct_text_expand (const char *pattern, const char *(*lookup) (const char *name, gpointer data), gpointer data)
{
  GString *out = g_string_new (NULL);

  while (*pattern) {
    const char *end = *pattern == '{' ? strchr (pattern, '}') : NULL;

    if (end) {
      g_autofree char *name = g_strndup (pattern + 1, (gsize) (end - pattern - 1));
      const char *value = lookup (name, data);

      if (value) {
        g_string_append (out, value);
        pattern = end + 1;
        continue;
      }
    }
    g_string_append_c (out, *pattern++);
  }
  return g_string_free (out, FALSE);
}
