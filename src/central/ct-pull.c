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
  g_clear_pointer (&self->rows, g_ptr_array_unref);
  g_clear_pointer (&self->verdicts, g_ptr_array_unref);
  g_free (self);
}

/* Keeps of the server's tables those that the replica has. */
static GStrv
common_tables (JsonArray *served, const char *const *tables)
{
  g_autoptr (GStrvBuilder) both = g_strv_builder_new ();

  for (guint i = 0; served && i < json_array_get_length (served); i++) {
    const char *name = json_array_get_string_element (served, i);

    if (name && g_strv_contains (tables, name))
      g_strv_builder_add (both, name);
  }
  return g_strv_builder_end (both);
}

static gboolean
read_head (CtPulled *self, JsonObject *head, const char *const *tables, GError **error)
{
  if (!ct_id_parse (ct_json_string (head, "epoch", NULL), &self->cursor.epoch) ||
      !ct_id_parse (ct_json_string (head, "nonce", NULL), &self->cursor.nonce))
    return ct_fail (error, CT_ERROR_INVALID, "the server does not say where its feed stands");
  self->cursor.number = ct_json_int (head, "number", 0);
  self->scopes = g_strdup (ct_json_string (head, "scopes", ""));
  self->whole = ct_json_bool (head, "whole", FALSE);
  self->aged = ct_json_bool (head, "aged", FALSE);
  self->oldest = (int) ct_json_int (head, "oldest", 0);
  self->newest = (int) ct_json_int (head, "newest", 0);
  self->tables = common_tables (ct_json_array (head, "tables"), tables);
  return TRUE;
}

static gboolean
read_row (CtPulled *self, const char *table, CtAnswer *answer, int at, JsonObject *values, GError **error)
{
  CtPulledRow *row;
  CtId id;

  if (!ct_answer_id (answer, at, 2, &id))
    return ct_fail (error, CT_ERROR_INVALID, "the server sent a row of %s without a UUID", table);
  row = g_new0 (CtPulledRow, 1);
  row->table = g_intern_string (table);
  row->id = id;
  row->values = values ? json_object_ref (values) : NULL;
  g_ptr_array_add (self->rows, row);
  return TRUE;
}

static gboolean
hide_last (CtPulled *self)
{
  CtPulledRow *row = self->rows->pdata[self->rows->len - 1];

  row->hidden = TRUE;
  return TRUE;
}

static gboolean
read_verdict (GPtrArray *verdicts, gint64 n, const char *sha256, CtVerdict *outcome, GError **error)
{
  CtPulledVerdict *verdict = g_new0 (CtPulledVerdict, 1);

  g_ptr_array_add (verdicts, verdict);
  verdict->n = n;
  verdict->verdict = outcome;
  return outcome &&
         (ct_hash_from_hex (sha256, &verdict->sha256) ||
          ct_fail (error, CT_ERROR_INVALID, "the server sent an outcome without its intent's hash"));
}

static gboolean
read_standing (CtPulled *self, JsonObject *standing, GError **error)
{
  self->standing = ct_json_int (standing, "last_n", -1);
  return ct_hash_from_hex (ct_json_string (standing, "last_sha256", NULL), &self->standing_sha256) ||
         ct_fail (error, CT_ERROR_INVALID, "the server does not say where this device stands");
}

/* One line of api.pull(). */
static gboolean
read_line (CtPulled *self, CtAnswer *answer, int at, const char *const *tables, GError **error)
{
  const char *kind = ct_answer_text (answer, at, 0), *table = ct_answer_text (answer, at, 1);
  const char *text = ct_answer_text (answer, at, 3);
  g_autoptr (JsonNode) node = text ? ct_json_parse (text, -1, ROW_MOST, error) : NULL;
  JsonObject *body = node && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;

  if (text && !node)
    return FALSE;
  if (g_strcmp0 (kind, "hidden") == 0 && table && g_strv_contains (tables, table) && !text)
    return read_row (self, table, answer, at, NULL, error) && hide_last (self);
  if (g_strcmp0 (kind, "row") == 0 && table && g_strv_contains (tables, table) && !text == !body)
    return read_row (self, table, answer, at, body, error);
  if (body && g_strcmp0 (kind, "head") == 0 && !self->tables)
    return read_head (self, body, tables, error);
  if (body && g_strcmp0 (kind, "outcome") == 0)
    return read_verdict (self->verdicts, ct_json_int (body, "n", 0), ct_json_string (body, "sha256", NULL),
                         ct_verdict_read (ct_json_object (body, "answer"), error), error);
  if (body && g_strcmp0 (kind, "standing") == 0)
    return read_standing (self, body, error);
  return ct_fail (error, CT_ERROR_INVALID, "the server sent something that is no part of a pull");
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
  g_autoptr (CtAnswer) answer = ct_session_read (
      session, cancellable, error,
      "SELECT n, sha256, answer FROM api.outcomes($1::text::uuid, $2::text::bigint)", "ki", device, after_n);

  if (!answer)
    return NULL;
  for (int i = 0; i < ct_answer_rows (answer); i++)
    if (!read_verdict (verdicts, ct_answer_int (answer, i, 0), ct_answer_text (answer, i, 1),
                       ct_verdict_parse (ct_answer_text (answer, i, 2), error), error))
      return NULL;
  return g_steal_pointer (&verdicts);
}

