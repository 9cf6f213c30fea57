/* Live updates: what one workstation commits another shows, without anybody asking for it. Rounds by the clock are fifteen
 * seconds apart at least; what comes within ten came because somebody said so. */
#include "pg-workspace.h"
#include "ct-config.h"
#include "ct-test-folder.h"
#include "ct-workers.h"
#include "ct-workspace-connect.h"

#include <string.h>

/* Before the first poll, which is after 15 s or more: what comes sooner came because somebody told of it. */
#define SOON_MS (14 * 1000)

static PgServer *server;
static char *policy; /* schema/policy.json */

/* A workstation with its workers. */
typedef struct {
  char *folder;           /* (owned) */
  CtWorkspace *workspace; /* (owned) */
  CtWorkers *workers;     /* (owned) */
  gint rounds;            /* (atomic) */
} Desk;

static void
told_cb (JsonObject *report, gpointer data)
{
  g_atomic_int_inc (&((Desk *) data)->rounds);
}

static void
desk_open (Desk *self, const char *database, const char *login)
{
  g_autoptr (GError) error = NULL;

  self->folder = ct_test_folder ();
  self->workspace = pg_workspace_join (server, database, login, self->folder);
  self->workers = ct_workers_new (self->workspace, "test");
  json_object_unref (ct_workers_round (self->workers, TRUE, NULL, &error));
  g_assert_no_error (error);
  ct_workers_start (self->workers, told_cb, self);
}

static void
desk_clear (Desk *self)
{
  ct_workers_free (self->workers);
  ct_workspace_close (self->workspace);
  g_object_unref (self->workspace);
  ct_test_remove (self->folder);
  g_free (self->folder);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Desk, desk_clear)

static void
add (CtWorkspace *workspace, const char *name)
{
  g_autoptr (JsonObject) args =
      ct_json_build ("sss", "legal_name", name, "currency", "EUR", "region", "north");
  g_auto (CtOutcome) outcome = { 0 };
  g_autoptr (GError) error = NULL;

  ct_workspace_execute (workspace, "distributor.create", args, &outcome, &error);
  g_assert_no_error (error);
}

typedef struct {
  const char *name;
  gint64 rows;
} Search;

static gboolean
search_cb (CtDb *db, gpointer data, GError **error)
{
  Search *search = data;

  return ct_db_read_int (db, &search->rows, error, "SELECT count(*) FROM distributors WHERE legal_name = ?",
                         "s", search->name);
}

static gboolean
comes_soon (Desk *self, const char *name)
{
  gint64 until = g_get_monotonic_time () + SOON_MS * G_GINT64_CONSTANT (1000);
  Search search = { name, 0 };

  while (search.rows == 0 && g_get_monotonic_time () < until) {
    g_assert_true (ct_store_read (ct_workspace_get_store (self->workspace), search_cb, &search, NULL));
    g_usleep (1000);
  }
  return search.rows == 1;
}

static void
test_live (void)
{
  g_auto (Desk) a = { 0 }, b = { 0 };
  g_autoptr (CtWorkspace) other = NULL;
  g_autoptr (GError) error = NULL;

  pg_server_create (server, "live", policy);
  desk_open (&a, "live", "anna");
  desk_open (&b, "live", "ben");
  add (a.workspace, "from a");
  g_assert_true (comes_soon (&b, "from a"));
  add (b.workspace, "from b");
  g_assert_true (comes_soon (&a, "from b"));
  /* given in another program that has the same workspace open */
  other = ct_workspace_open (a.folder, &error);
  g_assert_no_error (error);
  add (other, "from another program");
  g_assert_true (comes_soon (&b, "from another program"));
  ct_workspace_close (other);
}

/* Somebody commits who tells nobody: the first one who comes upon it tells the others. */
static void
test_passed_on (void)
{
  g_auto (Desk) b = { 0 };
  g_autofree char *folder = ct_test_folder ();
  g_autoptr (CtWorkspace) finder = NULL;
  g_autoptr (CtLink) link = NULL;
  g_autoptr (CtSession) root = NULL;
  g_autoptr (GError) error = NULL;
  CtSyncReport report;

  pg_server_create (server, "passed", policy);
  root = pg_server_login (server, "passed", "postgres");
  desk_open (&b, "passed", "ben");
  finder = pg_workspace_join (server, "passed", "anna", folder);
  ct_session_run (root, NULL, &error,
                  "INSERT INTO app.distributors (id, legal_name, currency)"
                  " VALUES (gen_random_uuid(), 'from an ERP', 'EUR')",
                  "");
  g_assert_no_error (error);
  link = ct_link_new (finder, FALSE, &error);
  g_assert_no_error (error);
  g_assert_true (ct_link_round (link, NULL, &report, &error));
  g_assert_no_error (error);
  g_assert_true (comes_soon (&b, "from an ERP"));
  g_clear_pointer (&link, ct_link_free);
  ct_workspace_close (finder);
  ct_test_remove (folder);
}

/* A login without any role makes hints up, as many as it can: nobody pulls for each of them, and real ones get through. */
static void
test_made_up (void)
{
  g_auto (Desk) a = { 0 }, b = { 0 };
  g_autoptr (CtSession) mallory = NULL;
  g_autoptr (GError) error = NULL;
  gint before;

  pg_server_create (server, "madeup", policy);
  mallory = pg_server_login (server, "madeup", "mallory");
  desk_open (&a, "madeup", "anna");
  desk_open (&b, "madeup", "ben");
  before = g_atomic_int_get (&b.rounds);
  for (int i = 0; i < 500; i++) {
    g_autofree char *sql = g_strdup_printf ("NOTIFY tower, '%d'", 1000000 + i);

    g_assert_true (ct_session_run (mallory, NULL, NULL, sql, ""));
    g_usleep (2000);
  }
  add (a.workspace, "real");
  g_assert_true (comes_soon (&b, "real"));
  g_test_message ("%d rounds for 500 hints", g_atomic_int_get (&b.rounds) - before);
  g_assert_cmpint (g_atomic_int_get (&b.rounds) - before, <, 20);
}

int
main (int argc, char **argv)
{
  g_autofree char *path = g_build_filename (CT_SOURCE_ROOT, "schema", "policy.json", NULL);
  int result;

  g_test_init (&argc, &argv, NULL);
  g_assert_true (g_file_get_contents (path, &policy, NULL, NULL));
  server = pg_server_start ();
  g_test_add_func ("/pg/live/live", test_live);
  g_test_add_func ("/pg/live/passed-on", test_passed_on);
  g_test_add_func ("/pg/live/made-up", test_made_up);
  result = g_test_run ();
  pg_server_stop (server);
  g_free (policy);
  return result;
}
