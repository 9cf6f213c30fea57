#include "ct-money.h"
#include "ct-error.h"
#include "ct-i18n.h"

#include <string.h>

gboolean
ct_currency_valid (const char *currency)
{
  return currency && strlen (currency) == 3 && g_ascii_isupper (currency[0]) &&
         g_ascii_isupper (currency[1]) && g_ascii_isupper (currency[2]);
}

/* How many digits the minor unit of an ISO 4217 currency has; 2 but for those that the standard lists otherwise. */
int
ct_currency_digits (const char *currency)
{
  static const char none[] = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF ";
  static const char three[] = "BHD IQD JOD KWD LYD OMR TND ";

  if (!ct_currency_valid (currency))
    return 2;
  return strstr (none, currency) ? 0 : strstr (three, currency) ? 3 : 2;
}

/* An optional sign, digits, and at most one decimal point or comma. */
static gboolean
parse_plain (const char *text, int digits, gint64 *value)
{
  gboolean negative, seen = FALSE;
  gint64 total = 0;
  int places = -1, round_up = 0;

  negative = *text == '-';
  if (*text == '-' || *text == '+')
    text++;
  for (; *text; text++) {
    if ((*text == '.' || *text == ',') && places < 0) {
      places = 0;
      continue;
    }
    if (!g_ascii_isdigit (*text))
      return FALSE;
    seen = TRUE;
    if (places >= digits) {
      round_up = places++ == digits ? *text >= '5' : round_up;
      continue;
    }
    if (total > (G_MAXINT64 - 9) / 10)
      return FALSE;
    total = total * 10 + (*text - '0');
    places += places >= 0;
  }
  for (places = MAX (places, 0); places < digits; places++) {
    if (total > G_MAXINT64 / 10)
      return FALSE;
    total *= 10;
  }
  if (!seen)
    return FALSE;
  total += round_up;
  *value = negative ? -total : total;
  return TRUE;
}

/**
 * ct_decimal_is_ambiguous:
 *
 * Returns: whether the comma of @text may as well separate thousands: "1,284", but not "0,125" or "1284,500"
 */
gboolean
ct_decimal_is_ambiguous (const char *text)
{
  gsize before;

  text += *text == '-' || *text == '+';
  before = strspn (text, "0123456789");
  return *text != '0' && before >= 1 && before <= 3 && text[before] == ',' &&
         strspn (text + before + 1, "0123456789") == 3 && !text[before + 4];
}

/**
 * ct_decimal_is_finer:
 *
 * Returns: whether @text is a number with more than @digits places, "1.234" for 2: what a person meant by it, perhaps 1234,
 *   nobody knows
 */
gboolean
ct_decimal_is_finer (const char *text, int digits)
{
  const char *sign = strpbrk (text, ".,");
  gint64 value;

  return sign && strlen (sign + 1) > (gsize) digits && parse_plain (text, digits, &value);
}

/**
 * ct_decimal_parse:
 * @text: (nullable): as a person types it: an optional sign, digits, and at most one decimal point or comma
 * @digits: decimal places of the result: 2 makes "9.8" 980
 * @value: (out): set only on success
 *
 * Returns: %FALSE where @text is not a number, does not fit, has more places, or its comma may separate thousands
 */
gboolean
ct_decimal_parse (const char *text, int digits, gint64 *value)
{
  return text && !ct_decimal_is_ambiguous (text) && !ct_decimal_is_finer (text, digits) &&
         parse_plain (text, digits, value);
}

/**
 * ct_amount_parse:
 * @minor: (out): set only on success
 *
 * Returns: %FALSE with %CT_ERROR_INVALID, which says how to write it, where @text is not an amount in @currency
 */
gboolean
ct_amount_parse (const char *text, const char *currency, gint64 *minor, GError **error)
{
  int digits = ct_currency_digits (currency);
  g_autofree char *example = NULL;

  if (ct_decimal_parse (text, digits, minor))
    return TRUE;
  example = ct_decimal_format (digits == 0 ? 1234 : digits == 3 ? 1234500 : 123450, digits);
  return ct_fail (error, CT_ERROR_INVALID,
                  ct_decimal_is_finer (text, digits)
                      ? _ ("“%s” has more digits after the decimal point than %s has; write it as %s")
                      : _ ("“%s” is not an amount in %s; write it as %s"),
                  text, currency, example);
}

