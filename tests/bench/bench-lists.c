/* The lists of the desktop program, in a real window: what the Exceptions page costs with a million rows against a bare
 * GtkColumnView over an array in memory.
 *
 * Rows of the workspace are made so that the page's first filter leaves the number that is spoken of. */
#include "bare-list.h"
#include "ct-application.h"
#include "ct-bench.h"
#include "ct-own-time.h"
#include "exceptions/ct-exceptions-page.h"
#include "gui/gui-workspace.h"
#include "list/ct-list-view.h"

#include <stdlib.h>

#define MILLION 1000000
#define ROUNDS  5
#define JUMPS   6
#define WIDTH   1280
#define HEIGHT  800

/* A window with one of the two lists; @lazy is NULL for the bare one. */
typedef struct {
  GtkWindow *window;
  CtListView *view;
  CtLazyList *lazy;
  BareList *bare;
  GtkWidget *rows; /* what scrolls */
  gboolean painted;
} Stage;

static void
painted_cb (GdkFrameClock *clock, Stage *stage)
{
  if (!stage->lazy || ct_lazy_list_is_settled (stage->lazy))
    stage->painted = TRUE;
}

/* Until a frame is on the screen that shows what was asked for, every value of every row in sight. */
static void
wait_painted (Stage *stage)
{
  stage->painted = FALSE;
  gtk_widget_queue_draw (GTK_WIDGET (stage->window));
  while (!stage->painted)
    g_main_context_iteration (NULL, TRUE);
}

static void
present (Stage *stage, GtkWidget *child)
{
  stage->window = GTK_WINDOW (g_object_ref_sink (adw_window_new ()));
  gtk_window_set_default_size (stage->window, WIDTH, HEIGHT);
  adw_window_set_content (ADW_WINDOW (stage->window), child);
  gtk_widget_realize (GTK_WIDGET (stage->window));
  g_signal_connect (gtk_widget_get_frame_clock (GTK_WIDGET (stage->window)), "after-paint",
                    G_CALLBACK (painted_cb), stage);
  gtk_window_present (stage->window);
  wait_painted (stage);
}

static GtkWidget *
find_widget (GtkWidget *widget, GType type)
{
  GtkWidget *found = g_type_is_a (G_OBJECT_TYPE (widget), type) ? widget : NULL;

  for (GtkWidget *child = gtk_widget_get_first_child (widget); child && !found;
       child = gtk_widget_get_next_sibling (child))
    found = find_widget (child, type);
  return found;
}

static void
stage_page (Stage *stage, CtWorkspace *workspace)
{
  GtkWidget *page = g_object_new (CT_TYPE_EXCEPTIONS_PAGE, NULL);

  *stage = (Stage){ 0 };
  ct_page_set_workspace (CT_PAGE (page), workspace);
  ct_page_set_shown (CT_PAGE (page), TRUE);
  stage->view = CT_LIST_VIEW (find_widget (page, CT_TYPE_LIST_VIEW));
  stage->lazy = ct_list_view_get_list (stage->view);
  present (stage, page);
}

static void
stage_bare (Stage *stage, guint n)
{
  GtkWidget *scrolled = gtk_scrolled_window_new ();

  *stage = (Stage){ .bare = bare_list_new (n) };
  stage->rows = GTK_WIDGET (bare_view_new (stage->bare));
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scrolled), stage->rows);
  present (stage, scrolled);
}

