#include "pg-device.h"

#include <string.h>

/* Enrolled and logged in. */
PgDevice *
pg_device_new (PgServer *server, const char *database, const char *login)
{
  PgDevice *self = g_new0 (PgDevice, 1);

  self->id = ct_id_new (ct_time_now ());
  pg_server_enrol (server, database, login, &self->id);
  self->session = pg_server_login (server, database, login);
  return self;
}

void
pg_device_free (PgDevice *self)
{
  ct_session_close (self->session);
  g_free (self->intent);
  g_free (self);
}

/* (transfer full): the next intent's bytes */
char *
pg_device_intent (PgDevice *self, const char *command)
{
  CtId id = ct_id_new (ct_time_now ());
  g_autofree char *device = ct_id_to_string (&self->id), *command_id = ct_id_to_string (&id);
  g_autofree char *previous = ct_hash_to_hex (&self->last);
  CtHash no_args = ct_hash ("", 0);
  g_autofree char *args = ct_hash_to_hex (&no_args);
  g_autoptr (JsonObject) object =
      ct_json_build ("ssssisisi", "actor", "somebody", "args_sha256", args, "command_id", command_id,
                     "device_id", device, "device_seq", self->n + 1, "name", command, "occurred_at",
                     (gint64) 1700000000000, "previous_sha256", previous, "v", (gint64) 1);

  return ct_json_canonical_object (object, NULL);
}

/* Pushes the next command; the counter moves only where the server settled it. */
CtVerdict *
pg_device_push (PgDevice *self, const char *command, const char *changes, GError **error)
{
  g_autofree char *intent = pg_device_intent (self, command);
  CtVerdict *outcome = ct_push (self->session, &self->id, self->n + 1, intent, changes, NULL, error);

  if (outcome && outcome->kind != CT_PUSH_FORKED) {
    self->n++;
    self->last = ct_hash (intent, strlen (intent));
    g_free (self->intent);
    self->intent = g_steal_pointer (&intent);
  }
  return outcome;
}

CtVerdict *
pg_device_push_ok (PgDevice *self, const char *command, const char *changes)
{
  g_autoptr (GError) error = NULL;
  CtVerdict *outcome = pg_device_push (self, command, changes, &error);

  g_assert_no_error (error);
  return outcome;
}

CtId
pg_device_add (PgDevice *self, const char *legal_name, const char *region)
{
  CtId id = ct_id_new (ct_time_now ());
  g_autofree char *text = ct_id_to_string (&id);
  g_autofree char *changes = g_strdup_printf ("[{\"table\":\"distributors\",\"id\":\"%s\",\"op\":\"insert\","
                                              "\"columns\":{\"legal_name\":[null,\"%s\"],"
                                              "\"region\":[null,\"%s\"],\"currency\":[null,\"EUR\"]}}]",
                                              text, legal_name, region);
  g_autoptr (CtVerdict) outcome = pg_device_push_ok (self, "d.edit", changes);

  g_assert_cmpstr (outcome->reason, ==, NULL);
  g_assert_cmpint (outcome->kind, ==, CT_PUSH_APPLIED);
  return id;
}

/* (transfer full) (nullable): the only value of the only row */
char *
pg_text (CtSession *session, const char *sql)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CtAnswer) answer = ct_session_query (session, NULL, &error, sql, "");

  g_assert_no_error (error);
  g_assert_cmpint (ct_answer_rows (answer), ==, 1);
  return g_strdup (ct_answer_text (answer, 0, 0));
}

gint64
pg_number (CtSession *session, const char *sql)
{
  g_autofree char *text = pg_text (session, sql);

  return text ? g_ascii_strtoll (text, NULL, 10) : 0;
}
