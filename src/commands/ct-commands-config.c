/* Configuration as data: people, settings, and the documents that other layers parse (calendars, rules, agents …). */
#include "ct-approvals.h"
#include "ct-commands.h"
#include "ct-configuration.h"
#include "ct-effect.h"
#include "ct-open-upload.h"
#include "ct-wire.h"

#include <string.h>

static const char *const document_tables[] = { "calendars",      "sla_policies", "rules",
                                               "agent_profiles", "routes",       "templates",
                                               "guardrails",     "experiments",  NULL };

/* Columns that some of the tables have beside name and body, taken from the document itself. */
static gboolean
write_extras (CtCommand *command, const char *table, const CtId *id, JsonObject *body, gint64 position,
              GError **error)
{
  if (strcmp (table, "sla_policies") == 0 || strcmp (table, "routes") == 0)
    return ct_effect_update (command, error, table, id, "position", "i", position);
  if (strcmp (table, "rules") == 0)
    return ct_effect_update (command, error, table, id, "position,enabled", "ii", position,
                             (gint64) ct_json_bool (body, "enabled", TRUE));
  if (strcmp (table, "templates") == 0)
    return ct_effect_update (command, error, table, id, "kind,blocker,language", "sss",
                             ct_json_string (body, "kind", "channel_post"),
                             ct_json_string (body, "blocker", NULL), ct_json_string (body, "language", "en"));
  if (strcmp (table, "guardrails") == 0)
    return ct_effect_update (command, error, table, id, "channel,severity", "ss",
                             ct_json_string (body, "channel", "*"),
                             ct_json_string (body, "severity", "warning"));
  return TRUE;
}

static gboolean
insert_document (CtCommand *command, const char *table, const CtId *id, const char *name, const char *body,
                 GError **error)
{
  if (strcmp (table, "sla_policies") == 0 || strcmp (table, "routes") == 0)
    return ct_effect_insert (command, error, table, id, "name,body,position", "ssi", name, body, (gint64) 0);
  if (strcmp (table, "templates") == 0)
    return ct_effect_insert (command, error, table, id, "name,body,kind", "sss", name, body, "channel_post");
  if (strcmp (table, "guardrails") == 0)
    return ct_effect_insert (command, error, table, id, "name,body,severity", "sss", name, body, "warning");
  return ct_effect_insert (command, error, table, id, "name,body", "ss", name, body);
}

static gboolean
put_document (CtCommand *command, const char *table, JsonObject *body, gint64 position, guint64 index,
              GError **error)
{
  const char *name =
      ct_json_string (body, "id", ct_json_string (body, "name", NULL)); /* an id where the name is a title */
  g_autofree char *text = ct_json_canonical_object (body, error);
  g_autofree char *sql = g_strdup_printf ("SELECT id FROM %s WHERE name = ?", table);
  g_autoptr (GError) missing = NULL;
  CtId id;

  if (!text)
    return FALSE;
  if (ct_text_is_blank (name))
    return ct_fail (error, CT_ERROR_INVALID, _ ("A document for %s needs an \"id\" or a \"name\""), table);
  if (!ct_configuration_check (table, body, error))
    return FALSE;
  if (ct_db_read_id (command->db, &id, &missing, sql, "s", name))
    return ct_effect_update (command, error, table, &id, "body,archived_at", "sn", text) &&
           write_extras (command, table, &id, body, position, error);
  if (!g_error_matches (missing, CT_ERROR, CT_ERROR_NOT_FOUND)) {
    g_propagate_error (error, g_steal_pointer (&missing));
    return FALSE;
  }
  id = ct_effect_new_id (command, table, index);
  return insert_document (command, table, &id, name, text, error) &&
         write_extras (command, table, &id, body, position, error);
}

/* config.put: {table, documents: [{name, …}], position?}: inserts or replaces by name. */
static gboolean
put_run (CtCommand *command, GError **error)
{
  const char *table = ct_arg_text (command, "table");
  JsonArray *documents = ct_json_array (command->args, "documents");
  gint64 position = ct_arg_int (command, "position", 0);

  if (ct_text_index (document_tables, table) < 0)
    return ct_fail (error, CT_ERROR_INVALID, _ ("There is no configuration \"%s\""), table);
  for (guint i = 0; i < json_array_get_length (documents); i++) {
    JsonNode *node = json_array_get_element (documents, i);

    if (!JSON_NODE_HOLDS_OBJECT (node))
      return ct_fail (error, CT_ERROR_INVALID, _ ("Document %u is not an object"), i + 1);
    if (!put_document (command, table, json_node_get_object (node), position + i, i, error))
      return FALSE;
  }
  json_object_set_int_member (command->result, "documents", json_array_get_length (documents));
  return TRUE;
}

