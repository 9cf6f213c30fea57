#include "ct-format.h"

#include <string.h>

/* Digits in groups of three, as the locale has them; the C locale has none, a table reads worse without. */
static void
append_grouped (GString *text, const char *digits)
{
  gsize length = strspn (digits, "0123456789");

  for (gsize i = 0; i < length; i++) {
    if (i > 0 && (length - i) % 3 == 0)
      g_string_append (text, "\xe2\x80\xaf"); /* a narrow space that does not break */
    g_string_append_c (text, digits[i]);
  }
  g_string_append (text, digits + length);
}

/* "1 204" */
char *
ct_format_count (gint64 count)
{
  g_autofree char *digits = g_strdup_printf ("%" G_GINT64_FORMAT, ABS (count));
  GString *text = g_string_new (count < 0 ? "−" : "");

  append_grouped (text, digits);
  return g_string_free (text, FALSE);
}

/* "18 500.00 EUR", by the currency's own number of digits */
char *
ct_format_money (gint64 minor, const char *currency)
{
  g_autofree char *digits = ct_decimal_format (minor, ct_currency_digits (currency));
  GString *text = g_string_new (NULL);
  const char *start = digits;

  if (*start == '-') {
    g_string_append (text, "−");
    start++;
  }
  append_grouped (text, start);
  g_string_append_printf (text, " %s", currency);
  return g_string_free (text, FALSE);
}

/* The two largest units: "3 d 4 h", "25 min", "under 1 min" */
char *
ct_format_duration (gint64 ms)
{
  gint64 minutes = ABS (ms) / CT_MS_MINUTE, hours = minutes / 60, days = hours / 24;

  if (minutes < 1)
    return g_strdup (_ ("under 1 min"));
  if (hours < 1)
    return g_strdup_printf (_ ("%d min"), (int) minutes);
  if (days < 1)
    return minutes % 60 ? g_strdup_printf (_ ("%d h %d min"), (int) hours, (int) (minutes % 60))
                        : g_strdup_printf (_ ("%d h"), (int) hours);
  if (days < 10 && hours % 24)
    return g_strdup_printf (_ ("%d d %d h"), (int) days, (int) (hours % 24));
  return g_strdup_printf (_ ("%d d"), (int) days);
}

/* How long ago: "3 d 4 h" */
char *
ct_format_age (gint64 at, gint64 now)
{
  return at > now ? g_strdup (_ ("just now")) : ct_format_duration (now - at);
}

/* "in 2 h", "1 d 3 h overdue" */
char *
ct_format_due (gint64 at, gint64 now)
{
  g_autofree char *duration = ct_format_duration (at - now);

  return at < now ? g_strdup_printf (_ ("%s overdue"), duration) : g_strdup_printf (_ ("in %s"), duration);
}

CtDue
ct_format_due_class (gint64 at, gint64 now, GTimeZone *zone)
{
  if (at < now)
    return CT_DUE_OVERDUE;
  if (at - now < CT_MS_HOUR)
    return CT_DUE_SOON;
  return ct_time_to_days (at, zone) == ct_time_to_days (now, zone) ? CT_DUE_TODAY : CT_DUE_LATER;
}

static char *
format_local (gint64 at, GTimeZone *zone, const char *format)
{
  g_autoptr (GDateTime) utc = g_date_time_new_from_unix_utc (at / 1000);
  g_autoptr (GDateTime) local = utc ? g_date_time_to_timezone (utc, zone) : NULL;

  return local ? g_date_time_format (local, format) : g_strdup ("");
}

/* As short as it stays clear: "14:05", "3 Jun 14:05", "3 Jun 1998" */
char *
ct_format_time (gint64 at, gint64 now, GTimeZone *zone)
{
  gint64 day = ct_time_to_days (at, zone), today = ct_time_to_days (now, zone);

  if (day == today)
    return format_local (at, zone, "%H:%M");
  /* Translators: a day of this year with its time, and a day of another year; see g_date_time_format() */
  return format_local (at, zone, ABS (today - day) < 300 ? _ ("%-e %b %H:%M") : _ ("%-e %b %Y"));
}

/* "3 June 2026, 14:05" */
char *
ct_format_full_time (gint64 at, GTimeZone *zone)
{
  return format_local (at, zone, _ ("%-e %B %Y, %H:%M"));
}

/* A date "YYYY-MM-DD" for people: "3 Jun 2026" */
char *
ct_format_date (const char *date)
{
  g_autoptr (GTimeZone) utc = g_time_zone_new_utc ();

  if (!date || !ct_date_valid (date))
    return g_strdup ("");
  return format_local (ct_date_to_time (date, utc), utc, _ ("%-e %b %Y"));
}

/* A LIKE pattern (ESCAPE '\') that finds the text anywhere. */
char *
ct_format_like (const char *text)
{
  GString *pattern = g_string_new ("%");

  for (; *text; text++) {
    if (strchr ("\\%_", *text))
      g_string_append_c (pattern, '\\');
    g_string_append_c (pattern, *text);
  }
  g_string_append_c (pattern, '%');
  return g_string_free (pattern, FALSE);
}
