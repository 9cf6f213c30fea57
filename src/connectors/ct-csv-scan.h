#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The bounds of what a file may ask for; a row beyond them is refused, the file is not. */
#define CT_CSV_MAX_COLUMNS 1024
#define CT_CSV_MAX_FIELD   (1024 * 1024)
#define CT_CSV_MAX_ROW     (4 * 1024 * 1024)

/**
 * CtCsvField:
 * @text: the value; ended by a NUL once a reader has handed it out
 * @length: bytes
 * @quoted: whether quotes stood around it, which tells "" from nothing
 * @doubled: whether it still holds doubled quotes
 */
typedef struct {
  char *text;
  guint32 length;
  guint16 quoted;
  guint16 doubled;
} CtCsvField;

/**
 * CtCsvScanStatus:
 * @CT_CSV_SCAN_ROW: a row, complete
 * @CT_CSV_SCAN_MORE: the bytes end within a row
 * @CT_CSV_SCAN_BAD_QUOTE: something other than a delimiter follows a closing quote
 * @CT_CSV_SCAN_OPEN_QUOTE: the file ends within quotes
 * @CT_CSV_SCAN_COLUMNS: more than %CT_CSV_MAX_COLUMNS
 */
typedef enum {
  CT_CSV_SCAN_ROW,
  CT_CSV_SCAN_MORE,
  CT_CSV_SCAN_BAD_QUOTE,
  CT_CSV_SCAN_OPEN_QUOTE,
  CT_CSV_SCAN_COLUMNS,
} CtCsvScanStatus;

/**
 * CtCsvScan:
 * @fields: the fields found, room for %CT_CSV_MAX_COLUMNS
 * @n_fields: how many
 * @next: where the next row begins, or where the trouble is
 * @quoted: whether any field was quoted, so that the row may hold line breaks
 */
typedef struct {
  CtCsvField fields[CT_CSV_MAX_COLUMNS];
  guint n_fields;
  char *next;
  gboolean quoted;
} CtCsvScan;

CtCsvScanStatus ct_csv_scan_row (CtCsvScan *self, char *begin, char *end, gboolean final, char delimiter);
char *ct_csv_scan_line_end (char *begin, char *end, char **next);
guint ct_csv_scan_count_lines (const char *begin, const char *end);
void ct_csv_scan_split (CtCsvScan *self, char *begin, char *end, char delimiter, guint most);
char ct_csv_scan_sniff (CtCsvScan *self, char *begin, char *end, gboolean final);

G_END_DECLS
