/* The server's audit log: its head, its leaves, and for the sequencer their places and the signed heads. */
#include "ct-log-feed.h"

/* Row entries and disclosed texts may be large: a page is few leaves, that it fits into memory. */
#define PAGE       256
#define TEXTS_MOST (16 * 1024 * 1024)

void
ct_log_head_clear (CtLogHead *self)
{
  g_clear_pointer (&self->origin, g_free);
  g_clear_pointer (&self->first, g_free);
  g_clear_pointer (&self->vkey, g_free);
  g_clear_pointer (&self->note, g_free);
  g_clear_pointer (&self->tables, g_free);
}

/**
 * ct_log_feed_head:
 * @seen: the number in the feed at which the caller's rows stand
 * @head: (out): free with ct_log_head_clear()
 */
gboolean
ct_log_feed_head (CtSession *session, gint64 seen, CtLogHead *head, GCancellable *cancellable, GError **error)
{
  g_autoptr (CtAnswer) answer =
      ct_session_query (session, cancellable, error,
                        "SELECT origin, vkey, note, tables, size, number, upto, whole, first, proposed::int"
                        " FROM api.log_head($1::text::bigint)",
                        "i", seen);

  if (!answer)
    return FALSE;
  if (ct_answer_rows (answer) != 1 || !ct_answer_text (answer, 0, 0))
    return ct_fail (error, CT_ERROR_INVALID, "the server does not say where its log stands");
  head->origin = g_strdup (ct_answer_text (answer, 0, 0));
  head->vkey = g_strdup (ct_answer_text (answer, 0, 1));
  head->note = g_strdup (ct_answer_text (answer, 0, 2));
  head->tables = g_strdup (ct_answer_text (answer, 0, 3));
  head->size = ct_answer_int (answer, 0, 4);
  head->number = ct_answer_int (answer, 0, 5);
  head->upto = ct_answer_int (answer, 0, 6);
  head->whole = ct_answer_int (answer, 0, 7) != 0;
  head->first = g_strdup (ct_answer_text (answer, 0, 8));
  head->proposed = ct_answer_int (answer, 0, 9) != 0;
  return TRUE;
}

static void
fed_text_free (gpointer data)
{
  CtFedText *text = data;

  g_free (text->field);
  g_free (text->value);
  g_clear_pointer (&text->salt, g_bytes_unref);
  g_free (text);
}

static void
fed_leaf_free (gpointer data)
{
  CtFedLeaf *leaf = data;

  g_free (leaf->leaf);
  g_clear_pointer (&leaf->salt, g_bytes_unref);
  g_clear_pointer (&leaf->entries, g_bytes_unref);
  g_clear_pointer (&leaf->texts, g_ptr_array_unref);
  g_free (leaf);
}

/* (transfer full) (nullable): also where the digits are none */
static GBytes *
bytes_of_hex (const char *hex)
{
  gsize length = hex ? strlen (hex) : 1;
  guint8 *bytes;

  if (length % 2)
    return NULL;
  bytes = g_malloc (length / 2 + 1);
  for (gsize i = 0; i < length / 2; i++) {
    int high = g_ascii_xdigit_value (hex[2 * i]), low = g_ascii_xdigit_value (hex[2 * i + 1]);

    if (high < 0 || low < 0) {
      g_free (bytes);
      return NULL;
    }
    bytes[i] = (guint8) (high << 4 | low);
  }
  return g_bytes_new_take (bytes, length / 2);
}

static gboolean
add_text (GPtrArray *texts, JsonNode *element)
{
  JsonObject *object = JSON_NODE_HOLDS_OBJECT (element) ? json_node_get_object (element) : NULL;
  const char *field = object ? ct_json_string (object, "field", NULL) : NULL;
  const char *value = object ? ct_json_string (object, "value", NULL) : NULL;
  GBytes *salt = object ? bytes_of_hex (ct_json_string (object, "salt", NULL)) : NULL;
  CtFedText *text;

  if (!salt)
    return FALSE;
  text = g_new0 (CtFedText, 1);
  text->field = g_strdup (field);
  text->value = g_strdup (value);
  text->salt = salt;
  g_ptr_array_add (texts, text);
  return field && value;
}

/* (transfer full) (nullable) */
static GPtrArray *
read_texts (const char *json)
{
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (fed_text_free);
  g_autoptr (JsonNode) node = ct_json_parse (json, -1, TEXTS_MOST, NULL);
  JsonArray *array = node && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;

  for (guint i = 0; array && i < json_array_get_length (array); i++)
    if (!add_text (texts, json_array_get_element (array, i)))
      return NULL;
  return array ? g_steal_pointer (&texts) : NULL;
}

