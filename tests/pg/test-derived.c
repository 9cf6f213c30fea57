/* What the server works out of other columns, as the program does. */
#include "pg-device.h"

#include "ct-base.h"
#include "ct-sla-book.h"
#include "ct-task-row.h"

#include <string.h>

static PgServer *server;
static CtSession *root;

/* Sizes of every order, halves among them. */
static gint64
any_amount (GRand *random, gint64 most)
{
  gint64 size = (gint64) (g_rand_double (random) * (double) most);

  return size >> g_rand_int_range (random, 0, 50);
}

/* A line comes to the same here and there, to the last minor unit. */
static void
test_line_totals (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (7);
  g_autoptr (GString) cases = g_string_new ("[");
  g_autofree char *sql = NULL, *wrong = NULL;
  guint n = 0, halves = 0;

  while (n < 5000) {
    gint64 quantity = 1 + any_amount (random, CT_QUANTITY_MOST), price = any_amount (random, CT_AMOUNT_MOST);
    gint64 discount = g_rand_boolean (random) ? 0 : g_rand_int_range (random, 0, 10001), total;

    if (n % 5 == 0)
      price = -price;
    if (n % 10 < 2) { /* 0.5, 1.5, … of a minor unit */
      quantity = 500;
      price |= 1;
      discount = 0;
      halves++;
    }
    if (!ct_line_total (quantity, price, discount, &total))
      continue;
    g_string_append_printf (
        cases, "%s[%" G_GINT64_FORMAT ",%" G_GINT64_FORMAT ",%" G_GINT64_FORMAT ",%" G_GINT64_FORMAT "]",
        n ? "," : "", quantity, price, discount, total);
    n++;
  }
  g_assert_cmpuint (halves, >, 900);
  g_string_append_c (cases, ']');
  sql = g_strdup_printf (
      "SELECT coalesce(string_agg(c::text, ' '), '') FROM jsonb_array_elements('%s') c WHERE (c ->> "
      "3)::numeric"
      " IS DISTINCT FROM sync.line_total((c ->> 0)::bigint, (c ->> 1)::bigint, (c ->> 2)::bigint)",
      cases->str);
  wrong = pg_text (root, sql);
  g_assert_cmpstr (wrong, ==, "");
}

/* Clocks */

static const char *const zones[] = { "UTC",
                                     "Europe/Berlin",
                                     "Europe/Dublin",
                                     "Atlantic/Azores",
                                     "America/New_York",
                                     "America/Sao_Paulo",
                                     "America/Havana",
                                     "Asia/Kathmandu",
                                     "Asia/Beirut",
                                     "Asia/Tehran",
                                     "Africa/Casablanca",
                                     "Australia/Lord_Howe",
                                     "Pacific/Apia" };
static const char *const weekdays[] = { "mon", "tue", "wed", "thu", "fri", "sat", "sun" };

/* Times of the day that lie about as often within the hour in which clocks change as outside of it. */
static int
any_minute (GRand *random, int least)
{
  int most = g_rand_boolean (random) ? 1440 : MAX (least + 30, 240);

  return MIN (1440, least + 15 * g_rand_int_range (random, 0, (most - least) / 15 + 1));
}

/* Slots one after the other; the last one may run over midnight, and then the next day begins later. */
static void
add_week (GString *out, GRand *random)
{
  int begin = 0;
  guint n_days = 0;

  g_string_append (out, ",\"week\":{");
  for (guint day = 0; day < 7; day++) {
    int at = begin;
    guint n = 0;

    begin = 0;
    if (g_rand_int_range (random, 0, 4) == 0 && n_days > 0)
      continue;
    g_string_append_printf (out, "%s\"%s\":[", n_days++ ? "," : "", weekdays[day]);
    while (at < 1380 && n < 3) {
      int from = any_minute (random, at), to = any_minute (random, from);

      if (from >= 1440 || from == to)
        break;
      g_string_append_printf (out, "%s[\"%02d:%02d\",", n++ ? "," : "", from / 60, from % 60);
      if (n == 3 && day < 6 && to < 1440) {
        begin = 15 * g_rand_int_range (random, 1, from / 15 + 1);
        to = MIN (begin, from - 15);
        begin = to = MAX (to, 15);
        g_string_append_printf (out, "\"%02d:%02d\"]", to / 60, to % 60);
        break;
      }
      g_string_append_printf (out, "\"%02d:%02d\"]", to / 60, to % 60);
      at = to;
    }
    g_string_append_c (out, ']');
  }
  g_string_append_c (out, '}');
}

