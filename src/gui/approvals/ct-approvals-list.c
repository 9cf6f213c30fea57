#include "ct-approvals-list.h"
#include "ct-vocabulary.h"

/* The earlier of the SLA, the channel's window and the approval's own end. */
#define DEADLINE "min(coalesce(a.deadline_at, a.expires_at), a.expires_at)"

static const char *const columns[] = {
  [CT_APPROVAL_ID] = "a.id",
  [CT_APPROVAL_NUMBER] = "a.number",
  [CT_APPROVAL_DEADLINE] = DEADLINE,
  [CT_APPROVAL_SUBJECT] = "coalesce(e.subject, t.title)",
  [CT_APPROVAL_DISTRIBUTOR] = "d.legal_name",
  [CT_APPROVAL_DESTINATION] = "a.channel || ':' || a.destination",
  [CT_APPROVAL_AGENT] = "t.assigned_agent",
  [CT_APPROVAL_CONFIDENCE] = "o.confidence",
  [CT_APPROVAL_AMOUNT] = "a.amount_minor",
  [CT_APPROVAL_CURRENCY] = "a.currency",
  [CT_APPROVAL_OWNER] = "a.owner",
  [CT_APPROVAL_STATE] = "a.state",
  [CT_APPROVAL_CREATED] = "a.created_at",
  [CT_APPROVAL_TASK] = "t.number",
  [CT_APPROVAL_FINDINGS] = "json_array_length(o.findings)",
  NULL,
};

static const char *const tables[] = { "approvals", "follow_up_tasks", "ai_outputs", "exceptions", NULL };

static const CtListSource source = {
  .from =
      "approvals a JOIN follow_up_tasks t ON t.id = a.task_id JOIN ai_outputs o ON o.id = a.output_id "
      "LEFT JOIN exceptions e ON e.id = t.exception_id LEFT JOIN distributors d ON d.id = t.distributor_id",
  .key = "a.n",
  .columns = columns,
  .tables = tables,
};

typedef struct {
  const char *state, *label;
} StateLabel;

static const char *
find_label (const StateLabel *labels, guint n_labels, const char *state)
{
  for (guint i = 0; i < n_labels; i++)
    if (g_strcmp0 (labels[i].state, state) == 0)
      return _ (labels[i].label);
  return state;
}

/* What became of an approval, for people. */
const char *
ct_approval_state_label (const char *state)
{
  static const StateLabel labels[] = {
    { "pending", N_ ("Waits") },
    { "approved", N_ ("Approved") },
    { "rejected", N_ ("Rejected") },
    { "voided", N_ ("Stale") },
    { "expired", N_ ("Expired") },
    { "replaced", N_ ("Replaced") },
    { "changes_requested", N_ ("Changes asked for") },
  };

  return find_label (labels, G_N_ELEMENTS (labels), state);
}

/* How far the message is that an approval lets out; @state: (nullable) */
const char *
ct_post_state_label (const char *state)
{
  static const StateLabel labels[] = {
    { "ready", N_ ("Waits to be sent") },
    { "leased", N_ ("About to be sent") },
    { "sending", N_ ("Being sent") },
    { "sent", N_ ("Sent") },
    { "sent_unconfirmed", N_ ("Sent, not confirmed") },
    { "failed", N_ ("Could not be sent") },
    { "unknown", N_ ("May have been sent") },
    { "cancelled", N_ ("Cancelled") },
    { "retracted", N_ ("Taken back") },
  };

  return find_label (labels, G_N_ELEMENTS (labels), state);
}

static void
show_state (CtRow *row, guint column, CtCell *cell)
{
  cell->text = ct_approval_state_label (ct_row_text (row, column));
}

static void
show_confidence (CtRow *row, guint column, CtCell *cell)
{
  cell->owned = g_strdup_printf ("%d %%", (int) ct_row_int (row, column));
  cell->text = cell->owned;
}

static void
show_findings (CtRow *row, guint column, CtCell *cell)
{
  gint64 n = ct_row_int (row, column);

  if (n <= 0)
    return;
  cell->owned = g_strdup_printf ("⚠ %d", (int) n);
  cell->text = cell->owned;
  cell->style = "ct-high";
}

