/* The stream between client and server: what the line, the commands and the way to the next workstation cost against the
 * least that PostgreSQL itself takes for the same. The server writes as a real one does. */
#include "ct-bench.h"
#include "pg-station.h"
#include "ct-config.h"

#define COMMANDS 1000
#define ROUNDS   3
#define TRIP_MS  50

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

int
main (void)
{
  g_autofree char *path = g_build_filename (CT_SOURCE_ROOT, "schema", "policy.json", NULL), *policy = NULL;
  GError *error = NULL;

  g_file_get_contents (path, &policy, NULL, &error);
  bench_check (error);
  g_setenv ("CT_PG_DURABLE", "1", TRUE);
  server = pg_server_start ();
  pg_server_create (server, "drain", policy);
  measure_drain ();
  pg_server_stop (server);
  return 0;
}
