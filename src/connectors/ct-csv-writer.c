#include "ct-csv-writer.h"
#include "ct-base.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gunixoutputstream.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define FLUSH_AT (64 * 1024)

struct _CtCsvWriter {
  GOutputStream *stream; /* (owned) */
  char *path;            /* (owned) (nullable): where the file goes when it is whole */
  char *part;            /* (owned) (nullable): where it is until then */
  GString *pending;      /* (owned) */
  CtCsvWriterFlags flags;
  guint column;     /* of the row being written, from 0 */
  gsize row_begins; /* in pending */
};

/* The other delimiters as well, so that a reader that finds the delimiter by itself is not misled. */
static gboolean
needs_quotes (const char *text, gsize length)
{
  if (length == 0)
    return FALSE;
  if (text[0] == ' ' || text[length - 1] == ' ')
    return TRUE;
  for (gsize i = 0; i < length; i++)
    if (text[i] == ',' || text[i] == '"' || text[i] == '\n' || text[i] == '\r' || text[i] == ';' ||
        text[i] == '\t')
      return TRUE;
  return FALSE;
}

/* https://owasp.org/www-community/attacks/CSV_Injection */
static gboolean
is_formula (const char *text, gsize length)
{
  /* what looks guarded already is guarded once more, so that taking one apostrophe off gives the text again */
  while (length > 0 && *text == '\'') {
    text++;
    length--;
  }
  return length > 0 && *text && strchr ("=+-@\t\r", *text) != NULL;
}

/* The text as it was before %CT_CSV_WRITER_GUARD_FORMULAS; (transfer none). */
const char *
ct_csv_without_guard (const char *text)
{
  return *text == '\'' && is_formula (text, strlen (text)) ? text + 1 : text;
}

/**
 * ct_csv_writer_new:
 * @stream: where the bytes go
 *
 * Returns: (transfer full): the writer
 */
CtCsvWriter *
ct_csv_writer_new (GOutputStream *stream, CtCsvWriterFlags flags)
{
  CtCsvWriter *self = g_new0 (CtCsvWriter, 1);

  self->stream = g_object_ref (stream);
  self->pending = g_string_sized_new (FLUSH_AT + 4096);
  self->flags = flags;
  return self;
}

static gboolean
fail_path (GError **error, const char *path)
{
  return ct_fail (error, CT_ERROR_FAILED, _ ("Cannot write %s: %s"), path, g_strerror (errno));
}

/**
 * ct_csv_writer_create:
 * @path: a file, there or not
 *
 * The file appears at @path, or replaces what is there, when the writer is closed: a reader sees the old file or the
 * whole new one. Only the user may read it.
 *
 * Returns: (transfer full): the writer, or %NULL where the folder cannot be written
 */
CtCsvWriter *
ct_csv_writer_create (const char *path, CtCsvWriterFlags flags, GError **error)
{
  g_autofree char *part = g_strconcat (path, ".XXXXXX", NULL);
  g_autoptr (GOutputStream) stream = NULL;
  CtCsvWriter *self;
  int fd = g_mkstemp_full (part, O_WRONLY | O_CLOEXEC, 0600);

  if (fd < 0) {
    fail_path (error, path);
    return NULL;
  }
  stream = g_unix_output_stream_new (fd, TRUE);
  self = ct_csv_writer_new (stream, flags);
  self->path = g_strdup (path);
  self->part = g_steal_pointer (&part);
  return self;
}

/* A writer freed without ct_csv_writer_close() leaves the file at its path as it was. */
void
ct_csv_writer_free (CtCsvWriter *self)
{
  if (self->part)
    g_unlink (self->part);
  g_object_unref (self->stream);
  g_string_free (self->pending, TRUE);
  g_free (self->path);
  g_free (self->part);
  g_free (self);
}

/**
 * ct_csv_writer_text:
 * @text: (nullable): the next field; %NULL for nothing, which is told from an empty text by its missing quotes
 * @length: bytes, or -1 for a string
 */
void
ct_csv_writer_text (CtCsvWriter *self, const char *text, gssize length)
{
  gsize size = !text ? 0 : length < 0 ? strlen (text) : (gsize) length;
  gboolean guard = (self->flags & CT_CSV_WRITER_GUARD_FORMULAS) && text && is_formula (text, size);

  if (self->column++ > 0)
    g_string_append_c (self->pending, ',');
  if (text && (size == 0 || guard || needs_quotes (text, size))) {
    g_string_append (self->pending, guard ? "\"'" : "\"");
    for (gsize i = 0; i < size; i++) {
      if (text[i] == '"')
        g_string_append_c (self->pending, '"');
      g_string_append_c (self->pending, text[i]);
    }
    g_string_append_c (self->pending, '"');
  } else
    g_string_append_len (self->pending, text ? text : "", (gssize) size);
}

static gboolean
flush (CtCsvWriter *self, GError **error)
{
  if (!g_output_stream_write_all (self->stream, self->pending->str, self->pending->len, NULL, NULL, error))
    return FALSE;
  g_string_truncate (self->pending, 0);
  return TRUE;
}

/* Ends the row; what was written goes to the stream now and then. A row of nothing would be a blank line, which readers
 * pass over: it becomes an empty text. */
gboolean
ct_csv_writer_end_row (CtCsvWriter *self, GError **error)
{
  if (self->pending->len == self->row_begins)
    g_string_append (self->pending, "\"\"");
  g_string_append_c (self->pending, '\n');
  self->column = 0;
  if (self->pending->len >= FLUSH_AT && !flush (self, error))
    return FALSE;
  self->row_begins = self->pending->len;
  return TRUE;
}

/* Writes a row of @fields, ended by NULL. */
gboolean
ct_csv_writer_row (CtCsvWriter *self, const char *const *fields, GError **error)
{
  for (guint i = 0; fields[i]; i++)
    ct_csv_writer_text (self, fields[i], -1);
  return ct_csv_writer_end_row (self, error);
}

/* Writes what is left and closes the stream; only now does a file replace what was at its path. */
gboolean
ct_csv_writer_close (CtCsvWriter *self, GError **error)
{
  if (!flush (self, error))
    return FALSE;
  if (self->part && fsync (g_unix_output_stream_get_fd (G_UNIX_OUTPUT_STREAM (self->stream))) != 0)
    return fail_path (error, self->path);
  if (!g_output_stream_close (self->stream, NULL, error))
    return FALSE;
  if (self->part && g_rename (self->part, self->path) != 0)
    return fail_path (error, self->path);
  g_clear_pointer (&self->part, g_free);
  return TRUE;
}
