/* Undo, write, run again: what comes out must be what a fresh replica would show. */
#include "sync-server.h"
#include "ct-changes.h"
#include "ct-rebase-rows.h"

#include <string.h>

#define SCENARIOS 300

static char *blank; /* the file of a new workspace */

static CtRebaseReport
pull (SyncServer *server, SyncReplica *replica, gboolean whole)
{
  g_autoptr (CtPulled) pulled = sync_server_pull (server, replica, whole);
  g_autoptr (GError) error = NULL;
  CtRebaseReport report = { 0 };

  ct_rebase_apply (replica->db, replica->commander, pulled, replica->now, 0, &report, &error);
  g_assert_no_error (error);
  return report;
}

static CtId
add_to_server (SyncServer *server, const char *name)
{
  CtId id = sync_replica_new_id ();

  sync_server_put (server, "distributors", &id,
                   ct_json_build ("ssss", "legal_name", name, "currency", "EUR", "city", "", "source", ""));
  return id;
}

static char *
key_of (const CtId *id)
{
  g_autofree char *text = ct_id_to_string (id);

  return g_strdup_printf ("distributors %s", text);
}

static void
edit_on_server (SyncServer *server, const CtId *id, const char *column, const char *value)
{
  g_autofree char *key = key_of (id);

  json_object_set_string_member (sync_server_edit (server, key), column, value);
}

static void
test_different_columns (void)
{
  g_autoptr (SyncReplica) replica = sync_replica_open (blank);
  g_autoptr (SyncServer) server = sync_server_new ();
  CtId id = add_to_server (server, "Nordwind");
  g_autofree char *text = ct_id_to_string (&id), *both = NULL;
  CtRebaseReport report;

  pull (server, replica, TRUE);
  sync_replica_run (replica, "distributor.edit", "{\"id\":\"%s\",\"city\":\"Riga\"}", text);
  edit_on_server (server, &id, "legal_name", "Nordwind AG");
  report = pull (server, replica, FALSE);
  g_assert_true (report.rerun);
  g_assert_cmpuint (report.parked, ==, 0);
  both = sync_replica_text (replica, "SELECT legal_name || ' ' || city FROM distributors");
  g_assert_cmpstr (both, ==, "Nordwind AG Riga");
  sync_replica_check (replica);
}

static void
test_same_column (void)
{
  g_autoptr (SyncReplica) replica = sync_replica_open (blank);
  g_autoptr (SyncServer) server = sync_server_new ();
  CtId id = add_to_server (server, "Nordwind");
  g_autofree char *text = ct_id_to_string (&id), *city = NULL, *mine = NULL;
  g_autoptr (JsonArray) tray = NULL;
  CtRebaseReport report;

  pull (server, replica, TRUE);
  sync_replica_run (replica, "distributor.edit", "{\"id\":\"%s\",\"city\":\"Riga\"}", text);
  edit_on_server (server, &id, "city", "Tartu");
  report = pull (server, replica, FALSE);
  g_assert_cmpuint (report.parked, ==, 1);
  city = sync_replica_text (replica, "SELECT city FROM distributors");
  g_assert_cmpstr (city, ==, "Tartu");
  mine = sync_replica_text (replica, "SELECT json_extract(theirs, '$.code') || ' ' ||"
                                     " json_extract(theirs, '$.columns[0].base') ||"
                                     " json_extract(theirs, '$.columns[0].mine') || '/' ||"
                                     " json_extract(theirs, '$.columns[0].theirs') FROM attention");
  g_assert_cmpstr (mine, ==, "conflict Riga/Tartu");
  tray = ct_tray_list (replica->db, NULL);
  g_assert_cmpuint (json_array_get_length (tray), ==, 1);
  sync_replica_check (replica);
}

/* Both wrote the same: nobody needs to be asked. */
static void
test_same_value (void)
{
  g_autoptr (SyncReplica) replica = sync_replica_open (blank);
  g_autoptr (SyncServer) server = sync_server_new ();
  CtId id = add_to_server (server, "Nordwind");
  g_autofree char *text = ct_id_to_string (&id);

  pull (server, replica, TRUE);
  sync_replica_run (replica, "distributor.edit", "{\"id\":\"%s\",\"city\":\"Riga\"}", text);
  edit_on_server (server, &id, "city", "Riga");
  g_assert_cmpuint (pull (server, replica, FALSE).parked, ==, 0);
  sync_replica_check (replica);
}

