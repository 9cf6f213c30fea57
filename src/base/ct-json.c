#include "ct-json.h"
#include "ct-error.h"

#include <string.h>

#define MOST_DEPTH 200

/* The code unit that the \u escape at @text stands for, or -1 where there is none. */
static int
code_unit (const char *text, const char *end)
{
  int unit = 0;

  if (end - text < 6 || text[0] != '\\' || text[1] != 'u')
    return -1;
  for (int i = 2; i < 6; i++) {
    if (!g_ascii_isxdigit (text[i]))
      return -1;
    unit = unit << 4 | g_ascii_xdigit_value (text[i]);
  }
  return unit;
}

/* The end of the escape that starts at @text, or NULL where it is none of JSON's: json-glib would read on across the
 * closing quote after a short \u or half a surrogate pair, and then no longer agree with us on what a string is. */
static const char *
skip_escape (const char *text, const char *end)
{
  int unit;

  if (end - text < 2)
    return NULL;
  if (text[1] != 'u')
    return strchr ("\"\\/bfnrt", text[1]) ? text + 2 : NULL;
  unit = code_unit (text, end);
  if (unit < 0 || (unit & 0xfc00) == 0xdc00)
    return NULL;
  if ((unit & 0xfc00) != 0xd800)
    return text + 6;
  unit = code_unit (text + 6, end);
  return unit >= 0 && (unit & 0xfc00) == 0xdc00 ? text + 12 : NULL;
}

/* The byte after the closing quote of the string that starts at @text, or NULL. */
static const char *
skip_string (const char *text, const char *end)
{
  for (text++; text && text < end && *text != '"';)
    text = *text == '\\' ? skip_escape (text, end) : text + 1;
  return text && text < end ? text + 1 : NULL;
}

/* json-glib recurses: bound the nesting before it does. It also skips comments, where a quote opens no string. */
static gboolean
check_nesting (const char *start, const char *end, GError **error)
{
  guint depth = 0;

  for (const char *text = start; text < end;) {
    const char *at = text;

    depth += *text == '{' || *text == '[';
    depth -= depth > 0 && (*text == '}' || *text == ']');
    if (depth > MOST_DEPTH)
      return ct_fail (error, CT_ERROR_INVALID, "JSON is nested deeper than %d levels at byte %zd", MOST_DEPTH,
                      at - start);
    text = *text == '"' ? skip_string (text, end) : strchr ("/'#", *text) ? NULL : text + 1;
    if (!text)
      return ct_fail (error, CT_ERROR_INVALID, "Not valid JSON at byte %zd", at - start);
  }
  return TRUE;
}

/**
 * ct_json_parse:
 * @text: foreign bytes
 * @length: how many, or -1 for a string
 * @most: refuse more bytes than this, unread
 *
 * Returns: (transfer full): the document, or %NULL with %CT_ERROR_INVALID
 */
JsonNode *
ct_json_parse (const char *text, gssize length, gsize most, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  g_autoptr (GError) problem = NULL;
  gsize size = length < 0 ? strlen (text) : (gsize) length;

  if (size > most) {
    ct_fail (error, CT_ERROR_INVALID, "JSON of %zu bytes is larger than the %zu allowed", size, most);
    return NULL;
  }
  if (!g_utf8_validate_len (text, size, NULL)) {
    ct_fail (error, CT_ERROR_INVALID, "JSON is not valid UTF-8");
    return NULL;
  }
  if (!check_nesting (text, text + size, error))
    return NULL;
  if (!json_parser_load_from_data (parser, text, (gssize) size, &problem) || !json_parser_get_root (parser)) {
    ct_fail (error, CT_ERROR_INVALID, "Not valid JSON: %s", problem ? problem->message : "no value");
    return NULL;
  }
  return json_node_copy (json_parser_get_root (parser));
}