static const CtListColumn list_columns[] = {
  { "deadline", N_ ("Deadline"), ct_cell_due, CT_APPROVAL_DEADLINE, 118, CT_COLUMN_TIMED, DEADLINE },
  { "number", N_ ("Number"), ct_cell_text, CT_APPROVAL_NUMBER, 130, 0, "a.number" },
  { "subject", N_ ("Subject"), ct_cell_text, CT_APPROVAL_SUBJECT, 134, CT_COLUMN_EXPAND,
    "coalesce(e.subject, t.title)" },
  { "distributor", N_ ("Distributor"), ct_cell_text, CT_APPROVAL_DISTRIBUTOR, 150, CT_COLUMN_EXPAND,
    "d.legal_name" },
  { "destination", N_ ("Goes to"), ct_cell_text, CT_APPROVAL_DESTINATION, 180, CT_COLUMN_EXPAND,
    "a.channel || ':' || a.destination" },
  { "findings", N_ ("Findings"), show_findings, CT_APPROVAL_FINDINGS, 80, CT_COLUMN_DESCENDING,
    "json_array_length(o.findings)" },
  { "agent", N_ ("Agent"), ct_cell_agent, CT_APPROVAL_AGENT, 100, 0, "t.assigned_agent" },
  { "confidence", N_ ("Confidence"), show_confidence, CT_APPROVAL_CONFIDENCE, 96,
    CT_COLUMN_RIGHT | CT_COLUMN_DESCENDING, "o.confidence" },
  { "amount", N_ ("Amount"), ct_cell_money, CT_APPROVAL_AMOUNT, 118, CT_COLUMN_RIGHT | CT_COLUMN_DESCENDING,
    "a.amount_minor" },
  { "owner", N_ ("Owner"), ct_cell_owner, CT_APPROVAL_OWNER, 104, 0, "a.owner" },
  { "state", N_ ("State"), show_state, CT_APPROVAL_STATE, 110, CT_COLUMN_HIDDEN, "a.state" },
  { "age", N_ ("Waiting for"), ct_cell_age, CT_APPROVAL_CREATED, 90,
    CT_COLUMN_RIGHT | CT_COLUMN_TIMED | CT_COLUMN_DESCENDING | CT_COLUMN_HIDDEN, "a.created_at" },
  { "task", N_ ("Task"), ct_cell_text, CT_APPROVAL_TASK, 140, CT_COLUMN_HIDDEN, "t.number" },
  { NULL, NULL, NULL, 0, 0, 0, NULL },
};

static const CtFilterChoice states[] = {
  { "pending", N_ ("Waits"), NULL },     { "approved", N_ ("Approved"), NULL },
  { "rejected", N_ ("Rejected"), NULL }, { "changes_requested", N_ ("Changes asked for"), NULL },
  { "voided", N_ ("Stale"), NULL },      { "expired", N_ ("Expired"), NULL },
  { "replaced", N_ ("Replaced"), NULL }, { NULL, NULL, NULL },
};

static const CtFilterChoice due[] = {
  { "overdue", N_ ("Overdue"), "(" DEADLINE " < (?1->>'$.now'))" },
  { "hour", N_ ("Within an hour"), "(" DEADLINE " BETWEEN (?1->>'$.now') AND (?1->>'$.now') + 3600000)" },
  { "findings", N_ ("With findings"), "(o.findings <> '[]')" },
  { NULL, NULL, NULL },
};

static const CtListFilter filters[] = {
  { "state", N_ ("State"), "a.state", states, NULL, NULL, "pending" },
  { "owner", N_ ("Owner"), "a.owner", NULL, "SELECT DISTINCT owner FROM approvals ORDER BY 1", ct_role_label,
    NULL },
  { "channel", N_ ("Channel"), "a.channel", NULL, "SELECT DISTINCT channel FROM approvals ORDER BY 1", NULL,
    NULL },
  { "due", N_ ("Attention"), NULL, due, NULL, NULL, NULL },
  { NULL, NULL, NULL, NULL, NULL, NULL, NULL },
};

static const CtListBuiltInView views[] = {
  { N_ ("Waiting, most urgent first"), "{\"filters\": {\"state\": [\"pending\"]}, \"sort\": \"deadline\", "
                                       "\"descending\": false}" },
  { N_ ("Stale: facts have changed"), "{\"filters\": {\"state\": [\"voided\"]}, \"sort\": \"age\", "
                                      "\"descending\": true}" },
  { N_ ("Decided"),
    "{\"filters\": {\"state\": [\"approved\", \"rejected\", \"changes_requested\"]}, \"sort\": "
    "\"age\", \"descending\": true}" },
  { NULL, NULL },
};

static const char *const search[] = {
  "a.number", "e.subject", "d.legal_name", "a.destination", "o.text", NULL
};

static const char *
count (gint64 n)
{
  static char text[64];
  g_autofree char *number = ct_format_count (n);

  g_snprintf (text, sizeof text, g_dngettext (GETTEXT_PACKAGE, "%s approval", "%s approvals", (gulong) n),
              number);
  return text;
}

const CtListDef ct_approvals_list = {
  .name = "approvals",
  .source = &source,
  .columns = list_columns,
  .filters = filters,
  .views = views,
  .search = search,
  .sort = "deadline",
  .title_column = CT_APPROVAL_NUMBER,
  .id_column = CT_APPROVAL_ID,
  .empty_icon = "emblem-ok-symbolic",
  .empty_title = N_ ("Nothing waits for you"),
  .empty_text =
      N_ ("When an agent has drafted a message it shows up here. Nothing goes out before a person has "
          "approved it."),
  .count = count,
};