static gboolean
archive_run (CtCommand *command, GError **error)
{
  const char *table = ct_arg_text (command, "table");
  g_autofree char *sql = NULL;
  CtId id;

  if (ct_text_index (document_tables, table) < 0)
    return ct_fail (error, CT_ERROR_INVALID, _ ("There is no configuration \"%s\""), table);
  sql = g_strdup_printf ("SELECT id FROM %s WHERE name = ? AND archived_at IS NULL", table);
  return ct_db_read_id (command->db, &id, error, sql, "s", ct_arg_text (command, "name")) &&
         ct_effect_update (command, error, table, &id, "archived_at", "i", command->now) &&
         ct_effect_object (command, table, &id, error);
}

static gboolean
setting_run (CtCommand *command, GError **error)
{
  const char *key = ct_arg_text (command, "key"), *value = ct_arg_text (command, "value");
  g_autoptr (GError) missing = NULL;
  CtId id;

  if (strcmp (key, "time_zone") == 0) {
    g_autoptr (GTimeZone) zone = g_time_zone_new_identifier (value);

    if (!zone)
      return ct_fail (error, CT_ERROR_INVALID, _ ("\"%s\" is not a time zone; write it as in Europe/Berlin"),
                      value);
  }
  if (ct_db_read_id (command->db, &id, &missing, "SELECT id FROM settings WHERE key = ?", "s", key))
    return ct_effect_update (command, error, "settings", &id, "value", "s", value) &&
           ct_effect_object (command, "settings", &id, error);
  id = ct_effect_new_id (command, "settings", 0);
  return ct_effect_insert (command, error, "settings", &id, "key,value", "ss", key, value) &&
         ct_effect_object (command, "settings", &id, error);
}

/* Gives a person just these roles; one that they have already stays the row that it is. */
static gboolean
put_roles (CtCommand *command, const CtId *person, JsonArray *roles, GError **error)
{
  g_autoptr (JsonNode) node = ct_json_wrap_array (json_array_ref (roles));
  g_autofree char *wanted = ct_json_canonical (node, error);

  if (!wanted ||
      !ct_db_run (
          command->db, error,
          "DELETE FROM person_roles WHERE person_id = ? AND role NOT IN (SELECT value FROM json_each(?))",
          "ks", person, wanted))
    return FALSE;
  for (guint i = 0; i < json_array_get_length (roles); i++) {
    const char *name = json_array_get_string_element (roles, i);
    CtId role = ct_effect_new_id (command, "person_roles", i);
    gint64 has = 0;

    if (!ct_db_read_int (command->db, &has, error,
                         "SELECT EXISTS (SELECT 1 FROM person_roles WHERE person_id = ? AND role = ?)", "ks",
                         person, name) ||
        (!has &&
         !ct_effect_insert (command, error, "person_roles", &role, "person_id,role", "ks", person, name)))
      return FALSE;
  }
  return TRUE;
}

/* What a person may approve at most, where something is said of it. */
static gboolean
put_limit (CtCommand *command, const CtId *person, GError **error)
{
  gint64 limit = ct_arg_int (command, "approval_limit_minor", -1);

  if (ct_arg_bool (command, "no_limit", FALSE))
    return ct_effect_update (command, error, "people", person, "approval_limit_minor,approval_currency",
                             "nn");
  if (!ct_arg_has (command, "approval_limit_minor"))
    return TRUE;
  if (limit < 0 || !ct_arg_has (command, "approval_currency"))
    return ct_fail (error, CT_ERROR_INVALID, _ ("A limit is an amount of 0 or more, in a currency"));
  return ct_effect_update (command, error, "people", person, "approval_limit_minor,approval_currency", "is",
                           limit, ct_arg_text (command, "approval_currency"));
}

/* A column of a person, where something is said of it. */
static gboolean
put_text (CtCommand *command, const CtId *person, const char *column, GError **error)
{
  return !ct_arg_has (command, column) ||
         ct_effect_update (command, error, "people", person, column, "s", ct_arg_text (command, column));
}

