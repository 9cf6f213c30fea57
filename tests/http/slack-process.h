/* tests/http/slack-server.py as a process of this test. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define SLACK_TOKEN "xoxb-test-token"

typedef struct _SlackProcess SlackProcess;

SlackProcess *slack_process_new (const char *fail);
const char *slack_process_url (SlackProcess *self);
char *slack_process_log (SlackProcess *self);
void slack_process_fail (SlackProcess *self, const char *mode);
char *slack_process_messages (SlackProcess *self);
guint slack_process_count (SlackProcess *self, const char *text);
void slack_process_free (SlackProcess *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SlackProcess, slack_process_free)

G_END_DECLS
