/* Follows the server's audit log: pulls its leaves up to the newest signed head, and believes nothing that does not continue
 * what was seen before. Network waits happen outside of transactions. */
#include "ct-log-sync.h"
#include "ct-purge.h"

#include <string.h>

/* One following on its way. */
typedef struct {
  CtDb *db;
  CtSession *session;
  const CtLogSyncOptions *options;
  gint64 now;
  GCancellable *cancellable;
  CtLogSyncReport *report;
  CtBacklogState state; /* (owned): where the rows stood when it began */
  CtLogHead head;       /* (owned) */
  CtVerifier *verifier; /* (owned) (nullable): of the pinned key; none yet */
  gboolean sequences;   /* we have that key */
  gboolean same_scopes; /* what we may see of the leaves is what it was */
} Following;

static void
following_clear (Following *self)
{
  ct_backlog_state_clear (&self->state);
  ct_log_head_clear (&self->head);
  g_clear_pointer (&self->verifier, ct_verifier_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Following, following_clear)

typedef gboolean (*Step) (Following *self, gpointer data, GError **error);

/* All of a step or nothing of it. */
static gboolean
within (Following *self, Step step, gpointer data, GError **error)
{
  if (!ct_db_begin (self->db, error))
    return FALSE;
  if (step (self, data, error))
    return ct_db_commit (self->db, error);
  ct_db_rollback (self->db);
  return FALSE;
}

static char *
read_origin (Following *self, GError **error)
{
  return ct_db_read_text (self->db, error, "SELECT value FROM workspace WHERE key = 'log_origin'", "");
}

static char *
read_pinned (Following *self)
{
  g_autoptr (GError) none = NULL;

  return ct_db_read_text (self->db, &none, "SELECT value FROM workspace WHERE key = 'log_vkey'", "");
}

/* How a log got another origin: of those that the pinned key signed the one that begins, or ends, with @origin. */
static gboolean
find_continuation (const GStrv notes, const CtVerifier *verifier, const char *origin, gboolean onward,
                   CtLogContinuation *found, GError **error)
{
  g_autoptr (GError) cause = NULL;

  for (char **note = notes; *note; note++) {
    g_auto (CtLogContinuation) read = { 0 };

    g_clear_error (&cause);
    if (ct_log_continuation_open (*note, verifier, &read, &cause) &&
        g_str_equal (onward ? read.former : read.start.origin, origin)) {
      *found = read;
      memset (&read, 0, sizeof read);
      return TRUE;
    }
  }
  return ct_fail (error, CT_ERROR_CORRUPT, _ ("That the server's log “%s” goes on is not proved: %s"), origin,
                  cause ? cause->message : _ ("it does not say how"));
}

static gboolean
continue_cb (Following *self, gpointer data, GError **error)
{
  return ct_log_continuation_take (self->db, data, error);
}

/* The next origin: from the present one, or, where a later restore brought an older backup, from one that we had before. */
static gboolean
find_next (Following *self, const GStrv notes, const CtVerifier *verifier, CtLogContinuation *next,
           GError **error)
{
  g_autofree char *text = ct_log_origins (self->db, error);
  g_auto (GStrv) origins = text ? g_strsplit (text, "\n", -1) : NULL;

  for (char **origin = origins; origin && *origin; origin++) {
    g_clear_error (error);
    if (find_continuation (notes, verifier, *origin, TRUE, next, error))
      return ct_log_continuation_is_new (next, text) ||
             ct_fail (error, CT_ERROR_CORRUPT,
                      _ ("The server's log is said to go on as “%s”, which is older than “%s”"),
                      next->start.origin, *origins);
  }
  return FALSE;
}

/* After a restore the log may go on under another origin, and again: where the pinned key says so, as far as it went. */
static gboolean
reach_origin (Following *self, GError **error)
{
  g_autofree char *pinned = read_pinned (self), *origin = read_origin (self, error);
  g_autoptr (CtVerifier) verifier = NULL;
  g_auto (GStrv) notes = NULL;

  if (!origin || g_str_equal (origin, self->head.origin))
    return origin != NULL;
  verifier = pinned ? ct_verifier_parse (pinned, error) : NULL;
  notes = verifier ? ct_log_feed_continuations (self->session, self->cancellable, error) : NULL;
  if (pinned && !notes)
    return FALSE;
  if (!notes || !*notes)
    return ct_fail (error, CT_ERROR_CORRUPT, _ ("The server's log is another one: “%s” instead of “%s”"),
                    self->head.origin, origin);
  for (guint steps = g_strv_length (notes); steps > 0 && !g_str_equal (origin, self->head.origin); steps--) {
    g_auto (CtLogContinuation) next = { 0 };

    if (!find_next (self, notes, verifier, &next, error) ||
        (self->options->keep_lost && !self->options->keep_lost (self->options->data, error)) ||
        !within (self, continue_cb, &next, error))
      return FALSE;
    g_free (origin);
    origin = g_strdup (next.start.origin);
  }
  return g_str_equal (origin, self->head.origin) ||
         ct_fail (error, CT_ERROR_CORRUPT, _ ("The server's log is another one: “%s” instead of “%s”"),
                  self->head.origin, origin);
}

/* Who comes to a log that has gone on learns what it was called before. */
static gboolean
note_former (Following *self, const char *vkey, const GStrv notes, GError **error)
{
  g_autofree char *origin = g_strdup (self->head.origin);
  g_autoptr (CtVerifier) verifier = vkey && *notes ? ct_verifier_parse (vkey, error) : NULL;

  if (vkey && *notes && !verifier)
    return FALSE;
  for (guint steps = verifier ? g_strv_length (notes) : 0; steps > 0; steps--) {
    g_auto (CtLogContinuation) before = { 0 };

    if (!find_continuation (notes, verifier, origin, FALSE, &before, NULL))
      break;
    if (!ct_log_continuation_note (self->db, before.former, error))
      return FALSE;
    g_free (origin);
    origin = g_strdup (before.former);
  }
  return TRUE;
}

static gboolean
begin_cb (Following *self, gpointer notes, GError **error)
{
  g_autoptr (GError) none = NULL;
  g_autofree char *expected =
      ct_db_read_text (self->db, &none, "SELECT value FROM workspace WHERE key = 'log_vkey_expected'", "");
  const char *vkey = expected ? expected : self->head.vkey;

  return ct_log_copy_begin (self->db, self->head.origin, vkey, error) &&
         note_former (self, vkey, notes, error) &&
         ct_db_run (self->db, error,
                    "INSERT INTO sync_log(one, epoch, seen, upto, scopes, whole, tables) VALUES(1, ?, -1, 0, "
                    "?, 0, '')",
                    "ks", &self->state.cursor.epoch, self->state.scopes);
}

/* The workspace's own log makes way, once. */
static gboolean
begin (Following *self, GError **error)
{
  g_auto (GStrv) notes = NULL;
  gint64 begun = 0;

  if (!ct_db_read_int (self->db, &begun, error, "SELECT EXISTS (SELECT 1 FROM sync_log)", "") || begun)
    return begun;
  notes = ct_log_feed_continuations (self->session, self->cancellable, error);
  return notes && (!self->options->keep_former || self->options->keep_former (self->options->data, error)) &&
         within (self, begin_cb, notes, error);
}

/* The key is pinned when it is first named; whoever names another one later speaks of another log. */
static gboolean
check_key (Following *self, GError **error)
{
  g_autoptr (GError) cause = NULL;
  g_autofree char *pinned = NULL;

  if (!reach_origin (self, error))
    return FALSE;
  pinned = read_pinned (self);
  if (!pinned && !self->head.vkey)
    return TRUE;
  if (pinned && g_strcmp0 (pinned, self->head.vkey) != 0)
    return ct_fail (error, CT_ERROR_CORRUPT,
                    _ ("The server names another key for its log than the one that is pinned here (%s)"),
                    pinned);
  self->verifier = ct_verifier_parse (self->head.vkey, &cause);
  if (!self->verifier)
    return ct_fail (error, CT_ERROR_CORRUPT, _ ("The key that the server names for its log: %s"),
                    cause->message);
  return pinned ||
         ct_db_run (self->db, error, "INSERT INTO workspace VALUES('log_vkey', ?)", "s", self->head.vkey);
}

/* Who sees all, and who saw it before and lost no scope, has nothing kept from them: it was taken away. */
static gboolean
check_seen (Following *self, const CtFedLeaf *fed, GError **error)
{
  gint64 seen = self->head.whole;
  gsize length = 0;
  gconstpointer entries = fed->entries ? g_bytes_get_data (fed->entries, &length) : NULL;

  if (fed->leaf && fed->texts && !(seen && ct_row_entries_hide (entries, length)))
    return TRUE;
  if (!seen && self->same_scopes &&
      !ct_db_read_int (self->db, &seen, error,
                       "SELECT EXISTS (SELECT 1 FROM audit_logs WHERE n = ?1 AND (?2 OR NOT EXISTS"
                       " (SELECT 1 FROM audit_withheld w WHERE w.n = ?1)))",
                       "ii", fed->place, (gint64) (fed->leaf == NULL)))
    return FALSE;
  return !seen ||
         ct_fail (error, CT_ERROR_CORRUPT,
                  _ ("Leaf %d of the server's log: what it says was taken away, only its hash is left"),
                  (int) fed->place);
}

static gboolean
take_one (Following *self, const CtFedLeaf *fed, GError **error)
{
  g_autofree CtSaltedText *texts = g_new0 (CtSaltedText, fed->texts ? MAX (fed->texts->len, 1) : 1);
  CtShownLeaf shown = { .n = fed->place,
                        .hash = fed->sha256,
                        .leaf = fed->leaf,
                        .told = fed->texts != NULL,
                        .texts = texts,
                        .n_texts = fed->texts ? fed->texts->len : 0 };

  if (fed->salt)
    shown.salt = g_bytes_get_data (fed->salt, &shown.salt_length);
  if (fed->entries)
    shown.entries = g_bytes_get_data (fed->entries, &shown.entries_length);
  for (guint i = 0; i < shown.n_texts; i++) {
    const CtFedText *text = fed->texts->pdata[i];

    texts[i].field = text->field;
    texts[i].value = text->value;
    texts[i].salt = g_bytes_get_data (text->salt, &texts[i].salt_length);
  }
  return check_seen (self, fed, error) && ct_log_copy_take (self->db, &shown, error);
}

typedef struct {
  gint64 at;
  GPtrArray *leaves;
} Page;

static gboolean
take_page_cb (Following *self, gpointer data, GError **error)
{
  Page *page = data;

  for (guint i = 0; i < page->leaves->len; i++, page->at++) {
    const CtFedLeaf *fed = page->leaves->pdata[i];

    if (fed->place != page->at)
      return ct_fail (error, CT_ERROR_CORRUPT, _ ("Leaf %d of the server's log is missing: it was deleted"),
                      (int) page->at);
    if (!take_one (self, fed, error))
      return FALSE;
  }
  return TRUE;
}

/* Reads the leaves in [@first, @upto), which must all be there. */
static gboolean
read_leaves (Following *self, gint64 first, gint64 upto, GError **error)
{
  Page page = { first, NULL };

  while (page.at < upto) {
    g_autoptr (GPtrArray) leaves =
        ct_log_feed_leaves (self->session, page.at, upto, self->cancellable, error);

    page.leaves = leaves;
    if (!leaves)
      return FALSE;
    if (leaves->len == 0)
      return ct_fail (error, CT_ERROR_CORRUPT, _ ("Leaf %d of the server's log is missing: it was deleted"),
                      (int) page.at);
    if (!within (self, take_page_cb, &page, error))
      return FALSE;
    self->report->read += leaves->len;
  }
  return TRUE;
}

static gboolean
note_scopes_cb (Following *self, gpointer data, GError **error)
{
  return ct_db_run (self->db, error, "UPDATE sync_log SET scopes = ?", "s", self->state.scopes) &&
         ct_purge_order (self->db, error);
}

/* What may be seen of the leaves has changed, or somebody wants to be sure: reads again those that we have. Of what they no
 * longer disclose the bytes go as well, which the purge of the rows, before this, could not do. */
static gboolean
read_again (Following *self, guint64 n_leaves, GError **error)
{
  g_autofree char *scopes = ct_db_read_text (self->db, error, "SELECT scopes FROM sync_log", "");
  guint copies = 0;

  if (!scopes)
    return FALSE;
  self->same_scopes = ct_pull_same_scopes (scopes, self->state.scopes);
  if (!self->options->again && self->same_scopes)
    return TRUE;
  return ct_db_exec (self->db, "PRAGMA secure_delete = ON", error) &&
         read_leaves (self, 0, (gint64) n_leaves, error) &&
         (self->same_scopes ||
          (within (self, note_scopes_cb, NULL, error) && ct_purge_finish (self->db, &copies, error)));
}

static gboolean
extend_cb (Following *self, gpointer data, GError **error)
{
  return ct_log_copy_extend (self->db, self->verifier, self->head.note, self->now, error);
}

static gboolean
drop_cb (Following *self, gpointer data, GError **error)
{
  return ct_log_copy_drop_unsigned (self->db, error);
}

/* Whether a checkpoint is of the log as it was called before: how it went on from that is signed, and may have taken it back. */
static gboolean
is_superseded (Following *self, const char *note, const char *origins)
{
  g_auto (CtCheckpoint) checkpoint = { 0 };
  const char *former = strchr (origins, '\n');
  CtLeafText origin;

  if (!former || !ct_checkpoint_open (note, -1, self->verifier, &checkpoint, NULL))
    return FALSE;
  origin = (CtLeafText){ checkpoint.origin, strlen (checkpoint.origin) };
  return ct_log_origins_have (former + 1, &origin);
}

/* The checkpoints that were last seen, which are kept outside of the replica, must be a part of the log. */
static gboolean
check_recalled (Following *self, GError **error)
{
  g_auto (GStrv) notes = self->options->recall ? self->options->recall (self->options->data) : NULL;
  g_autofree char *origins = notes ? ct_log_origins (self->db, error) : NULL;

  if (notes && !origins)
    return FALSE;
  for (char **note = notes; note && *note; note++)
    if (!is_superseded (self, *note, origins) &&
        !ct_log_check_remembered (self->db, self->verifier, *note, error))
      return FALSE;
  return TRUE;
}

static gboolean
remember (Following *self, const char *note, GError **error)
{
  return !self->options->remember || self->options->remember (note, self->options->data, error);
}

/* FALSE: @lost (taken) says which signed leaves are gone; what helps where that was a restore. */
static gboolean
rolled_back (char *lost, GError **error)
{
  ct_fail (
      error, CT_ERROR_CORRUPT,
      _ ("%s. Where the server was restored from a backup, an administrator lets the log go on with "
         "“towerctl server continue-log” where its key is; where it was not, somebody has changed the log"),
      lost);
  g_free (lost);
  return FALSE;
}

/* The newest head that the server shows, and the leaves up to it. */
static gboolean
accept_head (Following *self, guint64 n_leaves, guint64 n_signed, GError **error)
{
  g_auto (CtCheckpoint) checkpoint = { 0 };
  g_autoptr (GError) cause = NULL;

  if (!self->head.note)
    return n_signed == 0 || self->sequences ||
           rolled_back (
               g_strdup_printf (
                   g_dngettext (GETTEXT_PACKAGE,
                                "The server's log was rolled back: it had %d signed leaf, now none",
                                "The server's log was rolled back: it had %d signed leaves, now none",
                                (gulong) n_signed),
                   (int) n_signed),
               error);
  if (!ct_checkpoint_open (self->head.note, -1, self->verifier, &checkpoint, &cause)) {
    if (!self->sequences)
      return ct_fail (error, CT_ERROR_CORRUPT, _ ("The server's newest checkpoint: %s"), cause->message);
    /* not our own: it counts as none, and ours takes its place */
    g_message ("The server's newest checkpoint: %s", cause->message);
    g_clear_pointer (&self->head.note, g_free);
    return TRUE;
  }
  if (!g_str_equal (checkpoint.origin, self->head.origin))
    return ct_fail (error, CT_ERROR_CORRUPT, _ ("The server's newest checkpoint is of another log, “%s”"),
                    checkpoint.origin);
  if (checkpoint.size < n_signed && !self->sequences)
    return rolled_back (
        g_strdup_printf (
            g_dngettext (
                GETTEXT_PACKAGE,
                "The server's log was rolled back: it had %d signed leaf, its newest checkpoint has %d",
                "The server's log was rolled back: it had %d signed leaves, its newest checkpoint has %d",
                (gulong) n_signed),
            (int) n_signed, (int) checkpoint.size),
        error);
  if (checkpoint.size > (guint64) self->head.size)
    return ct_fail (
        error, CT_ERROR_CORRUPT,
        g_dngettext (GETTEXT_PACKAGE,
                     "The server's log was truncated: its checkpoint signs %d leaf, there are %d",
                     "The server's log was truncated: its checkpoint signs %d leaves, there are %d",
                     (gulong) (checkpoint.size)),
        (int) checkpoint.size, (int) self->head.size);
  return (n_leaves >= checkpoint.size ||
          read_leaves (self, (gint64) n_leaves, (gint64) checkpoint.size, error)) &&
         within (self, extend_cb, NULL, error);
}

static gboolean
sign_cb (Following *self, gpointer note, GError **error)
{
  return ct_log_sign (self->db, self->options->signer, self->now, note, error) &&
         check_recalled (self, error);
}

/* The sequencer's part: what it signs continues what it signed before, or it signs nothing. */
static gboolean
sign_head (Following *self, GError **error)
{
  g_auto (CtCheckpoint) checkpoint = { 0 }, published = { 0 };
  g_autofree char *note = NULL;
  guint64 n_leaves, n_signed;

  if (!ct_log_size (self->db, &n_leaves, &n_signed, error))
    return FALSE;
  if (n_leaves > (guint64) self->head.size)
    return ct_fail (
        error, CT_ERROR_CORRUPT,
        _ ("The server's log was rolled back: leaves that were read: %d, now: %d; nothing is signed. Where "
           "the server was restored from a backup, “towerctl server continue-log” lets the log go on"),
        (int) n_leaves, (int) self->head.size);
  if (self->head.note && !ct_checkpoint_open (self->head.note, -1, self->verifier, &published, error))
    return FALSE;
  /* what was signed and did not reach the server must still be what it has */
  if (published.size < n_signed && !read_leaves (self, (gint64) published.size, (gint64) n_leaves, error))
    return FALSE;
  if (!read_leaves (self, (gint64) n_leaves, self->head.size, error) ||
      !within (self, sign_cb, &note, error) || !remember (self, note, error))
    return FALSE;
  if (g_strcmp0 (note, self->head.note) == 0)
    return TRUE;
  self->report->signed_here = TRUE;
  return ct_checkpoint_open (note, -1, self->verifier, &checkpoint, error) &&
         ct_log_feed_publish (self->session, (gint64) checkpoint.size, &checkpoint.root, note,
                              self->cancellable, error);
}

/* A leaf that answers one of our commands: what was asked is what it names, what became of it what we were told. */
static gboolean
check_answer (CtStmt *row, GError **error)
{
  int seq = (int) ct_stmt_int (row, 0);
  gboolean applied = g_str_equal (ct_stmt_text (row, 2), "applied");
  const char *json;
  CtHash intent;
  gsize length;
  CtLeaf leaf;

  json = ct_stmt_blob (row, 3, &length);
  if (!json || !ct_leaf_scan (&leaf, json, length, error))
    return FALSE;
  if (!ct_stmt_hash (row, 4, &intent) || !ct_hash_equal (&intent, &leaf.intent_sha256) ||
      leaf.device_seq != seq)
    return ct_fail (error, CT_ERROR_CORRUPT,
                    _ ("The server's log answers command %d with the leaf of another intent"), seq);
  if (applied == g_str_has_suffix (ct_stmt_text (row, 5), ":rejected"))
    return ct_fail (error, CT_ERROR_CORRUPT,
                    _ ("The server's log says another outcome of command %d than the server did"), seq);
  return TRUE;
}

static gboolean
prove_cb (Following *self, gpointer data, GError **error)
{
  g_autoptr (CtStmt) stmt = ct_db_query (
      self->db, error,
      "SELECT o.seq, a.n, o.outcome, a.leaf, i.sha256, a.action FROM sync_outcomes o"
      " JOIN intents i ON i.seq = o.seq LEFT JOIN audit_logs a ON a.ev_id = o.leaf AND a.n < ?1"
      " WHERE o.place IS NULL AND o.seq <= ?2 AND o.seq > (SELECT CAST(value AS INTEGER) FROM workspace"
      " WHERE key = 'log_began_after') ORDER BY o.seq",
      "ii", self->report->size, self->state.acknowledged);

  if (!stmt)
    return FALSE;
  while (ct_stmt_next (stmt)) {
    if (ct_stmt_is_null (stmt, 1)) {
      if (self->report->covers_rows)
        return ct_fail (error, CT_ERROR_CORRUPT,
                        _ ("The server settled command %d, but its log does not have the leaf"),
                        (int) ct_stmt_int (stmt, 0));
      continue;
    }
    if (!check_answer (stmt, error) ||
        !ct_db_run (self->db, error, "UPDATE sync_outcomes SET place = ? WHERE seq = ?", "ii",
                    ct_stmt_int (stmt, 1), ct_stmt_int (stmt, 0)))
      return FALSE;
  }
  return ct_stmt_finish (stmt, error);
}

/* From where the rows stand to the leaves that they can be held against; it never goes back. */
static gboolean
note_rows_cb (Following *self, gpointer data, GError **error)
{
  gint64 back = 0;

  if (!ct_db_read_int (self->db, &back, error,
                       "SELECT EXISTS (SELECT 1 FROM sync_log WHERE epoch = ? AND seen <= ? AND upto > ?)",
                       "kii", &self->state.cursor.epoch, self->state.cursor.number, self->head.upto))
    return FALSE;
  if (back)
    return ct_fail (error, CT_ERROR_CORRUPT,
                    _ ("The server's log was rolled back: it has fewer leaves than it had for "
                       "what was changed since"));
  return ct_db_run (self->db, error,
                    "UPDATE sync_log SET epoch = ?, seen = ?, upto = ?, whole = ?, tables = ?", "kiiis",
                    &self->state.cursor.epoch, self->state.cursor.number, self->head.upto,
                    (gint64) self->head.whole, self->head.tables);
}

static gboolean
settle (Following *self, GError **error)
{
  guint64 n_leaves, n_signed;

  if (!ct_log_size (self->db, &n_leaves, &n_signed, error))
    return FALSE;
  self->report->size = (gint64) n_signed;
  self->report->covers_rows =
      self->head.number >= self->state.cursor.number && self->head.upto <= self->report->size;
  return within (self, prove_cb, NULL, error) &&
         (!self->report->covers_rows || within (self, note_rows_cb, NULL, error));
}

static gboolean
ask_head (Following *self, GError **error)
{
  gint64 size;

  if (!ct_log_feed_head (self->session, self->state.cursor.number, &self->head, self->cancellable, error) ||
      !begin (self, error) || !check_key (self, error))
    return FALSE;
  if (self->options->signer && self->verifier) {
    g_autofree char *own = ct_verifier_to_string (ct_signer_verifier (self->options->signer));

    self->sequences = g_str_equal (own, self->head.vkey);
  }
  if (!self->sequences)
    return TRUE;
  ct_log_head_clear (&self->head);
  return ct_log_feed_integrate (self->session, &size, self->cancellable, error) &&
         ct_log_feed_head (self->session, self->state.cursor.number, &self->head, self->cancellable, error);
}

static gboolean
follow (Following *self, GError **error)
{
  guint64 n_leaves, n_signed;

  if (!ct_backlog_read (self->db, &self->state, error) || !ask_head (self, error))
    return FALSE;
  if (!self->verifier)
    return TRUE; /* nobody signs it yet */
  return ct_log_size (self->db, &n_leaves, &n_signed, error) && read_again (self, n_leaves, error) &&
         accept_head (self, n_leaves, n_signed, error) && check_recalled (self, error) &&
         (!self->head.note || self->sequences || remember (self, self->head.note, error)) &&
         (!self->sequences || sign_head (self, error)) && settle (self, error);
}

/* What does not hold stays known until it does, with what proves it. */
static void
note_trouble (Following *self, const GError *problem)
{
  g_autoptr (GError) lost = NULL;

  if (!ct_db_run (self->db, &lost, "UPDATE sync_log SET trouble = ?", "s", problem->message) ||
      !within (self, drop_cb, NULL, &lost) ||
      (self->head.note && self->options->keep_proof &&
       !self->options->keep_proof (self->head.note, self->options->data, &lost)))
    g_warning ("%s", lost->message);
}

/* Where an administrator proposed how the log goes on and we can tell that the key signed it, that is what it does. What is
 * wrong with a proposal belongs to what is wrong with the log. */
static gboolean
goes_on (Following *self, GError **problem)
{
  g_autoptr (GError) refused = NULL;
  gboolean taken = FALSE;

  if (!self->options->signer || !self->head.proposed ||
      (*problem && !g_error_matches (*problem, CT_ERROR, CT_ERROR_CORRUPT)))
    return FALSE;
  if (!ct_log_sync_take_continuation (self->db, self->session, self->options->signer, &taken,
                                      self->cancellable, &refused) &&
      *problem) {
    g_autoptr (GError) trouble = g_steal_pointer (problem);

    return ct_fail (problem, CT_ERROR_CORRUPT, _ ("%s. How the log is proposed to go on does not help: %s"),
                    trouble->message, refused->message);
  }
  if (taken)
    g_clear_error (problem);
  return taken;
}

/**
 * ct_log_sync:
 * @db: a writable connection of a connected workspace, outside a transaction, on a thread that may wait
 * @report: (out): set in any case
 *
 * Brings the copy of the server's log up to its newest signed head, and holds the answers to our own commands against it;
 * where the workspace has the log's key, gives new leaves their places first, and signs and publishes the head.
 *
 * Returns: %FALSE with %CT_ERROR_CORRUPT where the server's log is not what it was, contradicts itself, or lacks what the
 *   server said: the copy stays as it was, and sync_log knows of the trouble until it is gone
 */
gboolean
ct_log_sync (CtDb *db, CtSession *session, const CtLogSyncOptions *options, gint64 now,
             GCancellable *cancellable, CtLogSyncReport *report, GError **error)
{
  g_auto (Following) self = {
    .db = db, .session = session, .options = options, .now = now, .cancellable = cancellable, .report = report
  };
  g_autoptr (GError) problem = NULL;
  gboolean done;

  memset (report, 0, sizeof *report);
  done = follow (&self, &problem);
  if (goes_on (&self, &problem)) {
    following_clear (&self);
    self.sequences = self.same_scopes = FALSE;
    done = follow (&self, &problem);
  }
  if (done)
    return ct_db_run (db, error, "UPDATE sync_log SET trouble = NULL WHERE trouble IS NOT NULL", "");
  if (g_error_matches (problem, CT_ERROR, CT_ERROR_CORRUPT))
    note_trouble (&self, problem);
  g_propagate_error (error, g_steal_pointer (&problem));
  return FALSE;
}
