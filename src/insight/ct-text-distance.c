#include "ct-text-distance.h"

#include <string.h>

/* Beyond this a text is compared by its beginning: the cost grows with the square. */
#define MOST_CHARS 4000

/* Lower case, one space for each run of white space: what a reader would call the same text. */
static gunichar *
normalise (const char *text, glong *length)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  g_autofree char *composed = g_utf8_normalize (valid, -1, G_NORMALIZE_ALL_COMPOSE);
  g_autofree char *folded = g_utf8_casefold (composed, -1);
  gunichar *chars = g_utf8_to_ucs4_fast (folded, -1, length);
  glong kept = 0;

  for (glong i = 0; i < *length; i++)
    if (!g_unichar_isspace (chars[i]))
      chars[kept++] = chars[i];
    else if (kept && chars[kept - 1] != ' ')
      chars[kept++] = ' ';
  *length = MIN (kept, MOST_CHARS);
  return chars;
}

/* One row of Levenshtein's table from the one before it. */
static void
next_row (const gunichar *b, glong n, gunichar c, glong *row)
{
  glong diagonal = row[0];

  row[0]++;
  for (glong j = 1; j <= n; j++) {
    glong replaced = diagonal + (b[j - 1] != c);

    diagonal = row[j];
    row[j] = MIN (replaced, MIN (row[j], row[j - 1]) + 1);
  }
}

/**
 * ct_text_distance:
 *
 * How much of a text was edited: the least number of characters to insert, delete or replace, of the longer one's.
 *
 * Returns: 0 (the same but for case and white space) to 1 (nothing in common)
 */
double
ct_text_distance (const char *a, const char *b)
{
  glong m, n;
  g_autofree gunichar *from = normalise (a, &m);
  g_autofree gunichar *to = normalise (b, &n);
  g_autofree glong *row = g_new (glong, n + 1);

  for (glong j = 0; j <= n; j++)
    row[j] = j;
  for (glong i = 0; i < m; i++)
    next_row (to, n, from[i], row);
  return MAX (m, n) ? (double) row[n] / (double) MAX (m, n) : 0;
}
