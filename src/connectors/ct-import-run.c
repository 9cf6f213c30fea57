#include "ct-import-private.h"
#include "ct-import-chunk.h"

#include <string.h>

/* A chunk ends at so many rows, bytes or refused rows, whichever comes first. */
#define MOST_CHUNK_BYTES (16 * 1024 * 1024)
/* How many errors the result lists; the report has all of them. */
#define MOST_LISTED 100

/* A row that is not taken: where it is, and why. */
typedef struct {
  guint64 line;
  GPtrArray *errors; /* (owned) (element-type CtFieldError) */
} BadRow;

/* Rows on their way: one batch is filled while the one before it is written. */
typedef struct {
  GByteArray *chunk; /* (owned) */
  guint n_rows;      /* in chunk */
  guint64 lines[CT_IMPORT_CHUNK_ROWS];
  GArray *bad; /* (owned) (element-type BadRow): refused before they came into the chunk, and then by it */
  guint64 position; /* bytes of the file read when it was full */
} Batch;

typedef struct _Run Run;

/* A chunk in the store's writer thread, and the thread that waits for it. */
typedef struct {
  Run *run;
  GBytes *bytes;    /* (owned) */
  JsonObject *args; /* (owned) */
  CtRequest request;
  CtOutcome outcome;
  GError *error; /* (owned) (nullable) */
  GThread *thread;
} ChunkJob;

struct _Run {
  CtImport *import;               /* (unowned) */
  const CtImportOptions *options; /* (unowned) */
  CtDb *dry_db;                   /* (unowned) (nullable): the transaction of a dry run */
  GHashTable *lookups;            /* (owned) */
  CtImportReport *report;         /* (owned) (nullable) */
  GHashTable *refused_names;      /* (owned): names of refused records to where they stand */
  JsonObject *records;            /* (owned): counts by kind */
  JsonArray *errors;              /* (owned) */
  gint64 read, created, changed, unchanged, rejected, chunks;
  guint64 done, total;
  gboolean cancelled;

  /* Of the file being read. */
  const CtImportInput *input; /* (unowned) */
  CtCsvReader *reader;        /* (owned) */
  CtCsvReader *again;         /* (owned) (nullable): the same file, at the last refused row */
  CtMapping *mapping;         /* (owned) */
  JsonArray *layouts;         /* (owned) */
  Batch batches[2];
  guint filling;  /* index of the batch that takes rows */
  ChunkJob *sent; /* (owned) (nullable): the other batch, being written */
};

static void
bad_row_clear (gpointer data)
{
  g_ptr_array_unref (((BadRow *) data)->errors);
}

static void
job_free (ChunkJob *self)
{
  if (self->thread)
    g_thread_join (self->thread);
  g_bytes_unref (self->bytes);
  json_object_unref (self->args);
  ct_outcome_clear (&self->outcome);
  g_clear_error (&self->error);
  g_free (self);
}

static void
run_clear (Run *self)
{
  g_clear_pointer (&self->sent, job_free);
  g_clear_pointer (&self->lookups, g_hash_table_unref);
  g_clear_pointer (&self->report, ct_import_report_free);
  g_clear_pointer (&self->refused_names, g_hash_table_unref);
  g_clear_pointer (&self->records, json_object_unref);
  g_clear_pointer (&self->errors, json_array_unref);
  g_clear_pointer (&self->reader, ct_csv_reader_free);
  g_clear_pointer (&self->again, ct_csv_reader_free);
  g_clear_pointer (&self->mapping, ct_mapping_free);
  g_clear_pointer (&self->layouts, json_array_unref);
  for (guint i = 0; i < G_N_ELEMENTS (self->batches); i++) {
    g_clear_pointer (&self->batches[i].chunk, g_byte_array_unref);
    g_clear_pointer (&self->batches[i].bad, g_array_unref);
  }
}

static void
add_bad_row (Batch *batch, guint64 line, GPtrArray *errors)
{
  BadRow bad = { line, g_ptr_array_ref (errors) };

  g_array_append_val (batch->bad, bad);
}

static GPtrArray *
new_errors (void)
{
  return g_ptr_array_new_with_free_func (ct_field_error_free);
}

