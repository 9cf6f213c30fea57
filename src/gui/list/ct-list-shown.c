#include "ct-list-shown.h"

#include <string.h>

/* (nullable) */
const CtListColumn *
ct_list_def_column (const CtListDef *def, const char *key)
{
  for (const CtListColumn *column = def->columns; column->key; column++)
    if (g_strcmp0 (column->key, key) == 0)
      return column;
  return NULL;
}

static void
sort_as_at_first (CtListShown *self)
{
  self->sort = ct_list_def_column (self->def, self->def->sort);
  self->descending = (self->sort->flags & CT_COLUMN_DESCENDING) != 0;
}

static JsonObject *
initial_filters (const CtListDef *def)
{
  JsonObject *filters = json_object_new ();

  for (const CtListFilter *filter = def->filters; filter->key; filter++)
    if (filter->initial) {
      JsonArray *values = json_array_new ();

      json_array_add_string_element (values, filter->initial);
      json_object_set_array_member (filters, filter->key, values);
    }
  return filters;
}

CtListShown *
ct_list_shown_new (const CtListDef *def)
{
  CtListShown *self = g_new0 (CtListShown, 1);

  self->def = def;
  self->filters = initial_filters (def);
  self->search = g_strdup ("");
  sort_as_at_first (self);
  return self;
}

void
ct_list_shown_free (CtListShown *self)
{
  json_object_unref (self->filters);
  g_free (self->search);
  g_free (self);
}

/* Texts of @values that are texts; (transfer full) (nullable): NULL for none. */
static JsonArray *
copy_texts (JsonArray *values)
{
  g_autoptr (JsonArray) texts = json_array_new ();

  for (guint i = 0; values && i < json_array_get_length (values); i++) {
    JsonNode *node = json_array_get_element (values, i);

    if (JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING)
      json_array_add_string_element (texts, json_node_get_string (node));
  }
  return json_array_get_length (texts) ? g_steal_pointer (&texts) : NULL;
}

/**
 * ct_list_shown_apply:
 * @view: as stored; what it does not know or leaves out is ignored
 *
 * Shows what a view says. Without "filters" those that ship with the list hold.
 */
void
ct_list_shown_apply (CtListShown *self, JsonObject *view)
{
  JsonObject *filters = ct_json_object (view, "filters");
  const CtListColumn *sort = ct_list_def_column (self->def, ct_json_string (view, "sort", NULL));

  json_object_unref (self->filters);
  self->filters = filters ? json_object_new () : initial_filters (self->def);
  for (const CtListFilter *filter = self->def->filters; filters && filter->key; filter++) {
    JsonArray *texts = copy_texts (ct_json_array (filters, filter->key));

    if (texts)
      json_object_set_array_member (self->filters, filter->key, texts);
  }
  g_free (self->search);
  self->search = g_strdup (ct_json_string (view, "search", ""));
  sort_as_at_first (self);
  if (sort && sort->order) {
    self->sort = sort;
    self->descending = ct_json_bool (view, "descending", (sort->flags & CT_COLUMN_DESCENDING) != 0);
  }
}

/* (transfer full): what ct_list_shown_apply() takes */
JsonObject *
ct_list_shown_view (const CtListShown *self)
{
  return ct_json_build ("ossb", "filters", json_object_ref (self->filters), "search", self->search, "sort",
                        self->sort->key, "descending", self->descending);
}

/* Whether filters and search are those at first; the order does not matter. */
gboolean
ct_list_shown_is_initial (const CtListShown *self)
{
  g_autoptr (JsonObject) initial = initial_filters (self->def);
  g_autofree char *ours = ct_json_canonical_object (self->filters, NULL);
  g_autofree char *theirs = ct_json_canonical_object (initial, NULL);

  return *self->search == '\0' && g_strcmp0 (ours, theirs) == 0;
}

/* (transfer none) (nullable): the values chosen in a filter */
JsonArray *
ct_list_shown_values (const CtListShown *self, const char *filter)
{
  return ct_json_array (self->filters, filter);
}

gboolean
ct_list_shown_has (const CtListShown *self, const char *filter, const char *value)
{
  JsonArray *values = ct_list_shown_values (self, filter);

  for (guint i = 0; values && i < json_array_get_length (values); i++)
    if (strcmp (json_array_get_string_element (values, i), value) == 0)
      return TRUE;
  return FALSE;
}

