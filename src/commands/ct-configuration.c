/* Configuration documents: rows to the domain's types. */
#include "ct-configuration.h"

#include <string.h>

#define MOST_BODY (1 << 20)

typedef gpointer (*Parser) (JsonObject *object, const char *where, GError **error);

static gpointer
parse_agent (JsonObject *object, const char *where, GError **error)
{
  return ct_agent_profile_parse (object, where, error);
}

static gpointer
parse_sla_policy (JsonObject *object, const char *where, GError **error)
{
  return ct_sla_policy_parse (object, where, error);
}

static gpointer
parse_calendar (JsonObject *object, const char *where, GError **error)
{
  return ct_calendar_parse (object, where, error);
}

static gpointer
parse_template (JsonObject *object, const char *where, GError **error)
{
  return ct_template_parse (object, where, error);
}

static gpointer
parse_route (JsonObject *object, const char *where, GError **error)
{
  return ct_route_parse (object, where, error);
}

/* The row's name serves as id, and the reader of guardrails knows no "name". */
static gboolean
add_guardrail (CtGuardrails *guardrails, JsonObject *object, const char *where, GError **error)
{
  g_autoptr (JsonObject) row = json_object_new ();
  JsonObjectIter iter;
  const char *member;
  JsonNode *node;

  json_object_iter_init (&iter, object);
  while (json_object_iter_next (&iter, &member, &node))
    if (strcmp (member, "name") != 0)
      json_object_set_member (row, member, json_node_copy (node));
  if (!json_object_has_member (row, "id"))
    json_object_set_string_member (row, "id", ct_json_string (object, "name", where));
  return ct_guardrails_add (guardrails, row, where, error);
}

static const struct {
  const char *table;
  Parser parse;
  GDestroyNotify free;
} kinds[] = {
  { "agent_profiles", parse_agent, (GDestroyNotify) ct_agent_profile_free },
  { "sla_policies", parse_sla_policy, (GDestroyNotify) ct_sla_policy_free },
  { "calendars", parse_calendar, (GDestroyNotify) ct_calendar_unref },
  { "templates", parse_template, (GDestroyNotify) ct_template_free },
  { "routes", parse_route, (GDestroyNotify) ct_route_free },
};

static JsonObject *
parse_body (const char *table, const char *name, const char *body, char **where, GError **error)
{
  g_autoptr (JsonNode) node = ct_json_parse (body, -1, MOST_BODY, error);
  JsonObject *object = node && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;

  *where = g_strdup_printf ("%s “%s”", table, name);
  if (object)
    return json_object_ref (object);
  if (node)
    ct_fail (error, CT_ERROR_INVALID, _ ("%s: must be an object"), *where);
  else
    g_prefix_error (error, "%s: ", *where);
  return NULL;
}

static GPtrArray *
read_all (CtDb *db, const char *table, const char *order, GError **error)
{
  g_autofree char *sql =
      g_strdup_printf ("SELECT name, body FROM %s WHERE archived_at IS NULL ORDER BY %s", table, order);
  g_autoptr (CtStmt) stmt = ct_db_query (db, error, sql, "");
  g_autoptr (GPtrArray) items = NULL;
  guint kind = 0;

  while (strcmp (kinds[kind].table, table) != 0)
    kind++;
  items = g_ptr_array_new_with_free_func (kinds[kind].free);
  while (stmt && ct_stmt_next (stmt)) {
    g_autofree char *where = NULL;
    g_autoptr (JsonObject) object =
        parse_body (table, ct_stmt_text (stmt, 0), ct_stmt_text (stmt, 1), &where, error);
    gpointer item = object ? kinds[kind].parse (object, where, error) : NULL;

    if (!item)
      return NULL;
    g_ptr_array_add (items, item);
  }
  return stmt && ct_stmt_finish (stmt, error) ? g_steal_pointer (&items) : NULL;
}

static gpointer
read_one (CtDb *db, const char *table, const char *name, Parser parse, GError **error)
{
  g_autofree char *sql =
      g_strdup_printf ("SELECT body FROM %s WHERE name = ? AND archived_at IS NULL", table);
  g_autofree char *body = NULL, *where = NULL;
  g_autoptr (JsonObject) object = NULL;

  body = ct_db_read_text (db, error, sql, "s", name);
  object = body ? parse_body (table, name, body, &where, error) : NULL;
  return object ? parse (object, where, error) : NULL;
}

