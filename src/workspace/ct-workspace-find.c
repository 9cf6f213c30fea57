/* From what people write to the record they mean: a number, a reference of another system, a UUID. */
#include "ct-workspace-find.h"

#include <string.h>

static const struct {
  const char *type;
  const char *table;
  const char *number; /* (nullable): column of what people call it */
  gboolean has_reference;
} kinds[] = {
  { "order", "orders", "number", TRUE },          { "distributor", "distributors", "number", TRUE },
  { "task", "follow_up_tasks", "number", FALSE }, { "exception", "exceptions", "number", FALSE },
  { "approval", "approvals", "number", FALSE },   { "post", "outbox", "number", FALSE },
  { "invoice", "invoices", "number", TRUE },      { "shipment", "shipments", "number", TRUE },
  { "product", "products", "sku", TRUE },         { "interaction", "interactions", "number", FALSE },
  { "document", "documents", NULL, TRUE },        { "contact", "contacts", NULL, TRUE },
  { "channel", "channels", "name", FALSE },       { "person", "people", "login", FALSE },
};

void
ct_found_clear (CtFound *self)
{
  g_clear_pointer (&self->label, g_free);
}

/* (nullable) */
const char *
ct_workspace_type_of_table (const char *table)
{
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (strcmp (kinds[i].table, table) == 0)
      return kinds[i].type;
  return NULL;
}

/* "" where records of that type have no table that people know */
const char *
ct_workspace_table_of_type (const char *type)
{
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (strcmp (kinds[i].type, type) == 0)
      return kinds[i].table;
  return "";
}

/* How many rows of @kind match; @id is the last of them. */
static gboolean
count_matches (CtDb *db, guint kind, const char *condition, const char *text, CtId *id, guint *count,
               GError **error)
{
  g_autofree char *sql = g_strdup_printf ("SELECT id FROM %s WHERE %s LIMIT 2", kinds[kind].table, condition);
  g_autoptr (CtStmt) stmt = ct_db_query (db, error, sql, "s", text);

  *count = 0;
  while (stmt && ct_stmt_next (stmt))
    *count += ct_stmt_id (stmt, 0, id);
  return stmt && ct_stmt_finish (stmt, error);
}

static gboolean
find_among (CtDb *db, guint kind, const char *text, CtId *id, gboolean *found, GError **error)
{
  g_autofree char *by_number = kinds[kind].number ? g_strdup_printf ("%s = ?", kinds[kind].number) : NULL;
  guint count = 0;
  CtId parsed;

  if (ct_id_parse (text, &parsed)) {
    if (!count_matches (db, kind, "id = uuid(?)", text, id, &count, error))
      return FALSE;
  } else if (by_number && !count_matches (db, kind, by_number, text, id, &count, error)) {
    return FALSE;
  } else if (count == 0 && kinds[kind].has_reference &&
             !count_matches (db, kind, "external_ref = ?", text, id, &count, error)) {
    return FALSE;
  }
  if (count > 1)
    return ct_fail (error, CT_ERROR_CONFLICT,
                    _ ("“%s” is the reference of several records; name one by its number"), text);
  *found = count == 1;
  return TRUE;
}

/* (transfer full): what people call a record, or its UUID */
char *
ct_workspace_label (CtDb *db, const char *type, const CtId *id)
{
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++) {
    g_autofree char *sql = NULL;
    char *label;

    if (strcmp (kinds[i].type, type) != 0 || !kinds[i].number)
      continue;
    sql = g_strdup_printf ("SELECT %s FROM %s WHERE id = ?", kinds[i].number, kinds[i].table);
    label = ct_db_read_text (db, NULL, sql, "k", id);
    if (label)
      return label;
  }
  return ct_id_to_string (id);
}

/**
 * ct_workspace_find:
 * @type: (nullable): "order", "task" …; %NULL: of any kind
 * @text: "ORD-2026-1047", what another system calls it, or a UUID
 * @found: (out): set only on success; ct_found_clear()
 *
 * Returns: %FALSE with %CT_ERROR_NOT_FOUND, or %CT_ERROR_CONFLICT where several records have that reference
 */
gboolean
ct_workspace_find (CtDb *db, const char *type, const char *text, CtFound *found, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++) {
    gboolean here = FALSE;
    CtId id;

    if (type && strcmp (type, kinds[i].type) != 0)
      continue;
    if (!find_among (db, i, text, &id, &here, error))
      return FALSE;
    if (!here)
      continue;
    found->type = kinds[i].type;
    found->table = kinds[i].table;
    found->id = id;
    found->label = ct_workspace_label (db, kinds[i].type, &id);
    return TRUE;
  }
  if (!type)
    return ct_fail (error, CT_ERROR_NOT_FOUND, _ ("There is nothing called “%s”"), text);
  /* Translators: the first is a kind of record such as "order" */
  return ct_fail (error, CT_ERROR_NOT_FOUND, _ ("There is no %s “%s”"), type, text);
}
