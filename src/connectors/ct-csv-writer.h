#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Writes CSV: UTF-8, commas, LF, quotes only where they are needed. */
typedef struct _CtCsvWriter CtCsvWriter;

/**
 * CtCsvWriterFlags:
 * @CT_CSV_WRITER_GUARD_FORMULAS: put an apostrophe before what a spreadsheet would run as a formula;
 *   ct_csv_without_guard() takes it off again
 */
typedef enum {
  CT_CSV_WRITER_PLAIN = 0,
  CT_CSV_WRITER_GUARD_FORMULAS = 1 << 0,
} CtCsvWriterFlags;

CtCsvWriter *ct_csv_writer_new (GOutputStream *stream, CtCsvWriterFlags flags);
CtCsvWriter *ct_csv_writer_create (const char *path, CtCsvWriterFlags flags, GError **error);
void ct_csv_writer_free (CtCsvWriter *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtCsvWriter, ct_csv_writer_free)

void ct_csv_writer_text (CtCsvWriter *self, const char *text, gssize length);
const char *ct_csv_without_guard (const char *text);
gboolean ct_csv_writer_end_row (CtCsvWriter *self, GError **error);
gboolean ct_csv_writer_row (CtCsvWriter *self, const char *const *fields, GError **error);
gboolean ct_csv_writer_close (CtCsvWriter *self, GError **error);

G_END_DECLS
