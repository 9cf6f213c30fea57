/* The measures of shared work, each over a period and the one of the same length before it. */
#include "ct-measures.h"
#include "ct-rows.h"
#include "ct-text-distance.h"

#include <math.h>

/* A draft that was changed by no more than this part of it was accepted. */
#define SMALL_EDIT 0.2

/* Parts of a whole: hits and total, by what happened in [?1, ?2). */
static const struct {
  const char *name;
  double target; /* at least; for harm: at most */
  const char *sql;
} ratios[] = {
  { "slaCompliance", 0.85,
    "WITH ends AS (SELECT min(at) AS at, max(event = 'breach') AS missed FROM sla_events"
    " WHERE event IN ('fulfil', 'breach') GROUP BY subject_id, target, instance)"
    " SELECT count(*) FILTER (WHERE NOT missed), count(*) FROM ends WHERE at >= ?1 AND at < ?2" },
  { "responseRate24h", 0.7,
    "SELECT count(*) FILTER (WHERE answered_at <= received_at + 86400000), count(*) FROM interactions"
    " WHERE received_at >= ?1 AND received_at < ?2" },
  { "harmfulReplies", 0.02,
    "SELECT sum(o.state = 'retracted' OR (t.status = 'escalated' AND t.status_since_at > o.sent_at)), "
    "count(*)"
    " FROM outbox o JOIN follow_up_tasks t ON t.id = o.task_id WHERE o.sent_at >= ?1 AND o.sent_at < ?2" },
};

typedef struct {
  gint64 hits, total;
} Ratio;

static gboolean
read_ratio (CtDb *db, const char *sql, gint64 from, gint64 to, Ratio *ratio, GError **error)
{
  g_autoptr (CtStmt) stmt = ct_db_query (db, error, sql, "ii", from, to);

  if (!stmt)
    return FALSE;
  if (ct_stmt_next (stmt)) {
    ratio->hits = ct_stmt_int (stmt, 0);
    ratio->total = ct_stmt_int (stmt, 1);
  }
  return ct_stmt_finish (stmt, error);
}

/* What was decided on, and the agent's draft that it came from. */
#define DECIDED                                                                                              \
  "WITH RECURSIVE line(approval, output, provider) AS (SELECT a.id, o.id, o.provider FROM approvals a"       \
  "   JOIN ai_outputs o ON o.id = a.output_id WHERE a.decided_at >= ?1 AND a.decided_at < ?2"                \
  "   AND a.state IN ('approved', 'rejected', 'changes_requested', 'expired')"                               \
  " UNION ALL SELECT l.approval, o.id, o.provider FROM line l JOIN ai_outputs x ON x.id = l.output"          \
  "   JOIN ai_outputs o ON o.id = x.based_on WHERE l.provider = 'person')"                                   \
  " SELECT a.state, n.text, f.text FROM line l JOIN approvals a ON a.id = l.approval"                        \
  " JOIN ai_outputs n ON n.id = a.output_id JOIN ai_outputs f ON f.id = l.output WHERE l.provider <> "       \
  "'person'"

static gboolean
read_acceptance (CtDb *db, gint64 from, gint64 to, Ratio *ratio, GError **error)
{
  g_autoptr (CtStmt) stmt = ct_db_query (db, error, DECIDED, "ii", from, to);

  while (stmt && ct_stmt_next (stmt)) {
    gboolean approved = g_str_equal (ct_stmt_text (stmt, 0), "approved");

    ratio->total++;
    ratio->hits +=
        approved && ct_text_distance (ct_stmt_text (stmt, 1), ct_stmt_text (stmt, 2)) <= SMALL_EDIT;
  }
  return stmt && ct_stmt_finish (stmt, error);
}

/* Nothing to divide by gives no value: a team without questions has not failed to answer them. */
static void
set_value (JsonObject *object, const char *name, const Ratio *ratio)
{
  if (ratio->total)
    json_object_set_double_member (object, name, (double) ratio->hits / (double) ratio->total);
  else
    json_object_set_null_member (object, name);
}

static void
set_ratio (JsonObject *measures, const char *name, double target, const Ratio *now, const Ratio *before)
{
  JsonObject *measure = ct_json_build ("ii", "count", now->hits, "of", now->total);

  set_value (measure, "value", now);
  set_value (measure, "before", before);
  json_object_set_double_member (measure, "target", target);
  json_object_set_object_member (measures, name, measure);
}

