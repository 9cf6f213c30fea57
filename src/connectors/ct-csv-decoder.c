#include "ct-csv-decoder.h"
#include "ct-base.h"

#include <errno.h>
#include <string.h>

#define RAW_SIZE (256 * 1024)

struct _CtCsvDecoder {
  GInputStream *stream;   /* (owned) */
  CtCsvEncoding encoding; /* what is being decoded */
  GIConv iconv;           /* (GIConv) -1 for UTF-8 */
  guint8 *raw;            /* (owned) RAW_SIZE bytes: read, not decoded yet */
  gsize head, tail;       /* the part of raw in use */
  guint64 position;       /* bytes taken from the stream */
  gboolean ended;         /* the stream has no more */
  gboolean certain;       /* the encoding was given, or bytes beyond ASCII have agreed with it */
  gboolean dirty;         /* something that the encoding does not allow has passed, or a NUL */
};

/* Eight bytes at a time: the common case needs no validation. */
static gboolean
is_ascii (const char *text, gsize length)
{
  guint64 high = 0;
  gsize i = 0;

  for (; i + 8 <= length; i += 8) {
    guint64 word;

    memcpy (&word, text + i, 8);
    high |= word;
  }
  for (; i < length; i++)
    high |= (guint8) text[i];
  return !(high & G_GUINT64_CONSTANT (0x8080808080808080));
}

/* How many bytes at the end begin a character whose rest has not been read. */
static gsize
cut_off (const char *text, gsize length)
{
  for (gsize back = 1; back <= MIN (length, 3); back++) {
    guint8 lead = (guint8) text[length - back];

    if (lead < 0x80)
      return 0;
    if (lead >= 0xc0)
      return back < (lead >= 0xf0 ? 4u : lead >= 0xe0 ? 3u : 2u) ? back : 0;
  }
  return 0;
}

static gboolean
open_iconv (CtCsvDecoder *self, GError **error)
{
  if (self->encoding == CT_CSV_UTF_8)
    return TRUE;
  self->iconv = g_iconv_open ("UTF-8", ct_csv_encoding_name (self->encoding));
  if (self->iconv == (GIConv) -1)
    return ct_fail (error, CT_ERROR_FAILED, _ ("This system cannot convert text from %s"),
                    ct_csv_encoding_name (self->encoding));
  return TRUE;
}

/* Takes bytes from the stream until @room is full or there are no more. */
static gssize
take (CtCsvDecoder *self, gpointer into, gsize room, GError **error)
{
  gsize got = 0;

  if (self->ended || room == 0)
    return 0;
  if (!g_input_stream_read_all (self->stream, into, room, &got, NULL, error))
    return -1;
  self->ended = got < room;
  self->position += got;
  return (gssize) got;
}

/* Puts the bytes that @out could not use back in front of what raw holds. */
static void
give_back (CtCsvDecoder *self, const char *bytes, gsize length)
{
  gsize kept = self->tail - self->head;

  if (self->head < length) {
    self->raw = g_realloc (self->raw, MAX (RAW_SIZE, length + kept));
    memmove (self->raw + length, self->raw + self->head, kept);
    self->head = length;
    self->tail = length + kept;
  }
  self->head -= length;
  memcpy (self->raw + self->head, bytes, length);
}

/* Where @text stops being UTF-8, or %NULL; a NUL is noted and passed over. */
static const char *
find_invalid (CtCsvDecoder *self, const char *text, gsize length)
{
  const char *end = text + length;

  while (text < end && !g_utf8_validate_len (text, (gsize) (end - text), &text)) {
    if (*text != 0)
      return text;
    self->dirty = TRUE;
    text++;
  }
  return NULL;
}

static gssize
read_utf8 (CtCsvDecoder *self, char *out, gsize room, GError **error)
{
  gsize length = MIN (room, self->tail - self->head), cut;
  const char *stop;
  gssize more;

  memcpy (out, self->raw + self->head, length);
  self->head += length;
  more = take (self, out + length, room - length, error);
  if (more < 0)
    return -1;
  length += (gsize) more;
  if (is_ascii (out, length) && !memchr (out, 0, length))
    return (gssize) length;
  cut = self->ended && self->head == self->tail ? 0 : cut_off (out, length);
  if (cut > 0)
    give_back (self, out + length - cut, cut);
  length -= cut;
  stop = find_invalid (self, out, length);
  self->certain = self->certain || !is_ascii (out, stop ? (gsize) (stop - out) : length);
  if (!stop || self->certain) {
    self->dirty = self->dirty || stop;
    return (gssize) length;
  }
  /* all before this was ASCII, which every code page shares: it can still become one */
  give_back (self, stop, length - (gsize) (stop - out));
  self->encoding = ct_csv_encoding_detect (self->raw + self->head, self->tail - self->head, NULL);
  if (self->encoding != CT_CSV_WINDOWS_1251)
    self->encoding = CT_CSV_WINDOWS_1252;
  self->certain = TRUE;
  return open_iconv (self, error) ? stop - out : -1;
}

