#include "ct-list-query.h"
#include "ct-record.h"

#include <string.h>

struct _CtListQuery {
  gatomicrefcount refs;
  char *order_sql; /* (owned): the numbers in order */
  char *load_sql;  /* (owned): rows by number */
  char *values;    /* (owned) (nullable): the condition's values, a JSON object */
};

/**
 * ct_list_query_new:
 * @where: (nullable): a condition; it takes values as `?1->>'$.name'`
 * @order: (nullable): ORDER BY terms, unique by their end; the key's order by default
 * @values: (nullable): a JSON object with the condition's values
 *
 * Returns: (transfer full): the query
 */
CtListQuery *
ct_list_query_new (const CtListSource *source, const char *where, const char *order, const char *values)
{
  CtListQuery *self = g_new0 (CtListQuery, 1);
  g_autofree char *columns = g_strjoinv (", ", (char **) source->columns);

  g_atomic_ref_count_init (&self->refs);
  self->order_sql = g_strdup_printf ("SELECT %s FROM %s WHERE %s ORDER BY %s", source->key, source->from,
                                     where ? where : "1", order ? order : source->key);
  self->load_sql = g_strdup_printf ("SELECT %s, %s FROM %s WHERE %s IN (SELECT value FROM json_each(?1))",
                                    source->key, columns, source->from, source->key);
  self->values = g_strdup (values);
  return self;
}

CtListQuery *
ct_list_query_ref (CtListQuery *self)
{
  g_atomic_ref_count_inc (&self->refs);
  return self;
}

void
ct_list_query_unref (CtListQuery *self)
{
  if (!self || !g_atomic_ref_count_dec (&self->refs))
    return;
  g_free (self->order_sql);
  g_free (self->load_sql);
  g_free (self->values);
  g_free (self);
}

gboolean
ct_list_query_equal (const CtListQuery *a, const CtListQuery *b)
{
  return strcmp (a->order_sql, b->order_sql) == 0 && strcmp (a->load_sql, b->load_sql) == 0 &&
         g_strcmp0 (a->values, b->values) == 0;
}

/* The numbers of the rows in order, at most @most of them (0: all); (transfer full), %NULL with @error. */
CtIds *
ct_list_query_ids (CtListQuery *self, CtDb *db, guint most, GError **error)
{
  g_autofree char *sql =
      most ? g_strdup_printf ("%s LIMIT %u", self->order_sql, most) : g_strdup (self->order_sql);
  g_autoptr (CtIds) ids = ct_ids_new ();
  g_autoptr (CtStmt) stmt =
      ct_db_query (db, error, sql, strstr (sql, "?1") ? "s" : "", self->values ? self->values : "{}");

  if (!stmt)
    return NULL;
  while (ct_stmt_next (stmt))
    ct_ids_add (ids, ct_stmt_int (stmt, 0));
  if (!ct_stmt_finish (stmt, error))
    return NULL;
  ct_ids_seal (ids);
  return g_steal_pointer (&ids);
}

/* Reads the rows of @numbers that still exist: their numbers into @found, their values into @records. */
gboolean
ct_list_query_load (CtListQuery *self, CtDb *db, const gint64 *numbers, guint n_numbers, GArray *found,
                    GPtrArray *records, GError **error)
{
  g_autoptr (GString) json = g_string_new ("[");
  g_autoptr (CtStmt) stmt = NULL;

  for (guint i = 0; i < n_numbers; i++)
    g_string_append_printf (json, "%s%" G_GINT64_FORMAT, i ? "," : "", numbers[i]);
  g_string_append_c (json, ']');
  stmt = ct_db_query (db, error, self->load_sql, "s", json->str);
  if (!stmt)
    return FALSE;
  while (ct_stmt_next (stmt)) {
    gint64 n = ct_stmt_int (stmt, 0);

    g_array_append_val (found, n);
    g_ptr_array_add (records, ct_record_read (stmt, 1));
  }
  return ct_stmt_finish (stmt, error);
}
