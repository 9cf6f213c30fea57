/* The replica's state for monitoring, in Prometheus's text form (version 0.0.4). */
#include "ct-gauges.h"

/* Each question gives rows (value of the label, number), or one number where there is no label. */
static const struct {
  const char *name, *label, *help;
  const char *sql;
} gauges[] = {
  { "exceptions_open", "severity", "Open exceptions",
    "SELECT severity, count(*) FROM exceptions WHERE state = 'open' GROUP BY 1 ORDER BY 1" },
  { "tasks", "status", "Follow-up tasks",
    "SELECT status, count(*) FROM follow_up_tasks GROUP BY 1 ORDER BY 1" },
  { "approvals", "state", "Approvals", "SELECT state, count(*) FROM approvals GROUP BY 1 ORDER BY 1" },
  { "posts", "state", "Posts of the outbox", "SELECT state, count(*) FROM outbox GROUP BY 1 ORDER BY 1" },
  { "commands_pending", NULL, "Commands that the server has not acknowledged",
    "SELECT count(*) FROM intents WHERE EXISTS (SELECT 1 FROM workspace WHERE key = 'server')"
    " AND seq > (SELECT acknowledged FROM sync_state) AND seq NOT IN (SELECT seq FROM attention)" },
  { "commands_need_attention", NULL, "Commands that wait for a person's decision",
    "SELECT count(*) FROM attention WHERE settled_at IS NULL" },
  { "sync_last_success_seconds", NULL, "When the server was last pulled from, seconds since 1970",
    "SELECT pulled_at / 1000 FROM sync_state WHERE pulled_at IS NOT NULL" },
  { "log_leaves", NULL, "Leaves of the audit log", "SELECT count(*) FROM audit_logs" },
  { "log_signed", NULL, "Leaves that the newest checkpoint covers",
    "SELECT coalesce(max(size), 0) FROM audit_checkpoints" },
};

static gboolean
append_gauge (CtDb *db, guint i, GString *text, GError **error)
{
  g_autoptr (CtStmt) stmt = ct_db_query (db, error, gauges[i].sql, "");
  int column = gauges[i].label ? 1 : 0;

  if (!stmt)
    return FALSE;
  g_string_append_printf (text, "# HELP control_tower_%s %s\n# TYPE control_tower_%s gauge\n", gauges[i].name,
                          gauges[i].help, gauges[i].name);
  while (ct_stmt_next (stmt)) {
    g_string_append_printf (text, "control_tower_%s", gauges[i].name);
    if (column)
      g_string_append_printf (text, "{%s=\"%s\"}", gauges[i].label, ct_stmt_text (stmt, 0));
    g_string_append_printf (text, " %" G_GINT64_FORMAT "\n", ct_stmt_int (stmt, column));
  }
  return ct_stmt_finish (stmt, error);
}

/* Labels are states that the schema checks: they need no escaping. */
gboolean
ct_gauges_append (CtDb *db, GString *text, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (gauges); i++)
    if (!append_gauge (db, i, text, error))
      return FALSE;
  return TRUE;
}
