#pragma once

#include <glib.h>

G_BEGIN_DECLS

gboolean ct_currency_valid (const char *currency);
int ct_currency_digits (const char *currency);
gboolean ct_decimal_parse (const char *text, int digits, gint64 *value);
char *ct_decimal_format (gint64 value, int digits);
char *ct_money_format (gint64 minor, const char *currency);
gint64 ct_line_total (gint64 quantity_milli, gint64 unit_price_minor, gint64 discount_bp);

G_END_DECLS
