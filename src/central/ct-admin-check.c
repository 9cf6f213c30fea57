/* Finds where a server no longer is what the program made of it; changes nothing. */
#include "ct-admin.h"
#include "ct-admin-rules.h"
#include "ct-schema.h"

static void
add_finding (JsonArray *findings, const char *check, const char *where, const char *problem,
             const char *advice, const char *statement)
{
  json_array_add_object_element (findings, ct_json_build ("ssssS", "check", check, "where", where, "problem",
                                                          problem, "advice", advice, "statement", statement));
}

/* Older or newer than this program: then the rules are about another schema, and nothing else is said. */
static gboolean
check_version (CtSession *session, const char *directory, JsonArray *findings, GCancellable *cancellable,
               GError **error)
{
  int newest = ct_schema_newest (directory, error);
  int version = newest < 0 ? -1 : ct_schema_version (session, cancellable, error);
  g_autofree char *where = g_strdup_printf ("%d / %d", version, newest);

  if (version < 0)
    return FALSE;
  if (version < newest)
    add_finding (findings, "schema", where, _ ("The server's schema is older than this program's"),
                 _ ("Run towerctl server init"), NULL);
  else if (version > newest)
    add_finding (findings, "schema", where, _ ("The server's schema is newer than this program's"),
                 _ ("Use a newer program"), NULL);
  return TRUE;
}

typedef struct {
  const char *directory, *policy;
  char *migrations; /* (owned) */
  gboolean reads_passwords;
} Program;

/* (nullable): what the rule's $1 stands for */
static const char *
argument_of (const CtAdminRule *rule, const Program *program)
{
  return rule->flags & CT_RULE_OF_POLICY       ? program->policy
         : rule->flags & CT_RULE_OF_MIGRATIONS ? program->migrations
                                               : NULL;
}

static gboolean
check_rule (CtSession *session, const CtAdminRule *rule, const Program *program, JsonArray *findings,
            GCancellable *cancellable, GError **error)
{
  g_autofree char *sql = g_strdup_printf ("%s ORDER BY 1", rule->sql);
  const char *argument = argument_of (rule, program);
  g_autoptr (CtAnswer) answer = NULL;

  if ((rule->flags & CT_RULE_OF_PASSWORDS) && !program->reads_passwords)
    return TRUE;
  answer = argument ? ct_session_query (session, cancellable, error, sql, "s", argument)
                    : ct_session_query (session, cancellable, error, sql, "");
  if (!answer) {
    g_prefix_error (error, "%s: ", rule->check);
    return FALSE;
  }
  for (int row = 0; row < ct_answer_rows (answer); row++)
    add_finding (findings, rule->check, ct_answer_text (answer, row, 0), _ (rule->problem), _ (rule->advice),
                 ct_answer_text (answer, row, 1));
  return TRUE;
}

/* Only a superuser sees the passwords' verifiers. */
static gboolean
may_read_passwords (CtSession *session, gboolean *may, GCancellable *cancellable, GError **error)
{
  g_autoptr (CtAnswer) answer = ct_session_query (
      session, cancellable, error, "SELECT has_table_privilege('pg_catalog.pg_authid', 'SELECT')", "");

  *may = answer && ct_answer_int (answer, 0, 0);
  return answer != NULL;
}

static gboolean
check_all (CtSession *session, Program *program, JsonArray *findings, GCancellable *cancellable,
           GError **error)
{
  if (!check_version (session, program->directory, findings, cancellable, error))
    return FALSE;
  if (json_array_get_length (findings) > 0)
    return TRUE;
  program->migrations = ct_schema_text (program->directory, error);
  if (!program->migrations || !may_read_passwords (session, &program->reads_passwords, cancellable, error))
    return FALSE;
  for (const CtAdminRule *rule = ct_admin_rules; rule->check; rule++)
    if (!check_rule (session, rule, program, findings, cancellable, error))
      return FALSE;
  return TRUE;
}

/**
 * ct_admin_check:
 * @directory: the numbered migrations of this program
 * @policy: the text of its schema/policy.json
 *
 * Returns: (transfer full): objects check, where, problem, advice, and statement where one statement mends it
 */
JsonArray *
ct_admin_check (CtSession *session, const char *directory, const char *policy, GCancellable *cancellable,
                GError **error)
{
  g_autoptr (JsonArray) findings = json_array_new ();
  Program program = { .directory = directory, .policy = policy };
  gboolean done;

  if (!ct_schema_check (session, cancellable, error) || !ct_session_begin_read (session, cancellable, error))
    return NULL;
  done = check_all (session, &program, findings, cancellable, error);
  g_free (program.migrations);
  ct_session_end (session, FALSE, NULL, NULL);
  return done ? g_steal_pointer (&findings) : NULL;
}