/* (transfer full) (element-type CtAgentProfile) */
GPtrArray *
ct_configuration_agents (CtDb *db, GError **error)
{
  return read_all (db, "agent_profiles", "name", error);
}

/* (transfer full): %CT_ERROR_NOT_FOUND where there is no such agent */
CtAgentProfile *
ct_configuration_agent (CtDb *db, const char *name, GError **error)
{
  g_autoptr (GError) problem = NULL;
  CtAgentProfile *profile = read_one (db, "agent_profiles", name, parse_agent, &problem);

  if (g_error_matches (problem, CT_ERROR, CT_ERROR_NOT_FOUND))
    ct_fail (error, CT_ERROR_NOT_FOUND, _ ("There is no agent “%s”"), name);
  else if (problem)
    g_propagate_error (error, g_steal_pointer (&problem));
  return profile;
}

/* (transfer full) (element-type CtSlaPolicy): in the order in which they apply */
GPtrArray *
ct_configuration_sla_policies (CtDb *db, GError **error)
{
  return read_all (db, "sla_policies", "position, name", error);
}

/* (transfer full): the calendar of that name; %NULL or "" is around the clock */
CtCalendar *
ct_configuration_calendar (CtDb *db, const char *name, GError **error)
{
  return name && *name ? read_one (db, "calendars", name, parse_calendar, error) : ct_calendar_new_always ();
}

/* (transfer full) (element-type CtTemplate) */
GPtrArray *
ct_configuration_templates (CtDb *db, GError **error)
{
  return read_all (db, "templates", "name", error);
}

/* (transfer full): every guardrail that is switched on */
CtGuardrails *
ct_configuration_guardrails (CtDb *db, GError **error)
{
  g_autoptr (CtGuardrails) guardrails = ct_guardrails_new ();
  g_autoptr (CtStmt) stmt =
      ct_db_query (db, error, "SELECT name, body FROM guardrails WHERE archived_at IS NULL ORDER BY n", "");

  while (stmt && ct_stmt_next (stmt)) {
    g_autofree char *where = NULL;
    g_autoptr (JsonObject) object =
        parse_body ("guardrails", ct_stmt_text (stmt, 0), ct_stmt_text (stmt, 1), &where, error);

    if (!object || !add_guardrail (guardrails, object, where, error))
      return NULL;
  }
  return stmt && ct_stmt_finish (stmt, error) ? g_steal_pointer (&guardrails) : NULL;
}

/**
 * ct_configuration_check:
 * @table: "agent_profiles", …; one that the domain does not read passes
 *
 * Whether a document would be understood; asked before it is stored.
 */
gboolean
ct_configuration_check (const char *table, JsonObject *body, GError **error)
{
  g_autoptr (CtGuardrails) guardrails = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (strcmp (kinds[i].table, table) == 0) {
      gpointer item = kinds[i].parse (body, table, error);

      if (item)
        kinds[i].free (item);
      return item != NULL;
    }
  if (strcmp (table, "guardrails") != 0)
    return TRUE;
  guardrails = ct_guardrails_new ();
  return add_guardrail (guardrails, body, table, error);
}

/* (transfer full) (nullable): a copy of @fallback where the setting is not there */
char *
ct_configuration_setting (CtDb *db, const char *key, const char *fallback)
{
  char *value = ct_db_read_text (db, NULL, "SELECT value FROM settings WHERE key = ?", "s", key);

  return value ? value : g_strdup (fallback);
}

gint64
ct_configuration_setting_int (CtDb *db, const char *key, gint64 fallback)
{
  g_autofree char *text = ct_configuration_setting (db, key, NULL);
  gint64 value = fallback;

  return text && g_ascii_string_to_signed (text, 10, 0, G_MAXINT64, &value, NULL) ? value : fallback;
}

gboolean
ct_configuration_setting_bool (CtDb *db, const char *key, gboolean fallback)
{
  g_autofree char *text = ct_configuration_setting (db, key, NULL);

  return text ? strcmp (text, "true") == 0 || strcmp (text, "1") == 0 : fallback;
}
