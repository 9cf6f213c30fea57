#include "ct-csv-reader.h"
#include "ct-csv-decoder.h"
#include "ct-base.h"

#include <string.h>

/*
 *   decoder ──▶ buffer: [ rows handed out | head … tail | room ]
 *                                           └ scanned as it lies; fields are slices of it
 */
#define BUFFER_SIZE (512 * 1024)
#define SNIFF_SIZE  (64 * 1024)

struct _CtCsvReader {
  CtCsvDecoder *decoder; /* (owned) */
  char *buffer;          /* (owned) one byte longer than size: the scanner's stop */
  gsize size;
  char *head, *tail; /* what was decoded and not handed out; within buffer */
  gboolean ended;    /* the decoder has no more */
  char delimiter;
  guint64 line;   /* of head */
  guint expected; /* columns of the header; 0 while it is read */
  char **header;  /* (owned) */
  char *problem;  /* (owned) (nullable): of the last row */
  CtCsvScan scan; /* of the last row */
  CtCsvScan look; /* of a row further on */
};

/* Decodes more behind tail, making room in front or at the end. Pointers into the buffer are void after it. */
static gboolean
fill (CtCsvReader *self, GError **error)
{
  gsize kept = (gsize) (self->tail - self->head);
  gssize got;

  memmove (self->buffer, self->head, kept);
  if (kept + BUFFER_SIZE / 2 > self->size) {
    self->size *= 2;
    self->buffer = g_realloc (self->buffer, self->size + 1);
  }
  self->head = self->buffer;
  self->tail = self->buffer + kept;
  got = ct_csv_decoder_read (self->decoder, self->tail, self->size - kept, error);
  if (got < 0)
    return FALSE;
  self->tail += got;
  self->ended = got == 0;
  return TRUE;
}

static void G_GNUC_PRINTF (4, 5)
    set_problem (CtCsvReader *self, CtCsvRow *row, guint column, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_free (self->problem);
  self->problem = g_strdup_vprintf (format, args);
  va_end (args);
  row->problem = self->problem;
  row->problem_column = column;
}

/* Doubled quotes become one, in place. */
static void
undouble (CtCsvField *field)
{
  char *to = field->text, *from = field->text, *end = field->text + field->length;

  while (from < end) {
    char *quote = memchr (from, '"', (gsize) (end - from));
    gsize length = (gsize) ((quote ? quote + 1 : end) - from);

    memmove (to, from, length);
    to += length;
    from += length + (quote != NULL);
  }
  field->length = (guint32) (to - field->text);
}

/* Ends each field with a NUL, where its delimiter or quote stood: the row has been scanned for the last time. */
static void
finish_fields (CtCsvScan *scan)
{
  for (guint i = 0; i < scan->n_fields; i++) {
    CtCsvField *field = &scan->fields[i];

    if (field->doubled)
      undouble (field);
    field->text[field->length] = 0;
  }
}

/* Moves head behind what was read, counting lines: before the ends of fields replace the breaks. */
static void
advance (CtCsvReader *self, char *next, gboolean may_hold_breaks)
{
  self->line += may_hold_breaks ? ct_csv_scan_count_lines (self->head, next) : 1;
  self->head = next;
}

/* Shows a row that cannot be read as a row: its text from head to @next, cut at the delimiters; moves behind it. */
static void
give_up_row (CtCsvReader *self, CtCsvRow *row, char *next)
{
  char *end = next;

  while (end > self->head && (end[-1] == '\n' || end[-1] == '\r'))
    end--;
  ct_csv_scan_split (&self->scan, self->head, end, self->delimiter,
                     self->expected > 0 ? self->expected : CT_CSV_MAX_COLUMNS);
  if (end - self->head > CT_CSV_MAX_FIELD)
    self->scan.n_fields = 0;
  advance (self, next, TRUE);
  finish_fields (&self->scan);
}

/* Drops text up to the next line break: a line longer than any row may be. */
static gboolean
skip_line (CtCsvReader *self, GError **error)
{
  char *next;

  while (!ct_csv_scan_line_end (self->head, self->tail, &next) && !self->ended) {
    self->head = self->tail;
    if (!fill (self, error))
      return FALSE;
  }
  self->head = next;
  self->line++;
  self->scan.n_fields = 0;
  return TRUE;
}

/*
 * Quotes that never close, or close in front of something else, have as a rule swallowed the rows behind them: reading
 * goes on at the line after the one at which the field began.
 */
static void
recover_from_quote (CtCsvReader *self, CtCsvRow *row, const char *problem)
{
  guint column = self->scan.n_fields + 1;
  char *next;

  ct_csv_scan_line_end (self->scan.next, self->tail, &next);
  give_up_row (self, row, next);
  set_problem (self, row, column, "%s", problem);
}

