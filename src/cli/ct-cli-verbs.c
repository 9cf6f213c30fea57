/* The table of verbs. */
#include "ct-cli-verbs.h"
#include "ct-vocabulary.h"

#include <string.h>

const CtVerbFamily ct_verb_families[] = {
  { N_ ("Workspace"), ct_verbs_init },        { N_ ("Data"), ct_verbs_import },
  { N_ ("Records"), ct_verbs_records },       { N_ ("Exceptions"), ct_verbs_exceptions },
  { N_ ("Tasks and agents"), ct_verbs_task }, { N_ ("Approvals"), ct_verbs_approvals },
  { N_ ("Channels"), ct_verbs_channel },      { N_ ("Posts"), ct_verbs_deliver },
  { N_ ("Audit"), ct_verbs_audit },           { N_ ("Configuration"), ct_verbs_config },
  { N_ ("People"), ct_verbs_people },         { N_ ("Connection"), ct_verbs_sync },
  { N_ ("Central server"), ct_verbs_server }, { NULL, NULL },
};

/* (nullable): the verb of one or two words; @two_words says which */
const CtVerb *
ct_verb_find (const char *first, const char *second, gboolean *two_words)
{
  g_autofree char *both = second ? g_strdup_printf ("%s %s", first, second) : NULL;

  for (const CtVerbFamily *family = ct_verb_families; family->verbs; family++)
    for (const CtVerb *verb = family->verbs; verb->name; verb++)
      if (strcmp (verb->name, first) == 0 || (both && strcmp (verb->name, both) == 0)) {
        *two_words = strchr (verb->name, ' ') != NULL;
        return verb;
      }
  return NULL;
}

/* (transfer full) (nullable): the verbs that begin with this word and need a second one, a line each */
char *
ct_verbs_beginning (const char *first)
{
  g_autoptr (GString) list = g_string_new (NULL);
  g_autofree char *start = g_strconcat (first, " ", NULL);

  for (const CtVerbFamily *family = ct_verb_families; family->verbs; family++)
    for (const CtVerb *verb = family->verbs; verb->name; verb++)
      if (g_str_has_prefix (verb->name, start))
        g_string_append_printf (list, "\n  %-22s %s", verb->name, _ (verb->help));
  return list->len > 0 ? g_string_free (g_steal_pointer (&list), FALSE) : NULL;
}

/* Options that filter by a word of a fixed set; NULL: the teams. A word nothing has would find nothing for ever. */
static const struct {
  const char *verb, *option, *words;
} filters[] = {
  { "exceptions list", "severity", "low medium high critical" },
  { "exceptions list", "owner", NULL },
  { "posts list", "state", "ready leased sending sent sent_unconfirmed failed unknown cancelled retracted" },
  { "approvals list", "state", "pending approved rejected changes_requested voided expired replaced" },
  { "task list", "status",
    "open assigned scheduled drafting waiting_for_human_approval approved posted awaiting_reply resolved "
    "snoozed escalated blocked reopened" },
  { "task list", "owner", NULL },
  { "order list", "status", "draft confirmed allocated invoiced shipped delivered closed cancelled" },
  { "distributor list", "onboarding-state", "prospect documents contract active suspended" },
};

/* Whether the filters given are words that can be found. */
gboolean
ct_verb_check_words (CtCli *cli, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (filters); i++) {
    const char *given = ct_cli_option (cli, filters[i].option);
    g_auto (GStrv) words = NULL;
    g_autofree char *list = NULL;

    if (!given || strcmp (filters[i].verb, cli->verb->name) != 0)
      continue;
    words = filters[i].words ? g_strsplit (filters[i].words, " ", -1)
                             : g_strdupv ((char **) (gpointer) ct_role_names ());
    list = g_strjoinv (", ", words);
    if (!g_strv_contains ((const char *const *) words, given))
      return ct_cli_usage (error, _ ("--%s: “%s” is none of %s"), filters[i].option, given, list);
  }
  return TRUE;
}
