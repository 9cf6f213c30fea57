#include "ct-mapping-private.h"

#include <string.h>

void
ct_field_error_free (gpointer self)
{
  CtFieldError *error = self;

  g_free (error->name);
  g_free (error->value);
  g_free (error->reason);
  g_free (error);
}

CtFieldError *
ct_field_error_new (guint column, const char *name, const char *value, const char *reason)
{
  CtFieldError *self = g_new0 (CtFieldError, 1);

  self->column = column;
  self->name = g_strdup (name ? name : "");
  self->value = ct_text_snippet (value ? value : "", 60);
  self->reason = g_strdup (reason);
  return self;
}

static int
find_column (CtMapping *self, const char *name)
{
  int found = -1;

  for (int i = 0; self->header[i]; i++)
    if (strcmp (self->header[i], name) == 0) {
      if (found >= 0)
        return -2;
      found = i;
    }
  return found;
}

static gboolean
bind_column (CtMapping *self, const char *name, gboolean optional, int *column, GError **error)
{
  int found = find_column (self, name);

  if (found == -2)
    return ct_fail (error, CT_ERROR_INVALID, _ ("Two columns are called \"%s\""), name);
  if (found < 0 && !optional)
    return ct_fail (error, CT_ERROR_INVALID, _ ("There is no column \"%s\", which the profile %s needs"),
                    name, self->profile->name);
  *column = found;
  return TRUE;
}

static CtFieldType
type_of (const CtKind *kind, int field)
{
  if (field == CT_BINDING_CURRENCY)
    return CT_FIELD_CURRENCY;
  return field == CT_BINDING_ID ? CT_FIELD_TEXT : kind->fields[field].type;
}

static gboolean
bind_field (CtMapping *self, BoundRecord *record, const CtBinding *binding, GHashTable *lookups,
            GError **error)
{
  BoundField *field = &record->fields[record->n_fields++];
  gboolean found = !binding->columns;

  *field = (BoundField){ .binding = binding };
  field->type = type_of (record->record->kind, binding->field);
  field->kind_field = binding->field >= 0 ? &record->record->kind->fields[binding->field] : NULL;
  field->lookup = binding->lookup && lookups ? g_hash_table_lookup (lookups, binding->lookup) : NULL;
  for (guint i = 0; binding->columns && binding->columns[i]; i++, field->n_columns++) {
    if (!bind_column (self, binding->columns[i], binding->optional, &field->columns[i], error))
      return FALSE;
    found = found || field->columns[i] >= 0;
  }
  /* a file that lacks an optional column says nothing of the field, which is not the same as saying it is empty */
  if (!found)
    record->n_fields--;
  return TRUE;
}

static gboolean
bind_record (CtMapping *self, const CtProfileRecord *profile, GHashTable *lookups, GError **error)
{
  BoundRecord *record = &self->records[self->n_records++];

  record->record = profile;
  record->fields = g_new0 (BoundField, profile->bindings->len);
  record->when = -1;
  for (guint i = 0; profile->key && profile->key[i] && i < MOST_COLUMNS; i++, record->n_key++)
    if (!bind_column (self, profile->key[i], FALSE, &record->key[i], error))
      return FALSE;
  if (profile->when && !bind_column (self, profile->when, FALSE, &record->when, error))
    return FALSE;
  for (guint i = 0; i < profile->bindings->len; i++)
    if (!bind_field (self, record, profile->bindings->pdata[i], lookups, error))
      return FALSE;
  return TRUE;
}

/**
 * ct_mapping_new:
 * @profile: must outlive the mapping
 * @file: of @profile
 * @header: the file's columns, ended by NULL
 * @lookups: (nullable): lookups by name: tables of texts; must outlive the mapping
 * @zone: in which a day begins
 *
 * Returns: (transfer full): the mapping; %CT_ERROR_INVALID where the file lacks a column
 */