static gboolean
execute_chunk (CtDb *db, gpointer data, GError **error)
{
  ChunkJob *job = data;
  CtCommander *commander = job->run->options->commander;

  return job->run->dry_db ? ct_commander_execute_bare (commander, db, &job->request, &job->outcome, error)
                          : ct_commander_execute (commander, db, &job->request, &job->outcome, error);
}

static JsonObject *
chunk_args (Run *self, const Batch *batch)
{
  CtHash hash = ct_hash (batch->chunk->data, batch->chunk->len);
  g_autofree char *hex = ct_hash_to_hex (&hash);

  return ct_json_build ("sssisa", "source", self->import->profile->source, "profile",
                        self->import->profile->name, "file", self->input->name, "rows",
                        (gint64) batch->n_rows, "sha256", hex, "records", json_array_ref (self->layouts));
}

static gpointer
wait_for_writer (gpointer data)
{
  ChunkJob *job = data;

  ct_store_write (job->run->options->store, execute_chunk, job, &job->error);
  return NULL;
}

/* Sends the batch at hand to the writer thread; a dry run is there already. */
static void
send_batch (Run *self)
{
  const Batch *batch = &self->batches[self->filling];
  ChunkJob *job = g_new0 (ChunkJob, 1);

  job->run = self;
  job->bytes = g_bytes_new_static (batch->chunk->data, batch->chunk->len);
  job->args = chunk_args (self, batch);
  job->request = (CtRequest){ .name = "import.chunk",
                              .args = job->args,
                              .actor = self->options->actor,
                              .now = self->options->now,
                              .attachment = job->bytes };
  self->sent = job;
  if (self->dry_db)
    execute_chunk (self->dry_db, job, &job->error);
  else
    job->thread = g_thread_new ("ct-import", wait_for_writer, job);
}

static void
add_counts (Run *self, JsonObject *kinds)
{
  static const char *const names[] = { "created", "changed", "unchanged", NULL };
  JsonObjectIter iter;
  const char *kind;

  json_object_iter_init (&iter, kinds);
  while (json_object_iter_next (&iter, &kind, NULL)) {
    JsonObject *counts = ct_json_object (kinds, kind), *sums = ct_json_object (self->records, kind);

    if (!sums) {
      sums = json_object_new ();
      json_object_set_object_member (self->records, kind, sums);
    }
    for (guint i = 0; names[i]; i++)
      json_object_set_int_member (sums, names[i],
                                  ct_json_int (sums, names[i], 0) + ct_json_int (counts, names[i], 0));
  }
}

static void
count_outcomes (Run *self, const Batch *batch, const char *outcomes)
{
  for (guint i = 0; i < batch->n_rows; i++) {
    self->created += outcomes[i] == 'c';
    self->changed += outcomes[i] == 'u';
    /* '.': the row holds no record */
    self->unchanged += outcomes[i] == 's' || outcomes[i] == '.';
  }
}

/* Says of a missing parent where it was refused, if it was. */
static char *
explain (Run *self, JsonObject *refusal)
{
  const char *link = ct_json_string (refusal, "link", NULL);
  g_autofree char *name = g_strdup_printf ("%s\n%s\n%s", link, ct_json_string (refusal, "by", ""),
                                           ct_json_string (refusal, "key", ""));
  const char *place = link ? g_hash_table_lookup (self->refused_names, name) : NULL;

  if (place)
    return g_strdup_printf (_ ("The %s \"%s\" was refused (%s)"), link, ct_json_string (refusal, "key", ""),
                            place);
  return g_strdup (ct_json_string (refusal, "reason", _ ("The record was refused")));
}

static void
take_refusals (Run *self, Batch *batch, JsonArray *refused)
{
  for (guint i = 0; i < json_array_get_length (refused); i++) {
    JsonObject *refusal = json_array_get_object_element (refused, i);
    g_autoptr (GPtrArray) errors = new_errors ();
    g_autofree char *reason = explain (self, refusal);
    const char *name;
    guint column = ct_mapping_locate (self->mapping, ct_json_string (refusal, "kind", ""),
                                      ct_json_string (refusal, "field", NULL), &name);

    g_ptr_array_add (errors, ct_field_error_new (column, name, ct_json_string (refusal, "key", ""), reason));
    add_bad_row (batch, batch->lines[ct_json_int (refusal, "row", 0)], errors);
  }
}

