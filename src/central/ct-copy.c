/* Whole tables by COPY in its binary form: no text is made or read on the way of a row, and no more of them is held than
 * the caller asks for. */
#include "ct-copy.h"
#include "ct-session-private.h"

#include <string.h>

/* PostgreSQL's documentation of COPY, "Binary Format" */
#define SIGNATURE        "PGCOPY\n\377\r\n"
#define SIGNATURE_LENGTH 11

struct _CtCopy {
  CtSession *session; /* (unowned) */
  gboolean begun;     /* the header was read */
  gboolean ended;     /* nothing of it is left on the wire */
};

static void
column_free (gpointer data)
{
  CtCopyColumn *column = data;

  g_free (column->name);
  g_free (column->sql);
  g_free (column);
}

/* How a type of the server travels; what is not listed does as its text. */
static const struct {
  const char *type;
  char letter;
  const char *cast;
} types[] = {
  { "text", 't', "" },
  { "bigint", 'i', "" },
  { "uuid", 'b', "" },
  { "bytea", 'b', "" },
  { "integer", 'i', "::int8" },
  { "smallint", 'i', "::int8" },
  { "boolean", 'i', "::int4::int8" },
  { "double precision", 'd', "" },
};

static CtCopyColumn *
column_new (const char *name, const char *type)
{
  CtCopyColumn *self = g_new0 (CtCopyColumn, 1);
  g_auto (GStrv) halves = g_strsplit (name, "\"", -1);
  g_autofree char *quoted = g_strjoinv ("\"\"", halves);
  const char *cast = "::text";

  self->name = g_strdup (name);
  self->type = 't';
  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    if (g_str_equal (types[i].type, type)) {
      self->type = types[i].letter;
      cast = types[i].cast;
    }
  self->sql = g_strdup_printf ("\"%s\"%s", quoted, cast);
  return self;
}

/**
 * ct_copy_columns:
 *
 * Returns: (transfer full) (element-type utf8 GPtrArray): the columns of each table that the server shows, by its name
 */
GHashTable *
ct_copy_columns (CtSession *session, GCancellable *cancellable, GError **error)
{
  g_autoptr (GHashTable) tables =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_ptr_array_unref);
  g_autoptr (CtAnswer) answer = ct_session_query (
      session, cancellable, error,
      "SELECT c.relname, a.attname, format_type(a.atttypid, NULL) FROM pg_class c JOIN pg_attribute a"
      " ON a.attrelid = c.oid WHERE c.relnamespace = 'api'::regnamespace AND c.relkind = 'v' AND a.attnum > 0"
      " AND NOT a.attisdropped ORDER BY c.relname, a.attnum",
      "");

  if (!answer)
    return NULL;
  for (int i = 0; i < ct_answer_rows (answer); i++) {
    const char *table = ct_answer_text (answer, i, 0);
    GPtrArray *columns = g_hash_table_lookup (tables, table);

    if (!columns) {
      columns = g_ptr_array_new_with_free_func (column_free);
      g_hash_table_insert (tables, g_strdup (table), columns);
    }
    g_ptr_array_add (columns, column_new (ct_answer_text (answer, i, 1), ct_answer_text (answer, i, 2)));
  }
  return g_steal_pointer (&tables);
}

/* The answer to the question itself: that rows will follow. */
static gboolean
await_start (CtSession *session, GCancellable *cancellable, GError **error)
{
  PGresult *result;
  gboolean started;
  int flushed;

  while ((flushed = PQflush (session->handle)) == 1)
    if (!ct_session_wait (session, G_IO_IN | G_IO_OUT, cancellable, error))
      return FALSE;
  while (flushed == 0 && PQisBusy (session->handle)) {
    if (!ct_session_wait (session, G_IO_IN, cancellable, error))
      return FALSE;
    if (!PQconsumeInput (session->handle))
      return ct_session_fail_lost (session, error);
  }
  result = flushed == 0 ? PQgetResult (session->handle) : NULL;
  if (!result)
    return ct_session_fail_lost (session, error);
  started = PQresultStatus (result) == PGRES_COPY_OUT || ct_session_fail_result (session, result, error);
  PQclear (result);
  return started;
}

/**
 * ct_copy_open:
 * @session: in a transaction begun with ct_session_begin_read()
 * @table: one of ct_copy_columns()
 * @columns: (element-type CtCopyColumn): those wanted; the first one is the id
 * @after: (nullable): the last id that is known already
 *
 * Returns: (transfer full): the table's rows on their way. Read it to its end before the session is asked anything
 *   else; one that is left before that leaves a session that can only be closed
 */
CtCopy *
ct_copy_open (CtSession *session, const char *table, GPtrArray *columns, const CtId *after,
              GCancellable *cancellable, GError **error)
{
  g_autoptr (GString) sql = g_string_new ("COPY (SELECT ");
  g_autoptr (CtCopy) self = g_new0 (CtCopy, 1);
  g_autofree char *id = after ? ct_id_to_string (after) : NULL;

  for (guint i = 0; i < columns->len; i++)
    g_string_append_printf (sql, "%s%s", i ? ", " : "", ((CtCopyColumn *) columns->pdata[i])->sql);
  g_string_append_printf (sql, " FROM api.\"%s\"", table);
  if (id)
    g_string_append_printf (sql, " WHERE id > '%s'", id);
  g_string_append (sql, " ORDER BY id) TO STDOUT (FORMAT binary)");
  self->session = session;
  session->state[0] = 0;
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  if (!PQsendQuery (session->handle, sql->str)) {
    ct_session_fail_lost (session, error);
    return NULL;
  }
  return await_start (session, cancellable, error) ? g_steal_pointer (&self) : NULL;
}

