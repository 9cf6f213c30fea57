#include "ct-commander.h"
#include "ct-intent.h"
#include "ct-migrate.h"
#include "ct-row-committer.h"
#include "ct-undo.h"

#include <string.h>

struct _CtCommander {
  CtPolicy *policy;       /* (owned) */
  CtAuthority *authority; /* (owned) */
};

/* One execution, from arguments to leaf. */
typedef struct {
  CtCommander *commander;
  const CtCommandDef *def;
  CtCommand command;
  CtIntent intent;
  GPtrArray *parts;     /* (owned) (element-type GBytes) */
  GString *changes;     /* (owned): JSON of what was written, for the timeline */
  CtRowCommitter *rows; /* (owned) */
} Execution;

/* A change list longer than this is not disclosed; its rows are committed to all the same. */
#define MOST_CHANGES (256 * 1024)

/* (transfer full) (element-type utf8): the roles of a login; %CT_ERROR_REFUSED where nobody has that login */
GPtrArray *
ct_commander_roles (CtDb *db, const char *actor, GError **error)
{
  g_autoptr (GPtrArray) roles = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (CtStmt) stmt =
      ct_db_query (db, error,
                   "SELECT r.role FROM people p JOIN person_roles r ON r.person_id = p.id "
                   "WHERE p.login = ? AND p.archived_at IS NULL ORDER BY r.n",
                   "s", actor);

  if (!stmt)
    return NULL;
  while (ct_stmt_next (stmt))
    g_ptr_array_add (roles, g_strdup (ct_stmt_text (stmt, 0)));
  if (!ct_stmt_finish (stmt, error))
    return NULL;
  if (roles->len == 0) {
    ct_fail (error, CT_ERROR_REFUSED, _ ("\"%s\" is nobody this workspace knows, or has no role"), actor);
    return NULL;
  }
  return g_steal_pointer (&roles);
}

/**
 * ct_commander_new:
 * @authority: (transfer full): who acknowledges
 *
 * Returns: (transfer full): a commander with the shipped policy
 */
CtCommander *
ct_commander_new (CtAuthority *authority, GError **error)
{
  g_autoptr (CtCommander) self = g_new0 (CtCommander, 1);
  g_autofree char *path = ct_data_path ("schema/policy.json");

  self->authority = authority;
  self->policy = ct_policy_load (path, error);
  ct_undo_register ();
  return self->policy ? g_steal_pointer (&self) : NULL;
}

void
ct_commander_free (CtCommander *self)
{
  if (!self)
    return;
  ct_policy_free (self->policy);
  ct_authority_free (self->authority);
  g_free (self);
}

CtPolicy *
ct_commander_get_policy (CtCommander *self)
{
  return self->policy;
}

CtAuthority *
ct_commander_get_authority (CtCommander *self)
{
  return self->authority;
}

/* Whether somebody with these roles may run the command at all; for buttons. */
gboolean
ct_commander_allows (CtCommander *self, const char *command, GPtrArray *roles)
{
  return ct_policy_role_for (self->policy, command, roles) != NULL;
}

void
ct_outcome_clear (CtOutcome *self)
{
  g_clear_pointer (&self->result, json_object_unref);
}

static void
execution_clear (Execution *self)
{
  g_clear_pointer (&self->command.roles, g_ptr_array_unref);
  g_clear_pointer (&self->command.result, json_object_unref);
  g_clear_pointer (&self->command.objects, g_ptr_array_unref);
  g_clear_pointer (&self->command.disclosures, g_ptr_array_unref);
  g_clear_pointer (&self->command.args, json_object_unref);
  g_clear_pointer ((CtRecorder **) &self->command.recorder, ct_recorder_free);
  g_free (self->command.outbox_key);
  g_clear_pointer (&self->parts, g_ptr_array_unref);
  g_clear_pointer (&self->rows, ct_row_committer_free);
  if (self->changes)
    g_string_free (self->changes, TRUE);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Execution, execution_clear)