/* What builds on a command that moves to the tray follows it; what does not stays. */
static void
test_dependents (void)
{
  g_autoptr (SyncReplica) replica = sync_replica_open (blank);
  g_autoptr (SyncServer) server = sync_server_new ();
  CtId id = add_to_server (server, "Nordwind"), other = add_to_server (server, "Other");
  g_autofree char *text = ct_id_to_string (&id), *other_text = ct_id_to_string (&other), *key = key_of (&id);
  g_autofree char *codes = NULL;

  pull (server, replica, TRUE);
  sync_replica_run (replica, "distributor.edit", "{\"id\":\"%s\",\"city\":\"Riga\"}", text);
  sync_replica_run (replica, "distributor.edit", "{\"id\":\"%s\",\"notes\":\"after Riga\"}", text);
  sync_replica_run (replica, "distributor.edit", "{\"id\":\"%s\",\"city\":\"Oslo\"}", other_text);
  sync_replica_run (replica, "contact.create", "{\"distributor_id\":\"%s\",\"name\":\"Eva\"}", text);
  sync_server_delete (server, key);
  g_assert_cmpuint (pull (server, replica, FALSE).parked, ==, 3);
  codes = sync_replica_text (
      replica, "SELECT group_concat(seq || json_extract(theirs, '$.code'), ' ') FROM attention");
  g_assert_cmpstr (codes, ==, "2stale 3depends 5stale");
  g_assert_cmpint (sync_replica_number (replica, "SELECT count(*) FROM distributors WHERE city = 'Oslo'"), ==,
                   1);
  g_assert_cmpint (sync_replica_number (replica, "SELECT count(*) FROM contacts"), ==, 0);
  /* a later command is a new beginning: it does not follow what lies in the tray */
  edit_on_server (server, &other, "notes", "x");
  sync_replica_run (replica, "distributor.edit", "{\"id\":\"%s\",\"street\":\"1\"}", other_text);
  g_assert_cmpuint (pull (server, replica, FALSE).parked, ==, 0);
  sync_replica_check (replica);
}

/* Rows that swap a UNIQUE value come in one pull; so does one that takes the value of a row that leaves. */
static void
test_swapped_numbers (void)
{
  g_autoptr (SyncReplica) replica = sync_replica_open (blank);
  g_autoptr (SyncServer) server = sync_server_new ();
  CtId a = add_to_server (server, "A"), b = add_to_server (server, "B");
  g_autofree char *numbers = NULL, *n = NULL, *same_n = NULL;

  pull (server, replica, TRUE);
  n = sync_replica_text (replica,
                         "SELECT group_concat(n) FROM (SELECT n FROM distributors ORDER BY legal_name)");
  edit_on_server (server, &a, "number", "DIST-2023-0002");
  edit_on_server (server, &b, "number", "DIST-2023-0001");
  pull (server, replica, FALSE);
  numbers = sync_replica_text (
      replica,
      "SELECT group_concat(legal_name || number) FROM (SELECT * FROM distributors ORDER BY legal_name)");
  g_assert_cmpstr (numbers, ==, "ADIST-2023-0002,BDIST-2023-0001");
  same_n = sync_replica_text (replica,
                              "SELECT group_concat(n) FROM (SELECT n FROM distributors ORDER BY legal_name)");
  g_assert_cmpstr (n, ==, same_n);
  sync_replica_check (replica);
}

