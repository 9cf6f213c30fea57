#include "ct-command.h"

#include <string.h>

static gboolean
holds (JsonNode *node, GType type)
{
  return JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == type;
}

static gboolean
check_integer (JsonNode *node)
{
  return holds (node, G_TYPE_INT64) && ct_money_size (json_node_get_int (node)) <= CT_AMOUNT_MOST;
}

static gboolean
check_text (const char *text, char type, gsize most)
{
  CtId id;
  gint64 ms;

  switch (type) {
  case 'k':
    return ct_id_parse (text, &id);
  case 'd':
    return ct_date_valid (text);
  case 't':
    return ct_time_parse (text, &ms);
  case 'm':
    return ct_currency_valid (text);
  default:
    return strlen (text) <= most;
  }
}

static const char *
expectation (char type)
{
  switch (type) {
  case 'k':
    return _ ("a UUID");
  case 'd':
    return _ ("a date such as 2026-06-04");
  case 't':
    return _ ("a time such as 2026-06-04T09:00:00Z");
  case 'm':
    return _ ("a currency such as EUR");
  case 'i':
    return _ ("a whole number that is not too large");
  case 'b':
    return _ ("true or false");
  case 'a':
    return _ ("a list");
  case 'o':
    return _ ("an object");
  default:
    return _ ("a text that is not too long");
  }
}

static gboolean
check_value (JsonNode *node, char type, gsize most)
{
  switch (type) {
  case 'i':
    return check_integer (node);
  case 'b':
    return holds (node, G_TYPE_BOOLEAN);
  case 'a':
    return JSON_NODE_HOLDS_ARRAY (node);
  case 'o':
    return JSON_NODE_HOLDS_OBJECT (node);
  default:
    return holds (node, G_TYPE_STRING) && check_text (json_node_get_string (node), type, most);
  }
}

static const CtArg *
find_arg (const CtArg *args, const char *name)
{
  while (args->name && strcmp (args->name, name) != 0)
    args++;
  return args->name ? args : NULL;
}

/* Whether every text and every key in it is valid UTF-8: what is not would make a leaf that nobody can read again. */
static gboolean
is_utf8 (JsonNode *node)
{
  JsonObjectIter iter;
  const char *name;
  JsonNode *member;

  if (JSON_NODE_HOLDS_OBJECT (node)) {
    json_object_iter_init (&iter, json_node_get_object (node));
    while (json_object_iter_next (&iter, &name, &member))
      if (!g_utf8_validate (name, -1, NULL) || !is_utf8 (member))
        return FALSE;
  } else if (JSON_NODE_HOLDS_ARRAY (node)) {
    JsonArray *array = json_node_get_array (node);

    for (guint i = 0; i < json_array_get_length (array); i++)
      if (!is_utf8 (json_array_get_element (array, i)))
        return FALSE;
  } else if (holds (node, G_TYPE_STRING)) {
    return g_utf8_validate (json_node_get_string (node), -1, NULL);
  }
  return TRUE;
}

static gboolean
check_encoding (const CtCommandDef *def, JsonObject *args, GError **error)
{
  g_autoptr (JsonNode) node = json_node_init_object (json_node_alloc (), args);

  return is_utf8 (node) || ct_fail (error, CT_ERROR_INVALID, _ ("%s: a text is not valid UTF-8"), def->name);
}

/**
 * ct_command_check_args:
 *
 * Holds arguments against their definition: nothing unknown, nothing missing, every value of its type and size, every text valid
 * UTF-8, also where the handler checks the rest.
 *
 * Returns: %FALSE with %CT_ERROR_INVALID that names the argument
 */
gboolean
ct_command_check_args (const CtCommandDef *def, JsonObject *args, GError **error)
{
  JsonObjectIter iter;
  const char *name;

  if (!check_encoding (def, args, error))
    return FALSE;
  if (!def->args)
    return TRUE;
  json_object_iter_init (&iter, args);
  while (json_object_iter_next (&iter, &name, NULL))
    if (!find_arg (def->args, name))
      return ct_fail (error, CT_ERROR_INVALID, _ ("%s takes no argument \"%s\""), def->name, name);
  for (const CtArg *arg = def->args; arg->name; arg++) {
    JsonNode *node = json_object_get_member (args, arg->name);
    gboolean optional = g_ascii_isupper (arg->type);
    char type = g_ascii_tolower (arg->type);

    if (!node || JSON_NODE_HOLDS_NULL (node)) {
      if (!optional)
        return ct_fail (error, CT_ERROR_INVALID, _ ("%s: \"%s\" is missing"), def->name, arg->name);
    } else if (!check_value (node, type, arg->most ? arg->most : 10000)) {
      return ct_fail (error, CT_ERROR_INVALID, _ ("%s: \"%s\" must be %s"), def->name, arg->name,
                      expectation (type));
    }
  }
  return TRUE;
}
