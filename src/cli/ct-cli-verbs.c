/* The table of verbs. */
#include "ct-cli-verbs.h"

#include <string.h>

const CtVerbFamily ct_verb_families[] = {
  { N_ ("Workspace"), ct_verbs_init },
  { N_ ("Data"), ct_verbs_import },
  { N_ ("Records"), ct_verbs_records },
  { N_ ("Exceptions"), ct_verbs_exceptions },
  { N_ ("Tasks and agents"), ct_verbs_task },
  { N_ ("Approvals"), ct_verbs_approvals },
  { N_ ("Channels"), ct_verbs_channel },
  { N_ ("Posts"), ct_verbs_deliver },
  { N_ ("Audit"), ct_verbs_audit },
  { N_ ("Configuration"), ct_verbs_config },
  { NULL, NULL },
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
