#include "ct-command.h"

static GHashTable *registry; /* (element-type utf8 CtCommandDef) */

/**
 * ct_command_register:
 * @defs: (array length=n): static definitions
 *
 * Makes commands known; each folder that has some registers them once, before the first is executed.
 */
void
ct_command_register (const CtCommandDef *defs, guint n)
{
  if (!registry)
    registry = g_hash_table_new (g_str_hash, g_str_equal);
  for (guint i = 0; i < n; i++)
    g_hash_table_insert (registry, (gpointer) defs[i].name, (gpointer) &defs[i]);
}

/* (nullable) */
const CtCommandDef *
ct_command_find (const char *name)
{
  return registry ? g_hash_table_lookup (registry, name) : NULL;
}

const char *
ct_arg_text (CtCommand *self, const char *name)
{
  return ct_json_string (self->args, name, NULL);
}

gint64
ct_arg_int (CtCommand *self, const char *name, gint64 fallback)
{
  return ct_json_int (self->args, name, fallback);
}

gboolean
ct_arg_bool (CtCommand *self, const char *name, gboolean fallback)
{
  return ct_json_bool (self->args, name, fallback);
}

/* Whether the argument was given and is not null. */
gboolean
ct_arg_has (CtCommand *self, const char *name)
{
  JsonNode *node = json_object_get_member (self->args, name);

  return node && !JSON_NODE_HOLDS_NULL (node);
}

gboolean
ct_arg_id (CtCommand *self, const char *name, CtId *id)
{
  return ct_id_parse (ct_arg_text (self, name), id);
}

gint64
ct_arg_time (CtCommand *self, const char *name, gint64 fallback)
{
  gint64 ms = fallback;

  ct_time_parse (ct_arg_text (self, name), &ms);
  return ms;
}

/* Says that @id's story includes this command. */
void
ct_command_touches (CtCommand *self, const CtId *id)
{
  if (!ct_id_is_nil (id))
    g_ptr_array_add (self->objects, g_memdup2 (id, sizeof *id));
}

/* Adds a redactable text that the audit leaf commits to. */
void
ct_command_disclose (CtCommand *self, const char *field, const char *value)
{
  g_ptr_array_add (self->disclosures, g_strdup (field));
  g_ptr_array_add (self->disclosures, g_strdup (value));
}
