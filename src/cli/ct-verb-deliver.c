/* towerctl deliver, posts */
#include "ct-cli-print.h"
#include "ct-cli-verbs.h"
#include "ct-format.h"
#include "ct-post-row.h"
#include "ct-rows.h"
#include "ct-workspace-delivery.h"

#include <stdio.h>
#include <string.h>

#define POST                                                                                                 \
  "SELECT p.id, p.number, t.number AS task, p.channel, p.destination, p.state, "                             \
  "p.external_message_id AS externalMessageId, p.approver, p.payload_sha256 AS payloadSha256, "              \
  "a.number AS approval, p.delivery_status AS deliveryStatus, p.thread_id AS threadId, "                     \
  "p.ready_at AS readyAt, p.sent_at AS sentAt, p.attempts, p.problem, p.created_at AS createdAt, "           \
  "p.retract_asked_at AS retractAskedAt, p.retract_comment AS retractComment, "                              \
  "iif(p.state = 'unknown', p.look_asked_at, NULL) AS lookAskedAt "                                          \
  "FROM outbox p JOIN follow_up_tasks t ON t.id = p.task_id JOIN approvals a ON a.id = p.approval_id"

static JsonArray *
entries_json (const CtOutboxReport *report)
{
  JsonArray *posts = json_array_new ();

  for (guint i = 0; i < report->entries->len; i++) {
    const CtOutboxEntry *entry = report->entries->pdata[i];
    g_autofree char *id = ct_id_to_string (&entry->id);
    g_autofree char *ready = entry->ready_at > 0 ? ct_time_format (entry->ready_at) : NULL;

    json_array_add_object_element (
        posts,
        ct_json_build ("sssssSssb", "id", id, "number", entry->number, "channel", entry->channel,
                       "destination", entry->destination, "state", entry->state, "externalMessageId",
                       entry->external_id, "detail", entry->detail, "readyAt", ready, "held", entry->held));
  }
  return posts;
}

static JsonObject *
report_json (const CtOutboxReport *report)
{
  return ct_json_build ("biiiiia", "stopped", report->stopped, "sent", (gint64) report->n_sent, "failed",
                        (gint64) report->n_failed, "unknown", (gint64) report->n_unknown, "waiting",
                        (gint64) report->n_waiting, "held", (gint64) report->n_held, "posts",
                        entries_json (report));
}

/* Until when the next post waits; -1 where none will be ready by itself. */
static gint64
next_ready (CtCli *cli, const CtOutboxReport *report)
{
  gint64 next = ct_workspace_next_delivery (cli->workspace, NULL);

  if (report->n_held > 0 && report->n_held == report->n_waiting)
    return -1;
  return report->stopped || cli->now || next <= 0 ? -1 : next;
}

static void
say_problem (CtCli *cli, const CtOutboxEntry *entry)
{
  gint64 now = ct_workspace_now (cli->workspace);
  g_autofree char *until = entry->ready_at > now
                               ? ct_format_time (entry->ready_at, now, ct_workspace_get_zone (cli->workspace))
                               : NULL;

  if (until)
    ct_cli_say (cli, _ ("towerctl: %s: %s; it waits until %s"), entry->number, entry->detail, until);
  else
    ct_cli_say (cli, "towerctl: %s: %s", entry->number, entry->detail);
}

/* Why posts are left in line, and until when; each once. */
static void
say_problems (CtCli *cli, GHashTable *said, const CtOutboxReport *report)
{
  for (guint i = 0; i < report->entries->len; i++) {
    const CtOutboxEntry *entry = report->entries->pdata[i];

    if (entry->detail && strcmp (entry->state, "ready") == 0 && !report->stopped &&
        g_hash_table_add (said, g_strdup_printf ("%s %" G_GINT64_FORMAT " %d", entry->number, entry->ready_at,
                                                 entry->held)))
      say_problem (cli, entry);
  }
}

