/* towerd: hosts a workspace's workers (detection, scheduler, delivery, sequencer) while no desktop program is open. */
#include "ct-config.h"
#include "ct-workers.h"
#include "ct-workspace-health.h"

#include <glib-unix.h>
#include <stdio.h>

typedef struct {
  char *folder; /* (owned) (nullable) */
  gboolean once, version;
} Options;

/* One line of JSON for each round that did something, for the journal. */
static void
print_line (JsonObject *object)
{
  g_autoptr (JsonNode) node = json_node_init_object (json_node_alloc (), object);
  g_autofree char *text = json_to_string (node, FALSE);

  puts (text);
  fflush (stdout);
}

static void
told_cb (JsonObject *report, gpointer data)
{
  print_line (report);
}

static gboolean
stop_cb (gpointer loop)
{
  g_main_loop_quit (loop);
  return G_SOURCE_CONTINUE;
}

static gboolean
print_health (CtWorkspace *workspace, GError **error)
{
  g_autoptr (JsonObject) health = ct_workspace_health (workspace, FALSE, NULL, error);

  if (health)
    print_line (health);
  return health != NULL;
}

/* One round and the workspace's health; for timers and for looking whether all is well. */
static gboolean
run_once (CtWorkspace *workspace, CtWorkers *workers, GError **error)
{
  g_autoptr (JsonObject) report = NULL;

  if (!ct_workers_take (workers, error) || !(report = ct_workers_round (workers, TRUE, NULL, error)))
    return FALSE;
  print_line (report);
  return print_health (workspace, error);
}

/* Until SIGTERM or SIGINT; the round under way ends between two of its steps. */
static gboolean
run_on (CtWorkspace *workspace, CtWorkers *workers, GError **error)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);

  g_unix_signal_add (SIGTERM, stop_cb, loop);
  g_unix_signal_add (SIGINT, stop_cb, loop);
  if (!print_health (workspace, error))
    return FALSE;
  ct_workers_start (workers, told_cb, NULL);
  g_main_loop_run (loop);
  ct_workers_stop (workers);
  return TRUE;
}

static gboolean
parse (int *argc, char ***argv, Options *options, GError **error)
{
  const GOptionEntry entries[] = {
    { "workspace", 'w', 0, G_OPTION_ARG_FILENAME, &options->folder,
      _ ("The workspace; default: $CONTROL_TOWER_WORKSPACE, else the user's own"), "DIR" },
    { "once", 0, 0, G_OPTION_ARG_NONE, &options->once, _ ("Do what is due, print the health, and end"),
      NULL },
    { "version", 0, 0, G_OPTION_ARG_NONE, &options->version, _ ("Show the version"), NULL },
    { NULL, 0, 0, 0, NULL, NULL, NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);

  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_set_summary (context, _ ("Looks after a Control Tower workspace"));
  return g_option_context_parse (context, argc, argv, error);
}

int
main (int argc, char **argv)
{
  Options options = { NULL, FALSE, FALSE };
  g_autoptr (GError) error = NULL;
  g_autoptr (CtWorkspace) workspace = NULL;
  CtWorkers *workers;
  gboolean ok;

  ct_i18n_init ();
  if (!parse (&argc, &argv, &options, &error) || argc > 1) {
    fprintf (stderr, "towerd: %s\n", error ? error->message : _ ("it takes no arguments; see towerd --help"));
    return 2;
  }
  if (options.version) {
    puts (CT_VERSION);
    return 0;
  }
  if (!options.folder)
    options.folder = ct_workspace_default_folder ();
  workspace = ct_workspace_open (options.folder, &error);
  g_free (options.folder);
  if (!workspace) {
    fprintf (stderr, "towerd: %s\n", error->message);
    return 1;
  }
  workers = ct_workers_new (workspace, "towerd");
  ok = options.once ? run_once (workspace, workers, &error) : run_on (workspace, workers, &error);
  ct_workers_free (workers);
  ct_workspace_close (workspace);
  if (!ok)
    fprintf (stderr, "towerd: %s\n", error->message);
  return ok ? 0 : 1;
}
