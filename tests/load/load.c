/* Many people at once on one server, each a process with a replica and a session of its own that does what an operator does:
 * thinks, changes something, pushes it, pulls. Ends with latencies, and 1 where anything went wrong. Run by ./dev load. */
#include "pg-station.h"
#include "ct-config.h"

#include <stdio.h>
#include <string.h>

#define DB "load"

static int clients = 100, think_ms = 5000;
static double minutes = 10;
static int number = -1; /* of this client; the parent has none */
static char *address, *admin_address;

static const GOptionEntry options[] = {
  { "clients", 0, 0, G_OPTION_ARG_INT, &clients, "How many", "N" },
  { "minutes", 0, 0, G_OPTION_ARG_DOUBLE, &minutes, "How long", "N" },
  { "think", 0, 0, G_OPTION_ARG_INT, &think_ms, "Milliseconds between two actions of one of them", "MS" },
  { "client", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_INT, &number, NULL, NULL },
  { "address", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_STRING, &address, NULL, NULL },
  { "admin", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_STRING, &admin_address, NULL, NULL },
  { NULL },
};

typedef struct {
  SyncReplica *replica;
  CtSession *session;
  GPtrArray *own; /* (element-type utf8): distributors of this client */
  char *shared;   /* (nullable): one that everybody edits */
} Client;

static CtSession *
dial (const char *to)
{
  g_autoptr (GError) error = NULL;
  CtSession *session = ct_session_open (to, NULL, &error);

  g_assert_no_error (error);
  return session;
}

static void
enrol (Client *self, const char *login)
{
  g_autoptr (CtSession) admin = dial (admin_address);
  g_autoptr (GError) error = NULL;
  gboolean known;
  CtHash first;

  g_assert_true (ct_backlog_hash (self->replica->db, 1, &first, &known, NULL) && known);
  ct_push_enrol (admin, &self->replica->device, login, "of the load", NULL, 1, &first, NULL, NULL, &error);
  g_assert_no_error (error);
}

static void
create (Client *self, const char *name)
{
  CtId id = sync_replica_run (self->replica, "distributor.create",
                              "{\"legal_name\":\"%s\",\"currency\":\"EUR\",\"region\":\"north\"}", name);

  g_ptr_array_add (self->own, ct_id_to_string (&id));
}

/* One thing that an operator does; now and then on what all work on, which brings conflicts. */
static void
act (Client *self)
{
  guint dice = (guint) g_random_int_range (0, 100);
  const char *mine = self->own->len ? self->own->pdata[g_random_int_range (0, (int) self->own->len)] : NULL;

  if (!mine || dice < 10)
    create (self, "Nordwind");
  else if (dice < 45)
    sync_replica_run (self->replica, "distributor.edit", "{\"id\":\"%s\",\"city\":\"%u\"}", mine,
                      g_random_int ());
  else if (dice < 70)
    sync_replica_run (self->replica, "order.create", "{\"distributor_id\":\"%s\",\"currency\":\"EUR\"}",
                      mine);
  else if (dice < 90 || !self->shared)
    sync_replica_run (self->replica, "note.add",
                      "{\"subject_type\":\"distributor\",\"subject\":\"%s\",\"text\":\"called\"}", mine);
  else
    sync_replica_run (self->replica, "distributor.edit", "{\"id\":\"%s\",\"city\":\"%u\"}", self->shared,
                      g_random_int ());
}

/* Prints how long it took, for the parent to collect. */
static void
report (const char *what, gint64 began, const GError *problem)
{
  if (!problem)
    printf ("%s %.3f\n", what, (double) (g_get_monotonic_time () - began) / 1000);
  else if (g_error_matches (problem, CT_ERROR, CT_ERROR_BUSY))
    printf ("busy %s\n", problem->message);
  else
    printf ("error %s: %s\n", what, problem->message);
}

static void
pull (Client *self, CtSyncReport *sum)
{
  g_autoptr (GError) error = NULL;
  gint64 began = g_get_monotonic_time ();

  ct_sync_pull (self->replica->db, self->replica->commander, self->session, self->replica->now, NULL, sum,
                &error);
  report ("pull", began, error);
}

