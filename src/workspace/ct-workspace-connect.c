/* Joining a server, leaving it, and how a workspace stands with it. */
#include "ct-workspace-connect.h"
#include "ct-address.h"
#include "ct-upload.h"
#include "ct-rows.h"
#include "ct-server-password.h"
#include "ct-workers.h"
#include "ct-workspace-log.h"
#include "ct-workspace-delivery.h"
#include "ct-workspace-records.h"

#include <string.h>

static gboolean
read_server_cb (CtDb *db, gpointer data, GError **error)
{
  g_autoptr (CtStmt) stmt = ct_db_query (db, error, "SELECT value FROM workspace WHERE key = 'server'", "");

  if (!stmt)
    return FALSE;
  if (ct_stmt_next (stmt))
    *(char **) data = g_strdup (ct_stmt_text (stmt, 0));
  return ct_stmt_finish (stmt, error);
}

typedef struct {
  const char *address;
  CtGreeting *greeting;
  CtSession *session;
  const CtConnectUpload *upload; /* (nullable) */
  CtConnectPart *wrong;
  GCancellable *cancellable; /* (nullable) */
} Joining;

/* They may go along, where the server and the login are such that they can. */
static gboolean
refuse_records (CtDb *db, Joining *self, const char *records, GError **error)
{
  g_autoptr (GError) why = NULL;

  if (ct_upload_check (db, self->session, self->cancellable, &why)) {
    *self->wrong = CT_CONNECT_RECORDS;
    return ct_fail (
        error, CT_ERROR_REFUSED,
        _ ("This workspace has data of its own (%s), which would be lost. The server is still empty: with "
           "--upload they go along; else connect a new workspace (towerctl -w DIR init)"),
        records);
  }
  if (g_error_matches (why, CT_ERROR, CT_ERROR_REFUSED))
    return ct_fail (error, CT_ERROR_REFUSED,
                    _ ("This workspace has data of its own (%s), which would be lost. %s"), records,
                    why->message);
  g_propagate_error (error, g_steal_pointer (&why));
  return FALSE;
}

/* What a person wrote before there was a server would be lost to the server's rows. */
static gboolean
check_empty (CtDb *db, Joining *self, GError **error)
{
  g_autofree char *records =
      ct_workspace_describe_records (db, (const char *const *) self->greeting->tables, error);

  return records && (!*records || refuse_records (db, self, records, error));
}

/* The server takes the next command where it follows the last one that the device was enrolled with. */
static gboolean
check_standing (CtDb *db, CtGreeting *greeting, GError **error)
{
  gint64 newest = 0;
  gboolean known = FALSE;
  CtHash own;

  if (!ct_db_read_int (db, &newest, error, "SELECT coalesce(max(seq), 0) FROM intents", "") ||
      !ct_backlog_hash (db, greeting->standing, &own, &known, error))
    return FALSE;
  if (known && newest == greeting->standing && ct_hash_equal (&own, &greeting->standing_sha256))
    return TRUE;
  return ct_fail (error, CT_ERROR_CONFLICT,
                  _ ("This workspace was changed after its device was enrolled: make a new one (towerctl -w "
                     "DIR init), have its device enrolled, and connect it before anything else"));
}

/* From the last command on that it keeps to itself. */
static gboolean
begin_after (CtDb *db, Joining *self, gint64 seq, GError **error)
{
  return ct_open_upload_forget (db, error) && ct_backlog_begin (db, self->address, seq, error) &&
         ct_db_run (db, error,
                    "INSERT INTO workspace VALUES('server_login', ?) ON CONFLICT DO UPDATE SET value = "
                    "excluded.value",
                    "s", self->greeting->login);
}

static gboolean
say_brought (CtDb *db, Joining *self, const CtConnectUpload *upload, GError **error)
{
  char *records = ct_workspace_describe_records (db, (const char *const *) self->greeting->tables, error);

  if (records && upload->brought)
    *upload->brought = records;
  else
    g_free (records);
  return records != NULL;
}

/* With all it has. Once the server has it nothing but a fault of this machine keeps the workspace from being connected; then
 * the next try does. */