static char *
any_calendar (GRand *random)
{
  GString *out = g_string_new ("{\"name\":\"c\"");

  if (g_rand_int_range (random, 0, 8) == 0) {
    g_string_append (out, ",\"always\":true}");
    return g_string_free (out, FALSE);
  }
  g_string_append_printf (out, ",\"zone\":\"%s\"", zones[g_rand_int_range (random, 0, G_N_ELEMENTS (zones))]);
  add_week (out, random);
  g_string_append (out, ",\"holidays\":[");
  for (int i = g_rand_int_range (random, 0, 5); i >= 0; i--)
    g_string_append_printf (out, "\"20%02d-%02d-%02d\"%s", g_rand_int_range (random, 15, 36),
                            g_rand_int_range (random, 1, 13), g_rand_int_range (random, 1, 29), i ? "," : "");
  g_string_append (out, "]}");
  return g_string_free (out, FALSE);
}

static char *
any_policy (GRand *random)
{
  static const char *const goals[] = { "firstResponse", "nextResponse", "resolution" };
  static const char *const durations[] = { "1s", "90m", "2h", "1d12h", "8h", "3d", "1w", "45m", "30d" };
  GString *out = g_string_new ("{\"id\":\"p\",\"name\":\"p\"");

  for (guint i = 0; i < G_N_ELEMENTS (goals); i++) {
    if (i < 2 && g_rand_boolean (random))
      continue;
    g_string_append_printf (out, ",\"%s\":{\"target\":\"%s\"", goals[i],
                            durations[g_rand_int_range (random, 0, G_N_ELEMENTS (durations))]);
    if (g_rand_boolean (random))
      g_string_append (out, ",\"warning\":\"0s\"");
    if (g_rand_boolean (random))
      g_string_append (out, ",\"hard\":\"40d\"");
    if (g_rand_boolean (random))
      g_string_append_printf (out, ",\"escalate\":\"%s\"",
                              durations[g_rand_int_range (random, 0, G_N_ELEMENTS (durations))]);
    g_string_append_c (out, '}');
  }
  g_string_append_c (out, '}');
  return g_string_free (out, FALSE);
}

/* From 2015 to 2036, half of them in the weeks in which most clocks change. */
static gint64
any_time (GRand *random)
{
  static const char *const changes[] = { "03-08", "03-25", "04-03", "09-20", "10-24", "11-01" };
  g_autofree char *date = g_strdup_printf ("20%02d-%s", g_rand_int_range (random, 15, 36),
                                           changes[g_rand_int_range (random, 0, G_N_ELEMENTS (changes))]);
  gint64 day = ct_date_to_days (date), days = g_rand_boolean (random) ? 8 : 200;

  return day * CT_MS_DAY + (gint64) (g_rand_double (random) * (double) (days * CT_MS_DAY));
}

/* What can follow does, and now and then what cannot. */
static GArray *
any_ledger (GRand *random, gint64 *last)
{
  GArray *ledger = ct_sla_ledger_new ();
  gint64 at = any_time (random);

  for (int i = g_rand_int_range (random, 0, 9); i >= 0; i--) {
    CtSlaEvent event = { (CtSlaEventKind) (i > 6 ? CT_SLA_ACTIVATE : g_rand_int_range (random, 0, 5)),
                         (CtSlaTarget) g_rand_int_range (random, 0, CT_N_SLA_TARGETS), 1, at };

    if (g_rand_int_range (random, 0, 10) == 0)
      g_array_append_val (ledger, event);
    else
      ct_sla_append (ledger, event.kind, event.target, at, NULL);
    if (g_rand_int_range (random, 0, 3))
      at += (gint64) (g_rand_double (random) * 4 * CT_MS_DAY);
  }
  *last = at;
  return ledger;
}

