/* Our own files: one CSV for each kind of record, which the profile "canonical" reads back. */
#include "ct-export.h"
#include "ct-csv-writer.h"
#include "ct-kind.h"

#include <glib/gstdio.h>
#include <errno.h>
#include <string.h>

/* One file being written. */
typedef struct {
  const CtKind *kind;
  guint n_fields;
  int currency;        /* field; -1: the last column of the question is the order's */
  CtCsvWriter *writer; /* (unowned) */
} Table;

typedef struct {
  const char *folder;
  CtCsvWriterFlags flags;
  JsonObject *counts;
} Export;

/* id, the fields, links by the key of what they name, and for lines the currency of their order. */
static char *
question (const Table *table)
{
  GString *sql = g_string_new ("SELECT uuid_text(t.id)");

  for (guint i = 0; i < table->n_fields; i++) {
    const CtKindField *field = &table->kind->fields[i];
    const CtKind *linked = field->type == CT_FIELD_LINK ? ct_kind_find (field->link) : NULL;

    if (linked)
      g_string_append_printf (sql, ",(SELECT %s FROM %s WHERE id=t.%s)", linked->key[0], linked->table,
                              field->column);
    else
      g_string_append_printf (sql, ",t.%s", field->column);
  }
  if (strcmp (table->kind->name, "order_line") == 0)
    g_string_append (sql, ",(SELECT currency FROM orders WHERE id=t.order_id)");
  g_string_append_printf (sql, " FROM %s t ORDER BY t.n", table->kind->table);
  return g_string_free (sql, FALSE);
}

/* 12.500 is written as 12.5: the places behind are those of the replica, not of what was measured. */
static char *
plain_decimal (gint64 value, int digits)
{
  char *text = ct_decimal_format (value, digits);
  gsize length = strlen (text);

  while (strchr (text, '.') && (text[length - 1] == '0' || text[length - 1] == '.')) {
    gboolean point = text[length - 1] == '.';

    text[--length] = 0;
    if (point)
      break;
  }
  return text;
}

/* (nullable) (transfer full): the text of a number, time or truth value; NULL for what is written as it stands */
static char *
format_integer (const Table *table, CtStmt *row, int column, const CtKindField *field)
{
  gint64 value = ct_stmt_int (row, column);
  const char *currency;

  switch (field->type) {
  case CT_FIELD_TIME:
    return ct_time_format (value);
  case CT_FIELD_BOOLEAN:
    return g_strdup (value ? "true" : "false");
  case CT_FIELD_DECIMAL:
    return plain_decimal (value, field->digits);
  case CT_FIELD_MONEY:
    currency = ct_stmt_text (row, table->currency >= 0 ? table->currency + 1 : (int) table->n_fields + 1);
    return ct_decimal_format (value, ct_currency_digits (currency));
  default:
    return g_strdup_printf ("%" G_GINT64_FORMAT, value);
  }
}

static void
write_value (const Table *table, CtStmt *row, int column, const CtKindField *field)
{
  gboolean integer = field && ct_stmt_type (row, column) == 'i';
  g_autofree char *formatted = integer ? format_integer (table, row, column, field) : NULL;
  const char *text = integer ? formatted : ct_stmt_text (row, column);

  /* what the reader takes nothing for anyway is written as nothing */
  if (text && !text[0] && field && field->absence == CT_FIELD_DEFAULTED && field->fallback[0] == 0)
    text = NULL;
  ct_csv_writer_text (table->writer, text, -1);
}

static void
write_header (const Table *table)
{
  ct_csv_writer_text (table->writer, "id", -1);
  for (guint i = 0; i < table->n_fields; i++)
    ct_csv_writer_text (table->writer, table->kind->fields[i].name, -1);
  if (strcmp (table->kind->name, "order_line") == 0)
    ct_csv_writer_text (table->writer, "currency", -1);
}

