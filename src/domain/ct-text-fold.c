#include "ct-text-fold.h"

#include <string.h>

/* Direction marks, embeddings, overrides and isolates: UAX #9. */
gboolean
ct_text_char_is_bidirectional (gunichar c)
{
  return c == 0x061c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) ||
         (c >= 0x2066 && c <= 0x2069);
}

/* What takes room in the bytes and none on the screen: format characters, fillers, variation selectors, controls
 * other than tab and line breaks. */
gboolean
ct_text_char_is_invisible (gunichar c)
{
  switch (g_unichar_type (c)) {
  case G_UNICODE_FORMAT:
  case G_UNICODE_PRIVATE_USE:
    return TRUE;
  case G_UNICODE_CONTROL:
    return c != '\t' && c != '\n' && c != '\r';
  default:
    return c == 0x034f || c == 0x115f || c == 0x1160 || c == 0x17b4 || c == 0x17b5 || c == 0x2028 ||
           c == 0x2029 || c == 0x2800 || c == 0x3164 || c == 0xffa0 || (c >= 0x180b && c <= 0x180f) ||
           (c >= 0xfe00 && c <= 0xfe0f) || (c >= 0xe0100 && c <= 0xe01ef);
  }
}

static gboolean
is_dash (gunichar c)
{
  return g_unichar_type (c) == G_UNICODE_DASH_PUNCTUATION || c == 0x2212;
}

static gboolean
is_apostrophe (gunichar c)
{
  return c == 0x2018 || c == 0x2019 || c == 0x02bc || c == 0x2032 || c == '`';
}

/* One character as it is compared; (transfer full). Decomposed, so that é and e + accent are the same. */
static char *
fold_char (gunichar c)
{
  char bytes[6];
  g_autofree char *decomposed = NULL;

  if (is_dash (c))
    return g_strdup ("-");
  if (is_apostrophe (c))
    return g_strdup ("'");
  if (c < 0x80)
    return g_strdup_printf ("%c", g_ascii_tolower ((char) c));
  decomposed = g_utf8_normalize (bytes, g_unichar_to_utf8 (c, bytes), G_NORMALIZE_NFKD);
  return g_utf8_casefold (decomposed, -1);
}

static void
append (GString *out, GArray *map, const char *folded, guint offset)
{
  for (const char *c = folded; *c; c++)
    g_array_append_val (map, offset);
  g_string_append (out, folded);
}

/**
 * ct_text_fold_init:
 * @self: (out caller-allocates)
 * @source: valid UTF-8
 */
void
ct_text_fold_init (CtTextFold *self, const char *source)
{
  GString *out = g_string_new (NULL);
  GArray *map = g_array_new (FALSE, FALSE, sizeof (guint));
  guint end = (guint) strlen (source);

  for (const char *at = source; *at; at = g_utf8_next_char (at)) {
    gunichar c = g_utf8_get_char (at);
    guint offset = (guint) (at - source);

    if (g_unichar_isspace (c)) {
      if (out->len && out->str[out->len - 1] != ' ')
        append (out, map, " ", offset);
    } else if (!ct_text_char_is_invisible (c)) {
      g_autofree char *folded = fold_char (c);

      append (out, map, folded, offset);
    }
  }
  g_array_append_val (map, end);
  self->length = out->len;
  self->text = g_string_free (out, FALSE);
  self->source = (guint *) (gpointer) g_array_free (map, FALSE);
}

void
ct_text_fold_clear (CtTextFold *self)
{
  g_clear_pointer (&self->text, g_free);
  g_clear_pointer (&self->source, g_free);
}

static gboolean
is_word (gunichar c)
{
  return g_unichar_isalnum (c) || g_unichar_ismark (c) || c == '_';
}

/* A boundary is asked for only where the phrase itself begins or ends with a word. */
static gboolean
stands_alone (const CtTextFold *self, gsize at, gsize length)
{
  const char *start = self->text + at, *end = start + length;

  if (at > 0 && is_word (g_utf8_get_char (start)) &&
      is_word (g_utf8_get_char (g_utf8_find_prev_char (self->text, start))))
    return FALSE;
  return !(*end && is_word (g_utf8_get_char (end)) &&
           is_word (g_utf8_get_char (g_utf8_find_prev_char (self->text, end))));
}

/**
 * ct_text_fold_find:
 * @phrase: folded as well, not empty
 * @from: folded byte from which to look
 * @found: (out): folded byte at which it stands, set only where it does
 *
 * Returns: whether @phrase stands there as whole words
 */
gboolean
ct_text_fold_find (const CtTextFold *self, const CtTextFold *phrase, gsize from, gsize *found)
{
  const char *hit = from <= self->length ? strstr (self->text + from, phrase->text) : NULL;

  for (; hit; hit = strstr (hit + 1, phrase->text))
    if (stands_alone (self, (gsize) (hit - self->text), phrase->length)) {
      *found = (gsize) (hit - self->text);
      return TRUE;
    }
  return FALSE;
}
