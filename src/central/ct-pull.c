#include "ct-pull.h"

#define ROW_MOST (16 * 1024 * 1024)

static void
pulled_row_free (gpointer data)
{
  CtPulledRow *row = data;

  g_clear_pointer (&row->values, json_object_unref);
  g_free (row);
}

static void
pulled_verdict_free (gpointer data)
{
  CtPulledVerdict *verdict = data;

  g_clear_pointer (&verdict->verdict, ct_verdict_free);
  g_free (verdict);
}

void
ct_pulled_free (CtPulled *self)
{
  g_free (self->scopes);
  g_strfreev (self->tables);
  g_ptr_array_unref (self->rows);
  g_clear_pointer (&self->verdicts, g_ptr_array_unref);
  g_free (self);
}

/* Reads the head; keeps of the server's tables those that the replica has. */
static gboolean
pull_head (CtSession *session, CtPulled *self, const char *const *tables, const CtCursor *cursor,
           const char *scopes, GCancellable *cancellable, GError **error)
{
  g_autoptr (GStrvBuilder) both = g_strv_builder_new ();
  g_autoptr (CtAnswer) head = ct_session_query (
      session, cancellable, error,
      "SELECT epoch, number, nonce, valid, scopes, oldest, newest, array_to_string(tables, ' ')"
      " FROM api.head($1::text::uuid, $2::text::bigint, $3::text::uuid)",
      "kik", &cursor->epoch, cursor->number, &cursor->nonce);
  g_auto (GStrv) served = NULL;

  if (!head)
    return FALSE;
  if (ct_answer_rows (head) != 1 || !ct_answer_id (head, 0, 0, &self->cursor.epoch) ||
      !ct_answer_id (head, 0, 2, &self->cursor.nonce))
    return ct_fail (error, CT_ERROR_INVALID, "the server does not say where its feed stands");
  self->cursor.number = ct_answer_int (head, 0, 1);
  self->scopes = g_strdup (ct_answer_text (head, 0, 4));
  self->whole = !ct_answer_int (head, 0, 3) || g_strcmp0 (scopes, self->scopes) != 0;
  self->oldest = (int) ct_answer_int (head, 0, 5);
  self->newest = (int) ct_answer_int (head, 0, 6);
  served = g_strsplit (ct_answer_text (head, 0, 7), " ", -1);
  for (guint i = 0; tables[i]; i++)
    if (g_strv_contains ((const char *const *) served, tables[i]))
      g_strv_builder_add (both, tables[i]);
  self->tables = g_strv_builder_end (both);
  return TRUE;
}

static gboolean
add_row (CtPulled *self, const char *table, CtAnswer *answer, int at, GError **error)
{
  const char *text = ct_answer_text (answer, at, 1);
  g_autoptr (JsonNode) node = NULL;
  CtPulledRow *row;
  CtId id;

  if (!ct_answer_id (answer, at, 0, &id))
    return ct_fail (error, CT_ERROR_INVALID, "the server sent a row of %s without a UUID", table);
  if (text) {
    node = ct_json_parse (text, -1, ROW_MOST, error);
    if (!node)
      return FALSE;
    if (!JSON_NODE_HOLDS_OBJECT (node))
      return ct_fail (error, CT_ERROR_INVALID, "the server sent a row of %s that is no object", table);
  }
  row = g_new0 (CtPulledRow, 1);
  row->table = g_intern_string (table);
  row->id = id;
  row->values = node ? json_node_dup_object (node) : NULL;
  g_ptr_array_add (self->rows, row);
  return TRUE;
}

/* Lines hold keys: the rows are read live, under the login's own rights. */
static gboolean
pull_table (CtSession *session, CtPulled *self, const char *table, gint64 after, GCancellable *cancellable,
            GError **error)
{
  /* the name is one of the replica's own tables */
  g_autofree char *sql =
      self->whole ? g_strdup_printf ("SELECT v.id, row_to_json(v) FROM api.\"%s\" v ORDER BY v.id", table)
                  : g_strdup_printf ("SELECT f.id, CASE WHEN v.id IS NOT NULL THEN row_to_json(v) END"
                                     " FROM api.feed('%s', $1::text::bigint, $2::text::bigint) f"
                                     " LEFT JOIN api.\"%s\" v ON v.id = f.id ORDER BY f.id",
                                     table, table);
  g_autoptr (CtAnswer) answer = ct_session_query (session, cancellable, error, sql, self->whole ? "" : "ii",
                                                  after, self->cursor.number);

  if (!answer)
    return FALSE;
  for (int i = 0; i < ct_answer_rows (answer); i++)
    if (!add_row (self, table, answer, i, error))
      return FALSE;
  return TRUE;
}

