/* What the server works out of other columns, as the program does. */
#include "pg-device.h"

#include "ct-base.h"

static PgServer *server;
static CtSession *root;

/* Sizes of every order, halves among them. */
static gint64
any_amount (GRand *random, gint64 most)
{
  gint64 size = (gint64) (g_rand_double (random) * (double) most);

  return size >> g_rand_int_range (random, 0, 50);
}

/* A line comes to the same here and there, to the last minor unit. */
static void
test_line_totals (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (7);
  g_autoptr (GString) cases = g_string_new ("[");
  g_autofree char *sql = NULL, *wrong = NULL;
  guint n = 0, halves = 0;

  while (n < 5000) {
    gint64 quantity = 1 + any_amount (random, CT_QUANTITY_MOST), price = any_amount (random, CT_AMOUNT_MOST);
    gint64 discount = g_rand_boolean (random) ? 0 : g_rand_int_range (random, 0, 10001), total;

    if (n % 5 == 0)
      price = -price;
    if (n % 10 < 2) { /* 0.5, 1.5, … of a minor unit */
      quantity = 500;
      price |= 1;
      discount = 0;
      halves++;
    }
    if (!ct_line_total (quantity, price, discount, &total))
      continue;
    g_string_append_printf (
        cases, "%s[%" G_GINT64_FORMAT ",%" G_GINT64_FORMAT ",%" G_GINT64_FORMAT ",%" G_GINT64_FORMAT "]",
        n ? "," : "", quantity, price, discount, total);
    n++;
  }
  g_assert_cmpuint (halves, >, 900);
  g_string_append_c (cases, ']');
  sql = g_strdup_printf (
      "SELECT coalesce(string_agg(c::text, ' '), '') FROM jsonb_array_elements('%s') c WHERE (c ->> "
      "3)::numeric"
      " IS DISTINCT FROM sync.line_total((c ->> 0)::bigint, (c ->> 1)::bigint, (c ->> 2)::bigint)",
      cases->str);
  wrong = pg_text (root, sql);
  g_assert_cmpstr (wrong, ==, "");
}

int
main (int argc, char **argv)
{
  int result;

  g_test_init (&argc, &argv, NULL);
  server = pg_server_start ();
  pg_server_create (server, "derived", NULL);
  root = pg_server_login (server, "derived", "postgres");
  g_test_add_func ("/pg/derived/line-totals", test_line_totals);
  result = g_test_run ();
  ct_session_close (root);
  pg_server_stop (server);
  return result;
}
