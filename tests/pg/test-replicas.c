/* The sync proof: workspaces of several people, the real commands and policy, a real server. */
#include "pg-station.h"
#include "ct-config.h"
#include "ct-log.h"

#include <string.h>

static PgServer *server;
static char *policy; /* schema/policy.json */

#define station_new(database, login) pg_station_new (server, database, login)
#define sync_up                      pg_station_sync
#define pull_only                    pg_station_pull
#define in_tray                      pg_station_tray
#define assert_same                  pg_station_assert_same

static void
assert_value (PgStation *self, const char *id, const char *expression, const char *expected)
{
  g_autofree char *value = pg_station_value (self, id, expression);

  g_assert_cmpstr (value, ==, expected);
}

/* Made offline under a provisional number, settled by the server, seen by the other. */
static void
test_travels (void)
{
  g_autoptr (PgStation) a = NULL, b = NULL;
  g_autofree char *id = NULL, *number = NULL;
  CtSyncReport report;

  pg_server_create (server, "travels", policy);
  a = station_new ("travels", "anna");
  b = station_new ("travels", "ben");
  id = pg_station_add (a, "Nordwind", "south");
  assert_value (a, id, "number", "DIST-~1");
  report = sync_up (a);
  g_assert_cmpuint (report.pushed, ==, 1);
  g_assert_cmpuint (report.pulled.settled, ==, 1);
  number = pg_station_value (a, id, "number");
  g_assert_true (g_str_has_prefix (number, "DIST-20"));
  sync_up (b);
  assert_same (a, b);
  pg_station_edit (b, id, "city", "Riga");
  sync_replica_run (b->replica, "distributor.archive", "{\"id\":\"%s\"}", id);
  g_assert_cmpuint (sync_up (b).pulled.settled, ==, 2);
  sync_up (a);
  assert_same (a, b);
  sync_replica_run (a->replica, "distributor.restore", "{\"id\":\"%s\"}", id);
  sync_up (a);
  sync_up (b);
  assert_same (a, b);
  assert_value (b, id, "city || ' ' || rev || ' ' || (archived_at IS NULL)", "Riga 4 1");
}

static CtHash
hash_of_replica_row (CtDb *db, const char *id, gconstpointer salt, gsize length)
{
  g_autoptr (GByteArray) image = g_byte_array_new ();
  g_autoptr (CtStmt) row = ct_db_query (db, NULL, "SELECT * FROM distributors WHERE id = uuid(?)", "s", id);
  CtId key;

  g_assert_true (ct_stmt_next (row) && ct_id_parse (id, &key));
  ct_row_image_append (image, row);
  return ct_row_hash (salt, length, "distributors", &key, image->data, image->len);
}

/* What the server's leaf commits to is the row as each replica holds it, byte for byte. */
static void
test_leaf_commits_to_row (void)
{
  g_autoptr (PgStation) a = NULL, b = NULL;
  g_autoptr (CtSession) root = NULL;
  g_autofree char *id = NULL, *salt = NULL, *entries = NULL, *row = NULL;
  guint8 salt_bytes[32];
  CtHash hash;

  pg_server_create (server, "leaf", policy);
  a = station_new ("leaf", "anna");
  b = station_new ("leaf", "ben");
  root = pg_server_login (server, "leaf", "postgres");
  id = pg_station_add (a, "Żółć & Сыновья \xf0\x9f\x90\x9f \\\"quoted\\\"", "south");
  sync_replica_run (a->replica, "distributor.edit", "{\"id\":\"%s\",\"credit_limit_minor\":9007199254740991}",
                    id);
  sync_up (a);
  sync_up (b);
  salt = pg_text (root, "SELECT encode(salt, 'hex') FROM audit.rows ORDER BY ev_id DESC LIMIT 1");
  entries = pg_text (root, "SELECT encode(entries, 'hex') FROM audit.rows ORDER BY ev_id DESC LIMIT 1");
  for (guint i = 0; i < sizeof salt_bytes; i++)
    salt_bytes[i] =
        (guint8) (g_ascii_xdigit_value (salt[2 * i]) << 4 | g_ascii_xdigit_value (salt[2 * i + 1]));
  hash = hash_of_replica_row (b->replica->db, id, salt_bytes, sizeof salt_bytes);
  row = ct_hash_to_hex (&hash);
  g_assert_true (g_str_has_suffix (entries, row));
}

