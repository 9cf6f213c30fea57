/* ./dev simulate: stories of clients and a server in which everything goes wrong, each the same whenever its seed is told
 * again; see CONTRIBUTING.md. */
#include "sim-steps.h"

#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- random keys follow from the seed as well ---- */

static SimRandom keys;

static const char *
keys_name (void)
{
  return "simulation";
}

static uint32_t
keys_number (void)
{
  return (uint32_t) sim_random_next (&keys);
}

static void
keys_fill (void *buffer, const size_t length)
{
  for (size_t i = 0; i < length; i++)
    ((guint8 *) buffer)[i] = (guint8) sim_random_next (&keys);
}

static void
make_keys_follow (void)
{
  static struct randombytes_implementation implementation = { .implementation_name = keys_name,
                                                              .random = keys_number,
                                                              .buf = keys_fill };

  g_assert_cmpint (randombytes_set_implementation (&implementation), ==, 0);
}

/* ---- telling ---- */

static SimWorld *telling; /* for the handler alone */

/* An assertion inside of the program: what led to it is what matters. */
static void
abort_cb (int signal_number)
{
  static const char head[] = "\nThe program gave up. What led to it:\n";

  signal (signal_number, SIG_DFL);
  if (telling && write (STDERR_FILENO, head, sizeof head - 1) > 0 &&
      write (STDERR_FILENO, telling->script->str, telling->script->len) < 0)
    _exit (1);
  raise (signal_number);
}

static int
compare_texts (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static void
print_counts (SimWorld *world)
{
  guint n;
  g_autofree gpointer *names = g_hash_table_get_keys_as_array (world->counts, &n);

  qsort (names, n, sizeof *names, compare_texts);
  for (guint i = 0; i < n; i++)
    g_print ("%s %u %s", i ? "," : ":", GPOINTER_TO_UINT (g_hash_table_lookup (world->counts, names[i])),
             (const char *) names[i]);
  g_print ("\n");
}

static gboolean
tell (const SimStage *stage, guint64 seed, gboolean verbose)
{
  g_autoptr (SimWorld) world = NULL;
  gboolean held;

  keys.state = seed;
  world = sim_world_new (stage, seed, verbose);
  telling = world;
  held = sim_story (world);
  telling = NULL;
  g_print ("seed %" G_GUINT64_FORMAT " %s", seed, held ? "holds" : "FAILS");
  print_counts (world);
  if (!held) {
    if (!verbose)
      g_print ("%s", world->script->str);
    g_print ("seed %" G_GUINT64_FORMAT " FAILS: %s\nTell it again: ./dev simulate --seeds %" G_GUINT64_FORMAT
             " --verbose\n",
             seed, world->failure ? world->failure : "a step failed", seed);
  }
  return held;
}

static gboolean
parse_seeds (const char *text, guint64 *first, guint64 *last)
{
  char *end = NULL;

  *first = g_ascii_strtoull (text, &end, 10);
  if (end == text)
    return FALSE;
  *last = *first;
  if (g_str_has_prefix (end, "..")) {
    text = end + 2;
    *last = g_ascii_strtoull (text, &end, 10);
  }
  return end != text && !*end && *last >= *first;
}

/* In the test suite each line is a case as well. */
static gboolean
tell_all (guint64 first, guint64 last, gboolean verbose, gboolean tap)
{
  g_auto (SimStage) stage = { 0 };
  guint held = 0, failed = 0;

  sim_stage_prepare (&stage);
  for (guint64 seed = first; seed <= last; seed++) {
    gboolean holds;

    if (tap)
      g_print ("# ");
    holds = tell (&stage, seed, verbose);
    if (tap)
      g_print ("%s %u - seed %" G_GUINT64_FORMAT "\n", holds ? "ok" : "not ok", held + failed + 1, seed);
    *(holds ? &held : &failed) += 1;
  }
  g_print (tap ? "1..%u\n" : "%u seeds: ", held + failed);
  if (!tap)
    g_print ("%u hold, %u fail\n", held, failed);
  return failed == 0;
}

int
main (int argc, char **argv)
{
  g_autofree char *seeds = NULL;
  gboolean verbose = FALSE, tap = FALSE;
  guint64 first, last;
  const GOptionEntry options[] = {
    { "seeds", 0, 0, G_OPTION_ARG_STRING, &seeds, "which stories to tell: 1..200, or 17", "A..B" },
    { "verbose", 0, 0, G_OPTION_ARG_NONE, &verbose, "each step as it happens", NULL },
    { "tap", 0, 0, G_OPTION_ARG_NONE, &tap, "a test case for each seed", NULL },
    { 0 },
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GError) error = NULL;

  g_option_context_add_main_entries (context, options, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error) ||
      !parse_seeds (seeds ? seeds : "1..20", &first, &last)) {
    g_printerr ("simulate: %s\n", error ? error->message : "--seeds takes a number or a range: 1..200");
    return 2;
  }
  make_keys_follow ();
  signal (SIGABRT, abort_cb);
  return tell_all (first, last, verbose, tap) ? 0 : 1;
}
