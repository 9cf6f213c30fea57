/* The stream between client and server: what the line, the commands and the way to the next workstation cost against the
 * least that PostgreSQL itself takes for the same. The server writes as a real one does. */
#include "ct-bench.h"
#include "ct-workers.h"
#include "pg-station.h"
#include "pg-workspace.h"
#include "ct-config.h"

#include <string.h>

#define COMMANDS 1000
#define ROUNDS   3
#define TRIP_MS  50
#define CHANGES  200
#define CLIENTS  8
#define APPLY_S  5

static PgServer *server;

/* What a person does in a week without network: records, and changes of them. */
static void
work_offline (PgStation *station)
{
  for (int i = 0; i < COMMANDS / 4; i++) {
    CtId id =
        sync_replica_run (station->replica, "distributor.create",
                          "{\"legal_name\":\"Distributor %d\",\"currency\":\"EUR\",\"region\":\"north\"}", i);
    g_autofree char *text = ct_id_to_string (&id);

    sync_replica_run (station->replica, "distributor.edit", "{\"id\":\"%s\",\"city\":\"Riga\"}", text);
    sync_replica_run (station->replica, "distributor.edit", "{\"id\":\"%s\",\"notes\":\"Call again\"}", text);
    sync_replica_run (station->replica, "distributor.edit",
                      "{\"id\":\"%s\",\"onboarding_state\":\"documents\"}", text);
  }
}

static double
drain (PgStation *station)
{
  double start = bench_seconds ();
  CtSyncReport report;
  GError *error = NULL;

  ct_sync_round (station->replica->db, station->replica->commander, station->session, station->replica->now,
                 NULL, &report, &error);
  bench_check (error);
  g_assert_cmpuint (report.pulled.settled, ==, COMMANDS);
  return bench_seconds () - start;
}

/* The same queue over a line with and without the added round trip, the settling pull included. */
static void
measure_drain (void)
{
  double near_by[ROUNDS] = { 0 }, far_away[ROUNDS] = { 0 }, at_server;
  PgProxy *proxy = pg_proxy_start (server);
  g_autofree char *detail = NULL;

  for (int round = 0; round < 2 * ROUNDS; round++) {
    g_autoptr (PgStation) station = pg_station_new (server, "drain", "anna");
    g_autofree char *address = pg_proxy_address (proxy, "drain", "anna");
    GError *error = NULL;

    work_offline (station);
    g_clear_pointer (&station->session, ct_session_close);
    pg_proxy_set_delay (proxy, round % 2 ? TRIP_MS / 2 : 0);
    station->session = ct_session_open (address, NULL, &error);
    bench_check (error);
    (round % 2 ? far_away : near_by)[round / 2] = drain (station);
  }
  pg_proxy_stop (proxy);
  at_server = bench_median (near_by, ROUNDS) + 5 * TRIP_MS / 1000.0;
  detail =
      g_strdup_printf ("%.2f s for %d commands over %d ms, %.2f s without", bench_median (far_away, ROUNDS),
                       COMMANDS, TRIP_MS, bench_median (near_by, ROUNDS));
  bench_print ("offline commands drained over a long line / server's time and 5 round trips", 1.5,
               "<=", bench_median (far_away, ROUNDS) / at_server, "ratio", detail);
}

/* ---- commands a second ---- */

/* Rows that the commands and pgbench change; the latter as the owner, past the functions but through the triggers. */
#define ROW_FORMAT "00000000-0000-7000-8000-%012d"
#define FILL                                                                                                 \
  "INSERT INTO app.distributors (id, legal_name, currency, city)"                                            \
  " SELECT ('00000000-0000-7000-8000-' || lpad(i::text, 12, '0'))::uuid, 'Distributor ' || i, 'EUR', ''"     \
  " FROM generate_series(1, 800) i"
#define PLAIN                                                                                                \
  "\\set id random(1, 800)\n\\set city random(1, 1000000)\n"                                                 \
  "UPDATE app.distributors SET city = 'City ' || :city WHERE id = ('00000000-0000-7000-8000-' || "           \
  "lpad(:id::text, 12, '0'))::uuid;\n"

static gint applying; /* (atomic) */

/* The city that row number i gets in a client's n-th command, "" before its first. */
static char *
city (gint64 count)
{
  return count < 0 ? g_strdup ("") : g_strdup_printf ("City %d", (int) (count / 100));
}