/* Whether the second line of a row would be a row by itself: then a quote was left open in the first. */
static gboolean
look_for_tear (CtCsvReader *self, gboolean *torn, GError **error)
{
  CtCsvScanStatus status = CT_CSV_SCAN_MORE;
  char *next;

  *torn = FALSE;
  while (self->scan.quoted && status == CT_CSV_SCAN_MORE) {
    ct_csv_scan_line_end (self->head, self->scan.next, &next);
    if (next >= self->scan.next)
      return TRUE;
    status = ct_csv_scan_row (&self->look, next, self->tail, self->ended, self->delimiter);
    if (status != CT_CSV_SCAN_MORE || self->tail - next > CT_CSV_MAX_ROW)
      break;
    if (!fill (self, error))
      return FALSE;
    ct_csv_scan_row (&self->scan, self->head, self->tail, self->ended, self->delimiter);
  }
  *torn = status == CT_CSV_SCAN_ROW && self->look.n_fields == self->expected;
  return TRUE;
}

static gboolean
refuse_columns (CtCsvReader *self, CtCsvRow *row, GError **error)
{
  guint found = self->scan.n_fields;
  gboolean torn;

  if (!look_for_tear (self, &torn, error))
    return FALSE;
  row->line = self->line;
  if (torn) {
    self->scan.next = self->head;
    recover_from_quote (self, row, _ ("A quoted field has no closing quote"));
    row->problem_column = 0;
    return TRUE;
  }
  advance (self, self->scan.next, self->scan.quoted);
  finish_fields (&self->scan);
  set_problem (self, row, 0,
               g_dngettext (GETTEXT_PACKAGE, "The row has %u column, the header has %u",
                            "The row has %u columns, the header has %u", found),
               found, self->expected);
  return TRUE;
}

/* Empty columns beyond the header are what spreadsheets leave behind. */
static void
drop_empty_tail (CtCsvReader *self)
{
  while (self->scan.n_fields > self->expected && self->scan.fields[self->scan.n_fields - 1].length == 0)
    self->scan.n_fields--;
}

static gboolean
is_blank_row (const CtCsvScan *scan)
{
  for (guint i = 0; i < scan->n_fields; i++)
    if (scan->fields[i].length > 0 || scan->fields[i].quoted)
      return FALSE;
  return TRUE;
}

/* Replaces what is not UTF-8, so that even a refused row can be shown and written. */
static void
sanitise (CtCsvField *field, const char *from)
{
  for (char *at = field->text + (from - field->text); at < field->text + field->length; at++)
    if (*at == 0 || (guint8) *at >= 0x80)
      *at = '?';
}

/* Looks at the bytes of the row about to be handed out. The first problem of a row is the one it is given. */
static void
check_fields (CtCsvReader *self, CtCsvRow *row)
{
  gboolean dirty = ct_csv_decoder_get_dirty (self->decoder);

  for (guint i = 0; i < self->scan.n_fields; i++) {
    CtCsvField *field = &self->scan.fields[i];
    const char *stop, *problem = NULL;

    if (field->length > CT_CSV_MAX_FIELD) {
      field->text[0] = 0;
      field->length = 0;
      problem = _ ("The field is longer than a mebibyte");
    } else if (dirty && !g_utf8_validate_len (field->text, field->length, &stop)) {
      problem = *stop == 0 ? _ ("The field holds a NUL byte")
                           : _ ("The field holds bytes that are no characters of the file's encoding");
      sanitise (field, stop);
    }
    if (problem && !row->problem)
      set_problem (self, row, i + 1, "%s", problem);
  }
}

static gboolean
accept_row (CtCsvReader *self, CtCsvRow *row, GError **error)
{
  if (self->expected > 0) {
    drop_empty_tail (self);
    if (self->scan.n_fields != self->expected)
      return refuse_columns (self, row, error);
  }
  advance (self, self->scan.next, self->scan.quoted);
  finish_fields (&self->scan);
  return TRUE;
}

/* A row that goes on beyond the most bytes a row may have. */
static gboolean
refuse_long_row (CtCsvReader *self, CtCsvRow *row, GError **error)
{
  char *next;

  if (ct_csv_scan_line_end (self->head, self->tail, &next))
    give_up_row (self, row, next);
  else if (!skip_line (self, error))
    return FALSE;
  set_problem (self, row, 0, _ ("The row is longer than %d bytes, or a quoted field has no closing quote"),
               CT_CSV_MAX_ROW);
  return TRUE;
}

/* Scans to the end of the next row that is not blank. @refused says that it is longer than a row may be. */
static gboolean
scan_next (CtCsvReader *self, CtCsvScanStatus *status, gboolean *refused, GError **error)
{
  *refused = FALSE;
  for (;;) {
    *status = ct_csv_scan_row (&self->scan, self->head, self->tail, self->ended, self->delimiter);
    if (*status == CT_CSV_SCAN_MORE) {
      *refused = self->tail - self->head > CT_CSV_MAX_ROW;
      if (*refused)
        return TRUE;
      if (!fill (self, error))
        return FALSE;
    } else if (self->ended && self->head == self->tail)
      return FALSE;
    else if (*status == CT_CSV_SCAN_ROW && is_blank_row (&self->scan))
      advance (self, self->scan.next, FALSE);
    else
      return TRUE;
  }
}