static void
wait_until (CtCli *cli, gint64 at)
{
  gint64 span = CLAMP (at - ct_workspace_now (cli->workspace), 100, 1000);
  GPollFD poll;

  if (g_cancellable_make_pollfd (cli->cancellable, &poll)) {
    g_poll (&poll, 1, (int) span);
    g_cancellable_release_fd (cli->cancellable);
  }
}

/* Counts over all rounds; what waits is that of the last one. */
static void
add_round (JsonObject *sum, JsonObject *round)
{
  static const char *const counts[] = { "sent", "failed", "unknown" };
  JsonArray *before = ct_json_array (sum, "posts"), *posts = ct_json_array (round, "posts");
  JsonArray *all = json_array_new ();

  for (guint i = 0; i < G_N_ELEMENTS (counts); i++)
    json_object_set_int_member (round, counts[i],
                                ct_json_int (round, counts[i], 0) + ct_json_int (sum, counts[i], 0));
  for (guint i = 0; before && i < json_array_get_length (before); i++) {
    JsonObject *post = json_array_get_object_element (before, i);
    const char *state = ct_json_string (post, "state", "");

    if (strcmp (state, "ready") != 0 && strcmp (state, "leased") != 0)
      json_array_add_object_element (all, json_object_ref (post));
  }
  for (guint i = 0; i < json_array_get_length (posts); i++)
    json_array_add_object_element (all, json_object_ref (json_array_get_object_element (posts, i)));
  json_object_set_array_member (round, "posts", all);
}

static JsonNode *
deliver_run (CtCli *cli, GError **error)
{
  g_autoptr (JsonObject) sum = json_object_new ();
  g_autoptr (GHashTable) said = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  gint64 next = -1;

  do {
    g_auto (CtOutboxReport) report = { 0 };
    JsonObject *round;

    if (next > 0)
      wait_until (cli, next);
    if (!ct_workspace_deliver (cli->workspace, cli->cancellable, &report, error))
      return NULL;
    say_problems (cli, said, &report);
    round = report_json (&report);
    add_round (sum, round);
    json_object_unref (sum);
    sum = round;
    next = ct_cli_has (cli, "once") ? -1 : next_ready (cli, &report);
  } while (next > 0 && !g_cancellable_is_cancelled (cli->cancellable));
  if (ct_json_int (sum, "held", 0) > 0)
    cli->worst = CT_EXIT_FAILED;
  return ct_json_wrap_object (g_steal_pointer (&sum));
}

/* Until when an approved post waits although its undo window is over, and why; NULL where nothing holds it back. */
static gboolean
add_wait (CtCli *cli, CtDb *db, JsonObject *post, GError **error)
{
  g_autofree char *counterparty = NULL;
  gint64 until;
  CtId id;

  if (!ct_id_parse (ct_json_string (post, "id", ""), &id) ||
      !ct_post_row_waits (db, &id, ct_workspace_now (cli->workspace), &until, &counterparty, error))
    return FALSE;
  json_object_set_null_member (post, "waitsUntil");
  json_object_set_null_member (post, "waitsFor");
  if (until) {
    g_autofree char *at = ct_time_format (until);
    g_autofree char *why = g_strdup_printf (_ ("quiet period after the last post to %s"), counterparty);

    json_object_set_string_member (post, "waitsUntil", at);
    json_object_set_string_member (post, "waitsFor", why);
  }
  if (g_str_equal (ct_json_string (post, "state", ""), "ready") && ct_post_row_is_stopped (db))
    json_object_set_string_member (post, "waitsFor", _ ("all sending is stopped"));
  return TRUE;
}

static JsonNode *
list_run (CtCli *cli, GError **error)
{
  static const struct {
    const char *option;
    const char *condition;
  } filters[] = { { "state", "p.state = ?" }, { "task", "t.number = ?" }, { "channel", "p.channel = ?" } };
  g_auto (CtListQuery) query = { 0 };

  ct_list_query_init (&query, POST);
  query.complete = add_wait;
  for (guint i = 0; i < G_N_ELEMENTS (filters); i++)
    if (ct_cli_has (cli, filters[i].option))
      ct_list_query_where (&query, filters[i].condition, ct_cli_option (cli, filters[i].option));
  return ct_cli_list (cli, &query, "p.n", error);
}

