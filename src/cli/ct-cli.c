/* The frame around every verb: options, workspace, result, exit code. */
#include "ct-cli.h"
#include "ct-backlog.h"
#include "ct-cli-print.h"
#include "ct-cli-verbs.h"
#include "ct-config.h"
#include "ct-log-sign.h"
#include "ct-workspace-audit.h"
#include "ct-workspace-find.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const CtCliOption global_options[] = {
  { "workspace", "DIR", N_ ("The workspace; default: $CONTROL_TOWER_WORKSPACE, else the user's own") },
  { "json", NULL, N_ ("Print one JSON document; messages go to standard error") },
  { "now", "RFC3339", N_ ("Act as if it were this time (only after init --trial)") },
  { "as", "USER", N_ ("Act as this person (only after init --trial)") },
  { "help", NULL, N_ ("Show this help") },
  { "version", NULL, N_ ("Show the version") },
  { NULL, NULL, NULL },
};

/* What a kind of error means for whoever called the program. */
static const struct {
  CtErrorCode code;
  const char *name;
  CtExit exit;
} error_kinds[] = {
  { CT_ERROR_FAILED, "failed", CT_EXIT_FAILED },
  { CT_ERROR_INVALID, "invalid", CT_EXIT_USAGE },
  { CT_ERROR_REFUSED, "refused", CT_EXIT_REFUSED },
  { CT_ERROR_NOT_FOUND, "not_found", CT_EXIT_NOT_FOUND },
  { CT_ERROR_CONFLICT, "conflict", CT_EXIT_CONFLICT },
  { CT_ERROR_CORRUPT, "corrupt", CT_EXIT_FAILED },
  { CT_ERROR_BUSY, "busy", CT_EXIT_FAILED },
  { CT_ERROR_NETWORK, "network", CT_EXIT_FAILED },
  { CT_ERROR_UNKNOWN_FATE, "unknown_fate", CT_EXIT_FAILED },
};

static CtExit
exit_of (CtCli *self, const GError *error, const char **name)
{
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
    *name = "cancelled";
    return CT_EXIT_FAILED;
  }
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND) ||
      g_error_matches (error, G_FILE_ERROR, G_FILE_ERROR_NOENT)) {
    *name = "not_found";
    return CT_EXIT_NOT_FOUND;
  }
  for (guint i = 0; error->domain == CT_ERROR && i < G_N_ELEMENTS (error_kinds); i++) {
    if ((int) error_kinds[i].code != error->code)
      continue;
    *name = error_kinds[i].name;
    return error->code == CT_ERROR_INVALID && self->verb && (self->verb->flags & CT_VERB_READS_FILES)
               ? CT_EXIT_FAILED
               : error_kinds[i].exit;
  }
  *name = error->domain == G_OPTION_ERROR ? "usage" : "failed";
  return error->domain == G_OPTION_ERROR ? CT_EXIT_USAGE : CT_EXIT_FAILED;
}

/* An error of the command line itself: exit code 2 also where the verb reads files. */
gboolean
ct_cli_usage (GError **error, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  if (error)
    *error = g_error_new_valist (G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, format, args);
  va_end (args);
  return FALSE;
}

/* A message for people. */
void
ct_cli_say (CtCli *self, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  fflush (stdout);
  fprintf (stderr, "%s\n", text);
}

/* Shown only to somebody who watches; @total 0: unknown. */
void
ct_cli_progress (CtCli *self, const char *what, guint64 done, guint64 total)
{
  if (!isatty (STDERR_FILENO))
    return;
  if (total > 0)
    fprintf (stderr, "\r\033[K%s %3d %%", what, (int) (100 * (double) done / (double) total));
  else
    fprintf (stderr, "\r\033[K%s %" G_GUINT64_FORMAT, what, done);
}

void
ct_cli_progress_end (CtCli *self)
{
  if (isatty (STDERR_FILENO))
    fputs ("\r\033[K", stderr);
}

/* (nullable): the value given last */
const char *
ct_cli_option (CtCli *self, const char *name)
{
  GPtrArray *values = g_hash_table_lookup (self->options, name);

  return values ? values->pdata[values->len - 1] : NULL;
}

/* (transfer none) (nullable) (element-type utf8): all values, in their order */
GPtrArray *
ct_cli_options (CtCli *self, const char *name)
{
  return g_hash_table_lookup (self->options, name);
}

gboolean
ct_cli_has (CtCli *self, const char *name)
{
  return g_hash_table_contains (self->options, name);
}

