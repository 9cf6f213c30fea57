/* The stream between client and server: what the line, the commands and the way to the next workstation cost against the
 * least that PostgreSQL itself takes for the same. The server writes as a real one does. */
#include "ct-bench.h"
#include "ct-workers.h"
#include "pg-station.h"
#include "pg-workspace.h"
#include "ct-config.h"

#define COMMANDS 1000
#define ROUNDS   3
#define TRIP_MS  50
#define CHANGES  200

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
  } parts[] = { { "drain", measure_drain }, { "live", measure_live } };
  g_autofree char *path = g_build_filename (CT_SOURCE_ROOT, "schema", "policy.json", NULL), *policy = NULL;
  GError *error = NULL;

  g_file_get_contents (path, &policy, NULL, &error);
  bench_check (error);
  g_setenv ("CT_PG_DURABLE", "1", TRUE);
  server = pg_server_start ();
  for (guint i = 0; i < G_N_ELEMENTS (parts); i++) {
    if (argc > 1 && !g_str_equal (argv[1], parts[i].database))
      continue;
    pg_server_create (server, parts[i].database, policy);
    parts[i].measure ();
  }
  pg_server_stop (server);
  return 0;
}
