#include "ct-time.h"

#include <stdio.h>
#include <string.h>

/**
 * ct_time_now:
 *
 * Returns: the wall clock in milliseconds since 1970 UTC. Rules and handlers take the time as an argument; only
 * the programs' edges ask the clock.
 */
gint64
ct_time_now (void)
{
  return g_get_real_time () / 1000;
}

/**
 * ct_time_parse:
 * @text: (nullable): RFC 3339 with a zone; "2026-06-04T09:00:00Z"
 * @ms: (out): set only on success
 */
gboolean
ct_time_parse (const char *text, gint64 *ms)
{
  g_autoptr (GDateTime) moment = NULL;
  const char *zone;

  if (!text || strlen (text) > 40)
    return FALSE;
  zone = strchr (text, 'T');
  if (!zone || !(strchr (zone, 'Z') || strchr (zone, '+') || strchr (zone, '-')))
    return FALSE;
  moment = g_date_time_new_from_iso8601 (text, NULL);
  if (!moment)
    return FALSE;
  *ms = g_date_time_to_unix (moment) * 1000 + g_date_time_get_microsecond (moment) / 1000;
  return TRUE;
}

/**
 * ct_time_format:
 *
 * Returns: (transfer full): RFC 3339 in UTC, with milliseconds only where there are some
 */
char *
ct_time_format (gint64 ms)
{
  char date[CT_DATE_SIZE];
  gint64 days = ms / CT_MS_DAY;
  gint64 rest = ms % CT_MS_DAY;
  gint64 s;

  if (rest < 0) {
    rest += CT_MS_DAY;
    days--;
  }
  s = rest / 1000;
  ct_date_from_days (days, date);
  if (rest % 1000)
    return g_strdup_printf ("%sT%02d:%02d:%02d.%03dZ", date, (int) (s / 3600), (int) (s / 60 % 60),
                            (int) (s % 60), (int) (rest % 1000));
  return g_strdup_printf ("%sT%02d:%02d:%02dZ", date, (int) (s / 3600), (int) (s / 60 % 60), (int) (s % 60));
}

/* Days since 1970-01-01 of a proleptic Gregorian date; H. Hinnant, "chrono-compatible low-level date algorithms". */
static gint64
days_from_civil (gint64 y, int m, int d)
{
  gint64 era, doe;
  int yoe, doy;

  y -= m <= 2;
  era = (y >= 0 ? y : y - 399) / 400;
  yoe = (int) (y - era * 400);
  doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
  doe = (gint64) yoe * 365 + yoe / 4 - yoe / 100 + doy;
  return era * 146097 + doe - 719468;
}

static gboolean
civil_valid (int y, int m, int d)
{
  return y >= 1 && y <= 9999 && m >= 1 && m <= 12 && d >= 1 &&
         d <= g_date_get_days_in_month ((GDateMonth) m, (GDateYear) y);
}

static gboolean
read_digits (const char **at, int most, int *value)
{
  int count = 0;

  *value = 0;
  while (count < most && g_ascii_isdigit (**at)) {
    *value = *value * 10 + (**at - '0');
    (*at)++;
    count++;
  }
  return count > 0;
}

static int
read_month_name (const char **at)
{
  static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";

  if (strlen (*at) < 3)
    return 0;
  for (int month = 0; month < 12; month++)
    if (g_ascii_strncasecmp (*at, names + 3 * month, 3) == 0) {
      *at += 3;
      return month + 1;
    }
  return 0;
}

/**
 * ct_date_parse:
 * @text: (nullable): a date, exactly as @format says; no locale is asked
 * @format: %Y four digits, %y two (69 and more mean 19xx), %m and %d one or two, %b an English month's three letters
 * @date: (out): "YYYY-MM-DD", set only on success
 *
 * Returns: whether @text is a day that exists
 */
gboolean
ct_date_parse (const char *text, const char *format, char date[CT_DATE_SIZE])
{
  int y = 0, m = 0, d = 0;

  if (!text)
    return FALSE;
  for (; *format; format++) {
    gboolean ok = TRUE;

    if (*format != '%') {
      if (*text++ != *format)
        return FALSE;
      continue;
    }
    switch (*++format) {
    case 'Y':
      ok = read_digits (&text, 4, &y);
      break;
    case 'y':
      ok = read_digits (&text, 2, &y);
      y += y >= 69 ? 1900 : 2000;
      break;
    case 'm':
      ok = read_digits (&text, 2, &m);
      break;
    case 'd':
      ok = read_digits (&text, 2, &d);
      break;
    case 'b':
      ok = (m = read_month_name (&text)) > 0;
      break;
    default:
      ok = FALSE;
    }
    if (!ok)
      return FALSE;
  }
  if (*text || !civil_valid (y, m, d))
    return FALSE;
  ct_date_from_days (days_from_civil (y, m, d), date);
  return TRUE;
}

