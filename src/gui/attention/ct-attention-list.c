#include "ct-attention-list.h"
#include "ct-workspace-attention.h"
#include "ct-workspace-timeline.h"

/* The record that a command is about: the first one compared, else the one it names. */
#define OBJECT_ID                                                                                            \
  "uuid(coalesce(a.theirs->>'$.columns[0].id', i.args->>'$.id', i.args->>'$.task', i.args->>'$.exception', " \
  "i.args->>'$.approval'))"
#define NUMBER_IN(table) "(SELECT number FROM " table " WHERE id = " OBJECT_ID ")"
#define OBJECT                                                                                               \
  "coalesce(" NUMBER_IN ("orders") ", " NUMBER_IN ("distributors") ", " NUMBER_IN (                          \
      "follow_up_tasks") ", " NUMBER_IN ("exceptions") ", " NUMBER_IN ("approvals") ", " NUMBER_IN ("invoic" \
                                                                                                    "es") ", " NUMBER_IN ("shipments") ", i.args->>'$.legal_name', i.args->>'$.name', i.args->>'$.title', '')"

static const char *const columns[] = {
  [CT_ATTENTION_ID] = "i.command_id",
  [CT_ATTENTION_COMMAND] = "i.name",
  [CT_ATTENTION_OBJECT] = OBJECT,
  [CT_ATTENTION_CODE] = "a.theirs->>'$.code'",
  [CT_ATTENTION_DETAIL] = "a.reason",
  [CT_ATTENTION_SINCE] = "a.since",
  [CT_ATTENTION_CHOICE] = "coalesce(a.choice, '')",
  [CT_ATTENTION_WHEN] = "i.occurred_at",
  NULL,
};

static const char *const tables[] = { "attention", NULL };

static const CtListSource source = {
  .from = "attention a JOIN intents i ON i.seq = a.seq",
  .key = "a.seq",
  .columns = columns,
  .tables = tables,
};

static void
show_command (CtRow *row, guint column, CtCell *cell)
{
  cell->text = ct_timeline_sentence (ct_row_text (row, column));
}

static void
show_reason (CtRow *row, guint column, CtCell *cell)
{
  cell->text = ct_attention_reason (ct_row_text (row, column));
}

static void
show_choice (CtRow *row, guint column, CtCell *cell)
{
  static const struct {
    const char *choice, *label;
  } labels[] = {
    { "theirs", N_ ("Kept theirs") },
    { "mine", N_ ("Used mine") },
    { "edit", N_ ("Edited") },
    { "discard", N_ ("Discarded") },
  };

  for (guint i = 0; i < G_N_ELEMENTS (labels); i++)
    if (g_strcmp0 (labels[i].choice, ct_row_text (row, column)) == 0)
      cell->text = _ (labels[i].label);
}

static const CtListColumn list_columns[] = {
  { "command", N_ ("What you did"), show_command, CT_ATTENTION_COMMAND, 180, CT_COLUMN_EXPAND, "i.name" },
  { "object", N_ ("Where"), ct_cell_text, CT_ATTENTION_OBJECT, 150, 0, OBJECT },
  { "reason", N_ ("Why it waits"), show_reason, CT_ATTENTION_CODE, 260, CT_COLUMN_EXPAND,
    "a.theirs->>'$.code'" },
  { "when", N_ ("When"), ct_cell_time, CT_ATTENTION_WHEN, 110, CT_COLUMN_DESCENDING, "i.occurred_at" },
  { "since", N_ ("Waiting for"), ct_cell_age, CT_ATTENTION_SINCE, 100,
    CT_COLUMN_RIGHT | CT_COLUMN_TIMED | CT_COLUMN_DESCENDING | CT_COLUMN_HIDDEN, "a.since" },
  { "detail", N_ ("Details"), ct_cell_text, CT_ATTENTION_DETAIL, 240, CT_COLUMN_HIDDEN, "a.reason" },
  { "choice", N_ ("Decision"), show_choice, CT_ATTENTION_CHOICE, 110, CT_COLUMN_HIDDEN, "a.choice" },
  { NULL, NULL, NULL, 0, 0, 0, NULL },
};

static const CtFilterChoice states[] = {
  { "open", N_ ("Waits"), "(a.settled_at IS NULL)" },
  { "settled", N_ ("Decided"), "(a.settled_at IS NOT NULL)" },
  { NULL, NULL, NULL },
};

static const CtListFilter filters[] = {
  { "state", N_ ("State"), NULL, states, NULL, NULL, "open" },
  { NULL, NULL, NULL, NULL, NULL, NULL, NULL },
};

static const CtListBuiltInView views[] = {
  { N_ ("Waiting for a decision"),
    "{\"filters\": {\"state\": [\"open\"]}, \"sort\": \"when\", \"descending\": false}" },
  { N_ ("Decided"), "{\"filters\": {\"state\": [\"settled\"]}, \"sort\": \"when\", \"descending\": true}" },
  { NULL, NULL },
};

static const char *const search[] = { "i.name", OBJECT, "a.reason", NULL };

static const char *
count (gint64 n)
{
  static char text[64];
  g_autofree char *number = ct_format_count (n);

  g_snprintf (text, sizeof text, g_dngettext (GETTEXT_PACKAGE, "%s change", "%s changes", (gulong) n),
              number);
  return text;
}

const CtListDef ct_attention_list = {
  .name = "attention",
  .source = &source,
  .columns = list_columns,
  .filters = filters,
  .views = views,
  .search = search,
  .sort = "when",
  .title_column = CT_ATTENTION_OBJECT,
  .id_column = CT_ATTENTION_ID,
  .empty_icon = "emblem-ok-symbolic",
  .empty_title = N_ ("Nothing needs a decision"),
  .empty_text = N_ ("What you do offline reaches the server by itself. Where it does not fit what others did "
                    "meanwhile, it waits here with both values, and nothing is lost."),
  .count = count,
};
