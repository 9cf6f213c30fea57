/* Detection: a full run against one hand-written scan with the same conditions, and an incremental run after 100 changes
 * among a million orders against the same among a thousand. */
#include "ct-bench.h"
#include "ct-detect.h"

#define RUNS 5

/* The conditions of the shipped rules as a person would write them for this day. */
static const char scan[] =
    "SELECT sum(CASE WHEN status IN ('draft', 'confirmed') THEN status_since_at < 1779883200000 WHEN status "
    "IN ('allocated', 'invoiced') "
    "THEN status_since_at < 1780056000000 END),"
    " sum(CASE WHEN status IN ('draft', 'confirmed', 'allocated', 'invoiced') THEN required_on >= "
    "'2026-06-03' AND required_on <= "
    "'2026-06-06' AND shipped IS NULL END),"
    " sum(CASE WHEN status NOT IN ('closed', 'cancelled') AND required_on < '2026-06-03' THEN shipped IS "
    "NULL AND delivered IS NULL END),"
    " sum(CASE WHEN status <> 'cancelled' THEN local_date(coalesce(delivered, shipped)) > required_on END),"
    " sum(CASE WHEN status IN ('confirmed', 'allocated') THEN (SELECT count(*) FROM order_lines l JOIN "
    "products p ON p.id = l.product_id "
    "WHERE l.order_id = q.id AND p.stock_milli < l.quantity_milli) > 0 END),"
    " sum(CASE WHEN status IN ('allocated', 'invoiced') AND required_on <= '2026-06-10' AND required_on >= "
    "'2026-06-03' THEN booked = 0 END),"
    " sum(CASE WHEN status IN ('draft', 'confirmed', 'allocated') THEN (SELECT count(*) FROM order_lines l "
    "JOIN products p ON p.id = "
    "l.product_id WHERE l.order_id = q.id AND p.currency = q.currency AND l.unit_price_minor * 100 < "
    "p.list_price_minor * 80) > 0 END),"
    " sum(CASE WHEN status IN ('draft', 'confirmed') AND total_minor > 0 THEN (SELECT count(*) FROM orders o "
    "WHERE o.distributor_id = "
    "q.distributor_id AND o.id <> q.id AND +o.ordered_on = q.ordered_on AND o.total_minor = q.total_minor "
    "AND o.status <> 'cancelled' AND "
    "o.archived_at IS NULL) > 0 END) "
    "FROM (SELECT s.*, (SELECT max(h.shipped_at) FROM shipments h WHERE h.order_id = s.id AND h.archived_at "
    "IS NULL) AS shipped, "
    "(SELECT max(h.delivered_at) FROM shipments h WHERE h.order_id = s.id AND h.archived_at IS NULL) AS "
    "delivered, (SELECT count(*) FROM "
    "shipments h WHERE h.order_id = s.id AND h.state NOT IN ('planned', 'cancelled') AND h.archived_at IS "
    "NULL) AS booked FROM orders s WHERE "
    "s.archived_at IS NULL) q "
    "UNION ALL SELECT sum(state IN ('issued', 'part_paid') AND due_on < '2026-06-03'), sum(state = "
    "'disputed'), sum(state = 'paid' AND "
    "paid_minor < amount_minor), 0, 0, 0, 0, 0 FROM invoices WHERE archived_at IS NULL "
    "UNION ALL SELECT sum(state = 'pickup_failed'), sum(state IN ('booked', 'in_transit') AND delivered_at "
    "IS NULL AND (eta_at - promised_at) "
    "/ 3600000 > 24), sum(state = 'delivered' AND delivered_at IS NOT NULL AND delivered_at < 1780315200000 "
    "AND proof_of_delivery = 0), 0, 0, "
    "0, 0, 0 FROM shipments WHERE archived_at IS NULL "
    "UNION ALL SELECT sum(state = 'missing'), sum(state = 'rejected'), sum(state IN ('verified', "
    "'submitted') AND expires_on <= "
    "'2026-07-03'), 0, 0, 0, 0, 0 FROM documents WHERE archived_at IS NULL "
    "UNION ALL SELECT sum(credit_limit_minor IS NOT NULL AND (SELECT coalesce(sum(i.amount_minor - "
    "i.paid_minor), 0) FROM invoices i WHERE "
    "i.distributor_id = s.id AND i.state IN ('issued', 'part_paid', 'disputed') AND i.currency = s.currency "
    "AND i.archived_at IS NULL) > "
    "credit_limit_minor), sum(onboarding_state IN ('contract', 'active') AND (SELECT count(*) FROM documents "
    "k WHERE k.distributor_id = s.id "
    "AND k.kind = 'contract' AND k.state <> 'verified' AND k.archived_at IS NULL) > 0), sum(onboarding_state "
    "IN ('prospect', 'documents', "
    "'contract') AND onboarding_since_at < 1779278400000), 0, 0, 0, 0, 0 FROM distributors s WHERE "
    "archived_at IS NULL";

