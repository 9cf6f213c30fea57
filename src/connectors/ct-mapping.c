#include "ct-mapping.h"

#include <string.h>

/* The longest text a field of a record takes. */
#define MOST_TEXT    (64 * 1024)
#define MOST_COLUMNS 8

/* A binding and where its columns are in the file at hand; -1: an optional column the file does not have. */
typedef struct {
  const CtBinding *binding;      /* (unowned) */
  const CtKindField *kind_field; /* (unowned) (nullable) */
  CtFieldType type;
  int columns[MOST_COLUMNS];
  guint n_columns;
  GHashTable *lookup; /* (unowned) (nullable) */
} BoundField;

typedef struct {
  const CtProfileRecord *record; /* (unowned) */
  BoundField *fields;            /* (owned) */
  guint n_fields;
  int key[MOST_COLUMNS];
  guint n_key;
  int when; /* -1: always */
} BoundRecord;

struct _CtMapping {
  CtProfile *profile;   /* (unowned) */
  char **header;        /* (owned) */
  BoundRecord *records; /* (owned) */
  guint n_records;
  GTimeZone *zone;       /* (owned) */
  GHashTable *midnights; /* (owned): day since 1970 to the instant it begins */
  GString *scratch;      /* (owned): texts put together */
  GString *scratch_two;  /* (owned): and with a prefix */
  const CtCsvRow *row;   /* (unowned): being converted */
  GPtrArray *errors;     /* (unowned): of it */
  char currency[4];      /* of the record being converted */
  int currency_digits;
};

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

static const char *
field_name (const BoundField *field)
{
  return field->kind_field                        ? field->kind_field->name
         : field->binding->field == CT_BINDING_ID ? "id"
                                                  : "currency";
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
      json_array_add_string_element (fields, field_name (field));
      if (field->binding->by)
        json_object_set_string_member (by, field_name (field), field->binding->by);
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
      json_array_add_object_element (
          list, ct_json_build ("ssas", "record", self->records[i].record->kind->name, "field",
                               field_name (field), "columns", columns, "value", field->binding->value));
    }
  return list;
}

static gboolean
refuse (CtMapping *self, const BoundField *field, const char *text, const char *reason)
{
  int column = field->n_columns > 0 ? field->columns[0] : -1;
  const char *name = column >= 0 ? self->header[column] : field_name (field);

  /* several fields may read one column: its mistake is told once */
  for (guint i = 0; i < self->errors->len; i++) {
    const CtFieldError *told = self->errors->pdata[i];

    if (column >= 0 && told->column == (guint) column + 1)
      return FALSE;
  }
  g_ptr_array_add (self->errors, ct_field_error_new ((guint) (column + 1), name, text, reason));
  return FALSE;
}

