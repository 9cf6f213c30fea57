#include "ct-import-private.h"

#include <string.h>

static void
input_free (gpointer data)
{
  CtImportInput *self = data;

  g_free (self->path);
  g_free (self->name);
  g_free (self);
}

static guint
file_index (CtImport *self, const CtProfileFile *file)
{
  guint index = 0;

  g_ptr_array_find (self->profile->files, file, &index);
  return index;
}

/* Parents before children, as the profile lists them; several files of one entry by name. */
static int
compare_inputs (gconstpointer a, gconstpointer b, gpointer data)
{
  const CtImportInput *x = *(const CtImportInput *const *) a, *y = *(const CtImportInput *const *) b;
  guint i = file_index (data, x->file), k = file_index (data, y->file);

  return i != k ? (i < k ? -1 : 1) : strcmp (x->name, y->name);
}

static void
add_input (CtImport *self, const char *path, const char *name, CtProfileFile *file, int name_column)
{
  CtImportInput *input = g_new0 (CtImportInput, 1);

  input->path = g_strdup (path);
  input->name = g_strdup (name);
  input->file = file;
  input->name_column = name_column;
  g_ptr_array_add (self->inputs, input);
}

static gboolean
add_folder (CtImport *self, const char *folder, GError **error)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, error);
  const char *name;

  while (dir && (name = g_dir_read_name (dir))) {
    g_autofree char *path = g_build_filename (folder, name, NULL);
    CtProfileFile *file = ct_profile_file_for (self->profile, name);

    if (!g_file_test (path, G_FILE_TEST_IS_REGULAR))
      continue;
    if (file)
      add_input (self, path, name, file, -1);
    else
      g_ptr_array_add (self->unknown, g_strdup (name));
  }
  return dir != NULL;
}

/* A report of refused rows holds rows of several files; each becomes an input of its own. */
static gboolean
add_report (CtImport *self, const char *path, CtCsvReader *reader, guint name_column, GError **error)
{
  g_autoptr (GHashTable) names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  GError *problem = NULL;
  CtCsvRow row;

  while (ct_csv_reader_next (reader, &row, &problem)) {
    const char *name = name_column < row.n_fields ? ct_csv_without_guard (row.fields[name_column].text) : "";
    CtProfileFile *file = ct_profile_file_for (self->profile, name);

    if (file && g_hash_table_add (names, g_strdup (name)))
      add_input (self, path, name, file, (int) name_column);
  }
  if (problem) {
    g_propagate_error (error, problem);
    return FALSE;
  }
  return TRUE;
}

static char *
expected_names (CtImport *self)
{
  GString *out = g_string_new (NULL);

  for (guint i = 0; i < self->profile->files->len; i++)
    g_string_append_printf (out, "%s%s", i > 0 ? ", " : "",
                            ((CtProfileFile *) self->profile->files->pdata[i])->pattern);
  return g_string_free (out, FALSE);
}

static gboolean
add_file (CtImport *self, const char *path, GError **error)
{
  g_autofree char *name = g_path_get_basename (path);
  g_autofree char *expected = expected_names (self);
  g_autoptr (CtCsvReader) reader = ct_csv_reader_open (path, &self->format, error);
  const char *const *header = reader ? ct_csv_reader_get_header (reader) : NULL;
  CtProfileFile *file = ct_profile_file_for (self->profile, name);

  if (!reader)
    return FALSE;
  for (guint i = 0; header[i]; i++)
    if (strcmp (header[i], CT_IMPORT_REPORT_FILE) == 0)
      return add_report (self, path, reader, i, error);
  if (!file && self->profile->files->len == 1)
    file = self->profile->files->pdata[0];
  if (!file)
    return ct_fail (error, CT_ERROR_INVALID, _ ("%s is none of the files that the profile %s knows: %s"),
                    name, self->profile->name, expected);
  add_input (self, path, name, file, -1);
  return TRUE;
}

