#include "ct-profile.h"
#include "ct-migrate.h"

#include <string.h>

/* A profile is a table, not a program: what is larger is a mistake. */
#define MOST_BYTES (1024 * 1024)

static void
binding_free (gpointer data)
{
  CtBinding *self = data;

  g_strfreev (self->columns);
  g_free (self->join);
  g_free (self->value);
  g_free (self->prefix);
  g_clear_pointer (&self->map, g_hash_table_unref);
  g_free (self->otherwise);
  g_free (self->lookup);
  g_free (self->present);
  g_free (self->absent);
  g_free (self->fallback);
  g_strfreev (self->empties);
  g_strfreev (self->formats);
  g_free (self->by);
  g_free (self);
}

static void
record_free (gpointer data)
{
  CtProfileRecord *self = data;

  g_strfreev (self->key);
  g_free (self->when);
  g_ptr_array_unref (self->bindings);
  g_free (self);
}

static void
file_free (gpointer data)
{
  CtProfileFile *self = data;

  g_free (self->pattern);
  g_ptr_array_unref (self->records);
  g_free (self->lookup);
  g_free (self->lookup_key);
  g_free (self->lookup_value);
  g_free (self);
}

void
ct_profile_free (CtProfile *self)
{
  g_free (self->name);
  g_free (self->title);
  g_free (self->source);
  g_strfreev (self->formats);
  g_clear_pointer (&self->files, g_ptr_array_unref);
  g_free (self);
}

/* Every member is one of @names: a misspelt property would otherwise do nothing, silently. */
static gboolean
check_members (JsonObject *object, const char *const *names, const char *where, GError **error)
{
  JsonObjectIter iter;
  const char *name;

  json_object_iter_init (&iter, object);
  while (json_object_iter_next (&iter, &name, NULL))
    if (ct_text_index (names, name) < 0)
      return ct_fail (error, CT_ERROR_INVALID, _ ("%s: \"%s\" is no property a profile has"), where, name);
  return TRUE;
}

/* A list of texts, or one text for a list of one. Sets @texts to NULL where the member is missing. */
static gboolean
read_texts (JsonObject *object, const char *name, const char *where, char ***texts, GError **error)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  const char *single = ct_json_string (object, name, NULL);
  JsonArray *array = ct_json_array (object, name);

  if (!single && !array)
    return !json_object_has_member (object, name) ||
           ct_fail (error, CT_ERROR_INVALID, _ ("%s: \"%s\" should be a list of texts"), where, name);
  if (single)
    g_strv_builder_add (builder, single);
  for (guint i = 0; array && i < json_array_get_length (array); i++) {
    JsonNode *node = json_array_get_element (array, i);

    if (!JSON_NODE_HOLDS_VALUE (node) || json_node_get_value_type (node) != G_TYPE_STRING)
      return ct_fail (error, CT_ERROR_INVALID, _ ("%s: \"%s\" should be a list of texts"), where, name);
    g_strv_builder_add (builder, json_node_get_string (node));
  }
  *texts = g_strv_builder_end (builder);
  return TRUE;
}

static gboolean
read_map (JsonObject *object, const char *where, GHashTable **map, GError **error)
{
  JsonObject *entries = ct_json_object (object, "map");
  JsonObjectIter iter;
  const char *from;

  if (!entries)
    return !json_object_has_member (object, "map") ||
           ct_fail (error, CT_ERROR_INVALID, _ ("%s: \"%s\" should be an object of texts"), where, "map");
  *map = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  json_object_iter_init (&iter, entries);
  while (json_object_iter_next (&iter, &from, NULL)) {
    const char *to = ct_json_string (entries, from, NULL);

    if (!to)
      return ct_fail (error, CT_ERROR_INVALID, _ ("%s: \"%s\" should be an object of texts"), where, "map");
    g_hash_table_insert (*map, g_strdup (from), g_strdup (to));
  }
  return TRUE;
}

