#include "ct-csv-scan.h"

#include <string.h>

static inline void
add_field (CtCsvScan *self, char *begin, char *end, gboolean quoted, gboolean doubled)
{
  self->fields[self->n_fields++] = (CtCsvField){
    .text = begin, .length = (guint32) (end - begin), .quoted = (guint16) quoted, .doubled = (guint16) doubled
  };
}

/* The text after an opening quote; sets next behind the closing one. */
static CtCsvScanStatus
scan_quoted (CtCsvScan *self, char *begin, char *end, gboolean final, char delimiter)
{
  gboolean doubled = FALSE;
  char *close = begin;

  self->quoted = TRUE;
  for (;; close += 2) {
    close = memchr (close, '"', (gsize) (end - close));
    if (!close) {
      self->next = begin - 1;
      return final ? CT_CSV_SCAN_OPEN_QUOTE : CT_CSV_SCAN_MORE;
    }
    if (close + 1 == end && !final)
      return CT_CSV_SCAN_MORE;
    if (close + 1 == end || close[1] != '"')
      break;
    doubled = TRUE;
  }
  for (self->next = close + 1; self->next < end && *self->next == ' '; self->next++)
    ;
  if (self->next == end && !final)
    return CT_CSV_SCAN_MORE;
  if (self->next < end && *self->next != delimiter && *self->next != '\n' && *self->next != '\r') {
    self->next = begin - 1;
    return CT_CSV_SCAN_BAD_QUOTE;
  }
  add_field (self, begin, close, TRUE, doubled);
  return CT_CSV_SCAN_ROW;
}

/**
 * ct_csv_scan_row:
 * @begin: where a row begins
 * @end: the end of the bytes; *@end must be writable, it holds a line feed while scanning
 * @final: whether the file ends at @end
 * @delimiter: between fields
 *
 * Finds the fields of one row (RFC 4180; LF, CRLF and CR end it; a quote inside an unquoted field is a character like
 * any other; spaces between a closing quote and the delimiter are passed over) and changes nothing, so that a row
 * cut off by the end of a buffer can be scanned again.
 */
CtCsvScanStatus
ct_csv_scan_row (CtCsvScan *self, char *begin, char *end, gboolean final, char delimiter)
{
  gboolean stops[256] = { FALSE };
  char *at = begin;

  stops[(guint8) delimiter] = stops['\n'] = stops['\r'] = TRUE;
  *end = '\n';
  self->n_fields = 0;
  self->quoted = FALSE;
  for (;;) {
    if (self->n_fields == CT_CSV_MAX_COLUMNS) {
      self->next = at;
      return CT_CSV_SCAN_COLUMNS;
    }
    if (*at == '"' && at < end) {
      CtCsvScanStatus status = scan_quoted (self, at + 1, end, final, delimiter);

      if (status != CT_CSV_SCAN_ROW)
        return status;
      at = self->next;
    } else {
      char *from = at;

      while (!stops[(guint8) *at])
        at++;
      add_field (self, from, at, FALSE, FALSE);
    }
    if (at == end || *at != delimiter)
      break;
    at++;
  }
  if (!final && (at == end || (*at == '\r' && at + 1 == end)))
    return CT_CSV_SCAN_MORE;
  if (at < end)
    at += *at == '\r' && at + 1 < end && at[1] == '\n' ? 2 : 1;
  self->next = at;
  return CT_CSV_SCAN_ROW;
}

/**
 * ct_csv_scan_line_end:
 * @next: (out): where the next line begins; @end where there is none
 *
 * Returns: the line break after @begin, whatever quotes say; %NULL where there is none before @end
 */
char *
ct_csv_scan_line_end (char *begin, char *end, char **next)
{
  for (char *at = begin; at < end; at++)
    if (*at == '\n' || *at == '\r') {
      *next = at + (*at == '\r' && at + 1 < end && at[1] == '\n' ? 2 : 1);
      return at;
    }
  *next = end;
  return NULL;
}

/* The line breaks in a stretch of text. */
guint
ct_csv_scan_count_lines (const char *begin, const char *end)
{
  guint lines = 0;

  for (const char *at = begin; at < end; at++)
    lines += *at == '\n' || (*at == '\r' && (at + 1 == end || at[1] != '\n'));
  return lines;
}

/**
 * ct_csv_scan_split:
 * @most: how many fields at most; the last one takes the rest
 *
 * Cuts text at every delimiter and takes quotes as they stand: for showing a row that cannot be read otherwise.
 */
void
ct_csv_scan_split (CtCsvScan *self, char *begin, char *end, char delimiter, guint most)
{
  char *at = begin;

  self->n_fields = 0;
  for (;;) {
    char *to = self->n_fields + 1 < most ? memchr (at, delimiter, (gsize) (end - at)) : NULL;

    add_field (self, at, to ? to : end, FALSE, FALSE);
    if (!to)
      return;
    at = to + 1;
  }
}

/* How many of the first rows have as many columns as the first one; 0 where the delimiter does not occur in it. */
static guint
count_agreeing (CtCsvScan *self, char *begin, char *end, gboolean final, char delimiter, guint *columns)
{
  guint agreeing = 0;

  *columns = 0;
  for (guint row = 0; row < 100 && begin < end; row++) {
    CtCsvScanStatus status = ct_csv_scan_row (self, begin, end, final, delimiter);

    if (status == CT_CSV_SCAN_MORE)
      break;
    if (status != CT_CSV_SCAN_ROW) {
      ct_csv_scan_line_end (begin, end, &begin);
      continue;
    }
    if (*columns == 0)
      *columns = self->n_fields;
    agreeing += self->n_fields == *columns && *columns > 1;
    begin = self->next;
  }
  return agreeing;
}

/**
 * ct_csv_scan_sniff:
 * @begin: the beginning of a file, header first
 *
 * Reads the first hundred rows with each delimiter, quotes respected, and takes the one with which most rows have as
 * many columns as the header; among equals, the one that makes more columns.
 *
 * Returns: comma, semicolon or tab; comma where none occurs
 */
char
ct_csv_scan_sniff (CtCsvScan *self, char *begin, char *end, gboolean final)
{
  static const char delimiters[] = { ',', ';', '\t' };
  guint best_agreeing = 0, best_columns = 0;
  char best = ',', behind = *end;

  for (guint i = 0; i < G_N_ELEMENTS (delimiters); i++) {
    guint columns, agreeing = count_agreeing (self, begin, end, final, delimiters[i], &columns);

    if (agreeing > best_agreeing || (agreeing == best_agreeing && agreeing > 0 && columns > best_columns)) {
      best_agreeing = agreeing;
      best_columns = columns;
      best = delimiters[i];
    }
  }
  *end = behind; /* the scanner's stop stood there */
  return best;
}
