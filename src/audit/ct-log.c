/* The log inside the replica: a leaf is one event as canonical JSON (RFC 8785), written in the transaction of its
 * effect. The bytes are built directly, keys in order; a test holds them equal to the canonical form. */
#include "ct-log.h"

#include <string.h>

#define SALT_SIZE 16

/* RFC 6962, section 2.1: the hash of a leaf. */
CtHash
ct_log_leaf_hash (gconstpointer leaf, gsize length)
{
  CtHasher hasher;

  ct_hasher_init (&hasher);
  ct_hasher_update (&hasher, "\0", 1);
  ct_hasher_update (&hasher, leaf, length);
  return ct_hasher_finish (&hasher);
}

/* SHA256("ct-disclosure-v1" 0 field 0 salt value) */
CtHash
ct_log_disclosure_hash (const char *field, gconstpointer salt, gsize salt_length, const char *value)
{
  static const char domain[] = "ct-disclosure-v1";
  CtHasher hasher;

  ct_hasher_init (&hasher);
  ct_hasher_update (&hasher, domain, sizeof domain);
  ct_hasher_update (&hasher, field, strlen (field) + 1);
  ct_hasher_update (&hasher, salt, salt_length);
  ct_hasher_update (&hasher, value, strlen (value));
  return ct_hasher_finish (&hasher);
}

static void
append_hex (GString *leaf, gconstpointer data, gsize length)
{
  static const char digits[] = "0123456789abcdef";
  const guint8 *bytes = data;

  for (gsize i = 0; i < length; i++) {
    g_string_append_c (leaf, digits[bytes[i] >> 4]);
    g_string_append_c (leaf, digits[bytes[i] & 15]);
  }
}

static void
append_key (GString *leaf, const char *key)
{
  if (leaf->str[leaf->len - 1] != '{')
    g_string_append_c (leaf, ',');
  g_string_append_c (leaf, '"');
  g_string_append (leaf, key);
  g_string_append (leaf, "\":");
}

/* Names are logins, roles and actions: what they may hold needs no escape, or is refused. */
static gboolean
append_name (GString *leaf, const char *key, const char *value, GError **error)
{
  for (const char *c = value; *c; c++)
    if ((guchar) *c < 0x20 || *c == '"' || *c == '\\')
      return ct_fail (error, CT_ERROR_INVALID, "The audit field %s holds a character it may not", key);
  append_key (leaf, key);
  g_string_append_c (leaf, '"');
  g_string_append (leaf, value);
  g_string_append_c (leaf, '"');
  return TRUE;
}

static void
append_hash (GString *leaf, const char *key, gconstpointer data, gsize length)
{
  append_key (leaf, key);
  g_string_append_c (leaf, '"');
  append_hex (leaf, data, length);
  g_string_append_c (leaf, '"');
}

static void
append_id (GString *leaf, const char *key, const CtId *id)
{
  g_autofree char *text = ct_id_to_string (id);

  append_key (leaf, key);
  g_string_append_c (leaf, '"');
  g_string_append_len (leaf, text, 36);
  g_string_append_c (leaf, '"');
}

static void
append_int (GString *leaf, const char *key, gint64 value)
{
  char digits[24];

  append_key (leaf, key);
  g_string_append_len (leaf, digits, g_snprintf (digits, sizeof digits, "%" G_GINT64_FORMAT, value));
}

static int
compare_disclosures (gconstpointer a, gconstpointer b)
{
  return strcmp (((const CtDisclosure *) a)->field, ((const CtDisclosure *) b)->field);
}

/* The commitments, sorted by field; the salts go into @salts. */
static void
append_commit (GString *leaf, CtDisclosure *sorted, guint n, guint8 (*salts)[SALT_SIZE])
{
  append_key (leaf, "commit");
  g_string_append_c (leaf, '{');
  for (guint i = 0; i < n; i++) {
    CtHash hash;

    ct_random_bytes (salts[i], SALT_SIZE);
    hash = ct_log_disclosure_hash (sorted[i].field, salts[i], SALT_SIZE, sorted[i].value);
    append_hash (leaf, sorted[i].field, hash.bytes, sizeof hash.bytes);
  }
  g_string_append_c (leaf, '}');
}

