#include "ct-calendar.h"

#include "ct-base.h"
#include "ct-fields.h"

#include <string.h>

#define MINUTES_A_DAY  1440
#define MOST_SLOTS     12
#define MOST_HOLIDAYS  2000
#define MOST_CALENDARS 200
/* A walk ends after some 110 years, so that no input makes it endless. */
#define MOST_DAYS 40000
/* Beyond the year 9999; keeps instants in milliseconds far from overflow. */
#define FARTHEST_DAY 3000000

/* Wall-clock minutes from the day's midnight, [from, to). */
typedef struct {
  int from;
  int to;
} Slot;

struct _CtCalendar {
  char *name;
  char *title;
  GTimeZone *zone;
  gboolean always;
  GArray *week[7];  /* (owned): Slot, sorted, apart from each other; Monday first */
  GArray *holidays; /* (owned): gint64 days since 1970, sorted */
};

/* The open intervals of a calendar in order, as instants. */
typedef struct {
  const CtCalendar *calendar;
  gint64 day, last;
  guint slot;
} Walk;

static const char *const weekdays[] = { "mon", "tue", "wed", "thu", "fri", "sat", "sun", NULL };

static void
calendar_clear (gpointer data)
{
  CtCalendar *self = data;

  g_free (self->name);
  g_free (self->title);
  g_clear_pointer (&self->zone, g_time_zone_unref);
  for (int i = 0; i < 7; i++)
    g_clear_pointer (&self->week[i], g_array_unref);
  g_clear_pointer (&self->holidays, g_array_unref);
}

static CtCalendar *
calendar_new (void)
{
  CtCalendar *self = g_atomic_rc_box_new0 (CtCalendar);

  for (int i = 0; i < 7; i++)
    self->week[i] = g_array_new (FALSE, FALSE, sizeof (Slot));
  self->holidays = g_array_new (FALSE, FALSE, sizeof (gint64));
  return self;
}

/* Walking */

static int
compare_days (gconstpointer a, gconstpointer b)
{
  gint64 x = *(const gint64 *) a, y = *(const gint64 *) b;

  return (x > y) - (x < y);
}