/* Of somebody who is known, what is not said stays as it is. */
static gboolean
person_run (CtCommand *command, GError **error)
{
  JsonArray *roles = ct_json_array (command->args, "roles");
  const char *name = ct_arg_has (command, "name") ? ct_arg_text (command, "name") : "";
  CtId id = ct_effect_new_id (command, "people", 0);
  gboolean known = ct_db_read_id (command->db, &id, NULL, "SELECT id FROM people WHERE login = ?", "s",
                                  ct_arg_text (command, "login"));

  if (!known && !roles)
    return ct_fail (error, CT_ERROR_NOT_FOUND, _ ("Nobody here is called “%s”"),
                    ct_arg_text (command, "login"));
  if (!known && !ct_effect_insert (command, error, "people", &id, "login,name,email", "sss",
                                   ct_arg_text (command, "login"), name, ct_arg_text (command, "email")))
    return FALSE;
  return (!known || (put_text (command, &id, "name", error) && put_text (command, &id, "email", error))) &&
         (!roles || put_roles (command, &id, roles, error)) && put_limit (command, &id, error) &&
         ct_effect_object (command, "people", &id, error);
}

/* The first command of a workspace: whoever makes it administers it. */
static gboolean
init_run (CtCommand *command, GError **error)
{
  gint64 people = 0;

  if (!ct_db_read_int (command->db, &people, error, "SELECT count(*) FROM people", ""))
    return FALSE;
  if (people > 0)
    return ct_fail (error, CT_ERROR_CONFLICT, _ ("This workspace is already set up"));
  return person_run (command, error);
}

/* A removed channel that is added again posts where it is told now, not where it once did. */
static gboolean
forget_destinations (CtCommand *command, const CtId *channel, GError **error)
{
  g_autoptr (GArray) old = g_array_new (FALSE, FALSE, sizeof (CtId));
  g_autoptr (CtStmt) stmt = ct_db_query (
      command->db, error,
      "SELECT d.id FROM channel_destinations d JOIN channels c ON c.id = d.channel_id WHERE c.id = ? AND "
      "c.archived_at IS NOT NULL AND d.archived_at IS NULL ORDER BY d.destination",
      "k", channel);
  CtId id;

  if (!stmt)
    return FALSE;
  while (ct_stmt_next (stmt))
    if (ct_stmt_id (stmt, 0, &id))
      g_array_append_val (old, id);
  if (!ct_stmt_finish (stmt, error))
    return FALSE;
  for (guint i = 0; i < old->len; i++)
    if (!ct_effect_update (command, error, "channel_destinations", &g_array_index (old, CtId, i),
                           "archived_at", "i", command->now))
      return FALSE;
  return TRUE;
}

/* What waits to go out was approved for the account that the channel led to. */
static gboolean
void_for_another_account (CtCommand *command, const CtId *channel, GError **error)
{
  gint64 other = 0;

  return ct_db_read_int (command->db, &other, error,
                         "SELECT kind <> ? OR base_url <> ? FROM channels WHERE id = ?", "ssk",
                         ct_arg_text (command, "kind"), ct_arg_text (command, "base_url"), channel) &&
         (!other || ct_approvals_void_for_channel (command, ct_arg_text (command, "name"),
                                                   "the channel leads to another address now", error));
}

static gboolean
channel_add_run (CtCommand *command, GError **error)
{
  CtId id = ct_effect_new_id (command, "channels", 0),
       destination = ct_effect_new_id (command, "channel_destinations", 0);
  const char *name = ct_arg_text (command, "name");
  gboolean known =
      ct_db_read_id (command->db, &id, NULL, "SELECT id FROM channels WHERE name = ?", "s", name);

  if (!ct_wire_check_channel (name, error) ||
      !ct_wire_check_destination (ct_arg_text (command, "kind"), ct_arg_text (command, "destination"), error))
    return FALSE;
  if (known &&
      (!forget_destinations (command, &id, error) || !void_for_another_account (command, &id, error)))
    return FALSE;
  if (known ? !ct_effect_update (command, error, "channels", &id, "kind,base_url,archived_at", "ssn",
                                 ct_arg_text (command, "kind"), ct_arg_text (command, "base_url"))
            : !ct_effect_insert (command, error, "channels", &id, "name,kind,base_url", "sss", name,
                                 ct_arg_text (command, "kind"), ct_arg_text (command, "base_url")))
    return FALSE;
  if (ct_db_read_id (command->db, &destination, NULL,
                     "SELECT id FROM channel_destinations WHERE channel_id = ? AND destination = ?", "ks",
                     &id, ct_arg_text (command, "destination"))) {
    if (!ct_effect_update (command, error, "channel_destinations", &destination, "archived_at", "n"))
      return FALSE;
  } else if (!ct_effect_insert (command, error, "channel_destinations", &destination,
                                "channel_id,destination", "ks", &id, ct_arg_text (command, "destination"))) {
    return FALSE;
  }
  return ct_effect_object (command, "channels", &id, error);
}

