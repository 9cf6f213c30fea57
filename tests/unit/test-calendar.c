#include "ct-base.h"
#include "ct-calendar.h"

#include <string.h>

static CtCalendar *
parse (const char *text, GError **error)
{
  g_autoptr (JsonNode) node = ct_json_parse (text, -1, 100000, error);

  g_assert_nonnull (node);
  return ct_calendar_parse (json_node_get_object (node), "test", error);
}

static const char office[] =
    "{\"name\": \"office\", \"zone\": \"Europe/Berlin\", \"week\": {\"mon\": [[\"09:00\", \"12:00\"], "
    "[\"13:00\", "
    "\"18:00\"]], \"tue\": [[\"09:00\", \"18:00\"]], \"wed\": [[\"09:00\", \"18:00\"]], \"thu\": "
    "[[\"09:00\", "
    "\"18:00\"]], \"fri\": [[\"09:00\", \"16:00\"]]}, \"holidays\": [\"2026-12-25\", \"2026-05-01\"]}";
/* Sundays at night, when Europe changes its clocks, and a shift over midnight */
static const char night[] = "{\"name\": \"night\", \"zone\": \"Europe/Berlin\", \"week\": {\"sun\": "
                            "[[\"01:00\", \"02:30\"], [\"02:30\", "
                            "\"04:00\"]], \"fri\": [[\"22:00\", \"06:00\"]]}}";
static const char whole[] =
    "{\"name\": \"whole\", \"zone\": \"Europe/Berlin\", \"week\": {\"mon\": [[\"00:00\", "
    "\"24:00\"]], \"tue\": [[\"00:00\", \"24:00\"]], \"wed\": [[\"00:00\", \"24:00\"]], "
    "\"thu\": [[\"00:00\", \"24:00\"]], \"fri\": [[\"00:00\", \"24:00\"]], \"sat\": "
    "[[\"00:00\", \"24:00\"]], \"sun\": [[\"00:00\", \"24:00\"]]}}";
static const char always[] = "{\"name\": \"always\", \"always\": true}";
/* The hour after midnight comes twice, and half of it belongs to the day before */
static const char azores[] = "{\"name\": \"azores\", \"zone\": \"Atlantic/Azores\", \"week\": {\"sat\": "
                             "[[\"12:00\", \"24:00\"]], \"sun\": "
                             "[[\"00:00\", \"02:00\"]]}}";
static const char dublin[] = "{\"name\": \"dublin\", \"zone\": \"Europe/Dublin\", \"week\": {\"sun\": "
                             "[[\"00:00\", \"01:30\"], [\"01:30\", "
                             "\"03:00\"]]}}";

static gint64
at (const char *text)
{
  gint64 ms = 0;

  g_assert_true (ct_time_parse (text, &ms));
  return ms;
}

