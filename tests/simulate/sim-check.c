/* What must hold on a client: after every step, and once nothing stands between it and the server. */
#include "sim-check.h"

#include <string.h>

static gboolean
fail (SimClient *self, const char *what)
{
  return sim_world_fail (self->world, "%s: %s", self->name, what);
}

/* @sql gives the rows that should not be, as text. */
static gboolean
expect_none (SimClient *self, const char *sql, const char *what)
{
  g_autofree char *found = ct_db_read_text (self->replica->db, NULL, sql, "");

  return !found || sim_world_fail (self->world, "%s: %s: %s", self->name, what, found);
}

/* ---- after every step ---- */

/* Every command is in one place: pending, settled or in the tray with its reason; the chain is whole. */
static gboolean
check_commands (SimClient *self)
{
  static const struct {
    const char *sql, *what;
  } rules[] = {
    { "SELECT i.seq || ' ' || i.name FROM intents i JOIN sync_state s WHERE i.seq BETWEEN 2 AND "
      "s.acknowledged"
      " AND NOT EXISTS (SELECT 1 FROM sync_outcomes o WHERE o.seq = i.seq) LIMIT 1",
      "a command counts as settled without an answer" },
    { "SELECT o.seq || ' ' || i.name FROM sync_outcomes o JOIN intents i USING(seq) WHERE o.outcome = "
      "'rejected'"
      " AND NOT EXISTS (SELECT 1 FROM attention a WHERE a.seq = o.seq) LIMIT 1",
      "a command that was rejected is not in the tray" },
    { "SELECT a.seq || ' ' || i.name FROM attention a JOIN intents i USING(seq) JOIN sync_outcomes o "
      "USING(seq)"
      " WHERE o.outcome = 'applied' AND a.settled_at IS NULL LIMIT 1",
      "a command that was applied waits in the tray" },
    { "SELECT a.seq || ' ' || i.name FROM attention a JOIN intents i USING(seq) WHERE a.reason = '' LIMIT 1",
      "a command lies in the tray without a reason" },
    { "SELECT i.seq || ' ' || i.name FROM intents i JOIN intents p ON p.seq = i.seq - 1"
      " WHERE i.previous_sha256 <> p.sha256 LIMIT 1",
      "the chain of commands is broken" },
    { "SELECT o.number FROM orders o WHERE EXISTS (SELECT 1 FROM order_lines l WHERE l.order_id = o.id) AND "
      "o.total_minor"
      " <> (SELECT sum(l.total_minor) FROM order_lines l WHERE l.order_id = o.id) LIMIT 1",
      "half a command is here: the total of an order is not that of its lines" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rules); i++)
    if (!expect_none (self, rules[i].sql, rules[i].what))
      return FALSE;
  return TRUE;
}

/* All that was accepted is there, in its order, and nothing else. */
static gboolean
check_nothing_vanished (SimClient *self)
{
  g_autoptr (CtStmt) stmt = ct_db_query (
      self->replica->db, NULL, "SELECT seq, command_id FROM intents WHERE seq > 1 ORDER BY seq", "");
  guint at = 0;

  for (; ct_stmt_next (stmt); at++) {
    CtId id;

    if (at >= self->accepted->len)
      return fail (self, "there is a command that nobody gave");
    if (!ct_stmt_id (stmt, 1, &id) ||
        !ct_id_equal (&id, &g_array_index (self->accepted, SimAccepted, at).command))
      return sim_world_fail (self->world, "%s: command %d is another one than was accepted", self->name,
                             (int) ct_stmt_int (stmt, 0));
  }
  return at == self->accepted->len ||
         sim_world_fail (self->world, "%s: %u commands were accepted, %u are here", self->name,
                         self->accepted->len, at);
}

static gboolean
is_pending (SimClient *self, gint64 seq)
{
  gint64 pending = 0;

  g_assert_true (
      ct_db_read_int (self->replica->db, &pending, NULL,
                      "SELECT ?1 > acknowledged AND NOT EXISTS (SELECT 1 FROM attention WHERE seq = ?1)"
                      " FROM sync_state",
                      "i", seq));
  return pending != 0;
}

static gboolean
check_write (SimClient *self, const SimWrite *write)
{
  g_autofree char *sql = g_strdup_printf ("SELECT %s FROM %s WHERE id = ?", write->column, write->table);
  g_autofree char *value = ct_db_read_text (self->replica->db, NULL, sql, "k", &write->id);

  return g_strcmp0 (value, write->value) == 0 ||
         sim_world_fail (self->world, "%s: command %d is pending, but %s.%s reads %s instead of %s",
                         self->name, (int) write->seq, write->table, write->column, value ? value : "nothing",
                         write->value);
}