static JsonNode *
show_cb (CtCli *cli, CtDb *db, gpointer id, GError **error)
{
  g_autoptr (JsonObject) post = ct_rows_one (db, error, POST " WHERE p.id = uuid(?)", "s", id);
  JsonArray *attempts;
  g_autofree char *wire = NULL;

  if (!post || !add_wait (cli, db, post, error))
    return NULL;
  wire = ct_db_read_text (db, error, "SELECT CAST(wire AS TEXT) FROM outbox WHERE id = uuid(?)", "s", id);
  attempts = wire
                 ? ct_rows_array (db, error,
                                  "SELECT attempt, began_at AS beganAt, ended_at AS endedAt, outcome, detail "
                                  "FROM delivery_attempts WHERE post_id = uuid(?) ORDER BY attempt",
                                  "s", id)
                 : NULL;
  if (!attempts)
    return NULL;
  json_object_set_array_member (post, "deliveryAttempts", attempts);
  if (g_utf8_validate (wire, -1, NULL))
    json_object_set_string_member (post, "wire", wire);
  return ct_json_wrap_object (g_steal_pointer (&post));
}

static JsonNode *
show_each (CtCli *cli, const char *name, GError **error)
{
  g_autofree char *id = ct_cli_find (cli, "post", name, error);

  return id ? ct_cli_read (cli, show_cb, id, error) : NULL;
}

static JsonNode *
show_run (CtCli *cli, GError **error)
{
  return ct_cli_each (cli, TRUE, show_each);
}

/* Asks the provider whether the message is there; in a team, the service to ask it. */
static gboolean
read_back (CtCli *cli, const char *post, const char *name, GError **error)
{
  CtPostDone done;
  CtId id;

  if (!ct_id_parse (post, &id) ||
      !ct_workspace_read_back (cli->workspace, &id, cli->cancellable, &done, error))
    return FALSE;
  if (done == CT_POST_ASKED)
    ct_cli_say (cli, _ ("towerctl: %s: the team's service will look for it as soon as the server has this"),
                name);
  return done != CT_POST_NOT_FOUND ||
         ct_fail (error, CT_ERROR_CONFLICT,
                  _ ("The provider does not know of %s; look there, then settle it with --outcome sent, "
                     "failed or retry"),
                  name);
}

static JsonNode *
resolve_each (CtCli *cli, const char *name, GError **error)
{
  const char *outcome = ct_cli_option (cli, "outcome");
  g_autofree char *id = ct_cli_find (cli, "post", name, error);
  g_autoptr (JsonObject) args = NULL;
  g_auto (CtOutcome) done = { 0 };

  if (!id)
    return NULL;
  args = ct_json_build ("ssss", "post", id, "outcome", outcome, "comment", ct_cli_option (cli, "comment"),
                        "external_id", ct_cli_option (cli, "message-id"));
  if (outcome ? !ct_cli_execute (cli, "post.resolve", args, &done, error) : !read_back (cli, id, name, error))
    return NULL;
  return show_each (cli, id, error);
}

static JsonNode *
resolve_run (CtCli *cli, GError **error)
{
  if (ct_cli_has (cli, "outcome") && !ct_cli_has (cli, "comment")) {
    ct_cli_usage (error, _ ("--comment is missing: say how you know"));
    return NULL;
  }
  return ct_cli_each (cli, TRUE, resolve_each);
}

