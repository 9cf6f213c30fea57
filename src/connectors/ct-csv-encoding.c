#include "ct-csv-encoding.h"

#include <string.h>

static const char *const encoding_names[] = {
  [CT_CSV_AUTO] = "auto",
  [CT_CSV_UTF_8] = "UTF-8",
  [CT_CSV_UTF_16LE] = "UTF-16LE",
  [CT_CSV_UTF_16BE] = "UTF-16BE",
  [CT_CSV_WINDOWS_1251] = "windows-1251",
  [CT_CSV_WINDOWS_1252] = "windows-1252",
};

static const struct {
  CtCsvEncoding encoding;
  guint8 bytes[3];
  gsize length;
} marks[] = {
  { CT_CSV_UTF_8, { 0xef, 0xbb, 0xbf }, 3 },
  { CT_CSV_UTF_16LE, { 0xff, 0xfe }, 2 },
  { CT_CSV_UTF_16BE, { 0xfe, 0xff }, 2 },
};

/* The name that iconv and people know it by; static. */
const char *
ct_csv_encoding_name (CtCsvEncoding encoding)
{
  return encoding_names[encoding];
}

/**
 * ct_csv_encoding_parse:
 * @name: (nullable): a name as ct_csv_encoding_name() gives it, in any case; "cp1251" and "cp1252" as well
 * @encoding: (out): set only on success
 */
gboolean
ct_csv_encoding_parse (const char *name, CtCsvEncoding *encoding)
{
  if (!name)
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (encoding_names); i++) {
    const char *digits = strchr (encoding_names[i], '1');
    gboolean alias = i >= CT_CSV_WINDOWS_1251 && g_ascii_strncasecmp (name, "cp", 2) == 0 &&
                     strcmp (name + 2, digits) == 0;

    if (alias || g_ascii_strcasecmp (name, encoding_names[i]) == 0) {
      *encoding = (CtCsvEncoding) i;
      return TRUE;
    }
  }
  return FALSE;
}

/*
 * UTF-16 without a mark: digits, delimiters and line breaks have a zero half in every language. @zero_at is the half
 * (0 or 1) that would hold it. Line breaks must have their zero, so that a stray NUL in 8-bit text proves nothing.
 */
static gboolean
looks_like_utf16 (const guint8 *bytes, gsize length, guint zero_at)
{
  gsize zeros = 0, others = 0, breaks = 0, bare = 0;

  for (gsize i = 0; i + 1 < length; i += 2) {
    guint8 zero = bytes[i + zero_at], other = bytes[i + 1 - zero_at];

    zeros += zero == 0;
    others += other == 0;
    breaks += zero == 0 && (other == '\n' || other == '\r');
    bare += zero == '\n' || (zero != 0 && other == '\n');
  }
  return zeros * 8 >= length / 2 && zeros > 1 && others * 16 <= zeros && bare * 8 <= breaks;
}

/*
 * Both code pages keep letters at 0xC0 and above. Cyrillic words consist of them, so that they stand next to one
 * another; in western text they are accents that stand among ASCII letters.
 */
static CtCsvEncoding
choose_code_page (const guint8 *bytes, gsize length)
{
  gsize together = 0, among_ascii = 0;
  gboolean numero = FALSE;

  for (gsize i = 0; i < length; i++) {
    if (bytes[i] >= 0xc0 && i + 1 < length) {
      together += bytes[i + 1] >= 0xc0;
      among_ascii += g_ascii_isalpha (bytes[i + 1]);
    }
    if (bytes[i] >= 0xc0 && i > 0)
      among_ascii += g_ascii_isalpha (bytes[i - 1]);
    numero = numero || bytes[i] == 0xb9;
  }
  if (together == 0 && among_ascii == 0)
    return numero ? CT_CSV_WINDOWS_1251 : CT_CSV_WINDOWS_1252;
  return together > among_ascii ? CT_CSV_WINDOWS_1251 : CT_CSV_WINDOWS_1252;
}

/* Whether @bytes are UTF-8 but for NULs and a character cut off at the end, both of which say nothing. */
static gboolean
is_utf8 (const guint8 *bytes, gsize length)
{
  const char *at = (const char *) bytes, *end = at + length;

  while (at < end && !g_utf8_validate_len (at, (gsize) (end - at), &at)) {
    if (*at == 0)
      at++;
    else
      return end - at < 4 && g_utf8_get_char_validated (at, end - at) == (gunichar) -2;
  }
  return TRUE;
}

/**
 * ct_csv_encoding_detect:
 * @bytes: the beginning of a file
 * @length: how many
 * @bom_length: (out) (optional): the bytes of the byte order mark, 0 where there is none
 *
 * A byte order mark decides; then zero halves (UTF-16); then validity (UTF-8); then which letters stand together
 * (Windows-1251 or -1252).
 *
 * Returns: the encoding, never %CT_CSV_AUTO
 */
CtCsvEncoding
ct_csv_encoding_detect (const guint8 *bytes, gsize length, gsize *bom_length)
{
  if (bom_length)
    *bom_length = 0;
  for (guint i = 0; i < G_N_ELEMENTS (marks); i++)
    if (length >= marks[i].length && memcmp (bytes, marks[i].bytes, marks[i].length) == 0) {
      if (bom_length)
        *bom_length = marks[i].length;
      return marks[i].encoding;
    }
  if (looks_like_utf16 (bytes, length, 1))
    return CT_CSV_UTF_16LE;
  if (looks_like_utf16 (bytes, length, 0))
    return CT_CSV_UTF_16BE;
  return is_utf8 (bytes, length) ? CT_CSV_UTF_8 : choose_code_page (bytes, length);
}