static gboolean
add_ratios (CtDb *db, JsonObject *measures, gint64 from, gint64 to, GError **error)
{
  gint64 earlier = from - (to - from);
  Ratio now = { 0 }, before = { 0 };

  for (guint i = 0; i < G_N_ELEMENTS (ratios); i++) {
    now = before = (Ratio){ 0 };
    if (!read_ratio (db, ratios[i].sql, from, to, &now, error) ||
        !read_ratio (db, ratios[i].sql, earlier, from, &before, error))
      return FALSE;
    set_ratio (measures, ratios[i].name, ratios[i].target, &now, &before);
  }
  now = before = (Ratio){ 0 };
  if (!read_acceptance (db, from, to, &now, error) || !read_acceptance (db, earlier, from, &before, error))
    return FALSE;
  set_ratio (measures, "draftAcceptance", 0.6, &now, &before);
  return TRUE;
}

static gboolean
add_breaches (CtDb *db, JsonObject *measures, gint64 from, gint64 to, GError **error)
{
  static const char sql[] = "SELECT count(*) FROM sla_events WHERE event = 'breach' AND at >= ?1 AND at < ?2";
  gint64 now = 0, before = 0;

  if (!ct_db_read_int (db, &now, error, sql, "ii", from, to) ||
      !ct_db_read_int (db, &before, error, sql, "ii", from - (to - from), from))
    return FALSE;
  json_object_set_object_member (measures, "slaBreaches",
                                 ct_json_build ("ii", "value", now, "before", before));
  return TRUE;
}

/* By class of blocker how long an episode took, shortest first. */
#define CYCLES                                                                                               \
  "SELECT blocker, took FROM (SELECT e.blocker AS blocker, x.ended_at - x.opened_at AS took, x.ended_at AS " \
  "ended"                                                                                                    \
  "   FROM exception_episodes x JOIN exceptions e ON e.id = x.exception_id WHERE x.ended_as = 'cleared'"     \
  " UNION ALL SELECT blocker, cleared_at - opened_at, cleared_at FROM exceptions WHERE state = 'cleared')"   \
  " WHERE ended >= ?1 AND ended < ?2 ORDER BY blocker, took"

/* The smallest value that at least @part of all reach not beyond (nearest rank). */
static gint64
rank (const GArray *sorted, double part)
{
  guint at = (guint) ceil (part * sorted->len);

  return g_array_index (sorted, gint64, MAX (at, 1) - 1);
}

static void
add_cycle (JsonArray *cycles, const char *blocker, GArray *times)
{
  if (times->len)
    json_array_add_object_element (cycles,
                                   ct_json_build ("siii", "blocker", blocker, "count", (gint64) times->len,
                                                  "medianMs", rank (times, 0.5), "p90Ms", rank (times, 0.9)));
  g_array_set_size (times, 0);
}

static gboolean
add_cycles (CtDb *db, JsonObject *measures, gint64 from, gint64 to, GError **error)
{
  JsonArray *cycles = json_array_new ();
  g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (gint64));
  g_autoptr (CtStmt) stmt = NULL;
  g_autofree char *blocker = NULL;

  json_object_set_array_member (measures, "cycleTime", cycles);
  stmt = ct_db_query (db, error, CYCLES, "ii", from, to);
  while (stmt && ct_stmt_next (stmt)) {
    gint64 took = ct_stmt_int (stmt, 1);

    if (g_strcmp0 (blocker, ct_stmt_text (stmt, 0)) != 0) {
      add_cycle (cycles, blocker, times);
      g_free (blocker);
      blocker = g_strdup (ct_stmt_text (stmt, 0));
    }
    g_array_append_val (times, took);
  }
  add_cycle (cycles, blocker, times);
  return stmt && ct_stmt_finish (stmt, error);
}

static gboolean
add_value_at_risk (CtDb *db, JsonObject *measures, GError **error)
{
  JsonArray *sums =
      ct_rows_array (db, error,
                     "SELECT currency, sum(value_at_risk_minor) AS amountMinor, count(*) AS exceptions"
                     " FROM exceptions WHERE state = 'open' GROUP BY currency ORDER BY currency",
                     "");

  if (sums)
    json_object_set_array_member (measures, "valueAtRisk", sums);
  return sums != NULL;
}

/**
 * ct_measures_read:
 * @from: inclusive, ms
 * @to: exclusive, ms
 *
 * Returns: (transfer full): {"from", "to", "slaCompliance": {"count", "of", "value", "before", "target"}, …}; "before" is
 *   the period of the same length that ends at @from; a ratio of nothing is null
 */
JsonObject *
ct_measures_read (CtDb *db, gint64 from, gint64 to, GError **error)
{
  g_autofree char *since = ct_time_format (from), *until = ct_time_format (to);
  g_autoptr (JsonObject) measures = ct_json_build ("ss", "from", since, "to", until);

  return add_ratios (db, measures, from, to, error) && add_breaches (db, measures, from, to, error) &&
                 add_cycles (db, measures, from, to, error) && add_value_at_risk (db, measures, error)
             ? g_steal_pointer (&measures)
             : NULL;
}