static gboolean
read_leaf (CtAnswer *answer, int row, CtFedLeaf *leaf)
{
  const char *salt = ct_answer_text (answer, row, 3), *entries = ct_answer_text (answer, row, 4);
  const char *texts = ct_answer_text (answer, row, 5);

  leaf->place = ct_answer_int (answer, row, 0);
  leaf->leaf = g_strdup (ct_answer_text (answer, row, 2));
  leaf->salt = bytes_of_hex (salt);
  leaf->entries = bytes_of_hex (entries);
  leaf->texts = texts ? read_texts (texts) : NULL;
  return ct_hash_from_hex (ct_answer_text (answer, row, 1), &leaf->sha256) && !salt == !leaf->salt &&
         !entries == !leaf->entries && !texts == !leaf->texts;
}

/**
 * ct_log_feed_leaves:
 * @first: a place
 * @upto: and the place behind the last
 *
 * Returns: (transfer full) (element-type CtFedLeaf): the first of them, as many as make a page, or fewer where the server
 *   has a gap; the caller looks at their places
 */
GPtrArray *
ct_log_feed_leaves (CtSession *session, gint64 first, gint64 upto, GCancellable *cancellable, GError **error)
{
  g_autoptr (GPtrArray) leaves = g_ptr_array_new_with_free_func (fed_leaf_free);
  g_autoptr (CtAnswer) answer = ct_session_query (session, cancellable, error,
                                                  "SELECT place, leaf_sha256, leaf, salt, entries, disclosed"
                                                  " FROM api.log($1::text::bigint, $2::text::bigint)",
                                                  "ii", first, MIN (upto, first + PAGE));

  if (!answer)
    return NULL;
  for (int i = 0; i < ct_answer_rows (answer); i++) {
    CtFedLeaf *leaf = g_new0 (CtFedLeaf, 1);

    g_ptr_array_add (leaves, leaf);
    if (!read_leaf (answer, i, leaf)) {
      ct_fail (error, CT_ERROR_CORRUPT, _ ("The server's leaf %d is malformed"), (int) leaf->place);
      return NULL;
    }
  }
  return g_steal_pointer (&leaves);
}

/**
 * ct_log_feed_integrate:
 * @size: (out): how many leaves have a place now
 *
 * Gives the leaves of settled commands their places; for the agent alone.
 */
gboolean
ct_log_feed_integrate (CtSession *session, gint64 *size, GCancellable *cancellable, GError **error)
{
  gint64 before;

  *size = -1;
  do {
    g_autoptr (CtAnswer) answer =
        ct_session_query (session, cancellable, error, "SELECT api.integrate()", "");

    if (!answer)
      return FALSE;
    before = *size;
    *size = ct_answer_int (answer, 0, 0);
  } while (*size > before);
  return TRUE;
}

/* Gives everybody a signed head; for the agent that holds the sequence. %CT_ERROR_CONFLICT where another one does, or the
 * server has a head of more leaves. */
gboolean
ct_log_feed_publish (CtSession *session, gint64 size, const CtHash *root, const char *note,
                     GCancellable *cancellable, GError **error)
{
  g_autofree char *hex = ct_hash_to_hex (root);

  return ct_session_run (session, cancellable, error, "SELECT api.checkpoint($1::text::bigint, $2, $3)",
                         "iss", size, hex, note);
}

/* (transfer full): what the function returns */
static GStrv
ask_notes (CtSession *session, const char *sql, GCancellable *cancellable, GError **error)
{
  g_autoptr (CtAnswer) answer = ct_session_query (session, cancellable, error, sql, "");
  g_autoptr (GStrvBuilder) notes = g_strv_builder_new ();

  if (!answer)
    return NULL;
  for (int i = 0; i < ct_answer_rows (answer); i++)
    g_strv_builder_add (notes, ct_answer_text (answer, i, 0));
  return g_strv_builder_end (notes);
}

/**
 * ct_log_feed_continuations:
 *
 * Returns: (transfer full): the signed notes by which the log came to its present origin, the first one first; foreign bytes
 */
GStrv
ct_log_feed_continuations (CtSession *session, GCancellable *cancellable, GError **error)
{
  return ask_notes (session, "SELECT note FROM api.log_continuations()", cancellable, error);
}

/**
 * ct_log_feed_proposals:
 *
 * Returns: (transfer full): the notes by which administrators would have the log go on, the latest first; foreign bytes. For
 *   the agent alone
 */
GStrv
ct_log_feed_proposals (CtSession *session, GCancellable *cancellable, GError **error)
{
  return ask_notes (session, "SELECT note FROM api.log_proposals()", cancellable, error);
}
