#include "ct-exceptions-list.h"
#include "ct-exception-state.h"
#include "ct-vocabulary.h"

static const char *const columns[] = {
  [CT_EXCEPTION_ID] = "e.id",
  [CT_EXCEPTION_NUMBER] = "e.number",
  [CT_EXCEPTION_SEVERITY] = "e.severity",
  [CT_EXCEPTION_SUBJECT] = "e.subject",
  [CT_EXCEPTION_DISTRIBUTOR] = "d.legal_name",
  [CT_EXCEPTION_BLOCKER] = "e.blocker",
  [CT_EXCEPTION_SCORE] = "e.score",
  [CT_EXCEPTION_VALUE] = "e.value_at_risk_minor",
  [CT_EXCEPTION_CURRENCY] = "e.currency",
  [CT_EXCEPTION_OWNER] = "e.owner",
  [CT_EXCEPTION_AGENT] = "coalesce(t.assigned_agent, e.agent)",
  [CT_EXCEPTION_SLA_DUE] = "t.sla_due_at",
  [CT_EXCEPTION_OPENED] = "e.opened_at",
  [CT_EXCEPTION_TASK] = "t.number",
  [CT_EXCEPTION_TASK_STATUS] = "t.status",
  [CT_EXCEPTION_STATE] = "e.state",
  [CT_EXCEPTION_COUNTRY] = "e.country",
  [CT_EXCEPTION_RULE] = "e.rule",
  NULL,
};

static const char *const tables[] = { "exceptions", "follow_up_tasks", "distributors", NULL };

/* The task is the last one made for the exception. */
static const CtListSource source = {
  .from =
      "exceptions e LEFT JOIN distributors d ON d.id = e.distributor_id LEFT JOIN follow_up_tasks t ON t.n = "
      "(SELECT max(f.n) FROM follow_up_tasks f WHERE f.exception_id = e.id)",
  .key = "e.n",
  .columns = columns,
  .tables = tables,
};

static void
show_state (CtRow *row, guint column, CtCell *cell)
{
  CtExceptionState state;

  if (ct_exception_state_parse (ct_row_text (row, column), &state))
    cell->text = ct_exception_state_label (state);
}

static const char *
label_of_severity (const char *value)
{
  CtSeverity severity;

  return ct_severity_parse (value, &severity) ? ct_severity_label (severity) : value;
}

/* Severity follows from the score, so that one index sorts both. What a person decides by stands first: the pane beside
 * the list leaves little room. */
static const CtListColumn list_columns[] = {
  { "severity", N_ ("Severity"), ct_cell_severity, CT_EXCEPTION_SEVERITY, 94, CT_COLUMN_DESCENDING,
    "e.score" },
  { "score", N_ ("Score"), ct_cell_number, CT_EXCEPTION_SCORE, 64, CT_COLUMN_RIGHT | CT_COLUMN_DESCENDING,
    "e.score" },
  { "number", N_ ("Number"), ct_cell_text, CT_EXCEPTION_NUMBER, 134, 0, "e.number" },
  { "subject", N_ ("Subject"), ct_cell_text, CT_EXCEPTION_SUBJECT, 134, CT_COLUMN_EXPAND, "e.subject" },
  { "value", N_ ("Value at risk"), ct_cell_money, CT_EXCEPTION_VALUE, 118,
    CT_COLUMN_RIGHT | CT_COLUMN_DESCENDING, "e.value_at_risk_minor" },
  { "owner", N_ ("Owner"), ct_cell_owner, CT_EXCEPTION_OWNER, 104, 0, "e.owner", "e.score DESC" },
  { "distributor", N_ ("Distributor"), ct_cell_text, CT_EXCEPTION_DISTRIBUTOR, 150, CT_COLUMN_EXPAND,
    "d.legal_name" },
  { "blocker", N_ ("Blocker"), ct_cell_blocker, CT_EXCEPTION_BLOCKER, 146, 0, "e.blocker" },
  { "agent", N_ ("Agent"), ct_cell_agent, CT_EXCEPTION_AGENT, 100, 0, "coalesce(t.assigned_agent, e.agent)" },
  { "sla", N_ ("SLA due"), ct_cell_due, CT_EXCEPTION_SLA_DUE, 118, CT_COLUMN_TIMED | CT_COLUMN_NULLABLE,
    "t.sla_due_at" },
  { "age", N_ ("Age"), ct_cell_age, CT_EXCEPTION_OPENED, 76,
    CT_COLUMN_RIGHT | CT_COLUMN_TIMED | CT_COLUMN_DESCENDING, "e.opened_at" },
  { "task", N_ ("Task"), ct_cell_text, CT_EXCEPTION_TASK, 140, CT_COLUMN_HIDDEN, NULL },
  { "status", N_ ("Task status"), ct_cell_task_state, CT_EXCEPTION_TASK_STATUS, 150, CT_COLUMN_HIDDEN,
    "t.status" },
  { "country", N_ ("Country"), ct_cell_text, CT_EXCEPTION_COUNTRY, 100, CT_COLUMN_HIDDEN, "e.country" },
  { "state", N_ ("State"), show_state, CT_EXCEPTION_STATE, 90, CT_COLUMN_HIDDEN, "e.state" },
  { "rule", N_ ("Rule"), ct_cell_text, CT_EXCEPTION_RULE, 160, CT_COLUMN_HIDDEN, "e.rule" },
  { NULL, NULL, NULL, 0, 0, 0, NULL },
};

