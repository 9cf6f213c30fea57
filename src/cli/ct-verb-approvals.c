/* towerctl approvals */
#include "ct-cli-print.h"
#include "ct-cli-verbs.h"
#include "ct-post-row.h"
#include "ct-work-json.h"
#include "ct-workspace-agents.h"
#include "ct-workspace-timeline.h"

#include <stdio.h>
#include <string.h>

#define END                                                                                                  \
  {                                                                                                          \
    NULL, NULL, CT_COLUMN_TEXT, NULL                                                                         \
  }

static const CtColumn columns[] = { { N_ ("Approval"), "number", CT_COLUMN_TEXT, NULL },
                                    { N_ ("Task"), "task", CT_COLUMN_TEXT, NULL },
                                    { N_ ("State"), "state", CT_COLUMN_TEXT, NULL },
                                    { N_ ("Channel"), "channel", CT_COLUMN_TEXT, NULL },
                                    { N_ ("Destination"), "destination", CT_COLUMN_TEXT, NULL },
                                    { N_ ("Expires"), "expiresAt", CT_COLUMN_TIME, NULL },
                                    { N_ ("SHA-256"), "payloadSha256", CT_COLUMN_HASH, NULL },
                                    { N_ ("Text"), "text", CT_COLUMN_TEXT, NULL },
                                    END };
static const CtColumn finding_columns[] = { { N_ ("Severity"), "severity", CT_COLUMN_TEXT, NULL },
                                            { N_ ("Finding"), "message", CT_COLUMN_TEXT, NULL },
                                            { N_ ("Text"), "excerpt", CT_COLUMN_TEXT, NULL },
                                            END };
static const CtColumn fact_columns[] = { { N_ ("Record"), "record", CT_COLUMN_TEXT, NULL },
                                         { N_ ("Fact"), "fact", CT_COLUMN_TEXT, NULL },
                                         { N_ ("Value"), "value", CT_COLUMN_TEXT, NULL },
                                         END };
static const CtColumn fields[] = { { N_ ("Approval"), "number", CT_COLUMN_TEXT, NULL },
                                   { N_ ("ID"), "id", CT_COLUMN_TEXT, NULL },
                                   { N_ ("Task"), "task", CT_COLUMN_TEXT, NULL },
                                   { N_ ("State"), "state", CT_COLUMN_TEXT, NULL },
                                   { N_ ("Team"), "owner", CT_COLUMN_TEXT, NULL },
                                   { N_ ("Channel"), "channel", CT_COLUMN_TEXT, NULL },
                                   { N_ ("Destination"), "destination", CT_COLUMN_TEXT, NULL },
                                   { N_ ("Confidence"), "confidence", CT_COLUMN_NUMBER, NULL },
                                   { N_ ("Rationale"), "rationale", CT_COLUMN_TEXT, NULL },
                                   { N_ ("Expires"), "expiresAt", CT_COLUMN_TIME, NULL },
                                   { N_ ("Edited by"), "editedBy", CT_COLUMN_TEXT, NULL },
                                   { N_ ("Decided by"), "decidedBy", CT_COLUMN_TEXT, NULL },
                                   { N_ ("Decided"), "decidedAt", CT_COLUMN_TIME, NULL },
                                   { N_ ("Comment"), "comment", CT_COLUMN_TEXT, NULL },
                                   { N_ ("Void because"), "voidReason", CT_COLUMN_TEXT, NULL },
                                   { N_ ("SHA-256"), "payloadSha256", CT_COLUMN_TEXT, NULL },
                                   { N_ ("Subject"), "subject", CT_COLUMN_TEXT, NULL },
                                   { N_ ("Message"), "text", CT_COLUMN_BLOCK, NULL },
                                   { N_ ("Findings"), "findings", CT_COLUMN_TABLE, finding_columns },
                                   { N_ ("Facts"), "facts", CT_COLUMN_TABLE, fact_columns },
                                   END };

