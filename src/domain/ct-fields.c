#include "ct-fields.h"

#include "ct-base.h"

#include <string.h>

/**
 * ct_fields_init:
 * @self: on the stack
 * @object: what is read; outlives @self
 * @where: names the object in messages, "calendars.json[2]"; outlives @self
 */
void
ct_fields_init (CtFields *self, JsonObject *object, const char *where)
{
  memset (self, 0, sizeof *self);
  self->object = object;
  self->where = where;
}

/* Keeps the complaint unless there is one already. */
void
ct_fields_complain (CtFields *self, const char *name, const char *format, ...)
{
  g_autofree char *what = NULL;
  va_list args;

  if (self->error)
    return;
  va_start (args, format);
  what = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (&self->error, CT_ERROR, CT_ERROR_INVALID, "%s, “%s”: %s", self->where, name, what);
}

static JsonNode *
ask (CtFields *self, const char *name)
{
  g_assert (self->n_asked < G_N_ELEMENTS (self->asked));
  self->asked[self->n_asked++] = name;
  return json_object_get_member (self->object, name);
}

static gboolean
holds (JsonNode *node, GType type)
{
  return node && JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == type;
}

/**
 * ct_fields_text:
 * @most: bytes allowed
 *
 * Returns: (transfer none): a member that must be there and not blank; "" after a complaint
 */
const char *
ct_fields_text (CtFields *self, const char *name, gsize most)
{
  const char *text = ct_fields_text_or (self, name, most, NULL);

  if (ct_text_is_blank (text))
    ct_fields_complain (self, name, "a text is required here");
  return text ? text : "";
}

/* The same for a member that may be missing or null; (transfer none) (nullable). */
const char *
ct_fields_text_or (CtFields *self, const char *name, gsize most, const char *fallback)
{
  JsonNode *node = ask (self, name);

  if (!node || JSON_NODE_HOLDS_NULL (node))
    return fallback;
  if (!holds (node, G_TYPE_STRING)) {
    ct_fields_complain (self, name, "must be a text");
    return fallback;
  }
  if (strlen (json_node_get_string (node)) > most) {
    ct_fields_complain (self, name, "longer than the %zu bytes allowed", most);
    return fallback;
  }
  return json_node_get_string (node);
}

gint64
ct_fields_int (CtFields *self, const char *name, gint64 least, gint64 most, gint64 fallback)
{
  JsonNode *node = ask (self, name);

  if (!node)
    return fallback;
  if (!holds (node, G_TYPE_INT64)) {
    ct_fields_complain (self, name, "must be an integer");
    return fallback;
  }
  if (json_node_get_int (node) < least || json_node_get_int (node) > most) {
    ct_fields_complain (self, name, "must be from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT, least, most);
    return fallback;
  }
  return json_node_get_int (node);
}

gboolean
ct_fields_bool (CtFields *self, const char *name, gboolean fallback)
{
  JsonNode *node = ask (self, name);

  if (!node)
    return fallback;
  if (!holds (node, G_TYPE_BOOLEAN)) {
    ct_fields_complain (self, name, "must be true or false");
    return fallback;
  }
  return json_node_get_boolean (node);
}

/**
 * ct_fields_duration:
 * @most: the longest allowed, ms
 * @fallback: where the member is missing; negative: it is required
 *
 * Returns: ms; written as text with units, "1d12h"
 */
gint64
ct_fields_duration (CtFields *self, const char *name, gint64 most, gint64 fallback)
{
  JsonNode *node = ask (self, name);
  const char *text = holds (node, G_TYPE_STRING) ? json_node_get_string (node) : NULL;
  gint64 ms = 0;

  if (!node && fallback >= 0)
    return fallback;
  if (!text || strlen (text) > 40 || !ct_duration_parse (text, &ms)) {
    ct_fields_complain (self, name, "must be a duration with units, such as \"24h\" or \"1d12h\"");
    return 0;
  }
  if (ms > most)
    ct_fields_complain (self, name, "longer than the %" G_GINT64_FORMAT " hours allowed", most / CT_MS_HOUR);
  return ms;
}

/**
 * ct_fields_choice:
 * @names: (array zero-terminated=1): what may stand there
 * @fallback: the index where the member is missing; negative: it is required
 *
 * Returns: an index into @names, 0 after a complaint
 */
int
ct_fields_choice (CtFields *self, const char *name, const char *const *names, int fallback)
{
  JsonNode *node = ask (self, name);
  int index = holds (node, G_TYPE_STRING) ? ct_text_index (names, json_node_get_string (node)) : -1;

  if (!node && fallback >= 0)
    return fallback;
  if (index < 0) {
    g_autofree char *choices = g_strjoinv (", ", (char **) names);

    ct_fields_complain (self, name, "must be one of: %s", choices);
    return 0;
  }
  return index;
}

/**
 * ct_fields_strings:
 * @most: texts allowed
 *
 * Returns: (transfer full): a text or a list of texts; empty where the member is missing
 */
char **
ct_fields_strings (CtFields *self, const char *name, guint most)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  JsonNode *node = ask (self, name);
  JsonArray *array = node && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
  guint length = array ? json_array_get_length (array) : 0;

  if (holds (node, G_TYPE_STRING))
    g_strv_builder_add (builder, json_node_get_string (node));
  else if (node && !array)
    ct_fields_complain (self, name, "must be a list of texts");
  if (length > most)
    ct_fields_complain (self, name, "more than the %u entries allowed", most);
  for (guint i = 0; i < MIN (length, most); i++) {
    JsonNode *element = json_array_get_element (array, i);

    if (holds (element, G_TYPE_STRING) && !ct_text_is_blank (json_node_get_string (element)))
      g_strv_builder_add (builder, json_node_get_string (element));
    else
      ct_fields_complain (self, name, "entry %u must be a text", i + 1);
  }
  return g_strv_builder_end (builder);
}

