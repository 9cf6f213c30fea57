/* What the server has settled is kept a while, so that it can be offered again to one that was restored from an older
 * backup. Later what it asked for and changed goes; the intent, its hashes and the outcome stay. Should such a command be
 * wanted after all, the tray says that it can't be given again. */
#include "ct-keep.h"

#define KEEP_MS (30 * CT_MS_DAY)

/* Commands that one call tidies up: nobody waits long for the write lock. */
#define STEP "200"

static gboolean
tidy (CtDb *db, gint64 before, gboolean *more, GError **error)
{
  static const char old[] = "CREATE TEMP TABLE IF NOT EXISTS old_commands(seq INTEGER PRIMARY KEY);"
                            "DELETE FROM temp.old_commands;";

  if (!ct_db_exec (db, old, error) ||
      !ct_db_run (
          db, error,
          "INSERT INTO temp.old_commands SELECT o.seq FROM sync_outcomes o JOIN intents i USING (seq)"
          " WHERE o.settled_at < ?1 AND (i.args IS NOT NULL OR EXISTS (SELECT 1 FROM changesets c WHERE "
          "c.seq "
          "= o.seq)) AND o.seq <= (SELECT acknowledged FROM sync_state) AND NOT EXISTS (SELECT 1 FROM "
          "attention a WHERE a.seq = o.seq AND a.settled_at IS NULL) ORDER BY o.seq LIMIT " STEP,
          "i", before))
    return FALSE;
  *more = ct_db_changes (db) > 0;
  return ct_db_run (db, error, "DELETE FROM changesets WHERE seq IN (SELECT seq FROM temp.old_commands)",
                    "") &&
         ct_db_run (db, error,
                    "UPDATE intents SET args = NULL WHERE args IS NOT NULL AND seq IN (SELECT seq FROM "
                    "temp.old_commands)",
                    "");
}

/**
 * ct_keep_tidy:
 * @db: a writable connection outside a transaction
 * @more: (out): whether there was something to do: call again
 *
 * Forgets what some of the commands asked for and changed that the server settled over 30 days ago; those that wait for a
 * decision stay whole.
 */
gboolean
ct_keep_tidy (CtDb *db, gint64 now, gboolean *more, GError **error)
{
  if (!ct_db_begin (db, error))
    return FALSE;
  if (tidy (db, now - KEEP_MS, more, error))
    return ct_db_commit (db, error);
  ct_db_rollback (db);
  return FALSE;
}