/* These three leave @value alone where the option is not given. */
gboolean
ct_cli_option_int (CtCli *self, const char *name, gint64 *value, GError **error)
{
  const char *text = ct_cli_option (self, name);

  return !text || g_ascii_string_to_signed (text, 10, 0, G_MAXINT64, value, NULL) ||
         ct_cli_usage (error, _ ("--%s: “%s” is not a whole number"), name, text);
}

gboolean
ct_cli_option_time (CtCli *self, const char *name, gint64 *value, GError **error)
{
  const char *text = ct_cli_option (self, name);

  return !text || ct_time_parse (text, value) ||
         ct_cli_usage (error, _ ("--%s: “%s” is not a time; write it as 2026-06-04T09:00:00Z"), name, text);
}

gboolean
ct_cli_option_duration (CtCli *self, const char *name, gint64 *value, GError **error)
{
  const char *text = ct_cli_option (self, name);

  return !text || ct_duration_parse (text, value) ||
         ct_cli_usage (error, _ ("--%s: “%s” is not a duration; write it as 24h or 1d12h"), name, text);
}

static gboolean
store_cb (const char *option, const char *value, gpointer data, GError **error)
{
  CtCli *self = data;
  const char *name = strcmp (option, "-w") == 0 ? "workspace" : option + strspn (option, "-");
  GPtrArray *values = g_hash_table_lookup (self->options, name);

  if (value && !g_utf8_validate (value, -1, NULL))
    return ct_cli_usage (error, _ ("--%s: the value is not valid UTF-8"), name);
  if (!values) {
    values = g_ptr_array_new_with_free_func (g_free);
    g_hash_table_insert (self->options, g_strdup (name), values);
  }
  g_ptr_array_add (values, g_strdup (value ? value : ""));
  return TRUE;
}

static void
add_entries (GArray *entries, const CtCliOption *options)
{
  for (; options && options->name; options++) {
    GOptionEntry entry = {
      .long_name = options->name,
      .short_name = strcmp (options->name, "workspace") == 0 ? 'w' : 0,
      .flags = (options->value ? G_OPTION_FLAG_FILENAME : G_OPTION_FLAG_NO_ARG) |
               (options->help ? 0 : G_OPTION_FLAG_HIDDEN),
      .arg = G_OPTION_ARG_CALLBACK,
      .arg_data = (gpointer) store_cb,
      .description = options->help ? _ (options->help) : NULL,
      .arg_description = options->value,
    };

    g_array_append_val (entries, entry);
  }
}

static GOptionContext *
make_context (CtCli *self, const CtVerb *verb)
{
  GOptionContext *context = g_option_context_new (verb ? verb->arguments : "VERB …");
  GOptionGroup *group = g_option_group_new ("main", "", "", self, NULL);
  g_autoptr (GArray) entries = g_array_new (TRUE, TRUE, sizeof (GOptionEntry));

  if (verb)
    add_entries (entries, verb->options);
  add_entries (entries, global_options);
  g_option_group_add_entries (group, (const GOptionEntry *) (gconstpointer) entries->data);
  g_option_context_set_main_group (context, group);
  g_option_context_set_help_enabled (context, FALSE);
  g_option_context_set_strict_posix (context, verb == NULL);
  return context;
}

static void
show_help (const CtVerb *verb, GOptionContext *context)
{
  g_autofree char *name = g_strjoin (" ", "towerctl", verb ? verb->name : NULL, NULL);
  g_autofree char *text = NULL;
  g_autoptr (GString) list = g_string_new (NULL);

  for (const CtVerbFamily *family = ct_verb_families; !verb && family->title; family++) {
    g_string_append_printf (list, "%s\n", _ (family->title));
    for (const CtVerb *row = family->verbs; row->name; row++)
      g_string_append_printf (list, "  %-22s %s\n", row->name, _ (row->help));
    g_string_append_c (list, '\n');
  }
  g_string_append (list, _ ("Exit codes: 0 done, 1 failed, 2 usage, 3 refused by policy, 4 not found, "
                            "5 conflict"));
  g_set_prgname (name);
  g_option_context_set_summary (context, verb ? _ (verb->help) : _ ("Control Tower on the command line"));
  g_option_context_set_description (context, list->str);
  text = g_option_context_get_help (context, TRUE, NULL);
  fputs (text, stdout);
}

