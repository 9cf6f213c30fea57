/* A workspace that has worked alone moves to a server that is still empty: see schema/central/021-upload.sql. All of it goes in
 * one transaction there while the write lock is held here: what breaks off leaves both sides as they were. Only the answer to the
 * last word can get lost; before it is said the workspace notes that, so that nothing is sent here until ct_upload_ask() knows. */
#include "ct-upload.h"
#include "ct-backlog.h"
#include "ct-digest.h"
#include "ct-rebase-rows.h"

/* What goes at a time, whichever is reached first. */
#define CHUNK_ROWS  500
#define CHUNK_BYTES (4 * 1024 * 1024)
/* More people than any server has. */
#define MOST_PEOPLE 100000

typedef struct {
  CtDb *db;
  CtSession *session;
  const char *server; /* its address */
  CtOpenUpload open;  /* what is noted before the end; its server is unowned */
  CtHash last_sha256;
  CtFirstLoadFunc told; /* (nullable) */
  gpointer data;
  GCancellable *cancellable; /* (nullable) */
  gint64 done, expected;     /* rows */
} Upload;

static const struct {
  const char *why, *text;
} refusals[] = {
  { "scope", N_ ("Only an administrator who sees every record (scope all) can upload a workspace: it would "
                 "lose the others") },
  { "used",
    N_ ("The server is not empty: a workspace can be uploaded only before anybody has worked there. "
        "Connect a new workspace (towerctl -w DIR init) and bring the records with towerctl import, or "
        "upload to a server with a database of its own (towerctl server init)") },
};

/* What may still go out here could go out twice. */
static gboolean
check_posts (CtDb *db, GError **error)
{
  gint64 waiting = 0;

  if (!ct_db_read_int (db, &waiting, error,
                       "SELECT count(*) FROM outbox WHERE state IN ('ready', 'leased', 'sending') "
                       "OR retract_asked_at IS NOT NULL",
                       ""))
    return FALSE;
  return waiting == 0 ||
         ct_fail (error, CT_ERROR_REFUSED,
                  g_dngettext (GETTEXT_PACKAGE,
                               "%d approved post has not gone out yet, or is to be taken back: do it "
                               "(towerctl deliver --once) or take its approval back before the "
                               "workspace is uploaded",
                               "%d approved posts have not gone out yet, or are to be taken back: do it "
                               "(towerctl deliver --once) or take their approval back before the "
                               "workspace is uploaded",
                               (gulong) waiting),
                  (int) waiting);
}

/* The last command of this workspace, and its hash: what it keeps to itself. */
static gboolean
read_last (CtDb *db, gint64 *seq, CtHash *sha256, GError **error)
{
  gboolean known = FALSE;

  return ct_db_read_int (db, seq, error, "SELECT coalesce(max(seq), 0) FROM intents", "") &&
         ct_backlog_hash (db, *seq, sha256, &known, error);
}

static gboolean
explain_no_begin (CtSession *session, GError *problem, GError **error)
{
  g_autoptr (GError) known = problem;

  if (g_str_equal (ct_session_last_state (session), "42501"))
    return ct_fail (error, CT_ERROR_REFUSED,
                    _ ("Only an administrator can upload a workspace: sign in to the server as one, or "
                       "connect a new workspace (towerctl -w DIR init)"));
  if (g_str_equal (ct_session_last_state (session), "55P03"))
    return ct_fail (error, CT_ERROR_BUSY,
                    _ ("The server is being worked with, or another workspace is uploaded to it; try again "
                       "later"));
  g_propagate_error (error, g_steal_pointer (&known));
  return FALSE;
}

