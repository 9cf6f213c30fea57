#include "ct-timeline-list.h"
#include "ct-vocabulary.h"
#include "ct-workspace-timeline.h"

#include <string.h>

enum { ID, AT, ACTION, ROLE, ACTOR, OBJECT_TYPE, OBJECT, CHECKPOINT };

#define ROLE_SQL "(l.leaf->>'actor_role')"
#define OBJECT_SQL                                                                                           \
  "coalesce((SELECT number FROM orders WHERE id = l.object_id), (SELECT number FROM exceptions WHERE id = "  \
  "l.object_id), (SELECT number FROM follow_up_tasks WHERE id = l.object_id), (SELECT number FROM "          \
  "approvals WHERE id = l.object_id), (SELECT number FROM outbox WHERE id = l.object_id), (SELECT number "   \
  "FROM distributors WHERE id = l.object_id))"
#define ORDER_SQL                                                                                            \
  "(SELECT o.number FROM orders o WHERE o.id = coalesce((SELECT id FROM orders WHERE id = l.object_id), "    \
  "(SELECT order_id FROM exceptions WHERE id = l.object_id), (SELECT order_id FROM follow_up_tasks WHERE "   \
  "id = l.object_id), (SELECT t.order_id FROM approvals a JOIN follow_up_tasks t ON t.id = a.task_id WHERE " \
  "a.id = l.object_id), (SELECT t.order_id FROM outbox p JOIN follow_up_tasks t ON t.id = p.task_id WHERE "  \
  "p.id = l.object_id), (SELECT order_id FROM invoices WHERE id = l.object_id), (SELECT order_id FROM "      \
  "shipments WHERE id = l.object_id)))"
#define AGENT_ACTIONS                                                                                        \
  "('draft.store', 'task.begin_draft', 'exceptions.detect', 'task.breach', 'post.lease', 'post.sending', "   \
  "'post.sent', 'post.release', 'post.failed', 'post.unknown', 'task.await_reply', 'task.wake', "            \
  "'approval.expire')"

static const char *const columns[] = {
  [ID] = "l.ev_id",
  [AT] = "l.received_at",
  [ACTION] = "l.action",
  [ROLE] = ROLE_SQL,
  [ACTOR] = "l.actor",
  [OBJECT_TYPE] = "l.object_type",
  [OBJECT] = OBJECT_SQL,
  [CHECKPOINT] = "(SELECT min(c.size) FROM audit_checkpoints c WHERE c.size > l.n)",
  NULL,
};

static const char *const tables[] = { "audit_logs", "audit_checkpoints", NULL };

static const CtListSource source = {
  .from = "audit_logs l", .key = "l.n", .columns = columns, .tables = tables
};

/* Steps that a program takes, whoever's session it ran in. */
gboolean
ct_timeline_is_agents (const char *action, const char *role)
{
  static const char *const actions[] = {
    "draft.store",      "task.begin_draft", "exceptions.detect", "task.breach", "post.lease",
    "post.sending",     "post.sent",        "post.release",      "post.failed", "post.unknown",
    "task.await_reply", "task.wake",        "approval.expire",   NULL
  };

  return g_strcmp0 (role, "agent") == 0 || ct_text_index (actions, action) >= 0;
}

static void
show_action (CtRow *row, guint column, CtCell *cell)
{
  cell->text = ct_timeline_sentence (ct_row_text (row, column));
}

/* A sign and a word, so that what a program did is never taken for a person's act. */
static void
show_kind (CtRow *row, guint column, CtCell *cell)
{
  cell->text = ct_timeline_is_agents (ct_row_text (row, ACTION), ct_row_text (row, ROLE)) ? _ ("⚙ Agent")
                                                                                          : _ ("☺ Person");
}

static void
show_role (CtRow *row, guint column, CtCell *cell)
{
  cell->text = ct_role_label (ct_row_text (row, column));
}

static void
show_proof (CtRow *row, guint column, CtCell *cell)
{
  gint64 size = ct_row_int (row, column);

  if (size == CT_NULL_INT) {
    cell->text = _ ("○ waits");
    return;
  }
  cell->owned = g_strdup_printf (_ ("✔ checkpoint %d"), (int) size);
  cell->text = cell->owned;
  cell->style = "ct-good";
}