static gboolean
build_leaf (GString *leaf, const CtEvent *event, const char *origin, CtDisclosure *sorted,
            guint8 (*salts)[SALT_SIZE], CtRowCommitter *rows, GError **error)
{
  g_string_append_c (leaf, '{');
  if (!append_name (leaf, "action", event->action, error) ||
      !append_name (leaf, "actor", event->actor, error) ||
      !append_name (leaf, "actor_role", event->actor_role, error))
    return FALSE;
  append_commit (leaf, sorted, event->n_disclosures, salts);
  append_id (leaf, "device_id", &event->device_id);
  append_int (leaf, "device_seq", event->device_seq);
  append_id (leaf, "ev_id", &event->ev_id);
  append_hash (leaf, "intent_sha256", &event->intent_sha256, sizeof event->intent_sha256);
  if (!append_name (leaf, "log_origin", origin, error))
    return FALSE;
  append_id (leaf, "object_id", &event->object_id);
  append_int (leaf, "object_rev", event->object_rev);
  if (!append_name (leaf, "object_type", event->object_type, error))
    return FALSE;
  append_int (leaf, "occurred_at", event->occurred_at);
  if (event->outbox_key && !append_name (leaf, "outbox_key", event->outbox_key, error))
    return FALSE;
  if (event->parent_ev_id)
    append_id (leaf, "parent_ev_id", event->parent_ev_id);
  append_int (leaf, "received_at", event->received_at);
  if (rows && !ct_row_committer_is_empty (rows)) {
    CtHash commitment = ct_row_committer_finish (rows);

    append_hash (leaf, "row_commitment", &commitment, sizeof commitment);
  }
  append_int (leaf, "v", 1);
  g_string_append_c (leaf, '}');
  if (leaf->len > CT_LEAF_MOST)
    return ct_fail (error, CT_ERROR_INVALID, "An audit leaf of %zu bytes is larger than %d", leaf->len,
                    CT_LEAF_MOST);
  return TRUE;
}

static gboolean
store_rows (CtDb *db, gint64 index, CtRowCommitter *rows, GError **error)
{
  g_autoptr (GBytes) salt = NULL;
  g_autoptr (GBytes) entries = NULL;

  if (!rows || ct_row_committer_is_empty (rows))
    return TRUE;
  salt = ct_row_committer_get_salt (rows);
  entries = ct_row_committer_get_entries (rows);
  return ct_db_run (db, error, "INSERT INTO audit_rows VALUES(?, ?, ?)", "ibb", index,
                    g_bytes_get_data (salt, NULL), g_bytes_get_size (salt), g_bytes_get_data (entries, NULL),
                    g_bytes_get_size (entries));
}

/**
 * ct_log_append:
 * @db: inside the transaction of the effect
 * @event: what happened
 * @rows: (nullable): the rows it wrote
 * @index: (out): the leaf's index, from 0
 *
 * Writes the leaf, its disclosures and its row commitments. No leaf, no commit: a caller that cannot append rolls back.
 */
gboolean
ct_log_append (CtDb *db, const CtEvent *event, CtRowCommitter *rows, gint64 *index, GError **error)
{
  g_autoptr (GString) leaf = g_string_sized_new (1024);
  g_autofree CtDisclosure *sorted = g_memdup2 (event->disclosures, event->n_disclosures * sizeof *sorted);
  guint8 salts[CT_LOG_MOST_DISCLOSURES][SALT_SIZE];
  g_autofree char *origin =
      ct_db_read_text (db, error, "SELECT value FROM workspace WHERE key = 'log_origin'", "");
  gint64 n = 0;
  CtHash hash;

  if (event->n_disclosures > CT_LOG_MOST_DISCLOSURES)
    return ct_fail (error, CT_ERROR_INVALID, "An audit event takes %d disclosures", CT_LOG_MOST_DISCLOSURES);
  if (!origin || !ct_db_read_int (db, &n, error, "SELECT coalesce(max(n), -1) + 1 FROM audit_logs", ""))
    return FALSE;
  if (event->n_disclosures > 1)
    qsort (sorted, event->n_disclosures, sizeof *sorted, compare_disclosures);
  if (!build_leaf (leaf, event, origin, sorted, salts, rows, error))
    return FALSE;
  hash = ct_log_leaf_hash (leaf->str, leaf->len);
  if (!ct_db_run (db, error,
                  "INSERT INTO audit_logs(n, ev_id, leaf, leaf_sha256, action, actor, object_type, "
                  "object_id, received_at) "
                  "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
                  "ikbhssski", n, &event->ev_id, leaf->str, leaf->len, &hash, event->action, event->actor,
                  event->object_type, &event->object_id, event->received_at))
    return FALSE;
  for (guint i = 0; i < event->n_disclosures; i++)
    if (!ct_db_run (db, error, "INSERT INTO audit_disclosures VALUES(?, ?, ?, ?)", "isbs", n, sorted[i].field,
                    salts[i], (gsize) SALT_SIZE, sorted[i].value))
      return FALSE;
  if (!store_rows (db, n, rows, error))
    return FALSE;
  *index = n;
  return TRUE;
}