static gboolean
find_roles (CtCommand *command, GError **error)
{
  gint64 people = 1;

  if ((command->def->flags & CT_COMMAND_FIRST) &&
      ct_db_read_int (command->db, &people, error, "SELECT count(*) FROM people", "") && people == 0) {
    command->roles = g_ptr_array_new_with_free_func (g_free);
    g_ptr_array_add (command->roles, g_strdup ("admin"));
    return TRUE;
  }
  command->roles = ct_commander_roles (command->db, command->actor, error);
  return command->roles != NULL;
}

static gboolean
prepare (Execution *self, CtDb *db, const CtRequest *request, GError **error)
{
  CtCommand *command = &self->command;

  self->def = ct_command_find (request->name);
  if (!self->def || !ct_policy_knows (self->commander->policy, request->name))
    return ct_fail (error, CT_ERROR_INVALID, _ ("There is no command \"%s\""), request->name);
  command->db = db;
  command->def = self->def;
  command->id = request->id ? *request->id : ct_id_new (request->now);
  command->args = request->args ? json_object_ref (request->args) : json_object_new ();
  command->attachment = request->attachment;
  command->actor = request->actor;
  command->now = request->now;
  command->authority = self->commander->authority;
  command->policy = self->commander->policy;
  command->result = json_object_new ();
  command->objects = g_ptr_array_new_with_free_func (g_free);
  command->disclosures = g_ptr_array_new_with_free_func (g_free);
  command->object_id = command->id;
  if (!ct_command_check_args (self->def, command->args, error))
    return FALSE;
  if (!find_roles (command, error))
    return FALSE;
  command->role = ct_policy_role_for (self->commander->policy, request->name, command->roles);
  if (!command->role)
    return ct_fail (error, CT_ERROR_REFUSED,
                    _ ("\"%s\" may not do this (%s); ask an administrator for the role"), request->actor,
                    request->name);
  return ct_policy_check_where (self->commander->policy, request->name, command, error);
}

/**
 * ct_commander_check:
 *
 * Whether the arguments are in order and the policy lets the actor run the command, here and now, without running it:
 * for what asks somebody outside before it knows what to write down.
 *
 * Errors: %CT_ERROR_INVALID, %CT_ERROR_REFUSED
 */
gboolean
ct_commander_check (CtCommander *self, CtDb *db, const CtRequest *request, GError **error)
{
  g_auto (Execution) execution = { .commander = self };

  return prepare (&execution, db, request, error);
}

static void
append_value (GString *out, const CtValue *value)
{
  if (value->type == 'i')
    g_string_append_printf (out, "%" G_GINT64_FORMAT, value->integer);
  else if (value->type == 't')
    ct_json_append_string (out, value->data, (gssize) value->length);
  else if (value->type == 'b' && value->length == CT_ID_SIZE) {
    g_autofree char *text = ct_id_to_string (value->data);

    g_string_append_printf (out, "\"%s\"", text);
  } else if (value->type == 'b') {
    CtHash hash = ct_hash (value->data, value->length);
    g_autofree char *hex = ct_hash_to_hex (&hash);

    g_string_append_printf (out, "\"sha256:%s\"", hex);
  } else {
    g_string_append (out, "null");
  }
}

static gboolean
is_bookkeeping (const char *column)
{
  static const char *const names[] = { "id", "n", "rev", "created_at", "updated_at", NULL };

  return ct_text_index (names, column) >= 0;
}

/* {"table":…,"id":…,"op":…,"columns":{name:[before,after]}} */
static void
append_change (GString *out, const CtChange *change)
{
  g_autofree char *id = ct_id_to_string (&change->id);
  gboolean first = TRUE;

  g_string_append_printf (out, "%s{\"table\":\"%s\",\"id\":\"%s\",\"op\":\"%s\",\"columns\":{",
                          out->len > 1 ? "," : "", change->table, id,
                          change->operation == 'i'   ? "insert"
                          : change->operation == 'u' ? "update"
                                                     : "delete");
  for (int i = 0; i < change->n_columns; i++) {
    const CtValue *before = &change->before[i], *after = &change->after[i];

    if (is_bookkeeping (change->columns[i]) || (change->operation == 'u' && !after->type) ||
        (change->operation == 'i' && after->type == 'n') || (change->operation == 'd' && before->type == 'n'))
      continue;
    g_string_append_printf (out, "%s\"%s\":[", first ? "" : ",", change->columns[i]);
    append_value (out, before);
    g_string_append_c (out, ',');
    append_value (out, after);
    g_string_append_c (out, ']');
    first = FALSE;
  }
  g_string_append (out, "}}");
}

