#pragma once

#include "ct-cli.h"

G_BEGIN_DECLS

/* A family: verbs that share a file. */
typedef struct {
  const char *title;   /* translatable */
  const CtVerb *verbs; /* ended by a NULL name */
} CtVerbFamily;

extern const CtVerb ct_verbs_import[];
extern const CtVerb ct_verbs_exceptions[];
extern const CtVerb ct_verbs_task[];
extern const CtVerb ct_verbs_approvals[];
extern const CtVerb ct_verbs_audit[];
extern const CtVerb ct_verbs_channel[];
extern const CtVerb ct_verbs_deliver[];
extern const CtVerb ct_verbs_config[];
extern const CtVerb ct_verbs_people[];
extern const CtVerb ct_verbs_init[];
extern const CtVerb ct_verbs_records[];
extern const CtVerb ct_verbs_server[];
extern const CtVerb ct_verbs_sync[];

extern const CtVerbFamily ct_verb_families[];

const CtVerb *ct_verb_find (const char *first, const char *second, gboolean *two_words);
char *ct_verbs_beginning (const char *first);
JsonNode *ct_cli_sync_once (CtCli *cli, GError **error);
void ct_cli_put_limit (JsonObject *person);
gboolean ct_verb_check_words (CtCli *cli, GError **error);

G_END_DECLS