/**
 * ct_import_new:
 * @profile: a shipped profile's name, or the path of one's own
 * @path: a file, a folder of files, or a report of refused rows
 * @format: (nullable): what is known of the files' encoding and delimiter
 *
 * Finds the files of a profile. Nothing is read yet but headers.
 *
 * Returns: (transfer full): the import; %CT_ERROR_NOT_FOUND for an unknown profile or path, %CT_ERROR_INVALID where
 *   nothing at @path fits the profile
 */
CtImport *
ct_import_new (const char *profile, const char *path, const CtCsvFormat *format, GError **error)
{
  g_autoptr (CtImport) self = g_new0 (CtImport, 1);
  gboolean folder = g_file_test (path, G_FILE_TEST_IS_DIR);

  self->inputs = g_ptr_array_new_with_free_func (input_free);
  self->unknown = g_ptr_array_new_with_free_func (g_free);
  self->format = format ? *format : (CtCsvFormat){ 0 };
  self->profile = ct_profile_load (profile, error);
  if (!self->profile)
    return NULL;
  if (!folder && !g_file_test (path, G_FILE_TEST_EXISTS)) {
    ct_fail (error, CT_ERROR_NOT_FOUND, _ ("There is no file or folder %s"), path);
    return NULL;
  }
  if (!(folder ? add_folder (self, path, error) : add_file (self, path, error)))
    return NULL;
  if (folder && self->inputs->len == 0) {
    g_autofree char *expected = expected_names (self);

    ct_fail (error, CT_ERROR_INVALID, _ ("%s holds none of the files that the profile %s knows: %s"), path,
             self->profile->name, expected);
    return NULL;
  }
  g_ptr_array_sort_with_data (self->inputs, compare_inputs, self);
  return g_steal_pointer (&self);
}

void
ct_import_free (CtImport *self)
{
  g_clear_pointer (&self->profile, ct_profile_free);
  g_ptr_array_unref (self->inputs);
  g_ptr_array_unref (self->unknown);
  g_free (self);
}

/* (transfer none) */
CtProfile *
ct_import_get_profile (CtImport *self)
{
  return self->profile;
}

/* Whether a row belongs to the input: every one, but in a report, whose fields are first made what they were. */
gboolean
ct_import_take_row (const CtImportInput *input, CtCsvRow *row)
{
  guint column = (guint) input->name_column;

  if (input->name_column < 0)
    return TRUE;
  for (guint i = 0; i < row->n_fields; i++) {
    char *text = row->fields[i].text;
    guint32 guard = (guint32) (ct_csv_without_guard (text) - text);

    row->fields[i].text += guard;
    row->fields[i].length -= guard;
  }
  return column < row->n_fields && strcmp (row->fields[column].text, input->name) == 0;
}

static gboolean
read_lookup (CtImport *self, const CtImportInput *input, GHashTable *table, GError **error)
{
  g_autoptr (CtCsvReader) reader = ct_csv_reader_open (input->path, &self->format, error);
  const char *const *header = reader ? ct_csv_reader_get_header (reader) : NULL;
  int key = header ? ct_text_index (header, input->file->lookup_key) : -1;
  int value = header ? ct_text_index (header, input->file->lookup_value) : -1;
  GError *problem = NULL;
  CtCsvRow row;

  if (!reader)
    return FALSE;
  if (key < 0 || value < 0)
    return ct_fail (error, CT_ERROR_INVALID, _ ("%s: there is no column \"%s\", which the profile %s needs"),
                    input->name, key < 0 ? input->file->lookup_key : input->file->lookup_value,
                    self->profile->name);
  while (ct_csv_reader_next (reader, &row, &problem))
    if (!row.problem && ct_import_take_row (input, &row))
      g_hash_table_insert (table, g_strdup (row.fields[key].text), g_strdup (row.fields[value].text));
  if (problem) {
    g_propagate_error (error, problem);
    return FALSE;
  }
  return TRUE;
}

/**
 * ct_import_read_lookups:
 *
 * Returns: (transfer full): the profile's lookups by name: tables of texts, empty where their file is not there
 */