/* A provisional number gives way to the authority's; the local number of the row stays. */
static void
test_number_arrives (void)
{
  g_autoptr (SyncReplica) replica = sync_replica_open (blank);
  g_autoptr (SyncServer) server = sync_server_new ();
  g_autofree char *provisional = NULL, *given = NULL;
  gint64 n;
  CtRebaseReport report;

  sync_replica_run (replica, "distributor.create", "{\"legal_name\":\"New\",\"currency\":\"EUR\"}");
  n = sync_replica_number (replica, "SELECT n FROM distributors");
  provisional = sync_replica_text (replica, "SELECT number FROM distributors");
  g_assert_cmpstr (provisional, ==, "DIST-~1");
  sync_server_take (server, replica, 2);
  report = pull (server, replica, FALSE);
  g_assert_cmpuint (report.settled, ==, 1);
  given = sync_replica_text (replica, "SELECT number FROM distributors");
  g_assert_cmpstr (given, ==, "DIST-2023-0001");
  g_assert_cmpint (sync_replica_number (replica, "SELECT n FROM distributors"), >=, n);
  g_assert_cmpint (sync_replica_number (replica, "SELECT count(*) FROM sync_touches"), ==, 0);
  sync_replica_check (replica);
}

/* Archiving offline and restoring again: the server's clock in between is no conflict. */
static void
test_stamps_are_no_conflict (void)
{
  g_autoptr (SyncReplica) replica = sync_replica_open (blank);
  g_autoptr (SyncServer) server = sync_server_new ();
  CtId id = add_to_server (server, "Nordwind");
  g_autofree char *text = ct_id_to_string (&id), *key = key_of (&id);
  CtRebaseReport report;

  pull (server, replica, TRUE);
  sync_replica_run (replica, "distributor.archive", "{\"id\":\"%s\"}", text);
  sync_replica_run (replica, "distributor.restore", "{\"id\":\"%s\"}", text);
  sync_server_take (server, replica, 2);
  json_object_set_int_member (sync_server_edit (server, key), "archived_at", 1234567);
  report = pull (server, replica, FALSE);
  g_assert_cmpuint (report.settled, ==, 1);
  g_assert_cmpuint (report.parked, ==, 0);
  g_assert_cmpint (sync_replica_number (replica, "SELECT archived_at IS NULL FROM distributors"), ==, 1);
  sync_replica_check (replica);
}

/* Undo of a pending command stays right when both are run again. */
static void
test_undo (void)
{
  g_autoptr (SyncReplica) replica = sync_replica_open (blank);
  g_autoptr (SyncServer) server = sync_server_new ();
  CtId id = add_to_server (server, "Nordwind");
  g_autofree char *text = ct_id_to_string (&id), *command = NULL, *city = NULL;

  pull (server, replica, TRUE);
  sync_replica_run (replica, "distributor.edit", "{\"id\":\"%s\",\"city\":\"Riga\"}", text);
  command =
      sync_replica_text (replica, "SELECT uuid_text(command_id) FROM intents ORDER BY seq DESC LIMIT 1");
  sync_replica_run (replica, "command.undo", "{\"command\":\"%s\"}", command);
  edit_on_server (server, &id, "legal_name", "Nordwind AG");
  g_assert_cmpuint (pull (server, replica, FALSE).parked, ==, 0);
  city = sync_replica_text (replica, "SELECT legal_name || city FROM distributors");
  g_assert_cmpstr (city, ==, "Nordwind AG");
  g_assert_cmpint (sync_replica_number (replica, "SELECT count(*) FROM undone"), ==, 1);
  sync_replica_check (replica);
}

/* Rows that nothing pending touches are written beside it. */
static void
test_beside (void)
{
  g_autoptr (SyncReplica) replica = sync_replica_open (blank);
  g_autoptr (SyncServer) server = sync_server_new ();
  CtId id = add_to_server (server, "Nordwind"), other = add_to_server (server, "Other");
  g_autofree char *text = ct_id_to_string (&id), *taken = NULL;
  CtRebaseReport report;

  pull (server, replica, TRUE);
  sync_replica_run (replica, "distributor.edit", "{\"id\":\"%s\",\"external_ref\":\"7\"}", text);
  edit_on_server (server, &other, "city", "Oslo");
  report = pull (server, replica, FALSE);
  g_assert_false (report.rerun);
  g_assert_cmpuint (report.rows, ==, 1);
  /* unless it holds a value that is UNIQUE and that the server gave to another row */
  edit_on_server (server, &other, "external_ref", "7");
  report = pull (server, replica, FALSE);
  g_assert_true (report.rerun);
  g_assert_cmpuint (report.parked, ==, 1);
  taken = sync_replica_text (replica, "SELECT legal_name FROM distributors WHERE external_ref = '7'");
  g_assert_cmpstr (taken, ==, "Other");
  sync_replica_check (replica);
}