static gboolean
join_with_records (CtDb *db, Joining *self, GError **error)
{
  static const CtConnectUpload silent = { 0 };
  const CtConnectUpload *upload = self->upload ? self->upload : &silent;
  gint64 newest = 0;

  return ct_upload_send (db, self->session, self->address, upload->told, upload->data, self->cancellable,
                         error) &&
         ct_db_read_int (db, &newest, error, "SELECT coalesce(max(seq), 0) FROM intents", "") &&
         begin_after (db, self, newest, error) && ct_upload_settle (db, self->session, error) &&
         say_brought (db, self, upload, error);
}

/* An upload that was broken off at its end and turns out to be there is completed, if nobody has worked here since: then
 * somebody is asked first whether that shall take the place of what it brought. */
static gboolean
check_completed (CtDb *db, Joining *self, const CtOpenUpload *open, GError **error)
{
  g_autofree char *began = ct_time_format (open->began_at);
  g_autoptr (GError) problem = NULL;
  gboolean there = FALSE;

  if (!ct_upload_is_there (db, self->session, &there, self->cancellable, &problem)) {
    if (g_error_matches (problem, CT_ERROR, CT_ERROR_REFUSED))
      return ct_fail (error, CT_ERROR_REFUSED,
                      _ ("The server has what this workspace brought on %s. Work went on here since, and "
                         "cannot follow: %s"),
                      began, problem->message);
    g_propagate_error (error, g_steal_pointer (&problem));
    return FALSE;
  }
  if (there || self->upload)
    return TRUE;
  *self->wrong = CT_CONNECT_RECORDS;
  return ct_fail (error, CT_ERROR_REFUSED,
                  _ ("The server has what this workspace brought on %s, and work went on here since. Nobody "
                     "has worked there yet: with --upload all of it goes along once more, in place of what "
                     "is there"),
                  began);
}

static gboolean
join (CtDb *db, Joining *self, GError **error)
{
  g_auto (CtOpenUpload) open = { 0 };

  if (!ct_open_upload_read (db, &open, error) || (open.server && !check_completed (db, self, &open, error)))
    return FALSE;
  if (self->upload || open.server)
    return join_with_records (db, self, error);
  return check_empty (db, self, error) && check_standing (db, self->greeting, error) &&
         begin_after (db, self, self->greeting->standing, error);
}

/* What became of an upload that was broken off at its end is asked first; where the server has nothing of it, it is forgotten
 * whatever comes then. */
static gboolean
settle_open (CtDb *db, Joining *self, GError **error)
{
  g_auto (CtOpenUpload) open = { 0 };
  gboolean brought = FALSE;

  if (!ct_open_upload_read (db, &open, error))
    return FALSE;
  return !open.server || (ct_upload_ask (self->session, &open, &brought, self->cancellable, error) &&
                          (brought || ct_open_upload_forget (db, error)));
}

static gboolean
join_cb (CtDb *db, gpointer data, GError **error)
{
  if (!settle_open (db, data, error) || !ct_db_begin (db, error))
    return FALSE;
  if (join (db, data, error))
    return ct_db_commit (db, error);
  ct_db_rollback (db);
  return FALSE;
}

static gboolean
keep_password (CtWorkspace *self, const char *address, const char *password, gboolean plain_file,
               GCancellable *cancellable, GError **error)
{
  g_autoptr (CtSecretStore) secrets = ct_workspace_secrets_new (self, error);
  g_autoptr (GError) problem = NULL;

  if (!secrets)
    return FALSE;
  if (ct_server_password_save (secrets, plain_file ? CT_SECRET_PLAIN_FILE : CT_SECRET_KEYRING, CT_LINK_SECRET,
                               address, password, cancellable, &problem))
    return TRUE;
  if (g_error_matches (problem, CT_ERROR, CT_ERROR_NOT_FOUND))
    return ct_fail (error, CT_ERROR_FAILED,
                    _ ("%s. With --plain-password it is kept in %s of the workspace, readable by you alone"),
                    problem->message, CT_SECRET_FILE);
  g_propagate_error (error, g_steal_pointer (&problem));
  return FALSE;
}

static void
forget_password (CtWorkspace *self, GCancellable *cancellable)
{
  g_autoptr (CtSecretStore) secrets = ct_workspace_secrets_new (self, NULL);

  if (secrets)
    ct_secret_store_clear (secrets, CT_LINK_SECRET, NULL, cancellable, NULL);
}

