/* A workspace with the shipped configuration, one overdue invoice of ORD-2026-1047's kind and the exception it raises. */
#pragma once

#define CT_TEST_COMMANDS
#include "ct-test.h"
#include "ct-approvals.h"
#include "ct-approve.h"
#include "ct-detect.h"
#include "ct-rows.h"
#include "ct-task-row.h"
#include "ct-workspace-private.h"

#include <string.h>

typedef struct {
  char *folder;
  CtDb *db;
  CtCommander *commander;
  gint64 now;
  char *distributor, *order, *invoice, *exception;
} Work;

static inline gint64
work_time (const char *time)
{
  gint64 ms = 0;

  g_assert_true (ct_time_parse (time, &ms));
  return ms;
}

/* Runs a command; the id it reports, or NULL with the error. Format as in printf. */
static inline char *
work_try_va (Work *w, const char *actor, const char *name, GError **error, const char *format, va_list args)
{
  g_auto (CtOutcome) outcome = { 0 };
  g_autofree char *json = g_strdup_vprintf (format, args);
  JsonObject *result = ct_test_execute (w->commander, w->db, actor, w->now, name, json, &outcome, error);

  return result ? g_strdup (ct_json_string (result, "id", "")) : NULL;
}

static inline char *G_GNUC_PRINTF (4, 5)
    work_run (Work *w, const char *actor, const char *name, const char *format, ...)
{
  g_autoptr (GError) error = NULL;
  va_list args;
  char *id;

  va_start (args, format);
  id = work_try_va (w, actor, name, &error, format, args);
  va_end (args);
  g_assert_no_error (error);
  return id;
}

static inline void G_GNUC_PRINTF (5, 6)
    work_fails (Work *w, const char *actor, CtErrorCode code, const char *name, const char *format, ...)
{
  g_autoptr (GError) error = NULL;
  va_list args;

  va_start (args, format);
  g_assert_null (work_try_va (w, actor, name, &error, format, args));
  va_end (args);
  g_assert_error (error, CT_ERROR, (int) code);
}

#define work_do(w, actor, name, ...) g_free (work_run (w, actor, name, __VA_ARGS__))

static inline char *
work_text (Work *w, const char *sql)
{
  g_autoptr (GError) error = NULL;
  char *text = ct_db_read_text (w->db, &error, sql, "");

  g_assert_no_error (error);
  return text;
}

static inline gint64
work_count (Work *w, const char *sql)
{
  g_autoptr (GError) error = NULL;
  gint64 value = -1;

  ct_db_read_int (w->db, &value, &error, sql, "");
  g_assert_no_error (error);
  return value;
}

static inline void
work_detect (Work *w)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) counts = ct_detect (w->commander, w->db, "admin", w->now, FALSE, NULL, NULL, &error);

  g_assert_no_error (error);
}

static inline void
work_people (Work *w)
{
  work_do (w, "admin", "person.put", "{\"login\":\"anna\",\"roles\":[\"accounting\"]}");
  work_do (w, "admin", "person.put", "{\"login\":\"boris\",\"roles\":[\"accounting\"]}");
  work_do (w, "admin", "person.put", "{\"login\":\"sam\",\"roles\":[\"sales\"]}");
  work_do (w, "admin", "person.put", "{\"login\":\"robot\",\"roles\":[\"agent\"]}");
  work_do (w, "admin", "person.put", "{\"login\":\"view\",\"roles\":[\"viewer\"]}");
}

/* An invoice over @amount minor units, ten days late. */
static inline void
work_invoice (Work *w, gint64 amount)
{
  w->distributor = work_run (w, "admin", "distributor.create",
                             "{\"legal_name\":\"Nordwind GmbH\",\"currency\":\"EUR\",\"country\":\"DE\"}");
  w->order = work_run (w, "admin", "order.create",
                       "{\"distributor_id\":\"%s\",\"currency\":\"EUR\",\"status\":\"confirmed\","
                       "\"ordered_on\":\"2026-05-01\",\"total_minor\":%" G_GINT64_FORMAT "}",
                       w->distributor, amount);
  w->invoice = work_run (w, "admin", "invoice.create",
                         "{\"order_id\":\"%s\",\"state\":\"issued\",\"amount_minor\":%" G_GINT64_FORMAT
                         ",\"currency\":\"EUR\",\"issued_on\":\"2026-05-01\",\"due_on\":\"2026-05-24\"}",
                         w->order, amount);
  work_detect (w);
  w->exception = work_text (w, "SELECT uuid_text(id) FROM exceptions WHERE rule = 'invoice-overdue'");
}