/* @tables: (out) (transfer full): in the order in which the server wants them; NULL where it has all of this already */
static gboolean
begin (Upload *self, GStrv *tables, GError **error)
{
  GError *problem = NULL;
  g_autoptr (CtAnswer) answer = NULL;
  g_autofree char *hex = NULL;
  CtOpenUpload *open = &self->open;
  const char *why;

  if (!ct_backlog_device (self->db, &open->device, error) ||
      !read_last (self->db, &open->last, &self->last_sha256, error) ||
      !ct_session_run (self->session, self->cancellable, error, "BEGIN", ""))
    return FALSE;
  hex = ct_hash_to_hex (&self->last_sha256);
  answer =
      ct_session_read (self->session, self->cancellable, &problem,
                       "SELECT why, tables, history FROM api.upload_begin($1::text::uuid, $2::text::bigint, "
                       "decode($3, 'hex'))",
                       "kis", &open->device, open->last, hex);
  if (!answer)
    return explain_no_begin (self->session, problem, error);
  why = ct_answer_text (answer, 0, 0);
  for (guint i = 0; why && i < G_N_ELEMENTS (refusals); i++)
    if (g_str_equal (refusals[i].why, why))
      return ct_fail (error, CT_ERROR_REFUSED, "%s", _ (refusals[i].text));
  if (!why)
    *tables = g_strsplit (ct_answer_text (answer, 0, 1), " ", -1);
  return why || ct_answer_id (answer, 0, 2, &open->history) ||
         ct_fail (error, CT_ERROR_CORRUPT, "the server does not say which history it has");
}

static void
append_value (GString *json, CtStmt *row, int column)
{
  char digits[G_ASCII_DTOSTR_BUF_SIZE];
  const guint8 *bytes;
  gsize length;

  switch (ct_stmt_type (row, column)) {
  case 'i':
    g_string_append_printf (json, "%" G_GINT64_FORMAT, ct_stmt_int (row, column));
    break;
  case 'd':
    g_string_append (json, g_ascii_formatd (digits, sizeof digits, "%.17g", ct_stmt_double (row, column)));
    break;
  case 't':
    ct_json_append_string (json, ct_stmt_text (row, column), -1);
    break;
  case 'b':
    bytes = ct_stmt_blob (row, column, &length);
    g_string_append_c (json, '"');
    for (gsize i = 0; i < length; i++)
      g_string_append_printf (json, "%02x", bytes[i]);
    g_string_append_c (json, '"');
    break;
  default:
    g_string_append (json, "null");
  }
}

/* All of a row but its local number, which is returned. */
static gint64
append_row (GString *json, CtStmt *row)
{
  const char *comma = "";
  gint64 n = 0;

  g_string_append (json, json->len > 1 ? ",{" : "{");
  for (int i = 0; i < ct_stmt_n_columns (row); i++) {
    if (g_str_equal (ct_stmt_name (row, i), "n")) {
      n = ct_stmt_int (row, i);
      continue;
    }
    g_string_append_printf (json, "%s\"%s\":", comma, ct_stmt_name (row, i));
    append_value (json, row, i);
    comma = ",";
  }
  g_string_append_c (json, '}');
  return n;
}

/* The next rows of @table in the order in which they lie. @n: the last one that went; unchanged at the end. */
static gboolean
read_rows (Upload *self, const char *table, gint64 *n, GString *list, GError **error)
{
  g_autofree char *sql =
      g_strdup_printf ("SELECT * FROM \"%s\" WHERE n > ? ORDER BY n LIMIT %d", table, CHUNK_ROWS);
  g_autoptr (CtStmt) stmt = ct_db_query (self->db, error, sql, "i", *n);

  while (stmt && list->len < CHUNK_BYTES && ct_stmt_next (stmt)) {
    *n = append_row (list, stmt);
    self->done++;
  }
  return stmt && (list->len >= CHUNK_BYTES || ct_stmt_finish (stmt, error));
}