/* A text on its way from the columns to the record; NULL is nothing. */
typedef struct {
  const char *text;
  gsize length;
} Text;

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
      return refuse (self, field, text->text, _ ("The lookup has no such key"));
    if (found) {
      *text = text_of (found);
      return TRUE;
    }
  }
  if (text->length > 0 && (binding->map || binding->lookup)) {
    const char *found = binding->map ? g_hash_table_lookup (binding->map, text->text) : NULL;

    if (!found && !binding->otherwise && !binding->keep)
      return refuse (self, field, text->text, _ ("The profile does not say what this value means"));
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

/* Numbers as people write them: spaces between thousands, also those that do not break. */
static gboolean
parse_number (const char *text, int digits, gint64 *value)
{
  char plain[64];
  gsize n = 0;

  if (ct_decimal_parse (text, digits, value))
    return TRUE;
  for (; *text; text = g_utf8_next_char (text)) {
    gunichar c = g_utf8_get_char (text);

    if (c == ' ' || c == 0xa0 || c == 0x202f || c == '\t')
      continue;
    if (c >= 0x80 || n + 1 >= sizeof plain)
      return FALSE;
    plain[n++] = (char) c;
  }
  plain[n] = 0;
  return ct_decimal_parse (plain, digits, value);
}

static gboolean
convert_integer (CtMapping *self, const BoundField *field, const char *text, int digits, GByteArray *chunk)
{
  const CtKindField *kind_field = field->kind_field;
  gint64 value;

  if (!parse_number (text, digits, &value))
    return refuse (self, field, text, _ ("This is not a number"));
  if (field->type == CT_FIELD_INTEGER) {
    if (value % 1000 != 0)
      return refuse (self, field, text, _ ("This is not a whole number"));
    value /= 1000;
  }
  if (kind_field->most > 0 && (value < kind_field->least || value > kind_field->most))
    return refuse (self, field, text, _ ("The number is out of range"));
  ct_chunk_append_integer (chunk, value);
  return TRUE;
}

static gboolean
parse_date (CtMapping *self, const BoundField *field, const char *text, char date[CT_DATE_SIZE])
{
  char **formats = field->binding->formats ? field->binding->formats : self->profile->formats;

  for (guint i = 0; formats[i]; i++)
    if (ct_date_parse (text, formats[i], date))
      return TRUE;
  return FALSE;
}

static gboolean
convert_date (CtMapping *self, const BoundField *field, const char *text, GByteArray *chunk)
{
  char date[CT_DATE_SIZE];

  if (!parse_date (self, field, text, date))
    return refuse (self, field, text, _ ("This is not a date of the profile's form"));
  ct_chunk_append_text (chunk, date, CT_DATE_SIZE - 1);
  return TRUE;
}

/* A zone's midnight is dear to find, and the days of a file are few. */
static gint64
midnight (CtMapping *self, const char *date)
{
  gint64 day = ct_date_to_days (date);
  gint64 *known = g_hash_table_lookup (self->midnights, &day);

  if (!known) {
    gint64 ms = ct_date_to_time (date, self->zone);

    known = g_memdup2 (&ms, sizeof ms);
    g_hash_table_insert (self->midnights, g_memdup2 (&day, sizeof day), known);
  }
  return *known;
}

static gboolean
convert_time (CtMapping *self, const BoundField *field, const char *text, GByteArray *chunk)
{
  char date[CT_DATE_SIZE];
  gint64 ms;

  if (parse_date (self, field, text, date))
    ms = midnight (self, date);
  else if (!ct_time_parse (text, &ms))
    return refuse (self, field, text, _ ("This is neither a time nor a date of the profile's form"));
  ct_chunk_append_integer (chunk, ms);
  return TRUE;
}

static gboolean
convert_boolean (CtMapping *self, const BoundField *field, const char *text, GByteArray *chunk)
{
  static const char *const words[] = { "0", "1", "false", "true", "no", "yes", "f", "t", "n", "y", NULL };
  g_autofree char *lower = g_ascii_strdown (text, -1);
  int index = ct_text_index (words, lower);

  if (index < 0)
    return refuse (self, field, text, _ ("This is neither true nor false"));
  ct_chunk_append_integer (chunk, index % 2);
  return TRUE;
}

static gboolean
convert_currency (CtMapping *self, const BoundField *field, const char *text, GByteArray *chunk)
{
  if (strcmp (text, self->currency) != 0) {
    if (!ct_currency_valid (text))
      return refuse (self, field, text, _ ("This is not a currency such as EUR"));
    memcpy (self->currency, text, sizeof self->currency);
    self->currency_digits = ct_currency_digits (text);
  }
  if (field->binding->field != CT_BINDING_CURRENCY)
    ct_chunk_append_text (chunk, text, 3);
  return TRUE;
}

static gboolean
check_text (CtMapping *self, const BoundField *field, Text text)
{
  CtId id;

  if (text.length > MOST_TEXT)
    return refuse (self, field, text.text, _ ("The text is too long"));
  if (field->type == CT_FIELD_CHOICE && ct_text_index (field->kind_field->choices, text.text) < 0)
    return refuse (self, field, text.text, _ ("This is none of the values the field can have"));
  if ((field->binding->field == CT_BINDING_ID || g_strcmp0 (field->binding->by, "id") == 0) &&
      !ct_id_parse (text.text, &id))
    return refuse (self, field, text.text, _ ("This is not a UUID"));
  if (field->type == CT_FIELD_JSON) {
    g_autoptr (JsonNode) node = ct_json_parse (text.text, (gssize) text.length, MOST_TEXT, NULL);

    if (!node)
      return refuse (self, field, text.text, _ ("This is not a JSON document"));
  }
  return TRUE;
}

static gboolean
convert_text (CtMapping *self, const BoundField *field, Text text, GByteArray *chunk)
{
  if (!check_text (self, field, text))
    return FALSE;
  ct_chunk_append_text (chunk, text.text, text.length);
  return TRUE;
}

static gboolean
convert_value (CtMapping *self, const BoundField *field, const char *text, GByteArray *chunk)
{
  switch (field->type) {
  case CT_FIELD_INTEGER:
    return convert_integer (self, field, text, 3, chunk);
  case CT_FIELD_DECIMAL:
    return convert_integer (self, field, text, field->kind_field->digits, chunk);
  case CT_FIELD_MONEY:
    return convert_integer (self, field, text, self->currency_digits, chunk);
  case CT_FIELD_DATE:
    return convert_date (self, field, text, chunk);
  case CT_FIELD_TIME:
    return convert_time (self, field, text, chunk);
  case CT_FIELD_BOOLEAN:
    return convert_boolean (self, field, text, chunk);
  case CT_FIELD_CURRENCY:
    return convert_currency (self, field, text, chunk);
  default:
    g_assert_not_reached ();
  }
}

static gboolean
is_textual (CtFieldType type)
{
  return type == CT_FIELD_TEXT || type == CT_FIELD_CHOICE || type == CT_FIELD_LINK || type == CT_FIELD_JSON;
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
    return refuse (self, field, "", _ ("The field is empty"));
  if (field->type == CT_FIELD_TEXT && text.text && text.length == 0 && field->binding->field >= 0 &&
      strcmp (kind_field->name, "number") != 0)
    return convert_text (self, field, text, chunk);
  if (text.length == 0) {
    if (field->binding->field != CT_BINDING_CURRENCY)
      ct_chunk_append_nothing (chunk);
    return TRUE;
  }
  if (is_textual (field->type))
    return convert_text (self, field, text, chunk);
  {
    const char *start = text.text, *end = text.text + text.length;
    char trimmed[128];

    while (start < end && g_ascii_isspace (*start))
      start++;
    while (end > start && g_ascii_isspace (end[-1]))
      end--;
    if (start == text.text && end == text.text + text.length)
      return convert_value (self, field, text.text, chunk);
    g_strlcpy (trimmed, start, MIN (sizeof trimmed, (gsize) (end - start) + 1));
    return convert_value (self, field, trimmed, chunk);
  }
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
      if (strcmp (field_name (&record->fields[k]), field) == 0 && record->fields[k].n_columns > 0 &&
          record->fields[k].columns[0] >= 0) {
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

      if (strcmp (field_name (&record->fields[k]), kind->key[0]) == 0 &&
          find_text (self, &record->fields[k], &text) && text.length > 0)
        g_ptr_array_add (names, g_strdup_printf ("%s\n%s\n%s", kind->name, kind->key[0], text.text));
    }
  }
}