static JsonNode *
read_cb (CtCli *cli, CtDb *db, gpointer data, GError **error)
{
  JsonObject *approval = ct_approval_json (db, data, error);

  return approval ? ct_json_wrap_object (approval) : NULL;
}

static JsonNode *
show_each (CtCli *cli, const char *id, GError **error)
{
  return ct_cli_read (cli, read_cb, (gpointer) id, error);
}

/* Nothing but the bytes, so that they can be hashed or read by other software. */
static JsonNode *
wire_each (CtCli *cli, const char *id, GError **error)
{
  JsonNode *approval = show_each (cli, id, error);
  JsonObject *object = approval ? json_node_get_object (approval) : NULL;
  const char *text = ct_json_string (object, "wire", NULL),
             *encoded = ct_json_string (object, "wireBase64", "");
  gsize length = 0;
  g_autofree guchar *bytes = text ? NULL : g_base64_decode (encoded, &length);

  if (approval && !cli->json)
    fwrite (text ? (gconstpointer) text : bytes, 1, text ? strlen (text) : length, stdout);
  return approval;
}

/* The facts of a draft as people read them; amounts are in the approval's currency. */
static JsonArray *
facts_for_people (JsonObject *approval)
{
  JsonArray *facts = ct_json_array (approval, "facts"), *rows = json_array_new ();

  for (guint i = 0; facts && i < json_array_get_length (facts); i++) {
    JsonObject *fact = json_array_get_object_element (facts, i);
    const char *field = ct_json_string (fact, "field", "");
    JsonObject *row = ct_json_build ("ss", "record", ct_json_string (fact, "label", ""), "fact",
                                     ct_timeline_column_label (field));

    if (g_str_has_suffix (field, "_minor")) {
      g_autofree char *money =
          ct_money_format (ct_json_int (fact, "value", 0), ct_json_string (approval, "currency", "EUR"));

      json_object_set_string_member (row, "value", money);
    } else {
      json_object_set_member (row, "value", json_object_dup_member (fact, "value"));
    }
    json_array_add_object_element (rows, row);
  }
  return rows;
}

static void
print_approvals (CtCli *cli, JsonNode *result)
{
  JsonArray *approvals = json_node_get_array (result);

  for (guint i = 0; i < json_array_get_length (approvals); i++) {
    JsonObject *approval = json_array_get_object_element (approvals, i);

    if (ct_json_object (approval, "error"))
      continue;
    if (i > 0)
      puts ("");
    json_object_set_array_member (approval, "facts", facts_for_people (approval));
    ct_cli_print_fields (cli, fields, approval);
  }
}

static JsonNode *
show_run (CtCli *cli, GError **error)
{
  g_autoptr (JsonNode) result = NULL;

  if (!ct_cli_has (cli, "wire") || cli->json)
    return ct_cli_each (cli, TRUE, show_each);
  result = ct_cli_each (cli, TRUE, wire_each);
  cli->printed = TRUE;
  return NULL;
}

static JsonNode *
list_cb (CtCli *cli, CtDb *db, gpointer data, GError **error)
{
  JsonArray *approvals =
      ct_approvals_json (db, ct_cli_option (cli, "state"), ct_cli_option (cli, "task"), error);

  return approvals ? ct_json_wrap_array (approvals) : NULL;
}

static JsonNode *
list_run (CtCli *cli, GError **error)
{
  return ct_cli_read (cli, list_cb, NULL, error);
}

/* Approves what is shown as @id, if its bytes are those of @hash. */
static gboolean
approve (CtCli *cli, const char *id, const char *hash, GError **error)
{
  g_auto (CtOutcome) outcome = { 0 };
  CtId approval;
  CtHash payload;

  if (!ct_id_parse (id, &approval))
    return ct_fail (error, CT_ERROR_CORRUPT, _ ("“%s” is not the id of an approval"), id);
  if (!ct_hash_from_hex (hash, &payload))
    return ct_cli_usage (error, _ ("--sha256: “%s” is not a SHA-256; approvals show prints all 64 digits"),
                         hash);
  return ct_workspace_approve (cli->workspace, &approval, &payload, ct_cli_option (cli, "comment"), &outcome,
                               error);
}