CtMapping *
ct_mapping_new (CtProfile *profile, CtProfileFile *file, const char *const *header, GHashTable *lookups,
                GTimeZone *zone, GError **error)
{
  g_autoptr (CtMapping) self = g_new0 (CtMapping, 1);

  self->profile = profile;
  self->header = g_strdupv ((char **) header);
  self->records = g_new0 (BoundRecord, file->records->len);
  self->zone = g_time_zone_ref (zone);
  self->midnights = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  self->scratch = g_string_new (NULL);
  self->scratch_two = g_string_new (NULL);
  for (guint i = 0; i < file->records->len; i++)
    if (!bind_record (self, file->records->pdata[i], lookups, error))
      return NULL;
  return g_steal_pointer (&self);
}

void
ct_mapping_free (CtMapping *self)
{
  for (guint i = 0; i < self->n_records; i++)
    g_free (self->records[i].fields);
  g_free (self->records);
  g_strfreev (self->header);
  g_time_zone_unref (self->zone);
  g_hash_table_unref (self->midnights);
  g_string_free (self->scratch, TRUE);
  g_string_free (self->scratch_two, TRUE);
  g_free (self);
}

/**
 * ct_mapping_layouts:
 *
 * Returns: (transfer full): the "records" of an import command: what ct_mapping_convert() writes, record by record
 */
JsonArray *
ct_mapping_layouts (CtMapping *self)
{
  JsonArray *layouts = json_array_new ();

  for (guint i = 0; i < self->n_records; i++) {
    BoundRecord *record = &self->records[i];
    JsonArray *fields = json_array_new ();
    JsonObject *by = json_object_new ();

    if (record->n_key > 0)
      json_array_add_string_element (fields, "external_ref");
    for (guint k = 0; k < record->n_fields; k++) {
      const BoundField *field = &record->fields[k];

      if (field->binding->field == CT_BINDING_CURRENCY)
        continue;
      json_array_add_string_element (fields, ct_mapping_field_name (field));
      if (field->binding->by)
        json_object_set_string_member (by, ct_mapping_field_name (field), field->binding->by);
    }
    json_array_add_object_element (layouts,
                                   ct_json_build ("sbbbao", "kind", record->record->kind->name, "keyed",
                                                  record->n_key > 0, "once", record->record->once, "totals",
                                                  record->record->totals, "fields", fields, "by", by));
  }
  return layouts;
}

/**
 * ct_mapping_describe:
 *
 * Returns: (transfer full): for a preview: an object per field with "record", "field", "columns" and "value"
 */
JsonArray *
ct_mapping_describe (CtMapping *self)
{
  JsonArray *list = json_array_new ();

  for (guint i = 0; i < self->n_records; i++)
    for (guint k = 0; k < self->records[i].n_fields; k++) {
      const BoundField *field = &self->records[i].fields[k];
      JsonArray *columns = json_array_new ();

      for (guint c = 0; c < field->n_columns; c++)
        if (field->columns[c] >= 0)
          json_array_add_string_element (columns, self->header[field->columns[c]]);
      json_array_add_object_element (list,
                                     ct_json_build ("ssas", "record", self->records[i].record->kind->name,
                                                    "field", ct_mapping_field_name (field), "columns",
                                                    columns, "value", field->binding->value));
    }
  return list;
}

static Text
column_text (CtMapping *self, int column)
{
  const CtCsvField *field = column >= 0 ? &self->row->fields[column] : NULL;

  if (!field || (field->length == 0 && !field->quoted))
    return (Text){ NULL, 0 };
  return (Text){ field->text, field->length };
}

static Text
put_together (CtMapping *self, const BoundField *field)
{
  const char *join = field->binding->join ? field->binding->join : " ";

  if (field->n_columns == 1)
    return column_text (self, field->columns[0]);
  g_string_truncate (self->scratch, 0);
  for (guint i = 0; i < field->n_columns; i++) {
    Text part = column_text (self, field->columns[i]);

    if (part.length == 0)
      continue;
    if (field->binding->first)
      return part;
    if (self->scratch->len > 0)
      g_string_append (self->scratch, join);
    g_string_append_len (self->scratch, part.text, (gssize) part.length);
  }
  return self->scratch->len > 0 ? (Text){ self->scratch->str, self->scratch->len } : (Text){ NULL, 0 };
}