static gboolean
send_table (Upload *self, const char *table, GError **error)
{
  gint64 n = 0;

  for (;;) {
    g_autoptr (GString) list = g_string_new ("[");
    g_autoptr (CtAnswer) answer = NULL;

    if (!read_rows (self, table, &n, list, error))
      return FALSE;
    if (list->len == 1)
      return TRUE;
    g_string_append_c (list, ']');
    /* a lost answer loses nothing: without the end none of it stays */
    answer = ct_session_read (self->session, self->cancellable, error,
                              "SELECT api.upload_rows($1, $2::text::jsonb)", "ss", table, list->str);
    if (!answer) {
      g_prefix_error (error, "%s",
                      _ ("Nothing was uploaded, for the server did not take one of the records: "));
      return FALSE;
    }
    if (self->told)
      self->told (table, self->done, MAX (self->done, self->expected), self->data);
  }
}

/* (transfer full): of @tables those that are here, in their order */
static GStrv
tables_here (Upload *self, GStrv tables, GError **error)
{
  const char *const *here = ct_db_business_tables (self->db, error);
  g_autoptr (GStrvBuilder) both = g_strv_builder_new ();

  for (guint i = 0; here && tables[i]; i++) {
    g_autofree char *sql = g_strdup_printf ("SELECT count(*) FROM \"%s\"", tables[i]);
    gint64 rows = 0;

    if (!g_strv_contains (here, tables[i]))
      continue;
    if (!ct_db_read_int (self->db, &rows, error, sql, ""))
      return NULL;
    self->expected += rows;
    g_strv_builder_add (both, tables[i]);
  }
  return here ? g_strv_builder_end (both) : NULL;
}

/* Makes what was written of the note last, whatever becomes of the rest. */
static gboolean
keep (CtDb *db, GError **error)
{
  return ct_db_commit (db, error) && ct_db_begin (db, error);
}

/* The note has to outlive this program, and the lock is let go for it: what somebody did in that moment is not there. */
static gboolean
note_end (Upload *self, GError **error)
{
  gint64 last = 0;

  self->open.server = (char *) self->server;
  self->open.began_at = ct_time_now ();
  if (!ct_open_upload_write (self->db, &self->open, error) || !keep (self->db, error) ||
      !ct_db_read_int (self->db, &last, error, "SELECT coalesce(max(seq), 0) FROM intents", ""))
    return FALSE;
  return last == self->open.last ||
         ct_fail (error, CT_ERROR_BUSY,
                  _ ("Nothing was uploaded, for this workspace was changed meanwhile; try again"));
}

/* Whether the server has surely not taken it: it says so, and goes on. Who is no longer there may have committed. */
static gboolean
is_refused (Upload *self)
{
  return *ct_session_last_state (self->session) && ct_session_run (self->session, NULL, NULL, "ROLLBACK", "");
}

/* From here on nobody calls it off. */
static gboolean
end (Upload *self, GError **error)
{
  g_autoptr (GError) problem = NULL;

  if (!note_end (self, &problem)) {
    ct_session_run (self->session, NULL, NULL, "ROLLBACK", "");
  } else if (ct_session_script (self->session, "SELECT api.upload_end(); COMMIT", NULL, &problem)) {
    return TRUE;
  } else if (!is_refused (self)) {
    return ct_fail (error, CT_ERROR_UNKNOWN_FATE,
                    _ ("Whether all was uploaded is not known, so nothing is approved or sent here until "
                       "you connect again, which finds out: %s"),
                    problem->message);
  } else {
    g_prefix_error (&problem, "%s", _ ("Nothing was uploaded: "));
  }
  /* where this fails it is asked for in vain */
  if (ct_open_upload_forget (self->db, NULL))
    keep (self->db, NULL);
  g_propagate_error (error, g_steal_pointer (&problem));
  return FALSE;
}

static gboolean
send_all (Upload *self, GStrv wanted, GError **error)
{
  g_auto (GStrv) tables = tables_here (self, wanted, error);

  for (guint i = 0; tables && tables[i]; i++)
    if (!send_table (self, tables[i], error))
      return FALSE;
  if (!tables || g_cancellable_set_error_if_cancelled (self->cancellable, error))
    return FALSE;
  return end (self, error);
}