void
ct_json_append_string (GString *out, const char *text, gssize length)
{
  const char *end = text + (length < 0 ? (gssize) strlen (text) : length);

  g_string_append_c (out, '"');
  for (; text < end; text++) {
    guchar c = (guchar) *text;

    switch (c) {
    case '"':
      g_string_append (out, "\\\"");
      break;
    case '\\':
      g_string_append (out, "\\\\");
      break;
    case '\b':
      g_string_append (out, "\\b");
      break;
    case '\f':
      g_string_append (out, "\\f");
      break;
    case '\n':
      g_string_append (out, "\\n");
      break;
    case '\r':
      g_string_append (out, "\\r");
      break;
    case '\t':
      g_string_append (out, "\\t");
      break;
    default:
      if (c < 0x20)
        g_string_append_printf (out, "\\u%04x", c);
      else
        g_string_append_c (out, (char) c);
    }
  }
  g_string_append_c (out, '"');
}

/* RFC 8785 sorts by UTF-16 code units; UTF-8 order differs only where surrogate pairs meet U+E000 to U+FFFF. */
static int
compare_keys (gconstpointer a, gconstpointer b, gpointer data)
{
  const char *x = *(const char *const *) a;
  const char *y = *(const char *const *) b;

  while (*x && *y) {
    gunichar p = g_utf8_get_char (x), q = g_utf8_get_char (y);

    if (p != q) {
      gunichar u = p >= 0x10000 ? 0xd800 + ((p - 0x10000) >> 10) : p;
      gunichar v = q >= 0x10000 ? 0xd800 + ((q - 0x10000) >> 10) : q;

      return u != v ? (u < v ? -1 : 1) : (p < q ? -1 : 1);
    }
    x = g_utf8_next_char (x);
    y = g_utf8_next_char (y);
  }
  return *x ? 1 : *y ? -1 : 0;
}

static gboolean write_node (GString *out, JsonNode *node, GError **error);

static gboolean
write_object (GString *out, JsonObject *object, GError **error)
{
  g_autoptr (GPtrArray) keys = g_ptr_array_new ();
  JsonObjectIter iter;
  const char *key;

  json_object_iter_init (&iter, object);
  while (json_object_iter_next (&iter, &key, NULL))
    g_ptr_array_add (keys, (gpointer) key);
  g_ptr_array_sort_with_data (keys, compare_keys, NULL);
  g_string_append_c (out, '{');
  for (guint i = 0; i < keys->len; i++) {
    if (i)
      g_string_append_c (out, ',');
    ct_json_append_string (out, keys->pdata[i], -1);
    g_string_append_c (out, ':');
    if (!write_node (out, json_object_get_member (object, keys->pdata[i]), error))
      return FALSE;
  }
  g_string_append_c (out, '}');
  return TRUE;
}

static gboolean
write_array (GString *out, JsonArray *array, GError **error)
{
  g_string_append_c (out, '[');
  for (guint i = 0; i < json_array_get_length (array); i++) {
    if (i)
      g_string_append_c (out, ',');
    if (!write_node (out, json_array_get_element (array, i), error))
      return FALSE;
  }
  g_string_append_c (out, ']');
  return TRUE;
}

static gboolean
write_value (GString *out, JsonNode *node, GError **error)
{
  GType type = json_node_get_value_type (node);

  if (type == G_TYPE_STRING)
    ct_json_append_string (out, json_node_get_string (node), -1);
  else if (type == G_TYPE_BOOLEAN)
    g_string_append (out, json_node_get_boolean (node) ? "true" : "false");
  else if (type == G_TYPE_INT64)
    g_string_append_printf (out, "%" G_GINT64_FORMAT, json_node_get_int (node));
  else
    return ct_fail (error, CT_ERROR_INVALID, "Canonical JSON takes text, integers and booleans, not %s",
                    g_type_name (type));
  return TRUE;
}

static gboolean
write_node (GString *out, JsonNode *node, GError **error)
{
  switch (json_node_get_node_type (node)) {
  case JSON_NODE_OBJECT:
    return write_object (out, json_node_get_object (node), error);
  case JSON_NODE_ARRAY:
    return write_array (out, json_node_get_array (node), error);
  case JSON_NODE_NULL:
    g_string_append (out, "null");
    return TRUE;
  case JSON_NODE_VALUE:
  default:
    return write_value (out, node, error);
  }
}