/* Waits for the batch that is being written and takes what became of it. */
static gboolean
receive_batch (Run *self, Batch *batch, GError **error)
{
  ChunkJob *job = self->sent;
  JsonObject *result;

  g_clear_pointer (&job->thread, g_thread_join);
  if (job->error) {
    g_propagate_error (error, g_steal_pointer (&job->error));
    return FALSE;
  }
  result = job->outcome.result;
  count_outcomes (self, batch, ct_json_string (result, "outcomes", ""));
  add_counts (self, ct_json_object (result, "records"));
  take_refusals (self, batch, ct_json_array (result, "refused"));
  g_clear_pointer (&self->sent, job_free);
  self->chunks++;
  return TRUE;
}

static int
compare_bad_rows (gconstpointer a, gconstpointer b)
{
  guint64 x = ((const BadRow *) a)->line, y = ((const BadRow *) b)->line;

  return x < y ? -1 : x > y;
}

static void
list_errors (Run *self, const BadRow *bad)
{
  for (guint i = 0; i < bad->errors->len && json_array_get_length (self->errors) < MOST_LISTED; i++) {
    const CtFieldError *error = bad->errors->pdata[i];

    json_array_add_object_element (
        self->errors, ct_json_build ("siisss", "file", self->input->name, "line", (gint64) bad->line,
                                     "column", (gint64) error->column, "field", error->name, "value",
                                     error->value, "reason", error->reason));
  }
}

static void
remember_names (Run *self, const CtCsvRow *row)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);

  if (row->problem)
    return;
  ct_mapping_names (self->mapping, row, names);
  for (guint i = 0; i < names->len; i++)
    g_hash_table_insert (self->refused_names, g_strdup (names->pdata[i]),
                         g_strdup_printf (_ ("%s, line %d"), self->input->name, (int) row->line));
}

/* Refused rows are rare: they are read again where they stand, instead of every row being kept until its fate is known. */
static gboolean
report_bad_row (Run *self, const BadRow *bad, GError **error)
{
  GError *problem = NULL;
  CtCsvRow row;

  list_errors (self, bad);
  if (!self->again)
    self->again = ct_csv_reader_open (self->input->path, &self->import->format, error);
  if (!self->again)
    return FALSE;
  while (ct_csv_reader_next (self->again, &row, &problem))
    if (row.line == bad->line && ct_import_take_row (self->input, &row)) {
      remember_names (self, &row);
      return !self->report ||
             ct_import_report_add (self->report, self->input, ct_csv_reader_get_header (self->again), &row,
                                   bad->errors, error);
    }
  if (problem) {
    g_propagate_error (error, problem);
    return FALSE;
  }
  return ct_fail (error, CT_ERROR_CONFLICT, _ ("%s has changed while it was imported"), self->input->path);
}

/* Takes the results of a batch that was sent, reports its refused rows, and empties it. */
static gboolean
settle (Run *self, Batch *batch, GError **error)
{
  if (self->sent && !receive_batch (self, batch, error))
    return FALSE;
  if (batch->n_rows == 0 && batch->bad->len == 0)
    return TRUE;
  g_array_sort (batch->bad, compare_bad_rows);
  for (guint i = 0; i < batch->bad->len; i++)
    if (!report_bad_row (self, &g_array_index (batch->bad, BadRow, i), error))
      return FALSE;
  self->rejected += batch->bad->len;
  self->read = self->created + self->changed + self->unchanged + self->rejected;
  g_array_set_size (batch->bad, 0);
  g_byte_array_set_size (batch->chunk, 0);
  batch->n_rows = 0;
  if (self->options->progress)
    self->options->progress (MIN (self->done + batch->position, self->total), self->total, self->read,
                             self->options->progress_data);
  return TRUE;
}

/* Sends the batch at hand as soon as the one before it is settled, and goes on with that one's room. */
static gboolean
flush (Run *self, GError **error)
{
  Batch *batch = &self->batches[self->filling];

  batch->position = ct_csv_reader_get_position (self->reader);
  if (!settle (self, &self->batches[!self->filling], error))
    return FALSE;
  if (g_cancellable_is_cancelled (self->options->cancellable)) {
    self->cancelled = TRUE;
    return TRUE;
  }
  if (batch->n_rows > 0)
    send_batch (self);
  else if (!settle (self, batch, error))
    return FALSE;
  self->filling = !self->filling;
  return TRUE;
}