/* Two people, one record, both offline. The table says what each changes and what comes of it, whether the second one
 * pushes first (the server compares) or pulls first (the rebase compares). */
static void
test_concurrent_edits (void)
{
  static const struct {
    const char *a_column, *a_value, *b_column, *b_value;
    const char *result; /* of legal_name, city */
    int tray;
  } cases[] = {
    { "legal_name", "Nordwind AG", "city", "Riga", "Nordwind AG, Riga", 0 },
    { "city", "Tartu", "city", "Riga", "Nordwind, Tartu", 1 },
    { "city", "Riga", "city", "Riga", "Nordwind, Riga", 0 },
  };

  pg_server_create (server, "edits", policy);
  for (guint i = 0; i < 2 * G_N_ELEMENTS (cases); i++) {
    g_autoptr (PgStation) a = station_new ("edits", "anna"), b = station_new ("edits", "ben");
    guint at = i / 2;
    g_autofree char *id = pg_station_add (a, "Nordwind", "south");

    sync_up (a);
    sync_up (b);
    pg_station_edit (a, id, cases[at].a_column, cases[at].a_value);
    pg_station_edit (b, id, cases[at].b_column, cases[at].b_value);
    sync_up (a);
    if (i % 2)
      pull_only (b);
    sync_up (b);
    g_assert_cmpint (in_tray (b), ==, cases[at].tray);
    g_assert_cmpint (in_tray (a), ==, 0);
    sync_up (a);
    assert_same (a, b);
    assert_value (a, id, "legal_name || ', ' || city", cases[at].result);
    if (cases[at].tray) {
      g_autofree char *both =
          sync_replica_text (b->replica, "SELECT json_extract(theirs, '$.columns[0].column') || ' ' ||"
                                         " json_extract(theirs, '$.columns[0].mine') || ' ' ||"
                                         " json_extract(theirs, '$.columns[0].theirs') FROM attention");
      g_autoptr (GError) error = NULL;

      g_assert_cmpstr (both, ==, "city Riga Tartu");
      /* the person decides: mine */
      ct_tray_settle (b->replica->db, b->replica->commander,
                      sync_replica_number (b->replica, "SELECT seq FROM attention"), "mine", NULL, "admin",
                      b->replica->now, &error);
      g_assert_no_error (error);
      sync_up (b);
      sync_up (a);
      assert_value (a, id, "city", "Riga");
      assert_same (a, b);
    }
  }
}

/* A decision made offline is applied, or it lies in the tray; it never vanishes and is never made twice. */
static void
test_offline_decision (void)
{
  static const struct {
    const char *column, *value; /* what happens meanwhile */
    const char *state;          /* what comes of it */
    int tray;
  } cases[] = {
    { NULL, NULL, "active", 0 },
    { "notes", "called them", "active", 0 },
    { "onboarding_state", "active", "active", 0 },
    { "onboarding_state", "suspended", "suspended", 1 },
    { "archived", NULL, "contract", 1 },
  };

  pg_server_create (server, "decision", policy);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (PgStation) a = station_new ("decision", "anna"), b = station_new ("decision", "ben");
    g_autofree char *id = pg_station_add (a, "Nordwind", "south");

    pg_station_edit (a, id, "onboarding_state", "contract");
    sync_up (a);
    sync_up (b);
    pg_station_edit (b, id, "onboarding_state", "active"); /* offline */
    if (cases[i].value)
      pg_station_edit (a, id, cases[i].column, cases[i].value);
    else if (cases[i].column)
      sync_replica_run (a->replica, "distributor.archive", "{\"id\":\"%s\"}", id);
    sync_up (a);
    pull_only (b);
    assert_value (b, id, "onboarding_state", cases[i].state);
    sync_up (b);
    g_assert_cmpint (in_tray (b), ==, cases[i].tray);
    sync_up (a);
    assert_value (a, id, "onboarding_state", cases[i].state);
    assert_same (a, b);
    g_assert_cmpint (
        sync_replica_number (
            b->replica,
            "SELECT count(*) FROM intents i WHERE seq > 1 AND"
            " (EXISTS (SELECT 1 FROM sync_outcomes o WHERE o.seq = i.seq AND o.outcome = 'applied')"
            " OR EXISTS (SELECT 1 FROM attention a WHERE a.seq = i.seq))"),
        ==, 1);
  }
}

