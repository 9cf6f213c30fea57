#include "ct-timeline-detail.h"
#include "ct-format.h"
#include "ct-rows.h"
#include "ct-timeline-list.h"
#include "ct-vocabulary.h"
#include "ct-workspace-timeline.h"
#include "records/ct-record-labels.h"

#include <string.h>

#define MOST_CHANGES 120
#define MOST_LETTERS 240

typedef struct {
  CtDetail *detail;       /* (owned) */
  CtWorkspace *workspace; /* (owned) */
  gint64 n;
  JsonObject *event; /* (owned) (nullable) */
  char *object;      /* (owned) (nullable): its number */
} Job;

static void
job_free (gpointer data)
{
  Job *job = data;

  g_object_unref (job->detail);
  g_object_unref (job->workspace);
  g_clear_pointer (&job->event, json_object_unref);
  g_free (job->object);
  g_free (job);
}

static gboolean
read_cb (CtDb *db, gpointer data, GError **error)
{
  Job *job = data;
  CtId id;

  job->event = ct_rows_one (
      db, error,
      "SELECT l.n, l.action, l.actor, l.leaf->>'actor_role' role, l.object_type, uuid_text(l.object_id) "
      "object_id, "
      "l.received_at, lower(hex(l.leaf_sha256)) hash, (SELECT label FROM devices WHERE uuid_text(id) = "
      "l.leaf->>'device_id') device, l.leaf->>'device_id' device_id, (SELECT min(c.size) FROM "
      "audit_checkpoints c "
      "WHERE c.size > l.n) checkpoint, (SELECT value FROM audit_disclosures d WHERE d.n = l.n AND d.field = "
      "'changes') changes, (SELECT group_concat(value, '; ') FROM audit_disclosures d WHERE d.n = l.n AND "
      "d.field IN "
      "('comment', 'reason', 'text', 'file')) note FROM audit_logs l WHERE l.n = ?",
      "i", job->n);
  if (!job->event)
    return FALSE;
  if (ct_id_parse (ct_json_string (job->event, "object_id", ""), &id))
    job->object = ct_workspace_label (db, ct_json_string (job->event, "object_type", ""), &id);
  return TRUE;
}

static char *
value_text (JsonNode *node, const char *column, const char *currency)
{
  g_autofree char *text = NULL;

  if (!node || JSON_NODE_HOLDS_NULL (node))
    return g_strdup ("—");
  if (JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_INT64 &&
      (g_str_has_suffix (column, "_at") || g_str_has_suffix (column, "_until"))) {
    g_autoptr (GTimeZone) utc = g_time_zone_new_utc ();

    return ct_format_full_time (json_node_get_int (node), utc);
  }
  if (JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_INT64 && currency &&
      g_str_has_suffix (column, "_minor"))
    return ct_format_money (json_node_get_int (node), currency);
  if (JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING)
    return ct_text_snippet (ct_state_label (json_node_get_string (node)), MOST_LETTERS);
  text = ct_json_canonical (node, NULL);
  return ct_text_snippet (text ? text : "", MOST_LETTERS);
}

/* The currency of a row's amounts, where the change says it; (nullable). */
static const char *
currency_of (JsonObject *columns)
{
  JsonArray *pair = ct_json_array (columns, "currency");
  JsonNode *node = pair && json_array_get_length (pair) == 2 ? json_array_get_element (pair, 1) : NULL;

  return node && JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING
             ? json_node_get_string (node)
             : NULL;
}

/* Whether a value is a document for programs. */
static gboolean
is_document (JsonArray *values)
{
  for (guint i = 0; i < json_array_get_length (values); i++) {
    JsonNode *node = json_array_get_element (values, i);
    const char *text = JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING
                           ? json_node_get_string (node)
                           : "";

    if (*text == '{' || *text == '[' || JSON_NODE_HOLDS_OBJECT (node) || JSON_NODE_HOLDS_ARRAY (node))
      return TRUE;
  }
  return FALSE;
}

/* One row of a table: [before, after] by column. */
static guint
show_row (Job *job, JsonObject *row)
{
  JsonObject *columns = ct_json_object (row, "columns");
  JsonObjectIter iter;
  const char *column;
  JsonNode *pair;
  guint n = 0;

  if (!columns)
    return 0;
  json_object_iter_init_ordered (&iter, columns);
  while (json_object_iter_next_ordered (&iter, &column, &pair)) {
    JsonArray *values = JSON_NODE_HOLDS_ARRAY (pair) ? json_node_get_array (pair) : NULL;
    g_autofree char *before = NULL, *after = NULL, *text = NULL;

    if (!values || json_array_get_length (values) != 2 || !ct_timeline_tells (column) || is_document (values))
      continue;
    before = value_text (json_array_get_element (values, 0), column, currency_of (columns));
    after = value_text (json_array_get_element (values, 1), column, currency_of (columns));
    if (*after == '\0' && strcmp (before, "—") == 0)
      continue; /* a field of a new record that was left empty */
    text = g_strdup_printf ("%s → %s", before, after);
    ct_detail_add_fact (job->detail, ct_record_label (ct_timeline_column_label (column)), text, NULL, NULL);
    n++;
  }
  return n;
}