/* One session with a hundred rows of its own: each command is a round trip and a commit. */
static gpointer
apply_cb (gpointer data)
{
  int client = GPOINTER_TO_INT (data);
  g_autoptr (PgDevice) device = pg_device_new (server, "apply", "anna");
  gint64 count = 0, end;

  g_atomic_int_inc (&applying);
  while (g_atomic_int_get (&applying) < CLIENTS)
    g_usleep (100);
  for (end = g_get_monotonic_time () + APPLY_S * G_USEC_PER_SEC; g_get_monotonic_time () < end; count++) {
    g_autofree char *before = city (count - 100), *after = city (count);
    g_autofree char *changes =
        g_strdup_printf ("[{\"table\":\"distributors\",\"id\":\"" ROW_FORMAT
                         "\",\"op\":\"update\",\"columns\":{\"city\":[\"%s\",\"%s\"]}}]",
                         client * 100 + (int) (count % 100) + 1, before, after);
    g_autoptr (CtVerdict) verdict = pg_device_push_ok (device, "d.edit", changes);

    g_assert_cmpint (verdict->kind, ==, CT_PUSH_APPLIED);
  }
  return GINT_TO_POINTER ((int) count);
}

static double
by_commands (void)
{
  GThread *threads[CLIENTS];
  gint64 count = 0;

  g_atomic_int_set (&applying, 0);
  for (int i = 0; i < CLIENTS; i++)
    threads[i] = g_thread_new ("client", apply_cb, GINT_TO_POINTER (i));
  for (int i = 0; i < CLIENTS; i++)
    count += GPOINTER_TO_INT (g_thread_join (threads[i]));
  return (double) count / APPLY_S;
}

static double
by_pgbench (const char *folder)
{
  g_autofree char *script = g_build_filename (folder, "plain.sql", NULL), *command = NULL, *output = NULL;
  const char *tps;
  GError *error = NULL;

  g_file_set_contents (script, PLAIN, -1, &error);
  bench_check (error);
  command = g_strdup_printf ("/usr/lib/postgresql/15/bin/pgbench -n -M prepared -c %d -j 2 -T %d -f %s"
                             " -h %s -p %d -U postgres apply",
                             CLIENTS, APPLY_S, script, pg_server_socket (server), pg_server_port (server));
  g_spawn_command_line_sync (command, &output, NULL, NULL, &error);
  bench_check (error);
  tps = strstr (output, "tps = ");
  if (!tps)
    g_error ("pgbench says: %s", output);
  return g_ascii_strtod (tps + strlen ("tps = "), NULL);
}

static void
measure_apply (void)
{
  g_autofree char *folder = ct_test_folder (), *detail = NULL;
  g_autoptr (CtSession) root = pg_server_login (server, "apply", "postgres");
  double ours[ROUNDS] = { 0 }, plain[ROUNDS] = { 0 };
  GError *error = NULL;

  for (int round = 0; round < ROUNDS; round++) {
    ct_session_script (root, "DELETE FROM app.distributors", NULL, &error);
    bench_check (error);
    ct_session_script (root, FILL, NULL, &error);
    bench_check (error);
    ours[round] = by_commands ();
    plain[round] = by_pgbench (folder);
  }
  detail = g_strdup_printf ("%.0f commands a second, pgbench %.0f updates", bench_median (ours, ROUNDS),
                            bench_median (plain, ROUNDS));
  bench_print ("commands applied per second by 8 clients / pgbench through the same triggers", 0.5,
               ">=", bench_median (ours, ROUNDS) / bench_median (plain, ROUNDS), "ratio", detail);
  ct_test_remove (folder);
}

/* ---- from one workstation to the other ---- */

/* The least: one commit, one NOTIFY, and somebody who hears it. */
static double
by_notify (CtSession *writer, CtSession *listener)
{
  double start = bench_seconds ();
  GPollFD polled = { .fd = ct_session_socket (listener), .events = G_IO_IN };
  gint64 heard = 0;
  GError *error = NULL;

  ct_session_run (writer, NULL, &error, "INSERT INTO baseline (text) VALUES ('a change')", "");
  bench_check (error);
  ct_session_run (writer, NULL, &error, "NOTIFY tower, '1'", "");
  bench_check (error);
  while (!heard) {
    g_poll (&polled, 1, -1);
    g_assert_true (ct_session_hear (listener, &heard));
  }
  return bench_seconds () - start;
}