static const CtFilterChoice states[] = {
  { "open", N_ ("Open"), NULL },
  { "cleared", N_ ("Cleared"), NULL },
  { "closed", N_ ("Closed"), NULL },
  { NULL, NULL, NULL },
};

static const CtFilterChoice work[] = {
  { "new", N_ ("New in 24 hours"), "e.opened_at > (?1->>'$.now') - 86400000" },
  { "nobody", N_ ("Nobody follows up"), "t.n IS NULL" },
  { "running", N_ ("An agent follows up"), "(t.n IS NOT NULL AND t.status <> 'resolved')" },
  { "approval", N_ ("Waits for approval"), "t.status = 'waiting_for_human_approval'" },
  { "overdue", N_ ("SLA overdue"), "(t.status <> 'resolved' AND t.sla_due_at < (?1->>'$.now'))" },
  { "hour", N_ ("SLA due within an hour"),
    "(t.status <> 'resolved' AND t.sla_due_at BETWEEN (?1->>'$.now') AND (?1->>'$.now') + 3600000)" },
  { NULL, NULL, NULL },
};

static const CtListFilter filters[] = {
  { "state", N_ ("State"), "e.state", states, NULL, NULL, "open" },
  { "owner", N_ ("Owner"), "e.owner", NULL, "SELECT DISTINCT owner FROM exceptions ORDER BY 1", ct_role_label,
    NULL },
  { "blocker", N_ ("Blocker"), "e.blocker", NULL, "SELECT DISTINCT blocker FROM exceptions ORDER BY 1",
    ct_blocker_label, NULL },
  { "severity", N_ ("Severity"), "e.severity", NULL,
    "SELECT column1 FROM (VALUES ('critical'), ('high'), ('medium'), ('low'))", label_of_severity, NULL },
  { "country", N_ ("Country"), "e.country", NULL, "SELECT DISTINCT country FROM exceptions ORDER BY 1", NULL,
    NULL },
  { "rule", N_ ("Rule"), "e.rule", NULL, "SELECT name FROM rules ORDER BY name", NULL, NULL },
  { "work", N_ ("Work"), NULL, work, NULL, NULL, NULL },
  { NULL, NULL, NULL, NULL, NULL, NULL, NULL },
};

static const CtListBuiltInView views[] = {
  { N_ ("All open, worst first"),
    "{\"filters\": {\"state\": [\"open\"]}, \"sort\": \"score\", \"descending\": true}" },
  { N_ ("Critical"), "{\"filters\": {\"state\": [\"open\"], \"severity\": [\"critical\"]}, \"sort\": "
                     "\"score\", \"descending\": true}" },
  { N_ ("Nobody follows up"), "{\"filters\": {\"state\": [\"open\"], \"work\": [\"nobody\"]}, \"sort\": "
                              "\"score\", \"descending\": true}" },
  { N_ ("SLA overdue"), "{\"filters\": {\"state\": [\"open\"], \"work\": [\"overdue\"]}, \"sort\": \"sla\", "
                        "\"descending\": false}" },
  { N_ ("Most value at risk"),
    "{\"filters\": {\"state\": [\"open\"]}, \"sort\": \"value\", \"descending\": true}" },
  { N_ ("Cleared and closed"),
    "{\"filters\": {\"state\": [\"cleared\", \"closed\"]}, \"sort\": \"age\", \"descending\": true}" },
  { NULL, NULL },
};

static const char *const search[] = { "e.number", "e.subject", "d.legal_name", NULL };

static const char *
count (gint64 n)
{
  static char text[64];
  g_autofree char *number = ct_format_count (n);

  g_snprintf (text, sizeof text, g_dngettext (GETTEXT_PACKAGE, "%s exception", "%s exceptions", (gulong) n),
              number);
  return text;
}

const CtListDef ct_exceptions_list = {
  .name = "exceptions",
  .source = &source,
  .columns = list_columns,
  .filters = filters,
  .views = views,
  .search = search,
  .sort = "score",
  .title_column = CT_EXCEPTION_NUMBER,
  .id_column = CT_EXCEPTION_ID,
  .empty_icon = "emblem-ok-symbolic",
  .empty_title = N_ ("Nothing is blocked"),
  .empty_text = N_ (
      "When a rule finds a blocked order, a stalled onboarding or a late delivery, it shows up here. Import "
      "orders to have them checked."),
  .count = count,
};
