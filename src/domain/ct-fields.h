#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* A reader of one JSON object of configuration. It keeps the first complaint, so that a parser reads all its
 * members in a row and asks once at the end; what was not asked for is a complaint too (a misspelt member). */
typedef struct {
  JsonObject *object;    /* (unowned) */
  const char *where;     /* (unowned): named in every message */
  GError *error;         /* (owned) (nullable) */
  const char *asked[32]; /* (unowned) */
  guint n_asked;
} CtFields;

/* Parses one object of a list: (transfer full), or %NULL and the error. */
typedef gpointer (*CtFieldsParser) (JsonObject *object, const char *where, GError **error);

void ct_fields_init (CtFields *self, JsonObject *object, const char *where);
gboolean ct_fields_finish (CtFields *self, GError **error);
void ct_fields_complain (CtFields *self, const char *name, const char *format, ...) G_GNUC_PRINTF (3, 4);

const char *ct_fields_text (CtFields *self, const char *name, gsize most);
const char *ct_fields_text_or (CtFields *self, const char *name, gsize most, const char *fallback);
gint64 ct_fields_int (CtFields *self, const char *name, gint64 least, gint64 most, gint64 fallback);
gboolean ct_fields_bool (CtFields *self, const char *name, gboolean fallback);
gint64 ct_fields_duration (CtFields *self, const char *name, gint64 most, gint64 fallback);
int ct_fields_choice (CtFields *self, const char *name, const char *const *names, int fallback);
char **ct_fields_strings (CtFields *self, const char *name, guint most);
JsonObject *ct_fields_object (CtFields *self, const char *name);
JsonArray *ct_fields_array (CtFields *self, const char *name, guint most);

GPtrArray *ct_fields_parse_list (JsonNode *root, const char *where, guint most, CtFieldsParser parse,
                                 GDestroyNotify free_item, GError **error);

G_END_DECLS