static gboolean
check_arguments (CtCli *self, GError **error)
{
  for (guint i = 0; i < self->n_args; i++)
    if (!g_utf8_validate (self->args[i], -1, NULL))
      return ct_cli_usage (error, _ ("Argument %u is not valid UTF-8"), i + 1);
  if (self->n_args < self->verb->least)
    return ct_cli_usage (error, _ ("%s: an argument is missing (%s)"), self->verb->name,
                         self->verb->arguments);
  return self->n_args <= self->verb->most || ct_cli_usage (error, _ ("%s: “%s” is one argument too many"),
                                                           self->verb->name, self->args[self->verb->most]);
}

static void
take_globals (CtCli *self)
{
  const char *folder = ct_cli_option (self, "workspace");

  self->folder = folder ? g_strdup (folder) : ct_workspace_default_folder ();
  self->json = ct_cli_has (self, "json");
  self->now = g_strdup (ct_cli_option (self, "now"));
  self->as = g_strdup (ct_cli_option (self, "as"));
}

static gboolean
is_switch_given (CtCli *self, const char *name, gboolean *finished)
{
  *finished = *finished || ct_cli_has (self, name);
  return ct_cli_has (self, name);
}

/* What follows is no verb: a word that begins several lists them. */
static gboolean
no_verb (CtCli *self, char **words, gboolean *finished, GError **error)
{
  const char *second = words[1] && words[1][0] != '-' ? words[1] : NULL;
  g_autofree char *list = ct_verbs_beginning (words[0]);

  if (list && g_strv_contains ((const char *const *) words, "--help")) {
    puts (list + 1);
    *finished = TRUE;
    return TRUE;
  }
  if (g_strv_contains ((const char *const *) words, "--json"))
    store_cb ("--json", NULL, self, NULL);
  if (list && !second)
    return ct_cli_usage (error, _ ("“%s” needs a second word:%s"), words[0], list);
  return ct_cli_usage (error, _ ("There is no verb “%s%s%s”; see towerctl --help"), words[0],
                       second ? " " : "", second ? second : "");
}

/* Reads everything before and after the verb; @finished: help or version was all that was asked for. */
static gboolean
parse (CtCli *self, char ***argv, gboolean *finished, GError **error)
{
  g_autoptr (GOptionContext) before = make_context (self, NULL);
  g_autoptr (GOptionContext) after = NULL;
  gboolean two_words = FALSE;
  char **rest;

  if (!g_option_context_parse_strv (before, argv, error))
    return FALSE;
  rest = *argv;
  if (is_switch_given (self, "version", finished))
    puts (CT_VERSION);
  else if (!rest[1] && is_switch_given (self, "help", finished))
    show_help (NULL, before);
  if (*finished)
    return TRUE;
  if (!rest[1])
    return ct_cli_usage (error, _ ("A verb is missing; see towerctl --help"));
  self->verb = ct_verb_find (rest[1], rest[2], &two_words);
  if (!self->verb)
    return no_verb (self, rest + 1, finished, error);
  for (int words = two_words ? 2 : 1; words > 0; words--) {
    g_free (rest[1]);
    memmove (rest + 1, rest + 2, sizeof (char *) * g_strv_length (rest + 1));
  }
  after = make_context (self, self->verb);
  if (!g_option_context_parse_strv (after, argv, error))
    return FALSE;
  if (is_switch_given (self, "help", finished)) {
    show_help (self->verb, after);
    return TRUE;
  }
  self->args = *argv + 1;
  self->n_args = g_strv_length (self->args);
  if (self->n_args > 0 && strcmp (self->args[0], "--") == 0) {
    self->args++;
    self->n_args--;
  }
  take_globals (self);
  return check_arguments (self, error) && ct_verb_check_words (self, error);
}

/* @now: left alone where --now is not given */
gboolean
ct_cli_parse_now (CtCli *self, gint64 *now, GError **error)
{
  return ct_cli_option_time (self, "now", now, error);
}

/* Opens the workspace as the global options say. */
gboolean
ct_cli_open (CtCli *self, GError **error)
{
  gint64 now = 0;

  if (!ct_cli_parse_now (self, &now, error))
    return FALSE;
  self->workspace = ct_workspace_open (self->folder, error);
  return self->workspace && (!self->as || ct_workspace_set_actor (self->workspace, self->as, error)) &&
         (!self->now || ct_workspace_set_now (self->workspace, now, error));
}

/* Says what went wrong and keeps the worst exit code; (transfer full): the same as JSON */
static JsonObject *
tell_error (CtCli *self, const char *item, const GError *error)
{
  const char *name;
  CtExit exit = exit_of (self, error, &name);

  self->worst = MAX (self->worst, exit);
  if (item && !g_str_has_prefix (error->message, item))
    ct_cli_say (self, "towerctl: %s: %s", item, error->message);
  else
    ct_cli_say (self, "towerctl: %s", error->message);
  return ct_json_build ("ss", "code", name, "message", error->message);
}

