/* Exceptions and follow-up tasks between workstations and a real server. */
#include "pg-station.h"
#include "ct-config.h"
#include "ct-detect.h"

#include <string.h>

static PgServer *server;
static char *policy; /* schema/policy.json */

/* Two administrators with the shipped configuration and one overdue invoice. */
typedef struct {
  PgStation *a, *b; /* (owned) */
  char *distributor, *order;
} Pair;

static char *G_GNUC_PRINTF (3, 4) run (PgStation *self, const char *command, const char *format, ...)
{
  g_autofree char *args = NULL;
  va_list list;
  CtId id;

  va_start (list, format);
  args = g_strdup_vprintf (format, list);
  va_end (list);
  id = sync_replica_run (self->replica, command, "%s", args);
  return ct_id_to_string (&id);
}

#define act(self, command, ...) g_free (run (self, command, __VA_ARGS__))

static void
assert_text (PgStation *self, const char *sql, const char *expected)
{
  g_autofree char *text = sync_replica_text (self->replica, sql);

  g_assert_cmpstr (text, ==, expected);
}

static char *
text_of (PgStation *self, const char *sql)
{
  return sync_replica_text (self->replica, sql);
}

static void
detect (PgStation *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) counts = ct_detect (self->replica->commander, self->replica->db, "admin",
                                            self->replica->now += 1000, FALSE, NULL, NULL, &error);

  g_assert_no_error (error);
}

static char *
add_invoice (PgStation *self, const char *order)
{
  /* the replica's clock stands in November 2023 */
  return run (
      self, "invoice.create",
      "{\"order_id\":\"%s\",\"state\":\"issued\",\"amount_minor\":1284000,\"currency\":\"EUR\",\"issued_on\":"
      "\"2023-09-01\",\"due_on\":\"2023-10-01\"}",
      order);
}

static void
pair_begin (Pair *self, const char *database)
{
  g_autoptr (CtSession) root = NULL;
  g_autoptr (GError) error = NULL;

  pg_server_create (server, database, policy);
  /* who detects is the service */
  root = pg_server_login (server, database, "postgres");
  ct_session_script (root, "GRANT tower_agent TO ada, admin; SELECT sync.note_people()", NULL, &error);
  g_assert_no_error (error);
  self->a = pg_station_new (server, database, "ada");
  self->b = pg_station_new (server, database, "ada");
  pg_station_configure (self->a);
  self->distributor = run (self->a, "distributor.create",
                           "{\"legal_name\":\"Nordwind\",\"currency\":\"EUR\",\"region\":\"south\"}");
  self->order =
      run (self->a, "order.create",
           "{\"distributor_id\":\"%s\",\"currency\":\"EUR\",\"total_minor\":1284000}", self->distributor);
  g_free (add_invoice (self->a, self->order));
  pg_station_sync (self->a);
  pg_station_sync (self->b);
}

static void
pair_clear (Pair *self)
{
  pg_station_free (self->a);
  pg_station_free (self->b);
  g_free (self->distributor);
  g_free (self->order);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Pair, pair_clear)

static const char one_exception[] = "SELECT uuid_text(id) FROM exceptions WHERE rule = 'invoice-overdue'";

/* A snooze is pushed before the setting is pulled that it would have gone by: it and what follows are taken, and the clock that
 * stood here goes on everywhere. */
