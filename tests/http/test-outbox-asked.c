/* What people ask of posts that went out, or may have: taken back, looked for. */
#include "outbox-fixture.h"

static CtId
make_sent (Fixture *f)
{
  g_auto (CtOutboxReport) report = { 0 };
  CtId post = make_ready (f, "hello", FLAW_NONE);

  run (f, &report);
  expect_state (f, &post, "sent");
  return post;
}

static void
ask_back (Fixture *f, const CtId *post)
{
  do_post (f, "anna", "post.retracting", post, ",\"comment\":\"wrong price\"");
}

static gint64
asked (Fixture *f)
{
  return work_count (&f->w,
                     "SELECT count(*) FROM outbox WHERE retract_asked_at IS NOT NULL OR retract_comment "
                     "IS NOT NULL OR leased_until IS NOT NULL");
}

static void
test_retract (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  CtId post = make_sent (f);

  f->options.actor = "anna";
  start_outbox (f);
  g_assert_false (ct_outbox_retract (f->outbox, &post, " ", NULL, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_INVALID);
  g_clear_error (&error);
  g_assert_cmpuint (sent_count (f), ==, 1);
  g_assert_true (ct_outbox_retract (f->outbox, &post, "wrong price", NULL, &error));
  expect_state (f, &post, "retracted: wrong price");
  g_assert_cmpuint (sent_count (f), ==, 0);
  g_assert_cmpint (asked (f), ==, 0);
  g_assert_cmpint (work_count (&f->w, "SELECT count(*) FROM audit_logs WHERE action = 'post.retracting'"), ==,
                   1);
  g_assert_false (ct_outbox_retract (f->outbox, &post, "again", NULL, &error));
  g_assert_error (error, CT_ERROR, CT_ERROR_CONFLICT);
}

/* Asked for by a person, done by whoever sends, in the next round; also while all sending is stopped. */
static void
test_asked (Fixture *f, gconstpointer data)
{
  g_auto (CtOutboxReport) report = { 0 };
  CtId post = make_sent (f);

  work_do (&f->w, "anna", "delivery.stop", "{}");
  g_assert_cmpint (ct_outbox_next (f->store, NULL), ==, 0);
  ask_back (f, &post);
  post_fails (f, "anna", CT_ERROR_CONFLICT, "post.retracting", &post, ",\"comment\":\"again\"");
  expect_state (f, &post, "sent");
  g_assert_cmpint (ct_outbox_next (f->store, NULL), ==, f->w.now);
  g_assert_cmpuint (sent_count (f), ==, 1);
  run (f, &report);
  expect_state (f, &post, "retracted: wrong price");
  g_assert_cmpuint (report.n_retracted, ==, 1);
  g_assert_cmpuint (sent_count (f), ==, 0);
  g_assert_cmpint (ct_outbox_next (f->store, NULL), ==, 0);
}

/* The provider says no: the person hears why, and may ask again. */
static void
test_refused (Fixture *f, gconstpointer data)
{
  g_auto (CtOutboxReport) report = { 0 };
  CtId post = make_sent (f);

  slack_process_fail (f->slack, "not_in_channel@chat.delete:1");
  ask_back (f, &post);
  run (f, &report);
  expect_state (f, &post, "sent: Slack: the app is not a member");
  g_assert_cmpint (asked (f), ==, 0);
  g_assert_cmpint (ct_outbox_next (f->store, NULL), ==, 0);
  g_assert_cmpuint (sent_count (f), ==, 1);
  ask_back (f, &post);
  run (f, &report);
  expect_state (f, &post, "retracted: wrong price");
}

/* Nobody knows whether the provider did it: it is asked once more, which does no harm, and not for ever. */
static void
test_tried_again (Fixture *f, gconstpointer data)
{
  static const char *const modes[] = { "500@chat.delete:1", "drop-after@chat.delete:1", "429@chat.delete:1" };
  g_auto (CtOutboxReport) report = { 0 };
  CtId post;

  for (guint i = 0; i < G_N_ELEMENTS (modes); i++) {
    f->w.now += CT_MS_DAY / 2;
    post = make_sent (f);
    slack_process_fail (f->slack, modes[i]);
    ask_back (f, &post);
    run (f, &report);
    expect_state (f, &post, "sent: ");
    g_assert_cmpint (ct_outbox_next (f->store, NULL), ==, f->w.now + CT_MS_MINUTE);
    run (f, &report);
    expect_state (f, &post, "sent: ");
    f->w.now += CT_MS_MINUTE;
    run (f, &report);
    expect_state (f, &post, "retracted: wrong price");
    g_assert_cmpuint (sent_count (f), ==, 0);
  }
  f->w.now += CT_MS_DAY / 2;
  post = make_sent (f);
  slack_process_fail (f->slack, "500@chat.delete");
  ask_back (f, &post);
  f->w.now += CT_MS_DAY;
  run (f, &report);
  expect_state (f, &post, "sent: Slack has a problem");
  g_assert_cmpint (asked (f), ==, 0);
}

/* Where messages cannot be deleted it is replaced by words of the program; what the person wrote goes nowhere. */
static void
test_replaced (Fixture *f, gconstpointer data)
{
  g_auto (CtOutboxReport) report = { 0 };
  g_autofree char *messages = NULL, *log = NULL;
  CtId post = make_sent (f);

  slack_process_fail (f->slack, "cant_delete_message@chat.delete");
  ask_back (f, &post);
  run (f, &report);
  expect_state (f, &post, "retracted: wrong price");
  messages = slack_process_messages (f->slack);
  g_assert_nonnull (strstr (messages, "\"This message was retracted.\""));
  g_assert_null (strstr (messages, "hello"));
  log = slack_process_log (f->slack);
  g_assert_null (strstr (log, "wrong price"));
}

/* One sender at a time; who slept through the lease says nothing of it any more. */
static void
test_fence (Fixture *f, gconstpointer data)
{
  CtId post = make_sent (f);

  post_fails (f, "robot", CT_ERROR_CONFLICT, "post.retract_lease", &post, ",\"holder\":\"a\"");
  ask_back (f, &post);
  post_fails (f, "view", CT_ERROR_REFUSED, "post.retract_lease", &post, ",\"holder\":\"a\"");
  do_post (f, "robot", "post.retract_lease", &post, ",\"holder\":\"a\"");
  post_fails (f, "robot", CT_ERROR_BUSY, "post.retract_lease", &post, ",\"holder\":\"b\"");
  f->w.now += CT_POST_LEASE_MS;
  do_post (f, "robot", "post.retract_lease", &post, ",\"holder\":\"b\"");
  post_fails (f, "robot", CT_ERROR_CONFLICT, "post.retract", &post, ",\"fence\":2");
  post_fails (f, "robot", CT_ERROR_CONFLICT, "post.retract_failed", &post, ",\"fence\":2,\"detail\":\"x\"");
  do_post (f, "robot", "post.retract", &post, ",\"fence\":3");
  expect_state (f, &post, "retracted: wrong price");
}

/* A person who says that another post's message is this one's does not have it taken back so. */
static void
test_another_message (Fixture *f, gconstpointer data)
{
  g_auto (CtOutboxReport) report = { 0 };
  g_autofree char *theirs = NULL, *said = NULL;
  CtId post;

  make_sent (f);
  theirs = ct_db_read_text (f->w.db, NULL, "SELECT external_message_id FROM outbox", "");
  f->w.now += CT_MS_DAY / 2;
  post = make_ready (f, "hello", FLAW_NONE);
  slack_process_fail (f->slack, "drop");
  run (f, &report);
  expect_state (f, &post, "unknown: ");
  said = g_strdup_printf (",\"outcome\":\"sent\",\"comment\":\"seen\",\"external_id\":\"%s\"", theirs);
  do_post (f, "anna", "post.resolve", &post, said);
  post_fails (f, "anna", CT_ERROR_REFUSED, "post.retracting", &post, ",\"comment\":\"wrong price\"");
}

/* The ID of the last message that the server has kept. */
static char *
last_message (Fixture *f)
{
  g_autofree char *text = slack_process_messages (f->slack);
  g_autoptr (JsonNode) node = ct_json_parse (text, -1, 65536, NULL);
  JsonArray *all = ct_json_array (json_node_get_object (node), "messages");
  JsonObject *last = json_array_get_object_element (all, json_array_get_length (all) - 1);

  return g_strdup_printf ("%s:%s", ct_json_string (last, "channel", ""), ct_json_string (last, "ts", ""));
}

/* What a person says of a message that no record knows is held against the message itself before it is taken back. */
static void
test_unrecorded_message (Fixture *f, gconstpointer data)
{
  static const struct {
    const char *mode; /* drop: it was not sent; the last message is another's */
    const char *state;
    guint left;
  } cases[] = { { "drop", "sent: That ", 1 }, { "drop-after", "retracted: wrong price", 1 } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_auto (CtOutboxReport) report = { 0 };
    g_autofree char *named = NULL, *said = NULL;
    g_autoptr (GError) error = NULL;
    CtId post;

    if (i == 0)
      make_sent (f);
    ct_db_run (f->w.db, &error,
               "UPDATE outbox SET external_message_id = 'C0:1.0' WHERE external_message_id IS NOT NULL", "");
    g_assert_no_error (error);
    f->w.now += CT_MS_DAY / 2;
    post = make_ready (f, "hello", FLAW_NONE);
    slack_process_fail (f->slack, cases[i].mode);
    run (f, &report);
    slack_process_fail (f->slack, "");
    expect_state (f, &post, "unknown: ");
    named = last_message (f);
    said = g_strdup_printf (",\"outcome\":\"sent\",\"comment\":\"seen\",\"external_id\":\"%s\"", named);
    do_post (f, "anna", "post.resolve", &post, said);
    ask_back (f, &post);
    run (f, &report);
    expect_state (f, &post, cases[i].state);
    g_assert_cmpuint (sent_count (f), ==, cases[i].left);
  }
}

/* Who asks for it to be looked for has an answer at once, found or not. */
static void
test_look (Fixture *f, gconstpointer data)
{
  static const struct {
    const char *mode, *state;
  } cases[] = { { "drop", "unknown: It may or may not have been sent; it was not found" },
                { "drop-after", "sent" } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_auto (CtOutboxReport) report = { 0 };
    CtId post;

    f->w.now += CT_MS_DAY / 2;
    post = make_ready (f, "hello", FLAW_NONE);
    post_fails (f, "anna", CT_ERROR_CONFLICT, "post.look", &post, "");
    slack_process_fail (f->slack, cases[i].mode);
    run (f, &report);
    slack_process_fail (f->slack, "");
    expect_state (f, &post, "unknown: ");
    post_fails (f, "robot", CT_ERROR_CONFLICT, "post.looked", &post, ",\"detail\":\"x\"");
    post_fails (f, "sam", CT_ERROR_REFUSED, "post.look", &post, "");
    do_post (f, "anna", "post.look", &post, "");
    g_assert_cmpint (ct_outbox_next (f->store, NULL), ==, f->w.now);
    run (f, &report);
    expect_state (f, &post, cases[i].state);
    g_assert_cmpint (ct_outbox_next (f->store, NULL), ==, 0);
    do_post (f, "anna", i ? "post.retracting" : "post.resolve", &post,
             i ? ",\"comment\":\"x\"" : ",\"outcome\":\"failed\",\"comment\":\"x\"");
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/outbox-asked/retract", test_retract);
  ADD ("/outbox-asked/asked", test_asked);
  ADD ("/outbox-asked/refused", test_refused);
  ADD ("/outbox-asked/tried-again", test_tried_again);
  ADD ("/outbox-asked/replaced", test_replaced);
  ADD ("/outbox-asked/fence", test_fence);
  ADD ("/outbox-asked/another-message", test_another_message);
  ADD ("/outbox-asked/unrecorded-message", test_unrecorded_message);
  ADD ("/outbox-asked/look", test_look);
  return g_test_run ();
}
