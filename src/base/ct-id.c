#include "ct-id.h"
#include "ct-hash.h"

#include <string.h>

static void
stamp_version (CtId *id, guint8 version)
{
  id->bytes[6] = (guint8) ((id->bytes[6] & 0x0f) | (version << 4));
  id->bytes[8] = (guint8) ((id->bytes[8] & 0x3f) | 0x80);
}

/**
 * ct_id_new:
 * @now_ms: milliseconds since 1970 UTC
 *
 * Returns: a UUIDv7 (RFC 9562): sorted by time, random within a millisecond
 */
CtId
ct_id_new (gint64 now_ms)
{
  CtId id;

  ct_random_bytes (id.bytes, sizeof id.bytes);
  for (int i = 0; i < 6; i++)
    id.bytes[i] = (guint8) (now_ms >> (40 - 8 * i));
  stamp_version (&id, 7);
  return id;
}

/**
 * ct_id_derive:
 * @parent: the id it derives from, a command's as a rule
 * @label: what the new id is for, a table's name as a rule
 * @index: tells several of one kind apart
 *
 * The same arguments give the same id, which makes a handler that runs again write the same rows. The first six
 * bytes are the parent's, so that derived ids keep their place in time.
 *
 * Returns: a UUIDv8 (RFC 9562)
 */
CtId
ct_id_derive (const CtId *parent, const char *label, guint64 index)
{
  CtHasher hasher;
  CtHash hash;
  CtId id;
  guint64 big_endian = GUINT64_TO_BE (index);

  ct_hasher_init (&hasher);
  ct_hasher_update (&hasher, parent->bytes, sizeof parent->bytes);
  ct_hasher_update (&hasher, label, strlen (label) + 1);
  ct_hasher_update (&hasher, &big_endian, sizeof big_endian);
  hash = ct_hasher_finish (&hasher);
  memcpy (id.bytes, parent->bytes, 6);
  memcpy (id.bytes + 6, hash.bytes, sizeof id.bytes - 6);
  stamp_version (&id, 8);
  return id;
}

/**
 * ct_id_number:
 * @series: an id derived for a series of rows
 * @index: of the row in the series
 *
 * Ids of rows that are made by the thousand: one after another, so that each goes next to the one before it in an index,
 * where ids by ct_id_derive() are strewn over all of it. 42 bits of @series keep them apart from other series.
 *
 * Returns: a UUIDv8 (RFC 9562)
 */
CtId
ct_id_number (const CtId *series, guint32 index)
{
  CtId id = *series;

  index = GUINT32_TO_BE (index);
  memcpy (id.bytes + 10, &index, sizeof index);
  return id;
}

/**
 * ct_id_to_string:
 *
 * Returns: (transfer full): the 36 characters of RFC 9562, lower case
 */
char *
ct_id_to_string (const CtId *self)
{
  static const char digits[] = "0123456789abcdef";
  char *text = g_malloc (37);
  int at = 0;

  for (guint i = 0; i < sizeof self->bytes; i++) {
    if (i == 4 || i == 6 || i == 8 || i == 10)
      text[at++] = '-';
    text[at++] = digits[self->bytes[i] >> 4];
    text[at++] = digits[self->bytes[i] & 15];
  }
  text[at] = 0;
  return text;
}

/**
 * ct_id_parse:
 * @text: (nullable): a UUID with its four hyphens
 * @id: (out): set only on success
 *
 * Returns: whether @text is a UUID
 */
gboolean
ct_id_parse (const char *text, CtId *id)
{
  CtId parsed;

  if (!text || strlen (text) != 36)
    return FALSE;
  for (guint i = 0, at = 0; i < sizeof parsed.bytes; i++, at += 2) {
    int high, low;

    if ((i == 4 || i == 6 || i == 8 || i == 10) && text[at++] != '-')
      return FALSE;
    high = g_ascii_xdigit_value (text[at]);
    low = g_ascii_xdigit_value (text[at + 1]);
    if (high < 0 || low < 0)
      return FALSE;
    parsed.bytes[i] = (guint8) (high << 4 | low);
  }
  *id = parsed;
  return TRUE;
}

gboolean
ct_id_equal (const CtId *a, const CtId *b)
{
  return memcmp (a, b, sizeof *a) == 0;
}

gboolean
ct_id_is_nil (const CtId *self)
{
  static const CtId nil = { { 0 } };

  return ct_id_equal (self, &nil);
}

/* For hash tables, together with ct_id_equal(). */
guint
ct_id_hash (gconstpointer id)
{
  guint hash;

  /* the end of a UUID is random, its beginning is a time */
  memcpy (&hash, ((const CtId *) id)->bytes + CT_ID_SIZE - sizeof hash, sizeof hash);
  return hash;
}