static gint64
count_rows (CtDb *db)
{
  gint64 rows = 0;
  GError *error = NULL;

  ct_db_read_int (db, &rows, &error, "SELECT count(*) FROM distributors", "");
  bench_check (error);
  return rows;
}

/* From the command here to the row over there, through two workers as the programs run them. */
static double
by_workers (CtWorkspace *here, CtDb *there)
{
  gint64 rows = count_rows (there);
  g_autoptr (JsonObject) args =
      ct_json_build ("sss", "legal_name", "Nordwind", "currency", "EUR", "region", "north");
  g_auto (CtOutcome) outcome = { 0 };
  double start = bench_seconds ();
  GError *error = NULL;

  ct_workspace_execute (here, "distributor.create", args, &outcome, &error);
  bench_check (error);
  while (count_rows (there) == rows)
    g_usleep (100);
  return bench_seconds () - start;
}

static double
p95 (double *values, guint n)
{
  qsort (values, n, sizeof *values, bench_compare);
  return values[n * 95 / 100];
}

static void
measure_live (void)
{
  static const char *const logins[] = { "anna", "ben" };
  CtWorkspace *workspaces[2];
  CtWorkers *workers[2];
  g_autoptr (CtSession) listener = pg_server_login (server, "postgres", "postgres"),
                        writer = pg_server_login (server, "postgres", "postgres");
  g_autofree char *path = NULL, *detail = NULL, *folders[2] = { NULL, NULL };
  double ours[CHANGES] = { 0 }, least[CHANGES] = { 0 };
  GError *error = NULL;
  CtDb *there;

  ct_session_run (writer, NULL, &error, "CREATE TABLE baseline (id bigserial PRIMARY KEY, text text)", "");
  ct_session_listen (listener, NULL, &error);
  bench_check (error);
  for (int i = 0; i < 2; i++) {
    folders[i] = ct_test_folder ();
    workspaces[i] = pg_workspace_join (server, "live", logins[i], folders[i]);
    workers[i] = ct_workers_new (workspaces[i], "bench");
    json_object_unref (ct_workers_round (workers[i], TRUE, NULL, &error));
    bench_check (error);
    ct_workers_start (workers[i], NULL, NULL);
  }
  path = g_build_filename (folders[1], "replica.db", NULL);
  there = ct_db_open (path, CT_DB_READ_ONLY, &error);
  bench_check (error);
  by_workers (workspaces[0], there);
  for (int i = 0; i < CHANGES; i++) {
    g_usleep (30000);
    ours[i] = by_workers (workspaces[0], there);
    g_usleep (30000);
    least[i] = by_notify (writer, listener);
  }
  detail = g_strdup_printf ("95 %% within %.1f ms, one commit and NOTIFY %.1f ms; medians %.1f and %.1f ms",
                            p95 (ours, CHANGES) * 1e3, p95 (least, CHANGES) * 1e3,
                            bench_median (ours, CHANGES) * 1e3, bench_median (least, CHANGES) * 1e3);
  bench_print ("a change here visible there, 95th percentile / a commit and a NOTIFY", 3,
               "<=", p95 (ours, CHANGES) / p95 (least, CHANGES), "ratio", detail);
  ct_db_close (there);
  for (int i = 0; i < 2; i++) {
    ct_workers_free (workers[i]);
    ct_workspace_close (workspaces[i]);
    g_object_unref (workspaces[i]);
    ct_test_remove (folders[i]);
  }
}

int
main (int argc, char **argv)
{
  static const struct {
    const char *database;
    void (*measure) (void);
    gboolean plain; /* commands that go straight to the server */
  } parts[] = { { "drain", measure_drain, FALSE },
                { "live", measure_live, FALSE },
                { "apply", measure_apply, TRUE } };
  g_autofree char *path = g_build_filename (CT_SOURCE_ROOT, "schema", "policy.json", NULL), *policy = NULL;
  GError *error = NULL;

  g_file_get_contents (path, &policy, NULL, &error);
  bench_check (error);
  g_setenv ("CT_PG_DURABLE", "1", TRUE);
  server = pg_server_start ();
  for (guint i = 0; i < G_N_ELEMENTS (parts); i++) {
    if (argc > 1 && !g_str_equal (argv[1], parts[i].database))
      continue;
    pg_server_create (server, parts[i].database, parts[i].plain ? NULL : policy);
    parts[i].measure ();
  }
  pg_server_stop (server);
  return 0;
}