typedef struct {
  char *folder;
  CtDb *db;
  CtCommander *commander;
} Book;

static Book
open_book (gint64 orders)
{
  Book book = { 0 };
  GError *error = NULL;

  book.db = bench_workspace (&book.folder);
  bench_order_book (book.db, orders);
  book.commander = ct_commander_new (ct_authority_standalone_new (), &error);
  bench_check (error);
  return book;
}

static void
close_book (Book *book)
{
  ct_commander_free (book->commander);
  ct_db_close (book->db);
  ct_test_remove (book->folder);
  g_free (book->folder);
}

static void
progress_cb (const char *rule, guint done, guint total, gpointer data)
{
  fprintf (stderr, "%.3f %s\n", bench_seconds (), rule);
}

static double
detect (Book *book, gboolean full, gint64 *opened)
{
  g_autoptr (GPtrArray) counts = NULL;
  GError *error = NULL;
  double start = bench_seconds ();

  counts = ct_detect (book->commander, book->db, "admin", BENCH_NOW, full,
                      g_getenv ("BENCH_TRACE") ? progress_cb : NULL, NULL, &error);
  bench_check (error);
  *opened = 0;
  for (guint i = 0; i < counts->len; i++)
    *opened += ((CtDetectCount *) counts->pdata[i])->opened;
  return bench_seconds () - start;
}

static double
hand_written (Book *book)
{
  GError *error = NULL;
  double start = bench_seconds ();
  g_autoptr (CtStmt) stmt = ct_db_query (book->db, &error, scan, "");

  bench_check (error);
  while (ct_stmt_next (stmt))
    ;
  ct_stmt_finish (stmt, &error);
  bench_check (error);
  return bench_seconds () - start;
}

/* A hundred orders, spread over the book, get another date; the same ten of a hundred in both books are open, so that
 * the same work is found. */
static double
after_changes (Book *book, gint64 orders)
{
  int step = (int) (orders / 100), shift = step % 100 ? 0 : 10;
  double times[41];
  gint64 opened;

  for (guint run = 0; run < G_N_ELEMENTS (times); run++) {
    g_autofree char *sql = g_strdup_printf ("UPDATE orders SET required_on = '2026-%s-01' WHERE n IN (SELECT "
                                            "3000000001 + value * %d + value %% 10 * %d FROM "
                                            "generate_series_100)",
                                            run % 2 ? "04" : "09", step, shift);
    g_autofree char *series = g_strdup ("CREATE TEMP TABLE IF NOT EXISTS generate_series_100 AS WITH "
                                        "RECURSIVE c(value) AS (SELECT 0 UNION ALL "
                                        "SELECT value + 1 FROM c WHERE value < 99) SELECT value FROM c");
    GError *error = NULL;

    ct_db_exec (book->db, series, &error);
    bench_check (error);
    ct_db_exec (book->db, sql, &error);
    bench_check (error);
    times[run] = detect (book, FALSE, &opened);
  }
  return bench_median (times, G_N_ELEMENTS (times));
}

int
main (void)
{
  Book large = open_book (g_getenv ("BENCH_ORDERS") ? g_ascii_strtoll (g_getenv ("BENCH_ORDERS"), NULL, 10)
                                                    : 1000000),
       small = open_book (1000);
  double full[RUNS], plain[RUNS], ratio, first;
  g_autofree char *detail = NULL;
  double many, few;
  gint64 opened, again;

  first = detect (&large, TRUE, &opened);
  detect (&small, TRUE, &again);
  for (int run = 0; run < RUNS; run++) {
    plain[run] = hand_written (&large);
    full[run] = detect (&large, TRUE, &again);
  }
  ratio = bench_median (full, RUNS) / bench_median (plain, RUNS);
  detail = g_strdup_printf ("%.2f s against %.2f s; the first run opened %d exceptions in %.2f s",
                            full[RUNS / 2], plain[RUNS / 2], (int) opened, first);
  bench_print ("full detection over 1,000,000 orders / one hand-written SQL scan", 2, "<=", ratio, "ratio",
               detail);
  many = after_changes (&large, 1000000);
  few = after_changes (&small, 1000);
  g_free (detail);
  detail = g_strdup_printf ("%.1f ms among 1,000,000 against %.1f ms among 1,000", many * 1e3, few * 1e3);
  bench_print ("detection after 100 changed orders among 1,000,000 / among 1,000", 1.5, "<=", many / few,
               "ratio", detail);
  close_book (&large);
  close_book (&small);
  return 0;
}