static JsonNode *
retract_each (CtCli *cli, const char *name, GError **error)
{
  g_autofree char *text = ct_cli_find (cli, "post", name, error);
  CtPostDone done;
  CtId id;

  if (!text || !ct_id_parse (text, &id) ||
      !ct_workspace_retract (cli->workspace, &id, ct_cli_option (cli, "comment"), cli->cancellable, &done,
                             error))
    return NULL;
  if (done == CT_POST_ASKED)
    ct_cli_say (cli, _ ("towerctl: %s: the team's service will take it back as soon as the server has this"),
                name);
  else if (done == CT_POST_STOPPED && ct_workspace_is_connected (cli->workspace))
    ct_cli_say (cli,
                _ ("towerctl: %s is called back: unless it goes out meanwhile it is stopped as soon as the "
                   "server has this, and waits for approval again"),
                name);
  else if (done == CT_POST_STOPPED)
    ct_cli_say (cli, _ ("towerctl: %s had not been sent: it is stopped, and waits for approval again"), name);
  return show_each (cli, text, error);
}

static JsonNode *
retract_run (CtCli *cli, GError **error)
{
  if (ct_cli_has (cli, "comment"))
    return ct_cli_each (cli, TRUE, retract_each);
  ct_cli_usage (error, _ ("--%s is missing"), "comment");
  return NULL;
}

#define END                                                                                                  \
  {                                                                                                          \
    NULL, NULL, CT_COLUMN_TEXT, NULL                                                                         \
  }

static const CtColumn columns[] = { { N_ ("Post"), "number", CT_COLUMN_TEXT, NULL },
                                    { N_ ("Task"), "task", CT_COLUMN_TEXT, NULL },
                                    { N_ ("Channel"), "channel", CT_COLUMN_TEXT, NULL },
                                    { N_ ("Destination"), "destination", CT_COLUMN_TEXT, NULL },
                                    { N_ ("State"), "state", CT_COLUMN_TEXT, NULL },
                                    { N_ ("Waits until"), "waitsUntil", CT_COLUMN_TIME, NULL },
                                    { N_ ("Waits for"), "waitsFor", CT_COLUMN_TEXT, NULL },
                                    { N_ ("Message ID"), "externalMessageId", CT_COLUMN_TEXT, NULL },
                                    { N_ ("Approver"), "approver", CT_COLUMN_TEXT, NULL },
                                    { N_ ("Sent"), "sentAt", CT_COLUMN_TIME, NULL },
                                    { N_ ("Problem"), "problem", CT_COLUMN_TEXT, NULL },
                                    END };
static const CtColumn attempt_columns[] = { { N_ ("Attempt"), "attempt", CT_COLUMN_NUMBER, NULL },
                                            { N_ ("Began"), "beganAt", CT_COLUMN_TIME, NULL },
                                            { N_ ("Outcome"), "outcome", CT_COLUMN_TEXT, NULL },
                                            { N_ ("Detail"), "detail", CT_COLUMN_TEXT, NULL },
                                            END };
static const CtColumn fields[] = { { N_ ("Post"), "number", CT_COLUMN_TEXT, NULL },
                                   { N_ ("Task"), "task", CT_COLUMN_TEXT, NULL },
                                   { N_ ("Approval"), "approval", CT_COLUMN_TEXT, NULL },
                                   { N_ ("Approver"), "approver", CT_COLUMN_TEXT, NULL },
                                   { N_ ("Channel"), "channel", CT_COLUMN_TEXT, NULL },
                                   { N_ ("Destination"), "destination", CT_COLUMN_TEXT, NULL },
                                   { N_ ("State"), "state", CT_COLUMN_TEXT, NULL },
                                   { N_ ("Waits until"), "waitsUntil", CT_COLUMN_TIME, NULL },
                                   { N_ ("Waits for"), "waitsFor", CT_COLUMN_TEXT, NULL },
                                   { N_ ("Retraction asked"), "retractAskedAt", CT_COLUMN_TIME, NULL },
                                   { N_ ("Why"), "retractComment", CT_COLUMN_TEXT, NULL },
                                   { N_ ("Look asked"), "lookAskedAt", CT_COLUMN_TIME, NULL },
                                   { N_ ("Problem"), "problem", CT_COLUMN_TEXT, NULL },
                                   { N_ ("Message ID"), "externalMessageId", CT_COLUMN_TEXT, NULL },
                                   { N_ ("Ready"), "readyAt", CT_COLUMN_TIME, NULL },
                                   { N_ ("Sent"), "sentAt", CT_COLUMN_TIME, NULL },
                                   { N_ ("SHA-256"), "payloadSha256", CT_COLUMN_TEXT, NULL },
                                   { N_ ("Wire bytes"), "wire", CT_COLUMN_TEXT, NULL },
                                   { N_ ("Attempts"), "deliveryAttempts", CT_COLUMN_TABLE, attempt_columns },
                                   END };