static gboolean
commit_to_row (Execution *self, const CtChange *change, GError **error)
{
  g_autofree char *sql = NULL;
  g_autoptr (CtStmt) row = NULL;

  if (change->operation == 'd') {
    ct_row_committer_add_deleted (self->rows, change->table, &change->id);
    return TRUE;
  }
  sql = g_strdup_printf ("SELECT * FROM %s WHERE id = ?", change->table);
  row = ct_db_query (self->command.db, error, sql, "k", &change->id);
  if (!row)
    return FALSE;
  if (!ct_stmt_next (row))
    return ct_stmt_finish (row, error) &&
           ct_fail (error, CT_ERROR_CORRUPT, "A row written in %s is not there", change->table);
  return ct_row_committer_add (self->rows, change->table, &change->id, row, error);
}

/* For each recorded change: is it allowed, what does the timeline show, what does the leaf commit to. */
static gboolean
take_change_cb (const CtChange *change, gpointer data, GError **error)
{
  Execution *self = data;

  if (self->def->run != ct_undo_run &&
      !ct_policy_check_change (self->commander->policy, self->def->name, self->command.roles, change, error))
    return FALSE;
  if (!commit_to_row (self, change, error))
    return FALSE;
  if (self->def->flags & CT_COMMAND_BULK)
    return TRUE;
  if (!ct_id_equal (&change->id, &self->command.object_id))
    ct_command_touches (&self->command, &change->id);
  if (self->changes->len < MOST_CHANGES)
    append_change (self->changes, change);
  return TRUE;
}

static gboolean
run_handler (Execution *self, GError **error)
{
  CtCommand *command = &self->command;

  command->recorder = ct_recorder_start (command->db, error);
  if (!command->recorder)
    return FALSE;
  self->rows = ct_row_committer_new ();
  command->rows = self->rows;
  if (!self->def->run (command, error))
    return FALSE;
  if (command->idle) /* what it wrote is local bookkeeping */
    return TRUE;
  if (!ct_db_foreign_keys_hold (command->db))
    return ct_fail (error, CT_ERROR_CONFLICT, _ ("A record that this refers to is missing"));
  self->parts = ct_recorder_finish (command->recorder, error);
  if (!self->parts)
    return FALSE;
  self->changes = g_string_new ("[");
  for (guint i = 0; i < self->parts->len; i++)
    if (!ct_changeset_foreach (command->db, self->parts->pdata[i], take_change_cb, self, error))
      return FALSE;
  g_string_append_c (self->changes, ']');
  return TRUE;
}

static gboolean
store_intent (Execution *self, const CtRequest *request, GError **error)
{
  CtDb *db = self->command.db;
  g_autofree char *args = ct_json_canonical_object (self->command.args, error);
  g_autofree char *device =
      args ? ct_db_read_text (db, error, "SELECT value FROM workspace WHERE key = 'device_id'", "") : NULL;

  if (!device)
    return FALSE;
  if (!ct_id_parse (device, &self->intent.device_id))
    return ct_fail (error, CT_ERROR_CORRUPT, "The workspace has no valid device id");
  self->intent.command_id = self->command.id;
  self->intent.name = self->def->name;
  self->intent.args = args;
  self->intent.actor = request->actor;
  self->intent.occurred_at = request->occurred_at ? request->occurred_at : request->now;
  if (!ct_intent_append (db, &self->intent, error))
    return FALSE;
  self->intent.args = NULL;
  return TRUE;
}