static void
add_ledger (GString *out, const GArray *ledger)
{
  g_string_append_c (out, '[');
  for (guint i = 0; i < ledger->len; i++) {
    const CtSlaEvent *event = &g_array_index (ledger, CtSlaEvent, i);

    g_string_append_printf (out, "%s[\"%s\",\"%s\",%" G_GINT64_FORMAT "]", i ? "," : "",
                            ct_sla_event_kind_name (event->kind), ct_sla_target_name (event->target),
                            event->at);
  }
  g_string_append_c (out, ']');
}

static JsonObject *
parse_object (const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) node = ct_json_parse (text, -1, 1 << 20, &error);

  g_assert_no_error (error);
  return json_object_ref (json_node_get_object (node));
}

/* (transfer full) (nullable): as C reads them; %NULL where a slot overlaps */
static CtSlaTerms *
read_terms (const char *policy, const char *calendar)
{
  g_autoptr (JsonObject) p = parse_object (policy), c = parse_object (calendar);
  g_autoptr (GError) error = NULL;
  CtSlaPolicy *parsed = ct_sla_policy_parse (p, "test", &error);
  CtSlaTerms *terms = g_new0 (CtSlaTerms, 1);

  if (parsed)
    memcpy (terms->goals, parsed->goals, sizeof terms->goals);
  terms->calendar = parsed ? ct_calendar_parse (c, "test", &error) : NULL;
  g_clear_pointer (&parsed, ct_sla_policy_free);
  if (!terms->calendar)
    g_clear_pointer (&terms, g_free);
  return terms;
}

static void
add_date (GString *out, gint64 at)
{
  if (at == CT_NULL_INT)
    g_string_append (out, ",null");
  else
    g_string_append_printf (out, ",%" G_GINT64_FORMAT, at);
}

/* {"ledger", "policy", "calendar", "after", "now", "dates"}; %FALSE where C would not read that */
static gboolean
add_case (GString *out, GRand *random, guint *n_dates)
{
  g_autofree char *policy = any_policy (random), *calendar = any_calendar (random);
  gint64 last, now, after = g_rand_boolean (random) ? 0 : g_rand_int_range (random, 1, 60) * CT_MS_HOUR;
  g_autoptr (GArray) ledger = any_ledger (random, &last);
  CtSlaTerms *terms = read_terms (policy, calendar);
  CtSlaDates dates;

  if (!terms)
    return FALSE;
  now = last + (gint64) ((g_rand_double (random) - 0.1) * 5 * CT_MS_DAY);
  ct_sla_book_dates (ledger, terms, after, now, &dates);
  *n_dates += dates.due_at != CT_NULL_INT;
  g_string_append_printf (out,
                          "%s{\"policy\":%s,\"calendar\":%s,\"after\":%" G_GINT64_FORMAT
                          ",\"now\":%" G_GINT64_FORMAT ",\"ledger\":",
                          out->len > 1 ? "," : "", policy, calendar, after, now);
  add_ledger (out, ledger);
  g_string_append (out, ",\"dates\":[0");
  add_date (out, dates.due_at);
  add_date (out, dates.warning_at);
  add_date (out, dates.hard_at);
  add_date (out, dates.escalate_at);
  g_string_append (out, "]}");
  ct_sla_terms_clear (terms);
  g_free (terms);
  return TRUE;
}

/* From the same ledger, policy and calendar come the same dates. */
static void
test_clocks (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (11);
  guint n_dates = 0;

  for (guint batch = 0; batch < 4; batch++) {
    g_autoptr (GString) cases = g_string_new ("[");
    g_autofree char *sql = NULL, *wrong = NULL;
    guint n = 0;

    while (n < 1000)
      n += add_case (cases, random, &n_dates);
    g_string_append_c (cases, ']');
    sql = g_strdup_printf (
        "SELECT coalesce(string_agg(c::text || ' here ' || d, E'\\n'), '') FROM jsonb_array_elements('%s') c,"
        " LATERAL (SELECT jsonb_build_array(0, x.due, x.warning, x.hard, x.escalate) AS d FROM "
        "sync.sla_dates(c -> 'ledger',"
        " sync.goals_of(c -> 'policy'), sync.read_calendar(c -> 'calendar'), (c ->> 'after')::bigint,"
        " (c ->> 'now')::bigint) x) y WHERE d <> c -> 'dates'",
        cases->str);
    wrong = pg_text (root, sql);
    g_assert_cmpstr (wrong, ==, "");
  }
  g_assert_cmpuint (n_dates, >, 1200);
}

