#include "ct-policy.h"

#include <string.h>

/* What a command may write of one table. What is added comes from null where the steps of a column are listed. */
typedef struct {
  gboolean insert;
  gboolean delete;
  char *insert_as;    /* (owned) (nullable): the command that adds one row, where this one adds many */
  char *update_as;    /* (owned) (nullable): and the one that edits one; their roles and steps hold as well */
  GHashTable *update; /* (owned): columns */
  GHashTable *transitions; /* (owned): "column:from>to", from nothing for null */
  GHashTable *guarded;     /* (owned): columns whose transitions are listed */
} TableRule;

typedef struct {
  GHashTable *roles;  /* (owned) */
  char *where;        /* (owned) (nullable) */
  GHashTable *tables; /* (owned) (element-type utf8 TableRule) */
} CommandRule;

struct _CtPolicy {
  GHashTable *commands; /* (owned) (element-type utf8 CommandRule) */
};

static void
table_rule_free (gpointer data)
{
  TableRule *self = data;

  g_free (self->insert_as);
  g_free (self->update_as);
  g_hash_table_unref (self->update);
  g_hash_table_unref (self->transitions);
  g_hash_table_unref (self->guarded);
  g_free (self);
}

static void
command_rule_free (gpointer data)
{
  CommandRule *self = data;

  g_hash_table_unref (self->roles);
  g_hash_table_unref (self->tables);
  g_free (self->where);
  g_free (self);
}

static GHashTable *
string_set (JsonArray *names)
{
  GHashTable *set = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; names && i < json_array_get_length (names); i++)
    g_hash_table_add (set, g_strdup (json_array_get_string_element (names, i)));
  return set;
}

static void
add_transitions (TableRule *self, const char *column, JsonArray *pairs)
{
  g_hash_table_add (self->guarded, g_strdup (column));
  for (guint i = 0; i < json_array_get_length (pairs); i++) {
    JsonArray *pair = json_array_get_array_element (pairs, i);
    const char *from = json_array_get_null_element (pair, 0) ? "" : json_array_get_string_element (pair, 0);

    g_hash_table_add (self->transitions,
                      g_strdup_printf ("%s:%s>%s", column, from, json_array_get_string_element (pair, 1)));
  }
}

static TableRule *
read_table (JsonObject *json)
{
  TableRule *self = g_new0 (TableRule, 1);
  JsonObject *as = ct_json_object (json, "as");
  JsonObjectIter iter;
  const char *member;
  JsonNode *node;

  self->insert = ct_json_bool (json, "insert", FALSE);
  self->delete = ct_json_bool (json, "delete", FALSE);
  self->insert_as = g_strdup (ct_json_string (as, "insert", NULL));
  self->update_as = g_strdup (ct_json_string (as, "update", NULL));
  self->update = string_set (ct_json_array (json, "update"));
  self->transitions = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->guarded = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  json_object_iter_init (&iter, json);
  while (json_object_iter_next (&iter, &member, &node))
    if (strcmp (member, "update") != 0 && JSON_NODE_HOLDS_ARRAY (node))
      add_transitions (self, member, json_node_get_array (node));
  return self;
}

static CommandRule *
read_command (JsonObject *json)
{
  CommandRule *self = g_new0 (CommandRule, 1);
  JsonObject *writes = ct_json_object (json, "writes");
  JsonObjectIter iter;
  const char *table;
  JsonNode *node;

  self->roles = string_set (ct_json_array (json, "roles"));
  self->where = g_strdup (ct_json_string (json, "where", NULL));
  self->tables = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, table_rule_free);
  if (!writes)
    return self;
  json_object_iter_init (&iter, writes);
  while (json_object_iter_next (&iter, &table, &node))
    g_hash_table_insert (self->tables, g_strdup (table), read_table (json_node_get_object (node)));
  return self;
}

