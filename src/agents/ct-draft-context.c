#include "ct-draft-context.h"
#include "ct-configuration.h"
#include "ct-draft-facts.h"

#include <string.h>

#define MOST_NOTES    10
#define MOST_FEEDBACK 5
#define MOST_ARTICLES 3
#define MOST_EXAMPLES 3
#define MOST_TEXT     4000

static void
fact_free (gpointer data)
{
  CtDraftFact *self = data;

  g_free (self->key);
  g_free (self->value);
  json_array_unref (self->refs);
  g_free (self);
}

static void
channel_free (gpointer data)
{
  CtDraftChannel *self = data;

  g_free (self->name);
  g_free (self->kind);
  g_free (self->destination);
  g_free (self->draft_kind);
  g_free (self);
}

void
ct_draft_context_clear (CtDraftContext *self)
{
  g_clear_pointer (&self->profile, ct_agent_profile_free);
  ct_task_row_clear (&self->task);
  g_clear_pointer (&self->blocker, g_free);
  g_clear_pointer (&self->language, g_free);
  g_clear_pointer (&self->facts, g_ptr_array_unref);
  g_clear_pointer (&self->channels, g_ptr_array_unref);
  g_clear_pointer (&self->notes, g_ptr_array_unref);
  g_clear_pointer (&self->feedback, g_ptr_array_unref);
  g_clear_pointer (&self->articles, g_ptr_array_unref);
  g_clear_pointer (&self->examples, g_ptr_array_unref);
  g_clear_pointer (&self->last_inbound, g_free);
}

/**
 * ct_draft_context_clean:
 * @most: characters
 * @cleaned: (out) (optional): whether something was taken out that could deceive a reader or a program
 *
 * A value from a record as a draft may quote it: one line; without control, invisible and bidirectional characters;
 * with braces and the beginnings of mentions made harmless, so that it can be neither expanded nor call anybody.
 *
 * Returns: (transfer full): the text
 */
char *
ct_draft_context_clean (const char *text, gsize most, gboolean *cleaned)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  g_autoptr (GString) out = g_string_new (NULL);
  gboolean odd = strcmp (valid, text) != 0;

  for (const char *p = valid; *p; p = g_utf8_next_char (p)) {
    gunichar c = g_utf8_get_char (p);

    if (g_unichar_isspace (c)) {
      if (out->len && out->str[out->len - 1] != ' ')
        g_string_append_c (out, ' ');
    } else if (g_unichar_iscntrl (c) || ct_text_char_is_bidirectional (c) || ct_text_char_is_invisible (c)) {
      odd = TRUE;
    } else if (c == '{' || c == '}') {
      g_string_append_c (out, c == '{' ? '(' : ')');
      odd = TRUE;
    } else {
      g_string_append_unichar (out, c);
      if (c == '<' && (p[1] == '!' || p[1] == '@')) {
        g_string_append_c (out, ' ');
        odd = TRUE;
      }
    }
  }
  g_strchomp (out->str);
  if (cleaned)
    *cleaned = odd;
  return ct_text_snippet (out->str, most);
}

/* (nullable) */
const CtDraftFact *
ct_draft_context_fact (const CtDraftContext *self, const char *key)
{
  for (guint i = 0; i < self->facts->len; i++) {
    const CtDraftFact *fact = self->facts->pdata[i];

    if (strcmp (fact->key, key) == 0)
      return fact;
  }
  return NULL;
}

/* Texts that a question gives, bounded; (transfer full). Foreign ones keep their lines and lose what deceives. */
static GPtrArray *
read_texts (CtDb *db, GError **error, const char *sql, const char *format, ...)
{
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (CtStmt) stmt = NULL;
  va_list args;

  va_start (args, format);
  stmt = ct_db_query_va (db, error, sql, format, args);
  va_end (args);
  while (stmt && ct_stmt_next (stmt))
    if (!ct_text_is_blank (ct_stmt_text (stmt, 0)))
      g_ptr_array_add (texts, ct_text_snippet (ct_stmt_text (stmt, 0), MOST_TEXT));
  return stmt && ct_stmt_finish (stmt, error) ? g_steal_pointer (&texts) : NULL;
}

/* What to write for a kind of channel: the first that the agent may. */
static const char *
choose_kind (const CtDraftContext *self, const char *channel_kind)
{
  static const struct {
    const char *kind, *action;
  } wishes[] = {
    { "escalation_summary", "draft_escalation_summary" },
    { "channel_post", "draft_channel_post" },
    { "internal_update", "draft_internal_update" },
  };

  if (strcmp (channel_kind, "email") == 0)
    return "email";
  for (guint i = self->escalated ? 0 : 1; i < G_N_ELEMENTS (wishes); i++)
    if (ct_task_row_allows_action (&self->task, wishes[i].action))
      return wishes[i].kind;
  return "channel_post";
}

