#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

JsonNode *ct_json_parse (const char *text, gssize length, gsize most, GError **error);
char *ct_json_canonical (JsonNode *node, GError **error);
char *ct_json_canonical_object (JsonObject *object, GError **error);
char *ct_json_pretty (JsonNode *node);

/* Appends @text as a JSON string, quotes included; -1 for a string that ends with 0. */
void ct_json_append_string (GString *out, const char *text, gssize length);

/* Readers that never abort on a wrong type: the member's value, or the fallback. */
const char *ct_json_string (JsonObject *object, const char *name, const char *fallback);
gint64 ct_json_int (JsonObject *object, const char *name, gint64 fallback);
gboolean ct_json_bool (JsonObject *object, const char *name, gboolean fallback);
JsonObject *ct_json_object (JsonObject *object, const char *name);
JsonArray *ct_json_array (JsonObject *object, const char *name);
JsonNode *ct_json_wrap_object (JsonObject *object);
JsonNode *ct_json_wrap_array (JsonArray *array);

/* Builds an object in one call: pairs of "key" and value by letter: s text (NULL leaves the key out), S text (NULL
 * becomes null), i gint64, b gboolean, o JsonObject* (taken), a JsonArray* (taken), n JsonNode* (taken). */
JsonObject *ct_json_build (const char *format, ...);

G_END_DECLS
