#include "ct-base.h"
#include "ct-queue.h"

#include <sqlite3.h>
#include <stdlib.h>

#define NEVER G_MAXINT64

static void
test_compare (void)
{
  /* each pair: the first comes first */
  static const struct {
    CtQueueOrder order;
    CtQueueItem a, b;
  } cases[] = {
    { CT_QUEUE_URGENCY, { 10, 1, 9, 0, 2 }, { 11, 9, 1, 9, 1 } },
    { CT_QUEUE_URGENCY, { 10, 9, 9, 0, 2 }, { NEVER, 99, 1, 9, 1 } },
    { CT_QUEUE_URGENCY, { 10, 5, 9, 0, 2 }, { 10, 4, 1, 9, 1 } },
    { CT_QUEUE_URGENCY, { 10, 5, 1, 0, 2 }, { 10, 5, 2, 9, 1 } },
    { CT_QUEUE_URGENCY, { 10, 5, 1, 0, 1 }, { 10, 5, 1, 9, 2 } },
    { CT_QUEUE_FIFO, { 99, 1, 1, 0, 2 }, { 1, 9, 2, 9, 1 } },
    { CT_QUEUE_FIFO, { 99, 1, 1, 0, 1 }, { 1, 9, 1, 9, 2 } },
    { CT_QUEUE_BALANCED, { 99, 1, 9, 5, 2 }, { 1, 9, 2, 4, 1 } },
    { CT_QUEUE_BALANCED, { 1, 1, 9, 5, 2 }, { 2, 9, 2, 5, 1 } },
    { CT_QUEUE_BALANCED, { 1, 2, 9, 5, 2 }, { 1, 1, 2, 5, 1 } },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_test_message ("case %u", i);
    g_assert_cmpint (ct_queue_compare (cases[i].order, &cases[i].a, &cases[i].b), <, 0);
    g_assert_cmpint (ct_queue_compare (cases[i].order, &cases[i].b, &cases[i].a), >, 0);
    g_assert_cmpint (ct_queue_compare (cases[i].order, &cases[i].a, &cases[i].a), ==, 0);
  }
}

static int
compare_cb (gconstpointer a, gconstpointer b, gpointer order)
{
  return ct_queue_compare ((CtQueueOrder) GPOINTER_TO_INT (order), a, b);
}

static void
fill (sqlite3 *db, CtQueueItem *items, guint count)
{
  for (guint i = 0; i < count; i++) {
    CtQueueItem *item = &items[i];
    g_autofree char *due = NULL;
    g_autofree char *sql = NULL;

    *item = (CtQueueItem){ g_test_rand_int_range (0, 6), g_test_rand_int_range (0, 4),
                           g_test_rand_int_range (0, 4), g_test_rand_int_range (-2, 3), i + 1 };
    if (item->due_at == 5)
      item->due_at = NEVER;
    due = item->due_at == NEVER ? g_strdup ("NULL") : g_strdup_printf ("%" G_GINT64_FORMAT, item->due_at);
    sql = g_strdup_printf ("INSERT INTO q VALUES (%s, %d, %d, %d, %d)", due, (int) item->priority,
                           (int) item->created_at, (int) item->spare_capacity, (int) item->n);
    g_assert_cmpint (sqlite3_exec (db, sql, NULL, NULL, NULL), ==, SQLITE_OK);
  }
}

/* The comparison and the SQL order the same. */
static void
test_sql (void)
{
  static const CtQueueColumns columns = { "due", "priority", "created", "spare", "n" };
  CtQueueItem items[400];
  sqlite3 *db = NULL;

  g_assert_cmpint (sqlite3_open (":memory:", &db), ==, SQLITE_OK);
  sqlite3_exec (db, "CREATE TABLE q (due, priority, created, spare, n)", NULL, NULL, NULL);
  fill (db, items, G_N_ELEMENTS (items));
  for (int order = CT_QUEUE_URGENCY; order <= CT_QUEUE_BALANCED; order++) {
    g_autofree char *by = ct_queue_order_by ((CtQueueOrder) order, &columns);
    g_autofree char *sql = g_strconcat ("SELECT n FROM q ORDER BY ", by, NULL);
    sqlite3_stmt *statement = NULL;

    g_qsort_with_data (items, G_N_ELEMENTS (items), sizeof *items, compare_cb, GINT_TO_POINTER (order));
    g_assert_cmpint (sqlite3_prepare_v2 (db, sql, -1, &statement, NULL), ==, SQLITE_OK);
    for (guint i = 0; i < G_N_ELEMENTS (items); i++) {
      g_assert_cmpint (sqlite3_step (statement), ==, SQLITE_ROW);
      g_assert_cmpint (sqlite3_column_int64 (statement, 0), ==, items[i].n);
    }
    sqlite3_finalize (statement);
  }
  sqlite3_close (db);
}

static void
test_lanes (void)
{
  static const struct {
    const char *now, *due;
    CtLane lane;
  } cases[] = {
    { "2026-06-01T10:00:00Z", "2026-06-01T09:59:59Z", CT_LANE_OVERDUE },
    { "2026-06-01T10:00:00Z", "2026-06-01T10:00:00Z", CT_LANE_UNDER_AN_HOUR },
    { "2026-06-01T10:00:00Z", "2026-06-01T10:59:59Z", CT_LANE_UNDER_AN_HOUR },
    { "2026-06-01T10:00:00Z", "2026-06-01T11:00:00Z", CT_LANE_TODAY },
    { "2026-06-01T10:00:00Z", "2026-06-01T21:59:59Z", CT_LANE_TODAY },
    { "2026-06-01T10:00:00Z", "2026-06-01T22:00:00Z", CT_LANE_LATER },
    /* near midnight the hour wins */
    { "2026-06-01T21:30:00Z", "2026-06-01T22:15:00Z", CT_LANE_UNDER_AN_HOUR },
    { "2026-06-01T21:30:00Z", "2026-06-01T22:30:00Z", CT_LANE_LATER },
  };
  g_autoptr (GTimeZone) berlin = g_time_zone_new_identifier ("Europe/Berlin");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    gint64 now = 0, due = 0, bounds[CT_N_LANES - 1];

    g_assert_true (ct_time_parse (cases[i].now, &now) && ct_time_parse (cases[i].due, &due));
    ct_lane_bounds (now, berlin, bounds);
    g_test_message ("case %u", i);
    g_assert_cmpint (ct_lane_of (due, bounds), ==, cases[i].lane);
    g_assert_cmpint (ct_lane_of (NEVER, bounds), ==, CT_LANE_LATER);
  }
}

static void
test_names (void)
{
  for (int order = CT_QUEUE_URGENCY; order <= CT_QUEUE_BALANCED; order++) {
    CtQueueOrder parsed = CT_QUEUE_URGENCY;

    g_assert_true (ct_queue_order_parse (ct_queue_order_name ((CtQueueOrder) order), &parsed));
    g_assert_cmpint (parsed, ==, order);
    g_assert_nonnull (ct_queue_order_label (parsed));
    g_assert_false (ct_queue_order_parse ("lifo", &parsed));
  }
  for (int lane = 0; lane < CT_N_LANES; lane++)
    g_assert_true (ct_lane_name ((CtLane) lane) && ct_lane_label ((CtLane) lane));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/queue/compare", test_compare);
  g_test_add_func ("/queue/sql", test_sql);
  g_test_add_func ("/queue/lanes", test_lanes);
  g_test_add_func ("/queue/names", test_names);
  return g_test_run ();
}
