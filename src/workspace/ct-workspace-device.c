/* What an administrator needs to know of a workspace's device to enrol it at a server; nothing of it is secret. */
#include "ct-workspace-device.h"
#include "ct-backlog.h"

/* A connected workspace keeps to itself what was before it joined, no more: a server that was restored from a backup from before
 * the device came is to be offered all that it lost. */
static gboolean
read_standing (CtDb *db, gint64 *commands, CtHash *last, GError **error)
{
  gboolean known = FALSE;

  return ct_db_read_int (db, commands, error,
                         "SELECT CASE WHEN EXISTS (SELECT 1 FROM workspace WHERE key = 'server')"
                         " THEN (SELECT CAST(value AS INTEGER) FROM workspace WHERE key = 'log_began_after')"
                         " ELSE (SELECT coalesce(max(seq), 0) FROM intents) END",
                         "") &&
         ct_backlog_hash (db, *commands, last, &known, error);
}

/**
 * ct_workspace_describe_device:
 *
 * Returns: (transfer full): the device's id, name and public key, and the last command that the workspace keeps to itself
 */
JsonObject *
ct_workspace_describe_device (CtDb *db, GError **error)
{
  g_autofree char *id = NULL, *label = NULL, *public_key = NULL, *sha256 = NULL;
  gint64 commands = 0;
  CtHash last;
  CtId device;

  if (!ct_backlog_device (db, &device, error) || !read_standing (db, &commands, &last, error))
    return NULL;
  public_key =
      ct_db_read_text (db, error, "SELECT lower(hex(public_key)) FROM devices WHERE id = ?", "k", &device);
  label =
      public_key ? ct_db_read_text (db, error, "SELECT label FROM devices WHERE id = ?", "k", &device) : NULL;
  if (!label)
    return NULL;
  id = ct_id_to_string (&device);
  sha256 = ct_hash_to_hex (&last);
  return ct_json_build ("sssis", "id", id, "label", label, "publicKey", public_key, "commands", commands,
                        "lastSha256", sha256);
}
