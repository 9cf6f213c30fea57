#include "ct-base.h"

#include <string.h>

static void
test_id (void)
{
  CtId id = ct_id_new (1700000000000), back, derived;
  g_autofree char *text = ct_id_to_string (&id);

  g_assert_true (ct_id_parse (text, &back));
  g_assert_true (ct_id_equal (&id, &back));
  g_assert_cmpint (text[14], ==, '7');
  g_assert_false (ct_id_parse ("nope", &back));
  g_assert_false (ct_id_parse (NULL, &back));
  derived = ct_id_derive (&id, "orders", 1);
  back = ct_id_derive (&id, "orders", 1);
  g_assert_true (ct_id_equal (&derived, &back));
  back = ct_id_derive (&id, "orders", 2);
  g_assert_false (ct_id_equal (&derived, &back));
  id = ct_id_number (&derived, 7);
  back = ct_id_number (&derived, 256);
  g_assert_cmpint (memcmp (&id, &back, sizeof id), <, 0);
  g_assert_cmpmem (id.bytes, 10, derived.bytes, 10);
}

static void
test_hash (void)
{
  CtHash hash = ct_hash ("abc", 3), back;
  g_autofree char *hex = ct_hash_to_hex (&hash);

  g_assert_cmpstr (hex, ==, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  g_assert_true (ct_hash_from_hex (hex, &back) && ct_hash_equal (&hash, &back));
  hex[3] = 'x';
  g_assert_false (ct_hash_from_hex (hex, &back));
}

static void
test_time (void)
{
  static const char *const same[] = { "2026-06-04T09:00:00Z", "1969-12-31T23:59:59Z",
                                      "1998-06-01T00:00:00.250Z" };
  g_autoptr (GTimeZone) moscow = g_time_zone_new_identifier ("Europe/Moscow");
  char date[CT_DATE_SIZE];
  gint64 ms = 0;

  for (guint i = 0; i < G_N_ELEMENTS (same); i++) {
    g_autofree char *text = NULL;

    g_assert_true (ct_time_parse (same[i], &ms));
    text = ct_time_format (ms);
    g_assert_cmpstr (text, ==, same[i]);
  }
  g_assert_false (ct_time_parse ("2026-06-04", &ms));
  g_assert_false (ct_time_parse ("2026-06-04T09:00:00", &ms));
  g_assert_true (ct_time_parse ("2026-06-04T22:00:00Z", &ms));
  ct_time_to_date (ms, moscow, date);
  g_assert_cmpstr (date, ==, "2026-06-05");
  g_assert_cmpint (ct_date_to_time ("2026-06-05", moscow), ==, ms - CT_MS_HOUR);
}

static void
test_date (void)
{
  static const struct {
    const char *text, *format, *date;
  } cases[] = {
    { "2026-02-28", "%Y-%m-%d", "2026-02-28" }, { "2026-02-29", "%Y-%m-%d", NULL },
    { "02-Jun-06", "%d-%b-%y", "2006-06-02" },  { "4/7/1996", "%m/%d/%Y", "1996-04-07" },
    { "4/7/1996x", "%m/%d/%Y", NULL },          { "", "%Y", NULL },
  };
  char date[CT_DATE_SIZE];

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    gboolean ok = ct_date_parse (cases[i].text, cases[i].format, date);

    g_assert_cmpint (ok, ==, cases[i].date != NULL);
    if (ok)
      g_assert_cmpstr (date, ==, cases[i].date);
  }
  for (gint64 day = -719162; day < 800000; day += 13) {
    ct_date_from_days (day, date);
    g_assert_cmpint (ct_date_to_days (date), ==, day);
  }
}

static void
test_duration (void)
{
  gint64 ms = 0;

  g_assert_true (ct_duration_parse ("1d12h", &ms));
  g_assert_cmpint (ms, ==, 36 * CT_MS_HOUR);
  g_assert_false (ct_duration_parse ("12", &ms));
  g_assert_false (ct_duration_parse ("", &ms));
  g_assert_cmpint (ms, ==, 36 * CT_MS_HOUR);
}