/* A pull that began before another one was written must not turn rows back. */
static void
test_stale_pull (void)
{
  g_autoptr (SyncReplica) replica = sync_replica_open (blank);
  g_autoptr (SyncServer) server = sync_server_new ();
  CtId id = add_to_server (server, "Nordwind");
  g_autoptr (CtPulled) early = sync_server_pull (server, replica, TRUE);
  g_autoptr (GError) error = NULL;
  CtRebaseReport report;

  edit_on_server (server, &id, "city", "Oslo");
  pull (server, replica, TRUE);
  g_assert_false (ct_rebase_apply (replica->db, replica->commander, early, 1, 0, &report, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_BUSY);
  g_assert_cmpint (sync_replica_number (replica, "SELECT count(*) FROM distributors WHERE city = 'Oslo'"), ==,
                   1);
}

/* Somebody wrote past the commands: noticed, nothing changed, and mended from a whole pull. */
static void
test_rebuild (void)
{
  g_autoptr (SyncReplica) replica = sync_replica_open (blank);
  g_autoptr (SyncServer) server = sync_server_new ();
  CtId id = add_to_server (server, "Nordwind");
  g_autofree char *text = ct_id_to_string (&id), *after = NULL;
  g_autoptr (CtPulled) part = NULL, whole = NULL;
  g_autoptr (GError) error = NULL;
  CtRebaseReport report;

  pull (server, replica, TRUE);
  sync_replica_run (replica, "distributor.edit", "{\"id\":\"%s\",\"city\":\"Riga\"}", text);
  g_assert_true (ct_db_exec (replica->db, "UPDATE distributors SET city = 'tampered'", NULL));
  edit_on_server (server, &id, "legal_name", "Nordwind AG");
  part = sync_server_pull (server, replica, FALSE);
  g_assert_false (ct_rebase_apply (replica->db, replica->commander, part, 1, 0, &report, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_CORRUPT);
  g_assert_cmpint (sync_replica_number (replica, "SELECT count(*) FROM distributors WHERE city = 'tampered'"),
                   ==, 1);
  whole = sync_server_pull (server, replica, TRUE);
  g_clear_error (&error);
  ct_rebase_apply (replica->db, replica->commander, whole, 1, CT_REBASE_REBUILD, &report, &error);
  g_assert_no_error (error);
  after = sync_replica_text (replica, "SELECT legal_name || ' ' || city FROM distributors");
  g_assert_cmpstr (after, ==, "Nordwind AG Riga");
  sync_replica_check (replica);
}

/* The choices of a person. */
static void
test_tray (void)
{
  static const struct {
    const char *choice, *args, *city;
    int pending;
  } cases[] = {
    { "theirs", NULL, "Tartu", 0 },
    { "discard", NULL, "Tartu", 0 },
    { "mine", NULL, "Riga", 1 },
    { "edit", "Riga and Tartu", "Riga and Tartu", 1 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (SyncReplica) replica = sync_replica_open (blank);
    g_autoptr (SyncServer) server = sync_server_new ();
    CtId id = add_to_server (server, "Nordwind");
    g_autofree char *text = ct_id_to_string (&id), *city = NULL;
    g_autoptr (JsonObject) args =
        cases[i].args ? ct_json_build ("ss", "id", text, "city", cases[i].args) : NULL;
    g_autoptr (GError) error = NULL;
    gint64 pending, oldest;

    pull (server, replica, TRUE);
    sync_replica_run (replica, "distributor.edit", "{\"id\":\"%s\",\"city\":\"Riga\"}", text);
    edit_on_server (server, &id, "city", "Tartu");
    pull (server, replica, FALSE);
    ct_tray_settle (replica->db, replica->commander, 2, cases[i].choice, args, "admin", replica->now, &error);
    g_assert_no_error (error);
    city = sync_replica_text (replica, "SELECT city FROM distributors");
    g_assert_cmpstr (city, ==, cases[i].city);
    g_assert_true (ct_backlog_waiting (replica->db, &pending, &oldest, NULL));
    g_assert_cmpint (pending, ==, cases[i].pending);
    g_assert_false (ct_tray_settle (replica->db, replica->commander, 2, "theirs", NULL, "admin", 1, &error));
    g_assert_error (error, CT_ERROR, CT_ERROR_NOT_FOUND);
    sync_replica_check (replica);
  }
}

/* What a hostile or broken server sends changes nothing. */
static void
test_bad_rows (void)
{
  static const struct {
    const char *column, *json;
  } cases[] = {
    { "legal_name", "[1]" }, { "legal_name", "null" }, { "currency", "\"EURO\"" }, { "value_band", "\"Z\"" },
    { "rev", "\"x\"" },      { "updated_at", "1.5" },  { "archived_at", "{}" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (SyncReplica) replica = sync_replica_open (blank);
    g_autoptr (SyncServer) server = sync_server_new ();
    g_autoptr (CtPulled) pulled = NULL;
    g_autoptr (GError) error = NULL;
    g_autofree char *before = NULL, *after = NULL, *key = NULL;
    CtId id = add_to_server (server, "Nordwind");
    CtRebaseReport report;

    pull (server, replica, TRUE);
    before = sync_replica_dump (replica);
    key = key_of (&id);
    json_object_set_member (sync_server_edit (server, key), cases[i].column,
                            ct_json_parse (cases[i].json, -1, 100, NULL));
    pulled = sync_server_pull (server, replica, FALSE);
    g_assert_false (ct_rebase_apply (replica->db, replica->commander, pulled, 1, 0, &report, &error));
    g_assert_error (error, CT_ERROR, CT_ERROR_INVALID);
    after = sync_replica_dump (replica);
    g_assert_cmpstr (before, ==, after);
  }
}

/* ---- random scenarios ---- */

static const char *const columns[] = {
  "legal_name", "city", "street", "notes", "external_ref", "value_band"
};

static const char *
some_value (GRand *rand, const char *column)
{
  static const char *const values[] = { "ash", "birch", "cedar", "dogwood", "elm" };
  static const char *const bands[] = { "A", "B", "C" };

  return g_str_equal (column, "value_band") ? bands[g_rand_int_range (rand, 0, 3)]
                                            : values[g_rand_int_range (rand, 0, 5)];
}

static void
change_server (SyncServer *server, GRand *rand)
{
  const char *key = NULL, *other = NULL, *column;
  JsonObject *row = sync_server_any (server, "distributors", rand, &key);
  g_autofree char *first = NULL, *second = NULL;

  switch (row ? g_rand_int_range (rand, 0, 10) : 0) {
  case 0:
    add_to_server (server, some_value (rand, ""));
    break;
  case 1:
    /* contacts keep their distributor */
    if (!sync_server_any (server, "contacts", rand, &other))
      sync_server_delete (server, key);
    break;
  case 2:
    sync_server_any (server, "distributors", rand, &other);
    first = g_strdup (ct_json_string (row, "number", ""));
    second = g_strdup (ct_json_string (g_hash_table_lookup (server->rows, other), "number", ""));
    json_object_set_string_member (sync_server_edit (server, key), "number", second);
    json_object_set_string_member (sync_server_edit (server, other), "number", first);
    break;
  case 3:
    row = sync_server_edit (server, key);
    if (ct_json_int (row, "archived_at", 0))
      json_object_set_null_member (row, "archived_at");
    else
      json_object_set_int_member (row, "archived_at", 1650000000000);
    break;
  default:
    column = columns[g_rand_int_range (rand, 0, G_N_ELEMENTS (columns))];
    /* UNIQUE: the server would not have taken it */
    if (g_str_equal (column, "external_ref"))
      break;
    json_object_set_string_member (sync_server_edit (server, key), column, some_value (rand, column));
    break;
  }
}

/* Whatever the person tries; some of it is refused at once. */
static void
change_replica (SyncReplica *replica, GRand *rand)
{
  static const char *const verbs[] = { "edit",    "edit",    "edit",   "edit",
                                       "archive", "restore", "create", "contact" };
  const char *verb = verbs[g_rand_int_range (rand, 0, G_N_ELEMENTS (verbs))];
  const char *column = columns[g_rand_int_range (rand, 0, G_N_ELEMENTS (columns))];
  g_autofree char *sql = g_strdup_printf ("SELECT uuid_text(id) FROM distributors ORDER BY id LIMIT 1 OFFSET "
                                          "%u %% max(1, (SELECT count(*) FROM distributors))",
                                          g_rand_int (rand) >> 8);
  g_autofree char *id = ct_db_read_text (replica->db, NULL, sql, "");
  g_autofree char *command = NULL, *args = NULL;
  g_autoptr (GError) error = NULL;
  CtId made;

  if (!id || g_str_equal (verb, "create")) {
    command = g_strdup ("distributor.create");
    args = g_strdup_printf ("{\"legal_name\":\"%s\",\"currency\":\"EUR\"}", some_value (rand, ""));
  } else if (g_str_equal (verb, "contact")) {
    command = g_strdup ("contact.create");
    args = g_strdup_printf ("{\"distributor_id\":\"%s\",\"name\":\"%s\"}", id, some_value (rand, ""));
  } else if (g_str_equal (verb, "edit")) {
    command = g_strdup ("distributor.edit");
    args = g_strdup_printf ("{\"id\":\"%s\",\"%s\":\"%s\"}", id, column, some_value (rand, column));
  } else {
    command = g_strdup_printf ("distributor.%s", verb);
    args = g_strdup_printf ("{\"id\":\"%s\"}", id);
  }
  if (!sync_replica_try (replica, command, args, &made, &error))
    g_assert_true (error->domain == CT_ERROR && error->code != CT_ERROR_FAILED &&
                   error->code != CT_ERROR_CORRUPT);
}

/* The server settles the oldest pending commands, up to the first that it rejects. */
static void
settle_some (SyncServer *server, SyncReplica *replica, GRand *rand)
{
  gint64 seq = sync_replica_number (replica, "SELECT acknowledged FROM sync_state");
  gint64 last = sync_replica_number (replica, "SELECT max(seq) FROM intents");
  int most = g_rand_int_range (rand, 0, 4);

  for (int i = 0; i < most && ++seq <= last; i++) {
    CtPulledVerdict *verdict;

    sync_server_take (server, replica, seq);
    verdict = server->verdicts->pdata[server->verdicts->len - 1];
    if (verdict->verdict->kind == CT_PUSH_REJECTED && g_strcmp0 (verdict->verdict->code, "withdrawn") != 0)
      break;
  }
}

/* A replica that was made today: the server's rows, and the handlers of what is still pending. One file serves all
 * scenarios: what each writes is rolled back. */
static char *
fresh_dump (SyncReplica *fresh, SyncServer *server, SyncReplica *replica)
{
  g_autoptr (CtPulled) pulled = sync_server_pull (server, fresh, TRUE);
  g_autoptr (CtStmt) stmt = NULL;
  g_autoptr (GError) error = NULL;
  CtRebaseReport report = { 0 };
  char *dump;

  g_assert_true (ct_db_begin (fresh->db, NULL));
  ct_rebase_rows_write (fresh->db, pulled, NULL, &report, &error);
  g_assert_no_error (error);
  stmt = ct_db_query (
      replica->db, NULL,
      "SELECT name, args, command_id, occurred_at FROM intents WHERE seq NOT IN (SELECT seq FROM attention)"
      " AND seq > (SELECT acknowledged FROM sync_state) ORDER BY seq",
      "");
  while (ct_stmt_next (stmt)) {
    g_autoptr (JsonNode) args = ct_json_parse (ct_stmt_text (stmt, 1), -1, G_MAXSIZE, NULL);
    g_auto (CtOutcome) outcome = { 0 };
    CtId id;
    CtRequest request = {
      ct_stmt_text (stmt, 0), json_node_get_object (args), "admin", ct_stmt_int (stmt, 3), 0, &id
    };

    g_assert_true (ct_stmt_id (stmt, 2, &id));
    ct_commander_execute_within (fresh->commander, fresh->db, &request, &outcome, &error);
    g_assert_no_error (error);
  }
  g_assert_true (ct_stmt_finish (stmt, NULL));
  dump = sync_replica_dump (fresh);
  ct_db_rollback (fresh->db);
  return dump;
}

static void
play (guint32 seed, SyncReplica *other, CtRebaseReport *sum)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  g_autoptr (SyncReplica) replica = sync_replica_open (blank);
  g_autoptr (SyncServer) server = sync_server_new ();
  int rounds = g_rand_int_range (rand, 1, 5);

  sync_replica_seed (seed);

  for (int i = g_rand_int_range (rand, 0, 6); i > 0; i--)
    add_to_server (server, some_value (rand, ""));
  pull (server, replica, TRUE);
  for (int round = 0; round < rounds; round++) {
    g_autofree char *there = NULL, *fresh = NULL;
    CtRebaseReport report;

    for (int i = g_rand_int_range (rand, 0, 12); i > 0; i--)
      change_replica (replica, rand);
    for (int i = g_rand_int_range (rand, 0, 4); i > 0; i--)
      change_server (server, rand);
    settle_some (server, replica, rand);
    for (int i = g_rand_int_range (rand, 0, 3); i > 0; i--)
      change_server (server, rand);
    report = pull (server, replica, g_rand_int_range (rand, 0, 8) == 0);
    sum->settled += report.settled;
    sum->rejected += report.rejected;
    sum->parked += report.parked;
    there = sync_replica_dump (replica);
    fresh = fresh_dump (other, server, replica);
    g_assert_cmpstr (there, ==, fresh);
  }
  sync_replica_check (replica);
}

static void
test_random (void)
{
  g_autoptr (SyncReplica) fresh = sync_replica_open (blank);
  CtRebaseReport sum = { 0 };

  for (guint32 seed = 1; seed <= SCENARIOS; seed++) {
    g_test_message ("seed %u", seed);
    play (seed, fresh, &sum);
  }
  g_test_message ("%d scenarios: %u settled, %u rejected, %u parked", SCENARIOS, sum.settled, sum.rejected,
                  sum.parked);
  /* scenarios in which nothing happens would prove nothing */
  g_assert_cmpuint (sum.settled, >, SCENARIOS / 2);
  g_assert_cmpuint (sum.rejected, >, SCENARIOS / 30);
  g_assert_cmpuint (sum.parked, >, SCENARIOS / 2);
}

int
main (int argc, char **argv)
{
  SyncReplica *first;
  int result;

  g_test_init (&argc, &argv, NULL);
  first = sync_replica_new ();
  blank = g_build_filename (first->folder, "blank.db", NULL);
  g_assert_true (ct_db_run (first->db, NULL, "VACUUM INTO ?", "s", blank));
  g_test_add_func ("/sync/rebase/different-columns-merge", test_different_columns);
  g_test_add_func ("/sync/rebase/same-column-conflicts", test_same_column);
  g_test_add_func ("/sync/rebase/same-value-agrees", test_same_value);
  g_test_add_func ("/sync/rebase/dependents-follow", test_dependents);
  g_test_add_func ("/sync/rebase/swapped-numbers", test_swapped_numbers);
  g_test_add_func ("/sync/rebase/number-arrives", test_number_arrives);
  g_test_add_func ("/sync/rebase/stamps-are-no-conflict", test_stamps_are_no_conflict);
  g_test_add_func ("/sync/rebase/undo", test_undo);
  g_test_add_func ("/sync/rebase/beside-what-is-pending", test_beside);
  g_test_add_func ("/sync/rebase/stale-pull", test_stale_pull);
  g_test_add_func ("/sync/rebase/rebuild", test_rebuild);
  g_test_add_func ("/sync/rebase/tray", test_tray);
  g_test_add_func ("/sync/rebase/bad-rows", test_bad_rows);
  g_test_add_func ("/sync/rebase/random", test_random);
  result = g_test_run ();
  sync_replica_free (first);
  g_free (blank);
  return result;
}