/* (transfer full): a session; who is refused by a server that is there has the wrong password */
static CtSession *
dial (CtWorkspace *self, const char *address, const char *password, CtConnectPart *wrong,
      GCancellable *cancellable, GError **error)
{
  g_autofree char *complete = ct_address_complete (address, NULL, error);
  CtSession *session;

  *wrong = CT_CONNECT_ADDRESS;
  if (!complete || !ct_address_check (complete, error))
    return NULL;
  *wrong = CT_CONNECT_PASSWORD;
  {
    g_autoptr (GError) problem = NULL;

    session = ct_link_dial (self, address, password, cancellable, &problem);
    if (!session && !g_error_matches (problem, CT_ERROR, CT_ERROR_REFUSED))
      *wrong = CT_CONNECT_ADDRESS;
    if (!session)
      g_propagate_error (error, g_steal_pointer (&problem));
  }
  return session;
}

/* On a connection of its own, for it waits for the network. */
static gboolean
greet (CtWorkspace *self, CtSession *session, const char *address, CtGreeting *greeting,
       GCancellable *cancellable, GError **error)
{
  g_autofree char *path = g_build_filename (ct_workspace_get_folder (self), "replica.db", NULL);
  CtDb *db = ct_db_open (path, CT_DB_READ_WRITE, error);
  gboolean welcome = db && ct_link_greet (db, session, address, greeting, cancellable, error);

  g_clear_pointer (&db, ct_db_close);
  return welcome;
}

/* The programs that have the workspace open know only the authority it had. */
static gboolean
change_authority (CtWorkspace *self, CtStoreFunc func, gpointer data, GError **error)
{
  g_autoptr (CtWorkers) workers = ct_workers_new (self, g_get_prgname ());

  return ct_workers_take (workers, error) &&
         ct_store_write (ct_workspace_get_store (self), func, data, error);
}

typedef struct {
  gint64 now;
  char *text; /* (owned) */
} LeftBehind;

static gboolean
left_behind_cb (CtDb *db, gpointer data, GError **error)
{
  LeftBehind *self = data;

  self->text = ct_workspace_describe_left_behind (db, self->now, error);
  return self->text != NULL;
}

/**
 * ct_workspace_left_behind:
 *
 * Blocks.
 *
 * Returns: (transfer full): as ct_workspace_describe_left_behind() does
 */
char *
ct_workspace_left_behind (CtWorkspace *self, GError **error)
{
  LeftBehind left = { .now = ct_workspace_now (self) };

  return ct_store_read (ct_workspace_get_store (self), left_behind_cb, &left, error) ? left.text : NULL;
}

/* Without its limit a person approves everything, so nobody finds out only afterwards. */
static gboolean
check_left_behind (CtWorkspace *self, const CtConnectUpload *upload, GError **error)
{
  g_autofree char *left = upload->limitless ? NULL : ct_workspace_left_behind (self, error);

  return upload->limitless ||
         (left &&
          (!*left || ct_fail (error, CT_ERROR_REFUSED,
                              _ ("Limits and absences stay behind: %s. Without a limit a person approves "
                                 "any amount, so enter them again at the server (towerctl person limit, "
                                 "absence set) before others begin there. To upload all the same: "
                                 "--without-limits"),
                              left)));
}

/**
 * ct_workspace_connect:
 * @address: of the server, without a password
 * @password: (nullable): else what is kept, or libpq's own ways to sign in
 * @plain_file: keep it in the workspace's plain-text file
 * @upload: (nullable): bring the workspace's own records to the server, which must be empty; without it there may be none
 * @wrong: (out) (optional): what the error is about
 *
 * Makes the workspace a connected one; the first load is ct_link_round()'s. Once more with the same server changes nothing
 * but the password. The workspace must be opened anew afterwards.
 *
 * Returns: %FALSE with %CT_ERROR_CONFLICT where it is connected to another server, %CT_ERROR_REFUSED where the server does
 *   not take it or it has data of its own, %CT_ERROR_BUSY where another program has it open
 */
