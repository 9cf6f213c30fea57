#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* When a team works: a time zone, slots a day, holidays. Immutable, counted. */
typedef struct _CtCalendar CtCalendar;

CtCalendar *ct_calendar_new_always (void);
CtCalendar *ct_calendar_parse (JsonObject *object, const char *where, GError **error);
GHashTable *ct_calendar_parse_all (JsonNode *root, const char *where, GError **error);
CtCalendar *ct_calendar_ref (CtCalendar *self);
void ct_calendar_unref (CtCalendar *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtCalendar, ct_calendar_unref)

const char *ct_calendar_name (const CtCalendar *self);
const char *ct_calendar_title (const CtCalendar *self);
GTimeZone *ct_calendar_zone (const CtCalendar *self);
gboolean ct_calendar_is_always (const CtCalendar *self);

gboolean ct_calendar_is_open (const CtCalendar *self, gint64 at);
gint64 ct_calendar_next_open (const CtCalendar *self, gint64 at);
gint64 ct_calendar_add (const CtCalendar *self, gint64 at, gint64 duration);
gint64 ct_calendar_between (const CtCalendar *self, gint64 from, gint64 to);

G_END_DECLS