static gboolean
explain_no_word (CtSession *session, const char *server, GError *problem, GError **error)
{
  g_autoptr (GError) known = problem;

  if (g_str_equal (ct_session_last_state (session), "55P03"))
    return ct_fail (error, CT_ERROR_BUSY,
                    _ ("The upload to %s whose end is not known is still under way there; try again in a "
                       "minute"),
                    server);
  g_propagate_error (error, g_steal_pointer (&known));
  return FALSE;
}

/**
 * ct_upload_ask:
 * @open: an upload whose fate is open
 * @session: outside a transaction
 * @brought: (out): the server has what it brought; otherwise it never will
 *
 * Returns: %FALSE where this server cannot know, or does not say
 */
gboolean
ct_upload_ask (CtSession *session, const CtOpenUpload *open, gboolean *brought, GCancellable *cancellable,
               GError **error)
{
  GError *problem = NULL;
  g_autoptr (CtAnswer) answer = ct_session_read (
      session, cancellable, &problem, "SELECT history, brought::integer FROM api.uploaded($1::text::uuid)",
      "k", &open->device);
  CtId history;

  if (!answer)
    return explain_no_word (session, open->server, problem, error);
  *brought = ct_answer_int (answer, 0, 1) != 0;
  return *brought || (ct_answer_id (answer, 0, 0, &history) && ct_id_equal (&history, &open->history)) ||
         ct_fail (error, CT_ERROR_REFUSED,
                  _ ("An upload of this workspace to %s was broken off at its very end, and this is another "
                     "server, or one that was restored since: it does not know what became of it. Connect "
                     "to the server that it went to; where that is gone for good: towerctl upload give-up"),
                  open->server);
}

/**
 * ct_upload_check:
 * @db: of a standalone workspace
 * @session: outside a transaction
 *
 * Whether ct_upload_send() would begin; nothing is changed.
 *
 * Returns: %FALSE with the reason
 */
gboolean
ct_upload_check (CtDb *db, CtSession *session, GCancellable *cancellable, GError **error)
{
  Upload self = { .db = db, .session = session, .cancellable = cancellable };
  g_auto (GStrv) tables = NULL;
  gboolean welcome = check_posts (db, error) && begin (&self, &tables, error);

  return ct_session_run (session, NULL, welcome ? error : NULL, "ROLLBACK", "") && welcome;
}

/**
 * ct_upload_send:
 * @db: of a standalone workspace, in a transaction, so that nobody writes meanwhile; before the end it is committed and begun
 *   anew, with nothing in it but the note that the upload's fate is open
 * @session: signed in as an administrator, outside a transaction
 * @server: its address, for the note
 * @told: (nullable): how far it is
 *
 * Brings all records to the server, unless it has exactly these from an earlier call. The note stands until the caller removes it
 * with what it writes of the workspace's having moved.
 *
 * Returns: %FALSE with the server as it was, and no note (where the error is %CT_ERROR_UNKNOWN_FATE perhaps not, and it stands):
 *   %CT_ERROR_REFUSED where it is not empty, the login is no administrator's, or posts wait to be sent; @session can then only be
 *   closed
 */
gboolean
ct_upload_send (CtDb *db, CtSession *session, const char *server, CtFirstLoadFunc told, gpointer data,
                GCancellable *cancellable, GError **error)
{
  Upload self = {
    .db = db, .session = session, .server = server, .told = told, .data = data, .cancellable = cancellable
  };
  g_auto (GStrv) tables = NULL;

  if (!check_posts (db, error) || !begin (&self, &tables, error))
    return FALSE;
  return tables ? send_all (&self, tables, error) : ct_session_run (session, NULL, error, "ROLLBACK", "");
}

/**
 * ct_upload_is_there:
 * @db: as for ct_upload_send()
 * @there: (out): whether the server has all of this workspace from an earlier call, so that ct_upload_send() has nothing to bring
 */