/* Texts of a binding: the member's name and where it goes. */
static const struct {
  const char *name;
  gsize offset;
} binding_texts[] = {
  { "join", G_STRUCT_OFFSET (CtBinding, join) },     { "value", G_STRUCT_OFFSET (CtBinding, value) },
  { "prefix", G_STRUCT_OFFSET (CtBinding, prefix) }, { "otherwise", G_STRUCT_OFFSET (CtBinding, otherwise) },
  { "lookup", G_STRUCT_OFFSET (CtBinding, lookup) }, { "present", G_STRUCT_OFFSET (CtBinding, present) },
  { "absent", G_STRUCT_OFFSET (CtBinding, absent) }, { "default", G_STRUCT_OFFSET (CtBinding, fallback) },
  { "by", G_STRUCT_OFFSET (CtBinding, by) },
};

static const char *const binding_members[] = { "column",  "columns",  "first",     "join",  "value",
                                               "prefix",  "map",      "otherwise", "keep",  "lookup",
                                               "present", "absent",   "default",   "empty", "formats",
                                               "by",      "required", "optional",  NULL };

static gboolean
read_properties (CtBinding *self, JsonObject *object, const char *where, GError **error)
{
  if (!check_members (object, binding_members, where, error))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (binding_texts); i++) {
    const char *text = ct_json_string (object, binding_texts[i].name, NULL);

    if (!text && json_object_has_member (object, binding_texts[i].name))
      return ct_fail (error, CT_ERROR_INVALID, _ ("%s: \"%s\" should be a text"), where,
                      binding_texts[i].name);
    G_STRUCT_MEMBER (char *, self, binding_texts[i].offset) = g_strdup (text);
  }
  self->keep = ct_json_bool (object, "keep", FALSE);
  self->required = ct_json_bool (object, "required", FALSE);
  self->optional = ct_json_bool (object, "optional", FALSE);
  self->first = json_object_has_member (object, "first");
  return read_texts (object,
                     self->first                                  ? "first"
                     : json_object_has_member (object, "columns") ? "columns"
                                                                  : "column",
                     where, &self->columns, error) &&
         read_texts (object, "empty", where, &self->empties, error) &&
         read_texts (object, "formats", where, &self->formats, error) &&
         read_map (object, where, &self->map, error);
}

static gboolean
check_binding (CtBinding *self, const CtKind *kind, const char *where, GError **error)
{
  const CtKindField *field = self->field >= 0 ? &kind->fields[self->field] : NULL;

  if (!self->columns == !self->value)
    return ct_fail (error, CT_ERROR_INVALID, _ ("%s: needs either columns or a value"), where);
  if (self->columns && (!self->columns[0] || g_strv_length (self->columns) > 8))
    return ct_fail (error, CT_ERROR_INVALID, _ ("%s: reads one to eight columns"), where);
  if (!self->present != !self->absent)
    return ct_fail (error, CT_ERROR_INVALID, _ ("%s: \"present\" and \"absent\" go together"), where);
  if (self->by && (!field || field->type != CT_FIELD_LINK))
    return ct_fail (error, CT_ERROR_INVALID, _ ("%s: \"by\" is for links"), where);
  if (self->by && strcmp (self->by, "id") != 0 && strcmp (self->by, ct_kind_find (field->link)->key[0]) != 0)
    return ct_fail (error, CT_ERROR_INVALID, _ ("%s: a link goes by \"id\" or \"%s\""), where,
                    ct_kind_find (field->link)->key[0]);
  return TRUE;
}

static int
find_field (const CtKind *kind, const char *name)
{
  int index = ct_kind_field_index (kind, name);

  if (index >= 0)
    return index;
  if (strcmp (name, "id") == 0)
    return CT_BINDING_ID;
  return strcmp (name, "currency") == 0 ? CT_BINDING_CURRENCY : G_MININT;
}

static gboolean
read_binding (CtProfileRecord *record, const char *name, JsonNode *node, const char *where, GError **error)
{
  g_autofree char *here = g_strdup_printf ("%s, %s", where, name);
  CtBinding *self = g_new0 (CtBinding, 1);

  g_ptr_array_add (record->bindings, self);
  self->field = find_field (record->kind, name);
  if (self->field == G_MININT)
    return ct_fail (error, CT_ERROR_INVALID, _ ("%s: a record of kind \"%s\" has no such field"), here,
                    record->kind->name);
  if (JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING) {
    const char *column[] = { json_node_get_string (node), NULL };

    self->columns = g_strdupv ((char **) column);
  } else if (!JSON_NODE_HOLDS_OBJECT (node))
    return ct_fail (error, CT_ERROR_INVALID, _ ("%s: should be a column's name or an object"), here);
  else if (!read_properties (self, json_node_get_object (node), here, error))
    return FALSE;
  return check_binding (self, record->kind, here, error);
}

