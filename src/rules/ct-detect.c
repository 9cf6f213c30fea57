/* Detection: for each rule, find the subjects for which its condition holds, among all or among those that changed or
 * whose time has come, and open, refresh or clear exceptions accordingly. A rule that changes nothing writes nothing. */
#include "ct-detect-private.h"

#include <string.h>

static void
count_free (gpointer data)
{
  CtDetectCount *self = data;

  g_free (self->rule);
  g_free (self);
}

static gboolean
run_sql (CtDb *db, GError **error, const char *format, ...)
{
  g_autofree char *sql = NULL;
  va_list args;

  va_start (args, format);
  sql = g_strdup_vprintf (format, args);
  va_end (args);
  return ct_db_exec (db, sql, error);
}

static gboolean
make_tables (CtDb *db, GError **error)
{
  return ct_db_exec (db,
                     "CREATE TEMP TABLE IF NOT EXISTS hits(id BLOB NOT NULL PRIMARY KEY) WITHOUT ROWID;"
                     "CREATE TEMP TABLE IF NOT EXISTS candidates(id BLOB NOT NULL PRIMARY KEY) WITHOUT ROWID;"
                     "CREATE TEMP TABLE IF NOT EXISTS changed(id BLOB NOT NULL PRIMARY KEY) WITHOUT ROWID;"
                     "DELETE FROM temp.hits; DELETE FROM temp.candidates; DELETE FROM temp.changed;",
                     error);
}

/* Those written since the last run, those between the old and the new place of a threshold, and, on a new day, those
 * already open: their facts grow. */
static gboolean
find_candidates (CtDetection *self, gint64 evaluated_at, GError **error)
{
  CtDb *db = self->command->db;
  const CtSubject *subject = self->rule->subject;
  g_autoptr (GPtrArray) flips = NULL;
  CtRuleTime before;

  ct_rule_time_init (&before, evaluated_at, ct_db_get_zone (db));
  if (!ct_db_run (db, error, "INSERT INTO temp.candidates SELECT id FROM dirty WHERE subject_type = ?", "s",
                  subject->name))
    return FALSE;
  flips = ct_rule_flip_sql (self->rule, &before, &self->time);
  for (guint i = 0; i < flips->len; i++)
    if (!run_sql (db, error, "INSERT OR IGNORE INTO temp.candidates SELECT s.id FROM %s s WHERE %s",
                  subject->table, (char *) flips->pdata[i]))
      return FALSE;
  if (strcmp (before.today, self->time.today) != 0 &&
      !ct_db_run (db, error,
                  "INSERT OR IGNORE INTO temp.candidates SELECT subject_id FROM exceptions WHERE rule = ? "
                  "AND state = 'open'",
                  "s", self->rule->name))
    return FALSE;
  return ct_db_read_int (db, &self->count.evaluated, error, "SELECT count(*) FROM temp.candidates", "");
}

static gboolean
find_hits (CtDetection *self, GError **error)
{
  g_autofree char *condition = ct_rule_condition_sql (self->rule, &self->time, error);
  const char *table = self->rule->subject->table;

  if (!condition)
    return FALSE;
  if (!self->full)
    return self->count.evaluated == 0 || run_sql (self->command->db, error,
                                                  "INSERT INTO temp.hits SELECT s.id FROM temp.candidates c "
                                                  "CROSS JOIN %s s ON s.id = c.id WHERE %s",
                                                  table, condition);
  /* one pass in the table's order: an index over a date would visit most of the rows at random */
  return run_sql (self->command->db, error,
                  "INSERT INTO temp.hits SELECT s.id FROM %s s NOT INDEXED WHERE %s", table, condition);
}

static gboolean
load_rule (CtDetection *self, gint64 *evaluated_at, GError **error)
{
  CtDb *db = self->command->db;
  g_autofree char *body =
      ct_db_read_text (db, error, "SELECT body FROM rules WHERE name = ? AND archived_at IS NULL", "s",
                       ct_arg_text (self->command, "rule"));
  g_autoptr (CtStmt) stmt = NULL;

  self->rule = body ? ct_rule_parse (body, error) : NULL;
  if (!self->rule)
    return FALSE;
  stmt = ct_db_query (db, error, "SELECT fingerprint, evaluated_at FROM detection WHERE rule = ?", "s",
                      self->rule->name);
  if (!stmt)
    return FALSE;
  if (!ct_stmt_next (stmt) || strcmp (ct_stmt_text (stmt, 0), self->rule->fingerprint) != 0)
    self->full = TRUE; /* never run, or with another text */
  else
    *evaluated_at = ct_stmt_int (stmt, 1);
  return ct_stmt_finish (stmt, error);
}

static gboolean
count_all (CtDetection *self, GError **error)
{
  g_autofree char *sql = g_strdup_printf ("SELECT count(*) FROM %s", self->rule->subject->table);

  return !self->full || ct_db_read_int (self->command->db, &self->count.evaluated, error, sql, "");
}