/* 0xFF is never part of UTF-8: it marks what could not be decoded, and the row that holds it is refused. */
static void
mark_undecodable (CtCsvDecoder *self, char **out, gsize *room)
{
  gsize unit = self->encoding == CT_CSV_UTF_16LE || self->encoding == CT_CSV_UTF_16BE ? 2 : 1;

  self->head = MIN (self->tail, self->head + unit);
  *(*out)++ = (char) 0xff;
  (*room)--;
  self->dirty = TRUE;
}

static gssize
read_converted (CtCsvDecoder *self, char *out, gsize room, GError **error)
{
  gsize kept = self->tail - self->head;
  char *at = out;
  gssize more;

  if (kept < RAW_SIZE / 2 && !self->ended) {
    memmove (self->raw, self->raw + self->head, kept);
    self->head = 0;
    self->tail = kept;
    more = take (self, self->raw + kept, RAW_SIZE - kept, error);
    if (more < 0)
      return -1;
    self->tail += (gsize) more;
  }
  while (self->head < self->tail && room >= 4) {
    char *in = (char *) self->raw + self->head;
    gsize left = self->tail - self->head;
    gsize result = g_iconv (self->iconv, &in, &left, &at, &room);
    int problem = errno;

    self->head = self->tail - left;
    if (result != (gsize) -1 || problem == E2BIG || (problem == EINVAL && !self->ended))
      break;
    mark_undecodable (self, &at, &room);
  }
  self->dirty = self->dirty || memchr (out, 0, (gsize) (at - out)) != NULL;
  return at - out;
}

/**
 * ct_csv_decoder_new:
 * @stream: where the bytes come from
 * @encoding: what they are written in, or %CT_CSV_AUTO
 *
 * Reads the first bytes at once. A byte order mark of the encoding is left out of what is read.
 *
 * Returns: (transfer full): the decoder, or %NULL where the stream cannot be read
 */
CtCsvDecoder *
ct_csv_decoder_new (GInputStream *stream, CtCsvEncoding encoding, GError **error)
{
  g_autoptr (CtCsvDecoder) self = g_new0 (CtCsvDecoder, 1);
  CtCsvEncoding found;
  gsize bom_length;
  gssize got;

  self->stream = g_object_ref (stream);
  self->iconv = (GIConv) -1;
  self->raw = g_malloc (RAW_SIZE);
  got = take (self, self->raw, RAW_SIZE, error);
  if (got < 0)
    return NULL;
  self->tail = (gsize) got;
  found = ct_csv_encoding_detect (self->raw, self->tail, &bom_length);
  self->encoding = encoding == CT_CSV_AUTO ? found : encoding;
  self->certain = encoding != CT_CSV_AUTO || bom_length > 0;
  if (bom_length > 0 && found == self->encoding)
    self->head = bom_length;
  return open_iconv (self, error) ? g_steal_pointer (&self) : NULL;
}

void
ct_csv_decoder_free (CtCsvDecoder *self)
{
  if (self->iconv != (GIConv) -1)
    g_iconv_close (self->iconv);
  g_clear_object (&self->stream);
  g_free (self->raw);
  g_free (self);
}

/**
 * ct_csv_decoder_read:
 * @out: room for UTF-8
 * @room: its size, at least 8
 *
 * What the encoding does not allow comes out as bytes that are not UTF-8, and sets the dirty mark.
 *
 * Returns: how many bytes were written; 0 at the end, -1 with an error of the stream
 */
gssize
ct_csv_decoder_read (CtCsvDecoder *self, char *out, gsize room, GError **error)
{
  for (;;) {
    gssize got = self->encoding == CT_CSV_UTF_8 ? read_utf8 (self, out, room, error)
                                                : read_converted (self, out, room, error);

    if (got != 0 || (self->ended && self->head == self->tail))
      return got;
  }
}

/* The encoding being read; may still turn from UTF-8 into a code page after a long beginning in ASCII. */
CtCsvEncoding
ct_csv_decoder_get_encoding (CtCsvDecoder *self)
{
  return self->encoding;
}

/* Whether what was read so far may hold NULs or bytes that are not UTF-8. */
gboolean
ct_csv_decoder_get_dirty (CtCsvDecoder *self)
{
  return self->dirty;
}

/* Bytes taken from the stream, for a progress bar. */
guint64
ct_csv_decoder_get_position (CtCsvDecoder *self)
{
  return self->position;
}