/* The currency first: amounts are read in it. */
static int
compare_bindings (gconstpointer a, gconstpointer b, gpointer data)
{
  const CtKind *kind = data;
  const CtBinding *const bindings[] = { *(const CtBinding *const *) a, *(const CtBinding *const *) b };
  int later[2];

  for (guint i = 0; i < 2; i++)
    later[i] = bindings[i]->field != CT_BINDING_CURRENCY &&
               (bindings[i]->field < 0 || kind->fields[bindings[i]->field].type != CT_FIELD_CURRENCY);
  return later[0] - later[1];
}

static gboolean
is_bound (CtProfileRecord *self, int field)
{
  for (guint i = 0; i < self->bindings->len; i++)
    if (((CtBinding *) self->bindings->pdata[i])->field == field)
      return TRUE;
  return FALSE;
}

/* What the kind demands and nothing but the file can give. */
static gboolean
check_record (CtProfileRecord *self, const char *where, GError **error)
{
  gboolean amounts = FALSE;

  for (guint i = 0; i < ct_kind_n_fields (self->kind); i++) {
    const CtKindField *field = &self->kind->fields[i];
    gboolean derived = (self->kind->series && strcmp (field->name, "number") == 0) ||
                       (strcmp (self->kind->name, "order_line") == 0 &&
                        (strcmp (field->name, "position") == 0 || strcmp (field->name, "total") == 0));

    amounts = amounts || (field->type == CT_FIELD_MONEY && is_bound (self, (int) i));
    if (field->absence == CT_FIELD_REQUIRED && !derived && !is_bound (self, (int) i))
      return ct_fail (error, CT_ERROR_INVALID, _ ("%s: nothing fills \"%s\""), where, field->name);
  }
  if (amounts && !is_bound (self, CT_BINDING_CURRENCY) &&
      !is_bound (self, ct_kind_field_index (self->kind, "currency")))
    return ct_fail (error, CT_ERROR_INVALID, _ ("%s: amounts need a \"currency\""), where);
  if (!self->key && !is_bound (self, CT_BINDING_ID))
    for (guint i = 0; i < 2 && self->kind->key[i]; i++)
      if (!is_bound (self, ct_kind_field_index (self->kind, self->kind->key[i])))
        return ct_fail (error, CT_ERROR_INVALID, _ ("%s: needs a \"key\", or the field \"%s\""), where,
                        self->kind->key[i]);
  return TRUE;
}

static gboolean
read_record (CtProfileFile *file, JsonObject *object, const char *where, GError **error)
{
  static const char *const members[] = { "kind", "key", "when", "once", "totals", "fields", NULL };
  JsonObject *fields = ct_json_object (object, "fields");
  CtProfileRecord *self = g_new0 (CtProfileRecord, 1);
  g_autofree char *here = NULL;
  JsonObjectIter iter;
  const char *name;
  JsonNode *node;

  self->bindings = g_ptr_array_new_with_free_func (binding_free);
  g_ptr_array_add (file->records, self);
  self->kind = ct_kind_find (ct_json_string (object, "kind", NULL));
  if (!self->kind)
    return ct_fail (error, CT_ERROR_INVALID, _ ("%s: \"%s\" is no kind of record"), where,
                    ct_json_string (object, "kind", ""));
  here = g_strdup_printf ("%s, %s", where, self->kind->name);
  if (!check_members (object, members, here, error) || !read_texts (object, "key", here, &self->key, error))
    return FALSE;
  if (!fields)
    return ct_fail (error, CT_ERROR_INVALID, _ ("%s: \"fields\" is missing"), here);
  self->when = g_strdup (ct_json_string (object, "when", NULL));
  self->once = ct_json_bool (object, "once", FALSE);
  self->totals = ct_json_bool (object, "totals", FALSE);
  json_object_iter_init_ordered (&iter, fields);
  while (json_object_iter_next_ordered (&iter, &name, &node))
    if (!read_binding (self, name, node, here, error))
      return FALSE;
  g_ptr_array_sort_with_data (self->bindings, compare_bindings, (gpointer) self->kind);
  return check_record (self, here, error);
}

