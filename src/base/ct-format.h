#pragma once

#include "ct-i18n.h"
#include "ct-money.h"
#include "ct-time.h"

G_BEGIN_DECLS

/* How values look on the screen; without GTK, so that tables test them. */

/* How pressing an instant is. */
typedef enum { CT_DUE_NONE, CT_DUE_LATER, CT_DUE_TODAY, CT_DUE_SOON, CT_DUE_OVERDUE } CtDue;

char *ct_format_count (gint64 count);
char *ct_format_money (gint64 minor, const char *currency);
char *ct_format_duration (gint64 ms);
char *ct_format_age (gint64 at, gint64 now);
char *ct_format_due (gint64 at, gint64 now);
CtDue ct_format_due_class (gint64 at, gint64 now, GTimeZone *zone);
char *ct_format_time (gint64 at, gint64 now, GTimeZone *zone);
char *ct_format_full_time (gint64 at, GTimeZone *zone);
char *ct_format_date (const char *date);
char *ct_format_like (const char *text);

G_END_DECLS