gboolean
ct_date_valid (const char *date)
{
  char parsed[CT_DATE_SIZE];

  return ct_date_parse (date, "%Y-%m-%d", parsed) && strcmp (date, parsed) == 0;
}

/* Days since 1970-01-01 of a valid "YYYY-MM-DD". */
gint64
ct_date_to_days (const char *date)
{
  int y = 0, m = 1, d = 1;

  sscanf (date, "%4d-%2d-%2d", &y, &m, &d);
  return days_from_civil (y, m, d);
}

void
ct_date_from_days (gint64 days, char date[CT_DATE_SIZE])
{
  gint64 z = days + 719468;
  gint64 era = (z >= 0 ? z : z - 146096) / 146097;
  guint doe = (guint) (z - era * 146097);
  guint yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  guint doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  guint mp = (5 * doy + 2) / 153;
  guint d = doy - (153 * mp + 2) / 5 + 1;
  guint m = mp < 10 ? mp + 3 : mp - 9;
  guint y = (guint) ((gint64) yoe + era * 400 + (m <= 2));

  date[0] = (char) ('0' + y / 1000 % 10);
  date[1] = (char) ('0' + y / 100 % 10);
  date[2] = (char) ('0' + y / 10 % 10);
  date[3] = (char) ('0' + y % 10);
  date[4] = date[7] = '-';
  date[5] = (char) ('0' + m / 10);
  date[6] = (char) ('0' + m % 10);
  date[8] = (char) ('0' + d / 10);
  date[9] = (char) ('0' + d % 10);
  date[10] = 0;
}

/* The calendar day of an instant in @zone, in days since 1970-01-01. */
gint64
ct_time_to_days (gint64 ms, GTimeZone *zone)
{
  gint64 seconds = ms / 1000 - (ms % 1000 < 0);
  int interval = g_time_zone_find_interval (zone, G_TIME_TYPE_UNIVERSAL, seconds);
  gint64 local = seconds + g_time_zone_get_offset (zone, interval);

  return local / 86400 - (local % 86400 < 0);
}

void
ct_time_to_date (gint64 ms, GTimeZone *zone, char date[CT_DATE_SIZE])
{
  ct_date_from_days (ct_time_to_days (ms, zone), date);
}

static gint64
offset_at (GTimeZone *zone, gint64 seconds)
{
  return g_time_zone_get_offset (zone, g_time_zone_find_interval (zone, G_TIME_TYPE_UNIVERSAL, seconds));
}

/* The first second in (@low, @high] with the offset that holds at @high. */
static gint64
find_transition (GTimeZone *zone, gint64 low, gint64 high)
{
  gint64 offset = offset_at (zone, high);

  while (high - low > 1) {
    gint64 middle = low + (high - low) / 2;

    if (offset_at (zone, middle) == offset)
      high = middle;
    else
      low = middle;
  }
  return high;
}

/**
 * ct_time_from_local:
 * @day: since 1970-01-01
 * @minute: of the day on the wall's clock, up to 1440
 *
 * Never decreasing in (@day, @minute), so that what is apart on the wall is apart as instants: a time that the clock shows
 * twice is its first showing, a time that it skips is the moment of the change. g_time_zone_adjust_time() chooses by the
 * daylight flag, which Europe/Dublin has the other way round.
 */
gint64
ct_time_from_local (gint64 day, int minute, GTimeZone *zone)
{
  gint64 local = day * 86400 + minute * 60;
  gint64 before = offset_at (zone, local - 86400);
  gint64 after = offset_at (zone, local + 86400);

  if (before == after || offset_at (zone, local - before) == before)
    return (local - before) * 1000;
  if (offset_at (zone, local - after) == after)
    return (local - after) * 1000;
  return find_transition (zone, local - after, local - before) * 1000;
}

/* The instant at which the day @date begins in @zone. */
gint64
ct_date_to_time (const char *date, GTimeZone *zone)
{
  return ct_time_from_local (ct_date_to_days (date), 0, zone);
}

/**
 * ct_duration_parse:
 * @text: (nullable): numbers with units w, d, h, m, s in any order: "24h", "1d12h", "90m"
 * @ms: (out): set only on success
 */
gboolean
ct_duration_parse (const char *text, gint64 *ms)
{
  static const struct {
    char unit;
    gint64 ms;
  } units[] = { { 'w', 7 * CT_MS_DAY },
                { 'd', CT_MS_DAY },
                { 'h', CT_MS_HOUR },
                { 'm', CT_MS_MINUTE },
                { 's', CT_MS_SECOND } };
  gint64 total = 0;

  if (!text || !*text)
    return FALSE;
  while (*text) {
    int value;
    guint i = 0;

    if (!read_digits (&text, 6, &value))
      return FALSE;
    while (i < G_N_ELEMENTS (units) && units[i].unit != *text)
      i++;
    if (i == G_N_ELEMENTS (units))
      return FALSE;
    total += value * units[i].ms;
    text++;
  }
  *ms = total;
  return TRUE;
}