/* The service signs every second; this is long after that. */
#define UNSIGNED_MS "300000"

/* What an administrator should look at, and what to do: how many and since when, by ?1 as the present, and of the first what is
 * said about it. */
static const struct {
  const char *alert, *severity;
  const char *advice;
  const char *sql;
} alerts[] = {
  { "posts-unknown", "critical",
    N_ ("See at the channel whether they went out, and say so with “towerctl posts resolve”: they are never "
        "sent again "
        "by themselves"),
    "SELECT count(*), min(updated_at), max(number || ': ' || problem) FROM outbox WHERE state = 'unknown'" },
  { "posts-held", "critical", N_ ("They go out by themselves once what they wait for is settled"),
    "SELECT count(*), min(updated_at), max(number || ': ' || problem) FROM outbox"
    " WHERE state = 'ready' AND problem <> ''" },
  { "posts-failed", "warning",
    N_ ("See “towerctl posts list”, and ask for a new draft where they are still needed"),
    "SELECT count(*), min(updated_at), max(number || ': ' || problem) FROM outbox WHERE state = 'failed'" },
  { "sending-stopped", "warning", N_ ("“towerctl channel resume” lets it go on"),
    "SELECT count(*), min(updated_at), NULL FROM settings WHERE key = 'delivery.stopped' AND value = "
    "'true'" },
  { "approvals-overdue", "warning", N_ ("Somebody who may decides on them"),
    "SELECT count(*), min(deadline_at), NULL FROM approvals WHERE state = 'pending' AND deadline_at < ?1" },
  { "sla-breached", "warning", N_ ("Their owners take them up, or somebody else gets them"),
    "SELECT count(*), min(sla_due_at), NULL FROM follow_up_tasks WHERE sla_due_at < ?1 AND status <> "
    "'resolved'" },
  { "interactions-window-missed", "critical", N_ ("Answer them, or close them"),
    "SELECT count(*), min(window_ends_at), NULL FROM interactions WHERE state = 'open' AND window_ends_at < "
    "?1" },
  { "commands-need-attention", "warning",
    N_ ("“towerctl attention list” shows them, “attention resolve” settles them"),
    "SELECT count(*), min(since), NULL FROM attention WHERE settled_at IS NULL" },
  { "log-trouble", "critical",
    N_ ("Nothing is sent until this is settled. Where the server was restored from a backup: “towerctl "
        "server "
        "continue-log” where the log's key is. Else keep the workspace as it is, for it is the proof, and "
        "ask who "
        "owns the database"),
    "SELECT count(*), NULL, max(trouble) FROM sync_log WHERE trouble IS NOT NULL" },
  { "log-unsigned", "critical",
    N_ ("Nothing that was approved since is sent. See whether towerd is at work where the log's key is, and "
        "reaches "
        "the server; which key that is “towerctl server status” says, and “server set-log-key” before it "
        "signed "
        "anything"),
    "SELECT count(*), min(settled_at), NULL FROM sync_outcomes WHERE place IS NULL AND settled_at < ?1 "
    "- " UNSIGNED_MS
    " AND EXISTS (SELECT 1 FROM sync_log) AND seq > (SELECT CAST(value AS INTEGER) FROM workspace WHERE"
    " key = 'log_began_after')" },
};

/**
 * ct_measures_alerts:
 *
 * Returns: (transfer full): of {"alert", "severity": "warning" | "critical", "count", "since", "detail", "advice"}; empty where
 *   all is well
 */
JsonArray *
ct_measures_alerts (CtDb *db, gint64 now, GError **error)
{
  g_autoptr (JsonArray) found = json_array_new ();

  for (guint i = 0; i < G_N_ELEMENTS (alerts); i++) {
    g_autoptr (CtStmt) stmt =
        ct_db_query (db, error, alerts[i].sql, strstr (alerts[i].sql, "?1") ? "i" : "", now);

    if (!stmt)
      return NULL;
    if (ct_stmt_next (stmt) && ct_stmt_int (stmt, 0) > 0) {
      g_autofree char *since = ct_stmt_is_null (stmt, 1) ? NULL : ct_time_format (ct_stmt_int (stmt, 1));

      json_array_add_object_element (
          found, ct_json_build ("ssiSSs", "alert", alerts[i].alert, "severity", alerts[i].severity, "count",
                                ct_stmt_int (stmt, 0), "since", since, "detail",
                                ct_stmt_is_null (stmt, 2) ? NULL : ct_stmt_text (stmt, 2), "advice",
                                _ (alerts[i].advice)));
    }
    if (!ct_stmt_finish (stmt, error))
      return NULL;
  }
  return g_steal_pointer (&found);
}