/* Whose roles a command takes on is a command of the policy, of which no row condition would be left out. */
static gboolean
check_acts_as (CtPolicy *self, const char *path, GError **error)
{
  GHashTableIter rules;
  gpointer rule, table;

  g_hash_table_iter_init (&rules, self->commands);
  while (g_hash_table_iter_next (&rules, NULL, &rule)) {
    GHashTableIter tables;

    g_hash_table_iter_init (&tables, ((CommandRule *) rule)->tables);
    while (g_hash_table_iter_next (&tables, NULL, &table)) {
      const char *names[] = { ((TableRule *) table)->insert_as, ((TableRule *) table)->update_as };

      for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
        CommandRule *one = names[i] ? g_hash_table_lookup (self->commands, names[i]) : NULL;

        if (names[i] && (!one || one->where))
          return ct_fail (error, CT_ERROR_INVALID,
                          "%s: nothing can be written as %s: it is no command without a condition", path,
                          names[i]);
      }
    }
  }
  return TRUE;
}

/**
 * ct_policy_load:
 * @path: schema/policy.json
 *
 * Returns: (transfer full): the policy; %NULL with @error, also where it names a condition or command that does not exist
 */
CtPolicy *
ct_policy_load (const char *path, GError **error)
{
  g_autoptr (CtPolicy) self = g_new0 (CtPolicy, 1);
  g_autofree char *text = NULL;
  g_autoptr (JsonNode) root = NULL;
  JsonObjectIter iter;
  const char *name;
  JsonNode *node;

  self->commands = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, command_rule_free);
  if (!g_file_get_contents (path, &text, NULL, error) || !(root = ct_json_parse (text, -1, 4 << 20, error))) {
    g_prefix_error (error, "%s: ", path);
    return NULL;
  }
  json_object_iter_init (&iter, json_node_get_object (root));
  while (json_object_iter_next (&iter, &name, &node)) {
    CommandRule *rule = read_command (json_node_get_object (node));

    g_hash_table_insert (self->commands, g_strdup (name), rule);
    if (rule->where && !ct_policy_predicate (rule->where)) {
      ct_fail (error, CT_ERROR_INVALID, "%s: %s names an unknown condition %s", path, name, rule->where);
      return NULL;
    }
  }
  return check_acts_as (self, path, error) ? g_steal_pointer (&self) : NULL;
}

void
ct_policy_free (CtPolicy *self)
{
  if (!self)
    return;
  g_hash_table_unref (self->commands);
  g_free (self);
}

gboolean
ct_policy_knows (CtPolicy *self, const char *command)
{
  return g_hash_table_contains (self->commands, command);
}

/* (transfer container): the names of all commands in the policy */
GStrv
ct_policy_commands (CtPolicy *self)
{
  GStrv keys = (GStrv) g_hash_table_get_keys_as_array (self->commands, NULL);

  for (guint i = 0; keys[i]; i++)
    keys[i] = g_strdup (keys[i]);
  return keys;
}

/* (nullable): the name of the row condition */
const char *
ct_policy_where (CtPolicy *self, const char *command)
{
  CommandRule *rule = g_hash_table_lookup (self->commands, command);

  return rule ? rule->where : NULL;
}

/**
 * ct_policy_role_for:
 * @roles: (element-type utf8): an actor's roles
 *
 * Returns: (nullable) (transfer none): the first of them that may run the command
 */
const char *
ct_policy_role_for (CtPolicy *self, const char *command, GPtrArray *roles)
{
  CommandRule *rule = g_hash_table_lookup (self->commands, command);

  for (guint i = 0; rule && i < roles->len; i++)
    if (g_hash_table_contains (rule->roles, roles->pdata[i]))
      return roles->pdata[i];
  return NULL;
}

gboolean
ct_policy_check_where (CtPolicy *self, const char *name, CtCommand *command, GError **error)
{
  CommandRule *rule = g_hash_table_lookup (self->commands, name);

  return !rule->where || ct_policy_predicate (rule->where) (command, error);
}

