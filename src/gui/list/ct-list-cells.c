#include "ct-list-def.h"
#include "ct-task-state.h"
#include "ct-vocabulary.h"

#include <string.h>

/* By CtSeverity: a sign of its own shape, so that colour is never alone. */
static const char *const severity_signs[] = { "○", "◔", "◆", "▲" };
static const char *const severity_styles[] = { "ct-low", "ct-medium", "ct-high", "ct-critical" };

static void
own (CtCell *cell, char *text)
{
  cell->owned = text;
  cell->text = text;
}

void
ct_cell_text (CtRow *row, guint column, CtCell *cell)
{
  cell->text = ct_row_text (row, column);
}

void
ct_cell_number (CtRow *row, guint column, CtCell *cell)
{
  gint64 value = ct_row_int (row, column);

  if (value != CT_NULL_INT)
    own (cell, ct_format_count (value));
}

void
ct_cell_money (CtRow *row, guint column, CtCell *cell)
{
  gint64 value = ct_row_int (row, column);

  if (value != CT_NULL_INT && value != 0)
    own (cell, ct_format_money (value, ct_row_text (row, column + 1)));
}

void
ct_cell_age (CtRow *row, guint column, CtCell *cell)
{
  gint64 at = ct_row_int (row, column);

  if (at != CT_NULL_INT)
    own (cell, ct_format_age (at, cell->now));
}

void
ct_cell_due (CtRow *row, guint column, CtCell *cell)
{
  static const char *const styles[] = { NULL, NULL, NULL, "ct-high", "ct-critical" };
  gint64 at = ct_row_int (row, column);

  if (at == CT_NULL_INT)
    return;
  own (cell, ct_format_due (at, cell->now));
  cell->style = styles[ct_format_due_class (at, cell->now, cell->zone)];
}

void
ct_cell_time (CtRow *row, guint column, CtCell *cell)
{
  gint64 at = ct_row_int (row, column);

  if (at != CT_NULL_INT)
    own (cell, ct_format_time (at, cell->now, cell->zone));
}

void
ct_cell_date (CtRow *row, guint column, CtCell *cell)
{
  own (cell, ct_format_date (ct_row_text (row, column)));
}

/* (nullable): "▲" for "critical" */
const char *
ct_severity_sign (const char *severity)
{
  CtSeverity value;

  return ct_severity_parse (severity, &value) ? severity_signs[value] : NULL;
}

const char *
ct_severity_style (const char *severity)
{
  CtSeverity value;

  return ct_severity_parse (severity, &value) ? severity_styles[value] : NULL;
}

void
ct_cell_severity (CtRow *row, guint column, CtCell *cell)
{
  CtSeverity value;

  if (!ct_severity_parse (ct_row_text (row, column), &value))
    return;
  own (cell, g_strconcat (severity_signs[value], " ", ct_severity_label (value), NULL));
  cell->style = severity_styles[value];
}

void
ct_cell_blocker (CtRow *row, guint column, CtCell *cell)
{
  cell->text = ct_blocker_label (ct_row_text (row, column));
}

void
ct_cell_owner (CtRow *row, guint column, CtCell *cell)
{
  cell->text = ct_role_label (ct_row_text (row, column));
}

void
ct_cell_task_state (CtRow *row, guint column, CtCell *cell)
{
  CtTaskState state;

  if (ct_task_state_parse (ct_row_text (row, column), &state))
    cell->text = ct_task_state_label (state);
}

/* An agent's name without what all agents share: "Accounting" of "AccountingFollowUpAgent"; (transfer full). */
char *
ct_agent_label (const char *agent)
{
  static const char *const endings[] = { "FollowUpAgent", "Agent" };

  for (guint i = 0; i < G_N_ELEMENTS (endings); i++)
    if (g_str_has_suffix (agent, endings[i]) && strlen (agent) > strlen (endings[i]))
      return g_strndup (agent, strlen (agent) - strlen (endings[i]));
  return g_strdup (agent);
}

void
ct_cell_agent (CtRow *row, guint column, CtCell *cell)
{
  own (cell, ct_agent_label (ct_row_text (row, column)));
}
