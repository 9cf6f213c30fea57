#include "ct-canonical.h"

#include <string.h>

static const char hex_digits[] = "0123456789abcdef";

/* The letter of a short escape, 0 for the characters that have none. */
static char
short_escape (guchar c)
{
  switch (c) {
  case '"':
  case '\\':
    return (char) c;
  case '\b':
    return 'b';
  case '\f':
    return 'f';
  case '\n':
    return 'n';
  case '\r':
    return 'r';
  case '\t':
    return 't';
  default:
    return 0;
  }
}

/**
 * ct_canonical_append_text:
 * @text: (array length=length): valid UTF-8
 *
 * Appends a JSON string with its quotation marks.
 */
void
ct_canonical_append_text (GString *json, const char *text, gsize length)
{
  gsize from = 0;

  g_string_append_c (json, '"');
  for (gsize i = 0; i < length; i++) {
    guchar c = (guchar) text[i];
    char letter;

    if (c >= 0x20 && c != '"' && c != '\\')
      continue;
    g_string_append_len (json, text + from, (gssize) (i - from));
    from = i + 1;
    letter = short_escape (c);
    g_string_append_c (json, '\\');
    if (letter) {
      g_string_append_c (json, letter);
    } else {
      g_string_append_len (json, "u00", 3);
      g_string_append_c (json, hex_digits[c >> 4]);
      g_string_append_c (json, hex_digits[c & 15]);
    }
  }
  g_string_append_len (json, text + from, (gssize) (length - from));
  g_string_append_c (json, '"');
}

void
ct_canonical_append_int (GString *json, gint64 value)
{
  char digits[20];
  char *p = digits + sizeof digits;
  guint64 rest = value < 0 ? -(guint64) value : (guint64) value;

  do
    *--p = (char) ('0' + rest % 10);
  while ((rest /= 10) > 0);
  if (value < 0)
    *--p = '-';
  g_string_append_len (json, p, digits + sizeof digits - p);
}

static void
write_hex (char *into, const guint8 *bytes, gsize length)
{
  for (gsize i = 0; i < length; i++) {
    into[2 * i] = hex_digits[bytes[i] >> 4];
    into[2 * i + 1] = hex_digits[bytes[i] & 15];
  }
}

/* Appends a JSON string of hexadecimal digits; at most 32 bytes. */
void
ct_canonical_append_hex (GString *json, const guint8 *bytes, gsize length)
{
  char text[2 * CT_HASH_SIZE + 2];

  g_assert (length <= CT_HASH_SIZE);
  text[0] = '"';
  write_hex (text + 1, bytes, length);
  text[2 * length + 1] = '"';
  g_string_append_len (json, text, (gssize) (2 * length + 2));
}

/* The groups of a UUID's text: how many bytes stand before each hyphen. */
static const guint8 id_groups[] = { 4, 2, 2, 2, 6 };

void
ct_canonical_append_id (GString *json, const CtId *id)
{
  char text[38];
  char *p = text;
  const guint8 *bytes = id->bytes;

  for (guint i = 0; i < G_N_ELEMENTS (id_groups); i++) {
    *p++ = i == 0 ? '"' : '-';
    write_hex (p, bytes, id_groups[i]);
    p += 2 * id_groups[i];
    bytes += id_groups[i];
  }
  *p = '"';
  g_string_append_len (json, text, sizeof text);
}

gboolean
ct_canonical_take (CtCanonical *self, const char *literal, gsize length)
{
  if ((gsize) (self->end - self->at) < length || memcmp (self->at, literal, length) != 0)
    return FALSE;
  self->at += length;
  return TRUE;
}

/* The value of a lower-case hexadecimal digit, else -1. */
static int
hex_value (char c)
{
  /* each digit's value plus one */
  static const guint8 values[256] = {
    ['0'] = 1, ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9, ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
  };

  return values[(guchar) c] - 1;
}

/* At a backslash: only the escape that RFC 8785 prescribes for the character; none for U+0000, which no text of ours
 * holds. Its length, or 0. */