gboolean
ct_workspace_connect (CtWorkspace *self, const char *address, const char *password, gboolean plain_file,
                      const CtConnectUpload *upload, CtConnectPart *wrong, GCancellable *cancellable,
                      GError **error)
{
  g_autofree char *before = NULL;
  g_autoptr (CtSession) session = NULL;
  g_auto (CtGreeting) greeting = { 0 };
  Joining joining = {
    .address = address, .greeting = &greeting, .upload = upload, .cancellable = cancellable
  };
  CtConnectPart part;

  if (!ct_store_read (ct_workspace_get_store (self), read_server_cb, &before, error))
    return FALSE;
  if (before && !g_str_equal (before, address))
    return ct_fail (error, CT_ERROR_CONFLICT,
                    _ ("This workspace is connected to %s; leave that first (towerctl disconnect)"), before);
  if (!before && ct_workspace_is_trial (self))
    return ct_fail (error, CT_ERROR_REFUSED,
                    _ ("A workspace made with init --trial can be set to any time: it cannot be connected"));
  if (upload && !upload->invented && !before && strcmp (ct_workspace_get_environment (self), "demo") == 0)
    return ct_fail (error, CT_ERROR_REFUSED,
                    _ ("This is a demo workspace: its distributors, orders and messages are invented, and "
                       "would be the team's from then on. To upload them all the same: --demo-records. To "
                       "work with real ones, connect a new workspace (towerctl -w DIR init)"));
  if (upload && !before && !check_left_behind (self, upload, error))
    return FALSE;
  if (!wrong)
    wrong = &part;
  session = dial (self, address, password, wrong, cancellable, error);
  if (!session)
    return FALSE;
  *wrong = CT_CONNECT_NOTHING;
  if (!greet (self, session, address, &greeting, cancellable, error)) {
    *wrong = greeting.login && greeting.standing < 0 ? CT_CONNECT_DEVICE : CT_CONNECT_ADDRESS;
    return FALSE;
  }
  if (password && !keep_password (self, address, password, plain_file, cancellable, error)) {
    *wrong = CT_CONNECT_KEYRING;
    return FALSE;
  }
  joining.session = session;
  joining.wrong = wrong;
  if (before || change_authority (self, join_cb, &joining, error))
    return TRUE;
  forget_password (self, NULL);
  return FALSE;
}

static gint64
count_tray (CtDb *db, GError **error)
{
  gint64 waiting = -1;

  ct_db_read_int (db, &waiting, error, "SELECT count(*) FROM attention WHERE settled_at IS NULL", "");
  return waiting;
}

static void
set_time (JsonObject *object, const char *name, gint64 at)
{
  g_autofree char *text = at == CT_NULL_INT ? NULL : ct_time_format (at);

  if (text)
    json_object_set_string_member (object, name, text);
  else
    json_object_set_null_member (object, name);
}

/* What the last round had to say, if it failed. */
static gboolean
add_trouble (CtDb *db, JsonObject *status, const char **failing, GError **error)
{
  static const char *const members[] = { "lastError", "lastErrorAt", "nextRetry" };
  g_autoptr (CtStmt) stmt =
      ct_db_query (db, error, "SELECT value FROM workspace WHERE key = 'sync_trouble'", "");
  g_autoptr (JsonNode) node = NULL;
  JsonObject *trouble;

  if (!stmt)
    return FALSE;
  if (ct_stmt_next (stmt))
    node = ct_json_parse (ct_stmt_text (stmt, 0), -1, 65536, NULL);
  trouble = node && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  if (trouble)
    *failing = !ct_json_bool (trouble, "passes", TRUE) ? "stuck"
               : ct_json_bool (trouble, "busy", FALSE) ? "busy"
                                                       : "offline";
  for (guint i = 0; i < G_N_ELEMENTS (members); i++) {
    const char *text = trouble ? ct_json_string (trouble, members[i], NULL) : NULL;

    if (text)
      json_object_set_string_member (status, members[i], text);
    else
      json_object_set_null_member (status, members[i]);
  }
  return ct_stmt_finish (stmt, error);
}

/* What the last self-check found, if there was one. */
static gboolean
add_check (CtDb *db, JsonObject *status, GError **error)
{
  g_autoptr (CtStmt) stmt =
      ct_db_query (db, error, "SELECT value FROM workspace WHERE key = 'sync_check'", "");
  g_autoptr (JsonNode) node = NULL;

  if (!stmt)
    return FALSE;
  if (ct_stmt_next (stmt))
    node = ct_json_parse (ct_stmt_text (stmt, 0), -1, 65536, NULL);
  if (node && JSON_NODE_HOLDS_OBJECT (node))
    json_object_set_object_member (status, "lastCheck", json_node_dup_object (node));
  return ct_stmt_finish (stmt, error);
}

