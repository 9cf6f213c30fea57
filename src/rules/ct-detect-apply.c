/* What a rule's hits mean for its exceptions. */
#include "ct-detect-private.h"
#include "ct-approvals.h"
#include "ct-effect.h"
#include "ct-exception-state.h"

#include <string.h>

/* Events touch the stories of their orders only while these are few enough to read. */
#define MOST_STORIES 2000

/* A hit as it is written. */
typedef struct {
  CtId subject_id, order_id, distributor_id;
  gboolean has_order, has_distributor;
  const char *subject, *country, *currency;
  gint64 value;
  char *evidence, *action; /* (owned) */
  CtScore score;
} Hit;

static void
hit_clear (Hit *self)
{
  g_free (self->evidence);
  g_free (self->action);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Hit, hit_clear)

static void
read_hit (CtDetection *self, CtStmt *row, Hit *hit)
{
  g_autoptr (JsonObject) facts = ct_rule_read_facts (self->rule, row);

  ct_stmt_id (row, 0, &hit->subject_id);
  hit->subject = ct_stmt_text (row, 1) ? ct_stmt_text (row, 1) : "";
  hit->has_order = ct_stmt_id (row, 2, &hit->order_id);
  hit->has_distributor = ct_stmt_id (row, 3, &hit->distributor_id);
  hit->country = ct_stmt_text (row, 4) ? ct_stmt_text (row, 4) : "";
  hit->value = MAX (ct_stmt_int_or (row, 5, 0), 0);
  hit->currency = ct_stmt_text (row, 6) ? ct_stmt_text (row, 6) : "EUR";
  hit->score = ct_scoring_score (self->rule->scoring, facts);
  hit->evidence = ct_rule_evidence (self->rule, facts, &self->time, hit->currency);
  hit->action = ct_rule_action (self->rule, facts, hit->currency);
}

static void
tell_story (CtDetection *self, const Hit *hit, const CtId *exception)
{
  if (self->count.opened + self->count.cleared > MOST_STORIES)
    return;
  ct_command_touches (self->command, exception);
  if (hit->has_order)
    ct_command_touches (self->command, &hit->order_id);
  else if (hit->has_distributor)
    ct_command_touches (self->command, &hit->distributor_id);
}

static gboolean
open_new (CtDetection *self, const Hit *hit, GError **error)
{
  CtCommand *command = self->command;
  CtId id = ct_id_derive (&command->id, "exceptions", (guint64) self->count.opened);
  g_autofree char *number =
      ct_authority_number (command->authority, command->db, "EXC", 4, command->now, error);

  if (!number)
    return FALSE;
  self->count.opened++;
  tell_story (self, hit, &id);
  return ct_effect_insert (
      command, error, "exceptions", &id,
      "number,rule,blocker,subject_type,subject_id,subject,order_id,distributor_id,score,severity,value_at_"
      "risk_minor,"
      "currency,country,owner,agent,tags,next_action,evidence,opened_at",
      "sssskskkisisssssssi", number, self->rule->name, self->rule->blocker, self->rule->subject->name,
      &hit->subject_id, hit->subject, hit->has_order ? &hit->order_id : NULL,
      hit->has_distributor ? &hit->distributor_id : NULL, (gint64) hit->score.score,
      ct_severity_name (hit->score.severity), hit->value, hit->currency, hit->country, self->rule->owner,
      self->rule->agent, self->rule->tags, hit->action, hit->evidence, command->now);
}