static void
print_delivery (CtCli *cli, JsonNode *result)
{
  static const CtColumn entry_columns[] = { { N_ ("Post"), "number", CT_COLUMN_TEXT, NULL },
                                            { N_ ("Channel"), "channel", CT_COLUMN_TEXT, NULL },
                                            { N_ ("Destination"), "destination", CT_COLUMN_TEXT, NULL },
                                            { N_ ("State"), "state", CT_COLUMN_TEXT, NULL },
                                            { N_ ("Ready"), "readyAt", CT_COLUMN_TIME, NULL },
                                            { N_ ("Message ID"), "externalMessageId", CT_COLUMN_TEXT, NULL },
                                            { N_ ("Detail"), "detail", CT_COLUMN_TEXT, NULL },
                                            END };
  JsonObject *report = json_node_get_object (result);

  ct_cli_print_table (cli, entry_columns, ct_json_array (report, "posts"));
  printf (_ ("%d sent, %d failed, %d of unknown fate, %d waiting"), (int) ct_json_int (report, "sent", 0),
          (int) ct_json_int (report, "failed", 0), (int) ct_json_int (report, "unknown", 0),
          (int) ct_json_int (report, "waiting", 0));
  puts ("");
  if (ct_json_bool (report, "stopped", FALSE))
    puts (_ ("All sending is stopped; channel resume starts it again"));
}

const CtVerb ct_verbs_deliver[] = {
  { "deliver", "", 0, 0, N_ ("Send what is approved, until nothing waits"),
    (const CtCliOption[]){ { "once", NULL, N_ ("Send what is ready now and list what waits") },
                           { NULL, NULL, NULL } },
    deliver_run, NULL, 0, print_delivery },
  { "posts list", "", 0, 0, N_ ("List posts"),
    (const CtCliOption[]){ { "state", "STATE",
                             N_ ("ready, leased, sending, sent, sent_unconfirmed, failed, unknown, "
                                 "cancelled, retracted") },
                           { "task", "NUMBER", N_ ("Of this task") },
                           { "channel", "NAME", N_ ("Of this channel") },
                           { "limit", "N", N_ ("At most so many") },
                           { NULL, NULL, NULL } },
    list_run, columns, 0, NULL },
  { "posts show", "ID…", 1, CT_ANY, N_ ("Show posts with their bytes and attempts"), NULL, show_run, fields,
    CT_VERB_SHOWS, NULL },
  { "posts resolve", "ID…", 1, CT_ANY,
    N_ ("Settle posts of unknown fate; without --outcome the provider is asked, in a team by its service"),
    (const CtCliOption[]){ { "outcome", "sent|failed|retry", N_ ("What became of it") },
                           { "comment", "TEXT", N_ ("How you know; required with --outcome") },
                           { "message-id", "ID", N_ ("The provider's message ID, where it was sent") },
                           { NULL, NULL, NULL } },
    resolve_run, columns, 0, NULL },
  { "posts retract", "ID…", 1, CT_ANY,
    N_ ("Take messages back, at the provider where they are sent; in a team its service does"),
    (const CtCliOption[]){ { "comment", "TEXT", N_ ("Why; required") }, { NULL, NULL, NULL } }, retract_run,
    columns, 0, NULL },
  { NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, 0, NULL },
};