/**
 * ct_csv_reader_next:
 * @row: (out caller-allocates): the row
 *
 * Blank rows are passed over. A row that cannot be used is handed out with its problem, and reading goes on behind it.
 *
 * Returns: whether there was a row; %FALSE without @error at the end, with @error where the stream cannot be read
 */
gboolean
ct_csv_reader_next (CtCsvReader *self, CtCsvRow *row, GError **error)
{
  CtCsvScanStatus status;
  gboolean refused;

  if (!scan_next (self, &status, &refused, error))
    return FALSE;
  *row = (CtCsvRow){ .line = self->line, .fields = self->scan.fields };
  if (refused) {
    if (!refuse_long_row (self, row, error))
      return FALSE;
  } else if (status == CT_CSV_SCAN_ROW) {
    if (!accept_row (self, row, error))
      return FALSE;
  } else if (status == CT_CSV_SCAN_COLUMNS) {
    recover_from_quote (self, row, _ ("The row has more columns than can be read"));
    row->problem_column = 0;
  } else
    recover_from_quote (self, row,
                        status == CT_CSV_SCAN_OPEN_QUOTE ? _ ("A quoted field has no closing quote")
                                                         : _ ("Text follows a closing quote"));
  check_fields (self, row);
  row->n_fields = self->scan.n_fields;
  return TRUE;
}

static gboolean
read_header (CtCsvReader *self, GError **error)
{
  GError *problem = NULL;
  CtCsvRow row;

  if (!ct_csv_reader_next (self, &row, &problem)) {
    if (problem) {
      g_propagate_error (error, problem);
      return FALSE;
    }
    return ct_fail (error, CT_ERROR_INVALID, _ ("The file is empty; its first row should name the columns"));
  }
  if (row.problem)
    return ct_fail (error, CT_ERROR_INVALID,
                    _ ("Line %d, column %u: %s; the first row should name the columns"), (int) row.line,
                    row.problem_column, row.problem);
  self->expected = row.n_fields;
  while (self->expected > 1 && row.fields[self->expected - 1].length == 0)
    self->expected--;
  self->header = g_new0 (char *, self->expected + 1);
  for (guint i = 0; i < self->expected; i++)
    self->header[i] = g_strstrip (g_strdup (row.fields[i].text));
  return TRUE;
}

/**
 * ct_csv_reader_new:
 * @stream: where the bytes come from
 * @format: (nullable): what is known of the file; %NULL to find everything from its bytes
 *
 * Reads the header at once.
 *
 * Returns: (transfer full): the reader, or %NULL with %CT_ERROR_INVALID where there is no header
 */
CtCsvReader *
ct_csv_reader_new (GInputStream *stream, const CtCsvFormat *format, GError **error)
{
  g_autoptr (CtCsvReader) self = g_new0 (CtCsvReader, 1);

  self->decoder = ct_csv_decoder_new (stream, format ? format->encoding : CT_CSV_AUTO, error);
  if (!self->decoder)
    return NULL;
  self->size = BUFFER_SIZE;
  self->buffer = g_malloc (self->size + 1);
  self->head = self->tail = self->buffer;
  self->line = 1;
  while (!self->ended && self->tail - self->head < SNIFF_SIZE)
    if (!fill (self, error))
      return NULL;
  self->delimiter = format ? format->delimiter : 0;
  if (!self->delimiter)
    self->delimiter =
        ct_csv_scan_sniff (&self->scan, self->head, self->head + MIN (self->tail - self->head, SNIFF_SIZE),
                           self->ended && self->tail - self->head <= SNIFF_SIZE);
  return read_header (self, error) ? g_steal_pointer (&self) : NULL;
}

/* Reads the file at @path; see ct_csv_reader_new(). A failure names the file. */
CtCsvReader *
ct_csv_reader_open (const char *path, const CtCsvFormat *format, GError **error)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GFileInputStream) stream = g_file_read (file, NULL, error);
  CtCsvReader *self = stream ? ct_csv_reader_new (G_INPUT_STREAM (stream), format, error) : NULL;

  if (!self)
    g_prefix_error (error, "%s: ", path);
  return self;
}

void
ct_csv_reader_free (CtCsvReader *self)
{
  g_clear_pointer (&self->decoder, ct_csv_decoder_free);
  g_strfreev (self->header);
  g_free (self->problem);
  g_free (self->buffer);
  g_free (self);
}

/* (transfer none): the columns' names, ended by NULL. */
const char *const *
ct_csv_reader_get_header (CtCsvReader *self)
{
  return (const char *const *) self->header;
}

/* The encoding and delimiter the file is read with: as given, or as found. */
CtCsvFormat
ct_csv_reader_get_format (CtCsvReader *self)
{
  return (CtCsvFormat){ .encoding = ct_csv_decoder_get_encoding (self->decoder),
                        .delimiter = self->delimiter };
}

/* Bytes of the file read so far, for a progress bar. */
guint64
ct_csv_reader_get_position (CtCsvReader *self)
{
  return ct_csv_decoder_get_position (self->decoder);
}
