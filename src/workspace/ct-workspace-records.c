/* What a workspace holds, in words: for who takes it along, or would lose it. */
#include "ct-workspace-records.h"
#include "ct-format.h"

/* Shipped with every workspace: the server's take their place. */
static const char *const shipped[] = { "calendars", "sla_policies", "rules",      "agent_profiles",
                                       "routes",    "templates",    "guardrails", "settings",
                                       "people",    "person_roles", NULL };

gboolean
ct_workspace_is_shipped (const char *table)
{
  return g_strv_contains (shipped, table);
}

/* (nullable): "%s orders"; the parts and the history of these, and what few know, are records */
static const char *
words_of (const char *table, gulong n)
{
  const struct {
    const char *table, *words;
  } kinds[] = {
    { "orders", g_dngettext (GETTEXT_PACKAGE, "%s order", "%s orders", n) },
    { "distributors", g_dngettext (GETTEXT_PACKAGE, "%s distributor", "%s distributors", n) },
    { "exceptions", g_dngettext (GETTEXT_PACKAGE, "%s exception", "%s exceptions", n) },
    { "follow_up_tasks", g_dngettext (GETTEXT_PACKAGE, "%s task", "%s tasks", n) },
    { "approvals", g_dngettext (GETTEXT_PACKAGE, "%s approval", "%s approvals", n) },
    { "interactions", g_dngettext (GETTEXT_PACKAGE, "%s interaction", "%s interactions", n) },
    { NULL, g_dngettext (GETTEXT_PACKAGE, "%s other record", "%s other records", n) },
  };
  guint i = 0;

  while (kinds[i].table && g_strcmp0 (kinds[i].table, table) != 0)
    i++;
  return kinds[i].table || !table ? kinds[i].words : NULL;
}

static void
add_words (GPtrArray *parts, const char *table, gint64 n)
{
  g_autofree char *count = ct_format_count (n);
  const char *words = n > 0 ? words_of (table, (gulong) n) : NULL;
  GString *text;

  if (!words)
    return;
  text = g_string_new (words);
  g_string_replace (text, "%s", count, 1);
  g_ptr_array_add (parts, g_string_free (text, FALSE));
}

/**
 * ct_workspace_describe_records:
 * @tables: those of the server, ended by %NULL
 *
 * Counts what people have made in these tables, not what each workspace is shipped with.
 *
 * Returns: (transfer full): "1,500 orders, 30 distributors, 9,120 other records"; empty where there is nothing
 */
char *
ct_workspace_describe_records (CtDb *db, const char *const *tables, GError **error)
{
  static const char *const first[] = { "orders",    "distributors", "exceptions", "follow_up_tasks",
                                       "approvals", "interactions", NULL };
  g_autoptr (GPtrArray) parts = g_ptr_array_new_with_free_func (g_free);
  const char *const *here = ct_db_business_tables (db, error);
  gint64 counts[G_N_ELEMENTS (first)] = { 0 }, others = 0;

  for (guint i = 0; here && here[i]; i++) {
    g_autofree char *sql = g_strdup_printf ("SELECT count(*) FROM \"%s\"", here[i]);
    int place = ct_text_index (first, here[i]);
    gint64 rows = 0;

    if (!g_strv_contains (tables, here[i]) || ct_workspace_is_shipped (here[i]))
      continue;
    if (!ct_db_read_int (db, &rows, error, sql, ""))
      return NULL;
    *(place >= 0 ? &counts[place] : &others) += rows;
  }
  if (!here)
    return NULL;
  for (guint i = 0; first[i]; i++)
    add_words (parts, first[i], counts[i]);
  add_words (parts, NULL, others);
  g_ptr_array_add (parts, NULL);
  return g_strjoinv (", ", (char **) parts->pdata);
}

/* A part for each row of (who, stand-ins, amount, currency). */
static gboolean
add_people (CtDb *db, GPtrArray *parts, gint64 now, GError **error)
{
  g_autoptr (CtStmt) stmt = ct_db_query (
      db, error,
      "SELECT login, NULL, approval_limit_minor, approval_currency FROM people WHERE archived_at IS NULL AND "
      "approval_limit_minor IS NOT NULL UNION ALL SELECT * FROM (SELECT p.login, (SELECT "
      "group_concat(s.login, "
      "', ') FROM delegations d JOIN people s ON s.id = d.delegate_id WHERE d.person_id = a.person_id AND "
      "d.starts_at = a.starts_at AND d.ends_at = a.ends_at), NULL, NULL FROM absences a JOIN people p ON "
      "p.id = "
      "a.person_id WHERE a.ends_at > ? AND p.archived_at IS NULL ORDER BY a.starts_at, a.id)",
      "i", now);

  while (stmt && ct_stmt_next (stmt)) {
    const char *login = ct_stmt_text (stmt, 0), *stand_in = ct_stmt_text (stmt, 1),
               *currency = ct_stmt_text (stmt, 3);
    g_autofree char *limit = currency ? ct_format_money (ct_stmt_int (stmt, 2), currency) : NULL;

    if (limit)
      g_ptr_array_add (parts, g_strdup_printf (_ ("%s approves up to %s"), login, limit));
    else if (stand_in)
      g_ptr_array_add (parts, g_strdup_printf (_ ("%s is away, %s stands in"), login, stand_in));
    else
      g_ptr_array_add (parts, g_strdup_printf (_ ("%s is away"), login));
  }
  return stmt && ct_stmt_finish (stmt, error);
}

/**
 * ct_workspace_describe_left_behind:
 * @now: which absences are over
 *
 * What an upload does not take along, because the server says it of its people itself.
 *
 * Returns: (transfer full): "anna approves up to €500.00; boris is away, sam stands in"; empty where there is nothing
 */
char *
ct_workspace_describe_left_behind (CtDb *db, gint64 now, GError **error)
{
  g_autoptr (GPtrArray) parts = g_ptr_array_new_with_free_func (g_free);

  if (!add_people (db, parts, now, error))
    return NULL;
  g_ptr_array_add (parts, NULL);
  return g_strjoinv ("; ", (char **) parts->pdata);
}