static Text
text_of (const char *text)
{
  return (Text){ text, text ? strlen (text) : 0 };
}

/* Lookups and maps; FALSE where the text is none they know. */
static gboolean
translate (CtMapping *self, const BoundField *field, Text *text)
{
  const CtBinding *binding = field->binding;

  if (text->length > 0 && binding->lookup) {
    const char *found = field->lookup ? g_hash_table_lookup (field->lookup, text->text) : NULL;

    if (!found && !binding->map && !binding->keep && !binding->otherwise)
      return ct_mapping_refuse (self, field, text->text, _ ("The lookup has no such key"));
    if (found) {
      *text = text_of (found);
      return TRUE;
    }
  }
  if (text->length > 0 && (binding->map || binding->lookup)) {
    const char *found = binding->map ? g_hash_table_lookup (binding->map, text->text) : NULL;

    if (!found && !binding->otherwise && !binding->keep)
      return ct_mapping_refuse (self, field, text->text,
                                _ ("The profile does not say what this value means"));
    if (found || !binding->keep)
      *text = text_of (found ? found : binding->otherwise);
  }
  return TRUE;
}

/* "N/A" and the like; an entry that ends with '*' stands for every text that begins so. */
static gboolean
means_nothing (const CtBinding *binding, const char *text)
{
  for (guint i = 0; binding->empties && binding->empties[i]; i++) {
    const char *star = strchr (binding->empties[i], '*');

    if (star && !star[1] ? strncmp (text, binding->empties[i], (gsize) (star - binding->empties[i])) == 0
                         : strcmp (text, binding->empties[i]) == 0)
      return TRUE;
  }
  return FALSE;
}

/* Everything a binding does to a text before its type is looked at. */
static gboolean
find_text (CtMapping *self, const BoundField *field, Text *text)
{
  const CtBinding *binding = field->binding;

  *text = binding->value ? text_of (binding->value) : put_together (self, field);
  if (text->length > 0 && means_nothing (binding, text->text))
    *text = (Text){ NULL, 0 };
  if (binding->present)
    *text = text_of (text->length > 0 ? binding->present : binding->absent);
  else if (!translate (self, field, text))
    return FALSE;
  if (text->length == 0 && binding->fallback)
    *text = text_of (binding->fallback);
  if (text->length > 0 && binding->prefix) {
    g_string_assign (self->scratch_two, binding->prefix);
    g_string_append_len (self->scratch_two, text->text, (gssize) text->length);
    *text = (Text){ self->scratch_two->str, self->scratch_two->len };
  }
  return TRUE;
}

static gboolean
convert_field (CtMapping *self, const BoundField *field, GByteArray *chunk)
{
  const CtKindField *kind_field = field->kind_field;
  gboolean required = field->binding->required || (kind_field && kind_field->absence == CT_FIELD_REQUIRED);
  Text text;

  if (!find_text (self, field, &text))
    return FALSE;
  if (text.length == 0 && required && !(kind_field && strcmp (kind_field->name, "number") == 0))
    return ct_mapping_refuse (self, field, "", _ ("The field is empty"));
  if (field->type == CT_FIELD_TEXT && text.text && text.length == 0 && field->binding->field >= 0 &&
      strcmp (kind_field->name, "number") != 0)
    return ct_mapping_append (self, field, text, chunk);
  if (text.length == 0) {
    if (field->binding->field != CT_BINDING_CURRENCY)
      ct_chunk_append_nothing (chunk);
    return TRUE;
  }
  return ct_mapping_append (self, field, text, chunk);
}

