/* towerd: hosts a workspace's workers (detection, scheduler, delivery, sequencer) while no desktop program is open. */
#include "ct-config.h"
#include "ct-endpoints.h"
#include "ct-notify.h"
#include "ct-workers.h"
#include "ct-workspace-health.h"

#include <glib-unix.h>
#include <stdio.h>

/* A worker that has begun nothing for so long hangs: systemd starts us anew. The longest work is a first load. */
#define HUNG_MS (15 * CT_MS_MINUTE)

typedef struct {
  char *folder;     /* (owned) (nullable) */
  char *listen;     /* (owned) (nullable) */
  char *token_file; /* (owned) (nullable) */
  gboolean once, version;
} Options;

static void
options_clear (Options *self)
{
  g_free (self->folder);
  g_free (self->listen);
  g_free (self->token_file);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Options, options_clear)

/* One line of JSON for each round that did something, for the journal. */
static void
print_line (JsonObject *object)
{
  g_autoptr (JsonNode) node = json_node_init_object (json_node_alloc (), object);
  g_autofree char *text = json_to_string (node, FALSE);

  puts (text);
  fflush (stdout);
}

/* On the workers' thread. */
static void
told_cb (JsonObject *report, gpointer endpoints)
{
  print_line (report);
  if (endpoints)
    ct_endpoints_count (endpoints, json_array_get_length (ct_json_array (report, "problems")));
}

static gboolean
watchdog_cb (gpointer workers)
{
  if (ct_workers_silence (workers) < HUNG_MS)
    ct_notify ("WATCHDOG=1");
  return G_SOURCE_CONTINUE;
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

/* Which port it became, where any was asked for. */
static void
print_port (CtEndpoints *endpoints)
{
  g_autoptr (JsonObject) object = ct_json_build ("i", "port", (gint64) ct_endpoints_port (endpoints));

  print_line (object);
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
run_on (CtWorkspace *workspace, CtWorkers *workers, const Options *options, GError **error)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (CtEndpoints) endpoints = NULL;
  guint watchdog = ct_notify_watchdog_ms ();

  g_unix_signal_add (SIGTERM, stop_cb, loop);
  g_unix_signal_add (SIGINT, stop_cb, loop);
  if (options->listen &&
      !(endpoints = ct_endpoints_new (workspace, options->listen, options->token_file, error)))
    return FALSE;
  if (!print_health (workspace, error))
    return FALSE;
  if (endpoints)
    print_port (endpoints);
  ct_workers_start (workers, told_cb, endpoints);
  ct_notify ("READY=1");
  if (watchdog)
    g_timeout_add (watchdog / 3, watchdog_cb, workers);
  g_main_loop_run (loop);
  ct_notify ("STOPPING=1");
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
    { "listen", 0, 0, G_OPTION_ARG_STRING, &options->listen,
      _ ("Answer GET /health, /metrics and /v1/… there: a port of this machine, or ADDRESS:PORT with a "
         "token"),
      "PORT" },
    { "token-file", 0, 0, G_OPTION_ARG_FILENAME, &options->token_file,
      _ ("Whoever asks must send the token that is in this file"), "FILE" },
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
  g_auto (Options) options = { 0 };
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
  if (!workspace) {
    fprintf (stderr, "towerd: %s\n", error->message);
    return 1;
  }
  workers = ct_workers_new (workspace, "towerd");
  ok = options.once ? run_once (workspace, workers, &error) : run_on (workspace, workers, &options, &error);
  ct_workers_free (workers);
  ct_workspace_close (workspace);
  if (!ok)
    fprintf (stderr, "towerd: %s\n", error->message);
  return ok ? 0 : 1;
}