static gboolean
store_parts (Execution *self, gint64 seq, GError **error)
{
  CtDb *db = self->command.db;

  for (guint i = 0; i < self->parts->len; i++) {
    gsize length;
    gconstpointer data = g_bytes_get_data (self->parts->pdata[i], &length);

    if (!ct_db_run (db, error, "INSERT INTO changesets VALUES(?, ?, ?)", "iib", seq, (gint64) i, data,
                    length))
      return FALSE;
  }
  return TRUE;
}

static gboolean
acknowledge (Execution *self, gint64 *event, GError **error)
{
  CtCommand *command = &self->command;
  g_autoptr (GPtrArray) fields = g_ptr_array_new ();
  g_autoptr (GPtrArray) values = g_ptr_array_new ();
  CtEffect effect = {
    .command_id = command->id,
    .name = self->def->name,
    .actor = command->actor,
    .actor_role = command->role,
    .device_id = self->intent.device_id,
    .device_seq = self->intent.seq,
    .intent_sha256 = self->intent.sha256,
    .occurred_at = self->intent.occurred_at,
    .received_at = command->now,
    .object_type = self->def->object_type,
    .object_id = command->object_id,
    .object_rev = command->object_rev,
    .outbox_key = command->outbox_key,
    .objects = command->objects,
    .rows = self->rows,
  };

  for (guint i = 0; i + 1 < command->disclosures->len; i += 2) {
    g_ptr_array_add (fields, command->disclosures->pdata[i]);
    g_ptr_array_add (values, command->disclosures->pdata[i + 1]);
  }
  if (self->changes->len > 2 && self->changes->len < MOST_CHANGES) {
    g_ptr_array_add (fields, (gpointer) "changes");
    g_ptr_array_add (values, self->changes->str);
  }
  g_ptr_array_add (fields, NULL);
  g_ptr_array_add (values, NULL);
  effect.fields = (const char *const *) fields->pdata;
  effect.values = (const char *const *) values->pdata;
  return ct_authority_acknowledge (command->authority, command->db, &effect, event, error);
}

/* The intent, what it undid, and the leaf: a command without them has not happened. */
static gboolean
keep (Execution *self, const CtRequest *request, gint64 *event, GError **error)
{
  return store_intent (self, request, error) && store_parts (self, self->intent.seq, error) &&
         ct_undo_note (&self->command, self->intent.seq, error) && acknowledge (self, event, error);
}

/**
 * ct_commander_execute_bare:
 * @db: in a transaction, or at a savepoint, that the caller rolls back where this fails
 *
 * Executes a command without a net of its own. A savepoint around a bulk command is dear: each statement with triggers
 * ends a savepoint of its own, and within another one that costs time in proportion to all pages changed so far.
 */
gboolean
ct_commander_execute_bare (CtCommander *self, CtDb *db, const CtRequest *request, CtOutcome *outcome,
                           GError **error)
{
  g_auto (Execution) execution = { .commander = self };
  gint64 event = -1;

  if (!prepare (&execution, db, request, error) || !run_handler (&execution, error) ||
      (!execution.command.idle && !keep (&execution, request, &event, error)))
    return FALSE;
  outcome->command_id = execution.command.id;
  outcome->seq = execution.intent.seq;
  outcome->event = event;
  outcome->result = g_steal_pointer (&execution.command.result);
  return TRUE;
}

/**
 * ct_commander_execute_within:
 * @db: in a transaction
 *
 * Executes a command inside the caller's transaction. On failure the caller's transaction is as before.
 */
gboolean
ct_commander_execute_within (CtCommander *self, CtDb *db, const CtRequest *request, CtOutcome *outcome,
                             GError **error)
{
  CtOutcome done = { 0 };

  if (!ct_db_savepoint (db, error))
    return FALSE;
  if (!ct_commander_execute_bare (self, db, request, &done, error)) {
    ct_db_rollback_to (db, NULL);
    return FALSE;
  }
  if (!ct_db_release (db, error)) {
    ct_outcome_clear (&done);
    return FALSE;
  }
  *outcome = done;
  return TRUE;
}

