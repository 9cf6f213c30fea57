/* Whether the replica still has what the server says it should: for each range of ids both sides count the rows and hash
 * their keys and versions. Rows that pending commands wrote, or that the next pull will bring, are left out on both sides;
 * where a range differs its keys are compared one by one, and the rows concerned are brought anew. */
#include "ct-self-check.h"
#include "ct-digest.h"

#include <string.h>

/* Rows of the replica in a range; how many keys and rows are brought at a time, the rest is the next check's. */
#define RANGE_ROWS 10000
#define MOST_KEYS  50000
#define MOST_ROWS  20000

#define CHECK_EVERY_MS CT_MS_DAY

typedef struct {
  CtDb *db;
  CtSession *session;
  GCancellable *cancellable;
  CtSelfCheckReport *report;
  CtBacklogState state;
  gint64 newest;       /* command: the replica is as it was while this and the cursor are */
  CtPulled *head;      /* (owned) */
  GHashTable *changed; /* (owned) (element-type utf8 GHashTable): rows that the next pull brings, by table */
  GHashTable *touched; /* (owned) (element-type CtId): rows that pending commands wrote */
  CtPulled *anew;      /* (owned): rows that are not what they should be */
} Check;

/* One table, cut into ranges. */
typedef struct {
  const char *name;
  GHashTable *left_out; /* (owned) (element-type CtId) */
  GArray *bounds;       /* (owned) (element-type CtId) */
  GArray *here, *there; /* (owned) (element-type CtDigest) */
} Table;

