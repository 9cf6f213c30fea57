/* Needs attention: commands that could not be applied, until a person decides. */
#include "ct-tray.h"
#include "ct-command.h"
#include "ct-rows.h"

/**
 * ct_tray_put:
 * @code: (nullable): conflict, refused, invalid (the server's), stale (its handler no longer accepts the state), depends
 * @reason: (nullable): for people
 * @theirs: (nullable): both values side by side: objects with table, id, column, base, mine, theirs
 *
 * Moves a command to the tray, inside the caller's transaction. Its effect is undone already.
 */
gboolean
ct_tray_put (CtDb *db, gint64 seq, const char *code, const char *reason, JsonArray *theirs, gint64 now,
             GError **error)
{
  g_autoptr (JsonObject) object = ct_json_build ("sa", "code", code ? code : "", "columns",
                                                 theirs ? json_array_ref (theirs) : json_array_new ());
  g_autoptr (JsonNode) node = ct_json_wrap_object (json_object_ref (object));
  g_autofree char *text = json_to_string (node, FALSE);

  return ct_db_run (db, error, "INSERT INTO attention(seq, reason, theirs, since) VALUES(?, ?, ?, ?)", "issi",
                    seq, reason ? reason : "", text, now);
}

/* The server had applied it after all. */
gboolean
ct_tray_take_out (CtDb *db, gint64 seq, gint64 now, GError **error)
{
  return ct_db_run (db, error, "UPDATE attention SET settled_at = ? WHERE seq = ? AND settled_at IS NULL",
                    "ii", now, seq);
}

/* (transfer full): what waits for a person, oldest first: objects with seq, name, args, actor, occurred_at, reason,
 * theirs, since */
JsonArray *
ct_tray_list (CtDb *db, GError **error)
{
  return ct_rows_array (
      db, error,
      "SELECT a.seq, i.name, i.args, i.actor, i.occurred_at, a.reason, a.theirs, a.since"
      " FROM attention a JOIN intents i ON i.seq = a.seq WHERE a.settled_at IS NULL ORDER BY a.seq",
      "");
}

/**
 * ct_tray_take_back:
 * @seq: a command that a person dropped
 *
 * It waits for a decision again; only where the decision did nothing.
 */
gboolean
ct_tray_take_back (CtDb *db, gint64 seq, GError **error)
{
  if (!ct_db_begin (db, error))
    return FALSE;
  if (ct_db_run (
          db, error,
          "UPDATE attention SET settled_at = NULL, choice = NULL WHERE seq = ? AND choice IN ('theirs', "
          "'discard') AND reason <> 'left'",
          "i", seq) &&
      (ct_db_changes (db) > 0 ||
       ct_fail (error, CT_ERROR_NOT_FOUND, _ ("Command %d was not dropped"), (int) seq)))
    return ct_db_commit (db, error);
  ct_db_rollback (db);
  return FALSE;
}

static gboolean
execute_again (CtDb *db, CtCommander *commander, gint64 seq, JsonObject *args, const char *actor, gint64 now,
               GError **error)
{
  g_autofree char *name = ct_db_read_text (db, error, "SELECT name FROM intents WHERE seq = ?", "i", seq);
  g_autofree char *text = NULL;
  g_autoptr (JsonNode) node = NULL;
  g_auto (CtOutcome) outcome = { 0 };
  CtRequest request = { name, args, actor, now, 0, NULL };

  if (!name)
    return FALSE;
  if (args && (ct_command_find (name)->flags & CT_COMMAND_SIGNED))
    return ct_fail (error, CT_ERROR_REFUSED, _ ("What was signed cannot be edited: decide on it anew"));
  if (!args) {
    text = ct_db_read_text (db, error, "SELECT args FROM intents WHERE seq = ?", "i", seq);
    if (!text && error && !*error)
      return ct_fail (error, CT_ERROR_NOT_FOUND, _ ("What command %d said is no longer here: discard it"),
                      (int) seq);
    node = text ? ct_json_parse (text, -1, 64 << 20, error) : NULL;
    if (!node)
      return FALSE;
    request.args = json_node_get_object (node);
    /* the person has seen what is there now */
    json_object_remove_member (request.args, "expected_rev");
  }
  return ct_commander_execute_within (commander, db, &request, &outcome, error) &&
         ct_db_run (db, error, "UPDATE attention SET again = ? WHERE seq = ?", "ii", outcome.seq, seq);
}

static gboolean
settle (CtDb *db, CtCommander *commander, gint64 seq, const char *choice, gboolean again, JsonObject *args,
        const char *actor, gint64 now, GError **error)
{
  if (!ct_db_run (db, error,
                  "UPDATE attention SET settled_at = ?, choice = ? WHERE seq = ? AND settled_at IS NULL",
                  "isi", now, choice, seq))
    return FALSE;
  if (ct_db_changes (db) == 0)
    return ct_fail (error, CT_ERROR_NOT_FOUND, _ ("Command %d does not wait for a decision"), (int) seq);
  return !again || execute_again (db, commander, seq, args, actor, now, error);
}

/**
 * ct_tray_settle:
 * @db: a writable connection outside a transaction
 * @seq: a command in the tray
 * @choice: theirs or discard (nothing is done), mine (it is given again as it was, on the state as it now is), edit (it
 *   is given again with @args)
 * @args: (nullable): for edit, which no command that is signed can be
 *
 * Carries a person's decision out; the tray keeps what was chosen.
 *
 * Returns: %FALSE with %CT_ERROR_NOT_FOUND where the command does not wait, %CT_ERROR_REFUSED where it is signed and @choice
 *   is edit, or what the handler says of it
 */
gboolean
ct_tray_settle (CtDb *db, CtCommander *commander, gint64 seq, const char *choice, JsonObject *args,
                const char *actor, gint64 now, GError **error)
{
  static const char *const choices[] = { "theirs", "discard", "mine", "edit", NULL };
  int chosen = ct_text_index (choices, choice);

  if (chosen < 0 || (chosen == 3) != (args != NULL))
    return ct_fail (error, CT_ERROR_INVALID, _ ("“%s” is not a choice for this command"), choice);
  if (!ct_db_begin (db, error))
    return FALSE;
  if (settle (db, commander, seq, choice, chosen >= 2, args, actor, now, error))
    return ct_db_commit (db, error);
  ct_db_rollback (db);
  return FALSE;
}
