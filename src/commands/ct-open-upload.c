/* What is kept of an upload while its fate is open: a line of the workspace's own, beside the records. */
#include "ct-open-upload.h"
#include "ct-json.h"

#define KEY "open_upload"

static gboolean
parse (const char *text, CtOpenUpload *upload)
{
  g_autoptr (JsonNode) node = ct_json_parse (text, -1, 65536, NULL);
  JsonObject *object = node && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  const char *server = object ? ct_json_string (object, "server", NULL) : NULL;

  if (!server || !ct_id_parse (ct_json_string (object, "history", ""), &upload->history) ||
      !ct_id_parse (ct_json_string (object, "device", ""), &upload->device))
    return FALSE;
  upload->last = ct_json_int (object, "last", 0);
  upload->began_at = ct_json_int (object, "beganAt", 0);
  upload->server = g_strdup (server);
  return TRUE;
}

/**
 * ct_open_upload_read:
 * @upload: (out): free with ct_open_upload_clear()
 */
gboolean
ct_open_upload_read (CtDb *db, CtOpenUpload *upload, GError **error)
{
  g_autoptr (CtStmt) stmt = ct_db_query (db, error, "SELECT value FROM workspace WHERE key = '" KEY "'", "");

  *upload = (CtOpenUpload){ 0 };
  if (!stmt)
    return FALSE;
  if (!ct_stmt_next (stmt))
    return ct_stmt_finish (stmt, error);
  return parse (ct_stmt_text (stmt, 0), upload) ||
         ct_fail (error, CT_ERROR_CORRUPT, "What is noted of an upload of this workspace cannot be read");
}

/* It is open from the commit of the caller's transaction on. */
gboolean
ct_open_upload_write (CtDb *db, const CtOpenUpload *upload, GError **error)
{
  g_autofree char *history = ct_id_to_string (&upload->history), *device = ct_id_to_string (&upload->device);
  g_autoptr (JsonObject) object =
      ct_json_build ("sssii", "server", upload->server, "history", history, "device", device, "last",
                     upload->last, "beganAt", upload->began_at);
  g_autofree char *text = ct_json_canonical_object (object, error);

  ct_db_note_changed (db, "workspace");
  return text && ct_db_run (db, error,
                            "INSERT INTO workspace VALUES('" KEY "', ?) ON CONFLICT DO UPDATE SET value = "
                            "excluded.value",
                            "s", text);
}

/* Its fate is known, or does not matter any more. */
gboolean
ct_open_upload_forget (CtDb *db, GError **error)
{
  ct_db_note_changed (db, "workspace");
  return ct_db_run (db, error, "DELETE FROM workspace WHERE key = '" KEY "'", "");
}

/**
 * ct_open_upload_check:
 *
 * For whatever lets a message out, or brings one nearer to that.
 *
 * Returns: %FALSE with %CT_ERROR_REFUSED and what to do while an upload's fate is open
 */
gboolean
ct_open_upload_check (CtDb *db, GError **error)
{
  g_auto (CtOpenUpload) upload = { 0 };

  if (!ct_open_upload_read (db, &upload, error))
    return FALSE;
  return !upload.server ||
         ct_fail (error, CT_ERROR_REFUSED,
                  _ ("An upload of this workspace to %s was broken off at its very end: it may be complete "
                     "there, and then what is approved here could be sent twice. So nothing is approved or "
                     "sent here until you connect again (towerctl connect %s), which finds out. Where that "
                     "server is gone for good: towerctl upload give-up"),
                  upload.server, upload.server);
}

void
ct_open_upload_clear (CtOpenUpload *self)
{
  g_clear_pointer (&self->server, g_free);
}