static void
test_snoozed_by_another_setting (void)
{
  g_auto (Pair) pair = { 0 };
  g_autofree char *exception = NULL, *task = NULL;

  pair_begin (&pair, "snoozed");
  act (pair.a, "setting.set", "{\"key\":\"sla.snooze_pauses\",\"value\":\"true\"}");
  detect (pair.a);
  exception = text_of (pair.a, one_exception);
  task = run (pair.a, "task.create",
              "{\"exception\":\"%s\",\"channels\":[{\"channel\":\"slack\",\"destination\":\"#ops\"}]}",
              exception);
  pg_station_sync (pair.a);
  pg_station_sync (pair.b);
  act (pair.b, "task.snooze", "{\"task\":\"%s\",\"until\":\"2024-01-01T00:00:00Z\"}", task);
  assert_text (pair.b, "SELECT sla_due_at IS NULL FROM follow_up_tasks", "1");
  act (pair.b, "task.note", "{\"task\":\"%s\",\"text\":\"Called them\"}", task);
  act (pair.a, "setting.set", "{\"key\":\"sla.snooze_pauses\",\"value\":\"false\"}");
  pg_station_sync (pair.a);
  pg_station_sync (pair.b);
  g_assert_cmpint (pg_station_tray (pair.b), ==, 0);
  pg_station_sync (pair.a);
  pg_station_assert_same (pair.a, pair.b);
  assert_text (pair.a,
               "SELECT status || ' ' || (sla_due_at IS NOT NULL) || ' ' || (SELECT count(*) FROM task_notes)"
               " FROM follow_up_tasks",
               "snoozed 1 1");
  assert_text (
      pair.a,
      "SELECT sum(event = 'pause') > 0 AND sum(event = 'pause') = sum(event = 'resume') FROM sla_events",
      "1");
  act (pair.b, "task.wake", "{\"task\":\"%s\"}", task);
  pg_station_sync (pair.b);
  g_assert_cmpint (pg_station_tray (pair.b), ==, 0);
}

/* Found, made into a task and pushed in one go; the other sees the same, numbers and times being the server's. */
static void
test_travels (void)
{
  g_auto (Pair) pair = { 0 };
  g_autofree char *exception = NULL, *task = NULL;
  g_autoptr (PgStation) n = NULL;

  pair_begin (&pair, "travels");
  n = pg_station_new (server, "travels", "north");
  detect (pair.a);
  exception = text_of (pair.a, one_exception);
  task = run (pair.a, "task.create",
              "{\"exception\":\"%s\",\"channels\":[{\"channel\":\"slack\",\"destination\":\"#ops\"}]}",
              exception);
  pg_station_sync (pair.a);
  g_assert_cmpint (pg_station_tray (pair.a), ==, 0);
  pg_station_sync (pair.b);
  pg_station_assert_same (pair.a, pair.b);
  assert_text (
      pair.b,
      "SELECT t.number LIKE 'FOLLOW-20__-001' AND e.number LIKE 'EXC-20__-____' AND e.opened_at = "
      "e.created_at"
      " AND t.status_since_at = t.created_at AND (SELECT count(*) FROM sla_events s WHERE s.subject_id = t.id"
      "   AND s.at = t.created_at) > 0 AND (SELECT count(*) FROM task_channels) = 1"
      /* the stations' clocks say 2023: what falls due does so after the server's */
      " AND t.sla_due_at > t.created_at AND t.sla_warning_at > t.created_at AND t.escalate_at > t.created_at"
      " FROM follow_up_tasks t JOIN exceptions e ON e.id = t.exception_id",
      "1");
  act (pair.b, "task.note", "{\"task\":\"%s\",\"text\":\"Called them\"}", task);
  act (pair.b, "task.snooze", "{\"task\":\"%s\",\"until\":\"2024-01-01T00:00:00Z\"}", task);
  act (pair.b, "task.wake", "{\"task\":\"%s\"}", task);
  act (pair.b, "task.resolve", "{\"task\":\"%s\",\"resolution\":\"paid\"}", task);
  act (pair.b, "exception.close", "{\"exception\":\"%s\",\"reason\":\"paid\"}", exception);
  pg_station_sync (pair.b);
  g_assert_cmpint (pg_station_tray (pair.b), ==, 0);
  pg_station_sync (pair.a);
  pg_station_assert_same (pair.a, pair.b);
  /* all of it goes where the distributor goes */
  pg_station_sync (n);
  assert_text (n, "SELECT (SELECT count(*) FROM exceptions) || (SELECT count(*) FROM sla_events)", "00");
  act (pair.a, "distributor.edit", "{\"id\":\"%s\",\"region\":\"north\"}", pair.distributor);
  pg_station_sync (pair.a);
  pg_station_sync (n);
  pg_station_assert_same (pair.a, n);
}