/* A calendar that the program does not read is none on the server either, and the other way round. */
static void
test_calendars (void)
{
  static const char *const calendars[] = {
    "\"week\":{\"mon\":[[\"09:00\",\"18:00\"]]}",
    "\"week\":{\"mon\":[[\"09:00\",\"12:00\"],[\"12:00\",\"24:00\"]],\"tue\":[[\"22:00\",\"06:00\"]]}",
    "\"week\":{\"sun\":[[\"22:00\",\"00:00\"]]},\"holidays\":[\"2026-01-01\"]",
    "\"always\":true",
    "\"always\":true,\"holidays\":[]",
    "\"always\":true,\"holidays\":[\"2026-01-01\"]",
    "\"always\":true,\"week\":{\"mon\":[[\"09:00\",\"18:00\"]]}",
    "\"always\":false",
    "\"week\":{}",
    "\"week\":{\"mon\":[]}",
    "\"week\":{\"mon\":[[\"09:00\",\"09:00\"]]}",
    "\"week\":{\"mon\":[[\"09:00\",\"18:00\"],[\"20:00\",\"20:00\"]]}",
    "\"week\":{\"mon\":[[\"24:00\",\"10:00\"]]}",
    "\"week\":{\"mon\":[[\"09:00\",\"18:00\"],[\"17:00\",\"19:00\"]]}",
    "\"week\":{\"sun\":[[\"22:00\",\"06:00\"]],\"mon\":[[\"05:00\",\"19:00\"]]}",
    "\"week\":{\"monday\":[[\"09:00\",\"18:00\"]]}",
    "\"week\":{\"mon\":[[\"9:00\",\"18:00\"]]}",
    "\"week\":{\"mon\":[[\"09:00\",\"24:01\"]]}",
    "\"week\":{\"mon\":[[\"09:60\",\"18:00\"]]}",
    "\"week\":{\"mon\":[[\"09:00\"]]}",
    "\"week\":{\"mon\":\"09:00\"}",
    "\"zone\":\"Mars/Olympus\",\"week\":{\"mon\":[[\"09:00\",\"18:00\"]]}",
  };
  g_autoptr (GError) error = NULL;
  guint n_read = 0;

  ct_session_script (root,
                     "INSERT INTO app.calendars (id, name, body) VALUES (gen_random_uuid(), 'c', '{}');"
                     "INSERT INTO app.sla_policies (id, name, body, position) VALUES (gen_random_uuid(), 'p',"
                     " '{\"id\":\"p\",\"calendar\":\"c\",\"resolution\":{\"target\":\"1h\"}}', 1)",
                     NULL, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (calendars); i++) {
    g_autofree char *text = g_strdup_printf ("{\"name\":\"c\",%s}", calendars[i]);
    g_autoptr (JsonObject) object = parse_object (text);
    CtCalendar *calendar = ct_calendar_parse (object, "test", NULL);

    g_test_message ("%s", text);
    ct_session_run (root, NULL, &error, "UPDATE app.calendars SET body = $1 WHERE name = 'c'", "s", text);
    g_assert_no_error (error);
    g_assert_cmpint (
        pg_number (root, "SELECT ((sync.sla_terms('p', NULL)).calendar IS DISTINCT FROM NULL)::integer"), ==,
        calendar != NULL);
    n_read += calendar != NULL;
    g_clear_pointer (&calendar, ct_calendar_unref);
  }
  g_assert_cmpuint (n_read, ==, 5);
}

