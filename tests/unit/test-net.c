/* The parts of net/ that need no network. */
#include "ct-net.h"
#include "ct-test-folder.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void
test_origin (void)
{
  static const struct {
    const char *url, *origin, *prefix; /* origin NULL: refused */
  } cases[] = {
    { "https://slack.com", "https://slack.com", "" },
    { "https://SLACK.com:443/", "https://slack.com", "" },
    { "https://slack.com:8443/a/b//", "https://slack.com:8443", "/a/b" },
    { "http://127.0.0.1:8080/slack/", "http://127.0.0.1:8080", "/slack" },
    { "http://127.9.9.9", "http://127.9.9.9", "" },
    { "http://[::1]:80", "http://[::1]", "" },
    { "http://LocalHost:9", "http://localhost:9", "" },
    { "http://slack.com", NULL, NULL },
    { "http://127.1", NULL, NULL },
    { "http://localhost.evil.example", NULL, NULL },
    { "https://user:pass@slack.com", NULL, NULL },
    { "https://slack.com/?a=b", NULL, NULL },
    { "https://slack.com/#x", NULL, NULL },
    { "https://", NULL, NULL },
    { "https://sl%61ck.com", "https://slack.com", "" },
    { "https://sl ack.com", NULL, NULL },
    { "https://слак.рф", "https://xn--80aubx.xn--p1ai", "" },
    { "ftp://slack.com", NULL, NULL },
    { "slack.com", NULL, NULL },
    { "", NULL, NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *origin = NULL;
    g_autofree char *prefix = NULL;
    g_autoptr (GError) error = NULL;
    gboolean ok = ct_origin_parse (cases[i].url, &origin, &prefix, &error);

    g_test_message ("%s", cases[i].url);
    g_assert_cmpint (ok, ==, cases[i].origin != NULL);
    g_assert_cmpstr (origin, ==, cases[i].origin);
    g_assert_cmpstr (prefix, ==, cases[i].prefix);
    if (!ok)
      g_assert_error (error, CT_ERROR, CT_ERROR_INVALID);
  }
  g_assert_true (ct_origin_is_loopback ("http://127.0.0.1:8080"));
  g_assert_true (ct_origin_is_loopback ("https://[::1]"));
  g_assert_false (ct_origin_is_loopback ("https://slack.com"));
  g_assert_false (ct_origin_is_loopback (NULL));
}

static void
test_redact (void)
{
  static const struct {
    const char *text, *out;
  } cases[] = {
    { "nothing to hide", "nothing to hide" },
    { "Authorization: Bearer xoxb-1-abc\r\nHost: a", "Authorization: [redacted]\r\nHost: a" },
    { "x-api-key: sk-1", "x-api-key: [redacted]" },
    { "got bearer abc.def, closing", "got bearer [redacted], closing" },
    { "POST /bot123:AA-b_c/sendMessage", "POST /bot[redacted]/sendMessage" },
    { "https://a/b?x=1&sig=a%2Fb&y=2", "https://a/b?x=1&sig=[redacted]&y=2" },
    { "https://a/b?token=t#frag", "https://a/b?token=[redacted]#frag" },
    { "{\"token\": \"a\\\"b\", \"n\": 1}", "{\"token\": \"[redacted]\", \"n\": 1}" },
    { "bad token xoxp-12-34 here", "bad token xoxp-[redacted] here" },
    { "https://hooks.slack.com/services/T00/B00/XXyy", "https://hooks.slack.com/services/[redacted]" },
    { "\xff Bearer abc", "\xff Bearer [redacted]" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *out = ct_redact (cases[i].text);

    g_assert_cmpstr (out, ==, cases[i].out);
  }
}

static void
test_budget (void)
{
  g_autoptr (CtRateBudget) budget = ct_rate_budget_new ();
  const char *slack = "https://slack.com";
  gint64 now = 1000000, next = 0;

  g_assert_true (ct_rate_budget_take (budget, slack, "#ops", now, NULL));
  ct_rate_budget_limit (budget, slack, "#ops", 3, 1000);
  for (guint i = 0; i < 3; i++)
    g_assert_true (ct_rate_budget_take (budget, slack, "#ops", now, &next));
  g_assert_false (ct_rate_budget_take (budget, slack, "#ops", now, &next));
  g_assert_cmpint (next, ==, now + 1000);
  g_assert_cmpint (ct_rate_budget_next (budget, slack, "#ops", now), ==, now + 1000);
  g_assert_true (ct_rate_budget_take (budget, slack, "#sales", now, NULL));
  g_assert_true (ct_rate_budget_take (budget, "https://other", "#ops", now, NULL));
  g_assert_true (ct_rate_budget_take (budget, slack, "#ops", now + 1000, NULL));
  g_assert_false (ct_rate_budget_take (budget, slack, "#ops", now + 1001, NULL));
  /* long idle fills the bucket, no more */
  for (guint i = 0; i < 3; i++)
    g_assert_true (ct_rate_budget_take (budget, slack, "#ops", now + CT_MS_DAY, NULL));
  g_assert_false (ct_rate_budget_take (budget, slack, "#ops", now + CT_MS_DAY, NULL));
  /* a clock set back by a day does not lock the bucket for a day */
  g_assert_cmpint (ct_rate_budget_next (budget, slack, "#ops", now), ==, now + 1000);
}

static void
test_budget_park (void)
{
  g_autoptr (CtRateBudget) budget = ct_rate_budget_new ();
  const char *slack = "https://slack.com";
  gint64 next = 0;

  ct_rate_budget_park (budget, slack, "#ops", 0, 500);
  g_assert_cmpint (ct_rate_budget_next (budget, slack, "#ops", 100), ==, 500);
  g_assert_cmpint (ct_rate_budget_next (budget, slack, "#sales", 100), ==, 100);
  ct_rate_budget_park (budget, slack, NULL, 0, 800);
  ct_rate_budget_park (budget, slack, NULL, 0, 600);
  g_assert_false (ct_rate_budget_take (budget, slack, "#sales", 799, &next));
  g_assert_cmpint (next, ==, 800);
  g_assert_true (ct_rate_budget_take (budget, slack, "#ops", 800, &next));
  /* a park still in force survives however many others are forgotten */
  ct_rate_budget_park (budget, slack, "#ops", 900, 100000);
  for (guint i = 0; i < 3000; i++) {
    g_autofree char *key = g_strdup_printf ("%u", i);

    ct_rate_budget_park (budget, slack, key, 1000, 1001);
  }
  g_assert_cmpint (ct_rate_budget_next (budget, slack, "#ops", 5000), ==, 100000);
}

static void
test_secret (void)
{
  static const struct {
    const char *url, *value;
    gboolean good;
  } cases[] = {
    { "https://slack.com/api", "xoxb-1", TRUE }, { "https://slack.com", "", FALSE },
    { "https://slack.com", "a b", FALSE },       { "https://slack.com", "a\r\nX: y", FALSE },
    { "https://slack.com", "ключ", FALSE },      { "http://slack.com", "xoxb-1", FALSE },
  };
  g_autoptr (CtSecret) secret = ct_secret_new ("https://slack.com/api", "xoxb-1", NULL);
  g_autofree char *long_value = g_strnfill (CT_SECRET_MAX + 1, 'x');
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (CtSecret) made = ct_secret_new (cases[i].url, cases[i].value, NULL);

    g_assert_cmpint (made != NULL, ==, cases[i].good);
  }
  g_assert_null (ct_secret_new ("https://slack.com", long_value, NULL));
  long_value[CT_SECRET_MAX] = '\0';
  ct_secret_unref (ct_secret_new ("https://slack.com", long_value, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (ct_secret_origin (secret), ==, "https://slack.com");
  g_assert_cmpstr (ct_secret_value (secret, "https://SLACK.com:443/other", NULL), ==, "xoxb-1");
  g_assert_null (ct_secret_value (secret, "https://slack.com:8443", &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_REFUSED);
}

static void
test_token_file (void)
{
  g_autofree char *dir = ct_test_folder ();
  g_autofree char *path = g_build_filename (dir, "token", NULL);
  g_autofree char *large = g_strnfill (CT_SECRET_MAX + 2, ' ');
  static const struct {
    const char *text, *value;
  } cases[] = {
    { "xoxb-1\n", "xoxb-1" }, { "  xoxb-2 \r\n\n", "xoxb-2" }, { "\n", NULL }, { "a\nb\n", NULL }
  };
  g_autoptr (GError) error = NULL;

  g_assert_null (ct_secret_new_from_file ("https://slack.com", path, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_NOT_FOUND);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (CtSecret) secret = NULL;

    g_assert_true (g_file_set_contents (path, cases[i].text, -1, NULL));
    secret = ct_secret_new_from_file ("https://slack.com", path, NULL);
    g_assert_cmpstr (secret ? ct_secret_value (secret, "https://slack.com", NULL) : NULL, ==, cases[i].value);
  }
  g_assert_true (g_file_set_contents (path, large, -1, NULL));
  g_assert_null (ct_secret_new_from_file ("https://slack.com", path, NULL));
  g_assert_null (ct_secret_new_from_file ("https://slack.com", dir, NULL));
  ct_test_remove (dir);
}

static char *
value_of (CtSecretStore *store, const char *name, const char *url)
{
  g_autoptr (CtSecret) secret = ct_secret_store_find (store, name, url, NULL, NULL);

  return secret ? g_strdup (ct_secret_value (secret, url, NULL)) : NULL;
}

#define assert_stored(store, name, url, expected)                                                            \
  G_STMT_START                                                                                               \
  {                                                                                                          \
    g_autofree char *found_ = value_of (store, name, url);                                                   \
    g_assert_cmpstr (found_, ==, expected);                                                                  \
  }                                                                                                          \
  G_STMT_END

/* That one is stored is known without reading it. */
static void
assert_where (CtSecretStore *store, const char *name, const char *url, int expected)
{
  g_autoptr (GError) error = NULL;
  CtSecretPlace place = CT_SECRET_PLAIN_FILE;
  gboolean found = ct_secret_store_where (store, name, url, &place, NULL, &error);

  g_assert_cmpint (found ? (int) place : -1, ==, expected);
  if (!found)
    g_assert_error (error, CT_ERROR, CT_ERROR_NOT_FOUND);
}

static void
save (CtSecretStore *store, CtSecretPlace place, const char *name, const char *url, const char *value)
{
  g_autoptr (CtSecret) secret = ct_secret_new (url, value, NULL);
  g_autoptr (GError) error = NULL;

  ct_secret_store_save (store, place, name, secret, NULL, &error);
  g_assert_no_error (error);
}

/* The same story for both places. */
static void
check_store (CtSecretStore *store, CtSecretPlace place)
{
  g_autoptr (GError) error = NULL;

  assert_stored (store, "ops", "https://a.example", NULL);
  save (store, place, "ops", "https://a.example/base", "token-1");
  save (store, place, "op", "https://a.example", "token-2");
  save (store, place, "ops", "http://127.0.0.1:80", "token-3");
  save (store, place, "ops", "https://a.example", "token-4");
  assert_stored (store, "ops", "https://a.example", "token-4");
  assert_stored (store, "op", "https://a.example", "token-2");
  assert_stored (store, "ops", "http://127.0.0.1", "token-3");
  assert_stored (store, "ops", "https://a.example:444", NULL);
  assert_stored (store, "ops", "https://b.example", NULL);
  assert_where (store, "ops", "https://a.example", (int) place);
  assert_where (store, "ops", "https://b.example", -1);
  g_assert_true (ct_secret_store_clear (store, "op", "https://a.example", NULL, NULL));
  assert_stored (store, "op", "https://a.example", NULL);
  assert_where (store, "op", "https://a.example", -1);
  assert_stored (store, "ops", "https://a.example", "token-4");
  g_assert_false (ct_secret_store_clear (store, "op", "https://a.example", NULL, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_NOT_FOUND);
  g_clear_error (&error);
  /* of every address at once, and of no other channel */
  save (store, place, "op", "https://a.example", "token-5");
  g_assert_true (ct_secret_store_clear (store, "ops", NULL, NULL, NULL));
  assert_stored (store, "ops", "https://a.example", NULL);
  assert_stored (store, "ops", "http://127.0.0.1", NULL);
  assert_stored (store, "op", "https://a.example", "token-5");
  g_assert_false (ct_secret_store_clear (store, "ops", NULL, NULL, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_NOT_FOUND);
}

static void
test_plain_store (void)
{
  g_autofree char *dir = ct_test_folder ();
  g_autofree char *path = g_build_filename (dir, CT_SECRET_FILE, NULL);
  g_autoptr (CtSecretStore) store = ct_secret_store_new (dir, "w1");
  g_autoptr (CtSecret) secret = ct_secret_new ("https://a.example", "t", NULL);
  struct stat st;

  check_store (store, CT_SECRET_PLAIN_FILE);
  g_assert_cmpint (stat (path, &st), ==, 0);
  g_assert_cmpint (st.st_mode & 0777, ==, 0600);
  g_assert_false (ct_secret_store_save (store, CT_SECRET_PLAIN_FILE, "a\tb", secret, NULL, NULL));
  g_assert_false (ct_secret_store_save (store, CT_SECRET_PLAIN_FILE, "", secret, NULL, NULL));
  ct_test_remove (dir);
}

/* A file that others may read or that is not the person's own is not used, in no way. */
static void
test_plain_store_refused (void)
{
  static const mode_t modes[] = { 0640, 0604, 0660, 0602, 0644 };
  g_autofree char *dir = ct_test_folder ();
  g_autofree char *path = g_build_filename (dir, CT_SECRET_FILE, NULL);
  g_autofree char *target = g_build_filename (dir, "token", NULL);
  g_autoptr (CtSecretStore) store = ct_secret_store_new (dir, "w1");
  g_autoptr (CtSecret) secret = ct_secret_new ("https://a.example", "t", NULL);

  save (store, CT_SECRET_PLAIN_FILE, "ops", "https://a.example", "token-1");
  for (guint i = 0; i < G_N_ELEMENTS (modes); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_cmpint (g_chmod (path, modes[i]), ==, 0);
    g_assert_null (ct_secret_store_find (store, "ops", "https://a.example", NULL, &error));
    g_assert_error (error, CT_ERROR, CT_ERROR_REFUSED);
    g_assert_false (ct_secret_store_save (store, CT_SECRET_PLAIN_FILE, "ops", secret, NULL, NULL));
  }
  g_assert_cmpint (g_chmod (path, 0600), ==, 0);
  assert_stored (store, "ops", "https://a.example", "token-1");
  g_assert_cmpint (g_rename (path, target), ==, 0);
  g_assert_cmpint (symlink (target, path), ==, 0);
  g_assert_null (ct_secret_store_find (store, "ops", "https://a.example", NULL, NULL));
  g_assert_false (ct_secret_store_save (store, CT_SECRET_PLAIN_FILE, "ops", secret, NULL, NULL));
  ct_test_remove (dir);
}

/* Damaged lines are no token and no crash. */
static void
test_plain_store_damaged (void)
{
  static const char *const texts[] = { "",
                                       "\n\n",
                                       "https://a.example\tops\t\n",
                                       "https://a.example\tops",
                                       "https://a.example\tops\ta b\n",
                                       "\t\t\t",
                                       "https://a.example\tops\t\x01\n" };
  g_autofree char *dir = ct_test_folder ();
  g_autofree char *path = g_build_filename (dir, CT_SECRET_FILE, NULL);
  g_autoptr (CtSecretStore) store = ct_secret_store_new (dir, "w1");

  save (store, CT_SECRET_PLAIN_FILE, "ops", "https://a.example", "token-1");
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    g_assert_true (g_file_set_contents_full (path, texts[i], -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, NULL));
    g_assert_null (ct_secret_store_find (store, "ops", "https://a.example", NULL, NULL));
    save (store, CT_SECRET_PLAIN_FILE, "new", "https://a.example", "token-2");
  }
  ct_test_remove (dir);
}

static void
put_credential (const char *dir, const char *name, const char *text)
{
  g_autofree char *path = g_build_filename (dir, name, NULL);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

/* What the service manager hands over comes first, goes to its origin alone, and is never a path out of its folder. */
static void
test_credentials (void)
{
  static const char *const malformed[] = { "", "t", "https://a.example", "https://a.example a b",
                                           "nonsense t" };
  g_autofree char *dir = ct_test_folder (), *workspace = ct_test_folder ();
  g_autoptr (CtSecretStore) store = ct_secret_store_new (workspace, "w1");
  char *password;

  save (store, CT_SECRET_PLAIN_FILE, "ops", "https://a.example", "from the file" + 9);
  g_setenv ("CREDENTIALS_DIRECTORY", dir, TRUE);
  assert_stored (store, "ops", "https://a.example", "file");
  put_credential (dir, "ops", "https://a.example/api token-1\n");
  assert_stored (store, "ops", "https://a.example", "token-1");
  assert_where (store, "ops", "https://a.example", CT_SECRET_CREDENTIAL);
  assert_stored (store, "ops", "https://evil.example", NULL);
  put_credential (workspace, "outside", "https://a.example token-2");
  assert_stored (store, "../outside", "https://a.example", NULL);
  for (guint i = 0; i < G_N_ELEMENTS (malformed); i++) {
    put_credential (dir, "ops", malformed[i]);
    assert_stored (store, "ops", "https://a.example", "file");
  }
  put_credential (dir, "central-server", " ein langes Wort \n");
  password = ct_secret_credential_read ("central server");
  g_assert_cmpstr (password, ==, "ein langes Wort");
  ct_secret_credential_free (password);
  g_assert_null (ct_secret_credential_read ("none"));
  g_unsetenv ("CREDENTIALS_DIRECTORY");
  g_assert_null (ct_secret_credential_read ("central server"));
  ct_test_remove (dir);
  ct_test_remove (workspace);
}

static void
test_no_keyring_subprocess (void)
{
  g_autofree char *dir = ct_test_folder ();
  g_autoptr (CtSecretStore) store = ct_secret_store_new (dir, "w1");
  g_autoptr (CtSecret) secret = ct_secret_new ("https://a.example", "t", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_false (ct_secret_store_save (store, CT_SECRET_KEYRING, "ops", secret, NULL, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "keyring"));
  g_clear_error (&error);
  g_assert_null (ct_secret_store_find (store, "ops", "https://a.example", NULL, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_NOT_FOUND);
  ct_test_remove (dir);
}

static void
test_no_keyring (void)
{
  if (g_test_subprocess ()) {
    g_setenv ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent", TRUE);
    test_no_keyring_subprocess ();
    return;
  }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
}

/* Not GTestDBus: it waits for the end of a connection that libsecret keeps for itself. */
static GSubprocess *
start_bus (void)
{
  const char *argv[] = { "dbus-daemon", "--session", "--nofork", "--print-address", NULL };
  GSubprocess *bus =
      g_subprocess_newv (argv, G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_SILENCE, NULL);
  g_autoptr (GDataInputStream) out = g_data_input_stream_new (g_subprocess_get_stdout_pipe (bus));
  g_autofree char *address = g_data_input_stream_read_line (out, NULL, NULL, NULL);

  g_assert_nonnull (address);
  g_setenv ("DBUS_SESSION_BUS_ADDRESS", address, TRUE);
  return bus;
}

static gboolean
unlock_keyring (const char *daemon)
{
  const char *argv[] = { daemon, "--unlock", "--components=secrets", "--foreground", NULL };
  g_autoptr (GSubprocess) process = g_subprocess_newv (
      argv,
      G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_SILENCE | G_SUBPROCESS_FLAGS_STDERR_SILENCE,
      NULL);

  if (!process ||
      !g_output_stream_write_all (g_subprocess_get_stdin_pipe (process), "test", 4, NULL, NULL, NULL))
    return FALSE;
  return g_output_stream_close (g_subprocess_get_stdin_pipe (process), NULL, NULL);
}

static void
on_name_cb (GDBusConnection *connection, const char *name, const char *owner, gpointer data)
{
  *(gboolean *) data = TRUE;
}

static void
wait_for_keyring (void)
{
  gboolean there = FALSE;
  guint watch = g_bus_watch_name (G_BUS_TYPE_SESSION, "org.freedesktop.secrets",
                                  G_BUS_NAME_WATCHER_FLAGS_NONE, on_name_cb, NULL, &there, NULL);

  while (!there)
    g_main_context_iteration (NULL, TRUE);
  g_bus_unwatch_name (watch);
}

/* The real keyring daemon on a bus of its own, its files under a directory of its own. */
static void
test_keyring_subprocess (const char *daemon)
{
  g_autofree char *home = ct_test_folder ();
  g_autofree char *other = ct_test_folder ();
  g_autoptr (GSubprocess) bus = NULL;
  g_autoptr (GDBusConnection) connection = NULL;
  g_autoptr (CtSecretStore) store = ct_secret_store_new (home, "w1");
  g_autoptr (CtSecretStore) another = ct_secret_store_new (other, "w2");

  g_setenv ("HOME", home, TRUE);
  g_setenv ("XDG_DATA_HOME", home, TRUE);
  g_setenv ("XDG_RUNTIME_DIR", home, TRUE);
  bus = start_bus ();
  connection = g_bus_get_sync (G_BUS_TYPE_SESSION, NULL, NULL);
  g_dbus_connection_set_exit_on_close (connection, FALSE);
  g_assert_true (unlock_keyring (daemon));
  wait_for_keyring ();
  check_store (store, CT_SECRET_KEYRING);
  assert_stored (another, "ops", "https://a.example", NULL);
  save (store, CT_SECRET_PLAIN_FILE, "moved", "https://a.example", "plain");
  assert_stored (store, "moved", "https://a.example", "plain");
  save (store, CT_SECRET_KEYRING, "moved", "https://a.example", "kept");
  assert_stored (store, "moved", "https://a.example", "kept");
  g_subprocess_force_exit (bus);
  g_subprocess_wait (bus, NULL, NULL);
  ct_test_remove (home);
  ct_test_remove (other);
}

static void
test_keyring (void)
{
  g_autofree char *daemon = g_find_program_in_path ("gnome-keyring-daemon");
  g_autofree char *bus = g_find_program_in_path ("dbus-daemon");

  if (!daemon || !bus) {
    g_test_skip ("gnome-keyring-daemon or dbus-daemon is not installed");
    return;
  }
  if (g_test_subprocess ()) {
    test_keyring_subprocess (daemon);
    _exit (EXIT_SUCCESS); /* libsecret keeps a connection to the bus that is gone: nothing to tidy up */
  }
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
  g_test_trap_assert_passed ();
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/net/origin", test_origin);
  g_test_add_func ("/net/redact", test_redact);
  g_test_add_func ("/net/budget", test_budget);
  g_test_add_func ("/net/budget/park", test_budget_park);
  g_test_add_func ("/net/secret", test_secret);
  g_test_add_func ("/net/secret/token-file", test_token_file);
  g_test_add_func ("/net/secret/plain", test_plain_store);
  g_test_add_func ("/net/secret/plain-refused", test_plain_store_refused);
  g_test_add_func ("/net/secret/plain-damaged", test_plain_store_damaged);
  g_test_add_func ("/net/secret/credentials", test_credentials);
  g_test_add_func ("/net/secret/no-keyring", test_no_keyring);
  g_test_add_func ("/net/secret/keyring", test_keyring);
  return g_test_run ();
}