/* What a task was under goes with it: replica and server judge by the same terms, also where its strict agent did nothing. */
static void
test_terms (void)
{
  static const char terms[] =
      "SELECT json_extract(approval_terms, '$.kind') || json_array_length(approval_terms, '$.thresholds') || "
      "assigned_agent FROM follow_up_tasks";
  static const char kept[] = "four_eyes2AccountingFollowUpAgent";
  g_auto (Pair) pair = { 0 };
  g_autofree char *exception = NULL, *task = NULL;

  pair_begin (&pair, "terms");
  detect (pair.a);
  exception = text_of (pair.a, one_exception);
  task = run (pair.a, "task.create", "{\"exception\":\"%s\"}", exception);
  assert_text (pair.a, terms, "one_approver2AccountingFollowUpAgent");
  pg_station_sync (pair.a);
  assert_text (pair.a, terms, "one_approver2AccountingFollowUpAgent");
  act (pair.a, "task.assign", "{\"task\":\"%s\",\"agent\":\"LegalFollowUpAgent\"}", task);
  act (pair.a, "task.assign", "{\"task\":\"%s\",\"agent\":\"AccountingFollowUpAgent\"}", task);
  assert_text (pair.a, terms, kept);
  pg_station_sync (pair.a);
  g_assert_cmpint (pg_station_tray (pair.a), ==, 0);
  pg_station_sync (pair.b);
  pg_station_assert_same (pair.a, pair.b);
  assert_text (pair.b, terms, kept);
}

/* Two people at one task, both offline; the second one pushes first or pulls first. */
static void
test_concurrent (void)
{
  static const struct {
    const char *a, *a_args, *b, *b_args;
    const char *result; /* status, owner and notes */
    int tray;
  } cases[] = {
    { "task.snooze", "\"until\":\"2024-01-01T00:00:00Z\"", "task.note", "\"text\":\"Called\"",
      "snoozed accounting 1", 0 },
    { "task.note", "\"text\":\"Called\"", "task.note", "\"text\":\"Wrote\"", "scheduled accounting 2", 0 },
    { "task.assign", "\"assignee\":\"admin\"", "task.note", "\"text\":\"Wrote\"", "scheduled accounting 1",
      0 },
    { "task.resolve", "\"resolution\":\"paid\"", "task.snooze", "\"until\":\"2024-01-01T00:00:00Z\"",
      "resolved accounting 0", 1 },
    { "task.snooze", "\"until\":\"2024-01-01T00:00:00Z\"", "task.escalate", "\"reason\":\"late\"",
      "snoozed accounting 0", 1 },
  };
  g_auto (Pair) pair = { 0 };

  pair_begin (&pair, "concurrent");
  detect (pair.a);
  for (guint i = 0; i < 2 * G_N_ELEMENTS (cases); i++) {
    guint at = i / 2;
    gint64 before = pg_station_tray (pair.b);
    g_autofree char *exception = text_of (pair.a, one_exception), *task = NULL, *sql = NULL;

    task = run (pair.a, "task.create", "{\"exception\":\"%s\",\"owner\":\"accounting\"}", exception);
    pg_station_sync (pair.a);
    pg_station_sync (pair.b);
    g_test_message ("%s against %s, %s", cases[at].a, cases[at].b, i % 2 ? "pulled first" : "pushed first");
    act (pair.a, cases[at].a, "{\"task\":\"%s\",%s}", task, cases[at].a_args);
    act (pair.b, cases[at].b, "{\"task\":\"%s\",%s}", task, cases[at].b_args);
    pg_station_sync (pair.a);
    if (i % 2)
      pg_station_pull (pair.b);
    pg_station_sync (pair.b);
    g_assert_cmpint (pg_station_tray (pair.b) - before, ==, cases[at].tray);
    g_assert_cmpint (pg_station_tray (pair.a), ==, 0);
    pg_station_sync (pair.a);
    pg_station_assert_same (pair.a, pair.b);
    sql = g_strdup_printf (
        "SELECT status || ' ' || human_owner || ' ' || (SELECT count(*) FROM task_notes n WHERE"
        " n.subject_id = t.id) FROM follow_up_tasks t WHERE id = uuid('%s')",
        task);
    assert_text (pair.a, sql, cases[at].result);
  }
}