/* How long in a person's words. */
static void
test_rules (void)
{
  static const char *const rules[] = {
    "Escalate to Sales Ops if invoice blocker remains unresolved after 24h.",
    "after 90 minutes",
    "AFTER 2 Days, or after 1h",
    "after 3 d",
    "after 5m",
    "after 12345h",
    "after 12 hrs; after 6 hours",
    "thereafter 24h",
    "after24h",
    "after 0h",
    "after 24hm",
    "after",
    "",
    "через 24 часа",
    "Через 2ч, если",
    "ЧЕРЕЗ 30 мин.",
    "через 3 дня",
    "через 4 ДНЯ",
    "через 15 минут",
    "через 6часов",
    "ячерез 6 часов",
    "через 7 дней",
    "через 8 дом"
  };

  for (guint i = 0; i < G_N_ELEMENTS (rules); i++) {
    g_autofree char *sql = g_strdup_printf ("SELECT coalesce(sync.escalate_after('%s'), 0)", rules[i]);

    g_test_message ("%s", rules[i]);
    g_assert_cmpint (pg_number (root, sql), ==, ct_task_row_escalate_after (rules[i]));
  }
}

/* A duration as policies and profiles say it; what is none is none in both. */
static void
test_durations (void)
{
  static const char *const durations[] = { "5h",  "1d12h", "1w2d3h4m5s", "0s",    "999999s", "1000000s",
                                           "x5h", "5h x",  "5h ",        " 5h",   "5",       "5H",
                                           "h",   "",      "5h-3m",      "1.5h",  "5hh",     "-5h",
                                           "7m7", "1h1h",  "5h\n",       "90\nm", "٥h" };

  for (guint i = 0; i < G_N_ELEMENTS (durations); i++) {
    g_autofree char *sql = g_strdup_printf ("SELECT coalesce(sync.duration_ms('%s'), -1)", durations[i]);
    gint64 here = -1;

    g_test_message ("%s", durations[i]);
    ct_duration_parse (durations[i], &here);
    g_assert_cmpint (pg_number (root, sql), ==, here);
  }
}

/* Which policy applies to what. */
static void
test_matches (void)
{
  static const char facts[] =
      "{\"rule\":\"a\",\"score\":50,\"region\":null,\"country\":\"\",\"valueMinor\":9007199254740991}";
  static const char *const conditions[] = {
    "{}",
    "{\"rule\":\"a\"}",
    "{\"rule\":\"b\"}",
    "{\"rule\":[\"b\",\"a\"]}",
    "{\"rule\":[]}",
    "{\"rule\":{\"min\":1}}",
    "{\"score\":50}",
    "{\"score\":\"50\"}",
    "{\"score\":{\"min\":50,\"max\":50}}",
    "{\"score\":{\"min\":51}}",
    "{\"score\":{\"max\":49}}",
    "{\"score\":[49,50]}",
    "{\"region\":\"north\"}",
    "{\"region\":[\"north\",\"\"]}",
    "{\"region\":{\"min\":0}}",
    "{\"country\":\"\"}",
    "{\"missing\":1}",
    "{\"rule\":\"a\",\"score\":{\"max\":49}}",
    "{\"rule\":\"a\",\"score\":{\"min\":49}}",
    "{\"valueMinor\":{\"min\":9007199254740991}}",
  };
  g_autoptr (JsonObject) known = parse_object (facts);
  guint n = 0;

  for (guint i = 0; i < G_N_ELEMENTS (conditions); i++) {
    g_autoptr (JsonObject) object = parse_object (conditions[i]);
    CtMatch *match = ct_match_parse (object, "test", NULL);
    g_autofree char *sql = g_strdup_printf ("SELECT sync.matches('%s', '%s')::integer", conditions[i], facts);

    g_test_message ("%s", conditions[i]);
    if (!match)
      continue;
    g_assert_cmpint (pg_number (root, sql), ==, ct_match_test (match, known));
    ct_match_free (match);
    n++;
  }
  g_assert_cmpuint (n, >, 15);
}

int
main (int argc, char **argv)
{
  int result;

  g_test_init (&argc, &argv, NULL);
  server = pg_server_start ();
  pg_server_create (server, "derived", NULL);
  root = pg_server_login (server, "derived", "postgres");
  g_test_add_func ("/pg/derived/line-totals", test_line_totals);
  g_test_add_func ("/pg/derived/clocks", test_clocks);
  g_test_add_func ("/pg/derived/calendars", test_calendars);
  g_test_add_func ("/pg/derived/rules", test_rules);
  g_test_add_func ("/pg/derived/durations", test_durations);
  g_test_add_func ("/pg/derived/matches", test_matches);
  result = g_test_run ();
  ct_session_close (root);
  pg_server_stop (server);
  return result;
}
