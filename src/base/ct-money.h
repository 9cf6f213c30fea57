#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What an amount or a quantity may come to: the integers that JSON carries exactly, so that no sum of two overflows. */
#define CT_AMOUNT_MOST   G_GINT64_CONSTANT (9007199254740991)
#define CT_QUANTITY_MOST G_GINT64_CONSTANT (1000000000000) /* thousandths */

gboolean ct_currency_valid (const char *currency);
int ct_currency_digits (const char *currency);
gboolean ct_decimal_parse (const char *text, int digits, gint64 *value);
gboolean ct_decimal_parse_sign (const char *text, char sign, int digits, gint64 *value);
gboolean ct_decimal_is_ambiguous (const char *text);
gboolean ct_decimal_is_finer (const char *text, int digits);
gboolean ct_amount_parse (const char *text, const char *currency, gint64 *minor, GError **error);
char *ct_decimal_format (gint64 value, int digits);
char *ct_money_format (gint64 minor, const char *currency);
gboolean ct_line_total (gint64 quantity_milli, gint64 unit_price_minor, gint64 discount_bp, gint64 *total);
guint64 ct_money_size (gint64 minor);

G_END_DECLS