static const GArray *
slots_of (const CtCalendar *self, gint64 day)
{
  static const GArray none;
  gint64 weekday = ((day + 3) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */

  if (g_array_binary_search (self->holidays, &day, compare_days, NULL))
    return &none;
  return self->week[weekday];
}

static void
walk_init (Walk *walk, const CtCalendar *calendar, gint64 at)
{
  walk->calendar = calendar;
  /* where the clock goes back over midnight, the day before is still open */
  walk->day = CLAMP (ct_time_to_days (at, calendar->zone) - 1, -FARTHEST_DAY, FARTHEST_DAY);
  walk->last = walk->day + MOST_DAYS;
  walk->slot = 0;
}

static gboolean
walk_next (Walk *walk, gint64 *from, gint64 *to)
{
  for (; walk->day < walk->last; walk->day++, walk->slot = 0) {
    const GArray *slots = slots_of (walk->calendar, walk->day);

    if (walk->slot < slots->len) {
      const Slot *slot = &g_array_index (slots, Slot, walk->slot++);

      *from = ct_time_from_local (walk->day, slot->from, walk->calendar->zone);
      *to = ct_time_from_local (walk->day, slot->to, walk->calendar->zone);
      return TRUE;
    }
  }
  return FALSE;
}

/* Parsing */

static gboolean
read_minute (const char *text, int *minute)
{
  int value;

  if (!text || strlen (text) != 5 || text[2] != ':' || !g_ascii_isdigit (text[0]) ||
      !g_ascii_isdigit (text[1]) || !g_ascii_isdigit (text[3]) || !g_ascii_isdigit (text[4]) || text[3] > '5')
    return FALSE;
  value = ((text[0] - '0') * 10 + text[1] - '0') * 60 + (text[3] - '0') * 10 + text[4] - '0';
  if (value > MINUTES_A_DAY)
    return FALSE;
  *minute = value;
  return TRUE;
}

static const char *
element_text (JsonArray *array, guint index)
{
  JsonNode *node = json_array_get_element (array, index);

  return JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING
             ? json_node_get_string (node)
             : NULL;
}

/* A slot that ends before it begins runs over midnight; its second part belongs to the next day. */
static gboolean
add_slot (CtCalendar *self, int weekday, JsonNode *node)
{
  JsonArray *pair = JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
  Slot slot, rest = { 0, 0 };

  if (!pair || json_array_get_length (pair) != 2 || !read_minute (element_text (pair, 0), &slot.from) ||
      !read_minute (element_text (pair, 1), &slot.to) || slot.from == slot.to || slot.from == MINUTES_A_DAY)
    return FALSE;
  if (slot.to < slot.from) {
    rest.to = slot.to;
    slot.to = MINUTES_A_DAY;
  }
  g_array_append_val (self->week[weekday], slot);
  if (rest.to > 0)
    g_array_append_val (self->week[(weekday + 1) % 7], rest);
  return TRUE;
}

static int
compare_slots (gconstpointer a, gconstpointer b)
{
  return ((const Slot *) a)->from - ((const Slot *) b)->from;
}

static void
sort_week (CtCalendar *self, CtFields *fields)
{
  guint total = 0;

  for (int day = 0; day < 7; day++) {
    GArray *slots = self->week[day];

    g_array_sort (slots, compare_slots);
    for (guint i = 1; i < slots->len; i++)
      if (g_array_index (slots, Slot, i).from < g_array_index (slots, Slot, i - 1).to)
        ct_fields_complain (fields, "week", "slots of %s overlap", weekdays[day]);
    total += slots->len;
  }
  if (total == 0)
    ct_fields_complain (fields, "week", "at least one slot is required, or \"always\": true");
}

static void
read_week (CtCalendar *self, CtFields *fields, JsonObject *week)
{
  JsonObjectIter iter;
  const char *name;
  JsonNode *node;

  json_object_iter_init_ordered (&iter, week);
  while (json_object_iter_next_ordered (&iter, &name, &node)) {
    int weekday = ct_text_index (weekdays, name);
    JsonArray *slots = JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;

    if (weekday < 0 || !slots || json_array_get_length (slots) > MOST_SLOTS) {
      ct_fields_complain (fields, "week", "“%s”: must be mon to sun with a list of at most %d slots", name,
                          MOST_SLOTS);
      return;
    }
    for (guint i = 0; i < json_array_get_length (slots); i++)
      if (!add_slot (self, weekday, json_array_get_element (slots, i)))
        ct_fields_complain (fields, "week", "%s, slot %u: must be two times such as [\"09:00\", \"18:00\"]",
                            name, i + 1);
  }
}

static void
read_holidays (CtCalendar *self, CtFields *fields)
{
  g_auto (GStrv) dates = ct_fields_strings (fields, "holidays", MOST_HOLIDAYS);

  for (char **date = dates; *date; date++) {
    gint64 day;

    if (!ct_date_valid (*date)) {
      ct_fields_complain (fields, "holidays", "“%s” is no date of the form YYYY-MM-DD", *date);
      return;
    }
    day = ct_date_to_days (*date);
    g_array_append_val (self->holidays, day);
  }
  g_array_sort (self->holidays, compare_days);
}

/* Only names of the zone database: a path would make GLib read that file. */
static GTimeZone *
read_zone (const char *name)
{
  for (const char *c = name; *c; c++)
    if (!g_ascii_isalnum (*c) && !strchr ("_+-/", *c))
      return NULL;
  if (!g_ascii_isalpha (name[0]))
    return NULL;
  return g_time_zone_new_identifier (name);
}

/* Public */

/* Around the clock, in UTC. */
CtCalendar *
ct_calendar_new_always (void)
{
  CtCalendar *self = calendar_new ();

  self->name = g_strdup ("around-the-clock");
  self->title = g_strdup (_ ("Around the clock"));
  self->zone = g_time_zone_new_utc ();
  self->always = TRUE;
  return self;
}

/**
 * ct_calendar_parse:
 * @object: {"name", "title"?, "zone": IANA name, "week": {"mon": [["09:00", "18:00"], …], …}, "holidays"?: dates}
 *   or {"name", "title"?, "zone"?, "always": true}; "24:00" is the end of a day, and a slot that ends before it
 *   begins runs into the next day (and is cut where that day is a holiday)
 * @where: names the object in messages
 *
 * Returns: (transfer full): the calendar, or %NULL with %CT_ERROR_INVALID
 */
CtCalendar *
ct_calendar_parse (JsonObject *object, const char *where, GError **error)
{
  g_autoptr (CtCalendar) self = calendar_new ();
  CtFields fields;
  const char *zone;
  JsonObject *week;

  ct_fields_init (&fields, object, where);
  self->name = g_strdup (ct_fields_text (&fields, "name", 64));
  self->title = g_strdup (ct_fields_text_or (&fields, "title", 200, self->name));
  self->always = ct_fields_bool (&fields, "always", FALSE);
  zone = ct_fields_text_or (&fields, "zone", 64, "UTC");
  self->zone = read_zone (zone);
  if (!self->zone)
    ct_fields_complain (&fields, "zone", "“%s” is no time zone known here; use a name such as Europe/Berlin",
                        zone);
  week = ct_fields_object (&fields, "week");
  if (week)
    read_week (self, &fields, week);
  read_holidays (self, &fields);
  if (!self->always)
    sort_week (self, &fields);
  else if (week || self->holidays->len)
    ct_fields_complain (&fields, "always", "a calendar around the clock has neither slots nor holidays");
  return ct_fields_finish (&fields, error) ? g_steal_pointer (&self) : NULL;
}

static gpointer
parse_cb (JsonObject *object, const char *where, GError **error)
{
  return ct_calendar_parse (object, where, error);
}

/**
 * ct_calendar_parse_all:
 * @root: a list of calendars
 *
 * Returns: (transfer full) (element-type utf8 CtCalendar): by name; %NULL with %CT_ERROR_INVALID
 */
GHashTable *
ct_calendar_parse_all (JsonNode *root, const char *where, GError **error)
{
  g_autoptr (GHashTable) table =
      g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify) ct_calendar_unref);
  g_autoptr (GPtrArray) list =
      ct_fields_parse_list (root, where, MOST_CALENDARS, parse_cb, (GDestroyNotify) ct_calendar_unref, error);

  for (guint i = 0; list && i < list->len; i++) {
    CtCalendar *calendar = list->pdata[i];

    if (!g_hash_table_replace (table, calendar->name, ct_calendar_ref (calendar))) {
      ct_fail (error, CT_ERROR_INVALID, "%s[%u]: a calendar “%s” stands above already", where, i,
               calendar->name);
      return NULL;
    }
  }
  return list ? g_steal_pointer (&table) : NULL;
}

