#include "ct-number.h"

#include <string.h>

/* Human numbers: "EXC-2026-0007", "FOLLOW-2026-001", "DIST-0042". The authority gives them. Until then a record
 * made offline shows a provisional one, "EXC-~3F9A2C": the tilde never occurs in a given number. */

/**
 * ct_number_format:
 * @prefix: "EXC"
 * @year: 0 leaves it out
 *
 * Returns: (transfer full): with at least four digits, three for FOLLOW, as the task form has it
 */
char *
ct_number_format (const char *prefix, int year, gint64 value)
{
  int digits = strcmp (prefix, "FOLLOW") == 0 ? 3 : 4;

  if (year == 0)
    return g_strdup_printf ("%s-%0*" G_GINT64_FORMAT, prefix, digits, value);
  return g_strdup_printf ("%s-%04d-%0*" G_GINT64_FORMAT, prefix, year, digits, value);
}

/* From the random end of the record's id, so that both sides of a sync show the same; (transfer full). */
char *
ct_number_format_provisional (const char *prefix, const CtId *id)
{
  const guint8 *tail = id->bytes + CT_ID_SIZE - 4;

  return g_strdup_printf ("%s-~%02X%02X%02X%02X", prefix, tail[0], tail[1], tail[2], tail[3]);
}

gboolean
ct_number_is_provisional (const char *number)
{
  gsize length;

  return number && ct_number_find_provisional (number, &length) == number && number[length] == 0;
}

/**
 * ct_number_find_provisional:
 * @length: (out): bytes, set only where one is found
 *
 * Returns: (nullable): the first provisional number within @text
 */
const char *
ct_number_find_provisional (const char *text, gsize *length)
{
  for (const char *mark = strstr (text, "-~"); mark; mark = strstr (mark + 1, "-~")) {
    const char *start = mark, *end = mark + 2;

    while (start > text && (g_ascii_isupper (start[-1]) || g_ascii_isdigit (start[-1]) || start[-1] == '-'))
      start--;
    while (g_ascii_isxdigit (*end))
      end++;
    if (g_ascii_isupper (*start) && end - mark > 2) {
      *length = (gsize) (end - start);
      return start;
    }
  }
  return NULL;
}