/* What the server says after the last row: that it is well, or what went wrong. */
static gboolean
read_end (CtCopy *self, GError **error)
{
  PGresult *result = PQgetResult (self->session->handle);
  gboolean done = result && PQresultStatus (result) == PGRES_COMMAND_OK;

  if (!result)
    ct_session_fail_lost (self->session, error);
  else if (!done)
    ct_session_fail_result (self->session, result, error);
  PQclear (result);
  self->ended = TRUE;
  while ((result = PQgetResult (self->session->handle)))
    PQclear (result);
  return done;
}

/* The header comes with the first row, or with the trailer. */
static gboolean
skip_header (CtCopy *self, const char **data, gsize *length, GError **error)
{
  guint32 extension;

  if (self->begun)
    return TRUE;
  if (*length < SIGNATURE_LENGTH + 8 || memcmp (*data, SIGNATURE, SIGNATURE_LENGTH) != 0)
    return ct_fail (error, CT_ERROR_INVALID, "the server's COPY is not in the binary form");
  memcpy (&extension, *data + SIGNATURE_LENGTH + 4, sizeof extension);
  extension = GUINT32_FROM_BE (extension);
  if (extension > *length - SIGNATURE_LENGTH - 8)
    return ct_fail (error, CT_ERROR_INVALID, "the server's COPY has a header without end");
  self->begun = TRUE;
  *data += SIGNATURE_LENGTH + 8 + extension;
  *length -= SIGNATURE_LENGTH + 8 + extension;
  return TRUE;
}

/* The server sends one row a message; the trailer is no row. */
static gboolean
add_message (CtCopy *self, CtCopyPiece *piece, const char *data, gsize length, GError **error)
{
  if (!skip_header (self, &data, &length, error))
    return FALSE;
  if (length == 0 || (length == 2 && memcmp (data, "\xff\xff", 2) == 0))
    return TRUE;
  g_byte_array_append (piece->bytes, (const guint8 *) data, (guint) length);
  piece->rows++;
  return TRUE;
}

/**
 * ct_copy_read:
 * @most_bytes: when to stop; one row more may come
 *
 * Returns: (transfer full): the next rows, none at the end; %NULL on error
 */
CtCopyPiece *
ct_copy_read (CtCopy *self, gsize most_bytes, GCancellable *cancellable, GError **error)
{
  g_autoptr (CtCopyPiece) piece = g_new0 (CtCopyPiece, 1);

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  piece->bytes = g_byte_array_sized_new ((guint) most_bytes + 4096);
  while (!self->ended && piece->bytes->len < most_bytes) {
    char *message = NULL;
    int length = PQgetCopyData (self->session->handle, &message, 1);
    gboolean good = TRUE;

    if (length > 0)
      good = add_message (self, piece, message, (gsize) length, error);
    else if (length == 0)
      good = ct_session_wait (self->session, G_IO_IN, cancellable, error) &&
             (PQconsumeInput (self->session->handle) || ct_session_fail_lost (self->session, error));
    else
      good = length == -1 ? read_end (self, error) : ct_session_fail_lost (self->session, error);
    PQfreemem (message);
    if (!good)
      return NULL;
  }
  return g_steal_pointer (&piece);
}

void
ct_copy_free (CtCopy *self)
{
  g_free (self);
}

static gboolean
take (CtCopyPiece *self, gpointer to, gsize length, GError **error)
{
  if (self->bytes->len - self->at < length)
    return ct_fail (error, CT_ERROR_INVALID, "the server sent half a row");
  memcpy (to, self->bytes->data + self->at, length);
  self->at += length;
  return TRUE;
}

static gboolean
read_value (CtCopyPiece *self, const CtCopyColumn *column, CtCopyValue *value, GError **error)
{
  gint32 length = -1;
  guint64 bits;

  if (!take (self, &length, sizeof length, error))
    return FALSE;
  length = (gint32) GINT32_FROM_BE (length);
  *value = (CtCopyValue){ .type = length == -1 ? 'n' : column->type };
  if (length == -1)
    return TRUE;
  if (length < 0 || (gsize) length > self->bytes->len - self->at ||
      ((column->type == 'i' || column->type == 'd') && length != sizeof bits))
    return ct_fail (error, CT_ERROR_INVALID, "the server sent a value of %s that is none", column->name);
  value->data = self->bytes->data + self->at;
  value->length = (gsize) length;
  self->at += (gsize) length;
  if (column->type == 'i' || column->type == 'd') {
    memcpy (&bits, value->data, sizeof bits);
    bits = GUINT64_FROM_BE (bits);
    memcpy (column->type == 'i' ? (gpointer) &value->integer : (gpointer) &value->real, &bits, sizeof bits);
  }
  return TRUE;
}

/**
 * ct_copy_piece_next:
 * @columns: as the rows were asked for
 * @values: (out): one for each
 *
 * Reads the next of @self's rows; there must be one.
 */
gboolean
ct_copy_piece_next (CtCopyPiece *self, GPtrArray *columns, CtCopyValue *values, GError **error)
{
  guint16 n = 0;

  if (!take (self, &n, sizeof n, error))
    return FALSE;
  if (GUINT16_FROM_BE (n) != columns->len)
    return ct_fail (error, CT_ERROR_INVALID, "the server sent a row of other columns than it was asked for");
  for (guint i = 0; i < columns->len; i++)
    if (!read_value (self, columns->pdata[i], &values[i], error))
      return FALSE;
  return TRUE;
}

void
ct_copy_piece_free (CtCopyPiece *self)
{
  g_clear_pointer (&self->bytes, g_byte_array_unref);
  g_free (self);
}