void
ct_list_shown_toggle (CtListShown *self, const char *filter, const char *value, gboolean chosen)
{
  JsonArray *old = ct_list_shown_values (self, filter);
  g_autoptr (JsonArray) values = json_array_new ();

  for (guint i = 0; old && i < json_array_get_length (old); i++)
    if (strcmp (json_array_get_string_element (old, i), value) != 0)
      json_array_add_string_element (values, json_array_get_string_element (old, i));
  if (chosen)
    json_array_add_string_element (values, value);
  if (json_array_get_length (values))
    json_object_set_array_member (self->filters, filter, g_steal_pointer (&values));
  else
    ct_list_shown_clear (self, filter);
}

void
ct_list_shown_clear (CtListShown *self, const char *filter)
{
  if (json_object_has_member (self->filters, filter))
    json_object_remove_member (self->filters, filter);
}

static void
begin_term (GString *sql)
{
  if (sql->len)
    g_string_append (sql, " AND ");
}

/* Choices with conditions of their own are alternatives to each other. */
static void
add_choices (GString *sql, const CtListShown *self, const CtListFilter *filter)
{
  const char *between = "";

  g_string_append_c (sql, '(');
  for (const CtFilterChoice *choice = filter->choices; choice->value; choice++)
    if (ct_list_shown_has (self, filter->key, choice->value)) {
      g_string_append_printf (sql, "%s%s", between, choice->where);
      between = " OR ";
    }
  g_string_append (sql, *between ? ")" : "1)");
}

/* One value is compared, so that an index gives the order as well; several are looked up. */
static void
add_filter (GString *sql, const CtListShown *self, const CtListFilter *filter)
{
  JsonArray *values = ct_list_shown_values (self, filter->key);

  if (!values)
    return;
  begin_term (sql);
  if (filter->choices && filter->choices->where)
    add_choices (sql, self, filter);
  else if (json_array_get_length (values) == 1)
    g_string_append_printf (sql, "%s = (?1->>'$.%s[0]')", filter->expression, filter->key);
  else
    g_string_append_printf (sql, "%s IN (SELECT value FROM json_each(?1, '$.%s'))", filter->expression,
                            filter->key);
}

static void
add_search (GString *sql, const CtListShown *self)
{
  const char *between = "";

  if (*self->search == '\0')
    return;
  begin_term (sql);
  g_string_append_c (sql, '(');
  for (guint i = 0; self->def->search[i]; i++) {
    g_string_append_printf (sql, "%s%s LIKE (?1->>'$.search') ESCAPE '\\'", between, self->def->search[i]);
    between = " OR ";
  }
  g_string_append_c (sql, ')');
}

/* (transfer full) (nullable): the condition in SQL, its values by ct_list_shown_bound() */
char *
ct_list_shown_where (const CtListShown *self)
{
  GString *sql = g_string_new (NULL);

  for (const CtListFilter *filter = self->def->filters; filter->key; filter++)
    add_filter (sql, self, filter);
  add_search (sql, self);
  return g_string_free (sql, sql->len == 0);
}

/* (transfer full): the ORDER BY terms. Rows that are equal stand in the order of their numbers, turned around with the
 * rest, so that one index serves both directions. */
char *
ct_list_shown_order (const CtListShown *self)
{
  gboolean turned = self->descending != ((self->sort->flags & CT_COLUMN_DESCENDING) != 0);

  return g_strdup_printf ("%s %s%s, %s%s%s %s", self->sort->order, self->descending ? "DESC" : "ASC",
                          self->sort->flags & CT_COLUMN_NULLABLE && !self->descending ? " NULLS LAST" : "",
                          self->sort->then ? self->sort->then : "", self->sort->then ? ", " : "",
                          self->def->source->key, turned && !self->sort->then ? "DESC" : "ASC");
}

/* (transfer full): the values of the condition */
char *
ct_list_shown_bound (const CtListShown *self, gint64 now)
{
  g_autofree char *where = ct_list_shown_where (self);
  g_autofree char *pattern = ct_format_like (self->search);
  g_autoptr (JsonObject) bound = json_object_new ();

  for (const CtListFilter *filter = self->def->filters; filter->key; filter++) {
    JsonArray *values = ct_list_shown_values (self, filter->key);

    if (values)
      json_object_set_array_member (bound, filter->key, json_array_ref (values));
  }
  if (*self->search)
    json_object_set_string_member (bound, "search", pattern);
  if (where && strstr (where, "'$.now'"))
    json_object_set_int_member (bound, "now", now);
  return ct_json_canonical_object (bound, NULL);
}