static void
stage_end (Stage *stage)
{
  g_signal_handlers_disconnect_by_data (gtk_widget_get_frame_clock (GTK_WIDGET (stage->window)), stage);
  gtk_window_destroy (stage->window);
  g_clear_object (&stage->window);
  g_clear_object (&stage->bare);
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

/* --- acts ----------------------------------------------------------------------------------------------------- */

static int
by_score (const BareRow *a, const BareRow *b)
{
  return b->score - a->score;
}

static int
by_value (const BareRow *a, const BareRow *b)
{
  return (a->value < b->value) - (a->value > b->value);
}

static int
by_opened (const BareRow *a, const BareRow *b)
{
  return (a->opened < b->opened) - (a->opened > b->opened);
}

static int
by_number (const BareRow *a, const BareRow *b)
{
  return (a->n > b->n) - (a->n < b->n);
}

static int
by_owner (const BareRow *a, const BareRow *b)
{
  return strcmp (a->texts[3], b->texts[3]);
}

/* One click on a header or in a filter: as the page is told of it, and as the bare list does it. */
static const struct {
  const char *name, *view;
  BareCompare compare;
  guint column;
  const char *text;
} acts[] = {
  { "sort by value", "{\"filters\": {\"state\": [\"open\"]}, \"sort\": \"value\", \"descending\": true}",
    by_value, 0, NULL },
  { "sort by age", "{\"filters\": {\"state\": [\"open\"]}, \"sort\": \"age\", \"descending\": true}",
    by_opened, 0, NULL },
  { "sort by owner", "{\"filters\": {\"state\": [\"open\"]}, \"sort\": \"owner\", \"descending\": false}",
    by_owner, 0, NULL },
  { "sort by number", "{\"filters\": {\"state\": [\"open\"]}, \"sort\": \"number\", \"descending\": false}",
    by_number, 0, NULL },
  { "filter legal, by value",
    "{\"filters\": {\"state\": [\"open\"], \"owner\": [\"legal\"]}, \"sort\": \"value\", \"descending\": "
    "true}",
    by_value, 3, "Legal" },
  { "filter critical, by score",
    "{\"filters\": {\"state\": [\"open\"], \"severity\": [\"critical\"]}, \"sort\": \"score\", "
    "\"descending\": true}",
    by_score, 0, "▲ Critical" },
  { "all again, by score",
    "{\"filters\": {\"state\": [\"open\"]}, \"sort\": \"score\", \"descending\": true}", by_score, 0, NULL },
};

static void
act (Stage *stage, guint i)
{
  if (stage->lazy) {
    g_autoptr (JsonNode) node = json_from_string (acts[i].view, NULL);

    ct_list_view_set_view (stage->view, json_node_get_object (node));
  } else {
    bare_list_show (stage->bare, acts[i].column, acts[i].text, acts[i].compare);
  }
  wait_painted (stage);
}

static void
jump (Stage *stage, guint position)
{
  if (stage->lazy)
    ct_list_view_jump (stage->view, position);
  else
    gtk_widget_activate_action (gtk_widget_get_last_child (stage->rows), "list.scroll-to-item", "u",
                                position);
  wait_painted (stage);
}

/* Every act once with jumps after each; adds the seconds of each act and its jumps. */
static double
all_acts (Stage *stage, double *seconds)
{
  double begun = bench_seconds ();

  for (guint i = 0; i < G_N_ELEMENTS (acts); i++) {
    double since = bench_seconds ();
    guint n;

    act (stage, i);
    seconds[2 * i] += bench_seconds () - since;
    since = bench_seconds ();
    n = g_list_model_get_n_items (stage->lazy ? G_LIST_MODEL (stage->lazy) : G_LIST_MODEL (stage->bare));
    for (guint64 k = 1; k <= JUMPS; k++)
      jump (stage, (guint) (k * 2654435761 % n));
    seconds[2 * i + 1] += bench_seconds () - since;
  }
  return bench_seconds () - begun;
}

/* --- figures -------------------------------------------------------------------------------------------------- */

static void
first_window (CtWorkspace *workspace)
{
  double pages[ROUNDS], bares[ROUNDS], page, bare;
  g_autofree char *detail = NULL;

  for (int i = -1; i < ROUNDS; i++) { /* the first round warms up */
    Stage stage;
    double since = bench_seconds ();

    stage_page (&stage, workspace);
    pages[MAX (i, 0)] = bench_seconds () - since;
    stage_end (&stage);
    since = bench_seconds ();
    stage_bare (&stage, 1000);
    bares[MAX (i, 0)] = bench_seconds () - since;
    stage_end (&stage);
  }
  page = bench_median (pages, ROUNDS);
  bare = bench_median (bares, ROUNDS);
  detail = g_strdup_printf ("%.0f ms ÷ %.0f ms, median of %d", page * 1e3, bare * 1e3, ROUNDS);
  bench_print ("Exceptions page with 1,000,000 rows, first window ÷ bare column view of 1,000 rows", 1.5,
               "<=", page / bare, "ratio", detail);
}

/* The acts' seconds of all rounds, and the longest of our callbacks in each. */
typedef struct {
  double totals[2], parts[2][2 * G_N_ELEMENTS (acts)];
  double longest[ROUNDS];
  const char *function; /* (nullable): the longest of all */
  double most;
} Acts;

static void
act_round (Acts *sums, CtWorkspace *workspace, int round, gboolean bare)
{
  double seconds, ignored[2 * G_N_ELEMENTS (acts)] = { 0 };
  const char *function;
  Stage stage;

  if (bare)
    stage_bare (&stage, MILLION);
  else
    stage_page (&stage, workspace);
  ct_own_time_start ();
  seconds = all_acts (&stage, round < 0 ? ignored : sums->parts[bare]);
  if (round >= 0)
    sums->totals[bare] += seconds;
  if (!bare) {
    double longest = (double) ct_own_time_longest (&function) / 1e3;

    sums->longest[MAX (round, 0)] = longest;
    if (longest > sums->most) {
      sums->most = longest;
      sums->function = function;
    }
  }
  stage_end (&stage);
}

static void
acts_and_callbacks (CtWorkspace *workspace)
{
  Acts sums = { 0 };
  g_autofree char *callbacks = NULL, *total = NULL;

  for (int round = -1; round < ROUNDS; round++) {
    act_round (&sums, workspace, round, FALSE);
    act_round (&sums, workspace, round, TRUE);
  }
  for (guint i = 0; i < G_N_ELEMENTS (acts); i++)
    g_printerr ("%-26s %6.0f ms ÷ %6.0f ms, %d jumps %6.0f ms ÷ %6.0f ms\n", acts[i].name,
                sums.parts[0][2 * i] * 1e3 / ROUNDS, sums.parts[1][2 * i] * 1e3 / ROUNDS, JUMPS,
                sums.parts[0][2 * i + 1] * 1e3 / ROUNDS, sums.parts[1][2 * i + 1] * 1e3 / ROUNDS);
  callbacks = g_strdup_printf ("median of %d rounds; the worst %.1f ms in %s ()", ROUNDS, sums.most,
                               sums.function ? sums.function : "none");
  bench_print ("longest of our own callbacks while sorting, filtering, jumping in 1,000,000 rows", 4,
               "<=", bench_median (sums.longest, ROUNDS), "ms", callbacks);
  total = g_strdup_printf ("%.2f s ÷ %.2f s", sums.totals[0], sums.totals[1]);
  bench_print ("the same acts ÷ bare column view over an array in memory", 1.2,
               "<=", sums.totals[0] / sums.totals[1], "ratio", total);
}

/* KiB of memory in use, by the name the kernel gives it. */
static gint64
status_kib (const char *name)
{
  g_autofree char *status = NULL;
  const char *line;

  g_file_get_contents ("/proc/self/status", &status, NULL, NULL);
  line = strstr (status, name);
  g_assert_nonnull (line);
  return g_ascii_strtoll (line + strlen (name), NULL, 10);
}

/* --memory FOLDER: shows the page, sorts three times, prints what the process holds for itself: without the pages of the
 * replica's file, which the kernel keeps and takes back as it likes. */
static int
print_memory (const char *folder)
{
  GError *error = NULL;
  g_autoptr (CtWorkspace) workspace = ct_workspace_open (folder, &error);
  Stage stage;

  bench_check (error);
  stage_page (&stage, workspace);
  for (guint i = 0; i < 3; i++)
    act (&stage, i);
  printf ("%" G_GINT64_FORMAT "\n", status_kib ("RssAnon:"));
  stage_end (&stage);
  return 0;
}

static gint64
memory_of (const char *program, const char *folder)
{
  const char *argv[] = { program, "--memory", folder, NULL };
  g_autofree char *output = NULL;
  GError *error = NULL;

  g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, &output, NULL, NULL, &error);
  bench_check (error);
  return g_ascii_strtoll (output, NULL, 10);
}

