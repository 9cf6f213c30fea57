#pragma once

#include "ct-csv-encoding.h"
#include "ct-csv-scan.h"

G_BEGIN_DECLS

/* A CSV file as rows of fields, read as a stream; the first row is the header. */
typedef struct _CtCsvReader CtCsvReader;

/**
 * CtCsvFormat:
 * @encoding: %CT_CSV_AUTO to find it
 * @delimiter: 0 to find it
 *
 * What a person may say about a file that its bytes do not show.
 */
typedef struct {
  CtCsvEncoding encoding;
  char delimiter;
} CtCsvFormat;

/**
 * CtCsvRow:
 * @line: the line it begins at; the header is at line 1
 * @fields: (array length=n_fields): UTF-8, each ended by a NUL; valid until the next row is read
 * @n_fields: as many as the header has, but for a row with a @problem
 * @problem: (nullable): why the row cannot be used, for people; its fields are then the best that can be shown
 * @problem_column: the column of the problem, from 1; 0 where it concerns the row
 *
 * One row of a file.
 */
typedef struct {
  guint64 line;
  CtCsvField *fields;
  guint n_fields;
  const char *problem;
  guint problem_column;
} CtCsvRow;

CtCsvReader *ct_csv_reader_new (GInputStream *stream, const CtCsvFormat *format, GError **error);
CtCsvReader *ct_csv_reader_open (const char *path, const CtCsvFormat *format, GError **error);
void ct_csv_reader_free (CtCsvReader *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtCsvReader, ct_csv_reader_free)

const char *const *ct_csv_reader_get_header (CtCsvReader *self);
CtCsvFormat ct_csv_reader_get_format (CtCsvReader *self);
guint64 ct_csv_reader_get_position (CtCsvReader *self);
gboolean ct_csv_reader_next (CtCsvReader *self, CtCsvRow *row, GError **error);

G_END_DECLS