/* What a person wrote last reads so until the server has settled it. */
static gboolean
check_own_writes (SimClient *self)
{
  g_autoptr (GHashTable) later = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = self->writes->len; i > 0; i--) {
    const SimWrite *write = self->writes->pdata[i - 1];
    g_autofree char *id = ct_id_to_string (&write->id);

    if (!is_pending (self, write->seq) || !g_hash_table_add (later, g_strconcat (id, write->column, NULL)))
      continue;
    if (write->value && !check_write (self, write))
      return FALSE;
  }
  return TRUE;
}

/* Neither cursor nor settled commands go back, unless the server was restored or the workspace is a copy. */
static gboolean
check_no_step_back (SimClient *self)
{
  g_auto (CtBacklogState) state = { 0 };
  gboolean same;

  g_assert_true (ct_backlog_read (self->replica->db, &state, NULL));
  same = ct_id_equal (&state.cursor.epoch, &self->cursor.epoch);
  if (same && !self->world->restored && state.cursor.number < self->cursor.number)
    return fail (self, "the cursor went back");
  self->cursor = state.cursor;
  self->acknowledged = state.acknowledged;
  return TRUE;
}

/* After every step. */
gboolean
sim_check_client (SimClient *self)
{
  return check_commands (self) && check_nothing_vanished (self) && check_own_writes (self) &&
         check_no_step_back (self);
}

/* ---- rows ---- */

static void
append_bytes (GString *text, const guint8 *bytes, gsize length)
{
  g_string_append (text, "\\x");
  for (gsize i = 0; i < length; i++)
    g_string_append_printf (text, "%02x", bytes[i]);
}

/* (transfer full): a value of the replica as the server's JSON has it; @as_bytes: what might be a UUID is not */
static char *
value_here (CtStmt *row, int column, gboolean as_bytes)
{
  GString *text = g_string_new (NULL);
  gsize length;
  CtId id;

  switch (ct_stmt_type (row, column)) {
  case 'n':
    g_string_append (text, "null");
    break;
  case 'd':
    g_string_append_printf (text, "%.17g", ct_stmt_double (row, column));
    break;
  case 'b':
    if (!as_bytes && ct_stmt_id (row, column, &id)) {
      g_autofree char *uuid = ct_id_to_string (&id);

      g_string_append (text, uuid);
    } else {
      const guint8 *bytes = ct_stmt_blob (row, column, &length);

      append_bytes (text, bytes, length);
    }
    break;
  default:
    g_string_append (text, ct_stmt_text (row, column));
  }
  return g_string_free (text, FALSE);
}

static char *
value_there (JsonNode *node)
{
  if (!node || JSON_NODE_HOLDS_NULL (node))
    return g_strdup ("null");
  if (json_node_get_value_type (node) == G_TYPE_INT64)
    return g_strdup_printf ("%" G_GINT64_FORMAT, json_node_get_int (node));
  if (json_node_get_value_type (node) == G_TYPE_DOUBLE)
    return g_strdup_printf ("%.17g", json_node_get_double (node));
  return g_strdup (json_node_get_string (node));
}

/* Every column but the replica's own number, both ways; an earlier program does without those that came after it. */
static gboolean
compare_row (SimClient *self, const char *table, CtStmt *row, JsonObject *theirs)
{
  guint compared = 0;

  for (int i = 0; i < ct_stmt_n_columns (row); i++) {
    const char *name = ct_stmt_name (row, i);
    g_autofree char *here = NULL, *there = NULL;

    if (g_str_equal (name, "n"))
      continue;
    if (!json_object_has_member (theirs, name))
      return sim_world_fail (self->world, "%s: the server has no %s.%s", self->name, table, name);
    compared++;
    there = value_there (json_object_get_member (theirs, name));
    here = value_here (row, i, g_str_has_prefix (there, "\\x"));
    if (!g_str_equal (here, there))
      return sim_world_fail (self->world, "%s: %s %s: %s is %.200s here and %.200s on the server", self->name,
                             table, ct_json_string (theirs, "id", "?"), name, here, there);
  }
  return compared == json_object_get_size (theirs) || self->version ||
         sim_world_fail (self->world, "%s: the server has columns of %s that are not here", self->name,
                         table);
}