static gboolean
read_channels (CtDb *db, CtDraftContext *self, GError **error)
{
  g_autoptr (CtStmt) stmt = ct_db_query (
      db, error,
      "SELECT t.channel, c.kind, t.destination FROM task_channels t JOIN channels c ON c.name = t.channel "
      "JOIN channel_destinations d ON d.channel_id = c.id AND d.destination = t.destination "
      "WHERE t.task_id = ? AND c.archived_at IS NULL AND d.archived_at IS NULL ORDER BY t.position, t.id",
      "k", &self->task.id);

  self->channels = g_ptr_array_new_with_free_func (channel_free);
  while (stmt && ct_stmt_next (stmt)) {
    CtDraftChannel *channel = g_new0 (CtDraftChannel, 1);

    channel->name = g_strdup (ct_stmt_text (stmt, 0));
    channel->kind = g_strdup (ct_stmt_text (stmt, 1));
    channel->destination = g_strdup (ct_stmt_text (stmt, 2));
    channel->draft_kind = g_strdup (choose_kind (self, channel->kind));
    g_ptr_array_add (self->channels, channel);
  }
  return stmt && ct_stmt_finish (stmt, error);
}

/* What has been said about this: by people, by approvers, by the other side. */
static gboolean
read_history (CtDb *db, CtDraftContext *self, GError **error)
{
  self->notes = read_texts (db, error,
                            "SELECT author || ': ' || text FROM task_notes WHERE subject_id IN (?1, ?2, ?3) "
                            "ORDER BY created_at DESC, id LIMIT ?4",
                            "kkki", &self->task.id, &self->task.exception_id, &self->task.order_id,
                            (gint64) MOST_NOTES);
  if (!self->notes)
    return FALSE;
  self->feedback =
      read_texts (db, error,
                  "SELECT comment FROM approvals WHERE task_id = ? AND comment <> '' AND state IN "
                  "('changes_requested', 'rejected') ORDER BY decided_at DESC, id LIMIT ?",
                  "ki", &self->task.id, (gint64) MOST_FEEDBACK);
  if (!self->feedback)
    return FALSE;
  self->last_inbound = ct_db_read_text (
      db, NULL, "SELECT text FROM replies WHERE task_id = ? ORDER BY received_at DESC, id DESC LIMIT 1", "k",
      &self->task.id);
  return TRUE;
}

/* The words of the blocker and the title, each in quotes: what people type is no query language. */
static char *
search_words (const CtDraftContext *self)
{
  g_autofree char *text = g_strconcat (self->blocker ? self->blocker : "", " ", self->task.title, NULL);
  g_autoptr (GString) out = g_string_new (NULL);
  gboolean inside = FALSE;

  for (const char *p = text; *p; p = g_utf8_next_char (p)) {
    gunichar c = g_utf8_get_char (p);

    if (g_unichar_isalnum (c)) {
      g_string_append (out, inside ? "" : out->len ? " OR \"" : "\"");
      g_string_append_unichar (out, c);
    } else if (inside) {
      g_string_append_c (out, '"');
    }
    inside = g_unichar_isalnum (c);
  }
  g_string_append (out, inside ? "\"" : out->len ? "" : "\"\"");
  return g_string_free (g_steal_pointer (&out), FALSE);
}

static gboolean
read_knowledge (CtDb *db, CtDraftContext *self, GError **error)
{
  g_autofree char *words = search_words (self);

  self->articles =
      read_texts (db, error,
                  "SELECT a.title || char(10) || a.body FROM articles_fts f JOIN articles a ON a.n = f.rowid "
                  "WHERE articles_fts MATCH ? AND a.archived_at IS NULL ORDER BY bm25(articles_fts), a.id "
                  "LIMIT ?",
                  "si", words, (gint64) MOST_ARTICLES);
  if (!self->articles)
    return FALSE;
  self->examples =
      read_texts (db, error,
                  "SELECT o.text FROM approvals a JOIN ai_outputs o ON o.id = a.output_id "
                  "JOIN follow_up_tasks t ON t.id = a.task_id JOIN exceptions e ON e.id = t.exception_id "
                  "WHERE a.state = 'approved' AND e.blocker = ? ORDER BY a.decided_at DESC, a.id LIMIT ?",
                  "si", self->blocker ? self->blocker : "", (gint64) MOST_EXAMPLES);
  return self->examples != NULL;
}

/**
 * ct_draft_context_build:
 * @escalated: whether what is asked for is a summary for those it was escalated to
 * @now: the present
 * @self: (out): clear with ct_draft_context_clear(); set only on success
 *
 * Reads all that a draft of @task may rely on. Errors: %CT_ERROR_NOT_FOUND (the task, its agent)
 */
gboolean
ct_draft_context_build (CtDb *db, const CtId *task, gboolean escalated, gint64 now, CtDraftContext *self,
                        GError **error)
{
  g_auto (CtDraftContext) built = { .escalated = escalated };

  built.facts = g_ptr_array_new_with_free_func (fact_free);
  built.language = ct_configuration_setting (db, "language", "en");
  if (!ct_task_row_load (db, task, &built.task, error) ||
      !(built.profile = ct_configuration_agent (db, built.task.agent, error)) ||
      !ct_draft_facts_read (db, now, &built, error) || !read_channels (db, &built, error) ||
      !read_history (db, &built, error) || !read_knowledge (db, &built, error))
    return FALSE;
  *self = built;
  memset (&built, 0, sizeof built);
  return TRUE;
}