static void
push (Client *self, CtSyncReport *sum)
{
  gboolean again = TRUE;

  while (again) {
    g_autoptr (GError) error = NULL;
    gint64 began = g_get_monotonic_time ();

    ct_sync_push (self->replica->db, self->session, NULL, sum, &again, &error);
    report ("push", began, error);
    pull (self, sum);
    again = again && !error;
  }
}

static void
find_shared (Client *self)
{
  g_autofree char *found = sync_replica_text (
      self->replica,
      "SELECT coalesce((SELECT uuid_text(id) FROM distributors WHERE legal_name = 'Shared'), '')");

  if (*found)
    self->shared = g_steal_pointer (&found);
}

static int
be_client (void)
{
  Client self = { .replica = sync_replica_new (), .own = g_ptr_array_new_with_free_func (g_free) };
  g_autofree char *login = g_strdup_printf ("operator%d", number);
  gint64 until;
  CtSyncReport sum = { 0 };

  enrol (&self, login);
  self.session = dial (address);
  if (number == 0)
    create (&self, "Shared");
  push (&self, &sum);
  until = g_get_monotonic_time () + (gint64) (minutes * 60e6);
  while (g_get_monotonic_time () < until) {
    g_usleep ((gulong) (g_random_double_range (0.2, 1.8) * think_ms * 1000));
    if (!self.shared)
      find_shared (&self);
    act (&self);
    push (&self, &sum);
  }
  /* nothing is left behind, and nothing is lost: it is applied, or in the tray */
  push (&self, &sum);
  printf ("settled %u\nparked %u\n", sum.pulled.settled, sum.pulled.rejected + sum.pulled.parked);
  if (sync_replica_number (self.replica,
                           "SELECT count(*) FROM intents WHERE seq > (SELECT acknowledged FROM sync_state)"))
    printf ("error commands are left in the queue\n");
  ct_session_close (self.session);
  sync_replica_free (self.replica);
  g_ptr_array_unref (self.own);
  g_free (self.shared);
  return 0;
}

static int
compare (gconstpointer a, gconstpointer b)
{
  double x = *(const double *) a, y = *(const double *) b;

  return x < y ? -1 : x > y;
}

static double
percentile (GArray *sorted, guint hundredths)
{
  return sorted->len ? g_array_index (sorted, double, (sorted->len - 1) * hundredths / 100) : 0;
}

static void
print_latencies (const char *what, GArray *values)
{
  g_array_sort (values, compare);
  printf ("%s: %u, p50 %.1f ms, p95 %.1f ms, p99 %.1f ms, longest %.1f ms\n", what, values->len,
          percentile (values, 50), percentile (values, 95), percentile (values, 99),
          percentile (values, 100));
}

typedef struct {
  GArray *push, *pull;
  guint busy, errors, settled, parked;
} Sums;

static void
collect (Sums *sums, const char *line)
{
  double value = g_ascii_strtod (strchr (line, ' ') ? strchr (line, ' ') : "", NULL);

  if (g_str_has_prefix (line, "push "))
    g_array_append_val (sums->push, value);
  else if (g_str_has_prefix (line, "pull "))
    g_array_append_val (sums->pull, value);
  else if (g_str_has_prefix (line, "settled "))
    sums->settled += (guint) value;
  else if (g_str_has_prefix (line, "parked "))
    sums->parked += (guint) value;
  else if (g_str_has_prefix (line, "busy "))
    sums->busy++;
  else if (*line && sums->errors++ < 20)
    fprintf (stderr, "%s\n", line);
}

static GSubprocess *
start_client (const char *program, PgServer *server, int at)
{
  g_autofree char *login = g_strdup_printf ("operator%d", at),
                  *to = pg_server_tcp_address (server, DB, login);
  g_autofree char *admin = pg_server_address (server, DB, "ada");
  g_autofree char *time = g_strdup_printf ("--minutes=%g", minutes),
                  *pause = g_strdup_printf ("--think=%d", think_ms);
  g_autofree char *which = g_strdup_printf ("--client=%d", at);
  g_autofree char *address_option = g_strconcat ("--address=", to, NULL);
  g_autofree char *admin_option = g_strconcat ("--admin=", admin, NULL);
  g_autoptr (GError) error = NULL;
  GSubprocess *child = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error, program, which, time, pause,
                                         address_option, admin_option, NULL);

  g_assert_no_error (error);
  return child;
}