/* exceptions.detect: {rule, full?}; evaluates one rule and writes what changed. */
static gboolean
detect_run (CtCommand *command, GError **error)
{
  /* what had changed before the first run is no longer noted: look at everything */
  CtDetection self = { .command = command, .full = command->again || ct_arg_bool (command, "full", FALSE) };
  gint64 evaluated_at = 0;
  gboolean ok;

  ct_rule_time_init (&self.time, command->now, ct_db_get_zone (command->db));
  ok = load_rule (&self, &evaluated_at, error) && make_tables (command->db, error) &&
       (self.full || find_candidates (&self, evaluated_at, error)) && count_all (&self, error) &&
       find_hits (&self, error) && ct_detection_apply (&self, error) &&
       ct_db_run (command->db, error,
                  "INSERT INTO detection VALUES(?, ?, ?) ON CONFLICT DO UPDATE SET fingerprint = "
                  "excluded.fingerprint, "
                  "evaluated_at = excluded.evaluated_at",
                  "ssi", self.rule->name, self.rule->fingerprint, command->now);
  ct_rule_free (self.rule);
  json_object_set_int_member (command->result, "evaluated", self.count.evaluated);
  json_object_set_int_member (command->result, "opened", self.count.opened);
  json_object_set_int_member (command->result, "refreshed", self.count.refreshed);
  json_object_set_int_member (command->result, "cleared", self.count.cleared);
  command->idle = self.count.opened + self.count.refreshed + self.count.cleared == 0;
  return ok;
}

void
ct_detect_register (void)
{
  static const CtArg args[] = { { "rule", 's', 100 }, { "full", 'B', 0 }, { NULL, 0, 0 } };
  static const CtCommandDef defs[] = { { "exceptions.detect", "exception", detect_run, CT_COMMAND_BULK,
                                         args } };

  ct_command_register (defs, G_N_ELEMENTS (defs));
}

static GPtrArray *
enabled_rules (CtDb *db, GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (CtStmt) stmt = ct_db_query (
      db, error, "SELECT name FROM rules WHERE enabled = 1 AND archived_at IS NULL ORDER BY position, name",
      "");

  if (!stmt)
    return NULL;
  while (ct_stmt_next (stmt))
    g_ptr_array_add (names, g_strdup (ct_stmt_text (stmt, 0)));
  return ct_stmt_finish (stmt, error) ? g_steal_pointer (&names) : NULL;
}

static gboolean
detect_rule (CtCommander *commander, CtDb *db, const char *actor, gint64 now, gboolean full, const char *rule,
             GPtrArray *counts, GError **error)
{
  g_autoptr (JsonObject) args = ct_json_build ("sb", "rule", rule, "full", full);
  CtRequest request = { "exceptions.detect", args, actor, now, 0, NULL };
  g_auto (CtOutcome) outcome = { 0 };
  CtDetectCount *count;

  if (!ct_commander_execute_within (commander, db, &request, &outcome, error)) {
    g_prefix_error (error, _ ("Rule %s: "), rule);
    return FALSE;
  }
  count = g_new0 (CtDetectCount, 1);
  count->rule = g_strdup (rule);
  count->evaluated = ct_json_int (outcome.result, "evaluated", 0);
  count->opened = ct_json_int (outcome.result, "opened", 0);
  count->refreshed = ct_json_int (outcome.result, "refreshed", 0);
  count->cleared = ct_json_int (outcome.result, "cleared", 0);
  g_ptr_array_add (counts, count);
  return TRUE;
}

/**
 * ct_detect:
 * @db: a writable connection outside a transaction
 * @now: the authority's time
 * @full: looks at everything, not only at what changed
 * @progress: (nullable): told before each rule
 *
 * Runs all enabled rules in one transaction, one command for each that changes something. The cancellable of @db ends it.
 *
 * Returns: (transfer full) (element-type CtDetectCount): a count for each rule; %NULL with @error and nothing changed
 */
GPtrArray *
ct_detect (CtCommander *commander, CtDb *db, const char *actor, gint64 now, gboolean full,
           CtDetectProgress progress, gpointer data, GError **error)
{
  g_autoptr (GPtrArray) counts = g_ptr_array_new_with_free_func (count_free);
  g_autoptr (GPtrArray) rules = NULL;
  gboolean ok;

  if (!ct_db_begin (db, error))
    return NULL;
  rules = enabled_rules (db, error);
  ok = rules != NULL;
  for (guint i = 0; ok && i < rules->len; i++) {
    if (progress)
      progress (rules->pdata[i], i, rules->len, data);
    ok = ct_db_check_cancelled (db, error) &&
         detect_rule (commander, db, actor, now, full, rules->pdata[i], counts, error);
  }
  ok = ok && ct_db_run (db, error, "DELETE FROM dirty WHERE true", "");
  if (!ok) {
    ct_db_rollback (db);
    return NULL;
  }
  return ct_db_commit (db, error) ? g_steal_pointer (&counts) : NULL;
}

/* (transfer full): {evaluated, opened, refreshed, cleared, rules: {NAME: {…}}} */
JsonObject *
ct_detect_counts_to_json (GPtrArray *counts)
{
  CtDetectCount sum = { 0 };
  JsonObject *rules = json_object_new ();

  for (guint i = 0; i < counts->len; i++) {
    const CtDetectCount *count = counts->pdata[i];

    sum.evaluated += count->evaluated;
    sum.opened += count->opened;
    sum.refreshed += count->refreshed;
    sum.cleared += count->cleared;
    json_object_set_object_member (rules, count->rule,
                                   ct_json_build ("iiii", "evaluated", count->evaluated, "opened",
                                                  count->opened, "refreshed", count->refreshed, "cleared",
                                                  count->cleared));
  }
  return ct_json_build ("iiiio", "evaluated", sum.evaluated, "opened", sum.opened, "refreshed", sum.refreshed,
                        "cleared", sum.cleared, "rules", rules);
}
