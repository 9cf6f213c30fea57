#include "slack-process.h"

#include "ct-config.h"
#include "ct-test-folder.h"

#include <libsoup/soup.h>
#include <string.h>

struct _SlackProcess {
  GSubprocess *process;
  char *folder;
  char *url;
};

SlackProcess *
slack_process_new (const char *fail)
{
  SlackProcess *self = g_new0 (SlackProcess, 1);
  g_autofree char *port_file = NULL;
  g_autofree char *log = NULL;
  g_autofree char *port = NULL;
  g_autoptr (GError) error = NULL;

  self->folder = ct_test_folder ();
  port_file = g_build_filename (self->folder, "port", NULL);
  log = g_build_filename (self->folder, "log", NULL);
  self->process = g_subprocess_new (
      G_SUBPROCESS_FLAGS_NONE, &error, "/usr/bin/python3", CT_SOURCE_ROOT "/tests/http/slack-server.py",
      "--port-file", port_file, "--log", log, "--fail", fail ? fail : "", "--channel", "#ops=C000000001",
      "--channel", "#far=C000000002=outside", "--channel", "#old=C000000003=archived", NULL);
  g_assert_no_error (error);
  while (!g_file_get_contents (port_file, &port, NULL, NULL))
    g_usleep (10000);
  self->url = g_strdup_printf ("http://127.0.0.1:%s", g_strstrip (port));
  return self;
}

const char *
slack_process_url (SlackProcess *self)
{
  return self->url;
}

/* (transfer full): a JSON object a line for each request so far */
char *
slack_process_log (SlackProcess *self)
{
  g_autofree char *path = g_build_filename (self->folder, "log", NULL);
  char *text = NULL;

  return g_file_get_contents (path, &text, NULL, NULL) ? text : g_strdup ("");
}

static GBytes *
exchange (SlackProcess *self, const char *method, const char *path, const char *body)
{
  g_autoptr (SoupSession) session = soup_session_new ();
  g_autofree char *url = g_strconcat (self->url, path, NULL);
  g_autoptr (SoupMessage) message = soup_message_new (method, url);
  g_autoptr (GBytes) bytes = g_bytes_new (body, strlen (body));
  g_autoptr (GError) error = NULL;
  GBytes *answer;

  if (*body)
    soup_message_set_request_body_from_bytes (message, "text/plain", bytes);
  answer = soup_session_send_and_read (session, message, NULL, &error);
  g_assert_no_error (error);
  return answer;
}

void
slack_process_fail (SlackProcess *self, const char *mode)
{
  g_bytes_unref (exchange (self, "POST", "/_fail", mode));
}

/* (transfer full): JSON {"messages": […]}, as the server has kept them, oldest first */
char *
slack_process_messages (SlackProcess *self)
{
  g_autoptr (GBytes) answer = exchange (self, "GET", "/_messages", "");

  return g_strndup (g_bytes_get_data (answer, NULL), g_bytes_get_size (answer));
}

/* How many messages that hold @text the server has kept. */
guint
slack_process_count (SlackProcess *self, const char *text)
{
  g_autofree char *all = slack_process_messages (self);
  guint n = 0;

  for (const char *p = all; (p = strstr (p, text)); p++)
    n++;
  return n;
}

void
slack_process_free (SlackProcess *self)
{
  if (!self)
    return;
  g_subprocess_force_exit (self->process);
  g_subprocess_wait (self->process, NULL, NULL);
  g_object_unref (self->process);
  ct_test_remove (self->folder);
  g_free (self->folder);
  g_free (self->url);
  g_free (self);
}
