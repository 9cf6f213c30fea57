/* What the measurements share: a trial workspace of a given size, a clock, the line of a figure. */
#pragma once

#include "ct-test.h"
#include "ct-workspace.h"

#include <stdio.h>

#define BENCH_NOW G_GINT64_CONSTANT (1780488000000) /* 2026-06-03T12:00:00Z */

static inline double
bench_seconds (void)
{
  return (double) g_get_monotonic_time () / 1e6;
}

static inline void
bench_check (GError *error)
{
  if (error)
    g_error ("%s", error->message);
}

static inline void
bench_print (const char *figure, double target, const char *relation, double result, const char *unit,
             const char *detail)
{
  printf ("{\"figure\": \"%s\", \"target\": %g, \"relation\": \"%s\", \"result\": %.4g, \"unit\": \"%s\", "
          "\"detail\": \"%s\"}\n",
          figure, target, relation, result, unit, detail);
  fflush (stdout);
}

static inline int
bench_compare (gconstpointer a, gconstpointer b)
{
  double x = *(const double *) a, y = *(const double *) b;

  return x < y ? -1 : x > y;
}

static inline double
bench_median (double *values, guint n)
{
  qsort (values, n, sizeof *values, bench_compare);
  return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

/* A fresh workspace for trials in a temporary folder; its connection is the caller's. */
static inline CtDb *
bench_workspace (char **folder)
{
  CtWorkspaceOptions options = { .trial = TRUE, .environment = "demo", .login = "admin", .now = BENCH_NOW };
  g_autofree char *path = NULL;
  GError *error = NULL;
  CtDb *db;

  *folder = ct_test_folder ();
  ct_workspace_create (*folder, &options, &error);
  bench_check (error);
  path = g_build_filename (*folder, "replica.db", NULL);
  db = ct_db_open (path, CT_DB_READ_WRITE, &error);
  bench_check (error);
  return db;
}

/* An order book of @orders orders, twenty a distributor, each with a shipment, an invoice and now and then a document;
 * about one in a hundred is in some trouble. Raw rows: what is measured is what reads them. */
static inline void
bench_order_book (CtDb *db, gint64 orders)
{
  GError *error = NULL;
  g_autofree char *script = g_strdup_printf (
      "BEGIN;"
      "CREATE TEMP TABLE numbers AS WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < "
      "%" G_GINT64_FORMAT ") SELECT i FROM c;"
      "INSERT INTO distributors(id, n, created_at, updated_at, number, legal_name, country, value_band, "
      "onboarding_state, "
      "onboarding_since_at, credit_limit_minor, currency) SELECT CAST(printf('d%%015d', i) AS BLOB), "
      "2000000000 + i, 0, 0, 'D' || i, 'Distributor ' || i, "
      "substr('DEFRESITPLNL', 1 + 2 * (i %% 6), 2), substr('ABC', 1 + i %% 3, 1), 'active', 0, 100000000, "
      "'EUR' FROM numbers "
      "WHERE i <= %" G_GINT64_FORMAT " / 20 + 1;"
      "INSERT INTO orders(id, n, created_at, updated_at, number, distributor_id, status, status_since_at, "
      "ordered_on, required_on, "
      "total_minor, currency) SELECT CAST(printf('o%%015d', i) AS BLOB), 3000000000 + i, 0, 0, 'O' || i, "
      "CAST(printf('d%%015d', 1 + i / 20) AS BLOB), "
      "CASE WHEN i %% 100 = 1 THEN 'confirmed' WHEN i %% 100 < 5 THEN 'delivered' ELSE 'closed' END, "
      "1780400000000, "
      "date('2026-03-01', '+' || (i %% 60) || ' days'), date('2026-04-01', '+' || (i %% 60) || ' days'), "
      "100000 + i %% 90000 * 7 + i, 'EUR' "
      "FROM numbers;"
      "INSERT INTO shipments(id, n, created_at, updated_at, number, order_id, state, promised_at, eta_at, "
      "shipped_at, delivered_at, "
      "proof_of_delivery) SELECT CAST(printf('s%%015d', i) AS BLOB), 5000000000 + i, 0, 0, 'S' || i, "
      "CAST(printf('o%%015d', i) AS BLOB), CASE WHEN i %% 500 = 7 THEN 'pickup_failed' "
      "WHEN i %% 100 = 1 THEN 'planned' ELSE 'delivered' END, NULL, NULL, CASE WHEN i %% 100 = 1 THEN NULL "
      "ELSE d - 400000000 END, "
      "CASE WHEN i %% 100 = 1 THEN NULL ELSE d END, 1 FROM (SELECT i, (20544 + i %% 60 - CASE WHEN i %% 200 "
      "= 3 THEN -2 ELSE 2 END) "
      "* 86400000 AS d FROM numbers);"
      "INSERT INTO invoices(id, n, created_at, updated_at, number, order_id, distributor_id, state, "
      "amount_minor, paid_minor, currency, "
      "issued_on, due_on) SELECT CAST(printf('i%%015d', i) AS BLOB), 7000000000 + i, 0, 0, 'I' || i, "
      "CAST(printf('o%%015d', i) AS BLOB), CAST(printf('d%%015d', 1 + i / 20) AS BLOB), CASE WHEN i %% 150 = "
      "2 "
      "THEN 'issued' ELSE 'paid' END, 100000, CASE WHEN i %% 150 = 2 THEN 0 ELSE 100000 END, 'EUR', "
      "'2026-04-01', '2026-05-01' FROM numbers;"
      "INSERT INTO documents(id, n, created_at, updated_at, distributor_id, order_id, kind, state) SELECT "
      "CAST(printf('k%%015d', i) AS BLOB), 9000000000 + i, 0, "
      "0, CAST(printf('d%%015d', 1 + i / 20) AS BLOB), CAST(printf('o%%015d', i) AS BLOB), 'import licence', "
      "CASE WHEN i %% 1000 = 10 THEN 'missing' ELSE 'verified' END FROM numbers "
      "WHERE i %% 10 = 0;"
      "UPDATE row_counter SET next = 10000000000; DROP TABLE numbers; COMMIT;",
      orders, orders);

  ct_db_exec (db, script, &error);
  bench_check (error);
}