/* Where the last round failed, offline or busy: time will mend it; stuck: a person must. Else loading: never yet; pending;
 * in_sync */
static const char *
state_of (JsonObject *status, const char *failing)
{
  if (ct_json_string (status, "lastError", NULL))
    return failing;
  if (!ct_json_string (status, "lastSuccess", NULL))
    return "loading";
  return ct_json_int (status, "pending", 0) ? "pending" : "in_sync";
}

static gboolean
add_connection (CtDb *db, JsonObject *status, GError **error)
{
  g_autofree char *login =
      ct_db_read_text (db, error, "SELECT value FROM workspace WHERE key = 'server_login'", "");
  g_auto (CtBacklogState) state = { 0 };
  gint64 pending = 0, oldest = CT_NULL_INT, done = 0, expected = 0, tray;
  g_autoptr (JsonObject) log = ct_workspace_describe_log (db, error);
  const char *trouble = log ? ct_json_string (log, "trouble", NULL) : NULL;
  const char *failing = "stuck";

  if (!log || !login || !ct_backlog_read (db, &state, error) ||
      !ct_backlog_waiting (db, &pending, &oldest, error) || (tray = count_tray (db, error)) < 0 ||
      !ct_first_load_progress (db, &done, &expected, error) || !add_trouble (db, status, &failing, error) ||
      !add_check (db, status, error))
    return FALSE;
  json_object_set_string_member (status, "user", login);
  set_time (status, "lastSuccess", state.pulled_at);
  json_object_set_int_member (status, "pending", pending);
  set_time (status, "oldestPending", oldest);
  json_object_set_int_member (status, "inTray", tray);
  if (trouble) { /* also when a later try failed for another reason: it is known until it is gone */
    json_object_set_string_member (status, "lastError", trouble);
    failing = "stuck";
  }
  json_object_set_string_member (status, "state", state_of (status, failing));
  if (expected > 0)
    json_object_set_object_member (status, "load", ct_json_build ("ii", "done", done, "expected", expected));
  json_object_set_object_member (status, "log", g_steal_pointer (&log));
  return TRUE;
}

/* One whose fate is open: what a person has to know, and where to go on. */
static gboolean
add_open_upload (CtDb *db, JsonObject *status, GError **error)
{
  g_auto (CtOpenUpload) open = { 0 };
  g_autoptr (GError) why = NULL;
  JsonObject *upload;

  if (!ct_open_upload_read (db, &open, error))
    return FALSE;
  if (!open.server)
    return TRUE;
  upload = ct_json_build ("s", "server", open.server);
  set_time (upload, "since", open.began_at);
  json_object_set_object_member (status, "upload", upload);
  json_object_set_string_member (status, "state", "upload_open");
  if (!ct_open_upload_check (db, &why))
    json_object_set_string_member (status, "lastError", why->message);
  return TRUE;
}

/**
 * ct_workspace_sync_status:
 *
 * Returns: (transfer full): {"mode", "state"}; standalone, where the fate of an upload is open, "upload": {"server", "since"} and
 *   what to do as "lastError"; and where connected "server", "user", "lastSuccess", "pending",
 *   "oldestPending", "inTray", "lastError", "lastErrorAt", "nextRetry", "log" as ct_workspace_describe_log() has it; during a
 *   first load "load": {"done", "expected"}, in rows; after a self-check "lastCheck": {"at", "rows", "tables",
 *   "different", "mended"}
 */
JsonObject *
ct_workspace_sync_status (CtDb *db, GError **error)
{
  g_autoptr (JsonObject) status = NULL;
  g_autofree char *server = NULL;

  if (!read_server_cb (db, &server, error))
    return NULL;
  status = ct_json_build ("ss", "mode", server ? "connected" : "standalone", "state", "saved_locally");
  if (!server)
    return add_open_upload (db, status, error) ? g_steal_pointer (&status) : NULL;
  json_object_set_string_member (status, "server", server);
  return add_connection (db, status, error) ? g_steal_pointer (&status) : NULL;
}

typedef struct {
  CtWorkspace *workspace;
  gboolean with_pending;
  JsonObject *left; /* (owned): the status before */
} Leaving;