/**
 * ct_cli_each:
 * @always_array: also for one
 * @each: does one
 *
 * Does the same with every argument; what fails is reported and does not stop the others.
 *
 * Returns: (transfer full): the results
 */
JsonNode *
ct_cli_each (CtCli *self, gboolean always_array, CtCliEach each)
{
  g_autoptr (JsonArray) results = json_array_new ();

  for (guint i = 0; i < self->n_args && !g_cancellable_is_cancelled (self->cancellable); i++) {
    g_autoptr (GError) error = NULL;
    JsonNode *result = each (self, self->args[i], &error);

    if (!result)
      result = ct_json_wrap_object (
          ct_json_build ("so", "id", self->args[i], "error", tell_error (self, self->args[i], error)));
    json_array_add_element (results, result);
  }
  if (json_array_get_length (results) == 1 && !always_array)
    return json_array_dup_element (results, 0);
  return ct_json_wrap_array (g_steal_pointer (&results));
}

/* For a verb whose subject is there and which misses something else: not "not found", but failed. */
void
ct_cli_not_the_subject (GError **error)
{
  if (error && g_error_matches (*error, CT_ERROR, CT_ERROR_NOT_FOUND))
    (*error)->code = CT_ERROR_FAILED;
}

/* One command by the actor; @outcome: (out): set only on success */
gboolean
ct_cli_execute (CtCli *self, const char *command, JsonObject *args, CtOutcome *outcome, GError **error)
{
  return ct_workspace_execute (self->workspace, command, args, outcome, error);
}

typedef struct {
  CtCli *cli;
  JsonNode *(*read) (CtCli *self, CtDb *db, gpointer data, GError **error);
  gpointer data;
  JsonNode *result;
} Reading;

static gboolean
read_cb (CtDb *db, gpointer data, GError **error)
{
  Reading *self = data;
  g_autoptr (GError) problem = NULL;

  ct_db_set_cancellable (db, self->cli->cancellable);
  self->result = self->read (self->cli, db, self->data, &problem);
  if (!problem)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&problem));
  return FALSE;
}

/* Asks the replica; (transfer full) (nullable) */
JsonNode *
ct_cli_read (CtCli *self, JsonNode *(*read) (CtCli *self, CtDb *db, gpointer data, GError **error),
             gpointer data, GError **error)
{
  Reading reading = { self, read, data, NULL };

  return ct_store_read (ct_workspace_get_store (self->workspace), read_cb, &reading, error) ? reading.result
                                                                                            : NULL;
}

typedef struct {
  const char *type;
  const char *text;
  CtFound found;
} Finding;

static JsonNode *
find_cb (CtCli *cli, CtDb *db, gpointer data, GError **error)
{
  Finding *self = data;

  ct_workspace_find (db, self->type, self->text, &self->found, error);
  return NULL;
}

/* (transfer full) (nullable): the UUID of what a person named */
char *
ct_cli_find (CtCli *self, const char *type, const char *text, GError **error)
{
  Finding finding = { .type = type, .text = text };
  g_autoptr (GError) problem = NULL;

  ct_cli_read (self, find_cb, &finding, &problem);
  ct_found_clear (&finding.found);
  if (!problem)
    return ct_id_to_string (&finding.found.id);
  g_propagate_error (error, g_steal_pointer (&problem));
  return NULL;
}

static gboolean
log_size_cb (CtDb *db, gpointer data, GError **error)
{
  guint64 covered;

  return ct_log_size (db, data, &covered, error);
}

/* How many leaves the audit log has; 0 where that cannot be told. */
static guint64
log_size (CtCli *self)
{
  guint64 leaves = 0;

  ct_store_read (ct_workspace_get_store (self->workspace), log_size_cb, &leaves, NULL);
  return leaves;
}

/* The leaves this command line wrote come under a checkpoint at once. */
static void
sequence (CtCli *self, guint64 leaves_before)
{
  g_autoptr (GError) error = NULL;

  if (self->workspace && log_size (self) != leaves_before && !ct_workspace_sign (self->workspace, &error))
    ct_cli_say (self, _ ("towerctl: done, but the audit log could not be signed: %s"), error->message);
}

/* The newest command that was given in a team's workspace, and how many wait for the server. */
typedef struct {
  gint64 newest, waiting;
} Given;