CtCalendar *
ct_calendar_ref (CtCalendar *self)
{
  return g_atomic_rc_box_acquire (self);
}

void
ct_calendar_unref (CtCalendar *self)
{
  g_atomic_rc_box_release_full (self, calendar_clear);
}

const char *
ct_calendar_name (const CtCalendar *self)
{
  return self->name;
}

const char *
ct_calendar_title (const CtCalendar *self)
{
  return self->title;
}

/* (transfer none) */
GTimeZone *
ct_calendar_zone (const CtCalendar *self)
{
  return self->zone;
}

gboolean
ct_calendar_is_always (const CtCalendar *self)
{
  return self->always;
}

/* The end of a slot is outside of it. */
gboolean
ct_calendar_is_open (const CtCalendar *self, gint64 at)
{
  return ct_calendar_next_open (self, at) == at;
}

/**
 * ct_calendar_next_open:
 *
 * Returns: @at where it is open, else the start of the next slot (%G_MAXINT64 where none begins in a century)
 */
gint64
ct_calendar_next_open (const CtCalendar *self, gint64 at)
{
  gint64 from, to;
  Walk walk;

  if (self->always)
    return at;
  walk_init (&walk, self, at);
  while (walk_next (&walk, &from, &to))
    if (to > at && to > from)
      return MAX (from, at);
  return G_MAXINT64;
}

/**
 * ct_calendar_add:
 * @at: ms
 * @duration: ms of business time; zero and less give @at
 *
 * Returns: the first instant at which @duration has passed: a duration that fills a slot ends with that slot, not
 *   with the start of the next one; %G_MAXINT64 where that is not within a century
 */
gint64
ct_calendar_add (const CtCalendar *self, gint64 at, gint64 duration)
{
  gint64 from, to;
  Walk walk;

  if (duration <= 0)
    return at;
  if (self->always)
    return at > G_MAXINT64 - duration ? G_MAXINT64 : at + duration;
  walk_init (&walk, self, at);
  while (walk_next (&walk, &from, &to)) {
    from = MAX (from, at);
    if (to - from >= duration)
      return from + duration;
    if (to > from)
      duration -= to - from;
  }
  return G_MAXINT64;
}

/**
 * ct_calendar_between:
 *
 * Returns: ms of business time in [@from, @to), negative where @to is before @from
 */
gint64
ct_calendar_between (const CtCalendar *self, gint64 from, gint64 to)
{
  gint64 start, end, total = 0;
  Walk walk;

  if (to < from)
    return -ct_calendar_between (self, to, from);
  if (self->always)
    return to - from;
  walk_init (&walk, self, from);
  while (walk_next (&walk, &start, &end) && start < to)
    total += MAX (MIN (end, to) - MAX (start, from), 0);
  return total;
}