/* What was detected offline is detected again when a pull has taken it back, and what was built on it stands. */
static void
test_detected_again (void)
{
  g_auto (Pair) pair = { 0 };
  g_autofree char *exception = NULL, *invoice = NULL;

  pair_begin (&pair, "again");
  detect (pair.a);
  exception = text_of (pair.a, one_exception);
  act (pair.a, "task.create", "{\"exception\":\"%s\"}", exception);
  /* concerns the order that the exception refers to */
  act (pair.b, "order.edit", "{\"id\":\"%s\",\"notes\":\"urgent\"}", pair.order);
  pg_station_sync (pair.b);
  g_assert_true (pg_station_pull (pair.a).pulled.rerun);
  g_assert_cmpint (pg_station_tray (pair.a), ==, 0);
  assert_text (pair.a, "SELECT count(*) FROM follow_up_tasks t JOIN exceptions e ON e.id = t.exception_id",
               "1");
  pg_station_sync (pair.a);
  pg_station_sync (pair.b);
  pg_station_assert_same (pair.a, pair.b);
  assert_text (pair.b, "SELECT count(*) FROM follow_up_tasks", "1");
  /* the fact goes, the exception clears on the other side, and opens as its next episode here */
  invoice = text_of (pair.b, "SELECT uuid_text(id) FROM invoices");
  act (pair.b, "invoice.edit", "{\"id\":\"%s\",\"state\":\"paid\"}", invoice);
  detect (pair.b);
  pg_station_sync (pair.b);
  pg_station_sync (pair.a);
  assert_text (pair.a, "SELECT state FROM exceptions WHERE rule = 'invoice-overdue'", "cleared");
  act (pair.a, "invoice.edit", "{\"id\":\"%s\",\"state\":\"issued\"}", invoice);
  detect (pair.a);
  pg_station_sync (pair.a);
  pg_station_sync (pair.b);
  pg_station_assert_same (pair.a, pair.b);
  assert_text (
      pair.b,
      "SELECT state || episode || (opened_at > created_at) FROM exceptions WHERE rule = 'invoice-overdue'",
      "open21");
}

/* One person with one role, at the server and in the replica. */
static void
add_person (CtSession *root, CtDb *db, const char *role)
{
  g_autofree char *login = g_strdup_printf ("person_%s", role);
  g_autofree char *sql =
      g_strdup_printf ("INSERT INTO sync.grants SELECT '%s', (sync.scope_ids(ARRAY['all']))[1]", login);
  CtId person = ct_id_new (ct_time_now ()), link = ct_id_new (ct_time_now ());
  g_autoptr (GError) error = NULL;

  pg_server_let_in (root, login, role);
  ct_session_script (root, sql, NULL, &error);
  g_assert_no_error (error);
  ct_db_run (db, &error,
             "INSERT INTO people (id, n, created_at, updated_at, login) VALUES (?, next_n(), 1, 1, ?)", "ks",
             &person, login);
  g_assert_no_error (error);
  ct_db_run (db, &error,
             "INSERT INTO person_roles (id, n, created_at, updated_at, person_id, role) VALUES (?, next_n(), "
             "1, 1, ?, ?)",
             "kks", &link, &person, role);
  g_assert_no_error (error);
}

static gboolean
c_lets (PgStation *self, const char *login, const char *command, const char *args)
{
  g_autoptr (JsonNode) node = ct_json_parse (args, -1, 1000, NULL);
  CtRequest request = { command, json_node_get_object (node), login, self->replica->now, 0, NULL };

  return ct_commander_check (self->replica->commander, self->replica->db, &request, NULL);
}

static gboolean
server_lets (PgDevice *device, const char *command, const char *changes)
{
  g_autoptr (CtVerdict) verdict = pg_device_push_ok (device, command, changes);

  g_assert_true (verdict->kind == CT_PUSH_APPLIED || g_str_equal (verdict->code, "refused"));
  return verdict->kind == CT_PUSH_APPLIED;
}

