#include "ct-story.h"
#include "ct-format.h"
#include "ct-workspace-timeline.h"

#define MOST_LETTERS 240

struct _CtStory {
  GArray *events; /* (owned) (element-type CtStoryEvent) */
};

static void
event_clear (gpointer data)
{
  CtStoryEvent *event = data;

  g_free (event->action);
  g_free (event->actor);
  g_free (event->note);
}

void
ct_story_free (CtStory *self)
{
  g_array_unref (self->events);
  g_free (self);
}

/* (transfer full) (nullable): what somebody said with it */
static char *
read_note (CtDb *db, CtStmt *row, const CtStoryEvent *event)
{
  g_autofree char *text = event->pending ? ct_timeline_pending_comment (db, event->action, event->n)
                          : ct_stmt_is_null (row, 4)
                              ? ct_timeline_comment_of (event->action, ct_stmt_text (row, 6))
                              : g_strdup (ct_stmt_text (row, 4));

  return text ? ct_text_snippet (text, MOST_LETTERS) : NULL;
}

/**
 * ct_story_read:
 * @most: at most so many events
 * @objects_sql: a SELECT of the ids whose story it is; ?1 is @n
 *
 * On a store's thread.
 */
CtStory *
ct_story_read (CtDb *db, guint most, GError **error, const char *objects_sql, gint64 n)
{
  g_autofree char *sql = g_strdup_printf (
      "WITH ids(id) AS (%s), events(n) AS (SELECT l.n FROM ids JOIN audit_logs l ON l.object_id = ids.id "
      "UNION "
      "SELECT o.n FROM ids JOIN audit_objects o ON o.object_id = ids.id) "
      "SELECT i.seq, i.name, i.actor, i.occurred_at, NULL, TRUE AS pending, NULL FROM intents i WHERE i.seq "
      "IN "
      "(SELECT t.seq FROM ids JOIN sync_touches t ON t.id = ids.id WHERE t.kind <> 'r') AND i.seq NOT IN "
      "(SELECT seq FROM sync_outcomes UNION ALL SELECT seq FROM attention) "
      "UNION ALL SELECT * FROM (SELECT l.n, l.action, l.actor, l.received_at, "
      "(SELECT d.value FROM audit_disclosures d WHERE d.n = l.n AND d.field IN ('comment', 'reason', 'text') "
      "LIMIT 1), "
      "FALSE, (SELECT d.value FROM audit_disclosures d WHERE d.n = l.n AND d.field = 'changes') FROM events "
      "JOIN audit_logs l ON l.n = events.n ORDER BY l.n DESC LIMIT %u) "
      "ORDER BY pending DESC, 1 DESC",
      objects_sql, most);
  g_autoptr (CtStmt) stmt = ct_db_query (db, error, sql, "i", n);
  CtStory *self;

  if (!stmt)
    return NULL;
  self = g_new0 (CtStory, 1);
  self->events = g_array_new (FALSE, TRUE, sizeof (CtStoryEvent));
  g_array_set_clear_func (self->events, event_clear);
  while (ct_stmt_next (stmt)) {
    CtStoryEvent event = { .n = ct_stmt_int (stmt, 0),
                           .at = ct_stmt_int (stmt, 3),
                           .pending = ct_stmt_int (stmt, 5) != 0 };

    event.action = g_strdup (ct_stmt_text (stmt, 1));
    event.actor = g_strdup (ct_stmt_text (stmt, 2));
    event.note = read_note (db, stmt, &event);
    g_array_append_val (self->events, event);
  }
  if (!ct_stmt_finish (stmt, error)) {
    ct_story_free (self);
    return NULL;
  }
  return self;
}

/* Adds the events to a pane. */
void
ct_story_show (CtStory *self, CtDetail *detail, CtWorkspace *workspace)
{
  gint64 now = ct_workspace_now (workspace);

  for (guint i = 0; i < self->events->len; i++) {
    CtStoryEvent *event = &g_array_index (self->events, CtStoryEvent, i);
    g_autofree char *when = ct_format_time (event->at, now, ct_workspace_get_zone (workspace));
    g_autofree char *who = event->pending
                               ? g_strdup_printf (_ ("%s, not confirmed by the server yet"), event->actor)
                               : g_strdup (event->actor);
    g_autofree char *said = event->note ? g_strdup_printf ("%s: %s", who, event->note) : NULL;

    ct_detail_add_event (detail, ct_timeline_sentence (event->action), said ? said : who, when);
  }
  if (self->events->len == 0)
    ct_detail_add_text (detail, _ ("Nothing has happened yet."), "dim-label");
}