static JsonNode *
approve_each (CtCli *cli, const char *id, GError **error)
{
  g_autoptr (JsonNode) shown = show_each (cli, id, error);
  JsonObject *object = shown ? json_node_get_object (shown) : NULL;
  const char *named = ct_cli_option (cli, "sha256");

  if (!object || !approve (cli, ct_json_string (object, "id", ""),
                           named ? named : ct_json_string (object, "payloadSha256", ""), error))
    return NULL;
  return show_each (cli, id, error);
}

static JsonNode *
stopped_cb (CtCli *cli, CtDb *db, gpointer data, GError **error)
{
  *(gboolean *) data = ct_post_row_is_stopped (db);
  return NULL;
}

/* Who approves expects that it goes out. */
static void
say_stopped (CtCli *cli)
{
  gboolean stopped = FALSE;

  ct_cli_read (cli, stopped_cb, &stopped, NULL);
  if (stopped && cli->worst == CT_EXIT_DONE && !cli->json)
    ct_cli_say (cli,
                _ ("All sending is stopped: what is approved waits until channel resume starts it again"));
}

static JsonNode *
approve_run (CtCli *cli, GError **error)
{
  JsonNode *approved;

  if (ct_cli_has (cli, "sha256") && cli->n_args > 1) {
    ct_cli_usage (error, _ ("--sha256 names the bytes of one approval"));
    return NULL;
  }
  approved = ct_cli_each (cli, TRUE, approve_each);
  say_stopped (cli);
  return approved;
}

static gboolean
read_text (CtCli *cli, char **text, GError **error)
{
  const char *given = ct_cli_option (cli, "text"), *file = ct_cli_option (cli, "text-file");

  if (!given == !file)
    return ct_cli_usage (error, _ ("The new text is given by either --text or --text-file"));
  if (given)
    *text = g_strdup (given);
  else if (!g_file_get_contents (file, text, NULL, error))
    return FALSE;
  return g_utf8_validate (*text, -1, NULL) ||
         ct_fail (error, CT_ERROR_FAILED, _ ("%s is not valid UTF-8"), file ? file : "--text");
}

static JsonNode *
edit_each (CtCli *cli, const char *approval, GError **error)
{
  g_autofree char *text = NULL;
  g_autofree char *id = ct_cli_find (cli, "approval", approval, error);
  g_autoptr (JsonObject) args = NULL;
  g_autoptr (JsonNode) shown = NULL;
  g_auto (CtOutcome) outcome = { 0 };
  const char *edited;

  if (!id || !read_text (cli, &text, error))
    return NULL;
  args = ct_json_build ("sss", "approval", id, "text", text, "subject", ct_cli_option (cli, "subject"));
  if (!ct_cli_execute (cli, "approval.edit", args, &outcome, error))
    return NULL;
  edited = ct_json_string (outcome.result, "id", "");
  shown = show_each (cli, edited, error);
  if (!shown || !ct_cli_has (cli, "approve"))
    return g_steal_pointer (&shown);
  return approve (cli, edited, ct_json_string (json_node_get_object (shown), "payloadSha256", ""), error)
             ? show_each (cli, edited, error)
             : NULL;
}

static JsonNode *
edit_run (CtCli *cli, GError **error)
{
  JsonNode *edited = ct_cli_each (cli, TRUE, edit_each);

  if (ct_cli_has (cli, "approve"))
    say_stopped (cli);
  return edited;
}

/* One command with one text: which, and how its option and argument are called. */
static const struct {
  const char *verb;
  const char *command;
  const char *option;
} acts[] = {
  { "approvals reject", "approval.reject", "comment" }, { "approvals ask", "approval.ask", "comment" },
  { "approvals delegate", "approval.delegate", "to" },  { "approvals void", "approval.void", "reason" },
  { "approvals unsend", "approval.unsend", NULL },
};

static guint
act_of (CtCli *cli)
{
  guint act = 0;

  while (strcmp (acts[act].verb, cli->verb->name) != 0)
    act++;
  return act;
}

