/* A made-up order book of any size, as canonical files: for trials of size. The same size and day give the same files;
 * about one order in twenty is in some trouble. */
#include "ct-order-book.h"

#include <errno.h>
#include <stdio.h>

#define ORDERS_A_DISTRIBUTOR 20

typedef struct {
  FILE *file;
  gint64 today; /* days since 1970-01-01 */
} Book;

typedef struct {
  const char *file;
  const char *header;
  void (*row) (Book *book, gint64 i);
  gint64 share; /* a row for every so many orders */
} Table;

/* A number that looks random and is always the same for @i. */
static guint
mix (gint64 i, guint salt)
{
  guint64 x =
      (guint64) i * G_GUINT64_CONSTANT (0x9e3779b97f4a7c15) + salt * G_GUINT64_CONSTANT (0xbf58476d1ce4e5b9);

  x ^= x >> 29;
  x *= G_GUINT64_CONSTANT (0x94d049bb133111eb);
  return (guint) (x >> 33);
}

static const char *
day (Book *book, gint64 offset, char date[CT_DATE_SIZE])
{
  ct_date_from_days (book->today + offset, date);
  return date;
}

/* What befell order @i: 0 to 3 are troubles, the rest went well. */
static guint
fate (gint64 i)
{
  return mix (i, 1) % 80;
}

static gint64
ordered (gint64 i)
{
  return fate (i) < 4 ? -20 - (gint64) (mix (i, 2) % 20) : -60 - (gint64) (mix (i, 2) % 600);
}

static gint64
total (gint64 i)
{
  return (gint64) (1 + mix (i, 3) % 90) * (gint64) (1500 + mix (i, 4) % 9000);
}

static void
distributor_row (Book *book, gint64 i)
{
  static const char *const countries[] = { "DE", "FR", "ES", "IT", "NL", "PL", "SE", "AT" };
  char since[CT_DATE_SIZE];

  fprintf (book->file,
           "SEED-D%07" G_GINT64_FORMAT ",Distributor %07" G_GINT64_FORMAT ",%s,%c,active,%s,EUR,%u.00\n", i,
           i, countries[mix (i, 5) % G_N_ELEMENTS (countries)], "ABC"[mix (i, 6) % 3],
           day (book, -700, since), 100000 + mix (i, 7) % 400000);
}

static void
order_row (Book *book, gint64 i)
{
  static const char *const states[] = { "confirmed", "allocated", "invoiced", "delivered" };
  char on[CT_DATE_SIZE], required[CT_DATE_SIZE];
  gint64 minor = total (i);

  fprintf (book->file,
           "SEED-O%08" G_GINT64_FORMAT ",SEED-D%07" G_GINT64_FORMAT ",%s,%s,%s,EUR,%" G_GINT64_FORMAT
           ".%02d\n",
           i, 1 + (i - 1) / ORDERS_A_DISTRIBUTOR, fate (i) < 4 ? states[fate (i)] : "closed",
           day (book, ordered (i), on), day (book, ordered (i) + (fate (i) == 0 ? 15 : 30), required),
           minor / 100, (int) (minor % 100));
}

static void
line_row (Book *book, gint64 i)
{
  gint64 quantity = 1 + mix (i, 3) % 90, price = 1500 + mix (i, 4) % 9000;

  fprintf (book->file,
           "SEED-O%08" G_GINT64_FORMAT ",1,SKU-%03u,%" G_GINT64_FORMAT ",EUR,%" G_GINT64_FORMAT ".%02d\n", i,
           mix (i, 8) % 500, quantity, price / 100, (int) (price % 100));
}

static void
shipment_row (Book *book, gint64 i)
{
  char shipped[CT_DATE_SIZE], delivered[CT_DATE_SIZE];
  guint what = fate (i);

  fprintf (book->file, "SEED-S%08" G_GINT64_FORMAT ",SEED-O%08" G_GINT64_FORMAT ",DHL Freight,", i, i);
  if (what < 3) {
    fprintf (book->file, "%s,,,%u,false\n",
             what == 1   ? "pickup_failed"
             : what == 0 ? "planned"
                         : "booked",
             what == 1 ? (guint) (1 + i % 3) : 0);
    return;
  }
  fprintf (book->file, "delivered,%sT08:00:00Z,%sT12:00:00Z,0,true\n", day (book, ordered (i) + 20, shipped),
           day (book, ordered (i) + (what == 3 ? 33 : 25), delivered));
}

static void
invoice_row (Book *book, gint64 i)
{
  char issued[CT_DATE_SIZE], due[CT_DATE_SIZE];
  gboolean open = fate (i) == 4;
  gint64 minor = total (i);
  g_autofree char *amount = ct_decimal_format (minor, 2);

  fprintf (book->file,
           "SEED-I%08" G_GINT64_FORMAT ",SEED-O%08" G_GINT64_FORMAT ",SEED-D%07" G_GINT64_FORMAT
           ",%s,EUR,%s,%s,%s,%s\n",
           i, i, 1 + (i - 1) / ORDERS_A_DISTRIBUTOR, open ? "issued" : "paid", amount, open ? "0.00" : amount,
           day (book, ordered (i), issued), day (book, ordered (i) + 30, due));
}

static gboolean
write_table (const char *folder, const Table *table, gint64 orders, gint64 today, GCancellable *cancellable,
             GError **error)
{
  g_autofree char *path = g_build_filename (folder, table->file, NULL);
  Book book = { fopen (path, "we"), today };
  gboolean ok;

  if (!book.file)
    return ct_fail (error, CT_ERROR_FAILED, _ ("Cannot write %s: %s"), path, g_strerror (errno));
  fputs (table->header, book.file);
  for (gint64 i = 1; i <= (orders + table->share - 1) / table->share; i++) {
    if (i % 4096 == 0 && g_cancellable_is_cancelled (cancellable))
      break;
    table->row (&book, i);
  }
  ok = !ferror (book.file);
  ok = fclose (book.file) == 0 && ok;
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  return ok || ct_fail (error, CT_ERROR_FAILED, _ ("Cannot write %s: %s"), path, g_strerror (errno));
}

/**
 * ct_order_book_write:
 * @folder: where the files go; they can be imported with the profile "canonical"
 * @orders: how many
 * @today: days since 1970-01-01; what is overdue is overdue on this day
 */
gboolean
ct_order_book_write (const char *folder, gint64 orders, gint64 today, GCancellable *cancellable,
                     GError **error)
{
  static const Table tables[] = {
    { "distributors.csv",
      "number,legal_name,country,value_band,onboarding_state,onboarding_since,currency,credit_limit\n",
      distributor_row, ORDERS_A_DISTRIBUTOR },
    { "orders.csv", "number,distributor,status,ordered_on,required_on,currency,total\n", order_row, 1 },
    { "order_lines.csv", "order,position,sku,quantity,currency,unit_price\n", line_row, 1 },
    { "shipments.csv", "number,order,carrier,state,shipped,delivered,pickup_attempts,proof_of_delivery\n",
      shipment_row, 1 },
    { "invoices.csv", "number,order,distributor,state,currency,amount,paid,issued_on,due_on\n", invoice_row,
      1 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (tables); i++)
    if (!write_table (folder, &tables[i], orders, today, cancellable, error))
      return FALSE;
  return TRUE;
}