static void
table_clear (Table *self)
{
  g_clear_pointer (&self->left_out, g_hash_table_unref);
  g_clear_pointer (&self->bounds, g_array_unref);
  g_clear_pointer (&self->here, g_array_unref);
  g_clear_pointer (&self->there, g_array_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Table, table_clear)

static void
check_clear (Check *self)
{
  ct_backlog_state_clear (&self->state);
  g_clear_pointer (&self->head, ct_pulled_free);
  g_clear_pointer (&self->changed, g_hash_table_unref);
  g_clear_pointer (&self->touched, g_hash_table_unref);
  g_clear_pointer (&self->anew, ct_pulled_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Check, check_clear)

static gboolean
read_newest (CtDb *db, gint64 *newest, GError **error)
{
  return ct_db_read_int (db, newest, error, "SELECT coalesce(max(seq), 0) FROM intents", "");
}

static gboolean
read_state (Check *self, GError **error)
{
  g_autoptr (CtStmt) stmt = NULL;
  CtId id;

  if (!ct_backlog_read (self->db, &self->state, error) || !read_newest (self->db, &self->newest, error))
    return FALSE;
  stmt = ct_db_query (self->db, error, "SELECT DISTINCT id FROM sync_touches WHERE kind <> 'r'", "");
  while (stmt && ct_stmt_next (stmt))
    if (ct_stmt_id (stmt, 0, &id))
      g_hash_table_insert (self->touched, g_memdup2 (&id, sizeof id), NULL);
  return stmt && ct_stmt_finish (stmt, error);
}

/* Between two looks at the replica others may have pulled, or given commands. */
static gboolean
still_the_same (Check *self, GError **error)
{
  g_auto (CtBacklogState) state = { 0 };
  gint64 newest = 0;

  if (!ct_backlog_read (self->db, &state, error) || !read_newest (self->db, &newest, error))
    return FALSE;
  return (newest == self->newest && memcmp (&state.cursor, &self->state.cursor, sizeof state.cursor) == 0) ||
         ct_fail (error, CT_ERROR_BUSY, _ ("The workspace was changed while it was compared; try again"));
}

static gboolean
ask_head (Check *self, GError **error)
{
  const char *const *tables = ct_db_business_tables (self->db, error);

  if (!tables)
    return FALSE;
  self->head =
      ct_pull_head (self->session, tables, &self->state.cursor, self->state.scopes, self->cancellable, error);
  if (!self->head)
    return FALSE;
  if (self->head->whole || !ct_pull_same_scopes (self->head->scopes, self->state.scopes))
    return ct_fail (error, CT_ERROR_BUSY,
                    _ ("What you may see has changed; it is compared after the next pull"));
  return ct_digest_ask_changed (self->session, self->head, self->state.cursor.number, self->state.scopes,
                                self->changed, self->cancellable, error);
}

static void
add_left_out (Table *self, GHashTable *ids)
{
  GHashTableIter each;
  gpointer id;

  if (!ids)
    return;
  for (g_hash_table_iter_init (&each, ids); g_hash_table_iter_next (&each, &id, NULL);)
    g_hash_table_insert (self->left_out, g_memdup2 (id, sizeof (CtId)), NULL);
}

/* The range that an id lies in. */
static guint
range_of (Table *self, const CtId *id)
{
  guint low = 0, high = self->bounds->len;

  while (high - low > 1) {
    guint middle = (low + high) / 2;

    if (memcmp (id, &g_array_index (self->bounds, CtId, middle), sizeof *id) < 0)
      high = middle;
    else
      low = middle;
  }
  return low;
}

/* Every so manieth id of the replica; the first range begins before all of them. */
static gboolean
cut (CtDb *db, Table *self, GError **error)
{
  g_autofree char *sql = g_strdup_printf (
      "SELECT id FROM (SELECT id, row_number() OVER (ORDER BY id) AS r FROM \"%s\") WHERE r %% %d = 0",
      self->name, RANGE_ROWS);
  g_autoptr (CtStmt) stmt = ct_db_query (db, error, sql, "");
  CtId id = { { 0 } };

  g_array_append_val (self->bounds, id);
  while (stmt && ct_stmt_next (stmt))
    if (ct_stmt_id (stmt, 0, &id))
      g_array_append_val (self->bounds, id);
  g_array_set_size (self->here, self->bounds->len);
  return stmt && ct_stmt_finish (stmt, error);
}

static gboolean
sum_up (Check *check, Table *self, GError **error)
{
  g_autofree char *sql = g_strdup_printf ("SELECT id, rev FROM \"%s\"", self->name);
  g_autoptr (CtStmt) stmt = NULL;
  CtId id;

  if (!cut (check->db, self, error))
    return FALSE;
  stmt = ct_db_query (check->db, error, sql, "");
  while (stmt && ct_stmt_next (stmt))
    if (ct_stmt_id (stmt, 0, &id) && !g_hash_table_contains (self->left_out, &id)) {
      ct_digest_add (&g_array_index (self->here, CtDigest, range_of (self, &id)), &id, ct_stmt_int (stmt, 1),
                     1);
      check->report->rows++;
    }
  return stmt && ct_stmt_finish (stmt, error);
}

static gboolean
sum_up_at_one_moment (Check *check, Table *self, GError **error)
{
  gboolean done;

  if (!ct_db_begin_read (check->db, error))
    return FALSE;
  done = still_the_same (check, error) && sum_up (check, self, error);
  ct_db_rollback (check->db);
  return done;
}

/* What the server has, less what is left out. */
static gboolean
ask_sums (Check *check, Table *self, GError **error)
{
  g_autoptr (GHashTable) revs = NULL;
  GHashTableIter each;
  gpointer id, rev;

  if (!ct_digest_ask (check->session, self->name, self->bounds, self->there, check->cancellable, error))
    return FALSE;
  if (g_hash_table_size (self->left_out) == 0)
    return TRUE;
  revs = ct_digest_ask_revs (check->session, self->name, self->left_out, check->cancellable, error);
  if (!revs)
    return FALSE;
  for (g_hash_table_iter_init (&each, revs); g_hash_table_iter_next (&each, &id, &rev);)
    ct_digest_add (&g_array_index (self->there, CtDigest, range_of (self, id)), id, *(gint64 *) rev, -1);
  return TRUE;
}

static guint
n_anew (Check *self)
{
  return self->anew->rows ? self->anew->rows->len : 0;
}

static void
want_anew (GPtrArray *ids, const CtId *id)
{
  g_ptr_array_add (ids, g_memdup2 (id, sizeof *id));
}

/* Takes out of @theirs what is here as well; what is only here, or of another version, goes to @ids. */
static gboolean
compare_keys (Check *check, Table *self, const CtId *from, const CtId *until, GHashTable *theirs,
              GPtrArray *ids, GError **error)
{
  g_autofree char *sql =
      g_strdup_printf ("SELECT id, rev FROM \"%s\" WHERE id >= ?1 AND (?2 IS NULL OR id < ?2)", self->name);
  g_autoptr (CtStmt) stmt = ct_db_query (check->db, error, sql, "kk", from, until);
  CtId id;

  while (stmt && ct_stmt_next (stmt)) {
    gint64 *rev;

    if (!ct_stmt_id (stmt, 0, &id) || g_hash_table_contains (self->left_out, &id))
      continue;
    rev = g_hash_table_lookup (theirs, &id);
    if (!rev || *rev != ct_stmt_int (stmt, 1))
      want_anew (ids, &id);
    g_hash_table_remove (theirs, &id);
  }
  return stmt && ct_stmt_finish (stmt, error);
}

static const CtId *
last_of (GHashTable *ids)
{
  const CtId *last = NULL;
  GHashTableIter each;
  gpointer id;

  for (g_hash_table_iter_init (&each, ids); g_hash_table_iter_next (&each, &id, NULL);)
    if (!last || memcmp (id, last, sizeof *last) > 0)
      last = id;
  return last;
}

/* Which rows of a range differ. Where the server has more than can be looked at at once the rest is the next check's. */
static gboolean
find_in_range (Check *check, Table *self, guint range, GPtrArray *ids, GError **error)
{
  const CtId *from = &g_array_index (self->bounds, CtId, range);
  const CtId *until = range + 1 < self->bounds->len ? from + 1 : NULL;
  g_autoptr (GHashTable) theirs =
      ct_digest_ask_range (check->session, self->name, from, until, MOST_KEYS, check->cancellable, error);
  g_autofree CtId *last = NULL;
  GHashTableIter each;
  gpointer id;

  if (!theirs)
    return FALSE;
  if (g_hash_table_size (theirs) == MOST_KEYS)
    until = last = g_memdup2 (last_of (theirs), sizeof *last);
  if (last)
    g_hash_table_remove (theirs, last);
  if (!compare_keys (check, self, from, until, theirs, ids, error))
    return FALSE;
  for (g_hash_table_iter_init (&each, theirs); g_hash_table_iter_next (&each, &id, NULL);)
    if (!g_hash_table_contains (self->left_out, id))
      want_anew (ids, id);
  return TRUE;
}

static gboolean
check_table (Check *check, const char *name, GError **error)
{
  g_autoptr (GPtrArray) ids = g_ptr_array_new_with_free_func (g_free);
  g_auto (Table) self = { .name = name, .left_out = ct_digest_revs_new () };

  self.bounds = g_array_new (FALSE, TRUE, sizeof (CtId));
  self.here = g_array_new (FALSE, TRUE, sizeof (CtDigest));
  self.there = g_array_new (FALSE, TRUE, sizeof (CtDigest));
  add_left_out (&self, g_hash_table_lookup (check->changed, name));
  add_left_out (&self, check->touched);
  if (!sum_up_at_one_moment (check, &self, error) || !ask_sums (check, &self, error))
    return FALSE;
  check->report->tables++;
  for (guint i = 0; i < self.bounds->len; i++) {
    const CtDigest *here = &g_array_index (self.here, CtDigest, i),
                   *there = &g_array_index (self.there, CtDigest, i);

    if ((here->rows != there->rows || here->hash != there->hash) &&
        !find_in_range (check, &self, i, ids, error))
      return FALSE;
  }
  check->report->different += ids->len;
  if (n_anew (check) + ids->len > MOST_ROWS)
    g_ptr_array_set_size (ids, (int) (MOST_ROWS - n_anew (check)));
  return ids->len == 0 || ct_pull_rows (check->session, check->anew, name, ids, check->cancellable, error);
}

/* At one moment of the server. */
static gboolean
compare (Check *self, GError **error)
{
  if (!ask_head (self, error))
    return FALSE;
  for (guint i = 0; self->head->tables[i]; i++)
    if (!check_table (self, self->head->tables[i], error))
      return FALSE;
  return TRUE;
}

static gboolean
compare_and_end (Check *self, GError **error)
{
  gboolean done;

  if (!ct_session_begin_read (self->session, self->cancellable, error))
    return FALSE;
  done = compare (self, error);
  return ct_session_end (self->session, done, self->cancellable, done ? error : NULL) && done;
}

/* The rows are written as a pull's are: pending commands make way and come back. */
static gboolean
mend (Check *self, CtCommander *commander, gint64 now, GError **error)
{
  CtRebaseReport done = { 0 };

  if (n_anew (self) == 0)
    return TRUE;
  self->anew->base = self->anew->cursor = self->state.cursor;
  self->anew->scopes = g_strdup (self->state.scopes);
  self->anew->tables = g_strdupv (self->head->tables);
  self->anew->standing = -1;
  self->anew->verdicts = g_ptr_array_new ();
  if (!ct_rebase_apply (self->db, commander, self->anew, now, 0, &done, error))
    return FALSE;
  self->report->mended = n_anew (self);
  g_message ("self-check: %u rows were not what the server has; %u were brought anew",
             self->report->different, self->report->mended);
  return TRUE;
}

/* For everybody who asks how the workspace stands. */
static gboolean
note (Check *self, gint64 now, GError **error)
{
  g_autofree char *at = ct_time_format (now);
  g_autoptr (JsonObject) object =
      ct_json_build ("siiii", "at", at, "rows", self->report->rows, "tables", (gint64) self->report->tables,
                     "different", (gint64) self->report->different, "mended", (gint64) self->report->mended);
  g_autofree char *text = ct_json_canonical_object (object, error),
                  *number = g_strdup_printf ("%" G_GINT64_FORMAT, now);

  return text && ct_db_run (self->db, error,
                            "INSERT INTO workspace VALUES('sync_check', ?1), ('sync_checked_at', ?2)"
                            " ON CONFLICT DO UPDATE SET value = excluded.value",
                            "ss", text, number);
}

/* Whether the last check was a day ago, or there was none since the rows came. */
gboolean
ct_self_check_is_due (CtDb *db, gint64 now, gboolean *due, GError **error)
{
  gint64 at = 0;

  if (!ct_db_read_int (db, &at, error,
                       "SELECT coalesce((SELECT CAST(value AS INTEGER) FROM workspace WHERE key = "
                       "'sync_checked_at'), 0)",
                       ""))
    return FALSE;
  *due = now - at >= CHECK_EVERY_MS;
  return TRUE;
}

/**
 * ct_self_check:
 * @db: a writable connection outside a transaction, of a workspace that has pulled
 * @report: (out): what was found
 *
 * Compares the replica with the server, and mends it where it differs. Pending commands stay what they are.
 *
 * Returns: %FALSE with %CT_ERROR_BUSY where the workspace was changed meanwhile: try again later
 */
gboolean
ct_self_check (CtDb *db, CtCommander *commander, CtSession *session, gint64 now, GCancellable *cancellable,
               CtSelfCheckReport *report, GError **error)
{
  g_auto (Check) self = { .db = db, .session = session, .cancellable = cancellable, .report = report };

  memset (report, 0, sizeof *report);
  self.touched = ct_digest_revs_new ();
  self.changed = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_hash_table_unref);
  self.anew = g_new0 (CtPulled, 1);
  return read_state (&self, error) && compare_and_end (&self, error) && mend (&self, commander, now, error) &&
         note (&self, now, error);
}