static const CtListColumn list_columns[] = {
  { "at", N_ ("When"), ct_cell_time, AT, 120, CT_COLUMN_DESCENDING | CT_COLUMN_TIMED, "l.n" },
  { "action", N_ ("What"), show_action, ACTION, 190, CT_COLUMN_EXPAND, NULL },
  { "kind", N_ ("By"), show_kind, ACTION, 96, 0, NULL },
  { "actor", N_ ("Who"), ct_cell_text, ACTOR, 100, 0, NULL },
  { "role", N_ ("Role"), show_role, ROLE, 110, 0, NULL },
  { "object", N_ ("About"), ct_cell_text, OBJECT, 150, CT_COLUMN_EXPAND, NULL },
  { "proof", N_ ("Proof"), show_proof, CHECKPOINT, 140, 0, NULL },
  { NULL, NULL, NULL, 0, 0, 0, NULL },
};

static const CtFilterChoice kinds[] = {
  { "person", N_ ("People"), "NOT (" ROLE_SQL " = 'agent' OR l.action IN " AGENT_ACTIONS ")" },
  { "agent", N_ ("Agents"), "(" ROLE_SQL " = 'agent' OR l.action IN " AGENT_ACTIONS ")" },
  { NULL, NULL, NULL },
};

static const CtFilterChoice periods[] = {
  { "hour", N_ ("Last hour"), "(l.received_at > (?1->>'$.now') - 3600000)" },
  { "day", N_ ("Last 24 hours"), "(l.received_at > (?1->>'$.now') - 86400000)" },
  { "week", N_ ("Last 7 days"), "(l.received_at > (?1->>'$.now') - 604800000)" },
  { "month", N_ ("Last 30 days"), "(l.received_at > (?1->>'$.now') - 2592000000)" },
  { NULL, NULL, NULL },
};

static const char *
label_of_action (const char *value)
{
  return ct_timeline_sentence (value);
}

static const CtListFilter filters[] = {
  { "by", N_ ("By"), NULL, kinds, NULL, NULL, NULL },
  { "actor", N_ ("Who"), "l.actor", NULL, "SELECT login FROM people ORDER BY login", NULL, NULL },
  { "action", N_ ("What"), "l.action", NULL, "SELECT DISTINCT action FROM audit_logs ORDER BY 1",
    label_of_action, NULL },
  { "period", N_ ("When"), NULL, periods, NULL, NULL, NULL },
  { "order", N_ ("Order"), ORDER_SQL, NULL,
    "SELECT DISTINCT o.number FROM exceptions e JOIN orders o ON o.id = e.order_id ORDER BY 1 DESC LIMIT 200",
    NULL, NULL },
  { NULL, NULL, NULL, NULL, NULL, NULL, NULL },
};

static const CtListBuiltInView views[] = {
  { N_ ("What people did"), "{\"filters\": {\"by\": [\"person\"]}, \"sort\": \"at\", \"descending\": true}" },
  { N_ ("What agents did"), "{\"filters\": {\"by\": [\"agent\"]}, \"sort\": \"at\", \"descending\": true}" },
  { N_ ("Decisions and posts"),
    "{\"filters\": {\"action\": [\"approval.approve\", \"approval.reject\", "
    "\"approval.edit\", \"approval.ask\", \"post.sent\", \"post.failed\"]}, \"sort\": "
    "\"at\", \"descending\": true}" },
  { NULL, NULL },
};

static const char *const search[] = { "l.action", "l.actor", OBJECT_SQL, NULL };

static const char *
count (gint64 n)
{
  static char text[64];
  g_autofree char *number = ct_format_count (n);

  g_snprintf (text, sizeof text, g_dngettext (GETTEXT_PACKAGE, "%s event", "%s events", (gulong) n), number);
  return text;
}

const CtListDef ct_timeline_list = {
  .name = "timeline",
  .source = &source,
  .columns = list_columns,
  .filters = filters,
  .views = views,
  .search = search,
  .sort = "at",
  .title_column = ACTION,
  .id_column = ID,
  .empty_icon = "document-open-recent-symbolic",
  .empty_title = N_ ("Nothing has happened yet"),
  .empty_text = N_ ("Whatever people and agents do is written here and proven by signed checkpoints."),
  .count = count,
};