static void
take_row (Run *self, const CtCsvRow *row)
{
  Batch *batch = &self->batches[self->filling];
  g_autoptr (GPtrArray) errors = new_errors ();
  const char *const *header = ct_csv_reader_get_header (self->reader);

  if (row->problem) {
    guint column = MIN (row->problem_column, g_strv_length ((char **) header));
    guint shown = column > 0 ? column - 1 : 0;

    g_ptr_array_add (errors,
                     ct_field_error_new (column, column > 0 ? header[column - 1] : "",
                                         shown < row->n_fields ? row->fields[shown].text : "", row->problem));
    add_bad_row (batch, row->line, errors);
    return;
  }
  if (!ct_mapping_convert (self->mapping, row, batch->n_rows, batch->chunk, errors)) {
    add_bad_row (batch, row->line, errors);
    return;
  }
  batch->lines[batch->n_rows++] = row->line;
}

static gboolean
is_full (const Batch *batch)
{
  return batch->n_rows == CT_IMPORT_CHUNK_ROWS || batch->bad->len >= CT_IMPORT_CHUNK_ROWS ||
         batch->chunk->len > MOST_CHUNK_BYTES;
}

static gboolean
read_rows (Run *self, GError **error)
{
  GError *problem = NULL;
  CtCsvRow row;

  while (!self->cancelled && ct_csv_reader_next (self->reader, &row, &problem)) {
    if (!ct_import_take_row (self->input, &row))
      continue;
    take_row (self, &row);
    if (is_full (&self->batches[self->filling]) && !flush (self, error))
      return FALSE;
  }
  if (problem) {
    g_propagate_error (error, problem);
    return FALSE;
  }
  if (!self->cancelled && !flush (self, error))
    return FALSE;
  return settle (self, &self->batches[!self->filling], error);
}

static gboolean
read_input (Run *self, const CtImportInput *input, GError **error)
{
  gboolean ok;

  self->input = input;
  self->reader = ct_csv_reader_open (input->path, &self->import->format, error);
  if (!self->reader)
    return FALSE;
  self->mapping = ct_mapping_new (self->import->profile, input->file, ct_csv_reader_get_header (self->reader),
                                  self->lookups, self->options->zone, error);
  if (!self->mapping) {
    g_prefix_error (error, "%s: ", input->name);
    return FALSE;
  }
  self->layouts = ct_mapping_layouts (self->mapping);
  ok = read_rows (self, error);
  self->done += ct_csv_reader_get_position (self->reader);
  g_clear_pointer (&self->reader, ct_csv_reader_free);
  g_clear_pointer (&self->again, ct_csv_reader_free);
  g_clear_pointer (&self->mapping, ct_mapping_free);
  g_clear_pointer (&self->layouts, json_array_unref);
  return ok;
}

static void
measure (Run *self)
{
  for (guint i = 0; i < self->import->inputs->len; i++) {
    const CtImportInput *input = self->import->inputs->pdata[i];
    g_autoptr (GFile) file = g_file_new_for_path (input->path);
    g_autoptr (GFileInfo) info =
        input->file->lookup ? NULL : g_file_query_info (file, G_FILE_ATTRIBUTE_STANDARD_SIZE, 0, NULL, NULL);

    self->total += info ? (guint64) g_file_info_get_size (info) : 0;
  }
}

/* Every file must have the columns it needs before the first row of any is written. */
static gboolean
check_inputs (Run *self, GError **error)
{
  for (guint i = 0; i < self->import->inputs->len; i++) {
    const CtImportInput *input = self->import->inputs->pdata[i];
    g_autoptr (CtCsvReader) reader = ct_csv_reader_open (input->path, &self->import->format, error);
    g_autoptr (CtMapping) mapping = NULL;

    if (!reader)
      return FALSE;
    mapping = ct_mapping_new (self->import->profile, input->file, ct_csv_reader_get_header (reader),
                              self->lookups, self->options->zone, error);
    if (!mapping) {
      g_prefix_error (error, "%s: ", input->name);
      return FALSE;
    }
  }
  return TRUE;
}