/* What is typed and is not an amount says why, and how the currency's amounts are written. */
static void
test_amounts (void)
{
  static const struct {
    const char *text, *currency, *reason; /* (nullable): right */
  } cases[] = { { "1234.5", "EUR", NULL },
                { "1.234", "EUR", "more digits after the decimal point than EUR has; write it as 1234.50" },
                { "800.505", "EUR", "more digits" },
                { "1.500", "EUR", "more digits" },
                { "1.234", "KWD", NULL },
                { "1.2345", "KWD", "write it as 1234.500" },
                { "12.5", "JPY", "more digits after the decimal point than JPY has; write it as 1234" },
                { "1,234", "EUR", "more digits" },
                { "1,234", "KWD", "is not an amount in KWD" },
                { "much", "EUR", "is not an amount in EUR" } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    gint64 minor = 0;

    g_assert_cmpint (ct_amount_parse (cases[i].text, cases[i].currency, &minor, &error), ==,
                     cases[i].reason == NULL);
    if (!cases[i].reason)
      continue;
    g_assert_error (error, CT_ERROR, CT_ERROR_INVALID);
    g_assert_nonnull (strstr (error->message, cases[i].reason));
  }
}

static void
test_money (void)
{
  static const struct {
    const char *text;
    gint64 value;
    gboolean ok;
  } cases[] = { { "9.8", 980, TRUE },
                { "0.15000001", 0, FALSE }, /* typed by nobody */
                { "-3,5", -350, TRUE },
                { "1e5", 0, FALSE },
                { "1,284", 0, FALSE }, /* 1284, or 1.28? */
                { "-128,400", 0, FALSE },
                { "0,125", 0, FALSE },
                { "1284,50", 128450, TRUE },
                { "1284,500", 0, FALSE },
                { "1,28", 128, TRUE },
                { "1,2844", 0, FALSE },
                { "1.234", 0, FALSE }, /* 1234, as some write it? */
                { "12.345", 0, FALSE },
                { "0.004", 0, FALSE },
                { "", 0, FALSE },
                { "99999999999999999999", 0, FALSE } };
  static const struct {
    const char *text;
    char sign;
    gint64 value; /* 0: refused */
  } signs[] = { { "1,284", '.', 128400 },
                { "1,284", ',', 128 },
                { "1.284", ',', 128400 },
                { "-1.284,5", ',', -128450 },
                { "+1,234,567.891", '.', 123456789 },
                { "3,5", '.', 0 },
                { "1,2,345", '.', 0 },
                { "1234,567", '.', 0 },
                { ",123", '.', 0 },
                { "1.234,567", '.', 0 },
                { "1,284", 0, 0 },
                { "0,125", 0, 13 },
                { "1284,500", 0, 128450 },
                { "1,2844", 0, 128 },
                { "12.345", 0, 1235 },
                { "0.15000001", 0, 15 },
                { NULL, '.', 0 } };
  gint64 total = 0;

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    gint64 value = 0;

    g_assert_cmpint (ct_decimal_parse (cases[i].text, 2, &value), ==, cases[i].ok);
    g_assert_cmpint (value, ==, cases[i].value);
  }
  for (guint i = 0; i < G_N_ELEMENTS (signs); i++) {
    gint64 value = 0;

    g_assert_cmpint (ct_decimal_parse_sign (signs[i].text, signs[i].sign, 2, &value), ==,
                     signs[i].value != 0);
    g_assert_cmpint (value, ==, signs[i].value);
  }
  g_assert_true (ct_line_total (35000, 4240, 1500, &total));
  g_assert_cmpint (total, ==, 126140);
  g_assert_true (ct_line_total (-1000, CT_AMOUNT_MOST, 0, &total));
  g_assert_cmpint (total, ==, -CT_AMOUNT_MOST);
  g_assert_false (ct_line_total (1001, CT_AMOUNT_MOST, 0, &total));
  g_assert_false (ct_line_total (9000000000000000, 9000000000000, 0, &total));
  g_assert_false (ct_line_total (G_MININT64, G_MAXINT64, 0, &total));
  g_assert_cmpint (total, ==, -CT_AMOUNT_MOST);
  g_assert_cmpuint (ct_money_size (G_MININT64), ==, (guint64) G_MAXINT64 + 1);
  g_assert_cmpint (ct_currency_digits ("JPY"), ==, 0);
}

static void
test_json (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) node = ct_json_parse ("{\"b\":[1,true,null],\"a\":\"\\u20ac\\n\"}", -1, 100, &error);
  g_autofree char *text = ct_json_canonical (node, &error);
  g_autoptr (JsonNode) fraction = ct_json_parse ("[1.5]", -1, 100, NULL);

  g_assert_cmpstr (text, ==, "{\"a\":\"€\\n\",\"b\":[1,true,null]}");
  g_assert_null (ct_json_canonical (fraction, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_INVALID);
  g_assert_null (ct_json_parse ("{", -1, 100, NULL));
  g_assert_null (ct_json_parse ("[1,2,3]", -1, 3, NULL));
}

