/* The stream between client and server: many commands under way at once, and servers that say nothing. */
#include "pg-station.h"
#include "ct-config.h"

#include <string.h>

#define MANY 300

static PgServer *server;
static char *policy; /* schema/policy.json */

/* A long queue with a command in the middle that the server refuses: what builds on it waits for a person, all the rest
 * is applied, and the tray tells the same as if each answer had been waited for. */
static void
test_poison (void)
{
  g_autoptr (PgStation) a = NULL;
  g_autofree char *first = NULL, *refused = NULL, *codes = NULL;
  CtSyncReport report;
  gboolean again;
  GError *error = NULL;

  pg_server_create (server, "poison", policy);
  a = pg_station_new (server, "poison", "north");
  first = pg_station_add (a, "First", "north");
  for (int i = 0; i < MANY / 2; i++)
    pg_station_edit (a, first, "city", i % 2 ? "Riga" : "Tartu");
  refused = pg_station_add (a, "Not theirs", "south");
  for (int i = 0; i < MANY / 2; i++)
    pg_station_edit (a, i == 50 ? refused : first, "notes", i % 2 ? "one" : "two");
  memset (&report, 0, sizeof report);
  ct_sync_push (a->replica->db, a->session, NULL, &report, &again, &error);
  g_assert_no_error (error);
  /* it went past the refused one, up to the one that builds on it */
  g_assert_true (again);
  g_assert_cmpuint (report.pushed, ==, 1 + MANY / 2 + 1 + 50);
  report = pg_station_sync (a);
  codes = sync_replica_text (a->replica,
                             "SELECT group_concat(json_extract(theirs, '$.code'), ' ') FROM attention");
  g_assert_cmpstr (codes, ==, "refused depends");
  g_assert_cmpint (
      sync_replica_number (a->replica, "SELECT max(seq) - acknowledged FROM intents, sync_state"), ==, 0);
  g_assert_cmpint (
      sync_replica_number (a->replica, "SELECT count(*) FROM sync_outcomes WHERE outcome = 'applied'"), ==,
      1 + MANY - 1);
  g_assert_cmpint (pg_number (a->session, "SELECT count(*) FROM api.distributors"), ==, 1);
}

/* A command meets a lock: those before it are settled, those behind it wait, and the next round goes on from there. */
static void
test_transient (void)
{
  g_autoptr (PgStation) a = NULL;
  g_autoptr (CtSession) root = NULL, holder = NULL;
  g_autofree char *first = NULL, *held = NULL, *hold = NULL;
  g_autoptr (GError) error = NULL;
  CtSyncReport report;

  pg_server_create (server, "transient", policy);
  root = pg_server_login (server, "transient", "postgres");
  holder = pg_server_login (server, "transient", "postgres");
  g_assert_true (ct_session_run (
      root, NULL, NULL,
      "ALTER FUNCTION api.apply(uuid, bigint, text, jsonb, bigint[]) SET lock_timeout = '100ms'", ""));
  a = pg_station_new (server, "transient", "anna");
  first = pg_station_add (a, "First", "north");
  held = pg_station_add (a, "Held", "north");
  pg_station_sync (a);
  hold = g_strdup_printf ("BEGIN; SELECT FROM app.distributors WHERE id = '%s' FOR UPDATE", held);
  g_assert_true (ct_session_script (holder, hold, NULL, NULL));
  pg_station_edit (a, first, "city", "Riga");
  pg_station_edit (a, held, "city", "Riga");
  pg_station_edit (a, first, "notes", "behind it");
  g_assert_false (ct_sync_round (a->replica->db, a->replica->commander, a->session, a->replica->now, NULL,
                                 &report, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_BUSY);
  g_assert_cmpuint (report.pulled.settled, ==, 1);
  g_assert_cmpint (pg_number (root, "SELECT count(*) FROM sync.outcomes"), ==, 3);
  /* and the session is none the worse for it */
  g_assert_true (ct_session_script (holder, "ROLLBACK", NULL, NULL));
  report = pg_station_sync (a);
  g_assert_cmpuint (report.pulled.settled, ==, 2);
  g_assert_cmpint (pg_station_tray (a), ==, 0);
}

/* A server that goes in the middle of it: what it had settled is settled, and the rest goes to the next one. */
static void
test_broken_line (void)
{
  g_autoptr (PgStation) a = NULL;
  g_autoptr (PgProxy) proxy = pg_proxy_start (server);
  g_autofree char *id = NULL, *address = NULL;
  g_autoptr (CtSession) line = NULL;
  g_autoptr (GError) error = NULL;
  CtSyncReport report = { 0 };
  gboolean again;
  gint64 settled;

  pg_server_create (server, "broken", policy);
  a = pg_station_new (server, "broken", "anna");
  id = pg_station_add (a, "Nordwind", "south");
  for (int i = 0; i < MANY; i++)
    pg_station_edit (a, id, "city", i % 2 ? "Riga" : "Tartu");
  address = pg_proxy_address (proxy, "broken", "anna");
  line = ct_session_open (address, NULL, &error);
  g_assert_no_error (error);
  pg_proxy_swallow_answers (proxy, "\"device_seq\":200,");
  g_assert_false (ct_sync_push (a->replica->db, line, NULL, &report, &again, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_UNKNOWN_FATE);
  g_assert_cmpuint (report.pushed, <, MANY);
  settled = pg_station_pull (a).pulled.settled;
  g_assert_cmpint (settled, >=, report.pushed);
  g_assert_cmpint (settled + pg_station_sync (a).pulled.settled, ==, MANY + 1);
  g_assert_cmpint (pg_station_tray (a), ==, 0);
  g_assert_cmpint (pg_number (a->session, "SELECT max(rev) FROM api.distributors"), ==, MANY + 1);
}

/* ---- silence ---- */

static char *
silent_address (GSocket **listener, const char *more)
{
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new (loopback, 0), bound = NULL;

  *listener = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL);
  g_assert_true (g_socket_bind (*listener, address, TRUE, NULL) && g_socket_listen (*listener, NULL));
  bound = g_socket_get_local_address (*listener, NULL);
  return g_strdup_printf ("host=127.0.0.1 port=%d dbname=x user=x sslmode=disable %s",
                          g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound)), more);
}