static gsize
escape_length (const char *p, const char *end)
{
  int high, low;

  if (end - p < 2)
    return 0;
  if (strchr ("\"\\bfnrt", p[1]) && p[1])
    return 2;
  if (end - p < 6 || memcmp (p + 1, "u00", 3) != 0)
    return 0;
  high = hex_value (p[4]);
  low = hex_value (p[5]);
  if (high < 0 || high > 1 || low < 0 || (high | low) == 0 || short_escape ((guchar) (high << 4 | low)))
    return 0;
  return 6;
}

/**
 * ct_canonical_take_text:
 * @text: (out) (transfer none): what stands between the quotation marks, escapes and all
 *
 * Takes a JSON string in canonical form.
 */
gboolean
ct_canonical_take_text (CtCanonical *self, const char **text, gsize *length)
{
  const char *p = self->at;
  guchar seen = 0;

  if (p >= self->end || *p++ != '"')
    return FALSE;
  while (p < self->end && *p != '"') {
    gsize step = *p == '\\' ? escape_length (p, self->end) : (guchar) *p >= 0x20;

    if (step == 0)
      return FALSE;
    seen |= (guchar) *p;
    p += step;
  }
  if (p >= self->end || ((seen & 0x80) && !g_utf8_validate_len (self->at, (gsize) (p - self->at), NULL)))
    return FALSE;
  *text = self->at + 1;
  *length = (gsize) (p - *text);
  self->at = p + 1;
  return TRUE;
}

/**
 * ct_canonical_unescape:
 * @text: (array length=length): from ct_canonical_take_text()
 *
 * Returns: (transfer full): the plain text
 */
char *
ct_canonical_unescape (const char *text, gsize length)
{
  static const char letters[] = "\"\\bfnrt", plain[] = "\"\\\b\f\n\r\t";
  char *out = g_malloc (length + 1), *p = out;

  for (gsize i = 0; i < length; i++) {
    if (text[i] != '\\') {
      *p++ = text[i];
    } else if (text[++i] != 'u') {
      *p++ = plain[strchr (letters, text[i]) - letters];
    } else {
      *p++ = (char) (hex_value (text[i + 3]) << 4 | hex_value (text[i + 4]));
      i += 4;
    }
  }
  *p = '\0';
  return out;
}

gboolean
ct_canonical_take_int (CtCanonical *self, gint64 *value)
{
  const char *p = self->at;
  gboolean negative = p < self->end && *p == '-';
  const char *first = p + negative;
  gint64 number = 0;

  for (p = first; p < self->end && g_ascii_isdigit (*p) && p - first < 17; p++)
    number = number * 10 + (*p - '0');
  if (p == first || number > CT_CANONICAL_MOST_INT || (*first == '0' && (negative || p - first > 1)))
    return FALSE;
  *value = negative ? -number : number;
  self->at = p;
  return TRUE;
}

/* Reads on behind a wrong digit: one test at the end is cheaper than one for each of them. */
static gboolean
take_hex_digits (CtCanonical *self, guint8 *bytes, gsize length)
{
  int wrong = 0;

  if ((gsize) (self->end - self->at) < 2 * length)
    return FALSE;
  for (gsize i = 0; i < length; i++) {
    int high = hex_value (self->at[2 * i]), low = hex_value (self->at[2 * i + 1]);

    wrong |= high | low;
    bytes[i] = (guint8) ((guint) high << 4 | (guint) low);
  }
  if (wrong < 0)
    return FALSE;
  self->at += 2 * length;
  return TRUE;
}

/* A JSON string of exactly 2 × @length lower-case hexadecimal digits. */
gboolean
ct_canonical_take_hex (CtCanonical *self, guint8 *bytes, gsize length)
{
  return ct_canonical_take_literal (self, "\"") && take_hex_digits (self, bytes, length) &&
         ct_canonical_take_literal (self, "\"");
}

/* A JSON string with a UUID in lower case. */
gboolean
ct_canonical_take_id (CtCanonical *self, CtId *id)
{
  guint8 *bytes = id->bytes;

  for (guint i = 0; i < G_N_ELEMENTS (id_groups); i++) {
    if (!ct_canonical_take (self, i == 0 ? "\"" : "-", 1) || !take_hex_digits (self, bytes, id_groups[i]))
      return FALSE;
    bytes += id_groups[i];
  }
  return ct_canonical_take_literal (self, "\"");
}