/* Row conditions: whose task and whose exception it is, on both sides alike, for each role, owner and assignee. */
static void
test_conditions (void)
{
  static const char *const roles[] = { "viewer", "sales",   "accounting", "logistics",
                                       "legal",  "partner", "admin",      "agent" };
  static const char *const owners[] = { "sales", "accounting", "logistics", "legal", "partner" };
  g_auto (Pair) pair = { 0 };
  g_autoptr (CtSession) root = NULL;
  g_autofree char *exception = NULL, *task = NULL, *task_args = NULL, *exception_args = NULL;
  PgDevice *devices[G_N_ELEMENTS (roles)];
  guint let = 0, refused = 0;

  pair_begin (&pair, "conditions");
  root = pg_server_login (server, "conditions", "postgres");
  detect (pair.a);
  exception = text_of (pair.a, one_exception);
  task = run (pair.a, "task.create", "{\"exception\":\"%s\"}", exception);
  task_args = g_strdup_printf ("{\"task\":\"%s\",\"text\":\"A\"}", task);
  exception_args = g_strdup_printf ("{\"exception\":\"%s\",\"owner\":\"legal\"}", exception);
  pg_station_sync (pair.a);
  for (guint r = 0; r < G_N_ELEMENTS (roles); r++) {
    g_autofree char *login = g_strdup_printf ("person_%s", roles[r]);

    add_person (root, pair.a->replica->db, roles[r]);
    devices[r] = pg_device_new (server, "conditions", login);
  }
  for (guint i = 0; i < 2 * G_N_ELEMENTS (owners) * G_N_ELEMENTS (roles); i++) {
    guint r = i / 2 % G_N_ELEMENTS (roles);
    const char *owner = owners[i / 2 / G_N_ELEMENTS (roles)];
    g_autofree char *login = g_strdup_printf ("person_%s", roles[r]);
    CtId key = ct_id_new (ct_time_now ());
    g_autofree char *id = ct_id_to_string (&key), *note = NULL, *assign = NULL, *set = NULL;
    gboolean lets;

    set = g_strdup_printf ("UPDATE app.follow_up_tasks SET human_owner = '%1$s', assignee = %2$s%3$s%2$s;"
                           "UPDATE app.exceptions SET owner = '%1$s'",
                           owner, i % 2 ? "'" : "", i % 2 ? login : "NULL");
    g_assert_true (ct_session_script (root, set, NULL, NULL));
    pg_station_pull (pair.a);
    note = g_strdup_printf (
        "[{\"table\":\"task_notes\",\"id\":\"%s\",\"op\":\"insert\",\"columns\":{\"subject_type\":"
        "[null,\"task\"],\"subject_id\":[null,\"%s\"],\"text\":[null,\"A\"]}}]",
        id, task);
    assign =
        g_strdup_printf ("[{\"table\":\"exceptions\",\"id\":\"%s\",\"op\":\"update\",\"columns\":{\"owner\":["
                         "\"%s\",\"legal\"]}}]",
                         exception, owner);
    g_test_message ("%s, owner %s, assignee %s", login, owner, i % 2 ? login : "nobody");
    lets = server_lets (devices[r], "task.note", note);
    g_assert_cmpint (lets, ==, c_lets (pair.a, login, "task.note", task_args));
    g_assert_cmpint (server_lets (devices[r], "exception.assign", assign), ==,
                     c_lets (pair.a, login, "exception.assign", exception_args));
    *(lets ? &let : &refused) += 1;
  }
  g_assert_cmpuint (let, >, 20);
  g_assert_cmpuint (refused, >, 20);
  for (guint r = 0; r < G_N_ELEMENTS (roles); r++)
    pg_device_free (devices[r]);
}

int
main (int argc, char **argv)
{
  g_autofree char *path = g_build_filename (CT_SOURCE_ROOT, "schema", "policy.json", NULL);
  int result;

  g_test_init (&argc, &argv, NULL);
  g_assert_true (g_file_get_contents (path, &policy, NULL, NULL));
  ct_detect_register ();
  server = pg_server_start ();
  g_test_add_func ("/pg/work/travels", test_travels);
  g_test_add_func ("/pg/work/snoozed-by-another-setting", test_snoozed_by_another_setting);
  g_test_add_func ("/pg/work/terms", test_terms);
  g_test_add_func ("/pg/work/concurrent", test_concurrent);
  g_test_add_func ("/pg/work/detected-again", test_detected_again);
  g_test_add_func ("/pg/work/conditions", test_conditions);
  result = g_test_run ();
  pg_server_stop (server);
  g_free (policy);
  return result;
}
