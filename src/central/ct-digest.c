/* What the server's rows amount to, without the rows. */
#include "ct-digest.h"

#include <string.h>

/* Adds a row, or with @times -1 takes it away: the hashes of all rows are exclusive-or'ed. */
void
ct_digest_add (CtDigest *self, const CtId *id, gint64 rev, int times)
{
  guint8 bytes[CT_ID_SIZE + sizeof rev];
  guint64 first;
  CtHash hash;

  memcpy (bytes, id->bytes, CT_ID_SIZE);
  rev = GINT64_TO_BE (rev);
  memcpy (bytes + CT_ID_SIZE, &rev, sizeof rev);
  hash = ct_hash (bytes, sizeof bytes);
  memcpy (&first, hash.bytes, sizeof first);
  self->hash ^= GUINT64_FROM_BE (first);
  self->rows += times;
}

/* (transfer full) (element-type CtId gint64): revisions by id */
GHashTable *
ct_digest_revs_new (void)
{
  return g_hash_table_new_full (ct_id_hash, (GEqualFunc) ct_id_equal, g_free, g_free);
}

/* (transfer full): {…,…} for a parameter of type uuid[] */
static char *
ids_array (const CtId *ids, guint n)
{
  g_autoptr (GString) text = g_string_new ("{");

  for (guint i = 0; i < n; i++) {
    g_autofree char *id = ct_id_to_string (&ids[i]);

    g_string_append_printf (text, "%s%s", i ? "," : "", id);
  }
  g_string_append_c (text, '}');
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/**
 * ct_digest_ask:
 * @bounds: (element-type CtId): where ranges of ids begin, ascending
 * @digests: (element-type CtDigest): gets one for each
 */
gboolean
ct_digest_ask (CtSession *session, const char *table, GArray *bounds, GArray *digests,
               GCancellable *cancellable, GError **error)
{
  g_autofree char *ids = ids_array ((const CtId *) bounds->data, bounds->len);
  g_autoptr (CtAnswer) answer =
      ct_session_read (session, cancellable, error,
                       "SELECT part, rows, hash FROM api.digest($1, $2::text::uuid[])", "ss", table, ids);

  if (!answer)
    return FALSE;
  g_array_set_size (digests, 0);
  g_array_set_size (digests, bounds->len);
  for (int i = 0; i < ct_answer_rows (answer); i++) {
    gint64 part = ct_answer_int (answer, i, 0);
    CtDigest one = { ct_answer_int (answer, i, 1), (guint64) ct_answer_int (answer, i, 2) };

    if (part < 1 || part > (gint64) bounds->len)
      return ct_fail (error, CT_ERROR_INVALID, "the server sums up a range that nobody asked for");
    g_array_index (digests, CtDigest, part - 1) = one;
  }
  return TRUE;
}

/* @ids of @table: names and keys, each a row of the answer */
static gboolean
add_ids (GHashTable *changed, CtAnswer *answer, GError **error)
{
  for (int i = 0; i < ct_answer_rows (answer); i++) {
    const char *table = ct_answer_text (answer, i, 0);
    GHashTable *ids = g_hash_table_lookup (changed, table);
    CtId id;

    if (!ct_answer_id (answer, i, 1, &id))
      return ct_fail (error, CT_ERROR_INVALID, "the server sent a row of %s without a UUID", table);
    if (!ids) {
      ids = ct_digest_revs_new ();
      g_hash_table_insert (changed, g_strdup (table), ids);
    }
    g_hash_table_insert (ids, g_memdup2 (&id, sizeof id), NULL);
  }
  return TRUE;
}

/**
 * ct_digest_ask_changed:
 * @head: where the server stands
 * @after: where the replica stands
 * @scopes: what it knows of its scopes
 * @changed: (element-type utf8 GHashTable): gets by table which rows a pull would bring
 */
gboolean
ct_digest_ask_changed (CtSession *session, const CtPulled *head, gint64 after, const char *scopes,
                       GHashTable *changed, GCancellable *cancellable, GError **error)
{
  g_autofree char *joined = g_strjoinv (",", head->tables);
  g_autoptr (CtAnswer) answer = ct_session_read (session, cancellable, error,
                                                 "SELECT c.name, k.id FROM api.changed($1::text::bigint, "
                                                 "$2::text::bigint, $3, string_to_array($4, ',')) c,"
                                                 " unnest(c.ids) k (id)",
                                                 "iiss", after, head->cursor.number, scopes, joined);

  return answer && add_ids (changed, answer, error);
}

/* (transfer full): ids and revisions */
static GHashTable *
read_revs (CtAnswer *answer, GError **error)
{
  g_autoptr (GHashTable) revs = ct_digest_revs_new ();

  for (int i = 0; answer && i < ct_answer_rows (answer); i++) {
    gint64 rev = ct_answer_int (answer, i, 1);
    CtId id;

    if (!ct_answer_id (answer, i, 0, &id)) {
      ct_fail (error, CT_ERROR_INVALID, "the server sent a row without a UUID");
      return NULL;
    }
    g_hash_table_insert (revs, g_memdup2 (&id, sizeof id), g_memdup2 (&rev, sizeof rev));
  }
  return answer ? g_steal_pointer (&revs) : NULL;
}

/* (transfer full): what the server has of these rows */
GHashTable *
ct_digest_ask_revs (CtSession *session, const char *table, GHashTable *of, GCancellable *cancellable,
                    GError **error)
{
  g_autoptr (GArray) wanted = g_array_new (FALSE, FALSE, sizeof (CtId));
  g_autofree char *sql =
      g_strdup_printf ("SELECT v.id, v.rev FROM api.\"%s\" v WHERE v.id = ANY ($1::text::uuid[])", table);
  g_autofree char *ids = NULL;
  g_autoptr (CtAnswer) answer = NULL;
  GHashTableIter each;
  gpointer id;

  for (g_hash_table_iter_init (&each, of); g_hash_table_iter_next (&each, &id, NULL);)
    g_array_append_vals (wanted, id, 1);
  ids = ids_array ((const CtId *) wanted->data, wanted->len);
  answer = ct_session_read (session, cancellable, error, sql, "s", ids);
  return read_revs (answer, error);
}

/* (transfer full): what the server has from @from on, to before @until (nullable), the first @most of them */
GHashTable *
ct_digest_ask_range (CtSession *session, const char *table, const CtId *from, const CtId *until, int most,
                     GCancellable *cancellable, GError **error)
{
  g_autofree char *sql =
      g_strdup_printf ("SELECT v.id, v.rev FROM api.\"%s\" v WHERE v.id >= $1::text::uuid"
                       " AND ($2::text IS NULL OR v.id < $2::text::uuid) ORDER BY v.id LIMIT %d",
                       table, most);
  g_autoptr (CtAnswer) answer = ct_session_read (session, cancellable, error, sql, "kk", from, until);

  return read_revs (answer, error);
}