/* Numbers of this series go on after those that the server gave. */
static gboolean
continue_series (CtDb *db, GError **error)
{
  g_autoptr (JsonArray) tables =
      ct_rows_array (db, error,
                     "SELECT m.name AS name FROM sqlite_schema m JOIN pragma_table_info(m.name) c"
                     " WHERE m.type = 'table' AND c.name = 'number'",
                     "");

  for (guint i = 0; tables && i < json_array_get_length (tables); i++) {
    JsonObject *row = json_array_get_object_element (tables, i);
    g_autofree char *sql =
        g_strdup_printf ("INSERT INTO number_series SELECT substr(number, 1, instr(number, '-') - 1) AS s,"
                         " CAST(substr(number, instr(number, '-') + 1, 4) AS INTEGER) AS y,"
                         " max(CAST(substr(number, instr(number, '-') + 6) AS INTEGER)) FROM %s"
                         " WHERE number GLOB '[A-Z]*-[0-9][0-9][0-9][0-9]-[0-9]*' GROUP BY 1, 2"
                         " ON CONFLICT DO UPDATE SET last = max(last, excluded.last)",
                         ct_json_string (row, "name", ""));

    if (!ct_db_run (db, error, sql, ""))
      return FALSE;
  }
  return tables != NULL;
}

/* What never reached the server has no leaf anywhere: the tray says what became of it. */
static gboolean
note_left (CtDb *db, GError **error)
{
  gint64 now = ct_time_now ();

  return ct_db_run (db, error,
                    "UPDATE attention SET settled_at = ?, choice = 'discard' WHERE settled_at IS NULL", "i",
                    now) &&
         ct_db_run (db, error,
                    "INSERT INTO attention(seq, reason, since, settled_at, choice)"
                    " SELECT seq, 'left', ?1, ?1, 'mine' FROM intents"
                    " WHERE seq > (SELECT acknowledged FROM sync_state)"
                    " AND seq NOT IN (SELECT seq FROM attention)",
                    "i", now);
}

static gboolean
leave (CtDb *db, Leaving *self, GError **error)
{
  gint64 pending, tray;

  self->left = ct_workspace_sync_status (db, error);
  if (!self->left)
    return FALSE;
  pending = ct_json_int (self->left, "pending", 0);
  tray = ct_json_int (self->left, "inTray", 0);
  if (!g_str_equal (ct_json_string (self->left, "mode", ""), "connected"))
    return ct_fail (error, CT_ERROR_NOT_FOUND, _ ("This workspace is not connected to a server"));
  if ((pending || tray) && !self->with_pending)
    return ct_fail (
        error, CT_ERROR_CONFLICT,
        _ ("Commands that have not reached the server: %d; that wait for a decision: %d. towerctl sync "
           "--once and attention list come first, or leave with --with-pending"),
        (int) pending, (int) tray);
  return note_left (db, error) && ct_backlog_end (db, error) && continue_series (db, error) &&
         ct_db_run (db, error, "DELETE FROM workspace WHERE key = 'sync_trouble'", "") &&
         ct_workspace_own_log (self->workspace, db, error);
}

static gboolean
leave_cb (CtDb *db, gpointer data, GError **error)
{
  if (!ct_db_begin (db, error))
    return FALSE;
  if (leave (db, data, error))
    return ct_db_commit (db, error);
  ct_db_rollback (db);
  return FALSE;
}

/**
 * ct_workspace_disconnect:
 * @with_pending: also where commands are pending or in the tray: what they did here stays, the server never learns of it
 * @left: (out) (transfer full): ct_workspace_sync_status() as it was
 *
 * Makes the workspace a standalone one that keeps all it has. It must be opened anew afterwards.
 */
gboolean
ct_workspace_disconnect (CtWorkspace *self, gboolean with_pending, JsonObject **left,
                         GCancellable *cancellable, GError **error)
{
  Leaving leaving = { self, with_pending, NULL };

  if (!change_authority (self, leave_cb, &leaving, error)) {
    g_clear_pointer (&leaving.left, json_object_unref);
    return FALSE;
  }
  forget_password (self, cancellable);
  ct_kept_checkpoint_forget (self, cancellable);
  *left = leaving.left;
  return TRUE;
}
