#include "ct-rows.h"

#include <string.h>

static JsonNode *
node_of_text (CtStmt *stmt, int column, gboolean parse)
{
  const char *text = ct_stmt_text (stmt, column);
  JsonNode *node = parse ? ct_json_parse (text, -1, 16 << 20, NULL) : NULL;

  return node ? node : json_node_init_string (json_node_alloc (), text);
}

static JsonNode *
node_of_int (CtStmt *stmt, int column, const char *name)
{
  gint64 value = ct_stmt_int (stmt, column);

  if (g_str_has_suffix (name, "?"))
    return json_node_init_boolean (json_node_alloc (), value != 0);
  if (g_str_has_suffix (name, "At")) {
    g_autofree char *text = ct_time_format (value);

    return json_node_init_string (json_node_alloc (), text);
  }
  return json_node_init_int (json_node_alloc (), value);
}

static JsonNode *
node_of_blob (CtStmt *stmt, int column)
{
  g_autofree char *text = NULL;
  gsize length;
  const guint8 *data = ct_stmt_blob (stmt, column, &length);
  CtId id;
  CtHash hash;

  if (ct_stmt_id (stmt, column, &id))
    text = ct_id_to_string (&id);
  else if (ct_stmt_hash (stmt, column, &hash))
    text = ct_hash_to_hex (&hash);
  else
    text = g_base64_encode (data, length);
  return json_node_init_string (json_node_alloc (), text);
}

static JsonNode *
node_of (CtStmt *stmt, int column, const char *name)
{
  switch (ct_stmt_type (stmt, column)) {
  case 'i':
    return node_of_int (stmt, column, name);
  case 'd':
    return json_node_init_double (json_node_alloc (), ct_stmt_double (stmt, column));
  case 't':
    return node_of_text (stmt, column, g_str_has_suffix (name, "Json"));
  case 'b':
    return node_of_blob (stmt, column);
  default:
    return json_node_init_null (json_node_alloc ());
  }
}

/**
 * ct_rows_object:
 * @stmt: at a row
 *
 * A row as JSON, by its columns' names: "…At" makes an integer RFC 3339, "…?" a boolean, "…Json" is parsed (both
 * endings are dropped), UUIDs and hashes become text.
 *
 * Returns: (transfer full): the object
 */
JsonObject *
ct_rows_object (CtStmt *stmt)
{
  JsonObject *object = json_object_new ();

  for (int i = 0; i < ct_stmt_n_columns (stmt); i++) {
    const char *name = ct_stmt_name (stmt, i);
    gsize keep = strlen (name);
    g_autofree char *key = NULL;

    if (g_str_has_suffix (name, "?"))
      keep -= 1;
    else if (g_str_has_suffix (name, "Json"))
      keep -= 4;
    key = g_strndup (name, keep);
    json_object_set_member (object, key, node_of (stmt, i, name));
  }
  return object;
}

/* (transfer full) (nullable): all rows of a question */
JsonArray *
ct_rows_array (CtDb *db, GError **error, const char *sql, const char *format, ...)
{
  g_autoptr (JsonArray) rows = json_array_new ();
  g_autoptr (CtStmt) stmt = NULL;
  va_list args;

  va_start (args, format);
  stmt = ct_db_query_va (db, error, sql, format, args);
  va_end (args);
  if (!stmt)
    return NULL;
  while (ct_stmt_next (stmt))
    json_array_add_object_element (rows, ct_rows_object (stmt));
  return ct_stmt_finish (stmt, error) ? g_steal_pointer (&rows) : NULL;
}

/* (transfer full) (nullable): the first row; %CT_ERROR_NOT_FOUND where there is none */
JsonObject *
ct_rows_one (CtDb *db, GError **error, const char *sql, const char *format, ...)
{
  g_autoptr (CtStmt) stmt = NULL;
  va_list args;

  va_start (args, format);
  stmt = ct_db_query_va (db, error, sql, format, args);
  va_end (args);
  if (!stmt)
    return NULL;
  if (ct_stmt_next (stmt))
    return ct_rows_object (stmt);
  if (ct_stmt_finish (stmt, error))
    ct_fail (error, CT_ERROR_NOT_FOUND, _ ("There is no such record"));
  return NULL;
}