/* The text without the signs between its groups of three digits, or NULL where they stand elsewhere. */
static char *
ungroup (const char *text, char sign)
{
  char group = sign == '.' ? ',' : '.';
  g_autoptr (GString) plain = g_string_new (NULL);
  gboolean grouped = FALSE;
  guint run = 0;

  for (; *text && *text != sign; text++)
    if (*text == group) {
      if (run == 0 || run > 3 || (grouped && run < 3))
        return NULL;
      grouped = TRUE;
      run = 0;
    } else {
      g_string_append_c (plain, *text);
      run += g_ascii_isdigit (*text);
    }
  if ((grouped && run != 3) || strchr (text, group))
    return NULL;
  g_string_append (plain, text);
  return g_string_free (g_steal_pointer (&plain), FALSE);
}

/**
 * ct_decimal_parse_sign:
 * @sign: the decimal sign, '.' or ',': the other one may separate thousands; 0: either, and none does
 *
 * For files: further places than @digits are rounded half away from zero (binary fractions print many: "0.150000006").
 *
 * Returns: %FALSE where @text is not such a number or does not fit
 */
gboolean
ct_decimal_parse_sign (const char *text, char sign, int digits, gint64 *value)
{
  g_autofree char *plain = text && sign ? ungroup (text, sign) : NULL;

  return sign ? plain && parse_plain (plain, digits, value)
              : text && !ct_decimal_is_ambiguous (text) && parse_plain (text, digits, value);
}

/* The exact decimal of a scaled integer: 980 with 2 digits is "9.80"; (transfer full). */
char *
ct_decimal_format (gint64 value, int digits)
{
  guint64 size = ct_money_size (value);
  guint64 scale = 1;

  for (int i = 0; i < digits; i++)
    scale *= 10;
  if (digits == 0)
    return g_strdup_printf ("%s%" G_GUINT64_FORMAT, value < 0 ? "-" : "", size);
  return g_strdup_printf ("%s%" G_GUINT64_FORMAT ".%0*" G_GUINT64_FORMAT, value < 0 ? "-" : "", size / scale,
                          digits, size % scale);
}

/* "1,234.50 EUR" without grouping: "1234.50 EUR"; (transfer full). */
char *
ct_money_format (gint64 minor, const char *currency)
{
  g_autofree char *amount = ct_decimal_format (minor, ct_currency_digits (currency));

  return g_strdup_printf ("%s %s", amount, currency);
}

/* How much it is, whatever its sign; ABS() of the least integer would be that integer. */
guint64
ct_money_size (gint64 minor)
{
  return minor < 0 ? (guint64) 0 - (guint64) minor : (guint64) minor;
}

/**
 * ct_line_total:
 * @quantity_milli: thousandths of a unit
 * @unit_price_minor: minor units
 * @discount_bp: hundredths of a percent, 0 to 10,000
 * @total: (out): in minor units, rounded half away from zero once, at the end; set only on success
 *
 * Returns: %FALSE where the total is over %CT_AMOUNT_MOST
 */
gboolean
ct_line_total (gint64 quantity_milli, gint64 unit_price_minor, gint64 discount_bp, gint64 *total)
{
  __extension__ typedef __int128 Wide;
  Wide product, sum;

  if (ct_money_size (quantity_milli) > CT_AMOUNT_MOST || ct_money_size (unit_price_minor) > CT_AMOUNT_MOST ||
      discount_bp < 0 || discount_bp > 10000)
    return FALSE;
  product = (Wide) quantity_milli * unit_price_minor * (10000 - discount_bp);
  sum = (product + (product < 0 ? -5000000 : 5000000)) / 10000000;
  if (sum > CT_AMOUNT_MOST || sum < -CT_AMOUNT_MOST)
    return FALSE;
  *total = (gint64) sum;
  return TRUE;
}