static gpointer
cancel_soon (gpointer data)
{
  g_usleep (200000);
  g_cancellable_cancel (data);
  return NULL;
}

/* It accepts and says nothing: dialling ends by itself, and at once when it is cancelled. */
static void
test_silent_dial (void)
{
  g_autoptr (GSocket) listener = NULL;
  g_autofree char *address = silent_address (&listener, "connect_timeout=1"), *patient = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  GThread *thread;

  g_assert_null (ct_session_open (address, NULL, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_NETWORK);
  g_clear_error (&error);
  patient = g_strconcat (address, "000", NULL);
  thread = g_thread_new ("cancel", cancel_soon, cancellable);
  g_assert_null (ct_session_open (patient, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_thread_join (thread);
}

/* It falls silent after the login, in the middle of a push: the same, and the fate of what was sent is not known. */
static void
test_silent_push (void)
{
  g_autoptr (PgStation) a = NULL;

  pg_server_create (server, "silent", policy);
  a = pg_station_new (server, "silent", "anna");
  g_free (pg_station_add (a, "Nordwind", "south"));
  for (int cancelled = 0; cancelled < 2; cancelled++) {
    g_autoptr (PgProxy) proxy = pg_proxy_start (server);
    g_autofree char *address = pg_proxy_address (proxy, "silent", "anna");
    g_autoptr (GCancellable) cancellable = g_cancellable_new ();
    g_autoptr (CtSession) line = NULL;
    g_autoptr (GError) error = NULL;
    CtSyncReport report = { 0 };
    gboolean again;
    GThread *thread = NULL;

    line = ct_session_open (address, NULL, &error);
    g_assert_no_error (error);
    /* an answer takes longer than anybody waits */
    pg_proxy_set_delay (proxy, 1000 * 1000);
    if (cancelled)
      thread = g_thread_new ("cancel", cancel_soon, cancellable);
    else
      ct_session_set_patience (line, 500);
    g_assert_false (ct_sync_push (a->replica->db, line, cancellable, &report, &again, &error));
    if (cancelled)
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    else
      g_assert_error (error, CT_ERROR, CT_ERROR_UNKNOWN_FATE);
    /* nothing more can be asked there; a pull on it fails at once */
    g_clear_error (&error);
    g_assert_false (ct_session_run (line, NULL, &error, "SELECT 1", ""));
    g_assert_error (error, CT_ERROR, CT_ERROR_NETWORK);
    g_clear_pointer (&thread, g_thread_join);
  }
  g_assert_cmpuint (pg_station_sync (a).pulled.settled, ==, 1);
}

int
main (int argc, char **argv)
{
  g_autofree char *path = g_build_filename (CT_SOURCE_ROOT, "schema", "policy.json", NULL);
  int result;

  g_test_init (&argc, &argv, NULL);
  g_assert_true (g_file_get_contents (path, &policy, NULL, NULL));
  server = pg_server_start ();
  g_test_add_func ("/pg/stream/poison", test_poison);
  g_test_add_func ("/pg/stream/transient", test_transient);
  g_test_add_func ("/pg/stream/broken-line", test_broken_line);
  g_test_add_func ("/pg/stream/silent-dial", test_silent_dial);
  g_test_add_func ("/pg/stream/silent-push", test_silent_push);
  result = g_test_run ();
  pg_server_stop (server);
  g_free (policy);
  return result;
}