/* json-glib recurses without a limit: what it would nest is what must be counted, strings and comments aside. */
static void
test_json_depth (void)
{
  static const struct {
    const char *unit;
    int times;
    gboolean ok;
  } cases[] = {
    { "[", 200, TRUE },
    { "[", 201, FALSE },
    { "[\"]\",", 300, FALSE },     /* a bracket inside a string closes nothing */
    { "[\"\\\"]\",", 300, FALSE }, /* nor after an escaped quote */
    { "[\"]\",", 200000, FALSE },  /* overflows the stack where nobody counts it */
    { "{\"a}\":", 300, FALSE },
    { "[/*\"*/", 300, FALSE }, /* a quote inside a comment opens no string */
    { "[\"\\u1\",\"]\",", 300, FALSE },
    { "[\"\\ud800\",\"]\",", 300, FALSE },
  };
  g_autofree char *many = g_strnfill (300, '[');
  g_autofree char *said = g_strdup_printf ("{\"text\":\"%s \\\\\",\"face\":\"\\ud83d\\ude00\"}", many);
  g_autoptr (JsonNode) node = ct_json_parse (said, -1, 1000, NULL);
  g_autofree char *back = node ? ct_json_canonical (node, NULL) : NULL;
  g_autofree char *expected = g_strdup_printf ("{\"face\":\"😀\",\"text\":\"%s \\\\\"}", many);

  g_assert_cmpstr (back, ==, expected); /* and opens nothing */
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GString) text = g_string_new (NULL);
    g_autoptr (JsonNode) root = NULL;
    g_autoptr (GError) error = NULL;

    for (int k = 0; k < cases[i].times; k++)
      g_string_append (text, cases[i].unit);
    for (int k = 0; cases[i].ok && k < cases[i].times; k++)
      g_string_append_c (text, ']');
    root = ct_json_parse (text->str, -1, 10 << 20, &error);
    g_assert_cmpint (root != NULL, ==, cases[i].ok);
    if (!cases[i].ok)
      g_assert_error (error, CT_ERROR, CT_ERROR_INVALID);
  }
  g_assert_null (ct_json_parse ("\"\\x\"", -1, 100, NULL));
  g_assert_null (ct_json_parse ("\"open", -1, 100, NULL));
}

/* A day begins with its first instant, also where the clock shows midnight twice or not at all. */
static void
test_day_start (void)
{
  static const struct {
    const char *zone, *date, *starts;
  } cases[] = {
    { "America/Havana", "2026-11-01", "2026-11-01T04:00:00Z" },    /* 00:00 to 01:00 comes twice */
    { "America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z" }, /* begins at 01:00 */
    { "America/Sao_Paulo", "2018-02-18", "2018-02-18T03:00:00Z" }, /* the day before has 25 hours */
    { "Europe/Dublin", "2026-01-15", "2026-01-15T00:00:00Z" },
    { "Europe/Dublin", "2026-07-15", "2026-07-14T23:00:00Z" },
    { "Asia/Kolkata", "2026-06-03", "2026-06-02T18:30:00Z" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GTimeZone) zone = g_time_zone_new_identifier (cases[i].zone);
    gint64 first = ct_date_to_days (cases[i].date) - 400;
    gint64 expected = 0;

    g_assert_nonnull (zone);
    g_assert_true (ct_time_parse (cases[i].starts, &expected));
    g_assert_cmpint (ct_date_to_time (cases[i].date, zone), ==, expected);
    for (gint64 day = first; day < first + 800; day++) {
      char date[CT_DATE_SIZE];
      gint64 start;

      ct_date_from_days (day, date);
      start = ct_date_to_time (date, zone);
      g_assert_cmpint (ct_time_to_days (start, zone), ==, day);
      g_assert_cmpint (ct_time_to_days (start - 1, zone), ==, day - 1);
    }
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/base/id", test_id);
  g_test_add_func ("/base/hash", test_hash);
  g_test_add_func ("/base/time", test_time);
  g_test_add_func ("/base/date", test_date);
  g_test_add_func ("/base/duration", test_duration);
  g_test_add_func ("/base/money", test_money);
  g_test_add_func ("/base/amounts", test_amounts);
  g_test_add_func ("/base/json", test_json);
  g_test_add_func ("/base/json-depth", test_json_depth);
  g_test_add_func ("/base/day-start", test_day_start);
  return g_test_run ();
}