static gboolean
write_rows (const Table *table, CtDb *db, gint64 *n_rows, GError **error)
{
  g_autofree char *sql = question (table);
  g_autoptr (CtStmt) row = ct_db_query (db, error, sql, "");

  while (row && ct_stmt_next (row)) {
    ct_csv_writer_text (table->writer, ct_stmt_text (row, 0), -1);
    for (int i = 1; i < ct_stmt_n_columns (row); i++)
      write_value (table, row, i, i <= (int) table->n_fields ? &table->kind->fields[i - 1] : NULL);
    if (!ct_csv_writer_end_row (table->writer, error))
      return FALSE;
    (*n_rows)++;
  }
  return row && ct_stmt_finish (row, error);
}

static gboolean
write_table (Export *self, CtDb *db, const CtKind *kind, GError **error)
{
  g_autofree char *path = g_build_filename (self->folder, kind->file, NULL);
  g_autoptr (CtCsvWriter) writer = ct_csv_writer_create (path, self->flags, error);
  Table table = { kind, ct_kind_n_fields (kind), ct_kind_field_index (kind, "currency"), writer };
  gint64 n_rows = 0;

  if (!writer)
    return FALSE;
  write_header (&table);
  if (!ct_csv_writer_end_row (writer, error) || !write_rows (&table, db, &n_rows, error) ||
      !ct_csv_writer_close (writer, error))
    return FALSE;
  json_object_set_int_member (self->counts, kind->file, n_rows);
  return TRUE;
}

static gboolean
write_tables (CtDb *db, gpointer data, GError **error)
{
  gboolean ok = ct_db_begin_read (db, error);
  const CtKind *kind;

  for (guint i = 0; ok && (kind = ct_kind_nth (i)); i++)
    ok = write_table (data, db, kind, error);
  if (ct_db_in_transaction (db))
    ct_db_rollback (db);
  return ok;
}

typedef struct {
  const CtExportOptions *options;
  const char *folder;
} Note;

/* No export without a leaf that says who took the records out. */
static gboolean
note_cb (CtDb *db, gpointer data, GError **error)
{
  const Note *note = data;
  g_autoptr (JsonObject) args = ct_json_build ("s", "folder", note->folder);
  g_auto (CtOutcome) outcome = { 0 };
  CtRequest request = {
    .name = "data.export", .args = args, .actor = note->options->actor, .now = note->options->now
  };

  return ct_commander_execute (note->options->commander, db, &request, &outcome, error);
}

/**
 * ct_export_run:
 * @folder: where the files go; made where it is not there
 * @options: who exports, and when
 *
 * Writes every record, archived ones as well: a CSV file for each kind, all of one moment. Amounts are decimals beside
 * their currency, instants RFC 3339, dates ISO 8601; links go by number. Imported into an empty workspace with the profile
 * "canonical" they make the same records again. Blocks.
 *
 * Returns: (transfer full): the rows written, by file; %CT_ERROR_REFUSED where @options' actor may not export
 */
JsonObject *
ct_export_run (const char *folder, const CtExportOptions *options, GError **error)
{
  g_autoptr (JsonObject) counts = json_object_new ();
  Export export = { .folder = folder,
                    .flags = options->guard ? CT_CSV_WRITER_GUARD_FORMULAS : CT_CSV_WRITER_PLAIN,
                    .counts = counts };
  Note note = { options, folder };

  if (!ct_store_write (options->store, note_cb, &note, error))
    return NULL;
  if (g_mkdir_with_parents (folder, 0700) != 0) {
    ct_fail (error, CT_ERROR_FAILED, _ ("Cannot make the folder %s: %s"), folder, g_strerror (errno));
    return NULL;
  }
  return ct_store_read (options->store, write_tables, &export, error) ? g_steal_pointer (&counts) : NULL;
}

static gboolean
export_run (CtCommand *command, GError **error)
{
  ct_command_disclose (command, "folder", ct_arg_text (command, "folder"));
  return TRUE;
}

/* Makes data.export known. */
void
ct_export_register (void)
{
  static const CtArg args[] = { { "folder", 's', 4096 }, { NULL, 0, 0 } };
  static const CtCommandDef defs[] = { { "data.export", "workspace", export_run, 0, args } };

  ct_command_register (defs, G_N_ELEMENTS (defs));
}