/* Whether two seals name the same scopes, whenever that was: "{1,2} NUMBER MAC" */
gboolean
ct_pull_same_scopes (const char *one, const char *other)
{
  gsize length = one ? strcspn (one, " ") : 0;

  return one && other && length == strcspn (other, " ") && strncmp (one, other, length) == 0;
}

/**
 * ct_pull_head:
 * @tables: names of the tables that the replica has
 * @cursor: where it stands
 * @scopes: (nullable): what it knows of its scopes
 *
 * Returns: (transfer full): only what the head says: cursor, scopes, window, tables, and whether @cursor is not of this
 *   history
 */
CtPulled *
ct_pull_head (CtSession *session, const char *const *tables, const CtCursor *cursor, const char *scopes,
              GCancellable *cancellable, GError **error)
{
  g_autoptr (CtPulled) self = g_new0 (CtPulled, 1);
  g_autoptr (CtAnswer) answer = ct_session_read (
      session, cancellable, error,
      "SELECT row_to_json(h) FROM api.head($1::text::uuid, $2::text::bigint, $3::text::uuid, $4) h", "kiks",
      &cursor->epoch, cursor->number, &cursor->nonce, scopes);
  g_autoptr (JsonNode) node =
      answer ? ct_json_parse (ct_answer_text (answer, 0, 0), -1, ROW_MOST, error) : NULL;

  if (!node || !JSON_NODE_HOLDS_OBJECT (node) ||
      !read_head (self, json_node_get_object (node), tables, error))
    return NULL;
  return g_steal_pointer (&self);
}

/* (transfer full): {"a","b"}, names that need no more quoting than that */
static char *
names_array (const char *const *names)
{
  g_autofree char *joined = g_strjoinv ("\",\"", (GStrv) names);

  return *names ? g_strdup_printf ("{\"%s\"}", joined) : g_strdup ("{}");
}

/**
 * ct_pull:
 * @tables: names of the tables that the replica has
 * @cursor: where it stands
 * @scopes: (nullable): what the last pull said of its scopes
 * @device: whose outcomes are wanted
 * @after_n: and after which command
 *
 * One statement, so that all of it is of one moment. Where the cursor is not of this history (the server was restored),
 * or too old, all rows that the login sees come: the caller compares by keys. Of a scope that was granted meanwhile all
 * rows come, of one that was revoked those that no other shows come as gone.
 *
 * Returns: (transfer full): what came, or %NULL; nothing is lost by asking again
 */
CtPulled *
ct_pull (CtSession *session, const char *const *tables, const CtCursor *cursor, const char *scopes,
         const CtId *device, gint64 after_n, GCancellable *cancellable, GError **error)
{
  g_autoptr (CtPulled) self = g_new0 (CtPulled, 1);
  g_autofree char *names = names_array (tables);
  g_autoptr (CtAnswer) answer = ct_session_read (
      session, cancellable, error,
      "SELECT kind, name, id, body FROM api.pull($1::text::uuid, $2::text::bigint, $3::text::uuid, "
      "$4::text::text[], $5, $6::text::uuid, $7::text::bigint)",
      "kiksski", &cursor->epoch, cursor->number, &cursor->nonce, names, scopes, device, after_n);

  self->rows = g_ptr_array_new_with_free_func (pulled_row_free);
  self->verdicts = g_ptr_array_new_with_free_func (pulled_verdict_free);
  self->base = *cursor;
  self->standing = -1;
  if (!answer)
    return NULL;
  for (int i = 0; i < ct_answer_rows (answer); i++)
    if (!read_line (self, answer, i, tables, error))
      return NULL;
  if (!self->tables) {
    ct_fail (error, CT_ERROR_INVALID, "the server does not say where its feed stands");
    return NULL;
  }
  return g_steal_pointer (&self);
}

/**
 * ct_pull_rows:
 * @self: gets them
 * @ids: (element-type CtId): of rows of @table
 *
 * Brings some rows as they are; those that the login does not see come as gone.
 */
gboolean
ct_pull_rows (CtSession *session, CtPulled *self, const char *table, GPtrArray *ids,
              GCancellable *cancellable, GError **error)
{
  g_autofree char *sql =
      g_strdup_printf ("SELECT 'row', '', k.id, CASE WHEN v.id IS NOT NULL THEN row_to_json(v) "
                       "END FROM unnest(string_to_array($1, ',')::uuid[]) k (id)"
                       " LEFT JOIN api.\"%s\" v ON v.id = k.id",
                       table);
  g_autoptr (GString) list = g_string_new (NULL);
  g_autoptr (CtAnswer) answer = NULL;

  for (guint i = 0; i < ids->len; i++) {
    g_autofree char *id = ct_id_to_string (ids->pdata[i]);

    g_string_append_printf (list, "%s%s", i ? "," : "", id);
  }
  answer = ct_session_read (session, cancellable, error, sql, "s", list->str);
  if (!answer)
    return FALSE;
  if (!self->rows)
    self->rows = g_ptr_array_new_with_free_func (pulled_row_free);
  for (int i = 0; i < ct_answer_rows (answer); i++) {
    const char *text = ct_answer_text (answer, i, 3);
    g_autoptr (JsonNode) node = text ? ct_json_parse (text, -1, ROW_MOST, error) : NULL;
    JsonObject *values = node && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;

    if ((text && !values) || !read_row (self, table, answer, i, values, error))
      return FALSE;
  }
  return TRUE;
}