/* The facts of two evidences, without what grows by itself and without thresholds. */
static gboolean
same_facts (CtRule *rule, const char *before, const char *now)
{
  g_autoptr (JsonNode) a = ct_json_parse (before, -1, 1 << 20, NULL),
                       b = ct_json_parse (now, -1, 1 << 20, NULL);
  JsonArray *x = a && JSON_NODE_HOLDS_ARRAY (a) ? json_node_get_array (a) : NULL,
            *y = json_node_get_array (b);

  if (!x || json_array_get_length (x) != json_array_get_length (y))
    return FALSE;
  for (guint i = 0; i < json_array_get_length (y); i++) {
    JsonObject *p = json_array_get_object_element (x, i), *q = json_array_get_object_element (y, i);
    const CtFact *fact = ct_fact_find (rule->subject, ct_json_string (q, "fact", NULL));

    if (fact && (fact->flags & CT_FACT_AGEING))
      continue;
    if (!json_node_equal (json_object_get_member (p, "value"), json_object_get_member (q, "value")))
      return FALSE;
  }
  return TRUE;
}

/* What ended becomes an episode of its own. */
static gboolean
keep_episode (CtDetection *self, const CtId *exception, GError **error)
{
  CtId id = ct_effect_new_id (self->command, "exception_episodes", (guint64) self->count.opened);

  return ct_db_run (self->command->db, error,
                    "INSERT INTO exception_episodes(id, n, created_at, updated_at, exception_id, episode, "
                    "opened_at, ended_at, ended_as, "
                    "score, evidence) SELECT ?1, next_n(), ?2, ?2, id, episode, opened_at, "
                    "coalesce(cleared_at, ?2), state, score, evidence "
                    "FROM exceptions WHERE id = ?3",
                    "kik", &id, self->command->now, exception);
}

static gboolean
reopen (CtDetection *self, const Hit *hit, const CtId *exception, GError **error)
{
  self->count.opened++;
  tell_story (self, hit, exception);
  return keep_episode (self, exception, error) &&
         ct_effect_update (self->command, error, "exceptions", exception,
                           "state,score,severity,value_at_risk_minor,evidence,next_action,opened_at,cleared_"
                           "at,closed_reason",
                           "sisissinn", "open", (gint64) hit->score.score,
                           ct_severity_name (hit->score.severity), hit->value, hit->evidence, hit->action,
                           self->command->now) &&
         ct_db_run (self->command->db, error, "UPDATE exceptions SET episode = episode + 1 WHERE id = ?", "k",
                    exception);
}

static gboolean
refresh (CtDetection *self, const Hit *hit, const CtId *exception, GError **error)
{
  self->count.refreshed++;
  return ct_effect_update (self->command, error, "exceptions", exception,
                           "score,severity,value_at_risk_minor,evidence,next_action", "isiss",
                           (gint64) hit->score.score, ct_severity_name (hit->score.severity), hit->value,
                           hit->evidence, hit->action);
}

/* One hit against the exception that may be there; row columns after the facts: id, state, evidence, score. */
static gboolean
apply_hit (CtDetection *self, CtStmt *row, GError **error)
{
  g_auto (Hit) hit = { 0 };
  int at = ct_stmt_n_columns (row) - 4;
  CtExceptionState state;
  CtId exception;

  read_hit (self, row, &hit);
  if (!ct_stmt_id (row, at, &exception))
    return open_new (self, &hit, error);
  if (!ct_exception_state_parse (ct_stmt_text (row, at + 1), &state))
    return ct_fail (error, CT_ERROR_CORRUPT, "An exception has the unknown state %s",
                    ct_stmt_text (row, at + 1));
  if (state == CT_EXCEPTION_OPEN)
    return (strcmp (ct_stmt_text (row, at + 2), hit.evidence) == 0 &&
            ct_stmt_int (row, at + 3) == hit.score.score) ||
           refresh (self, &hit, &exception, error);
  if (state == CT_EXCEPTION_CLOSED && same_facts (self->rule, ct_stmt_text (row, at + 2), hit.evidence))
    return TRUE;
  return reopen (self, &hit, &exception, error);
}