static void
memory (const char *program, const char *small, const char *large)
{
  gint64 few = memory_of (program, small), many = memory_of (program, large);
  g_autofree char *detail =
      g_strdup_printf ("%.1f MiB − %.1f MiB of its own", (double) many / 1024, (double) few / 1024);

  bench_print ("memory from 1,000 to 1,000,000 exceptions, after three sorts", 24,
               "<=", (double) (many - few) / 1024, "MiB", detail);
}

static char *
make (const char *parent, const char *name, gint64 n)
{
  char *folder = g_build_filename (parent, name, NULL);
  GError *error = NULL;

  gui_workspace_make (folder, n, &error);
  bench_check (error);
  return folder;
}

int
main (int argc, char **argv)
{
  g_autofree char *parent = NULL, *small = NULL, *large = NULL;
  g_autoptr (CtApplication) application = NULL;
  g_autoptr (CtWorkspace) workspace = NULL;
  GError *error = NULL;

  gtk_init ();
  application = ct_application_new (); /* brings the resources along */
  g_application_register (G_APPLICATION (application), NULL, NULL);
  if (argc == 3 && strcmp (argv[1], "--memory") == 0)
    return print_memory (argv[2]);
  parent = ct_test_folder ();
  small = make (parent, "small", 1020);
  large = make (parent, "large", 1020408); /* one in fifty is cleared */
  workspace = ct_workspace_open (large, &error);
  bench_check (error);
  first_window (workspace);
  memory (argv[0], small, large);
  acts_and_callbacks (workspace);
  return 0;
}