static void
test_add (void)
{
  static const struct {
    const char *calendar, *from, *duration, *to;
  } cases[] = {
    /* inside a slot; over the lunch break; exactly to a slot's end */
    { office, "2026-06-01T07:30:00Z", "1h", "2026-06-01T08:30:00Z" },
    { office, "2026-06-01T09:00:00Z", "2h", "2026-06-01T12:00:00Z" },
    { office, "2026-06-01T07:00:00Z", "3h", "2026-06-01T10:00:00Z" },
    { office, "2026-06-01T07:00:00Z", "8h", "2026-06-01T16:00:00Z" },
    /* from outside; over the night, the week-end and several days */
    { office, "2026-06-01T03:00:00Z", "1m", "2026-06-01T07:01:00Z" },
    { office, "2026-06-01T15:00:00Z", "2h", "2026-06-02T08:00:00Z" },
    { office, "2026-06-05T13:00:00Z", "2h", "2026-06-08T08:00:00Z" },
    { office, "2026-06-06T10:00:00Z", "42h", "2026-06-12T14:00:00Z" },
    /* 1 May 2026 is a Friday off; 25 December as well */
    { office, "2026-04-30T15:00:00Z", "2h", "2026-05-04T08:00:00Z" },
    { office, "2026-12-24T16:00:00Z", "2h", "2026-12-28T09:00:00Z" },
    /* the hour of work stays at the wall's hour when clocks change: 29 March and 25 October 2026 */
    { office, "2026-03-27T14:00:00Z", "2h", "2026-03-30T08:00:00Z" },
    { office, "2026-10-23T13:00:00Z", "2h", "2026-10-26T09:00:00Z" },
    /* 02:00 to 03:00 does not exist, then exists twice */
    { night, "2026-03-29T00:00:00Z", "90m", "2026-03-29T01:30:00Z" },
    { night, "2026-10-24T23:00:00Z", "3h", "2026-10-25T02:00:00Z" },
    { night, "2026-06-05T19:00:00Z", "8h", "2026-06-06T04:00:00Z" },
    { whole, "2026-03-28T23:00:00Z", "24h", "2026-03-29T23:00:00Z" },
    { whole, "2026-10-24T22:00:00Z", "10d", "2026-11-03T22:00:00Z" },
    { always, "2026-10-24T22:00:00Z", "10d", "2026-11-03T22:00:00Z" },
    { office, "2026-06-06T10:00:00Z", "0s", "2026-06-06T10:00:00Z" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (CtCalendar) calendar = parse (cases[i].calendar, &error);
    g_autofree char *to = NULL;
    gint64 duration = 0, end;

    g_assert_no_error (error);
    g_assert_true (ct_duration_parse (cases[i].duration, &duration));
    end = ct_calendar_add (calendar, at (cases[i].from), duration);
    to = ct_time_format (end);
    g_test_message ("case %u: %s + %s = %s", i, cases[i].from, cases[i].duration, to);
    g_assert_cmpint (end, ==, at (cases[i].to));
    g_assert_cmpint (ct_calendar_between (calendar, at (cases[i].from), end), ==, duration);
    g_assert_cmpint (ct_calendar_between (calendar, end, at (cases[i].from)), ==, -duration);
  }
}

static void
test_between (void)
{
  static const struct {
    const char *calendar, *from, *to;
    int minutes;
  } cases[] = {
    { office, "2026-06-01T00:00:00Z", "2026-06-08T00:00:00Z", 42 * 60 },
    { office, "2026-04-27T00:00:00Z", "2026-05-04T00:00:00Z", 35 * 60 },
    { office, "2026-06-01T10:15:00Z", "2026-06-01T10:45:00Z", 0 },
    { night, "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z", 2 * 60 },
    { night, "2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z", 4 * 60 },
    { night, "2026-06-06T12:00:00Z", "2026-06-07T12:00:00Z", 3 * 60 },
    { whole, "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z", 365 * 24 * 60 },
    { always, "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z", 365 * 24 * 60 },
    { azores, "2026-10-24T00:00:00Z", "2026-10-26T00:00:00Z", 15 * 60 },
    { azores, "2026-03-28T00:00:00Z", "2026-03-30T00:00:00Z", 13 * 60 },
    { dublin, "2026-10-24T00:00:00Z", "2026-10-26T00:00:00Z", 4 * 60 },
    { dublin, "2026-03-28T00:00:00Z", "2026-03-30T00:00:00Z", 2 * 60 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (CtCalendar) calendar = parse (cases[i].calendar, NULL);

    g_test_message ("case %u", i);
    g_assert_cmpint (ct_calendar_between (calendar, at (cases[i].from), at (cases[i].to)), ==,
                     cases[i].minutes * CT_MS_MINUTE);
  }
}

static void
test_next_open (void)
{
  static const struct {
    const char *calendar, *from, *to;
  } cases[] = {
    { office, "2026-06-01T07:30:00.250Z", "2026-06-01T07:30:00.250Z" },
    { office, "2026-06-01T10:00:00Z", "2026-06-01T11:00:00Z" },
    { office, "2026-06-05T14:00:00Z", "2026-06-08T07:00:00Z" },
    { office, "2026-12-24T17:00:00Z", "2026-12-28T08:00:00Z" },
    { always, "2026-12-24T17:00:00Z", "2026-12-24T17:00:00Z" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (CtCalendar) calendar = parse (cases[i].calendar, NULL);
    gint64 from = at (cases[i].from), to = at (cases[i].to);

    g_assert_cmpint (ct_calendar_next_open (calendar, from), ==, to);
    g_assert_cmpint (ct_calendar_is_open (calendar, from), ==, from == to);
  }
}

/* No instant, however far, makes a walk endless or overflow. */
static void
test_far (void)
{
  g_autoptr (CtCalendar) calendar = parse (office, NULL);
  g_autoptr (CtCalendar) around = ct_calendar_new_always ();

  g_assert_cmpint (ct_calendar_add (calendar, 0, G_MAXINT64), ==, G_MAXINT64);
  g_assert_cmpint (ct_calendar_next_open (calendar, G_MAXINT64), ==, G_MAXINT64);
  g_assert_cmpint (ct_calendar_add (around, G_MAXINT64 - 1, 5), ==, G_MAXINT64);
  g_assert_true (ct_calendar_is_always (around));
}

static void
test_refused (void)
{
  static const struct {
    const char *text, *named;
  } cases[] = {
    { "{\"name\": \"x\"}", "week" },
    { "{\"name\": \"x\", \"week\": {}}", "week" },
    { "{\"name\": \"x\", \"zone\": \"Europe/Nowhere\", \"always\": true}", "zone" },
    { "{\"name\": \"x\", \"zone\": \"../../etc/passwd\", \"always\": true}", "zone" },
    { "{\"name\": \"x\", \"zone\": \"/etc/passwd\", \"always\": true}", "zone" },
    { "{\"name\": \"x\", \"week\": {\"mon\": [[\"9:00\", \"18:00\"]]}}", "week" },
    { "{\"name\": \"x\", \"week\": {\"mon\": [[\"09:00\", \"24:01\"]]}}", "week" },
    { "{\"name\": \"x\", \"week\": {\"mon\": [[\"09:00\", \"09:00\"]]}}", "week" },
    { "{\"name\": \"x\", \"week\": {\"mon\": [[9, 18]]}}", "week" },
    { "{\"name\": \"x\", \"week\": {\"mon\": [[\"09:00\", \"12:00\"], [\"11:00\", \"13:00\"]]}}", "overlap" },
    { "{\"name\": \"x\", \"week\": {\"mon\": [[\"22:00\", \"06:00\"]], \"tue\": [[\"05:00\", \"08:00\"]]}}",
      "overlap" },
    { "{\"name\": \"x\", \"week\": {\"monday\": []}}", "monday" },
    { "{\"name\": \"x\", \"always\": true, \"holidays\": [\"2026-02-30\"]}", "2026-02-30" },
    { "{\"name\": \"x\", \"always\": true, \"holidays\": [\"2026-02-03\"]}", "always" },
    { "{\"name\": \"x\", \"always\": 1}", "always" },
    { "{\"name\": \"x\", \"always\": true, \"holyday\": []}", "holyday" },
    { "{\"always\": true}", "name" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_null (parse (cases[i].text, &error));
    g_assert_error (error, CT_ERROR, CT_ERROR_INVALID);
    g_test_message ("%s", error->message);
    g_assert_nonnull (strstr (error->message, cases[i].named));
  }
}

static void
test_list (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) twice = ct_json_parse (
      "[{\"name\": \"a\", \"always\": true}, {\"name\": \"a\", \"always\": true}]", -1, 1000, NULL);
  g_autoptr (JsonNode) good = ct_json_parse ("[{\"name\": \"a\", \"always\": true}]", -1, 1000, NULL);
  g_autoptr (JsonNode) bad = ct_json_parse ("[1]", -1, 1000, NULL);
  g_autoptr (GHashTable) table = ct_calendar_parse_all (good, "calendars.json", &error);

  g_assert_no_error (error);
  g_assert_nonnull (g_hash_table_lookup (table, "a"));
  g_assert_null (ct_calendar_parse_all (twice, "calendars.json", &error));
  g_assert_nonnull (strstr (error->message, "calendars.json[1]"));
  g_clear_error (&error);
  g_assert_null (ct_calendar_parse_all (bad, "calendars.json", &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_INVALID);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/calendar/add", test_add);
  g_test_add_func ("/calendar/between", test_between);
  g_test_add_func ("/calendar/next-open", test_next_open);
  g_test_add_func ("/calendar/far", test_far);
  g_test_add_func ("/calendar/refused", test_refused);
  g_test_add_func ("/calendar/list", test_list);
  return g_test_run ();
}
