#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define CT_MS_SECOND G_GINT64_CONSTANT (1000)
#define CT_MS_MINUTE (60 * CT_MS_SECOND)
#define CT_MS_HOUR   (60 * CT_MS_MINUTE)
#define CT_MS_DAY    (24 * CT_MS_HOUR)

/* Room for "YYYY-MM-DD" and its end. */
#define CT_DATE_SIZE 11

/* Instants are milliseconds since 1970-01-01T00:00:00Z; dates are "YYYY-MM-DD" in the workspace's zone. */

gint64 ct_time_now (void);
gboolean ct_time_parse (const char *text, gint64 *ms);
char *ct_time_format (gint64 ms);

gboolean ct_date_parse (const char *text, const char *format, char date[CT_DATE_SIZE]);
gboolean ct_date_valid (const char *date);
gint64 ct_date_to_days (const char *date);
void ct_date_from_days (gint64 days, char date[CT_DATE_SIZE]);
gint64 ct_time_to_days (gint64 ms, GTimeZone *zone);
void ct_time_to_date (gint64 ms, GTimeZone *zone, char date[CT_DATE_SIZE]);
gint64 ct_time_from_local (gint64 day, int minute, GTimeZone *zone);
gint64 ct_date_to_time (const char *date, GTimeZone *zone);

gboolean ct_duration_parse (const char *text, gint64 *ms);

G_END_DECLS
