#include "ct-base.h"
#include "ct-sync-words.h"

#define NOW "2026-06-01T09:00:00Z"

static JsonObject *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) node = ct_json_parse (text, -1, 4096, &error);

  g_assert_no_error (error);
  return json_object_ref (json_node_get_object (node));
}

static gint64
now (void)
{
  gint64 at;

  g_assert_true (ct_time_parse (NOW, &at));
  return at;
}

static void
test_label (void)
{
  static const struct {
    const char *status, *label, *icon;
  } cases[] = {
    { "{\"mode\": \"standalone\", \"state\": \"saved_locally\"}", "Saved locally",
      "drive-harddisk-symbolic" },
    { "{\"state\": \"in_sync\", \"lastSuccess\": \"2026-06-01T08:59:30Z\"}", "In sync",
      "emblem-ok-symbolic" },
    { "{\"state\": \"in_sync\", \"lastSuccess\": \"2026-06-01T08:40:00Z\"}", "In sync 20 min ago",
      "emblem-ok-symbolic" },
    { "{\"state\": \"pending\", \"pending\": 1200}", "1\u202f200 pending", "network-transmit-symbolic" },
    { "{\"state\": \"offline\", \"pending\": 0}", "Offline", "network-offline-symbolic" },
    { "{\"state\": \"offline\", \"pending\": 3, \"inTray\": 2}", "Offline, 3 pending",
      "network-offline-symbolic" },
    { "{\"state\": \"stuck\", \"pending\": 1}", "Sync stopped, 1 pending", "dialog-warning-symbolic" },
    { "{\"state\": \"stuck\"}", "Sync stopped", "dialog-warning-symbolic" },
    { "{\"state\": \"loading\", \"inTray\": 0}", "Loading…", "folder-download-symbolic" },
    { "{\"state\": \"loading\", \"load\": {\"done\": 250, \"expected\": 1000}}", "Loading, 25 %",
      "folder-download-symbolic" },
    { "{\"state\": \"in_sync\", \"inTray\": 1}", "1 needs attention", "dialog-warning-symbolic" },
    { "{\"state\": \"pending\", \"pending\": 4, \"inTray\": 2}", "2 need attention",
      "dialog-warning-symbolic" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (JsonObject) status = parse (cases[i].status);
    g_auto (CtSyncWords) words = { 0 };

    ct_sync_words (status, now (), &words);
    g_assert_cmpstr (words.label, ==, cases[i].label);
    g_assert_cmpstr (words.icon, ==, cases[i].icon);
    g_assert_nonnull (words.title);
    g_assert_nonnull (words.text);
  }
}

static void
test_facts (void)
{
  g_autoptr (JsonObject) local = parse ("{\"mode\": \"standalone\", \"state\": \"saved_locally\"}");
  g_autoptr (JsonObject) offline =
      parse ("{\"server\": \"postgresql://anna@db/tower\", \"user\": \"anna\", \"lastSuccess\": "
             "\"2026-06-01T08:59:48Z\","
             " \"pending\": 2, \"oldestPending\": \"2026-06-01T08:57:00Z\", \"inTray\": 0, \"lastError\": "
             "\"Cannot\\n\\tconnect\", \"lastErrorAt\": \"2026-06-01T09:00:00Z\", \"nextRetry\": "
             "\"2026-06-01T09:00:07Z\"}");
  g_auto (GStrv) none = ct_sync_facts (local, now ()), facts = ct_sync_facts (offline, now ());
  g_autofree char *text = g_strjoinv ("|", facts);

  g_assert_cmpuint (g_strv_length (none), ==, 0);
  g_assert_cmpstr (text, ==,
                   "Server|postgresql://anna@db/tower|User|anna|Last in sync|12 s ago|Pending|2|Oldest "
                   "pending|3 min ago|Last error|Cannot connect|Failed|just now|Next try|in 7 s");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sync-words/label", test_label);
  g_test_add_func ("/sync-words/facts", test_facts);
  return g_test_run ();
}