/* (transfer none) (nullable): where the member is missing */
JsonObject *
ct_fields_object (CtFields *self, const char *name)
{
  JsonNode *node = ask (self, name);

  if (node && !JSON_NODE_HOLDS_OBJECT (node))
    ct_fields_complain (self, name, "must be an object");
  return node && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

/* (transfer none) (nullable): where the member is missing */
JsonArray *
ct_fields_array (CtFields *self, const char *name, guint most)
{
  JsonNode *node = ask (self, name);
  JsonArray *array = node && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;

  if (node && !array)
    ct_fields_complain (self, name, "must be a list");
  if (array && json_array_get_length (array) > most) {
    ct_fields_complain (self, name, "more than the %u entries allowed", most);
    return NULL;
  }
  return array;
}

/**
 * ct_fields_finish:
 *
 * Ends the reading and complains of members that nobody asked for.
 *
 * Returns: whether everything was well; %CT_ERROR_INVALID otherwise
 */
gboolean
ct_fields_finish (CtFields *self, GError **error)
{
  JsonObjectIter iter;
  const char *name;

  json_object_iter_init_ordered (&iter, self->object);
  while (!self->error && json_object_iter_next_ordered (&iter, &name, NULL)) {
    guint i = 0;

    while (i < self->n_asked && strcmp (self->asked[i], name) != 0)
      i++;
    if (i == self->n_asked)
      ct_fields_complain (self, name, "unknown; check the spelling or remove it");
  }
  if (!self->error)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&self->error));
  return FALSE;
}

/**
 * ct_fields_parse_list:
 * @root: a JSON array of objects
 * @where: names the list in messages
 * @most: entries allowed
 *
 * Returns: (transfer full): what @parse made of each, in order; %NULL with the first error
 */
GPtrArray *
ct_fields_parse_list (JsonNode *root, const char *where, guint most, CtFieldsParser parse,
                      GDestroyNotify free_item, GError **error)
{
  g_autoptr (GPtrArray) items = g_ptr_array_new_with_free_func (free_item);
  JsonArray *array = root && JSON_NODE_HOLDS_ARRAY (root) ? json_node_get_array (root) : NULL;

  if (!array || json_array_get_length (array) > most) {
    ct_fail (error, CT_ERROR_INVALID, "%s: must be a list of at most %u objects", where, most);
    return NULL;
  }
  for (guint i = 0; i < json_array_get_length (array); i++) {
    g_autofree char *place = g_strdup_printf ("%s[%u]", where, i);
    JsonNode *element = json_array_get_element (array, i);
    gpointer item = NULL;

    if (JSON_NODE_HOLDS_OBJECT (element))
      item = parse (json_node_get_object (element), place, error);
    else
      ct_fail (error, CT_ERROR_INVALID, "%s: must be an object", place);
    if (!item)
      return NULL;
    g_ptr_array_add (items, item);
  }
  return g_steal_pointer (&items);
}
