#include "ct-intent.h"

#include <string.h>

/* SHA256("ct-intent-args-v1" 0 command_id args): the random id keeps it from being guessed. */
CtHash
ct_intent_args_hash (const CtId *command_id, const char *args)
{
  static const char domain[] = "ct-intent-args-v1";
  CtHasher hasher;

  ct_hasher_init (&hasher);
  ct_hasher_update (&hasher, domain, sizeof domain);
  ct_hasher_update (&hasher, command_id, sizeof *command_id);
  ct_hasher_update (&hasher, args, strlen (args));
  return ct_hasher_finish (&hasher);
}

/* SHA-256 of the canonical JSON whose keys schema/replica/001-core.sql names. */
CtHash
ct_intent_hash (const CtIntent *intent)
{
  g_autofree char *command = ct_id_to_string (&intent->command_id);
  g_autofree char *device = ct_id_to_string (&intent->device_id);
  g_autofree char *args = ct_hash_to_hex (&intent->args_sha256);
  g_autofree char *previous = ct_hash_to_hex (&intent->previous);
  g_autoptr (GString) text = g_string_sized_new (512);

  g_string_append (text, "{\"actor\":");
  ct_json_append_string (text, intent->actor, -1);
  g_string_append_printf (
      text,
      ",\"args_sha256\":\"%s\",\"command_id\":\"%s\",\"device_id\":\"%s\",\"device_seq\":%" G_GINT64_FORMAT,
      args, command, device, intent->seq);
  g_string_append (text, ",\"name\":");
  ct_json_append_string (text, intent->name, -1);
  g_string_append_printf (text, ",\"occurred_at\":%" G_GINT64_FORMAT ",\"previous_sha256\":\"%s\",\"v\":1}",
                          intent->occurred_at, previous);
  return ct_hash (text->str, text->len);
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
      return ct_fail (error, CT_ERROR_CORRUPT, "Intent %d has no hash", (int) intent->seq - 1);
  }
  if (!ct_stmt_finish (stmt, error))
    return FALSE;
  intent->args_sha256 = ct_intent_args_hash (&intent->command_id, intent->args);
  intent->sha256 = ct_intent_hash (intent);
  return ct_db_run (db, error,
                    "INSERT INTO intents(seq, command_id, name, args, args_sha256, actor, device_id, "
                    "occurred_at, schema_version, "
                    "previous_sha256, sha256) VALUES(?, ?, ?, ?, ?, ?, ?, ?, (SELECT user_version FROM "
                    "pragma_user_version), ?, ?)",
                    "iksshskihh", intent->seq, &intent->command_id, intent->name, intent->args,
                    &intent->args_sha256, intent->actor, &intent->device_id, intent->occurred_at,
                    &intent->previous, &intent->sha256);
}
