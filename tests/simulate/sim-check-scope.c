/* What a login may no longer see is nowhere on its workstation: not in a row, not in what would undo or repeat a command, not
 * in the tray, the search index, or a byte of a file. */
#include "sim-check.h"

#include <string.h>

/* People give texts that occur nowhere else: see sim_command(). */
#define SHORTEST 6
#define LONGEST  9

typedef struct {
  SimClient *client;
  GHashTable *there;   /* (owned) (element-type utf8): rows that the server has */
  GHashTable *here;    /* (owned) (element-type utf8): rows that this client sees */
  GHashTable *visible; /* (owned) (element-type utf8): texts in rows that it sees */
  GHashTable *outside; /* (owned) (element-type utf8): texts that stood in rows that it does not */
} Scope;

static GHashTable *
set_new (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
}

static void
scope_clear (Scope *self)
{
  g_hash_table_unref (self->there);
  g_hash_table_unref (self->here);
  g_hash_table_unref (self->visible);
  g_hash_table_unref (self->outside);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Scope, scope_clear)

/* Adds the unique texts of @text. */
static void
collect (const char *text, GHashTable *texts)
{
  for (const char *at = text; (at = strchr (at, 'v')); at++) {
    gsize length = 1;

    while (length < LONGEST && g_ascii_isxdigit (at[length]))
      length++;
    if (length >= SHORTEST)
      g_hash_table_add (texts, g_strndup (at, length));
  }
}

static void
read_there (Scope *self)
{
  g_autofree char *sql =
      pg_text (self->client->world->root,
               "SELECT string_agg(format('SELECT id FROM app.%I', name), ' UNION ALL ') FROM sync.tables");
  g_autoptr (GError) error = NULL;
  g_autoptr (CtAnswer) rows = ct_session_query (self->client->world->root, NULL, &error, sql, "");

  g_assert_no_error (error);
  for (int i = 0; i < ct_answer_rows (rows); i++)
    g_hash_table_add (self->there, g_strdup (ct_answer_text (rows, i, 0)));
}

static void
read_here (Scope *self, const char *table)
{
  g_autofree char *sql = g_strdup_printf ("SELECT * FROM %s", table);
  g_autoptr (CtStmt) row = ct_db_query (self->client->replica->db, NULL, sql, "");
  CtId id;

  while (ct_stmt_next (row))
    for (int i = 0; i < ct_stmt_n_columns (row); i++)
      if (ct_stmt_type (row, i) == 't')
        collect (ct_stmt_text (row, i), self->visible);
      else if (g_str_equal (ct_stmt_name (row, i), "id") && ct_stmt_id (row, i, &id))
        g_hash_table_add (self->here, ct_id_to_string (&id));
  g_assert_true (ct_stmt_finish (row, NULL));
}

static gboolean
is_outside (const Scope *self, const char *id)
{
  return g_hash_table_contains (self->there, id) && !g_hash_table_contains (self->here, id);
}

/* All that was ever written in the rows that are hidden, by anybody. */
static void
read_history (Scope *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CtAnswer) changes = ct_session_query (
      self->client->world->root, NULL, &error,
      "SELECT c ->> 'id', c ->> 'columns' FROM audit.disclosures d, jsonb_array_elements(d.value::jsonb) c"
      " WHERE d.field = 'changes'",
      "");

  g_assert_no_error (error);
  for (int i = 0; i < ct_answer_rows (changes); i++)
    if (is_outside (self, ct_answer_text (changes, i, 0)) && ct_answer_text (changes, i, 1))
      collect (ct_answer_text (changes, i, 1), self->outside);
}

/* What this person wrote in them and the server did not take. One that was restored does not tell a record that it lost from
 * one that it hides: as the first may come back, what was pending on it waits in the tray. */
static void
read_writes (Scope *self)
{
  if (g_hash_table_contains (self->client->world->counts, "restored servers"))
    return;
  for (guint i = 0; i < self->client->writes->len; i++) {
    const SimWrite *write = self->client->writes->pdata[i];
    g_autofree char *id = ct_id_to_string (&write->id);

    if (write->value && is_outside (self, id))
      collect (write->value, self->outside);
  }
}

static gboolean
check_bytes (Scope *self, const char *place, gconstpointer bytes, gsize length)
{
  GHashTableIter iter;
  gpointer text;

  g_hash_table_iter_init (&iter, self->outside);
  while (g_hash_table_iter_next (&iter, &text, NULL))
    if (length && memmem (bytes, length, text, strlen (text)))
      return sim_world_fail (self->client->world, "%s: %s stands in a record that may not be seen, and in %s",
                             self->client->name, (char *) text, place);
  return TRUE;
}

static gboolean
check_table (Scope *self, const char *table)
{
  g_autofree char *sql = g_strdup_printf ("SELECT * FROM \"%s\"", table);
  g_autoptr (CtStmt) row = ct_db_query (self->client->replica->db, NULL, sql, "");

  while (ct_stmt_next (row))
    for (int i = 0; i < ct_stmt_n_columns (row); i++) {
      g_autofree char *place = g_strdup_printf ("%s.%s", table, ct_stmt_name (row, i));
      gboolean blob = ct_stmt_type (row, i) == 'b';
      gsize length = 0;
      gconstpointer bytes = blob ? ct_stmt_blob (row, i, &length) : ct_stmt_text (row, i);

      if (!check_bytes (self, place, bytes, blob || !bytes ? length : strlen (bytes)))
        return FALSE;
    }
  return ct_stmt_finish (row, NULL);
}

static gboolean
check_tables (Scope *self)
{
  g_autoptr (CtStmt) tables =
      ct_db_query (self->client->replica->db, NULL,
                   "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type <> 'view'", "");

  while (ct_stmt_next (tables))
    if (!check_table (self, ct_stmt_text (tables, 0)))
      return FALSE;
  return ct_stmt_finish (tables, NULL);
}

static gboolean
check_files (Scope *self)
{
  const char *folder = self->client->replica->folder, *name;
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);

  while ((name = g_dir_read_name (dir))) {
    g_autofree char *path = g_build_filename (folder, name, NULL), *bytes = NULL;
    gsize length = 0;

    if (g_file_get_contents (path, &bytes, &length, NULL) && !check_bytes (self, name, bytes, length))
      return FALSE;
  }
  return TRUE;
}

/* After sim_check_converged(): the rows are those that the server shows. */
gboolean
sim_check_scope (SimClient *self)
{
  g_auto (Scope) scope = { self, set_new (), set_new (), set_new (), set_new () };
  GHashTableIter iter;
  gpointer text;

  read_there (&scope);
  for (const char *const *table = ct_db_business_tables (self->replica->db, NULL); *table; table++)
    read_here (&scope, *table);
  read_history (&scope);
  read_writes (&scope);
  g_hash_table_iter_init (&iter, scope.outside);
  while (g_hash_table_iter_next (&iter, &text, NULL))
    if (g_hash_table_contains (scope.visible, text))
      g_hash_table_iter_remove (&iter);
  sim_world_add (self->world, "texts kept from somebody", g_hash_table_size (scope.outside));
  return check_tables (&scope) && check_files (&scope);
}