static void
show_changes (Job *job, JsonNode *changes)
{
  JsonArray *rows = changes && JSON_NODE_HOLDS_ARRAY (changes) ? json_node_get_array (changes) : NULL;
  guint shown = 0;

  if (!rows || json_array_get_length (rows) == 0)
    return;
  ct_detail_add_section (job->detail, _ ("Before → after"));
  for (guint i = 0; i < json_array_get_length (rows) && shown < MOST_CHANGES; i++) {
    JsonNode *element = json_array_get_element (rows, i);

    if (JSON_NODE_HOLDS_OBJECT (element))
      shown += show_row (job, json_node_get_object (element));
  }
}

static void
show (Job *job)
{
  JsonObject *event = job->event;
  g_autoptr (JsonNode) changes = ct_json_parse (ct_json_string (event, "changes", "[]"), -1, 1 << 22, NULL);
  const char *action = ct_json_string (event, "action", ""), *role = ct_json_string (event, "role", "");
  gint64 checkpoint = ct_json_int (event, "checkpoint", 0);
  g_autofree char *number = g_strdup_printf (_ ("Entry %d"), (int) job->n);
  g_autofree char *when =
      ct_format_full_time (ct_json_int (event, "received_at", 0), ct_workspace_get_zone (job->workspace));
  g_autofree char *proof = checkpoint ? g_strdup_printf (_ ("✔ under signed checkpoint %d"), (int) checkpoint)
                                      : g_strdup (_ ("○ waits for a checkpoint"));
  g_autofree char *hash =
      g_strdup_printf (_ ("SHA-256 of the entry: %s"), ct_json_string (event, "hash", ""));
  CtId id;

  ct_detail_begin (job->detail, number, ct_timeline_sentence (action));
  ct_detail_add_badge (job->detail, proof, checkpoint ? "ct-good" : NULL);
  ct_detail_add_badge (job->detail, ct_timeline_is_agents (action, role) ? _ ("⚙ Agent") : _ ("☺ Person"),
                       NULL);
  ct_detail_add_text (job->detail, ct_json_string (event, "note", ct_timeline_comment (action, changes)),
                      "ct-recommended");
  ct_detail_add_fact (job->detail, _ ("Who"), ct_json_string (event, "actor", NULL), NULL, NULL);
  ct_detail_add_fact (job->detail, _ ("Role"), ct_role_label (role), NULL, NULL);
  ct_detail_add_fact (job->detail, _ ("When"), when, NULL, NULL);
  ct_detail_add_fact (job->detail, _ ("Device"),
                      ct_json_string (event, "device", ct_json_string (event, "device_id", NULL)), NULL,
                      NULL);
  if (ct_id_parse (ct_json_string (event, "object_id", ""), &id))
    ct_detail_add_link (job->detail, _ ("About"), job->object, ct_json_string (event, "object_type", ""),
                        &id);
  show_changes (job, changes);
  ct_detail_add_text (job->detail, hash, "ct-hash");
  ct_detail_end (job->detail);
}

static void
read_done_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Job *job = ct_store_job_data (result);
  g_autoptr (GCancellable) cancellable = data;
  g_autoptr (GError) error = NULL;
  gboolean ok = ct_store_job_finish (CT_STORE (source), result, &error);

  if (g_cancellable_is_cancelled (cancellable))
    return;
  if (ok) {
    show (job);
    return;
  }
  ct_detail_begin (job->detail, "", _ ("This event cannot be shown"));
  ct_detail_add_text (job->detail, error->message, NULL);
  ct_detail_end (job->detail);
}

void
ct_timeline_detail_show (CtDetail *detail, CtWorkspace *workspace, gint64 n, GCancellable *cancellable)
{
  Job *job = g_new0 (Job, 1);

  job->detail = g_object_ref (detail);
  job->workspace = g_object_ref (workspace);
  job->n = n;
  ct_store_read_async (ct_workspace_get_store (workspace), read_cb, job, job_free, cancellable, read_done_cb,
                       g_object_ref (cancellable));
}
