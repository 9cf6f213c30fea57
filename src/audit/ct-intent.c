#include "ct-intent.h"
#include "ct-canonical.h"

#include <string.h>

/* "ct-intent-args-v1" 0 command_id args: the random id keeps the hash from being guessed. */
void
ct_intent_args_preimage (GByteArray *bytes, const CtId *command_id, const char *args)
{
  static const char domain[] = "ct-intent-args-v1";

  g_byte_array_append (bytes, (const guint8 *) domain, sizeof domain);
  g_byte_array_append (bytes, command_id->bytes, sizeof command_id->bytes);
  g_byte_array_append (bytes, (const guint8 *) args, (guint) strlen (args));
}

CtHash
ct_intent_args_hash (const CtId *command_id, const char *args)
{
  g_autoptr (GByteArray) bytes = g_byte_array_sized_new (512);

  ct_intent_args_preimage (bytes, command_id, args);
  return ct_hash (bytes->data, bytes->len);
}

#define append(json, literal) g_string_append_len (json, literal, sizeof literal - 1)

/* (transfer full): the canonical JSON whose keys schema/replica/001-core.sql names */
char *
ct_intent_text (const CtIntent *intent)
{
  GString *json = g_string_sized_new (640);

  append (json, "{\"actor\":");
  ct_canonical_append_text (json, intent->actor, strlen (intent->actor));
  append (json, ",\"args_sha256\":");
  ct_canonical_append_hex (json, intent->args_sha256.bytes, CT_HASH_SIZE);
  append (json, ",\"command_id\":");
  ct_canonical_append_id (json, &intent->command_id);
  append (json, ",\"device_id\":");
  ct_canonical_append_id (json, &intent->device_id);
  append (json, ",\"device_seq\":");
  ct_canonical_append_int (json, intent->seq);
  append (json, ",\"name\":");
  ct_canonical_append_text (json, intent->name, strlen (intent->name));
  append (json, ",\"occurred_at\":");
  ct_canonical_append_int (json, intent->occurred_at);
  append (json, ",\"previous_sha256\":");
  ct_canonical_append_hex (json, intent->previous.bytes, CT_HASH_SIZE);
  append (json, ",\"v\":1}");
  return g_string_free (json, FALSE);
}

/* SHA-256 of ct_intent_text() */
CtHash
ct_intent_hash (const CtIntent *intent)
{
  g_autofree char *text = ct_intent_text (intent);

  return ct_hash (text, strlen (text));
}

/**
 * ct_intent_append:
 * @intent: (inout): name, args, actor, ids and time are read; seq and the hashes are set
 *
 * Puts a command at the end of this device's chain, inside the caller's transaction.
 */
gboolean
ct_intent_append (CtDb *db, CtIntent *intent, GError **error)
{
  g_autoptr (CtStmt) stmt =
      ct_db_query (db, error, "SELECT seq, sha256 FROM intents ORDER BY seq DESC LIMIT 1", "");

  if (!stmt)
    return FALSE;
  intent->seq = 1;
  memset (&intent->previous, 0, sizeof intent->previous);
  if (ct_stmt_next (stmt)) {
    intent->seq = ct_stmt_int (stmt, 0) + 1;
    if (!ct_stmt_hash (stmt, 1, &intent->previous))
      return ct_fail (error, CT_ERROR_CORRUPT, "Intent %" G_GINT64_FORMAT " has no hash", intent->seq - 1);
  }
  if (!ct_stmt_finish (stmt, error))
    return FALSE;
  intent->args_sha256 = ct_intent_args_hash (&intent->command_id, intent->args);
  intent->sha256 = ct_intent_hash (intent);
  return ct_db_run (
      db, error,
      "INSERT INTO intents(seq, command_id, name, args, args_sha256, actor, device_id, occurred_at, "
      "schema_version, previous_sha256, sha256) VALUES(?, ?, ?, ?, ?, ?, ?, ?, "
      "?, ?, ?)",
      "iksshskiihh", intent->seq, &intent->command_id, intent->name, intent->args, &intent->args_sha256,
      intent->actor, &intent->device_id, intent->occurred_at, ct_db_schema_version (db), &intent->previous,
      &intent->sha256);
}