static gboolean
read_file (CtProfile *profile, JsonObject *object, guint i, GError **error)
{
  static const char *const members[] = { "file", "records", "lookup", "key", "value", NULL };
  JsonArray *records = ct_json_array (object, "records");
  CtProfileFile *self = g_new0 (CtProfileFile, 1);
  g_autofree char *where = NULL;

  self->records = g_ptr_array_new_with_free_func (record_free);
  g_ptr_array_add (profile->files, self);
  self->pattern = g_strdup (ct_json_string (object, "file", ""));
  self->lookup = g_strdup (ct_json_string (object, "lookup", NULL));
  self->lookup_key = g_strdup (ct_json_string (object, "key", NULL));
  self->lookup_value = g_strdup (ct_json_string (object, "value", NULL));
  where = self->pattern[0] ? g_strdup (self->pattern) : g_strdup_printf ("files[%u]", i);
  if (!check_members (object, members, where, error))
    return FALSE;
  if (!self->pattern[0])
    return ct_fail (error, CT_ERROR_INVALID, _ ("%s: \"file\" is missing"), where);
  if (self->lookup ? !self->lookup_key || !self->lookup_value || records : !records)
    return ct_fail (error, CT_ERROR_INVALID,
                    _ ("%s: needs \"records\", or \"lookup\", \"key\" and \"value\""), where);
  for (guint k = 0; records && k < json_array_get_length (records); k++) {
    JsonNode *node = json_array_get_element (records, k);

    if (!JSON_NODE_HOLDS_OBJECT (node))
      return ct_fail (error, CT_ERROR_INVALID, _ ("%s: \"records\" should be a list of objects"), where);
    if (!read_record (self, json_node_get_object (node), where, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
has_lookup (CtProfile *self, const char *name)
{
  for (guint i = 0; i < self->files->len; i++)
    if (g_strcmp0 (((CtProfileFile *) self->files->pdata[i])->lookup, name) == 0)
      return TRUE;
  return FALSE;
}

static gboolean
check_lookups (CtProfile *self, GError **error)
{
  for (guint i = 0; i < self->files->len; i++) {
    CtProfileFile *file = self->files->pdata[i];

    for (guint k = 0; k < file->records->len; k++) {
      CtProfileRecord *record = file->records->pdata[k];

      for (guint b = 0; b < record->bindings->len; b++) {
        const char *name = ((CtBinding *) record->bindings->pdata[b])->lookup;

        if (name && !has_lookup (self, name))
          return ct_fail (error, CT_ERROR_INVALID, _ ("%s: no file fills the lookup \"%s\""), file->pattern,
                          name);
      }
    }
  }
  return TRUE;
}

static gboolean
read_decimal (CtProfile *self, JsonObject *object, GError **error)
{
  const char *sign = ct_json_string (object, "decimal", "");

  if (json_object_has_member (object, "decimal") && strcmp (sign, ".") != 0 && strcmp (sign, ",") != 0)
    return ct_fail (error, CT_ERROR_INVALID, _ ("%s: \"%s\" should be \".\" or \",\""), self->name,
                    "decimal");
  self->decimal = sign[0];
  return TRUE;
}

static gboolean
read_profile (CtProfile *self, JsonObject *object, GError **error)
{
  static const char *const members[] = {
    "name", "title", "source", "date_formats", "decimal", "files", NULL
  };
  JsonArray *files = ct_json_array (object, "files");

  self->files = g_ptr_array_new_with_free_func (file_free);
  self->name = g_strdup (ct_json_string (object, "name", NULL));
  if (!self->name || !self->name[0])
    return ct_fail (error, CT_ERROR_INVALID, _ ("\"%s\" is missing"), "name");
  self->title = g_strdup (ct_json_string (object, "title", self->name));
  self->source = g_strdup (ct_json_string (object, "source", self->name));
  if (!check_members (object, members, self->name, error) ||
      !read_texts (object, "date_formats", self->name, &self->formats, error) ||
      !read_decimal (self, object, error))
    return FALSE;
  if (!self->formats)
    self->formats = g_strsplit ("%Y-%m-%d", "|", -1);
  if (!files || json_array_get_length (files) == 0)
    return ct_fail (error, CT_ERROR_INVALID, _ ("\"%s\" is missing"), "files");
  for (guint i = 0; i < json_array_get_length (files); i++) {
    JsonNode *node = json_array_get_element (files, i);

    if (!JSON_NODE_HOLDS_OBJECT (node))
      return ct_fail (error, CT_ERROR_INVALID, _ ("\"%s\" should be a list of objects"), "files");
    if (!read_file (self, json_node_get_object (node), i, error))
      return FALSE;
  }
  return check_lookups (self, error);
}

/**
 * ct_profile_parse:
 * @json: foreign bytes
 * @length: how many, or -1 for a string
 *
 * Returns: (transfer full): the profile, or %NULL with %CT_ERROR_INVALID that names the place
 */
CtProfile *
ct_profile_parse (const char *json, gssize length, GError **error)
{
  g_autoptr (JsonNode) root = ct_json_parse (json, length, MOST_BYTES, error);
  g_autoptr (CtProfile) self = NULL;

  if (!root)
    return NULL;
  if (!JSON_NODE_HOLDS_OBJECT (root)) {
    ct_fail (error, CT_ERROR_INVALID, _ ("A profile is a JSON object"));
    return NULL;
  }
  self = g_new0 (CtProfile, 1);
  return read_profile (self, json_node_get_object (root), error) ? g_steal_pointer (&self) : NULL;
}

/**
 * ct_profile_load:
 * @name_or_path: a shipped profile's name ("northwind"), or the path of a profile of one's own
 *
 * Returns: (transfer full): the profile; %CT_ERROR_NOT_FOUND where there is none of that name
 */
CtProfile *
ct_profile_load (const char *name_or_path, GError **error)
{
  g_autofree char *relative = g_strdup_printf ("seeds/profiles/%s.json", name_or_path);
  gboolean is_path = strchr (name_or_path, '/') || g_str_has_suffix (name_or_path, ".json");
  g_autofree char *path = is_path ? g_strdup (name_or_path) : ct_data_path (relative);
  g_autofree char *text = NULL;
  CtProfile *self;
  gsize length;

  if (!g_file_get_contents (path, &text, &length, NULL)) {
    ct_fail (error, CT_ERROR_NOT_FOUND, _ ("There is no import profile \"%s\""), name_or_path);
    return NULL;
  }
  self = ct_profile_parse (text, (gssize) length, error);
  if (!self)
    g_prefix_error (error, "%s: ", path);
  return self;
}

/* (nullable): the entry for a file of this name; case does not matter. */
CtProfileFile *
ct_profile_file_for (CtProfile *self, const char *file_name)
{
  g_autofree char *folded = g_utf8_casefold (file_name, -1);

  for (guint i = 0; i < self->files->len; i++) {
    CtProfileFile *file = self->files->pdata[i];
    g_autofree char *pattern = g_utf8_casefold (file->pattern, -1);

    if (g_pattern_match_simple (pattern, folded))
      return file;
  }
  return NULL;
}

static int
compare_texts (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/**
 * ct_profile_list:
 *
 * Returns: (transfer full): the shipped profiles by name: objects with "name" and "title"
 */
JsonArray *
ct_profile_list (GError **error)
{
  g_autofree char *folder = ct_data_path ("seeds/profiles");
  g_autoptr (GDir) dir = g_dir_open (folder, 0, error);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (JsonArray) list = json_array_new ();
  const char *name;

  while (dir && (name = g_dir_read_name (dir)))
    if (g_str_has_suffix (name, ".json"))
      g_ptr_array_add (names, g_strndup (name, strlen (name) - strlen (".json")));
  g_ptr_array_sort (names, compare_texts);
  for (guint i = 0; i < names->len; i++) {
    g_autoptr (CtProfile) profile = ct_profile_load (names->pdata[i], error);

    if (!profile)
      return NULL;
    json_array_add_object_element (list,
                                   ct_json_build ("ss", "name", profile->name, "title", profile->title));
  }
  return dir ? g_steal_pointer (&list) : NULL;
}