/* A record's reference in its source: the texts of its key columns. */
static gboolean
convert_key (CtMapping *self, const BoundRecord *record, GByteArray *chunk)
{
  g_string_truncate (self->scratch, 0);
  for (guint i = 0; i < record->n_key; i++) {
    const CtCsvField *field = &self->row->fields[record->key[i]];

    if (field->length == 0 || field->length > 200) {
      g_ptr_array_add (
          self->errors,
          ct_field_error_new ((guint) record->key[i] + 1, self->header[record->key[i]], field->text,
                              field->length == 0 ? _ ("The field is empty") : _ ("The text is too long")));
      return FALSE;
    }
    if (i > 0)
      g_string_append_c (self->scratch, '/');
    g_string_append_len (self->scratch, field->text, field->length);
  }
  if (record->n_key > 0)
    ct_chunk_append_text (chunk, self->scratch->str, self->scratch->len);
  return TRUE;
}

/**
 * ct_mapping_convert:
 * @row: without a problem of its own
 * @index: of the row in the chunk
 * @chunk: its records are appended to it
 * @errors: (element-type CtFieldError): what is wrong is appended to it
 *
 * Converts a row. All of its fields are looked at, so that every mistake is told at once; with one of them nothing is
 * left in @chunk.
 *
 * Returns: whether the row can be imported
 */
gboolean
ct_mapping_convert (CtMapping *self, const CtCsvRow *row, guint32 index, GByteArray *chunk, GPtrArray *errors)
{
  guint before = chunk->len;
  gboolean ok = TRUE;

  self->row = row;
  self->errors = errors;
  for (guint i = 0; i < self->n_records; i++) {
    const BoundRecord *record = &self->records[i];

    if (record->when >= 0 && row->fields[record->when].length == 0)
      continue;
    self->currency[0] = 0;
    self->currency_digits = 2;
    ct_chunk_append_record (chunk, i, index);
    ok = convert_key (self, record, chunk) && ok;
    for (guint k = 0; k < record->n_fields; k++)
      ok = convert_field (self, &record->fields[k], chunk) && ok;
  }
  if (!ok)
    g_byte_array_set_size (chunk, before);
  return ok;
}

/**
 * ct_mapping_locate:
 * @name: (out): of the column; the field's own where no column fills it
 *
 * Returns: the column that fills a field, from 1; 0 where none does
 */
guint
ct_mapping_locate (CtMapping *self, const char *kind, const char *field, const char **name)
{
  *name = field ? field : "";
  for (guint i = 0; field && i < self->n_records; i++) {
    const BoundRecord *record = &self->records[i];

    for (guint k = 0; strcmp (record->record->kind->name, kind) == 0 && k < record->n_fields; k++)
      if (strcmp (ct_mapping_field_name (&record->fields[k]), field) == 0 &&
          record->fields[k].n_columns > 0 && record->fields[k].columns[0] >= 0) {
        *name = self->header[record->fields[k].columns[0]];
        return (guint) record->fields[k].columns[0] + 1;
      }
  }
  return 0;
}

/**
 * ct_mapping_names:
 * @names: (element-type utf8): appended to: how other rows would name the records of this one, as
 *   "kind\nby\ntext" with nothing as @by for the reference in the source
 */
void
ct_mapping_names (CtMapping *self, const CtCsvRow *row, GPtrArray *names)
{
  g_autoptr (GByteArray) scratch = g_byte_array_new ();
  g_autoptr (GPtrArray) ignored = g_ptr_array_new_with_free_func (ct_field_error_free);

  self->row = row;
  self->errors = ignored;
  for (guint i = 0; i < self->n_records; i++) {
    const BoundRecord *record = &self->records[i];
    const CtKind *kind = record->record->kind;

    if (record->n_key > 0 && convert_key (self, record, scratch))
      g_ptr_array_add (names, g_strdup_printf ("%s\n\n%s", kind->name, self->scratch->str));
    for (guint k = 0; k < record->n_fields; k++) {
      Text text;

      if (strcmp (ct_mapping_field_name (&record->fields[k]), kind->key[0]) == 0 &&
          find_text (self, &record->fields[k], &text) && text.length > 0)
        g_ptr_array_add (names, g_strdup_printf ("%s\n%s\n%s", kind->name, kind->key[0], text.text));
    }
  }
}