gboolean
ct_upload_is_there (CtDb *db, CtSession *session, gboolean *there, GCancellable *cancellable, GError **error)
{
  Upload self = { .db = db, .session = session, .cancellable = cancellable };
  g_auto (GStrv) tables = NULL;
  gboolean known = begin (&self, &tables, error);

  *there = known && !tables;
  return ct_session_run (session, NULL, known ? error : NULL, "ROLLBACK", "") && known;
}

/* What the server has otherwise: people are its own, and who waits for an approval asks anew. */
static const struct {
  const char *table, *ours;
  gboolean theirs; /* all that it has come as well */
} settled[] = {
  { "delegations", "SELECT id FROM delegations", TRUE },
  { "absences", "SELECT id FROM absences", TRUE },
  { "person_roles", "SELECT id FROM person_roles", TRUE },
  { "people", "SELECT id FROM people", TRUE },
  { "approvals", "SELECT id FROM approvals WHERE state = 'pending'", FALSE },
};

static gboolean
ask_rows (CtDb *db, CtSession *session, guint i, CtPulled *pulled, GError **error)
{
  CtId first = { { 0 } }, id;
  g_autoptr (GHashTable) ids = settled[i].theirs ? ct_digest_ask_range (session, settled[i].table, &first,
                                                                        NULL, MOST_PEOPLE, NULL, error)
                                                 : ct_digest_revs_new ();
  g_autoptr (CtStmt) stmt = ids ? ct_db_query (db, error, settled[i].ours, "") : NULL;
  g_autoptr (GPtrArray) list = g_ptr_array_new ();
  GHashTableIter each;
  gpointer key;

  while (stmt && ct_stmt_next (stmt))
    if (ct_stmt_id (stmt, 0, &id))
      g_hash_table_insert (ids, g_memdup2 (&id, sizeof id), NULL);
  if (!stmt || !ct_stmt_finish (stmt, error))
    return FALSE;
  for (g_hash_table_iter_init (&each, ids); g_hash_table_iter_next (&each, &key, NULL);)
    g_ptr_array_add (list, key);
  return ct_pull_rows (session, pulled, settled[i].table, list, NULL, error);
}

/* At one moment of the server. */
static gboolean
ask (CtDb *db, CtSession *session, CtPulled **head, CtPulled *pulled, GError **error)
{
  const char *const *tables = ct_db_business_tables (db, error);
  g_autoptr (GStrvBuilder) names = g_strv_builder_new ();
  CtCursor nothing = { 0 };

  if (!tables || !ct_session_begin_read (session, NULL, error))
    return FALSE;
  *head = ct_pull_head (session, tables, &nothing, NULL, NULL, error);
  if (!*head)
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (settled); i++) {
    g_strv_builder_add (names, settled[i].table);
    if (!ask_rows (db, session, i, pulled, error))
      return FALSE;
  }
  pulled->tables = g_strv_builder_end (names);
  return ct_session_end (session, TRUE, NULL, error);
}

/**
 * ct_upload_settle:
 * @db: as for ct_upload_send(), after ct_backlog_begin()
 *
 * The replica stands where the server does: what the server has otherwise comes, and the next self-check, which is due,
 * looks at the rest.
 */
gboolean
ct_upload_settle (CtDb *db, CtSession *session, GError **error)
{
  g_autoptr (CtPulled) pulled = g_new0 (CtPulled, 1);
  g_autoptr (CtPulled) head = NULL;
  CtRebaseReport report = { 0 };

  return ask (db, session, &head, pulled, error) && ct_rebase_rows_write (db, pulled, NULL, &report, error) &&
         ct_db_run (db, error, "DELETE FROM workspace WHERE key IN ('sync_check', 'sync_checked_at')", "") &&
         ct_db_run (db, error,
                    "UPDATE sync_state SET epoch = ?, number = ?, nonce = ?, scopes = ? WHERE one = 1",
                    "kiks", &head->cursor.epoch, head->cursor.number, &head->cursor.nonce, head->scopes);
}
