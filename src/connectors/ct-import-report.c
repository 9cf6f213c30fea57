#include "ct-import-private.h"

#include <string.h>

struct _CtImportReport {
  CtCsvWriter *writer; /* (owned) */
  GPtrArray *columns;  /* (owned) (element-type utf8): of all files, after those of the report */
};

static const char *const own_columns[] = {
  CT_IMPORT_REPORT_FILE, "error_line", "error_column", "error_field", "error_value", "error_reason", NULL
};

/* Whether a column is one that a report adds. */
gboolean
ct_import_report_is_column (const char *name)
{
  return ct_text_index (own_columns, name) >= 0;
}

static gboolean
collect_columns (CtImportReport *self, CtImport *import, GError **error)
{
  for (guint i = 0; i < import->inputs->len; i++) {
    CtImportInput *input = import->inputs->pdata[i];
    g_autoptr (CtCsvReader) reader = ct_csv_reader_open (input->path, &import->format, error);
    const char *const *header = reader ? ct_csv_reader_get_header (reader) : NULL;

    if (!reader)
      return FALSE;
    for (guint k = 0; header[k]; k++)
      if (!ct_import_report_is_column (header[k]) &&
          !g_ptr_array_find_with_equal_func (self->columns, header[k], g_str_equal, NULL))
        g_ptr_array_add (self->columns, g_strdup (header[k]));
  }
  return TRUE;
}

/**
 * ct_import_report_new:
 * @import: whose files' columns it has
 * @path: the file to write; it appears when the report is closed
 *
 * Returns: (transfer full): the report, its header written
 */
CtImportReport *
ct_import_report_new (CtImport *import, const char *path, GError **error)
{
  g_autoptr (CtImportReport) self = g_new0 (CtImportReport, 1);

  self->columns = g_ptr_array_new_with_free_func (g_free);
  if (!collect_columns (self, import, error))
    return NULL;
  self->writer = ct_csv_writer_create (path, CT_CSV_WRITER_GUARD_FORMULAS, error);
  if (!self->writer)
    return NULL;
  for (guint i = 0; own_columns[i]; i++)
    ct_csv_writer_text (self->writer, own_columns[i], -1);
  for (guint i = 0; i < self->columns->len; i++)
    ct_csv_writer_text (self->writer, self->columns->pdata[i], -1);
  return ct_csv_writer_end_row (self->writer, error) ? g_steal_pointer (&self) : NULL;
}

void
ct_import_report_free (CtImportReport *self)
{
  g_clear_pointer (&self->writer, ct_csv_writer_free);
  g_ptr_array_unref (self->columns);
  g_free (self);
}

static void
append_part (GString *out, const char *text)
{
  if (out->len > 0)
    g_string_append (out, "; ");
  g_string_append (out, text);
}

static void
write_errors (CtImportReport *self, const CtImportInput *input, const CtCsvRow *row, GPtrArray *errors)
{
  g_autofree char *line = g_strdup_printf ("%" G_GUINT64_FORMAT, row->line);
  g_autoptr (GString) columns = g_string_new (NULL);
  g_autoptr (GString) fields = g_string_new (NULL);
  g_autoptr (GString) values = g_string_new (NULL);
  g_autoptr (GString) reasons = g_string_new (NULL);

  for (guint i = 0; i < errors->len; i++) {
    const CtFieldError *error = errors->pdata[i];
    g_autofree char *column = error->column > 0 ? g_strdup_printf ("%u", error->column) : g_strdup ("");

    append_part (columns, column);
    append_part (fields, error->name);
    append_part (values, error->value);
    append_part (reasons, error->reason);
  }
  ct_csv_writer_text (self->writer, input->name, -1);
  ct_csv_writer_text (self->writer, line, -1);
  ct_csv_writer_text (self->writer, columns->len > 0 ? columns->str : NULL, -1);
  ct_csv_writer_text (self->writer, fields->len > 0 ? fields->str : NULL, -1);
  ct_csv_writer_text (self->writer, values->len > 0 ? values->str : NULL, -1);
  ct_csv_writer_text (self->writer, reasons->str, -1);
}

/* The field of @row under the column @name; NULL where the file has none. A row with more fields than the header keeps
 * the rest in its last column. */
static void
write_field (CtImportReport *self, const char *name, const char *const *header, const CtCsvRow *row)
{
  g_autoptr (GString) rest = NULL;
  guint i = 0;

  while (header[i] && strcmp (header[i], name) != 0)
    i++;
  if (!header[i] || i >= row->n_fields) {
    ct_csv_writer_text (self->writer, NULL, 0);
    return;
  }
  if (header[i + 1] || row->n_fields == i + 1) {
    gboolean nothing = row->fields[i].length == 0 && !row->fields[i].quoted;

    ct_csv_writer_text (self->writer, nothing ? NULL : row->fields[i].text, (gssize) row->fields[i].length);
    return;
  }
  rest = g_string_new (row->fields[i].text);
  while (++i < row->n_fields)
    g_string_append_printf (rest, ",%s", row->fields[i].text);
  ct_csv_writer_text (self->writer, rest->str, (gssize) rest->len);
}

/**
 * ct_import_report_add:
 * @header: of the file that @row is from
 * @errors: (element-type CtFieldError): what is wrong with it
 *
 * Writes a refused row. The report is itself a file to import with the same profile: the first column says which of the
 * profile's files a row belongs to.
 */
gboolean
ct_import_report_add (CtImportReport *self, const CtImportInput *input, const char *const *header,
                      const CtCsvRow *row, GPtrArray *errors, GError **error)
{
  write_errors (self, input, row, errors);
  for (guint i = 0; i < self->columns->len; i++)
    write_field (self, self->columns->pdata[i], header, row);
  return ct_csv_writer_end_row (self->writer, error);
}

/* Puts the report at its path. */
gboolean
ct_import_report_close (CtImportReport *self, GError **error)
{
  return ct_csv_writer_close (self->writer, error);
}