static gboolean
compare_table (SimClient *self, CtSession *session, const char *table)
{
  g_autofree char *sql_there =
      g_strdup_printf ("SELECT row_to_json(v) FROM api.\"%s\" v ORDER BY v.id", table);
  g_autofree char *sql_here = g_strdup_printf ("SELECT * FROM %s ORDER BY id", table);
  g_autoptr (GError) error = NULL;
  g_autoptr (CtAnswer) there = ct_session_query (session, NULL, &error, sql_there, "");
  g_autoptr (CtStmt) here = ct_db_query (self->replica->db, NULL, sql_here, "");
  int at = 0;

  g_assert_no_error (error);
  for (; ct_stmt_next (here) && at < ct_answer_rows (there); at++) {
    g_autoptr (JsonNode) node = ct_json_parse (ct_answer_text (there, at, 0), -1, 1 << 24, NULL);

    if (!compare_row (self, table, here, json_node_get_object (node)))
      return FALSE;
  }
  g_assert_true (ct_stmt_finish (here, NULL));
  {
    g_autofree char *count = g_strdup_printf ("SELECT count(*) FROM %s", table);
    gint64 rows = sim_client_number (self, count);

    return rows == ct_answer_rows (there) ||
           sim_world_fail (self->world, "%s: %d rows of %s here, %d on the server", self->name, (int) rows,
                           table, ct_answer_rows (there));
  }
}