/**
 * ct_json_canonical:
 *
 * The one form of a document that is hashed or signed: RFC 8785, without fractions.
 *
 * Returns: (transfer full): the text, or %NULL with %CT_ERROR_INVALID where a number is not an integer
 */
char *
ct_json_canonical (JsonNode *node, GError **error)
{
  g_autoptr (GString) out = g_string_new (NULL);

  if (!write_node (out, node, error))
    return NULL;
  return g_string_free (g_steal_pointer (&out), FALSE);
}

char *
ct_json_canonical_object (JsonObject *object, GError **error)
{
  g_autoptr (GString) out = g_string_new (NULL);

  if (!write_object (out, object, error))
    return NULL;
  return g_string_free (g_steal_pointer (&out), FALSE);
}

/* For people and pipes: indented by two; (transfer full). */
char *
ct_json_pretty (JsonNode *node)
{
  g_autoptr (JsonGenerator) generator = json_generator_new ();

  json_generator_set_pretty (generator, TRUE);
  json_generator_set_root (generator, node);
  return json_generator_to_data (generator, NULL);
}

static JsonNode *
member_of_type (JsonObject *object, const char *name, GType type)
{
  JsonNode *node = object ? json_object_get_member (object, name) : NULL;

  return node && JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == type ? node : NULL;
}

const char *
ct_json_string (JsonObject *object, const char *name, const char *fallback)
{
  JsonNode *node = member_of_type (object, name, G_TYPE_STRING);

  return node ? json_node_get_string (node) : fallback;
}

gint64
ct_json_int (JsonObject *object, const char *name, gint64 fallback)
{
  JsonNode *node = member_of_type (object, name, G_TYPE_INT64);

  return node ? json_node_get_int (node) : fallback;
}

gboolean
ct_json_bool (JsonObject *object, const char *name, gboolean fallback)
{
  JsonNode *node = member_of_type (object, name, G_TYPE_BOOLEAN);

  return node ? json_node_get_boolean (node) : fallback;
}

/* (transfer none) (nullable) */
JsonObject *
ct_json_object (JsonObject *object, const char *name)
{
  JsonNode *node = object ? json_object_get_member (object, name) : NULL;

  return node && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

/* (transfer none) (nullable) */
JsonArray *
ct_json_array (JsonObject *object, const char *name)
{
  JsonNode *node = object ? json_object_get_member (object, name) : NULL;

  return node && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
}

/* Takes @object; (transfer full). */
JsonNode *
ct_json_wrap_object (JsonObject *object)
{
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);

  json_node_take_object (node, object);
  return node;
}

/* Takes @array; (transfer full). */
JsonNode *
ct_json_wrap_array (JsonArray *array)
{
  JsonNode *node = json_node_new (JSON_NODE_ARRAY);

  json_node_take_array (node, array);
  return node;
}

static void
set_text (JsonObject *object, const char *key, const char *text, gboolean keep_null)
{
  if (text)
    json_object_set_string_member (object, key, text);
  else if (keep_null)
    json_object_set_null_member (object, key);
}

/**
 * ct_json_build:
 * @format: a letter for each pair that follows; see ct-json.h
 *
 * Returns: (transfer full): the object
 */
JsonObject *
ct_json_build (const char *format, ...)
{
  JsonObject *object = json_object_new ();
  va_list args;

  va_start (args, format);
  for (; *format; format++) {
    const char *key = va_arg (args, const char *);

    switch (*format) {
    case 's':
    case 'S':
      set_text (object, key, va_arg (args, const char *), *format == 'S');
      break;
    case 'i':
      json_object_set_int_member (object, key, va_arg (args, gint64));
      break;
    case 'b':
      json_object_set_boolean_member (object, key, va_arg (args, gboolean));
      break;
    case 'o':
      json_object_set_object_member (object, key, va_arg (args, JsonObject *));
      break;
    case 'a':
      json_object_set_array_member (object, key, va_arg (args, JsonArray *));
      break;
    case 'n':
      json_object_set_member (object, key, va_arg (args, JsonNode *));
      break;
    default:
      g_assert_not_reached ();
    }
  }
  va_end (args);
  return object;
}
