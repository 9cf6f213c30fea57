/* What a column is to a server: a value that somebody gave, or one that the server gives itself. */
#include "ct-column-kind.h"

/**
 * ct_column_kind:
 *
 * How two values of a column compare, as sync.columns has it on the server. Most instants are the clock's of whoever
 * settled the command.
 *
 * Returns: 'v' by value, 's' whether they are set, 'd' not at all: commands compute it from other columns
 */
char
ct_column_kind (const char *table, const char *column)
{
  /* what a person or a carrier said, or what was once and is copied */
  static const char *const stated[] = { "promised_at",
                                        "eta_at",
                                        "shipped_at",
                                        "delivered_at",
                                        "happened_at",
                                        "starts_at",
                                        "ends_at",
                                        "next_check_at",
                                        "expires_at",
                                        "deadline_at",
                                        "ready_at",
                                        "exception_episodes.opened_at",
                                        "exception_episodes.ended_at",
                                        "received_at",
                                        "window_ends_at",
                                        "answered_at",
                                        NULL };
  static const char *const derived[] = { "exceptions.score",
                                         "exceptions.severity",
                                         "exceptions.value_at_risk_minor",
                                         "exceptions.next_action",
                                         "exceptions.evidence",
                                         "follow_up_tasks.status_before",
                                         "follow_up_tasks.sla_due_at",
                                         "follow_up_tasks.sla_warning_at",
                                         "follow_up_tasks.sla_hard_at",
                                         "follow_up_tasks.escalate_at",
                                         "follow_up_tasks.approval_terms",
                                         "outbox.problem",
                                         NULL };
  g_autofree char *name = g_strconcat (table, ".", column, NULL);

  if (ct_text_index (derived, name) >= 0)
    return 'd';
  if (ct_text_index (stated, column) >= 0 || ct_text_index (stated, name) >= 0)
    return 'v';
  return g_str_has_suffix (column, "_at") ? 's' : 'v';
}