/* (transfer full): what identifies the state of a row, by "table id" */
static void
read_rows (SimClient *self, const char *table, GHashTable *rows)
{
  g_autofree char *sql = g_strdup_printf ("SELECT * FROM %s", table);
  g_autoptr (CtStmt) row = ct_db_query (self->replica->db, NULL, sql, "");

  while (ct_stmt_next (row)) {
    g_autoptr (GString) state = g_string_new (NULL);
    g_autofree char *id = NULL;
    gint64 rev = 0, created = 0;

    for (int i = 0; i < ct_stmt_n_columns (row); i++) {
      const char *name = ct_stmt_name (row, i);
      g_autofree char *value = value_here (row, i, FALSE);

      if (g_str_equal (name, "id"))
        id = g_strdup (value);
      else if (g_str_equal (name, "rev"))
        rev = ct_stmt_int (row, i);
      else if (g_str_equal (name, "created_at"))
        created = ct_stmt_int (row, i);
      else if (!g_str_equal (name, "n"))
        g_string_append_printf (state, "%s\x1f", value);
    }
    g_hash_table_insert (
        rows, g_strdup_printf ("%s %s", table, id),
        g_strdup_printf ("%" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %s", created, rev, state->str));
  }
}

/* A row never goes back to an earlier revision, and one revision is one content. One that was away in between (an undo takes
 * back that it was deleted) begins anew, later. */
static gboolean
check_revisions (SimClient *self, GHashTable *rows)
{
  GHashTableIter iter;
  gpointer key, now;

  g_hash_table_iter_init (&iter, rows);
  while (g_hash_table_iter_next (&iter, &key, &now)) {
    const char *before = g_hash_table_lookup (self->seen, key);
    char *old_rest, *new_rest;
    gint64 old_created, new_created, old_rev, new_rev;

    if (!before)
      continue;
    old_created = g_ascii_strtoll (before, &old_rest, 10);
    new_created = g_ascii_strtoll (now, &new_rest, 10);
    if (new_created > old_created)
      continue;
    old_rev = g_ascii_strtoll (old_rest, NULL, 10);
    new_rev = g_ascii_strtoll (new_rest, NULL, 10);
    if (new_created < old_created || new_rev < old_rev || (new_rev == old_rev && !g_str_equal (before, now)))
      return sim_world_fail (self->world, "%s: %s went back from %s to %s", self->name, (const char *) key,
                             before, (const char *) now);
  }
  return TRUE;
}

static gboolean
check_file (SimClient *self)
{
  static const char *const searches[] = { "distributors_fts", "articles_fts" };
  g_autofree char *integrity = sync_replica_text (self->replica, "PRAGMA integrity_check");

  if (!g_str_equal (integrity, "ok"))
    return sim_world_fail (self->world, "%s: the file is damaged: %s", self->name, integrity);
  if (sim_client_number (self, "SELECT count(*) FROM pragma_foreign_key_check"))
    return fail (self, "a row refers to one that is not here");
  for (guint i = 0; i < G_N_ELEMENTS (searches); i++) {
    g_autofree char *sql =
        g_strdup_printf ("INSERT INTO %1$s(%1$s, rank) VALUES('integrity-check', 1)", searches[i]);

    if (!ct_db_exec (self->replica->db, sql, NULL))
      return sim_world_fail (self->world, "%s: %s finds what is not there, or does not find what is",
                             self->name, searches[i]);
  }
  return TRUE;
}

/* With nothing between it and the server and nothing pending, a client has what the server shows its login: no row less,
 * none more, each column. */
gboolean
sim_check_converged (SimClient *self)
{
  CtSession *session = sim_client_session (self, NULL);
  g_autofree char *served =
      pg_text (session, "SELECT array_to_string(tables, ' ') FROM api.head(gen_random_uuid(), 0,"
                        " gen_random_uuid())");
  g_auto (GStrv) tables = g_strsplit (served, " ", -1);
  g_autoptr (GHashTable) rows = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);

  if (!check_file (self))
    return FALSE;
  for (guint i = 0; tables[i]; i++) {
    if (!g_strv_contains (ct_db_business_tables (self->replica->db, NULL), tables[i]))
      continue;
    if (!compare_table (self, session, tables[i]))
      return FALSE;
    read_rows (self, tables[i], rows);
  }
  if (!check_revisions (self, rows))
    return FALSE;
  g_clear_pointer (&self->seen, g_hash_table_unref);
  self->seen = g_steal_pointer (&rows);
  return TRUE;
}

/* ---- what the server made of the commands ---- */

/* The server's answers are the client's: none is missing, none says another thing. */
static gboolean
check_outcomes (SimClient *self)
{
  CtSession *session = sim_client_session (self, NULL);
  g_autoptr (GPtrArray) verdicts = NULL;
  CtId device;

  g_assert_true (ct_backlog_device (self->replica->db, &device, NULL));
  verdicts = ct_pull_verdicts (session, &device, 0, NULL, NULL);
  g_assert_nonnull (verdicts);
  for (guint i = 0; i < verdicts->len; i++) {
    const CtPulledVerdict *verdict = verdicts->pdata[i];
    const char *there = verdict->verdict->kind == CT_PUSH_APPLIED ? "applied" : "rejected";
    g_autofree char *here = ct_db_read_text (
        self->replica->db, NULL, "SELECT outcome FROM sync_outcomes WHERE seq = ?", "i", verdict->n);

    if (g_strcmp0 (here, there) != 0)
      return sim_world_fail (self->world, "%s: command %d is %s on the server and %s here", self->name,
                             (int) verdict->n, there, here ? here : "not settled");
  }
  return (gint64) verdicts->len == sim_client_number (self, "SELECT count(*) FROM sync_outcomes") ||
         fail (self, "an answer is here that the server never gave");
}

/* Whether the server took a command back: for this workspace, or for another continuation of the same one, a copy or what
 * was restored from a backup. The intent of an undo has the hash of what it names. */
static gboolean
is_undone (SimClient *self, const char *command)
{
  g_autofree char *sql = g_strdup_printf (
      "SELECT count(*) FROM audit.intents u JOIN sync.outcomes o USING (device, n)"
      " WHERE u.intent::jsonb ->> 'name' = 'command.undo' AND o.answer ->> 'outcome' = 'applied'"
      " AND decode(u.intent::jsonb ->> 'args_sha256', 'hex') = sha256('ct-intent-args-v1'::bytea || '\\x00'"
      " || uuid_send(u.command_id) || convert_to('{\"command\":\"%s\"}', 'UTF8'))",
      command);

  return sim_world_number (self->world, sql) > 0;
}

/* What a command made is there if one of its offers was applied and none was taken back, and only then. */
static gboolean
check_made (SimClient *self, const SimAccepted *one)
{
  g_autofree char *command = ct_id_to_string (&one->command), *made = ct_id_to_string (&one->made),
                  *sql = NULL;
  gint64 applied, there;
  gboolean undone = is_undone (self, command);

  sql = g_strdup_printf (
      "SELECT count(DISTINCT o.answer ->> 'leaf') FROM audit.intents i JOIN sync.outcomes o USING (device, n)"
      " WHERE i.command_id = '%s' AND o.answer ->> 'outcome' = 'applied'",
      command);
  applied = sim_world_number (self->world, sql);
  g_free (sql);
  sql = g_strdup_printf ("SELECT count(*) FROM app.\"%s\" WHERE id = '%s'", one->table, made);
  there = sim_world_number (self->world, sql);
  return there == (undone ? 0 : applied) ||
         sim_world_fail (self->world, "%s: command %s was applied %d times%s, of what it made %d is there",
                         self->name, command, (int) applied, undone ? " and taken back" : "", (int) there);
}

gboolean
sim_check_accepted (SimClient *self)
{
  if (!check_outcomes (self))
    return FALSE;
  for (guint i = 0; i < self->accepted->len; i++) {
    const SimAccepted *one = &g_array_index (self->accepted, SimAccepted, i);

    if (one->table && !check_made (self, one))
      return FALSE;
  }
  return TRUE;
}