static gboolean
given_cb (CtDb *db, gpointer data, GError **error)
{
  Given *self = data;
  gint64 oldest;

  return ct_db_read_int (db, &self->newest, error, "SELECT ifnull(max(seq), 0) FROM intents", "") &&
         ct_backlog_waiting (db, &self->waiting, &oldest, error);
}

static Given
commands_given (CtCli *self)
{
  Given given = { 0, 0 };

  if (ct_workspace_is_connected (self->workspace))
    ct_store_read (ct_workspace_get_store (self->workspace), given_cb, &given, NULL);
  return given;
}

/* What was done in a team's workspace is known here alone until the server has it. */
static void
say_waiting (CtCli *self, gint64 newest_before)
{
  Given given = commands_given (self);

  if (given.newest > newest_before && given.waiting > 0 && !self->json)
    ct_cli_say (
        self,
        g_dngettext (GETTEXT_PACKAGE,
                     "%d change waits for the server: a running program sends it, or towerctl sync --once",
                     "%d changes wait for the server: a running program sends them, or towerctl sync --once",
                     (gulong) given.waiting),
        (int) given.waiting);
}

static void
run (CtCli *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) result = NULL;
  gboolean opened = FALSE;
  Given before = { 0, 0 };
  guint64 leaves = 0;

  if ((self->verb->flags & CT_VERB_NO_WORKSPACE) || (opened = ct_cli_open (self, &error))) {
    if (opened) {
      leaves = log_size (self);
      before = commands_given (self);
    }
    result = self->verb->run (self, &error);
    ct_cli_progress_end (self);
    sequence (self, leaves);
  }
  /* what a signal ended is not done, whatever the verb made of it */
  if (g_cancellable_is_cancelled (self->cancellable) && !(self->verb->flags & CT_VERB_UNTIL_STOPPED))
    self->worst = MAX (self->worst, CT_EXIT_FAILED);
  if (error)
    result = ct_json_wrap_object (ct_json_build ("o", "error", tell_error (self, NULL, error)));
  if (result && !self->printed && (self->json || !error))
    ct_cli_print_result (self, result);
  if (opened)
    say_waiting (self, before.newest);
}

/* Ctrl+C ends long work between two steps; a second one ends the program. */
static gpointer
signal_thread (gpointer data)
{
  sigset_t set;
  int number;

  sigemptyset (&set);
  sigaddset (&set, SIGINT);
  sigaddset (&set, SIGTERM);
  sigwait (&set, &number);
  g_cancellable_cancel (data);
  sigwait (&set, &number);
  _exit (128 + number);
  return NULL;
}

static void
catch_signals (GCancellable *cancellable)
{
  sigset_t set;

  sigemptyset (&set);
  sigaddset (&set, SIGINT);
  sigaddset (&set, SIGTERM);
  pthread_sigmask (SIG_BLOCK, &set, NULL);
  g_thread_unref (g_thread_new ("ct-signals", signal_thread, cancellable));
}

static void
ct_cli_clear (CtCli *self)
{
  if (self->workspace)
    ct_workspace_close (self->workspace);
  g_clear_object (&self->workspace);
  g_clear_pointer (&self->options, g_hash_table_unref);
  g_free (self->folder);
  g_free (self->now);
  g_free (self->as);
}

int
ct_cli_main (int argc, char **argv)
{
  /* for the signal thread, which outlives this function */
  static GCancellable *cancellable;
  CtCli cli = { .options = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                                  (GDestroyNotify) g_ptr_array_unref) };
  g_auto (GStrv) arguments = g_strdupv (argv);
  g_autoptr (GError) error = NULL;
  gboolean finished = FALSE;

  ct_i18n_init ();
  g_set_prgname ("towerctl");
  cli.cancellable = cancellable = g_cancellable_new ();
  catch_signals (cancellable);
  if (!parse (&cli, &arguments, &finished, &error)) {
    g_autoptr (JsonNode) result =
        ct_json_wrap_object (ct_json_build ("o", "error", tell_error (&cli, NULL, error)));

    cli.worst = CT_EXIT_USAGE;
    if (ct_cli_has (&cli, "json") && (cli.json = TRUE))
      ct_cli_print_result (&cli, result);
  } else if (!finished) {
    run (&cli);
  }
  ct_cli_clear (&cli);
  if (fflush (stdout) != 0)
    cli.worst = MAX (cli.worst, CT_EXIT_FAILED);
  return (int) cli.worst;
}
