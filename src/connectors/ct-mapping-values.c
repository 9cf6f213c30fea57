/* From the text of a field to the typed value in a chunk. */
#include "ct-mapping-private.h"

#include <string.h>

/* As profiles call it. */
const char *
ct_mapping_field_name (const BoundField *field)
{
  return field->kind_field                        ? field->kind_field->name
         : field->binding->field == CT_BINDING_ID ? "id"
                                                  : "currency";
}

/* Notes what is wrong with the field; FALSE, always. */
gboolean
ct_mapping_refuse (CtMapping *self, const BoundField *field, const char *text, const char *reason)
{
  int column = field->n_columns > 0 ? field->columns[0] : -1;
  const char *name = column >= 0 ? self->header[column] : ct_mapping_field_name (field);

  /* several fields may read one column: its mistake is told once */
  for (guint i = 0; i < self->errors->len; i++) {
    const CtFieldError *told = self->errors->pdata[i];

    if (column >= 0 && told->column == (guint) column + 1)
      return FALSE;
  }
  g_ptr_array_add (self->errors, ct_field_error_new ((guint) (column + 1), name, text, reason));
  return FALSE;
}

/* Numbers as people write them: spaces between thousands, also those that do not break. */
static gboolean
parse_number (const char *text, char sign, int digits, gint64 *value)
{
  char plain[64];
  gsize n = 0;

  if (ct_decimal_parse_sign (text, sign, digits, value))
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
  return ct_decimal_parse_sign (plain, sign, digits, value);
}

static gboolean
convert_integer (CtMapping *self, const BoundField *field, const char *text, int digits, GByteArray *chunk)
{
  const CtKindField *kind_field = field->kind_field;
  gint64 value;

  if (!parse_number (text, self->profile->decimal, digits, &value))
    return ct_mapping_refuse (self, field, text,
                              !self->profile->decimal && ct_decimal_is_ambiguous (text)
                                  ? _ ("The comma may be a decimal sign or separate thousands: say which as "
                                       "\"decimal\" in the profile")
                                  : _ ("This is not a number"));
  if (field->type == CT_FIELD_INTEGER) {
    if (value % 1000 != 0)
      return ct_mapping_refuse (self, field, text, _ ("This is not a whole number"));
    value /= 1000;
  }
  if (kind_field->most > 0 && (value < kind_field->least || value > kind_field->most))
    return ct_mapping_refuse (self, field, text, _ ("The number is out of range"));
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
    return ct_mapping_refuse (self, field, text, _ ("This is not a date of the profile's form"));
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
    return ct_mapping_refuse (self, field, text,
                              _ ("This is neither a time nor a date of the profile's form"));
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
    return ct_mapping_refuse (self, field, text, _ ("This is neither true nor false"));
  ct_chunk_append_integer (chunk, index % 2);
  return TRUE;
}

static gboolean
convert_currency (CtMapping *self, const BoundField *field, const char *text, GByteArray *chunk)
{
  if (strcmp (text, self->currency) != 0) {
    if (!ct_currency_valid (text))
      return ct_mapping_refuse (self, field, text, _ ("This is not a currency such as EUR"));
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
    return ct_mapping_refuse (self, field, text.text, _ ("The text is too long"));
  if (field->type == CT_FIELD_CHOICE && ct_text_index (field->kind_field->choices, text.text) < 0)
    return ct_mapping_refuse (self, field, text.text, _ ("This is none of the values the field can have"));
  if ((field->binding->field == CT_BINDING_ID || g_strcmp0 (field->binding->by, "id") == 0) &&
      !ct_id_parse (text.text, &id))
    return ct_mapping_refuse (self, field, text.text, _ ("This is not a UUID"));
  if (field->type == CT_FIELD_JSON) {
    g_autoptr (JsonNode) node = ct_json_parse (text.text, (gssize) text.length, MOST_TEXT, NULL);

    if (!node)
      return ct_mapping_refuse (self, field, text.text, _ ("This is not a JSON document"));
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

/**
 * ct_mapping_append:
 * @text: what the field holds, not nothing
 *
 * Appends the value of the field's type to @chunk. White space around anything but texts is passed over.
 */
gboolean
ct_mapping_append (CtMapping *self, const BoundField *field, Text text, GByteArray *chunk)
{
  const char *start = text.text, *end = text.text + text.length;
  char trimmed[128];

  if (is_textual (field->type))
    return convert_text (self, field, text, chunk);
  while (start < end && g_ascii_isspace (*start))
    start++;
  while (end > start && g_ascii_isspace (end[-1]))
    end--;
  if (start == text.text && end == text.text + text.length)
    return convert_value (self, field, text.text, chunk);
  g_strlcpy (trimmed, start, MIN (sizeof trimmed, (gsize) (end - start) + 1));
  return convert_value (self, field, trimmed, chunk);
}