/* (nullable): the command whose roles and steps hold for what this one writes of a table */
static const char *
acts_as (TableRule *table, char operation)
{
  return operation == 'i' ? table->insert_as : operation == 'u' ? table->update_as : NULL;
}

/**
 * ct_policy_may_write:
 * @operation: 'i', 'u' or 'd'
 * @roles: (element-type utf8): an actor's roles, one of which may run the command
 *
 * Returns: whether the command may do this to rows of the table for somebody with these roles: an import adds and edits
 *   no record whose own commands they may not run
 */
gboolean
ct_policy_may_write (CtPolicy *self, const char *command, const char *table, char operation, GPtrArray *roles)
{
  CommandRule *rule = g_hash_table_lookup (self->commands, command);
  TableRule *writes = rule ? g_hash_table_lookup (rule->tables, table) : NULL;
  const char *as = writes ? acts_as (writes, operation) : NULL;

  if (!writes || !(operation == 'i'   ? writes->insert
                   : operation == 'd' ? writes->delete
                                      : g_hash_table_size (writes->update) > 0))
    return FALSE;
  return !as || ct_policy_role_for (self, as, roles) != NULL;
}

/* Columns that belong to the authority and come with every write. */
static gboolean
is_stamp (const char *column)
{
  return strcmp (column, "rev") == 0 || strcmp (column, "updated_at") == 0;
}

/* @table: (nullable): whose steps hold */
static gboolean
check_transition (TableRule *table, const CtChange *change, int column, GError **error)
{
  const CtValue *before = &change->before[column];
  const CtValue *after = &change->after[column];
  g_autofree char *step = NULL;

  if (!table || !g_hash_table_contains (table->guarded, change->columns[column]))
    return TRUE;
  step = g_strdup_printf ("%s:%.*s>%.*s", change->columns[column], (int) before->length,
                          (const char *) before->data, (int) after->length, (const char *) after->data);
  if (g_hash_table_contains (table->transitions, step))
    return TRUE;
  if (change->operation == 'i')
    return ct_fail (error, CT_ERROR_REFUSED, _ ("It cannot begin as \"%.*s\" this way"), (int) after->length,
                    (const char *) after->data);
  return ct_fail (error, CT_ERROR_REFUSED, _ ("It cannot go from \"%.*s\" to \"%.*s\" this way"),
                  (int) before->length, (const char *) before->data, (int) after->length,
                  (const char *) after->data);
}

/**
 * ct_policy_check_change:
 * @roles: (element-type utf8): the actor's roles
 *
 * Holds one recorded change against what the command may write for somebody with these roles.
 */
gboolean
ct_policy_check_change (CtPolicy *self, const char *command, GPtrArray *roles, const CtChange *change,
                        GError **error)
{
  CommandRule *rule = g_hash_table_lookup (self->commands, command);
  TableRule *table = g_hash_table_lookup (rule->tables, change->table), *one = table;
  const char *as = table ? acts_as (table, change->operation) : NULL;

  if (!ct_policy_may_write (self, command, change->table, change->operation, roles))
    return ct_fail (error, CT_ERROR_REFUSED, "The policy does not let %s write %s for the roles at hand",
                    command, change->table);
  if (as)
    one = g_hash_table_lookup (((CommandRule *) g_hash_table_lookup (self->commands, as))->tables,
                               change->table);
  for (int i = 0; change->operation != 'd' && i < change->n_columns; i++) {
    if (!change->after[i].type || is_stamp (change->columns[i]))
      continue;
    if (change->operation == 'u' && !g_hash_table_contains (table->update, change->columns[i]))
      return ct_fail (error, CT_ERROR_REFUSED, "The policy does not let %s change %s.%s", command,
                      change->table, change->columns[i]);
    if (!check_transition (g_hash_table_contains (table->guarded, change->columns[i]) ? table : one, change,
                           i, error))
      return FALSE;
  }
  return TRUE;
}