/* Reads hits in one statement that writes nothing it reads: the ids are fixed in temp.changed first. */
static gboolean
apply_hits (CtDetection *self, GError **error)
{
  CtDb *db = self->command->db;
  g_autofree char *columns = NULL, *sql = NULL;
  g_autoptr (CtStmt) stmt = NULL;

  /* a full run over what is open already and unchanged is the usual case: skip it by an anti-join */
  if (!ct_db_run (db, error,
                  self->full
                      ? "INSERT INTO temp.changed SELECT h.id FROM temp.hits h LEFT JOIN exceptions e ON "
                        "e.rule = ? AND e.subject_id "
                        "= h.id WHERE e.id IS NULL OR e.state <> 'open' OR EXISTS (SELECT 1 FROM dirty d "
                        "WHERE d.subject_type = ? "
                        "AND d.id = h.id)"
                      : "INSERT INTO temp.changed SELECT h.id FROM temp.hits h WHERE ? <> '' AND ? <> ''",
                  "ss", self->rule->name, self->rule->subject->name))
    return FALSE;
  columns = ct_rule_read_columns (self->rule, &self->time);
  sql = g_strdup_printf (
      "SELECT %s, e.id, e.state, e.evidence, e.score FROM temp.changed x CROSS JOIN %s s ON s.id = x.id "
      "LEFT JOIN exceptions e ON e.rule = ? AND e.subject_id = s.id",
      columns, self->rule->subject->table);
  stmt = ct_db_query (db, error, sql, "s", self->rule->name);
  if (!stmt)
    return FALSE;
  while (ct_stmt_next (stmt))
    if (!apply_hit (self, stmt, error))
      return FALSE;
  return ct_stmt_finish (stmt, error);
}

static gboolean
clear_one (CtDetection *self, const CtId *exception, GError **error)
{
  CtCommand *command = self->command;
  Hit hit = { 0 };
  g_autoptr (CtStmt) stmt = ct_db_query (
      command->db, error, "SELECT order_id, distributor_id FROM exceptions WHERE id = ?", "k", exception);

  if (!stmt)
    return FALSE;
  if (ct_stmt_next (stmt)) {
    hit.has_order = ct_stmt_id (stmt, 0, &hit.order_id);
    hit.has_distributor = ct_stmt_id (stmt, 1, &hit.distributor_id);
  }
  if (!ct_stmt_finish (stmt, error))
    return FALSE;
  self->count.cleared++;
  tell_story (self, &hit, exception);
  return ct_effect_update (command, error, "exceptions", exception, "state,cleared_at", "si", "cleared",
                           command->now) &&
         ct_approvals_void_for_exception (command, exception, "the exception has cleared", error);
}

/* Open ones whose condition no longer holds; where it needs a person to close it, it stays. */
static gboolean
clear_gone (CtDetection *self, GError **error)
{
  g_autoptr (GArray) gone = g_array_new (FALSE, FALSE, sizeof (CtId));
  g_autoptr (CtStmt) stmt = NULL;

  if (self->rule->manual)
    return TRUE;
  stmt = ct_db_query (self->command->db, error,
                      self->full
                          ? "SELECT e.id FROM exceptions e WHERE e.rule = ? AND e.state = 'open' AND NOT "
                            "EXISTS (SELECT 1 FROM "
                            "temp.hits h WHERE h.id = e.subject_id)"
                          : "SELECT e.id FROM temp.candidates c CROSS JOIN exceptions e ON e.rule = ? AND "
                            "e.subject_id = c.id WHERE "
                            "e.state = 'open' AND NOT EXISTS (SELECT 1 FROM temp.hits h WHERE h.id = c.id)",
                      "s", self->rule->name);
  if (!stmt)
    return FALSE;
  while (ct_stmt_next (stmt)) {
    CtId id;

    if (ct_stmt_id (stmt, 0, &id))
      g_array_append_val (gone, id);
  }
  if (!ct_stmt_finish (stmt, error))
    return FALSE;
  for (guint i = 0; i < gone->len; i++)
    if (!clear_one (self, &g_array_index (gone, CtId, i), error))
      return FALSE;
  return TRUE;
}

/* Brings a rule's exceptions in line with its hits. */
gboolean
ct_detection_apply (CtDetection *self, GError **error)
{
  return apply_hits (self, error) && clear_gone (self, error);
}