/**
 * ct_pull_verdicts:
 * @after_n: a command of @device
 *
 * Returns: (transfer container) (element-type CtPulledVerdict): what became of its later commands, in their order
 */
GPtrArray *
ct_pull_verdicts (CtSession *session, const CtId *device, gint64 after_n, GCancellable *cancellable,
                  GError **error)
{
  g_autoptr (GPtrArray) verdicts = g_ptr_array_new_with_free_func (pulled_verdict_free);
  g_autoptr (CtAnswer) answer = ct_session_query (
      session, cancellable, error,
      "SELECT n, sha256, answer FROM api.outcomes($1::text::uuid, $2::text::bigint)", "ki", device, after_n);

  if (!answer)
    return NULL;
  for (int i = 0; i < ct_answer_rows (answer); i++) {
    CtPulledVerdict *verdict = g_new0 (CtPulledVerdict, 1);

    g_ptr_array_add (verdicts, verdict);
    verdict->n = ct_answer_int (answer, i, 0);
    verdict->verdict = ct_verdict_parse (ct_answer_text (answer, i, 2), error);
    if (!verdict->verdict)
      return NULL;
    if (!ct_hash_from_hex (ct_answer_text (answer, i, 1), &verdict->sha256)) {
      ct_fail (error, CT_ERROR_INVALID, "the server sent an outcome without its intent's hash");
      return NULL;
    }
  }
  return g_steal_pointer (&verdicts);
}

static gboolean
pull_standing (CtSession *session, CtPulled *self, const CtId *device, GCancellable *cancellable,
               GError **error)
{
  g_autoptr (CtAnswer) answer =
      ct_session_query (session, cancellable, error,
                        "SELECT last_n, last_sha256 FROM api.standing($1::text::uuid)", "k", device);

  if (!answer)
    return FALSE;
  self->standing = -1;
  if (ct_answer_rows (answer) == 0)
    return TRUE;
  if (!ct_hash_from_hex (ct_answer_text (answer, 0, 1), &self->standing_sha256))
    return ct_fail (error, CT_ERROR_INVALID, "the server does not say where this device stands");
  self->standing = ct_answer_int (answer, 0, 0);
  return TRUE;
}

static gboolean
pull_all (CtSession *session, CtPulled *self, const char *const *tables, const CtCursor *cursor,
          const char *scopes, const CtId *device, gint64 after_n, GCancellable *cancellable, GError **error)
{
  if (!pull_head (session, self, tables, cursor, scopes, cancellable, error))
    return FALSE;
  for (guint i = 0; self->tables[i]; i++)
    if (!pull_table (session, self, self->tables[i], cursor->number, cancellable, error))
      return FALSE;
  self->verdicts = ct_pull_verdicts (session, device, after_n, cancellable, error);
  return self->verdicts && pull_standing (session, self, device, cancellable, error);
}

/**
 * ct_pull:
 * @tables: names of the tables that the replica has
 * @cursor: where it stands
 * @scopes: (nullable): what the last pull said of its scopes
 * @device: whose outcomes are wanted
 * @after_n: and after which command
 *
 * One REPEATABLE READ READ ONLY transaction. Where the cursor is not of this history (the server was restored), or the
 * login's scopes have changed, all rows that it sees come: the caller compares by keys.
 *
 * Returns: (transfer full): what came, or %NULL; nothing is lost by asking again
 */
CtPulled *
ct_pull (CtSession *session, const char *const *tables, const CtCursor *cursor, const char *scopes,
         const CtId *device, gint64 after_n, GCancellable *cancellable, GError **error)
{
  g_autoptr (CtPulled) self = g_new0 (CtPulled, 1);
  gboolean done;

  self->rows = g_ptr_array_new_with_free_func (pulled_row_free);
  self->base = *cursor;
  if (!ct_session_begin_read (session, cancellable, error))
    return NULL;
  done = pull_all (session, self, tables, cursor, scopes, device, after_n, cancellable, error);
  if (!done) {
    ct_session_end (session, FALSE, NULL, NULL);
    return NULL;
  }
  return ct_session_end (session, TRUE, cancellable, error) ? g_steal_pointer (&self) : NULL;
}