static JsonNode *
act_each (CtCli *cli, const char *approval, GError **error)
{
  guint act = act_of (cli);
  g_autofree char *id = ct_cli_find (cli, "approval", approval, error);
  g_autoptr (JsonObject) args = id ? ct_json_build ("s", "approval", id) : NULL;
  g_auto (CtOutcome) outcome = { 0 };

  if (!args)
    return NULL;
  if (acts[act].option)
    json_object_set_string_member (args, acts[act].option, ct_cli_option (cli, acts[act].option));
  if (!ct_cli_execute (cli, acts[act].command, args, &outcome, error))
    return NULL;
  return show_each (cli, id, error);
}

static JsonNode *
act_run (CtCli *cli, GError **error)
{
  const char *option = acts[act_of (cli)].option;

  if (!option || ct_cli_has (cli, option))
    return ct_cli_each (cli, TRUE, act_each);
  ct_cli_usage (error, _ ("--%s is missing"), option);
  return NULL;
}

#define COMMENT                                                                                              \
  (const CtCliOption[])                                                                                      \
  {                                                                                                          \
    { "comment", "TEXT", N_ ("Why; required") },                                                             \
    {                                                                                                        \
      NULL, NULL, NULL                                                                                       \
    }                                                                                                        \
  }

const CtVerb ct_verbs_approvals[] = {
  { "approvals list", "", 0, 0, N_ ("List approvals by their deadline"),
    (const CtCliOption[]){
        { "state", "STATE",
          N_ ("pending, approved, rejected, changes_requested, voided, expired, replaced") },
        { "task", "NUMBER", N_ ("Of this task") },
        { NULL, NULL, NULL } },
    list_run, columns, 0, NULL },
  { "approvals show", "ID…", 1, CT_ANY, N_ ("Show approvals: message, findings, facts"),
    (const CtCliOption[]){ { "wire", NULL, N_ ("Nothing but the bytes") }, { NULL, NULL, NULL } }, show_run,
    fields, CT_VERB_SHOWS, print_approvals },
  { "approvals approve", "ID…", 1, CT_ANY, N_ ("Approve; signed with this device's key"),
    (const CtCliOption[]){ { "sha256", "H", N_ ("Refuse if the bytes are not those of this hash") },
                           { "comment", "TEXT", N_ ("A remark") },
                           { NULL, NULL, NULL } },
    approve_run, columns, 0, NULL },
  { "approvals edit", "ID…", 1, CT_ANY, N_ ("Change the text; the edited message waits for approval"),
    (const CtCliOption[]){ { "text", "TEXT", N_ ("The new text") },
                           { "text-file", "FILE", N_ ("A file with the new text") },
                           { "subject", "TEXT", N_ ("The new subject, where the channel has one") },
                           { "approve", NULL, N_ ("Approve it as well") },
                           { "comment", "TEXT", N_ ("A remark, with --approve") },
                           { NULL, NULL, NULL } },
    edit_run, columns, 0, NULL },
  { "approvals reject", "ID…", 1, CT_ANY, N_ ("Reject"), COMMENT, act_run, columns, 0, NULL },
  { "approvals ask", "ID…", 1, CT_ANY, N_ ("Ask the agent for changes"), COMMENT, act_run, columns, 0, NULL },
  { "approvals delegate", "ID…", 1, CT_ANY, N_ ("Let another team or person decide"),
    (const CtCliOption[]){ { "to", "WHO", N_ ("A team, or a login") }, { NULL, NULL, NULL } }, act_run,
    columns, 0, NULL },
  { "approvals void", "ID…", 1, CT_ANY, N_ ("Make approvals void"),
    (const CtCliOption[]){ { "reason", "TEXT", N_ ("Why; required") }, { NULL, NULL, NULL } }, act_run,
    columns, 0, NULL },
  { "approvals unsend", "ID…", 1, CT_ANY, N_ ("Take approved messages back in the undo window"), NULL,
    act_run, columns, 0, NULL },
  { NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, 0, NULL },
};