static inline void
work_set_up (Work *w, gconstpointer data)
{
  CtWorkspaceOptions options = { .trial = TRUE, .environment = "demo", .login = "admin", .time_zone = "UTC" };
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;

  w->folder = ct_test_folder ();
  w->now = work_time ("2026-06-03T09:00:00Z"); /* a Wednesday, business hours in Berlin */
  options.now = w->now;
  ct_workspace_create (w->folder, &options, &error);
  g_assert_no_error (error);
  path = g_build_filename (w->folder, "replica.db", NULL);
  w->db = ct_db_open (path, CT_DB_READ_WRITE, &error);
  g_assert_no_error (error);
  w->commander = ct_commander_new (ct_authority_standalone_new (), &error);
  g_assert_no_error (error);
  work_people (w);
  work_do (
      w, "admin", "channel.add",
      "{\"name\":\"slack\",\"kind\":\"slack\",\"base_url\":\"http://127.0.0.1:9\",\"destination\":\"#ops\"}");
  work_invoice (w, GPOINTER_TO_INT (data) ? GPOINTER_TO_INT (data) : 1284000);
}

static inline void
work_tear_down (Work *w, gconstpointer data)
{
  ct_commander_free (w->commander);
  ct_db_close (w->db);
  ct_test_remove (w->folder);
  g_free (w->folder);
  g_free (w->distributor);
  g_free (w->order);
  g_free (w->invoice);
  g_free (w->exception);
}

/* A task of AccountingFollowUpAgent with one channel. */
static inline char *
work_task (Work *w)
{
  return work_run (w, "anna", "task.create",
                   "{\"exception\":\"%s\",\"agent\":\"AccountingFollowUpAgent\",\"sla\":86400000,"
                   "\"channels\":[{\"channel\":\"slack\",\"destination\":\"#ops\"}]}",
                   w->exception);
}

static inline char *
work_status (Work *w, const char *task)
{
  g_autofree char *sql = g_strdup_printf ("SELECT status FROM follow_up_tasks WHERE id = uuid('%s')", task);

  return work_text (w, sql);
}

static inline void
work_expect_status (Work *w, const char *task, const char *status)
{
  g_autofree char *found = work_status (w, task);

  g_assert_cmpstr (found, ==, status);
}

/* Begins a draft and stores @text for #ops, citing the invoice; the approval that it asks for. */
static inline char *
work_draft (Work *w, const char *task, const char *text)
{
  g_autoptr (GError) error = NULL;
  g_auto (CtOutcome) outcome = { 0 };
  g_autoptr (JsonArray) facts = json_array_new ();
  g_autoptr (JsonObject) args = NULL;
  static const char *const fields[] = { "state", "paid_minor", "due_on" };
  JsonArray *outputs = json_array_new ();
  CtRequest request = { "draft.store", NULL, "robot", w->now, 0, NULL };

  for (guint i = 0; i < G_N_ELEMENTS (fields); i++)
    json_array_add_object_element (
        facts, ct_json_build ("sss", "type", "invoice", "id", w->invoice, "field", fields[i]));
  json_array_add_object_element (
      outputs, ct_json_build ("ssssssia", "kind", "channel_post", "channel", "slack", "destination", "#ops",
                              "language", "en", "text", text, "rationale", "first reminder", "confidence",
                              (gint64) 80, "facts", json_array_ref (facts)));
  args = ct_json_build ("ssssa", "task", task, "provider", "template", "model", "none", "prompt_version", "1",
                        "outputs", outputs);
  if (work_count (w, "SELECT count(*) FROM follow_up_tasks WHERE status = 'drafting'") == 0)
    work_do (w, "robot", "task.begin_draft", "{\"task\":\"%s\"}", task);
  request.args = args;
  ct_commander_execute (w->commander, w->db, &request, &outcome, &error);
  g_assert_no_error (error);
  if (json_array_get_length (ct_json_array (outcome.result, "approvals")) == 0)
    return NULL;
  return g_strdup (json_array_get_string_element (ct_json_array (outcome.result, "approvals"), 0));
}

/* Approves with this workspace's device; the error, or NULL. */
static inline GError *
work_approve (Work *w, const char *actor, const char *approval)
{
  GError *error = NULL;
  g_auto (CtOutcome) outcome = { 0 };
  g_autofree char *device = work_text (w, "SELECT value FROM workspace WHERE key = 'device_id'");
  guint8 secret[CT_DEVICE_SECRET_SIZE];
  CtApprove approve = { w->commander, actor, w->now, { { 0 } }, secret, NULL };
  CtId id;

  g_assert_true (ct_keys_load_device (w->folder, secret, NULL));
  g_assert_true (ct_id_parse (device, &approve.device) && ct_id_parse (approval, &id));
  ct_approve (w->db, &approve, &id, NULL, &outcome, &error);
  return error;
}

static inline void
work_approves (Work *w, const char *actor, const char *approval)
{
  g_autoptr (GError) error = work_approve (w, actor, approval);

  g_assert_no_error (error);
}

static inline void
work_approval_fails (Work *w, const char *actor, const char *approval, CtErrorCode code, const char *part)
{
  g_autoptr (GError) error = work_approve (w, actor, approval);

  g_assert_error (error, CT_ERROR, (int) code);
  if (part && !strstr (error->message, part))
    g_error ("“%s” is not in “%s”", part, error->message);
}

static inline void
work_expect_approval (Work *w, const char *approval, const char *state)
{
  g_autofree char *sql = g_strdup_printf ("SELECT state FROM approvals WHERE id = uuid('%s')", approval);
  g_autofree char *found = work_text (w, sql);

  g_assert_cmpstr (found, ==, state);
}