GHashTable *
ct_import_read_lookups (CtImport *self, GError **error)
{
  g_autoptr (GHashTable) lookups =
      g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify) g_hash_table_unref);

  for (guint i = 0; i < self->inputs->len; i++) {
    const CtImportInput *input = self->inputs->pdata[i];
    GHashTable *table;

    if (!input->file->lookup)
      continue;
    table = g_hash_table_lookup (lookups, input->file->lookup);
    if (!table) {
      table = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
      g_hash_table_insert (lookups, input->file->lookup, table);
    }
    if (!read_lookup (self, input, table, error))
      return NULL;
  }
  return g_steal_pointer (&lookups);
}

static JsonArray *
texts_array (const char *const *texts)
{
  JsonArray *array = json_array_new ();

  for (guint i = 0; texts && texts[i]; i++)
    json_array_add_string_element (array, texts[i]);
  return array;
}

static JsonArray *
preview_rows (CtCsvReader *reader, const CtImportInput *input, guint n_rows)
{
  JsonArray *rows = json_array_new ();
  CtCsvRow row;

  while (json_array_get_length (rows) < n_rows && ct_csv_reader_next (reader, &row, NULL)) {
    JsonArray *fields;

    if (!ct_import_take_row (input, &row))
      continue;
    fields = json_array_new ();
    for (guint i = 0; i < row.n_fields; i++) {
      g_autofree char *text = ct_text_snippet (row.fields[i].text, 200);

      json_array_add_string_element (fields, text);
    }
    json_array_add_array_element (rows, fields);
  }
  return rows;
}

static JsonObject *
preview_input (CtImport *self, const CtImportInput *input, GHashTable *lookups, guint n_rows, GTimeZone *zone)
{
  g_autoptr (GError) problem = NULL;
  g_autoptr (CtCsvReader) reader = ct_csv_reader_open (input->path, &self->format, &problem);
  g_autoptr (CtMapping) mapping = NULL;
  JsonObject *object = ct_json_build ("ss", "file", input->name, "path", input->path);
  CtCsvFormat format;
  char delimiter[2] = { 0 };

  if (reader) {
    const char *const *header = ct_csv_reader_get_header (reader);

    format = ct_csv_reader_get_format (reader);
    delimiter[0] = format.delimiter;
    json_object_set_string_member (object, "encoding", ct_csv_encoding_name (format.encoding));
    json_object_set_string_member (object, "delimiter", delimiter);
    json_object_set_array_member (object, "header", texts_array (header));
    json_object_set_array_member (object, "rows", preview_rows (reader, input, n_rows));
    mapping = ct_mapping_new (self->profile, input->file, header, lookups, zone, &problem);
  }
  if (mapping)
    json_object_set_array_member (object, "mapping", ct_mapping_describe (mapping));
  if (input->file->lookup)
    json_object_set_string_member (object, "lookup", input->file->lookup);
  if (problem)
    json_object_set_string_member (object, "problem", problem->message);
  return object;
}

/**
 * ct_import_preview:
 * @n_rows: how many rows of each file to show
 * @zone: of the workspace
 *
 * Returns: (transfer full): "profile", "title", "files": for each "file", "encoding", "delimiter", "header", "rows",
 *   "mapping" (record, field, columns) and, where it cannot be imported, "problem"; "unknown": files left alone
 */
JsonObject *
ct_import_preview (CtImport *self, guint n_rows, GTimeZone *zone, GError **error)
{
  g_autoptr (GHashTable) lookups = ct_import_read_lookups (self, NULL);
  JsonArray *files = json_array_new (), *unknown = json_array_new ();

  for (guint i = 0; i < self->inputs->len; i++)
    json_array_add_object_element (files,
                                   preview_input (self, self->inputs->pdata[i], lookups, n_rows, zone));
  for (guint i = 0; i < self->unknown->len; i++)
    json_array_add_string_element (unknown, self->unknown->pdata[i]);
  return ct_json_build ("ssaa", "profile", self->profile->name, "title", self->profile->title, "files", files,
                        "unknown", unknown);
}