/* "invoices (invoices.csv), orders, shipments (book.csv)": what the actor's roles may not write; empty: nothing. */
static void
append_closed (GString *out, Run *self, const CtImportInput *input, GPtrArray *roles)
{
  CtPolicy *policy = ct_commander_get_policy (self->options->commander);
  gboolean first = TRUE;

  for (guint i = 0; i < input->file->records->len; i++) {
    const CtProfileRecord *record = input->file->records->pdata[i];

    if (ct_import_chunk_may (policy, record->kind, record->once, roles))
      continue;
    g_string_append_printf (out, "%s%s", out->len > 0 ? ", " : "", record->kind->table);
    first = FALSE;
  }
  if (!first)
    g_string_append_printf (out, " (%s)", input->name);
}

static gboolean
check_roles_cb (CtDb *db, gpointer data, GError **error)
{
  Run *self = data;
  g_autoptr (GPtrArray) roles = ct_commander_roles (db, self->options->actor, error);
  g_autoptr (GString) closed = g_string_new (NULL);

  if (!roles)
    return FALSE;
  for (guint i = 0; i < self->import->inputs->len; i++)
    append_closed (closed, self, self->import->inputs->pdata[i], roles);
  return closed->len == 0 ||
         ct_fail (error, CT_ERROR_REFUSED,
                  _ ("\"%s\" may not import %s; leave this out, or ask an administrator for the role"),
                  self->options->actor, closed->str);
}

/* What the actor may not import is said before the first row of any file is written. */
static gboolean
check_roles (Run *self, GError **error)
{
  return self->dry_db ? check_roles_cb (self->dry_db, self, error)
                      : ct_store_read (self->options->store, check_roles_cb, self, error);
}

static gboolean
run_inputs (Run *self, GError **error)
{
  self->lookups = ct_import_read_lookups (self->import, error);
  if (!self->lookups || !check_inputs (self, error) || !check_roles (self, error))
    return FALSE;
  if (self->options->errors_path) {
    self->report = ct_import_report_new (self->import, self->options->errors_path, error);
    if (!self->report)
      return FALSE;
  }
  measure (self);
  for (guint i = 0; i < self->import->inputs->len && !self->cancelled; i++) {
    const CtImportInput *input = self->import->inputs->pdata[i];

    if (!input->file->lookup && !read_input (self, input, error))
      return FALSE;
  }
  return !self->report || ct_import_report_close (self->report, error);
}

static gboolean
dry_run_job (CtDb *db, gpointer data, GError **error)
{
  Run *self = data;
  gboolean ok;

  if (!ct_db_begin (db, error))
    return FALSE;
  self->dry_db = db;
  ok = run_inputs (self, error);
  ct_db_rollback (db);
  return ok;
}

/**
 * ct_import_run:
 * @options: who imports, when, where to
 *
 * Imports the files, chunk by chunk; blocks, so that a program with a display calls ct_import_run_async(). A row that
 * cannot be imported is refused with its reason and stops nothing. Rows that are there already are only written where
 * they differ. Cancelled, it leaves whole chunks behind and says how many.
 *
 * Returns: (transfer full): "read", "created", "changed", "unchanged", "rejected": rows, one with a new record is created;
 *   "records" (the same by kind),
 *   "chunks", "dryRun", "cancelled", "errors" (the first hundred: file, line, column, field, value, reason); %NULL where
 *   the import cannot go on: a file without a needed column, an actor who may not import, a failing database
 */
JsonObject *
ct_import_run (CtImport *import, const CtImportOptions *options, GError **error)
{
  g_autofree Run *self = g_new0 (Run, 1);
  JsonObject *result = NULL;
  gboolean ok;

  self->import = import;
  self->options = options;
  self->refused_names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->records = json_object_new ();
  self->errors = json_array_new ();
  for (guint i = 0; i < G_N_ELEMENTS (self->batches); i++) {
    self->batches[i].chunk = g_byte_array_sized_new (1024 * 1024);
    self->batches[i].bad = g_array_new (FALSE, FALSE, sizeof (BadRow));
    g_array_set_clear_func (self->batches[i].bad, bad_row_clear);
  }
  ok =
      options->dry_run ? ct_store_write (options->store, dry_run_job, self, error) : run_inputs (self, error);
  if (ok)
    result =
        ct_json_build ("iiiiioibba", "read", self->read, "created", self->created, "changed", self->changed,
                       "unchanged", self->unchanged, "rejected", self->rejected, "records",
                       g_steal_pointer (&self->records), "chunks", self->chunks, "dryRun", options->dry_run,
                       "cancelled", self->cancelled, "errors", g_steal_pointer (&self->errors));
  run_clear (self);
  return result;
}