/**
 * ct_commander_execute:
 * @db: a writable connection outside a transaction
 * @request: what to do, by whom, when
 * @outcome: (out): set only on success; free with ct_outcome_clear()
 *
 * The write path: one transaction from the check of the arguments to the audit leaf. When it returns %TRUE the command
 * is on the disk (`synchronous=FULL`); when it returns %FALSE nothing has changed.
 *
 * Errors: %CT_ERROR_INVALID (arguments), %CT_ERROR_REFUSED (policy, state), %CT_ERROR_NOT_FOUND, %CT_ERROR_CONFLICT.
 */
gboolean
ct_commander_execute (CtCommander *self, CtDb *db, const CtRequest *request, CtOutcome *outcome,
                      GError **error)
{
  CtOutcome done = { 0 };

  if (!ct_db_begin (db, error))
    return FALSE;
  if (!ct_commander_execute_bare (self, db, request, &done, error)) {
    ct_db_rollback (db);
    return FALSE;
  }
  if (!ct_db_commit (db, error)) {
    ct_outcome_clear (&done);
    return FALSE;
  }
  *outcome = done;
  return TRUE;
}

/* Reads what a stored command asked for; @texts keeps it. */
static gboolean
load_request (CtDb *db, gint64 seq, CtRequest *request, CtId *id, JsonNode **args, GPtrArray *texts,
              GError **error)
{
  g_autoptr (CtStmt) stmt = ct_db_query (
      db, error, "SELECT name, args, actor, command_id, occurred_at FROM intents WHERE seq = ?", "i", seq);

  if (!stmt)
    return FALSE;
  if (!ct_stmt_next (stmt) || !ct_stmt_id (stmt, 3, id))
    return ct_stmt_finish (stmt, error) &&
           ct_fail (error, CT_ERROR_NOT_FOUND, "There is no command %" G_GINT64_FORMAT, seq);
  if (ct_stmt_is_null (stmt, 1))
    return ct_fail (error, CT_ERROR_INVALID, _ ("What the command asked for has been redacted"));
  *args = ct_json_parse (ct_stmt_text (stmt, 1), -1, 64 << 20, error);
  if (!*args)
    return FALSE;
  g_ptr_array_add (texts, g_strdup (ct_stmt_text (stmt, 0)));
  g_ptr_array_add (texts, g_strdup (ct_stmt_text (stmt, 2)));
  request->name = texts->pdata[0];
  request->actor = texts->pdata[1];
  request->args = json_node_get_object (*args);
  request->now = ct_stmt_int (stmt, 4);
  request->id = id;
  return TRUE;
}

/**
 * ct_commander_rerun_within:
 * @db: in a transaction, with the effects of @seq and of all later commands undone
 * @seq: a command that is already in the chain
 *
 * Runs a stored command's handler again on the state as it now is, and stores what it changed this time. Nothing is
 * acknowledged. On failure the caller's transaction is as before, and the error says why the command no longer holds.
 */
gboolean
ct_commander_rerun_within (CtCommander *self, CtDb *db, gint64 seq, GError **error)
{
  g_auto (Execution) execution = { .commander = self };
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (JsonNode) args = NULL;
  CtRequest request = { 0 };
  CtId id;

  execution.command.again = TRUE;
  if (!ct_db_savepoint (db, error))
    return FALSE;
  if (load_request (db, seq, &request, &id, &args, texts, error) &&
      ct_db_run (db, error, "DELETE FROM changesets WHERE seq = ?", "i", seq) &&
      prepare (&execution, db, &request, error) && run_handler (&execution, error) &&
      (execution.command.idle || store_parts (&execution, seq, error)) &&
      ct_undo_note (&execution.command, seq, error))
    return ct_db_release (db, error);
  g_clear_pointer ((CtRecorder **) &execution.command.recorder, ct_recorder_free);
  ct_db_rollback_to (db, NULL);
  return FALSE;
}