static gboolean
channel_remove_run (CtCommand *command, GError **error)
{
  CtId id;

  return ct_db_read_id (command->db, &id, error,
                        "SELECT id FROM channels WHERE name = ? AND archived_at IS NULL", "s",
                        ct_arg_text (command, "name")) &&
         ct_effect_update (command, error, "channels", &id, "archived_at", "i", command->now) &&
         ct_effect_object (command, "channels", &id, error);
}

/* Nothing changes, but who took the log out, and when, is in it. */
static gboolean
export_run (CtCommand *command, GError **error)
{
  return TRUE;
}

/* A person takes it upon themselves that the server of an upload whose fate is open is gone: what waits here may be sent again. */
static gboolean
give_up_run (CtCommand *command, GError **error)
{
  const char *reason = ct_arg_text (command, "reason");
  g_auto (CtOpenUpload) open = { 0 };

  if (!ct_open_upload_read (command->db, &open, error))
    return FALSE;
  if (!open.server)
    return ct_fail (error, CT_ERROR_NOT_FOUND, _ ("There is no upload whose fate is not known"));
  if (ct_text_is_blank (reason))
    return ct_fail (error, CT_ERROR_INVALID,
                    _ ("Say in a reason how you know that the server will never be used again"));
  ct_command_disclose (command, "server", open.server);
  ct_command_disclose (command, "reason", reason);
  return ct_open_upload_forget (command->db, error);
}

void
ct_commands_config_register (void)
{
  static const CtArg put_args[] = {
    { "table", 's', 40 }, { "documents", 'a', 0 }, { "position", 'I', 0 }, { NULL, 0, 0 }
  };
  static const CtArg archive_args[] = { { "table", 's', 40 }, { "name", 's', 200 }, { NULL, 0, 0 } };
  static const CtArg setting_args[] = { { "key", 's', 100 }, { "value", 's', 0 }, { NULL, 0, 0 } };
  static const CtArg init_args[] = {
    { "login", 's', 100 }, { "name", 'S', 200 }, { "email", 'S', 200 }, { "roles", 'a', 0 }, { NULL, 0, 0 }
  };
  static const CtArg person_args[] = { { "login", 's', 100 },
                                       { "name", 'S', 200 },
                                       { "email", 'S', 200 },
                                       { "roles", 'A', 0 },
                                       { "approval_limit_minor", 'I', 0 },
                                       { "approval_currency", 'M', 0 },
                                       { "no_limit", 'B', 0 },
                                       { NULL, 0, 0 } };
  static const CtArg channel_args[] = { { "name", 's', 60 },
                                        { "kind", 's', 40 },
                                        { "base_url", 's', 500 },
                                        { "destination", 's', 200 },
                                        { NULL, 0, 0 } };
  static const CtArg no_args[] = { { NULL, 0, 0 } };
  static const CtArg reason_args[] = { { "reason", 's', 2000 }, { NULL, 0, 0 } };
  static const CtArg name_args[] = { { "name", 's', 200 }, { NULL, 0, 0 } };
  static const CtCommandDef defs[] = {
    { "config.put", "configuration", put_run, CT_COMMAND_UNDOABLE, put_args },
    { "config.archive", "configuration", archive_run, CT_COMMAND_UNDOABLE, archive_args },
    { "audit.export", "log", export_run, 0, no_args },
    { "setting.set", "setting", setting_run, CT_COMMAND_UNDOABLE, setting_args },
    { "workspace.init", "person", init_run, CT_COMMAND_FIRST, init_args },
    { "upload.give_up", "workspace", give_up_run, 0, reason_args },
    { "person.put", "person", person_run, CT_COMMAND_UNDOABLE, person_args },
    { "channel.add", "channel", channel_add_run, 0, channel_args },
    { "channel.remove", "channel", channel_remove_run, CT_COMMAND_UNDOABLE, name_args },
  };

  ct_command_register (defs, G_N_ELEMENTS (defs));
}