/* The line is cut after the commit. The next pull settles the command, and its effect is there once. */
static void
test_lost_answer (void)
{
  g_autoptr (PgStation) a = NULL;
  g_autoptr (PgProxy) proxy = NULL;
  g_autofree char *address = NULL, *id = NULL;
  g_autoptr (CtSession) line = NULL;
  g_autoptr (GError) error = NULL;
  CtSyncReport report = { 0 };
  gboolean again;

  pg_server_create (server, "lost", policy);
  a = station_new ("lost", "anna");
  id = pg_station_add (a, "Nordwind", "south");
  proxy = pg_proxy_start (server);
  address = pg_proxy_address (proxy, "lost", "anna");
  line = ct_session_open (address, NULL, &error);
  g_assert_no_error (error);
  pg_proxy_swallow_answers (proxy, "api.apply");
  g_assert_false (ct_sync_push (a->replica->db, line, NULL, &report, &again, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_UNKNOWN_FATE);
  g_assert_cmpint (pg_number (a->session, "SELECT count(*) FROM api.distributors"), ==, 1);
  /* it was applied: the handler must not run again on top of its own rows */
  report = pull_only (a);
  g_assert_cmpuint (report.pulled.settled, ==, 1);
  g_assert_cmpint (in_tray (a), ==, 0);
  g_assert_cmpint (sync_replica_number (a->replica, "SELECT count(*) FROM distributors"), ==, 1);
  report = sync_up (a);
  g_assert_cmpuint (report.pushed, ==, 0);
  assert_value (a, id, "rev", "1");
}

/* A workspace that was copied: both go on, nothing of either is lost, and they are two devices from then on. */
static void
test_copied_workspace (void)
{
  g_autoptr (PgStation) a = NULL, copy = NULL;
  g_autofree char *id = NULL;
  CtSyncReport report;

  pg_server_create (server, "copied", policy);
  a = station_new ("copied", "anna");
  id = pg_station_add (a, "Nordwind", "south");
  sync_up (a);
  pg_station_edit (a, id, "notes", "pending when it was copied");
  copy = g_new0 (PgStation, 1);
  copy->replica = sync_replica_copy (a->replica);
  copy->session = pg_server_login (server, "copied", "anna");
  pg_station_edit (a, id, "city", "Riga");
  pg_station_edit (copy, id, "street", "Main Street");
  g_assert_false (sync_up (a).forked);
  report = sync_up (copy);
  g_assert_true (report.forked);
  sync_up (a);
  assert_same (a, copy);
  assert_value (a, id, "city || ', ' || street || ', ' || notes",
                "Riga, Main Street, pending when it was copied");
  g_assert_cmpint (pg_number (copy->session, "SELECT count(*) FROM api.distributors"), ==, 1);
  /* and on */
  pg_station_edit (copy, id, "city", "Tartu");
  pg_station_edit (a, id, "country", "EE");
  g_assert_false (sync_up (copy).forked);
  g_assert_false (sync_up (a).forked);
  sync_up (copy);
  assert_same (a, copy);
  {
    g_autoptr (CtSession) root = pg_server_login (server, "copied", "postgres");

    g_assert_cmpint (pg_number (root, "SELECT count(*) FROM sync.devices"), ==, 2);
    g_assert_cmpint (pg_number (root, "SELECT count(*) FROM sync.devices WHERE forked_from IS NOT NULL"), ==,
                     1);
  }
}

/* A workspace restored from an older backup learns what it had done since, and offers what it does now. */
static void
test_restored_workspace (void)
{
  g_autoptr (PgStation) a = NULL, restored = NULL;
  g_autofree char *id = NULL;

  pg_server_create (server, "backup", policy);
  a = station_new ("backup", "anna");
  id = pg_station_add (a, "Nordwind", "south");
  sync_up (a);
  restored = g_new0 (PgStation, 1);
  restored->replica = sync_replica_copy (a->replica);
  restored->session = pg_server_login (server, "backup", "anna");
  pg_station_edit (a, id, "city", "Riga");
  sync_up (a);
  /* the first workspace is gone; the backup does not know of Riga */
  pg_station_edit (restored, id, "street", "Main Street");
  g_assert_true (sync_up (restored).forked);
  assert_value (restored, id, "city || ', ' || street", "Riga, Main Street");
  g_assert_cmpint (in_tray (restored), ==, 0);
}

/* Two copies of a workspace, each with the same command pending: it happens once, and both learn of it. */
static void
test_copied_queue (void)
{
  g_autoptr (PgStation) a = NULL, b = NULL, c = NULL;
  g_autoptr (CtSession) root = NULL;
  g_autofree char *id = NULL;

  pg_server_create (server, "queues", policy);
  a = station_new ("queues", "anna");
  id = pg_station_add (a, "Nordwind", "south");
  sync_up (a);
  /* what the copies are made from is older than what the server has: none of them goes on as this device */
  b = g_new0 (PgStation, 1);
  b->replica = sync_replica_copy (a->replica);
  b->session = pg_server_login (server, "queues", "anna");
  sync_replica_run (b->replica, "note.add",
                    "{\"subject_type\":\"distributor\",\"subject\":\"%s\",\"text\":\"once\"}", id);
  pg_station_edit (b, id, "street", "Main Street");
  c = g_new0 (PgStation, 1);
  c->replica = sync_replica_copy (b->replica);
  c->session = pg_server_login (server, "queues", "anna");
  pg_station_edit (a, id, "city", "Riga");
  sync_up (a);
  g_assert_true (sync_up (b).forked);
  g_assert_true (sync_up (c).forked);
  sync_up (b);
  assert_same (b, c);
  g_assert_cmpint (in_tray (b) + in_tray (c), ==, 0);
  g_assert_cmpint (sync_replica_number (c->replica, "SELECT count(*) FROM task_notes"), ==, 1);
  assert_value (c, id, "city || ', ' || street || ' ' || rev", "Riga, Main Street 3");
  root = pg_server_login (server, "queues", "postgres");
  g_assert_cmpint (pg_number (root, "SELECT count(*) FROM audit.leaves WHERE leaf LIKE '%note.add%'"), ==, 1);
}

/* Of a server to which nobody is connected. */
static void
back_up (const char *database, const char *copy)
{
  g_autoptr (CtSession) root = pg_server_login (server, "postgres", "postgres");
  g_autofree char *sessions =
      g_strdup_printf ("SELECT count(*) FROM pg_stat_activity WHERE datname = '%s'", database);
  g_autofree char *sql = g_strdup_printf ("CREATE DATABASE %s TEMPLATE %s", copy, database);

  while (pg_number (root, sessions))
    g_usleep (1000);
  g_assert_true (ct_session_run (root, NULL, NULL, sql, ""));
}

/* The backup is older than a fork: the workspace makes itself known again, and one that was revoked does not. */
static void
test_forgotten_fork (void)
{
  g_autoptr (PgStation) a = NULL, copy = NULL;
  g_autofree char *id = NULL;
  g_autoptr (CtSession) root = NULL;
  g_autoptr (GError) error = NULL;
  CtSyncReport report;

  pg_server_create (server, "unforked", policy);
  a = station_new ("unforked", "anna");
  id = pg_station_add (a, "Nordwind", "south");
  sync_up (a);
  g_clear_pointer (&a->session, ct_session_close);
  back_up ("unforked", "forgetful");
  a->session = pg_server_login (server, "unforked", "anna");
  copy = g_new0 (PgStation, 1);
  copy->replica = sync_replica_copy (a->replica);
  copy->session = pg_server_login (server, "unforked", "anna");
  pg_station_edit (a, id, "city", "Riga");
  sync_up (a);
  pg_station_edit (copy, id, "street", "Main Street");
  g_assert_true (sync_up (copy).forked);
  pg_station_edit (copy, id, "notes", "settled, and lost with the server");
  sync_up (copy);
  ct_session_close (copy->session);
  ct_session_close (a->session);
  a->session = pg_server_login (server, "forgetful", "anna");
  copy->session = pg_server_login (server, "forgetful", "anna");
  pg_station_edit (copy, id, "country", "LV");
  report = sync_up (copy);
  g_assert_true (report.forked && report.pulled.offer_again);
  sync_up (a);
  sync_up (copy);
  assert_same (a, copy);
  assert_value (a, id, "city || ', ' || street || ', ' || notes || ', ' || country",
                "Riga, Main Street, settled, and lost with the server, LV");
  g_assert_cmpint (in_tray (a) + in_tray (copy), ==, 0);
  root = pg_server_login (server, "forgetful", "postgres");
  g_assert_true (ct_session_run (root, NULL, NULL,
                                 "UPDATE sync.devices SET revoked_at = 1 WHERE forked_from IS NOT NULL", ""));
  pg_station_edit (copy, id, "country", "EE");
  g_assert_false (ct_sync_round (copy->replica->db, copy->replica->commander, copy->session,
                                 copy->replica->now, NULL, &report, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_REFUSED);
  g_assert_false (report.forked);
}

/* The server is restored from a backup: the replicas notice, and offer again what it has lost. */
static void
test_restored_server (void)
{
  g_autoptr (PgStation) a = NULL, b = NULL;
  g_autofree char *id = NULL, *later = NULL;
  CtSyncReport report;

  pg_server_create (server, "before", policy);
  a = station_new ("before", "anna");
  b = station_new ("before", "ben");
  id = pg_station_add (a, "Nordwind", "south");
  sync_up (a);
  sync_up (b);
  g_clear_pointer (&a->session, ct_session_close);
  g_clear_pointer (&b->session, ct_session_close);
  back_up ("before", "after");
  a->session = pg_server_login (server, "before", "anna");
  b->session = pg_server_login (server, "before", "ben");
  pg_station_edit (a, id, "city", "Riga");
  later = pg_station_add (a, "Made after the backup", "south");
  sync_up (a);
  sync_up (b);
  pg_station_edit (b, id, "notes", "settled, and lost with the server");
  sync_up (b);
  /* the server is lost, the backup takes its place */
  ct_session_close (a->session);
  ct_session_close (b->session);
  a->session = pg_server_login (server, "after", "anna");
  b->session = pg_server_login (server, "after", "ben");
  report = sync_up (a);
  g_assert_true (report.pulled.offer_again);
  g_assert_cmpuint (report.pushed, ==, 2);
  report = sync_up (b);
  g_assert_true (report.pulled.offer_again);
  sync_up (a);
  sync_up (b);
  assert_same (a, b);
  assert_value (b, id, "city || ', ' || notes", "Riga, settled, and lost with the server");
  assert_value (b, later, "legal_name", "Made after the backup");
  g_assert_cmpint (in_tray (a) + in_tray (b), ==, 0);
}

/* What the restored server settles otherwise than the one that was lost is in the tray of every copy of the workspace. */
static void
test_settled_otherwise (void)
{
  g_autoptr (PgStation) a = NULL, copy = NULL, b = NULL;
  g_autofree char *id = NULL;

  pg_server_create (server, "first", policy);
  a = station_new ("first", "anna");
  b = station_new ("first", "ben");
  id = pg_station_add (a, "Nordwind", "south");
  sync_up (a);
  sync_up (b);
  ct_session_close (a->session);
  ct_session_close (b->session);
  back_up ("first", "second");
  a->session = pg_server_login (server, "first", "anna");
  pg_station_edit (a, id, "city", "Riga");
  sync_up (a);
  copy = g_new0 (PgStation, 1);
  copy->replica = sync_replica_copy (a->replica);
  copy->session = pg_server_login (server, "second", "anna");
  ct_session_close (a->session);
  a->session = pg_server_login (server, "second", "anna");
  b->session = pg_server_login (server, "second", "ben");
  pg_station_edit (b, id, "city", "Tartu");
  sync_up (b);
  sync_up (a);
  g_assert_cmpint (in_tray (a), ==, 1);
  sync_up (copy);
  g_assert_cmpint (in_tray (copy), ==, 1);
  assert_same (a, copy);
  assert_value (copy, id, "city", "Tartu");
}

/* Somebody wrote into the file past the commands: the replica is taken anew, a copy stays, pending work goes on. */
static void
test_tampered_replica (void)
{
  g_autoptr (PgStation) a = NULL, b = NULL;
  g_autofree char *id = NULL, *copy = NULL;
  CtSyncReport report;

  pg_server_create (server, "tampered", policy);
  a = station_new ("tampered", "anna");
  b = station_new ("tampered", "ben");
  id = pg_station_add (a, "Nordwind", "south");
  sync_up (a);
  sync_up (b);
  pg_station_edit (b, id, "city", "Riga");
  g_assert_true (
      ct_db_exec (b->replica->db, "UPDATE distributors SET city = 'tampered', legal_name = 'too'", NULL));
  pg_station_edit (a, id, "street", "Main Street");
  sync_up (a);
  report = sync_up (b);
  g_assert_true (report.rebuilt);
  assert_value (b, id, "legal_name || ', ' || city || ', ' || street", "Nordwind, Riga, Main Street");
  copy = g_strdup_printf ("%s.damaged-%" G_GINT64_FORMAT, ct_db_get_path (b->replica->db), b->replica->now);
  g_assert_true (g_file_test (copy, G_FILE_TEST_EXISTS));
  sync_up (a);
  assert_same (a, b);
}

/* Rows of another region never come; a row that leaves takes pending work on it to the tray. */
static void
test_scopes (void)
{
  g_autoptr (PgStation) a = NULL, n = NULL;
  g_autofree char *secret = NULL, *leaves = NULL;

  pg_server_create (server, "regions", policy);
  a = station_new ("regions", "anna");
  n = station_new ("regions", "north");
  secret = pg_station_add (a, "Secret", "south");
  leaves = pg_station_add (a, "Leaves", "north");
  sync_up (a);
  sync_up (n);
  g_assert_cmpint (sync_replica_number (n->replica, "SELECT count(*) FROM distributors"), ==, 1);
  pg_station_edit (n, leaves, "city", "Riga");
  pg_station_edit (a, leaves, "region", "south");
  sync_up (a);
  g_assert_cmpuint (sync_up (n).pulled.gone, ==, 1);
  g_assert_cmpint (sync_replica_number (n->replica, "SELECT count(*) FROM distributors"), ==, 0);
  g_assert_cmpint (
      sync_replica_number (n->replica,
                           "SELECT count(*) FROM distributors_fts WHERE distributors_fts MATCH 'leaves'"),
      ==, 0);
  g_assert_cmpint (in_tray (n), ==, 1);
  /* what they may not do there is rejected there, and shown here */
  g_free (pg_station_add (n, "Not yours to make", "south"));
  g_assert_cmpuint (sync_up (n).pulled.rejected, ==, 1);
  g_assert_cmpint (in_tray (n), ==, 2);
  assert_value (a, secret, "legal_name", "Secret");
}

/* A rejection in the middle of the queue: what builds on it follows it to the tray, the rest is pushed. */
static void
test_queue_after_rejection (void)
{
  g_autoptr (PgStation) a = NULL;
  g_autofree char *first = NULL, *refused = NULL, *codes = NULL;
  g_autoptr (CtSession) root = NULL;

  pg_server_create (server, "queue", policy);
  a = station_new ("queue", "north");
  first = pg_station_add (a, "First", "north");
  refused = pg_station_add (a, "Refused", "south");
  pg_station_edit (a, refused, "city", "Riga");
  pg_station_edit (a, first, "city", "Tartu");
  sync_up (a);
  codes = sync_replica_text (
      a->replica, "SELECT group_concat(seq || json_extract(theirs, '$.code'), ' ') FROM attention");
  g_assert_cmpstr (codes, ==, "3refused 4depends");
  assert_value (a, first, "city", "Tartu");
  g_assert_cmpint (sync_replica_number (a->replica, "SELECT acknowledged FROM sync_state"), ==, 5);
  /* the chain that the server has is whole: it knows of the withdrawn command too */
  root = pg_server_login (server, "queue", "postgres");
  g_assert_cmpint (pg_number (root, "SELECT count(*) FROM audit.intents"), ==, 4);
  g_assert_cmpint (
      pg_number (root, "SELECT count(*) FROM sync.outcomes WHERE answer ->> 'code' = 'withdrawn'"), ==, 1);
}

/* ---- random ---- */

static void
act (PgStation *self, GRand *rand)
{
  static const char *const columns[] = { "legal_name", "city", "street", "notes", "country" };
  static const char *const regions[] = { "north", "south" };
  const char *column = columns[g_rand_int_range (rand, 0, G_N_ELEMENTS (columns))];
  g_autofree char *sql = g_strdup_printf ("SELECT uuid_text(id) FROM distributors ORDER BY id LIMIT 1 OFFSET "
                                          "%u %% max(1, (SELECT count(*) FROM distributors))",
                                          g_rand_int (rand) >> 8);
  g_autofree char *id = ct_db_read_text (self->replica->db, NULL, sql, "");
  g_autofree char *args = NULL;
  const char *command = "distributor.edit";
  int what = g_rand_int_range (rand, 0, 10);
  CtId made;

  if (!id || what == 0) {
    command = "distributor.create";
    args = g_strdup_printf ("{\"legal_name\":\"%u\",\"currency\":\"EUR\",\"region\":\"%s\"}",
                            g_rand_int (rand), regions[g_rand_int_range (rand, 0, 2)]);
  } else if (what <= 2) {
    command = what == 1 ? "distributor.archive" : "distributor.restore";
    args = g_strdup_printf ("{\"id\":\"%s\"}", id);
  } else if (what == 3) {
    args = g_strdup_printf ("{\"id\":\"%s\",\"region\":\"%s\"}", id, regions[g_rand_int_range (rand, 0, 2)]);
  } else {
    args = g_strdup_printf ("{\"id\":\"%s\",\"%s\":\"%u\"}", id, column, g_rand_int (rand));
  }
  sync_replica_try (self->replica, command, args, &made, NULL);
}

/* An order of one of the distributors that are here, or a change of one of the orders. */
static void
act_on_orders (PgStation *self, GRand *rand)
{
  gboolean making = g_rand_int_range (rand, 0, 3) == 0;
  const char *table = making ? "distributors" : "orders";
  g_autofree char *sql = g_strdup_printf ("SELECT uuid_text(id) FROM %s ORDER BY id LIMIT 1 OFFSET "
                                          "%u %% max(1, (SELECT count(*) FROM %s))",
                                          table, g_rand_int (rand) >> 8, table);
  g_autofree char *id = ct_db_read_text (self->replica->db, NULL, sql, "");
  g_autofree char *lines =
      g_strdup_printf ("\"lines\":[{\"sku\":\"A\",\"quantity_milli\":1000,\"unit_price_minor\":%d}]",
                       g_rand_int_range (rand, 1, 1000));
  g_autofree char *args = NULL;
  CtId made;

  if (making)
    args = g_strdup_printf ("{\"distributor_id\":\"%s\",\"currency\":\"EUR\",%s}", id, lines);
  else if (g_rand_boolean (rand))
    args = g_strdup_printf ("{\"id\":\"%s\",%s}", id, lines);
  else
    args = g_strdup_printf ("{\"id\":\"%s\",\"notes\":\"%u\"}", id, g_rand_int (rand));
  if (id)
    sync_replica_try (self->replica, making ? "order.create" : "order.edit", args, &made, NULL);
}

/* Of orders and lines what differs first where something went wrong: @uuid makes a key text. */
static char *
order_rows_sql (const char *schema, const char *aggregate, const char *uuid)
{
  return g_strdup_printf (
      "SELECT coalesce(%2$s, '') FROM (SELECT %3$s(o.id) || ' ' || o.number || ' ' || o.rev || ' ' || "
      "o.notes || ' ' ||"
      " o.total_minor || ' ' || o.updated_at || ' ' || %3$s(o.distributor_id) || ' ' || coalesce(%3$s(l.id), "
      "'') || ' ' ||"
      " coalesce(l.total_minor, 0) AS r FROM %1$sorders o LEFT JOIN %1$sorder_lines l ON l.order_id = o.id"
      " ORDER BY o.id, l.id) x",
      schema, aggregate, uuid);
}

static void
assert_same_orders (PgStation *self)
{
  g_autofree char *here_sql = order_rows_sql ("", "group_concat(r, char(10))", "uuid_text");
  g_autofree char *there_sql = order_rows_sql ("api.", "string_agg(r, E'\\n')", "text");
  g_autofree char *here = sync_replica_text (self->replica, here_sql),
                  *there = pg_text (self->session, there_sql);

  g_assert_cmpstr (here, ==, there);
}

static char *
server_rows (const char *login, const char *database)
{
  g_autoptr (CtSession) session = pg_server_login (server, database, login);

  return pg_text (
      session,
      "SELECT coalesce(string_agg(id || ' ' || number || ' ' || rev || ' ' || legal_name || ' ' || city"
      " || ' ' || street || ' ' || notes || ' ' || country || ' ' || region || ' ' || updated_at"
      " || ' ' || coalesce(archived_at, 0), E'\\n' ORDER BY id), '') FROM api.distributors");
}

static char *
replica_rows (PgStation *self)
{
  return sync_replica_text (
      self->replica,
      "SELECT coalesce(group_concat(r, char(10)), '') FROM (SELECT uuid_text(id) || ' ' || number || ' ' ||"
      " rev || ' ' || legal_name || ' ' || city || ' ' || street || ' ' || notes || ' ' || country || ' ' ||"
      " region || ' ' || updated_at || ' ' || coalesce(archived_at, 0) AS r FROM distributors ORDER BY id)");
}

/* Three people act and sync in any order; in the end each sees exactly what the server lets them see. */
static void
test_random (void)
{
  static const char *const logins[] = { "anna", "ben", "north" };
  guint settled = 0, left = 0, orders = 0;

  for (guint32 seed = 1; seed <= 4; seed++) {
    g_autofree char *database = g_strdup_printf ("random%u", seed);
    g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
    PgStation *stations[G_N_ELEMENTS (logins)];

    sync_replica_seed (seed);
    pg_server_create (server, database, policy);
    for (guint i = 0; i < G_N_ELEMENTS (logins); i++)
      stations[i] = station_new (database, logins[i]);
    for (int step = 0; step < 80; step++) {
      PgStation *station = stations[g_rand_int_range (rand, 0, G_N_ELEMENTS (logins))];

      switch (g_rand_int_range (rand, 0, 6)) {
      case 0:
        settled += sync_up (station).pulled.settled;
        break;
      case 1:
        settled += pull_only (station).pulled.settled;
        break;
      case 2:
        act_on_orders (station, rand);
        break;
      default:
        act (station, rand);
        break;
      }
    }
    for (int round = 0; round < 2; round++)
      for (guint i = 0; i < G_N_ELEMENTS (logins); i++)
        settled += sync_up (stations[i]).pulled.settled;
    for (guint i = 0; i < G_N_ELEMENTS (logins); i++) {
      g_autofree char *there = server_rows (logins[i], database), *here = replica_rows (stations[i]);
      gint64 pending, oldest;

      g_assert_cmpstr (here, ==, there);
      assert_same_orders (stations[i]);
      orders += (guint) sync_replica_number (stations[i]->replica, "SELECT count(*) FROM order_lines");
      g_assert_true (ct_backlog_waiting (stations[i]->replica->db, &pending, &oldest, NULL));
      g_assert_cmpint (pending, ==, 0);
      left += (guint) in_tray (stations[i]);
      pg_station_free (stations[i]);
    }
  }
  g_test_message ("%u settled, %u in trays", settled, left);
  g_assert_cmpuint (settled, >, 50);
  g_assert_cmpuint (orders, >, 5);
  g_assert_cmpuint (left, >, 10);
}

int
main (int argc, char **argv)
{
  g_autofree char *path = g_build_filename (CT_SOURCE_ROOT, "schema", "policy.json", NULL);
  int result;

  g_test_init (&argc, &argv, NULL);
  g_assert_true (g_file_get_contents (path, &policy, NULL, NULL));
  server = pg_server_start ();
  g_test_add_func ("/pg/replicas/travels", test_travels);
  g_test_add_func ("/pg/replicas/leaf-commits-to-row", test_leaf_commits_to_row);
  g_test_add_func ("/pg/replicas/concurrent-edits", test_concurrent_edits);
  g_test_add_func ("/pg/replicas/offline-decision", test_offline_decision);
  g_test_add_func ("/pg/replicas/lost-answer", test_lost_answer);
  g_test_add_func ("/pg/replicas/copied-workspace", test_copied_workspace);
  g_test_add_func ("/pg/replicas/copied-queue", test_copied_queue);
  g_test_add_func ("/pg/replicas/restored-workspace", test_restored_workspace);
  g_test_add_func ("/pg/replicas/restored-server", test_restored_server);
  g_test_add_func ("/pg/replicas/forgotten-fork", test_forgotten_fork);
  g_test_add_func ("/pg/replicas/settled-otherwise", test_settled_otherwise);
  g_test_add_func ("/pg/replicas/tampered-replica", test_tampered_replica);
  g_test_add_func ("/pg/replicas/scopes", test_scopes);
  g_test_add_func ("/pg/replicas/queue-after-rejection", test_queue_after_rejection);
  g_test_add_func ("/pg/replicas/random", test_random);
  result = g_test_run ();
  pg_server_stop (server);
  g_free (policy);
  return result;
}