static PgServer *
start_server (void)
{
  static const char *const file = CT_SOURCE_ROOT "/schema/policy.json";
  g_autofree char *policy = NULL, *count = g_strdup_printf ("%d", clients + 20);
  g_autoptr (CtSession) root = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *logins = g_strdup_printf (
      "DO $$ BEGIN FOR i IN 0..%d LOOP EXECUTE format('CREATE ROLE %%1$I LOGIN PASSWORD %%2$L; GRANT "
      "tower_sales TO %%1$I; GRANT CONNECT ON DATABASE %%3$I TO %%1$I',"
      " 'operator' || i, 'secret-operator' || i, current_database());"
      " INSERT INTO sync.grants SELECT 'operator' || i, (sync.scope_ids(ARRAY['all']))[1]; END LOOP; END $$",
      clients - 1);
  PgServer *server;

  g_setenv ("CT_PG_DURABLE", "1", TRUE);
  g_setenv ("CT_PG_CONNECTIONS", count, TRUE);
  server = pg_server_start ();
  g_assert_true (g_file_get_contents (file, &policy, NULL, NULL));
  pg_server_create (server, DB, policy);
  root = pg_server_login (server, DB, "postgres");
  ct_session_script (root, logins, NULL, &error);
  g_assert_no_error (error);
  return server;
}

/* What the clients print while they run; their pipes are emptied in turn, each at its own end. */
static gpointer
read_client (gpointer data)
{
  char *text = NULL;

  if (!g_subprocess_communicate_utf8 (data, NULL, NULL, &text, NULL, NULL) ||
      !g_subprocess_get_successful (data)) {
    char *all = g_strconcat (text ? text : "", "\nerror a client died", NULL);

    g_free (text);
    return all;
  }
  return text;
}

int
main (int argc, char **argv)
{
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (PgServer) server = NULL;
  g_autoptr (CtSession) root = NULL;
  g_autoptr (GError) error = NULL;
  Sums sums = { g_array_new (FALSE, FALSE, sizeof (double)), g_array_new (FALSE, FALSE, sizeof (double)) };
  g_autofree GSubprocess **children = NULL;
  g_autofree GThread **readers = NULL;

  g_option_context_add_main_entries (context, options, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error) || clients < 1) {
    fprintf (stderr, "load: %s\n", error ? error->message : "there is nobody");
    return 2;
  }
  if (number >= 0)
    return be_client ();
  server = start_server ();
  children = g_new0 (GSubprocess *, (gsize) clients);
  readers = g_new0 (GThread *, (gsize) clients);
  for (int i = 0; i < clients; i++) {
    children[i] = start_client (argv[0], server, i);
    readers[i] = g_thread_new ("reader", read_client, children[i]);
  }
  for (int i = 0; i < clients; i++) {
    g_autofree char *text = g_thread_join (readers[i]);
    g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

    for (char **line = lines; *line; line++)
      collect (&sums, *line);
    g_object_unref (children[i]);
  }
  root = pg_server_login (server, DB, "postgres");
  printf ("%d clients, %g minutes, %g s between two actions of each\n", clients, minutes, think_ms / 1000.0);
  print_latencies ("push", sums.push);
  print_latencies ("pull", sums.pull);
  printf ("commands on the server: %" G_GINT64_FORMAT ", leaves: %" G_GINT64_FORMAT "\n",
          pg_number (root, "SELECT count(*) FROM sync.outcomes"),
          pg_number (root, "SELECT count(*) FROM audit.leaves"));
  printf ("settled: %u, in trays: %u, asked for another try: %u, errors: %u\n", sums.settled, sums.parked,
          sums.busy, sums.errors);
  if (sums.settled + sums.parked < pg_number (root, "SELECT count(*) FROM sync.outcomes"))
    sums.errors++;
  g_array_unref (sums.push);
  g_array_unref (sums.pull);
  return sums.errors ? 1 : 0;
}
