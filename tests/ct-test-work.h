/* A workspace with the shipped configuration, one overdue invoice of ORD-2026-1047's kind and the exception it raises. */
#pragma once

#define CT_TEST_COMMANDS
#include "ct-test.h"
#include "ct-approvals.h"
#include "ct-detect.h"
#include "ct-rows.h"
#include "ct-task-row.h"
#include "ct-workspace.h"

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
